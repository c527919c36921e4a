"""Redirects that lead round in a circle inside the archive, though they did not on the web."""

from __future__ import annotations

from itertools import islice

from archiver.errors import DamagedRecord
from archiver.model import Capture
from archiver.store.protocol import WarcStore
from archiver.urls import is_http, resolve, strip_fragment, urlkey
from replay.delivery import REDIRECTS
from replay.load import ArchivedResponse, load
from replay.lookup import Lookup, Scope
from replay.order import is_spelled

#: Redirects that browsers follow before they give up (Fetch Standard, section 4.4).
_MOST = 20


def leads_in_circle(
    lookup: Lookup, scope: Scope, store: WarcStore, found: ArchivedResponse, *, moment: str | None = None
) -> bool:
    """True when following a redirect would never end: what a site sent when it was captured at different times.

    Args:
        lookup: finds what follows.
        scope: where the redirect is shown.
        store: where the records are.
        found: opened.
        moment: the time at which all are asked for; None when each is at the time of the one before, as in pages.
    """
    capture, location = found.capture, _target(found)
    seen: set[tuple[str, int]] = set()
    while location is not None:
        seen.add((capture.file, capture.offset))
        if _is_same(location, capture):
            return True
        following = _following(lookup, scope, store, location, capture.timestamp if moment is None else moment)
        if following is None:
            return False
        capture, location = following
        if (capture.file, capture.offset) in seen or len(seen) >= _MOST:
            return True
    return False


def _following(lookup: Lookup, scope: Scope, store: WarcStore, url: str, moment: str) -> tuple[Capture, str] | None:
    """The redirect that answers at a URL, and where it leads; None when something else does, or nothing."""
    for capture in islice(lookup.candidates(scope, url, moment), _MOST):
        if capture.status not in REDIRECTS:
            return None
        try:
            opened = load(store, capture)
        except DamagedRecord:
            continue
        location = _target(opened)
        opened.close()
        if location is None:
            return None
        if not _is_same(location, capture):
            return capture, location
    return None


def _is_same(location: str, capture: Capture) -> bool:
    """A redirect to itself: http and https, with and without www are the same here."""
    return urlkey(location) == capture.urlkey and is_spelled(location, capture.url)


def _target(found: ArchivedResponse) -> str | None:
    """Where a redirect leads. One without a target is none to browsers: they show its body."""
    location = found.head.get("Location") if found.status in REDIRECTS else None
    target = resolve(found.capture.url, location) if location else None
    return strip_fragment(target) if target is not None and is_http(target) else None
