"""The frontier in the database: every URL met once, a queue a host, and commits that are whole or not at all.

A worker claims queues, takes their first entries into memory, fetches, and commits everything that came of it in one
transaction. A killed worker leaves its queues claimed and its uncommitted entries in them; `give_back` frees them. Nothing
here reads more rows than it returns, however many wait.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection, Engine, and_, bindparam, delete, func, insert, select, update

from archiver.crawl.entries import Batch, Claimed, Committed, Control, RobotsFile, Totals
from archiver.crawl.intake import Intake
from archiver.crawl.ledger import Ledger
from archiver.crawl.limits import share
from archiver.crawl.plan import Limits
from archiver.crawl.queues import Queues
from archiver.crawl.reconsider import MAY_BE_TAKEN, Decide, taken_after_all
from archiver.crawl.statements import ADD_REDIRECT, COMMIT_FILE, NEWS, RELEASE, RELEASE_ALL, UPDATE_QUEUE
from archiver.index.crawltables import crawl_counts, crawl_files, crawl_queues, crawl_robots, crawl_workers
from archiver.index.database import insert_new, reading, writing
from archiver.index.tables import crawls, pages
from archiver.timestamps import parse_timestamp, to_iso

#: Seconds in which the other workers of a crawl come, after the first.
_ARRIVAL_SECONDS = 2.0


class Frontier:
    """One worker's way to the frontier of a crawl; for one thread.

    Args:
        engine: the archive's database.
        crawl_id: which crawl.
        worker_id: the row of this worker.
        lanes: queues a host; 1 when hosts are spared.
        team: workers of the crawl that were begun together: their share is left to those that are not there yet.

    Attributes:
        queues: of the crawl, to read on in them.
    """

    def __init__(self, engine: Engine, crawl_id: int, worker_id: int, *, lanes: int = 1, team: int = 1) -> None:
        self._engine = engine
        self._crawl = crawl_id
        self._worker = worker_id
        self._awaited = team - 1
        self._awaited_until: float | None = None
        self._intake = Intake(engine, crawl_id, lanes)
        self.queues = Queues(engine, crawl_id, worker_id)

    # -- one commit --------------------------------------------------------------------------------------------------

    def commit(
        self,
        batch: Batch,
        *,
        now: float,
        limits: Limits,
        claim: int = 0,
        held: int = 0,
        entries: int = 4,
        in_hand: tuple[int, int] = (0, 0),
        wanted: int = 64,
        idle: bool = False,
        seconds: float = 0.0,
        within: Callable[[Connection], None] | None = None,
    ) -> Committed:
        """Write a batch, then claim queues; one transaction.

        Args:
            batch: what was done.
            now: seconds since 1970.
            limits: of the crawl.
            claim: queues wanted, at most: what is ready is shared with workers that have nothing.
            held: queues that this worker keeps.
            entries: of each claimed queue that are read at once.
            in_hand: (documents, pages) that are being fetched right now.
            wanted: documents that this worker could begin before its next commit.
            idle: this worker has nothing to do, unless it gets something now.
            seconds: running time to add to the crawl's.
            within: writes what else belongs to the transaction.

        Raises:
            StorageFailed: the database did not take it; nothing was written.
        """
        is_worth_waiting = bool(batch or batch.extra or batch.again or batch.pages or batch.redirects)
        with writing(self._engine, durable=is_worth_waiting) as connection:
            control = self._control(connection)
            ledger = Ledger()
            self._intake.finish(connection, batch.finished, ledger)
            self._update_queues(connection, batch)
            self._intake.add(connection, batch.found, ledger, now)
            self._intake.record(connection, batch.extra, ledger)
            if batch.again:
                self._intake.requeue_once(connection, batch.again, ledger, now)
            self._write_rest(connection, batch)
            ledger.write(connection, self._crawl, lambda table: insert_new(self._engine, table))
            if seconds:
                connection.execute(update(crawls).where(crawls.c.id == self._crawl).values(seconds=crawls.c.seconds + seconds))
            if within is not None:
                within(connection)
            totals = self._totals(connection)
            reached = bool(limits.documents) and totals.documents >= limits.documents
            others = self._others(connection)
            claimed: Sequence[Claimed] = ()
            if claim > 0 and control.wanted == "run" and not reached:
                if sharing := sum(others.values()) + self._missing(len(others), now):
                    claim = self.queues.share(connection, now, claim, held=held, others=sharing)
                claimed = self.queues.claim(connection, now, claim, entries=entries, lanes=self.lanes)
            idle = idle and not claimed
            self._beat(connection, now, idle)
            documents_left, pages_left = self._grant(connection, limits, totals, in_hand, 0 if idle else wanted)
            return self._answer(connection, control, totals, documents_left, pages_left, reached, claimed, others)

    def has_news(self, now: float) -> bool:
        """Whether a commit might bring something to a worker that has nothing: queues, or the end. A look costs little."""
        looked = {"crawl": self._crawl, "me": self._worker, "now": now}
        with reading(self._engine) as connection:
            ready, busy = connection.execute(NEWS, looked).one()
        return bool(ready or not busy)

    def _others(self, connection: Connection) -> dict[int, int]:
        """The crawl's other workers, each with whether it has nothing to do."""
        columns = crawl_workers.c
        rows = connection.execute(
            select(columns.id, columns.idle).where(columns.crawl_id == self._crawl, columns.id != self._worker)
        )
        return {row[0]: row[1] for row in rows}

    def _missing(self, others: int, now: float) -> int:
        """Workers that were begun together with this one and are not there yet."""
        if self._awaited_until is None:
            self._awaited_until = now + _ARRIVAL_SECONDS
        if others >= self._awaited or now >= self._awaited_until:
            self._awaited = 0
        return max(0, self._awaited - others)

    def _control(self, connection: Connection) -> Control:
        """The crawl's row, locked where the engine locks rows: commits of one crawl follow each other."""
        row = connection.execute(
            select(crawls.c.state, crawls.c.wanted, crawls.c.plan_version, crawls.c.reconsidered)
            .where(crawls.c.id == self._crawl)
            .with_for_update()
        ).one()
        return Control(row[0], row[1] or "run", row[2], row[3])

    def _totals(self, connection: Connection) -> Totals:
        row = connection.execute(
            select(crawl_counts.c.pages, crawl_counts.c.documents, crawl_counts.c.bytes, crawls.c.seconds)
            .select_from(crawls.outerjoin(crawl_counts, and_(crawl_counts.c.crawl_id == crawls.c.id,
                                                             crawl_counts.c.dimension == "total")))
            .where(crawls.c.id == self._crawl)
        ).one()  # fmt: skip
        return Totals(row[0] or 0, row[1] or 0, row[2] or 0, row[3] or 0.0)

    def _grant(
        self, connection: Connection, limits: Limits, totals: Totals, in_hand: tuple[int, int], wanted: int
    ) -> tuple[int | None, int | None]:
        """How many documents and pages this worker may begin; noted, so that all workers together never pass the limits."""
        if not (limits.documents or limits.pages):
            return None, None
        others = connection.execute(
            select(
                func.coalesce(func.sum(crawl_workers.c.documents_granted), 0),
                func.coalesce(func.sum(crawl_workers.c.pages_granted), 0),
                func.coalesce(func.sum(1 - crawl_workers.c.idle), 0),
            ).where(crawl_workers.c.crawl_id == self._crawl, crawl_workers.c.id != self._worker)
        ).one()
        documents, pages = (
            share(limit, total, others_granted=int(theirs), others_working=int(others[2]), in_hand=mine, wanted=wanted)
            for limit, total, theirs, mine in (
                (limits.documents, totals.documents, others[0], in_hand[0]),
                (limits.pages, totals.pages, others[1], in_hand[1]),
            )
        )
        connection.execute(
            update(crawl_workers)
            .where(crawl_workers.c.id == self._worker)
            .values(documents_granted=in_hand[0] + (documents or 0), pages_granted=in_hand[1] + (pages or 0))
        )
        return documents, pages

    def _beat(self, connection: Connection, now: float, idle: bool) -> None:
        connection.execute(
            update(crawl_workers).where(crawl_workers.c.id == self._worker).values(heartbeat=now, idle=int(idle))
        )

    def _answer(
        self,
        connection: Connection,
        control: Control,
        totals: Totals,
        documents_left: int | None,
        pages_left: int | None,
        reached: bool,
        claimed: Sequence[Claimed],
        others: Mapping[int, int],
    ) -> Committed:
        next_ready = connection.execute(
            select(crawl_queues.c.ready_at)
            .where(crawl_queues.c.crawl_id == self._crawl, crawl_queues.c.ready_at.is_not(None))
            .order_by(crawl_queues.c.ready_at)
            .limit(1)
        ).scalar()
        busy = any(
            connection.execute(select(crawl_queues.c.id).where(crawl_queues.c.worker_id == other).limit(1)).first()
            for other in others
        )
        return Committed(
            control,
            totals,
            documents_left,
            pages_left,
            reached,
            claimed,
            len(others),
            sum(others.values()),
            next_ready,
            busy,
        )

    # -- what else belongs to a commit ------------------------------------------------------------------------------------

    def _write_rest(self, connection: Connection, batch: Batch) -> None:
        if batch.robots:
            rows = [
                {"origin": item.origin, "fetched_at": item.fetched_at, "status": item.status, "failure": item.failure,
                 "body": item.body, "crawl_id": self._crawl}
                for item in batch.robots
            ]  # fmt: skip
            connection.execute(
                delete(crawl_robots).where(crawl_robots.c.crawl_id == self._crawl, crawl_robots.c.origin == bindparam("o")),
                [{"o": row["origin"]} for row in rows],
            )
            connection.execute(insert_new(self._engine, crawl_robots), rows)
        if batch.pages:
            collection = connection.execute(select(crawls.c.collection_id).where(crawls.c.id == self._crawl)).scalar_one()
            connection.execute(
                insert(pages),
                [
                    {"crawl_id": self._crawl, "collection_id": collection, "url": page.url, "final_url": page.url,
                     "timestamp": int(page.timestamp), "title": page.title, "interrupted": 0,
                     "started_at": to_iso(parse_timestamp(page.timestamp)), "seconds": f"{page.seconds:.3f}"}
                    for page in batch.pages
                ],
            )  # fmt: skip
        if batch.redirects:
            connection.execute(ADD_REDIRECT, [{"seed": seed, "target": url} for seed, url in batch.redirects])
            # The scope is wider now: every worker is to hear of it.
            connection.execute(update(crawls).where(crawls.c.id == self._crawl).values(plan_version=crawls.c.plan_version + 1))
        if batch.files:
            connection.execute(
                COMMIT_FILE,
                [{"file": name, "end": end, "done": int(done)} for name, (end, done) in batch.files.items()],
            )

    def _update_queues(self, connection: Connection, batch: Batch) -> None:
        if batch.queues:
            rows = [
                {"queue": item.queue_id, "state": item.pace, "rest": item.not_before, "why": item.waits_for,
                 "code": item.retired, "because": item.retired_reason}
                for item in sorted(batch.queues.values(), key=lambda item: item.queue_id)
            ]  # fmt: skip
            connection.execute(UPDATE_QUEUE, rows)
            released = [{"queue": item.queue_id} for item in batch.queues.values() if item.release]
            if released:
                connection.execute(RELEASE, released)

    # -- beside commits ----------------------------------------------------------------------------------------------

    def robots(self, origin: str) -> RobotsFile | None:
        """The robots.txt of an origin as this crawl has it; None when it was not asked for."""
        columns = crawl_robots.c
        statement = select(columns.fetched_at, columns.status, columns.failure, columns.body)
        with reading(self._engine) as connection:
            row = connection.execute(statement.where(columns.crawl_id == self._crawl, columns.origin == origin)).first()
        return RobotsFile(origin, row[0], row[1], row[2], row[3]) if row else None

    @property
    def lanes(self) -> int:
        """Queues a host."""
        return self._intake.lanes

    @lanes.setter
    def lanes(self, lanes: int) -> None:
        self._intake.lanes = lanes

    def begin_file(self, name: str) -> None:
        """A WARC file of this worker begins: should it be killed before its next commit, what is in there is looked for."""
        row = {"name": name, "crawl_id": self._crawl, "worker_id": self._worker, "committed": 0}
        with writing(self._engine) as connection:
            connection.execute(insert_new(self._engine, crawl_files), [row])

    def finish_files(self, names: Sequence[str]) -> None:
        """WARC files of this worker have their final names, and everything in them is committed."""
        if names:
            with writing(self._engine, durable=False) as connection:
                connection.execute(update(crawl_files).where(crawl_files.c.name.in_(names)).values(finished=1))

    def reconsider(self, decide: Decide, now: float) -> None:
        """Look at some more refused URLs again, after a change of scope.

        Args:
            decide: how a URL is taken now.
            now: seconds since 1970.
        """
        with writing(self._engine) as connection:
            after = self._control(connection).reconsidered
            if after is None:
                return
            found, cursor = taken_after_all(connection, self._crawl, after, decide)
            ledger = Ledger()
            self._intake.add(connection, found, ledger, now, anew=MAY_BE_TAKEN)
            ledger.write(connection, self._crawl, lambda table: insert_new(self._engine, table))
            connection.execute(update(crawls).where(crawls.c.id == self._crawl).values(reconsidered=cursor))


def give_back(connection: Connection, workers: Sequence[int]) -> None:
    """Free the queues and the grants of workers that are no more."""
    for worker in workers:
        connection.execute(RELEASE_ALL, {"worker": worker})
        connection.execute(delete(crawl_workers).where(crawl_workers.c.id == worker))


__all__ = ["Frontier", "give_back"]
