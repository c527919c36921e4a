"""Ranges: what a request says, what an archived part says, what they have in common."""

from __future__ import annotations

import pytest

from replay.ranges import Extent, cut, held_extent, single_range


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        ("bytes=0-", (0, None)),
        ("bytes=5-9", (5, 9)),
        ("bytes=-3", (None, 3)),
        (" Bytes = 5 - 9 ", (5, 9)),
        (None, None),
        ("", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=9-5", None),
        ("bytes=0-1,5-9", None),
        ("bytes=x-", None),
        ("bytes=-1-2", None),
        ("items=0-1", None),
        ("bytes=" + "9" * 40 + "-", (10**18, None)),
        ("bytes=0-" + "9" * 5000, (0, 10**18)),
        ("bytes=-" + "9" * 40, (None, 10**18)),
        ("bytes=" + "0" * 40 + "-" + "0" * 40 + "1", (0, 1)),
    ],
)
def test_one_range_is_understood_and_the_rest_means_everything(
    header: str | None, asked: tuple[int | None, int | None] | None
) -> None:
    assert single_range(header) == asked


@pytest.mark.parametrize(
    ("header", "held"),
    [
        ("bytes 0-9/10", Extent(0, 9, 10)),
        ("bytes 5-9/*", Extent(5, 9, None)),
        ("bytes */10", None),
        ("bytes 9-5/10", None),
        ("bytes 0-10/10", None),
        ("bytes 0-9", None),
        ("garbage", None),
        (None, None),
    ],
)
def test_what_an_archived_part_says_is_believed_only_if_it_can_be(header: str | None, held: Extent | None) -> None:
    assert held_extent(header) == held
    assert held is None or held_extent(held.header()) == held


@pytest.mark.parametrize(
    ("asked", "held", "part"),
    [
        ((0, None), Extent(0, 9, 10), (0, 9)),
        ((3, 4), Extent(0, 9, 10), (3, 4)),
        ((3, 99), Extent(0, 9, 10), (3, 9)),
        ((None, 3), Extent(0, 9, 10), (7, 9)),
        ((None, 99), Extent(0, 9, 10), (0, 9)),
        ((None, 0), Extent(0, 9, 10), None),
        ((10, None), Extent(0, 9, 10), None),
        ((0, None), Extent(5, 9, 10), None),
        ((6, 7), Extent(5, 9, 20), (6, 7)),
        ((None, 2), Extent(5, 9, 20), None),
        ((None, 2), Extent(5, 9, None), None),
    ],
)
def test_only_what_is_held_is_given(asked: tuple[int | None, int | None], held: Extent, part: tuple[int, int] | None) -> None:
    found = cut(asked, held)
    assert (found and (found.first, found.last)) == part
    assert found is None or found.total == held.total
