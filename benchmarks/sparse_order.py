"""An order of passages by likeness, for `sparse_speed.py --order`: by their heaviest columns, one after another.

    python benchmarks/sparse_order.py FOLDER OUTPUT.npy

A cheap cousin of recursive bisection: passages that share their two heaviest columns come to lie side by side.
"""

import sys
from pathlib import Path

import numpy as np
from sparse_data import Vectors


def main() -> None:
    folder, output = sys.argv[1:]
    passages = Vectors.load(Path(folder)).passages
    rows = np.repeat(np.arange(len(passages)), np.diff(passages.indptr))
    by_weight = np.lexsort((-passages.data.astype(np.int64), rows))
    columns, starts = passages.indices[by_weight], passages.indptr[:-1]
    last = passages.indptr[1:] - 1
    first, second = columns[np.minimum(starts, last)], columns[np.minimum(starts + 1, last)]
    np.save(output, np.lexsort((second, first)))


if __name__ == "__main__":
    main()
