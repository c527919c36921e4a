"""What a response really is: by its type, by how it was asked for, and by its first bytes."""

from __future__ import annotations

import re
from enum import StrEnum

import webencodings

from archiver.markup.charset import SNIFF_BYTES, declared_charset, detected_charset, label_of
from archiver.markup.html import HtmlScanner
from archiver.markup.manifest import DASH_TYPE, HLS_TYPES
from archiver.markup.slots import Passage, PassageKind
from archiver.markup.xml import is_xml


class Kind(StrEnum):
    """How a response is rewritten."""

    HTML = "html"
    CSS = "css"
    SCRIPT = "script"
    HLS = "hls"
    DASH = "dash"
    NONE = ""  # passes through as it is


SVG = "image/svg+xml"
_HTML = frozenset({"text/html", "application/xhtml+xml", SVG, "application/vnd.wap.xhtml+xml"})

#: Types that browsers take for none (MIME Sniffing Standard, section 7).
_UNKNOWN = frozenset({"", "unknown/unknown", "application/unknown", "*/*"})

#: What these ask for is never shown as a page, whatever comes.
SCRIPT_MODIFIERS = frozenset({"js", "esm", "wkr", "wkrm", "wkl", "sw"})
#: What scripts fetch is theirs to read: they get what the site sent.
_DATA_MODIFIERS = frozenset({"da", "id"})
_JSON = frozenset({"application/json", "text/json"})
_PART_MODIFIERS = frozenset({"im", "oe"})

#: MIME Sniffing Standard, section 7.1.
_MARKUP = re.compile(
    rb"<!--|<\?xml|<(?:!doctype\s+html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|meta|link)[\s/>]",
    re.IGNORECASE,
)
_BLANK = b"\xef\xbb\xbf \t\r\n\f"
_BINARY = (
    b"GIF8",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"RIFF",
    b"BM",
    b"%PDF-",
    b"\x00\x00\x01\x00",
    b"OggS",
    b"ID3",
    b"\x1aE\xdf\xa3",
)
_ROOT = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z][\w.-]*)")
_PROLOGUE = re.compile(rb"\s+|<\?.*?\?>|<!--.*?-->|<![^\[>]*(?:\[.*?\])?[^>]*>", re.DOTALL)


def kind_of(mime: str, modifier: str, start: bytes) -> Kind:
    """How a response is rewritten.

    What the page asked for decides where the type says nothing; an error page in place of a script stays as it is.

    Args:
        mime: lower case, without parameters; "" when there is none.
        modifier: how it was asked for, without underscore.
        start: its first bytes.
    """
    if modifier in _DATA_MODIFIERS:
        return Kind.NONE
    if modifier in SCRIPT_MODIFIERS:
        return Kind.NONE if mime in _JSON or looks_like_markup(start) else Kind.SCRIPT
    if modifier == "cs":
        is_css = mime == "text/css" or (mime not in _HTML and not looks_like_markup(start))
        return Kind.CSS if is_css else Kind.NONE
    if mime == "text/css":
        return Kind.CSS
    if manifest := _manifest(mime, modifier, start):
        return manifest
    if mime in _HTML:
        return Kind.NONE if modifier in _PART_MODIFIERS and start.startswith(_BINARY) else Kind.HTML
    if is_xml(mime):
        is_shown = root_of(start) in ("html", "svg") or b"<?xml-stylesheet" in start
        return Kind.HTML if is_shown else Kind.NONE
    if mime in _UNKNOWN and modifier != "im" and looks_like_markup(start):
        return Kind.HTML
    return Kind.NONE


def _manifest(mime: str, modifier: str, start: bytes) -> Kind:
    """Manifests of media that browsers play by themselves; servers often call them something else."""
    text = start.lstrip(_BLANK)
    if text.startswith(b"#EXTM3U") and (mime in HLS_TYPES or modifier == "oe"):
        return Kind.HLS
    return Kind.DASH if (mime == DASH_TYPE or modifier == "oe") and root_of(text) == "mpd" else Kind.NONE


def looks_like_markup(start: bytes) -> bool:
    """True when a browser without a type would take this for HTML."""
    return _MARKUP.match(start.lstrip(_BLANK)) is not None


def root_of(start: bytes) -> str:
    """The local name of the root element of an XML document; "" when it is not among the first bytes."""
    at = len(start) - len(start.lstrip(b"\xef\xbb\xbf"))
    while match := _PROLOGUE.match(start, at):
        at = match.end()
    root = _ROOT.match(start, at)
    return root.group(1).decode("ascii", "replace").lower() if root else ""


def content_type(mime: str, http_charset: str | None, start: bytes) -> str | None:
    """The Content-Type that a rewritten page needs; None when the archived one is right.

    Rewriting makes a page longer, and browsers look for the meta element with the encoding only in its first 1024 bytes:
    what it says goes into the header. So does what the bytes of a page look like that says nothing: a browser would guess
    by the first of them, which are ours. A page that was shown as one for want of a type gets the type.

    Args:
        mime: archived media type, "" when there is none.
        http_charset: charset parameter of the archived Content-Type.
        start: first bytes of the page.
    """
    known = http_charset is not None and webencodings.lookup(http_charset.strip()) is not None
    label = None if known else meta_charset(start) or _looks_like(mime, start)
    if label is None:
        return "text/html" if mime in _UNKNOWN else None
    return f"{'text/html' if mime in _UNKNOWN else mime}; charset={label}"


def _looks_like(mime: str, start: bytes) -> str | None:
    """The encoding of a page that names none; None where a browser knows it, or all are the same."""
    if is_xml(mime) or declared_charset(start) is not None:
        return None
    charset = detected_charset(start)
    return None if start.isascii() and charset.name == "utf-8" else label_of(charset)


def meta_charset(start: bytes) -> str | None:
    """The encoding that a page's own meta element names, as browsers call it; None without one that they know."""
    scanner = HtmlScanner(charset="windows-1252")
    for item in scanner.feed(start[:SNIFF_BYTES].decode("latin-1")):
        if isinstance(item, Passage) and item.kind is PassageKind.META_CHARSET:
            encoding = webencodings.lookup(item.value.strip())
            if encoding is not None:
                # A meta element that could be read is not in UTF-16 (HTML, section 13.2.3.2).
                name = str(encoding.name)
                return "utf-8" if name.startswith("utf-16") else name
    return None
