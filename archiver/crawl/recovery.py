"""After a crash: what killed workers had written but not committed is taken in, and their queues go on.

A worker puts records on the disk first and says so in the database second. What lies between the two when it is killed is
read from its WARC file as if it had just come: nothing is fetched twice, nothing is lost but requests on their way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select

from archiver.crawl.adopt import adopt
from archiver.crawl.entries import Batch
from archiver.crawl.frontier import Frontier, give_back
from archiver.crawl.judge import Judge
from archiver.crawl.plan import Limits
from archiver.crawl.visited import Visit
from archiver.errors import DamagedRecord, MissingRecord
from archiver.holdings import Holdings
from archiver.index.crawltables import crawl_files
from archiver.index.database import reading, writing
from archiver.warc.reader import StoredRecord, iter_records, read_record

#: URLs that are taken in with one commit.
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was done.

    Attributes:
        workers: how many were lost.
        adopted: URLs whose records were there already.
    """

    workers: int = 0
    adopted: int = 0


class Recoverer:
    """Takes in what lost workers left; for the one process that begins or supervises a crawl.

    Args:
        holdings: the opened archive, its abandoned WARC files mended.
        collection: slug of the crawl's.
        frontier: of the crawl.
        judge: decides about what adopted documents name.
        now: seconds since 1970.
    """

    def __init__(
        self,
        holdings: Holdings,
        collection: str,
        frontier: Frontier,
        judge: Judge,
        now: Callable[[], float],
    ) -> None:
        self._holdings = holdings
        self._collection = collection
        self._frontier = frontier
        self._judge = judge
        self._now = now

    def recover(self, crawl_id: int, lost: list[int]) -> Recovery:
        """Adopt the uncommitted records of lost workers, then free their queues."""
        adopted = sum(self._adopt_file(crawl_id, name, committed) for name, committed in self._files(lost))
        with writing(self._holdings.engine) as connection:
            give_back(connection, lost)
        return Recovery(len(lost), adopted)

    def _files(self, lost: list[int]) -> list[tuple[str, int]]:
        columns = crawl_files.c
        with reading(self._holdings.engine) as connection:
            rows = connection.execute(
                select(columns.name, columns.committed).where(columns.worker_id.in_(lost), columns.finished == 0)
            )
            return [(row[0], row[1]) for row in rows]

    def _adopt_file(self, crawl_id: int, name: str, committed: int) -> int:
        adopted, batch = 0, Batch()
        for offset in self._answers(name, committed):
            visit = self._visit_of(name, offset)
            if visit is None or visit.finished is None:
                continue
            batch.finished.append(visit.finished)
            batch.found += visit.found
            if visit.page is not None:
                batch.pages.append(visit.page)
            if visit.redirect is not None:
                batch.redirects.append((visit.entry.seed_id, visit.redirect))
            adopted += 1
            if len(batch.finished) >= _AT_ONCE:
                self._commit(batch)
                batch = Batch()
        self._commit(batch)
        self._frontier.finish_files((name,))
        return adopted

    def _commit(self, batch: Batch) -> None:
        if batch:
            self._frontier.commit(batch, now=self._now(), limits=Limits())

    def _answers(self, name: str, committed: int) -> list[int]:
        """Offsets of the answers in a file that are not known to the database, the last one of each URL; all are indexed."""
        from archiver.index.leftover import index_leftover  # every crawl imports this module, and crashes are rare

        offsets: dict[str, int] = {}
        try:
            stream = self._holdings.store.open(name, committed)
        except MissingRecord:
            return []
        with stream:
            for item in iter_records(stream, committed):
                if not isinstance(item, StoredRecord):
                    break  # the torn end
                if item.record_type in ("response", "revisit"):
                    offsets[item.url] = item.offset
            index_leftover(
                self._holdings.engine,
                stream,
                name,
                self._collection,
                min_bytes=self._holdings.settings.dedup_min_bytes,
                start=committed,
            )
        return sorted(offsets.values())

    def _visit_of(self, name: str, offset: int) -> Visit | None:
        """What a stored answer amounts to for the URL that still waits for it; None when none does, or it cannot be read."""
        try:
            record = read_record(self._holdings.store, name, offset)
        except DamagedRecord:
            return None
        try:
            found = self._frontier.queues.waiting(self._judge.number(record.url))
            if found is None:
                return None
            entry, file, last = found
            if file == name and (last or 0) >= offset:
                return None  # an earlier attempt
            return adopt(entry, record, name, holdings=self._holdings, collection=self._collection, judge=self._judge)
        except DamagedRecord:
            return None
        finally:
            record.close()
