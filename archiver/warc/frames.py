"""Reads WARC files that are compressed with Zstandard: a frame or several a record, perhaps with a dictionary at the start.

The proposal "Zstandard Compression for WARC Files" 1.0 (iipc.github.io/warc-specifications); frames by RFC 8878. Frames are
fed to the engine block by block (section 3.1.1.2): a block gives 128 kB at most, so nothing can swell in memory, and what lies
behind a frame is never taken from the file.
"""

from __future__ import annotations

from collections import OrderedDict
from io import BytesIO
from threading import Lock
from typing import Any

import zstandard

from archiver.errors import DamagedRecord
from archiver.warc.members import Source

#: First bytes of a frame, and of a dictionary inside the frame that holds it.
FRAME = b"\x28\xb5\x2f\xfd"
_DICTIONARY = b"\x37\xa4\x30\xec"
#: First bytes of the frame that holds a dictionary; it is the first of its file.
DICTIONARY_FRAME = b"\x5d\x2a\x4d\x18"

_HEADER_BYTES = 18  # the longest header of a frame
_RLE = 1  # a block of this type lies in the file as one byte
_MOST_WINDOW = 1 << 27
_MOST_DICTIONARY = 1 << 24  # twice what readers have to support
_MOST_KNOWN = 8

_BROKEN = "The compression is broken."
_ENDS = "The file ends inside a record."


def is_frame(start: bytes) -> bool:
    """Bytes that begin a frame of any kind."""
    return start[:4] == FRAME or is_skippable(start)


def is_skippable(start: bytes) -> bool:
    """Bytes that begin a frame that is no part of any record (RFC 8878, section 3.1.2)."""
    return start[1:4] == b"\x2a\x4d\x18" and start[0] & 0xF0 == 0x50


def pass_over(source: Source) -> None:
    """Go behind a frame that is no part of any record."""
    head = source.exactly(8)
    left = int.from_bytes(head[4:], "little")
    while left and (passed := source.skip(left)):
        left -= passed


class Dictionaries:
    """The dictionary of one file, read when a frame asks for it; those of the last files are remembered.

    Args:
        source: the file.
    """

    _known: OrderedDict[tuple[int | str, ...], zstandard.ZstdCompressionDict] = OrderedDict()
    _lock = Lock()

    def __init__(self, source: Source) -> None:
        self._source = source
        self._own: zstandard.ZstdCompressionDict | None = None

    def get(self) -> zstandard.ZstdCompressionDict:
        """The dictionary.

        Raises:
            DamagedRecord: the file has none, or it cannot be read.
        """
        if self._own is None:
            place = self._source.identity(0)
            with self._lock:
                self._own = self._known.get(place) if place else None
            if self._own is None:
                self._own = self._read()
                if place:
                    with self._lock:
                        self._known[place] = self._own
                        while len(self._known) > _MOST_KNOWN:
                            self._known.popitem(last=False)
        return self._own

    def learn(self) -> None:
        """Read the dictionary frame that begins here, so that a stream that cannot go back has it."""
        self._own = _dictionary(self._source)

    def _read(self) -> zstandard.ZstdCompressionDict:
        here = self._source.position
        if not self._source.seekable:
            raise DamagedRecord("The record needs the dictionary at the start of its file, which cannot be read from here.")
        self._source.seek(0)
        try:
            if self._source.peek(4) != DICTIONARY_FRAME:
                raise DamagedRecord("The record is compressed with a dictionary that its file does not have.")
            return _dictionary(self._source)
        finally:
            self._source.seek(here)


def _dictionary(source: Source) -> zstandard.ZstdCompressionDict:
    size = int.from_bytes(source.exactly(8)[4:], "little")
    if size > _MOST_DICTIONARY:
        raise DamagedRecord("The dictionary of the file is too large to be one.")
    data = source.exactly(size)
    if len(data) < size:
        raise DamagedRecord(_ENDS)
    if data[:4] == FRAME:
        data = _unpacked(data)
    if data[:4] != _DICTIONARY:
        raise DamagedRecord("The dictionary of the file cannot be read.")
    try:
        return zstandard.ZstdCompressionDict(data, dict_type=zstandard.DICT_TYPE_FULLDICT)
    except zstandard.ZstdError as error:
        raise DamagedRecord("The dictionary of the file cannot be read.") from error


