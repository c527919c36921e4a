"""The hosts of a crawl, with their sums and what each of them waits for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Row, Select, and_, func, or_, select

from archiver.collections.reports import Sums, sums_of
from archiver.index.crawltables import crawl_hosts, crawl_queues
from archiver.index.database import reading

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class QueueState:
    """Where a host's queues stand.

    Attributes:
        in_flight: queues that a worker holds now.
        ready_at: seconds since 1970 from which on the next URL may be fetched; None when nothing waits.
        waits_for: why it waits, as the crawl noted it; "" for nothing but its turn.
        retired: "" or why nothing more is fetched from it, one word; `retired_reason` is the sentence.
    """

    in_flight: int = 0
    ready_at: float | None = None
    waits_for: str = ""
    retired: str = ""
    retired_reason: str = ""

    def words(self, now: float, queued: int, *, running: bool = True) -> str:
        """What goes on, for people; "" when there is nothing to say.

        Args:
            now: seconds since 1970.
            queued: URLs that wait.
            running: the crawl does; otherwise nothing goes on.
        """
        if self.retired:
            reason = self.retired_reason or self.retired
            return f"given up: {reason}" if self.retired == "dead" else reason
        if not running:
            return ""
        if self.in_flight:
            return "fetching"
        if not queued or self.ready_at is None:
            return ""
        wait = self.ready_at - now
        if wait <= 0:
            return "ready"
        return f"waits {wait:.0f} s: {self.waits_for}" if self.waits_for else f"waits {wait:.0f} s"


@dataclass(frozen=True, slots=True)
class HostRow:
    """A host that the crawl met."""

    host: str
    sums: Sums
    queue: QueueState


def hosts(engine: Engine, crawl: int, *, limit: int | None = None) -> Iterator[HostRow]:
    """The hosts of a crawl, most documents first; read as they are asked for."""
    statement = host_rows(crawl).order_by(crawl_hosts.c.documents.desc(), crawl_hosts.c.queued.desc(), crawl_hosts.c.host)
    with reading(engine) as connection:
        rows = connection.execution_options(yield_per=_AT_ONCE).execute(statement.limit(limit))
        yield from (host_row(row) for row in rows)


def host_page(engine: Engine, crawl: int, *, limit: int, after: tuple[int, str] | None = None, text: str = "") -> list[HostRow]:
    """So many hosts of a crawl, most documents first. What they wait for is read for those that are shown alone.

    Args:
        engine: the archive's database.
        crawl: its number.
        limit: hosts, at most.
        after: documents and name of the last host of the page before.
        text: that names of hosts must contain; "" for all.
    """
    columns = crawl_hosts.c
    wanted = select(columns.id).where(columns.crawl_id == crawl)
    if after is not None:
        documents, host = after
        wanted = wanted.where(or_(columns.documents < documents, and_(columns.documents == documents, columns.host > host)))
    if text:
        wanted = wanted.where(columns.host.contains(text.lower(), autoescape=True))
    order = (columns.documents.desc(), columns.host)
    with reading(engine) as connection:
        numbers = list(connection.execute(wanted.order_by(*order).limit(limit)).scalars())
        rows = connection.execute(host_rows(crawl, numbers).order_by(*order))
        return [host_row(row) for row in rows]


def host_rows(crawl: int, numbers: Sequence[int] | None = None) -> Select[Any]:
    """One row a host with its sums and its queues taken together; `numbers`: of these hosts alone."""
    queues = crawl_queues.c.crawl_id == crawl
    mine = crawl_hosts.c.crawl_id == crawl
    if numbers is not None:
        queues, mine = crawl_queues.c.host_id.in_(numbers), crawl_hosts.c.id.in_(numbers)
    queue = (
        select(
            crawl_queues.c.host_id,
            func.count(crawl_queues.c.worker_id).label("in_flight"),
            func.min(crawl_queues.c.ready_at).label("ready_at"),
            func.max(crawl_queues.c.waits_for).label("waits_for"),
            func.max(crawl_queues.c.retired).label("retired"),
            func.max(crawl_queues.c.retired_reason).label("retired_reason"),
        )
        .where(queues)
        .group_by(crawl_queues.c.host_id)
        .subquery()
    )
    return (
        select(crawl_hosts, *(queue.c[name] for name in ("in_flight", "ready_at", "waits_for", "retired", "retired_reason")))
        .outerjoin(queue, queue.c.host_id == crawl_hosts.c.id)
        .where(mine)
    )


def host_row(row: Row[Any]) -> HostRow:
    """A row of `host_rows` as a value."""
    state = QueueState(row.in_flight or 0, row.ready_at, row.waits_for or "", row.retired or "", row.retired_reason or "")
    return HostRow(row.host, sums_of(row), state)
