"""Dates: days and moments as microseconds since 1970 in UTC, and back.

Knows `date` and `datetime` and their ISO 8601 form. A moment without a zone counts as UTC, a day as
its first moment. Refuses to know where dates are kept.
"""

import re
from datetime import UTC, date, datetime, timedelta

from vizsla.core.errors import DataError

DAY, NAIVE, ZONED = 0, 1, 2
"""In which form a date was given: a day, a moment without a zone, a moment with one."""

_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_START = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST = (datetime.max.replace(tzinfo=UTC) - _START) // _MICROSECOND
_FIRST = (datetime.min.replace(tzinfo=UTC) - _START) // _MICROSECOND


def read(text: str) -> date:
    """A day or a moment from its ISO 8601 form.

    >>> read("2024-05-01"), read("2024-05-01T10:30:00Z").hour
    (datetime.date(2024, 5, 1), 10)

    Raises:
        DataError: not of that form, or no such day.
    """
    if not _ISO.fullmatch(text):
        raise DataError("wanted a date such as 2024-05-01 or 2024-05-01T10:30:00Z")
    try:
        return datetime.fromisoformat(text) if len(text) > len("2024-05-01") else date.fromisoformat(text)
    except ValueError as error:
        raise DataError(f"wanted a date that there is: {error}") from None


def pack(value: date) -> tuple[int, int]:
    """A day or a moment as microseconds and the form it had.

    Raises:
        DataError: a moment that UTC puts before the year 1 or after the year 9999.
    """
    if not isinstance(value, datetime):
        return (datetime(value.year, value.month, value.day, tzinfo=UTC) - _START) // _MICROSECOND, DAY
    form = NAIVE if value.utcoffset() is None else ZONED
    micros = ((value.replace(tzinfo=UTC) if form == NAIVE else value) - _START) // _MICROSECOND
    if not _FIRST <= micros <= _LAST:
        raise DataError("wanted a moment from the year 1 to the year 9999 in UTC")
    return micros, form


def unpack(micros: int, form: int) -> date:
    """What was packed: a moment with a zone comes back in UTC.

    >>> unpack(*pack(read("2024-05-01T12:00:00+02:00"))).isoformat()
    '2024-05-01T10:00:00+00:00'

    Raises:
        DataError: no microseconds or no form that `pack` gives.
    """
    if not (_FIRST <= micros <= _LAST and form in (DAY, NAIVE, ZONED)):
        raise DataError(f"no date: {micros} in form {form}")
    moment = _START + micros * _MICROSECOND
    return moment.date() if form == DAY else moment if form == ZONED else moment.replace(tzinfo=None)


def text(micros: int) -> str:
    """Microseconds in their shortest ISO 8601 form.

    >>> text(pack(read("2024-05-01T00:00:00Z"))[0]), text(1)
    ('2024-05-01', '1970-01-01T00:00:00.000001')
    """
    moment = unpack(micros, NAIVE)
    at_midnight = micros % (86_400 * 10**6) == 0
    return moment.isoformat()[: len("2024-05-01")] if at_midnight else moment.isoformat()
