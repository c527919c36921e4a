"""Rewrites style sheets, changing only the URLs."""

from __future__ import annotations

from collections.abc import Iterator

from archiver.markup.charset import SNIFF_BYTES, needed_bytes, sniff_charset
from archiver.markup.css import CssScanner
from archiver.markup.slots import Slot
from replay.rewrite.byteview import View, view_of
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
        self._needed = SNIFF_BYTES  # bytes, to decide in which encoding it is
        self._view: View | None = None

    def feed(self, data: bytes) -> bytes:
        """What `data` completes."""
        view = self._view
        if view is None:
            self._start += data
            if len(self._start) >= self._needed:
                self._needed = needed_bytes(self._start, self._http_charset)
            if len(self._start) < self._needed:
                return b""
            view, data = self._begin()
        return self._scan(view, view.decode(data))

    def flush(self) -> bytes:
        """The rest."""
        out = b""
        view = self._view
        if view is None:
            view, data = self._begin()
            out = self._scan(view, view.decode(data))
        out += self._scan(view, view.finish())
        self._fill(view, self._scanner.close())
        return out + view.encode(self._splicer.rest()) + view.tail()

    def _begin(self) -> tuple[View, bytes]:
        view = self._view = view_of(sniff_charset(self._start, self._http_charset))
        self._scanner = CssScanner(charset=view.scanner_charset)
        self._splicer = Splicer()
        data, self._start = self._start, b""
        return view, data

    def _scan(self, view: View, text: str) -> bytes:
        self._splicer.feed(text)
        self._fill(view, self._scanner.feed(text))
        return view.encode(self._splicer.take(self._scanner.settled))

    def _fill(self, view: View, slots: Iterator[Slot]) -> None:
        context = self._context
        for slot in slots:
            address = rewrite_url(context, context.url, view.read(slot.value), slot.kind, view.url_charset)
            if address is not None:
                self._splicer.replace(slot.start, slot.end, slot.encode(address))
