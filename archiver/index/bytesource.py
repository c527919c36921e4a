"""Bytes of a file that lies somewhere, by range: on this machine, or behind a URL."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Protocol

from archiver.errors import DamagedRecord, MissingRecord, StorageFailed
from archiver.store.places import Places
from archiver.store.remote import ReadableFiles, Stat

#: Remote files are asked for in pieces of this size, of which some are kept: 4 MB a file.
BLOCK_BYTES = 64 * 1024
_BLOCKS_KEPT = 64
#: Seconds after which a remote file is asked again whether it has changed.
_FRESH_SECONDS = 300.0


class View(Protocol):
    """A file as it was at one moment; may be read by several threads at once."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on; fewer only at its end.

        Raises:
            StorageFailed: it cannot be read.
        """
        ...


class ByteSource(Protocol):
    """A file that is read by ranges, by several threads at once, and may be replaced by another at any time."""

    @property
    def name(self) -> str:
        """Where it is, for people."""
        ...

    def view(self) -> View:
        """The file as it is now.

        Raises:
            StorageFailed: it cannot be reached.
        """
        ...


def is_url(location: str) -> bool:
    """The location is not on this machine."""
    return "://" in location


def open_bytes(location: str, places: Places | None = None) -> ByteSource:
    """The file at a path or URL; nothing is read yet."""
    return RemoteBytes(location, places or Places()) if is_url(location) else LocalBytes(location)


def read_whole(source: ByteSource, most: int) -> bytes:
    """All of a small file.

    Raises:
        StorageFailed: it cannot be read, or is longer than `most` bytes.
    """
    view = source.view()
    if view.size > most:
        raise StorageFailed(f"{source.name} is longer than such a file can be.", "Look whether it is the right one.")
    return view.read(0, view.size)


class LocalBytes:
    """A file of this machine.

    Args:
        path: of the file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._opened: _OpenedFile | None = None

    @property
    def name(self) -> str:
        """Its path."""
        return self._path

    def view(self) -> View:
        """The file; opened anew when another was put in its place, while those who read the old one go on with that."""
        try:
            found = Path(self._path).stat()
            opened = self._opened
            if opened is None or opened.kind != (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns):
                self._opened = opened = _OpenedFile(self._path)
        except OSError as error:
            raise _lost(self._path, error) from error
        return opened


class _OpenedFile:
    """An open file, closed when nobody reads it any more."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._handle = -1
        self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        found = os.fstat(self._handle)
        self.kind = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        self.size = found.st_size

    def read(self, offset: int, length: int) -> bytes:
        try:
            return os.pread(self._handle, length, offset)
        except OSError as error:
            raise _lost(self._path, error) from error

    def __del__(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)


def _lost(path: str, error: OSError) -> StorageFailed:
    return StorageFailed(f"{path} cannot be read: {error.strerror}.", "Put it back, or detach the index.")


class RemoteBytes:
    """A file behind a URL; the pieces that were read last are kept.

    Args:
        url: any that WARC files can be read from too.
        places: opens it.
        monotonic: seconds that never go backwards.
    """

    def __init__(self, url: str, places: Places, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._places = places
        self._monotonic = monotonic
        self._found: tuple[ReadableFiles, str] | None = None
        self._known: tuple[float, Stat] | None = None
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._lock = Lock()

    @property
    def name(self) -> str:
        """Its URL."""
        return self._url

    def view(self) -> View:
        """The file; after some minutes it is asked again whether it has changed, and what was kept is forgotten."""
        self._stat()
        return self

    @property
    def size(self) -> int:
        """Its length."""
        return self._stat().size

    def read(self, offset: int, length: int) -> bytes:
        """Bytes of the file, in whole pieces of `BLOCK_BYTES`; those that follow each other by one request."""
        end = min(offset + length, self.size)
        if end <= offset:
            return b""
        first, last = offset // BLOCK_BYTES, (end - 1) // BLOCK_BYTES
        with self._lock:
            blocks = {number: self._blocks[number] for number in range(first, last + 1) if number in self._blocks}
        missing = [number for number in range(first, last + 1) if number not in blocks]
        if missing:
            blocks |= self._fetched(missing[0], missing[-1])
        with self._lock:
            for number, data in blocks.items():
                self._blocks[number] = data
                self._blocks.move_to_end(number)
            while len(self._blocks) > _BLOCKS_KEPT:
                self._blocks.popitem(last=False)
        whole = b"".join(blocks[number] for number in range(first, last + 1))
        return whole[offset - first * BLOCK_BYTES : end - first * BLOCK_BYTES]

    def _stat(self) -> Stat:
        now = self._monotonic()
        known = self._known
        if known is not None and now < known[0] + _FRESH_SECONDS:
            return known[1]
        files, key = self._opened()
        with self._failures_told():
            stat = files.stat(key)
        with self._lock:
            self._blocks.clear()
            self._known = (now, stat)
        return stat

    def _fetched(self, first: int, last: int) -> dict[int, bytes]:
        files, key = self._opened()
        stat = self._stat()
        start = first * BLOCK_BYTES
        end = min((last + 1) * BLOCK_BYTES, stat.size)
        with self._failures_told():
            data = files.read(key, start, end, stat.version).data
        if len(data) != end - start:
            raise StorageFailed(f"{self._url} gave other bytes than were asked for.", "Its server must give parts of files.")
        return {first + at // BLOCK_BYTES: data[at : at + BLOCK_BYTES] for at in range(0, len(data), BLOCK_BYTES)}

    def _opened(self) -> tuple[ReadableFiles, str]:
        if self._found is None:
            with self._failures_told():
                self._found = self._places.find(self._url)
        return self._found

    @contextmanager
    def _failures_told(self) -> Iterator[None]:
        """What stores say of WARC files, said of an index."""
        try:
            yield
        except MissingRecord as error:
            raise StorageFailed(f"{self._url} is not there, or cannot be read from here.", error.advice) from error
        except DamagedRecord as error:
            self._known = None  # another file lies there now: look at it anew
            raise StorageFailed(f"{self._url} has changed.", "Try again.") from error
        except StorageFailed as error:
            raise StorageFailed(f"{self._url} cannot be read now.", error.advice) from error
