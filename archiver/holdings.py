"""An opened archive: its settings, database, WARC files, index and collections, mended where a crash left it broken."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Engine

from archiver.collections.crawls import CrawlLog
from archiver.collections.registry import CollectionRegistry
from archiver.errors import DamagedRecord, UnknownCollection
from archiver.index.database import open_database
from archiver.index.entry import capture_of_stored, why_not_indexed
from archiver.index.sql import CaptureIndex
from archiver.model import Capture
from archiver.settings import Settings
from archiver.store.folder import FolderStore
from archiver.warc.reader import StoredRecord, iter_records
from archiver.warc.repair import RepairReport, repair_abandoned

#: The folder of the WARC files inside the archive home.
WARC_FOLDER = "archive"


def utc_now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Holdings:
    """Everything an archive holds, and the ways to it; use it as a context manager.

    Attributes:
        settings: of this run.
        engine: the database.
        store: the WARC files.
        index: the captures.
        collections: the collections.
        crawls: what was captured when.
        repaired: WARC files that a killed process had left behind and that were mended now.
    """

    settings: Settings
    engine: Engine
    store: FolderStore
    index: CaptureIndex
    collections: CollectionRegistry
    crawls: CrawlLog
    repaired: tuple[RepairReport, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the database connections back."""
        self.engine.dispose()


def open_holdings(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> Holdings:
    """Open (or begin) the archive that the settings name.

    WARC files that a killed process left open are cut to their last whole record, finished and indexed. Files that a
    living process writes are left alone.

    Raises:
        StorageFailed: the archive folder or the database cannot be used.
    """
    engine = open_database(settings.database, settings.archive)
    store = FolderStore(Path(settings.store) if settings.store else settings.archive / WARC_FOLDER)
    registry = CollectionRegistry(engine, clock)
    try:
        registry.get("default")
    except UnknownCollection:
        with _alone(settings.archive):
            if not any(collection.slug == "default" for collection in registry.all()):
                registry.create("default", title="Default")
    holdings = Holdings(settings, engine, store, CaptureIndex(engine), registry, CrawlLog(engine, clock))
    if not any(store.unfinished()):
        return holdings
    with _alone(settings.archive):
        reports = repair_abandoned(store)
        for report in reports:
            if report.records:
                index_file(holdings, report.file)
    return replace(holdings, repaired=tuple(reports))


def index_file(holdings: Holdings, file: str) -> int:
    """Index every record of one of our own WARC files, whose warcinfo record names its collection."""
    rows: list[Capture] = []
    collection = holdings.settings.collection
    with holdings.store.open(file) as stream:
        pending: tuple[Capture, StoredRecord] | None = None
        for item in iter_records(stream):
            if pending is not None:
                rows.append(replace(pending[0], length=pending[1].length))
                pending = None
            if not isinstance(item, StoredRecord):
                continue
            if item.record_type == "warcinfo":
                collection = _collection_named(holdings, item) or collection
            elif not why_not_indexed(item):
                try:
                    pending = (capture_of_stored(item, collection, file), item)
                except DamagedRecord:
                    pending = None
        if pending is not None:
            rows.append(replace(pending[0], length=pending[1].length))
    return holdings.index.add(rows)


def _collection_named(holdings: Holdings, warcinfo: StoredRecord) -> str | None:
    """The collection that a warcinfo record says its file is part of."""
    text = b"".join(warcinfo.payload()).decode("utf-8", "replace")
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() == "ispartof":
            known = {collection.slug for collection in holdings.collections.all()}
            return value.strip() if value.strip() in known else None
    return None


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One process at a time."""
    with (home / ".repair.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
