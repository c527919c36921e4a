"""What is counted behind the scenes: nobody waits long, nothing is counted twice at once, and old numbers are renewed."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

import pytest

from replay.counting import Counts


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def taking(clock: Clock, seconds: float, value: int, made: list[int]) -> Callable[[], int]:
    """Counts for so long by the clock."""

    def make() -> int:
        clock.now += seconds
        made.append(value)
        return value

    return make


def test_what_is_quick_is_counted_each_time(clock: Clock) -> None:
    counts, made = Counts(clock, wait=60), []  # type: ignore[var-annotated]
    assert counts.get("n", taking(clock, 0.01, 1, made)) == 1
    assert counts.get("n", taking(clock, 0.01, 2, made)) == 2


def test_what_is_slow_is_remembered_by_what_it_cost_and_then_renewed(clock: Clock) -> None:
    counts, made = Counts(clock, wait=60, threads=1), []  # type: ignore[var-annotated]
    assert counts.get("n", taking(clock, 1, 1, made)) == 1
    clock.now += 199
    assert counts.get("n", taking(clock, 1, 2, made)) == 1
    assert made == [1]
    clock.now += 2
    assert counts.get("n", taking(clock, 1, 3, made)) == 1  # told at once while it is renewed
    counts.get("another", taking(clock, 0, 0, made))  # done after it
    assert counts.get("n", taking(clock, 1, 4, made)) == 3
    assert made == [1, 3, 0]


def test_nobody_waits_for_what_takes_long_and_it_is_counted_once(clock: Clock) -> None:
    counts, go, made = Counts(clock, wait=0), Event(), []  # type: ignore[var-annotated]

    def make() -> int:
        go.wait(30)
        return taking(clock, 5, 7, made)()

    assert counts.get("n", make) is None
    assert counts.get("n", make) is None
    go.set()
    assert counts.get("n", make, wait=30) == 7
    assert made == [7]


def test_a_crowd_is_turned_away_and_served_later(clock: Clock) -> None:
    counts, go = Counts(clock, wait=0), Event()

    def make() -> int:
        go.wait(30)
        return 1

    assert all(counts.get(number, make) is None for number in range(100))
    go.set()
    assert counts.get(0, make, wait=30) == 1
    assert counts.get(99, make, wait=30) == 1


def test_a_count_that_fails_says_so_and_is_tried_again(clock: Clock) -> None:
    counts = Counts(clock, wait=60)

    def fail() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        counts.get("n", fail)
    assert counts.get("n", lambda: 5) == 5
