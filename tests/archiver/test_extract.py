"""What a page needs, and the media it shows."""

from __future__ import annotations

import pytest

from archiver.extract.media import media_inventory
from archiver.extract.requisites import requisites

URL = "http://site.example/a/page.html"


def needs(text: str | bytes, mime: str = "text/html", **options: object) -> set[str]:
    body = text if isinstance(text, bytes) else text.encode()
    found = requisites([body[:10], body[10:]], url=URL, mime=mime, **options)  # type: ignore[arg-type]
    return {reference.url.removeprefix("http://site.example") for reference in found.requisites} - {"/favicon.ico"}


@pytest.mark.parametrize(
    ("markup", "urls"),
    [
        ("<img src=x.png srcset='y.png 2x, z.png 3x'>", {"/a/x.png", "/a/y.png", "/a/z.png"}),
        ("<picture><source srcset=x.webp><img src=x.png></picture>", {"/a/x.webp", "/a/x.png"}),
        ("<video src=v.webm poster=p.jpg><track src=t.vtt></video>", {"/a/v.webm", "/a/p.jpg", "/a/t.vtt"}),
        ("<audio><source src=a.ogg></audio>", {"/a/a.ogg"}),
        ("<link rel=stylesheet href=/s.css><link rel=icon href=i.png>", {"/s.css", "/a/i.png"}),
        ("<link rel=preload as=font href=f.woff2><link rel=modulepreload href=m.js>", {"/a/f.woff2", "/a/m.js"}),
        ("<link rel=manifest href=w.json><link rel=canonical href=no><link rel=next href=no>", {"/a/w.json"}),
        ("<link rel=preconnect href=//no.example><link rel=dns-prefetch href=//no.example>", set()),
        ("<script src=s.js></script><script type=importmap>{\"imports\":{\"x\":\"./m.js\"}}</script>", {"/a/s.js", "/a/m.js"}),
        ("<script type=module>import './m.mjs'; import bare from 'bare'; import('/d.mjs')</script>", {"/a/m.mjs", "/d.mjs"}),
        ("<iframe src=f.html></iframe><frame src=g.html>", {"/a/f.html", "/a/g.html"}),
        ("<iframe srcdoc='<img src=x.png>'></iframe>", {"/a/x.png"}),
        ("<object data=o.svg></object><embed src=e.pdf>", {"/a/o.svg", "/a/e.pdf"}),
        ("<style>@import 'i.css';a{b:url(x.png)}</style><p style='b:url(y.png)'>", {"/a/i.css", "/a/x.png", "/a/y.png"}),
        ("<style>a{b:image-set('x.png' 1x)}@font-face{src:url(f.woff)}</style>", {"/a/x.png", "/a/f.woff"}),
        ("<svg><use href='s.svg#i'/><image xlink:href=x.png /></svg>", {"/a/s.svg", "/a/x.png"}),
        ("<body background=b.png><table background=t.png><input type=image src=i.png>", {"/a/b.png", "/a/t.png", "/a/i.png"}),
        ("<base href=http://site.example/other/><img src=x.png>", {"/other/x.png"}),
        ("<meta http-equiv=refresh content='0;url=next.html'>", {"/a/next.html"}),
        ("<img data-src=lazy.png>", {"/a/lazy.png"}),
        ("<a href=no.html><form action=no><area href=no>", set()),
        ("<img src=data:image/png,x><img src='javascript:x'><img src='mailto:a@b'><img src=#x>", set()),
        ("<img src='x.png#frag'><img src=x.png>", {"/a/x.png"}),
        ("<!-- <img src=no> --><script>'<img src=no>'</script>", set()),
    ],
)  # fmt: skip
def test_what_a_page_needs(markup: str, urls: set[str]) -> None:
    assert needs(f"<!doctype html><title>t</title>{markup}") == urls


def test_every_page_has_an_icon_and_a_title() -> None:
    found = requisites([b"<title> A &amp;\n B </title>"], url=URL, mime="text/html")
    assert [reference.url for reference in found.requisites] == ["http://site.example/favicon.ico"]
    assert found.title == "A & B"


def test_other_documents() -> None:
    assert needs("@import 'b.css';a{c:url(d.png)}", "text/css") == {"/a/b.css", "/a/d.png"}
    assert needs('{"icons":[{"src":"i.png"}],"screenshots":[{"src":"s.png"}]}', "application/manifest+json") >= {"/a/i.png"}
    assert needs('<svg xmlns="http://www.w3.org/2000/svg"><image href="x.png"/></svg>', "image/svg+xml") == {"/a/x.png"}
    assert needs("<img src=no.png>", "text/plain") == set()
    for garbage in (b"", b"{", b"[" * 100_000, b'{"icons":5}', b'{"icons":[1,{"src":2}]}', b"\xff\xfe"):
        assert needs(garbage, "application/manifest+json") == set()


