"""Style sheets, lists of images, refreshes, Link headers, import maps and encodings."""

from __future__ import annotations

import codecs
import random

import pytest

from archiver.markup.charset import sniff_charset
from archiver.markup.css import CssScanner, scan_css
from archiver.markup.importmap import scan_import_map
from archiver.markup.linkheader import parse_link_header
from archiver.markup.slots import SlotKind
from archiver.markup.srcset import scan_refresh, scan_srcset
from archiver.markup.text import RawView, charset_reader, encode_css

CSS = [
    ("a{b:url(c.png)}", ["c.png"]),
    ("a{b:URL( 'c d.png' )}", ["c d.png"]),
    ('a{b:url("c\\"d.png")}', ['c"d.png']),
    ("a{b:url(c\\)d.png)}", ["c)d.png"]),
    ("a{b:\\75rl(c.png)}", ["c.png"]),
    ("a{b:url(\\63 .png)}", ["c.png"]),
    ("/* url(no) */a{b:url(c)/* x */}", ["c"]),
    ("a{content:'url(no)'}", []),
    ("@import 'a.css';@import url(b.css) screen;@import url('c.css');", ["a.css", "b.css", "c.css"]),
    ("@IMPORT \"a.css\" layer(x) supports(display:grid) print;", ["a.css"]),
    ("@namespace x url(http://no.example/);a{b:url(c)}", ["c"]),
    ("@charset 'no.css';", []),
    ("a{b:image-set('x.png' 1x, url(y.png) 2x, \"z.png\" type('image/png') 3x)}", ["x.png", "y.png", "z.png"]),
    ("a{b:-webkit-image-set(url(x.png) 1x)}", ["x.png"]),
    ("a{--v:url(v.png)}", ["v.png"]),
    ("a{b:url(data:image/png;base64,xx)}b{c:url(#f)}c{d:url()}", []),
    ("a{b:url(unclosed", ["unclosed"]),
    ("a{b:url('unclosed", ["unclosed"]),
    ("a{b:'bad\nc:url(after)}", ["after"]),
    ("}}}))a{b:url(c)}", ["c"]),
    ("a{b:cross-fade(url(x), url(y))}", ["x", "y"]),
    ("@media print{@supports(x:y){a{b:url(c)}}}", ["c"]),
    ("<!-- a{b:url(c)} -->", ["c"]),
    ("a{b:src('c.png')}@font-face{src:src('d')}b{c:src(var(--x))}", ["c.png", "d"]),
    ("a{b:image('no.png')}a{b:image-set(linear-gradient('no') 1x)}", []),
    ("a{b:U\\R\\L(c)}b{c:\\75 rl(d)}c{d:xurl(no) -url(no) my\\url(no) url-prefix(no)}", ["c", "d"]),
    ("@\\69mport 'a';@im\\70 ort url(b);@import/**/'c'", ["a", "b", "c"]),
    ("@namespace svg 'no';@namespace 'no';@import 'a' layer;@import '';b{c:url( )}", ["a"]),
    ("@font-face{src:url(a) format('no'), local('no'), url('b') format('no') tech(no)}", ["a", "b"]),
    ("a{cursor:url(a.cur) 1 1, url('b'), auto;filter:url(#f) url(c#f);content:url(d) / 'no'}", ["a.cur", "b", "c#f", "d"]),
    ("a{b:url('c\\\nd') url(\\2f\\2f h/e)}", ["cd", "//h/e"]),
    ("a{--b:'no';--c: URL(c)}@property --x{initial-value:url(d)}", ["c", "d"]),
    ("a{b:'\\\n url(no)'}/* url(no) c{d:url(no)}", []),
    ("a{b:url('bad\n);c:url(d)}", ["bad", "d"]),
]  # fmt: skip


@pytest.mark.parametrize(("css", "urls"), CSS)
def test_urls_of_style_sheets(css: str, urls: list[str]) -> None:
    assert [slot.value for slot in scan_css(css)] == urls


@pytest.mark.parametrize(("css", "urls"), CSS)
@pytest.mark.parametrize("step", [1, 3])
def test_it_does_not_matter_how_a_style_sheet_is_cut(css: str, urls: list[str], step: int) -> None:
    scanner = CssScanner()
    found = [slot for start in range(0, len(css), step) for slot in scanner.feed(css[start : start + step])]
    found += scanner.close()
    assert [(slot.start, slot.end, slot.value) for slot in found] == [(s.start, s.end, s.value) for s in scan_css(css)]


