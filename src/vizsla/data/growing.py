"""Growing arrays: one-dimensional arrays written piece by piece in NumPy's own format.

Knows the .npy header, whose length does not depend on the number of values, so that it can be
written again at the end. Refuses to know what the values mean.
"""

from typing import IO, Any

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import ArtifactError


class GrowingArray:
    """Values appended to a file; `close` writes how many there are into its header."""

    def __init__(self, file: IO[bytes], dtype: npt.DTypeLike) -> None:
        self._file = file
        self._dtype = np.dtype(dtype)
        self._size = 0
        self._write_header()
        self._header_bytes = file.tell()

    def __len__(self) -> int:
        return self._size

    def append(self, values: npt.ArrayLike | bytes) -> None:
        """Write further values: an array, or the raw bytes of an array of bytes."""
        if not isinstance(values, bytes):
            values = np.ascontiguousarray(values, dtype=self._dtype).tobytes()
        self._file.write(values)
        self._size += len(values) // self._dtype.itemsize

    def close(self) -> None:
        """Write the header again, now with the number of values."""
        self._file.seek(0)
        self._write_header()
        if self._file.tell() != self._header_bytes:
            raise ArtifactError("found an array header that grew while writing; wanted NumPy 2, which leaves it room")
        self._file.flush()

    def view(self, buffer: memoryview) -> npt.NDArray[Any]:
        """The values of a closed array, given everything its file holds; read-only, not copied."""
        return np.ndarray((self._size,), self._dtype, buffer.toreadonly(), self._header_bytes)

    def _write_header(self) -> None:
        header = {"descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False, "shape": (self._size,)}
        np.lib.format.write_array_header_1_0(self._file, header)