def test_link_headers_count_for_any_type() -> None:
    links = ["<p.css>; rel=preload; as=style, <i.png>; rel=icon", "<no.html>; rel=next"]
    assert needs("x", "text/plain", link_headers=links) == {"/a/p.css", "/a/i.png"}


@pytest.mark.parametrize("charset", ["shift_jis", "utf-16-le", "utf-16-be", "gb18030", "utf-8"])
def test_urls_are_read_in_the_encoding_of_the_page(charset: str) -> None:
    text = "<!doctype html><img src='日本.png'>"
    body = (b"\xff\xfe" if charset == "utf-16-le" else b"\xfe\xff" if charset == "utf-16-be" else b"") + text.encode(charset)
    http = None if charset.startswith("utf-16") else charset
    assert needs(body, http_charset=http) == {"/a/%E6%97%A5%E6%9C%AC.png"}


def test_media_of_a_page_in_its_order() -> None:
    page = b"""<base href=/m/><h1>x</h1><video poster=p.jpg title='The film'><source src=one.webm type=video/webm>
    <source src=one.mp4></video><audio src=two.mp3></audio><a href=three.ogv>Third</a><a href=no.html>no</a>
    <audio src=two.mp3></audio><embed src=four.mp4><video></video>"""
    items = media_inventory(page, url=URL)
    assert [(item.url.rpartition("/")[2], item.kind) for item in items] == [
        ("one.webm", "video"), ("two.mp3", "audio"), ("three.ogv", "video"), ("four.mp4", "video"),
    ]  # fmt: skip
    first = items[0]
    assert (first.title, first.poster, first.mime) == ("The film", "http://site.example/m/p.jpg", "video/webm")
    assert first.alternatives == ("http://site.example/m/one.mp4",)


def test_media_with_texts_and_pictures_and_what_is_only_said_of_them() -> None:
    page = b"""<meta property=og:image content=/og.jpg><meta property=og:title content=Shared>
    <meta property=og:video content=/shared.mp4><meta property=og:video:type content=video/mp4>
    <meta property=twitter:player:stream content=/player.html>
    <video src=/a.webm><track src=en.vtt srclang=en label=English kind=captions><track src=fr.vtt srclang=fr>
    <track src=data.json kind=metadata><track kind=chapters></video>
    <script type=application/ld+json>{"@context": "https://schema.org", "@graph": [{"@type": ["VideoObject", "Thing"],
    "contentUrl": "/a.webm", "name": "The film", "thumbnailUrl": ["/t1.jpg", "/t2.jpg"]}, {"@type": "AudioObject", "name":
    "Talk", "contentUrl": "/talk.mp3", "caption": {"contentUrl": "/talk.vtt", "inLanguage": "ru"}}, {"@type": "A"}]}</script>
    <script type=application/ld+json>{"contentUrl": broken</script>"""
    film, talk, shared = media_inventory(page, url=URL)
    site = "http://site.example"
    assert (film.title, film.posters) == ("The film", (f"{site}/t1.jpg", f"{site}/t2.jpg"))
    assert [(track.url.rpartition("/")[2], track.kind, track.language, track.label) for track in film.tracks] == [
        ("en.vtt", "captions", "en", "English"), ("fr.vtt", "subtitles", "fr", ""),
    ]  # fmt: skip
    assert (talk.kind, talk.title, talk.tracks[0].url, talk.tracks[0].language) == ("audio", "Talk", f"{site}/talk.vtt", "ru")
    assert (shared.url, shared.kind, shared.title) == (f"{site}/shared.mp4", "video", "Shared")
    (alone,) = media_inventory(page[: page.index(b"<script")].replace(b"/shared.mp4", b"/a.webm"), url=URL)
    assert alone.posters == (f"{site}/og.jpg",)


@pytest.mark.parametrize(
    "page", [b"", b"<p>no media", b"\0\xff" * 100, b"<video", b"<audio src=", b"<video src='javascript:x'>"]
)
def test_pages_without_media_have_none(page: bytes) -> None:
    found = media_inventory(page, url=URL)
    assert [item for item in found if not item.url.startswith("http")] == []
    assert page.startswith((b"<video", b"<audio")) or found == ()


def test_modules_name_the_modules_they_need() -> None:
    script = (
        "import a from './b.mjs'; export * from '../c.mjs'; import 'bare'; import('https://o.example/d.mjs'); log('./no.mjs')"
    )
    found = needs(script, "text/javascript")
    assert found == {"/a/b.mjs", "/c.mjs", "https://o.example/d.mjs"}
    assert needs(b"\xff\xfe import ' from", "text/javascript") == set()
