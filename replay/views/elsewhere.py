"""What other archives hold of a URL. Nobody is asked but by a reader's own step, or as the settings say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from urllib.parse import quote, urlsplit

from flask import Response, current_app, make_response, render_template, request

from archiver.elsewhere.answers import Memento
from archiver.elsewhere.asking import Heard, OtherArchives
from archiver.elsewhere.current import AskedArchives
from archiver.errors import InvalidTimestamp
from archiver.settings import Settings
from archiver.timestamps import parse_http_date, parse_timestamp, to_timestamp
from replay import running
from replay.address import raw_path, repair_url
from replay.delivery import URL_SAFE
from replay.elsewhere import FORMATS, nearest, silent, together
from replay.elsewhere import timemap as timemap_of
from replay.elsewherewords import ELSEWHERE_WORDS, ElsewhereWords
from replay.lookup import Lookup, Scope
from replay.memento import Place
from replay.viewer import viewer_of
from replay.views.answers import base_address
from replay.views.errors import problem_page
from replay.views.language import reader_language
from replay.views.refused import refused

#: Seconds that a page waits for other archives: one that is to say that something is missing, and one that is about them.
_MISSING_SECONDS, _ASKED_SECONDS = 1.5, 6.0
#: Of our own captures, how many go into a TimeMap with those of others.
_MOST_OWN = 10_000
_TIMED = re.compile(r"([0-9]{1,14})/(.+)", re.DOTALL | re.ASCII)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What a page says of other archives.

    Attributes:
        words: in the reader's language.
        address: of the page that asks them.
        names: theirs, for people.
        heard: what they said; None when they were not asked.
    """

    words: ElsewhereWords
    address: str
    names: str
    heard: Sequence[Heard] | None

    @staticmethod
    def stamp(memento: Memento) -> str:
        """Its time as 14 digits."""
        return to_timestamp(memento.moment)

    @staticmethod
    def host(memento: Memento) -> str:
        """Where a link leads."""
        return urlsplit(memento.url).hostname or ""


def for_missing(slug: str, url: str, timestamp: str) -> Elsewhere | None:
    """What the page says of other archives that says that something is missing; None when there are none to ask."""
    others, settings = _others(), _settings()
    if not others.archives:
        return None
    heard = None
    if settings.other_archives_asked == "missing" and _is_by_itself() and not _is_ahead_of_need():
        heard = others.nearest(url, _moment(timestamp), _MISSING_SECONDS)
    return _page(slug, url, timestamp, heard)


def _page(slug: str, url: str, timestamp: str, heard: Sequence[Heard] | None) -> Elsewhere:
    address = quote(f"/{slug}/elsewhere/{timestamp}{'/' if timestamp else ''}{url}", safe=URL_SAFE)
    names = ", ".join(archive.name for archive in _others().archives)
    return Elsewhere(ELSEWHERE_WORDS[reader_language()], address, names, heard)


def show(name: str, rest: str) -> Response:
    """`/<collection>/elsewhere/[<timestamp>/]<url>`: asks, and shows what was said."""
    lookup, scope, written = _asked(name, f"/{name}/elsewhere/")
    timed = _TIMED.fullmatch(written)
    timestamp, url = (timed.group(1), timed.group(2)) if timed else ("", written)
    url = repair_url(url)
    if (refusal := _not_asked(lookup, scope, url)) is not None:
        return refusal
    heard = _others().nearest(url, _moment(timestamp), _ASKED_SECONDS)
    elsewhere = _page(scope.slug, url, timestamp, heard)
    return _kept_apart(make_response(render_template("elsewhere.html", url=url, scope=scope, elsewhere=elsewhere)))