def test_fonts_and_imports_are_told_from_images() -> None:
    css = "@import 'i.css';@font-face{font-family:x;src:url(f.woff2) format('woff2'),url(g.woff)}a{b:url(p.png)}"
    kinds = [slot.kind for slot in scan_css(css)]
    assert kinds == [SlotKind.STYLESHEET, SlotKind.FONT, SlotKind.FONT, SlotKind.IMAGE]


def test_css_replacements_are_safe_in_both_quotes_and_without() -> None:
    evil = "x'\")(;}</style> \\é\n"
    for css in ("a{b:url(u)}", "a{b:url('u')}", 'a{b:url("u")}', "@import 'u';"):
        (slot,) = scan_css(css)
        out = css[: slot.start] + slot.encode(evil) + css[slot.end :]
        assert [again.value for again in scan_css(out)] == [evil.strip()]
        assert "</style" not in out
    assert encode_css("/a/b.png?c=1") == "/a/b.png?c=1"


def test_hostile_style_sheets_take_work_in_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    original = CssScanner._scan
    for bomb in ("url(", "'", "/*", "{", "@", "\\", "((((", "u", "url('a", "@import "):
        work = 0

        def counted(self: CssScanner, *, final: bool) -> object:
            nonlocal work
            work += len(self._text)
            return original(self, final=final)

        monkeypatch.setattr(CssScanner, "_scan", counted)
        text = (bomb * 200_000)[:200_000]
        scanner = CssScanner()
        for start in range(0, len(text), 4096):
            list(scanner.feed(text[start : start + 4096]))
        list(scanner.close())
        assert work < 12 * len(text), bomb


@pytest.mark.parametrize(
    ("srcset", "urls"),
    [
        ("a.png", ["a.png"]),
        ("a.png 1x, b.png 2x", ["a.png", "b.png"]),
        ("a.png,b.png", ["a.png,b.png"]),
        ("a.png, b.png", ["a.png", "b.png"]),
        (" ,, a.png 100w ,b,c.png 200w", ["a.png", "b,c.png"]),
        ("a.png (1x, 2x) , b.png", ["a.png", "b.png"]),
        ("data:image/png,xx 1x, b.png 2x", ["data:image/png,xx", "b.png"]),
        ("", []),
        (",", []),
        ("a.png (", ["a.png"]),
    ],
)
def test_image_candidates(srcset: str, urls: list[str]) -> None:
    found = scan_srcset(srcset)
    assert [url for _, _, url in found] == urls
    assert all(srcset[start:end] == url for start, end, url in found)


@pytest.mark.parametrize(
    ("value", "target"),
    [
        ("0;url=a", "a"),
        ("5; URL = 'a b'", "a b"),
        ('5,"a"', "a"),
        ("0 a", "a"),
        ("\f.5;url=a", "a"),
        ("1.5.2;url=a", "a"),
        ("0;urla", "urla"),
        ("0; url a", "url a"),
        ("0;;a", ";a"),
        ("0url=a", None),
        (";url=a", None),
        ("+0;url=a", None),
        ("0;url=''a", None),
        ("0;url='a", "a"),
        (" 1.5 ; url=a ", "a"),
        ("5", None),
        ("5;", None),
        ("", None),
        ("url=a", None),
        ("x", None),
    ],
)
def test_refreshes(value: str, target: str | None) -> None:
    found = scan_refresh(value)
    assert (found[2] if found else None) == target
    if found:
        assert value[found[0] : found[1]] == target


def test_link_headers() -> None:
    (one, two, three) = parse_link_header('<a>; rel="preload stylesheet"; as=style;x="a\\"b;,", junk <b>;rel=next,<c,d>')
    assert (one.url, one.get("rel"), one.get("as"), one.get("x")) == ("a", "preload stylesheet", "style", 'a"b;,')
    assert (two.url, two.get("rel"), two.get("none")) == ("b", "next", "")
    assert three.url == "c,d"
    assert parse_link_header("") == parse_link_header("<<<<") == parse_link_header("<a") == []
    assert len(parse_link_header("<" * 1_000_000 + "a>")) == 1


