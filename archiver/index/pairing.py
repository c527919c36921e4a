"""Which request record belongs to which response, and the key under which the answer to a request with a body is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from archiver.errors import DamagedRecord
from archiver.message import Head, iter_body
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
    return RequestNote(record.url, record.record_id, concurrent_of(record), key) if key else None


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
    """Finds the key of each capture's request, whichever of the two records comes first.

    Records are told in the order of the file; a request belongs to the response next to it with the same URL, unless
    they name other records as theirs.
    """

    def __init__(self) -> None:
        self._request: RequestNote | None = None
        self._response: Callable[[], StoredRecord] | None = None

    @property
    def has_request(self) -> bool:
        """A request was read whose answer may follow."""
        return self._request is not None

    def response(self, header: Callable[[], StoredRecord]) -> str:
        """A capture was read, whose record `header` gives; the key of the request before it, "" when that says none."""
        note, self._request, self._response = self._request, None, header
        if note is None or not belong(note, header()):
            return ""
        self._response = None
        return note.key

    def request(self, record: StoredRecord, *, has_capture: bool) -> str:
        """A request was read; the key for the capture before it, "" when it is none of that's.

        Args:
            record: the request.
            has_capture: there is a capture before it that can still be changed.
        """
        note = request_note(record)
        response, self._response = self._response, None
        self._request = None
        if note is None:
            return ""
        if has_capture and response is not None and belong(note, response()):
            return note.key
        self._request = note
        return ""

    def plain_request(self) -> None:
        """A request was read that adds nothing to its URL."""
        self._request = self._response = None


def concurrent_of(record: StoredRecord) -> frozenset[str]:
    """The records that a record names as belonging to the same exchange."""
    return frozenset(value for name, value in record.fields if name.lower() == "warc-concurrent-to")


def belong(note: RequestNote, response: StoredRecord) -> bool:
    """Whether a request, next to a response, is that one's."""
    if note.url != response.url:
        return False
    theirs = concurrent_of(response)
    if not note.concurrent and not theirs:
        return True
    return note.record_id in theirs or response.record_id in note.concurrent
