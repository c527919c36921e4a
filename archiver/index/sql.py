"""The capture index in the database: rows in, captures out, in the orders that replay and calendars ask for."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, and_, bindparam, func, or_, select

from archiver.index.database import insert_new
from archiver.index.tables import captures, collections, files
from archiver.model import Capture, RevisitTarget, Truncation
from archiver.timestamps import parse_timestamp

#: Rows a closest look-up reads at first, and at each further step: nearly always the first probe has the answer.
_FIRST_BATCH = 4
_NEXT_BATCH = 64

_COLUMNS = (
    collections.c.slug,
    captures.c.urlkey,
    captures.c.timestamp,
    captures.c.url,
    captures.c.mime,
    captures.c.status,
    captures.c.digest,
    files.c.name,
    captures.c.offset,
    captures.c.length,
    captures.c.truncated,
    captures.c.is_revisit,
    captures.c.refers_to_url,
    captures.c.refers_to_timestamp,
    captures.c.refers_to_id,
)
_PLACE = (captures.c.timestamp, captures.c.file_id, captures.c.offset)


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many captures a URL has on one day.

    Attributes:
        day: "YYYYMMDD".
        count: captures on that day.
    """

    day: str
    count: int


@dataclass(frozen=True, slots=True)
class UrlSummary:
    """The captures of one URL key in a few numbers; `first` and `last` are 14-digit timestamps."""

    url: str
    urlkey: str
    count: int
    first: str
    last: str
    mime: str


@dataclass(frozen=True, slots=True)
class CollectionSummary:
    """The captures of a collection in a few numbers; `first` and `last` are timestamps, "" when it is empty."""

    captures: int
    urls: int
    first: str
    last: str
    bytes: int


def _rows() -> Select[Any]:
    return (
        select(*_COLUMNS)
        .join(files, files.c.id == captures.c.file_id)
        .join(collections, collections.c.id == captures.c.collection_id)
    )


def _is_here() -> ColumnElement[bool]:
    return and_(captures.c.collection_id == bindparam("collection_id"), captures.c.urlkey == bindparam("urlkey"))


def _after() -> Select[Any]:
    moment: Any = bindparam("moment")
    file: Any = bindparam("file_id")
    offset: Any = bindparam("place")
    later = or_(
        captures.c.timestamp > moment,
        and_(captures.c.timestamp == moment, captures.c.file_id > file),
        and_(captures.c.timestamp == moment, captures.c.file_id == file, captures.c.offset > offset),
    )
    return (
        _rows()
        .add_columns(captures.c.file_id)
        .where(_is_here(), captures.c.timestamp >= moment, later)
        .order_by(*_PLACE)
        .limit(bindparam("count"))
    )


def _before() -> Select[Any]:
    moment: Any = bindparam("moment")
    file: Any = bindparam("file_id")
    offset: Any = bindparam("place")
    earlier = or_(
        captures.c.timestamp < moment,
        and_(captures.c.timestamp == moment, captures.c.file_id < file),
        and_(captures.c.timestamp == moment, captures.c.file_id == file, captures.c.offset < offset),
    )
    return (
        _rows()
        .add_columns(captures.c.file_id)
        .where(_is_here(), captures.c.timestamp <= moment, earlier)
        .order_by(*(column.desc() for column in _PLACE))
        .limit(bindparam("count"))
    )


#: The two probes of a closest look-up: outward from a place in the clustered key, one in each direction.
PROBE_AFTER, PROBE_BEFORE = _after(), _before()


def _capture(row: Any) -> Capture:
    revisit_of = RevisitTarget(row[12], row[13], row[14]) if row[11] else None
    return Capture(
        row[0], row[1], f"{row[2]:014d}", row[3], row[4], row[5], row[6], row[7], row[8], row[9], revisit_of,
        Truncation(row[10]) if row[10] else None,
    )  # fmt: skip


