"""Archived URLs as addresses in the archive."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import quote

from archiver.markup.slots import SlotKind
from archiver.urls import is_http, resolve
from replay.address import kept_escapes
from replay.rewrite.context import RewriteContext
from replay.rewrite.selectors import archived_selector

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
    SlotKind.IMPORT_NAME: "esm",
    SlotKind.FRAME: "if",
    SlotKind.OBJECT: "oe",
    SlotKind.MANIFEST: "oe",
    SlotKind.PRELOAD: "oe",
    SlotKind.DOWNLOAD: "id",
}

#: What no script reads back as an attribute.
_WHOLE = frozenset({SlotKind.BASE, SlotKind.IMPORT_MAP, SlotKind.IMPORT_NAME})

#: What replaces the URLs of hints and pings: nobody is to be connected to or told.
NOWHERE = "about:blank"

#: How documents inside other documents are asked for → how the links in them are: without a banner.
_INNER = {"if": "if", "fr": "fr", "oe": "if"}
_ADDRESS = re.compile(r"\d{1,14}(?:[a-z]{2,4}_)?/[a-z][a-z0-9+.\-]*:", re.IGNORECASE)
#: URLs that joining neither escapes nor shortens: absolute (group 1), from the root (group 2), or of the same folder.
_PLAIN = re.compile(
    r"(?!\S*xn--)(?:(https?://(?:[a-z0-9-]++\.)++[a-z]{2,}+(?=/))?(/)|((?:\.\./)++))?"
    r"(?:[A-Za-z0-9_~-][A-Za-z0-9_.~-]*+(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*+)*+/?+|(?<=/))"
    r"(?:\?[A-Za-z0-9_.~/=&-]*+)?(?:#[A-Za-z0-9_.~-]*+)?"
)
#: What is written in its full form: escapes mean something in addresses, and browsers read the rest in their own ways.
_UNMARKED = re.compile(r"[^\x21-\x7e]|[\\%\"'<>`]")
#: What URLs stand behind in addresses, to try whether browsers read two of them as the same.
_ANY_ADDRESS = "http://r/c/1/"
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_QUERY_SAFE = "!$%&'()*+,-./:;=?@[\\]^_`{|}~"


def archive_address(context: RewriteContext, url: str, modifier: str = "") -> str:
    """The address of an absolute URL at the time of the page."""
    mark = f"{modifier}_" if modifier else ""
    return f"{context.prefix}{context.timestamp}{mark}/{kept_escapes(url)}"


def absolute(base: str, value: str, charset: str | None = None) -> str | None:
    """What a browser would ask for, http(s) only; None for anything else.

    Args:
        base: of the document.
        value: as the browser reads it.
        charset: codec of the document, which its queries are sent in (URL Standard, section 4.4); None for UTF-8.
    """
    plain = _PLAIN.fullmatch(value)
    if plain is not None and (joined := _joined(plain, base, value, _site, _folder)) is not None:
        return joined
    if charset is not None and "?" in value and not value.isascii():
        value = _encoded_query(value, charset)
    url = resolve(base, value)
    return url if url is not None and is_http(url) else None


def spelled(base: str, value: str, charset: str | None = None) -> str | None:
    """The same as `absolute`, written so that it can be told how the page wrote it.

    A browser takes single dots out of a path, also escaped ones, which no joined URL has. One in small letters stands before
    what is relative to the folder, one in capitals before what begins at the root; two before a query alone, and one of each
    behind a host that was written without its scheme:

        page.html   http://site.example/dir/%2e/page.html
        /page.html  http://site.example/%2E/page.html
        ?a=b        http://site.example/dir/%2e/%2e/this.html?a=b
        //o.org/x   http://o.org/%2E/%2e/x

    The client-side runtime gives scripts that read the attribute what the page wrote (`respelled` in runtime/core.js).

    Args:
        base: of the document.
        value: as the browser reads it.
        charset: codec of the document; None for UTF-8.
    """
    plain = _PLAIN.fullmatch(value)
    if plain is not None and (joined := _joined(plain, base, value, _marked_site, _marked_folder)) is not None:
        return joined
    url = absolute(base, value, charset)
    if url is None or _UNMARKED.search(value) or is_http(value):
        return url
    marked = _marked(base, value, url)
    # Too many ways upwards would lead out of the address.
    return marked if marked is not None and resolve(_ANY_ADDRESS, _ANY_ADDRESS + marked) == _ANY_ADDRESS + url else url


def _marked(base: str, value: str, url: str) -> str | None:
    if value.startswith("//"):
        origin = "/".join(url.split("/")[:3])
        rest = value.removeprefix(origin.partition(":")[2])
        return f"{origin}/%2E/%2e{rest}" if rest.startswith("/") and rest != value else None
    if value.startswith("/"):
        site = _marked_site(base)
        return None if site is None else site + value
    folder = _marked_folder(base, "")
    if folder is None:
        return None
    if value.startswith("?"):
        return f"{folder[0]}%2e/{base.partition('?')[0].rpartition('/')[2]}{value}"
    return folder[0] + value


def _joined(
    plain: re.Match[str],
    base: str,
    value: str,
    site: Callable[[str], str | None],
    folder: Callable[[str, str], tuple[str, bool] | None],
) -> str | None:
    """A plain URL behind what it is relative to; None when that is nothing of the web."""
    scheme, root, ways = plain.groups()
    if scheme:
        return value
    if root:
        place = site(base)
        return None if place is None else place + value
    found = folder(base, ways or ".")
    if found is None:
        return None
    return found[0] + (value[plain.end(3) :] if ways and found[1] else value)


@lru_cache(maxsize=1000)
def _folder(base: str, way: str) -> tuple[str, bool] | None:
    """What plain relative URLs at a base begin with, and True: `way`, which leads to their folder, is in it."""
    url = resolve(base, way)
    return (url, True) if url is not None and is_http(url) else None


@lru_cache(maxsize=1000)
def _marked_folder(base: str, way: str) -> tuple[str, bool] | None:
    """The folder of the base with a mark behind it, and False: ways upwards follow, as far as there are folders."""
    here = _folder(base, ".")
    if here is None or here[0].count("/", here[0].index("//") + 2) <= way.count("../"):
        return _folder(base, way or ".")
    return f"{here[0]}%2e/", False


@lru_cache(maxsize=1000)
def _site(base: str) -> str | None:
    """What plain URLs with a path from the root begin with at a base."""
    url = resolve(base, "/")
    return url[:-1] if url is not None and is_http(url) else None


@lru_cache(maxsize=1000)
def _marked_site(base: str) -> str | None:
    """The same, with a mark behind it."""
    site = _site(base)
    return None if site is None else f"{site}/%2E"


def rewrite_url(
    context: RewriteContext,
    base: str,
    value: str,
    kind: SlotKind,
    charset: str | None = None,
    *,
    join: Callable[[str, str, str | None], str | None] = absolute,
) -> str | None:
    """What replaces a URL in a document; None when it stays as it is.

    Args:
        context: where the document is replayed.
        base: what relative URLs are joined with.
        value: as the browser reads it.
        kind: what it is used for. Hints to open connections and pings lead nowhere.
        charset: codec for queries; None for UTF-8.
        join: `absolute`, or `spelled` where scripts may read the result.
    """
    if kind is SlotKind.HINT or kind is SlotKind.PING:
        return NOWHERE
    if kind is SlotKind.SELECTOR:
        return archived_selector(value)
    if value.startswith("#") or is_address(context, value):
        return None
    # Scripts read these attributes as data, and what they then ask for leads into the archive by itself.
    if kind is SlotKind.DATA:
        return None
    url = (absolute if kind in _WHOLE else join)(base, value, charset)
    if url is None:
        return None
    if kind is SlotKind.BASE:
        return archive_address(context, url, context.modifier)  # where the page is that "#part" is a part of
    return archive_address(context, url, MODIFIERS.get(kind) or _INNER.get(context.modifier, ""))


def is_inner(context: RewriteContext) -> bool:
    """True for documents inside others, whose links stay there."""
    return context.modifier in _INNER


def is_address(context: RewriteContext, value: str) -> bool:
    """True for what is an address in this archive already, not just a path that begins like the collection's."""
    return value.startswith(context.prefix) and _ADDRESS.match(value, len(context.prefix)) is not None


def _encoded_query(value: str, charset: str) -> str:
    """Browsers send the query of a URL in the encoding of the page; what that lacks, as a character reference."""
    before, mark, after = value.partition("?")
    if "#" in before:
        return value
    query, hash_, fragment = after.partition("#")
    return f"{before}{mark}{_BEYOND_ASCII.sub(lambda run: _escaped(run.group(0), charset), query)}{hash_}{fragment}"


def _escaped(text: str, charset: str) -> str:
    try:
        return quote(text.encode(charset), safe=_QUERY_SAFE)
    except (UnicodeError, LookupError):
        pass
    if len(text) == 1:
        return f"%26%23{ord(text)}%3B"
    return "".join(_escaped(character, charset) for character in text)
