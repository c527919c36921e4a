"""Connections that record every byte that crosses them, and a requests adapter made of them.

A connection hands out one whole exchange at a time, so threads and interleaved readers never mix. Connections that can be
used again wait in one place for whoever needs the next one to that origin, a thread or the loop in `flights`.
"""

from __future__ import annotations

import socket
import ssl
import weakref
from ipaddress import ip_address
from typing import Any, cast

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager

from archiver.errors import AddressRefused
from archiver.fetch.guard import AddressGuard, Endpoint
from archiver.fetch.idle import Connection, IdleConnections
from archiver.fetch.outgoing import Outgoing
from archiver.fetch.reading import Problem, ResponseReader
from archiver.fetch.recording import Recording
from archiver.model import Failure, FailureKind, Truncation

#: How long a read may block before the stop signal is looked at again, in seconds.
SLICE_SECONDS = 0.25
#: Bytes that are read at a time.
READ_BYTES = 65536


class ConnectFailed(Exception):
    """No connection could be made; says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class _RecordingMixin:
    """What both connection classes do beyond urllib3's."""

    guard: AddressGuard

    def connect(self: Any) -> None:
        super().connect()  # type: ignore[misc]
        sock = self.sock
        is_tls = hasattr(sock, "cipher") and sock.cipher()
        self.peer = (
            str(ip_address(sock.getpeername()[0].partition("%")[0])),
            sock.version() if is_tls else None,
            sock.cipher()[0] if is_tls else None,
        )

    def _new_conn(self: Any) -> socket.socket:
        connect_timeout = self.timeout if isinstance(self.timeout, int | float) else None
        return open_connection(self.guard, self._dns_host, self.port, connect_timeout)


class RecordingHTTPConnection(_RecordingMixin, HTTPConnection):
    """A plain connection."""


class RecordingHTTPSConnection(_RecordingMixin, HTTPSConnection):
    """A TLS connection; what is recorded is inside the TLS."""


