"""How far in time the parts of a page are from it, what is missing of it, and what that makes of the page as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from archiver.errors import BodyLimitExceeded, DamagedRecord, StorageFailed
from archiver.extract.requisites import PageLinks, requisites
from archiver.holdings import Holdings
from archiver.markup.slots import SlotKind
from archiver.model import Capture
from archiver.timestamps import parse_timestamp
from replay.load import load
from replay.lookup import Lookup, Scope

#: Parts that are looked for, style sheets that are read for more, and bytes of each document.
MOST_PARTS = 400
_MOST_SHEETS = 30
_MOST_BYTES = 8 * 1024 * 1024
#: Parts of one visit; parts that are said to be of about the same time.
TOGETHER, NEAR = timedelta(days=1), timedelta(days=30)
#: What icons do not do: a page without them is whole.
_UNSEEN = frozenset({SlotKind.ICON})

_GROUPS = {
    SlotKind.IMAGE: "image",
    SlotKind.ICON: "image",
    SlotKind.STYLESHEET: "style",
    SlotKind.SCRIPT: "script",
    SlotKind.MODULE: "script",
    SlotKind.FRAME: "frame",
    SlotKind.OBJECT: "frame",
}


class Coherence(StrEnum):
    """What a page is, as a whole."""

    ALONE = "alone"  # it has no parts
    TOGETHER = "together"
    NEAR = "near"
    APART = "apart"


@dataclass(frozen=True, slots=True)
class Part:
    """Something that a page embeds.

    Attributes:
        url: as the page names it.
        group: "image", "style", "script", "frame" or "other".
        capture: that replay shows in its place; None when nothing is held.
        distance: of that from the page; negative when it is older.
        matters: a reader would see that it is missing.
    """

    url: str
    group: str
    capture: Capture | None
    distance: timedelta = timedelta(0)
    matters: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """The parts of a page in one line.

    Attributes:
        coherence: how near they are to each other.
        parts: that are held.
        missing: that are not, and matter.
        farthest: the greatest distance of a part from the page, without sign.
        earliest: of the oldest part; negative when it is older than the page.
        latest: of the newest part.
        is_cut: there are more parts than were looked at.
    """

    coherence: Coherence
    parts: int
    missing: int
    farthest: timedelta
    earliest: timedelta
    latest: timedelta
    is_cut: bool


def verdict_on(parts: Iterable[Part]) -> Verdict:
    """What the parts of a page say of it."""
    all_parts = list(parts)
    held = [part for part in all_parts if part.capture is not None]
    earliest = min((part.distance for part in held), default=timedelta(0))
    latest = max((part.distance for part in held), default=timedelta(0))
    farthest = max(abs(earliest), abs(latest))
    if not held:
        coherence = Coherence.ALONE
    else:
        coherence = Coherence.TOGETHER if farthest <= TOGETHER else Coherence.NEAR if farthest <= NEAR else Coherence.APART
    missing = sum(part.capture is None and part.matters for part in all_parts)
    return Verdict(coherence, len(held), missing, farthest, earliest, latest, len(all_parts) >= MOST_PARTS)


def parts_of(holdings: Holdings, lookup: Lookup, scope: Scope, page: Capture) -> Iterator[Part]:
    """What a page embeds, and what its style sheets embed, each as replay would show it; `MOST_PARTS` at most.

    Args:
        holdings: the opened archive.
        lookup: says what may be seen.
        scope: the collections.
        page: its document.
    """
    moment = parse_timestamp(page.timestamp)
    seen: set[str] = set()
    sheets = 0
    waiting = [page]
    while waiting:
        document = waiting.pop(0)
        for reference in _named(holdings, lookup, scope, document).requisites:
            if reference.url in seen:
                continue
            if len(seen) >= MOST_PARTS:
                return
            seen.add(reference.url)
            group = _GROUPS.get(reference.kind, "other")
            found = next(lookup.candidates(scope, reference.url, page.timestamp, "oe"), None)
            distance = parse_timestamp(found.timestamp) - moment if found is not None else timedelta(0)
            yield Part(reference.url, group, found, distance, reference.kind not in _UNSEEN)
            if found is not None and group == "style" and sheets < _MOST_SHEETS:
                sheets += 1
                waiting.append(found)


def _named(holdings: Holdings, lookup: Lookup, scope: Scope, document: Capture) -> PageLinks:
    """What a document names; nothing when it cannot be read."""
    original = lookup.original_of(scope, document) if document.revisit_of else None
    try:
        found = load(holdings.store, document, original, segments=holdings.segments.find)
    except (DamagedRecord, StorageFailed):
        return PageLinks()
    try:
        body = bytearray()
        for piece in found.body():
            body += piece
            if len(body) > _MOST_BYTES:
                break
        return requisites(
            [bytes(body)],
            url=document.url,
            mime=found.head.media_type or document.mime,
            http_charset=found.head.charset,
            link_headers=found.head.get_all("Link"),
        )
    except (DamagedRecord, StorageFailed, BodyLimitExceeded):
        return PageLinks()
    finally:
        found.close()
