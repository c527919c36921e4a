"""`/wayback/available`: whether URLs are held."""

from __future__ import annotations

import json
import time
from itertools import islice

from flask import Response, current_app, request

from archiver.errors import UsageError
from archiver.model import Capture
from archiver.timestamps import normalise_timestamp
from archiver.urls import urlkey
from replay import running
from replay.address import repair_url
from replay.availability import (
    MOST_BYTES,
    Question,
    Side,
    first_version,
    questions_of_body,
    questions_of_form,
    second_version,
    seconds_of,
    with_callback,
)  # fmt: skip
from replay.lookup import ALL, Lookup, Scope
from replay.memento import Place
from replay.order import is_spelled
from replay.viewer import viewer_of
from replay.views.answers import base_address

#: Captures of a URL that are looked at.
_ROWS = 20_000
_NOT_MODIFIED = 304


def available() -> Response:
    """The nearest captures of the URLs that are asked for, in the version of the API that is asked for."""
    try:
        return _answered()
    except UsageError as error:
        return _sent({"message": str(error)}, 400)


def _answered() -> Response:
    lookup: Lookup = current_app.extensions["muniment.lookup"]
    fields = request.args if request.method != "POST" else request.form
    name = request.args.get("collection") or ALL
    scope = lookup.scope(name, viewer_of(request, running.settings()))
    if request.method == "POST" and request.mimetype not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        asked = questions_of_body(request.stream.read(MOST_BYTES + 1), request.mimetype)
    else:
        asked = questions_of_form({key: fields.getlist(key) for key in fields})
    if request.method != "POST" and request.headers.get("Wayback-Api-Version") != "2":
        found = next(lookup.candidates(scope, repair_url(asked[0].url), asked[0].timestamp), None)
        return _sent(first_version(asked[0], found, _address(scope, found)))
    end = time.monotonic() + seconds_of(request.args.get("timeout", ""))
    results = []
    for item in asked:
        if time.monotonic() > end:
            results.append({**second_version(item, None, ""), "timed_out": True})
            continue
        found = _nearest(lookup, scope, item)
        results.append(second_version(item, found, _address(scope, found)))
    return _sent({"results": results})


def _nearest(lookup: Lookup, scope: Scope, asked: Question) -> Capture | None:
    url = repair_url(asked.url)
    key, source = urlkey(url), lookup.source(scope)
    if asked.side is Side.EITHER:
        moment = normalise_timestamp(asked.timestamp, latest=True) if asked.timestamp else "99991231235959"
        found = source.closest(scope.slugs, key, moment)
    elif asked.side is Side.BEFORE:
        found = source.versions(scope.slugs, key, until=asked.timestamp or None, newest_first=True)
    else:
        found = source.versions(scope.slugs, key, since=asked.timestamp or None)
    for capture in islice(found, _ROWS):
        status = capture.status or 200
        is_wanted = status in asked.statuses if asked.statuses else status != _NOT_MODIFIED
        if is_wanted and is_spelled(url, capture.url):
            return capture
    return None


def _address(scope: Scope, found: Capture | None) -> str:
    return Place(base_address(), scope.slug, "").memento(found.timestamp, found.url) if found is not None else ""


def _sent(answer: dict[str, object], status: int = 200) -> Response:
    text, kind = json.dumps(answer, ensure_ascii=False), "application/json; charset=utf-8"
    callback = request.args.get("callback", "")
    if callback and status == 200:
        text, kind = with_callback(text, callback), "text/javascript; charset=utf-8"
    response = Response(text, status, content_type=kind)
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = "no-cache"
    return response
