"""All that a document names, for a crawl: what it needs, where it leads, and what only looks like an address.

One pass over the document, by what it says it is:

    HTML, XHTML, SVG     pagescanner: attributes, style, metadata, scripts, JSON-LD, documents in srcdoc
    other XML            sitemap: sitemaps, RSS, Atom, OPML, anything
    CSS                  markup.css                    JavaScript    scripts
    JSON                 jsonlinks                     PDF           pdf
    HLS, DASH            requisites, dash              text, gzip    sitemap, when it is one
    any                  HTTP headers
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from archiver.extract.dash import dash_media
from archiver.extract.gather import MAX_LINKS, DocumentLinks, Gatherer
from archiver.extract.jsonlinks import json_links
from archiver.extract.pagescanner import LinkScanner, link_scanner_of
from archiver.extract.scripts import script_links
from archiver.markup.attributes import link_kind
from archiver.markup.charset import DETECT_BYTES, SNIFF_BYTES, Charset, declared_charset, sniff_charset
from archiver.markup.css import CssScanner
from archiver.markup.linkheader import parse_link_header
from archiver.markup.manifest import DASH_TYPE, HLS_TYPES, scan_hls
from archiver.markup.slots import Found, Passage, PassageKind, Slot, SlotKind
from archiver.markup.srcset import scan_refresh
from archiver.markup.xml import is_xml
from archiver.message import Head
from archiver.urls import origin_of

#: Bytes of a document that are read; what is longer is not read to its end, and says so.
MAX_BYTES = 64 * 1024 * 1024
#: The same for what is read as a whole.
MAX_WHOLE_BYTES = 16 * 1024 * 1024
_MAX_SEGMENTS = 20_000

_PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_JSON_TYPES = frozenset({"application/json", "text/json", "text/x-json", "application/x-web-app-manifest+json"})
_SCRIPT_TYPES = frozenset(
    {"text/javascript", "application/javascript", "application/x-javascript", "text/ecmascript", "application/ecmascript"}
)


def find_links(
    body: Iterable[bytes],
    *,
    url: str,
    mime: str,
    http_charset: str | None = None,
    headers: Head | None = None,
    limit: int = MAX_LINKS,
) -> DocumentLinks:
    """Read a document for all URLs it names.

    Args:
        body: decoded payload, in pieces; no more of it is taken than is read.
        url: where the document is.
        mime: what it is to be read as; of types that nobody reads only the headers count.
        http_charset: charset parameter of the Content-Type.
        headers: of the response, whose Link, Refresh and Content-Location fields count; Location is not looked at.
        limit: most references that are kept.
    """
    gatherer = Gatherer(url, limit)
    if headers is not None:
        _read_headers(headers, gatherer)
    if mime == "text/html" or is_xml(mime):
        _read_page(_bounded(body, MAX_BYTES, gatherer), mime, http_charset, gatherer)
        if mime in _PAGE_TYPES:
            gatherer.add(f"{origin_of(url)}/favicon.ico", SlotKind.ICON, "favicon.ico")
    elif mime == "text/css":
        _read_css(_bounded(body, MAX_BYTES, gatherer), http_charset, gatherer)
    elif mime in _SCRIPT_TYPES:
        _read_script(_text_of(body, http_charset, gatherer), gatherer, "script", is_inline=False)
    elif mime in _JSON_TYPES or mime.endswith("+json"):
        _read_json(_text_of(body, http_charset, gatherer), gatherer, "json-ld" if mime == "application/ld+json" else "json")
    elif mime in HLS_TYPES:
        _read_playlist(_text_of(body, "utf-8", gatherer), url, gatherer)
    elif mime == DASH_TYPE:
        for segment in islice(dash_media(_whole(body, gatherer), url), _MAX_SEGMENTS):
            gatherer.add(segment, SlotKind.MEDIA, "dash")
    return gatherer.result()


def _read_headers(headers: Head, gatherer: Gatherer) -> None:
    for value in headers.get_all("Link"):
        for link in parse_link_header(value):
            gatherer.add(link.url, link_kind(link.get("rel"), link.get("as")), "header Link")
    for value in headers.get_all("Refresh")[:1]:
        span = scan_refresh(value)
        if span is not None:
            gatherer.add(span[2], SlotKind.REFRESH, "header Refresh")
    for value in headers.get_all("Content-Location"):
        gatherer.add(value.strip(), SlotKind.ALTERNATE, "header Content-Location")


# -- pages -----------------------------------------------------------------------------------------------------------


def _read_page(body: Iterator[bytes], mime: str, http_charset: str | None, gatherer: Gatherer) -> None:
    charset, start = _charset_of(body, http_charset)
    scanner = link_scanner_of(mime, charset.name if charset.byte_transparent else None)
    for piece in _decoded(chain((start,), body), "latin-1" if charset.byte_transparent else charset.name):
        _take(scanner.feed(piece), scanner, gatherer)
    _take(scanner.close(), scanner, gatherer)
    gatherer.title = scanner.title
    gatherer.robots = frozenset(scanner.robots)


def _take(items: Iterator[Found], scanner: LinkScanner, gatherer: Gatherer) -> None:
    unfollowed = scanner.unfollowed
    for item in items:
        if isinstance(item, Slot):
            is_followed = not (unfollowed and item.start in unfollowed)
            place = scanner.place_of(item)
            gatherer.add(item.value, item.kind, place, is_guess=item.kind is SlotKind.FORM, is_followed=is_followed)
        elif isinstance(item, Passage):
            _take_passage(item, gatherer)


def _take_passage(item: Passage, gatherer: Gatherer) -> None:
    if item.kind in (PassageKind.SCRIPT, PassageKind.MODULE):
        _read_script(item.value, gatherer, "script", is_inline=True)
    elif item.kind is PassageKind.HANDLER:
        _read_script(item.value, gatherer, "event handler", is_inline=True)
    elif item.kind is PassageKind.JAVASCRIPT_URL:
        _read_script(item.value, gatherer, "javascript: URL", is_inline=True)
    elif item.kind is PassageKind.JSON:
        _read_json(item.value, gatherer, "json-ld" if '"@context"' in item.value else "json in page")
    elif item.kind is PassageKind.SRCDOC:
        scanner = LinkScanner()
        _take(chain(scanner.feed(item.value), scanner.close()), scanner, gatherer)


# -- the rest --------------------------------------------------------------------------------------------------------


def _read_script(source: str, gatherer: Gatherer, place: str, *, is_inline: bool) -> None:
    for link in script_links(source, is_inline=is_inline):
        found_in = f"{place} import" if link.is_import else f"{place} string" if place == "script" else place
        gatherer.add(link.value, link.kind, found_in, is_guess=link.is_guess)


def _read_json(text: str, gatherer: Gatherer, place: str) -> None:
    for link in json_links(text):
        gatherer.add(link.value, link.kind, place, is_guess=link.is_guess)


def _read_css(body: Iterator[bytes], http_charset: str | None, gatherer: Gatherer) -> None:
    charset, start = _charset_of(body, http_charset)
    scanner = CssScanner(charset=charset.name if charset.byte_transparent else None)
    pieces = _decoded(chain((start,), body), "latin-1" if charset.byte_transparent else charset.name)
    for slot in chain(chain.from_iterable(map(scanner.feed, pieces)), scanner.close()):
        gatherer.add(slot.value, slot.kind, "css @import" if slot.kind is SlotKind.STYLESHEET else "css url")


def _read_playlist(text: str, url: str, gatherer: Gatherer) -> None:
    if "#EXT-X-" in text:  # not a list of songs, whose streams may never end
        slots = (slot for slot in scan_hls(text, url=url) if "{$" not in slot.value)
        for slot in islice(slots, _MAX_SEGMENTS):
            gatherer.add(slot.value, slot.kind, "hls")


# -- bytes -----------------------------------------------------------------------------------------------------------


def _bounded(body: Iterable[bytes], limit: int, gatherer: Gatherer) -> Iterator[bytes]:
    """As much of a body as is read."""
    for piece in body:
        if len(piece) > limit:
            gatherer.is_cut = True
            yield piece[:limit]
            return
        limit -= len(piece)
        yield piece


def _whole(body: Iterable[bytes], gatherer: Gatherer) -> bytes:
    return b"".join(_bounded(body, MAX_WHOLE_BYTES, gatherer))


def _text_of(body: Iterable[bytes], http_charset: str | None, gatherer: Gatherer) -> str:
    data = _whole(body, gatherer)
    charset = declared_charset(data[:SNIFF_BYTES], http_charset)
    return data.decode(charset.name if charset else "utf-8", "replace").removeprefix("\ufeff")


def _charset_of(body: Iterator[bytes], http_charset: str | None) -> tuple[Charset, bytes]:
    """The encoding of a document, and what was taken of it to know."""
    start = b""
    for piece in body:
        start += piece
        if len(start) >= DETECT_BYTES or (len(start) >= SNIFF_BYTES and declared_charset(start, http_charset)):
            break
    return sniff_charset(start, http_charset), start


def _decoded(pieces: Iterable[bytes], encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for piece in pieces:
        yield decoder.decode(piece)
    yield decoder.decode(b"", True)
