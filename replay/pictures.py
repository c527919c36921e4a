"""Pictures of archived pages: which capture each belongs to, found in the ordinary index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from archiver.model import Capture
from archiver.pagepictures import (
    EARLIER,
    LATER,
    NAMINGS,
    Naming,
    PictureKind,
    is_picture,
    is_shown,
    moved,
    owners_of,
    page_spellings,
)
from archiver.urls import urlkey
from replay.lookup import Lookup, Scope

#: Records of one name that are looked at, captures among which their own is looked for, and spellings of one URL.
_MOST_RECORDS, _MOST_CAPTURES, _MOST_SPELLINGS = 1000, 5000, 8
#: For how many seconds it is remembered that collections have pictures with a name, and of how many collections.
_KNOWN_SECONDS, _MOST_KNOWN = 60.0, 1000

#: In which order kinds are wanted: to be shown small, to be looked at, and to be compared, where length counts for less.
SMALL = (PictureKind.THUMBNAIL, PictureKind.VIEW, PictureKind.FULL)
LARGE = (PictureKind.FULL, PictureKind.VIEW, PictureKind.THUMBNAIL)
COMPARED = (PictureKind.VIEW, PictureKind.FULL, PictureKind.THUMBNAIL)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a page.

    Attributes:
        kind: what it shows.
        record: where it is.
        page: the capture that it shows.
    """

    kind: PictureKind
    record: Capture
    page: Capture


#: What a capture is known by here: collection, timestamp and URL.
Name = tuple[str, str, str]
Found = dict[Name, tuple[Picture, ...]]


def name_of(capture: Capture) -> Name:
    """What a capture is known by."""
    return capture.collection, capture.timestamp, capture.url


class Pictures:
    """Finds pictures.

    Args:
        lookup: of the archive.
        clock: seconds, ever growing.
    """

    def __init__(self, lookup: Lookup, clock: Callable[[], float]) -> None:
        self._lookup, self._clock = lookup, clock
        self._known: dict[str, tuple[float, tuple[Naming, ...]]] = {}

    def of(self, scope: Scope, captures: Sequence[Capture]) -> Found:
        """The pictures of captures of one URL, at most one of a kind, by `name_of`.

        A picture belongs to the last capture before it, if that is not more than an hour older. It is seen by those who may
        see both.

        Args:
            scope: from `Lookup.scope`.
            captures: that were found in it, in any order.
        """
        slugs = sorted({item.collection for item in captures if self.held(scope, item.collection)})
        pages = [item for item in captures if item.collection in slugs and is_shown(item)]
        if not pages:
            return {}
        stamps = sorted(item.timestamp for item in pages)
        records = self._records(scope, slugs, pages, moved(stamps[0], -EARLIER), moved(stamps[-1], LATER))
        if not records:
            return {}
        owners = self._owners(scope, slugs, pages[0].urlkey, [record for _, record in records])
        visible = {name_of(item): item for item in pages}
        found: dict[Name, dict[PictureKind, Picture]] = {}
        for naming, record in records:
            for owner in owners_of(naming, record, owners):
                page = visible.get(name_of(owner))
                if page is not None:
                    kinds = found.setdefault(name_of(page), {})
                    kinds.setdefault(naming.kind, Picture(naming.kind, record, page))
        return {name: tuple(kinds.values()) for name, kinds in found.items()}

    def one(self, scope: Scope, capture: Capture, kinds: Iterable[PictureKind] = SMALL) -> Picture | None:
        """The picture of a capture of the first kind that there is; None when there is none."""
        return pick(self.of(scope, (capture,)).get(name_of(capture), ()), kinds)

    def at(self, scope: Scope, slug: str, url: str, timestamp: str) -> Picture | None:
        """The small picture of the capture of a URL at a time; None when there is none, or no such capture may be seen.

        Args:
            scope: from `Lookup.scope`.
            slug: of the collection of the capture.
            url: as it was captured.
            timestamp: of the capture.
        """
        if not self.held(scope, slug):
            return None
        source = self._lookup.here(scope)
        found = source.versions((slug,), urlkey(url), since=timestamp, until=timestamp, limit=_ONE_SECOND)
        capture = next((item for item in found if item.url == url and is_shown(item)), None)
        return None if capture is None else self.one(scope, capture)

    def newest(self, scope: Scope, slug: str, url: str) -> Picture | None:
        """The small picture of the newest capture of a URL in a collection; None when that has none."""
        capture = self._lookup.here(scope).newest((slug,), urlkey(url)) if self.held(scope, slug) else None
        return None if capture is None or not is_shown(capture) else self.one(scope, capture)

    def held(self, scope: Scope, slug: str) -> tuple[Naming, ...]:
        """The ways of naming of which a collection has any pictures: most have none, and cost nothing then."""
        now, known = self._clock(), self._known.get(slug)
        if known is not None and now - known[0] < _KNOWN_SECONDS:
            return known[1]
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        index = self._lookup.here(scope, is_ruled=False)  # whether there are any is shown to nobody
        found = tuple(naming for naming in NAMINGS if index.keys((slug,), naming.key, limit=1))
        self._known[slug] = (now, found)
        return found

    def _records(
        self, scope: Scope, slugs: Sequence[str], pages: Iterable[Capture], since: str, until: str
    ) -> list[tuple[Naming, Capture]]:
        """What has the name of a picture of one of the pages, the best first."""
        spellings = list(dict.fromkeys(url for page in pages for url in page_spellings(page.url)))[:_MOST_SPELLINGS]
        source = self._lookup.here(scope)
        return [
            (naming, record)
            for naming in NAMINGS
            if any(naming in self.held(scope, slug) for slug in slugs)
            for key in dict.fromkeys(urlkey(naming.start + url) for url in spellings)
            for record in source.versions(slugs, key, since=since, until=until, limit=_MOST_RECORDS)
            if is_picture(record)
        ]

    def _owners(self, scope: Scope, slugs: Sequence[str], key: str, records: Sequence[Capture]) -> list[Capture]:
        """The captures that the pictures may be of, also hidden ones: what shows those must not be taken for one of another."""
        stamps = sorted(record.timestamp for record in records)
        since, until = moved(stamps[0], -LATER), moved(stamps[-1], EARLIER)
        index = self._lookup.here(scope, is_ruled=False)
        found = index.versions(slugs, key, since=since, until=until, limit=_MOST_CAPTURES)
        return [item for item in found if is_shown(item)]


def pick(pictures: Iterable[Picture], kinds: Iterable[PictureKind]) -> Picture | None:
    """The picture of the first of these kinds that there is."""
    found = {picture.kind: picture for picture in pictures}
    return next((found[kind] for kind in kinds if kind in found), None)


#: Captures of one URL in one second.
_ONE_SECOND = 20
