"""From a capture to the archived response: head, decoded or exact body."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archiver.errors import MissingRecord
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
    """

    capture: Capture
    status: int
    head: Head
    record: StoredRecord

    def body(self, *, exact: bool = False) -> Iterator[bytes]:
        """The payload as a browser reads it, or (`exact`) as the server encoded it."""
        return self.record.payload(content=not exact)

    def close(self) -> None:
        """Close the file."""
        self.record.close()


def load(store: FolderStore, capture: Capture, original: Capture | None = None) -> ArchivedResponse:
    """Open the record of a capture.

    Args:
        store: where the files are.
        capture: what was looked up.
        original: for revisits, the capture that has the payload.

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
        head = parse_head(f"HTTP/1.1 200 OK\r\nContent-Type: {capture.mime}\r\n\r\n".encode())
    return ArchivedResponse(capture, head.status or 200, head, record)


def _is_empty(capture: Capture) -> bool:
    """Redirects and empty payloads need no original."""
    empty = "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"
    return capture.digest == empty or (capture.status is not None and 300 <= capture.status < 400)
