"""What an answer leads to: where it redirects, what its document names, and what is decided about all that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from archiver.crawl.decision import noted
from archiver.crawl.entries import PageTitle
from archiver.crawl.judge import Judge
from archiver.crawl.visited import Visit, task_of
from archiver.decisions import REDIRECTS, readable_type
from archiver.errors import BodyLimitExceeded, InvalidURL
from archiver.message import Head
from archiver.model import FailureKind, Hop
from archiver.urls import parse_url

if TYPE_CHECKING:
    from archiver.extract.gather import DocumentLinks

_PAGES = frozenset({"text/html", "application/xhtml+xml"})


#: What no request needs, and every answer.
LATE_IMPORTS = ("archiver.extract.links", "archiver.warc.serialise")


def prepare() -> None:
    """Import what it takes to write an answer and to read it: most of a tenth of a second, while the first is on its way."""
    for module in LATE_IMPORTS:
        import_module(module)


def follow(visit: Visit, judge: Judge, head: Head, body: Iterable[bytes], *, status: int | None = None) -> None:
    """Find what an answer leads to, and note it in the visit.

    Args:
        visit: of the URL; what becomes of it is known already.
        judge: decides about what is found.
        head: of the answer, or of the earlier one that it stands for.
        body: decoded.
        status: that counts instead of the answer's own.

    Raises:
        DamagedRecord: the body comes from a record that cannot be read.
    """
    entry, finished = visit.entry, visit.finished
    assert finished is not None
    status = finished.status if status is None else status
    if status in REDIRECTS:
        _redirect(visit, judge, head)
        return
    if finished.digest and finished.digest == entry.via_digest and judge.plan.traps.same_as_parent and finished.is_page:
        said = "its links were not followed, it is the same as the page before"
        visit.finished = replace(finished, detail=noted(entry.decision.detail, said))
        return
    from archiver.extract.links import find_links  # see `prepare`

    mime = readable_type(head.media_type, task_of(entry))
    try:
        links = find_links(body, url=entry.url, mime=mime or "", http_charset=head.charset, headers=head)
    except BodyLimitExceeded as error:
        visit.finished = replace(finished, failure=FailureKind.TOO_LARGE.value, reason=error.message.rstrip("."))
        return
    visit.left_out = links.left_out
    visit.found += judge.judge(entry, links, head.get_all("X-Robots-Tag"))
    if entry.is_page and head.media_type in _PAGES and status == 200 and finished.timestamp:
        visit.page = PageTitle(entry.url, finished.timestamp, links.title, visit.outcome.seconds if visit.outcome else 0.0)
    _note_left_out(visit, links)


def redirect_target(head: Head, url: str) -> str | None:
    """Where a redirect leads; None when it says nothing that can be fetched."""
    location = (head.get("Location") or "").strip()
    if not location:
        return None
    try:
        return parse_url(location, base=url)
    except InvalidURL:
        return None


def _note_left_out(visit: Visit, links: DocumentLinks) -> None:
    if visit.finished is not None and (links.left_out or links.is_cut):
        said = f"{links.left_out} references were too many to follow" if links.left_out else "longer than what is read of it"
        visit.finished = replace(visit.finished, detail=noted(visit.entry.decision.detail, said))


def _redirect(visit: Visit, judge: Judge, head: Head) -> None:
    entry, finished = visit.entry, visit.finished
    assert finished is not None
    target = redirect_target(head, entry.url)
    if target is None:
        visit.finished = replace(
            finished, failure=FailureKind.HTTP_ERROR.value, reason="it redirects without saying where to, or to no address"
        )
        return
    found = judge.redirected(entry, target)
    if found is not None:
        visit.found.append(found)
    if not entry.hops.rstrip(Hop.REDIRECT):
        visit.redirect = target
