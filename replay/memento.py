"""What Memento (RFC 7089) says of archived URLs: link fields, and TimeMaps in three formats. Values in, text out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from archiver.model import Capture
from archiver.timestamps import parse_timestamp, to_http_date, to_iso
from replay.address import ReplayAddress, kept_escapes
from replay.delivery import URL_SAFE, memento_datetime

#: Formats of TimeMaps by their names in addresses, and their media types.
FORMATS = {"link": "application/link-format", "json": "application/json", "cdxj": "application/cdxj+ors"}


@dataclass(frozen=True, slots=True)
class Around:
    """The captures of a URL before and after one of them, and the first and last of all; None where there is none.

    Attributes:
        first: of all.
        previous: the nearest that is earlier.
        next: the nearest that is later.
        last: of all.
    """

    first: Capture | None = None
    previous: Capture | None = None
    next: Capture | None = None
    last: Capture | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the captures of a URL are found.

    Attributes:
        base: address of this archive, with a slash at the end.
        collection: slug.
        url: archived.
    """

    base: str
    collection: str
    url: str

    @property
    def original(self) -> str:
        """The URL as it stands in links."""
        return quote(self.url, safe=URL_SAFE)

    @property
    def timegate(self) -> str:
        """Address of the TimeGate."""
        return f"{self.base}{self.collection}/timegate/{self.in_path()}"

    def timemap(self, form: str, start: str = "") -> str:
        """Address of a TimeMap, or of the page of it that begins at a time."""
        return f"{self.base}{self.collection}/timemap/{form}/{start}{'/' if start else ''}{self.in_path()}"

    def memento(self, timestamp: str, url: str) -> str:
        """Address of a capture."""
        return self.base + quote(ReplayAddress(self.collection, timestamp, "", url).path()[1:], safe=URL_SAFE)

    def in_path(self) -> str:
        """The URL as it stands in addresses of this archive."""
        return quote(kept_escapes(self.url), safe=URL_SAFE)


def memento_links(place: Place, shown: Capture, around: Around | None) -> str:
    """The Link field of a capture: its original, TimeMap and TimeGate, and its neighbours where those are known.

    Args:
        place: of the URL.
        shown: the capture.
        around: None: not looked for.
    """
    original, path = quote(place.url, safe=URL_SAFE), place.in_path()
    here = f"{place.base}{place.collection}"  # many times a second: what `Place` says, put together at once
    links = (
        f'<{original}>; rel="original", <{here}/timemap/link/{path}>; rel="timemap"; type="application/link-format", '
        f'<{here}/timegate/{path}>; rel="timegate"'
    )
    if around is None:
        return links
    related = ((around.first, "first"), (around.previous, "prev"), (shown, ""), (around.next, "next"), (around.last, "last"))
    return ", ".join((links, *_mementos(place, related)))


def timegate_links(place: Place, around: Around | None) -> str:
    """The Link field of a TimeGate's answer."""
    links = [_original(place), _timemap(place)]
    if around is not None:
        links += _mementos(place, ((around.first, "first"), (around.last, "last")))
    return ", ".join(links)


def _original(place: Place) -> str:
    return f'<{place.original}>; rel="original"'


def _timemap(place: Place) -> str:
    return f'<{place.timemap("link")}>; rel="timemap"; type="application/link-format"'


def _mementos(place: Place, related: Iterable[tuple[Capture | None, str]]) -> Iterator[str]:
    """One link a capture, with all its relations."""
    relations: dict[tuple[str, str], list[str]] = {}
    for capture, relation in related:
        if capture is not None:
            relations.setdefault((capture.timestamp, capture.url), []).append(relation)
    for (timestamp, url), names in relations.items():
        said = " ".join([*(name for name in names if name), "memento"])
        yield f'<{place.memento(timestamp, url)}>; rel="{said}"; datetime="{memento_datetime(timestamp)}"'


# -- TimeMaps --------------------------------------------------------------------------------------------------------

#: A capture in a TimeMap: its timestamp and URL.
Held = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PageOf:
    """One page of a long TimeMap: the timestamps of its first and last capture."""

    first: str
    last: str


def timemap(
    place: Place, form: str, held: Sequence[Held], *, start: str = "", is_first: bool = True, is_last: bool = True
) -> Iterator[str]:
    """The text of a TimeMap.

    Args:
        place: of the URL.
        form: one of FORMATS.
        held: captures, oldest first; at least one.
        start: of a page, the time in its address.
        is_first: it has the first of all captures.
        is_last: it has the last of all.
    """
    ends = (0 if is_first else -1, len(held) - 1 if is_last else -1)
    marked = ((timestamp, url, _relation(at, ends)) for at, (timestamp, url) in enumerate(held))
    if form == "link":
        return _as_link(place, held, marked, start)
    return _as_json(place, held, ends, start) if form == "json" else _as_cdxj(place, marked)


