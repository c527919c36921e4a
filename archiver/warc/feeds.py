"""Bytes of a WARC file on their way to the scanner: a window on the file, and what is in it, plain or from a gzip member."""

from __future__ import annotations

from typing import Any, BinaryIO

from zlib_ng import zlib_ng

_READ = 1024 * 1024
_MOST_OUT = 1024 * 1024  # bytes that one step of decompression gives
FIRST_STEP, _LARGEST_STEP = 32 * 1024, 256 * 1024

#: First bytes of a gzip member.
MAGIC = b"\x1f\x8b\x08"


class Cut(Exception):
    """The file ends where more must come."""


class Broken(Exception):
    """The compression cannot be read on; the rule is the argument."""


class Window:
    """A window on the file."""

    def __init__(self, stream: BinaryIO, position: int) -> None:
        self._stream = stream
        self._base = position
        self.data = b""
        self.at = 0

    @property
    def position(self) -> int:
        """In the file."""
        return self._base + self.at

    def has(self, size: int) -> bool:
        """So many bytes are there (and in the window)."""
        while len(self.data) - self.at < size:
            more = self._stream.read(_READ)
            if not more:
                return False
            self._base += self.at
            self.data = self.data[self.at :] + more if self.at < len(self.data) else more
            self.at = 0
        return True

    def starts(self, size: int) -> bytes:
        """The next bytes, so many at most."""
        self.has(size)
        return self.data[self.at : self.at + size]

    def seek(self, position: int) -> None:
        """Go on from there."""
        if self._base <= position <= self._base + len(self.data):
            self.at = position - self._base
        else:
            self._stream.seek(position)
            self._base, self.data, self.at = position, b"", 0


class Feed:
    """Decoded bytes with a place in them; `pull` brings more."""

    def __init__(self, source: Window) -> None:
        self.source = source
        self.buffer = b""
        self.at = 0
        self.is_done = False
        self.trouble: Exception | None = None  # met when nobody could be told

    def pull(self) -> bool:
        """More bytes are there now; False at the end.

        Raises:
            Cut, Broken: see there.
        """
        piece = b"" if self.is_done else self._next()
        if not piece:
            self.is_done = True
            return False
        self.buffer = self.buffer[self.at :] + piece if self.at < len(self.buffer) else piece
        self.at = 0
        return True

    def has(self, size: int) -> bool:
        """So many bytes are there from the place on."""
        while len(self.buffer) - self.at < size:
            if not self.pull():
                return False
        return True

    def _next(self) -> bytes:
        raise NotImplementedError


class Plain(Feed):
    def _next(self) -> bytes:
        if not self.source.has(1):
            return b""
        piece = self.source.data[self.source.at :]
        self.source.at = len(self.source.data)
        return piece

    @property
    def position(self) -> int:
        """In the file, of the place."""
        return self.source.position - (len(self.buffer) - self.at)


class Member(Feed):
    """One gzip member."""

    def __init__(self, source: Window, wbits: int = 31) -> None:
        self.source = source
        self.buffer, self.at, self.is_done, self.trouble = b"", 0, False, None
        self._engine: Any = zlib_ng.decompressobj(wbits)
        self._step = FIRST_STEP

    def first(self) -> bytes:
        """What the first bytes of it decompress to; nothing, when there is trouble, which is told later."""
        try:
            self.buffer = self._next()
        except (Cut, Broken) as error:
            self.trouble = error
        return self.buffer

    def _next(self) -> bytes:
        if self.trouble is not None:
            raise self.trouble
        source, engine = self.source, self._engine
        while not engine.eof:
            if not source.has(1):
                raise Cut
            piece = memoryview(source.data)[source.at : source.at + self._step]
            try:
                out: bytes = engine.decompress(piece, _MOST_OUT)
            except zlib_ng.error as error:  # type: ignore[misc]
                raise Broken("gzip-checksum" if "check" in str(error) else "gzip-broken") from error
            source.at += len(piece) - len(engine.unused_data if engine.eof else engine.unconsumed_tail)
            self._step = min(self._step * 4, _LARGEST_STEP)
            if engine.eof:
                self.is_done = True
            if out:
                return out
        return b""

    def pull(self) -> bool:
        if self._engine.eof:
            self.is_done = True
            return False
        piece = self._next()
        if piece:
            self.buffer = self.buffer[self.at :] + piece if self.at < len(self.buffer) else piece
            self.at = 0
        return bool(piece)


def pass_header(source: Window) -> bool:
    """Pass over the header of a gzip member (RFC 1952, section 2.3); False when it is not whole."""
    source.has(FIRST_STEP)
    data, at = source.data, source.at
    flags, end = data[at + 3], at + 10
    if flags & 4:
        end += 2 + int.from_bytes(data[end : end + 2], "little")
    for flag in (8, 16):  # name, comment
        if flags & flag:
            end = data.find(b"\0", end) + 1
            if not end:
                return False
    end += 2 if flags & 2 else 0
    source.at = min(end, len(data))
    return end < len(data)


def begins_record(source: Window) -> bool:
    """A gzip member begins at the place of the window, and with a record."""
    source.has(FIRST_STEP)
    try:
        out = zlib_ng.decompressobj(31).decompress(memoryview(source.data)[source.at : source.at + FIRST_STEP], 64)
    except zlib_ng.error:  # type: ignore[misc]
        return False
    return bool(out.lstrip(b"\r\n").startswith(b"WARC/"))
