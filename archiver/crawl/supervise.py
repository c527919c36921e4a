"""Begins a crawl or takes one up again: mends what a crash left, runs the workers, restarts those that die."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from uuid import uuid4

from archiver.crawl.control import CrawlControl
from archiver.crawl.equipment import Equipment
from archiver.crawl.plan import CrawlPlan
from archiver.crawl.recovery import Recoverer, Recovery
from archiver.crawl.worker import CrawlWorker, Ticker
from archiver.engine import StopSignal
from archiver.errors import MunimentError
from archiver.holdings import Holdings, mend, open_holdings
from archiver.settings import Settings

#: How often a supervisor looks after its workers, in seconds.
_LOOK_SECONDS = 0.25
#: Times that a worker which died is replaced.
_REPLACEMENTS = 20


@dataclass(frozen=True, slots=True)
class CrawlResult:
    """How a crawl stands after a run.

    Attributes:
        crawl_id: which.
        state: "finished", "stopped" or "paused".
        recovery: what a crash had left before.
        replaced: workers that died and were replaced.
    """

    crawl_id: int
    state: str
    recovery: Recovery
    replaced: int = 0


def utc_now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def new_record_id() -> str:
    """A fresh WARC-Record-ID."""
    return f"<urn:uuid:{uuid4()}>"


def start(
    holdings: Holdings,
    plan: CrawlPlan,
    *,
    software: str,
    workers: int = 1,
    stop: StopSignal | None = None,
    ticker: Callable[[int], Ticker] | None = None,
) -> CrawlResult:
    """Begin a crawl in the collection that the settings name, and work until it ends.

    Args:
        holdings: the opened archive.
        plan: what to do.
        software: name and version for warcinfo records.
        workers: processes.
        stop: how the user ends it.
        ticker: makes what is told of progress, of the crawl's number.

    Raises:
        UnknownCollection: no such collection.
        UsageError: the plan is wrong.
        StorageFailed: the disk or database failed; the crawl can be resumed.
    """
    crawl_id = CrawlControl(holdings.engine, utc_now).create(holdings.settings.collection, plan)
    return run(holdings, crawl_id, software=software, workers=workers, stop=stop, ticker=ticker)


def run(
    holdings: Holdings,
    crawl_id: int,
    *,
    software: str,
    workers: int = 1,
    stop: StopSignal | None = None,
    ticker: Callable[[int], Ticker] | None = None,
    clock: Callable[[], datetime] = utc_now,
    monotonic: Callable[[], float] = time.monotonic,
    new_id: Callable[[], str] = new_record_id,
) -> CrawlResult:
    """Work on a crawl until it ends, wherever it stood: new, stopped, paused, or torn off by a crash.

    Raises:
        NotFound: there is no such crawl.
        Conflict: another process works on it.
        StorageFailed: the disk or database failed; the crawl can be resumed.
    """
    control = CrawlControl(holdings.engine, clock)
    control.info(crawl_id)
    control.refuse_second_run(crawl_id)
    stop = stop or StopSignal()
    told = ticker(crawl_id) if ticker is not None else None
    control.want(crawl_id, "run")
    control.set_state(crawl_id, "running")
    recovery = recover(holdings, crawl_id, software=software, clock=clock, new_id=new_id)
    if workers <= 1:
        state = work(
            holdings, crawl_id, software=software, is_lead=True, stop=stop, ticker=told, clock=clock, monotonic=monotonic,
            new_id=new_id,
        )  # fmt: skip
        return CrawlResult(crawl_id, state, recovery)
    team = _Team(holdings, crawl_id, software, workers)
    return CrawlResult(crawl_id, team.work(stop, told), recovery, team.replaced)


def recover(
    holdings: Holdings,
    crawl_id: int,
    *,
    software: str,
    clock: Callable[[], datetime] = utc_now,
    new_id: Callable[[], str] = new_record_id,
) -> Recovery:
    """Take in what killed workers of a crawl left behind."""
    control = CrawlControl(holdings.engine, clock)
    lost = control.lost(crawl_id)
    if not lost:
        return Recovery()
    mend(holdings)
    info = control.info(crawl_id)
    with Equipment(holdings, info, software=software, clock=clock, new_id=new_id) as equipment:
        worker = CrawlWorker(equipment, crawl_id, clock=clock)
        try:
            recoverer = Recoverer(
                holdings, info.collection, worker.frontier, worker.judge, worker.visitor.adopt, lambda: clock().timestamp()
            )
            return recoverer.recover(crawl_id, lost)
        finally:
            control.dismiss(worker.worker_id)


def work(
    holdings: Holdings,
    crawl_id: int,
    *,
    software: str,
    is_lead: bool,
    stop: StopSignal,
    ticker: Ticker | None = None,
    clock: Callable[[], datetime] = utc_now,
    monotonic: Callable[[], float] = time.monotonic,
    new_id: Callable[[], str] = new_record_id,
) -> str:
    """Be one worker of a crawl in this process, until it ends; the state it is in then."""
    info = CrawlControl(holdings.engine, clock).info(crawl_id)
    with Equipment(holdings, info, software=software, clock=clock, new_id=new_id) as equipment:
        worker = CrawlWorker(equipment, crawl_id, is_lead=is_lead, stop=stop, ticker=ticker, clock=clock, monotonic=monotonic)
        return worker.run()


# -- several processes -----------------------------------------------------------------------------------------------


class _Team:
    """Worker processes and the one that looks after them."""

    def __init__(self, holdings: Holdings, crawl_id: int, software: str, workers: int) -> None:
        self.holdings = holdings
        self.crawl_id = crawl_id
        self.software = software
        self.context = multiprocessing.get_context("spawn")
        self.processes: dict[int, BaseProcess] = {}
        self.count = workers
        self.replaced = 0
        self.told_to_stop = 0
        self.why = ""  # what went wrong

    def work(self, stop: StopSignal, ticker: Ticker | None) -> str:
        """Run the workers until the crawl ends; the state it is in then."""
        control = CrawlControl(self.holdings.engine, utc_now)
        for index in range(self.count):
            self.begin(index)
        try:
            while self.processes:
                self.pass_on(stop)
                for index, process in list(self.processes.items()):
                    process.join(_LOOK_SECONDS / len(self.processes))
                    if process.exitcode is not None:
                        self.ended(index, process, control)
                if ticker is not None:
                    ticker.tick(())
        finally:
            for process in self.processes.values():
                if process.pid is not None and process.exitcode is None:
                    os.kill(process.pid, signal.SIGTERM)
            for process in self.processes.values():
                process.join()
        if control.info(self.crawl_id).state == "running":  # none of them was left to say so
            control.set_state(self.crawl_id, "stopped", self.why or "its workers died")
        return control.info(self.crawl_id).state

    def begin(self, index: int) -> None:
        process = self.context.Process(
            target=_worker_process,
            args=(self.holdings.settings, self.crawl_id, self.software, index == 0, os.getpid()),
            name=f"crawl-{self.crawl_id}-{index}",
        )
        process.start()
        self.processes[index] = process

    def pass_on(self, stop: StopSignal) -> None:
        """Give the user's interrupts to the workers."""
        presses = int(stop.finish.is_set()) + int(stop.abort.is_set())
        while self.told_to_stop < presses:
            self.told_to_stop += 1
            for process in self.processes.values():
                if process.pid is not None and process.exitcode is None:
                    os.kill(process.pid, signal.SIGTERM)

    def ended(self, index: int, process: BaseProcess, control: CrawlControl) -> None:
        """A worker ended; one that died is replaced, after what it left is taken in."""
        del self.processes[index]
        if process.exitcode == 0:
            return
        recover(self.holdings, self.crawl_id, software=self.software)
        if self.told_to_stop:
            return
        self.replaced += 1
        if process.exitcode == 1 or self.replaced > _REPLACEMENTS:
            self.why = "a worker failed" if process.exitcode == 1 else "its workers died again and again"
            control.want(self.crawl_id, "stop")
            return
        self.begin(index)


def _worker_process(settings: Settings, crawl_id: int, software: str, is_lead: bool, parent: int) -> None:
    """The life of a worker process."""
    stop = StopSignal()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor hears it and passes it on
    signal.signal(signal.SIGTERM, lambda *_: stop.press())
    try:
        with open_holdings(settings) as holdings:
            work(holdings, crawl_id, software=software, is_lead=is_lead, stop=stop, ticker=_Orphan(parent, stop))
    except MunimentError as error:
        raise SystemExit(1) from error


class _Orphan:
    """Ends a worker whose supervisor is gone."""

    def __init__(self, parent: int, stop: StopSignal) -> None:
        self._parent = parent
        self._stop = stop

    def tick(self, in_flight: object) -> None:
        if os.getppid() != self._parent:
            self._stop.finish.set()
