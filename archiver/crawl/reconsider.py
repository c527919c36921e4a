"""Refused URLs that a change of plan lets in."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, select

from archiver.crawl.decision import Decision, UrlState, Verdict
from archiver.crawl.entries import Found
from archiver.crawl.hops import priority
from archiver.index.crawltables import crawl_hosts, crawl_urls
from archiver.model import Hop

#: States of URLs that a change of plan may let in.
MAY_BE_TAKEN = frozenset((UrlState.BLOCKED, UrlState.OUT_OF_SCOPE, UrlState.TRAPPED))

#: URLs that are looked at again with one commit.
_AT_ONCE = 2000

#: URL, hops, seed, why it was refused, how the page it was found on was taken → how it is taken now, or None.
Decide = Callable[[str, str, int, Verdict, Decision | None], Decision | None]


def taken_after_all(connection: Connection, crawl_id: int, after: int, decide: Decide) -> tuple[list[Found], int | None]:
    """The next URLs that were refused and are taken now.

    Args:
        connection: to the database.
        crawl_id: which crawl.
        after: hash of the last URL that was looked at again.
        decide: how a URL is taken now.

    Returns:
        They, and the hash of the last one that was looked at; None when there are no more.
    """
    columns, via = crawl_urls.c, crawl_urls.alias("via")
    rows = connection.execute(
        select(columns.id, columns.url, columns.hops, columns.seed_id, columns.hash, columns.slot, columns.kind,
               columns.via_id, crawl_hosts.c.host, columns.state, via.c.verdict, via.c.detail, columns.verdict)
        .join(crawl_hosts, crawl_hosts.c.id == columns.host_id)
        .outerjoin(via, via.c.id == columns.via_id)
        .where(columns.crawl_id == crawl_id, columns.hash > after)
        .order_by(columns.hash)
        .limit(_AT_ONCE)
    ).all()  # fmt: skip
    found = []
    for row in rows:
        if row[9] not in MAY_BE_TAKEN:
            continue
        taken_by = Decision(UrlState.QUEUED, Verdict(row[10]), row[11]) if row[10] else None
        decision = decide(row[1], row[2], row[3], Verdict(row[12]), taken_by)
        if decision is not None:
            weak = row[2].endswith(Hop.SPECULATIVE)
            found.append(Found(row[1], row[4], row[8], row[3], row[7], row[2], row[5], row[6], decision,
                               priority(row[2], weak=weak)))  # fmt: skip
    return found, rows[-1][4] if len(rows) == _AT_ONCE else None
