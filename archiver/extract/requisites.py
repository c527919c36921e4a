"""What a document needs to be shown as it was, and where it leads: absolute URLs, in order, each once."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Protocol

from archiver.errors import InvalidURL
from archiver.extract.dash import dash_media
from archiver.markup.attributes import link_kind
from archiver.markup.charset import DETECT_BYTES, SNIFF_BYTES, Charset, declared_charset, sniff_charset
from archiver.markup.css import CssScanner
from archiver.markup.html import HtmlScanner
from archiver.markup.js import import_specifiers
from archiver.markup.linkheader import parse_link_header
from archiver.markup.manifest import DASH_TYPE, HLS_TYPES, scan_hls
from archiver.markup.slots import REQUISITE_KINDS, Found, Passage, PassageKind, Slot, SlotKind
from archiver.markup.xml import is_xml, scanner_of
from archiver.urls import is_http, origin_of, parse_url, resolve

_PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_MANIFEST_TYPES = frozenset({"application/manifest+json", "application/x-web-app-manifest+json"})
#: Types of JavaScript.
SCRIPT_TYPES = frozenset(
    {"text/javascript", "application/javascript", "application/x-javascript", "text/ecmascript", "application/ecmascript"}
)
_MAX_MANIFEST_BYTES = 4 * 1024 * 1024
#: A day of video in pieces of ten seconds, in two qualities.
_MAX_SEGMENTS = 20_000
_MAX_SCRIPT_BYTES = 16 * 1024 * 1024
#: Module specifiers that are URLs; all others are names for the import map (HTML, section 8.1.6.2).
_URL_SPECIFIER = re.compile(r"\.{0,2}/|https?:", re.IGNORECASE)
_REFERENCE_KINDS = frozenset({SlotKind.LINK, SlotKind.DOWNLOAD, SlotKind.ALTERNATE, SlotKind.FORM, SlotKind.PREFETCH})


@dataclass(frozen=True, slots=True)
class Reference:
    """A URL that a document names.

    Attributes:
        url: absolute http(s), without fragment.
        kind: what a browser does with it.
    """

    url: str
    kind: SlotKind


@dataclass(frozen=True, slots=True)
class PageLinks:
    """What one document names.

    Attributes:
        requisites: needed to show it, in order, each URL once.
        links: where it leads, likewise.
        base: what relative URLs in it are joined with.
        refresh: where it moves on to by itself, or None.
        title: of an HTML document, else "".
    """

    requisites: tuple[Reference, ...] = ()
    links: tuple[Reference, ...] = ()
    base: str = ""
    refresh: str | None = None
    title: str = ""


@dataclass
class _Collector:
    """Gathers references while a document is scanned."""

    base: str
    has_base: bool = False
    requisites: dict[str, Reference] = field(default_factory=dict)
    links: dict[str, Reference] = field(default_factory=dict)
    refresh: str | None = None

    def add(self, reference: str, kind: SlotKind, place: str = "") -> None:
        if kind is SlotKind.BASE:
            if not self.has_base:
                self.has_base = True
                self.base = resolve(self.base, reference) or self.base
            return
        if reference.startswith("#"):
            return
        try:
            url = parse_url(reference, base=self.base)
        except InvalidURL:
            return
        if kind is SlotKind.REFRESH and self.refresh is None:
            self.refresh = url
        if kind in REQUISITE_KINDS:
            self.requisites.setdefault(url, Reference(url, kind))
        elif kind in _REFERENCE_KINDS:
            self.links.setdefault(url, Reference(url, kind))

    def found(self, items: Iterator[Found] | Iterator[Slot]) -> None:
        for item in items:
            if isinstance(item, Slot):
                self.add(item.value, item.kind)
            elif isinstance(item, Passage) and item.kind is PassageKind.SRCDOC:
                scanner = HtmlScanner()
                self.found(chain(scanner.feed(item.value), scanner.close()))
            elif isinstance(item, Passage) and item.kind in (PassageKind.SCRIPT, PassageKind.MODULE):
                self.script(item.value, self.base)

    def script(self, source: str, base: str) -> None:
        """The modules that a script imports by their URL."""
        for _, specifier in import_specifiers(source):
            url = resolve(base, specifier) if _URL_SPECIFIER.match(specifier) else None
            if url is not None:
                self.add(url, SlotKind.MODULE)


def requisites(
    body: Iterable[bytes], *, url: str, mime: str, http_charset: str | None = None, link_headers: Sequence[str] = ()
) -> PageLinks:
    """Read a document for the URLs it names.

    Args:
        body: decoded payload, in pieces.
        url: where the document is.
        mime: HTML, XML, CSS, JavaScript, web app and media manifests are read; other types give only their Link headers.
        http_charset: charset parameter of the Content-Type.
        link_headers: values of the HTTP Link header.
    """
    collector = _Collector(url)
    for value in link_headers:
        for link in parse_link_header(value):
            collector.add(link.url, link_kind(link.get("rel"), link.get("as")))
    title = ""
    if mime in HLS_TYPES:
        read_playlist(_start_of(body, _MAX_MANIFEST_BYTES).decode("utf-8", "replace"), url, collector)
    elif mime == DASH_TYPE:
        read_presentation(_start_of(body, _MAX_MANIFEST_BYTES), url, collector)
    elif mime == "text/html" or is_xml(mime):
        title = _read_markup(body, mime, http_charset, collector)
        if mime in _PAGE_TYPES:
            collector.add(f"{origin_of(url)}/favicon.ico", SlotKind.ICON)
    elif mime == "text/css":
        _read_css(body, http_charset, collector)
    elif mime in SCRIPT_TYPES:
        _read_script(body, url, collector)
    elif mime in _MANIFEST_TYPES:
        _read_manifest(body, collector)
    return PageLinks(
        tuple(reference for reference in collector.requisites.values() if is_http(reference.url)),
        tuple(collector.links.values()),
        collector.base,
        collector.refresh,
        title,
    )


def charset_of(pieces: Iterator[bytes], http_charset: str | None) -> tuple[Charset, bytes]:
    """The encoding of a document, and the pieces that had to be taken to know it."""
    start = b""
    for piece in pieces:
        start += piece
        if len(start) >= DETECT_BYTES or (len(start) >= SNIFF_BYTES and declared_charset(start, http_charset)):
            break
    return sniff_charset(start, http_charset), start


def scanned_text(pieces: Iterable[bytes], charset: Charset) -> Iterator[str]:
    """A document as the scanners want it."""
    decoder = codecs.getincrementaldecoder("latin-1" if charset.byte_transparent else charset.name)("replace")
    for piece in pieces:
        yield decoder.decode(piece)
    yield decoder.decode(b"", True)


def text_pieces(body: Iterable[bytes], http_charset: str | None) -> tuple[Charset, Iterator[str]]:
    """The encoding of a document and its pieces as the scanners want them."""
    pieces = iter(body)
    charset, start = charset_of(pieces, http_charset)
    return charset, scanned_text(chain([start], pieces), charset)


def _read_markup(body: Iterable[bytes], mime: str, http_charset: str | None, collector: _Collector) -> str:
    charset, pieces = text_pieces(body, http_charset)
    scanner = scanner_of(mime, charset.name if charset.byte_transparent else None)
    for piece in pieces:
        collector.found(scanner.feed(piece))
    collector.found(scanner.close())
    return scanner.title


def _read_css(body: Iterable[bytes], http_charset: str | None, collector: _Collector) -> None:
    charset, pieces = text_pieces(body, http_charset)
    scanner = CssScanner(charset=charset.name if charset.byte_transparent else None)
    for piece in pieces:
        collector.found(scanner.feed(piece))
    collector.found(scanner.close())


def _read_script(body: Iterable[bytes], url: str, collector: _Collector) -> None:
    data = _start_of(body, _MAX_SCRIPT_BYTES)
    if b"import" in data or b"from" in data:
        collector.script(data.decode("latin-1"), url)


class Collector(Protocol):
    """What takes references."""

    def add(self, reference: str, kind: SlotKind, place: str = "") -> None:
        """Take one, as written, and by what it was found."""


def read_playlist(text: str, url: str, collector: Collector) -> None:
    """What a player may fetch of an HLS playlist."""
    if "#EXT-X-" in text:  # not a list of songs, whose streams may never end
        slots = (slot for slot in scan_hls(text, url=url) if "{$" not in slot.value)
        for slot in islice(slots, _MAX_SEGMENTS):
            collector.add(slot.value, slot.kind, "hls")


def read_presentation(data: bytes, url: str, collector: Collector) -> None:
    """What a player may fetch of a DASH presentation."""
    for segment in islice(dash_media(data, url), _MAX_SEGMENTS):
        collector.add(segment, SlotKind.MEDIA, "dash")


def _start_of(body: Iterable[bytes], limit: int) -> bytes:
    """As much of a body as is read, bytes."""
    pieces: list[bytes] = []
    size = 0
    for piece in body:
        pieces.append(piece)
        size += len(piece)
        if size >= limit:
            break
    return b"".join(pieces)[:limit]


def _read_manifest(body: Iterable[bytes], collector: _Collector) -> None:
    data = _start_of(body, _MAX_MANIFEST_BYTES)
    try:
        manifest = json.loads(data.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return
    if not isinstance(manifest, dict):
        return
    for name in ("icons", "screenshots"):
        entries = manifest.get(name)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get("src"), str):
                collector.add(entry["src"], SlotKind.ICON)
