"""Decides what a response really is, by its type, how it was asked for, and its first bytes; then rewrites it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from archiver.message import Head
from replay.rewrite.context import RewriteContext
from replay.rewrite.css import CssRewriter
from replay.rewrite.headers import rewrite_headers
from replay.rewrite.html import HtmlRewriter

_HTML = frozenset({"text/html", "application/xhtml+xml", "image/svg+xml", "application/vnd.wap.xhtml+xml"})
_VAGUE = frozenset({"", "text/plain", "application/octet-stream", "unknown/unknown"})
_MARKUP_START = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<!--", b"<title", b"<meta")
_SNIFF = 512


class _Rewriter(Protocol):
    def feed(self, data: bytes) -> bytes: ...

    def flush(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Inserts:
    """Markup that replay adds to pages, ASCII."""

    head: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class RewrittenResponse:
    """What replay sends.

    Attributes:
        headers: archived fields as replay sends them.
        body: decoded, rewritten, in pieces.
        kind: "html", "css" or "" for what passes through unchanged.
    """

    headers: list[tuple[str, str]]
    body: Iterator[bytes]
    kind: str


def kind_of(mime: str, modifier: str, start: bytes) -> str:
    """What a response is rewritten as: "html", "css" or "".

    What the page asked for decides where the type says nothing; an error page in place of a script stays as it is.
    """
    looks_like_markup = start.lstrip(b"\xef\xbb\xbf \t\r\n\f").lower().startswith(_MARKUP_START)
    if modifier in ("cs", "js", "esm", "wkr", "sw"):
        if modifier == "cs" and (mime == "text/css" or (mime not in _HTML and not looks_like_markup)):
            return "css"
        return ""
    if mime in _HTML:
        return "html" if modifier not in ("im", "oe") or mime == "image/svg+xml" or looks_like_markup else ""
    if mime == "text/css":
        return "css"
    if mime == "" and looks_like_markup and modifier in ("", "if", "fr", "mp"):
        return "html"
    return ""


def rewrite_response(
    context: RewriteContext, head: Head, body: Iterable[bytes], *, inserts: Inserts | None = None
) -> RewrittenResponse:
    """Rewrite an archived response for replay.

    Args:
        context: where it is replayed.
        head: archived response head.
        body: decoded payload, in pieces.
        inserts: the banner, for pages.
    """
    pieces = iter(body)
    start = next(pieces, b"")
    kind = kind_of(head.media_type, context.modifier, start[:_SNIFF])
    inserts = inserts or Inserts()
    rewriter: _Rewriter | None = None
    if kind == "html":
        is_page = head.media_type != "image/svg+xml"
        rewriter = HtmlRewriter(
            context,
            http_charset=head.charset,
            head_insert=inserts.head if is_page else "",
            body_insert=inserts.body if is_page else "",
        )
    elif kind == "css":
        rewriter = CssRewriter(context, head.charset)
    pieces = chain([start], pieces) if start else pieces
    body_out = _rewritten(rewriter, pieces) if rewriter is not None else pieces
    return RewrittenResponse(rewrite_headers(context, head), body_out, kind)


def _rewritten(rewriter: _Rewriter, pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        if out := rewriter.feed(piece):
            yield out
    if out := rewriter.flush():
        yield out
