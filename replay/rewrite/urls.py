"""Archived URLs as addresses in the archive."""

from __future__ import annotations

from archiver.markup.slots import SlotKind
from archiver.urls import is_http, resolve
from replay.rewrite.context import RewriteContext

#: What a URL is used for → the modifier that says so in its address.
MODIFIERS: dict[SlotKind, str] = {
    SlotKind.IMAGE: "im",
    SlotKind.ICON: "im",
    SlotKind.MEDIA: "oe",
    SlotKind.TRACK: "oe",
    SlotKind.STYLESHEET: "cs",
    SlotKind.FONT: "oe",
    SlotKind.SCRIPT: "js",
    SlotKind.MODULE: "esm",
    SlotKind.IMPORT_MAP: "esm",
    SlotKind.FRAME: "if",
    SlotKind.OBJECT: "oe",
    SlotKind.MANIFEST: "oe",
    SlotKind.PRELOAD: "oe",
    SlotKind.DATA: "im",
}


def archive_address(context: RewriteContext, url: str, modifier: str = "") -> str:
    """The address of an absolute URL at the time of the page."""
    mark = f"{modifier}_" if modifier else ""
    return f"{context.prefix}{context.timestamp}{mark}/{url}"


def rewrite_url(context: RewriteContext, base: str, value: str, kind: SlotKind) -> str | None:
    """What replaces a URL in a document; None when it stays as it is.

    Args:
        context: where the document is replayed.
        base: what relative URLs are joined with.
        value: as the browser reads it.
        kind: what it is used for. A hint to open connections is emptied: there is nobody to connect to.
    """
    if kind is SlotKind.HINT or kind is SlotKind.PING:
        return "about:blank" if kind is SlotKind.HINT else archive_address(context, resolve(base, value) or base, "oe")
    if value.startswith("#") or value.startswith(context.prefix):
        return None
    url = resolve(base, value)
    if url is None or not is_http(url):
        return None
    modifier = MODIFIERS.get(kind, "")
    if not modifier and kind is not SlotKind.BASE and context.modifier in ("if", "fr"):
        modifier = context.modifier  # links inside a frame open in that frame, without a banner
    return archive_address(context, url, modifier)
