"""How a crawl stands this moment, read from the database: so it serves for any number of processes, and from anywhere."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, case, func, select

from archiver.collections.hosts import HostRow, host_row, host_rows
from archiver.collections.reports import CrawlReports, CrawlSummary, living_workers
from archiver.crawl.plan import Limits
from archiver.index.crawltables import crawl_hosts, crawl_queues
from archiver.index.database import reading


@dataclass(frozen=True, slots=True)
class Progress:
    """A crawl at one moment.

    Attributes:
        at: that moment, seconds since 1970.
        crawl: its state and sums.
        limits: of its plan.
        workers: processes that work on it.
        hosts: that were met.
        in_flight: hosts that are being fetched from.
        ready: hosts whose turn could come now.
        waiting: hosts that wait for a moment to come.
        retired: hosts that were given up with URLs left.
        busiest: hosts with something to do, those in flight first, then those with most queued.
    """

    at: float
    crawl: CrawlSummary
    limits: Limits
    workers: int = 0
    hosts: int = 0
    in_flight: int = 0
    ready: int = 0
    waiting: int = 0
    retired: int = 0
    busiest: tuple[HostRow, ...] = ()

    @property
    def over(self) -> bool:
        """The crawl is at its end, or paused with nobody there who would hear that it is to go on."""
        return self.crawl.state in ("finished", "stopped") or (self.crawl.state == "paused" and not self.workers)


def progress(engine: Engine, crawl: int, now: float, *, hosts: int = 10) -> Progress:
    """A crawl at this moment, with so many of its hosts by name.

    Raises:
        NotFound: there is no such crawl.
    """
    reports = CrawlReports(engine)
    summary, plan = reports.find(crawl, None), reports.plan(crawl)
    queue = crawl_queues.c
    claimed = queue.worker_id.is_not(None)
    waits = (queue.retired == "") & (queue.pending > 0) & ~claimed
    counts = select(
        *(
            func.count(case((condition, queue.host_id)).distinct())
            for condition in (
                claimed,
                waits & (queue.ready_at <= now),
                waits & (queue.ready_at > now),
                (queue.retired == "dead") & (queue.pending > 0),
            )
        )
    ).where(queue.crawl_id == crawl)
    rows = host_rows(crawl).subquery()
    busiest = (
        select(rows)
        .where((rows.c.in_flight > 0) | (rows.c.queued > 0))
        .order_by(case((rows.c.in_flight > 0, 0), else_=1), rows.c.queued.desc(), rows.c.host)
        .limit(hosts)
    )
    known = select(func.count()).select_from(crawl_hosts).where(crawl_hosts.c.crawl_id == crawl)
    with reading(engine) as connection:
        queues = connection.execute(counts).one()
        return Progress(
            at=now,
            crawl=summary,
            limits=plan.limits,
            workers=living_workers(engine, crawl, now),
            hosts=connection.execute(known).scalar_one(),
            in_flight=queues[0],
            ready=queues[1],
            waiting=queues[2],
            retired=queues[3],
            busiest=tuple(host_row(row) for row in connection.execute(busiest)),
        )
