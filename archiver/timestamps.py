"""Dates as the field writes them: 14 digits, WARC-Date (W3CDTF, ISO 8601) and HTTP dates. All UTC; no clock."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache

from archiver.errors import InvalidTimestamp

_ISO = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?)?)?\s*([Zz]|[+-]\d\d:?\d\d)?"
)
#: 14 digits that are certainly a date: days up to 28 are in every month.
_PLAIN = re.compile(r"[12][0-9]{3}(?:0[1-9]|1[0-2])(?:0[1-9]|1[0-9]|2[0-8])(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,14}", re.ASCII)


def to_timestamp(moment: datetime) -> str:
    """14 digits, UTC, fractions of seconds cut off."""
    text = _in_utc(moment)
    return f"{text[:4]}{text[5:7]}{text[8:10]}{text[11:13]}{text[14:16]}{text[17:19]}"


@lru_cache(64)  # the rows and records of one answer say the same moment some ten times
def _in_utc(moment: datetime) -> str:
    """Such as 2016-08-10T20:46:23.000000+00:00; `strftime` takes four times as long, and writes the year 9 as "9"."""
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).isoformat(timespec="microseconds")


def parse_timestamp(text: str, *, latest: bool = False) -> datetime:
    """The moment that 1 to 14 digits mean.

    Args:
        text: digits such as "2016", "20160810", "20160810204623".
        latest: pad a short one to the end of its period instead of its start.

    Returns:
        The moment, UTC. Impossible parts are moved into their range: month 99 is December, day 31 of June is the 30th.

    Raises:
        InvalidTimestamp: not 1 to 14 ASCII digits, or year 0.
    """
    if not _DIGITS.fullmatch(text):
        raise InvalidTimestamp(
            f"“{text[:40]}” is not a date of 1 to 14 digits.", "Write it as year, month, day, hour, minute, second."
        )
    padding = "9999" if latest else "0000"
    year = int((text[:4] + padding)[:4])
    if year == 0:
        year = 1
    month = _part(text, 4, 1, 12, latest)
    day = _part(text, 6, 1, calendar.monthrange(year, month)[1], latest)
    hour = _part(text, 8, 0, 23, latest)
    minute = _part(text, 10, 0, 59, latest)
    second = _part(text, 12, 0, 59, latest)
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def _part(text: str, start: int, low: int, high: int, latest: bool) -> int:
    digits = text[start : start + 2]
    if not digits:
        return high if latest else low
    if len(digits) == 1:
        digits += "9" if latest else "0"
    return min(max(int(digits), low), high)


def normalise_timestamp(text: str, *, latest: bool = False) -> str:
    """1 to 14 digits as 14; see `parse_timestamp`."""
    if _PLAIN.fullmatch(text):
        return text
    return to_timestamp(parse_timestamp(text, latest=latest))


def digits_of(text: str, *, latest: bool = False) -> str:
    """A date as people write it, "2016-08-10" or digits, as 14 digits.

    Raises:
        InvalidTimestamp: it is none.
    """
    return normalise_timestamp(undashed(text), latest=latest)


def undashed(text: str) -> str:
    """A date as people write it, such as "2016-08", as the digits of its parts; what is none stays as it is."""
    text = text.strip()
    return re.sub(r"[-T:Z ]", "", text) if re.match(r"\d{4}-", text) else text


def to_iso(moment: datetime, digits: int = 6) -> str:
    """WARC-Date (WARC 1.1, section 5.4) with 0 to 6 digits of a second."""
    return f"{_in_utc(moment)[: 20 + digits if digits else 19]}Z"


def parse_iso(text: str) -> datetime:
    """A WARC-Date of any precision from the year to nanoseconds; also with an offset instead of Z.

    Raises:
        InvalidTimestamp: not such a date.
    """
    match = _ISO.fullmatch(text.strip())
    if match is None:
        raise InvalidTimestamp(f"“{text[:40]}” is not a date as WARC files write it.")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            min(int(second or 0), 59),
            int((fraction or "0")[:6].ljust(6, "0")),
            tzinfo=UTC,
        )
        if zone and zone not in "Zz":
            offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
            moment = moment - offset if zone[0] == "+" else moment + offset
    except (ValueError, OverflowError) as error:
        raise InvalidTimestamp(f"“{text[:40]}” is not a possible date.") from error
    return moment


def to_http_date(moment: datetime) -> str:
    """IMF-fixdate (RFC 9110, section 5.6.7), as in Memento-Datetime."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


def parse_http_date(text: str) -> datetime:
    """Any of the three forms of RFC 9110, section 5.6.7.

    Raises:
        InvalidTimestamp: not such a date.
    """
    try:
        moment = parsedate_to_datetime(text.strip())
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise InvalidTimestamp(f"“{text[:40]}” is not an HTTP date.") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
