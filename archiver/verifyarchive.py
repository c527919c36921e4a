"""Verifies an archive: every file, the index against the files both ways, and what the database says of both."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Select, or_, select

from archiver.errors import InvalidTimestamp, MunimentError
from archiver.holdings import Holdings
from archiver.index.compare import Copied
from archiver.index.crawltables import crawl_files
from archiver.index.database import insert_or_replace, reading, writing
from archiver.index.holdingstables import file_parts, verifications
from archiver.index.tables import captures, collections, files, payloads, validators
from archiver.timestamps import parse_iso, to_iso
from archiver.verify import Subject, Verifier
from archiver.warc.check import FileReport, Log
from archiver.warc.rules import Severity

#: The name under which what is wrong with the archive as a whole is reported.
WHOLE = "(archive)"

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Known:
    """A file as the database has it."""

    number: int
    name: str
    size: int | None
    fixity: dict[str, str]
    state: str
    verified_at: str
    verified_size: int | None


class ArchiveVerifier:
    """Verifies the files of an archive, or of one of its collections.

    Args:
        holdings: the archive.
        collection: slug; None for all.
        workers: processes.
        quick: names, sizes and extents only; no file is read.
        older_than: files that were verified less long ago, without an error, are passed over; None for none.
        complete: see `Verifier`.

    Attributes:
        skipped: number of files passed over, known once `run` has begun.
        total: bytes to be read, likewise.
    """

    def __init__(
        self,
        holdings: Holdings,
        *,
        collection: str | None = None,
        workers: int = 1,
        quick: bool = False,
        older_than: timedelta | None = None,
        complete: bool = False,
    ) -> None:
        self._holdings = holdings
        self._collection = collection
        self._workers = workers
        self._quick = quick
        self._older_than = older_than
        self._complete = complete
        self.skipped = 0
        self.total = 0

    def run(self, clock: Callable[[], datetime], progress: Callable[[int], None] = lambda _: None) -> Iterator[FileReport]:
        """A report for each file as it is done, and one for the archive as a whole; interrupted, it goes on where it was
        when called again with `older_than`.

        Raises:
            StorageFailed: the database cannot be read or written.
        """
        holdings = self._holdings
        # In this order: what is finished after this look has its rows by the time they are copied.
        unfinished = set(holdings.store.unfinished())
        known = [file for file in self._known() if file.state != "removed" and file.name not in unfinished]
        wanted = [file for file in known if not self._is_fresh(file, clock())]
        self.skipped = len(known) - len(wanted)
        with tempfile.TemporaryDirectory(prefix="muniment-verify-") as folder:
            copied = Copied(Path(folder) / "rows.db")
            copied.make(holdings.engine, None if self._collection is None else [file.name for file in known])
            by_name = {file.name: file for file in wanted}
            if self._quick:
                reports = self._quickly(wanted, copied)
            else:
                subjects = [
                    Subject(file.name, partial(holdings.store.open, file.name), file.fixity, file.size, True) for file in wanted
                ]
                verifier = Verifier(subjects, copied=copied, workers=self._workers, complete=self._complete)
                reports = verifier.run(self._counted(verifier, progress))
            for report in reports:
                file = by_name[report.file]
                self._compare_parts(report, file, copied)
                if not self._quick:
                    self._remember(file, report, clock())
                yield report
            log = str(Path(folder) / "archive.ndjson") if self._complete else ""
            yield self._whole(known, unfinished, copied, log)

    def _counted(self, verifier: Verifier, progress: Callable[[int], None]) -> Callable[[int], None]:
        def passed(count: int) -> None:
            self.total = verifier.total
            progress(count)

        return passed

    def _known(self) -> list[Known]:
        columns = files.c
        statement = (
            select(
                columns.id, columns.name, columns.size, columns.md5, columns.sha1, columns.sha256, columns.state,
                verifications.c.verified_at, verifications.c.size, verifications.c.errors,
            )
            .join(verifications, verifications.c.file_id == columns.id, isouter=True)
            .order_by(columns.id)
        )  # fmt: skip
        if self._collection is not None:
            number = select(collections.c.id).where(collections.c.slug == self._collection).scalar_subquery()
            mine = select(captures.c.file_id).where(captures.c.collection_id == number).distinct()
            parts = select(file_parts.c.file_id).where(file_parts.c.collection_id == number)
            statement = statement.where(or_(columns.id.in_(mine), columns.id.in_(parts)))
        with reading(self._holdings.engine) as connection:
            return [_known(row) for row in connection.execute(statement)]

    def _is_fresh(self, file: Known, now: datetime) -> bool:
        if self._older_than is None or not file.verified_at:
            return False
        try:
            if now - parse_iso(file.verified_at) >= self._older_than:
                return False
            return file.verified_size == self._holdings.store.size(file.name)
        except (InvalidTimestamp, MunimentError):
            return False

    def _remember(self, file: Known, report: FileReport, now: datetime) -> None:
        row = {
            "file_id": file.number,
            "verified_at": to_iso(now, 0),
            "size": report.size,
            "errors": report.log.has(Severity.ERROR),
            "warnings": report.log.has(Severity.WARNING),
        }
        with writing(self._holdings.engine) as connection:
            connection.execute(insert_or_replace(self._holdings.engine, verifications), row)

    def _quickly(self, wanted: Sequence[Known], copied: Copied) -> Iterator[FileReport]:
        """Names, sizes and extents."""
        for file in wanted:
            report = FileReport(file.name, 0, Log(file.name))
            try:
                report.size = self._holdings.store.size(file.name)
            except MunimentError:
                report.log.note("file-missing", -1)
                yield report
                continue
            if file.size is not None and file.size != report.size:
                report.log.note("file-size", -1, f"{report.size:,} bytes, noted {file.size:,}")
            for row in copied.rows(file.name, 0, 1 << 62):
                if row.offset + row.length > report.size:
                    report.log.note("index-no-record", row.offset, "past the end of the file", row.url)
            yield report

    def _compare_parts(self, report: FileReport, file: Known, copied: Copied) -> None:
        """What was noted when the file was taken in, against the rows that are there now."""
        statement = (
            select(collections.c.slug, file_parts.c.captures, file_parts.c.first_timestamp, file_parts.c.last_timestamp)
            .join(collections, collections.c.id == file_parts.c.collection_id)
            .where(file_parts.c.file_id == file.number)
        )
        with reading(self._holdings.engine) as connection:
            noted = {row[0]: (row[1], row[2], row[3]) for row in connection.execute(statement)}
        if not noted:
            return
        found = {part.collection: (part.captures, part.first, part.last) for part in copied.parts(file.name)}
        for slug in sorted(noted.keys() | found.keys()):
            one, other = noted.get(slug, (0, None, None)), found.get(slug, (0, None, None))
            if one != other:
                report.log.note("file-parts", -1, f"{slug}: {other[0]:,} captures, noted {one[0]:,}")

    # -- the archive as a whole --------------------------------------------------------------------------------------

    def _whole(self, known: Sequence[Known], unfinished: set[str], copied: Copied, log_path: str) -> FileReport:
        report = FileReport(WHOLE, 0, Log(WHOLE, log_path))
        log = report.log
        held = {file.name for file in known}
        if self._collection is None:
            for name in self._holdings.store.names():
                if name not in held and name not in unfinished:
                    log.note("file-unknown", -1, "", name)
            for name in sorted(unfinished):
                log.note("file-open", -1, "", name)
        self._compare_crawl_files(held, log)
        for file, offset, url, target, moment in copied.broken_revisits():
            log.note(
                "index-revisit", offset, f"in {file}: repeats {target or 'something that is not named'} {moment}".strip(), url
            )
        self._compare_memory(copied, log)
        report.logs = [log_path] if log_path and log.counts else []
        return report

    def _compare_crawl_files(self, held: set[str], log: Log) -> None:
        columns = crawl_files.c
        with reading(self._holdings.engine) as connection:
            rows = connection.execute(select(columns.name, columns.committed, columns.finished)).all()
        for name, committed, finished in rows:
            if name not in held:
                continue
            try:
                size = self._holdings.store.size(name)
            except MunimentError:
                continue  # told with the file
            if finished and size > committed > 0:
                log.note("index-crawl-file", -1, f"{size - committed:,} bytes", name)
            elif size < committed:
                log.note("file-size", -1, f"{size:,} bytes, the crawl wrote {committed:,}", name)

    def _compare_memory(self, copied: Copied, log: Log) -> None:
        """What captures to come would refer to."""
        if self._collection is not None:
            return  # other collections are not copied
        for rule, table in (("index-payload", payloads), ("index-validator", validators)):
            statement = select(collections.c.slug, table.c.url, table.c.timestamp).join(
                collections, collections.c.id == table.c.collection_id
            )
            for slug, url, timestamp in copied.holds(self._streamed(statement)):
                log.note(rule, -1, f"{timestamp} in {slug}", url)

    def _streamed(self, statement: Select[Any]) -> Iterator[tuple[str, str, int]]:
        with reading(self._holdings.engine) as connection:
            streaming = connection.execution_options(yield_per=_AT_ONCE)
            for batch in streaming.execute(statement).partitions():
                yield from ((row[0], row[1], row[2]) for row in batch)


def _known(row: Any) -> Known:
    number, name, size, md5, sha1, sha256, state, verified_at, verified_size, errors = row
    fixity = {algorithm: value for algorithm, value in (("sha256", sha256), ("sha1", sha1), ("md5", md5)) if value}
    return Known(number, name, size, fixity, state, verified_at if verified_at and not errors else "", verified_size)
