"""Where the pages of an answer begin, for clients that ask for one page after the other.

A page is so many captures of the index, before filters; it ends where the key or time changes, so that a capture that is added
between two requests moves no other one to another page. Where pages begin is found while going through the index once, and
remembered for a while.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from archiver.index.protocol import Row
from archiver.index.query import Place

#: Answers whose pages are remembered, and for how many seconds.
_MOST_ANSWERS = 64
_SECONDS = 600
_MOST_PLACES = 200_000


def place_of(row: Row) -> tuple[str, int]:
    """Key and time."""
    return row[0], row[1]


@dataclass(slots=True)
class _Marks:
    """Where the pages of one answer begin, as far as that is known."""

    made_at: float
    places: list[Place] = field(default_factory=list)
    is_whole: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class PageMarks:
    """The beginnings of pages.

    Args:
        clock: seconds, ever growing.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[object, _Marks] = OrderedDict()

    def places(
        self, name: object, rows_in_page: int, scan: Callable[[Place | None], Iterator[Sequence[Row]]], most: int | None
    ) -> tuple[list[Place], bool]:
        """Where pages begin, and whether those are all.

        Args:
            name: of the answer: what it is asked of, and by whom.
            rows_in_page: captures.
            scan: the captures of the index from a place on.
            most: pages that are of interest; None for all.
        """
        marks = self._marks((name, rows_in_page))
        with marks.lock:
            if not marks.is_whole and (most is None or len(marks.places) < most):
                self._extend(marks, rows_in_page, scan, most)
            return list(marks.places), marks.is_whole

    def _marks(self, name: object) -> _Marks:
        now = self._clock()
        with self._lock:
            marks = self._known.pop(name, None)
            if marks is None or now - marks.made_at > _SECONDS or len(marks.places) > _MOST_PLACES:
                marks = _Marks(now)
            self._known[name] = marks
            while len(self._known) > _MOST_ANSWERS:
                self._known.popitem(last=False)
            return marks

    @staticmethod
    def _extend(
        marks: _Marks, rows_in_page: int, scan: Callable[[Place | None], Iterator[Sequence[Row]]], most: int | None
    ) -> None:
        """Look for more beginnings from the last known one on."""
        left = 0 if not marks.places else rows_in_page
        last: tuple[str, int] | None = None
        for batch in scan(marks.places[-1] if marks.places else None):
            at = 0
            while at < len(batch):
                if left > 0:
                    step = min(left, len(batch) - at)
                    left, at = left - step, at + step
                    last = place_of(batch[at - 1])
                    continue
                row = batch[at]
                here = place_of(row)
                if here == last:
                    at += 1
                    continue
                if most is not None and len(marks.places) >= most:
                    return
                marks.places.append(Place(here[0], f"{here[1]:014d}"))
                left = rows_in_page
        marks.is_whole = True
