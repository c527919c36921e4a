"""Whole crawls of small sites: what is captured, what is refused and why, and whether all sums are right."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from threading import Barrier
from time import monotonic

import pytest

from archiver.crawl.decision import UrlState
from archiver.crawl.equipment import CONNECTIONS, Equipment
from archiver.crawl.plan import Pace, RobotsMode, Rule, RuleAction, RuleMatch, ScopeKind, Seed
from archiver.engine import new_record_id, utc_now
from archiver.fetch.cookies import CrawlCookies
from archiver.fetch.http import HttpFetcher
from archiver.fetch.reading import ResponseReader
from archiver.settings import as_environment, load_settings
from tests.archiver.crawling import FAST, Crawl, Fallback, Site, check, content, leads_to, page, plan, seeds_of, text
from tests.conftest import OpenHoldings
from tests.servers.routes import Answer, Asked, Route

TAKEN, OUTSIDE = UrlState.CAPTURED, UrlState.OUT_OF_SCOPE


def test_a_small_site_is_captured_whole_and_every_url_has_its_story(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    with Site({"/logo.png": text(b"PNG" * 200, "image/png"), "/more": page()}) as other, Site({}) as server:
        logo, more = other.url("/logo.png"), other.url("/more")
        server.routes = {
            "/": page("/a", "/b", more, embeds=("/x.png", logo), title="Home"),
            "/a": page("/", "/b", "/gone", title="A", text="a" * 500),
            "/b": page("/a", "mailto:me@example.org", title="B", embeds=("/x.png",)),
            "/x.png": text(b"picture" * 100, "image/png"),
        }
        crawl = Crawl(holdings, plan(server.url()))
        assert crawl.run().state == "finished"
        rows = check(crawl)
        assert Counter(server.paths) == Counter({"/": 1, "/a": 1, "/b": 1, "/x.png": 1, "/gone": 1})
        assert other.paths == ["/logo.png"]
    assert {url: (row.state, row.verdict) for url, row in rows.items()} == {
        server.url(): (TAKEN, "seed"),
        server.url("/a"): (TAKEN, "in-scope"),
        server.url("/b"): (TAKEN, "in-scope"),
        server.url("/gone"): (TAKEN, "in-scope"),
        server.url("/x.png"): (TAKEN, "in-scope"),
        logo: (TAKEN, "requisite"),
        more: (OUTSIDE, "outside"),
    }
    assert rows[server.url("/gone")].status == 404 and rows[server.url("/gone")].failure == "http-error"
    assert rows[more].via_id == rows[server.url()].id
    assert (rows[server.url("/b")].hops, rows[logo].hops) == ("L", "E")
    assert crawl.titles() == {server.url(): "Home", server.url("/a"): "A", server.url("/b"): "B"}
    assert content(holdings, rows[logo]) == b"PNG" * 200
    assert crawl.row().ended == "everything in scope was fetched"


@pytest.mark.parametrize(
    ("scope", "taken"),
    [
        (ScopeKind.PAGE, {"/d/", "/d/s.png"}),
        (ScopeKind.PAGE_PLUS, {"/d/", "/d/s.png", "/d/a", "/out"}),
        (ScopeKind.PREFIX, {"/d/", "/d/s.png", "/d/a", "/d/b"}),
        (ScopeKind.HOST, {"/d/", "/d/s.png", "/d/a", "/d/b", "/out", "/further"}),
        (ScopeKind.ANY, {"/d/", "/d/s.png", "/d/a", "/d/b", "/out", "/further", "other"}),
        (ScopeKind.CUSTOM, {"/d/", "/d/s.png", "/d/a"}),
    ],
)
def test_scopes_end_to_end(scope: ScopeKind, taken: set[str], holdings_with: OpenHoldings) -> None:
    rules = (Rule(RuleAction.ACCEPT, RuleMatch.REGEX, "/d/a$"),) if scope is ScopeKind.CUSTOM else ()
    with Site({"/": page()}) as other, Site({}) as server:
        server.routes = {
            "/d/": page("a", "/out", embeds=("s.png",)),
            "/d/a": page("b"),
            "/d/b": page(),
            "/d/s.png": text("s"),
            "/out": page("/further"),
            "/further": page(other.url()),
        }
        crawl = Crawl(holdings_with(), plan(server.url("/d/"), scope=scope, rules=rules))
        crawl.run()
        rows = check(crawl)
        assert {*server.paths, *(["other"] if other.paths else [])} == taken
    refused = {row.verdict for row in rows.values() if row.state is not TAKEN}
    assert refused <= {"outside"}


def test_rules_and_seeds_with_scopes_of_their_own(holdings_with: OpenHoldings) -> None:
    with Site({}) as one, Site({}) as two:
        one.routes = {"/": page("/a", "/private/x", two.url("/y")), "/a": page(), "/private/x": page()}
        two.routes = {"/": page("/y", "/z"), "/y": page(), "/z": page()}
        rules = (
            Rule(RuleAction.BLOCK, RuleMatch.TEXT, "/private/", note="not ours"),
            Rule(RuleAction.ACCEPT, RuleMatch.TEXT, "/y"),
            Rule(RuleAction.BLOCK, RuleMatch.TEXT, "/a", enabled=False),
        )
        seeds = (Seed(one.url()), Seed(two.url(), ScopeKind.PAGE))
        crawl = Crawl(holdings_with(), plan(*seeds, rules=rules))
        crawl.run()
        rows = check(crawl)
    assert set(one.paths) == {"/", "/a"}
    assert set(two.paths) == {"/", "/y"}
    blocked = rows[one.url("/private/x")]
    assert blocked.verdict == "block-rule" and "/private/" in blocked.detail
    assert rows[two.url("/y")].verdict == "accept-rule"
    numbers = seeds_of(crawl)
    assert {row.url: row.seed_id for row in rows.values() if not row.hops} == numbers


@pytest.mark.parametrize("workers", [1, 2])
def test_where_a_seed_leads_is_in_scope_too(workers: int, holdings_with: OpenHoldings) -> None:
    with Site({}) as old, Site({}) as new:
        old.routes = {"/": leads_to(new.url("/start"), 301), "/start": page()}
        new.routes = {
            "/start": leads_to("/home"),
            "/home": page("/a", old.url("/old")),
            "/a": page("/b"),
            "/b": page(),
        }
        old.routes = {**old.routes, "/old": page()}
        crawl = Crawl(holdings_with(), plan(old.url()))
        crawl.run(workers)
        rows = check(crawl)
    assert Counter(new.paths) == Counter(["/start", "/home", "/a", "/b"])
    assert set(old.paths) == {"/", "/old"}
    assert rows[new.url("/home")].hops == "RR"
    assert rows[new.url("/b")].verdict == "in-scope"


def test_pages_that_redirect_outside_are_followed_to_where_they_lead_and_no_further(holdings_with: OpenHoldings) -> None:
    with Site({}) as out, Site({}) as server:
        out.routes = {"/there": page("/more", embeds=("/i.png",)), "/i.png": text("i"), "/more": page()}
        server.routes = {"/": page("/go"), "/go": leads_to(out.url("/there"))}
        crawl = Crawl(holdings_with(), plan(server.url()))
        crawl.run()
        rows = check(crawl)
        assert set(out.paths) == {"/there", "/i.png"}
    assert rows[out.url("/there")].verdict == "redirect"
    assert rows[out.url("/more")].verdict == "outside"


def test_loops_and_long_chains_of_redirects_end(holdings_with: OpenHoldings) -> None:
    routes: dict[str, Answer] = {"/": page("/loop1", "/self", "/n0", "/nowhere", "/odd")}
    routes |= {"/loop1": leads_to("/loop2"), "/loop2": leads_to("/loop1"), "/self": leads_to("/self")}
    routes |= {f"/n{number}": leads_to(f"/n{number + 1}") for number in range(40)}
    routes |= {"/nowhere": Answer(status=302), "/odd": leads_to("http://[broken/")}
    with Site(routes) as server:
        crawl = Crawl(holdings_with(), plan(server.url()))
        assert crawl.run().state == "finished"
        rows = check(crawl)
        asked = Counter(server.paths)
    assert set(asked.values()) == {1}
    assert asked["/n20"] == 1 and "/n21" not in asked
    assert rows[server.url("/n21")].state is UrlState.TRAPPED and "20 redirects" in rows[server.url("/n21")].detail
    for path in ("/nowhere", "/odd"):
        assert rows[server.url(path)].failure == "http-error" and rows[server.url(path)].reason


def test_a_page_that_gives_a_cookie_and_sends_us_back_is_fetched_again(holdings_with: OpenHoldings) -> None:
    def gate(asked: Asked) -> Answer:
        if "ok=1" in asked.headers.get("Cookie", ""):
            return page("/inside")
        return leads_to("/", 302, ("Set-Cookie", "ok=1; Path=/"))

    def hall(asked: Asked) -> Answer:
        if "seen=1" in asked.headers.get("Cookie", ""):
            return page("/within")
        return leads_to("/consent")

    routes: dict[str, Route] = {
        "/": gate,
        "/inside": page("/hall"),
        "/hall": hall,
        "/consent": leads_to("/hall", 302, ("Set-Cookie", "seen=1; Path=/")),
        "/within": page(),
    }
    with Site(routes) as server:
        crawl = Crawl(holdings_with(), plan(server.url()))
        crawl.run()
        rows = check(crawl)
        assert Counter(server.paths) == Counter({"/": 2, "/inside": 1, "/hall": 2, "/consent": 1, "/within": 1})
    assert rows[server.url()].status == rows[server.url("/hall")].status == 200


def test_a_page_that_always_sends_us_back_with_a_cookie_is_left_after_the_second_time(holdings_with: OpenHoldings) -> None:
    routes = {"/": page("/c", "/x"), "/c": leads_to("/c", 302, ("Set-Cookie", "a=1")), "/x": page()}
    with Site(routes) as server:
        crawl = Crawl(holdings_with(), plan(server.url()))
        assert crawl.run().state == "finished"
        check(crawl)
        assert Counter(server.paths) == Counter({"/": 1, "/c": 2, "/x": 1})


def test_the_same_page_again_and_again_is_not_followed(holdings_with: OpenHoldings) -> None:
    same = page("deeper/")
    routes = {"/": page("/s/"), **{f"/s/{'deeper/' * depth}": same for depth in range(20)}}
    with Site(routes) as server:
        crawl = Crawl(holdings_with(), plan(server.url()))
        crawl.run()
        rows = check(crawl)
        assert server.paths == ["/", "/s/", "/s/deeper/"]
    assert "the same as the page before" in rows[server.url("/s/deeper/")].detail


def test_a_document_that_our_readers_stumble_over_does_not_end_a_crawl(
    holdings_with: OpenHoldings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from archiver.extract import links

    whole = links.find_links

    def broken(body: object, *, url: str, **values: object) -> object:
        if url.endswith("/bad"):
            raise IndexError("a bug")
        return whole(body, url=url, **values)  # type: ignore[arg-type]

    monkeypatch.setattr(links, "find_links", broken)
    with Site({"/": page("/bad", "/good"), "/bad": page("/lost"), "/good": page()}) as server:
        crawl = Crawl(holdings_with(), plan(server.url()))
        assert crawl.run().state == "finished"
        rows = check(crawl)
    assert rows[server.url("/bad")].state is TAKEN
    assert "its links could not be read" in rows[server.url("/bad")].detail
    assert rows[server.url("/good")].state is TAKEN
    assert content(crawl.holdings, rows[server.url("/bad")])


@pytest.mark.parametrize("step", ["asking", "fetching", "reading"])
def test_a_url_that_we_stumble_over_before_it_has_an_answer_does_not_end_a_crawl(
    step: str, holdings_with: OpenHoldings, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, name = {
        "asking": (CrawlCookies, "header_for"),
        "fetching": (HttpFetcher, "fetch"),
        "reading": (ResponseReader, "feed"),
    }[step]
    whole = getattr(where, name)

    def broken(self: object, given: str | bytes, **values: object) -> object:
        if b"BAD" in given if isinstance(given, bytes) else given.endswith(("/bad", "/worse")):
            raise IndexError("a bug")
        return whole(self, given, **values)

    monkeypatch.setattr(where, name, broken)
    many = [f"/{number}" for number in range(20)]
    routes = {"/": page(*many, "/worse"), "/bad": text("BAD"), "/worse": text("BAD"), **dict.fromkeys(many, page())}
    with Site(routes) as server:
        seeds = server.url(), server.url("/bad")  # which are fetched by threads
        crawl = Crawl(holdings_with(), plan(*seeds, pace=replace(FAST, retries=0)))
        assert crawl.run().state == "finished"
        rows = check(crawl)
    assert rows[server.url("/bad")].failure == "protocol"
    assert all(rows[server.url(path)].state is TAKEN for path in ("/", *many))
    assert rows[server.url("/worse")].state in (TAKEN, UrlState.FAILED)


def test_forty_hosts_that_do_not_answer_hold_up_no_other(holdings_with: OpenHoldings) -> None:
    all_asked = Barrier(41)

    def late(_: Asked) -> Answer:
        all_asked.wait(20)  # breaks when the others are not asked before this one has answered
        return page()

    with ExitStack() as stack:
        sites = [stack.enter_context(Site({"/": late})) for _ in range(all_asked.parties)]
        crawl = Crawl(holdings := holdings_with(), plan(*(site.url() for site in sites)))
        crawl.run()
        check(crawl)
    assert not all_asked.broken
    begun = holdings.with_settings(load_settings(environ=as_environment(holdings.settings)))  # as by the workbench
    with Equipment(begun, crawl.control.info(crawl.number), software="", clock=utc_now, new_id=new_record_id) as equipment:
        assert equipment.connections == CONNECTIONS


def test_a_spared_host_has_one_request_at_a_time_and_its_rest_over_real_connections(holdings_with: OpenHoldings) -> None:
    rest = 0.02
    spans: defaultdict[str, list[tuple[float, float, str]]] = defaultdict(list)

    def answer(asked: Asked) -> Answer:
        begun = monotonic()
        links = [f"/{number}" for number in range(12)] if asked.path == "/" else []
        spans[asked.headers["Host"]].append((begun, monotonic(), asked.path))
        return page(*links, text=asked.path * 100)

    with ExitStack() as stack:
        sites = [stack.enter_context(Site(Fallback(answer))) for _ in range(3)]
        pace = Pace(factor=0, min_seconds=rest, max_seconds=1)
        crawl = Crawl(holdings_with(), plan(*(site.url() for site in sites), pace=pace, robots=RobotsMode.OBEY))
        assert crawl.run().state == "finished"
        check(crawl)
    assert len(spans) == 3
    for host in spans.values():
        assert host[0][2] == "/robots.txt"
        assert {path for _, _, path in host} >= {"/", *(f"/{number}" for number in range(12))}
        waits = [following[0] - last[1] for last, following in pairwise(sorted(host))]
        assert min(waits) >= rest
