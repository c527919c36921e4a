"""Rewrites HTML, changing only what would lead out of the archive or keep the page from showing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from archiver.markup.charset import SNIFF_BYTES, needed_bytes, sniff_charset
from archiver.markup.html import HtmlScanner
from archiver.markup.slots import Found, Landmark, LandmarkKind, Passage, PassageKind, Slot, SlotKind
from archiver.markup.xml import scanner_of
from replay.rewrite.byteview import View, view_of
from replay.rewrite.context import RewriteContext
from replay.rewrite.js import rewrite_script
from replay.rewrite.splice import Splicer
from replay.rewrite.urls import absolute, is_inner, rewrite_url, spelled

#: Attributes that would make the browser refuse what the archive serves; renamed, so that their value is kept.
_DISARMED = {
    PassageKind.INTEGRITY: "data-archived-integrity",
    PassageKind.CROSSORIGIN: "data-archived-crossorigin",
    PassageKind.EMBEDDED_CSP: "data-archived-csp",
}
#: Documents in URLs are opened by the runtime, which rewrites them: this waits in their place.
_LATER = "about:blank#"
#: Where a request comes from is how what strayed finds home, and nobody outside gets to know it.
_DISARMED_METAS = {PassageKind.META_CSP: "X-Archived-CSP", PassageKind.META_REFERRER: "archived-referrer"}
#: Scripts in elements are changed as they stand in the document, those in attributes as what they say.
_SCRIPTS = frozenset({PassageKind.SCRIPT, PassageKind.MODULE, PassageKind.JSON})
_ATTRIBUTE_SCRIPTS = frozenset({PassageKind.HANDLER, PassageKind.JAVASCRIPT_URL})
_NAVIGATION = frozenset({SlotKind.LINK, SlotKind.FORM})
_OUT_OF_FRAME = frozenset({"_top", "_parent", "_blank"})
#: What says that a page may have audio or video.
_PLAYED = frozenset({SlotKind.MEDIA, SlotKind.OBJECT})
_MEDIA_FILE = re.compile(r"\.(?:mp[34]|webm|og[gva]|m4[av]|wav|flac|opus|aac|mov)(?![a-z0-9])", re.IGNORECASE)

#: What a document has in which something may run.
_RUNS = re.compile(r"<script|\son\w+\s*=|javascript:", re.IGNORECASE)

#: Documents in attributes of documents in attributes …: nobody writes more, and each costs the ones around it.
_MAX_NESTING = 4


class HtmlRewriter:
    """Bytes of a document in, bytes that stay in the archive out; nothing is held but an unfinished tag or script.

    Args:
        context: where it is replayed.
        media_type: of the response, which says whether it is read as HTML or XML.
        http_charset: charset parameter of its Content-Type.
        head_insert: markup for the start of the head.
        body_insert: markup for the start of the body; left out in frameset documents.
    """

    def __init__(
        self,
        context: RewriteContext,
        *,
        media_type: str = "text/html",
        http_charset: str | None = None,
        head_insert: str = "",
        body_insert: str = "",
    ) -> None:
        self._context = context
        self._media_type = media_type
        self._http_charset = http_charset
        self._inserts = {LandmarkKind.HEAD: _ascii(head_insert), LandmarkKind.BODY: _ascii(body_insert)}
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
        return view.encode(self._editor.feed(view.decode(data)))

    def flush(self) -> bytes:
        """The rest."""
        out = b""
        view = self._view
        if view is None:
            view, data = self._begin()
            out = view.encode(self._editor.feed(view.decode(data)))
        out += view.encode(self._editor.feed(view.finish()))
        return out + view.encode(self._editor.close()) + view.tail()

    @property
    def names_media(self) -> bool:
        """Whether what was read so far may have audio or video."""
        return self._view is not None and self._editor.names_media

    def _begin(self) -> tuple[View, bytes]:
        view = self._view = view_of(sniff_charset(self._start, self._http_charset))
        scanner = scanner_of(self._media_type, view.scanner_charset)
        self._editor = _Editor(self._context, self._context.url, view, scanner, self._inserts)
        data, self._start = self._start, b""
        return view, data


class _Editor:
    """Text of a document in, text that stays in the archive out.

    Args:
        context: where the document is replayed.
        base: what relative URLs are joined with until a base element says otherwise.
        view: how the text was made of bytes; None for text that never was.
        scanner: reads the document.
        inserts: markup for landmarks.
        depth: how many documents this one stands inside.
    """

    def __init__(
        self,
        context: RewriteContext,
        base: str,
        view: View | None,
        scanner: HtmlScanner,
        inserts: dict[LandmarkKind, str],
        depth: int = 0,
    ) -> None:
        self._context = context
        self._base = base
        self._view = view
        self._charset = view.url_charset if view else None
        self._inserts = inserts
        self._depth = depth
        self._scanner = scanner
        self._splicer = Splicer()
        self._has_base = False
        self._base_leaves = False
        self._in_frame = is_inner(context)
        self._top = replace(context, modifier="")
        self.names_media = False
        self._addresses: dict[tuple[str, SlotKind, bool], str | None] = {}  # pages repeat themselves

    def feed(self, text: str) -> str:
        """What `text` completes."""
        self._splicer.feed(text)
        self._change(self._scanner.feed(text))
        return self._splicer.take(self._scanner.settled)

    def close(self) -> str:
        """The rest."""
        self._change(self._scanner.close())
        return self._splicer.rest()

    def _change(self, found: Iterable[Found]) -> None:
        leaving: dict[int, bool] = {}
        if self._in_frame:
            found = list(found)
            leaving = self._targets(found)
        for item in found:
            if isinstance(item, Slot):
                leaves = leaving.get(self._tag_start(item.start), self._base_leaves) if self._in_frame else False
                self._fill(item, leaves)
            elif isinstance(item, Landmark):
                insert = self._inserts.get(item.kind)
                if insert:
                    self._splicer.replace(item.start, item.start, insert)
            else:
                self._passage(item)

    def _fill(self, slot: Slot, leaves: bool) -> None:
        start, end, value, kind, encode = slot
        same = value, kind, leaves
        if same in self._addresses:
            address = self._addresses[same]
        else:
            address = self._addresses[same] = self._address(value, kind, leaves)
        if address is not None:
            self._splicer.replace(start, end, encode(address))

    def _address(self, value: str, kind: SlotKind, leaves: bool) -> str | None:
        value = self._read(value)
        if kind in _PLAYED or _MEDIA_FILE.search(value):
            self.names_media = True
        if kind is SlotKind.BASE and not self._has_base:
            self._has_base = True
            self._base = absolute(self._context.url, value, self._charset) or self._base
            self._addresses.clear()
        context = self._top if leaves and kind in _NAVIGATION else self._context
        return rewrite_url(context, self._base, value, kind, self._charset, join=spelled)

    def _passage(self, item: Passage) -> None:
        kind = item.kind
        if kind in _DISARMED:
            self._splicer.replace(item.start, item.end, _DISARMED[kind])
        elif kind in _DISARMED_METAS:
            self._splicer.replace(item.start, item.end, _DISARMED_METAS[kind])
        elif kind is PassageKind.DATA_DOCUMENT:
            self._splicer.replace(item.start, item.end, item.encode(_LATER + self._read(item.value).strip()))
        elif kind is PassageKind.SRCDOC:
            value = self._read(item.value)
            inner = self._inner(value)
            if inner != value:
                # "<" would be the end of a document that is read as XML.
                self._splicer.replace(item.start, item.end, item.encode(inner).replace("<", "&lt;"))
        elif kind in _SCRIPTS or kind in _ATTRIBUTE_SCRIPTS:
            source = item.value if kind in _SCRIPTS else self._read(item.value)
            has_own_base = self._base != self._context.url
            context = replace(self._context, url=self._base) if has_own_base else self._context
            script = rewrite_script(context, source, kind)
            if script is not None:
                self._splicer.replace(item.start, item.end, item.encode(script))

    def _inner(self, markup: str) -> str:
        """A document that stands in an attribute, rewritten; it may be in a sandbox, so scripts get a runtime of their own."""
        if self._depth >= _MAX_NESTING:
            return ""
        context = replace(self._context, modifier="if")
        inserts = {LandmarkKind.HEAD: self._inserts.get(LandmarkKind.HEAD, "")} if _RUNS.search(markup) else {}
        editor = _Editor(context, self._base, None, HtmlScanner(), inserts, self._depth + 1)
        return editor.feed(markup) + editor.close()

    def _read(self, value: str) -> str:
        return self._view.read(value) if self._view else value

    def _targets(self, found: list[Found]) -> dict[int, bool]:
        """Start of a tag → whether its link leaves the frame that this document is in."""
        leaving: dict[int, bool] = {}
        for item in found:
            if isinstance(item, Passage) and item.kind is PassageKind.TARGET:
                start = self._tag_start(item.start)
                leaving[start] = item.value.strip().lower() in _OUT_OF_FRAME
                at = start - self._splicer.start
                if self._splicer.held()[at : at + 5].lower() == "<base":
                    self._base_leaves = leaving[start]
        return leaving

    def _tag_start(self, position: int) -> int:
        start = self._splicer.start
        return start + self._splicer.held().rfind("<", 0, position - start)


def _ascii(markup: str) -> str:
    """Markup that means the same in every encoding."""
    return markup if markup.isascii() else markup.encode("ascii", "xmlcharrefreplace").decode("ascii")
