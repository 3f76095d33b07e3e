"""A graph run by OpenVINO on a CPU, the extra `openvino`: faster, and in bfloat16 where the processor has it.

Knows OpenVINO. Refuses to know what the numbers mean. A text's output is the same to the last bit in any batch of
its length, in either precision.
"""

import threading
from pathlib import Path

import numpy as np

from vizsla.core.errors import ArtifactError, SettingsError, ShapeError
from vizsla.core.extras import require
from vizsla.core.protocols import TokenBatch
from vizsla.core.threads import workers
from vizsla.core.vectors import Dense

_PRECISIONS = {"fp32": "f32", "bf16": "bf16"}


class OpenVinoRuntime:
    """A compiled graph; runs from several threads wait for each other, since one uses every core.

    Args:
        path: an ONNX file.
        precision: of the products of floats, "fp32" or "bf16"; a quantised graph's integers stay integers.
        threads: of each run; by default as many as this process may use cores.

    Raises:
        ArtifactError: no file, or not a graph that OpenVINO opens.
        MissingExtraError: OpenVINO is not installed.
        SettingsError: another precision.
    """

    def __init__(self, path: str | Path, *, precision: str = "fp32", threads: int | None = None) -> None:
        if precision not in _PRECISIONS:
            raise SettingsError(f"found the precision '{precision}'; wanted {' or '.join(_PRECISIONS)}")
        openvino = require("openvino", extra="openvino")
        settings = {
            "INFERENCE_PRECISION_HINT": _PRECISIONS[precision],  # without it a processor with AMX rounds to bfloat16
            "INFERENCE_NUM_THREADS": threads or workers(),
            "NUM_STREAMS": 1,
        }
        try:
            compiled = openvino.Core().compile_model(str(path), "CPU", settings)
        except RuntimeError as error:
            raise ArtifactError(f"{path}: OpenVINO cannot open it ({_line(error)}); build the graph again") from error
        self._inputs = tuple(one.get_any_name() for one in compiled.inputs)
        self._request = compiled.create_infer_request()
        self._turn = threading.Lock()

    def run(self, batch: TokenBatch) -> Dense:
        """What the graph computes of a batch: (n, dim) float32.

        Raises:
            ShapeError: token ids or a length that the graph does not take.
        """
        try:
            with self._turn:
                self._request.infer({name: getattr(batch, name) for name in self._inputs}, share_inputs=True)
                return np.array(self._request.get_output_tensor(0).data, dtype=np.float32, order="C")
        except RuntimeError as error:
            found = f"a batch of shape {batch.ids.shape} with ids to {batch.ids.max(initial=0)}"
            raise ShapeError(f"found {found}, which the graph does not take ({_line(error)})") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
