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
from archiver.model import Exchange, RevisitTarget, WrittenRecord
from archiver.store.protocol import WarcStore
from archiver.timestamps import to_iso, to_timestamp
from archiver.warc.dedup import Condition, KnownPayload, Revisit, revisit_for
from archiver.warc.records import (
    Fields,
    WarcInfo,
    digest,
    exchange_fields,
    is_looked_up,
    labelled,
    record_fields,
    revisit_fields,
    truncated_field,
    warc_fields,
    warcinfo_block,
)

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


@dataclass(frozen=True, slots=True)
class _Draft:
    """A record before it is written: its file decides WARC-Warcinfo-ID."""

    written: WrittenRecord
    fields: Fields
    block: BinaryIO
    length: int


@dataclass(frozen=True, slots=True)
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
        self._file: BinaryIO | None = None
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
        written = WrittenRecord("resource", self._new_id(), url, date, "", 0, 0, mime, None, payload)
        return self._write_event([_Draft(written, fields, BytesIO(data), len(data))])[0]

    def position(self) -> tuple[str, int]:
        """(file, end of what is written to it): nothing that is written from now on lies before it; ("", 0) before any file."""
        return self._position

    def sync(self) -> None:
        """Put everything written so far on the disk."""
        with self._lock:
            if self._file is not None:
                self._file.flush()
                os.fsync(self._file.fileno())

    def close(self) -> tuple[str, ...]:
        """Finish the current file; the names of all files written."""
        with self._lock:
            self._finish()
            return tuple(self._finished)

    # -- what the records say ----------------------------------------------------------------------------------------

    def _body(self, exchange: Exchange) -> _Body:
        """Measure the response; in portable mode take the chunk framing off."""
        stream = cast(BinaryIO, exchange.response)
        stream.seek(0)
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

        def shared(*others: str) -> Fields:
            return exchange_fields(
                url=exchange.url,
                ip_address=exchange.ip_address,
                protocols=exchange.protocols,
                cipher_suite=exchange.cipher_suite,
                concurrent=others,
            )

        def written(kind: str, record_id: str) -> WrittenRecord:
            return WrittenRecord(kind, record_id, exchange.url, exchange.started_at, "", 0, 0)

        drafts = [_answer(exchange, body, revisit, written("response", response_id), shared(request_id, metadata_id))]
        request = exchange.request
        request_fields = shared(response_id, metadata_id)
        _, _, payload = request.partition(b"\r\n\r\n")
        request_fields += [("WARC-Payload-Digest", digest([payload])), ("WARC-Block-Digest", digest([request]))]
        request_fields.append(("Content-Type", "application/http;msgtype=request"))
        drafts.append(_Draft(written("request", request_id), request_fields, BytesIO(request), len(request)))
        notes = _notes(exchange, body, page)
        note_fields = [*shared(response_id, request_id), ("WARC-Block-Digest", digest([notes]))]
        note_fields.append(("Content-Type", "application/warc-fields"))
        drafts.append(_Draft(written("metadata", metadata_id), note_fields, BytesIO(notes), len(notes)))
        return drafts

    # -- files -------------------------------------------------------------------------------------------------------

    def _write_event(self, drafts: list[_Draft]) -> tuple[WrittenRecord, ...]:
        with self._lock:
            file = self._ready()
            start = file.tell()
            try:
                written = tuple(self._write(file, draft) for draft in drafts)
                self._position = (self._name, file.tell())
            except OSError as error:
                self._roll_back(file, start)
                raise StorageFailed(
                    f"The WARC file could not be written: {error.strerror}.", "What was written before is kept."
                ) from error
            self._captured.add(written)
            if file.tell() - self._measure.size >= _MEASURE_EVERY:
                self._catch_up(file)
            return written

    def _catch_up(self, file: BinaryIO) -> None:
        """Measure what was written since the last time: whole events, which stay."""
        file.flush()
        while data := os.pread(file.fileno(), _MEASURE_EVERY, self._measure.size):
            self._measure.update(data)

    def _write(self, file: BinaryIO, draft: _Draft) -> WrittenRecord:
        written, fields = draft.written, list(draft.fields)
        if written.record_type != "warcinfo":
            fields.insert(0, ("WARC-Warcinfo-ID", self._warcinfo_id))
        offset = file.tell()
        from archiver.warc.serialise import write_record  # not needed before there is something to write

        named = record_fields(written.record_type, written.record_id, written.date, fields)
        write_record(file, named, draft.block, draft.length, written.mime)
        return replace(written, file=self._name, offset=offset, length=file.tell() - offset)

    def _roll_back(self, file: BinaryIO, start: int) -> None:
        """Take a half-written event off the file again."""
        try:
            file.seek(start)
            file.truncate(start)
        except OSError:
            # The tail stays; the next start cuts it off. Nothing may be appended behind it.
            self._file = None
            file.close()

    def _ready(self) -> BinaryIO:
        if self._file is not None and self._file.tell() >= self._max_bytes:
            self._finish()
        if self._file is None:
            self._begin()
        assert self._file is not None
        return self._file

    def _begin(self) -> None:
        now = self._clock()
        while True:
            stamp = f"{to_timestamp(now)}{now.microsecond // 1000:03d}"
            self._name = f"{self._prefix}-{stamp}-{self._serial:05d}-{self._hostname}.warc.gz"
            self._serial += 1
            try:
                self._file = self._store.create(self._name)
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
        info = WrittenRecord("warcinfo", self._warcinfo_id, "", now, "", 0, 0)
        self._write(self._file, _Draft(info, fields, BytesIO(block), len(block)))
        if self._on_begin is not None:
            self._on_begin(self._name)

    def _finish(self) -> None:
        if self._file is None:
            return
        self.sync()
        try:
            if self._on_finish is not None:
                self._catch_up(self._file)
                found = self._captured
                self._on_finish(FinishedFile(self._name, self._measure.result(), found.count, found.first or "", found.last))
        finally:
            self._store.finish(self._name)
            self._file.close()
            self._file = None
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


