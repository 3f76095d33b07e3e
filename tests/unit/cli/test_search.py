import json
import shutil
from pathlib import Path

import pytest

from vizsla.cli import prompt
from vizsla.core.errors import DataError
from vizsla.data.runs import Run

from .conftest import QUERIES, Call


def test_hits_are_cards_with_rank_title_id_and_score(call: Call, built: Path) -> None:
    done = call("search", built, "pointing", "dog")
    assert done.code == 0
    heads = [line.split() for line in done.out.splitlines() if line[:3].strip().isdigit()]
    assert [head[0] for head in heads] == ["1", "2"]
    assert {head[-2] for head in heads} == {"p1", "p6"}
    assert float(heads[0][-1]) >= float(heads[1][-1])
    assert "The vizsla is a pointing dog from Hungary." in done.out
    assert "found 2 of 6 passages in" in done.err


def test_a_hit_is_a_json_object(call: Call, built: Path) -> None:
    done = call("search", built, "读取文件", "--json", "--k", 1)
    (line,) = done.out.splitlines()
    hit = json.loads(line)
    assert {key: hit[key] for key in ("query", "rank", "id", "title")} == {
        "query": "读取文件",
        "rank": 1,
        "id": "p4",
        "title": "读取文件",
    }
    assert hit["score"] > 0
    assert hit["text"].startswith("用 Python")
    assert not done.err


def test_no_depth_is_too_deep(call: Call, built: Path, data: Path, tmp_path: Path) -> None:
    deep = "99999999999999999999"
    assert call("search", built, "dog", "--json", "--k", deep).out == call("search", built, "dog", "--json").out
    done = call("search", built, "--queries", data, "--run", tmp_path / "r.trec", "--k", deep)
    assert (done.code, len(Run.read(tmp_path / "r.trec").rankings)) == (0, 2)
    assert call("evaluate", built, data, "--k", deep, "--json").code == 0


def test_nothing_found_is_no_error(call: Call, built: Path) -> None:
    for flags in ([], ["--json"]):
        done = call("search", built, "zzz", *flags)
        assert (done.code, done.out) == (0, "")
        assert done.err == "vizsla: nothing found for 'zzz'\n"


def test_signs_are_understood_and_plain_takes_them_as_text(call: Call, built: Path) -> None:
    def ids(*words: str) -> list[str]:
        return [json.loads(line)["id"] for line in call("search", built, "--json", *words).out.splitlines()]

    assert set(ids("pointing dog")) == {"p1", "p6"}
    assert ids("dog", "-hungary") == ["p6"]
    assert ids("dog +hungary") == ["p1"]
    assert ids('"dog points"') == ["p6"]
    assert set(ids('"dog points"', "--plain")) == {"p1", "p6"}
    assert set(ids("dog", "-hungary", "--plain")) == {"p1", "p6"}


def test_how_signs_were_read_is_said(call: Call, built: Path) -> None:
    assert call("search", built, 'dog "points at" +birds -cat', "--json").err == (
        "vizsla: must: points at, birds; without: cat\n"
    )
    assert call("search", built, "-dog", "--json").err == (
        "vizsla: read as text: it only excludes, and names nothing to search for\n"
    )
    for plain in (["dog"], ["dog -cat", "--plain"], ["C++ dog -5"]):
        assert not call("search", built, *plain, "--json").err


def test_a_file_of_queries_becomes_a_run(call: Call, built: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "q.tsv").write_text("".join(f"{id_}\t{text}\n" for id_, text in QUERIES.items()), encoding="utf-8")
    written = []
    for source in (tmp_path / "q.tsv", data / "queries.jsonl", data):
        done = call("search", built, "--queries", source, "--run", tmp_path / "out.trec.gz", "--k", 3)
        assert (done.code, done.out) == (0, "")
        written.append(Run.read(tmp_path / "out.trec.gz"))
    assert written[0].rankings["q2"][0][0] == "p4"
    assert written[0].name == "vizsla"
    assert all(run == written[0] for run in written)


def test_a_run_of_a_file_is_what_evaluate_measures(call: Call, data: Path, built: Path, tmp_path: Path) -> None:
    judged = tmp_path / "signs"
    shutil.copytree(data, judged)
    texts = {"q1": "dog -hungary", "q2": '"pointing dog" birds', "q3": "+poodle dog"}
    lines = "".join(json.dumps({"_id": id_, "text": text}) + "\n" for id_, text in texts.items())
    (judged / "queries.jsonl").write_text(lines, encoding="utf-8")
    files = {name: tmp_path / f"{name}.trec" for name in ("plain", "syntax", "evaluated")}
    assert call("search", built, "--queries", judged, "--run", files["plain"]).code == 0
    assert call("search", built, "--queries", judged, "--run", files["syntax"], "--syntax").code == 0
    assert call("evaluate", built, judged, "--k", 10, "--save-run", files["evaluated"]).code == 0
    runs = {name: Run.read(file).rankings for name, file in files.items()}
    assert runs["plain"] == runs["evaluated"]
    assert [id_ for id_, _ in runs["syntax"]["q1"]] == ["p6"]
    assert runs["syntax"] != runs["plain"]


