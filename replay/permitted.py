"""The capture index as one reader may see it: what rules of access take away is in no answer, and in no number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Any

from archiver.collections.access import ALL_KEYS, Action, Gate, Rule
from archiver.index.answers import days_of
from archiver.index.protocol import CaptureSource, CollectionSummary, DayCount, Row, UrlSummary
from archiver.index.query import KeyRange, Place, ordered
from archiver.model import Capture

#: Summaries of URLs that are read at first for each one wanted: some have no permitted capture.
_SPARE = 2
_MOST_SUMMARIES = 200_000
_BATCH = 2000


class Permitted:
    """The captures that a reader may see; answers as the index does, see `CaptureSource`.

    Args:
        index: has all captures.
        gate: what the rules say to the reader.
    """

    def __init__(self, index: CaptureSource, gate: Gate) -> None:
        self._index = index
        self._gate = gate

    def closest(self, slugs: Sequence[str], urlkey: str, timestamp: str) -> Iterator[Capture]:
        """Permitted captures of a URL by their distance in time."""
        if self._gate.closes(KeyRange.exactly(urlkey)):
            return iter(())  # unread: how long it takes is not to tell how much there is
        found = self._index.closest(slugs, urlkey, timestamp)
        return filter(self._gate.permits, found) if self._gate.applying(urlkey) else found

    def newest(self, slugs: Sequence[str], urlkey: str) -> Capture | None:
        """The latest permitted capture of a URL."""
        return next(self.versions(slugs, urlkey, newest_first=True), None)

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
        """Permitted captures of a URL in the order of time."""
        if not self._gate.applying(urlkey):
            return self._index.versions(slugs, urlkey, since=since, until=until, limit=limit, newest_first=newest_first)
        if self._gate.closes(KeyRange.exactly(urlkey)):
            return iter(())
        found = self._index.versions(slugs, urlkey, since=since, until=until, newest_first=newest_first)
        return islice(filter(self._gate.permits, found), limit)

    def counts(self, slugs: Sequence[str], urlkey: str, *, digits: int = 8, period: str = "") -> list[DayCount]:
        """Permitted captures of a URL a day."""
        if not self._gate.applying(urlkey):
            return self._index.counts(slugs, urlkey, digits=digits, period=period)
        return days_of(self.versions(slugs, urlkey, since=period or None, until=period or None), digits)

    def keys(self, slugs: Sequence[str], start: str, *, limit: int) -> list[str]:
        """Keys that begin with `start`, also some without a permitted capture: they are looked up, and never shown."""
        return self._index.keys(slugs, start, limit=limit)

    def has_file(self, file: str) -> bool:
        """Some capture lies in that WARC file: no question of readers."""
        return self._index.has_file(file)

    def under(self, slugs: Sequence[str], urlkey_prefix: str, *, limit: int = 100) -> list[UrlSummary]:
        """The URLs under a prefix that have permitted captures."""
        keys = KeyRange.beginning_with(urlkey_prefix)
        if not self._gate.book.touches(keys):
            return self._index.under(slugs, urlkey_prefix, limit=limit)
        if self._gate.closes(keys):
            return []
        wanted = limit * _SPARE
        while True:
            found = self._index.under(slugs, urlkey_prefix, limit=wanted)
            permitted = list(islice(filter(None, (self._summary_of(slugs, item) for item in found)), limit))
            if len(permitted) == limit or len(found) < wanted or wanted >= _MOST_SUMMARIES:
                return permitted
            wanted = min(wanted * 8, _MOST_SUMMARIES)

    def _summary_of(self, slugs: Sequence[str], summary: UrlSummary) -> UrlSummary | None:
        """A URL's permitted captures in a few numbers; None when there are none."""
        if not self._gate.applying(summary.urlkey):
            return summary
        if self._gate.closes(KeyRange.exactly(summary.urlkey)):
            return None
        captures = list(self.versions(slugs, summary.urlkey))
        if not captures:
            return None
        mime = max(item.mime if (item.status or 200) < 300 else "" for item in captures)
        url = max(item.url for item in captures)
        return UrlSummary(url, summary.urlkey, len(captures), captures[0].timestamp, captures[-1].timestamp, mime)

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
        """Permitted captures of ranges of keys."""
        ranges = self._open(ranges)
        found = self._index.scan(slugs, ranges, since=since, until=until, after=after, newest_first=newest_first)
        return filter(self._gate.permits, found) if self._touched(ranges) else found

    def scan_rows(
        self,
        slugs: Sequence[str],
        ranges: Sequence[KeyRange],
        *,
        since: str | None = None,
        until: str | None = None,
        after: Place | None = None,
    ) -> Iterator[Sequence[Row]]:
        """The same as batches of plain rows."""
        ranges = self._open(ranges)
        if not self._touched(ranges):
            yield from self._index.scan_rows(slugs, ranges, since=since, until=until, after=after)
            return
        # Rows do not say what collection they are of, and rules may be of one: so each is read by itself.
        walks = [self._rows(slug, ranges, since=since, until=until, after=after) for slug in slugs]
        rows = walks[0] if len(walks) == 1 else merge(*walks, key=_place)
        while batch := list(islice(rows, _BATCH)):
            yield batch

    def _rows(self, slug: str, ranges: Sequence[KeyRange], **bounds: Any) -> Iterator[Row]:
        permits = self._gate.permits_row
        for batch in self._index.scan_rows((slug,), ranges, **bounds):
            for row in batch:
                if permits(slug, row):
                    yield row

    def _open(self, ranges: Sequence[KeyRange]) -> list[KeyRange]:
        """Without the ranges that nothing of may be seen, which need not be read."""
        return [item for item in ranges if not self._gate.closes(item)]

    def _touched(self, ranges: Sequence[KeyRange]) -> bool:
        return any(self._gate.book.touches(item) for item in ranges)

    def summary(self, slug: str) -> CollectionSummary:
        """A collection in a few numbers: those of all its captures, less what the reader may not see."""
        rules = [rule for rule in self._gate.book.rules if rule.collection in (None, slug)]
        if not rules:
            return self._index.summary(slug)
        if self._gate.closes(ALL_KEYS):
            return CollectionSummary(0, 0, "", "", 0)
        whole: CollectionSummary = self._index.summary(slug)
        hidden = _Tally()
        for captures in self._by_key(slug, _closing(rules, self._gate)):
            hidden.add(
                [row for row in captures if not self._gate.permits_row(slug, row)],
                len(captures),
            )
        if not hidden.captures:
            return whole
        if hidden.first > whole.first and hidden.last < whole.last:
            return CollectionSummary(
                whole.captures - hidden.captures, whole.urls - hidden.urls, whole.first, whole.last, whole.bytes - hidden.bytes
            )
        seen = _Tally()
        for captures in self._by_key(slug, (ALL_KEYS,)):
            permitted = [row for row in captures if self._gate.permits_row(slug, row)]
            seen.add(permitted, len(permitted))
        return CollectionSummary(seen.captures, seen.urls, seen.first if seen.captures else "", seen.last, seen.bytes)

    def _by_key(self, slug: str, ranges: Sequence[KeyRange]) -> Iterator[list[Row]]:
        """Rows of ranges of keys, those of one key together."""
        rows = chain.from_iterable(self._index.scan_rows((slug,), ranges))
        for _, found in groupby(rows, key=itemgetter(0)):
            yield list(found)


class _Tally:
    """Counts captures and the URLs that have no others."""

    def __init__(self) -> None:
        self.captures = self.urls = self.bytes = 0
        self.first, self.last = "9" * 15, ""

    def add(self, rows: Sequence[Row], of: int) -> None:
        if not rows:
            return
        self.captures += len(rows)
        self.urls += len(rows) == of
        self.bytes += sum(row[6] for row in rows)
        self.first = min(self.first, f"{rows[0][1]:014d}")
        self.last = max(self.last, f"{rows[-1][1]:014d}")


def _place(row: Row) -> tuple[object, ...]:
    return row[0], row[1], row[8], row[7]


def _closing(rules: Sequence[Rule], gate: Gate) -> list[KeyRange]:
    """The ranges of keys in which rules may hide something from the reader."""
    closing = (
        rule for rule in rules if rule.action is not Action.ALLOW and rule.is_in_force(gate.now) and rule.is_for(gate.viewer)
    )
    return ordered(item for rule in closing for item in rule.ranges())
