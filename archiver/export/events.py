"""Finds in a WARC file what belongs to a capture: its request, its metadata; and copies records as they are stored.

Writers put the records of one exchange next to each other, the response first (Muniment, Heritrix, browsers' tools) or the
request first (wget). From the response on, the next records are looked at; where one that it names is not among them, the
file is read from its beginning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol, cast
from uuid import NAMESPACE_URL, uuid5

from zlib_ng import zlib_ng

from archiver.errors import DamagedRecord
from archiver.message import iter_body
from archiver.requestkey import MAX_BODY_BYTES, body_query, with_request
from archiver.urls import urlkey
from archiver.warc.reader import BadRecord, StoredRecord, iter_records

_PIECE = 256 * 1024
_GZIP = b"\x1f\x8b"
_GZIP_LEVEL = 6
_CAPTURES = frozenset({"response", "revisit", "resource"})
#: Records of one exchange that are looked for behind its response.
_MOST_COMPANIONS = 50


class Sink(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> object:
        """Take them."""


@dataclass(frozen=True, slots=True)
class Member:
    """One record in a file.

    Attributes:
        offset: in the file as stored.
        length: bytes as stored.
        record_type: "response", "request" …
        record_id: WARC-Record-ID; "" for ARC.
        is_gzip: it is a gzip member of its own, so its bytes can be copied.
    """

    offset: int
    length: int
    record_type: str
    record_id: str
    is_gzip: bool


@dataclass(frozen=True, slots=True)
class Event:
    """A capture with what belongs to it.

    Attributes:
        offset: of the capture.
        members: of its records, in the order of the file.
        warcinfo: id of the warcinfo record that it names; "" for none.
    """

    offset: int
    members: tuple[Member, ...]
    warcinfo: str = ""

    @property
    def length(self) -> int:
        """Bytes as stored, of the capture alone."""
        return next(member.length for member in self.members if member.offset == self.offset)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A capture of a file that is to go out.

    Attributes:
        offset: in the file.
        length: as the index says; 0 when it does not.
    """

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Lacking:
    """A capture that cannot be read, and why."""

    offset: int
    reason: str


@dataclass
class _Heading:
    """What the header of a record says of its relations."""

    member: Member
    url: str
    concurrent: frozenset[str]
    refers_to: str
    warcinfo: str
    parts: list[Member] = field(default_factory=list)


def events(stream: BinaryIO, wanted: Sequence[Wanted]) -> Iterator[Event | Lacking]:
    """The captures of one file with their records, in the order of the file.

    Args:
        stream: the file, which can seek.
        wanted: in the order of offsets.
    """
    for number, item in enumerate(wanted):
        try:
            event, is_complete = _from_here(stream, item)
        except DamagedRecord as error:
            yield Lacking(item.offset, error.message)
            continue
        if not is_complete:
            yield from _from_the_beginning(stream, wanted[number:])
            return
        yield event


def member_at(stream: BinaryIO, offset: int) -> Member:
    """The record that begins at a place.

    Raises:
        DamagedRecord: there is none, or not a whole one.
    """
    records = _read(stream, offset)
    record = next(records, None)
    if not isinstance(record, StoredRecord):
        raise DamagedRecord("No record begins there.")
    return _measured(stream, record, records)


def warcinfo_of(stream: BinaryIO) -> Member | None:
    """The warcinfo record at the start of a file; None when another stands there, or that of an ARC file."""
    records = _read(stream, 0)
    first = next(records, None)
    if not isinstance(first, StoredRecord) or first.record_type != "warcinfo" or first.version == "ARC":
        return None
    try:
        return _measured(stream, first, records)
    except DamagedRecord:
        return None


# -- looking -----------------------------------------------------------------------------------------------------------


def _read(stream: BinaryIO, offset: int) -> Iterator[StoredRecord | BadRecord]:
    stream.seek(offset)
    return iter_records(stream, offset)


def _is_gzip(stream: BinaryIO, offset: int) -> bool:
    stream.seek(offset)
    return stream.read(2) == _GZIP


def _measured(stream: BinaryIO, record: StoredRecord, records: Iterator[StoredRecord | BadRecord]) -> Member:
    """Where a record ends, found by reading it."""
    record.skip()
    following = next(records, None)
    if not record.length:
        reason = following.reason if isinstance(following, BadRecord) else "it is compressed together with others"
        raise DamagedRecord(f"The record cannot be read by itself: {reason}.")
    return Member(record.offset, record.length, record.record_type, record.record_id, _is_gzip(stream, record.offset))


