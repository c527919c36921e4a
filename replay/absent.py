"""What stands in for a missing part of a page: a body of its own kind."""

from __future__ import annotations

import base64

_GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_BODIES: dict[str, tuple[str, bytes]] = {
    "js": ("text/javascript", b"/* not archived */\n"),
    "esm": ("text/javascript", b"/* not archived */\n"),
    "wkr": ("text/javascript", b"/* not archived */\n"),
    "sw": ("text/javascript", b"/* not archived */\n"),
    "cs": ("text/css", b"/* not archived */\n"),
    "im": ("image/gif", _GIF),
}
_OF_DESTINATION = {
    "script": "js",
    "style": "cs",
    "image": "im",
    "worker": "js",
    "sharedworker": "js",
    "serviceworker": "js",
}


def absent_part(modifier: str, destination: str) -> tuple[str, bytes] | None:
    """Content-Type and body for a missing part of a page; None when a whole page was asked for.

    Args:
        modifier: of the address, or "".
        destination: Sec-Fetch-Dest of the request, or "".
    """
    kind = modifier if modifier in _BODIES else _OF_DESTINATION.get(destination, "")
    if kind:
        return _BODIES[kind]
    if modifier in ("oe", "fw") or destination in ("audio", "video", "font", "track", "object", "embed", "manifest"):
        return "application/octet-stream", b""
    if destination == "empty":
        return "application/json", b'{"error": "not archived"}\n'
    if modifier in ("if", "fr") or destination in ("iframe", "frame"):
        return "text/html; charset=utf-8", b"<!doctype html><title>Not archived</title>"
    return None
