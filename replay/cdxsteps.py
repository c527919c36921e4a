"""What is done with the captures of an index on their way out: each step takes rows and gives rows, a few at a time.

The order is the Internet Archive's: rows are passed over (offset), sifted by time, filtered, folded together with neighbours
(collapse), counted, and revisits resolved. Steps that add columns append them to the row.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import nsmallest
from itertools import chain

from archiver.index.protocol import DIGEST, IS_REVISIT, MIME, STATUS, TIMESTAMP, URLKEY
from archiver.timestamps import parse_timestamp
from replay.cdxapi import CdxQuery
from replay.cdxfilter import Longer

#: Columns of a row as the index has it.
WIDTH = 12

#: What can be counted of captures that were folded into, or filtered out behind, one that is given.
GROUP_COUNTS = ("skipcount", "groupcount", "endtimestamp", "uniqcount")
#: Which earlier capture of the same payload a capture is: 0 for the first.
DUPLICATES = "dupecount"
#: Where the payload of a revisit lies.
ORIGINALS = ("orig.length", "orig.offset", "orig.filename")

#: Different payloads that are remembered to count their repetitions; those not seen for longest are forgotten.
_MOST_PAYLOADS = 200_000
_NO_STATUS = 1000


def added_columns(query: CdxQuery) -> tuple[str, ...]:
    """The names of what steps append to rows, in the order in which they do."""
    groups = tuple(name for name in GROUP_COUNTS if name in query.counts)
    originals = ORIGINALS if query.resolves else ()
    return (*groups, *originals, *((DUPLICATES,) if DUPLICATES in query.counts else ()))


class Source:
    """Rows out of batches, and which was read last.

    Args:
        batches: from the index.

    Attributes:
        last: the row read last; None before the first.
        at_place: how many rows with its key and time were read, itself included.
        is_at_end: there are no more.
    """

    def __init__(self, batches: Iterable[Sequence[Longer]]) -> None:
        self._rows = chain.from_iterable(batches)
        self._left: int | None = None
        self.last: Longer | None = None
        self.at_place = 0
        self.is_at_end = False

    def __iter__(self) -> Iterator[Longer]:
        return self

    def __next__(self) -> Longer:
        if self._left is not None:
            if not self._left:
                raise StopIteration
            self._left -= 1
        row = next(self._rows, None)
        if row is None:
            self.is_at_end = True
            raise StopIteration
        last = self.last
        is_same = last is not None and last[TIMESTAMP] == row[TIMESTAMP] and last[URLKEY] == row[URLKEY]
        self.at_place = self.at_place + 1 if is_same else 1
        self.last = row
        return row

    def end_after(self, count: int) -> None:
        """Give so many rows more at most."""
        self._left = count


def passing(query: CdxQuery) -> Callable[[Longer], bool] | None:
    """Whether a row is given, asked of one row after the other; None when all are.

    Raises:
        UsageError: a filter cannot be used.
    """
    checks = [test.predicate() for test in query.tests]
    checks += [change.predicate() for change in query.changes]
    if query.per_time:
        checks.append(_best_of_time(query.per_time))
    if len(checks) < 2:
        return checks[0] if checks else None
    return lambda row: all(check(row) for check in checks)


def _best_of_time(digits: int) -> Callable[[Longer], bool]:
    """The first row of each period, and those after it in the same that have a smaller status than all before."""
    period, best = "", _NO_STATUS

    def is_better(row: Longer) -> bool:
        nonlocal period, best
        here = f"{row[TIMESTAMP]:014d}"[:digits]
        status = _NO_STATUS if row[STATUS] is None or row[IS_REVISIT] else row[STATUS] or _NO_STATUS
        if here == period and status >= best:
            return False
        period, best = here, status
        return True

    return is_better


def grouped(rows: Iterable[Longer], passes: Callable[[Longer], bool] | None, counts: Sequence[str]) -> Iterator[Longer]:
    """Rows that pass, each with what is counted of it and of those behind it that do not; given once the next one is there."""
    names = [name for name in GROUP_COUNTS if name in counts]
    held: Longer | None = None
    skipped, end = 0, 0
    digests: set[str] = set()

    def counted(row: Longer) -> Longer:
        of = {
            "skipcount": str(skipped), "groupcount": str(skipped + 1), "endtimestamp": f"{end:014d}",
            "uniqcount": str(len(digests)),
        }  # fmt: skip
        return (*row, *(of[name] for name in names))

    for row in rows:
        if passes is None or passes(row):
            if held is not None:
                yield counted(held)
            held, skipped, digests = row, 0, set()
        elif held is None:
            continue
        else:
            skipped += 1
        end = row[TIMESTAMP]
        if len(digests) < _MOST_PAYLOADS:
            digests.add(row[DIGEST])
    if held is not None:
        yield counted(held)


#: Of what a revisit repeats: type, status, and length, offset and file as shown.
Original = tuple[str, int | None, str, str, str]


def resolved(rows: Iterable[Longer], original_of: Callable[[Longer], Original | None]) -> Iterator[Longer]:
    """Rows, of revisits with the type and status of what they repeat, and where that lies.

    Args:
        rows: of the index.
        original_of: what a revisit repeats; None when it is not held.
    """
    for row in rows:
        original = original_of(row) if row[IS_REVISIT] else None
        if original is None:
            yield (*row, "-", "-", "-")
            continue
        changed = list(row)
        changed[MIME], changed[STATUS], changed[IS_REVISIT] = original[0], original[1], 0
        yield (*changed, *original[2:])


def with_repetitions(rows: Iterable[Longer]) -> Iterator[Longer]:
    """Rows with how often their payload was given before."""
    seen: OrderedDict[str, int] = OrderedDict()
    for row in rows:
        digest = row[DIGEST]
        count = seen.pop(digest, -1) + 1 if digest else 0
        if digest:
            seen[digest] = count
            if len(seen) > _MOST_PAYLOADS:
                seen.popitem(last=False)
        yield (*row, str(count))


def nearest_first(rows: Iterable[Longer], timestamp: str, most: int) -> list[Longer]:
    """The rows nearest to a time, of equally near ones those first that came first."""
    there = parse_timestamp(timestamp)

    def distance(row: Longer) -> float:
        return abs((parse_timestamp(f"{row[TIMESTAMP]:014d}") - there).total_seconds())

    return nsmallest(most, rows, key=distance)
