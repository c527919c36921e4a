"""Crawls of servers on this machine, run in the test's own process, and a check that their rows agree with each other."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Thread
from typing import Any
from unittest.mock import patch

from sqlalchemy import select

from archiver.crawl.control import CrawlControl
from archiver.crawl.decision import UrlState
from archiver.crawl.entries import counts_as_page, queue_host
from archiver.crawl.plan import CrawlPlan, Limits, Pace, RobotsMode, ScopeKind, Seed
from archiver.crawl.supervise import CrawlResult, run, utc_now
from archiver.crawl.worker import CrawlWorker
from archiver.engine import StopSignal
from archiver.holdings import Holdings
from archiver.index.crawltables import (
    crawl_counts,
    crawl_files,
    crawl_frontier,
    crawl_hosts,
    crawl_queues,
    crawl_seeds,
    crawl_urls,
    crawl_workers,
)
from archiver.index.database import reading
from archiver.index.tables import crawls, pages
from archiver.model import Capture
from archiver.urls import urlkey
from archiver.warc.reader import read_record
from tests.servers.routes import Answer, Asked, Route, RouteServer

#: Politeness off.
FAST = Pace(factor=0, min_seconds=0, max_seconds=0)


def plan(*seeds: str | Seed, **values: Any) -> CrawlPlan:
    """A plan without politeness and robots.txt, and with room on the disk."""
    usual: dict[str, Any] = {"scope": ScopeKind.HOST, "robots": RobotsMode.IGNORE, "sitemaps": False, "pace": FAST}
    values = usual | values
    limits = values.pop("limits", Limits())
    return CrawlPlan(
        seeds=tuple(seed if isinstance(seed, Seed) else Seed(seed) for seed in seeds),
        limits=replace(limits, free_bytes=0) if limits.free_bytes == Limits().free_bytes else limits,
        **values,
    )


def page(*links: str, embeds: Iterable[str] = (), title: str = "A page", text: str = "") -> Answer:
    """An HTML page with these links and pictures."""
    body = "".join(f'<a href="{link}">{link}</a>' for link in links)
    body += "".join(f'<img src="{embed}">' for embed in embeds)
    return Answer(f"<!doctype html><title>{title}</title><p>{text}</p>{body}".encode())


def leads_to(target: str, status: int = 302, *fields: tuple[str, str]) -> Answer:
    """A redirect."""
    return Answer(b"moved", status=status, headers=(("Location", target), *fields))


def text(body: str | bytes, mime: str = "text/plain", status: int = 200, *fields: tuple[str, str]) -> Answer:
    """An answer without links."""
    return Answer(body.encode() if isinstance(body, str) else body, mime, status, fields)


class Site(RouteServer):
    """A server of tests whose icon is not counted: every page asks for it."""

    @property
    def paths(self) -> list[str]:
        """Paths asked for, in order, but for the icon."""
        return [asked.path for asked in self.asked if asked.path != "/favicon.ico"]


class Fallback(dict[str, Route]):
    """Routes, and a function that answers all other paths.

    Args:
        other: takes the request.
        routes: path → answer.
    """

    def __init__(self, other: Callable[[Asked], Answer], routes: Mapping[str, Route] | None = None) -> None:
        super().__init__(routes or {})
        self._other = other

    def get(self, key: str, default: Any = None) -> Any:
        """The answer of a path."""
        return super().get(key, self._other)


_PATIENCE = CrawlWorker.patience


def _hasty_patience(worker: CrawlWorker) -> float:
    """Of a worker that waits for nothing but time, which passes at every look."""
    return _PATIENCE(worker) if worker.in_flight else 0.01


class Ticking:
    """A clock and a stopwatch that run as fast as they are asked, so that nobody waits.

    Args:
        step: seconds that pass each time the worker reports a commit.
    """

    def __init__(self, step: float = 30.0) -> None:
        self.step = step
        self.moment = utc_now()  # the one at which seeds are planted
        self.seconds = 0.0

    def clock(self) -> datetime:
        """The time, UTC."""
        return self.moment

    def monotonic(self) -> float:
        """Seconds; every look is a fifth of a second later, so that commits follow each other at once."""
        self.seconds += 0.2
        return self.seconds

    def tick(self, in_flight: object) -> None:
        """A commit was made."""
        self.moment += timedelta(seconds=self.step)


@dataclass(frozen=True)
class Row:
    """A row of crawl_urls, as far as tests ask."""

    id: int
    url: str
    host_id: int
    seed_id: int
    via_id: int | None
    hops: str
    kind: str
    modified: str
    state: UrlState
    verdict: str
    detail: str
    attempts: int
    status: int | None
    mime: str
    length: int
    is_new: int
    digest: str
    failure: str | None
    reason: str | None
    timestamp: int | None
    file: str | None
    offset: int | None


class Crawl:
    """One crawl of a test.

    Args:
        holdings: the archive.
        planned: what it is to do.
    """

    def __init__(self, holdings: Holdings, planned: CrawlPlan) -> None:
        self.holdings = holdings
        self.control = CrawlControl(holdings.engine, utc_now)
        self.number = self.control.create(holdings.settings.collection, planned)
        self.thread: Thread | None = None
        self.outcome: list[CrawlResult | BaseException] = []

    def run(self, workers: int = 1, stop: StopSignal | None = None, fast: Ticking | None = None) -> CrawlResult:
        """Work on it until it ends."""
        values: dict[str, Any] = {}
        if fast is not None:
            values = {"clock": fast.clock, "monotonic": fast.monotonic, "ticker": lambda number: fast}
        with patch.object(CrawlWorker, "patience", _hasty_patience) if fast is not None else nullcontext():
            return run(self.holdings, self.number, software="test/1", workers=workers, stop=stop, **values)

    def begin(self, **values: Any) -> None:
        """The same in a thread of its own; `join` waits for its end."""

        def work() -> None:
            try:
                self.outcome.append(self.run(**values))
            except BaseException as error:
                self.outcome.append(error)

        self.outcome = []
        self.thread = Thread(target=work, daemon=True)
        self.thread.start()

    def join(self) -> CrawlResult:
        """Wait for the end of what `begin` began."""
        assert self.thread is not None
        self.thread.join(30)
        assert not self.thread.is_alive(), "the crawl does not end"
        outcome = self.outcome[0]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    # -- what came of it ---------------------------------------------------------------------------------------------

    def rows(self, *, with_icons: bool = True) -> dict[str, Row]:
        """All its URLs, with or without /favicon.ico."""
        names = list(Row.__dataclass_fields__)
        with reading(self.holdings.engine) as connection:
            found = connection.execute(
                select(*(crawl_urls.c[name] for name in names)).where(crawl_urls.c.crawl_id == self.number)
            ).all()
        rows = [Row(**{**row._asdict(), "state": UrlState(row.state)}) for row in found]
        assert len({row.url for row in rows}) == len(rows), "a URL has two rows"
        return {row.url: row for row in rows if not row.url.endswith("/favicon.ico") or with_icons}

    def of(self, state: UrlState) -> set[str]:
        """URLs in a state."""
        return {url for url, row in self.rows().items() if row.state is state}

    def row(self) -> Any:
        """Its row in `crawls`."""
        with reading(self.holdings.engine) as connection:
            return connection.execute(select(crawls).where(crawls.c.id == self.number)).one()

    def titles(self) -> dict[str, str]:
        """Titles of its pages by URL."""
        with reading(self.holdings.engine) as connection:
            found = connection.execute(select(pages.c.url, pages.c.title).where(pages.c.crawl_id == self.number)).all()
        return {row[0]: row[1] for row in found}

    def queues(self) -> list[Any]:
        """Its queues."""
        with reading(self.holdings.engine) as connection:
            return list(connection.execute(select(crawl_queues).where(crawl_queues.c.crawl_id == self.number)).all())

    def records(self) -> Counter[tuple[str, str]]:
        """How often each (kind of record, URL) is in the WARC files."""
        from archiver.warc.reader import StoredRecord, iter_records

        found: Counter[tuple[str, str]] = Counter()
        for path in sorted(self.holdings.store.root.glob("*.warc.gz")):
            with path.open("rb") as stream:
                for record in iter_records(stream):
                    assert isinstance(record, StoredRecord), "a WARC file is damaged"
                    found[record.record_type, record.url] += 1
        return found


def captures(holdings: Holdings, url: str) -> list[Capture]:
    """The captures of a URL in the index."""
    found = holdings.index.versions((holdings.settings.collection,), urlkey(url))
    return [capture for capture in found if capture.url == url]


def content(holdings: Holdings, row: Row) -> bytes:
    """The decoded payload of a URL's record."""
    assert row.file is not None and row.offset is not None
    record = read_record(holdings.store, row.file, row.offset)
    try:
        return b"".join(record.payload(content=True))
    finally:
        record.close()


