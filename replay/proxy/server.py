"""The proxy as a server: one thread a connection, and a bound on their number."""

from __future__ import annotations

import logging
import socket
import socketserver
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from archiver.holdings import open_holdings, utc_now
from archiver.settings import Settings
from replay.lookup import Lookup
from replay.proxy.authority import CERTIFICATE_FILE, FOLDER, open_authority
from replay.proxy.choice import Choice, default_choice
from replay.proxy.connection import Connection, Limits
from replay.proxy.service import Service

logger = logging.getLogger(__name__)

#: Connections at a time; a browser makes at most 32 to a proxy. Others wait to be accepted.
_MOST_CONNECTIONS = 256


class ProxyServer(socketserver.ThreadingTCPServer):
    """Listens, and serves each connection in a thread.

    Args:
        host: address to listen on.
        port: 0 for any.
        service: has the answers.
        limits: of waiting for clients.
    """

    allow_reuse_address = True
    allow_reuse_port = True  # `replay.serve` holds the port, for which only such sockets are let in
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, host: str, port: int, service: Service, limits: Limits | None = None) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._service = service
        self._limits = limits or Limits()
        self._room = BoundedSemaphore(_MOST_CONNECTIONS)
        super().__init__((host, port), socketserver.BaseRequestHandler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread when there is room for one."""
        self._room.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Give the room back, whatever happens."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """One connection, from its first byte to its last."""
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Connection(request, client_address[0], self._service, self._limits).serve()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A bug: this connection ends, the others go on."""
        logger.exception("a connection of %s failed", client_address[0])


@dataclass(frozen=True, slots=True)
class ProxyFacts:
    """What whoever starts a proxy is told.

    Attributes:
        choice: shown to clients that name nothing; None when they all have to.
        certificate: file that clients are to trust.
        fingerprint: of it, SHA-256.
    """

    choice: Choice | None
    certificate: Path
    fingerprint: str


def prepare(settings: Settings) -> ProxyFacts:
    """Make sure that a proxy can start; the first time, make its authority.

    Raises:
        MunimentError: it cannot; the message says why.
    """
    choice = default_choice(settings)
    with open_holdings(settings) as holdings:
        if choice is not None:
            Lookup(holdings).scope(choice.collection)
        authority = open_authority(settings.archive, utc_now)
    return ProxyFacts(choice, settings.archive / FOLDER / CERTIFICATE_FILE, authority.fingerprint)


def run(settings: Settings) -> None:
    """Serve until the process is ended."""
    with open_holdings(settings) as holdings:
        service = Service(holdings, open_authority(settings.archive, utc_now), default_choice(settings))
        with ProxyServer(settings.host, settings.proxy_port, service) as server:
            server.serve_forever()
