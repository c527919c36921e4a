"""Rewriting of pages and style sheets: what must lead into the archive does, and not a byte more is changed."""

from __future__ import annotations

import random
import re
from urllib.parse import quote, urlsplit

import pytest
from bs4 import BeautifulSoup

from archiver.urls import is_http, resolve
from replay.rewrite.context import RewriteContext
from replay.rewrite.css import CssRewriter
from replay.rewrite.html import HtmlRewriter
from replay.rewrite.urls import absolute, spelled
from tests.replay.reading import as_read

URL = "http://site.example/dir/page.html"
CONTEXT = RewriteContext("/c/", "20160810204623", URL)
AT = "/c/20160810204623"
SITE = "http://site.example"
DIR = f"{SITE}/dir"


def rewritten(
    page: str | bytes,
    *,
    mime: str = "text/html",
    charset: str | None = "utf-8",
    step: int = 0,
    modifier: str = "",
    head: str = "",
    body: str = "",
) -> bytes:
    data = page.encode() if isinstance(page, str) else page
    context = RewriteContext("/c/", "20160810204623", URL, modifier)
    rewriter = HtmlRewriter(context, media_type=mime, http_charset=charset, head_insert=head, body_insert=body)
    step = step or len(data) or 1
    return b"".join(rewriter.feed(data[at : at + step]) for at in range(0, len(data), step)) + rewriter.flush()


def text(page: str, **options: object) -> str:
    return as_read(rewritten(page, **options).decode())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<a href=x.html>", f"<a href={AT}/{DIR}/x.html>"),
        ("<a href='/x?a=1&amp;b=2#f'>", f"<a href='{AT}/{SITE}/x?a=1&amp;b=2#f'>"),
        ('<a href="//other.example/y">', f'<a href="{AT}/http://other.example/y">'),
        ("<a href=HTTPS://Other.example/Y>", f"<a href={AT}/https://other.example/Y>"),
        ("<img src=x.png>", f"<img src={AT}im_/{DIR}/x.png>"),
        ("<img srcset='a.png 1x, b.png 2x'>", f"<img srcset='{AT}im_/{DIR}/a.png 1x, {AT}im_/{DIR}/b.png 2x'>"),
        ("<script src=s.js></script>", f"<script src={AT}js_/{DIR}/s.js></script>"),
        ("<script type=module src=s.js></script>", f"<script type=module src={AT}esm_/{DIR}/s.js></script>"),
        ("<link rel=stylesheet href=s.css>", f"<link rel=stylesheet href={AT}cs_/{DIR}/s.css>"),
        ("<link rel=icon href=i.png>", f"<link rel=icon href={AT}im_/{DIR}/i.png>"),
        ("<iframe src=f.html></iframe>", f"<iframe src={AT}if_/{DIR}/f.html></iframe>"),
        ("<object data=o.pdf></object>", f"<object data={AT}oe_/{DIR}/o.pdf></object>"),
        ("<video src=v.webm poster=p.jpg>", f"<video src={AT}oe_/{DIR}/v.webm poster={AT}im_/{DIR}/p.jpg>"),
        ("<form action=go>", f"<form action={AT}/{DIR}/go>"),
        ("<p style='background:url(b.png)'>", f"<p style='background:url({AT}im_/{DIR}/b.png)'>"),
        ("<style>a{b:url('b.png')}</style>", f"<style>a{{b:url('{AT}im_/{DIR}/b.png')}}</style>"),
        ("<svg><use href='s.svg#i'/></svg>", f"<svg><use href='{AT}im_/{DIR}/s.svg#i'/></svg>"),
        ("<meta http-equiv=refresh content='3;url=n'>", f"<meta http-equiv=refresh content='3;url={AT}/{DIR}/n'>"),
        ("<base href=/o/><a href=x>", f"<base href={AT}/{SITE}/o/><a href={AT}/{SITE}/o/x>"),
        ("<a href=x ping='http://t.example/'>", f"<a href={AT}/{DIR}/x ping='about:blank'>"),
        ("<link rel=preconnect href=//t.example>", "<link rel=preconnect href=about:blank>"),
        ("<a href=x.pdf download>", f"<a href={AT}id_/{DIR}/x.pdf download>"),
        ("<iframe csp=x src=f></iframe>", f"<iframe data-archived-csp=x src={AT}if_/{DIR}/f></iframe>"),
        ("<object data=f type=text/html></object>", f"<object data={AT}if_/{DIR}/f type=text/html></object>"),
        ("<script>var é = '日'; location.href</script>", "<script>var é = '日'; __muniment.location(location).href</script>"),
        ("<noscript><base href=/o/><a href=x></noscript><a href=x>",
         f"<noscript><base href={AT}/{SITE}/o/><a href={AT}/{DIR}/x></noscript><a href={AT}/{DIR}/x>"),
        ("<svg><path mask='url(m.svg#m)'/></svg>", f"<svg><path mask='url({AT}im_/{DIR}/m.svg#m)'/></svg>"),
        ("<script integrity=sha256-x crossorigin src=s.js></script>",
         f"<script data-archived-integrity=sha256-x data-archived-crossorigin src={AT}js_/{DIR}/s.js></script>"),
        ("<meta http-equiv=Content-Security-Policy content=x>", "<meta http-equiv=X-Archived-CSP content=x>"),
        ("<META content=no-referrer name='Referrer'>", "<META content=no-referrer name='archived-referrer'>"),
        ("<a href=/a%2Fb?c=%2F>", f"<a href={AT}/{SITE}/a%252Fb?c&#61;%2F>"),
        ("<a href=/a%2Fb#c%2Fd>", f"<a href={AT}/{SITE}/a%252Fb#c%2Fd>"),
        ("<iframe srcdoc='&lt;img src=x.png&gt;'></iframe>", f"<iframe srcdoc='&lt;img src={AT}im_/{DIR}/x.png>'></iframe>"),
        ('<script type=importmap>{"imports":{"a":"./m.js","./b/":"./c/"}}</script>',
         f'<script type=importmap>{{"imports":{{"a":"{AT}esm_/{DIR}/m.js",'
         f'"{AT}esm_/{DIR}/b/":"{AT}esm_/{DIR}/c/"}}}}</script>'),
        ('<script type=speculationrules>{"prefetch":[{"urls":["/x"]}]}</script>', "<script type=speculationrules>{}</script>"),
    ],
)  # fmt: skip
def test_what_leads_out_is_led_into_the_archive(before: str, after: str) -> None:
    assert text(f"<body>{before}") == f"<body>{after}"


