"""TimeGates and TimeMaps (RFC 7089)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import chain

from flask import Response, current_app, request

from archiver.errors import InvalidTimestamp
from archiver.index.protocol import Row
from archiver.index.query import KeyRange
from archiver.timestamps import parse_http_date, parse_timestamp, to_timestamp
from archiver.urls import urlkey
from replay import running
from replay.address import raw_path, repair_url
from replay.around import Neighbours
from replay.cdxlines import pieces
from replay.lookup import Lookup, Scope
from replay.memento import FORMATS, Held, PageOf, Place, timegate_links, timemap, timemap_index
from replay.viewer import viewer_of
from replay.views.answers import base_address
from replay.views.refused import blocked_by, status_of

#: Captures in one TimeMap; of more there are pages.
PAGE = 10_000
_PAGE = re.compile(r"([0-9]{14})/(.+)", re.DOTALL | re.ASCII)


def timegate(name: str, rest: str) -> Response:
    """`/<collection>/timegate/<url>`."""
    lookup, scope = _asked(name)
    return negotiated(lookup, scope, repair_url(_rest_of_path(f"/{name}/timegate/")))


def negotiated(lookup: Lookup, scope: Scope, url: str) -> Response:
    """To the capture that is nearest to the time that the request accepts, or to the newest."""
    place = Place(base_address(), scope.slug, url)
    accepted = request.headers.get("Accept-Datetime")
    try:
        timestamp = to_timestamp(parse_http_date(accepted)) if accepted is not None else ""
    except InvalidTimestamp as error:
        return _told(f"{error.message} Write Accept-Datetime such as Thu, 31 May 2007 20:35:00 GMT.", 400, place)
    found = next(lookup.candidates(scope, url, timestamp), None)
    if found is None:
        if (rule := lookup.blocked(scope, url, timestamp)) is not None:
            told = _told(rule.message or "What is held of this URL may not be shown.", status_of(rule), place)
            if told.status_code == 451:
                told.headers["Link"] += ", " + blocked_by(running.settings(), request.host_url)
            return told
        return _told("No capture of this URL is held.", 404, place)
    neighbours: Neighbours = current_app.extensions["muniment.neighbours"]
    response = Response(status=302, headers={"Location": place.memento(found.timestamp, found.url)})
    response.headers["Link"] = timegate_links(place, neighbours.of(scope, found))
    return _negotiable(response)


def _told(sentence: str, status: int, place: Place) -> Response:
    response = Response(f"{sentence}\n", status, content_type="text/plain; charset=utf-8")
    response.headers["Link"] = timegate_links(place, None)
    return _negotiable(response)


def _negotiable(response: Response) -> Response:
    response.headers["Vary"] = "accept-datetime"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = "no-cache"
    return response


def timemap_of(name: str, form: str, rest: str) -> Response:
    """`/<collection>/timemap/<format>/<url>`, or a page of it."""
    lookup, scope = _asked(name)
    if form not in FORMATS:
        return Response(f"TimeMaps are {', '.join(FORMATS)} or cdx.\n", 404, content_type="text/plain; charset=utf-8")
    written = _rest_of_path(f"/{name}/timemap/{form}/")
    page = _PAGE.fullmatch(written)
    start, written = (page.group(1), page.group(2)) if page else ("", written)
    place = Place(base_address(), scope.slug, repair_url(written))
    key = urlkey(place.url)
    batches = lookup.scan_rows(scope, (KeyRange.exactly(key),), since=start or None)
    rows = _Peeked(_held(batches))
    held = _taken(rows)
    if not held:
        return _told("No capture of this URL is held.", 404, place)
    if start:
        earlier = to_timestamp(parse_timestamp(start) - timedelta(seconds=1))
        before = lookup.source(scope).versions(scope.slugs, key, until=earlier, limit=1, newest_first=True)
        lines = timemap(place, form, held, start=start, is_first=next(iter(before), None) is None, is_last=rows.peek is None)
    elif rows.peek is None:
        lines = timemap(place, form, held)
    else:
        lines = timemap_index(place, form, chain((_page(held),), map(_page, iter(lambda: _taken(rows), []))))
    response = Response(pieces(lines), content_type=FORMATS[form])
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = "no-cache"
    return response


class _Peeked:
    """Captures one after the other, with a look at the next."""

    def __init__(self, held: Iterator[Held]) -> None:
        self._held = held
        self.peek = next(held, None)

    def take(self) -> Held:
        """The next; there must be one."""
        taken = self.peek
        assert taken is not None
        self.peek = next(self._held, None)
        return taken


def _held(batches: Iterator[Sequence[Row]]) -> Iterator[Held]:
    for batch in batches:
        yield from ((f"{row[1]:014d}", row[2]) for row in batch)


def _taken(rows: _Peeked) -> list[Held]:
    """A page: so many captures, and the rest of the last one's second."""
    taken: list[Held] = []
    while rows.peek is not None and (len(taken) < PAGE or rows.peek[0] == taken[-1][0]):
        taken.append(rows.take())
    return taken


def _page(held: Sequence[Held]) -> PageOf:
    return PageOf(held[0][0], held[-1][0])


def _asked(name: str) -> tuple[Lookup, Scope]:
    lookup: Lookup = current_app.extensions["muniment.lookup"]
    return lookup, lookup.scope(name, viewer_of(request, running.settings()))


def _rest_of_path(prefix: str) -> str:
    """What follows in the path, with its query."""
    return raw_path(request.environ["PATH_INFO"], request.environ.get("QUERY_STRING", "")).partition(prefix)[2]