class RecordingAdapter(HTTPAdapter):
    """A requests adapter whose connections record what crosses them.

    Args:
        guard: decides where connections may go.
        pool_size: kept-alive connections an origin.
    """

    def __init__(self, guard: AddressGuard, *, pool_size: int) -> None:
        self._guard = guard
        self._idle = IdleConnections(pool_size)
        weakref.finalize(self, self._idle.close)  # also of an adapter that nobody closes
        super().__init__(pool_connections=64, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        """Make the pools out of recording connections."""
        plain = type("Connection", (RecordingHTTPConnection,), {"guard": self._guard})
        secure = type("SecureConnection", (RecordingHTTPSConnection,), {"guard": self._guard})
        manager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **options)
        manager.pool_classes_by_scheme = {
            "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }
        self.poolmanager = manager

    def close(self) -> None:
        """Close the connections that wait."""
        self._idle.close()
        super().close()

    def record(
        self, request: Outgoing, recording: Recording, *, connect_timeout: float, verify: bool | str, fresh: bool = False
    ) -> None:
        """Send a request and read its response into `recording`; `fresh`: over a new connection.

        What urllib3's `urlopen` and requests' `send` do beyond this (retries, redirects, proxies, cookies, a response that
        can be read) is not wanted here, and takes longer than all the rest.

        Raises:
            ConnectFailed: no connection.
            AddressRefused: the guard forbids it.
            OSError, urllib3.exceptions.HTTPError, requests.exceptions.RequestException: TLS and sending errors.
            ValueError: the request cannot be written down.
        """
        origin = request.origin
        connection = None if fresh else self._idle.take(origin)
        recording.reused = connection is not None
        if connection is None:
            connection = self._made(request, verify, connect_timeout)
        try:
            send(connection, request, recording, connect_timeout)
            is_reusable = _receive_all(connection.sock, recording, request.method)
        except BaseException:
            connection.close()
            raise
        self.give_back(origin, connection, is_reusable=is_reusable)

    def waiting(self, request: Outgoing) -> Connection | None:
        """A connection to where a request goes, if one waits; the caller gives it back or closes it."""
        return self._idle.take(request.origin)

    def give_back(self, origin: str, connection: Connection, *, is_reusable: bool) -> None:
        """A connection is not needed any more; it waits for its next request if it can take one."""
        if is_reusable:
            self._idle.put(origin, connection)
        else:
            connection.close()

    def _made(self, request: Outgoing, verify: bool | str, connect_timeout: float) -> Connection:
        is_secure = request.origin.startswith("https:")
        prepared = PreparedRequest()
        prepared.url = request.url
        pool = cast(HTTPConnectionPool, self.get_connection_with_tls_context(prepared, verify if is_secure else True))
        if is_secure:
            self.cert_verify(pool, request.url, verify, None)  # type: ignore[no-untyped-call]
        connection = cast(Connection, pool._new_conn())
        connection.timeout = connect_timeout
        try:
            connection.connect()
        except BaseException:
            connection.close()
            raise
        return connection


# -- one exchange ----------------------------------------------------------------------------------------------------


def send(connection: Connection, request: Outgoing, recording: Recording, timeout: float) -> None:
    """Send a request over a connection that is open, and record it and whom it went to.

    Args:
        connection: connected.
        request: with a body of bytes, if any.
        recording: takes what was sent.
        timeout: seconds that sending may take.

    Raises:
        OSError: it could not be sent.
        ValueError: it cannot be written down.
    """
    recording.ip_address, recording.tls_version, recording.cipher = connection.peer
    head = request.head()
    sock = connection.sock
    sock.settimeout(timeout)
    try:
        for data in (head, request.body):
            if data:
                sock.sendall(data)
                recording.request += data
    except (BrokenPipeError, ConnectionResetError):
        pass  # who does not want to hear the end of a request may still have answered it


def _receive_all(sock: Any, recording: Recording, method: str) -> bool:
    """Read the response to what was sent; True when the connection can be used again."""
    reader = ResponseReader(recording, method)
    silent_since = recording.monotonic()
    while True:
        now = recording.monotonic()
        problem = out_of_time(recording, now, silent_since)
        if problem is None:
            wait = min(SLICE_SECONDS, recording.read_timeout)
            if recording.deadline is not None:
                wait = min(wait, max(0.001, recording.deadline - now))
            sock.settimeout(wait)
            try:
                data = read_some(sock)
            except TimeoutError:
                continue
            except OSError as error:
                problem = broken(error)
            else:
                if reader.feed(data):
                    return reader.is_reusable
                silent_since = recording.monotonic()
                continue
        reader.cut(problem)
        return False


def read_some(sock: Any) -> bytes:
    """The next bytes that came; b"" at the connection's end.

    Raises:
        TimeoutError, BlockingIOError, ssl.SSLWantReadError: nothing came.
        OSError: the connection broke.
    """
    try:
        return cast(bytes, sock.recv(READ_BYTES))
    except ssl.SSLEOFError:
        return b""


def broken(error: OSError) -> Problem:
    """What a connection that breaks means for the response."""
    reason = f"the connection broke ({error.strerror or type(error).__name__})"
    return Truncation.DISCONNECT, FailureKind.CONNECTION_RESET, reason


def out_of_time(recording: Recording, now: float, silent_since: float) -> Problem | None:
    """Why nothing more is to be read; None while there is no reason.

    Args:
        recording: of the exchange.
        now: on its clock.
        silent_since: when something came last, on the same.
    """
    if recording.cancelled():
        return Truncation.UNSPECIFIED, FailureKind.INTERRUPTED, "the capture was stopped"
    if recording.deadline is not None and now >= recording.deadline:
        return Truncation.TIME, FailureKind.TIMEOUT, "the time limit was reached"
    if now - silent_since >= recording.read_timeout:
        return Truncation.TIME, FailureKind.TIMEOUT, f"the server was silent for {recording.read_timeout:g} s"
    return None


# -- connecting ------------------------------------------------------------------------------------------------------


def open_connection(guard: AddressGuard, host: str, port: int, timeout: float | None) -> socket.socket:
    """Connect to one of the permitted addresses of a host, trying them in turn.

    Raises:
        AddressRefused: the guard forbids all of them.
        ConnectFailed: none could be reached; says why.
    """
    try:
        endpoints = guard.resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise ConnectFailed(Failure(FailureKind.DNS, f"the name {host} is not known (DNS)")) from error
    failure = Failure(FailureKind.UNREACHABLE, f"{host} cannot be reached")
    for endpoint in endpoints:
        try:
            return _connect(endpoint, timeout)
        except TimeoutError:
            failure = Failure(FailureKind.TIMEOUT, f"no connection to {host} within {timeout or 0:g} s")
        except ConnectionRefusedError:
            failure = Failure(FailureKind.CONNECTION_REFUSED, f"{host} refused the connection on port {port}")
        except OSError as error:
            failure = Failure(FailureKind.UNREACHABLE, f"{host} cannot be reached ({error.strerror or error})")
    raise ConnectFailed(failure)


def _connect(endpoint: Endpoint, timeout: float | None) -> socket.socket:
    sock = socket.socket(socket.AddressFamily(endpoint.family), socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect((endpoint.address, endpoint.port))
    except BaseException:
        sock.close()
        raise
    return sock


__all__ = [
    "AddressRefused",
    "ConnectFailed",
    "RecordingAdapter",
    "RecordingHTTPConnection",
    "RecordingHTTPSConnection",
    "broken",
    "open_connection",
    "out_of_time",
    "read_some",
    "send",
]
