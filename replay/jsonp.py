"""Scripts that hand their data to a function which the address names: another function each time the page runs."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

#: A name, or a path of names, that may stand before an opening bracket; nothing else is ever put into a script.
_NAME = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*|\[(?:\d+|\"[\w$]+\"|'[\w$]+')\])*", re.ASCII)
_LONGEST = 256
#: A call, also behind a comment, and behind the question whether the function is there.
_CALL = rb"""\s*(?:/\*.{0,20}?\*/)?[\s;]*(?:typeof\s+NAME\s*={2,3}\s*['"]function['"]\s*&&\s*)?NAME\s*(?=\()"""
#: Where the call must begin.
_START_BYTES = 2048


def renamed_callback(body: bytes, captured: str, asked: str) -> bytes:
    """The script as it answers another address: it calls the function that was asked for.

    Args:
        body: of the captured script.
        captured: address that it answered then.
        asked: address that it is to answer now.

    Returns:
        `body` itself unless it begins by calling what an argument of `captured` names, and the same argument of `asked`
        names something else.
    """
    now = dict(parse_qsl(urlsplit(asked).query))
    for argument, then in parse_qsl(urlsplit(captured).query):
        name = now.get(argument, then)
        if name == then or not _is_name(then) or not _is_name(name):
            continue
        found = re.match(_CALL.replace(b"NAME", re.escape(then).encode()), body[:_START_BYTES])
        if found is not None:
            return found.group().replace(then.encode(), name.encode()) + body[found.end() :]
    return body


def _is_name(text: str) -> bool:
    return len(text) <= _LONGEST and _NAME.fullmatch(text) is not None
