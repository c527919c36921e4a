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

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from archiver.extract.gather import MAX_LINKS, DocumentLinks, Gatherer
from archiver.extract.jsonlinks import json_links
from archiver.extract.pagescanner import read_fragment, read_page
from archiver.extract.pdf import pdf_links
from archiver.extract.requisites import (
    SCRIPT_TYPES,
    charset_of,
    read_playlist,
    read_presentation,
    text_pieces,
)
from archiver.extract.scripts import script_links
from archiver.extract.sitemap import Markup, is_url_list, root_of, url_list, xml_links
from archiver.markup.attributes import link_kind
from archiver.markup.charset import SNIFF_BYTES, Charset, declared_charset
from archiver.markup.css import CssScanner
from archiver.markup.linkheader import parse_link_header
from archiver.markup.manifest import DASH_TYPE, HLS_TYPES
from archiver.markup.slots import SlotKind
from archiver.markup.srcset import scan_refresh
from archiver.markup.xml import is_xml
from archiver.message import ContentDecoder, Head
from archiver.urls import origin_of

#: Bytes of a document that are read; what is longer is not read to its end, and says so.
MAX_BYTES = 32 * 1024 * 1024
#: The same for scripts and JSON, for sitemaps (which may have 50 MB) and feeds, and for PDF files.
MAX_WHOLE_BYTES = 16 * 1024 * 1024
MAX_FEED_BYTES = 64 * 1024 * 1024
MAX_PDF_BYTES = 64 * 1024 * 1024
#: Tags of a sitemap or feed that are read.
MAX_FEED_TAGS = 2_000_000
#: As far as the root of a document is looked for.
_ROOT_REACH = 64 * 1024

_PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_PAGE_ROOTS = frozenset({"html", "svg"})
_PLAIN_JSON = frozenset({"application/json", "text/json", "text/x-json"})
_JSON_TYPES = frozenset({"application/json", "text/json", "text/x-json", "application/x-web-app-manifest+json"})
_PDF_TYPES = frozenset({"application/pdf", "application/x-pdf"})
#: Types that sitemaps come with, as other things do.
_VAGUE_TYPES = frozenset(
    {
        "",
        "text/plain",
        "application/gzip",
        "application/x-gzip",
        "application/octet-stream",
        "binary/octet-stream",
        "unknown/unknown",
    }
)
_GZIP = b"\x1f\x8b\x08"
_XML_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*+(?:<\?xml\s|<(?:urlset|sitemapindex|rss|feed|opml)[\s>])")
_FEED_IN_DISGUISE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*+(?:<\?[^>]*+>\s*+|<!--(?>[^-]++|-(?!->))*+-->\s*+)*+<(?:urlset|sitemapindex|rss|feed)[\s>]"
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
    if mime in _PAGE_TYPES:
        _read_page(_bounded(body, MAX_BYTES, gatherer), mime, http_charset, gatherer)
        gatherer.add(f"{origin_of(url)}/favicon.ico", SlotKind.ICON, "favicon.ico")
    elif mime == DASH_TYPE:
        read_presentation(_whole(body, MAX_WHOLE_BYTES, gatherer), url, gatherer)
    elif is_xml(mime):
        _read_xml(_bounded(_opened(body), MAX_FEED_BYTES, gatherer), mime, http_charset, gatherer)
    elif mime == "text/css":
        _read_css(_bounded(body, MAX_BYTES, gatherer), http_charset, gatherer)
    elif mime in SCRIPT_TYPES:
        gatherer.take(script_links(_text_of(body, http_charset, gatherer), is_inline=False))
    elif mime in _JSON_TYPES or mime.endswith("+json"):
        place = "json-ld" if mime == "application/ld+json" else "json"
        is_placed = mime not in _PLAIN_JSON
        gatherer.take(json_links(_text_of(body, http_charset, gatherer), place, is_placed=is_placed))
    elif mime in _PDF_TYPES:
        _read_pdf(_whole(body, MAX_PDF_BYTES, gatherer), gatherer)
    elif mime in HLS_TYPES:
        read_playlist(_text_of(body, "utf-8", gatherer), url, gatherer)
    elif mime in _VAGUE_TYPES:
        _read_vague(_opened(body), http_charset, gatherer)
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
    charset, start = charset_of(body, http_charset)
    if _FEED_IN_DISGUISE.match(start):  # a sitemap or feed that says it is a page
        _read_feed(chain((start,), body), charset, gatherer)
    else:
        read_page(chain((start,), body), mime, charset, gatherer)


