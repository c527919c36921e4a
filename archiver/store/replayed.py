"""Captures that another archive replays, as records: fetched from its replay's exact bytes, one at a time."""

from __future__ import annotations

import re
import shutil
import tempfile
from threading import Lock
from typing import BinaryIO, cast
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

from archiver.errors import DamagedRecord, MissingRecord, StorageFailed
from archiver.fetch.guard import AddressGuard
from archiver.fetch.http import FetchLimits, HttpFetcher
from archiver.message import Head, read_head
from archiver.model import Exchange
from archiver.timestamps import parse_timestamp, to_iso
from archiver.urls import printable

#: Beginning of a file's name that is the address of a capture in another archive's replay, exact bytes ("…/2016…id_/http://…").
REPLAYED = "replay+"

_PLACE = re.compile(r"/(\d{1,14})id_/(.+)", re.DOTALL | re.ASCII)
_LIMITS = FetchLimits(max_bytes=512 * 1024 * 1024, max_seconds=180.0, connect_timeout=5.0, read_timeout=30.0)
_IN_MEMORY = 4 * 1024 * 1024
#: Redirects of a replay to the nearest capture that it has.
_MOST_REDIRECTS = 3
_ORIGINAL = "x-archive-orig-"
#: Of the message itself, not of what was archived.
_FRAMING = frozenset({"content-encoding", "content-length", "transfer-encoding", "content-type", "location"})
#: What replays add to the head of an archived answer.
_ADDED = frozenset({"memento-datetime", "preference-applied", "connection", "keep-alive", "strict-transport-security"})
_RELATIONS = ("timegate", "timemap", "memento")
_REFUSED = (401, 403, 429)


class Replays:
    """Opens captures in the replays of other archives.

    Only the host that a name says is asked: a replay that leads elsewhere has not got the capture.

    Args:
        allow_private: they may be at loopback and private addresses.
        user_agent: as sent.
    """

    def __init__(self, *, allow_private: bool = False, user_agent: str = "Mozilla/5.0 (compatible; Muniment)") -> None:
        self._allow_private = allow_private
        self._user_agent = user_agent
        self._fetcher: HttpFetcher | None = None
        self._lock = Lock()

    def open(self, name: str) -> BinaryIO:
        """A stream of one WARC record with the archived answer.

        Args:
            name: "replay+https://host/collection/20160810204623id_/http://site/".

        Raises:
            MissingRecord: the replay has no such capture.
            DamagedRecord: it does not give all of it, or more than is read.
            StorageFailed: it cannot be asked.
        """
        address = name.removeprefix(REPLAYED)
        place = _PLACE.search(address)
        if place is None:
            raise MissingRecord("The index names no capture of a replay.", "Attach the index again.")
        for _ in range(_MOST_REDIRECTS + 1):
            exchange = self._ask(address)
            try:
                head = _head_of(exchange)
                nearest = _nearest(head, address)
                if nearest is None:
                    return _record(exchange, head, place.group(1), place.group(2))
                address = nearest
            finally:
                exchange.close()
        raise MissingRecord("The other archive leads from one capture to another without end.")

    def _ask(self, address: str) -> Exchange:
        with self._lock:
            if self._fetcher is None:
                guard = AddressGuard(allow_private=self._allow_private)
                self._fetcher = HttpFetcher(user_agent=self._user_agent, guard=guard, limits=_LIMITS, pool_size=8)
        return self._fetcher.fetch(address)


def _head_of(exchange: Exchange) -> Head:
    """The head of an answer that is that of a capture, or leads to one; the stream is then at the body."""
    if exchange.truncated is not None:
        exchange.close()
        raise DamagedRecord("The other archive did not give all of a capture, or it is too long to be fetched.")
    if exchange.failure is not None or exchange.response is None:
        reason = exchange.failure.reason if exchange.failure is not None else "there was no answer"
        raise StorageFailed(f"The archive that replays this cannot be asked: {reason}.", "Try again later.")
    exchange.response.seek(0)
    head = read_head(exchange.response)
    status = head.status or 0
    if head.get("Memento-Datetime") is None:
        if status in _REFUSED or status >= 500:
            raise StorageFailed(f"The archive that replays this refuses it now (status {status}).", "Try again later.")
        if status >= 400 or not status:
            raise MissingRecord("The archive that replays this has no such capture any more.")
    return head


def _nearest(head: Head, address: str) -> str | None:
    """Where a replay leads that has the capture at another moment; None when this is the answer.

    A redirect that was archived leads to where the site wanted, in the exact bytes: that is the answer.
    """
    location = head.get("Location")
    if location is None or not 300 <= (head.status or 0) < 400:
        return None
    target = urljoin(address, location)
    is_here = urlsplit(target)[:2] == urlsplit(address)[:2]
    if is_here and _PLACE.search(target) is not None:
        return target
    if head.get("Memento-Datetime") is None:
        raise MissingRecord("The archive that replays this has no such capture any more.")
    return None


def _record(exchange: Exchange, head: Head, timestamp: str, url: str) -> BinaryIO:
    assert exchange.response is not None
    top = _archived_head(head)
    body = exchange.response
    start = body.tell()
    size = len(top) + body.seek(0, 2) - start
    body.seek(start)
    stream = cast(BinaryIO, tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 (whoever reads it closes it)
    fields = (
        "WARC/1.1",
        "WARC-Type: response",
        f"WARC-Record-ID: <urn:uuid:{uuid4()}>",
        f"WARC-Date: {to_iso(parse_timestamp(timestamp), 0)}",
        f"WARC-Target-URI: {printable(url)}",
        "Content-Type: application/http;msgtype=response",
        f"Content-Length: {size}",
    )
    stream.write(("\r\n".join(fields) + "\r\n\r\n").encode("utf-8") + top)
    shutil.copyfileobj(body, stream)
    stream.write(b"\r\n\r\n")
    stream.seek(0)
    return stream


def _archived_head(head: Head) -> bytes:
    """The head as it was archived, as far as the replay tells: without what the replay says of itself."""
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.fields]
    names = {name.lower() for name, _ in pairs}
    if any(name.startswith(_ORIGINAL) for name in names):
        kept = [(name, value) for name, value in pairs if name.lower() in _FRAMING]
        for name, value in pairs:
            original = name[len(_ORIGINAL) :]
            if name.lower().startswith(_ORIGINAL) and original.lower() not in _FRAMING:
                kept.append((original, value))
    else:
        kept = [(name, value) for name, value in pairs if not _is_added(name.lower(), value)]
    line = f"HTTP/1.1 {head.status or 200} {head.reason}".rstrip()
    return "".join(f"{text}\r\n" for text in (line, *(f"{name}: {value}" for name, value in kept), "")).encode("latin-1")


def _is_added(name: str, value: str) -> bool:
    if name == "link":
        return any(f'rel="{word}' in value or f" {word}" in value for word in _RELATIONS)
    if name == "content-location":
        return _PLACE.search(value) is not None
    return name in _ADDED or name.startswith("x-archive-")
