"""Splits: judged queries divided so that no query's answer or wording stands on both sides.

Knows which queries must stay together and deals the groups out by seeded hashes, the same on every
machine and in any order. Refuses to know measures and training.
"""

import hashlib
import logging
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vizsla.core.errors import SettingsError
from vizsla.data.judgements import Judgements

_log = logging.getLogger("vizsla")


@dataclass(frozen=True, slots=True)
class Leak:
    """What two splits share.

    Attributes:
        kind: `text`, the same wording, or `passage`, the same relevant passage.
        shared: the normalised wording, or the passage's id.
        ones: query ids on the one side.
        others: query ids on the other.
    """

    kind: str
    shared: str
    ones: tuple[str, ...]
    others: tuple[str, ...]


def split(judgements: Judgements, shares: Mapping[str, float], *, seed: int) -> dict[str, Judgements]:
    """Divide judged queries by shares; the sizes asked for and got are logged.

    Queries with the same wording (NFKC, case folded, white space collapsed), or with a relevant
    passage in common, stay together. The groups are put in the order of a seeded hash, and each
    goes where its middle falls, so a size is off by half a group at most.

    Args:
        judgements: what to divide.
        shares: fractions by name that sum to 1: `{"train": .8, "dev": .1, "test": .1}`.
        seed: another one gives another split.

    Raises:
        SettingsError: shares that are not above 0 or do not sum to 1.
    """
    if not shares or min(shares.values()) <= 0 or not abs(sum(shares.values()) - 1) < 1e-9:
        raise SettingsError(f"found the shares {dict(shares)}; wanted fractions above 0 that sum to 1")
    # The smallest id stands for its group: the smallest hash would put large groups first.
    groups = sorted(_groups(judgements), key=lambda group: _hash(seed, min(group)))
    total, placed = len(judgements.queries), 0
    chosen: dict[str, str] = {}
    for group in groups:
        name = _share_at((placed + len(group) / 2) / total, shares)
        chosen.update(dict.fromkeys(group, name))
        placed += len(group)
    parts = {name: _part(judgements, chosen, name) for name in shares}
    _say_sizes(parts, shares, total)
    return parts


def leaks(one: Judgements, other: Judgements) -> list[Leak]:
    """Everything two splits share that would let one answer the other, wordings first; empty where they are clean."""
    found = []
    for kind, keys in (("text", _wordings), ("passage", _relevant)):
        ones, others = _by_key(keys(one)), _by_key(keys(other))
        found += [Leak(kind, key, tuple(ones[key]), tuple(others[key])) for key in sorted(ones.keys() & others.keys())]
    return found


def _wordings(judgements: Judgements) -> Iterable[tuple[str, str]]:
    for query, text in judgements.queries.items():
        yield " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split()), query


def _relevant(judgements: Judgements) -> Iterable[tuple[str, str]]:
    for query, row in judgements.grades.items():
        for passage, grade in row.items():
            if grade > 0:
                yield passage, query


def _by_key(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, query in pairs:
        found.setdefault(key, []).append(query)
    return found


def _groups(judgements: Judgements) -> list[list[str]]:
    """Queries that must stay together: the connected parts of the graph of shared wordings and passages."""
    parent = {query: query for query in judgements.queries}

    def root(query: str) -> str:
        while parent[query] != query:
            parent[query] = query = parent[parent[query]]
        return query

    for keys in (_wordings, _relevant):
        for first, *rest in _by_key(keys(judgements)).values():
            for query in rest:
                parent[root(query)] = root(first)
    return list(_by_key((root(query), query) for query in judgements.queries).values())


def _hash(seed: int, query: str) -> bytes:
    return hashlib.blake2b(f"{seed}\n{query}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _share_at(place: float, shares: Mapping[str, float]) -> str:
    """The share that a place between 0 and 1 falls into."""
    end = 0.0
    for name, share in shares.items():
        end += share
        if place < end:
            return name
    return list(shares)[-1]  # the sum may end a rounding below 1


def _part(judgements: Judgements, chosen: Mapping[str, str], name: str) -> Judgements:
    queries = {query: text for query, text in judgements.queries.items() if chosen[query] == name}
    return Judgements(queries, {query: judgements.grades[query] for query in queries}, judgements.problems)


def _say_sizes(parts: Mapping[str, Judgements], shares: Mapping[str, float], total: int) -> None:
    wanted = {name: share * total for name, share in shares.items()}
    text = ", ".join(f"{name} {len(part.queries)} of {wanted[name]:.0f}" for name, part in parts.items())
    far = any(abs(len(part.queries) - wanted[name]) > 0.05 * total + 1 for name, part in parts.items())
    reason = " (queries that share a passage or their wording stay together)" if far else ""
    _log.log(logging.WARNING if far else logging.INFO, "queries got of those asked for: %s%s", text, reason)
