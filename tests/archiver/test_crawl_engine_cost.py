"""What a crawl costs when it is large: no statement reads a table through, nothing is kept for each URL."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from threading import Event
from typing import Any

import pytest
from sqlalchemy import event, func, select

from archiver.crawl.plan import Limits, Pace, RobotsMode, Rule, RuleAction, RuleMatch, ScopeKind
from archiver.crawl.supervise import recover
from archiver.crawl.worker import CrawlWorker
from archiver.index.crawltables import crawl_workers
from archiver.index.database import reading
from tests.archiver.crawling import FAST, Crawl, Site, Ticking, check, page, plan, text
from tests.conftest import OpenHoldings
from tests.servers.routes import Answer, Asked, Route

#: Tables that grow with the number of URLs or hosts.
LARGE = ("crawl_urls", "crawl_frontier", "crawl_hosts", "crawl_queues", "crawl_robots", "captures", "payloads", "validators")


def site(count: int) -> dict[str, Route]:
    routes: dict[str, Route] = {"/": page(*(f"/p{number}" for number in range(count)), "/elsewhere/x")}
    for number in range(count):
        routes[f"/p{number}"] = page(f"/p{(number * 7) % count}", embeds=(f"/i{number % 5}.png",), title=f"{number}")
    return routes | {f"/i{number}.png": text(f"{number}" * 400, "image/png") for number in range(5)}


def test_no_statement_of_a_crawl_reads_a_large_table_through(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    seen: dict[str, Any] = {}

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if re.match(r"\s*(SELECT|UPDATE|DELETE|WITH)", statement):
            seen.setdefault(statement, parameters[0] if many and parameters else parameters)

    event.listen(holdings.engine, "before_cursor_execute", note)
    with Site({**site(30), "/robots.txt": text("User-agent: *\nDisallow: /i4")}) as server:
        busy = text("busy", status=503)
        server.routes = {**server.routes, "/p3": busy}
        crawl = Crawl(holdings, plan(server.url(), pace=replace(FAST, retries=1), robots=RobotsMode.OBEY, sitemaps=True))
        fast = Ticking(100)
        crawl.run(fast=fast)
        crawl.control.retry_failed(crawl.number)
        block = Rule(RuleAction.BLOCK, RuleMatch.TEXT, "/p9")
        polite = Pace(factor=0, min_seconds=0.1, max_seconds=1)
        for change in (
            {"pace": polite},
            {"rules": (block,), "scope": ScopeKind.ANY},
            {"limits": Limits(pages=5, documents=50)},
        ):
            crawl.control.change(crawl.number, replace(crawl.control.info(crawl.number).plan, **change))
            crawl.run(fast=fast)
        again = Crawl(holdings, plan(server.url(), limits=Limits(pages=4, documents=25)))
        again.run()
        again.control.newest("default")
        lost = again.control.register(again.number)
        again.control.abandon(lost)
        recover(holdings, again.number, software="test/1")
    event.remove(holdings.engine, "before_cursor_execute", note)
    assert len(seen) > 40
    scans = []
    with reading(holdings.engine) as connection:
        for statement, parameters in seen.items():
            steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            for step in steps:
                if re.match(rf"SCAN ({'|'.join(LARGE)}|via)\b", step[3]) or (
                    "B-TREE FOR ORDER BY" in step[3] and "FROM crawl_urls" in statement
                ):
                    scans.append((step[3], " ".join(statement.split())[:600]))
    assert not scans


def test_a_worker_keeps_nothing_for_each_url(holdings_with: OpenHoldings, monkeypatch: pytest.MonkeyPatch) -> None:
    held: Counter[str] = Counter()
    commit = CrawlWorker.after_commit

    def noting(self: CrawlWorker, *given: Any) -> None:
        commit(self, *given)
        for queue in self.scheduler:
            held["in hand"] = max(held["in hand"], len(queue.in_hand))
            held["read"] = max(held["read"], len(queue.entries))
        held["heap"] = max(held["heap"], len(self.scheduler._ready))
        held["files"] = max(held["files"], len(self.outbox.ends))
        held["touched"] = max(held["touched"], len(self.keeper.touched))

    monkeypatch.setattr(CrawlWorker, "after_commit", noting)
    large = {path: answer if path == "/" else Answer(b"<p>" + path.encode() * 200) for path, answer in site(400).items()}
    with Site(large) as server:
        crawl = Crawl(holdings_with(warc_max_bytes=20_000, connections=4), plan(server.url(), guesses=False))
        crawl.run()
        rows = check(crawl)
    assert len(rows) > 400
    assert len(list(crawl.holdings.store.root.glob("*.gz"))) > 5
    assert held["in hand"] <= 64 and held["read"] <= 64 and held["heap"] <= 64 and held["touched"] <= 8
    assert held["files"] <= 4, held


@pytest.mark.parametrize("limits", [Limits(), Limits(documents=70)])
def test_two_workers_ask_for_nothing_twice(limits: Limits, holdings_with: OpenHoldings) -> None:
    holdings = holdings_with(connections=2)
    both_are_there = Event()

    def first(_: Asked) -> Answer:
        """The seed's answer comes when both workers are there: else one might be done before the other has begun."""
        while not both_are_there.wait(0.02):
            with reading(holdings.engine) as connection:
                if connection.execute(select(func.count()).select_from(crawl_workers)).scalar_one() == 2:
                    both_are_there.set()
        return pages["/"]

    pages = site(120)
    with Site({**pages, "/": first}) as server:
        crawl = Crawl(holdings, plan(server.url(), limits=limits))
        assert crawl.run(2).state == "finished"
        check(crawl)
        assert {path for path, count in Counter(server.paths).items() if count > 1} == set()
        assert len(server.asked) == (limits.documents or 128)
    if not limits.documents:  # a small limit may be all for the one that asks first
        assert len(list(crawl.holdings.store.root.glob("*.gz"))) == 2
