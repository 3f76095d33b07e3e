"""Compiled models: an artifact that runs without the model it was made from (docs/formats/compiled-model.md).

Knows how graphs, tokenizers and descriptions are stored, and which runtime each precision needs. Refuses to know how
graphs are made and judged.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from vizsla.core.artifacts import Artifact, Draft, open_artifact
from vizsla.core.errors import ArtifactError, SettingsError, VizslaError
from vizsla.core.extras import require
from vizsla.core.protocols import Runtime
from vizsla.core.settings import from_mapping
from vizsla.encoders.dense import DenseEncoder
from vizsla.encoders.sparse import SparseEncoder
from vizsla.models.cache import GRAPH_FILE
from vizsla.models.description import Architecture, Description, Head, Layout, Tokens
from vizsla.models.finding import Use
from vizsla.models.model import Model
from vizsla.models.nodes import WEIGHTS_FILE
from vizsla.models.table import TokenTable
from vizsla.rerankers.cross_encoder import CrossEncoder

KIND, VERSION = "compiled-model", 1
PRECISIONS = ("int8", "bf16")
RUNTIMES = ("openvino", "onnxruntime")
Runner: TypeAlias = DenseEncoder | SparseEncoder | CrossEncoder
Tower: TypeAlias = Model | TokenTable
_DESCRIPTION, _TOKENIZER, _TABLE = "description.json", "tokenizer.json", "table"


@dataclass(frozen=True, slots=True)
class Way:
    """How a graph is run.

    Attributes:
        precision: "int8" or "bf16".
        runtime: "openvino" or "onnxruntime". OpenVINO runs what is not int8 in bfloat16, where the processor has it.

    Raises:
        SettingsError: one that does not exist, or bf16 by onnxruntime, which has no such product on a CPU.
    """

    precision: str
    runtime: str = "openvino"

    def __post_init__(self) -> None:
        for found, known in ((self.precision, PRECISIONS), (self.runtime, RUNTIMES)):
            if found not in known:
                raise SettingsError(f"found {found!r}; wanted one of {', '.join(known)}")
        if self.precision == "bf16" and self.runtime != "openvino":
            raise SettingsError("found bf16 by onnxruntime, which has no such product on a CPU; wanted openvino")

    def check(self) -> None:
        """See that the runtime is there, before the work that ends in it.

        Raises:
            MissingExtraError: OpenVINO is not installed.
        """
        if self.runtime == "openvino":
            require("openvino", extra="openvino")

    def start(self, graph: Path) -> Runtime:
        """A runtime over a graph's file.

        Raises:
            MissingExtraError: OpenVINO is not installed.
            ArtifactError: a file that is no graph.
        """
        if self.runtime == "openvino":
            from vizsla.runtimes.openvino_session import OpenVinoRuntime

            return OpenVinoRuntime(graph, precision="bf16")
        from vizsla.runtimes.onnxruntime_session import OnnxRuntime

        return OnnxRuntime(graph)


class CompiledModel:
    """Loads what `vizsla compile` wrote; a maker of encoders and rerankers, and nothing itself."""

    @staticmethod
    def load(folder: str | Path) -> Runner:
        """The encoder or reranker of a folder.

        Raises:
            ArtifactError: missing, truncated or altered, or not a compiled model's settings.
            MissingExtraError: the runtime that it was checked with is not installed.
        """
        artifact = open_artifact(folder, kind=KIND, version=VERSION)
        return assemble(artifact)


def assemble(artifact: Artifact) -> Runner:
    """The encoder or reranker of an opened artifact."""
    settings = artifact.settings
    try:
        way = Way(settings["precision"], settings["runtime"])
        use = from_mapping(Use, settings["use"])
        marks = {side: str(settings["weights"][side]) for side in ("queries", "passages")}
    except (KeyError, TypeError, SettingsError) as error:
        raise ArtifactError(
            f"{artifact.folder}: its settings are not a compiled model's ({error}); compile again"
        ) from error
    passages = _tower(artifact, "passages", way, use, marks)
    queries = passages if settings.get("shared") else _tower(artifact, "queries", way, use, marks)
    return joined(queries, passages, use)


def joined(queries: Tower, passages: Tower, use: Use) -> Runner:
    """Two towers, or one twice, as what their head makes of them."""
    if passages.description.head.kind == "terms":
        return SparseEncoder(queries, passages, windows=use.windows)
    if isinstance(queries, TokenTable) or isinstance(passages, TokenTable):
        raise ArtifactError("found a table of tokens' weights for vectors; wanted it for terms: compile again")
    if passages.description.head.kind == "score":
        return CrossEncoder(passages, windows=use.windows)
    return DenseEncoder(queries, passages, dim=use.dim, unit=use.unit)


def running(description: Description, graph: Path, way: Way, use: Use, mark: str) -> Model:
    """A tower over a compiled graph; its contract is that of the weights it was made from."""
    bare = replace(description, weights={}, graph="")
    model = Model(bare, runtime=way.start(graph), precision=way.precision, windows=use.windows == "max")
    model.digest = mark
    return model


def write_tower(draft: Draft, side: str, description: Description, graph: Path | None) -> None:
    """Store one tower: its description, its tokenizer, and its graph or its table of tokens' weights."""
    folder = draft.path(side)
    folder.mkdir()
    parts = {part: dataclasses.asdict(getattr(description, part)) for part in _PARTS}
    json_ = parts["tokens"].pop("json")
    kept = {"name": description.name, "score": description.score, **parts}
    (folder / _DESCRIPTION).write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / _TOKENIZER).write_text(json_, encoding="utf-8")
    if graph is None:
        draft.array(f"{side}/{_TABLE}", np.asarray(description.weights["table"], np.float32))
        return
    for name in (GRAPH_FILE, WEIGHTS_FILE):
        (folder / name).write_bytes((graph.parent / name).read_bytes())


_PARTS: Mapping[str, type[Any]] = {"architecture": Architecture, "head": Head, "layout": Layout, "tokens": Tokens}


def _tower(artifact: Artifact, side: str, way: Way, use: Use, marks: Mapping[str, str]) -> Tower:
    description = _description(artifact, side)
    if description.architecture.family == "static":
        table = TokenTable(replace(description, weights={"table": artifact.array(f"{side}/{_TABLE}", np.float32)}))
        table.digest = marks[side]
        return table
    artifact.path(f"{side}/{WEIGHTS_FILE}")
    return running(description, artifact.path(f"{side}/{GRAPH_FILE}"), way, use, marks[side])


def _description(artifact: Artifact, side: str) -> Description:
    path = artifact.path(f"{side}/{_DESCRIPTION}")
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        kept["tokens"]["json"] = artifact.path(f"{side}/{_TOKENIZER}").read_text(encoding="utf-8")
        parts = {part: from_mapping(kind, kept[part]) for part, kind in _PARTS.items()}
        return Description(name=kept["name"], score=kept["score"], weights={}, **parts)
    except (ValueError, KeyError, TypeError, AttributeError, VizslaError) as error:
        raise ArtifactError(f"{path}: not a compiled model's description ({error}); compile again") from error
