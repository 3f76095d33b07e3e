"""Other ways to run the same models: sentence-transformers on torch, and torch's own export run bare.

The export holds the module up to the output that is compared; its loop is the usual one: texts sorted by length,
batches padded to their longest. Each peer has the three names `encode`, `score` and `terms`, of which a model has one.
"""

import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

BATCHES = (8, 16, 32, 64)
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class Torch:
    """sentence-transformers in fp32, in batches of the size that is fastest here."""

    def __init__(self, folder: Path, kind: str, *, length: int, threads: int) -> None:
        import sentence_transformers
        import torch

        torch.set_num_threads(threads)
        names = {"vector": "SentenceTransformer", "score": "CrossEncoder", "terms": "SparseEncoder"}
        self.model: Any = getattr(sentence_transformers, names[kind])(str(folder), device="cpu")
        if kind == "score":
            self.model.max_length = length
        else:
            self.model.max_seq_length = length
        self.batch = 32

    def tune(self, action: Callable[[], object]) -> None:
        """Keep the batch that is fastest, of two tries each."""
        seconds = {}
        for self.batch in BATCHES:
            tries = []
            for _ in range(2):
                begin = time.perf_counter()
                action()
                tries.append(time.perf_counter() - begin)
            seconds[self.batch] = min(tries)
        self.batch = min(seconds, key=lambda size: seconds[size])

    def encode(self, texts: Sequence[str]) -> Any:
        return self.model.encode(list(texts), batch_size=self.batch, show_progress_bar=False)

    def score(self, pairs: Sequence[tuple[str, str]]) -> Any:
        return self.model.predict(list(pairs), batch_size=self.batch, show_progress_bar=False)

    def terms(self, texts: Sequence[str]) -> Any:
        return self.model.encode(list(texts), batch_size=self.batch, show_progress_bar=False)


class Exported:
    """A torch module exported to ONNX, run by bare onnxruntime, or by OpenVINO at its own settings."""

    def __init__(
        self, torch_peer: Torch, kind: str, *, length: int, threads: int, runtime: str = "onnxruntime"
    ) -> None:
        self._tokenizer = torch_peer.model.tokenizer
        self._length = length
        with tempfile.TemporaryDirectory(prefix="vizsla-") as folder:
            path = Path(folder) / "model.onnx"
            names = _export(torch_peer.model, kind, path)
            self._run = (_onnxruntime if runtime == "onnxruntime" else _openvino)(path, threads)
        self._names = names

    def encode(self, texts: Sequence[Any]) -> Any:
        """One row of output a text or pair, in their order."""
        order = sorted(range(len(texts)), key=lambda place: -_size(texts[place]))
        made: list[Any] = [None] * len(texts)
        for start in range(0, len(order), 32):
            places = order[start : start + 32]
            some = [texts[place] for place in places]
            columns = ([one for one, _ in some], [two for _, two in some]) if isinstance(some[0], tuple) else (some,)
            tokens = self._tokenizer(
                *columns, padding=True, truncation=True, max_length=self._length, return_tensors="np"
            )
            given = {name: np.asarray(tokens[name], np.int64) for name in self._names if name in tokens}
            for place, row in zip(places, self._run(given), strict=True):
                made[place] = row
        return np.stack(made)

    score = terms = encode


def _size(text: Any) -> int:
    return len(text) if isinstance(text, str) else sum(map(len, text))


def _export(model: Any, kind: str, path: Path) -> tuple[str, ...]:
    """Export with the mask as a table of what to add to the products: tracing keeps no mask that it makes itself."""
    import torch

    inner: Any = model.model if kind == "score" else model[0].auto_model
    names = _INPUTS[:2] if inner.config.model_type == "distilbert" else _INPUTS

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, ids: Any, mask: Any, types: Any = None) -> Any:
            added = (1 - mask[:, None, None, :].to(torch.float32)) * -1e9
            extra = {} if types is None else {"token_type_ids": types}
            return _output(self.inner(input_ids=ids, attention_mask=added, **extra), mask, kind)

    ids = torch.ones(2, 9, dtype=torch.long)
    given = (ids, ids, ids * 0)[: len(names)]
    axes = {name: {0: "texts", 1: "tokens"} for name in names}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Whole().eval(), given, str(path), input_names=list(names), dynamic_axes=axes, opset_version=17, dynamo=False
        )
    return names


def _output(found: Any, mask: Any, kind: str) -> Any:
    import torch

    if kind == "score":
        return found.logits[:, 0]
    weights = mask[:, :, None].to(torch.float32)
    if kind == "terms":
        return torch.log1p(torch.relu(found.logits * weights)).amax(dim=1)
    mean = (found.last_hidden_state * weights).sum(1) / weights.sum(1)
    return torch.nn.functional.normalize(mean, dim=1)


def _onnxruntime(path: Path, threads: int) -> Callable[[dict[str, Any]], Any]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda given: session.run(None, given)[0]


def _openvino(path: Path, threads: int) -> Callable[[dict[str, Any]], Any]:
    import openvino

    request = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_NUM_THREADS": threads}).create_infer_request()
    return lambda given: np.array(next(iter(request.infer(given).values())))
