"""Reads WARC (0.17 to 1.1) and ARC records, from anywhere in a file or through a whole one, whatever its state.

Streaming, with flat memory. Where a file is damaged the damage is reported and reading goes on at the next record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import RawIOBase
from typing import BinaryIO

from archiver.errors import DamagedRecord, InvalidTimestamp
from archiver.store.protocol import WarcStore
from archiver.timestamps import parse_timestamp
from archiver.warc.frames import DICTIONARY_FRAME, FRAME, Dictionaries, RecordFrames, is_skippable, pass_over
from archiver.warc.members import PIECE, Readable, Source, open_member
from archiver.warc.stored import StoredRecord

__all__ = ["BadRecord", "Block", "StoredRecord", "iter_records", "read_record"]

_MAX_LINE = 64 * 1024
_MAX_FIELDS = 1000
BLANK_LINE = re.compile(rb"\n\r?\n")
_GZIP = b"\x1f\x8b"
_MEMBER = b"\x1f\x8b\x08"
#: The line before each record of an ARC file; old crawlers left spaces in URLs as they were.
_ARC_LINE = re.compile(rb"(\S[^\n]*?) ([0-9A-Fa-f.:-]+) (\d{8,14}) (\S+)(?: [^\n]*)? (\d+)\s*")
_KEPT_ARC = 4096  # bytes that may be the beginning of such a line
_ARC_LINE_BYTES = 16 * 1024
_ARC_MARK = re.compile(rb"(?<=\n)(?:https?|ftp|dns|filedesc):[^\s]+ [0-9A-Fa-f.:]{3,40} \d{14} \S+ ")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A place in a file that could not be read.

    Attributes:
        offset: in the file as stored.
        reason: for people.
    """

    offset: int
    reason: str


