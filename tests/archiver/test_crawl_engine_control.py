"""Crawls that are paused, stopped, changed and resumed while they run, as from another terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from multiprocessing.context import ForkServerProcess
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from archiver.crawl import keeper, supervise
from archiver.crawl.decision import UrlState
from archiver.crawl.forking import Reserve
from archiver.crawl.plan import Pace, Rule, RuleAction, RuleMatch, ScopeKind, Seed, Traps
from archiver.crawl.recovery import Recovery
from archiver.engine import StopSignal
from archiver.errors import Conflict, StorageFailed
from tests.archiver.crawling import Crawl, Site, Ticking, check, content, page, plan, text, until
from tests.conftest import OpenHoldings
from tests.servers.routes import Answer, Asked, Route
from tests.servers.scripted import Act, ScriptedServer

TAKEN, QUEUED, OUTSIDE = UrlState.CAPTURED, UrlState.QUEUED, UrlState.OUT_OF_SCOPE


class Gate:
    """Answers that are held back until told.

    Attributes:
        open: to be set.
        waiting: one is held back.
        first: path of that one.
    """

    def __init__(self) -> None:
        self.open = Event()
        self.waiting = Event()
        self.first = ""

    def held(self, answer: Answer) -> Callable[[Asked], Answer]:
        """The same answer, later."""

        def wait(asked: Asked) -> Answer:
            self.first = self.first or asked.path
            self.waiting.set()
            self.open.wait(20)
            return answer

        return wait


def changed(crawl: Crawl, **values: Any) -> None:
    crawl.control.change(crawl.number, replace(crawl.control.info(crawl.number).plan, **values))


def wide(count: int, gate: Gate) -> dict[str, Route]:
    """A home page with many links, of which any may come first; that one is held back."""
    paths = [f"/p{number}" for number in range(count + 1)]
    return {"/": page(*paths), **{path: gate.held(page(title=path)) for path in paths}}


def test_pause_and_resume(holdings_with: OpenHoldings) -> None:
    gate = Gate()
    with Site(wide(30, gate)) as server:
        crawl = Crawl(holdings_with(connections=1), plan(server.url()))
        crawl.begin(fast=Ticking(1))
        assert gate.waiting.wait(10)
        crawl.control.want(crawl.number, "pause")
        gate.open.set()
        until(lambda: crawl.row().state == "paused")
        asked = len(server.asked)
        assert asked < 32 and crawl.row().ended == "it was paused"
        with pytest.raises(Conflict):
            crawl.run()
        crawl.control.want(crawl.number, "run")
        assert crawl.join().state == "finished"
        check(crawl)
        assert set(Counter(server.paths).values()) == {1} and len(server.paths) == 32


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs proc(5)")
def test_a_worker_that_ended_and_was_not_asked_after_holds_no_crawl_up(
    holdings_with: OpenHoldings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Site({"/": page()}) as server:
        crawl = Crawl(holdings_with(), plan(server.url()))
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
            with monkeypatch.context() as patched:
                patched.setattr(os, "getpid", lambda: process.pid)
                worker = crawl.control.register(crawl.number)
            assert crawl.control.lost(crawl.number) == []
            process.kill()
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is still in the list of processes
            assert crawl.control.lost(crawl.number) == [worker]
            assert crawl.run().state == "finished"
        check(crawl)


def test_stop_and_resume(holdings_with: OpenHoldings) -> None:
    gate = Gate()
    with Site(wide(30, gate)) as server:
        crawl = Crawl(holdings_with(connections=1), plan(server.url()))
        fast = Ticking(1)
        crawl.begin(fast=fast)
        assert gate.waiting.wait(10)
        crawl.control.want(crawl.number, "stop")
        gate.open.set()
        assert crawl.join().state == "stopped"
        check(crawl)
        assert crawl.row().state == "stopped" and crawl.of(QUEUED)
        assert crawl.run(fast=fast).state == "finished"
        check(crawl)
        assert set(Counter(server.paths).values()) == {1} and len(server.paths) == 32


def test_the_first_interrupt_lets_requests_end(holdings_with: OpenHoldings) -> None:
    gate, stop = Gate(), StopSignal()
    with Site(wide(30, gate)) as server:
        crawl = Crawl(holdings_with(connections=1), plan(server.url()))
        crawl.begin(stop=stop)
        assert gate.waiting.wait(10)
        stop.press()
        gate.open.set()
        assert crawl.join().state == "stopped"
        rows = check(crawl)
        assert rows[server.url(gate.first)].state is TAKEN and crawl.of(QUEUED)
        assert crawl.run().state == "finished"
        check(crawl)
        assert set(Counter(server.paths).values()) == {1}


def test_the_second_interrupt_cuts_and_what_was_cut_is_fetched_again(holdings_with: OpenHoldings) -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\nhalf of it"
    whole = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nwhole"
    stop = StopSignal()
    with ScriptedServer([[half, Act.STALL], [whole]]) as server:
        url = f"http://127.0.0.1:{server.port}/"
        crawl = Crawl(holdings_with(), plan(url))
        crawl.begin(stop=stop)
        until(lambda: server.requests)
        stop.press()
        stop.press()
        assert crawl.join().state == "stopped"
        row = check(crawl)[url]
        assert (row.state, row.failure, row.attempts) == (QUEUED, "interrupted", 0)
        assert content(crawl.holdings, row) == b"half of it"
        assert crawl.run().state == "finished"
        row = check(crawl)[url]
        assert (row.state, row.failure, content(crawl.holdings, row)) == (TAKEN, None, b"whole")
    assert crawl.records()["response", url] == 2


def test_a_wider_scope_lets_in_what_was_refused(holdings_with: OpenHoldings) -> None:
    gate = Gate()
    with Site({}) as server:
        server.routes = {
            "/d/": page("/out", "/d/held", "/logout"),
            "/d/held": gate.held(page()),
            "/out": page("/further"),
            "/further": page(),
            "/logout": page(),
        }
        crawl = Crawl(holdings_with(), plan(server.url("/d/"), scope=ScopeKind.PREFIX))
        crawl.begin(fast=Ticking(1))
        assert gate.waiting.wait(10)
        until(lambda: server.url("/out") in crawl.of(OUTSIDE))
        changed(crawl, scope=ScopeKind.HOST)
        until(lambda: server.url("/out") not in crawl.of(OUTSIDE))  # while it runs
        gate.open.set()
        assert crawl.join().state == "finished"
        rows = check(crawl)
        assert Counter(server.paths) == Counter(["/d/", "/d/held", "/out", "/further", "/logout"])
    assert rows[server.url("/out")].verdict == "in-scope"


def test_what_was_refused_for_other_reasons_than_the_scope_stays_out(holdings_with: OpenHoldings) -> None:
    body = b'<a rel="nofollow" href="/d/unfollowed">x</a><a href="/out">x</a>'
    with Site({"/d/": Answer(body), "/d/unfollowed": page(), "/out": page()}) as server:
        crawl = Crawl(holdings_with(), plan(server.url("/d/"), scope=ScopeKind.PREFIX, robots_meta=True))
        crawl.run()
        assert check(crawl)[server.url("/d/unfollowed")].verdict == "nofollow"
        changed(crawl, scope=ScopeKind.HOST)
        crawl.run()
        assert check(crawl)[server.url("/d/unfollowed")].verdict == "nofollow"
        assert server.paths == ["/d/", "/out"]
        changed(crawl, robots_meta=False)
        crawl.run()
        check(crawl)
        assert server.paths == ["/d/", "/out", "/d/unfollowed"]


def test_a_seed_gets_another_scope_and_others_join(holdings_with: OpenHoldings) -> None:
    with Site({"/d/": page("/out"), "/out": page(), "/else": page()}) as server:
        crawl = Crawl(holdings_with(), plan(Seed(server.url("/d/"), ScopeKind.PREFIX), scope=ScopeKind.PAGE))
        crawl.run()
        assert server.paths == ["/d/"]
        changed(crawl, seeds=(Seed(server.url("/d/"), ScopeKind.HOST), Seed(server.url("/else"))))
        crawl.run()
        check(crawl)
        assert sorted(server.paths) == ["/d/", "/else", "/out"]


def test_a_block_rule_refuses_what_was_queued(holdings_with: OpenHoldings) -> None:
    gate = Gate()
    with Site(wide(30, gate)) as server:
        crawl = Crawl(holdings_with(connections=1), plan(server.url()))
        crawl.begin(fast=Ticking(1))
        assert gate.waiting.wait(10)
        changed(crawl, rules=(Rule(RuleAction.BLOCK, RuleMatch.TEXT, "/p2"),))
        gate.open.set()
        assert crawl.join().state == "finished"
        rows = check(crawl)
    late = [row for url, row in rows.items() if "/p2" in url and row.state is not TAKEN]
    assert late
    assert {(row.state, row.verdict) for row in late} == {(OUTSIDE, "block-rule")}
    assert not any(row.state is QUEUED for row in rows.values())


@pytest.mark.parametrize(
    ("narrower", "verdict"),
    [({"seeds": ("/d/", ScopeKind.PREFIX)}, "outside"), ({"traps": Traps(path_segments=1)}, "deep-path")],
)
def test_what_was_queued_is_refused_when_the_crawl_is_narrowed(
    holdings_with: OpenHoldings, narrower: dict[str, Any], verdict: str
) -> None:
    gate, paths = Gate(), [f"/out/p{number}" for number in range(30)]
    home = {"/d/": page(*paths, embeds=["/i.png"]), "/i.png": text("x", "image/png")}
    with Site({**home, **{path: gate.held(page()) for path in paths}}) as server:
        crawl = Crawl(holdings_with(connections=1), plan(server.url("/d/")))
        crawl.begin(fast=Ticking(1))
        assert gate.waiting.wait(10)
        if "seeds" in narrower:
            narrower = {"seeds": (Seed(server.url("/d/"), ScopeKind.PREFIX),)}
        changed(crawl, **narrower)
        gate.open.set()
        assert crawl.join().state == "finished"
        rows = check(crawl)
    late = {row.verdict for url, row in rows.items() if "/out/p" in url and row.state is not TAKEN}
    assert late == {verdict}
    assert rows[server.url("/i.png")].state is TAKEN
    assert not any(row.state is QUEUED for row in rows.values())


def test_lanes_become_one_queue_when_a_host_is_to_be_spared_after_all(holdings_with: OpenHoldings) -> None:
    gate = Gate()
    with Site(wide(40, gate)) as server:
        crawl = Crawl(holdings_with(connections=4), plan(server.url()))
        fast = Ticking(1)
        crawl.begin(fast=fast)
        assert gate.waiting.wait(10)
        changed(crawl, pace=Pace(factor=0, min_seconds=0.1, max_seconds=1))
        gate.open.set()
        assert crawl.join().state == "finished"
        check(crawl)
        assert set(Counter(server.paths).values()) == {1} and len(server.paths) == 42
        changed(crawl, pace=Pace(factor=0, min_seconds=0, max_seconds=0))
        assert crawl.run(fast=fast).state == "finished"
        check(crawl)


def test_hosts_with_nothing_left_make_room_for_others(holdings_with: OpenHoldings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "_HELD_QUEUES", 3)
    gate = Gate()
    sites = [Site({"/": page(title=f"{number}")}) for number in range(8)]
    with Site({}) as server:
        for site in sites:
            site.__enter__()
        try:
            server.routes = {"/": page("/held", *(site.url() for site in sites)), "/held": gate.held(page())}
            polite = Pace(factor=0, min_seconds=0.1, max_seconds=1)
            crawl = Crawl(holdings_with(), plan(server.url(), scope=ScopeKind.ANY, pace=polite))
            crawl.begin(fast=Ticking(1))
            until(lambda: all("/" in site.paths for site in sites))
            gate.open.set()
            assert crawl.join().state == "finished"
            check(crawl)
        finally:
            gate.open.set()
            for site in sites:
                site.__exit__(None, None, None)


def test_a_failure_to_write_ends_the_crawl_and_the_next_run_loses_nothing(
    holdings_with: OpenHoldings, monkeypatch: pytest.MonkeyPatch
) -> None:
    routes: dict[str, Route] = {"/": page(*(f"/p{number}" for number in range(20)))}
    routes |= {f"/p{number}": page(f"/q{number}", title=f"{number}", text="long " * 100) for number in range(20)}
    routes |= {f"/q{number}": page(title=f"{number}") for number in range(20)}
    with Site(routes) as server:
        crawl = Crawl(holdings_with(), plan(server.url()))
        from archiver.crawl.frontier import Frontier

        commit = Frontier.commit

        def failing(self: Frontier, batch: Any, **values: Any) -> Any:
            if len(server.asked) > 10:
                raise StorageFailed("The database cannot be used: disk I/O error.")
            return commit(self, batch, **values)

        monkeypatch.setattr(Frontier, "commit", failing)
        with pytest.raises(StorageFailed):
            crawl.run()
        monkeypatch.setattr(Frontier, "commit", commit)
        result = crawl.run()
        assert result.state == "finished" and result.recovery.adopted > 0
        check(crawl)
        counts = Counter(server.paths)
        # What was on its way when the database failed was cut, and is asked for again; nothing else is.
        again = {path for path, count in counts.items() if count > 1}
        assert set(counts) == set(routes) and max(counts.values()) <= 2
        assert len(again) <= crawl.holdings.settings.connections
        assert len(crawl.titles()) == 41
    twice = {url for (kind, url), count in crawl.records().items() if kind == "response" and count > 1}
    assert twice <= {server.url(path) for path in again}


def test_a_failure_to_write_a_record_keeps_what_was_written_before(
    holdings_with: OpenHoldings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from archiver.warc.writer import WarcWriter

    write = WarcWriter.write_exchange
    with Site({"/": page("/a"), "/a": page("/full"), "/full": page()}) as server:

        def failing(self: WarcWriter, exchange: Any, **values: Any) -> Any:
            if exchange.url.endswith("/full"):
                raise StorageFailed("The WARC file could not be written: No space left on device.")
            return write(self, exchange, **values)

        monkeypatch.setattr(WarcWriter, "write_exchange", failing)
        crawl = Crawl(holdings_with(connections=1), plan(server.url()))
        with pytest.raises(StorageFailed, match="No space left"):
            crawl.run()
        rows = check(crawl)
        assert rows[server.url("/a")].state is TAKEN and rows[server.url("/full")].state is QUEUED
        monkeypatch.setattr(WarcWriter, "write_exchange", write)
        assert crawl.run().state == "finished"
        check(crawl)
        assert Counter(server.paths) == Counter({"/": 1, "/a": 1, "/full": 2})


# -- workers that die ------------------------------------------------------------------------------------------------


class Mortal(Reserve):
    """Processes that end before they have done anything."""

    def __init__(self) -> None:
        super().__init__(0)

    def start(self, task: Callable[..., None], *arguments: Any) -> BaseProcess:
        return super().start(os._exit, 3)


def test_a_worker_that_cannot_be_replaced_stops_the_crawl_with_the_reason(
    holdings_with: OpenHoldings, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, real, calls = Gate(), supervise.recover, count()

    def recover(*arguments: Any, **values: Any) -> Recovery:
        if next(calls):  # the first call is before the crawl
            gate.open.set()
            raise StorageFailed("The disk is full.", "Free some of it.")
        return real(*arguments, **values)

    monkeypatch.setattr(supervise, "recover", recover)
    with Site({"/": gate.held(page("/a")), "/a": page()}) as server:
        crawl = Crawl(holdings_with(), plan(server.url(), pace=Pace(min_seconds=0.5)))
        result = supervise.run(crawl.holdings, crawl.number, software="test/1", workers=2, reserve=Mortal())
    assert result.state == "stopped"
    assert crawl.row().ended == "The disk is full"


def test_where_not_all_workers_can_be_made_none_goes_on(holdings_with: OpenHoldings, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[BaseProcess] = []

    def start(reserve: Reserve, task: Callable[..., None], *arguments: Any) -> BaseProcess:
        if made:
            raise StorageFailed("No process could be made.")
        made.append(real(reserve, signal.pause))
        return made[0]

    real = Reserve.start
    monkeypatch.setattr(Reserve, "start", start)
    crawl = Crawl(holdings_with(), plan("http://127.0.0.1:9/"))
    with pytest.raises(StorageFailed, match="No process"):
        crawl.run(workers=3)
    try:
        assert made[0].exitcode == -signal.SIGTERM
    finally:
        made[0].kill()
    assert crawl.row().state == "stopped"


def test_a_process_that_is_ended_before_it_hears_what_to_do_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    real, starts = ForkServerProcess.start, count()

    def start(process: ForkServerProcess) -> None:
        if next(starts) < 2:
            raise BrokenPipeError
        real(process)

    monkeypatch.setattr(ForkServerProcess, "start", start)
    with Reserve(0) as reserve:
        process = reserve.start(os._exit, 3)
        process.join(20)
        assert process.exitcode == 3
        monkeypatch.setattr(ForkServerProcess, "start", lambda process: (_ for _ in ()).throw(BrokenPipeError))
        with pytest.raises(StorageFailed, match="No process could be made"):
            reserve.start(os._exit, 3)
