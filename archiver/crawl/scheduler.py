"""Which URL of a worker's queues comes next, and when: one request at a time a queue, rests kept. No clock, no I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush

from archiver.crawl.entries import Claimed, Entry
from archiver.crawl.politeness import HostPace

#: A queue that rests longer than this, in seconds, is given back meanwhile.
HOLD_SECONDS = 2.0
#: After so many URLs a queue goes to the end of the line, where others wait.
TURN = 100


@dataclass(slots=True, eq=False)
class Held:
    """A queue in a worker's hands.

    Attributes:
        queue_id, host: which.
        pace: what politeness knows of it.
        entries: what is read of it and not yet begun.
        in_hand: url_ids that were begun, or done with, and are not committed yet.
        begun: how many of its URLs this worker has begun.
        busy: a request is on its way.
        leaving: it is given back once nothing is on its way.
        asleep: nothing is read of it any more; it waits for the next commit.
        is_tried: nothing more can be read of it before the next commit.
        documents, bytes: what its host has given.
        retired, retired_reason: why nothing more is fetched from it; "" while there is no reason.
    """

    queue_id: int
    host: str
    pace: HostPace
    entries: deque[Entry]
    in_hand: set[int] = field(default_factory=set)
    begun: int = 0
    busy: bool = False
    leaving: bool = False
    asleep: bool = False
    is_tried: bool = False
    documents: int = 0
    bytes: int = 0
    retired: str = ""
    retired_reason: str = ""


class Scheduler:
    """The queues that a worker holds.

    Attributes:
        are_others_waiting: there are queues that no worker holds, and whose time has come.
    """

    def __init__(self) -> None:
        self.are_others_waiting = False
        self._held: dict[int, Held] = {}
        self._ready: list[tuple[float, int, int]] = []  # (when, order, queue)
        self._order = 0

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Held]:
        return iter(list(self._held.values()))

    def take(self, claimed: Claimed, pace: HostPace) -> None:
        """A queue is this worker's from now on."""
        held = Held(
            claimed.queue_id, claimed.host, pace, deque(claimed.entries), documents=claimed.documents, bytes=claimed.bytes
        )
        self._held[held.queue_id] = held
        self._line_up(held)

    def next(self, now: float) -> Held | None:
        """A queue whose first entry may be begun now; None when there is none. It counts as busy from now on."""
        while self._ready and self._ready[0][0] <= now:
            held = self._held.get(heappop(self._ready)[2])
            if held is None or held.busy or held.leaving or held.retired:
                continue
            if not held.entries:
                held.asleep = True
                continue
            held.busy = True
            held.begun += 1
            return held
        return None

    def next_time(self) -> float | None:
        """When the next queue may go on; None when none waits."""
        return self._ready[0][0] if self._ready else None

    def rest(self, held: Held, *, keep: bool, now: float) -> None:
        """The request of a queue has ended: it waits for its next turn, or leaves when that is far.

        Args:
            held: the queue; its pace says when it may go on.
            keep: hold it however long it rests.
            now: seconds since 1970.
        """
        held.busy = False
        if held.leaving or held.retired:
            return
        is_turn_over = self.are_others_waiting and held.begun >= TURN
        if is_turn_over or (not keep and held.pace.next_at - now > HOLD_SECONDS):
            held.leaving = True
            return
        self._line_up(held)

    def refilled(self, held: Held, entries: list[Entry]) -> None:
        """More was read of a queue."""
        held.entries.extend(entries)
        held.asleep = False
        self._line_up(held)

    def forget(self, queue_id: int, url_id: int) -> None:
        """A URL of a queue is committed."""
        held = self._held.get(queue_id)
        if held is not None:
            held.in_hand.discard(url_id)

    def release_all(self) -> None:
        """Every queue leaves as soon as nothing of it is on its way."""
        for held in self._held.values():
            held.leaving = True

    def drop(self, held: Held) -> None:
        """A queue is this worker's no more."""
        del self._held[held.queue_id]

    def give_away(self) -> None:
        """Let half of the queues go to workers that have nothing to do, first those that have something and can go at once."""
        staying = [held for held in self._held.values() if not held.leaving]
        more = len(self._held) // 2 - (len(self._held) - len(staying))
        for held in sorted(staying, key=lambda held: (held.asleep, held.busy))[: max(0, more)]:
            held.leaving = True

    def _line_up(self, held: Held) -> None:
        self._order += 1
        heappush(self._ready, (held.pace.next_at, self._order, held.queue_id))
