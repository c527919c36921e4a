"""Rewritten responses, kept on disk: shared by all server processes, bounded, and gone without loss.

One file an entry, put in place by a rename, so that a reader sees a whole entry or none; a checksum finds what a crash
left behind. Access is not decided here: callers look up what a reader may see before they ask for it.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_hex

from zlib_ng import zlib_ng

logger = logging.getLogger(__name__)

#: After a clean-up this share of the room is in use.
_KEPT_SHARE = 0.8
#: Between two clean-ups one process writes at most this share of the room; no entry is larger.
_WRITTEN_SHARE = 0.1
#: An entry's last use is noted when the note is older than this, seconds.
_TOUCH_AFTER = 3600.0
_CHECKSUM_BYTES = 4
_LOCK = ".lock"


class RewriteCache:
    """Bytes by key, the least recently used thrown out first.

    Args:
        folder: made when needed; anything below it may be deleted at any time.
        limit: bytes on disk, about; 0 keeps nothing.
        clock: seconds since 1970.
    """

    def __init__(self, folder: Path, limit: int, *, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._limit = limit
        self._clock = clock
        self._written = limit  # the first entry of a process has it look at what others left

    def get(self, key: str) -> bytes | None:
        """The entry, or None.

        Args:
            key: hexadecimal digits.
        """
        if not self._limit:
            return None
        path = self._path(key)
        try:
            with path.open("rb") as file:
                data = file.read()
                used = os.fstat(file.fileno()).st_mtime
        except OSError:
            return None
        body = data[_CHECKSUM_BYTES:]
        if not body or zlib_ng.crc32(body) != int.from_bytes(data[:_CHECKSUM_BYTES]):
            logger.warning("a damaged entry of the rewrite cache was removed")
            _remove(path)
            return None
        now = self._clock()
        if now - used > _TOUCH_AFTER:
            try:
                os.utime(path, (now, now))
            except OSError:
                pass  # thrown out in between, or a disk that cannot be written
        return body

    def put(self, key: str, data: bytes) -> None:
        """Keep an entry; a disk that does not take it costs a line in the log."""
        if not 0 < len(data) <= self._limit * _WRITTEN_SHARE:
            return
        path = self._path(key)
        temporary = path.with_name(f"{path.name}.{token_hex(4)}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                file.write(zlib_ng.crc32(data).to_bytes(_CHECKSUM_BYTES))
                file.write(data)
            temporary.replace(path)
            self._written += len(data)
            if self._written > self._limit * _WRITTEN_SHARE:
                self._written = 0
                self.sweep()
        except OSError as error:
            logger.warning("the rewrite cache cannot be written: %s", error.strerror)
            _remove(temporary)

    def sweep(self) -> None:
        """Throw out what was not used for longest, until there is room again; one process at a time."""
        with (self._folder / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            entries = sorted(self._entries())
            size = sum(length for _, length, _ in entries)
            if size <= self._limit:
                return
            for _, length, path in entries:
                _remove(path)
                size -= length
                if size <= self._limit * _KEPT_SHARE:
                    return

    def _entries(self) -> Iterator[tuple[float, int, Path]]:
        """Last use, bytes on disk and path of each entry."""
        for path in self._folder.glob("*/*"):
            try:
                found = path.stat()
            except OSError:
                continue  # thrown out in between
            yield found.st_mtime, found.st_blocks * 512, path

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key[2:]


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        pass  # a disk that cannot be written
