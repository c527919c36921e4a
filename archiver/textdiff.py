"""What differs between two texts: line by line, and inside changed lines word by word; how much they have in common.

Lines that are in both texts once hold the comparison together; only what lies between two of those is compared closely, and
only where it is short. So hostile texts take no longer than others, and what people moved about stays recognisable.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

#: Lines of each text that are compared; what follows is said to be left out.
MOST_LINES = 4000
#: Between two lines that hold the comparison together, so many are compared with each other.
_CLOSE = 60
#: Words of a line that are compared, and how alike two lines must be to be shown as one that was changed.
_MOST_WORDS = 400
_ALIKE = 0.4

#: Scripts without spaces are compared letter by letter.
_WORDS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]|\\w+|\\s+|.", re.DOTALL
)


class Kind(StrEnum):
    """What became of a line or of words."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of a line; `is_marked`: they are not in the other text's line."""

    text: str
    is_marked: bool = False


@dataclass(frozen=True, slots=True)
class LinePair:
    """A line of both texts, or of one.

    Attributes:
        kind: SAME: in both; REMOVED: only in the older; ADDED: only in the newer; CHANGED: alike in both.
        old: the older line in pieces; empty when there is none.
        new: the newer line.
    """

    kind: Kind
    old: tuple[Piece, ...]
    new: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class TextDiff:
    """Two texts side by side.

    Attributes:
        pairs: their lines in order.
        added: lines that only the newer has, changed ones among them.
        removed: lines that only the older has, changed ones among them.
        is_cut: the texts are longer than what was compared.
    """

    pairs: tuple[LinePair, ...]
    added: int
    removed: int
    is_cut: bool


def compare(old: str, new: str) -> TextDiff:
    """What became of each line."""
    before, after = old.split("\n") if old else [], new.split("\n") if new else []
    is_cut = max(len(before), len(after)) > MOST_LINES
    before, after = before[:MOST_LINES], after[:MOST_LINES]
    pairs: list[LinePair] = []
    for same, first, last, start, end in _blocks(before, after):
        if same:
            pairs += (LinePair(Kind.SAME, (Piece(line),), (Piece(line),)) for line in before[first:last])
        else:
            pairs += _replaced(before[first:last], after[start:end])
    removed = sum(pair.kind in (Kind.REMOVED, Kind.CHANGED) for pair in pairs)
    added = sum(pair.kind in (Kind.ADDED, Kind.CHANGED) for pair in pairs)
    return TextDiff(tuple(pairs), added, removed, is_cut)


def words_in(text: str) -> Counter[str]:
    """How often each word stands in a text: what `likeness` compares."""
    found = Counter(_WORDS.findall(text))
    for space in [word for word in found if word.isspace()]:
        del found[space]
    return found


def likeness(one: Counter[str], other: Counter[str]) -> float:
    """How much of two texts is the same, 0 to 1, by their words whatever their order; two empty texts are the same."""
    whole = sum(len(word) * count for words in (one, other) for word, count in words.items())
    if not whole:
        return 1.0
    shared = sum(len(word) * min(count, other[word]) for word, count in one.items() if word in other)
    return 2 * shared / whole


def _replaced(old: Sequence[str], new: Sequence[str]) -> Iterator[LinePair]:
    """Lines in the place of others: alike ones beside each other, in their order."""
    at = 0
    waiting = list(new)
    if len(old) > _CLOSE or len(new) > _CLOSE:
        yield from (LinePair(Kind.REMOVED, (Piece(line, True),), ()) for line in old)
        yield from (LinePair(Kind.ADDED, (), (Piece(line, True),)) for line in new)
        return
    bags = [words_in(line) for line in waiting]
    for line in old:
        words = words_in(line)
        found = next((place for place in range(at, len(waiting)) if likeness(words, bags[place]) >= _ALIKE), None)
        if found is None:
            yield LinePair(Kind.REMOVED, (Piece(line, True),), ())
            continue
        yield from (LinePair(Kind.ADDED, (), (Piece(other, True),)) for other in waiting[at:found])
        yield LinePair(Kind.CHANGED, *_words_between(line, waiting[found]))
        at = found + 1
    yield from (LinePair(Kind.ADDED, (), (Piece(other, True),)) for other in waiting[at:])


