"""Connections that record every byte that crosses them, and a requests adapter made of them.

http.client's own response parser is not used: it loses 1xx heads, stops at the first odd chunk size and rebuilds header
fields. Here the response is read by its framing (RFC 9112, section 6), straight from the socket into a spool, and only
afterwards looked at. A connection hands out one whole exchange at a time, so threads and interleaved readers never mix.
"""

from __future__ import annotations

import re
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, BinaryIO, cast

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager

from archiver.errors import AddressRefused
from archiver.fetch.guard import AddressGuard, Endpoint
from archiver.message import MAX_HEAD_BYTES, ChunkedDecoder, Head, parse_head
from archiver.model import Failure, FailureKind, Truncation

#: Responses up to this size stay in memory.
SPOOL_BYTES = 512 * 1024

#: How long a read may block before the stop signal is looked at again, in seconds.
_SLICE = 0.25

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_LOOKS_LIKE_HTTP = (b"HTTP/", b"ICY ")


class ConnectFailed(Exception):
    """No connection could be made; says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


@dataclass
class Recording:
    """One exchange while it happens: what limits it, and what crossed the wire so far.

    Attributes:
        target: request target to send, exactly (path and query).
        max_bytes: response bytes after which it is cut; None for no limit.
        read_timeout: seconds of silence after which it is cut.
        deadline: monotonic time at which it is cut; None for none.
        cancelled: asked between reads.
        monotonic: the clock that `deadline` belongs to.
    """

    target: str
    max_bytes: int | None
    read_timeout: float
    deadline: float | None
    cancelled: Callable[[], bool]
    monotonic: Callable[[], float]
    request: bytearray = field(default_factory=bytearray)
    response: BinaryIO = field(default_factory=lambda: cast(BinaryIO, tempfile.SpooledTemporaryFile(SPOOL_BYTES)))
    length: int = 0
    interim: bytes = b""
    head: Head | None = None
    truncated: Truncation | None = None
    failure: Failure | None = None
    reused: bool = False
    received: bool = False
    ip_address: str | None = None
    tls_version: str | None = None
    cipher: str | None = None

    def keep(self, data: bytes) -> None:
        """Append response bytes to the spool."""
        self.response.write(data)
        self.length += len(data)

    def cut(self, truncated: Truncation, kind: FailureKind, reason: str) -> None:
        """Note why the response lacks bytes."""
        self.truncated = truncated
        self.failure = Failure(kind, reason)


class _Cut(Exception):
    """Reading ends before the message does; the recording says why."""


class _TappedSocket:
    """A socket whose outgoing bytes are copied into the current recording."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.recording: Recording | None = None

    def sendall(self, data: bytes, *flags: int) -> None:
        self._sock.sendall(data, *flags)
        if self.recording is not None:
            self.recording.request += data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _ResponseReader:
    """Reads one HTTP response from a socket by its framing."""

    def __init__(self, sock: _TappedSocket, recording: Recording, method: str) -> None:
        self._sock = sock
        self._recording = recording
        self._method = method
        self._buffer = b""

    def read(self) -> bool:
        """Read the response into the recording; True when the connection can be used again."""
        try:
            head = self._read_head()
            if head is None:
                return False
            self._recording.head = head
            whole = self._read_body(head)
        except _Cut:
            return False
        return whole and not self._buffer and _keeps_alive(head)

    def _read_head(self) -> Head | None:
        recording = self._recording
        while True:
            raw = self._until_blank_line()
            if raw is None:
                return None
            head = parse_head(raw)
            if head.status is not None and 100 <= head.status < 200 and head.status != 101:
                recording.interim += raw
                continue
            recording.keep(raw)
            return head

    def _until_blank_line(self) -> bytes | None:
        while True:
            stripped = self._buffer.lstrip(b"\r\n")
            if len(stripped) != len(self._buffer):  # RFC 9112, section 2.2: empty lines before a message
                self._recording.interim += self._buffer[: len(self._buffer) - len(stripped)]
                self._buffer = stripped
            if not any(self._buffer[:5] == mark[: len(self._buffer[:5])] for mark in _LOOKS_LIKE_HTTP):
                self._no_http("the server did not answer in HTTP")
                return None
            end = _BLANK_LINE.search(self._buffer)
            if end:
                raw, self._buffer = self._buffer[: end.end()], self._buffer[end.end() :]
                return raw
            if len(self._buffer) > MAX_HEAD_BYTES:
                self._no_http("the response head has no end")
                return None
            data = self._receive(self._buffer)
            if not data:
                if self._buffer:
                    self._recording.keep(self._buffer)
                    self._recording.cut(
                        Truncation.DISCONNECT, FailureKind.CUT_SHORT, "the connection ended inside the response head"
                    )
                else:
                    self._recording.failure = Failure(
                        FailureKind.CONNECTION_RESET, "the server closed the connection without an answer"
                    )
                return None
            self._buffer += data

    def _no_http(self, reason: str) -> None:
        """Keep whatever comes: it is what the server said."""
        self._keep(self._buffer)
        self._buffer = b""
        while data := self._receive():
            self._keep(data)
        self._recording.failure = Failure(FailureKind.PROTOCOL, reason)

    def _read_body(self, head: Head) -> bool:
        """Read the body; True when its end is known without the connection's end."""
        if self._method == "HEAD" or head.status in (204, 304):
            return True
        if head.is_chunked:
            return self._read_chunked()
        length = _content_length(head)
        if length is None:
            self._read_to_close()
            return False
        self._read_counted(length)
        return True

    def _read_counted(self, remaining: int) -> None:
        while remaining:
            data = self._next()
            if not data:
                self._cut_short(f"the connection ended {remaining:,} bytes before the announced length")
            piece, self._buffer = data[:remaining], data[remaining:]
            remaining -= len(piece)
            self._keep(piece)

    def _read_to_close(self) -> None:
        while data := self._next():
            self._keep(data)

    def _read_chunked(self) -> bool:
        decoder = ChunkedDecoder()
        while not decoder.complete:
            data = self._next()
            if not data:
                if not decoder.malformed:
                    self._cut_short("the connection ended before the last chunk")
                return False
            decoder.feed(data)
            decoder.sizes.clear()
            keep = len(data) - len(decoder.excess)
            self._keep(data[:keep])
            self._buffer = data[keep:]
        return True

    def _next(self) -> bytes:
        if self._buffer:
            data, self._buffer = self._buffer, b""
            return data
        return self._receive()

    def _keep(self, data: bytes) -> None:
        recording = self._recording
        if recording.max_bytes is not None and recording.length + len(data) > recording.max_bytes:
            recording.keep(data[: max(0, recording.max_bytes - recording.length)])
            recording.cut(Truncation.LENGTH, FailureKind.TOO_LARGE, f"larger than the limit of {recording.max_bytes:,} bytes")
            raise _Cut
        recording.keep(data)

    def _cut_short(self, reason: str) -> None:
        self._recording.cut(Truncation.DISCONNECT, FailureKind.CUT_SHORT, reason)
        raise _Cut

    def _receive(self, pending: bytes = b"") -> bytes:
        """The next bytes from the socket; b"" at its end. `pending` is kept when reading is cut here."""
        recording = self._recording
        silent_since = recording.monotonic()
        while True:
            now = recording.monotonic()
            problem = self._out_of_time(now, silent_since)
            if problem is None:
                wait = min(_SLICE, recording.read_timeout)
                if recording.deadline is not None:
                    wait = min(wait, max(0.001, recording.deadline - now))
                self._sock.settimeout(wait)
                try:
                    data = cast(bytes, self._sock.recv(65536))
                except TimeoutError:
                    continue
                except ssl.SSLEOFError:
                    return b""
                except OSError as error:
                    problem = (
                        Truncation.DISCONNECT,
                        FailureKind.CONNECTION_RESET,
                        f"the connection broke ({error.strerror or type(error).__name__})",
                    )
                else:
                    recording.received = recording.received or bool(data)
                    return data
            if pending:
                recording.keep(pending)
            recording.cut(*problem)
            raise _Cut

    def _out_of_time(self, now: float, silent_since: float) -> tuple[Truncation, FailureKind, str] | None:
        recording = self._recording
        if recording.cancelled():
            return Truncation.UNSPECIFIED, FailureKind.INTERRUPTED, "the capture was stopped"
        if recording.deadline is not None and now >= recording.deadline:
            return Truncation.TIME, FailureKind.TIMEOUT, "the time limit was reached"
        if now - silent_since >= recording.read_timeout:
            return Truncation.TIME, FailureKind.TIMEOUT, f"the server was silent for {recording.read_timeout:g} s"
        return None


