"""Jobs: asked for once, done once, by whoever lives; told of, cancelled, tried again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Event, Thread
from typing import Any

import pytest
from sqlalchemy import update

from archiver.collections.reports import CrawlReports
from archiver.crawl.control import CrawlControl
from archiver.crawljobs import begin_crawl, go_on
from archiver.engine import StopSignal
from archiver.errors import Conflict, Interrupted, NotFound, UnknownCollection, UsageError
from archiver.holdings import Holdings, open_holdings, utc_now
from archiver.index.database import writing
from archiver.index.query import KeyRange
from archiver.index.worktables import jobs
from archiver.jobkinds import KINDS
from archiver.jobrunner import Later, Runner, Work
from archiver.jobs import Job, JobRegistry, JobState, is_alive, this_process
from archiver.keeping import work_off
from archiver.settings import load_settings
from tests.archiver.crawling import page, plan
from tests.conftest import OpenHoldings
from tests.servers.lifelines import child
from tests.servers.postgresql import PostgreSQL
from tests.servers.routes import Answer, Asked, Route, RouteServer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
#: A process of this machine that cannot be: one with its number began at another time.
DEAD = f"{socket.gethostname()} {os.getpid()} 1"


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    return holdings_with()


def only(kind: Any) -> dict[str, Any]:
    return {"test": kind}


def nothing(_: Work) -> Mapping[str, Any]:
    return {}


def test_a_job_is_put_done_and_told_of(holdings: Holdings) -> None:
    registry = JobRegistry(holdings.engine, Clock())
    number = registry.put("test", {"word": "größer"}, "default", "ada", token="abc")
    waiting = registry.get(number)
    assert (waiting.state, waiting.collection, waiting.arguments) == (JobState.WAITING, "default", {"word": "größer"})
    seen: list[Job] = []

    def kind(work: Work) -> Mapping[str, Any]:
        work.show(3, 4, "at it")
        seen.append(registry.get(number))
        return {"length": len(work.job.arguments["word"])}

    done = Runner(holdings, only(kind), clock=Clock()).run_one()
    assert done is not None and (done.state, done.result, done.share) == (JobState.DONE, {"length": 6}, 1.0)
    assert done.started_at == done.finished_at == "2026-01-01T00:00:00.000000Z" and done.owner == ""
    assert (seen[0].state, seen[0].message, seen[0].share) == (JobState.RUNNING, "at it", 0.75)
    assert registry.of_token("abc").number == number
    assert Runner(holdings, only(kind)).run_one() is None
    entry = next(holdings.audit.entries(newest_first=True))
    assert (entry.actor, entry.action, entry.subject) == ("ada", "job.test", f"job {number} of default")


def test_what_is_not_there(holdings: Holdings) -> None:
    registry = JobRegistry(holdings.engine, Clock())
    with pytest.raises(NotFound):
        registry.get(5)
    with pytest.raises(NotFound):
        registry.of_token("")
    with pytest.raises(NotFound):
        registry.cancel(5, "ada")
    with pytest.raises(UnknownCollection):
        registry.put("test", {}, "nowhere")


def test_jobs_are_listed(holdings: Holdings) -> None:
    registry = JobRegistry(holdings.engine, Clock())
    numbers = [registry.put(kind, {}, slug) for kind, slug in (("a", "default"), ("b", None), ("a", None))]
    registry.cancel(numbers[2], "ada")
    assert [job.number for job in registry.list()] == numbers[::-1]
    assert [job.number for job in registry.list(kinds=["a"], states=[JobState.WAITING])] == numbers[:1]
    assert [job.number for job in registry.list(without=["a"])] == [numbers[1]]
    assert [job.number for job in registry.list(collection="default")] == numbers[:1]
    assert [job.number for job in registry.list(before=numbers[2], limit=1)] == [numbers[1]]
    assert registry.counts() == {JobState.WAITING: 2, JobState.CANCELLED: 1}


def test_an_equal_job_is_asked_for_once(holdings: Holdings) -> None:
    registry = JobRegistry(holdings.engine, Clock())
    first = registry.put("test", {"b": 1, "a": 2}, once=True)
    assert registry.put("test", {"a": 2, "b": 1}, once=True) == first
    assert registry.put("test", {"a": 3}, once=True) != first
    while Runner(holdings, only(nothing)).run_one():
        pass
    assert registry.put("test", {"a": 2, "b": 1}, once=True) != first  # that one is over


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, holdings_with: OpenHoldings, tmp_path: Path) -> Holdings:
    if request.param == "sqlite":
        return holdings_with()
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return holdings_with(database=server.new_archive())


def test_workers_never_take_the_same_job(either: Holdings) -> None:
    registry = JobRegistry(either.engine, utc_now)
    numbers = [registry.put("test", {"n": n}) for n in range(30)]
    taken: list[int] = []
    begin = Barrier(4)

    def work() -> None:
        begin.wait(20)
        while (job := registry.claim(this_process(), ["test"])) is not None:
            taken.append(job.number)

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(taken) == numbers


def test_the_job_of_a_dead_process_is_taken_again_with_what_it_kept(holdings: Holdings) -> None:
    registry = JobRegistry(holdings.engine, Clock())
    number = registry.put("test", {})
    later = registry.put("test", {})
    assert registry.claim(DEAD, ["test"]) is not None
    assert registry.beat(number, DEAD, result={"so far": 7}) == ""
    again = registry.claim(this_process(), ["test"])
    assert again is not None and (again.number, again.result, again.deaths) == (number, {"so far": 7}, 1)
    assert registry.beat(number, DEAD) == "lost"
    assert not registry.end(number, DEAD, JobState.DONE)
    next_one = registry.claim(this_process(), ["test"])
    assert next_one is not None and next_one.number == later
    assert registry.claim(this_process(), ["test"]) is None


def test_a_process_elsewhere_is_believed_dead_when_it_is_silent(holdings: Holdings) -> None:
    clock = Clock()
    registry = JobRegistry(holdings.engine, clock)
    number = registry.put("test", {})
    assert registry.claim("elsewhere 5 99", ["test"]) is not None
    clock.now += timedelta(seconds=100)
    assert not registry.is_due(["test"])
    assert registry.beat(number, "elsewhere 5 99") == ""
    clock.now += timedelta(seconds=119)
    assert registry.claim(this_process(), ["test"]) is None
    clock.now += timedelta(seconds=2)
    assert registry.is_due(["test"])
    again = registry.claim(this_process(), ["test"])
    assert again is not None and again.number == number


@pytest.mark.parametrize("owner", ["", "x", "x y z", "a 1", "host -1 -1", "host 1 2 x"])
def test_odd_owners_are_dead(owner: str) -> None:
    assert not is_alive(owner, 0)


def test_what_kills_its_process_again_and_again_is_given_up(holdings: Holdings) -> None:
    registry = JobRegistry(holdings.engine, Clock())
    number = registry.put("test", {})
    for _ in range(5):
        assert registry.claim(DEAD, ["test"]) is not None
    assert registry.claim(DEAD, ["test"]) is None
    job = registry.get(number)
    assert job.state is JobState.FAILED and "again and again" in job.message
    assert registry.retry(number, "ada").state is JobState.WAITING


def test_a_running_job_is_cancelled_and_tried_again(holdings: Holdings) -> None:
    registry = JobRegistry(holdings.engine, Clock())
    number = registry.put("test", {})

    def kind(work: Work) -> Mapping[str, Any]:
        if work.job.result:
            return {"rest": True}
        work.keep({"half": True})
        registry.cancel(number, "ada")
        while not work.stop.finish.is_set():
            work.keep({"half": True})
        assert not work.stop.abort.is_set()
        registry.cancel(number, "ada")
        while not work.stop.abort.is_set():
            work.keep({"half": True})
        raise Interrupted("It was half done.")

    runner = Runner(holdings, only(kind))
    ended = runner.run_one()
    assert ended is not None and (ended.state, ended.message) == (JobState.CANCELLED, "It was half done.")
    with pytest.raises(Conflict):
        registry.cancel(number, "ada")
    registry.retry(number, "ben")
    done = runner.run_one()
    assert done is not None and (done.state, done.result) == (JobState.DONE, {"rest": True})
    with pytest.raises(Conflict):
        registry.retry(number, "ben")
    actions = [entry.action for entry in holdings.audit.entries()]
    assert actions == ["job.cancel", "job.cancel", "job.retry"]


def test_a_waiting_job_is_cancelled_at_once(holdings: Holdings) -> None:
    registry = JobRegistry(holdings.engine, Clock())
    number = registry.put("test", {})
    assert registry.cancel(number, "ada").state is JobState.CANCELLED
    assert Runner(holdings, only(nothing)).run_one() is None


def test_a_job_whose_process_is_stopped_waits_for_the_next(holdings: Holdings) -> None:
    registry = JobRegistry(holdings.engine, Clock())
    registry.put("test", {})
    stop = StopSignal()

    def kind(work: Work) -> Mapping[str, Any]:
        stop.press()
        assert work.stop.finish.wait(20)
        work.go_on()
        return {}

    ended = Runner(holdings, only(kind), stop=stop).run_one()
    assert ended is not None and (ended.state, ended.owner) == (JobState.WAITING, "")
    assert Runner(holdings, only(nothing), stop=stop).run_one() is None
    done = Runner(holdings, only(nothing)).run_one()
    assert done is not None and done.state is JobState.DONE


def fails(_: Work) -> Mapping[str, Any]:
    raise UsageError("This is wrong.", "Do that.")


def breaks(_: Work) -> Mapping[str, Any]:
    raise ZeroDivisionError


@pytest.mark.parametrize(("kind", "said"), [(fails, "This is wrong. Do that."), (breaks, "An unexpected error ended it.")])
def test_what_fails_says_why(holdings: Holdings, kind: Any, said: str) -> None:
    registry = JobRegistry(holdings.engine, Clock())
    registry.put("test", {})
    ended = Runner(holdings, only(kind)).run_one()
    assert ended is not None and ended.state is JobState.FAILED and ended.message.startswith(said)


def test_what_cannot_be_done_now_is_put_off(holdings: Holdings) -> None:
    clock = Clock()
    JobRegistry(holdings.engine, clock).put("test", {})

    def later(work: Work) -> Mapping[str, Any]:
        work.keep({"tried": work.job.result.get("tried", 0) + 1})
        if work.job.result.get("tried") != 1:
            raise Later("Not now.", 60)
        return {"tried": 2}

    runner = Runner(holdings, only(later), clock=clock)
    first = runner.run_one()
    assert first is not None and (first.state, first.message, first.result) == (JobState.WAITING, "Not now.", {"tried": 1})
    clock.now += timedelta(seconds=59)
    assert runner.run_one() is None
    clock.now += timedelta(seconds=1)
    second = runner.run_one()
    assert second is not None and second.state is JobState.DONE


def test_a_row_that_somebody_spoilt_is_read_all_the_same(holdings: Holdings) -> None:
    registry = JobRegistry(holdings.engine, Clock())
    number = registry.put("test", {"a": 1})
    with writing(holdings.engine) as connection:
        connection.execute(update(jobs).values(arguments="{torn", result="[1]"))
    assert (registry.get(number).arguments, registry.get(number).result) == ({}, {})


# -- what jobs do ----------------------------------------------------------------------------------------------------


def test_a_crawl_is_a_job(holdings: Holdings) -> None:
    with RouteServer({"/": page("/a", "/b"), "/a": page(), "/b": page()}) as server:
        crawl, number = begin_crawl(holdings, "default", plan(server.url("/")), clock=utc_now, created_by="ada")
        ended = work_off(holdings, StopSignal())
    assert [(job.number, job.state) for job in ended] == [(number, JobState.DONE)]
    assert (ended[0].result["state"], ended[0].result["documents"]) == ("finished", 4)  # with its icon
    assert CrawlReports(holdings.engine).find(crawl, None).state == "finished"


def test_a_crawl_that_is_paused_gives_its_process_to_others_and_goes_on(holdings: Holdings) -> None:
    control = CrawlControl(holdings.engine, utc_now)
    crawls: list[int] = []

    def pausing(_: Asked) -> Answer:
        control.want(crawls[0], "pause")
        return page()

    with RouteServer({"/": page("/a", "/b"), "/a": pausing, "/b": page("/c"), "/c": page()}) as server:
        begun = begin_crawl(holdings, "default", plan(server.url("/")), clock=utc_now)
        crawls.append(begun[0])
        paused = work_off(holdings, StopSignal())
        assert [(job.state, job.result["state"]) for job in paused] == [(JobState.DONE, "paused")]
        assert CrawlReports(holdings.engine).find(crawls[0], None).state == "paused"
        assert go_on(holdings, crawls[0], clock=utc_now, created_by="ada") is not None
        ended = work_off(holdings, StopSignal())
    assert (ended[0].result["state"], ended[0].result["documents"]) == ("finished", 5)


def test_pages_are_captured_and_verified(holdings: Holdings) -> None:
    registry = JobRegistry(holdings.engine, utc_now)
    with RouteServer({"/": page(embeds=["/i.png", "/gone.png"]), "/i.png": Answer(b"i", "image/png")}) as server:
        registry.put("capture", {"urls": [server.url("/"), "http://127.0.0.1:1/"]}, "default")
        (capture,) = work_off(holdings, StopSignal())
    assert capture.state is JobState.DONE and capture.result["captured"] == 1
    first, second = capture.result["pages"]
    assert first["resources"] == 4 and first["timestamp"] and second["timestamp"] is None and second["missing"]
    for kind, arguments in (
        ("verify", {}),
        ("export", {"form": "wacz"}),
        ("export", {"form": "json"}),
        ("texts", {"again": True}),
    ):
        registry.put(kind, arguments, None if kind in ("verify", "texts") else "default")
    verify, wacz, described, texts = work_off(holdings, StopSignal())
    assert {job.state for job in (verify, wacz, described, texts)} == {JobState.DONE}
    assert verify.result["files"] >= 1 and verify.result["errors"] == 0
    assert wacz.result["captures"] == 4 and texts.result["documents"] >= 1
    output = holdings.settings.archive / "exports" / wacz.result["file"]
    assert output.read_bytes()[:2] == b"PK"
    registry.put("import", {"sources": [str(output)]}, "default")
    (imported,) = work_off(holdings, StopSignal())
    assert imported.state is JobState.DONE
    registry.put("import", {"sources": ["/nowhere"]}, "default")
    (refused,) = work_off(holdings, StopSignal())
    assert (refused.state, refused.message) == (JobState.FAILED, "There is no file /nowhere.")
    registry.put("export", {"form": "pdf"}, "default")
    registry.put("purge", {"deletion": 77}, "default")
    assert [job.state for job in work_off(holdings, StopSignal())] == [JobState.FAILED] * 2


def test_pages_that_were_captured_are_not_captured_again(holdings: Holdings) -> None:
    asked = Counter[str]()
    stop, release = StopSignal(), Event()

    def counted(request: Asked) -> Answer:
        asked[request.path] += 1
        if request.path == "/c" and asked["/c"] == 1:
            stop.press()
            stop.press()
            release.wait(20)
        return page()

    with RouteServer({"/a": counted, "/b": counted, "/c": counted}) as server:
        JobRegistry(holdings.engine, utc_now).put("capture", {"urls": [server.url(f"/{x}") for x in "abc"]}, "default")
        (first,) = work_off(holdings, stop)
        release.set()
        assert first.state is JobState.WAITING
        (second,) = work_off(holdings, StopSignal())
    assert second.state is JobState.DONE and second.result["captured"] == 3
    assert (asked["/a"], asked["/b"], asked["/c"]) == (1, 1, 2)


# -- killed ----------------------------------------------------------------------------------------------------------


def worker(home: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    code = "from archiver.cli.work import work; raise SystemExit(work.main(standalone_mode=False))"
    command = [sys.executable, "-c", code, "--archive", str(home), "--once", "--json"]
    environment = {**os.environ, "MUNIMENT_ALLOW_PRIVATE": "yes", "MUNIMENT_CONNECTIONS": "2"}
    return child(command, stdout=subprocess.PIPE, env=environment)


def test_a_worker_that_is_killed_in_the_middle_of_a_crawl(tmp_path: Path) -> None:
    victims: list[int] = []
    asked = Counter[str]()

    def deadly(request: Asked) -> Answer:
        asked[request.path] += 1
        if victims:
            os.kill(victims.pop(), signal.SIGKILL)
        return page()

    names = [f"/p{n}" for n in range(12)]
    routes: dict[str, Route] = {"/": page(*names), **{name: page() for name in names}, "/p7": deadly}
    with RouteServer(routes) as server:
        with open_holdings(load_settings({"archive": tmp_path}, environ={})) as holdings:
            crawl, number = begin_crawl(holdings, "default", plan(server.url("/")), clock=utc_now)
        with worker(tmp_path) as first:
            victims.append(first.pid)
            assert first.wait(60) == -signal.SIGKILL
        with open_holdings(load_settings({"archive": tmp_path}, environ={})) as holdings:
            assert JobRegistry(holdings.engine, utc_now).get(number).state is JobState.RUNNING
        with worker(tmp_path) as second:
            output, _ = second.communicate(timeout=60)
    assert second.returncode == 0
    [job] = json.loads(output)
    assert (job["job"], job["state"], job["result"]["state"]) == (number, "done", "finished")
    assert job["result"]["documents"] == 14 and asked["/p7"] == 2
    with open_holdings(load_settings({"archive": tmp_path}, environ={})) as holdings:
        keys = Counter(capture.url for capture in holdings.index.scan(["default"], [KeyRange("", None)]))
    assert set(keys.values()) == {1} and len(keys) == 14 and crawl == 1


def test_every_kind_can_be_told_by_name() -> None:
    assert {"crawl", "capture", "import", "export", "verify", "texts", "purge"} <= set(KINDS)
