import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vizsla.core.errors import DataError, SettingsError
from vizsla.core.protocols import Passage
from vizsla.data.conversion import ConversionSettings, Converted, convert
from vizsla.data.formats import beir, ciff, flagembedding, multicpr, t2ranking, trec
from vizsla.data.judgements import Judgements
from vizsla.data.layouts import LAYOUTS
from vizsla.data.problems import Problems
from vizsla.data.sources import layout_of, read_passages

STRICT = Problems(strict=True)
PASSAGES = [Passage("1", "one"), Passage("2", "文本", "题"), Passage("3", "three")]
QUERIES = {"q": "what", "r": "谁", "s": "unjudged"}
GRADES = {"train": {"q": {"1": 1}}, "dev": {"r": {"2": 1, "3": 1}}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "beir"
    beir.write_passages(place / "corpus.jsonl", PASSAGES)
    beir.write_queries(place / "queries.jsonl", QUERIES)
    for split, grades in GRADES.items():
        beir.write_grades(place / "qrels" / f"{split}.tsv", grades)
    return place


@pytest.mark.parametrize("name", ["t2ranking", "t2ranking-graded", "multicpr"])
def test_folders_there_and_back(folder: Path, tmp_path: Path, name: str) -> None:
    made = convert(folder, tmp_path / "there", ConversionSettings(target_format=name))
    assert (made.source_format, made.target_format, made.left_out) == ("beir", name, ())
    assert made.counts == {"passages": 3, "queries": 2, "judgements": 3}
    assert made.problems.counts == {"unjudged": 1}
    assert layout_of(tmp_path / "there") is not None
    titled = [Passage(one.id, f"{one.title} {one.text}".strip()) for one in PASSAGES]
    assert list(read_passages(tmp_path / "there")) == (PASSAGES if name == "multicpr" else titled)
    back = ConversionSettings(name, "beir")
    assert convert(tmp_path / "there", tmp_path / "back", back).counts == made.counts
    for split, grades in GRADES.items():
        judgements = Judgements.read(tmp_path / "back", split=split, problems=STRICT)
        assert judgements.grades == grades
        assert judgements.queries == {query: QUERIES[query] for query in grades}


def test_one_split_alone(folder: Path, tmp_path: Path) -> None:
    made = convert(folder, tmp_path / "there", ConversionSettings(target_format="multicpr", split="dev"))
    assert made.counts == {"passages": 3, "queries": 1, "judgements": 2}
    assert sorted(path.name for path in (tmp_path / "there").iterdir()) == [
        "corpus.tsv",
        "dev.query.txt",
        "qrels.dev.tsv",
    ]
    convert(folder, tmp_path / "dev", ConversionSettings(target_format="beir", split="dev"))
    assert (tmp_path / "dev/queries.jsonl").read_text("utf-8") == '{"_id":"r","text":"谁"}\n'
    only = ConversionSettings(target_format="trec-qrels", only="judgements", split="dev")
    assert convert(folder, tmp_path / "qrels", only).counts == {"judgements": 2}
    assert (tmp_path / "qrels").read_text() == "r 0 2 1\nr 0 3 1\n"


def test_splits_whose_queries_share_ids_are_taken_one_at_a_time(tmp_path: Path) -> None:
    place = tmp_path / "t2"
    place.mkdir()
    for name, text in (("collection", "0\ta"), ("queries.train", "0\tx"), ("queries.dev", "0\ty")):
        (place / f"{name}.tsv").write_text(f"{text}\n")
    with pytest.raises(DataError, match="take one split at a time"):
        convert(place, tmp_path / "beir", ConversionSettings(target_format="beir"))
    convert(place, tmp_path / "beir", ConversionSettings(target_format="beir", split="dev"))
    assert (tmp_path / "beir/queries.jsonl").read_text() == '{"_id":"0","text":"y"}\n'


def test_examples_of_ids_get_their_texts_from_the_folder(tmp_path: Path) -> None:
    place = tmp_path / "t2"
    place.mkdir()
    files = {
        "collection.tsv": "0\ta\n1\tb\n2\tc\n",
        "queries.train.tsv": "7\twhat\n",
        "queries.dev.tsv": "7\tother\n",
        "qrels.retrieval.train.tsv": "7\t1\n",
        "train.mined.tsv": "7\t0\t0\t2\n7\t1\t1\t1\n7\t5\t2\t1\n",
    }
    for name, text in files.items():
        (place / name).write_text(text)
    made = convert(place, tmp_path / "x.jsonl", ConversionSettings(target_format="flagembedding"))
    assert made.counts == {"examples": 1}
    assert made.problems.counts == {"unknown_text": 1}
    assert json.loads((tmp_path / "x.jsonl").read_text()) == {
        "query": "what", "pos": ["b"], "neg": ["a"], "neg_scores": [2.0]
    }  # fmt: skip
    convert(place, tmp_path / "new.jsonl", ConversionSettings(target_format="tevatron"))
    assert json.loads((tmp_path / "new.jsonl").read_text())["positive_passages"] == [
        {"docid": "1", "title": "", "text": "b"}
    ]


def test_examples_of_ids_get_their_texts_from_a_corpus(folder: Path, tmp_path: Path) -> None:
    line = {"query_id": "q", "query_text": "what", "positive_document_ids": ["2"], "negative_document_ids": ["1"]}
    (tmp_path / "x.jsonl").write_text(json.dumps(line) + "\n")
    wanted = ConversionSettings(target_format="flagembedding")
    with pytest.raises(DataError, match="wanted texts: name the corpus"):
        convert(tmp_path / "x.jsonl", tmp_path / "y", wanted)
    convert(tmp_path / "x.jsonl", tmp_path / "y", ConversionSettings(target_format="flagembedding", corpus=folder))
    (found, _), *_ = flagembedding.read_examples(tmp_path / "y", problems=STRICT)
    assert (found.positives[0].text, found.negatives[0].text) == ("题 文本", "one")


def test_vectors_to_an_index_and_back(tmp_path: Path) -> None:
    lines = [{"id": "a", "contents": "", "vector": {"x": 3, "文": 1}}, {"id": "b", "contents": "", "vector": {}}]
    (tmp_path / "v.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    told: list[int] = []
    made = convert(tmp_path / "v.jsonl", tmp_path / "v.ciff", on_progress=told.append)
    assert (made.counts, sum(told)) == ({"weights": 2}, 2)
    convert(tmp_path / "v.ciff", tmp_path / "w.jsonl", ConversionSettings(target_format="pyserini-vectors"))
    assert [json.loads(one) for one in (tmp_path / "w.jsonl").read_text("utf-8").splitlines()] == lines
    convert(tmp_path / "v.jsonl", tmp_path / "v.ciff", ConversionSettings(scale=0.5))
    assert ciff.read_header(tmp_path / "v.ciff").total_weight == 2
    convert(tmp_path / "w.jsonl", tmp_path / "b.ndjson", ConversionSettings(target_format="bulk", only="weights"))
    convert(tmp_path / "b.ndjson", tmp_path / "c.ciff", ConversionSettings("bulk"))
    assert ciff.read_header(tmp_path / "c.ciff").total_weight == 4


def test_passages_come_once(tmp_path: Path) -> None:
    (tmp_path / "top1000.dev").write_text("q\t1\tw\ta\nq\t2\tw\tb\nr\t1\tv\ta\n")
    made = convert(tmp_path / "top1000.dev", tmp_path / "x", ConversionSettings(target_format="pyserini"))
    assert made.counts == {"passages": 2}
    assert made.problems.counts == {"duplicate_id": 1}
    both = ConversionSettings(target_format="msmarco", only="queries")
    assert convert(tmp_path / "top1000.dev", tmp_path / "y", both).counts == {"queries": 2}


def test_what_a_target_cannot_hold_is_said(folder: Path, tmp_path: Path) -> None:
    made = convert(folder, tmp_path / "du", ConversionSettings(target_format="dureader", split="dev"))
    assert made.counts == {"passages": 3, "queries": 1}
    assert made.left_out == ("judgements",)
    assert list(read_passages(tmp_path / "du")) == PASSAGES


def test_dureaders_folder_to_beir(tmp_path: Path) -> None:
    place = tmp_path / "du"
    (place / "passage-collection").mkdir(parents=True)
    (place / "dev").mkdir()
    (place / "passage-collection/part-00").write_text("-\t-\ta\t-\n")
    (place / "passage-collection/passage2id.map.json").write_text('{"0": "ab"}')
    (place / "dev/q2qid.dev.json").write_text('{"what": "q"}')
    answers = [{"paragraph_id": "ab", "paragraph_text": "a"}]
    line = json.dumps({"question_id": "q", "question": "what", "answer_paragraphs": answers})
    (place / "dev/dev.json").write_text(line + "\n")
    made = convert(place, tmp_path / "beir", ConversionSettings(target_format="beir"))
    assert made.counts == {"passages": 1, "queries": 1, "judgements": 1}
    assert made.left_out == ("examples",)
    assert Judgements.read(tmp_path / "beir", split="dev").grades == {"q": {"ab": 1}}
    assert convert(place, tmp_path / "x", ConversionSettings(target_format="tevatron")).counts == {"examples": 1}


def test_a_file_takes_the_split_that_is_named(tmp_path: Path) -> None:
    trec.write_grades(tmp_path / "qrels.txt", {"q": {"1": 1}})
    convert(tmp_path / "qrels.txt", tmp_path / "beir", ConversionSettings(target_format="beir", split="dev"))
    assert beir.splits(tmp_path / "beir") == ["dev"]
    convert(tmp_path / "qrels.txt", tmp_path / "beir", ConversionSettings(target_format="beir"))
    assert beir.splits(tmp_path / "beir") == ["dev", "test"]
    (tmp_path / "q.tsv").write_text("q\twhat\n")
    convert(tmp_path / "q.tsv", tmp_path / "cpr", ConversionSettings("msmarco", "multicpr", "queries", "dev"))
    assert multicpr.splits(tmp_path / "cpr") == ["dev"]


@pytest.mark.parametrize(
    ("source", "target", "wanted", "message"),
    [
        ("beir", "x", ConversionSettings(), "x: found no format in this name; name one of beir"),
        ("beir", "x", ConversionSettings(target_format="beer"), "found the format 'beer'"),
        (
            "beir",
            "x",
            ConversionSettings(target_format="ciff"),
            "passages and queries and judgements to read, and weights",
        ),
        ("beir", "x", ConversionSettings(target_format="jsonl"), "passages and queries, which one file cannot be"),
        (
            "beir",
            "x",
            ConversionSettings(target_format="beir", only="words"),
            "found only 'words'; wanted one of passages",
        ),
        ("beir", "x", ConversionSettings(target_format="beir", only="run"), "wanted a kind that both hold"),
        ("beir", "x", ConversionSettings(target_format="trec-qrels"), "the splits dev, train for one file"),
        ("beir", "x", ConversionSettings(target_format="trec-qrels", split="no"), "no split 'no'; .*: dev, train"),
        ("beir", "beir", ConversionSettings(target_format="beir"), "as both ends"),
        ("beir", "x", ConversionSettings(target_format="table"), "and nothing that can be written"),
    ],
)
def test_what_cannot_be_converted(
    folder: Path, source: str, target: str, wanted: ConversionSettings, message: str
) -> None:
    place = folder.parent
    with pytest.raises(SettingsError, match=message):
        convert(place / source, place / target, wanted)
    assert sorted(path.name for path in place.iterdir()) == ["beir"]


@pytest.mark.parametrize("name", [name for name, one in LAYOUTS.items() if one.is_folder and name != "ir_datasets"])
def test_a_folders_format_needs_a_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "x").write_text("")
    for source in ("x", "absent"):
        with pytest.raises(DataError, match=rf"{source}: is no folder; wanted one, as {name} is"):
            convert(tmp_path / source, tmp_path / "y", ConversionSettings(name, "beir"))


def test_strict_problems_stop_a_conversion(tmp_path: Path) -> None:
    (tmp_path / "collection.tsv").write_text("1\t\n")
    wanted = ConversionSettings(target_format="jsonl")
    with pytest.raises(DataError, match="without any text"):
        convert(tmp_path / "collection.tsv", tmp_path / "x", wanted, problems=STRICT)
    assert convert(tmp_path / "collection.tsv", tmp_path / "x", wanted) == Converted(
        "msmarco", "jsonl", {"passages": 0}, (), Problems()
    )


def test_tables_of_every_kind(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="needs the extra parquet")
    for kind, count in (("passages", 3), ("queries", 3)):
        made = convert(folder, tmp_path / f"{kind}.parquet", ConversionSettings(only=kind))
        assert made.counts == {kind: count}
    found = convert(
        tmp_path / "passages.parquet", tmp_path / "x", ConversionSettings(target_format="jsonl", only="passages")
    )
    assert found.counts == {"passages": 3}


def test_a_data_set_of_ir_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_queries(_: str, **__: Any) -> Iterator[Any]:
        return iter([("q", "what", "here")])

    monkeypatch.setattr("vizsla.data.formats.irds.kinds", lambda _: (False, True, False))
    monkeypatch.setattr("vizsla.data.formats.irds.read_queries", no_queries)
    made = convert("ir_datasets:some/set", tmp_path / "b", ConversionSettings(target_format="beir"))
    assert made.counts == {"queries": 1}


def test_every_layout_explains_itself_and_writes_only_known_kinds() -> None:
    for one in LAYOUTS.values():
        assert one.about
        assert set(one.outlets) <= {"passages", "queries", "judgements", "examples", "weights", "run"}
        assert one.is_folder or all(outlet.place is None for outlet in one.outlets.values())
    assert t2ranking.MINED[0] == "train.mined.tsv"


def test_metadata_stays_where_the_target_has_a_place_for_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    said = [Passage(str(at), "one", metadata={"n": at}, parent="book") for at in range(3)]
    beir.write_passages(tmp_path / "a.jsonl", said)
    for name, target in (("beir", tmp_path / "beir"), ("jsonl", tmp_path / "b.jsonl")):
        convert(tmp_path / "a.jsonl", target, ConversionSettings("jsonl", name, only="passages"))
        assert list(read_passages(target)) == said
    assert not caplog.records
    convert(tmp_path / "a.jsonl", tmp_path / "c.tsv", ConversionSettings("jsonl", "msmarco", only="passages"))
    assert list(read_passages(tmp_path / "c.tsv")) == [Passage(one.id, one.text) for one in said]
    (told,) = [record.getMessage() for record in caplog.records]
    assert told == f"{tmp_path / 'c.tsv'}: left out the passages' metadata and parents; only beir and jsonl keep them"
