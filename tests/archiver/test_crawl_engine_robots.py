"""robots.txt and sitemaps, as whole crawls heed them."""

from __future__ import annotations

import gzip
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from archiver.crawl.decision import UrlState
from archiver.crawl.plan import Limits, Pace, RobotsMode, ScopeKind, Seed
from tests.archiver.crawling import Crawl, Row, Site, Ticking, check, leads_to, page, plan, text
from tests.conftest import OpenHoldings
from tests.servers.routes import Answer, Asked, Route

BLOCKED = UrlState.BLOCKED

SITE: dict[str, Route] = {
    "/": page("/open", "/closed/a", embeds=("/closed/i.png",)),
    "/open": page(),
    "/closed/a": page(),
    "/closed/i.png": text("i"),
}


def crawled(holdings: OpenHoldings, server: Site, fast: Ticking | None = None, **values: object) -> dict[str, Row]:
    crawl = Crawl(holdings(), plan(server.url(), robots=values.pop("robots", RobotsMode.OBEY), **values))
    assert crawl.run(fast=fast).state == "finished"
    return check(crawl)


@pytest.mark.parametrize(
    ("mode", "asked"),
    [
        (RobotsMode.OBEY, {"/robots.txt", "/", "/open"}),
        (RobotsMode.REQUISITES, {"/robots.txt", "/", "/open", "/closed/i.png"}),
        (RobotsMode.IGNORE, {"/", "/open", "/closed/a", "/closed/i.png"}),
    ],
)
def test_what_robots_txt_forbids_is_left_with_the_rule_that_did(
    mode: RobotsMode, asked: set[str], holdings_with: OpenHoldings
) -> None:
    with Site({**SITE, "/robots.txt": text("User-agent: *\nDisallow: /closed/\n")}) as server:
        rows = crawled(holdings_with, server, robots=mode)
        assert Counter(server.paths) == Counter(asked)
    if mode is not RobotsMode.IGNORE:
        closed = rows[server.url("/closed/a")]
        assert (closed.state, closed.verdict, closed.detail) == (BLOCKED, "robots", "Disallow: /closed/")
        assert closed.attempts == 0
        robots = rows[server.url("/robots.txt")]
        assert (robots.verdict, robots.hops, robots.state) == ("prerequisite", "P", UrlState.CAPTURED)


def test_a_change_of_mind_about_robots_txt_lets_in_what_it_kept_out(holdings_with: OpenHoldings) -> None:
    with Site({**SITE, "/robots.txt": text("User-agent: *\nDisallow: /closed/\n")}) as server:
        crawl = Crawl(holdings_with(), plan(server.url(), robots=RobotsMode.OBEY))
        crawl.run()
        crawl.control.change(crawl.number, replace(crawl.control.info(crawl.number).plan, robots=RobotsMode.REQUISITES))
        crawl.run()
        check(crawl)
        assert "/closed/i.png" in server.paths and "/closed/a" not in server.paths
        crawl.control.change(crawl.number, replace(crawl.control.info(crawl.number).plan, robots=RobotsMode.IGNORE))
        crawl.run()
        rows = check(crawl)
        assert not [row for row in rows.values() if row.state is BLOCKED]
        assert set(Counter(server.paths).values()) == {1}


@pytest.mark.parametrize(
    ("robots", "is_open"),
    [
        (text("", status=404), True),
        (text("", status=403), True),
        (text("gone wrong", status=500), False),
        (text(b"\x00\xff\xfe" * 1000, "application/octet-stream"), True),
        (text("User-agent: *\nDisallow: /closed/\n" + "# much\n" * 200_000), True),
        (leads_to("/other.txt"), True),
        (leads_to("/robots.txt"), True),
        (Answer(status=302), True),
    ],
)
def test_robots_txt_that_is_odd(robots: Answer, is_open: bool, holdings_with: OpenHoldings) -> None:
    routes = {**SITE, "/robots.txt": robots, "/other.txt": text("User-agent: *\nDisallow: /closed/")}
    with Site(routes) as server:
        rows = crawled(holdings_with, server, Ticking())
    seed = rows[server.url()]
    assert seed.state is (UrlState.CAPTURED if is_open else BLOCKED)
    if not is_open:
        assert seed.verdict == "robots-unreachable" and "500" in seed.detail
        assert server.paths.count("/robots.txt") == 3
    elif len(robots.body) > 1_000_000 or "/other.txt" in server.paths:
        assert rows[server.url("/closed/a")].verdict == "robots"


