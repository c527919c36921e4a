"""Rewrites HTML, changing only what would lead out of the archive or keep the page from showing."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from archiver.markup.charset import SNIFF_BYTES, Charset, sniff_charset
from archiver.markup.html import HtmlScanner
from archiver.markup.slots import Found, Landmark, LandmarkKind, Passage, PassageKind, Slot, SlotKind
from archiver.urls import resolve
from replay.rewrite.context import RewriteContext
from replay.rewrite.splice import Splicer
from replay.rewrite.urls import rewrite_url

#: Attributes that would make the browser refuse what the archive serves; renamed, so that their value is kept.
_DISARMED = {
    PassageKind.INTEGRITY: "data-archived-integrity",
    PassageKind.CROSSORIGIN: "data-archived-crossorigin",
}


class HtmlRewriter:
    """Bytes of a document in, bytes that stay in the archive out; nothing is held but an unfinished tag or script.

    Args:
        context: where it is replayed.
        http_charset: charset parameter of its Content-Type.
        head_insert: markup for the start of the head, ASCII.
        body_insert: markup for the start of the body, ASCII; left out in frameset documents.
    """

    def __init__(
        self,
        context: RewriteContext,
        *,
        http_charset: str | None = None,
        head_insert: str = "",
        body_insert: str = "",
    ) -> None:
        self._context = context
        self._http_charset = http_charset
        self._inserts = {LandmarkKind.HEAD: head_insert, LandmarkKind.BODY: body_insert}
        self._base = context.url
        self._has_base = False
        self._start = b""
        self._charset: Charset | None = None

    def feed(self, data: bytes) -> bytes:
        """What `data` completes."""
        if self._charset is None:
            self._start += data
            if len(self._start) < SNIFF_BYTES:
                return b""
            data = self._begin()
        return self._scan(self._decoder.decode(data))

    def flush(self) -> bytes:
        """The rest."""
        out = b""
        if self._charset is None:
            data = self._begin()
            out = self._scan(self._decoder.decode(data))
        out += self._scan(self._decoder.decode(b"", True))
        self._change(self._scanner.close())
        return out + self._encode(self._splicer.rest())

    def _begin(self) -> bytes:
        self._charset = sniff_charset(self._start, self._http_charset)
        transparent = self._charset.byte_transparent
        self._codec = "latin-1" if transparent else self._charset.name
        self._decoder = codecs.getincrementaldecoder(self._codec)("strict" if transparent else "replace")
        self._scanner = HtmlScanner(charset=self._charset.name if transparent else None)
        self._splicer = Splicer()
        data, self._start = self._start, b""
        return data

    def _scan(self, text: str) -> bytes:
        self._splicer.feed(text)
        self._change(self._scanner.feed(text))
        return self._encode(self._splicer.take(self._scanner.settled))

    def _encode(self, text: str) -> bytes:
        return text.encode(self._codec, "xmlcharrefreplace")

    def _change(self, found: Iterator[Found]) -> None:
        for item in found:
            if isinstance(item, Slot):
                self._fill(item)
            elif isinstance(item, Landmark):
                insert = self._inserts.get(item.kind)
                if insert:
                    self._splicer.replace(item.start, item.start, insert)
            else:
                self._passage(item)

    def _fill(self, slot: Slot) -> None:
        if slot.kind is SlotKind.BASE:
            if not self._has_base:
                self._has_base = True
                self._base = resolve(self._context.url, slot.value) or self._base
        address = rewrite_url(self._context, self._base, slot.value, slot.kind)
        if address is not None:
            self._splicer.replace(slot.start, slot.end, slot.encode(address))

    def _passage(self, item: Passage) -> None:
        kind = item.kind
        if kind in _DISARMED:
            self._splicer.replace(item.start, item.end, _DISARMED[kind])
        elif kind is PassageKind.META_CSP:
            self._splicer.replace(item.start, item.end, "X-Archived-CSP")
        elif kind is PassageKind.SRCDOC:
            inner = rewrite_fragment(self._context, item.value, self._base)
            if inner != item.value:
                self._splicer.replace(item.start, item.end, item.encode(inner))


def rewrite_fragment(context: RewriteContext, markup: str, base: str) -> str:
    """A document that stands in an attribute, rewritten."""
    scanner, splicer = HtmlScanner(), Splicer()
    splicer.feed(markup)
    for found in (scanner.feed(markup), scanner.close()):
        for item in found:
            if isinstance(item, Slot):
                address = rewrite_url(context, base, item.value, item.kind)
                if address is not None:
                    splicer.replace(item.start, item.end, item.encode(address))
            elif isinstance(item, Passage) and item.kind in _DISARMED:
                splicer.replace(item.start, item.end, _DISARMED[item.kind])
    return splicer.rest()
