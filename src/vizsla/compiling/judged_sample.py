"""What a gate is run on: judged queries, the passages they are asked of, and texts kept apart for calibration.

Knows splits and seeded samples. Refuses to know models.
"""

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import chain
from pathlib import Path

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage, Text
from vizsla.data.detection import detect
from vizsla.data.judgements import Judgements
from vizsla.data.layouts import JUDGEMENTS, LAYOUTS, PASSAGES, QUERIES, Stream
from vizsla.data.problems import Problems
from vizsla.data.sources import distinct, read_passages

_FOR_CALIBRATION = 128
"""Queries and passages, each."""
_PREFERRED = ("dev", "validation", "test")


@dataclass(frozen=True, slots=True)
class Sampling:
    """How much of a judged source is used.

    Attributes:
        split: which judgements; "" for dev, or for test where there is no other.
        queries: most queries of the verdict.
        passages: how many passages are searched: all judged ones, and a sample of the others up to this number.
        seed: of every sample.
    """

    split: str = ""
    queries: int = 2000
    passages: int = 5000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class JudgedSample:
    """Judged queries, what they are asked of, and texts for calibration.

    Attributes:
        judgements: of the verdict's queries.
        ids: of the passages that are searched.
        texts: their texts.
        calibration: queries and passages that scales are found on; none of the queries is the verdict's.
        said: the split and how much was taken of what, for the record.
    """

    judgements: Judgements
    ids: tuple[str, ...]
    texts: tuple[Text, ...]
    calibration: tuple[tuple[str, ...], tuple[Text, ...]]
    said: dict[str, object]


def read_sample(path: str | Path, sampling: Sampling, *, calibration: str | Path | None = None) -> JudgedSample:
    """Read and sample a judged folder in any layout that is known for certain.

    Args:
        path: the folder.
        sampling: which split, and how much of it.
        calibration: passages to calibrate on, in place of the folder's own that no verdict looks at.

    Raises:
        DataError: no such split, nothing judged, or a file that is not what it should be.
        SettingsError: a folder whose layout is not certain.
    """
    problems = Problems()
    streams = LAYOUTS[detect(path)].streams(Path(path), problems)
    split = _split(streams, sampling.split, path)
    judged = _judgements(streams, split, problems)
    kept, others = _apart(_queries(judged, sampling), judged, sampling.seed, _training(streams, split, problems))
    needed = {passage for row in kept.grades.values() for passage in row}
    stream = chain.from_iterable(one.read() for one in streams if one.kind == PASSAGES)
    found, rest, total = _sampled(distinct(stream, problems), needed, sampling)
    spare = min(_FOR_CALIBRATION, len(rest) // 2)
    apart, rest = rest[:spare], rest[spare:][: max(0, sampling.passages - len(found))]
    own = read_passages(calibration, problems=problems) if calibration else apart or found
    learned = nsmallest(_FOR_CALIBRATION, own, key=lambda one: _hash(sampling.seed, one.id))
    chosen = [*found, *rest]
    said: dict[str, object] = {"data": Path(path).name, "split": split, "seed": sampling.seed}
    said |= {"queries": len(kept.queries), "queries_judged": len(judged.queries)}
    said |= {"passages": len(chosen), "passages_judged": len(found), "passages_in_all": total}
    said |= {"calibration_queries": len(others), "calibration_passages": len(learned)}
    texts = tuple(_text(one) for one in chosen)
    return JudgedSample(kept, tuple(one.id for one in chosen), texts, (others, tuple(map(_text, learned))), said)


def _split(streams: Sequence[Stream], wanted: str, path: str | Path) -> str:
    known = [one.split for one in streams if one.kind == JUDGEMENTS]
    if wanted:
        if wanted not in known:
            found = ", ".join(known) or "none"
            raise DataError(f"{path}: found no judgements of the split '{wanted}'; splits that are there: {found}")
        return wanted
    chosen = next((one for one in _PREFERRED if one in known), None)
    if chosen is None:
        raise DataError(f"{path}: found the splits {known}; wanted dev or test: name one with --split")
    if chosen == "test":
        logging.getLogger("vizsla").warning("%s: no split dev, so the gate is run on test", path)
    return chosen


def _judgements(streams: Sequence[Stream], split: str, problems: Problems) -> Judgements:
    queries = [one.read() for one in streams if one.kind == QUERIES and one.split in ("", split)]
    grades = [one.read() for one in streams if one.kind == JUDGEMENTS and one.split == split]
    return Judgements.gather(chain(*queries), chain(*grades), problems=problems)


def _training(streams: Sequence[Stream], split: str, problems: Problems) -> dict[str, str]:
    """Queries of the split train, none where it is the gate's own or not there."""
    there = any(one.kind == JUDGEMENTS and one.split == "train" for one in streams)
    return _judgements(streams, "train", problems).queries if there and split != "train" else {}


def _queries(judged: Judgements, sampling: Sampling) -> Judgements:
    chosen = nsmallest(sampling.queries, judged.queries, key=lambda query: _hash(sampling.seed, query))
    return _only(judged, chosen)


def _apart(
    judged: Judgements, every: Judgements, seed: int, training: dict[str, str]
) -> tuple[Judgements, tuple[str, ...]]:
    """The verdict's queries, and others for calibration: of train, else a tenth of the split's own."""
    asked = set(every.queries.values())
    others = {query: text for query, text in training.items() if query not in every.queries and text not in asked}
    if others:
        chosen = nsmallest(_FOR_CALIBRATION, others, key=lambda query: _hash(seed, query))
        return judged, tuple(others[query] for query in chosen)
    ordered = sorted(judged.queries, key=lambda query: _hash(seed + 1, query))
    spare = min(_FOR_CALIBRATION, len(ordered) // 10)
    texts = {judged.queries[query] for query in ordered[:spare]}
    kept = [query for query in ordered[spare:] if judged.queries[query] not in texts]
    return _only(judged, kept), tuple(judged.queries[query] for query in ordered[:spare])


def _only(judged: Judgements, queries: Iterable[str]) -> Judgements:
    kept = set(queries)
    texts = {query: text for query, text in judged.queries.items() if query in kept}
    return Judgements(texts, {query: judged.grades[query] for query in texts}, judged.problems)


def _sampled(
    passages: Iterable[Passage], needed: set[str], sampling: Sampling
) -> tuple[list[Passage], list[Passage], int]:
    """The needed passages, a sample of the others, and how many there were."""
    found: list[Passage] = []
    total = 0

    def others() -> Iterable[Passage]:
        nonlocal total
        for one in passages:
            total += 1
            if one.id in needed:
                found.append(one)
            else:
                yield one

    wanted = sampling.passages + _FOR_CALIBRATION
    rest = nsmallest(wanted, others(), key=lambda one: _hash(sampling.seed, one.id))
    return found, rest, total


def _text(passage: Passage) -> Text:
    return (passage.title, passage.text) if passage.title else passage.text


def _hash(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"{seed}\n{name}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
