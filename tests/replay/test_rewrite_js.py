"""Scripts: what is replaced, and that nothing else is."""

from __future__ import annotations

import random
import re

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
        ("window.location = 'x'", "__muniment.of(window).location = 'x'"),
        ("a.b[c(1)]().location += 1", "__muniment.of(a.b[c(1)]()).location += 1"),
        ("a?.location", "__muniment.of(a)?.location"),
        ("a?.b.location.c", "__muniment.of(a?.b)?.location.c"),
        ("return this.#a.location", "return __muniment.of(this.#a).location"),
        ("f(...a.location, (b || c).location)", "f(...__muniment.of(a).location, __muniment.of((b || c)).location)"),
        ("new A().location", "__muniment.of(new A()).location"),
        ("new a.location()", "new a.location()"),
        ("if (a) (b).location", "if (a) __muniment.of((b)).location"),
        ("a.location.b.location", "__muniment.of(__muniment.of(a).location.b).location"),
        ("window['location'].href", "__muniment.of(window)['location'].href"),
        ("window?.['location']", "__muniment.of(window)?.['location']"),
        ("\\u006cocation.href", f"{LOCATION}.href"),
        ("({location: l} = window)", "({location:__muniment.it,[__muniment.key]: l=__muniment.place(__muniment.it)} = window)"),
        ("({location} = a)", f"({{location:__muniment.it,[__muniment.key]:{ASSIGN}=__muniment.place(__muniment.it)}} = a)"),
        ("const {location: location} = a", "const {location:ID,[__muniment.key]: location=__muniment.place(ID)} = a"),
        ("const {location} = window", "const {location:ID,[__muniment.key]:location=__muniment.place(ID)} = window"),
        ("const {location: l} = window", "const {location:ID,[__muniment.key]: l=__muniment.place(ID)} = window"),
        ("const {location: {href} = {}} = a",
         "const {location:ID,[__muniment.key]: {href} =ID!==void 0?__muniment.place(ID): {}} = a"),
        ("let {a: {location: q}} = b", "let {a: {location:ID,[__muniment.key]: q=__muniment.place(ID)}} = b"),
        ("function g({location} = {}) {}", "function g({location:ID,[__muniment.key]:location=__muniment.place(ID)} = {}) {}"),
        ("({location}) => 1", "({location:ID,[__muniment.key]:location=__muniment.place(ID)}) => 1"),
        ("({location = 5}) => 1", "({location:ID,[__muniment.key]:location =ID!==void 0?__muniment.place(ID): 5}) => 1"),
        ("for (const {location} of l) {}", "for (const {location:ID,[__muniment.key]:location=__muniment.place(ID)} of l) {}"),
        ("[1, {a: {location: location} = 1}] = [[location] = b]",
         f"[1, {{a: {{location:__muniment.it,[__muniment.key]: {ASSIGN}=__muniment.place(__muniment.it)}} = 1}}]"
         " = [[location] = b]"),
        ("class A { static { location = 1 } 'b'(location) {} eval; c = eval }",
         f"class A {{ static {{ {ASSIGN} = 1 }} 'b'(location) {{}} eval; c = __muniment.eval(eval) }}"),
        ("#!/bin/it's\nlocation", f"#!/bin/it's\n{LOCATION}"),
        ("<!-- it's\na-->location\n /* x */ --> it's location\nlocation",
         f"<!-- it's\na-->{LOCATION}\n /* x */ --> it's location\n{LOCATION}"),
        ("`${a\n--> it's\n}` + location", f"`${{a\n--> it's\n}}` + {LOCATION}"),
        ("a / /[/]'/ / location", f"a / /[/]'/ / {LOCATION}"),
        ("class A { url = location.href }", f"class A {{ url = {LOCATION}.href }}"),
        ("f({location})", f"f({{location:{LOCATION}}})"),
        ("a ? location : b", f"a ? {LOCATION} : b"),
        ("case location: f()", f"case {LOCATION}: f()"),
        ("function f(location) { location = 3 }", f"function f(location) {{ {ASSIGN} = 3 }}"),
        ("`location ${location}`", f"`location ${{{LOCATION}}}`"),
        ("typeof location.href + typeof (location).a", f"typeof {LOCATION}.href + typeof ({LOCATION}).a"),
        ("if (top != self) top.location = self.location",
         "if (__muniment.top(top) != self) __muniment.of(__muniment.top(top)).location = __muniment.of(self).location"),
        ("var a = 1, location = window.location, b", "var a = 1, location = __muniment.of(window).location, b"),
        ("window.top === window.self", "__muniment.of(window).top === window.self"),
        ("var t = top; f(top, a)", "var t = __muniment.top(top); f(__muniment.top(top), a)"),
        ("w.postMessage(1, '*')", "__muniment.of(w).postMessage(1, '*')"),
        ("f(w.postMessage.bind(w))", "f(__muniment.of(w).postMessage.bind(w))"),
        ("eval(a + (b))", "eval(__muniment.script(a + (b)))"),
        ("(0, eval)(a)", "(0, __muniment.eval(eval))(a)"),
        ("window.eval(a)", "window.eval(__muniment.script(a))"),
        ("window[ 'eval' ].call( window, data )", "__muniment.eval(window[ 'eval' ]).call( window, data )"),
        ("e.eval.call(e, t)", "__muniment.eval(e.eval).call(e, t)"),
        ("globalThis.eval.apply(null, [a])", "__muniment.eval(globalThis.eval).apply(null, [a])"),
        ("var g = a.window.eval; g(b)", "var g = __muniment.eval(a.window.eval); g(b)"),
        ("parent?.eval.bind(a)", "__muniment.eval(parent?.eval)?.bind(a)"),
        ("(0, self.eval)(a)", "(0, __muniment.eval(self.eval))(a)"),
        ("window['eval'](a)", "window['eval'](__muniment.script(a))"),
        ("function f({e = window.eval}) {}", "function f({e = __muniment.eval(window.eval)}) {}"),
        ("import a from 'https://cdn.org/x.js'", "import a from '/c/20200101000000esm_/https://cdn.org/x.js'"),
        ('import "/x.js"', 'import "/c/20200101000000esm_/http://e.org/x.js"'),
        ("export * from '//cdn.org/x.js'", "export * from '/c/20200101000000esm_/http://cdn.org/x.js'"),
        ("import('/x.js')", "import('/c/20200101000000esm_/http://e.org/x.js')"),
        ("import './x.js'", "import '/c/20200101000000esm_/http://e.org/a/x.js'"),
        ("import('../x.js?y')", "import('/c/20200101000000esm_/http://e.org/x.js?y')"),
        ("import('/x.json', {with: {type: 'json'}})",
         "import('/c/20200101000000esm_/http://e.org/x.json', {with: {type: 'json'}})"),
        ("import(name, {with: {}})", 'import(__muniment.module(name,"http://e.org/a/b.js"), {with: {}})'),
        ("import.meta.url", "__muniment.meta(import.meta).url"),
        ("const {url} = import.meta", "const {url} = __muniment.meta(import.meta)"),
    ],
)  # fmt: skip
def test_names_that_lead_out_lead_to_the_runtime(source: str, expected: str) -> None:
    assert re.sub(r"__muniment_[0-9a-f]+_\d+", "ID", rewritten(source)) == expected


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
        "location: for (;;) { break location; continue location }",
        "class A { a = 1; location; static location = 2\n top; b() {} }",
        "import * as location from 'a'; export {location as b, c as location}",
        "super.location; w.postMessage = f",
        "var left = 1, top = 2; ({top} = r); r = [top => 1]; top++; top = 5; function f(a, top) {}",
        "[location] = x",
        "delete window.location",
        "$location.path(); locations; my.locationOf(a)",
        "rect.top = a.top + top; f({top, left}); const {top} = r",
        "import a from 'bare'; import('bare')",
        "Array.from('x'); redis.eval('s'); postMessage('x')",
        "use('strict')",
        "typeof location === 'undefined' || typeof(top) != 'object' || typeof top == a || typeof location ? 1 : 2",
        "window.eval = f; delete window.eval; [window.eval] = [f]; ({a: self.eval} = b); for (window.eval of l) {}",
        "a = redis.eval; a['eval'] = 1; 'unsafe-eval'",
    ],
)
def test_everything_else_stays_as_it_was(source: str) -> None:
    assert rewrite_script(CONTEXT, source, PassageKind.SCRIPT) is None


