"""All that documents name, as a crawl sees it."""

from __future__ import annotations

import random
import re
import time
import zlib
from collections.abc import Iterator

import pytest

from archiver.errors import InvalidURL
from archiver.extract import pagescanner
from archiver.extract.gather import DocumentLinks
from archiver.extract.joining import Joiner
from archiver.extract.links import find_links
from archiver.extract.requisites import requisites
from archiver.markup import xml
from archiver.markup.slots import SlotKind
from archiver.message import parse_head
from archiver.urls import parse_url

SITE = "http://site.example"
URL = f"{SITE}/a/page.html"


def links_of(text: str | bytes, mime: str = "text/html", **options: object) -> DocumentLinks:
    body = text if isinstance(text, bytes) else text.encode()
    return find_links([body[:7], body[7:]], url=URL, mime=mime, **options)  # type: ignore[arg-type]


def told(text: str | bytes, mime: str = "text/html", **options: object) -> set[tuple[str, str, str]]:
    """(list, URL within the site, place) of all that is found."""
    found = links_of(text, mime, **options)
    return {
        (name, link.url.removeprefix(SITE), link.place)
        for name in ("requisites", "links", "guesses")
        for link in getattr(found, name)
        if link.place != "favicon.ico"
    }


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<a href=b.html>", ("links", "/a/b.html", "a href")),
        ('<a class="x" href="../b.html#c">', ("links", "/b.html", "a href")),
        ("<map><area href=/b.html>", ("links", "/b.html", "area href")),
        ("<a download href=b.zip>", ("links", "/a/b.zip", "a href")),
        ("<link rel=next href=2.html>", ("links", "/a/2.html", "link href")),
        ("<link rel=amphtml href=amp/>", ("links", "/a/amp/", "link href")),
        ("<link rel=stylesheet href=s.css>", ("requisites", "/a/s.css", "link href")),
        ("<img srcset='x.png 2x'>", ("requisites", "/a/x.png", "img srcset")),
        ('<img src="x.png">', ("requisites", "/a/x.png", "img src")),
        ("<blockquote cite=c.html>", ("links", "/a/c.html", "blockquote cite")),
        ("<form action=/find>", ("guesses", "/find", "form action")),
        ("<form><button formaction=/other>", ("guesses", "/other", "button formaction")),
        ("<meta http-equiv=refresh content='5; url=n.html'>", ("requisites", "/a/n.html", "meta refresh")),
        ("<meta property=og:image content=/og.png>", ("requisites", "/og.png", "meta og:image")),
        ("<meta name=twitter:image content=/tw.png>", ("requisites", "/tw.png", "meta twitter:image")),
        ("<meta property=og:url content=/me>", ("links", "/me", "meta og:url")),
        ("<meta itemprop=image content=i.png>", ("requisites", "/a/i.png", "meta image")),
        ("<p data-href=d.html>", ("links", "/a/d.html", "p data-href")),
        ('<p class="x" data-thing="/d/e.html">', ("links", "/d/e.html", "p data-thing")),
        ('<p data-a="x" data-photo=" https://o.example/p.jpg">', ("requisites", "https://o.example/p.jpg", "p data-photo")),
        ("<img data-src=l.png>", ("requisites", "/a/l.png", "img data-src")),
        ("<p style='background:url(x.png)'>", ("requisites", "/a/x.png", "p style")),
        ("<style>a{b:url(x.png)}</style>", ("requisites", "/a/x.png", "css url")),
        ("<style>@import 'x.css'</style>", ("requisites", "/a/x.css", "css @import")),
        ("<p onclick=\"location = '/go/on.html'\">", ("links", "/go/on.html", "event handler")),
        ("<a href=\"javascript:open('pop.html')\">", ("links", "/a/pop.html", "javascript: URL")),
        ("<script>load('/data/all.json')</script>", ("links", "/data/all.json", "script string")),
        ("<script>load('/api/people')</script>", ("guesses", "/api/people", "script string")),
        ("<script type=module>import '/m.mjs'</script>", ("requisites", "/m.mjs", "script import")),
        ('<script type=importmap>{"imports":{"x":"/m.mjs"}}</script>', ("requisites", "/m.mjs", "import map")),
        ('<script type="application/json">{"a":["/b/c.html"]}</script>', ("links", "/b/c.html", "json in page")),
        ("<noscript><a href=n.html><img src=n.png></noscript>", ("links", "/a/n.html", "a href")),
        ("<svg><a href=s.html></a></svg>", ("links", "/a/s.html", "a href")),
        ("<iframe srcdoc='<a href=i.html>'></iframe>", ("links", "/a/i.html", "a href")),
    ],
)  # fmt: skip
def test_what_pages_name_and_by_what(markup: str, expected: tuple[str, str, str]) -> None:
    assert expected in told(f"<!doctype html><body><p>text{markup}")


