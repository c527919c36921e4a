"""Seeds that are crawled again and again: what is due begins as jobs, once, however many machines look.

A schedule of a collection is there as soon as one of its seeds has it. What was missed while nothing ran is made up for once;
what still runs is not begun a second time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, exists, func, insert, select, update

from archiver.collections.options import options_from_json, plans_for
from archiver.collections.seeds import SeedFilter, SeedRegistry
from archiver.collections.seedvalues import Schedule, Seed
from archiver.crawl.control import CrawlControl
from archiver.crawl.plan import CrawlPlan, DedupMode
from archiver.dueness import first_anchor, next_run
from archiver.errors import Conflict, NotFound, UsageError
from archiver.holdings import Holdings
from archiver.index.crawltables import crawl_seeds
from archiver.index.database import insert_new, lock_table, reading, writing
from archiver.index.tables import collections, crawls
from archiver.index.worktables import crawl_notes, jobs, schedules, seeds
from archiver.jobs import OPEN, JobRegistry
from archiver.timestamps import parse_iso, to_iso


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A schedule of a collection.

    Attributes:
        number: of its row.
        collection: slug.
        schedule: how often.
        is_active: it begins crawls; False also where the collection is not active.
        is_paused: it was switched off itself.
        plan: JSON, as the options of a collection; counts more than these.
        next_at: when it is due; None for not again.
        anchor: from when it counts.
        last_crawl: number of the last crawl it began; None for none yet.
        message: why it did not begin the last time; "" when it did.
        seeds: active seeds that have it.
    """

    number: int
    collection: str
    schedule: Schedule
    is_active: bool
    is_paused: bool
    plan: str
    next_at: datetime | None
    anchor: datetime
    last_crawl: int | None
    message: str
    seeds: int


