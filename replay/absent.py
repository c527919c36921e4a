"""What stands in for a missing part of a page: a body of its own kind."""

from __future__ import annotations

_BODIES: dict[str, tuple[str, bytes]] = {
    "js": ("text/javascript", b"/* not archived */\n"),
    "esm": ("text/javascript", b"/* not archived */\n"),
    "wkr": ("text/javascript", b"/* not archived */\n"),
    "wkrm": ("text/javascript", b"/* not archived */\n"),
    "wkl": ("text/javascript", b"/* not archived */\n"),
    "sw": ("text/javascript", b"/* not archived */\n"),
    "cs": ("text/css", b"/* not archived */\n"),
    "im": ("image/gif", b""),  # no picture: its alternative text is shown, and scripts hear of the error, as at a live site
    "da": ("application/json", b'{"error": "not archived"}\n'),
}
_OF_DESTINATION = {
    "script": "js",
    "style": "cs",
    "image": "im",
    "worker": "js",
    "sharedworker": "js",
    "audioworklet": "js",
    "paintworklet": "js",
    "empty": "da",
    "json": "da",
}
#: Modifiers and destinations of what has no body that would do.
_BARE = frozenset({"oe", "fw"})
_BARE_DESTINATIONS = frozenset({"audio", "video", "font", "track", "object", "embed", "manifest", "xslt", "report"})
_FRAMES = frozenset({"if", "fr"})
_FRAME_DESTINATIONS = frozenset({"iframe", "frame", "fencedframe"})


def absent_part(modifier: str, destination: str) -> tuple[str, bytes] | None:
    """Content-Type and body for a missing part of a page; None when a whole page was asked for.

    Args:
        modifier: of the address, or "": says enough by itself, for browsers send no destination over plain http.
        destination: Sec-Fetch-Dest of the request (Fetch Standard, section 2.2.5), or "".
    """
    kind = modifier if modifier in _BODIES else _OF_DESTINATION.get(destination, "")
    if kind:
        return _BODIES[kind]
    if modifier in _FRAMES or destination in _FRAME_DESTINATIONS:
        return "text/html; charset=utf-8", b"<!doctype html><title>Not archived</title>"
    if modifier in _BARE or destination in _BARE_DESTINATIONS:
        return "application/octet-stream", b""
    return None
