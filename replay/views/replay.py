"""Archived responses, shown in a browser."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from urllib.parse import quote

from flask import Response, current_app, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from archiver.errors import DamagedRecord
from archiver.holdings import Holdings
from archiver.model import Capture
from archiver.settings import Settings
from archiver.timestamps import parse_timestamp, to_http_date
from archiver.urls import is_http, resolve, strip_fragment, urlkey
from replay.address import ReplayAddress, VersionsAddress, parse_address, raw_path
from replay.banner import BannerFacts, MediaLink, render_banner
from replay.frameset import frameset_title, render_frameset
from replay.load import ArchivedResponse, load
from replay.lookup import Lookup, Scope
from replay.rewrite.context import RewriteContext
from replay.rewrite.headers import rewrite_headers
from replay.rewrite.select import Inserts, rewrite_response
from replay.runtime.bundle import runtime_tag, runtime_version
from replay.views import versions
from replay.views.errors import missing_part
from replay.views.language import reader_language

#: Raise when rewriting changes, so that browsers ask again.
RULES_VERSION = "1"

#: Pages up to this size are searched for media before they are sent.
_MEDIA_SCAN_BYTES = 2 * 1024 * 1024
#: A frameset must have begun by then.
_START_BYTES = 64 * 1024
_MAY_HAVE_MEDIA = re.compile(rb"<(?:audio|video)|\.(?:mp[34]|webm|og[gvma]|m4[av]|wav|flac|opus|mov)\b", re.IGNORECASE)
_FRAME_DESTINATIONS = frozenset({"iframe", "frame", "embed", "object", "fencedframe"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def show(name: str, rest: str) -> BaseResponse:
    """Everything below `/<collection>/`."""
    lookup: Lookup = current_app.extensions["muniment.lookup"]
    scope = lookup.scope(name)
    prefix = f"/{name}/"
    path = raw_path(request.environ["PATH_INFO"], request.environ.get("QUERY_STRING", ""))
    address = parse_address(path.partition(prefix)[2] or rest, name)
    if isinstance(address, VersionsAddress):
        return versions.show(lookup, scope, address)
    return _Replay(lookup, scope, address).answer()


class _Replay:
    """One replay request."""

    def __init__(self, lookup: Lookup, scope: Scope, address: ReplayAddress) -> None:
        self.settings: Settings = current_app.config["SETTINGS"]
        self.holdings: Holdings = current_app.extensions["muniment.holdings"]
        self.lookup = lookup
        self.scope = scope
        self.address = address
        self.destination = request.headers.get("Sec-Fetch-Dest", "")

    def answer(self) -> BaseResponse:
        found = self.find()
        if found is None:
            return self.missing()
        capture = found.capture
        exact = ReplayAddress(self.scope.slug, capture.timestamp, self.address.modifier, self.address.url)
        if self.address.timestamp != capture.timestamp:
            found.close()
            answer = redirect(quote(exact.path(), safe="/:?#[]@!$&'()*+,;=%~"), 302)
            answer.headers["Vary"] = "Accept-Datetime"
            return answer
        tag = self.tag(capture)
        if request.if_none_match.contains(tag):
            found.close()
            return self.finish(make_response("", 304), capture, tag)
        if self.address.modifier == "id":
            return self.finish(self.exact(found), capture, tag)
        return self.finish(self.rewritten(found), capture, tag)

    def find(self) -> ArchivedResponse | None:
        """The best capture that can be opened and is no redirect to itself."""
        address = self.address
        for capture in self.lookup.candidates(self.scope, address.url, address.timestamp, address.modifier):
            original = self.lookup.original_of(self.scope, capture) if capture.revisit_of else None
            try:
                found = load(self.holdings.store, capture, original)
            except DamagedRecord as error:
                current_app.logger.warning("%s at %s: %s", capture.url, capture.timestamp, error)
                continue
            if found.status in _REDIRECTS and _leads_to_itself(found):
                found.close()
                continue
            return found
        return None

    def rewritten(self, found: ArchivedResponse) -> Response:
        capture = found.capture
        context = RewriteContext(f"/{self.scope.slug}/", capture.timestamp, capture.url, self.address.modifier)
        body: Iterable[bytes] = found.body()
        inserts = Inserts()
        if self.is_page(found):
            start, body = _start_of(body)
            title = frameset_title(start, found.head.charset)
            if title is not None:
                return self.above_frames(found, title)
            body, media = self.media(found, body)
            inserts = Inserts(body=render_banner(self.facts(capture, media)))
        if self.destination != "empty":
            inserts = replace(inserts, head=runtime_tag(context))
        result = rewrite_response(context, found.head, body, inserts=inserts)
        response = Response(result.body, found.status, direct_passthrough=False)
        _set_headers(response, result.headers)
        response.call_on_close(found.close)
        if found.status in (401, 407):
            response.status_code = 403  # a challenge would open the browser's login window
        return response

    def above_frames(self, found: ArchivedResponse, title: str) -> Response:
        """The banner over a frameset, which has no place for it inside."""
        capture = found.capture
        banner = render_banner(self.facts(capture, ()))
        page = render_frameset(banner, title, self.part(capture, capture.url, "if"), reader_language())
        found.close()
        return Response(page, found.status, content_type="text/html; charset=utf-8")

    def exact(self, found: ArchivedResponse) -> Response:
        """The payload as the server sent it; nothing in it may act on this site."""
        capture = found.capture
        context = RewriteContext(f"/{self.scope.slug}/", capture.timestamp, capture.url, "id")
        headers = [
            pair for pair in rewrite_headers(context, found.head) if pair[0].lower() not in ("location", "refresh", "link")
        ]
        encoding = found.head.get("Content-Encoding")
        if encoding:
            headers.append(("Content-Encoding", encoding))
        location = found.head.get("Location")
        if location:
            headers.append(("X-Archive-Orig-Location", location.encode("utf-8").decode("latin-1")))
        response = Response(found.body(exact=True), found.status)
        _set_headers(response, headers)
        response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        response.call_on_close(found.close)
        return response

    def is_page(self, found: ArchivedResponse) -> bool:
        """A page in the top window, which gets the banner."""
        return (
            not self.address.modifier
            and self.destination not in _FRAME_DESTINATIONS
            and self.destination in ("", "document")
            and found.status not in _REDIRECTS
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
        )

    def media(self, found: ArchivedResponse, body: Iterable[bytes]) -> tuple[Iterable[bytes], tuple[MediaLink, ...]]:
        """The page's archived audio and video; and its body, which had to be looked at."""
        pieces, size = [], 0
        rest = iter(body)
        for piece in rest:
            pieces.append(piece)
            size += len(piece)
            if size > _MEDIA_SCAN_BYTES:
                return chain(pieces, rest), ()
        page = b"".join(pieces)
        if not _MAY_HAVE_MEDIA.search(page):
            return pieces, ()
        from archiver.extract.media import media_inventory  # BeautifulSoup is slow to import, and few pages need it

        capture = found.capture
        links = []
        for item in media_inventory(page, url=capture.url, http_charset=found.head.charset):
            for url in (item.url, *item.alternatives):
                held = next(self.lookup.candidates(self.scope, url, capture.timestamp, "oe"), None)
                if held is not None and (held.status or 200) < 400:
                    poster = self.part(capture, item.poster, "im") if item.poster else ""
                    links.append(MediaLink(self.part(capture, url, "oe"), item.kind, item.title, poster, item.mime))
                    break
        return pieces, tuple(links)

    def part(self, capture: Capture, url: str, modifier: str) -> str:
        return ReplayAddress(self.scope.slug, capture.timestamp, modifier, url).path()

    def tag(self, capture: Capture) -> str:
        collection = self.lookup.collection_of(capture)
        parts = (
            RULES_VERSION, runtime_version(),
            capture.file, str(capture.offset), capture.timestamp, self.address.modifier, self.scope.slug,
            reader_language(), self.destination, collection.title, self.settings.instance_name,
            collection.organisation.name if collection.organisation else "",
        )  # fmt: skip
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    def finish(self, response: Response, capture: Capture, tag: str) -> Response:
        """What every archived response carries."""
        moment = parse_timestamp(capture.timestamp)
        response.headers["Memento-Datetime"] = to_http_date(moment)
        original = f'<{quote(capture.url, safe=_URL_SAFE)}>; rel="original"'
        response.headers["Link"] = ", ".join(filter(None, (response.headers.get("Link"), original)))
        response.set_etag(tag)
        response.headers["Vary"] = "Accept-Language, Sec-Fetch-Dest"
        is_part = bool(self.address.modifier)
        response.headers["Cache-Control"] = "max-age=31536000, immutable" if is_part else "no-cache"
        response.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin", "*") if is_part else "*"
        return response

    def missing(self) -> BaseResponse:
        address = self.address
        part = missing_part(address.modifier, self.destination)
        if part is not None:
            return part
        nearest = list(self.holdings.index.closest(self.scope.slugs, urlkey(address.url), "99991231235959"))[:5]
        folder = address.url.rpartition("/")[0] + "/"
        if folder.count("/") < 3:
            folder = address.url
        page = render_template(
            "missing.html",
            url=address.url,
            scope=self.scope,
            nearest=nearest,
            folder=folder,
            under=self.lookup.under(self.scope, folder, limit=20),
        )
        return make_response(page, 404)


_URL_SAFE = "/:?#[]@!$&'()*+,;=%~|^`{}-._"


def _start_of(body: Iterable[bytes]) -> tuple[bytes, Iterable[bytes]]:
    """The first bytes of a body, and all of it."""
    pieces: list[bytes] = []
    size = 0
    rest = iter(body)
    for piece in rest:
        pieces.append(piece)
        size += len(piece)
        if size >= _START_BYTES:
            break
    return b"".join(pieces), chain(pieces, rest)


def _leads_to_itself(found: ArchivedResponse) -> bool:
    """A redirect whose target is found under the same key would go round for ever."""
    location = found.head.get("Location")
    if not location:
        return False  # no redirect to browsers either: they show its body
    target = resolve(found.capture.url, location)
    return target is not None and is_http(target) and urlkey(strip_fragment(target)) == found.capture.urlkey


def _set_headers(response: Response, headers: Iterable[tuple[str, str]]) -> None:
    response.headers.remove("Content-Type")
    for name, value in headers:
        response.headers.add(name, quote(value, safe=_HEADER_SAFE) if name.lower() in ("location", "refresh") else value)


_HEADER_SAFE = "".join(chr(code) for code in range(0x20, 0x7F))
