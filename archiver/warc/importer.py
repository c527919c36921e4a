"""Takes WARC and ARC files in, whatever state they are in: streaming, in batches, and nothing dropped silently."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from os import SEEK_END
from pathlib import Path
from typing import BinaryIO
from uuid import NAMESPACE_URL, uuid5

from zlib_ng import zlib_ng

from archiver.errors import DamagedRecord, StorageFailed, UsageError
from archiver.fixity import measure
from archiver.index.batches import FileRows, Progress
from archiver.index.database import writing
from archiver.index.files import FileRegistry
from archiver.index.load import Load, Loader, progress_of
from archiver.index.quick import MIN_BYTES, Looker
from archiver.index.sql import CaptureIndex
from archiver.store.protocol import WarcStore
from archiver.warc.reader import BadRecord, StoredRecord, iter_records

#: Bad places of one file that are named; more are counted.
_NAMED = 1000


@dataclass(frozen=True, slots=True)
class Unindexed:
    """Something that was read and got no row in the index.

    Attributes:
        file: its name in the store, or where it was read.
        offset: where it begins; of a list, the number of its entry or line.
        record_type: as WARC has it; "" for what could not be read.
        url: that it names, or "".
        reason: for people.
    """

    file: str
    offset: int
    record_type: str
    url: str
    reason: str


@dataclass
class ImportReport:
    """What became of one file.

    Attributes:
        file: its name in the store.
        records: number of records by type.
        indexed: rows added, or already there.
        skipped: reason → number of records that replay does not look up.
        bad: places that could not be read.
        unnamed_bad: bad places beyond those named.
        went_on_at: byte from which on it was read, where an earlier import was cut short; what it says is of the rest.
        told: is given each record that got no row, and each bad place, as it is met.
    """

    file: str
    records: Counter[str] = field(default_factory=Counter)
    indexed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    bad: list[BadRecord] = field(default_factory=list)
    unnamed_bad: int = 0
    went_on_at: int = 0
    told: Callable[[Unindexed], None] | None = field(default=None, repr=False, compare=False)

    def note_skipped(self, record: StoredRecord, reason: str) -> None:
        self.skipped[reason] += 1
        if self.told is not None:
            self.told(Unindexed(self.file, record.offset, record.record_type, record.url, reason))

    def note_bad(self, bad: BadRecord, record_type: str = "", url: str = "") -> None:
        if self.told is not None:
            self.told(Unindexed(self.file, bad.offset, record_type, url, bad.reason))
        if len(self.bad) < _NAMED:
            self.bad.append(bad)
        else:
            self.unnamed_bad += 1


def import_file(
    path: Path,
    *,
    collection: str,
    store: WarcStore,
    index: CaptureIndex,
    in_place: bool = False,
    progress: Callable[[int], None] | None = None,
    told: Callable[[Unindexed], None] | None = None,
) -> ImportReport:
    """Take one file into a collection. Importing it again adds nothing twice.

    Args:
        path: a WARC or ARC file, plain or compressed with gzip or Zstandard.
        collection: slug of an existing collection.
        store: where it is copied to.
        index: where its captures go.
        in_place: leave it where it is; it must then stay there.
        progress: told the position in the file, now and then.
        told: is given each record that got no row, and each bad place.

    Raises:
        UsageError: it cannot be read, nothing of it can, or it cannot be used in place.
        StorageFailed: the copy cannot be written.
    """
    if not path.is_file():
        raise UsageError(f"There is no file {path}.")
    if in_place:
        return import_named(str(path.resolve()), collection=collection, store=store, index=index, progress=progress, told=told)
    with path.open("rb") as stream:
        _refuse_unreadable(stream)
        stream.seek(0)
        alone = _records_stand_alone(stream)
    lost: list[BadRecord] = []
    name = _copy(path, store, alone, lost)
    report = ImportReport(name, told=told)
    for bad in lost:
        report.note_bad(BadRecord(bad.offset, f"{bad.reason} It was not copied."))
    with store.open(name) as stream:
        return _index(stream, report, collection, index, progress)


def import_named(
    name: str,
    *,
    collection: str,
    store: WarcStore,
    index: CaptureIndex,
    progress: Callable[[int], None] | None = None,
    told: Callable[[Unindexed], None] | None = None,
) -> ImportReport:
    """Take a file into a collection where it is: whatever the store opens under that name, such as a path or a URL.

    Raises:
        UsageError: nothing of it can be read, or it cannot be used in place.
        MissingRecord: it cannot be read.
    """
    with store.open(name) as stream:
        _refuse_unreadable(stream)
        stream.seek(0)
        if not _records_stand_alone(stream):
            raise UsageError(
                f"{name.rpartition('/')[2]} is compressed as a whole, so its records cannot be read one by one.",
                "Have it copied into the archive: the copy is compressed record by record.",
                command="Import it without --in-place: the copy is compressed record by record.",
            )
        stream.seek(0)
        return _index(stream, ImportReport(name, told=told), collection, index, progress)


def _refuse_unreadable(stream: BinaryIO) -> None:
    """Nobody can read anything of a damaged file but what it says of itself: it is of no use in an archive.

    Raises:
        UsageError: so it is.
    """
    reason = ""
    for item in iter_records(stream):
        if isinstance(item, BadRecord):
            reason = reason or item.reason
            continue
        lacks = item.content_length
        try:
            while data := item.stream.read(65536):
                lacks -= len(data)
        except DamagedRecord as error:
            reason = reason or error.message
            continue
        if lacks > 0:
            reason = reason or "The file ends inside a record."
            continue
        if item.record_type != "warcinfo":
            return
    if reason:
        raise UsageError(
            f"Nothing of it can be read: {reason.rstrip('.')}.",
            "It is damaged or was cut off on its way; get a whole copy and import that. This one was left out.",
        )


def _records_stand_alone(stream: BinaryIO) -> bool:
    """False for a whole file in one gzip member or Zstandard frame."""
    seen = 0
    for item in iter_records(stream):
        if isinstance(item, StoredRecord):
            if not item.alone:
                return False
            seen += 1
        if seen > 2:
            return True
    return True


def _copy(path: Path, store: WarcStore, alone: bool, lost: list[BadRecord]) -> str:
    """Copy a file into the store under a name of its own; the name. What could not be copied is added to `lost`."""
    name = path.name if path.suffix == ".gz" or alone else f"{path.name.removesuffix('.zst')}.gz"
    name = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in name)
    name = name.lstrip("._-") or "imported.warc.gz"
    stem, number = name, 1
    while store.exists(name):
        if store.is_same(name, path) if alone else _is_recompressed(path, store, name):
            return name
        if alone and _begins_with(path, store, name):
            # A copy that was cut short, or a file that grew since: what is indexed of it stays where it is.
            store.replace(name, path)
            return name
        number += 1
        name = f"{number}-{stem}"
    try:
        target = store.create(name)
    except FileExistsError as error:
        raise StorageFailed(f"{path.name} is already being imported.") from error
    with target:
        try:
            with path.open("rb") as source:
                if alone:
                    shutil.copyfileobj(source, target, 1024 * 1024)
                else:
                    lost += _recompress(source, target)
            target.flush()
            os.fsync(target.fileno())
        except BaseException as error:  # also Ctrl-C: half a copy is of no use
            store.discard(name)
            if isinstance(error, OSError):
                raise StorageFailed(f"The copy could not be written: {error.strerror}.") from error
            raise
    store.finish(name)
    return name


def _begins_with(path: Path, store: WarcStore, name: str) -> bool:
    """A file begins with all the bytes of a smaller one of the store."""
    if store.size(name) >= path.stat().st_size:
        return False
    with path.open("rb") as whole, store.open(name) as part:
        while piece := part.read(1024 * 1024):
            if whole.read(len(piece)) != piece:
                return False
    return True


class _Compared:
    """Takes bytes and compares them with those of a stream.

    Raises:
        _Different: they are not the same.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, data: bytes) -> int:
        left = data
        while left:
            piece = self._stream.read(len(left))
            if not piece or not left.startswith(piece):
                raise _Different
            left = left[len(piece) :]
        return len(data)


