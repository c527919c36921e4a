"""Pictures of pages, by the URLs under which crawlers keep them: `urn:view:https://example.org/` and its like.

Such a record is an ordinary row of the index, found by its key like any other, so nothing but WARC files has to be kept of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from archiver.urls import urlkey


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
