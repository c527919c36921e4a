"""How hosts are spared: each wait with its reason, and 200 hosts on a simulated clock where no rule is ever broken."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from archiver.crawl.plan import Pace
from archiver.crawl.politeness import (
    MAX_RETRY_AFTER,
    HostPace,
    Outcome,
    pace_from_json,
    retry_after_seconds,
    retry_decision,
    spell_seconds,
)
from archiver.errors import UsageError
from archiver.model import FailureKind
from archiver.timestamps import to_http_date

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
PACE = Pace(factor=5, min_seconds=1, max_seconds=30, crawl_delay_seconds=300, retries=3)
RUDE = Pace(min_seconds=0, max_seconds=0)
OK = Outcome(0.5, 200)


def wait_after(outcome: Outcome, pace: Pace = PACE, **more: object) -> tuple[float, str]:
    after = HostPace().after(outcome, pace, NOW, **more)  # type: ignore[arg-type]
    return round(after.next_at - NOW, 6), after.waits_for


def refused(status: int = 429, retry_after: str = "") -> Outcome:
    return Outcome(0.1, status, retry_after)


def failed(kind: FailureKind = FailureKind.TIMEOUT, status: int | None = None) -> Outcome:
    return Outcome(1, status, "", kind)


# -- the usual wait ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "robots", "wait", "why"),
    [
        (0.01, None, 1, "between two requests at least 1 s are waited"),
        (0.8, None, 4, "the last request took 0.8 s, and 5 times as long is waited"),
        (60, None, 30, "the last request took 60 s; the longest wait is 30 s"),
        (0.8, 2, 4, "the last request took 0.8 s, and 5 times as long is waited"),
        (0.8, 20, 20, "robots.txt asks for 20 s (Crawl-delay)"),
        (60, 45, 45, "robots.txt asks for 45 s (Crawl-delay)"),
        (0.8, 86_400, 300, "robots.txt asks for 1 day (Crawl-delay), of which 300 s are waited"),
        (float("nan"), None, 1, "between two requests at least 1 s are waited"),
        (float("inf"), None, 1, "between two requests at least 1 s are waited"),
        (-5, None, 1, "between two requests at least 1 s are waited"),
    ],
)
def test_the_usual_wait(seconds: float, robots: float | None, wait: float, why: str) -> None:
    assert wait_after(Outcome(seconds, 200), robots_wait=robots) == (wait, why)
    assert wait_after(Outcome(seconds, 404, "", FailureKind.HTTP_ERROR), robots_wait=robots) == (wait, why)


def test_a_guess_is_followed_by_a_longer_wait() -> None:
    assert wait_after(Outcome(0.8, 404, weak=True))[0] == 8
    assert wait_after(Outcome(99, 404, weak=True))[0] == 60


def test_politeness_switched_off_still_heeds_refusals_and_dead_hosts() -> None:
    assert wait_after(OK, RUDE, robots_wait=60) == (0, "")
    assert wait_after(refused(), RUDE)[0] == 30
    assert wait_after(refused(503, "7"), RUDE)[0] == 7
    assert wait_after(failed(), RUDE)[0] == 5


def test_what_was_never_sent_changes_nothing() -> None:
    before = HostPace(NOW + 50, "because", failures=2)
    assert before.after(failed(FailureKind.REFUSED_BY_GUARD), PACE, NOW) == before


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "wait", "why"),
    [
        ("120", 120, "the server asked for 120 s (Retry-After)"),
        (" 2.5 ", 2.5, "the server asked for 2.5 s (Retry-After)"),
        (to_http_date(datetime.fromtimestamp(NOW + 3600, UTC)), 3600, "the server asked for 60 min (Retry-After)"),
        ("Sunday, 01-Mar-26 12:02:00 GMT", 120, "the server asked for 120 s (Retry-After)"),
        ("Sun Mar  1 12:02:00 2026", 120, "the server asked for 120 s (Retry-After)"),
        ("864000", MAX_RETRY_AFTER, "the server asked for 10 days (Retry-After), of which 1 day are waited"),
        ("9" * 18, MAX_RETRY_AFTER, None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_AFTER, None),
    ],
)
def test_retry_after_is_heeded_up_to_a_day(status: int, header: str, wait: float, why: str | None) -> None:
    waited, said = wait_after(refused(status, header))
    assert waited == wait
    assert said == why or (why is None and said.endswith("of which 1 day are waited"))


@pytest.mark.parametrize("header", ["0", "Sun, 01 Mar 2020 12:00:00 GMT", to_http_date(datetime.fromtimestamp(NOW, UTC))])
def test_a_retry_after_that_has_passed_leaves_the_usual_wait(header: str) -> None:
    assert wait_after(refused(429, header))[0] == 1
    assert wait_after(refused(429, header), robots_wait=10)[0] == 10


@pytest.mark.parametrize(
    "header",
    ["", "soon", "-5", "1e9", "٣", "12, 13", "9" * 5000, "Sun, 99 Foo 2026", "\x00", "0x10", "Sun, 01 Mar 99999 00:00:00 GMT"],
)
def test_without_a_readable_retry_after_waits_grow(header: str) -> None:
    assert retry_after_seconds(header, NOW) == (None, "")
    pace, waits = HostPace(), []
    for _ in range(9):
        pace = pace.after(refused(503, header), PACE, NOW)
        waits.append(pace.next_at - NOW)
    assert waits == [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]
    assert pace.waits_for == "the server answered 503 9 times in a row: 30 min"


def test_a_server_that_goes_on_refusing_is_asked_less_and_less_often_whatever_it_says() -> None:
    pace, now, waits = HostPace(), NOW, []
    while not pace.dead:
        pace = pace.after(refused(429, "1"), PACE, now)
        waits.append(pace.next_at - now)
        now = pace.next_at
    assert waits[:6] == [1, 2, 4, 8, 16, 32]
    assert now - NOW >= 3600
    assert pace.dead == f"it refused {len(waits)} requests in a row (429)"


def test_a_rush_of_refusals_is_no_reason_to_give_a_host_up() -> None:
    pace = HostPace()
    for _ in range(50):
        pace = pace.after(refused(), RUDE, NOW)
    assert not pace.dead


def test_one_good_answer_ends_all_back_off() -> None:
    pace = HostPace()
    for outcome in (refused(), refused(), failed(), failed(), OK):
        pace = pace.after(outcome, PACE, NOW)
    assert pace == HostPace(NOW + 2.5, pace.waits_for)
    assert pace.after(refused(), PACE, NOW).next_at == NOW + 30


def test_other_answers_may_ask_for_time_as_well() -> None:
    assert wait_after(Outcome(0.1, 302, "40"))[0] == 40
    assert wait_after(Outcome(0.1, 500, "40"))[0] == 40
    assert wait_after(Outcome(0.1, 200, "40"))[0] == 1


# -- dead hosts --------------------------------------------------------------------------------------------------------


def run_to_death(outcome: Outcome) -> tuple[HostPace, list[float]]:
    pace, now, waits = HostPace(), NOW, []
    while not pace.dead and len(waits) < 100:
        pace = pace.after(outcome, PACE, now)
        if not pace.dead:
            waits.append(pace.next_at - now)
        now = pace.next_at
    return pace, waits


def test_an_unknown_name_is_given_up_in_minutes_and_not_in_hours() -> None:
    pace, waits = run_to_death(failed(FailureKind.DNS))
    assert waits == [15, 30, 60]
    assert pace.dead == "its name was not known 4 times in a row"


@pytest.mark.parametrize(
    "kind",
    [
        FailureKind.TIMEOUT,
        FailureKind.CONNECTION_REFUSED,
        FailureKind.CONNECTION_RESET,
        FailureKind.UNREACHABLE,
        FailureKind.TLS,
    ],
)
def test_a_host_that_gives_no_connection_is_given_up_after_some_minutes(kind: FailureKind) -> None:
    pace, waits = run_to_death(failed(kind))
    assert waits == [5, 10, 20, 40, 80, 160, 300]
    assert pace.dead.endswith("8 times in a row")
    assert pace.revived() == HostPace(pace.next_at, pace.waits_for)


@pytest.mark.parametrize("kind", [FailureKind.CUT_SHORT, FailureKind.PROTOCOL, FailureKind.TOO_LARGE, FailureKind.INTERRUPTED])
def test_what_goes_wrong_with_one_answer_does_not_make_a_dead_host(kind: FailureKind) -> None:
    pace = HostPace()
    for _ in range(50):
        pace = pace.after(failed(kind), PACE, NOW)
        pace = pace.after(failed(FailureKind.TIMEOUT, status=200), PACE, NOW)
    assert (pace.dead, pace.failures) == ("", 0)


# -- kept between two requests -----------------------------------------------------------------------------------------


def test_a_pace_is_kept_as_text() -> None:
    pace = HostPace().after(failed(), PACE, NOW).after(refused(503, "“x”"), PACE, NOW + 1.25)
    assert pace_from_json(pace.to_json()) == pace
    assert HostPace().to_json() == ""
    assert pace_from_json("") == HostPace()


@pytest.mark.parametrize("text", ["[", "{}", "[1]", "7", "null", '[Infinity,"",0,0,0,""]', '["x","",0,0,0,""]', "[" * 99_999])
def test_what_is_no_pace_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        pace_from_json(text)


# -- what is tried again -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "failure", "again"),
    [
        (None, FailureKind.TIMEOUT, True),
        (None, FailureKind.CONNECTION_RESET, True),
        (None, FailureKind.DNS, True),
        (200, FailureKind.CUT_SHORT, True),
        (200, FailureKind.TIMEOUT, True),
        (500, None, True),
        (503, FailureKind.HTTP_ERROR, True),
        (429, None, True),
        (408, None, True),
        (200, None, False),
        (301, None, False),
        (403, None, False),
        (404, FailureKind.HTTP_ERROR, False),
        (501, None, False),
        (None, None, False),
        (None, FailureKind.TLS, False),
        (None, FailureKind.REFUSED_BY_GUARD, False),
        (None, FailureKind.INVALID_URL, False),
        (None, FailureKind.PROTOCOL, False),
        (200, FailureKind.TOO_LARGE, False),
        (302, FailureKind.TOO_MANY_REDIRECTS, False),
    ],
)
def test_what_may_pass_is_tried_again_so_many_times(status: int | None, failure: FailureKind | None, again: bool) -> None:
    decisions = [retry_decision(attempts, PACE, status=status, failure=failure) for attempts in range(1, 6)]
    assert [decision.again for decision in decisions] == [again] * 3 + [False] * 2
    assert all(decision.reason and decision.counts for decision in decisions)
    assert not retry_decision(1, Pace(retries=0), status=status, failure=failure).again


def test_what_was_interrupted_is_done_again_and_does_not_count() -> None:
    assert retry_decision(99, PACE, failure=FailureKind.INTERRUPTED)[:2] == (True, False)


def test_every_failure_is_decided() -> None:
    for kind in FailureKind:
        assert retry_decision(1, PACE, failure=kind).reason
        assert HostPace().after(failed(kind), PACE, NOW).next_at >= 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.84, "0.8 s"),
        (9.96, "10 s"),
        (90, "90 s"),
        (600, "10 min"),
        (9000, "2 h 30 min"),
        (7200, "2 h"),
        (1e6, "12 days"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert spell_seconds(seconds) == words


# -- 200 hosts on a simulated clock ------------------------------------------------------------------------------------


@dataclass
class SimulatedHost:
    """A server with its moods, which notes when it was asked and what it had asked for; it knows nothing of `HostPace`."""

    number: int
    urls: int
    random: random.Random = field(init=False)
    in_flight: bool = False
    not_before: float = 0.0
    refusals: int = 0
    failures: int = 0
    asked: int = 0
    attempts: dict[int, int] = field(default_factory=dict)
    done: dict[int, str] = field(default_factory=dict)
    finished_at: float = 0.0

    def __post_init__(self) -> None:
        self.random = random.Random(f"host {self.number}")
        self.mood = ("steady", "slow", "moody", "flaky", "dead", "nameless", "refusing")[min(self.number % 10, 6)]
        if self.number % 10 > 6:
            self.mood = "steady"
        self.crawl_delay = self.random.choice((None, None, 0.5, 10.0, 1000.0))
        self.speed = self.random.uniform(0.01, 3)

    def answer(self, started: float) -> Outcome:
        """What comes of a request, and how long that takes; checks that it may be made at all."""
        assert not self.in_flight, f"host {self.number} is asked twice at a time"
        assert started >= self.not_before - 1e-6, f"host {self.number} is asked {self.not_before - started} s too early"
        assert not (self.mood == "dead" and self.failures >= 8), "a dead host is asked again"
        assert not (self.mood == "nameless" and self.failures >= 4), "a host without a name is asked again"
        self.in_flight, self.asked = True, self.asked + 1
        took, chance = self.random.expovariate(1 / self.speed), self.random.random()
        if self.mood == "slow":
            return Outcome(30 + took, 200)
        if self.mood == "dead" or (self.mood == "flaky" and chance < 0.3):
            return Outcome(20.0, None, "", self.random.choice((FailureKind.TIMEOUT, FailureKind.CONNECTION_RESET)))
        if self.mood == "nameless":
            return Outcome(0.1, None, "", FailureKind.DNS)
        if self.mood == "refusing" or (self.mood == "moody" and chance < 0.3):
            moment = to_http_date(datetime.fromtimestamp(started + took + self.random.randint(-50, 500), UTC))
            header = self.random.choice(("", "7", "120", "600", "garbage", moment))
            return Outcome(took, self.random.choice((429, 503)), header)
        return Outcome(took, 404 if chance < 0.1 else 200)

    def answered(self, outcome: Outcome, ended: float) -> None:
        """State what the rules demand of the next request, said once more and independently."""
        self.in_flight = False
        demands = [1.0, min(5 * outcome.seconds, 30.0), min(self.crawl_delay or 0.0, 300.0)]
        if outcome.status in (429, 503):
            self.refusals, self.failures = self.refusals + 1, 0
            if outcome.retry_after.isdigit():
                demands.append(float(outcome.retry_after))
            elif outcome.retry_after.endswith("GMT"):
                moment = datetime.strptime(outcome.retry_after, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
                demands.append(moment.timestamp() - ended)
            else:
                demands.append(min(30.0 * 2 ** (self.refusals - 1), 1800.0))
        elif outcome.failure is not None:
            self.refusals, self.failures = 0, self.failures + 1
            first = 15 if outcome.failure is FailureKind.DNS else 5
            demands.append(min(first * 2.0 ** (self.failures - 1), 300.0))
        else:
            self.refusals = self.failures = 0
        self.not_before = ended + max(demands)


def crawl(hosts: list[SimulatedHost], connections: int) -> int:
    """A worker as the engine is one, on a clock of its own; returns the most requests that were in flight at once."""
    paces = {host.number: HostPace().to_json() for host in hosts}
    queues = {host.number: list(range(host.urls)) for host in hosts}
    by_number = {host.number: host for host in hosts}
    ready = [(NOW, host.number) for host in hosts]
    flights: list[tuple[float, int, Outcome]] = []
    now, busiest = NOW, 0
    heapq.heapify(ready)
    while ready or flights:
        while ready and ready[0][0] <= now and len(flights) < connections:
            number = heapq.heappop(ready)[1]
            outcome = by_number[number].answer(now)
            heapq.heappush(flights, (now + outcome.seconds, number, outcome))
        busiest = max(busiest, len(flights))
        coming = [flights[0][0]] if flights else []
        if ready and len(flights) < connections:
            coming.append(ready[0][0])
        now = max(now, min(coming))
        while flights and flights[0][0] <= now:
            ended, number, outcome = heapq.heappop(flights)
            host, queue = by_number[number], queues[number]
            host.answered(outcome, ended)
            pace = pace_from_json(paces[number]).after(outcome, PACE, ended, robots_wait=host.crawl_delay)
            paces[number] = pace.to_json()
            url = queue.pop(0)
            host.attempts[url], host.finished_at = host.attempts.get(url, 0) + 1, ended
            if retry_decision(host.attempts[url], PACE, status=outcome.status, failure=outcome.failure).again:
                queue.append(url)
            else:
                host.done[url] = str(outcome.status or outcome.failure)
            if queue and not pace.dead:
                heapq.heappush(ready, (pace.next_at, number))
            elif pace.dead:
                host.done.update((left, f"given up: {pace.dead}") for left in queue)
    return busiest


def test_two_hundred_hosts_are_crawled_without_breaking_a_rule_and_none_holds_up_the_others() -> None:
    hosts = [SimulatedHost(number, urls=25) for number in range(200)]
    busiest = crawl(hosts, connections=100)
    assert busiest > 30
    for host in hosts:
        assert sorted(host.done) == list(range(25)), "a URL was lost"
        assert max(host.attempts.values()) <= PACE.retries + 1
        assert any(end.startswith("given up") for end in host.done.values()) or host.mood not in ("dead", "nameless")
    assert {host.asked for host in hosts if host.mood == "nameless"} == {4}
    assert {host.asked for host in hosts if host.mood == "dead"} == {8}
    for host in hosts:
        alone = SimulatedHost(host.number, urls=25)
        crawl([alone], connections=1)
        assert (alone.asked, alone.done) == (host.asked, host.done)
        assert host.finished_at - NOW <= (alone.finished_at - NOW) * 1.02 + 1, f"host {host.number} was held up"


def test_the_simulation_would_notice_a_rule_that_is_broken() -> None:
    """Its hosts complain of a worker that comes back a second too early, or twice at a time."""
    host = SimulatedHost(1, urls=1)
    outcome = host.answer(NOW)
    with pytest.raises(AssertionError, match="twice"):
        host.answer(NOW + 1)
    host.answered(outcome, NOW + outcome.seconds)
    with pytest.raises(AssertionError, match="too early"):
        host.answer(host.not_before - 1)
