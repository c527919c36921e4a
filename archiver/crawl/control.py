"""The rows that crawls and their workers are told by: begun, paused, changed, taken up again, from any process."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, and_, bindparam, func, insert, or_, select, update

from archiver.crawl.decision import Decision, UrlState, Verdict
from archiver.crawl.entries import CrawlInfo, Found, queue_host, url_hash
from archiver.crawl.frontier import give_back
from archiver.crawl.intake import Intake
from archiver.crawl.ledger import Ledger
from archiver.crawl.plan import CrawlPlan, ScopeKind, Seed, plan_from_json
from archiver.crawl.politeness import MAY_PASS
from archiver.crawl.statements import REQUEUED_COLUMNS
from archiver.crawl.unread import requeue_unread
from archiver.errors import Conflict, NotFound, UnknownCollection
from archiver.index.crawltables import crawl_queues, crawl_seeds, crawl_urls, crawl_workers
from archiver.index.database import insert_new, number_of_new, reading, writing
from archiver.index.tables import collections, crawls
from archiver.timestamps import to_iso
from archiver.urls import parse_url, refuse_password

#: A worker that has not been heard of for so many seconds has lost its queues.
HEARTBEAT_SECONDS = 120.0

#: Rows that are put back at once.
_ROWS_AT_ONCE = 1000

_SEED = Decision(UrlState.QUEUED, Verdict.SEED)


class CrawlControl:
    """Crawls as their rows say.

    Args:
        engine: the archive's database.
        clock: the time, UTC.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    # -- begin -------------------------------------------------------------------------------------------------------

    def create(self, collection: str, plan: CrawlPlan) -> int:
        """Begin a crawl: its row, its seeds, their places in the frontier; its number.

        Raises:
            UnknownCollection: no collection of that name.
        """
        with writing(self._engine) as connection:
            return self.create_within(connection, collection, plan)

    def create_within(self, connection: Connection, collection: str, plan: CrawlPlan) -> int:
        """As `create`, in the transaction of what it belongs to."""
        collection_id = connection.execute(select(collections.c.id).where(collections.c.slug == collection)).scalar()
        if collection_id is None:
            raise UnknownCollection(f"There is no collection “{collection}”.")
        made = connection.execute(
            insert(crawls).values(
                collection_id=collection_id,
                seeds="\n".join(seed.url for seed in plan.seeds),
                started_at=to_iso(self._clock()),
                kind="crawl",
                state="stopped",
                wanted="run",
                plan=plan.to_json(),
                plan_version=1,
            )
        )
        crawl_id = number_of_new(made)
        self._plant(connection, crawl_id, plan)
        return crawl_id

    def _plant(self, connection: Connection, crawl_id: int, plan: CrawlPlan) -> None:
        """Give seeds that have none their rows, and queue them."""
        for seed in plan.seeds:
            refuse_password(seed.url)
        rows = [
            {"crawl_id": crawl_id, "url": seed.url, "scope": seed.scope.value if seed.scope else None} for seed in plan.seeds
        ]
        connection.execute(insert_new(self._engine, crawl_seeds), rows)
        mine = (crawl_seeds.c.crawl_id == crawl_id, crawl_seeds.c.url == bindparam("seed"))
        kinds = [{"seed": row["url"], "kind": row["scope"]} for row in rows]
        connection.execute(update(crawl_seeds).where(*mine).values(scope=bindparam("kind")), kinds)
        found = [
            Found(seed.url, url_hash(seed.url), queue_host(seed.url), number, None, "", "link", "seed", _SEED, 0)
            for number, seed in _seeds(connection, crawl_id)
        ]
        ledger = Ledger()
        lanes = 1 if plan.pace.polite else plan.pace.host_connections
        Intake(self._engine, crawl_id, lanes).add(connection, found, ledger, self._clock().timestamp())
        ledger.write(connection, crawl_id, lambda table: insert_new(self._engine, table))

    # -- read --------------------------------------------------------------------------------------------------------

    def info(self, crawl_id: int) -> CrawlInfo:
        """A crawl.

        Raises:
            NotFound: there is none of that number.
        """
        with reading(self._engine) as connection:
            row = connection.execute(
                select(collections.c.slug, crawls.c.collection_id, crawls.c.plan, crawls.c.plan_version, crawls.c.state)
                .join(collections, collections.c.id == crawls.c.collection_id)
                .where(crawls.c.id == crawl_id, crawls.c.kind == "crawl")
            ).first()
        if row is None:
            raise NotFound(
                f"There is no crawl {crawl_id}.",
                "See the list of crawls.",
                command="“muniment crawl list” names those there are.",
            )
        return CrawlInfo(crawl_id, row[0], row[1], plan_from_json(row[2]), row[3], row[4])

    def newest(self, collection: str) -> int:
        """Number of the newest crawl of a collection.

        Raises:
            NotFound: it has none.
        """
        with reading(self._engine) as connection:
            number = connection.execute(
                select(func.max(crawls.c.id))
                .join(collections, collections.c.id == crawls.c.collection_id)
                .where(collections.c.slug == collection, crawls.c.kind == "crawl")
            ).scalar()
        if number is None:
            raise NotFound(
                f"The collection “{collection}” has no crawl.", "Begin one.", command="“muniment crawl SEED” begins one."
            )
        return int(number)

    def seeds(self, crawl_id: int) -> list[tuple[int, Seed]]:
        """The seeds of a crawl with the numbers of their rows."""
        with reading(self._engine) as connection:
            return _seeds(connection, crawl_id)

    def redirects(self, crawl_id: int) -> dict[int, list[str]]:
        """Where the seeds of a crawl were redirected to, in the order of the hops."""
        columns = crawl_seeds.c
        with reading(self._engine) as connection:
            rows = connection.execute(select(columns.id, columns.redirects).where(columns.crawl_id == crawl_id))
            return {row[0]: row[1].split("\n") for row in rows if row[1]}

    def left(self, crawl_id: int) -> str:
        """Why a crawl ends that has nothing more to do: what queues still hold, and why that stays there."""
        columns = crawl_queues.c
        with reading(self._engine) as connection:
            rows = connection.execute(
                select(
                    columns.retired,
                    func.count(columns.host_id.distinct()),
                    func.sum(columns.pending),
                    func.min(columns.retired_reason),
                )
                .where(columns.crawl_id == crawl_id, columns.pending > 0, columns.retired != "")
                .group_by(columns.retired)
            ).all()
        return "; ".join(_left_in(*row) for row in sorted(rows, key=tuple)) or "everything in scope was fetched"

    # -- steer -------------------------------------------------------------------------------------------------------

    def begin_run(self, crawl_id: int) -> None:
        """A process begins to work on a crawl."""
        with writing(self._engine, durable=False) as connection:
            running = {"wanted": "run", "state": "running", "ended": "", "finished_at": None}
            connection.execute(update(crawls).where(crawls.c.id == crawl_id).values(**running))

    def want(self, crawl_id: int, wanted: str) -> None:
        """Tell the workers of a crawl to "run", "pause" or "stop"; they hear of it with their next commit."""
        with writing(self._engine) as connection:
            connection.execute(update(crawls).where(crawls.c.id == crawl_id).values(wanted=wanted))

    def set_state(self, crawl_id: int, state: str, ended: str = "") -> None:
        """Note where a crawl stands, and why."""
        finished = to_iso(self._clock()) if state in ("finished", "stopped") else None
        with writing(self._engine) as connection:
            connection.execute(
                update(crawls).where(crawls.c.id == crawl_id).values(state=state, ended=ended, finished_at=finished)
            )

    def change(self, crawl_id: int, plan: CrawlPlan) -> None:
        """Give a crawl another plan; running workers go by it from their next commit on.

        Queues that a limit had ended go on; URLs that the old scope refused are looked at again.
        """
        with writing(self._engine) as connection:
            old = plan_from_json(connection.execute(select(crawls.c.plan).where(crawls.c.id == crawl_id)).scalar_one())
            values: dict[str, Any] = {"plan": plan.to_json(), "plan_version": crawls.c.plan_version + 1}
            if replace(plan, limits=old.limits, pace=old.pace, login=old.login) != old or plan.limits.depth != old.limits.depth:
                values["reconsidered"] = 0
            connection.execute(update(crawls).where(crawls.c.id == crawl_id).values(values))
            _revive(connection, crawl_id, ("limit", "pages"))
            self._plant(connection, crawl_id, plan)

    def retry_failed(self, crawl_id: int) -> int:
        """Queue every URL again that failed, was cut, or was answered with a server's error; their number.

        Hosts that were given up are tried again, and those whose robots.txt could not be read; what waits for them counts.
        """
        columns = crawl_urls.c
        last = 0
        info = self.info(crawl_id)
        lanes = 1 if info.plan.pace.polite else info.plan.pace.host_connections
        intake = Intake(self._engine, crawl_id, lanes)
        number = self._given_up(crawl_id) + requeue_unread(
            self._engine,
            crawl_id,
            info.plan,
            self.seeds(crawl_id),
            self.redirects(crawl_id),
            lanes=lanes,
            now=self._clock().timestamp(),
        )
        spoilt = or_(columns.status >= 500, columns.status == 429, columns.failure.in_(MAY_PASS))
        failed = or_(columns.state == int(UrlState.FAILED), and_(columns.state == int(UrlState.CAPTURED), spoilt))
        while True:
            with writing(self._engine) as connection:
                rows = connection.execute(
                    select(*REQUEUED_COLUMNS)
                    .where(columns.crawl_id == crawl_id, columns.hash > last, failed)
                    .order_by(columns.hash)
                    .limit(_ROWS_AT_ONCE)
                ).all()
                ledger = Ledger()
                intake.requeue(connection, rows, ledger, self._clock().timestamp())
                ledger.write(connection, crawl_id, lambda table: insert_new(self._engine, table))
                if not rows:
                    _revive(connection, crawl_id, ("dead",))
                    return number
                number += len(rows)
                last = rows[-1][3]

    def _given_up(self, crawl_id: int) -> int:
        """URLs that wait for hosts which were given up."""
        columns = crawl_queues.c
        waiting = select(func.sum(columns.pending)).where(columns.crawl_id == crawl_id, columns.retired == "dead")
        with reading(self._engine) as connection:
            return int(connection.execute(waiting).scalar() or 0)

    # -- workers -----------------------------------------------------------------------------------------------------

    def register(self, crawl_id: int) -> int:
        """A row for this process as a worker; its number."""
        with writing(self._engine, durable=False) as connection:
            made = connection.execute(
                insert(crawl_workers).values(
                    crawl_id=crawl_id,
                    machine=socket.gethostname(),
                    pid=os.getpid(),
                    started=process_start(os.getpid()) or 0,
                    heartbeat=self._clock().timestamp(),
                )
            )
            return number_of_new(made)

    def abandon(self, worker_id: int) -> None:
        """A worker has ended and could not commit what it had done: it counts as lost, so that the next run looks for that."""
        with writing(self._engine) as connection:
            gone = update(crawl_workers).where(crawl_workers.c.id == worker_id)
            connection.execute(gone.values(machine="", pid=0, started=0, heartbeat=0))

    def dismiss(self, worker_id: int) -> None:
        """A worker has ended: its queues and its row go."""
        with writing(self._engine, durable=False) as connection:
            give_back(connection, (worker_id,))

    def lost(self, crawl_id: int) -> list[int]:
        """Workers of a crawl that are no more: killed, or not heard of for too long."""
        now = self._clock().timestamp()
        with reading(self._engine) as connection:
            rows = connection.execute(
                select(
                    crawl_workers.c.id,
                    crawl_workers.c.machine,
                    crawl_workers.c.pid,
                    crawl_workers.c.started,
                    crawl_workers.c.heartbeat,
                ).where(crawl_workers.c.crawl_id == crawl_id)
            ).all()
        return [row[0] for row in rows if not process_lives(row[1], row[2], row[3], now - row[4])]

    def refuse_second_run(self, crawl_id: int) -> None:
        """Make sure that no other process works on a crawl.

        Raises:
            Conflict: one does.
        """
        with reading(self._engine) as connection:
            workers = connection.execute(select(crawl_workers.c.id).where(crawl_workers.c.crawl_id == crawl_id)).scalars().all()
        if set(workers) - set(self.lost(crawl_id)):
            raise Conflict(
                f"Crawl {crawl_id} is being worked on.",
                "Its page shows how it goes.",
                command=f"“muniment crawl watch {crawl_id}” shows how it goes.",
            )


