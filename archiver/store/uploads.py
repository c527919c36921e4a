"""Brings finished files from the spool folder to object storage, in a thread of its own, until they have arrived.

A file leaves the spool only after what arrived was compared. Whatever is cut short is begun again: by this process, by another
one of the same archive home, or by the next start. A lock on the file keeps two processes from sending it at the same time.
"""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from io import RawIOBase
from threading import Condition, Thread
from typing import BinaryIO, cast

from archiver.errors import Conflict, MissingRecord, MunimentError
from archiver.store.folder import FolderStore
from archiver.store.locks import locked
from archiver.store.remote import Remote

#: Seconds after the start until what other processes left is looked for, and between two looks.
_FIRST_LOOK = 3.0
_BETWEEN_LOOKS = 60.0
#: Seconds until a file is tried again that another process has in hand.
_BUSY_SECONDS = 0.05
_LONGEST_WAIT = 300.0
#: What takes so long to be sent, in bytes, that waiting for it is announced.
_MUCH = 100_000_000

_log = logging.getLogger(__name__)


class Outcome(StrEnum):
    """What became of one try."""

    ARRIVED = "arrived"
    GONE = "gone"
    BUSY = "busy"
    FAILED = "failed"
    LEFT = "left"  # for people to look at; others may arrive all the same


def back_off(failures: int) -> float:
    """Seconds until the next try after so many failures in a row."""
    return float(min(_LONGEST_WAIT, 2.0**failures)) if failures else 0.0


class _Stopped(Exception):
    """Nobody waits for this file, and the process ends."""


class _Stoppable(RawIOBase):
    """A file that is read no further once it is told to stop."""

    def __init__(self, stream: BinaryIO, stop: Callable[[], bool]) -> None:
        self._stream = stream
        self._stop = stop
        self.name = stream.name

    def read(self, size: int | None = -1) -> bytes:
        if self._stop():
            raise _Stopped
        return self._stream.read(-1 if size is None else size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)


def send(spool: FolderStore, remote: Remote, name: str, stop: Callable[[], bool] = lambda: False) -> Outcome:
    """Try to bring one finished file to its place; it leaves the spool once it has arrived.

    Args:
        spool: the folder.
        remote: the place.
        name: of the file.
        stop: gives up in the middle when it turns true.

    Raises:
        StorageFailed: it did not arrive.
        Conflict: another file has its name there.
    """
    path = spool.root / name
    if not path.exists():
        return Outcome.GONE
    stream = locked(path)
    if stream is None:
        return Outcome.BUSY if path.exists() else Outcome.GONE
    with stream:
        source = cast(BinaryIO, _Stoppable(stream, stop))
        try:
            is_there = remote.holds(name, source)
        except MissingRecord:
            remote.put(name, source)
        else:
            if not is_there:
                raise Conflict(
                    "Another file of the same name is in object storage; neither is touched.",
                    f"Look at {name} in both places, and move one away.",
                )
        path.unlink(missing_ok=True)
    return Outcome.ARRIVED