def _unpacked(data: bytes) -> bytes:
    """A dictionary that is compressed itself."""
    frame, pieces, size = _Frame(Source(BytesIO(data)), None), [], 0
    while piece := frame.read(_MOST_DICTIONARY):
        pieces.append(piece)
        size += len(piece)
        if size > _MOST_DICTIONARY:
            raise DamagedRecord("The dictionary of the file is too large to be one.")
    return b"".join(pieces)


class _Frame:
    """One frame, decompressed."""

    def __init__(self, source: Source, dictionaries: Dictionaries | None) -> None:
        self._source = source
        start = source.peek(_HEADER_BYTES)
        try:
            said = zstandard.get_frame_parameters(start)
            size = zstandard.frame_header_size(start)
        except zstandard.ZstdError as error:
            raise DamagedRecord(_ENDS if len(start) < _HEADER_BYTES else _BROKEN) from error
        if said.window_size > _MOST_WINDOW:
            raise DamagedRecord("The record needs more memory to be decompressed than any honest writer asks for.")
        options: dict[str, Any] = {}
        if said.dict_id and dictionaries is not None:
            options["dict_data"] = dictionaries.get()
        self._checksum = 4 if said.has_checksum else 0
        try:
            self._engine = zstandard.ZstdDecompressor(max_window_size=_MOST_WINDOW, **options).decompressobj()
        except zstandard.ZstdError as error:
            raise DamagedRecord("The dictionary of the file cannot be read.") from error
        self._out, self._at_end = self._feed(source.exactly(size)), False

    def read(self, size: int) -> bytes:
        data, self._out = self.peek(size), self._out[size:]
        return data

    def peek(self, size: int) -> bytes:
        """What comes next, some of it."""
        while not self._out and not self._at_end:
            self._block()
        return self._out[:size]

    def _block(self) -> None:
        head = self._source.exactly(3)
        said = int.from_bytes(head, "little")
        size = 1 if said >> 1 & 3 == _RLE else said >> 3
        is_last = said & 1
        size += self._checksum if is_last else 0
        data = self._source.exactly(size) if len(head) == 3 else b""
        if len(data) < size or len(head) < 3:
            raise DamagedRecord(_ENDS)
        self._out = self._feed(head + data)
        self._at_end = bool(is_last)

    def _feed(self, data: bytes) -> bytes:
        try:
            return self._engine.decompress(data)
        except zstandard.ZstdError as error:
            raise DamagedRecord(_BROKEN) from error


class RecordFrames:
    """The frames of a record: one, and those behind it for as long as the record is said to go on.

    Args:
        source: at the beginning of a frame.
        dictionaries: of its file.
    """

    def __init__(self, source: Source, dictionaries: Dictionaries) -> None:
        self._source, self._dictionaries = source, dictionaries
        self._goes_on = True
        self._frame: _Frame | None = None

    def hold(self, goes_on: bool) -> None:
        """Say whether what comes is part of a record that has begun: only then the next frame is looked at."""
        self._goes_on = goes_on

    def read(self, size: int) -> bytes:
        while True:
            data = self._frame.read(size) if self._frame is not None else b""
            if data or (self._frame is not None and not self._goes_on):
                return data
            start = self._source.peek(4)
            if is_skippable(start) and self._frame is not None:
                pass_over(self._source)
            elif start != FRAME or not self._begin():
                return b""

    def _begin(self) -> bool:
        """Begin the next frame; False when it is that of the next record although this one lacks bytes."""
        here, is_first = self._source.position, self._frame is None
        frame = _Frame(self._source, self._dictionaries)
        if not is_first and self._source.seekable and frame.peek(5) == b"WARC/":
            self._source.seek(here)
            return False
        self._frame = frame
        return True

    def skip(self, size: int) -> int:
        return len(self.read(size))