@pytest.mark.parametrize(
    "markup",
    [
        "<!-- <a href=no> -->",
        "<textarea><a href=no></textarea>",
        "<form method=post action=no><form method=Dialog action=no>",
        "<a ping=no href=#top><a href=''><a href=' '>",
        "<a href=mailto:a@b.example><a href=tel:1><a href='data:text/html,x'><a href='http://['>",
        "<link rel=preconnect href=//no.example><link rel=dns-prefetch href=//no.example>",
        '<p data-x="no" data-y="1/2" data-z=\'{"a":"b"}\' data-n="3.5" data-v=jquery>',
        "<meta name=description content=/no.html><meta name=author content=http://no.example/>",
    ],
)
def test_what_pages_do_not_name(markup: str) -> None:
    assert told(f"<!doctype html><body><p>{markup}") == set()


def test_links_that_ask_not_to_be_followed() -> None:
    found = links_of(
        '<a rel=\'noopener NoFollow\' href=1><a rel="nofollow" href="2"><a rel=noopener href=3><a href=2><a href=1 rel=me>'
    )
    assert {link.url[-1]: link.is_followed for link in found.links} == {"1": True, "2": True, "3": True}
    found = links_of('<a rel=\'noopener NoFollow\' href=1><a rel="nofollow" href="2"><a rel=noopener href=3>')
    assert {link.url[-1]: link.is_followed for link in found.links} == {"1": False, "2": False, "3": True}


def test_robots_directives_of_a_page() -> None:
    page = (
        "<meta name=ROBOTS content='NoIndex, nofollow'><meta name=muniment content=noarchive><meta name=otherbot content=none>"
    )
    assert links_of(page).robots == {"noindex", "nofollow", "noarchive"}
    assert links_of(f"<template>{page}</template><!--{page}-->").robots == frozenset()


def test_each_url_stands_in_one_list() -> None:
    found = links_of(
        "<a href=x.png><img src=x.png><script>f('/api/list');f('/b.html')</script><a href=/api/list><a href=/b.html#x>"
    )
    assert [link.url for link in found.requisites] == [f"{SITE}/a/x.png", f"{SITE}/favicon.ico"]
    assert {link.url for link in found.links} == {f"{SITE}/b.html", f"{SITE}/api/list"}
    assert found.guesses == ()


def test_links_are_relative_to_the_base_the_page_ends_up_with() -> None:
    found = links_of("<img src=1.png><a href=1.html><base href=/b/><base href=/c/><img src=2.png><a href=2.html><a href=#top>")
    assert [link.url for link in found.links] == [f"{SITE}/b/1.html", f"{SITE}/b/2.html", f"{SITE}/b/"]
    assert [link.url for link in found.requisites[:2]] == [f"{SITE}/a/1.png", f"{SITE}/b/2.png"]
    assert found.base == f"{SITE}/b/"


def test_title_and_refresh() -> None:
    found = links_of("<title>A &amp; B</title><meta http-equiv=refresh content='0;url=/next'>")
    assert (found.title, found.refresh) == ("A & B", f"{SITE}/next")


def test_headers_count_for_any_type() -> None:
    head = parse_head(
        b"HTTP/1.1 200 OK\r\nLink: <p.css>; rel=preload; as=style, <2.html>; rel=next\r\nRefresh: 3; url=/later\r\n"
        b"Content-Location: /real.html\r\nLocation: /no\r\n\r\n"
    )
    assert told(b"\x89PNG", "image/png", headers=head) == {
        ("requisites", "/a/p.css", "header Link"),
        ("links", "/a/2.html", "header Link"),
        ("requisites", "/later", "header Refresh"),
        ("links", "/real.html", "header Content-Location"),
    }


