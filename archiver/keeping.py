"""What an archive does by itself: jobs in processes of their own, and small chores now and then, each in its thread.

`muniment serve` has one such process, `muniment work` is another one; on how many machines they run does not matter.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from multiprocessing.process import BaseProcess
from threading import Event, Thread

from archiver.engine import StopSignal
from archiver.errors import MunimentError
from archiver.holdings import Holdings, open_holdings, utc_now
from archiver.jobkinds import KINDS
from archiver.jobrunner import Kind, Runner
from archiver.jobs import Job, JobRegistry
from archiver.notices import JOB as NOTICE
from archiver.settings import Settings

_LOG = logging.getLogger(__name__)

#: Seconds between two looks for jobs.
_LOOK_SECONDS = 1.0
#: Seconds between two looks for documents whose texts were not read yet.
_TEXT_SECONDS = 10.0
#: Seconds between two looks at the calendar, and for notices that are to be sent.
_CALENDAR_SECONDS = 20.0
_POST_SECONDS = 2.0
#: Seconds between two looks at a process that is to end.
_GLANCE_SECONDS = 0.25
#: Seconds between two looks at what is missing.
_MISSING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Chore:
    """Something small that is done again and again.

    Attributes:
        name: for the log.
        seconds: from one time to the next; 0 for never.
        begin: makes what does it, which is told by the event when to break off.
    """

    name: str
    seconds: float
    begin: Callable[[Holdings], Callable[[Event], object]]


def chores_of(settings: Settings) -> tuple[Chore, ...]:
    """What is done beside jobs."""
    return (
        Chore("schedules", _CALENDAR_SECONDS if settings.jobs else 0, _calendar),
        Chore("notices", _POST_SECONDS, _post),
        Chore("texts", _TEXT_SECONDS, _texts),
        Chore("watched folders", settings.watch_seconds, _watched_folders),
        Chore("missing parts", _MISSING_SECONDS, _missing_parts),
    )


def _calendar(holdings: Holdings) -> Callable[[Event], object]:
    """Begin what is due, discard what nobody saved, tell of budgets."""
    from archiver import budget, testcrawls
    from archiver.schedules import ScheduleRegistry

    def look(_: Event) -> None:
        ScheduleRegistry(holdings).run_due()
        testcrawls.tell_expiring(holdings)
        testcrawls.discard_expired(holdings)
        budget.tell_near(holdings)

    return look


def _post(holdings: Holdings) -> Callable[[Event], object]:
    """Deliver notices."""
    runner = Runner(holdings, {NOTICE: KINDS[NOTICE]}, software=software())

    def send(over: Event) -> None:
        while not over.is_set() and runner.run_one() is not None:
            pass

    return send


def _texts(holdings: Holdings) -> Callable[[Event], object]:
    """Let what came in be found by its words."""
    from archiver.search.build import read_texts

    return lambda over: read_texts(holdings, may_go_on=lambda: not over.is_set())


def _missing_parts(holdings: Holdings) -> Callable[[Event], object]:
    """List what readers' processes noted as missing, and see what became of patches."""
    from archiver.missing import MissingParts, MissNotes

    notes, parts = MissNotes(holdings.settings.archive / "cache"), MissingParts(holdings, utc_now)

    def look(_: Event) -> None:
        parts.take(notes.take())
        parts.settle()

    return look


def _watched_folders(holdings: Holdings) -> Callable[[Event], object]:
    """Take in what others have put into folders."""
    from archiver.watching import Watcher

    watcher = Watcher(holdings, utc_now)

    def look(_: Event) -> None:
        watcher.look()
        watcher.measure_one()

    return look


def software() -> str:
    """Name and version, for warcinfo records."""
    return f"muniment/{version('muniment')}"


def work_off(holdings: Holdings, stop: StopSignal, *, kinds: Mapping[str, Kind] = KINDS) -> list[Job]:
    """Do what is due in this process, one after the other, until nothing is left; how the jobs ended."""
    over = stop.finish
    chores = chores_of(replace(holdings.settings, jobs=1))
    runner = Runner(holdings, kinds, stop=stop, software=software())
    ended: list[Job] = []
    if kinds is KINDS:
        chores[0].begin(holdings)(over)
    while (job := runner.run_one()) is not None:
        ended.append(job)
    for chore in chores[1:]:
        if chore.seconds and not over.is_set():
            chore.begin(holdings)(over)
    return ended


