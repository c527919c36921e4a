"""Which request record belongs to which response, and the key under which the answer to a request with a body is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, cast

from archiver.errors import DamagedRecord
from archiver.message import Head, iter_body
from archiver.model import Capture
from archiver.requestkey import MAX_BODY_BYTES, with_request
from archiver.urls import urlkey
from archiver.warc.reader import StoredRecord


@dataclass(frozen=True, slots=True)
class RequestNote:
    """A request record with more to it than its URL.

    Attributes:
        url: that was asked for.
        record_id: of the request record.
        concurrent: records it names as belonging to it.
        key: under which its answer is found.
    """

    url: str
    record_id: str
    concurrent: frozenset[str]
    key: str


def request_note(record: StoredRecord) -> RequestNote | None:
    """What a request record says of its response; None when that is found by its URL alone."""
    try:
        head = record.http
        if head is None:
            return None
        key = request_key(record.url, head, iter_body(cast(BinaryIO, record.stream), head))
    except DamagedRecord:
        return None  # the reader reports it
    return RequestNote(record.url, record.record_id, _concurrent(record), key) if key else None


def request_key(url: str, head: Head, body: Iterator[bytes]) -> str:
    """The key of the answer to a request; "" when it is that of the URL alone."""
    method = head.start_line.partition(b" ")[0].decode("latin-1").upper()
    if with_request(url, method, "", b"") == url:
        return ""
    taken, size = [], 0
    for piece in body:
        taken.append(piece)
        size += len(piece)
        if size >= MAX_BODY_BYTES:
            break
    return urlkey(with_request(url, method, head.get("Content-Type") or "", b"".join(taken)))


class Pairing:
    """Gives captures the key of their request, whichever of the two records comes first.

    Records are told in the order of the file; a request belongs to the response next to it with the same URL, unless
    they name other records as theirs.
    """

    def __init__(self) -> None:
        self._request: RequestNote | None = None
        self._response: StoredRecord | None = None

    def response(self, capture: Capture, record: StoredRecord) -> Capture:
        """A response was read; its capture, with the key of the request before it."""
        note, self._request, self._response = self._request, None, record
        if note is None or not _belong(note, record):
            return capture
        self._response = None
        return replace(capture, urlkey=note.key)

    def request(self, record: StoredRecord, capture: Capture | None) -> Capture | None:
        """A request was read; the capture of the response before it, with another key if it belongs to that."""
        note = request_note(record)
        response, self._response = self._response, None
        self._request = None
        if note is None:
            return capture
        if capture is not None and response is not None and _belong(note, response):
            return replace(capture, urlkey=note.key)
        self._request = note
        return capture


def _concurrent(record: StoredRecord) -> frozenset[str]:
    return frozenset(value for name, value in record.fields if name.lower() == "warc-concurrent-to")


def _belong(note: RequestNote, response: StoredRecord) -> bool:
    if note.url != response.url:
        return False
    theirs = _concurrent(response)
    if not note.concurrent and not theirs:
        return True
    return note.record_id in theirs or response.record_id in note.concurrent