def _left_in(retired: str, hosts: int, urls: int, reason: str) -> str:
    """What queues hold that were ended for one kind of reason."""
    which = "1 host" if hosts == 1 else f"{hosts:,} hosts"
    rest = f"{urls:,} URL{'s are' if urls > 1 else ' is'} still queued"
    if retired == "pages":
        return f"{reason}; {rest}"
    if retired == "dead":
        return f"{which} given up, of which {rest}"
    return f"{which} gave all that one may, of which {rest}"


def process_start(pid: int) -> int | None:
    """When a process began, in the kernel's own count (proc(5), field 22 of stat); None when there is no such process.

    One that has ended and that nobody has asked after yet is none either: some containers never ask.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        return None if fields[0] in "ZX" else int(fields[19])
    except (OSError, ValueError, IndexError):
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return 0


def process_lives(machine: str, pid: int, started: int, silent: float) -> bool:
    """Whether a process is still there: looked for on this machine, by its last sign of life elsewhere.

    Args:
        machine, pid, started: as it noted them, see `process_start`.
        silent: seconds since its last sign of life.
    """
    if machine == socket.gethostname():
        now = process_start(pid)
        if now is None or (started and now and now != started):
            return False
        if now:
            return True  # it may be slow, but it is there
    return silent < HEARTBEAT_SECONDS


def _seeds(connection: Connection, crawl_id: int) -> list[tuple[int, Seed]]:
    rows = connection.execute(
        select(crawl_seeds.c.id, crawl_seeds.c.url, crawl_seeds.c.scope)
        .where(crawl_seeds.c.crawl_id == crawl_id)
        .order_by(crawl_seeds.c.id)
    )
    return [(row[0], Seed(parse_url(row[1]), ScopeKind(row[2]) if row[2] else None)) for row in rows]


def _revive(connection: Connection, crawl_id: int, retired: Sequence[str]) -> None:
    """Let queues go on that were ended for one of these reasons; what was known of dead hosts is forgotten."""
    columns = crawl_queues.c
    mine = and_(columns.crawl_id == crawl_id, columns.retired.in_(retired))
    if "dead" in retired:
        connection.execute(update(crawl_queues).where(mine).values(pace="", not_before=0, waits_for=""))
    connection.execute(
        update(crawl_queues).where(mine, columns.pending > 0, columns.worker_id.is_(None)).values(ready_at=columns.not_before)
    )
    connection.execute(update(crawl_queues).where(mine).values(retired="", retired_reason=""))
