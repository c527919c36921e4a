"""WARC files in a folder: created under a temporary name, finished by a rename, read from any offset."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from archiver.errors import MissingRecord, StorageFailed

#: Suffix of a file that is still written.
OPEN_SUFFIX = ".open"

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")


class FolderStore:
    """The WARC files of an archive.

    A file's name is its path under `root`; files imported in place have their absolute path as name.

    Args:
        root: the folder; made when needed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, file: str) -> Path:
        """Where a file is, whether still written or finished."""
        path = self.root / file
        if not path.exists():
            being_written = path.with_name(path.name + OPEN_SUFFIX)
            if being_written.exists():
                return being_written
        return path

    def open(self, file: str, offset: int = 0) -> BinaryIO:
        """A file for reading, at `offset`.

        Raises:
            MissingRecord: there is no such file, or it is shorter.
        """
        path = self.root / file
        for place in (path, path.with_name(path.name + OPEN_SUFFIX), path):  # it may get its final name between two looks
            try:
                stream = place.open("rb")
                break
            except FileNotFoundError:
                continue
            except OSError as error:
                raise MissingRecord("A WARC file cannot be read.", "Look at its permissions.") from error
        else:
            raise MissingRecord("A WARC file that the index names is not there.", "Put it back, or rebuild the index.")
        stream.seek(offset)
        return stream

    def create(self, name: str) -> BinaryIO:
        """A new file for writing, locked against repair by others while it is open.

        Raises:
            FileExistsError: a file of that name is there.
            StorageFailed: it cannot be made.
        """
        if not _SAFE_NAME.fullmatch(name):
            raise StorageFailed("The name of a WARC file is not usable.")
        if (self.root / name).exists():
            raise FileExistsError(name)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.root / f"{name}{OPEN_SUFFIX}", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            raise
        except OSError as error:
            raise StorageFailed(
                f"No WARC file can be written: {error.strerror}.", "Look at the archive folder and its free space."
            ) from error
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._sync_folder()
        return cast(BinaryIO, os.fdopen(handle, "r+b"))

    def finish(self, name: str) -> None:
        """Give a written file its final name."""
        (self.root / f"{name}{OPEN_SUFFIX}").rename(self.root / name)
        self._sync_folder()

    def discard(self, name: str) -> None:
        """Remove a file that holds nothing."""
        (self.root / f"{name}{OPEN_SUFFIX}").unlink(missing_ok=True)

    def unfinished(self) -> Iterator[str]:
        """Names of files that some process writes or left behind."""
        if self.root.is_dir():
            for path in sorted(self.root.glob(f"*{OPEN_SUFFIX}")):
                yield path.name.removesuffix(OPEN_SUFFIX)

    def _sync_folder(self) -> None:
        handle = os.open(self.root, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
