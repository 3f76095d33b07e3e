"""Speed of published models beside sentence-transformers on torch and torch's export run bare.

    python benchmarks/models_speed.py [DATA_FOLDER] [--model MINILM_FOLDER] [--rounds 7] [--parts dense cross sparse]

Everything by turns, on all cores that this process may use. No time counts before the outputs agree. The bi-encoder is
all-MiniLM-L6-v2 where --model or $VIZSLA_MINILM names its folder, with int8 behind the gate of squad-en; the others are
of published sizes with random weights, whose int8 is calibrated in the same way and judged by nothing. Where others
use the machine, --clock cpu counts the processor's seconds of one thread.
"""

import argparse
import logging
import os
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import models_texts
import numpy as np
from clock import CLOCKS, find_data, interleave, machine, ratios, spread, table
from models_peers import Exported, Torch
from models_random import DISTILBERT_BASE, MINILM, TINY, vocabulary, write
from models_ways import gated, ways
from roofline import peak

from vizsla.core.threads import workers
from vizsla.models.finding import Wanted, find

PARTS = ("dense", "cross", "sparse")
SET = "squad-en"
LENGTH = 256
PACKAGES = ("vizsla", "onnxruntime", "openvino", "tokenizers", "sentence-transformers", "transformers", "torch")
TORCH, BARE, DEFAULTS = "torch fp32", "export, onnxruntime fp32", "export, OpenVINO as it comes"
OURS = {"fp32": "vizsla fp32", "bf16": "vizsla bf16", "int8": "vizsla int8"}
_DRIFT = {"vizsla fp32": 1e-4, BARE: 1e-4}
Ways = Mapping[str, Callable[[Sequence[Any]], Any]]


@dataclass(frozen=True, slots=True)
class Bench:
    """What every part needs.

    Attributes:
        data: the folder of a judged set.
        work: where models are written.
        model: the folder of all-MiniLM-L6-v2, or random weights of its size.
        kept: where its gated int8 stands or will stand; None for a folder that goes at the end.
        rounds: of each comparison.
        share: of the usual number of texts.
        pieces: a vocabulary for random models.
        clock: of `CLOCKS`.
    """

    data: Path
    work: Path
    model: Path | None
    kept: Path | None
    rounds: int
    share: float
    pieces: list[str]
    clock: Callable[[], float]

    def count(self, usual: int) -> int:
        return max(4, round(usual * self.share))

    def written(self, name: str, *made: Any) -> Path:
        size, kind = made
        return write(self.work / name, size, kind, self.pieces)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", help="the folder of the judged sets")
    parser.add_argument("--model", default=os.environ.get("VIZSLA_MINILM"), help="the folder of all-MiniLM-L6-v2")
    parser.add_argument("--int8", type=Path, help="where its compiled int8 stands, or will be written")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--share", type=float, default=1.0, help="of the usual number of texts a round")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall", help="cpu: one thread's own seconds")
    options = parser.parse_args()
    data = find_data(options.data)
    if data is None:
        return
    _quiet()
    if options.clock == "cpu":
        os.environ |= {"VIZSLA_THREADS": "1", "RAYON_NUM_THREADS": "1"}
    sizes = f"rounds: {options.rounds}, share: {options.share}, clock: {options.clock}, threads: {workers()}"
    print(f"{machine(PACKAGES)}\nload average {os.getloadavg()[0]:.1f}; {sizes}")
    with tempfile.TemporaryDirectory() as work:
        pieces = vocabulary(models_texts.passages(data / SET, 2000), TINY.vocabulary)
        model = Path(options.model) if options.model else None
        how = (options.rounds, options.share, pieces, CLOCKS[options.clock])
        bench = Bench(data / SET, Path(work), model, options.int8, *how)
        for part in options.parts:
            {"dense": dense, "cross": cross, "sparse": sparse}[part](bench)
            print(f"\nload average {os.getloadavg()[0]:.1f}")


