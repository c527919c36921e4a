"""Addresses in JavaScript: modules that it imports, strings that are addresses, markup in strings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from archiver.extract.guess import Likeness, kind_of, likeness
from archiver.markup.js import Piece, PieceKind, ScriptText, names_a_module, plain_string
from archiver.markup.slots import SlotKind

#: Module specifiers that are URLs; all others are names for the import map (HTML, section 8.1.6.2).
_URL_SPECIFIER = re.compile(r"\.{0,2}/|https?:", re.IGNORECASE)
#: Calls whose strings name modules of a bundle, not addresses.
_MODULE_CALL = re.compile(r"(?:require(?:\.resolve)?|_require_|__require|define|t|n|r|e|i|o|a|s)\s*\(\s*\Z|\bdefine\([^()]*\Z")
_MARKUP_URL = re.compile(r"""(?<![\w-])(?:src|href|poster)\s*=\s*(?:"([^"<>\s]+)"|'([^'<>\s]+)'|([^"'<>\s=]+)(?=[\s>]))""")
_REACH = 40
_SPACE = " \t\r\n"


class ScriptLink(NamedTuple):
    """An address in a script.

    Attributes:
        value: as written, without escapes.
        kind: what it most likely is.
        is_guess: it need not be an address, or need not be relative to what it is joined with.
        is_import: it names a module that the script imports.
    """

    value: str
    kind: SlotKind
    is_guess: bool = False
    is_import: bool = False


def script_links(source: str, *, is_inline: bool) -> Iterator[ScriptLink]:
    """The addresses in a script, in order.

    Args:
        source: of the script.
        is_inline: it stands in a page, so that relative addresses are joined with what they are meant to be.
    """
    if not ("/" in source or "." in source) or not ("'" in source or '"' in source or "`" in source):
        return
    text = ScriptText(source)
    may_import = "import" in source or "from" in source
    for piece in text.pieces:
        if piece.kind not in (PieceKind.STRING, PieceKind.TEMPLATE) or piece.end - piece.start < 3:
            continue
        literal = source[piece.start : piece.end]
        if "/" not in literal and "." not in literal:
            continue
        if piece.kind is PieceKind.TEMPLATE and not (literal[0] == literal[-1] == "`"):
            continue
        value = plain_string(literal)
        if may_import and piece.kind is PieceKind.STRING and names_a_module(text, piece):
            if _URL_SPECIFIER.match(value):
                yield ScriptLink(value, SlotKind.MODULE, is_import=True)
        elif "<" in value:
            yield from _in_markup(value, is_inline)
        else:
            yield from _judged(source, piece, value, is_inline)


def _judged(source: str, piece: Piece, value: str, is_inline: bool) -> Iterator[ScriptLink]:
    like = likeness(value)
    if like is None:
        return
    before, after = _before(source, piece.start), _after(source, piece.end)
    is_part = before == "+" or after == "+" or source.startswith(".concat", piece.end)
    if like is Likeness.ABSOLUTE:
        if before != "+":
            yield ScriptLink(value, kind_of(value), is_guess=is_part)
        return
    is_key = after == ":" and before in ("{", ",")
    is_compared = before == "=" and source[max(0, piece.start - _REACH) : piece.start].rstrip(_SPACE).endswith(("==", "!="))
    if (
        is_part
        or is_key
        or is_compared
        or after == "="
        or _MODULE_CALL.search(source, max(0, piece.start - _REACH), piece.start)
    ):
        return
    is_guess = _is_guess(like, value, is_inline)
    if is_guess is not None:
        yield ScriptLink(value, kind_of(value), is_guess=is_guess)


def _is_guess(like: Likeness, value: str, is_inline: bool) -> bool | None:
    """Whether an address without a host is a guess; None when it is not even that.

    In a file of its own a script does not say what page it is for, so that only paths from the root are sure; names without
    a path are then more often names of libraries than of files.
    """
    if like is Likeness.ROUTE:
        return True
    if like is Likeness.FILE:
        return not (is_inline or value.startswith("/"))
    if is_inline:
        return "/" not in value and value.endswith((".js", ".md"))
    return True if "/" in value else None


def _in_markup(value: str, is_inline: bool) -> Iterator[ScriptLink]:
    """Addresses in markup that a script writes."""
    for match in _MARKUP_URL.finditer(value):
        address = match.group(match.lastindex or 0)
        like = likeness(address)
        if like is not None:
            is_guess = like is not Likeness.ABSOLUTE and not (is_inline and like is not Likeness.ROUTE)
            yield ScriptLink(address, kind_of(address), is_guess=is_guess)


def _before(source: str, at: int) -> str:
    """The last character before a place that is no white space; "" at the start."""
    near = source[max(0, at - _REACH) : at].rstrip(_SPACE)
    return near[-1:]


def _after(source: str, at: int) -> str:
    near = source[at : at + _REACH].lstrip(_SPACE)
    return near[:1]
