"""The benchmarks of collections: exact answers are exact, and engines are asked for them through one door."""

import importlib
import json
from argparse import Namespace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from vizsla import Passage, assembly

FOLDER = Path(__file__).parents[3] / "benchmarks"
WORDS = [
    "vizsla",
    "points",
    "at",
    "birds",
    "in",
    "the",
    "field",
    "while",
    "a",
    "poodle",
    "swims",
    "and",
    "every",
    "hound",
    "sleeps",
    "near",
    "old",
    "warm",
    "stones",
]
COUNT, ASKED, DIM = 300, 12, 16


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(assembly, "load", assembly.load)  # the scripts put stand-ins there
    for name in ("VIZSLA_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "1")  # as the scripts would, but for this test alone
    return importlib.import_module


@pytest.fixture
def judged(load: Any) -> Any:
    data: ModuleType = load("collection_data")
    rows = load("sparse_data").Rows
    draws = np.random.default_rng(3)

    def sparse(count: int) -> Any:
        columns = np.concatenate([np.sort(draws.choice(50, 5, replace=False)) for _ in range(count)])
        return rows(5 * np.arange(count + 1), columns.astype(np.int32), draws.integers(1, 200, 5 * count), 50)

    texts = [" ".join(draws.choice(WORDS, 12)) + f" number{at}" for at in range(COUNT)]
    passages = [
        Passage(f"set/{at}", text, metadata={"set": "set", "draw": int(draws.integers(1000))})
        for at, text in enumerate(texts)
    ]
    queries = {f"q{at}": " ".join(draws.choice(WORDS, 3, replace=False)) + f" {at}" for at in range(ASKED)}
    dense = draws.standard_normal((COUNT + ASKED, DIM)).astype(np.float32)
    dense /= np.linalg.norm(dense, axis=1, keepdims=True)
    grades = {query: {"set/1": 1} for query in queries}
    return data.Judged(passages, queries, grades, dense[:COUNT], dense[COUNT:], sparse(COUNT), sparse(ASKED))


def test_a_collection_finds_the_exact_answers_through_the_door(load: Any, judged: Any, tmp_path: Path) -> None:
    given_of, engines = load("collection_given"), load("collection_engines")
    given_of.write(judged, tmp_path / "given")
    given = given_of.Given.load(tmp_path / "given")
    truth = given_of.Truth(given)
    assert 0 < given.allowed.sum() < COUNT / 2
    engines.VizslaFlat.build(given, tmp_path / "made")
    for kind in (engines.VizslaFlat, engines.VizslaResults):
        engine = kind(given, tmp_path / "made")
        for mode in kind.modes:
            for row in range(ASKED):
                found = [int(one) for one in engine.search(mode, row, 10, 0.0)]
                assert found == truth.best(mode, row, 10), (kind, mode, row)
    assert truth.best("filtered-dense", 0, COUNT) == [
        row for row in truth.best("dense", 0, COUNT) if given.allowed[row]
    ]


def test_what_is_put_together_by_hand_finds_the_same(load: Any, judged: Any, tmp_path: Path) -> None:
    pytest.importorskip("faiss", reason="FAISS is not installed")
    given_of, engines, speed = load("collection_given"), load("collection_engines"), load("collection_speed")
    given_of.write(judged, tmp_path / "given")
    given = given_of.Given.load(tmp_path / "given")
    truth = given_of.Truth(given)
    engines.ByHand.build(given, tmp_path / "made")
    engine = engines.ByHand(given, tmp_path / "made")
    for mode in engine.modes:
        found = [engine.search(mode, row, 10, 300.0) for row in range(ASKED)]
        assert speed.recall(found, [truth.best(mode, row, 10) for row in range(ASKED)]) > 0.95, mode


def test_filters_are_held_against_the_exact_answers(load: Any, judged: Any, capsys: pytest.CaptureFixture[str]) -> None:
    filters, engines = load("collection_filters"), load("collection_engines")
    with engines.collected(judged) as (given, snapshot):
        filters.compare(given, snapshot, Namespace(rounds=1, clock="wall"))
        home = given.folder
    assert not home.exists()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()]
    rows = [row for row in cells if row and ", top " in row[0]]
    assert [row[1] for row in rows[:5]] == ["100 %", "50 %", "10 %", "1 %", "0.1 %"]
    for name, share, counted, *found, _ in rows:
        kept = sum(one.metadata["draw"] < 10 * float(share.split()[0]) for one in judged.passages)
        assert int(counted) == kept
        assert found == (["", ""] if name == "hybrid, top 10" or not kept else ["1.0000", "1.0000"])


def test_fusion_and_recall(load: Any) -> None:
    given_of, speed = load("collection_given"), load("collection_speed")
    assert given_of.fuse([[1, 2, 3], [3, 4]]) == [3, 1, 2, 4]
    assert speed.recall([[1, 2], [5], []], [[1, 9], [5], []]) == 0.75


def test_an_engine_answers_line_by_line(load: Any) -> None:
    class Engine:
        def search(self, mode: str, row: int, k: int, effort: float) -> list[str]:
            return [str(row + at) for at in range(k)] if (mode, effort) == ("dense", 24.0) else []

    answered = load("collection_once").answer(Engine(), {"mode": "dense", "k": 2, "rows": [3, 7], "effort": 24.0})
    assert answered["found"] == [[3, 4], [7, 8]]
    assert len(answered["wall"]) == len(answered["cpu"]) == 2
    assert json.loads(json.dumps(answered)) == answered


def test_sets_are_joined_with_their_vectors(load: Any, tmp_path: Path) -> None:
    data = load("collection_data")
    for name, count in (("one", 5), ("two", 7)):
        folder = tmp_path / name
        (folder / "qrels").mkdir(parents=True)
        texts = [json.dumps({"_id": str(at), "title": "", "text": f"{name} {at}"}) for at in range(count)]
        (folder / "corpus.jsonl").write_text("\n".join(texts) + "\n")
        (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": f"which {name}"}) + "\n")
        (folder / "qrels/dev.tsv").write_text("query-id\tcorpus-id\tscore\nq\t2\t1\n")
    with pytest.raises(SystemExit, match=r"collection_data\.py MODEL"):
        data.load(tmp_path, tmp_path, ("one", "two"))

    class Encoder:
        dim = 1

        def encode_passages(self, passages: list[str]) -> Any:
            return np.array([[float(text.split()[-1]) + 10 * text.startswith("two")] for text in passages], np.float32)

        def encode_queries(self, texts: list[str]) -> Any:
            return np.zeros((len(texts), 1), np.float32)

    for name in ("one", "two"):
        data.encode(Encoder(), tmp_path / name, tmp_path)
    whole = data.load(tmp_path, tmp_path, ("one", "two"))
    assert [one.id for one in whole.passages][4:6] == ["one/4", "two/0"]
    assert whole.dense[:, 0].tolist() == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 15, 16]
    assert whole.grades == {"one/q": {"one/2": 1}, "two/q": {"two/2": 1}}
    assert whole.sparse is None
    more = data.load(tmp_path, tmp_path, ("one", "two"), size=99, asked=99)
    assert (more.passages, more.queries) == (whole.passages, whole.queries)
    assert (len(more.dense), len(more.asked_dense)) == (12, 2)
    some = data.load(tmp_path, tmp_path, ("one", "two"), size=3)
    assert [one.id for one in some.passages] == ["one/0", "two/0", "two/6"]
    assert some.dense[:, 0].tolist() == [0, 10, 16]
