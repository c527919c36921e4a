"""The progress of a crawl, as terminals and logs see it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
from rich.console import Console

from archiver.cli.crawl.live import (
    SECONDS_BETWEEN_LOOKS,
    Display,
    live_table,
    plain_line,
    rest,
    showing,
    state_words,
    watch,
)
from archiver.collections.hosts import HostRow, QueueState
from archiver.collections.progress import Progress
from archiver.collections.reports import CrawlSummary, Sums
from archiver.collections.speed import Speed, Speedometer, seconds_left
from archiver.crawl.plan import Limits
from archiver.errors import StorageFailed


def look(
    at: float = 0.0,
    *,
    documents: int = 0,
    received: int = 0,
    state: str = "running",
    limits: Limits | None = None,
    workers: int = 2,
) -> Progress:
    sums = Sums(documents=documents, new_documents=documents // 2, bytes=received, queued=1234, failed=3, blocked=1, trapped=2)
    crawl = CrawlSummary(7, "unesco", ("http://a.example/",), state, "run", "", "2026-05-01T10:00:00Z", None, at, sums)
    busy = HostRow("a.example", Sums(documents=40, queued=1000, failed=1), QueueState(in_flight=1))
    slow = HostRow("[b].example\x1b[2J", Sums(queued=234), QueueState(ready_at=at + 90, waits_for="Retry-After"))
    return Progress(at, crawl, limits or Limits(), workers, 12, 1, 0, 1, 2, (busy, slow))


def shown(now: Progress, speed: Speed, *, width: int = 120) -> str:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(live_table(now, speed))
    return console.export_text()


def test_speed_is_that_of_the_last_half_minute() -> None:
    meter = Speedometer()
    assert meter.look(look(0)) == Speed()
    assert meter.look(look(10, documents=100, received=5000)) == Speed(10.0, 500.0)
    for second in range(11, 61):
        speed = meter.look(look(second, documents=100, received=5000))
    assert speed == Speed()
    assert meter.look(look(60, documents=100)) is not None  # two looks at one moment divide by nothing


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        (Limits(), None),
        (Limits(depth=3, host_documents=5), None),
        (Limits(documents=200), 50.0),
        (Limits(bytes=11_000), 10.0),
        (Limits(seconds=130), 30.0),
        (Limits(seconds=130, documents=200, bytes=11_000), 10.0),
        (Limits(seconds=90), 0.0),
        (Limits(documents=50), 0.0),
    ],
)
def test_time_left_is_that_of_the_nearest_limit(limits: Limits, left: float | None) -> None:
    assert seconds_left(look(100, documents=100, received=10_000, limits=limits), 2.0, 100.0) == left


def test_what_does_not_run_has_no_time_left() -> None:
    assert seconds_left(look(100, state="paused", limits=Limits(seconds=200)), 2.0, 100.0) is None


def test_without_speed_only_the_clock_ends_a_crawl() -> None:
    assert seconds_left(look(100, limits=Limits(documents=200, bytes=11_000)), 0.0, 0.0) is None
    assert seconds_left(look(100, limits=Limits(documents=200, seconds=160)), 0.0, 0.0) == 60


def test_the_table_shows_rate_queue_hosts_waits_errors_and_time_left() -> None:
    text = shown(look(3700, documents=5000, received=7_500_000), Speed(12.34, 55_000, 187))
    for piece in (
        "Crawl 7 into “unesco”: running, 2 processes, 1:01 h", "5,000", "12.3", "1,234", "7.5 MB", "55.0 kB", "3:07 min",
        "a.example", "fetching", "[b].example", "waits 90 s: Retry-After", "and 10 hosts more",
    ):  # fmt: skip
        assert piece in text
    assert "\x1b" not in text


def test_in_a_narrow_terminal_words_are_cut_rather_than_numbers() -> None:
    now = look(3700, documents=5000)
    why = "the last request took 2.4 s, and 5 times as long is waited"
    long = HostRow(
        "statistics.a.example", Sums(documents=41_234, queued=52_345, failed=6), QueueState(ready_at=3709, waits_for=why)
    )
    text = shown(replace(now, busiest=(long, *now.busiest)), Speed(), width=80)
    (line,) = (line for line in text.splitlines() if line.startswith("statistics.a.example"))
    assert line.split()[1:4] == ["41,234", "52,345", "6"]
    assert "waits 9 s: the last request" in line and line.rstrip().endswith("…")
    assert all(len(line.rstrip()) <= 80 for line in text.splitlines())


def test_a_line_for_logs() -> None:
    line = plain_line(look(3700, documents=5000, received=7_500_000), Speed(12.34, 55_000, 187))
    assert line == (
        "crawl 7 running, 1:01 h, 5,000 documents (12.3/s), 7.5 MB, 1,234 queued, 1 host in flight, 1 waiting, 3 failed, "
        "2 hosts given up, 3:07 min left"
    )


def test_a_line_says_why_nothing_goes_on() -> None:
    now = look(10)
    waiting = replace(now, in_flight=0, busiest=now.busiest[1:])
    line = plain_line(waiting, Speed())
    assert line.endswith("waits 90 s: Retry-After")
    assert "\x1b" not in line
    assert "Retry-After" not in plain_line(replace(waiting, workers=0), Speed())
    assert "Retry-After" not in plain_line(now, Speed())


def test_states_in_words() -> None:
    assert state_words(look()) == "running"
    assert "muniment crawl resume" in state_words(look(workers=0))
    asked = look()
    for wanted, words in (("pause", "pausing"), ("stop", "stopping")):
        assert state_words(replace(asked, crawl=replace(asked.crawl, wanted=wanted))) == words
    ended = replace(asked.crawl, state="paused", ended="the disk is full")
    assert state_words(replace(asked, crawl=ended)) == "paused (the disk is full)"


def test_logs_get_a_line_now_and_then_and_one_at_the_end() -> None:
    out = io.StringIO()
    with Display(Console(file=out)).open() as show:
        for second in range(0, 25):
            show(look(second, documents=second))
        show(look(25, documents=25, state="finished"))
    lines = out.getvalue().splitlines()
    assert [line.partition(",")[2].split(",")[0].strip() for line in lines] == ["0 s", "10 s", "20 s", "25 s"]
    assert lines[-1].startswith("crawl 7 finished")


def test_a_terminal_gets_the_table() -> None:
    out = io.StringIO()
    with Display(Console(file=out, force_terminal=True, width=120)).open() as show:
        show(look(5, documents=10))
    assert "what it is doing" in out.getvalue()
    assert "waits 90 s: Retry-After" in out.getvalue()


def test_watching_ends_with_the_crawl_or_its_processes() -> None:
    def looks(*values: Progress) -> Iterator[Progress]:
        yield from values

    waited: list[float] = []
    for last in (look(2, state="finished"), look(2, workers=0), look(2, state="paused", workers=0)):
        source = looks(look(0), look(1, state="paused"), last, look(3))
        assert watch(lambda source=source: next(source), io.StringIO(), waited.append) == last  # type: ignore[misc]
    assert len(waited) == 6


def test_a_busy_database_does_not_end_the_crawl_it_is_asked_about(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> Progress:
        raise StorageFailed("The database cannot be used: locked.")

    with showing(broken, io.StringIO()):
        pass
    assert "locked" in capsys.readouterr().err


def test_the_last_look_is_shown_however_short_the_crawl_was() -> None:
    out = io.StringIO()
    with showing(lambda: look(state="finished", documents=1), out):
        pass
    assert [line.partition(",")[0] for line in out.getvalue().splitlines()] == ["crawl 7 finished"]


def test_dear_looks_become_rarer() -> None:
    assert rest(0.001) == SECONDS_BETWEEN_LOOKS
    assert rest(0.5) == 10
