"""Rows put in order in little memory, however many they are."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import IO

from archiver.index.protocol import TIMESTAMP, URLKEY, Row

#: Rows that are sorted at once; more wait in temporary files.
_AT_ONCE = 100_000
#: Rows that are read back at once from each.
_READ_BACK = 500

_place = itemgetter(URLKEY, TIMESTAMP)


def sorted_rows(rows: Iterable[Row], *, backward: bool = False, at_once: int = _AT_ONCE) -> Iterator[Row]:
    """Rows in the order of key and time, or the other way round.

    Args:
        rows: in any order.
        backward: the greatest first.
        at_once: rows that are held in memory.
    """
    rows = iter(rows)
    first = sorted(islice(rows, at_once), key=_place, reverse=backward)
    if len(first) < at_once:
        yield from first
        return
    with ExitStack() as files:
        runs: list[Iterator[Row]] = [iter(first)]
        while run := sorted(islice(rows, at_once), key=_place, reverse=backward):
            file = files.enter_context(tempfile.TemporaryFile())
            for start in range(0, len(run), _READ_BACK):
                pickle.dump(run[start : start + _READ_BACK], file)
            file.seek(0)
            runs.append(_read_back(file))
        yield from merge(*runs, key=_place, reverse=backward)


def _read_back(file: IO[bytes]) -> Iterator[Row]:
    while True:
        try:
            yield from pickle.load(file)  # our own, written a moment ago
        except EOFError:
            return
