"""A file elsewhere as a stream that can seek: read part by part, with a read-ahead that grows and is bounded."""

from __future__ import annotations

from io import SEEK_CUR, SEEK_END, SEEK_SET, RawIOBase
from typing import BinaryIO, cast

from archiver.store.remote import ReadableFiles

#: Bytes asked for at first, where nobody said how many will be read, and after each jump.
FIRST = 64 * 1024
#: Up to here what was said to be read is asked for at once; of more, `BEGIN` at first: it may be jumped over.
AT_ONCE = 1024 * 1024
BEGIN = 128 * 1024
#: Bytes asked for at most.
MOST = 8 * 1024 * 1024


class ReadAhead:
    """Decides how much is asked for next.

    Args:
        offset: where reading begins.
        length_hint: how many bytes will be read from there, most likely; 0 when unknown.
    """

    def __init__(self, offset: int, length_hint: int = 0) -> None:
        self._first = offset
        self._hint = max(0, length_hint)
        self._wanted = 0
        self._end: int | None = None

    def next(self, position: int) -> int:
        """The end of the part to ask for, from `position`: the double of the last one, where it goes on from there."""
        if position != self._end:
            self._wanted = self._at_first(position)
        else:
            self._wanted = min(MOST, self._wanted * 2)
        last = self._first + self._hint
        end = position + self._wanted
        if self._first <= position < last:
            end = min(end, last)
        self._end = end
        return end

    def _at_first(self, position: int) -> int:
        if self._end is not None or not self._hint:
            return FIRST
        return self._hint if self._hint <= AT_ONCE else BEGIN


class RangeStream(RawIOBase):
    """A file elsewhere, for reading; a `read` that would go on behind the part that was announced ends with it.

    The first part is asked for at once: a file that is not there cannot be opened.

    Args:
        files: where it is.
        key: its name there.
        offset: where reading begins.
        length_hint: how many bytes will be read from there, most likely; 0 when unknown.

    Raises:
        MissingRecord: there is no such file; also from `read`, when it vanishes.
        DamagedRecord: from `read`, when it changed.
        StorageFailed: the place cannot be asked.
    """

    def __init__(self, files: ReadableFiles, key: str, offset: int = 0, length_hint: int = 0) -> None:
        super().__init__()
        self._files = files
        self._key = key
        self._position = offset
        self._announced = offset + max(0, length_hint)
        self._ahead = ReadAhead(offset, length_hint)
        self._start = offset  # of what is held
        self._held = memoryview(b"")
        self._total: int | None = None
        self.version = ""
        self._ask()

    @property
    def state(self) -> tuple[str, ...] | None:
        """Tells this state of this file from all others; None where nothing does."""
        return (self._files.address, self._key, self.version) if self.version else None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        base = {SEEK_SET: 0, SEEK_CUR: self._position}.get(whence)
        if base is None:
            if whence != SEEK_END:
                raise ValueError("whence must be 0, 1 or 2")
            base = self.size()
        if base + offset < 0:
            raise ValueError("negative position")
        self._position = base + offset
        return self._position

    def size(self) -> int:
        """Bytes of the whole file."""
        if self._total is None:
            self._total = self._files.stat(self._key).size
        return self._total

    def read(self, size: int | None = -1) -> bytes:
        self._checkOpen()
        if size is None or size < 0:
            return self.readall()
        if not size:
            return b""
        if self._position < self._announced:
            size = min(size, self._announced - self._position)
        data = self._next(size)
        if len(data) == size or not data:
            return data
        pieces = [data]
        size -= len(data)
        while size and (data := self._next(size)):
            pieces.append(data)
            size -= len(data)
        return b"".join(pieces)

    def _next(self, size: int) -> bytes:
        """Some of the next bytes; none at the end."""
        if not self._start <= self._position < self._start + len(self._held):
            if self._total is not None and self._position >= self._total:
                return b""
            self._ask()
        at = self._position - self._start
        data = bytes(self._held[at : at + size])
        self._position += len(data)
        return data

    def readall(self) -> bytes:
        return b"".join(iter(lambda: self.read(MOST), b""))

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._held = memoryview(b"")
        super().close()

    def _checkOpen(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file.")

    def _ask(self) -> None:
        start, end = self._position, self._ahead.next(self._position)
        part = self._files.read(self._key, start, end, self.version)
        self.version = self.version or part.version
        self._start, self._held = start, memoryview(part.data)
        if part.total is not None:
            self._total = part.total
        elif 0 < len(part.data) < end - start:
            self._total = start + len(part.data)


def open_part(files: ReadableFiles, key: str, offset: int = 0, length_hint: int = 0) -> BinaryIO:
    """A file elsewhere, for reading from `offset`; see `RangeStream`."""
    return cast(BinaryIO, RangeStream(files, key, offset, length_hint))