# -- do its rows agree? ----------------------------------------------------------------------------------------------

_COLUMNS = {
    UrlState.QUEUED: "queued",
    UrlState.CAPTURED: "documents",
    UrlState.FAILED: "failed",
    UrlState.BLOCKED: "blocked",
    UrlState.OUT_OF_SCOPE: "out_of_scope",
    UrlState.TRAPPED: "trapped",
}
_SUMS = (*_COLUMNS.values(), "new_documents", "bytes", "new_bytes")


def check(crawl: Crawl) -> dict[str, Row]:
    """Every sum is what it counts, every queue holds what waits, every capture can be read; the rows, but for icons."""
    rows = crawl.rows()
    _check_sums(crawl, rows)
    _check_frontier(crawl, rows)
    _check_captures(crawl, rows)
    known = {row.id: row for row in rows.values()}
    for row in rows.values():
        steps = 0
        while row.via_id is not None:
            row, steps = known[row.via_id], steps + 1
            assert steps < 1000, "pages are each other's parents"
    return crawl.rows(with_icons=False)


def _check_sums(crawl: Crawl, rows: Mapping[str, Row]) -> None:
    wanted: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in rows.values():
        keys = [("host", str(row.host_id)), ("seed", str(row.seed_id)), ("total", "")]
        for key in keys:
            wanted[key][_COLUMNS[row.state]] += 1
        if row.state is not UrlState.CAPTURED:
            continue
        more = [("mime", row.mime), ("status", str(row.status or ""))]
        for key in more:
            wanted[key]["documents"] += 1
        for key in (*keys, *more):
            wanted[key]["bytes"] += row.length
            wanted[key]["new_documents"] += row.is_new
            wanted[key]["new_bytes"] += row.length * row.is_new
            wanted[key]["pages"] += counts_as_page(row.hops, row.kind) and key[0] != "host"
    held: dict[tuple[str, str], Counter[str]] = {}
    with reading(crawl.holdings.engine) as connection:
        for found in connection.execute(select(crawl_hosts).where(crawl_hosts.c.crawl_id == crawl.number)):
            held["host", str(found.id)] = Counter({name: getattr(found, name) for name in _SUMS})
        for found in connection.execute(select(crawl_counts).where(crawl_counts.c.crawl_id == crawl.number)):
            if found.dimension == "time":
                continue  # what was done when: also what was done twice
            sums = {name: getattr(found, name) for name in (*_SUMS, "pages")}
            held[found.dimension, found.key] = Counter(sums)
    for key in wanted.keys() | held.keys():
        assert +held.get(key, Counter()) == +wanted[key], f"sums of {key}"
        assert not -held.get(key, Counter()), f"less than nothing in {key}"


