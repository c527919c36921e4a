"""The captures of one URL: their list with filters, what changed from one to the next, and two of them side by side."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from flask import current_app, request
from werkzeug.wrappers import Response as BaseResponse

from archiver.index.protocol import STATUS_CLASSES
from archiver.model import Capture
from archiver.textdiff import MOST_LINES, Kind, LinePair, compare
from archiver.timestamps import normalise_timestamp
from archiver.urls import urlkey
from replay.address import ReplayAddress
from replay.kinds import KINDS
from replay.listing import is_repeated, listing, read_filters
from replay.lookup import Scope
from replay.picturefiles import PictureFiles
from replay.pictures import Pictures
from replay.picturewords import PICTURE_WORDS
from replay.versiontexts import CaptureTexts, Version, Versions, versions_of
from replay.views import pictures
from replay.views.around import Asked, absent, asked, being_counted, counts, page, path, seen_by
from replay.views.language import moment, reader_language
from replay.views.versions import rows

#: Lines that are the same, around those that are not, that are shown at once.
_CONTEXT = 3
#: Seconds that a page waits at most for two pictures to be compared.
_PICTURES_WAIT = 2.0
#: Steps of the colour that says how much changed.
_STEPS = 5


def captures(name: str) -> BaseResponse:
    """`/<collection>/-/captures?url=…`: the list, narrowed down by status, type, content and period."""
    ask = asked(name)
    given = {field: value for field, value in request.args.items() if value}
    filters = read_filters(given)
    found = listing(ask.lookup.source(ask.scope), ask.scope.slugs, urlkey(ask.url), filters, given.get("after", ""))
    if not found.looked_at and not ask.lookup.nearest(ask.scope, ask.url, limit=1):
        return absent(ask.lookup, ask.scope, ask.url)
    kept = {
        "status": filters.status,
        "type": filters.kind,
        "content": filters.content,
        "from": filters.since,
        "to": filters.until,
        "order": "newest" if filters.newest_first else "",
    }
    return page(
        "captures.html",
        scope=ask.scope,
        url=ask.url,
        filters=filters,
        statuses=[str(digit) for digit in STATUS_CLASSES],
        kinds=KINDS,
        rows=rows(found.rows, ask.scope),
        looked_at=found.looked_at if found.following and len(found.rows) < 1 else 0,
        following=path(ask.scope, "captures", ask.url, **kept, after=found.following) if found.following else "",
        beginning=path(ask.scope, "captures", ask.url, **kept) if given.get("after") else "",
    )


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A version in the list of changes.

    Attributes:
        version: of the URL.
        time: of its first capture, for people.
        until: of its last one.
        address: where it is shown.
        compared: where it is compared with the one before; "" for the first.
        step: 0 to `_STEPS`: how much changed.
    """

    version: Version
    time: str
    until: str
    address: str
    compared: str
    step: int


def changes(name: str) -> BaseResponse:
    """`/<collection>/-/changes?url=…`: the versions, and how much each differs from the one before."""
    ask = asked(name)
    place, texts = request.args.get("after", ""), _texts()
    found = versions_of(ask.lookup.source(ask.scope), ask.scope.slugs, urlkey(ask.url), place)
    if not found.versions:
        return absent(ask.lookup, ask.scope, ask.url)
    key = ("changes", seen_by(ask.scope), ask.url, _identity(found))
    measured = counts().get(key, lambda: texts.measured(ask.scope, found.versions))
    if measured is None:
        return being_counted(ask, "changes")
    return page(
        "changes.html",
        scope=ask.scope,
        url=ask.url,
        rows=[_change_row(ask, version) for version in measured],
        following=path(ask.scope, "changes", ask.url, after=found.following) if found.following else "",
        beginning=path(ask.scope, "changes", ask.url) if place else "",
    )


def _identity(found: Versions) -> tuple[str, str, int]:
    """What tells pages of versions apart."""
    return found.versions[0].last.timestamp, found.versions[-1].first.timestamp, len(found.versions)


