"""After a crash: what killed workers had written but not committed is taken in, and their queues go on.

A worker puts records on the disk first and says so in the database second. What lies between the two when it is killed is
read from its WARC file as if it had just come: nothing is fetched twice, nothing is lost but requests on their way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import select

from archiver.crawl.entries import Batch, Entry
from archiver.crawl.frontier import Frontier, give_back
from archiver.crawl.judge import Judge
from archiver.crawl.plan import Limits
from archiver.crawl.statements import ENTRY_OF_HASH
from archiver.crawl.visit import Visit
from archiver.errors import DamagedRecord, MissingRecord
from archiver.holdings import Holdings
from archiver.index.crawltables import crawl_files
from archiver.index.database import reading, writing
from archiver.warc.reader import StoredRecord, iter_records

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
        frontier: of the crawl.
        judge: decides about what adopted documents name.
        adopt: reads a stored record as a visit.
        now: seconds since 1970.
    """

    def __init__(
        self,
        holdings: Holdings,
        frontier: Frontier,
        judge: Judge,
        adopt: Callable[[Entry, StoredRecord, str], Visit],
        now: Callable[[], float],
    ) -> None:
        self._holdings = holdings
        self._frontier = frontier
        self._judge = judge
        self._adopt = adopt
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
        for entry, record in self._uncommitted(crawl_id, name, committed):
            try:
                visit = self._adopt(entry, record, name)
            except DamagedRecord:
                continue
            if visit.finished is None:
                continue
            batch.finished.append(visit.finished)
            batch.found += visit.found
            if visit.page is not None:
                batch.pages.append(visit.page)
            if visit.redirect is not None:
                batch.redirects.append((entry.seed_id, visit.redirect))
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

    def _uncommitted(self, crawl_id: int, name: str, committed: int) -> Iterator[tuple[Entry, StoredRecord]]:
        """The answers in a file that are not known to the database, with the URLs that still wait for them."""
        try:
            stream = self._holdings.store.open(name)
        except MissingRecord:
            return
        seen: set[int] = set()
        with stream:
            for record in iter_records(stream, committed):
                if not isinstance(record, StoredRecord):
                    return  # the torn end
                if record.record_type not in ("response", "revisit"):
                    continue
                entry = self._waiting(crawl_id, record, name)
                if entry is not None and entry.url_id not in seen:
                    seen.add(entry.url_id)
                    yield entry, record

    def _waiting(self, crawl_id: int, record: StoredRecord, name: str) -> Entry | None:
        number = self._judge.number(record.url)
        with reading(self._holdings.engine) as connection:
            row = connection.execute(ENTRY_OF_HASH, {"crawl": crawl_id, "number": number}).first()
        if row is None or (row[-2] == name and (row[-1] or 0) >= record.offset):
            return None  # done with, or an earlier attempt
        return self._frontier.entry_of(tuple(row)[:-2])
