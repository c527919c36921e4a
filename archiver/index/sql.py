"""The capture index in the database: rows in, captures out, in the orders that replay and calendars ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from heapq import merge
from itertools import islice, takewhile
from operator import add
from typing import Any

from sqlalchemy import Connection, Engine, select

from archiver.errors import UnknownCollection
from archiver.index.database import Prepared, insert_new, reading, writing
from archiver.index.files import file_numbers
from archiver.index.merging import by_distance, earlier_first
from archiver.index.protocol import CollectionSummary, DayCount, Row, UrlSummary
from archiver.index.query import HIGHEST, KeyRange, Place, after_prefix
from archiver.index.scan import Scanner, moments
from archiver.index.statements import START, around, capture_of_row, days, keys, place_of_row, probe, summary, urls_under
from archiver.index.tables import captures, collections, files
from archiver.model import Capture
from archiver.timestamps import normalise_timestamp

#: Rows a closest look-up reads at first, and at each further step: nearly always the first probe has the answer.
FIRST_BATCH = 4
_NEXT_BATCH = 256

_LAST = 2**31 - 1
_SUMMARY = summary()


class _Probe:
    """Reads captures of a URL from a place on, in one direction.

    Args:
        engine: the archive's database.
        backward: earlier ones.
    """

    def __init__(self, engine: Engine, *, backward: bool) -> None:
        self._statements = {count: Prepared(engine, probe(count, backward=backward)) for count in (FIRST_BATCH, _NEXT_BATCH)}

    def rows(self, count: int, slug: str, urlkey: str, start: tuple[int, int, int]) -> Sequence[Any]:
        """As many rows as one of the two statements gives."""
        return self._statements[count].rows(slug=slug, urlkey=urlkey, **dict(zip(START, start, strict=True)))


class CaptureIndex:
    """The captures of all collections. Look-ups hold no connection between two captures that they give.

    Args:
        engine: the archive's database, tables up to date.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._after = _Probe(engine, backward=False)
        self._before = _Probe(engine, backward=True)
        # Where each question goes through a socket, one instead of two.
        self._around = Prepared(engine, around(FIRST_BATCH)) if engine.dialect.name == "postgresql" else None
        self._days = Prepared(engine, days())
        self._keys = Prepared(engine, keys())
        self._scanner = Scanner(engine)

    @property
    def engine(self) -> Engine:
        """The archive's database."""
        return self._engine

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
        known_files = file_numbers(connection, self._engine, {entry.file for entry in entries})
        slugs = {entry.collection for entry in entries}
        found = connection.execute(select(collections.c.slug, collections.c.id).where(collections.c.slug.in_(slugs)))
        known = {slug: number for slug, number in found}
        for slug in slugs - known.keys():
            raise UnknownCollection(f"There is no collection “{slug}”.")
        values = [_values(entry, known[entry.collection], known_files[entry.file]) for entry in entries]
        connection.execute(insert_new(self._engine, captures), values)

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

        start = (int(wanted), -1, -1)
        pairs = [self._both_ways(slug, urlkey, start) for slug in slugs]
        later = pairs[0][0] if len(pairs) == 1 else merge(*(walk for walk, _ in pairs), key=_moment)
        return by_distance(later, [earlier_first(walk) for _, walk in pairs], wanted)

    def _both_ways(self, slug: str, urlkey: str, start: tuple[int, int, int]) -> tuple[Iterator[Capture], Iterator[Capture]]:
        """Captures from a place on, and those before it, the latest first."""
        both = self._around
        if both is None:
            return self._walk(self._after, slug, urlkey, start), self._walk(self._before, slug, urlkey, start)
        asked: list[Sequence[Any]] = []

        def first(way: int) -> Sequence[Any]:
            if not asked:
                asked.append(both.rows(slug=slug, urlkey=urlkey, **dict(zip(START, start, strict=True))))
            # Engines give each part in its order; nothing says that they must.
            return sorted((row for row in asked[0] if row[-1] == way), key=place_of_row, reverse=bool(way))

        return (
            self._walk(self._after, slug, urlkey, start, first=partial(first, 0)),
            self._walk(self._before, slug, urlkey, start, first=partial(first, 1)),
        )

    def _walk(
        self,
        probe: _Probe,
        slug: str,
        urlkey: str,
        start: tuple[int, int, int],
        count: int = FIRST_BATCH,
        first: Callable[[], Sequence[Any]] | None = None,
    ) -> Iterator[Capture]:
        """Captures in one direction from a place, a few at a time; the first few from elsewhere, if that is given."""
        while True:
            found = probe.rows(count, slug, urlkey, start) if first is None else first()
            first = None
            for row in found:
                yield capture_of_row(slug, row)
            if len(found) < count:
                return
            start = place_of_row(found[-1])
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
        count = FIRST_BATCH if limit is not None and limit <= FIRST_BATCH else _NEXT_BATCH
        walks = (self._walk(probe, slug, urlkey, start, count) for slug in slugs)
        merged = merge(*walks, key=_moment, reverse=newest_first)
        inside = takewhile((lambda item: item.timestamp >= low) if newest_first else _not_after(high), merged)
        return islice(inside, limit)

    def counts(self, slugs: Sequence[str], urlkey: str, *, digits: int = 8, period: str = "") -> list[DayCount]:
        """Captures of a URL a day, oldest first; see `archiver.index.protocol.CaptureSource`."""
        low, high = moments(period or None, period or None)
        found: dict[int, DayCount] = {}
        for slug in slugs:
            rows = self._days.rows(slug=slug, urlkey=urlkey, unit=10 ** (14 - digits), low=low, high=high)
            for day, count, *classes in rows:
                here = DayCount(f"{day:0{digits}d}", count, (*map(int, classes), count - int(sum(classes))))
                found[day] = _day_of_both(found[day], here) if day in found else here
        return [found[day] for day in sorted(found)]

    def under(self, slugs: Sequence[str], urlkey_prefix: str, *, limit: int = 100) -> list[UrlSummary]:
        """The URLs whose key starts with `urlkey_prefix`, in the order of keys, `limit` at most."""
        statement = urls_under(urlkey_prefix).limit(limit)
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
            rows = self._keys.rows(slug=slug, start=start, end=HIGHEST if end is None else end, count=limit)
            found.update(row[0] for row in rows)
        return sorted(found)

    def summary(self, slug: str) -> CollectionSummary:
        """A collection in a few numbers; reads all its rows (about 3 million a second)."""
        with reading(self._engine) as connection:
            count, urls, first, last, size = connection.execute(_SUMMARY, {"slug": slug}).one()
        if not count:
            return CollectionSummary(0, 0, "", "", 0)
        return CollectionSummary(int(count), urls, f"{first:014d}", f"{last:014d}", int(size))

    def scan(
        self,
        slugs: Sequence[str],
        ranges: Sequence[KeyRange],
        *,
        since: str | None = None,
        until: str | None = None,
        after: Place | None = None,
        newest_first: bool = False,
    ) -> Iterator[Capture]:
        """Captures in the order of keys, then of time; of one key and second, as their files came in and lie in them.

        See `archiver.index.protocol.CaptureSource`.
        """
        return self._scanner.captures(slugs, ranges, since=since, until=until, after=after, newest_first=newest_first)

    def scan_rows(
        self,
        slugs: Sequence[str],
        ranges: Sequence[KeyRange],
        *,
        since: str | None = None,
        until: str | None = None,
        after: Place | None = None,
    ) -> Iterator[Sequence[Row]]:
        """What `scan` gives as plain tuples in batches; see `archiver.index.protocol.CaptureSource`."""
        return self._scanner.rows(slugs, ranges, since=since, until=until, after=after)

    def has_file(self, file: str) -> bool:
        """Some capture lies in that WARC file."""
        with reading(self._engine) as connection:
            return connection.execute(select(files.c.id).where(files.c.name == file)).first() is not None


def _day_of_both(one: DayCount, other: DayCount) -> DayCount:
    """The captures of one day in two collections."""
    return DayCount(one.day, one.count + other.count, tuple(map(add, one.by_class, other.by_class)))


def _both(one: UrlSummary, other: UrlSummary) -> UrlSummary:
    """The captures of one URL key in two collections."""
    count, first, last = one.count + other.count, min(one.first, other.first), max(one.last, other.last)
    return UrlSummary(max(one.url, other.url), one.urlkey, count, first, last, max(one.mime, other.mime))


def _moment(capture: Capture) -> str:
    return capture.timestamp


def _not_after(high: str) -> Callable[[Capture], bool]:
    return lambda capture: capture.timestamp <= high


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
