"""HTML as a browser would read it: every URL found, whatever the markup, however it arrives."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

import archiver.markup.html as html_module
import archiver.markup.xml as xml_module
from archiver.markup.html import HtmlScanner
from archiver.markup.slots import Found, Landmark, LandmarkKind, Passage, PassageKind, Slot, SlotKind
from archiver.markup.xml import XmlScanner

SITE = Path(__file__).parents[2] / "sample" / "site"

NASTY = """\ufeff <!-- <body> --><!DOCTYPE html><HTML lang=fr><HEAD><Base href=/b/><title>A &amp; <b>B</b></title>
<meta charset=utf-8><meta http-equiv="Refresh" content="3; URL='next.html'">
<meta content="default-src" http-equiv=Content-Security-Policy>
<link rel="alternate stylesheet" href="a&amp;b.css" integrity=sha256-x crossorigin><link href=icon.png rel='SHORTCUT ICON'>
<style>@import "i.css"; p { background: url(bg.png) } /* url(no.png) */</style>
<script>if (a < b) document.write("<img src=no.png><\\/script>")</script><script type=module src=m.js></script>
<script><!-- <script> "</script>" --></script><script type="application/json">{"a":"<img src=no>"}</script>
<script type=importmap>{"imports":{"a":"./map.js"}}</script><noscript><img src=noscript.png></noscript></HEAD>
<Body onload="go()" background=bg2.png><p style='background:url(&quot;style.png&quot;)'>x < y & z</p><img
 alt = "a > b" src = 'one.png' srcset="one.png 1x, two,comma.png 2x" SRC=second.png data-src=lazy.png>
<textarea><img src=no.png></textarea>
<svg><image xlink:href=i.svg /><style>a{fill:url(#x)}</style><![CDATA[<img src=no.png>]]></svg>
<a href=javascript:void(0)>j</a><a href="mailto:a@b">m</a><a href=' sp ace.html ' target=_top ping="p1 p2" download>s</a>
<iframe srcdoc="&lt;img src=in.png&gt;" src=f.html></iframe><template><img src=tpl.png></template><xmp><img src=no.png></xmp>
<form action=f><button formaction=g></button></form><video poster=p.jpg><source src=v.webm><track src=t.vtt></video>
<object data=o.swf></object><embed src=e.pdf><a href=unclosed>u<!-- <a href=no> --!><a href=after>a<p/><a href=é&euro;>é</a
></body></html><img src=late.png><a href="never closed"""


def seen(
    text: str, *, step: int = 0, charset: str | None = None, kind: type[HtmlScanner] = HtmlScanner
) -> tuple[list[tuple[object, ...]], str]:
    scanner = kind(charset=charset)
    found: list[Found] = []
    for start in range(0, len(text), step or len(text) or 1):
        found += scanner.feed(text[start : start + (step or len(text))])
    found += scanner.close()
    return [(item.start, item.end, item.kind, getattr(item, "value", "")) for item in found], scanner.title


def slots(text: str) -> list[tuple[SlotKind, str]]:
    scanner = HtmlScanner()
    return [(item.kind, item.value) for item in (*scanner.feed(text), *scanner.close()) if isinstance(item, Slot)]


def values(text: str) -> list[str]:
    return [value for _, value in slots(text)]


def test_a_nasty_page_is_read_as_a_browser_reads_it() -> None:
    assert slots(NASTY) == [
        (SlotKind.BASE, "/b/"),
        (SlotKind.REFRESH, "next.html"),
        (SlotKind.STYLESHEET, "a&b.css"),
        (SlotKind.ICON, "icon.png"),
        (SlotKind.STYLESHEET, "i.css"),
        (SlotKind.IMAGE, "bg.png"),
        (SlotKind.MODULE, "m.js"),
        (SlotKind.IMPORT_MAP, "./map.js"),
        (SlotKind.IMAGE, "noscript.png"),
        (SlotKind.IMAGE, "bg2.png"),
        (SlotKind.IMAGE, "style.png"),
        (SlotKind.IMAGE, "one.png"),
        (SlotKind.IMAGE, "one.png"),
        (SlotKind.IMAGE, "two,comma.png"),
        (SlotKind.DATA, "lazy.png"),
        (SlotKind.IMAGE, "i.svg"),
        (SlotKind.LINK, "mailto:a@b"),
        (SlotKind.DOWNLOAD, "sp ace.html"),
        (SlotKind.PING, "p1"),
        (SlotKind.PING, "p2"),
        (SlotKind.FRAME, "f.html"),
        (SlotKind.IMAGE, "tpl.png"),
        (SlotKind.FORM, "f"),
        (SlotKind.FORM, "g"),
        (SlotKind.IMAGE, "p.jpg"),
        (SlotKind.MEDIA, "v.webm"),
        (SlotKind.TRACK, "t.vtt"),
        (SlotKind.OBJECT, "o.swf"),
        (SlotKind.OBJECT, "e.pdf"),
        (SlotKind.LINK, "unclosed"),
        (SlotKind.LINK, "after"),
        (SlotKind.LINK, "é€"),
        (SlotKind.IMAGE, "late.png"),
    ]
    assert seen(NASTY)[1] == "A & <b>B</b>"


def test_passages_are_scripts_handlers_documents_and_what_would_block_replay() -> None:
    scanner = HtmlScanner()
    kinds = [item.kind for item in (*scanner.feed(NASTY), *scanner.close()) if isinstance(item, Passage)]
    assert [kind.value for kind in kinds] == [
        "meta-charset", "meta-csp", "integrity", "crossorigin", "script", "script", "json", "handler", "javascript-url",
        "target", "srcdoc",
    ]  # fmt: skip


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64])
def test_it_does_not_matter_how_the_document_is_cut(step: int) -> None:
    assert seen(NASTY, step=step) == seen(NASTY)
    latin = NASTY.encode().decode("latin-1")
    assert seen(latin, step=step, charset="utf-8") == seen(latin, charset="utf-8")


