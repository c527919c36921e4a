"""Reports of crawls in the workbench: every number opens its list, every URL its story, and lists become rules and patches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from archiver.collections.reports import CrawlReports
from archiver.collections.rulebook import RuleBook
from archiver.crawl.decision import UrlState, Verdict
from archiver.crawl.plan import CrawlPlan, RobotsMode, Rule, RuleAction, RuleMatch, ScopeKind, Seed
from archiver.holdings import Holdings
from tests.apichecks import ApiClient
from tests.archiver.crawling import page, text
from tests.archiver.crawlrows import CrawlRows
from tests.replay.crawlbench import Bench, site
from tests.servers.postgresql import PostgreSQL
from tests.servers.routes import RouteServer
from tests.workbench import PORT

OpenHoldings = Callable[..., Holdings]
PARTS = ("seeds", "hosts", "types", "statuses", "reasons")


@pytest.fixture
def bench(holdings_with: OpenHoldings) -> Iterator[Bench]:
    made = Bench(holdings_with(workbench_port=PORT))
    yield made
    made.wait()


def numbers_and_lists(shown: str) -> list[tuple[int, str]]:
    """Every number of a page that opens a list of URLs, and the address of the list."""
    found = re.findall(r'<a href="(/crawls/\d+/urls[^"]*)">([\d,]+)</a>', shown)
    return [(int(number.replace(",", "")), unescape(address)) for address, number in found]


def test_every_number_opens_the_list_of_just_as_many_urls(bench: Bench) -> None:
    with RouteServer(site()) as server:
        number = bench.crawled(server.url("/"), robots=RobotsMode.OBEY)
    seen = set()
    for part in ("", *(f"/{part}" for part in PARTS)):
        for count, address in numbers_and_lists(bench.get(f"/crawls/{number}{part}")):
            if (count, address) in seen:
                continue
            seen.add((count, address))
            glue = "&" if "?" in address else "?"
            assert len(bench.rows(f"{address}{glue}format=csv")) == count, (part, address)
            assert bench.get(address).count('class="tick"><input') == count
    queries = [parse_qs(urlsplit(address).query) for _, address in seen]
    assert {name for query in queries for name in query} >= {"state", "host", "seed", "type", "status", "verdict", "new"}


def test_each_report_has_its_csv(bench: Bench) -> None:
    with RouteServer(site()) as server:
        number = bench.crawled(server.url("/"), robots=RobotsMode.OBEY)
    hosts = {row["host"]: row for row in bench.rows(f"/crawls/{number}/hosts?format=csv")}
    assert hosts["elsewhere.localhost:9"]["out_of_scope"] == "1"
    seeds = bench.rows(f"/crawls/{number}/seeds?format=csv")
    assert [(row["seed"], row["status"]) for row in seeds] == [(server.url("/"), "Crawled")]
    types = {row["type"]: int(row["documents"]) for row in bench.rows(f"/crawls/{number}/types?format=csv")}
    assert types["image/png"] == 1 and types["text/html"] == 4
    reasons = bench.rows(f"/crawls/{number}/reasons?format=csv")
    assert {row["verdict"]: row["urls"] for row in reasons}["robots"] == "1"
    listed = bench.rows("/crawls?format=csv")
    assert [(row["id"], row["state"], row["seeds"]) for row in listed] == [(str(number), "finished", server.url("/"))]


def test_lists_are_narrowed_and_paged(bench: Bench) -> None:
    rows = CrawlRows(bench.holdings, CrawlPlan((Seed("http://a.example/"),)))
    for place in range(250):
        rows.url(f"http://a.example/{place:03}.html", **({"mime": "image/png"} if place % 10 == 0 else {}))
    rows.url("http://b.example/=cmd", UrlState.BLOCKED, Verdict.ROBOTS, seed="http://a.example/")
    number = rows.finish()
    address, seen = f"/crawls/{number}/urls?state=captured", []
    while address:
        shown = bench.get(address)
        seen += re.findall(r'name="urls" value="http://a.example/(\d+).html"', shown)
        after = re.search(r'rel="next" href="([^"]+)"', shown)
        address = unescape(after.group(1)) if after else ""
    assert seen == [f"{place:03}" for place in range(250)]
    assert bench.get(f"/crawls/{number}/urls?type=image/png").count('class="tick"><input') == 25
    assert bench.get(f"/crawls/{number}/urls?q=/24").count('class="tick"><input') == 10
    assert "No URL is like that" in bench.get(f"/crawls/{number}/urls?q=nothing%25")
    assert "Disallow" not in bench.get(f"/crawls/{number}/urls?state=nonsense&status=x&new=maybe&after=-1")
    bench.get(f"/crawls/{number}/urls?host=unknown.example", 404)
    shown = bench.get(f"/crawls/{number}/hosts?q=B.EX")
    assert "b.example" in shown and ">a.example<" not in shown
    bench.get("/crawls/99/urls", 404)


def test_hosts_are_paged(bench: Bench) -> None:
    rows = CrawlRows(bench.holdings, CrawlPlan((Seed("http://a.example/"),)))
    for place in range(130):
        for name in ("x", "y")[: 1 + place % 2]:
            rows.url(f"http://h{place:03}.example/{name}")
    number = rows.finish()
    address, seen = f"/crawls/{number}/hosts", []
    while address:
        shown = bench.get(address)
        seen += re.findall(r'<th scope="row" class="url" dir="ltr">h(\d+)', shown)
        after = re.search(r'rel="next" href="([^"]+)"', shown)
        address = unescape(after.group(1)) if after else ""
    assert [int(host) for host in seen] == [*range(1, 130, 2), *range(0, 130, 2)]


def test_the_list_of_crawls_is_narrowed_and_paged(bench: Bench) -> None:
    bench.holdings.collections.create("other", title="Other")
    for place in range(60):
        CrawlRows(bench.holdings, CrawlPlan((Seed(f"http://s{place}.example/"),)), state="finished").finish()
    CrawlRows(bench.holdings, CrawlPlan((Seed("http://only.example/"),)), "other", state="paused").finish()
    shown = bench.get("/crawls")
    assert shown.count("<tr><td") == 50 and "only.example" in shown
    after = re.search(r'rel="next" href="([^"]+)"', shown)
    assert after is not None and bench.get(unescape(after.group(1))).count("<tr><td") == 11
    assert bench.get("/crawls?collection=other").count("<tr><td") == 1
    assert bench.get("/crawls?state=paused").count("<tr><td") == 1
    assert bench.get("/crawls?q=s5").count("<tr><td") == 11
    assert "No crawl is like that" in bench.get("/crawls?q=nothing&collection=nonsense")


def test_a_story_is_told_of_every_url(bench: Bench) -> None:
    with RouteServer(site()) as server:
        number = bench.crawled(server.url("/"), robots=RobotsMode.OBEY)
        bench.crawled(server.url("/"), robots=RobotsMode.OBEY)
        blocked = bench.get(f"/crawls/{number}/why?url={quote(server.url('/no/x.html'))}")
        assert "robots.txt" in blocked and "In other crawls" in blocked and "See it" not in blocked
        held = bench.get(f"/crawls/{number}/why?url={quote(server.url('/c.html'))}")
        found = re.search(r'href="(http://127.0.0.1:8080/default/\d{14}/[^"]+)">See it', held)
        assert found is not None and "found by a href" in held and "seed → link ×2" in held
        unmet = bench.get(f"/crawls/{number}/why?url={quote(server.url('/never'))}")
        assert "never met" in unmet and "would have <b>taken</b> it" in unmet
    assert "not an http or https address" in bench.get(f"/crawls/{number}/why?url=ftp://x/")
    assert bench.get(f"/crawls/{number}/why")
    hostile = bench.get(f"/crawls/{number}/why?url={quote('http://x/<script>alert(1)</script>')}")
    assert "<script>alert" not in hostile


# -- out of lists ----------------------------------------------------------------------------------------------------


def test_a_rule_is_made_of_urls(bench: Bench) -> None:
    with RouteServer(site()) as server:
        number = bench.crawled(server.url("/"))
        urls = [server.url("/a.html"), server.url("/b.html")]
        offered = unescape(bench.post(f"/crawls/{number}/rule", 200, urls=urls))
        assert "matches 2 of 2" in offered and r"regex (?i)\.html(?:\?|$)" in offered and urls[0] in offered
        choice = re.findall(r'name="choice" value="(surt [^"]+)"', offered)[0]
        form = {"urls": urls, "choice": choice, "action": "block", "note": "no more", "where": ["crawl", "collection"]}
        assert bench.post(f"/crawls/{number}/rule/add", **form).endswith(f"/crawls/{number}/change#rules")
    made = Rule(RuleAction.BLOCK, RuleMatch.SURT, choice.removeprefix("surt "), True, "no more")
    assert CrawlReports(bench.holdings.engine).plan(number).rules == (made,)
    book = RuleBook(bench.holdings.engine, bench.holdings.audit)
    assert book.of("default") == (made,)
    assert [action for action, _, _ in bench.actions()] == ["collection.rules", "crawl.change"]
    assert unescape(bench.get("/crawls/new?collection=default")).count(f'value="{made.pattern}"') == 1
    own = {"urls": urls, "choice": "own", "match": "regex", "pattern": "(", "action": "block", "where": "crawl"}
    assert "regular expression" in bench.post(f"/crawls/{number}/rule/add", 400, **own)
    assert "no pattern" in bench.post(f"/crawls/{number}/rule/add", 400, **{**own, "pattern": " "})
    assert "for nothing" in bench.post(f"/crawls/{number}/rule/add", 400, **{**own, "pattern": "x", "where": []})
    assert "No URL was ticked" in bench.post(f"/crawls/{number}/rule", 400)


def test_the_rules_of_a_collection_are_edited(bench: Bench) -> None:
    form = {"rule_on_0": "1", "rule_action_0": "block", "rule_match_0": "text", "rule_pattern_0": "/login"}
    assert bench.post("/crawls/rules/default", **form) == "/crawls/rules/default?told=1"
    assert 'value="/login"' in bench.get("/crawls/rules/default") and "Saved." in bench.get("/crawls/rules/default?told=1")
    overtaken = bench.post("/crawls/rules/default", 400, **{**form, "rule_pattern_0": "/mine", "seen": "none yet"})
    assert "Somebody has changed this" in overtaken and "/mine" in overtaken
    wrong = {**form, "rule_match_0": "regex", "rule_pattern_0": "*"}
    assert "regular expression" in bench.post("/crawls/rules/default", 400, **wrong)
    bench.post("/crawls/rules/default")
    assert RuleBook(bench.holdings.engine, bench.holdings.audit).of("default") == ()
    bench.get("/crawls/rules/nowhere", 404)


def test_urls_of_a_list_are_captured_at_once(bench: Bench) -> None:
    routes = {**site(), "/no/x.html": page(embeds=["/no/y.png"]), "/no/y.png": text(b"\x89PNG", "image/png")}
    with RouteServer(routes) as server:
        number = bench.crawled(server.url("/"), robots=RobotsMode.OBEY)
        assert "/no/x.html" not in [asked.path for asked in server.asked]
        form = {"every": "1", "state": "blocked", "ignore_robots": "1"}
        made = int(bench.post(f"/crawls/{number}/patch", **form).rpartition("/")[2])
        bench.wait()
        assert {"/no/x.html", "/no/y.png"} <= {asked.path for asked in server.asked}
    plan = CrawlReports(bench.holdings.engine).plan(made)
    assert plan.scope is ScopeKind.PAGE and [seed.url for seed in plan.seeds] == [server.url("/no/x.html")]
    assert "A patch crawl" in bench.get(f"/crawls/{made}") and "patch" in bench.get("/crawls")
    bench.post(f"/crawls/{number}/patch", 400)
    bench.post(f"/crawls/{number}/patch", 400, urls=["javascript:alert(1)"])
    many = [f"http://a.example/{place}" for place in range(1001)]
    assert "too many" in bench.post(f"/crawls/{number}/patch", 400, urls=many)


# -- comparison ------------------------------------------------------------------------------------------------------


def test_two_crawls_are_compared(bench: Bench) -> None:
    routes = site()
    with RouteServer(routes) as server:
        first = bench.crawled(server.url("/"))
        assert "no other crawl" in bench.get(f"/crawls/{first}/compare")
        routes["/a.html"] = page("/new.html", title="A, changed")
        routes["/new.html"] = page(title="New")
        second = bench.crawled(server.url("/"))
        shown = bench.get(f"/crawls/{second}/compare")
        assert f">Crawl {first}</a>" in shown and "text/html" in shown
        lists = {
            which: {
                row["url"].removeprefix(server.url("")) for row in bench.rows(f"/crawls/{second}/compare/{which}?format=csv")
            }
            for which in ("lost", "new", "changed")
        }
        assert {"/c.html"} <= lists["lost"] and lists["new"] == {"/new.html"} and "/a.html" in lists["changed"]
        assert "/b.html" not in lists["changed"]
        assert server.url("/new.html") in bench.get(f"/crawls/{first}/compare/new?with={second}")
        rows = bench.rows(f"/crawls/{second}/compare?format=csv")
    types = {row["name"]: row["difference"] for row in rows if row["what"] == "type"}
    assert types["image/png"] == "0"
    bench.holdings.collections.create("other", title="Other")
    other = CrawlRows(bench.holdings, CrawlPlan((Seed("http://a.example/"),)), "other").finish()
    bench.get(f"/crawls/{second}/compare?with={other}", 404)
    bench.get(f"/crawls/{second}/compare?with={second}", 400)
    api = ApiClient(bench.app, bench.holdings)
    told = api("GET", f"/crawls/{second}/comparison").get_json()
    assert (told["before"]["number"], told["after"]["number"]) == (first, second)
    assert {pair["key"]: str(pair["difference"]) for pair in told["types"]} == types and not told["more_hosts"]
    assert api("GET", f"/crawls/{first}/comparison?other={second}").get_json() == told
    for which, urls in lists.items():
        found, address = [], f"/crawls/{second}/comparison/urls?which={which}&limit=1"
        while address:
            part = api("GET", address).get_json()
            found += [item["url"].removeprefix(server.url("")) for item in part["items"]]
            address = part["next"]
        assert sorted(found) == sorted(urls), which
    assert api("GET", f"/crawls/{second}/comparison?other={other}").status_code == 404


def test_every_page_is_there_with_postgresql(holdings_with: OpenHoldings, postgresql: PostgreSQL) -> None:
    bench = Bench(holdings_with(workbench_port=PORT, database=postgresql.new_archive()))
    with RouteServer(site()) as server:
        first = bench.crawled(server.url("/"), robots=RobotsMode.OBEY)
        second = bench.crawled(server.url("/"), robots=RobotsMode.OBEY)
    parts = ["", "/live", "/urls?q=A.HTML", "/urls?state=captured&type=text/html", "/hosts?q=127", "/compare", "/change"]
    parts += [f"/{part}" for part in PARTS] + [f"/compare/{which}" for which in ("lost", "new", "changed")]
    for part in (*parts, f"/why?url={quote(server.url('/a.html'))}", f"/hosts?documents=5&host={quote('a.example')}"):
        assert bench.get(f"/crawls/{second}{part}"), part
    assert bench.get(f"/crawls/{first}/urls?q=A.HTML").count('class="tick"><input') == 1
    assert bench.get("/crawls?q=127.0").count("<tr><td") == 2
    bench.post(f"/crawls/{first}/notes", notes="kept")
    form = {"rule_on_0": "1", "rule_pattern_0": "/login"}
    bench.post("/crawls/rules/default", **form)
    assert "/login" in bench.get("/crawls/new")
