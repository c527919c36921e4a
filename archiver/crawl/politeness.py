"""How a host is spared: when it may be asked again and why not sooner, when it is given up, what is tried again. No clock."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from archiver.crawl.plan import Pace
from archiver.errors import InvalidTimestamp, UsageError
from archiver.model import FailureKind
from archiver.plaintext import one_line
from archiver.timestamps import parse_http_date

#: The most that a Retry-After is heeded for, in seconds.
MAX_RETRY_AFTER = 86_400.0
#: Waits after refusals (429, 503) that name no time: this many seconds, then twice as many each time.
REFUSED_SECONDS, MAX_REFUSED_SECONDS = 30.0, 1800.0
#: A host that has refused this many requests in a row, over at least this many seconds, is given up.
REFUSALS, REFUSED_FOR_SECONDS = 10, 3600.0
#: Waits after failures to connect, twice as long each time; and how many of them in a row make a dead host.
FAILED_SECONDS, MAX_FAILED_SECONDS, FAILURES = 5.0, 300.0, 8
#: The same for names that are not known. They are given up after less than two minutes of waiting.
UNKNOWN_NAME_SECONDS, UNKNOWN_NAMES = 15.0, 4
#: Weak guesses are fetched this many times more slowly.
WEAK_FACTOR = 2.0

#: What says of a host, and not of one URL, that it does not work.
_HOST_FAILURES = frozenset(
    (
        FailureKind.DNS,
        FailureKind.CONNECTION_REFUSED,
        FailureKind.CONNECTION_RESET,
        FailureKind.UNREACHABLE,
        FailureKind.TIMEOUT,
        FailureKind.TLS,
    )
)
#: The host was never asked.
_UNSENT = frozenset((FailureKind.INVALID_URL, FailureKind.REFUSED_BY_GUARD, FailureKind.PAGE_LIMIT))
_REFUSALS = frozenset((429, 503))

#: Failures that another attempt may better.
MAY_PASS = frozenset(
    (
        FailureKind.DNS,
        FailureKind.CONNECTION_REFUSED,
        FailureKind.CONNECTION_RESET,
        FailureKind.UNREACHABLE,
        FailureKind.TIMEOUT,
        FailureKind.CUT_SHORT,
    )
)
#: Answers that another attempt may better. 501, 505, 506, 508, 510 and 511 are about the request, and stay.
_STATUSES_MAY_PASS = frozenset((408, 425, 429, 500, 502, 503, 504, 507, 509, 520, 521, 522, 523, 524, 527, 529))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one request to a host ended.

    Attributes:
        seconds: that it took, from the first byte sent.
        status: of the answer; None without one.
        retry_after: the Retry-After field as it came; "" without one.
        failure: what went wrong, or None.
        weak: the URL was little more than a guess.
    """

    seconds: float
    status: int | None = None
    retry_after: str = ""
    failure: FailureKind | None = None
    weak: bool = False


