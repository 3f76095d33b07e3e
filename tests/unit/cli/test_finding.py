"""Commands that ask a collection: search, explain, evaluate, compare, info, verify."""

import json
from pathlib import Path
from typing import Any

import pytest

from vizsla.cli import prompt
from vizsla.cli.app import run
from vizsla.collections.collection import Collection
from vizsla.data.runs import Run

from .conftest import MODEL, PASSAGES, Call

PIPELINE = "rrf(bm25, m)"


@pytest.fixture(scope="session")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kb") / "kb"
    made = Collection.create(folder, ["bm25", f"m={MODEL}"])
    made.keep_pipeline("default", "bm25")
    made.add(
        {"id": id_, "title": title, "text": text, "parent": "book", "metadata": {"n": n, "even": n % 2 == 0}}
        for n, (id_, title, text) in enumerate(PASSAGES, 1)
    )
    return folder


def hits(call: Call, *words: object) -> list[dict[str, Any]]:
    done = call("search", *words, "--json")
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()]


def test_hits_are_cards_with_their_metadata_and_times(call: Call, kb: Path) -> None:
    done = call("search", kb, "pointing", "dog")
    assert done.code == 0
    heads = [line.split() for line in done.out.splitlines() if line[:3].strip().isdigit()]
    assert [head[0] for head in heads] == ["1", "2"]
    assert {head[-2] for head in heads} == {"p1", "p6"}
    assert "    in book · even False · n 1\n" in done.out
    assert "vizsla: found 2 of 6 passages in " in done.err
    assert " ms (bm25 " in done.err


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal(
    call: Call, kb: Path, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.cells import cell_len

    from vizsla.cli import terminal

    monkeypatch.setenv("COLUMNS", str(columns))
    terminal._console.cache_clear()
    shown = call("search", kb, "dog 读取文件", "--pipeline", PIPELINE, "--stages").out
    shown += call("explain", kb, "dog 读取文件", "p4", "--pipeline", PIPELINE).out
    terminal._console.cache_clear()
    assert "p4" in shown
    assert max(map(cell_len, shown.splitlines())) <= columns


def test_a_hit_is_a_json_object(call: Call, kb: Path) -> None:
    (hit,) = hits(call, kb, "读取文件", "--k", 1)
    assert hit.pop("score") > 0
    assert hit == {
        "query": "读取文件",
        "rank": 1,
        "id": "p4",
        "title": "读取文件",
        "text": "用 Python 读取文件最好用 with 语句。",
        "parent": "book",
        "metadata": {"even": True, "n": 4},
    }


def test_stages_are_shown_on_wish(call: Call, kb: Path) -> None:
    found = hits(call, kb, "pointing dog", "--pipeline", PIPELINE, "--stages")
    assert len(found) == len(PASSAGES), "every passage has a vector"
    by_id = {one["id"]: one["stages"] for one in found}
    assert set(by_id["p1"]) == {"bm25", "m", PIPELINE}
    assert set(by_id["p4"]) == {"m", PIPELINE}
    assert [one["stages"][PIPELINE] for one in found] == [{"rank": n["rank"], "score": n["score"]} for n in found]
    done = call("search", kb, "pointing dog", "--pipeline", PIPELINE, "--stages", "--k", 3)
    table = done.out.splitlines()
    (head,) = [line for line in table if line.split()[:3] == ["id", "bm25", "m"]]
    assert PIPELINE in head
    assert any(line.startswith("ms ") for line in table)


def test_a_condition_and_a_pipeline_choose(call: Call, kb: Path) -> None:
    assert {one["id"] for one in hits(call, kb, "dog")} == {"p1", "p6"}
    assert [one["id"] for one in hits(call, kb, "dog", "--where", "even AND n > 2")] == ["p6"]
    assert len(hits(call, kb, "dog", "--pipeline", "bm25 >> top(1)")) == 1
    best = hits(call, kb, "dog")[0]
    assert hits(call, kb, "dog", "--min-score", best["score"]) == [best]
    done = call("search", kb, "dog", "--where", "n = 4")
    assert (done.out, done.err) == ("", "vizsla: nothing found for 'dog' of 1 passages where n = 4\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dog", "--where", "m = 4"], "wanted a field"),
        (["dog", "--pipeline", "rrf(bm25, n)"], "found no encoder 'n' in the collection; known: bm25, m"),
        (["dog", "--pipeline", "rrf(bm25"], "pipeline"),
        (["dog", "--min-probability", "0.5"], "found a calibration for a collection"),
        (["dog", "--min-score", "nan"], "finite"),
        (["dog", "--run", "x"], "found --run without --queries"),
        ([], "found no query"),
        (["dog", "--wher", "n = 4"], "unknown option"),
        (["dog", "--model", "m"], "found --model 'm'"),
        (["dog", "--model", "mm=x"], "which has no model of this name; did you mean 'm'?"),
    ],
)
def test_what_cannot_be_searched_is_one_line(call: Call, kb: Path, words: list[str], said: str) -> None:
    done = call("search", kb, *words)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err


