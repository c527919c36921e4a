"""Pages that are framesets: they have no body that a banner could stand in, so it stands above them."""

from __future__ import annotations

import re
from html import escape

from archiver.markup.charset import sniff_charset
from archiver.markup.html import HtmlScanner
from archiver.markup.slots import Landmark, LandmarkKind

_MAY_BE = re.compile(rb"<[fF][rR][aA][mM][eE][sS][eE][tT]")

_STYLE = (
    "html{height:100%;display:flex;flex-direction:column}head{display:none}"
    "body{flex:1;min-height:0;margin:0;display:flex;flex-direction:column}iframe{flex:1;border:0;width:100%;min-height:0}"
    "@media print{html{height:auto}iframe{min-height:100vh}}"
)


def frameset_title(start: bytes, http_charset: str | None) -> str | None:
    """The title of a frameset document, "" without one; None when it is another kind of document.

    Args:
        start: its first bytes, up to the frameset at least.
        http_charset: charset parameter of its Content-Type.
    """
    if not _MAY_BE.search(start):
        return None
    scanner = HtmlScanner(charset=sniff_charset(start, http_charset).name)
    for item in scanner.feed(start.decode("latin-1")):
        if isinstance(item, Landmark) and item.kind in (LandmarkKind.BODY, LandmarkKind.FRAMESET):
            return scanner.title if item.kind is LandmarkKind.FRAMESET else None
    return None


def render_frameset(banner: str, title: str, address: str, language: str) -> str:
    """A page with the banner above and the frameset below.

    Args:
        banner: its markup.
        title: of the archived document.
        address: where it is replayed without a banner.
        language: of the banner.
    """
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head>"
        f'<body>{banner}<iframe src="{escape(address)}" title="{escape(title)}"></iframe></body></html>'
    )
