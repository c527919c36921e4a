"""Takes whole gzip members out of a file, with libdeflate: at once, not piece by piece, and the large ones in a second thread.

Only what is proven is given: a member whose checksum and length are right, that fills every byte up to the next one.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from queue import SimpleQueue
from typing import BinaryIO

from deflate import DeflateError, gzip_decompress
from zlib_ng import zlib_ng

MAGIC = b"\x1f\x8b\x08"
_MARK = re.compile(re.escape(MAGIC))
_WINDOW = 1024 * 1024
#: Bytes of the largest member that is taken, as stored and unpacked.
_MOST_STORED, _MOST = 4 * 1024 * 1024, 8 * 1024 * 1024
#: Bytes from which a member is worth the way to another thread and back, and so many at most that wait to be asked for.
_LARGE, _MOST_AHEAD = 32 * 1024, 12 * 1024 * 1024
_MOST_RATIO = 1032  # of deflate
_HEADER, _TRAILER = 10, 8
#: Flags of members that need a closer look: a checksum of the header, and what means nothing yet (RFC 1952, section 2.3.1).
_ODD_FLAGS = 0xE2

Member = tuple[int, int, bytearray]

#: Name of the second thread.
THREAD = "unpacking"


def unpack(data: bytes, at: int, end: int, view: memoryview, most: int = _MOST) -> bytearray | None:
    """What a member holds that is data[at:end]; None when it is not that, not sound, empty or large. `view`: of all data.

    libdeflate says nothing of bytes behind a member, so the four bytes of its length must not have come before the end.
    """
    if end - at < _HEADER + _TRAILER or data[at + 3] & _ODD_FLAGS:
        return None
    trailer = data[end - 4 : end]
    size = int.from_bytes(trailer, "little")
    if not 0 < size <= most:
        return None
    try:
        out: bytearray = gzip_decompress(view[at:end], size)
    except DeflateError:
        return None
    if len(out) != size:
        return None
    if data.find(trailer, at + _HEADER, end) != end - 4 and _end(data, at) != end:
        return None
    return out


def _end(data: bytes, at: int) -> int:
    """Where a member ends, by decompressing it step by step; -1 when it does not, or is large."""
    engine = zlib_ng.decompressobj(31)
    try:
        engine.decompress(memoryview(data)[at:], _MOST)
    except zlib_ng.error:  # type: ignore[misc]
        return -1
    return len(data) - len(engine.unused_data) if engine.eof else -1


def whole_members(stream: BinaryIO, offset: int, *, ahead: bool = False) -> Generator[Member, None, None]:
    """Members one after another, until one is not proven or nothing is behind it.

    Args:
        stream: is read from `offset` on; may be used for something else between two members if its place is put back.
        offset: of a member.
        ahead: unpack large ones in another thread before they are asked for.

    Yields:
        Where it begins and ends in the file, and what is in it.
    """
    helper = _Helper() if ahead else None
    try:
        for window in _prepared(_windows(stream, offset), helper):
            if not (yield from _within(window, helper)):
                return
    finally:
        if helper is not None:
            helper.stop()


@dataclass(slots=True)
class _Window:
    """Bytes of the file, and where in them members begin or seem to."""

    base: int
    data: bytes
    places: list[int]
    offered: dict[int, int] = field(default_factory=dict)  # large members for the other thread: begin → end
    waiting: dict[int, int] = field(default_factory=dict)  # those of them that nobody has begun with


def _windows(stream: BinaryIO, offset: int) -> Iterator[_Window]:
    """Windows that begin with a member, each where the last place of the one before is."""
    stream.seek(offset)
    data = b""
    while True:
        more = stream.read(_WINDOW)
        data += more
        if not data.startswith(MAGIC):
            return
        places = [found.start() for found in _MARK.finditer(data)]
        if len(places) > 1:
            yield _Window(offset, data, places)
            offset += places[-1]
            data = data[places[-1] :]
        if not more or len(data) > _MOST_STORED:
            return


def _prepared(windows: Iterator[_Window], helper: _Helper | None) -> Iterator[_Window]:
    """The windows, the large members of the next one under way."""
    if helper is None:
        yield from windows
        return
    before: _Window | None = None
    for window in windows:
        helper.take(window)
        if before is not None:
            yield before
        before = window
    if before is not None:
        yield before


def _within(window: _Window, helper: _Helper | None) -> Generator[Member, None, bool]:
    """The members of a window; False when one of them is not proven."""
    base, data = window.base, window.data
    view, offered = memoryview(data), window.offered
    upto = 0
    for at, end in pairwise(window.places):
        if at < upto:
            continue  # what looked like a member was within one
        out = helper.get(window, at) if helper is not None and at in offered else unpack(data, at, end, view)
        if out is None:
            end = _end(data, at)
            if end not in window.places:
                return False
            out = unpack(data, at, end, view)
            if out is None:
                return False
        upto = end
        yield base + at, base + end, out
    return upto <= window.places[-1]


class _Helper:
    """The other thread: unpacks the large members of a window in their order. What it has not begun the asker does itself."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[_Window | None] = SimpleQueue()
        self._done: SimpleQueue[tuple[int, bytearray | None]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_over = False

    def take(self, window: _Window) -> None:
        """Begin with a window."""
        left, data = _MOST_AHEAD, window.data
        for at, end in pairwise(window.places):
            size = int.from_bytes(data[end - 4 : end], "little")
            if _LARGE < size <= left and size <= _MOST_RATIO * (end - at):
                left -= size
                window.offered[at] = window.waiting[at] = end
        if not window.offered:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=THREAD, daemon=True)
            self._thread.start()
        self._asked.put(window)

    def get(self, window: _Window, at: int) -> bytearray | None:
        """What a large member holds, see `unpack`."""
        if window.waiting.pop(at, None) is not None:
            return unpack(window.data, at, window.offered[at], memoryview(window.data))
        wanted = window.base + at
        while True:
            place, out = self._done.get()
            if place == wanted:  # those before were none, but bytes of another member
                return out

    def stop(self) -> None:
        """It is not needed any more."""
        self._is_over = True
        self._asked.put(None)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (window := self._asked.get()) is not None:
            view = memoryview(window.data)
            for at, end in window.offered.items():
                if self._is_over:
                    return
                if window.waiting.pop(at, None) is not None:
                    try:
                        out = unpack(window.data, at, end, view)
                    except Exception:  # noqa: BLE001 - such as no memory: the asker must not wait for ever, and looks itself
                        out = None
                    self._done.put((window.base + at, out))
