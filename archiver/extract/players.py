"""What a crawler has noted of a page's players: the JSON of yt-dlp, which brozzler writes as `youtube-dl:URL` beside the page.

It tells title, length, pictures and texts of each video, and where its file comes from. What of all that is archived is for
others to find out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from archiver.errors import InvalidURL
from archiver.model import MediaItem, TextTrack
from archiver.plaintext import one_line
from archiver.urls import PLAYERS, parse_url

#: What was put together out of several streams is kept under a number, from 1, and the URL of the page it is of.
FETCHED = PLAYERS + "{number:05d}:{url}"
_MOST, _MOST_FILES, _MOST_TRACKS, _MOST_PICTURES = 50, 20, 40, 10
_MAX_TITLE = 300
_MAX_SECONDS = 1e7
#: Lists of parts, which are no files.
_LISTS = (".m3u8", ".mpd")


def noted_media(data: bytes, page: str) -> tuple[MediaItem, ...]:
    """The audio and video that a record of yt-dlp tells of, in its order; () when it is none.

    Args:
        data: JSON.
        page: absolute URL of the page.
    """
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(told, dict):
        return ()
    entries = told.get("entries")
    found = entries if isinstance(entries, list) else [told]
    items = (_item(entry, page) for entry in found[:_MOST] if isinstance(entry, dict))
    return tuple(item for item in items if item is not None)


def _item(entry: dict[str, Any], page: str) -> MediaItem | None:
    files = list(dict.fromkeys(_files(entry, page)))
    pictures = list(dict.fromkeys(_pictures(entry)))
    if not files:
        return None
    return MediaItem(
        files[0],
        "audio" if entry.get("vcodec") == "none" and entry.get("acodec") != "none" else "video",
        one_line(_text(entry, "title"))[:_MAX_TITLE],
        pictures[0] if pictures else None,
        alternatives=tuple(files[1:]),
        tracks=tuple(_tracks(entry))[:_MOST_TRACKS],
        posters=tuple(pictures[1:_MOST_PICTURES]),
        duration=_seconds(entry.get("duration")),
    )


def _seconds(told: object) -> float | None:
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 < told < _MAX_SECONDS:
        return None
    return float(told)


def _files(entry: dict[str, Any], page: str) -> Iterator[str]:
    """Under which URLs the file may be archived, the likeliest first."""
    number = entry.get("playlist_index")
    is_number = isinstance(number, int) and 0 < number < 100_000
    yield FETCHED.format(number=number if is_number else 1, url=_text(entry, "webpage_url") or page)
    whole = [entry, *(item for item in reversed(_dicts(entry, "formats")) if _is_whole(item))]
    for item in whole[: _MOST_FILES + 1]:
        url = _url(item)
        if url and not any(ending in url for ending in _LISTS):
            yield url


def _is_whole(item: dict[str, Any]) -> bool:
    """It has sound and picture, as far as it says."""
    return item.get("vcodec") != "none" and item.get("acodec") != "none"


def _pictures(entry: dict[str, Any]) -> Iterator[str]:
    """The best first; yt-dlp lists them from the worst on."""
    for item in (entry | {"url": entry.get("thumbnail")}, *reversed(_dicts(entry, "thumbnails"))):
        if url := _url(item):
            yield url


def _tracks(entry: dict[str, Any]) -> Iterator[TextTrack]:
    """Texts that browsers read: what people wrote, and what a machine has heard in the language that is spoken."""
    spoken = _text(entry, "language")
    for name in ("subtitles", "automatic_captions"):
        texts = entry.get(name)
        for tag, forms in texts.items() if isinstance(texts, dict) else ():
            is_wanted = name == "subtitles" or tag == spoken or tag.endswith("-orig")
            for form in forms if is_wanted and isinstance(forms, list) else ():
                if isinstance(form, dict) and form.get("ext") == "vtt" and (url := _url(form)):
                    kind = "subtitles" if name == "subtitles" else "captions"
                    yield TextTrack(url, kind, tag.removesuffix("-orig"), one_line(_text(form, "name"))[:_MAX_TITLE])
                    break


def _dicts(entry: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = entry.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _text(entry: dict[str, Any], name: str) -> str:
    found = entry.get(name)
    return found if isinstance(found, str) else ""


def _url(item: dict[str, Any]) -> str:
    """The URL of something, as captures have it; "" when it is not on the web."""
    text = _text(item, "url")
    try:
        return parse_url(text) if text.startswith(("http://", "https://")) else ""
    except InvalidURL:
        return ""
