"""The queues of the frontier, one or some for each host: claimed by workers, read from their heads, searched for a URL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, select

from archiver.crawl.decision import Decision, UrlState, Verdict
from archiver.crawl.entries import PAGE_PRIORITY, REQUISITE_PRIORITY, RETRY_PRIORITY, Claimed, Entry
from archiver.crawl.hops import priority
from archiver.crawl.statements import (
    ADD_PENDING,
    EMPTY_QUEUE,
    ENTRIES,
    ENTRIES_BETWEEN,
    ENTRY_ANYWHERE,
    ENTRY_OF_HASH,
    FOLD_ENTRIES,
    HOPS_OF_HASH,
    READY,
    TAKE,
    WAKE,
)
from archiver.index.crawltables import crawl_hosts, crawl_queues, crawl_workers
from archiver.index.database import insert_new, reading

#: No priority is so late.
_LAST = 2**31 - 1
#: Attempts after which the place of a URL in its queue is looked for, and not computed.
_TRIES = 8
#: Seeds and where they lead have priorities as early as those of what pages need.
_SEEDS_AT_HEAD = 100


class Queues:
    """One worker's way to the queues of a crawl; for one thread.

    Args:
        engine: the archive's database.
        crawl_id: which crawl.
        worker_id: the row of this worker.
    """

    def __init__(self, engine: Engine, crawl_id: int, worker_id: int) -> None:
        self._engine = engine
        self._crawl = crawl_id
        self._worker = worker_id

    def share(self, connection: Connection, now: float, count: int, *, held: int, others: int) -> int:
        """How many of the queues that are ready a worker may take, so that others which have nothing get as many as it has.

        Args:
            connection: of the commit that it belongs to.
            now: seconds since 1970.
            count: queues at most.
            held: that it keeps.
            others: workers that have nothing.
        """
        some = {"crawl": self._crawl, "now": now, "count": (held + count) * (others + 1)}
        ready = int(connection.execute(READY, some).scalar_one())
        return max(0, min(count, -(-(held + ready) // (others + 1)) - held))

    def are_awaited(self) -> bool:
        """Whether another worker has nothing to do."""
        columns = crawl_workers.c
        some = select(columns.id).where(columns.crawl_id == self._crawl, columns.id != self._worker, columns.idle == 1).limit(1)
        with reading(self._engine) as connection:
            return connection.execute(some).first() is not None

    def claim(self, connection: Connection, now: float, count: int, *, entries: int, lanes: int) -> list[Claimed]:
        """Take queues whose time has come and that no worker holds, those first that have waited longest.

        Args:
            connection: of the commit that it belongs to.
            now: seconds since 1970.
            count: queues at most.
            entries: of each that are read at once.
            lanes: queues that a host may have; where it is one, those of its other lanes go into it.
        """
        columns = crawl_queues.c
        if count < 1:
            return []
        rows = connection.execute(
            select(
                columns.id,
                crawl_hosts.c.host,
                columns.pace,
                crawl_hosts.c.documents,
                crawl_hosts.c.bytes,
                columns.lane,
                columns.host_id,
                columns.pending,
            )
            .join(crawl_hosts, crawl_hosts.c.id == columns.host_id)
            .where(columns.crawl_id == self._crawl, columns.ready_at <= now)
            .order_by(columns.ready_at)
            .limit(count)
        ).all()
        if not rows:
            return []
        if lanes == 1:
            for row in rows:
                if row[5]:
                    self._fold(connection, row, now)
            rows = [row for row in rows if not row[5]]
        if not rows:
            return []
        connection.execute(TAKE, [{"queue": row[0], "me": self._worker} for row in rows])
        return [
            Claimed(row[0], row[1], row[2], tuple(self._entries(connection, row[0], entries)), row[3], row[4]) for row in rows
        ]

    def refill(self, queue_id: int, *, without: Collection[int], count: int) -> list[Entry]:
        """The next entries of a queue that this worker holds.

        Args:
            queue_id: which.
            without: url_ids that are in its hands already.
            count: how many.
        """
        with reading(self._engine) as connection:
            rows = self._entries(connection, queue_id, count + len(without))
            return [entry for entry in rows if entry.url_id not in without][:count]

    def requisites(self, queue_id: int, *, without: Collection[int], count: int) -> list[Entry]:
        """The next entries of a queue that are no pages, also those that are tried again; see `refill`."""
        with reading(self._engine) as connection:
            for low, high in ((0, PAGE_PRIORITY), (RETRY_PRIORITY, None)):
                some = {"queue": queue_id, "low": low, "high": high or _LAST, "count": count + len(without) + _SEEDS_AT_HEAD}
                entries = map(entry_of, connection.execute(ENTRIES_BETWEEN, some))
                found = [entry for entry in entries if entry.url_id not in without and not entry.is_page]
                if found:
                    return found[:count]
        return []

    def waiting(self, number: int) -> tuple[Entry, str | None, int | None] | None:
        """A queued URL by its hash, with file and offset of the record of its last attempt; None when it does not wait."""
        key = {"crawl": self._crawl, "number": number}
        with reading(self._engine) as connection:
            hops = connection.execute(HOPS_OF_HASH, key).scalar()
            if hops is None:
                return None
            places = {0, REQUISITE_PRIORITY, PAGE_PRIORITY, priority(hops), priority(hops, weak=True)}
            ranks = [place + times * RETRY_PRIORITY for place in places for times in range(_TRIES)]
            row = connection.execute(ENTRY_OF_HASH, {**key, "ranks": ranks}).first()
            if row is None:
                row = connection.execute(ENTRY_ANYWHERE, key).first()
        return (entry_of(row), row[-2], row[-1]) if row is not None else None

    def _fold(self, connection: Connection, row: Any, now: float) -> None:
        """Put a lane's entries into its host's one queue: hosts are spared since it was made."""
        queue_id, host_id, pending = row[0], row[6], row[7]
        connection.execute(insert_new(self._engine, crawl_queues), [{"crawl_id": self._crawl, "host_id": host_id, "lane": 0}])
        home = connection.execute(
            select(crawl_queues.c.id).where(crawl_queues.c.host_id == host_id, crawl_queues.c.lane == 0)
        ).scalar_one()
        connection.execute(FOLD_ENTRIES, {"queue": queue_id, "other": home})
        connection.execute(EMPTY_QUEUE, {"queue": queue_id})
        connection.execute(ADD_PENDING, {"queue": home, "more": pending})
        connection.execute(WAKE, {"queue": home, "now": now})

    def _entries(self, connection: Connection, queue_id: int, count: int) -> list[Entry]:
        return [entry_of(row) for row in connection.execute(ENTRIES, {"queue": queue_id, "count": count}).all()]


def entry_of(row: Sequence[Any]) -> Entry:
    """An entry from its row, see `ENTRIES`."""
    decision = Decision(UrlState.QUEUED, Verdict(row[6]), row[7])
    return Entry(
        row[0],
        row[1],
        row[2],
        row[3],
        row[4],
        row[5],
        decision,
        row[8],
        row[9],
        row[10],
        row[11],
        row[12],
        row[13],
        row[14],
    )
