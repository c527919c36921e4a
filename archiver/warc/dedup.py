"""Which responses are written as revisits, and how servers are asked whether something changed. Decisions only, no I/O.

Two profiles (WARC 1.1, sections 6.7.2 and 6.7.3): *identical payload*, where the same bytes came again, and *server not
modified*, where the server answered 304 to a question of ours. A revisit always points to a capture that has the payload
itself, never to another revisit, so that any replay program finds it in one step.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from archiver.errors import InvalidTimestamp
from archiver.message import Head
from archiver.model import Capture, Exchange, RevisitTarget, WrittenRecord
from archiver.timestamps import parse_http_date, parse_timestamp, to_iso, to_timestamp
from archiver.warc.records import IDENTICAL_PAYLOAD, NOT_MODIFIED

#: Finds a whole capture with the payload of that digest and length in bytes; None when there is none to refer to.
KnownPayload = Callable[[str, int], RevisitTarget | None]

#: A validator longer than this is not kept: it would go out with every request.
_MAX_VALIDATOR = 512
_OPAQUE = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"|[\x21\x23-\x2b\x2d-\x7e]+')
#: Dates say nothing of what changed within the same minute (RFC 9110, section 8.8.2.2).
_SETTLED = timedelta(minutes=1)
_HARMLESS_VARIANTS = frozenset({"accept-encoding", "origin"})
#: Who sends one of these wants an answer of a certain kind: it must not become another by what we add.
_CONDITIONS = frozenset({"if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range"})


@dataclass(frozen=True, slots=True)
class Condition:
    """A question that goes out with a request: has this changed since we have it?

    Attributes:
        headers: If-None-Match, If-Modified-Since, or both.
        target: the whole capture that a 304 speaks of.
        digest: of that capture's payload.
    """

    headers: dict[str, str]
    target: RevisitTarget
    digest: str


@dataclass(frozen=True, slots=True)
class Revisit:
    """How a response is written when its payload is held already.

    Attributes:
        profile: URI of the revisit profile.
        target: what has the payload.
        digest: of that payload; "" when nobody said.
        date: WARC-Refers-To-Date as it is written, or "".
        is_cut: a body came and is left out.
    """

    profile: str
    target: RevisitTarget
    digest: str
    date: str
    is_cut: bool = True


@dataclass(frozen=True, slots=True)
class Kept:
    """What a written GET response has to offer to later ones.

    Attributes:
        urlkey: SURT of `url`.
        url: as requested.
        digest: of the payload.
        length: of the payload in bytes.
        target: the whole capture of the payload: this one, or the one that it repeats.
        is_whole: it is this one.
        etag: to be sent as If-None-Match; "" for none.
        last_modified: to be sent as If-Modified-Since; "" for none.
        seen: timestamp of the response, 14 digits.
    """

    urlkey: str
    url: str
    digest: str
    length: int
    target: RevisitTarget
    is_whole: bool
    etag: str = ""
    last_modified: str = ""
    seen: str = ""


def revisit_for(
    exchange: Exchange, digest: str, length: int, known: KnownPayload | None, asked: Condition | None
) -> Revisit | None:
    """How an exchange is written as a revisit; None when it is written whole.

    What failed or lacks bytes is always written as it came: nobody knows what it would have been. So are redirects, which
    readers follow without looking for a payload elsewhere, and a 304 that nobody asked for.

    Args:
        exchange: as fetched.
        digest: of its payload.
        length: of its payload in bytes.
        known: looks payloads up; None to write every payload.
        asked: the condition that was sent, if one was.
    """
    status = exchange.status
    if status is None or exchange.truncated is not None or exchange.failure is not None:
        return None
    if status == 304:
        return Revisit(NOT_MODIFIED, asked.target, asked.digest, _date(asked.target), is_cut=False) if asked else None
    if known is None or not length or 300 <= status < 400:
        return None
    target = known(digest, length)
    return Revisit(IDENTICAL_PAYLOAD, target, digest, _date(target)) if target else None


def _date(target: RevisitTarget) -> str:
    """As exact as it is known: to the second."""
    return to_iso(parse_timestamp(target.timestamp), 0) if target.timestamp else ""


def kept_of(exchange: Exchange, written: WrittenRecord, capture: Capture | None, head: Head) -> Kept | None:
    """What later captures can refer to; None for what is cut, failed, no answer to a GET, or not in the index.

    Args:
        exchange: as fetched.
        written: its response or revisit record.
        capture: its row in the index.
        head: of the response.
    """
    if capture is None or written.payload_length is None or not written.payload_digest:
        return None
    if exchange.truncated is not None or exchange.failure is not None or exchange.request[:4] != b"GET ":
        return None
    repeats = written.revisit_of
    target = repeats or RevisitTarget(written.url, capture.timestamp, written.record_id)
    etag = last_modified = ""
    # A 304 brings no head of its own: the capture it speaks of must be one of this very URL.
    if written.status == 200 and target.url == written.url:
        etag, last_modified = validators(head, exchange.started_at)
    return Kept(
        capture.urlkey,
        written.url,
        written.payload_digest,
        written.payload_length,
        target,
        repeats is None,
        etag,
        last_modified,
        capture.timestamp,
    )


def validators(head: Head, moment: datetime) -> tuple[str, str]:
    """ETag and Last-Modified of a response as they can be sent back; "" for those that say nothing sure.

    A date alone does not say which of several variants of a resource (Vary) was had.

    Args:
        head: of a response.
        moment: when it was asked for.
    """
    vary = head.tokens("Vary")
    return settled_validators(head.get("ETag") or "", head.get("Last-Modified") or "", vary, int(to_timestamp(moment)))


def settled_validators(etag: str, last_modified: str, vary: Iterable[str], moment: int) -> tuple[str, str]:
    """The same, of the fields themselves: the first ETag, the first Last-Modified, the words of Vary; `moment`: 14 digits."""
    etag = etag.strip()
    if len(etag) > _MAX_VALIDATOR or etag == "*" or not _OPAQUE.fullmatch(etag):
        etag = ""  # "*" would mean anything, a comma several
    last_modified = last_modified.strip()
    if not last_modified:
        return etag, ""
    try:
        settled = len(last_modified) <= _MAX_VALIDATOR and _settled_from(last_modified) <= moment
    except (InvalidTimestamp, OverflowError):
        settled = False
    if not last_modified.isascii() or not last_modified.isprintable() or not _HARMLESS_VARIANTS.issuperset(vary):
        settled = False
    return etag, last_modified if settled else ""


@lru_cache(4096)  # the files of one site have few dates
def _settled_from(last_modified: str) -> int:
    return int(to_timestamp(parse_http_date(last_modified) + _SETTLED))


def condition_headers(etag: str, last_modified: str, given: Iterable[str]) -> dict[str, str]:
    """The fields that ask a server whether something changed; empty when the request asks something of its own.

    Args:
        etag: from `validators`.
        last_modified: from `validators`.
        given: names of the fields that are sent anyway.
    """
    if any(name.lower() in _CONDITIONS for name in given):
        return {}
    headers = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    return {name: value for name, value in headers.items() if value}
