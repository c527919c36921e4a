"""How fast a crawl goes, out of looks at it, and how long it has left."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from archiver.collections.progress import Progress

#: Speed is what was done within so many seconds.
_WINDOW = 30.0


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a crawl goes: documents and bytes a second, and seconds left until a limit ends it (None: no limit will)."""

    documents: float = 0.0
    bytes: float = 0.0
    left: float | None = None


class Speedometer:
    """Speed out of looks at a crawl, over the last half minute."""

    def __init__(self) -> None:
        self._looks: deque[Progress] = deque()

    def look(self, now: Progress) -> Speed:
        """Take in a look; the speed at it."""
        self._looks.append(now)
        while len(self._looks) > 2 and self._looks[1].at <= now.at - _WINDOW:
            self._looks.popleft()
        first = self._looks[0]
        seconds = now.at - first.at
        if seconds <= 0:
            return Speed(left=seconds_left(now, 0.0, 0.0))
        documents = (now.crawl.sums.documents - first.crawl.sums.documents) / seconds
        received = (now.crawl.sums.bytes - first.crawl.sums.bytes) / seconds
        return Speed(documents, received, seconds_left(now, documents, received))


def seconds_left(now: Progress, documents: float, received: float) -> float | None:
    """Until the nearest limit ends a crawl that goes on at this speed (documents and bytes a second); None without one."""
    limits, sums = now.limits, now.crawl.sums
    if now.crawl.state != "running":
        return None
    ends = []
    if limits.seconds:
        ends.append(limits.seconds - now.crawl.seconds)
    if limits.documents and documents > 0:
        ends.append((limits.documents - sums.documents) / documents)
    if limits.bytes and received > 0:
        ends.append((limits.bytes - sums.bytes) / received)
    return max(0.0, min(ends)) if ends else None
