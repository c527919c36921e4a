"""What was captured when, and what was missing: crawls, their pages, and what became of each URL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, insert, select, update

from archiver.errors import UnknownCollection
from archiver.index.database import number_of_new, reading, writing
from archiver.index.tables import collections, crawls, outcomes, pages
from archiver.model import Candidate, Failure, FailureKind, PageResult, ResourceOutcome
from archiver.timestamps import to_iso


@dataclass(frozen=True, slots=True)
class PageSummary:
    """A captured page as lists show it; `timestamp` is None when the page itself was not captured."""

    number: int
    crawl_id: int
    url: str
    final_url: str
    timestamp: str | None
    title: str
    interrupted: bool


class CrawlLog:
    """The crawls of an archive.

    Args:
        engine: the archive's database.
        clock: the time, UTC.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def start(self, collection: str, seeds: Sequence[str]) -> int:
        """Note the start of a crawl; its number.

        Raises:
            UnknownCollection: no collection of that name.
        """
        with writing(self._engine) as connection:
            number = connection.execute(select(collections.c.id).where(collections.c.slug == collection)).scalar()
            if number is None:
                raise UnknownCollection(f"There is no collection “{collection}”.")
            made = connection.execute(
                insert(crawls).values(collection_id=number, seeds="\n".join(seeds), started_at=to_iso(self._clock()))
            )
            return number_of_new(made)

    def record_page(self, result: PageResult, crawl_id: int) -> int:
        """Keep the result of a page capture; its number. The crawl counts as finished at this moment."""
        with writing(self._engine) as connection:
            collection_id = connection.execute(select(crawls.c.collection_id).where(crawls.c.id == crawl_id)).scalar_one()
            made = connection.execute(
                insert(pages).values(
                    crawl_id=crawl_id,
                    collection_id=collection_id,
                    url=result.seed,
                    final_url=result.final_url,
                    timestamp=int(result.timestamp) if result.timestamp else None,
                    title=result.title,
                    started_at=to_iso(result.started_at),
                    seconds=f"{result.elapsed.total_seconds():.3f}",
                    interrupted=int(result.interrupted),
                )
            )
            number = number_of_new(made)
            rows = [_outcome_values(number, position, item) for position, item in enumerate(result.outcomes)]
            if rows:
                connection.execute(insert(outcomes), rows)
            connection.execute(update(crawls).where(crawls.c.id == crawl_id).values(finished_at=to_iso(self._clock())))
        return number

    def pages(self, collection: str, *, limit: int = 50, offset: int = 0) -> list[PageSummary]:
        """Captured pages of a collection, newest first."""
        statement = (
            select(
                pages.c.id, pages.c.crawl_id, pages.c.url, pages.c.final_url, pages.c.timestamp, pages.c.title,
                pages.c.interrupted,
            )
            .join(collections, collections.c.id == pages.c.collection_id)
            .where(collections.c.slug == collection, pages.c.timestamp.is_not(None))
            .order_by(pages.c.timestamp.desc(), pages.c.id.desc())
            .limit(limit)
            .offset(offset)
        )  # fmt: skip
        with reading(self._engine) as connection:
            return [
                PageSummary(row[0], row[1], row[2], row[3], f"{row[4]:014d}", row[5], bool(row[6]))
                for row in connection.execute(statement)
            ]

    def page_count(self, collection: str) -> int:
        """Number of captured pages of a collection."""
        statement = (
            select(func.count())
            .select_from(pages.join(collections, collections.c.id == pages.c.collection_id))
            .where(collections.c.slug == collection, pages.c.timestamp.is_not(None))
        )
        with reading(self._engine) as connection:
            return int(connection.execute(statement).scalar_one())

    def missing(self, page: int) -> list[ResourceOutcome]:
        """What a page lacks, with the reasons, in the order it was noticed."""
        statement = (
            select(outcomes).where(outcomes.c.page_id == page, outcomes.c.failure.is_not(None)).order_by(outcomes.c.position)
        )
        with reading(self._engine) as connection:
            return [
                ResourceOutcome(
                    Candidate(row.url, row.via, row.hops),
                    row.status,
                    row.mime,
                    row.length,
                    None,
                    Failure(FailureKind(row.failure), row.reason),
                )
                for row in connection.execute(statement)
            ]


def _outcome_values(page: int, position: int, item: ResourceOutcome) -> dict[str, object]:
    return {
        "page_id": page,
        "position": position,
        "url": item.candidate.url,
        "via": item.candidate.via,
        "hops": item.candidate.hops,
        "status": item.status,
        "mime": item.mime,
        "length": item.length,
        "failure": item.failure.kind.value if item.failure else None,
        "reason": item.failure.reason if item.failure else None,
    }
