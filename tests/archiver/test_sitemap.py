"""Sitemaps, feeds and other XML, and the files that seeds come in."""

from __future__ import annotations

import gzip
import random
import re

import pytest

from archiver.crawl.plan import ScopeKind, Seed
from archiver.crawl.seeds import read_seeds
from archiver.errors import UsageError
from archiver.extract import sitemap
from archiver.extract.gather import DocumentLinks
from archiver.extract.links import find_links
from archiver.extract.sitemap import xml_links

SITE = "http://site.example"

SITEMAP = b"""<?xml version="1.0" encoding="UTF-8"?><?xml-stylesheet type="text/xsl" href="/look.xsl"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
<!-- <url><loc>http://site.example/no</loc></url> -->
<url><loc>
  http://site.example/one?a=1&amp;b=2 </loc><lastmod>2024-05-06</lastmod><image:image><image:loc>http://o.example/1.jpg</image:loc>
  </image:image></url>
<url><lastmod>2023-01-01T00:00:00Z</lastmod><loc><![CDATA[http://site.example/two]]></loc>
  <video:video><video:thumbnail_loc>/t.jpg</video:thumbnail_loc><video:content_loc>/v.mp4</video:content_loc>
  <video:player_loc allow_embed="yes">/player?v=1</video:player_loc><video:title>x</video:title></video:video>
  <xhtml:link rel="alternate" hreflang="fr" href="/fr/two"/></url>
<url><loc>http://site.example/three?x=1&y=2&copy=3</loc></url>
</urlset>"""

INDEX = b"""<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><sitemap><loc>/s1.xml.gz</loc><lastmod>2024-01-02</lastmod>
</sitemap><sitemap><loc>/s2.xml</loc></sitemap></sitemapindex>"""

RSS = b"""<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<atom:link rel="self" href="/feed.xml"/><link>http://site.example/news</link><docs>http://www.rssboard.org/rss-specification</docs>
<image><url>/logo.png</url><link>/</link></image>
<item><title>a/b.html</title><link>http://site.example/news/1</link><guid isPermaLink="false">http://site.example/?p=1</guid>
<pubDate>Mon, 06 May 2024 10:00:00 GMT</pubDate><comments>/news/1#comments</comments>
<enclosure url="/pod.mp3" length="1" type="audio/mpeg"/><media:thumbnail url="/thumb.jpg"/>
<description>&lt;p&gt;see &lt;a href="/in-text.html"&gt;this&lt;/a&gt;</description>
<content:encoded><![CDATA[<img src="/in-content.png">]]></content:encoded></item></channel></rss>"""

ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://site.example/blog/"><link rel="self" href="atom.xml"/>
<link rel="next" href="atom2.xml"/><icon>/i.png</icon><id>tag:x</id><author><uri>http://site.example/me</uri></author>
<entry><link href="post.html"/><updated>2024-02-03T04:05:06Z</updated><published>2020-01-01T00:00:00Z</published>
<content type="html">&lt;a href="c.html"&gt;</content></entry></feed>"""


def read(body: bytes, mime: str = "application/xml", url: str = f"{SITE}/sitemap.xml") -> DocumentLinks:
    return find_links([body[:9], body[9:50], body[50:]], url=url, mime=mime)


def told(body: bytes, mime: str = "application/xml") -> dict[str, tuple[str, str]]:
    found = read(body, mime)
    return {
        link.url.removeprefix(SITE): (link.place, link.modified) for link in (*found.requisites, *found.links, *found.guesses)
    }


def test_a_sitemap_with_pictures_videos_languages_and_dates() -> None:
    expected = {
        "/look.xsl": ("xml-stylesheet", ""),
        "/one?a=1&b=2": ("sitemap", "2024-05-06"),
        "http://o.example/1.jpg": ("sitemap image", ""),
        "/two": ("sitemap", "2023-01-01T00:00:00Z"),
        "/t.jpg": ("sitemap video", ""),
        "/v.mp4": ("sitemap video", ""),
        "/player?v=1": ("sitemap video", ""),
        "/fr/two": ("xml link", "2023-01-01T00:00:00Z"),
        "/three?x=1&y=2&copy=3": ("sitemap", ""),
    }
    assert told(SITEMAP) == expected
    pages = [link.url.removeprefix(SITE) for link in read(SITEMAP).links]
    assert pages == ["/one?a=1&b=2", "/two", "/fr/two", "/three?x=1&y=2&copy=3"]
    assert told(SITEMAP.replace(b"\n", b"\r\n").replace(b"<url>", b"<URL >").replace(b"</url>", b"</URL\n>")) == expected


@pytest.mark.parametrize(
    "mime", ["text/xml", "application/gzip", "application/x-gzip", "application/octet-stream", "text/plain", ""]
)
def test_sitemaps_in_gzip_whatever_they_say_they_are(mime: str) -> None:
    assert told(gzip.compress(SITEMAP), mime) == told(SITEMAP)
    half = gzip.compress(SITEMAP)[:-200]
    assert "/one?a=1&b=2" in told(half, mime)


def test_sitemaps_that_say_they_are_pages() -> None:
    for body in (SITEMAP, INDEX):
        assert {url for url in told(body, "text/html") if "favicon" not in url} == set(told(body))
    assert "/x" in told(b"<!-- <urlset> --><p>urlset</p><a href=/x>", "text/html")


def test_a_sitemap_index() -> None:
    assert told(INDEX) == {"/s1.xml.gz": ("sitemap index", "2024-01-02"), "/s2.xml": ("sitemap index", "")}


def test_a_sitemap_of_plain_lines() -> None:
    text = (
        b"\xef\xbb\xbfhttp://site.example/a\r\n\r\nhttp://site.example/b?c=d\r\nhttp://site.example/" + b"x" * 2000 + b"\nhttp"
    )
    assert set(told(text, "text/plain")) == {"/a", "/b?c=d", "/" + "x" * 2000}
    assert told(b"Read this: http://site.example/a\nhttp://site.example/b", "text/plain") == {}
    assert told(b"User-agent: *\nDisallow: /\nSitemap: http://site.example/s.xml", "text/plain") == {}


def test_archives_are_no_sitemaps() -> None:
    assert told(gzip.compress(b"bin/tool\0\0\0<url><loc>http://site.example/no</loc></url>"), "application/gzip") == {}


def test_rss() -> None:
    date = "Mon, 06 May 2024 10:00:00 GMT"
    assert told(RSS, "application/rss+xml") == {
        "/feed.xml": ("feed link", ""),
        "/news": ("feed link", ""),
        "http://www.rssboard.org/rss-specification": ("xml docs", ""),
        "/logo.png": ("feed picture", ""),
        "/": ("feed link", ""),
        "/news/1": ("feed link", date),
        "/pod.mp3": ("feed enclosure", ""),
        "/thumb.jpg": ("feed media:thumbnail", ""),
        "/in-text.html": ("a href", ""),
        "/in-content.png": ("img src", ""),
    }


def test_atom() -> None:
    assert told(ATOM, "application/atom+xml") == {
        "/blog/atom.xml": ("feed link", ""),
        "/blog/atom2.xml": ("feed link", ""),
        "/i.png": ("feed picture", ""),
        "/me": ("feed link", ""),
        "/blog/post.html": ("feed link", "2024-02-03T04:05:06Z"),
        "/blog/c.html": ("a href", ""),
    }


def test_opml_and_any_other_xml() -> None:
    opml = b'<opml version="2.0"><body><outline text="x" xmlUrl="/f.xml" htmlUrl="http://o.example/"/></body></opml>'
    assert told(opml, "text/x-opml+xml") == {
        "/f.xml": ("xml outline xmlurl", ""),
        "http://o.example/": ("xml outline htmlurl", ""),
    }
    other = b"""<r xmlns="http://o.example/ns.html" xsi:schemaLocation="http://o.example/a http://o.example/a.xsd"><a b="http://o.example/1"/>
    <c>http://o.example/2.pdf</c><d>see http://o.example/3</d><e href="f.html"/></r>"""
    assert set(told(other)) == {"http://o.example/1", "http://o.example/2.pdf", "/f.html"}