TOKENS = (
    "< > / = \" ' ! - & ; a p img src href class x é <!-- --> --!> <a </a> <svg> </svg> <![CDATA[ ]]> <script> </script>"
    ' <title> </title> <path fill=red fill="url(u)" <desc> </desc> <math <mi> <img/src=u> d="M0"'
    " <template> </template> <style> </style> <body> <head> <frameset> <noscript> <textarea> <xmp"
    " <plaintext> onclick=f() data-src=z DOWNLOAD target=_top xlink:href=u <iframe &amp; &lt"
)
ATOMS = TOKENS.split()
WITH_SPACES = (
    " ", "\n", "<p class=x>", "<img src=a>", '<A HREF="b c">', 'style="background:url(q)"',
    '<meta http-equiv=refresh content="0;url=x">', "<img srcset='a 1x, b 2x'", "<input type=image src=i >",
    '<g id="a"><path fill="none" d="M0"/></g>', '<text x="1" fill="url(#a)">t</text>', "<title>T&amp;</title>",
)  # fmt: skip


def broken_documents(count: int, seed: int) -> Iterable[str]:
    random_ = random.Random(seed)
    for number in range(count):
        body = "".join(random_.choice((*ATOMS, *WITH_SPACES)) for _ in range(random_.randint(1, 40)))
        yield f"<body>{body}" if number % 2 else body


def test_broken_documents_are_read_the_same_however_they_are_cut() -> None:
    random_ = random.Random(3)
    for text in broken_documents(1500, seed=1):
        assert seen(text, step=random_.choice((1, 2, 5))) == seen(text), text


def test_the_short_cut_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*broken_documents(3000, seed=2), NASTY, *(path.read_text() for path in SITE.rglob("*.html"))]
    drawings = [f'<svg>{text}<a href="#x"><g>' for text in broken_documents(2000, seed=4)]
    quick = [*map(seen, texts), *(seen(text, kind=XmlScanner) for text in drawings)]
    for name in ("UNEVENTFUL", "UNEVENTFUL_FOREIGN"):
        monkeypatch.setattr(html_module, name, re.compile(""))
    for name in ("UNEVENTFUL_IN_SVG", "UNEVENTFUL_IN_TITLED_SVG"):
        monkeypatch.setattr(xml_module, name, re.compile(""))
    monkeypatch.setattr(html_module, "PLAIN_LINK", re.compile("(?!)"))
    slow = [*map(seen, texts), *(seen(text, kind=XmlScanner) for text in drawings)]
    assert quick == slow


