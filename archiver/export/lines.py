"""Captures as lines of indexes that other programs read: CDXJ, CDX with eleven fields, compressed blocks of lines (ZipNum)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from json.encoder import encode_basestring_ascii as _json
from typing import NamedTuple, Protocol

from zlib_ng import zlib_ng

from archiver.index.protocol import Row
from archiver.model import Capture

#: First line of a CDX file with eleven fields: key, time, URL, type, status, digest, redirect, robots, length, offset, file.
CDX_HEADER = " CDX N b a m s k r M S V g"

#: Lines of a compressed block, as other programs have it in WACZ.
BLOCK_LINES = 1024

_GZIP_LEVEL = 6


class IndexLine(NamedTuple):
    """A capture as indexes say it.

    Attributes:
        urlkey, timestamp, url, mime, status, digest, length, offset, file: as of `Capture`.
        is_revisit: its record is a revisit.
        record_sha256: of the record as stored, hexadecimal; "" when unknown.
        method: of its request when that made its key another one; "" otherwise.
        body: what the body of that request says, as a query.
    """

    urlkey: str
    timestamp: str
    url: str
    mime: str
    status: int | None
    digest: str
    length: int
    offset: int
    file: str
    is_revisit: bool
    record_sha256: str = ""
    method: str = ""
    body: str = ""


def line_of(capture: Capture) -> IndexLine:
    """A capture where it lies."""
    return IndexLine(
        capture.urlkey, capture.timestamp, capture.url, capture.mime, capture.status, capture.digest, capture.length,
        capture.offset, capture.file, capture.revisit_of is not None,
    )  # fmt: skip


def line_of_row(row: Row) -> IndexLine:
    """The same of a row of the index."""
    key, moment, url, mime, status, digest, length, offset, file, is_revisit, _, _ = row
    return IndexLine(key, f"{moment:014d}", url, mime, status, digest, length, offset, file, bool(is_revisit))


def cdxj_line(item: IndexLine) -> str:
    """A line of CDXJ with its end: key, time, and a JSON object of texts; what is unknown is left out."""
    fields = [f'"url": {_json(item.url)}']
    mime = "warc/revisit" if item.is_revisit else item.mime
    if mime:
        fields.append(f'"mime": {_json(mime)}')
    if item.status is not None:
        fields.append(f'"status": "{item.status}"')
    if item.digest:
        fields.append(f'"digest": {_json(item.digest)}')
    if item.length:
        fields.append(f'"length": "{item.length}"')
    fields.append(f'"offset": "{item.offset}", "filename": {_json(item.file)}')
    if item.record_sha256:
        fields.append(f'"recordDigest": "sha256:{item.record_sha256}"')
    if item.method:
        fields.append(f'"method": {_json(item.method)}, "requestBody": {_json(item.body)}')
    return f"{_word(item.urlkey)} {item.timestamp} {{{', '.join(fields)}}}\n"


def cdx_line(item: IndexLine) -> str:
    """A line of CDX with eleven fields and its end; what is unknown is a hyphen."""
    words = (
        item.urlkey,
        item.timestamp,
        item.url,
        "warc/revisit" if item.is_revisit else item.mime,
        "" if item.status is None else str(item.status),
        item.digest.rpartition(":")[2],
        "",  # where a redirect leads is in its record
        "",
        str(item.length) if item.length else "",
        str(item.offset),
        item.file,
    )
    return " ".join(_word(word) or "-" for word in words) + "\n"


def _word(text: str) -> str:
    """A field without what would end it."""
    return text if " " not in text and text.isprintable() else "%20".join(text.split())


def in_order(items: Iterable[IndexLine], written: LineWriter) -> Iterator[str]:
    """Lines in the order of their bytes.

    Args:
        items: in the order of key and time.
        written: what a line looks like.
    """
    same: list[str] = []
    key = timestamp = ""
    for item in items:
        if item[0] != key or item[1] != timestamp:
            same.sort()
            yield from same
            same.clear()
            key, timestamp = item[0], item[1]
        same.append(written(item))
    same.sort()
    yield from same


class LineWriter(Protocol):
    """Gives a capture the form of a line."""

    def __call__(self, item: IndexLine, /) -> str: ...


def blocks(lines: Iterable[str], name: str) -> Iterator[tuple[bytes, str]]:
    """Lines as gzip members of `BLOCK_LINES` each, every one with the line of the second index that finds it.

    Args:
        lines: of CDXJ, in order.
        name: of the file that the members make, for the first line of the second index.
    """
    left = iter(lines)
    offset = 0
    while block := list(islice(left, BLOCK_LINES)):
        packer = zlib_ng.compressobj(_GZIP_LEVEL, wbits=31)
        packed = packer.compress("".join(block).encode("utf-8")) + packer.flush()
        start = " ".join(block[0].split(" ", 2)[:2])
        place = {"offset": offset, "length": len(packed), "digest": f"sha256:{hashlib.sha256(packed).hexdigest()}"}
        first = f"!meta 0 {json.dumps({'format': 'cdxj-gzip-1.0', 'filename': name})}\n" if not offset else ""
        yield packed, f"{first}{start} {json.dumps(place)}\n"
        offset += len(packed)
