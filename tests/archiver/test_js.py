"""What is code in JavaScript and what is not."""

from __future__ import annotations

import random

import pytest

from archiver.markup.js import PieceKind, ScriptText, import_specifiers, plain_string, quoted


def pieces(source: str) -> list[str]:
    return [source[piece.start : piece.end] for piece in ScriptText(source).pieces]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a = 'b' + \"c\"", ["'b'", '"c"']),
        (r"'it\'s' + 1", [r"'it\'s'"]),
        ("'open\nb = 'c'", ["'open", "'c'"]),
        ("'two\\\nlines'", ["'two\\\nlines'"]),
        ("a // b 'c'\nd /* e \"f */ g", ["// b 'c'", '/* e "f */']),
        ("<!-- old\na = 1 //-->", ["<!-- old", "//-->"]),
        ("a / b / c", []),
        ("a = /b'/.test(c)", ["/b'/"]),
        ("a = /[/']/g", ["/[/']/g"]),
        ("return /'/", ["/'/"]),
        ("x.return / 2 / '3'", ["'3'"]),
        ("(a + b) / 2 / '3'", ["'3'"]),
        ("if (a) /'/.test(b)", ["/'/"]),
        ("while ((a) && b) /'/.exec(c)", ["/'/"]),
        ("a[0] / 2 / '3'", ["'3'"]),
        ("i++ / 2 / '3'", ["'3'"]),
        ("a = b // c\n/ d / '3'", ["// c", "'3'"]),
        ("[ // c\n/'/ ]", ["// c", "/'/"]),
        ("`a ${b} c`", ["`a ${", "} c`"]),
        ("`a ${ {b: `${'}'}`} } c`", ["`a ${", "`${", "'}'", "}`", "} c`"]),
        ("`\\`${1}`", ["`\\`${", "}`"]),
        ("`never ends ${'a'", ["`never ends ${", "'a'"]),
        ("/* never ends", ["/* never ends"]),
        ("'never ends", ["'never ends"]),
        ("", []),
    ],
)
def test_strings_templates_comments_and_regular_expressions_are_told_apart(source: str, expected: list[str]) -> None:
    assert pieces(source) == expected


def test_the_code_keeps_every_position_and_line() -> None:
    source = "a = '(' /* (\n */ + `)${b}(` // ]\n;/[)]/.test(c)"
    code = ScriptText(source).code
    assert len(code) == len(source)
    assert code.count("\n") == source.count("\n")
    assert "(" in code and "]" not in code


def test_brackets_are_matched_over_what_is_no_code() -> None:
    source = "f(a, ')', /[)]/, `)${g(1)})`, {b: [c]}) + 1"
    text = ScriptText(source)
    assert text.closing(1) == source.rindex(")")
    assert text.opening(source.index("[c]")) == source.index("{b")
    assert text.closing(source.index("[c]")) == source.index("]}")
    assert ScriptText("f(a").closing(1) == -1
    assert ScriptText("a)").opening(1) == -1


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a from './a.js'", ["./a.js"]),
        ('import "b"; import {c as d} from "/c.js"', ["b", "/c.js"]),
        ("export * from './d.js'; export {e} from 'e'", ["./d.js", "e"]),
        ("import('./f.js').then(g)", ["./f.js"]),
        ("import * as a from 'a'; import b, {c} from\n'b'", ["a", "b"]),
        ("x = {import: 'no'}; y.import('no'); Array.from('no'); z = 'from' + 'no'", []),
        ("// import 'no'\nlog('import \"no\"')", []),
        ("import data from './d.json' with {type: 'json'}", ["./d.json"]),
    ],
)
def test_modules_that_a_module_names(source: str, expected: list[str]) -> None:
    assert [specifier for _, specifier in import_specifiers(source)] == expected


@pytest.mark.parametrize(
    ("literal", "value"),
    [(r"'a\nb'", "a\nb"), (r'"\u0041\x42\u{43}"', "ABC"), (r"'\u{110000}'", "\ufffd"), ("'open", "open"), ("'a\\\nb'", "ab")],
)
def test_values_of_strings(literal: str, value: str) -> None:
    assert plain_string(literal) == value


def test_a_quoted_value_reads_back_and_cannot_end_a_script_element() -> None:
    for value in ("plain", 'it\'s "so"', "</script>", "é\u2028😀", "\\", "\x00\n"):
        for quote in "\"'":
            literal = quoted(value, quote)
            assert "<" not in literal and literal.isascii()
            assert plain_string(literal).encode("utf-16", "surrogatepass") == value.encode("utf-16", "surrogatepass")


def test_garbage_ends_and_loses_nothing() -> None:
    random_ = random.Random(7)
    for _ in range(2000):
        source = "".join(random_.choices("ab \n'\"`/*\\${}()[]<!-=>;,.", k=random_.randrange(120)))
        text = ScriptText(source)
        assert len(text.code) == len(source)
        at = 0
        for piece in text.pieces:
            assert at <= piece.start < piece.end <= len(source)
            at = piece.end


@pytest.mark.parametrize("bomb", ["(" * 200_000, "`${" * 50_000, "/" * 200_000, "'" * 200_000, "a)/" * 50_000, "/*" * 100_000])
def test_hostile_scripts_take_linear_time(bomb: str) -> None:
    assert len(ScriptText(bomb).code) == len(bomb)
    assert all(piece.kind in PieceKind for piece in ScriptText(bomb).pieces)