class ScheduleRegistry:
    """The schedules of an archive.

    Args:
        holdings: the opened archive; its clock is that of `holdings.collections`.
    """

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._engine = holdings.engine
        self._clock = holdings.collections.now

    # -- look --------------------------------------------------------------------------------------------------------

    def all(self, collection: str | None = None) -> list[Scheduled]:
        """Schedules that seeds have, or had, by when they are due."""
        self.notice()
        statement = _rows()
        if collection is not None:
            statement = statement.where(collections.c.slug == collection)
        with reading(self._engine) as connection:
            found = [_scheduled(row) for row in connection.execute(statement)]
        return sorted(found, key=lambda item: (item.next_at is None, str(item.next_at), item.collection, item.schedule))

    def get(self, collection: str, schedule: Schedule) -> Scheduled:
        """One schedule of a collection.

        Raises:
            NotFound: no seed of it has that.
        """
        self.notice()
        with reading(self._engine) as connection:
            row = connection.execute(
                _rows().where(collections.c.slug == collection, schedules.c.schedule == schedule.value)
            ).first()
        if row is None:
            raise NotFound(
                f"No seed of “{collection}” is crawled {schedule.value}.",
                "Give a seed that schedule.",
                command="Give one that schedule: muniment seeds set.",
            )
        return _scheduled(row)

    def notice(self) -> None:
        """Make the rows of schedules that seeds were given since the last look."""
        known = and_(schedules.c.collection_id == seeds.c.collection_id, schedules.c.schedule == seeds.c.schedule)
        missing = (
            select(seeds.c.collection_id, seeds.c.schedule).where(seeds.c.schedule != "", ~exists().where(known)).distinct()
        )
        with reading(self._engine) as connection:
            found = connection.execute(missing).all()
        if not found:
            return
        anchor = to_iso(first_anchor(self._clock()))
        rows = [
            {"collection_id": row[0], "schedule": row[1], "next_at": anchor, "anchor": anchor}
            for row in found
            if row[1] in set(Schedule)
        ]
        with writing(self._engine) as connection:
            if rows:
                connection.execute(insert_new(self._engine, schedules), rows)

    # -- change ------------------------------------------------------------------------------------------------------

    def set(
        self,
        collection: str,
        schedule: Schedule,
        *,
        by: str,
        is_active: bool | None = None,
        anchor: datetime | None = None,
        plan: str | None = None,
    ) -> Scheduled:
        """Change a schedule of a collection.

        Args:
            collection: slug.
            schedule: which.
            by: who does it.
            is_active: switch it on or off.
            anchor: from when it counts; when that is past, it is due at the next of its times.
            plan: JSON, as the options of a collection; "" for none.

        Raises:
            NotFound: no seed has that schedule.
            UsageError: the plan cannot be read.
        """
        current = self.get(collection, schedule)
        values: dict[str, Any] = {}
        if is_active is not None:
            values["is_active"] = int(is_active)
        if anchor is not None:
            due = next_run(schedule, anchor, self._clock())
            values |= {"anchor": to_iso(anchor), "next_at": to_iso(due) if due else to_iso(self._clock())}
        if plan is not None:
            options_from_json(plan)
            values["plan"] = plan.strip()
        if values:
            with writing(self._engine) as connection:
                connection.execute(update(schedules).where(schedules.c.id == current.number).values(values))
                said = {name: value for name, value in values.items() if name != "next_at"}
                self._holdings.audit.note_within(connection, by, "schedule.set", f"{schedule.value} of {collection}", said)
        return self.get(collection, schedule)

    # -- begin -------------------------------------------------------------------------------------------------------

    def run_due(self) -> list[int]:
        """Begin everything that is due; the numbers of the crawls."""
        self.notice()
        now = to_iso(self._clock())
        due = _rows().where(
            schedules.c.is_active == 1,
            collections.c.is_active == 1,
            schedules.c.next_at <= now,
            collections.c.test_of.is_(None),
        )
        with reading(self._engine) as connection:
            found = [_scheduled(row) for row in connection.execute(due)]
        begun: list[int] = []
        for item in found:
            begun += self._begin(item, by="", is_due=True)
        return begun

    def run(self, collection: str, schedule: Schedule, *, by: str) -> list[int]:
        """Begin a schedule now, whenever it is due; the numbers of the crawls.

        Raises:
            NotFound: no seed has that schedule.
            Conflict: its last crawl still runs; or it has no active seed.
        """
        item = self.get(collection, schedule)
        begun = self._begin(item, by=by, is_due=False)
        if not begun:
            raise Conflict(self.get(collection, schedule).message or "Nothing was begun.", "Look at its seeds and crawls.")
        return begun

    def _begin(self, item: Scheduled, *, by: str, is_due: bool) -> list[int]:
        """Begin the crawls of a schedule and say when it is due next, all in one transaction."""
        now = self._clock()
        wanted = self._seeds_of(item)
        why, plans = "", list[tuple[CrawlPlan, Sequence[Seed]]]()
        try:
            plans = plans_for(self._plan(item), wanted)
        except UsageError as error:
            why = str(error)
        with writing(self._engine) as connection:
            lock_table(connection, schedules)
            next_at = connection.execute(select(schedules.c.next_at).where(schedules.c.id == item.number)).scalar()
            if is_due and (next_at is None or next_at > to_iso(now)):
                return []  # another process was quicker
            if not why and self._is_running(connection, item.number):
                why = "Its last crawl still runs."
            elif not why and not wanted:
                why = "It has no active seed that is to be crawled."
            begun = [] if why else [self._begin_one(connection, item, plan, by) for plan, _ in plans]
            values: dict[str, Any] = {"message": why}
            if begun:
                values["last_crawl_id"] = begun[-1]
            if is_due:
                following = next_run(item.schedule, item.anchor, now)
                if item.schedule is Schedule.ONCE:
                    following = first_anchor(now)  # for seeds that are given it later
                values["next_at"] = to_iso(following) if following else None
            connection.execute(update(schedules).where(schedules.c.id == item.number).values(values))
        return begun

    def _begin_one(self, connection: Connection, item: Scheduled, plan: CrawlPlan, by: str) -> int:
        crawl = CrawlControl(self._engine, self._clock).create_within(connection, item.collection, plan)
        connection.execute(
            insert(crawl_notes).values(crawl_id=crawl, kind="scheduled", requested_by=by, schedule_id=item.number)
        )
        arguments = {"crawl": crawl, "processes": 1}
        JobRegistry(self._engine, self._clock).put_within(connection, "crawl", arguments, item.collection, by)
        said = {"crawl": crawl, "seeds": len(plan.seeds)}
        self._holdings.audit.note_within(
            connection, by or "schedule", "schedule.run", f"{item.schedule.value} of {item.collection}", said
        )
        return crawl

    def _is_running(self, connection: Connection, schedule: int) -> bool:
        """Whether a crawl that the schedule began is not over: it has a job, is at work, or somebody paused it."""
        mine = select(crawl_notes.c.crawl_id).where(crawl_notes.c.schedule_id == schedule)
        running = (
            select(func.count()).select_from(crawls).where(crawls.c.id.in_(mine), crawls.c.state.in_(("running", "paused")))
        )
        if connection.execute(running).scalar():
            return True
        numbers = {row[0] for row in connection.execute(mine)}
        waiting = connection.execute(select(jobs.c.arguments).where(jobs.c.kind == "crawl", jobs.c.state.in_(OPEN)))
        return any(json.loads(row[0]).get("crawl") in numbers for row in waiting)

    def _seeds_of(self, item: Scheduled) -> list[Seed]:
        wanted = SeedFilter(schedule=item.schedule.value, is_active=True)
        found = SeedRegistry(self._engine, self._clock).list(item.collection, wanted)
        if item.schedule is not Schedule.ONCE:
            return found
        crawled = (
            select(crawl_seeds.c.url)
            .join(crawl_notes, crawl_notes.c.crawl_id == crawl_seeds.c.crawl_id)
            .where(crawl_notes.c.schedule_id == item.number)
        )
        with reading(self._engine) as connection:
            done = {row[0] for row in connection.execute(crawled)}
        return [seed for seed in found if seed.url not in done]

    def _plan(self, item: Scheduled) -> CrawlPlan:
        """What the crawls of a schedule begin with.

        Raises:
            UsageError: the options of the collection or of the schedule cannot be read.
        """
        options = self._holdings.collections.get(item.collection).options
        return plan_of(options, item.plan, self._holdings.settings.dedup)


