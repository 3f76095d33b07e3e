import pytest

from vizsla.core.errors import SettingsError
from vizsla.retrievers.steps import MinScore, Parents, Pipeline, ReciprocalRanks, Rerank, Top, WeightedScores
from vizsla.retrievers.syntax import parse

A, B, C = Pipeline("a"), Pipeline("b"), Pipeline("c")
READ = {
    "a": A,
    " ( ( a ) ) ": A,
    '"a"': A,
    '"top"': Pipeline("top"),
    '"my \\"stage\\""': Pipeline('my "stage"'),
    "维兹拉": Pipeline("维兹拉"),
    "rrf(a, b)": Pipeline(ReciprocalRanks((A, B))),
    "rrf(a,b,k=10,depth=50)": Pipeline(ReciprocalRanks((A, B), k=10, depth=50)),
    "rrf(a=2, b)": Pipeline(ReciprocalRanks((A, B), (2.0, 1.0))),
    'rrf("depth"=2, depth=3)': Pipeline(ReciprocalRanks((Pipeline("depth"),), (2.0,), depth=3)),
    "weighted(a=.3, b=7e-1)": Pipeline(WeightedScores((A, B), (0.3, 0.7))),
    'weighted(a, b=0, norm="zscore")': Pipeline(WeightedScores((A, B), (1.0, 0.0), "zscore")),
    "rrf(a >> top(5), b)": Pipeline(ReciprocalRanks((Pipeline("a", (Top(5),)), B))),
    "rrf((a >> top(5))=2, rrf(b, c)=3)": Pipeline(
        ReciprocalRanks((Pipeline("a", (Top(5),)), Pipeline(ReciprocalRanks((B, C)))), (2.0, 3.0))
    ),
    "(a >> top(5)) >> top(3)": Pipeline("a", (Top(5), Top(3))),
    "a >> rerank(m)": Pipeline("a", (Rerank("m"),)),
    "a>>rerank(ms-marco/MiniLM-L6.v2,depth=5,budget_ms=100,tail=cut)": Pipeline(
        "a", (Rerank("ms-marco/MiniLM-L6.v2", 5, 100.0, "cut"),)
    ),
    "a >>\n  min_score(-.5)\n  >> parents()": Pipeline("a", (MinScore(-0.5), Parents())),
    "a >> parents(sum, depth=9)": Pipeline("a", (Parents("sum", 9),)),
    "a >> parents(depth=9)": Pipeline("a", (Parents("max", 9),)),
}

CANONICAL = {
    '"a"': "a",
    '"top"': '"top"',
    "((rrf(a,b)))": "rrf(a, b)",
    "rrf(a=1,b=2.50,k=60)": "rrf(a, b=2.5)",
    'weighted("my stage"=1e3,norm="zscore")': 'weighted("my stage"=1000, norm=zscore)',
    "rrf(((a>>top(5)))=2)": "rrf((a >> top(5))=2)",
    "a>>rerank(m,depth=30,budget_ms=1e2)": "a >> rerank(m, budget_ms=100)",
    "a>>parents()>>min_score(.10)": "a >> parents(max) >> min_score(0.1)",
}

