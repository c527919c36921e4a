"""Takes secrets out of an exchange before it is recorded, and says where they were.

A crawl that logs in shows its secrets to certain hosts only. In what is exchanged with those, these values are replaced by a
fixed mark: of Authorization, of every cookie in either direction (a server may make a session out of any), of the header
fields that were given, of Authentication-Info, and any long enough secret wherever another field has it. Names, attributes and
the order of everything stay. Bodies are recorded as they came: a page that shows a secret is evidence.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Collection
from dataclasses import replace
from io import BytesIO
from typing import BinaryIO, cast

from archiver.message import read_head
from archiver.model import Exchange

#: What stands in the place of a value that was taken out.
MARK = b"[withheld]"

_SPOOL_BYTES = 512 * 1024
#: Shorter texts occur by chance.
_SECRET_BYTES = 12
#: A field with its name, the colon and the white space after it, and its value with its folded lines.
_FIELD = re.compile(rb"^([^\s:]+)([ \t]*:[ \t]*)((?:[^\r\n]|\r(?!\n)|\r?\n[ \t])*)", re.MULTILINE)
_AUTHORISATION = frozenset({"authorization", "proxy-authorization", "authentication-info", "proxy-authentication-info"})


def withhold(exchange: Exchange, *, fields: Collection[str] = (), secrets: Collection[str] = ()) -> Exchange:
    """An exchange as it may be recorded; `withheld` names what was taken out.

    Where the response head changes, the exchange has a spool of its own and the given one is closed.

    Args:
        exchange: with a host that was shown secrets.
        fields: names of header fields, lower case, whose values are secret.
        secrets: texts that stand in no header field.
    """
    known = {secret.encode("utf-8") for secret in secrets}
    hidden = sorted((secret for secret in known if len(secret) >= _SECRET_BYTES), key=len, reverse=True)
    named = frozenset(fields)
    found: dict[str, None] = {}
    head, blank, body = exchange.request.partition(b"\r\n\r\n")
    request = _cleared("request", head, named, hidden, found) + blank + body
    interim = _cleared("interim response", exchange.interim, named, hidden, found)
    response, length = exchange.response, exchange.response_length
    if response is not None and exchange.status is not None:
        response.seek(0)
        raw = read_head(response).raw
        cleared = _cleared("response", raw, named, hidden, found)
        if cleared != raw:
            response, length = _with_head(response, cleared), length + len(cleared) - len(raw)
        else:
            response.seek(0)
    return replace(exchange, request=request, interim=interim, response=response, response_length=length, withheld=tuple(found))


def _cleared(where: str, head: bytes, named: frozenset[str], hidden: list[bytes], found: dict[str, None]) -> bytes:
    """A head without its secrets; what they were called is added to `found`."""

    def field(match: re.Match[bytes]) -> bytes:
        name, colon, value = match.groups()
        text = name.decode("latin-1").strip()
        key = text.lower()
        if key == "cookie":
            cleared = b"; ".join(map(_without_value, re.split(rb";[ \t]*", value)))
        elif key == "set-cookie":
            cookie, semicolon, attributes = value.partition(b";")
            cleared = _without_value(cookie) + semicolon + attributes
        elif key in _AUTHORISATION:
            scheme, space, _ = value.partition(b" ")
            cleared = scheme + space + MARK if space and key.endswith("authorization") else MARK
        elif key in named:
            cleared = MARK if value else value
        else:
            cleared = value
            for secret in hidden:
                cleared = cleared.replace(secret, MARK)
        if cleared != value:
            found[f"{where} {text}"] = None
        return name + colon + cleared

    return _FIELD.sub(field, head)


def _without_value(cookie: bytes) -> bytes:
    name, equals, value = cookie.partition(b"=")
    return name + equals + (MARK if value.strip() else value) if equals else MARK


def _with_head(response: BinaryIO, head: bytes) -> BinaryIO:
    """A new spool with another head before the rest of a response, which stands behind its own."""
    spool = cast(BinaryIO, tempfile.SpooledTemporaryFile(_SPOOL_BYTES))
    shutil.copyfileobj(BytesIO(head), spool)
    shutil.copyfileobj(response, spool)
    response.close()
    spool.seek(0)
    return spool
