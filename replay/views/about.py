"""About a capture: its record, its parts, how it is cited; and the page as a file.

Banners lead here from archived pages, whose nets let nothing pass but archived addresses and what is under `/-/`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from tempfile import SpooledTemporaryFile
from threading import BoundedSemaphore
from typing import BinaryIO, cast
from urllib.parse import quote
from uuid import uuid4

from babel.dates import format_timedelta
from flask import Response, current_app, make_response, redirect, render_template, request
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from archiver.collections.catalogue import Catalogue
from archiver.errors import DamagedRecord, NotArchived, StorageFailed
from archiver.export.output import SingleBundle
from archiver.export.run import Exporter, Wish
from archiver.export.selection import Selection
from archiver.holdings import Holdings, utc_now
from archiver.index.database import reading
from archiver.index.tables import crawls
from archiver.model import Capture
from archiver.timestamps import parse_iso, parse_timestamp, to_timestamp
from archiver.urls import urlkey
from replay import running
from replay.aboutwords import ABOUT_WORDS, AboutWords
from replay.address import raw_path, repair_url
from replay.citation import Cited, citations
from replay.coherence import MOST_PARTS, Coherence, Part, Verdict, parts_of, verdict_on
from replay.delivery import URL_SAFE
from replay.load import load
from replay.lookup import Lookup, Scope
from replay.picturewords import PICTURE_WORDS
from replay.portal.words import PORTAL_WORDS
from replay.recordfacts import facts_of
from replay.viewer import viewer_of
from replay.views import pictures
from replay.views.answers import base_address
from replay.views.language import reader_language
from replay.views.refused import refused

_ASKED = re.compile(r"(\d{1,14})/(.+)", re.DOTALL | re.ASCII)
_FORMS = {"warc": "application/warc", "wacz": "application/wacz"}
#: Pages that are made into files at once, in one process; who comes then is asked to wait.
_MAKING = BoundedSemaphore(2)
_SPOOL_BYTES = 16 * 1024 * 1024
_PIECE = 256 * 1024
_SECOND = timedelta(seconds=1)
#: Of the sparkline: bars at most, width of one and height of all, in pixels.
_MOST_BARS, _BAR, _HEIGHT = 72, 4, 28
_MAX_TITLE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class PartRow:
    """A part as a line of the table; `place` is where it stands on the line of time, 0 to 1000."""

    part: Part
    address: str
    said: str
    place: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """A capture that was asked about."""

    lookup: Lookup
    scope: Scope
    capture: Capture


def about(name: str, rest: str) -> BaseResponse:
    """`/-/about/<collection>/<timestamp>/<url>`."""
    asked = _asked(name, f"/-/about/{name}/")
    if not isinstance(asked, _Asked):
        return asked
    settings = running.settings()
    holdings: Holdings = current_app.extensions["muniment.holdings"]
    capture, scope, lookup = asked.capture, asked.scope, asked.lookup
    language = reader_language()
    words = ABOUT_WORDS[language]
    parts = list(parts_of(holdings, lookup, scope, capture))
    verdict = verdict_on(parts)
    collection = lookup.collection_of(capture)
    cited = Cited(
        _title(asked, holdings) or capture.url,
        capture.url,
        parse_timestamp(capture.timestamp),
        f"{base_address()}{scope.slug}/{capture.timestamp}/{capture.url}",
        settings.instance_name,
        collection.title if scope.collection else "",
        utc_now().date(),
    )
    page = render_template(
        "about.html",
        scope=scope,
        capture=capture,
        title=cited.title,
        collection=collection,
        crawl=_crawl(holdings, capture),
        described=Catalogue(holdings.engine).said_of_url(collection.slug, capture.url),
        fields=PORTAL_WORDS[language].fields,
        record=facts_of(holdings, capture),
        verdict=verdict,
        sentences=_sentences(words, verdict, language),
        rows=_rows(words, scope, parts, verdict, language),
        page_at=place_of_page(verdict),
        pictures=pictures.large_ones(scope, capture),
        see=PICTURE_WORDS[language],
        citations=citations(cited),
        cited=cited,
        tell=words,
    )
    answer = make_response(page)
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def earlier(name: str, rest: str) -> BaseResponse:
    """`/-/earlier/<collection>/<timestamp>/<url>`: to the capture before."""
    return _beside(name, "earlier")


def later(name: str, rest: str) -> BaseResponse:
    """`/-/later/<collection>/<timestamp>/<url>`: to the capture after."""
    return _beside(name, "later")


def _beside(name: str, which: str) -> BaseResponse:
    asked = _asked(name, f"/-/{which}/{name}/")
    if not isinstance(asked, _Asked):
        return asked
    here, key = parse_timestamp(asked.capture.timestamp), urlkey(asked.capture.url)
    source = asked.lookup.source(asked.scope)
    if which == "earlier":
        found = source.versions(asked.scope.slugs, key, until=to_timestamp(here - _SECOND), newest_first=True, limit=1)
    else:
        found = source.versions(asked.scope.slugs, key, since=to_timestamp(here + _SECOND), limit=1)
    capture = next(iter(found), asked.capture)
    answer = redirect(_path(asked.scope, capture), 302)
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def download(name: str, form: str, rest: str) -> BaseResponse:
    """`/-/download/warc|wacz/<collection>/<timestamp>/<url>`: the page with all that it embeds, as readers may see it."""
    if form not in _FORMS:
        return Response("A page can be downloaded as warc or wacz.\n", 404, content_type="text/plain; charset=utf-8")
    asked = _asked(name, f"/-/download/{form}/{name}/")
    if not isinstance(asked, _Asked):
        return asked
    if not _MAKING.acquire(blocking=False):
        answer = Response("Other pages are being made into files. Try again.\n", 503, content_type="text/plain; charset=utf-8")
        answer.headers["Retry-After"] = "10"
        return answer
    try:
        return _made(asked, form)
    finally:
        _MAKING.release()


def _made(asked: _Asked, form: str) -> BaseResponse:
    holdings: Holdings = current_app.extensions["muniment.holdings"]
    capture, gate = asked.capture, asked.scope.gate
    wish = Wish(
        Selection(capture.collection, page=capture.url, at=capture.timestamp),
        permitted=None if gate is None else gate.permits,
        public=True,
        describe=False,
    )
    exporter = Exporter(holdings, wish, clock=utc_now, new_id=lambda: f"<urn:uuid:{uuid4()}>")
    spool = cast(BinaryIO, SpooledTemporaryFile(max_size=_SPOOL_BYTES))  # noqa: SIM115 closed by the answer
    try:
        if form == "wacz":
            exporter.wacz(spool)
        else:
            exporter.warcs(SingleBundle(spool))
    except BaseException:
        spool.close()
        raise
    size = spool.seek(0, 2)
    spool.seek(0)
    answer = Response(_pieces(spool), 200, content_type=_FORMS[form])
    suffix = "wacz" if form == "wacz" else "warc.gz"
    answer.headers["Content-Length"] = str(size)
    answer.headers["Content-Disposition"] = f'attachment; filename="{capture.collection}-{capture.timestamp}.{suffix}"'
    answer.headers["Cache-Control"] = "no-store"
    answer.call_on_close(spool.close)
    return answer


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(_PIECE):
        yield piece


def sparkline(name: str, rest: str) -> BaseResponse:
    """`/-/sparkline/<collection>/<timestamp>/<url>`: captures of the URL a month, as a picture."""
    asked = _asked(name, f"/-/sparkline/{name}/")
    if not isinstance(asked, _Asked):
        return asked
    months: Counter[int] = Counter()
    for day in asked.lookup.days(asked.scope, asked.capture.url):
        months[int(day.day[:4]) * 12 + int(day.day[4:6]) - 1] += day.count
    here = int(asked.capture.timestamp[:4]) * 12 + int(asked.capture.timestamp[4:6]) - 1
    answer = Response(drawn(months, here), 200, content_type="image/svg+xml")
    answer.headers["Cache-Control"] = "max-age=60"
    return answer


def drawn(months: Mapping[int, int], here: int) -> str:
    """A bar a month, from the first to the last, that of `here` in another colour; of long times several months are one bar.

    Args:
        months: year × 12 + month → captures.
        here: the month of the capture that is shown.
    """
    first, last = min((*months, here)), max((*months, here))
    step = -(-(last - first + 1) // _MOST_BARS)
    bars: Counter[int] = Counter()
    for month, count in months.items():
        bars[(month - first) // step] += count
    number, highest = (last - first) // step + 1, max(bars.values(), default=1)
    width = _BAR * max(number, 12)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}" viewBox="0 0 {width} {_HEIGHT}">'
        f'<path d="M0 {_HEIGHT - 0.5}H{width}" stroke="#8a8a8a"/>'
    ]
    at = (here - first) // step
    for place, count in sorted(bars.items()):
        height = max(2.0, round(math.log1p(count) / math.log1p(highest) * (_HEIGHT - 4), 1))
        fill = "#b3261e" if place == at else "#2b5f7a"
        out.append(f'<rect x="{place * _BAR}" y="{_HEIGHT - height}" width="{_BAR - 1}" height="{height}" fill="{fill}"/>')
    return "".join(out) + "</svg>"


def _asked(name: str, prefix: str) -> _Asked | BaseResponse:
    """The capture that an address names; where it is not of that very time, the way to that which is."""
    lookup: Lookup = current_app.extensions["muniment.lookup"]
    scope = lookup.scope(name, viewer_of(request, running.settings()))
    path = raw_path(request.environ["PATH_INFO"], request.environ.get("QUERY_STRING", ""))
    match = _ASKED.fullmatch(path.partition(prefix)[2])
    if match is None:
        raise NotArchived("This address names no capture.", "Write a timestamp and a URL.")
    timestamp, url = match.group(1), repair_url(match.group(2))
    if (rule := lookup.blocked(scope, url, timestamp)) is not None:
        return refused(rule, url, "", "document")
    found = next(lookup.candidates(scope, url, timestamp), None)
    if found is None:
        raise NotArchived("This page is not in the archive.", "Look at what is archived under its address.")
    if found.timestamp != timestamp:
        return redirect(f"{prefix}{found.timestamp}/{quote(found.url, safe=URL_SAFE)}", 302)
    return _Asked(lookup, scope, found)


def _path(scope: Scope, capture: Capture) -> str:
    return f"/{scope.slug}/{capture.timestamp}/{quote(capture.url, safe=URL_SAFE)}"


def _title(asked: _Asked, holdings: Holdings) -> str:
    """The title of an HTML page; "" where there is none."""
    from archiver.extract.text import text_of

    capture = asked.capture
    original = asked.lookup.original_of(asked.scope, capture) if capture.revisit_of else None
    try:
        found = load(holdings.store, capture, original, segments=holdings.segments.find)
    except (DamagedRecord, StorageFailed):
        return ""
    body = bytearray()
    try:
        for piece in found.body():
            body += piece
            if len(body) >= _MAX_TITLE_BYTES:
                break
        read = text_of(bytes(body), found.head.media_type, found.head.charset)
    except DamagedRecord:
        return ""
    finally:
        found.close()
    return read.title if read is not None else ""


def _crawl(holdings: Holdings, capture: Capture) -> tuple[str, list[str]] | None:
    """When the crawl began that wrote the capture's file, and from which seeds; None when that is not known."""
    parts = [item.part for item in holdings.files.get(capture.file) if item.part.collection == capture.collection]
    number = parts[0].crawl_id if parts else None
    if number is None:
        return None
    with reading(holdings.engine) as connection:
        row = connection.execute(select(crawls.c.started_at, crawls.c.seeds).where(crawls.c.id == number)).first()
    if row is None:
        return None
    return to_timestamp(parse_iso(row.started_at)), [seed for seed in row.seeds.split("\n") if seed][:3]