def _words_between(old: str, new: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Two lines that are alike, what differs in them marked."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    if max(len(before), len(after)) > _MOST_WORDS:
        return (Piece(old, True),), (Piece(new, True),)
    left: list[Piece] = []
    right: list[Piece] = []
    for same, first, last, start, end in _blocks(before, after):
        if last > first:
            left.append(Piece("".join(before[first:last]), not same))
        if end > start:
            right.append(Piece("".join(after[start:end]), not same))
    return tuple(left), tuple(right)


#: Equal or not, and from where to where in the one and in the other.
_Block = tuple[bool, int, int, int, int]


def _blocks(one: Sequence[Hashable], other: Sequence[Hashable]) -> Iterator[_Block]:
    """What is equal and what is not, in order, covering both."""
    waiting: list[_Block] = [(False, 0, len(one), 0, len(other))]
    done: list[_Block] = []
    while waiting:
        same, first, last, start, end = waiting.pop()
        parts = [] if same else _split(one, other, first, last, start, end)
        if not parts:
            done.append((same, first, last, start, end))
        else:
            waiting += reversed(parts)
    return _joined(block for block in done if block[2] > block[1] or block[4] > block[3])


def _joined(blocks: Iterator[_Block]) -> Iterator[_Block]:
    """Blocks of one kind that follow each other as one."""
    held: _Block | None = None
    for block in blocks:
        if held is not None and held[0] == block[0]:
            held = (held[0], held[1], block[2], held[3], block[4])
            continue
        if held is not None:
            yield held
        held = block
    if held is not None:
        yield held


def _split(one: Sequence[Hashable], other: Sequence[Hashable], first: int, last: int, start: int, end: int) -> list[_Block]:
    """A stretch in smaller ones; [] when nothing in it is found to be equal."""
    head = 0
    while first + head < last and start + head < end and one[first + head] == other[start + head]:
        head += 1
    tail = 0
    while first + head < last - tail and start + head < end - tail and one[last - 1 - tail] == other[end - 1 - tail]:
        tail += 1
    inner = (first + head, last - tail, start + head, end - tail)
    if head or tail:
        ends = [(True, first, first + head, start, start + head), (False, *inner), (True, last - tail, last, end - tail, end)]
        return [block for block in ends if block[2] > block[1] or block[4] > block[3]]
    if first == last or start == end:
        return []
    pairs = _anchors(one, other, first, last, start, end)
    if not pairs and max(last - first, end - start) <= _CLOSE:
        matcher = SequenceMatcher(None, one[first:last], other[start:end], autojunk=False)
        pairs = [
            (first + found.a + step, start + found.b + step)
            for found in matcher.get_matching_blocks()
            for step in range(found.size)
        ]
    if not pairs:
        return []
    blocks: list[_Block] = []
    for here, there in pairs:
        blocks += [(False, first, here, start, there), (True, here, here + 1, there, there + 1)]
        first, start = here + 1, there + 1
    blocks.append((False, first, last, start, end))
    return [block for block in blocks if block[2] > block[1] or block[4] > block[3]]


def _anchors(
    one: Sequence[Hashable], other: Sequence[Hashable], first: int, last: int, start: int, end: int
) -> list[tuple[int, int]]:
    """The longest run of items that both stretches have once, in the same order: (place in one, place in other)."""
    here, there = Counter(one[first:last]), Counter(other[start:end])
    places = {item: place for place, item in enumerate(other[start:end], start) if there[item] == 1 and here[item] == 1}
    found = [(place, places[item]) for place, item in enumerate(one[first:last], first) if item in places]
    tops: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for number, (_, place) in enumerate(found):
        at = bisect_left(tops, place)
        before.append(ends[at - 1] if at else -1)
        tops[at : at + 1] = [place]
        ends[at : at + 1] = [number]
    chain: list[tuple[int, int]] = []
    number = ends[-1] if ends else -1
    while number >= 0:
        chain.append(found[number])
        number = before[number]
    return chain[::-1]
