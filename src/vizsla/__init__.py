"""vizsla, the pointer-retriever: finds the right passage and puts it first.

    >>> import tempfile, vizsla
    >>> passages = [vizsla.Passage("a", "Vizslas point at birds"), vizsla.Passage("b", "维兹拉犬会指示猎物")]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     index = vizsla.FrozenCollection.build(passages, f"{folder}/dogs.index")
    ...     hits = index.retriever.search(["which dog points at birds?"], k=1)
    ...     index.corpus.ids.many(hits.row(0)[0])
    ['a']

The names below are the public face; each is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vizsla.assembly import load
    from vizsla.collections.collection import Collection
    from vizsla.collections.frozen import FrozenCollection, IndexSettings
    from vizsla.core.errors import VizslaError
    from vizsla.core.hits import Hits
    from vizsla.core.protocols import Passage
    from vizsla.data.judgements import Judgements
    from vizsla.data.runs import Run
    from vizsla.data.sources import read_passages
    from vizsla.encoders.bm25 import BM25
    from vizsla.evaluating.compare import compare
    from vizsla.evaluating.measuring import evaluate, measure
    from vizsla.text.analyzer import Analyzer
    from vizsla.text.settings import AnalyzerSettings

__all__ = [
    "BM25",
    "Analyzer",
    "AnalyzerSettings",
    "Collection",
    "FrozenCollection",
    "Hits",
    "IndexSettings",
    "Judgements",
    "Passage",
    "Run",
    "VizslaError",
    "compare",
    "evaluate",
    "load",
    "measure",
    "read_passages",
]

_HOMES = {
    "BM25": "vizsla.encoders.bm25",
    "Analyzer": "vizsla.text.analyzer",
    "AnalyzerSettings": "vizsla.text.settings",
    "Collection": "vizsla.collections.collection",
    "FrozenCollection": "vizsla.collections.frozen",
    "Hits": "vizsla.core.hits",
    "IndexSettings": "vizsla.collections.frozen",
    "Judgements": "vizsla.data.judgements",
    "Passage": "vizsla.core.protocols",
    "Run": "vizsla.data.runs",
    "VizslaError": "vizsla.core.errors",
    "compare": "vizsla.evaluating.compare",
    "evaluate": "vizsla.evaluating.measuring",
    "load": "vizsla.assembly",
    "measure": "vizsla.evaluating.measuring",
    "read_passages": "vizsla.data.sources",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'vizsla' has no attribute '{name}'")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
