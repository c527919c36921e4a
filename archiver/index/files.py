"""What is known of the WARC files of an archive: size, digests, state, and what of them belongs to which collection."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, and_, func, select, update

from archiver.errors import UnknownCollection
from archiver.fixity import Fixity
from archiver.index.crawltables import crawl_files
from archiver.index.database import insert_new, insert_or_replace, reading, writing
from archiver.index.holdingstables import file_parts
from archiver.index.tables import collections, crawls, files
from archiver.timestamps import to_iso

#: States of a file: there; rewritten without some of its records; taken away on purpose; not found where it should be.
HELD, PURGED, REMOVED, MISSING = "held", "purged", "removed", "missing"
#: During a purge: written anew, and does not count yet; does not count any more, and is to be removed.
PURGING, LEAVING = "purging", "leaving"


@dataclass(frozen=True, slots=True)
class Part:
    """What of a file belongs to one collection.

    Attributes:
        collection: slug.
        captures: rows of the index that point into it.
        first: timestamp of the oldest of them, 14 digits; "" for none.
        last: of the newest.
        crawl_id: the crawl that wrote it, where that is one and known.
        indexed_to: up to which byte its records have been looked at; None for files of our own writers.
    """

    collection: str
    captures: int = 0
    first: str = ""
    last: str = ""
    crawl_id: int | None = None
    indexed_to: int | None = None


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as far as it belongs to one collection; what belongs to two is told twice.

    Attributes:
        number: of the file; grows with each new one.
        name: in the store.
        fixity: size and digests; None while it is written, and until an older archive's file was measured.
        stored_at: when it was finished or came in, as WARC-Date; "" while `fixity` is None.
        state: "held", "purged", "removed" or "missing".
        part: what of it belongs to the collection.
        crawl_started_at: when that crawl began, as WARC-Date; "" when no crawl is known.
    """

    number: int
    name: str
    fixity: Fixity | None
    stored_at: str
    state: str
    part: Part
    crawl_started_at: str = ""


@dataclass(frozen=True, slots=True)
class FileQuery:
    """Which files are asked for; what is None or empty does not matter.

    Attributes:
        collections: slugs; None for all.
        name: exactly, or with "*" for any characters.
        crawl_id: written by that crawl.
        captured_since: has captures of that moment or later, 14 digits.
        captured_until: has captures of that moment or earlier, 14 digits.
        crawl_since: its crawl began at that moment or later, as WARC-Date.
        crawl_until: its crawl began at that moment or earlier, as WARC-Date.
        stored_since: came in at that moment or later, as WARC-Date.
        states: of which one must be its own.
        only_measured: size and digests are known.
        called: the last part of its name, exactly, or with "*" for any characters and "?" for one.
        number: of the file; 0 for any.
        begun_since: its oldest capture is of that moment or later, 14 digits.
        begun_before: its oldest capture is earlier than that moment, 14 digits.
        crawl_before: its crawl began earlier than that moment, as WARC-Date.
        stored_before: came in earlier than that moment, as WARC-Date.
    """

    collections: Sequence[str] | None = None
    name: str = ""
    crawl_id: int | None = None
    captured_since: str = ""
    captured_until: str = ""
    crawl_since: str = ""
    crawl_until: str = ""
    stored_since: str = ""
    states: Sequence[str] = (HELD, PURGED)
    only_measured: bool = False
    called: str = ""
    number: int = 0
    begun_since: str = ""
    begun_before: str = ""
    crawl_before: str = ""
    stored_before: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """Files of a collection in numbers; `first` and `last` are timestamps, "" when there are no captures."""

    files: int
    bytes: int
    captures: int
    first: str
    last: str


