"""What the records of one exchange say, before a file has them: their blocks, header fields and digests.

Chunked responses. The standard defines the payload digest over the de-chunked body, while warcio and FastWARC compute it
over the bytes stored; a record that is both raw and right is "damaged" to them. By default ("portable") the body is
therefore stored without its chunk framing below the untouched HTTP head; the extension field WARC-Transfer-Decoded says
so, and the metadata record keeps chunk sizes and trailers, so nothing is lost. "exact" stores the raw framing. The
payload digest is the same either way.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from itertools import groupby
from typing import BinaryIO, cast

from archiver.message import ChunkedDecoder, Head, read_head
from archiver.model import Exchange, RevisitTarget, Truncation
from archiver.warc.dedup import Revisit
from archiver.warc.records import (
    ExchangeLines,
    digest,
    field_lines,
    labelled,
    revisit_fields,
    sha1_of,
    truncated_field,
    warc_fields,
)

_PIECE = 256 * 1024
_SPOOL_BYTES = 1024 * 1024


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


@dataclass(slots=True)
class Draft:
    """A record before it is written: its file decides WARC-Warcinfo-ID, and where it is.

    Attributes:
        lines: header fields of its own, as they are written.
        block: what it carries, with `length` in bytes.
        record_type, record_id, url, date, mime, status, payload_digest, revisit_of, truncated, payload_length: as in
            `WrittenRecord`.
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
class Body:
    """What a response's block becomes.

    Attributes:
        block: what is stored, with `length` in bytes.
        head: of the response.
        payload_digest: of what comes after the head, without chunk framing; it has `payload_length` bytes.
        transfer_decoded: the chunk framing was taken off.
        chunks, trailers: what went with it.
    """

    block: BinaryIO
    length: int
    head: Head
    payload_digest: str
    payload_length: int
    transfer_decoded: bool
    chunks: tuple[int, ...] = ()
    trailers: bytes = b""


def body_of(exchange: Exchange, *, portable: bool) -> Body:
    """Measure the response of an exchange that has one.

    Args:
        exchange: as fetched.
        portable: take the chunk framing off.

    Returns:
        The body; to be closed unless its block is the response itself.
    """
    stream = _in_memory(cast(BinaryIO, exchange.response), exchange.response_length)
    head = read_head(stream)
    size = len(head.raw)
    sha1 = hashlib.sha1(usedforsecurity=False)
    if not head.is_chunked or exchange.status is None:
        for piece in _pieces(stream):
            sha1.update(piece)
        length = exchange.response_length
        return Body(stream, length, head, labelled(sha1.digest()), length - size, False)
    decoder = ChunkedDecoder()
    plain = BytesIO() if exchange.response_length <= _PIECE else cast(BinaryIO, tempfile.SpooledTemporaryFile(_SPOOL_BYTES))
    plain.write(head.raw)
    length = size
    for piece in _without_chunks(stream, decoder):
        length += len(piece)
        sha1.update(piece)
        plain.write(piece)
    payload = labelled(sha1.digest())
    if portable:
        return Body(plain, length, head, payload, length - size, True, tuple(decoder.sizes), decoder.trailers)
    plain.close()
    return Body(stream, exchange.response_length, head, payload, length - size, False)


def drafts_of(
    exchange: Exchange, body: Body, page: PageContext, revisit: Revisit | None, new_id: Callable[[], str]
) -> list[Draft]:
    """The records of one exchange: of its response, of its request, and of what else is known of it.

    Args:
        exchange: as fetched.
        body: what came.
        page: how the URL was found.
        revisit: how the response is written; None for whole.
        new_id: makes WARC-Record-IDs.
    """
    response_id, request_id, metadata_id = new_id(), new_id(), new_id()
    shared = ExchangeLines(exchange)
    request = exchange.request
    _, _, payload = request.partition(b"\r\n\r\n")
    request_lines = (
        f"{shared.beside(response_id, metadata_id)}WARC-Payload-Digest: {sha1_of(payload)}\r\n"
        f"WARC-Block-Digest: {sha1_of(request)}\r\nContent-Type: application/http;msgtype=request\r\n"
    )
    notes = _notes(exchange, body, page)
    notes_lines = (
        f"{shared.beside(response_id, request_id)}WARC-Block-Digest: {sha1_of(notes)}\r\n"
        "Content-Type: application/warc-fields\r\n"
    )
    url, date = exchange.url, exchange.started_at
    return [
        _answer(exchange, body, revisit, response_id, shared.beside(request_id, metadata_id)),
        Draft("request", request_id, url, date, request_lines, BytesIO(request), len(request)),
        Draft("metadata", metadata_id, url, date, notes_lines, BytesIO(notes), len(notes)),
    ]


def _answer(exchange: Exchange, body: Body, revisit: Revisit | None, record_id: str, shared: str) -> Draft:
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
    return Draft(
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


def _notes(exchange: Exchange, body: Body, page: PageContext) -> bytes:
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


def _in_memory(stream: BinaryIO, length: int) -> BinaryIO:
    """A message from its beginning; a small one without its spool, which takes longer for each line than memory does."""
    stream.seek(0)
    return stream if isinstance(stream, BytesIO) or length > _PIECE else BytesIO(stream.read())


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while data := stream.read(_PIECE):
        yield data


def _without_chunks(stream: BinaryIO, decoder: ChunkedDecoder) -> Iterator[bytes]:
    yield from map(decoder.feed, _pieces(stream))
    yield decoder.flush()
