"""Media types in the few kinds that readers tell apart."""

from __future__ import annotations

#: In the order in which they are offered.
KINDS = ("page", "image", "video", "audio", "document", "data", "script", "style", "font", "other")

_PAGES = frozenset({"text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"})
_DOCUMENTS = ("application/pdf", "application/msword", "application/vnd.", "application/rtf", "application/epub", "text/plain")
_FIRST = {"image": "image", "video": "video", "audio": "audio", "font": "font"}


def media_kind(mime: str) -> str:
    """The kind of a media type, one of `KINDS`.

    Args:
        mime: lower case, without parameters; "" when unknown.
    """
    if mime in _PAGES:
        return "page"
    if (first := _FIRST.get(mime.partition("/")[0])) is not None:
        return first
    if "javascript" in mime or "ecmascript" in mime or mime == "application/wasm":
        return "script"
    if mime == "text/css":
        return "style"
    if "font" in mime:
        return "font"
    if "mpegurl" in mime or "dash+xml" in mime:
        return "video"
    if mime.endswith(("json", "xml", "/csv")):
        return "data"
    return "document" if mime.startswith(_DOCUMENTS) else "other"
