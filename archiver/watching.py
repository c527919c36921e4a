"""Folders whose WARC files are taken into a collection where they are: new ones, and what is added to those that grow."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import delete, insert, select

from archiver.errors import MunimentError, UsageError
from archiver.fixity import measure
from archiver.holdings import Holdings
from archiver.imports.folder import files_below
from archiver.index.batches import Progress
from archiver.index.build import Builder, Task
from archiver.index.database import alone, reading, writing
from archiver.index.files import StoredFile
from archiver.index.holdingstables import file_parts, watched_folders
from archiver.index.load import Loader, progress_of
from archiver.index.tables import captures, collections, files
from archiver.store.opening import open_store
from archiver.timestamps import to_iso
from archiver.warc.importer import import_named

_LOG = logging.getLogger(__name__)

#: Suffix that crawlers give to files which they still write.
_OPEN = ".open"
_WARC = re.compile(r".+\.w?arc(?:\.gz|\.zst)?(?:\.open)?", re.IGNORECASE)

#: A file that nobody has written to for so many seconds is finished, unless its name says that it is not.
QUIET_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """A folder of which new files are taken into a collection."""

    number: int
    collection: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it is now.

    Attributes:
        name: under which it is indexed: its path, without the suffix of files that are still written.
        size: in bytes.
        is_growing: more may be written to it.
    """

    name: str
    size: int
    is_growing: bool


class WatchedFolders:
    """The folders that an archive watches.

    Args:
        holdings: the opened archive.
    """

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings

    def add(self, collection: str, folder: Path) -> bool:
        """Watch a folder from now on; False when it is watched already.

        Raises:
            UnknownCollection: no collection of that name.
            UsageError: there is no such folder, or it is the archive's own.
        """
        number = self._holdings.collections.number(collection)
        place = folder.resolve()
        if not place.is_dir():
            raise UsageError(f"There is no folder {folder}.")
        if place == self._holdings.settings.archive.resolve():
            raise UsageError("The archive's own folder is not watched.", "Name the folder that others write to.")
        values = {"collection_id": number, "location": str(place)}
        with writing(self._holdings.engine) as connection:
            same = select(watched_folders.c.id).filter_by(**values)
            if connection.execute(same).first() is not None:
                return False
            connection.execute(insert(watched_folders).values(**values, added_at=to_iso(self._holdings.collections.now(), 0)))
        return True

    def remove(self, collection: str, folder: Path) -> bool:
        """Watch a folder no more; what came from it stays. False when it was not watched."""
        number = self._holdings.collections.number(collection)
        column = watched_folders.c
        with writing(self._holdings.engine) as connection:
            gone = delete(watched_folders).where(column.collection_id == number, column.location == str(folder.resolve()))
            return bool(connection.execute(gone).rowcount)

    def all(self) -> list[WatchedFolder]:
        """Every one."""
        columns = (watched_folders.c.id, collections.c.slug, watched_folders.c.location)
        statement = select(*columns).join(collections, collections.c.id == watched_folders.c.collection_id)
        with reading(self._holdings.engine) as connection:
            rows = connection.execute(statement.order_by(watched_folders.c.id)).all()
        return [WatchedFolder(row[0], row[1], Path(row[2])) for row in rows]


