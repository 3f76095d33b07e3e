"""Is hybrid search better than its parts? A collection a set, its stages and their fusions on dev, with significance.

Fused with equal weights by reciprocal ranks and by two sums of normalised scores, and with weights that were fitted:
on dev by cross-validation (`evaluating.fusing`), each query ranked by weights that were fitted without it; and on
train, whose queries' vectors are made once by MODEL and kept beside the others. Test queries are never looked at.
Differences are against the best part alone and against reciprocal ranks; p is of Student's paired test against the best
part, corrected by Holm. With vectors kept it takes some minutes of one core, most of them to make the collections.

    python benchmarks/collection_quality.py [DATA_FOLDER] [--sets squad-en ...] [--cache DIR] [--model MODEL]
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import collection_data
import numpy as np
from clock import find_data, machine, table
from collection_data import MOST_QUERIES, Judged
from collection_engines import collected
from sparse_data import cache_folder

from vizsla import Judgements
from vizsla.data.runs import Run
from vizsla.evaluating.compare import Contrast, compare
from vizsla.evaluating.fusing import FITTED, Found, fit_fusion
from vizsla.evaluating.measuring import measure as measured
from vizsla.retrievers.fusion import fuse
from vizsla.retrievers.pipeline import parse

MEASURE, K = "nDCG@10", 10
TRAINED = "fitted on train"


def trained(folder: Path, cache: Path, model: str | None) -> tuple[Judgements, np.ndarray[Any, Any]] | None:
    """Train queries, what is judged for them and their vectors, which `model` makes unless they are kept."""
    read = Judgements.read(folder, split="train")
    texts = {query: read.queries[query] for query in list(read.grades)[:MOST_QUERIES] if read.grades[query]}
    kept = collection_data.folder_of(cache) / f"{folder.name}-train.npy"
    if not kept.exists():
        if model is None:
            return None
        import vizsla

        np.save(kept, vizsla.load(model).encode_queries(list(texts.values())))
    name = folder.name
    grades = {f"{name}/train/{one}": {f"{name}/{id_}": it for id_, it in read.grades[one].items()} for one in texts}
    return Judgements({f"{name}/train/{query}": text for query, text in texts.items()}, grades), np.load(kept)


def ranked(found: Found, expression: str, ids: Any, name: str = "") -> Run:
    """What a pipeline of the retrievers makes of their hits."""
    source = parse(expression).source
    if isinstance(source, str):
        hits = found.hits[source].top(K)
    else:
        hits = fuse([found.hits[str(base)] for base in source.bases], source.rule, K)
    rows = [hits.row(row) for row in range(len(hits))]
    each = [list(zip(ids.many(positions), scores.tolist(), strict=True)) for positions, scores in rows]
    return Run(name or expression, dict(zip(found.queries, each, strict=True)))


def told(contrasts: Sequence[Contrast], base: str, run: str) -> tuple[str, str]:
    """What a run gains over another, with its interval, and p; nothing for a run against itself."""
    one = next((one for one in contrasts if {one.baseline, one.run} == {base, run}), None)
    if one is None:
        return "", ""
    sign = 1 if one.run == run else -1
    low, high = sorted((sign * one.low, sign * one.high))
    return f"{sign * one.difference:+.4f} ({low:+.4f} to {high:+.4f})", f"{one.p_corrected:.2g}"


def measure(data: Path, options: argparse.Namespace, name: str) -> list[tuple[str, ...]]:
    """Rows of one set: each part alone, fusions of equal weights, and fitted ones."""
    judged = collection_data.load(data, options.cache, (name,))
    train = trained(data / name, options.cache, options.model) if options.stages == ["bm25", "dense"] else None
    with collected(joined(judged, train)) as (_, snapshot):
        names = [one.id for one in judged.passages]
        ids = SimpleNamespace(many=lambda positions: [names[int(one)] for one in snapshot.ids(positions)])
        stages = {part: snapshot.stage(part) for part in options.stages}
        found = Found.search(stages, judged.judgements)
        fitted = fit_fusion(found, judged.judgements, ids)
        contrasts, pipelines = list(fitted.comparison.contrasts), {FITTED: str(fitted.pipeline)}
        means, ranks = dict(fitted.comparison.means[MEASURE]), f"rrf({', '.join(stages)})"
        best = max(stages, key=means.__getitem__)
        if train is not None:
            pipelines[TRAINED] = str(fit_fusion(Found.search(stages, train[0]), train[0], ids).pipeline)
            runs = [
                ranked(found, pipelines[TRAINED], ids, TRAINED),
                *(ranked(found, one, ids) for one in (best, ranks)),
            ]
            each = [measured(run, judged.judgements, MEASURE) for run in runs]
            means[TRAINED] = each[0].means[MEASURE]
            contrasts += compare(each, judged.judgements).contrasts
    head, rows = (name, f"{len(found.queries):,}"), list[tuple[str, ...]]()
    for run, mean in means.items():
        over_best, over_ranks = (told(contrasts, base, run) for base in (best, ranks))
        rows.append((*head, run, f"{mean:.4f}", *over_best, over_ranks[0], pipelines.get(run, "")))
    return rows


def joined(judged: Judged, train: tuple[Judgements, np.ndarray[Any, Any]] | None) -> Judged:
    """The set with its train queries behind its dev queries, so that their vectors are known."""
    if train is None:
        return judged
    dense = np.concatenate([judged.asked_dense, train[1]])
    return replace(judged, queries=judged.queries | train[0].queries, asked_dense=dense, sparse=None, asked_sparse=None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?")
    parser.add_argument("--cache", type=Path, default=cache_folder())
    parser.add_argument("--sets", nargs="+", default=[*reversed(collection_data.SETS), collection_data.FURTHER])
    parser.add_argument("--stages", nargs="+", default=["bm25", "dense"], help="sparse too, where its vectors are kept")
    parser.add_argument("--model", help="makes the vectors of train queries where they are not kept; else no such row")
    options = parser.parse_args()
    data = find_data(options.data)
    if data is None:
        return
    parse(f"rrf({', '.join(options.stages)})")
    print(machine(("vizsla", "numpy")))
    begin = time.perf_counter()
    rows = [row for name in options.sets for row in measure(data, options, name)]
    table(("set", "queries", "run", MEASURE, "over the best part (95 %)", "p", "over rrf (95 %)", "fitted"), rows)
    print(f"\n{time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
