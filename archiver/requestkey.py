"""What a request with a body asks for, as a query: so that its answer has a key of its own in the index.

The rules are those of the field (pywb, cdxj-indexer, warcio.js: `__wb_method`, `__wb_post_data`); where those differ, as
in the words for true and null in JSON, what browsers send counts (warcio.js).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from email.message import Message
from urllib.parse import unquote_plus, urlencode

#: Bytes of a body that are looked at; callers need not give more.
MAX_BODY_BYTES = 1024 * 1024

#: Characters of a body's query that count.
_MAX_QUERY = 4096
_MAX_DEPTH = 100
#: Methods whose answers are found by the URL alone.
_PLAIN = frozenset({"GET", "HEAD", "OPTIONS"})
_METHOD = re.compile(r"[A-Z][A-Z-]{0,19}")
_NAME = re.compile(rb'\bname="([^"]*)"|\bname=([^\s;]+)', re.IGNORECASE)


def with_request(url: str, method: str, content_type: str, body: bytes) -> str:
    """The URL under which the answer to a request is found.

    Args:
        url: that was asked for.
        method: of the request, upper case.
        content_type: of its body, "" when nobody said.
        body: its first `MAX_BODY_BYTES`.

    Returns:
        `url` itself for methods without effects; else with `__wb_method=…` and what the body says in its query.
    """
    if method in _PLAIN or not _METHOD.fullmatch(method):
        return url
    said = body_query(content_type, body[:MAX_BODY_BYTES]) if body or method in ("POST", "PUT") else ""
    bare, hash_, fragment = url.partition("#")
    parts = f"__wb_method={method}&{said}" if said else f"__wb_method={method}"
    return f"{bare}{'&' if '?' in bare else '?'}{parts}{hash_}{fragment}"


def body_query(content_type: str, body: bytes) -> str:
    """What a body says, as a query, cut at 4096 characters.

    Forms are taken as they are written, without escapes; the leaves of JSON are its parameters, of which the second of a
    name is `name.2_`; anything else is base64.
    """
    mime = content_type.partition(";")[0].strip().lower()
    said: str | None
    if mime == "application/x-www-form-urlencoded":
        said = _form(body)
    elif mime.startswith("multipart/"):
        said = _multipart(content_type, body)
    elif mime.startswith("application/json") or mime.endswith("+json"):
        said = _json(body) or ""
    elif mime == "text/plain":
        said = _json(body)
    else:
        said = None
    return (_binary(body) if said is None else said)[:_MAX_QUERY]


def _binary(body: bytes) -> str:
    return f"__wb_post_data={base64.b64encode(body).decode('ascii')}"


def _form(body: bytes) -> str | None:
    try:
        return unquote_plus(body.decode("utf-8"), errors="strict")
    except UnicodeDecodeError:
        return None


def _multipart(content_type: str, body: bytes) -> str | None:
    """The parts by name; None when there are none."""
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        return None
    pairs = []
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode("utf-8", "surrogateescape"))[1:]:
        head, blank, content = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if blank and name is not None:
            pairs.append((name.group(1) or name.group(2) or b"", content))
    return urlencode(pairs) if pairs else None


def _json(body: bytes) -> str | None:
    """The leaves of one JSON value, or of one a line; None when it is none."""
    try:
        values = [_parsed(body)]
    except (ValueError, RecursionError):
        try:
            values = [_parsed(line) for line in body.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            return None
    if not values or (len(values) == 1 and not isinstance(values[0], dict | list)):
        return None
    seen: dict[str, int] = {}
    pairs = []
    for name, text in (leaf for value in values for leaf in _leaves(value, "", 0)):
        seen[name] = seen.get(name, 0) + 1
        pairs.append((name if seen[name] == 1 else f"{name}.{seen[name]}_", text))
        if len(pairs) > _MAX_QUERY:
            break
    return urlencode(pairs, errors="surrogatepass")


def _parsed(text: bytes) -> object:
    return json.loads(text, parse_int=str, parse_float=_number, parse_constant=str)


def _number(text: str) -> str:
    """As JavaScript writes it: 1.0 is 1."""
    value = float(text)
    if abs(value) < 1e21 and value == int(value):
        return str(int(value))
    return re.sub(r"e([+-])0*(\d)", r"e\1\2", repr(value))


def _leaves(value: object, name: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, str(key), depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, name, depth + 1)
    elif name:
        yield name, json.dumps(value) if value is None or isinstance(value, bool) else str(value)