@pytest.mark.parametrize("flag", [["--where", "n = 1"], ["--pipeline", "bm25"], ["--stages"], ["--model", "m=x"]])
def test_an_index_refuses_what_is_a_collections(call: Call, built: Path, flag: list[str]) -> None:
    done = call("search", built, "dog", *flag)
    assert done.code == 2
    assert f"found {flag[0]} for an index; wanted a collection" in done.err


@pytest.mark.parametrize("command", ["search", "evaluate"])
def test_what_is_neither_a_collection_nor_an_index_is_told(
    call: Call, data: Path, tmp_path: Path, command: str
) -> None:
    for place, said in (
        (data, "holds neither"),
        (data / "corpus.jsonl", "is no folder"),
        (tmp_path / "x", "not there"),
    ):
        done = call(command, place, data)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert f"{said}; wanted a collection of vizsla create, or an index of vizsla index" in done.err
    assert "found '-h' where a folder is wanted" in call("search", "-h").err


def test_a_collection_is_no_model_and_no_index(call: Call, kb: Path, data: Path) -> None:
    for words in (["similarity", kb, "a", "b"], ["calibrate", kb, data, "--split", "dev"]):
        assert "found a collection; wanted a model" in call(*words).err
    assert "found a collection; wanted an index, or: vizsla info, vizsla explain" in call("inspect", kb).err


def test_signs_are_text_and_it_says_so(call: Call, kb: Path) -> None:
    done = call("search", kb, '"pointing dog" -hungary')
    assert "is searched as plain text: a collection knows no signs" in done.err
    assert {head.split()[-2] for head in done.out.splitlines() if head[:3].strip().isdigit()} == {"p1", "p6"}


