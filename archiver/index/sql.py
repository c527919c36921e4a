"""The capture index in the database: rows in, captures out, in the orders that replay and calendars ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import chain, groupby, islice, takewhile
from typing import Any

from sqlalchemy import Connection, Engine, Integer, Select, bindparam, case, func, select, tuple_

from archiver.errors import UnknownCollection
from archiver.index.database import Prepared, insert_new, reading, writing
from archiver.index.tables import captures, collections, files
from archiver.model import Capture, RevisitTarget, Truncation
from archiver.timestamps import normalise_timestamp, parse_timestamp

#: Rows a closest look-up reads at first, and at each further step: nearly always the first probe has the answer.
_FIRST_BATCH = 4
_NEXT_BATCH = 256

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
_START = ("moment", "in_file", "at")
_LAST = 2**31 - 1


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
    """The captures of one URL key in a few numbers.

    Attributes:
        url: one of its spellings.
        urlkey: SURT key.
        count: of captures.
        first: timestamp, 14 digits.
        last: timestamp, 14 digits.
        mime: media type of the captures that succeeded; "" when none did.
    """

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
        select(*_COLUMNS, captures.c.file_id)
        .join(files, files.c.id == captures.c.file_id)
        .join(collections, collections.c.id == captures.c.collection_id)
    )


def _probe(*, backward: bool) -> Select[Any]:
    """The next captures of a URL from a place in the clustered key on, in one direction."""
    here = tuple_(*_PLACE)
    start = tuple_(*(bindparam(name, type_=column.type) for name, column in zip(_START, _PLACE, strict=True)))
    return (
        _rows()
        .where(collections.c.slug == bindparam("slug"), captures.c.urlkey == bindparam("urlkey"))
        .where(here < start if backward else here > start)
        .order_by(*(column.desc() if backward else column for column in _PLACE))
        .limit(bindparam("count", type_=Integer))
    )


#: The two probes of a closest look-up: outward from a place in the clustered key, one in each direction.
PROBE_AFTER, PROBE_BEFORE = _probe(backward=False), _probe(backward=True)


def _days() -> Select[Any]:
    day = (captures.c.timestamp // 1_000_000).label("day")
    return (
        select(day, func.count())
        .join(collections, collections.c.id == captures.c.collection_id)
        .where(collections.c.slug == bindparam("slug"), captures.c.urlkey == bindparam("urlkey"))
        .group_by(day)
    )


def _keys() -> Select[Any]:
    key = captures.c.urlkey
    return (
        select(key)
        .distinct()
        .join(collections, collections.c.id == captures.c.collection_id)
        .where(collections.c.slug == bindparam("slug"), key >= bindparam("start"), key < bindparam("end"))
        .order_by(key)
        .limit(bindparam("count", type_=Integer))
    )


def _urls_under(prefix: str) -> Select[Any]:
    columns = captures.c
    statement = (
        select(
            func.max(columns.url),
            columns.urlkey,
            func.count(),
            func.min(columns.timestamp),
            func.max(columns.timestamp),
            func.max(case((func.coalesce(columns.status, 200) < 300, columns.mime), else_="")),
        )
        .join(collections, collections.c.id == columns.collection_id)
        .where(collections.c.slug == bindparam("slug"), columns.urlkey >= prefix)
        .where(columns.urlkey.not_like("%\\_\\_wb\\_method=%", escape="\\"))  # answers to requests with a body are no pages
        .group_by(columns.urlkey)
        .order_by(columns.urlkey)
    )
    end = after_prefix(prefix)
    return statement if end is None else statement.where(columns.urlkey < end)


def _summary() -> Any:
    by_url = (
        select(
            func.count().label("count"),
            func.min(captures.c.timestamp).label("first"),
            func.max(captures.c.timestamp).label("last"),
            func.sum(captures.c.length).label("bytes"),
        )
        .join(collections, collections.c.id == captures.c.collection_id)
        .where(collections.c.slug == bindparam("slug"))
        .group_by(captures.c.urlkey)
        .subquery()
    )
    numbers = by_url.c
    return select(
        func.sum(numbers.count), func.count(), func.min(numbers.first), func.max(numbers.last), func.sum(numbers.bytes)
    )


_SUMMARY = _summary()


def _capture(row: Any) -> Capture:
    revisit_of = RevisitTarget(row[12], row[13], row[14]) if row[11] else None
    return Capture(
        row[0], row[1], f"{row[2]:014d}", row[3], row[4], row[5], row[6], row[7], row[8], row[9], revisit_of,
        Truncation(row[10]) if row[10] else None,
    )  # fmt: skip


class CaptureIndex:
    """The captures of all collections. Look-ups hold no connection between two captures that they give.

    Args:
        engine: the archive's database, tables up to date.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._after = Prepared(engine, PROBE_AFTER)
        self._before = Prepared(engine, PROBE_BEFORE)
        self._days = Prepared(engine, _days())
        self._keys = Prepared(engine, _keys())

    # -- writing -----------------------------------------------------------------------------------------------------

    def add(self, rows: Iterable[Capture]) -> int:
        """Add captures in one transaction; those already there (same file and offset) are passed over.

        Returns:
            The number of captures given.

        Raises:
            UnknownCollection: a collection does not exist; nothing was added.
            StorageFailed: the database did not take them; nothing was added.
        """
        entries = list(rows)
        if not entries:
            return 0
        with writing(self._engine) as connection:
            self.add_within(connection, entries)
        return len(entries)

    def add_within(self, connection: Connection, entries: Sequence[Capture]) -> None:
        """Add captures as part of a transaction of the caller's.

        Raises:
            UnknownCollection: a collection does not exist.
        """
        known_files = self._file_ids(connection, {entry.file for entry in entries})
        slugs = {entry.collection for entry in entries}
        found = connection.execute(select(collections.c.slug, collections.c.id).where(collections.c.slug.in_(slugs)))
        known = {slug: number for slug, number in found}
        for slug in slugs - known.keys():
            raise UnknownCollection(f"There is no collection “{slug}”.")
        values = [_values(entry, known[entry.collection], known_files[entry.file]) for entry in entries]
        connection.execute(insert_new(self._engine, captures), values)

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

        Captures of the very moment cost one probe a collection; the other direction is asked after those.

        Args:
            slugs: collections to look in.
            urlkey: SURT key.
            timestamp: 1 to 14 digits; a short one means the beginning of its period.

        Raises:
            InvalidTimestamp: not such digits.
            StorageFailed: the database cannot be read.
        """
        wanted = normalise_timestamp(timestamp)

        def distance(capture: Capture) -> tuple[float, str]:
            return abs(_seconds(capture.timestamp) - target), capture.timestamp

        start = (int(wanted), -1, -1)
        walks = [self._walk(self._after, slug, urlkey, start) for slug in slugs]
        later = walks[0] if len(walks) == 1 else merge(*walks, key=_moment)
        first = next(later, None)
        while first is not None and first.timestamp == wanted:
            yield first
            first = next(later, None)
        target = _seconds(wanted)
        rest = () if first is None else chain((first,), later)
        earlier = (_earlier_first(self._walk(self._before, slug, urlkey, start)) for slug in slugs)
        yield from merge(*earlier, rest, key=distance)

    def _walk(
        self, probe: Prepared, slug: str, urlkey: str, start: tuple[int, int, int], count: int = _FIRST_BATCH
    ) -> Iterator[Capture]:
        """Captures in one direction from a place, a few at a time."""
        while True:
            found = probe.rows(slug=slug, urlkey=urlkey, count=count, **dict(zip(_START, start, strict=True)))
            yield from map(_capture, found)
            if len(found) < count:
                return
            last = found[-1]
            start = (last[2], last[15], last[8])
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
        """Captures of a URL in the order of time, lazily.

        Args:
            slugs: collections to look in.
            urlkey: SURT key.
            since: 1 to 14 digits, included; a short one means the beginning of its period.
            until: 1 to 14 digits, included; a short one means the end of its period.
            limit: how many at most.
            newest_first: the other way round.

        Raises:
            InvalidTimestamp: `since` or `until` is no such digits.
            StorageFailed: the database cannot be read.
        """
        low = "0" if since is None else normalise_timestamp(since)
        high = "9" * 14 if until is None else normalise_timestamp(until, latest=True)
        probe = self._before if newest_first else self._after
        start = (int(high), _LAST, _LAST) if newest_first else (int(low), -1, -1)
        count = _NEXT_BATCH if limit is None else max(1, min(limit, _NEXT_BATCH))
        walks = (self._walk(probe, slug, urlkey, start, count) for slug in slugs)
        merged = merge(*walks, key=_moment, reverse=newest_first)
        inside = takewhile((lambda item: item.timestamp >= low) if newest_first else _not_after(high), merged)
        return islice(inside, limit)

    def counts(self, slugs: Sequence[str], urlkey: str) -> list[DayCount]:
        """Captures of a URL a day, oldest first."""
        counter: Counter[int] = Counter()
        for slug in slugs:
            for day, count in self._days.rows(slug=slug, urlkey=urlkey):
                counter[day] += count
        return [DayCount(f"{day:08d}", count) for day, count in sorted(counter.items())]

    def under(self, slugs: Sequence[str], urlkey_prefix: str, *, limit: int = 100) -> list[UrlSummary]:
        """The URLs whose key starts with `urlkey_prefix`, in the order of keys, `limit` at most."""
        statement = _urls_under(urlkey_prefix).limit(limit)
        found: dict[str, UrlSummary] = {}
        with reading(self._engine) as connection:
            for slug in slugs:  # one by one, so that each is read in the order of its keys and no further than `limit`
                for url, key, count, first, last, mime in connection.execute(statement, {"slug": slug}):
                    here = UrlSummary(url, key, count, f"{first:014d}", f"{last:014d}", mime)
                    found[key] = _both(found[key], here) if key in found else here
        return [found[key] for key in sorted(found)[:limit]]

    def keys(self, slugs: Sequence[str], start: str, *, limit: int) -> list[str]:
        """Different urlkeys that begin with `start`, those of requests with a body included; `limit` at most a collection."""
        end = after_prefix(start)
        found: set[str] = set()
        for slug in slugs:
            rows = self._keys.rows(slug=slug, start=start, end="\U0010ffff" if end is None else end, count=limit)
            found.update(row[0] for row in rows)
        return sorted(found)

    def summary(self, slug: str) -> CollectionSummary:
        """A collection in a few numbers; reads all its rows (about 3 million a second)."""
        with reading(self._engine) as connection:
            count, urls, first, last, size = connection.execute(_SUMMARY, {"slug": slug}).one()
        if not count:
            return CollectionSummary(0, 0, "", "", 0)
        return CollectionSummary(int(count), urls, f"{first:014d}", f"{last:014d}", int(size))

    def has_file(self, file: str) -> bool:
        """Some capture lies in that WARC file."""
        with reading(self._engine) as connection:
            return connection.execute(select(files.c.id).where(files.c.name == file)).first() is not None


def _both(one: UrlSummary, other: UrlSummary) -> UrlSummary:
    """The captures of one URL key in two collections."""
    count, first, last = one.count + other.count, min(one.first, other.first), max(one.last, other.last)
    return UrlSummary(max(one.url, other.url), one.urlkey, count, first, last, max(one.mime, other.mime))


def _moment(capture: Capture) -> str:
    return capture.timestamp


def _not_after(high: str) -> Callable[[Capture], bool]:
    return lambda capture: capture.timestamp <= high


def _earlier_first(backward: Iterator[Capture]) -> Iterator[Capture]:
    """Captures of one and the same second in the order in which they were made, whatever the direction."""
    for _, same in groupby(backward, key=_moment):
        yield from reversed(list(same))


def _seconds(timestamp: str) -> float:
    """14 digits as seconds on a common scale."""
    try:
        return datetime.fromisoformat(f"{timestamp[:8]}T{timestamp[8:]}+00:00").timestamp()
    except ValueError:
        return parse_timestamp(timestamp).timestamp()


def after_prefix(prefix: str) -> str | None:
    """The smallest key greater than every key that starts with `prefix`; None when there is none."""
    prefix = prefix.rstrip("\U0010ffff")
    if not prefix:
        return None
    following = ord(prefix[-1]) + 1
    return prefix[:-1] + chr(0xE000 if following == 0xD800 else following)  # surrogates cannot be stored


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