def test_import_maps_give_addresses_and_what_is_named_by_url() -> None:
    text = '{"imports":{"a":"./x.js","b/":"/y/","/c/":"https://e.example/z.js","d":"bare"},"scopes":{"/s/":{"a":"../w.js"}}} "'
    found = list(scan_import_map(text))
    assert [url for _, _, url, is_name in found if not is_name] == ["./x.js", "/y/", "https://e.example/z.js", "../w.js"]
    assert [url for _, _, url, is_name in found if is_name] == ["/c/", "/s/"]
    assert all(text[start:end] == url for start, end, url, _ in found)
    assert list(scan_import_map('["\\u0')) == list(scan_import_map('{"integrity":{"/x.js":"sha384-AA=="}}')) == []


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("a&amp;b", "a&b"),
        ("&lt;&#60;&#x3c;&#X3C", "<<<<"),
        ("?a=1&copy=2", "?a=1&copy=2"),
        ("?a=1&copy;=2", "?a=1©=2"),
        ("&notit;", "&notit;"),
        ("&#0;&#xD800;&#x110000;&#128;", "\ufffd\ufffd\ufffd€"),
        ("&;&#;&#x;& &unknown;", "&;&#;&#x;& &unknown;"),
        ("&NotEqualTilde;", "≂̸"),
    ],
)
def test_character_references_in_attributes(raw: str, text: str) -> None:
    view = RawView(raw, 100, charset_reader(None))
    assert view.text == text
    assert view.raw(0) == 100
    assert view.raw(len(text)) == 100 + len(raw)


def test_positions_lead_back_to_the_raw_text() -> None:
    raw = "é&amp;€x".encode().decode("latin-1")
    view = RawView(raw, 0, charset_reader("utf-8"))
    assert view.text == "é&€x"
    assert [view.raw(index) for index in range(5)] == [0, 2, 7, 10, 11]


JAPANESE = "日本語のページです。文字化けしないこと。" * 8
RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю. " * 8
CHINESE = "中文网页应当正确显示，编码由检测器决定。" * 8


@pytest.mark.parametrize(
    ("data", "http", "name"),
    [
        (codecs.BOM_UTF8 + b"<meta charset=koi8-r>", "windows-1251", "utf-8"),
        (codecs.BOM_UTF16_LE + "é".encode("utf-16-le"), None, "utf-16-le"),
        (codecs.BOM_UTF16_BE + "é".encode("utf-16-be"), "utf-8", "utf-16-be"),
        (b"<meta charset=koi8-r>", "Windows-1251", "cp1251"),
        (b"<meta charset=koi8-r>", "nonsense", "koi8-r"),
        (b"<!-- <meta charset=no> --><META http-equiv=x content='text/html; CHARSET = Shift_JIS'>", None, "cp932"),
        (b"<meta charset=utf-16>", None, "utf-8"),
        (b'@charset "gb18030";', None, "gb18030"),
        (b'<?xml version="1.0" encoding="iso-8859-2"?>', None, "iso8859-2"),
        (b"<meta charset=euc-kr>", None, "cp949"),
        (b"<meta charset=big5>", None, "big5hkscs"),
        (b"<meta charset=gb2312>", None, "gbk"),
        (b"<p>latin1 label", "iso-8859-1", "cp1252"),
        ("<p>é".encode(), None, "utf-8"),
        ("<p>é".encode()[:-1], None, "utf-8"),
        ("<p>plain ascii text".encode("utf-16-le"), None, "utf-16-le"),
        (b"<p>plain", None, "utf-8"),
        (JAPANESE.encode("shift_jis"), None, "cp932"),
        (JAPANESE.encode("euc_jp"), None, "euc_jp"),
        (JAPANESE.encode("iso2022_jp"), None, "iso2022_jp"),
        (RUSSIAN.encode("windows-1251"), None, "cp1251"),
        (CHINESE.encode("gb18030"), None, "gb18030"),
        (b"", None, "utf-8"),
    ],
)
def test_the_encoding_is_decided_as_browsers_do(data: bytes, http: str | None, name: str) -> None:
    found = sniff_charset(data, http)
    assert found.name == name


def test_any_bytes_have_an_encoding_that_python_knows() -> None:
    random_ = random.Random(4)
    for _ in range(300):
        data = random_.randbytes(random_.randint(0, 200))
        codecs.lookup(sniff_charset(data, random_.choice([None, "x", "\0", "utf-8"])).name)
