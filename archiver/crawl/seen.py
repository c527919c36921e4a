"""What a worker remembers of URLs it has met, so that it need not ask the database about the same links on every page."""

from __future__ import annotations

#: Hashes of one generation; two are kept. 100,000 take about 6 MB.
GENERATION = 100_000


class Seen:
    """Hashes of URLs that have a row, or will have one with the next commit; forgets the oldest, bounded.

    Forgetting costs a look-up in the database, nothing else. Safe to use from several threads: a lost race costs the same.
    """

    def __init__(self, generation: int = GENERATION) -> None:
        self._generation = generation
        self._young: set[int] = set()
        self._old: set[int] = set()

    def __contains__(self, number: int) -> bool:
        return number in self._young or number in self._old

    def add(self, number: int) -> None:
        """Remember one."""
        if len(self._young) >= self._generation:
            self._old, self._young = self._young, set()
        self._young.add(number)

    def clear(self) -> None:
        """Forget all: after a change of scope everything is decided anew."""
        self._young, self._old = set(), set()
