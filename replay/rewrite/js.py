"""Scripts as they run in the archive: a handful of names lead to the runtime, everything else stays as it was.

Browsers let a page replace nearly everything that tells it where it is, and the runtime (`replay/runtime/`) does so. What
they do not let anybody replace is found here, by its name in the code: `location`, wherever it is read, written or taken
apart; `top`; the direct `eval`, whose meaning depends on its name; `import`, which is syntax; and `postMessage`, which
must know who calls it. Each becomes an expression that yields the archived view when it holds the browser's own object
and the very same value when it does not, so local variables of these names go on working, scripts keep their scope, their
lines and their directives, and most scripts are not touched at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import urlencode

from archiver.markup.charset import DETECT_BYTES, sniff_charset
from archiver.markup.js import PieceKind, ScriptText, names_a_module, plain_string, quoted
from archiver.markup.slots import PassageKind
from archiver.urls import resolve
from replay.rewrite.byteview import view_of
from replay.rewrite.context import RewriteContext
from replay.rewrite.urls import archive_address

#: The runtime's one global, and the names under which every object answers for what it is in the archive.
RUNTIME = "__muniment"
LOCATION = "__muniment_location"
TOP = "__muniment_top"
FROM = "__muniment_from"

#: Past the last name that matters, code is still needed to find closing brackets.
_LOOK_AHEAD = 8192

#: The keys of speculation rules (Speculation Rules, section 2.1), and of each of their rules.
_SPECULATIONS = ("prefetch", "prerender")
_RULE = frozenset({"source", "urls", "where"})

_NAMES = ("location", "postMessage", "eval", "import", "top", "from")
#: Names that mean something only beside an import or an export.
_OF_MODULES = frozenset({"import", "from"})
_PART_OF_NAME = re.compile(r"[\w$\\]|[^\x00-\x7f]")
_BYTE_ORDER_MARKS = ("\ufeff", "\xef\xbb\xbf")
_ASSIGNMENT = re.compile(r"(?:[-+*/%&|^]|<<|>>>?|\*\*|&&|\|\||\?\?)?=(?![=>])")
_DECLARATIONS = frozenset({"var", "let", "const", "function", "class", "import", "as", "catch"})
_METHOD_WORDS = frozenset({"get", "set", "async", "static", "function"})
_STATEMENT_EDGE = re.compile(r"[()\[\]{};]|(?<![\w$.])(?:var|let|const|return|throw|case|else|do|in|of|typeof|new)(?![\w$])")
_WINDOWS = frozenset({"window", "self", "parent", "globalThis", "frames", "opener", "top"})
_COMPARED = re.compile(r"[!=]==?")
_URL_START = re.compile(r"(?:[a-z][a-z0-9+.\-]*:|/)", re.IGNORECASE)


def rewrite_script(context: RewriteContext, source: str, kind: PassageKind) -> str | None:
    """What replaces a script in a page, a handler or a `javascript:` URL; None when it stays as it is.

    Args:
        context: where the page is replayed.
        source: the script.
        kind: what it is: a classic script, a module, JSON, an event handler, a URL.
    """
    if kind is PassageKind.JSON:
        return "{}" if is_speculation(source) else None  # nothing is fetched ahead, least of all from the live web
    edits = list(_Names(context, source).edits())
    if not edits:
        return None
    edits.sort(key=lambda edit: edit[:2])
    out: list[str] = []
    at = 0
    for start, end, text in edits:
        out += (source[at:start], text)
        at = end
    out.append(source[at:])
    return "".join(out)


class ScriptRewriter:
    """Bytes of a script in, bytes of the script as it runs in the archive out; the whole script is held.

    Args:
        context: where it is replayed. Workers are given the runtime first.
        http_charset: charset parameter of its Content-Type.
    """

    def __init__(self, context: RewriteContext, http_charset: str | None = None) -> None:
        self._context = context
        self._http_charset = http_charset
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> bytes:
        """Nothing yet."""
        self._pieces.append(data)
        return b""

    def flush(self) -> bytes:
        """The script."""
        body = b"".join(self._pieces)
        self._pieces.clear()
        view = view_of(sniff_charset(body[:DETECT_BYTES], self._http_charset))
        source = view.decode(body) + view.finish()
        script = rewrite_script(self._context, source, PassageKind.SCRIPT)
        out = body if script is None else view.encode(script) + view.tail()
        return _worker_start(self._context) + out


def _worker_start(context: RewriteContext) -> bytes:
    """What stands before the first line of a worker's script, on the same line."""
    if context.modifier not in ("wkr", "wkrm"):
        return b""
    query = urlencode({"prefix": context.prefix, "timestamp": context.timestamp, "url": context.url})
    address = quoted(f"/-/runtime/worker.js?{query}")
    return f"{'import ' + address if context.modifier == 'wkrm' else f'importScripts({address})'};".encode()


