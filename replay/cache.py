"""Rewritten responses, kept on disk: shared by all server processes, bounded, and gone without loss.

One file an entry, put in place by a rename, so that a reader sees a whole entry or none; a checksum finds what a crash
left behind. Access is not decided here: callers look up what a reader may see before they ask for it.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from math import log2
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

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
#: Few folders: each new one takes longer to make than a file.
_FOLDER_DIGITS = 1
#: Ages are told apart by this part of a doubling.
_STEPS = 8


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
            with self._new(temporary) as file:
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
        """Throw out what was not used for longest, until there is room again; one process at a time.

        Entries are counted by age, a tenth more each step, and never listed: there may be a million of them.
        """
        with (self._folder / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            now = self._clock()
            sizes: Counter[int] = Counter()
            for age, length, _ in self._entries(now):
                sizes[age] += length
            if sizes.total() <= self._limit:
                return
            excess = sizes.total() - int(self._limit * _KEPT_SHARE)
            youngest = 0
            for youngest in sorted(sizes, reverse=True):
                excess -= sizes[youngest]
                if excess <= 0:
                    break
            excess += sizes[youngest]  # of that age only as many as it takes
            for age, length, path in self._entries(now):
                if age == youngest and excess > 0:
                    excess -= length
                elif age <= youngest:
                    continue
                _remove(Path(path))

    def _entries(self, now: float) -> Iterator[tuple[int, int, str]]:
        """How long each entry was not used, in steps, bytes on disk, and its path."""
        for folder in self._folder.glob("*/"):
            with os.scandir(folder) as entries:
                for entry in entries:
                    try:
                        found = entry.stat(follow_symlinks=False)
                    except OSError:
                        continue  # thrown out in between
                    steps = int(_STEPS * log2(1 + max(0.0, now - found.st_mtime)))
                    yield steps, found.st_blocks * 512, entry.path

    def _path(self, key: str) -> Path:
        return self._folder / key[:_FOLDER_DIGITS] / key[_FOLDER_DIGITS:]

    @staticmethod
    def _new(path: Path) -> BinaryIO:
        """A new file; its folder is made when it is the first in it."""
        try:
            return path.open("wb")
        except FileNotFoundError:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return path.open("wb")


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        pass  # a disk that cannot be written
