"""The spine of a capture: a seed URL in, WARC records and index rows out.

Read it top to bottom:

    PageCapturer.capture     one page: its document, what that needs, what *those* need
      _Run.step              hand out URLs, take in results, commit
        _Run.process         in a worker thread: fetch → write → find what it needs
        _Run.take            in the calling thread: report, queue what was found
        _Run.commit          bytes on disk first, then rows
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from threading import Event
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from archiver.decisions import (
    MAX_DOCUMENT_DEPTH,
    MAX_SCANNED_BYTES,
    Task,
    accept_for,
    failure_of,
    followed,
    readable_type,
    redirect_of,
    referrer_for,
    tasks_of,
)
from archiver.errors import BodyLimitExceeded, DamagedRecord
from archiver.fetch.cookies import PageCookies
from archiver.fetch.login import Login
from archiver.holdings import Holdings
from archiver.index.database import writing
from archiver.index.entry import capture_of
from archiver.index.payloads import Dedup
from archiver.markup.slots import SlotKind
from archiver.message import Head, iter_body, read_head
from archiver.model import (
    Candidate,
    Capture,
    Exchange,
    Failure,
    FailureKind,
    PageResult,
    ResourceOutcome,
)
from archiver.outfit import fetcher_of, writer_of
from archiver.unchanged import unchanged
from archiver.urls import parse_url, refuse_password
from archiver.warc.dedup import Condition, Kept, kept_of
from archiver.warc.reader import StoredRecord
from archiver.warc.writer import PageContext

#: Rows are committed at least this often, so that a long page shows up while it is captured.
COMMIT_EVERY_RECORDS = 200
COMMIT_EVERY_SECONDS = 2.0

_NOT_MODIFIED = 304

#: After the first interrupt, requests in flight get this long to finish.
FINISH_SECONDS = 10.0


@dataclass(slots=True)
class StopSignal:
    """How the user stops a capture: first gently, then at once.

    Attributes:
        finish: start nothing new; requests in flight may end (within `FINISH_SECONDS`).
        abort: cut requests in flight too; what came is kept and marked as truncated.
    """

    finish: Event = field(default_factory=Event)
    abort: Event = field(default_factory=Event)

    def press(self) -> None:
        """One interrupt by the user: the first finishes, the second aborts."""
        if self.finish.is_set():
            self.abort.set()
        self.finish.set()


class Observer(Protocol):
    """Told how a capture goes on, always from the thread that called `capture`."""

    def started(self, candidate: Candidate, known: int) -> None:
        """A URL is being fetched; `known` URLs are known in all."""

    def finished(self, outcome: ResourceOutcome, known: int) -> None:
        """A URL is done; `known` URLs are known in all."""


class SilentObserver:
    """An observer that does nothing."""

    def started(self, candidate: Candidate, known: int) -> None:
        """Nothing."""

    def finished(self, outcome: ResourceOutcome, known: int) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class PageWish:
    """How one page is to be captured, where that is not as usual.

    Attributes:
        headers: replace or add to what is sent, for the page and all it needs.
        login: what the page's host is shown; secrets are not recorded.
        keeps_errors: the page is recorded also where its server answers with an error.
        with_parts: what the page needs is captured with it.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    login: Login | None = None
    keeps_errors: bool = True
    with_parts: bool = True


@dataclass(frozen=True, slots=True)
class _Done:
    """What a worker thread hands back."""

    task: Task
    outcome: ResourceOutcome
    follow: tuple[Task, ...] = ()
    redirect: Task | None = None
    title: str = ""
    kept: Kept | None = None
    again: Task | None = None  # to be fetched once more, whole
    before: tuple[Capture, ...] = ()  # what the server asked for before it let us in


def utc_now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


#: The digits of a UUID that say who laid it out (RFC 9562, section 4.1), by random digits.
_VARIANTS = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


def new_record_id() -> str:
    """A fresh WARC-Record-ID, of a random UUID (RFC 9562, section 5.4); `uuid4` takes three times as long."""
    digits = os.urandom(16).hex()
    variant = _VARIANTS[digits[16]]
    return f"<urn:uuid:{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}>"


