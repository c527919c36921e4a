"""The same crawl with PostgreSQL in the place of SQLite: begun, changed, resumed, by one process and by two."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from archiver.crawl.decision import UrlState
from archiver.crawl.plan import Limits, RobotsMode, Rule, RuleAction, RuleMatch
from archiver.crawl.supervise import recover
from tests.archiver.crawling import FAST, Crawl, Site, Ticking, check, page, plan, text
from tests.conftest import OpenHoldings
from tests.servers.postgresql import PostgreSQL
from tests.servers.routes import Answer, Route


@pytest.fixture(scope="module")
def database(postgresql: PostgreSQL) -> str:
    """A PostgreSQL database of this module's own; its URL."""
    return postgresql.new_archive()


def test_a_crawl_with_postgresql(database: str, holdings_with: OpenHoldings) -> None:
    routes: dict[str, Route] = {"/": page(*(f"/p{number}" for number in range(15)), "/odd", "/busy")}
    routes |= {f"/p{number}": page(f"/q{number}", embeds=(f"/i{number % 3}.png",)) for number in range(15)}
    routes |= {f"/q{number}": page(f"{number}", title=f"{number}") for number in range(15)}
    routes |= {f"/i{number}.png": text(f"{number}" * 400, "image/png") for number in range(3)}
    routes["/odd"] = Answer(b"<title>\x00 &#xD800; \xff</title><a href='/x\x00y'>", "text/html; charset=\x00")
    routes["/busy"] = text("busy", "te\x00xt/plain", 503)
    routes["/robots.txt"] = text("User-agent: *\n\x00\nDisallow: /p9\n\xff")
    holdings = holdings_with(database=database)
    with Site(routes) as server:
        planned = plan(server.url(), pace=replace(FAST, retries=1), robots=RobotsMode.OBEY, limits=Limits(documents=20))
        crawl, fast = Crawl(holdings, planned), Ticking(100)
        assert crawl.run(fast=fast).state == "finished"
        check(crawl)
        assert len(crawl.of(UrlState.CAPTURED)) == 20
        block = Rule(RuleAction.BLOCK, RuleMatch.TEXT, "/q7")
        crawl.control.change(crawl.number, replace(planned, rules=(block,), limits=Limits(free_bytes=0)))
        assert crawl.control.retry_failed(crawl.number) in (0, 1)
        crawl.run(fast=fast)
        rows = check(crawl)
        assert rows[server.url("/p9")].verdict == "robots"
        assert not crawl.of(UrlState.QUEUED)
        crawl.control.abandon(crawl.control.register(crawl.number))
        assert recover(holdings, crawl.number, software="test/1").workers == 1
        server.asked.clear()
        server.routes = {**routes, "/busy": page()}
        both = Crawl(holdings, plan(server.url()))
        assert both.run(2).state == "finished"
        rows = check(both)
        assert max(Counter(server.paths).values()) == 1
    assert sum(row.is_new == 0 for row in rows.values() if row.state is UrlState.CAPTURED) >= 3
