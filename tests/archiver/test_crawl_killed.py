"""A crawl that is killed again and again, at any moment: nothing is lost, nothing is captured twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event, Lock

import pytest
from sqlalchemy import func, select

from archiver.crawl.decision import UrlState
from archiver.holdings import Holdings, open_holdings
from archiver.index.crawltables import crawl_counts, crawl_frontier, crawl_queues, crawl_urls, crawl_workers
from archiver.index.database import reading
from archiver.settings import load_settings
from archiver.warc.reader import StoredRecord, iter_records
from tests.servers.lifelines import child
from tests.servers.routes import Answer, Asked, RouteServer
from tests.servers.weed import ObjectServer

PICTURES = 80
CONNECTIONS = 8


def site(size: int) -> dict[str, bytes]:
    """Pages that link to each other at random, with pictures; all of them can be reached from the first."""
    chance = random.Random(4)
    pages = {}
    for number in range(size):
        links = [number * 2 + 1, number * 2 + 2, chance.randrange(size)]
        text = " ".join(chance.choices(["archive", "evidence", "capture", "record", "page"], k=400))
        text += "".join(f"<a href=/p{link}.html>x</a>" for link in links if link < size)
        text += "".join(f"<img src=/i{chance.randrange(PICTURES)}.png>" for _ in range(3))
        pages[f"/p{number}.html"] = f"<title>Page {number}</title><p>{text}".encode()
    for number in range(PICTURES):
        pages[f"/i{number}.png"] = chance.randbytes(2000)
    return pages


class Killer:
    """Answers a site, and kills a process with every so many requests.

    Attributes:
        served: requests by path.
        kills: so far; `wanted` in all.
        is_armed: requests count towards the next kill.
    """

    def __init__(self, seed: int, *, pages: int, kills: int) -> None:
        self.pages = site(pages)
        self.wanted = kills
        self.served: Counter[str] = Counter()
        self.kills = 0
        self.is_armed = False
        self._chance = random.Random(seed)
        self._left = 1
        self._lock = Lock()
        self._pause = Event()  # never set: it only lets time pass
        self.victims = lambda: list[int]()

    def arm(self) -> None:
        """From now on requests count."""
        with self._lock:
            self._left = self._chance.randrange(1, 40)
            self.is_armed = self.kills < self.wanted

    def answer(self, asked: Asked) -> Answer:
        while self.is_armed and not self.victims():
            self._pause.wait(0.01)  # the next one to be killed has not begun yet
        with self._lock:
            self.served[asked.path] += 1
            if self.is_armed:
                self._left -= 1
                if self._left <= 0:
                    self._kill()
        return Answer(self.pages[asked.path], "image/png" if asked.path.endswith(".png") else "text/html")

    def _kill(self) -> None:
        victims = self.victims()
        if victims:
            os.kill(self._chance.choice(victims), signal.SIGKILL)
            self.kills += 1
            self._left = self._chance.randrange(1, 40)
            self.is_armed = self.kills < self.wanted


def workers_of(parent: int) -> list[int]:
    """The worker processes of a supervisor: forks of its own, and what the server beside it has forked to replace them."""
    try:
        beside, own = children(parent), command_of(parent)
        forks = [process for process in beside if command_of(process) == own]
        return forks + [worker for server in beside if b"forkserver" in command_of(server) for worker in children(server)]
    except (FileNotFoundError, ProcessLookupError):
        return []


def children(parent: int) -> list[int]:
    return [int(pid) for task in Path(f"/proc/{parent}/task").glob("*/children") for pid in task.read_text().split()]


def command_of(process: int) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes()


def begin(home: Path, *arguments: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", "from archiver.cli.main import main; main()", "--archive", str(home), "crawl", *arguments]
    environment = {**os.environ, "MUNIMENT_CONNECTIONS": str(CONNECTIONS)}
    return child(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)


def ended(process: subprocess.Popen[bytes]) -> bool:
    """Wait for the command; True when it ended by itself."""
    output, _ = process.communicate(timeout=120)
    assert process.returncode in (0, -signal.SIGKILL), output.decode()
    return process.returncode == 0


def options(server: RouteServer) -> list[str]:
    return [server.url("/p0.html"), "--allow-private", "--delay", "0", "--robots", "ignore", "--no-sitemaps"]


def test_a_crawl_that_is_killed_again_and_again_captures_everything_once(tmp_path: Path) -> None:
    killer = Killer(seed=1, pages=250, kills=8)
    with RouteServer(dict.fromkeys(killer.pages, killer.answer)) as server:
        arguments = options(server)
        is_over = False
        while not is_over:
            with begin(tmp_path, *arguments) as process:
                killer.victims = lambda pid=process.pid: [pid]  # type: ignore[misc]
                killer.arm()
                is_over = ended(process)
            killer.is_armed = False
            arguments = ["resume"]
    assert killer.kills == killer.wanted
    check(tmp_path, killer, server, most_in_flight=killer.wanted * CONNECTIONS)


def test_workers_that_are_killed_are_replaced(tmp_path: Path) -> None:
    killer = Killer(seed=2, pages=400, kills=4)
    with (
        RouteServer(dict.fromkeys(killer.pages, killer.answer)) as server,
        begin(tmp_path, *options(server), "--workers", "3") as process,
    ):
        killer.victims = lambda: workers_of(process.pid)
        killer.arm()
        assert ended(process)
    assert killer.kills == killer.wanted
    check(tmp_path, killer, server, most_in_flight=killer.wanted * CONNECTIONS)


def test_crawls_into_object_storage_lose_nothing_either(
    s3: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNIMENT_STORE", "s3://archive/killed")
    monkeypatch.setenv("MUNIMENT_WARC_MAX_BYTES", "60000")  # files are finished, and sent, all the time
    killer = Killer(seed=3, pages=70, kills=3)
    with RouteServer(dict.fromkeys(killer.pages, killer.answer)) as server:
        arguments = [*options(server), "--workers", "2"]
        is_over = False
        while not is_over:
            with begin(tmp_path, *arguments) as process:
                killer.victims = lambda pid=process.pid: [pid, *workers_of(pid)]  # type: ignore[misc]
                killer.arm()
                is_over = ended(process)
            killer.is_armed = False
            arguments = ["resume"]
    assert killer.kills == killer.wanted
    check(tmp_path, killer, server, most_in_flight=killer.wanted * CONNECTIONS * 2)
    assert list((tmp_path / "spool").iterdir()) == []
    assert len([key for key in s3.objects("archive") if key.startswith("killed/")]) > 5


def check(home: Path, killer: Killer, server: RouteServer, *, most_in_flight: int) -> None:
    """The archive holds every URL once: in the files, in the index, in the sums."""
    expected = {*killer.served, "/favicon.ico"}
    assert set(killer.pages) - set(killer.served) == unreached(killer.pages)
    with open_holdings(load_settings({"archive": home}, environ=os.environ)) as holdings:
        recorded = records(holdings, killer, server)
        assert {path: count for path, count in recorded.items() if count > 1} == {}
        assert set(recorded) == expected
        with reading(holdings.engine) as connection:
            states = connection.execute(select(crawl_urls.c.state, func.count()).group_by(crawl_urls.c.state)).all()
            assert [tuple(row) for row in states] == [(int(UrlState.CAPTURED), len(expected))]
            assert connection.execute(select(func.count()).select_from(crawl_frontier)).scalar() == 0
            assert connection.execute(select(func.sum(crawl_queues.c.pending))).scalar() == 0
            assert connection.execute(select(func.count()).select_from(crawl_workers)).scalar() == 0
            total = connection.execute(select(crawl_counts.c.documents).where(crawl_counts.c.dimension == "total")).scalar()
            assert total == len(expected)
        assert holdings.index.summary("default").captures == len(expected)
    # What was on its way at a kill is asked for again, and nothing else is.
    assert sum(killer.served.values()) - len(killer.served) <= most_in_flight


def unreached(pages: dict[str, bytes]) -> set[str]:
    """Pictures that no page shows."""
    shown = b"".join(pages[path] for path in pages if path.endswith(".html"))
    return {path for path in pages if path.endswith(".png") and f"src={path}>".encode() not in shown}


def records(holdings: Holdings, killer: Killer, server: RouteServer) -> Counter[str]:
    """Responses in all WARC files by path; each with the payload that was sent."""
    recorded: Counter[str] = Counter()
    assert not list(holdings.store.unfinished())
    for name in holdings.store.names():
        with holdings.store.open(name) as stream:
            for record in iter_records(stream):
                assert isinstance(record, StoredRecord), f"{name} is damaged"
                if record.record_type == "response":
                    path = record.url.removeprefix(f"http://127.0.0.1:{server.port}")
                    recorded[path] += 1
                    assert path not in killer.pages or b"".join(record.payload()) == killer.pages[path]
    return recorded
