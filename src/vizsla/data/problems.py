"""Problems: bad records, said and counted.

Knows the kinds of records that can be passed over without harm to the others. Refuses to know
formats: a file whose structure is wrong is a DataError of its reader and never comes here.
"""

import logging
from collections import Counter

from vizsla.core.errors import DataError

KINDS = {
    "duplicate_id": "an id that was there before; the first one stays",
    "duplicate_judgement": "a judgement of a pair that was judged before; the first one stays",
    "duplicate_hit": "a passage that was in this ranking before; the first one stays",
    "empty": "a passage or file without any text; it is passed over",
    "empty_query": "a query without any text; it is kept, and finds nothing",
    "broken_utf8": "bytes that are not UTF-8; the record is passed over",
    "unknown_id": "an id that nothing carries",
    "unjudged": "a query that no split judges; the format has no place for it",
    "unknown_text": "an id whose text is not there; it is left out",
    "spaced": "a tab or line end in a text, which the format cannot hold; a space takes its place",
    "rank_order": "a rank that contradicts the scores; the scores count",
    "metadata": "metadata that is no object of fields and values; it is left out",
    "parent": "a parent that is no id; it is left out",
    "link": "a link that leads to a folder or out of this one; it is not followed",
}
"""Every kind, with what is said about it."""

_SAID = 3  # warnings of a kind before it is only counted
_SHOWN = 80  # characters of the offending text in a message
_log = logging.getLogger("vizsla")


class Problems:
    """Counts bad records by kind; warns of the first three of each, or raises at once when strict, or is quiet.

    >>> problems = Problems(strict=True)
    >>> problems.note("empty", "corpus.jsonl:7", "p7")
    Traceback (most recent call last):
    vizsla.core.errors.DataError: corpus.jsonl:7: found 'p7', a passage or file without any text; it is passed over
    """

    def __init__(self, *, strict: bool = False, quiet: bool = False) -> None:
        self._strict = strict
        self._quiet = quiet  # for a look at what is read, and said, elsewhere
        self._counts: Counter[str] = Counter()

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind: the kinds that occurred, by name."""
        return dict(sorted(self._counts.items()))

    def note(self, kind: str, where: str, found: object) -> None:
        """Report one bad record.

        Args:
            kind: one of KINDS.
            where: the place, `file:line`.
            found: the offending id or text.

        Raises:
            DataError: when strict.
        """
        message = f"{where}: found {shown(found)}, {KINDS[kind]}"
        self._counts[kind] += 1
        if self._strict:
            raise DataError(message)
        if self._quiet:
            return
        if self._counts[kind] <= _SAID:
            _log.warning("%s", message)
        elif self._counts[kind] == _SAID + 1:
            _log.warning("%s: further problems of the kind '%s' are counted only", where, kind)

    def summary(self) -> str:
        """One line for people: `2 empty, 1 unknown_id`, or `none`."""
        return ", ".join(f"{count:,} {kind}" for kind, count in self.counts.items()) or "none"


def shown(found: object) -> str:
    r"""The offending text as a message shows it: quoted, escaped and cut.

    >>> shown(b"caf\xe9")
    "'caf\\\\xe9'"
    """
    text = found[: 4 * _SHOWN].decode("utf-8", "backslashreplace") if isinstance(found, bytes) else str(found)
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}...")
