"""What a response is: by its type, by how it was asked for, by its first bytes."""

from __future__ import annotations

import pytest

from archiver.message import parse_head
from replay.rewrite.context import RewriteContext
from replay.rewrite.select import Inserts, as_markup_of, rewrite_response
from replay.rewrite.sniff import Kind, content_type, kind_of, root_of

HTML = b"<!doctype html><p>x"
PNG = b"\x89PNG\r\n\x1a\n"
XHTML = b'<?xml version="1.0"?>\n<!-- c --><!DOCTYPE html [<!ENTITY x "y">]><html xmlns="http://www.w3.org/1999/xhtml">'


@pytest.mark.parametrize(
    ("mime", "modifier", "start", "kind"),
    [
        ("text/html", "", HTML, Kind.HTML),
        ("text/html", "if", HTML, Kind.HTML),
        ("text/html", "js", HTML, Kind.NONE),  # an error page in place of a script
        ("text/html", "cs", HTML, Kind.NONE),
        ("text/html", "im", PNG, Kind.NONE),  # pictures are often mislabelled
        ("text/html", "im", HTML, Kind.HTML),
        ("application/xhtml+xml", "", XHTML, Kind.HTML),
        ("text/xml", "", XHTML, Kind.HTML),
        ("application/xml", "", b"\xef\xbb\xbf<svg:svg>", Kind.HTML),
        ("application/xml", "", b"<rss>", Kind.NONE),
        ("application/rss+xml", "", b"<?xml-stylesheet href='x'?><rss>", Kind.HTML),
        ("image/svg+xml", "im", b"<svg>", Kind.HTML),
        ("text/css", "", b"a{}", Kind.CSS),
        ("text/plain", "cs", b"a{}", Kind.CSS),
        ("", "cs", b"a{}", Kind.CSS),
        ("", "cs", HTML, Kind.NONE),
        ("", "", HTML, Kind.HTML),
        ("", "", b"  \n<HTML >", Kind.HTML),
        ("", "", b"plain", Kind.NONE),
        ("*/*", "", HTML, Kind.HTML),
        ("text/plain", "", HTML, Kind.NONE),
        ("application/json", "", b"{}", Kind.NONE),
        ("text/javascript", "js", b"x", Kind.SCRIPT),
        ("application/json", "js", b"{}", Kind.NONE),
        ("text/html", "js", b"<!doctype html><p>", Kind.NONE),
        ("text/html", "da", b"<!doctype html><p>", Kind.NONE),
        ("image/png", "", PNG, Kind.NONE),
        ("application/octet-stream", "", HTML, Kind.NONE),
    ],
)
def test_kinds(mime: str, modifier: str, start: bytes, kind: Kind) -> None:
    assert kind_of(mime, modifier, start) is kind


@pytest.mark.parametrize(
    ("start", "root"),
    [
        (XHTML, "html"),
        (b"<svg/>", "svg"),
        (b"<a:SVG>", "svg"),
        (b"", ""),
        (b"<?xml", ""),
        (b"<!-- " * 1000, ""),
        (b"x<svg>", ""),
    ],
)
def test_roots(start: bytes, root: str) -> None:
    assert root_of(start) == root


@pytest.mark.parametrize(
    ("mime", "charset", "start", "sent"),
    [
        ("text/html", None, b"<meta charset=koi8-r>", "text/html; charset=koi8-r"),
        ("text/html", "utf-8", b"<meta charset=koi8-r>", None),
        ("text/html", "junk", b"<meta charset=koi8-r>", "text/html; charset=koi8-r"),
        ("text/html", None, b"<meta charset=utf-16>", "text/html; charset=utf-8"),
        ("text/html", None, b"<meta charset=junk>", None),
        ("text/html", None, b"<p>", None),
        ("", None, b"<p>", "text/html"),
        ("", None, b"<meta charset=koi8-r>", "text/html; charset=koi8-r"),
    ],
)
def test_the_encoding_of_a_page_goes_into_its_header(mime: str, charset: str | None, start: bytes, sent: str | None) -> None:
    assert content_type(mime, charset, start) == sent


def answer(head: str, body: bytes, modifier: str = "") -> tuple[dict[str, str], bytes]:
    context = RewriteContext("/c/", "20160810204623", "http://site.example/", modifier)
    pieces = [body[:3], body[3:]]
    parsed = parse_head(f"HTTP/1.1 {head}\r\n\r\n".encode())
    inserts = Inserts(body=as_markup_of(parsed.media_type, "<b>B</b>"))
    result = rewrite_response(context, parsed, pieces, inserts=inserts)
    return dict(result.headers), b"".join(result.body)


def test_a_part_of_something_keeps_its_range_and_its_bytes() -> None:
    headers, body = answer("206 Partial\r\nContent-Type: video/webm\r\nContent-Range: bytes 0-4/10", b"01234")
    assert headers["Content-Range"] == "bytes 0-4/10"
    assert body == b"01234"


def test_a_rewritten_part_is_no_longer_that_range() -> None:
    headers, _ = answer("206 Partial\r\nContent-Type: text/css\r\nContent-Range: bytes 0-4/10", b"a{b:url(x)}")
    assert "Content-Range" not in headers


@pytest.mark.parametrize("mime", ["application/xhtml+xml", "text/xml"])
def test_xhtml_gets_insertions_that_are_well_formed(mime: str) -> None:
    from xml.etree import ElementTree

    page = b'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body><p>y</p></body></html>'
    _, body = answer(f"200 OK\r\nContent-Type: {mime}", page)
    root = ElementTree.fromstring(body)
    script = root.find("{*}body/{*}script")
    assert script is not None
    assert "B" in (script.text or "")


def test_svg_gets_no_insertions() -> None:
    _, body = answer("200 OK\r\nContent-Type: image/svg+xml", b"<svg><image href='x.png'/></svg>")
    assert body == b"<svg><image href='/c/20160810204623im_/http://site.example/%2e/x.png'/></svg>"


def test_an_empty_body_is_an_empty_page() -> None:
    assert answer("200 OK\r\nContent-Type: image/png", b"") == ({"Content-Type": "image/png"}, b"")
