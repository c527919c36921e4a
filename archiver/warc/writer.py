"""Writes exchanges into WARC files: byte-exact, one gzip member a record, an event never split over two files.

Chunked responses. The standard defines the payload digest over the de-chunked body, while warcio and FastWARC compute it
over the bytes stored; a record that is both raw and right is "damaged" to them. By default ("portable") the body is
therefore stored without its chunk framing below the untouched HTTP head; the extension field WARC-Transfer-Decoded says
so, and the metadata record keeps chunk sizes and trailers, so nothing is lost. "exact" stores the raw framing. The
payload digest is the same either way.
"""

from __future__ import annotations

import hashlib
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from itertools import groupby
from threading import RLock
from typing import BinaryIO, cast

from archiver.errors import StorageFailed
from archiver.fixity import Fixity, Measure
from archiver.message import ChunkedDecoder, Head, read_head
from archiver.model import Exchange, RevisitTarget, Truncation, WrittenRecord
from archiver.store.protocol import WarcStore
from archiver.timestamps import to_iso, to_timestamp
from archiver.warc.dedup import Condition, KnownPayload, Revisit, revisit_for
from archiver.warc.records import (
    ExchangeLines,
    Fields,
    WarcInfo,
    digest,
    field_lines,
    is_looked_up,
    labelled,
    record_lines,
    revisit_fields,
    truncated_field,
    warc_fields,
    warcinfo_block,
)
from archiver.warc.tail import Tail

_PIECE = 256 * 1024
_SPOOL_BYTES = 1024 * 1024
#: Bytes after which what was written is measured: a full file must not keep its writers waiting.
_MEASURE_EVERY = 4 * 1024 * 1024

__all__ = ["FinishedFile", "PageContext", "WarcInfo", "WarcWriter"]


@dataclass(frozen=True, slots=True)
class PageContext:
    """How a URL was found, for its metadata record.

    Attributes:
        via: the URL it was found on, or None.
        hops: hop letters from the seed.
        notes: further names and values for the record.
    """

    via: str | None = None
    hops: str = ""
    notes: tuple[tuple[str, str], ...] = ()


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


@dataclass(slots=True)
class _Draft:
    """A record before it is written: its file decides WARC-Warcinfo-ID, and where it is.

    Attributes:
        lines: header fields of its own, as they are written.
        block: what it carries, with `length` in bytes.
        others: as in `WrittenRecord`.
    """

    record_type: str
    record_id: str
    url: str
    date: datetime
    lines: str
    block: BinaryIO
    length: int
    mime: str = ""
    status: int | None = None
    payload_digest: str = ""
    revisit_of: RevisitTarget | None = None
    truncated: Truncation | None = None
    payload_length: int | None = None


@dataclass(slots=True)
class _Body:
    """What a response's block becomes."""

    block: BinaryIO
    length: int
    head: Head
    payload_digest: str
    payload_length: int
    transfer_decoded: bool
    chunks: tuple[int, ...] = ()
    trailers: bytes = b""


def _in_memory(stream: BinaryIO, length: int) -> BinaryIO:
    """A message from its beginning; a small one without its spool, which takes longer for each line than memory does."""
    stream.seek(0)
    return BytesIO(stream.read()) if length <= _PIECE else stream


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while data := stream.read(_PIECE):
        yield data


