"""The values that a crawl's frontier and its workers hand to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from archiver.crawl.decision import Decision, UrlState
from archiver.crawl.plan import CrawlPlan
from archiver.model import Capture, Hop

#: Entries with a smaller priority are what pages need; the others are pages.
PAGE_PRIORITY = 10_000

#: How sitemaps themselves are found: named by robots.txt, or as usual, and by each other.
SITEMAP_KINDS = frozenset(("robots.txt", "sitemap index"))

#: Of what pages need, when it is queued anew.
REQUISITE_PRIORITY = 100

#: Added to the priority of an entry that failed: it comes after all those that were not tried yet.
RETRY_PRIORITY = 2_000_000


def url_hash(url: str) -> int:
    """63 bits that stand for a URL in the seen set; two of ten million URLs share one with a chance of 1 to 200,000."""
    return int.from_bytes(blake2b(url.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") >> 1


def queue_host(url: str) -> str:
    """Whose queue a URL belongs to: its host, with the port where it is not the scheme's own."""
    start = url.find("//") + 2
    end = url.find("/", start)
    authority = url[start:] if end < 0 else url[start:end]
    return authority.rpartition("@")[2] if "@" in authority else authority


def counts_as_page(hops: str, kind: str) -> bool:
    """Whether a URL that was found so is a page: a seed, a link, what a sitemap lists, or where those redirect to.

    What pages need is none, nor are robots.txt and the sitemaps themselves.
    """
    last = hops.rstrip(Hop.REDIRECT)[-1:]
    return last in ("", Hop.LINK) or (last == Hop.MANIFEST and kind not in SITEMAP_KINDS)


