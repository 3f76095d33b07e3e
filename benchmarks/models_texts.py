"""Texts that models are timed on: real passages and queries of the judged sets, and passages of one length."""

import gzip
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from vizsla.models.description import Description

_LOOK = 500


def passages(folder: Path, count: int) -> list[str]:
    """The first texts of a set's corpus."""
    return list(islice(stream(folder), count))


def stream(folder: Path) -> Iterator[str]:
    """Every text of a set's corpus that holds more than white space."""
    found = (str(record["text"]) for record in _records(folder / "corpus.jsonl"))
    return (text for text in found if text.strip())


def queries(folder: Path, count: int) -> list[str]:
    """The first queries of a set."""
    return [str(record["text"]) for record in islice(_records(folder / "queries.jsonl"), count)]


def tokens_of(description: Description, texts: Sequence[str]) -> list[int]:
    """How many tokens each text has, the two specials included, cut nowhere."""
    encoded = _tokenizer(description).encode_batch(list(texts), add_special_tokens=False)
    return [len(one.ids) + 2 for one in encoded]


def equal(description: Description, folder: Path, length: int, count: int) -> list[str]:
    """Passages cut to exactly so many tokens, the two specials included."""
    found: list[str] = []
    several = stream(folder)
    while len(found) < count and (some := list(islice(several, _LOOK))):
        shorter = cut(description, some, length)
        found += [
            text for text, tokens in zip(shorter, tokens_of(description, shorter), strict=True) if tokens == length
        ]
    return found[:count]


def cut(description: Description, texts: Sequence[str], length: int) -> list[str]:
    """Texts that end where their last token but one of so many ends; shorter ones as they are."""
    encoded = _tokenizer(description).encode_batch(list(texts), add_special_tokens=False)
    ends = [one.offsets[length - 3][1] if len(one.offsets) > length - 2 else None for one in encoded]
    return [text[:end] for text, end in zip(texts, ends, strict=True)]


def _tokenizer(description: Description) -> Any:
    from tokenizers import Tokenizer

    tokenizer: Any = Tokenizer.from_str(description.tokens.json)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _records(path: Path) -> Iterator[dict[str, Any]]:
    packed = path.with_name(f"{path.name}.gz")
    with gzip.open(packed, "rt", encoding="utf-8") if packed.exists() else path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
