"""Rewrites style sheets, changing only the URLs."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from archiver.markup.charset import SNIFF_BYTES, Charset, sniff_charset
from archiver.markup.css import CssScanner
from archiver.markup.slots import Slot
from replay.rewrite.context import RewriteContext
from replay.rewrite.splice import Splicer
from replay.rewrite.urls import rewrite_url


class CssRewriter:
    """Bytes of a style sheet in, bytes with archive addresses out.

    Args:
        context: where it is replayed.
        http_charset: charset parameter of its Content-Type.
    """

    def __init__(self, context: RewriteContext, http_charset: str | None = None) -> None:
        self._context = context
        self._http_charset = http_charset
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
        self._fill(self._scanner.close())
        return out + self._encode(self._splicer.rest())

    def _begin(self) -> bytes:
        self._charset = sniff_charset(self._start, self._http_charset)
        transparent = self._charset.byte_transparent
        self._codec = "latin-1" if transparent else self._charset.name
        self._decoder = codecs.getincrementaldecoder(self._codec)("strict" if transparent else "replace")
        self._scanner = CssScanner(charset=self._charset.name if transparent else None)
        self._splicer = Splicer()
        data, self._start = self._start, b""
        return data

    def _scan(self, text: str) -> bytes:
        self._splicer.feed(text)
        self._fill(self._scanner.feed(text))
        return self._encode(self._splicer.take(self._scanner.settled))

    def _fill(self, slots: Iterator[Slot]) -> None:
        for slot in slots:
            address = rewrite_url(self._context, self._context.url, slot.value, slot.kind)
            if address is not None:
                self._splicer.replace(slot.start, slot.end, slot.encode(address))

    def _encode(self, text: str) -> bytes:
        return text.encode(self._codec, "replace")
