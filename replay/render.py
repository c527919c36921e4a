"""A rewritten response as it is kept: without the banner, which says what is true when it is shown."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import Any

import archiver
import replay
from archiver.message import Head
from archiver.model import MediaItem, TextTrack
from replay.rewrite.context import RewriteContext
from replay.rewrite.select import Inserts, as_markup_of, rewrite_response
from replay.runtime.bundle import runtime_tag

#: Stands where the banner goes while a page is rewritten; no page can know it.
_MARK = f"<!--{token_hex(16)}-->"
#: What names files of audio and video in data for search engines, which is no address to rewrite.
_STRUCTURED = b'"contentUrl"'
_CODECS = ("ascii", "utf-16-le", "utf-16-be")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A whole rewritten response.

    Attributes:
        status: as archived.
        headers: as replay sends them.
        body: rewritten, without the banner.
        media_type: of a page, which decides how the banner is put in.
        banner_at: where in `body` the banner goes; None when it gets none.
        codec: how the banner is written there.
        media: audio and video of the page, whether archived or not.
        is_rewritten: False for what passed as it was archived.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    media_type: str = ""
    banner_at: int | None = None
    codec: str = "ascii"
    media: tuple[MediaItem, ...] = ()
    is_rewritten: bool = True

    def with_banner(self, banner: str) -> bytes:
        """The body with the banner (HTML, ASCII) in its place."""
        if self.banner_at is None:
            return self.body
        markup = as_markup_of(self.media_type, banner).encode(self.codec)
        return b"".join((self.body[: self.banner_at], markup, self.body[self.banner_at :]))

    def to_bytes(self) -> bytes:
        """For the cache."""
        facts = asdict(self)
        body: bytes = facts.pop("body")
        return json.dumps(facts).encode("ascii") + b"\n" + body

    @classmethod
    def from_bytes(cls, data: bytes) -> Rendered:
        """From the cache."""
        line, _, body = data.partition(b"\n")
        facts = json.loads(line)
        media = tuple(map(_media_item, facts.pop("media")))
        headers = tuple((name, value) for name, value in facts.pop("headers"))
        return cls(body=body, headers=headers, media=media, **facts)


def _media_item(kept: dict[str, Any]) -> MediaItem:
    tracks = tuple(TextTrack(**track) for track in kept.pop("tracks"))
    lists: dict[str, Any] = {name: tuple(kept.pop(name)) for name in ("alternatives", "posters")}
    return MediaItem(**kept, **lists, tracks=tracks)


def render(context: RewriteContext, head: Head, status: int, body: bytes, *, has_banner: bool, has_runtime: bool) -> Rendered:
    """Rewrite a whole response.

    Args:
        context: where it is replayed.
        head: as archived.
        status: as it is sent.
        body: decoded.
        has_banner: it is a page that gets one.
        has_runtime: pages get the client-side runtime.
    """
    inserts = Inserts(runtime_tag(context, head) if has_runtime else "", _MARK if has_banner else "")
    result = rewrite_response(context, head, (body,), inserts=inserts)
    rewritten = b"".join(result.body)
    rendered = Rendered(status, tuple(result.headers), rewritten, head.media_type)
    if not has_banner:
        return rendered
    for codec in _CODECS:
        mark = _MARK.encode(codec)
        at = rewritten.find(mark)
        if at >= 0:
            rewritten = rewritten[:at] + rewritten[at + len(mark) :]
            return replace(
                rendered,
                body=rewritten,
                banner_at=at,
                codec=codec,
                media=_media(context, head, body) if result.names_media() or _STRUCTURED in body else (),
            )
    return rendered


def _media(context: RewriteContext, head: Head, page: bytes) -> tuple[MediaItem, ...]:
    from archiver.extract.media import media_inventory  # BeautifulSoup is slow to import, and few pages need it

    return media_inventory(page, url=context.url, http_charset=head.charset)


@cache
def rules_version() -> str:
    """Changes with anything that rewriting is made of, see `rules_sources`."""
    digest = hashlib.sha256()
    for path in rules_sources():
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]


def rules_sources() -> list[Path]:
    """All of our own code, in Python and for the browser: which of it rewriting needs is nothing to keep a list of."""
    folders = (Path(replay.__file__ or "").parent, Path(archiver.__file__ or "").parent)
    return sorted(path for folder in folders for kind in ("*.py", "*.js") for path in folder.rglob(kind))