def _content_length(head: Head) -> int | None:
    """The announced length; None when there is none or the fields disagree."""
    values = {word.strip() for value in head.get_all("Content-Length") for word in value.split(",")}
    if len(values) != 1:
        return None
    value = values.pop()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None


def _keeps_alive(head: Head) -> bool:
    words = head.tokens("Connection")
    if "close" in words or head.status == 101:
        return False
    return head.version == "HTTP/1.1" or "keep-alive" in words


class _RecordingMixin:
    """What both connection classes do beyond urllib3's."""

    guard: AddressGuard
    current: threading.local

    def connect(self: Any) -> None:
        super().connect()  # type: ignore[misc]
        self.sock = _TappedSocket(self.sock)
        self._fresh = True

    def _new_conn(self: Any) -> socket.socket:
        connect_timeout = self.timeout if isinstance(self.timeout, int | float) else None
        return open_connection(self.guard, self._dns_host, self.port, connect_timeout)

    def request(
        self: Any, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None, **options: Any
    ) -> None:
        recording: Recording = self.current.recording
        recording.reused = self.sock is not None
        if self.sock is None:
            self.connect()
        self.sock.recording = recording
        _note_peer(recording, self.sock)
        self._method_sent = method
        super().request(method, recording.target, body=body, headers=headers, **options)  # type: ignore[misc]

    def read_response(self: Any) -> None:
        """Read the response into the current recording; the connection is ready for another request, or closed."""
        reusable = _ResponseReader(self.sock, self.current.recording, self._method_sent).read()
        self.sock.recording = None
        if reusable:
            self._HTTPConnection__state = "Idle"
            self._HTTPConnection__response = None
        else:
            self.close()


