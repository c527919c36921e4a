"""Requests on connections that are open already, all watched by the one thread that also works on their answers.

A thread for each request costs more than the request where pages are small: every answer then has two threads pass the
interpreter on to each other several times. What may take its time (names, connecting, TLS) stays with `HttpFetcher.fetch`
and threads; once that has left a connection, this sends the next request over it and goes by what the system says came.
"""

from __future__ import annotations

import logging
import selectors
import socket
import ssl
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from archiver.fetch.http import HttpFetcher, failure_of_error, is_stale
from archiver.fetch.idle import Connection
from archiver.fetch.reading import ResponseReader
from archiver.fetch.recording import Recording
from archiver.fetch.tap import (
    READ_BYTES,
    SLICE_SECONDS,
    broken,
    out_of_time,
    read_some,
    send,
)
from archiver.model import Exchange

Token = TypeVar("Token", bound=Hashable)

_LOG = logging.getLogger(__name__)

#: Reads of one connection in a row, so that one that brings much does not keep the others waiting.
_READS = 16

#: A request is at once with the system, unless it is very long and its server does not read: threads have time for that.
_SEND_SECONDS = 0.1


@dataclass(slots=True, eq=False)
class _Flight(Generic[Token]):
    """A request that was sent, and its answer as far as it came.

    Attributes:
        token: what the caller calls it.
        url: asked for.
        origin, connection: what it is on.
        recording, reader: what takes the answer.
        started_at, started: when it was sent; UTC, and monotonic seconds.
        silent_since: when something came last.
    """

    token: Token
    url: str
    origin: str
    connection: Connection
    recording: Recording
    reader: ResponseReader
    started_at: datetime
    started: float
    silent_since: float


class Flights(Generic[Token]):
    """Requests on their way; for one thread, except `wake`.

    Args:
        fetcher: whose connections and limits count.
    """

    def __init__(self, fetcher: HttpFetcher) -> None:
        self._fetcher = fetcher
        self._flights: dict[Token, _Flight[Token]] = {}
        self._selector = selectors.DefaultSelector()
        self._bell, self._ringer = socket.socketpair()
        self._bell.setblocking(False)
        self._ringer.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._looked = fetcher.monotonic()

    def __len__(self) -> int:
        return len(self._flights)

    def begin(
        self,
        token: Token,
        url: str,
        *,
        headers: Mapping[str, str],
        max_bytes: int | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> bool:
        """Ask for a URL, where a connection to its host is open; False where none is, or takes the request: ask otherwise.

        Args:
            token: what `wait` calls it.
            url: absolute, normalised.
            headers: replace or add to the fetcher's own.
            max_bytes: response size at which it is cut, beside the limits.
            cancelled: asked now and then; True cuts the exchange.
        """
        fetcher = self._fetcher
        request = fetcher.prepare(url, headers=headers)
        connection = fetcher.adapter.waiting(request)
        if connection is None:
            return False
        started_at, started = fetcher.clock(), fetcher.monotonic()
        recording = fetcher.recording(started, max_bytes=max_bytes, cancelled=cancelled)
        recording.reused = True
        try:
            send(connection, request, recording, min(_SEND_SECONDS, fetcher.connect_timeout))
            connection.sock.setblocking(False)
            self._selector.register(connection.sock, selectors.EVENT_READ, token)
        except Exception:  # whoever tries it the long way finds out what is wrong
            connection.close()
            return False
        reader = ResponseReader(recording, "GET")
        self._flights[token] = _Flight(token, url, request.origin, connection, recording, reader, started_at, started, started)
        return True

    def wait(self, timeout: float) -> list[tuple[Token, Exchange | None]]:
        """Let answers come, until one is whole, or the time is over, or somebody wakes this up.

        Args:
            timeout: seconds.

        Returns:
            Exchanges that have ended, well or not, by their tokens; None for one whose connection turned out to be closed
            before anything came, so that it is to be asked for on another one.
        """
        ended: list[tuple[Token, Exchange | None]] = []
        ends = self._fetcher.monotonic() + timeout
        while True:
            left = ends - self._fetcher.monotonic()
            is_awake = False
            for key, _ in self._selector.select(max(0.0, min(left, SLICE_SECONDS) if self._flights else left)):
                if key.fileobj is self._bell:
                    self._hush()
                    is_awake = True
                elif self._read(flight := self._flights[key.data]):
                    ended.append(self._end(flight))
            ended += self._late()
            if ended or is_awake or left <= 0:
                return ended

    def wake(self) -> None:
        """Make `wait` come back; from any thread."""
        with suppress(OSError):  # it is full: it rings already
            self._ringer.send(b"\0")

    def close(self) -> None:
        """Give up what is on its way, unrecorded."""
        for flight in self._flights.values():
            flight.recording.response.close()
            flight.connection.close()
        self._flights.clear()
        self._selector.close()
        self._bell.close()
        self._ringer.close()

    def _hush(self) -> None:
        with suppress(BlockingIOError):
            while self._bell.recv(4096):
                pass

    def _read(self, flight: _Flight[Token]) -> bool:
        """Take in what came; True when nothing more is to come."""
        sock, reads = flight.connection.sock, 0
        while True:
            try:
                data = read_some(sock)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return False
            except OSError as error:
                flight.reader.cut(broken(error))
                return True
            reads += 1
            flight.silent_since = self._fetcher.monotonic()
            try:
                if flight.reader.feed(data):
                    return True
            except Exception as error:
                if not isinstance(error, OSError):  # else what is too large for memory could not be put into a file
                    _LOG.exception("the answer of %s could not be read", flight.url)
                flight.recording.failure = failure_of_error(error)
                return True
            if isinstance(sock, ssl.SSLSocket) and sock.pending():
                continue  # the system does not know of it
            if len(data) < READ_BYTES or reads >= _READS:
                return False

    def _late(self) -> list[tuple[Token, Exchange | None]]:
        """What has had its time; looked for now and then."""
        now = self._fetcher.monotonic()
        if now - self._looked < SLICE_SECONDS:
            return []
        self._looked = now
        late = []
        for flight in list(self._flights.values()):
            if out_of_time(flight.recording, now, flight.silent_since) is None:
                continue
            # Something may have come while this thread was busy with something else.
            is_ended = self._read(flight)
            problem = None if is_ended else out_of_time(flight.recording, now, flight.silent_since)
            if problem is not None:
                flight.reader.cut(problem)
            if is_ended or problem is not None:
                late.append(self._end(flight))
        return late

    def _end(self, flight: _Flight[Token]) -> tuple[Token, Exchange | None]:
        """A flight is over: its connection waits for the next request, or is closed."""
        fetcher, recording = self._fetcher, flight.recording
        del self._flights[flight.token]
        self._selector.unregister(flight.connection.sock)
        fetcher.adapter.give_back(flight.origin, flight.connection, is_reusable=flight.reader.is_reusable)
        if is_stale(recording, recording.failure):
            recording.response.close()
            return flight.token, None
        seconds = fetcher.monotonic() - flight.started
        return flight.token, fetcher.exchange(flight.url, recording, recording.failure, flight.started_at, seconds)
