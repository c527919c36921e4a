"""The rules between records of a file: identifiers that are unique, events that belong together, segments that follow.

Memory is bounded: identifiers are kept as 64-bit hashes and can go to a file in sorted runs, events are compared within
a window, and of what is rare by rule (warcinfo records, open segments) only so much is kept.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge
from pathlib import Path
from typing import NamedTuple

from archiver.warc.headrules import Header

#: Records before and after one among which the others of its event are looked for.
WINDOW = 64
#: Identifiers that are sorted at once, that are compared without being sorted (50 MB), and that are read at once.
_RUN, _AT_ONCE, _READ = 200_000, 400_000, 4096
_MOST_NAMED = 10_000
_MASK = (1 << 64) - 1

Note = Callable[[str, int, str, str], None]  # rule, offset, detail, subject


class Run(NamedTuple):
    """Identifiers and offsets, in turn: in memory, or in a file. Sorted, or else as they came."""

    data: bytes
    path: str = ""
    position: int = 0
    entries: int = 0
    is_sorted: bool = True


class Identifiers:
    """Gathers the identifiers of records: 16 bytes each, in memory or, with a path, in a file.

    Processes whose runs are to be compared must have been forked from one: hashes of text differ between others.

    Args:
        path: of the file; "" for memory.
        is_large: there will be too many for `repeated` to look at all at once, so that each run has to be sorted.
    """

    def __init__(self, path: str = "", *, is_large: bool = False) -> None:
        self._path = path
        self._is_large = is_large
        self._keys, self._offsets = array("Q"), array("Q")
        self._runs: list[Run] = []

    def add(self, record_id: str, offset: int) -> None:
        """One record."""
        self._keys.append(hash(record_id) & _MASK)
        self._offsets.append(offset)
        if len(self._keys) >= _RUN:
            self._finish_run(is_sorted=True)

    def runs(self) -> list[Run]:
        """All of them."""
        self._finish_run(is_sorted=self._is_large)
        return self._runs

    def _finish_run(self, *, is_sorted: bool) -> None:
        entries = len(self._keys)
        out = array("Q", bytes(16 * entries))
        if is_sorted:
            pairs = sorted(zip(self._keys, self._offsets, strict=True))
            out[::2], out[1::2] = array("Q", (key for key, _ in pairs)), array("Q", (offset for _, offset in pairs))
        else:
            out[::2], out[1::2] = self._keys, self._offsets
        self._keys, self._offsets = array("Q"), array("Q")
        if not self._path:
            self._runs.append(Run(out.tobytes(), entries=entries, is_sorted=is_sorted))
            return
        with Path(self._path).open("ab") as file:
            self._runs.append(Run(b"", self._path, file.tell(), entries, is_sorted))
            out.tofile(file)


def repeated(runs: Iterable[Run]) -> Iterator[tuple[int, int]]:
    """(offset, offset of the first record with the same identifier), of all but the first."""
    runs = list(runs)
    if sum(run.entries for run in runs) <= _AT_ONCE:
        numbers = array("Q")
        for run in runs:
            numbers.frombytes(_read(run, 0, run.entries))
        keys = numbers[::2]
        if len(set(keys)) == len(keys):
            return  # as nearly always, and in a twentieth of the time that sorting takes
        entries: Iterable[tuple[int, int]] = sorted(zip(keys, numbers[1::2], strict=True))
    else:
        entries = merge(*map(_entries, runs))
    before, first = -1, 0
    for key, offset in entries:
        if key == before:
            yield offset, first
        else:
            before, first = key, offset


def _entries(run: Run) -> Iterator[tuple[int, int]]:
    """In their order."""
    if not run.is_sorted:
        yield from sorted(_pairs(_read(run, 0, run.entries)))
        return
    for start in range(0, run.entries, _READ):
        yield from _pairs(_read(run, start, min(_READ, run.entries - start)))


def _read(run: Run, start: int, count: int) -> bytes:
    """Some entries."""
    if not run.path:
        return run.data[16 * start : 16 * (start + count)]
    with Path(run.path).open("rb") as file:
        file.seek(run.position + 16 * start)
        return file.read(16 * count)


def _pairs(data: bytes) -> Iterator[tuple[int, int]]:
    numbers = array("Q")
    numbers.frombytes(data)
    return zip(numbers[::2], numbers[1::2], strict=True)


Pair = tuple[str, str]  # (identifier of a record, identifier that it names)


class Linked(NamedTuple):
    """What of a record its event needs."""

    offset: int
    record_id: str
    kind: str
    date: str
    uri: str
    concurrent: tuple[str, ...]


class Events:
    """Compares records that name each other by WARC-Concurrent-To, within a window.

    Args:
        note: told what is wrong.

    Attributes:
        early: names of records at the beginning that were not met, which may be in the part of the file before.
    """

    def __init__(self, note: Note) -> None:
        self._note = note
        self._near: dict[str, Linked] = {}
        self._open: dict[Pair, Linked] = {}
        self._met = 0
        self.early: dict[Pair, Linked] = {}

    def add(self, linked: Linked) -> None:
        """The next record of the file."""
        near, waiting, own = self._near, self._open, linked.record_id
        for target in linked.concurrent:
            other = near.get(target)
            if other is None:
                waiting[own, target] = linked
            elif waiting.pop((target, own), None) is None:
                self._one_sided(linked, other)
            elif other.date != linked.date or other.uri != linked.uri:
                self._compare(other, linked)
        near[own] = linked
        self._met += 1
        if len(near) > WINDOW:
            self._forget(near.pop(next(iter(near))))

    def finish(self) -> dict[Pair, Linked]:
        """No more records come; names at the end that were not met, which may be in the part of the file behind."""
        late = {}
        for (own, target), linked in self._open.items():
            other = self._near.get(target)
            if other is None:
                late[own, target] = linked
            else:
                self._one_sided(linked, other)
        return late

    def _forget(self, linked: Linked) -> None:
        """What it names has not come, or came and did not name it."""
        for target in linked.concurrent:
            if self._open.pop((linked.record_id, target), None) is None:
                continue
            other = self._near.get(target)
            if other is not None:
                self._one_sided(linked, other)
            elif self._met <= 2 * WINDOW:
                self.early[linked.record_id, target] = linked
            else:
                self._note("warc-5.7-elsewhere", linked.offset, target, linked.uri)

    def settle(self, pairs: Mapping[Pair, Linked], others: Mapping[Pair, Linked]) -> None:
        """Names that were not met in one part, with those of the part beside it: what is in neither is elsewhere."""
        for (own, target), linked in pairs.items():
            other = others.get((target, own))
            if other is None:
                self._note("warc-5.7-elsewhere", linked.offset, target, linked.uri)
            elif other.offset > linked.offset:
                self._compare(linked, other)

    def _one_sided(self, linked: Linked, other: Linked) -> None:
        self._note("warc-5.7-mutual", linked.offset, f"{linked.kind} → {other.kind}", linked.uri)
        self._compare(linked, other)

    def _compare(self, one: Linked, other: Linked) -> None:
        if other.date != one.date:
            self._note("warc-5.4-event", one.offset, f"{one.date}, {other.date}", one.uri)
        if other.uri and one.uri and other.uri != one.uri:
            self._note("warc-5.14-event", one.offset, other.uri, one.uri)


@dataclass(slots=True)
class _Series:
    """Segments of one record that were met so far."""

    offset: int
    uri: str
    has_origin: bool = False
    first: int = 0
    last: int = 0
    length: int = 0
    total: int | None = None


@dataclass
class Ties:
    """Warcinfo records and segments of a file.

    Attributes:
        warcinfos: identifiers of its warcinfo records.
        used: identifiers that records name → (offset of the first, its URL).
    """

    warcinfos: set[str] = field(default_factory=set)
    used: dict[str, tuple[int, str]] = field(default_factory=dict)
    _series: dict[str, _Series] = field(default_factory=dict)

    def add(self, header: Header, offset: int, note: Note) -> None:
        """One record."""
        fields = header.fields
        kind = fields.get("warc-type", "")
        if kind == "warcinfo":
            if len(self.warcinfos) < _MOST_NAMED:
                self.warcinfos.add(fields.get("warc-record-id", ""))
        elif (named := fields.get("warc-warcinfo-id")) and named not in self.used and len(self.used) < _MOST_NAMED:
            self.used[named] = (offset, fields.get("warc-target-uri", ""))
        if "warc-segment-number" in fields and len(self._series) < _MOST_NAMED:
            self._add_segment(header, offset, kind, note)

    def _add_segment(self, header: Header, offset: int, kind: str, note: Note) -> None:
        fields = header.fields
        number, uri = fields["warc-segment-number"], fields.get("warc-target-uri", "")
        if not number.isascii() or not number.isdigit():
            return
        is_origin = kind != "continuation"
        name = fields.get("warc-record-id" if is_origin else "warc-segment-origin-id", "")
        series = self._series.setdefault(name, _Series(offset, uri, has_origin=is_origin))
        if series.last and int(number) != series.last + 1:
            note("warc-7-number", offset, f"{number} after {series.last}", uri)
        if uri != series.uri:
            note("warc-7-uri", offset, series.uri, uri)
        series.first = series.first or int(number)
        series.last = int(number)
        series.length += header.length or 0
        total = fields.get("warc-segment-total-length", "")
        if total.isascii() and total.isdigit():
            series.total = int(total)
            if series.has_origin and series.total != series.length:
                note("warc-7-total", offset, f"{series.length:,} of {series.total:,} bytes", uri)

    def finish(self, note: Note) -> None:
        """No more records come: what is not in this file."""
        for name, (offset, url) in self.used.items():
            if name not in self.warcinfos:
                note("warc-5.16-elsewhere", offset, name, url)
        for series in self._series.values():
            if not series.has_origin:
                note("warc-7-origin", series.offset, "", series.uri)
            if series.total is None:
                note("warc-7-open", series.offset, "", series.uri)

    def join(self, later: Ties, note: Note) -> None:
        """Take in what the next part of the file had."""
        self.warcinfos |= later.warcinfos
        for name, place in later.used.items():
            self.used.setdefault(name, place)
        for name, series in later._series.items():
            mine = self._series.setdefault(name, series)
            if mine is series:
                continue
            if series.first != mine.last + 1:
                note("warc-7-number", series.offset, f"{series.first} after {mine.last}", series.uri)
            mine.last, mine.length, mine.total = series.last, mine.length + series.length, series.total
            if mine.has_origin and mine.total is not None and mine.total != mine.length:
                note("warc-7-total", series.offset, f"{mine.length:,} of {mine.total:,} bytes", series.uri)
