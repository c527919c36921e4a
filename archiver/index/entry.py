"""Which records become rows of the capture index, and what the rows say."""

from __future__ import annotations

import hashlib
from io import BytesIO

from archiver.errors import InvalidTimestamp
from archiver.index.pairing import request_key
from archiver.message import iter_body, read_head
from archiver.model import Capture, RevisitTarget, Truncation, WrittenRecord
from archiver.timestamps import parse_iso, to_timestamp
from archiver.urls import printable, urlkey
from archiver.warc.reader import StoredRecord
from archiver.warc.records import canonical_digest, is_looked_up, is_of_looked_up, labelled


def capture_of(record: WrittenRecord, collection: str, request: bytes = b"") -> Capture | None:
    """The row of a record that was just written; None for kinds that replay does not look up.

    Args:
        record: as written.
        collection: slug.
        request: the message that it answers.
    """
    if not is_looked_up(record.record_type, record.status):
        return None
    return Capture(
        collection=collection,
        urlkey=_key_of(record.url, request) or urlkey(record.url),
        timestamp=to_timestamp(record.date),
        url=record.url,
        mime=record.mime,
        status=record.status,
        digest=record.payload_digest,
        file=record.file,
        offset=record.offset,
        length=record.length,
        revisit_of=record.revisit_of,
        truncated=record.truncated,
    )


def _key_of(url: str, request: bytes) -> str:
    if request[:4] in (b"", b"GET "):
        return ""
    stream = BytesIO(request)
    head = read_head(stream)
    return request_key(url, head, iter_body(stream, head))


def why_not_indexed(record: StoredRecord) -> str:
    """Why a stored record gets no row; "" when it gets one."""
    if not is_of_looked_up(record.record_type, record.url):
        return f"{record.record_type or 'unnamed'} records are not looked up"
    if not record.url:
        return "the record names no URL"
    if not record.get("WARC-Date"):
        return "the record has no date"
    try:
        parse_iso(record.get("WARC-Date"))
    except InvalidTimestamp:
        return "the date of the record cannot be read"
    if record.record_type == "response" and record.is_http and (record.http is None or record.http.status is None):
        return "the response has no HTTP status line"
    if record.record_type == "response" and not record.is_http:
        return "the response is not HTTP"
    return ""


def capture_of_stored(record: StoredRecord, collection: str, file: str) -> Capture:
    """The row of a stored record; reads its block, so `length` is still to be put right by the caller."""
    head = record.http
    mime = head.media_type if head is not None else record.content_type
    digest = canonical_digest(record.get("WARC-Payload-Digest"))
    if not digest and record.record_type != "revisit" and not record.get("WARC-Segment-Number"):  # else only a part is here
        sha1 = hashlib.sha1(usedforsecurity=False)
        for piece in record.payload():
            sha1.update(piece)
        digest = labelled(sha1.digest())
    return Capture(
        collection=collection,
        urlkey=urlkey(record.url),
        timestamp=to_timestamp(record.date),
        url=printable(record.url),
        mime=mime,
        status=head.status if head is not None else None,
        digest=digest,
        file=file,
        offset=record.offset,
        length=record.length,
        revisit_of=revisit_target(record) if record.record_type == "revisit" else None,
        truncated=truncation_of(record),
    )


def revisit_target(record: StoredRecord) -> RevisitTarget:
    """What a revisit record says that it repeats."""
    timestamp = None
    if record.get("WARC-Refers-To-Date"):
        try:
            timestamp = to_timestamp(parse_iso(record.get("WARC-Refers-To-Date")))
        except InvalidTimestamp:
            timestamp = None
    url = record.get("WARC-Refers-To-Target-URI").removeprefix("<").removesuffix(">")
    return RevisitTarget(url or None, timestamp, record.get("WARC-Refers-To") or None)


def truncation_of(record: StoredRecord) -> Truncation | None:
    """Whether bytes are missing in a stored record, and why."""
    value = record.get("WARC-Truncated").lower()
    if not value or record.record_type == "revisit":
        return None
    return Truncation(value) if value in set(Truncation) else Truncation.UNSPECIFIED
