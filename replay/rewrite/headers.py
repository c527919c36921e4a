"""Which archived header fields the browser gets, by an allow-list: everything else only under another name."""

from __future__ import annotations

import re

from archiver.markup.attributes import link_kind
from archiver.markup.linkheader import LinkValue, parse_link_header
from archiver.markup.slots import SlotKind
from archiver.markup.srcset import scan_refresh, scan_srcset
from archiver.message import Head
from replay.rewrite.context import RewriteContext
from replay.rewrite.urls import absolute, archive_address, rewrite_url

#: Archived fields that are not ours to act on keep their value under this prefix.
ORIGINAL = "X-Archive-Orig-"

#: Renamed fields beyond this many bytes in all are left out: browsers refuse heads of more than 256 KiB.
MAX_RENAMED_BYTES = 64 * 1024

_KEPT = frozenset({"content-type", "content-language", "content-disposition", "allow", "accept-patch"})
_LOCATIONS = frozenset({"location", "content-location", "content-base"})
_ONCE = frozenset({"content-type", "content-disposition", "location", "refresh", "content-range"})
HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings"}
)
#: What an archive says of itself (RFC 7089); the page's own archive is another one than this.
_MEMENTO_RELATIONS = frozenset({"original", "timegate", "timemap", "memento"})
_DISARMED_PARAMETERS = frozenset({"integrity", "crossorigin", "nonce"})
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
UNSAFE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_MAX_LINK_CHARACTERS = 16 * 1024


def rewrite_headers(
    context: RewriteContext, head: Head, *, content_type: str | None = None, is_whole: bool = True
) -> list[tuple[str, str]]:
    """The archived header fields as replay sends them, in their order.

    URLs in Location, Refresh and Link lead into the archive; codings are gone, because the body is sent decoded;
    cookies, policies, caching, challenges and everything unknown are renamed.

    Args:
        context: where the response is replayed.
        head: as archived.
        content_type: takes the place of the archived one, which is made clean where browsers could differ on it.
        is_whole: the body is not sent as the part that Content-Range says it is.
    """
    out: list[tuple[str, str]] = []
    if content_type is None and head.media_type and not head.content_type.is_clean:
        content_type = str(head.content_type)
    if content_type is not None:
        out.append(("Content-Type", content_type))
    seen = {name.lower() for name, _ in out}
    named_in_connection = set(head.tokens("Connection"))
    room = MAX_RENAMED_BYTES
    for raw_name, raw_value in head.fields:
        name = raw_name.decode("latin-1")
        lower = name.lower()
        if not _NAME.fullmatch(name) or lower in HOP_BY_HOP or lower in named_in_connection:
            continue
        value = None
        if lower not in seen or lower not in _ONCE:
            value = _sent(context, lower, raw_value, is_whole)
        if value is not None:
            seen.add(lower)
            out.append((name, value))
        elif lower != "link" or raw_value:
            original = UNSAFE.sub(" ", raw_value.decode("latin-1"))
            room -= len(ORIGINAL) + len(name) + len(original)
            if room >= 0:
                out.append((f"{ORIGINAL}{name}", original))
    return out


def _sent(context: RewriteContext, name: str, raw: bytes, is_whole: bool) -> str | None:
    """The value to send under the field's own name; None when it is not sent under it."""
    if name in _LOCATIONS:
        return _location(context, raw)
    if name == "refresh":
        return _refresh(context, raw)
    if name == "link":
        return _links(context, raw)
    if name in _KEPT or (name == "content-range" and not is_whole):
        return UNSAFE.sub(" ", raw.decode("latin-1"))
    return None


def _text(raw: bytes) -> str:
    """URLs in fields are UTF-8 more often than latin-1."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def as_header(value: str) -> str:
    """As WSGI wants it: bytes seen as latin-1, nothing that could end the field."""
    return UNSAFE.sub(" ", value.encode("utf-8", "replace").decode("latin-1"))


def _location(context: RewriteContext, raw: bytes) -> str | None:
    """Where a redirect leads, asked for as the redirect was; None when that is no web address."""
    value = _text(raw).strip()
    url = absolute(context.url, value) if value else None
    return archive_address(context, url, context.modifier) if url is not None else None


def _refresh(context: RewriteContext, raw: bytes) -> str | None:
    value = _text(raw)
    span = scan_refresh(value)
    if span is None:
        return as_header(value) if re.fullmatch(r"\s*[\d.]+\s*[;,]?\s*", value) else None
    start, end, target = span
    url = absolute(context.url, target)
    if url is None:
        return None
    return as_header(value[:start] + archive_address(context, url, context.modifier) + value[end:])


def _links(context: RewriteContext, raw: bytes) -> str | None:
    """The links that lead into the archive or nowhere outside; None when there are none."""
    parts = [_link(context, link) for link in parse_link_header(_text(raw[:_MAX_LINK_CHARACTERS]))]
    kept = [part for part in parts if part is not None]
    return as_header(", ".join(kept)) if kept else None


def _link(context: RewriteContext, link: LinkValue) -> str | None:
    relations = link.get("rel")
    kind = link_kind(relations, link.get("as"))
    if kind is SlotKind.HINT or not _MEMENTO_RELATIONS.isdisjoint(relations.lower().split()):
        return None
    url = rewrite_url(context, context.url, link.url, kind)
    if url is None and not link.url.startswith(("#", "data:", "mailto:", context.prefix)):
        return None
    parameters = []
    for name, text in link.parameters:
        if name in _DISARMED_PARAMETERS or not _NAME.fullmatch(name):
            continue
        shown = _candidates(context, text) if name == "imagesrcset" else text
        parameters.append('; {}="{}"'.format(name, shown.replace("\\", "\\\\").replace('"', '\\"')))
    return f"<{url or link.url}>{''.join(parameters)}"


def _candidates(context: RewriteContext, srcset: str) -> str:
    out: list[str] = []
    at = 0
    for start, end, url in scan_srcset(srcset):
        out += (srcset[at:start], rewrite_url(context, context.url, url, SlotKind.IMAGE) or url)
        at = end
    return "".join((*out, srcset[at:]))