class Watcher:
    """Looks into watched folders, again and again.

    Args:
        holdings: the opened archive.
        clock: the time, UTC.
    """

    def __init__(self, holdings: Holdings, clock: Callable[[], datetime]) -> None:
        self._holdings = holdings
        self._clock = clock
        self._sizes: dict[tuple[str, str], int] = {}  # of growing files when they were read last
        self._refused: dict[tuple[str, str], int] = {}

    def look(self) -> int:
        """Take in what is new; how many files something was read of. What goes wrong with one file is logged."""
        folders = WatchedFolders(self._holdings).all()
        with alone(self._holdings.settings.archive, "watch", wait=False) as mine:
            return sum(self._take(found) for found in folders) if mine else 0

    def _take(self, watched: WatchedFolder) -> int:
        count = 0
        for seen in seen_in(watched.folder, self._holdings.settings.archive.resolve(), self._clock().timestamp()):
            try:
                count += self._take_file(watched.collection, seen)
            except (MunimentError, OSError) as error:
                self._refused[watched.collection, seen.name] = seen.size
                _LOG.warning("%s was not taken in: %s", seen.name, error)
        return count

    def _take_file(self, slug: str, seen: Seen) -> bool:
        key = (slug, seen.name)
        known = self._holdings.files.part(seen.name, slug)
        if self._refused.get(key) == seen.size or not is_wanted(known, seen, self._sizes.get(key)):
            return False
        if known is not None and seen.size < (known.part.indexed_to or 0):
            self._forget(slug, seen.name)  # another file in its place
            known = None
        if seen.is_growing:
            self._sizes[key] = seen.size
            self._read_so_far(slug, seen.name, known)
            return True
        import_named(seen.name, collection=slug, store=self._holdings.store, index=self._holdings.index)
        self._sizes.pop(key, None)
        return True

    def _read_so_far(self, slug: str, name: str, known: StoredFile | None) -> None:
        settings = self._holdings.settings
        builder = Builder(
            self._holdings.engine,
            partial(open_store, settings.store, settings.archive, settings.s3_endpoint),
            Loader(self._holdings.engine),
            min_bytes=settings.dedup_min_bytes,
        )
        is_new = known is None or (known.fixity is not None and known.part.indexed_to == known.fixity.size)
        start = Progress() if known is None or is_new else progress_of(known.part)  # its end was no end after all
        for done in builder.run([Task(name, (slug,), start, is_growing=True)]):
            if done.failure:
                _LOG.warning("%s cannot be read: %s", name, done.failure)

    def _forget(self, slug: str, name: str) -> None:
        number = self._holdings.collections.number(slug)
        with writing(self._holdings.engine) as connection:
            file = connection.execute(select(files.c.id).where(files.c.name == name)).scalar_one()
            for table in (captures, file_parts):
                connection.execute(delete(table).where(table.c.collection_id == number, table.c.file_id == file))

    def measure_one(self) -> bool:
        """Measure a file of which size and digests are not known, as in older archives; False when there is none."""
        holdings = self._holdings
        growing = set(holdings.store.unfinished())
        for name in holdings.files.unmeasured(limit=100):
            if name in growing or not holdings.store.exists(name):
                continue
            with holdings.store.open(name) as stream:
                holdings.files.note(name, measure(stream))
            return True
        return False


def is_wanted(known: StoredFile | None, seen: Seen, size_before: int | None) -> bool:
    """Whether something is to be read of a file.

    Args:
        known: what is known of it.
        seen: as it is.
        size_before: bytes that it had when it grew and was read last; None when it was not.
    """
    if known is None or known.part.indexed_to is None:
        return known is None
    if seen.is_growing:
        return seen.size not in (size_before, known.part.indexed_to)
    return known.fixity is None or known.fixity.size != seen.size or known.part.indexed_to != seen.size


def seen_in(folder: Path, own: Path, now: float) -> Iterator[Seen]:
    """The WARC and ARC files below a folder, in the order of names.

    Args:
        folder: where to look.
        own: the archive's folder, which is left out.
        now: seconds since 1970.
    """
    for path, reason in files_below(folder, own):
        if not _WARC.fullmatch(path.name) or (reason and not path.name.endswith(_OPEN)):
            continue
        try:
            about = path.stat()
        except OSError:
            continue  # renamed or gone in between
        is_open = path.name.endswith(_OPEN)
        name = str(path.resolve()).removesuffix(_OPEN) if is_open else str(path.resolve())
        if about.st_size:
            yield Seen(name, about.st_size, is_open or now - about.st_mtime < QUIET_SECONDS)
