"""The captures that a CDX query asks for, out of the index, through the look-up that decides who may see them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from heapq import merge
from itertools import islice

from archiver.errors import UsageError
from archiver.index.protocol import (
    DIGEST,
    FILE,
    LENGTH,
    MIME,
    OFFSET,
    REFERS_TO_TIMESTAMP,
    REFERS_TO_URL,
    STATUS,
    TIMESTAMP,
    URL,
    URLKEY,
    Row,
)  # fmt: skip
from archiver.index.query import KeyRange, Place
from archiver.model import Capture, RevisitTarget
from archiver.timestamps import normalise_timestamp, parse_timestamp
from replay.cdxapi import BLOCK_ROWS, MOST_SORTED, CdxQuery, Order, Resume
from replay.cdxfilter import Longer
from replay.cdxpages import PageMarks, place_of
from replay.cdxsteps import (
    DUPLICATES,
    GROUP_COUNTS,
    Source,
    grouped,
    nearest_first,
    passing,
    resolved,
    with_repetitions,
)  # fmt: skip
from replay.lookup import Lookup, Scope

#: Rows that are read after the last one given, to see whether there is one more.
_LOOKED_AHEAD = 50_000
#: Rows of a batch that is made of single ones.
_AT_ONCE = 400


def shown_file(name: str) -> str:
    """The name of a WARC file as readers may see it: of one that lies elsewhere, not where that is."""
    return name.rpartition("/")[2] if name.startswith("/") or "://" in name else name


class CdxAnswer:
    """The answer to one query.

    Args:
        query: what is asked.
        lookup: of this archive.
        scope: what the reader may see.
        marks: where pages begin.

    Attributes:
        following: once all of `rows` are read: where to go on; None when there is nothing, or it was not asked for.
    """

    def __init__(self, query: CdxQuery, lookup: Lookup, scope: Scope, marks: PageMarks) -> None:
        self._query, self._lookup, self._scope, self._marks = query, lookup, scope, marks
        self.following: Resume | None = None

    def batches(self) -> Iterator[Sequence[Row]]:
        """What `rows` gives of a plain query, in batches."""
        query = self._query
        is_simple = query.order is Order.REGULAR and not query.is_last and not query.wants_key
        if not is_simple or query.changes or query.per_time:
            rows = self.rows()
            while batch := list(islice(rows, _AT_ONCE)):
                yield batch
            return
        passes, left = passing(query), query.limit
        for found in self._read_batches():
            kept = found if passes is None else [row for row in found if passes(row)]
            if left is not None and len(kept) >= left:
                yield kept[:left]
                return
            if kept:
                yield kept
            left = None if left is None else left - len(kept)

    def rows(self) -> Iterator[Longer]:
        """All rows, with what steps add; nothing is held in memory but what the query says.

        Raises:
            UsageError: a filter cannot be used.
        """
        query = self._query
        passes = passing(query)
        is_folded = bool(query.changes or query.per_time or query.counts)
        if query.order is Order.CLOSEST:
            if query.key and not is_folded:
                near = _Captures(self._lookup, self._scope, query).nearest()
                return islice(self._stepped(near, passes), query.limit)
            return iter(nearest_first(self._stepped(self._read(), passes), query.closest, query.limit or MOST_SORTED))
        if query.is_last:
            return iter(self._last(passes, query.limit or 0, is_folded=is_folded))
        source = Source(self._read_batches())
        return self._limited(self._stepped(source, passes), source)

    def _last(self, passes: object, count: int, *, is_folded: bool) -> Sequence[Longer]:
        query = self._query
        if is_folded or query.offset or query.page is not None:
            return deque(self._stepped(self._read(), passing(query)), maxlen=count)
        backward = replace(query, order=Order.REVERSE, is_last=False)
        found = _Captures(self._lookup, self._scope, backward).rows(query.ranges, newest_first=True)
        return list(islice(self._stepped(found, passing(query)), count))[::-1]

    def _limited(self, rows: Iterator[Longer], source: Source) -> Iterator[Longer]:
        """So many rows as are asked for, and then whether there is one more."""
        query = self._query
        if query.limit is None:
            yield from rows
            return
        yield from islice(rows, query.limit)
        if not query.wants_key:
            return
        if not any(name in GROUP_COUNTS for name in query.counts):  # with them the next row is read already
            source.end_after(_LOOKED_AHEAD)
            is_found = next(rows, None) is not None
        else:
            is_found = not source.is_at_end
        last = source.last
        if last is None or (source.is_at_end and not is_found):
            return
        passed = source.at_place - 1 if is_found else source.at_place
        self.following = Resume(Place(last[URLKEY], f"{last[TIMESTAMP]:014d}"), passed + self._passed_before(last))

    def _passed_before(self, row: Row) -> int:
        """Rows of the place of this one that were given in answers before."""
        resume = self._query.resume
        is_there = resume is not None and (resume.place.urlkey, int(resume.place.timestamp)) == place_of(row)
        return resume.passed if resume is not None and is_there else 0

    def _stepped(self, rows: Iterable[Row], passes: object) -> Iterator[Longer]:
        query = self._query
        checked = passes if callable(passes) else None
        out: Iterator[Longer]
        if any(name in GROUP_COUNTS for name in query.counts):
            out = grouped(rows, checked, query.counts)
        else:
            out = filter(checked, rows) if checked is not None else iter(rows)
        if query.resolves:
            out = resolved(out, self._original_of)
        return with_repetitions(out) if DUPLICATES in query.counts else out

    def _original_of(self, row: Longer) -> tuple[str, int | None, str, str, str] | None:
        target = RevisitTarget(row[REFERS_TO_URL], row[REFERS_TO_TIMESTAMP], None)
        revisit = Capture(
            self._scope.slug, row[URLKEY], f"{row[TIMESTAMP]:014d}", row[URL], row[MIME], row[STATUS], row[DIGEST], row[FILE],
            row[OFFSET], row[LENGTH], target,
        )  # fmt: skip
        found = self._lookup.original_of(self._scope, revisit)
        if found is None:
            return None
        length = str(found.length) if found.length else "-"
        return found.mime, found.status, length, str(found.offset), shown_file(found.file)

    # -- reading -----------------------------------------------------------------------------------------------------

    def _read(self) -> Iterator[Row]:
        for batch in self._read_batches():
            yield from batch

    def _read_batches(self) -> Iterator[Sequence[Row]]:
        query = self._query
        if query.order is Order.REVERSE:
            backward = _Captures(self._lookup, self._scope, query).rows(query.ranges, newest_first=True)
            return iter([row] for row in backward) if not query.offset else _sifted(([row] for row in backward), query)
        if query.page is not None:
            return self._page(query.page)
        if query.offset:  # counts captures of all times
            return _sifted(self._lookup.scan_rows(self._scope, query.ranges), query)
        resume = query.resume
        found = self._lookup.scan_rows(
            self._scope, query.ranges, since=query.since, until=query.until, after=resume.place if resume else None
        )
        return _without_first(found, resume) if resume is not None and resume.passed else found

    # -- pages -------------------------------------------------------------------------------------------------------

    def _page(self, number: int) -> Iterator[Sequence[Row]]:
        places, _ = self.page_places(number + 2)
        if number >= len(places):
            return
        end = places[number + 1] if number + 1 < len(places) else None
        query = self._query
        found = self._lookup.scan_rows(self._scope, query.ranges, since=query.since, until=query.until, after=places[number])
        yield from _until(_sifted(found, replace(query, since=None, until=None)) if query.offset else found, end)

    def page_places(self, most: int | None) -> tuple[list[Place], bool]:
        """Where pages begin, `most` of them when that is a number, and whether those are all."""
        query, scope = self._query, self._scope

        def scan(after: Place | None) -> Iterator[Sequence[Row]]:
            return self._lookup.scan_rows(scope, query.ranges, after=after)

        name = (scope.slugs, query.ranges, scope.viewer if scope.gate is not None else None)
        return self._marks.places(name, BLOCK_ROWS * query.page_blocks, scan, most)


def _until(batches: Iterable[Sequence[Row]], end: Place | None) -> Iterator[Sequence[Row]]:
    if end is None:
        yield from batches
        return
    place = (end.urlkey, int(end.timestamp))
    for batch in batches:
        if place_of(batch[-1]) < place:
            yield batch
            continue
        yield [row for row in batch if place_of(row) < place]
        return


def _sifted(batches: Iterable[Sequence[Row]], query: CdxQuery) -> Iterator[Sequence[Row]]:
    """Without the first ones, then within the times."""
    left = query.offset
    low = int(normalise_timestamp(query.since)) if query.since else 0
    high = int(normalise_timestamp(query.until, latest=True)) if query.until else 10**14
    for batch in batches:
        rest = batch[left:]
        left = max(0, left - len(batch))
        inside = [row for row in rest if low <= row[1] <= high]
        if inside:
            yield inside


def _without_first(batches: Iterable[Sequence[Row]], resume: Resume) -> Iterator[Sequence[Row]]:
    """Without those of the first place that were given before."""
    left = resume.passed
    place = (resume.place.urlkey, int(resume.place.timestamp))
    for batch in batches:
        at = 0
        while left and at < len(batch):
            if place_of(batch[at]) != place:
                left = 0
                break
            left, at = left - 1, at + 1
        if at < len(batch):
            yield batch[at:] if at else batch


class _Captures:
    """What the index gives as captures, as rows."""

    def __init__(self, lookup: Lookup, scope: Scope, query: CdxQuery) -> None:
        self._lookup, self._scope, self._query = lookup, scope, query

    def rows(self, ranges: Sequence[KeyRange], *, newest_first: bool, after: Place | None = None) -> Iterator[Row]:
        query = self._query
        since, until = (None, None) if query.offset else (query.since, query.until)
        found = self._lookup.scan(self._scope, ranges, since=since, until=until, after=after, newest_first=newest_first)
        return map(row_of, found)

    def nearest(self) -> Iterator[Row]:
        """The captures of one key by their distance from a time, lazily; of equally near ones the earlier first."""
        query = self._query
        if query.offset or query.page is not None or query.resume is not None:
            raise UsageError("Captures by their nearness to a time have no pages and no offset.", "Use limit= alone.")
        there = parse_timestamp(query.closest)
        later = self.rows(query.ranges, newest_first=False, after=Place(query.key, query.closest))
        before = Place(query.key, f"{int(query.closest) - 1:014d}")
        earlier = self.rows(query.ranges, newest_first=True, after=before)

        def distance(row: Row) -> float:
            return abs((parse_timestamp(f"{row[TIMESTAMP]:014d}") - there).total_seconds())

        return merge(earlier, later, key=distance)


def row_of(capture: Capture) -> Row:
    """A capture as the index gives it in streams."""
    target = capture.revisit_of
    return (
        capture.urlkey, int(capture.timestamp), capture.url, capture.mime, capture.status, capture.digest, capture.length,
        capture.offset, capture.file, int(target is not None), target.url if target else None,
        target.timestamp if target else None,
    )  # fmt: skip
