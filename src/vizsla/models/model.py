"""A model that runs: a description's tokenizer, its compiled graph, a runtime and batches.

Texts in any number become rows of output, block by block, so that memory does not grow with them. Knows how the
parts are put together; refuses to know what the outputs mean.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import ArtifactError, SettingsError
from vizsla.core.protocols import Runtime
from vizsla.core.vectors import Dense
from vizsla.models import cache, digests
from vizsla.models.description import Architecture, Description, Head
from vizsla.models.tokenizer import Tokenizer
from vizsla.models.windows import cut
from vizsla.runtimes.batches import Budget, outputs
from vizsla.runtimes.rows import TokenRows

Side: TypeAlias = Literal["queries", "passages", "pairs"]
Output: TypeAlias = tuple[npt.NDArray[np.int64], Dense]
PRECISIONS = ("fp32", "bf16")
_TEXTS = 1 << 14
_CHARACTERS = 1 << 23
"""Texts and characters whose tokens are held at once."""
_LOGITS = 1 << 25
"""Logits of a masked-LM in one batch: 128 MiB."""
_UNCUT = 1 << 30


@dataclass(slots=True)
class Truncation:
    """What did not fit: how many texts came, how many were cut, how many tokens they lost."""

    texts: int = 0
    cut: int = 0
    tokens: int = 0
    told: bool = field(default=False, repr=False, compare=False)

    def add(self, rows: TokenRows) -> None:
        """Count further rows."""
        self.texts += len(rows)
        self.cut += int(np.count_nonzero(rows.cut))
        self.tokens += int(rows.cut.sum())

    def tell(self, description: Description, side: Side) -> None:
        """Warn of what was cut, the first time that anything was."""
        if not self.cut or self.told:
            return
        self.told = True
        layout = description.layout
        length = layout.query_length if side == "queries" else layout.passage_length
        logging.getLogger("vizsla").warning(
            "%s: %d of %d %s were longer than %d tokens and were cut (by %d tokens); further ones are only counted",
            *(description.name, self.cut, self.texts, side, length, self.tokens),
        )


class Model:
    """One tower, or one reranker, that runs.

    Args:
        description: its weights are let go once the graph stands.
        runtime: runs the graph; without it one is started for the graph of the cache, built where it is not there.
        precision: "fp32" by onnxruntime, "bf16" by OpenVINO.
        windows: long passages and pairs are cut into windows and not to one length.

    Raises:
        SettingsError: another precision.
        MissingExtraError: a precision whose runtime is not installed.
        ArtifactError: a graph that cannot be built.
    """

    def __init__(
        self,
        description: Description,
        *,
        runtime: Runtime | None = None,
        precision: str = "fp32",
        windows: bool = False,
    ) -> None:
        self.digest = digests.of(description)
        self.description = replace(description, weights={})
        self.precision = precision
        self.windows = windows
        self.truncated: dict[Side, Truncation] = {side: Truncation() for side in get_args(Side)}
        self._runtime = runtime or start(cache.compiled(description, made_from=self.digest), precision)
        self._tokenizer = Tokenizer(description.tokens, description.layout)
        a, pad = description.architecture, description.tokens.pad
        tokens = 4096 if description.head.kind != "terms" else max(128, min(4096, _LOGITS // a.vocabulary))
        self._budget = Budget(tokens=tokens, longest=max(0, a.positions - a.first_position), pad=pad)

    @property
    def width(self) -> int:
        """Columns of the output."""
        return width(self.description.architecture, self.description.head)

    @property
    def runtime(self) -> str:
        """What runs the graph, for the record."""
        return type(self._runtime).__name__

    def outputs(self, texts: Sequence[Any], side: Side) -> Iterator[Output]:
        """What the graph computes, batch by batch: (positions in `texts`, (n, width) values).

        Every position comes once, or once a window; longer texts come before shorter ones of their block.

        Raises:
            DataError: something that is no text.
            ArtifactError: an output of another width than the description's.
        """
        for start, stop in pairwise(_blocks(texts)):
            rows, origin = self._rows(texts[start:stop], side)
            self.truncated[side].add(rows)
            for positions, values in outputs(self._runtime, rows, self._budget):
                if values.shape[1] != self.width:
                    found = f"an output of {values.shape[1]} columns"
                    raise ArtifactError(f"{self.description.name}: found {found}; wanted {self.width}")
                yield origin[positions] + start, values
        self.truncated[side].tell(self.description, side)

    def _rows(self, texts: Sequence[Any], side: Side) -> tuple[TokenRows, npt.NDArray[np.int64]]:
        """Rows of tokens, and the text that each is of."""
        if side != "queries" and self.windows:
            return self._windows(texts, side)
        rows: TokenRows = getattr(self._tokenizer, side)(texts)
        return rows, np.arange(len(rows))

    def _windows(self, texts: Sequence[Any], side: Side) -> tuple[TokenRows, npt.NDArray[np.int64]]:
        layout, tokens = self.description.layout, self.description.tokens
        whole = Tokenizer(tokens, replace(layout, passage_length=_UNCUT))
        rows: TokenRows = getattr(whole, side)(texts)
        after = np.full(len(rows), 1 if layout.specials else 0)
        if side == "pairs":
            bare = whole.pairs([(query, "") for query, _ in texts]).lengths()
            before = bare if layout.titles == "tokens" else bare - after  # that layout closes no empty text
        elif layout.titles == "segment":
            titles = ["" if isinstance(text, str) else text[0] for text in texts]
            before = whole.passages([(title, "") for title in titles]).lengths() - after
        else:
            frame = 1 + layout.empty_first * (1 + tokens.double_sep)
            before = np.full(len(rows), frame if layout.specials else 0)
        return cut(rows, before, after, layout.passage_length)


def start(graph: Path, precision: str) -> Runtime:
    """A runtime over a graph's file.

    Raises:
        SettingsError: a precision that no runtime has here.
        MissingExtraError: a precision whose runtime is not installed.
    """
    if precision == "bf16":
        from vizsla.runtimes.openvino_session import OpenVinoRuntime

        return OpenVinoRuntime(graph, precision="bf16")
    if precision == "int8":
        raise SettingsError(
            "found precision='int8'; a model is quantised and checked once: run `vizsla compile`, then load its folder"
        )
    if precision != "fp32":
        raise SettingsError(f"found precision={precision!r}; wanted one of {', '.join(PRECISIONS)}")
    from vizsla.runtimes.onnxruntime_session import OnnxRuntime

    return OnnxRuntime(graph)


def width(architecture: Architecture, head: Head) -> int:
    """Columns of a description's output.

    >>> width(Architecture("bert", 30, hidden=8), Head("vector", ("cls", "mean")))
    16
    """
    if head.kind == "score":
        return 1
    if head.kind == "terms":
        return architecture.vocabulary
    if head.dense:
        return head.widths[-1] if head.widths else architecture.hidden
    return architecture.hidden * len(head.pooling)


def _blocks(texts: Sequence[Any]) -> Iterator[int]:
    """Where blocks of texts begin, and where the last ends."""
    yield 0
    count = size = 0
    for place, text in enumerate(texts):
        size += len(text) if isinstance(text, str) else sum(map(len, _strings(text)))
        count += 1
        if count == _TEXTS or size > _CHARACTERS:
            yield place + 1
            count = size = 0
    if count:
        yield len(texts)


def _strings(text: Any) -> Iterator[str]:
    """The strings of a nest of pairs; what is none is the tokenizer's to refuse."""
    for part in text if isinstance(text, tuple | list) else ():
        if isinstance(part, str):
            yield part
        else:
            yield from _strings(part)
