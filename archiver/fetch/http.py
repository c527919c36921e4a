"""Fetches one URL over HTTP and says exactly what happened: the answer, or why there is none."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPException

from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from archiver.errors import AddressRefused
from archiver.fetch.guard import AddressGuard
from archiver.fetch.outgoing import Outgoing
from archiver.fetch.recording import Recording
from archiver.fetch.tap import ConnectFailed, RecordingAdapter
from archiver.model import Exchange, Failure, FailureKind

#: Methods whose requests have a body, be it an empty one.
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})

#: What servers say before they close a connection on which nothing was asked for long (RFC 9110, section 15.5.9).
_REQUEST_TIMEOUT = 408

#: Foreign errors, most telling first, and what they mean.
FAILURE_OF_ERROR: tuple[tuple[type[BaseException], FailureKind, str], ...] = (
    (ssl.SSLCertVerificationError, FailureKind.TLS, "its certificate is not valid"),
    (ssl.SSLError, FailureKind.TLS, "no secure connection could be agreed on"),
    (TimeoutError, FailureKind.TIMEOUT, "no answer in time"),
    (ConnectionRefusedError, FailureKind.CONNECTION_REFUSED, "the connection was refused"),
    (ConnectionResetError, FailureKind.CONNECTION_RESET, "the connection was reset"),
    (ConnectionError, FailureKind.CONNECTION_RESET, "the connection broke"),
    (UnicodeError, FailureKind.INVALID_URL, "the host name is not valid"),
    (HTTPException, FailureKind.PROTOCOL, "the exchange broke the rules of HTTP"),
    (HTTPError, FailureKind.PROTOCOL, "the exchange broke the rules of HTTP"),
    (RequestException, FailureKind.PROTOCOL, "the request could not be made"),
    (OSError, FailureKind.UNREACHABLE, "the host cannot be reached"),
    (ValueError, FailureKind.INVALID_URL, "the address cannot be requested"),
)

_IANA_KEY_EXCHANGES = {"ECDHE-RSA", "ECDHE-ECDSA", "DHE-RSA", "DHE-DSS", "ECDHE-PSK", "DHE-PSK", "RSA-PSK", "PSK"}


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """When a fetch is cut.

    Attributes:
        max_bytes: response bytes on the wire; None for no limit.
        max_seconds: for the whole exchange; None for no limit.
        connect_timeout: seconds for a connection.
        read_timeout: seconds of silence.
    """

    max_bytes: int | None = None
    max_seconds: float | None = None
    connect_timeout: float = 20.0
    read_timeout: float = 30.0


def utc_now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


class HttpFetcher:
    """Fetches URLs, one hop at a time, over kept-alive connections; safe to use from several threads.

    Args:
        user_agent: as sent.
        guard: decides where connections may go.
        limits: for every fetch.
        pool_size: kept-alive connections a host.
        verify_tls: refuse invalid certificates; a path names a CA bundle. With True, `REQUESTS_CA_BUNDLE` counts.
        clock: the time, UTC.
        monotonic: seconds that never go backwards.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        guard: AddressGuard,
        limits: FetchLimits,
        pool_size: int = 16,
        verify_tls: bool | str = True,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._monotonic = monotonic
        self._adapter = RecordingAdapter(guard, pool_size=pool_size)
        self._verify: bool | str = verify_tls
        if verify_tls is True:
            self._verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        #: Name in lower case → name and value.
        self._fields = {
            "user-agent": ("User-Agent", user_agent),
            "accept": ("Accept", "*/*"),
            "accept-encoding": ("Accept-Encoding", "gzip, deflate, br, zstd"),
            "accept-language": ("Accept-Language", "*"),
        }

    def close(self) -> None:
        """Close the kept-alive connections."""
        self._adapter.close()

    def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        deadline: float | None = None,
        max_bytes: int | None = None,
        cancelled: Callable[[], bool] | None = None,
        fresh: bool = False,
    ) -> Exchange:
        """Request one URL; redirects are not followed.

        Args:
            url: absolute, normalised.
            method: HTTP method.
            headers: replace or add to the fetcher's own.
            body: request body.
            deadline: monotonic time at which it is cut, beside the limits.
            max_bytes: response size at which it is cut, beside the limits.
            cancelled: asked between reads; True cuts the exchange.
            fresh: over a connection of its own, not one that was kept alive.

        Returns:
            The exchange. What went wrong is in `failure`; nothing is raised for the network's sake. An answer with an
            error status is an answer.
        """
        request = self.prepare(url, method, headers, body)
        while True:
            started_at, started = self._clock(), self._monotonic()
            recording = self.recording(started, deadline=deadline, max_bytes=max_bytes, cancelled=cancelled)
            failure = self._record(request, recording, fresh=fresh)
            if not is_stale(recording, failure):
                break
            recording.response.close()
            fresh = True  # others that were kept alive may be closed as well
        return self.exchange(url, recording, failure, started_at, self._monotonic() - started)

    # -- the parts of it, for who watches many connections at once ------------------------------------------------------

    @property
    def adapter(self) -> RecordingAdapter:
        """Whose connections are used."""
        return self._adapter

    @property
    def clock(self) -> Callable[[], datetime]:
        """The time, UTC."""
        return self._clock

    @property
    def monotonic(self) -> Callable[[], float]:
        """Seconds that never go backwards."""
        return self._monotonic

    @property
    def connect_timeout(self) -> float:
        """Seconds for a connection, and for a request to be sent."""
        return self._limits.connect_timeout

    def recording(
        self,
        started: float,
        *,
        deadline: float | None = None,
        max_bytes: int | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Recording:
        """What an exchange is recorded into.

        Args:
            started: monotonic time at which it begins.
            deadline, max_bytes, cancelled: as for `fetch`.
        """
        limits = self._limits
        ends = [limit for limit in (deadline, limits.max_seconds and started + limits.max_seconds) if limit]
        return Recording(
            max_bytes=min((limit for limit in (limits.max_bytes, max_bytes) if limit is not None), default=None),
            read_timeout=limits.read_timeout,
            deadline=min(ends) if ends else None,
            cancelled=cancelled or _never,
            monotonic=self._monotonic,
        )

    def prepare(
        self, url: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Outgoing:
        """A request with the fetcher's own header fields and those given, which replace or add to them."""
        fields = dict(self._fields)
        for name, value in (headers or {}).items():
            fields[name.lower()] = (name, value)
        if body is not None or method in _WITH_BODY:
            fields["content-length"] = ("Content-Length", str(len(body or b"")))
        return Outgoing(method, url, fields.values(), body)

    def _record(self, request: Outgoing, recording: Recording, *, fresh: bool) -> Failure | None:
        if recording.cancelled():
            return Failure(FailureKind.INTERRUPTED, "the capture was stopped")
        timeout = self._limits.connect_timeout
        if recording.deadline is not None:
            left = recording.deadline - self._monotonic()
            if left <= 0:
                return Failure(FailureKind.TIMEOUT, "the time limit was reached")
            timeout = min(timeout, left)
        try:
            self._adapter.record(request, recording, connect_timeout=timeout, verify=self._verify, fresh=fresh)
        except ConnectFailed as error:
            return error.failure
        except AddressRefused as error:
            return Failure(FailureKind.REFUSED_BY_GUARD, error.message.rstrip("."))
        except (RequestException, HTTPError, HTTPException, OSError, ValueError) as error:
            return failure_of_error(error)
        return recording.failure

    def exchange(
        self, url: str, recording: Recording, failure: Failure | None, started_at: datetime, seconds: float
    ) -> Exchange:
        """What happened, after it did.

        Args:
            url: that was asked for.
            recording: what crossed the wire.
            failure: why it did not end well.
            started_at: when it began.
            seconds: that it took.
        """
        if recording.length:
            recording.response.seek(0)
        else:
            recording.response.close()
        protocols = ["http/1.0" if recording.head and recording.head.version == "HTTP/1.0" else "http/1.1"]
        if recording.tls_version:
            protocols.append(recording.tls_version.lower().replace("v", "/"))
        return Exchange(
            url=url,
            started_at=started_at,
            elapsed=timedelta(seconds=seconds),
            request=bytes(recording.request),
            response=recording.response if recording.length else None,
            response_length=recording.length,
            interim=bytes(recording.interim),
            status=recording.head.status if recording.head else None,
            ip_address=recording.ip_address,
            protocols=tuple(protocols) if recording.ip_address else (),
            cipher_suite=iana_cipher_name(recording.cipher) if recording.cipher else None,
            truncated=recording.truncated,
            failure=failure,
        )


def is_stale(recording: Recording, failure: Failure | None) -> bool:
    """Whether a kept-alive connection turned out to be closed: the request is to be sent on another one.

    Some servers say so (408): that answers no request, even where it crosses with one.
    """
    if not recording.reused:
        return False
    is_reset = failure is not None and failure.kind is FailureKind.CONNECTION_RESET and not recording.received
    return is_reset or (recording.head is not None and recording.head.status == _REQUEST_TIMEOUT)


def _never() -> bool:
    return False


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and everything it wraps, innermost reasons included."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        current = waiting.pop()
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]


def failure_of_error(error: BaseException) -> Failure:
    """What a foreign error means to a user, by the most telling error in its chain."""
    causes = list(_causes(error))
    for kind_of_error, kind, reason in FAILURE_OF_ERROR:
        for cause in causes:
            if isinstance(cause, kind_of_error):
                detail = getattr(cause, "verify_message", "") or getattr(cause, "reason", "")
                if kind is FailureKind.TLS and isinstance(detail, str) and detail:
                    return Failure(kind, f"{reason} ({detail.replace('_', ' ').lower()})")
                return Failure(kind, reason)
    return Failure(FailureKind.PROTOCOL, "the exchange failed")


def iana_cipher_name(name: str) -> str:
    """OpenSSL's name of a cipher suite as IANA registers it (TLS Cipher Suites registry)."""
    if name.startswith("TLS_"):
        return name
    exchange = next(
        (prefix for prefix in sorted(_IANA_KEY_EXCHANGES, key=len, reverse=True) if name.startswith(f"{prefix}-")), ""
    )
    rest = name[len(exchange) + 1 :] if exchange else name
    cipher = rest.replace("AES128", "AES-128").replace("AES256", "AES-256").replace("DES-CBC3", "3DES-EDE-CBC")
    cipher = cipher.replace("CAMELLIA128", "CAMELLIA-128-CBC").replace("CAMELLIA256", "CAMELLIA-256-CBC")
    if cipher.startswith("AES") and not any(mode in cipher for mode in ("GCM", "CCM")):
        head, _, digest = cipher.rpartition("-")
        cipher = f"{head}-CBC-{digest}"
    if "CHACHA20" in cipher and not cipher.endswith("SHA256"):
        cipher += "-SHA256"
    return f"TLS_{(exchange or 'RSA').replace('-', '_')}_WITH_{cipher.replace('-', '_')}"
