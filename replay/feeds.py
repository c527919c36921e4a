"""What changed, as an Atom feed (RFC 4287)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from archiver.timestamps import parse_timestamp, to_iso

ATOM = "application/atom+xml; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Entry:
    """One change.

    Attributes:
        title: for people.
        timestamp: 14 digits.
        address: where it is shown; names the entry, too.
        compared: where it is compared with what was there before; "" for the first.
        text: a sentence about it.
    """

    title: str
    timestamp: str
    address: str
    compared: str
    text: str


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed.

    Attributes:
        title: for people.
        address: of the feed itself.
        page: of the page for people.
        author: who keeps the archive.
        language: of its texts.
        entries: newest first.
    """

    title: str
    address: str
    page: str
    author: str
    language: str
    entries: Sequence[Entry]


def atom(feed: Feed, empty: datetime) -> str:
    """The feed as XML.

    Args:
        feed: what it says.
        empty: when a feed without entries was last changed.
    """
    updated = parse_timestamp(feed.entries[0].timestamp) if feed.entries else empty
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang={_quoted(feed.language)}>',
        f"<title>{_text(feed.title)}</title>",
        f"<id>{_text(feed.address)}</id>",
        f"<updated>{to_iso(updated, 0)}</updated>",
        f"<author><name>{_text(feed.author)}</name></author>",
        f'<link rel="self" type="application/atom+xml" href={_quoted(feed.address)}/>',
        f'<link rel="alternate" type="text/html" href={_quoted(feed.page)}/>',
    ]
    for entry in feed.entries:
        lines += [
            "<entry>",
            f"<title>{_text(entry.title)}</title>",
            f"<id>{_text(entry.address)}</id>",
            f"<updated>{to_iso(parse_timestamp(entry.timestamp), 0)}</updated>",
            f'<link rel="alternate" type="text/html" href={_quoted(entry.address)}/>',
        ]
        if entry.compared:
            lines.append(f'<link rel="related" type="text/html" href={_quoted(entry.compared)}/>')
        lines += [f"<summary>{_text(entry.text)}</summary>", "</entry>"]
    return "\n".join([*lines, "</feed>", ""])


def _text(value: str) -> str:
    return escape(_clean(value))


def _quoted(value: str) -> str:
    return quoteattr(_clean(value))


def _clean(value: str) -> str:
    """Without what XML 1.0 cannot hold (section 2.2)."""
    return "".join(
        letter
        for letter in value
        if letter in "\t\n\r" or " " <= letter <= "\ud7ff" or "\ue000" <= letter <= "\ufffd" or letter >= "\U00010000"
    )
