"""The captures of a URL as a list that can be narrowed down and goes on from any place, each beside the one before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from archiver.errors import InvalidTimestamp
from archiver.index.protocol import STATUS_CLASSES, CaptureSource, status_class
from archiver.model import Capture
from archiver.timestamps import normalise_timestamp, parse_timestamp, to_timestamp
from replay.kinds import KINDS, media_kind

#: Captures of one page of a list, and captures that are looked at for it.
PAGE_SIZE = 100
MOST_LOOKED_AT = 5000

_PLACE = re.compile(r"(\d{14})-(\d{1,6})")
_DIGITS = re.compile(r"\d{4,14}")


@dataclass(frozen=True, slots=True)
class Filters:
    """What of a list is wanted; what is "" does not matter.

    Attributes:
        status: one of the digits of `STATUS_CLASSES`.
        kind: one of `KINDS`.
        content: "changed" or "unchanged".
        since: timestamp digits, 4 to 14.
        until: timestamp digits, 4 to 14; its whole period is in.
        newest_first: order.
    """

    status: str = ""
    kind: str = ""
    content: str = ""
    since: str = ""
    until: str = ""
    newest_first: bool = False

    def lets(self, row: Listed) -> bool:
        """Whether a line is wanted."""
        if self.status and str(status_class(row.capture.status)) != self.status:
            return False
        if self.kind and media_kind(row.capture.mime) != self.kind:
            return False
        return not self.content or (self.content == "unchanged") is row.is_unchanged


@dataclass(frozen=True, slots=True)
class Listed:
    """A capture; `is_unchanged`: its payload is the same as that of the one before it in time."""

    capture: Capture
    is_unchanged: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list.

    Attributes:
        rows: in order.
        following: where the next page begins; "" at the end.
        looked_at: captures that were looked at.
    """

    rows: tuple[Listed, ...]
    following: str
    looked_at: int


def read_filters(given: dict[str, str]) -> Filters:
    """Filters as typed; what is none of the known values does not matter.

    Args:
        given: fields of a form: status, type, content, from, to, order.
    """
    status, kind, content = (given.get(name, "") for name in ("status", "type", "content"))
    return Filters(
        status if status in map(str, STATUS_CLASSES) else "",
        kind if kind in KINDS else "",
        content if content in ("changed", "unchanged") else "",
        period_digits(given.get("from", "")),
        period_digits(given.get("to", "")),
        given.get("order") == "newest",
    )


def period_digits(typed: str) -> str:
    """A day, month or year as people and date fields write it ("2016-08-10", "2016", "201608") as digits; "" for none."""
    digits = re.sub(r"[-:T\s./]", "", typed.strip())
    if not _DIGITS.fullmatch(digits):
        return ""
    try:
        normalise_timestamp(digits)
    except InvalidTimestamp:
        return ""
    return digits


def listing(source: CaptureSource, slugs: tuple[str, ...], urlkey: str, filters: Filters, place: str = "") -> Listing:
    """A page of the captures of a URL.

    Args:
        source: of what may be seen.
        slugs: collections.
        urlkey: SURT key.
        filters: what is wanted.
        place: `following` of the page before; "" for the first.
    """
    rows: list[Listed] = []
    looked_at, last, in_second = 0, "", 0
    begin, passed = read_place(place)
    stream = _with_before(source, slugs, urlkey, filters, begin)
    for row in stream:
        moment = row.capture.timestamp
        in_second = in_second + 1 if moment == last else 1
        last = moment
        if moment == begin and in_second <= passed:
            continue
        looked_at += 1
        if filters.lets(row):
            rows.append(row)
        if len(rows) == PAGE_SIZE or looked_at == MOST_LOOKED_AT:
            is_more = next(stream, None) is not None
            return Listing(tuple(rows), f"{last}-{in_second}" if is_more else "", looked_at)
    return Listing(tuple(rows), "", looked_at)


def read_place(place: str) -> tuple[str, int]:
    """Timestamp and how many captures of that second have been looked at already; ("", 0) for what is no place."""
    found = _PLACE.fullmatch(place)
    return (found[1], int(found[2])) if found else ("", 0)


def _with_before(source: CaptureSource, slugs: tuple[str, ...], urlkey: str, filters: Filters, begin: str) -> Iterator[Listed]:
    """Captures in the wanted order, each compared with the one before it in time."""
    since, until = filters.since or None, filters.until or None
    backward = filters.newest_first
    if begin and backward:
        until = begin
    elif begin:
        since = begin
    found = source.versions(slugs, urlkey, since=since, until=until, newest_first=backward)
    if backward:
        yield from _backward(found, _outside(source, slugs, urlkey, since) if since else iter(()))
        return
    before = next(_outside(source, slugs, urlkey, since), None) if since else None
    for capture in found:
        yield Listed(capture, is_repeated(capture, before))
        before = capture


def _backward(found: Iterator[Capture], outside: Iterator[Capture]) -> Iterator[Listed]:
    later: Capture | None = None
    for capture in found:
        if later is not None:
            yield Listed(later, is_repeated(later, capture))
        later = capture
    if later is not None:
        yield Listed(later, is_repeated(later, next(outside, None)))


def _outside(source: CaptureSource, slugs: tuple[str, ...], urlkey: str, since: str) -> Iterator[Capture]:
    """The last capture before a period, looked up only when it is asked for."""
    try:
        before = to_timestamp(parse_timestamp(since) - timedelta(seconds=1))
    except OverflowError:  # nothing is before the first second that there is
        return
    yield from source.versions(slugs, urlkey, until=before, limit=1, newest_first=True)


def is_repeated(capture: Capture, before: Capture | None) -> bool:
    """The payload is the same as that of the capture before."""
    return before is not None and bool(capture.digest) and capture.digest == before.digest
