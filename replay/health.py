"""Whether what the reader depends on answers, asked now and then however often somebody wants to know."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Lock

from archiver.errors import StorageFailed
from archiver.holdings import Holdings

#: Seconds for which an answer holds.
_HOLDS = 5.0

OK = "ok"
UNREACHABLE = "unreachable"

_log = logging.getLogger(__name__)


class Health:
    """Asks the database and the place of the WARC files.

    Args:
        holdings: the opened archive.
        clock: seconds, of any beginning.
    """

    def __init__(self, holdings: Holdings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._holdings = holdings
        self._clock = clock
        self._lock = Lock()
        self._known: dict[str, str] = {}
        self._until = 0.0

    def parts(self) -> dict[str, str]:
        """Part → "ok" or "unreachable". What exactly is wrong is for the log: the address is public."""
        with self._lock:
            if not self._known or self._clock() >= self._until:
                self._known = {
                    "database": self._ask("database", self._holdings.collections.all),
                    "storage": self._ask("storage", self._holdings.store.check),
                }
                self._until = self._clock() + _HOLDS
            return dict(self._known)

    def _ask(self, name: str, question: Callable[[], object]) -> str:
        try:
            question()
        except StorageFailed as error:
            if self._known.get(name) != UNREACHABLE:
                _log.error("%s: %s", name, error)
            return UNREACHABLE
        return OK
