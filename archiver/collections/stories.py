"""One URL's story in each crawl: how it was found, why it was taken or refused, what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, select

from archiver.collections.reports import CrawlReports, CrawlSummary
from archiver.collections.urllists import UrlRow, url_row
from archiver.collections.wording import hops_in_words, sentence_of
from archiver.crawl.control import CrawlControl
from archiver.crawl.decision import Decision, UrlState
from archiver.crawl.entries import url_hash
from archiver.crawl.scope import Scope
from archiver.index.crawltables import crawl_queues, crawl_seeds, crawl_urls
from archiver.index.database import reading
from archiver.model import Hop
from archiver.urls import parse_url

#: Steps of a way back to the seed that are shown; longer ways lose their middle.
MAX_STEPS = 50


@dataclass(frozen=True, slots=True)
class Step:
    """A page on the way from the seed; `kind` is how it was found on the one before, "" for the seed."""

    url: str
    kind: str


@dataclass(frozen=True, slots=True)
class Story:
    """What one crawl knows of a URL.

    Attributes:
        crawl: which crawl.
        url: the row of the URL itself.
        seed: address of the seed that led to it.
        way: from the seed to the URL, both included.
        skipped: pages of the way that are left out for its length, after the first.
        queue_note: why a queued URL's host is not fetched from any more; "" otherwise.
    """

    crawl: CrawlSummary
    url: UrlRow
    seed: str
    way: tuple[Step, ...]
    skipped: int = 0
    queue_note: str = ""

    @property
    def hop_words(self) -> str:
        """The way in words."""
        return hops_in_words(self.url.hops)

    @property
    def taken(self) -> bool:
        """Whether it was to be fetched at all."""
        return self.url.state in (UrlState.QUEUED, UrlState.CAPTURED, UrlState.FAILED)

    @property
    def decision(self) -> str:
        """Why it was taken or refused."""
        return sentence_of(self.url.state, self.url.verdict, self.url.detail)


class Stories:
    """The stories of an archive's URLs.

    Args:
        engine: the archive's database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, url: str, crawls: Sequence[CrawlSummary]) -> list[Story]:
        """A URL's story in each of these crawls that met it, in their order. `url` as `parse_url` gives it."""
        number = url_hash(url)
        found = []
        for crawl in crawls:
            statement = select(crawl_urls).where(crawl_urls.c.crawl_id == crawl.number, crawl_urls.c.hash == number)
            with reading(self._engine) as connection:
                row = connection.execute(statement.where(crawl_urls.c.url == url)).first()
                if row is not None:
                    found.append(_story(connection, crawl, row))
        return found

    def met(self, url: str, collection: str, crawl: int | None = None) -> list[Story]:
        """The same for one crawl, or for all of a collection, newest first.

        Raises:
            NotFound: there is no such crawl.
        """
        reports = CrawlReports(self._engine)
        return self.of(url, reports.crawls(collection) if crawl is None else [reports.find(crawl, None)])


def spellings(url: str) -> list[str]:
    """The URL as typed, and what the same thing is often called: the other scheme, with and without a slash at the end."""
    first = parse_url(url, assume_http=True)
    found = [first]
    for text in (first, first[:-1] if first.endswith("/") else f"{first}/"):
        scheme, separator, rest = text.partition("://")
        other = "http" if scheme == "https" else "https"
        found += [parse_url(text), parse_url(f"{other}{separator}{rest}")]
    return list(dict.fromkeys(found))


def would_decide(engine: Engine, url: str, crawl: int) -> Decision:
    """What a crawl would decide of a URL that a seed links to. Its robots.txt is not asked."""
    control = CrawlControl(engine, lambda: datetime.now(UTC))
    seeds = control.seeds(crawl)
    scope = Scope(control.info(crawl).plan, seeds, redirects=control.redirects(crawl))
    owner = scope.owner(url)
    return scope.decide(url, hops=Hop.LINK, seed_id=seeds[0][0] if owner is None else owner)


def _story(connection: Connection, crawl: CrawlSummary, row: Row[Any]) -> Story:
    way, seen = [Step(row.url, row.kind)], {row.id}
    via = row.via_id
    while via is not None and via not in seen:
        seen.add(via)
        before = connection.execute(
            select(crawl_urls.c.url, crawl_urls.c.kind, crawl_urls.c.via_id).where(crawl_urls.c.id == via)
        ).first()
        if before is None:
            break
        way.append(Step(before.url, before.kind))
        via = before.via_id
    way.reverse()
    skipped = max(0, len(way) - MAX_STEPS)
    seed = connection.execute(select(crawl_seeds.c.url).where(crawl_seeds.c.id == row.seed_id)).scalar()
    note = ""
    if row.state == UrlState.QUEUED:
        retired = connection.execute(
            select(crawl_queues.c.retired_reason).where(crawl_queues.c.host_id == row.host_id, crawl_queues.c.retired != "")
        ).scalar()
        note = retired or ""
    return Story(crawl, url_row(row), seed or way[0].url, (way[0], *way[1 + skipped :]), skipped, note)