# -- words -----------------------------------------------------------------------------------------------------------


def span_of(distance: timedelta, language: str) -> str:
    """A span of time for people."""
    return format_timedelta(abs(distance), granularity="second", threshold=1.5, locale=language)


def _sentences(words: AboutWords, verdict: Verdict, language: str) -> list[str]:
    """The verdict in words, the first sentence first."""
    said = {
        Coherence.ALONE: words.alone,
        Coherence.TOGETHER: words.together,
        Coherence.NEAR: words.near,
        Coherence.APART: words.apart,
    }[verdict.coherence]
    out = [said.format(count=verdict.parts, span=span_of(max(verdict.farthest, _SECOND), language))]
    if verdict.missing:
        out.append(words.missing.format(count=verdict.missing))
    if verdict.is_cut:
        out.append(words.cut.format(count=MOST_PARTS))
    return out


def _rows(words: AboutWords, scope: Scope, parts: list[Part], verdict: Verdict, language: str) -> list[PartRow]:
    """The parts, the farthest first, those that are missing before all."""
    width = max((verdict.latest - verdict.earliest).total_seconds(), 1.0)
    rows = []
    for part in sorted(parts, key=lambda item: (item.capture is not None, -abs(item.distance.total_seconds()), item.url)):
        if part.capture is None:
            rows.append(PartRow(part, "", words.not_held, -1))
            continue
        span = span_of(part.distance, language)
        said = words.same_time
        if part.distance:
            said = (words.before if part.distance < timedelta(0) else words.after).format(span=span)
        if (part.capture.status or 200) >= 400:  # a message of the server's is held, and nothing of the part
            said += f" · HTTP {part.capture.status}"
        place = int((part.distance - verdict.earliest).total_seconds() / width * 1000)
        rows.append(PartRow(part, _path(scope, part.capture), said, place))
    return rows


def place_of_page(verdict: Verdict) -> int:
    """Where the page itself stands on the line of time, 0 to 1000."""
    width = max((verdict.latest - verdict.earliest).total_seconds(), 1.0)
    return int(min(1.0, max(0.0, -verdict.earliest.total_seconds() / width)) * 1000)
