import gzip
import logging
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from vizsla.core.errors import DataError, SettingsError
from vizsla.core.protocols import Passage
from vizsla.data import sources
from vizsla.data.columns import Columns
from vizsla.data.corpus import Corpus
from vizsla.data.cutting import Cutting
from vizsla.data.formats import beir, msmarco
from vizsla.data.judgements import Judgements
from vizsla.data.problems import Problems
from vizsla.data.sources import read_passages

PASSAGES = [Passage("1", "one"), Passage("2", "zwei", title="t")]
FILES = {
    "a.jsonl": '{"id": 1, "text": "one"}\n\n{"id": "2", "text": "zwei", "title": "t"}\n',
    "a.ndjson": '{"_id": "1", "text": "one", "title": null}\n{"_id": "2", "text": "zwei", "title": "t", "more": []}\n',
    "a.csv": 'title,text,id\n,one,1\nt,"zwei",2\n',
    "a.tsv": "id\ttitle\ttext\n1\t\tone\n2\tt\tzwei\n",
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_files_are_known_by_their_names(tmp_path: Path, name: str, ending: str) -> None:
    path = tmp_path / (name + ending)
    content = FILES[name].encode()
    path.write_bytes(gzip.compress(content) if ending else content)
    assert list(read_passages(path, problems=Problems(strict=True))) == PASSAGES


def test_ms_marco_is_a_tsv_without_a_header(tmp_path: Path) -> None:
    (tmp_path / "collection.tsv").write_text('1\tone\n2\ta "quoted" text\n')
    assert list(read_passages(tmp_path / "collection.tsv")) == [Passage("1", "one"), Passage("2", 'a "quoted" text')]
    (tmp_path / "empty.tsv").write_text("")
    assert list(read_passages(tmp_path / "empty.tsv")) == []
    (tmp_path / "three.tsv").write_text("1\t2\t3\n")
    with pytest.raises(DataError, match=r"three\.tsv:1: found 3 columns"):
        read_passages(tmp_path / "three.tsv")
    (tmp_path / "named.tsv").write_text("nr\tbody\n1\tone\n")
    assert list(read_passages(tmp_path / "named.tsv", columns=Columns(id="nr", text="body"))) == [Passage("1", "one")]


def test_folders(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "b.md").write_text("# Head\ntwo words")
    (tmp_path / "texts" / "a.txt").write_text("some text")
    assert list(read_passages(tmp_path / "texts", cutting=Cutting(size=1, overlap=0))) == [
        Passage("a.txt#0", "some", title="a"),
        Passage("a.txt#1", "text", title="a"),
        Passage("b.md#0", "two", title="Head"),
        Passage("b.md#1", "words", title="Head"),
    ]
    assert list(read_passages(tmp_path / "texts" / "b.md")) == [Passage("b.md#0", "two words", title="Head")]
    # A README beside corpus.jsonl does not make a BEIR folder a folder of texts.
    (tmp_path / "texts" / "corpus.jsonl").write_text('{"_id": "x", "text": "y"}')
    assert list(read_passages(tmp_path / "texts")) == [Passage("x", "y")]


@pytest.mark.parametrize("name", ["absent", "a.bin", "a", "empty"])
def test_what_cannot_be_read_is_told_what_can(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.bin").write_bytes(b"x")
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=rf"{name}: .*wanted a folder in the layout of BEIR .*\.jsonl"):
        read_passages(tmp_path / name)


@pytest.mark.parametrize("name", ["beir", "a.txt", "texts", "a.jsonl"])
def test_settings_that_do_not_fit_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "beir").mkdir()
    (tmp_path / "beir" / "corpus.jsonl").write_text("")
    (tmp_path / "texts").mkdir()
    for path in ("a.txt", "texts/a.txt", "a.jsonl"):
        (tmp_path / path).write_text("")
    given = {"cutting": Cutting()} if name == "a.jsonl" else {"columns": Columns()}
    with pytest.raises(SettingsError, match="leave them out"):
        read_passages(tmp_path / name, **given)


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_the_first_of_equal_ids_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(sources, "_BATCH_PASSAGES", batch)
    path = tmp_path / "a.tsv"
    path.write_text("a\t1\nb\t2\na\t1\na\t3\nc\t4\nb\t5\n")
    problems = Problems()
    assert [(p.id, p.text) for p in read_passages(path, problems=problems)] == [("a", "1"), ("b", "2"), ("c", "4")]
    assert problems.counts == {"duplicate_id": 3}
    with pytest.raises(DataError, match=r"a\.tsv:3: found 'a'"):
        list(read_passages(path, problems=Problems(strict=True)))


def test_long_texts_make_small_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_BATCH_CHARACTERS", 10)
    (tmp_path / "a.tsv").write_text("".join(f"{row}\t{'x' * 9}\n" for row in range(9)))
    read = read_passages(tmp_path / "a.tsv")
    assert next(read).id == "0"
    assert [one.id for one in read] == list("12345678")


