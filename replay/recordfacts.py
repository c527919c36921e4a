"""What the record of a capture says, and whether its bytes are still what they were: looked at now."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from enum import StrEnum

from archiver.errors import DamagedRecord, StorageFailed
from archiver.holdings import Holdings
from archiver.message import Head
from archiver.model import Capture
from archiver.warc.reader import StoredRecord, read_record
from archiver.warc.segments import read_whole

#: A longer record is not read through while a reader waits.
MOST_BYTES = 64 * 1024 * 1024
_ALGORITHMS = frozenset({"sha1", "sha256", "sha512", "md5", "sha384"})


class Fixity(StrEnum):
    """Whether the bytes have the digest that was written with them."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"  # there is none, or none that can be computed
    TOO_LONG = "too-long"


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """A record as it is stored.

    Attributes:
        fields: of its header, in order.
        head: of the HTTP message, or None.
        file: name of the WARC file.
        offset: in bytes.
        length: as stored, in bytes.
        payload: of the payload digest.
        block: of the block digest.
        problem: why it cannot be read; "" when it can.
    """

    fields: tuple[tuple[str, str], ...]
    head: Head | None
    file: str
    offset: int
    length: int
    payload: Fixity
    block: Fixity
    problem: str = ""

    def get(self, name: str) -> str:
        """A field of the record's header; "" when it is not there."""
        return next((value for key, value in self.fields if key.lower() == name.lower()), "")

    @property
    def http(self) -> list[tuple[str, str]]:
        """The fields of the HTTP head, as they were sent."""
        if self.head is None:
            return []
        return [(name.decode("latin-1"), value.decode("latin-1").strip()) for name, value in self.head.fields]

    @property
    def start_line(self) -> str:
        """The status line as it was sent."""
        return self.head.start_line.decode("latin-1") if self.head is not None else ""


def facts_of(holdings: Holdings, capture: Capture) -> RecordFacts:
    """Read the record of a capture, and check its digests.

    Args:
        holdings: the opened archive.
        capture: of the record.
    """
    nothing = RecordFacts((), None, capture.file, capture.offset, capture.length, Fixity.UNKNOWN, Fixity.UNKNOWN)
    try:
        record = read_record(holdings.store, capture.file, capture.offset, capture.length)
        try:
            block = _checked(record, record.get("WARC-Block-Digest"), record.block)
        finally:
            record.close()
        record = read_whole(holdings.store, capture.file, capture.offset, capture.length, holdings.segments.find)
        try:
            head = record.http
            stated = record.get("WARC-Payload-Digest")
            is_own = record.record_type != "revisit"
            payload = _checked(record, stated, record.payload) if is_own else Fixity.UNKNOWN
        finally:
            record.close()
    except (DamagedRecord, StorageFailed) as error:
        message = error.message if isinstance(error, DamagedRecord) else "The file cannot be read now."
        return RecordFacts(
            nothing.fields, None, capture.file, capture.offset, capture.length, Fixity.WRONG, Fixity.WRONG, message
        )
    return RecordFacts(record.fields, head, capture.file, capture.offset, capture.length, payload, block)


def _checked(record: StoredRecord, stated: str, pieces: object) -> Fixity:
    """Compare a digest with that of the bytes."""
    name, _, value = stated.partition(":")
    name = name.strip().lower().replace("-", "")
    if not value or name not in _ALGORITHMS:
        return Fixity.UNKNOWN
    if record.content_length > MOST_BYTES:
        return Fixity.TOO_LONG
    found = hashlib.new(name, usedforsecurity=False)
    for piece in pieces():  # type: ignore[operator]
        found.update(piece)
    written = value.strip()
    forms = {base64.b32encode(found.digest()).decode().rstrip("=").upper(), found.hexdigest().upper()}
    return Fixity.RIGHT if written.rstrip("=").upper() in forms else Fixity.WRONG