def test_relative_modules_lead_from_module_to_module_by_themselves() -> None:
    source = "import './x.js'; export * from '../y.js'; import('./z.js')"
    module = RewriteContext("/c/", "20200101000000", "http://e.org/m/a.js", "esm")
    assert rewrite_script(module, source, PassageKind.SCRIPT) is None
    worker = RewriteContext("/c/", "20200101000000", "http://e.org/m/a.js", "wkr")
    found = rewrite_script(worker, source, PassageKind.SCRIPT)
    at = "/c/20200101000000esm_/http://e.org"
    assert found == f"import '{at}/m/x.js'; export * from '{at}/y.js'; import('{at}/m/z.js')"


def test_directives_lines_and_unknown_bytes_stay() -> None:
    source = b"'use strict';\r\n// caf\xe9 \x93\n\nlocation.href"
    rewriter = ScriptRewriter(CONTEXT)
    assert rewriter.feed(source[:20]) == b""
    rewriter.feed(source[20:])
    assert rewriter.flush() == source.replace(b"location", LOCATION.encode())


def begun(modifier: str, source: bytes) -> bytes:
    rewriter = ScriptRewriter(RewriteContext("/c/", "20200101000000", "http://e.org/w.js", modifier))
    rewriter.feed(source)
    return rewriter.flush()


