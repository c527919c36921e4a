"""Decides about everything that a document names: known already, trap, scope; what is left gets its place in the frontier."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from archiver.crawl.decision import Decision, UrlState, Verdict, outside_by
from archiver.crawl.entries import SITEMAP_KINDS, Entry, Found, queue_host, url_hash
from archiver.crawl.hops import path_of_hops, priority
from archiver.crawl.login import is_logout
from archiver.crawl.plan import CrawlPlan, RobotsMode, ScopeKind, Seed
from archiver.crawl.robots import robots_directives
from archiver.crawl.scope import Scope
from archiver.crawl.seen import Seen
from archiver.crawl.traps import QueryVariants, TrapGuard
from archiver.decisions import MAX_REDIRECTS
from archiver.markup.slots import SlotKind
from archiver.model import Hop
from archiver.plaintext import one_line

if TYPE_CHECKING:
    from archiver.extract.gather import DocumentLinks, Link

_LINK = SlotKind.LINK
#: URLs whose numbers are remembered, and how long they are at most: longer ones would fill the memory.
_REMEMBERED, _USUAL_LENGTH = 20_000, 300
#: Characters of a date that are kept; the longest that anybody writes has fewer.
_DATE = 40
#: Refusals of what was queued already, after a change of plan.
_AGAIN = frozenset((Verdict.BLOCK_RULE, Verdict.TOO_DEEP, Verdict.OUTSIDE, Verdict.GUESS))
_SITEMAP_PLACES = frozenset({"sitemap", "sitemap index"})


class Judge:
    """The decisions of a crawl; asked by all threads of a worker.

    Args:
        plan: what the crawl was asked to do.
        seeds: with the numbers of their rows.
        redirects: where seeds led.
        agent: our name, as meta robots write it.
        year: of now, for calendars.
        variants: counts the queries of each path; kept when a plan changes.

    Raises:
        UsageError: a rule of the plan is wrong.
    """

    def __init__(
        self,
        plan: CrawlPlan,
        seeds: Sequence[tuple[int, Seed]],
        redirects: dict[int, list[str]],
        *,
        agent: str,
        year: int,
        variants: QueryVariants | None = None,
    ) -> None:
        self.plan = plan
        self.scope = Scope(plan, seeds, redirects=redirects)
        self.traps = TrapGuard(plan.traps, year)
        self.variants = variants or QueryVariants(plan.traps.query_variants)
        self._agent = agent
        self._recent_number = lru_cache(_REMEMBERED)(self._number)  # pages of a site name the same URLs again and again
        self._taken = Seen()
        self._refused = Seen()
        self._wants_sitemaps = {
            number: plan.sitemaps and (seed.scope or plan.scope) not in (ScopeKind.PAGE, ScopeKind.PAGE_PLUS)
            for number, seed in seeds
        }

    def number(self, url: str) -> int:
        """What the seen test compares."""
        return self._recent_number(url) if len(url) <= _USUAL_LENGTH else self._number(url)

    def _number(self, url: str) -> int:
        return url_hash(self.traps.canonical(url))

    # -- links -------------------------------------------------------------------------------------------------------

    def judge(self, entry: Entry, links: DocumentLinks, x_robots: Iterable[str] = ()) -> list[Found]:
        """What becomes of all that a document names, as far as it was not known; see `DocumentLinks`."""
        found: list[Found] = []
        unfollowed = self.plan.robots_meta and robots_directives([*x_robots, *links.robots], self._agent).nofollow
        for link in links.requisites:
            self._take(found, entry, link, Hop.REDIRECT if link.kind is SlotKind.REFRESH else Hop.EMBED)
        for link in links.links:
            sitemap = link.place.startswith("sitemap")
            refused = unfollowed or (self.plan.robots_meta and not link.is_followed)
            self._take(found, entry, link, Hop.MANIFEST if sitemap else Hop.LINK, nofollow=refused)
        for link in links.guesses:
            self._take(found, entry, link, Hop.SPECULATIVE)
        return found

    def _take(self, found: list[Found], entry: Entry, link: Link, hop: Hop, *, nofollow: bool = False) -> None:
        number = self.number(link.url)
        if number in self._taken:
            return
        # What was refused for one kind of step may be taken for another one.
        again = number ^ (ord(hop.value) << 48) ^ (outside_by(entry.decision) << 40)
        if again in self._refused:
            return
        decision = Decision(UrlState.OUT_OF_SCOPE, Verdict.NOFOLLOW) if nofollow else None
        one = self._found(entry, link.url, number, hop, link.kind.value, link.place, decision)
        found.append(replace(one, modified=one_line(link.modified)[:_DATE]) if link.modified else one)
        if found[-1].decision.taken:
            self._taken.add(number)
        else:
            self._refused.add(again)

    def _found(
        self, entry: Entry, url: str, number: int, hop: Hop, slot: str, place: str, decision: Decision | None = None
    ) -> Found:
        hops = entry.hops + hop.value
        if decision is None:
            decision = self.decide(url, hops=hops, entry=entry, is_sitemap=place in SITEMAP_KINDS)
        return Found(
            url,
            number,
            queue_host(url),
            entry.seed_id,
            entry.url_id or None,
            hops,
            slot,
            place,
            decision,
            priority(hops, weak=hop is Hop.SPECULATIVE),
        )

    def decide(self, url: str, *, hops: str, entry: Entry, is_sitemap: bool = False) -> Decision:
        """Whether a URL that was met at `entry` is fetched."""
        decision = self.scope.decide(url, hops=hops, seed_id=entry.seed_id, via=entry.decision, is_sitemap=is_sitemap)
        if not decision.taken or decision.verdict is Verdict.PREREQUISITE:
            return decision
        trap = self.traps.check(url) or self.variants.count(url)
        if trap is not None:
            return trap
        if self.plan.login.used and (refused := is_logout(url)) is not None:
            return refused
        return decision

    def redirected(self, entry: Entry, target: str) -> Found | None:
        """Where an entry leads; None when that is known already."""
        hops = entry.hops + Hop.REDIRECT.value
        number = self.number(target)
        if number in self._taken:
            return None
        decision = None
        if len(hops) - len(hops.rstrip(Hop.REDIRECT)) > MAX_REDIRECTS:
            decision = Decision(UrlState.TRAPPED, Verdict.TOO_FAR_EMBEDDED, f"more than {MAX_REDIRECTS} redirects in a row")
        place = entry.kind if entry.decision.verdict is Verdict.SITEMAP else "redirect"  # a sitemap stays one
        found = self._found(entry, target, number, Hop.REDIRECT, entry.slot, place, decision)
        if found.decision.taken:
            self._taken.add(number)
        return found

    def sitemaps(self, entry: Entry, urls: Iterable[str]) -> list[Found]:
        """The sitemaps of a seed's own host, as robots.txt names them and as they usually are named."""
        if not self._wants_sitemaps.get(entry.seed_id) or entry.hops.rstrip(Hop.REDIRECT):
            return []
        found = []
        for url in urls:
            number = self.number(url)
            if number in self._taken:
                continue
            self._taken.add(number)
            hops = entry.hops + Hop.MANIFEST.value
            decision = self.scope.decide(url, hops=hops, seed_id=entry.seed_id, via=entry.decision, is_sitemap=True)
            host, via = queue_host(url), entry.url_id or None
            found.append(
                Found(url, number, host, entry.seed_id, via, hops, _LINK.value, "robots.txt", decision, priority(hops))
            )
        return found

    def reconsider(self, url: str, hops: str, seed_id: int, refused: Verdict, via: Decision | None) -> Decision | None:
        """How a URL that was refused is taken now, after a change of plan; None when it is not.

        Args:
            url: which.
            hops: from its seed.
            seed_id: that seed.
            refused: why it was.
            via: how the document in which it was found was taken; None when nothing is known of that.
        """
        plan = self.plan
        if refused is Verdict.NOFOLLOW and plan.robots_meta:
            return None
        if refused in (Verdict.ROBOTS, Verdict.ROBOTS_UNREACHABLE):
            is_free = plan.robots is RobotsMode.REQUISITES and path_of_hops(hops).is_requisite
            if plan.robots is not RobotsMode.IGNORE and not is_free:
                return None
        elif refused is Verdict.TOO_FAR_EMBEDDED and len(hops) - len(hops.rstrip(Hop.REDIRECT)) > MAX_REDIRECTS:
            return None
        decision = self.scope.decide(url, hops=hops, seed_id=seed_id, via=via)
        if not decision.taken or self.traps.check(url) is not None:
            return None
        if refused is Verdict.QUERY_VARIANTS and self.variants.count(url) is not None:
            return None
        return decision if not plan.login.used or is_logout(url) is None else None

    def let_in(self, found: Iterable[Found], via: Decision | None) -> list[Found]:
        """What was refused by the plan that counted before, and is taken by this one; see `reconsider`."""
        taken = []
        for item in found:
            if not item.decision.taken:
                decision = self.reconsider(item.url, item.hops, item.seed_id, item.decision.verdict, via)
                if decision is not None:
                    taken.append(replace(item, decision=decision))
        return taken

    def again(self, entry: Entry) -> Decision | None:
        """Why a URL that was taken is refused now, after a change of plan; None when it is still taken."""
        is_sitemap = entry.kind in SITEMAP_KINDS
        decision = self.scope.decide(entry.url, hops=entry.hops, seed_id=entry.seed_id, via=None, is_sitemap=is_sitemap)
        if not decision.taken:
            # How the page before was taken is not known: what a page needs may count as nearer than it is, never as farther.
            return decision if decision.verdict in _AGAIN else None
        if outside_by(entry.decision) > self.plan.extra_hops and decision.verdict is Verdict.EXTRA_HOP:
            return Decision(UrlState.OUT_OF_SCOPE, Verdict.OUTSIDE)
        return self.traps.check(entry.url) if entry.hops and not is_sitemap else None
