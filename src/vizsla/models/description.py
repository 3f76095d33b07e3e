"""What a published model is, whoever wrote it: architecture, head, layout, tokens, weights, score.

Every reader under `formats/` ends in these values and everything after it starts from them. Knows
no file format and no runtime.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Family: TypeAlias = Literal["bert", "distilbert", "roberta", "mpnet", "electra", "ernie", "static"]
Kind: TypeAlias = Literal["vector", "score", "terms"]
Score: TypeAlias = Literal["dot", "cosine", "logit", "probability"]
Weights: TypeAlias = Mapping[str, npt.NDArray[np.float32]]
"""Arrays under the names of `vizsla.models.parameters.shapes`."""
PROBABLE = ("sigmoid", "softmax")
"""Activations that make a reranker's score a probability; the others leave it a logit."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A transformer encoder with LayerNorm after each block.

    Attributes:
        family: which published forward pass; "static" has a weight a token and no layers.
        vocabulary: rows of the word embedding.
        layers: blocks.
        hidden: width of the hidden states.
        heads: attention heads.
        feed_forward: width inside a block.
        activation: "gelu" (by erf), "gelu_tanh" or "relu".
        positions: rows of the position embedding.
        first_position: the position of the first token (RoBERTa and MPNet: pad + 1).
        types: rows of the token-type embedding, 0 without one.
        tasks: rows of ERNIE's task-type embedding, 0 without one; row 0 is used.
        embedding: width of the embeddings; where it differs from `hidden` a projection follows (ELECTRA).
        layer_norm_eps: added to the variance.
        buckets: rows of MPNet's relative attention bias, 0 without one.
        distance: MPNet's largest relative distance.
    """

    family: Family
    vocabulary: int
    layers: int = 0
    hidden: int = 0
    heads: int = 1
    feed_forward: int = 0
    activation: str = "gelu"
    positions: int = 0
    first_position: int = 0
    types: int = 0
    tasks: int = 0
    embedding: int = 0
    layer_norm_eps: float = 1e-12
    buckets: int = 0
    distance: int = 128


@dataclass(frozen=True, slots=True)
class Head:
    """What turns the last hidden states into the output.

    vector: the poolings side by side, then each dense layer with its activation, then unit length if asked.
    score: the same up to the dense layers (BERT: the pooler, "tanh"), then `classifier`, `activation`, one label.
    terms: the masked-LM head, `activation`, then the largest or the sum over tokens under the mask.

    Attributes:
        kind: what comes out: (n, dim) vectors, (n,) scores, or (n, vocabulary) weights of terms.
        pooling: of "cls", "mean", "max", "sqrt" (sum / sqrt of the count), "weighted" (by position), "last"; for
            terms "max" or "sum".
        dense: one activation a dense layer: "identity", "tanh", "gelu", "relu", "sigmoid"; "norm" is a LayerNorm in a
            dense layer's place, "unit" the step to unit length.
        normalize: to unit length.
        activation: of the output: "identity", "sigmoid", "softmax", "tanh", or for terms "relu", "log1p_relu",
            "log1p_log1p_relu".
        labels: outputs of the classifier.
        label: which of them is the score.
        transform: for terms, the activation inside the masked-LM head.
        dense_bias: whether each dense layer has a bias; empty means every one.
        widths: outputs of each dense layer; empty means the hidden width each.
        skip: for vectors, how many tokens at the start no pooling sees: those of a prompt.
        most: for terms, how many of the largest weights stay, 0 for all.
    """

    kind: Kind
    pooling: tuple[str, ...] = ("cls",)
    dense: tuple[str, ...] = ()
    normalize: bool = False
    activation: str = "identity"
    labels: int = 1
    label: int = 0
    transform: str = "gelu"
    dense_bias: tuple[bool, ...] = ()
    widths: tuple[int, ...] = ()
    skip: int = 0
    most: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """How texts become one row of tokens: the tool's habits, recorded because they change the numbers.

    Attributes:
        name: "sentence-transformers", "modelscope", "rocketqa", "paddlenlp", "paddlenlp-early", ...
        query_length: most tokens of a query, specials included.
        passage_length: most tokens of a passage, or of a pair.
        titles: how a passage's title goes in: "joined" (title, a space, text: one segment), "segment" (a segment of
            its own before the text), "tokens" (title tokens, then text tokens, nothing between), "none" (left out).
        empty_first: an empty first segment before a single text: [CLS][SEP]text[SEP].
        strip: whitespace around a text is removed.
        remove_spaces: every space of a text is removed (rocketqa's `for_cn`).
        query_prompt: put before every query.
        passage_prompt: put before every passage.
        truncation_side: "right" or "left", where tokens are cut.
        specials: whether specials stand around the tokens.
        lower: texts are lower-cased before the tokenizer sees them (sentence-transformers' own `do_lower_case`).
    """

    name: str
    query_length: int = 512
    passage_length: int = 512
    titles: str = "joined"
    empty_first: bool = False
    strip: bool = False
    remove_spaces: bool = False
    query_prompt: str = ""
    passage_prompt: str = ""
    truncation_side: str = "right"
    specials: bool = True
    lower: bool = False


@dataclass(frozen=True, slots=True)
class Tokens:
    """A tokenizer: text to ids without specials, and which ids are special.

    Attributes:
        json: the `tokenizers` library's own JSON; its truncation, padding and post-processor are not used.
        cls: id before the first segment.
        sep: id after each segment.
        pad: id of padding.
        unk: id of what is not in the vocabulary.
        mask: id of the mask, -1 without one.
        double_sep: two separators between segments (RoBERTa, MPNet).
        second_type: token type of the second segment, 1 or 0.
        ties: which segment longest-first truncation shortens where both are equally long: "first" or "second".
        size: one more than the largest id, 0 where unknown; the word embedding needs as many rows.
    """

    json: str = field(repr=False)
    cls: int
    sep: int
    pad: int = 0
    unk: int = 0
    mask: int = -1
    double_sep: bool = False
    second_type: int = 1
    ties: str = "first"
    size: int = 0


@dataclass(frozen=True, slots=True)
class Description:
    """One tower, or one reranker, ready to be made a graph.

    Attributes:
        name: what it was loaded from, for people.
        architecture: the encoder.
        head: what follows it.
        layout: how texts go in.
        tokens: the tokenizer.
        score: what the numbers mean: dot, cosine, logit or probability.
        weights: float32 arrays by the names of `parameters.shapes`; empty where `graph` is given.
        graph: a published ONNX file that takes the weights' place, "" without one.
        dim: the first so many columns of a vector that its files ask for, 0 for all.
    """

    name: str
    architecture: Architecture
    head: Head
    layout: Layout
    tokens: Tokens
    score: Score
    weights: Weights = field(repr=False)
    graph: str = ""
    dim: int = 0


@dataclass(frozen=True, slots=True)
class Towers:
    """What one folder gives: an encoder's two sides, often one description twice; a reranker's are the same."""

    queries: Description
    passages: Description
