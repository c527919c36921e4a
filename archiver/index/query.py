"""What is asked of a capture index, as values: which keys, and where a stream goes on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from archiver.urls import urlkey, urlkey_prefix

#: Greater than any key there is: urlkeys are made of escaped, printable characters and what is written in other scripts.
HIGHEST = "\U0010ffff" * 8
#: Follows a key where no other key can be: PostgreSQL's text has no U+0000, and control characters are escaped in keys.
_AFTER_KEY = "\x01"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://|//")


class Match(StrEnum):
    """Which URLs one URL stands for."""

    EXACT = "exact"
    PREFIX = "prefix"
    HOST = "host"
    DOMAIN = "domain"
    RANGE = "range"


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Keys that follow each other.

    Attributes:
        start: the first, included.
        end: the first one after it that is not in it; None: there is no end.
    """

    start: str
    end: str | None

    @classmethod
    def exactly(cls, key: str) -> KeyRange:
        """One key alone."""
        return cls(key, key + _AFTER_KEY)

    @classmethod
    def beginning_with(cls, prefix: str) -> KeyRange:
        """All keys that begin so."""
        return cls(prefix, after_prefix(prefix))

    @property
    def only(self) -> str | None:
        """The key, when it is one alone."""
        return self.start if self.end == self.start + _AFTER_KEY else None

    def __contains__(self, key: str) -> bool:
        return self.start <= key and (self.end is None or key < self.end)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stream of captures goes on.

    Attributes:
        urlkey: SURT key.
        timestamp: 14 digits, which need not be a date: one more than that of the last capture is the place behind it.
    """

    urlkey: str
    timestamp: str

    @classmethod
    def behind(cls, urlkey: str, timestamp: str) -> Place:
        """After all captures of a key and a second."""
        return cls(urlkey, f"{int(timestamp) + 1:014d}")


def key_ranges(url: str, match: Match) -> tuple[KeyRange, ...]:
    """The keys that a URL stands for, in their order, without overlap.

    Args:
        url: an address, with or without its scheme.
        match: EXACT: its own key. PREFIX: all that begin with it. HOST: everything on its host (on all ports, where it names
            none). DOMAIN: that, and everything on hosts below it. RANGE: from it to the end of the index.
    """
    if not _SCHEME.match(url):
        url = f"http://{url}" if match is not Match.EXACT else url
    key = urlkey(url)
    if match is Match.EXACT:
        return (KeyRange.exactly(key),)
    if match is Match.PREFIX:
        return (KeyRange.beginning_with(urlkey_prefix(url)),)
    if match is Match.RANGE:
        return (KeyRange(key, None),)
    host = key.partition(")")[0]
    name, colon, _ = host.rpartition(":")
    if colon and not host.endswith("]"):
        if match is Match.HOST:
            return (KeyRange.beginning_with(f"{host})"),)
        host = name
    ends = ")," if match is Match.DOMAIN and not host.startswith("[") else ")"
    return tuple(KeyRange.beginning_with(host + mark) for mark in f"{ends}:")


def split_wildcard(url: str) -> tuple[str, Match | None]:
    """A URL as people write it for many: "*.example.org" is a domain, "example.org/a*" a prefix.

    Returns:
        The URL without its star, and what that meant; None when it has none.
    """
    scheme = _SCHEME.match(url)
    rest = url[scheme.end() :] if scheme else url
    if rest.startswith("*."):
        return (scheme.group() if scheme else "") + rest[2:].removesuffix("*"), Match.DOMAIN
    if url.endswith("*"):
        return url[:-1], Match.PREFIX
    return url, None


def after_prefix(prefix: str) -> str | None:
    """The smallest key greater than every key that starts with `prefix`; None when there is none."""
    prefix = prefix.rstrip("\U0010ffff")
    if not prefix:
        return None
    following = ord(prefix[-1]) + 1
    return prefix[:-1] + chr(0xE000 if following == 0xD800 else following)  # surrogates cannot be stored


def ordered(ranges: Iterable[KeyRange]) -> list[KeyRange]:
    """The same keys in their order and each once, whatever order and overlap the ranges had."""
    joined: list[KeyRange] = []
    for item in sorted(ranges, key=lambda item: item.start):
        if item.end is not None and item.end <= item.start:
            continue
        last = joined[-1] if joined else None
        if last is None or (last.end is not None and last.end < item.start):
            joined.append(item)
        elif last.end is not None and (item.end is None or item.end > last.end):
            joined[-1] = KeyRange(last.start, item.end)
    return joined


def from_place(ranges: Iterable[KeyRange], after: Place | None, *, backward: bool = False) -> list[KeyRange]:
    """Ranges in their order (or backward) without those that lie before a place; the first may still begin before it."""
    found = ordered(ranges)
    if after is not None and backward:
        found = [item for item in found if item.start <= after.urlkey]
    elif after is not None:
        found = [item for item in found if item.end is None or item.end > after.urlkey]
    return found[::-1] if backward else found
