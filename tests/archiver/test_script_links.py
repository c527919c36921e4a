"""Addresses in scripts, and how few of their other strings are taken for some."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from archiver.extract.guess import Likeness, extension_of, likeness
from archiver.extract.scripts import script_links
from archiver.markup.slots import SlotKind

ROOT = Path(__file__).parent.parent.parent


def found(source: str, *, is_inline: bool = True) -> dict[str, bool]:
    """address → whether it is a guess."""
    return {link.reference: link.is_guess for link in script_links(source, is_inline=is_inline)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://o.example.org:8080/a?b=c#d", Likeness.ABSOLUTE),
        ("//cdn.site.net/lib.js", Likeness.ABSOLUTE),
        ("https://o.test/go?to=https://p.test/x", Likeness.ABSOLUTE),
        ("http://127.0.0.1:8000/a", Likeness.ABSOLUTE),
        ("https://bücher.test/straße", Likeness.ABSOLUTE),
        ("/img/photo.JPG", Likeness.FILE),
        ("../data/x.json?v=3", Likeness.FILE),
        ("img/photo.png", Likeness.NAME),
        ("contact.html", Likeness.NAME),
        ("/about/team", Likeness.ROUTE),
        ("/search?q=x", Likeness.ROUTE),
    ],
)
def test_what_looks_like_an_address(text: str, expected: Likeness) -> None:
    assert likeness(text) is expected


@pytest.mark.parametrize(
    "text",
    [
        "", "/", "//", "a", "and/or", "text/html", "application/vnd.x+json", "image/svg+xml;charset=utf-8", "1.2.3",
        "jquery.fn", "http://www.w3.org/2000/svg", "http://schema.org/Person", "https://json-schema.org/draft/x", "http://a",
        "https://", "http://{host}/x", "/users/:id/edit", "/users/{id}.json", "/a/*.html", "/^a.html$/", "%s/a.html",
        "/%d/x.html", "${a}/b.png", "core/dom/events", "MM/DD/YYYY", "w3.org", "node.js.", "a b.html", "\\.html", ".html",
        "@scope/name.js", "/a//b.html", "/usr/share/x.js", "lib/node_modules/x/index.js", "x" * 3000 + ".html", "foo.bar",
        "e.g.", "https://..", "http://exa mple.org/",
    ],
)  # fmt: skip
def test_what_does_not(text: str) -> None:
    assert likeness(text) is None


def test_extensions() -> None:
    names = ("a.b/c", "a.tar.gz?x=.html", "a.html#b.png", "a", ".htaccess", "/x.PNG")
    assert [extension_of(name) for name in names] == ["", "gz", "html", "", "htaccess", "png"]


def test_surer_addresses_are_no_guesses() -> None:
    source = r"""a = "https:\/\/o.test\/x"; b = '/img/a.png'; c = `/b.html`; d = "\u002Fe.html"; f = x ? "/g.html" : "/h.html";
        i = {url: "/j.json", "/no.html": 1}; k = ["l/m.png"]"""
    addresses = ["https://o.test/x", "/img/a.png", "/b.html", "/e.html", "/g.html", "/h.html", "/j.json", "l/m.png"]
    assert found(source) == dict.fromkeys(addresses, False)


def test_weaker_ones_are() -> None:
    source = "get('/api/list'); open('https://o.test/x?id=' + id); require_x('lib.js')"
    assert found(source) == {"/api/list": True, "https://o.test/x?id=": True, "lib.js": True}


def test_what_a_script_in_a_file_of_its_own_says_is_less_sure() -> None:
    source = "a = '/b.html'; c = './d.html'; e = 'f/g.png'; h = 'i.html'; j = 'https://o.test/k'"
    assert found(source, is_inline=False) == {"/b.html": False, "./d.html": True, "f/g.png": True, "https://o.test/k": False}


@pytest.mark.parametrize(
    "source",
    [
        "// '/no.html'\n/* \"/no.html\" */ x = /'\\/no.html'/",
        "a = base + '/no.html'; b = '/no/' + c; d = '/no.html'.concat(e); f = `${g}/no.html`; h = `/no/${i}.html`",
        "require('./no.js'); require.resolve('./no.js')",
        "__webpack_require__(\"./src/no.js\"); define(['no/a.js', './b.js'], f)",
        "({'./src/no.js': function () {}, \"/no.html\": 1}); if (a === '/no.html' || '/no.html' == b) c()",
        "x = '/no.html",
        "'" * 1001 + '"' * 1001,
        "`" * 1001 + "${" * 500,
    ],
)
def test_strings_that_are_no_addresses_by_what_stands_around_them(source: str) -> None:
    assert found(source) == {}


def test_markup_that_a_script_writes() -> None:
    source = """document.write('<img src="/a/pixel.gif"><a href=next.html>' + x + "<script src='/c.js'></scr" + "ipt>")"""
    assert found(source) == {"/a/pixel.gif": False, "next.html": False, "/c.js": False}


def test_modules_that_are_imported() -> None:
    source = "import a from './b.mjs'; export * from '/c.mjs'; import 'bare'; import('https://o.test/d.mjs')"
    links = list(script_links(source, is_inline=False))
    assert [(link.reference, link.place, link.is_guess) for link in links] == [
        ("./b.mjs", "script import", False), ("/c.mjs", "script import", False),
        ("https://o.test/d.mjs", "script import", False),
    ]  # fmt: skip


def bundles() -> list[Path]:
    """Scripts made for browsers that are on this machine: of the packages the tests need, of ours, of the system."""
    packages = Path(sysconfig.get_path("purelib"))
    roots = [
        packages / "playwright/driver/package/lib/vite",
        ROOT / "replay/runtime",
        ROOT / "replay/static",
        Path("/usr/share/javascript"),
    ]
    paths = [path for root in roots if root.is_dir() for path in sorted(root.rglob("*.js")) if path.stat().st_size > 10_000]
    return list({path.resolve(): None for path in paths})


def test_few_strings_of_real_bundles_are_taken_for_addresses() -> None:
    paths = bundles()
    assert len(paths) > 5, "no bundles to try: playwright, which the tests need, has some"
    size = guesses = 0
    for path in paths:
        source = path.read_text("utf-8", "replace")
        links = {link.reference for link in script_links(source, is_inline=False) if link.is_guess}
        size += len(source)
        guesses += len(links)
        assert len(links) <= 8 + len(source) // 100_000, f"{path}: {sorted(links)}"
        if path.name.startswith("jquery"):
            assert links == set()
    assert guesses / size < 1 / 50_000, f"{guesses} guesses in {len(paths)} scripts of {size:,} characters"


def test_the_menu_of_doxygen_is_followed() -> None:
    source = """/* licence */
