"""Tells what kind of file something is, by its first bytes; names only help where the beginning is damaged."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from enum import StrEnum
from io import BufferedReader
from typing import BinaryIO

import zstandard

from archiver.store.inside import ZIP_ERRORS, whole_reads
from archiver.warc.frames import DICTIONARY_FRAME, FRAME

#: Bytes that are looked at, and how many they may become when decompressed.
LOOK_BYTES = 64 * 1024

_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_ARC = re.compile(rb"filedesc://|[a-z]{2,8}:[^\s]+ [0-9A-Fa-f.:-]+ \d{8,14} \S+ (?:[^\n]* )?\d+\r?\n")
_CDX_HEADER = re.compile(rb" ?CDX(?: [A-Za-z])+ *\r?\n")
_CDXJ_LINE = re.compile(rb"\S+ \d{4,14} \{")
_CDX_LINE = re.compile(rb"\S+ \d{14} \S+ \S+ (?:\d{3}|-) \S+ .*\S+ *\r?\n")
_DESCRIPTION = re.compile(rb'\{\s*"format"\s*:\s*"muniment-collection"')
_INSIDE = re.compile(r"^datapackage\.json$|^archive/.|\.w?arc(?:\.gz|\.zst)?$|\.wacz$", re.IGNORECASE)
_WARC_NAME = re.compile(r"\.w?arc(?:\.gz|\.zst)?(?:\.open)?$", re.IGNORECASE)


class Kind(StrEnum):
    """What can be taken in, and `UNKNOWN`."""

    WARC = "WARC"
    ARC = "ARC"
    WACZ = "WACZ"
    MULTI_WACZ = "list of WACZ"
    HAR = "HAR"
    CDX = "CDX"
    DESCRIPTION = "description of a collection"
    FOLDER = "folder"
    UNKNOWN = "unknown"


def recognise(stream: BinaryIO, name: str = "") -> Kind:
    """What a file is.

    Args:
        stream: at its beginning; some of it is read.
        name: of the file; decides only for damaged WARC files.
    """
    start = stream.read(LOOK_BYTES)
    if start.startswith(_ZIP):
        return Kind.WACZ if name.lower().endswith(".wacz") or _is_package(stream, start) else Kind.UNKNOWN
    kind = _kind_of(_decompressed(start))
    if kind is Kind.UNKNOWN and start.startswith(DICTIONARY_FRAME):
        return Kind.WARC  # the only files that begin so
    if kind is Kind.UNKNOWN and _WARC_NAME.search(name):
        return Kind.WARC  # the reader finds whatever can still be read
    return kind


def _is_package(stream: BinaryIO, start: bytes) -> bool:
    """A ZIP file has in it what a WACZ has; of one whose directory is damaged, in its first bytes."""
    whole = whole_reads(stream)
    try:
        with zipfile.ZipFile(whole) as package:
            return any(_INSIDE.search(name) for name in package.namelist())
    except ZIP_ERRORS:
        return b"archive/" in start or b"datapackage.json" in start
    finally:
        if whole is not stream and isinstance(whole, BufferedReader):
            whole.detach()


def _decompressed(start: bytes) -> bytes:
    """The first bytes of what is compressed, as far as they can be had; other bytes as they are."""
    try:
        if start.startswith(b"\x1f\x8b"):
            return zlib.decompressobj(31).decompress(start, LOOK_BYTES)
        if start.startswith(FRAME):
            # Small bites: this engine has no limit of its own.
            engine, out = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj(), b""
            for place in range(0, len(start), 256):
                out += engine.decompress(start[place : place + 256])
                if len(out) >= LOOK_BYTES or engine.eof:
                    break
            return out[:LOOK_BYTES]
    except (zlib.error, zstandard.ZstdError):
        return b""
    return start


def _kind_of(start: bytes) -> Kind:
    start = start.removeprefix(b"\xef\xbb\xbf").lstrip(b"\0\r\n")
    if start.startswith((b"WARC/", b"warc/")):
        return Kind.WARC
    if _CDX_HEADER.match(start) or _CDXJ_LINE.match(start) or start.startswith(b"!OpenWayback-CDXJ"):
        return Kind.CDX
    if _ARC.match(start):
        return Kind.ARC
    if _CDX_LINE.match(start):
        return Kind.CDX
    text = start.lstrip()
    if text.startswith(b"{"):
        return _kind_of_json(text)
    return Kind.UNKNOWN


def _kind_of_json(text: bytes) -> Kind:
    """Of a JSON object, by its first member and, where it is whole, by what it says that it is."""
    if _DESCRIPTION.match(text):
        return Kind.DESCRIPTION
    if re.match(rb'\{\s*"log"\s*:\s*\{', text):
        return Kind.HAR
    if b'"multi-wacz-package"' in text or (b'"resources"' in text and b'.wacz"' in text):
        return Kind.MULTI_WACZ
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return Kind.UNKNOWN
    return Kind.HAR if isinstance(data.get("log"), dict) and "entries" in data["log"] else Kind.UNKNOWN
