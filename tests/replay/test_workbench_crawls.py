"""Crawls in the workbench: begun with a preview, steered, reported, told; all of it in the audit log."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from threading import Event
from urllib.parse import quote

import pytest

from archiver.accounts import Role
from archiver.collections.reports import CrawlReports
from archiver.collections.seeds import SeedRegistry
from archiver.collections.seedvalues import SeedDraft
from archiver.crawl.control import CrawlControl
from archiver.crawl.plan import CrawlPlan, RobotsMode, Rule, RuleAction, RuleMatch, ScopeKind, Seed
from archiver.errors import StorageFailed
from archiver.holdings import Holdings, utc_now
from tests.archiver.crawling import FAST, page
from tests.replay.crawlbench import Bench, site
from tests.servers.routes import Answer, Asked, RouteServer
from tests.workbench import HOME, PORT, logged_in

OpenHoldings = Callable[..., Holdings]


@pytest.fixture
def bench(holdings_with: OpenHoldings) -> Iterator[Bench]:
    made = Bench(holdings_with(workbench_port=PORT))
    yield made
    made.wait()


FORM = {
    "collection": "default", "scope": "host", "delay": "0", "retries": "0", "robots": "obey", "dedup": "collection",
    "keep_free": "0", "guesses": "1", "trap_segment_repeats": "3", "do": "start",
}  # fmt: skip


def number_of(location: str) -> int:
    found = re.fullmatch(r"/crawls/(\d+)", location)
    assert found is not None, location
    return int(found.group(1))


# -- begin -----------------------------------------------------------------------------------------------------------


def test_a_preview_says_what_the_seeds_take_and_fetches_nothing(bench: Bench) -> None:
    seeds = "http://a.example/news/2026\nhttps://b.example/ scope=domain\n# a comment\n"
    shown = bench.post("/crawls/new", 200, **{**FORM, "seeds": seeds, "scope": "prefix", "do": "preview", "robots": "ignore"})
    assert "Everything under a.example/news/" in shown and "http://(example,a,)/news/" in unescape(shown)
    assert "Everything on b.example and on all hosts below" in shown
    for warning in ("does not end with a slash", "robots.txt is ignored", "There is no limit", "Politeness is off"):
        assert warning in shown
    assert "https://b.example/ scope=domain" in shown and 'value="start"' in shown
    assert CrawlReports(bench.holdings.engine).crawls() == [] and bench.actions() == []


def test_a_crawl_is_begun_as_the_form_says(bench: Bench) -> None:
    with RouteServer(site()) as server:
        form = {
            **FORM, "seeds": server.url("/"), "limit_documents": "50", "limit_bytes": "10 MB", "limit_time": "5m",
            "rule_on_0": "1", "rule_action_0": "block", "rule_match_0": "text", "rule_pattern_0": "/b.html",
            "rule_note_0": "not that", "rule_action_1": "accept", "rule_match_1": "surt", "rule_pattern_1": "example,x)/",
            "rule_action_2": "block", "rule_match_2": "text", "rule_pattern_2": " ", "contact": "me@example.org",
        }  # fmt: skip
        number = number_of(bench.post("/crawls/new", **form))
        bench.wait()
    made = CrawlReports(bench.holdings.engine).plan(number)
    assert made.scope is ScopeKind.HOST and made.robots is RobotsMode.OBEY and not made.pace.polite
    assert (made.limits.documents, made.limits.bytes, made.limits.seconds) == (50, 10_000_000, 300)
    assert made.rules == (
        Rule(RuleAction.BLOCK, RuleMatch.TEXT, "/b.html", True, "not that"),
        Rule(RuleAction.ACCEPT, RuleMatch.SURT, "example,x)/", False),
    )
    assert made.user_agent.endswith("+me@example.org)") and (made.traps.segment_repeats, made.traps.path_segments) == (3, 0)
    crawl = CrawlReports(bench.holdings.engine).find(number, None)
    assert crawl.state == "finished" and crawl.sums.documents >= 5
    assert bench.actions() == [("crawl.start", f"crawl {number}", "administrator")]
    listed = bench.get("/crawls")
    assert f'href="/crawls/{number}"' in listed and "administrator" in listed and "finished" in listed
    again = bench.get(f"/crawls/new?from={number}")
    assert 'value="/b.html"' in again and 'value="10 MB"' in again and 'value="5m"' in again and server.url("/") in again


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"seeds": ""}, "There are no seeds"),
        ({"seeds": "ftp://x/"}, "Line 1 of the seeds is no web address"),
        ({"seeds": "http://a:b@x.example/"}, "password"),
        ({"limit_bytes": "much"}, "Write it like 500, 10MB or 2GB"),
        ({"limit_documents": "-1"}, "Write a whole number"),
        ({"limit_time": "tomorrow"}, "30m or 2h"),
        ({"delay": "slow"}, "Write seconds, or auto"),
        ({"scope": "everything"}, "Choose one of the list"),
        ({"scope": "custom"}, "add one below"),
        ({"user_agent": "a\nb"}, "printable ASCII"),
        ({"contact": "nobody"}, "no contact"),
        ({"cookies": "../../etc/passwd"}, "no such login file"),
        ({"rule_pattern_0": "(", "rule_match_0": "regex", "rule_on_0": "1"}, "regular expression"),
        ({"rule_pattern_0": "x", "rule_match_0": "magic"}, "by text, regular expression or SURT prefix"),
        ({"collection": "nowhere"}, "no collection"),
    ],
)
def test_what_cannot_be_crawled_is_said_and_what_was_typed_is_kept(bench: Bench, wrong: dict[str, str], said: str) -> None:
    shown = bench.post("/crawls/new", 400, **{**FORM, "seeds": "http://kept.example/", "limit_pages": "77", **wrong})
    assert said in unescape(shown) and 'value="77"' in shown
    if "seeds" not in wrong:
        assert "http://kept.example/" in shown
    assert CrawlReports(bench.holdings.engine).crawls() == []


def test_login_files_are_chosen_by_name_from_one_folder(bench: Bench) -> None:
    folder = Path(bench.holdings.settings.archive) / "logins"
    folder.mkdir()
    file = folder / "museum.toml"
    file.write_text('[[login]]\nhost = "127.0.0.1"\nuser = "ada"\npassword = "very secret"\n')
    file.chmod(0o600)
    shown = bench.get("/crawls/new")
    assert "museum.toml" in shown and "very secret" not in shown
    headers = folder / "headers.txt"
    headers.write_text("X-Museum: very secret\n")
    headers.chmod(0o600)
    with RouteServer({"/": page()}) as server:
        number = number_of(
            bench.post("/crawls/new", **{**FORM, "seeds": server.url("/"), "headers": "headers.txt", "sitemaps": ""})
        )
        bench.wait()
        sent = [asked.headers.get("X-Museum") for asked in server.asked if asked.path == "/"]
    assert sent == ["very secret"]
    made = CrawlReports(bench.holdings.engine).plan(number)
    assert made.login.headers == str(headers) and "very secret" not in made.to_json()
    headers.chmod(0o644)
    form = {**FORM, "seeds": "http://a.example/", "headers": "headers.txt", "do": "preview"}
    warned = bench.post("/crawls/new", 200, **form)
    assert "headers.txt" in warned.partition('class="warnings"')[2].partition("</ul>")[0] and str(folder) not in warned
    headers.write_text("secret word\n")
    refused = bench.post("/crawls/new", 400, **form)
    assert "headers.txt" in refused and str(folder) not in refused and "secret word" not in refused
    headers.write_text("X-Museum: very secret\n")
    assert "very secret" not in bench.get(f"/crawls/{number}/change") + bench.get(f"/crawls/new?from={number}")


def test_only_administrators_let_a_crawl_reach_private_addresses(bench: Bench) -> None:
    archivist = logged_in(bench.app, bench.holdings, Role.ARCHIVIST)
    form = {**FORM, "seeds": "http://a.example/", "allow_private": "1", "do": "preview"}
    assert "Private addresses may be reached" in bench.post("/crawls/new", 200, **form)
    assert "Private addresses may be reached" not in bench.post("/crawls/new", 200, archivist, **form)


def test_viewers_look_and_do_nothing(bench: Bench) -> None:
    with RouteServer(site()) as server:
        number = bench.crawled(server.url("/"))
    viewer = logged_in(bench.app, bench.holdings, Role.VIEWER)
    for part in (
        "",
        "/seeds",
        "/hosts",
        "/types",
        "/statuses",
        "/reasons",
        "/urls",
        "/why?url=x.example",
        "/compare",
        "/change",
    ):
        shown = bench.get(f"/crawls/{number}{part}", client=viewer)
        main = shown.partition("<main")[2]
        assert 'method="post"' not in main, part
    for path in ("pause", "stop", "resume", "retry", "notes", "rule", "rule/add", "patch", "change"):
        bench.post(f"/crawls/{number}/{path}", 403, viewer)
    bench.post("/crawls/new", 403, viewer)
    bench.get("/crawls/new", 403, viewer)
    bench.post("/crawls/rules/default", 403, viewer)


def test_the_seeds_of_the_collection_are_taken(bench: Bench) -> None:
    drafts = [SeedDraft("http://kept.example/", scope="host"), SeedDraft("http://idle.example/", is_active=False)]
    SeedRegistry(bench.holdings.engine, utc_now).add("default", drafts)
    shown = bench.get("/crawls/new?seeds=collection&collection=default")
    assert "http://kept.example/ scope=host" in shown and "idle.example" not in shown
    added = bench.post("/crawls/new", 200, **{**FORM, "seeds": "http://typed.example/\n", "do": "seeds"})
    assert "http://typed.example/\nhttp://kept.example/ scope=host<" in added


# -- while it runs ---------------------------------------------------------------------------------------------------


def test_a_crawl_is_paused_changed_taken_up_again_and_stopped(bench: Bench) -> None:
    asked, release = Event(), Event()

    def slow(_: Asked) -> Answer:
        asked.set()
        release.wait(20)
        return page("/one.html", "/two.html", "/three.html")

    with RouteServer({"/": slow, **{f"/{name}.html": page() for name in ("one", "two", "three")}}) as server:
        form = {**FORM, "seeds": server.url("/"), "robots": "ignore", "delay": "0.05"}
        number = number_of(bench.post("/crawls/new", **form))
        assert asked.wait(20)
        shown = bench.get(f"/crawls/{number}")
        assert "data-stream" in shown and 'http-equiv="refresh"' in shown and "fetching" in shown
        bench.post(f"/crawls/{number}/pause")
        assert "pausing" in bench.get(f"/crawls/{number}")
        release.set()
        _until(bench, number, "paused")
        assert "Resume" in bench.get(f"/crawls/{number}")
        change = {**FORM, "robots": "ignore", "delay": "0.05", "limit_documents": "40", "rule_on_0": "1",
                  "rule_pattern_0": "two"}  # fmt: skip
        bench.post(f"/crawls/{number}/change", **change)
        assert bench.post(f"/crawls/{number}/change", 400, **{**change, "limit_bytes": "?"})
        bench.post(f"/crawls/{number}/resume")
        bench.wait()
    paths = [item.path for item in server.asked]
    assert "/one.html" in paths and "/two.html" not in paths
    story = bench.get(f"/crawls/{number}/why?url={quote(server.url('/two.html'))}")
    assert "out of scope" in story and "two" in story
    said = bench.actions()
    assert [item[0] for item in said] == ["crawl.start", "crawl.pause", "crawl.change", "crawl.resume"]
    entry = list(bench.holdings.audit.entries())[2]
    assert "documents: 0 → 40" in entry.detail and "rule: block text two" in entry.detail
    bench.post(f"/crawls/{number}/pause", 409)


def _until(bench: Bench, number: int, state: str) -> None:
    pause = Event()
    for _ in range(2000):
        if CrawlReports(bench.holdings.engine).find(number, None).state == state:
            return
        pause.wait(0.01)
    raise AssertionError(f"crawl {number} did not come to be {state}")


def test_the_stream_tells_of_the_crawl_and_ends(bench: Bench) -> None:
    with RouteServer(site()) as server:
        number = bench.crawled(server.url("/"))
    answer = bench.client.get(f"/crawls/{number}/live", base_url=HOME)
    told = answer.get_data(as_text=True)
    assert answer.mimetype == "text/event-stream" and told.startswith("retry: ")
    assert "data: <section" in told and told.endswith("event: over\ndata: over\n\n")
    assert all(line.startswith(("data: ", "event: ", "retry: ")) for line in told.splitlines() if line)
    bench.get("/crawls/99/live", 404)


def test_there_are_only_so_many_streams(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from threading import BoundedSemaphore

    from replay.workbench.crawls import pages

    monkeypatch.setattr(pages, "_STREAMS", BoundedSemaphore(1))
    with RouteServer(site()) as server:
        number = bench.crawled(server.url("/"))
    first = bench.client.get(f"/crawls/{number}/live", base_url=HOME, buffered=False)
    second = bench.client.get(f"/crawls/{number}/live", base_url=HOME)
    assert second.get_data(as_text=True).startswith("retry: 5000\n\ndata: ")
    first.close()
    third = bench.client.get(f"/crawls/{number}/live", base_url=HOME)
    assert third.get_data(as_text=True).startswith("retry: 1000\n\n")


def test_a_crawl_that_was_left_alone_says_so(bench: Bench) -> None:
    control = CrawlControl(bench.holdings.engine, utc_now)
    number = control.create("default", CrawlPlan((Seed("http://a.example/"),)))
    assert "starting" in bench.get(f"/crawls/{number}")
    bench.post(f"/crawls/{number}/stop")
    stopped = CrawlReports(bench.holdings.engine).find(number, None)
    assert (stopped.state, stopped.wanted, stopped.ended) == ("stopped", "stop", "it was stopped")
    control.want(number, "run")
    control.set_state(number, "running")
    shown = bench.get(f"/crawls/{number}")
    assert "left alone" in shown and "Resume" in shown
    bench.post(f"/crawls/{number}/stop")
    assert CrawlReports(bench.holdings.engine).find(number, None).state == "stopped"


def test_what_failed_is_tried_once_more(bench: Bench) -> None:
    routes = site()
    with RouteServer(routes) as server:
        routes["/c.html"] = Answer(b"not now", "text/plain", 500)
        number = bench.crawled(server.url("/"), pace=replace(FAST, retries=0))
        assert bench.rows(f"/crawls/{number}/statuses?format=csv")[-1]["status"] == "500"
        overview = bench.get(f"/crawls/{number}")
        assert f'href="/crawls/{number}/urls?state=captured&amp;status=5xx">1</a>' in overview
        assert [row["status"] for row in bench.rows(f"/crawls/{number}/urls?format=csv&status=5xx")] == ["500"]
        assert {row["status"] for row in bench.rows(f"/crawls/{number}/urls?format=csv&status=4xx")} <= {"404", "403"}
        routes["/c.html"] = page(title="now")
        bench.post(f"/crawls/{number}/retry")
        bench.wait()
        assert "500" not in {row["status"] for row in bench.rows(f"/crawls/{number}/statuses?format=csv")}
    assert [item[0] for item in bench.actions()] == ["crawl.retry", "crawl.resume"]
    bench.post(f"/crawls/{number}/retry", 400)


def test_notes_are_kept(bench: Bench) -> None:
    with RouteServer(site()) as server:
        number = bench.crawled(server.url("/"))
    bench.post(f"/crawls/{number}/notes", notes="<b>The gallery</b> was closed.\x00")
    assert "&lt;b&gt;The gallery&lt;/b&gt; was closed." in bench.get(f"/crawls/{number}")
    bench.post("/crawls/99/notes", 404, notes="x")


def test_a_crawl_that_is_taken_up_again_is_starting_until_it_runs(bench: Bench) -> None:
    with RouteServer(site()) as server:
        number = bench.crawled(server.url("/"))
    bench.app.extensions["muniment.launch"] = lambda crawl, workers: None
    bench.post(f"/crawls/{number}/resume")
    shown = bench.get(f"/crawls/{number}")
    assert "starting" in shown and "data-stream" in shown

    def fail(crawl: int, workers: int) -> None:
        raise StorageFailed("There is no room.")

    bench.app.extensions["muniment.launch"] = fail
    bench.post(f"/crawls/{number}/resume", 503)
    assert "its process could not be begun" in bench.get(f"/crawls/{number}")
