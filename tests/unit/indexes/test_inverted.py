"""What an inverted index stores, and what it refuses to load."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from vizsla.core.errors import ArtifactError, SettingsError, ShapeError
from vizsla.indexes.forward import Forward
from vizsla.indexes.inverted import InvertedIndex, write
from vizsla.indexes.weighting import TermFrequencies

ROWS = csr_array(np.array([[1, 0, 2], [0, 0, 0], [3, 0, 300]], np.float32))
RARE = csr_array(np.vstack([ROWS.toarray(), np.zeros((61, 3), np.float32)]))
"""The same with more passages: columns so rare that they have lists, where those of ROWS have tiles."""


@pytest.mark.parametrize(("most", "kind"), [(255, "uint8"), (256, "uint16"), (70_000, "uint32")])
def test_frequencies_are_stored_in_the_smallest_type(tmp_path: Path, most: int, kind: str) -> None:
    rows = csr_array(np.array([[1, most]], np.float32))
    InvertedIndex.build(rows, TermFrequencies(1, 0.5)).save(tmp_path / "i")
    assert np.load(tmp_path / "i" / "row_values.npy").dtype == kind
    assert InvertedIndex.load(tmp_path / "i").contents.vector(0) == [(0, 1.0), (1, float(most))]


@pytest.mark.parametrize("weighting", [None, TermFrequencies(1, 0.5)])
@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (2, 2)])
def test_empty_indexes_are_stored(tmp_path: Path, shape: tuple[int, int], weighting: TermFrequencies | None) -> None:
    InvertedIndex.build(csr_array(shape, dtype=np.float32), weighting).save(tmp_path / "i")
    loaded = InvertedIndex.load(tmp_path / "i")
    assert (len(loaded), loaded.dim, loaded.weighting) == (*shape, weighting)


def test_norms() -> None:
    norms = TermFrequencies(2.0, 0.5).norms(np.array([1, 3], np.int32))
    assert norms.tolist() == [1.5, 2.5]
    assert TermFrequencies(2.0, 0.5).norms(np.zeros(2, np.int32)).tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    ("saturation", "slope"),
    [(0, 0.5), (-1, 0.5), (float("nan"), 0.5), (float("inf"), 0.5), (1e300, 0.5), (10**400, 0.5), (1, 1.1), (1, -0.1)],
)
def test_weightings_that_cannot_be(saturation: float, slope: float) -> None:
    with pytest.raises(SettingsError, match="wanted a saturation above 0 and a slope from 0 to 1"):
        TermFrequencies(saturation, slope)


@pytest.mark.parametrize(
    "change",
    [
        {"size": 4},
        {"size": -1},
        {"dim": 2},
        {"values": "float64"},
        {"values": "O"},
        {"weighting": None},
        {"weighting": {"saturation": 1}},
        {"weighting": {"saturation": -1.0, "slope": 0.5}},
        {"weighting": {"saturation": 10**400, "slope": 0.5}},
        {"weighting": {"saturation": 1.0, "slope": 10**400}},
        {"weighting": {"saturation": 1e300, "slope": 0.5}},
        {"other": 1},
        {"size": 3.0},
    ],
)
def test_settings_that_do_not_fit_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    InvertedIndex.build(ROWS, TermFrequencies(1, 0.5)).save(tmp_path / "i")
    path = tmp_path / "i" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["settings"] |= change
    path.write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match="build"):
        InvertedIndex.load(tmp_path / "i")


def test_the_largest_saturation_overflows_no_norm() -> None:
    lengths = np.zeros(100_000, np.int32)
    lengths[0] = np.iinfo(np.int32).max
    assert np.isfinite(TermFrequencies(1e20, 1.0).norms(lengths)).all()


@pytest.mark.parametrize("positions", [[0, 64, 0, 2], [-1, 2, 0, 2], [0, 2**31 - 1, 0, 2]])
def test_positions_beyond_the_passages_are_refused(tmp_path: Path, positions: list[int]) -> None:
    InvertedIndex.build(RARE).save(tmp_path / "i")
    assert InvertedIndex.load(tmp_path / "i").contents.holding(0).tolist() == [0, 2]
    np.save(tmp_path / "i" / "positions.npy", np.array(positions, np.int32))
    index = InvertedIndex.load(tmp_path / "i")
    with pytest.raises(ArtifactError, match="positions beyond its passages: altered"):
        index.contents.holding(0)
    assert index.contents.holding(1).tolist() == []
    assert index.contents.holding(2).tolist() == [0, 2]


@pytest.mark.parametrize("positions", [[0, 64, 0, 2], [-1, 2, 0, 2], [2, 0, 2, 0], [-(2**31), 2**31 - 1, 0, 2]])
def test_positions_of_an_altered_file_stay_inside(tmp_path: Path, positions: list[int]) -> None:
    InvertedIndex.build(RARE).save(tmp_path / "i")
    np.save(tmp_path / "i" / "positions.npy", np.array(positions, np.int32))
    try:
        found, scores = InvertedIndex.load(tmp_path / "i").search(csr_array(np.ones((1, 3), np.float32)), 5).row(0)
    except ArtifactError as error:
        assert "altered" in str(error)  # noqa: PT017
    else:  # lists only find candidates: what is returned has its own score, of its own row
        wanted = {0: 3.0, 2: 303.0}
        assert all(wanted[p] == s for p, s in zip(found.tolist(), scores.tolist(), strict=True))


@pytest.mark.parametrize("ends", [[0, 2, 2, 9, 4], [0, -1, 2, 4, 4], [0, 3, 2, 4, 4]])
def test_rows_outside_the_entries_are_refused(tmp_path: Path, ends: list[int]) -> None:
    InvertedIndex.build(RARE).save(tmp_path / "i")
    np.save(tmp_path / "i" / "row_ends.npy", np.array([*ends[:4], *[4] * 61]))
    index = InvertedIndex.load(tmp_path / "i")
    queries, one = csr_array(np.ones((1, 3), np.float32)), np.zeros(64, np.bool_)
    one[2] = True
    with pytest.raises(ArtifactError, match="altered"):
        [index.contents.vector(position) for position in range(64)]
    for chosen in (None, one):
        try:
            found = index.search(queries, 5, chosen)
        except ArtifactError as error:
            assert "altered" in str(error)  # noqa: PT017
        else:
            assert (found.positions < 64).all()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("tiles", lambda a: a[:-1]),
        ("groups", lambda a: a[:-1]),
        ("frequent", lambda a: a[::-1]),
        ("frequent", lambda a: a + 3),
        ("steps", lambda a: -a),
        ("codes", lambda a: np.ones(len(a) + 1, a.dtype)),
        ("row_columns", lambda a: a[:-1]),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, name: str, change: Any) -> None:
    InvertedIndex.build(ROWS).save(tmp_path / "i")
    path = tmp_path / "i" / f"{name}.npy"
    altered = change(np.load(path))
    np.save(path, altered)
    manifest = json.loads((tmp_path / "i" / "manifest.json").read_text())
    manifest["files"][path.name]["size_bytes"] = path.stat().st_size
    (tmp_path / "i" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match="build"):
        InvertedIndex.load(tmp_path / "i")


def test_eight_bits_round_each_impact_to_a_step_of_its_column(tmp_path: Path) -> None:
    draws = np.random.default_rng(5)
    rows = csr_array((draws.random((200, 40)) * (draws.random((200, 40)) < 0.3)).astype(np.float32))
    index = InvertedIndex.build(rows, bits=8)
    index.save(tmp_path / "i")
    loaded, dense = InvertedIndex.load(tmp_path / "i"), rows.toarray()
    assert np.load(tmp_path / "i" / "row_values.npy").dtype == np.uint8
    steps = dense.max(axis=0) / 255
    rounded = np.zeros_like(dense)
    for position in range(200):
        for column, value in loaded.contents.vector(position):
            rounded[position, column] = value
    assert (
        np.abs(rounded - dense) <= 0.5001 * steps + (dense < steps) * steps
    ).all()  # what is held is at least a step
    assert ((rounded > 0) == (dense > 0)).all()
    for query in csr_array(draws.random((5, 40)).astype(np.float32)):
        asked = csr_array(query.reshape(1, -1))
        wanted = (rounded.astype(np.float64) @ asked.toarray()[0].astype(np.float64)).astype(np.float32)
        assert np.allclose(loaded.search(asked, 200).scores, np.sort(wanted)[::-1], rtol=1e-6)
        assert (loaded.search(asked, 10).scores == index.search(asked, 10).scores).all()


@pytest.mark.parametrize(("bits", "weighting"), [(4, None), (16, None), (0, None), (8, TermFrequencies(1, 0.5))])
def test_other_bits_are_refused(bits: int, weighting: TermFrequencies | None) -> None:
    with pytest.raises(SettingsError, match="wanted 8"):
        InvertedIndex.build(ROWS, weighting, bits=bits)


@pytest.mark.parametrize("queries", [np.ones((1, 3), np.float32), [[1.0, 0.0, 0.0]], "a", None, ["a"]])
def test_queries_that_are_no_sparse_rows_are_refused(queries: Any) -> None:
    with pytest.raises(ShapeError, match="wanted sparse rows"):
        InvertedIndex.build(ROWS).search(queries, 2)


@pytest.mark.parametrize("allowed", [[True, False, True], True, "all", {0, 2}])
def test_a_bitmap_that_is_no_array_is_refused(allowed: Any) -> None:
    with pytest.raises(ShapeError, match="wanted an array of bool"):
        InvertedIndex.build(ROWS).search(ROWS, 2, allowed)


def test_lengths_below_zero_are_refused(tmp_path: Path) -> None:
    InvertedIndex.build(ROWS, TermFrequencies(1, 0.5)).save(tmp_path / "i")
    np.save(tmp_path / "i" / "lengths.npy", np.array([3, -1, 303], np.int32))
    with pytest.raises(ArtifactError, match=r"lengths\.npy: found a length below zero"):
        InvertedIndex.load(tmp_path / "i")


@pytest.mark.parametrize("starts", [[0, 9, 1, 4], [0, -3, 2, 4], [0, 3, 2, 4]])
def test_offsets_outside_the_postings_are_refused(tmp_path: Path, starts: list[int]) -> None:
    InvertedIndex.build(RARE, TermFrequencies(1, 0.5)).save(tmp_path / "i")
    np.save(tmp_path / "i" / "starts.npy", np.array(starts))
    index = InvertedIndex.load(tmp_path / "i")
    with pytest.raises(ArtifactError, match="altered"):
        index.search(csr_array(np.ones((1, 3), np.float32)), 2)


def test_eight_bits_keep_what_lies_below_whole_peaks() -> None:
    rows = np.random.default_rng(6).random((200, 6)).astype(np.float32)
    rows /= rows.max(axis=0)  # every column's largest impact is 1, and the others are no whole numbers
    rounded = InvertedIndex.build(csr_array(rows), bits=8)
    assert rounded.rounding is not None
    assert 0 < rounded.rounding < 0.01
    assert len({value for _, value in rounded.contents.vector(3)}) > 1


@pytest.mark.parametrize(("name", "change"), [("positions", -3), ("positions", 2**31 - 1), ("starts", 2**40)])
def test_an_altered_index_of_the_first_format_is_refused(tmp_path: Path, name: str, change: int) -> None:
    copy = Path(shutil.copytree(Path(__file__).parents[2] / "golden/v1/collection/index", tmp_path / "i"))
    altered = np.load(copy / f"{name}.npy")
    altered[1] = change
    np.save(copy / f"{name}.npy", altered)
    with pytest.raises(ArtifactError, match="do not fit each other"):
        InvertedIndex.load(copy)


def test_lengths_of_the_first_format_are_those_of_its_postings(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(Path(__file__).parents[2] / "golden/v1/collection/index", tmp_path / "i"))
    np.save(copy / "lengths.npy", np.load(copy / "lengths.npy") + np.int32(1))
    with pytest.raises(ArtifactError, match="other lengths than the postings have"):
        InvertedIndex.load(copy)


def test_only_so_many_columns_have_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vizsla.indexes.turning._TILED", 1)
    index = InvertedIndex.build(ROWS)
    assert [index.contents.holding(column).tolist() for column in range(3)] == [[0, 2], [], [0, 2]]
    assert index.search(csr_array(np.ones((1, 3), np.float32)), 3).scores.tolist() == [[303.0, 3.0, -np.inf]]


def test_a_passage_of_more_terms_than_can_be_counted_is_refused() -> None:
    with pytest.raises(SettingsError, match="cut it into several"):
        InvertedIndex.build(csr_array(np.array([[3e9]], np.float32)), TermFrequencies(1, 0.5))


def test_a_column_beyond_the_width_is_refused(tmp_path: Path) -> None:
    InvertedIndex.build(ROWS, bits=8).save(tmp_path / "i")
    path = tmp_path / "i" / "row_columns.npy"
    np.save(path, np.full_like(np.load(path), 9))
    with pytest.raises(ArtifactError, match="columns beyond its width"):
        InvertedIndex.load(tmp_path / "i").contents.vector(0)


def test_rows_come_back() -> None:
    rows = np.array([[0, 2, 0, 1], [0, 0, 0, 0], [3, 0, 0, 4]], np.float32)
    columns, values, ends = InvertedIndex.build(csr_array(rows), TermFrequencies(1.2, 0.75)).contents.rows(0, 3)
    assert (columns.tolist(), values.tolist(), ends.tolist()) == ([1, 3, 0, 3], [2, 1, 3, 4], [2, 2, 4])
    assert InvertedIndex.build(csr_array(rows)).contents.rows(2, 3).terms.tolist() == [0, 3]


@pytest.mark.parametrize("average", [0.0, -1.0, 5e-324, 1e-10, 2.0**32, 1e300, float("inf"), float("nan")])
def test_averages_that_cannot_be_are_refused(average: float) -> None:
    index = InvertedIndex.build(csr_array(np.ones((3, 3), np.float32)), TermFrequencies(1.2, 0.0))
    with pytest.raises(ShapeError, match="wanted one from"):
        index.at(average)


@pytest.mark.parametrize("share", [1.0, 0.01])
def test_values_that_are_no_numbers_are_refused_wherever_they_stand(tmp_path: Path, share: float) -> None:
    InvertedIndex.build(csr_array(np.full((100, 20), 0.5, np.float32))).save(tmp_path / "i")
    values = np.load(tmp_path / "i" / "row_values.npy")
    values[7] = np.nan
    np.save(tmp_path / "i" / "row_values.npy", values)
    index = InvertedIndex.load(tmp_path / "i")
    with pytest.raises(ArtifactError, match="altered"):
        index.search(csr_array(np.ones((1, 20), np.float32)), 5, np.arange(100) < 100 * share)


@pytest.mark.parametrize("failing", [0, 1])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_stream_that_fails_stops_the_other_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int, error: BaseException
) -> None:
    names, written = ("row_ends", "positions"), [0, 0]

    def stream(number: int) -> Iterator[tuple[str, Any]]:
        for _ in range(2000):
            if number == failing and written[1 - number]:
                raise error
            written[number] += 1
            yield names[number], np.zeros(1, np.int64)
            time.sleep(0.005)

    monkeypatch.setenv("VIZSLA_THREADS", "2")
    monkeypatch.setattr("vizsla.indexes.inverted._WORTH_A_THREAD", -1)
    monkeypatch.setattr("vizsla.indexes.turning.turn", lambda *_: (stream(0), stream(1)))
    with pytest.raises(type(error)):
        write(tmp_path / "i", Forward(None), np.arange(3), None)
    assert written[1 - failing] < 2000
    assert not list(tmp_path.iterdir())


def test_the_loss_of_the_largest_impacts_is_a_number() -> None:
    rows = np.geomspace(1e36, np.finfo(np.float32).max, 60, dtype=np.float64).astype(np.float32).reshape(20, 3)
    with np.errstate(over="raise"):
        rounding = InvertedIndex.build(csr_array(rows), bits=8).rounding
    assert rounding is not None
    assert 0 < rounding < 0.01
