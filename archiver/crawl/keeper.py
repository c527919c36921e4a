"""The queues in a worker's hands: read on, put back, parked, retired, given back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from archiver.crawl.entries import Batch, Committed, Entry, Finished, QueueUpdate
from archiver.crawl.limits import host_limit, page_limit
from archiver.crawl.plan import CrawlPlan
from archiver.crawl.politeness import pace_from_json
from archiver.crawl.queues import Queues
from archiver.crawl.scheduler import Held, Scheduler
from archiver.crawl.timing import STARVED_SECONDS

#: Queues that a worker holds at most when hosts are spared: most of them rest.
_HELD_QUEUES = 256
#: Entries of a queue that are read at once, where hosts are spared and where they are not.
_POLITE_ENTRIES, _FAST_ENTRIES = 4, 32


class Keeper:
    """Keeps a worker's queues in order; for one thread.

    Args:
        queues: of the crawl.
        plan: of the crawl; set it anew when it changes.

    Attributes:
        scheduler: says whose turn it is.
        touched: queues whose way on is to be committed, by their numbers.
    """

    def __init__(self, queues: Queues, plan: CrawlPlan) -> None:
        self.queues = queues
        self.plan = plan
        self.scheduler = Scheduler()
        self.touched: dict[int, Held] = {}
        self._looked = 0.0

    def entries_at_once(self) -> int:
        """Entries of a queue that are read at once."""
        return _POLITE_ENTRIES if self.plan.pace.polite else _FAST_ENTRIES

    def claims(self, connections: int, *, starving: int) -> int:
        """The same as `room`, but what is ready is for others that have nothing to do.

        Args:
            connections: requests that it may have on their way.
            starving: other workers that have nothing to do.
        """
        return 0 if starving and len(self.scheduler) else self.room(connections)

    def room(self, connections: int) -> int:
        """Queues that this worker can hold beside those it has.

        Args:
            connections: requests that it may have on their way.
        """
        most = _HELD_QUEUES if self.plan.pace.polite else 2 * connections
        return max(0, most - len(self.scheduler))

    def put_back(self, held: Held, entry: Entry, until: float, *, now: float, why: str = "") -> None:
        """A URL waits, at the head of its queue.

        Args:
            held: its queue.
            entry: the URL.
            until: when it may go on; like `now`, seconds since 1970.
            now: what it is now.
            why: in words, when others may have the queue meanwhile.
        """
        self.take_back(held, entry)
        held.pace = replace(held.pace, next_at=max(held.pace.next_at, until), waits_for=why or held.pace.waits_for)
        self.touched[held.queue_id] = held
        self.scheduler.rest(held, keep=not why, now=now)

    def take_back(self, held: Held, entry: Entry) -> None:
        """A URL was not begun after all: it is the next one of its queue."""
        held.in_hand.discard(entry.url_id)
        held.entries.appendleft(entry)

    def park(self, held: Held, entry: Entry, *, pages: int) -> None:
        """No page may be begun for now: what pages need comes first, then the queue waits until more is allowed.

        Args:
            held: the queue.
            entry: the page that was its next.
            pages: of the whole crawl that are captured.
        """
        held.in_hand.discard(entry.url_id)
        held.entries.clear()  # what was found since they were read may come before them
        held.busy = False
        needed = self.queues.requisites(held.queue_id, without=held.in_hand, count=self.entries_at_once())
        if needed:
            self.scheduler.refilled(held, needed)
        elif reached := page_limit(self.plan.limits, pages):
            held.retired, held.retired_reason = "pages", reached
        else:
            held.asleep = held.is_tried = True

    def read_on(self, *, may_get_more: bool) -> bool:
        """Read on in queues of which nothing is left in memory; those that are empty leave. False when nothing came.

        Args:
            may_get_more: what was just found, or is about to be, may be for a queue that is empty now.
        """
        is_more = False
        for held in self.scheduler:
            if not held.asleep or held.busy or held.leaving or held.retired or held.is_tried:
                continue
            entries = (
                [] if held.entries else self.queues.refill(held.queue_id, without=held.in_hand, count=self.entries_at_once())
            )
            if entries or held.entries:
                self.scheduler.refilled(held, entries)
                is_more = True
            elif held.in_hand or (may_get_more and not self.plan.pace.polite):
                held.is_tried = True  # there may be something in it after the next commit
            else:
                held.leaving = True  # others want its place; should something be found for it, it comes back
        return is_more

    def retire_when_done(self, held: Held) -> None:
        """End a queue whose host is dead, or has given all it may."""
        if held.pace.dead:
            held.retired, held.retired_reason = "dead", held.pace.dead
        elif reached := host_limit(self.plan.limits, documents=held.documents, received=held.bytes):
            held.retired, held.retired_reason = "limit", reached

    def settle(self, batch: Batch) -> list[Held]:
        """Note in a batch how the queues go on; those that leave with it."""
        leaving = [held for held in self.scheduler if (held.leaving or held.retired) and not held.busy]
        for held in {held.queue_id: held for held in (*self.touched.values(), *leaving)}.values():
            pace = held.pace
            batch.queues[held.queue_id] = QueueUpdate(
                held.queue_id, pace.to_json(), pace.next_at, pace.waits_for, False, held.retired, held.retired_reason
            )
        for held in leaving:
            batch.queues[held.queue_id] = replace(batch.queues[held.queue_id], release=True)
        self.touched.clear()
        return leaving

    def give_away(self, now: float) -> bool:
        """Between commits: share with workers that have nothing to do, if there are any; whether it was done.

        Args:
            now: seconds since 1970.
        """
        if now - self._looked < STARVED_SECONDS:
            return False
        self._looked = now
        if not self.queues.are_awaited():
            return False
        self.scheduler.give_away()
        return True

    def go_on(self, last: Committed, finished: Iterable[Finished], leaving: Iterable[Held], *, now: float) -> None:
        """After a commit: drop what has left, take what was claimed, share with workers that have nothing to do.

        Args:
            last: what the commit brought.
            finished: what was committed.
            leaving: queues that have left with it.
            now: seconds since 1970.
        """
        scheduler = self.scheduler
        for held in leaving:
            scheduler.drop(held)
        for item in finished:
            scheduler.forget(item.entry.queue_id, item.entry.url_id)
        for held in scheduler:
            held.is_tried = False
        for claimed in last.claimed:
            scheduler.take(claimed, pace_from_json(claimed.pace))
        is_some_ready = last.next_ready is not None and last.next_ready <= now
        scheduler.are_others_waiting = is_some_ready
        if last.starving and not is_some_ready and len(scheduler) > 1:
            scheduler.give_away()
