"""Streams of captures that are each in order, made into one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from heapq import merge
from operator import itemgetter

from archiver.index.protocol import TIMESTAMP, URLKEY, Row
from archiver.model import Capture

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
