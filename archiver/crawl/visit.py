"""One URL of a crawl, from its request to its records and links; holds no state of its own.

Visitor.question   what to ask, with which condition, and whether a login is shown
Visitor.fetch      asks and waits for the answer, which may take several requests; `crew` knows another way where it takes one
Visitor.take       records → what it names → decisions, see `follow`
Visitor.read       the second half of that again, for what turned out to be long

Visitor.robots     the robots.txt of its origin, which comes first
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from threading import BoundedSemaphore

from archiver.crawl.askrobots import ask_robots
from archiver.crawl.decision import UrlState, noted
from archiver.crawl.entries import CrawlInfo, Entry, RobotsFile
from archiver.crawl.equipment import Equipment
from archiver.crawl.follow import follow, redirect_target
from archiver.crawl.judge import Judge
from archiver.crawl.outcomes import answered, unanswered
from archiver.crawl.plan import CrawlPlan
from archiver.crawl.politeness import Outcome
from archiver.crawl.visited import Visit, task_of
from archiver.decisions import MAX_SCANNED_BYTES, REDIRECTS, Task, accept_for, failure_of, referrer_for
from archiver.errors import DamagedRecord, MunimentError
from archiver.fetch.login import Login
from archiver.index.entry import capture_of
from archiver.message import Head, iter_body, read_head
from archiver.model import Exchange, Failure, FailureKind, Hop, WrittenRecord
from archiver.unchanged import unchanged
from archiver.warc.dedup import Condition, kept_of
from archiver.warc.writer import PageContext

#: Threads of a worker that write and read at a time; more of them only contend for the interpreter.
_AT_DESK = 2
#: Decoded bytes of a document that are read where everything else waits. A few that are compressed may be a thousand times as
#: many.
_READ_AT_ONCE = 1_000_000

_LOG = logging.getLogger(__name__)

NOT_MODIFIED = 304
_OUR_ERROR = "its links could not be read, by an error of this program"


@dataclass(slots=True)
class Question:
    """A request for a URL, about to be sent.

    Attributes:
        visit: takes what comes of it.
        headers: that it is sent with.
        condition: under which alone a whole answer is wanted; None without.
        max_bytes: response size at which it is cut; None for no limit.
        login: what the host is shown, which may take several requests; None where it is shown nothing.
    """

    visit: Visit
    headers: dict[str, str]
    condition: Condition | None
    max_bytes: int | None
    login: Login | None

    @property
    def entry(self) -> Entry:
        """Of the URL."""
        return self.visit.entry

    @property
    def fields(self) -> dict[str, str]:
        """The header fields with those of the condition."""
        return self.headers | self.condition.headers if self.condition is not None else self.headers


class Visitor:
    """Visits URLs; safe to use from several threads.

    Args:
        info: of the crawl.
        equipment: shared by all threads.
        judge: decides about what is found; replaced when the plan changes.
        cancelled: asked between reads; True cuts what is being received.
        clock: the time, UTC.
    """

    def __init__(
        self,
        info: CrawlInfo,
        *,
        equipment: Equipment,
        judge: Judge,
        cancelled: Callable[[], bool],
        clock: Callable[[], datetime],
    ) -> None:
        self._holdings = equipment.holdings
        self._info = info
        self._equipment = equipment
        self._desk = BoundedSemaphore(_AT_DESK)
        self._fetcher = equipment.fetcher
        self._writer = equipment.writer
        self._dedup = equipment.dedup
        self._cookies = equipment.cookies
        self.judge = judge
        self.cancelled = cancelled
        self._clock = clock

    @property
    def _plan(self) -> CrawlPlan:
        return self.judge.plan

    # -- a URL, step by step -----------------------------------------------------------------------------------------

    def question(self, entry: Entry, *, max_bytes: int | None = None) -> Question:
        """What to ask for a URL.

        Args:
            entry: the URL.
            max_bytes: response size at which it is cut, beside the settings.
        """
        headers = _headers(task_of(entry))
        condition = self._dedup.condition(entry.url, headers)
        login = self._login_for(entry.url)
        if login is None and (cookie := self._cookies.header_for(entry.url)):
            headers["Cookie"] = cookie
        return Question(Visit(entry), headers, condition, self._limit(max_bytes), login)

    def fetch(self, question: Question, *, fresh: bool = False) -> Exchange | Visit:
        """Ask, and wait for the answer; `fresh`: over a new connection. The visit where we stumbled over it, which ends it."""
        url, limit = question.entry.url, question.max_bytes

        def send(headers: Mapping[str, str]) -> Exchange:
            return self._fetcher.fetch(url, headers=headers, max_bytes=limit, cancelled=self.cancelled, fresh=fresh)

        try:
            return send(question.fields) if question.login is None else self._answer(question, question.login, send)
        except MunimentError:
            raise
        except Exception:
            return self.stumbled(question.visit)

    def take(self, question: Question, exchange: Exchange, *, is_aside: bool = False) -> Visit | Exchange | None:
        """Record an answer and read it.

        Args:
            question: that was asked.
            exchange: what came; it is closed unless it is given back.
            is_aside: by one of several threads, so that it may take its time.

        Returns:
            The visit, which has ended. The exchange where it is recorded and too long to be read here: for `read`. None
            where the URL has to be fetched once more, whole: the question says so then.
        """
        visit, condition = question.visit, question.condition
        try:
            with self._desk if is_aside else nullcontext():
                is_done = self._guarded(visit, lambda: self._take(visit, exchange, condition, is_aside=is_aside))
        except _TooLong:
            return exchange
        except BaseException:
            exchange.close()
            raise
        exchange.close()
        question.condition = None  # what the server calls unchanged cannot be read: it is fetched whole
        return visit if is_done else None

    def read(self, question: Question, exchange: Exchange) -> Visit:
        """Find what a recorded answer names, however long it is; closes it."""
        visit = question.visit
        try:
            assert exchange.response is not None
            exchange.response.seek(0)
            head = read_head(exchange.response)
            with self._desk:
                self._guarded(visit, lambda: self._read(visit, exchange, head, is_aside=True))
        finally:
            exchange.close()
        return visit

    def _guarded(self, visit: Visit, step: Callable[[], bool]) -> bool:
        """One URL that we stumble over must not end a crawl of millions: a step of its visit, and what it says."""
        try:
            return step()
        except (MunimentError, _TooLong):
            raise
        except Exception:
            self.stumbled(visit)
            return True

    def stumbled(self, visit: Visit) -> Visit:
        """End a visit that an error of this program came between, the one that is being handled."""
        entry = visit.entry
        _LOG.exception("%s could not be dealt with", entry.url)
        visit.finished = visit.finished or unanswered(entry, Failure(FailureKind.PROTOCOL, _OUR_ERROR), self._plan.pace)
        visit.finished = replace(visit.finished, detail=noted(entry.decision.detail, _OUR_ERROR))
        return visit

    def _login_for(self, url: str) -> Login | None:
        login = self._equipment.login
        return login if login is not None and login.shown(url) else None

    def _answer(self, question: Question, login: Login, send: Callable[[Mapping[str, str]], Exchange]) -> Exchange:
        """The answer to somebody who is logged in; challenges that come before it are recorded too."""
        visit = question.visit
        had_worked = question.condition is not None
        for answer in login.answers(question.entry.url, question.fields, send, had_worked=had_worked):
            if answer.logged_out is not None:
                visit.logged_out = answer.logged_out.reason
                visit.again += [self.judge.number(again) for again in answer.logged_out.urls]
            if answer.is_final:
                return answer.exchange
            try:
                self._record(visit, answer.exchange, None)
            finally:
                answer.exchange.close()
        raise AssertionError("a login always ends with an answer")

    def _fetch(self, url: str, headers: Mapping[str, str], *, max_bytes: int | None) -> Exchange:
        return self._fetcher.fetch(url, headers=headers, max_bytes=self._limit(max_bytes), cancelled=self.cancelled)

    def _limit(self, max_bytes: int | None) -> int | None:
        """Bytes at which a response is cut."""
        limits = (max_bytes, self._plan.limits.resource_bytes or None)
        return min((limit for limit in limits if limit is not None), default=None)

    def _take(self, visit: Visit, exchange: Exchange, asked: Condition | None, *, is_aside: bool) -> bool:
        """Record an exchange and read it; False when it has to be fetched once more."""
        entry = visit.entry
        seconds = exchange.elapsed.total_seconds()
        weak = entry.hops.endswith(Hop.SPECULATIVE)
        if exchange.response is None:
            failure = exchange.failure or Failure(FailureKind.PROTOCOL, "the server sent nothing")
            visit.outcome = Outcome(seconds, failure=failure.kind, weak=weak)
            visit.finished = unanswered(entry, failure, self._plan.pace)
            return True
        written = self._record(visit, exchange, asked)
        exchange.response.seek(0)
        head = read_head(exchange.response)
        cookies_came = head.get("Set-Cookie") is not None
        if self._login_for(entry.url) is None:  # a login keeps its own
            self._cookies.learn(entry.url, head)
        capture = visit.captures[-1] if visit.captures else None
        visit.kept.append(self._dedup.note(kept_of(exchange, written, capture, head)))
        failure_or_none = failure_of(exchange)
        visit.outcome = Outcome(
            seconds, exchange.status, head.get("Retry-After") or "", exchange.failure.kind if exchange.failure else None, weak
        )
        visit.finished = answered(entry, exchange, written, failure_or_none, self._plan.pace)
        if cookies_came and exchange.status in REDIRECTS:
            self._come_again(visit, head)
        if asked is not None and exchange.status == NOT_MODIFIED and exchange.failure is None:
            return self._read_unchanged(visit, asked)
        return self._read(visit, exchange, head, is_aside=is_aside)

    def _read(self, visit: Visit, exchange: Exchange, head: Head, *, is_aside: bool) -> bool:
        """Find what a recorded answer names, where that is worth it, from the end of its head on; True."""
        assert visit.finished is not None and exchange.response is not None
        if visit.finished.state is UrlState.CAPTURED and not _is_broken(exchange):
            body = iter_body(exchange.response, head, limit=MAX_SCANNED_BYTES)
            follow(visit, self.judge, head, body if is_aside else _as_far_as_here(body))
        return True

    def _come_again(self, visit: Visit, head: Head) -> None:
        """ "Take this cookie and come again": what redirects back to where we come from answers differently now."""
        target = redirect_target(head, visit.entry.url)
        if target is not None and target in (visit.entry.url, visit.entry.via):
            visit.again.append(self.judge.number(target))

    def _record(self, visit: Visit, exchange: Exchange, asked: Condition | None) -> WrittenRecord:
        entry = visit.entry
        records = self._writer.write_exchange(
            exchange, page=PageContext(entry.via, entry.hops), known=self._dedup.target, asked=asked
        )
        for record in records:
            visit.ends[record.file] = max(visit.ends.get(record.file, 0), record.offset + record.length)
        visit.received += exchange.response_length
        capture = capture_of(records[0], self._info.collection, exchange.request)
        if capture is not None:
            visit.captures.append(capture)
        return records[0]

    def _read_unchanged(self, visit: Visit, asked: Condition) -> bool:
        """After "not modified": read the earlier capture; False when that cannot be read, and it is to be fetched whole."""
        record = unchanged(self._holdings, self._info.collection, asked)
        if record is None:
            return False
        try:
            assert record.http is not None and visit.finished is not None
            visit.finished = replace(visit.finished, mime=record.http.media_type)
            follow(visit, self.judge, record.http, record.payload(content=True, limit=MAX_SCANNED_BYTES), status=200)
        except DamagedRecord:
            return False
        finally:
            record.close()
        return True

    # -- what comes before anything else of a site -------------------------------------------------------------------

    def robots(self, entry: Entry, origin: str) -> Visit:
        """Fetch and record the robots.txt of an origin; the entry is the URL that it is needed for."""
        visit, now = Visit(entry), self._clock().timestamp()
        try:
            ask_robots(visit, origin, fetch=self._fetch, record=self._record, pace=self._plan.pace, now=now)
        except MunimentError:
            raise
        except Exception:
            _LOG.exception("the robots.txt of %s could not be dealt with", origin)
            visit.robots = RobotsFile(origin, now, None, _OUR_ERROR)
        return visit


class _TooLong(Exception):
    """A document is longer than what is read where everything else waits."""


def _as_far_as_here(body: Iterable[bytes]) -> Iterator[bytes]:
    length = 0
    for piece in body:
        length += len(piece)
        if length > _READ_AT_ONCE:
            raise _TooLong
        yield piece


def _is_broken(exchange: Exchange) -> bool:
    return exchange.failure is not None and exchange.failure.kind is FailureKind.PROTOCOL


def _headers(task: Task) -> dict[str, str]:
    headers = {"Accept": accept_for(task)}
    if referrer := referrer_for(task.candidate):
        headers["Referer"] = referrer
    return headers
