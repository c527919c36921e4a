"""Does one job after the other: claims it, gives signs of life, passes on what is wanted, notes how it ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Lock, Thread
from typing import Any

from archiver.engine import StopSignal
from archiver.errors import Conflict, Interrupted, MunimentError
from archiver.holdings import Holdings, utc_now
from archiver.jobs import Job, JobRegistry, JobState, this_process

_LOG = logging.getLogger(__name__)

#: Seconds between two signs of life of a job that shows nothing new.
BEAT_SECONDS = 2.0
#: Seconds between two times that progress is written.
_SHOW_SECONDS = 0.5
#: Seconds until a job is tried again that something else stood in the way of.
_LATER_SECONDS = 60.0


class Later(MunimentError):
    """A job cannot be done now: it is put off.

    Args:
        message: why, for people.
        seconds: for how long.
    """

    def __init__(self, message: str, seconds: float = _LATER_SECONDS) -> None:
        super().__init__(message)
        self.seconds = seconds


@dataclass
class Work:
    """A job in the hands of the function that does it.

    Attributes:
        holdings: the opened archive.
        job: what is to be done; `job.result` is what an earlier run has kept.
        stop: pressed when the job is cancelled or its process ends; a function that breaks off then raises Interrupted.
        clock: the time, UTC.
        software: name and version, for warcinfo records.
    """

    holdings: Holdings
    job: Job
    stop: StopSignal
    clock: Callable[[], datetime]
    software: str
    _shown: Callable[[int, int | None, str | None], None]
    _kept: Callable[[Mapping[str, Any]], None]

    def show(self, done: int, total: int | None = None, message: str | None = None) -> None:
        """Tell how far it is; as often as one likes, only some of it is written."""
        self._shown(done, total, message)

    def keep(self, result: Mapping[str, Any]) -> None:
        """Keep what came of it so far, on the disk once this returns: who takes the job again finds it in `job.result`."""
        self._kept(result)

    def go_on(self) -> None:
        """Break off when that is wanted.

        Raises:
            Interrupted: it is.
        """
        if self.stop.finish.is_set():
            raise Interrupted("It was stopped.")


#: Does jobs of one kind; what it returns is the result, kept as JSON. Run again, it goes on where it was.
Kind = Callable[[Work], Mapping[str, Any]]


class Runner:
    """Does jobs in this thread.

    Args:
        holdings: the opened archive.
        kinds: what it can do, by name.
        stop: ends the job that runs; it is left for the next process.
        clock: the time, UTC.
        monotonic: seconds that never go backwards.
        software: name and version, for warcinfo records.
    """

    def __init__(
        self,
        holdings: Holdings,
        kinds: Mapping[str, Kind],
        *,
        stop: StopSignal | None = None,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        software: str = "muniment",
    ) -> None:
        self._holdings = holdings
        self._kinds = kinds
        self._stop = stop or StopSignal()
        self._clock = clock
        self._monotonic = monotonic
        self._software = software
        self._registry = JobRegistry(holdings.engine, clock)
        self._owner = this_process()

    def run_one(self, *, without: tuple[str, ...] = ()) -> Job | None:
        """Do the next job; how it ended, None when there was none.

        Args:
            without: kinds that are left to others.

        Raises:
            StorageFailed: the database cannot be used.
        """
        if self._stop.finish.is_set():
            return None
        job = self._registry.claim(self._owner, list(self._kinds), without=without)
        if job is None:
            return None
        self._run(job)
        return self._registry.get(job.number)

    def _run(self, job: Job) -> None:
        line = _Line(self._registry, job, self._owner, self._stop, self._monotonic)
        work = Work(self._holdings, job, line.stop, self._clock, self._software, line.show, line.keep)
        with line:
            try:
                result = self._kinds[job.kind](work)
            except Interrupted as error:
                line.end(JobState.CANCELLED if line.is_cancelled else JobState.WAITING, str(error))
            except Later as error:
                line.postpone(self._clock().timestamp() + error.seconds, error.message)
            except MunimentError as error:
                if isinstance(error, Conflict) and line.stop.finish.is_set() and not line.is_cancelled:
                    line.end(JobState.WAITING, str(error))
                else:
                    line.end(JobState.FAILED, str(error))
            except Exception:  # nobody above could tell who waits for it
                _LOG.exception("job %d (%s) failed", job.number, job.kind)
                line.end(JobState.FAILED, "An unexpected error ended it. See the log.")
            else:
                line.end(JobState.DONE, result=result)


class _Line:
    """The line between a running job and its row: progress goes out, wishes come in, from a thread of its own.

    Use it as a context manager; `stop` is pressed when the job is to end.
    """

    def __init__(self, registry: JobRegistry, job: Job, owner: str, outer: StopSignal, monotonic: Callable[[], float]) -> None:
        self.stop = StopSignal()
        self.is_cancelled = False
        self._registry = registry
        self._number = job.number
        self._owner = owner
        self._outer = outer
        self._monotonic = monotonic
        self._lock = Lock()
        self._progress: tuple[int, int | None] | None = None
        self._message: str | None = None
        self._result: Mapping[str, Any] = job.result
        self._sent = float("-inf")
        self._over = Event()
        self._thread = Thread(target=self._beat, name=f"job-{job.number}", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def show(self, done: int, total: int | None, message: str | None) -> None:
        with self._lock:
            self._progress = (done, total)
            if message is not None:
                self._message = message
            is_due = self._monotonic() - self._sent >= _SHOW_SECONDS
        if is_due:
            self._send()

    def keep(self, result: Mapping[str, Any]) -> None:
        with self._lock:
            self._result = dict(result)
        self._send(with_result=True)

    def end(self, state: JobState, message: str = "", result: Mapping[str, Any] | None = None) -> None:
        self._send()
        self._registry.end(self._number, self._owner, state, message=message, result=result)

    def postpone(self, until: float, message: str) -> None:
        self._registry.postpone(self._number, self._owner, until, message, self._result)

    def _beat(self) -> None:
        # The outer signal is looked at often, the row now and then.
        beats = 0
        while not self._over.wait(BEAT_SECONDS / 20):
            self._heed_outer()
            beats += 1
            if beats % 20 == 0:
                try:
                    self._send()
                except MunimentError:
                    _LOG.exception("job %d could give no sign of life", self._number)

    def _heed_outer(self) -> None:
        for outer, inner in ((self._outer.finish, self.stop.finish), (self._outer.abort, self.stop.abort)):
            if outer.is_set():
                inner.set()

    def _send(self, *, with_result: bool = False) -> None:
        with self._lock:
            progress, self._progress = self._progress, None
            message, self._message = self._message, None
            self._sent = self._monotonic()
            result = self._result if with_result else None
        done, total = progress if progress is not None else (None, None)
        wanted = self._registry.beat(self._number, self._owner, done=done, total=total, message=message, result=result)
        if wanted in ("cancel", "abort"):
            self.is_cancelled = True
        if wanted:
            self.stop.finish.set()
        if wanted in ("abort", "lost"):
            self.stop.abort.set()
