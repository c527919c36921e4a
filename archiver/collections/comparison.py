"""Two crawls of a collection side by side: sums, hosts, types; and the URLs that only one captured, or that changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from sqlalchemy import Engine, and_, exists, select

from archiver.collections.reports import CrawlReports, KeyRow, Sums, sums_of
from archiver.collections.urllists import UrlRow, url_row
from archiver.crawl.decision import UrlState
from archiver.index.crawltables import crawl_hosts, crawl_urls
from archiver.index.database import reading

_AT_ONCE = 1000


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

    def urls(self, which: Difference, *, after: int = 0, limit: int | None = None) -> Iterator[tuple[int, UrlRow]]:
        """URLs of a kind with what the next page begins after, in an order of no meaning.

        Each URL of one crawl is looked up in the other: where few differ, that is all of them.
        """
        return islice(self._urls(which, after), limit)

    def _urls(self, which: Difference, after: int) -> Iterator[tuple[int, UrlRow]]:
        mine, other = reversed(self._crawls) if which is not Difference.LOST else self._crawls
        twin = crawl_urls.alias("twin")
        in_other = and_(twin.c.crawl_id == other, twin.c.hash == crawl_urls.c.hash, twin.c.state == UrlState.CAPTURED.value)
        statement = select(crawl_urls).where(crawl_urls.c.crawl_id == mine, crawl_urls.c.state == UrlState.CAPTURED.value)
        if which is Difference.CHANGED:
            statement = statement.join(twin, and_(in_other, twin.c.digest != crawl_urls.c.digest))
        else:
            statement = statement.where(~exists().where(in_other))
        last: int | None = after or None
        while True:
            page = statement.order_by(crawl_urls.c.hash).limit(_AT_ONCE)
            if last is not None:
                page = page.where(crawl_urls.c.hash > last)
            with reading(self._engine) as connection:
                rows = connection.execute(page).all()
            for row in rows:
                yield row.hash, url_row(row)
            if len(rows) < _AT_ONCE:
                return
            last = rows[-1].hash


def _pairs(before: dict[str, Sums], after: dict[str, Sums]) -> list[Pair]:
    """Sums by key, the greatest differences first."""
    none = Sums()
    pairs = [Pair(key, before.get(key, none), after.get(key, none)) for key in before.keys() | after.keys()]
    return sorted(pairs, key=lambda pair: (-abs(pair.difference), -pair.after.documents, pair.key))
