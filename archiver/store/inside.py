"""WARC files inside packages: those that lie in a ZIP file as they are can be read from where they are.

Such a file's name is that of the package, "!/" and its name inside: "/data/x.wacz!/archive/y.warc.gz".
"""

from __future__ import annotations

import errno
import os
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from io import SEEK_CUR, SEEK_END, SEEK_SET, BufferedReader, RawIOBase
from threading import Lock
from typing import BinaryIO, cast

from archiver.errors import DamagedRecord, MissingRecord

#: Between the name of a package and the name of a file in it.
INSIDE = "!/"

#: What Python's ZIP reader may raise on files that are none.
ZIP_ERRORS = (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, OverflowError, EOFError, IndexError)

_MOST_PACKAGES = 64
_MOST_DEEP = 3  # packages in packages
_LOCAL_HEADER = struct.Struct("<4s2xHH16xHH")
_ENCRYPTED = 0x1

_known: OrderedDict[tuple[object, ...], dict[str, tuple[int, int]]] = OrderedDict()
_lock = Lock()


class Slice(RawIOBase):
    """A part of a stream as a stream of its own; closes the other one with itself.

    Args:
        stream: can seek.
        start: of the part, in bytes.
        length: of the part.
    """

    def __init__(self, stream: BinaryIO, start: int, length: int) -> None:
        super().__init__()
        self._stream, self._start, self._length = stream, start, length
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        base = {SEEK_SET: 0, SEEK_CUR: self._position, SEEK_END: self._length}[whence]
        if base + offset < 0:
            raise ValueError("negative position")
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self._length - self._position)
        wanted = left if size is None or size < 0 else min(size, left)
        if not wanted:
            return b""
        self._stream.seek(self._start + self._position)
        data = self._stream.read(wanted)
        self._position += len(data)
        return data

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def whole_reads(stream: BinaryIO) -> BinaryIO:
    """The same stream, but that reading gives as much as was asked for, up to the end: Python's ZIP reader counts on it."""
    return cast(BinaryIO, BufferedReader(stream)) if isinstance(stream, RawIOBase) else stream


def split_inside(name: str) -> tuple[str, str] | None:
    """(package, name inside) of a name; None when it is not inside of anything."""
    package, mark, inside = name.rpartition(INSIDE)
    return (package, inside) if mark and package and inside and package.count(INSIDE) < _MOST_DEEP else None


def is_inside(url: str) -> bool:
    """A URL is that of a file inside a package; addresses of replays may have the mark in what they replay."""
    return INSIDE in url and not url.startswith("replay+")


def open_inside(opener: Callable[[str], BinaryIO], name: str, offset: int = 0) -> BinaryIO:
    """A file inside a package, for reading, at `offset`.

    Args:
        opener: opens the package.
        name: of the file, with that of the package.
        offset: in bytes.

    Raises:
        MissingRecord: the package, or the file in it, is not there.
        DamagedRecord: it is compressed in there, or encrypted, or the package is damaged.
    """
    parts = split_inside(name)
    if parts is None:
        raise MissingRecord("A WARC file that the index names is not there.", "Put it back, or rebuild the index.")
    stream = opener(parts[0])
    try:
        place = _places(stream, parts[0]).get(parts[1])
        if place is None:
            raise MissingRecord("A WARC file is not in the package that it was taken in from.", "Put that package back.")
    except BaseException:
        stream.close()
        raise
    part = Slice(stream, *place)
    part.seek(offset)
    return cast(BinaryIO, part)


def stored_at(stream: BinaryIO, entry: zipfile.ZipInfo) -> tuple[int, int]:
    """Where in a ZIP file the bytes of a file lie that is stored in it as it is: (offset, length).

    Raises:
        DamagedRecord: it is compressed or encrypted, or its header is not where the directory says.
    """
    if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & _ENCRYPTED:
        raise DamagedRecord(
            "The file is compressed or encrypted inside its package.",
            "Have the package copied into the archive.",
            command="Import the package without --in-place.",
        )
    try:
        stream.seek(entry.header_offset)
    except (OSError, ValueError, OverflowError) as error:  # before the beginning, or where no file can reach
        raise DamagedRecord("The package's directory names a place where no file begins.") from error
    raw = b""
    while len(raw) < _LOCAL_HEADER.size and (piece := stream.read(_LOCAL_HEADER.size - len(raw))):
        raw += piece
    if len(raw) < _LOCAL_HEADER.size or raw[:4] != b"PK\x03\x04":
        raise DamagedRecord("The package's directory names a place where no file begins.")
    _, _, method, name_length, extra_length = _LOCAL_HEADER.unpack(raw)
    if method != zipfile.ZIP_STORED:
        raise DamagedRecord("The package's directory and the file's own header contradict each other.")
    start = entry.header_offset + _LOCAL_HEADER.size + name_length + extra_length
    end = stream.seek(0, SEEK_END)
    if start > end:
        raise DamagedRecord("The package ends before the file that its directory names.")
    return start, min(entry.compress_size, end - start)


def _places(stream: BinaryIO, package: str) -> dict[str, tuple[int, int]]:
    """Where in a package the files lie that are stored as they are; remembered while the package stays the same."""
    state = _state(stream, package)
    with _lock:
        if state in _known:
            _known.move_to_end(state)
            return _known[state]
    found: dict[str, tuple[int, int]] = {}
    whole = whole_reads(stream)
    try:
        for entry in zipfile.ZipFile(whole).infolist():
            try:
                found[entry.filename] = stored_at(whole, entry)
            except DamagedRecord:
                continue
    except (*ZIP_ERRORS, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise  # not what the package says, but the disk
        raise DamagedRecord("A package that WARC files were taken in from cannot be read any more.") from error
    finally:
        if isinstance(whole, BufferedReader) and whole is not stream:
            whole.detach()
    with _lock:
        _known[state] = found
        while len(_known) > _MOST_PACKAGES:
            _known.popitem(last=False)
    return found


def _state(stream: BinaryIO, package: str) -> tuple[object, ...]:
    try:
        about = os.fstat(stream.fileno())
        return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns
    except (OSError, AttributeError):
        return package, stream.seek(0, SEEK_END), getattr(stream, "version", "")