@pytest.mark.parametrize(
    ("value", "marked"),
    [
        ("x.html", f"{DIR}/%2e/x.html"),
        ("deep/x.html?a=/b#c", f"{DIR}/%2e/deep/x.html?a=/b#c"),
        ("/x.html", f"{SITE}/%2E/x.html"),
        ("/", f"{SITE}/%2E/"),
        ("./x.html", f"{DIR}/%2e/./x.html"),
        ("./", f"{DIR}/%2e/./"),
        ("../x.html", f"{DIR}/%2e/../x.html"),
        ("a/../b!*'x", f"{DIR}/b!*'x"),  # not in quotation marks, where it would end them
        ("a/../b;c", f"{DIR}/%2e/a/../b;c"),
        ("../../x.html", f"{SITE}/x.html"),  # past the root the browser would leave the address
        ("a/../../../b", f"{SITE}/b"),
        ("http://other.example/x", "http://other.example/x"),
        ("//other.example/x", "http://other.example/%2E/%2e/x"),
        ("//Other.example/x", "http://other.example/x"),
        ("//other.example", "http://other.example/"),
        ("?a=b", f"{DIR}/%2e/%2e/page.html?a=b"),
        ("?", f"{DIR}/%2e/%2e/page.html?"),
        ("/a/../b", f"{SITE}/%2E/a/../b"),
        ("/ä", f"{SITE}/%C3%A4"),
        ("a b", f"{DIR}/a%20b"),
        ("a%2Fb", f"{DIR}/a%2Fb"),
        ("mailto:a@b", None),
    ],
)
def test_how_a_page_wrote_an_address_can_be_read_back(value: str, marked: str | None) -> None:
    assert spelled(URL, value) == marked
    if marked is not None:
        assert resolve("http://reader/", f"http://reader{AT}/{marked}") == f"http://reader{AT}/{absolute(URL, value)}"


