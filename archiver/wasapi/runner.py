"""Works on the jobs of WASAPI, one after the other, in a thread of the server; what was cut short is gone on with."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from gzip import GzipFile
from importlib.metadata import version
from pathlib import Path
from threading import Event, Thread
from typing import BinaryIO
from uuid import uuid4

from archiver.collections.access import ALL_KEYS
from archiver.errors import MissingRecord, MunimentError, NotFound
from archiver.export.lines import CDX_HEADER, cdx_line, in_order, line_of_row
from archiver.fixity import measure
from archiver.holdings import Holdings
from archiver.index.protocol import Row
from archiver.timestamps import to_iso
from archiver.warc.records import WarcInfo
from archiver.wasapi.jobs import Function, JobBoard, JobLost, WasapiJob
from archiver.wasapi.query import parse_query
from archiver.wasapi.wat import write_wat
from archiver.wasapi.webdata import Webdata, WebFile

logger = logging.getLogger(__name__)

#: Seconds between two looks for jobs that were ordered or left behind elsewhere, between two signs of life, and between two
#: looks for old results.
_LOOK = 10.0
_BEAT = 10.0
_TIDY = 3600.0
_PART = ".part"


class JobRunner:
    """Makes what was ordered.

    Args:
        holdings: the opened archive.
        board: its jobs.
        clock: the time, UTC.
        new_id: makes WARC-Record-IDs.
        monotonic: seconds that never go backwards.
    """

    def __init__(
        self,
        holdings: Holdings,
        board: JobBoard,
        clock: Callable[[], datetime],
        *,
        new_id: Callable[[], str] = lambda: f"<urn:uuid:{uuid4()}>",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._holdings = holdings
        self._board = board
        self._clock = clock
        self._new_id = new_id
        self._monotonic = monotonic
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._is_over = Event()
        self._ordered = Event()
        self._thread: Thread | None = None
        self._last_beat = self._last_tidy = float("-inf")

    def start(self) -> None:
        """Look for jobs from now on."""
        self._thread = Thread(target=self._work, name="wasapi-jobs", daemon=True)
        self._thread.start()

    def ordered(self) -> None:
        """There is a new job."""
        self._ordered.set()

    def close(self, timeout: float = 15.0) -> None:
        """Stop; the job that runs is left for the next start, with what it has made."""
        self._is_over.set()
        self._ordered.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _work(self) -> None:
        while not self._is_over.is_set():
            self._ordered.clear()
            try:
                if self._monotonic() - self._last_tidy > _TIDY:
                    self._last_tidy = self._monotonic()
                    self._board.tidy()
                if self.run_one():
                    continue
            except MunimentError as error:  # the database is away; it may come back
                logger.error("jobs cannot be worked on: %s", error)
            except Exception:  # the edge of a thread: nobody above could report it
                logger.exception("jobs cannot be worked on")
            self._ordered.wait(_LOOK)

    def run_one(self) -> bool:
        """Work on one job that waits; False when there is none."""
        job = self._board.claim(self._owner)
        if job is None:
            return False
        try:
            self._run(job)
        except JobLost:
            with suppress(JobLost):
                self._board.release(job.token, self._owner)
        return True

    def _run(self, job: WasapiJob) -> None:
        try:
            folder = self._board.folder(job.token)
            folder.mkdir(parents=True, exist_ok=True)
            made = {file.filename: file for file in job.files if (folder / file.filename).is_file()}
            steps = self._wats(job) if job.function is Function.BUILD_WAT else self._cdxs(job)
            for number, (name, build) in enumerate(steps, 1):
                if name not in made:
                    made[name] = build(folder)
                    self._board.keep(job.token, self._owner, list(made.values()), number)
            self._board.complete(job.token, self._owner)
        except JobLost:
            raise
        except MunimentError as error:
            self._board.fail(job.token, self._owner, str(error))
        except OSError as error:
            self._board.fail(job.token, self._owner, f"The result could not be written: {error.strerror or 'no reason given'}.")
        except Exception:
            logger.exception("job %s failed", job.token)
            self._board.fail(job.token, self._owner, "An unexpected error ended this job. The log of the workbench says which.")

    def _beat(self, token: str) -> None:
        if self._is_over.is_set():
            raise JobLost
        now = self._monotonic()
        if now - self._last_beat > _BEAT:
            self._last_beat = now
            self._board.beat(token, self._owner)

    # -- WAT ---------------------------------------------------------------------------------------------------------

    def _wats(self, job: WasapiJob) -> Iterator[tuple[str, Callable[[Path], WebFile]]]:
        """The files to make with how to make them: one of each WARC file."""
        for source, stored in Webdata(self._holdings).each(parse_query(job.query)):
            yield _derived_name(source.filename, "wat"), lambda folder, s=source, n=stored: self._wat(job, folder, s, n)  # type: ignore[misc]

    def _wat(self, job: WasapiJob, folder: Path, source: WebFile, stored: str) -> WebFile:
        name = _derived_name(source.filename, "wat")
        info = WarcInfo(
            software=f"Muniment {version('muniment')}",
            operator=self._holdings.settings.operator,
            is_part_of=source.collection,
            description=f"WAT of {source.filename}",
            robots="",
        )
        try:
            warc = self._holdings.store.open(stored)
        except MissingRecord as error:
            raise NotFound(
                f"{source.filename} is not where it was.",
                "Have the archive verified.",
                command="Verify the archive with: muniment verify",
            ) from error
        with warc, _whole(folder / name) as target:
            write_wat(
                warc,
                target,
                name=source.filename,
                info=info,
                clock=self._clock,
                new_id=self._new_id,
                beat=lambda: self._beat(job.token),
            )
        return self._result(job, folder, name, "wat", source)

    # -- CDX ---------------------------------------------------------------------------------------------------------

    def _cdxs(self, job: WasapiJob) -> Iterator[tuple[str, Callable[[Path], WebFile]]]:
        """One of each collection: the lines of all its files that are meant, in order."""
        shown: dict[str, dict[str, str]] = {}
        for source, stored in Webdata(self._holdings).each(parse_query(job.query)):
            shown.setdefault(source.collection, {})[stored] = source.filename
        for slug, names in shown.items():
            name = f"{slug}-{job.token[:12]}.cdx.gz"
            yield name, lambda folder, s=slug, n=name, m=names: self._cdx(job, folder, s, n, m)  # type: ignore[misc]

    def _cdx(self, job: WasapiJob, folder: Path, slug: str, name: str, shown: dict[str, str]) -> WebFile:
        """Lines of a collection's captures that lie in these files, with the names under which those are fetched."""
        batches = self._holdings.index.scan_rows((slug,), (ALL_KEYS,))
        lines = (
            line_of_row(row)._replace(file=shown[row[8]])
            for rows in self._beating(job, batches)
            for row in rows
            if row[8] in shown
        )
        with _whole(folder / name) as target, GzipFile("", "wb", 6, target, mtime=0) as packed:
            packed.write(f"{CDX_HEADER}\n".encode())
            for line in in_order(lines, cdx_line):
                packed.write(line.encode("utf-8", "surrogatepass"))
        return self._result(job, folder, name, "cdx", None, slug)

    def _beating(self, job: WasapiJob, batches: Iterator[Sequence[Row]]) -> Iterator[Sequence[Row]]:
        for rows in batches:
            self._beat(job.token)
            yield rows

    def _result(
        self, job: WasapiJob, folder: Path, name: str, filetype: str, source: WebFile | None, slug: str = ""
    ) -> WebFile:
        with (folder / name).open("rb") as stream:
            fixity = measure(stream)
        return WebFile(
            name, filetype, fixity.size, fixity.md5, fixity.sha1, fixity.sha256,
            source.collection if source else slug,
            source.crawl if source else None,
            source.crawl_time if source else "",
            source.crawl_start if source else "",
            to_iso(self._clock(), 0), (job.token, name),
        )  # fmt: skip


def _derived_name(warc: str, kind: str) -> str:
    """Such as "x.warc.wat.gz" of "x.warc.gz"."""
    return f"{warc.removesuffix('.gz').removesuffix('.zst')}.{kind}.gz"


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A file that has its name once it is whole and on the disk."""
    part = path.with_name(path.name + _PART)
    try:
        with part.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
