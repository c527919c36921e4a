"""When a worker commits, and how long it waits for something to happen. No clock, no I/O."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.crawl.entries import Batch, Committed
from archiver.crawl.scheduler import Scheduler

#: A commit comes after so many results, so many URLs that they name, or so many seconds.
COMMIT_RESULTS = 500
COMMIT_FOUND = 10_000
COMMIT_SECONDS = 0.5
#: The same when there are other workers, who hear of each other by it.
TEAM_COMMIT_SECONDS = 0.25
#: The same when threads are idle, and what was found could keep them busy.
STARVED_SECONDS = 0.05
#: How often a worker that waits for answers only looks for what the user wants; one that has nothing at all looks for work.
IDLE_SECONDS = 1.0
HUNGRY_SECONDS = 0.1
#: The first glance of a worker that has nothing at what others may have for it; later ones are as rare as it waits long.
GLANCE_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Standing:
    """How a worker stands at a moment.

    Attributes:
        now: seconds since 1970.
        silent: seconds since its last commit.
        last: what that one brought; None before the first.
        batch: what is to be committed.
        is_touched: how queues go on is to be committed too.
        queues: that it holds.
        on_way: requests that are on their way.
        connections: how many there may be.
        is_used_up: no request may begin before the next commit, see `Allowance`.
        is_halted: none may begin until the user says so.
        is_in_team: others work on the crawl, or will.
    """

    now: float
    silent: float
    last: Committed | None
    batch: Batch
    is_touched: bool
    queues: Scheduler
    on_way: int
    connections: int
    is_used_up: bool
    is_halted: bool
    is_in_team: bool

    def commit_is_due(self) -> bool:
        """Whether it is time to commit."""
        if not self.batch and not self.is_touched:
            is_leaving = not self.on_way and any(held.leaving for held in self.queues)
            return is_leaving or self.silent >= (IDLE_SECONDS if self.on_way else self.idle_seconds())
        is_full = len(self.batch.finished) >= COMMIT_RESULTS or len(self.batch.found) >= COMMIT_FOUND
        if is_full or self.silent >= self.commit_seconds():
            return True
        has_nothing = self.queues.next_time() is None or self.is_used_up
        if not has_nothing or self.on_way >= self.connections:
            return False
        if not self.on_way:
            return True
        is_starved = bool(self.batch.found) and any(held.is_tried for held in self.queues)
        return (is_starved or self.is_used_up) and self.silent >= STARVED_SECONDS

    def patience(self, *, may_begin: bool) -> float:
        """Seconds until something else than a result may have to be done.

        Args:
            may_begin: a request may begin as soon as a queue's time has come.
        """
        if self.commit_is_due():
            return 0.0
        if self.is_hungry and may_begin:
            return min(max(GLANCE_SECONDS, self.silent / 8), self.idle_seconds() - self.silent)
        wait = self.commit_seconds() - self.silent if self.batch else self.idle_seconds()
        next_time = self.queues.next_time()
        if next_time is not None and self.on_way < self.connections and may_begin:
            wait = min(wait, next_time - self.now)
        return max(0.0, min(wait, IDLE_SECONDS))

    @property
    def is_hungry(self) -> bool:
        """This worker has nothing to do, and others have."""
        has_something = self.batch or self.is_touched or self.on_way or len(self.queues) or self.is_halted
        return not has_something and self.last is not None and self.last.others_busy

    @property
    def may_share(self) -> bool:
        """This worker has queues that others might have, of which it knew nothing with its last commit."""
        last = self.last
        return last is not None and last.others > 0 and not last.starving and len(self.queues) > 1

    def commit_seconds(self) -> float:
        """How long results may wait: not long where another worker waits for what was found, or for queues that leave."""
        last = self.last
        if last is None or not (last.others or self.is_in_team):
            return COMMIT_SECONDS
        is_awaited = last.starving and (self.batch.found or any(held.leaving and not held.busy for held in self.queues))
        return STARVED_SECONDS if is_awaited else TEAM_COMMIT_SECONDS

    def idle_seconds(self) -> float:
        """How long a worker that has nothing to do lets pass before it looks again."""
        last = self.last
        if last is None or len(self.queues) or self.is_halted:
            return COMMIT_SECONDS
        if last.others_busy:
            return HUNGRY_SECONDS if self.is_used_up else COMMIT_SECONDS
        if last.next_ready is None:
            return COMMIT_SECONDS
        return min(max(last.next_ready - self.now, HUNGRY_SECONDS), IDLE_SECONDS)
