"""Pages that programs and people ask to be saved: kept as jobs, done in threads of this process, two at a time.

Cookies and passwords that were given for a page are in the memory of this process only, as long as its job waits and runs.
"""

from __future__ import annotations

import secrets as randomness
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from threading import Condition, Lock, Thread
from typing import Any

from archiver.engine import StopSignal
from archiver.errors import Interrupted, MunimentError
from archiver.holdings import Holdings
from archiver.index.database import lock_table, writing
from archiver.index.worktables import jobs
from archiver.jobrunner import Later, Runner, Work
from archiver.jobs import OPEN, Job, JobRegistry, JobState, is_alive, this_process
from archiver.model import Candidate, ResourceOutcome
from archiver.saveorders import SaveOrder, SaveRefused, SaveSecrets
from archiver.saving import Prove, Saved, save
from archiver.timestamps import parse_iso

KIND = "save"
#: Jobs that are done at once, and those that one account may have waiting.
_AT_ONCE = 2
MOST_OPEN = 1000
#: URLs of a page that are named.
_NAMED = 1000
_LOOK_SECONDS = 5.0
#: Seconds for which a job is left to the server that has its cookie or password.
_LEFT_SECONDS = 2.0


class SaveDesk:
    """Where pages are asked to be saved.

    Args:
        holdings: the opened archive.
        prove: makes sure that a capture can be seen.
        clock: the time, UTC.
        software: name and version, for warcinfo records.
        new_token: makes the unguessable part of job ids, 40 hexadecimal digits.
    """

    def __init__(
        self,
        holdings: Holdings,
        prove: Prove,
        clock: Callable[[], datetime],
        *,
        software: str = "muniment",
        new_token: Callable[[], str] = lambda: randomness.token_hex(20),
    ) -> None:
        self.registry = JobRegistry(holdings.engine, clock)
        self._holdings = holdings
        self._prove = prove
        self._clock = clock
        self._software = software
        self._new_token = new_token
        self._secrets: dict[str, SaveSecrets] = {}
        self._running: dict[int, _Telling] = {}
        self._asking = Lock()
        self._changed = Condition()
        self._asked = 0
        self._stop = StopSignal()
        self._threads: list[Thread] = []
        if self.registry.is_due((KIND,)):
            self.wake()

    def put(self, order: SaveOrder, secrets: SaveSecrets, by: str) -> str:
        """Have a page saved; the id of the job. Asked for twice while it waits, it is one job.

        Raises:
            SaveRefused: too much is waiting.
            UnknownCollection: there is no such collection.
        """
        self._holdings.collections.get(order.collection)
        arguments: dict[str, object] = {"order": order.as_json(), "has_secrets": secrets.are_any}
        if secrets.are_any:
            arguments["server"] = this_process()
        with self._asking, writing(self._holdings.engine) as connection:
            lock_table(connection, jobs)  # what another server is told at this moment counts, too
            waiting = self.registry.list(states=OPEN, kinds=(KIND,), limit=MOST_OPEN)
            mine = [job for job in waiting if job.created_by == by]
            if len(mine) >= MOST_OPEN:
                raise SaveRefused("user-session-limit", "Too many pages are waiting.", "Try again in a minute.", status=429)
            for job in mine:
                if job.token and not secrets.are_any and dict(job.arguments) == _as_kept(arguments):
                    return job.token
            token = f"spn2-{self._new_token()}"
            if secrets.are_any:
                self._secrets[token] = secrets
            self.registry.put_within(connection, KIND, arguments, order.collection, by, token=token)
        self.wake()
        return token

    def close(self, timeout: float = 15.0) -> None:
        """Stop what runs; it goes on when the server is started again."""
        with self._changed:
            self._stop.press()
            self._stop.press()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout)

    def of_token(self, token: str) -> Job:
        """A job; while it runs in this process, its result is what came so far.

        Raises:
            NotFound: there is none of that name.
        """
        job = self.registry.of_token(token)
        telling = self._running.get(job.number)
        return job if telling is None or job.state.is_over else replace(job, result=telling.told())

    def wait(self, token: str, seconds: float) -> Job:
        """A job, once it is over or the time is."""
        until = time.monotonic() + seconds
        job = self.registry.of_token(token)
        with self._changed:
            while not job.state.is_over and (left := until - time.monotonic()) > 0:
                self._changed.wait(min(left, 1.0))
                job = self.registry.of_token(token)
        return job

    # -- work --------------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Have somebody look whether there is something to do."""
        with self._changed:
            self._asked += 1
            if len(self._threads) < _AT_ONCE and not self._stop.finish.is_set():
                thread = Thread(target=self._work, name=f"save-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify_all()

    def _work(self) -> None:
        runner = Runner(self._holdings, {KIND: self._save}, stop=self._stop, clock=self._clock, software=self._software)
        while not self._stop.finish.is_set():
            seen = self._asked
            while runner.run_one() is not None:
                with self._changed:
                    self._changed.notify_all()
            with self._changed:
                if self._asked == seen and not self._stop.finish.is_set():
                    self._changed.wait(_LOOK_SECONDS)

    def _save(self, work: Work) -> Mapping[str, Any]:
        """Do a job."""
        order = SaveOrder.of_json(work.job.arguments["order"])
        telling = self._running[work.job.number] = _Telling(work)
        try:
            saved = save(
                self._holdings, order, self._secrets_of(work.job), self._prove, software=work.software, clock=work.clock,
                observer=telling, stop=work.stop,
            )  # fmt: skip
        except SaveRefused as error:
            if self._stop.finish.is_set():
                raise Interrupted("The server was stopped.") from error
            work.keep({**telling.told(), "code": error.code})
            raise
        except Later:
            raise
        except MunimentError:
            work.keep({**telling.told(), "code": "internal-server-error"})
            raise
        finally:
            self._running.pop(work.job.number, None)
        if work.job.token:
            self._secrets.pop(work.job.token, None)
        return {**telling.told(), **self._told(saved, order, work.job)}

    def _secrets_of(self, job: Job) -> SaveSecrets:
        if not job.arguments.get("has_secrets"):
            return SaveSecrets()
        found = self._secrets.get(job.token or "")
        server, age = str(job.arguments.get("server", "")), (self._clock() - parse_iso(job.created_at)).total_seconds()
        if found is None and server != this_process() and is_alive(server, age):
            raise Later("The server that was asked for it has the cookie or password.", _LEFT_SECONDS)
        if found is None:
            raise SaveRefused(
                "job-failed", "The server was started again, and the cookie or password is kept nowhere.", "Send it again."
            )
        return found

    def _told(self, saved: Saved, order: SaveOrder, job: Job) -> dict[str, Any]:
        """What came of a job; the pages that it links to are asked for here."""
        outlinks: list[str] | dict[str, str] = list(saved.outlinks)
        messages = list(saved.messages)
        if order.outlinks:
            outlinks, wanted = (
                {},
                replace(order, outlinks=False, within=order.outlinks_within, tells_outlinks=False, messages=()),
            )
            try:
                for link in saved.outlinks:
                    outlinks[link] = self.put(replace(wanted, url=link), SaveSecrets(), job.created_by)
            except SaveRefused as error:
                messages.append(f"Only {len(outlinks)} of {len(saved.outlinks)} links are saved: {error.message}")
        elif saved.available is not None:
            outlinks = saved.available
        return {
            "url": saved.url,
            "timestamp": saved.timestamp,
            "http_status": saved.status,
            "is_new": saved.is_new,
            "is_first": saved.is_first,
            "outlinks": outlinks,
            "messages": messages,
        }


def _as_kept(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments as JSON gives them back."""
    order = {name: list(value) if isinstance(value, tuple) else value for name, value in arguments["order"].items()}
    return {**arguments, "order": order}


class _Telling:
    """Tells how a capture goes on: counts, and the URLs that came. What is told is in memory; only counts are written."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._resources: list[str] = []
        self._missing: list[dict[str, str]] = []
        self._known = 1
        self._finished = 0
        self._failed = 0

    def started(self, candidate: Candidate, known: int) -> None:
        """A URL is being fetched."""
        self._known = known
        self._work.show(self._finished, known, candidate.url)

    def finished(self, outcome: ResourceOutcome, known: int) -> None:
        """A URL is done."""
        self._known = known
        self._finished += 1
        if outcome.failure is not None:
            self._failed += 1
            if len(self._missing) < _NAMED:
                self._missing.append({"url": outcome.candidate.url, "reason": outcome.failure.reason})
        if outcome.capture is not None and len(self._resources) < _NAMED:
            self._resources.append(outcome.candidate.url)
        self._work.show(self._finished, known)

    def told(self) -> dict[str, Any]:
        """What came so far."""
        return {
            "resources": list(self._resources), "known": self._known, "finished": self._finished, "failed": self._failed,
            "missing": list(self._missing),
        }  # fmt: skip


def state_of(job: Job) -> str:
    """Where a job stands, in Save Page Now's words."""
    if not job.state.is_over:
        return "pending"
    return "success" if job.state is JobState.DONE else "error"
