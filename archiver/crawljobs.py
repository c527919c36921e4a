"""Crawls as jobs: begun, gone on with, and done by whatever worker takes them, with the code of `muniment crawl`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from archiver.collections.reports import CrawlReports, CrawlSummary, living_workers
from archiver.crawl import supervise
from archiver.crawl.control import CrawlControl
from archiver.crawl.plan import CrawlPlan
from archiver.crawl.planning import settings_of
from archiver.errors import Conflict, Interrupted, MunimentError
from archiver.holdings import Holdings
from archiver.jobrunner import Later, Work
from archiver.jobs import JobRegistry
from archiver.notices import NoticeRegistry

#: Seconds between two looks at how a crawl goes.
_LOOK_SECONDS = 1.0
#: Seconds until a crawl is tried again that another process works on.
_BUSY_SECONDS = 15.0


def begin_crawl(
    holdings: Holdings,
    collection: str,
    plan: CrawlPlan,
    *,
    clock: Callable[[], datetime],
    created_by: str = "",
    processes: int = 1,
) -> tuple[int, int]:
    """Begin a crawl, and have a worker do it; the numbers of the crawl and of its job.

    Raises:
        UnknownCollection: no collection of that name.
    """
    crawl = CrawlControl(holdings.engine, clock).create(collection, plan)
    return crawl, put_crawl(holdings, crawl, collection, clock=clock, created_by=created_by, processes=processes)


def put_crawl(
    holdings: Holdings,
    crawl: int,
    collection: str,
    *,
    clock: Callable[[], datetime],
    created_by: str = "",
    processes: int = 1,
) -> int:
    """Have a worker do a crawl that is there; its job, which is the one it has when that is not over."""
    registry = JobRegistry(holdings.engine, clock)
    return registry.put("crawl", {"crawl": crawl, "processes": processes}, collection, created_by, once=True)


def go_on(
    holdings: Holdings, crawl: int, *, clock: Callable[[], datetime], created_by: str = "", processes: int = 1
) -> int | None:
    """Go on with a paused, stopped or torn crawl: where it runs when it does, else by a worker.

    Returns:
        The number of the job; None when processes are there already that go on.

    Raises:
        NotFound: there is no such crawl.
        Conflict: it is finished.
    """
    control = CrawlControl(holdings.engine, clock)
    info = control.info(crawl)
    control.want(crawl, "run")
    if living_workers(holdings.engine, crawl, clock().timestamp()):
        return None
    return put_crawl(holdings, crawl, info.collection, clock=clock, created_by=created_by, processes=processes)


def launch_as_job(
    holdings: Holdings, clock: Callable[[], datetime], by: Callable[[], str] = lambda: ""
) -> Callable[[int, int], None]:
    """What has a worker do the crawl of a number, with so many processes (see `archiver.crawl.launch`); `by`: who asks."""

    def launch(number: int, processes: int) -> None:
        collection = CrawlControl(holdings.engine, clock).info(number).collection
        put_crawl(holdings, number, collection, clock=clock, created_by=by(), processes=processes)

    return launch


def crawl(work: Work) -> Mapping[str, Any]:
    """The job: `crawl` (number) and `processes`. A paused crawl gives its place to others; `go_on` makes it a new job."""
    number = int(work.job.arguments["crawl"])
    holdings, clock = work.holdings, work.clock
    reports, control = CrawlReports(holdings.engine), CrawlControl(holdings.engine, clock)
    before = reports.find(number, None)
    if before.wanted in ("stop", "pause"):
        state = {"stop": "stopped", "pause": "paused"}[before.wanted]
        control.set_state(number, state, before.ended or f"it was {state}")
        return summary_of(reports.find(number, None))
    if not work.job.result.get("told"):
        _tell(work, "crawl.started", replace(before, state="running"), f"{_named(work, before)} began.")
        work.keep({"told": True})
    planned = holdings.with_settings(settings_of(holdings.settings, reports.plan(number)))
    watcher = _Watcher(work, reports, number)
    try:
        supervise.run(
            planned,
            number,
            software=work.software,
            workers=int(work.job.arguments.get("processes", 1)),
            stop=work.stop,
            ticker=lambda _: watcher,
            clock=clock,
        )
    except Conflict as error:
        raise Later(error.message, _BUSY_SECONDS) from error
    except MunimentError as error:
        _tell(work, "crawl.failed", found := reports.find(number, None), f"{_named(work, found)} failed: {error.message}")
        raise
    after = reports.find(number, None)
    if watcher.is_paused and after.state == "stopped":
        if after.wanted == "run":
            raise Later("It goes on.", 0)  # somebody has thought better of it meanwhile
        control.set_state(number, "paused", watcher.why)
        after = reports.find(number, None)
    elif work.stop.finish.is_set() and after.state != "finished":
        raise Interrupted(f"Crawl {number} stopped; it can go on.")
    _tell_end(work, after)
    return summary_of(after)


def _tell_end(work: Work, crawl: CrawlSummary) -> None:
    of = _named(work, crawl)
    if crawl.state == "paused":
        _tell(work, "crawl.paused", crawl, f"{of} paused: {crawl.ended}.")
    elif not crawl.sums.documents:
        _tell(work, "crawl.failed", crawl, f"{of} captured nothing.")
    else:
        _tell(work, "crawl.finished", crawl, f"{of} {crawl.state}, with {crawl.sums.documents:,} documents.")


def _named(work: Work, crawl: CrawlSummary) -> str:
    """A crawl as people know it: one that is kept apart is a test for the collection that its job is of."""
    slug = work.job.collection or crawl.collection
    return f"{'Crawl' if slug == crawl.collection else 'Test crawl'} {crawl.number} of “{slug}”"


def _tell(work: Work, event: str, crawl: CrawlSummary, text: str) -> None:
    NoticeRegistry(work.holdings).tell(event, work.job.collection or crawl.collection, text, summary_of(crawl))


def summary_of(crawl: CrawlSummary) -> dict[str, Any]:
    """What a job says of its crawl."""
    return {
        "crawl": crawl.number,
        "state": crawl.state,
        "ended": crawl.ended,
        "documents": crawl.sums.documents,
        "new_documents": crawl.sums.new_documents,
        "bytes": crawl.sums.bytes,
        "new_bytes": crawl.sums.new_bytes,
        "failed": crawl.sums.failed,
        "queued": crawl.sums.queued,
        "seconds": round(crawl.seconds, 1),
    }


class _Watcher:
    """Tells the job how its crawl goes; when somebody pauses the crawl, its process is given to other jobs."""

    def __init__(self, work: Work, reports: CrawlReports, crawl: int) -> None:
        self.is_paused = False
        self.why = ""
        self._work = work
        self._reports = reports
        self._crawl = crawl
        self._looked = float("-inf")

    def tick(self, in_flight: Sequence[str]) -> None:
        """After each commit."""
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        crawl = self._reports.find(self._crawl, None)
        self._work.show(crawl.sums.documents, crawl.sums.documents + crawl.sums.queued, in_flight[0] if in_flight else "")
        if crawl.state == "paused" and not self._work.stop.finish.is_set():
            self.is_paused, self.why = True, crawl.ended
            self._work.stop.finish.set()