var NAVTREE =
[
  [ "lib", "index.html", [
    [ "Modules", "modules.html", "modules" ],
    [ "Quoted \\"x\\"", null, "b_c" ],
    [ "Leaf", "leaf.html", null ]
  ] ]
];
var NAVTREEINDEX =
[
"a.html",
"b.html#x"
];
"""
    found = {(link.reference, link.kind) for link in script_links(source, is_inline=False)}
    names = ("modules.js", "b_c.js", "navtreeindex0.js", "navtreeindex1.js")
    assert {(name, SlotKind.SCRIPT) for name in names} <= found
    assert not [name for name, _ in found if name.startswith("navtreeindex2")]
    other = 'var x = [[ "a", "b.html", "c" ]'
    assert {link.reference for link in script_links(f"f(); {other}", is_inline=False)} & {"c.js"} == set()
    assert "c.js" in {link.reference for link in script_links(other, is_inline=False)}  # cut, and read all the same


def test_the_end_of_an_address_and_what_is_called_one_are_guesses() -> None:
    source = """n.html('<img src="'+relpath+'sync_on.png" title="'+M+'"/>'); ui({url: "lamp.json", name: "core.js"})"""
    found = {(link.reference, link.is_guess) for link in script_links(source, is_inline=False)}
    assert found == {("sync_on.png", True), ("lamp.json", True)}
