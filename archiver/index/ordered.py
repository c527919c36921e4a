"""Captures in files of sorted lines: CDX, CDXJ and ZipNum, read where they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile

from archiver.index.answers import StreamedIndex
from archiver.index.keyforms import OURS, KeyRules, our_key, spellings
from archiver.index.lines import Lines
from archiver.index.protocol import Row
from archiver.index.query import HIGHEST, KeyRange, Place, after_prefix, from_place, ordered
from archiver.index.sorting import sorted_rows

#: Follows all digits.
_BEHIND = ":"
_DIGITS = 14


class OrderedIndex(StreamedIndex):
    """An index of sorted lines.

    Args:
        slug: the collection whose captures they are.
        lines: of the file.
        parse: makes of a line a row; None for those that cannot be read.
        rules: how its keys are written.
    """

    def __init__(self, slug: str, lines: Lines, parse: Callable[[bytes], Row | None], rules: KeyRules = OURS) -> None:
        super().__init__(slug)
        self._lines = lines
        self._parse = parse
        self._rules = rules

    def of_url(self, urlkey: str, moment: int, *, backward: bool) -> Iterator[Row]:
        """Captures of a URL, under each of the keys that it may have here.

        What stands under other keys than ours is looked through as a whole and sorted: such keys do not follow the order of
        time across their spellings.
        """
        if self._rules.is_ours:
            return self._of_key(urlkey, moment, backward)
        found = [row for row in self._of_spellings(urlkey) if (row[1] < moment if backward else row[1] >= moment)]
        return iter(sorted(found, key=lambda row: row[1], reverse=backward))

    def _of_key(self, key: str, moment: int, backward: bool) -> Iterator[Row]:
        place = _line_start(key, moment)
        lines = self._lines.backward(place) if backward else self._lines.forward(place)
        beginning = f"{key} ".encode("utf-8", "surrogatepass")
        return self._rows(takewhile(lambda line: line.startswith(beginning), lines))

    def _of_spellings(self, key: str) -> Iterator[Row]:
        """All captures of a URL, each once, with our key."""
        bare, mark, _ = key.partition("?")
        wanted = {KeyRange.exactly(spelled) for form in self._rules.hosts for spelled in spellings(key, form)}
        wanted.add(KeyRange.exactly(key))
        if self._rules.loose and mark:
            heads = [spelled for form in self._rules.hosts for spelled in spellings(bare, form)]
            wanted |= {KeyRange.beginning_with(f"{head}?") for head in heads}
        for keys in ordered(wanted):
            for row in self._of_keys(keys, None, backward=False):
                if row[0] == key or our_key(row) == key:
                    yield (key, *row[1:])

    def of_ranges(self, ranges: Sequence[KeyRange], after: Place | None, *, backward: bool) -> Iterator[Row]:
        """Captures of ranges of keys; of an index whose keys are not ours, looked through and sorted anew."""
        if self._rules.rekeyed:
            return self._rekeyed(ranges, after, backward)
        found = from_place(ranges, after, backward=backward)
        return (row for keys in found for row in self._of_keys(keys, after, backward=backward))

    def _of_keys(self, keys: KeyRange, after: Place | None, *, backward: bool) -> Iterator[Row]:
        start, end = (
            keys.start.encode("utf-8", "surrogatepass"),
            None if keys.end is None else keys.end.encode("utf-8", "surrogatepass"),
        )
        if not backward:
            place = start if after is None else max(start, _line_start(after.urlkey, int(after.timestamp)))
            lines = self._lines.forward(place)
            return self._rows(takewhile(lambda line: end is None or line.partition(b" ")[0] < end, lines))
        place = HIGHEST.encode("utf-8", "surrogatepass") if end is None else end
        if keys.only is not None:
            place = f"{keys.only} {_BEHIND}".encode("utf-8", "surrogatepass")
        if after is not None:
            place = min(place, _line_start(after.urlkey, int(after.timestamp) + 1))
        return self._rows(takewhile(lambda line: line.partition(b" ")[0] >= start, self._lines.backward(place)))

    def _rekeyed(self, ranges: Sequence[KeyRange], after: Place | None, backward: bool) -> Iterator[Row]:
        """Captures with our keys in our order, of an index that has others."""
        wanted = ordered(ranges)
        places = ordered(part for keys in wanted for part in self._theirs(keys))

        def inside() -> Iterator[Row]:
            for row in (row for keys in places for row in self._of_keys(keys, None, backward=False)):
                key = our_key(row)
                if any(key in keys for keys in wanted) and _is_behind(after, key, row[1], backward):
                    yield (key, *row[1:])

        return sorted_rows(inside(), backward=backward)

    def _theirs(self, keys: KeyRange) -> list[KeyRange]:
        """Where in this index all keys of a range may be; all of it, where a range is no host's."""
        head = keys.only if keys.only is not None else keys.start
        is_prefix = keys.only is not None or keys.end == after_prefix(keys.start)
        if ")" not in head or not is_prefix:
            return [KeyRange("", None)]
        head = head.partition("?")[0] if self._rules.loose else head
        found = [KeyRange.beginning_with(head)]
        for form in self._rules.hosts:
            found += map(KeyRange.beginning_with, spellings(head, form))
        return found

    def _rows(self, lines: Iterator[bytes]) -> Iterator[Row]:
        parse = self._parse
        return (row for line in lines if (row := parse(line)) is not None)


def _line_start(key: str, moment: int) -> bytes:
    """How the lines of a key and moment begin; moments past all 14 digits are behind all of the key."""
    stamp = f"{moment:014d}"
    return f"{key} {stamp if len(stamp) == _DIGITS else _BEHIND}".encode("utf-8", "surrogatepass")


def _is_behind(after: Place | None, key: str, moment: int, backward: bool) -> bool:
    """A capture is at the place from which a stream goes, or follows in its direction."""
    if after is None:
        return True
    here, there = (key, moment), (after.urlkey, int(after.timestamp))
    return here <= there if backward else here >= there
