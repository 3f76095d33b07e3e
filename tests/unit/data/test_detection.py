from pathlib import Path

import pytest

from vizsla.core.errors import DataError, SettingsError
from vizsla.data.detection import checked, detect, kind_of

FILES = {
    "corpus.jsonl": ('{"_id": "1", "title": "", "text": "a"}', "jsonl"),
    "a.ndjson": ('{"id": "1", "text": "a"}', "jsonl"),
    "b.jsonl": ('{"query": "q", "pos": [], "neg": [], "text": ""}', "flagembedding"),
    "c.jsonl": ('{"query_id": "1", "query": "q", "positive_passages": []}', "tevatron"),
    "d.jsonl": ('{"query_id": "1", "query_text": "q", "positive_document_ids": []}', "tevatron-ids"),
    "e.jsonl": ('{"docid": "1", "text": "q"}', "tevatron-corpus"),
    "f.json": ('{"question": "q", "answer_paragraphs": []}', "dureader-questions"),
    "g.jsonl": ('{"id": "1", "contents": "", "vector": {}}', "pyserini-vectors"),
    "h.jsonl": ('{"id": "1", "contents": ""}', "pyserini"),
    "i.ndjson": ('{"index": {"_id": "1"}}\n{}', "bulk"),
    "qrels.dev.tsv": ("1 0 1 1", "trec-qrels"),
    "top1000.dev": ("1\t2\tq\tp", "msmarco-top1000"),
    "triples.train.small.tsv": ("q\ta\tb", "msmarco-triples"),
    "collection.tsv": ("1\ta", "msmarco"),
    "run.x": ("q Q0 p 1 2.5 tag", "trec-run"),
    "x.csv": ("id,text\n", "table"),
    "x.tsv": ("id\ttext\n", "table"),
    "x.ciff": ("", "ciff"),
    "x.parquet": ("", "parquet"),
}


@pytest.mark.parametrize("name", FILES)
def test_what_is_certain(tmp_path: Path, name: str) -> None:
    text, wanted = FILES[name]
    (tmp_path / name).write_text(text)
    assert detect(tmp_path / name) == wanted
    assert checked(wanted) == wanted


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.tsv", "1\ta"),  # passages or queries
        ("x.tsv", "q\ta\tb"),
        ("x.tsv", "q\tt\tp\t1"),  # judgements or RocketQA
        ("qrels.retrieval.dev.tsv", "1\t2"),
        ("x.jsonl", '{"text": "a"}'),
        ("x.jsonl", ""),
        ("x", "a b c d e f"),
    ],
)
def test_what_could_be_two_things_is_none(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SettingsError, match=r"found no format for certain; name one of beir, "):
        detect(tmp_path / name)


def test_folders_and_ids(tmp_path: Path) -> None:
    assert detect("ir_datasets:vaswani") == "ir_datasets"
    with pytest.raises(SettingsError, match="no format for certain"):
        detect(tmp_path)
    for folder, files, wanted in (
        ("a", ["corpus.jsonl"], "beir"),
        ("b", ["collection.tsv", "queries.dev.tsv"], "t2ranking"),
        ("c", ["corpus.tsv", "dev.query.txt"], "multicpr"),
        ("d", ["passage-collection/part-00", "passage-collection/passage2id.map.json"], "dureader"),
        ("e", ["0.parquet"], "parquet"),
    ):
        for file in files:
            (tmp_path / folder / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / file).touch()
        assert detect(tmp_path / folder) == wanted


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not there"):
        detect(tmp_path / "x.tsv")
    with pytest.raises(SettingsError, match="found the format 'beer'; wanted one of beir"):
        checked("beer")


def test_a_name_may_say_the_kind() -> None:
    names = ("collection.tsv", "Corpus.jsonl", "queries.dev.tsv", "qrels.dev.tsv", "x.tsv")
    assert [kind_of(Path(name)) for name in names] == ["passages", "passages", "queries", "judgements", None]
