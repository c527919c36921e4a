"""What became of seeds: how their last crawl ended for them, and how often their own address is captured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, select

from archiver.collections.reports import SeedRow, SeedStatus, seed_rows, seeds_with_counts
from archiver.collections.seedvalues import Seed
from archiver.index.crawltables import crawl_seeds
from archiver.index.database import reading
from archiver.index.merged import MergedIndex
from archiver.index.tables import captures, collections, crawls
from archiver.timestamps import parse_iso, parse_timestamp


@dataclass(frozen=True, slots=True)
class SeedResult:
    """What became of one seed.

    Attributes:
        captures: of its own address, all versions.
        first, last: of those; UTC, None without any.
        crawl: number of the last crawl that began with it; None when there was none.
        crawled_at: when that began; UTC.
        row: how it fared there, as in reports; None without a crawl.
    """

    captures: int = 0
    first: datetime | None = None
    last: datetime | None = None
    crawl: int | None = None
    crawled_at: datetime | None = None
    row: SeedRow | None = None

    @property
    def words(self) -> str:
        """How the last crawl ended for it; "" when there was none."""
        return self.row.words if self.row else ""

    @property
    def kind(self) -> str:
        """ "done", "waiting" or "failed", by how the last crawl ended for it; "" when there was none."""
        return _KINDS.get(self.row.status, "failed") if self.row else ""


_KINDS = {SeedStatus.CRAWLED: "done", SeedStatus.REDIRECTED: "done", SeedStatus.QUEUED: "waiting"}


def results_of(engine: Engine, index: MergedIndex, slug: str, seeds: Sequence[Seed]) -> dict[int, SeedResult]:
    """What became of some seeds of a collection, by their numbers: of a page of them, not of tens of thousands.

    Args:
        engine: the archive's database.
        index: of its captures; where other indexes are attached to the collection, each is asked for each seed.
        slug: of the collection.
        seeds: some of its seeds.
    """
    if not seeds:
        return {}
    counted = _captured(engine, index, slug, sorted({seed.urlkey for seed in seeds}))
    crawled = _crawled(engine, slug, [seed.url for seed in seeds])
    return {
        seed.number: SeedResult(*counted.get(seed.urlkey, (0, None, None)), *crawled.get(seed.url, (None, None, None)))
        for seed in seeds
    }


def _captured(
    engine: Engine, index: MergedIndex, slug: str, keys: Sequence[str]
) -> dict[str, tuple[int, datetime | None, datetime | None]]:
    found: dict[str, tuple[int, datetime | None, datetime | None]] = {}
    if index.attached.of([slug]):
        for key in keys:
            moments = [capture.timestamp for capture in index.versions([slug], key)]
            if moments:
                found[key] = (len(moments), parse_timestamp(min(moments)), parse_timestamp(max(moments)))
        return found
    statement = (
        select(captures.c.urlkey, func.count(), func.min(captures.c.timestamp), func.max(captures.c.timestamp))
        .where(captures.c.collection_id == select(collections.c.id).where(collections.c.slug == slug).scalar_subquery())
        .where(captures.c.urlkey.in_(keys))
        .group_by(captures.c.urlkey)
    )
    with reading(engine) as connection:
        for key, count, first, last in connection.execute(statement):
            found[key] = (count, parse_timestamp(f"{first:014d}"), parse_timestamp(f"{last:014d}"))
    return found


def _crawled(engine: Engine, slug: str, urls: Sequence[str]) -> dict[str, tuple[int, datetime, SeedRow]]:
    newest = (
        select(func.max(crawl_seeds.c.id).label("id"))
        .join(crawls, crawls.c.id == crawl_seeds.c.crawl_id)
        .join(collections, collections.c.id == crawls.c.collection_id)
        .where(collections.c.slug == slug, crawl_seeds.c.url.in_(urls))
        .group_by(crawl_seeds.c.url)
    )
    found: dict[str, tuple[int, datetime, SeedRow]] = {}
    with reading(engine) as connection:
        rows = connection.execute(seeds_with_counts().where(crawl_seeds.c.id.in_(newest))).all()
        numbers = sorted({row.crawl_id for row in rows})
        began = {
            number: parse_iso(at)
            for number, at in connection.execute(select(crawls.c.id, crawls.c.started_at).where(crawls.c.id.in_(numbers)))
        }
        for number in numbers:
            for row in seed_rows(connection, number, [row for row in rows if row.crawl_id == number]):
                found[row.url] = (number, began[number], row)
    return found
