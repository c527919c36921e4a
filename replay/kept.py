"""Whole responses that need not be made again: the last used in memory, rewritten ones on disk as well."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from replay.cache import RewriteCache
from replay.render import Rendered

#: What an entry takes in memory beside its body, bytes, about.
_ENTRY_BYTES = 2048


class KeptResponses:
    """Whole responses by key: the last used in memory, rewritten ones on disk as well.

    Args:
        disk: shared by all processes.
        memory: bytes of bodies in this process.
    """

    def __init__(self, disk: RewriteCache, memory: int) -> None:
        self._disk = disk
        self._room = memory
        self._memory = memory
        self._items: OrderedDict[str, Rendered] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str) -> Rendered | None:
        """The response of that key, or None."""
        with self._lock:
            found = self._items.get(key)
            if found is not None:
                self._items.move_to_end(key)
                return found
        data = self._disk.get(key)
        if data is None:
            return None
        rendered = Rendered.from_bytes(data)
        self._remember(key, rendered)
        return rendered

    def put(self, key: str, rendered: Rendered) -> None:
        """Keep a response."""
        self._remember(key, rendered)
        if rendered.is_rewritten:
            self._disk.put(key, rendered.to_bytes())

    def _remember(self, key: str, rendered: Rendered) -> None:
        size = len(rendered.body) + _ENTRY_BYTES
        if size > self._memory // 8:
            return
        with self._lock:
            if key in self._items:
                return
            self._items[key] = rendered
            self._room -= size
            while self._room < 0:
                _, old = self._items.popitem(last=False)
                self._room += len(old.body) + _ENTRY_BYTES