def test_xhtml_and_svg_are_read_as_pages() -> None:
    page = b'<?xml version="1.0"?><!DOCTYPE html [<!ENTITY x "<a>">]>'
    page += b'<html xmlns="http://www.w3.org/1999/xhtml"><a href="b.html"/></html>'
    assert told(page, "application/xhtml+xml")["/b.html"] == ("a href", "")
    assert told(page)["/b.html"] == ("a href", "")
    assert (
        told(b'<svg xmlns:x="y"><image x:href="z" xlink:href="i.png"/></svg>', "image/svg+xml")["/i.png"][0]
        == "image xlink:href"
    )


def test_entities_of_a_document_are_not_put_in() -> None:
    bomb = b'<!DOCTYPE r [<!ENTITY a "&b;&b;"><!ENTITY b SYSTEM "file:///etc/passwd">]>'
    bomb += b"<urlset><url><loc>http://site.example/&a;</loc></url></urlset>"
    assert list(told(bomb)) == ["/&a;"]


@pytest.mark.parametrize("body", [SITEMAP, INDEX, RSS, ATOM])
def test_feeds_that_are_cut_or_damaged_name_nothing_else(body: bytes) -> None:
    known, rng = set(told(body)), random.Random(6)
    for end in range(0, len(body), 37):
        assert all(any(url.startswith(part[:9]) for part in known) for url in told(body[:end]))
    for _ in range(200):
        damaged = bytearray(body)
        damaged[rng.randrange(len(body))] = rng.randrange(256)
        assert told(bytes(damaged)).keys() & known
    for hostile in (
        b"<url><loc>" * 50_000,
        b"<a '" * 100_000,
        b'<a b="' * 100_001,
        b"<![CDATA[" * 50_000,
        b"<!--" * 100_000,
        b"</x>" * 50_000,
    ):
        read(hostile)


