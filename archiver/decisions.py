"""What a page capture decides, without I/O: what to follow, what to read, what to send along."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archiver.errors import InvalidURL
from archiver.markup.slots import SlotKind
from archiver.message import Head
from archiver.model import Candidate, Exchange, Failure, FailureKind, Hop
from archiver.plaintext import one_line
from archiver.urls import host_of, is_http, origin_of, parse_url

if TYPE_CHECKING:
    from archiver.extract.requisites import PageLinks

#: Redirect hops in a row that are followed; browsers stop at 20 too.
MAX_REDIRECTS = 20

#: Decoded bytes of one document that are searched for what it names; the record itself is kept whole.
MAX_SCANNED_BYTES = 64 * 1024 * 1024

#: Frames inside frames (and pages behind meta refreshes) that are followed.
MAX_DOCUMENT_DEPTH = 5

_ACCEPT_DOCUMENT = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
_ACCEPT = {
    SlotKind.IMAGE: "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
    SlotKind.ICON: "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
    SlotKind.STYLESHEET: "text/css,*/*;q=0.1",
    SlotKind.FRAME: _ACCEPT_DOCUMENT,
    SlotKind.REFRESH: _ACCEPT_DOCUMENT,
}

#: Types that say nothing: what the URL was asked for as decides how it is read.
_VAGUE_TYPES = frozenset({"", "text/plain", "application/octet-stream", "binary/octet-stream", "unknown/unknown"})
_TYPE_OF_KIND = {
    SlotKind.STYLESHEET: "text/css",
    SlotKind.MANIFEST: "application/manifest+json",
    SlotKind.FRAME: "text/html",
}
_TYPE_OF_ENDING = {".m3u8": "application/vnd.apple.mpegurl", ".mpd": "application/dash+xml"}
_XML_TYPES = frozenset({"text/xml", "application/xml"})
_JSON_TYPES = frozenset({"application/json", "text/json"})
_DOCUMENT_KINDS = frozenset({SlotKind.FRAME, SlotKind.REFRESH, SlotKind.OBJECT})
#: Statuses that lead on.
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_DOCUMENT_TYPES = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(frozen=True, slots=True)
class Task:
    """A URL on its way through a page capture."""

    candidate: Candidate
    kind: SlotKind
    depth: int = 0
    is_page: bool = False  # the seed, or what it redirects to
    redirected_from: tuple[str, ...] = ()  # the redirects that led here, in their order
    cookies_came: bool = False  # from one of them
    retried: bool = False  # once round the circle already, because cookies had come
    is_anew: bool = False  # fetched whole, whatever the archive holds


def accept_for(task: Task) -> str:
    """The Accept field that a browser sends for this kind of resource."""
    return _ACCEPT.get(task.kind, "*/*" if task.candidate.via else _ACCEPT_DOCUMENT)


def referrer_for(candidate: Candidate) -> str | None:
    """The Referer a browser sends by default (strict-origin-when-cross-origin; Referrer Policy, section 3.6)."""
    if candidate.via is None or not candidate.hops or candidate.hops.endswith(Hop.REDIRECT):
        return None
    here, there = origin_of(candidate.via), origin_of(candidate.url)
    if here == there:
        return candidate.via
    if here.startswith("https:") and there.startswith("http:"):
        return None
    return f"{here}/"


def failure_of(exchange: Exchange) -> Failure | None:
    """Why a recorded response counts as missing in the page's report."""
    if exchange.failure is not None:
        return exchange.failure
    if exchange.status is not None and exchange.status >= 400:
        return Failure(FailureKind.HTTP_ERROR, f"the server answered {exchange.status}")
    return None


def redirect_of(task: Task, status: int | None, head: Head) -> Task | Failure | None:
    """The next hop of a redirect, or why it cannot be followed; None when this is no redirect."""
    if status not in REDIRECTS:
        return None
    location = (head.get("Location") or "").strip()
    if not location:
        return Failure(FailureKind.HTTP_ERROR, "it redirects without saying where to")
    here = task.candidate
    try:
        url = parse_url(location, base=here.url)
    except InvalidURL:
        return Failure(FailureKind.INVALID_URL, f"it redirects to what cannot be fetched: {one_line(location)[:200]}")
    came = (*task.redirected_from, here.url)
    return replace(task, candidate=Candidate(url, here.url, here.hops + Hop.REDIRECT), redirected_from=came)


def followed(target: Task) -> Task | Failure:
    """The next hop of a redirect as it is to be fetched, or why redirects end here.

    "Take this cookie and come again" is not endless: the same address answers differently the second time.
    """
    if len(target.redirected_from) > MAX_REDIRECTS:
        return Failure(FailureKind.TOO_MANY_REDIRECTS, f"more than {MAX_REDIRECTS} redirects in a row")
    if target.candidate.url not in target.redirected_from:
        return target
    if target.cookies_came and not target.retried:
        return replace(target, redirected_from=(), retried=True)
    return Failure(FailureKind.TOO_MANY_REDIRECTS, "the redirects go round in a circle")


def readable_type(mime: str, task: Task) -> str | None:
    """The type as which a response is searched for what it needs; None for types that need nothing."""
    if mime in _VAGUE_TYPES or mime in _XML_TYPES:
        path = task.candidate.url.partition("?")[0].lower()
        if manifest := _TYPE_OF_ENDING.get(path[path.rfind(".") :]):
            return manifest
    if mime in _VAGUE_TYPES:
        fallback = "text/html" if task.is_page and mime == "" else None
        return _TYPE_OF_KIND.get(task.kind, fallback)
    if task.kind is SlotKind.MANIFEST and mime in _JSON_TYPES:
        return "application/manifest+json"
    if mime in _DOCUMENT_TYPES and not (task.is_page or task.kind in _DOCUMENT_KINDS):
        return None  # an HTML error page in place of an image needs nothing of its own
    return mime


def tasks_of(task: Task, links: PageLinks) -> tuple[Task, ...]:
    """What a document needs, as the next things to fetch."""
    found = []
    for reference in links.requisites:
        if not is_http(reference.url) or not host_of(reference.url):
            continue
        hop = Hop.REDIRECT if reference.kind is SlotKind.REFRESH else Hop.EMBED
        candidate = Candidate(reference.url, task.candidate.url, task.candidate.hops + hop)
        depth = task.depth + (reference.kind in _DOCUMENT_KINDS)
        if depth <= MAX_DOCUMENT_DEPTH:
            found.append(Task(candidate, reference.kind, depth))
    return tuple(found)
