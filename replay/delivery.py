"""How an archived response is delivered, rewritten or not: which part of it, whether it can be shown, when it was made."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from archiver.errors import DamagedRecord, StorageFailed
from archiver.model import Capture, Collection, Visibility
from archiver.timestamps import parse_timestamp, to_http_date
from replay.load import ArchivedResponse
from replay.ranges import Extent, cut, held_extent, single_range

logger = logging.getLogger(__name__)

PARTIAL = 206
REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: Characters of a stored URL that stand as they are in header fields.
URL_SAFE = "/:?#[]@!$&'()*+,;=%~|^`{}-._"
#: Where only decoding tells how long a body is, so much of it is held to find out, and so much is decoded twice.
_HELD_BYTES = 2 * 1024 * 1024
_COUNTED_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is sent of an archived response.

    Attributes:
        status: 200 or 206 where ranges make the difference, 416 when none of what is asked for is held; None for the
            archived one.
        fields: Content-Range, or Accept-Ranges.
        length: bytes of `body`; None when only decoding tells.
        body: to be read once.
    """

    status: int | None
    fields: tuple[tuple[str, str], ...]
    length: int | None
    body: Iterable[bytes]


def deliver(found: ArchivedResponse, wanted: str | None) -> Delivery:
    """A response, or the part of it that is asked for, of what was read: decoded, or as the server encoded it.

    Args:
        found: opened.
        wanted: the request's Range, when it counts.

    Raises:
        DamagedRecord: it ends before its length could be told.
    """
    asked = single_range(wanted) if found.status in (200, PARTIAL) else None
    held = _extent(found, is_asked=asked is not None)
    part = cut(asked, held) if asked and held else held
    if held is None:
        return Delivery(None, (), found.length, found.body())
    if part is None:
        return Delivery(416, unsatisfiable(held), 0, ())
    body = found.body() if part == held else found.part(part.first - held.first, part.length)
    if asked or not part.is_whole:
        return Delivery(PARTIAL, (("Content-Range", part.header()),), part.length, body)
    return Delivery(200, (("Accept-Ranges", "bytes"),), part.length, body)


def unsatisfiable(held: Extent) -> tuple[tuple[str, str], ...]:
    """The field of a 416."""
    return (("Content-Range", f"bytes */{'*' if held.total is None else held.total}"),)


def lacking(found: ArchivedResponse, wanted: str | None) -> Extent | None:
    """What is held, when that is a part of the whole with none of the bytes asked for, which another capture may have."""
    asked = single_range(wanted)
    held = held_extent(found.head.get("Content-Range")) if asked and found.status == PARTIAL else None
    return held if asked and held and cut(asked, held) is None else None


def _extent(found: ArchivedResponse, *, is_asked: bool) -> Extent | None:
    """Which bytes of the whole a capture has; None when nobody knows, or when its status makes that no question."""
    if found.status == PARTIAL:
        held = held_extent(found.head.get("Content-Range"))
        if found.exact or held is None or not found.head.codings:
            return held
        if not held.is_whole:
            return None  # counts bytes that nobody sees
    elif found.status != 200:
        return None
    length = found.measure(_HELD_BYTES, _COUNTED_BYTES) if is_asked else found.length
    return Extent(0, length - 1, length) if length else None


def until_damage(body: Iterable[bytes], capture: Capture) -> Iterator[bytes]:
    """What can be read: the answer has begun, and there is no other way to say that it ends too soon."""
    try:
        yield from body
    except (DamagedRecord, StorageFailed) as error:
        logger.warning("%s at %s breaks off: %s", capture.url, capture.timestamp, error)


def cache_control(collection: Collection | None, *, is_final: bool, is_ruled: bool = False) -> str:
    """How long an archived response may be kept without asking again, and by whom.

    Who has seen it keeps it for a day at most, and what stands between the reader and us not at all: a rule of access may be
    made at any time, and has to count for everybody then.

    Args:
        collection: that it is shown from; None for all public ones.
        is_final: its address will never be answered in another way, but for rules. All others are asked for again, which
            costs a 304.
        is_ruled: there are rules for it, by which other readers may be answered otherwise.
    """
    if is_ruled:
        return "private, no-cache"
    kept = "max-age=86400, immutable" if is_final else "no-cache"
    if collection is None or collection.visibility is Visibility.PUBLIC:
        return f"{kept}, s-maxage=0" if is_final else kept
    return f"private, {kept}"


def memento_fields(capture: Capture) -> tuple[tuple[str, str], ...]:
    """When it was captured, and of what (RFC 7089)."""
    return (
        ("Memento-Datetime", memento_datetime(capture.timestamp)),
        ("Link", f'<{quote(capture.url, safe=URL_SAFE)}>; rel="original"'),
    )


@lru_cache(maxsize=10_000)
def memento_datetime(timestamp: str) -> str:
    """A timestamp as an HTTP date."""
    return to_http_date(parse_timestamp(timestamp))
