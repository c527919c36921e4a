"""Where the files of an archive are, how much they take, what of them is on its way, and when they were last verified."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import case, func, select

from archiver.errors import MunimentError, StorageFailed
from archiver.exportfiles import ExportFiles
from archiver.filelist import is_elsewhere
from archiver.holdings import Holdings
from archiver.incoming import Incoming
from archiver.index.database import reading
from archiver.index.files import HELD, MISSING, PURGED
from archiver.index.holdingstables import verifications
from archiver.index.tables import files

#: Files of each kind that are named; of the others only the number is told.
MOST_NAMED = 100


@dataclass(frozen=True, slots=True)
class Amount:
    """Files, and the bytes of those that were measured."""

    files: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file on this machine: its bytes, and why it has not arrived where it belongs, "" where that is not known."""

    name: str
    bytes: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk of this machine: what is on it, and its bytes."""

    holds: str
    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Verified:
    """What is known of the last looks at the files that are held here.

    Attributes:
        files: that were verified at least once.
        never: that were not.
        oldest, newest: when those were looked at that have waited longest, and those that were last; ISO, UTC, "" for never.
        bad: files in which errors were found the last time.
        bad_names: of these, the first hundred.
    """

    files: int
    never: int
    oldest: str
    newest: str
    bad: int
    bad_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StorageFacts:
    """The files of an archive.

    Attributes:
        place: the folder or URL where WARC files are kept; no secret is in it.
        trouble: why it does not answer; "" when it does.
        held: files in it.
        elsewhere: files that are read where they are, of which only their owner can say more.
        missing: files that were not found where they should be, first hundred names of them.
        missing_count: how many.
        waiting: finished files that are still on this machine; `waiting_total` is of all.
        waiting_total: the same in numbers.
        writing: files that are written now, or were left by a crash.
        exports: files that jobs have exported, and that lie in the archive folder.
        sent: files that were sent to be imported, and wait there.
        disks: of this machine.
        verified: see there.
    """

    place: str
    trouble: str
    held: Amount
    elsewhere: Amount
    missing: tuple[str, ...]
    missing_count: int
    waiting: tuple[LocalFile, ...]
    waiting_total: Amount
    writing: tuple[LocalFile, ...]
    exports: Amount
    sent: Amount
    disks: tuple[Disk, ...]
    verified: Verified


def storage_facts(holdings: Holdings) -> StorageFacts:
    """Look at the files of an archive. The index, not the place itself, is asked how many there are.

    Raises:
        StorageFailed: the database cannot be read.
    """
    trouble = ""
    try:
        holdings.store.check()
    except StorageFailed as error:
        trouble = str(error)
    waiting = [LocalFile(name, _size(holdings, name), why) for name, why in holdings.store.waiting()]
    writing = [LocalFile(name, _size(holdings, name)) for name in holdings.store.unfinished()]
    there = files.c.state.in_((HELD, PURGED))
    amount = select(func.count(), func.coalesce(func.sum(files.c.size), 0)).where(there)
    lost = select(files.c.name).where(files.c.state == MISSING).order_by(files.c.id)
    with reading(holdings.engine) as connection:
        held = Amount(*map(int, connection.execute(amount.where(~is_elsewhere())).one()))
        elsewhere = Amount(*map(int, connection.execute(amount.where(is_elsewhere())).one()))
        missing = tuple(connection.execute(lost.limit(MOST_NAMED)).scalars())
        missing_count = connection.execute(select(func.count()).where(files.c.state == MISSING)).scalar_one()
        looked_at = connection.execute(_looked_at().where(there, ~is_elsewhere())).one()
        bad_files = (
            select(files.c.name).join(verifications, verifications.c.file_id == files.c.id).where(verifications.c.errors > 0)
        )
        bad_names = tuple(connection.execute(bad_files.where(there).order_by(files.c.id).limit(MOST_NAMED)).scalars())
    count, times, oldest, newest, bad = tuple(looked_at)
    verified = Verified(int(times), int(count) - int(times), oldest or "", newest or "", int(bad or 0), bad_names)
    return StorageFacts(
        holdings.store.address, trouble, held, elsewhere, missing, missing_count, tuple(waiting[:MOST_NAMED]),
        Amount(len(waiting), sum(item.bytes for item in waiting)), tuple(writing[:MOST_NAMED]),
        _amount(ExportFiles(holdings.settings.archive).sizes()),
        _amount(item.bytes for item in Incoming(holdings.settings.archive, holdings.collections.now, str).all()),
        tuple(_disks(holdings)), verified,
    )  # fmt: skip


def _looked_at() -> Any:
    """Files; those that were verified, when, and those with errors."""
    bad = func.sum(case((verifications.c.errors > 0, 1), else_=0))
    return select(
        func.count(), func.count(verifications.c.file_id), func.min(verifications.c.verified_at),
        func.max(verifications.c.verified_at), bad,
    ).select_from(files.outerjoin(verifications, verifications.c.file_id == files.c.id))  # fmt: skip


def _amount(sizes: Iterable[int]) -> Amount:
    measured = list(sizes)
    return Amount(len(measured), sum(measured))


def _size(holdings: Holdings, name: str) -> int:
    try:
        return holdings.store.size(name)
    except MunimentError:  # it has just arrived, or been finished under its name
        return 0


def _disks(holdings: Holdings) -> Iterable[Disk]:
    """The disk of the archive folder, and that of the WARC files where it is another one of this machine."""
    home = holdings.settings.archive
    seen: set[int] = set()
    for path, holds in ((home, "the archive folder"), (Path(holdings.store.address), "the WARC files")):
        try:
            device, usage = path.stat().st_dev, shutil.disk_usage(path)
        except (OSError, ValueError):  # an address, not a folder
            continue
        if device not in seen:
            seen.add(device)
            yield Disk(holds, usage.free, usage.total)