@dataclass(frozen=True, slots=True)
class Found:
    """A URL that was met, and what was decided about it.

    Attributes:
        url: absolute, normalised, without fragment.
        hash: of what the seen test compares, see `url_hash`.
        host: name, with the port where it is not the default; whose queue it belongs to.
        seed_id: of the seed it came from.
        via_id: row of the URL it was found on; None for seeds.
        hops: `Hop` letters from the seed.
        slot: what a browser does with it, see `SlotKind`.
        kind: how it was found there, in words.
        decision: to fetch it, or why not.
        modified: when what is there was last changed, as a sitemap or feed wrote it; "" when nothing says so.
        priority: small numbers first; from `PAGE_PRIORITY` on they are pages.
    """

    url: str
    hash: int
    host: str
    seed_id: int
    via_id: int | None
    hops: str
    slot: str
    kind: str
    decision: Decision
    priority: int
    modified: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A URL that was claimed with its queue.

    Attributes:
        url_id, url, seed_id, hops, slot, kind, attempts: of its row.
        decision: why it is fetched.
        queue_id, priority: its place in the frontier.
        host_id, host: whose it is.
        via: the URL it was found on; None for seeds.
        via_digest: payload digest of that one; "" when unknown.
    """

    url_id: int
    url: str
    seed_id: int
    hops: str
    slot: str
    kind: str
    decision: Decision
    attempts: int
    queue_id: int
    priority: int
    host_id: int
    host: str
    via: str | None
    via_digest: str = ""

    @property
    def is_page(self) -> bool:
        """Whether it counts as a page, rather than as something a page needs."""
        return counts_as_page(self.hops, self.kind)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A queue that now belongs to a worker.

    Attributes:
        queue_id, host: which.
        pace: what politeness knows of it, as `HostPace` wrote it; "" at first.
        entries: the first ones in it.
        documents, bytes: what its host has given so far.
    """

    queue_id: int
    host: str
    pace: str
    entries: tuple[Entry, ...]
    documents: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of an entry.

    Attributes:
        entry: which.
        decision: QUEUED when it was fetched or is to be tried again; else why it was refused now.
        state: where it stands from now on; QUEUED: it is tried again.
        status, mime, length, digest: of the answer; length in bytes on the wire.
        is_new: a whole record, no revisit.
        is_page: counts as a page.
        failure, reason: kind and sentence of what went wrong; None when nothing did.
        detail: what is to be said beside the verdict; None leaves what is there.
        timestamp: 14 digits of the record; None without one.
        file, offset: where the record is.
        attempted: whether a request was made.
    """

    entry: Entry
    state: UrlState
    decision: Decision | None = None
    status: int | None = None
    mime: str = ""
    length: int = 0
    digest: str = ""
    is_new: bool = False
    is_page: bool = False
    failure: str | None = None
    reason: str | None = None
    detail: str | None = None
    timestamp: str | None = None
    file: str | None = None
    offset: int | None = None
    attempted: bool = True


@dataclass(frozen=True, slots=True)
class QueueUpdate:
    """How a claimed queue goes on.

    Attributes:
        queue_id: which.
        pace: what politeness knows of it now.
        not_before: seconds since 1970 until which it rests.
        waits_for: why it rests, in words; "" when it does not.
        release: give it back.
        retired: "" or why nothing more is fetched from it: "dead", "limit", "pages".
        retired_reason: the same as a sentence.
    """

    queue_id: int
    pace: str
    not_before: float
    waits_for: str = ""
    release: bool = False
    retired: str = ""
    retired_reason: str = ""


@dataclass(frozen=True, slots=True)
class RobotsFile:
    """What an origin answered for its robots.txt.

    Attributes:
        origin: scheme, host and port.
        fetched_at: seconds since 1970.
        status: of the answer; None without one.
        failure: why there is none.
        body: text.
    """

    origin: str
    fetched_at: float
    status: int | None
    failure: str | None = None
    body: str = ""


@dataclass(frozen=True, slots=True)
class PageTitle:
    """A page that was captured whole, for lists of pages."""

    url: str
    timestamp: str
    title: str
    seconds: float


@dataclass(slots=True)
class Batch:
    """What a worker has done since its last commit; it reaches the database whole or not at all."""

    finished: list[Finished] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    captures: list[Capture] = field(default_factory=list)
    queues: dict[int, QueueUpdate] = field(default_factory=dict)
    robots: list[RobotsFile] = field(default_factory=list)
    pages: list[PageTitle] = field(default_factory=list)
    extra: list[Finished] = field(default_factory=list)  # done with, and without a row so far
    again: list[int] = field(default_factory=list)  # hashes of URLs to fetch once more
    redirects: list[tuple[int, str]] = field(default_factory=list)  # (seed, where it leads), in the order of the hops
    files: dict[str, tuple[int, bool]] = field(default_factory=dict)  # name → (bytes committed, finished)

    def __bool__(self) -> bool:
        return bool(self.finished or self.found or self.captures or self.queues or self.robots or self.files)


@dataclass(frozen=True, slots=True)
class Totals:
    """A crawl's sums, as far as they are committed; bytes on the wire."""

    pages: int = 0
    documents: int = 0
    bytes: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Control:
    """What the user wants of a crawl, as its row says.

    Attributes:
        state: "running", "paused", "stopped" or "finished".
        wanted: "run", "pause" or "stop".
        plan_version: grows with each change of the plan.
        reconsidered: hash of the last refused URL that was looked at again; None when that is done.
    """

    state: str
    wanted: str
    plan_version: int
    reconsidered: int | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """What a worker gets back from a commit.

    Attributes:
        control: what the user wants.
        totals: the crawl's sums.
        documents_left, pages_left: how many more this worker may fetch now; None without a limit.
        limit_reached: no worker may fetch any more documents, and none is fetching.
        claimed: queues that are now this worker's.
        others: how many other workers there are.
        starving: those of them that have nothing to do.
        next_ready: seconds since 1970 when the next unclaimed queue is ready; None when there is none.
        others_busy: another worker holds queues.
    """

    control: Control
    totals: Totals
    documents_left: int | None
    pages_left: int | None
    limit_reached: bool = False
    claimed: Sequence[Claimed] = ()
    others: int = 0
    starving: int = 0
    next_ready: float | None = None
    others_busy: bool = False


@dataclass(frozen=True, slots=True)
class CrawlInfo:
    """A crawl as it was begun."""

    crawl_id: int
    collection: str
    collection_id: int
    plan: CrawlPlan
    plan_version: int
    state: str
