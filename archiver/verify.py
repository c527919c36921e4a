"""Verifies files and whole archives: what each file is by the rules, index against records, database against files.

Work is cut into parts of files that several processes take; each file's parts are joined when the last is done. Everything that
an archive is compared with is read from the database once, before.
"""

from __future__ import annotations

import hashlib
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from archiver.errors import MissingRecord, MunimentError
from archiver.warc.check import FileReport, Log, PartReport, can_be_parted, check_part, join_parts

if TYPE_CHECKING:
    from archiver.index.compare import Copied

_PART = 64 * 1024 * 1024
_SMALLEST_PART = 8 * 1024 * 1024
_PIECE = 1024 * 1024

#: Digests of the database by which a file is compared, the strongest first.
_STRENGTH = ("sha256", "sha1", "md5")


@dataclass(frozen=True)
class Subject:
    """A file to verify.

    Attributes:
        name: of the file.
        open: opens it for reading.
        fixity: algorithm → digest, hexadecimal, as the database has it.
        size: as the database has it; None when it has none.
        is_held: it is a file of the archive, to be compared with the index.
    """

    name: str
    open: Callable[[], BinaryIO]
    fixity: dict[str, str] = field(default_factory=dict)
    size: int | None = None
    is_held: bool = False


@dataclass(frozen=True)
class _Job:
    """A part of a file, or with `fixity` its digest as a whole."""

    number: int
    start: int = 0
    end: int | None = None
    fixity: bool = False


@dataclass(frozen=True)
class _Plan:
    """What the processes share."""

    subjects: Sequence[Subject]
    sizes: Sequence[int]
    copied: Copied | None
    folder: str
    complete: bool

    def log(self, name: str) -> str:
        """Where findings go as JSON lines; "" when nobody wants them."""
        return f"{self.folder}/{name}.ndjson" if self.complete else ""


_plan: _Plan | None = None


class Verifier:
    """Verifies files one after another or several at once.

    Args:
        subjects: the files.
        copied: the rows of the index; None for files of no archive.
        workers: processes.
        complete: keep all findings as JSON lines, see `FileReport.logs`; they are gone once the next report is asked for.
    """

    def __init__(
        self, subjects: Sequence[Subject], *, copied: Copied | None = None, workers: int = 1, complete: bool = False
    ) -> None:
        self._subjects = subjects
        self._copied = copied
        self._workers = max(1, workers)
        self._complete = complete
        self.passed = 0
        self.total = 0

    def run(self, progress: Callable[[int], None] = lambda _: None) -> Iterator[FileReport]:
        """The reports, as files are done.

        Args:
            progress: told the number of bytes passed since the last time.
        """
        with tempfile.TemporaryDirectory(prefix="muniment-verify-") as spool:
            sizes, unreadable = [], {}
            for number, subject in enumerate(self._subjects):
                try:
                    sizes.append(_size(subject))
                except (OSError, MunimentError) as error:
                    sizes.append(0)
                    unreadable[number] = _reason(error)
            self.total = sum(sizes)
            plan = _Plan(self._subjects, sizes, self._copied, spool, self._complete)
            for number, reason in unreadable.items():
                yield _unreadable(plan, number, reason)
            wanted = [number for number in range(len(sizes)) if number not in unreadable]
            yield from self._joined(plan, wanted, progress)

    def _joined(self, plan: _Plan, wanted: Sequence[int], progress: Callable[[int], None]) -> Iterator[FileReport]:
        parts: dict[int, list[tuple[_Job, PartReport]]] = {}
        left = {}
        jobs = []
        for number in wanted:
            mine = _jobs(plan, number, self._workers)
            left[number] = len(mine)
            jobs += mine
        for job, report in self._done(plan, jobs):
            parts.setdefault(job.number, []).append((job, report))
            left[job.number] -= 1
            if not job.fixity:
                passed = (plan.sizes[job.number] if job.end is None else job.end) - job.start
                self.passed += passed
                progress(passed)
            if not left[job.number]:
                yield _report(plan, job.number, parts.pop(job.number))

    def _done(self, plan: _Plan, jobs: list[_Job]) -> Iterator[tuple[_Job, PartReport]]:
        global _plan  # noqa: PLW0603 - forked processes find it there, with streams that cannot be sent to them
        _plan = plan
        if self._workers == 1 or len(jobs) == 1:
            for job in jobs:
                yield job, _run(job)
            return
        pool = ProcessPoolExecutor(self._workers, mp_context=get_context("fork"), initializer=_begin)
        try:
            waiting: dict[Future[PartReport], _Job] = {}
            rest = iter(jobs)
            while True:
                while len(waiting) < 2 * self._workers and (upcoming := next(rest, None)) is not None:
                    waiting[pool.submit(_run, upcoming)] = upcoming
                if not waiting:
                    return
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield waiting.pop(future), future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def verify_stream(name: str, open_: Callable[[], BinaryIO]) -> FileReport:
    """Verify one file in this process."""
    return next(Verifier([Subject(name, open_)]).run())


def open_file(path: Path) -> BinaryIO:
    """A file of this machine."""
    return path.open("rb")


