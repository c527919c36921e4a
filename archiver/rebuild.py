"""Makes every derived table anew from the WARC files: beside the old ones, which are used until the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection, MetaData, Select, Table, delete, func, insert, select, text, update

from archiver.errors import Conflict, DamagedRecord, MissingRecord, MunimentError, UsageError
from archiver.fixity import measure
from archiver.holdings import Holdings, collection_named, own_collection
from archiver.index.batches import Counts
from archiver.index.build import Builder, Done, Task
from archiver.index.crawltables import crawl_files
from archiver.index.database import alone, reading, writing
from archiver.index.files import HELD, PURGED
from archiver.index.holdingstables import file_parts
from archiver.index.load import BUILD, Loader
from archiver.index.segments import note_segments, rebuild_segments
from archiver.index.tables import captures, collections, files, payloads, validators
from archiver.model import Visibility
from archiver.store.opening import open_store
from archiver.warc.reader import StoredRecord, iter_records

_OLD = "_old"
_TABLES = (captures, payloads, validators)
#: Bytes that may be left to be read while nobody else can write, and how often the rest is tried to be brought below.
_LAST_BYTES = 32 * 1024 * 1024
_ROUNDS = 20
#: Rows of the old index that are taken off at a time, and so many that they are not all at once.
_ROWS = 20_000
_MANY = 300_000


@dataclass
class RebuildReport:
    """What a rebuild did.

    Attributes:
        files: that were read.
        bytes: of those.
        captures: rows that were made.
        counts: what was met, by file, where something could not be read or indexed that should have been.
        unknown: files of the store that belong to no collection.
        kept: files elsewhere that were not read again; what the index had of them stays.
        missing: files that could not be read, with the reason.
        made: collections that did not exist, and of which files say that they are part: made with their name alone, private.
    """

    files: int = 0
    bytes: int = 0
    captures: int = 0
    counts: dict[str, Counts] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)


class Rebuild:
    """One rebuild.

    Args:
        holdings: the opened archive.
        slugs: of the collections whose rows are made anew; None for all.
        workers: processes that read.
        without_missing: leave out what cannot be read, in place of giving up.
        told: name of a file, where reading is in it.
    """

    def __init__(
        self,
        holdings: Holdings,
        *,
        slugs: Sequence[str] | None = None,
        workers: int = 1,
        without_missing: bool = False,
        told: Callable[[str, int], None] | None = None,
    ) -> None:
        self.report = RebuildReport()
        self._holdings = holdings
        self._engine = holdings.engine
        self._slugs = None if slugs is None else frozenset(slugs)
        self._without_missing = without_missing
        self._told = told
        #: The database's own tables, and those that are built.
        self._new = {table.name: _build_table(table) for table in (*_TABLES, file_parts)}
        loader = Loader(self._engine, BUILD, self._new[file_parts.name])
        settings = holdings.settings
        self._builder = Builder(
            self._engine,
            partial(open_store, settings.store, settings.archive, settings.s3_endpoint),
            loader,
            min_bytes=settings.dedup_min_bytes,
            workers=workers,
        )
        self._read: dict[str, int] = {}  # bytes that were there of each file when it was read
        self._rows: dict[str, int] = {}
        self._parts: dict[str, str | None] = {}
        self._growing: set[str] = set()
        self._segmented: set[str] = set()  # files with later parts of records

    def run(self) -> RebuildReport:
        """Do it.

        Raises:
            Conflict: another rebuild is at work, or more is written all the time than can be read.
            MissingRecord: files cannot be read; the index is as it was.
            StorageFailed: the database or the store does not do what it should; the index is as it was.
        """
        with alone(self._holdings.settings.archive, "rebuild", wait=False) as mine:
            if not mine:
                raise Conflict("The index is being rebuilt already.", "Wait for that to end.")
            if self._slugs is None:
                self._make_collections()
            self._clear()
            with writing(self._engine) as connection:
                for table in self._new.values():
                    table.create(connection)
                if self._engine.dialect.name == "postgresql":
                    connection.execute(text(f"ALTER INDEX {captures.name}{BUILD}_pkey SET (fillfactor = 100)"))
            try:
                self._build()
                self._note_segments()
                self._measure()
            finally:
                self._clear()
        read = self._rows.keys()
        self.report.files, self.report.captures = len(read), sum(self._rows.values())
        self.report.bytes = sum(self._read[name] for name in read)
        return self.report

    def _make_collections(self) -> None:
        """Make those that files of our own say they are part of, when the database knows neither: it is a new one.

        Who might see them is not in the files: nobody, until somebody says so.
        """
        registry = self._holdings.collections
        with reading(self._engine) as connection:
            known = set(connection.execute(select(files.c.name)).scalars())
        there = {collection.slug for collection in registry.all(with_tests=True)}
        for name in sorted(set(self._holdings.store.names()) - known):
            slug = self._of_warcinfo(name, own_collection)
            if not slug or slug in there:
                continue
            there.add(slug)
            try:
                registry.create(slug, visibility=Visibility.PRIVATE, actor="")
            except (UsageError, Conflict):
                continue  # no name that ours have, such as that of a test crawl: the file is listed as one of no collection
            self.report.made.append(slug)

    # -- reading -----------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        for _ in range(_ROUNDS):
            tasks = self._tasks()
            for done in self._builder.run(tasks, self._tell):
                self._note(done)
            if self.report.missing and not self._without_missing:
                raise MissingRecord(
                    f"{len(self.report.missing)} WARC files that the index names cannot be read, such as "
                    f"{next(iter(self.report.missing))}. The index stays as it was.",
                    "Put them back, or rebuild with --without-missing to leave out what is in them.",
                )
            if self._swap():
                return
        raise Conflict("More is written to the archive than can be read beside it.", "Try again when less is captured.")

    def _tasks(self) -> list[Task]:
        """Files that were not read yet, or have grown since."""
        with reading(self._engine) as connection:
            return self._tasks_within(connection)

    def _tasks_within(self, connection: Connection) -> list[Task]:
        store, members = self._holdings.store, self._members(connection)
        growing = set(store.unfinished())
        began = set(connection.execute(select(files.c.name).where(files.c.name.in_(growing))).scalars())
        away = set(connection.execute(select(files.c.name).where(files.c.state.not_in((HELD, PURGED)))).scalars())
        tasks = []
        self.report.unknown = []
        self.report.kept = sorted(name for name in members if _is_elsewhere(name))
        for name in sorted({*store.names(), *began, *members} - {*self.report.kept, *self.report.missing, *away}):
            slugs = members.get(name) or self._said(name)
            wanted = tuple(slug for slug in slugs if self._slugs is None or slug in self._slugs)
            if not wanted:
                self.report.unknown += [] if slugs else [name]
                continue
            try:
                size = store.size(name)
            except MunimentError as error:
                self.report.missing[name] = error.message
                continue
            if self._read.get(name) != size:
                tasks.append(Task(name, wanted))  # what our own writers have written so far is whole but for its very end
                self._read[name] = size
        self._growing = growing
        return tasks

    def _members(self, connection: Connection) -> dict[str, tuple[str, ...]]:
        """Which files belong to which collections, as far as that is known: what people decided, and no WARC file says."""
        found: dict[str, list[str]] = defaultdict(list)
        columns = select(files.c.name, collections.c.slug).where(files.c.state.in_((HELD, PURGED)))
        parts = columns.join(file_parts, file_parts.c.file_id == files.c.id).join(
            collections, collections.c.id == file_parts.c.collection_id
        )
        for name, slug in connection.execute(parts):
            found[name].append(slug)
        without = select(files.c.id).where(files.c.id.not_in(select(file_parts.c.file_id)), files.c.state.in_((HELD, PURGED)))
        if connection.execute(without.limit(1)).first() is not None:  # archives of older versions
            rows = (
                columns.join(captures, captures.c.file_id == files.c.id)
                .join(collections, collections.c.id == captures.c.collection_id)
                .where(files.c.id.in_(without))
                .distinct()
            )
            for name, slug in connection.execute(rows):
                found[name].append(slug)
        return {name: tuple(sorted(slugs)) for name, slugs in found.items()}

    def _said(self, name: str) -> tuple[str, ...]:
        """The collection that a file of our own says it is part of."""
        if name not in self._parts:
            self._parts[name] = self._of_warcinfo(name, partial(collection_named, self._holdings))
        slug = self._parts[name]
        return (slug,) if slug else ()

    def _of_warcinfo(self, name: str, asked: Callable[[StoredRecord], str | None]) -> str | None:
        """What is asked of a file's warcinfo record; None when it begins with something else, or cannot be read."""
        try:
            with self._holdings.store.open(name) as stream:
                first = next(iter_records(stream), None)
                if isinstance(first, StoredRecord) and first.record_type == "warcinfo":
                    return asked(first)
        except (MissingRecord, DamagedRecord):
            pass
        return None

    def _tell(self, task: Task, position: int) -> None:
        if self._told is not None:
            self._told(task.file, position)

    def _note(self, done: Done) -> None:
        report, name = self.report, done.task.file
        if done.failure:
            report.missing[name] = done.failure
            return
        if done.counts.records["continuation"]:
            self._segmented.add(name)
        self._rows[name] = done.counts.indexed * len(done.task.collections)
        if (done.counts.bad or done.counts.named) and name not in self._growing:
            report.counts[name] = done.counts

    # -- the new in the place of the old -----------------------------------------------------------------------------

    def _swap(self) -> bool:
        """Read what came meanwhile while nobody else writes, and put the new tables in place; False when that is too much."""
        with writing(self._engine) as connection:
            if self._engine.dialect.name == "postgresql":
                names = ", ".join(table.name for table in (*_TABLES, file_parts))
                connection.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
            before = dict(self._read)
            tasks = self._tasks_within(connection)
            if sum(self._read[task.file] for task in tasks) > _LAST_BYTES or self._lacks():
                self._read = before
                return False
            for done in self._builder.run_within(connection, tasks, self._holdings.store):
                self._note(done)
            self._keep_elsewhere(connection)
            self._take_over_parts(connection)
            if self._slugs is None:
                for table in _TABLES:
                    self._rename(connection, table.name)
            else:
                self._replace_rows(connection)
        return True

    def _lacks(self) -> bool:
        return bool(self.report.missing) and not self._without_missing

    def _keep_elsewhere(self, connection: Connection) -> None:
        """What is known of files that are far away stays as it is."""
        if not self.report.kept:
            return
        numbers = select(files.c.id).where(files.c.name.in_(self.report.kept))
        for table in (captures, file_parts):
            old = select(table).where(table.c.file_id.in_(numbers))
            if self._slugs is not None:
                old = old.where(table.c.collection_id.in_(self._numbers()))
            new = self._new[table.name]
            connection.execute(insert(new).from_select([column.name for column in new.columns], old))

    def _numbers(self) -> Select[tuple[int]]:
        return select(collections.c.id).where(collections.c.slug.in_(self._slugs or ()))

    def _take_over_parts(self, connection: Connection) -> None:
        """Files' shares: as counted now, their crawls as known; those of files that are still written are told at their end."""
        new, old = self._new[file_parts.name].c, file_parts.c
        same = (old.file_id == new.file_id) & (old.collection_id == new.collection_id)
        crawl = select(old.crawl_id).where(same).scalar_subquery()
        by_writer = (
            select(crawl_files.c.crawl_id)
            .join(files, files.c.name == crawl_files.c.name)
            .where(files.c.id == new.file_id)
            .scalar_subquery()
        )
        table = self._new[file_parts.name]
        connection.execute(update(table).values(crawl_id=func.coalesce(crawl, by_writer)))
        own = select(old.file_id).where(same, old.indexed_to.is_(None)).exists()
        connection.execute(update(table).where(own).values(indexed_to=None))
        if self._growing:
            numbers = select(files.c.id).where(files.c.name.in_(self._growing))
            connection.execute(delete(table).where(new.file_id.in_(numbers)))
        gone = delete(file_parts)
        connection.execute(gone if self._slugs is None else gone.where(old.collection_id.in_(self._numbers())))
        connection.execute(insert(file_parts).from_select([column.name for column in table.columns], select(table)))

    def _rename(self, connection: Connection, name: str) -> None:
        for before, after in ((name, f"{name}{_OLD}"), (f"{name}{BUILD}", name)):
            connection.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))
            if self._engine.dialect.name == "postgresql":
                connection.execute(text(f"ALTER INDEX IF EXISTS {before}_pkey RENAME TO {after}_pkey"))

    def _replace_rows(self, connection: Connection) -> None:
        """Only some collections: their rows are replaced at once."""
        for table in _TABLES:
            new = self._new[table.name]
            connection.execute(delete(table).where(table.c.collection_id.in_(self._numbers())))
            connection.execute(insert(table).from_select([column.name for column in new.columns], select(new)))

    def _note_segments(self) -> None:
        """Where later parts of records lie; what was known before is forgotten where all files were read."""
        if self._slugs is None and not self.report.kept:
            rebuild_segments(self._engine, self._holdings.store, sorted(self._segmented))
        else:
            for name in sorted(self._segmented):
                note_segments(self._engine, self._holdings.store, name)

    def _clear(self) -> None:
        """Take off what is not used any more, a little at a time: others write meanwhile."""
        for table in (*_TABLES, file_parts):
            for suffix in (BUILD, _OLD):
                self._drop(table, f"{table.name}{suffix}")

    def _drop(self, table: Table, name: str) -> None:
        if self._engine.dialect.name == "sqlite":
            with reading(self._engine) as connection:
                there = connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = :name"), {"name": name}).first()
                many = there and connection.execute(text(f"SELECT count(*) FROM (SELECT 1 FROM {name} LIMIT {_MANY})")).scalar()
            if there is None:
                return
            key = ", ".join(f'"{column.name}"' for column in table.primary_key.columns)
            some = text(f"DELETE FROM {name} WHERE ({key}) IN (SELECT {key} FROM {name} ORDER BY {key} LIMIT {_ROWS})")
            while many == _MANY:
                with writing(self._engine) as connection:
                    if not connection.execute(some).rowcount:
                        break
        with writing(self._engine) as connection:
            connection.execute(text(f"DROP TABLE IF EXISTS {name}"))

    def _measure(self) -> None:
        """Size and digests of files of which they are not known, such as those of older archives."""
        growing = set(self._holdings.store.unfinished())
        for name in self._holdings.files.unmeasured(limit=1_000_000):
            if name in growing or _is_elsewhere(name):
                continue
            try:
                with self._holdings.store.open(name) as stream:
                    self._holdings.files.note(name, measure(stream))
            except MissingRecord:
                continue


def _is_elsewhere(name: str) -> bool:
    return "://" in name


def _build_table(table: Table) -> Table:
    """The same table under another name; without the indexes that it does not need while it is built."""
    metadata = MetaData()
    for other in table.metadata.tables.values():
        if any(key.column.table is other for key in table.foreign_keys):
            other.to_metadata(metadata)
    made = table.to_metadata(metadata, name=f"{table.name}{BUILD}")
    made.indexes.clear()
    return made
