"""What the README and the guides show is run: every block of sh and Python, in order, in an empty folder.

Models are looked for as folders first, so tiny ones stand there under the names that the guides give.
"""

import json
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from .conftest import ENVIRONMENT, ROOT

MODELS = ROOT / "tests/unit/models/fixtures"
SLOW = ("lexical", "dense", "sparse", "rerank", "hybrid", "collections")  # half a minute each
PAGES = ["README.md", *(pytest.param(f"docs/guides/{name}.md", marks=pytest.mark.slow) for name in SLOW)]
NOT_RUN = ("make ", "pip ", "vizsla compare DATA", *(f"vizsla {one}" for one in ("evaluate FOLDER", "calibrate INDEX")))
TIMEOUT_S = 120


def blocks(text: str) -> list[tuple[str, str]]:
    """The language and the lines of every block of code."""
    return re.findall(r"^```(sh|python)\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def script(block: str) -> str:
    """A block without the lines that install something or stand for a reader's own files."""
    return "\n".join(line for line in block.splitlines() if not line.startswith(NOT_RUN))


def put_models(place: Path) -> None:
    """Tiny models of random weights under the names of published ones."""
    (place / "all-MiniLM-L6-v2").symlink_to(MODELS / "st5-bi-mean-norm")
    (place / "ms-marco-MiniLM-L6-v2").symlink_to(MODELS / "st5-cross-identity")
    put_masked_lm(place / "splade-cocondenser-ensembledistil")


def put_masked_lm(folder: Path) -> None:
    """The encoder of the fixture under a masked-LM head, as a plain folder of Hugging Face's."""
    source, draw = MODELS / "st5-bi-mean-norm", np.random.default_rng(0)
    folder.mkdir()
    for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).symlink_to(source / name)
    config = json.loads((source / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["BertForMaskedLM"]}))
    raw = (source / "model.safetensors").read_bytes()
    end = 8 + struct.unpack("<Q", raw[:8])[0]
    header, values = json.loads(raw[8:end]), raw[end:]
    header = {name if name == "__metadata__" else f"bert.{name}": one for name, one in header.items()}
    width, words = config["hidden_size"], config["vocab_size"]
    head = {"transform.dense.weight": (width, width), "transform.dense.bias": (width,), "bias": (words,)}
    head |= {"transform.LayerNorm.weight": (width,), "transform.LayerNorm.bias": (width,)}
    for name, shape in head.items():
        made = draw.normal(0, 0.2, shape).astype("<f4").tobytes()
        places = [len(values), len(values) + len(made)]
        header[f"cls.predictions.{name}"] = {"dtype": "F32", "shape": shape, "data_offsets": places}
        values += made
    said = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(said)) + said + values)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_runs(page: str, tmp_path: Path) -> None:
    program = tmp_path / "bin/vizsla"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m vizsla "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    (tmp_path / "place").mkdir()
    put_models(tmp_path / "place")
    environment = ENVIRONMENT | {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "VIZSLA_CACHE": str(tmp_path / "cache"),
    }
    found = blocks((ROOT / page).read_text(encoding="utf-8"))
    assert {language for language, _ in found} == {"sh", "python"}
    for language, block in found:
        run = ["bash", "-euo", "pipefail", "-c", script(block)] if language == "sh" else [sys.executable, "-c", block]
        streams = {"capture_output": True, "text": True, "timeout": TIMEOUT_S}
        done = subprocess.run(run, cwd=tmp_path / "place", env=environment, check=False, **streams)  # type: ignore[call-overload]
        assert done.returncode == 0, f"{page}: this block failed:\n{block}\n{done.stdout}{done.stderr}"


def test_the_readme_example_is_short_and_right(tmp_path: Path) -> None:
    (example,) = [block for language, block in blocks((ROOT / "README.md").read_text("utf-8")) if language == "python"]
    lines = [line for line in example.splitlines() if line]
    assert len(lines) <= 10
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("d2 ")
    assert done.stdout.endswith("{'RR@10': 1.0, 'nDCG@10': 1.0}\n")
