"""The capture whose payload a revisit repeats, wherever the archive holds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from archiver.holdings import Holdings
from archiver.model import Capture
from archiver.urls import urlkey

#: Captures of one URL that are looked at.
_ROWS = 20_000


def original_of(
    holdings: Holdings, revisit: Capture, slugs: Sequence[str], permitted: Callable[[Capture], bool] | None = None
) -> Capture | None:
    """The whole capture that a revisit refers to; None when it is not held.

    That of the revisit's own collection is preferred, then the first of the others that has the very same digest.

    Args:
        holdings: the opened archive.
        revisit: what repeats it.
        slugs: other collections in which it may be.
        permitted: whether a capture may be used; None for all.
    """
    target = revisit.revisit_of
    places = [(revisit.urlkey, revisit.timestamp)]
    if target is not None and target.url:
        places.insert(0, (urlkey(target.url), target.timestamp or revisit.timestamp))
    for key, moment in places:
        for capture in islice(holdings.index.closest((revisit.collection,), key, moment), _ROWS):
            if capture.revisit_of is None and _repeats(revisit, capture, is_named=capture.timestamp == moment):
                if permitted is None or permitted(capture):
                    return capture
    if target is None or not target.url or not target.timestamp or not revisit.digest:
        return None
    for slug in slugs:
        named = holdings.index.versions(
            (slug,), urlkey(target.url), since=target.timestamp, until=target.timestamp, limit=_ROWS
        )
        for capture in named:
            if capture.revisit_of is None and capture.digest == revisit.digest and (permitted is None or permitted(capture)):
                return capture
    return None


def _repeats(revisit: Capture, capture: Capture, *, is_named: bool) -> bool:
    """Whether a capture has the payload of a revisit; digests of different kinds say nothing about that."""
    if not revisit.digest or revisit.digest == capture.digest:
        return True
    return is_named and revisit.digest.partition(":")[0] != capture.digest.partition(":")[0]
