"""HTTP messages as bytes: the head split off and left as it is, framing and content coding undone piece by piece.

Nothing here knows sockets or WARC. Decoders take bytes and give bytes, and never raise on garbage: an archive must be
able to show whatever was stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import BytesIO
from itertools import chain
from typing import BinaryIO, Protocol

import brotli
import zstandard
from zlib_ng import zlib_ng

from archiver.errors import BodyLimitExceeded
from archiver.mediatype import MediaType, parse_media_type

#: Content codings one over the other that are undone; nobody applies more but to waste time.
MAX_CODINGS = 8

#: Decoded bytes that are given out at a time, about, and encoded ones that are taken where that cannot be said.
_PIECE = 256 * 1024
_BITE = 256

#: A head longer than this is no head.
MAX_HEAD_BYTES = 1024 * 1024

#: Longer ones are not remembered: a few of the longest would fill the memory.
_USUAL_HEAD_BYTES = 4096

_STATUS_LINE = re.compile(rb"\s*(HTTP/\d+(?:\.\d+)?|ICY)\s+([1-9]\d{2})(?:\s+(.*))?", re.IGNORECASE)
_LINE_END = re.compile(rb"\r?\n")
_BLANK_LINE = re.compile(rb"\n\r?\n")
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?")


@dataclass(frozen=True)
class Head:
    """The start line and header fields of an HTTP message.

    Attributes:
        start_line: without its line end.
        fields: raw names and values in their order; folded lines joined by a space; lines without a colon left out
            (they are still in `raw`).
        raw: every byte up to and including the blank line.
    """

    start_line: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    raw: bytes

    @cached_property
    def status(self) -> int | None:
        """Status code; None when this is no status line."""
        match = _STATUS_LINE.match(self.start_line)
        return int(match.group(2)) if match else None

    @property
    def reason(self) -> str:
        """Reason phrase, or ""."""
        match = _STATUS_LINE.match(self.start_line)
        return (match.group(3) or b"").decode("latin-1").strip() if match else ""

    @property
    def version(self) -> str:
        """Such as "HTTP/1.1"; "" when there is none."""
        match = _STATUS_LINE.match(self.start_line)
        return match.group(1).decode("ascii").upper() if match else ""

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, value in self.fields:
            found.setdefault(name.decode("latin-1").lower(), []).append(field_text(value))
        return found

    def get(self, name: str) -> str | None:
        """The first value under that name (any case); UTF-8 where it is valid, else latin-1."""
        values = self._by_name.get(name.lower())
        return values[0] if values else None

    def get_all(self, name: str) -> list[str]:
        """Every value under that name, in order."""
        return list(self._by_name.get(name.lower(), ()))

    def tokens(self, name: str) -> list[str]:
        """The comma-separated, lower-cased words of a list field such as Transfer-Encoding."""
        return [word.strip().lower() for value in self.get_all(name) for word in value.split(",") if word.strip()]

    @cached_property
    def content_type(self) -> MediaType:
        """What the response says that it is, as browsers read it."""
        return parse_media_type(self._by_name.get("content-type", ()))

    @property
    def media_type(self) -> str:
        """Lower case, without parameters; "" when there is none."""
        return self.content_type.name

    @property
    def charset(self) -> str | None:
        """The charset parameter of Content-Type; None when there is none."""
        return self.content_type.charset

    @property
    def codings(self) -> list[str]:
        """The content codings that `ContentDecoder` undoes, in the order applied; others are names for nothing."""
        return [coding for coding in self.tokens("Content-Encoding") if coding in _ENGINES]

    @property
    def is_chunked(self) -> bool:
        """The transfer coding ends in chunked (RFC 9112, section 6.1)."""
        return "chunked" in self.tokens("Transfer-Encoding")


def field_text(value: bytes) -> str:
    """A header field's value as text: UTF-8 where it is valid, else latin-1."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def parse_head(raw: bytes) -> Head:
    """Read a head from its bytes; tolerates bare LF, folding, lines without a colon and garbage."""
    return _recent_head(raw) if len(raw) <= _USUAL_HEAD_BYTES else _parse_head(raw)


@lru_cache(128)  # who fetches, who writes and who reads on parse the same head, one after the other
def _recent_head(raw: bytes) -> Head:
    return _parse_head(raw)


def _parse_head(raw: bytes) -> Head:
    lines = [line.removesuffix(b"\r") for line in raw.split(b"\n")]
    start_line = lines[0] if lines else b""
    fields: list[tuple[bytes, list[bytes]]] = []
    for line in lines[1:]:
        if not line:
            continue
        if line[:1] in b" \t" and fields:
            fields[-1][1].append(line.strip(b" \t"))
            continue
        name, colon, value = line.partition(b":")
        if colon:
            fields.append((name.strip(), [value.strip(b" \t")]))
    return Head(start_line, tuple((name, b" ".join(pieces)) for name, pieces in fields), raw)