# -- a file's parts ----------------------------------------------------------------------------------------------------


def _size(subject: Subject) -> int:
    with subject.open() as stream:
        return stream.seek(0, os.SEEK_END)


def _jobs(plan: _Plan, number: int, workers: int) -> list[_Job]:
    subject, size = plan.subjects[number], plan.sizes[number]
    jobs = [_Job(number, fixity=True)] if subject.fixity else []
    part = min(_PART, max(_SMALLEST_PART, size // (4 * workers) + 1))  # small enough for all to be done at the same time
    if workers == 1 or size <= part or _is_package(subject.name):
        return [_Job(number), *jobs]
    with subject.open() as stream:
        if not can_be_parted(stream):
            return [_Job(number), *jobs]
    starts = range(0, size, part)
    return [_Job(number, start, start + part if start + part < size else None) for start in starts] + jobs


def _is_package(name: str) -> bool:
    return name.lower().endswith((".wacz", ".zip"))


def _begin() -> None:
    """A process of the pool: Ctrl-C is for the one that commands it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run(job: _Job) -> PartReport:
    plan = _plan
    assert plan is not None
    subject, size = plan.subjects[job.number], plan.sizes[job.number]
    path = plan.log(f"{job.number}-{job.start}-{job.fixity:d}")
    try:
        with subject.open() as stream:
            if job.fixity:
                return _check_fixity(subject, stream, path)
            if _is_package(subject.name):
                from archiver.wacz.validate import check_package  # with all that ZIP files and signatures need

                return check_package(stream, subject.name, size, log_path=path)
            return _check_records(plan, subject, stream, size, job, path)
    except (OSError, MunimentError) as error:
        report = PartReport(Log(subject.name, path), begin=job.start, end=size if job.end is None else job.end)
        report.log.note("file-unreadable", -1, _reason(error))
        return report


def _check_records(plan: _Plan, subject: Subject, stream: BinaryIO, size: int, job: _Job, path: str) -> PartReport:
    log = Log(subject.name, path)
    comparison = None
    if plan.copied is not None and subject.is_held:
        from archiver.index.compare import Comparison  # nor is a database needed for loose files

        end = 1 << 62 if job.end is None else job.end
        comparison = Comparison(plan.copied, subject.name, job.start, end, log.note)
    observer = None if comparison is None else comparison.seen
    ids = f"{plan.folder}/{job.number}-{job.start}.ids"
    Path(ids).unlink(missing_ok=True)
    report = check_part(stream, log, size, start=job.start, end=job.end, spool=ids, observer=observer)
    if comparison is not None:
        comparison.finish()
    return report


def _check_fixity(subject: Subject, stream: BinaryIO, path: str) -> PartReport:
    """The file as a whole, against what the database says of it."""
    report = PartReport(Log(subject.name, path))
    algorithm = next(name for name in _STRENGTH if name in subject.fixity)
    running = hashlib.new(algorithm, usedforsecurity=False)
    stream.seek(0)
    while data := stream.read(_PIECE):
        running.update(data)
    if running.hexdigest() != subject.fixity[algorithm].lower():
        report.log.note("file-digest", -1, algorithm)
    return report


def _report(plan: _Plan, number: int, done: list[tuple[_Job, PartReport]]) -> FileReport:
    """Join the parts of a file; once more from its beginning to its end when they turn out not to fit."""
    subject, size = plan.subjects[number], plan.sizes[number]
    records = [report for job, report in sorted(done, key=lambda pair: pair[0].start) if not job.fixity]
    others = [report for job, report in done if job.fixity]
    if any(before.end != after.begin for before, after in pairwise(records)):
        for report in records:
            if report.log.path:
                Path(report.log.path).unlink(missing_ok=True)
        records = [_run(_Job(number))]
    path = plan.log(f"{number}-all")
    whole = join_parts(subject.name, size, records, path)
    for report in records:
        for run in report.identifiers:
            Path(run.path).unlink(missing_ok=True)
    for report in others:
        whole.log.join(report.log)
    if subject.size is not None and subject.size != size:
        whole.log.note("file-size", -1, f"{size:,} bytes, noted {subject.size:,}")
    if subject.is_held and not subject.fixity:
        whole.log.note("file-no-digest", -1)
    paths = [report.log.path for report in (*records, *others)] + [path]
    whole.logs = [path for path in paths if path and Path(path).exists()]
    return whole


def _unreadable(plan: _Plan, number: int, reason: str) -> FileReport:
    subject = plan.subjects[number]
    path = plan.log(f"{number}-all")
    report = FileReport(subject.name, 0, Log(subject.name, path), logs=[path] if path else [])
    is_missing = subject.is_held and reason == _MISSING
    report.log.note("file-missing" if is_missing else "file-unreadable", -1, "" if is_missing else reason)
    return report


_MISSING = "not there"


def _reason(error: OSError | MunimentError) -> str:
    if isinstance(error, MissingRecord | FileNotFoundError):
        return _MISSING
    return error.message if isinstance(error, MunimentError) else (error.strerror or str(error))
