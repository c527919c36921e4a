"""What a worker fetches and writes with: one fetcher, one WARC file, one memory of payloads, for all its threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection

from archiver.crawl.entries import CrawlInfo
from archiver.crawl.plan import CrawlPlan
from archiver.crawl.robots import agent_token
from archiver.crawl.scope import registered_domain
from archiver.fetch.cookies import CrawlCookies
from archiver.fetch.login import Login, open_login
from archiver.holdings import Holdings
from archiver.index.payloads import Dedup
from archiver.model import Capture
from archiver.outfit import fetcher_of, writer_of
from archiver.settings import DEFAULT, source_of
from archiver.warc.dedup import Kept

#: Requests at a time of one worker, where the settings do not say how many.
CONNECTIONS = 64


class Equipment:
    """The parts of one worker; use it as a context manager. `on_begin` is told the name of each WARC file at its beginning.

    Args:
        holdings: the opened archive; its settings say how to fetch.
        info: of the crawl.
        software: name and version for the warcinfo record.
        clock: the time, UTC.
        new_id: makes WARC-Record-IDs.
    """

    def __init__(
        self, holdings: Holdings, info: CrawlInfo, *, software: str, clock: Callable[[], datetime], new_id: Callable[[], str]
    ) -> None:
        settings = holdings.settings
        collection = holdings.collections.get(info.collection)
        self.holdings = holdings
        self.on_begin: Callable[[str], None] = lambda name: None
        # Hosts that answer late, or not at all, take a place each for as long: there have to be places left for the others.
        is_usual = source_of(settings, "connections") == DEFAULT
        self.connections = CONNECTIONS if is_usual else max(1, settings.connections)
        self.user_agent = settings.user_agent
        self.agent = agent_token(settings.user_agent)
        self.folder: Path = settings.archive
        self.cookies = CrawlCookies(registered_domain)
        self.login: Login | None = None
        self.log_in(info.plan)
        self.dedup = Dedup(
            holdings.engine,
            info.collection_id,
            mode=info.plan.dedup.value,
            min_bytes=settings.dedup_min_bytes,
            beside=collection.test_of,
        )
        self.fetcher = fetcher_of(settings, clock, pool_size=self.connections)
        self.writer = writer_of(
            holdings,
            collection,
            description=f"{collection.title}, crawl {info.crawl_id}",
            software=software,
            clock=clock,
            new_id=new_id,
            on_begin=lambda name: self.on_begin(name),
            crawl_id=lambda: info.crawl_id,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.fetcher.close()
        self.dedup.close()
        self.writer.close()

    def log_in(self, plan: CrawlPlan) -> None:
        """Read what the plan's login is made of; anew, when the crawl was paused because the old one had ended.

        Raises:
            UsageError: a file of it cannot be read or used.
        """
        login = plan.login
        self.login = None
        if login.used:
            self.login = open_login(
                [seed.url for seed in plan.seeds],
                cookies=login.cookies,
                credentials=login.credentials,
                headers=login.headers,
                hosts=login.hosts,
            )

    def keep(self, connection: Connection, captures: Sequence[Capture], kept: Sequence[Kept | None]) -> None:
        """Write the rows that replay and later captures look up, in the transaction of a commit."""
        if captures:
            self.holdings.index.add_within(connection, captures)
        self.dedup.remember(connection, kept)
