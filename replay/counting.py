"""Numbers that take longer than a reader waits: counted behind the scenes, and remembered the longer the longer they took."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from typing import Any, TypeVar

_T = TypeVar("_T")

#: Seconds that a page waits for a number before it says that it is being counted.
WAIT = 0.035
#: What took less is counted anew each time; what took more is remembered so many times as long, within these bounds.
_QUICK = 0.1
_TIMES_AS_LONG = 200
_LEAST, _MOST = 10.0, 900.0
#: Numbers that are remembered, and that wait to be counted.
_REMEMBERED, _WAITING = 256, 16


@dataclass(slots=True)
class _Count:
    running: Future[Any]
    value: Any = None
    is_counted: bool = False
    fresh_until: float = 0.0


class Counts:
    """Counts in a few threads, so that readers of many large numbers do not take the server from all others.

    Args:
        clock: seconds, ever growing.
        wait: seconds that `get` waits at most.
        threads: that count; with more than one, what is small need not wait for what is large.
    """

    def __init__(self, clock: Callable[[], float], wait: float = WAIT, threads: int = 3) -> None:
        self._clock, self._wait = clock, wait
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, _Count] = OrderedDict()
        self._waiting = 0
        self._thread = ThreadPoolExecutor(threads, "counting")

    def get(self, name: Hashable, make: Callable[[], _T], wait: float = 0) -> _T | None:
        """A number, or whatever `make` makes; None while that is being made. What is out of date is told until it is renewed.

        Args:
            name: what it depends on: who asks, and what for.
            make: counts; what it raises is raised here, too.
            wait: seconds, where that is longer than usual.
        """
        with self._lock:
            count = self._known.get(name)
            if count is None or (count.running.done() and self._clock() >= count.fresh_until):
                if self._waiting >= _WAITING:
                    return count.value if count is not None and count.is_counted else None
                count = self._begin(name, make, count)
            self._known.move_to_end(name)
        if count.is_counted:
            found: _T = count.value
            return found
        try:
            made: _T = count.running.result(max(wait, self._wait))
        except NotYet:
            return None
        return made

    def _begin(self, name: Hashable, make: Callable[[], Any], before: _Count | None) -> _Count:
        """Have it counted; the lock is held."""
        count = before if before is not None and before.is_counted else _Count(Future())
        running: Future[Any] = Future()
        count.running = running
        self._known[name] = count
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        self._waiting += 1

        def run() -> None:
            began = self._clock()
            try:
                value = make()
            except BaseException as error:
                with self._lock:
                    self._waiting -= 1
                    count.is_counted, count.fresh_until = False, 0.0
                running.set_exception(error)
                return
            took = self._clock() - began
            with self._lock:
                self._waiting -= 1
                count.is_counted = took >= _QUICK
                count.value = value if count.is_counted else None
                count.fresh_until = self._clock() + (0 if took < _QUICK else min(_MOST, max(_LEAST, _TIMES_AS_LONG * took)))
            running.set_result(value)

        self._thread.submit(run)
        return count
