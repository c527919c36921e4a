"""The rules for the block of one record: both digests by the standard's definition, and what an http block must begin with.

The payload of an http record is its body after any transfer coding is taken off (WARC 1.1, 5.9 and 6.3). warcio, FastWARC and
warcat count the bytes as stored. Both are looked at, so that a difference between programs is told from damage.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from archiver.message import ChunkedDecoder
from archiver.warc.digests import TO_PYTHON, Claim, digest_of, hasher, read_claim
from archiver.warc.headrules import NOT_MODIFIED, Header
from archiver.warc.scan import Raw

_HEAD_BYTES = 256 * 1024
_BLANK = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? +(\d{3})(?!\d)")
_REQUEST = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+ +\S[^\r\n]* HTTP/\d")
_LENGTHS = re.compile(rb"\n(content-length|transfer-encoding):[ \t]*([^\r\n]*)", re.IGNORECASE)
_PIECE = 64 * 1024
_CR = 0x0D
_EMPTY = "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"  # of no bytes
_sha1 = hashlib.sha1
#: The same as `TO_PYTHON` for bytes, which takes a third of the time.
_DIGITS = bytes(TO_PYTHON.get(code, code) for code in range(256))

Note = Callable[[str, str], None]  # rule, detail


class Facts(NamedTuple):
    """What was found in a block.

    Attributes:
        status: HTTP status of a response or revisit.
        head_length: bytes of the HTTP head; 0 when the block is none.
        head: the beginning of an HTTP head, for its media type.
        payload_digest: SHA-1 of the payload as we write it, when it was asked for or is what the record says.
    """

    status: int | None = None
    head_length: int = 0
    head: bytes = b""
    payload_digest: str = ""


NOTHING = Facts()


def is_http(header: Header) -> bool:
    """The block is an HTTP message."""
    media = header.get("content-type").partition(";")[0].strip().lower()
    return media == "application/http" or (
        header.get("warc-type") in ("response", "revisit")
        and media in ("", "message/http")
        and header.get("warc-target-uri").lower().removeprefix("<").startswith("http")
    )


def check_block(raw: Raw, note: Note, *, want_digest: bool = False) -> Facts:
    """Check a record's block; reads all of a large one.

    Args:
        raw: the record.
        note: told what is wrong.
        want_digest: compute the payload digest where the record has none.
    """
    fields = raw.header.fields
    kind = fields.get("warc-type", "")
    block_claim = _claim(fields, "warc-block-digest", "warc-5.8-algorithm", note)
    payload_claim = _claim(fields, "warc-payload-digest", "warc-5.9-algorithm", note)
    # Of a revisit and of segments the payload is elsewhere, or only a part of it is here.
    has_payload = kind not in ("revisit", "warcinfo", "metadata", "continuation") and "warc-segment-number" not in fields
    if not has_payload:
        payload_claim = None
    if payload_claim is None and want_digest and has_payload and kind in ("response", "resource"):
        payload_claim = Claim("sha1", -1, 0)
    start, pieces = _start_of(raw)
    message = _message(raw, kind, start, note)
    sums = _Sums(block_claim, payload_claim, message, len(start) if pieces is None else None)
    if pieces is None:
        sums.whole(start)
    else:
        sums.streamed(chain((start,), pieces))
    if not raw.is_whole:
        return Facts(message.status, message.length, bytes(start[: message.length]))
    length = raw.header.length or 0
    sums.judge(note)
    _check_length(fields, kind, message, length - message.length, note)
    digest = f"sha1:{base64.b32encode(sums.payload).decode()}" if want_digest and len(sums.payload) == 20 else ""
    head = bytes(start[: message.length]) if want_digest else b""
    return Facts(message.status, message.length, head, digest)


def ordinary(kind: str, said: str, payload: str, is_http: bool, block: memoryview, want_facts: bool = False) -> Facts | None:
    """A record of the commonest kind with nothing wrong, told at a third of the price of `check_block`; None says nothing.

    That is an http response or request, not chunked, or a block without payload, with SHA-1 in base32.

    Args:
        kind: type of the record.
        said: its WARC-Block-Digest; "" for none.
        payload: its WARC-Payload-Digest; "" for none.
        is_http: its Content-Type is application/http with a parameter.
        block: all of it; of no segment.
        want_facts: give what `check_block` would, with the payload digest; `NOTHING` otherwise.
    """
    try:
        if len(said) != 37 or not _fits(said, block):
            return None
        if kind == "metadata" or kind == "warcinfo":
            return None if payload or is_http else NOTHING
        if not is_http or (kind != "response" and kind != "request"):
            return None
        near = bytes(block[:2048])
        end = near.find(b"\n\r\n") + 3
        if end < 4 or near[end - 4] != _CR or near.find(b"\n\n", 0, end) >= 0:
            return None
        status = None
        if kind == "response":
            found = _STATUS.match(near)
            if found is None:
                return None
            status = int(found.group(1))
            head = near[:end].lower()
            if head.find(b"transfer-encoding") >= 0:
                return None
            declared = head.rfind(b"\ncontent-length:")
            if declared >= 0 and int(head[declared + 16 : head.find(b"\r", declared)]) > len(block) - end > 0:
                return None
        elif _REQUEST.match(near) is None or near[:end].lower().find(b"transfer-encoding") >= 0:
            return None
        is_right = len(block) == end if payload == _EMPTY else len(payload) == 37 and _fits(payload, block[end:])
        if not is_right:
            return None
        return Facts(status, end, near[:end], payload) if want_facts else NOTHING
    except ValueError:
        return None


def _fits(said: str, data: memoryview) -> bool:
    """That bytes are what a digest of 37 characters says, if it is SHA-1 in base32."""
    return said.startswith("sha1:") and int(said[5:].encode().translate(_DIGITS), 32) == int.from_bytes(
        _sha1(data, usedforsecurity=False).digest()
    )


@dataclass(slots=True)
class _Message:
    """What the start of an http block says; all empty for other blocks."""

    length: int = 0
    status: int | None = None
    declared: int | None = None
    coding: bytes = b""
    is_chunked: bool = False


def _claim(fields: dict[str, str], name: str, rule: str, note: Note) -> Claim | None:
    value = fields.get(name)
    if not value:
        return None
    claim = read_claim(value)
    if claim is None:
        note(rule, value[:80])
    return claim


def _start_of(raw: Raw) -> tuple[memoryview, Iterator[memoryview] | None]:
    """The block; of a large one its beginning, and the rest to be read."""
    if raw.pieces is None:
        return raw.block if raw.block is not None else memoryview(b""), None
    gathered = b""
    for piece in raw.pieces:
        gathered += piece
        if len(gathered) >= _HEAD_BYTES:
            break
    return memoryview(gathered), raw.pieces


def _message(raw: Raw, kind: str, start: memoryview, note: Note) -> _Message:
    """Look at the head of an http block."""
    if not raw.header.length or not is_http(raw.header):
        return _Message()
    near = bytes(start[:4096])
    found = _BLANK.search(near)
    if found is None and len(start) > len(near):
        near = bytes(start[:_HEAD_BYTES])
        found = _BLANK.search(near)
    length = found.end() if found else len(near)
    head = near[:length]
    message = _Message(length)
    if kind == "request":
        if not _REQUEST.match(head):
            note("warc-6.5-request", ascii(head[:60].decode("latin-1")))
    else:
        line = _STATUS.match(head)
        message.status = int(line.group(1)) if line else None
        if line is None and kind in ("response", "revisit"):
            note("warc-6.3-status", ascii(head[:60].decode("latin-1")))
    for name, value in _LENGTHS.findall(head):
        if name[:1] in b"cC":
            message.declared = int(value) if value.strip().isdigit() and len(value) < 19 else None
        else:
            message.coding += value.lower()
    message.is_chunked = b"chunked" in message.coding and "warc-transfer-decoded" not in raw.header.fields
    if kind == "revisit" and raw.header.get("warc-profile") in NOT_MODIFIED and message.status != 304:
        note("warc-6.7-status", str(message.status or ""))
    return message


class _Sums:
    """Both digests of a block, and of a chunked body a third."""

    def __init__(self, block: Claim | None, payload: Claim | None, message: _Message, size: int | None) -> None:
        self._block_claim, self._payload_claim, self._message = block, payload, message
        self.block = self.payload = self.stored = b""
        self._framing: ChunkedDecoder | None = None
        self._whole = size

    def whole(self, data: memoryview) -> None:
        """The block is all there."""
        if self._block_claim is not None:
            self.block = digest_of(self._block_claim.algorithm, data)
        claim = self._payload_claim
        if claim is None:
            return
        length = self._message.length
        if self.block and not length and self._block_claim is not None and self._block_claim.algorithm == claim.algorithm:
            self.stored = self.payload = self.block
            return
        self.stored = self.payload = digest_of(claim.algorithm, data[length:] if length else data)
        if self._message.is_chunked and len(data) > length:
            running = hasher(claim.algorithm)
            self._unframe(running, (data[at : at + _PIECE] for at in range(length, len(data), _PIECE)))
            self.payload = running.digest()

    def streamed(self, pieces: Iterator[memoryview]) -> None:
        """The block comes in pieces."""
        block = hasher(self._block_claim.algorithm) if self._block_claim is not None else None
        claim = self._payload_claim
        stored = hasher(claim.algorithm) if claim is not None else None
        plain = hasher(claim.algorithm) if claim is not None and self._message.is_chunked else None
        if plain is not None:
            self._framing = ChunkedDecoder()
        left = self._message.length
        for piece in pieces:
            if block is not None:
                block.update(piece)
            body = piece[left:]
            left = max(0, left - len(piece))
            if stored is not None:
                stored.update(body)
            if plain is not None and self._framing is not None:
                for at in range(0, len(body), _PIECE):
                    plain.update(self._framing.feed(bytes(body[at : at + _PIECE])))
        self.block = block.digest() if block is not None else b""
        self.stored = self.payload = stored.digest() if stored is not None else b""
        if plain is not None and self._framing is not None:
            plain.update(self._framing.flush())
            self.payload = plain.digest()

    def _unframe(self, running: Any, pieces: Iterator[memoryview]) -> None:
        self._framing = decoder = ChunkedDecoder()
        for piece in pieces:
            running.update(decoder.feed(bytes(piece)))
        running.update(decoder.flush())

    def judge(self, note: Note) -> None:
        """Say what does not fit."""
        if self._block_claim is not None and not self._block_claim.fits(self.block):
            note("warc-5.8-mismatch", "")
        claim = self._payload_claim
        if claim is None or claim.size == 0:
            return
        framed = self._framing is not None and bool(self._framing.sizes or self._framing.complete)
        if claim.fits(self.payload):
            if framed and self.payload != self.stored:
                note("warc-5.9-other-tools", "")
        elif claim.fits(self.stored):
            broken = self._framing is not None and self._framing.malformed
            note("warc-5.9-unseen" if broken else "warc-5.9-chunked", "")
        else:
            note("warc-5.9-mismatch", "")


def _check_length(fields: dict[str, str], kind: str, message: _Message, body: int, note: Note) -> None:
    """A body that is shorter than its server said. Answers to HEAD have none at all, and a length all the same."""
    if kind != "response" or message.declared is None or not 0 < body < message.declared:
        return
    if not message.coding and "warc-truncated" not in fields and "warc-segment-number" not in fields:
        note("warc-5.15-missing", f"{body:,} of {message.declared:,} bytes")
