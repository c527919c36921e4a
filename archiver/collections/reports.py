"""What a crawl did, in numbers: overview, seeds, hosts, types, statuses, reasons. Queries only; nothing is printed here.

Numbers come from sums that the crawl keeps while it runs, so a report of ten million URLs takes no longer than one of ten;
only `reasons` reads every URL. The list behind each number is in `urllists`, the story of one URL in `stories`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, Row, Text, and_, cast, func, select

from archiver.collections.wording import sentence_of
from archiver.crawl.control import CrawlControl
from archiver.crawl.decision import UrlState, Verdict
from archiver.crawl.entries import url_hash
from archiver.crawl.plan import CrawlPlan, plan_from_json
from archiver.errors import NotFound
from archiver.index.crawltables import crawl_counts, crawl_hosts, crawl_seeds, crawl_urls, crawl_workers
from archiver.index.database import reading
from archiver.index.tables import collections, crawls

_COLUMNS = ("documents", "new_documents", "bytes", "new_bytes", "queued", "failed", "blocked", "out_of_scope", "trapped")
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over URLs. Documents are captured URLs, new ones those that are no revisit; bytes are those on the wire."""

    documents: int = 0
    new_documents: int = 0
    bytes: int = 0
    new_bytes: int = 0
    queued: int = 0
    failed: int = 0
    blocked: int = 0
    out_of_scope: int = 0
    trapped: int = 0

    @property
    def old_documents(self) -> int:
        """Revisits: the archive held them already."""
        return self.documents - self.new_documents

    @property
    def met(self) -> int:
        """Every URL that was met."""
        return self.documents + self.queued + self.failed + self.blocked + self.out_of_scope + self.trapped


@dataclass(frozen=True, slots=True)
class CrawlSummary:
    """A crawl as lists show it.

    Attributes:
        number: its id in the archive.
        collection: slug.
        seeds: as they were given.
        state: "running", "paused", "stopped" or "finished"; `wanted` is what the user asked for last.
        ended: why it is not running; "" while it is.
        started_at: ISO date; `finished_at` too, None while it is not at its end.
        seconds: of running time.
        sums: over all its URLs.
    """

    number: int
    collection: str
    seeds: tuple[str, ...]
    state: str
    wanted: str
    ended: str
    started_at: str
    finished_at: str | None
    seconds: float
    sums: Sums


@dataclass(frozen=True, slots=True)
class Overview:
    """A crawl at a glance.

    Attributes:
        crawl: see there.
        plan: what it was asked to do.
        pages: captured pages, without what they need.
        hosts: that it met.
        workers: processes that work on it.
        classes: captured documents by class of status, such as {"2xx": 10}; "none" for those without one.
    """

    crawl: CrawlSummary
    plan: CrawlPlan
    pages: int
    hosts: int
    workers: int
    classes: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Documents a second of running time; 0 before there is one."""
        return self.crawl.sums.documents / self.crawl.seconds if self.crawl.seconds > 0 else 0.0


class SeedStatus(StrEnum):
    """How a seed fared, in Archive-It's words."""

    CRAWLED = "Crawled"
    ERROR = "Crawled (Error)"
    REDIRECTED = "Redirected"
    NOT_CRAWLED = "Not crawled"
    QUEUED = "Queued"
    BLOCKED = "Blocked by robots.txt"


@dataclass(frozen=True, slots=True)
class SeedRow:
    """A seed and everything that was found from it.

    Attributes:
        number: the seed's id.
        url: its address.
        status: see there.
        detail: the error's number, where it redirects to, or why it was not crawled; may be "".
        sums: over the seed's URLs.
        timestamp: 14 digits of its capture, or None.
    """

    number: int
    url: str
    status: SeedStatus
    detail: str
    sums: Sums
    timestamp: str | None

    @property
    def words(self) -> str:
        """Status and detail as Archive-It writes them."""
        if self.status is SeedStatus.ERROR:
            return f"Crawled (Error {self.detail})"
        if self.status is SeedStatus.REDIRECTED:
            return f"Redirected (to {self.detail})" if self.detail else "Redirected"
        return f"{self.status.value} ({self.detail})" if self.detail else self.status.value


@dataclass(frozen=True, slots=True)
class KeyRow:
    """Sums of one media type ("" when the server named none) or one status."""

    key: str
    sums: Sums


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """How many URLs stand where for which reason; `sentence` says it for people."""

    state: UrlState
    verdict: str
    failure: str | None
    urls: int
    sentence: str


