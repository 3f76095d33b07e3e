"""Impacts: whole numbers in place of weights, for formats that hold nothing else.

Knows scaling and rounding. Refuses to know terms and files.
"""

from collections.abc import Mapping

from vizsla.core.errors import DataError
from vizsla.data.problems import shown

LARGEST = 2**31 - 1


def impacts(weights: Mapping[str, float], where: str, *, scale: float | None = None) -> dict[str, int]:
    """Weights times `scale`, rounded to the nearest whole number; those that become 0 are left out.

    >>> impacts({"a": 0.126, "b": 0.001}, "p1", scale=100)
    {'a': 13}

    Raises:
        DataError: a weight below 0 or too large, or without a scale one that is no whole number.
    """
    found: dict[str, int] = {}
    for term, weight in weights.items():
        number = weight * (scale or 1)
        if not 0 <= number <= LARGEST or (scale is None and number != int(number)):
            wanted = f"whole numbers from 0 to {LARGEST}"
            raise DataError(
                f"{where}: found the weight {weight} of {shown(term)}; wanted {wanted}: give a scale such as 100"
            )
        if round(number):
            found[term] = round(number)
    return found
