"""The archived audio and video of a page, with all that goes with them: texts, pictures, files to download."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from archiver.errors import DamagedRecord, StorageFailed
from archiver.extract.players import FETCHED, noted_media
from archiver.holdings import Holdings
from archiver.model import Capture, MediaItem, TextTrack
from archiver.urls import PLAYERS
from replay.address import ReplayAddress
from replay.banner import MediaLink, TrackLink
from replay.delivery import PARTIAL
from replay.load import load
from replay.lookup import Lookup, Scope
from replay.ranges import held_extent

#: So many files are looked at for their length, which takes one reading each.
_MOST_MEASURED = 20
#: brozzler keeps what it fetched of a player under the page's URL, numbered from 1.
_MOST_FETCHED = 50
#: Bytes of what yt-dlp tells of a page, and records whose reading is remembered.
_MOST_TOLD, _MOST_READ = 16_000_000, 64
_KNOWN_SECONDS, _MOST_KNOWN = 60.0, 1000
#: Texts that no browser reads.
_NOT_FOR_BROWSERS = (".srt", ".ass", ".ssa", ".ttml", ".dfxp", ".sub")
_NO_NAME = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
_MAX_NAME = 120


class MediaLinks:
    """Finds what of a page's audio and video is archived.

    Args:
        holdings: the opened archive.
        lookup: of the archive.
        clock: seconds, ever growing.
    """

    def __init__(self, holdings: Holdings, lookup: Lookup, clock: Callable[[], float]) -> None:
        self._holdings, self._lookup, self._clock = holdings, lookup, clock
        self._known: dict[str, tuple[float, bool]] = {}
        self._read: dict[tuple[str, int], tuple[MediaItem, ...]] = {}

    def of(
        self,
        scope: Scope,
        page: Capture,
        items: Iterable[MediaItem],
        size: Callable[[float], str],
        tongue: Callable[[str], str],
    ) -> tuple[MediaLink, ...]:
        """The archived ones of a page's audio and video, in its order.

        Args:
            scope: from `Lookup.scope`.
            page: the page.
            items: what it names.
            size: says bytes for people.
            tongue: says the tag of a language for people.
        """
        links: list[MediaLink] = []
        shown: set[str] = set()
        for item in self._all(scope, page, items):
            for url in (item.url, *item.alternatives):
                held = self._held(scope, page, url)
                if held is not None and held.url in shown:
                    break
                if held is not None:
                    shown.add(held.url)
                    name, length = self._file(scope, held) if len(links) < _MOST_MEASURED else (file_name(held), None)
                    links.append(
                        MediaLink(
                            _part(scope, page, url, "oe"),
                            "audio" if held.mime.startswith("audio/") else item.kind,
                            item.title,
                            self._poster(scope, page, item),
                            held.mime if held.mime.startswith(("audio/", "video/")) else item.mime,
                            tuple(self._track(scope, page, track, tongue) for track in self._tracks(scope, page, item)),
                            name,
                            "" if length is None else size(length),
                            _clock_of(item.duration),
                        )
                    )
                    break
        return tuple(links)

    def _all(self, scope: Scope, page: Capture, items: Iterable[MediaItem]) -> Iterator[MediaItem]:
        """What the page names, with what yt-dlp tells of the same files; then what only yt-dlp tells of, or fetched."""
        if not self._has_fetched(scope, page.collection):
            yield from items
            return
        told = self._told(scope, page)
        left = list(told)
        for item in items:
            files = {item.url, *item.alternatives}
            same = next((more for more in left if not files.isdisjoint((more.url, *more.alternatives))), None)
            if same is not None:
                left.remove(same)
            yield item if same is None else _completed(item, same)
        yield from left
        covered = {url for more in told for url in (more.url, *more.alternatives)}
        yield from (item for item in self._fetched(scope, page) if item.url not in covered)

    def _told(self, scope: Scope, page: Capture) -> tuple[MediaItem, ...]:
        """What yt-dlp tells of the page's players, where a crawler has kept that."""
        held = self._held(scope, page, PLAYERS + page.url)
        if held is None:
            return ()
        place = held.file, held.offset
        found = self._read.get(place)
        if found is None:
            if len(self._read) >= _MOST_READ:
                self._read.clear()
            found = self._read[place] = noted_media(self._text(scope, held), page.url)
        return found

    def _text(self, scope: Scope, held: Capture) -> bytes:
        """The payload of a capture; nothing when it cannot be read, or is too long."""
        original = self._lookup.original_of(scope, held) if held.revisit_of else None
        try:
            found = load(self._holdings.store, held, original, segments=self._holdings.segments.find)
            return found.whole(_MOST_TOLD) or b""
        except (DamagedRecord, StorageFailed):
            return b""

    def _held(self, scope: Scope, page: Capture, url: str, modifier: str = "oe") -> Capture | None:
        """The capture of a part of a page that would be shown; None when there is none that succeeded."""
        held = next(self._lookup.candidates(scope, url, page.timestamp, modifier), None)
        return held if held is not None and (held.status or 200) < 400 else None

    def _poster(self, scope: Scope, page: Capture, item: MediaItem) -> str:
        """Where the first picture is that is archived."""
        pictures = filter(None, (item.poster, *item.posters))
        return next((_part(scope, page, url, "im") for url in pictures if self._held(scope, page, url, "im")), "")

    def _tracks(self, scope: Scope, page: Capture, item: MediaItem) -> Iterator[TextTrack]:
        for track in item.tracks:
            is_read = not urlsplit(track.url).path.lower().endswith(_NOT_FOR_BROWSERS)
            if is_read and self._held(scope, page, track.url) is not None:
                yield track

    @staticmethod
    def _track(scope: Scope, page: Capture, track: TextTrack, tongue: Callable[[str], str]) -> TrackLink:
        label = track.label or (tongue(track.language) if track.language else track.kind)
        return TrackLink(_part(scope, page, track.url, "oe"), track.kind, track.language, label)

    def _file(self, scope: Scope, held: Capture) -> tuple[str, int | None]:
        """The name of the file, "" when only a part of it is held; and its bytes, None when only decoding would tell."""
        original = self._lookup.original_of(scope, held) if held.revisit_of else None
        try:
            found = load(self._holdings.store, held, original, segments=self._holdings.segments.find)
        except (DamagedRecord, StorageFailed):
            return "", None
        try:
            if found.status == PARTIAL:
                extent = held_extent(found.head.get("Content-Range"))
                if extent is None or not extent.is_whole:
                    return "", None
            return file_name(held), found.length
        finally:
            found.close()

    def _fetched(self, scope: Scope, page: Capture) -> Iterator[MediaItem]:
        """What was fetched of the page's players, as resources of their own."""
        for number in range(1, _MOST_FETCHED + 1):
            url = FETCHED.format(number=number, url=page.url)
            held = self._held(scope, page, url)
            if held is None:
                return
            yield MediaItem(url, "audio" if held.mime.startswith("audio/") else "video", mime=held.mime)

    def _has_fetched(self, scope: Scope, slug: str) -> bool:
        """A collection has such resources: most have none, and cost nothing then."""
        now, known = self._clock(), self._known.get(slug)
        if known is not None and now - known[0] < _KNOWN_SECONDS:
            return known[1]
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        found = bool(self._lookup.here(scope, is_ruled=False).keys((slug,), PLAYERS, limit=1))
        self._known[slug] = (now, found)
        return found


