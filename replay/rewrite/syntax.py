"""What a name in a script is, by what stands around it: read or bound, a property or a key, and whose property it is.

No parser: each question looks at the brackets and words around one place, which is enough for the few names that matter and
costs nothing for scripts without them. Where only a parser could tell, the answer is the one that keeps a script as it was.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from archiver.markup.js import PieceKind, ScriptText

PART_OF_NAME = re.compile(r"[\w$\\]|[^\x00-\x7f]")
ASSIGNMENT = re.compile(r"(?:[-+*/%&|^]|<<|>>>?|\*\*|&&|\|\||\?\?)?=(?![=>])")
#: Words before a name that it is declared by, or that it is no expression after.
DECLARATIONS = frozenset({"var", "let", "const", "function", "class", "import", "as", "catch", "break", "continue"})
METHOD_WORDS = frozenset({"get", "set", "async", "static", "function"})
BINDING_WORDS = ("var", "let", "const")
_NAME_END = re.compile(r"(?:[\w$\\]|[^\x00-\x7f\s]|[\x85\xa0](?=[\w$\\.]))+\Z")
_STATEMENT_EDGE = re.compile(r"[()\[\]{};]|(?<![\w$.])(?:var|let|const|return|throw|case|else|do|in|of|typeof|new)(?![\w$])")
#: Words that a bracket after them belongs to no more than to any other operator.
_OPERATOR_WORDS = frozenset(
    {
        *("return", "typeof", "case", "in", "of", "delete", "void", "throw", "instanceof", "do", "else", "yield", "await"),
        *("extends", "default", "new"),
    }
)
_HEAD_WORDS = frozenset({"if", "while", "for", "with", "switch", "catch"})
_CLASS_HEAD = re.compile(r"(?<![\w$.])class(?![\w$])[^{};=]*\Z")
_DECLARATION = re.compile(r"\s*(var|let|const)(?![\w$])")
_LOOP_WORD = re.compile(r"(?:of|in)(?![\w$])")
_TARGET_END = re.compile(r"[,}\]=()\[{]")


class _Chain(NamedTuple):
    """An expression of names, calls and brackets that belong together.

    Attributes:
        start: where it begins.
        is_called: something in it is in parentheses.
        has_optional: it may end early at a "?." in it.
        made: where the `new` before it stands; -1 for none.
    """

    start: int
    is_called: bool
    has_optional: bool
    made: int


class Syntax:
    """Questions about places in a script.

    Args:
        text: the script.
    """

    def __init__(self, text: ScriptText) -> None:
        self.text = text
        self._asked = 0
        self._has_classes: bool | None = None
        self._chains: dict[int, _Chain | None] = {}

    # -- whose property ----------------------------------------------------------------------------------------------

    def owner(self, at: int) -> tuple[int, int, bool] | None:
        """The expression whose property is named at `at`, which is the place of a "." or a "[".

        Returns:
            Where it begins, one past its end, and whether it may end early at a "?." in it; None when that takes a parser,
            or when the property is what `new` makes an object of.
        """
        at = self._before_optional(at)
        chain = self._chain(at)
        if chain is None:
            return None
        start, is_called, has_optional, made = chain
        end = self.text.before(at) + 1
        if made < 0:
            return start, end, has_optional
        return (made, end, has_optional) if is_called else None

    def _chain(self, at: int) -> _Chain | None:
        """What a "." or a bracket at `at` belongs to; how far that was walked already is remembered, by where it ends."""
        text, code = self.text, self.text.code
        asked = text.before(at)
        is_called = has_optional = False
        while True:
            last = text.before(at)
            if last in self._chains:
                known = self._chains[last]
                chain = known and _Chain(known[0], known[1] or is_called, known[2] or has_optional, known[3])
                break
            link = self._link(last)
            if link is None:
                chain = None
                break
            start, joined = link
            is_called = is_called or code[start] == "("
            if joined < 0:  # nothing before belongs to it
                is_new = text.word_before(start) == "new" and not self._is_property(start)
                chain = _Chain(start, is_called, has_optional, self._word_start(start) if is_new else -1)
                break
            has_optional = has_optional or code[joined] == "?"
            at = joined
        self._chains[asked] = chain
        return chain

    def _link(self, last: int) -> tuple[int, int] | None:
        """Where the part of a chain begins that ends at `last`, and where the part before it ends, -1 for none.

        Returns:
            None when nobody can tell.
        """
        text, code = self.text, self.text.code
        if last < 0:
            return None
        if code[last] in ")]":
            start = text.opening(last)
            if start < 0 or code[start] == "{":
                return None
            joined = self._joined(start)
        elif code[last] == '"':  # of a regular expression, a string or a template
            piece = text.piece_at(last)
            if piece is None or piece.kind is PieceKind.TEMPLATE:
                return None
            start, joined = piece.start, -1
        else:
            found = _NAME_END.search(code, max(0, last - 200), last + 1)
            if found is None:
                return None
            start = found.start()
            joined = self._property(start, found.group())
        return None if joined is None else (start, joined)

    def _before_optional(self, at: int) -> int:
        """The place of the "?" of a "?." or "?.[" that ends at `at`."""
        code = self.text.code
        if code[at] != "." and code[at - 2 : at] == "?.":
            return at - 2
        return at - 1 if code[at] == "." and code[at - 1 : at] == "?" else at

    def _joined(self, bracket: int) -> int | None:
        """Where what a bracket calls or looks into ends; -1 when it is an expression of its own, None when nobody can tell."""
        text, code = self.text, self.text.code
        before = text.before(bracket)
        if before < 0:
            return -1
        mark = code[before]
        if PART_OF_NAME.match(mark):
            word = text.word_before(bracket)
            if word in _HEAD_WORDS:
                return None
            is_operator = word in _OPERATOR_WORDS and not self._is_property(before + 1 - len(word))
            return -1 if is_operator else before + 1
        if mark in ")]":
            return -1 if mark == ")" and self._is_head(before) else before + 1
        if code[before - 1 : before + 1] == "?.":
            return before - 1
        return None if mark in '}"' else -1

    def _property(self, start: int, word: str) -> int | None:
        """Where the owner of a property with that name ends; -1 when it is a variable, None when it is neither."""
        text, code = self.text, self.text.code
        before = text.before(start)
        if before >= 0 and code[before] == "#":
            before = text.before(before)
        if before >= 0 and code[before] == ".":
            if code[before - 2 : before + 1] == "...":
                return -1
            return before - 1 if code[before - 1 : before] == "?" else before
        if word[0].isdigit() or word in _OPERATOR_WORDS or word in ("super", "import"):
            return None
        return -1

    def _is_property(self, start: int) -> bool:
        before = self.text.before(start)
        return before >= 0 and self.text.code[before] in ".#" and self.text.code[before - 2 : before + 1] != "..."

    def _word_start(self, position: int) -> int:
        return self.text.before(position) + 1 - len(self.text.word_before(position))

    def _is_head(self, closing: int) -> bool:
        """The ")" ends `if (…)` and the like."""
        opening = self.text.opening(closing)
        return opening >= 0 and self.text.word_before(opening) in _HEAD_WORDS

    # -- what a name is ----------------------------------------------------------------------------------------------

    def enclosing(self, before: int, at: int, previous: str) -> int:
        """Index of the bracket around a name, where what stands before it lets that matter; else -1."""
        if previous in ("(", "[", "{"):
            return before
        return self.text.opening(at) if previous in (",", ".", ":") else -1

    def is_class_body(self, brace: int) -> bool:
        """The brace opens the body of a class."""
        code = self.text.code
        return code[brace] == "{" and bool(_CLASS_HEAD.search(code, max(0, brace - 300), brace))

    def is_field(self, at: int, before: int, previous: str) -> bool:
        """The name is that of a field of a class."""
        text, code = self.text, self.text.code
        if self._has_classes is None:
            self._has_classes = "class" in code
        if not self._has_classes:
            return False
        on_own_line = "\n" in code[before + 1 : at] and bool(PART_OF_NAME.match(previous) or previous in ")]\"'`")
        if previous not in ("{", ";", "}") and not on_own_line and text.word_before(at) not in ("static", "accessor"):
            return False
        brace = before if previous == "{" else text.opening(at)
        return brace >= 0 and self.is_class_body(brace)

    def is_label(self, colon: int) -> bool:
        """What stands before the ":" is the name of a loop."""
        return bool(re.compile(r"\s*(?:for|while|do|switch)(?![\w$])").match(self.text.code, colon + 1))

    def is_block(self, brace: int) -> bool:
        """The brace opens statements, not an object."""
        text, code = self.text, self.text.code
        before = text.before(brace)
        if before < 0 or code[before] in ";{})":
            return True
        if code[before] == ">" and code[before - 1 : before] == "=":
            return True
        return text.word_before(brace) in ("else", "do", "try", "finally", "static")

    def is_pattern(self, bracket: int, depth: int = 0) -> bool:
        """The bracket begins a binding or assignment pattern, or a list of parameters."""
        text, code = self.text, self.text.code
        closing = text.closing(bracket)
        if closing < 0 or depth > 20:
            return False
        after = text.after(closing + 1)
        if code[bracket] == "(":
            return self._takes_parameters(bracket, after)
        if text.word_before(bracket) in BINDING_WORDS:
            return True
        if code.startswith("=", after) and not code.startswith(("==", "=>"), after):
            return code[bracket] == "{" or code[text.before(bracket)] in "({[,;=:" or text.before(bracket) < 0
        if _LOOP_WORD.match(code, after) and text.word_before(bracket) != "":
            return False
        enclosing = text.opening(bracket)
        if enclosing < 0 or code[text.before(bracket)] not in "([,{:.":
            return False
        if code[enclosing] == "{" and self.is_block(enclosing):
            return False
        return self.is_pattern(enclosing, depth + 1)

    def _takes_parameters(self, bracket: int, after: int) -> bool:
        text, code = self.text, self.text.code
        if code.startswith("=>", after):
            return True
        if code[after : after + 1] != "{":
            return False
        word = text.word_before(bracket)
        start = text.before(bracket) + 1 - len(word)
        if code[start - 1 : start] == "*" and text.word_before(start - 1) == "function":  # a generator without a name
            return True
        if word in ("if", "while", "for", "switch", "with", "return"):
            return False
        if word == "catch" or word == "function" or text.word_before(start) in METHOD_WORDS:
            return True
        before = text.before(start)
        if code[text.before(bracket)] in ']"':  # a method whose name is computed, or quoted
            return True
        return bool(word) and before >= 0 and code[before] in "{,};*#"

    def binder(self, bracket: int) -> str | None:
        """The word by which a pattern declares variables, "" in a list of parameters; None when it assigns to what is there."""
        text, code = self.text, self.text.code
        for _ in range(20):
            if (word := text.word_before(bracket)) in BINDING_WORDS:
                return word
            enclosing = text.opening(bracket)
            if enclosing < 0:
                break
            if code[enclosing] == "(":
                if self.is_pattern(enclosing):
                    return ""
                break
            if code[text.before(bracket)] not in "{[,:." or not self.is_pattern(enclosing):
                break
            bracket = enclosing
        return self._declaring(bracket)

    def target_end(self, start: int) -> int:
        """Where a target in a pattern ends: at its default, or at what comes after it; -1 when nobody can tell."""
        text, code = self.text, self.text.code
        at = start
        while True:
            found = _TARGET_END.search(code, at)
            if found is None:
                return -1
            if found.group() not in "([{":
                return found.start()
            closing = text.closing(found.start())
            if closing < 0:
                return -1
            at = closing + 1

    def is_declared(self, at: int) -> bool:
        """What stands there is a further one of `var a = 1, location = …`."""
        return self._declaring(at) is not None

    def _declaring(self, at: int) -> str | None:
        """The word of the declaration that what stands there is a further part of."""
        code = self.text.code
        before = self.text.before(at)
        if before < 0 or code[before] != ",":
            return None
        for reach in (500, self._reach()):  # nearly always it stands near
            found = self._declares(at, max(0, at - reach))
            if found is not None:
                return found or None
        return None

    def _declares(self, at: int, start: int) -> str | None:
        """The word of the declaration around a place, "" for another statement; None when it does not begin after `start`."""
        depth = 0
        for found in reversed(list(_STATEMENT_EDGE.finditer(self.text.code, start, at))):
            mark = found.group()
            if mark in (")", "]", "}"):
                depth += 1
            elif mark in ("(", "[", "{"):
                if not depth:
                    is_loop = mark == "(" and self.text.word_before(found.start()) in ("for", "await")
                    return self._declaration_word(found.start()) if is_loop else ""
                depth -= 1
            elif depth:
                continue
            elif mark in BINDING_WORDS:
                return mark
            elif mark in (";", "return", "throw", "case"):
                return ""
        return None

    def _declaration_word(self, opening: int) -> str:
        found = _DECLARATION.match(self.text.code, opening + 1)
        return found.group(1) if found else ""

    def _reach(self) -> int:
        """How far back a declaration is looked for, in characters: less and less in scripts that ask too often."""
        self._asked += 1
        return max(1000, 20_000 // self._asked)

    def is_loop_target(self, enclosing: int, after: int, previous: str) -> bool:
        """`for (location of …)`."""
        if previous != "(" or enclosing < 0 or self.text.word_before(enclosing) not in ("for", "await"):
            return False
        return bool(_LOOP_WORD.match(self.text.code, after))

    def is_written(self, start: int, after: int) -> bool:
        """The property that begins at `start` is given a value; `after` is what comes after it."""
        text, code = self.text, self.text.code
        if ASSIGNMENT.match(code, after) or code.startswith(("++", "--", "=>"), after) or self._is_stepped(start):
            return True
        before = text.before(start)
        previous = code[before] if before >= 0 else ""
        if self.is_loop_target(before, after, previous):
            return True
        if previous not in ("[", "{", ",", ":", ".") or code[after : after + 1] not in (",", "]", "}"):
            return False
        enclosing = text.opening(start)
        return enclosing >= 0 and code[enclosing] in "[{" and self.is_pattern(enclosing)

    def _is_stepped(self, start: int) -> bool:
        before = self.text.before(start)
        return before > 0 and self.text.code[before - 1 : before + 1] in ("++", "--")

    def is_type_asked(self, at: int, after: int) -> bool:
        """`typeof location`, which scripts ask where there may be none; the answer is that for what would stand there."""
        text, code = self.text, self.text.code
        if code[after : after + 1] in (".", "[", "(") or code.startswith("?.", after):
            return False
        before = text.before(at)
        if before >= 0 and code[before] == "(" and code[after : after + 1] == ")":
            at, after = before, text.after(after + 1)
            if code[after : after + 1] in (".", "[", "(") or code.startswith("?.", after):
                return False
        return text.word_before(at) == "typeof"

    def is_deleted(self, dot: int) -> bool:
        """`delete window.location`."""
        return bool(re.search(r"(?<![\w$.])delete\s+[\w$.\s]+\Z", self.text.code[max(0, dot - 80) : dot]))
