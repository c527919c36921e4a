"""The audio and video of a page, for the banner's media panel."""

from __future__ import annotations

from bs4 import BeautifulSoup, Tag

from archiver.markup.charset import DETECT_BYTES, sniff_charset
from archiver.model import MediaItem
from archiver.urls import is_http, resolve, strip_fragment

_EXTENSIONS = {
    "audio": (".mp3", ".ogg", ".oga", ".wav", ".m4a", ".flac", ".opus", ".aac"),
    "video": (".mp4", ".webm", ".ogv", ".m4v", ".mov"),
}


def media_inventory(html: bytes, *, url: str, http_charset: str | None = None) -> tuple[MediaItem, ...]:
    """The media of a page in document order, each file once.

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
    return tuple(item for item in items.values() if item.url not in played)


def _item(element: Tag, base: str) -> MediaItem | None:
    if element.name in ("audio", "video"):
        return _player(element, base)
    attribute = {"a": "href", "embed": "src", "object": "data"}[element.name]
    url = _absolute(base, element.get(attribute))
    mime = str(element.get("type") or "").lower()
    if url is None:
        return None
    path = url.partition("?")[0].lower()
    for kind, extensions in _EXTENSIONS.items():
        if mime.startswith(f"{kind}/") or path.endswith(extensions):
            title = element.get_text(" ", strip=True) if element.name == "a" else str(element.get("title") or "")
            return MediaItem(url, kind, title[:200], None, mime)
    return None


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
    return MediaItem(found[0][0], element.name, title[:200], _absolute(base, element.get("poster")), mime, alternatives)


def _absolute(base: str, value: object) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    url = resolve(base, value.strip())
    return strip_fragment(url) if url is not None and is_http(url) else None