def test_queries_of_a_file_become_a_run_or_lines(call: Call, kb: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.trec"
    assert call("search", kb, "--queries", data, "--run", out, "--k", 3).code == 0
    ranked = Run.read(out).rankings
    assert ranked["q2"][0][0] == "p4"
    by_query: dict[str, list[str]] = {}
    for one in hits(call, kb, "--queries", data, "--k", 3):
        by_query.setdefault(one["query_id"], []).append(one["id"])
    assert by_query == {query: [id_ for id_, _ in row] for query, row in ranked.items()}
    assert call("search", kb, "--queries", data, "--run", out, "--where", "n = 1").code == 0
    assert {id_ for row in Run.read(out).rankings.values() for id_, _ in row} == {"p1"}
    assert call("search", kb, "--queries", data, "--syntax").code == 2


def test_the_prompt_asks_a_collection_too(call: Call, kb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter(["dog", ":k 1", "dog"])

    def read(_: str) -> str:
        try:
            return next(typed)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", read)
    monkeypatch.setattr(prompt, "_with_history", lambda: None)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    done = call("search", kb, "--json")
    assert [json.loads(line)["rank"] for line in done.out.splitlines()] == [1, 2, 1]
    assert done.err.startswith(":k 20 shows 20 hits · :quit leaves\n"), "a collection knows no signs"


def test_evaluate_measures_a_collection_and_each_pipeline(call: Call, kb: Path, built: Path, data: Path) -> None:
    def measured(*words: object) -> dict[str, Any]:
        done = call("evaluate", *words, "--json")
        assert done.code == 0, done.err
        told: dict[str, Any] = json.loads(done.out)
        return told

    assert measured(kb, data)["RR@10"] == measured(built, data)["RR@10"]
    assert measured(kb, data, "--pipeline", "bm25 >> top(1)")["R@50"] < measured(kb, data)["R@50"]
    assert measured(kb, data, "--where", "n = 2")["RR@10"] == 0.0
    assert "judgements of passages that are not in" in call("evaluate", kb, data).err
    assert call("evaluate", built, data, "--pipeline", "bm25").code == 2


def test_compare_takes_collections(call: Call, kb: Path, built: Path, data: Path) -> None:
    done = call("compare", data, built, kb, "--json")
    assert json.loads(done.out)["runs"] == ["dogs", "kb"]


def test_explain_says_why_and_why_not(call: Call, kb: Path) -> None:
    done = call("explain", kb, "which dog points", "p6", "--pipeline", PIPELINE)
    assert done.code == 0
    assert "p6 is number 1 of the 6 hits for 'which dog points'" in done.out.splitlines()[0]
    assert "bm25: term" in done.out
    filtered = call("explain", kb, "dog", "p1", "--where", "n > 1").out
    assert "p1 is not among the 6 hits" in filtered
    assert "because the filter leaves it out: n > 1, and it has n = 1" in filtered
    assert "because bm25 does not find it: it shares no term with the query" in call("explain", kb, "cat", "p1").out
    assert "because no passage has this id" in call("explain", kb, "dog", "absent").out


def test_an_explanation_is_json_too(call: Call, kb: Path) -> None:
    told = json.loads(call("explain", kb, "dog", "p1", "--json").out)
    assert (told["found"], told["id"], told["rank"], told["pipeline"]) == (True, "p1", told["rank"], "bm25")
    assert told["stages"][0]["terms"][0]["term"] == "dog"


def test_info_shows_what_is_there(call: Call, kb: Path) -> None:
    done = call("info", kb)
    rows = dict(line.split(maxsplit=1) for line in done.out.splitlines() if not line.startswith(" "))
    assert rows["passages"] == "6"
    assert rows["pipeline"] == "default  bm25"
    assert "even (boolean), n (number)" in rows["fields"]
    told = json.loads(call("info", kb, "--json").out)
    assert (told["passages"], told["encoders"]) == (6, {"bm25": "lexical", "m": "dense"})


def test_verify_reads_everything_and_names_what_was_altered(call: Call, tmp_path: Path, data: Path) -> None:
    kb = tmp_path / "kb"
    assert run(["create", str(kb)]) == run(["add", str(kb), str(data)]) == 0
    assert call("verify", kb).out.endswith(" bytes read, as they were written\n")
    (altered,) = (kb / "segments").glob("*/segment.pack")
    altered.write_bytes(b"x" + altered.read_bytes()[1:])
    done = call("verify", kb)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert str(altered) in done.err


def test_an_empty_collection_answers_nothing(call: Call, tmp_path: Path, data: Path) -> None:
    kb = tmp_path / "kb"
    call("create", kb)
    assert call("search", kb, "dog").err == "vizsla: nothing found for 'dog'\n"
    assert call("explain", kb, "dog", "p1").code == 0
    assert call("evaluate", kb, data).code == 0
    assert "segments    none" in call("info", kb).out