def timegate(name: str, rest: str) -> Response:
    """`/<collection>/elsewhere/timegate/<url>`: to the nearest capture, here or elsewhere."""
    lookup, scope, written = _asked(name, f"/{name}/elsewhere/timegate/")
    url = repair_url(written)
    if (refusal := _not_asked(lookup, scope, url)) is not None:
        return refusal
    accepted = request.headers.get("Accept-Datetime")
    try:
        moment = parse_http_date(accepted) if accepted is not None else None
    except InvalidTimestamp as error:
        return _told(f"{error.message} Write Accept-Datetime such as Thu, 31 May 2007 20:35:00 GMT.", 400)
    place = Place(base_address(), scope.slug, url)
    heard = _others().nearest(url, moment, _ASKED_SECONDS)
    own = next(lookup.candidates(scope, url, to_timestamp(moment) if moment else ""), None)
    shown = together(place, [(own.timestamp, own.url)] if own is not None else [], heard)
    if not shown:
        return _told("No capture of this URL is known here or elsewhere.", 404, heard)
    found = nearest(shown, moment)
    answer = _told("", 302, heard)
    answer.headers["Location"] = quote(found.url, safe=URL_SAFE)
    address = f"{place.base}{scope.slug}/elsewhere/timemap/link/{place.in_path()}"
    answer.headers["Link"] = f'<{place.original}>; rel="original", <{address}>; rel="timemap"; type="application/link-format"'
    answer.vary.add("accept-datetime")
    return answer


def timemap(name: str, form: str, rest: str) -> Response:
    """`/<collection>/elsewhere/timemap/<format>/<url>`: all captures, here and elsewhere."""
    lookup, scope, written = _asked(name, f"/{name}/elsewhere/timemap/{form}/")
    if form not in FORMATS:
        return _told(f"TimeMaps of several archives are {' or '.join(FORMATS)}.", 404)
    url = repair_url(written)
    if (refusal := _not_asked(lookup, scope, url)) is not None:
        return refusal
    heard = _others().all_of(url, _ASKED_SECONDS)
    place = Place(base_address(), scope.slug, url)
    own = islice(lookup.versions(scope, url, limit=_MOST_OWN), _MOST_OWN)
    shown = together(place, ((item.timestamp, item.url) for item in own), heard)
    if not shown:
        return _told("No capture of this URL is known here or elsewhere.", 404, heard)
    address = f"{place.base}{scope.slug}/elsewhere/timemap/{form}/{place.in_path()}"
    answer = Response("".join(timemap_of(place, form, shown, heard, address)), content_type=FORMATS[form])
    return _with_silent(answer, heard)


# -- who is asked ------------------------------------------------------------------------------------------------------


def _not_asked(lookup: Lookup, scope: Scope, url: str) -> Response | None:
    """Why nobody is asked; None when they may be."""
    if not _others().archives:
        return _kept_apart(problem_page("This archive asks no other archives.", "", 404))
    if (rule := lookup.blocked(scope, url, "")) is not None:
        return refused(rule, url)
    if _is_ahead_of_need():
        return _kept_apart(Response(status=503))
    if not _is_by_itself():
        return _told("A page cannot have other archives asked: only its reader can.", 403)
    return None


def _is_by_itself() -> bool:
    """A reader opens an address, or a program asks: not a script or a part of an archived page, which know ours."""
    return request.headers.get("Sec-Fetch-Dest", "") in ("", "document")


def _is_ahead_of_need() -> bool:
    """A browser fetches what nobody has asked to see yet."""
    return "prefetch" in request.headers.get("Sec-Purpose", "") or "prefetch" in request.headers.get("Purpose", "")


def _others() -> OtherArchives:
    asked: AskedArchives = current_app.extensions["muniment.elsewhere"]
    return asked.current()


def _settings() -> Settings:
    return running.settings()


def _asked(name: str, prefix: str) -> tuple[Lookup, Scope, str]:
    lookup: Lookup = current_app.extensions["muniment.lookup"]
    scope = lookup.scope(name, viewer_of(request, _settings()))
    written = raw_path(request.environ["PATH_INFO"], request.environ.get("QUERY_STRING", "")).partition(prefix)[2]
    return lookup, scope, written


def _moment(timestamp: str) -> datetime | None:
    return parse_timestamp(timestamp) if timestamp else None


def _told(sentence: str, status: int, heard: Sequence[Heard] = ()) -> Response:
    text = f"{sentence}\n" if sentence else ""
    return _with_silent(Response(text, status, content_type="text/plain; charset=utf-8"), heard)


def _with_silent(answer: Response, heard: Sequence[Heard]) -> Response:
    if said := silent(heard):
        answer.headers["X-Archives-Silent"] = said
    return _kept_apart(answer)


def _kept_apart(answer: Response) -> Response:
    """Kept by no cache, and in no search engine: who follows links for a machine should not have others asked."""
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer
