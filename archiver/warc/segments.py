"""Records that were cut into segments (WARC 1.1, clause 7), as the one record that they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from archiver.errors import DamagedRecord
from archiver.store.protocol import WarcStore
from archiver.warc.reader import Block, StoredRecord, read_record

#: A record in more parts than this is none: at a gigabyte each it would fill a machine.
_MOST = 10_000

SEGMENT_NUMBER, SEGMENT_ORIGIN = "WARC-Segment-Number", "WARC-Segment-Origin-ID"


@dataclass(frozen=True, slots=True)
class Segment:
    """A later part of a record.

    Attributes:
        origin: WARC-Record-ID of the record of which it is part.
        number: 2 for the first of them.
        file: name of its WARC file.
        offset: of its record there.
    """

    origin: str
    number: int
    file: str
    offset: int


#: Gives the later parts of a record that are held, by the id of its first: in order, one a number.
FindSegments = Callable[[str], Sequence[Segment]]


def segment_of(record: StoredRecord, file: str) -> Segment | None:
    """What a continuation record says that it is part of; None when it does not say."""
    number, origin = record.get(SEGMENT_NUMBER), record.get(SEGMENT_ORIGIN)
    if record.record_type != "continuation" or not origin or not (number.isascii() and number.isdigit()):
        return None
    return Segment(origin, int(number), file, record.offset) if 2 <= int(number[:9]) <= _MOST and len(number) < 9 else None


def is_begun(record: StoredRecord) -> bool:
    """It is the first of several parts."""
    return record.get(SEGMENT_NUMBER).strip() == "1" and record.record_type != "continuation"


def read_whole(store: WarcStore, file: str, offset: int, length: int = 0, find: FindSegments | None = None) -> StoredRecord:
    """The record at an offset, with all its parts when it is the first of several; `close` closes all files.

    Where a part is not held, the record ends before it: its reader is told that bytes are missing.

    Raises:
        MissingRecord: the file is not there.
        DamagedRecord: no record begins at that offset.
    """
    record = read_record(store, file, offset, length)
    if find is None or not is_begun(record):
        return record
    later = find(record.record_id)
    parts, wanted = [], 2
    for part in later:
        if part.number != wanted:
            break
        parts.append(part)
        wanted += 1
    block = _Joined(record, store, parts)
    # How long the whole is only its last part says; until then it is as long as it turns out to be.
    return replace(record, stream=block, content_length=block.whole_length(record.content_length))


class _Joined(Block):
    """The blocks of a record and its later parts as one; a part is opened when it is read."""

    def __init__(self, first: StoredRecord, store: WarcStore, parts: Sequence[Segment]) -> None:
        self._first, self._store, self._parts = first, store, list(parts)
        self._current = first.stream
        self._opened: StoredRecord | None = None
        self._lengths: list[int] = []
        self._total: int | None = None
        for part in self._parts:
            found = read_record(store, part.file, part.offset)
            self._lengths.append(found.content_length)
            said = found.get("WARC-Segment-Total-Length")
            self._total = int(said) if said.isascii() and said.isdigit() and len(said) < 18 else self._total
            found.close()
        self.left = first.stream.left + sum(self._lengths)

    def whole_length(self, first_length: int) -> int:
        """Bytes of the whole: as its last part says, else of those that are held and one more, which is missing."""
        held = first_length + sum(self._lengths)
        whole = self._total if self._total is not None and self._total >= held else held + (self._total is None)
        self.left += whole - held
        return whole

    def read(self, size: int = -1) -> bytes:
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(65536), b""))
        if not self._advance():
            return self._end(size)
        data = self._current.read(size)
        self.left -= len(data)
        return data

    def readline(self, size: int | None = -1) -> bytes:
        limit = self.left if size is None or size < 0 else min(size, self.left)
        line = b""
        while len(line) < limit and not line.endswith(b"\n"):
            if not self._advance():
                return line or self._end(limit)
            piece = self._current.readline(limit - len(line))
            self.left -= len(piece)
            line += piece
        return line

    def skip(self, size: int) -> None:
        wanted = min(size, self.left)
        while wanted:
            if not self._advance():
                self._end(wanted)
            step = min(wanted, self._current.left)
            self._current.skip(step)
            wanted -= step
            self.left -= step

    def until_blank(self) -> bytes:
        head = self._current.until_blank()  # that of a message may go on in the next part: then it is read line by line
        self.left -= len(head)
        return head

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
        super().close()

    def _advance(self) -> bool:
        """Bytes come next; False at the end of the last part that is held."""
        while not self._current.left:
            if self._opened is not None:
                self._opened.close()
                self._opened = None
            if not self._parts:
                return False
            part = self._parts.pop(0)
            self._opened = read_record(self._store, part.file, part.offset)
            self._current = self._opened.stream
        return True

    def _end(self, wanted: int) -> bytes:
        if self.left and wanted:
            self.left = 0
            raise DamagedRecord("The record was cut into parts, and not all of them are held.")
        return b""