class _Different(Exception):
    """Bytes are not those that they are compared with."""


def _is_recompressed(path: Path, store: WarcStore, name: str) -> bool:
    """A file of the store is what this one becomes when its records are compressed one by one."""
    with path.open("rb") as source, store.open(name) as stream:
        try:
            _recompress(source, _Compared(stream))
        except _Different:
            return False
        return not stream.read(1)


def _recompress(source: BinaryIO, target: BinaryIO | _Compared) -> list[BadRecord]:
    """One gzip member a record, each record as it was; the places that could not be read."""
    lost: list[BadRecord] = []
    cut = -1  # offset of the last record whose block ended too early
    for item in iter_records(source):
        if isinstance(item, BadRecord):
            if item.offset != cut:
                lost.append(item)
            continue
        gzip = zlib_ng.compressobj(6, wbits=31)
        fields = list(item.fields)
        version = item.version
        if version == "ARC":
            name = f"{item.url} {item.get('WARC-Date')} {item.offset}"
            fields.append(("WARC-Record-ID", f"<urn:uuid:{uuid5(NAMESPACE_URL, name)}>"))
            fields.append(("Content-Length", str(item.content_length)))
            version = "WARC/1.1"
        head = "".join(f"{name}: {value}\r\n" for name, value in fields)
        target.write(gzip.compress(f"{version}\r\n{head}\r\n".encode()))
        try:
            while data := item.stream.read(65536):
                target.write(gzip.compress(data))
        except DamagedRecord:
            cut = item.offset  # the index step reports it
        target.write(gzip.compress(b"\r\n\r\n") + gzip.flush())
    return lost


def _index(
    stream: BinaryIO, report: ImportReport, collection: str, index: CaptureIndex, progress: Callable[[int], None] | None
) -> ImportReport:
    """Index a file; one of which an earlier process did a part goes on there."""
    known = FileRegistry(index.engine, lambda: datetime.now(UTC))
    before = known.part(report.file, collection)
    start = Progress()
    if before is not None and before.fixity is None and (before.part.indexed_to or 0) < stream.seek(0, SEEK_END):
        start = progress_of(before.part)

    def told(offset: int, kind: str, url: str, reason: str) -> None:
        if report.told is not None:
            report.told(Unindexed(report.file, offset, kind, url, reason))

    rows = FileRows(
        stream,
        Looker(MIN_BYTES),
        min_bytes=MIN_BYTES,
        start=start,
        told=told if report.told else None,
        reached=progress,
    )
    loader = Loader(index.engine)
    for batch in rows.batches():
        with writing(index.engine) as connection:
            loader.load(connection, [Load(report.file, (collection,), batch)])
    counts = rows.counts
    report.went_on_at = start.upto
    report.records += counts.records
    report.skipped += counts.skipped
    report.indexed += counts.indexed
    report.bad += counts.bad
    report.unnamed_bad += counts.unnamed_bad
    if "://" not in report.file:  # what is far away would have to be fetched once more
        stream.seek(0)
        known.note(report.file, measure(stream))
    return report
