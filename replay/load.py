"""From a capture to the archived response: head, decoded or exact body, or a part of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from archiver.errors import MissingRecord
from archiver.markup.charset import SNIFF_BYTES
from archiver.message import Head, parse_head
from archiver.model import Capture
from archiver.store.folder import FolderStore
from archiver.warc.reader import StoredRecord, read_record


@dataclass
class ArchivedResponse:
    """An archived response, open for reading; `close` it.

    Attributes:
        capture: what was looked up.
        status: HTTP status; 200 for records without one.
        head: HTTP head; made up of the media type for records without one.
        record: where the body is.
        exact: the body is read as the server encoded it, not as a browser decodes it.
    """

    capture: Capture
    status: int
    head: Head
    record: StoredRecord
    exact: bool = False
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

    def measure(self, limit: int) -> int | None:
        """Bytes of the payload.

        Args:
            limit: where only decoding tells, up to this many bytes are decoded and held in memory.

        Returns:
            None when it is longer than that.

        Raises:
            DamagedRecord: the payload ends in the middle.
        """
        if self.length is not None:
            return self.length
        self.begin()
        assert self._rest is not None
        pieces, size = [self._first], len(self._first)
        for piece in self._rest:
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                break
        self._first = b"".join(pieces)
        return size if size <= limit else None

    @property
    def length(self) -> int | None:
        """Bytes of the payload; None when only decoding it tells."""
        return self.record.payload_length(content=not self.exact)

    def close(self) -> None:
        """Close the file."""
        self.record.close()


def load(store: FolderStore, capture: Capture, original: Capture | None = None, *, exact: bool = False) -> ArchivedResponse:
    """Open the record of a capture.

    Args:
        store: where the files are.
        capture: what was looked up.
        original: for revisits, the capture that has the payload.
        exact: leave the content coding on.

    Raises:
        MissingRecord: the file, or the payload that a revisit points to, is not there.
        DamagedRecord: the record cannot be read.
    """
    record = read_record(store, capture.file, capture.offset)
    head = record.http
    if record.record_type == "revisit" and not _is_empty(capture):
        if original is None:
            record.close()
            raise MissingRecord("This capture repeats an earlier one that the archive does not hold.")
        source = read_record(store, original.file, original.offset)
        source_head = source.http
        record.close()
        head, record = head if head is not None and head.status else source_head, source
    if head is None:
        kind = record.get("Content-Type") or capture.mime
        head = parse_head(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode())
    return ArchivedResponse(capture, head.status or 200, head, record, exact)


def _is_empty(capture: Capture) -> bool:
    """Redirects and empty payloads need no original."""
    empty = "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"
    return capture.digest == empty or (capture.status is not None and 300 <= capture.status < 400)
