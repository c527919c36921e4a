"""A WARC file written anew without some of its records: what stays is copied byte for byte, what goes leaves a tombstone.

A tombstone is a metadata record that says that something was here, when it was taken away and why, and never what it said.
What belongs to a purged record goes with it: its request, its metadata, its continuations.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

import zstandard
from zlib_ng import zlib_ng

from archiver.errors import DamagedRecord
from archiver.timestamps import to_iso
from archiver.warc.reader import StoredRecord, iter_records
from archiver.warc.records import Fields, field_lines, labelled, record_lines, sha1_of, warc_fields

_PIECE = 1024 * 1024
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
#: Types that tell of another record, and go with it.
_FOLLOWS = frozenset({"request", "metadata", "conversion", "continuation"})
_REFERENCES = ("WARC-Concurrent-To", "WARC-Refers-To", "WARC-Segment-Origin-ID")


@dataclass(frozen=True, slots=True)
class StoredPlace:
    """A record of a file, without what it says.

    Attributes:
        offset: in the file as stored.
        length: as stored; 0 where nobody knows.
        is_alone: it can be cut out.
        record_type: as WARC has it.
        record_id: or "".
        url: or "".
        date: as the record says it.
        refers: IDs of the records that it names.
        is_arc: the format has no metadata records.
        content_length: bytes of its block.
    """

    offset: int
    length: int
    is_alone: bool
    record_type: str
    record_id: str
    url: str
    date: str
    refers: frozenset[str]
    is_arc: bool
    content_length: int


def survey(stream: BinaryIO) -> list[StoredPlace]:
    """Every record of a file that can be read. What lies between is damaged, and is copied as it is."""
    found = []
    before: StoredRecord | None = None
    for item in iter_records(stream):
        if before is not None:
            found.append(_place(before))
        before = item if isinstance(item, StoredRecord) else None
    if before is not None:
        found.append(_place(before))
    return found


def _place(record: StoredRecord) -> StoredPlace:
    wanted = {name.lower() for name in _REFERENCES}
    refers = frozenset(value for name, value in record.fields if name.lower() in wanted)
    return StoredPlace(
        record.offset, record.length, record.alone, record.record_type, record.record_id, record.url, record.get("WARC-Date"),
        refers, record.version == "ARC", record.content_length,
    )  # fmt: skip


def with_followers(places: Sequence[StoredPlace], offsets: Collection[int]) -> list[StoredPlace]:
    """The records at these offsets and all that belong to them.

    A request or metadata record belongs to a record that it names or that names it; one that neither names nor is named by
    any, as older programs wrote them, to the record of its URL and moment.
    """
    gone = [place for place in places if place.offset in offsets]
    ids = {place.record_id for place in gone if place.record_id}
    named = {reference for place in gone for reference in place.refers if place.record_type != "revisit"}
    moments = {(place.url, place.date) for place in gone if place.url}
    spoken_of = {reference for place in places for reference in place.refers}

    def follows(place: StoredPlace) -> bool:
        if place.record_type not in _FOLLOWS:
            return False
        if place.refers or place.record_id in spoken_of:
            return bool(place.refers & ids) or place.record_id in named
        return (place.url, place.date) in moments

    return [place for place in places if place.offset in offsets or follows(place)]


# -- writing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What is said of purged records.

    Attributes:
        purged_at: UTC.
        reason: why, one sentence.
        actor: who did it.
        new_id: makes WARC-Record-IDs.
    """

    purged_at: datetime
    reason: str
    actor: str
    new_id: Callable[[], str]

    def record(self, place: StoredPlace, digest: str = "") -> bytes:
        """The metadata record that takes the place of another, uncompressed.

        Args:
            place: of what goes.
            digest: of its block, where that is to be kept.
        """
        block = warc_fields(
            (
                ("purged-record-type", place.record_type),
                ("purged-record-id", place.record_id),
                ("purged-record-date", place.date),
                ("purged-record-length", str(place.content_length)),
                ("purged-block-digest", digest),
                ("purged-at", to_iso(self.purged_at)),
                ("purged-by", self.actor),
                ("purged-because", self.reason),
            )
        )
        fields: Fields = [("WARC-Target-URI", place.url), ("Content-Type", "application/warc-fields")]
        fields.append(("WARC-Block-Digest", sha1_of(block)))
        return plain_record(record_lines("metadata", self.new_id(), self.purged_at, field_lines(fields)), block)


def plain_record(lines: str, block: bytes, version: str = "WARC/1.1") -> bytes:
    """A record as bytes, uncompressed; `lines`: its header fields as they are written, to which Content-Length is added."""
    return f"{version}\r\n{lines}Content-Length: {len(block)}\r\n\r\n".encode() + block + b"\r\n\r\n"