def dense(bench: Bench) -> None:
    """Passages a second of one length and of real lengths, queries a second, one query at a time."""
    folder = bench.model or bench.written("dense", MINILM[6], "vector")
    wanted = Wanted(folder, max_length=LENGTH)
    calibration = models_texts.passages(bench.data, 128)
    int8 = gated(folder, bench.data, bench.kept or bench.work / "int8") if bench.model else None
    description = find(wanted)[0].passages
    same = models_texts.equal(description, bench.data, 60, bench.count(128))
    torch = _tuned(folder, "vector", lambda peer: peer.encode(same[:64]))
    ours = ways(wanted, calibration, int8=int8)
    every = {**_peers(torch, "vector"), **{OURS[each]: one.encode_passages for each, one in ours.items()}}
    name = "all-MiniLM-L6-v2, int8 gated" if bench.model else "MiniLM-L6's size, random weights, int8 not gated"
    print(f"\n## bi-encoder: {name}; torch in batches of {torch.batch}")
    _agree(every, same[:64])
    operations = MINILM[6].operations(60) * len(same)
    _compare("passages of 60 tokens", every, same, bench, {"int8": operations, "fp32": operations})
    _compare(_mixed(description, mixed := models_texts.passages(bench.data, bench.count(64))), every, mixed, bench)
    questions = models_texts.queries(bench.data, bench.count(192))
    asked = every | {OURS[each]: one.encode_queries for each, one in ours.items()}
    _compare("queries", asked, questions, bench)
    _one_by_one(asked, questions, bench)


def cross(bench: Bench) -> None:
    """Pairs a second at 30 and at 100 candidates a query."""
    folder = bench.written("cross", MINILM[6], "score")
    texts, questions = models_texts.passages(bench.data, 228), models_texts.queries(bench.data, 128)
    wanted = Wanted(folder, max_length=LENGTH)
    candidates = [[(questions[0], text) for text in texts[128 : 128 + count]] for count in (30, bench.count(100))]
    torch = _tuned(folder, "score", lambda peer: peer.score(candidates[0]))
    ours = ways(wanted, list(zip(questions, texts[:128], strict=True)))
    every = {**_peers(torch, "score"), **{OURS[each]: one.score for each, one in ours.items()}}
    print(f"\n## cross-encoder: ms-marco-MiniLM-L6's size, random weights; torch in batches of {torch.batch}")
    _agree(every, candidates[0])
    for pairs in candidates:
        _compare(f"pairs, {len(pairs)} passages a query", every, pairs, bench)


def sparse(bench: Bench) -> None:
    """Passages a second and one query at a time, of two models."""
    passages = bench.written("passages", DISTILBERT_BASE, "terms")
    queries = bench.written("queries", TINY, "terms")
    plain = {"head": "terms"}
    wanted = Wanted(passages, max_length=LENGTH, settings=plain)
    description = find(wanted)[0].passages
    calibration = models_texts.passages(bench.data, 64)
    same = models_texts.equal(description, bench.data, 60, bench.count(24))
    torch = _tuned(passages, "terms", lambda peer: peer.terms(same[:16]))
    every = {**_peers(torch, "terms")}
    every |= {OURS[each]: one.encode_passages for each, one in ways(wanted, calibration).items()}
    print(f"\n## SPLADE: DistilBERT for passages, BERT tiny for queries, random; torch in batches of {torch.batch}")
    _agree(every, same[:8])
    _compare("passages of 60 tokens", every, same, bench)
    _compare(_mixed(description, mixed := models_texts.passages(bench.data, bench.count(16))), every, mixed, bench)
    questions = models_texts.queries(bench.data, bench.count(192))
    small = _tuned(queries, "terms", lambda peer: peer.terms(questions[:8]))
    ours = ways(Wanted(queries, max_length=LENGTH, settings=plain), questions[:128])
    asked = {**_peers(small, "terms"), **{OURS[each]: one.encode_queries for each, one in ours.items()}}
    _agree(asked, questions[:16])
    _one_by_one(asked, questions, bench)


def _peers(torch: Torch, kind: str) -> dict[str, Callable[[Sequence[Any]], Any]]:
    name = {"vector": "encode", "score": "score", "terms": "terms"}[kind]
    made: dict[str, Callable[[Sequence[Any]], Any]] = {TORCH: getattr(torch, name)}
    for way, runtime in ((BARE, "onnxruntime"), (DEFAULTS, "openvino")):
        made[way] = Exported(torch, kind, length=LENGTH, threads=workers(), runtime=runtime).encode
    return made


