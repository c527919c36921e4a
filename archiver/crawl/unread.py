"""Sites whose robots.txt could not be read are tried again: what was refused for that alone goes back into the queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Engine, delete, or_, select

from archiver.crawl.decision import Decision, UrlState, Verdict
from archiver.crawl.entries import SITEMAP_KINDS, Found
from archiver.crawl.hops import priority
from archiver.crawl.intake import Intake
from archiver.crawl.ledger import Ledger
from archiver.crawl.plan import CrawlPlan, Seed
from archiver.crawl.scope import Scope
from archiver.index.crawltables import crawl_hosts, crawl_robots, crawl_urls
from archiver.index.database import insert_new, writing
from archiver.model import Hop

#: Rows that are put back at once.
_ROWS_AT_ONCE = 1000


def requeue_unread(
    engine: Engine,
    crawl_id: int,
    plan: CrawlPlan,
    seeds: Sequence[tuple[int, Seed]],
    redirects: Mapping[int, Sequence[str]],
    *,
    lanes: int,
    now: float,
) -> int:
    """Queue what was refused because robots.txt could not be read; their number. The robots.txt itself is asked for anew.

    Args:
        engine: the archive's database.
        crawl_id: which crawl.
        plan, seeds, redirects: of the crawl; they say again why each URL is taken.
        lanes: queues a host.
        now: seconds since 1970.
    """
    scope, intake = Scope(plan, seeds, redirects=redirects), Intake(engine, crawl_id, lanes)
    number = last = 0
    while True:
        with writing(engine) as connection:
            _forget_unread(connection, crawl_id)
            found = _refused(connection, crawl_id, scope, last)
            taken = [item for item in found if item.decision.taken]
            ledger = Ledger()
            intake.add(connection, taken, ledger, now, anew=(UrlState.BLOCKED,))
            ledger.write(connection, crawl_id, lambda table: insert_new(engine, table))
        number += len(taken)
        if len(found) < _ROWS_AT_ONCE:
            return number
        last = found[-1].hash


def _forget_unread(connection: Connection, crawl_id: int) -> None:
    """What is kept of every robots.txt that was no answer, or one that forbids everything for now."""
    columns = crawl_robots.c
    is_unread = or_(columns.failure.is_not(None), columns.status.is_(None), columns.status >= 500, columns.status == 429)
    connection.execute(delete(crawl_robots).where(columns.crawl_id == crawl_id, is_unread))


def _refused(connection: Connection, crawl_id: int, scope: Scope, after: int) -> list[Found]:
    """Some of the URLs that were refused for this reason, by hash, each with what the scope says of it."""
    columns, via = crawl_urls.c, crawl_urls.alias("via")
    rows = connection.execute(
        select(columns.url, columns.hash, crawl_hosts.c.host, columns.seed_id, columns.via_id, columns.hops, columns.slot,
               columns.kind, via.c.verdict, via.c.detail)
        .join(crawl_hosts, crawl_hosts.c.id == columns.host_id)
        .outerjoin(via, via.c.id == columns.via_id)
        .where(columns.crawl_id == crawl_id, columns.hash > after, columns.state == int(UrlState.BLOCKED),
               columns.verdict == Verdict.ROBOTS_UNREACHABLE.value)
        .order_by(columns.hash)
        .limit(_ROWS_AT_ONCE)
    ).all()  # fmt: skip
    found = []
    for url, number, host, seed_id, via_id, hops, slot, kind, verdict, detail in rows:
        taken_by = Decision(UrlState.QUEUED, Verdict(verdict), detail) if verdict else None
        decision = scope.decide(url, hops=hops, seed_id=seed_id, via=taken_by, is_sitemap=kind in SITEMAP_KINDS)
        rank = priority(hops, weak=hops.endswith(Hop.SPECULATIVE))
        found.append(Found(url, number, host, seed_id, via_id, hops, slot, kind, decision, rank))
    return found