class PageCapturer:
    """Captures single pages, with all they need, into one collection.

    Keeps one pool of connections and one WARC file open for all pages; use it as a context manager so that the file
    is closed and renamed.

    Args:
        holdings: the opened archive.
        collection: slug of an existing collection.
        software: name and version for the warcinfo record.
        clock: the time, UTC.
        monotonic: seconds that never go backwards, for limits.
        new_id: makes WARC-Record-IDs.

    Raises:
        UnknownCollection: no collection of that name.
    """

    def __init__(
        self,
        holdings: Holdings,
        collection: str,
        *,
        software: str,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = new_record_id,
    ) -> None:
        settings = holdings.settings
        self.holdings = holdings
        self.collection = holdings.collections.get(collection)
        self.clock = clock
        self.monotonic = monotonic
        self.fetcher = fetcher_of(settings, clock)
        number = holdings.collections.number(collection)
        self.dedup = Dedup(holdings.engine, number, mode=settings.dedup, min_bytes=settings.dedup_min_bytes)
        self._crawls: set[int] = set()
        self.writer = writer_of(
            holdings,
            self.collection,
            description=self.collection.title,
            software=software,
            clock=clock,
            new_id=new_id,
            crawl_id=lambda: min(self._crawls) if len(self._crawls) == 1 else None,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> tuple[str, ...]:
        """Close the connections and the WARC file; names of the files written."""
        self.fetcher.close()
        self.dedup.close()
        return self.writer.close()

    def capture(
        self,
        url: str,
        *,
        observer: Observer | None = None,
        stop: StopSignal | None = None,
        crawl_id: int | None = None,
        wish: PageWish | None = None,
    ) -> PageResult:
        """Capture one page and everything it needs.

        Args:
            url: the page; `http://` is assumed when the scheme is missing.
            observer: told of every URL.
            stop: lets another thread or a signal handler end it early.
            crawl_id: the crawl this page belongs to; None starts one of its own.
            wish: how; None for as usual.

        Returns:
            What became of every URL. Failures of the network are in there, not raised.

        Raises:
            InvalidURL: not an http or https address.
            StorageFailed: the WARC file could not be written; what was written before is indexed.
        """
        seed = refuse_password(parse_url(url, assume_http=True))
        if crawl_id is None:
            crawl_id = self.holdings.crawls.start(self.collection.slug, (seed,))
        self._crawls.add(crawl_id)
        run = _Run(self, seed, observer or SilentObserver(), stop or StopSignal(), wish or PageWish())
        try:
            run.work()
        finally:
            run.commit()
        result = run.result()
        self.holdings.crawls.record_page(result, crawl_id)
        return result


def _prepare() -> None:
    """Import what the first response will need, while it is on its way: a tenth of a second that nobody waits for."""
    for module in ("archiver.extract.requisites", "archiver.warc.serialise"):
        import_module(module)


class _Run:
    """One page capture in progress."""

    def __init__(self, capturer: PageCapturer, seed: str, observer: Observer, stop: StopSignal, wish: PageWish) -> None:
        self.capturer = capturer
        self.wish = wish
        self.settings = capturer.holdings.settings
        self.observer = observer
        self.stop = stop
        self.seed = seed
        self.page_url = seed
        self.title = ""
        self.timestamp: str | None = None
        self.cookies = PageCookies()
        self.known: set[str] = {seed}
        self.queue: deque[Task] = deque([Task(Candidate(seed), SlotKind.LINK, is_page=True)])
        self.outcomes: list[ResourceOutcome] = []
        self.uncommitted: list[Capture] = []
        self.kept: list[Kept | None] = []
        self.files: dict[str, None] = {}
        self.received = 0
        self.started_at = capturer.clock()
        self.started = capturer.monotonic()
        self.last_commit = self.started
        seconds = self.settings.max_page_seconds
        self.deadline = self.started + seconds if seconds else None
        self.finish_by: float | None = None

    # -- the loop ----------------------------------------------------------------------------------------------------

    def work(self) -> None:
        """Fetch until nothing is left, a limit is reached or the user stops."""
        workers = max(1, self.settings.connections)
        with ThreadPoolExecutor(workers, thread_name_prefix="fetch") as pool:
            running: set[Future[_Done]] = set()
            pool.submit(_prepare)
            try:
                while self.queue or running:
                    self.step(pool, running, workers)
            except BaseException:
                self.stop.finish.set()
                self.stop.abort.set()
                raise
            finally:
                self.gather(running)

    def step(self, pool: ThreadPoolExecutor, running: set[Future[_Done]], workers: int) -> None:
        """Hand out what may start, wait for the next result, take it in."""
        self.refuse_past_limits()
        while self.queue and len(running) < workers:
            task = self.queue.popleft()
            self.observer.started(task.candidate, len(self.known))
            running.add(pool.submit(self.process, task))
        if not running:
            return
        finished, _ = wait(running, timeout=0.25, return_when=FIRST_COMPLETED)
        for future in finished:
            running.discard(future)
            self.take(future.result())
        self.commit_when_due()

    def gather(self, running: set[Future[_Done]]) -> None:
        """After an error: take in what the other workers had already written, so that no record stays unindexed."""
        for future in running:
            if future.exception() is None:
                self.note(future.result())
        running.clear()

    def refuse_past_limits(self) -> None:
        """Empty the queue with a reason when no further URL may start."""
        now = self.capturer.monotonic()
        if self.stop.finish.is_set():
            if self.finish_by is None:
                self.finish_by = now + FINISH_SECONDS
            if now >= self.finish_by:
                self.stop.abort.set()
            self.refuse_queue(FailureKind.INTERRUPTED, "the capture was stopped before this was fetched")
        elif self.room() == 0:
            self.refuse_queue(FailureKind.PAGE_LIMIT, f"the page's limit of {self.settings.max_page_bytes:,} bytes was reached")
        elif self.deadline is not None and now >= self.deadline:
            self.refuse_queue(
                FailureKind.PAGE_LIMIT, f"the page's time limit of {self.settings.max_page_seconds:g} s was reached"
            )

    def room(self) -> int | None:
        """Bytes that this page may still receive; None without a limit."""
        limit = self.settings.max_page_bytes
        return max(0, limit - self.received) if limit else None

    def refuse_queue(self, kind: FailureKind, reason: str) -> None:
        while self.queue:
            self.refuse(self.queue.popleft().candidate, Failure(kind, reason))

    def refuse(self, candidate: Candidate, failure: Failure) -> None:
        outcome = ResourceOutcome(candidate, None, "", 0, None, failure)
        self.outcomes.append(outcome)
        self.observer.finished(outcome, len(self.known))

    # -- in a worker thread ------------------------------------------------------------------------------------------

    def process(self, task: Task) -> _Done:
        """Fetch one URL, write its records, find what it needs."""
        login = self.login_of(task)
        headers = self.request_headers(task)
        # What one reader alone is shown is never taken for what everybody was shown before.
        asked = None if task.is_anew or login else self.capturer.dedup.condition(task.candidate.url, headers)
        challenges: list[Capture] = []
        exchange = self.answer(task, headers | asked.headers if asked else headers, login, challenges)
        try:
            if exchange.response is None:
                failure = exchange.failure or Failure(FailureKind.PROTOCOL, "the server sent nothing")
                return _Done(task, ResourceOutcome(task.candidate, None, "", 0, None, failure), before=tuple(challenges))
            if task.is_page and not self.wish.keeps_errors and (exchange.status or 0) >= 400:
                outcome = ResourceOutcome(task.candidate, exchange.status, "", 0, None, failure_of(exchange))
                return _Done(task, outcome, before=tuple(challenges))
            return replace(self.keep(task, exchange, asked), before=tuple(challenges))
        finally:
            exchange.close()

    def login_of(self, task: Task) -> Login | None:
        """The login that a request is part of."""
        login = self.wish.login
        return login if login is not None and login.shown(task.candidate.url) else None

    def answer(self, task: Task, headers: dict[str, str], login: Login | None, challenges: list[Capture]) -> Exchange:
        """What a server answers; of a login, the challenges that come before it are recorded too."""
        url = task.candidate.url

        def send(sent: Mapping[str, str]) -> Exchange:
            return self.capturer.fetcher.fetch(
                url, headers=sent, deadline=self.deadline, max_bytes=self.room(), cancelled=self.stop.abort.is_set
            )

        if login is None:
            return send(headers)
        for answered in login.answers(url, headers, send):
            if answered.is_final:
                return answered.exchange
            challenges += self.keep_challenge(task, answered.exchange)
        raise AssertionError("a login always ends with an answer")

    def keep_challenge(self, task: Task, exchange: Exchange) -> list[Capture]:
        """Record what a server asked for before it let us in."""
        try:
            if exchange.response is None:
                return []
            page = PageContext(task.candidate.via, task.candidate.hops)
            written = self.capturer.writer.write_exchange(exchange, page=page)[0]
            capture = capture_of(written, self.capturer.collection.slug, exchange.request)
            return [] if capture is None else [capture]
        finally:
            exchange.close()

    def request_headers(self, task: Task) -> dict[str, str]:
        """What a browser would add to this request beyond the fetcher's own headers."""
        headers = {"Accept": accept_for(task)}
        referrer = referrer_for(task.candidate)
        if referrer:
            headers["Referer"] = referrer
        cookie = None if self.login_of(task) else self.cookies.header_for(task.candidate.url)  # a login keeps its own
        if cookie:
            headers["Cookie"] = cookie
        return headers | dict(self.wish.headers)

    def keep(self, task: Task, exchange: Exchange, asked: Condition | None) -> _Done:
        """Write the records of a response and read it for what it needs."""
        candidate, dedup = task.candidate, self.capturer.dedup
        page = PageContext(candidate.via, candidate.hops)
        records = self.capturer.writer.write_exchange(exchange, page=page, known=dedup.target, asked=asked)
        written = records[0]
        capture = capture_of(written, self.capturer.collection.slug, exchange.request)
        failure = failure_of(exchange)
        outcome = ResourceOutcome(candidate, written.status, written.mime, exchange.response_length, capture, failure)
        assert exchange.response is not None
        exchange.response.seek(0)
        head = read_head(exchange.response)
        done = _Done(task, outcome, kept=dedup.note(kept_of(exchange, written, capture, head)))
        set_cookie = self.login_of(task) is None and self.cookies.learn(candidate.url, head)
        redirect = redirect_of(task, exchange.status, head)
        if isinstance(redirect, Task):
            return replace(done, redirect=replace(redirect, cookies_came=task.cookies_came or set_cookie))
        if redirect is not None:
            outcome = replace(outcome, failure=outcome.failure or redirect)
        if outcome.failure is not None and outcome.failure.kind is FailureKind.PROTOCOL:
            return replace(done, outcome=outcome)
        if asked is not None and exchange.status == _NOT_MODIFIED and outcome.failure is None:
            return self.go_on_from(done, asked)
        return self.read(replace(done, outcome=outcome), head, exchange.response)

    def go_on_from(self, done: _Done, asked: Condition) -> _Done:
        """After "not modified": read the earlier capture in its place, or, where that cannot be read, fetch once more."""
        record = unchanged(self.capturer.holdings, self.capturer.collection.slug, asked)
        if record is None:
            return replace(done, again=replace(done.task, is_anew=True))
        try:
            assert record.http is not None
            outcome = replace(done.outcome, mime=record.http.media_type)
            return self.read(replace(done, outcome=outcome), record.http, record)
        except DamagedRecord:
            return replace(done, again=replace(done.task, is_anew=True))
        finally:
            record.close()

    def read(self, done: _Done, head: Head, body: BinaryIO | StoredRecord) -> _Done:
        """Find what a document needs; `body` stands at its beginning behind the head."""
        mime = readable_type(head.media_type, done.task) if done.task.depth <= MAX_DOCUMENT_DEPTH else None
        if mime is None:
            return done
        from archiver.extract.requisites import requisites

        try:
            pieces = (
                body.payload(content=True, limit=MAX_SCANNED_BYTES)
                if isinstance(body, StoredRecord)
                else iter_body(body, head, limit=MAX_SCANNED_BYTES)
            )
            links = requisites(
                pieces,
                url=done.task.candidate.url,
                mime=mime,
                http_charset=head.charset,
                link_headers=head.get_all("Link"),
            )
        except BodyLimitExceeded as error:
            too_large = Failure(FailureKind.TOO_LARGE, error.message)
            return replace(done, outcome=replace(done.outcome, failure=too_large))
        if links is None:
            return done
        follow = tasks_of(done.task, links) if self.wish.with_parts else ()
        return replace(done, follow=follow, title=links.title)

    # -- back in the calling thread ----------------------------------------------------------------------------------

    def note(self, done: _Done) -> None:
        """Remember a result and its index row."""
        self.outcomes.append(done.outcome)
        self.received += done.outcome.length
        self.uncommitted += done.before
        self.kept += [None] * len(done.before)
        if done.outcome.capture is not None:
            self.uncommitted.append(done.outcome.capture)
            self.kept.append(done.kept)
            self.files[done.outcome.capture.file] = None

    def take(self, done: _Done) -> None:
        """Remember a result, queue what it leads to."""
        self.note(done)
        if done.task.is_page and done.redirect is None:
            self.title = done.title
            if done.outcome.capture is not None:
                self.timestamp = done.outcome.capture.timestamp
        if done.redirect is not None:
            self.follow_redirect(done.redirect)
        if done.again is not None:
            self.queue.append(done.again)
        for task in done.follow:
            self.enqueue(task)
        self.observer.finished(done.outcome, len(self.known))

    def follow_redirect(self, target: Task) -> None:
        if target.is_page:
            self.page_url = target.candidate.url
        task = followed(target)
        if isinstance(task, Failure):
            self.refuse(target.candidate, task)
        elif task.retried:
            self.queue.append(task)
        else:
            self.enqueue(task)

    def enqueue(self, task: Task) -> None:
        url = task.candidate.url
        if url in self.known:
            return
        self.known.add(url)
        limit = self.settings.max_page_resources
        if limit and len(self.known) > limit:
            self.refuse(task.candidate, Failure(FailureKind.PAGE_LIMIT, f"the page's limit of {limit} resources was reached"))
        else:
            self.queue.append(task)

    def commit_when_due(self) -> None:
        due = self.capturer.monotonic() - self.last_commit >= COMMIT_EVERY_SECONDS
        if len(self.uncommitted) >= COMMIT_EVERY_RECORDS or (due and self.uncommitted):
            self.commit()

    def commit(self) -> None:
        """Bytes on disk first, rows second: an index row never points at bytes that are not there."""
        self.last_commit = self.capturer.monotonic()
        if not self.uncommitted:
            return
        rows, self.uncommitted = self.uncommitted, []
        kept, self.kept = self.kept, []
        self.capturer.writer.sync()
        with writing(self.capturer.holdings.engine) as connection:
            self.capturer.holdings.index.add_within(connection, rows)
            self.capturer.dedup.remember(connection, kept)

    def result(self) -> PageResult:
        elapsed = timedelta(seconds=self.capturer.monotonic() - self.started)
        return PageResult(
            collection=self.capturer.collection.slug,
            seed=self.seed,
            final_url=self.page_url,
            timestamp=self.timestamp,
            title=self.title,
            started_at=self.started_at,
            elapsed=elapsed,
            outcomes=tuple(self.outcomes),
            files=tuple(self.files),
            interrupted=self.stop.finish.is_set(),
        )
