"""What a crawl did when: documents and bytes over its time, for plots. Summed by ten seconds while it runs."""

from __future__ import annotations

from calendar import timegm
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import BigInteger, Engine, cast, func, select

from archiver.index.crawltables import crawl_counts
from archiver.index.database import reading

#: Seconds that one key of the dimension "time" stands for.
STEP = 10


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was done in a stretch of time.

    Attributes:
        at: its beginning, seconds since 1970.
        documents: fetched in it.
        bytes: received in it.
    """

    at: int
    documents: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Rates:
    """A crawl over its time: equal stretches without a gap, the oldest first; `seconds` of each."""

    seconds: int
    buckets: tuple[Bucket, ...] = ()

    @property
    def most(self) -> int:
        """Documents of the busiest stretch."""
        return max((bucket.documents for bucket in self.buckets), default=0)


def rates(engine: Engine, crawl: int, *, most: int = 90, until: float | None = None) -> Rates:
    """What a crawl did when, in at most so many stretches.

    Args:
        engine: the archive's database.
        crawl: its number.
        most: stretches.
        until: seconds since 1970 at which a crawl stands that still runs; None for one that ended.
    """
    keys = crawl_counts.c.key
    mine = (crawl_counts.c.crawl_id == crawl, crawl_counts.c.dimension == "time")
    with reading(engine) as connection:
        first, last = connection.execute(select(func.min(keys), func.max(keys)).where(*mine)).one()
        if first is None:
            return Rates(STEP)
        begin, end = _moment(first), max(_moment(last), int(until or 0))
        step = STEP
        while (end - begin) // step >= most:
            step = _longer(step)
        begin -= begin % step
        digits = 13 if step < 60 else 12 if step < 600 else 11 if step < 3600 else 10
        prefix = func.substr(keys, 1, digits).label("stretch")
        total = (cast(func.sum(crawl_counts.c.documents), BigInteger), cast(func.sum(crawl_counts.c.bytes), BigInteger))
        rows = connection.execute(select(prefix, *total).where(*mine).group_by("stretch")).all()
    sums: dict[int, list[int]] = {}
    for key, documents, size in rows:
        at = _moment(key) // step * step
        known = sums.setdefault(at, [0, 0])
        known[0] += documents
        known[1] += size
    return Rates(step, tuple(Bucket(at, *sums.get(at, (0, 0))) for at in range(begin, end + 1, step)))


def _longer(step: int) -> int:
    """The next longer stretch that people can think in."""
    ladder = (10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
    return next((item for item in ladder if item > step), step * 2)


def _moment(key: str) -> int:
    """Seconds since 1970 of the first digits of a timestamp."""
    full = key + "00000000000000"[len(key) :]
    parts = (int(full[:4]), int(full[4:6]), int(full[6:8]), int(full[8:10]), int(full[10:12]), int(full[12:14]))
    return timegm((*parts, 0, 0, 0))


def recent(engine: Engine, crawl: int, now: float) -> tuple[float, float]:
    """Documents and bytes a second of the last half minute; `now` in seconds since 1970."""
    begin = int(now - 30) // STEP * STEP
    columns = crawl_counts.c
    key = f"{datetime.fromtimestamp(begin, UTC):%Y%m%d%H%M%S}"[:13]
    mine = (columns.crawl_id == crawl, columns.dimension == "time", columns.key >= key)
    with reading(engine) as connection:
        documents, size = connection.execute(select(func.sum(columns.documents), func.sum(columns.bytes)).where(*mine)).one()
    seconds = now - begin
    return float(documents or 0) / seconds, float(size or 0) / seconds
