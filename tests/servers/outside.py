"""The world outside the archive: a listener on loopback that notes whatever reaches it, connection or datagram."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

#: Answers every request with nothing, to anybody.
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: *\r\n"
    b"Access-Control-Allow-Methods: *\r\nContent-Length: 0\r\n\r\n"
)
_NAME = re.compile(rb"([a-z0-9-]+)\.example")


class Outside:
    """Listens until its block is left.

    What comes is told apart by the host that is asked for, `<name>.example` (in a request or in a TLS greeting), or by the
    port that a datagram is sent to.

    Args:
        datagrams: names that each get a UDP port of their own.

    Attributes:
        port: TCP, and UDP for what is sent to `<name>.example`.
        ports: UDP, by name.
        seen: names, "connection" for connections that said nothing, "datagram" for datagrams to `port`.
    """

    def __init__(self, datagrams: Iterable[str] = ()) -> None:
        self.seen: set[str] = set()
        self._change = threading.Condition()
        self._sockets: list[socket.socket] = []
        self._tcp, udp = _same_port()
        self.port: int = self._tcp.getsockname()[1]
        self._tcp.listen(500)
        self._start(self._accept)
        self._start(lambda: self._datagrams(udp, "datagram"))
        self.ports: dict[str, int] = {}
        for name in datagrams:
            own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            own.bind(("127.0.0.1", 0))
            self.ports[name] = own.getsockname()[1]
            self._start(lambda own=own, name=name: self._datagrams(own, name))  # type: ignore[misc]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for opened in (self._tcp, *self._sockets):
            try:
                opened.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            opened.close()

    def wait_for(self, names: Iterable[str], seconds: float) -> set[str]:
        """Until all of these were seen; gives those that were not."""
        wanted = set(names)
        with self._change:
            self._change.wait_for(lambda: wanted <= self.seen, seconds)
            return wanted - self.seen

    def _note(self, name: str) -> None:
        with self._change:
            self.seen.add(name)
            self._change.notify_all()

    def _start(self, work: Callable[[], None]) -> None:
        threading.Thread(target=work, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            self._start(lambda connection=connection: self._converse(connection))  # type: ignore[misc]

    def _converse(self, connection: socket.socket) -> None:
        with connection:
            silent = True
            try:
                while data := connection.recv(65536):
                    silent = False
                    found = _NAME.search(data)
                    self._note(found.group(1).decode() if found else "connection")
                    if data[:1] == b"\x16":  # TLS: its greeting names the host
                        return
                    connection.sendall(ANSWER)
            except OSError:
                pass
            if silent:
                self._note("connection")

    def _datagrams(self, udp: socket.socket, name: str) -> None:
        self._sockets.append(udp)
        while True:
            try:
                data, _ = udp.recvfrom(65536)
            except OSError:
                return
            if not data:
                return
            self._note(name)


def _same_port() -> tuple[socket.socket, socket.socket]:
    """A TCP and a UDP socket on one port."""
    while True:
        tcp, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp.bind(("127.0.0.1", 0))
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
            continue
        return tcp, udp