def plan_of(options: str, own: str, dedup: str) -> CrawlPlan:
    """A plan without seeds from the options of a collection and, before them, those of a schedule.

    Args:
        options, own: JSON, see `archiver.collections.options`.
        dedup: the archive's setting, for where neither says anything.

    Raises:
        UsageError: one of them cannot be read.
    """
    base, more = options_from_json(options), options_from_json(own)  # each is good by itself
    values: dict[str, Any] = json.loads(options) if options.strip() else {}
    for name, value in (json.loads(own) if own.strip() else {}).items():
        values[name] = values[name] | value if isinstance(value, dict) and isinstance(values.get(name), dict) else value
    plan = options_from_json(json.dumps(values))
    plan = replace(plan, rules=(*more.rules, *base.rules) if own.strip() else base.rules)
    return plan if "dedup" in values else replace(plan, dedup=DedupMode(dedup))


def _rows() -> Any:
    counted = (
        select(func.count())
        .where(
            seeds.c.collection_id == schedules.c.collection_id, seeds.c.schedule == schedules.c.schedule, seeds.c.is_active == 1
        )
        .scalar_subquery()
    )
    return select(
        schedules, collections.c.slug, collections.c.is_active.label("collection_is_active"), counted.label("seeds")
    ).join(collections, collections.c.id == schedules.c.collection_id)


def _scheduled(row: Any) -> Scheduled:
    return Scheduled(
        row.id,
        row.slug,
        Schedule(row.schedule),
        bool(row.is_active and row.collection_is_active),
        not row.is_active,
        row.plan,
        parse_iso(row.next_at) if row.next_at else None,
        parse_iso(row.anchor),
        row.last_crawl_id,
        row.message,
        row.seeds,
    )
