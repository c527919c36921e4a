"""What other archives' answers say (RFC 7089), read with mistrust. Text in, values out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from archiver.errors import InvalidTimestamp, InvalidURL
from archiver.markup.linkheader import LinkValue, parse_link_header
from archiver.message import Head
from archiver.timestamps import parse_http_date
from archiver.urls import parse_url

#: The Web began then: what says that it is older is wrong.
_FIRST = datetime(1990, 1, 1, tzinfo=UTC)
#: Clocks differ.
_AHEAD = timedelta(days=1)
_MOST_URL = 8000
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Memento:
    """A capture in another archive.

    Attributes:
        url: where it is shown.
        moment: when it was made, as that archive says; UTC.
    """

    url: str
    moment: datetime


@dataclass(frozen=True, slots=True)
class Onward:
    """The answer is at another address."""

    url: str


def of_timegate(asked: str, head: Head, now: datetime) -> Memento | Onward | None:
    """What an answer of a TimeGate, or of what it led to, says.

    Args:
        asked: the address.
        head: of the answer.
        now: UTC.

    Returns:
        The capture; where to ask on; or None when the answer says neither.
    """
    links = [link for value in head.get_all("Link") for link in parse_link_header(value)]
    location = _url(head.get("Location") or "", asked)
    dated = _moment(head.get("Memento-Datetime") or "", now)
    if head.status in _REDIRECTS:
        if not location:
            return None
        if dated is not None:  # an archived redirect, shown as one: the capture is here
            return Memento(asked, dated)
        return next((item for item in _mementos(links, asked, now) if item.url == location), Onward(location))
    if head.status is None or dated is None:
        return None
    # Errors can be archived too; their date says that they are.
    return Memento(_url(head.get("Content-Location") or "", asked) or asked, dated)


@dataclass(frozen=True, slots=True)
class TimeMap:
    """What a TimeMap lists.

    Attributes:
        mementos: oldest first, each once.
        further: addresses of more TimeMaps of the same URL.
    """

    mementos: tuple[Memento, ...]
    further: tuple[str, ...]


def of_timemap(asked: str, text: str, now: datetime, most: int) -> TimeMap:
    """The captures that a TimeMap in link format lists; what is no link, has no date or cannot be is passed over.

    Args:
        asked: its address.
        text: its body.
        now: UTC.
        most: captures that are taken, the newest first.
    """
    links = parse_link_header(text)
    found = {item.url: item for item in _mementos(links, asked, now)}
    listed = sorted(found.values(), key=lambda item: (item.moment, item.url))[-most:]
    others = (_url(link.url, asked) for link in links if "timemap" in _relations(link))
    return TimeMap(tuple(listed), tuple(dict.fromkeys(url for url in others if url and url != asked)))


def _mementos(links: Iterable[LinkValue], base: str, now: datetime) -> Iterable[Memento]:
    for link in links:
        if "memento" not in _relations(link):
            continue
        moment, url = _moment(link.get("datetime"), now), _url(link.url, base)
        if moment is not None and url:
            yield Memento(url, moment)


def _relations(link: LinkValue) -> list[str]:
    return link.get("rel").lower().split()


def _moment(text: str, now: datetime) -> datetime | None:
    if not text:
        return None
    try:
        moment = parse_http_date(text[:60])
    except InvalidTimestamp:
        return None
    return moment if _FIRST <= moment <= now + _AHEAD else None


def _url(text: str, base: str) -> str:
    """An http or https address; "" for what is none."""
    if not text or len(text) > _MOST_URL:
        return ""
    try:
        url = parse_url(text, base)
    except InvalidURL:
        return ""
    return url if urlsplit(url).hostname else ""
