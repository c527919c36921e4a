"""One stored file as batches of rows for the database: captures, and what later captures can refer to."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from archiver.errors import DamagedRecord
from archiver.index.entry import capture_of_stored, why_not_indexed
from archiver.index.pairing import Pairing, RequestNote, belong, concurrent_of
from archiver.index.quick import (
    DIGEST,
    KEY,
    LENGTH,
    OFFSET,
    STATUS,
    TARGET_ID,
    TARGET_TIME,
    TARGET_URL,
    TIMESTAMP,
    Looker,
    QuickCapture,
    stored_header,
)
from archiver.model import Capture
from archiver.warc.bulk import QuickRecord, read_quickly
from archiver.warc.dedup import validators
from archiver.warc.reader import BadRecord, StoredRecord, iter_records
from archiver.warc.records import LOOKED_UP, labelled

#: Rows of a batch, about.
BATCH_ROWS = 8_000

#: Records of one file that are named one by one; more are counted.
_NAMED = 1000

Row = tuple[Any, ...]

#: Told of something that got no row: where it begins, type of the record and its URL or "", the reason.
Told = Callable[[int, str, str, str], None]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the rows of a file go, so that reading can go on there.

    Attributes:
        upto: offset of a record before which everything is in the rows of this batch and those before it.
        captures: rows of the file so far.
        first: timestamp of the oldest, as a number; None for none.
        last: of the newest.
    """

    upto: int = 0
    captures: int = 0
    first: int | None = None
    last: int | None = None

    def plus(self, rows: list[Row], upto: int) -> Progress:
        """With more rows."""
        if not rows:
            return replace(self, upto=upto)
        moments = [row[TIMESTAMP] for row in rows]
        first, last = min(moments), max(moments)
        return Progress(
            upto,
            self.captures + len(rows),
            first if self.first is None else min(self.first, first),
            last if self.last is None else max(self.last, last),
        )


@dataclass(slots=True)
class Batch:
    """Rows of one file.

    Attributes:
        rows: of captures, in the order of `quick.ROW`.
        payloads: (digest, url, timestamp, record id) of whole captures.
        validators: (urlkey, url, etag, last modified, digest, timestamp, record id, timestamp of the visit).
        progress: how far reading is with it.
    """

    rows: list[Row] = field(default_factory=list)
    payloads: list[Row] = field(default_factory=list)
    validators: list[Row] = field(default_factory=list)
    progress: Progress = field(default_factory=Progress)


@dataclass(frozen=True, slots=True)
class NotIndexed:
    """A record that should have been indexed and was not."""

    offset: int
    record_type: str
    url: str
    reason: str


@dataclass(slots=True)
class Counts:
    """What was met in a file.

    Attributes:
        records: number by type.
        indexed: rows.
        skipped: reason → number of records that got no row.
        named: those of them whose type alone is not the reason; the first thousand.
        bad: places that could not be read, the first thousand.
        unnamed_bad: bad places beyond those.
        unnamed: records not indexed beyond those named.
    """

    records: Counter[str] = field(default_factory=Counter)
    indexed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    named: list[NotIndexed] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)
    unnamed_bad: int = 0
    unnamed: int = 0

    def note_bad(self, bad: BadRecord) -> None:
        """One more bad place."""
        if len(self.bad) < _NAMED:
            self.bad.append(bad)
        else:
            self.unnamed_bad += 1

    def note_skipped(self, record: StoredRecord, reason: str) -> None:
        """One more record without a row."""
        self.skipped[reason] += 1
        if record.record_type not in LOOKED_UP:
            return
        if len(self.named) < _NAMED:
            self.named.append(NotIndexed(record.offset, record.record_type, record.url, reason))
        else:
            self.unnamed += 1


