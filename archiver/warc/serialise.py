"""Puts records into a WARC file through warcio's writer, given as finished values that it does not touch."""

from __future__ import annotations

from typing import Any, BinaryIO

from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter
from zlib_ng import zlib_ng

from archiver.warc.records import Fields

_GZIP_LEVEL = 6


class _Member:
    """One gzip member (WARC 1.1, annex D); three times as fast as zlib at the same size."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._gzip = zlib_ng.compressobj(_GZIP_LEVEL, wbits=31)

    def write(self, data: bytes) -> None:
        self._file.write(self._gzip.compress(data))

    def flush(self) -> None:
        """The end of the member."""
        self._file.write(self._gzip.flush())


class _ExactWriter(WARCWriter):  # type: ignore[misc]
    """Adds no digest: warcio would give one to metadata records, which the standard forbids (WARC 1.1, section 5.9)."""

    def ensure_digest(self, record: object, block: bool = True, payload: bool = True) -> None:
        """Nothing: a record comes with the digests that it is to have."""


def write_record(file: BinaryIO, fields: Fields, block: BinaryIO, length: int) -> None:
    """Append one record as a gzip member.

    Args:
        file: written at its end.
        fields: in their order; Content-Length is added.
        block: read from its beginning; never parsed, so that it is stored as it came.
        length: of the block, bytes.
    """
    headers: Any = StatusAndHeaders("", fields, protocol="WARC/1.1")
    block.seek(0)
    # Without parsed HTTP headers, and not told the type (it leaves the block of a revisit out), warcio has nothing to
    # write anew: the block goes through as it is.
    record = ArcWarcRecord("warc", "", headers, block, None, None, length)
    _ExactWriter(_Member(file), gzip=False, warc_version="WARC/1.1").write_record(record)
