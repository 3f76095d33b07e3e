"""What each published family calls the weights of a description.

Only names: a table for the embeddings, the blocks and the heads of each family, and how matrices lie.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

_NORM = {"weight": ".weight", "bias": ".bias"}


@dataclass(frozen=True, slots=True)
class Naming:
    """A family's names, without the prefix that a whole model stands under.

    Attributes:
        word: the word embedding, by which a model is found in a file.
        tables: other arrays by our name.
        block: where the blocks stand, with {} for their number.
        modules: linear layers and norms of the embeddings (by our name) and of a block (without "layers.i.").
        heads: linear layers and norms of heads, each with the names it may have.
        arrays: arrays of heads, each with the names they may have.
        turned: matrices are stored (outputs, inputs).
        linear: the endings of a linear layer's weight and bias.
        norm: the same of a norm.
    """

    word: str
    tables: Mapping[str, str]
    block: str
    modules: Mapping[str, str]
    heads: Mapping[str, tuple[str, ...]]
    arrays: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    turned: bool = True
    linear: Mapping[str, str] = field(default_factory=lambda: dict(_NORM))
    norm: Mapping[str, str] = field(default_factory=lambda: dict(_NORM))

    def keys(self, name: str) -> tuple[str, ...]:
        """The names that one of our weights may have in a file."""
        if name == "embeddings.word":
            return (self.word,)
        if name in self.tables:
            return (self.tables[name],)
        if name in self.arrays:
            return self.arrays[name]
        module, _, part = name.rpartition(".")
        ending = (self.norm if module.endswith("norm") else self.linear)[part]
        if module in self.heads:
            return tuple(f"{each}{ending}" for each in self.heads[module])
        if module.startswith("layers."):
            number, _, inner = module.removeprefix("layers.").partition(".")
            return (f"{self.block.format(number)}{self.modules[inner]}{ending}",)
        return (f"{self.modules[module]}{ending}",)


_TABLES = {
    "embeddings.position": "embeddings.position_embeddings.weight",
    "embeddings.type": "embeddings.token_type_embeddings.weight",
    "embeddings.task": "embeddings.task_type_embeddings.weight",
    "relative": "encoder.relative_attention_bias.weight",
}
_FEED = {"up": "intermediate.dense", "down": "output.dense", "norm": "output.LayerNorm"}
_ATTENTION = {each: f"attention.self.{each}" for each in ("query", "key", "value")}
_BERT_MODULES = {
    "embeddings.norm": "embeddings.LayerNorm",
    "embeddings.projection": "embeddings_project",
    **_ATTENTION,
    "output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    **_FEED,
}
_MPNET_MODULES = _BERT_MODULES | {
    **{each: f"attention.attn.{each[0]}" for each in ("query", "key", "value", "output")},
    "attention_norm": "attention.LayerNorm",
}
_WORD = "embeddings.word_embeddings.weight"
_LM_HEAD = {"terms.transform": ("lm_head.dense",), "terms.norm": ("lm_head.layer_norm",)}
_LM_ARRAYS = {"terms.bias": ("lm_head.decoder.bias", "lm_head.bias"), "terms.weight": ("lm_head.decoder.weight",)}
_TWO_LAYERS = {"dense.0": ("classifier.dense",), "classifier": ("classifier.out_proj",)}

BERT = Naming(
    word=_WORD,
    tables=_TABLES,
    block="encoder.layer.{}.",
    modules=_BERT_MODULES,
    heads={
        "dense.0": ("pooler.dense",),
        "classifier": ("classifier", "head.classifier"),
        "terms.transform": ("cls.predictions.transform.dense",),
        "terms.norm": ("cls.predictions.transform.LayerNorm",),
    },
    arrays={
        "terms.bias": ("cls.predictions.decoder.bias", "cls.predictions.bias"),
        "terms.weight": ("cls.predictions.decoder.weight",),
    },
)
DISTILBERT = Naming(
    word=_WORD,
    tables=_TABLES,
    block="transformer.layer.{}.",
    modules={
        "embeddings.norm": "embeddings.LayerNorm",
        "query": "attention.q_lin",
        "key": "attention.k_lin",
        "value": "attention.v_lin",
        "output": "attention.out_lin",
        "attention_norm": "sa_layer_norm",
        "up": "ffn.lin1",
        "down": "ffn.lin2",
        "norm": "output_layer_norm",
    },
    heads={
        "dense.0": ("pre_classifier",),
        "classifier": ("classifier",),
        "terms.transform": ("vocab_transform",),
        "terms.norm": ("vocab_layer_norm",),
    },
    arrays={"terms.bias": ("vocab_projector.bias",), "terms.weight": ("vocab_projector.weight",)},
)
ROBERTA = Naming(_WORD, _TABLES, "encoder.layer.{}.", _BERT_MODULES, _TWO_LAYERS | _LM_HEAD, _LM_ARRAYS)
MPNET = Naming(_WORD, _TABLES, "encoder.layer.{}.", _MPNET_MODULES, _TWO_LAYERS | _LM_HEAD, _LM_ARRAYS)
ELECTRA = Naming(
    word=_WORD,
    tables=_TABLES,
    block="encoder.layer.{}.",
    modules=_BERT_MODULES,
    heads=_TWO_LAYERS
    | {"terms.transform": ("generator_predictions.dense",), "terms.norm": ("generator_predictions.LayerNorm",)},
    arrays={
        "terms.bias": ("generator_lm_head.bias",),
        "terms.weight": ("generator_lm_head.weight",),
    },
)
PADDLE = Naming(
    word=_WORD,
    tables=_TABLES,
    block="encoder.layers.{}.",
    modules={
        "embeddings.norm": "embeddings.layer_norm",
        "query": "self_attn.q_proj",
        "key": "self_attn.k_proj",
        "value": "self_attn.v_proj",
        "output": "self_attn.out_proj",
        "attention_norm": "norm1",
        "up": "linear1",
        "down": "linear2",
        "norm": "norm2",
    },
    heads={"dense.0": ("pooler.dense",), "classifier": ("classifier",)},
    turned=False,
)
REDUCED = replace(PADDLE, heads={"dense.0": ("emb_reduce_linear",), "classifier": ("classifier",)})
"""A dual encoder whose vectors are made narrower, by a layer that has no activation."""
ROCKETQA = Naming(
    word="word_embedding",
    tables={
        "embeddings.position": "pos_embedding",
        "embeddings.type": "sent_embedding",
        "embeddings.task": "task_embedding",
    },
    block="encoder_layer_{}_",
    modules={
        "embeddings.norm": "pre_encoder_layer_norm",
        **{each: f"multi_head_att_{each}_fc" for each in ("query", "key", "value", "output")},
        "attention_norm": "post_att_layer_norm",
        "up": "ffn_fc_0",
        "down": "ffn_fc_1",
        "norm": "post_ffn_layer_norm",
    },
    heads={"dense.0": ("pooled_fc",)},
    arrays={"classifier.weight": ("_cls_out_w", "cls_out_w"), "classifier.bias": ("_cls_out_b", "cls_out_b")},
    turned=False,
    linear={"weight": ".w_0", "bias": ".b_0"},
    norm={"weight": "_scale", "bias": "_bias"},
)
NAMINGS = {
    "bert": BERT,
    "ernie": BERT,
    "distilbert": DISTILBERT,
    "roberta": ROBERTA,
    "mpnet": MPNET,
    "electra": ELECTRA,
}
"""By the family, in the names of transformers' own models."""
