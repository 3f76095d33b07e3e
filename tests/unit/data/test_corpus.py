from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from vizsla.core.artifacts import draft
from vizsla.core.errors import ArtifactError, DataError, ShapeError
from vizsla.core.protocols import Passage
from vizsla.data import ids as ids_module
from vizsla.data.corpus import Corpus
from vizsla.data.corpus_writer import DTYPES
from vizsla.data.ids import Hashes, hash_ids

PASSAGES = [
    Passage("a", "first text"),
    Passage("乙", "正文", title="标题\nzwei"),
    Passage("c c", "", title="only a title"),
]


@pytest.fixture(params=["memory", "folder"])
def corpus(request: pytest.FixtureRequest, tmp_path: Path) -> Corpus:
    return Corpus.build(iter(PASSAGES), tmp_path / "corpus" if request.param == "folder" else None)


def test_the_stored_arrays(corpus: Corpus) -> None:
    assert corpus.bytes.tobytes().decode() == "first text标题 zwei\n正文only a title\n"
    assert corpus.starts.tolist() == [0, 10, 28, 41]
    assert corpus.title_sizes.tolist() == [0, 12, 13]
    assert corpus.id_bytes.tobytes().decode() == "a乙c c"
    assert corpus.id_starts.tolist() == [0, 1, 4, 7]
    assert corpus.id_hashes.tolist() == sorted(hash_ids(["a", "乙", "c c"]).tolist())
    assert corpus.ids.hashes().tolist() == hash_ids(["a", "乙", "c c"]).tolist()
    assert hash_ids(["a", "乙", "c c"])[corpus.id_order].tolist() == corpus.id_hashes.tolist()
    assert {name: getattr(corpus, name).dtype for name in DTYPES} == {
        name: np.dtype(one) for name, one in DTYPES.items()
    }
    assert not any(getattr(corpus, name).flags.writeable for name in DTYPES)


def test_reading_by_position(corpus: Corpus) -> None:
    assert len(corpus) == len(corpus.ids) == 3
    assert corpus.texts(np.array([2, 0, 1, 0])) == [
        ("only a title", ""),
        "first text",
        ("标题 zwei", "正文"),
        "first text",
    ]
    assert corpus.pairs([1, 0]) == [("标题 zwei", "正文"), ("", "first text")]
    assert corpus.texts([]) == corpus.pairs([]) == []
    assert corpus.passage(1) == Passage("乙", "正文", title="标题 zwei")
    assert corpus.ids[0] == "a"
    assert corpus.ids[-1] == "c c"
    assert corpus.ids[1:] == ["乙", "c c"]
    assert list(corpus.ids) == corpus.ids.many([0, 1, 2]) == ["a", "乙", "c c"]
    assert corpus.ids.positions(["c c", "nobody", "a", "\ud800", ""]).tolist() == [2, -1, 0, -1, -1]


@pytest.mark.parametrize("position", [-1, 3])
def test_a_position_that_is_not_there(corpus: Corpus, position: int) -> None:
    for read in (corpus.texts, corpus.ids.many):
        with pytest.raises(ShapeError, match=rf"{position}; wanted 0 to 2"):
            read([position])
    with pytest.raises(ShapeError):
        corpus.passage(position)
    with pytest.raises(IndexError):
        corpus.ids[3]


@pytest.mark.parametrize("folder", [None, "corpus"])
def test_an_id_that_comes_twice_is_refused(tmp_path: Path, folder: str | None) -> None:
    twice = [*PASSAGES, Passage("b", "x"), Passage("a", "y")]
    with pytest.raises(DataError, match="'a' at positions 0 and 4"):
        Corpus.build(twice, tmp_path / folder if folder else None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong", [Passage("", "x"), Passage("a\ud800", "x"), Passage("a", "\udcff"), Passage("a", "", title="\ud83d")]
)
def test_what_cannot_be_stored_is_refused(wrong: Passage) -> None:
    with pytest.raises(DataError):
        Corpus.build([wrong])


