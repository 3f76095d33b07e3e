"""Models of published sizes with random weights, in the formats they are published in: they run at the same speed.

Knows sizes, vocabularies and two formats of files: Hugging Face's folders (safetensors) and PaddleNLP's (`.pdparams`).
Their rankings mean nothing.
"""

import json
import pickle
import re
import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vizsla.models.description import Architecture, Family, Head, Kind
from vizsla.models.formats.naming import BERT, DISTILBERT, PADDLE, Naming
from vizsla.models.parameters import shapes

SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_PIECE = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+|[^\w\s]|_")
_STEP = 0.02
"""The deviation of random weights, as the families are initialised."""
_RARE = 4.0
"""Deviations that a term's logit must exceed: some two hundred terms a passage then weigh something, as in SPLADE."""
_CLASSES = {
    ("bert", "vector"): "BertModel",
    ("bert", "score"): "BertForSequenceClassification",
    ("bert", "terms"): "BertForMaskedLM",
    ("distilbert", "vector"): "DistilBertModel",
    ("distilbert", "terms"): "DistilBertForMaskedLM",
}


@dataclass(frozen=True, slots=True)
class Size:
    """A published size."""

    layers: int
    hidden: int
    heads: int
    feed_forward: int
    family: Family = "bert"
    vocabulary: int = 30_522
    positions: int = 512

    def architecture(self) -> Architecture:
        types = {"bert": 2, "distilbert": 0, "ernie": 4}[self.family]
        tasks = (3 if self.layers == 12 else 16) if self.family == "ernie" else 0
        sizes = (self.vocabulary, self.layers, self.hidden, self.heads, self.feed_forward, "gelu", self.positions)
        return Architecture(self.family, *sizes, types=types, tasks=tasks)

    def operations(self, tokens: int, kind: Kind = "vector") -> float:
        """Of one text's products: two for each weight and token, and attention's own."""
        block = 4 * self.hidden**2 + 2 * self.hidden * self.feed_forward
        terms = self.hidden**2 + self.hidden * self.vocabulary if kind == "terms" else 0
        return 2.0 * tokens * (self.layers * block + terms) + 4.0 * tokens**2 * self.hidden * self.layers


TINY = Size(2, 128, 2, 512)
MINILM = {layers: Size(layers, 384, 12, 1536) for layers in (2, 4, 6, 12)}
DISTILBERT_BASE = Size(6, 768, 12, 3072, "distilbert")
BERT_BASE = Size(12, 768, 12, 3072)
ROCKETQA = {
    name: Size(*size, "ernie", 40_000, 2048)
    for name, size in {
        "base": (12, 768, 12, 3072),
        "medium": (6, 768, 12, 3072),
        "mini": (6, 384, 12, 1536),
        "micro": (4, 384, 12, 1536),
        "nano": (4, 312, 12, 1248),
    }.items()
}


