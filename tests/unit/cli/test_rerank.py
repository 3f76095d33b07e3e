"""`vizsla rerank`: runs against the reranker itself, pairs of every layout, refusals."""

import gzip
import io
import json
from pathlib import Path

import pytest

import vizsla
from vizsla.data.runs import Run, falling

from .conftest import PASSAGES, QUERIES, Call

MODELS = Path(__file__).parents[1] / "models/fixtures"
BI, CROSS = MODELS / "st5-bi-mean-norm", MODELS / "st5-cross-identity"
TEXTS = {id_: (title, text) if title else text for id_, title, text in PASSAGES}


@pytest.fixture
def run(call: Call, built: Path, data: Path, tmp_path: Path) -> Path:
    assert call("search", built, "--queries", data, "--run", tmp_path / "first.trec").code == 0
    return tmp_path / "first.trec"


def wanted(run: Path, k: int) -> dict[str, list[str]]:
    """Passages by falling score of the reranker itself, earlier ones first where scores are equal."""
    reranker, made = vizsla.load(CROSS), dict[str, list[str]]()
    for query, hits in Run.read(run).rankings.items():
        ids = [id_ for id_, _ in hits[:k]]
        scores = reranker.score([(QUERIES[query], TEXTS[id_]) for id_ in ids]).tolist()
        made[query] = [id_ for _, id_ in sorted(zip(scores, ids, strict=True), key=lambda pair: -pair[0])]
    return made


@pytest.mark.parametrize("k", [2, 30])
def test_a_run_by_files_and_by_an_index(call: Call, run: Path, built: Path, data: Path, k: int) -> None:
    files, index = run.with_name("files.trec"), run.with_name("index.trec.gz")
    assert call("rerank", CROSS, run, data, "-o", files, "--k", k).code == 0
    done = call("rerank", CROSS, run, built, "--queries", data / "queries.jsonl", "-o", index, "--k", k, "--json")
    assert done.code == 0, done.err
    found = Run.read(files)
    assert {query: [id_ for id_, _ in hits] for query, hits in found.rankings.items()} == wanted(run, k)
    assert gzip.decompress(index.read_bytes()) == files.read_bytes()
    facts = json.loads(done.out)
    assert (facts["run"], facts["queries"], facts["depth"]) == (str(index), len(found.rankings), k)
    assert facts["pairs"] == sum(map(len, found.rankings.values()))
    assert facts["score"] == "logit"


def test_scores_are_the_rerankers(call: Call, run: Path, data: Path) -> None:
    assert call("rerank", CROSS, run, data, "-o", run.with_name("o")).code == 0
    for query, hits in Run.read(run.with_name("o")).rankings.items():
        scores = vizsla.load(CROSS).score([(QUERIES[query], TEXTS[id_]) for id_, _ in hits])
        assert [score for _, score in hits] == pytest.approx(falling(scores).tolist(), abs=1e-5)


def test_missing_texts_are_counted_or_refused(call: Call, run: Path, data: Path) -> None:
    with run.open("a", encoding="utf-8") as file:
        file.write("q1 Q0 absent 99 0.000001 first\nq9 Q0 p1 1 1.0 first\n")
    done = call("rerank", CROSS, run, data, "-o", run.with_name("o"), "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["problems"] == {"unknown_text": 2}
    assert "'absent'" in done.err
    done = call("rerank", CROSS, run, data, "-o", run.with_name("strict"), "--strict")
    assert (done.code, run.with_name("strict").exists()) == (2, False)


def test_pairs_of_every_layout(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [("a bridge?", "city of London"), ("a bridge?", ("city", "of London")), ("打开", "打开文件")]
    (tmp_path / "p.tsv").write_text(
        "a bridge?\tcity of London\na bridge?\tcity\tof London\n\n打开\t\t打开文件\n", encoding="utf-8"
    )
    records = [
        {"query": "a bridge?", "passage": "city of London"},
        {"query": "a bridge?", "title": "city", "passage": "of London"},
        {"query": "打开", "passage": "打开文件"},
    ]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    scores = vizsla.load(CROSS).score(pairs).tolist()
    plain = call("rerank", CROSS, "--pairs", tmp_path / "p.tsv")
    assert [float(line) for line in plain.out.splitlines()] == pytest.approx(scores)
    found = [json.loads(line) for line in call("rerank", CROSS, "--pairs", "-", "--json").out.splitlines()]
    assert [row["score"] for row in found] == pytest.approx(scores)
    assert found[1] == {
        "query": "a bridge?",
        "title": "city",
        "passage": "of London",
        "score": found[1]["score"],
        "kind": "logit",
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("alone", "found 1 columns"),
        ("a\tb\tc\td", "found 4 columns"),
        ('{"query": "x"}', "wanted query and passage"),
        ('{"query": 1, "passage": "x"}', "all of them strings"),
        ('{"query"', "not JSON"),
    ],
)
def test_lines_that_are_no_pair(call: Call, tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "p").write_text(f"a\tb\n{line}\n", encoding="utf-8")
    done = call("rerank", CROSS, "--pairs", tmp_path / "p")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert f"{tmp_path / 'p'}:2: found" in done.err
    assert said in done.err


def test_refusals(call: Call, run: Path, built: Path, data: Path, tmp_path: Path) -> None:
    for arguments, said in [
        ((CROSS,), "found no RUN; wanted RUN DATA --output FILE, or --pairs FILE"),
        ((CROSS, run, data), "found no --output"),
        ((CROSS, run, data, "--pairs", run), "found --pairs and parts of a run"),
        ((BI, run, data, "-o", tmp_path / "o"), "found an encoder; wanted a reranker"),
        ((CROSS, run, built, "-o", tmp_path / "o"), "--queries"),
        ((CROSS, tmp_path / "absent", data, "-o", tmp_path / "o"), "absent: is not there"),
    ]:
        done = call("rerank", *arguments)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), arguments
        assert said in done.err
    other = tmp_path / "other.jsonl"
    other.write_text('{"_id": "elsewhere", "text": "x"}\n')
    done = call("rerank", CROSS, run, other, "--queries", data, "-o", tmp_path / "o")
    assert (done.code, "the texts of no candidate" in done.err, (tmp_path / "o").exists()) == (2, True, False)


def test_a_folder_is_no_place_for_a_run(call: Call, run: Path, data: Path, tmp_path: Path) -> None:
    done = call("rerank", CROSS, run, data, "-o", tmp_path)
    assert (done.code, "found a folder; wanted the name of a file" in done.err) == (2, True)
