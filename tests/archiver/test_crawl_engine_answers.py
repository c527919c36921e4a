"""What servers do to a crawl: failures that pass and those that stay, garbage, repeats, logins."""

from __future__ import annotations

import gzip
from collections import Counter
from dataclasses import replace
from pathlib import Path
from threading import current_thread
from typing import Any

import pytest

from archiver.crawl import visit
from archiver.crawl.decision import UrlState
from archiver.crawl.follow import follow
from archiver.crawl.plan import DedupMode, Limits, Login, Pace
from archiver.crawl.visited import Visit
from archiver.unchanged import unchanged
from tests.archiver.crawling import FAST, Crawl, Site, Ticking, captures, check, content, page, plan, text, until
from tests.conftest import OpenHoldings
from tests.servers.members import PASSWORD, SESSION, USER, Members
from tests.servers.routes import Answer, Asked, Route
from tests.servers.scripted import Act, ScriptedServer, Step

TAKEN, QUEUED, FAILED = UrlState.CAPTURED, UrlState.QUEUED, UrlState.FAILED


# -- failures --------------------------------------------------------------------------------------------------------


class Flaky:
    """Answers 503 so many times, then a page."""

    def __init__(self, failures: int) -> None:
        self.left = failures

    def __call__(self, asked: Asked) -> Answer:
        self.left -= 1
        return text("busy", status=503) if self.left >= 0 else page("/after")


def test_what_may_pass_is_tried_again_and_each_attempt_is_recorded(holdings_with: OpenHoldings) -> None:
    with Site({"/": page("/flaky", "/never"), "/flaky": Flaky(2), "/never": Flaky(99), "/after": page()}) as server:
        crawl = Crawl(holdings_with(), plan(server.url(), pace=replace(FAST, retries=2)))
        assert crawl.run(fast=Ticking(100)).state == "finished"
        rows = check(crawl)
        assert Counter(server.paths) == Counter({"/": 1, "/flaky": 3, "/never": 3, "/after": 1})
    flaky, never = rows[server.url("/flaky")], rows[server.url("/never")]
    assert (flaky.state, flaky.status, flaky.attempts, flaky.failure) == (TAKEN, 200, 3, None)
    assert (never.state, never.status, never.attempts, never.failure) == (TAKEN, 503, 3, "http-error")
    assert rows[server.url("/after")].state is TAKEN
    assert len(captures(crawl.holdings, server.url("/flaky"))) == 3