@dataclass(frozen=True, slots=True)
class HostPace:
    """Where a host's queue stands. Moments are seconds since 1970.

    Attributes:
        next_at: before this nothing is sent.
        waits_for: why, one sentence; "" when nothing is waited for.
        failures: connections in a row that failed.
        refusals: answers 429 and 503 in a row.
        refused_since: when the first of these came.
        dead: why the host was given up; "" while it was not.
    """

    next_at: float = 0.0
    waits_for: str = ""
    failures: int = 0
    refusals: int = 0
    refused_since: float = 0.0
    dead: str = ""

    def after(
        self, outcome: Outcome, pace: Pace, now: float, *, robots_wait: float | None = None, robots_name: str = "Crawl-delay"
    ) -> HostPace:
        """The pace after a request that ended at `now`.

        Args:
            outcome: of the request.
            pace: what the plan says.
            now: seconds since 1970.
            robots_wait: seconds that robots.txt asks for between two requests; None when it does not, or does not count.
            robots_name: by which line it asks.
        """
        if outcome.failure in _UNSENT:
            return self
        if outcome.status in _REFUSALS:
            return self._refused(outcome, pace, now, robots_wait, robots_name)
        if outcome.status is None and outcome.failure in _HOST_FAILURES:
            return self._failed(outcome, pace, now, robots_wait, robots_name)
        wait, why = _usual_wait(outcome, pace, robots_wait, robots_name)
        asked, said = retry_after_seconds(outcome.retry_after, now) if (outcome.status or 0) >= 300 else (None, "")
        if asked is not None and asked > wait:
            wait, why = asked, said  # on redirects and other errors it counts for its own request; none has to hurry
        return HostPace(now + wait, why)

    def revived(self) -> HostPace:
        """The pace of a host that is to be tried again: it is not dead, and what it did before is forgotten."""
        return HostPace(self.next_at, self.waits_for)

    def to_json(self) -> str:
        """The pace as it is kept; "" for a host that was never asked."""
        if self == HostPace():
            return ""
        values = (self.next_at, self.waits_for, self.failures, self.refusals, self.refused_since, self.dead)
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))

    def _refused(self, outcome: Outcome, pace: Pace, now: float, robots_wait: float | None, robots_name: str) -> HostPace:
        """The server is alive, and asks to be left alone."""
        dead = ""
        refusals = self.refusals + 1
        since = self.refused_since if self.refusals else now
        if refusals >= REFUSALS and now - since >= REFUSED_FOR_SECONDS:
            dead = f"it refused {refusals} requests in a row ({outcome.status})"
        asked, said = retry_after_seconds(outcome.retry_after, now)
        wait = REFUSED_SECONDS if asked is None else 1.0
        wait = min(wait * 2.0 ** min(refusals - 1, 30), MAX_REFUSED_SECONDS)
        why = f"the server answered {outcome.status} {_times(refusals)}: {spell_seconds(wait)}"
        if asked is not None and asked >= wait:
            wait, why = asked, said
        usual, usual_why = _usual_wait(outcome, pace, robots_wait, robots_name)
        if usual > wait:
            wait, why = usual, usual_why
        return HostPace(now + wait, why, 0, refusals, since, dead)

    def _failed(self, outcome: Outcome, pace: Pace, now: float, robots_wait: float | None, robots_name: str) -> HostPace:
        """There was no connection, or nothing came over it."""
        failures = self.failures + 1
        is_name = outcome.failure is FailureKind.DNS
        is_dead = failures >= (UNKNOWN_NAMES if is_name else FAILURES)
        dead = f"{_FAILED[outcome.failure]} {_times(failures)}" if is_dead else ""
        first = UNKNOWN_NAME_SECONDS if is_name else FAILED_SECONDS
        wait = min(first * 2.0 ** (failures - 1), MAX_FAILED_SECONDS)
        why = f"{_FAILED[outcome.failure]} {_times(failures)}: {spell_seconds(wait)}"
        usual, usual_why = _usual_wait(outcome, pace, robots_wait, robots_name)
        if usual > wait:
            wait, why = usual, usual_why
        return HostPace(now + wait, why, failures, dead=dead)


_FAILED: dict[FailureKind | None, str] = {
    FailureKind.DNS: "its name was not known",
    FailureKind.CONNECTION_REFUSED: "it refused the connection",
    FailureKind.CONNECTION_RESET: "it broke the connection",
    FailureKind.UNREACHABLE: "it could not be reached",
    FailureKind.TIMEOUT: "it did not answer in time",
    FailureKind.TLS: "no secure connection came about",
}


def pace_from_json(text: str) -> HostPace:
    """A pace as `HostPace.to_json` wrote it.

    Raises:
        UsageError: it is none, or one of a newer version.
    """
    if not text:
        return HostPace()
    try:
        next_at, waits_for, failures, refusals, refused_since, dead = json.loads(text)
        pace = HostPace(float(next_at), str(waits_for), int(failures), int(refusals), float(refused_since), str(dead))
        if not math.isfinite(pace.next_at) or not math.isfinite(pace.refused_since):
            raise ValueError("not a moment")
        return pace
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise UsageError("The pace of a host cannot be read.", "Was it kept by a newer version?") from error