def test_a_large_sitemap_is_kept_whole() -> None:
    url = b"<url><loc>http://site.example/%d</loc><lastmod>2024-01-01</lastmod></url>\n"
    found = read(b"<urlset>" + b"".join(url % number for number in range(50_000)) + b"</urlset>")
    assert (len(found.links), found.left_out, found.is_cut) == (50_000, 0, False)


def test_what_unfolds_to_far_more_is_read_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archiver.extract.links.MAX_FEED_TAGS", 1000)
    found = read(gzip.compress(b"<urlset>" + b"<url><loc>http://site.example/a</loc></url>" * 100_000), "application/gzip")
    assert ([link.url for link in found.links], found.is_cut) == ([f"{SITE}/a"], True)
    monkeypatch.setattr("archiver.extract.links.MAX_FEED_BYTES", 100_000)
    found = read(gzip.compress(b"<urlset><url><loc>http://site.example/a</loc></url>" + b" " * 10_000_000), "text/xml")
    assert ([link.url for link in found.links], found.is_cut) == ([f"{SITE}/a"], True)


# -- seeds -----------------------------------------------------------------------------------------------------------


def test_seed_files() -> None:
    text = """\ufeff# Ministries
    https://www.site.example/   scope=host   # the whole of it

    site.example/press/#year
    #http://site.example/off
    http://site.example/app#/start SCOPE=Page+1
    https://www.site.example/ scope=host"""
    assert read_seeds(text) == (
        Seed("https://www.site.example/", ScopeKind.HOST),
        Seed("http://site.example/press/", None),
        Seed("http://site.example/app", ScopeKind.PAGE_PLUS),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("http://site.example/\n\nftp://site.example/", ["Line 3 of seeds.txt", "ftp://site.example/"]),
        ("http://[", ["Line 1 of seeds.txt", "http://["]),
        ("http://site.example/ scope=galaxy", ["Line 1", "galaxy", "page+1"]),
        ("http://site.example/ depth=3", ["Line 1", "depth=3", "scope=…"]),
        ("http://a.example/ http://b.example/", ["Line 1", "http://b.example/"]),
        ("http://site.example/ scope=host scope=page", ["Line 1", "two scopes"]),
        ("http://site.example/\nhttp://site.example/ scope=page", ["Line 2", "line 1", "another scope"]),
        ("<!DOCTYPE NETSCAPE-Bookmark-file-1>", ["Line 1", "plain text"]),
        ("# nothing\n\n", ["no seeds", "seeds.txt"]),
        ("\0\x1b[31m http://site.example/", ["Line 1"]),
    ],
)
def test_seed_files_say_which_line_is_wrong(text: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as error:
        read_seeds(text, name="seeds.txt")
    assert all(word in str(error.value) for word in words)
    assert "\x1b" not in str(error.value)


# -- the short way ---------------------------------------------------------------------------------------------------

NAMES = [
    "a",
    "b",
    "a",
    "b",
    "url",
    "loc",
    "item",
    "entry",
    "link",
    "x:loc",
    "URL",
    "title",
    "description",
    "image",
    "lastmod",
    "é",
]
ATTRIBUTES = [
    'href="http://e.org/x"', "href='y'", 'a="b"', 'a="b"', 'b="x:y"', 'c="http://z.org/"', 'xml:base="/b/"', 'd="&amp;"',
    'thumbnail="t"', 'HREF="q"', 'e="1>2"', 'isPermaLink="false"', "f=g", 'h="&#58;//"',
]  # fmt: skip
TEXTS = [
    "", " ", "hi", "http://e.org/p", "a:b", "a://b", "&amp;", "&lt;b&gt;", "https&#58;//e.org/q", "http:&#47;&#47;e.org",
    "<![CDATA[http://c.org/]]>", "<!-- <a>http://no</a> -->", "a &amp; b: c", ">", '"', "<", "</a>",
]  # fmt: skip


def element(chance: random.Random, depth: int = 0) -> str:
    name = chance.choice(NAMES)
    attributes = "".join(f" {chance.choice(ATTRIBUTES)}" for _ in range(chance.choice([0, 0, 0, 1, 2])))
    if chance.random() < 0.12:
        return f"<{name}{attributes}/>"
    inside = chance.choice(TEXTS)
    if depth < 5 and chance.random() < 0.45:
        inside += "".join(element(chance, depth + 1) + chance.choice(TEXTS) for _ in range(chance.randrange(1, 4)))
    return f"<{name}{attributes}>{inside}</{name if chance.random() < 0.95 else chance.choice(NAMES)}>"


def test_passing_over_what_names_nothing_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(5)
    roots = ["tagfile", "urlset", "rss", "feed", "RDF", "<q>" * 99 + "<q"]
    documents = [
        f"<{chance.choice(roots)}>{''.join(element(chance) for _ in range(chance.randrange(1, 6)))}" for _ in range(3000)
    ]
    short = [list(xml_links(document)) for document in documents]
    monkeypatch.setattr(sitemap, "_EVENTLESS", re.compile("(?!)"))
    assert short == [list(xml_links(document)) for document in documents]
    assert sum(map(len, short)) > 3000
