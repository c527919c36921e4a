"""The audio and video of a page, for the banner's media panel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from bs4 import BeautifulSoup, Tag

from archiver.markup.charset import DETECT_BYTES, sniff_charset
from archiver.model import MediaItem, TextTrack
from archiver.urls import is_http, resolve, strip_fragment

_MAX_TITLE, _MAX_TAG = 200, 35
_EXTENSIONS = {
    "audio": (".mp3", ".ogg", ".oga", ".wav", ".m4a", ".flac", ".opus", ".aac"),
    "video": (".mp4", ".webm", ".ogv", ".m4v", ".mov"),
}


#: Kinds of `track` that people see or hear; a track that says none is subtitles.
_TRACKS = frozenset({"subtitles", "captions", "descriptions", "chapters"})
#: Where pages name their picture for those who link to them, the best first.
_PICTURES = ("og:image:secure_url", "og:image", "og:image:url", "twitter:image", "twitter:image:src")
#: Where they name a file that can be played there.
_FILES = {"og:video": "video", "og:video:url": "video", "og:video:secure_url": "video", "og:audio": "audio",
          "og:audio:secure_url": "audio", "twitter:player:stream": "video"}  # fmt: skip
_OBJECTS = {"VideoObject": "video", "AudioObject": "audio"}
#: Of data for search engines: longer is not read, nor what is nested deeper, nor more objects.
_MAX_DATA, _MAX_DEPTH, _MAX_OBJECTS = 1_000_000, 12, 200


def media_inventory(html: bytes, *, url: str, http_charset: str | None = None) -> tuple[MediaItem, ...]:
    """The media of a page in document order, each file once; then those that it names only to others: to search engines and
    to who links to it.

    Args:
        html: the decoded page.
        url: where it is.
        http_charset: charset parameter of its Content-Type.
    """
    charset = sniff_charset(html[:DETECT_BYTES], http_charset)
    soup = BeautifulSoup(html.decode(charset.name, "replace"), "lxml")
    base = url
    first = soup.find("base", href=True)
    if isinstance(first, Tag):
        base = resolve(url, str(first["href"])) or url
    items: dict[str, MediaItem] = {}
    for element in soup.find_all(["audio", "video", "a", "embed", "object"]):
        item = _item(element, base) if isinstance(element, Tag) else None
        if item is not None:
            items.setdefault(item.url, item)
    played = {alternative for item in items.values() for alternative in item.alternatives}
    said = _said(soup)
    for item in (*_described(soup, base), *_shared(said, base)):
        if item.url in items:
            items[item.url] = _completed(items[item.url], item)
        elif item.url not in played:
            items[item.url] = item
    found = [item for item in items.values() if item.url not in played]
    if len(found) == 1 and found[0].kind == "video":  # of several, nobody knows which one the page's picture shows
        pictures = (_absolute(base, said.get(name)) for name in _PICTURES)
        found = [replace(found[0], posters=tuple(dict.fromkeys((*found[0].posters, *filter(None, pictures)))))]
    return tuple(found)


def _completed(item: MediaItem, more: MediaItem) -> MediaItem:
    """What the page shows, with what it says of the same file elsewhere."""
    return replace(
        item,
        title=item.title or more.title,
        mime=item.mime or more.mime,
        tracks=item.tracks or more.tracks,
        posters=tuple(filter(None, dict.fromkeys((*item.posters, more.poster, *more.posters)))),
    )


def _item(element: Tag, base: str) -> MediaItem | None:
    if element.name in ("audio", "video"):
        return _player(element, base)
    attribute = {"a": "href", "embed": "src", "object": "data"}[element.name]
    url = _absolute(base, element.get(attribute))
    mime = str(element.get("type") or "").lower()
    kind = _kind_of(url, mime) if url is not None else ""
    if url is None or not kind:
        return None
    title = element.get_text(" ", strip=True) if element.name == "a" else str(element.get("title") or "")
    return MediaItem(url, kind, title[:_MAX_TITLE], None, mime)


def _kind_of(url: str, mime: str) -> str:
    """ "audio" or "video" by type or name; "" for anything else."""
    path = url.partition("?")[0].lower()
    kinds = (kind for kind, ends in _EXTENSIONS.items() if mime.startswith(f"{kind}/") or path.endswith(ends))
    return next(kinds, "")


def _player(element: Tag, base: str) -> MediaItem | None:
    sources = [(element.get("src"), element.get("type"))]
    sources += [(source.get("src"), source.get("type")) for source in element.find_all("source")]
    found = [(absolute, str(mime or "")) for src, mime in sources if (absolute := _absolute(base, src))]
    if not found:
        return None
    title = str(element.get("title") or element.get("aria-label") or "")
    if not title:
        figure = element.find_parent("figure")
        caption = figure.find("figcaption") if isinstance(figure, Tag) else None
        title = caption.get_text(" ", strip=True) if isinstance(caption, Tag) else ""
    alternatives = tuple(dict.fromkeys(address for address, _ in found[1:] if address != found[0][0]))
    mime = found[0][1].partition(";")[0].strip().lower()
    poster = _absolute(base, element.get("poster"))
    tracks = tuple(_tracks(element, base))
    return MediaItem(found[0][0], element.name, title[:_MAX_TITLE], poster, mime, alternatives, tracks)


def _tracks(player: Tag, base: str) -> Iterator[TextTrack]:
    for track in player.find_all("track"):
        kind = str(track.get("kind") or "subtitles").lower()
        url = _absolute(base, track.get("src"))
        if url is not None and kind in _TRACKS:
            language, label = str(track.get("srclang") or ""), str(track.get("label") or "")
            yield TextTrack(url, kind, language[:_MAX_TAG], label[:_MAX_TITLE])


def _said(soup: BeautifulSoup) -> dict[str, str]:
    """What the page says of itself in `meta`, the first of each name."""
    said: dict[str, str] = {}
    for meta in soup.find_all("meta", content=True):
        name = str(meta.get("property") or meta.get("name") or "").lower()
        said.setdefault(name, str(meta["content"]))
    return said


def _shared(said: dict[str, str], base: str) -> Iterator[MediaItem]:
    """What a page offers to be played by those who link to it."""
    for name, kind in _FILES.items():
        url = _absolute(base, said.get(name))
        mime = said.get(f"{name.partition(':secure_url')[0].partition(':url')[0]}:type", "").lower()
        if url is not None and _kind_of(url, mime) == kind:
            yield MediaItem(url, kind, said.get("og:title", "")[:_MAX_TITLE], None, mime)


def _described(soup: BeautifulSoup, base: str) -> Iterator[MediaItem]:
    """What a page tells search engines of its audio and video (schema.org, as JSON-LD)."""
    for script in soup.find_all("script", type="application/ld+json"):
        text = script.get_text()
        if "contentUrl" not in text or len(text) > _MAX_DATA:
            continue
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            continue
        for found in islice(_objects(data), _MAX_OBJECTS):
            kinds = found.get("@type")
            names = kinds if isinstance(kinds, list) else [kinds]
            kind = next((_OBJECTS[name] for name in names if isinstance(name, str) and name in _OBJECTS), "")
            url = _absolute(base, found.get("contentUrl"))
            if kind and url is not None:
                pictures = _listed(found.get("thumbnailUrl")) + _listed(found.get("thumbnail"))
                posters = [picture for value in pictures if (picture := _absolute(base, value))]
                title, mime = _text(found.get("name")), _text(found.get("encodingFormat")).lower()
                tracks = tuple(_captions(found.get("caption"), base))
                yield MediaItem(url, kind, title, posters[0] if posters else None, mime, (), tracks, tuple(posters[1:]))


def _captions(value: object, base: str) -> Iterator[TextTrack]:
    for caption in value if isinstance(value, list) else [value]:
        if isinstance(caption, dict) and (url := _absolute(base, caption.get("contentUrl"))):
            yield TextTrack(url, "captions", _text(caption.get("inLanguage"))[:_MAX_TAG], _text(caption.get("name")))


def _objects(data: object, depth: int = 0) -> Iterator[dict[str, object]]:
    """All objects in data, the outer ones first."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(data, dict):
        yield data
    for value in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from _objects(value, depth + 1)


def _listed(value: object) -> list[object]:
    """Addresses of pictures: one, several, or objects that have them."""
    values = value if isinstance(value, list) else [value]
    return [item.get("contentUrl") or item.get("url") if isinstance(item, dict) else item for item in values]


def _text(value: object) -> str:
    return value.strip()[:_MAX_TITLE] if isinstance(value, str) else ""


def _absolute(base: str, value: object) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    url = resolve(base, value.strip())
    return strip_fragment(url) if url is not None and is_http(url) else None
