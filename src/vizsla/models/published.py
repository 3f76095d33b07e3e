"""Graphs that were published as ONNX files: brought to our inputs, and the head appended.

Knows the names that exporters give to inputs. What the file computes up to its output stays as it is.
"""

from typing import TYPE_CHECKING

from vizsla.core.errors import ArtifactError
from vizsla.models.description import Description
from vizsla.models.heads import first_only, from_hidden, from_labels, from_pooled, terms_from_logits
from vizsla.models.nodes import IR_VERSION, OPSET, Nodes, declared, declared_output

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

_INPUTS = {"input_ids": "ids", "token_type_ids": "types", "attention_mask": "mask"}
_STATES, _ROWS = 3, 2
_NORM, _ELSEWHERE = "LayerNormalization", "vizsla.apart"


def adopted(description: Description) -> "ModelProto":
    """The published graph of a description with its head behind it.

    The head starts from hidden states (B, L, H) or, for a score, from logits (B, labels); an output (B, dim) of a
    vector model is pooled already and gets the dense layers and the normalisation.

    Raises:
        ArtifactError: no ONNX graph, an input that no tokenizer makes, or no output that the head can start from.
    """
    model = _read(description)
    nodes = Nodes(description.weights, prefix="vizsla.")
    known = _fed(nodes, model, description.graph)
    feeding = len(nodes.nodes)
    made = _headed(nodes, description, _chosen(model, description), known)
    own = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes.nodes[:feeding], *own, *nodes.nodes[feeding:]])
    model.graph.initializer.extend(nodes.arrays.values())
    del model.graph.input[:], model.graph.output[:]
    model.graph.input.extend(declared(known))
    model.graph.output.append(declared_output(made))
    return model


def _read(description: Description) -> "ModelProto":
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import version_converter

    try:
        model = onnx.load(description.graph)
        versions = [one.version for one in model.opset_import if one.domain in ("", "ai.onnx")]
        if versions and versions[0] < OPSET:
            _move(model, "", _ELSEWHERE)
            model = version_converter.convert_version(model, OPSET)
            _move(model, _ELSEWHERE, "")
    except (OSError, DecodeError, RuntimeError, ValueError, *_not_valid()) as error:
        found = " ".join(str(error).split())[:300]
        raise ArtifactError(f"{description.graph}: not a graph that can be read ({found}); wanted ONNX") from error
    model.ir_version = max(model.ir_version, IR_VERSION)
    return model


def _not_valid() -> tuple[type[Exception], ...]:
    """What the library calls a graph that does not hold together."""
    import onnx
    from onnx import version_converter

    return onnx.checker.ValidationError, version_converter.ConvertError


def _move(model: "ModelProto", domain: str, other: str) -> None:
    """Move layer norms to another domain: onnxruntime's optimiser writes them before there were any, as they became."""
    for node in model.graph.node:
        if node.op_type == _NORM and node.domain == domain:
            node.domain = other
    if other:
        model.opset_import.add(domain=other, version=1)
    else:
        kept = [one for one in model.opset_import if one.domain != domain]
        del model.opset_import[:]
        model.opset_import.extend(kept)


def _fed(nodes: Nodes, model: "ModelProto", path: str) -> list[str]:
    """Feed the graph's inputs from ours, in the graph's own type of integer; returns the names of ours."""
    weights = {one.name for one in model.graph.initializer}
    found = [one for one in model.graph.input if one.name not in weights]
    if strange := [one.name for one in found if one.name not in _INPUTS]:
        raise ArtifactError(f"{path}: found the input '{strange[0]}'; wanted only {', '.join(_INPUTS)}")
    for one in found:
        nodes.add("Cast", _INPUTS[one.name], to=one.type.tensor_type.elem_type)
        nodes.nodes[-1].output[0] = one.name
    return [_INPUTS[one.name] for one in found]


def _chosen(model: "ModelProto", description: Description) -> "ValueInfoProto":
    """The output that the head starts from: the first with three axes, or two where the head can do with that."""
    outputs, head = list(model.graph.output), description.head
    ranks = [len(one.type.tensor_type.shape.dim) for one in outputs]
    wanted = (_ROWS,) if head.kind == "score" and not head.dense else (_STATES, _ROWS)
    for rank in wanted if head.kind != "terms" else (_STATES,):
        if rank in ranks:
            chosen: ValueInfoProto = outputs[ranks.index(rank)]
            return chosen
    found = ", ".join(f"{one.name} of {rank} axes" for one, rank in zip(outputs, ranks, strict=True))
    raise ArtifactError(f"{description.graph}: found the outputs {found}; wanted one of {wanted[0]} axes")


def _headed(nodes: Nodes, description: Description, output: "ValueInfoProto", known: list[str]) -> str:
    head, rank = description.head, len(output.type.tensor_type.shape.dim)
    if "mask" not in known and rank == _STATES and not first_only(head):
        found = f"{description.graph}: found no input attention_mask"
        raise ArtifactError(f"{found}; wanted it for the pooling {', '.join(head.pooling)}")
    if head.kind == "terms":
        return terms_from_logits(nodes, head, output.name, "mask")
    if rank == _STATES:
        return from_hidden(nodes, head, output.name, "mask")
    return from_labels(nodes, head, output.name) if head.kind == "score" else from_pooled(nodes, head, output.name)
