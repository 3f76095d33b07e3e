"""Numbers as weights files store them: half and brain floats become float32, whole numbers stay.

Knows types of numbers by their names in several formats' tongues; refuses to know the formats.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]


def widened(array: Array, *, brain: bool = False) -> Array:
    """Floats as float32, in the machine's byte order; whole numbers and booleans as they are.

    Args:
        array: any numbers.
        brain: uint16 that holds bfloat16, the upper half of a float32.

    >>> widened(np.array([0x3FC0], dtype=np.uint16), brain=True).tolist()
    [1.5]
    """
    if brain:
        return (array.astype(np.uint32) << np.uint32(16)).view(np.float32)
    if array.dtype.kind != "f" or array.dtype == np.float32:
        return array
    with np.errstate(over="ignore"):  # what overflows is found when weights are checked, as not finite
        return array.astype(np.float32)