def judged(text: str, parser: str) -> set[str]:
    """What BeautifulSoup finds, of the attributes that browsers load or follow."""
    wanted = {"a": "href", "img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src", "video": "poster"}
    soup = BeautifulSoup(text, parser)
    found = {str(tag.get(attribute) or "") for name, attribute in wanted.items() for tag in soup.find_all(name)}
    return {re.sub("[\t\n\r]", "", url.strip()) for url in found} - {""}


PLAUSIBLE = [
    "<p><a href=one>1<a href='two'>2</p><img src=three",
    "<table><tr><td><a href=x?a=1&b=2>y</table><img src='a b.png'/>",
    "<div <a href=inner>x</a></div>",
    "<a\nhref\n=\n'nl'>x</a>",
    "<a title='>' href=q>x</a>",
    "<IMG SRC=up.png><A HREF=UP>",
    "<a href=one href=two>",
    "<a/href=slash>",
    "<img src=a.png/>",
    "<a href=&#x61;&#98;c>",
    "<a href='?a=1&copy=2&lt=3'>",
    "<b><i><a href=mis></b></i></a>",
    "<select><option><a href=opt></select>",
    "<a href=a'b\"c>x</a>",
    "<p><img src=x.png alt=<b>>",
    "<script>var a = '<a href=no>'</script><a href=yes>",
    "<!-- a --> <a href=yes><!-- <a href=no> -->",
    "<style>a<b</style><a href=s>",
]


@pytest.mark.parametrize("text", PLAUSIBLE)
def test_beautifulsoup_finds_nothing_that_the_scanner_does_not(text: str) -> None:
    complete = text if text.endswith(">") else f"{text}>"
    assert judged(complete, "html5lib") <= set(values(complete))


@pytest.mark.parametrize("path", sorted(SITE.rglob("*.html")), ids=lambda path: path.name)
def test_nothing_is_missed_on_real_pages(path: Path) -> None:
    text = path.read_text()
    assert judged(text, "html5lib") <= set(values(text))
    assert judged(text, "lxml") <= set(values(text))


def test_nothing_is_missed_on_generated_pages() -> None:
    random_ = random.Random(9)
    tags = {"a": "href", "img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src", "video": "poster"}
    for _ in range(200):
        pieces = []
        for number in range(12):
            tag, attribute = random_.choice(list(tags.items()))
            quote = random_.choice(["", "'", '"'])
            extra = random_.choice(["", " class=c", " TITLE='a>b'", " x", "\n", " data-x=1 "])
            name = attribute.upper() if random_.random() < 0.2 else attribute
            end = f"</{tag}>" if tag in ("script", "iframe") or random_.random() < 0.5 else ""
            pieces.append(f"<{tag}{extra} {name}={quote}u{number}.x?a=1&amp;b={number}{quote}{extra}>t{end}")
        text = "".join(pieces)
        assert judged(text, "html5lib") <= set(values(text)), text


@pytest.mark.parametrize(
    ("text", "head", "body"),
    [
        ("<!doctype html><html><head><title>x</title></head><body><p>y", "<title", "<p>y"),
        ("<!doctype html><title>x</title><p>y", "<title", "<p>y"),
        ("plain text", "plain", "plain"),
        ("<!-- c --> <html> <p>y", "<p>", "<p>"),
        ("<body class=x>y", "<body", "y"),
        ("<head></head>\n<script>1</script>text", "</head", "text"),
        ("<template><p>x</p></template><meta><div>", "<template", "<div"),
        ("<noscript><p>x</p></noscript><p>", "<noscript", "<p>"),
        ("", "", ""),
    ],
)
def test_head_and_body_begin_where_the_parser_would_put_them(text: str, head: str, body: str) -> None:
    scanner = HtmlScanner()
    marks = {item.kind: item.start for item in (*scanner.feed(text), *scanner.close()) if isinstance(item, Landmark)}
    assert text[marks[LandmarkKind.HEAD] :].startswith(head)
    assert text[marks[LandmarkKind.BODY] :].startswith(body)
    assert marks[LandmarkKind.END] == len(text)


