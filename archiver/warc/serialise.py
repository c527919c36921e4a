"""Puts records into a WARC file through warcio's writer, given as finished values that it does not touch."""

from __future__ import annotations

import re
from typing import BinaryIO, Protocol

from warcio.recordloader import ArcWarcRecord
from warcio.warcwriter import WARCWriter
from zlib_ng import zlib_ng

_GZIP_LEVEL = 5

#: Blocks of this many bytes that would not get smaller are stored as they are, so that replay can jump in them.
_STORED_BYTES = 1024 * 1024
_COMPRESSED = re.compile(
    r"(?:video|audio)/(?!.*wav).*|image/(?:jpe?g|png|gif|webp|avif|heic|jxl)|font/woff2?|"
    r"application/(?:zip|gzip|x-gzip|x-7z-compressed|x-rar-compressed|x-xz|zstd|ogg|mp4|epub\+zip|java-archive)"
)


class Sink(Protocol):
    """What records are written to."""

    def write(self, data: bytes, /) -> object:
        """Take the next bytes."""


class _Member:
    """One gzip member (WARC 1.1, annex D); three times as fast as zlib at the same size.

    The engine gets its input in the pieces in which it comes: in others, the same text becomes other bytes now and then.
    """

    def __init__(self, file: Sink, level: int) -> None:
        self._file = file
        self._gzip = zlib_ng.compressobj(level, wbits=31)

    def write(self, data: bytes) -> None:
        if packed := self._gzip.compress(data):  # mostly nothing: the engine gathers first
            self._file.write(packed)

    def flush(self) -> None:
        """The end of the member."""
        self._file.write(self._gzip.flush())


class _Header:
    """The header of a record as warcio asks for it, its fields written already."""

    def __init__(self, lines: str) -> None:
        self._lines = lines

    def replace_header(self, name: str, value: str) -> None:
        """Content-Length, which only warcio adds."""
        self._lines += f"{name}: {value}\r\n"

    def to_bytes(self, encoding: str) -> bytes:
        """All of it, with the blank line."""
        return f"WARC/1.1\r\n{self._lines}\r\n".encode(encoding)


class _ExactWriter(WARCWriter):  # type: ignore[misc]
    """Adds no digest: warcio would give one to metadata records, which the standard forbids (WARC 1.1, section 5.9)."""

    def ensure_digest(self, record: object, block: bool = True, payload: bool = True) -> None:
        """Nothing: a record comes with the digests that it is to have."""

    def write_into(self, member: _Member, record: ArcWarcRecord) -> None:
        """Write a record; keeps nothing of it, so that one writer does for all threads and files."""
        self._write_warc_record(member, record)


_WRITER = _ExactWriter(None, gzip=False, warc_version="WARC/1.1")


def write_record(file: Sink, lines: str, block: BinaryIO, length: int, payload_type: str = "") -> None:
    """Append one record as a gzip member.

    Args:
        file: written at its end.
        lines: its header fields from `record_lines`; Content-Length is added.
        block: read from its beginning; never parsed, so that it is stored as it came.
        length: of the block, bytes.
        payload_type: media type of what the block carries, lower case.
    """
    block.seek(0)
    # Without parsed HTTP headers, and not told the type (it leaves the block of a revisit out), warcio has nothing to
    # write anew: the block goes through as it is.
    record = ArcWarcRecord("warc", "", _Header(lines), block, None, None, length)
    is_stored = length >= _STORED_BYTES and _COMPRESSED.fullmatch(payload_type)
    _WRITER.write_into(_Member(file, 0 if is_stored else _GZIP_LEVEL), record)