def _relation(at: int, ends: tuple[int, int]) -> str:
    first, last = ("first " if at == ends[0] else ""), ("last " if at == ends[1] else "")
    return f"{first}{last}memento"


def _as_link(place: Place, held: Sequence[Held], marked: Iterable[tuple[str, str, str]], start: str) -> Iterator[str]:
    span = f'from="{memento_datetime(held[0][0])}"; until="{memento_datetime(held[-1][0])}"'
    yield f'{_original(place)},\n<{place.timemap("link", start)}>; rel="self"; type="application/link-format"; {span},\n'
    if start:
        yield f"{_timemap(place)},\n"
    yield f'<{place.timegate}>; rel="timegate"'
    for timestamp, url, relation in marked:
        moment = to_http_date(parse_timestamp(timestamp))
        yield f',\n<{place.memento(timestamp, url)}>; rel="{relation}"; datetime="{moment}"'
    yield "\n"


def _as_json(place: Place, held: Sequence[Held], ends: tuple[int, int], start: str) -> Iterator[str]:
    def shown(item: Held) -> str:
        return json.dumps({"datetime": to_iso(parse_timestamp(item[0]), 0), "uri": place.memento(*item)})

    head = {"original_uri": place.original, "self": place.timemap("json", start)}
    yield json.dumps(head)[:-1] + ', "mementos": {"list": [\n'
    for at, item in enumerate(held):
        yield shown(item) if at == 0 else f",\n{shown(item)}"
    yield "]"
    for name, at in zip(("first", "last"), ends, strict=True):
        if at >= 0:
            yield f', "{name}": {shown(held[at])}'
    yield "}, " + json.dumps(_others(place))[1:] + "\n"


def _others(place: Place) -> dict[str, object]:
    maps = {f"{form}_format": place.timemap(form) for form in FORMATS}
    return {"timemap_uri": maps, "timegate_uri": place.timegate}


def _cdxj_head(place: Place) -> Iterator[str]:
    yield '!context ["http://tools.ietf.org/html/rfc7089"]\n'
    yield f"!id {json.dumps({'uri': place.timemap('cdxj')})}\n"
    yield '!keys ["memento_datetime_YYYYMMDDhhmmss"]\n'
    yield f"!meta {json.dumps({'original_uri': place.original})}\n"
    for name, value in _others(place).items():
        yield f"!meta {json.dumps({name: value})}\n"


def _as_cdxj(place: Place, marked: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    yield from _cdxj_head(place)
    for timestamp, url, relation in marked:
        moment = to_http_date(parse_timestamp(timestamp))
        yield f"{timestamp} {json.dumps({'uri': place.memento(timestamp, url), 'rel': relation, 'datetime': moment})}\n"


def timemap_index(place: Place, form: str, pages: Iterable[PageOf]) -> Iterator[str]:
    """A TimeMap of TimeMaps (RFC 7089, section 5.1.3), as its pages become known."""
    if form == "link":
        yield f'{_original(place)},\n<{place.timemap("link")}>; rel="self"; type="application/link-format",\n'
        yield f'<{place.timegate}>; rel="timegate"'
        for page in pages:
            span = f'from="{memento_datetime(page.first)}"; until="{memento_datetime(page.last)}"'
            yield f',\n<{place.timemap("link", page.first)}>; rel="timemap"; type="application/link-format"; {span}'
        yield "\n"
    elif form == "json":
        yield json.dumps({"original_uri": place.original, "self": place.timemap("json")})[:-1] + ', "timemap_index": ['
        for at, page in enumerate(pages):
            said = {"uri": place.timemap("json", page.first), "from": _iso(page.first), "until": _iso(page.last)}
            yield ("\n" if at == 0 else ",\n") + json.dumps(said)
        yield "], " + json.dumps(_others(place))[1:] + "\n"
    else:
        yield from _cdxj_head(place)
        for page in pages:
            said = {
                "uri": place.timemap("cdxj", page.first),
                "rel": "timemap",
                "from": _iso(page.first),
                "until": _iso(page.last),
            }
            yield f"{page.first} {json.dumps(said)}\n"


def _iso(timestamp: str) -> str:
    return to_iso(parse_timestamp(timestamp), 0)
