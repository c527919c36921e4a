"""What a worker has done and not committed yet, and how far its WARC files hold nothing else. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from archiver.crawl.entries import Batch
from archiver.crawl.visited import Visit
from archiver.warc.dedup import Kept


class Outbox:
    """Gathers what visits brought until it is committed; for one thread.

    Attributes:
        batch: the rows of the next commit.
        kept: what later captures are compared with; committed with the batch.
        received: bytes on the wire that the batch stands for.
        ends: WARC file → end of the last record in it that is committed, or will be with the batch.
    """

    def __init__(self) -> None:
        self.batch = Batch()
        self.kept: list[Kept | None] = []
        self.received = 0
        self.ends: dict[str, int] = {}

    def note(self, visit: Visit) -> None:
        """What came of a URL is to be committed."""
        batch = self.batch
        if visit.finished is not None:
            batch.finished.append(visit.finished)
            self.received += visit.finished.length
        batch.extra += visit.extra
        self.received += sum(item.length for item in visit.extra)
        batch.found += visit.found
        batch.captures += visit.captures
        batch.again += visit.again
        self.kept += visit.kept
        if visit.page is not None:
            batch.pages.append(visit.page)
        if visit.robots is not None:
            batch.robots.append(visit.robots)
        if visit.redirect is not None:
            batch.redirects.append((visit.entry.seed_id, visit.redirect))
        for name, end in visit.ends.items():
            self.ends[name] = max(self.ends.get(name, 0), end)

    def hand_over(self) -> tuple[Batch, list[Kept | None]]:
        """All that is to be committed now; gathering begins anew."""
        batch, self.batch = self.batch, Batch()
        kept, self.kept = self.kept, []
        self.received = 0
        return batch, kept

    def safe_ends(self, begun: Collection[tuple[str, int]]) -> dict[str, tuple[int, bool]]:
        """How far each WARC file holds nothing but what is committed with what was noted so far, as `Batch.files` has it.

        Args:
            begun: (file, offset) before which no record of a request that is still on its way lies, for each of them.
        """
        ends = {}
        for name, end in self.ends.items():
            for file, offset in begun:
                if file < name:  # its records may be anywhere in this file
                    end = 0
                elif file == name:
                    end = min(end, offset)
            ends[name] = (end, False)
        return ends

    def forget_files(self, in_use: Iterable[str]) -> None:
        """WARC files that are full, and wholly committed, need no more thought.

        Args:
            in_use: the file that is written to, and those in which requests on their way began.
        """
        if len(self.ends) > 1:
            oldest = min(in_use)
            self.ends = {name: end for name, end in self.ends.items() if name >= oldest}