def _answer(exchange: Exchange, body: _Body, revisit: Revisit | None, plain: WrittenRecord, shared: Fields) -> _Draft:
    """The record of the response: whole, or of a revisit, whose block is the head alone.

    Args:
        exchange: as fetched.
        body: what came.
        revisit: how it is written; None for whole.
        plain: what all records of the exchange have in common.
        shared: header fields that they have in common.
    """
    is_http = exchange.status is not None
    block, length = body.block, body.length
    payload_digest, payload_length = (body.payload_digest if is_http else ""), body.payload_length
    if revisit is not None:
        block, length = BytesIO(body.head.raw), len(body.head.raw)
        payload_digest = revisit.digest
    block.seek(0)
    fields = [*shared, ("WARC-Payload-Digest", payload_digest), ("WARC-Block-Digest", digest(_pieces(block)))]
    if revisit is not None:
        fields += revisit_fields(revisit.profile, revisit.target, revisit.date, is_cut=revisit.is_cut)
    else:
        fields += truncated_field(exchange.truncated)
        if body.transfer_decoded:
            fields.append(("WARC-Transfer-Decoded", "chunked"))
    # What did not answer in HTTP is kept, but not called HTTP: readers would refuse the record.
    fields.append(("Content-Type", "application/http;msgtype=response" if is_http else "application/octet-stream"))
    written = replace(
        plain,
        record_type="revisit" if revisit else "response",
        mime=body.head.media_type if is_http else "",
        status=exchange.status,
        payload_digest=payload_digest,
        revisit_of=revisit.target if revisit else None,
        truncated=exchange.truncated,
        payload_length=payload_length if is_http else None,
    )
    return _Draft(written, fields, block, length)


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