class CrawlReports:
    """The reports of an archive's crawls.

    Args:
        engine: the archive's database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def crawls(self, collection: str | None = None, *, limit: int = 1000) -> list[CrawlSummary]:
        """Crawls of a collection (None: of all), newest first."""
        statement = _summaries().order_by(crawls.c.id.desc()).limit(limit)
        if collection is not None:
            statement = statement.where(collections.c.slug == collection)
        with reading(self._engine) as connection:
            return [_summary(row) for row in connection.execute(statement)]

    def page(
        self,
        *,
        collection: str | None = None,
        state: str | None = None,
        text: str = "",
        before: int | None = None,
        limit: int = 50,
    ) -> list[CrawlSummary]:
        """So many crawls, newest first.

        Args:
            collection: slug; None for every collection.
            state: that they are in; None for any.
            text: that their seeds contain; "" for any. Reads crawls until enough are found.
            before: number of the last one of the page before.
            limit: crawls, at most.
        """
        statement = _summaries().order_by(crawls.c.id.desc()).limit(limit)
        if collection is not None:
            statement = statement.where(collections.c.slug == collection)
        if state is not None:
            statement = statement.where(crawls.c.state == state)
        if text:
            statement = statement.where(crawls.c.seeds.icontains(text, autoescape=True))
        if before is not None:
            statement = statement.where(crawls.c.id < before)
        with reading(self._engine) as connection:
            return [_summary(row) for row in connection.execute(statement)]

    def find(self, number: int | None, collection: str | None) -> CrawlSummary:
        """A crawl by its number, or the newest of a collection.

        Raises:
            NotFound: there is none, or it belongs to another collection than the one named.
        """
        if number is None:
            if found := self.crawls(collection, limit=1):
                return found[0]
            raise NotFound(
                f"There is no crawl in “{collection}” yet." if collection else "There is no crawl yet.",
                "Begin one.",
                command="Begin one with: muniment crawl SEED",
            )
        with reading(self._engine) as connection:
            row = connection.execute(_summaries().where(crawls.c.id == number)).first()
        if row is None:
            raise NotFound(
                f"There is no crawl {number}.", "See the list of crawls.", command="See them with: muniment crawl list --all"
            )
        summary = _summary(row)
        if collection is not None and summary.collection != collection:
            raise NotFound(f"Crawl {number} is one of “{summary.collection}”, not of “{collection}”.", "Leave -c out.")
        return summary

    def plan(self, number: int) -> CrawlPlan:
        """What a crawl was asked to do.

        Raises:
            NotFound: there is no such crawl.
            UsageError: a newer version wrote it.
        """
        with reading(self._engine) as connection:
            kept = connection.execute(select(crawls.c.plan).where(crawls.c.id == number)).scalar()
        if kept is None:
            raise NotFound(
                f"There is no crawl {number}.", "See the list of crawls.", command="See them with: muniment crawl list --all"
            )
        return plan_from_json(kept)

    def overview(self, number: int, now: float) -> Overview:
        """A crawl at a glance; `now` in seconds since 1970.

        Raises:
            NotFound: there is no such crawl.
        """
        summary, plan = self.find(number, None), self.plan(number)
        with reading(self._engine) as connection:
            pages = connection.execute(
                select(crawl_counts.c.pages).where(
                    crawl_counts.c.crawl_id == number, crawl_counts.c.dimension == "total", crawl_counts.c.key == ""
                )
            ).scalar()
            hosts = connection.execute(
                select(func.count()).select_from(crawl_hosts).where(crawl_hosts.c.crawl_id == number)
            ).scalar_one()
        workers = living_workers(self._engine, number, now)
        classes: dict[str, int] = {}
        for row in self.statuses(number):
            name = f"{row.key[0]}xx" if len(row.key) == 3 and row.key.isdigit() else "none"
            classes[name] = classes.get(name, 0) + row.sums.documents
        return Overview(summary, plan, pages or 0, hosts, workers, dict(sorted(classes.items())))

    def types(self, number: int) -> list[KeyRow]:
        """Sums by media type, most documents first."""
        return self._by_key(number, "mime")

    def statuses(self, number: int) -> list[KeyRow]:
        """Sums by HTTP status, most documents first."""
        return self._by_key(number, "status")

    def _by_key(self, number: int, dimension: str) -> list[KeyRow]:
        statement = (
            select(crawl_counts)
            .where(crawl_counts.c.crawl_id == number, crawl_counts.c.dimension == dimension, crawl_counts.c.documents > 0)
            .order_by(crawl_counts.c.documents.desc(), crawl_counts.c.key)
        )
        with reading(self._engine) as connection:
            return [KeyRow(row.key, sums_of(row)) for row in connection.execute(statement)]

    def reasons(self, number: int) -> list[ReasonRow]:
        """How many URLs were taken or refused, and failed, for which reason. Reads every URL of the crawl."""
        columns = (crawl_urls.c.state, crawl_urls.c.verdict, crawl_urls.c.failure)
        statement = select(*columns, func.count()).where(crawl_urls.c.crawl_id == number).group_by(*columns)
        with reading(self._engine) as connection:
            found = [tuple(row) for row in connection.execute(statement)]
        rows = [
            ReasonRow(UrlState(state), verdict, failure, count, sentence_of(UrlState(state), verdict, ""))
            for state, verdict, failure, count in found
        ]
        return sorted(rows, key=lambda row: (row.state, -row.urls, row.verdict, row.failure or ""))

    def seeds(self, number: int) -> Iterator[SeedRow]:
        """The seeds in the order they were given, each with its status and what was found from it."""
        statement = seeds_with_counts().where(crawl_seeds.c.crawl_id == number).order_by(crawl_seeds.c.id).limit(_AT_ONCE)
        after = 0
        while True:
            with reading(self._engine) as connection:
                rows = connection.execute(statement.where(crawl_seeds.c.id > after)).all()
                found = list(seed_rows(connection, number, rows))
            yield from found
            if len(rows) < _AT_ONCE:
                return
            after = rows[-1].id


def sums_of(row: Row[Any]) -> Sums:
    """The sums in a row of hosts or counts; NULL is 0."""
    return Sums(*(getattr(row, name) or 0 for name in _COLUMNS))


def living_workers(engine: Engine, number: int, now: float) -> int:
    """Processes that work on a crawl; those that were killed do not count. `now` in seconds since 1970."""
    statement = select(func.count()).select_from(crawl_workers).where(crawl_workers.c.crawl_id == number)
    with reading(engine) as connection:
        known = connection.execute(statement).scalar_one()
    return known - len(CrawlControl(engine, lambda: datetime.fromtimestamp(now, UTC)).lost(number)) if known else 0


def _summaries() -> Any:
    """One row a crawl with its total sums."""
    total = and_(crawl_counts.c.crawl_id == crawls.c.id, crawl_counts.c.dimension == "total", crawl_counts.c.key == "")
    columns = (crawls.c[name] for name in ("id", "seeds", "state", "wanted", "ended", "started_at", "finished_at", "seconds"))
    return (
        select(*columns, collections.c.slug, *(crawl_counts.c[name] for name in _COLUMNS))
        .join(collections, collections.c.id == crawls.c.collection_id)
        .outerjoin(crawl_counts, total)
        .where(crawls.c.kind == "crawl")
    )


def _summary(row: Row[Any]) -> CrawlSummary:
    return CrawlSummary(
        row.id, row.slug, tuple(row.seeds.split("\n")), row.state, row.wanted, row.ended, row.started_at, row.finished_at,
        row.seconds, sums_of(row),
    )  # fmt: skip


def _counts_of_seed() -> Any:
    return and_(
        crawl_counts.c.crawl_id == crawl_seeds.c.crawl_id,
        crawl_counts.c.dimension == "seed",
        crawl_counts.c.key == cast(crawl_seeds.c.id, Text),
    )


def seeds_with_counts() -> Any:
    """A SELECT of seeds of crawls with the sums of what was found from them."""
    return select(
        crawl_seeds.c.id,
        crawl_seeds.c.crawl_id,
        crawl_seeds.c.url.label("seed"),
        crawl_seeds.c.redirects,
        *(crawl_counts.c[name] for name in _COLUMNS),
    ).outerjoin(crawl_counts, _counts_of_seed())


def seed_rows(connection: Connection, number: int, rows: Sequence[Row[Any]]) -> Iterator[SeedRow]:
    """Seeds with what became of their own addresses.

    Args:
        connection: for reading.
        number: of the crawl.
        rows: of `seeds_with_counts`.
    """
    hashes = {url_hash(row.seed): row.seed for row in rows}
    found = {
        row.url: row
        for row in connection.execute(
            select(crawl_urls).where(crawl_urls.c.crawl_id == number, crawl_urls.c.hash.in_(list(hashes)))
        )
    }
    for row in rows:
        own = found.get(row.seed)
        status, detail = _seed_status(own, row.redirects)
        stamp = f"{own.timestamp:014d}" if own is not None and own.timestamp else None
        yield SeedRow(row.id, row.seed, status, detail, sums_of(row), stamp)


def _is_redirect(row: Row[Any]) -> bool:
    return row.state == UrlState.CAPTURED and row.status is not None and 300 <= row.status < 400 and row.status != 304


def _seed_status(row: Row[Any] | None, redirects: str) -> tuple[SeedStatus, str]:
    """How a seed fared, from the row of its own address and where it led, one URL a line; pure."""
    if row is None or row.state == UrlState.QUEUED:
        return SeedStatus.QUEUED, ""
    if row.state == UrlState.CAPTURED:
        if _is_redirect(row):
            return SeedStatus.REDIRECTED, redirects.rpartition("\n")[2]
        if row.status is not None and row.status >= 400:
            return SeedStatus.ERROR, str(row.status)
        return SeedStatus.CRAWLED, ""
    if row.verdict == Verdict.ROBOTS:
        return SeedStatus.BLOCKED, ""
    return SeedStatus.NOT_CRAWLED, row.reason or row.failure or sentence_of(UrlState(row.state), row.verdict, row.detail)
