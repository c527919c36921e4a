"""What the limits of a plan allow, said in numbers and in words."""

from __future__ import annotations

import pytest

from archiver.crawl.limits import Allowance, crawl_limit, host_limit, lanes, page_limit, room, share
from archiver.crawl.plan import CrawlPlan, Limits, Pace, Seed


@pytest.mark.parametrize(
    "limits, is_documents, received, seconds, said",
    [
        (Limits(), False, 10**12, 1e9, ""),
        (Limits(documents=1200), True, 0, 0, "the limit of 1,200 documents was reached"),
        (Limits(bytes=5000), False, 4999, 0, ""),
        (Limits(bytes=5000), False, 5000, 0, "the limit of 5,000 bytes was reached"),
        (Limits(seconds=1.5), False, 0, 1.4, ""),
        (Limits(seconds=1.5), False, 0, 1.5, "the time limit of 1.5 s was reached"),
        (Limits(documents=3, bytes=1), True, 1, 0, "the limit of 3 documents was reached"),
    ],
)
def test_limits_of_a_crawl(limits: Limits, is_documents: bool, received: int, seconds: float, said: str) -> None:
    assert crawl_limit(limits, is_documents=is_documents, received=received, seconds=seconds) == said


def test_limits_of_pages_and_of_a_host() -> None:
    assert page_limit(Limits(), 10**9) == "" == page_limit(Limits(pages=5), 4)
    assert page_limit(Limits(pages=5), 5) == "the limit of 5 pages was reached"
    limits = Limits(host_documents=3, host_bytes=1000)
    assert host_limit(limits, documents=2, received=999) == "" == host_limit(Limits(), documents=9, received=10**9)
    assert host_limit(limits, documents=3, received=0) == "the limit of 3 documents a host was reached"
    assert host_limit(limits, documents=0, received=1000) == "the limit of 1,000 bytes a host was reached"


def test_an_answer_has_room_for_what_is_left_and_always_for_a_byte() -> None:
    assert room(Limits(), 10**12) is None
    assert [room(Limits(bytes=100), received) for received in (0, 60, 100, 500)] == [100, 40, 1, 1]


@pytest.mark.parametrize(
    "pace, limits, queues",
    [
        (Pace(min_seconds=1.0), Limits(), 1),
        (Pace(0, 0, 0, host_connections=6), Limits(), 6),
        (Pace(0, 0, 0, host_connections=6), Limits(host_documents=9), 1),
        (Pace(0, 0, 0, host_connections=6), Limits(host_bytes=9), 1),
    ],
)
def test_only_hosts_that_are_not_spared_have_several_queues(pace: Pace, limits: Limits, queues: int) -> None:
    assert lanes(CrawlPlan((Seed("http://a.example/"),), pace=pace, limits=limits)) == queues


def test_what_a_worker_may_begin_is_used_up() -> None:
    left = Allowance(documents=2, pages=1)
    left.spend(is_page=True)
    assert (left.documents, left.pages, left.is_used_up) == (1, 0, False)
    left.spend()
    assert left.is_used_up
    free = Allowance()
    free.spend(is_page=True)
    assert free == Allowance() and not free.is_used_up


@pytest.mark.parametrize(
    "limit, total, granted, working, in_hand, wanted, given",
    [
        (0, 50, 0, 0, 0, 10, None),
        (100, 0, 0, 0, 0, 10, 10),
        (100, 95, 0, 0, 0, 10, 5),
        (100, 95, 0, 0, 2, 10, 3),
        (100, 90, 0, 2, 0, 10, 4),  # a third of ten, rounded up
        (100, 90, 9, 1, 0, 10, 1),
        (100, 120, 0, 0, 3, 10, 0),  # more came than was to come: nothing more does
    ],
)
def test_workers_share_what_is_left(
    limit: int, total: int, granted: int, working: int, in_hand: int, wanted: int, given: int | None
) -> None:
    assert share(limit, total, others_granted=granted, others_working=working, in_hand=in_hand, wanted=wanted) == given
