"""Addresses of the reader ↔ what they mean. The table in the README's “Addresses” is this module."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

#: Modifiers that replay knows; others are refused, so that a typo is not shown as a page.
MODIFIERS = frozenset({"", "id", "if", "mp", "js", "cs", "im", "oe", "fr", "fw", "da", "wkr", "wkrm", "wkl", "sw", "esm"})

_REPLAY = re.compile(r"(\d{1,14})(?:([a-z]{2,4})_)?/(.+)", re.DOTALL)
_WILDCARD = re.compile(r"(\d{0,14})\*/(.+)", re.DOTALL)
_COLLAPSED = re.compile(r"^(https?|ftp):/+", re.IGNORECASE)
_HAS_SCHEME = re.compile(r"^[a-z][a-z0-9+.\-]*:", re.IGNORECASE)
#: Escapes that do not come back when a path was unescaped and is escaped again, and those escaped once more.
_LOST_ESCAPE = re.compile(r"%(?=(?:25)*2[Ff])")
_PATH_END = re.compile(r"[?#]")
_ASCII = "".join(map(chr, range(0x80)))
_KEPT_ESCAPE = re.compile(r"%25(?=(?:25)*2[Ff])")


@dataclass(frozen=True, slots=True)
class ReplayAddress:
    """One replayed response.

    Attributes:
        collection: slug, or "all".
        timestamp: 1 to 14 digits as asked for; "" for the newest.
        modifier: without underscore; "" for a page with banner.
        url: archived URL as asked for.
    """

    collection: str
    timestamp: str
    modifier: str
    url: str

    def path(self) -> str:
        """The path of this address, with the query of the URL."""
        mark = f"{self.modifier}_" if self.modifier else ""
        moment = f"{self.timestamp}{mark}/" if self.timestamp else ""
        return f"/{self.collection}/{moment}{kept_escapes(self.url)}"


@dataclass(frozen=True, slots=True)
class VersionsAddress:
    """The captures of a URL (or of all URLs under it), of all times or of a period.

    Attributes:
        collection: slug, or "all".
        period: digits that timestamps start with; "" for all times.
        url: as asked for, without the trailing star.
        under: all URLs under `url`.
    """

    collection: str
    period: str
    url: str
    under: bool

    def path(self) -> str:
        """The path of this address."""
        return f"/{self.collection}/{self.period}*/{self.url}{'*' if self.under else ''}"


def raw_path(path_info: str, query: str) -> str:
    """Path and query as one text, from what WSGI hands over: bytes as latin-1 (PEP 3333), the path unescaped.

    The path is escaped again where a URL needs it. Which of its slashes were escaped is lost, but for addresses that
    `kept_escapes` wrote.
    """
    path = quote(path_info.encode("latin-1"), safe="/:@!$&'()*+,;=~[]|^`{}\"<>-._")
    path = read_escapes(path)
    if not query.isascii():
        query = quote(query.encode("latin-1"), safe=_ASCII)
    return f"{path}?{query}" if query else path


def kept_escapes(url: str) -> str:
    """A URL as it stands in an address, where servers undo one layer of escapes before they say what was asked for.

    "/a%2Fb" is another thing than "/a/b", so that escape is escaped itself: "/a%252Fb".
    """
    if "2F" not in url and "2f" not in url:
        return url
    end = _PATH_END.search(url)
    at = end.start() if end else len(url)
    return _LOST_ESCAPE.sub("%25", url[:at]) + url[at:]


def read_escapes(path: str) -> str:
    """The other way round: the path of an address as a browser writes it, with the escapes of the archived URL."""
    return _KEPT_ESCAPE.sub("%", path) if "%25" in path else path


def parse_address(rest: str, collection: str) -> ReplayAddress | VersionsAddress:
    """What follows `/<collection>/` in a path, with the query of the archived URL."""
    match = _WILDCARD.fullmatch(rest)
    if match:
        period, url = match.groups()
        under = url.endswith("*")
        return VersionsAddress(collection, period, repair_url(url.removesuffix("*") if under else url), under)
    match = _REPLAY.fullmatch(rest)
    if match and (match.group(2) or "") in MODIFIERS:
        timestamp, modifier, url = match.groups()
        return ReplayAddress(collection, timestamp, "" if modifier == "mp" else modifier or "", repair_url(url))
    return ReplayAddress(collection, "", "", repair_url(rest))


def repair_url(url: str) -> str:
    """Puts back the slash that proxies take out of "http://", and the scheme that people leave out."""
    url = _COLLAPSED.sub(lambda match: f"{match.group(1).lower()}://", url)
    if not _HAS_SCHEME.match(url) or re.match(r"^[^/?#]+:\d{1,5}(?:[/?#]|$)", url):
        return f"http://{url.lstrip('/')}"
    return url
