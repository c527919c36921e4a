"""Steers a crawl from outside: what the user wants is written into the database, where its workers look for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from archiver.collections.reports import CrawlReports, alive_workers
from archiver.crawl.decision import UrlState
from archiver.crawl.hops import priority
from archiver.crawl.plan import CrawlPlan, plan_from_json
from archiver.errors import Conflict, NotFound
from archiver.index.crawltables import crawl_counts, crawl_frontier, crawl_hosts, crawl_queues, crawl_urls
from archiver.index.database import reading, writing
from archiver.index.tables import crawls
from archiver.timestamps import to_iso

_AT_ONCE = 1000

#: What the state of a crawl is called once nobody runs it any more.
_STATE_AFTER = {"pause": "paused", "stop": "stopped"}


class CrawlControl:
    """The controls of an archive's crawls.

    Args:
        engine: the archive's database.
        clock: the time, UTC.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def workers(self, crawl: int) -> int:
        """Processes that work on a crawl and were heard of lately."""
        with reading(self._engine) as connection:
            return alive_workers(connection, crawl, self._clock().timestamp())

    def ask(self, crawl: int, wanted: str) -> bool:
        """Have a crawl "pause", "stop" or "run"; whether workers are there to notice.

        Without workers a running or paused crawl takes the state at once. To "run" needs somebody to run it then.

        Raises:
            NotFound: there is no such crawl.
            Conflict: it is at its end, or stopped and asked to pause.
        """
        summary = CrawlReports(self._engine).find(crawl, None)
        if wanted != "run" and (summary.state == "finished" or (summary.state == "stopped" and wanted == "pause")):
            raise Conflict(f"Crawl {crawl} is {summary.state} already.", "Nothing is left to be done.")
        now = self._clock()
        with writing(self._engine) as connection:
            alive = alive_workers(connection, crawl, now.timestamp()) > 0
            values: dict[str, object] = {"wanted": wanted}
            if not alive and wanted in _STATE_AFTER:
                values |= {"state": _STATE_AFTER[wanted], "ended": f"{_STATE_AFTER[wanted]} by the user"}
                if wanted == "stop":
                    values["finished_at"] = to_iso(now)
            connection.execute(update(crawls).where(crawls.c.id == crawl).values(**values))
        return alive

    def change(self, crawl: int, changed: Callable[[CrawlPlan], CrawlPlan]) -> CrawlPlan:
        """Change what a crawl is asked to do; its workers notice by the plan's version.

        Args:
            crawl: its number.
            changed: the plan as it is now → as it is to be.

        Raises:
            NotFound: there is no such crawl.
            UsageError: the change makes no sense; nothing was changed.
        """
        with writing(self._engine) as connection:
            text = connection.execute(select(crawls.c.plan).where(crawls.c.id == crawl, crawls.c.kind == "crawl")).scalar()
            if text is None:
                raise NotFound(f"There is no crawl {crawl}.")
            plan = changed(plan_from_json(text))
            connection.execute(
                update(crawls).where(crawls.c.id == crawl).values(plan=plan.to_json(), plan_version=crawls.c.plan_version + 1)
            )
        return plan

    def retry_failed(self, crawl: int) -> int:
        """Queue every URL of a crawl that failed once more; how many. Hosts that were given up get another chance."""
        queued = 0
        hosts = select(crawl_hosts.c.id).where(crawl_hosts.c.crawl_id == crawl, crawl_hosts.c.failed > 0)
        with reading(self._engine) as connection:
            numbers = connection.execute(hosts.order_by(crawl_hosts.c.id)).scalars().all()
        for host in numbers:
            # A transaction a batch: workers that write in between wait for one batch, not for millions of URLs.
            while moved := self._requeue(crawl, host):
                queued += moved
        return queued

    def _requeue(self, crawl: int, host: int) -> int:
        statement = (
            select(crawl_urls.c.id, crawl_urls.c.seed_id, crawl_urls.c.hops)
            .where(crawl_urls.c.crawl_id == crawl, crawl_urls.c.host_id == host)
            .where(crawl_urls.c.state == UrlState.FAILED.value)
            .order_by(crawl_urls.c.id)
            .limit(_AT_ONCE)
        )
        with writing(self._engine) as connection:
            rows = connection.execute(statement).all()
            if rows:
                self._move(connection, crawl, host, rows)
        return len(rows)

    def _move(self, connection: Connection, crawl: int, host: int, rows: Any) -> None:
        """Failed URLs of one host back into its queue, and all sums with them."""
        queue = self._queue(connection, crawl, host)
        numbers = [row.id for row in rows]
        connection.execute(
            update(crawl_urls)
            .where(crawl_urls.c.id.in_(numbers))
            .values(state=UrlState.QUEUED.value, attempts=0, failure=None, reason=None)
        )
        connection.execute(
            insert(crawl_frontier),
            [{"queue_id": queue, "priority": priority(row.hops), "url_id": row.id} for row in rows],
        )
        count = len(numbers)
        hosts, counts = crawl_hosts.c, crawl_counts.c
        connection.execute(
            update(crawl_hosts).where(hosts.id == host).values(failed=hosts.failed - count, queued=hosts.queued + count)
        )
        by_seed = Counter(str(row.seed_id) for row in rows)
        for dimension, key, number in [("total", "", count), *(("seed", key, number) for key, number in by_seed.items())]:
            connection.execute(
                update(crawl_counts)
                .where(counts.crawl_id == crawl, counts.dimension == dimension, counts.key == key)
                .values(failed=counts.failed - number, queued=counts.queued + number)
            )
        self._wake(connection, queue, count)

    def _wake(self, connection: Connection, queue: int, count: int) -> None:
        """A queue with URLs anew; one that is claimed keeps its pace and is made ready by who holds it."""
        now = self._clock().timestamp()
        columns = crawl_queues.c
        row: Row[Any] = connection.execute(select(crawl_queues).where(columns.id == queue)).one()
        values: dict[str, object] = {"pending": columns.pending + count}
        if row.worker_id is None:
            values["ready_at"] = max(now, row.not_before) if row.ready_at is None else row.ready_at
            if row.retired == "dead":
                # what made it look dead is forgotten, or the first failure would retire it again
                values |= {"retired": "", "retired_reason": "", "waits_for": "", "pace": "", "ready_at": now, "not_before": 0}
        connection.execute(update(crawl_queues).where(columns.id == queue).values(**values))

    @staticmethod
    def _queue(connection: Connection, crawl: int, host: int) -> int:
        """The first queue of a host."""
        statement = select(func.min(crawl_queues.c.id)).where(crawl_queues.c.crawl_id == crawl, crawl_queues.c.host_id == host)
        found = connection.execute(statement).scalar()
        if found is None:
            made = connection.execute(insert(crawl_queues).values(crawl_id=crawl, host_id=host))
            return int(made.inserted_primary_key[0])  # type: ignore[index]
        return int(found)
