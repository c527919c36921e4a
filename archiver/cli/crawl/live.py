"""A crawl while it runs: a live table in a terminal, a line now and then in a log.

What is shown is read from the database, so it is the same for one process, for many, and from another terminal.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import IO, TYPE_CHECKING

import click

from archiver.amounts import human_duration
from archiver.cli.common import counted, human_size
from archiver.errors import StorageFailed
from archiver.plaintext import one_line

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from archiver.collections.progress import Progress
    from archiver.collections.speed import Speed

#: Seconds between two looks at the database, for people and for logs.
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_BETWEEN_LINES = 10.0
#: Seconds until the first look: it would hold up the first requests.
_SECONDS_BEFORE_LOOKS = 0.3

#: Variables with which rich takes anything for a terminal.
_FORCING = {"FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}

#: Looks take at most one part in so many of a processor's time.
_SHARE = 20


def state_words(now: Progress) -> str:
    """What the crawl is doing."""
    crawl = now.crawl
    if crawl.state != "running":
        return f"{crawl.state} ({crawl.ended})" if crawl.ended else crawl.state
    asked = {"pause": "pausing", "stop": "stopping"}.get(crawl.wanted)
    if asked:
        return asked
    return "running" if now.workers else "left by its processes: muniment crawl resume goes on"


def plain_line(now: Progress, speed: Speed) -> str:
    """A crawl on one line, for logs."""
    sums = now.crawl.sums
    parts = [
        f"crawl {now.crawl.number} {state_words(now)}",
        human_duration(now.crawl.seconds),
        f"{counted(sums.documents, 'document')} ({speed.documents:.1f}/s)",
        human_size(sums.bytes),
        f"{sums.queued:,} queued",
        f"{counted(now.in_flight, 'host')} in flight",
        f"{now.waiting:,} waiting",
    ]
    if sums.failed:
        parts.append(f"{sums.failed:,} failed")
    if now.retired:
        parts.append(f"{counted(now.retired, 'host')} given up")
    if speed.left is not None:
        parts.append(f"{human_duration(speed.left)} left")
    if now.workers and now.waiting and not now.in_flight and now.busiest and now.crawl.state == "running":
        first = now.busiest[0]  # nothing goes on: say why
        parts.append(f"{first.host} {first.queue.words(now.at, first.sums.queued)}")
    return one_line(", ".join(parts))


def live_table(now: Progress, speed: Speed) -> RenderableType:
    """A crawl as a table: its numbers above, its busiest hosts below."""
    from rich.console import Group
    from rich.text import Text

    crawl = now.crawl
    head = Text.assemble(
        (f"Crawl {crawl.number}", "bold"),
        f" into “{crawl.collection}”: ",
        (one_line(state_words(now)), "green" if crawl.state == "running" else "yellow"),
        f", {now.workers:,} {'process' if now.workers == 1 else 'processes'}, {human_duration(crawl.seconds)}",
    )
    return Group(head, Text(), _numbers(now, speed), Text(), _hosts(now))


def _numbers(now: Progress, speed: Speed) -> Table:
    from rich.table import Table

    sums = now.crawl.sums
    refused = sums.blocked + sums.out_of_scope + sums.trapped
    table = Table.grid(padding=(0, 3))
    for _ in range(3):
        table.add_column(style="dim")
        table.add_column(justify="right")
    table.add_row(
        "documents", f"{sums.documents:,}", "queued", f"{sums.queued:,}", "hosts in flight", f"{now.in_flight:,}"
    )  # fmt: skip
    table.add_row(
        "a second", f"{speed.documents:.1f}", "refused", f"{refused:,}", "hosts waiting", f"{now.waiting:,}"
    )  # fmt: skip
    table.add_row(
        "new", f"{sums.new_documents:,}", "failed", f"{sums.failed:,}", "hosts given up", f"{now.retired:,}"
    )  # fmt: skip
    left = human_duration(speed.left) if speed.left is not None else "–"
    table.add_row(
        "received", human_size(sums.bytes), "bytes a second", human_size(speed.bytes), "time left", left
    )  # fmt: skip
    return table


def _hosts(now: Progress) -> Table:
    from rich.table import Table
    from rich.text import Text

    def cut(words: str) -> Text:  # rather than the numbers, where a terminal is narrow
        return Text(one_line(words), no_wrap=True, overflow="ellipsis")

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("host")
    for title in ("documents", "queued", "failed"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("what it is doing")
    for row in now.busiest:
        table.add_row(
            cut(row.host),
            f"{row.sums.documents:,}",
            f"{row.sums.queued:,}",
            f"{row.sums.failed:,}",
            cut(row.queue.words(now.at, row.sums.queued)),
        )
    more = now.hosts - len(now.busiest)
    if more > 0:
        table.add_row(Text(f"and {counted(more, 'host')} more", style="dim"))
    return table


class Display:
    """Shows one look after the other, in the way that suits where it goes.

    Args:
        console: where to; a terminal gets the live table, anything else a line every `SECONDS_BETWEEN_LINES`.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def open(self) -> Iterator[Callable[[Progress], None]]:
        """What is to be called with each look."""
        if not self._console.is_terminal:
            yield Lines(self._console.file).show
            return
        from rich.live import Live

        from archiver.collections.speed import Speedometer

        speed = Speedometer()
        with Live(console=self._console, auto_refresh=False) as live:
            yield lambda now: live.update(live_table(now, speed.look(now)), refresh=True)


