"""The servers as processes: what is going on when they are stopped is kept, and none goes on without the others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from urllib.error import URLError

import pytest

from archiver.collections.reports import CrawlReports
from archiver.crawljobs import begin_crawl
from archiver.engine import StopSignal
from archiver.holdings import open_holdings, utc_now
from archiver.index.query import KeyRange
from archiver.jobs import JobRegistry, JobState
from archiver.keeping import work_off
from archiver.settings import load_settings
from archiver.urls import urlkey
from tests.archiver.crawling import plan
from tests.browser.conftest import free_port, make_token, serving, started, wait_for
from tests.servers.routes import Answer, Asked, RouteServer
from tests.servers.warcs import response_record


def test_a_capture_that_the_workbench_was_making_is_kept_when_it_is_stopped(tmp_path: Path) -> None:
    asked, release = Event(), Event()

    def slow(_: Asked) -> Answer:
        asked.set()
        release.wait(20)
        return Answer(b"late", "image/png")

    with RouteServer({"/": Answer(b"<p>here<img src=slow.png>"), "/slow.png": slow}) as server:
        with serving(tmp_path) as addresses:
            workbench = addresses[1]
            form = urllib.parse.urlencode({"url": server.url("/"), "collection": "default"}).encode()
            token = make_token(tmp_path)
            asking = urllib.request.Request(f"{workbench}save", form, {"Authorization": f"Bearer {token}"})
            urllib.request.urlopen(asking).close()
            assert asked.wait(20)
            reader, desk = (str(urllib.parse.urlsplit(address).port) for address in addresses)
            options = ("--port", reader, "--workbench-port", desk)
            with started(tmp_path / "second", *options, stderr=subprocess.PIPE) as (second, _):
                said = second.communicate(timeout=60)[1].decode()
            assert second.returncode == 1 and f"Error: Port {reader} on 127.0.0.1 cannot be used" in said
            Thread(target=release.set).start()
        files = list((tmp_path / "archive").iterdir())
        assert [file.suffix for file in files] == [".gz"]
        with open_holdings(load_settings({"archive": tmp_path}, environ={})) as holdings:
            assert holdings.repaired == ()
            assert holdings.index.newest(["default"], urlkey(server.url("/"))) is not None


def test_a_crawl_that_the_keeper_was_doing_goes_on_with_the_next_worker(tmp_path: Path) -> None:
    asked, release = Event(), Event()

    def slow(_: Asked) -> Answer:
        asked.set()
        release.wait(20)
        return Answer(b"<p>late")

    with RouteServer({"/": Answer(b"<a href=/slow>x</a><a href=/z>z</a>"), "/slow": slow, "/z": Answer(b"<p>z")}) as server:
        with open_holdings(load_settings({"archive": tmp_path}, environ={})) as holdings:
            crawl, number = begin_crawl(holdings, "default", plan(server.url("/")), clock=utc_now)
        with serving(tmp_path):
            assert asked.wait(30)
            Thread(target=release.set).start()
        with open_holdings(load_settings({"archive": tmp_path, "allow_private": True}, environ={})) as holdings:
            assert holdings.repaired == ()
            left = JobRegistry(holdings.engine, utc_now).get(number)
            assert left.state in (JobState.WAITING, JobState.DONE) and left.owner == ""
            work_off(holdings, StopSignal())
            assert JobRegistry(holdings.engine, utc_now).get(number).state is JobState.DONE
            assert CrawlReports(holdings.engine).find(crawl, None).state == "finished"
            assert {capture.url for capture in holdings.index.scan(["default"], [KeyRange("", None)])} >= {
                server.url(path) for path in ("/", "/slow", "/z")
            }


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


NAMES = ["reader", "workbench", "proxy", "keeper"]


@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("reader", "server"),
        ("reader", "worker"),
        ("workbench", "server"),
        ("proxy", "server"),
        ("keeper", "server"),
    ],
)
def test_when_one_server_dies_the_others_stop_and_say_so(tmp_path: Path, name: str, who: str) -> None:
    with started(tmp_path, "--proxy", str(free_port()), stderr=subprocess.PIPE) as (process, addresses):
        for address in addresses:
            wait_for(address, process)
        victim = children(process.pid)[NAMES.index(name)]
        os.kill(victim if who == "server" else children(victim)[0], signal.SIGKILL)
        _, said = process.communicate(timeout=60)  # ends when no process is left that could say something
    assert process.returncode == 1
    assert f"Error: The server of the {name} ended by itself, and the others with it. Start them again.\n" in said.decode()
    for address in addresses:
        with pytest.raises((URLError, ConnectionError)):
            urllib.request.urlopen(address, timeout=5)


def test_when_the_command_is_killed_its_servers_end_and_their_ports_are_free(tmp_path: Path) -> None:
    with started(tmp_path, "--proxy", str(free_port()), stderr=subprocess.PIPE) as (process, addresses):
        for address in addresses:
            wait_for(address, process)
        process.kill()
        process.communicate(timeout=60)  # ends when no process is left that could say something
    for address in addresses:
        with pytest.raises((URLError, ConnectionError)):
            urllib.request.urlopen(address, timeout=5)


def test_a_running_server_shows_what_comes_into_a_watched_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNIMENT_WATCH_SECONDS", "0.2")
    folder = tmp_path / "crawls"
    folder.mkdir()
    record = response_record("http://example.org/new", datetime(2020, 1, 1, tzinfo=UTC), b"<p>just came in</p>")
    with serving(tmp_path / "home") as (reader, _):
        command = [
            Path(sys.executable).with_name("muniment"),
            "--archive",
            tmp_path / "home",
            "import",
            "--in-place",
            "--watch",
        ]
        subprocess.run([*command, folder], check=True, capture_output=True)
        path = folder / "new.warc.gz"
        path.write_bytes(record)
        os.utime(path, (0, 0))  # nobody has written to it for long

        for _ in range(600):
            with suppress(URLError), urllib.request.urlopen(f"{reader}default/20200101mp_/http://example.org/new") as answer:
                assert b"just came in" in answer.read()
                return
            time.sleep(0.1)
    raise AssertionError("it did not come")
