"""Where worker processes come from: forks of the process that begins the crawl, made before it has anything a fork could break.

A fresh process takes half a second until it can fetch, all of it for imports. A fork has them at once, but must be made before
there is a thread, or a connection to the database. So the forks come first and wait to be told what to do; processes that are
wanted later, or by a process that has threads, come from a server that has imported everything, and forks.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Self

from archiver.crawl.follow import LATE_IMPORTS
from archiver.errors import StorageFailed
from archiver.garbage import keep_imported

#: What a worker imports.
_IMPORTED = ("archiver.crawl.supervise", *LATE_IMPORTS)

#: Times that a process is made which somebody ends before it has heard what to do.
_STARTS = 5


class Reserve:
    """Processes that wait to be told what to do; use it as a context manager. Those that were not told anything end with it.

    Args:
        processes: how many; none come of it where a fork could break something.
    """

    def __init__(self, processes: int) -> None:
        self._waiting: list[tuple[BaseProcess, Connection]] = []
        if processes and sys.platform == "linux" and threading.active_count() == 1:
            for module in _IMPORTED:
                import_module(module)
            keep_imported()
            for _ in range(processes):
                self._waiting.append(_forked())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for _, order in self._waiting:
            order.close()
        for process, _ in self._waiting:
            process.join()

    def start(self, task: Callable[..., None], *arguments: Any) -> BaseProcess:
        """A process that does a task: one of those that wait, else a new one.

        Args:
            task: a function of a module.
            arguments: can be pickled.

        Raises:
            StorageFailed: none can be made.
        """
        while self._waiting:
            process, order = self._waiting.pop(0)
            with order, suppress(BrokenPipeError):  # somebody may have ended it
                order.send((task, arguments))
                return process
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([*_IMPORTED, "archiver.cli.main"])
        for _ in range(_STARTS):
            made = context.Process(target=task, args=arguments)
            with suppress(OSError, EOFError):  # it was ended before it had heard what to do
                made.start()
                return made
        raise StorageFailed("No process could be made that shares the work.", "The system may be out of memory or processes.")


def _forked() -> tuple[BaseProcess, Connection]:
    """A fork of this process, and where it is told what to do."""
    context = multiprocessing.get_context("fork")
    theirs, ours = context.Pipe(duplex=False)
    process = context.Process(target=_wait, args=(theirs, ours))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()
    return process, ours


def _wait(orders: Connection, other_end: Connection) -> None:
    """The life of a fork: it does what it is told, or ends when nobody is there any more to tell it anything."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the process that was begun there
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT,))
    other_end.close()
    with orders, suppress(EOFError):
        task, arguments = orders.recv()
        task(*arguments)