def _without_chunks(stream: BinaryIO, decoder: ChunkedDecoder) -> Iterator[bytes]:
    yield from map(decoder.feed, _pieces(stream))
    yield decoder.flush()


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
        chunked: "portable" or "exact", see the module.
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
        self, exchange: Exchange, page: PageContext | None, decide: Callable[[_Body], Revisit | None]
    ) -> tuple[WrittenRecord, ...]:
        if exchange.response is None:
            return ()
        body = self._body(exchange)
        try:
            return self._write_event(self._drafts(exchange, body, page or PageContext(), decide(body)))
        finally:
            if body.block is not exchange.response:
                body.block.close()

    def write_resource(self, url: str, mime: str, data: bytes, *, date: datetime) -> WrittenRecord:
        """Write a resource record: something that did not come by HTTP."""
        payload = digest([data])
        fields: Fields = [
            ("WARC-Target-URI", url),
            ("WARC-Payload-Digest", payload),
            ("WARC-Block-Digest", payload),
            ("Content-Type", mime),
        ]
        block, length = BytesIO(data), len(data)
        draft = _Draft("resource", self._new_id(), url, date, field_lines(fields), block, length, mime, None, payload)
        return self._write_event([draft])[0]

    def position(self) -> tuple[str, int]:
        """(file, end of what is written to it): nothing that is written from now on lies before it; ("", 0) before any file."""
        return self._position

    def sync(self) -> None:
        """Put everything written so far on the disk."""
        with self._lock:
            if self._tail is not None:
                self._tail.file.flush()
                os.fsync(self._tail.file.fileno())

    def close(self) -> tuple[str, ...]:
        """Finish the current file; the names of all files written."""
        with self._lock:
            self._finish()
            return tuple(self._finished)

    # -- what the records say ----------------------------------------------------------------------------------------

    def _body(self, exchange: Exchange) -> _Body:
        """Measure the response; in portable mode take the chunk framing off."""
        stream = _in_memory(cast(BinaryIO, exchange.response), exchange.response_length)
        head = read_head(stream)
        size = len(head.raw)
        sha1 = hashlib.sha1(usedforsecurity=False)
        if not head.is_chunked or exchange.status is None:
            for piece in _pieces(stream):
                sha1.update(piece)
            length = exchange.response_length
            return _Body(stream, length, head, labelled(sha1.digest()), length - size, False)
        decoder = ChunkedDecoder()
        plain = cast(BinaryIO, tempfile.SpooledTemporaryFile(_SPOOL_BYTES))
        plain.write(head.raw)
        length = size
        for piece in _without_chunks(stream, decoder):
            length += len(piece)
            sha1.update(piece)
            plain.write(piece)
        payload = labelled(sha1.digest())
        if self._portable:
            return _Body(plain, length, head, payload, length - size, True, tuple(decoder.sizes), decoder.trailers)
        plain.close()
        return _Body(stream, exchange.response_length, head, payload, length - size, False)

    def _drafts(self, exchange: Exchange, body: _Body, page: PageContext, revisit: Revisit | None) -> list[_Draft]:
        response_id, request_id, metadata_id = self._new_id(), self._new_id(), self._new_id()
        shared = ExchangeLines(exchange)
        request = exchange.request
        _, _, payload = request.partition(b"\r\n\r\n")
        request_lines = (
            f"{shared.beside(response_id, metadata_id)}WARC-Payload-Digest: {digest([payload])}\r\n"
            f"WARC-Block-Digest: {digest([request])}\r\nContent-Type: application/http;msgtype=request\r\n"
        )
        notes = _notes(exchange, body, page)
        notes_lines = (
            f"{shared.beside(response_id, request_id)}WARC-Block-Digest: {digest([notes])}\r\n"
            "Content-Type: application/warc-fields\r\n"
        )
        url, date = exchange.url, exchange.started_at
        return [
            _answer(exchange, body, revisit, response_id, shared.beside(request_id, metadata_id)),
            _Draft("request", request_id, url, date, request_lines, BytesIO(request), len(request)),
            _Draft("metadata", metadata_id, url, date, notes_lines, BytesIO(notes), len(notes)),
        ]

    # -- files -------------------------------------------------------------------------------------------------------

    def _write_event(self, drafts: list[_Draft]) -> tuple[WrittenRecord, ...]:
        with self._lock:
            tail = self._ready()
            start = tail.position
            try:
                written = tuple([self._write(tail, draft) for draft in drafts])
                tail.hand_on()
            except OSError as error:
                self._roll_back(tail, start)
                raise StorageFailed(
                    f"The WARC file could not be written: {error.strerror}.", "What was written before is kept."
                ) from error
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
        file.flush()
        while data := os.pread(file.fileno(), _MEASURE_EVERY, self._measure.size):
            self._measure.update(data)

    def _write(self, tail: Tail, draft: _Draft) -> WrittenRecord:
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
            tail.file.close()

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
            ("WARC-Block-Digest", digest([block])),
            ("Content-Type", "application/warc-fields"),
        ]
        self._tail = tail
        self._write(tail, _Draft("warcinfo", self._warcinfo_id, "", now, field_lines(fields), BytesIO(block), len(block)))
        tail.hand_on()
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


def _revisit(exchange: Exchange, body: _Body, known: KnownPayload | None, asked: Condition | None) -> Revisit | None:
    if known is None and asked is None:
        return None
    return revisit_for(exchange, body.payload_digest, body.payload_length, known, asked)


def _answer(exchange: Exchange, body: _Body, revisit: Revisit | None, record_id: str, shared: str) -> _Draft:
    """The record of the response: whole, or of a revisit, whose block is the head alone.

    Args:
        exchange: as fetched.
        body: what came.
        revisit: how it is written; None for whole.
        record_id: of the record.
        shared: header fields that all records of the exchange have in common.
    """
    is_http = exchange.status is not None
    block, length = body.block, body.length
    payload_digest, payload_length = (body.payload_digest if is_http else ""), body.payload_length
    if revisit is not None:
        block, length = BytesIO(body.head.raw), len(body.head.raw)
        payload_digest = revisit.digest
    block.seek(0)
    fields = [("WARC-Payload-Digest", payload_digest), ("WARC-Block-Digest", digest(_pieces(block)))]
    if revisit is not None:
        fields += revisit_fields(revisit.profile, revisit.target, revisit.date, is_cut=revisit.is_cut)
    else:
        fields += truncated_field(exchange.truncated)
        if body.transfer_decoded:
            fields.append(("WARC-Transfer-Decoded", "chunked"))
    # What did not answer in HTTP is kept, but not called HTTP: readers would refuse the record.
    fields.append(("Content-Type", "application/http;msgtype=response" if is_http else "application/octet-stream"))
    return _Draft(
        "revisit" if revisit else "response",
        record_id,
        exchange.url,
        exchange.started_at,
        shared + field_lines(fields),
        block,
        length,
        mime=body.head.media_type if is_http else "",
        status=exchange.status,
        payload_digest=payload_digest,
        revisit_of=revisit.target if revisit else None,
        truncated=exchange.truncated,
        payload_length=payload_length if is_http else None,
    )


def _notes(exchange: Exchange, body: _Body, page: PageContext) -> bytes:
    """The block of the metadata record: how it was found, how long it took, what the response record cannot hold."""
    sizes = " ".join(
        f"{size}*{count}" if (count := len(list(group))) > 1 else str(size) for size, group in groupby(body.chunks)
    )
    pairs = [
        ("via", page.via or ""),
        ("hopsFromSeed", page.hops),
        ("fetchTimeMs", str(round(exchange.elapsed.total_seconds() * 1000))),
        ("failure", exchange.failure.reason if exchange.failure else ""),
        ("withheld", ", ".join(exchange.withheld)),
        ("chunkSizes", sizes),
        *page.notes,
    ]
    pairs += [("trailer", line.decode("latin-1")) for line in body.trailers.split(b"\r\n")]
    pairs += [("interimResponse", line.decode("latin-1")) for line in exchange.interim.replace(b"\r", b"").split(b"\n")]
    return warc_fields(pairs)
