"""Copies captures with all that belongs to them out of the archive's WARC files: bytes as they are stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from archiver.errors import DamagedRecord
from archiver.export.events import (
    Event,
    Lacking,
    Sent,
    Wanted,
    copy_member,
    events,
    member_at,
    sent_for,
    stored_pieces,
    warcinfo_of,
)
from archiver.export.series import Series
from archiver.export.workings import Place, Workings
from archiver.holdings import Holdings
from archiver.warc.reader import StoredRecord, iter_records

#: Captures that could not be read are named up to this number, and counted beyond.
NAMED = 1000

_WITH_REQUEST = "__wb_method="


@dataclass(frozen=True, slots=True)
class Missing:
    """A capture that is wanted and cannot be given, with the reason."""

    url: str
    file: str
    offset: int
    reason: str


@dataclass
class Copied:
    """What was done.

    Attributes:
        whole: files that were copied as they are.
        missing: captures that could not be read; `unnamed_missing` counts those beyond.
    """

    whole: int = 0
    missing: list[Missing] = field(default_factory=list)
    unnamed_missing: int = 0

    def lacks(self, place: Place, file: str, reason: str) -> None:
        """Note a capture that could not be read."""
        if len(self.missing) < NAMED:
            self.missing.append(Missing(place.url, file, place.offset, reason))
        else:
            self.unnamed_missing += 1


class Copier:
    """Copies what the workings name.

    Args:
        holdings: the opened archive.
        workings: what is wanted; told where it went.
        series: where it goes.
        whole_files: a file of which everything is wanted is copied as it is.
        bare: leave out what readers are not shown: metadata, and requests that are not needed to find the answer.
        progress: told how many bytes of captures are done.
    """

    def __init__(
        self,
        holdings: Holdings,
        workings: Workings,
        series: Series,
        *,
        whole_files: bool,
        bare: bool,
        progress: Callable[[int], None],
    ) -> None:
        self._holdings = holdings
        self._workings = workings
        self._series = series
        self._whole_files = whole_files
        self._bare = bare
        self._progress = progress
        self._done = 0
        self._warcinfos: set[str] = set()
        self._has_parts = holdings.segments.has_any()
        self._parts: set[tuple[str, int]] = set()
        self.result = Copied()

    def run(self) -> Copied:
        """Copy everything, file by file.

        Raises:
            StorageFailed: the store or the output failed.
        """
        for file, places in self._workings.files():
            try:
                stream = self._holdings.store.open(file)
            except DamagedRecord as error:
                for place in places:
                    self.result.lacks(place, file, error.message)
                continue
            with stream:
                if self._whole_files and self._is_whole(file, stream, places):
                    self._copy_file(file, stream, places)
                else:
                    self._copy_events(file, stream, places)
        self._series.end()
        return self.result

    # -- whole files -------------------------------------------------------------------------------------------------

    def _is_whole(self, file: str, stream: BinaryIO, places: Sequence[Place]) -> bool:
        """A finished file of WARC records that stand alone, of which no capture is left out, in whatever collection."""
        known = self._holdings.files.get(file)
        if not known or known[0].fixity is None or sum(item.part.captures for item in known) != len(places):
            return False
        if any(not place.length for place in places) or self._holdings.store.size(file) != known[0].fixity.size:
            return False
        stream.seek(0)
        if stream.read(2) != b"\x1f\x8b":
            return False
        stream.seek(0)
        first = next(iter_records(stream), None)
        return isinstance(first, StoredRecord) and first.version != "ARC"

    def _copy_file(self, file: str, stream: BinaryIO, places: Sequence[Place]) -> None:
        self._series.begin_copy(_warc_name(file))
        start = self._series.position  # not the beginning where everything becomes one file
        size = self._holdings.store.size(file)
        here = 0
        for place in places:
            self._pass_on(stream, here, place.offset - here)
            sha256 = self._pass_on(stream, place.offset, place.length)
            here = place.offset + place.length
            sent = self._sent(stream, place) if _WITH_REQUEST in place.urlkey else None
            name = self._series.name
            self._workings.place(place.number, name, start + place.offset, place.length, sha256, sent)
            self._told(place.length)
        self._pass_on(stream, here, size - here)
        self.result.whole += 1
        if self._has_parts:
            for place in places:
                found = next(events(stream, [Wanted(place.offset, place.length)]))
                if isinstance(found, Event):
                    self._copy_later_parts(found, file, place, is_whole=True)

    def _pass_on(self, stream: BinaryIO, offset: int, length: int) -> str:
        """Copy bytes; their SHA-256."""
        sha256 = hashlib.sha256()
        for piece in stored_pieces(stream, offset, length) if length > 0 else ():
            sha256.update(piece)
            self._series.write(piece)
        return sha256.hexdigest()

    def _sent(self, stream: BinaryIO, place: Place) -> Sent | None:
        found = next(events(stream, [Wanted(place.offset, place.length)]))
        return sent_for(stream, found, place.urlkey) if isinstance(found, Event) else None

    # -- parts of files ----------------------------------------------------------------------------------------------

    def _copy_events(self, file: str, stream: BinaryIO, places: Sequence[Place]) -> None:
        by_offset = {place.offset: place for place in places}
        is_first = True
        for found in events(stream, [Wanted(place.offset, place.length) for place in places]):
            place = by_offset[found.offset]
            if isinstance(found, Lacking):
                self.result.lacks(place, file, found.reason)
                continue
            self._series.before_event()
            if is_first and not self._bare:
                self._copy_warcinfo(stream)
            is_first = False
            try:
                self._copy_event(stream, file, found, place)
            except DamagedRecord as error:
                self.result.lacks(place, file, error.message)
            self._told(place.length)

    def _copy_event(self, stream: BinaryIO, file: str, event: Event, place: Place) -> None:
        sent = sent_for(stream, event, place.urlkey) if _WITH_REQUEST in place.urlkey else None
        for member in event.members:
            if self._bare and member.offset != event.offset and (sent is None or member.record_type != "request"):
                continue
            start = self._series.position
            length, sha256 = copy_member(stream, member, self._series)
            if member.offset == event.offset:
                self._workings.place(place.number, self._series.name, start, length, sha256, sent)
        if self._has_parts:
            self._parts.update((file, member.offset) for member in event.members)
            self._copy_later_parts(event, file, place)

    def _copy_later_parts(self, event: Event, file: str, place: Place, *, is_whole: bool = False) -> None:
        """The other segments of a record that was cut into some, wherever they lie."""
        origin = next(member.record_id for member in event.members if member.offset == event.offset)
        for part in self._holdings.segments.find(origin) if origin else ():
            if (part.file, part.offset) in self._parts or (is_whole and part.file == file):
                continue
            self._parts.add((part.file, part.offset))
            try:
                with self._holdings.store.open(part.file) as stream:
                    member = member_at(stream, part.offset)
                    if is_whole:
                        self._series.before_event()
                    copy_member(stream, member, self._series)
            except DamagedRecord as error:
                self.result.lacks(place, part.file, f"a later part of it: {error.message}")

    def _copy_warcinfo(self, stream: BinaryIO) -> None:
        """What the file says of itself, once."""
        info = warcinfo_of(stream)
        if info is not None and (not info.record_id or info.record_id not in self._warcinfos):
            self._warcinfos.add(info.record_id)
            copy_member(stream, info, self._series)

    def _told(self, length: int) -> None:
        self._done += length
        self._progress(self._done)


def _warc_name(file: str) -> str:
    """A name that says what the file is, out of one in the store, a path or a URL."""
    name = file.rpartition("/")[2].partition("?")[0]
    name = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in name)
    name = name.lstrip("._-") or "imported"
    return name if name.endswith(".warc.gz") else f"{name.removesuffix('.gz').removesuffix('.warc')}.warc.gz"
