"""Finds what is code in JavaScript: strings, templates, comments and regular expressions told apart from the rest.

One regular expression finds the next place where something other than code may begin, so that the time taken depends on
the number of strings, not on the number of characters. Whether a slash divides or begins a regular expression is decided
by what stands before it (ECMAScript, section 12: the goal symbols); the one case that needs a parser, a slash after ")",
is decided by what stands before the matching "(".
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import cached_property
from sys import maxsize
from typing import NamedTuple


class PieceKind(StrEnum):
    """What a piece of a script is, when it is not code."""

    STRING = "string"
    TEMPLATE = "template"  # the literal parts of a template; what stands in ${…} is code
    COMMENT = "comment"
    REGEX = "regex"


_STRING = r"""\"[^"\\\r\n]*+(?:\\(?:\r\n|[\s\S])[^"\\\r\n]*+)*+"?|'[^'\\\r\n]*+(?:\\(?:\r\n|[\s\S])[^'\\\r\n]*+)*+'?"""
_COMMENT = r"""//{rest}{more}|/\*[^*]*+(?:\*(?!/)[^*]*+)*+(?:\*/)?|<!--{rest}"""
#: What ends a comment of one line, in full, and where only line feeds end lines: a set is slower than one character.
_REST_OF_LINE = (r"[^\r\n\u2028\u2029]*+", r".*+")
#: Lines of comments one after the other are one piece, where that is simple: often they are most of the pieces.
_MORE_LINES = ("", r"(?:\n[ \t]*+//.*+)*+")
#: Plain code and what comes after it: the run in front is three times as fast as searching.
_NEXT, _NEXT_PLAIN = (
    re.compile(rf"""(?:[^"'`/<]++|<(?!!--))*+({_STRING}|{_COMMENT.format(rest=rest, more=more)}|[`/])""")
    for rest, more in zip(_REST_OF_LINE, _MORE_LINES, strict=True)
)
#: The same, inside a template, and in scripts with an HTML comment that ends at the start of a line.
_ANY_COMMENT = _COMMENT.format(rest=_REST_OF_LINE[0], more="")
_NEXT_IN_TEMPLATE, _NEXT_ARROW, _NEXT_ARROW_IN_TEMPLATE = (
    re.compile(rf"""(?:[^"'`/<{less}]++|<(?!!--){arrow})*+({_STRING}|{_ANY_COMMENT}|[`/{braces}]{arrows})""")
    for less, arrow, braces, arrows in (
        ("{}", "", "{}", ""),
        ("-", "|-(?!->)", "", "|-->"),
        ("{}-", "|-(?!->)", "{}", "|-->"),
    )
)
_LINE_END = re.compile(r"[\r\n\u2028\u2029]|\Z")
_LINE_START = re.compile(r"(?:\A|[\r\n\u2028\u2029])\s*(?:/\*(?:[^*]|\*(?!/))*+\*/\s*)*\Z")
#: How far back the start of a line is looked for, in characters.
_LINE_REACH = 200
_TEMPLATE_PART = re.compile(r"(?:[^`\\$]++|\\[\s\S]|\$(?!\{))*+(`|\$\{|\Z|\\\Z)")
_REGEX = re.compile(r"/(?![*/])(?:[^/\\\[\r\n]++|\\[^\r\n]|\[(?:[^\]\\\r\n]++|\\[^\r\n])*+\])++/[A-Za-z]*+")
_WORD_BEFORE = re.compile(r"[\w$]+\Z")
_WORD = re.compile(r"[\w$]")
#: Words after which an expression begins.
_OPERATOR_WORDS = frozenset(
    {
        *("return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "instanceof"),
        *("do", "else", "yield", "await", "extends", "default"),
    }
)
#: Words whose parentheses are followed by a statement.
_HEAD_WORDS = frozenset({"if", "while", "for", "with"})
_BRACKETS = re.compile(r"[()\[\]{}]")
#: The same, or a pair with none inside; or what is left after the last one.
_PAIRS = re.compile(r"[^()\[\]{}]*+(\([^()\[\]{}]*+\)|\{[^()\[\]{}]*+\}|\[[^()\[\]{}]*+\]|[()\[\]{}])|[^()\[\]{}]++")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
#: How far brackets are looked for at first, in characters.
_NEAR = 1000
#: White space longer than this, in characters, is not looked through twice.
_GAP = 32
#: How far the "(" of a ")" is looked for, in characters.
_HEAD_REACH = 400


class Piece(NamedTuple):
    """A stretch of a script that is not code.

    Attributes:
        start: first character, quote included.
        end: one past the last.
        kind: what it is.
    """

    start: int
    end: int
    kind: PieceKind


class ScriptText:
    """A script with its strings, templates, comments and regular expressions told apart.

    Args:
        source: the script.
        until: nothing beyond this position is looked at; None for the whole script.
        has_arrows: False when it is known that "-->" stands nowhere.
    """

    def __init__(self, source: str, until: int | None = None, *, has_arrows: bool = True) -> None:
        self.source = source
        self._pieces = _pieces(source, len(source) if until is None else until, has_arrows=has_arrows)
        self._looked = 0
        self._gaps: dict[int, int] = {}  # ends of long runs of white space, by where they were met; ~ for forward

    def piece_at(self, position: int) -> Piece | None:
        """The piece that covers a position; None where there is code."""
        at = bisect_right(self._pieces, (position, maxsize)) - 1
        if at < 0:
            return None
        piece = Piece(*self._pieces[at])
        return piece if position < piece.end else None

    @property
    def pieces(self) -> list[Piece]:
        """All pieces, in order."""
        return [Piece(*piece) for piece in self._pieces]

    @property
    def spans(self) -> Sequence[tuple[int, int, PieceKind]]:
        """The same, as start, end and kind: where most are not looked at, this takes a quarter of the time."""
        return self._pieces

    @cached_property
    def code(self) -> str:
        """The source, character for character, with comments as spaces and other pieces as quotes (line ends kept)."""
        out: list[str] = []
        add = out.append
        at = 0
        source, comment = self.source, PieceKind.COMMENT
        for start, end, kind in self._pieces:
            add(source[at:start])
            if kind is not comment:
                add('"' * (end - start))
            elif source.find("\n", start, end) >= 0:
                add("\n" + " " * (end - start - 1))
            else:
                add(" " * (end - start))
            at = end
        add(source[at:])
        return "".join(out)

    def before(self, position: int) -> int:
        """Index of the last character of code before `position` that is no white space; -1 when there is none."""
        code = self.code
        position -= 1
        near = position - _GAP
        while position >= 0 and code[position].isspace():
            position -= 1
            if position == near:
                return self._far_before(position)
        return position

    def _far_before(self, position: int) -> int:
        """The same up to `position`, found once: brackets after long gaps are asked about again and again."""
        found = self._gaps.get(position)
        if found is None:
            found = self._gaps[position] = _last_of(self.code, position)
        return found

    def after(self, position: int) -> int:
        """Index of the first character of code from `position` on that is no white space; the length when there is none."""
        code = self.code
        far = position + _GAP
        while position < len(code) and code[position].isspace():
            position += 1
            if position == far:
                return self._far_after(position)
        return position

    def _far_after(self, position: int) -> int:
        found = self._gaps.get(~position)
        if found is None:
            found = position
            while found < len(self.code) and self.code[found].isspace():
                found += 1
            self._gaps[~position] = found
        return found

    def word_before(self, position: int) -> str:
        """The word that ends right before `position`, white space passed over; "" when there is none."""
        end = self.before(position) + 1
        found = _WORD_BEFORE.search(self.code, max(0, end - 64), end)
        return found.group() if found else ""

    def closing(self, position: int) -> int:
        """Index of the bracket that closes the one at `position`; -1 when there is none, or one of another kind."""
        if self._may_look():
            code, depth = self.code, 1
            for found in _PAIRS.finditer(code, position + 1):
                mark = found.group(1)
                if mark is None:
                    break
                if mark in "([{":
                    depth += 1
                elif len(mark) == 1:
                    depth -= 1
                    if not depth:
                        self._looked += found.end() - position
                        return found.end() - 1 if _CLOSING[code[position]] == mark else -1
            self._looked += len(code) - position
            return -1
        return self._table[2].get(position, -1)

    def opening(self, position: int) -> int:
        """Index of the bracket that encloses `position`; -1 when there is none."""
        if self._may_look():
            code, depth, end = self.code, 0, position
            while end > 0:
                start = max(0, end - max(_NEAR, position - end))
                self._looked += end - start
                marks = [found.span(1) for found in _PAIRS.finditer(code, start, end) if found.group(1)]
                for at, after in reversed(marks):
                    if after - at > 1:
                        continue
                    if code[at] in ")]}":
                        depth += 1
                    elif depth:
                        depth -= 1
                    else:
                        return at
                end = start
            return -1
        places, enclosing, _ = self._table
        return enclosing[bisect_right(places, position) - 1]

    def _may_look(self) -> bool:
        """Looking around a place is quicker than the table, as long as it is not done too often."""
        return self._looked < len(self.source)

    @cached_property
    def _table(self) -> tuple[list[int], list[int], dict[int, int]]:
        """Places where the enclosing bracket changes, what it is from there on (-1: none), and opening → closing."""
        places, enclosing, closing = [0], [-1], {}
        open_: list[int] = []
        code = self.code
        for found in _BRACKETS.finditer(code):
            at = found.start()
            mark = code[at]
            if mark in "([{":
                open_.append(at)
            elif open_:
                start = open_.pop()
                if _CLOSING[code[start]] == mark:
                    closing[start] = at
            places.append(at + 1)
            enclosing.append(open_[-1] if open_ else -1)
        return places, enclosing, closing


def _pieces(source: str, until: int, *, has_arrows: bool) -> list[tuple[int, int, PieceKind]]:
    """What makes a `Piece` each: most are never looked at, and tuples are made in a quarter of the time."""
    pieces: list[tuple[int, int, PieceKind]] = []
    add = pieces.append
    depths: list[int] = []  # open braces in each ${…} that we are in
    tries = 1000 + 4 * len(source)  # characters that are looked through for regular expressions in vain
    string, comment = PieceKind.STRING, PieceKind.COMMENT
    outside, inside = _finders(source, has_arrows=has_arrows)
    at = _line_end(source, 0) if source.startswith("#!") else 0
    if at:
        add((0, at, comment))
    while at < until:
        # Match after match, each where the one before ended: cheaper than asking for each from a place of its own.
        for found in iter((inside if depths else outside).scanner(source, at).match, None):  # type: ignore[attr-defined]
            start, at = found.span(1)
            first = source[start]
            if first in "\"'":
                add((start, at, string))
            elif at - start == 1 or first == "-":
                break
            else:
                add((start, at, comment))
            if at >= until:
                return pieces
        else:
            return pieces
        if start >= until:
            return pieces
        if first == "-":
            if _starts_line(source, start):
                at = _line_end(source, at)
                add((start, at, comment))
        elif first == "/":
            if tries > 0 and _begins_regex(source, start, pieces):
                regex = _REGEX.match(source, start)
                if regex is None:
                    tries -= _line_end(source, start) - start
                else:
                    at = regex.end()
                    add((start, at, PieceKind.REGEX))
        elif first == "{":
            depths[-1] += 1
        elif first == "}" and depths[-1]:
            depths[-1] -= 1
        else:  # a template begins, or goes on after ${…}
            if first == "}":
                depths.pop()
            part = _TEMPLATE_PART.match(source, at)
            at = part.end() if part is not None else len(source)
            add((start, at, PieceKind.TEMPLATE))
            if part is not None and part.group(1) == "${":
                depths.append(0)
    return pieces


def _finders(source: str, *, has_arrows: bool) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What finds the next piece of a script, outside templates and inside; the quickest that sees all of it."""
    if has_arrows and "-->" in source and _has_arrow_comments(source):
        return _NEXT_ARROW, _NEXT_ARROW_IN_TEMPLATE
    return _NEXT_PLAIN if _ends_lines_plainly(source) else _NEXT, _NEXT_IN_TEMPLATE


def _line_end(source: str, at: int) -> int:
    found = _LINE_END.search(source, at)
    return found.start() if found else len(source)


def _has_arrow_comments(source: str) -> bool:
    return any(_starts_line(source, found.start()) for found in re.finditer("-->", source))


def _starts_line(source: str, at: int) -> bool:
    """Nothing but white space and comments stands on the line before a place: "-->" begins a comment there."""
    return _LINE_START.search(source, max(0, at - _LINE_REACH), at) is not None


def _ends_lines_plainly(source: str) -> bool:
    """Every line of the script ends in a line feed."""
    has_others = not source.isascii() and ("\u2028" in source or "\u2029" in source)
    return not has_others and ("\r" not in source or source.count("\r") == source.count("\r\n"))


def _begins_regex(source: str, slash: int, pieces: list[tuple[int, int, PieceKind]]) -> bool:
    """A slash begins a regular expression, and divides nothing; `pieces` are those before it."""
    at = _last_of(source, slash - 1)
    for start, end, kind in reversed(pieces):
        if at != end - 1:
            break
        if kind is not PieceKind.COMMENT:
            if kind is PieceKind.REGEX:
                return False
            break
        at = _last_of(source, start - 1)
    if at < 0:
        return True
    before = source[at]
    if _WORD.match(before):
        found = _WORD_BEFORE.search(source, max(0, at - 32), at + 1)
        word = found.group() if found else ""
        start = at + 1 - len(word)
        return word in _OPERATOR_WORDS and (start == 0 or source[start - 1] != ".")
    if before == ")":
        return _closes_a_head(source, at)
    if before == "}":
        return "\n" in source[at:slash]
    if before in "+-":
        return source[at - 1 : at] != before  # i++ / 2
    return before not in "]\"'`"


def _last_of(source: str, position: int) -> int:
    """Index of the last character up to `position` that is no white space; -1 when there is none."""
    while position >= 0 and source[position].isspace():
        position -= 1
    return position


def _closes_a_head(source: str, closing: int) -> bool:
    """The ")" ends `if (…)`, `while (…)`, `for (…)` or `with (…)`, so that a statement follows."""
    depth = 0
    start = max(0, closing - _HEAD_REACH)
    for found in reversed(list(_BRACKETS.finditer(source, start, closing + 1))):
        if found.group() == ")":
            depth += 1
        elif found.group() == "(":
            depth -= 1
            if not depth:
                word = _WORD_BEFORE.search(source[max(0, found.start() - 16) : found.start()].rstrip())
                return word is not None and word.group() in _HEAD_WORDS
    return False


def import_specifiers(source: str) -> Iterator[tuple[Piece, str]]:
    """The strings of a module that name other modules: static imports, re-exports, and `import("…")` of a plain string.

    Yields:
        The piece (quotes included) and the specifier as written.
    """
    if "import" not in source and "from" not in source:
        return
    text = ScriptText(source)
    for piece in text.pieces:
        if piece.kind is PieceKind.STRING and names_a_module(text, piece):
            yield piece, plain_string(source[piece.start : piece.end])


def names_a_module(text: ScriptText, piece: Piece) -> bool:
    """A string follows `import`, `from` or `import(`, as a module specifier does."""
    at = text.before(piece.start)
    if at < 0:
        return False
    dynamic = text.code[at] == "("
    if dynamic:
        at = text.before(at)
    word = _WORD_BEFORE.search(text.code, max(0, at - 16), at + 1)
    if word is None or (word.start() and text.code[word.start() - 1] in ".#"):
        return False
    if word.group() == "import":
        return True
    if dynamic or word.group() != "from":
        return False
    return text.code[text.before(word.start())] in "}*" or text.word_before(word.start()) not in ("", "=", "return")


_ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(\r\n|[\s\S]))")
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": "", "\r\n": "", "\r": ""}


def plain_string(literal: str) -> str:
    """The value of a string literal, quotes included; lone surrogates stay."""

    def value(found: re.Match[str]) -> str:
        code = found.group(1) or found.group(2) or found.group(3)
        if code:
            number = int(code, 16)
            return chr(number) if number <= 0x10FFFF else "\ufffd"
        return _SIMPLE.get(found.group(4), found.group(4))

    body = literal[1:-1] if len(literal) > 1 and literal[-1] == literal[0] else literal[1:]
    return _ESCAPE.sub(value, body) if "\\" in body else body


def quoted(value: str, quote: str = '"') -> str:
    """A string literal with that value, ASCII only and safe inside a script element."""
    out = []
    for letter in value:
        if letter in ("\\", quote):
            out.append(f"\\{letter}")
        elif " " <= letter <= "~" and letter != "<":
            out.append(letter)
        else:
            number = ord(letter)
            units = [number] if number <= 0xFFFF else [0xD7C0 + (number >> 10), 0xDC00 + (number & 0x3FF)]
            out += [f"\\u{unit:04x}" for unit in units]
    return f"{quote}{''.join(out)}{quote}"
