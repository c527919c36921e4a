"""WARC files in a folder: created under a temporary name, finished by a rename, read from any offset."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from archiver.errors import MissingRecord, StorageFailed
from archiver.store.inside import is_inside, open_inside
from archiver.store.locks import created, locked
from archiver.store.places import Places, is_url, path_of, scheme_of
from archiver.store.protocol import SAFE_NAME

#: Suffix of a file that is still written.
OPEN_SUFFIX = ".open"

#: Suffix of what will take the place of a finished file.
NEW_SUFFIX = ".new"

_PIECE = 1024 * 1024
_NOT_THERE = ("A WARC file that the index names is not there.", "Put it back, or rebuild the index.")


class FolderStore:
    """The WARC files of an archive in a folder; see `WarcStore`.

    A file's name is its path under `root`; files imported in place have their absolute path as name.

    Args:
        root: the folder; made when needed.
        places: opens files elsewhere.
    """

    def __init__(self, root: Path, places: Places | None = None) -> None:
        self.root = root
        self._places = places or Places()

    @property
    def address(self) -> str:
        return str(self.root)

    # -- reading -----------------------------------------------------------------------------------------------------

    def path(self, file: str) -> Path:
        """Where a file is, whether still written or finished."""
        path = self.root / file
        if not path.exists():
            being_written = path.with_name(path.name + OPEN_SUFFIX)
            if being_written.exists():
                return being_written
        return path

    def open(self, file: str, offset: int = 0, length_hint: int = 0) -> BinaryIO:
        if is_url(file):
            return open_inside(self.open, file, offset) if is_inside(file) else self._places.open(file, offset, length_hint)
        path = self.root / file
        for place in (path, path.with_name(path.name + OPEN_SUFFIX), path):  # it may get its final name between two looks
            try:
                stream = place.open("rb")
                break
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise MissingRecord("A WARC file cannot be read.", "Look at its permissions.") from error
        else:
            return open_inside(self.open, file, offset)
        stream.seek(offset)
        return stream

    def size(self, file: str) -> int:
        if is_url(file) and not is_inside(file):
            return self._places.size(file)
        with self.open(file) as stream:
            return stream.seek(0, os.SEEK_END)

    def exists(self, file: str) -> bool:
        return self._places.exists(file) if is_url(file) else (self.root / file).is_file()

    def names(self) -> Iterator[str]:
        for folder, below, files in os.walk(self.root):
            below.sort()
            for name in sorted(files):
                if not name.endswith((OPEN_SUFFIX, NEW_SUFFIX)):
                    yield str((Path(folder) / name).relative_to(self.root))

    def local_path(self, file: str) -> Path | None:
        path = Path(path_of(file)) if scheme_of(file) == "file" else self.path(file)
        return path if path.is_file() else None

    def is_same(self, name: str, path: Path) -> bool:
        other = self.root / name
        if not other.is_file() or other.stat().st_size != path.stat().st_size:
            return False
        with path.open("rb") as first, other.open("rb") as second:
            while piece := first.read(_PIECE):
                if piece != second.read(len(piece)):
                    return False
        return True

    def check(self) -> None:
        if self.root.exists() and not (self.root.is_dir() and os.access(self.root, os.R_OK | os.X_OK)):
            raise StorageFailed("The folder of the WARC files cannot be read.", "Look at its permissions.")

    def waiting(self) -> Iterator[tuple[str, str]]:
        return iter(())

    # -- writing -----------------------------------------------------------------------------------------------------

    def create(self, name: str) -> BinaryIO:
        if not re.fullmatch(SAFE_NAME, name):
            raise StorageFailed("The name of a WARC file is not usable.")
        if (self.root / name).exists():
            raise FileExistsError(name)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            stream = created(self.root / f"{name}{OPEN_SUFFIX}")
        except FileExistsError:
            raise
        except OSError as error:
            raise StorageFailed(
                f"No WARC file can be written: {error.strerror}.", "Look at the archive folder and its free space."
            ) from error
        self._sync_folder(self.root)
        return stream

    def finish(self, name: str) -> None:
        (self.root / f"{name}{OPEN_SUFFIX}").rename(self.root / name)
        self._sync_folder(self.root)

    def arrive(self, name: str) -> None:
        pass

    def discard(self, name: str) -> None:
        (self.root / f"{name}{OPEN_SUFFIX}").unlink(missing_ok=True)

    def unfinished(self) -> Iterator[str]:
        if self.root.is_dir():
            for path in sorted(self.root.glob(f"*{OPEN_SUFFIX}")):
                yield path.name.removesuffix(OPEN_SUFFIX)

    def abandoned(self, name: str) -> BinaryIO | None:
        try:
            return locked(self.root / f"{name}{OPEN_SUFFIX}")
        except OSError as error:
            raise StorageFailed(f"A WARC file cannot be read: {error.strerror}.", "Look at its permissions.") from error

    def remove(self, name: str) -> None:
        try:
            (self.root / name).unlink(missing_ok=True)
        except OSError as error:
            raise StorageFailed(f"A WARC file cannot be removed: {error.strerror}.", "Look at its permissions.") from error

    def replace(self, name: str, source: Path | BinaryIO) -> None:
        path = self.root / name
        if not path.is_file():
            raise MissingRecord(*_NOT_THERE)
        new = path.with_name(path.name + NEW_SUFFIX)
        try:
            with new.open("wb") as target:
                if isinstance(source, Path):
                    with source.open("rb") as stream:
                        shutil.copyfileobj(stream, target, _PIECE)
                else:
                    shutil.copyfileobj(source, target, _PIECE)
                target.flush()
                os.fsync(target.fileno())
            new.replace(path)
            self._sync_folder(path.parent)
        except OSError as error:
            new.unlink(missing_ok=True)
            raise StorageFailed(
                f"A WARC file cannot be replaced: {error.strerror}.",
                "It is as it was; look at the archive folder's free space.",
            ) from error

    def send_waiting(self) -> int:
        return 0

    def close(self) -> None:
        pass

    @staticmethod
    def _sync_folder(folder: Path) -> None:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
