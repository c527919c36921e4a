"""From a capture to the archived response: head, decoded or exact body, or a part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Lock

from archiver.errors import MissingRecord
from archiver.markup.charset import SNIFF_BYTES
from archiver.message import Head, parse_head
from archiver.model import Capture
from archiver.store.protocol import WarcStore
from archiver.warc.reader import StoredRecord
from archiver.warc.segments import FindSegments, read_whole

_NOT_MODIFIED = 304
#: Of payloads that had to be decoded to be measured: how long they are, by file, offset and whether they are exact.
_lengths: dict[tuple[str, int, bool], int] = {}
#: Of those that were too long to be measured: that they are longer than so many bytes.
_longer_than: dict[tuple[str, int, bool], int] = {}
_lock = Lock()
_MOST_LENGTHS = 1000


@dataclass
class ArchivedResponse:
    """An archived response, open for reading; `close` it.

    Attributes:
        capture: what was looked up.
        status: HTTP status; 200 for records without one.
        head: HTTP head; made up of the media type for records without one.
        record: where the body is.
        exact: the body is read as the server encoded it, not as a browser decodes it.
        place: file, with its folder and how it is decoded, and offset of the record.
        reopen: opens the record once more, at its beginning.
    """

    capture: Capture
    status: int
    head: Head
    record: StoredRecord
    exact: bool = False
    place: tuple[str, int] = ("", 0)
    reopen: Callable[[], StoredRecord] | None = field(default=None, repr=False)
    _first: bytes = field(default=b"", repr=False)
    _rest: Iterator[bytes] | None = field(default=None, repr=False)

    def begin(self) -> bytes:
        """The first bytes of the body, enough to tell what it is, and whether it can be read at all.

        Raises:
            DamagedRecord: it cannot.
        """
        if self._rest is None:
            self._rest = self.record.payload(content=not self.exact)
            while len(self._first) < SNIFF_BYTES and (piece := next(self._rest, b"")):
                self._first += piece
        return self._first

    def body(self) -> Iterator[bytes]:
        """The payload, once.

        Raises:
            DamagedRecord: it ends in the middle.
        """
        self.begin()
        assert self._rest is not None
        if self._first:
            yield self._first
        yield from self._rest

    def part(self, start: int, length: int) -> Iterator[bytes]:
        """Bytes of the payload, once; what lies before them is not read where the record allows it."""
        self.begin()
        assert self._rest is not None
        passed = len(self._first)
        piece = self._first[start:]
        if self.length is not None and start > passed:
            self.record.stream.skip(start - passed)
            passed = start
        while length:
            if piece:
                yield piece[:length]
                length -= min(length, len(piece))
                continue
            piece = next(self._rest, b"")
            if not piece:
                return
            passed += len(piece)
            piece = piece[max(0, start - passed + len(piece)) :]

    def measure(self, held: int, counted: int) -> int | None:
        """Bytes of the payload.

        Args:
            held: where only decoding tells, up to this many bytes are decoded and held in memory.
            counted: up to this many are decoded to be counted, and decoded again when they are read.

        Returns:
            None when it is longer than that.

        Raises:
            DamagedRecord: the payload ends in the middle.
        """
        place = (*self.place, self.exact)
        known = self.length if self.length is not None else _lengths.get(place)
        if known is not None:
            return known
        if _longer_than.get(place, 0) >= max(held, counted):
            return None
        self.begin()
        assert self._rest is not None
        pieces, size = [self._first], len(self._first)
        while size <= held and (piece := next(self._rest, b"")):
            pieces.append(piece)
            size += len(piece)
        self._first = b"".join(pieces)
        if size > held:
            if self.reopen is None or counted <= held:
                return None
            size += self._count(counted - size)
        if size > max(held, counted):
            _remember(_longer_than, place, max(held, counted))
            return None
        _remember(_lengths, place, size)
        return size

    def _count(self, room: int) -> int:
        """How many bytes follow, `room` and some more at most; then the payload is at its beginning again."""
        assert self.reopen is not None and self._rest is not None
        size = 0
        while size <= room and (piece := next(self._rest, b"")):
            size += len(piece)
        self.record.close()
        self.record, self._first, self._rest = self.reopen(), b"", None
        return size

    @property
    def length(self) -> int | None:
        """Bytes of the payload; None when only decoding it tells."""
        return self.record.payload_length(content=not self.exact)

    def close(self) -> None:
        """Close the file."""
        self.record.close()

    def whole(self, most: int) -> bytes | None:
        """The payload in memory, None when it has more than so many bytes; the record is closed then.

        Raises:
            DamagedRecord: it cannot be read to its end.
        """
        found = bytearray()
        try:
            for piece in self.body():
                found += piece
                if len(found) > most:
                    return None
        finally:
            self.close()
        return bytes(found)


def load(
    store: WarcStore,
    capture: Capture,
    original: Capture | None = None,
    *,
    exact: bool = False,
    segments: FindSegments | None = None,
) -> ArchivedResponse:
    """Open the record of a capture.

    Args:
        store: where the files are.
        capture: what was looked up.
        original: for revisits, the capture that has the payload.
        exact: leave the content coding on.
        segments: finds the later parts of records that were cut into several.

    Raises:
        MissingRecord: the file, or the payload that a revisit points to, is not there.
        DamagedRecord: the record cannot be read.
    """
    record, source = read_whole(store, capture.file, capture.offset, capture.length, segments), capture
    head, own = record.http, None
    if record.record_type == "revisit" and not _is_empty(capture):
        if original is None:
            record.close()
            raise MissingRecord("This capture repeats an earlier one that the archive does not hold.")
        record.close()
        # "Not modified" is what the server said to the crawler; to readers it would have sent what it had sent before.
        own = head if head is not None and head.status and head.status != _NOT_MODIFIED else None
        record, source = _opened(store, original, own, segments), original
        head = own or record.http
    if head is None:
        kind = record.get("Content-Type") or capture.mime
        head = parse_head(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode())
    return ArchivedResponse(
        capture,
        head.status or 200,
        head,
        record,
        exact,
        (f"{store.address}/{source.file} {' '.join(head.codings)}", source.offset),
        lambda: _opened(store, source, own, segments),
    )


def _opened(store: WarcStore, capture: Capture, own: Head | None, segments: FindSegments | None) -> StoredRecord:
    """The record of a capture; `own`, where given, is the head of what repeats it, by which its body is decoded.

    Servers send the same compressed bytes both as a file of their own and as the coding of another. A head that says neither
    coding nor length may have lost them on its way here.
    """
    record = read_whole(store, capture.file, capture.offset, capture.length, segments)
    if own is None or not (own.codings or own.get("Content-Length") is not None):
        return record
    recorded = record.http.codings if record.http is not None else ()
    if not (own.codings and recorded and own.codings != recorded):  # else one of two codings is a lie: not that of the bytes
        record.decode_as(own)
    return record


def _is_empty(capture: Capture) -> bool:
    """Redirects and empty payloads need no original."""
    empty = "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"
    is_redirect = capture.status is not None and 300 <= capture.status < 400 and capture.status != _NOT_MODIFIED
    return capture.digest == empty or is_redirect


def _remember(known: dict[tuple[str, int, bool], int], place: tuple[str, int, bool], length: int) -> None:
    with _lock:
        known[place] = length
        while len(known) > _MOST_LENGTHS:
            del known[next(iter(known))]