class Uploader:
    """Sends the finished files of a spool folder.

    Args:
        spool: the folder.
        remote: where they belong.
        clock: seconds, of any beginning.
    """

    def __init__(self, spool: FolderStore, remote: Remote, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._spool = spool
        self._remote = remote
        self._clock = clock
        self._changed = Condition()
        self._own: list[str] = []  # finished by this process, and not yet gone from the spool
        self._reasons: dict[str, str] = {}
        self._left: set[str] = set()
        self._failed: Counter[str] = Counter()  # those that failed least are tried first
        self._failures = 0
        self._not_before = 0.0
        self._next_look = clock() + _FIRST_LOOK
        self._closing = self._is_woken = self._is_writer = False
        self._thread: Thread | None = None
        self._pid = 0

    def begin(self) -> None:
        """Look after the spool from now on."""
        with self._changed:
            if self._thread is None or self._pid != os.getpid():
                self._pid = os.getpid()
                self._thread = Thread(target=self._run, name="uploads", daemon=True)
                self._thread.start()

    def add(self, name: str) -> None:
        """A file was finished."""
        self.begin()
        with self._changed:
            self._own.append(name)
            self._is_writer = True
            self._is_woken = True
            self._changed.notify()

    def close(self) -> None:
        """Wait until what this process finished has arrived, and what others left; each file is tried once more at most.

        A process that finished none does not wait.
        """
        with self._changed:
            thread = self._thread if self._pid == os.getpid() else None
            self._closing = self._is_woken = True
            self._changed.notify()
            size = sum(self._size(name) for name in self._own)
        if thread is None:
            return
        if size > _MUCH:
            _log.warning(
                "%.1f GB are on their way to object storage; should you stop this, the next start goes on.", size / 1e9
            )
        thread.join()
        if left := len(self._own) + len(self._left):
            _log.warning(
                "%d WARC %s not in object storage yet; kept in %s, and sent by the next start.",
                left,
                "file is" if left == 1 else "files are",
                self._spool.root,
            )

    def reason(self, name: str) -> str:
        """Why a file did not arrive; "" when it was not tried, or is on its way."""
        return self._reasons.get(name, "")

    # -- what the thread does ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._changed:
                is_last, self._is_woken = self._closing, False
            wait = self.work(is_last=is_last)
            if is_last and wait is None:
                return
            with self._changed:
                if not self._is_woken:
                    self._changed.wait(wait)

    def work(self, *, is_last: bool = False) -> float | None:
        """Try what is due; seconds until there is more to do. `is_last`: each file once more; None once that is done."""
        now = self._clock()
        if not is_last and now < self._not_before:
            return self._not_before - now
        outcomes = []
        for name in sorted(self._own, key=self._failed.__getitem__):
            outcomes.append(self._try(name))
            if outcomes[-1] is Outcome.FAILED:
                break  # what fails for one fails for all, mostly
        if Outcome.BUSY in outcomes:
            return _BUSY_SECONDS
        if Outcome.FAILED not in outcomes and (self._is_writer if is_last else now >= self._next_look):
            self._next_look = now + _BETWEEN_LOOKS
            self._send_left()
        if is_last:
            return None
        until = self._not_before if self._own else self._next_look
        return max(0.0, until - self._clock())

    def _send_left(self) -> None:
        """Send what other processes left, until there is something of our own to do.

        A process that only reads does not wait for it at its end.
        """
        for name in sorted(self._spool.names(), key=self._failed.__getitem__):
            if name in self._left:
                continue
            if self._is_woken or self._try(name, can_stop=not self._is_writer) is Outcome.FAILED:
                return

    def _try(self, name: str, *, can_stop: bool = False) -> Outcome:
        try:
            outcome = send(self._spool, self._remote, name, lambda: can_stop and self._closing)
        except (Conflict, OSError) as error:
            self._say(name, error)
            self._left.add(name)
            outcome = Outcome.LEFT
        except (MunimentError, _Stopped) as error:
            if can_stop and self._closing:
                return Outcome.BUSY
            self._failures += 1
            self._failed[name] += 1
            self._not_before = self._clock() + back_off(self._failures)
            self._say(name, error)
            return Outcome.FAILED
        if outcome is Outcome.ARRIVED:
            self._failures, self._not_before = 0, 0.0
        if outcome is Outcome.BUSY:
            return outcome
        if outcome is not Outcome.LEFT:
            self._reasons.pop(name, None)
        with self._changed:
            if name in self._own:
                self._own.remove(name)
        return outcome

    def _say(self, name: str, error: Exception) -> None:
        """Remember why a file did not arrive, and tell each reason once."""
        reason = str(error) if isinstance(error, MunimentError) else f"It cannot be read: {getattr(error, 'strerror', '')}."
        if reason not in self._reasons.values():
            _log.warning("A WARC file could not be brought to object storage, and is kept in %s: %s", self._spool.root, reason)
        self._reasons[name] = reason

    def _size(self, name: str) -> int:
        try:
            return (self._spool.root / name).stat().st_size
        except OSError:
            return 0
