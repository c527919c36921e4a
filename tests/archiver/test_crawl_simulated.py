"""A polite crawl of 200 hosts on a simulated clock, with the real frontier: no rule of politeness is ever broken."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from io import BytesIO
from itertools import count, pairwise
from pathlib import Path
from urllib.parse import urlsplit

from archiver.crawl.control import CrawlControl
from archiver.crawl.crew import Crew
from archiver.crawl.entries import Entry
from archiver.crawl.equipment import Equipment
from archiver.crawl.plan import CrawlPlan, Pace, ScopeKind, Seed
from archiver.crawl.visit import Visitor
from archiver.crawl.visited import Visit
from archiver.crawl.worker import CrawlWorker, Request
from archiver.fetch.http import HttpFetcher
from archiver.holdings import open_holdings
from archiver.model import Exchange
from archiver.settings import load_settings

HOSTS, PAGES = 200, 8
PACE = Pace(factor=5.0, min_seconds=1.0, max_seconds=30.0, crawl_delay_seconds=60.0)
START = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)


@dataclass
class Asked:
    """One request as a host saw it, in seconds of the simulation."""

    path: str
    begun: float
    ended: float
    status: int
    retry_after: float = 0.0


@dataclass
class Host:
    """A simulated host: how slow it is, what its robots.txt asks for, how often it refuses.

    Attributes:
        seconds: that a request takes, at least.
        crawl_delay: of its robots.txt; 0 for none.
        refusals: (request number → seconds to wait, said as a date or not).
    """

    name: str
    chance: random.Random
    seconds: float
    crawl_delay: float
    refusals: dict[int, tuple[float, bool]]
    asked: list[Asked] = field(default_factory=list)

    def answer(self, path: str, now: float) -> tuple[int, bytes, dict[str, str], float]:
        """(status, body, header fields, seconds) of a request."""
        seconds = self.seconds * self.chance.uniform(0.5, 2.0)
        refusal = self.refusals.get(len(self.asked))
        if path == "/robots.txt":
            rules = f"User-agent: *\nCrawl-delay: {self.crawl_delay}\n" if self.crawl_delay else "User-agent: *\n"
            self.asked.append(Asked(path, now, now + seconds, 200))
            return 200, rules.encode(), {"Content-Type": "text/plain"}, seconds
        if refusal is not None:
            wait, as_date = refusal
            until = START + timedelta(seconds=now + seconds + wait)
            # A date has whole seconds: at least as long as it was to be.
            said = format_datetime(until + timedelta(seconds=1), usegmt=True) if as_date else str(int(wait))
            self.asked.append(Asked(path, now, now + seconds, 503 if as_date else 429, wait))
            return 503 if as_date else 429, b"later", {"Retry-After": said, "Content-Type": "text/plain"}, seconds
        self.asked.append(Asked(path, now, now + seconds, 200))
        if path == "/":
            links = "".join(f"<a href=/{number}.html>x</a>" for number in range(PAGES))
            return 200, links.encode(), {"Content-Type": "text/html"}, seconds
        return 200, f"page {path} of {self.name}".encode(), {"Content-Type": "text/html"}, seconds


def hosts() -> dict[str, Host]:
    chance = random.Random(20)
    made = {}
    for number in range(HOSTS):
        name = f"h{number}.example"
        slow = 20.0 if number < 3 else chance.choice([0.02, 0.1, 0.5, 2.0])
        delay = chance.choice([0, 0, 0, 3, 15, 600]) if number >= 3 else 0
        refusals = {}
        if number % 7 == 0:
            refusals[chance.randrange(1, 6)] = (float(chance.choice([5, 60, 400])), chance.random() < 0.5)
        made[name] = Host(name, random.Random(number), slow, delay, refusals)
    return made


class Simulation:
    """The clock, and the requests that are on their way."""

    def __init__(self, hosts: dict[str, Host]) -> None:
        self.hosts = hosts
        self.now = 0.0
        self.coming: list[tuple[float, int, Request, Visit]] = []
        self.numbers = count()
        self.took = 0.0

    def clock(self) -> datetime:
        return START + timedelta(seconds=self.now)

    def fetch(self, url: str, *, headers: Mapping[str, str], **_: object) -> Exchange:
        parts = urlsplit(url)
        status, body, fields, self.took = self.hosts[parts.hostname or ""].answer(parts.path, self.now)
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        data = f"HTTP/1.1 {status} X\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
        return Exchange(
            url, self.clock(), timedelta(seconds=self.took), request, BytesIO(data), len(data), status=status,
            ip_address="192.0.2.1", protocols=("http/1.1",),
        )  # fmt: skip


class SimulatedCrew(Crew[Request]):
    """Does every visit at once, and gives it out when its time has come."""

    def __init__(self, simulation: Simulation, visitor: Visitor, fetcher: HttpFetcher) -> None:
        super().__init__(visitor, fetcher, 1)
        self.simulation, self.visitor = simulation, visitor

    def visit(self, token: Request, entry: Entry, *, max_bytes: int | None) -> None:
        question = self.visitor.question(entry, max_bytes=max_bytes)
        exchange = self.visitor.fetch(question)
        assert isinstance(exchange, Exchange)
        visit = self.visitor.take(question, exchange, is_aside=True)
        assert isinstance(visit, Visit)
        self.comes(token, visit)

    def robots(self, token: Request, entry: Entry, origin: str) -> None:
        self.comes(token, self.visitor.robots(entry, origin))

    def comes(self, token: Request, visit: Visit) -> None:
        simulation = self.simulation
        simulation.coming.append((simulation.now + simulation.took, next(simulation.numbers), token, visit))

    def wait(self, timeout: float) -> list[tuple[Request, Visit]]:
        simulation = self.simulation
        moments = [simulation.now + max(timeout, 0.001)]  # not so little that rounding would stop the clock
        if simulation.coming:
            moments.append(min(simulation.coming)[0])
        simulation.now = max(simulation.now, min(moments))
        ended = sorted(item for item in simulation.coming if item[0] <= simulation.now)
        simulation.coming = [item for item in simulation.coming if item[0] > simulation.now]
        return [(token, visit) for _, _, token, visit in ended]


class SimulatedWorker(CrawlWorker):
    """Does everything that a worker does, but lets time pass by itself."""

    simulation: Simulation

    def open_crew(self) -> Crew[Request]:
        return SimulatedCrew(self.simulation, self.visitor, self.equipment.fetcher)


def crawl(home: Path, simulation: Simulation) -> None:
    settings = load_settings({"archive": home, "connections": 16}, environ={})
    plan = CrawlPlan(
        tuple(Seed(f"http://{name}/") for name in simulation.hosts), scope=ScopeKind.HOST, pace=PACE, sitemaps=False
    )
    numbers = count(1)
    with open_holdings(settings, clock=simulation.clock) as holdings:
        control = CrawlControl(holdings.engine, simulation.clock)
        crawl_id = control.create("default", plan)
        info = control.info(crawl_id)
        equipment = Equipment(
            holdings, info, software="test", clock=simulation.clock, new_id=lambda: f"<urn:uuid:{next(numbers):032x}>"
        )
        with equipment:
            equipment.fetcher.fetch = simulation.fetch  # type: ignore[method-assign,assignment]
            worker = SimulatedWorker(equipment, crawl_id, clock=simulation.clock, monotonic=lambda: simulation.now)
            worker.simulation = simulation
            assert worker.run() == "finished"


def waits_broken(host: Host) -> list[str]:
    """The rules, said once more and plainly: what has to lie between the end of a request and the start of the next."""
    broken = []
    for last, following in pairwise(sorted(host.asked, key=lambda item: item.begun)):
        least = min(max(PACE.factor * (last.ended - last.begun), PACE.min_seconds), PACE.max_seconds)
        robots_known = last.path == "/robots.txt" or any(item.path == "/robots.txt" for item in host.asked[:1])
        if robots_known:
            least = max(least, min(host.crawl_delay, PACE.crawl_delay_seconds))
        least = max(least, last.retry_after)
        if following.begun - last.ended < least - 0.01:
            broken.append(f"{host.name}: {following.begun - last.ended:.2f} s after {last.path}, not {least:.2f} s")
    return broken


def test_no_rule_is_broken_and_no_host_waits_for_another(tmp_path: Path) -> None:
    simulation = Simulation(hosts())
    crawl(tmp_path, simulation)
    broken = [problem for host in simulation.hosts.values() for problem in waits_broken(host)]
    assert broken == []
    for host in simulation.hosts.values():
        got = defaultdict(list)
        for asked in host.asked:
            got[asked.path].append(asked.status)
        assert host.asked[0].path == "/robots.txt"
        assert {path for path, statuses in got.items() if statuses[-1] == 200} >= {
            "/robots.txt", "/", *(f"/{number}.html" for number in range(PAGES)),
        }  # fmt: skip
        assert all(statuses.count(200) == 1 for path, statuses in got.items() if path != "/favicon.ico")
        assert finished_in_time(host), host.name


def finished_in_time(host: Host) -> bool:
    """What a host took lies near what its own waits add up to: it did not wait for the slow ones."""
    own = 0.0
    for asked in host.asked:
        took = asked.ended - asked.begun
        wait = min(max(PACE.factor * took, PACE.min_seconds), PACE.max_seconds)
        own += took + max(
            wait, min(host.crawl_delay, PACE.crawl_delay_seconds), asked.retry_after + 2, 31 * (asked.status > 200)
        )
    return host.asked[-1].ended <= own * 1.25 + 60
