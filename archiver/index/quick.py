"""What the index needs of ordinary records, taken from their bytes in few steps.

The rows are those that archiver/index/entry.py makes; what is not quite ordinary is said to be so, and read again there.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from archiver.errors import InvalidTimestamp
from archiver.index.entry import revisit_target, truncation_of
from archiver.mediatype import parse_media_type
from archiver.message import ChunkedDecoder, Head, field_text, parse_head
from archiver.timestamps import parse_iso, to_timestamp
from archiver.urls import PLAYERS, printable, urlkey
from archiver.warc.bulk import Layout, Values
from archiver.warc.dedup import settled_validators
from archiver.warc.reader import BLANK_LINE, StoredRecord
from archiver.warc.records import LOOKED_UP, canonical_digest, labelled

#: Bytes of a payload below which later captures do not refer to it, unless the setting says otherwise.
MIN_BYTES = 256

#: Bytes of a block in which its HTTP head is looked for.
HEAD_BYTES = 4096
_PIECE = 65536
_NO_FIELDS: dict[bytes, list[bytes]] = {}
#: Different values that are remembered of a kind.
_MOST = 10_000

_DATE = re.compile(
    rb"([12]\d{3})-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.\d{1,9})?Z", re.ASCII
)
_FIELDS = re.compile(
    rb"\n[\r\x0b\x0c]*(content-type|transfer-encoding|etag|last-modified|vary)[ \t\r\x0b\x0c]*:([^\n]*)", re.IGNORECASE
)
_SHA1 = re.compile(r"sha1:[A-Z2-7]{32}")
_PLAYERS = PLAYERS.encode()


class Again:
    """Says of a record that it has to be read again, with more care."""


AGAIN = Again()


@dataclass(slots=True)
class QuickCapture:
    """A capture whose row is not final: what follows may be its request, or tell that it is damaged.

    Attributes:
        kind: type of the record.
        row: values of the index, in the order of `ROW`.
        url: as the record writes it.
        record_id: of the record.
        layout: of its header, where it was read quickly.
        head: has the values of that.
        is_long: the payload is long enough to be referred to by later captures.
        validators: ETag and Last-Modified as they can be sent back.
        record: as our own reader gives it, where that read it; its length may be told later.
        is_get: nothing says that it answers anything but GET.
    """

    kind: str
    row: list[Any]
    url: str
    record_id: str
    layout: Layout | None = None
    head: Values | None = None
    is_long: bool = False
    validators: tuple[str, str] = ("", "")
    record: StoredRecord | None = None
    is_get: bool = True

    def header(self) -> StoredRecord:
        """What requests are compared with."""
        if self.record is not None:
            return self.record
        assert self.layout is not None
        assert self.head is not None
        return stored_header(self.kind, self.layout.names, self.head.groups(), self.row[OFFSET])


#: Values of a row, and where they are in it.
ROW = (
    "urlkey", "timestamp", "offset", "length", "url", "mime", "status", "digest", "truncated", "is_revisit",
    "refers_to_url", "refers_to_timestamp", "refers_to_id",
)  # fmt: skip
KEY, TIMESTAMP, OFFSET, LENGTH, _, _, STATUS, DIGEST, TRUNCATED, IS_REVISIT, TARGET_URL, TARGET_TIME, TARGET_ID = range(13)


class Looker:
    """Looks at the records of files; what repeats in them is worked out once.

    Args:
        min_bytes: shorter payloads are not referred to by later captures.
    """

    def __init__(self, min_bytes: int) -> None:
        self._min_bytes = max(1, min_bytes)
        self._types: dict[bytes, str] = {}
        self._statuses: dict[bytes, int | None] = {}
        self._mimes: dict[tuple[bytes, ...], str] = {}
        self._kinds: dict[bytes, str] = {}

    def look(self, layout: Layout, head: Values, length: int, reader: Any) -> QuickCapture | Again | str:
        """A capture; the type of a record that is none; "GET" for a request whose answer is found by its URL."""
        kind = layout.kind
        if kind is None:
            place = layout.at.get(b"warc-type")
            kind = "" if place is None else self._lower(head.groups()[place])
        if kind == "request":
            return "GET" if not length or reader.read(4) == b"GET " else AGAIN
        if kind not in LOOKED_UP:
            is_read = kind == "metadata" and (*head.groups(), b"")[layout.places[0]].removeprefix(b"<").startswith(_PLAYERS)
            return AGAIN if is_read else kind
        return self._capture(kind, layout, head, length, reader)

    def _lower(self, kind: bytes) -> str:
        found = self._types.get(kind)
        if found is None:
            if len(self._types) > _MOST:
                self._types.clear()
            found = self._types[kind] = kind.decode("utf-8", "replace").lower()
        return found

    def _capture(self, kind: str, layout: Layout, head: Values, length: int, reader: Any) -> QuickCapture | Again:
        values = (*head.groups(), b"")
        at, places = layout.at, layout.places
        url = values[places[0]].decode("utf-8", "replace").removeprefix("<").removesuffix(">")
        moment = _moment(values[places[1]])
        if not url or moment is None:
            return AGAIN
        mime, status, raw, piece = self._media_type(values[places[2]]), None, b"", b""
        extra: dict[bytes, list[bytes]] = _NO_FIELDS
        is_http = mime == "application/http" or (
            kind != "resource" and mime in ("", "message/http") and url[:4].lower() == "http"
        )
        if is_http and length:
            piece = reader.read(HEAD_BYTES)
            end = BLANK_LINE.search(piece)
            if end is None:
                return AGAIN
            raw = piece[: end.end()]
            status, extra = self._head(raw)
            mime = self._http_type(tuple(extra.get(b"content-type", ())))
        if kind == "response" and (not is_http or status is None):
            return AGAIN
        digest = canonical(values[places[3]].decode("utf-8", "replace"))
        if not digest and kind != "revisit":
            if b"transfer-encoding" in extra or b"warc-segment-number" in at:
                return AGAIN
            digest = _sha1(piece[len(raw) :], reader)
        row = [urlkey(url), moment, 0, 0, printable(url), mime, status, digest, None, 0, None, None, None]
        if kind == "revisit" or b"warc-truncated" in at:
            _rare(row, stored_header(kind, layout.names, values[:-1]))
        found = QuickCapture(kind, row, url, values[places[4]].decode("utf-8", "replace"), layout, head)
        if status is not None and kind != "resource" and digest and not row[TRUNCATED]:
            if kind == "response":
                is_decoded = b"transfer-encoding" not in extra or bool(values[at.get(b"warc-transfer-decoded", -1)])
                is_long = length - len(raw) >= self._min_bytes if is_decoded else self._is_long(extra, length, raw, piece)
                if is_long is None:
                    return AGAIN
                found.is_long = is_long
            if status == 200:
                found.validators = _validators(extra, moment)
        return found

    def _media_type(self, value: bytes) -> str:
        """Of a record's own Content-Type."""
        found = self._kinds.get(value)
        if found is None:
            if len(self._kinds) > _MOST:
                self._kinds.clear()
            found = self._kinds[value] = stored_header("", (b"Content-Type",), (value,)).content_type
        return found

    def _head(self, raw: bytes) -> tuple[int | None, dict[bytes, list[bytes]]]:
        """Status and the fields that matter of an HTTP head."""
        if b"\n " in raw or b"\n\t" in raw:  # a folded line
            head = parse_head(raw)
            pairs = [(name, value) for name, value in head.fields]
            start = head.start_line
        else:
            pairs = _FIELDS.findall(raw)
            start = raw[: raw.find(b"\n")]
        extra: dict[bytes, list[bytes]] = {}
        for name, value in pairs:
            value = value.removesuffix(b"\r").strip(b" \t")
            name = name.lower()
            if name in extra:
                extra[name].append(value)
            else:
                extra[name] = [value]
        if start in self._statuses:
            return self._statuses[start], extra
        if len(self._statuses) > _MOST:
            self._statuses.clear()
        status = self._statuses[start] = Head(start.removesuffix(b"\r"), (), b"").status
        return status, extra

    def _http_type(self, values: tuple[bytes, ...]) -> str:
        found = self._mimes.get(values)
        if found is None:
            if len(self._mimes) > _MOST:
                self._mimes.clear()
            found = self._mimes[values] = parse_media_type([field_text(value) for value in values]).name
        return found

    def _is_long(self, extra: dict[bytes, list[bytes]], length: int, raw: bytes, piece: bytes) -> bool | None:
        """Whether a payload with a transfer coding is long enough; None when the first piece of its block does not tell."""
        start, length = piece[len(raw) :], length - len(raw)
        if not any("chunked" in words(value) for value in extra[b"transfer-encoding"]):
            return length >= self._min_bytes
        decoder = ChunkedDecoder()
        size = len(decoder.feed(start))
        if size >= self._min_bytes:
            return True
        return size + len(decoder.flush()) >= self._min_bytes if len(start) == length else None


