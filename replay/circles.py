"""Redirects that lead round in a circle inside the archive, though they did not on the web."""

from __future__ import annotations

from archiver.errors import DamagedRecord
from archiver.store.folder import FolderStore
from archiver.urls import is_http, resolve, strip_fragment, urlkey
from replay.delivery import REDIRECTS
from replay.load import ArchivedResponse, load
from replay.lookup import Lookup, Scope

#: Redirects that browsers follow before they give up (Fetch Standard, section 4.4).
_MOST = 20


def leads_in_circle(
    lookup: Lookup, scope: Scope, store: FolderStore, found: ArchivedResponse, *, moment: str | None = None
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
    seen: set[tuple[str, str]] = set()
    while location is not None:
        seen.add((capture.urlkey, capture.timestamp))
        if urlkey(location) == capture.urlkey:  # http and https, with and without www are the same here
            return True
        following = next(lookup.candidates(scope, location, capture.timestamp if moment is None else moment), None)
        if following is None or following.status not in REDIRECTS:
            return False
        capture = following
        if (capture.urlkey, capture.timestamp) in seen or len(seen) >= _MOST:
            return True
        try:
            opened = load(store, capture)
        except DamagedRecord:
            return False
        location = _target(opened)
        opened.close()
    return False


def _target(found: ArchivedResponse) -> str | None:
    """Where a redirect leads. One without a target is none to browsers: they show its body."""
    location = found.head.get("Location") if found.status in REDIRECTS else None
    target = resolve(found.capture.url, location) if location else None
    return strip_fragment(target) if target is not None and is_http(target) else None