@pytest.mark.parametrize("base", ["http://site.example/", "http://site.example/page", "http://site.example/a/b/?c=/d/e/f"])
@pytest.mark.parametrize(
    "value",
    [
        "x",
        "/x",
        "../x",
        "../../x",
        "../../../x/y",
        "/",
        "x/",
        "../",
        "./x",
        "./../x",
        "?a",
        "//o.org/x/../y",
        "x/../../y",
        ".",
        "..",
    ],
)
def test_marked_addresses_mean_what_unmarked_ones_mean(base: str, value: str) -> None:
    assert (
        resolve("http://reader/", f"http://reader{AT}/{spelled(base, value)}") == f"http://reader{AT}/{absolute(base, value)}"
    )


@pytest.mark.parametrize(
    "page",
    [
        "<a href='#part'>", "<a href='mailto:a@b'>", "<a href='javascript:go()'>", "<img src='data:image/png,x'>",
        "<a href=''>",
        "<a href='http://['>", "<a href='tel:1'>", "<img src=about:blank>", "<script>var a = '<a href=\"x\">'</script>",
        "<!-- <a href=x> --><textarea><a href=x></textarea><title><a href=x></title>", "<p title='http://x.example/'>http://x/",
        f"<a href='{AT}/http://already.example/'>", f"<img src='{AT}im_/http://already.example/x.png'>", "<a name=x download>",
        "<script type='application/ld+json'>{\"url\":\"http://x.example/\"}</script>", "<p data-id=5 onclick=\"go('/x')\">",
        "<img data-src=/lazy.png data-srcset='http://x.example/a 1x'>",
    ],
)  # fmt: skip
def test_what_leads_nowhere_stays_as_it_is(page: str) -> None:
    assert text(f"<body>{page}") == f"<body>{page}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<html><script>if (a &lt; b) location = c</script></html>",
         "<html><script>if (a &lt; b) __muniment.assign(location,(v)=>location=v).value = c</script></html>"),
        ("<html><script><![CDATA[location.é]]></script></html>",
         "<html><script>__muniment.location(location).&#233;</script></html>"),
        ("<html><style><![CDATA[a{b:url(?a&b)}]]></style></html>",
         f"<html><style><![CDATA[a{{b:url({AT}im_/{URL}?a\\26 b)}}]]></style></html>"),
        ("<svg><script href='a.js'/><image href='b'/></svg>",
         f"<svg><script href='{AT}js_/{DIR}/a.js'/><image href='{AT}im_/{DIR}/b'/></svg>"),
        ("<?xml-stylesheet href='s.xsl' type='text/xsl'?><feed><link href='x'/></feed>",
         f"<?xml-stylesheet href='{AT}oe_/{DIR}/s.xsl' type='text/xsl'?><feed><link href='x'/></feed>"),
    ],
)  # fmt: skip
def test_xml_stays_well_formed(before: str, after: str) -> None:
    assert text(before, mime="application/xml") == after


QUIET = (
    "<!DOCTYPE html>\r\n<HTML><Head><TITLE>{0}</tItle >\n<meta  name=x content='{0}'></head>"
    '<BODY class = "a"\tid=b >{0}<p/>&nbsp;&bogus;<br>'
)
ENCODED = {
    "utf-8": "Größe – 日本 – Ж",
    "windows-1252": "Größe – “x”",
    "windows-1251": "Съешь ещё",
    "shift_jis": "表示ソ能日本語",  # its second bytes look like backslashes
    "gb18030": "中文網頁\U00020000",
    "euc_jp": "日本語",
    "big5": "功能許蓋",
    "iso2022_jp": "日本語ABC日本<>&語",
    "koi8-r": "Съешь",
    "euc-kr": "방각하 시콜라",
    "gbk": "鏫誠乗",
}


