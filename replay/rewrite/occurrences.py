"""Where the names stand in a script that may lead out of its page: a quick look that spares most scripts the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from archiver.markup.js import ScriptText, plain_string
from replay.rewrite.syntax import PART_OF_NAME

#: The name that scripts know the runtime by; no object has a property of that name, see `declare` in the runtime.
RUNTIME = "__muniment"
_NAMES = ("location", "postMessage", "eval", "import", "top", "from")
#: Names that mean something only beside an import or an export.
_OF_MODULES = frozenset({"import", "from"})
#: All that is looked for. No letters are of two of them unless they are joined, and joined names are none. The leftmost kind
#: of match is the one that is found by vector instructions: 17 times as fast as the others.
_ARROW = "-->"
_SOUGHT = (*_NAMES, "export", RUNTIME, _ARROW)
_ALL_AT_ONCE = BytesAhoCorasick([name.encode("ascii") for name in _SOUGHT], matchkind=MatchKind.LeftmostFirst)
_BYTE_ORDER_MARKS = ("\ufeff", "\xef\xbb\xbf")
WINDOWS = frozenset({"window", "self", "parent", "globalThis", "frames", "opener", "top", "defaultView", "contentWindow"})
COMPARED = re.compile(r"[!=]==?")
#: An escape that spells a letter, and a name with some around it.
_ESCAPED_LETTER = re.compile(r"\\u(?:00[4-7][0-9A-Fa-f]|\{0*[4-7][0-9A-Fa-f]\})")
_ESCAPED_NAME = re.compile(rf"(?<![\w$\\])(?:[A-Za-z_]|{_ESCAPED_LETTER.pattern})+(?![\w$\\])")
#: A name that a page might know the runtime by, or what was made of it.
RUNTIME_NAME = re.compile(rf"(?<![\w$\\]){RUNTIME}[\w$]*(?![\\])")
#: No name that matters is longer when every letter of it is escaped.
LONGEST = 120
#: What `top` stands between when its value is taken: before it and after it.
TAKEN_AFTER = "=(,?:&|[!"
TAKEN_WORDS = frozenset({"return", "in", "of", "case"})
TAKEN_BEFORE = ";,)]}?&|:"

Edit = tuple[int, int, str]


def plainly_named(source: str) -> str:
    """A script whose names are all spelled without escapes, as far as they matter; lines stay."""
    if "\\u" not in source:
        return source
    found: list[Edit] = []
    done = 0
    for escape in _ESCAPED_LETTER.finditer(source):
        if escape.start() < done:
            continue
        for match in _ESCAPED_NAME.finditer(source, max(0, escape.start() - LONGEST), escape.end() + LONGEST):
            if match.start() <= escape.start() < match.end():
                name, done = plain_string(f'"{match.group()}"'), match.end()
                if name in _NAMES or name.startswith(RUNTIME):
                    found.append((match.start(), match.end(), name))
    if not found:
        return source
    text = ScriptText(source)
    return spliced(source, (edit for edit in found if text.piece_at(edit[0]) is None))


def spliced(source: str, edits: Iterator[Edit]) -> str:
    """The text with replacements made; the very same object when there are none."""
    ordered = sorted(edits, key=lambda edit: edit[:2])
    if not ordered:
        return source
    out: list[str] = []
    at = 0
    for start, end, text in ordered:
        out += (source[at:start], text)
        at = end
    out.append(source[at:])
    return "".join(out)


def _occurrences(source: str, hits: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Where the names stand, in order."""
    is_module = any(name in ("import", "export") and _stands_alone(source, at, name) for at, name in hits)
    found = [
        (at, name)
        for at, name in hits
        if name in _NAMES and (is_module or name not in _OF_MODULES) and _stands_alone(source, at, name)
    ]
    if any(name == RUNTIME for _, name in hits):
        found += ((match.start(), RUNTIME) for match in RUNTIME_NAME.finditer(source))
    found.sort()
    return found


def _hits(source: str) -> list[tuple[int, str]]:
    """Where the letters of what is looked for stand: in one pass where a character is a byte, as in most scripts."""
    try:
        data = source.encode("latin-1")
    except UnicodeEncodeError:
        return [(at, name) for name in _SOUGHT for at in _places(source, name)]
    return [(at, _SOUGHT[number]) for number, at, _ in _ALL_AT_ONCE.find_matches_as_indexes(data)]


def _places(source: str, name: str) -> Iterator[int]:
    """Where the letters of one name stand."""
    at = source.find(name)
    while at >= 0:
        yield at
        at = source.find(name, at + len(name))


def _stands_alone(source: str, at: int, name: str) -> bool:
    """The letters of a name are a whole word."""
    joined = at > 0 and PART_OF_NAME.match(source, at - 1) and not (at <= 3 and source[:at] in _BYTE_ORDER_MARKS)
    return not joined and not PART_OF_NAME.match(source, at + len(name))


def _may_matter(source: str, at: int, name: str) -> bool:
    """Cheap tests that spare most scripts the rest: `top` and `from` are everyday words."""
    if name == "from":
        return source[at + 4 : at + 24].lstrip()[:1] in ("'", '"')
    if name == "top":
        rest = source[at + 3 : at + 24].lstrip()
        before = source[max(0, at - 24) : at].rstrip()
        if before.endswith("."):
            return before[:-1].rstrip().rstrip("?").endswith(tuple(WINDOWS))
        if rest.startswith(".") or COMPARED.match(rest) or before.endswith(("==", "!=")):
            return True
        return rest[:1] in ("", *TAKEN_BEFORE) and (before[-1:] in TAKEN_AFTER or before.endswith(tuple(TAKEN_WORDS)))
    return True


class Occurrences(NamedTuple):
    """What a quick look at a script finds.

    Attributes:
        names: where the names stand that may matter, in order.
        has_arrows: "-->" stands somewhere.
    """

    names: list[tuple[int, str]]
    has_arrows: bool


def occurrences(source: str) -> Occurrences:
    """Where the names stand that may matter."""
    hits = _hits(source)
    names = [(at, name) for at, name in _occurrences(source, hits) if _may_matter(source, at, name)]
    return Occurrences(names, any(name == _ARROW for _, name in hits))