def read_head(stream: BinaryIO, limit: int = MAX_HEAD_BYTES) -> Head:
    """Read up to and including the blank line; the stream is left at the first body byte.

    A stream that ends or grows past `limit` before a blank line gives what there was.
    """
    if isinstance(stream, BytesIO):  # all is there: one search instead of a call for each line
        start, data = stream.tell(), stream.read(limit)
        end = _LINE_END.match(data) or _BLANK_LINE.search(data)
        raw = data[: end.end()] if end else data
        stream.seek(start + len(raw))
        return parse_head(raw)
    lines = []
    size = 0
    while size < limit:
        line = stream.readline(limit - size)
        if not line:
            break
        lines.append(line)
        size += len(line)
        if line in (b"\r\n", b"\n"):
            break
    return parse_head(b"".join(lines))


class Decoder(Protocol):
    """Bytes in, bytes out."""

    def feed(self, data: bytes) -> bytes:
        """What can be given out after `data` came in."""

    def flush(self) -> bytes:
        """The rest, once nothing more comes."""


class ChunkedDecoder:
    """Undoes chunked transfer coding (RFC 9112, section 7.1).

    A body that is not chunked although its head says so (common in old archives) comes through unchanged; a body that
    stops being chunked in the middle comes through raw from there on.

    Attributes:
        complete: the last chunk and the end of the trailers were seen.
        malformed: the framing was broken somewhere.
        trailers: raw trailer section, without the final blank line.
        sizes: data bytes of each chunk, in order.
        excess: what came after the end of the chunked body, in the piece that ended it.
    """

    def __init__(self) -> None:
        self.complete = False
        self.malformed = False
        self.trailers = b""
        self.sizes: list[int] = []
        self.excess = b""
        self._buffer = b""
        self._remaining = 0
        self._state = "size"

    def feed(self, data: bytes) -> bytes:
        if self.complete:
            return b""
        if self.malformed:
            return data
        self._buffer += data
        out: list[bytes] = []
        while self._step(out):
            pass
        return b"".join(out)

    def flush(self) -> bytes:
        rest, self._buffer = self._buffer, b""
        if self.complete or self._state in ("end", "trailer"):
            return b""
        if self._state == "size" and self.sizes and _CHUNK_SIZE.fullmatch(rest.rstrip(b"\r\n")):
            return b""  # cut inside a size line
        return rest

    def _step(self, out: list[bytes]) -> bool:
        if self._state == "data":
            return self._take_data(out)
        line, newline, rest = self._buffer.partition(b"\n")
        if not newline:
            if len(line) > 65536:
                self._give_up(out)
            return False
        line = line.removesuffix(b"\r")
        if self._state == "end":
            if line:
                self._give_up(out)
                return False
            self._buffer, self._state = rest, "size"
            return True
        if self._state == "trailer":
            return self._take_trailer(line, rest)
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            self._give_up(out)
            return False
        self._buffer = rest
        self._remaining = int(match.group(1), 16)
        if self._remaining:
            self.sizes.append(self._remaining)
        self._state = "data" if self._remaining else "trailer"
        return True

    def _take_data(self, out: list[bytes]) -> bool:
        piece = self._buffer[: self._remaining]
        if not piece:
            return False
        out.append(piece)
        self._buffer = self._buffer[len(piece) :]
        self._remaining -= len(piece)
        if not self._remaining:
            self._state = "end"
        return bool(self._buffer)

    def _take_trailer(self, line: bytes, rest: bytes) -> bool:
        if line:
            self.trailers += line + b"\r\n"
            self._buffer = rest
            return True
        self.complete = True
        self.excess, self._buffer = rest, b""
        return False

    def _give_up(self, out: list[bytes]) -> None:
        self.malformed = True
        out.append(self._buffer)
        self._buffer = b""


class _Inflate:
    """gzip (any number of members) and deflate (with or without zlib header)."""

    def __init__(self, coding: str) -> None:
        self.damaged = False
        self._gzip = coding != "deflate"
        self._engine = zlib_ng.decompressobj(31) if self._gzip else None
        self._raw_rest = False
        self._started = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if self._raw_rest:
            yield data if not self._started else b""
            return
        if self._engine is None:
            # RFC 9110 means zlib, many servers send raw deflate: the first two bytes tell.
            zlib_header = len(data) < 2 or (data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0)
            self._engine = zlib_ng.decompressobj(15 if zlib_header else -15)
        is_full = False
        while data or is_full:
            try:
                piece = self._engine.decompress(data, _PIECE)
            except zlib_ng.error:  # type: ignore[misc]
                self.damaged = self._raw_rest = True
                yield b"" if self._started else data
                return
            self._started = self._started or bool(piece)
            yield piece
            data, is_full = self._engine.unconsumed_tail, len(piece) == _PIECE
            if self._engine.eof:
                data, is_full = self._engine.unused_data, False
                if not self._gzip or data[:2] != b"\x1f\x8b":
                    return  # anything after the last member is padding, as browsers see it
                self._engine = zlib_ng.decompressobj(31)

    def flush(self) -> bytes:
        if self._engine is not None and not self._engine.eof and not self._raw_rest:
            self.damaged = True
        return b""


