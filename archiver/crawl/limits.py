"""What the limits of a plan allow: of the whole crawl, of a host, of one worker until its next commit. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.crawl.plan import CrawlPlan, Limits


@dataclass(slots=True)
class Allowance:
    """What a worker may begin before its next commit; None without a limit.

    Attributes:
        documents: of any kind, also robots.txt.
        pages: those of them that are pages.
    """

    documents: int | None = None
    pages: int | None = None

    @property
    def is_used_up(self) -> bool:
        """Whether nothing at all may be begun."""
        return self.documents == 0

    def spend(self, *, is_page: bool = False) -> None:
        """A request begins."""
        if self.documents is not None:
            self.documents -= 1
        if self.pages is not None and is_page:
            self.pages -= 1


def crawl_limit(limits: Limits, *, is_documents: bool, received: int, seconds: float) -> str:
    """Which limit of the whole crawl is reached, in words; "" while none is.

    Args:
        limits: of the plan.
        is_documents: all documents that are allowed are captured.
        received: bytes on the wire.
        seconds: running time.
    """
    if is_documents:
        return f"the limit of {limits.documents:,} documents was reached"
    if limits.bytes and received >= limits.bytes:
        return f"the limit of {limits.bytes:,} bytes was reached"
    if limits.seconds and seconds >= limits.seconds:
        return f"the time limit of {limits.seconds:g} s was reached"
    return ""


def page_limit(limits: Limits, pages: int) -> str:
    """The same for pages, whose limit still lets in what captured pages need."""
    return f"the limit of {limits.pages:,} pages was reached" if limits.pages and pages >= limits.pages else ""


def host_limit(limits: Limits, *, documents: int, received: int) -> str:
    """The same for one host, by what it has given."""
    if limits.host_documents and documents >= limits.host_documents:
        return f"the limit of {limits.host_documents:,} documents a host was reached"
    if limits.host_bytes and received >= limits.host_bytes:
        return f"the limit of {limits.host_bytes:,} bytes a host was reached"
    return ""


def room(limits: Limits, received: int) -> int | None:
    """Bytes that an answer may have; None without a limit. At least one, so that there is an answer at all."""
    return max(1, limits.bytes - received) if limits.bytes else None


def lanes(plan: CrawlPlan) -> int:
    """Queues a host: one where it is spared, or where what it has given is counted exactly."""
    pace, limits = plan.pace, plan.limits
    return 1 if pace.polite or limits.host_documents or limits.host_bytes else max(1, pace.host_connections)


def share(limit: int, total: int, *, others_granted: int, others_working: int, in_hand: int, wanted: int) -> int | None:
    """How many documents, or pages, a worker may begin, so that all workers together never pass a limit.

    None takes more than its share of what is left: another one's hosts might have to wait for it.

    Args:
        limit: of the crawl; 0 for none.
        total: how many are captured.
        others_granted: how many other workers may have.
        others_working: how many other workers have something to do.
        in_hand: how many this worker is fetching right now.
        wanted: how many it could begin.

    Returns:
        A number, or None without a limit.
    """
    if not limit:
        return None
    fair = -(-(limit - total) // (others_working + 1))
    return max(0, min(wanted, fair, limit - total - others_granted - in_hand))