@pytest.mark.parametrize("charset", ENCODED)
@pytest.mark.parametrize("step", [0, 1, 5])
def test_every_byte_survives_where_nothing_is_rewritten(charset: str, step: int) -> None:
    page = QUIET.format(ENCODED[charset]).encode(charset)
    page += b"\xff\xfe\x00\x81<p>" + bytes(range(128, 256)) if charset not in ("iso2022_jp",) else b"\x1b(B\xff"
    page = page.replace(b"<p/>", b"<p/>" + b" " * 1500)
    assert rewritten(page, charset=charset, step=step) == page


BUSY = (
    "<!DOCTYPE html>\r\n<HTML><Head><TITLE>{0}</tItle ><style>/* {0} */a{{b:url({1}.png)}}</style><!-- {0} --></head>"
    "<BODY title = '{0}'>{0}<a title='{0}'href=\"{2}\" Title={0}>{0}</A\n><script>'{0}';{3}//{0}</script><p>{0}\t<iframe "
    "srcdoc='{4}'></iframe>{0}<svg><style>{0}{{b:url({1}.svg)}}</style><path d='{0}'mask=url({1}.m)></svg>{0}"
)


@pytest.mark.parametrize("charset", [*ENCODED, "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("step", [0, 1, 7])
def test_every_byte_survives_outside_of_what_is_rewritten(charset: str, step: int) -> None:
    shown = ENCODED.get(charset, "日本 \U0001f600").replace("<>&", "").replace("<", "")
    inner = f"<p>{shown}<img src={{}}>"
    before = BUSY.format(shown, "x", "y?a=1&amp;b=2", "location", inner.format("z"))
    inner_after = inner.format(f"{AT}im_/{DIR}/%2e/z").replace("<", "&lt;").encode("ascii", "xmlcharrefreplace").decode()
    image = f"{AT}im_/{DIR}/%2e/x"
    after = BUSY.format(shown, image, f"{AT}/{DIR}/%2e/y?a=1&amp;b=2", "__muniment.location(location)", inner_after)
    http_charset = {"utf-16-le": "utf-16le", "utf-16-be": "utf-16be"}.get(charset, charset)
    assert rewritten(before.encode(charset), charset=http_charset, step=step) == after.encode(charset)


@pytest.mark.parametrize("charset", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("step", [0, 1, 3])
def test_utf_16_survives_unpaired_surrogates_and_an_odd_byte(charset: str, step: int) -> None:
    mark = "\ufeff".encode(charset)
    unpaired = "\ud800x".encode(charset, "surrogatepass")
    page = mark + QUIET.format("日本 \U0001f600").encode(charset) + unpaired + b"<"
    assert rewritten(page, charset=None, step=step) == page
    linked = mark + "<body><a href=/日本>".encode(charset)
    assert rewritten(linked, charset=None, step=step).decode(charset) == f"\ufeff<body><a href={AT}/{SITE}/%E6%97%A5%E6%9C%AC>"


@pytest.mark.parametrize(
    ("charset", "query"), [("shift_jis", "%93%FA"), ("utf-8", "%E6%97%A5"), ("windows-1251", "%26%2326085%3B")]
)
def test_queries_are_sent_in_the_encoding_of_the_page(charset: str, query: str) -> None:
    page = "<body><a href='?q=日'>" if charset != "windows-1251" else "<body><a href='?q=&#26085;'>"
    out = rewritten(page.encode(charset), charset=charset).decode("ascii")
    assert f"{AT}/{URL}?q={query}" in out


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<!--\nif (location.hash) go()\n//-->", "<!--\nif (__muniment.location(location).hash) go()\n//-->"),
        ("\n <!-- hide\na(location)\n// -->", "\n <!-- hide\na(__muniment.location(location))\n// -->"),
        ("a('<!--', '<script>', location)", "a('<!--', '<script>', __muniment.location(location))"),
    ],
)
def test_scripts_that_hide_from_old_browsers_go_on_running(before: str, after: str) -> None:
    assert text(f"<script>{before}</script><p>") == f"<script>{after}</script><p>"


def test_a_declared_charset_rules_over_the_bytes() -> None:
    page = "<meta charset=windows-1251><body><a href='/Ж'>".encode("windows-1251")
    assert b"/%D0%96'" in rewritten(page, charset=None)


SAMPLE = (
    "<!doctype html><title>T</title><link rel=stylesheet href=s.css><style>@import 'i.css';a{b:url(x.png)}</style>"
    "<body onload='go()'><a href='x?a=1&amp;b=é'>x</a><img srcset='a.png 1x,b.png 2x' src=c.png integrity=x>"
    "<iframe srcdoc='&lt;a href=q&gt;'></iframe><script>if (1 < 2) { x = '</' + 'script>' }</script>"
    "<svg><image xlink:href=i.png /></svg><!-- c --><p style=\"b:url('y')\">z"
)


@pytest.mark.parametrize("step", range(1, 30))
def test_it_does_not_matter_how_the_page_arrives(step: int) -> None:
    options = {"head": "<i>H</i>", "body": "<b>B</b>"}
    assert rewritten(SAMPLE, step=step, **options) == rewritten(SAMPLE, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("page", "out"),
    [
        ("<html><head><title>x</title></head><body class=y>z", "<html><head>[H]<title>x</title></head><body class=y>[B]z"),
        ("<!doctype html><p>z", "<!doctype html>[H][B]<p>z"),
        ("<!-- c -->z", "<!-- c -->[H][B]z"),
        ("<title>x</title>z", "[H]<title>x</title>[B]z"),
        ("", "[H][B]"),
        ("<html><frameset><frame></frameset>", "<html>[H]<frameset><frame></frameset>"),
        ("<head></head><!-- c --> <script></script> <body>z", "<head>[H]</head><!-- c --> <script></script> <body>[B]z"),
    ],
)
@pytest.mark.parametrize("step", [0, 1])
def test_insertions_stand_where_the_browser_begins_head_and_body(page: str, out: str, step: int) -> None:
    assert text(page, head="[H]", body="[B]", step=step) == out


def test_insertions_mean_the_same_in_every_encoding() -> None:
    for charset in ("shift_jis", "utf-16-le", "windows-1251"):
        out = rewritten("<body>x".encode(charset), charset=charset if "16" not in charset else "utf-16le", body="<b>é日</b>")
        assert out.decode(charset) == "<body><b>&#233;&#26085;</b>x"


@pytest.mark.parametrize(
    ("page", "modifier", "out"),
    [
        ("<a href=x>", "if", f"<a href={AT}if_/{DIR}/x>"),
        ("<a href=x target=_top>", "if", f"<a href={AT}/{DIR}/x target=_top>"),
        ("<a target=_parent href=x>", "fr", f"<a target=_parent href={AT}/{DIR}/x>"),
        ("<a href=x target=main>", "fr", f"<a href={AT}fr_/{DIR}/x target=main>"),
        ("<base target=_top><a href=x>", "if", f"<base target=_top><a href={AT}/{DIR}/x>"),
        ("<img src=x>", "if", f"<img src={AT}im_/{DIR}/x>"),
    ],
)
def test_links_in_frames_stay_in_their_frame(page: str, modifier: str, out: str) -> None:
    assert text(f"<body>{page}", modifier=modifier) == f"<body>{out}"


def test_nested_documents_end_somewhere() -> None:
    page = "<img src=x>"
    for _ in range(12):
        page = f"<iframe srcdoc='{page.replace('&', '&amp;').replace(chr(39), '&#39;')}'></iframe>"
    assert len(text(page)) < 20_000


LOADED = {
    "img": ["src"],
    "script": ["src"],
    "link": ["href"],
    "iframe": ["src"],
    "source": ["src"],
    "video": ["src", "poster"],
    "object": ["data"],
    "embed": ["src"],
    "a": ["href"],
    "form": ["action"],
    "input": ["src"],
    "body": ["background"],
}


def test_no_broken_page_leads_out() -> None:
    random_ = random.Random(21)
    quotes = ["", "'", '"']
    targets = [
        "http://out.example/x",
        "//out.example/x",
        "/x",
        "x y",
        "HTTP://OUT.example",
        "\thttp://out.example/",
        "h&#116;tp://out.example/",
    ]
    for _ in range(600):
        pieces = ["<body>"]
        for _ in range(random_.randint(1, 8)):
            tag = random_.choice(list(LOADED))
            quote, target = random_.choice(quotes), random_.choice(targets)
            pieces.append(random_.choice(["", "<p", "<", "<b>x", "</", "<!-- ", "-->", "'", '"', "<i a='"]))
            pieces.append(f"<{tag} {random_.choice(LOADED[tag])}{random_.choice(['=', ' = '])}{quote}{target}{quote}>")
        out = text("".join(pieces), step=random_.choice([0, 0, 1, 9]))
        soup = BeautifulSoup(out, "html5lib")
        for tag, attributes in LOADED.items():
            for element in soup.find_all(tag):
                for attribute in attributes:
                    value = re.sub("[\t\r\n]", "", str(element.get(attribute) or "").strip())
                    assert not value or value.startswith("/c/") or urlsplit(value).scheme not in ("", "http", "https"), out


def style(css: str | bytes, *, charset: str | None = "utf-8", step: int = 0) -> bytes:
    data = css.encode() if isinstance(css, str) else css
    rewriter = CssRewriter(RewriteContext("/c/", "20160810204623", f"{SITE}/css/s.css", "cs"), charset)
    step = step or len(data) or 1
    return b"".join(rewriter.feed(data[at : at + step]) for at in range(0, len(data), step)) + rewriter.flush()


@pytest.mark.parametrize("step", [0, 1, 3])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a{b:url(x.png)}", f"a{{b:url({AT}im_/{SITE}/css/x.png)}}"),
        ("a{b:URL( 'x y.png' )}", f"a{{b:URL( '{AT}im_/{SITE}/css/x%20y.png' )}}"),
        ("@import 'i.css' screen;", f"@import '{AT}cs_/{SITE}/css/i.css' screen;"),
        ("@font-face{src:url(f.woff2)}", f"@font-face{{src:url({AT}oe_/{SITE}/css/f.woff2)}}"),
        ("a{b:image-set('x.png' 1x)}", f"a{{b:image-set('{AT}im_/{SITE}/css/x.png' 1x)}}"),
        ("/* url(x) */a{b:'url(x)'}b{c:url(#f)}c{d:url(data:x)}", "/* url(x) */a{b:'url(x)'}b{c:url(#f)}c{d:url(data:x)}"),
        ("a{b:url(unclosed", f"a{{b:url({AT}im_/{SITE}/css/unclosed"),
        ("@import 'x' layer(l) supports(a:url(y)) print;",
         f"@import '{AT}cs_/{SITE}/css/x' layer(l) supports(a:url({AT}im_/{SITE}/css/y)) print;"),
        ("@im\\port URL(x)screen;", f"@im\\port URL({AT}cs_/{SITE}/css/x)screen;"),
        ("@namespace url(http://x);@namespace a 'http://y';", "@namespace url(http://x);@namespace a 'http://y';"),
        ("a{b:image-set('x' 1x,\"y\" type('image/png') 2x)}",
         f"a{{b:image-set('{AT}im_/{SITE}/css/x' 1x,\"{AT}im_/{SITE}/css/y\" type('image/png') 2x)}}"),
        (":root{--x:url(y);--z:'y'}", f":root{{--x:url({AT}im_/{SITE}/css/y);--z:'y'}}"),
        ("a{b:src('x') src(var(--x))}", f"a{{b:src('{AT}im_/{SITE}/css/x') src(var(--x))}}"),
        ("a{b:'bad\n;c:url(d)}<!-- a{b:u\\rl(x)} -->",
         f"a{{b:'bad\n;c:url({AT}im_/{SITE}/css/d)}}<!-- a{{b:u\\rl({AT}im_/{SITE}/css/x)}} -->"),
        ("@charset \"utf-8\";é{b:c}", "@charset \"utf-8\";é{b:c}"),
    ],
)  # fmt: skip
def test_style_sheets(before: str, after: str, step: int) -> None:
    assert style(before, step=step).decode() == after


