"""The files of pictures: as archived, small, and two of them compared. What costs time is kept on disk."""

from __future__ import annotations

import hashlib
import json
from threading import BoundedSemaphore

from archiver.errors import DamagedRecord
from archiver.holdings import Holdings
from archiver.rasters import Difference, Measure, compare, cropped, measure
from replay.cache import RewriteCache
from replay.load import load
from replay.lookup import Lookup, Scope
from replay.pictures import Picture

#: Larger files are no pictures of pages.
MOST_BYTES = 32 * 1024 * 1024
#: Of small pictures, in pixels: twice as large as they are shown.
SMALL_WIDTH, SMALL_HEIGHT = 320, 200
#: Changes with how pictures are made small and compared.
_VERSION = "2"
#: Kept in the place of what could not be made: to find that out costs as much as making it.
_BROKEN = b"-"
#: Decoded at once in one process: each may take some hundred megabytes.
_DECODING = BoundedSemaphore(2)


class PictureFiles:
    """Reads pictures and makes others of them.

    Args:
        holdings: the opened archive.
        lookup: of the archive.
        cache: for what is made.
    """

    def __init__(self, holdings: Holdings, lookup: Lookup, cache: RewriteCache) -> None:
        self._holdings, self._lookup, self._cache = holdings, lookup, cache

    def archived(self, scope: Scope, picture: Picture) -> tuple[Measure, bytes] | None:
        """A picture as it was archived; None for what is no PNG, JPEG, GIF or WebP, is too large, or cannot be read.

        Args:
            scope: from `Lookup.scope`.
            picture: that was found in it.
        """
        record = picture.record
        original = self._lookup.original_of(scope, record) if record.revisit_of else None
        try:
            file = load(self._holdings.store, record, original, segments=self._holdings.segments.find).whole(MOST_BYTES)
        except DamagedRecord:
            return None
        measured = None if file is None else measure(file)
        return None if file is None or measured is None else (measured, file)

    def small(self, scope: Scope, picture: Picture) -> bytes | None:
        """A JPEG of `SMALL_WIDTH` × `SMALL_HEIGHT`; None when the picture cannot be decoded."""
        key = _key("small", picture)
        kept = self._cache.get(key)
        if kept is not None:
            return None if kept == _BROKEN else kept
        found = self.archived(scope, picture)
        if found is None:
            return None
        with _DECODING:
            made = self._cache.get(key)  # somebody else may have wanted it, too
            if made is None:
                made = cropped(found[1], SMALL_WIDTH, SMALL_HEIGHT) or _BROKEN
                self._cache.put(key, made)
        return None if made == _BROKEN else made

    def difference(self, scope: Scope, older: Picture, newer: Picture) -> Difference | None:
        """Two pictures compared; None when one of them cannot be decoded."""
        key = _key("difference", older, newer)
        kept = self._cache.get(key)
        if kept is not None:
            return _difference_in(kept)
        found = [self.archived(scope, picture) for picture in (older, newer)]
        if found[0] is None or found[1] is None:
            return None
        with _DECODING:
            kept = self._cache.get(key)
            if kept is None:
                made = compare(found[0][1], found[1][1])
                kept = _BROKEN if made is None else _written(made)
                self._cache.put(key, kept)
        return _difference_in(kept)


def _written(made: Difference) -> bytes:
    """What is kept of a comparison."""
    line = json.dumps([made.share, made.width, made.height, made.old, made.new]).encode("ascii")
    return line + b"\n" + made.data


def _difference_in(kept: bytes) -> Difference | None:
    """The comparison of which this was kept."""
    if kept == _BROKEN:
        return None
    line, _, data = kept.partition(b"\n")
    share, width, height, old, new = json.loads(line)
    return Difference(share, data, width, height, tuple(old), tuple(new))


def _key(use: str, *pictures: Picture) -> str:
    """Names what is made of pictures: by where they are, as digests may be missing."""
    records = (picture.record for picture in pictures)
    parts = [_VERSION, use, *(f"{item.collection}\0{item.file}\0{item.offset}\0{item.digest}" for item in records)]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
