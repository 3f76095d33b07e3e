"""Quality: RR@10, nDCG@10 and R@50 of BM25 with automatic analyzers on the thirteen judged sets.

    python benchmarks/quality.py [DATA_FOLDER] [--json]

For each Chinese set both analyzers, and Student's paired t-test between them.
"""

import argparse
import json
import logging
import tempfile
from pathlib import Path
from typing import Any

from clock import find_data, machine, table

from vizsla import AnalyzerSettings, FrozenCollection, IndexSettings, Judgements, compare, evaluate, read_passages
from vizsla.data.formats.beir import splits
from vizsla.evaluating.measuring import Measured

MEASURES = ("RR@10", "nDCG@10", "R@50")
# The RR@10 to hold, of a BM25 with k1 0.9 and b 0.4; the second number is that of a dictionary segmenter.
BARS: dict[str, tuple[float, ...]] = {
    "squad-en": (0.748,),
    "msrd-movies-en": (0.778,),
    "insuranceqa-en": (0.268,),
    "insuranceqa-zh": (0.212, 0.182),
    "medquad-en": (0.454,),
    "cmrc-drcd-zh": (0.951,),
    "qbqtc-title-zh": (0.801, 0.780),
    "wenyan-zh": (0.721, 0.470),
    "wikiqa-rerank-en": (0.508,),
    "cranfield-en": (0.504,),
    "cacm-en": (0.672,),
    "cisi-en": (0.613,),
    "npl-vaswani-en": (0.677,),
}
TITLES_STORED = ("wenyan-zh",)
WIDTH = 0.01


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", help="the folder of the judged sets")
    parser.add_argument("--json", action="store_true", help="one line of JSON in the tables' stead")
    parser.add_argument("--sets", nargs="+", default=list(BARS), choices=BARS, metavar="SET")
    options = parser.parse_args()
    logging.getLogger("vizsla").setLevel(logging.ERROR)
    data = find_data(options.data)
    if data is None:
        return
    results = [result for name in options.sets for result in measure_set(data / name)]
    if options.json:
        print(json.dumps({"machine": machine(), "results": results}, ensure_ascii=False))
    else:
        show(results)


def measure_set(folder: Path) -> list[dict[str, Any]]:
    """One row an analyzer; the first is the default one."""
    split = "dev" if "dev" in splits(folder) else "test"
    judgements = Judgements.read(folder, split=split)
    kinds = ("grams", "words") if folder.name.endswith("-zh") else ("grams",)
    runs = [measure(folder, judgements, kind) for kind in kinds]
    rows = [
        {"set": folder.name, "split": split, "queries": len(run.queries), "analyzer": analyzer(run.run, folder.name)}
        | run.means
        | {"bar": bar, "difference": None if bar is None else run.means[MEASURES[0]] - bar}
        for run, bar in zip(runs, (*BARS[folder.name], None), strict=False)
    ]
    if len(runs) > 1:
        rows[1]["words_against_grams"] = contrasts(runs, judgements)
    return rows


def measure(folder: Path, judgements: Judgements, ideographs: Any) -> Measured:
    titles: Any = "store" if folder.name in TITLES_STORED else "index"
    settings = IndexSettings(AnalyzerSettings(ideographs=ideographs), titles=titles)
    with tempfile.TemporaryDirectory() as temporary:
        index = FrozenCollection.build(read_passages(folder), Path(temporary) / "index", settings)
        return evaluate(index.retriever, judgements, MEASURES, index.corpus.ids, name=ideographs)


def analyzer(ideographs: str, name: str) -> str:
    return {"grams": "characters 1+2", "words": "dictionary words"}[ideographs] if name.endswith("-zh") else "automatic"


def contrasts(runs: list[Measured], judgements: Judgements) -> dict[str, Any]:
    found = compare(runs, judgements, movers=0)
    return {
        one.measure: {
            "difference": one.difference,
            "low": one.low,
            "high": one.high,
            "p": one.p,
            "wins": one.wins,
            "ties": one.ties,
            "losses": one.losses,
            "significant": found.significant(one),
        }
        for one in found.contrasts
    }


def show(results: list[dict[str, Any]]) -> None:
    print(machine())
    columns = ("set", "split", "queries", "analyzer", *MEASURES, "bar RR@10", "difference", "held")
    table(columns, [_row(result) for result in results])
    chinese = [result for result in results if "words_against_grams" in result]
    columns = ("set", "measure", "words - grams", "95 % interval", "p", "wins / ties / losses", "better")
    table(columns, [_contrast(result["set"], *pair) for result in chinese for pair in _pairs(result)])


def _row(result: dict[str, Any]) -> list[str]:
    bar, difference = result["bar"], result["difference"]
    figures = [f"{result[measure]:.4f}" for measure in MEASURES]
    against = ["", "", ""]
    if bar is not None:
        against = [f"{bar:.3f}", f"{difference:+.4f}", "yes" if difference >= -WIDTH else "NO"]
    return [result["set"], result["split"], result["queries"], result["analyzer"], *figures, *against]


def _pairs(result: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return list(result["words_against_grams"].items())


def _contrast(name: str, measure: str, one: dict[str, Any]) -> list[str]:
    better = ("words" if one["difference"] > 0 else "grams") if one["significant"] else "neither"
    interval, counts = f"{one['low']:+.4f} to {one['high']:+.4f}", f"{one['wins']} / {one['ties']} / {one['losses']}"
    return [name, measure, f"{one['difference']:+.4f}", interval, f"{one['p']:.2g}", counts, better]


if __name__ == "__main__":
    main()
