"""Texts that models are timed on: real passages and queries of the judged sets, and passages of one length."""

import gzip
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from vizsla.models.description import Description

_LOOK = 20_000


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
    from tokenizers import Tokenizer

    tokenizer: Any = Tokenizer.from_str(description.tokens.json)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return [len(one.ids) + 2 for one in tokenizer.encode_batch(list(texts), add_special_tokens=False)]


def equal(description: Description, folder: Path, length: int, count: int) -> list[str]:
    """Passages cut to exactly so many tokens, the two specials included."""
    from tokenizers import Tokenizer

    tokenizer: Any = Tokenizer.from_str(description.tokens.json)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    found: list[str] = []
    for text in passages(folder, _LOOK):
        offsets = tokenizer.encode(text, add_special_tokens=False).offsets
        if len(offsets) >= length - 2:
            cut = text[: offsets[length - 3][1]]
            if len(tokenizer.encode(cut, add_special_tokens=False).ids) == length - 2:
                found.append(cut)
        if len(found) == count:
            break
    return found


def _records(path: Path) -> Iterator[dict[str, Any]]:
    packed = path.with_name(f"{path.name}.gz")
    with gzip.open(packed, "rt", encoding="utf-8") if packed.exists() else path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