def test_an_error_of_the_source_leaves_nothing(tmp_path: Path) -> None:
    def source() -> Iterator[Passage]:
        yield PASSAGES[0]
        raise DataError("line 2")

    with pytest.raises(DataError, match="line 2"):
        Corpus.build(source(), tmp_path / "corpus")
    assert list(tmp_path.iterdir()) == []


def test_ids_with_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def same(ids: list[str]) -> Hashes:
        return np.array([len(one) for one in ids], dtype=np.uint64)

    monkeypatch.setattr(ids_module, "hash_ids", same)
    monkeypatch.setattr("vizsla.data.corpus_writer.hash_ids", same)
    corpus = Corpus.build([Passage(one, one) for one in ("a", "b", "cc", "d")])
    assert corpus.ids.positions(["d", "a", "x", "b", "cc", "yy"]).tolist() == [3, 0, -1, 1, 2, -1]
    with pytest.raises(DataError, match="'b' at positions 1 and 3"):
        Corpus.build([Passage(one, one) for one in ("a", "b", "c", "b")])


def test_a_whole_corpus_is_saved_and_mapped(tmp_path: Path) -> None:
    Corpus.build(PASSAGES).save(tmp_path / "one")
    loaded = Corpus.load(tmp_path / "one")
    assert isinstance(loaded.bytes.base, np.memmap)
    loaded.save(tmp_path / "one")  # over itself
    assert list(Corpus.load(tmp_path / "one")) == list(loaded)


def test_more_passages_than_a_buffer(tmp_path: Path) -> None:
    many = [Passage(f"p{row}", "text " * (row % 7), title="t" * (row % 3)) for row in range(10_000)]
    corpus = Corpus.build(iter(many), tmp_path / "corpus")
    assert list(corpus) == many
    assert corpus.ids.positions([one.id for one in many]).tolist() == list(range(len(many)))


DAMAGE: dict[str, list[list[int]]] = {
    "starts": [[1, 10, 28, 41], [0, 10, 28, 40], [0, 10, 28, 42], [0, 29, 28, 41], [0, 10, -1, 41], [0, 10, 41]],
    "id_starts": [[0, 5, 4, 7], [0, 1, 2, 7], [0, 1, 4, 8], [0, 2**62, 4, 7], []],
    "title_sizes": [[0, 19, 13], [-1, 12, 13], [0, 2, 13], [0, 10, 13], [0, 12, 13, 0]],
    "id_order": [[0, 1]],
    "id_hashes": [[]],
}  # fmt: skip


@pytest.mark.parametrize(("name", "values"), [(name, one) for name, every in DAMAGE.items() for one in every])
def test_damaged_offsets_are_artifact_errors(tmp_path: Path, name: str, values: list[int]) -> None:
    whole = Corpus.build(PASSAGES)
    with draft(tmp_path / "corpus", kind="corpus", version=1, settings={}) as target:
        for array, dtype in DTYPES.items():
            stored = np.array(values, dtype=dtype) if array == name else getattr(whole, array)
            target.array(array, stored)
    with pytest.raises(ArtifactError, match="build it again"):
        list(Corpus.load(tmp_path / "corpus"))


def test_a_damaged_order_never_gives_a_wrong_position() -> None:
    whole = Corpus.build(PASSAGES)
    arrays = {name: getattr(whole, name) for name in DTYPES}
    turned = Corpus(**{**arrays, "id_order": whole.id_order[::-1]})
    assert set(turned.ids.positions(["a", "乙", "c c"]).tolist()) <= {-1, 1, 0, 2}
    for id_, position in zip(["a", "乙", "c c"], turned.ids.positions(["a", "乙", "c c"]).tolist(), strict=True):
        assert position == -1 or turned.ids[position] == id_
    outside = Corpus(**{**arrays, "id_order": whole.id_order + 7})
    with pytest.raises(ArtifactError, match="positions 7 to 9 for 3 ids"):
        outside.ids.hashes()
    with pytest.raises(ArtifactError, match="positions 7 to 9 for 3 ids"):
        outside.ids.positions(["a", "乙", "c c"])
