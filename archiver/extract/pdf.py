"""Addresses in PDF files (ISO 32000): link annotations and other actions that open a URI.

Not parsed but looked through: where an action stands does not matter, its key does. Since PDF 1.5 most stand in compressed
object streams, which are opened; text, pictures and fonts are not.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from archiver.extract.gather import Mention
from archiver.markup.slots import SlotKind

#: Bytes that the object streams of one file may give in all, and each alone.
MAX_INFLATED_BYTES = 64 * 1024 * 1024
MAX_STREAM_BYTES = 8 * 1024 * 1024

_DICTIONARY_REACH = 2048
_ACTION = re.compile(rb"/URI\s*(?:\(|<(?!<))|/URL\s*/F\s*\(|/F\s*\((?=https?:)")
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|[\s\S]))")
_SIMPLE = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\n": b"", b"\r": b"", b"\r\n": b""}
#: Bytes of a string, and strings without an end after which those with parentheses in them are not looked for any more.
_MAX_STRING = 4096
_MAX_TRIES = 1000
#: Streams that are tried in one file.
_MAX_STREAMS = 100_000
_PLAIN_STRING = re.compile(rb"(?:[^()\\]++|\\[\s\S])*+")
_HEX = re.compile(rb"[0-9A-Fa-f\s]*")
_PARENTHESIS = re.compile(rb"\\[\s\S]|[()]")
_BASE = re.compile(rb"/URI\s*<<\s*/Base\s*\(")


def pdf_links(data: bytes) -> tuple[list[Mention], bool]:
    """The addresses that a file opens, in no special order, and whether all of it was looked through.

    What is encrypted is not read: its strings are not.

    Args:
        data: the file, or its beginning.
    """
    found, is_whole = _in_objects(data)
    if b"/ObjStm" in data and b"/Encrypt" not in data:
        room = MAX_INFLATED_BYTES
        for number, start in enumerate(_object_streams(data)):
            objects = _inflated(data, start, min(room, MAX_STREAM_BYTES))
            room -= len(objects)
            mentions, has_ends = _in_objects(objects)
            found += mentions
            is_full = room <= 0 or number >= _MAX_STREAMS
            is_whole = is_whole and has_ends and not is_full and len(objects) < MAX_STREAM_BYTES
            if is_full:
                break
    return found, is_whole


def _object_streams(data: bytes) -> Iterator[int]:
    """Where the content of each object stream begins."""
    at = 0
    while (named := data.find(b"/ObjStm", at)) >= 0:
        content = data.find(b"stream", named, named + _DICTIONARY_REACH)
        at = named + len(b"/ObjStm")
        if content >= 0:
            content += len(b"stream")
            content += 2 if data.startswith(b"\r\n", content) else 1
            yield content
            at = content


def _inflated(data: bytes, start: int, limit: int) -> bytes:
    """What a Flate stream holds, up to a limit; what came before an error is kept."""
    engine = zlib.decompressobj()
    pieces: list[bytes] = []
    size = 0
    view = memoryview(data)
    try:
        while size < limit and not engine.eof and start < len(data):
            piece = engine.decompress(engine.unconsumed_tail or view[start : start + 65536], limit - size)
            if not engine.unconsumed_tail:
                start += 65536
            pieces.append(piece)
            size += len(piece)
    except zlib.error:
        pass
    return b"".join(pieces)


def _in_objects(data: bytes) -> tuple[list[Mention], bool]:
    """The addresses that objects name, and whether every string had an end."""
    found: list[Mention] = []
    tries = _MAX_TRIES
    base = _BASE.search(data)
    if base is not None and (address := _literal(data, base.end(), nested=True)):
        found.append(Mention(_text(address), SlotKind.BASE, "pdf"))
    for match in _ACTION.finditer(data):
        if match.group().endswith(b"("):
            raw = _literal(data, match.end(), nested=tries > 0)
            tries -= raw is None
        else:
            raw = _hexadecimal(data, match.end())
        text = _text(raw or b"").strip()
        if text and text.isprintable():
            found.append(Mention(text, SlotKind.LINK, "pdf"))
    return found, tries > 0


def _literal(data: bytes, start: int, *, nested: bool) -> bytes | None:
    """A string in parentheses (section 7.3.4.2), from behind the first one; None when it does not end.

    Args:
        data: of the file.
        start: where it begins.
        nested: look for the end of one that has parentheses of its own.
    """
    plain = _PLAIN_STRING.match(data, start, start + _MAX_STRING)
    end = plain.end() if plain else start
    if data[end : end + 1] != b")":
        if not nested:
            return None
        depth, end = 1, -1
        for mark in _PARENTHESIS.finditer(data, start, start + _MAX_STRING):
            depth += {b"(": 1, b")": -1}.get(mark.group(), 0)
            if not depth:
                end = mark.start()
                break
        if end < 0:
            return None
    return _ESCAPE.sub(_unescaped, data[start:end])


def _unescaped(match: re.Match[bytes]) -> bytes:
    if match.group(1):
        return bytes([int(match.group(1), 8) & 0xFF])
    return _SIMPLE.get(match.group(2), match.group(2))


def _hexadecimal(data: bytes, start: int) -> bytes:
    match = _HEX.match(data, start, start + _MAX_STRING)
    digits = b"".join(match.group().split()) if match else b""
    return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))


def _text(raw: bytes) -> str:
    if raw.startswith(b"\xfe\xff"):
        return raw[2:].decode("utf-16-be", "replace")
    try:
        return raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
