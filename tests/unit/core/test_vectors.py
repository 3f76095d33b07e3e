from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from vizsla.core.errors import ShapeError
from vizsla.core.vectors import check_allowed, check_depth, dense, sparse, sparse_from_rows

DIM = 6
WEIGHTS = st.floats(-100, 100, width=32)
ROWS = st.lists(st.dictionaries(st.integers(0, DIM - 1), WEIGHTS, max_size=DIM), max_size=5)


def csr(data: list[float], columns: list[int], starts: list[int], dim: int = DIM) -> csr_array:
    """A matrix as somebody else may have put it together."""
    made = csr_array(np.zeros((len(starts) - 1, dim), dtype=np.float32))
    made.data, made.indices = np.array(data, dtype=np.float32), np.array(columns, dtype=np.int32)
    made.indptr = np.array(starts, dtype=np.int32)
    return made


@pytest.mark.parametrize(
    "rows", [[[1, 2], [3, 4]], np.ones((3, 2)), np.ones((2, 5), dtype=np.float32).T, np.zeros((0, 4)), np.eye(3)[::2]]
)
def test_dense_rows_are_one_block(rows: npt.ArrayLike) -> None:
    block = dense(rows)
    assert block.dtype == np.float32
    assert block.flags.c_contiguous
    np.testing.assert_array_equal(block, np.asarray(rows))


def test_dense_rows_in_order_are_not_copied() -> None:
    rows = np.ones((2, 3), dtype=np.float32)
    assert dense(rows) is rows


@pytest.mark.parametrize("rows", [[1.0], [[[1.0]]], 1.0, [[1.0], [1.0, 2.0]], [["a"]]])
def test_dense_rows_have_two_dimensions(rows: npt.ArrayLike) -> None:
    with pytest.raises(ShapeError):
        dense(rows)


def test_vectors_of_another_width_are_refused() -> None:
    with pytest.raises(ShapeError, match="width 2; wanted 3"):
        dense([[1, 2]], dim=3)
    with pytest.raises(ShapeError, match="width 2; wanted 3"):
        sparse(csr_array(np.ones((1, 2))), dim=3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_what_is_no_finite_float32_is_refused(value: float) -> None:
    with pytest.raises(ShapeError, match="finite"):
        dense([[1.0, value]])
    with pytest.raises(ShapeError, match="finite"):
        sparse(csr_array(np.array([[1.0, value]])))
    with pytest.raises(ShapeError, match="finite"):
        sparse_from_rows([{0: value}], dim=1)


@given(ROWS)
def test_sparse_rows_are_what_was_given(rows: list[dict[int, float]]) -> None:
    made = sparse_from_rows(rows, dim=DIM)
    expected = np.zeros((len(rows), DIM), dtype=np.float32)
    for row, weights in enumerate(rows):
        expected[row, list(weights)] = list(weights.values())
    np.testing.assert_array_equal(made.toarray(), expected)
    assert made.dtype == np.float32
    assert made.has_canonical_format
    assert (made.data != 0).all()


def test_sparse_rows_are_sorted_summed_and_without_zeros() -> None:
    given_rows = csr([1, 2, 3, 0, 5, -5], [4, 1, 4, 0, 2, 2], [0, 4, 6])
    made = sparse(given_rows, dim=DIM)
    assert (made.indices.tolist(), made.data.tolist(), made.indptr.tolist()) == ([1, 4], [2, 4], [0, 2, 2])
    assert given_rows.data.tolist() == [1, 2, 3, 0, 5, -5], "the rows given were changed"


def test_sums_that_overflow_are_refused() -> None:
    with pytest.raises(ShapeError, match="finite"):
        sparse(csr([3e38, 3e38], [1, 1], [0, 2]))


@pytest.mark.parametrize(
    ("columns", "starts"),
    [([6, 0], [0, 2]), ([-1, 0], [0, 2]), ([0, 1], [0, 9]), ([0, 1], [0, 2, 1]), ([0, 1], [1, 2])],
    ids=["column beyond", "column below", "row beyond", "row backwards", "start not 0"],
)
def test_sparse_rows_that_point_outside_are_refused(columns: list[int], starts: list[int]) -> None:
    with pytest.raises(ShapeError):
        sparse(csr([1.0, 2.0], columns, starts))


@pytest.mark.parametrize("starts", [[], [0, 3], [0, 1, 3], [0, 1, 2, 3, 3]])
def test_sparse_rows_with_more_or_fewer_starts_than_rows_are_refused(starts: list[int]) -> None:
    rows = csr_array(np.diag(np.ones(3, np.float32)))
    rows.indptr = np.array(starts, np.int64)
    with pytest.raises(ShapeError, match="not whole"):
        sparse(rows, dim=3)


def test_sparse_rows_have_two_dimensions() -> None:
    with pytest.raises(ShapeError):
        sparse(csr_array(np.ones(3)))


@pytest.mark.parametrize("column", [-1, 4])
def test_a_column_beyond_the_width_is_refused(column: int) -> None:
    with pytest.raises(ShapeError, match="wanted 0 to 3"):
        sparse_from_rows([{0: 1.0, column: 1.0}], dim=4)


def test_no_bitmap_and_a_fitting_one_pass() -> None:
    fitting = np.array([True, False])
    assert check_allowed(None, 2) is None
    for one in (fitting, np.repeat(fitting, 2)[::2]):
        checked = check_allowed(one, 2)
        assert checked is not None
        assert checked.tolist() == [True, False]
        assert (checked.flags.c_contiguous, checked.flags.writeable, one.flags.writeable) == (True, False, True)


@pytest.mark.parametrize("allowed", [np.ones(3, dtype=bool), np.ones(2, dtype=np.uint8), np.ones((2, 1), dtype=bool)])
def test_a_bitmap_of_another_form_is_refused(allowed: npt.NDArray[np.bool_]) -> None:
    with pytest.raises(ShapeError, match=r"wanted bool of shape \(2,\)"):
        check_allowed(allowed, 2)


@pytest.mark.parametrize("k", [0, -1, 2**31, 10**400, 1.0, True, "1", None])
def test_a_depth_is_a_whole_number_above_zero(k: Any) -> None:
    assert [check_depth(1), check_depth(2**31 - 1)] == [1, 2**31 - 1]
    with pytest.raises(ShapeError, match="wanted a whole number from 1 to 2147483647"):
        check_depth(k)


@pytest.mark.parametrize("rows", [np.ones((1, DIM)), [[1.0]], {0: 1.0}, "a", None])
def test_what_is_no_sparse_block_is_refused(rows: Any) -> None:
    with pytest.raises(ShapeError, match=f"found {type(rows).__name__}; wanted sparse rows"):
        sparse(rows, dim=DIM)


@pytest.mark.parametrize("allowed", [[True, False], True, "all", {0}])
def test_a_bitmap_is_an_array(allowed: Any) -> None:
    with pytest.raises(ShapeError, match=f"type {type(allowed).__name__}; wanted an array of bool"):
        check_allowed(allowed, 2)