def _change_row(ask: Asked, version: Version) -> ChangeRow:
    first = version.first
    compared = ""
    if (against := version.against or version.before) is not None:
        compared = path(ask.scope, "compare", ask.url, a=against.timestamp, b=first.timestamp)
    step = -(-(version.changed or 0) * _STEPS // 100)
    times = moment(first.timestamp), moment(version.last.timestamp)
    return ChangeRow(version, *times, _address(ask, first), compared, step)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Lines of a comparison; `is_folded`: they are the same, and there are many."""

    pairs: tuple[LinePair, ...]
    is_folded: bool


def comparison(name: str) -> BaseResponse:
    """`/<collection>/-/compare?url=…&a=…&b=…`: the texts of two captures side by side.

    Without `b` the newest is meant, without `a` the one before `b` that is not the same.
    """
    ask = asked(name)
    newer = _at(ask, request.args.get("b", ""))
    older = _at(ask, request.args["a"]) if request.args.get("a") else _different_before(ask, newer)
    if newer is None:
        return absent(ask.lookup, ask.scope, ask.url)
    if older is not None and older.timestamp > newer.timestamp:
        older, newer = newer, older
    if older == newer:
        older = None
    kind = request.args.get("kind", "")
    shown = None
    finder, files = pictures.finder(), pictures.files()
    if older is not None and all(finder.held(ask.scope, item.collection) for item in (older, newer)):
        known_as = ("compare", seen_by(ask.scope), ask.url, older.timestamp, newer.timestamp, kind)
        made = counts().get(known_as, partial(_pictures_of, finder, files, ask.scope, older, newer, kind), wait=_PICTURES_WAIT)
        if made is None:
            return being_counted(ask, "changes")
        shown = made[0]
    found = _texts_of(ask, older, newer)
    diff = compare(*found) if found is not None else None
    return page(
        "compare.html",
        scope=ask.scope,
        url=ask.url,
        older=older,
        newer=newer,
        addresses=[
            ReplayAddress(ask.scope.slug, item.timestamp, "", item.url).path() if item else "" for item in (older, newer)
        ],
        diff=diff,
        stretches=stretches(diff.pairs) if diff is not None else [],
        mimes=[item.mime for item in (older, newer) if item is not None],
        is_same=older is not None and is_repeated(newer, older),
        most_lines=MOST_LINES,
        pictures=shown,
        see=PICTURE_WORDS[reader_language()],
    )


def _pictures_of(
    finder: Pictures, files: PictureFiles, scope: Scope, older: Capture, newer: Capture, kind: str
) -> tuple[pictures.Compared | None]:
    """The pictures of two captures, or that there are none."""
    return (pictures.compared(finder, files, scope, older, newer, kind),)


def _address(ask: Asked, capture: Capture | None) -> str:
    """Where a capture is shown."""
    return "" if capture is None else ReplayAddress(ask.scope.slug, capture.timestamp, "", capture.url).path()


def _texts_of(ask: Asked, older: Capture | None, newer: Capture) -> tuple[str, str] | None:
    """Title and text of two captures; None when one of them has none."""
    if older is None:
        return None
    old, new = _texts().text(ask.scope, older), _texts().text(ask.scope, newer)
    if old is None or new is None:
        return None
    return f"{old.title}\n{old.text}".strip("\n"), f"{new.title}\n{new.text}".strip("\n")


def stretches(pairs: tuple[LinePair, ...]) -> list[Stretch]:
    """Lines in stretches: many that are the same, and are not next to others, are folded."""
    changed = [place for place, pair in enumerate(pairs) if pair.kind is not Kind.SAME]
    near = {place + step for place in changed for step in range(-_CONTEXT, _CONTEXT + 1)}
    found: list[Stretch] = []
    start = 0
    for end in range(1, len(pairs) + 1):
        if end == len(pairs) or (end in near) is not (start in near):
            is_folded = start not in near and end - start > 1
            found.append(Stretch(pairs[start:end], is_folded))
            start = end
    return found


def _texts() -> CaptureTexts:
    found: CaptureTexts = current_app.extensions["muniment.texts"]
    return found


def _at(ask: Asked, timestamp: str) -> Capture | None:
    """The capture nearest to a moment; the newest for ""."""
    digits = timestamp if not timestamp else normalise_timestamp(timestamp)
    found = (
        ask.lookup.nearest(ask.scope, ask.url, digits, limit=1) if digits else ask.lookup.nearest(ask.scope, ask.url, limit=1)
    )
    return found[0] if found else None


def _different_before(ask: Asked, newer: Capture | None) -> Capture | None:
    """The last capture before another one that is not the same as it."""
    if newer is None:
        return None
    source = ask.lookup.source(ask.scope)
    found = versions_of(source, ask.scope.slugs, newer.urlkey, f"{newer.timestamp}-0", limit=1).versions
    return found[0].before if found else None
