"""Calibration: how right probabilities of relevance are on queries of another split than they were fitted on.

    python benchmarks/calibration.py [DATA_FOLDER] [--sets SET ...]

BM25 with automatic analyzers, the first ten hits of each query, fitted on 2,000 train queries, judged on dev; what
nobody judged counts as irrelevant. Beside the curve of `vizsla calibrate`: simpler ones, and it
fitted on fewer queries.
"""

import argparse
import logging
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from clock import find_data, interleave, machine, spread, table
from scipy.optimize import isotonic_regression, minimize

from vizsla import AnalyzerSettings, FrozenCollection, IndexSettings, Judgements, read_passages
from vizsla.core.hits import Hits
from vizsla.evaluating.calibrating import CalibrationSettings, calibrate
from vizsla.evaluating.reliability import Reliability, reliability
from vizsla.retrievers.calibrated import Calibrated
from vizsla.retrievers.calibration import FIRST, features, scaled

SETS = (
    "squad-en",
    "medquad-en",
    "wenyan-zh",
    "cmrc-drcd-zh",
    "qbqtc-title-zh",
    "msrd-movies-en",
    "insuranceqa-en",
)
TITLES_STORED = ("wenyan-zh",)
QUERIES = 2000
FEWER = (50, 100, 200, 500, 1000)
SEEDS = 5
HALF = 0.5


@dataclass(frozen=True)
class Part:
    """The first hits of a split's queries, which of them are relevant, and the most that each query can score."""

    hits: Hits
    relevant: Any
    ceilings: Any

    @property
    def real(self) -> Any:
        return self.hits.positions >= 0