def vocabulary(texts: Iterable[str], size: int) -> list[str]:
    """Pieces of the texts: every character, then the most frequent words; filled up to the size."""
    words = Counter(piece for text in texts for piece in _PIECE.findall(text.lower()))
    characters = Counter({letter: 1 for word in words for letter in word})
    pieces = dict.fromkeys([*SPECIALS, *sorted(characters)[: size // 3]])
    pieces |= dict.fromkeys(f"##{letter}" for letter in list(pieces)[len(SPECIALS) :])
    pieces |= dict.fromkeys(word for word, _ in words.most_common(size))
    kept = list(pieces)[:size]
    return kept + [f"[unused{place}]" for place in range(size - len(kept))]


def write(folder: Path, size: Size, kind: Kind, pieces: Sequence[str], *, seed: int = 0) -> Path:
    """A folder as it would be published: bi-encoder, cross-encoder or masked-LM; an ERNIE as PaddleNLP saves it."""
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    _json(folder / "tokenizer_config.json", _tokenizer(size))
    if size.family == "ernie":
        _json(folder / "config.json", _config(size, kind) | {"num_labels": 2})
        arrays = _arrays(size, _head(size, kind), PADDLE, "ernie.", seed)
        (folder / "model_state.pdparams").write_bytes(pickle.dumps(arrays, protocol=4))
        return folder
    _json(folder / "config.json", _config(size, kind))
    naming = DISTILBERT if size.family == "distilbert" else BERT
    arrays = _arrays(size, _head(size, kind), naming, "" if kind == "vector" else f"{size.family}.", seed)
    write_safetensors(folder / "model.safetensors", arrays)
    if kind == "vector":
        _pooled(folder, size.hidden)
    return folder


def write_safetensors(path: Path, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Length of the header, header, bytes: https://huggingface.co/docs/safetensors."""
    header, end = {}, 0
    for name, array in arrays.items():
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [end, end + array.nbytes]}
        end += array.nbytes
    said = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    said += b" " * (-len(said) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(said)) + said)
        file.writelines(array.tobytes() for array in arrays.values())


def _arrays(size: Size, head: Head, naming: Naming, prefix: str, seed: int) -> dict[str, np.ndarray[Any, Any]]:
    draw, made = np.random.default_rng(seed), {}
    for name, shape in shapes(size.architecture(), head).items():
        if name == "terms.weight":
            continue  # tied to the word embedding
        key = naming.keys(name)[0]
        inside = not name.startswith(("classifier", "terms")) and key != "classifier"
        array = _drawn(draw, name, shape, size)
        turned = naming.turned and len(shape) == 2 and not name.startswith("embeddings")
        made[f"{prefix if inside else ''}{key}"] = np.ascontiguousarray(array.T if turned else array)
    return made


def _drawn(draw: np.random.Generator, name: str, shape: tuple[int, ...], size: Size) -> np.ndarray[Any, Any]:
    if name == "terms.bias":
        return np.full(shape, -_RARE * _STEP * size.hidden**0.5, np.float32)
    if name.endswith("norm.weight"):
        return np.ones(shape, np.float32)
    return (draw.standard_normal(shape, np.float32) * _STEP).astype(np.float32)


def _head(size: Size, kind: Kind) -> Head:
    if kind == "vector":
        return Head("vector", ("mean",))
    if kind == "score":
        return Head("score", ("cls",), dense=("tanh",), labels=2 if size.family == "ernie" else 1)
    return Head("terms", ("max",))


def _config(size: Size, kind: Kind) -> dict[str, Any]:
    said: dict[str, Any] = {"model_type": size.family, "vocab_size": size.vocabulary, "pad_token_id": 0}
    said["max_position_embeddings"] = size.positions
    if size.family == "distilbert":
        said |= {"dim": size.hidden, "n_layers": size.layers, "n_heads": size.heads, "hidden_dim": size.feed_forward}
        return said | {"activation": "gelu", "architectures": [_CLASSES["distilbert", kind]]}
    a = size.architecture()
    said |= {"hidden_size": size.hidden, "num_hidden_layers": size.layers, "num_attention_heads": size.heads}
    said |= {"intermediate_size": size.feed_forward, "hidden_act": "gelu", "type_vocab_size": a.types}
    said |= {"layer_norm_eps": 1e-12}
    if size.family == "ernie":
        named = "ErnieEncoder" if kind == "vector" else "ErnieCrossEncoder"
        return said | {"task_type_vocab_size": a.tasks, "use_task_id": True, "architectures": [named]}
    said |= {"architectures": [_CLASSES["bert", kind]]}
    if kind == "score":
        said |= {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}
        said |= {"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}}
    return said


def _tokenizer(size: Size) -> dict[str, Any]:
    named = {"bert": "BertTokenizer", "distilbert": "DistilBertTokenizer", "ernie": "ErnieTokenizer"}[size.family]
    tokens = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIALS, strict=True))
    return {"do_lower_case": True, "tokenizer_class": named, "model_max_length": size.positions, **tokens}


def _pooled(folder: Path, width: int) -> None:
    """What makes a folder a bi-encoder of sentence-transformers: mean pooling, unit length."""
    names = ["Transformer", "Pooling", "Normalize"]
    places = ["", "1_Pooling", "2_Normalize"]
    kinds = [f"sentence_transformers.models.{name}" for name in names]
    both = enumerate(zip(places, kinds, strict=True))
    modules = [{"idx": place, "name": str(place), "path": path, "type": kind} for place, (path, kind) in both]
    _json(folder / "modules.json", modules)
    _json(folder / "sentence_bert_config.json", {"max_seq_length": 512, "do_lower_case": False})
    _json(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": width, "pooling_mode_mean_tokens": True})
    (folder / "2_Normalize").mkdir()


def _json(path: Path, value: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
