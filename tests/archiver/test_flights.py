"""An answer that is awaited beside others is the same, byte for byte, as one that somebody waits for."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Barrier, Thread

import pytest
import trustme

from archiver.fetch.flights import Flights
from archiver.fetch.guard import AddressGuard
from archiver.fetch.http import FetchLimits, HttpFetcher
from archiver.model import Exchange, FailureKind, Truncation
from tests.archiver.test_fetch import WHOLE
from tests.servers.routes import Answer, Asked, RouteServer
from tests.servers.scripted import Act, ScriptedServer, Step

FIRST = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
AT = datetime(2026, 5, 1, tzinfo=UTC)

Seen = tuple[Exchange, bytes]

SCRIPTS: dict[str, list[Step]] = {
    **{name: [reply] for name, reply in WHOLE.items()},
    "in pieces": [WHOLE["chunked with trailers"][number : number + 1] for number in range(len(WHOLE["chunked with trailers"]))],
    "interim": [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + FIRST],
    "empty lines before": [b"\r\n\r\n" + FIRST],
    "cut short": [HEAD + b"half"],
    "cut in a chunk": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf"],
    "cut in the head": [b"HTTP/1.1 200 OK\r\nContent-Le"],
    "silent": [HEAD + b"half", Act.STALL],
    "silent in the head": [b"HTTP/1.1 200", Act.STALL],
    "reset": [HEAD + b"half", Act.RESET],
    "too large": [b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000],
    "large for memory": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"bb8\r\n" + b"y" * 3000 + b"\r\n0\r\n\r\n"],
    "no HTTP": [b"SSH-2.0-OpenSSH_9.2\r\n"],
    "longer than it says": [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nlonger"],
}


@contextmanager
def opened(verify: bool | str = True, **limits: float) -> Iterator[HttpFetcher]:
    made = HttpFetcher(
        user_agent="test/1",
        guard=AddressGuard(allow_private=True),
        limits=FetchLimits(**{"read_timeout": 0.3, "max_bytes": 4000, **limits}),  # type: ignore[arg-type]
        verify_tls=verify,
        clock=lambda: AT,
    )
    yield made
    made.close()


def seen(exchange: Exchange | None) -> Seen:
    """An exchange without what differs from run to run, and its bytes."""
    assert exchange is not None
    body = exchange.response.read() if exchange.response else b""
    exchange.close()
    return replace(exchange, elapsed=timedelta(0), response=None), body


def flown(flights: Flights[int], *, until: int = 1) -> list[tuple[int, Exchange | None]]:
    """What ends, until so many have."""
    ended: list[tuple[int, Exchange | None]] = []
    while len(ended) < until:
        ended += flights.wait(5)
    return ended


def both_ways(server: ScriptedServer, client: HttpFetcher, scheme: str) -> tuple[Seen, Seen | None]:
    """What a script came to for one who waits and one who flies, each on a connection that an answer had come over."""
    url = f"{scheme}://127.0.0.1:{server.port}/path?q=%20|x"
    seen(client.fetch(url))
    waited = seen(client.fetch(url, headers={"Referer": "http://e.org/"}))
    seen(client.fetch(url))
    flights: Flights[int] = Flights(client)
    assert flights.begin(7, url, headers={"Referer": "http://e.org/"})
    [(token, exchange)] = flown(flights)
    assert (token, len(flights)) == (7, 0)
    flights.close()
    return waited, seen(exchange) if exchange is not None else None


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_it_is_what_came_of_it_for_one_who_waits(script: Sequence[Step]) -> None:
    with ScriptedServer([[FIRST, Act.NEXT, *script], [FIRST, Act.NEXT, *script]]) as server, opened() as client:
        waited, flew = both_ways(server, client, "http")
    assert flew == waited
    assert len(server.requests) == 4 and server.requests[1] == server.requests[3]


def test_tls_holds_nothing_back(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n" + b"z" * 900_000
    with (
        ScriptedServer([[FIRST, Act.NEXT, large, Act.NEXT, FIRST, Act.NEXT, large]], tls=context) as server,
        opened(str(bundle), max_bytes=1_000_000, read_timeout=5) as client,
    ):
        waited, flew = both_ways(server, client, "https")
    assert flew == waited and flew[1] == large and flew[0].cipher_suite


def test_without_an_open_connection_nothing_is_sent() -> None:
    with ScriptedServer([[FIRST]]) as server, opened() as client:
        flights: Flights[int] = Flights(client)
        assert not flights.begin(1, f"http://127.0.0.1:{server.port}/", headers={})
        flights.close()
    assert server.requests == []


def test_a_server_that_does_not_read_holds_up_nobody() -> None:
    with ScriptedServer([[FIRST, Act.STALL]]) as server, opened(connect_timeout=5) as client:
        url = f"http://127.0.0.1:{server.port}/"
        seen(client.fetch(url))
        flights: Flights[int] = Flights(client)
        began = time.monotonic()
        assert not flights.begin(1, url, headers={"Cookie": "x" * 30_000_000})
        assert time.monotonic() - began < 4
        flights.close()


def test_a_connection_that_was_closed_before_anything_came_is_told_from_a_failure() -> None:
    with ScriptedServer([[FIRST, Act.NEXT, Act.RESET]]) as server, opened() as client:
        url = f"http://127.0.0.1:{server.port}/"
        seen(client.fetch(url))
        flights: Flights[int] = Flights(client)
        assert flights.begin(1, url, headers={})
        assert flown(flights) == [(1, None)]
        flights.close()


def test_a_connection_given_up_by_its_server_while_something_is_asked_is_told_from_an_answer() -> None:
    given_up = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    with ScriptedServer([[FIRST, Act.NEXT, given_up], [FIRST, Act.NEXT, given_up], [given_up]]) as server, opened() as client:
        url = f"http://127.0.0.1:{server.port}/"
        assert [seen(client.fetch(url))[1] for _ in range(2)] == [FIRST, FIRST]
        flights: Flights[int] = Flights(client)
        assert flights.begin(1, url, headers={})
        assert flown(flights) == [(1, None)]
        flights.close()
        assert seen(client.fetch(url))[1] == given_up  # on a new connection it is meant


def test_many_are_under_way_at_a_time_and_none_waits_for_another() -> None:
    meeting = Barrier(12)

    def answer(asked: Asked) -> Answer:
        meeting.wait(10)  # breaks unless all are asked before one has its answer; so each has a connection of its own
        return Answer(asked.path.encode() * 3000, "text/plain")

    routes = dict.fromkeys(("/first", *(f"/{number}" for number in range(meeting.parties))), answer)
    with RouteServer(routes) as server, opened(max_bytes=100_000, read_timeout=10) as client:
        flights: Flights[int] = Flights(client)
        threads = [Thread(target=lambda: seen(client.fetch(server.url("/first")))) for _ in range(meeting.parties)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for number in range(meeting.parties):
            assert flights.begin(number, server.url(f"/{number}"), headers={})
        came = {number: seen(exchange)[1] for number, exchange in flown(flights, until=meeting.parties)}
        flights.close()
    assert not meeting.broken
    assert all(body.endswith(b"\r\n\r\n" + f"/{number}".encode() * 3000) for number, body in came.items())


def test_what_is_stopped_is_kept_and_marked() -> None:
    with ScriptedServer([[FIRST, Act.NEXT, HEAD + b"half", Act.STALL]]) as server, opened(read_timeout=30) as client:
        url = f"http://127.0.0.1:{server.port}/"
        seen(client.fetch(url))
        flights: Flights[int] = Flights(client)
        asked = count()
        assert flights.begin(1, url, headers={}, cancelled=lambda: next(asked) > 1)
        exchange, body = seen(flown(flights)[0][1])
        flights.close()
    assert body == HEAD + b"half"
    assert exchange.truncated is Truncation.UNSPECIFIED
    assert exchange.failure is not None and exchange.failure.kind is FailureKind.INTERRUPTED


def test_somebody_else_can_wake_it_up() -> None:
    with opened() as client:
        flights: Flights[int] = Flights(client)
        flights.wake()
        assert flights.wait(60) == []
        thread = Thread(target=flights.wake)
        thread.start()
        assert flights.wait(60) == []
        thread.join()
        flights.close()


def test_what_an_idle_server_says_unasked_is_no_answer() -> None:
    late = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    with ScriptedServer([[FIRST + late], [FIRST]]) as server, opened() as client:
        url = f"http://127.0.0.1:{server.port}/"
        seen(client.fetch(url))
        flights: Flights[int] = Flights(client)
        assert not flights.begin(1, url, headers={})
        assert seen(client.fetch(url))[1] == FIRST
        flights.close()
