"""Pictures of archived pages, and what differs between two of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from flask import Response, current_app, request
from werkzeug.wrappers import Response as BaseResponse

from archiver.errors import NotFound
from archiver.model import Capture
from archiver.pagepictures import PictureKind
from replay import running
from replay.address import kept_escapes, raw_path, repair_url
from replay.delivery import URL_SAFE
from replay.lookup import Lookup, Scope
from replay.picturefiles import PictureFiles
from replay.pictures import COMPARED as COMPARED_KINDS
from replay.pictures import LARGE as LARGE_KINDS
from replay.pictures import SMALL as SMALL_KINDS
from replay.pictures import Name, Picture, Pictures, name_of, pick
from replay.viewer import viewer_of
from replay.views.around import asked, path

SMALL = "small"
_ASKED = re.compile(r"(\d{14})/(.+)", re.DOTALL | re.ASCII)
#: Nothing in such an answer may do anything, whatever a browser takes it for.
_POLICY = "default-src 'none'; sandbox"
#: Seconds for which browsers keep a picture where there are no rules of access.
_KEPT = 3600


def finder() -> Pictures:
    """Finds the pictures of this archive."""
    found: Pictures = current_app.extensions["muniment.pictures"]
    return found


def files() -> PictureFiles:
    """Reads the pictures of this archive."""
    found: PictureFiles = current_app.extensions["muniment.picturefiles"]
    return found


def address(scope: Scope, picture: Picture, size: str = SMALL) -> str:
    """Where a picture is served: small, or of its kind as it is."""
    page = picture.page
    return f"/-/picture/{size}/{scope.slug}/{page.timestamp}/{quote(kept_escapes(page.url), safe=URL_SAFE)}"


def small_ones(scope: Scope, captures: Sequence[Capture]) -> dict[Name, str]:
    """Where the small pictures of captures of one URL are, by `name_of`."""
    found = finder().of(scope, captures)
    chosen = {name: pick(pictures, SMALL_KINDS) for name, pictures in found.items()}
    return {name: address(scope, picture) for name, picture in chosen.items() if picture is not None}


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture on a page.

    Attributes:
        kind: what it shows.
        address: where it is as it was archived.
        small: where it is small.
        timestamp: when it was taken.
    """

    kind: PictureKind
    address: str
    small: str
    timestamp: str


def large_ones(scope: Scope, capture: Capture) -> list[Shown]:
    """All pictures of a capture, the one that shows most first."""
    found = finder().of(scope, (capture,)).get(name_of(capture), ())
    ordered = sorted(found, key=lambda picture: LARGE_KINDS.index(picture.kind))
    return [
        Shown(picture.kind, address(scope, picture, picture.kind), address(scope, picture), picture.record.timestamp)
        for picture in ordered
    ]


@dataclass(frozen=True, slots=True)
class Side:
    """One of two pictures that are compared: where it is, when it was taken, and its size in pixels."""

    address: str
    timestamp: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Compared:
    """Pictures of two captures beside each other.

    Attributes:
        kind: what both show.
        sides: the older and the newer one.
        difference: where the picture of what differs is; "" when they cannot be compared.
        share: how much of the picture differs, 0 to 1.
        size: of the picture of what differs, in pixels.
        others: kinds that both have besides, each with the address of their comparison.
    """

    kind: PictureKind
    sides: tuple[Side, Side]
    difference: str
    share: float
    size: tuple[int, int]
    others: tuple[tuple[PictureKind, str], ...]


