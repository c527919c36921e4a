"""Two crawls of a collection side by side: sums, hosts, types; and the URLs that only one captured, or that changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Engine, and_, exists, func, select

from archiver.collections.reports import CrawlReports, CrawlSummary, KeyRow, Sums, sums_of
from archiver.collections.urllists import UrlRow, url_row
from archiver.crawl.decision import UrlState
from archiver.errors import NotFound, UsageError
from archiver.index.crawltables import crawl_hosts, crawl_urls
from archiver.index.database import reading

_AT_ONCE = 5000

#: URLs that are looked up for one page.
MOST_LOOKED_AT = 200_000


class Difference(StrEnum):
    """Which URLs: LOST were captured in the earlier crawl alone, NEW in the later alone, CHANGED in both with other content."""

    LOST = "lost"
    NEW = "new"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Pair:
    """The sums of one host, type or status in two crawls."""

    key: str
    before: Sums
    after: Sums

    @property
    def difference(self) -> int:
        """Documents more or (negative) less."""
        return self.after.documents - self.before.documents


@dataclass(frozen=True, slots=True)
class Differing:
    """URLs of a kind on one page; `next` is where the next one begins, 0 when there is none."""

    rows: list[UrlRow]
    next: int


@dataclass(frozen=True, slots=True)
class Compared:
    """Two crawls of one collection, in the order of their numbers."""

    before: CrawlSummary
    after: CrawlSummary


def paired(reports: CrawlReports, number: int, other: int | None = None) -> Compared:
    """A crawl with what it is compared with.

    Args:
        reports: of the archive.
        number: of the crawl.
        other: number of another one of its collection; None for the one before it or, without one, the newest after it.

    Raises:
        NotFound: there is no such crawl, no other one in its collection, or the other is one of another collection.
        UsageError: both are the same.
    """
    mine = reports.find(number, None)
    if other == number:
        raise UsageError("A crawl is compared with another one.", "Name two different crawls.")
    if other is not None:
        found = reports.find(other, mine.collection)
    else:
        near = reports.page(collection=mine.collection, before=number, limit=1) or [
            item for item in reports.crawls(mine.collection, limit=2) if item.number != number
        ]
        if not near:
            raise NotFound(f"There is no other crawl to compare crawl {number} with.", "Crawl the collection again.")
        found = near[0]
    return Compared(found, mine) if found.number < number else Compared(mine, found)


class Comparison:
    """Two crawls.

    Args:
        engine: the archive's database.
        before: number of the earlier crawl.
        after: number of the later one.
    """

    def __init__(self, engine: Engine, before: int, after: int) -> None:
        self._engine = engine
        self._crawls = (before, after)
        self._reports = CrawlReports(engine)

    def types(self) -> list[Pair]:
        """By media type, the greatest differences first."""
        return self._paired(self._reports.types)

    def statuses(self) -> list[Pair]:
        """By status, the greatest differences first."""
        return self._paired(self._reports.statuses)

    def _paired(self, rows: Callable[[int], list[KeyRow]]) -> list[Pair]:
        before, after = ({row.key: row.sums for row in rows(crawl)} for crawl in self._crawls)
        return _pairs(before, after)

    def hosts(self, *, limit: int = 100) -> tuple[list[Pair], bool]:
        """Hosts with the greatest differences first; and whether there are more. Reads every host of both crawls."""
        found: list[dict[str, Sums]] = []
        for crawl in self._crawls:
            with reading(self._engine) as connection:
                rows = connection.execute(
                    select(crawl_hosts).where(crawl_hosts.c.crawl_id == crawl, crawl_hosts.c.documents > 0)
                )
                found.append({row.host: sums_of(row) for row in rows})
        pairs = _pairs(*found)
        return pairs[:limit], len(pairs) > limit

    def urls(self, which: Difference) -> Iterator[UrlRow]:
        """All URLs of a kind, in an order of no meaning. Each URL of one crawl is looked up in the other."""
        for rows, _ in self._steps(which, 0):
            yield from (row for _, row in rows)

    def page(self, which: Difference, *, after: int = 0, limit: int, most: int = MOST_LOOKED_AT) -> Differing:
        """The URLs of a kind on one page.

        Args:
            which: kind.
            after: `next` of the page before; 0 for the first.
            limit: URLs, at most.
            most: URLs that are looked up, about; where few differ a page may have none, and another come after it.
        """
        found: list[tuple[int, UrlRow]] = []
        looked = 0
        for rows, last in self._steps(which, after):
            found += rows
            looked += _AT_ONCE
            if len(found) > limit:
                return Differing([row for _, row in found[:limit]], found[limit - 1][0])
            if looked >= most and last is not None:
                return Differing([row for _, row in found], last)
        return Differing([row for _, row in found], 0)

    def _steps(self, which: Difference, after: int) -> Iterator[tuple[list[tuple[int, UrlRow]], int | None]]:
        """Some thousand URLs at a time: those that differ, with their hashes; and how far it looked, None at the end."""
        mine, other = reversed(self._crawls) if which is not Difference.LOST else self._crawls
        last: int | None = after or None
        while True:
            some = select(crawl_urls).where(crawl_urls.c.crawl_id == mine).order_by(crawl_urls.c.hash).limit(_AT_ONCE)
            if last is not None:
                some = some.where(crawl_urls.c.hash > last)
            part, twin = some.subquery(), crawl_urls.alias("twin")
            captured = UrlState.CAPTURED.value
            in_other = and_(twin.c.crawl_id == other, twin.c.hash == part.c.hash, twin.c.state == captured)
            statement = select(part).where(part.c.state == captured)
            if which is Difference.CHANGED:
                statement = statement.join(twin, and_(in_other, twin.c.digest != part.c.digest))
            else:
                statement = statement.where(~exists().where(in_other))
            with reading(self._engine) as connection:
                rows = connection.execute(statement.order_by(part.c.hash)).all()
                count, last = connection.execute(select(func.count(), func.max(part.c.hash))).one()
            yield [(row.hash, url_row(row)) for row in rows], last if count == _AT_ONCE else None
            if count < _AT_ONCE:
                return


def _pairs(before: dict[str, Sums], after: dict[str, Sums]) -> list[Pair]:
    """Sums by key, the greatest differences first."""
    none = Sums()
    pairs = [Pair(key, before.get(key, none), after.get(key, none)) for key in before.keys() | after.keys()]
    return sorted(pairs, key=lambda pair: (-abs(pair.difference), -pair.after.documents, pair.key))
