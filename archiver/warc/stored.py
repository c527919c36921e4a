"""One record as it lies in a file: its header, its HTTP message, its payload."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, cast

from archiver.errors import InvalidTimestamp
from archiver.message import Head, iter_body, parse_head, read_head
from archiver.plaintext import one_line
from archiver.timestamps import parse_iso
from archiver.warc.members import PIECE

if TYPE_CHECKING:
    from archiver.warc.reader import Block

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class StoredRecord:
    """One record in a file; its block can be read once, until the next record is asked for.

    Attributes:
        record_type: "response", "request", "revisit", "warcinfo", "metadata", "resource", "conversion",
            "continuation"; for ARC "response", "resource" or "warcinfo".
        fields: header fields in order; ARC headers are given as the WARC fields they mean.
        offset: of the record in the file as stored; for records inside a whole-file gzip, of the file's only member.
        length: bytes as stored; 0 until `measure` was called.
        alone: the record can be read by itself from `offset`.
        version: first line of the record, such as "WARC/1.0"; "ARC" for ARC records.
        file: the open file, for records read by themselves.
    """

    record_type: str
    fields: tuple[tuple[str, str], ...]
    offset: int
    content_length: int
    stream: Block
    length: int = 0
    alone: bool = True
    version: str = "ARC"
    file: BinaryIO | None = None
    _head: Head | None = field(default=None, repr=False)

    def get(self, name: str) -> str:
        """The first header field of that name (any case); "" when it is not there."""
        wanted = name.lower()
        return next((value for key, value in self.fields if key.lower() == wanted), "")

    @property
    def url(self) -> str:
        """WARC-Target-URI without the angle brackets that some writers put round it."""
        return self.get("WARC-Target-URI").removeprefix("<").removesuffix(">")

    @property
    def record_id(self) -> str:
        """WARC-Record-ID."""
        return self.get("WARC-Record-ID")

    @property
    def date(self) -> datetime:
        """WARC-Date; 1970 when it cannot be read."""
        try:
            return parse_iso(self.get("WARC-Date"))
        except InvalidTimestamp:
            return _EPOCH

    @property
    def content_type(self) -> str:
        """Media type of the block, lower case, without parameters."""
        return one_line(self.get("Content-Type").partition(";")[0]).lower()

    @property
    def is_http(self) -> bool:
        """The block is an HTTP message."""
        return self.content_type == "application/http" or (
            self.record_type in ("response", "revisit")
            and self.content_type in ("", "message/http")
            and self.url.lower().startswith("http")
        )

    @property
    def transfer_decoded(self) -> bool:
        """The body was stored without its chunk framing, whatever the HTTP head says."""
        return bool(self.get("WARC-Transfer-Decoded"))

    @property
    def http(self) -> Head | None:
        """The HTTP head; the block is then at the body. None when the block is no HTTP message."""
        if self._head is None and self.is_http and self.content_length:
            raw = self.stream.until_blank()
            self._head = parse_head(raw) if raw else read_head(cast(BinaryIO, self.stream))
        return self._head

    def decode_as(self, head: Head) -> None:
        """Let `payload` undo the content codings that another head names in place of those that its own does."""
        own = self.http
        if own is not None and own.codings != head.codings:
            fields = (
                *(pair for pair in own.fields if pair[0].lower() != b"content-encoding"),
                *(pair for pair in head.fields if pair[0].lower() == b"content-encoding"),
            )
            self._head = replace(own, fields=fields)

    def payload(self, *, content: bool = False, limit: int | None = None) -> Iterator[bytes]:
        """The payload without transfer coding; with `content` also without content coding."""
        head = self.http
        if head is None:
            return iter(lambda: self.stream.read(PIECE), b"")
        transfer = not self.transfer_decoded
        return iter_body(cast(BinaryIO, self.stream), head, transfer=transfer, content=content, limit=limit)

    def payload_length(self, *, content: bool = False) -> int | None:
        """Bytes that `payload` gives; None when only decoding it tells."""
        head = self.http
        if head is None:
            return self.content_length
        if (head.is_chunked and not self.transfer_decoded) or (content and head.codings):
            return None
        return max(0, self.content_length - len(head.raw))

    def block(self) -> Iterator[bytes]:
        """The block as stored, in pieces, from wherever it was read to; with the HTTP head when that was read."""
        if self._head is not None:
            yield self._head.raw
        while data := self.stream.read(PIECE):
            yield data

    def close(self) -> None:
        """Close the file that `read_record` opened."""
        if self.file is not None:
            self.stream.close()
            self.file.close()

    def skip(self) -> None:
        """Read what is left of the block.

        Raises:
            DamagedRecord: the record ends before its Content-Length.
        """
        while self.stream.read(PIECE):
            pass
