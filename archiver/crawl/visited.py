"""What came of one URL, as a thread hands it to its worker."""

from __future__ import annotations

from dataclasses import dataclass, field

from archiver.crawl.decision import Verdict
from archiver.crawl.entries import Entry, Finished, Found, PageTitle, RobotsFile
from archiver.crawl.hops import path_of_hops
from archiver.crawl.politeness import Outcome
from archiver.decisions import Task
from archiver.markup.slots import SlotKind
from archiver.model import Candidate, Capture
from archiver.warc.dedup import Kept


@dataclass(slots=True)
class Visit:
    """What came of one URL.

    Attributes:
        entry: which.
        finished: what becomes of its row; None for a prerequisite that has none yet.
        outcome: for politeness; None when no request was made.
        found: URLs it names, with decisions.
        captures, kept: rows for the index and for later revisits.
        page: for lists of pages.
        robots: what robots.txt answered.
        redirect: where a seed leads.
        ends: file → end of its last record.
        received: bytes on the wire.
        left_out: references that were too many to keep.
        logged_out: why the login seems to be gone; "" otherwise.
        extra: what else was fetched and recorded on the way: prerequisites, which have no rows yet.
        again: hashes of URLs that answer differently now, because cookies came.
    """

    entry: Entry
    finished: Finished | None = None
    outcome: Outcome | None = None
    found: list[Found] = field(default_factory=list)
    captures: list[Capture] = field(default_factory=list)
    kept: list[Kept | None] = field(default_factory=list)
    page: PageTitle | None = None
    robots: RobotsFile | None = None
    redirect: str | None = None
    ends: dict[str, int] = field(default_factory=dict)
    received: int = 0
    left_out: int = 0
    logged_out: str = ""
    extra: list[Finished] = field(default_factory=list)
    again: list[int] = field(default_factory=list)


def task_of(entry: Entry) -> Task:
    """An entry as the rules for single pages know it."""
    path = path_of_hops(entry.hops)
    # What was guessed and turns out to be a page of the site is read as one.
    is_page = entry.is_page or (path.guesses > 0 and entry.decision.verdict in (Verdict.IN_SCOPE, Verdict.ACCEPT_RULE))
    return Task(Candidate(entry.url, entry.via, entry.hops), SlotKind(entry.slot), depth=path.steps, is_page=is_page)
