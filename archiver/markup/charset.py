"""Which encoding a document is in: BOM → HTTP → meta → detector → windows-1252, as browsers decide and archives need."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import cache, lru_cache

import webencodings
from resiliparse.parse.encoding import detect_encoding
from webencodings.labels import LABELS

#: Bytes that decide; HTML looks for the meta element in the first 1024.
SNIFF_BYTES = 1024
#: Bytes that are looked at where nothing is said: long heads are often all ASCII.
DETECT_BYTES = 64 * 1024

_META = re.compile(rb"<meta[\s/][^>]*?charset\s*=\s*[\"']?\s*([^\s\"'/>;]+)", re.IGNORECASE)
_CSS = re.compile(rb'@charset "([^"]*)";')
_XML = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']+)", re.IGNORECASE)
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
#: How a tag or declaration begins in UTF-16.
_WIDE = {
    "utf-16-le": re.compile(rb"(?:[ \t\r\n]\0)*+<\0[!?/a-zA-Z]\0"),
    "utf-16-be": re.compile(rb"(?:\0[ \t\r\n])*+\0<\0[!?/a-zA-Z]"),
}
_SHIFT = re.compile(rb"\x1b\$[@B]")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

#: Encodings in which bytes of the ASCII range may be parts of other characters: these are really decoded.
_OPAQUE = frozenset({"utf-16-le", "utf-16-be", "iso2022_jp", "cp932", "gbk", "gb18030", "big5hkscs", "cp949"})

#: Browsers read these labels as supersets of what they name (WHATWG Encoding, sections 4.2, 11, 12 and 13).
_SUPERSETS = {"shift_jis": "cp932", "big5": "big5hkscs", "euc_kr": "cp949"}


@dataclass(frozen=True, slots=True)
class Charset:
    """An encoding decision.

    Attributes:
        name: Python codec name.
        byte_transparent: ASCII bytes always mean ASCII, so the document can be handled as latin-1.
        bom: bytes of the byte order mark at the start, to be kept.
    """

    name: str
    byte_transparent: bool
    bom: int = 0


@lru_cache(64)
def codec_of(label: str | None) -> str | None:
    """The codec that browsers use for an encoding label (WHATWG Encoding, section 4.2); None for unknown ones."""
    encoding = webencodings.lookup(label.strip()) if label else None
    if encoding is None or encoding.name in ("x-user-defined", "replacement"):
        return None
    name: str = encoding.codec_info.name
    return "utf-16-le" if name == "utf-16" else _SUPERSETS.get(name, name)


def sniff_charset(head: bytes, http_charset: str | None = None) -> Charset:
    """Decide the encoding of a document from its first bytes and what HTTP said.

    Args:
        head: `SNIFF_BYTES` of it, or where `declared_charset` finds nothing in those, `DETECT_BYTES`.
        http_charset: charset parameter of its Content-Type.
    """
    return declared_charset(head, http_charset) or detected_charset(head)


def declared_charset(head: bytes, http_charset: str | None = None) -> Charset | None:
    """The encoding that a document or HTTP names; None when neither does."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return _charset(name, len(mark))
    named = codec_of(http_charset)
    if named is not None:
        return _charset(named)
    start = head[:SNIFF_BYTES]
    if b"<!--" in start:
        start = _COMMENT.sub(b"", start)
    for pattern in (_CSS, _META, _XML):
        match = pattern.search(start)
        named = codec_of(match.group(1).decode("ascii", "replace")) if match else None
        if named is not None:
            # A meta element that says UTF-16 was read as ASCII, so it is wrong (HTML, section 13.2.3.2).
            return _charset("utf-8" if named.startswith("utf-16") else named)
    return None


def needed_bytes(head: bytes, http_charset: str | None = None) -> int:
    """How much of a document must have come before its encoding is decided; no more than came when it can be now."""
    if len(head) >= DETECT_BYTES or declared_charset(head, http_charset) is not None:
        return len(head)
    return DETECT_BYTES


def detected_charset(head: bytes) -> Charset:
    """The encoding that the bytes of a document look like."""
    head = head[:DETECT_BYTES]
    for name, markup in _WIDE.items():
        high, low = (head[1::2], head[0::2]) if name == "utf-16-le" else (head[0::2], head[1::2])
        is_wide = len(head) >= 8 and high.count(0) > len(high) * 0.8 and low.count(0) < len(low) * 0.2
        if markup.match(head) or is_wide:
            return _charset(name)
    if head.isascii():
        return _charset("iso2022_jp" if _SHIFT.search(head) else "utf-8")
    if _is_utf8(head):
        return _charset("utf-8")
    guess = detect_encoding(head)  # names such as euc_jp, which browsers write with hyphens
    return _charset(codec_of(guess) or codec_of(str(guess).replace("_", "-")) or "cp1252")


def label_of(charset: Charset) -> str:
    """The name of an encoding that browsers know."""
    return _labels().get(charset.name, charset.name.replace("utf-16-", "utf-16"))


@cache
def _labels() -> dict[str, str]:
    """Codec → what browsers call it; all codecs are imported for it."""
    return {
        _SUPERSETS.get(codec.codec_info.name, codec.codec_info.name): codec.name
        for codec in map(webencodings.lookup, sorted(set(LABELS.values()), reverse=True))
        if codec is not None
    }


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _charset(name: str, bom: int = 0) -> Charset:
    return Charset(name, name not in _OPAQUE, bom)
