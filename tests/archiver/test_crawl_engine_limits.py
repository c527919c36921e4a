"""Crawls that end at their limits, and go on when these are raised."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace

import pytest

from archiver.crawl.decision import UrlState
from archiver.crawl.plan import Limits, RobotsMode, Traps
from tests.archiver.crawling import Crawl, Fallback, Site, Ticking, check, content, page, plan, text, until
from tests.conftest import OpenHoldings
from tests.servers.routes import Answer, Asked

TAKEN, QUEUED = UrlState.CAPTURED, UrlState.QUEUED


def many(count: int, size: int = 10) -> dict[str, Answer]:
    """A home page with links to so many others, each with a picture of its own."""
    routes = {"/": page(*(f"/p{number}" for number in range(count)), embeds=("/home.png",)), "/home.png": text("h" * size)}
    for number in range(count):
        routes[f"/p{number}"] = page(embeds=(f"/i{number}.png",), text=f"{number}" * size)
        routes[f"/i{number}.png"] = text(f"{number} " * size, "image/png")
    return routes


def raised(crawl: Crawl, **values: float) -> None:
    info = crawl.control.info(crawl.number)
    crawl.control.change(crawl.number, replace(info.plan, limits=replace(info.plan.limits, **values)))  # type: ignore[arg-type]


@pytest.mark.parametrize("robots", [RobotsMode.IGNORE, RobotsMode.OBEY])
def test_a_limit_of_documents_is_exact_and_can_be_raised(robots: RobotsMode, holdings_with: OpenHoldings) -> None:
    with Site(many(40)) as server:
        crawl = Crawl(holdings_with(), plan(server.url(), limits=Limits(documents=17), robots=robots))
        assert crawl.run().state == "finished"
        check(crawl)
        assert len(crawl.of(TAKEN)) == len(server.asked) == 17
        assert crawl.row().ended == "the limit of 17 documents was reached"
        raised(crawl, documents=30)
        crawl.run()
        check(crawl)
        assert len(crawl.of(TAKEN)) == len(server.asked) == 30
        raised(crawl, documents=0)
        crawl.run()
        check(crawl)
        assert not crawl.of(QUEUED)
        assert set(Counter(server.paths).values()) == {1}
        assert crawl.row().ended == "everything in scope was fetched"


def test_a_limit_of_documents_is_exact_with_two_workers_and_none_waits_for_ever(holdings_with: OpenHoldings) -> None:
    with Site(many(12)) as one, Site(many(40)) as two:
        crawl = Crawl(holdings_with(), plan(one.url(), two.url(), limits=Limits(documents=60)))
        assert crawl.run(2).state == "finished"
        check(crawl)
        assert len(crawl.of(TAKEN)) == len(one.asked) + len(two.asked) == 60


@pytest.mark.parametrize("connections", [1, 16])
def test_a_limit_of_pages_leaves_no_page_without_what_it_needs(connections: int, holdings_with: OpenHoldings) -> None:
    with Site(many(30)) as server:
        crawl = Crawl(holdings_with(connections=connections), plan(server.url(), limits=Limits(pages=8)))
        assert crawl.run().state == "finished"
        rows = check(crawl)
        assert len(server.asked) == 8 + 8 + 1  # and the icon
        for url in crawl.titles():
            number = url.partition("/p")[2]
            assert rows[server.url(f"/i{number}.png" if number else "/home.png")].state is TAKEN
        assert "8 pages" in crawl.row().ended
        raised(crawl, pages=20)
        crawl.run()
        check(crawl)
        assert len(server.asked) == 41
        assert "20 pages" in crawl.row().ended


def test_a_limit_of_depth_counts_links_and_can_be_raised(holdings_with: OpenHoldings) -> None:
    routes = {f"/{depth}": page(f"/{depth + 1}", embeds=(f"/{depth}.png",)) for depth in range(6)}
    routes |= {f"/{depth}.png": text(f"{depth}") for depth in range(6)}
    with Site(routes) as server:
        crawl = Crawl(holdings_with(), plan(server.url("/0"), limits=Limits(depth=2)))
        crawl.run()
        rows = check(crawl)
        assert set(server.paths) == {"/0", "/0.png", "/1", "/1.png", "/2", "/2.png"}
        assert (rows[server.url("/3")].verdict, rows[server.url("/3")].detail) == ("too-deep", "3 of 2")
        raised(crawl, depth=4)
        crawl.run()
        check(crawl)
        assert set(server.paths) == {f"/{depth}{kind}" for depth in range(5) for kind in ("", ".png")}


def test_a_limit_of_bytes_ends_a_crawl_soon(holdings_with: OpenHoldings) -> None:
    with Site(many(60, size=2000)) as server:
        crawl = Crawl(holdings_with(connections=2), plan(server.url(), limits=Limits(bytes=40_000)))
        assert crawl.run().state == "finished"
        rows = check(crawl)
        received = sum(row.length for row in rows.values() if row.state is TAKEN)
        assert 40_000 <= received < 60_000
        assert crawl.row().ended == "the limit of 40,000 bytes was reached"
        raised(crawl, bytes=80_000)
        crawl.run()
        rows = check(crawl)
        assert 80_000 <= sum(row.length for row in rows.values() if row.state is TAKEN) < 100_000


def test_a_limit_of_time_counts_running_time_only(holdings_with: OpenHoldings) -> None:
    fast = Ticking()
    with Site(many(60)) as server:
        crawl = Crawl(holdings_with(connections=1), plan(server.url(), limits=Limits(seconds=5)))
        assert crawl.run(fast=fast).state == "finished"
        check(crawl)
        assert 0 < len(server.asked) < 100
        assert crawl.row().ended == "the time limit of 5 s was reached"
        assert 5 <= crawl.row().seconds < 8
        before = len(server.asked)
        fast.seconds += 1000  # a break
        raised(crawl, seconds=10)
        crawl.run(fast=fast)
        check(crawl)
        assert before < len(server.asked)
        assert 10 <= crawl.row().seconds < 13


@pytest.mark.parametrize("limits", [Limits(host_documents=5), Limits(host_bytes=1000)])
def test_limits_of_a_host_are_for_each_host(limits: Limits, holdings_with: OpenHoldings) -> None:
    with Site(many(20)) as one, Site(many(20)) as two:
        crawl = Crawl(holdings_with(), plan(one.url(), two.url(), limits=limits))
        assert crawl.run().state == "finished"
        rows = check(crawl)
        for server in (one, two):
            mine = [row for row in rows.values() if row.url.startswith(server.url()) and row.state is TAKEN]
            if limits.host_documents:
                assert len(server.asked) == 5
            else:
                assert 1000 <= sum(row.length for row in mine) < 3000
        assert {queue.retired for queue in crawl.queues() if queue.pending} == {"limit"}
        assert "2 hosts" in crawl.row().ended and "queued" in crawl.row().ended
        raised(crawl, host_documents=0, host_bytes=0)
        crawl.run()
        check(crawl)
        assert not crawl.of(QUEUED)
        assert crawl.row().ended == "everything in scope was fetched"


def test_a_long_document_is_cut_and_says_so(holdings_with: OpenHoldings) -> None:
    routes = {"/": page("/long", "/short"), "/long": text("x" * 50_000), "/short": text("s")}
    with Site(routes) as server:
        crawl = Crawl(holdings_with(), plan(server.url(), limits=Limits(resource_bytes=10_000)))
        assert crawl.run().state == "finished"
        rows = check(crawl)
    long = rows[server.url("/long")]
    assert long.state is TAKEN and long.failure == "too-large" and long.reason
    assert 0 < len(content(crawl.holdings, long)) <= 10_000
    assert rows[server.url("/short")].failure is None
    data = b"".join(_unzipped(path) for path in crawl.holdings.store.root.glob("*.gz"))
    assert data.count(b"WARC-Truncated: length") == 1


def _unzipped(path: object) -> bytes:
    import gzip

    with gzip.open(path) as stream:  # type: ignore[call-overload]
        return stream.read()  # type: ignore[no-any-return]


def test_a_disk_that_fills_pauses_the_crawl_until_there_is_room(
    holdings_with: OpenHoldings, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    free = [10**12]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=free[0]))

    def filling(asked: Asked) -> Answer:
        free[0] = 10**6
        return page("/late")

    fast = Ticking()
    with Site({"/": page("/fills"), "/fills": filling, "/late": page()}) as server:
        crawl = Crawl(holdings_with(), plan(server.url(), limits=Limits(free_bytes=10**9)))
        crawl.begin(fast=fast)
        until(lambda: crawl.row().state == "paused")
        assert "free on the disk" in crawl.row().ended
        assert "/late" not in server.paths
        free[0] = 10**12
        crawl.control.want(crawl.number, "run")
        assert crawl.join().state == "finished"
        check(crawl)
        assert "/late" in server.paths


def test_an_endless_calendar_and_other_traps_end_by_themselves(holdings_with: OpenHoldings) -> None:
    def calendar(asked: Asked) -> Answer:
        year, month = int(asked.path[10:14]), int(asked.path[15:17])
        later, earlier = (year, month + 1) if month < 12 else (year + 1, 1), (year, month - 1) if month > 1 else (year - 1, 12)
        return page(*(f"/calendar/{one:04d}/{two:02d}" for one, two in (later, earlier)), text=asked.path)

    def deeper(asked: Asked) -> Answer:
        return page(f"{asked.path}a/", f"{asked.path}b/", text=asked.path)

    def other(asked: Asked) -> Answer:
        if asked.path.startswith("/calendar/"):
            return calendar(asked)
        if asked.path.startswith("/t/"):
            return deeper(asked)
        if asked.path.startswith("/q"):
            return page(f"/q?n={len(server.asked)}", text=asked.path)
        return page(f"/s?sid={len(server.asked):032x}", text=asked.path)

    with Site({}) as server:
        server.routes = Fallback(
            other, {"/": page("/calendar/2026/11", "/t/", "/q?n=1", "/s?sid=0123456789abcdef0123456789abcdef")}
        )
        traps = Traps(segment_repeats=2, query_variants=20, calendar_years=1)
        crawl = Crawl(holdings_with(), plan(server.url(), traps=traps, limits=Limits(documents=2000)))
        assert crawl.run().state == "finished"
        rows = check(crawl)
        counts = Counter(path.strip("/")[:1] for path in server.paths)
    assert 20 <= counts["c"] <= 60
    assert 2 <= counts["t"] <= 40
    assert counts["q"] == 20
    assert counts["s"] <= 3
    refused = Counter(row.verdict for row in rows.values() if row.state is UrlState.TRAPPED)
    assert {"calendar", "repeated-segment", "query-variants"} <= set(refused)
    assert all(row.detail for row in rows.values() if row.state is UrlState.TRAPPED)
