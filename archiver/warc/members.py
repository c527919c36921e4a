"""Reads the gzip members of a WARC file, from a byte stream that can put bytes back and, where it is a file, jump."""

from __future__ import annotations

import os
from collections import OrderedDict
from os import SEEK_CUR
from threading import Lock
from typing import Any, BinaryIO, NamedTuple, Protocol

from zlib_ng import zlib_ng

from archiver.errors import DamagedRecord

#: Bytes read at a time.
PIECE = 65536
#: How far apart the places are, in bytes of what was compressed, at which reading may begin again; and how many are
#: remembered, each 100 kB at most.
_APART = 32 * 1024 * 1024
_MOST_PLACES = 64
#: More blocks than any member has.
_FAR = 1 << 62


class Readable(Protocol):
    """Bytes, some at a time."""

    def read(self, size: int) -> bytes:
        """`size` bytes at most; none at the end."""

    def skip(self, size: int) -> int:
        """Pass over `size` bytes at most; how many, 0 at the end."""


class Source:
    """A byte stream with its position and the possibility to put bytes back."""

    def __init__(self, stream: BinaryIO, offset: int = 0) -> None:
        self._stream = stream
        self._back = b""
        self.position = offset

    def read(self, size: int) -> bytes:
        if self._back:
            data, self._back = self._back[:size], self._back[size:]
        else:
            data = self._stream.read(size)
        self.position += len(data)
        return data

    def exactly(self, size: int) -> bytes:
        """`size` bytes; fewer only at the end."""
        data = self.read(size)
        while len(data) < size and (piece := self.read(size - len(data))):
            data += piece
        return data

    def unread(self, data: bytes) -> None:
        self._back = data + self._back
        self.position -= len(data)

    def peek(self, size: int) -> bytes:
        data = self.exactly(size)
        self.unread(data)
        return data

    @property
    def seekable(self) -> bool:
        return self._stream.seekable()

    def seek(self, position: int) -> None:
        """Go on from elsewhere, in a stream that is `seekable`."""
        self._stream.seek(position - self.position - len(self._back), SEEK_CUR)
        self._back = b""
        self.position = position

    def identity(self, position: int) -> tuple[int | str, ...] | None:
        """Tells a place in this state of this file from all others; None where nothing does."""
        if state := getattr(self._stream, "state", None):
            return *state, position
        try:
            found = os.fstat(self._stream.fileno())
        except (OSError, AttributeError):
            return None
        return found.st_dev, found.st_ino, found.st_mtime_ns, position

    def skip(self, size: int) -> int:
        if not self.seekable:
            return len(self.read(min(size, PIECE)))
        self.seek(self.position + size - 1)
        return size if self.read(1) else 0


def open_member(source: Source) -> Readable:
    """The gzip member that begins here, decompressed."""
    return _Stored(source) if _Stored.begins(source) else _Deflated(source)


class _Place(NamedTuple):
    """Where the reading of a long member can begin again.

    Attributes:
        given: bytes before it, decompressed.
        position: in the file.
        engine: as it is there; copied, never used.
    """

    given: int
    position: int
    engine: Any


class _Places:
    """The places met last, of all members together, by member and by how many times `_APART` bytes are before them."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[tuple[int | str, ...], int], _Place] = OrderedDict()
        self._lock = Lock()

    def add(self, member: tuple[int | str, ...], place: _Place) -> None:
        with self._lock:
            self._known[member, place.given // _APART] = place
            if len(self._known) > _MOST_PLACES:
                self._known.popitem(last=False)

    def last(self, member: tuple[int | str, ...], given: int, target: int) -> _Place | None:
        """The last place between two others."""
        with self._lock:
            for number in range(target // _APART, given // _APART, -1):
                place = self._known.get((member, number))
                if place is not None and place.given <= target:
                    self._known.move_to_end((member, number))
                    return place
        return None


_places = _Places()


class _Deflated:
    """A gzip member as zlib-ng reads it: what zlib gives, in half the time.

    On the way through a long one places are remembered at which the next reader, who wants a later part, can begin.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._start = source.position
        self._engine: Any = zlib_ng.decompressobj(31)
        self._pending = b""
        self._given = 0

    def read(self, size: int) -> bytes:
        while not self._engine.eof:
            data = self._pending or self._source.read(PIECE)
            if not data:
                raise DamagedRecord("The file ends inside a record.")
            try:
                out: bytes = self._engine.decompress(data, size)
            except zlib_ng.error as error:  # type: ignore[misc]
                self._source.unread(data)
                raise DamagedRecord("The compression is broken.") from error
            self._pending = self._engine.unconsumed_tail
            if self._engine.eof:
                self._source.unread(self._engine.unused_data)
            if out:
                self._count(len(out))
                return out
        return b""

    def skip(self, size: int) -> int:
        member = self._source.identity(self._start) if size >= _APART and self._source.seekable else None
        place = _places.last(member, self._given, self._given + size) if member else None
        if place is None:
            return len(self.read(min(size, PIECE)))
        passed = place.given - self._given
        self._source.seek(place.position)
        self._given, self._pending, self._engine = place.given, b"", place.engine.copy()
        return passed

    def _count(self, size: int) -> None:
        before = self._given // _APART
        self._given += size
        if self._given // _APART > before and not self._engine.eof and (member := self._source.identity(self._start)):
            position = self._source.position - len(self._pending)
            _places.add(member, _Place(self._given, position, self._engine.copy()))


