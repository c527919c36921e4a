"""Texts side by side: nothing lost, what differs marked, and no text that takes long."""

from __future__ import annotations

import random
import time

import pytest

from archiver.textdiff import MOST_LINES, Kind, TextDiff, compare, likeness, words_in


def sides(diff: TextDiff) -> tuple[str, str]:
    """The two texts as the comparison shows them."""
    old = ["".join(piece.text for piece in pair.old) for pair in diff.pairs if pair.kind is not Kind.ADDED]
    new = ["".join(piece.text for piece in pair.new) for pair in diff.pairs if pair.kind is not Kind.REMOVED]
    return "\n".join(old), "\n".join(new)


def kinds(old: str, new: str) -> list[str]:
    return [str(pair.kind) for pair in compare(old, new).pairs]


def test_lines_are_the_same_added_removed_or_changed() -> None:
    old = "Title\nThe museum opens at nine\nTickets\nOld line about boats"
    new = "Title\nThe museum opens at ten\nTickets\nEin ganz anderer Satz\nMore"
    assert kinds(old, new) == ["same", "changed", "same", "removed", "added", "added"]
    diff = compare(old, new)
    assert [piece.text for piece in diff.pairs[1].old if piece.is_marked] == ["nine"]
    assert [piece.text for piece in diff.pairs[1].new if piece.is_marked] == ["ten"]
    assert (diff.added, diff.removed, diff.is_cut) == (3, 2, False)


def test_scripts_without_spaces_are_marked_letter_by_letter() -> None:
    pair = compare("北京今天的天气很好", "北京昨天的天气很好").pairs[0]
    assert [piece.text for piece in pair.new if piece.is_marked] == ["昨"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [("", "", []), ("", "a", ["added"]), ("a", "", ["removed"]), ("a\nb", "a\nb", ["same", "same"])],
)
def test_empty_and_equal_texts(old: str, new: str, expected: list[str]) -> None:
    assert kinds(old, new) == expected


def test_a_block_that_moved_keeps_the_rest_together() -> None:
    lines = [f"paragraph {number} of the page" for number in range(40)]
    moved = lines[10:] + lines[:10]
    diff = compare("\n".join(lines), "\n".join(moved))
    assert sum(pair.kind is Kind.SAME for pair in diff.pairs) == 30


def test_both_texts_can_be_read_back_whatever_they_are() -> None:
    chance = random.Random(7)
    for _ in range(200):
        old, new = (
            "\n".join(chance.choice("abcd ") * chance.randint(0, 3) for _ in range(chance.randint(1, 30))) for _ in "12"
        )
        assert sides(compare(old, new)) == (old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a\n" * 100_000, "b\n" * 100_000),
        ("a\n" * 100_000, "a\nb\n" * 50_000),
        ("a\nb\nc\n" * 30_000, "c\na\nb\n" * 30_000),
        ("x" * 200_000, "y " * 100_000),
        ("\n".join(map(str, range(4000))), "\n".join(map(str, reversed(range(4000))))),
    ],
)
def test_hostile_texts_take_no_long_time(old: str, new: str) -> None:
    began = time.process_time()
    diff = compare(old, new)
    assert time.process_time() - began < 5
    assert diff.is_cut == (max(old.count("\n"), new.count("\n")) + 1 > MOST_LINES)


def test_likeness_is_by_words() -> None:
    page = "The museum opens at nine"
    assert likeness(words_in(page), words_in(page)) == 1
    assert likeness(words_in(page), words_in("nine opens museum The at")) == 1
    assert 0.7 < likeness(words_in(page), words_in("The museum opens at ten")) < 0.9
    assert likeness(words_in(page), words_in("Пингвины")) == 0
    assert likeness(words_in(""), words_in("")) == 1
