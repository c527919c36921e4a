"""What can be answered of any index that gives its captures in order: the base of those that are no database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from archiver.index.merging import by_distance, earlier_first
from archiver.index.protocol import STATUS_CLASSES, CollectionSummary, DayCount, Row, UrlSummary, status_class
from archiver.index.query import KeyRange, Place
from archiver.index.scan import moments
from archiver.model import Capture, RevisitTarget
from archiver.timestamps import normalise_timestamp

#: Rows of a batch.
BATCH = 2000
_WITH_BODY = "__wb_method="


class StreamedIndex(ABC):
    """Captures of one collection, in the order of keys and time.

    Args:
        slug: the collection; others have nothing here.
    """

    def __init__(self, slug: str) -> None:
        self.slug = slug

    @abstractmethod
    def of_url(self, urlkey: str, moment: int, *, backward: bool) -> Iterator[Row]:
        """Captures of a URL in the order of time from `moment` on; backward: those before it, the latest first."""

    @abstractmethod
    def of_ranges(self, ranges: Sequence[KeyRange], after: Place | None, *, backward: bool) -> Iterator[Row]:
        """Captures of ranges of keys in order, from a place on; backward: in the opposite order, from the place down."""

    def closest(self, slugs: Sequence[str], urlkey: str, timestamp: str) -> Iterator[Capture]:
        """See `CaptureSource.closest`."""
        wanted = normalise_timestamp(timestamp)
        if self.slug not in slugs:
            return iter(())
        later = self._captures(self.of_url(urlkey, int(wanted), backward=False))
        earlier = self._captures(self.of_url(urlkey, int(wanted), backward=True))
        return by_distance(later, [earlier_first(earlier)], wanted)

    def newest(self, slugs: Sequence[str], urlkey: str) -> Capture | None:
        """See `CaptureSource.newest`."""
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
        """See `CaptureSource.versions`."""
        low, high = moments(since, until)
        if self.slug not in slugs:
            return iter(())
        return islice(self._captures(self._inside(urlkey, low, high, newest_first)), limit)

    def _inside(self, urlkey: str, low: int, high: int, backward: bool) -> Iterator[Row]:
        for row in self.of_url(urlkey, high + 1 if backward else low, backward=backward):
            if row[1] < low or row[1] > high:
                return
            yield row

    def counts(self, slugs: Sequence[str], urlkey: str, *, digits: int = 8, period: str = "") -> list[DayCount]:
        """See `CaptureSource.counts`."""
        return days_of(self.versions(slugs, urlkey, since=period or None, until=period or None), digits)

    def under(self, slugs: Sequence[str], urlkey_prefix: str, *, limit: int = 100) -> list[UrlSummary]:
        """See `CaptureSource.under`."""
        return urls_of(self.scan_rows(slugs, [KeyRange.beginning_with(urlkey_prefix)]), limit)

    def keys(self, slugs: Sequence[str], start: str, *, limit: int) -> list[str]:
        """See `CaptureSource.keys`."""
        return keys_of(self.scan_rows(slugs, [KeyRange.beginning_with(start)]), limit)

    def summary(self, slug: str) -> CollectionSummary:
        """See `CaptureSource.summary`; reads everything."""
        return summary_of(self.scan_rows([slug], [KeyRange("", None)]))

    def has_file(self, file: str) -> bool:
        """See `CaptureSource.has_file`; reads everything, where it is not there."""
        return any(row[8] == file for rows in self.scan_rows([self.slug], [KeyRange("", None)]) for row in rows)

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
        """See `CaptureSource.scan`."""
        low, high = moments(since, until)
        if self.slug not in slugs:
            return iter(())
        rows = self.of_ranges(ranges, after, backward=newest_first)
        return self._captures(row for row in rows if low <= row[1] <= high)

    def scan_rows(
        self,
        slugs: Sequence[str],
        ranges: Sequence[KeyRange],
        *,
        since: str | None = None,
        until: str | None = None,
        after: Place | None = None,
    ) -> Iterator[Sequence[Row]]:
        """See `CaptureSource.scan_rows`."""
        low, high = moments(since, until)
        if self.slug not in slugs:
            return iter(())
        rows = self.of_ranges(ranges, after, backward=False)
        return batches(row for row in rows if low <= row[1] <= high)

    def _captures(self, rows: Iterable[Row]) -> Iterator[Capture]:
        return (capture_of(row, self.slug) for row in rows)


def capture_of(row: Row, slug: str) -> Capture:
    """A row as a value; indexes that are files do not say what a revisit repeats, nor what was cut."""
    return Capture(
        slug, row[0], f"{row[1]:014d}", row[2], row[3], row[4], row[5], row[8], row[7], row[6],
        RevisitTarget(row[10], row[11], None) if row[9] else None,
    )  # fmt: skip


def batches(rows: Iterable[Row]) -> Iterator[Sequence[Row]]:
    """Rows some at a time, none of them empty."""
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        yield batch


def days_of(captures: Iterable[Capture], digits: int = 8) -> list[DayCount]:
    """Captures a day, or a month with 6 digits, oldest first."""
    days: dict[str, list[int]] = {}
    for capture in captures:
        numbers = days.setdefault(capture.timestamp[:digits], [0] * len(STATUS_CLASSES))
        numbers[STATUS_CLASSES.index(status_class(capture.status))] += 1
    return [DayCount(day, sum(numbers), tuple(numbers)) for day, numbers in sorted(days.items())]


def urls_of(stream: Iterable[Sequence[Row]], limit: int) -> list[UrlSummary]:
    """The URLs of a stream of rows in the order of keys, `limit` at most; no answers to requests with a body."""
    found: list[UrlSummary] = []
    for row in (row for rows in stream for row in rows):
        stamp, mime = f"{row[1]:014d}", row[3] if (row[4] or 200) < 300 else ""
        last = found[-1] if found else None
        if last is not None and last.urlkey == row[0]:
            found[-1] = UrlSummary(
                max(last.url, row[2]), last.urlkey, last.count + 1, min(last.first, stamp), max(last.last, stamp),
                max(last.mime, mime),
            )  # fmt: skip
        elif _WITH_BODY not in row[0]:
            if len(found) == limit:
                break
            found.append(UrlSummary(row[2], row[0], 1, stamp, stamp, mime))
    return found


def keys_of(stream: Iterable[Sequence[Row]], limit: int) -> list[str]:
    """The different keys of a stream of rows in their order, `limit` at most."""
    found: list[str] = []
    for row in (row for rows in stream for row in rows):
        if not found or found[-1] != row[0]:
            if len(found) == limit:
                break
            found.append(row[0])
    return found


def summary_of(stream: Iterable[Sequence[Row]]) -> CollectionSummary:
    """A stream of rows in the order of keys in a few numbers."""
    count = urls = size = 0
    first, last, key = 10**14, 0, ""
    for row in (row for rows in stream for row in rows):
        count += 1
        size += row[6]
        first, last = min(first, row[1]), max(last, row[1])
        if row[0] != key:
            urls += 1
            key = row[0]
    return CollectionSummary(count, urls, f"{first:014d}" if count else "", f"{last:014d}" if count else "", size)