def retry_after_seconds(value: str, now: float) -> tuple[float | None, str]:
    """What Retry-After asks for (RFC 9110, section 10.2.3): seconds from `now`, and a sentence that says it.

    Moments in the past are 0 seconds; more than a day is heeded for a day. None for what is neither seconds nor a date.
    """
    written = one_line(value)[:60]
    if _SECONDS.fullmatch(written):
        asked = float(written)
    else:
        moment = _moment(written)
        if moment is None:
            return None, ""
        asked = max(moment.timestamp() - now, 0.0)
    said = f"the server asked for {spell_seconds(asked)} (Retry-After)"
    if asked > MAX_RETRY_AFTER:
        return MAX_RETRY_AFTER, f"{said}, of which {spell_seconds(MAX_RETRY_AFTER)} are waited"
    return asked, said


_SECONDS = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,9})?", re.ASCII)


def _moment(written: str) -> datetime | None:
    try:
        return parse_http_date(written)
    except (InvalidTimestamp, OverflowError):
        return None


def _usual_wait(outcome: Outcome, pace: Pace, robots_wait: float | None, robots_name: str) -> tuple[float, str]:
    """The wait between two requests to a host that works, and why it is as long as it is."""
    if not pace.polite:
        return 0.0, ""
    took = outcome.seconds if math.isfinite(outcome.seconds) and outcome.seconds > 0 else 0.0
    wait = min(pace.factor * took, pace.max_seconds)
    why = f"the last request took {spell_seconds(took)}, and {pace.factor:g} times as long is waited"
    if pace.factor * took > pace.max_seconds:
        why = f"the last request took {spell_seconds(took)}; the longest wait is {spell_seconds(pace.max_seconds)}"
    if wait < pace.min_seconds:
        wait, why = pace.min_seconds, f"between two requests at least {spell_seconds(pace.min_seconds)} are waited"
    if outcome.weak:
        wait, why = wait * WEAK_FACTOR, f"{why}; twice as long after a guess"
    if robots_wait is not None and min(robots_wait, pace.crawl_delay_seconds) > wait:
        wait = min(robots_wait, pace.crawl_delay_seconds)
        why = f"robots.txt asks for {spell_seconds(robots_wait)} ({robots_name})"
        if robots_wait > wait:
            why = f"{why}, of which {spell_seconds(wait)} are waited"
    return wait, why if wait else ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times in a row"


def spell_seconds(seconds: float) -> str:
    """A duration for people: "0.8 s", "120 s", "2 h 30 min", "10 days"."""
    if seconds < 10:
        return f"{round(seconds, 1):g} s"
    if seconds < 600:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48 and (hours, minutes) != (24, 0):
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days = round(hours / 24)
    return f"{days:,} days" if days > 1 else "1 day"


# -- one URL -----------------------------------------------------------------------------------------------------------


class Retry(NamedTuple):
    """Whether a URL is tried again.

    Attributes:
        again: it is.
        counts: the attempt that ended is one of those that a URL has; an interrupted one is not.
        reason: why, or why not; one sentence.
    """

    again: bool
    counts: bool
    reason: str


def retry_decision(attempts: int, pace: Pace, *, status: int | None = None, failure: FailureKind | None = None) -> Retry:
    """What becomes of a URL after an attempt that did not end well, or did.

    What may pass is tried again: timeouts, broken connections, unknown names, cut answers, 408, 425, 429 and most of 5xx. An
    address that the guard forbids, an invalid certificate, a 404 or a size over the limit stay what they are.

    Args:
        attempts: so far, the last one included.
        pace: what the plan says.
        status: of the last answer; None without one.
        failure: of the last attempt, or None.
    """
    if failure is FailureKind.INTERRUPTED:
        return Retry(True, False, "it was interrupted")
    if failure in MAY_PASS or (failure in (None, FailureKind.HTTP_ERROR) and status in _STATUSES_MAY_PASS):
        if attempts <= pace.retries:
            return Retry(True, True, f"it may pass; attempt {attempts} of {pace.retries + 1}")
        return Retry(False, True, f"it did not pass in {attempts} attempt{'s' if attempts != 1 else ''}")
    return Retry(False, True, "another attempt would end the same" if failure or (status or 0) >= 400 else "it was answered")
