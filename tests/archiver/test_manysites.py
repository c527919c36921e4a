"""The server of many hosts tells the truth: what it says of requests is what clients did."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier, Lock

import pytest

from archiver.fetch.guard import AddressGuard
from archiver.fetch.http import FetchLimits, HttpFetcher
from archiver.message import Head, read_head
from archiver.model import FailureKind
from tests.servers.manysites import Host, Late, ManySites, Reset, page, too_many, tree, unavailable, with_robots
from tests.servers.routes import Answer


class Simulated:
    """A clock that moves when someone sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._lock = Lock()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds


@pytest.fixture
def client() -> Iterator[HttpFetcher]:
    fetcher = HttpFetcher(user_agent="test/1", guard=AddressGuard(allow_private=True), limits=FetchLimits(read_timeout=5.0))
    yield fetcher
    fetcher.close()


def head_of(client: HttpFetcher, url: str) -> Head:
    exchange = client.fetch(url)
    assert exchange.response is not None
    head = read_head(exchange.response)
    exchange.close()
    return head


def body_of(client: HttpFetcher, url: str) -> bytes:
    exchange = client.fetch(url)
    assert exchange.response is not None
    body = exchange.response.read()
    exchange.close()
    return body


def test_every_page_of_a_tree_can_be_reached_and_is_counted(client: HttpFetcher) -> None:
    with ManySites([tree("a.localhost", 40, fan=3), tree("b.localhost", 2)]) as sites:
        waiting, seen = [*sites.seeds], set(sites.seeds)
        while waiting:
            here = waiting.pop()
            text = body_of(client, here).decode()
            for path in (piece.partition('"')[0] for piece in text.split('href="')[1:]):
                url = here[: here.index("/", 8)] + path
                if url not in seen:
                    seen.add(url)
                    waiting.append(url)
        assert sites.counts() == dict.fromkeys(seen, 1)
        assert {host: len(paths) for host, paths in sites.hosts_asked().items()} == {"a.localhost": 40, "b.localhost": 2}


def test_hosts_share_a_port_and_nothing_else(client: HttpFetcher) -> None:
    with ManySites([Host("a.localhost", {"/": Answer(b"a")}), Host("b.localhost", {"/": Answer(b"b")})]) as sites:
        assert [body_of(client, url)[-1:] for url in sites.seeds] == [b"a", b"b"]
        assert head_of(client, sites.url("c.localhost")).status == 421


def test_moods_come_in_turn_and_the_last_stays(client: HttpFetcher) -> None:
    moment = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    host = Host("a.localhost", {"/": [too_many(7), unavailable(moment), unavailable(), Reset(), page("/x")]})
    with ManySites([with_robots(host, "User-agent: *", "Crawl-delay: 3")]) as sites:
        heads = [head_of(client, sites.url("a.localhost")) for _ in range(3)]
        assert [(head.status, head.get("Retry-After")) for head in heads] == [
            (429, "7"),
            (503, "Wed, 02 Jan 2030 03:04:05 GMT"),
            (503, None),
        ]
        fresh = HttpFetcher(user_agent="test/2", guard=AddressGuard(allow_private=True), limits=FetchLimits())
        failure = fresh.fetch(sites.url("a.localhost")).failure  # on a connection of its own, which nobody takes for stale
        fresh.close()
        assert failure is not None
        assert failure.kind is FailureKind.CONNECTION_RESET
        assert [head_of(client, sites.url("a.localhost")).status for _ in range(2)] == [200, 200]
        assert head_of(client, sites.url("a.localhost", "/robots.txt")).media_type == "text/plain"
        assert sites.counts()[sites.url("a.localhost")] == 6


def test_times_are_those_of_the_clock_that_was_given(client: HttpFetcher) -> None:
    clock = Simulated()
    host = Host("a.localhost", {"/": page(), "/late": Late(60, page())}, delay=2)
    with ManySites([host], clock=clock, sleep=clock.sleep) as sites:
        for path, wait in (("/", 5), ("/late", 0.5), ("/", 0)):
            head_of(client, sites.url("a.localhost", path))
            clock.sleep(wait)
        times = [(visit.path, visit.began, visit.ended) for visit in sites.of("a.localhost")]
        assert times == [("/", 1000, 1002), ("/late", 1007, 1069), ("/", 1069.5, 1071.5)]
        assert sites.gaps("a.localhost") == [5, 0.5]


def test_requests_that_overlap_are_seen(client: HttpFetcher) -> None:
    together = Barrier(3)
    host = Host("a.localhost", {"/": page()}, delay=1)

    def until_all_are_there(_: float) -> None:
        together.wait(5)

    with ManySites([host, tree("b.localhost", 1)], sleep=until_all_are_there) as sites:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda url: head_of(client, url), [sites.url("a.localhost")] * 3))
        head_of(client, sites.url("b.localhost"))
        head_of(client, sites.url("b.localhost"))
        assert (sites.most_at_once("a.localhost"), sites.most_at_once("b.localhost")) == (3, 1)
        assert min(sites.gaps("a.localhost")) < 0 <= min(sites.gaps("b.localhost"))
