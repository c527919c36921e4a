"""What is held under a prefix: its URLs, what types of them came in which year, and what changed last.

All of it is read in the order of keys from what a reader may see, so that rules, attached indexes
and every database count alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappush, heappushpop, nlargest, nsmallest
from itertools import chain, groupby
from operator import attrgetter, itemgetter
from typing import TypeVar

from archiver.index.protocol import URLKEY, CaptureSource, Row
from archiver.index.query import KeyRange, from_place
from replay.kinds import media_kind

_K = TypeVar("_K", int, str, tuple[int, str])

#: URLs of one page of the list; captures that are looked at for it; URLs that are listed in another order than their own.
PAGE_SIZE = 50
MOST_LOOKED_AT = 8_000
MOST_RANKED = 1000
#: Changes that a feed tells.
MOST_CHANGES = 50
#: In the keys of answers to requests with a body, which are no pages.
_WITH_BODY = "__wb_method="
#: No key begins so, and no key that begins with another one and this is before it.
_NEXT_KEY = "\x01"
_REDIRECTS, _NOT_MODIFIED = 300, 304

ORDERS = ("url", "captures", "uniques", "last", "first")


@dataclass(frozen=True, slots=True)
class UrlLine:
    """The captures of one URL in a few numbers.

    Attributes:
        url: its newest spelling.
        urlkey: SURT key.
        mime: media type of the newest capture that succeeded; of the newest of all where none did.
        first: timestamp, 14 digits.
        last: timestamp, 14 digits.
        captures: how many.
        uniques: how many different payloads.
    """

    url: str
    urlkey: str
    mime: str
    first: str
    last: str
    captures: int
    uniques: int

    @property
    def duplicates(self) -> int:
        """Captures of what was captured before."""
        return self.captures - self.uniques


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which URLs of a prefix: those that have `text` in them (any case), of a kind of `replay.kinds`; "" for all."""

    text: str = ""
    kind: str = ""

    def lets(self, line: UrlLine) -> bool:
        """Whether a URL is wanted."""
        return (not self.text or self.text.casefold() in line.url.casefold()) and (
            not self.kind or media_kind(line.mime) == self.kind
        )


@dataclass(frozen=True, slots=True)
class UrlPage:
    """A page of the URLs under a prefix.

    Attributes:
        lines: in the wanted order.
        following: place of the next page; "" at the end.
        looked_at: URLs that were looked at, where that is why the page ended; else 0.
    """

    lines: tuple[UrlLine, ...]
    following: str
    looked_at: int = 0


@dataclass(frozen=True, slots=True)
class Ranked:
    """URLs in another order than that of their keys: the first `MOST_RANKED`, and how many there are."""

    lines: tuple[UrlLine, ...]
    count: int


@dataclass(frozen=True, slots=True)
class TypeCount:
    """Captures, different URLs, and URLs that had never been captured before, of a year and a media type."""

    captures: int = 0
    urls: int = 0
    new_urls: int = 0

    def __add__(self, other: TypeCount) -> TypeCount:
        return TypeCount(self.captures + other.captures, self.urls + other.urls, self.new_urls + other.new_urls)


@dataclass(frozen=True, slots=True)
class Summary:
    """A prefix by year and media type.

    Attributes:
        years: each year's numbers; a URL counts once a year, whatever its types.
        types: each media type's numbers of all years; a URL counts once a type.
        cells: by (year, media type).
        total: of all.
    """

    years: dict[int, TypeCount]
    types: dict[str, TypeCount]
    cells: dict[tuple[int, str], TypeCount]
    total: TypeCount


@dataclass(frozen=True, slots=True)
class Change:
    """A capture that is not the same as the one before it.

    Attributes:
        url: as archived.
        timestamp: 14 digits.
        before: timestamp of the capture before it; "" for the first.
        status: HTTP status, or None.
        mime: media type.
    """

    url: str
    timestamp: str
    before: str
    status: int | None
    mime: str


def lines_of(rows: Iterable[Row]) -> Iterator[UrlLine]:
    """The URLs of rows in the order of keys."""
    for key, captures in _by_key(rows):
        digests: set[str | int] = set()
        succeeded = ""
        for number, (_, _, _, mime, status, digest, *_) in enumerate(captures):
            digests.add(digest or number)
            if (status or 200) < _REDIRECTS:
                succeeded = mime
        _, first, *_ = captures[0]
        _, last, url, mime, *_ = captures[-1]
        yield UrlLine(url, key, succeeded or mime, f"{first:014d}", f"{last:014d}", len(captures), len(digests))


