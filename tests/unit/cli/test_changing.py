"""Commands that change a collection: create, add, update, delete, keep, compact, export, sync."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from vizsla.collections.collection import Collection
from vizsla.core.protocols import Passage

from .conftest import MODEL, PASSAGES, Call


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records), encoding="utf-8")
    return path


def held(folder: Path) -> list[Passage]:
    return list(Collection.open(folder).export())


@pytest.fixture
def kb(call: Call, tmp_path: Path) -> Path:
    assert call("create", tmp_path / "kb").code == 0
    return tmp_path / "kb"


def test_a_collection_is_made_and_filled(call: Call, data: Path, tmp_path: Path) -> None:
    place = tmp_path / "kb"
    done = call("create", place)
    assert (done.code, done.out) == (0, f"{place}: an empty collection, searched by bm25\n")
    done = call("add", place, data)
    assert (done.code, done.out) == (0, f"6 added; {place} holds 6 passages\n")
    assert done.err.startswith("vizsla: done in ")
    assert [(one.id, one.title, one.text) for one in held(place)] == PASSAGES


@pytest.mark.parametrize("command", ["add", "update", "sync"])
def test_what_is_broken_off_says_what_was_kept(
    call: Call, kb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/a.txt").write_text("mine", encoding="utf-8")
    monkeypatch.setattr(Collection, "add", interrupted)
    monkeypatch.setattr(Collection, "update", interrupted)
    done = call(command, kb, tmp_path / "notes")
    assert (done.code, done.out, done.err.count("\n")) == (130, "", 1)
    assert f"interrupted; {kb} holds 0 passages, whole as they were committed; the same command goes on" in done.err


def test_adding_again_does_nothing(call: Call, kb: Path, data: Path) -> None:
    call("add", kb, data)
    before = Collection.open(kb).info().commit
    assert call("add", kb, data).out == f"6 unchanged; {kb} holds 6 passages\n"
    assert Collection.open(kb).info().commit == before


def test_everything_is_said_in_json_too(call: Call, kb: Path, data: Path) -> None:
    told = json.loads(call("add", kb, data, "--json").out)
    assert told.pop("seconds") > 0
    counts = {"added": 6, "replaced": 0, "unchanged": 0, "deleted": 0, "absent": 0}
    assert told == {**counts, "passages": 6, "problems": {}}


def test_json_lines_bring_metadata_and_parents(call: Call, kb: Path, tmp_path: Path) -> None:
    said = {"lang": "en", "tags": ["a", "b"], "year": None}
    file = write(
        tmp_path / "p.jsonl",
        {"id": "a", "text": "one", "metadata": said, "parent": "book"},
        {"id": "b", "text": "two", "metadata": {"parent": "book"}},
        {"id": 3, "text": "three", "parent": 7},
    )
    assert call("add", kb, file).code == 0
    assert held(kb) == [
        Passage("a", "one", "", {"lang": "en", "tags": ["a", "b"]}, "book"),
        Passage("b", "two", "", {}, "book"),
        Passage("3", "three", "", {}, "7"),
    ]


def test_metadata_can_be_left_out_and_what_is_none_is_said(call: Call, kb: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "p.jsonl", {"id": "a", "text": "one", "metadata": {"x": {"y": 1}}, "parent": "p"})
    assert "field 'x'" in call("add", kb, file).err
    assert call("add", kb, file, "--no-metadata").code == 0
    assert held(kb) == [Passage("a", "one", "", {}, "p")]
    odd = write(tmp_path / "q.jsonl", {"id": "b", "text": "two", "metadata": "m", "parent": [1]})
    assert call("add", kb, odd, "--strict").code == 2
    done = call("add", kb, odd)
    assert (done.code, held(kb)[1]) == (0, Passage("b", "two"))
    assert "vizsla: problems: 1 metadata, 1 parent\n" in done.err


@pytest.mark.parametrize("name", ["p.csv", "p.tsv", "p.jsonl.gz", "texts"])
def test_it_reads_what_index_reads(call: Call, kb: Path, tmp_path: Path, name: str) -> None:
    import gzip

    place = tmp_path / name
    if name == "texts":
        place.mkdir()
        (place / "a.md").write_text("# Vizslas\n\nThey point at birds.\n", encoding="utf-8")
    elif name.endswith(".gz"):
        place.write_bytes(gzip.compress(b'{"id": "a.md#0", "title": "Vizslas", "text": "They point at birds."}\n'))
    else:
        sign = "," if name.endswith(".csv") else "\t"
        rows = (["id", "title", "text"], ["a.md#0", "Vizslas", "They point at birds."])
        place.write_text("".join(sign.join(row) + "\n" for row in rows), encoding="utf-8")
    assert call("add", kb, place).code == 0
    assert held(kb) == [Passage("a.md#0", "They point at birds.", "Vizslas")]


def test_several_sources_come_in_their_order_and_one_that_is_not_there_stops_all(
    call: Call, kb: Path, tmp_path: Path
) -> None:
    one, two = (write(tmp_path / f"{name}.jsonl", {"id": name, "text": name}) for name in "ab")
    refused = call("add", kb, one, tmp_path / "absent.jsonl")
    assert (refused.code, held(kb)) == (2, [])
    assert call("add", kb, two, one).code == 0
    assert [passage.id for passage in held(kb)] == ["b", "a"]


def test_an_id_with_other_content_is_refused_and_updated(call: Call, kb: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "p.jsonl", {"id": "a", "text": "one"}, {"id": "b", "text": "two"})
    call("add", kb, file)
    write(file, {"id": "a", "text": "one"}, {"id": "b", "text": "zwei"}, {"id": "c", "text": "drei"})
    refused = call("add", kb, file)
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert "found the id 'b' for 'zwei'" in refused.err
    assert call("update", kb, file).out == f"1 added, 1 replaced, 1 unchanged; {kb} holds 3 passages\n"
    assert {one.id: one.text for one in held(kb)} == {"a": "one", "b": "zwei", "c": "drei"}


def test_passages_are_deleted_by_id_by_file_and_by_condition(call: Call, kb: Path, tmp_path: Path) -> None:
    records = [{"id": str(n), "text": "t", "metadata": {"n": n}} for n in range(6)]
    call("add", kb, write(tmp_path / "p.jsonl", *records))
    assert call("delete", kb, "0", "absent").out == f"1 deleted, 1 absent; {kb} holds 5 passages\n"
    (tmp_path / "ids.txt").write_text("1\n2\n\n", encoding="utf-8")
    assert call("delete", kb, "--ids", tmp_path / "ids.txt").out.startswith("2 deleted;")
    assert call("delete", kb, "--where", "n >= 4").out.startswith("2 deleted;")
    assert [one.id for one in held(kb)] == ["3"]
    for words in ([], ["3", "--where", "n = 3"], ["3", "--ids", tmp_path / "ids.txt"]):
        assert "wanted ids, --ids FILE or --where" in call("delete", kb, *words).err
    assert call("delete", kb, "--where", "m = 3").code == 2


def test_fields_and_pipelines_are_said_at_creation_and_kept_later(call: Call, tmp_path: Path) -> None:
    kb = tmp_path / "kb"
    words = ["--field", "published=date", "--pipeline", "few=bm25 >> top(2)"]
    assert call("create", kb, "--encoder", "bm25", "--encoder", f"m={MODEL}", *words).code == 0
    info = Collection.open(kb).info()
    assert (info.fields, info.pipelines) == ({"published": "date"}, {"few": "bm25 >> top(2)"})
    assert info.models == {"m": str(MODEL)}
    file = write(tmp_path / "p.jsonl", {"id": "a", "text": "t", "metadata": {"published": "2024-05-01"}})
    assert call("add", kb, file).code == 0
    assert held(kb)[0].metadata == {"published": date(2024, 5, 1)}
    done = call("keep", kb, "--pipeline", "default=rrf(bm25, m)", "--forget", "few", "--field", "year=number")
    assert done.out.splitlines() == [
        "pipeline  default = rrf(bm25, m)",
        "field     published = date",
        "field     year = number",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--encoder", "x"], "found the encoder 'x'"),
        (["--encoder", "m=nowhere/at/all"], "nowhere/at/all"),
        (["--encoder", "bm25", "--encoder", "bm25"], "each under its own name"),
        (["--pipeline", "default=rrf(bm25, mini)"], "speaks of 'mini'; wanted encoders of the collection: known: bm25"),
        (["--pipeline", "bm25"], "found --pipeline 'bm25'; wanted each name once"),
        (["--pipeline", "p=bm25 >>"], "wanted a step (known: rerank, top, min_score, parents), column 8"),
        (["--field", "year=numbr"], "did you mean 'number'"),
        (["--reranker", "r"], "found --reranker 'r'"),
        (["--reranker", "r=ms-marco-MiniLM-L6-v3"], "did you mean 'ms-marco-MiniLM-L6-v2'"),
        (["--language", "klingon"], "klingon"),
        (["--recall", "7"], "found recall=7.0"),
    ],
)
def test_a_creation_that_cannot_be_leaves_nothing(call: Call, tmp_path: Path, words: list[str], said: str) -> None:
    done = call("create", tmp_path / "kb", *words)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err
    assert not list(tmp_path.iterdir())


def test_settings_of_an_index_alone_are_refused(call: Call, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text('[index]\ntitles = "store"\n', encoding="utf-8")
    done = call("create", tmp_path / "kb", "--settings", tmp_path / "s.toml")
    assert (done.code, (tmp_path / "kb").exists()) == (2, False)
    assert "s.toml: found 'index', which is no table of settings here; known: analyzer, bm25" in done.err


def test_what_cannot_be_kept_is_refused_before_anything_is(call: Call, kb: Path) -> None:
    assert call("keep", kb, "--field", "year=number").code == 0
    for words in (["--field", "a=text", "--pipeline", "p=rrf(bm25, x)"], ["--field", "a=text", "--forget", "p"], []):
        assert call("keep", kb, *words).code == 2
    assert dict(Collection.open(kb).info().fields) == {"year": "number"}


def test_one_segment_is_made_of_all(call: Call, kb: Path, tmp_path: Path) -> None:
    for number in range(3):
        call("add", kb, write(tmp_path / "p.jsonl", {"id": str(number), "text": "some text"}))
    call("delete", kb, "1")
    done = call("compact", kb)
    assert done.out.startswith("segments ")
    assert " -> 1, dead rows 1 -> 0, " in done.out
    assert [one.id for one in held(kb)] == ["0", "2"]


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out"])
def test_what_is_exported_can_be_added(call: Call, kb: Path, tmp_path: Path, name: str) -> None:
    said = {"id": "a", "title": "T", "text": "one", "metadata": {"n": 1, "tags": ["x"]}, "parent": "book"}
    call("add", kb, write(tmp_path / "p.jsonl", said, {"id": "b", "text": "two"}))
    out = tmp_path / name
    assert call("export", kb, out).out == f"2 passages written to {out}\n"
    assert call("create", tmp_path / "copy").code == 0
    assert call("add", tmp_path / "copy", out).code == 0
    assert held(tmp_path / "copy") == held(kb)


def test_vectors_are_exported_on_wish(call: Call, tmp_path: Path, data: Path) -> None:
    kb = tmp_path / "kb"
    call("create", kb, "--encoder", f"m={MODEL}")
    call("add", kb, data)
    assert call("export", kb, tmp_path / "out.jsonl", "--vectors", "m").code == 0
    vectors = [one["vectors"]["m"] for one in lines(tmp_path / "out.jsonl")]
    assert len(vectors) == len(PASSAGES)
    assert {len(one) for one in vectors} == {Collection.open(kb).encoders["m"].dim}
    assert "no encoder 'n'" in call("export", kb, tmp_path / "no.jsonl", "--vectors", "n").err
    assert not (tmp_path / "no.jsonl").exists()


def test_a_folder_is_followed(call: Call, kb: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.md").write_text("# One\n\nfirst\n\n# Two\n\nsecond\n", encoding="utf-8")
    (notes / "b.txt").write_text("third\n", encoding="utf-8")
    assert call("sync", kb, notes).out == f"3 added; {kb} holds 3 passages\n"
    assert call("sync", kb, notes).out == f"3 unchanged; {kb} holds 3 passages\n"
    (notes / "a.md").write_text("# One\n\nfirst\n\n# Two\n\nchanged\n", encoding="utf-8")
    (notes / "b.txt").rename(notes / "c.txt")
    told = json.loads(call("sync", kb, notes, "--json").out)
    assert (told["name"], told["files"]) == ("notes", 2)
    assert [told[name] for name in ("added", "replaced", "unchanged", "deleted")] == [1, 1, 1, 1]
    assert {one.id: one.text for one in held(kb)} == {"a.md#0": "first", "a.md#1": "changed", "c.txt#0": "third"}
    assert call("sync", kb, tmp_path / "absent").err.startswith(f"vizsla: {tmp_path / 'absent'}: is no folder")


def test_an_export_spares_other_folders(call: Call, kb: Path, data: Path, tmp_path: Path) -> None:
    call("add", kb, data)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/a.txt").write_text("mine", encoding="utf-8")
    for place in (kb, tmp_path / "notes"):
        before = sorted(place.iterdir())
        done = call("export", kb, place)
        assert (done.code, sorted(place.iterdir())) == (2, before)
        assert "found other files there; wanted nothing, an empty folder" in done.err
    assert "wanted a name in .jsonl, a folder's, or --format" in call("export", kb, tmp_path / "out.csv").err
    assert not (tmp_path / "out.csv").exists()
    for _ in range(2):
        assert call("export", kb, tmp_path / "v1.2", "--format", "beir").code == 0


def test_a_collection_is_no_file_of_passages(call: Call, kb: Path, data: Path) -> None:
    call("add", kb, data)
    assert f"found a collection; wanted files: vizsla export {kb} passages.jsonl" in call("add", kb, kb).err


@pytest.mark.parametrize("command", ["add", "update", "sync", "delete", "keep", "compact", "export"])
def test_an_index_a_file_and_nothing_are_no_collections(
    call: Call, built: Path, data: Path, tmp_path: Path, command: str
) -> None:
    more: dict[str, list[object]] = {
        "compact": [],
        "export": [tmp_path / "x.jsonl"],
        "delete": ["p1"],
        "keep": ["--forget", "p"],
    }
    rest = more.get(command, [data])
    wanted = {built: "found an index", data / "corpus.jsonl": "is a file", tmp_path / "no": "is not there"}
    for place, said in wanted.items():
        done = call(command, place, *rest)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
        assert said in done.err
    assert not list(tmp_path.iterdir())


def test_a_model_that_moved_is_said_where_it_is(call: Call, tmp_path: Path, data: Path) -> None:
    shutil.copytree(MODEL, tmp_path / "old")
    kb = tmp_path / "kb"
    call("create", kb, "--encoder", f"m={tmp_path / 'old'}")
    (tmp_path / "old").rename(tmp_path / "new")
    refused = call("add", kb, data)
    assert (refused.code, refused.err.count("\n"), held(kb)) == (2, 1, [])
    assert "the model of the encoder 'm'; say where it is now: --model m=FOLDER" in refused.err
    moved = ["--model", f"m={tmp_path / 'new'}"]
    assert call("add", kb, data, *moved).code == 0
    assert call("search", kb, "dog", *moved).out
    assert call("explain", kb, "dog", "p1", *moved).code == 0
    assert call("evaluate", kb, data, *moved).code == 0


def test_a_model_is_found_from_wherever_vizsla_is_called(
    call: Call, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(MODEL, tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    assert call("create", "kb", "--encoder", "m=model").code == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert call("add", tmp_path / "kb", data).code == 0
