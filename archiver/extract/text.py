"""The text of a document as a reader sees it, for search and for comparing versions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree
from resiliparse.parse.lang import detect_fast

from archiver.markup.charset import DETECT_BYTES, sniff_charset
from archiver.plaintext import one_line

#: Bytes of a document that are read, and characters of its text that are kept.
MAX_DOCUMENT_BYTES = 8 * 1024 * 1024
MAX_CHARACTERS = 200_000
_MAX_TITLE = 500

_HTML = frozenset({"text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"})
_PLAIN = frozenset({"text/plain", "text/markdown"})
_SPACES = re.compile(r"[ \t\f\v\u00a0]+")
_BLANK_LINES = re.compile(r"\s*\n\s*")
#: What no text holds: control characters, and surrogates, which cannot be stored.
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")
#: How sure the detector of languages must be: its distance, the smaller the surer, and characters it needs.
_SURE, _ENOUGH = 900, 60


@dataclass(frozen=True, slots=True)
class DocumentText:
    """What a document says.

    Attributes:
        title: one line, or "".
        text: paragraphs and other blocks as lines, in the order of the document.
        language: two letters, as the text looks; "" when nobody can tell.
        is_cut: the document is longer than what is kept of it.
    """

    title: str
    text: str
    language: str
    is_cut: bool = False


def has_text(media_type: str) -> bool:
    """Documents of that type are read by `text_of`."""
    return media_type in _HTML or media_type in _PLAIN


def text_of(body: bytes, media_type: str, http_charset: str | None = None) -> DocumentText | None:
    """The text of a document, whatever state it is in.

    Args:
        body: decoded, `MAX_DOCUMENT_BYTES` at most.
        media_type: lower case, without parameters.
        http_charset: as its Content-Type says.

    Returns:
        None for types that hold no text that a reader sees.
    """
    if not has_text(media_type):
        return None
    charset = sniff_charset(body[:DETECT_BYTES], http_charset)
    source = body[charset.bom : MAX_DOCUMENT_BYTES].decode(charset.name, "replace")
    title = ""
    if media_type in _HTML:
        # NUL ends what the parser sees; to a browser it is nothing.
        tree = HTMLTree.parse(source.replace("\0", ""))
        title = one_line(_clean(tree.title or ""))[:_MAX_TITLE]
        source = extract_plain_text(tree, main_content=False, alt_texts=True, noscript=False, form_fields=False)
    text = _BLANK_LINES.sub("\n", _SPACES.sub(" ", _clean(source))).strip()
    is_cut = len(text) > MAX_CHARACTERS or len(body) >= MAX_DOCUMENT_BYTES
    text = text[:MAX_CHARACTERS]
    return DocumentText(title, text, _language(text), is_cut)


def _clean(text: str) -> str:
    return _NO_TEXT.sub(" ", text)


def _language(text: str) -> str:
    if len(text) < _ENOUGH:
        return ""
    found, distance = detect_fast(text[:4000])
    return str(found) if found != "unknown" and distance <= _SURE else ""
