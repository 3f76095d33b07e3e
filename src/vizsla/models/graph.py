"""A description made one ONNX graph that holds everything from token ids to the final number.

Inputs: ids, types (where the architecture has them) and mask, each (texts, tokens) int64, both free. One output of
float32: (texts, dim) vectors, (texts, 1) scores or (texts, vocabulary) weights of terms. Standard operators only;
fusing them is each runtime's own work.
"""

from typing import TYPE_CHECKING, BinaryIO

from vizsla.core.errors import ArtifactError, SettingsError
from vizsla.models.blocks import Inputs, hidden_states
from vizsla.models.description import Description
from vizsla.models.heads import first_only, from_hidden, terms_from_hidden
from vizsla.models.nodes import Nodes, put_out
from vizsla.models.parameters import shapes
from vizsla.models.published import adopted

if TYPE_CHECKING:
    from onnx import ModelProto

VERSION = 1
"""Of what this builder writes; raised with every change, so that no older graph is taken from the cache."""


def build(description: Description, file: BinaryIO | None = None) -> "ModelProto":
    """The graph of a description.

    Args:
        description: with its weights.
        file: an open binary file named `nodes.WEIGHTS_FILE` that takes the weights; without it the model holds them
            and must stay under 2 GiB.

    Raises:
        ArtifactError: a weight is missing or of another shape.
        SettingsError: an activation or pooling that does not exist, or a family without a graph.
    """
    if description.graph:
        model = adopted(description)
        if file is not None:
            put_out(model, file)
        return model
    a, head, weights = description.architecture, description.head, description.weights
    if a.family == "static":
        raise SettingsError(f"{description.name}: a static model has a weight a token and no graph; look weights up")
    _check(description)
    nodes, inputs = Nodes(weights, file), Inputs()
    if a.family == "ernie":
        inputs = Inputs(mask=_unpadded(nodes, inputs, description.tokens.pad))
    hidden = hidden_states(nodes, a, weights, inputs, first_only=first_only(head))
    if head.kind == "terms":
        output = terms_from_hidden(nodes, head, weights, (hidden, inputs.mask), a.layer_norm_eps)
    else:
        output = from_hidden(nodes, head, hidden, inputs.mask)
    return nodes.model(("ids", "types", "mask") if a.types > 1 else ("ids", "mask"), output)


def _unpadded(nodes: Nodes, inputs: Inputs, pad: int) -> str:
    """ERNIE's own mask: ids that are not pad, one typed in a text included."""
    real = nodes.add("Cast", nodes.add("Not", nodes.add("Equal", inputs.ids, nodes.index(pad))), to=7)
    return nodes.add("Mul", inputs.mask, real)


def _check(description: Description) -> None:
    for name, shape in shapes(description.architecture, description.head).items():
        if name not in description.weights:
            raise ArtifactError(f"{description.name}: found no weight '{name}'; wanted one of shape {shape}")
        found = description.weights[name].shape
        if found != shape:
            raise ArtifactError(f"{description.name}: found '{name}' of shape {found}; wanted {shape}")