def test_failed_urls_are_tried_again_when_told(holdings_with: OpenHoldings) -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    with ScriptedServer([[half]]) as cut, Site({}) as server:
        short = f"http://127.0.0.1:{cut.port}/x.png"
        server.routes = {"/": page("/never", "/ok", embeds=(short,)), "/never": Flaky(99), "/ok": page(), "/after": page()}
        crawl = Crawl(holdings_with(), plan(server.url(), pace=replace(FAST, retries=0)))
        fast = Ticking(100)
        crawl.run(fast=fast)
        rows = check(crawl)
        assert rows[short].failure == "cut-short" and rows[short].reason
        server.routes = {**server.routes, "/never": page("/after")}
        cut.scripts = [[b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole"]]
        assert crawl.control.retry_failed(crawl.number) == 2
        crawl.run(fast=fast)
        rows = check(crawl)
        assert rows[server.url("/never")].status == 200 and rows[server.url("/after")].state is TAKEN
        assert content(crawl.holdings, rows[short]) == b"whole"
        assert server.paths.count("/ok") == 1


def test_connections_that_end_without_a_word_lose_nothing(holdings_with: OpenHoldings) -> None:
    picture = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 3\r\n\r\nPNG"
    with ScriptedServer([[picture, Act.NEXT, picture], [picture, Act.NEXT, Act.RESET]]) as brief, Site({}) as server:
        urls = [f"http://127.0.0.1:{brief.port}/{number}.png" for number in range(30)]
        server.routes = {"/": page(embeds=urls)}
        crawl = Crawl(holdings_with(), plan(server.url(), pace=replace(FAST, retries=0)))
        assert crawl.run().state == "finished"
        rows = check(crawl)
    assert {(rows[url].state, rows[url].attempts) for url in urls} == {(TAKEN, 1)}
    assert all(len(captures(crawl.holdings, url)) == 1 for url in urls)


def test_large_answers_are_read_to_their_end_beside_small_ones(holdings_with: OpenHoldings) -> None:
    long = page("/after", text="<i>much</i> " * 200_000)
    assert len(long.body) > 2_000_000 and long.body.index(b"/after") > 0
    with Site({"/": page("/long", "/small"), "/long": long, "/small": page(), "/after": page()}) as server:
        crawl = Crawl(holdings_with(), plan(server.url(), pace=FAST))
        assert crawl.run().state == "finished"
        rows = check(crawl)
        assert Counter(server.paths) == Counter({"/": 1, "/long": 1, "/small": 1, "/after": 1})
    assert {row.state for row in rows.values()} == {TAKEN}
    assert content(crawl.holdings, rows[server.url("/long")]) == long.body


def test_what_is_long_once_it_is_unpacked_is_read_where_nothing_waits_for_it(
    holdings_with: OpenHoldings, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers: list[tuple[str, str]] = []

    def noted(visit: Visit, *arguments: Any, **values: Any) -> None:
        follow(visit, *arguments, **values)
        readers.append((visit.entry.url, current_thread().name))

    monkeypatch.setattr("archiver.crawl.visit.follow", noted)
    long = b"<title>Long</title>" + b"<i>much</i> " * 300_000 + b"<a href=/after>x</a>"
    packed = gzip.compress(long)
    routes = {"/": page("/small", "/long"), "/small": page(), "/after": page()}
    with Site({**routes, "/long": text(packed, "text/html", 200, ("Content-Encoding", "gzip"))}) as server:
        crawl = Crawl(holdings_with(), plan(server.url(), pace=FAST))
        assert crawl.run().state == "finished"
        rows = check(crawl)
        assert Counter(server.paths) == Counter(dict.fromkeys(("/", "/small", "/long", "/after"), 1))
    assert {row.state for row in rows.values()} == {TAKEN}
    assert content(crawl.holdings, rows[server.url("/long")]) == long and len(packed) < 100_000
    assert crawl.titles()[server.url("/long")] == "Long"
    by_threads = {url for url, name in readers if name.startswith("fetch")}
    assert by_threads == {server.url("/long")}


def test_a_dead_host_is_given_up_with_a_reason_and_comes_back_when_told(holdings_with: OpenHoldings) -> None:
    polite = Pace(factor=0, min_seconds=0.1, max_seconds=1, retries=50)
    with ScriptedServer([[Act.RESET]]) as broken, Site({}) as server:
        urls = [f"http://127.0.0.1:{broken.port}/{number}.png" for number in range(3)]
        server.routes = {"/": page(embeds=urls)}
        crawl = Crawl(holdings_with(), plan(server.url(), pace=polite))
        fast = Ticking(400)
        assert crawl.run(fast=fast).state == "finished"
        rows = check(crawl)
        assert {rows[url].state for url in urls} == {QUEUED}
        (queue,) = [queue for queue in crawl.queues() if queue.retired]
        assert queue.retired == "dead" and "broke the connection 8 times" in queue.retired_reason
        assert "1 host given up" in crawl.row().ended
        broken.scripts = [[b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"]]
        crawl.control.retry_failed(crawl.number)
        crawl.run(fast=fast)
        rows = check(crawl)
        assert {rows[url].state for url in urls} == {TAKEN}


@pytest.mark.parametrize(
    ("script", "state"),
    [
        ([b"\x00\x01\x02 no HTTP at all\r\n\r\n"], FAILED),
        ([b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 3_000_000 + b"\r\n\r\nbody"], None),
        ([b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(30_000)) + b"\r\nbody"], None),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nshort"], TAKEN),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nlonger than it says"], TAKEN),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nnegative"], None),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nno number\r\n"], None),
        ([b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: text/html\r\n\r\nno gzip"], TAKEN),
        ([b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=\xff\xfe\x00\r\n\r\n<title>\x00&#xD800;&#0;</title>"], TAKEN),
        ([b"HTTP/1.1 200 OK\r\nContent-Type: te\x00xt/h\xc3\xa4\r\nSet-Cookie: \x00=\xff\r\n\r\n<a href=x>"], None),
        ([b"HTTP/1.1 302 \xff\r\nLocation: \x00\xff//[\r\nContent-Length: 0\r\n\r\n"], None),
        (
            [b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<a href='http://a\x00b/\xff'><a href='//[::'><base href=':'>"],
            TAKEN,
        ),
        ([b"HTTP/1.1 999 \r\n\r\n"], None),
        ([], None),
    ],
)
def test_garbage_does_not_end_a_crawl(script: list[Step], state: UrlState | None, holdings_with: OpenHoldings) -> None:
    with ScriptedServer([script]) as odd, Site({}) as server:
        url = f"http://127.0.0.1:{odd.port}/odd"
        server.routes = {"/": page("/fine", embeds=(url,)), "/fine": page()}
        crawl = Crawl(holdings_with(), plan(server.url(), url, pace=replace(FAST, retries=1)))
        assert crawl.run(fast=Ticking(1000)).state == "finished"
        rows = check(crawl)
    assert rows[server.url("/fine")].state is TAKEN
    assert rows[url].state is state or (state is None and rows[url].state in (TAKEN, FAILED))
    assert rows[url].state is TAKEN or rows[url].reason


def test_a_bomb_is_kept_as_it_came_and_read_only_so_far(holdings_with: OpenHoldings) -> None:
    bomb = gzip.compress(b"<p>" + bytes(200_000_000))
    zipped = Answer(bomb, headers=(("Content-Encoding", "gzip"),))
    with Site({"/": page("/bomb", "/fine"), "/bomb": zipped, "/fine": page()}) as server:
        crawl = Crawl(holdings_with(), plan(server.url()))
        assert crawl.run().state == "finished"
        rows = check(crawl)
    row = rows[server.url("/bomb")]
    assert row.state is TAKEN and row.length >= len(bomb)
    assert (row.failure == "too-large" and row.reason) or "longer than what is read" in row.detail


# -- repeats ---------------------------------------------------------------------------------------------------------


def unchanging(asked: Asked) -> Answer:
    """A page with an ETag."""
    if asked.headers.get("If-None-Match") == '"one"':
        return Answer(b"", status=304, headers=(("ETag", '"one"'),))
    return replace(page("/leaf", text="long " * 200), headers=(("ETag", '"one"'),))


def test_a_second_crawl_asks_whether_things_changed_and_follows_the_links_of_those_that_did_not(
    holdings_with: OpenHoldings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def far_away(*values: Any) -> Any:
        until(lambda: "/newer" in other.paths, 5)  # what is read from the archive holds up nothing else
        return unchanged(*values)

    def after_same(_: Asked) -> Answer:
        until(lambda: "/same" in server.paths)
        return page("/newer")

    holdings = holdings_with()
    leaf = page(title="Leaf", text="leaf " * 200)
    other = Site({"/": after_same, "/newer": page()})
    with other, Site({"/": page("/same"), "/same": unchanging, "/leaf": leaf}) as server:
        first = Crawl(holdings, plan(server.url()))
        first.run()
        check(first)
        server.asked.clear()
        second = Crawl(holdings, plan(server.url(), other.url()))
        monkeypatch.setattr(visit, "unchanged", far_away)
        assert second.run().state == "finished"
        rows = check(second)
        assert Counter(server.paths) == Counter(["/", "/same", "/leaf"])
        same, again = rows[server.url("/same")], rows[server.url("/leaf")]
        assert (same.status, same.is_new, same.mime) == (304, 0, "text/html")
        assert (again.status, again.is_new) == (200, 0)
        assert again.via_id == same.id
        assert {capture.revisit_of is not None for capture in captures(holdings, again.url)} == {True, False}
        assert second.titles()[server.url("/same")] == "A page"
        third = Crawl(holdings, plan(server.url(), dedup=DedupMode.OFF))
        third.run()
        rows = check(third)
        assert {row.is_new for row in rows.values()} == {1}
        assert rows[server.url("/same")].status == 200
    assert not any("If-None-Match" in asked.headers for asked in server.asked[-5:])


# -- logins ----------------------------------------------------------------------------------------------------------

LINKS = "".join(f"<a href=/{name}>{name}</a>" for name in "abcdefgh")
MEMBERS = {
    "/": f"<title>in</title>{LINKS}<a href=/logout>x</a><a href='/wiki?action=logout'>x</a>".encode(),
    **{f"/{name}": f"<title>{name}</title>{LINKS} {name}".encode() for name in "abcdefgh"},
}


def cookies(folder: Path, session: str) -> str:
    """A cookies file with a session."""
    path = folder / "cookies.txt"
    path.write_text(f"# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tsid\t{session}\n")
    path.chmod(0o600)
    return str(path)


def stored(crawl: Crawl) -> bytes:
    """Everything in the WARC files, decompressed."""
    found = b""
    for path in crawl.holdings.store.root.glob("*.gz"):
        with gzip.open(path) as stream:
            found += stream.read()
    return found


def test_a_crawl_with_a_cookie_sees_what_members_see_and_keeps_it_secret(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    members = Members(MEMBERS)
    routes: dict[str, Route] = dict.fromkeys((*MEMBERS, "/login", "/logout"), members.by_cookie)
    with Site(routes) as server:
        crawl = Crawl(holdings_with(), plan(server.url(), login=Login(cookies=cookies(tmp_path, SESSION))))
        assert crawl.run().state == "finished"
        rows = check(crawl)
        assert set(server.paths) == set(MEMBERS)
    assert rows[server.url("/logout")].verdict == "logout"
    assert rows[server.url("/wiki?action=logout")].verdict == "logout"
    assert SESSION.encode() not in stored(crawl)
    crawl.control.change(crawl.number, replace(crawl.control.info(crawl.number).plan, extra_hops=1))
    with Site(routes):
        crawl.run()
    assert check(crawl)[server.url("/logout")].verdict == "logout"


def test_a_crawl_with_a_password_keeps_it_secret(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    members = Members(MEMBERS)
    with Site(dict.fromkeys(MEMBERS, members.by_basic)) as server:
        secrets = tmp_path / "passwords"
        secrets.write_text(f'[[login]]\nhost = "127.0.0.1"\nuser = "{USER}"\npassword = "{PASSWORD}"\n')
        secrets.chmod(0o600)
        crawl = Crawl(holdings_with(), plan(server.url(), login=Login(credentials=str(secrets))))
        assert crawl.run().state == "finished"
        rows = check(crawl)
        assert {rows[server.url(path)].status for path in MEMBERS} == {200}
    kept = stored(crawl)
    assert PASSWORD.encode() not in kept and b"Basic a" not in kept


def test_a_session_that_ends_pauses_the_crawl_until_there_is_another(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    members = Members(MEMBERS)

    def ending(asked: Asked) -> Answer:
        if len(server.paths) == 4:
            members.session = ""
        return members.by_cookie(asked)

    routes: dict[str, Route] = {**dict.fromkeys(MEMBERS, ending), "/login": members.by_cookie}
    with Site(routes) as server:
        login = Login(cookies=cookies(tmp_path, SESSION))
        crawl = Crawl(holdings_with(connections=1), plan(server.url(), login=login, limits=Limits(documents=100)))
        crawl.begin(fast=Ticking(1))
        # /c is answered with the login page; two more have to be, before that counts as the end of the session.
        until(lambda: crawl.outcome or crawl.row().state == "paused")
        assert crawl.row().state == "paused" and "log in again" in crawl.row().ended
        members.session = "another-session-4711"
        server.routes = dict.fromkeys(routes, members.by_cookie)
        cookies(tmp_path, members.session)
        crawl.control.want(crawl.number, "run")
        assert crawl.join().state == "finished"
        rows = check(crawl)
    assert {path for path in MEMBERS if rows[server.url(path)].status != 200} == set()
    assert b"another-session" not in stored(crawl)