class _Lines(RawIOBase):
    """Buffered reading with lines on top of anything that reads."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._buffer = b""

    def take(self, size: int) -> bytes:
        if not self._buffer:
            self._buffer = self._source.read(PIECE)
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def line(self, limit: int = _MAX_LINE) -> bytes:
        while b"\n" not in self._buffer and len(self._buffer) < limit:
            data = self._source.read(PIECE)
            if not data:
                break
            self._buffer += data
        end = self._buffer.find(b"\n", 0, limit) + 1 or min(limit, len(self._buffer))
        line, self._buffer = self._buffer[:end], self._buffer[end:]
        return line

    def until_blank(self, limit: int) -> bytes:
        """Everything up to and with the first blank line, when that is near; nothing is read when it is not."""
        if not self._buffer:
            self._buffer = self._source.read(PIECE)
        found = BLANK_LINE.search(self._buffer, 0, limit)
        if found is None:
            return b""
        end = found.end()
        head, self._buffer = self._buffer[:end], self._buffer[end:]
        return head

    def skip(self, size: int) -> int:
        """Pass over `size` bytes at most; how many, 0 at the end."""
        passed = min(size, len(self._buffer))
        self._buffer = self._buffer[passed:]
        return passed or self._source.skip(size)

    def give_back(self, data: bytes) -> None:
        self._buffer = data + self._buffer

    @property
    def buffered(self) -> int:
        return len(self._buffer)

    def take_buffer(self) -> bytes:
        data, self._buffer = self._buffer, b""
        return data


class Block(RawIOBase):
    """The block of a record: exactly its Content-Length, readable once."""

    def __init__(self, lines: _Lines, length: int) -> None:
        self._lines = lines
        self.left = length

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(PIECE), b""))
        data = self._lines.take(min(size, self.left)) if self.left else b""
        if not data and self.left and size:
            raise self._lacking()
        self.left -= len(data)
        return data

    def skip(self, size: int) -> None:
        """Pass over bytes, without reading them where that is possible."""
        wanted = min(size, self.left)
        while wanted:
            passed = self._lines.skip(wanted)
            if not passed:
                raise self._lacking()
            wanted -= passed
            self.left -= passed

    def until_blank(self) -> bytes:
        """Everything up to and with the first blank line, when that is near; nothing is read when it is not."""
        head = self._lines.until_blank(self.left) if self.left else b""
        self.left -= len(head)
        return head

    def _lacking(self) -> DamagedRecord:
        missing, self.left = self.left, 0
        return DamagedRecord(f"The record lacks {missing:,} bytes.")

    def readline(self, size: int | None = -1) -> bytes:
        limit = self.left if size is None or size < 0 else min(size, self.left)
        if not limit:
            return b""
        line = self._lines.line(limit)
        if not line:
            raise self._lacking()
        self.left -= len(line)
        return line


def iter_records(stream: BinaryIO, offset: int = 0) -> Iterator[StoredRecord | BadRecord]:
    """Every record of a WARC or ARC file, plain or compressed in any of the usual ways.

    A record's `length` is right once the next one was asked for.
    """
    source = Source(stream, offset)
    dictionaries = Dictionaries(source)
    while start := source.peek(16):
        here = source.position
        if start.startswith(_GZIP):
            yield from _member(source, here, open_member(source))
        elif start.startswith(DICTIONARY_FRAME) and not source.position:
            yield from _learn(dictionaries, source)
        elif is_skippable(start):
            pass_over(source)
        elif start.startswith(FRAME):
            frames = RecordFrames(source, dictionaries)
            yield from _member(source, here, frames, frames.hold)
        elif start.startswith(b"\0"):
            source.read(len(start) - len(start.lstrip(b"\0")))
        else:
            yield from _plain_records(source)


def _learn(dictionaries: Dictionaries, source: Source) -> Iterator[BadRecord]:
    """Read the dictionary at the start of a file; one that cannot be read is passed over, records that need it are damaged."""
    try:
        dictionaries.learn()
    except DamagedRecord as error:
        yield BadRecord(0, error.message)
        _resynchronise(source)


def _member(
    source: Source, offset: int, member: Readable, hold: Callable[[bool], None] = lambda goes_on: None
) -> Iterator[StoredRecord | BadRecord]:
    """The records of a gzip member, or of the Zstandard frames of a record: one, by the rules.

    Args:
        source: where it is.
        offset: of its beginning.
        member: reads it; it may have begun to.
        hold: told whether a record has begun and is not at its end.
    """
    lines = _Lines(member)
    first: StoredRecord | None = None
    count = 0
    try:
        while (record := _read_record(lines, offset)) is not None:
            count += 1
            if count == 2 and first is not None:
                first.alone = False
            record.alone = count == 1
            first = first or record
            yield record
            record.skip()
            hold(False)
            _skip_blank(lines)
            if lines.buffered:
                record.alone = False
                hold(True)
            elif count == 1:
                record.length = source.position - offset
        if count == 0:
            yield BadRecord(offset, "an empty compressed member")
    except DamagedRecord as error:
        yield BadRecord(offset, error.message)
        if source.position <= offset:
            source.read(offset + 1 - source.position)
        _resynchronise(source)


def _skip_blank(lines: _Lines) -> None:
    while (line := lines.line()) in (b"\r\n", b"\n"):
        pass
    if line:
        lines.give_back(line)


def _resynchronise(source: Source, *, is_arc: bool = False) -> None:
    """Go to where the next record may begin; in an ARC file also to a line such as is before its records."""
    kept = b""
    while data := source.read(PIECE):
        data = kept + data
        places = [place for mark in (_MEMBER, FRAME, b"WARC/1.", b"WARC/0.") if (place := data.find(mark)) >= 0]
        if is_arc and (found := _ARC_MARK.search(data)):
            places.append(found.start())
        if places:
            source.unread(data[min(places) :])
            return
        kept = data[-_KEPT_ARC if is_arc else -8 :]


def _plain_records(source: Source) -> Iterator[StoredRecord | BadRecord]:
    """Uncompressed records until the end or the first damage."""
    lines = _Lines(source)
    is_arc = False
    while True:
        _skip_blank(lines)
        offset = source.position - lines.buffered
        lines.give_back(start := lines.take(len(_MEMBER)))
        if start == _MEMBER:  # compressed ones follow
            source.unread(lines.take_buffer())
            return
        try:
            record = _read_record(lines, offset)
            if record is None:
                return
            is_arc = record.version == "ARC"
            yield record
            record.skip()
            record.length = source.position - lines.buffered - offset
        except DamagedRecord as error:
            yield BadRecord(offset, error.message)
            source.unread(lines.take_buffer())
            if source.position <= offset:
                source.read(1)
            _resynchronise(source, is_arc=is_arc)
            return


def _read_record(lines: _Lines, offset: int) -> StoredRecord | None:
    """The record at the current position; None at the end."""
    _skip_blank(lines)
    line = lines.line()
    if not line:
        return None
    if line.startswith(b"WARC/"):
        return _read_warc(line.decode("ascii", "replace").strip(), lines, offset)
    return _read_arc(line, lines, offset)


def _read_warc(version: str, lines: _Lines, offset: int) -> StoredRecord:
    fields: list[tuple[str, str]] = []
    for text in _header_lines(lines):
        if text[:1] in (" ", "\t") and fields:
            fields[-1] = (fields[-1][0], f"{fields[-1][1]} {text.strip()}")
            continue
        name, colon, value = text.partition(":")
        if not colon:
            raise DamagedRecord("A line of the record header is no header field.")
        fields.append((name.strip(), value.strip()))
    named = {name.lower(): value for name, value in reversed(fields)}
    length = named.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        raise DamagedRecord("The record does not say how long it is.")
    record_type = named.get("warc-type", "").lower()
    return StoredRecord(record_type, tuple(fields), offset, int(length), Block(lines, int(length)), version=version)


def _header_lines(lines: _Lines) -> list[str]:
    """The lines of a record header; the blank one after them is passed over."""
    near = lines.until_blank(_MAX_LINE)
    if near:
        found = [line.rstrip("\r") for line in near.decode("utf-8", "replace").split("\n")]
        return [line for line in found if line]
    found = []
    while (line := lines.line()) not in (b"\r\n", b"\n"):
        if not line:
            raise DamagedRecord("The file ends inside a record header.")
        if len(found) > _MAX_FIELDS:
            raise DamagedRecord("The record header has no end.")
        found.append(line.decode("utf-8", "replace").rstrip("\r\n"))
    return found


def _read_arc(line: bytes, lines: _Lines, offset: int) -> StoredRecord:
    match = _ARC_LINE.fullmatch(line) if len(line) < _ARC_LINE_BYTES else None
    if match is None:
        if (place := line.find(_MEMBER)) > 0:
            lines.give_back(line[place:])  # it may begin in what was taken for a line
        raise DamagedRecord("No record begins here.")
    url, ip, date, mime, length = (part.decode("utf-8", "replace") for part in match.groups())
    try:
        moment = parse_timestamp(date)
    except InvalidTimestamp as error:
        raise DamagedRecord(error.message) from error
    is_http = url.lower().startswith(("http://", "https://"))
    record_type = "warcinfo" if url.startswith("filedesc:") else "response" if is_http else "resource"
    fields = (
        ("WARC-Type", record_type),
        ("WARC-Target-URI", url),
        ("WARC-Date", f"{moment:%Y-%m-%dT%H:%M:%SZ}"),
        ("WARC-IP-Address", ip),
        ("Content-Type", "application/http;msgtype=response" if is_http else mime),
    )
    return StoredRecord(record_type, fields, offset, int(length), Block(lines, int(length)))


def read_record(store: WarcStore, file: str, offset: int, length: int = 0) -> StoredRecord:
    """The record at an offset; `close` of the record closes the file.

    Args:
        store: where the file is.
        file: its name.
        offset: of the record, in bytes.
        length: of the record as stored, where that is known: it is then read at once.

    Raises:
        MissingRecord: the file is not there.
        DamagedRecord: no record begins at that offset.
    """
    stream = store.open(file, offset, length)
    try:
        record = next(iter_records(stream, offset), None)
    except BaseException:
        stream.close()
        raise
    if isinstance(record, StoredRecord):
        record.file = stream
        return record
    stream.close()
    if record is None:
        raise DamagedRecord("The index points past the end of a WARC file.", "Rebuild the index.")
    raise DamagedRecord(f"The stored record cannot be read: {record.reason}")
