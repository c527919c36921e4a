"""Files that came in over the network and wait to be taken into a collection: each in a folder of its own, under its own name.

What nobody takes in is cleared away after some days; what a broken connection left, with it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

from archiver.errors import Conflict, NotFound, StorageFailed, UsageError

#: Folder in the archive home.
FOLDER = "incoming"
#: How long a file waits.
KEPT = timedelta(days=7)
#: Bytes of the disk that no file that comes in may take.
RESERVE = 500_000_000

_PIECE = 1024 * 1024
_LONGEST_NAME = 150
_TOKEN = re.compile(r"[0-9a-f]{32}")
#: Letters that a file name may not have: separators, what ends a line, what terminals obey.
_ODD = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069:*?\"<>|]+")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came in.

    Attributes:
        token: names it.
        name: as its owner calls it, made fit for a disk.
        bytes: its size.
        at: when it was there.
    """

    token: str
    name: str
    bytes: int
    at: datetime


class Incoming:
    """The files that wait in an archive.

    Args:
        archive: its home.
        clock: the time, UTC.
        new_id: 32 hexadecimal digits, different each time.
        in_use: tokens of files that somebody is about to take in: they are not anybody else's.
    """

    def __init__(
        self,
        archive: Path,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        in_use: Callable[[], Set[str]] = frozenset,
    ) -> None:
        self.folder = archive / FOLDER
        self._clock = clock
        self._new_id = new_id
        self._in_use = in_use

    def room(self) -> int:
        """Bytes that may come in now."""
        return max(0, shutil.disk_usage(self._made()).free - RESERVE)

    def receive(self, name: str, stream: BinaryIO) -> Upload:
        """Take a file in to its end; of one that breaks off nothing is kept.

        Raises:
            UsageError: there is nothing in it.
            StorageFailed: the disk does not take it.
        """
        try:
            # It has its name only once it is whole: nobody takes in half of it.
            with NamedTemporaryFile(dir=self._made(), prefix=".") as target:
                shutil.copyfileobj(stream, target, _PIECE)
                target.flush()
                os.fsync(target.fileno())
                return self.adopt(name, Path(target.name))
        except OSError as error:
            raise StorageFailed(f"The file could not be kept: {error.strerror}.", "Look at the free space.") from error

    def adopt(self, name: str, path: Path) -> Upload:
        """Take in a file that lies on the same disk already, by a second name where it can have one; its old one can go.

        Raises:
            UsageError: there is nothing in it.
            StorageFailed: the disk does not take it.
        """
        self.clear()
        token, target = self._place(name)
        try:
            try:
                os.link(path, target)
            except OSError:  # a disk without second names
                shutil.copyfile(path, target)
        except OSError as error:
            self.discard(token)
            raise StorageFailed(f"The file could not be kept: {error.strerror}.", "Look at the free space.") from error
        return self._kept(token)

    def get(self, token: str) -> Upload:
        """One of them.

        Raises:
            NotFound: it is not there.
        """
        path = self.path(token)
        about = path.stat()
        return Upload(token, path.name, about.st_size, datetime.fromtimestamp(about.st_mtime, self._clock().tzinfo))

    def all(self) -> list[Upload]:
        """What waits, the newest first."""
        found = []
        for place in self.folder.iterdir() if self.folder.is_dir() else ():
            try:
                found.append(self.get(place.name))
            except (NotFound, OSError):
                continue  # taken in a moment ago, or still coming
        return sorted(found, key=lambda item: (item.at, item.token), reverse=True)

    def free(self) -> list[Upload]:
        """Those of them that nobody is about to take in."""
        used = self._in_use()
        return [item for item in self.all() if item.token not in used]

    def path(self, token: str) -> Path:
        """Where one of them is.

        Raises:
            NotFound: it is not there.
        """
        found = [item for item in (self.folder / token).iterdir()] if self._is(token) else []
        if len(found) != 1:
            raise NotFound("This file is not there any more.", "Send it again.")
        return found[0]

    def discard(self, token: str) -> None:
        """Take one of them away; nothing when it is gone."""
        if self._is(token):
            shutil.rmtree(self.folder / token, ignore_errors=True)

    def give_up(self, token: str) -> None:
        """Take one of them away that is not wanted after all; nothing when it is gone.

        Raises:
            Conflict: a job is about to take it in.
        """
        if token in self._in_use():
            raise Conflict("This file is being imported.", "Cancel the job first.")
        self.discard(token)

    def clear(self) -> None:
        """Take away what has waited too long."""
        end, used = (self._clock() - KEPT).timestamp(), self._in_use()
        for place in self.folder.iterdir() if self.folder.is_dir() else ():
            try:
                if place.name not in used and place.stat().st_mtime < end:
                    shutil.rmtree(place) if place.is_dir() else place.unlink()
            except FileNotFoundError:
                continue

    def _is(self, token: str) -> bool:
        return _TOKEN.fullmatch(token) is not None and (self.folder / token).is_dir()

    def _made(self) -> Path:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageFailed(
                f"The archive folder cannot be written: {error.strerror}.", "Look at its permissions."
            ) from error
        return self.folder

    def _place(self, name: str) -> tuple[str, Path]:
        token = self._new_id()
        folder = self._made() / token
        folder.mkdir()
        return token, folder / safe_name(name)

    def _kept(self, token: str) -> Upload:
        kept = self.get(token)
        if not kept.bytes:
            self.discard(token)
            raise UsageError("There is nothing in this file.", "Look whether it is the one you meant.")
        return kept


def safe_name(name: str) -> str:
    """The name of a file that came from elsewhere, made fit for this disk: no folders, nothing hidden, not too long."""
    last = re.split(r"[/\\]", name.encode("utf-8", "replace").decode())[-1]
    last = _ODD.sub("_", last).strip(" .") or "upload"
    stem, dot, end = last.partition(".")
    while len(last.encode()) > _LONGEST_NAME:
        if dot and len(end) < 30 and stem:
            stem = stem[:-1]
            last = f"{stem}.{end}" if stem else end
        else:
            last, dot = last[:-1], ""
    return last
