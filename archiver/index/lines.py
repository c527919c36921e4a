"""Lines of a text file in bytewise order, found by binary search and read in both directions in little memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from archiver.errors import StorageFailed
from archiver.index.bytesource import ByteSource, View

#: No line of an index is longer.
MAX_LINE_BYTES = 1024 * 1024
#: Bytes that are read at first, and at each further step: most look-ups want few lines.
_FIRST_READ = 8 * 1024
_READ = 256 * 1024
#: Below so many bytes the search reads on line by line.
_NEAR = 8 * 1024


class Lines(Protocol):
    """Lines in bytewise order."""

    def forward(self, place: bytes) -> Iterator[bytes]:
        """Lines that are not less than `place`, in their order, without their ends."""
        ...

    def backward(self, place: bytes) -> Iterator[bytes]:
        """Lines that are less than `place`, the greatest first."""
        ...


class SortedLines:
    """A file of lines.

    Args:
        source: where it is.
    """

    def __init__(self, source: ByteSource) -> None:
        self._source = source

    @property
    def name(self) -> str:
        """Where it is, for people."""
        return self._source.name

    def forward(self, place: bytes) -> Iterator[bytes]:
        """Lines that are not less than `place`, in their order.

        Raises:
            StorageFailed: the file cannot be read, or is none of lines.
        """
        view = self._source.view()
        for line in self._lines(view, self._near(view, place)):
            line = line.rstrip(b"\r")
            if line and line >= place:
                yield line

    def backward(self, place: bytes) -> Iterator[bytes]:
        """Lines that are less than `place`, the greatest first.

        Raises:
            StorageFailed: the file cannot be read, or is none of lines.
        """
        view = self._source.view()
        end = self._near(view, place)
        for line in self._lines(view, end):
            if line >= place:
                break
            end += len(line) + 1
        kept, length, end = b"", _FIRST_READ, min(end, view.size)
        while end > 0:
            start = max(0, end - length)
            data = view.read(start, end - start) + kept
            kept = b""
            if start:  # the first line is not whole
                kept, _, data = data.partition(b"\n")
                if len(kept) > MAX_LINE_BYTES:
                    raise self._no_lines()
            for line in reversed(data.split(b"\n")):
                if line and line != b"\r":
                    yield line.rstrip(b"\r")
            end, length = start, _READ

    def _near(self, view: View, place: bytes) -> int:
        """Where a line begins that is less than `place`, a little before the first that is not; 0 when that is near it."""
        low, high = 0, view.size
        while high - low > _NEAR:
            middle = (low + high) // 2
            start = self._line_start(view, middle, high)
            if start is not None and next(self._lines(view, start), b"\xff" * 8) < place:
                low = start
            else:
                high = middle
        return low

    def _line_start(self, view: View, offset: int, end: int) -> int | None:
        """Where the first line begins that begins behind `offset`; None when none does before `end`."""
        at = offset
        while at < end:
            data = view.read(at, min(_FIRST_READ, end - at))
            found = data.find(b"\n")
            if found >= 0:
                return at + found + 1 if at + found + 1 < end else None
            if not data:
                return None
            at += len(data)
            if at - offset > MAX_LINE_BYTES:
                raise self._no_lines()
        return None

    def _lines(self, view: View, offset: int) -> Iterator[bytes]:
        """The lines from an offset on at which one begins, with what stands before their line feeds."""
        kept, length = b"", _FIRST_READ
        while offset < view.size:
            data = view.read(offset, min(length, view.size - offset))
            if not data:
                break
            offset += len(data)
            pieces = (kept + data).split(b"\n")
            kept = pieces.pop()
            if len(kept) > MAX_LINE_BYTES:
                raise self._no_lines()
            yield from pieces
            length = _READ
        if kept:
            yield kept

    def _no_lines(self) -> StorageFailed:
        return StorageFailed(f"{self.name} is no index: it has no lines.", "Look whether it is the right file.")
