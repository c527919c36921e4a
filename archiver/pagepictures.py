"""Pictures of pages, by the URLs under which crawlers keep them: `urn:view:https://example.org/` and its like.

Such a record is an ordinary row of the index, found by its key like any other, so nothing but WARC files has to be kept of it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from archiver.model import Capture
from archiver.timestamps import parse_timestamp, to_timestamp
from archiver.urls import spelling, urlkey


class PictureKind(StrEnum):
    """What a picture shows of its page."""

    THUMBNAIL = "thumbnail"  # the first screen, made small
    VIEW = "view"  # the first screen
    FULL = "full"  # the page from top to bottom


@dataclass(frozen=True, slots=True)
class Naming:
    """One way of naming pictures.

    Attributes:
        start: what stands before the URL of the page.
        kind: what they show.
        key: what their keys in the index begin with, up to and including the URL's "http".
    """

    start: str
    kind: PictureKind
    key: str


def _naming(start: str, kind: PictureKind) -> Naming:
    return Naming(start, kind, urlkey(f"{start}http://x/").partition("http:")[0] + "http")


#: The best of each kind first: Browsertrix writes `urn:`, brozzler the plain words, Save Page Now an address of its own. The
#: picture of a page that was used in between (`Final`) comes after that of the page as it opened.
NAMINGS = (
    _naming("urn:thumbnail:", PictureKind.THUMBNAIL),
    _naming("thumbnail:", PictureKind.THUMBNAIL),
    _naming("urn:view:", PictureKind.VIEW),
    _naming("urn:fullPage:", PictureKind.FULL),
    _naming("urn:fullPageFinal:", PictureKind.FULL),
    _naming("screenshot:", PictureKind.FULL),
    _naming("http://web.archive.org/screenshot/", PictureKind.FULL),
)
_HTTP = re.compile(r"http(s?)://", re.IGNORECASE)


def page_spellings(url: str) -> tuple[str, ...]:
    """The URLs under which pictures of a page may be: its own, and the one that it had before it was led to https, or back."""
    match = _HTTP.match(url)
    if match is None:
        return ()
    return url, f"http{'' if match.group(1) else 's'}://{url[match.end() :]}"


# -- which capture a picture is of -----------------------------------------------------------------------------------

#: A picture is taken when the page has been loaded, so it is younger than its capture, but for clocks that are rounded.
LATER, EARLIER = timedelta(hours=1), timedelta(seconds=2)
#: Captures so near to each other are of one visit: browsers ask again for what they show.
_ONE_VISIT = timedelta(minutes=1)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def is_picture(record: Capture) -> bool:
    """What has the name of a picture is said to be one; a revisit says nothing."""
    return record.revisit_of is not None or record.mime.startswith("image/")


def is_shown(capture: Capture) -> bool:
    """A capture may have a picture: it is no redirect, for which what it leads to has one."""
    return capture.status not in _REDIRECTS


def owners_of(naming: Naming, record: Capture, captures: Sequence[Capture]) -> list[Capture]:
    """The captures that a picture is of: the last one before it, and others of the same visit.

    Args:
        naming: of the picture.
        record: of the picture.
        captures: those with the key of its page that may have pictures, in the order of time, hidden ones too: what shows
            those must not be taken for a picture of another one.
    """
    page = spelling(record.url[len(naming.start) :])
    start = bisect_left(captures, moved(record.timestamp, -LATER), key=_timestamp)
    end = bisect_right(captures, moved(record.timestamp, EARLIER), key=_timestamp)
    near = [item for item in captures[start:end] if item.collection == record.collection and spelling(item.url) == page]
    since = moved(near[-1].timestamp, -_ONE_VISIT) if near else ""
    return [item for item in near if item.timestamp >= since]


def moved(timestamp: str, by: timedelta) -> str:
    """A timestamp some time later, as far as the calendar goes."""
    try:
        return to_timestamp(parse_timestamp(timestamp) + by)
    except OverflowError:
        return timestamp


def _timestamp(capture: Capture) -> str:
    return capture.timestamp