class RecordingHTTPConnection(_RecordingMixin, HTTPConnection):  # type: ignore[misc]
    """A plain connection that records."""


class RecordingHTTPSConnection(_RecordingMixin, HTTPSConnection):  # type: ignore[misc]
    """A TLS connection that records what is inside the TLS."""


class RecordingAdapter(HTTPAdapter):
    """A requests adapter whose connections record what crosses them.

    Args:
        guard: decides where connections may go.
        pool_size: kept-alive connections a host.
    """

    def __init__(self, guard: AddressGuard, *, pool_size: int) -> None:
        self._guard = guard
        self._current = threading.local()
        super().__init__(pool_connections=64, pool_maxsize=pool_size, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        """Make the pools out of recording connections."""
        shared = {"guard": self._guard, "current": self._current}
        plain = type("Connection", (RecordingHTTPConnection,), dict(shared))
        secure = type("SecureConnection", (RecordingHTTPSConnection,), dict(shared))
        manager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **options)
        manager.pool_classes_by_scheme = {
            "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }
        self.poolmanager = manager

    def record(self, request: PreparedRequest, recording: Recording, *, connect_timeout: float, verify: bool | str) -> None:
        """Send a request and read its response into `recording`.

        Raises:
            ConnectFailed: no connection.
            AddressRefused: the guard forbids it.
            OSError, urllib3.exceptions.HTTPError, requests.exceptions.RequestException: TLS and sending errors.
        """
        secure = request.url is not None and request.url[:6].lower() == "https:"
        self._current.recording = recording
        try:
            pool = cast(HTTPConnectionPool, self.get_connection_with_tls_context(request, verify if secure else True))
            if secure:
                self.cert_verify(pool, request.url, verify, None)  # type: ignore[no-untyped-call]
            self._exchange(pool, pool._get_conn(), request, recording, connect_timeout)
        finally:
            self._current.recording = None

    def _exchange(
        self, pool: HTTPConnectionPool, connection: Any, request: PreparedRequest, recording: Recording, connect_timeout: float
    ) -> None:
        """One request and its response on a connection of a pool, which gets it back.

        What urllib3's `urlopen` and requests' `send` do beyond this (retries, redirects, proxies, cookies, a response that
        can be read) is not wanted here, and takes longer than all the rest.
        """
        try:
            connection.timeout = connect_timeout
            try:
                connection.request(request.method, recording.target, body=request.body, headers=request.headers)
            except (BrokenPipeError, ConnectionResetError):
                if connection.sock is None:
                    raise
                # Who does not want to hear the end of a request may still have answered it.
            connection.read_response()
        except BaseException:
            connection.close()
            raise
        finally:
            pool._put_conn(connection)


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


def _note_peer(recording: Recording, sock: Any) -> None:
    recording.ip_address = str(ip_address(sock.getpeername()[0].partition("%")[0]))
    if hasattr(sock, "cipher") and sock.cipher():
        recording.cipher = sock.cipher()[0]
        recording.tls_version = sock.version()


__all__ = [
    "AddressRefused",
    "ConnectFailed",
    "Recording",
    "RecordingAdapter",
    "RecordingHTTPConnection",
    "RecordingHTTPSConnection",
    "open_connection",
]
