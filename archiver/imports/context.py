"""What all importers share: where to read from, where to put it, whom to tell."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast

from archiver.collections.imported import ImportedCrawls
from archiver.errors import StorageFailed, UsageError
from archiver.holdings import Holdings
from archiver.imports.recognise import Kind
from archiver.imports.report import Tell
from archiver.store.inside import INSIDE, whole_reads
from archiver.timestamps import parse_timestamp, to_timestamp
from archiver.urls import urlkey

#: Told the name of a file, the position in it and its size, now and then.
Progress = Callable[[str, int, int], None]

#: Beginning of the names of folders for what is needed only for now, and after how long one is taken for left behind.
_SPOOL = ".import-"
_LEFT_SECONDS = 24 * 3600

_PIECE = 1024 * 1024

#: How far a capture may be from the time that a list of pages gives for it, seconds.
_NEAR_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Source:
    """Something to take in.

    Attributes:
        name: path, URL, or package and name inside ("x.wacz!/archive/y.warc.gz").
        kind: what it is, where that is known already.
        shown: what people are told; `name` by default.
        in_place: may be left where it is; False for what only lies there for now.
        crawl: number of the imported crawl that it is part of.
        is_sent: came over the network, from somebody who may not name files of this machine.
    """

    name: str
    kind: Kind | None = None
    shown: str = ""
    in_place: bool = True
    crawl: int | None = None
    is_sent: bool = False

    @property
    def title(self) -> str:
        """What people are told."""
        return self.shown or self.name


@dataclass(frozen=True)
class Context:
    """One import.

    Attributes:
        holdings: the opened archive.
        slug: of the collection.
        clock: the time, UTC.
        in_place: leave files where they are, as far as that is possible.
        warcs: what file names in CDX files are relative to; "" for the folder of each.
        tell: told each thing that is not indexed.
        progress: told how far it is.
        is_new: the collection held nothing before.
    """

    holdings: Holdings
    slug: str
    clock: Callable[[], datetime]
    in_place: bool
    warcs: str
    tell: Tell
    progress: Progress
    is_new: bool = False

    @property
    def crawls(self) -> ImportedCrawls:
        """Crawls that were made elsewhere."""
        return ImportedCrawls(self.holdings.engine, self.clock)

    def open(self, name: str) -> BinaryIO:
        """Something to take in, for reading.

        Raises:
            UsageError: it is not there.
            MissingRecord: likewise, elsewhere.
            StorageFailed: the place where it is cannot be asked.
        """
        if not is_local(name):
            return whole_reads(self.holdings.store.open(name))
        try:
            return Path(name).open("rb")
        except OSError as error:
            raise UsageError(f"{name} cannot be read: {error.strerror}.") from error

    @contextmanager
    def text(self, name: str) -> Iterator[BinaryIO]:
        """Something to take in that is text: decompressed, without its byte order mark. Errors are those of `open` and gzip."""
        with self.open(name) as stream:
            start = stream.read(3)
            if start[:2] == b"\x1f\x8b":
                stream.seek(0)
                with gzip.GzipFile(fileobj=stream) as packed:
                    yield cast(BinaryIO, packed)
                return
            if start != b"\xef\xbb\xbf":
                stream.seek(0)
            yield stream

    def fetch(self, name: str, path: Path) -> None:
        """Copy something to take in to a path on this machine.

        Raises:
            StorageFailed: it cannot be written.
        """
        with self.open(name) as stream:
            try:
                with path.open("wb") as target:
                    shutil.copyfileobj(stream, target, _PIECE)
            except OSError as error:
                raise StorageFailed(f"A copy could not be written: {error.strerror}.", "Look at the free space.") from error

    @contextmanager
    def spool(self, file_name: str) -> Iterator[Path]:
        """A path for a file that is needed only for now, in the archive folder, which has room for archives.

        Raises:
            StorageFailed: nothing can be written there.
        """
        home = self.holdings.settings.archive
        _sweep(home)
        try:
            folder = Path(tempfile.mkdtemp(prefix=_SPOOL, dir=home))
        except OSError as error:
            raise StorageFailed(
                f"The archive folder cannot be written: {error.strerror}.", "Look at its free space."
            ) from error
        try:
            yield folder / (Path(file_name).name or "file")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def timestamp_of(self, url: str, moment: datetime | None) -> str | None:
        """That of the capture of a URL nearest to a moment, in this collection; None when none is near."""
        if moment is None:
            found = self.holdings.index.newest([self.slug], urlkey(url))
            return found.timestamp if found is not None else None
        nearest = next(self.holdings.index.closest([self.slug], urlkey(url), to_timestamp(moment)), None)
        if nearest is None or abs((parse_timestamp(nearest.timestamp) - moment).total_seconds()) > _NEAR_SECONDS:
            return None
        return nearest.timestamp


def _sweep(home: Path) -> None:
    """Remove what killed imports left behind: nobody has written to it for long."""
    for folder in home.glob(f"{_SPOOL}*"):
        try:
            newest = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
        except OSError:
            continue  # another process is at it
        if time.time() - newest > _LEFT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def is_local(name: str) -> bool:
    """A path on this machine, not a URL nor a file in a package."""
    return "://" not in name and (INSIDE not in name or Path(name).exists())
