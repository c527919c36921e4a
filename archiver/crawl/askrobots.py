"""What comes before anything else of a site: its robots.txt is fetched, recorded and kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from archiver.crawl.decision import Decision, UrlState, Verdict
from archiver.crawl.entries import RobotsFile
from archiver.crawl.follow import redirect_target
from archiver.crawl.outcomes import answered
from archiver.crawl.plan import Pace
from archiver.crawl.politeness import Outcome
from archiver.crawl.robots import MAX_BYTES, MAX_REDIRECTS, UNASKABLE, kept_text
from archiver.crawl.visited import Visit
from archiver.decisions import REDIRECTS, failure_of
from archiver.markup.slots import SlotKind
from archiver.message import iter_body, read_head
from archiver.model import Exchange, FailureKind, Hop, WrittenRecord
from archiver.warc.dedup import Condition

#: What stands for an answer that redirects too often: it says as much as no robots.txt at all.
_TOO_MANY_REDIRECTS = 310
#: Failures that no later attempt betters, and that every request to the host ends in.
_FINAL = frozenset({FailureKind.REFUSED_BY_GUARD, FailureKind.TLS, FailureKind.INVALID_URL})


class Fetch(Protocol):
    """Sends a request with these header fields; the answer is cut at so many bytes."""

    def __call__(self, url: str, headers: Mapping[str, str], *, max_bytes: int | None) -> Exchange: ...


class Record(Protocol):
    """Writes an answer, notes that in the visit, and says where it is."""

    def __call__(self, visit: Visit, exchange: Exchange, asked: Condition | None) -> WrittenRecord: ...


def ask_robots(visit: Visit, origin: str, *, fetch: Fetch, record: Record, pace: Pace, now: float) -> None:
    """Fetch the robots.txt of an origin, wherever it redirects to, and note in the visit what it says.

    Args:
        visit: of the URL that it is needed for.
        origin: scheme, host and port.
        fetch: sends requests.
        record: writes the answers.
        pace: of the crawl.
        now: seconds since 1970.
    """
    url = f"{origin}/robots.txt"
    hops = visit.entry.hops + Hop.PREREQUISITE
    for _ in range(MAX_REDIRECTS + 1):
        exchange = fetch(url, {"Accept": "text/plain,*/*;q=0.5"}, max_bytes=MAX_BYTES * 2)
        try:
            failure = exchange.failure
            visit.outcome = Outcome(exchange.elapsed.total_seconds(), None, failure=failure.kind if failure else None)
            if exchange.response is None:
                is_final = url.startswith(origin) and failure is not None and failure.kind in _FINAL
                status = UNASKABLE if is_final else None
                visit.robots = RobotsFile(origin, now, status, failure.reason if failure else "the server sent nothing")
                return
            _note_record(visit, exchange, record(visit, exchange, None), url, hops, pace)
            target = _read(visit, exchange, origin, url, now)
        finally:
            exchange.close()
        if target is None:
            return
        url, hops = target, hops + Hop.REDIRECT
    visit.robots = RobotsFile(origin, now, _TOO_MANY_REDIRECTS, None, "")


def _note_record(visit: Visit, exchange: Exchange, written: WrittenRecord, url: str, hops: str, pace: Pace) -> None:
    """A robots.txt has no row in the frontier: it gets one that is done with."""
    decision = Decision(UrlState.QUEUED, Verdict.PREREQUISITE)
    entry = replace(visit.entry, url_id=0, url=url, hops=hops, slot=SlotKind.LINK.value, kind="robots.txt", decision=decision)
    finished = answered(entry, exchange, written, failure_of(exchange), pace)
    visit.extra.append(replace(finished, state=UrlState.CAPTURED, attempted=True))


def _read(visit: Visit, exchange: Exchange, origin: str, url: str, now: float) -> str | None:
    """Note what an answer says; where it redirects to, or None."""
    assert exchange.response is not None and visit.outcome is not None
    failure = exchange.failure
    exchange.response.seek(0)
    head = read_head(exchange.response)
    visit.outcome = replace(visit.outcome, status=exchange.status, retry_after=head.get("Retry-After") or "")
    if exchange.status in REDIRECTS:
        target = redirect_target(head, url)
        if target is not None:
            return target
    body = _start_of(iter_body(exchange.response, head))
    visit.robots = RobotsFile(
        origin, now, exchange.status, failure.reason if failure and not exchange.truncated else None,
        kept_text(body).decode("latin-1"),
    )  # fmt: skip
    return None


def _start_of(body: Iterable[bytes]) -> bytes:
    """As much of a robots.txt as is read, and a little more, so that it shows that there is more."""
    start = b""
    for piece in body:
        start += piece
        if len(start) > MAX_BYTES:
            break
    return start[: MAX_BYTES + 1]
