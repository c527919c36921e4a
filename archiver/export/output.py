"""Where an export goes: written under another name, and given its own when it is whole."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from archiver.collections.exchangeformat import FILE_NAME
from archiver.errors import Conflict, StorageFailed, UsageError
from archiver.export.events import Sink
from archiver.wacz.package import ARCHIVE_FOLDER
from archiver.wacz.write import WaczWriter

#: What the name of an output ends in until it is whole.
PART_SUFFIX = ".part"


class Bundle(Protocol):
    """Takes WARC files, one after the other.

    Attributes:
        is_single: everything becomes one file, whatever the names.
    """

    is_single: bool

    def begin(self, name: str) -> Sink:
        """A new file; the one before is whole."""

    def end(self) -> None:
        """The last file is whole."""

    def abandon(self) -> None:
        """Nothing of it is wanted any more."""


class SingleBundle:
    """One file for everything.

    Args:
        stream: that file.
    """

    is_single = True

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def begin(self, name: str) -> Sink:
        """The one file."""
        return self._stream

    def end(self) -> None:
        """Nothing is left to do."""

    def abandon(self) -> None:
        """Nothing is left to do."""


class FolderBundle:
    """Files in a folder.

    Args:
        folder: that is there.
    """

    is_single = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: BinaryIO | None = None

    def begin(self, name: str) -> Sink:
        """A new file."""
        self.end()
        self._open = (self._folder / name).open("xb")
        return self._open

    def end(self) -> None:
        """On the disk."""
        if self._open is not None:
            self._open.flush()
            os.fsync(self._open.fileno())
            self._open.close()
            self._open = None

    def abandon(self) -> None:
        """The file is closed as it is."""
        if self._open is not None:
            self._open.close()
            self._open = None


class PackageBundle:
    """Files of a WACZ.

    Args:
        package: that is written.
    """

    is_single = False

    def __init__(self, package: WaczWriter) -> None:
        self._package = package
        self._is_open = False

    def begin(self, name: str) -> Sink:
        """A new file of the package."""
        self.end()
        self._is_open = True
        return self._package.begin(ARCHIVE_FOLDER + name)

    def end(self) -> None:
        """Listed."""
        if self._is_open:
            self._is_open = False
            self._package.end()

    def abandon(self) -> None:
        """Nothing is left to do: the package is thrown away."""


# -- names -------------------------------------------------------------------------------------------------------------


@contextmanager
def whole_file(path: Path, *, replace: bool) -> Iterator[BinaryIO]:
    """A file that has its name only once it is whole and on the disk.

    Raises:
        Conflict: it is there already, and is not to be replaced.
        StorageFailed: it cannot be written.
    """
    path = _checked(path, replace=replace)
    part = path.with_name(f".{path.name}{PART_SUFFIX}")
    try:
        with part.open("w+b") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise _not_written(path, error) from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path, *, replace: bool) -> Iterator[Path]:
    """A folder that has its name only once everything is in it.

    Raises:
        Conflict: it is there already with something in it, and is not to be replaced.
        StorageFailed: it cannot be written.
    """
    is_empty = path.is_dir() and not any(path.iterdir())
    path = _checked(path, replace=replace or is_empty)
    if path.is_dir() and not all(_is_of_an_export(item) for item in path.iterdir()):
        raise UsageError(f"In {path} is more than an export.", "Choose another folder: that one is not replaced.")
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file, and several WARC files are to be written.", "Name a folder.")
    part = path.with_name(f".{path.name}{PART_SUFFIX}")
    before = path.with_name(f".{path.name}.before")
    try:
        shutil.rmtree(part, ignore_errors=True)  # of an export that was killed
        part.mkdir()
        yield part
        _sync(part)
        if path.exists():
            shutil.rmtree(before, ignore_errors=True)
            path.rename(before)
        part.rename(path)
        _sync(path.parent)
    except OSError as error:
        raise _not_written(path, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if path.exists():
            shutil.rmtree(before, ignore_errors=True)


def _is_of_an_export(path: Path) -> bool:
    return path.is_file() and (path.name.endswith((".warc", ".warc.gz")) or path.name == FILE_NAME)


def standard_output() -> BinaryIO:
    """Where "-" goes.

    Raises:
        UsageError: that is a terminal.
    """
    if sys.stdout.isatty():
        raise UsageError("WARC and WACZ files are nothing for a terminal.", "Name a file, or send the output into one.")
    return sys.stdout.buffer


def _checked(path: Path, *, replace: bool) -> Path:
    """The path with a name and a folder, if something may be written there."""
    if path.exists() and not replace:
        raise Conflict(f"There is already a {path}.", "Choose another name, or replace it with --force.")
    place = Path(os.path.abspath(path))  # noqa: PTH100 (also without "..")
    if not place.name or not place.parent.is_dir():
        raise UsageError(f"There is no folder in which {path} could be made.", "Make it, or choose another.")
    return place


def _not_written(path: Path, error: OSError) -> StorageFailed:
    return StorageFailed(
        f"{path} cannot be written: {error.strerror or error}.",
        "Nothing of it was kept; look at the free space, and try again.",
    )


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