def test_style_sheets_keep_their_bytes() -> None:
    for charset in ("shift_jis", "windows-1252", "gb18030"):
        css = "a{content:'é'}".encode("windows-1252") if charset == "windows-1252" else "a{content:'表示'}".encode(charset)
        assert style(css + b"\xff\x00\x80", charset=charset, step=1) == css + b"\xff\x00\x80"


def test_plain_urls_join_as_all_others_do() -> None:
    chance = random.Random(5)
    starts = (
        "",
        "/",
        "//",
        "http://",
        "https://a.com/",
        "http://1.2.3/",
        "http://A.com/",
        "./",
        "../",
        "a/./b",
        "http://xn--a.com/",
    )
    bases = (
        "http://ex.example/a/b/x.html?q=1",
        "https://h.example:8443",
        "http://h/a/../b/",
        "http://u:p@h/x/y#f",
        "http://[::1]/a",
    )
    for _ in range(20_000):
        value = chance.choice(starts) + "".join(chance.choices("ab.AZ09/~-_?#=&:%x", k=chance.randint(0, 9)))
        base = chance.choice(bases)
        url = resolve(base, value)
        assert absolute(base, value) == (url if url is not None and is_http(url) else None), (base, value)


#: Characters whose last byte is that of a backslash, a brace, a bar, a grave accent, a bracket, a letter …
MISLEADING = {
    "shift_jis": "ソ能表ボマポチーゾァタダミ",
    "gbk": "乗俓亄亇亅乣乕乚丂乛乢亊",
    "gb18030": "乗俓亄亇亅乣乕乚丂乛乢亊\u0250\U00020000",
    "big5": "功許蓋兝ㄌㄎㄍ瓩兞兡一兣嗧ㄏ",
    "euc-kr": "똠방각하",
}