def _tuned(folder: Path, kind: str, action: Callable[[Torch], object]) -> Torch:
    peer = Torch(folder, kind, length=LENGTH, threads=workers())
    peer.tune(lambda: action(peer))
    return peer


def _agree(every: Ways, texts: Sequence[Any]) -> None:
    """Print how far each way is from torch, and stop where full precision is not the same."""
    wanted = _rows(every[TORCH](texts))
    rows = []
    for name, way in every.items():
        found = _rows(way(texts))
        lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(wanted, axis=1)
        drift = float(np.abs(found - wanted).max() / np.abs(wanted).max())
        cosine = f"{float(((found * wanted).sum(1) / lengths).min()):.5f}" if wanted.shape[1] > 1 else "-"
        rows.append([name, cosine, f"{drift:.1e}"])
        if drift > _DRIFT.get(name, 1.0):
            raise SystemExit(f"{name}: found a drift of {drift:.1e} from torch; wanted at most {_DRIFT[name]:.0e}")
    print(f"\nparity with torch on {len(texts)} texts: least cosine, largest difference by the largest value")
    table(("way", "cosine", "drift"), rows)


def _compare(
    what: str, every: Ways, texts: Sequence[Any], bench: Bench, peaks: Mapping[str, float] | None = None
) -> None:
    """Texts a second by turns, each by torch's of the same round, and by the peak of the same round."""
    actions: dict[str, Callable[[], object]] = {name: _called(way, texts) for name, way in every.items()}
    chains = {precision: peak(precision) for precision in peaks or {}}
    actions |= {f"peak {precision}": chain.run for precision, chain in chains.items()}
    seconds = interleave(actions, bench.rounds, bench.clock)
    rows = []
    for name in every:
        taken = seconds[name]
        share = "-"
        for precision, chain in chains.items():
            if name == OURS[precision]:
                bare = [one / chain.operations for one in seconds[f"peak {precision}"]]
                own = [one / (peaks or {})[precision] for one in taken]
                share = spread([100 * one for one in ratios(bare, own)], digits=0)
        speeds = [len(texts) / one for one in taken]
        rows.append([name, spread(speeds, digits=1), spread(ratios(seconds[TORCH], taken)), share])
    print(f"\n{what}: {len(texts)} a round; median (least-most)")
    table(("way", "a second", "by torch fp32", "% of measured peak"), rows)


def _called(way: Callable[[Sequence[Any]], Any], texts: Sequence[Any]) -> Callable[[], object]:
    return lambda: way(texts)


def _one_by_one(every: Ways, questions: Sequence[str], bench: Bench) -> None:
    """Milliseconds of one query, the ways by turns query for query."""
    for way in every.values():
        for question in questions[:8]:
            way([question])
    taken: dict[str, list[float]] = {name: [] for name in every}
    for number in range(bench.rounds):
        for question in questions[number :: bench.rounds]:
            for name, way in list(every.items())[:: -1 if number % 2 else 1]:
                begin = bench.clock()
                way([question])
                taken[name].append((bench.clock() - begin) * 1e3)
    half = float(np.median(taken[TORCH]))
    rows = []
    for name, found in taken.items():
        p50, p95, p99 = np.percentile(found, (50, 95, 99))
        rows.append([name, f"{p50:.2f}", f"{p95:.2f}", f"{p99:.2f}", f"{half / p50:.2f}"])
    print(f"\none query at a time: milliseconds of {len(questions)}")
    table(("way", "p50", "p95", "p99", "torch's p50 by it"), rows)


def _mixed(description: Any, texts: Sequence[str]) -> str:
    lengths = np.minimum(models_texts.tokens_of(description, texts), LENGTH)
    return f"passages of {SET}, {lengths.mean():.0f} tokens on average ({lengths.min()}-{lengths.max()})"


def _rows(values: Any) -> Any:
    dense = values.to_dense() if hasattr(values, "to_dense") else values
    made = np.asarray(dense.toarray() if hasattr(dense, "toarray") else dense, np.float32)
    return made.reshape(len(made), -1)


def _quiet() -> None:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")
    logging.getLogger("vizsla").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")


if __name__ == "__main__":
    main()