def _unchanged(fields: Fields) -> str:
    """Header fields of a record that was read, as they were."""
    return "".join(f"{name}: {value}\r\n" for name, value in fields)


def whole_again(revisit: StoredRecord, payload: bytes, digest: str) -> bytes:
    """A revisit record with the payload that it left out, as the response that it was: uncompressed.

    The server had sent these very bytes; the record keeps its ID, so that its request still belongs to it.

    Args:
        revisit: opened; has the head of the response.
        payload: of the record that it refers to.
        digest: of the payload, as the revisit says it.

    Raises:
        DamagedRecord: it has no head, it is an answer without a payload (304), or the payload is another one.
    """
    head = revisit.http
    if head is None or not head.raw or head.status is None or head.status == 304:
        raise DamagedRecord("The revisit has no head of a response that had this payload.")
    if not digest or sha1_of(payload) != digest:
        raise DamagedRecord("The payload is not the one that the revisit names.")
    left_out = {"warc-type", "warc-profile", "warc-truncated", "warc-block-digest", "content-type", "content-length"}
    fields: Fields = [("WARC-Type", "response")]
    for name, value in revisit.fields:
        if name.lower() not in left_out and not name.lower().startswith("warc-refers-to"):
            fields.append((name, value))
    block = head.raw + payload
    fields.append(("WARC-Block-Digest", sha1_of(block)))
    fields.append(("Content-Type", "application/http;msgtype=response"))
    if head.is_chunked and not revisit.transfer_decoded:
        fields.append(("WARC-Transfer-Decoded", "chunked"))
    return plain_record(_unchanged(fields), block, revisit.version)


def renamed(warcinfo: StoredRecord, old: str, new: str) -> bytes | None:
    """A warcinfo record that names its file, with the file's new name, uncompressed; None when it does not name it."""
    if warcinfo.record_type != "warcinfo" or warcinfo.get("WARC-Filename") != old or not warcinfo.version.startswith("WARC/"):
        return None
    fields = [
        (name, new if name.lower() == "warc-filename" else value)
        for name, value in warcinfo.fields
        if name.lower() != "content-length"
    ]
    return plain_record(_unchanged(fields), b"".join(warcinfo.block()), warcinfo.version)


def block_digest(stream: BinaryIO, place: StoredPlace) -> str:
    """The digest of the block of a record."""
    stream.seek(place.offset)
    record = next(iter_records(stream, place.offset), None)
    if not isinstance(record, StoredRecord):
        raise DamagedRecord("No record begins here.")
    sha1 = hashlib.sha1(usedforsecurity=False)
    for piece in record.block():
        sha1.update(piece)
    return labelled(sha1.digest())


def uncuttable(gone: Iterable[StoredPlace]) -> str:
    """Why one of these records cannot be cut out of its file; "" when all can."""
    if any(not place.is_alone or not place.length for place in gone):
        return "its records are compressed together, so that none can be cut out"
    return ""


def rewrite(
    source: BinaryIO, target: BinaryIO, places: Sequence[StoredPlace], instead: Mapping[int, bytes]
) -> dict[int, tuple[int, int]]:
    """Copy a file with other records in the place of some; where each record is now: old offset → (new offset, length).

    Args:
        source: the file; can seek.
        target: written from where it is.
        places: all records, from `survey`.
        instead: by the offset of the old record, the new one, uncompressed; b"" for none.
    """
    found: dict[int, tuple[int, int]] = {}
    at = start = 0  # what was copied: bytes of the target, and up to where of the source
    for place in sorted(places, key=lambda item: item.offset):
        new = instead.get(place.offset)
        at += _copy(source, target, start, place.offset)
        start = max(start, place.offset)
        if new is None:
            found[place.offset] = (at, place.length)
            if place.length:
                at += _copy(source, target, start, place.offset + place.length)
                start = place.offset + place.length
            continue
        source.seek(place.offset)
        packed = _packed(new, source.read(4)) if new else b""
        target.write(packed)
        if packed:
            found[place.offset] = (at, len(packed))
        at += len(packed)
        start = place.offset + place.length
    _copy(source, target, start, None)
    return found


def _packed(record: bytes, start: bytes) -> bytes:
    """A record compressed as its neighbours are."""
    if start.startswith(_GZIP):
        engine = zlib_ng.compressobj(5, wbits=31)
        packed: bytes = engine.compress(record) + engine.flush()
        return packed
    if start == _ZSTD:
        return zstandard.ZstdCompressor(write_checksum=True).compress(record)
    return record


def _copy(source: BinaryIO, target: BinaryIO, start: int, end: int | None) -> int:
    source.seek(start)
    copied = 0
    while end is None or start + copied < end:
        piece = source.read(_PIECE if end is None else min(_PIECE, end - start - copied))
        if not piece:
            break
        target.write(piece)
        copied += len(piece)
    return copied