class _Stored:
    """A gzip member whose blocks lie there as they are (RFC 1951, section 3.2.4): parts of it are jumped over.

    A block that is compressed after all makes it begin again with zlib.
    """

    _HEADER = 10  # bytes of a gzip header without options (RFC 1952, section 2.3)
    _BLOCK = 5
    _TRAILER = 8

    def __init__(self, source: Source) -> None:
        self._source = source
        self._start = source.position
        self._header = b""  # of the block
        self._length = self._left = 0  # bytes of the block, and those of them still to come
        self._reach = _FAR  # blocks to leap over next
        self._given = 0
        self._checksum: int | None = 0  # None once something was jumped over
        self._in_last = self._at_end = False
        self._deflated: _Deflated | None = None
        source.exactly(self._HEADER)

    @classmethod
    def begins(cls, source: Source) -> bool:
        """Such a member may begin here."""
        start = source.peek(cls._HEADER + 1)
        return len(start) > cls._HEADER and start[3] == 0 and start[-1] & 0b110 == 0 and source.seekable

    def read(self, size: int) -> bytes:
        if not self._in_block():
            return b"" if self._deflated is None else self._deflated.read(size)
        data = self._source.read(min(size, self._left))
        if not data:
            raise DamagedRecord("The file ends inside a record.")
        if self._checksum is not None:
            self._checksum = zlib_ng.crc32(data, self._checksum)
        self._left -= len(data)
        self._given += len(data)
        return data

    def skip(self, size: int) -> int:
        if not self._in_block():
            return 0 if self._deflated is None else self._deflated.skip(size)
        self._checksum = None
        passed = self._leap(size)
        if not passed:
            passed = self._source.skip(min(size, self._left))
            if not passed:
                raise DamagedRecord("The file ends inside a record.")
            self._left -= passed
        self._given += passed
        return passed

    def _leap(self, size: int) -> int:
        """Pass over whole blocks of one length, as writers make them; how many bytes, 0 for none.

        All at once is tried first: where files are far away, each leap is a request. Then one, and twice as many each time.
        A leap counts when it ends behind a header that is the same as the one it began behind.
        """
        blocks = min(self._reach, size // self._length) if self._left == self._length and not self._in_last else 0
        if not blocks:
            return 0
        here = self._source.position
        self._source.seek(here + blocks * (self._length + self._BLOCK) - self._BLOCK)
        if self._source.exactly(self._BLOCK) != self._header:
            self._source.seek(here)
            self._reach = 1
            return 0
        self._reach = min(_FAR, self._reach * 2)
        return blocks * self._length

    def _in_block(self) -> bool:
        """Stored bytes come next; False at the end, and where zlib reads on."""
        while not self._left:
            if self._at_end or self._deflated is not None:
                return False
            if self._in_last:
                self._end()
                return False
            header = self._source.exactly(self._BLOCK)
            if len(header) < self._BLOCK:
                raise DamagedRecord("The file ends inside a record.")
            length, complement = int.from_bytes(header[1:3], "little"), int.from_bytes(header[3:], "little")
            if header[0] & 0b110 or length ^ complement != 0xFFFF:
                self._inflate()
                return False
            self._header, self._length, self._left = header, length, length
            self._in_last = bool(header[0] & 1)
        return True

    def _inflate(self) -> None:
        """Begin again with zlib, which also tells damage from compression."""
        self._source.seek(self._start)
        self._deflated = _Deflated(self._source)
        while self._given:
            passed = self._deflated.skip(self._given)
            if not passed:
                raise DamagedRecord("The compression is broken.")
            self._given -= passed

    def _end(self) -> None:
        trailer = self._source.exactly(self._TRAILER)
        if len(trailer) < self._TRAILER:
            raise DamagedRecord("The file ends inside a record.")
        self._at_end = True
        if self._checksum is not None and self._checksum != int.from_bytes(trailer[:4], "little"):
            raise DamagedRecord("The compression is broken.")
