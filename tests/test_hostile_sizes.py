"""Whatever sites, pages and readers send, work grows as it does, not as its square: measured on one size and eight of it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from archiver.markup.attributes import is_clearly_url
from archiver.markup.charset import sniff_charset
from archiver.markup.importmap import scan_import_map
from archiver.markup.linkheader import parse_link_header
from archiver.markup.manifest import scan_dash, scan_hls
from archiver.markup.slots import PassageKind
from archiver.markup.srcset import scan_list, scan_refresh, scan_srcset
from archiver.mediatype import parse_media_type
from archiver.message import parse_head
from archiver.requestkey import body_query
from archiver.urls import printable, spelling, urlkey
from replay.address import kept_escapes, parse_address, raw_path
from replay.fuzzy import likeness, wanted
from replay.jsonp import renamed_callback
from replay.ranges import held_extent, single_range
from replay.rewrite.context import RewriteContext
from replay.rewrite.css import CssRewriter
from replay.rewrite.headers import rewrite_headers
from replay.rewrite.html import HtmlRewriter
from replay.rewrite.js import rewrite_script
from replay.rewrite.urls import absolute
from replay.strays import meant

CONTEXT = RewriteContext("/c/", "20160810204623", "http://e.org/a/b?c")
SIZE = 5000
TIMES = 8
#: Work that grows as the square takes 64 times as long for eight times as much.
ALLOWED = 40
#: Below this many seconds a measurement says nothing.
FLOOR = 0.002
TRIES = 6


def page(text: str, *, before: str = "<body>", mime: str = "text/html", charset: str = "utf-8") -> None:
    rewriter = HtmlRewriter(CONTEXT, media_type=mime, http_charset=charset)
    data = (before + text).encode("utf-8", "surrogatepass")
    for at in range(0, len(data), 4096):
        rewriter.feed(data[at : at + 4096])
    rewriter.flush()


def attribute(name: str, tag: str = "p") -> Callable[[str], object]:
    return lambda text: page(text.replace('"', "&quot;") + '">', before=f'<body><{tag} {name}="')


def style(text: str) -> None:
    rewriter = CssRewriter(CONTEXT, "utf-8")
    data = text.encode()
    for at in range(0, len(data), 4096):
        rewriter.feed(data[at : at + 4096])
    rewriter.flush()


def script(text: str) -> None:
    rewrite_script(CONTEXT, text, PassageKind.SCRIPT)


def closed_script(text: str) -> None:
    closing = "".join({"(": ")", "[": "]", "{": "}"}.get(letter, "") for letter in reversed(text))
    script(f"{text}location{closing}")


def headers(text: str) -> None:
    value = text.replace("\n", "\n ").encode()
    names = (b"Location", b"Link", b"Refresh", b"Content-Type", b"Content-Location", b"Connection", b"X")
    rewrite_headers(
        CONTEXT, parse_head(b"HTTP/1.1 200 OK\r\n" + b"".join(b"%b: 0;url=%b\r\n" % (name, value) for name in names))
    )


def alike(text: str) -> None:
    key, held = f"org,e)/{text}?a=b&{text}", f"org,e)/{text}?c=d&{text}"
    for item in wanted(key):
        for is_part in (False, True):
            likeness(item, held, is_part=is_part)


def keys(text: str) -> None:
    for url in (f"http://e.org/{text}", f"http://e.org/?{text}", f"http://{text}", text):
        urlkey(url)
        spelling(url)
        printable(url)
        absolute("http://e.org/x", url)


def addresses(text: str) -> None:
    parse_address(text, "c")
    raw_path(text, text)
    kept_escapes(text)
    meant(f"/{text}", f"http://h/c/2016/http://e.org/{text}", "h", "")


def jsonp(text: str) -> None:
    for body in (text, f"/**/{text}", f"typeof {text}", f"typeof f=={text}", f"f{text}"):
        renamed_callback(body.encode(), f"http://e.org/?callback=f&{text}", f"http://e.org/?callback=g&{text}")


def ranges(text: str) -> None:
    single_range(f"bytes={text}")
    held_extent(f"bytes {text}")


DO: dict[str, Callable[[str], object]] = {
    "page": page,
    "xml": lambda text: page(text, before="<html>", mime="application/xhtml+xml"),
    "page in Shift_JIS": lambda text: page(text, charset="shift_jis"),
    "page in ISO-2022-JP": lambda text: page(text, charset="iso-2022-jp"),
    "SVG": lambda text: page(text, before="<body><svg><style>"),
    "noscript": lambda text: page(text, before="<body><noscript>"),
    "import map": lambda text: page(text, before="<script type=importmap>"),
    "srcdoc": attribute("srcdoc", "iframe"),
    "style attribute": attribute("style"),
    "srcset": attribute("srcset", "img"),
    "data-srcset": attribute("data-srcset"),
    "data-src": attribute("data-src"),
    "href": attribute("href", "a"),
    "refresh": attribute("http-equiv=refresh content", "meta"),
    "style sheet": style,
    "script": script,
    "script with its brackets closed": closed_script,
    "HLS": lambda text: list(scan_hls(f"#EXTM3U\n#EXT-X-KEY:{text}\n{text}", url="http://e.org/")),
    "DASH": lambda text: list(scan_dash(f"<MPD>{text}")),
    "header fields": headers,
    "small grammars": lambda text: (
        parse_link_header(text), scan_refresh(text), scan_srcset(text), list(scan_list(text)), is_clearly_url(text),
        parse_media_type([text, f"a/b;{text}"]), list(scan_import_map(text)), sniff_charset(text.encode()),
    ),
    "JSON body": lambda text: body_query("application/json", text.encode()),
    "multipart body": lambda text: body_query("multipart/form-data; boundary=a", text.encode()),
    "type of a multipart body": lambda text: body_query(f"multipart/{text}", b"x"),
    "likeness": alike,
    "keys": keys,
    "addresses": addresses,
    "ranges": ranges,
    "JSONP": jsonp,
}  # fmt: skip
BOMBS = [
    "<", "a", ">", " ", "\n", "=", '"', "'", "\\", "/", "*", "(", "{", ";", ",", "-", "?", "&", "#", "1", "%2F", ".", "<a ",
    "url(", "<!--", "<!-- -", '"\\', "a=", "a,", "</a>", "<svg>", "<math><mi>", "<template>", "<div>", "<a href=x>",
    "<a href='x", "<![CDATA[", "<style>", "&amp;", "&#1", "cfid=a", "cfid=", "(aaaaaaaaaaaaaaaaaaaaaaaa)/", "a&", "?a&", "\n\n",
    "\n b", "@import ", "image-set(", "\\a", "[1,", '{"a":', "\r\n--a\r\n", 'A="', "<BaseURL>", "{$a}", "charset=", "<a>;",
    "é=", "\x1b$B", "\0", ";a=", "  =", "/(a(aaaaaaaaaaaaaaaaaaaaaaaa))/x",
]  # fmt: skip
#: What scripts are made of.
SCRIPT_BOMBS = [
    ".location", ".top", "?.location", ".postMessage", "['location']", " ['location']", "(location)", "\\u006cocation.",
    "\\u0061", "import(", "import(a,", "eval(", "location ", "location,", "location )", "{location,", "(location", "[location:",
    "class a{location", "`${location", "return top;", ".top.eval,", "window.eval,", "typeof top,", "=/[", "a/**//", "\n-->",
    "async location(",
]  # fmt: skip


def spent(work: Callable[[str], object], text: str) -> float:
    start = time.process_time()
    work(text)
    return time.process_time() - start


@pytest.mark.parametrize("name", DO)
def test_work_grows_as_what_is_sent(name: str) -> None:
    work = DO[name]
    for bomb in BOMBS + SCRIPT_BOMBS if name.startswith("script") else BOMBS:
        once, often = ((bomb * size)[:size] for size in (SIZE, SIZE * TIMES))
        # A busy machine makes one measurement long, not all of them; the square of the size does.
        assert any(spent(work, often) < ALLOWED * max(spent(work, once), FLOOR) for _ in range(TRIES)), bomb


def test_a_script_that_only_begins_like_a_call_costs_no_more_than_it_is_long() -> None:
    then, now = ("&".join(f"callback={name}{number}" for number in range(300)) for name in ("f", "g"))

    def work(body: str) -> object:
        return renamed_callback(body.encode(), f"http://e.org/?{then}", f"http://e.org/?{now}")

    for bomb in (" ", "typeof f0 ", "\n;"):
        once, often = spent(work, bomb * 200), spent(work, (bomb * 2000)[:2048])
        assert often < ALLOWED * max(once, FLOOR), bomb


def test_what_a_script_begins_with_is_not_looked_through_for_each_of_its_names() -> None:
    for text in (
        "new" + " " * SIZE * 4 + "a" + ".location" * SIZE,
        "[" + " " * SIZE * 4 + "[" + "location," * SIZE + "]]",
        '"\\a' + "location " * SIZE * 3 + '"',
    ):
        assert spent(script, text) < 5


def test_a_folded_value_costs_as_much_as_it_is_long() -> None:
    def work(text: str) -> object:
        return parse_head(b"HTTP/1.1 200 OK\r\nX: a" + text.encode())

    once, often = ("\r\n b" * size for size in (10_000, 320_000))
    assert spent(work, often) < 8 * 32 * min(spent(work, once), spent(work, once))