class FileRegistry:
    """The tables of files.

    Args:
        engine: the archive's database.
        clock: the time, UTC.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    # -- writing -----------------------------------------------------------------------------------------------------

    def note(self, name: str, fixity: Fixity, parts: Iterable[Part] = ()) -> None:
        """Keep what is known of a finished file; what was known before of the file and of these parts is replaced.

        Args:
            name: in the store.
            fixity: as measured now.
            parts: those collections' shares of it. A crawl that is not named stays as it is known.

        Raises:
            UnknownCollection: a collection does not exist; nothing is kept.
            StorageFailed: the database did not take it.
        """
        with writing(self._engine) as connection:
            self.note_within(connection, name, fixity, parts)

    def note_within(self, connection: Connection, name: str, fixity: Fixity, parts: Iterable[Part] = ()) -> None:
        """The same as part of a transaction of the caller's."""
        number = file_numbers(connection, self._engine, (name,))[name]
        changed: dict[str, Any] = {
            "size": fixity.size,
            "md5": fixity.md5,
            "sha1": fixity.sha1,
            "sha256": fixity.sha256,
            "stored_at": func.coalesce(files.c.stored_at, to_iso(self._clock(), 0)),
            "state": HELD,
        }
        connection.execute(update(files).where(files.c.id == number).values(changed))
        self.note_parts_within(connection, number, name, parts)

    def note_parts_within(self, connection: Connection, number: int, name: str, parts: Iterable[Part]) -> None:
        """Keep collections' shares of a file, within a transaction of the caller's."""
        by_slug = {part.collection: part for part in parts}
        if not by_slug:
            return
        found = connection.execute(select(collections.c.slug, collections.c.id).where(collections.c.slug.in_(by_slug)))
        ids = {slug: collection for slug, collection in found}
        for slug in by_slug.keys() - ids.keys():
            raise UnknownCollection(f"There is no collection “{slug}”.")
        columns = file_parts.c
        known = select(columns.collection_id, columns.crawl_id, columns.indexed_to).where(columns.file_id == number)
        before = {row.collection_id: row for row in connection.execute(known)}
        writer = connection.execute(select(crawl_files.c.crawl_id).where(crawl_files.c.name == name)).scalar()
        rows = [
            {
                "file_id": number,
                "collection_id": ids[slug],
                "crawl_id": part.crawl_id or getattr(before.get(ids[slug]), "crawl_id", None) or writer,
                "captures": part.captures,
                "first_timestamp": int(part.first) if part.first else None,
                "last_timestamp": int(part.last) if part.last else None,
                "indexed_to": part.indexed_to or getattr(before.get(ids[slug]), "indexed_to", None),
            }
            for slug, part in by_slug.items()
        ]
        connection.execute(insert_or_replace(self._engine, file_parts), rows)

    def set_state(self, name: str, state: str) -> None:
        """Say of a file that it is "held", "purged", "removed" or "missing"."""
        with writing(self._engine) as connection:
            connection.execute(update(files).where(files.c.name == name).values(state=state))

    # -- reading -----------------------------------------------------------------------------------------------------

    def find(
        self,
        query: FileQuery = FileQuery(),
        *,
        after: int = 0,
        offset: int = 0,
        limit: int = 100,
        newest_first: bool = False,
    ) -> list[StoredFile]:
        """Files, in the order in which they became known.

        Args:
            query: which.
            after: only those with a greater `number`: for going on without an offset.
            offset: how many are passed over.
            limit: how many at most.
            newest_first: those that became known last come first.

        Raises:
            StorageFailed: the database cannot be read.
        """
        statement = (
            _selected(query, select(*_COLUMNS))
            .where(files.c.id > after)
            .order_by(files.c.id.desc() if newest_first else files.c.id, collections.c.slug)
            .offset(offset)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return [_stored(row) for row in connection.execute(statement)]

    def count(self, query: FileQuery = FileQuery()) -> int:
        """How many `find` gives in all."""
        with reading(self._engine) as connection:
            return int(connection.execute(_selected(query, select(func.count()))).scalar_one())

    def get(self, name: str) -> list[StoredFile]:
        """A file, once for each collection that has a part of it."""
        statement = _joined(select(*_COLUMNS)).where(files.c.name == name).order_by(collections.c.slug)
        with reading(self._engine) as connection:
            return [_stored(row) for row in connection.execute(statement)]

    def ambiguous(self, names: Sequence[str]) -> frozenset[str]:
        """Those of these last parts of names that several files have."""
        many = select(_CALLED).where(_CALLED.in_(names)).group_by(_CALLED).having(func.count() > 1)
        with reading(self._engine) as connection:
            return frozenset(connection.execute(many).scalars())

    def totals(self, slug: str) -> Totals:
        """The files of a collection in numbers: as quick as it has files, not captures."""
        parts = file_parts.c
        columns = (
            func.count(),
            func.coalesce(func.sum(files.c.size), 0),
            func.coalesce(func.sum(parts.captures), 0),
            func.min(parts.first_timestamp),
            func.max(parts.last_timestamp),
        )
        with reading(self._engine) as connection:
            row = connection.execute(_selected(FileQuery((slug,)), select(*columns))).one()
        first, last = (f"{moment:014d}" if moment is not None else "" for moment in row[3:])
        return Totals(row[0], int(row[1]), int(row[2]), first, last)

    def part(self, name: str, collection: str) -> StoredFile | None:
        """What is known of a file as far as it belongs to a collection; None when nothing is."""
        return next((found for found in self.get(name) if found.part.collection == collection), None)

    def unmeasured(self, *, limit: int = 1000) -> list[str]:
        """Names of files whose size and digests are not known: those that are written now, and those of older archives."""
        statement = select(files.c.name).where(files.c.size.is_(None), files.c.state == HELD).order_by(files.c.id).limit(limit)
        with reading(self._engine) as connection:
            return [name for (name,) in connection.execute(statement)]

    def has_states(self, wanted: Sequence[str]) -> bool:
        """Some file is in one of these states."""
        with reading(self._engine) as connection:
            return connection.execute(select(files.c.id).where(files.c.state.in_(wanted)).limit(1)).first() is not None


def file_numbers(connection: Connection, engine: Engine, names: Collection[str]) -> dict[str, int]:
    """The numbers of files; those that have none get one."""
    wanted = select(files.c.name, files.c.id).where(files.c.name.in_(names))
    numbers = {name: number for name, number in connection.execute(wanted)}
    missing = sorted(set(names) - numbers.keys())
    if missing:
        connection.execute(insert_new(engine, files), [{"name": name} for name in missing])
        numbers = {name: number for name, number in connection.execute(wanted)}
    return numbers


_COLUMNS = (
    files.c.id,
    files.c.name,
    files.c.size,
    files.c.md5,
    files.c.sha1,
    files.c.sha256,
    files.c.stored_at,
    files.c.state,
    file_parts.c.indexed_to,
    collections.c.slug,
    file_parts.c.captures,
    file_parts.c.first_timestamp,
    file_parts.c.last_timestamp,
    file_parts.c.crawl_id,
    crawls.c.started_at,
)


def _joined(statement: Select[Any]) -> Select[Any]:
    return statement.select_from(
        file_parts.join(files, files.c.id == file_parts.c.file_id)
        .join(collections, collections.c.id == file_parts.c.collection_id)
        .outerjoin(crawls, crawls.c.id == file_parts.c.crawl_id)
    )


def _selected(query: FileQuery, statement: Select[Any]) -> Select[Any]:
    parts = file_parts.c
    found = _joined(statement).where(files.c.state.in_(query.states))
    if query.collections is not None:
        found = found.where(collections.c.slug.in_(query.collections))
    if "*" in query.name:
        pattern = query.name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
        found = found.where(files.c.name.like(pattern, escape="\\"))
    elif query.name:
        found = found.where(files.c.name == query.name)
    if query.called:
        found = found.where(_is_called(query.called))
    conditions = (
        (query.number, files.c.id == query.number),
        (query.begun_since, parts.first_timestamp >= int(query.begun_since or 0)),
        (query.begun_before, parts.first_timestamp < int(query.begun_before or 0)),
        (query.crawl_before, crawls.c.started_at < query.crawl_before),
        (query.stored_before, files.c.stored_at < query.stored_before),
        (query.crawl_id, parts.crawl_id == query.crawl_id),
        (query.captured_since, parts.last_timestamp >= int(query.captured_since or 0)),
        (query.captured_until, parts.first_timestamp <= int(query.captured_until or 0)),
        (query.crawl_since, crawls.c.started_at >= query.crawl_since),
        (query.crawl_until, crawls.c.started_at <= query.crawl_until),
        (query.stored_since, files.c.stored_at >= query.stored_since),
        (query.only_measured, files.c.size.is_not(None)),
    )
    return found.where(and_(True, *(condition for wanted, condition in conditions if wanted)))


#: The last part of a name that is a path or URL; else the name. What stands before it is what is left of the name when all
#: that is no slash is taken from its end.
_CALLED = func.replace(files.c.name, func.rtrim(files.c.name, func.replace(files.c.name, "/", "")), "")


def _is_called(pattern: str) -> Any:
    if "*" not in pattern and "?" not in pattern:
        return pattern == _CALLED
    literal = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    like = _CALLED.like(literal.replace("*", "%").replace("?", "_"), escape="\\")
    # SQLite does not tell the cases of letters apart in LIKE; replacing something always does.
    words = [word for word in re.split(r"[*?]+", pattern) if word]
    return and_(like, *(func.replace(_CALLED, word, "") != _CALLED for word in words))


def _stored(row: Any) -> StoredFile:
    fixity = Fixity(row[2], row[3], row[4], row[5]) if row[2] is not None and row[5] is not None else None
    first, last = (f"{moment:014d}" if moment is not None else "" for moment in row[11:13])
    part = Part(row[9], row[10], first, last, row[13], row[8])
    return StoredFile(row[0], row[1], fixity, row[6] or "", row[7], part, row[14] or "")