class _Brotli:
    def __init__(self) -> None:
        self.damaged = False
        self._engine = brotli.Decompressor()
        self._raw_rest = False
        self._started = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if self._raw_rest:
            yield data if not self._started else b""
            return
        rest = data
        while True:
            try:
                piece = self._engine.process(rest, output_buffer_limit=_PIECE)
            except brotli.error:
                self.damaged = self._raw_rest = True
                yield b"" if self._started else data
                return
            if not piece:
                return
            self._started = True
            yield piece
            if self._engine.is_finished():
                return
            rest = b""

    def flush(self) -> bytes:
        self.damaged = self.damaged or not self._engine.is_finished()
        return b""


class _Zstandard:
    def __init__(self) -> None:
        self.damaged = False
        # RFC 9659: a browser refuses windows over 8 MB.
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 27)
        self._frame: zstandard.ZstdDecompressionObj | None = None  # the frame we are in the middle of
        self._raw_rest = False
        self._started = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if self._raw_rest:
            yield data if not self._started else b""
            return
        # Small bites, because this engine has no output limit of its own.
        for start in range(0, len(data), _BITE):
            try:
                piece = self._bite(data[start : start + _BITE])
            except zstandard.ZstdError:
                self.damaged = self._raw_rest = True
                yield b"" if self._started else data
                return
            self._started = self._started or bool(piece)
            yield piece

    def _bite(self, data: bytes) -> bytes:
        out = b""
        while data:
            if self._frame is None:
                self._frame = self._decompressor.decompressobj()
            out += self._frame.decompress(data)
            if not self._frame.eof:
                break
            data, self._frame = self._frame.unused_data, None
        return out

    def flush(self) -> bytes:
        self.damaged = self.damaged or self._frame is not None
        return b""


_ENGINES = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate", "br": "br", "zstd": "zstd"}


class ContentDecoder:
    """Undoes content codings (RFC 9110, section 8.4.1) as a browser does.

    Codings it does not know, and bytes that are not what the head says, come through as they are.

    Args:
        codings: as in Content-Encoding, in the order applied.
        limit: most decoded bytes to give out; None for no limit.

    Attributes:
        damaged: something was not decodable, or the stream ended early.
    """

    def __init__(self, codings: Sequence[str], limit: int | None = None) -> None:
        self._limit = limit
        self._given = 0
        self._stages: list[_Inflate | _Brotli | _Zstandard] = []
        for coding in reversed(codings[-MAX_CODINGS:]):
            engine = _ENGINES.get(coding)
            if engine == "br":
                self._stages.append(_Brotli())
            elif engine == "zstd":
                self._stages.append(_Zstandard())
            elif engine:
                self._stages.append(_Inflate(engine))

    @property
    def damaged(self) -> bool:
        return any(stage.damaged for stage in self._stages)

    def feed(self, data: bytes) -> bytes:
        """Decoded bytes.

        Raises:
            BodyLimitExceeded: more than `limit` bytes came out.
        """
        return b"".join(self.pieces(data))

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The same, a little at a time, however much it is.

        Raises:
            BodyLimitExceeded: more than `limit` bytes came out.
        """
        decoded: Iterator[bytes] = iter((data,))
        for stage in self._stages:
            decoded = chain.from_iterable(map(stage.pieces, decoded))
        for piece in decoded:
            if piece:
                yield self._count(piece)

    def flush(self) -> bytes:
        for stage in self._stages:
            stage.flush()
        return b""

    def _count(self, data: bytes) -> bytes:
        self._given += len(data)
        if self._limit is not None and self._given > self._limit:
            raise BodyLimitExceeded(f"The decoded body is larger than {self._limit:,} bytes.")
        return data


def iter_body(
    stream: BinaryIO,
    head: Head,
    *,
    transfer: bool = True,
    content: bool = True,
    limit: int | None = None,
    chunk: int = 65536,
) -> Iterator[bytes]:
    """The body after `head`, decoded as asked, in pieces.

    Args:
        stream: at the first body byte.
        head: decides the codings.
        transfer: undo chunked transfer coding.
        content: undo content codings.
        limit: most decoded bytes.
        chunk: bytes to read at a time.

    Raises:
        BodyLimitExceeded: more than `limit` decoded bytes.
    """
    dechunk = ChunkedDecoder() if transfer and head.is_chunked else None
    decode = ContentDecoder(head.tokens("Content-Encoding") if content else (), limit)
    while data := stream.read(chunk):
        if dechunk is not None:
            data = dechunk.feed(data)
        yield from decode.pieces(data)
    if dechunk is not None:
        yield from decode.pieces(dechunk.flush())
    decode.flush()
