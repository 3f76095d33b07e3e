"""Texts to numbered terms in one process: vizsla, bm25s' tokenizer, tantivy's analyzer, grams in plain Python."""

from collections.abc import Callable
from pathlib import Path

from clock import interleave, ratios, spread, table
from lexical_once import grams, texts_of, tokenize

from vizsla import Analyzer
from vizsla.text.analyzer import pack
from vizsla.text.counting import TermCounter

BATCH = 256


def run(data: Path, rounds: int) -> None:
    for name, limit in (("squad-en", 50_000), ("wenyan-zh", 200_000)):
        if (data / name).is_dir():
            _compare(name, texts_of(data / name)[:limit], rounds)


def _compare(name: str, texts: list[str], rounds: int) -> None:
    ways = {"vizsla": _ours(texts)} | (_chinese(texts) if name.endswith("-zh") else _english(texts))
    seconds = interleave(ways, rounds)
    characters = sum(map(len, texts))
    print(f"\n{name}: {len(texts):,} texts of {characters / len(texts):.0f} characters; one process, one core")
    unit = 1e-9 * characters
    rows = []
    for way, found in seconds.items():
        rate = spread([len(texts) / one for one in found], 1, 0)
        rows.append([way, rate, spread(found, unit, 0), spread(ratios(found, seconds["vizsla"]))])
    table(("tokenizer", "passages a second", "ns a character", "time by vizsla's"), rows)


def _ours(texts: list[str]) -> Callable[[], object]:
    analyzer = Analyzer.fit(texts[:: max(1, len(texts) // 2000)])

    def count() -> None:
        counter = TermCounter(analyzer)
        for start in range(0, len(texts), BATCH):
            counter.count(pack(texts[start : start + BATCH]))
        counter.packed_terms()

    return count


def _english(texts: list[str]) -> dict[str, Callable[[], object]]:
    from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

    # tantivy's own en_stem: words, none beyond 40 bytes, lower case, Snowball stems; it drops no stop words
    def analyzer(*filters: Filter) -> TextAnalyzer:
        builder = TextAnalyzerBuilder(Tokenizer.simple())
        for one in (Filter.remove_long(40), Filter.lowercase(), *filters):
            builder = builder.filter(one)
        return builder.build()

    plain, stemming = analyzer(), analyzer(Filter.stemmer("english"))
    return {
        "bm25s.tokenize, stop words and PyStemmer": lambda: tokenize(texts, chinese=False),
        "tantivy en_stem, tokens left in Rust": lambda: [stemming.pre_tokenize(text) for text in texts],
        "tantivy en_stem, lists of strings": lambda: [stemming.analyze(text) for text in texts],
        "tantivy without stems, tokens left in Rust": lambda: [plain.pre_tokenize(text) for text in texts],
    }


def _chinese(texts: list[str]) -> dict[str, Callable[[], object]]:
    return {
        "a list comprehension of characters and pairs": lambda: [grams(text) for text in texts],
        "the same, numbered for bm25s": lambda: tokenize(texts, chinese=True),
    }