def _completed(item: MediaItem, more: MediaItem) -> MediaItem:
    """What a page names, with what it does not say of it."""
    files = dict.fromkeys((*item.alternatives, more.url, *more.alternatives))
    files.pop(item.url, None)
    return replace(
        item,
        title=item.title or more.title,
        alternatives=tuple(files),
        tracks=item.tracks or more.tracks,
        posters=(*item.posters, *filter(None, (more.poster,)), *more.posters),
        duration=item.duration or more.duration,
    )


def _clock_of(seconds: float | None) -> str:
    """How long something plays, as clocks write it in every language; "" when nobody says."""
    if not seconds:
        return ""
    minutes, rest = divmod(max(1, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _part(scope: Scope, page: Capture, url: str, modifier: str) -> str:
    return ReplayAddress(scope.slug, page.timestamp, modifier, url).path()


def file_name(held: Capture) -> str:
    """A name for the file of a capture: the last part of its address, with an ending by its type where it has none."""
    name = unquote(urlsplit(held.url).path.rstrip("/").rpartition("/")[2], errors="replace")
    name = _NO_NAME.sub("_", name).strip(" ._")[-_MAX_NAME:]
    if "." not in name:
        name = (name or held.mime.partition("/")[0] or "file") + (mimetypes.guess_extension(held.mime) or "")
    return name
