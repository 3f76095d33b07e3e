"""Writes tests/golden/q2: quantised indexes as this release stores them, to be read by every later one.

Run it once a format: `python -m tests.golden.make_quantised`. A format that changes gets a folder of its own, q3; q1 is
of the first, written by the release that had it.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from vizsla.indexes import quantised
from vizsla.indexes.quantised import QuantisedIndex

HERE = Path(__file__).parent / "q2"


def vectors() -> npt.NDArray[np.float32]:
    """Passages about some centres: (600, 8)."""
    draws = np.random.default_rng(0)
    centres = draws.standard_normal((12, 8))
    rows = centres[draws.integers(0, 12, 600)] + 0.5 * draws.standard_normal((600, 8))
    return rows.astype(np.float32)


def main() -> None:
    """An index with codes in cells."""
    quantised._WORTH_CODES = quantised._WORTH_CELLS = 100
    QuantisedIndex.build(vectors(), recall=0.95).save(HERE)


if __name__ == "__main__":
    main()