def _check_frontier(crawl: Crawl, rows: Mapping[str, Row]) -> None:
    with reading(crawl.holdings.engine) as connection:
        hosts = dict(
            connection.execute(select(crawl_hosts.c.id, crawl_hosts.c.host).where(crawl_hosts.c.crawl_id == crawl.number)).all()
        )
        mine = {row.id: row for row in rows.values()}
        waiting = [
            place for place in connection.execute(select(crawl_frontier)).all() if place.url_id in mine
        ]  # fmt: skip
        workers = connection.execute(select(crawl_workers.c.id).where(crawl_workers.c.crawl_id == crawl.number)).all()
        files = connection.execute(select(crawl_files).where(crawl_files.c.crawl_id == crawl.number)).all()
    assert not workers, "a worker is still registered"
    assert all(file.finished for file in files)
    assert not list(crawl.holdings.store.unfinished())
    for row in rows.values():
        assert hosts[row.host_id] == queue_host(row.url) or row.verdict == "not-http", row.url
    assert Counter(place.url_id for place in waiting) == Counter(
        row.id for row in mine.values() if row.state is UrlState.QUEUED
    )
    pending = Counter(place.queue_id for place in waiting)
    queues = {queue.id: queue for queue in crawl.queues()}
    assert all(queues[place.queue_id].host_id == mine[place.url_id].host_id for place in waiting)
    for queue in queues.values():
        assert queue.pending == pending[queue.id], "a queue counts wrongly"
        assert queue.worker_id is None, "a queue is held by nobody"
        assert (queue.ready_at is None) == (not queue.pending or bool(queue.retired)), (
            "a queue sleeps for ever, or is never empty"
        )


def _check_captures(crawl: Crawl, rows: Mapping[str, Row]) -> None:
    for row in rows.values():
        if row.state is not UrlState.CAPTURED:
            continue
        assert row.file is not None and row.offset is not None and row.attempts > 0
        record = read_record(crawl.holdings.store, row.file, row.offset)
        try:
            assert record.url == row.url
            assert record.record_type == ("response" if row.is_new else "revisit")
            assert record.get("WARC-Payload-Digest") == row.digest
        finally:
            record.close()
        indexed = [(capture.file, capture.offset) for capture in captures(crawl.holdings, row.url)]
        assert indexed.count((row.file, row.offset)) == 1, f"{row.url} is not in the index"


def seeds_of(crawl: Crawl) -> dict[str, int]:
    """Numbers of its seeds by URL."""
    with reading(crawl.holdings.engine) as connection:
        found = connection.execute(select(crawl_seeds.c.url, crawl_seeds.c.id).where(crawl_seeds.c.crawl_id == crawl.number))
        return {row[0]: row[1] for row in found}


def until(is_so: Callable[[], object], seconds: float = 20.0) -> None:
    """Look until something is so; an error when it never is."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.005)