def test_memory_is_bounded_by_a_buffer(tmp_path: Path) -> None:
    # 64 MiB of text and its ids: far more than may be held at a time.
    path = tmp_path / "corpus.jsonl"
    with path.open("w") as file:
        for row in range(65_536):
            file.write(f'{{"_id": "passage-{row}", "text": "{str(row) * 170}"}}\n')
    size = path.stat().st_size
    assert size > 48 << 20
    tracemalloc.start()
    try:
        corpus = Corpus.build(read_passages(tmp_path), tmp_path / "built")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(corpus) == 65_536
    assert peak < 24 << 20, f"{peak >> 20} MiB were held at once for {size >> 20} MiB of text"


def real_folders() -> Iterator[Path]:
    root = Path(os.environ.get("VIZSLA_DATA", Path(__file__).parents[4] / "shared" / "data"))
    yield from sorted(path.parent for path in root.glob("*/corpus.jsonl.gz")) if root.is_dir() else ()


@pytest.mark.data
@pytest.mark.parametrize("folder", list(real_folders()) or [None], ids=lambda path: path.name if path else "absent")
def test_real_folders_are_read_whole(folder: Path | None, caplog: pytest.LogCaptureFixture) -> None:
    if folder is None:
        pytest.skip("no judged data sets: set VIZSLA_DATA to a folder of folders in the layout of BEIR")
    if folder.name == "wenyan-zh":
        pytest.skip("too large for the default run; the benchmark reads it")
    problems = Problems()
    with caplog.at_level(logging.CRITICAL, logger="vizsla"):
        corpus = Corpus.build(read_passages(folder, problems=problems))
        with gzip.open(folder / "corpus.jsonl.gz") as file:
            assert sum(1 for _ in file) == len(corpus) + sum(problems.counts.values())
        for split in beir.splits(folder):
            read = Judgements.read(folder, split=split)
            rows = len((folder / "qrels" / f"{split}.tsv").read_text().splitlines()) - 1
            assert read.counts["judgements"] == rows
            assert read.check(corpus.ids) <= problems.counts.get("empty", 0)


LAYOUTS = {
    "T2Ranking": {"collection.tsv": "1\tone\n2\tzwei\n", "queries.dev.tsv": "1\twhat\n"},
    "Multi-CPR": {"corpus_split_1.tsv": "1\tone\n", "corpus_split_2.tsv": "2\tzwei\n", "dev.query.txt": "1\twhat\n"},
    "DuReader-retrieval": {
        "passage-collection/part-00": "-\t-\tone\t-\n-\t-\tzwei\t-\n",
        "passage-collection/passage2id.map.json": '{"0": "1", "1": "2"}',
    },
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_of_the_field_are_known(tmp_path: Path, name: str) -> None:
    for file, content in LAYOUTS[name].items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(content)
    (tmp_path / "readme.md").write_text("# Read me")
    assert list(read_passages(tmp_path)) == [Passage("1", "one"), Passage("2", "zwei")]
    layout = sources.layout_of(tmp_path)
    assert layout is not None
    assert layout.name == name
    assert [path.exists() for path in layout.corpus_files(tmp_path)] == [True] * (2 if name == "Multi-CPR" else 1)
    with pytest.raises(SettingsError, match=f"a {name} folder"):
        read_passages(tmp_path, columns=Columns())


@pytest.mark.parametrize(
    "text", ["number\tbody\n1\tone\n", "\n编号\t正文\n\na1\t狗\n", "doc_id\tfull-text\na\tone two\n"]
)
def test_a_header_of_two_other_names_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.tsv:[12]: found '.*', which look like the names of columns"):
        read_passages(path)
    id_, _, body = text.strip().splitlines()[0].partition("\t")
    assert len(list(read_passages(path, columns=Columns(id=id_, text=body)))) == 1
    assert len(list(msmarco.read_passages(path, problems=Problems()))) == 2


@pytest.mark.parametrize(
    "text",
    ["a\tone\nb\ttwo\n", "a\tone\nb\ttwo words\n", "a1\tone\nb\ttwo words\n", "a\tone two\nb2\ttwo\n", "a\tone\n"],
)
def test_what_could_be_passages_is_no_header(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.tsv").write_text(text, encoding="utf-8")
    assert len(list(read_passages(tmp_path / "a.tsv"))) == len(text.splitlines())


def test_a_folder_says_once_what_it_passes_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/b.txt").write_text("one", encoding="utf-8")
    (tmp_path / "other.txt").write_text("two", encoding="utf-8")
    (tmp_path / "texts/a.txt").symlink_to(tmp_path / "other.txt")
    problems = Problems()
    assert len(list(read_passages(tmp_path / "texts", problems=problems))) == 1
    assert problems.counts == {"link": 1}
    assert len(caplog.records) == 1
