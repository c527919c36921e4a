"""TimeMaps of this archive and others together, each capture with the name of who has it. Values in, text out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from archiver.elsewhere.asking import Heard
from archiver.timestamps import parse_timestamp, to_http_date, to_iso
from replay.delivery import URL_SAFE
from replay.memento import Held, Place

#: Formats of such TimeMaps, and their media types.
FORMATS = {"link": "application/link-format", "json": "application/json"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A capture, wherever it is.

    Attributes:
        moment: when it was made.
        url: where it is shown.
        archive: who has it; "" for this archive.
    """

    moment: datetime
    url: str
    archive: str = ""


def together(place: Place, held: Iterable[Held], heard: Iterable[Heard]) -> list[Shown]:
    """All captures by their time, ours first where they are of one second."""
    shown = [Shown(parse_timestamp(timestamp), place.memento(timestamp, url)) for timestamp, url in held]
    shown += [Shown(item.moment, item.url, said.archive.name) for said in heard for item in said.mementos]
    return sorted(shown, key=lambda item: (item.moment, bool(item.archive), item.archive, item.url))


def nearest(shown: Sequence[Shown], moment: datetime | None) -> Shown:
    """The capture nearest to a moment, or the newest; ours where others are not nearer."""
    if moment is None:
        newest = max(item.moment for item in shown)
        return next(item for item in shown if item.moment == newest)
    return min(shown, key=lambda item: (abs(item.moment - moment), bool(item.archive)))


def timemap(place: Place, form: str, shown: Sequence[Shown], heard: Sequence[Heard], own: str) -> Iterator[str]:
    """The text of a TimeMap.

    Args:
        place: of the URL.
        form: one of FORMATS.
        shown: from `together`.
        heard: what others said, or why they said nothing.
        own: address of this TimeMap.
    """
    return _as_link(place, shown, own) if form == "link" else _as_json(place, shown, heard, own)


def _as_link(place: Place, shown: Sequence[Shown], own: str) -> Iterator[str]:
    yield f'<{place.original}>; rel="original",\n<{own}>; rel="self"; type="{FORMATS["link"]}"'
    for at, item in enumerate(shown):
        first, last = ("first " if at == 0 else ""), ("last " if at == len(shown) - 1 else "")
        archive = f'; archive="{_quoted(item.archive)}"' if item.archive else ""
        yield f',\n<{_safe(item.url)}>; rel="{first}{last}memento"; datetime="{to_http_date(item.moment)}"{archive}'
    yield "\n"


def _as_json(place: Place, shown: Sequence[Shown], heard: Sequence[Heard], own: str) -> Iterator[str]:
    listed = [
        {"datetime": to_iso(item.moment, 0), "uri": _safe(item.url)} | ({"archive": item.archive} if item.archive else {})
        for item in shown
    ]
    mementos = {"list": listed, "first": listed[0], "last": listed[-1]} if listed else {"list": []}
    archives = [
        {"name": said.archive.name, "captures": len(said.mementos), "silence": said.silence or None, "is_cut": said.is_cut}
        for said in heard
    ]
    yield json.dumps({"original_uri": place.original, "self": own, "mementos": mementos, "archives": archives})
    yield "\n"


def silent(heard: Iterable[Heard]) -> str:
    """Who said nothing, and why, as the value of a header field."""
    return ", ".join(f"{quote(said.archive.name, safe=' ')}; {said.silence}" for said in heard if said.silence)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _safe(url: str) -> str:
    return quote(url, safe=URL_SAFE)
