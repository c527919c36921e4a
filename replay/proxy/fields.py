"""Archived header fields as the proxy sends them: unchanged, but for what belongs to a connection or outlives a visit."""

from __future__ import annotations

import re

from archiver.message import Head
from replay.proxy.exchange import Asked, field
from replay.rewrite.headers import HOP_BY_HOP, ORIGINAL, UNSAFE

#: Fields beyond this many bytes in all are left out: browsers refuse heads of more than 256 KiB.
MAX_BYTES = 192 * 1024

#: Made anew for what is sent.
_FRAMING = frozenset({"content-length", "content-range", "accept-ranges"})
#: They would act on the reader's browser beyond the archived page (cookies, policies, caches, login windows, reports),
#: or say of this answer what was true of another. Their values stay to be seen, under another name.
_RENAMED = frozenset({
    "set-cookie", "set-cookie2", "clear-site-data", "strict-transport-security", "public-key-pins",
    "public-key-pins-report-only", "expect-ct", "alt-svc", "nel", "report-to", "reporting-endpoints",
    "www-authenticate", "authentication-info", "proxy-authenticate", "proxy-authentication-info",
    "cache-control", "pragma", "expires", "age", "etag", "memento-datetime", "content-location",
})  # fmt: skip
_CORS = frozenset({"access-control-allow-origin", "access-control-allow-credentials"})
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSAFE = re.compile(UNSAFE.pattern.encode("latin-1"))


def archived_fields(head: Head, asked: Asked, *, is_encoded: bool) -> list[tuple[bytes, bytes]]:
    """The fields of an archived response, in their order and spelling.

    Args:
        head: as archived.
        asked: the request.
        is_encoded: the body is sent in its archived content coding.
    """
    out: list[tuple[bytes, bytes]] = []
    named_in_connection = set(head.tokens("Connection"))
    room = MAX_BYTES
    for name, raw in head.fields:
        lower = name.decode("latin-1").lower()
        if not _NAME.fullmatch(name) or lower in HOP_BY_HOP or lower in named_in_connection or lower in _FRAMING:
            continue
        if (lower == "content-encoding" and not is_encoded) or (lower in _CORS and asked.get("origin")):
            continue
        value = clean(raw)
        if lower in _RENAMED:
            name = ORIGINAL.encode("ascii") + name
        room -= len(name) + len(value) + 4
        if room >= 0:
            out.append((name, value))
    return out


def clean(value: bytes) -> bytes:
    """What cannot end a line."""
    return _UNSAFE.sub(b" ", value).strip()


def cross_origin_fields(asked: Asked) -> list[tuple[bytes, bytes]]:
    """Leave for pages of other origins to read an answer.

    Servers give it to the origin that asks, if one does; who captured the answer was another one, or none.
    """
    origin = asked.get("origin")
    if not origin:
        return []
    out = [field("Access-Control-Allow-Origin", origin), field("Access-Control-Allow-Credentials", "true")]
    for what in ("Method", "Headers"):
        wanted = asked.get(f"access-control-request-{what.lower()}")
        if wanted:
            out.append(field(f"Access-Control-Allow-{what.rstrip('s')}s", wanted))
    return out