class FileRows:
    """Reads one file.

    Args:
        stream: the file; sought in.
        looker: of this process.
        min_bytes: shorter payloads are not referred to by later captures.
        start: where an earlier reading got to.
        is_growing: more may be written to it: what its end says is not final, and left for the next time.
        ahead: unpack large records in a second thread before their turn comes.
        only_whole: stop at the first damage.
        told: is given each record that gets no row, and each bad place.
        reached: told where each record is that is read.
    """

    def __init__(
        self,
        stream: BinaryIO,
        looker: Looker,
        *,
        min_bytes: int,
        start: Progress = Progress(),
        is_growing: bool = False,
        ahead: bool = False,
        only_whole: bool = False,
        told: Told | None = None,
        reached: Callable[[int], None] | None = None,
    ) -> None:
        self.counts = Counts()
        self.position = start.upto
        self._stream = stream
        self._looker = looker
        self._min_bytes = max(1, min_bytes)
        self._progress = start
        self._is_growing = is_growing
        self._ahead = ahead
        self._only_whole = only_whole
        self._told = told
        self._reached = reached
        self._routine: dict[str, int] = {}  # records of which the type alone is the reason, by type
        self._rows: list[Row] = []
        self._since: list[Row] = []  # rows since the last place where reading can go on
        self._payloads: list[Row] = []
        self._validators: list[Row] = []
        self._pending: QuickCapture | None = None
        self._is_last = False
        self._pairing = Pairing()
        self._other: RequestNote | None = None  # a request that is no GET, before its answer
        self._clean = (
            start.upto,
            0,
        )  # where reading can go on, and how many of the rows since the last such place are before it
        self._asked_at = 0  # where the last request is that was no plain one
        self._tail: list[tuple[BadRecord, StoredRecord | None]] = []

    def batches(self) -> Iterator[Batch]:
        """The rows of the file, the last batch with all that was still to come."""
        for item in read_quickly(self._stream, self._looker.look, self._progress.upto, ahead=self._ahead):
            if isinstance(item, QuickRecord):
                ready = self._quick(item)
            elif isinstance(item, StoredRecord):
                ready = self._stored(item)
            else:
                self._damaged(item)
                ready = None
            if self._only_whole and self.counts.bad:
                break
            if ready is not None:
                yield ready
            if self._reached is not None:
                self._reached(self.position)
        yield self._end()

    # -- records -----------------------------------------------------------------------------------------------------

    def _quick(self, item: QuickRecord) -> Batch | None:
        self.position = item.offset
        found = item.found
        if isinstance(found, QuickCapture):
            self._keep_tail()
            self.counts.records[found.kind] += 1
            ready = self._settle(item.offset)
            found.row[OFFSET], found.row[LENGTH] = item.offset, item.length
            self._begin(found)
            return ready
        if isinstance(found, str):
            self._keep_tail()
            self._is_last = False
            if found == "GET":
                found = "request"
                self._pairing.plain_request()
                self._other = None
            self._routine[found] = self._routine.get(found, 0) + 1
            if self._told is not None:
                reason = f"{found or 'unnamed'} records are not looked up"
                header = stored_header(found, item.layout.names, item.head.groups(), item.offset)
                self._told(item.offset, header.record_type, header.url, reason)
            return None
        return self._once_more(item)

    def _once_more(self, item: QuickRecord) -> Batch | None:
        """An ordinary record with something in it that wants a careful look: our own reader reads it, too."""
        here = self._stream.tell()
        self._stream.seek(item.offset)
        record = next(iter_records(self._stream, item.offset))
        assert isinstance(record, StoredRecord)
        ready = self._stored(record)
        record.length = item.length
        self._stream.seek(here)
        return ready

    def _stored(self, item: StoredRecord) -> Batch | None:
        self._keep_tail()
        self.position = item.offset
        self.counts.records[item.record_type or "unnamed"] += 1
        self._is_last = False
        try:
            reason = why_not_indexed(item)
            if item.record_type == "request":
                self._request(item)
            if reason:
                self.counts.note_skipped(item, reason)
                if self._told is not None:
                    self._told(item.offset, item.record_type, item.url, reason)
                return None
            ready = self._settle(item.offset)
            try:
                self._begin(_pending_of(item, self._min_bytes))
            except DamagedRecord as error:
                self._note_bad(BadRecord(item.offset, error.message), item)
            return ready
        except DamagedRecord as error:
            self._note_bad(BadRecord(item.offset, error.message), item)
            return None

    def _begin(self, pending: QuickCapture) -> None:
        key = self._pairing.response(pending.header)
        if key:
            pending.row[KEY], pending.is_get = key, False
        if self._other is not None and belong(self._other, pending.header()):
            pending.is_get = False
        self._other = None
        self._pending, self._is_last = pending, True

    def _request(self, item: StoredRecord) -> None:
        try:
            head = item.http
        except DamagedRecord:
            head = None  # the reader reports it
        method = head.start_line.partition(b" ")[0].upper() if head is not None else b"GET"
        other = None if method == b"GET" else RequestNote(item.url, item.record_id, concurrent_of(item), "")
        pending = self._pending
        key = self._pairing.request(item, has_capture=pending is not None)
        if pending is not None and key:
            pending.row[KEY], pending.is_get = key, False
        if other is not None and pending is not None and belong(other, pending.header()):
            pending.is_get, other = False, None
        self._other, self._asked_at = other, item.offset

    def _damaged(self, bad: BadRecord) -> None:
        if self._is_last and self._pending is not None and self._pending.row[OFFSET] == bad.offset:
            self._pending = None  # the damage is in the record itself
        self._note_bad(bad)

    def _note_bad(self, bad: BadRecord, record: StoredRecord | None = None) -> None:
        if self._is_growing:
            self._tail.append((bad, record))
        else:
            self._say_bad(bad, record)

    def _keep_tail(self) -> None:
        """What was bad is so, and no end that is still to be written: records came behind it."""
        if self._tail:
            for bad, record in self._tail:
                self._say_bad(bad, record)
            self._tail.clear()

    def _say_bad(self, bad: BadRecord, record: StoredRecord | None) -> None:
        self.counts.note_bad(bad)
        if self._told is not None:
            kind, url = ("", "") if record is None else (record.record_type, record.url)
            self._told(bad.offset, kind, url, bad.reason)

    # -- rows --------------------------------------------------------------------------------------------------------

    def _settle(self, offset: int) -> Batch | None:
        """Another capture begins: the row of the one before is final. A batch, when there are enough."""
        if self._pending is not None:
            self._add(self._pending)
            self._pending = None
        # A request whose answer this may be is to be read again with it.
        is_asked = self._pairing.has_request or self._other is not None
        self._clean = (self._asked_at if is_asked else offset, len(self._since))
        if len(self._rows) < BATCH_ROWS:
            return None
        return self._take_to_here()

    def _add(self, pending: QuickCapture) -> None:
        row = pending.row
        if pending.record is not None:
            row[LENGTH] = pending.record.length or row[LENGTH]
        final = tuple(row)
        self._rows.append(final)
        self._since.append(final)
        self.counts.indexed += 1
        digest = row[DIGEST]
        if not pending.is_get or not digest or row[STATUS] is None:
            return
        etag, modified = pending.validators
        place: Row = (row[TIMESTAMP], pending.record_id)
        if pending.kind == "revisit":
            place = (int(row[TARGET_TIME] or 0), row[TARGET_ID] or "")
            if row[TARGET_URL] != pending.url:
                return
        elif pending.is_long:
            self._payloads.append((digest, pending.url, *place))
        if etag or modified:
            self._validators.append((row[KEY], pending.url, etag, modified, digest, *place, row[TIMESTAMP]))

    def _take_to_here(self) -> Batch:
        """All rows, and the last place where reading can go on."""
        offset, count = self._clean
        self._progress = self._progress.plus(self._since[:count], offset)
        del self._since[:count]
        self._clean = (offset, 0)
        ready = Batch(self._rows, self._payloads, self._validators, self._progress)
        self._rows, self._payloads, self._validators = [], [], []
        return ready

    def _end(self) -> Batch:
        """The last batch. A file that grows keeps its last capture for the next time: what will be written behind it may
        belong to it, or show that it is not whole."""
        for kind, count in self._routine.items():
            self.counts.records[kind or "unnamed"] += count
            self.counts.skipped[f"{kind or 'unnamed'} records are not looked up"] += count
        if not self._is_growing:
            if self._pending is not None:
                self._add(self._pending)
            self._clean = (self._stream.tell(), len(self._since))
        return self._take_to_here()


