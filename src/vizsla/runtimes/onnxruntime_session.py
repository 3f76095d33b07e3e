"""A graph run by onnxruntime's CPU provider, which the base install brings.

Knows onnxruntime. Refuses to know what the numbers mean. A text's output is the same to the last bit in any batch of
its length.
"""

from pathlib import Path

import numpy as np

from vizsla.core.errors import ArtifactError, ShapeError
from vizsla.core.protocols import TokenBatch
from vizsla.core.threads import workers
from vizsla.core.vectors import Dense

_FATAL = 4


class OnnxRuntime:
    """A session over one graph; several threads may run it at once.

    Args:
        path: an ONNX file.
        threads: of each run; by default as many as this process may use cores.

    Raises:
        ArtifactError: no file, or not a graph that onnxruntime opens.
    """

    def __init__(self, path: str | Path, *, threads: int | None = None) -> None:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as failures

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or workers()
        options.log_severity_level = _FATAL
        options.enable_mem_pattern = False  # patterns are kept a shape, and every batch is another
        refused = (failures.Fail, failures.InvalidArgument, failures.InvalidGraph, failures.InvalidProtobuf)
        missing = (failures.NoSuchFile, failures.RuntimeException, failures.NotImplemented)
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except (*refused, *missing) as error:
            raise ArtifactError(f"{path}: onnxruntime refuses it ({_line(error)}); build it again") from error
        self._session = session
        self._inputs = tuple(one.name for one in session.get_inputs())
        self._outputs = tuple(one.name for one in session.get_outputs())
        self._refused = (*refused, failures.RuntimeException)

    def run(self, batch: TokenBatch) -> Dense:
        """What the graph computes of a batch: (n, dim) float32.

        Raises:
            ShapeError: token ids or a length that the graph does not take.
        """
        return np.ascontiguousarray(self._run(batch)[0], dtype=np.float32)

    def outputs(self, batch: TokenBatch) -> dict[str, Dense]:
        """Every output by its name, of a graph with further ones.

        Raises:
            ShapeError: token ids or a length that the graph does not take.
        """
        return dict(zip(self._outputs, self._run(batch), strict=True))

    def _run(self, batch: TokenBatch) -> list[Dense]:
        try:
            values: list[Dense] = self._session.run(None, {name: getattr(batch, name) for name in self._inputs})
        except self._refused as error:
            found = f"a batch of shape {batch.ids.shape} with ids to {batch.ids.max(initial=0)}"
            raise ShapeError(f"found {found}, which the graph does not take ({_line(error)})") from error
        return values


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
