"""An opened archive: its settings, database, WARC files, index and collections, mended where a crash left it broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from sqlalchemy import Engine

from archiver.audit import AuditLog
from archiver.collections.accessrules import AccessRules
from archiver.collections.crawls import CrawlLog
from archiver.collections.registry import CollectionRegistry
from archiver.errors import MunimentError
from archiver.fixity import measure
from archiver.index.database import alone, open_database
from archiver.index.files import LEAVING, PURGING, FileRegistry, Part
from archiver.index.merged import MergedIndex
from archiver.index.protocol import CaptureSource
from archiver.index.segments import SegmentIndex
from archiver.index.sources import AttachedIndexes, Source, SourceRegistry
from archiver.keptsettings import GivenSettings, KeptSettings, SettingsSource
from archiver.settings import Settings
from archiver.store.opening import open_store
from archiver.store.protocol import WarcStore
from archiver.warc.reader import StoredRecord, iter_records
from archiver.warc.repair import RepairReport, repair_abandoned

#: The collection that is always there.
DEFAULT_COLLECTION = "default"


def utc_now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Holdings:
    """Everything an archive holds, and the ways to it; use it as a context manager.

    Attributes:
        kept: the settings, with what is changed of them while the archive runs.
        engine: the database.
        store: the WARC files.
        index: the captures, those that attached indexes list too; rows are added to the archive's own.
        collections: the collections.
        crawls: what was captured when.
        files: what is known of the WARC files.
        audit: what was done to all of it.
        access: who may see what.
        sources: the attached indexes.
        repaired: WARC files that a killed process had left behind and that were mended now.
    """

    kept: SettingsSource
    engine: Engine
    store: WarcStore
    index: MergedIndex
    collections: CollectionRegistry
    crawls: CrawlLog
    files: FileRegistry
    audit: AuditLog
    access: AccessRules
    sources: SourceRegistry
    repaired: tuple[RepairReport, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def settings(self) -> Settings:
        """The settings in force at this moment: what is changed in the workbench counts within a second."""
        return self.kept.current()

    def with_settings(self, settings: Settings) -> Holdings:
        """The same archive, with settings that stay as they are."""
        return replace(self, kept=GivenSettings(settings))

    @property
    def segments(self) -> SegmentIndex:
        """Where the later parts of records lie that were cut into several."""
        return SegmentIndex(self.engine)

    def close(self) -> None:
        """Bring written files where they belong, and give the database connections back."""
        try:
            self.store.close()
        finally:
            self.engine.dispose()


def open_holdings(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> Holdings:
    """Open (or begin) the archive that the settings name.

    WARC files that a killed process left open are indexed and finished up to their last whole record. Files that a
    living process writes are left alone.

    Raises:
        UsageError: the settings name a database or a place for WARC files that cannot be used.
        StorageFailed: the archive folder or the database cannot be used.
    """
    store = open_store(settings.store, settings.archive, settings.s3_endpoint, allow_private=settings.allow_private)
    try:
        engine = open_database(settings.database, settings.archive)
    except MunimentError:
        store.close()
        raise
    try:
        audit = AuditLog(engine, clock)
        registry = CollectionRegistry(engine, clock, audit)
        registry.ensure(DEFAULT_COLLECTION, title="Default")
        sources = SourceRegistry(engine, clock)
        index = MergedIndex(engine, AttachedIndexes(sources, lambda source: _opened(source, settings)))
        log, known = CrawlLog(engine, clock), FileRegistry(engine, clock)
        access = AccessRules(engine, clock, audit)
        kept = KeptSettings(engine, settings, clock, audit)
        holdings = Holdings(kept, engine, store, index, registry, log, known, audit, access, sources)
        heal(holdings)
        return replace(holdings, repaired=mend(holdings))
    except MunimentError:
        store.close()
        engine.dispose()
        raise


def _opened(source: Source, settings: Settings) -> CaptureSource:
    from archiver.index.opening import open_source  # what asks other servers takes long to import, and few have any

    return open_source(source, settings)


# -- after a crash ---------------------------------------------------------------------------------------------------


def heal(holdings: Holdings) -> None:
    """Finish or undo what a purge that was cut short has left, before its half a file is taken for a capture's."""
    if holdings.files.has_states((PURGING, LEAVING)):
        from archiver import purging

        purging.heal(holdings)


def mend(holdings: Holdings) -> tuple[RepairReport, ...]:
    """Index and finish WARC files that killed processes left behind; what was done."""
    if not any(holdings.store.unfinished()):
        return ()
    with alone(holdings.settings.archive, "repair", wait=False) as mine:
        if not mine:
            return ()  # another process is at it
        # Rows first: a file that still bears its temporary name is looked at again should this be cut short too.
        parts = {name: _index_abandoned(holdings, name) for name in list(holdings.store.unfinished())}
        reports = tuple(repair_abandoned(holdings.store))
        for report in reports:
            part = parts.get(report.file)
            if part is not None and report.records:
                with holdings.store.open(report.file) as stream:
                    holdings.files.note(report.file, measure(stream), (part,))
        return reports


def _index_abandoned(holdings: Holdings, name: str) -> Part | None:
    """Index the whole records of a file that no living process writes; what of it is whose, None when that is not known."""
    stream = holdings.store.abandoned(name)
    if stream is None:
        return None
    from archiver.index.leftover import index_leftover  # takes as long to import as the rest, and crashes are rare

    with stream:
        # A file that is part of no collection here is the torn copy of an import: it has no rows until that is done again.
        first = next(iter_records(stream), None)
        is_own = isinstance(first, StoredRecord) and first.record_type == "warcinfo"
        collection = collection_named(holdings, first) if isinstance(first, StoredRecord) and is_own else None
        if collection is None:
            return None
        found = index_leftover(holdings.engine, stream, name, collection, min_bytes=holdings.settings.dedup_min_bytes)
        if found is None:
            return None
        return Part(collection, found.captures, f"{found.first:014d}", f"{found.last:014d}")


def collection_named(holdings: Holdings, warcinfo: StoredRecord) -> str | None:
    """The collection of this archive that a warcinfo record says its file is part of."""
    value = _said(warcinfo).get("ispartof")
    if value is None:
        return None
    return value if value in {collection.slug for collection in holdings.collections.all(with_tests=True)} else None


def own_collection(warcinfo: StoredRecord) -> str:
    """The collection that a file is part of by its warcinfo record, if we wrote that; "" for those of other programs, which
    mean something else by it."""
    said = _said(warcinfo)
    return said.get("ispartof", "") if said.get("software", "").lower().startswith("muniment") else ""


def _said(warcinfo: StoredRecord) -> dict[str, str]:
    """The fields in a warcinfo record's block, names in lower case; of repeated ones the first."""
    found: dict[str, str] = {}
    for line in b"".join(warcinfo.payload()).decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(":")
        found.setdefault(name.strip().lower(), value.strip())
    return found
