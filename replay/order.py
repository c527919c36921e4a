"""In which order captures of a URL may answer, and which of them are of the same thing: pure decisions of the look-up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from archiver.model import Capture
from archiver.timestamps import parse_timestamp
from archiver.urls import spelling

#: Captures so close to each other are of one visit to a site.
_ONE_VISIT = timedelta(hours=1)
_TOO_MANY_REQUESTS = 429
_UNAUTHORISED = 401


def is_spelled(asked: str, held: str) -> bool:
    """Whether a held URL is the one asked for: keys also take together what servers may tell apart."""
    return asked == held or spelling(asked) == spelling(held)


def is_error(capture: Capture, *, is_part: bool) -> bool:
    """An answer that says nothing of what was asked for: for pages, that the server could not give any."""
    status = capture.status or 200
    return status >= 400 if is_part else status >= 500 or status == _TOO_MANY_REQUESTS


def answers_first(captures: Iterable[Capture]) -> Iterator[Capture]:
    """Captures of the very same second: those that ask for a password after the answer that it got."""
    asking: list[Capture] = []
    for capture in captures:
        if asking and capture.timestamp != asking[0].timestamp:
            yield from asking
            asking.clear()
        if capture.status == _UNAUTHORISED:
            asking.append(capture)
        else:
            yield capture
    yield from asking


def very_url_first(url: str, captures: Iterable[Capture]) -> Iterator[Capture]:
    """Captures of one visit, those of this very URL first: before what differs from it in scheme, `www.`, order of parameters.

    Args:
        url: as asked for.
        captures: of one key, by their distance in time.
    """
    others: list[Capture] = []
    for capture in captures:
        if others and abs(parse_timestamp(capture.timestamp) - parse_timestamp(others[0].timestamp)) > _ONE_VISIT:
            yield from others
            others.clear()
        if capture.url == url:
            yield capture
        else:
            others.append(capture)
    yield from others


def repeats(revisit: Capture, capture: Capture, *, is_named: bool) -> bool:
    """Whether a capture has the payload of a revisit; digests of different kinds say nothing about that."""
    if not revisit.digest or revisit.digest == capture.digest:
        return True
    return is_named and revisit.digest.partition(":")[0] != capture.digest.partition(":")[0]
