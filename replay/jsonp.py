"""Scripts that hand their data to a function which the address names: another function each time the page runs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from urllib.parse import parse_qsl, urlsplit

from replay.fuzzy_rules import CALLBACK_NAMES, CALLBACK_VALUE

#: A name, or a path of names, that may stand before an opening bracket; nothing else is ever put into a script.
_NAME = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*|\[(?:\d+|\"[\w$]+\"|'[\w$]+')\])*", re.ASCII)
_LONGEST = 256
#: A call, also behind a comment, and behind the question whether the function is there. Nothing is given back, so that
#: what only begins like one costs no more than it is long.
_CALL = (
    rb"\s*+(?:/\*.{0,20}?\*/)?+[\s;]*+"
    rb"""(?:typeof\s++(NAME)\s*+={2,3}\s*+['"]function['"]\s*+&&\s*+)?+(NAME)\s*+(?=\()"""
)
#: Where the call must begin.
_START_BYTES = 2048
_CALLBACK_NAME = re.compile(CALLBACK_NAMES, re.IGNORECASE)
_CALLBACK_VALUE = re.compile(CALLBACK_VALUE, re.ASCII | re.IGNORECASE)
#: No address names more functions than this.
_MOST = 10


@dataclass(frozen=True, slots=True)
class Renaming:
    """What a captured script is to call instead when it answers another address.

    Attributes:
        names: of functions: as captured, as asked for. None of them where there is nothing to rename.
    """

    names: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.names)

    def of(self, body: bytes) -> bytes:
        """The script; `body` itself unless it begins by calling one of the functions."""
        start = body[:_START_BYTES]
        for then, now in self.names:
            found = re.match(_CALL.replace(b"NAME", re.escape(then).encode()), start)
            if found is None:
                continue
            pieces, at = [], 0
            for group in (1, 2):
                if found[group] is not None:
                    pieces += [body[at : found.start(group)], now.encode()]
                    at = found.end(group)
            return b"".join((*pieces, body[at:]))
        return body

    def applied(self, body: Iterable[bytes]) -> tuple[Iterable[bytes], int]:
        """The script in pieces, and by how many bytes it is longer now.

        Raises:
            DamagedRecord: from reading the first pieces.
        """
        if not self.names:
            return body, 0
        rest, start = iter(body), b""
        while len(start) < _START_BYTES and (piece := next(rest, None)) is not None:
            start += piece
        renamed = self.of(start)
        return chain((renamed,), rest), len(renamed) - len(start)


def renaming(captured: str, asked: str) -> Renaming:
    """What is to be called instead in a script that answers another address.

    Only arguments count that are there to name functions, by their own name or by a value that was made up for one
    answer: "mode=show" calls nothing.

    Args:
        captured: address that it answered then.
        asked: address that it is to answer now.
    """
    now = dict(parse_qsl(urlsplit(asked).query))
    names = []
    for argument, then in parse_qsl(urlsplit(captured).query):
        name = now.get(argument, then)
        if name != then and _is_name(then) and _is_name(name) and _names_a_callback(argument, then, name):
            names.append((then, name))
    return Renaming(tuple(names[:_MOST]))


def renamed_callback(body: bytes, captured: str, asked: str) -> bytes:
    """The script as it answers another address: `renaming`, of a whole body."""
    return renaming(captured, asked).of(body)


def _is_name(text: str) -> bool:
    return len(text) <= _LONGEST and _NAME.fullmatch(text) is not None


def _names_a_callback(argument: str, *values: str) -> bool:
    if _CALLBACK_NAME.fullmatch(argument):
        return True
    return all(_CALLBACK_VALUE.fullmatch(value) for value in values)
