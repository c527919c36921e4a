"""Whose turn it is among the queues that a worker holds."""

from __future__ import annotations

from archiver.crawl.decision import Decision, UrlState, Verdict
from archiver.crawl.entries import Claimed, Entry
from archiver.crawl.politeness import HostPace
from archiver.crawl.scheduler import HOLD_SECONDS, TURN, Scheduler

TAKEN = Decision(UrlState.QUEUED, Verdict.IN_SCOPE)


def claimed(queue: int, count: int) -> Claimed:
    entries = tuple(
        Entry(number, f"http://h{queue}.example/{number}", 1, "L", "link", "a href", TAKEN, 0, queue, 10_001, queue, "h", None)
        for number in range(count)
    )
    return Claimed(queue, f"h{queue}.example", "", entries, 0, 0)


def test_queues_take_turns_and_one_request_at_a_time_each() -> None:
    scheduler = Scheduler()
    for queue in (1, 2):
        scheduler.take(claimed(queue, 5), HostPace())
    first, second = scheduler.next(0), scheduler.next(0)
    assert first is not None and second is not None and first.queue_id != second.queue_id
    assert scheduler.next(0) is None
    scheduler.rest(first, keep=False, now=0)
    assert scheduler.next(0) is first


def test_a_queue_that_rests_for_long_is_given_back_meanwhile() -> None:
    scheduler = Scheduler()
    scheduler.take(claimed(1, 5), HostPace())
    held = scheduler.next(0)
    assert held is not None
    held.pace = HostPace(next_at=HOLD_SECONDS - 0.5)
    scheduler.rest(held, keep=False, now=0)
    assert not held.leaving and scheduler.next(0) is None and scheduler.next_time() == HOLD_SECONDS - 0.5
    held = scheduler.next(HOLD_SECONDS)
    assert held is not None
    held.pace = HostPace(next_at=3 * HOLD_SECONDS)
    scheduler.rest(held, keep=False, now=HOLD_SECONDS)
    assert held.leaving


def begun_before_leaving(*, others_wait: bool) -> int | None:
    """How many URLs a long queue begins before it leaves; None when it stays."""
    scheduler = Scheduler()
    scheduler.are_others_waiting = others_wait
    scheduler.take(claimed(1, 3 * TURN), HostPace())
    for begun in range(1, 2 * TURN):
        held = scheduler.next(0)
        assert held is not None
        scheduler.rest(held, keep=False, now=0)
        if held.leaving:
            return begun
    return None


def test_a_long_queue_lets_others_have_their_turn() -> None:
    assert begun_before_leaving(others_wait=True) == TURN
    assert begun_before_leaving(others_wait=False) is None