def url_page(
    source: CaptureSource, slugs: Sequence[str], ranges: Sequence[KeyRange], wanted: Wanted, after: str = ""
) -> UrlPage:
    """URLs in the order of their keys.

    Args:
        source: of what may be seen.
        slugs: collections.
        ranges: of keys.
        wanted: which of them.
        after: key of the last URL of the page before; "" for the first page.
    """
    found: list[UrlLine] = []
    rows = 0
    stream = lines_of(_rows(source, slugs, _behind(ranges, after)))
    for looked_at, line in enumerate(stream, 1):
        rows += line.captures
        if wanted.lets(line):
            found.append(line)
        if len(found) == PAGE_SIZE or rows >= MOST_LOOKED_AT:
            is_more = next(stream, None) is not None
            is_cut = is_more and len(found) < PAGE_SIZE
            return UrlPage(tuple(found), line.urlkey if is_more else "", looked_at if is_cut else 0)
    return UrlPage(tuple(found), "")


def ranked(source: CaptureSource, slugs: Sequence[str], ranges: Sequence[KeyRange], wanted: Wanted, order: str) -> Ranked:
    """URLs in one of `ORDERS` but the first; reads all captures of the ranges (about a second for a million)."""
    count = 0

    def counted() -> Iterator[UrlLine]:
        nonlocal count
        for line in lines_of(_rows(source, slugs, ranges)):
            if wanted.lets(line):
                count += 1
                yield line

    best: Callable[..., list[UrlLine]] = nsmallest if order == "first" else nlargest
    lines = tuple(best(MOST_RANKED, counted(), key=attrgetter(order)))
    return Ranked(lines, count)


def summary(source: CaptureSource, slugs: Sequence[str], ranges: Sequence[KeyRange]) -> Summary:
    """Types by year; reads all captures of the ranges (about a second for a million)."""
    cells: dict[tuple[int, str], list[int]] = {}
    years: dict[int, list[int]] = {}
    types: dict[str, list[int]] = {}
    total = [0, 0, 0]
    for _, captures in _by_key(_rows(source, slugs, ranges)):
        here = [(moment // 10_000_000_000, mime) for _, moment, _, mime, *_ in captures]
        first = here[0]
        for cell in set(here):
            _count(cells, cell, here.count(cell) if len(here) > 1 else 1, cell == first)
        only_years, only_types = [year for year, _ in here], [mime for _, mime in here]
        for year in set(only_years):
            _count(years, year, only_years.count(year), year == first[0])
        for mime in set(only_types):
            _count(types, mime, only_types.count(mime), mime == first[1])
        total[0] += len(here)
        total[1] += 1
        total[2] += 1
    return Summary(
        {year: TypeCount(*numbers) for year, numbers in sorted(years.items())},
        {mime: TypeCount(*types[mime]) for mime in sorted(types, key=lambda mime: (-types[mime][0], mime))},
        {cell: TypeCount(*numbers) for cell, numbers in cells.items()},
        TypeCount(*total),
    )


def newest_changes(
    source: CaptureSource, slugs: Sequence[str], ranges: Sequence[KeyRange], kind: str, limit: int = MOST_CHANGES
) -> list[Change]:
    """The newest captures that are not the same as the one before them, newest first; reads all captures of the ranges.

    Args:
        source: of what may be seen.
        slugs: collections.
        ranges: of keys.
        kind: one of `replay.kinds`; "" for all.
        limit: how many.
    """
    newest: list[tuple[str, str, Change]] = []
    for key, captures in _by_key(_rows(source, slugs, ranges)):
        for change in changes_of(captures):
            if kind and media_kind(change.mime) != kind:
                continue
            item = (change.timestamp, key, change)
            if len(newest) < limit:
                heappush(newest, item)
            elif item[0] > newest[0][0]:
                heappushpop(newest, item)
    return [change for _, _, change in sorted(newest, key=itemgetter(0, 1), reverse=True)]


def changes_of(captures: Iterable[Row]) -> Iterator[Change]:
    """The captures of one URL, in the order of time, that are not the same as the one before."""
    digest, before = "", ""
    for _, at, url, mime, status, found, *_ in captures:
        if status == _NOT_MODIFIED and not found:
            continue
        moment = f"{at:014d}"
        if not before or not found or found != digest:
            yield Change(url, moment, before, status, mime)
        digest, before = found, moment


def _count(numbers: dict[_K, list[int]], name: _K, captures: int, is_new: bool) -> None:
    found = numbers.setdefault(name, [0, 0, 0])
    found[0] += captures
    found[1] += 1
    found[2] += is_new


def _behind(ranges: Sequence[KeyRange], key: str) -> list[KeyRange]:
    """What of ranges is behind a key."""
    if not key:
        return list(ranges)
    start = key + _NEXT_KEY
    kept = from_place(ranges, None)
    return [KeyRange(max(item.start, start), item.end) for item in kept if item.end is None or item.end > start]


def _rows(source: CaptureSource, slugs: Sequence[str], ranges: Sequence[KeyRange]) -> Iterator[Row]:
    return chain.from_iterable(source.scan_rows(slugs, ranges))


def _by_key(rows: Iterable[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Rows of one key together; no answers to requests with a body."""
    for key, found in groupby(rows, key=itemgetter(URLKEY)):
        if _WITH_BODY not in key:
            yield key, list(found)
