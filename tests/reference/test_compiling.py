"""What runtimes make of a rounded graph: integer kernels for every product that was rounded."""

from pathlib import Path

import numpy as np
import pytest

from vizsla.compiling.calibration import calibrate
from vizsla.models.quantising import write_quantised
from vizsla.models.reading import read
from vizsla.models.tokenizer import Tokenizer

FOLDER = Path(__file__).parents[1] / "unit/models/fixtures/st5-bi-mean-norm"
TEXTS = ["what is a bridge?", "city of London", "python file open", "a bridge is 18 km"] * 8


def quantised(folder: Path) -> tuple[Path, int]:
    description = read(FOLDER).passages
    rows = Tokenizer(description.tokens, description.layout).passages(TEXTS)
    path = write_quantised(description, calibrate(description, [rows]), folder)
    return path, 6 * description.architecture.layers


def test_openvino_runs_every_rounded_product_on_integers(tmp_path: Path) -> None:
    openvino = pytest.importorskip("openvino", reason="needs the extra openvino")
    path, count = quantised(tmp_path)
    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32", "PERF_COUNT": True})
    request, ids = compiled.create_infer_request(), np.ones((2, 8), np.int64)
    request.infer({one.get_any_name(): ids for one in compiled.inputs})
    made = [one.exec_type for one in request.get_profiling_info() if one.node_type == "FullyConnected"]
    assert len(made) == count
    assert all(name.upper().endswith("I8") for name in made), made


def test_onnxruntime_fuses_every_rounded_product(tmp_path: Path) -> None:
    import onnx
    import onnxruntime

    path, count = quantised(tmp_path)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "fused.onnx")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    fused = onnx.load(tmp_path / "fused.onnx", load_external_data=False)
    operators = [node.op_type for node in fused.graph.node]
    assert sum(name in ("MatMulIntegerToFloat", "QLinearMatMul") for name in operators) == count
    ids = np.ones((1, 4), np.int64)
    fed = {one.name: ids for one in session.get_inputs()}
    assert np.isfinite(session.run(None, fed)[0]).all()
