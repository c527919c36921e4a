"""The list of URLs behind each number of a crawl's reports, in pages, without holding it in memory."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Engine, Row, Select, func, select

from archiver.collections.wording import STATE_NAMES
from archiver.crawl.decision import UrlState
from archiver.crawl.ledger import COLUMN_OF_STATE
from archiver.errors import NotFound
from archiver.index.crawltables import crawl_hosts, crawl_seeds, crawl_urls
from archiver.index.database import reading

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class UrlFilter:
    """Which URLs a list shows; what is None does not count.

    Attributes:
        state: where they stand.
        host: as the hosts report names it, with its port where that is not the usual one.
        seed: a seed's address.
        mime: media type; "" for none named.
        status: HTTP status.
        status_class: its first digit.
        verdict: why they were taken or refused.
        failure: what kept them from being captured whole; "" for nothing.
        new: True for whole records, False for revisits.
        text: that the URL contains.
    """

    state: UrlState | None = None
    host: str | None = None
    seed: str | None = None
    mime: str | None = None
    status: int | None = None
    verdict: str | None = None
    failure: str | None = None
    new: bool | None = None
    text: str | None = None
    status_class: int | None = None


@dataclass(frozen=True, slots=True)
class UrlRow:
    """A URL that a crawl met, as lists show it; `timestamp` has 14 digits, `length` is in bytes on the wire."""

    number: int
    url: str
    state: UrlState
    verdict: str
    detail: str
    hops: str
    kind: str
    modified: str
    attempts: int
    status: int | None
    mime: str
    length: int
    new: bool
    digest: str
    failure: str | None
    reason: str | None
    timestamp: str | None
    file: str | None
    offset: int | None

    @property
    def state_name(self) -> str:
        """As options name it."""
        return STATE_NAMES[self.state]


class UrlLists:
    """The URLs of an archive's crawls.

    Args:
        engine: the archive's database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def urls(
        self, crawl: int, wanted: UrlFilter = UrlFilter(), *, limit: int | None = None, after: int = 0
    ) -> Iterator[UrlRow]:
        """The URLs of a crawl that a filter lets through.

        They come in the order in which they were met; where a state alone is asked for, host by host. A list of a state or
        a host reads only what it shows; others go through the crawl once.

        Args:
            crawl: its number.
            wanted: which.
            limit: at most so many; None for all.
            after: number of the last row of the page before; 0 for the first page.

        Raises:
            NotFound: the crawl has no such host or seed.
        """
        statement = select(crawl_urls)
        for column, value in self._conditions(crawl, wanted):
            statement = statement.where(column == value)
        if wanted.status_class is not None:
            least = wanted.status_class * 100
            statement = statement.where(crawl_urls.c.status.between(least, least + 99))
        if wanted.text:
            statement = statement.where(crawl_urls.c.url.icontains(wanted.text, autoescape=True))
        if wanted.host is not None:
            host = self._host(crawl, wanted.host)
            found = self._of_host(statement, crawl, host, wanted.state, after)
        elif wanted.state is not None and wanted == UrlFilter(state=wanted.state):
            found = self._by_host(statement, crawl, wanted.state, after)
        else:  # going through the crawl takes less than asking each of very many hosts
            if wanted.state is not None:
                statement = statement.where(crawl_urls.c.state == wanted.state.value)
            found = self._of_crawl(statement, crawl, after)
        return islice((url_row(row) for row in found), limit)

    def _conditions(self, crawl: int, wanted: UrlFilter) -> Iterator[tuple[Any, object]]:
        """What the columns must hold, host and state apart."""
        if wanted.seed is not None:
            yield crawl_urls.c.seed_id, self._seed(crawl, wanted.seed)
        if wanted.new is not None:
            yield crawl_urls.c.state, UrlState.CAPTURED.value
            yield crawl_urls.c.is_new, int(wanted.new)
        if wanted.failure is not None:
            yield crawl_urls.c.failure, wanted.failure or None
        for name in ("mime", "status", "verdict"):
            value = getattr(wanted, name)
            if value is not None:
                yield crawl_urls.c[name], value

    def _host(self, crawl: int, host: str) -> int:
        statement = select(crawl_hosts.c.id).where(crawl_hosts.c.crawl_id == crawl, crawl_hosts.c.host == host.lower())
        with reading(self._engine) as connection:
            number = connection.execute(statement).scalar()
        if number is None:
            raise NotFound(
                f"Crawl {crawl} met no host “{host}”.",
                "The report of the crawl lists its hosts.",
                command="See its hosts with: muniment crawl report --hosts",
            )
        return int(number)

    def _seed(self, crawl: int, seed: str) -> int:
        statement = select(crawl_seeds.c.id).where(crawl_seeds.c.crawl_id == crawl, crawl_seeds.c.url == seed)
        with reading(self._engine) as connection:
            number = connection.execute(statement).scalar()
        if number is None:
            raise NotFound(
                f"Crawl {crawl} has no seed {seed}.",
                "The report of the crawl lists its seeds.",
                command="See its seeds with: muniment crawl report --seeds",
            )
        return int(number)

    def _of_host(self, statement: Select[Any], crawl: int, host: int, state: UrlState | None, after: int) -> Iterator[Row[Any]]:
        """A host's URLs by number. The index holds them by state, each in order: several states are merged."""
        mine = statement.where(crawl_urls.c.crawl_id == crawl, crawl_urls.c.host_id == host)
        states = UrlState if state is None else (state,)
        return heapq.merge(
            *(self._paged(mine.where(crawl_urls.c.state == one.value), after) for one in states), key=lambda row: row.id
        )

    def _by_host(self, statement: Select[Any], crawl: int, state: UrlState, after: int) -> Iterator[Row[Any]]:
        """All URLs of a state, host by host, so that the index finds them."""
        with reading(self._engine) as connection:
            last = connection.execute(select(crawl_urls.c.host_id).where(crawl_urls.c.id == after)).scalar() or 0
        hosts = select(crawl_hosts.c.id).where(crawl_hosts.c.crawl_id == crawl, crawl_hosts.c[COLUMN_OF_STATE[state]] > 0)
        begin = last - 1
        while True:
            with reading(self._engine) as connection:
                some = hosts.where(crawl_hosts.c.id > begin).order_by(crawl_hosts.c.id).limit(_AT_ONCE)
                numbers: Sequence[int] = connection.execute(some).scalars().all()
            for number in numbers:
                yield from self._of_host(statement, crawl, number, state, after if number == last else 0)
            if len(numbers) < _AT_ONCE:
                return
            begin = numbers[-1]

    def _of_crawl(self, statement: Select[Any], crawl: int, after: int) -> Iterator[Row[Any]]:
        """Every URL by number, from the crawl's first one on."""
        if not after:
            with reading(self._engine) as connection:
                first = connection.execute(select(func.min(crawl_urls.c.id)).where(crawl_urls.c.crawl_id == crawl)).scalar()
            after = first - 1 if first else 0
        # `+ 0` keeps databases from going through an index by crawl and sorting all of it for every page
        return self._paged(statement.where(crawl_urls.c.crawl_id + 0 == crawl), after)

    def _paged(self, statement: Select[Any], after: int) -> Iterator[Row[Any]]:
        """All rows by number; no transaction stays open while the caller works on them."""
        while True:
            with reading(self._engine) as connection:
                page = statement.where(crawl_urls.c.id > after).order_by(crawl_urls.c.id).limit(_AT_ONCE)
                rows = connection.execute(page).all()
            yield from rows
            if len(rows) < _AT_ONCE:
                return
            after = rows[-1].id


def url_row(row: Row[Any]) -> UrlRow:
    """A row of `crawl_urls` as a value."""
    return UrlRow(
        row.id, row.url, UrlState(row.state), row.verdict, row.detail, row.hops, row.kind, row.modified, row.attempts,
        row.status, row.mime, row.length, bool(row.is_new), row.digest, row.failure, row.reason,
        f"{row.timestamp:014d}" if row.timestamp else None, row.file, row.offset,
    )  # fmt: skip