def _pending_of(item: StoredRecord, min_bytes: int) -> QuickCapture:
    """A capture that our own reader read; its block is read here."""
    head, size = item.http, 0
    if head is not None and head.is_chunked and not item.transfer_decoded:
        size = _measure_chunked(item, min_bytes)
    elif head is not None:
        size = item.content_length - len(head.raw)
    capture = capture_of_stored(item, "", "")
    pending = QuickCapture(item.record_type, row_of(capture), item.url, item.record_id, record=item)
    if head is not None and head.status is not None and item.record_type != "resource" and capture.truncated is None:
        pending.is_long = item.record_type == "response" and size >= min_bytes
        if head.status == 200:
            pending.validators = validators(head, item.date)
    return pending


def _measure_chunked(item: StoredRecord, min_bytes: int) -> int:
    """Bytes of a payload without its chunks, or enough of them; its digest becomes a field where the record names none."""
    sha1 = None if item.get("WARC-Payload-Digest") else hashlib.sha1(usedforsecurity=False)
    size = 0
    for piece in item.payload():
        size += len(piece)
        if sha1 is not None:
            sha1.update(piece)
        elif size >= min_bytes:
            break
    if sha1 is not None and item.record_type != "revisit":
        item.fields = (("WARC-Payload-Digest", labelled(sha1.digest())), *item.fields)
    return size


def row_of(capture: Capture) -> list[Any]:
    """The values of a row, in the order of `quick.ROW`."""
    target = capture.revisit_of
    return [
        capture.urlkey, int(capture.timestamp), capture.offset, capture.length, capture.url, capture.mime, capture.status,
        capture.digest, capture.truncated.value if capture.truncated else None, int(target is not None),
        target.url if target else None, target.timestamp if target else None, target.record_id if target else None,
    ]  # fmt: skip