REFUSED = {
    "": ("found the end", "wanted a stage's name", 1),
    "rff(a, b)": ("found 'rff'", "did you mean 'rrf'?", 1),
    "top(10)": ("found 'top'", "a step stands behind '>>'", 1),
    "k": ("found 'k'", "in double quotes", 1),
    "rrf()": ("found ')'", "wanted a stage's name", 5),
    "rrf(a,, b)": ("found ','", "wanted a stage's name", 7),
    "rrf(a, b": ("found the end", "',' or ')'", 9),
    "rrf(a b)": ("found 'b'", "',' or ')'", 7),
    "rrf(a, depth=5, b)": ("found 'b'", "pipelines stand before options", 17),
    "rrf(depth=5)": ("found 0 pipelines", "1 to 64", 1),
    "rrf(a, norm=minmax)": ("found 'norm'", "known: k, depth", 8),
    "rrf(a, k=1, k=2)": ("found 'k'", "each option once", 13),
    "rrf(a, k=1.5)": ("found '1.5'", "a whole number", 10),
    "rrf(a, depth=0)": ("found a depth of 0", "1 to 100,000", 1),
    "rrf(a=-1)": ("found the weights (-1.0,)", "above 0", 1),
    "rrf(a=b)": ("found 'b'", "a number", 7),
    "weighted(a, norm=minmx)": ("found 'minmx'", "one of minmax, zscore", 18),
    "a >> rernk(m)": ("found 'rernk'", "did you mean 'rerank'?", 6),
    'a >> "top"(3)': ("found '\"top\"'", "known: rerank, top, min_score, parents", 6),
    "a >> 3": ("found '3'", "known: rerank", 6),
    "a >> rerank()": ("found ')'", "the reranker of rerank", 13),
    "a >> rerank(dept=3)": ("found 'dept'", "the reranker of rerank", 13),
    "a >> rerank(m, dept=3)": ("found 'dept'", "did you mean 'depth'?", 16),
    "a >> rerank(m, 3)": ("found '3'", "known: depth, budget_ms, tail", 16),
    "a >> rerank(m, depth 3)": ("found '3'", "'='", 22),
    "a >> rerank(3)": ("found '3'", "a name", 13),
    "a >> rerank(m, budget_ms=0)": ("a budget of 0.0 ms", "above 0", 6),
    "a >> rerank(m) >> min_score(1)": ("min_score(1) after rerank(m)", "wanted tail=cut", 19),
    "a >> top": ("found the end", "'('", 9),
    "a >> top(3": ("found the end", "',' or ')'", 11),
    "a >> top(3, k=3)": ("found 'k'", "it has none", 13),
    "a >> top(1e400)": ("found '1e400'", "a whole number", 10),
    "a >> min_score(1e400)": ("the least score inf", "finite", 6),
    "a >> parents(mean)": ("found 'mean'", "one of max, sum", 14),
    "a >> top(3)=2": ("found '='", "'>>' or the end", 12),
    "a > b": ("found '>'", "names, numbers", 3),
    "a b": ("found 'b'", "'>>' or the end", 3),
    '"a': ("found '\"'", "names, numbers", 1),
    '"\\q"': ("found '\"\\q\"'", "JSON's escapes", 1),
    '""': ("found '' for the name of a stage", "1 to 200", 1),
    '"a\\n"': ("for the name of a stage", "printable", 1),
    "(" * 21 + "a": ("found '('", "at most 20", 21),
    "a" + " >> top(1)" * 33: ("33 steps", "at most 32", 326),
}


@pytest.mark.parametrize("text", READ)
def test_what_is_written_is_read(text: str) -> None:
    assert parse(text) == READ[text]
    assert parse(str(READ[text])) == READ[text]


@pytest.mark.parametrize("text", CANONICAL)
def test_every_pipeline_has_one_spelling(text: str) -> None:
    assert str(parse(text)) == CANONICAL[text]
    assert str(parse(CANONICAL[text])) == CANONICAL[text]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_pipeline_is_shown_where(text: str) -> None:
    found, wanted, column = REFUSED[text]
    with pytest.raises(SettingsError) as refused:
        parse(text)
    said, line, marks = str(refused.value).split("\n")
    assert found in said
    assert wanted in said
    assert marks.endswith(f"^ column {column}")
    if len(text) < 60 and column <= len(text):
        assert line == f"  {text}"
        assert marks.index("^") == 2 + column - 1


def test_the_mark_stands_under_wide_signs_and_in_its_own_line() -> None:
    with pytest.raises(SettingsError) as refused:
        parse("rrf(维兹拉,\n\t猎犬 犬)")
    _, line, marks = str(refused.value).split("\n")
    assert line == "   猎犬 犬)"
    assert marks == "        ^ line 2, column 5"


def test_of_a_long_line_the_part_around_the_fault_is_shown() -> None:
    with pytest.raises(SettingsError) as refused:
        parse(f"rrf({', '.join(f'stage{at}' for at in range(60))}, ?, b)")
    _, line, marks = str(refused.value).split("\n")
    assert len(line) < 80
    assert line[marks.index("^")] == "?"


def test_limits() -> None:
    with pytest.raises(SettingsError, match="5,000 characters"):
        parse("a" * 5000)
    nested = "a"
    for _ in range(8):
        nested = f"rrf({nested})"
    assert parse(nested).nested == 8
    with pytest.raises(SettingsError, match="fusions 9 deep"):
        parse(f"rrf({nested})")
    with pytest.raises(SettingsError, match="65 pipelines"):
        parse(f"rrf({', '.join('a' * 65)})")
