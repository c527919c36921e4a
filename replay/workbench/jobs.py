"""Captures that run while the workbench is open: started from a form, watched from a page, stopped by a button.

What a capture achieves is in the archive (WARC files, index, crawl log) as with `muniment capture`; only the live
counts are here, and they are gone with the process.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from threading import Condition, Lock, Thread

from archiver.engine import PageCapturer, StopSignal, utc_now
from archiver.errors import MunimentError
from archiver.holdings import Holdings
from archiver.model import Candidate, PageResult, ResourceOutcome
from archiver.urls import host_of, parse_url

logger = logging.getLogger(__name__)

#: Captures that run at once; others wait their turn.
CONCURRENT_CAPTURES = 2

#: Finished captures whose live state is remembered.
REMEMBERED = 100


class JobState(StrEnum):
    """Where a capture stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class JobFailure:
    """One URL that is missing or incomplete, and why."""

    url: str
    reason: str


@dataclass(frozen=True, slots=True)
class JobView:
    """A capture as the workbench shows it, at one moment.

    Attributes:
        number: the crawl's number in the archive.
        url: the page, normalised.
        collection: slug.
        state: where it stands.
        started_at: when it was asked for; UTC.
        known: URLs known to be needed so far.
        finished: of those, how many are done.
        received: response bytes so far.
        current_host: host of the URL started last.
        failures: what is missing so far, in order.
        timestamp: of the page's capture, once it is held.
        final_url: where the page was found in the end.
        title: of the page, once it is done.
        problem: why the whole capture failed, for people; else "".
    """

    number: int
    url: str
    collection: str
    state: JobState
    started_at: datetime
    known: int = 1
    finished: int = 0
    received: int = 0
    current_host: str = ""
    failures: tuple[JobFailure, ...] = ()
    timestamp: str | None = None
    final_url: str = ""
    title: str = ""
    problem: str = ""

    @property
    def is_over(self) -> bool:
        """Nothing more will happen."""
        return self.state in (JobState.DONE, JobState.STOPPED, JobState.FAILED)


@dataclass
class _Job:
    """A capture in this process: its latest view and the way to stop it."""

    view: JobView
    stop: StopSignal = field(default_factory=StopSignal)
    lock: Lock = field(default_factory=Lock)

    def update(self, **changes: object) -> None:
        with self.lock:
            self.view = replace(self.view, **changes)  # type: ignore[arg-type]

    # the Observer protocol of archiver.engine

    def started(self, candidate: Candidate, known: int) -> None:
        self.update(known=known, current_host=host_of(candidate.url))

    def finished(self, outcome: ResourceOutcome, known: int) -> None:
        failures = self.view.failures
        if outcome.failure is not None:
            failures = (*failures, JobFailure(outcome.candidate.url, outcome.failure.reason))
        self.update(
            known=known,
            finished=self.view.finished + 1,
            received=self.view.received + outcome.length,
            failures=failures,
        )


class CaptureRunner:
    """Runs captures in threads of its own, a few at a time, in the order they were asked for.

    Args:
        holdings: the opened archive.
        software: name and version for warcinfo records.
        clock: the time, UTC.
    """

    def __init__(self, holdings: Holdings, *, software: str, clock: Callable[[], datetime] = utc_now) -> None:
        self._holdings = holdings
        self._software = software
        self._clock = clock
        self._jobs: dict[int, _Job] = {}
        self._waiting: deque[_Job] = deque()
        self._changed = Condition()
        self._threads: list[Thread] = []
        self._closed = False

    def start(self, url: str, collection: str) -> int:
        """Queue a capture.

        Returns:
            The crawl's number.

        Raises:
            InvalidURL: not an http or https address.
            UnknownCollection: no collection of that name.
        """
        page = parse_url(url.strip(), assume_http=True)
        self._holdings.collections.get(collection)
        number = self._holdings.crawls.start(collection, (page,))
        job = _Job(JobView(number, page, collection, JobState.WAITING, self._clock()))
        with self._changed:
            self._jobs[number] = job
            self._waiting.append(job)
            self._forget_old()
            if len(self._threads) < CONCURRENT_CAPTURES:
                thread = Thread(target=self._work, name=f"capture-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify()
        return number

    def view(self, number: int) -> JobView | None:
        """A capture of this process as it stands; None when this process does not know it."""
        job = self._jobs.get(number)
        return job.view if job else None

    def views(self) -> list[JobView]:
        """Every capture of this process, newest first."""
        return sorted((job.view for job in list(self._jobs.values())), key=lambda view: -view.number)

    def stop(self, number: int) -> bool:
        """Ask a capture to stop (the second time: at once); False when this process does not know it."""
        job = self._jobs.get(number)
        if job is None:
            return False
        job.stop.press()
        return True

    def close(self, timeout: float = 15.0) -> None:
        """Stop everything, keep what came, wait at most `timeout` seconds for the files to be closed."""
        with self._changed:
            self._closed = True
            for job in self._jobs.values():
                job.stop.press()
                job.stop.press()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout)

    def _forget_old(self) -> None:
        over = [number for number, job in self._jobs.items() if job.view.is_over]
        for number in over[: max(0, len(self._jobs) - REMEMBERED)]:
            del self._jobs[number]

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                job = self._waiting.popleft()
            self._run(job)

    def _run(self, job: _Job) -> None:
        if job.stop.finish.is_set():
            job.update(state=JobState.STOPPED)
            return
        job.update(state=JobState.RUNNING)
        view = job.view
        try:
            with PageCapturer(self._holdings, view.collection, software=self._software, clock=self._clock) as capturer:
                result = capturer.capture(view.url, observer=job, stop=job.stop, crawl_id=view.number)
        except MunimentError as error:
            job.update(state=JobState.FAILED, problem=str(error))
        except Exception:  # the edge of a thread: nobody above could report it
            logger.exception("capture %d of %s failed", view.number, view.url)
            job.update(state=JobState.FAILED, problem="An unexpected error ended this capture. See the log.")
        else:
            job.update(**_ending(result))


def _ending(result: PageResult) -> dict[str, object]:
    """What the view says once the capture is over."""
    if result.interrupted:
        state = JobState.STOPPED
    else:
        state = JobState.DONE if result.timestamp else JobState.FAILED
    problem = ""
    if state is JobState.FAILED:
        page = next((outcome.failure for outcome in reversed(result.outcomes) if outcome.failure), None)
        problem = f"The page was not captured: {page.reason}." if page else "The page was not captured."
    return {
        "state": state,
        "timestamp": result.timestamp,
        "final_url": result.final_url,
        "title": result.title,
        "problem": problem,
    }
