"""Both runtimes behind one door: the same numbers, the same bits in any batch, clear refusals."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from vizsla.core.errors import ArtifactError, MissingExtraError, SettingsError, ShapeError
from vizsla.core.protocols import Runtime, TokenBatch
from vizsla.runtimes.onnxruntime_session import OnnxRuntime
from vizsla.runtimes.openvino_session import OpenVinoRuntime

Open = Callable[[Path], Runtime]
DRAW = np.random.default_rng(0)
TABLE, MATRIX = (DRAW.normal(0, 1, shape).astype(np.float32) for shape in ((30, 40), (40, 9)))


def openvino(path: Path) -> Runtime:
    pytest.importorskip("openvino", reason="needs the extra openvino")
    return OpenVinoRuntime(path)


OPENERS = pytest.mark.parametrize("opener", [OnnxRuntime, openvino])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Rows of words times a matrix, the mask's share of each summed."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["words"]),
        helper.make_node("MatMul", ["words", "matrix"], ["states"]),
        helper.make_node("Cast", ["mask"], ["shares"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["shares", "one"], ["row"]),
        helper.make_node("MatMul", ["row", "states"], ["summed"]),
        helper.make_node("Squeeze", ["summed", "one"], ["output"]),
    ]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "length"]) for name in ("ids", "mask")]
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", "width"])
    pairs = (("table", TABLE), ("matrix", MATRIX), ("one", np.array([1])))
    arrays = [numpy_helper.from_array(values, name) for name, values in pairs]
    graph = helper.make_graph(nodes, "sums", inputs, [output], arrays)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


def batch(n: int, length: int = 7) -> TokenBatch:
    ids = np.random.default_rng(1).integers(0, 30, (n, length))
    mask = np.ones_like(ids)
    mask[::2, length // 2 :] = 0
    return TokenBatch(ids, np.zeros_like(ids), mask)


def wanted(given: TokenBatch) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    made = (TABLE.astype(np.float64)[given.ids] @ MATRIX * given.mask[..., None]).sum(1)
    return np.asarray(made, np.float64)


@OPENERS
def test_a_batch_runs_and_types_the_graph_does_not_ask_for_are_left_out(opener: Open, path: Path) -> None:
    runtime = opener(path)
    for n, length in ((3, 7), (1, 1), (20, 31)):
        given = batch(n, length)
        found = runtime.run(given)
        assert found.dtype == np.float32
        assert found.flags.c_contiguous
        np.testing.assert_allclose(found, wanted(given), atol=1e-4)


@OPENERS
@pytest.mark.parametrize("length", [1, 8, 24, 60])
def test_a_row_gives_the_same_bits_in_any_batch(opener: Open, path: Path, length: int) -> None:
    runtime, given = opener(path), batch(33, length)
    together = runtime.run(given)
    for size in (1, 2, 5, 16):
        for start in range(0, 33, size):
            part = slice(start, start + size)
            found = runtime.run(TokenBatch(given.ids[part], given.types[part], given.mask[part]))
            assert found.tobytes() == together[part].tobytes()


@OPENERS
def test_results_stay_what_they_were_when_more_is_run(opener: Open, path: Path) -> None:
    runtime, given = opener(path), batch(4)
    first = runtime.run(given)
    kept = first.copy()
    runtime.run(TokenBatch(given.ids[::-1].copy(), given.types, given.mask))
    assert first.tobytes() == kept.tobytes()


@OPENERS
def test_several_threads_may_run_one_session(opener: Open, path: Path) -> None:
    runtime = opener(path)
    sizes = [1, 5, 2, 9] * 4
    with ThreadPoolExecutor(4) as threads:
        for n, found in zip(sizes, threads.map(lambda n: runtime.run(batch(n)), sizes), strict=True):
            np.testing.assert_allclose(found, wanted(batch(n)), atol=1e-4)


def test_onnxruntime_refuses_an_id_that_is_no_word(path: Path) -> None:
    given = TokenBatch(np.array([[3, 30]]), np.zeros((1, 2), np.int64), np.ones((1, 2), np.int64))
    with pytest.raises(ShapeError, match=r"a batch of shape \(1, 2\) with ids to 30, which the graph does not take"):
        OnnxRuntime(path).run(given)


@OPENERS
def test_what_is_no_graph_is_refused_by_name(opener: Open, tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a graph at all")
    for path in (broken, tmp_path / "absent.onnx"):
        with pytest.raises(ArtifactError, match=path.name):
            opener(path)


def test_openvino_computes_in_the_precision_asked_for(path: Path) -> None:
    pytest.importorskip("openvino", reason="needs the extra openvino")
    given = batch(5)
    exact = OpenVinoRuntime(path, precision="fp32", threads=1).run(given)
    np.testing.assert_allclose(exact, wanted(given), atol=1e-4)
    rough = OpenVinoRuntime(path, precision="bf16", threads=1).run(given)
    np.testing.assert_allclose(rough, wanted(given), atol=0.5)
    with pytest.raises(SettingsError, match="'fp16'; wanted fp32 or bf16"):
        OpenVinoRuntime(path, precision="fp16")


def test_without_openvino_the_error_names_the_extra(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'vizsla\[openvino\]'"):
        OpenVinoRuntime(path)
