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
from archiver.message import ChunkedDecoder, Head, read_head
from archiver.model import Exchange, RevisitTarget, WrittenRecord
from archiver.store.folder import FolderStore
from archiver.timestamps import to_timestamp
from archiver.warc.records import (
    Fields,
    WarcInfo,
    digest,
    exchange_fields,
    labelled,
    record_fields,
    revisit_fields,
    truncated_field,
    warc_fields,
    warcinfo_block,
)

_PIECE = 256 * 1024
_SPOOL_BYTES = 1024 * 1024

__all__ = ["PageContext", "WarcInfo", "WarcWriter"]


@dataclass(frozen=True, slots=True)
class PageContext:
    """How a URL was found, for its metadata record.

    Attributes:
        via: the URL it was found on, or None.
        hops: hop letters from the seed.
    """

    via: str | None = None
    hops: str = ""


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
    transfer_decoded: bool
    chunks: tuple[int, ...] = ()
    trailers: bytes = b""


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while data := stream.read(_PIECE):
        yield data


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
    """

    def __init__(
        self,
        store: FolderStore,
        *,
        prefix: str,
        warcinfo: WarcInfo,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        max_bytes: int = 1_000_000_000,
        hostname: str | None = None,
        chunked: str = "portable",
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._hostname = (socket.gethostname() if hostname is None else hostname).partition(".")[0] or "localhost"
        self._info = replace(warcinfo, hostname=warcinfo.hostname or self._hostname)
        self._clock = clock
        self._new_id = new_id
        self._max_bytes = max_bytes
        self._portable = chunked != "exact"
        self._lock = RLock()
        self._file: BinaryIO | None = None
        self._name = ""
        self._warcinfo_id = ""
        self._serial = 0
        self._finished: list[str] = []

    def write_exchange(self, exchange: Exchange, *, page: PageContext | None = None) -> tuple[WrittenRecord, ...]:
        """Write the response, request and metadata records of one exchange.

        Returns:
            The records written, the response first; nothing when no byte of a response arrived.

        Raises:
            StorageFailed: the disk did not take it; the file is as it was before.
        """
        if exchange.response is None:
            return ()
        body = self._body(exchange)
        try:
            return self._write_event(self._drafts(exchange, body, page))
        finally:
            if body.block is not exchange.response:
                body.block.close()

    def write_revisit(
        self, exchange: Exchange, target: RevisitTarget, target_date: datetime | None, *, profile: str
    ) -> tuple[WrittenRecord, ...]:
        """Write a response whose payload is already held as a revisit record: its head, and a pointer."""
        if exchange.response is None:
            return ()
        body = self._body(exchange)
        drafts = self._drafts(exchange, body, None)
        head = body.head.raw
        # The block is another one, and what is cut off is said anew; the payload stays the one that was received.
        fields = [pair for pair in drafts[0].fields if pair[0] not in ("WARC-Block-Digest", "WARC-Truncated")]
        fields += [("WARC-Block-Digest", digest([head])), *revisit_fields(profile, target, target_date)]
        written = replace(drafts[0].written, record_type="revisit", revisit_of=target)
        drafts[0] = _Draft(written, fields, BytesIO(head), len(head))
        return self._write_event(drafts)

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
        sha1 = hashlib.sha1(usedforsecurity=False)
        if not head.is_chunked or exchange.status is None:
            for piece in _pieces(stream):
                sha1.update(piece)
            return _Body(stream, exchange.response_length, head, labelled(sha1.digest()), False)
        decoder = ChunkedDecoder()
        plain = cast(BinaryIO, tempfile.SpooledTemporaryFile(_SPOOL_BYTES))
        plain.write(head.raw)
        length = len(head.raw)
        for piece in _pieces(stream):
            data = decoder.feed(piece)
            length += len(data)
            sha1.update(data)
            plain.write(data)
        rest = decoder.flush()
        sha1.update(rest)
        plain.write(rest)
        payload = labelled(sha1.digest())
        if self._portable:
            return _Body(plain, length + len(rest), head, payload, True, tuple(decoder.sizes), decoder.trailers)
        plain.close()
        return _Body(stream, exchange.response_length, head, payload, False)

    def _drafts(self, exchange: Exchange, body: _Body, page: PageContext | None) -> list[_Draft]:
        response_id, request_id, metadata_id = self._new_id(), self._new_id(), self._new_id()
        is_http = exchange.status is not None

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

        body.block.seek(0)
        block_digest = digest(_pieces(body.block))
        fields = shared(request_id, metadata_id)
        if is_http:
            fields.append(("WARC-Payload-Digest", body.payload_digest))
        fields += [("WARC-Block-Digest", block_digest), *truncated_field(exchange.truncated)]
        if body.transfer_decoded:
            fields.append(("WARC-Transfer-Decoded", "chunked"))
        # What did not answer in HTTP is kept, but not called HTTP: readers would refuse the record.
        fields.append(("Content-Type", "application/http;msgtype=response" if is_http else "application/octet-stream"))
        response = replace(
            written("response", response_id),
            mime=body.head.media_type if is_http else "",
            status=exchange.status,
            payload_digest=body.payload_digest if is_http else "",
            truncated=exchange.truncated,
        )
        drafts = [_Draft(response, fields, body.block, body.length)]
        request = exchange.request
        request_fields = shared(response_id, metadata_id)
        _, _, payload = request.partition(b"\r\n\r\n")
        request_fields += [("WARC-Payload-Digest", digest([payload])), ("WARC-Block-Digest", digest([request]))]
        request_fields.append(("Content-Type", "application/http;msgtype=request"))
        drafts.append(_Draft(written("request", request_id), request_fields, BytesIO(request), len(request)))
        notes = _notes(exchange, body, page or PageContext())
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
                return tuple(self._write(file, draft) for draft in drafts)
            except OSError as error:
                self._roll_back(file, start)
                raise StorageFailed(
                    f"The WARC file could not be written: {error.strerror}.", "What was written before is kept."
                ) from error

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
        self._warcinfo_id = self._new_id()
        block = warcinfo_block(self._info)
        fields: Fields = [
            ("WARC-Filename", self._name),
            ("WARC-Block-Digest", digest([block])),
            ("Content-Type", "application/warc-fields"),
        ]
        info = WrittenRecord("warcinfo", self._warcinfo_id, "", now, "", 0, 0)
        self._write(self._file, _Draft(info, fields, BytesIO(block), len(block)))

    def _finish(self) -> None:
        if self._file is None:
            return
        self.sync()
        self._store.finish(self._name)
        self._file.close()
        self._file = None
        self._finished.append(self._name)


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
        ("chunkSizes", sizes),
    ]
    pairs += [("trailer", line.decode("latin-1")) for line in body.trailers.split(b"\r\n")]
    pairs += [("interimResponse", line.decode("latin-1")) for line in exchange.interim.replace(b"\r", b"").split(b"\n")]
    return warc_fields(pairs)