def is_speculation(source: str) -> bool:
    """True for rules that tell the browser what to fetch before anybody asks for it."""
    if not any(f'"{key}"' in source for key in _SPECULATIONS):
        return False
    try:
        rules = json.loads(source)
    except (ValueError, RecursionError):
        return False
    if not isinstance(rules, dict):
        return False
    found = [rule for key in _SPECULATIONS if isinstance(rules.get(key), list) for rule in rules[key]]
    return any(isinstance(rule, dict) and not _RULE.isdisjoint(rule) for rule in found)


Edit = tuple[int, int, str]


def _occurrences(source: str) -> list[tuple[int, str]]:
    """Where the names stand that may matter, in order."""
    found = []
    has_modules = "import" in source or "export" in source
    for name in _NAMES:
        at = source.find(name) if has_modules or name not in _OF_MODULES else -1
        while at >= 0:
            end = at + len(name)
            joined = at > 0 and _PART_OF_NAME.match(source, at - 1) and not (at <= 3 and source[:at] in _BYTE_ORDER_MARKS)
            whole = not joined and not _PART_OF_NAME.match(source, end)
            if whole:
                found.append((at, name))
            at = source.find(name, end)
    found.sort()
    return found


class _Names:
    """Decides of each name in a script what stands in its place."""

    def __init__(self, context: RewriteContext, source: str) -> None:
        self._context = context
        self._source = source
        self._found = [(at, name) for at, name in _occurrences(source) if self._may_matter(at, name)]
        until = self._found[-1][0] + _LOOK_AHEAD if self._found else 0
        self._text = ScriptText(source, until)
        self._asked = 0

    def _may_matter(self, at: int, name: str) -> bool:
        """Cheap tests that spare most scripts the rest: `top` and `from` are everyday words."""
        source = self._source
        if name == "from":
            return source[at + 4 : at + 24].lstrip()[:1] in ("'", '"')
        if name == "top":
            rest = source[at + 3 : at + 24].lstrip()
            before = source[max(0, at - 24) : at].rstrip()
            if before.endswith("."):
                return before[:-1].rstrip().endswith(tuple(_WINDOWS))
            return rest.startswith(".") or bool(_COMPARED.match(rest)) or before.endswith(("==", "!="))
        return True

    def edits(self) -> Iterator[Edit]:
        """The replacements."""
        for at, name in self._found:
            piece = self._text.piece_at(at)
            if piece is not None:
                if name == "location" and piece.kind is PieceKind.STRING:
                    yield from self._computed(piece.start, piece.end)
                continue
            if name == "location":
                yield from self._location(at)
            elif name == "top":
                yield from self._top(at)
            elif name == "postMessage":
                yield from self._post_message(at)
            elif name == "eval":
                yield from self._eval(at)
            else:
                yield from self._module(at, name)

    # -- location ----------------------------------------------------------------------------------------------------

    def _location(self, at: int) -> Iterator[Edit]:
        text, code = self._text, self._text.code
        end = at + len("location")
        before, after = text.before(at), text.after(end)
        previous = code[before] if before >= 0 else ""
        following = code[after : after + 1]
        if previous == "." and code[before - 2 : before + 1] != "...":
            if not self._is_deleted(before) and text.word_before(before) != "super":
                yield at, end, LOCATION
            return
        word = text.word_before(at)
        if previous == "#" or word in _DECLARATIONS:
            return
        if following == "(":
            return  # a function of that name, or its declaration: the browser's own cannot be called
        if code.startswith("=>", after) or code.startswith(("++", "--"), after):
            return
        enclosing = self._enclosing(at, before, previous)
        bracket = code[enclosing] if enclosing >= 0 else ""
        if following == ":" and previous in ("{", ",") and bracket == "{":
            if self._is_pattern(enclosing):
                yield at, end, LOCATION
            return
        if following == ":" and previous not in ("?", ":", "(", "&", "|") and word != "case":
            return  # a label, or a key
        if self._is_declared(at):
            return
        if bracket == "{" and previous in ("{", ",") and following in (",", "}", "="):
            yield from self._shorthand(at, end, enclosing, following)
            return
        if bracket in ("(", "[") and previous in ("(", "[", ",", ".") and self._is_pattern(enclosing):
            return
        assignment = _ASSIGNMENT.match(code, after)
        if assignment is not None:
            yield at, end, f"{RUNTIME}.assign(location,(v)=>location=v).value"
        elif self._is_loop_target(enclosing, after, previous):
            return
        else:
            yield at, end, f"{RUNTIME}.location(location)"

    def _enclosing(self, at: int, before: int, previous: str) -> int:
        """Index of the bracket around a name, where what stands before it lets that matter; else -1."""
        if previous in ("(", "[", "{"):
            return before
        return self._text.opening(at) if previous in (",", ".") else -1

    def _shorthand(self, at: int, end: int, enclosing: int, following: str) -> Iterator[Edit]:
        """`{location}`: of an object, a pattern, a block, a class or an import list."""
        text, code = self._text, self._text.code
        word = text.word_before(enclosing)
        if word in ("import", "export") or self._class_body(enclosing):
            return
        if self._is_pattern(enclosing):
            yield at, end, f"{LOCATION}:location"
        elif self._is_block(enclosing):
            if following == "=":
                yield at, end, f"{RUNTIME}.assign(location,(v)=>location=v).value"
            else:
                yield at, end, f"{RUNTIME}.location(location)"
        elif following != "=":
            before = code[text.before(at)]
            if before in "{,":
                yield at, end, f"location:{RUNTIME}.location(location)"

    def _class_body(self, enclosing: int) -> bool:
        code = self._text.code
        return bool(
            re.search(
                r"(?<![\w$.])class(?:\s+[\w$]+)?(?:\s+extends\s+[\w$.()]+)?\s*\Z", code[max(0, enclosing - 200) : enclosing]
            )
        )

    def _is_block(self, brace: int) -> bool:
        """The brace opens statements, not an object."""
        text, code = self._text, self._text.code
        before = text.before(brace)
        if before < 0 or code[before] in ";{}":
            return True
        if code[before] == ")":
            return True
        if code[before] == ">" and code[before - 1 : before] == "=":
            return True
        return text.word_before(brace) in ("else", "do", "try", "finally")

    def _is_pattern(self, bracket: int, depth: int = 0) -> bool:
        """The bracket begins a binding or assignment pattern, or a list of parameters."""
        text, code = self._text, self._text.code
        closing = text.closing(bracket)
        if closing < 0 or depth > 20:
            return False
        after = text.after(closing + 1)
        if code[bracket] == "(":
            if code.startswith("=>", after):
                return True
            if code[after : after + 1] != "{":
                return False
            word = text.word_before(bracket)
            start = text.before(bracket) + 1 - len(word)
            if word in ("if", "while", "for", "switch", "with", "return"):
                return False
            if word == "catch" or text.word_before(start) in _METHOD_WORDS or word == "function":
                return True
            return bool(word) and code[text.before(start)] in "{,};*" and code[text.before(start)] != ""
        if text.word_before(bracket) in ("var", "let", "const"):
            return True
        if code.startswith("=", after) and not code.startswith(("==", "=>"), after):
            return code[bracket] == "{" or code[text.before(bracket)] in "({[,;=" or text.before(bracket) < 0
        if re.compile(r"(?:of|in)(?![\w$])").match(code, after) and text.word_before(bracket) != "":
            return text.word_before(bracket) in ("var", "let", "const")
        enclosing = text.opening(bracket)
        if enclosing < 0 or code[text.before(bracket)] not in "([,{:":
            return False
        if code[enclosing] == "{" and self._is_block(enclosing):
            return False
        return self._is_pattern(enclosing, depth + 1)

    def _is_declared(self, at: int) -> bool:
        """The name is a further one of `var a = 1, location = …`."""
        code = self._text.code
        before = self._text.before(at)
        if before < 0 or code[before] != ",":
            return False
        for reach in (500, self._reach()):  # nearly always it stands near
            found = self._declares(at, max(0, at - reach))
            if found is not None:
                return found
        return False

    def _declares(self, at: int, start: int) -> bool | None:
        """The statement around a place is a declaration; None when it does not begin after `start`."""
        depth = 0
        for found in reversed(list(_STATEMENT_EDGE.finditer(self._text.code, start, at))):
            mark = found.group()
            if mark in (")", "]", "}"):
                depth += 1
            elif mark in ("(", "[", "{"):
                if not depth:
                    return False
                depth -= 1
            elif depth:
                continue
            elif mark in ("var", "let", "const"):
                return True
            elif mark in (";", "return", "throw", "case"):
                return False
        return None

    def _reach(self) -> int:
        """How far back a declaration is looked for, in characters: less and less in scripts that ask too often."""
        self._asked += 1
        return max(1000, 20_000 // self._asked)

    def _is_loop_target(self, enclosing: int, after: int, previous: str) -> bool:
        code = self._text.code
        if previous != "(" or enclosing < 0 or self._text.word_before(enclosing) not in ("for", "await"):
            return False
        return bool(re.compile(r"(?:of|in)(?![\w$])").match(code, after))

    def _is_deleted(self, dot: int) -> bool:
        return bool(re.search(r"(?<![\w$.])delete\s+[\w$.\s]+\Z", self._text.code[max(0, dot - 80) : dot]))

    def _computed(self, start: int, end: int) -> Iterator[Edit]:
        """`window["location"]`."""
        text, code = self._text, self._text.code
        if self._source[start + 1 : end - 1] != "location":
            return
        before, after = text.before(start), text.after(end)
        if before < 1 or code[before] != "[" or code[after : after + 1] != "]":
            return
        owner = code[text.before(before)] if text.before(before) >= 0 else ""
        if _PART_OF_NAME.match(owner) or owner in (")", "]") or code[max(0, before - 2) : before] == "?.":
            if text.word_before(before) not in ("return", "case", "in", "of", "typeof", "else", "do", "void"):
                yield start + 1, end - 1, LOCATION

    # -- the other names ---------------------------------------------------------------------------------------------

    def _top(self, at: int) -> Iterator[Edit]:
        text, code = self._text, self._text.code
        end = at + 3
        before, after = text.before(at), text.after(end)
        if before >= 0 and code[before] == ".":
            if text.word_before(before) in _WINDOWS:
                yield at, end, TOP
            return
        if text.word_before(at) in _DECLARATIONS or code[before : before + 1] == "#":
            return
        compared = _COMPARED.match(code, after) or (before > 0 and code[before - 1 : before + 1] in ("==", "!="))
        if compared or (code[after : after + 1] == "." and code[after + 1 : after + 2] != "."):
            yield at, end, f"{RUNTIME}.top(top)"

    def _post_message(self, at: int) -> Iterator[Edit]:
        text, code = self._text, self._text.code
        before = text.before(at)
        end = at + len("postMessage")
        if code[text.after(end) : text.after(end) + 1] != "(":
            return
        if before > 0 and code[before] == "." and text.word_before(before) != "super":
            yield at, at, f"{FROM}({RUNTIME})."

    def _eval(self, at: int) -> Iterator[Edit]:
        text, code = self._text, self._text.code
        end = at + 4
        before, after = text.before(at), text.after(end)
        previous = code[before] if before >= 0 else ""
        if code[after : after + 1] == "(":
            closing = text.closing(after)
            if closing < 0 or text.after(after + 1) == closing or self._is_pattern(after):
                return
            if text.word_before(at) in _METHOD_WORDS or previous == "#":
                return
            if previous == "." and (text.word_before(before) not in _WINDOWS):
                return
            yield after + 1, after + 1, f"{RUNTIME}.script("
            yield closing, closing, ")"
        elif previous not in (".", "#", "{", ",") or (previous == "," and code[after : after + 1] == ")"):
            if code[after : after + 1] in (":", "=") or text.word_before(at) in (*_DECLARATIONS, "typeof"):
                return
            yield at, end, f"{RUNTIME}.eval(eval)"

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
        elif name == "import" and following == "(" and text.word_before(at) not in _METHOD_WORDS:
            yield from self._dynamic_import(after)
        elif name == "import" and following == ".":
            meta = re.compile(r"\.\s*meta\s*\.\s*url(?![\w$])").match(code, after)
            if meta is not None:
                yield at, meta.end(), f"{RUNTIME}.original(import.meta.url)"

    def _dynamic_import(self, opening: int) -> Iterator[Edit]:
        text, code = self._text, self._text.code
        closing = text.closing(opening)
        if closing < 0 or text.after(opening + 1) == closing or code[text.after(closing + 1) :][:1] == "{":
            return
        piece = text.piece_at(text.after(opening + 1))
        if piece is not None and piece.kind is PieceKind.STRING and text.after(piece.end) == closing:
            yield from self._specifier(piece.start, piece.end)
            return
        end = self._first_argument(opening, closing)
        yield opening + 1, opening + 1, f"{RUNTIME}.module("
        yield end, end, ")"

    def _first_argument(self, opening: int, closing: int) -> int:
        """Where the first argument ends."""
        code = self._text.code
        depth = 0
        for found in re.compile(r"[()\[\]{},]").finditer(code, opening + 1, closing):
            mark = found.group()
            if mark in "([{":
                depth += 1
            elif mark in ")]}":
                depth -= 1
            elif not depth:
                return found.start()
        return closing

    def _specifier(self, start: int, end: int) -> Iterator[Edit]:
        """Bare specifiers lead into the archive through the import map, relative ones from module to module by themselves.

        From a page, a classic script or a worker they would lead to what is asked for as one of those, and not rewritten.
        """
        literal = self._source[start:end]
        value = plain_string(literal)
        is_relative = value.startswith(("./", "../"))
        if not _URL_START.match(value) and not (is_relative and self._context.modifier != "esm"):
            return
        url = resolve(self._context.url, value)
        if url is not None and url.startswith(("http://", "https://")):
            yield start, end, quoted(archive_address(self._context, url, "esm"), literal[0])