# -- XML -------------------------------------------------------------------------------------------------------------


def _read_xml(body: Iterator[bytes], mime: str, http_charset: str | None, gatherer: Gatherer) -> None:
    charset, start = charset_of(body, http_charset)
    root = root_of(start.decode(charset.name, "replace"))
    while not root and len(start) < _ROOT_REACH and (piece := next(body, b"")):
        start += piece
        root = root_of(start.decode(charset.name, "replace"))
    if root in _PAGE_ROOTS:
        read_page(chain((start,), body), mime, charset, gatherer)
    else:
        _read_feed(chain((start,), body), charset, gatherer)


def _read_feed(body: Iterator[bytes], charset: Charset, gatherer: Gatherer) -> None:
    text = b"".join(body).decode(charset.name, "replace")
    while (tags := text.count("<")) > MAX_FEED_TAGS:
        text = text[: len(text) * MAX_FEED_TAGS // tags]
        gatherer.is_cut = True
    for item in xml_links(text):
        if isinstance(item, Markup):
            read_fragment(item.text, gatherer)
        else:
            gatherer.take((item,))


def _read_vague(body: Iterator[bytes], http_charset: str | None, gatherer: Gatherer) -> None:
    """What may be a sitemap: XML that does not say so, or a list of addresses; nothing else is read."""
    start = next(body, b"")
    while len(start) < SNIFF_BYTES and (piece := next(body, b"")):
        start += piece
    body = _bounded(chain((start,), body), MAX_FEED_BYTES, gatherer)
    if start.startswith(b"%PDF-"):
        _read_pdf(b"".join(body), gatherer)
    elif _XML_START.match(start):
        _read_xml(body, "application/xml", http_charset, gatherer)
    elif is_url_list(start.decode("utf-8-sig", "replace")):
        gatherer.take(url_list(b"".join(body).decode("utf-8-sig", "replace")))


# -- the rest --------------------------------------------------------------------------------------------------------


def _read_pdf(data: bytes, gatherer: Gatherer) -> None:
    mentions, is_whole = pdf_links(data)
    gatherer.take(mentions)
    gatherer.is_cut = gatherer.is_cut or not is_whole


def _read_css(body: Iterator[bytes], http_charset: str | None, gatherer: Gatherer) -> None:
    charset, pieces = text_pieces(body, http_charset)
    scanner = CssScanner(charset=charset.name if charset.byte_transparent else None)
    for slot in chain(chain.from_iterable(map(scanner.feed, pieces)), scanner.close()):
        gatherer.add(slot.value, slot.kind, "css @import" if slot.kind is SlotKind.STYLESHEET else "css url")


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


def _opened(body: Iterable[bytes]) -> Iterator[bytes]:
    """A body without the gzip that sitemaps are kept in, whatever the response says of it."""
    pieces = iter(body)
    start = next(pieces, b"")
    while 0 < len(start) < len(_GZIP) and (piece := next(pieces, b"")):
        start += piece
    pieces = chain((start,), pieces)
    if not start.startswith(_GZIP):
        yield from pieces
        return
    decoder = ContentDecoder(["gzip"])
    for piece in pieces:
        yield from decoder.pieces(piece)


def _whole(body: Iterable[bytes], limit: int, gatherer: Gatherer) -> bytes:
    return b"".join(_bounded(body, limit, gatherer))


def _text_of(body: Iterable[bytes], http_charset: str | None, gatherer: Gatherer) -> str:
    data = _whole(body, MAX_WHOLE_BYTES, gatherer)
    charset = declared_charset(data[:SNIFF_BYTES], http_charset)
    return data.decode(charset.name if charset else "utf-8", "replace").removeprefix("\ufeff")
