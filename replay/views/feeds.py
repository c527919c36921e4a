"""Captures for programs: feeds of what changed, and numbers for calendars and sparklines."""

from __future__ import annotations

from itertools import islice

from flask import Response, current_app, jsonify, request
from werkzeug.wrappers import Response as BaseResponse

from archiver.errors import UsageError
from archiver.urls import urlkey
from replay import running
from replay.address import ReplayAddress
from replay.changewords import CHANGE_WORDS
from replay.feeds import ATOM, Entry, Feed, atom
from replay.kinds import KINDS
from replay.listing import is_repeated, period_digits
from replay.prefixes import MOST_CHANGES, Change, newest_changes
from replay.sparkline import days_of_year, sparkline, times_of_day
from replay.versiontexts import versions_of
from replay.views.answers import base_address
from replay.views.around import Asked, absent, asked, counts, path, seen_by, tabs
from replay.views.language import moment, reader_language

#: Seconds after which a program may ask again for what is being counted, and for which it need not ask again.
_AGAIN = "30"
#: Seconds that a program waits for what is being counted: it asks once in an hour, not again and again.
_PATIENCE = 20.0
#: Parts of the history of a URL that are looked through for changes.
_MOST_PARTS = 4
#: Captures of a day that are told.
_MOST_OF_DAY = 10_000


def feed(name: str) -> BaseResponse:
    """`/<collection>/-/feed?url=…`: the newest changes of a URL; with `match`, of all pages under it.

    Other kinds than pages are told where `type` names one; an empty one means all.
    """
    ask, tell = asked(name), CHANGE_WORDS[reader_language()]
    if not request.args.get("match"):
        found = _changes_of_one(ask)
        if not found:
            return absent(ask.lookup, ask.scope, ask.url)
        return _answer(ask, tell.changes_of.format(url=ask.url), tabs(ask.scope, ask.url)[2][1], found)
    kind = request.args.get("type", "page")
    kind = kind if kind in KINDS else ""
    source, slugs = ask.lookup.source(ask.scope), ask.scope.slugs
    key = ("feed", seen_by(ask.scope), ask.ranges, kind)
    many = counts().get(key, lambda: newest_changes(source, slugs, ask.ranges, kind), _PATIENCE)
    if many is None:
        return Response(status=503, headers={"Retry-After": _AGAIN})
    return _answer(ask, tell.changes_under.format(url=ask.url), tabs(ask.scope, ask.url)[3][1], many)


def _changes_of_one(ask: Asked) -> list[Change]:
    found: list[Change] = []
    place = ""
    for _ in range(_MOST_PARTS):
        part = versions_of(ask.lookup.source(ask.scope), ask.scope.slugs, urlkey(ask.url), place)
        for version in part.versions:
            first = version.first
            before = version.before.timestamp if version.before is not None else ""
            if not is_repeated(first, version.before):
                found.append(Change(first.url, first.timestamp, before, first.status, first.mime))
        if not part.following or len(found) >= MOST_CHANGES:
            break
        place = part.following
    return found[:MOST_CHANGES]


def _answer(ask: Asked, title: str, page: str, found: list[Change]) -> Response:
    settings = running.settings()
    base = base_address().rstrip("/")
    query = request.query_string.decode("latin-1")
    made = Feed(
        f"{title} · {settings.instance_name}",
        f"{base}/{ask.scope.slug}/-/feed?{query}",
        base + page,
        settings.instance_name,
        reader_language(),
        [_entry(ask, base, change) for change in found],
    )
    return Response(atom(made, current_app.extensions["muniment.holdings"].access.now()), content_type=ATOM)


def _entry(ask: Asked, base: str, change: Change) -> Entry:
    say = CHANGE_WORDS[reader_language()]
    text = say.changed_since.format(time=moment(change.before)) if change.before else say.first_capture
    compared = path(ask.scope, "compare", change.url, a=change.before, b=change.timestamp) if change.before else ""
    return Entry(
        f"{change.url} · {moment(change.timestamp)}",
        change.timestamp,
        base + ReplayAddress(ask.scope.slug, change.timestamp, "", change.url).path(),
        base + compared if compared else "",
        f"{text} · {change.status or '–'} {change.mime}",
    )


def spark(name: str) -> BaseResponse:
    """`/<collection>/-/sparkline?url=…`: captures a month, and of which status most are."""
    ask = asked(name)
    months = ask.lookup.months(ask.scope, ask.url)
    if not months:
        return _nothing(ask)
    source, key = ask.lookup.source(ask.scope), urlkey(ask.url)
    first = next(iter(source.versions(ask.scope.slugs, key, limit=1)))
    last = next(iter(source.versions(ask.scope.slugs, key, limit=1, newest_first=True)))
    return jsonify(sparkline(months, first.timestamp, last.timestamp))


def calendar_captures(name: str) -> BaseResponse:
    """`/<collection>/-/calendarcaptures?url=…&date=YYYY&groupby=day`: days of a year; `date=YYYYMMDD`: captures of a day."""
    ask = asked(name)
    date = period_digits(request.args.get("date", ""))
    if len(date) not in (4, 8):
        raise UsageError("A year (date=2016) or a day (date=20160810) has to be asked for.")
    days = ask.lookup.days(ask.scope, ask.url, date)
    if not days and not ask.lookup.months(ask.scope, ask.url):
        return _nothing(ask)
    if len(date) == 4:
        return jsonify({"items": days_of_year(days)})
    source = ask.lookup.source(ask.scope)
    found = list(islice(source.versions(ask.scope.slugs, urlkey(ask.url), since=date, until=date), _MOST_OF_DAY))
    return jsonify({"items": times_of_day(found, ask.scope.slugs), "colls": [[slug] for slug in ask.scope.slugs]})


def _nothing(ask: Asked) -> BaseResponse:
    """The answer for programs where nothing may be seen; it says what a reader would be told."""
    status = absent(ask.lookup, ask.scope, ask.url).status_code
    answer = jsonify({"error": {"type": "not-found" if status == 404 else "blocked"}})
    answer.status_code = status
    return answer
