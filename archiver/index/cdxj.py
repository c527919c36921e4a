"""CDX and CDXJ files and ZipNum clusters: what a file is, whether it can be read in place, and the index that it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice, pairwise

from archiver.errors import UsageError
from archiver.index.bytesource import ByteSource, View, is_url, open_bytes
from archiver.index.cdxline import Layout, is_remark, layout_of_header, row_of_line
from archiver.index.keyforms import OURS, KeyRules, rules_of
from archiver.index.lines import MAX_LINE_BYTES, Lines, SortedLines
from archiver.index.ordered import OrderedIndex
from archiver.index.protocol import Row
from archiver.index.warcnames import namer
from archiver.index.zipnum import ZipNumLines

_GZIP = b"\x1f\x8b"
#: Files up to this size are looked through as a whole before they are attached; of others, so many places of so many bytes.
_WHOLE_BYTES = 64 * 1024 * 1024
_PLACES = 40
_PLACE_BYTES = 64 * 1024
#: Lines whose keys are compared with ours; of a cluster, blocks that are unpacked for it, and lines of each.
_SAMPLED = 4000
_BLOCKS = 8
_LINES_A_BLOCK = 500
_SORT = "Sort it with LC_ALL=C sort FILE > SORTED, and attach that."


class FileKind(StrEnum):
    """What an index in files is."""

    CDXJ = "cdxj"
    ZIPNUM = "zipnum"


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found out about a file before it was attached.

    Attributes:
        kind: what it is.
        rules: how its keys are written.
        unreadable: lines of the sample that say of no capture.
        sampled: lines of the sample.
    """

    kind: FileKind
    rules: KeyRules
    unreadable: int
    sampled: int


def open_index(
    slug: str,
    kind: FileKind,
    location: str,
    *,
    warcs: str = "",
    rules: KeyRules = OURS,
    locations: str = "",
    opener: Callable[[str], ByteSource] = open_bytes,
) -> OrderedIndex:
    """An index in files; nothing is read yet but a CDX file's first line.

    Args:
        slug: the collection whose captures it lists.
        kind: what it is.
        location: path or URL of the file; of a ZipNum cluster, of its secondary index.
        warcs: see `namer`.
        rules: how its keys are written, see `survey`.
        locations: of a ZipNum cluster, the file that says where its shards are.
        opener: opens a path or URL.
    """
    place = namer(warcs, opener)
    if kind is FileKind.ZIPNUM:
        return OrderedIndex(slug, ZipNumLines(location, locations=locations, opener=opener), _parser(place, None), rules)
    source = opener(location)
    return OrderedIndex(slug, SortedLines(source), _parser(place, _layout(source.view())), rules)


def _parser(place: Callable[[str], str], layout: Layout | None) -> Callable[[bytes], Row | None]:
    return lambda line: row_of_line(line, place, layout)


def _layout(view: View) -> Layout | None:
    return layout_of_header(view.read(0, 4096).partition(b"\n")[0])


def survey(location: str, *, locations: str = "", opener: Callable[[str], ByteSource] = open_bytes) -> Survey:
    """What a file is, and whether it can be read where it is.

    Raises:
        UsageError: it cannot: it is no index, is packed, or is not in bytewise order; the advice says what to do.
        StorageFailed: it cannot be reached.
    """
    source = opener(location)
    view = source.view()
    if view.read(0, 2) == _GZIP:
        raise UsageError(
            f"{location} is packed, so nothing can be found in it where it is.",
            "Unpack it with gunzip; or, if it is part of a ZipNum cluster, attach the cluster's .idx file.",
        )
    first = next((line for line in SortedLines(source).forward(b"") if not is_remark(line)), None)
    if first is None:
        raise UsageError(f"{location} lists no captures.", "Look whether it is the right file.")
    is_cluster = len(first.split(b"\t")) >= 4
    sample = _in_order(location, view)
    if is_cluster:
        sample = _lines_of_cluster(ZipNumLines(location, locations=locations, opener=opener), sample)
    layout = None if is_cluster else _layout(view)
    rows = [row_of_line(line, layout=layout) for line in sample]
    readable = [row for row in rows if row is not None]
    if not readable:
        raise UsageError(
            f"{location} is no index of captures that can be read.",
            "It must be CDXJ, CDX with 9, 10 or 11 columns or a header that says which, or the .idx file of a ZipNum cluster.",
        )
    kind = FileKind.ZIPNUM if is_cluster else FileKind.CDXJ
    return Survey(kind, rules_of(readable), len(rows) - len(readable), len(rows))


def _in_order(location: str, view: View) -> list[bytes]:
    """Some lines from all over the file.

    Raises:
        UsageError: lines are not in bytewise order.
    """
    sample: list[bytes] = []
    last = b""
    at_once = 2 * _PLACES * _PLACE_BYTES if is_url(location) else _WHOLE_BYTES
    places = [(0, view.size)] if view.size <= at_once else _spread(view.size)
    windows = view.size // _PLACE_BYTES + 1 if len(places) == 1 else _PLACES
    step = max(1, windows // _PLACES)
    most = _SAMPLED // min(windows, _PLACES)
    for number, lines in enumerate(_windows(view, places)):
        for line in lines:
            if line < last:
                raise UsageError(f"{location} is not in bytewise order: “{_shown(line)}” comes after “{_shown(last)}”.", _SORT)
            last = line
        if number % step == 0:
            here = [line for line in lines if not is_remark(line)]
            sample += here[:: max(1, len(here) // most)][:most]
    return sample


def _spread(size: int) -> list[tuple[int, int]]:
    """Places all over a file: offset and end."""
    starts = [size * number // _PLACES for number in range(_PLACES)]
    return [(start, min(size, start + _PLACE_BYTES)) for start in starts]


def _windows(view: View, places: list[tuple[int, int]]) -> Iterator[list[bytes]]:
    """The whole lines of some parts of a file, in pieces."""
    for start, end in places:
        at, kept, is_whole = start, b"", start == 0
        while at < end:
            data = view.read(at, min(_PLACE_BYTES, end - at))
            if not data:
                break
            at += len(data)
            *lines, kept = (kept + data).split(b"\n")
            if not is_whole and lines:
                lines, is_whole = lines[1:], True
            if len(kept) > MAX_LINE_BYTES:
                raise UsageError("This file has no lines.", "Look whether it is the right one.")
            yield [line.rstrip(b"\r") for line in lines if line.strip()]
        if kept.strip() and at >= view.size and is_whole:
            yield [kept.rstrip(b"\r")]


def _lines_of_cluster(lines: Lines, index: list[bytes]) -> list[bytes]:
    """Lines of some blocks of a cluster.

    Raises:
        UsageError: they are not in order, or not where the secondary index says.
    """
    found: list[bytes] = []
    chosen = index[:: max(1, len(index) // _BLOCKS)]
    for line in chosen:
        beginning = line.partition(b"\t")[0]
        here = list(islice(lines.forward(beginning), _LINES_A_BLOCK))
        if not here or not here[0].startswith(beginning):
            raise UsageError(
                f"The block of “{_shown(beginning)}” is not where the secondary index says.",
                "Look whether the shards beside it are those of this index.",
            )
        if any(later < earlier for earlier, later in pairwise(here)):
            raise UsageError("The lines of a block are not in bytewise order.", "Make the cluster again with LC_ALL=C sort.")
        found += here
    return found


def _shown(line: bytes) -> str:
    text = line[:60].decode("utf-8", "replace")
    return text if len(line) <= 60 else f"{text}…"