def words(value: bytes) -> list[str]:
    """The comma-separated, lower-cased words of a list field."""
    return [word.strip().lower() for word in field_text(value).split(",")]


def canonical(digest: str) -> str:
    """A digest field as the index has it."""
    return digest if _SHA1.fullmatch(digest) else canonical_digest(digest)


def _moment(date: bytes) -> int | None:
    """A WARC-Date as a number of 14 digits; None when it cannot be read."""
    plain = _DATE.fullmatch(date)
    if plain is not None:
        return int(b"".join(plain.groups()))
    try:
        return int(to_timestamp(parse_iso(date.decode("utf-8", "replace")))) if date else None
    except InvalidTimestamp:
        return None


def _sha1(start: bytes, reader: Any) -> str:
    sha1 = hashlib.sha1(start, usedforsecurity=False)
    while data := reader.read(_PIECE):
        sha1.update(data)
    return labelled(sha1.digest())


def stored_header(kind: str, names: tuple[bytes, ...], values: tuple[bytes, ...], offset: int = 0) -> StoredRecord:
    """A record's header alone, for what is rarely asked of it."""
    fields = tuple(
        (name.decode("utf-8", "replace"), value.decode("utf-8", "replace")) for name, value in zip(names, values, strict=True)
    )
    return StoredRecord(kind, fields, offset, 0, None)  # type: ignore[arg-type]


def _rare(row: list[Any], record: StoredRecord) -> None:
    truncated = truncation_of(record)
    row[TRUNCATED] = truncated.value if truncated else None
    if record.record_type == "revisit":
        target = revisit_target(record)
        row[IS_REVISIT:] = [1, target.url, target.timestamp, target.record_id]


def _validators(extra: dict[bytes, list[bytes]], moment: int) -> tuple[str, str]:
    etag, modified = extra.get(b"etag"), extra.get(b"last-modified")
    if etag is None and modified is None:
        return "", ""
    vary = [word for value in extra[b"vary"] for word in words(value) if word] if b"vary" in extra else ()
    return settled_validators(field_text(etag[0]) if etag else "", field_text(modified[0]) if modified else "", vary, moment)
