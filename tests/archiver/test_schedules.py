"""Schedules: when they are due, and that they begin once, whatever happened meanwhile."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from click.testing import CliRunner

from archiver.cli.schedule import schedule as schedule_command
from archiver.collections.reports import CrawlReports
from archiver.collections.seeds import SeedRegistry
from archiver.collections.seedvalues import Schedule, SeedDraft
from archiver.crawl.control import CrawlControl
from archiver.crawl.plan import ScopeKind
from archiver.dueness import a_year, first_anchor, next_run
from archiver.errors import Conflict, NotFound, UsageError
from archiver.holdings import Holdings, open_holdings
from archiver.jobs import JobRegistry, JobState
from archiver.schedules import ScheduleRegistry, plan_of
from tests.conftest import OpenHoldings

NOW = datetime(2026, 1, 30, 10, 15, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "anchor", "after", "due"),
    [
        ("twice-daily", "2026-01-01T02:00", "2026-01-01T02:00", "2026-01-01T14:00"),
        ("daily", "2026-01-01T02:00", "2026-03-05T01:59", "2026-03-05T02:00"),
        ("weekly", "2026-01-01T02:00", "2026-01-20T00:00", "2026-01-22T02:00"),
        ("monthly", "2026-01-31T02:00", "2026-01-31T02:00", "2026-02-28T02:00"),
        ("monthly", "2026-01-31T02:00", "2026-02-28T02:00", "2026-03-31T02:00"),
        ("monthly", "2027-12-31T02:00", "2028-01-31T02:00", "2028-02-29T02:00"),
        ("bimonthly", "2026-01-15T02:00", "2026-12-31T00:00", "2027-01-15T02:00"),
        ("quarterly", "2026-11-30T02:00", "2026-11-30T02:00", "2027-02-28T02:00"),
        ("semiannual", "2026-08-31T02:00", "2026-09-01T00:00", "2027-02-28T02:00"),
        ("annual", "2028-02-29T02:00", "2028-02-29T02:00", "2029-02-28T02:00"),
        ("annual", "2028-02-29T02:00", "2031-12-01T00:00", "2032-02-29T02:00"),
        ("weekly", "2026-05-01T02:00", "2026-01-01T00:00", "2026-05-01T02:00"),
        ("once", "2026-05-01T02:00", "2026-01-01T00:00", "2026-05-01T02:00"),
        ("once", "2026-05-01T02:00", "2026-05-01T02:00", None),
    ],
)
def test_when_it_is_due(schedule: str, anchor: str, after: str, due: str | None) -> None:
    assert next_run(Schedule(schedule), at(anchor), at(after)) == (at(due) if due else None)


@pytest.mark.parametrize("schedule", list(Schedule))
def test_what_is_due_lies_ahead_and_comes_as_often_as_it_says(schedule: Schedule) -> None:
    anchor, moment, count = at("2025-01-31T02:00"), at("2025-01-31T02:00"), 0
    while (found := next_run(schedule, anchor, moment)) is not None and found <= at("2026-01-31T02:00"):
        assert found > moment
        moment, count = found, count + 1
    assert count == round(a_year(schedule))


def test_a_new_schedule_begins_in_the_night() -> None:
    assert first_anchor(at("2026-01-30T10:15")) == at("2026-01-31T02:00")
    assert first_anchor(at("2026-01-30T01:15")) == at("2026-01-30T02:00")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def holdings(holdings_with: OpenHoldings, clock: Clock) -> Holdings:
    opened = holdings_with()
    again = open_holdings(opened.settings, clock=clock)
    SeedRegistry(again.engine, clock).add("default", [SeedDraft("http://a.example/", schedule="weekly")])
    return again


def crawls_of(holdings: Holdings) -> list[int]:
    return [crawl.number for crawl in CrawlReports(holdings.engine).crawls()]


def test_what_is_due_begins_once_and_what_was_missed_is_made_up_for_once(holdings: Holdings, clock: Clock) -> None:
    registry = ScheduleRegistry(holdings)
    [item] = registry.all()
    assert (item.schedule, item.seeds, item.next_at) == (Schedule.WEEKLY, 1, at("2026-01-31T02:00"))
    assert registry.run_due() == []
    clock.now = at("2026-03-05T09:00")  # five weeks without a worker
    [crawl] = registry.run_due()
    assert registry.run_due() == []
    [job] = JobRegistry(holdings.engine, clock).list()
    assert (job.kind, job.arguments["crawl"], job.state) == ("crawl", crawl, JobState.WAITING)
    item = registry.get("default", Schedule.WEEKLY)
    assert (item.last_crawl, item.next_at) == (crawl, at("2026-03-07T02:00"))
    entry = next(holdings.audit.entries(newest_first=True))
    assert (entry.actor, entry.action, entry.subject) == ("schedule", "schedule.run", "weekly of default")


def test_what_still_runs_is_not_begun_again(holdings: Holdings, clock: Clock) -> None:
    registry, jobs = ScheduleRegistry(holdings), JobRegistry(holdings.engine, clock)
    registry.all()
    clock.now += timedelta(days=1)
    [crawl] = registry.run_due()
    clock.now += timedelta(days=7)
    assert registry.run_due() == []
    item = registry.get("default", Schedule.WEEKLY)
    assert item.message == "Its last crawl still runs." and item.next_at == at("2026-02-14T02:00")
    with pytest.raises(Conflict, match="still runs"):
        registry.run("default", Schedule.WEEKLY, by="ada")
    jobs.cancel(jobs.list()[0].number, "ada")
    CrawlControl(holdings.engine, clock).set_state(crawl, "paused")
    with pytest.raises(Conflict):
        registry.run("default", Schedule.WEEKLY, by="ada")
    CrawlControl(holdings.engine, clock).set_state(crawl, "finished")
    [again] = registry.run("default", Schedule.WEEKLY, by="ada")
    assert again > crawl and registry.get("default", Schedule.WEEKLY).next_at == at("2026-02-14T02:00")


def test_several_machines_look_at_once(holdings: Holdings, clock: Clock) -> None:
    ScheduleRegistry(holdings).all()
    clock.now += timedelta(days=1)
    begin, begun = Barrier(4), list[int]()

    def look() -> None:
        begin.wait(20)
        begun.extend(ScheduleRegistry(holdings).run_due())

    threads = [Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(begun) == 1 == len(crawls_of(holdings))


def test_seeds_with_limits_of_their_own_have_a_crawl_of_their_own(holdings: Holdings, clock: Clock) -> None:
    seeds = SeedRegistry(holdings.engine, clock)
    seeds.add("default", [SeedDraft("http://b.example/", schedule="weekly", scope="host", limits={"documents": 5})])
    seeds.add("default", [SeedDraft("http://c.example/", schedule="weekly", is_active=False)])
    holdings.collections.update("default", options='{"limits": {"pages": 9}}')
    registry = ScheduleRegistry(holdings)
    registry.set("default", Schedule.WEEKLY, by="ada", plan='{"limits": {"seconds": 60}, "scope": "domain"}')
    first, second = registry.run("default", Schedule.WEEKLY, by="ada")
    plans = [CrawlReports(holdings.engine).plan(number) for number in (first, second)]
    assert [[seed.url for seed in plan.seeds] for plan in plans] == [["http://a.example/"], ["http://b.example/"]]
    assert [(plan.limits.pages, plan.limits.seconds, plan.limits.documents) for plan in plans] == [(9, 60, 0), (9, 60, 5)]
    assert plans[0].scope is ScopeKind.DOMAIN


def test_once_is_once_for_each_seed(holdings: Holdings, clock: Clock) -> None:
    seeds = SeedRegistry(holdings.engine, clock)
    seeds.add("default", [SeedDraft("http://b.example/", schedule="once")])
    registry = ScheduleRegistry(holdings)
    registry.all()
    clock.now = at("2026-01-31T02:00")
    assert len(registry.run_due()) == 2
    CrawlControl(holdings.engine, clock).set_state(2, "finished")
    for job in JobRegistry(holdings.engine, clock).list():
        JobRegistry(holdings.engine, clock).cancel(job.number, "ada")
    clock.now = at("2026-02-01T02:00")
    assert registry.run_due() == []
    seeds.add("default", [SeedDraft("http://c.example/", schedule="once")])
    clock.now = at("2026-02-02T02:00")
    [crawl] = registry.run_due()
    assert [seed.url for seed in CrawlReports(holdings.engine).plan(crawl).seeds] == ["http://c.example/"]


def test_schedules_are_switched_off_and_set(holdings: Holdings, clock: Clock) -> None:
    registry = ScheduleRegistry(holdings)
    item = registry.set("default", Schedule.WEEKLY, by="ada", is_active=False, anchor=at("2026-01-01T20:30"))
    assert item.is_paused and not item.is_active and item.next_at == at("2026-02-05T20:30")
    clock.now = at("2026-02-05T20:31")
    assert registry.run_due() == []
    registry.set("default", Schedule.WEEKLY, by="ada", is_active=True)
    assert len(registry.run_due()) == 1
    holdings.collections.update("default", is_active=False)
    clock.now = at("2026-02-12T20:31")
    assert registry.run_due() == [] and not registry.get("default", Schedule.WEEKLY).is_active
    with pytest.raises(NotFound):
        registry.get("default", Schedule.DAILY)
    for wrong in ("{", '{"limits": {"pages": -1}}', '{"what": 1}', "[1]"):
        with pytest.raises(UsageError):
            registry.set("default", Schedule.WEEKLY, by="ada", plan=wrong)
    assert "schedule.set" in {entry.action for entry in holdings.audit.entries()}


def test_plans_are_put_together() -> None:
    rule = '{"action": "block", "match": "text", "pattern": "%s", "enabled": true, "note": ""}'
    plan = plan_of('{"rules": [' + rule % "base" + "]}", '{"rules": [' + rule % "own" + "]}", "archive")
    assert [item.pattern for item in plan.rules] == ["own", "base"] and plan.dedup == "archive"
    assert plan_of('{"dedup": "off"}', "", "archive").dedup == "off"
    assert replace(plan, rules=()).seeds == ()


def test_the_command_line(holdings: Holdings) -> None:
    home = ["--archive", str(holdings.settings.archive)]

    def said(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(schedule_command, [*arguments, *home], standalone_mode=False)
        assert (isinstance(result.exception, UsageError)) == bool(status), result.exception
        return result.output

    assert "weekly" in said("list") and "1 seed" in said("list", "-c", "default")
    assert "2031-01-01 05:30" in said("set", "weekly", "--at", "2031-01-01T05:30", "--actor", "ada")
    assert "switched off" in said("set", "weekly", "--off")
    assert json.loads(said("run", "weekly", "--json")) == {"crawls": [1]}
    assert json.loads(said("list", "--json"))[0]["last_crawl"] == 1
    for wrong in (("run", "hourly"), ("set", "weekly", "--at", "soon"), ("set", "weekly", "--options", "{")):
        said(*wrong, status=2)
