"""One connection of a client to the proxy: requests in, answers out, and the tunnels that browsers dig for https."""

from __future__ import annotations

import logging
import re
import socket
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic

import h11

from archiver.errors import DamagedRecord, UsageError
from archiver.requestkey import MAX_BODY_BYTES
from archiver.urls import strip_fragment
from replay.proxy.exchange import Answer, Asked, whole
from replay.proxy.service import Refused, Service

logger = logging.getLogger(__name__)

_PIECE = 64 * 1024
_MAX_HEAD_BYTES = 64 * 1024
_MAX_SENT_BYTES = 64 * 1024 * 1024
_TLS_HANDSHAKE = b"\x16"
_AUTHORITY = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[^\s/?#@:\[\]]{1,255}):([0-9]{1,5})")
_HOST_FIELD = re.compile(r"(?:\[[0-9a-fA-F:.]{2,45}\]|[^\s/?#@:\[\]]{1,255})(?::[0-9]{0,5})?")
_ABSOLUTE = re.compile(r"https?://[^/?#]", re.IGNORECASE)
_REASONS = {status.value: status.phrase.encode("ascii") for status in HTTPStatus}
_DEFAULT_PORTS = {"http": "80", "https": "443"}
#: Time that a client gets to read why it is refused, while it still talks.
_LINGER_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the proxy waits, seconds.

    Attributes:
        idle: for the next request.
        request: for all of a request once it has begun, and for a TLS handshake.
        answer: for a client to take a piece of an answer.
    """

    idle: float = 60
    request: float = 30
    answer: float = 120


@dataclass(frozen=True, slots=True)
class _Tunnel:
    """What CONNECT led to.

    Attributes:
        scheme: http or https, whatever the client speaks in it.
        authority: host, and port where it is not the scheme's own.
        credentials: of the CONNECT.
    """

    scheme: str
    authority: str
    credentials: str


class _TooSlow(OSError):
    """The client took too long over a request."""


class Connection:
    """Serves one client until one of both has enough.

    Args:
        channel: connected to the client; whoever made it closes it.
        client: IP address.
        service: has the answers.
        limits: of waiting.
    """

    def __init__(self, channel: socket.socket, client: str, service: Service, limits: Limits) -> None:
        self._channel = channel
        self._client = client
        self._service = service
        self._limits = limits
        self._tunnel: _Tunnel | None = None
        self._deadline = 0.0
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)

    def serve(self) -> None:
        """Answer requests, then close the connection; ends quietly, whatever the client does."""
        try:
            while self._serve_one():
                pass
            self._hang_up()
        except OSError as error:  # TLS errors are among them: clients that do not trust the authority hang up so
            logger.debug("%s: %s", self._client, error)
        finally:
            self._channel.close()

    def _serve_one(self) -> bool:
        """Answer one request; False when there will be no other."""
        try:
            request = self._request()
            if request is None:
                return False
            if request.method == b"CONNECT":
                return self._connect(request)
            fields = _fields(request)
            credentials = self._tunnel.credentials if self._tunnel else fields.get("proxy-authorization", "")
            asked, is_direct = self._asked(request, fields)
            answer = self._service.direct(asked) if is_direct else self._service.answer(asked, credentials)
            self._send(answer, has_body=asked.method != "HEAD")
        except h11.RemoteProtocolError as error:
            return self._refuse(error.error_status_hint, str(error))
        except UsageError as error:
            return self._refuse(400, str(error))
        except _TooSlow:
            return self._refuse(408, "The request took too long.")
        return self._goes_on()

    def _goes_on(self) -> bool:
        """Whether the connection is good for another request."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    # -- what comes in -------------------------------------------------------------------------------------------------

    def _request(self) -> h11.Request | None:
        """The next request, without its body; None when the client has gone or sends none."""
        self._deadline = 0.0
        event = self._event()
        return event if isinstance(event, h11.Request) else None

    def _event(self) -> h11.Event | type[h11.PAUSED]:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                self._write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])))
            self._http.receive_data(self._read())
        assert event is not h11.NEED_DATA
        return event  # type: ignore[return-value]

    def _read(self) -> bytes:
        """Some bytes of a request, of which the first may take long; b"" when no others come."""
        if not self._deadline:
            self._channel.settimeout(self._limits.idle)
            try:
                data = self._channel.recv(_PIECE)
            except TimeoutError:
                return b""
            self._deadline = monotonic() + self._limits.request
            return data
        left = self._deadline - monotonic()
        if left <= 0:
            raise _TooSlow
        self._channel.settimeout(left)
        try:
            return self._channel.recv(_PIECE)
        except TimeoutError:
            raise _TooSlow from None

    def _asked(self, request: h11.Request, fields: dict[str, str]) -> tuple[Asked, bool]:
        """The request as it is answered, and whether it was sent to the proxy as to a server.

        Raises:
            UsageError: it asks for nothing that a web archive could hold.
        """
        target = request.target.decode("latin-1")
        is_direct = False
        if _ABSOLUTE.match(target):
            url = strip_fragment(target)
        elif not target.startswith("/"):
            raise UsageError("The proxy answers for http and https addresses only.")
        else:
            host = fields.get("host", "").strip()
            scheme, authority = "http", host
            if self._tunnel is not None:
                scheme, authority = self._tunnel.scheme, host if _HOST_FIELD.fullmatch(host) else self._tunnel.authority
            is_direct = self._tunnel is None
            url = strip_fragment(f"{scheme}://{authority}{target}")
        return Asked(request.method.decode("ascii").upper(), url, fields, self._client, self._body()), is_direct

    def _body(self) -> bytes:
        """The beginning of what was sent with a request; all of it is read."""
        kept, size = bytearray(), 0
        while isinstance(event := self._event(), h11.Data):
            size += len(event.data)
            if size > _MAX_SENT_BYTES:
                raise h11.RemoteProtocolError("The request is too large.", error_status_hint=413)
            kept += event.data[: max(0, MAX_BODY_BYTES - len(kept))]
        return bytes(kept)

    # -- tunnels -------------------------------------------------------------------------------------------------------

    def _connect(self, request: h11.Request) -> bool:
        """Go on inside a tunnel, as if we were the server at its end."""
        fields = _fields(request)
        target = request.target.decode("latin-1")
        match = _AUTHORITY.fullmatch(target)
        if match is None or self._tunnel is not None:
            raise UsageError("A tunnel leads to a host and a port.")
        credentials = fields.get("proxy-authorization", "")
        asked = Asked("CONNECT", f"https://{target}/", fields, self._client, self._body())
        context = self._service.authority.context(match.group(1).strip("[]"))
        try:
            self._service.admit(asked, credentials)
        except Refused as refused:
            self._send(refused.answer)
            return self._goes_on()
        self._write(self._http.send(h11.Response(status_code=200, headers=[], reason=b"Connection established")))
        if self._http.trailing_data[0]:
            return False  # it did not wait for the answer
        self._channel.settimeout(self._limits.idle)
        scheme = "http"
        if self._channel.recv(1, socket.MSG_PEEK) == _TLS_HANDSHAKE:
            scheme = "https"
            self._channel.settimeout(self._limits.request)
            self._channel = context.wrap_socket(self._channel, server_side=True)
        port = match.group(2).lstrip("0")
        authority = match.group(1) if port == _DEFAULT_PORTS[scheme] else f"{match.group(1)}:{port}"
        self._tunnel = _Tunnel(scheme, authority, credentials)
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)
        return True

    # -- what goes out -------------------------------------------------------------------------------------------------

    def _send(self, answer: Answer, *, has_body: bool = True) -> None:
        """Write an answer; when its body breaks off, so does the connection, for there is no other way to say so."""
        try:
            fields = list(answer.fields)
            if answer.length is not None and answer.status not in (204, 304):
                fields.append((b"Content-Length", str(answer.length).encode("ascii")))
            out = bytearray(
                self._http.send(h11.Response(status_code=answer.status, headers=fields, reason=answer.reason)) or b""
            )
            for piece in answer.body if has_body and answer.status not in (204, 304) else ():
                out += self._http.send(h11.Data(data=piece)) or b""
                if len(out) >= _PIECE:
                    self._write(out)
                    out.clear()
            out += self._http.send(h11.EndOfMessage()) or b""
            self._write(out)
        except (DamagedRecord, h11.LocalProtocolError) as error:
            logger.warning("an answer breaks off: %s", error)
            raise ConnectionAbortedError from error
        finally:
            answer.close()

    def _refuse(self, status: int, why: str) -> bool:
        """Say why there is no answer, and that there will be no other: the rest cannot be told from a next request."""
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._send(whole(status, f"{why}\n".encode(), "text/plain; charset=utf-8", Connection="close"))
        return False

    def _write(self, data: bytes | bytearray | None) -> None:
        if data:
            self._channel.settimeout(self._limits.answer)
            self._channel.sendall(data)

    def _hang_up(self) -> None:
        """Close so that the client can read what was sent last, even if it still talks."""
        self._channel.settimeout(_LINGER_SECONDS)
        if isinstance(self._channel, ssl.SSLSocket):
            self._channel.unwrap()  # says that nothing was cut off
            return
        self._channel.shutdown(socket.SHUT_WR)
        until = monotonic() + _LINGER_SECONDS
        while monotonic() < until and self._channel.recv(_PIECE):
            pass


def _fields(request: h11.Request) -> dict[str, str]:
    """Header fields by name, several of a name joined."""
    out: dict[str, str] = {}
    for name, value in request.headers:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        out[key] = f"{out[key]}, {text}" if key in out else text
    return out