def compared(
    finder: Pictures, files: PictureFiles, scope: Scope, older: Capture, newer: Capture, wanted: str
) -> Compared | None:
    """The pictures of two captures of one URL; None when there is no kind of which both have one that can be shown.

    Args:
        finder: of the archive.
        files: of the archive.
        scope: from `Lookup.scope`.
        older: a capture.
        newer: another one.
        wanted: the kind that is asked for, or "".
    """
    found = finder.of(scope, (older, newer))
    have = [{item.kind: item for item in found.get(name_of(capture), ())} for capture in (older, newer)]
    kinds = sorted(have[0].keys() & have[1].keys(), key=lambda kind: (kind != wanted, COMPARED_KINDS.index(kind)))
    if not kinds:
        return None
    kind = kinds[0]
    pair = have[0][kind], have[1][kind]
    made = files.difference(scope, *pair)
    if made is not None:
        sizes = [made.old, made.new]
    else:
        read = [files.archived(scope, picture) for picture in pair]
        sizes = [(found[0].width, found[0].height) for found in read if found is not None]
    if len(sizes) < len(pair):
        return None
    sides = [
        Side(address(scope, picture, kind), picture.record.timestamp, *size) for picture, size in zip(pair, sizes, strict=True)
    ]
    query: dict[str, object] = {"a": older.timestamp, "b": newer.timestamp}
    return Compared(
        kind,
        (sides[0], sides[1]),
        path(scope, "difference", newer.url, **query, kind=kind) if made is not None else "",
        made.share if made is not None else 0,
        (made.width, made.height) if made is not None else (0, 0),
        tuple((other, path(scope, "compare", newer.url, **query, kind=other)) for other in kinds[1:]),
    )


def at(scope: Scope, slug: str, url: str, timestamp: str) -> str:
    """Where the small picture of the capture of a URL in a collection at a time is; "" when there is none."""
    found = finder().at(scope, slug, url, timestamp)
    return "" if found is None else address(scope, found)


def newest(scope: Scope, slug: str, url: str) -> str:
    """Where the small picture of the newest capture of a URL in a collection is; "" when there is none."""
    found = finder().newest(scope, slug, url)
    return "" if found is None else address(scope, found)


def show(size: str, name: str, rest: str) -> BaseResponse:
    """`/-/picture/small|thumbnail|view|full/<collection>/<timestamp>/<url>`: the picture of that capture."""
    lookup: Lookup = current_app.extensions["muniment.lookup"]
    scope = lookup.scope(name, viewer_of(request, running.settings()))
    asked_path = raw_path(request.environ["PATH_INFO"], request.environ.get("QUERY_STRING", ""))
    match = _ASKED.fullmatch(asked_path.partition(f"/-/picture/{size}/{name}/")[2])
    if match is None or size not in (SMALL, *PictureKind):
        raise _absent()
    capture = next(lookup.candidates(scope, repair_url(match.group(2)), match.group(1)), None)
    if capture is None or capture.timestamp != match.group(1):
        raise _absent()
    picture = finder().one(scope, capture, SMALL_KINDS if size == SMALL else (PictureKind(size),))
    if picture is None:
        raise _absent()
    if size == SMALL:
        return _answer(files().small(scope, picture), "image/jpeg")
    found = files().archived(scope, picture)
    return _answer(found[1] if found else None, found[0].mime if found else "")


def difference(name: str) -> BaseResponse:
    """`/<collection>/-/difference?url=…&a=…&b=…&kind=…`: a picture of what differs between those of two captures."""
    ask = asked(name)
    kind = request.args.get("kind", "")
    if kind not in tuple(PictureKind):
        raise _absent()
    pictures = []
    for timestamp in (request.args.get("a", ""), request.args.get("b", "")):
        capture = next(ask.lookup.candidates(ask.scope, ask.url, timestamp), None) if _is_whole(timestamp) else None
        picture = finder().one(ask.scope, capture, (PictureKind(kind),)) if capture is not None else None
        if picture is None or picture.page.timestamp != timestamp:
            raise _absent()
        pictures.append(picture)
    found = files().difference(ask.scope, *pictures)
    return _answer(found.data if found else None, "image/jpeg")


def _answer(data: bytes | None, mime: str) -> BaseResponse:
    """A picture, that says of itself by its bytes that it is one."""
    if data is None:
        raise _absent()
    response = Response(data, mimetype=mime)
    response.headers["Content-Security-Policy"] = _POLICY
    if not current_app.extensions["muniment.holdings"].access.has_any:
        # Of a collection that becomes private no shared cache is to have the picture.
        response.headers["Cache-Control"] = f"private, max-age={_KEPT}"
    response.add_etag()
    return response.make_conditional(request)


def _is_whole(timestamp: str) -> bool:
    return re.fullmatch(r"\d{14}", timestamp, re.ASCII) is not None


def _absent() -> NotFound:
    return NotFound("There is no such picture.", "Look at the captures of the page.")