class Keeper:
    """Does jobs and chores until it is told to stop.

    Args:
        settings: of this run; with what the archive keeps of them, `jobs` says how many at a time.
        chores: what is done beside them; by default all there are.
    """

    def __init__(self, settings: Settings, *, chores: Sequence[Chore] | None = None) -> None:
        self._settings = settings
        self._chores = chores
        self._jobs = settings.jobs
        self._over = Event()
        self._pause = Event()  # never set: it only lets time pass
        self._presses = 0
        self._told = 0
        self._context = multiprocessing.get_context("spawn")
        self._processes: list[BaseProcess] = []

    def press(self) -> None:
        """The first time: stop, what runs ends gently and goes on the next time; again: at once. For signal handlers."""
        self._presses += 1  # no lock is touched: the thread that is interrupted may hold it

    def run(self) -> None:
        """Work until `press`.

        Raises:
            StorageFailed: the archive cannot be opened.
        """
        with open_holdings(self._settings) as holdings:
            self._jobs = holdings.settings.jobs
            chores = chores_of(holdings.settings) if self._chores is None else self._chores
            threads = [
                Thread(target=self._do, args=(holdings, chore), name=chore.name, daemon=True)
                for chore in chores
                if chore.seconds
            ]
            for thread in threads:
                thread.start()
            registry = JobRegistry(holdings.engine, utc_now)
            while not self._presses:
                try:
                    self._look(registry)
                except MunimentError:
                    _LOG.exception("no jobs could be looked for")
                self._rest(_LOOK_SECONDS)
            self._over.set()
            while self._processes:
                self._pass_on()
                self._processes[0].join(_GLANCE_SECONDS)
                self._forget_ended()
            for thread in threads:
                thread.join(5)

    def _rest(self, seconds: float) -> None:
        for _ in range(round(seconds / _GLANCE_SECONDS)):
            if not self._presses:
                self._pause.wait(_GLANCE_SECONDS)

    def _do(self, holdings: Holdings, chore: Chore) -> None:
        run: Callable[[Event], object] | None = None
        while not self._over.is_set():
            try:
                run = run or chore.begin(holdings)
                run(self._over)
            except MunimentError:
                _LOG.exception("%s: not done", chore.name)
            except Exception:  # the other chores are not to suffer
                _LOG.exception("%s: an unexpected error", chore.name)
            self._over.wait(chore.seconds)

    def _look(self, registry: JobRegistry) -> None:
        """Begin a process for the next job, when there is one and a place is free."""
        self._forget_ended()
        if len(self._processes) >= self._jobs or not registry.is_due(list(KINDS), without=(NOTICE,)):
            return
        process = self._context.Process(target=_job_process, args=(self._settings, os.getpid()), name="job")
        process.start()
        self._processes.append(process)

    def _forget_ended(self) -> None:
        self._processes = [process for process in self._processes if process.exitcode is None]

    def _pass_on(self) -> None:
        while self._told < self._presses:
            self._told += 1
            for process in self._processes:
                if process.pid is not None and process.exitcode is None:
                    os.kill(process.pid, signal.SIGTERM)


def _job_process(settings: Settings, parent: int) -> None:
    """The life of a process that does one job."""
    stop = StopSignal()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the keeper hears it and passes it on
    signal.signal(signal.SIGTERM, lambda *_: stop.press())
    Thread(target=_look_for_parent, args=(parent, stop), daemon=True).start()
    try:
        with open_holdings(settings) as holdings:
            Runner(holdings, KINDS, stop=stop, software=software()).run_one(without=(NOTICE,))
    except MunimentError as error:
        _LOG.exception("a job could not be done")
        raise SystemExit(1) from error


def _look_for_parent(parent: int, stop: StopSignal) -> None:
    """When the keeper was killed, the job ends too, and is left for the next one."""
    while not stop.finish.wait(1):
        if os.getppid() != parent:
            stop.press()
