"""What a test crawl would bring: itself beside the last crawl of its collection, and what a year of it would cost."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from archiver.collections.reports import CrawlReports, CrawlSummary, KeyRow
from archiver.holdings import Holdings
from archiver.index.crawltables import crawl_files, crawl_hosts
from archiver.index.database import reading
from archiver.index.tables import files
from archiver.testcrawls import TestCrawl, previous_crawl

#: Hosts and types that are named.
_NAMED = 50


@dataclass(frozen=True, slots=True)
class Change:
    """One host or type in both crawls."""

    key: str
    before: int
    after: int

    @property
    def more(self) -> int:
        """Documents more, or (negative) less."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class TestDifference:
    """A test crawl beside the last crawl.

    Attributes:
        before: the last crawl; None when there was none.
        hosts: that differ, greatest differences first.
        types: media types that differ, likewise.
        new_hosts: met for the first time: how many.
        lost_types: media types of which nothing came this time: how many.
        stored: bytes that saving would add to the collection.
        left_out: hosts and types that are not named.
    """

    __test__ = False  # no test of pytest's

    before: CrawlSummary | None
    hosts: tuple[Change, ...]
    types: tuple[Change, ...]
    new_hosts: int
    lost_types: int
    stored: int
    left_out: int


def difference(holdings: Holdings, test: TestCrawl) -> TestDifference:
    """Compare a test crawl with the crawl before it."""
    reports = CrawlReports(holdings.engine)
    number = previous_crawl(holdings, test)
    hosts = changes(_hosts(holdings, number), _hosts(holdings, test.crawl))
    types = changes(_types(reports, number), _types(reports, test.crawl))
    stored = (
        select(func.sum(files.c.size))
        .join(crawl_files, crawl_files.c.name == files.c.name)
        .where(crawl_files.c.crawl_id == test.crawl)
    )
    with reading(holdings.engine) as connection:
        size = int(connection.execute(stored).scalar() or 0)
    return TestDifference(
        reports.find(number, None) if number is not None else None,
        tuple(hosts[:_NAMED]),
        tuple(types[:_NAMED]),
        sum(not item.before for item in hosts),
        sum(not item.after for item in types),
        size,
        max(0, len(hosts) - _NAMED) + max(0, len(types) - _NAMED),
    )


def changes(before: dict[str, int], after: dict[str, int]) -> list[Change]:
    """What differs, greatest differences first; pure."""
    found = [Change(key, before.get(key, 0), after.get(key, 0)) for key in before.keys() | after.keys()]
    return sorted((item for item in found if item.more), key=lambda item: (-abs(item.more), item.key))


def _hosts(holdings: Holdings, crawl: int | None) -> dict[str, int]:
    columns = crawl_hosts.c
    with reading(holdings.engine) as connection:
        rows = connection.execute(
            select(columns.host, columns.documents).where(columns.crawl_id == crawl, columns.documents > 0)
        )
        return {row[0]: row[1] for row in rows} if crawl is not None else {}


def _types(reports: CrawlReports, crawl: int | None) -> dict[str, int]:
    rows: list[KeyRow] = reports.types(crawl) if crawl is not None else []
    return {row.key or "unknown": row.sums.documents for row in rows}
