"""sentence-transformers' modules that stand behind an encoder: Pooling, Dense, LayerNorm, Normalize, SpladePooling.

Knows their configs in versions 2 to 6; refuses modules that are none of the published families'.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from vizsla.core.errors import ArtifactError
from vizsla.models.description import Head, Weights
from vizsla.models.formats.checkpoint import checked
from vizsla.models.formats.huggingface import Encoder, class_activation
from vizsla.models.formats.place import Place
from vizsla.models.weights.numbers import Array

_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "sqrt",
    "pooling_mode_weightedmean_tokens": "weighted",
    "pooling_mode_lasttoken": "last",
}
_MODES = {
    "cls": "cls",
    "max": "max",
    "mean": "mean",
    "mean_sqrt_len_tokens": "sqrt",
    "weightedmean": "weighted",
    "lasttoken": "last",
}
_POOLED = "sentence_embedding"
_TERMS = {"relu": "log1p_relu", "log1p_relu": "log1p_log1p_relu"}  # their names leave out the first log1p


@dataclass(frozen=True)
class Module:
    """One entry of modules.json: its kind without the module it lives in, and its folder."""

    kind: str
    place: Place

    def config(self) -> dict[str, Any]:
        """What its config.json says, empty without one."""
        return self.place.json("config.json", optional=True) if self.place.folder.is_dir() else {}


@dataclass(frozen=True)
class Chain:
    """What the modules behind an encoder come to.

    Attributes:
        head: the head.
        weights: the dense layers' weights, by our names.
    """

    head: Head
    weights: dict[str, Any] = field(default_factory=dict)

    def over(self, taken: Weights, head: Head) -> Weights:
        """The encoder's weights and the dense layers' own, where settings left them in place."""
        kept = {name: array for name, array in self.weights.items() if int(name.split(".")[1]) < len(head.dense)}
        return {**taken, **kept}


def kind(name: object) -> str:
    """A module's kind: the last part of its class's name; the whole name of another package's, which is none of ours.

    >>> kind("sentence_transformers.models.Pooling"), kind("custom_st.Transformer")
    ('Pooling', 'custom_st.Transformer')
    """
    package, dot, _ = str(name).partition(".")
    return str(name) if dot and package != "sentence_transformers" else str(name).rpartition(".")[2]


def bare(modules: list[Module]) -> bool:
    """Whether a pooling among modules leaves prompts out."""
    return any(module.kind == "Pooling" and module.config().get("include_prompt") is False for module in modules)


def followed(modules: list[Module], encoder: Encoder, head: Head) -> Chain:
    """The head that modules make of an encoder's output.

    Args:
        modules: behind the encoder.
        encoder: the encoder.
        head: what it starts with.

    Raises:
        ArtifactError: a module, an order or an option that is not read.
    """
    chain = Chain(head)
    for module in modules:
        chain = _joined(chain, module, encoder)
    return chain


def _joined(chain: Chain, module: Module, encoder: Encoder) -> Chain:
    if chain.head.normalize and module.kind in ("Dense", "LayerNorm"):
        return _joined(_unit_within(chain, encoder), module, encoder)
    if chain.head.normalize and module.kind not in ("Normalize", "Dropout"):
        raise ArtifactError(f"{module.place.folder}: found {module.kind} behind Normalize; wanted it before")
    if module.kind == "Pooling" and not chain.head.dense:
        return replace(chain, head=replace(chain.head, kind="vector", pooling=_pooling(module)))
    if module.kind == "Dense":
        return _dense(chain, module, encoder)
    if module.kind == "LayerNorm":
        return _norm(chain, module)
    if module.kind == "Normalize":
        return replace(chain, head=replace(chain.head, normalize=True))
    if module.kind == "SpladePooling":
        return replace(chain, head=_splade(chain.head, module))
    if module.kind == "Dropout":  # nothing once trained
        return chain
    wanted = "Pooling, Dense, LayerNorm, Normalize or SpladePooling"
    raise ArtifactError(f"{module.place.folder}: found the module '{module.kind[:100]}'; wanted {wanted}")


def _pooling(module: Module) -> tuple[str, ...]:
    config = module.config()
    modes = config.get("pooling_mode")
    if modes is None:
        modes = [name for flag, name in _FLAGS.items() if config.get(flag) is True]
        return tuple(modes) or ("mean",)
    modes = [modes] if isinstance(modes, str) else modes
    if not isinstance(modes, list) or not modes or not all(isinstance(m, str) and m in _MODES for m in modes):
        raise ArtifactError(
            f"{module.place.folder}: found pooling_mode {str(modes)[:100]!r}; wanted some of {', '.join(_MODES)}"
        )
    return tuple(_MODES[mode] for mode in modes)


def _splade(head: Head, module: Module) -> Head:
    config = module.config()
    pooling, activation = config.get("pooling_strategy", "max"), config.get("activation_function", "relu")
    if pooling not in ("max", "sum") or activation not in list(_TERMS):
        wanted = f"max or sum, and {' or '.join(_TERMS)}"
        found = f"{str(pooling)[:50]!r} and {str(activation)[:50]!r}"
        raise ArtifactError(f"{module.place.folder}: found {found}; wanted {wanted}")
    return replace(head, kind="terms", pooling=(pooling,), activation=_TERMS[activation])


def _dense(chain: Chain, module: Module, encoder: Encoder) -> Chain:
    config, folder, number = module.config(), module.place.folder, len(chain.head.dense)
    places = [config.get(key, _POOLED) for key in ("module_input_name", "module_output_name")]
    if places != [_POOLED, _POOLED] or config.get("use_residual"):
        found = f"a Dense from {str(places[0])[:50]!r} to {str(places[1])[:50]!r}"
        raise ArtifactError(f"{folder}: found {found}; wanted one on the pooled vector, no residual")
    inputs, outputs = config.get("in_features"), config.get("out_features")
    if type(inputs) is not int or type(outputs) is not int or min(inputs, outputs) < 1:
        raise ArtifactError(f"{folder}: found {inputs!r} inputs and {outputs!r} outputs; wanted whole numbers")
    bias = config.get("bias", True) is not False
    name = config.get("activation_function") or "torch.nn.modules.activation.Tanh"
    shapes = {"linear.weight": (outputs, inputs)} | ({"linear.bias": (outputs,)} if bias else {})
    for part, array in _taken(module, shapes).items():
        chain.weights[f"dense.{number}.{part}"] = array.T
    return _longer(chain, class_activation(name, encoder), outputs, bias=bias)


def _norm(chain: Chain, module: Module) -> Chain:
    width = module.config().get("dimension")
    if type(width) is not int or width < 1:
        raise ArtifactError(f"{module.place.folder}: found dimension {width!r}; wanted a whole number")
    for part, array in _taken(module, {"norm.weight": (width,), "norm.bias": (width,)}).items():
        chain.weights[f"dense.{len(chain.head.dense)}.{part}"] = array
    return _longer(chain, "norm", width, bias=True)


def _taken(module: Module, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """A module's own weights, "weight" and "bias"."""
    folder, arrays = module.place.folder, module.place.arrays()
    for key, shape in shapes.items():
        if key not in arrays:
            raise ArtifactError(f"{folder}: found no '{key}'; wanted it with shape {shape}: fetch it again")
    return {key.rpartition(".")[2]: checked(arrays[key], shape, f"{folder}: '{key}'") for key, shape in shapes.items()}


def _unit_within(chain: Chain, encoder: Encoder) -> Chain:
    """A chain whose Normalize is not its last layer."""
    head = chain.head
    width = head.widths[-1] if head.widths else encoder.architecture.hidden * len(head.pooling)
    return _longer(replace(chain, head=replace(head, normalize=False)), "unit", width, bias=False)


def _longer(chain: Chain, name: str, width: int, *, bias: bool) -> Chain:
    head = chain.head
    dense, biases, widths = (*head.dense, name), (*head.dense_bias, bias), (*head.widths, width)
    return replace(chain, head=replace(head, dense=dense, dense_bias=biases, widths=widths))
