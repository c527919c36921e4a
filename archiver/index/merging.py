"""Streams of captures that are each in order, made into one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from heapq import merge
from itertools import chain, groupby
from operator import itemgetter

from archiver.index.protocol import TIMESTAMP, URLKEY, Row
from archiver.model import Capture
from archiver.timestamps import parse_timestamp

_place_of_row = itemgetter(URLKEY, TIMESTAMP)


def place_of(capture: Capture) -> tuple[str, str]:
    """What streams are ordered by."""
    return capture.urlkey, capture.timestamp


def merge_captures(streams: Sequence[Iterator[Capture]], *, newest_first: bool = False) -> Iterator[Capture]:
    """Captures of several streams in the order of all; of one key and second, those of the first stream first."""
    if len(streams) == 1:
        return streams[0]
    return merge(*streams, key=place_of, reverse=newest_first)


def merge_batches(streams: Sequence[Iterator[Sequence[Row]]]) -> Iterator[Sequence[Row]]:
    """Batches of rows of several streams in the order of all; of one key and second, those of the first stream first.

    Each time as much is given as is certain: up to the first end of what the streams have given so far. Of that, the sorted
    runs are joined by Python's own sort, which is several times faster than a heap.
    """
    if len(streams) == 1:
        yield from streams[0]
        return
    held: list[Sequence[Row]] = [() for _ in streams]
    open_ = list(range(len(streams)))
    while True:
        for number in list(open_):
            while not held[number]:
                batch = next(streams[number], None)
                if batch is None:
                    open_.remove(number)
                    break
                held[number] = batch
        if not open_:
            return
        bound = min(_place_of_row(held[number][-1]) for number in open_)
        ready: list[Row] = []
        for number, rows in enumerate(held):
            cut = bisect_right(rows, bound, key=_place_of_row)
            ready.extend(rows[:cut])
            held[number] = rows[cut:]
        yield sorted(ready, key=_place_of_row)


def by_distance(later: Iterator[Capture], earlier: Sequence[Iterator[Capture]], wanted: str) -> Iterator[Capture]:
    """Captures by their distance in time from a moment; of equally near ones the earlier first.

    Those of the very moment are given before any of the streams of earlier ones is asked.

    Args:
        later: not before the moment, in the order of time.
        earlier: streams of those before it, the latest first.
        wanted: 14 digits.
    """
    first = next(later, None)
    while first is not None and first.timestamp == wanted:
        yield first
        first = next(later, None)
    rest = iter(()) if first is None else chain((first,), later)
    yield from merge_by_distance([*earlier, rest], wanted)


def merge_by_distance(streams: Sequence[Iterator[Capture]], wanted: str) -> Iterator[Capture]:
    """Streams that are each in the order of their distance in time from a moment, as one."""
    target = seconds(wanted)

    def distance(capture: Capture) -> tuple[float, str]:
        return abs(seconds(capture.timestamp) - target), capture.timestamp

    return merge(*streams, key=distance)


def earlier_first(backward: Iterator[Capture]) -> Iterator[Capture]:
    """Captures of one and the same second in the order in which they were made, whatever the direction."""
    for _, same in groupby(backward, key=lambda capture: capture.timestamp):
        yield from reversed(list(same))


def seconds(timestamp: str) -> float:
    """14 digits as seconds on a common scale."""
    try:
        return datetime.fromisoformat(f"{timestamp[:8]}T{timestamp[8:]}+00:00").timestamp()
    except ValueError:
        return parse_timestamp(timestamp).timestamp()
