"""WAT files: for each record of a WARC file a record of type metadata with a JSON object that says what it is.

The names in the object are those of the Web Archive Transformation format, as its readers know them. Of what is not known
(the size of a header as stored, the checksum of a gzip member) nothing is said.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from io import BytesIO
from typing import Any, BinaryIO

from archiver.errors import BodyLimitExceeded, DamagedRecord
from archiver.message import Head, iter_body, parse_head
from archiver.warc.reader import BadRecord, StoredRecord, iter_records
from archiver.warc.records import Fields, WarcInfo, field_lines, labelled, record_lines, warcinfo_block
from archiver.warc.serialise import write_record
from archiver.wasapi.htmlfacts import MAX_BYTES, html_facts

#: Stored bytes of one body that are kept for reading its links.
_KEPT = MAX_BYTES
#: Of warcinfo and metadata records, whose fields are told.
_FIELDS_BYTES = 1024 * 1024
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_FIELD_TYPES = frozenset({"application/warc-fields", "application/warcinfo", "text/anvl"})


def write_wat(
    source: BinaryIO,
    target: BinaryIO,
    *,
    name: str,
    info: WarcInfo,
    clock: Callable[[], datetime],
    new_id: Callable[[], str],
    beat: Callable[[], None],
) -> int:
    """Write the WAT file of a WARC or ARC file.

    Args:
        source: the file, from its beginning.
        target: gets gzip members, one a record.
        name: of the file, which the records refer to.
        info: of the new file.
        clock: the time, UTC.
        new_id: makes WARC-Record-IDs.
        beat: called for each record; may raise to end it all.

    Returns:
        How many records were described. Places that cannot be read are passed over, as verify tells of them.
    """
    block = warcinfo_block(info)
    fields: Fields = [("Content-Type", "application/warc-fields")]
    write_record(target, record_lines("warcinfo", new_id(), clock(), field_lines(fields)), BytesIO(block), len(block))
    count = 0
    for record, facts in _described(iter_records(source), name, beat):
        text = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        fields = [
            ("WARC-Target-URI", record.url or name),
            ("WARC-Refers-To", record.record_id),
            ("Content-Type", "application/json"),
        ]
        lines = record_lines("metadata", new_id(), record.date, field_lines(fields))
        write_record(target, lines, BytesIO(text), len(text))
        count += 1
    return count


def _described(
    records: Iterable[StoredRecord | BadRecord], name: str, beat: Callable[[], None]
) -> Iterator[tuple[StoredRecord, dict[str, Any]]]:
    """Records with what is said of them; each once the next was asked for, when its length is known."""
    before: tuple[StoredRecord, dict[str, Any]] | None = None
    for record in records:
        if before is not None:
            yield _placed(*before, name)
            before = None
        if isinstance(record, StoredRecord):
            beat()
            before = (record, envelope_of(record))
    if before is not None:
        yield _placed(*before, name)


def _placed(record: StoredRecord, envelope: dict[str, Any], name: str) -> tuple[StoredRecord, dict[str, Any]]:
    container: dict[str, Any] = {
        "Filename": name,
        "Offset": str(record.offset),
        "Compressed": record.alone and _is_packed(name),
    }
    if container["Compressed"] and record.length:
        container["Gzip-Metadata"] = {"Deflate-Length": str(record.length)}
    return record, {"Container": container, "Envelope": envelope}


def _is_packed(name: str) -> bool:
    return name.lower().endswith(".gz")


def envelope_of(record: StoredRecord) -> dict[str, Any]:
    """What a record says, and what is in it; reads its block.

    A block that is not whole is described as far as it goes: its Actual-Content-Length then differs from its Content-Length.
    """
    block, entity = hashlib.sha1(usedforsecurity=False), hashlib.sha1(usedforsecurity=False)
    head: Head | None = None
    kept = bytearray()
    size = 0
    with suppress(DamagedRecord):
        head = record.http
        if head is not None:
            block.update(head.raw)
            size = len(head.raw)
        while piece := record.stream.read(64 * 1024):
            block.update(piece)
            entity.update(piece)
            size += len(piece)
            if len(kept) < _KEPT:
                kept += piece[: _KEPT - len(kept)]
    payload: dict[str, Any] = {"Actual-Content-Type": record.get("Content-Type")}
    if head is not None:
        is_request = head.status is None and record.record_type == "request"
        http = _request(head) if is_request else _response(head, bytes(kept), record)
        http |= {
            "Headers-Length": str(len(head.raw)),
            "Entity-Length": str(size - len(head.raw)),
            "Entity-Digest": labelled(entity.digest()),
        }
        payload["HTTP-Request-Metadata" if is_request else "HTTP-Response-Metadata"] = http
    elif record.content_type in _FIELD_TYPES:
        said = _fields_of(bytes(kept[:_FIELDS_BYTES]))
        payload["WARC-Info-Metadata" if record.record_type == "warcinfo" else "WARC-Metadata-Metadata"] = said
    return {
        "Format": "ARC" if record.version == "ARC" else "WARC",
        "WARC-Header-Metadata": _listed(record.fields),
        "Block-Digest": labelled(block.digest()),
        "Actual-Content-Length": str(size),
        "Payload-Metadata": payload,
    }


def _request(head: Head) -> dict[str, Any]:
    method, _, rest = head.start_line.decode("utf-8", "replace").partition(" ")
    path, _, version = rest.rpartition(" ")
    return {"Request-Message": {"Method": method, "Path": path, "Version": version}, "Headers": _listed(_pairs(head))}


def _response(head: Head, body: bytes, record: StoredRecord) -> dict[str, Any]:
    said: dict[str, Any] = {
        "Response-Message": {"Status": str(head.status or ""), "Version": head.version, "Reason": head.reason},
        "Headers": _listed(_pairs(head)),
    }
    if head.media_type in _HTML and body:
        facts = html_facts(_decoded(head, body, record), head.charset)
        if facts:
            said["HTML-Metadata"] = facts
    return said


def _decoded(head: Head, body: bytes, record: StoredRecord) -> bytes:
    """The beginning of a document, as far as it can be unpacked."""
    found = bytearray()
    with suppress(BodyLimitExceeded):
        for piece in iter_body(BytesIO(body), head, transfer=not record.transfer_decoded, limit=MAX_BYTES):
            found += piece
    return bytes(found)


def _pairs(head: Head) -> Iterator[tuple[str, str]]:
    for name, value in head.fields:
        yield name.decode("latin-1"), value.decode("utf-8", "replace")


def _listed(pairs: Iterable[tuple[str, str]]) -> dict[str, str | list[str]]:
    """Fields by name; the values of a repeated one as a list."""
    found: dict[str, str | list[str]] = {}
    for name, value in pairs:
        known = found.get(name)
        if known is None:
            found[name] = value
        elif isinstance(known, list):
            known.append(value)
        else:
            found[name] = [known, value]
    return found


def _fields_of(block: bytes) -> dict[str, str | list[str]]:
    return _listed(_pairs(parse_head(b"\n" + block)))
