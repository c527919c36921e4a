"""Many hosts on one loopback port, each with pages, links, rules and moods; and who was asked for what, when, in which order.

Hosts are names under `.localhost`, which captures take for this machine without asking a resolver, so a test needs no
address and no root. The time of a request is read from a clock of the test's choice: with a simulated one, politeness is
proven without waiting.
"""

from __future__ import annotations

import socket
import struct
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from threading import Lock, Thread
from types import TracebackType
from typing import Self

from archiver.timestamps import to_http_date
from tests.servers.routes import Answer


@dataclass(frozen=True, slots=True)
class Reset:
    """Instead of an answer: the connection is reset."""


@dataclass(frozen=True, slots=True)
class Late:
    """An answer that takes its time.

    Attributes:
        seconds: on the clock of the server, spent by its `sleep`.
        answer: said then.
    """

    seconds: float
    answer: Answer | Reset


Said = Answer | Reset | Late


@dataclass(frozen=True, slots=True)
class Visit:
    """One request.

    Attributes:
        host: name, without port.
        path: with query.
        began: when its head was there, by the server's clock.
        ended: when the answer was about to be sent.
        headers: as they came; names in lower case.
    """

    host: str
    path: str
    began: float
    ended: float
    headers: Mapping[str, str]


def page(*links: str, title: str = "A page") -> Answer:
    """An HTML page with these links."""
    items = "".join(f'<li><a href="{link}">{link}</a>' for link in links)
    return Answer(f"<!doctype html><title>{title}</title><ul>{items}</ul>".encode())


def robots(*lines: str) -> Answer:
    """A robots.txt."""
    return Answer("".join(f"{line}\n" for line in lines).encode(), "text/plain")


def too_many(wait: int | datetime | None = None) -> Answer:
    """429, with Retry-After in seconds or as a date."""
    return _refusal(429, wait)


def unavailable(wait: int | datetime | None = None) -> Answer:
    """503, likewise."""
    return _refusal(503, wait)


def _refusal(status: int, wait: int | datetime | None) -> Answer:
    if wait is None:
        return Answer(b"not now", "text/plain", status)
    value = to_http_date(wait) if isinstance(wait, datetime) else str(wait)
    return Answer(b"not now", "text/plain", status, (("Retry-After", value),))


@dataclass
class Host:
    """One host of many.

    Attributes:
        name: such as "site3.localhost".
        pages: path with query → what is said there; a list is said one after the other, its last again and again.
        delay: seconds that every answer takes, or a function that says how many.
        other: what is said at all other paths.
    """

    name: str
    pages: dict[str, Said | list[Said]] = field(default_factory=dict)
    delay: float | Callable[[], float] = 0.0
    other: Said = field(default_factory=lambda: Answer(b"nothing here", "text/plain", 404))

    def say(self, path: str, time_before: int) -> Said:
        """The answer to the request that came after so many others for the same path."""
        found = self.pages.get(path, self.other)
        return found[min(time_before, len(found) - 1)] if isinstance(found, list) else found

    def wait(self) -> float:
        """Seconds that the next answer takes."""
        return self.delay() if callable(self.delay) else self.delay


def tree(name: str, pages: int, *, fan: int = 5) -> Host:
    """A host whose pages, from "/" on, lead to `fan` others each: `pages` in all, every one of which can be reached."""
    paths = ["/", *(f"/{number}.html" for number in range(1, pages))]
    made: dict[str, Said | list[Said]] = {}
    for number, path in enumerate(paths):
        made[path] = page(*paths[number * fan + 1 : (number + 1) * fan + 1], title=f"{name} {number}")
    return Host(name, made)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


class ManySites:
    """Serves hosts on one port of 127.0.0.1 while used as a context manager.

    Args:
        hosts: by any names under `.localhost`.
        clock: seconds; what `Visit` times are read from.
        sleep: lets the time of `clock` pass; with a simulated clock, it moves on by itself.
    """

    def __init__(
        self,
        hosts: Iterable[Host],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.hosts = {host.name: host for host in hosts}
        self.clock = clock
        self.sleep = sleep
        self._visits: dict[int, Visit] = {}  # by the order of arrival
        self._arrived = 0
        self._asked: Counter[tuple[str, str]] = Counter()
        self._running: Counter[str] = Counter()
        self._most: Counter[str] = Counter()
        self._lock = Lock()

    # -- what tests look at ------------------------------------------------------------------------------------------

    @property
    def visits(self) -> list[Visit]:
        """All requests that were answered, in the order in which they came."""
        with self._lock:
            return [visit for _, visit in sorted(self._visits.items(), key=lambda item: item[0])]

    def of(self, host: str) -> list[Visit]:
        """The requests of one host, in order."""
        return [visit for visit in self.visits if visit.host == host]

    def counts(self) -> Counter[str]:
        """How often each URL was asked for."""
        return Counter(self.url(visit.host, visit.path) for visit in self.visits)

    def gaps(self, host: str) -> list[float]:
        """Seconds from the end of each answer of a host to the next request to it; below zero where they overlapped."""
        visits = self.of(host)
        return [after.began - before.ended for before, after in pairwise(visits)]

    def most_at_once(self, host: str) -> int:
        """The largest number of requests that a host was answering at one time."""
        with self._lock:
            return self._most[host]

    def hosts_asked(self) -> dict[str, list[str]]:
        """Host → paths, in order."""
        found: dict[str, list[str]] = defaultdict(list)
        for visit in self.visits:
            found[visit.host].append(visit.path)
        return dict(found)

    def url(self, host: str, path: str = "/") -> str:
        """The address of a path."""
        return f"http://{host}:{self.port}{path}"

    @property
    def seeds(self) -> list[str]:
        """The first page of every host."""
        return [self.url(name) for name in self.hosts]

    @property
    def port(self) -> int:
        """The port of all hosts."""
        return int(self._server.server_address[1])

    # -- serving -----------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                said = owner._answer(self)
                if isinstance(said, Reset):
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.close_connection = True
                    with suppress(OSError):
                        self.connection.close()
                    return
                head = [f"HTTP/1.1 {said.status} {self.responses.get(said.status, ('Said',))[0]}"]
                fields = (("Content-Type", said.mime), *said.headers, ("Content-Length", str(len(said.body))))
                head += [f"{name}: {value}" for name, value in fields]
                with suppress(OSError):
                    self.wfile.write("\r\n".join([*head, "", ""]).encode() + said.body)

            def log_message(self, format: str, *args: object) -> None:
                """Tests read `visits` instead."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, request: BaseHTTPRequestHandler) -> Answer | Reset:
        headers = {name.lower(): value for name, value in request.headers.items()}
        name = headers.get("host", "").partition(":")[0]
        host = self.hosts.get(name)
        with self._lock:
            began, arrival = self.clock(), self._arrived
            self._arrived += 1
            self._running[name] += 1
            self._most[name] = max(self._most[name], self._running[name])
            said = host.say(request.path, self._asked[name, request.path]) if host else Answer(b"no such host", status=421)
            self._asked[name, request.path] += 1
        seconds = host.wait() if host else 0.0
        if isinstance(said, Late):
            seconds, said = seconds + said.seconds, said.answer
        if seconds:
            self.sleep(seconds)
        with self._lock:
            self._running[name] -= 1
            self._visits[arrival] = Visit(name, request.path, began, self.clock(), headers)
        return said


def with_robots(host: Host, *lines: str) -> Host:
    """The same host with a robots.txt."""
    return replace(host, pages={**host.pages, "/robots.txt": robots(*lines)})