@pytest.mark.parametrize("mime", ["application/json", "application/ld+json", "application/activity+json"])
def test_json_of_any_shape(mime: str) -> None:
    text = """{"@context": "https://schema.org", "url": "https:\\/\\/o.example\\/p",
        "list": [["/x/y.html", {"image": "i.png"}]], "v": "1.2.3",
        "rendered": "<p><a href=\\"/r.html\\">", "note": "and/or", "mime": "text/html", "next": "/list?page=2"}"""
    place = "json-ld" if mime == "application/ld+json" else "json"
    sure = {
        ("links", "https://o.example/p", place), ("links", "/x/y.html", place), ("requisites", "/a/i.png", place),
        ("links", "/r.html", place), ("links", "/list?page=2", place),
    }  # fmt: skip
    if mime == "application/json":  # which does not say what its addresses are relative to
        sure.remove(("requisites", "/a/i.png", place))
    assert told(text, mime) == sure


def test_json_that_is_cut_or_nested_without_end_is_read_as_far_as_it_goes() -> None:
    assert ("links", "/b.html", "json") in told("[" * 200_000 + '{"a":"/b.html","c":"/d.ht', "application/json")
    assert told("\\" * 100_000 + '"' * 99_999, "application/json") == set()
    assert ("links", "/b.html", "json") in told('callback({"a": "/b.html",})', "application/json")


def test_style_sheets_scripts_and_manifests() -> None:
    assert told("@import 'b.css';a{c:url(d.png)}", "text/css") == {
        ("requisites", "/a/b.css", "css @import"),
        ("requisites", "/a/d.png", "css url"),
    }
    assert told("#EXTM3U\n#EXT-X-VERSION:3\nseg.ts", "audio/mpegurl") == {("requisites", "/a/seg.ts", "hls")}
    mpd = """<MPD mediaPresentationDuration="PT4S"><Period><AdaptationSet><SegmentTemplate media="$Number$.m4s" duration="2"/>
        <Representation id="v"/></AdaptationSet></Period></MPD>"""
    assert told(mpd, "application/dash+xml") == {("requisites", f"/a/{number}.m4s", "dash") for number in (1, 2)}
    manifest = '{"icons":[{"src":"i.png"}],"start_url":"/start","scope":"/"}'
    assert told(manifest, "application/manifest+json") == {
        ("requisites", "/a/i.png", "json"),
        ("links", "/start", "json"),
    }


def pdf(objects: bytes, *, packed: bool = False) -> bytes:
    if packed:
        data = zlib.compress(objects)
        objects = (
            b"5 0 obj<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\r\n" % len(data) + data + b"\r\nendstream"
        )
    return b"%PDF-1.5\n" + objects + b"\n%%EOF"


@pytest.mark.parametrize("packed", [False, True])
def test_pdf_links(packed: bool) -> None:
    text = (
        rb"<</S/URI/URI(http://site.example/1\(a\).html)>> <</URI (http://site.example/\062.html)>> <</S /URI /URI <"
        + b"http://site.example/3.html".hex().encode()
        + rb"> >> <</URI(/rel)>> (/URI) <</URI(" + b"\xfe\xff\0h\0t\0t\0p\0:\0/\0/\0u\0.\0d\0e)>>"
    )  # fmt: skip
    assert told(pdf(text, packed=packed), "application/pdf") == {
        ("links", path, "pdf") for path in ("/1(a).html", "/2.html", "/3.html", "/rel", "http://u.de/")
    }


def test_pdf_that_is_a_bomb_cut_or_garbage() -> None:
    bomb = pdf(b"<</URI(/first.html)>>" + b"0" * 40_000_000, packed=True)
    found = links_of(bomb, "application/pdf")
    assert [link.url for link in found.links] == [f"{SITE}/first.html"]
    assert found.is_cut
    assert told(pdf(b"<</URI(/a.html)>>" * 3, packed=True)[:-22], "application/pdf") == {("links", "/a.html", "pdf")}
    endless = links_of(b"/URI(" * 100_000 + b" /URI(/b.html)", "application/pdf")
    assert [link.url for link in endless.links] == [f"{SITE}/b.html"]
    assert endless.is_cut
    assert told(b"/URI <" + b"z" * 100_001 + b"/ObjStm stream\n" * 20_000, "application/pdf") == set()