def test_robots_txt_behind_a_redirect_to_another_host_belongs_to_that_host(holdings_with: OpenHoldings) -> None:
    with Site({"/r": text("User-agent: *\nDisallow: /closed/")}) as other, Site({}) as server:
        server.routes = {**SITE, "/robots.txt": leads_to(other.url("/r"))}
        rows = crawled(holdings_with, server)
    assert rows[server.url("/closed/a")].verdict == "robots"
    assert rows[other.url("/r")].hops == "PR"


def test_a_host_that_cannot_be_reached_is_given_up_and_the_crawl_ends(holdings_with: OpenHoldings) -> None:
    with Site({}) as gone:
        dead = gone.url("/x")
    fast = Ticking()
    with Site({"/": page(embeds=(dead, f"{dead}2"))}) as server:
        crawl = Crawl(holdings_with(), plan(server.url(), robots=RobotsMode.OBEY))
        assert crawl.run(fast=fast).state == "finished"
        rows = check(crawl)
    assert {rows[url].state for url in (dead, f"{dead}2")} == {UrlState.QUEUED}
    assert "given up" in crawl.row().ended
    assert rows[server.url()].state is UrlState.CAPTURED


def test_a_site_whose_robots_txt_could_not_be_read_is_tried_again_when_asked(holdings_with: OpenHoldings) -> None:
    broken, fast = [True], Ticking(30)

    def robots(asked: Asked) -> Answer:
        return text("oops", status=500) if broken[0] else text("User-agent: *\nDisallow: /no\n")

    with Site({"/robots.txt": robots, "/": page("/a", "/no"), "/a": page()}) as server:
        crawl = Crawl(holdings_with(), plan(server.url(), robots=RobotsMode.OBEY))
        crawl.run(fast=fast)
        assert crawl.rows()[server.url()].verdict == "robots-unreachable"
        assert crawl.control.retry_failed(crawl.number) == 2  # and robots.txt itself
        check(crawl)
        broken[0] = False
        asked = len(server.asked)
        assert crawl.run(fast=fast).state == "finished"
        rows = check(crawl)
        assert server.paths[asked] == "/robots.txt"
        assert {(rows[server.url(path)].state.name, rows[server.url(path)].verdict) for path in ("/", "/a", "/no")} == {
            ("CAPTURED", "seed"),
            ("CAPTURED", "in-scope"),
            ("BLOCKED", "robots"),
        }
        assert crawl.control.retry_failed(crawl.number) == 0  # what robots.txt forbids stays out


def test_crawl_delay_is_kept(holdings_with: OpenHoldings) -> None:
    fast = Ticking(step=30)
    moments: list[float] = []

    def noted(asked: Asked) -> Answer:
        moments.append(fast.moment.timestamp())
        return page("/a", "/b", "/c")

    routes: dict[str, Route] = {"/robots.txt": text("User-agent: *\nCrawl-delay: 40")}
    with Site({**routes, "/": noted, "/a": noted, "/b": noted, "/c": noted}) as server:
        crawled(holdings_with, server, fast, pace=Pace(factor=0, min_seconds=0.1, max_seconds=1))
        assert Counter(server.paths) == Counter(["/robots.txt", "/", "/a", "/b", "/c"])
    assert all(later - earlier >= 40 for earlier, later in pairwise(moments))


URLSET = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{}</urlset>'
INDEX = '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{}</sitemapindex>'


def mapped(server: Site, *paths: str) -> str:
    return URLSET.format("".join(f"<url><loc>{server.url(path)}</loc></url>" for path in paths))


@pytest.mark.parametrize("robots", [RobotsMode.OBEY, RobotsMode.IGNORE])
def test_the_usual_sitemap_is_followed(robots: RobotsMode, holdings_with: OpenHoldings) -> None:
    with Site({}) as server:
        server.routes = {"/": page(), "/sitemap.xml": text(mapped(server, "/hidden"), "text/xml"), "/hidden": page()}
        rows = crawled(holdings_with, server, sitemaps=True, robots=robots)
    assert rows[server.url("/hidden")].state is UrlState.CAPTURED
    assert rows[server.url("/sitemap.xml")].verdict == "sitemap"


