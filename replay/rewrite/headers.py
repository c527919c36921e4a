"""Which archived header fields the browser gets, by an allow-list: everything else only under another name."""

from __future__ import annotations

import re

from archiver.markup.attributes import link_kind
from archiver.markup.linkheader import parse_link_header
from archiver.markup.slots import SlotKind
from archiver.markup.srcset import scan_refresh
from archiver.message import Head
from replay.rewrite.context import RewriteContext
from replay.rewrite.urls import rewrite_url

#: Archived fields that are not ours to act on keep their value under this prefix.
ORIGINAL = "X-Archive-Orig-"

_KEPT = frozenset({"content-type", "content-language", "content-disposition", "allow", "accept-patch"})
_LOCATIONS = frozenset({"location", "content-location", "content-base"})
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "proxy-connection", "te", "upgrade", "proxy-authenticate"})
_KEPT_RELATIONS = frozenset({"canonical", "alternate", "license", "author", "next", "prev", "stylesheet", "icon"})
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSAFE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def rewrite_headers(context: RewriteContext, head: Head) -> list[tuple[str, str]]:
    """The archived header fields as replay sends them, in their order.

    URLs in Location, Refresh and Link lead into the archive; content and transfer codings are gone, because the body is
    sent decoded; cookies, policies, caching, challenges and everything unknown are renamed.
    """
    out: list[tuple[str, str]] = []
    for raw_name, raw_value in head.fields:
        name = raw_name.decode("latin-1")
        if not _NAME.fullmatch(name):
            continue
        value = _UNSAFE.sub(" ", raw_value.decode("latin-1"))
        lower = name.lower()
        if lower in _HOP_BY_HOP:
            continue
        if lower in _LOCATIONS:
            value = _unmangled(raw_value)
            out.append((name, rewrite_url(context, context.url, value.strip(), SlotKind.LINK) or _as_header(value)))
        elif lower == "refresh":
            out.append((name, _refresh(context, value)))
        elif lower == "link":
            link = _link(context, value)
            if link:
                out.append((name, link))
        elif lower in _KEPT:
            out.append((name, value))
        else:
            out.append((f"{ORIGINAL}{name}", value))
    return out


def _unmangled(raw: bytes) -> str:
    """Location fields hold UTF-8 more often than latin-1."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _as_header(value: str) -> str:
    return _UNSAFE.sub(" ", value).encode("utf-8").decode("latin-1")


def _refresh(context: RewriteContext, value: str) -> str:
    span = scan_refresh(value)
    if span is None:
        return value
    start, end, url = span
    return value[:start] + (rewrite_url(context, context.url, url, SlotKind.REFRESH) or url) + value[end:]


def _link(context: RewriteContext, value: str) -> str:
    parts = []
    for link in parse_link_header(value):
        kind = link_kind(link.get("rel"), link.get("as"))
        if kind is SlotKind.HINT:
            continue
        url = rewrite_url(context, context.url, link.url, kind)
        if url is None:
            continue
        parameters = "".join(
            f'; {name}="{text}"'
            for name, text in link.parameters
            if name not in ("integrity", "crossorigin") and '"' not in text
        )
        parts.append(f"<{url}>{parameters}")
    return ", ".join(parts)