def _heading(record: StoredRecord, member: Member) -> _Heading:
    concurrent = frozenset(value for name, value in record.fields if name.lower() == "warc-concurrent-to")
    refers_to = record.get("WARC-Refers-To") if record.record_type in ("metadata", "conversion") else ""
    origin = record.get("WARC-Segment-Origin-ID") if record.record_type == "continuation" else ""
    return _Heading(member, record.url, concurrent, refers_to or origin, record.get("WARC-Warcinfo-ID"))


def _belongs(other: _Heading, capture: _Heading) -> bool:
    """A record is one of the exchange of a capture."""
    if other.member.record_id and other.member.record_id in capture.concurrent:
        return True
    if capture.member.record_id in other.concurrent or (other.refers_to and other.refers_to == capture.member.record_id):
        return True
    return (
        other.member.record_type == "request"
        and other.url == capture.url
        and not other.concurrent
        and not capture.concurrent
        and not other.refers_to
    )


def _from_here(stream: BinaryIO, item: Wanted) -> tuple[Event, bool]:
    """A capture and the records behind it that belong to it; False where some may stand before it.

    Raises:
        DamagedRecord: there is no record, or not a whole one.
    """
    records = _read(stream, item.offset)
    record = next(records, None)
    if record is None:
        raise DamagedRecord("The file ends before this record.")
    if isinstance(record, BadRecord):
        raise DamagedRecord(f"The record cannot be read: {record.reason}")
    if _ends_where_said(stream, item):
        member = Member(item.offset, item.length, record.record_type, record.record_id, True)
    else:
        record = next(records := _read(stream, item.offset))
        assert isinstance(record, StoredRecord)
        member = _measured(stream, record, records)
    capture = _heading(record, member)
    members = [member]
    is_asked = False
    end = member.offset + member.length
    while (companion := _companion(stream, end, capture)) is not None and len(members) < _MOST_COMPANIONS:
        members.append(companion)
        end = companion.offset + companion.length
        is_asked |= companion.record_type == "request"
    found = {item.record_id for item in members}
    is_alone = record.record_type != "response" or not record.is_http
    is_complete = capture.concurrent <= found and (is_asked or is_alone or record.version == "ARC")
    return Event(item.offset, tuple(members), capture.warcinfo), is_complete


def _companion(stream: BinaryIO, offset: int, capture: _Heading) -> Member | None:
    """The record that begins here, if it is one of the exchange of a capture and whole."""
    records = _read(stream, offset)
    record = next(records, None)
    if not isinstance(record, StoredRecord) or record.record_type in _CAPTURES:
        return None
    member = Member(record.offset, 0, record.record_type, record.record_id, True)
    if not _belongs(_heading(record, member), capture):
        return None
    try:
        return _measured(stream, record, records)
    except DamagedRecord:
        return None


def _ends_where_said(stream: BinaryIO, item: Wanted) -> bool:
    """The length of the index can be relied on: a gzip member, and behind it the next one or the end of the file."""
    if not item.length or not _is_gzip(stream, item.offset):
        return False
    stream.seek(item.offset + item.length - 1)
    after = stream.read(4)
    return len(after) == 1 or (len(after) == 4 and after[1:] == b"\x1f\x8b\x08")


def _from_the_beginning(stream: BinaryIO, wanted: Sequence[Wanted]) -> Iterator[Event | Lacking]:
    """The same for files whose requests stand before their responses: every record up to the last one wanted is read."""
    left = {item.offset for item in wanted}
    before: list[_Heading] = []
    current: _Heading | None = None
    records = _read(stream, 0)
    record = next(records, None)
    while record is not None:
        following, heading = _next(records, record)
        if heading is None:
            record = following
            continue
        is_capture = heading.member.record_type in _CAPTURES
        if current is not None and not is_capture and _belongs(heading, current):
            current.parts.append(heading.member)
        elif is_capture:
            if current is not None:
                here = stream.tell()  # who gets the event reads elsewhere in the file
                yield _event(stream, current)
                stream.seek(here)
            current = None
            if heading.member.offset in left:
                left.discard(heading.member.offset)
                heading.parts = [item.member for item in before if _belongs(item, heading)] + [heading.member]
                current = heading
            before.clear()
        else:
            before.append(heading)
            del before[:-_MOST_COMPANIONS]
        if not left and current is None:
            break
        record = following
    if current is not None:
        yield _event(stream, current)
    for item in wanted:
        if item.offset in left:  # behind damage that swallowed its beginning: the index knows better where it is
            try:
                yield _from_here(stream, item)[0]
            except DamagedRecord as error:
                yield Lacking(item.offset, error.message)


