"""What a reader sees when something is not there: a page for people, a body of its own kind for parts of a page."""

from __future__ import annotations

import base64

from flask import Response, make_response, render_template

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


def problem_page(message: str, advice: str, status: int) -> Response:
    """A page that says what went wrong and what to do."""
    return make_response(render_template("problem.html", message=message, advice=advice), status)


def missing_part(modifier: str, destination: str) -> Response | None:
    """The answer for a missing part of a page; None when a whole page was asked for.

    Args:
        modifier: of the address.
        destination: Sec-Fetch-Dest of the request, or "".
    """
    kind = modifier if modifier in _BODIES else _OF_DESTINATION.get(destination, "")
    if kind:
        mime, body = _BODIES[kind]
        return Response(body, 404, content_type=mime)
    if modifier in ("oe", "fw") or destination in ("audio", "video", "font", "track", "object", "embed", "manifest"):
        return Response(b"", 404, content_type="application/octet-stream")
    if destination == "empty":
        return Response(b'{"error": "not archived"}\n', 404, content_type="application/json")
    if modifier in ("if", "fr") or destination in ("iframe", "frame"):
        return Response(b"<!doctype html><title>Not archived</title>", 404, content_type="text/html; charset=utf-8")
    return None
