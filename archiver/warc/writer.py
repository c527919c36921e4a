"""Writes exchanges into WARC files: byte-exact, one gzip member a record, an event never split over two files."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from threading import RLock
from typing import BinaryIO

from archiver.errors import StorageFailed
from archiver.fixity import Fixity, Measure
from archiver.model import Exchange, RevisitTarget, WrittenRecord
from archiver.store.protocol import WarcStore
from archiver.timestamps import to_iso, to_timestamp
from archiver.warc.dedup import Condition, KnownPayload, Revisit, revisit_for
from archiver.warc.drafts import Body, Draft, PageContext, body_of, drafts_of
from archiver.warc.records import (
    Fields,
    WarcInfo,
    field_lines,
    is_looked_up,
    record_lines,
    sha1_of,
    warcinfo_block,
)
from archiver.warc.tail import Tail

#: Bytes after which what was written is measured: a full file must not keep its writers waiting.
_MEASURE_EVERY = 4 * 1024 * 1024

__all__ = ["FinishedFile", "PageContext", "WarcInfo", "WarcWriter"]


@dataclass(frozen=True, slots=True)
class FinishedFile:
    """A WARC file that nothing more is written to.

    Attributes:
        name: in the store.
        fixity: its size and digests.
        captures: records in it that replay looks up.
        first: timestamp of the oldest of them, 14 digits; "" for none.
        last: of the newest.
    """

    name: str
    fixity: Fixity
    captures: int
    first: str
    last: str


class WarcWriter:
    """Appends to a series of WARC files; safe to use from several threads.

    Args:
        store: where files live.
        prefix: start of their names.
        warcinfo: said at the start of each file.
        clock: the time, UTC.
        new_id: makes WARC-Record-IDs.
        max_bytes: a file that has reached this size is finished before the next event.
        hostname: part of file names; this machine's by default.
        chunked: "portable" or "exact", see `archiver.warc.drafts`.
        on_begin: told the name of each file before the first exchange is written to it.
        on_finish: told of each file when all of it is on the disk, before it gets its final name: after a crash between
            the two it is mended, and told of by who mends it.
    """

    def __init__(
        self,
        store: WarcStore,
        *,
        prefix: str,
        warcinfo: WarcInfo,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        max_bytes: int = 1_000_000_000,
        hostname: str | None = None,
        chunked: str = "portable",
        on_begin: Callable[[str], None] | None = None,
        on_finish: Callable[[FinishedFile], None] | None = None,
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._hostname = (socket.gethostname() if hostname is None else hostname).partition(".")[0] or "localhost"
        self._info = replace(warcinfo, hostname=warcinfo.hostname or self._hostname)
        self._clock = clock
        self._new_id = new_id
        self._max_bytes = max_bytes
        self._on_begin = on_begin
        self._on_finish = on_finish
        self._measure = Measure()
        self._captured = _Span()
        self._portable = chunked != "exact"
        self._lock = RLock()
        self._tail: Tail | None = None
        self._name = ""
        self._warcinfo_id = ""
        self._serial = 0
        self._finished: list[str] = []
        self._position = ("", 0)

    def write_exchange(
        self,
        exchange: Exchange,
        *,
        page: PageContext | None = None,
        known: KnownPayload | None = None,
        asked: Condition | None = None,
    ) -> tuple[WrittenRecord, ...]:
        """Write the response (or revisit), request and metadata records of one exchange.

        Args:
            exchange: as fetched.
            page: how the URL was found.
            known: looks up whether the payload is held already; None to write it in any case.
            asked: the condition that was sent with the request, if one was.

        Returns:
            The records written, the response or revisit first; nothing when no byte of a response arrived.

        Raises:
            StorageFailed: the disk did not take it; the file is as it was before.
        """
        return self._write_message(exchange, page, lambda body: _revisit(exchange, body, known, asked))

    def write_revisit(
        self,
        exchange: Exchange,
        target: RevisitTarget,
        target_date: datetime | None,
        *,
        profile: str,
        page: PageContext | None = None,
    ) -> tuple[WrittenRecord, ...]:
        """Write a response that repeats a certain capture as a revisit record: its head, and a pointer."""
        date = to_iso(target_date) if target_date else ""
        return self._write_message(exchange, page, lambda body: Revisit(profile, target, body.payload_digest, date))

    def _write_message(
        self, exchange: Exchange, page: PageContext | None, decide: Callable[[Body], Revisit | None]
    ) -> tuple[WrittenRecord, ...]:
        if exchange.response is None:
            return ()
        body = body_of(exchange, portable=self._portable)
        try:
            return self._write_event(drafts_of(exchange, body, page or PageContext(), decide(body), self._new_id))
        finally:
            if body.block is not exchange.response:
                body.block.close()

    def write_resource(self, url: str, mime: str, data: bytes, *, date: datetime) -> WrittenRecord:
        """Write a resource record: something that did not come by HTTP."""
        payload = sha1_of(data)
        fields: Fields = [
            ("WARC-Target-URI", url),
            ("WARC-Payload-Digest", payload),
            ("WARC-Block-Digest", payload),
            ("Content-Type", mime),
        ]
        block, length = BytesIO(data), len(data)
        draft = Draft("resource", self._new_id(), url, date, field_lines(fields), block, length, mime, None, payload)
        return self._write_event([draft])[0]

    def position(self) -> tuple[str, int]:
        """(file, end of what is written to it): nothing that is written from now on lies before it; ("", 0) before any file."""
        return self._position

    def sync(self) -> None:
        """Put everything written so far on the disk.

        Raises:
            StorageFailed: the disk did not take it.
        """
        with self._lock:
            if self._tail is None:
                return
            try:
                os.fsync(self._tail.file.fileno())
            except OSError as error:
                raise StorageFailed(
                    f"The WARC file could not be put on the disk: {error.strerror}.", "What was there before is kept."
                ) from error

    def close(self) -> tuple[str, ...]:
        """Finish the current file; the names of all files written."""
        with self._lock:
            self._finish()
            return tuple(self._finished)

    # -- files -------------------------------------------------------------------------------------------------------

    def _write_event(self, drafts: list[Draft]) -> tuple[WrittenRecord, ...]:
        with self._lock:
            tail = self._ready()
            start = tail.position
            try:
                written = tuple([self._write(tail, draft) for draft in drafts])
                tail.hand_on()
            except OSError as error:
                self._roll_back(tail, start)
                raise _not_written(error) from error
            except BaseException:
                self._roll_back(tail, start)
                raise
            self._position = (self._name, tail.position)
            self._captured.add(written)
            if tail.position - self._measure.size >= _MEASURE_EVERY:
                self._catch_up(tail.file)
            return written

    def _catch_up(self, file: BinaryIO) -> None:
        """Measure what was written since the last time: whole events, which stay."""
        while data := os.pread(file.fileno(), _MEASURE_EVERY, self._measure.size):
            self._measure.update(data)

    def _write(self, tail: Tail, draft: Draft) -> WrittenRecord:
        offset = tail.position
        lines = draft.lines
        if draft.record_type != "warcinfo":
            lines = f"WARC-Warcinfo-ID: {self._warcinfo_id}\r\n{lines}"
        lines = record_lines(draft.record_type, draft.record_id, draft.date, lines)
        self._append(tail, lines, draft.block, draft.length, draft.mime)
        return WrittenRecord(
            draft.record_type,
            draft.record_id,
            draft.url,
            draft.date,
            self._name,
            offset,
            tail.position - offset,
            draft.mime,
            draft.status,
            draft.payload_digest,
            draft.revisit_of,
            draft.truncated,
            draft.payload_length,
        )

    def _roll_back(self, tail: Tail, start: int) -> None:
        """Take a half-written event off the file again."""
        try:
            tail.cut(start)
        except OSError:
            # The tail stays; the next start cuts it off. Nothing may be appended behind it.
            self._tail = None
            with suppress(OSError), tail.file:
                os.fsync(tail.file.fileno())

    def _ready(self) -> Tail:
        if self._tail is not None and self._tail.position >= self._max_bytes:
            self._finish()
        return self._tail or self._begin()

    def _begin(self) -> Tail:
        from archiver.warc.serialise import write_record  # not needed before there is something to write

        self._append = write_record
        now = self._clock()
        while True:
            stamp = f"{to_timestamp(now)}{now.microsecond // 1000:03d}"
            self._name = f"{self._prefix}-{stamp}-{self._serial:05d}-{self._hostname}.warc.gz"
            self._serial += 1
            try:
                tail = Tail(self._store.create(self._name))
                break
            except FileExistsError:
                continue  # another process began at the same moment
        self._measure, self._captured = Measure(), _Span()
        self._warcinfo_id = self._new_id()
        block = warcinfo_block(self._info)
        fields: Fields = [
            ("WARC-Filename", self._name),
            ("WARC-Block-Digest", sha1_of(block)),
            ("Content-Type", "application/warc-fields"),
        ]
        try:
            self._write(tail, Draft("warcinfo", self._warcinfo_id, "", now, field_lines(fields), BytesIO(block), len(block)))
            tail.hand_on()
        except OSError as error:
            tail.file.close()
            self._store.discard(self._name)
            raise _not_written(error) from error
        self._tail = tail
        if self._on_begin is not None:
            self._on_begin(self._name)
        return tail

    def _finish(self) -> None:
        tail = self._tail
        if tail is None:
            return
        self.sync()
        try:
            if self._on_finish is not None:
                self._catch_up(tail.file)
                found = self._captured
                self._on_finish(FinishedFile(self._name, self._measure.result(), found.count, found.first or "", found.last))
        finally:
            self._store.finish(self._name)
            tail.file.close()
            self._tail = None
            self._finished.append(self._name)


def _not_written(error: OSError) -> StorageFailed:
    return StorageFailed(f"The WARC file could not be written: {error.strerror}.", "What was written before is kept.")


class _Span:
    """How many records that replay looks up were written, and from when to when they are."""

    def __init__(self) -> None:
        self.count = 0
        self.first: str | None = None
        self.last = ""

    def add(self, written: tuple[WrittenRecord, ...]) -> None:
        for record in written:
            if is_looked_up(record.record_type, record.status):
                moment = to_timestamp(record.date)
                self.count += 1
                self.first = min(self.first or moment, moment)
                self.last = max(self.last, moment)


def _revisit(exchange: Exchange, body: Body, known: KnownPayload | None, asked: Condition | None) -> Revisit | None:
    if known is None and asked is None:
        return None
    return revisit_for(exchange, body.payload_digest, body.payload_length, known, asked)
