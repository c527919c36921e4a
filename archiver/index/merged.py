"""What a collection has of its own and what the indexes list that are attached to it, as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from sqlalchemy import Engine

from archiver.index.answers import days_of, keys_of, urls_of
from archiver.index.merging import merge_batches, merge_by_distance, merge_captures
from archiver.index.protocol import CollectionSummary, DayCount, Row, UrlSummary
from archiver.index.query import KeyRange, Place
from archiver.index.sources import Attached, AttachedIndexes
from archiver.index.sql import CaptureIndex
from archiver.index.warcnames import REPLAYED
from archiver.model import Capture
from archiver.timestamps import normalise_timestamp


class MergedIndex(CaptureIndex):
    """The index of an archive: rows are added to its own; look-ups also ask what is attached.

    With nothing attached to the collections that are looked in, it is the same as its base, at the same cost. A capture that
    is in several indexes (the same record of the same file, wherever that lies) is given once, the archive's own first. An
    attached index that fails is passed over; see `AttachedIndexes`.

    Args:
        engine: the archive's database, tables up to date.
        attached: the attached indexes.
    """

    def __init__(self, engine: Engine, attached: AttachedIndexes) -> None:
        super().__init__(engine)
        self.attached = attached
        self._own = CaptureIndex(engine)

    def here(self, slugs: Sequence[str]) -> CaptureIndex:
        """What is looked up without a question over the network: where a server is attached, the archive's own rows alone."""
        return self._own if any(other.is_remote for other in self.attached.of(slugs)) else self

    def closest(self, slugs: Sequence[str], urlkey: str, timestamp: str) -> Iterator[Capture]:
        """See `CaptureSource.closest`; those of the very moment that the archive has itself cost no other index a question."""
        own = super().closest(slugs, urlkey, timestamp)
        others = self.attached.of(slugs)
        if not others:
            return own
        wanted = normalise_timestamp(timestamp)
        asked = [_ask(other, lambda index: index.closest(slugs, urlkey, wanted)) for other in others]
        return _once(_own_moment_first(own, asked, wanted))

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
        own = super().versions(slugs, urlkey, since=since, until=until, limit=limit, newest_first=newest_first)
        others = self.attached.of(slugs)
        if not others:
            return own
        asked = [
            _ask(other, lambda index: index.versions(
                slugs, urlkey, since=since, until=until, limit=limit, newest_first=newest_first
            ))
            for other in others
        ]  # fmt: skip
        return islice(_once(merge_captures([own, *asked], newest_first=newest_first)), limit)

    def counts(self, slugs: Sequence[str], urlkey: str, *, digits: int = 8, period: str = "") -> list[DayCount]:
        """See `CaptureSource.counts`."""
        if not self.attached.of(slugs):
            return super().counts(slugs, urlkey, digits=digits, period=period)
        return days_of(self.versions(slugs, urlkey, since=period or None, until=period or None), digits)

    def under(self, slugs: Sequence[str], urlkey_prefix: str, *, limit: int = 100) -> list[UrlSummary]:
        """See `CaptureSource.under`."""
        if not self.attached.of(slugs):
            return super().under(slugs, urlkey_prefix, limit=limit)
        return urls_of(self.scan_rows(slugs, [KeyRange.beginning_with(urlkey_prefix)]), limit)

    def keys(self, slugs: Sequence[str], start: str, *, limit: int) -> list[str]:
        """See `CaptureSource.keys`; nothing is asked over the network for what is merely like a URL."""
        others = [other for other in self.attached.of(slugs) if not other.is_remote]
        own = super().keys(slugs, start, limit=limit)
        if not others:
            return own
        ranges = [KeyRange.beginning_with(start)]
        theirs = (keys_of(_ask(other, lambda index: index.scan_rows(slugs, ranges)), limit) for other in others)
        return sorted({*own, *chain.from_iterable(theirs)})

    def summary(self, slug: str) -> CollectionSummary:
        """See `CaptureSource.summary`; of attached indexes, what was counted when they were attached."""
        total = super().summary(slug)
        for numbers in (other.numbers() for other in self.attached.of([slug])):
            if numbers is not None and numbers.captures:
                total = _sum(total, numbers) if total.captures else numbers
        return total

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
        own = super().scan(slugs, ranges, since=since, until=until, after=after, newest_first=newest_first)
        others = self.attached.of(slugs)
        if not others:
            return own
        asked = [
            _ask(other, lambda index: index.scan(
                slugs, ranges, since=since, until=until, after=after, newest_first=newest_first
            ))
            for other in others
        ]  # fmt: skip
        return _once(merge_captures([own, *asked], newest_first=newest_first))

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
        own = super().scan_rows(slugs, ranges, since=since, until=until, after=after)
        others = self.attached.of(slugs)
        if not others:
            return own
        asked = [
            _ask(other, lambda index: index.scan_rows(slugs, ranges, since=since, until=until, after=after)) for other in others
        ]
        return _rows_once(merge_batches([own, *asked]))


_ask = Attached.stream


def _own_moment_first(own: Iterator[Capture], others: Sequence[Iterator[Capture]], wanted: str) -> Iterator[Capture]:
    for capture in own:
        if capture.timestamp != wanted:
            own = chain((capture,), own)
            break
        yield capture
    yield from merge_by_distance([own, *others], wanted)


def _identity(url: str, digest: str, file: str, offset: int) -> tuple[object, ...]:
    """What a capture is known by among those of its key and second, wherever its file lies."""
    if file.startswith(REPLAYED):
        return url, digest
    return file.replace("\\", "/").rpartition("/")[2], offset


class _Sieve:
    """Lets each capture of a key and second through once; what another archive replays, only when its payload is not here."""

    def __init__(self) -> None:
        self._place: tuple[object, object] = ("", "")
        self._seen: set[tuple[object, ...]] = set()

    def is_new(self, key: str, moment: object, url: str, digest: str, file: str, offset: int) -> bool:
        if self._place != (key, moment):
            self._place = (key, moment)
            self._seen.clear()
        identity = _identity(url, digest, file, offset)
        if identity in self._seen:
            return False
        self._seen.add(identity)
        self._seen.add((url, digest))
        return True


def _once(captures: Iterable[Capture]) -> Iterator[Capture]:
    sieve = _Sieve()
    for item in captures:
        if sieve.is_new(item.urlkey, item.timestamp, item.url, item.digest, item.file, item.offset):
            yield item


def _rows_once(stream: Iterable[Sequence[Row]]) -> Iterator[Sequence[Row]]:
    sieve = _Sieve()
    for rows in stream:
        yield [row for row in rows if sieve.is_new(row[0], row[1], row[2], row[5], row[8], row[7])]


def _sum(one: CollectionSummary, other: CollectionSummary) -> CollectionSummary:
    return CollectionSummary(
        one.captures + other.captures,
        one.urls + other.urls,
        min(one.first, other.first),
        max(one.last, other.last),
        one.bytes + other.bytes,
    )
