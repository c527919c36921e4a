"""Selectors that ask how an address is written."""

from __future__ import annotations

import pytest

from archiver.markup.css import scan_css
from archiver.markup.slots import SlotKind
from replay.rewrite.context import RewriteContext
from replay.rewrite.css import CssRewriter
from replay.rewrite.selectors import archived_selector

CONTEXT = RewriteContext("/c/", "20160810204623", "http://site.example/s.css", "cs")


def rewritten(style: str) -> str:
    rewriter = CssRewriter(CONTEXT, "utf-8")
    return (rewriter.feed(style.encode()) + rewriter.flush()).decode()


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ('[href^="http"]', ':is([href^="http"],[href*="/http"])'),
        ("[href^=https]", ':is([href^=https],[href*="/https"])'),
        ('[src="http://e.org/x" i]', ':is([src="http://e.org/x" i],[src$="/http://e.org/x" i])'),
    ],
)
def test_whole_addresses_are_those_that_the_page_wrote_whole(selector: str, found: str) -> None:
    attribute = selector[1:4].replace("hre", "href")
    assert archived_selector(selector) == f'{found}:where(:not([{attribute}*="/%2e/" i]))'


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("[href='x.html']", '[href$="/%2e/x.html"]'),
        ('[action^="../"]', '[action*="/%2e/../"]'),
        ('[href="./x"]', '[href$="/%2e/./x"]'),
    ],
)
def test_what_is_asked_of_addresses_is_asked_of_those_of_the_archive(selector: str, found: str) -> None:
    assert archived_selector(selector) == f":is({selector},{found})"
    assert rewritten(f"a{selector}>b{{c:d}}") == f"a:is({selector},{found})>b{{c:d}}"


def test_all_addresses_that_the_server_writes_begin_with_a_slash() -> None:
    apart = ':where(:not([href*="/http:"],[href*="/https:"]))'
    assert archived_selector('[href^="/x"]') == f':is([href^="/x"]{apart},[href*="/%2E/x"])'


@pytest.mark.parametrize(
    "style",
    [
        'a[href="#top"]{b:c}',
        'a[href^="mailto:"]{b:c}',
        'a[href^="//cdn"]{b:c}',
        'a[href$=".pdf"]{b:c}',
        "a[href*=x]{b:c}",
        "a[href]{b:c}",
        'a[title^="http"]{b:c}',
        'a[href^=""]{b:c}',
        'a[href^="/\\41"]{b:c}',
        'a[href^="/ä"]{b:c}',
        'a[href^="/x',
        'a[href^="/x"',
        "a::before{content:\"[href^='http']\"}",
        "/* [href^=http] */",
        "a{grid-template-columns:[href] 1fr [data] 2fr}",
        'a[href^="</style>"]{b:c}',
    ],
)
def test_everything_else_stays_as_it_is(style: str) -> None:
    assert rewritten(style) == style


def test_a_selector_is_nothing_that_a_page_needs() -> None:
    (slot,) = scan_css('a[href^="http://e.org/"]{}')
    assert slot.kind is SlotKind.SELECTOR


def test_selectors_cut_in_pieces() -> None:
    style = "/* begins */" * 200 + 'a[href^="http"]{b:c}' * 30
    whole = rewritten(style)
    assert whole.count(":is(") == 30
    for step in range(1, 30):
        rewriter = CssRewriter(CONTEXT, "utf-8")
        out = b"".join(rewriter.feed(style[at : at + step].encode()) for at in range(0, len(style), step))
        assert (out + rewriter.flush()).decode() == whole
