"""A whole pipeline on both cores: rrf(bm25, dense) >> rerank(30) by a cross-encoder of MiniLM-L6's size, part by part.

The query encoder is a real model, the cross-encoder has random weights: it runs at the same speed, and its order means
nothing. Passages' vectors are those kept by collection_data.py. One query at a time.

    python benchmarks/collection_pipeline.py MODEL [DATA_FOLDER] [--tokens 90] [--sets squad-en ...] [--rounds 3]
"""

import argparse
import time
from pathlib import Path
from typing import Any

import collection_data
import models_texts
import numpy as np
from clock import machine, table
from collection_engines import collected
from models_random import MINILM, vocabulary
from models_random import write as write_model
from models_ways import rounded

import vizsla
from vizsla.collections.model_stages import DenseStage
from vizsla.collections.snapshot import Snapshot
from vizsla.models.finding import Wanted
from vizsla.retrievers.pipeline import parse

DEPTH, PIECES = 30, 30_522
ALONE, WHOLE = "rrf(bm25, dense)", f"rrf(bm25, dense) >> rerank(minilm, depth={DEPTH})"


def stages(snapshot: Snapshot, model: str, precision: str) -> dict[str, Any]:
    """The collection's stages, the dense one with the real encoder of queries."""
    encoder = vizsla.load(model, precision=precision)
    dense = DenseStage.over("dense", snapshot.placed, encoder.dim, lambda: encoder)
    return {"bm25": snapshot.stage("bm25"), "dense": dense}


def rerankers(folder: Path, texts: list[str], queries: list[str], tokens: int | None) -> dict[str, Any]:
    """The cross-encoder in each precision, reading so many tokens of a pair."""
    wanted = Wanted(folder, max_length=tokens)
    made = {one: vizsla.load(folder, precision=one, max_length=tokens) for one in ("fp32", "bf16")}
    return made | {"int8": rounded(wanted, list(zip(queries, texts, strict=False)))}


def timed(retriever: Any, queries: list[str], k: int, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of every query by the wall and of all threads, after a round to warm up."""
    wall, cpu = [], []
    for number in range(-1, rounds):
        for query in queries:
            begin = time.perf_counter(), time.process_time()
            retriever.search([query], k)
            took = time.perf_counter() - begin[0], time.process_time() - begin[1]
            if number >= 0:
                wall.append(took[0])
                cpu.append(took[1])
    return wall, cpu


def tokens_read(folder: Path, snapshot: Snapshot, fused: Any, queries: list[str], most: int | None) -> float:
    """Mean tokens of a pair that is reranked, specials included."""
    description = vizsla.load(folder)._model.description  # noqa: SLF001 - tokens are counted by nobody else
    asked, counts = models_texts.tokens_of(description, queries), []
    for query, length in zip(queries, asked, strict=True):
        positions = fused.search([query], DEPTH).row(0)[0]
        texts = [" ".join(one) if isinstance(one, tuple) else one for one in snapshot.texts(positions)]
        counts += [min(length + count - 1, most or 512) for count in models_texts.tokens_of(description, texts)]
    return float(np.mean(counts))


def main() -> None:
    parser = collection_data.arguments(__doc__, "model", queries=50, rounds=3)
    parser.add_argument("--tokens", type=int, help="of a pair at most; all that the model reads (512) if not given")
    parser.add_argument("--precisions", nargs="+", default=["fp32", "bf16", "int8"])
    options = parser.parse_args()
    judged = collection_data.chosen(options)
    if judged is None:
        return
    print(f"{machine(('vizsla', 'onnxruntime', 'openvino', 'numba'))}; {len(judged.passages):,} passages")
    with collected(judged) as (given, snapshot):
        texts = [one.text for one in judged.passages[:2000]]
        folder = write_model(given.folder.parent / "cross", MINILM[6], "score", vocabulary(texts, PIECES))
        compare(snapshot, folder, texts[:128], given.queries, options)


def compare(
    snapshot: Snapshot, folder: Path, texts: list[str], queries: list[str], options: argparse.Namespace
) -> None:
    models = rerankers(folder, texts, queries, options.tokens)
    lines = []
    for precision in options.precisions:
        found = stages(snapshot, options.model, "bf16" if precision == "int8" else precision)
        alone, whole = (parse(one).make(found, {"minilm": models[precision]}, snapshot) for one in (ALONE, WHOLE))
        read = tokens_read(folder, snapshot, alone, queries, options.tokens)
        asked = {
            "bm25": (found["bm25"], 100),
            "dense": (found["dense"], 100),
            ALONE: (alone, DEPTH),
            WHOLE: (whole, 10),
        }
        taken = {name: timed(one, queries, k, options.rounds) for name, (one, k) in asked.items()}
        for at, clock in enumerate(("wall", "CPU")):
            reranking = [one - other for one, other in zip(taken[WHOLE][at], taken[ALONE][at], strict=True)]
            each = 1e3 * np.median(reranking) / (DEPTH * read / 1000)
            cells = [
                milliseconds(one)
                for one in (*(both[at] for both in list(taken.values())[:3]), reranking, taken[WHOLE][at])
            ]
            lines.append((precision, clock, f"{read:.0f}", *cells, f"{each:.1f}"))
    names = ("bm25", "dense, query encoded", ALONE, f"rerank {DEPTH}", "whole")
    table(
        ("precision", "clock", "tokens a pair", *(f"{name}, ms" for name in names), "rerank, ms per 1,000 tokens"),
        lines,
    )
    print(
        "\np50 (p95); int8 of the cross-encoder rounded without a gate, its query encoder in bf16; CPU: of all threads"
    )


def milliseconds(seconds: list[float]) -> str:
    return f"{1e3 * np.percentile(seconds, 50):.1f} ({1e3 * np.percentile(seconds, 95):.1f})"


if __name__ == "__main__":
    main()
