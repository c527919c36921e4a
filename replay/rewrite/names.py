"""The names in a script that lead out of its page, and what stands in their place in the archive.

What a name becomes is an expression that yields the archived view when it holds the browser's own object, and the very same
value when it does not: other objects, proxies and objects without a prototype among them, are asked for nothing but what the
script asks them for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from zlib import crc32

from archiver.markup.js import PieceKind, ScriptText, names_a_module, plain_string, quoted
from archiver.urls import resolve
from replay.rewrite.context import RewriteContext
from replay.rewrite.occurrences import (
    COMPARED,
    LONGEST,
    RUNTIME,
    RUNTIME_NAME,
    TAKEN_BEFORE,
    TAKEN_WORDS,
    WINDOWS,
    Edit,
    occurrences,
)
from replay.rewrite.syntax import ASSIGNMENT, DECLARATIONS, METHOD_WORDS, Syntax
from replay.rewrite.urls import archive_address

#: Past the last name that matters, code is still needed to find closing brackets.
_LOOK_AHEAD = 8192
#: Scripts in files are at home at their own URL, all others at that of their document.
_FILES = frozenset({"js", "esm", "wkr", "wkl"})
#: Modules whose relative addresses lead to the next one by themselves.
_MODULES = frozenset({"esm", "wkl"})
_URL_START = re.compile(r"(?:[a-z][a-z0-9+.\-]*:|/)", re.IGNORECASE)
_LENT = re.compile(r"\.\s*(?:call|apply|bind)\s*\(")
_ARGUMENT_EDGE = re.compile(r"[(\[{,]")
_META = re.compile(r"\.\s*meta(?![\w$])")
_ASSIGNED = f"{RUNTIME}.assign(location,(v)=>location=v).value"
_FIRST_BOUND = re.compile(r"(?<![\w$\\.])[A-Za-z_$][\w$]*(?=\s*[,}\]=])")
_NOT_TAKEN = DECLARATIONS | {"typeof"}


def _bound_first(target: str) -> str | None:
    """The first name that a target of a pattern binds; None when that takes a parser, or when it binds none."""
    if "[" in target.strip()[1:]:
        return None
    found = _FIRST_BOUND.search(f"{target.strip()},")
    return found.group() if found else None


class Names:
    """Decides of each name in a script what stands in its place.

    Args:
        context: where the script is replayed.
        source: the script, its names spelled without escapes.
    """

    def __init__(self, context: RewriteContext, source: str) -> None:
        self._context = context
        self._source = source
        self._found, has_arrows = occurrences(source)
        until = self._found[-1][0] + _LOOK_AHEAD if self._found else 0
        self._text = ScriptText(source, until, has_arrows=has_arrows)
        self._syntax = Syntax(self._text)

    def edits(self) -> Iterator[Edit]:
        """The replacements."""
        for at, name in self._found:
            piece = self._text.piece_at(at)
            if piece is not None:
                if name in ("location", "eval") and piece.kind is PieceKind.STRING:
                    yield from self._computed(piece.start, piece.end, name)
                continue
            if name == "location":
                yield from self._location(at)
            elif name == "top":
                yield from self._top(at)
            elif name == "postMessage":
                yield from self._post_message(at)
            elif name == "eval":
                yield from self._eval(at)
            elif name == RUNTIME:
                yield from self._runtime_name(at)
            else:
                yield from self._module(at, name)

    @cached_property
    def _sum(self) -> int:
        """Names made for one script are those of no other on its page."""
        return crc32(self._source.encode("utf-8", "surrogatepass"))

    # -- properties --------------------------------------------------------------------------------------------------

    def _asked_of(self, at: int) -> list[Edit]:
        """Has the runtime say whom a property is asked of; `at` is the place of its "." or "[". Empty when nobody can tell."""
        owner = self._syntax.owner(at)
        if owner is None:
            return []
        start, end, may_end_early = owner
        is_optional = self._text.code[self._text.before(at) + 1 : at].endswith("?") or self._text.code[at - 1 : at] in (
            "?",
            ".",
        )
        mark = "?" if may_end_early and not is_optional and self._text.code[at] == "." else ""
        return [(start, start, f"{RUNTIME}.of("), (end, end, f"){mark}")]

    def _computed(self, start: int, end: int, name: str) -> Iterator[Edit]:
        """`window["location"]`."""
        text, code = self._text, self._text.code
        if end - start > LONGEST or plain_string(self._source[start:end]) != name:
            return
        before, after = text.before(start), text.after(end)
        if before >= 1 and code[before] == "[" and code[after : after + 1] == "]":
            yield from self._asked_of(before) if name == "location" else self._eval_of(before, after + 1)

    # -- location ----------------------------------------------------------------------------------------------------

    def _location(self, at: int) -> Iterator[Edit]:
        text, code, syntax = self._text, self._text.code, self._syntax
        end = at + len("location")
        before, after = text.before(at), text.after(end)
        previous = code[before] if before >= 0 else ""
        following = code[after : after + 1]
        if previous == "." and code[before - 2 : before + 1] != "...":
            if not syntax.is_deleted(before) and text.word_before(before) != "super":
                yield from self._asked_of(before)
            return
        word = text.word_before(at)
        if previous == "#" or word in DECLARATIONS:
            return
        if following == "(":
            return  # a function of that name, or its declaration: the browser's own cannot be called
        if code.startswith(("=>", "++", "--"), after) or syntax.is_type_asked(at, after):
            return
        enclosing = syntax.enclosing(before, at, previous)
        bracket = code[enclosing] if enclosing >= 0 else ""
        if following == ":" and previous in ("{", ",") and bracket == "{":
            if syntax.is_pattern(enclosing):
                yield from self._key(at, end, enclosing, after)
            return
        if following == ":" and word != "case" and (previous not in ("?", ":", "(", "&", "|") or syntax.is_label(after)):
            return  # a label, or a key
        if syntax.is_declared(at) or syntax.is_field(at, before, previous):
            return
        if bracket == "{" and ((previous in ("{", ",") and following in (",", "}", "=")) or code.startswith("as", after)):
            yield from self._shorthand(at, end, enclosing, after)
        elif bracket in ("(", "[") and previous in ("(", "[", ",", ".") and syntax.is_pattern(enclosing):
            yield from ()
        elif bracket == "{" and previous in (":", ".") and not syntax.is_block(enclosing) and syntax.is_pattern(enclosing):
            if syntax.binder(enclosing) is None:
                yield at, end, _ASSIGNED
        elif ASSIGNMENT.match(code, after):
            yield at, end, _ASSIGNED
        elif not syntax.is_loop_target(enclosing, after, previous):
            yield at, end, f"{RUNTIME}.location(location)"

    def _shorthand(self, at: int, end: int, enclosing: int, after: int) -> Iterator[Edit]:
        """`{location}`: of an object, a pattern, a block, a class or an import list."""
        text, code, syntax = self._text, self._text.code, self._syntax
        is_assigned = code[after : after + 1] == "="
        if text.word_before(enclosing) in ("import", "export") or syntax.is_class_body(enclosing):
            return
        if syntax.is_pattern(enclosing):
            yield from self._taken_apart(at, end, enclosing, after, after, ":location")
        elif syntax.is_block(enclosing):
            yield at, end, _ASSIGNED if is_assigned else f"{RUNTIME}.location(location)"
        elif not is_assigned and code[text.before(at)] in "{,":
            yield at, end, f"location:{RUNTIME}.location(location)"

    def _key(self, at: int, end: int, enclosing: int, colon: int) -> Iterator[Edit]:
        """`{location: target}` in a pattern."""
        yield from self._taken_apart(at, end, enclosing, self._syntax.target_end(colon + 1), colon, "")

    def _taken_apart(self, at: int, end: int, enclosing: int, target_end: int, after: int, target: str) -> Iterator[Edit]:
        """Takes the property, and then what it is in the archive: as the default of a second property that nothing has."""
        code = self._text.code
        if target_end < 0:
            return
        word = self._syntax.binder(enclosing)
        if word is None:
            it, other = f"{RUNTIME}.it", f":{_ASSIGNED}" if target else ""
        elif word == "var":  # which a page may find again as a property of its window; it may bind a name twice
            bound = _bound_first(target[1:] or code[after + 1 : target_end])
            if bound is None:
                return
            it, other = bound, target
        else:
            it, other = f"{RUNTIME}_{self._sum:x}_{at}", target
        yield at, end, f"location:{it},[{RUNTIME}.key]{other}"
        if code[target_end] == "=" and not code.startswith(("==", "=>"), target_end):
            yield target_end, target_end + 1, f"={it}!==void 0?{RUNTIME}.place({it}):"
        else:
            yield target_end, target_end, f"={RUNTIME}.place({it})"

    # -- the other names ---------------------------------------------------------------------------------------------

    def _top(self, at: int) -> Iterator[Edit]:
        text, code = self._text, self._text.code
        end = at + 3
        before, after = text.before(at), text.after(end)
        previous = code[before] if before >= 0 else ""
        if previous == "." and code[before - 2 : before + 1] != "...":
            if text.word_before(before - (code[before - 1 : before] == "?")) in WINDOWS:
                yield from self._asked_of(before)
            return
        word = text.word_before(at)
        if word in DECLARATIONS or previous == "#" or self._syntax.is_type_asked(at, after):
            return
        compared = COMPARED.match(code, after) or (before > 0 and code[before - 1 : before + 1] in ("==", "!="))
        if (
            compared
            or (code[after : after + 1] == "." and code[after + 1 : after + 2] != ".")
            or self._is_taken(at, before, after)
        ):
            yield at, end, f"{RUNTIME}.top(top)"

    def _is_taken(self, at: int, before: int, after: int) -> bool:
        """The value of `top` goes somewhere: into a variable, an argument, a condition."""
        text, code, syntax = self._text, self._text.code, self._syntax
        previous, following = code[before] if before >= 0 else ";", code[after : after + 1]
        if following not in ("", *TAKEN_BEFORE) or ASSIGNMENT.match(code, after):
            return False
        if text.word_before(at) in TAKEN_WORDS:
            return following != ":"
        if previous == "=":
            return code[before - 1 : before + 1] != "=>" and following != ":"
        if previous in "!" or code[before - 1 : before + 1] in ("&&", "||", "??"):
            return True
        if previous == "?":
            return code[before - 1] != "?" and following == ":"
        enclosing = syntax.enclosing(before, at, previous)
        if (
            previous not in ("(", ",", "[")
            or enclosing < 0
            or code[enclosing] == "{"
            or following not in (",", ")", "]", "&", "|")
        ):
            return False
        return code[enclosing] == "(" and not syntax.is_pattern(enclosing) and not syntax.is_declared(at)

    def _post_message(self, at: int) -> Iterator[Edit]:
        text, code = self._text, self._text.code
        before = text.before(at)
        if before <= 0 or code[before] != "." or code[before - 2 : before + 1] == "..." or text.word_before(before) == "super":
            return
        after = text.after(at + len("postMessage"))
        if not ASSIGNMENT.match(code, after):
            yield from self._asked_of(before)

    def _eval(self, at: int) -> Iterator[Edit]:
        text, code, syntax = self._text, self._text.code, self._syntax
        end = at + 4
        before, after = text.before(at), text.after(end)
        previous = code[before] if before >= 0 else ""
        if previous == "." and code[before - 2 : before + 1] != "...":
            yield from self._eval_of(before, end)
        elif code[after : after + 1] == "(":
            if text.word_before(at) not in METHOD_WORDS and previous != "#":
                yield from self._evaluated(after)
        elif previous not in (".", "#", "{", ",") or (previous == "," and code[after : after + 1] == ")"):
            if code[after : after + 1] == ":" or ASSIGNMENT.match(code, after) or text.word_before(at) in _NOT_TAKEN:
                return
            if syntax.is_field(at, before, previous):
                return
            yield at, end, f"{RUNTIME}.eval(eval)"

    def _evaluated(self, opening: int) -> Iterator[Edit]:
        """The code in `eval(code)`."""
        closing = self._text.closing(opening)
        if closing < 0 or self._text.after(opening + 1) == closing or self._syntax.is_pattern(opening):
            return
        yield opening + 1, opening + 1, f"{RUNTIME}.script("
        yield closing, closing, ")"

    def _eval_of(self, mark: int, end: int) -> Iterator[Edit]:
        """`window.eval` and `window["eval"]`, called or handed on; `mark` is the place of the "." or "[".

        What short names hold is not known: theirs are asked only where they are lent, as in `e.eval.call(e, code)`.
        """
        text, code, syntax = self._text, self._text.code, self._syntax
        after = text.after(end)
        is_optional = "?" in code[max(0, mark - 2) : mark]
        of_window = text.word_before(code.rindex("?", 0, mark) if is_optional else mark) in WINDOWS
        if code[after : after + 1] == "(":
            if of_window:
                yield from self._evaluated(after)
            return
        owner = syntax.owner(mark) if of_window or _LENT.match(code, after) else None
        if owner is None or syntax.is_deleted(mark) or syntax.is_written(owner[0], after):
            return
        ends_early = (is_optional or owner[2]) and code[after : after + 1] == "."
        yield owner[0], owner[0], f"{RUNTIME}.eval("
        yield end, end, ")?" if ends_early else ")"

    def _runtime_name(self, at: int) -> Iterator[Edit]:
        """A variable of the page's that is called as the runtime is, which is then called otherwise."""
        text, code, syntax = self._text, self._text.code, self._syntax
        found = RUNTIME_NAME.match(self._source, at)
        if found is None:
            return
        end, name = found.end(), found.group()
        before, after = text.before(at), text.after(end)
        previous, following = code[before] if before >= 0 else "", code[after : after + 1]
        if (previous == "." and code[before - 2 : before + 1] != "...") or previous == "#":
            return
        enclosing = syntax.enclosing(before, at, previous)
        in_braces = previous in ("{", ",") and enclosing >= 0 and code[enclosing] == "{"
        if following == ":" and in_braces:
            return
        is_shorthand = in_braces and following in (",", "}", "=") and not (previous == "{" and syntax.is_block(enclosing))
        yield at, end, f"{name}:{name}_" if is_shorthand else f"{name}_"

    # -- modules -----------------------------------------------------------------------------------------------------

    def _module(self, at: int, name: str) -> Iterator[Edit]:
        text, code = self._text, self._text.code
        end = at + len(name)
        before, after = text.before(at), text.after(end)
        if before >= 0 and code[before] in ".#":
            return
        following = code[after : after + 1]
        if following == '"':
            piece = text.piece_at(after)
            if piece is not None and names_a_module(text, piece):
                yield from self._specifier(piece.start, piece.end)
        elif name == "import" and following == "(" and text.word_before(at) not in METHOD_WORDS:
            yield from self._dynamic_import(after)
        elif name == "import" and following == ".":
            meta = _META.match(code, after)
            if meta is not None:
                yield at, at, f"{RUNTIME}.meta("
                yield meta.end(), meta.end(), ")"

    def _dynamic_import(self, opening: int) -> Iterator[Edit]:
        text, code = self._text, self._text.code
        closing = text.closing(opening)
        if closing < 0 or text.after(opening + 1) == closing or code[text.after(closing + 1) :][:1] == "{":
            return
        piece = text.piece_at(text.after(opening + 1))
        end = self._first_argument(opening, closing)
        if piece is not None and piece.kind is PieceKind.STRING and text.after(piece.end) == end:
            yield from self._specifier(piece.start, piece.end)
            return
        own = f",{quoted(self._context.url)}" if self._context.modifier in _FILES else ""
        yield opening + 1, opening + 1, f"{RUNTIME}.module("
        yield end, end, f"{own})"

    def _first_argument(self, opening: int, closing: int) -> int:
        """Where the first argument ends."""
        code, at = self._text.code, opening + 1
        while found := _ARGUMENT_EDGE.search(code, at, closing):
            if found.group() == ",":
                return found.start()
            inner = self._text.closing(found.start())
            if inner < 0:
                break
            at = inner + 1
        return closing

    def _specifier(self, start: int, end: int) -> Iterator[Edit]:
        """Bare specifiers lead into the archive through the import map, relative ones from module to module by themselves.

        From a page, a classic script or a worker they would lead to what is asked for as one of those, and not rewritten.
        """
        literal = self._source[start:end]
        value = plain_string(literal)
        is_relative = value.startswith(("./", "../"))
        if not _URL_START.match(value) and not (is_relative and self._context.modifier not in _MODULES):
            return
        url = resolve(self._context.url, value)
        if url is not None and url.startswith(("http://", "https://")):
            modifier = "wkl" if self._context.modifier == "wkl" else "esm"
            yield start, end, quoted(archive_address(self._context, url, modifier), literal[0])
