"""When a worker commits and how long it waits, and what it has to commit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archiver.crawl.decision import Decision, UrlState, Verdict
from archiver.crawl.entries import Batch, Claimed, Committed, Control, Entry, Finished, Found, Totals
from archiver.crawl.outbox import Outbox
from archiver.crawl.politeness import HostPace
from archiver.crawl.scheduler import Scheduler
from archiver.crawl.timing import (
    COMMIT_RESULTS,
    COMMIT_SECONDS,
    GLANCE_SECONDS,
    HUNGRY_SECONDS,
    IDLE_SECONDS,
    STARVED_SECONDS,
    TEAM_COMMIT_SECONDS,
    Standing,
)
from archiver.crawl.visited import Visit

TAKEN = Decision(UrlState.QUEUED, Verdict.IN_SCOPE)
ENTRY = Entry(1, "http://a.example/", 7, "", "link", "", TAKEN, 0, 1, 10_000, 1, "a.example", None)
DONE = Finished(ENTRY, UrlState.CAPTURED, length=100)
FOUND = Found("http://a.example/b", 5, "a.example", 7, 1, "L", "link", "a href", TAKEN, 10_001)
LAST = Committed(Control("running", "run", 1), Totals(), None, None)


def queues(*next_times: float) -> Scheduler:
    scheduler = Scheduler()
    for number, next_time in enumerate(next_times):
        scheduler.take(Claimed(number, "a.example", "", (ENTRY,), 0, 0), HostPace(next_at=next_time))
    return scheduler


IDLE = Standing(
    now=1000.0, silent=0.0, last=LAST, batch=Batch(), is_touched=False, queues=Scheduler(), on_way=0, connections=4,
    is_used_up=False, is_halted=False, is_in_team=False,
)  # fmt: skip
BUSY = replace(IDLE, batch=Batch(finished=[DONE]), queues=queues(1010.0), on_way=2)


@pytest.mark.parametrize(
    "standing, is_due",
    [
        (BUSY, False),
        (replace(BUSY, silent=COMMIT_SECONDS), True),
        (replace(BUSY, batch=Batch(finished=[DONE] * COMMIT_RESULTS)), True),
        (replace(BUSY, silent=TEAM_COMMIT_SECONDS), False),
        (replace(BUSY, silent=TEAM_COMMIT_SECONDS, is_in_team=True), True),
        (replace(BUSY, queues=Scheduler(), on_way=0), True),  # nothing else to do
        (replace(BUSY, queues=Scheduler(), on_way=4, silent=STARVED_SECONDS), False),  # no thread is free
        (replace(BUSY, is_used_up=True, silent=STARVED_SECONDS), True),
        (replace(BUSY, batch=Batch(), silent=COMMIT_SECONDS), False),  # nothing to say, and answers to come
        (replace(BUSY, batch=Batch(), silent=IDLE_SECONDS), True),
        (replace(BUSY, batch=Batch(), is_touched=True, silent=COMMIT_SECONDS), True),
    ],
)
def test_when_a_commit_is_due(standing: Standing, is_due: bool) -> None:
    assert standing.commit_is_due() is is_due
    assert (standing.patience(may_begin=True) == 0.0) is is_due


def test_what_was_found_is_committed_soon_where_threads_have_nothing_to_do() -> None:
    tried = queues(0.0)
    (held,) = tried
    assert tried.next(0.0) is held
    held.is_tried = True
    starved = replace(BUSY, batch=Batch(found=[FOUND]), queues=tried, silent=STARVED_SECONDS)
    assert starved.commit_is_due()
    assert not replace(starved, silent=STARVED_SECONDS / 2).commit_is_due()
    assert not replace(starved, batch=Batch(finished=[DONE])).commit_is_due()


def test_queues_that_leave_go_at_once_when_another_worker_waits_for_them() -> None:
    leaving = queues(0.0)
    leaving.release_all()
    assert replace(IDLE, queues=leaving).commit_is_due()
    waited_for = replace(BUSY, queues=leaving, last=replace(LAST, others=1, starving=1))
    assert waited_for.commit_seconds() == STARVED_SECONDS
    assert replace(waited_for, queues=queues(0.0), batch=Batch(found=[FOUND])).commit_seconds() == STARVED_SECONDS
    assert replace(waited_for, last=replace(LAST, others=1)).commit_seconds() == TEAM_COMMIT_SECONDS


@pytest.mark.parametrize(
    "standing, may_begin, seconds",
    [
        (replace(BUSY, silent=0.1), True, COMMIT_SECONDS - 0.1),
        (replace(BUSY, queues=queues(1000.2)), True, 0.2),
        (replace(BUSY, queues=queues(1000.2)), False, COMMIT_SECONDS),
        (replace(BUSY, queues=queues(1000.2), on_way=4), True, COMMIT_SECONDS),
        (replace(BUSY, queues=queues(900.0)), True, 0.0),
        (IDLE, True, COMMIT_SECONDS),
        (replace(IDLE, last=replace(LAST, others_busy=True)), True, GLANCE_SECONDS),
        (replace(IDLE, last=replace(LAST, others_busy=True), silent=0.4), True, 0.05),
        (replace(IDLE, last=replace(LAST, others_busy=True), silent=COMMIT_SECONDS - 0.03), True, 0.03),
        (replace(IDLE, last=replace(LAST, others_busy=True), is_used_up=True), False, HUNGRY_SECONDS),
        (replace(IDLE, last=replace(LAST, next_ready=1000.7)), True, 0.7),
        (replace(IDLE, last=replace(LAST, next_ready=900.0)), True, HUNGRY_SECONDS),
        (replace(IDLE, last=replace(LAST, next_ready=5000.0)), True, IDLE_SECONDS),
        (replace(IDLE, last=replace(LAST, others_busy=True), is_halted=True), True, COMMIT_SECONDS),
    ],
)
def test_how_long_a_worker_waits(standing: Standing, may_begin: bool, seconds: float) -> None:
    assert standing.patience(may_begin=may_begin) == pytest.approx(seconds)


def test_a_file_is_safe_as_far_as_no_request_on_its_way_may_have_written() -> None:
    outbox = Outbox()
    outbox.note(
        Visit(ENTRY, finished=DONE, extra=[DONE], ends={"a.warc.gz": 900, "b.warc.gz": 300}, redirect="http://b.example/")
    )
    outbox.note(Visit(ENTRY, ends={"a.warc.gz": 500}))
    assert outbox.received == 200
    assert outbox.safe_ends([]) == {"a.warc.gz": (900, False), "b.warc.gz": (300, False)}
    assert outbox.safe_ends([("a.warc.gz", 400), ("a.warc.gz", 600)]) == {"a.warc.gz": (400, False), "b.warc.gz": (0, False)}
    assert outbox.safe_ends([("b.warc.gz", 100)]) == {"a.warc.gz": (900, False), "b.warc.gz": (100, False)}
    batch, kept = outbox.hand_over()
    assert batch.finished == batch.extra == [DONE] and batch.redirects == [(7, "http://b.example/")] and kept == []
    assert not outbox.batch and outbox.received == 0
    outbox.forget_files(["b.warc.gz", "a.warc.gz"])
    assert set(outbox.ends) == {"a.warc.gz", "b.warc.gz"}
    outbox.forget_files(["b.warc.gz"])
    assert set(outbox.ends) == {"b.warc.gz"}