def _next(
    records: Iterator[StoredRecord | BadRecord], record: StoredRecord | BadRecord
) -> tuple[StoredRecord | BadRecord | None, _Heading | None]:
    """What comes after a record, and what its own header says; None when it is damaged or not alone."""
    if isinstance(record, BadRecord):
        return next(records, None), None
    blank = Member(record.offset, 0, record.record_type, record.record_id, True)
    heading = _heading(record, blank)
    try:
        record.skip()
    except DamagedRecord:
        return next(records, None), None
    following = next(records, None)
    if not record.length:
        return following, None
    heading.member = Member(record.offset, record.length, record.record_type, record.record_id, True)
    return following, heading


def _event(stream: BinaryIO, capture: _Heading) -> Event:
    members = tuple(
        Member(item.offset, item.length, item.record_type, item.record_id, _is_gzip(stream, item.offset))
        for item in capture.parts
    )
    return Event(capture.member.offset, members, capture.warcinfo)


# -- copying -----------------------------------------------------------------------------------------------------------


def copy_member(stream: BinaryIO, member: Member, sink: Sink) -> tuple[int, str]:
    """Copy one record; what is no gzip member by itself becomes one.

    Returns:
        Bytes written, and their SHA-256 in hexadecimal.

    Raises:
        DamagedRecord: the file ends inside the record.
    """
    pieces = stored_pieces(stream, member.offset, member.length) if member.is_gzip else _as_member(stream, member)
    sha256 = hashlib.sha256()
    length = 0
    for piece in pieces:
        sha256.update(piece)
        length += len(piece)
        sink.write(piece)
    return length, sha256.hexdigest()


def stored_pieces(stream: BinaryIO, offset: int, length: int) -> Iterator[bytes]:
    """Bytes of a file as they are.

    Raises:
        DamagedRecord: the file has fewer.
    """
    stream.seek(offset)
    while length:
        piece = stream.read(min(_PIECE, length))
        if not piece:
            raise DamagedRecord(f"The file lacks {length:,} bytes of a record.")
        length -= len(piece)
        yield piece


def _as_member(stream: BinaryIO, member: Member) -> Iterator[bytes]:
    """A record that is no gzip member, as one: the very bytes where it is not compressed at all."""
    gzip = zlib_ng.compressobj(_GZIP_LEVEL, wbits=31)
    stream.seek(member.offset)
    if stream.read(5) == b"WARC/":
        pieces = stored_pieces(stream, member.offset, member.length)
    else:
        record = next(_read(stream, member.offset))
        if isinstance(record, BadRecord):
            raise DamagedRecord(f"The record cannot be read: {record.reason}")
        yield gzip.compress(_warc_head(record))
        pieces = record.block()
    for piece in pieces:
        if packed := gzip.compress(piece):
            yield packed
    yield gzip.compress(b"\r\n\r\n") + gzip.flush()


def _warc_head(record: StoredRecord) -> bytes:
    """The header of a record; of one out of an ARC file, what it means in WARC, with an id that is the same each time."""
    fields, version = list(record.fields), record.version
    if version == "ARC":
        name = f"{record.url} {record.get('WARC-Date')} {record.offset}"
        fields.append(("WARC-Record-ID", f"<urn:uuid:{uuid5(NAMESPACE_URL, name)}>"))
        fields.append(("Content-Length", str(record.content_length)))
        version = "WARC/1.1"
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"{version}\r\n{lines}\r\n".encode()


# -- requests with a body ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent for a capture, as CDXJ lines say it.

    Attributes:
        method: of the request, upper case.
        body: what its body says, as a query.
    """

    method: str
    body: str


def sent_for(stream: BinaryIO, event: Event, key: str) -> Sent | None:
    """What made the key of a capture another one than that of its URL; None when no request of the event did."""
    for member in event.members:
        if member.record_type != "request":
            continue
        record = next(_read(stream, member.offset), None)
        if not isinstance(record, StoredRecord):
            continue
        try:
            head = record.http
            if head is None:
                continue
            method = head.start_line.partition(b" ")[0].decode("latin-1").upper()
            body = _body_start(record)
        except DamagedRecord:
            continue
        content_type = head.get("Content-Type") or ""
        if urlkey(with_request(record.url, method, content_type, body)) == key:
            return Sent(method, body_query(content_type, body) if body or method in ("POST", "PUT") else "")
    return None


def _body_start(record: StoredRecord) -> bytes:
    head = record.http
    assert head is not None
    taken = b""
    for piece in iter_body(cast(BinaryIO, record.stream), head):
        taken += piece
        if len(taken) >= MAX_BODY_BYTES:
            break
    return taken
