"""One URL of a crawl, from its request to its records and links; runs in a worker's threads and holds no state of its own.

Visitor.visit    fetch → records → what it names → decisions
Visitor.adopt    the same from a record that a killed worker had written but not committed
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from threading import BoundedSemaphore

from archiver.crawl.decision import Decision, UrlState, Verdict, noted
from archiver.crawl.entries import CrawlInfo, Entry, Finished, Found, PageTitle, RobotsFile
from archiver.crawl.equipment import Equipment
from archiver.crawl.hops import path_of_hops
from archiver.crawl.judge import Judge
from archiver.crawl.plan import CrawlPlan
from archiver.crawl.politeness import Outcome, retry_decision
from archiver.crawl.robots import MAX_BYTES as MAX_ROBOTS_BYTES
from archiver.crawl.robots import MAX_REDIRECTS as MAX_ROBOTS_REDIRECTS
from archiver.crawl.robots import kept_text
from archiver.decisions import Task, accept_for, failure_of, readable_type, referrer_for
from archiver.errors import BodyLimitExceeded, DamagedRecord, InvalidURL, MunimentError
from archiver.extract.gather import DocumentLinks
from archiver.extract.links import find_links
from archiver.index.entry import capture_of, capture_of_stored
from archiver.markup.slots import SlotKind
from archiver.message import Head, iter_body, read_head
from archiver.model import Candidate, Capture, Exchange, Failure, FailureKind, Hop, WrittenRecord
from archiver.unchanged import unchanged
from archiver.urls import parse_url
from archiver.warc.dedup import Condition, Kept, kept_of
from archiver.warc.reader import StoredRecord
from archiver.warc.writer import PageContext

#: Threads of a worker that write and read at a time; more of them only contend for the interpreter.
_AT_DESK = 2

_LOG = logging.getLogger(__name__)

#: Decoded bytes of one document that are searched for links; the record itself is kept whole.
MAX_SCANNED_BYTES = 64 * 1024 * 1024

_OUR_ERROR = "its links could not be read, by an error of this program"

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_MODIFIED = 304
_PAGES = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(slots=True)
class Visit:
    """What came of one URL.

    Attributes:
        entry: which.
        finished: what becomes of its row; None for a prerequisite that has none yet.
        outcome: for politeness; None when no request was made.
        found: URLs it names, with decisions.
        captures, kept: rows for the index and for later revisits.
        page: for lists of pages.
        robots: what robots.txt answered.
        redirect: where a seed leads.
        ends: file → end of its last record.
        received: bytes on the wire.
        left_out: references that were too many to keep.
        logged_out: why the login seems to be gone; "" otherwise.
        extra: what else was fetched and recorded on the way: prerequisites, which have no rows yet.
        again: hashes of URLs that answer differently now, because cookies came.
    """

    entry: Entry
    finished: Finished | None = None
    outcome: Outcome | None = None
    found: list[Found] = field(default_factory=list)
    captures: list[Capture] = field(default_factory=list)
    kept: list[Kept | None] = field(default_factory=list)
    page: PageTitle | None = None
    robots: RobotsFile | None = None
    redirect: str | None = None
    ends: dict[str, int] = field(default_factory=dict)
    received: int = 0
    left_out: int = 0
    logged_out: str = ""
    extra: list[Finished] = field(default_factory=list)
    again: list[int] = field(default_factory=list)


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
        self._cancelled = cancelled
        self._clock = clock

    @property
    def _plan(self) -> CrawlPlan:
        return self.judge.plan

    # -- a URL -------------------------------------------------------------------------------------------------------

    def visit(self, entry: Entry, *, max_bytes: int | None = None) -> Visit:
        """Fetch a URL, write its records, find what it names.

        Args:
            entry: the URL.
            max_bytes: response size at which it is cut, beside the settings.
        """
        visit = Visit(entry)
        try:
            self._visit(visit, max_bytes)
        except MunimentError:
            raise
        except Exception:  # one URL that we stumble over must not end a crawl of millions
            _LOG.exception("%s could not be dealt with", entry.url)
            visit.finished = visit.finished or self._failed(entry, Failure(FailureKind.PROTOCOL, _OUR_ERROR))
            visit.finished = replace(visit.finished, detail=noted(entry.decision.detail, _OUR_ERROR))
        return visit

    def _visit(self, visit: Visit, max_bytes: int | None) -> None:
        entry, task = visit.entry, task_of(visit.entry)
        headers = self._headers(task)
        asked = self._dedup.condition(entry.url, headers)
        while True:
            exchange = self._answer(visit, headers | asked.headers if asked else headers, max_bytes, had_worked=bool(asked))
            try:
                with self._desk:
                    is_done = self._take(visit, task, exchange, asked)
                if is_done:
                    return
            finally:
                exchange.close()
            asked = None  # what the server calls unchanged cannot be read: fetch it whole

    def _answer(self, visit: Visit, headers: Mapping[str, str], max_bytes: int | None, *, had_worked: bool) -> Exchange:
        """The answer to a request; where the crawl is logged in, challenges that come before it are recorded too."""
        url, login = visit.entry.url, self._equipment.login
        if login is None or not login.shown(url):
            cookie = self._cookies.header_for(url)
            return self._fetch(url, {**headers, "Cookie": cookie} if cookie else headers, max_bytes=max_bytes)
        send = partial(self._fetch, url, max_bytes=max_bytes)
        for answered in login.answers(url, headers, send, had_worked=had_worked):
            if answered.logged_out is not None:
                visit.logged_out = answered.logged_out.reason
                visit.again += [self.judge.number(again) for again in answered.logged_out.urls]
            if answered.is_final:
                return answered.exchange
            try:
                self._record(visit, answered.exchange, None)
            finally:
                answered.exchange.close()
        raise AssertionError("a login always ends with an answer")

    def _headers(self, task: Task) -> dict[str, str]:
        headers = {"Accept": accept_for(task)}
        if referrer := referrer_for(task.candidate):
            headers["Referer"] = referrer
        return headers

    def _fetch(self, url: str, headers: Mapping[str, str], *, max_bytes: int | None) -> Exchange:
        limits = [limit for limit in (max_bytes, self._plan.limits.resource_bytes or None) if limit is not None]
        return self._fetcher.fetch(url, headers=headers, max_bytes=min(limits, default=None), cancelled=self._cancelled)

    def _take(self, visit: Visit, task: Task, exchange: Exchange, asked: Condition | None) -> bool:
        """Record an exchange and read it; False when it has to be fetched once more."""
        entry = visit.entry
        seconds = exchange.elapsed.total_seconds()
        weak = entry.hops.endswith(Hop.SPECULATIVE)
        if exchange.response is None:
            failure = exchange.failure or Failure(FailureKind.PROTOCOL, "the server sent nothing")
            visit.outcome = Outcome(seconds, failure=failure.kind, weak=weak)
            visit.finished = self._failed(entry, failure)
            return True
        written = self._record(visit, exchange, asked)
        exchange.response.seek(0)
        head = read_head(exchange.response)
        cookies_came = head.get("Set-Cookie") is not None
        if self._equipment.login is None or not self._equipment.login.shown(entry.url):  # a login keeps its own
            self._cookies.learn(entry.url, head)
        capture = visit.captures[-1] if visit.captures else None
        visit.kept.append(self._dedup.note(kept_of(exchange, written, capture, head)))
        failure_or_none = failure_of(exchange)
        visit.outcome = Outcome(
            seconds, exchange.status, head.get("Retry-After") or "", exchange.failure.kind if exchange.failure else None, weak
        )
        visit.finished = self._answered(entry, exchange, written, failure_or_none)
        if cookies_came and exchange.status in _REDIRECTS:
            self._come_again(visit, head)
        if asked is not None and exchange.status == _NOT_MODIFIED and exchange.failure is None:
            return self._read_unchanged(visit, task, asked)
        if visit.finished.state is UrlState.CAPTURED and not _is_broken(exchange):
            self._read(visit, task, head, iter_body(exchange.response, head, limit=MAX_SCANNED_BYTES))
        return True

    def _come_again(self, visit: Visit, head: Head) -> None:
        """ "Take this cookie and come again": what redirects back to where we come from answers differently now."""
        target = _target(head, visit.entry.url)
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

    def _failed(self, entry: Entry, failure: Failure) -> Finished:
        """What becomes of a URL that got no answer."""
        retry = retry_decision(entry.attempts + 1, self._plan.pace, failure=failure.kind)
        state = UrlState.QUEUED if retry.again else UrlState.FAILED
        if failure.kind is FailureKind.REFUSED_BY_GUARD:
            state = UrlState.BLOCKED
        return Finished(entry, state, failure=failure.kind.value, reason=failure.reason, attempted=retry.counts)

    def _answered(self, entry: Entry, exchange: Exchange, written: WrittenRecord, failure: Failure | None) -> Finished:
        """What becomes of a URL that was answered: captured, unless another attempt may do better."""
        kind = failure.kind if failure else None
        retry = retry_decision(entry.attempts + 1, self._plan.pace, status=exchange.status, failure=kind)
        capture_state = UrlState.CAPTURED if exchange.status is not None else UrlState.FAILED
        return Finished(
            entry,
            UrlState.QUEUED if retry.again else capture_state,
            status=exchange.status,
            mime=written.mime,
            length=exchange.response_length,
            digest=written.payload_digest,
            is_new=written.revisit_of is None,
            is_page=entry.is_page,
            failure=failure.kind.value if failure else None,
            reason=failure.reason if failure else None,
            timestamp=f"{written.date:%Y%m%d%H%M%S}",
            file=written.file,
            offset=written.offset,
            attempted=retry.counts,
        )

    def _read_unchanged(self, visit: Visit, task: Task, asked: Condition) -> bool:
        """After "not modified": read the earlier capture; False when that cannot be read, and it is to be fetched whole."""
        record = unchanged(self._holdings, self._info.collection, asked)
        if record is None:
            return False
        try:
            assert record.http is not None and visit.finished is not None
            visit.finished = replace(visit.finished, mime=record.http.media_type)
            self._read(visit, task, record.http, record.payload(content=True, limit=MAX_SCANNED_BYTES), status=200)
        except DamagedRecord:
            return False
        finally:
            record.close()
        return True

    # -- what it names -----------------------------------------------------------------------------------------------

    def _read(self, visit: Visit, task: Task, head: Head, body: Iterable[bytes], status: int | None = None) -> None:
        """Find what a response leads to, and decide about it."""
        entry, finished = visit.entry, visit.finished
        assert finished is not None
        status = finished.status if status is None else status
        if status in _REDIRECTS:
            self._redirect(visit, head)
            return
        if finished.digest and finished.digest == entry.via_digest and self._plan.traps.same_as_parent and finished.is_page:
            said = "its links were not followed, it is the same as the page before"
            visit.finished = replace(finished, detail=noted(entry.decision.detail, said))
            return
        mime = readable_type(head.media_type, task)
        try:
            links = find_links(body, url=entry.url, mime=mime or "", http_charset=head.charset, headers=head)
        except BodyLimitExceeded as error:
            visit.finished = replace(finished, failure=FailureKind.TOO_LARGE.value, reason=error.message.rstrip("."))
            return
        visit.left_out = links.left_out
        visit.found += self.judge.judge(entry, links, head.get_all("X-Robots-Tag"))
        if entry.is_page and head.media_type in _PAGES and status == 200 and finished.timestamp:
            visit.page = PageTitle(entry.url, finished.timestamp, links.title, visit.outcome.seconds if visit.outcome else 0.0)
        self._note_left_out(visit, links)

    def _note_left_out(self, visit: Visit, links: DocumentLinks) -> None:
        if visit.finished is not None and (links.left_out or links.is_cut):
            said = (
                f"{links.left_out} references were too many to follow" if links.left_out else "longer than what is read of it"
            )
            visit.finished = replace(visit.finished, detail=noted(visit.entry.decision.detail, said))

    def _redirect(self, visit: Visit, head: Head) -> None:
        entry, finished = visit.entry, visit.finished
        assert finished is not None
        target = _target(head, entry.url)
        if target is None:
            visit.finished = replace(
                finished, failure=FailureKind.HTTP_ERROR.value, reason="it redirects without saying where to, or to no address"
            )
            return
        found = self.judge.redirected(entry, target)
        if found is not None:
            visit.found.append(found)
        if not entry.hops.rstrip(Hop.REDIRECT):
            visit.redirect = target

    # -- what comes before anything else of a site -------------------------------------------------------------------

    def robots(self, entry: Entry, origin: str) -> Visit:
        """Fetch and record the robots.txt of an origin; the entry is the URL that it is needed for."""
        visit, now = Visit(entry), self._clock().timestamp()
        try:
            self._robots(visit, origin, now)
        except MunimentError:
            raise
        except Exception:
            _LOG.exception("the robots.txt of %s could not be dealt with", origin)
            visit.robots = RobotsFile(origin, now, None, _OUR_ERROR)
        return visit

    def _robots(self, visit: Visit, origin: str, now: float) -> None:
        url = f"{origin}/robots.txt"
        hops = visit.entry.hops + Hop.PREREQUISITE
        for _ in range(MAX_ROBOTS_REDIRECTS + 1):
            exchange = self._fetch(url, {"Accept": "text/plain,*/*;q=0.5"}, max_bytes=MAX_ROBOTS_BYTES * 2)
            try:
                target = self._take_robots(visit, exchange, origin, url, hops, now)
            finally:
                exchange.close()
            if target is None:
                return
            url, hops = target, hops + Hop.REDIRECT
        visit.robots = RobotsFile(origin, now, 310, None, "")

    def _take_robots(self, visit: Visit, exchange: Exchange, origin: str, url: str, hops: str, now: float) -> str | None:
        """Record an answer to the request for robots.txt; where it redirects to, or None."""
        entry = visit.entry
        failure = exchange.failure
        visit.outcome = Outcome(exchange.elapsed.total_seconds(), None, failure=failure.kind if failure else None)
        if exchange.response is None:
            visit.robots = RobotsFile(origin, now, None, failure.reason if failure else "the server sent nothing")
            return None
        decision = Decision(UrlState.QUEUED, Verdict.PREREQUISITE)
        itself = replace(entry, url_id=0, url=url, hops=hops, slot=SlotKind.LINK.value, kind="robots.txt", decision=decision)
        written = self._record(visit, exchange, None)
        answered = self._answered(itself, exchange, written, failure_of(exchange))
        visit.extra.append(replace(answered, state=UrlState.CAPTURED, attempted=True))
        exchange.response.seek(0)
        head = read_head(exchange.response)
        visit.outcome = replace(visit.outcome, status=exchange.status, retry_after=head.get("Retry-After") or "")
        if exchange.status in _REDIRECTS:
            target = _target(head, url)
            if target is not None:
                return target
        body = _start_of(iter_body(exchange.response, head))
        visit.robots = RobotsFile(
            origin, now, exchange.status, failure.reason if failure and not exchange.truncated else None,
            kept_text(body).decode("latin-1"),
        )  # fmt: skip
        return None

    # -- after a crash -----------------------------------------------------------------------------------------------

    def adopt(self, entry: Entry, record: StoredRecord, file: str) -> Visit:
        """A URL whose record a killed worker had written, but not committed: read it as if it had just come.

        Args:
            entry: the URL, still in the frontier.
            record: its response or revisit record, open for reading.
            file: the WARC file it is in.

        Raises:
            DamagedRecord: the record cannot be read.
        """
        visit, whole = Visit(entry), None
        if record.record_type == "revisit":
            target = capture_of_stored(record, self._info.collection, file)
            if target.revisit_of is not None:
                whole = unchanged(self._holdings, self._info.collection, Condition({}, target.revisit_of, target.digest))
            if whole is None:
                return visit  # what it names cannot be known: it is fetched again
        try:
            self._adopt(visit, record, file, whole)
        finally:
            if whole is not None:
                whole.close()
        return visit

    def _adopt(self, visit: Visit, record: StoredRecord, file: str, whole: StoredRecord | None) -> None:
        """Note what a stored record says; `whole`: the one that has its payload, when it is a revisit."""
        entry, head = visit.entry, record.http
        status = head.status if head else None
        failure = Failure(FailureKind.HTTP_ERROR, f"the server answered {status}") if status and status >= 400 else None
        retry = retry_decision(entry.attempts + 1, self._plan.pace, status=status, failure=failure.kind if failure else None)
        visit.finished = Finished(
            entry,
            UrlState.QUEUED if retry.again else UrlState.CAPTURED,
            status=status,
            mime=head.media_type if head else "",
            length=(record.payload_length() or 0) + (len(head.raw) if head else 0),
            digest=record.get("WARC-Payload-Digest"),
            is_new=record.record_type != "revisit",
            is_page=entry.is_page,
            failure=failure.kind.value if failure else None,
            reason=failure.reason if failure else None,
            timestamp=f"{record.date:%Y%m%d%H%M%S}",
            file=file,
            offset=record.offset,
            attempted=retry.counts,
        )
        if head is not None and visit.finished.state is UrlState.CAPTURED:
            body = (whole or record).payload(content=True, limit=MAX_SCANNED_BYTES)
            if status == _NOT_MODIFIED and whole is not None and whole.http is not None:
                visit.finished = replace(visit.finished, mime=whole.http.media_type)
                self._read(visit, task_of(entry), whole.http, body, status=200)
            else:
                self._read(visit, task_of(entry), head, body)


def task_of(entry: Entry) -> Task:
    """An entry as the rules for single pages know it."""
    path = path_of_hops(entry.hops)
    # What was guessed and turns out to be a page of the site is read as one.
    is_page = entry.is_page or (path.guesses > 0 and entry.decision.verdict in (Verdict.IN_SCOPE, Verdict.ACCEPT_RULE))
    return Task(Candidate(entry.url, entry.via, entry.hops), SlotKind(entry.slot), depth=path.steps, is_page=is_page)


def _target(head: Head, url: str) -> str | None:
    """Where a redirect leads; None when it says nothing that can be fetched."""
    location = (head.get("Location") or "").strip()
    if not location:
        return None
    try:
        return parse_url(location, base=url)
    except InvalidURL:
        return None


def _is_broken(exchange: Exchange) -> bool:
    return exchange.failure is not None and exchange.failure.kind is FailureKind.PROTOCOL


def _start_of(body: Iterable[bytes]) -> bytes:
    """As much of a robots.txt as is read, and a little more, so that it shows that there is more."""
    start = b""
    for piece in body:
        start += piece
        if len(start) > MAX_ROBOTS_BYTES:
            break
    return start[: MAX_ROBOTS_BYTES + 1]