def test_more_links_than_are_kept_are_counted() -> None:
    found = links_of("".join(f"<a href={number}.html>" for number in range(150)), limit=100)
    assert (len(found.links), found.left_out) == (100, 51)  # the icon that every site has is one more
    assert links_of(f"<a href={'x' * 20_000}>").left_out == 1


def test_documents_that_are_too_long_are_not_read_to_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAX_BYTES", "MAX_WHOLE_BYTES", "MAX_FEED_BYTES", "MAX_PDF_BYTES"):
        monkeypatch.setattr(f"archiver.extract.links.{name}", 1000)

    def endless() -> Iterator[bytes]:
        yield b"<html><a href='1.html'>"
        while True:
            yield b" " * 100

    for mime in ("text/html", "application/xhtml+xml", "application/json", "text/css", "text/xml", "application/pdf"):
        found = find_links(endless(), url=URL, mime=mime)
        assert (len(found.links), found.is_cut) == (1 if "html" in mime or "xml" in mime else 0, True)
    assert find_links(endless(), url=URL, mime="text/plain").links == ()
    assert not links_of(b" " * 1000).is_cut


@pytest.mark.parametrize(
    "mime", ["text/html", "text/xml", "text/css", "text/javascript", "application/json", "application/pdf", ""]
)
def test_garbage_names_nothing_much(mime: str) -> None:
    rng = random.Random(4)
    for garbage in (
        b"",
        b"\0",
        b"\xff\xfe",
        rng.randbytes(5000),
        b"<" * 5000,
        b"\"'`" * 2000,
        b"\x1f\x8b\x08" + rng.randbytes(99),
    ):
        assert len(links_of(garbage, mime).links) < 5


def test_joined_as_browsers_join() -> None:
    rng = random.Random(5)
    alphabet = ["a", "b-c", ".", "..", "/", "//", "?", "q=1", "%", "%2e", "%2E%2e", "%41", ":", "\\", " ", "é", "x.html", "..a"]
    alphabet += [
        "https://p.example/",
        "http://1.2.example:8080/",
        "http://0x7f.1/",
        "https://xn--a.example/",
        "http://p.example:80/",
    ]
    alphabet += ["@", "'", "|", "^", "~", "&", ";", "http:", SITE, "https://o.example:443", "\t", "{", "../", "./"]
    bases = [
        URL,
        f"{SITE}",
        f"{SITE}/",
        f"{SITE}/?q=/x",
        f"{SITE}/a/b/c/",
        "https://u:p@site.example:8080/a/b?c#d",
        "about:blank",
    ]
    for _ in range(20_000):
        reference = "".join(rng.choices(alphabet, k=rng.randrange(1, 6)))
        base = rng.choice(bases)
        try:
            expected = parse_url(reference, base=base)
        except InvalidURL:
            expected = None
        assert Joiner(base)(reference) == expected, (base, reference)


#: Tags that are read by a short cut, and those that are nearly so.
NEARLY_PLAIN = (
    '<a href="x.html">', '<a class="b" href="../y.html#f" title="t">', '<a href="n.html" rel="nofollow">', '<a href="n.html">',
    '<a rel="next" href="z.html"\n >', '<a href="x.html"title="t">', '<a href="x.html" href="q.html">', '<a href="">',
    '<a rel="next" rel="nofollow" href="r.html">', '<a target="_top" href="#top">', '<a href=" s.html ">', '<A HREF="u.html">',
    '<a href="v.html" download>', '<a href="javascript:go(\'/w.html\')">', '<a href="?a=1&amp;b=2">', '<a href="é.html">',
    '<img src="i.png" alt="x">', '<img src="i.png" srcset="j.png 2x">', '<span style="width:3px">', '<p style="a:url(k.png)">',
    '<p data-url="l.html" data-x="/m.png">', '<p data-x="m">', '<meta name="robots" content="noindex">', '<base href="/base/">',
    '<meta http-equiv="refresh" content="1; url=next.html">', '<form action="o"></form>',
    '<form method=post action="p"></form>',
    '<script src="s.js"></script>', "<script>f('/t/u.html')</script>",
    '<noscript><a href="n2.html"><img src="n.gif"></noscript>',
    '<template><base href="/t/"></template>', '<svg><a href="#s"><path fill="url(f.svg)"/></a></svg>', "<!-- <a href=c> -->",
    "<title>T</title>", "</p>", "</template>", "<style>p{a:url(c.png)}</style>", "<body>", '<iframe srcdoc="&lt;a href=in>">',
)  # fmt: skip