def test_a_frameset_has_no_body() -> None:
    scanner = HtmlScanner()
    kinds = [
        item.kind for item in scanner.feed("<html><head></head><frameset><frame src=a><body>") if isinstance(item, Landmark)
    ]
    assert kinds == [LandmarkKind.HEAD, LandmarkKind.FRAMESET]


def test_replacements_are_safe_where_they_stand() -> None:
    evil = "x\"'><script>&amp; </style>)\\é"
    for text in (
        '<a href="u">',
        "<a href='u'>",
        "<a href=u>",
        '<p style="background:url(u)">',
        "<p style='background:url(\"u\")'>",
    ):
        scanner = HtmlScanner()
        (slot,) = [item for item in (*scanner.feed(f"<body>{text}z"), *scanner.close()) if isinstance(item, Slot)]
        out = f"<body>{text}z"
        out = out[: slot.start] + slot.encode(evil) + out[slot.end :]
        soup = BeautifulSoup(out, "html5lib")
        assert soup.find("script") is None, out
        assert [value for _, value in slots(out)] == [evil], out
        assert soup.body is not None
        assert soup.body.get_text() == "z"


BOMBS = {
    "open": "<",
    "tags": "<a ",
    "unclosed": '<a href="',
    "comment": "<!--",
    "comments": "<!-->",
    "deep": "<div>",
    "cdata": "<svg><![CDATA[",
    "attributes": " a=1",
    "script": "<script><!--<script>",
    "ends": "</",
    "title": "<title>",
    "entities": "<a href='&amp;&lt;&#",
    "dashes": "<!" + "-" * 40,
}


