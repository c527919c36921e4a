"""Begins a crawl or takes one up again: mends what a crash left, runs the workers, restarts those that die."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from threading import Thread
from types import TracebackType
from typing import Self

from archiver.crawl.control import CrawlControl
from archiver.crawl.equipment import Equipment
from archiver.crawl.forking import Reserve
from archiver.crawl.plan import CrawlPlan
from archiver.crawl.recovery import Recoverer, Recovery
from archiver.crawl.worker import CrawlWorker, Ticker
from archiver.engine import StopSignal, new_record_id, utc_now
from archiver.errors import MunimentError
from archiver.holdings import Holdings, mend, open_holdings
from archiver.settings import Settings

_LOG = logging.getLogger(__name__)

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
    reserve: Reserve | None = None,
    clock: Callable[[], datetime] = utc_now,
    monotonic: Callable[[], float] = time.monotonic,
    new_id: Callable[[], str] = new_record_id,
) -> CrawlResult:
    """Work on a crawl until it ends, wherever it stood: new, stopped, paused, or torn off by a crash.

    Args:
        holdings: the opened archive.
        crawl_id: which crawl.
        software: name and version for warcinfo records.
        workers: processes, this one counted.
        stop: how the user ends it.
        ticker: makes what is told of progress, of the crawl's number.
        reserve: processes that are ready to be workers.
        clock, monotonic, new_id: the time, UTC; seconds that never go backwards; makes WARC-Record-IDs.

    Raises:
        NotFound: there is no such crawl.
        UnknownCollection: its collection was removed.
        Conflict: another process works on it.
        StorageFailed: the disk or database failed; the crawl can be resumed.
    """
    control = CrawlControl(holdings.engine, clock)
    holdings.collections.get(control.info(crawl_id).collection)
    control.refuse_second_run(crawl_id)
    stop = stop or StopSignal()
    told = ticker(crawl_id) if ticker is not None else None
    control.begin_run(crawl_id)
    try:
        recovery = recover(holdings, crawl_id, software=software, clock=clock, new_id=new_id)
        with _Team(holdings, crawl_id, software, workers - 1, stop, reserve or Reserve(0)) as team:
            work(
                holdings,
                crawl_id,
                software=software,
                is_lead=True,
                team=workers,
                stop=stop,
                ticker=told,
                clock=clock,
                monotonic=monotonic,
                new_id=new_id,
            )
    except MunimentError as error:
        _note_failure(control, crawl_id, error)
        raise
    state = control.info(crawl_id).state
    if team.why and state != "finished":
        control.set_state(crawl_id, state := "stopped", team.why)
    return CrawlResult(crawl_id, state, recovery, team.replaced)


def _note_failure(control: CrawlControl, crawl_id: int, error: MunimentError) -> None:
    """A crawl that an error ended does not go on saying that it runs. The error may be one of the database itself."""
    with suppress(MunimentError):
        if control.info(crawl_id).state == "running":
            control.set_state(crawl_id, "stopped", error.message.rstrip("."))


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
            recoverer = Recoverer(holdings, info.collection, worker.frontier, worker.judge, lambda: clock().timestamp())
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
    team: int = 1,
    ticker: Ticker | None = None,
    clock: Callable[[], datetime] = utc_now,
    monotonic: Callable[[], float] = time.monotonic,
    new_id: Callable[[], str] = new_record_id,
) -> str:
    """Be one worker of a crawl in this process, until it ends; the state it is in then."""
    info = CrawlControl(holdings.engine, clock).info(crawl_id)
    with Equipment(holdings, info, software=software, clock=clock, new_id=new_id) as equipment:
        worker = CrawlWorker(
            equipment,
            crawl_id,
            is_lead=is_lead,
            team=team,
            stop=stop,
            ticker=ticker,
            clock=clock,
            monotonic=monotonic,
        )
        return worker.run()


# -- several processes -----------------------------------------------------------------------------------------------


class _Team:
    """Worker processes beside this one, and the thread that looks after them.

    Use it as a context manager: at its end they have ended too.
    """

    def __init__(
        self, holdings: Holdings, crawl_id: int, software: str, helpers: int, stop: StopSignal, reserve: Reserve
    ) -> None:
        self.replaced = 0
        self.why = ""  # what went wrong
        self._holdings = holdings
        self._crawl_id = crawl_id
        self._software = software
        self._workers = helpers + 1
        self._stop = stop
        self._reserve = reserve
        self._processes: list[BaseProcess] = []
        self._told_to_stop = 0
        self._thread = Thread(target=self._look_after, name="crawl-team")
        try:
            for _ in range(helpers):
                self._begin()
        except BaseException:  # nobody would look after those that have begun
            self._stop.finish.set()
            self._pass_on()
            for process in self._processes:
                process.join()
            raise

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            self._stop.finish.set()
        self._thread.join()

    def _look_after(self) -> None:
        """Pass interrupts on and replace workers that die, until all have ended."""
        control = CrawlControl(self._holdings.engine, utc_now)
        while self._processes:
            self._pass_on()
            wait([process.sentinel for process in self._processes], _LOOK_SECONDS)
            for process in [process for process in self._processes if process.exitcode is not None]:
                self._processes.remove(process)
                try:
                    self._ended(process, control)
                except Exception as error:  # whoever waits for this thread would wait for ever
                    _LOG.exception("a worker of crawl %d could not be replaced", self._crawl_id)
                    message = (
                        error.message.rstrip(".") if isinstance(error, MunimentError) else "a worker could not be replaced"
                    )
                    self._give_up(control, message)

    def _begin(self) -> None:
        settings, software = self._holdings.settings, self._software
        process = self._reserve.start(_worker_process, settings, self._crawl_id, software, self._workers)
        self._processes.append(process)

    def _pass_on(self) -> None:
        """Give the user's interrupts to the workers."""
        presses = int(self._stop.finish.is_set()) + int(self._stop.abort.is_set())
        while self._told_to_stop < presses:
            self._told_to_stop += 1
            for process in self._processes:
                if process.pid is not None and process.exitcode is None:
                    os.kill(process.pid, signal.SIGTERM)

    def _ended(self, process: BaseProcess, control: CrawlControl) -> None:
        """A worker ended; one that died is replaced, after what it left is taken in."""
        if process.exitcode == 0:
            return
        recover(self._holdings, self._crawl_id, software=self._software)
        if self._told_to_stop or control.info(self._crawl_id).state == "finished":
            return
        self.replaced += 1
        if process.exitcode == 1 or self.replaced > _REPLACEMENTS:
            self._give_up(control, "a worker failed" if process.exitcode == 1 else "its workers died again and again")
            return
        self._begin()

    def _give_up(self, control: CrawlControl, why: str) -> None:
        """The crawl cannot go on; all its workers are told."""
        self.why = self.why or why
        with suppress(MunimentError):
            control.want(self._crawl_id, "stop")


def _worker_process(settings: Settings, crawl_id: int, software: str, team: int) -> None:
    """The life of a worker process."""
    stop = StopSignal()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor hears it and passes it on
    signal.signal(signal.SIGTERM, lambda *_: stop.press())
    try:
        with open_holdings(settings) as holdings:
            work(holdings, crawl_id, software=software, is_lead=False, team=team, stop=stop, ticker=_Orphan(stop))
    except MunimentError as error:
        raise SystemExit(1) from error


class _Orphan:
    """Ends a worker whose supervisor is gone."""

    def __init__(self, stop: StopSignal) -> None:
        self._parent = multiprocessing.parent_process()
        # Of a fork, younger ones hold what its parent is known to be alive by.
        self._is_fork = self._parent is not None and self._parent.pid == os.getppid()
        self._stop = stop

    def tick(self, in_flight: object) -> None:
        if self._parent is None:
            return
        if not self._parent.is_alive() or (self._is_fork and self._parent.pid != os.getppid()):
            self._stop.finish.set()
