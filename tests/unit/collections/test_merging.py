"""Merged segments are those that a fresh build would give, file for file; and when segments merge."""

import filecmp
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vizsla.collections import merging, packs, segment, segment_files
from vizsla.collections.metadata.schema import Schema
from vizsla.collections.packs import Pack
from vizsla.collections.segment import Making, Rows, Segment, read_metadata
from vizsla.collections.settings import CollectionSettings, EncoderSettings, mixed
from vizsla.core.errors import ArtifactError, ShapeError
from vizsla.core.protocols import Passage
from vizsla.core.vectors import Bitmap, sparse_from_rows
from vizsla.text.analyzer import Analyzer

SETTINGS = CollectionSettings(
    (
        EncoderSettings("bm25", "lexical"),
        EncoderSettings("terms", "sparse", "model", 30),
        EncoderSettings("dense", "dense", "model", 3),
    ),
    mixed(),
)
ANALYZER = Analyzer(SETTINGS.analyzer)
WORDS = ["a", "birds", "birdsong", "vizsla", "über", "维兹拉犬", "c++", "dog", "dogs", "x" * 20, "x" * 21]


def passages(draw: random.Random, count: int, first: int) -> list[Passage]:
    return [
        Passage(
            f"p{first + place}",
            " ".join(draw.choices(WORDS, k=draw.randrange(9))),
            draw.choice(["", "a title"]),
            {"year": place, "tags": ["x"]} if draw.random() < 0.5 else {},
            draw.choice(["", "book"]),
        )
        for place in range(count)
    ]


def rows(given: Sequence[Passage], schema: Schema) -> tuple[Rows, Schema]:
    schema, metadata = read_metadata(given, schema)
    numbers = [int(one.id[1:]) for one in given]
    sparse = sparse_from_rows([{number % 30: 1.5, 7: float(number + 1)} for number in numbers], dim=30)
    dense = np.array([[number, 1, -number] for number in numbers], np.float32).reshape(-1, 3)
    return Rows(given, metadata, {"terms": sparse, "dense": dense}), schema


def write(folder: Path, given: Sequence[Passage], schema: Schema) -> Schema:
    made, schema = rows(given, schema)
    segment.write(folder, made, Making(SETTINGS, schema, ANALYZER))
    return schema


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def copied(folder: Path, to: Path, schema: Schema) -> None:
    """The segment as a merge of it alone stores it."""
    one = Segment.load(folder, SETTINGS, schema)
    merging.merge([one], [np.ones(len(one), np.bool_)], to, Making(SETTINGS, schema, ANALYZER))


@pytest.mark.parametrize("most", [1 << 20, -1])
@pytest.mark.parametrize("new", [0, 3])
@pytest.mark.parametrize("share", [1.0, 0.6, 0.0])
def test_a_merged_segment_is_a_fresh_one_file_for_file(
    tmp_path: Path, share: float, new: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(f"{share} {new}")
    schema, kept_passages, kept, first = Schema(), [], [], 0
    for number, size in enumerate([40, 0, 1, 12]):
        here = passages(draw, size, first)
        schema, first = write(tmp_path / f"s{number}", here, schema), first + size
        kept.append(np.array([draw.random() < share for _ in here], np.bool_))
        kept_passages += [one for one, stays in zip(here, kept[-1], strict=True) if stays]
    fresh = passages(draw, new, first)
    more, schema = rows(fresh, schema)
    loaded = [Segment.load(tmp_path / f"s{number}", SETTINGS, schema) for number in range(4)]
    made = Making(SETTINGS, schema, ANALYZER)
    monkeypatch.setattr(segment_files, "PACKED_BYTES", most)
    count = merging.merge(loaded, kept, tmp_path / "merged", made, more if new else None)
    write(tmp_path / "written", kept_passages + fresh, schema)
    copied(tmp_path / "written", tmp_path / "fresh", schema)
    if most > 0:
        assert files(tmp_path / "written") == ["manifest.json", packs.NAME]
        assert (tmp_path / "written" / packs.NAME).read_bytes() == (tmp_path / "fresh" / packs.NAME).read_bytes()
    else:
        assert len(files(tmp_path / "merged")) > 30
    assert count == len(kept_passages) + new
    assert files(tmp_path / "merged") == files(tmp_path / "fresh")
    _, different, failed = filecmp.cmpfiles(
        tmp_path / "merged", tmp_path / "fresh", files(tmp_path / "fresh"), shallow=False
    )
    assert not different
    assert not failed
    merged = Segment.load(tmp_path / "merged", SETTINGS, schema)
    assert [merged.passage(row) for row in range(len(merged))] == kept_passages + fresh
    assert merged.verify() == merged.size_bytes


def test_a_bitmap_of_another_size_is_refused(tmp_path: Path) -> None:
    schema = write(tmp_path / "s", passages(random.Random(1), 4, 0), Schema())
    loaded = Segment.load(tmp_path / "s", SETTINGS, schema)
    with pytest.raises(ShapeError, match=r"wanted bool of shape \(4,\)"):
        merging.merge([loaded], [np.ones(3, np.bool_)], tmp_path / "m", Making(SETTINGS, schema, ANALYZER))
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("name", ["corpus/id_order", "corpus/starts", "parts/bm25/term_starts"])
def test_an_altered_segment_is_not_merged(tmp_path: Path, name: str) -> None:
    schema = write(tmp_path / "s", passages(random.Random(1), 9, 0), Schema())
    path = tmp_path / "s" / packs.NAME
    pack = Pack.read(path)
    pack.arrays[name] = pack.arrays[name].copy()
    pack.arrays[name][1:-1] = 1 << 40
    pack.write(tmp_path / "altered")
    (tmp_path / "altered").replace(path)  # what is mapped is not written over
    loaded = Segment.load(tmp_path / "s", SETTINGS, schema)
    kept: list[Bitmap] = [np.ones(9, np.bool_)] * 2
    with pytest.raises(ArtifactError):
        merging.merge([loaded, loaded], kept, tmp_path / "m", Making(SETTINGS, schema, ANALYZER))
    assert not (tmp_path / "m").exists()


def settled(sizes: Sequence[int]) -> list[int]:
    held: list[int] = []
    for size in sizes:
        held.append(size)
        begin = merging.first(held)
        held[begin:] = [sum(held[begin:])] if begin < len(held) else []
    return held


@settings(deadline=None)
@given(st.lists(st.integers(1, 5000), max_size=60))
def test_segments_fall_by_more_than_four(sizes: list[int]) -> None:
    held = settled(sizes)
    assert sum(held) == sum(sizes)
    assert all(one > 4 * other for one, other in pairwise(held))
    assert len(held) <= np.emath.logn(4, max(sum(sizes), 1)) + 1


def test_ten_thousand_single_passages_leave_few_segments() -> None:
    assert len(settled([1] * 10_000)) <= 7


def test_a_patient_merge_waits_for_eight() -> None:
    assert merging.first([1] * 7, patient=True) == 7
    assert merging.first([1] * 8, patient=True) == 0
    assert merging.first([100] + [1] * 8, patient=True) == 1
    assert merging.first([], patient=True) == 0


def test_a_segment_that_is_mostly_dead_is_written_again() -> None:
    assert merging.first([100, 10], [100, 0]) == 2
    assert merging.first([100, 10], [101, 0]) == 0
    assert merging.first([100, 10], [0, 11]) == 1