@pytest.mark.parametrize("name", BOMBS)
def test_hostile_input_takes_time_in_proportion_to_its_size(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: how many characters the tokenizer is handed in all."""
    work = 0
    original = HtmlScanner._scan

    def counted(self: HtmlScanner, *, final: bool) -> object:
        nonlocal work
        work += len(self._text)
        return original(self, final=final)

    monkeypatch.setattr(HtmlScanner, "_scan", counted)
    text = (BOMBS[name] * 400_000)[:400_000]
    if name == "attributes":
        text = f"<p{text}"
    scanner = HtmlScanner()
    for start in range(0, len(text), 4096):
        list(scanner.feed(text[start : start + 4096]))
    list(scanner.close())
    assert scanner.settled == len(text)
    assert work < 12 * len(text)


@pytest.mark.parametrize(
    ("script", "ends"),
    [
        ("a</script>", 1), ("<!--a</script>", 5), ("<!--<script>a</script>b</script>", 23), ("<!--<script>a--></script>", 16),
        ("a</scriptx>b</script>", 12), ("</SCRIPT >", 0), ("<!--<scriptx></script>", 13), ("<!--><script></script>", 13),
        ("<!---><script></script>", 14), ("<!--a<!--><script></script>", 18), ("<!--<script\xa0></script>", 13),
    ],
)  # fmt: skip
def test_scripts_end_where_browsers_end_them(script: str, ends: int) -> None:
    scanner = HtmlScanner()
    text = f"<script>{script}<a href=after>"
    found = [*scanner.feed(text), *scanner.close()]
    scripts = [item for item in found if isinstance(item, Passage) and item.kind is PassageKind.SCRIPT]
    assert [item.value for item in scripts] == ([script[:ends]] if ends else [])
    assert [item.value for item in found if isinstance(item, Slot)] == ["after"]


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("<svg><script href=a.js /><image href=b></svg>", ["a.js", "b"]),
        ("<svg><style>&#60;a{b:url(c)}<![CDATA[d{e:url(f)}]]></style><image href=g></svg>", ["c", "f", "g"]),
        ("<svg><style><image href=a></style></svg>", ["a"]),
        ("<svg><title><image href=a></title><textarea><image href=b></textarea></svg>", ["a", "b"]),
        ("<svg><p><style><img src=no></style><![CDATA[<img src=no>]]>", []),
        ("<svg></p><xmp><img src=no></xmp>", []),
        ("<svg><font><style><img src=a>", ["a"]),
        ("<svg><font color=red><style><img src=no>", []),
        ("<svg><foreignObject><style><img src=no></style></svg><style><img src=no></style>", []),
        ("<math><mtext><style><img src=no></style></mtext><style><image href=a>", ["a"]),
        ("<math><annotation-xml><style><image href=a></style>", ["a"]),
        ("<math><annotation-xml encoding=text/HTML><style><img src=no></style>", []),
        ("<svg><path fill='url(a.svg#b)' stroke=red mask=url(c) clip-path='url(#d)'></svg>", ["a.svg#b", "c"]),
        ("<p fill='url(no)'>", []),
        ("<svg><animate attributeName=href values=' a ;b c; d' to=e from='f'></svg>", ["a", "b c", "d", "e", "f"]),
        ("<svg><set attributeName=xlink:href to=a><set attributeName=x to=no></svg>", ["a"]),
        ("<svg></head></body></html><style><image href=a></style>", ["a"]),
        (
            "<svg><math><mi><xmp><image href=a></xmp></mi></math><style><image href=b></style></svg><style><img src=no>",
            ["a", "b"],
        ),
        ("<math><svg><desc><style><image href=a></style></svg></math><style><img src=no>", ["a"]),
        ("<math><annotation-xml><svg><desc><style><img src=no></style><img src=a></desc></svg></annotation-xml>", ["a"]),
        ("<math><mi><b><svg><path></math><style><image href=a></style>", ["a"]),
        ("<svg fill='url(a)' cursor='url(b), auto'></svg>", ["a", "b"]),
        ("<math><mrow href=a xlink:href=b></mrow></math>", ["a", "b"]),
        ("<a href=\0a>", ["\ufffda"]),
        ("<a hr\0ef=no><a\0 href=no><img src='a\0b'>", ["a\ufffdb"]),
        ("<noscript><img alt='</noscript><img src=a>'>", ["a"]),
        ("<noscript><img src=a><noscript><img src=b></noscript>", ["a", "b"]),
        ("</é><a href=a>", ["a"]),
        ("</><a href=a></ ><a href=b>", ["a", "b"]),
        ("<a title=x\xa0href=no href=b>", ["b"]),
        ("<a href=a\x85b>", ["a\x85b"]),
    ],
)
def test_svg_mathml_and_odd_markup_are_read_as_browsers_do(text: str, urls: list[str]) -> None:
    assert values(f"<body>{text}") == urls


XML = """<?xml version="1.0"?><?xml-stylesheet type="text/css" href="a&amp;b.css"?><!-- --!> <img src='no'/> -->
<!DOCTYPE html [<!ENTITY x "<img src='no'/>">]>
<h:html xmlns:h="http://www.w3.org/1999/xhtml"><h:head><h:title>A &amp; B</h:title>
<h:script src="s.js"/><h:style><![CDATA[p{background:url(style.png)}]]></h:style></h:head>
<h:body><h:script>//<![CDATA[
if (1 < 2) location = "x"; //]]></h:script><h:textarea><h:img src="one.png"/></h:textarea><![CDATA[<h:img src="no"/>]]>
<?php <h:img src="no"/> ?><h:iframe src="f"/><h:img src="two.png"/></h:body></h:html>"""


@pytest.mark.parametrize("step", [0, 1, 3, 7])
def test_xml_is_read_as_xml(step: int) -> None:
    scanner = XmlScanner()
    step = step or len(XML)
    found = [item for at in range(0, len(XML), step) for item in scanner.feed(XML[at : at + step])]
    found += scanner.close()
    assert scanner.title == "A & B"
    slots = [(item.kind, item.value) for item in found if isinstance(item, Slot)]
    assert slots == [
        (SlotKind.STYLESHEET, "a&b.css"),
        (SlotKind.SCRIPT, "s.js"),
        (SlotKind.IMAGE, "style.png"),
        (SlotKind.IMAGE, "one.png"),
        (SlotKind.FRAME, "f"),
        (SlotKind.IMAGE, "two.png"),
    ]
    (script,) = [item for item in found if isinstance(item, Passage)]
    assert script.value == '//\nif (1 < 2) location = "x"; //'
    assert script.encode("a && b < c") == "a &amp;&amp; b &lt; c"
    marks = {item.kind: XML[item.start :][:8] for item in found if isinstance(item, Landmark)}
    assert marks == {LandmarkKind.HEAD: "<h:title", LandmarkKind.BODY: "<h:scrip", LandmarkKind.END: ""}


def test_of_other_xml_only_the_style_sheet_matters() -> None:
    scanner = XmlScanner()
    text = '<?xml-stylesheet href="s.xsl" type="text/xsl"?><feed><link href="no"/><?xml-stylesheet href="no"?></feed>'
    assert [(item.kind, item.value) for item in (*scanner.feed(text), *scanner.close()) if isinstance(item, Slot)] == [
        (SlotKind.OBJECT, "s.xsl")
    ]


@pytest.mark.parametrize(
    "text", ["<", "<!", "<!DOCTYPE [", "<![CDATA[", "<?", "<a", "<html><script>", "<html><style><![CDATA["]
)
def test_xml_that_ends_too_soon_ends(text: str) -> None:
    scanner = XmlScanner()
    assert [item.kind for item in (*scanner.feed(text), *scanner.close()) if isinstance(item, Slot)] == []
    assert scanner.settled == len(text)


@pytest.mark.parametrize(
    ("tag", "kinds"),
    [
        ("<img data-src=a.png data-original=/b data-bg=red data-lazy='{x}' data-srcset='c.png 1x, {d} 2x'>", ["data"] * 3),
        ("<a href=x download>", ["download"]),
        ("<object data=a type=image/png>", ["image"]),
        ("<object data=a type=image/svg+xml>", ["object"]),
        ("<embed src=a type='text/html; charset=x'>", ["frame"]),
        ("<embed src=a type=video/mp4>", ["media"]),
        ("<object><param name=Movie value=a.swf><param name=quality value=high><param name=src value=x>", ["object"]),
        ("<link rel=preload as=image imagesrcset='a 1x, b 2x'>", ["image", "image"]),
        ("<img attributionsrc='a b'>", ["ping", "ping"]),
        ("<math><mrow href=a></mrow></math>", ["link"]),
        ("<svg><a xlink:href=a></a><use xlink:href=b /><feImage href=c /></svg>", ["link", "image", "image"]),
        ("<template><base href=/no/><meta http-equiv=refresh content='0;url=a'></template>", ["alternate", "link"]),
        ("<noscript><base href=/no/><meta http-equiv=refresh content='0;url=a'></noscript>", ["alternate", "link"]),
        ("<meta http-equiv=refresh content='0;url=a'><base href=b>", ["refresh", "base"]),
        ("<svg><base href=/no/></svg><template shadowrootmode=open><base href=/no/></template>", ["alternate", "alternate"]),
        ("<meta http-equiv=' refresh' content='0;url=no'><meta http-equiv=refresh content='0url=no'>", []),
        (
            "<link rel=preload as=font href=a><link rel=preload as=script href=b><link rel=modulepreload href=c>",
            ["font", "script", "module"],
        ),
        (
            "<link rel='alternate stylesheet' href=a><link rel=prefetch href=b><link rel=canonical href=c>",
            ["stylesheet", "prefetch", "alternate"],
        ),
        ("<template shadowrootmode=open><img src=a><link rel=stylesheet href=b></template>", ["image", "stylesheet"]),
    ],
)
def test_kinds_of_attributes(tag: str, kinds: list[str]) -> None:
    assert [kind.value for kind, _ in slots(f"<body>{tag}")] == kinds
