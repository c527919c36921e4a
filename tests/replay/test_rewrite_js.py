"""Scripts: what is replaced, and that nothing else is."""

from __future__ import annotations

import random

import pytest

from archiver.markup.slots import PassageKind
from replay.rewrite.context import RewriteContext
from replay.rewrite.js import ScriptRewriter, rewrite_script

CONTEXT = RewriteContext("/c/", "20200101000000", "http://e.org/a/b.js", "js")
LOCATION = "__muniment.location(location)"
ASSIGN = "__muniment.assign(location,(v)=>location=v).value"


def rewritten(source: str) -> str:
    result = rewrite_script(CONTEXT, source, PassageKind.SCRIPT)
    return source if result is None else result


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("location.href", f"{LOCATION}.href"),
        ("x = location", f"x = {LOCATION}"),
        ("location = 'x'", f"{ASSIGN} = 'x'"),
        ("location += '#x'", f"{ASSIGN} += '#x'"),
        ("window.location = 'x'", "window.__muniment_location = 'x'"),
        ("a?.location", "a?.__muniment_location"),
        ("window['location'].href", "window['__muniment_location'].href"),
        ("const {location} = window", "const {__muniment_location:location} = window"),
        ("const {location: l} = window", "const {__muniment_location: l} = window"),
        ("({location: l} = window)", "({__muniment_location: l} = window)"),
        ("let {a: {location: q}} = b", "let {a: {__muniment_location: q}} = b"),
        ("function g({location}) {}", "function g({__muniment_location:location}) {}"),
        ("({location}) => 1", "({__muniment_location:location}) => 1"),
        ("for (const {location} of l) {}", "for (const {__muniment_location:location} of l) {}"),
        ("f({location})", f"f({{location:{LOCATION}}})"),
        ("a ? location : b", f"a ? {LOCATION} : b"),
        ("case location: f()", f"case {LOCATION}: f()"),
        ("var a = 1, location = window.location, b", "var a = 1, location = window.__muniment_location, b"),
        ("function f(location) { location = 3 }", f"function f(location) {{ {ASSIGN} = 3 }}"),
        ("`location ${location}`", f"`location ${{{LOCATION}}}`"),
        ("typeof location", f"typeof {LOCATION}"),
        ("if (top != self) top.location = self.location",
         "if (__muniment.top(top) != self) __muniment.top(top).__muniment_location = self.__muniment_location"),
        ("window.top === window.self", "window.__muniment_top === window.self"),
        ("w.postMessage(1, '*')", "w.__muniment_from(__muniment).postMessage(1, '*')"),
        ("eval(a + (b))", "eval(__muniment.script(a + (b)))"),
        ("(0, eval)(a)", "(0, __muniment.eval(eval))(a)"),
        ("window.eval(a)", "window.eval(__muniment.script(a))"),
        ("import a from 'https://cdn.org/x.js'", "import a from '/c/20200101000000esm_/https://cdn.org/x.js'"),
        ('import "/x.js"', 'import "/c/20200101000000esm_/http://e.org/x.js"'),
        ("export * from '//cdn.org/x.js'", "export * from '/c/20200101000000esm_/http://cdn.org/x.js'"),
        ("import('/x.js')", "import('/c/20200101000000esm_/http://e.org/x.js')"),
        ("import './x.js'", "import '/c/20200101000000esm_/http://e.org/a/x.js'"),
        ("import('../x.js?y')", "import('/c/20200101000000esm_/http://e.org/x.js?y')"),
        ("import(name, {with: {}})", "import(__muniment.module(name), {with: {}})"),
        ("import.meta.url", "__muniment.original(import.meta.url)"),
    ],
)  # fmt: skip
def test_names_that_lead_out_lead_to_the_runtime(source: str, expected: str) -> None:
    assert rewritten(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "'location' + \"top.location\" + `location`",
        "// location\n/* eval(x) */ /location/.test(a)",
        "x = {location: 1}",
        "class A { location = 3; get location() { return 1 } #location = 2 }",
        "obj = {location() { return 1 }}",
        "var location, top, parent",
        "function location() {}",
        "import {location} from 'r'; export {location}",
        "location: for (;;) {}",
        "[location] = x",
        "delete window.location",
        "$location.path(); locations; my.locationOf(a)",
        "rect.top = a.top + top; f({top, left}); const {top} = r",
        "import a from 'bare'; import('bare')",
        "Array.from('x'); redis.eval('s'); postMessage('x')",
        "use('strict')",
    ],
)
def test_everything_else_stays_as_it_was(source: str) -> None:
    assert rewrite_script(CONTEXT, source, PassageKind.SCRIPT) is None


def test_relative_modules_lead_from_module_to_module_by_themselves() -> None:
    source = "import './x.js'; export * from '../y.js'; import('./z.js')"
    module = RewriteContext("/c/", "20200101000000", "http://e.org/m/a.js", "esm")
    assert rewrite_script(module, source, PassageKind.SCRIPT) is None
    worker = RewriteContext("/c/", "20200101000000", "http://e.org/m/a.js", "wkrm")
    found = rewrite_script(worker, source, PassageKind.SCRIPT)
    at = "/c/20200101000000esm_/http://e.org"
    assert found == f"import '{at}/m/x.js'; export * from '{at}/y.js'; import('{at}/m/z.js')"


def test_directives_lines_and_unknown_bytes_stay() -> None:
    source = b"'use strict';\r\n// caf\xe9 \x93\n\nlocation.href"
    rewriter = ScriptRewriter(CONTEXT)
    assert rewriter.feed(source[:20]) == b""
    rewriter.feed(source[20:])
    assert rewriter.flush() == source.replace(b"location", LOCATION.encode())


def test_a_worker_is_given_the_runtime_on_its_first_line() -> None:
    for modifier, start in (("wkr", b'importScripts("/-/runtime/worker.js?'), ("wkrm", b'import "/-/runtime/worker.js?')):
        rewriter = ScriptRewriter(RewriteContext("/c/", "20200101000000", "http://e.org/w.js", modifier))
        rewriter.feed(b"onmessage = f\n")
        out = rewriter.flush()
        assert out.startswith(start) and out.endswith(b";onmessage = f\n") and out.count(b"\n") == 1


def test_utf_16_scripts_survive() -> None:
    source = "location.href = 'é'"
    rewriter = ScriptRewriter(CONTEXT)
    rewriter.feed(source.encode("utf-16"))
    assert rewriter.flush().decode("utf-16") == source.replace("location", LOCATION)


def test_garbage_is_rewritten_without_a_crash() -> None:
    random_ = random.Random(3)
    words = ["location", "top", "eval", "import", "postMessage", "from", "window", ".", "(", ")", "{", "}", "[", "]", ",", ":"]
    words += [
        "=",
        "==",
        "=>",
        "'",
        '"',
        "`",
        "${",
        "/",
        "//",
        "/*",
        "*/",
        "\n",
        " ",
        "var ",
        "function ",
        "class ",
        "?",
        ";",
        "#",
        "a",
    ]
    for _ in range(3000):
        source = "".join(random_.choices(words, k=random_.randrange(30)))
        assert isinstance(rewritten(source), str)


@pytest.mark.parametrize(
    "bomb", ["{location," * 3000, "(location" * 3000, "[location:" * 3000, "location " * 30_000, "eval(" * 5000]
)
def test_hostile_scripts_end(bomb: str) -> None:
    assert rewritten(bomb)
