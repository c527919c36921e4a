"""Reads whole WARC files as fast as they can be decompressed: what is ordinary with FastWARC, the rest with our own reader.

FastWARC says where records begin and what their headers are. A record counts as ordinary when its bytes can only be what
FastWARC made of them: the header as the standard writes it adds up, with the block, to the length that the gzip member
has by its trailer, and no other member begins before the next record does. FastWARC checks the members' checksums. Where
anything is different, `iter_records` reads on from the beginning of that record, so that both together say of any file
exactly what `iter_records` alone says.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from archiver.warc.reader import BadRecord, StoredRecord, iter_records

_GZIP = b"\x1f\x8b\x08"
_MARK = re.compile(re.escape(_GZIP))
#: Bytes of a record besides its fields and block: its first line, the blank one after the header, those after the block.
_FRAME = len("WARC/1.0\r\n" + "\r\n")
_END = len("\r\n\r\n")
_ORDINARY_VERSIONS = frozenset({"WARC/1.0", "WARC/1.1"})
#: Bytes read last that can be looked at again, and beginnings of members remembered.
_WINDOW = 1024 * 1024
_MOST_MARKS = 10_000

_MOST_LAYOUTS = 10_000


class Layout:
    """What header fields a record has. A file has few layouts, so what follows from one is worked out once.

    Attributes:
        names: of the fields, in order.
        at: name in lower case → place of the first field of that name.
        size: bytes of a record header besides its values.
        is_sure: the length of the block is said once.
    """

    __slots__ = ("at", "is_sure", "names", "size")

    def __init__(self, names: tuple[bytes, ...]) -> None:
        self.names = names
        lower = [name.decode("utf-8", "replace").lower().encode() for name in names]
        self.at = {name: place for place, name in reversed(list(enumerate(lower)))}
        self.size = _FRAME + sum(len(name) + len(": \r\n") for name in names)
        self.is_sure = lower.count(b"content-length") == 1


#: Looks at each ordinary record: layout and values of its fields, the length of its block in bytes and a reader of the block.
Look = Callable[[Layout, tuple[bytes, ...], int, Any], object]


@dataclass(slots=True)
class QuickRecord:
    """An ordinary record.

    Attributes:
        layout: of its header.
        values: of the header fields, as they are stored.
        offset: in the file as stored.
        length: bytes as stored.
        content_length: of the block.
        found: what `look` made of it.
    """

    layout: Layout
    values: tuple[bytes, ...]
    offset: int
    length: int
    content_length: int
    found: object


def read_quickly(stream: BinaryIO, look: Look, offset: int = 0) -> Iterator[QuickRecord | StoredRecord | BadRecord]:
    """Every record of a WARC or ARC file.

    Args:
        stream: can be sought in.
        look: takes what is wanted of an ordinary record, while it is read.
        offset: of a record, to begin there.

    Yields:
        Ordinary records; others as `iter_records` gives them, with their length once the next one was asked for.
    """
    watched = _Watched(stream)
    patience = 1  # records that our own reader takes before FastWARC is tried again: twice as many each time it is in vain
    position: int | None = offset
    while position is not None:
        odd, taken = yield from _ordinary(watched, position, look)
        patience = 1 if taken > patience else 2 * patience
        position = yield from _carefully(watched, odd, patience)


def _carefully(watched: _Watched, offset: int, patience: int) -> Generator[StoredRecord | BadRecord, None, int | None]:
    """With our own reader, until an ordinary record may begin; where that is, None at the end."""
    before = offset
    watched.seek(offset)
    for item in iter_records(cast(BinaryIO, watched), offset):
        if isinstance(item, StoredRecord):
            if patience <= 0 and item.offset > before and item.alone and item.version in _ORDINARY_VERSIONS:
                return item.offset
            before = item.offset
            patience -= 1
        yield item
    return None


def _ordinary(watched: _Watched, offset: int, look: Look) -> Generator[QuickRecord, None, tuple[int, int]]:
    """Ordinary records from a place on; (place of the first one that is not, or may not be, ordinary; how many there were)."""
    from fastwarc.warc import ArchiveIterator

    is_gzip = watched.begin(offset)
    before: QuickRecord | None = None
    odd, taken = offset, 0
    layouts: dict[tuple[bytes, ...], Layout] = {}
    try:
        for record in ArchiveIterator(cast(BinaryIO, watched), parse_http=False):
            here = record.stream_pos  # FastWARC asks where the file is
            if before is not None:
                if not watched.is_ordinary(before, here, is_gzip):
                    break
                before.length = here - before.offset - (0 if is_gzip else _END)
                odd = here
                taken += 1
                yield before
            elif here != offset:
                break
            headers = record.headers
            names, values = headers.keys_bytes(), headers.values_bytes()
            layout = layouts.get(names)
            if layout is None:
                if len(layouts) >= _MOST_LAYOUTS:
                    layouts.clear()
                layout = layouts[names] = Layout(names)
            length = record.content_length
            before = QuickRecord(layout, values, here, 0, length, look(layout, values, length, record.reader))
    except (OSError, ValueError):
        pass  # damaged, or no WARC file: our own reader says what it is
    # The last one too: nobody has seen what is behind it.
    return odd, taken


class _Watched:
    """A file whose bytes are looked at while FastWARC reads it: the last ones are kept, and beginnings of members noted."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._position = 0
        self._pieces: deque[tuple[int, bytes]] = deque()
        self._marks: deque[int] = deque()
        self._is_noting = False

    def begin(self, offset: int) -> bool:
        """Look at what is read from here on; whether a gzip member begins here."""
        self._pieces.clear()
        self._marks.clear()
        self.seek(offset)
        is_gzip = self._stream.read(len(_GZIP)) == _GZIP
        self.seek(offset)
        self._is_noting = True
        return is_gzip

    def read(self, size: int = -1) -> bytes:
        """As files do."""
        data = self._stream.read(size)
        if self._is_noting and data:
            self._note(data)
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """As files do; what is read then is not looked at."""
        self._is_noting = False
        self._position = self._stream.seek(offset, whence)
        return self._position

    def tell(self) -> int:
        """As files do."""
        return self._position

    def seekable(self) -> bool:
        """As files do."""
        return True

    def fileno(self) -> int:
        """As files do."""
        return self._stream.fileno()

    def _note(self, data: bytes) -> None:
        edge = self._pieces[-1][1][1 - len(_GZIP) :] if self._pieces else b""
        start = self._position - len(edge)
        if len(self._marks) < _MOST_MARKS:  # with some missing nothing counts as ordinary
            self._marks.extend(start + found.start() for found in _MARK.finditer(edge + data))
        self._pieces.append((self._position, data))
        while len(self._pieces) > 2 and self._position - self._pieces[1][0] > _WINDOW:
            self._pieces.popleft()

    def is_ordinary(self, record: QuickRecord, end: int, is_gzip: bool) -> bool:
        """Whether a record, behind which FastWARC says that another begins at `end`, fills all bytes to there as it should."""
        if not record.layout.is_sure:
            return False
        size = record.layout.size + sum(map(len, record.values)) + record.content_length + _END
        if not is_gzip:
            return end == record.offset + size and self._last(end, _END) == b"\r\n\r\n"
        marks = self._marks
        while marks and marks[0] <= record.offset:
            marks.popleft()
        if not marks or marks[0] != end:
            return False
        return self._last(end, 4) == (size & 0xFFFFFFFF).to_bytes(4, "little")

    def _last(self, end: int, size: int) -> bytes:
        """The bytes before a place, of what was read a moment ago; fewer when they are gone."""
        start, data = self._pieces[-1]
        if end - size >= start:
            return data[end - start - size : end - start]
        found = b""
        for start, data in reversed(self._pieces):
            if start < end <= start + len(data):
                found = data[max(0, end - start - size) : end - start] + found
                if len(found) >= size:
                    break
                end, size = start, size - len(found)
        return found