def test_the_short_cuts_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(6)
    pages = [
        "".join(rng.choices(("", "<body>"))) + "".join(rng.choices(NEARLY_PLAIN, k=rng.randrange(1, 25))) for _ in range(1500)
    ]
    asked = [
        (page, mime, limit) for page in pages for mime, limit in (("text/html", 99), ("text/html", 4), ("image/svg+xml", 99))
    ]
    asked += [(f"<svg>{page}", "image/svg+xml", 99) for page in pages]
    quick = [links_of(page, mime, limit=limit) for page, mime, limit in asked]
    assert sum(len(found.links) + len(found.requisites) for found in quick) > 6_000
    monkeypatch.setattr(pagescanner, "UNEVENTFUL_TO_LINK", re.compile(""))
    monkeypatch.setattr(pagescanner, "_MEMORABLE", -1)
    for name in ("UNEVENTFUL_IN_SVG", "UNEVENTFUL_IN_TITLED_SVG"):
        monkeypatch.setattr(xml, name, re.compile(""))
    assert [links_of(page, mime, limit=limit) for page, mime, limit in asked] == quick


def test_a_page_of_documentation_is_read_in_a_few_milliseconds() -> None:
    paragraph = (
        '<p class="x">Some words of a <em>page</em> with <code class="y">code</code> and more words after it, on and on.</p>\n'
    )
    item = (
        '<li><a class="reference internal" href="../library/module{0}.html#section-{0}" title="A title">Module {0}</a></li>\n'
    )
    page = "<!doctype html><title>t</title><body>" + "".join(item.format(number) + paragraph for number in range(300))
    body = page.encode()
    assert len(body) > 60_000
    best = 1.0
    for _ in range(5):
        start = time.process_time()
        found = find_links([body], url=URL, mime="text/html", http_charset="utf-8")
        best = min(best, time.process_time() - start)
    assert len(found.links) == 300
    assert best < 0.012  # about 2 ms; the rest is for slow machines


def test_kinds_tell_what_a_browser_does() -> None:
    found = links_of("<script>f('/v/film.mp4'); f('/s/style.css'); f('/d/report.pdf')</script>")
    kinds = {link.url.rpartition("/")[2]: link.kind for link in (*found.requisites, *found.links)}
    assert kinds["film.mp4"] is SlotKind.MEDIA
    assert kinds["style.css"] is SlotKind.STYLESHEET
    assert kinds["report.pdf"] is SlotKind.LINK


def test_what_a_page_capture_needs_a_crawl_needs_too() -> None:
    page = """<base href=/b/><link rel=icon href=i.ico><style>@font-face{src:url(f.woff)}</style>
        <img src=a.png srcset="b.png 2x">
        <video poster=p.jpg><source src=v.mp4></video><iframe srcdoc="<img src=d.png>"></iframe>
        <object data=o.svg></object>
        <script type=module>import './m.mjs'</script><svg><use href="s.svg#x"/></svg>
        <noscript><img src=n.png></noscript>"""
    one = {reference.url for reference in requisites([page.encode()], url=URL, mime="text/html").requisites}
    assert len(one) == 12
    assert {link.url for link in links_of(page).requisites} == one


def test_characters_that_no_address_has_are_read_as_browsers_read_them() -> None:
    assert ("requisites", "/a/%EF%BF%BD.png", "img srcset") in told("<img srcset='\0.png 2x'>")
    assert ("links", "/a/b.html", "a href") in told("<a href=' b\n.html\t'>")
    assert ("links", "/a/%C3%A9.html", "a href") in told("<a href='\xe9.html'>".encode("latin-1"), http_charset="iso-8859-1")
