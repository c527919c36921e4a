"""Answers to the proxy's clients from the archive, and from nowhere else."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from urllib.parse import quote

from archiver.collections.access import Rule, Viewer
from archiver.errors import BodyLimitExceeded, DamagedRecord
from archiver.holdings import Holdings
from archiver.message import ContentDecoder
from archiver.model import Capture
from archiver.requestkey import with_request
from replay.circles import leads_in_circle
from replay.delivery import PARTIAL, URL_SAFE, deliver, lacking, memento_fields, unsatisfiable
from replay.jsonp import Renaming, renaming
from replay.load import ArchivedResponse, load
from replay.lookup import Lookup, Scope
from replay.proxy.exchange import Answer, Asked, field
from replay.proxy.fields import archived_fields, clean
from replay.ranges import Extent, single_range
from replay.rewrite.headers import ORIGINAL
from replay.viewer import viewer_from

logger = logging.getLogger(__name__)

#: Destinations (Fetch Standard, section 2.2.5) that an archived error serves as well as anything.
_PAGES_AND_DATA = frozenset({"", "document", "iframe", "frame", "empty"})
#: Decoded bytes that are enough to believe a Content-Encoding.
_BELIEVED_BYTES = 1024 * 1024
_NO_WEIGHT = re.compile(r"\s*q\s*=\s*0(?:\.0*)?\s*")


@dataclass(frozen=True, slots=True)
class Withheld(Exception):
    """A rule of access keeps what was asked for from the client, and says so."""

    rule: Rule


class Archive:
    """What the archive has for a request.

    Args:
        holdings: the opened archive.
    """

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._lookup = Lookup(holdings)

    def scope(self, collection: str, asked: Asked) -> Scope:
        """What the client that asks may see of a collection.

        Raises:
            UnknownCollection: there is none of that name, or it is private.
        """
        return self._lookup.scope(collection, self._viewer(asked))

    def listed(self, asked: Asked) -> list[tuple[str, str]]:
        """Names and titles of the collections of which the client that asks may know."""
        return [(item.slug, item.title) for item in self._lookup.listed(self._viewer(asked))]

    def _viewer(self, asked: Asked) -> Viewer:
        settings = self._holdings.settings
        groups = asked.get(settings.groups_header.lower()) if settings.groups_header else ""
        return viewer_from(asked.client, asked.get(settings.forwarded_header.lower()), groups, settings)

    def answer(self, asked: Asked, scope: Scope, timestamp: str) -> Answer | None:
        """The capture that comes nearest, as it was captured; None when there is none.

        Args:
            asked: the request.
            scope: where to look.
            timestamp: 1 to 14 digits; "" for the newest.

        Raises:
            Withheld: it is held, and a rule says that it may not be shown.
        """
        url = with_request(asked.url, asked.method, asked.get("content-type"), asked.body)
        if (rule := self._lookup.blocked(scope, url, timestamp)) is not None:
            raise Withheld(rule)
        destination = asked.get("sec-fetch-dest")
        modifier = "" if destination in _PAGES_AND_DATA else "oe"
        exact = self._lookup.candidates(scope, asked.url, timestamp, modifier, sent=url)
        answer = self._first(asked, scope, timestamp, exact, is_approximate=False)
        if answer is not None:
            return answer
        if asked.method in ("GET", "HEAD"):
            respelled = next(self._lookup.respelled(scope, asked.url, timestamp), None)
            if respelled is not None:
                return _moved(respelled)
        if destination == "document" or (not destination and "text/html" in asked.get("accept")):
            return None  # nothing in an unchanged page could say that it is another one
        alike = self._lookup.approximate(scope, url, timestamp, "oe")
        return self._first(asked, scope, timestamp, alike, is_approximate=True)

    def _first(
        self, asked: Asked, scope: Scope, timestamp: str, captures: Iterable[Capture], *, is_approximate: bool
    ) -> Answer | None:
        """The answer with the first capture that can give one; None when none can."""
        beyond: Extent | None = None
        for capture in captures:
            renamed = renaming(capture.url, asked.url) if is_approximate else Renaming()
            wanted = None if renamed else _range_of(asked, capture)
            is_decoded = bool(renamed) or single_range(wanted) is not None
            try:
                found = self._opened(asked, scope, capture, is_decoded=is_decoded)
            except DamagedRecord as error:
                logger.warning("%s at %s: %s", capture.url, capture.timestamp, error)
                continue
            try:
                held = lacking(found, wanted)
                beyond = held or beyond
                if held is None and not leads_in_circle(self._lookup, scope, self._holdings.store, found, moment=timestamp):
                    return _answer(asked, found, wanted, renamed, is_approximate=is_approximate)
            except DamagedRecord as error:
                logger.warning("%s at %s: %s", capture.url, capture.timestamp, error)
            except BaseException:
                found.close()
                raise
            found.close()
        return Answer(416, [field(*pair) for pair in unsatisfiable(beyond)], (), 0) if beyond else None

    def _opened(self, asked: Asked, scope: Scope, capture: Capture, *, is_decoded: bool) -> ArchivedResponse:
        """The record of a capture, to be read as the server encoded it if the client can decode that.

        Args:
            asked: the request.
            scope: where originals of what is repeated are looked for.
            capture: what is opened.
            is_decoded: it is to be decoded in any case.
        """
        original = self._lookup.original_of(scope, capture) if capture.revisit_of else None
        found = load(self._holdings.store, capture, original, segments=self._holdings.segments.find)
        codings = found.head.tokens("Content-Encoding")
        try:
            found.exact = bool(codings) and not is_decoded and _accepted(asked) >= {_usual(coding) for coding in codings}
            start = found.begin()
            if found.exact and not _is_encoded(start, codings):
                found.close()
                found = load(self._holdings.store, capture, original, segments=self._holdings.segments.find)
                found.begin()
        except BaseException:
            found.close()
            raise
        return found


def _moved(capture: Capture) -> Answer:
    """What is asked for differs only in case or escapes from what is held: there it is."""
    fields = (("Location", quote(capture.url, safe=URL_SAFE)), ("Vary", "Accept-Datetime"), ("Cache-Control", "no-cache"))
    return Answer(302, [field(*pair) for pair in fields], (), 0)


def _answer(asked: Asked, found: ArchivedResponse, wanted: str | None, renamed: Renaming, *, is_approximate: bool) -> Answer:
    capture = found.capture
    tag = _tag(capture, renamed, is_encoded=found.exact)
    own = [*memento_fields(capture), ("ETag", tag), ("Cache-Control", "no-cache"), ("Vary", "Accept-Datetime, Accept-Encoding")]
    if is_approximate:
        own.append(("X-Archive-Match", "approximate"))
    if asked.method in ("GET", "HEAD") and tag in re.split(r"\s*,\s*", asked.get("if-none-match")):
        found.close()
        return Answer(304, [field(*pair) for pair in own], (), 0)
    delivery = deliver(found, wanted)
    status = delivery.status or _status(found)
    if status not in (found.status, PARTIAL):
        own.append((f"{ORIGINAL}Status", str(found.status)))
    archived = archived_fields(found.head, asked, is_encoded=found.exact)
    fields = [*archived, *(field(*pair) for pair in (*delivery.fields, *own))]
    reason = clean(found.head.reason.encode("latin-1", "replace")) if status == found.status else b""
    body, more = renamed.applied(delivery.body) if status != PARTIAL else (delivery.body, 0)
    length = None if delivery.length is None else delivery.length + more
    return Answer(status, fields, body, length, reason, found.close)


def _status(found: ArchivedResponse) -> int:
    """407 is what a proxy says of itself; a client would wait on after a status below 200."""
    if found.status == 407:
        return 403
    return found.status if found.status >= 200 else 502


def _range_of(asked: Asked, capture: Capture) -> str | None:
    """The Range that counts: of the decoded payload."""
    if asked.method != "GET":
        return None
    condition = asked.get("if-range")
    return asked.get("range") or None if condition in ("", _tag(capture, Renaming(), is_encoded=False)) else None


def _tag(capture: Capture, renamed: Renaming, *, is_encoded: bool) -> str:
    """An entity tag: of this capture, in this coding, with these calls."""
    parts: tuple[str, ...] = (
        capture.collection,
        capture.timestamp,
        capture.url,
        capture.digest,
        capture.file,
        str(capture.offset),
    )
    parts += tuple(chain.from_iterable(renamed.names))
    return f'"{hashlib.sha256(chr(0).join((*parts, str(is_encoded))).encode("utf-8", "surrogatepass")).hexdigest()[:40]}"'


def _accepted(asked: Asked) -> set[str]:
    """The content codings that the client can decode."""
    items = (item.partition(";") for item in asked.get("accept-encoding").lower().split(","))
    return {_usual(coding.strip()) for coding, _, weight in items if not _NO_WEIGHT.fullmatch(weight)}


def _usual(coding: str) -> str:
    return coding.removeprefix("x-")


def _is_encoded(start: bytes, codings: list[str]) -> bool:
    """Whether a body is in the codings that its head names: many files hold decoded bodies under heads of encoded ones."""
    decoder = ContentDecoder(codings, _BELIEVED_BYTES)
    try:
        decoder.feed(start)
    except BodyLimitExceeded:
        return True
    return not decoder.damaged
