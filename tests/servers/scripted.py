"""A socket server that says exactly the bytes it is told, and can stall, reset and stop in the middle."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from threading import Event, Thread
from types import TracebackType
from typing import Self


class Act(Enum):
    """What the server does beside sending bytes."""

    STALL = "stall"  # until the server is closed
    RESET = "reset"
    NEXT = "next"  # read one more request on the same connection


Step = bytes | Act


@dataclass
class ScriptedServer:
    """Plays one script a connection, the last one again and again; closes the connection at the end of a script.

    Attributes:
        scripts: a script for each connection, in order.
        tls: server side TLS context, or None.
        family: socket.AF_INET or socket.AF_INET6.
        requests: raw request heads, in the order of arrival.
    """

    scripts: Sequence[Sequence[Step]]
    tls: ssl.SSLContext | None = None
    family: int = socket.AF_INET
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        self._over = Event()
        self._listener = socket.socket(self.family, socket.SOCK_STREAM)
        self._listener.bind(("::1" if self.family == socket.AF_INET6 else "127.0.0.1", 0))
        self._listener.listen(64)
        self.port = int(self._listener.getsockname()[1])
        self._threads = [Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            script = self.scripts[min(self.connections, len(self.scripts) - 1)]
            self.connections += 1
            thread = Thread(target=self._play, args=(connection, script), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _play(self, connection: socket.socket, script: Sequence[Step]) -> None:
        with suppress(OSError, ssl.SSLError):
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            self._hear(connection)
            for step in script:
                if isinstance(step, bytes):
                    connection.sendall(step)
                elif step is Act.STALL:
                    self._over.wait(30)
                elif step is Act.NEXT:
                    self._hear(connection)
                else:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    break
        connection.close()

    def _hear(self, connection: socket.socket) -> None:
        heard = b""
        while b"\r\n\r\n" not in heard:
            data = connection.recv(65536)
            if not data:
                raise ConnectionError
            heard += data
        self.requests.append(heard)