Method = Callable[[Part], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", help="the folder of the judged sets")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS, metavar="SET")
    options = parser.parse_args()
    logging.getLogger("vizsla").setLevel(logging.ERROR)
    data = find_data(options.data)
    if data is None:
        return
    print(machine())
    for name in options.sets:
        titles: Any = "store" if name in TITLES_STORED else "index"
        with tempfile.TemporaryDirectory() as temporary:
            settings = IndexSettings(AnalyzerSettings(), titles=titles)
            index = FrozenCollection.build(read_passages(data / name), Path(temporary) / "index", settings)
            measure(index, data / name)


def measure(index: FrozenCollection, folder: Path) -> None:
    train, dev = (Judgements.read(folder, split=split) for split in ("train", "dev"))
    begin = time.perf_counter()
    made = calibrate(index.retriever, train, index.corpus.ids, CalibrationSettings(QUERIES))
    seconds = time.perf_counter() - begin
    fit_on, judged_on = part(index, train, QUERIES), part(index, dev, len(dev.queries))
    truths = judged_on.relevant[judged_on.real]
    curve = made.curve.probabilities(judged_on.hits, judged_on.hits).scores[judged_on.real]
    found = {"always the rate": np.full(len(truths), fit_on.relevant[fit_on.real].mean())}
    found |= {name: method(fit_on)(judged_on) for name, method in METHODS.items()} | {"vizsla calibrate": curve}
    print(
        f"\n{folder.name}: {len(dev.queries):,} dev queries, {len(truths):,} hits, {truths.mean():.1%} of them relevant"
    )
    print(f"(train: {fit_on.relevant[fit_on.real].mean():.1%}); fitted in {seconds:.1f} s; {made.curve}")
    columns = (
        "probabilities",
        "log loss",
        "Brier",
        "error",
        "hits at 0.5 or more",
        "of these relevant",
        "of all relevant hits",
    )
    table(columns, [row(name, reliability(said, truths)) for name, said in found.items()])
    bins = reliability(curve, truths).bins
    table(("said", "hits", "mean said", "relevant"), [
        (f"{one.low:.1f} to {one.high:.1f}", f"{one.hits:,}", f"{one.said:.3f}", f"{one.relevant:.3f}") for one in bins
    ])  # fmt: skip
    table(("queries", "log loss", "error"), [fewer(index, train, judged_on, count) for count in FEWER])
    cost(index, made.curve, list(dev.queries.values())[:300])


def part(index: FrozenCollection, judgements: Judgements, count: int) -> Part:
    """The same draw of queries as `calibrate` makes."""
    known = sorted(judgements.grades)
    queries = [known[place] for place in np.random.default_rng(0).permutation(len(known))[:count].tolist()]
    texts = [judgements.queries[query] for query in queries]
    hits, relevant = index.retriever.search(texts, FIRST), np.zeros((len(queries), FIRST), np.bool_)
    for number, query in enumerate(queries):
        ids = index.corpus.ids.many(hits.row(number)[0])
        relevant[number, : len(ids)] = [judgements.grades[query].get(id_, 0) > 0 for id_ in ids]
    ceilings = np.asarray(index.encoder.encode_queries(texts).sum(axis=1))
    return Part(hits, relevant, np.maximum(ceilings, 1e-6)[:, None])


def logistic(values: Callable[[Part], Any]) -> Callable[[Part], Method]:
    """Logistic regression, unbounded and without a prior."""

    def fit(one: Part) -> Method:
        rows, truths = values(one), one.relevant[one.real]
        middle, spread_ = rows.mean(axis=0), rows.std(axis=0) + 1e-9

        def design(rows: Any) -> Any:
            return np.column_stack([(rows - middle) / spread_, np.ones(len(rows))])

        x = design(rows)

        def loss(weights: Any) -> tuple[float, Any]:
            logits = x @ weights
            slopes = x.T @ (1 / (1 + np.exp(-logits)) - truths) / len(x)
            return float(np.mean(np.logaddexp(0, logits) - truths * logits)), slopes

        weights = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x
        return lambda other: 1 / (1 + np.exp(-(design(values(other)) @ weights)))

    return fit


def isotonic(values: Callable[[Part], Any]) -> Callable[[Part], Method]:
    """Isotonic regression of one number, linear between its steps."""

    def fit(one: Part) -> Method:
        places, inverse = np.unique(values(one), return_inverse=True)
        counts = np.bincount(inverse)
        steps = isotonic_regression(np.bincount(inverse, one.relevant[one.real]) / counts, weights=counts).x
        least = 0.5 / len(inverse)
        return lambda other: np.clip(np.interp(values(other), places, steps), least, 1 - least)

    return fit


def score(one: Part) -> Any:
    return one.hits.scores[one.real].astype(np.float64)


def share(one: Part) -> Any:
    """The score by the most that the query can score: the sum of its weights."""
    return (one.hits.scores / one.ceilings)[one.real].astype(np.float64)


def columns_of(scale: Any, count: int) -> Callable[[Part], Any]:
    """The first so many of: the score, the best other passage, the level of the others."""

    def values(one: Part) -> Any:
        floor = float(scaled(one.hits, scale)[one.real].min())
        return features(one.hits, one.hits, scale, floor)[one.real][:, :count]

    return values


METHODS: dict[str, Callable[[Part], Method]] = {
    "score, logistic (Platt)": logistic(columns_of("plain", 1)),
    "score, isotonic": isotonic(score),
    "score by the most possible, isotonic": isotonic(share),
    "log score, logistic": logistic(columns_of("log", 1)),
    "log score and rival": logistic(columns_of("log", 2)),
    "score, rival and level": logistic(columns_of("plain", 3)),
}


def row(name: str, one: Reliability) -> tuple[str, ...]:
    count, relevant = one.above(HALF)
    found = count * relevant / max(one.hits * one.rate, 1)
    figures = (f"{one.log_loss:.4f}", f"{one.brier:.4f}", f"{one.error:.4f}", f"{count:,}")
    return name, *figures, f"{relevant:.3f}" if count else "", f"{found:.3f}"


def fewer(index: FrozenCollection, train: Judgements, judged_on: Part, count: int) -> tuple[str, str, str]:
    """A curve fitted on so many queries, drawn five times."""
    found = []
    for seed in range(SEEDS):
        curve = calibrate(index.retriever, train, index.corpus.ids, CalibrationSettings(count, seed)).curve
        said = curve.probabilities(judged_on.hits, judged_on.hits).scores[judged_on.real]
        found.append(reliability(said, judged_on.relevant[judged_on.real]))
    return (
        f"{count:,}",
        spread([one.log_loss for one in found], digits=4),
        spread([one.error for one in found], digits=4),
    )


def cost(index: FrozenCollection, curve: Any, texts: list[str]) -> None:
    """What probabilities cost, one query at a time."""
    plain, likely = index.retriever, Calibrated(index.retriever, curve)
    searchers = {"scores, top 10": plain, "probabilities, top 10": likely}
    actions = {name: lambda one=one: [one.search([text], 10) for text in texts] for name, one in searchers.items()}
    seconds = interleave(actions, 5)
    table(
        ("one at a time", "us a query"), [(name, spread(each, len(texts) / 1e6, 0)) for name, each in seconds.items()]
    )


if __name__ == "__main__":
    main()
