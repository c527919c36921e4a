"""Addresses in JavaScript: modules that it imports, strings that are addresses, markup in strings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archiver.extract.gather import Mention
from archiver.extract.generators import doxygen_menu
from archiver.extract.guess import Likeness, kind_of, likeness
from archiver.markup.js import Piece, PieceKind, ScriptText, names_a_module, plain_string
from archiver.markup.slots import SlotKind

#: Module specifiers that are URLs; all others are names for the import map (HTML, section 8.1.6.2).
_URL_SPECIFIER = re.compile(r"\.{0,2}/|https?:", re.IGNORECASE)
#: Calls whose strings name modules of a bundle, not addresses.
_MODULE_CALL = re.compile(r"(?:(?<![\w$.])|_)require(?:__|\.resolve)?\s*\(\s*\Z|\bdefine\([^()]*\Z")
_MARKUP_URL = re.compile(r"""(?<![\w-])(?:src|href|poster)\s*=\s*(?:"([^"<>\s]+)"|'([^'<>\s]+)'|([^"'<>\s=]++)(?=[\s>]))""")
#: The end of markup that a script puts together: folder + 'picture.png" alt="'.
_REST_OF_ADDRESS = re.compile(r"""([\w-][\w./-]*\.(?:png|gif|jpe?g|svg|webp|ico|css|js))["']""")
#: What says that a string is an address, however it looks.
_ADDRESS_KEY = re.compile(r"""(?:^|[^\w$])["']?(?:\w+_)?(?:url|src|href|poster)["']?\s*[:=]\s*\Z""", re.IGNORECASE)
#: What stands before a name without a path that is an address in a file of its own: a key, or the half of an address.
_BEFORE_ADDRESSES = (":", "=", "+")
_REACH = 40
_SPACE = " \t\r\n"


def script_links(source: str, place: str = "script string", *, is_inline: bool) -> Iterator[Mention]:
    """The addresses in a script, in order.

    Args:
        source: of the script.
        place: what its strings are called.
        is_inline: it stands in a page, so that relative addresses are joined with what they are meant to be.
    """
    if not ("/" in source or "." in source) or not ("'" in source or '"' in source or "`" in source):
        return
    if not is_inline:
        yield from doxygen_menu(source)
    text = ScriptText(source)
    may_import = "import" in source or "from" in source
    for start, end, kind in text.spans:
        if kind not in (PieceKind.STRING, PieceKind.TEMPLATE) or end - start < 3:
            continue
        literal = source[start:end]
        if "/" not in literal and "." not in literal:
            continue
        if literal[0] != literal[-1]:  # without an end, or a part of a template
            continue
        value = plain_string(literal)
        if may_import and kind is PieceKind.STRING and names_a_module(text, Piece(start, end, kind)):
            if _URL_SPECIFIER.match(value):
                yield Mention(value, SlotKind.MODULE, "script import")
        elif "<" in value:
            yield from _in_markup(value, place, is_inline)
        else:
            near = source[max(0, start - _REACH) : start]
            if is_inline or "/" in value or near.rstrip()[-1:] in _BEFORE_ADDRESSES:  # else it is just a name
                yield from _judged(source, near, end, value, place, is_inline)


def _judged(source: str, near: str, end: int, value: str, place: str, is_inline: bool) -> Iterator[Mention]:
    """What a string is that ends at `end` and has `near` before it."""
    like = likeness(value)
    if like is None:
        rest = _REST_OF_ADDRESS.match(value)
        if rest is not None and near.rstrip(_SPACE)[-1:] == "+":
            yield Mention(rest.group(1), kind_of(rest.group(1)), place, is_guess=True)
        return
    before, after = near.rstrip(_SPACE)[-2:], source[end : end + _REACH].lstrip(_SPACE)[:1]
    is_part = before.endswith("+") or after == "+" or source.startswith(".concat", end)
    if like is Likeness.ABSOLUTE:
        if not before.endswith("+"):
            yield Mention(value, kind_of(value), place, is_guess=is_part)
        return
    is_key = after == ":" and before[-1:] in ("{", ",")
    is_compared = before in ("==", "!=") or after == "="
    if is_part or is_key or is_compared or (("require" in near or "define(" in near) and _MODULE_CALL.search(near)):
        return
    is_guess = _is_guess(like, value, is_inline)
    if is_guess is None and _ADDRESS_KEY.search(near):
        is_guess = True
    if is_guess is not None:
        yield Mention(value, kind_of(value), place, is_guess=is_guess)


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


def _in_markup(value: str, place: str, is_inline: bool) -> Iterator[Mention]:
    """Addresses in markup that a script writes."""
    for match in _MARKUP_URL.finditer(value):
        address = match.group(match.lastindex or 0)
        like = likeness(address)
        if like is not None:
            is_guess = like is not Likeness.ABSOLUTE and not (is_inline and like is not Likeness.ROUTE)
            yield Mention(address, kind_of(address), place, is_guess=is_guess)