class Lines:
    """Shows a look every `SECONDS_BETWEEN_LINES` as a line, and the last one."""

    def __init__(self, stream: IO[str]) -> None:
        from archiver.collections.speed import Speedometer

        self._stream = stream
        self._speed = Speedometer()
        self._last: float | None = None

    def show(self, now: Progress) -> None:
        """One look."""
        speed = self._speed.look(now)
        if self._last is None or now.over or now.at - self._last >= SECONDS_BETWEEN_LINES:
            self._last = now.at
            click.echo(plain_line(now, speed), file=self._stream)


@contextmanager
def _display(stream: IO[str]) -> Iterator[Callable[[Progress], None]]:
    """What shows looks on a stream; rich takes long to import, and logs do without."""
    if not stream.isatty() and not _FORCING & os.environ.keys():
        yield Lines(stream).show
        return
    from rich.console import Console

    with Display(Console(file=stream)).open() as show:
        yield show


@contextmanager
def showing(look: Callable[[], Progress], stream: IO[str]) -> Iterator[None]:
    """Shows a crawl on `stream` while the body runs it, and how it stood at the end."""
    done = Event()

    def watch() -> None:
        done.wait(_SECONDS_BEFORE_LOOKS)
        with _display(stream) as show:
            while not done.is_set():
                began = time.thread_time()
                _look(look, lambda now: None if now.over else show(now))  # it is about to begin, or at its end
                done.wait(rest(time.thread_time() - began))
            _look(look, show)

    thread = Thread(target=watch, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def watch(look: Callable[[], Progress], stream: IO[str], wait: Callable[[float], object]) -> Progress:
    """Shows a crawl that other processes run, until it ends or they are gone; how it stood then."""
    with _display(stream) as show:
        while True:
            began = time.thread_time()
            now = look()
            show(now)
            if now.over or not now.workers:
                return now
            wait(rest(time.thread_time() - began))


def rest(cost: float) -> float:
    """Seconds until the next look after one that took `cost` seconds: with very many hosts looks become rarer."""
    return max(SECONDS_BETWEEN_LOOKS, cost * _SHARE)


def _look(look: Callable[[], Progress], show: Callable[[Progress], None]) -> None:
    """A look that cannot be had is passed over: a busy database must not end the crawl whose progress it would show."""
    try:
        show(look())
    except StorageFailed as error:
        click.echo(str(error), err=True)