def test_a_file_of_queries_becomes_json_or_cards(call: Call, built: Path, data: Path) -> None:
    done = call("search", built, "--queries", data, "--json", "--k", 1)
    hits = [json.loads(line) for line in done.out.splitlines()]
    assert [(hit["query_id"], hit["id"]) for hit in hits] == [("q1", "p6"), ("q2", "p4")]
    assert done.err == "vizsla: nothing found for 'nothing of the kind'\n"
    shown = call("search", built, "--queries", data, "--k", 1).out
    assert "q1 · which dog points at birds" in shown


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--kk", "5", "dog"], "found the unknown option '--kk'"),
        (["dog", "--queries", "q.tsv"], "wanted one of them"),
        (["dog", "--run", "r"], "found --run without --queries"),
        (["dog", "--syntax"], "found --syntax, which is for --queries"),
        (["--queries", "q.doc"], "q.doc: found no format of queries in this name"),
        (["--queries", "absent.tsv"], "absent.tsv"),
        (["dog", "--k", "0"], "'--k'"),
        (["dog", "-k", "3"], "found -k 3, which leaves out the word k; wanted --k 3"),
        (["--queries", "q.tsv", "--run", "/"], "/: found a folder; wanted the name of a file"),
        (["--queries", "q.tsv", "--run", "."], ".: found a folder; wanted the name of a file"),
        ([], "found no query"),
    ],
)
def test_what_makes_no_sense_is_refused(
    call: Call, built: Path, arguments: list[str], wanted: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "q.tsv").write_text("1\tdog\n", encoding="utf-8")
    done = call("search", built, *arguments)
    assert done.code == 2
    assert wanted in done.err
    assert done.err.count("\n") == 1


def test_a_file_without_queries_is_refused(call: Call, built: Path, tmp_path: Path) -> None:
    (tmp_path / "q.tsv").write_text("\n", encoding="utf-8")
    assert "found no queries" in call("search", built, "--queries", tmp_path / "q.tsv").err
    (tmp_path / "q.tsv").write_text("1\tdog\n1\tcat\n", encoding="utf-8")
    done = call("search", built, "--queries", tmp_path / "q.tsv", "--json")
    assert "an id that was there before" in done.err
    assert {json.loads(line)["query"] for line in done.out.splitlines()} == {"dog"}


def test_nothing_in_a_passage_can_command_the_terminal(call: Call, tmp_path: Path) -> None:
    record = json.dumps({"id": "a\x1b[2Jb", "title": "red\x1b[31m", "text": "clear \x1b[2J the screen"})
    (tmp_path / "a.jsonl").write_text(record, encoding="utf-8")
    call("index", tmp_path / "a.jsonl", "--output", tmp_path / "i")
    assert "\x1b" not in call("search", tmp_path / "i", "clear").out
    assert "\x1b" not in call("inspect", tmp_path / "i", "--passage", "a\x1b[2Jb").out


def test_the_prompt_answers_until_it_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = [":k 0", ":k abc", ":k -1", ":k", f":k {'9' * 5000}"]
    typed = iter(["dog", "", ":k 3", "cat", ":k none", "^C", "\udce9", "bad", *wrong, ":quit", "never"])
    asked: list[tuple[str, int]] = []

    def type_in(_: str) -> str:
        line = next(typed)
        if line == "^C":
            raise KeyboardInterrupt
        return line

    def answer(query: str, k: int) -> None:
        asked.append((query, k))
        if query == "bad":
            raise DataError("found a bad query")

    monkeypatch.setattr("builtins.input", type_in)
    prompt.ask(answer, 10, signs=True)
    assert asked == [("dog", 10), ("cat", 3), ("?", 3), ("bad", 3)]
    assert list(typed) == ["never"]
    errors = capsys.readouterr().err
    assert errors.count("; wanted :k 20 shows 20 hits") == 1 + len(wrong)
    assert "found ':k none'" in errors
    assert "+must" in errors.splitlines()[0]
    assert "vizsla: found a bad query" in errors


def test_the_end_of_input_leaves_the_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", ends)
    prompt.ask(lambda query, k: pytest.fail(f"asked {query} {k}"), 10, signs=False)


def test_a_header_is_no_query(call: Call, built: Path, tmp_path: Path) -> None:
    (tmp_path / "q.tsv").write_text("number\tquestion\n1\twhich dog\n", encoding="utf-8")
    done = call("search", built, "--queries", tmp_path / "q.tsv")
    assert done.code == 2
    assert "q.tsv:1: found 'number' and 'question', which look like the names of columns" in done.err
