"""How the workers of a crawl come to be, and share the queues that are ready, also those of one host alone."""

from __future__ import annotations

import subprocess
import sys

from archiver.crawl.control import CrawlControl
from archiver.crawl.decision import Decision, UrlState, Verdict
from archiver.crawl.entries import Batch, Claimed, Committed, Entry, Found
from archiver.crawl.frontier import Frontier
from archiver.crawl.keeper import Keeper
from archiver.crawl.plan import Limits
from archiver.crawl.politeness import HostPace
from archiver.crawl.scheduler import Scheduler
from archiver.holdings import Holdings, utc_now
from tests.archiver.crawling import plan
from tests.conftest import OpenHoldings
from tests.servers.lifelines import child

LANES = 6
TAKEN = Decision(UrlState.QUEUED, Verdict.IN_SCOPE)


def worker(holdings: Holdings, crawl: int, *, team: int = 2) -> Frontier:
    number = CrawlControl(holdings.engine, utc_now).register(crawl)
    return Frontier(holdings.engine, crawl, number, lanes=LANES, team=team)


def found(crawl: int, control: CrawlControl) -> Batch:
    """URLs for all lanes of one host."""
    (seed, _), *_ = control.seeds(crawl)

    def one(number: int) -> Found:
        return Found(f"http://a.example/{number}", number, "a.example", seed, None, "L", "link", "a href", TAKEN, 10_001)

    return Batch(found=[one(number) for number in range(1, LANES + 1)])


def claims(frontier: Frontier, batch: Batch, *, now: float, held: int = 0, idle: bool = False) -> Committed:
    return frontier.commit(batch, now=now, limits=Limits(), claim=32, held=held, idle=idle)


def test_a_host_is_shared_with_workers_that_are_coming_or_have_nothing(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    control = CrawlControl(holdings.engine, utc_now)
    crawl = control.create("default", plan("http://a.example/"))
    now = utc_now().timestamp() + 1

    first = worker(holdings, crawl)
    assert len(claims(first, found(crawl, control), now=now).claimed) == LANES / 2  # the other one is on its way
    assert not claims(first, Batch(), now=now + 0.1, held=3).claimed
    second = worker(holdings, crawl)
    assert second.has_news(now + 0.2)
    assert len(claims(second, Batch(), now=now + 0.2, idle=True).claimed) == LANES / 2
    assert not second.has_news(now + 0.3)  # nothing is left, and the other one is at work

    third = worker(holdings, crawl)  # nobody has told of it
    last = claims(third, Batch(), now=now + 0.4, idle=True)
    assert not last.claimed
    assert (last.others, last.starving, last.others_busy) == (2, 0, True)
    keeper = Keeper(first.queues, control.info(crawl).plan)
    assert keeper.give_away(now + 0.5)
    assert not keeper.give_away(now + 0.52)  # it has just looked
    assert claims(first, Batch(), now=now + 0.6, held=3).starving == 1


def test_what_is_given_away_can_go_at_once_and_has_something() -> None:
    scheduler = Scheduler()
    for number in range(LANES):
        entry = Entry(number, "http://a.example/", 7, "", "link", "", TAKEN, 0, number, 10_000, 1, "a.example", None)
        scheduler.take(Claimed(number, "a.example", "", (entry,), 0, 0), HostPace())
    busy = scheduler.next(0.0)
    assert busy is not None
    scheduler.give_away()
    scheduler.give_away()  # half of them are leaving already
    assert [held.queue_id for held in scheduler if held.leaving] == [
        number for number in range(LANES) if number != busy.queue_id
    ][:3]


def test_what_is_left_to_workers_that_do_not_come_is_taken_all_the_same(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    control = CrawlControl(holdings.engine, utc_now)
    crawl = control.create("default", plan("http://a.example/"))
    now = utc_now().timestamp() + 1
    frontier = worker(holdings, crawl, team=3)
    assert len(claims(frontier, found(crawl, control), now=now).claimed) == LANES / 3
    assert not claims(frontier, Batch(), now=now + 1, held=2).claimed
    assert len(claims(frontier, Batch(), now=now + 2, held=2).claimed) == LANES - 2


WAITING = """
import multiprocessing, os, signal
from archiver.crawl.forking import Reserve

with Reserve(3) as reserve:
    first, second, third = sorted(multiprocessing.active_children(), key=lambda process: process.pid)
    os.kill(first.pid, signal.SIGKILL)
    first.join()
    told = reserve.start(os._exit, 3)
    told.join()
    print(told is second, told.exitcode, third.is_alive())
print(multiprocessing.active_children(), third.exitcode)
"""


def test_processes_that_wait_are_told_what_to_do_and_end_with_the_command() -> None:
    with child([sys.executable, "-c", WAITING], stdout=subprocess.PIPE, text=True) as process:
        output, _ = process.communicate(timeout=60)
    assert output.splitlines() == ["True 3 True", "[] 0"]