def test_sitemaps_of_robots_txt_are_followed_through_their_indexes(holdings_with: OpenHoldings) -> None:
    with Site({}) as server:
        places = "".join(f"<sitemap><loc>{server.url(path)}</loc></sitemap>" for path in ("/maps/a.xml.gz", "/maps/b.xml"))
        server.routes = {
            "/robots.txt": text(f"Sitemap: {server.url('/maps/index.xml')}\n"),
            "/": page(),
            "/maps/index.xml": text(INDEX.format(places), "application/xml"),
            "/maps/a.xml.gz": text(gzip.compress(mapped(server, "/a").encode()), "application/gzip"),
            "/maps/b.xml": text(mapped(server, "/b"), "application/xml"),
            "/a": page(),
            "/b": page("/c"),
            "/c": page(),
        }
        rows = crawled(holdings_with, server, sitemaps=True)
        assert Counter(server.paths) == Counter(dict.fromkeys(server.routes, 1))
    assert rows[server.url("/b")].kind == "sitemap"


def test_pages_of_sitemaps_count_as_pages_and_the_sitemaps_do_not(holdings_with: OpenHoldings) -> None:
    with Site({}) as server:
        paths = [f"/p{number}" for number in range(20)]
        server.routes = {
            "/": page(title="Home"),
            "/sitemap.xml": leads_to("/map.xml"),
            "/map.xml": text(mapped(server, *paths), "text/xml"),
            **{path: page(embeds=(f"{path}.png",), title=path) for path in paths},
        }
        crawl = Crawl(holdings_with(), plan(server.url(), sitemaps=True, limits=Limits(pages=7)))
        crawl.run()
        rows = check(crawl)
        assert len(crawl.titles()) == 7
        taken = [url for url in rows if url.endswith(".png") and rows[url].state is UrlState.CAPTURED]
        assert len(taken) == 6


def test_a_page_that_only_a_script_names_is_read_as_a_page(holdings_with: OpenHoldings) -> None:
    script = Answer(b'<script>open("/from/script.html")</script>')
    with Site({"/": script, "/from/script.html": page("/beyond"), "/beyond": page()}) as server:
        crawl = Crawl(holdings_with(), plan(server.url()))
        crawl.run()
        rows = check(crawl)
    assert rows[server.url("/beyond")].state is UrlState.CAPTURED


def test_a_single_page_wants_no_sitemap_and_another_seed_of_its_host_does(holdings_with: OpenHoldings) -> None:
    with Site({}) as server:
        server.routes = {
            "/": page("/linked"),
            "/d/": page(),
            "/d/hidden": page(),
            "/robots.txt": text(""),
            "/sitemap.xml": text(mapped(server, "/d/hidden"), "text/xml"),
        }
        crawl = Crawl(holdings_with(), plan(server.url(), scope=ScopeKind.PAGE, sitemaps=True, robots=RobotsMode.OBEY))
        crawl.run()
        check(crawl)
        assert Counter(server.paths) == Counter(["/robots.txt", "/"])
        both = (Seed(server.url(), ScopeKind.PAGE), Seed(server.url("/d/"), ScopeKind.PREFIX))
        crawl = Crawl(holdings_with(), plan(*both, sitemaps=True, robots=RobotsMode.OBEY))
        crawl.run()
        rows = check(crawl)
    assert rows[server.url("/d/hidden")].state is UrlState.CAPTURED


def test_the_dates_of_a_sitemap_are_kept_with_its_pages(holdings_with: OpenHoldings) -> None:
    with Site({}) as server:
        entry = f"<url><loc>{server.url('/dated')}</loc><lastmod>2026-05-01</lastmod></url>"
        server.routes = {"/": page(), "/sitemap.xml": text(URLSET.format(entry), "text/xml"), "/dated": page()}
        rows = crawled(holdings_with, server, sitemaps=True)
    assert (rows[server.url("/dated")].modified, rows[server.url("/")].modified) == ("2026-05-01", "")
