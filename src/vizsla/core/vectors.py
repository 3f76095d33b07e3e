"""Vectors: dense rows or sparse rows, checked once at the door.

A dense block is (n, dim) float32 in C order. A sparse block is an (n, dim) float32 CSR array with
sorted indices, no duplicates and no stored zeros. Neither may hold NaN or infinity.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, csr_matrix

from vizsla.core.errors import ShapeError

Dense: TypeAlias = npt.NDArray[np.float32]
Sparse: TypeAlias = csr_array
Scores: TypeAlias = npt.NDArray[np.float32]
Bitmap: TypeAlias = npt.NDArray[np.bool_]
_DEEPEST = 2**31 - 1


def dense(rows: npt.ArrayLike, *, dim: int | None = None) -> Dense:
    """Bring rows to the form every dense door takes: (n, dim) float32, C order, finite.

    Raises:
        ShapeError: not two dimensions, another width than `dim`, or a value that is not finite.
    """
    try:
        with np.errstate(over="ignore"):  # what overflows is found below, as infinite
            array = np.ascontiguousarray(rows, dtype=np.float32)
    except (ValueError, TypeError) as error:
        raise ShapeError(f"found rows that are no block of numbers ({error}); wanted (n, dim)") from error
    if array.ndim != 2:
        raise ShapeError(f"found dense vectors of shape {array.shape}; wanted two dimensions, (n, dim)")
    if dim is not None and array.shape[1] != dim:
        raise ShapeError(f"found dense vectors of width {array.shape[1]}; wanted {dim}")
    _check_finite(array, "dense vectors")
    return array


def sparse(rows: csr_array, *, dim: int | None = None) -> Sparse:
    """Bring rows to the form every sparse door takes: float32 CSR, sorted, summed, no stored zeros.

    The rows given are never changed: a copy is made where anything must be.

    Raises:
        ShapeError: no sparse rows, another width than `dim`, or a value that is not finite.
    """
    if not isinstance(rows, csr_array | csr_matrix):
        raise ShapeError(f"found {type(rows).__name__}; wanted sparse rows: a csr_array of shape (n, dim)")
    if dim is not None and _in_form(rows, dim):
        return rows
    try:
        rows.check_format(full_check=True)
        with np.errstate(over="ignore"):
            matrix = csr_array(rows, dtype=np.float32, copy=True)
            matrix.sum_duplicates()
    except ValueError as error:
        raise ShapeError(f"found a sparse block that is not whole ({error}); wanted valid CSR rows") from error
    if matrix.ndim != 2:
        raise ShapeError(f"found sparse vectors of shape {matrix.shape}; wanted two dimensions, (n, dim)")
    if dim is not None and matrix.shape[1] != dim:
        raise ShapeError(f"found sparse vectors of width {matrix.shape[1]}; wanted {dim}")
    _check_finite(matrix.data, "sparse vectors")
    matrix.eliminate_zeros()
    return matrix


def _in_form(rows: csr_array, dim: int) -> bool:
    """Whether rows are as `sparse` would make them: looked at, which takes a tenth of the time of making them so."""
    starts, columns, values = rows.indptr, rows.indices, rows.data
    if type(rows) is not csr_array or rows.ndim != 2 or rows.shape[1] != dim or values.dtype != np.float32:
        return False
    if columns.dtype not in (np.int32, np.int64) or len(starts) != rows.shape[0] + 1:
        return False
    if not len(columns) == len(values) == starts[-1] or starts[0] != 0:
        return False
    if not len(columns):
        return not starts.any()
    if len(starts) == 2:  # one query, for which every call of numpy counts
        rising = bool((columns[1:] > columns[:-1]).all()) and columns[0] >= 0 and columns[-1] < dim
        return rising and bool(np.isfinite(values).all() and values.all())
    # Columns rise but where a row begins; as one number with their row, they rise everywhere.
    steps = np.diff(starts)
    keys = np.repeat(np.arange(len(steps)), steps) * np.int64(dim) + columns if (steps >= 0).all() else columns[:0]
    if len(keys) != len(columns) or columns.min() < 0 or columns.max() >= dim or (keys[1:] <= keys[:-1]).any():
        return False
    return bool(np.isfinite(values).all() and values.all())


def sparse_from_rows(rows: Sequence[dict[int, float]], *, dim: int) -> Sparse:
    """Make sparse rows from one `{column: weight}` a row.

    >>> sparse_from_rows([{3: 0.5}, {}], dim=4).toarray().tolist()
    [[0.0, 0.0, 0.0, 0.5], [0.0, 0.0, 0.0, 0.0]]
    """
    starts = np.cumsum([0, *(len(row) for row in rows)])
    columns = np.fromiter((column for row in rows for column in row), dtype=np.int64)
    weights = np.fromiter((weight for row in rows for weight in row.values()), dtype=np.float64)
    if len(columns) and (columns.min() < 0 or columns.max() >= dim):
        raise ShapeError(f"found a column {columns.min()} to {columns.max()}; wanted 0 to {dim - 1}")
    return sparse(csr_array((weights, columns, starts), shape=(len(rows), dim)))


def check_allowed(allowed: Bitmap | None, size: int) -> Bitmap | None:
    """Check a bitmap of positions against the number of passages.

    Raises:
        ShapeError: not one boolean a passage.
    """
    if allowed is None:
        return None
    if not isinstance(allowed, np.ndarray):
        found = type(allowed).__name__
        raise ShapeError(f"found an allowed bitmap of type {found}; wanted an array of bool of shape ({size},)")
    if allowed.dtype != np.bool_ or allowed.shape != (size,):
        found = f"{allowed.dtype} of shape {allowed.shape}"
        raise ShapeError(f"found an allowed bitmap of {found}; wanted bool of shape ({size},), one a passage")
    # Contiguous and read-only whatever was given: loops are compiled for each kind of array, seconds long.
    bitmap = np.ascontiguousarray(allowed).view()
    bitmap.flags.writeable = False
    return bitmap


def check_depth(k: int) -> int:
    """Check how many hits are asked for.

    Raises:
        ShapeError: no whole number, or less than one, or more than any index holds.
    """
    if not isinstance(k, int | np.integer) or isinstance(k, bool) or not 1 <= k <= _DEEPEST:
        raise ShapeError(f"found k={k!r}; wanted a whole number from 1 to {_DEEPEST}")
    return int(k)


def _check_finite(values: npt.NDArray[np.float32], what: str) -> None:
    bad = np.flatnonzero(~np.isfinite(values.reshape(-1)))
    if len(bad):
        value = values.reshape(-1)[bad[0]]
        raise ShapeError(f"found {value} in {what} ({len(bad)} values not finite); wanted finite numbers")
