"""Is hybrid search better than its parts? A collection a set, its stages and their fusions on dev, with significance.

Weights are fitted by cross-validation (`evaluating.fusing`): each query is ranked by weights that were fitted without
it. All differences are against the best part alone; p is of Student's paired test, corrected by Holm.

    python benchmarks/collection_quality.py [DATA_FOLDER] [--sets squad-en ...] [--cache DIR]
"""

import argparse
import tempfile
from pathlib import Path
from types import SimpleNamespace

import collection_data
from clock import find_data, machine, table
from collection_engines import Vizsla, known
from collection_given import Given, write
from sparse_data import cache_folder

from vizsla.collections.collection import Collection
from vizsla.evaluating.fusing import FITTED, Found, fit_fusion
from vizsla.retrievers.pipeline import parse

MEASURE = "nDCG@10"


def measure(data: Path, cache: Path, name: str, parts: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Rows of one set: each part alone, rrf, and the fitted fusion on queries held out."""
    judged = collection_data.load(data, cache, (name,))
    names = [one.id for one in judged.passages]
    with tempfile.TemporaryDirectory() as place:
        write(judged, Path(place) / "given")
        given = Given.load(Path(place) / "given")
        known(given)
        Vizsla.build(given, Path(place) / "made")
        snapshot = Collection.open(Path(place) / "made").snapshot()
        ids = SimpleNamespace(many=lambda positions: [names[int(one)] for one in snapshot.ids(positions)])
        found = Found.search({part: snapshot.stage(part) for part in parts}, judged.judgements)
        fitted = fit_fusion(found, judged.judgements, ids)
    comparison = fitted.comparison
    means = comparison.means[MEASURE]
    best = max(parts, key=lambda part: means[part])
    rows = []
    for run in comparison.runs:
        one = next((c for c in comparison.contrasts if {c.baseline, c.run} == {best, run}), None)
        told = ("", "")
        if one is not None:
            sign = 1 if one.run == run else -1
            low, high = sorted((sign * one.low, sign * one.high))
            told = (f"{sign * one.difference:+.4f} ({low:+.4f} to {high:+.4f})", f"{one.p_corrected:.2g}")
        pipeline = str(fitted.pipeline) if run == FITTED else ""
        rows.append((name, f"{len(found.queries):,}", run, f"{means[run]:.4f}", *told, pipeline))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?")
    parser.add_argument("--cache", type=Path, default=cache_folder())
    parser.add_argument("--sets", nargs="+", default=[*reversed(collection_data.SETS), collection_data.FURTHER])
    parser.add_argument("--stages", nargs="+", default=["bm25", "dense"], help="sparse too, where its vectors are kept")
    options = parser.parse_args()
    data = find_data(options.data)
    if data is None:
        return
    parse(f"rrf({', '.join(options.stages)})")
    print(machine(("vizsla", "numpy")))
    rows = [row for name in options.sets for row in measure(data, options.cache, name, tuple(options.stages))]
    table(("set", "queries", "run", MEASURE, "against the best part (95 %)", "p", "fitted on all"), rows)


if __name__ == "__main__":
    main()
