"""What a collection is made with: its encoders, its analyzer, its BM25; fixed when it is created.

Knows names and plain values, as the commit log keeps them. Refuses to know models: they are loaded when needed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from vizsla.core import settings as plain
from vizsla.core.errors import ArtifactError, SettingsError
from vizsla.encoders.bm25 import BM25
from vizsla.indexes.quantised import RECALL
from vizsla.text.settings import AUTO, AnalyzerSettings

Kind: TypeAlias = Literal["lexical", "sparse", "dense"]
LEXICAL = "bm25"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_VARIANT = "lucene"


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """One encoder of a collection.

    Attributes:
        name: what pipelines call it, and the folder of its part in every segment.
        kind: what its vectors are.
        model: where it is loaded from; empty for BM25.
        dim: the width of its vectors; 0 for BM25, whose width is its vocabulary's.
        contract: id and parts of what its vectors mean; empty for BM25.
    """

    name: str
    kind: Kind
    model: str = ""
    dim: int = 0
    contract: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CollectionSettings:
    """All that every segment of a collection has in common.

    Attributes:
        encoders: in the order they were named.
        analyzer: texts to terms, resolved.
        bm25: of the Lucene variant, which alone needs nothing but live statistics.
        recall: the share of the best by dense vectors that a search should find; 1 searches all of them exactly.

    Raises:
        SettingsError: no encoder, one name twice, another BM25, or a recall that cannot be.
    """

    encoders: tuple[EncoderSettings, ...]
    analyzer: AnalyzerSettings
    bm25: BM25 = field(default_factory=BM25)
    recall: float = RECALL

    def __post_init__(self) -> None:
        names = [one.name for one in self.encoders]
        if not names or len(set(names)) != len(names):
            raise SettingsError(f"found the encoders {names}; wanted at least one, each under its own name")
        if self.bm25.variant != _VARIANT:
            raise SettingsError(f"found the BM25 variant '{self.bm25.variant}'; a collection offers '{_VARIANT}' alone")
        if not 0 < self.recall <= 1:
            raise SettingsError(f"found recall={self.recall}; wanted a share above 0, or 1 for all")

    def encoder(self, name: str) -> EncoderSettings:
        """The encoder of a name.

        Raises:
            SettingsError: the collection has none of this name.
        """
        known = {one.name: one for one in self.encoders}
        if name not in known:
            raise SettingsError(f"found no encoder '{name}' in the collection; {plain.nearest(name, known)}")
        return known[name]

    def to_mapping(self) -> dict[str, Any]:
        """Plain values, as the commit log keeps them."""
        encoders = [plain.to_mapping(one) for one in self.encoders]
        analyzer, bm25 = plain.to_mapping(self.analyzer), plain.to_mapping(self.bm25)
        return {"encoders": encoders, "analyzer": analyzer, "bm25": bm25, "recall": self.recall}

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], *, where: str) -> "CollectionSettings":
        """Read what `to_mapping` made.

        Raises:
            ArtifactError: no settings of a collection.
        """
        try:
            encoders = tuple(plain.from_mapping(EncoderSettings, one) for one in values["encoders"])
            analyzer = plain.from_mapping(AnalyzerSettings, values["analyzer"])
            return cls(encoders, analyzer, plain.from_mapping(BM25, values["bm25"]), float(values["recall"]))
        except (SettingsError, KeyError, ValueError, TypeError, AttributeError) as error:
            found = f"found settings that are no collection's ({error})"
            raise ArtifactError(f"{where}: {found}; restore it from a copy, or build it again") from error


def mixed(settings: AnalyzerSettings | None = None, *, language: str = AUTO) -> AnalyzerSettings:
    """The analyzer of a collection, settled before there is a text to look at.

    `auto` analyzes by script, run by run: ideographs as characters and pairs, words between them as English.

    >>> mixed().language, mixed().ideographs
    ('english', 'grams')
    """
    given = settings or AnalyzerSettings(language=language)
    if given.language != AUTO:
        return given.resolved(())
    return replace(replace(given, language="zh").resolved(()), chosen="by script, run by run: fixed at creation")


def named(encoder: str) -> tuple[str, str]:
    """The name and the model of an encoder as a user writes it; BM25 has no model.

    >>> named("bm25"), named("minilm=models/all-MiniLM-L6-v2")
    (('bm25', ''), ('minilm', 'models/all-MiniLM-L6-v2'))

    Raises:
        SettingsError: a name that a pipeline could not speak of.
    """
    name, _, model = encoder.partition("=")
    name, model = name.strip(), model.strip()
    if not _NAME.fullmatch(name) or (name == LEXICAL) != (not model):
        found = f"found the encoder '{encoder}'"
        wanted = "wanted 'bm25', or NAME=MODEL with a name of letters, digits and underscores: 'minilm=FOLDER'"
        raise SettingsError(f"{found}; {wanted}")
    return name, model
