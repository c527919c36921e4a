"""Connections that can be used again, and wait for whoever needs the next one to that origin."""

from __future__ import annotations

import select
import threading
from collections import OrderedDict, deque
from typing import Any, Protocol

#: Connections that wait for their next request, of all hosts together: each is an open file.
_MOST_IDLE = 256


class Connection(Protocol):
    """What is used of urllib3's connections.

    Attributes:
        sock: None while it is not connected.
        timeout: seconds for connecting.
        peer: (IP address, TLS version, cipher) of the one who is connected.
    """

    sock: Any
    timeout: float | None
    peer: tuple[str, str | None, str | None]

    def connect(self) -> None: ...
    def close(self) -> None: ...


class IdleConnections:
    """Connections that wait for their next request; safe to use from several threads.

    Args:
        of_origin: how many of one origin may wait.
        most: of all origins together; the ones that wait longest are closed.
    """

    def __init__(self, of_origin: int, most: int = _MOST_IDLE) -> None:
        self._of_origin = of_origin
        self._most = most
        self._count = 0
        self._waiting: OrderedDict[str, deque[Connection]] = OrderedDict()
        self._lock = threading.Lock()
        self._is_closed = False

    def take(self, origin: str) -> Connection | None:
        """The one that was used last, unless its server has closed it or said something unasked; None when there is none."""
        while True:
            with self._lock:
                queue = self._waiting.get(origin)
                if not queue:
                    return None
                connection = queue.pop()
                self._count -= 1
                if not queue:
                    del self._waiting[origin]
            if not _has_something_to_say(connection.sock):
                return connection
            connection.close()

    def put(self, origin: str, connection: Connection) -> None:
        """It waits from now on."""
        surplus = None
        with self._lock:
            queue = self._waiting.setdefault(origin, deque())
            self._waiting.move_to_end(origin)
            if self._is_closed or len(queue) >= self._of_origin:
                surplus = connection
            else:
                queue.append(connection)
                self._count += 1
                if self._count > self._most:
                    surplus = self._oldest()
        if surplus is not None:
            surplus.close()

    def close(self) -> None:
        """None waits any more, nor will."""
        with self._lock:
            self._is_closed = True
            waiting, self._waiting, self._count = self._waiting, OrderedDict(), 0
        for connection in (connection for queue in waiting.values() for connection in queue):
            connection.close()

    def _oldest(self) -> Connection:
        origin, queue = next(iter(self._waiting.items()))
        connection = queue.popleft()
        self._count -= 1
        if not queue:
            del self._waiting[origin]
        return connection


def _has_something_to_say(sock: Any) -> bool:
    """Whether there is something to read although nothing was asked, be it only the connection's end."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
