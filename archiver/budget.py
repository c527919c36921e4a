"""How much new data collections take in: by year and month, against their budget, with a forecast for the year.

What counts is what their WARC files grew by: what was held already is a revisit and costs next to nothing, what failed is not
stored and costs nothing. Imports and unsaved test crawls do not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import and_, func, select

from archiver.dueness import next_run
from archiver.holdings import Holdings
from archiver.index.crawltables import crawl_files
from archiver.index.database import reading
from archiver.index.files import HELD, PURGED
from archiver.index.holdingstables import file_parts
from archiver.index.tables import crawls, files
from archiver.index.worktables import crawl_notes, jobs
from archiver.model import Collection
from archiver.notices import JOB, NoticeRegistry
from archiver.schedules import Scheduled, ScheduleRegistry
from archiver.timestamps import to_iso

#: Share of a budget from which on somebody is told.
NEAR = 0.8
#: Crawls that were begun within so many seconds belong to one run of a schedule.
_ONE_RUN_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Budget:
    """A collection's year.

    Attributes:
        collection: slug.
        year: which.
        used: bytes that were added in it so far.
        limit: bytes that may be; None for any number.
        months: bytes of each month, January first.
        expected: bytes that its schedules will add until the end of the year, if they go as the last time.
        by_schedule: of these, those of each schedule.
    """

    collection: str
    year: int
    used: int
    limit: int | None
    months: tuple[int, ...]
    expected: int
    by_schedule: Mapping[str, int] = field(default_factory=dict)

    @property
    def forecast(self) -> int:
        """Bytes by the end of the year."""
        return self.used + self.expected

    @property
    def share(self) -> float | None:
        """Of the budget, what is used; None without one."""
        return self.used / self.limit if self.limit else None

    @property
    def level(self) -> str:
        """ "over", "near", "tight" when the forecast is beyond it, "" when all is well."""
        if not self.limit:
            return ""
        if self.used >= self.limit:
            return "over"
        if self.used >= NEAR * self.limit:
            return "near"
        return "tight" if self.forecast > self.limit else ""


def years(holdings: Holdings, slug: str) -> dict[int, int]:
    """Bytes that were added to a collection, by year."""
    totals: dict[int, int] = {}
    for month, count in _by_month(holdings, holdings.collections.number(slug)).items():
        totals[int(month[:4])] = totals.get(int(month[:4]), 0) + count
    return dict(sorted(totals.items()))


def budget_of(holdings: Holdings, collection: Collection) -> Budget:
    """This year of a collection."""
    now = holdings.collections.now()
    months = _by_month(holdings, collection.number)
    by_month = tuple(months.get(f"{now.year}-{month:02d}", 0) for month in range(1, 13))
    by_schedule: dict[str, int] = {}
    for item in ScheduleRegistry(holdings).all(collection.slug):
        runs = _runs_left(item, now)
        if runs and item.last_crawl is not None:
            by_schedule[item.schedule.value] = runs * _last_run(holdings, item)
    return Budget(
        collection.slug, now.year, sum(by_month), collection.budget_bytes, by_month, sum(by_schedule.values()), by_schedule
    )


def _by_month(holdings: Holdings, number: int) -> dict[str, int]:
    """Bytes of the collection's own files by the month ("2026-01") in which they were finished, or are written now."""
    month = func.substr(files.c.stored_at, 1, 7).label("month")  # by its name: PostgreSQL takes no two parameters for equal
    finished = (
        select(month, func.sum(files.c.size))
        .join(file_parts, file_parts.c.file_id == files.c.id)
        .where(
            file_parts.c.collection_id == number,
            file_parts.c.indexed_to.is_(None),
            files.c.state.in_((HELD, PURGED)),
            files.c.stored_at.is_not(None),
        )
        .group_by(month)
    )
    now_written = (
        select(func.sum(crawl_files.c.committed))
        .join(crawls, crawls.c.id == crawl_files.c.crawl_id)
        .where(crawls.c.collection_id == number, crawl_files.c.finished == 0)
    )
    with reading(holdings.engine) as connection:
        found = {row[0]: int(row[1] or 0) for row in connection.execute(finished)}
        running = int(connection.execute(now_written).scalar() or 0)
    this_month = holdings.collections.now().strftime("%Y-%m")
    if running:
        found[this_month] = found.get(this_month, 0) + running
    return found


def _runs_left(item: Scheduled, now: datetime) -> int:
    """How often a schedule is due until the end of the year."""
    if not item.is_active or not item.seeds:
        return 0
    count, moment = 0, now
    while (moment_or_none := next_run(item.schedule, item.anchor, moment)) is not None and moment_or_none.year == now.year:
        moment = moment_or_none
        count += 1
    return count


def _last_run(holdings: Holdings, item: Scheduled) -> int:
    """Bytes that the last run of a schedule has added, all its crawls together."""
    begun = select(crawls.c.started_at).where(crawls.c.id == item.last_crawl).scalar_subquery()
    of_schedule = select(crawl_notes.c.crawl_id, crawls.c.started_at, begun.label("begun")).join(
        crawls, and_(crawls.c.id == crawl_notes.c.crawl_id, crawl_notes.c.schedule_id == item.number)
    )
    with reading(holdings.engine) as connection:
        rows = connection.execute(of_schedule).all()
        numbers = [row[0] for row in rows if abs(_seconds(row[1]) - _seconds(row[2])) <= _ONE_RUN_SECONDS]
        added = (
            select(func.sum(files.c.size))
            .join(crawl_files, crawl_files.c.name == files.c.name)
            .where(crawl_files.c.crawl_id.in_(numbers))
        )
        return int(connection.execute(added).scalar() or 0)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def tell_near(holdings: Holdings) -> int:
    """Tell of budgets that are nearly used up, or are: once a year and level; how many were told."""
    told = 0
    for collection in holdings.collections.all():
        if not collection.budget_bytes:
            continue
        budget = budget_of(holdings, collection)
        if budget.level not in ("near", "over") or _is_told(holdings, budget):
            continue
        share = round(100 * (budget.share or 0))
        told += NoticeRegistry(holdings).tell(
            "budget.near",
            collection.slug,
            f"“{collection.title}” has used {share} % of its budget for {budget.year}.",
            {
                "year": budget.year,
                "level": budget.level,
                "used_bytes": budget.used,
                "budget_bytes": budget.limit,
                "forecast_bytes": budget.forecast,
            },
        )
    return told


def _is_told(holdings: Holdings, budget: Budget) -> bool:
    """Whether a notice of this year and level was made before."""
    statement = (
        select(jobs.c.id)
        .where(
            jobs.c.kind == JOB,
            jobs.c.created_at >= to_iso(datetime(budget.year, 1, 1, tzinfo=holdings.collections.now().tzinfo)),
            jobs.c.arguments.contains('"budget.near"'),
            jobs.c.arguments.contains(f'"collection": "{budget.collection}"', autoescape=True),
            jobs.c.arguments.contains(f'"level": "{budget.level}"', autoescape=True),
            jobs.c.arguments.contains(f'"year": {budget.year}', autoescape=True),
        )
        .limit(1)
    )
    with reading(holdings.engine) as connection:
        return connection.execute(statement).first() is not None
