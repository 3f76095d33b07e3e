"""The machine's measured peak of matrix products in fp32, bf16 and int8, and what it would allow each model.

    python benchmarks/roofline.py [--rounds 7]

The peak is the best of chains of square products and of the models' own shapes, run by onnxruntime and OpenVINO, which
are what runs the models. A model can reach its limit only if everything but its products were free.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from clock import CLOCKS, interleave, machine, spread, table
from models_random import BERT_BASE, DISTILBERT_BASE, MINILM, ROCKETQA, TINY, Size

from vizsla.core.threads import workers

if TYPE_CHECKING:
    from onnx import NodeProto

PACKAGES = ("vizsla", "onnxruntime", "openvino")
PRECISIONS = ("fp32", "bf16", "int8")
WAYS = ("fp32 onnxruntime", "fp32 OpenVINO", "bf16 OpenVINO", "int8 OpenVINO")
SHAPES = {
    "square, 1,024": (1024, (1024,) * 9),
    "square, 2,048": (2048, (2048,) * 3),
    "MiniLM, 2,048 tokens": (2048, (384, 384, 1536, 384, 384, 1536, 384)),
    "BERT base, 1,024 tokens": (1024, (768, 768, 3072, 768, 768, 3072, 768)),
}
"""Rows, and the widths that a chain of products goes through."""
MODELS = {
    "all-MiniLM-L6, 60 tokens": (MINILM[6], 60, "vector"),
    "MiniLM-L6, 256 tokens": (MINILM[6], 256, "vector"),
    "DistilBERT, 60 tokens": (DISTILBERT_BASE, 60, "vector"),
    "SPLADE of DistilBERT, 60 tokens": (DISTILBERT_BASE, 60, "terms"),
    "SPLADE of BERT tiny, 10 tokens": (TINY, 10, "terms"),
    "BERT base, 60 tokens": (BERT_BASE, 60, "vector"),
    "rocketqa-zh-base, 384 tokens": (ROCKETQA["base"], 384, "vector"),
    "rocketqa-zh-nano, 384 tokens": (ROCKETQA["nano"], 384, "vector"),
}


@dataclass(frozen=True, slots=True)
class Chain:
    """Products one after another, each by weights of its own."""

    run: Callable[[], object]
    operations: float


def chain(way: str, shape: str) -> Chain:
    """A chain of one of `SHAPES`, started."""
    precision, runtime = way.split()
    rows, widths = SHAPES[shape]
    values = np.random.default_rng(0).standard_normal((rows, widths[0]), np.float32)
    with tempfile.TemporaryDirectory(prefix="vizsla-") as folder:
        path = Path(folder) / "chain.onnx"
        path.write_bytes(_graph(widths, rounded=precision == "int8"))
        run = _onnxruntime(path, values) if runtime == "onnxruntime" else _openvino(path, values, precision)
    run()
    return Chain(run, 2.0 * rows * sum(inputs * outputs for inputs, outputs in pairwise(widths)))


def peak(precision: str) -> Chain:
    """One chain that comes near each precision's best, to stand by turns beside models."""
    return chain(f"{precision} OpenVINO", next(iter(SHAPES)))


def show(rounds: int, clock: Callable[[], float]) -> dict[str, float]:
    """Print both tables; returns the peak of each precision: the best shape's best round."""
    chains = {(way, shape): chain(way, shape) for way in WAYS for shape in SHAPES}
    seconds = interleave({f"{way} {shape}": each.run for (way, shape), each in chains.items()}, rounds, clock)
    found = {
        (way, shape): [each.operations / taken for taken in seconds[f"{way} {shape}"]]
        for (way, shape), each in chains.items()
    }
    print("\nproducts alone: GFLOP/s (int8: GOP/s), median (least-most)")
    table(("shape", *WAYS), [[shape, *(spread(found[way, shape], 1e9, 0) for way in WAYS)] for shape in SHAPES])
    top = {p: max(max(each) for (way, _), each in found.items() if way.startswith(p)) for p in PRECISIONS}
    print("\nwhat the best of these would allow: texts a second")
    rows = [[name, *(f"{top[p] / limit(*model):,.0f}" for p in PRECISIONS)] for name, model in MODELS.items()]
    table(("model", *PRECISIONS), rows)
    return top


def limit(size: Size, tokens: int, kind: Any) -> float:
    """Operations of one text."""
    return size.operations(tokens, kind)


def _graph(widths: tuple[int, ...], *, rounded: bool) -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    draw = np.random.default_rng(1)
    nodes: list[NodeProto] = []
    given: list[TensorProto] = []
    now = "x"
    for number, (inputs, outputs) in enumerate(pairwise(widths)):
        weights = (draw.standard_normal((inputs, outputs)) / inputs**0.5).astype(np.float32)
        names = [f"{part}{number}" for part in ("w", "scale", "zero", "step")]
        if rounded:
            scale = np.float32(np.abs(weights).max() / 127)
            arrays = (np.rint(weights / scale).astype(np.int8), scale, np.uint8(128), np.float32(8 / 255))
            nodes += _rounded(number, now, names)
            now = f"in{number}"
        else:
            arrays = (weights,)
        given += [numpy_helper.from_array(np.asarray(a), n) for a, n in zip(arrays, names, strict=False)]
        nodes.append(helper.make_node("MatMul", [now, f"dw{number}" if rounded else names[0]], [f"y{number}"]))
        now = f"y{number}"
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", width])
        for name, width in (("x", widths[0]), (now, widths[-1]))
    ]
    made = helper.make_graph(nodes, "chain", ends[:1], ends[1:], given)
    model: bytes = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()
    return model


def _rounded(number: int, values: str, names: list[str]) -> "list[NodeProto]":
    """Inputs and weights through integers: what both runtimes turn into one product of integers."""
    from onnx import helper

    weights, scale, zero, step = names
    return [
        helper.make_node("QuantizeLinear", [values, step, zero], [f"q{number}"]),
        helper.make_node("DequantizeLinear", [f"q{number}", step, zero], [f"in{number}"]),
        helper.make_node("DequantizeLinear", [weights, scale], [f"dw{number}"]),
    ]


def _onnxruntime(path: Path, values: Any) -> Callable[[], object]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = workers()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": values})


def _openvino(path: Path, values: Any, precision: str) -> Callable[[], object]:
    import openvino

    hint = "f32" if precision == "fp32" else "bf16"
    wanted = {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": workers(), "NUM_STREAMS": 1}
    request = openvino.Core().compile_model(str(path), "CPU", wanted).create_infer_request()
    return lambda: request.infer({"x": values}, share_inputs=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall", help="cpu: one thread's own seconds")
    options = parser.parse_args()
    if options.clock == "cpu":
        os.environ |= {"VIZSLA_THREADS": "1", "RAYON_NUM_THREADS": "1"}
    print(machine(PACKAGES))
    print(
        f"load average {os.getloadavg()[0]:.1f}; threads: {workers()}; rounds: {options.rounds}, clock: {options.clock}"
    )
    show(options.rounds, CLOCKS[options.clock])


if __name__ == "__main__":
    main()
