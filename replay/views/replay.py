"""Archived responses, shown in a browser."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from urllib.parse import quote, urlsplit

from flask import Response, current_app, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from archiver.errors import DamagedRecord
from archiver.holdings import Holdings
from archiver.markup.charset import SNIFF_BYTES
from archiver.missing import Miss, MissNotes
from archiver.model import Capture, MediaItem
from archiver.timestamps import parse_timestamp
from archiver.urls import path_of, urlkey
from replay import running
from replay.address import ReplayAddress, VersionsAddress, kept_escapes, parse_address, raw_path, read_escapes
from replay.around import Neighbours
from replay.banner import BannerFacts, MediaLink, render_banner
from replay.cdxanswer import shown_file
from replay.circles import leads_in_circle
from replay.delivery import (
    PARTIAL,
    REDIRECTS,
    URL_SAFE,
    cache_control,
    deliver,
    lacking,
    memento_datetime,
    unsatisfiable,
    until_damage,
)
from replay.frameset import frameset_title, render_frameset
from replay.jsonp import Renaming, renaming
from replay.kept import KeptResponses
from replay.load import ArchivedResponse, load
from replay.lookup import Lookup, Scope
from replay.medialinks import MediaLinks
from replay.memento import Place, memento_links, timegate_links
from replay.order import is_spelled
from replay.ranges import Extent
from replay.render import Rendered, render, rules_version
from replay.rewrite.context import RewriteContext
from replay.rewrite.headers import ORIGINAL, as_header, rewrite_headers
from replay.rewrite.select import Inserts, as_markup_of, rewrite_response
from replay.rewrite.sniff import Kind, kind_of
from replay.runtime.bundle import runtime_tag
from replay.viewer import viewer_of
from replay.views import elsewhere, memento, versions
from replay.views.answers import ArchivedAnswer, asked_for, base_address, longer, shown_status, tag_of, taken
from replay.views.errors import missing_part
from replay.views.language import reader_language, size, tongue
from replay.views.refused import refused

logger = logging.getLogger(__name__)

#: Responses up to this size, decoded, are rewritten in memory, looked through for media, and kept.
_WHOLE_BYTES = 2 * 1024 * 1024
_WHOLE_TIMESTAMP = 14  # digits
#: A frameset must have begun by then.
_START_BYTES = 64 * 1024
#: How often a page has sent the very same before, as the client-side runtime counts it.
REPEAT = "X-Archive-Repeat"
#: Responses up to this size that pass as they are, are kept in memory.
_SMALL_BYTES = 64 * 1024
#: What destinations (Fetch Standard, section 2.2.5) make a difference; all others are parts of a page.
_MODES = {"": "page", "document": "page", "empty": "data"}
#: How documents are asked for.
_DOCUMENTS = frozenset({"", "if", "fr"})
#: How clients of Memento ask.
_WITH_NEIGHBOURS = frozenset({"", "if", "fr", "id"})
#: Fields with addresses of this archive.
_ADDRESSES = frozenset({"location", "refresh"})
_HEADER_SAFE = "".join(chr(code) for code in range(0x20, 0x7F))
#: What would make a browser do something with exact bytes. Redirects lead on to exact bytes.
_ACTING = frozenset({"refresh", "link"})


def show(name: str, rest: str) -> BaseResponse:
    """Everything below `/<collection>/`."""
    if request.headers.get("Service-Worker") == "script" or request.headers.get("Sec-Fetch-Dest") == "serviceworker":
        # It would stand between the reader and every other page of the archive.
        return Response("An archived page installs no service worker.", 403, content_type="text/plain; charset=utf-8")
    lookup: Lookup = current_app.extensions["muniment.lookup"]
    scope = lookup.scope(name, viewer_of(request, running.settings()))
    prefix = f"/{name}/"
    path = raw_path(request.environ["PATH_INFO"], request.environ.get("QUERY_STRING", ""))
    address = parse_address(path.partition(prefix)[2] or rest, name)
    if isinstance(address, VersionsAddress):
        return versions.show(lookup, scope, address)
    if address.timestamp and address.modifier in ("", "if", "fr") and request.headers.get("Sec-Fetch-Dest") == "script":
        # A page made up a relative address for import(); modules are asked for as such, so that they are rewritten.
        answer = redirect(quote(replace(address, modifier="esm").path(), safe=URL_SAFE), 302)
        answer.headers["Vary"] = "Sec-Fetch-Dest"
        return answer
    if not address.timestamp and request.method in ("GET", "HEAD") and "Accept-Datetime" in request.headers:
        return memento.negotiated(lookup, scope, address.url)
    return _Replay(lookup, scope, address).answer()


class _Replay:
    """One replay request."""

    def __init__(self, lookup: Lookup, scope: Scope, address: ReplayAddress) -> None:
        self.settings = running.settings()
        self.holdings: Holdings = current_app.extensions["muniment.holdings"]
        self.lookup = lookup
        self.scope = scope
        self.address = address
        self.neighbours: Neighbours = current_app.extensions["muniment.neighbours"]
        self.kept: KeptResponses = current_app.extensions["muniment.kept"]
        self.destination = request.headers.get("Sec-Fetch-Dest", "")
        self.wanted = asked_for(address.url)
        self.is_sent = self.wanted != address.url  # something was sent with the request
        self.is_approximate = False
        self.repeats: Capture | None = None  # the first that repeats what is not held
        self.is_shared = False  # its payload is of another collection, which may be hidden
        # A browser tells modules apart by their address: all of a page's have its time, so that each is there once.
        self.is_in_place = address.modifier == "esm" and len(address.timestamp) == _WHOLE_TIMESTAMP
        self.beyond: Extent | None = None  # what is held when the bytes asked for are not among it

    def answer(self) -> BaseResponse:
        address = self.address
        if (rule := self.lookup.blocked(self.scope, self.wanted, address.timestamp)) is not None:
            return refused(rule, address.url, address.modifier, self.destination)
        for capture in self.captures():
            shown = self.show(capture)
            if shown is not None:
                return shown
        if self.beyond is None and (shown := self.respelled()) is not None:
            return shown
        if self.beyond is None and address.modifier != "id":
            self.is_approximate = True
            for capture in self.lookup.approximate(self.scope, self.wanted, address.timestamp, address.modifier):
                shown = self.show(capture)
                if shown is not None:
                    return shown
        return self.missing()

    def respelled(self) -> BaseResponse | None:
        """To the address of what differs only in case, or in an escape that the server lost; that has its own address."""
        address = self.address
        for capture in self.lookup.respelled(self.scope, address.url, address.timestamp, sent=self.wanted):
            shown = self.show(capture, is_respelled=True)
            if shown is not None:
                return shown
        return None

    def captures(self) -> Iterator[Capture]:
        """What may answer, best first."""
        address = self.address
        if not self.is_sent:
            return self.lookup.candidates(self.scope, address.url, address.timestamp, address.modifier)
        turn = request.headers.get(REPEAT, "")
        if turn.isascii() and turn.isdigit():
            return self.lookup.in_turn(self.scope, address.url, address.timestamp, int(turn[:6]), sent=self.wanted)
        return self.lookup.candidates(self.scope, address.url, address.timestamp, address.modifier, sent=self.wanted)

    def show(self, capture: Capture, *, is_respelled: bool = False) -> BaseResponse | None:
        """The answer with this capture; None when it cannot be opened, leads to itself, or lacks the bytes asked for."""
        # What has a body is not sent twice, and what was asked for is not held under another address of its own.
        is_exact = self.is_sent or self.is_approximate or (self.is_at(capture) and not is_respelled)
        original = self.lookup.original_of(self.scope, capture) if capture.revisit_of else None
        self.is_shared = original is not None and original.collection != capture.collection
        key = self.key(capture, original)
        is_held = capture.revisit_of is None or original is not None
        kept = self.kept.get(key) if is_exact and is_held else None  # who may not see a payload does not get a kept one
        if kept is not None and (kept.is_rewritten or "HTTP_RANGE" not in request.environ):
            return self.rendered(kept, capture, key)
        if not is_held:
            self.repeats = self.repeats or capture
        try:
            found = load(
                self.holdings.store,
                capture,
                original,
                exact=self.address.modifier == "id",
                segments=self.holdings.segments.find,
            )
            try:
                answer = self.opened(found, key) if is_exact else self.redirected(found)
            except BaseException:
                found.close()
                raise
        except DamagedRecord as error:
            logger.warning("%s at %s: %s", capture.url, capture.timestamp, error)
            return None
        if answer is None:
            found.close()
        return answer

    def is_at(self, capture: Capture) -> bool:
        """This is the address of a capture, where the relative URLs of a document lead to the right places."""
        if self.address.timestamp != capture.timestamp and not self.is_in_place:
            return False
        return not self.is_elsewhere(capture)

    def is_elsewhere(self, capture: Capture) -> bool:
        """The same thing has another path there; of parts of pages, which have their own places, it must be no other thing."""
        asked, held = self.address.url, capture.url
        if asked == held:
            return False
        is_document = self.address.modifier in _DOCUMENTS and self.destination != "empty"
        return path_of(asked) != path_of(held) if is_document else not is_spelled(asked, held)

    def redirected(self, found: ArchivedResponse) -> BaseResponse | None:
        """To the address with the exact time of a capture that can be shown."""
        found.begin()
        if self.leads_in_circle(found) or self.lacks(found):
            return None
        url = found.capture.url if self.is_elsewhere(found.capture) else self.address.url
        exact = replace(self.address, collection=self.scope.slug, timestamp=found.capture.timestamp, url=url)
        found.close()
        answer = redirect(quote(exact.path(), safe="/:?#[]@!$&'()*+,;=%~"), 302)
        answer.headers["Vary"] = "Accept-Datetime"
        if not self.address.timestamp:  # this is a TimeGate
            place = Place(base_address(), self.scope.slug, found.capture.url)
            answer.headers["Link"] = timegate_links(place, self.neighbours.of(self.scope, found.capture))
        return answer

    def opened(self, found: ArchivedResponse, key: str) -> Response | None:
        start = found.begin()
        if self.leads_in_circle(found) or self.lacks(found):
            return None
        capture = found.capture
        if found.exact:
            return self.passed(found, key, self.exact_headers(found))
        context = RewriteContext(f"/{self.scope.slug}/", self.moment(capture), capture.url, self.address.modifier)
        if kind_of(found.head.media_type, context.modifier, start[:SNIFF_BYTES]) is Kind.NONE:
            return self.passed(found, key, rewrite_headers(context, found.head))
        has_banner, has_runtime = self.is_page(found), self.destination != "empty"
        body, rest = taken(found.body(), _WHOLE_BYTES)
        if has_banner and (title := frameset_title(body[:_START_BYTES], found.head.charset)) is not None:
            return self.above_frames(found, key, title)
        if rest is not None:
            return self.streamed(context, found, key, chain((body,), rest), has_banner=has_banner, has_runtime=has_runtime)
        status = shown_status(found)
        rendered = render(context, found.head, status, body, has_banner=has_banner, has_runtime=has_runtime)
        found.close()
        self.kept.put(key, rendered)
        return self.rendered(rendered, capture, key)

    def rendered(self, page: Rendered, capture: Capture, key: str) -> Response:
        """A whole response, as just made or as kept."""
        if page.banner_at is None:
            return self.answered(page.body, page.status, page.headers, capture, self.tag(key), is_rewritten=page.is_rewritten)
        banner = render_banner(self.facts(capture, self.media(capture, page.media)))
        return self.answered(page.with_banner(banner), page.status, page.headers, capture, tag_of(key, banner))

    def streamed(
        self,
        context: RewriteContext,
        found: ArchivedResponse,
        key: str,
        body: Iterable[bytes],
        *,
        has_banner: bool,
        has_runtime: bool,
    ) -> Response:
        """A response too long to be held in memory, rewritten as it goes."""
        capture = found.capture
        banner = render_banner(self.facts(capture, ())) if has_banner else ""
        inserts = Inserts(
            runtime_tag(context, found.head) if has_runtime else "",
            as_markup_of(found.head.media_type, banner) if banner else "",
        )
        result = rewrite_response(context, found.head, body, inserts=inserts)
        body = until_damage(result.body, capture)
        return self.answered(body, shown_status(found), result.headers, capture, tag_of(self.tag(key), banner), found.close)

    def passed(self, found: ArchivedResponse, key: str, headers: Iterable[tuple[str, str]]) -> Response:
        """A response that nothing is changed in, or the part of it that is asked for."""
        capture = found.capture
        tag, wanted = self.tag(key), self.range()
        if request.headers.get("If-Range", f'"{tag}"') != f'"{tag}"' or self.renaming(capture):
            wanted = None  # what the browser has the beginning of is another response
        delivery = deliver(found, wanted)
        if delivery.status == 416:
            found.close()
            return Response(status=416, headers=delivery.fields)
        status, length, body = delivery.status or shown_status(found), delivery.length, delivery.body
        sent = [pair for pair in headers if pair[0].lower() != "content-range"]
        sent += delivery.fields
        if length is not None:
            sent.append(("Content-Length", str(length)))
            if length <= _SMALL_BYTES:
                whole = b"".join(body)
                found.close()
                if status == found.status == 200:
                    self.kept.put(key, Rendered(status, tuple(sent), whole, is_rewritten=False))
                return self.answered(whole, status, sent, capture, tag, is_rewritten=False)
        return self.answered(until_damage(body, capture), status, sent, capture, tag, found.close, is_rewritten=False)

    def tag(self, key: str) -> str:
        """The entity tag of what has no banner: what stands in for another thing may be made to fit it."""
        return tag_of(key, self.address.url) if self.is_approximate else key

    def renaming(self, capture: Capture) -> Renaming:
        """What a script that stands in for another is to call."""
        return renaming(capture.url, self.address.url) if self.is_approximate else Renaming()

    @staticmethod
    def range() -> str | None:
        """The Range that counts: of GET only (RFC 9110, section 14.2)."""
        return request.headers.get("Range") if request.method == "GET" else None

    def leads_in_circle(self, found: ArchivedResponse) -> bool:
        return leads_in_circle(self.lookup, self.scope, self.holdings.store, found)

    def lacks(self, found: ArchivedResponse) -> bool:
        """A part of the whole that has none of the bytes asked for, which another capture may have."""
        held = lacking(found, self.range())
        self.beyond = held or self.beyond
        return held is not None

    def above_frames(self, found: ArchivedResponse, key: str, title: str) -> Response:
        """The banner over a frameset, which has no place for it inside."""
        capture = found.capture
        page = render_frameset(
            render_banner(self.facts(capture, ())), title, self.part(capture, capture.url, "if"), reader_language()
        )
        found.close()
        headers = [("Content-Type", "text/html; charset=utf-8")]
        return self.answered(page.encode(), shown_status(found), headers, capture, tag_of(key, page))

    def exact_headers(self, found: ArchivedResponse) -> list[tuple[str, str]]:
        """Fields for the payload as the server sent it; nothing in it may act on this site."""
        capture = found.capture
        context = RewriteContext(f"/{self.scope.slug}/", capture.timestamp, capture.url, "id")
        headers = [pair for pair in rewrite_headers(context, found.head) if pair[0].lower() not in _ACTING]
        for name, shown_as in (("Content-Encoding", "Content-Encoding"), ("Location", f"{ORIGINAL}Location")):
            value = found.head.get(name)
            if value:
                headers.append((shown_as, as_header(value)))
        headers.append(("X-Ts", str(found.status)))  # this and the next as programs look for them
        if not capture.file.startswith("replay+"):  # of another archive's replay nobody knows the file
            headers.append(("X-Archive-Src", shown_file(capture.file)))
        headers.append(("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"))
        return headers

    def is_page(self, found: ArchivedResponse) -> bool:
        """A page in the top window, which gets the banner."""
        return (
            not self.address.modifier
            and self.destination in ("", "document")
            and found.status not in REDIRECTS
            and found.head.media_type in ("text/html", "application/xhtml+xml", "")
        )

    def facts(self, capture: Capture, media: tuple[MediaLink, ...]) -> BannerFacts:
        collection = self.lookup.collection_of(capture)
        organisation = collection.organisation
        return BannerFacts(
            organisation=organisation.name if organisation else "",
            organisation_url=(organisation.url if organisation else "") or f"/{collection.slug}/",
            instance=self.settings.instance_name,
            instance_url=self.settings.instance_url or "/",
            collection=collection.title if self.scope.collection else "",
            collection_url=f"/{collection.slug}/",
            versions_url=VersionsAddress(self.scope.slug, "", capture.url, False).path(),
            captured_at=parse_timestamp(capture.timestamp),
            language=reader_language(),
            media=media,
            asked_for=self.address.url if self.is_approximate else "",
            ways="" if self.is_sent else f"/{self.scope.slug}/{capture.timestamp}/{kept_escapes(capture.url)}",
        )

    def note_missing(self) -> None:
        """Note a part that is missing, where that is wanted; what rules keep from readers is not missing."""
        notes: MissNotes = current_app.extensions["muniment.missing"]
        if not self.settings.record_missing or self.scope.collection is None or request.method != "GET" or self.is_sent:
            return
        if self.scope.gate is not None and self.scope.gate.applying(urlkey(self.address.url)):
            return
        page = urlsplit(request.headers.get("Referer", ""))
        prefix = f"/{self.scope.slug}/"
        if page.netloc != request.host or not page.path.startswith(prefix):
            return
        asking = parse_address(
            read_escapes(page.path)[len(prefix) :] + (f"?{page.query}" if page.query else ""), self.scope.slug
        )
        if isinstance(asking, ReplayAddress) and len(asking.timestamp) == _WHOLE_TIMESTAMP:
            kind = self.destination or self.address.modifier
            notes.note(Miss(self.scope.slug, asking.url, asking.timestamp, self.address.url, kind))

    def media(self, capture: Capture, items: Iterable[MediaItem]) -> tuple[MediaLink, ...]:
        """The archived ones of a page's audio and video."""
        links: MediaLinks = current_app.extensions["muniment.media"]
        return links.of(self.scope, capture, items, size, tongue)

    def part(self, capture: Capture, url: str, modifier: str) -> str:
        return ReplayAddress(self.scope.slug, capture.timestamp, modifier, url).path()

    def key(self, capture: Capture, original: Capture | None) -> str:
        """Names what this address gives of a capture, but for the banner: by payload, mode, and version of the rules.

        Args:
            capture: what is shown.
            original: has the payload that a revisit repeats.
        """
        mode = _MODES.get(self.destination, "part")
        parts: tuple[str, ...] = (
            rules_version(), capture.collection, self.scope.slug, self.moment(capture), capture.url, self.address.modifier,
            mode, capture.digest, capture.file, str(capture.offset),
        )  # fmt: skip
        if original is not None:
            parts += (original.collection, original.file, str(original.offset))
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()

    def answered(
        self,
        body: bytes | Iterable[bytes],
        status: int,
        headers: Iterable[tuple[str, str]],
        capture: Capture,
        tag: str,
        close: Callable[[], object] | None = None,
        *,
        is_rewritten: bool = True,
    ) -> Response:
        """The answer, with what every archived response carries; `close` is called once it is sent."""
        is_final = not is_rewritten and self.is_final(capture, status)
        if "HTTP_IF_NONE_MATCH" in request.environ and request.if_none_match.contains(tag):
            body, status, headers = b"", 304, ()
            if close is not None:
                close()
                close = None
        if status not in (PARTIAL, 304) and (renamed := self.renaming(capture)):
            body, more = renamed.applied((body,) if isinstance(body, bytes) else body)
            headers = longer(headers, more)
        sent = [(name, quote(value, safe=_HEADER_SAFE) if name.lower() in _ADDRESSES else value) for name, value in headers]
        if capture.status is not None and status not in (capture.status, PARTIAL, 304):
            sent.append((f"{ORIGINAL}Status", str(capture.status)))
        sent += (
            ("Memento-Datetime", memento_datetime(capture.timestamp)),
            ("Link", self.links(capture)),
            ("ETag", f'"{tag}"'),
            ("Vary", "Accept-Language, Sec-Fetch-Dest"),
            ("Cache-Control", cache_control(self.scope.collection, is_final=is_final, is_ruled=self.is_ruled(capture))),
        )
        if self.is_approximate:
            shown = ReplayAddress(self.scope.slug, capture.timestamp, self.address.modifier, capture.url).path()
            sent += (("X-Archive-Match", "approximate"), ("Content-Location", quote(shown, safe=URL_SAFE)))
        response = ArchivedAnswer(body, status, sent)
        if close is not None:
            response.call_on_close(close)
        return response

    def links(self, capture: Capture) -> str:
        """The Link field of an archived response (RFC 7089): of documents with their neighbours in time."""
        place = Place(base_address(), self.scope.slug, capture.url)
        if self.address.modifier in _WITH_NEIGHBOURS and self.destination != "empty":
            return self.neighbours.links(self.scope, place, capture)
        return memento_links(place, capture, None)

    def moment(self, capture: Capture) -> str:
        """The time at which what this response names is asked for."""
        return self.address.timestamp if self.is_in_place else capture.timestamp

    def is_final(self, capture: Capture, status: int) -> bool:
        """Unrewritten, the same address will always be answered so: no capture comes nearer, and nobody hides a part of it."""
        address = self.address
        is_very = address.modifier and address.timestamp == capture.timestamp and address.url == capture.url
        is_own = self.scope.collection and not self.is_shared
        return bool(is_very and status in (200, PARTIAL) and is_own and not self.is_sent)

    def is_ruled(self, capture: Capture) -> bool:
        """There are rules for this URL, so that another reader, or the same one later, may be answered otherwise."""
        return self.scope.gate is not None and bool(self.scope.gate.book.covering(capture.urlkey))

    def missing(self) -> BaseResponse:
        address = self.address
        if self.beyond is not None:
            return Response(status=416, headers=unsatisfiable(self.beyond))
        part = missing_part(address.modifier, self.destination)
        if part is not None:
            self.note_missing()
            return part
        nearest = self.lookup.nearest(self.scope, address.url)
        folder = address.url.rpartition("/")[0] + "/"
        if folder.count("/") < 3:
            folder = address.url
        page = render_template(
            "missing.html",
            url=address.url,
            scope=self.scope,
            nearest=nearest,
            repeats=self.lookup.named(self.scope, self.repeats) if self.repeats else None,
            folder=folder,
            under=self.lookup.under(self.scope, folder, limit=20),
            elsewhere=elsewhere.for_missing(self.scope.slug, address.url, address.timestamp),
        )
        return make_response(page, 404)