def test_workers_and_worklets_are_given_the_runtime_on_their_first_line() -> None:
    classic, worklet = begun("wkr", b"onmessage = f\n"), begun("wkl", b"import './a.js'; import '/b.js'\n")
    assert classic.startswith(b'importScripts("/-/runtime/worker.js?') and classic.endswith(b";onmessage = f\n")
    assert worklet.startswith(b'import __muniment from "/-/runtime/worklet.js";')
    assert worklet.endswith(b";import './a.js'; import '/c/20200101000000wkl_/http://e.org/b.js'\n")
    assert [classic.count(b"\n"), worklet.count(b"\n")] == [1, 1]


def test_a_worker_that_is_a_module_is_imported_when_its_runtime_is_there() -> None:
    out = begun("wkrm", b"onmessage = f\n")
    assert out.startswith(b'import {begun} from "/-/runtime/worker.js?') and b"&kind=module" in out
    assert b'await import("/c/20200101000000esm_/http://e.org/w.js")' in out


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("typeof __muniment; __muniment.of(1); '__muniment'", "typeof __muniment_; __muniment_.of(1); '__muniment'"),
        ("window.__muniment; a = {__muniment: 1, b: __muniment}", "window.__muniment; a = {__muniment: 1, b: __muniment_}"),
        ("var {__muniment, c} = {__muniment}", "var {__muniment:__muniment_, c} = {__muniment:__muniment_}"),
        ("__mun\\u0069ment", "__muniment_"),
        ("__muniment_ + __muniment_1_2", "__muniment__ + __muniment_1_2_"),
        ("a ? __muniment : {__muniment}", "a ? __muniment_ : {__muniment:__muniment_}"),
        ("() => { __muniment }", "() => { __muniment_ }"),
    ],
)
def test_variables_called_as_the_runtime_are_called_otherwise(source: str, expected: str) -> None:
    assert rewritten(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("var {location} = a", "var {location:location,[K]:location=P(location)} = a"),
        ("var {location: l = 1} = a", "var {location:l,[K]: l =l!==void 0?P(l): 1} = a"),
        ("var a, {location: {href: h}} = b", "var a, {location:h,[K]: {href: h}=P(h)} = b"),
        ("for (var {location: [l]} of b);", "for (var {location:l,[K]: [l]=P(l)} of b);"),
        ("var {location: {}} = a", "var {location: {}} = a"),
    ],
)
def test_var_gives_a_window_no_property_that_the_page_did_not_declare(source: str, expected: str) -> None:
    assert rewritten(source) == expected.replace("K", "__muniment.key").replace("P(", "__muniment.place(")


@pytest.mark.parametrize("start", ["'use strict';", "\ufeff// a\n/* b */ 'use asm'\n\"use strict\"\nf()", "'use strict'"])
def test_a_strict_worker_stays_strict(start: str) -> None:
    rewriter = ScriptRewriter(RewriteContext("/c/", "20200101000000", "http://e.org/w.js", "wkr"), "utf-8")
    rewriter.feed(start.encode())
    out = rewriter.flush()
    assert out.startswith(b'"use strict";importScripts(') and out.endswith(start.encode())
    assert out.count(b"\n") == start.count("\n")


@pytest.mark.parametrize("start", ["a; 'use strict'", "'use strict' + a", "// 'use strict'\na", "'use strict'\n.length"])
def test_no_other_worker_becomes_strict(start: str) -> None:
    rewriter = ScriptRewriter(RewriteContext("/c/", "20200101000000", "http://e.org/w.js", "wkr"))
    rewriter.feed(start.encode())
    assert rewriter.flush().startswith(b"importScripts(")


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


@pytest.mark.parametrize("text", ["", "/* é */", "/* язык */", '"\U0001f600";'])
def test_names_are_found_whatever_else_the_script_says(text: str) -> None:
    assert rewritten(f"{text}x = location") == f"{text}x = {LOCATION}"
    assert "__muniment" in rewritten(f"{text}toptop = 1; x = top.y")
    joined = f"{text}importop(evaltop, exporteval, locationlocation)"
    assert rewritten(joined) == joined


@pytest.mark.parametrize("text", ["", "/* язык */"])
def test_an_arrow_at_the_start_of_a_line_begins_a_comment(text: str) -> None:
    assert rewritten(f"{text}\n--> location\nb()") == f"{text}\n--> location\nb()"
    assert rewritten(f"{text}x\n--> location") == f"{text}x\n--> location"
    assert rewritten(f"{text}x --> location") == f"{text}x --> {LOCATION}"
