"""The ways that vizsla runs a model: fp32 by onnxruntime, bf16 and int8 by OpenVINO; int8 gated, or only rounded."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import vizsla
from vizsla.compiling.calibration import calibrate
from vizsla.compiling.compilation import Checking, compile_model
from vizsla.compiling.compiled import Runner, Way, joined, running
from vizsla.compiling.judged_sample import Sampling
from vizsla.models.contract import digest
from vizsla.models.description import Description
from vizsla.models.finding import Use, Wanted, find
from vizsla.models.quantising import write_quantised
from vizsla.models.tokenizer import Tokenizer

PRECISIONS = ("fp32", "bf16", "int8")


def ways(wanted: Wanted, texts: Sequence[Any], *, int8: Path | None = None) -> dict[str, Runner]:
    """A model in each precision; int8 from a compiled folder, or rounded on these texts without a gate."""
    named = {"queries": wanted.queries, "passages": wanted.passages, "max_length": wanted.max_length}
    named |= {"settings": wanted.settings, "layout": wanted.layout}
    made = {each: vizsla.load(wanted.model, precision=each, **named) for each in ("fp32", "bf16")}
    return made | {"int8": vizsla.load(int8) if int8 else rounded(wanted, texts)}


def gated(model: Path, data: Path, folder: Path) -> Path:
    """The model compiled to int8 behind the gate of a judged set, kept in a folder."""
    if not folder.exists():
        made = compile_model(Wanted(model), Way("int8"), Checking(data, Sampling(queries=600, passages=1500)), folder)
        if not made.verdict.passed:
            raise SystemExit(f"{model}: the gate on {data.name} does not hold: {made.verdict}")
    return folder


def rounded(wanted: Wanted, texts: Sequence[Any]) -> Runner:
    """The model in int8 with scales found on these texts, or pairs of them; nothing judges it."""
    towers, _ = find(wanted)
    use, way = Use("int8"), Way("int8")
    passages = _rounded(towers.passages, texts, way, use)
    if towers.queries is towers.passages:
        return joined(passages, passages, use)
    return joined(_rounded(towers.queries, texts, way, use), passages, use)


def _rounded(description: Description, texts: Sequence[Any], way: Way, use: Use) -> Any:
    tokenizer = Tokenizer(description.tokens, description.layout)
    pairs = description.head.kind == "score"
    rows = tokenizer.pairs(texts) if pairs else tokenizer.passages(texts)
    with tempfile.TemporaryDirectory(prefix="vizsla-") as scratch:
        graph = write_quantised(description, calibrate(description, [rows]), Path(scratch))
        return running(description, graph, way, use, digest(description))
