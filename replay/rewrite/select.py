"""Rewrites archived responses: decides what each is, and has it changed by the rewriter for that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from archiver.markup.charset import DETECT_BYTES, SNIFF_BYTES
from archiver.markup.xml import is_xml
from archiver.message import Head
from replay.rewrite.context import RewriteContext
from replay.rewrite.css import CssRewriter
from replay.rewrite.headers import rewrite_headers
from replay.rewrite.html import HtmlRewriter
from replay.rewrite.js import ScriptRewriter
from replay.rewrite.manifest import ManifestRewriter
from replay.rewrite.sniff import SVG, Kind, content_type, kind_of
from replay.rewrite.xhtml import as_xhtml

_PARTIAL_CONTENT = 206


class _Rewriter(Protocol):
    def feed(self, data: bytes) -> bytes: ...

    def flush(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Inserts:
    """Markup that replay adds to pages.

    Attributes:
        head: for the start of the head, well-formed XML; images get none.
        body: for the start of the body, as it goes into this page; see `as_markup_of`.
    """

    head: str = ""
    body: str = ""


def as_markup_of(media_type: str, markup: str) -> str:
    """HTML as it goes into a page of that type; "" where it has no place."""
    if media_type == SVG:
        return ""
    return as_xhtml(markup) if is_xml(media_type) else markup


@dataclass(frozen=True, slots=True)
class RewrittenResponse:
    """What replay sends.

    Attributes:
        headers: archived fields as replay sends them.
        body: decoded, rewritten, in pieces.
        kind: what it was rewritten as.
        names_media: whether it may have audio or video; known when the body was taken.
    """

    headers: list[tuple[str, str]]
    body: Iterator[bytes]
    kind: Kind
    names_media: Callable[[], bool] = lambda: False


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
    start, pieces = _started(body)
    kind = kind_of(head.media_type, context.modifier, start[:SNIFF_BYTES])
    if kind is Kind.NONE:
        headers = rewrite_headers(context, head, is_whole=head.status != _PARTIAL_CONTENT)
        return RewrittenResponse(headers, pieces, kind)
    if kind is Kind.HTML:
        headers = rewrite_headers(context, head, content_type=content_type(head.media_type, head.charset, start))
        html = _html(context, head, inserts or Inserts())
        return RewrittenResponse(headers, _rewritten(html, pieces), kind, lambda: html.names_media)
    rewriter: _Rewriter
    if kind is Kind.SCRIPT:
        rewriter = ScriptRewriter(context, head.charset)
    elif kind in (Kind.HLS, Kind.DASH):
        rewriter = ManifestRewriter(context, kind)
    else:
        rewriter = CssRewriter(context, head.charset)
    return RewrittenResponse(rewrite_headers(context, head), _rewritten(rewriter, pieces), kind)


def _html(context: RewriteContext, head: Head, inserts: Inserts) -> HtmlRewriter:
    return HtmlRewriter(
        context,
        media_type=head.media_type,
        http_charset=head.charset,
        head_insert="" if head.media_type == SVG and context.modifier == "im" else inserts.head,
        body_insert=inserts.body,
    )


def _started(body: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, enough to decide by, and all the pieces."""
    pieces = iter(body)
    taken: list[bytes] = []
    size = 0
    for piece in pieces:
        taken.append(piece)
        size += len(piece)
        if size >= DETECT_BYTES:
            break
    return b"".join(taken)[:DETECT_BYTES], chain(taken, pieces)


def _rewritten(rewriter: _Rewriter, pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        if out := rewriter.feed(piece):
            yield out
    if out := rewriter.flush():
        yield out