@pytest.mark.parametrize("charset", MISLEADING)
@pytest.mark.parametrize("step", [0, 1, 2, 3])
def test_bytes_that_only_look_like_punctuation_confuse_nothing(charset: str, step: int) -> None:
    codec = {"euc-kr": "cp949"}.get(charset, charset)
    for letter in MISLEADING[charset]:
        quiet = f"/* {letter} */a{{content:'{letter}'}}"
        out = style(f"{quiet}b{{c:url('{letter}')}}d{{e:url(x.png)}}".encode(codec), charset=charset, step=step)
        address = f"{AT}im_/{SITE}/css"
        assert out.decode(codec) == f"{quiet}b{{c:url('{address}/{quote(letter)}')}}d{{e:url({address}/x.png)}}"
        page = f"<body><script>a = '{letter}' + `{letter}`; location /* {letter} */</script><p title='{letter}'>{letter}"
        out = rewritten(page.encode(codec), charset=charset, step=step)
        assert out.decode(codec) == page.replace("location", "__muniment.location(location)")


@pytest.mark.parametrize("charset", MISLEADING)
def test_a_lead_byte_does_not_swallow_what_it_cannot_go_with(charset: str) -> None:
    out = rewritten(b"<body title='\x81'><a href='\xfe'></a>\x81<a href=x>\xfe", charset=charset)
    assert out.startswith(b"<body title='\x81'><a href='/c/")
    assert out.endswith(f"</a>\x81<a href={AT}/{DIR}/%2e/x>\xfe".encode("latin-1"))
