"""One thing in a process of its own, so that its memory and its start-up can be measured.

    python benchmarks/lexical_once.py WHAT SET_FOLDER OUTPUT_FOLDER

WHAT is one of the functions below; the last line printed is JSON: seconds, peak MiB, MiB on disk.
"""

import json
import logging
import re
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from clock import peak_mib, size_mib

K1, B = 0.9, 0.4
_RUN = re.compile(r"[\u3041-\u9fff]+|[^\W_\u3041-\u9fff]+")


def is_chinese(folder: str | Path) -> bool:
    return Path(folder).name.endswith("-zh")


def titles(folder: str | Path) -> Any:
    """The titles of wenyan-zh name the book and are not searched."""
    return "store" if Path(folder).name == "wenyan-zh" else "index"


def texts_of(folder: str | Path) -> list[str]:
    """The searched text of every passage, as one string each."""
    from vizsla import read_passages

    joined = titles(folder) == "index"
    return [f"{one.title}\n{one.text}" if joined and one.title else one.text for one in read_passages(folder)]


def grams(text: str) -> list[str]:
    """Single characters and pairs within runs of ideographs, words elsewhere: as users of bm25s write it."""
    found: list[str] = []
    for run in _RUN.findall(text.lower()):
        if run[0] >= "\u3041":
            found += run
            found += [one + other for one, other in pairwise(run)]
        else:
            found.append(run)
    return found


def tokenize(texts: list[str], *, chinese: bool) -> Any:
    """Texts to bm25s' tokens, the quickest way its users have."""
    import bm25s
    import Stemmer

    if not chinese:
        return bm25s.tokenize(texts, stopwords="en", stemmer=Stemmer.Stemmer("english"), show_progress=False)
    known: dict[str, int] = {}
    return bm25s.tokenization.Tokenized(
        [[known.setdefault(gram, len(known)) for gram in grams(t)] for t in texts], known
    )


def bm25s_index(tokens: Any) -> Any:
    import bm25s

    index = bm25s.BM25(k1=K1, b=B, method="lucene", backend="numba")
    index.index(tokens, show_progress=False)
    return index


def build_whole(folder: str, output: str) -> Iterator[None]:
    """vizsla: passages in memory to a committed collection, the corpus stored with it."""
    from vizsla import FrozenCollection, IndexSettings, read_passages

    passages = list(read_passages(folder))
    yield
    FrozenCollection.build(passages, Path(output) / "index", IndexSettings(titles=titles(folder)))


def build_streamed(folder: str, output: str) -> Iterator[None]:
    """vizsla: file to a committed collection in bounded memory; reading and unpacking are counted."""
    from vizsla import FrozenCollection, IndexSettings, read_passages

    yield
    FrozenCollection.build(read_passages(folder), Path(output) / "index", IndexSettings(titles=titles(folder)))


def build_postings(folder: str, output: str) -> Iterator[None]:
    """vizsla: texts in memory to an index and an encoder on disk, without the corpus, as bm25s makes it."""
    from vizsla import Analyzer
    from vizsla.encoders.lexical import LexicalEncoder
    from vizsla.encoders.vocabulary import Vocabulary
    from vizsla.indexes import inverted
    from vizsla.indexes.forward import Forward
    from vizsla.text.analyzer import pack
    from vizsla.text.counting import TermCounter

    texts, target = texts_of(folder), Path(output)
    yield
    analyzer = Analyzer.fit(texts[:: max(1, len(texts) // 2000)])
    target.mkdir(parents=True)
    counter, forward = TermCounter(analyzer), Forward(target)
    for start in range(0, len(texts), 256):
        forward.add(counter.count(pack(texts[start : start + 256])), len(counter))
    vocabulary, order = Vocabulary.build(*counter.packed_terms(), forward.frequencies[: len(counter)])
    encoder = LexicalEncoder(analyzer, vocabulary, len(texts))
    encoder.save(target / "encoder")
    inverted.write(target / "index", forward, order, encoder.weighting, budget_bytes=256 << 20)
    forward.close()


def build_bm25s(folder: str, output: str) -> Iterator[None]:
    """bm25s: texts in memory to a saved index, the corpus not stored."""
    texts = texts_of(folder)
    yield
    bm25s_index(tokenize(texts, chinese=is_chinese(folder))).save(output, show_progress=False)


def search_vizsla(folder: str, output: str) -> Iterator[None]:
    """vizsla: map an index and search 500 queries."""
    from vizsla import load

    queries = queries_of(folder)
    yield
    load(Path(output) / "index").retriever.search(queries, 10)


def search_bm25s(folder: str, output: str) -> Iterator[None]:
    """bm25s: load an index, memory-mapped, and search 500 queries."""
    import bm25s

    queries = queries_of(folder)
    yield
    index = bm25s.BM25.load(output, mmap=True)
    index.backend = "numba"
    tokens = [[gram for gram in grams(text) if gram in index.vocab_dict] for text in queries]
    index.retrieve(tokens, k=10, n_threads=1, show_progress=False)


def queries_of(folder: str | Path) -> list[str]:
    from vizsla import Judgements
    from vizsla.data.formats.beir import splits

    split = "dev" if "dev" in splits(folder) else "test"
    return list(Judgements.read(folder, split=split).queries.values())[:500]


_KNOWN: dict[str, Callable[[str, str], Iterator[None]]] = {
    one.__name__: one for one in (build_whole, build_streamed, build_postings, build_bm25s, search_vizsla, search_bm25s)
}


def main() -> None:
    what, folder, output = sys.argv[1:]
    logging.getLogger("vizsla").setLevel(logging.ERROR)
    steps = _KNOWN[what](folder, output)
    begin = time.perf_counter()
    next(steps)
    ready, before = time.perf_counter(), peak_mib()
    next(steps, None)
    done = time.perf_counter()
    sizes = {"peak_mib": peak_mib(), "before_mib": before, "size_mib": size_mib(output)}
    print(json.dumps({"read_s": ready - begin, "seconds": done - ready} | sizes))


if __name__ == "__main__":
    main()