class CaptureIndex:
    """The captures of all collections.

    Args:
        engine: the archive's database, tables up to date.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # -- writing -----------------------------------------------------------------------------------------------------

    def add(self, rows: Iterable[Capture]) -> int:
        """Add captures in one transaction; those already there (same file and offset) are passed over.

        Returns:
            The number of captures given.

        Raises:
            KeyError: a collection does not exist.
        """
        entries = list(rows)
        if not entries:
            return 0
        with self._engine.begin() as connection:
            known_files = self._file_ids(connection, {entry.file for entry in entries})
            slugs = {entry.collection for entry in entries}
            found = connection.execute(select(collections.c.slug, collections.c.id).where(collections.c.slug.in_(slugs)))
            known = {slug: number for slug, number in found}
            values = [_values(entry, known[entry.collection], known_files[entry.file]) for entry in entries]
            connection.execute(insert_new(self._engine, captures), values)
        return len(entries)

    def _file_ids(self, connection: Connection, names: set[str]) -> dict[str, int]:
        wanted = select(files.c.name, files.c.id).where(files.c.name.in_(names))
        ids = {name: number for name, number in connection.execute(wanted)}
        missing = sorted(names - ids.keys())
        if missing:
            connection.execute(insert_new(self._engine, files), [{"name": name} for name in missing])
            ids = {name: number for name, number in connection.execute(wanted)}
        return ids

    # -- reading -----------------------------------------------------------------------------------------------------

    def closest(self, slugs: Sequence[str], urlkey: str, timestamp: str) -> Iterator[Capture]:
        """Captures of a URL by their distance in time from `timestamp`, lazily; of equally near ones the earlier first.

        Args:
            slugs: collections to look in.
            urlkey: SURT key.
            timestamp: 14 digits.
        """
        target = parse_timestamp(timestamp)
        streams = []
        with self._engine.connect() as connection:
            for number in self._collection_ids(connection, slugs):
                for probe, step in ((PROBE_BEFORE, -1), (PROBE_AFTER, 1)):
                    streams.append(self._walk(connection, probe, number, urlkey, int(timestamp), step))

            def distance(capture: Capture) -> tuple[float, str]:
                gap = abs((parse_timestamp(capture.timestamp) - target).total_seconds())
                return gap, capture.timestamp

            yield from heapq.merge(*streams, key=distance)

    def _walk(
        self, connection: Connection, probe: Select[Any], collection_id: int, urlkey: str, moment: int, step: int
    ) -> Iterator[Capture]:
        """Captures in one direction from a moment, a few at a time."""
        # Captures at the very moment belong to the forward walk.
        place = {"moment": moment, "file_id": -1, "place": -1}
        count = _FIRST_BATCH
        while True:
            found = connection.execute(probe, {"collection_id": collection_id, "urlkey": urlkey, "count": count, **place}).all()
            for row in found:
                yield _capture(row)
            if len(found) < count:
                return
            last = found[-1]
            place = {"moment": last.timestamp, "file_id": last.file_id, "place": last.offset}
            count = _NEXT_BATCH

    def newest(self, slugs: Sequence[str], urlkey: str) -> Capture | None:
        """The latest capture of a URL; None when there is none."""
        return next(self.versions(slugs, urlkey, newest_first=True, limit=1), None)

    def versions(
        self,
        slugs: Sequence[str],
        urlkey: str,
        *,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> Iterator[Capture]:
        """Captures of a URL in the order of time, from `since` to `until` (14 digits, both included)."""
        columns = [column.desc() if newest_first else column for column in _PLACE]
        statement = _rows().where(captures.c.urlkey == urlkey).order_by(*columns).limit(limit)
        if since is not None:
            statement = statement.where(captures.c.timestamp >= int(since))
        if until is not None:
            statement = statement.where(captures.c.timestamp <= int(until))
        with self._engine.connect() as connection:
            ids = self._collection_ids(connection, slugs)
            statement = statement.where(captures.c.collection_id.in_(ids))
            for row in connection.execution_options(yield_per=500).execute(statement):
                yield _capture(row)

    def counts(self, slugs: Sequence[str], urlkey: str) -> list[DayCount]:
        """Captures of a URL a day, oldest first."""
        day = (captures.c.timestamp / 1_000_000).label("day")
        if self._engine.dialect.name == "sqlite":
            day = captures.c.timestamp.op("/")(1_000_000).label("day")
        with self._engine.connect() as connection:
            ids = self._collection_ids(connection, slugs)
            statement = (
                select(day, func.count())
                .where(captures.c.collection_id.in_(ids), captures.c.urlkey == urlkey)
                .group_by(day)
                .order_by(day)
            )
            return [DayCount(f"{int(number):08d}", count) for number, count in connection.execute(statement)]

    def under(self, slugs: Sequence[str], urlkey_prefix: str, *, limit: int = 100) -> list[UrlSummary]:
        """The URLs whose key starts with `urlkey_prefix`, in the order of keys."""
        with self._engine.connect() as connection:
            ids = self._collection_ids(connection, slugs)
            statement = (
                select(
                    func.max(captures.c.url),
                    captures.c.urlkey,
                    func.count(),
                    func.min(captures.c.timestamp),
                    func.max(captures.c.timestamp),
                    func.max(captures.c.mime),
                )
                .where(
                    captures.c.collection_id.in_(ids),
                    captures.c.urlkey >= urlkey_prefix,
                    captures.c.urlkey < after_prefix(urlkey_prefix),
                )
                .group_by(captures.c.urlkey)
                .order_by(captures.c.urlkey)
                .limit(limit)
            )
            return [
                UrlSummary(url, key, count, f"{first:014d}", f"{last:014d}", mime)
                for url, key, count, first, last, mime in connection.execute(statement)
            ]

    def summary(self, slug: str) -> CollectionSummary:
        """A collection in a few numbers."""
        statement = select(
            func.count(),
            func.count(captures.c.urlkey.distinct()),
            func.min(captures.c.timestamp),
            func.max(captures.c.timestamp),
            func.coalesce(func.sum(captures.c.length), 0),
        )
        with self._engine.connect() as connection:
            ids = self._collection_ids(connection, [slug])
            count, urls, first, last, size = connection.execute(statement.where(captures.c.collection_id.in_(ids))).one()
        return CollectionSummary(count, urls, f"{first:014d}" if count else "", f"{last:014d}" if count else "", int(size))

    def has_file(self, file: str) -> bool:
        """Some capture lies in that WARC file."""
        statement = select(captures.c.offset).join(files, files.c.id == captures.c.file_id)
        with self._engine.connect() as connection:
            return connection.execute(statement.where(files.c.name == file).limit(1)).first() is not None

    @staticmethod
    def _collection_ids(connection: Connection, slugs: Sequence[str]) -> list[int]:
        found = connection.execute(select(collections.c.id).where(collections.c.slug.in_(slugs)))
        return [int(number) for (number,) in found]


def after_prefix(prefix: str) -> str:
    """The smallest key greater than every key that starts with `prefix`."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1) if prefix else "\U0010ffff"


def _values(entry: Capture, collection_id: int, file_id: int) -> dict[str, object]:
    target = entry.revisit_of
    return {
        "collection_id": collection_id,
        "urlkey": entry.urlkey,
        "timestamp": int(entry.timestamp),
        "file_id": file_id,
        "offset": entry.offset,
        "length": entry.length,
        "url": entry.url,
        "mime": entry.mime,
        "status": entry.status,
        "digest": entry.digest,
        "truncated": entry.truncated.value if entry.truncated else None,
        "is_revisit": int(target is not None),
        "refers_to_url": target.url if target else None,
        "refers_to_timestamp": target.timestamp if target else None,
        "refers_to_id": target.record_id if target else None,
    }
