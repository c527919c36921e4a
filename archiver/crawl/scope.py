"""Which URLs a crawl takes: the scope of each seed, the plan's rules, and how far around them it goes.

A seed's host counts with and without `www.`, by http and by https; any other port or host is another site. A URL in the scope
of any seed belongs to the crawl, from whichever seed it was reached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from publicsuffixlist import PublicSuffixList

from archiver.crawl.decision import Decision, UrlState, Verdict, outside_by, outside_detail
from archiver.crawl.hops import path_of_hops
from archiver.crawl.plan import CrawlPlan, ScopeKind, Seed
from archiver.crawl.rules import Rules, turned_host
from archiver.model import Hop
from archiver.urls import is_http

_SEED = Decision(UrlState.QUEUED, Verdict.SEED)
_IN_SCOPE = Decision(UrlState.QUEUED, Verdict.IN_SCOPE)
_REQUISITE = Decision(UrlState.QUEUED, Verdict.REQUISITE)
_REDIRECT = Decision(UrlState.QUEUED, Verdict.REDIRECT)
_PREREQUISITE = Decision(UrlState.QUEUED, Verdict.PREREQUISITE)
_SITEMAP = Decision(UrlState.QUEUED, Verdict.SITEMAP)
_OUTSIDE = Decision(UrlState.OUT_OF_SCOPE, Verdict.OUTSIDE)
_GUESS = Decision(UrlState.OUT_OF_SCOPE, Verdict.GUESS)
_GUESSED_TWICE = Decision(UrlState.OUT_OF_SCOPE, Verdict.TOO_FAR_EMBEDDED, "guessed in what was guessed")

#: Guesses in a row from a page: what is guessed in what was guessed is hardly ever there.
_GUESSES = 1


@dataclass(frozen=True, slots=True)
class SeedScope:
    """What a seed takes, for people.

    Attributes:
        seed_id: of the seed.
        seed: as the plan has it.
        kind: of its scope.
        words: the scope in a sentence.
        surts: the prefixes of SURT forms that are taken; empty where a scope cannot be said by prefixes.
    """

    seed_id: int
    seed: str
    kind: ScopeKind
    words: str
    surts: tuple[str, ...]


class Scope:
    """The scope of a crawl; asked for every link of every page.

    Args:
        plan: what the crawl was asked to do.
        seeds: with the numbers by which they are known.
        redirects: where a seed led when it was fetched, in the order of its redirects. The last one widens the seed's scope:
            to the target's directory, host or domain, as its own scope is.

    Raises:
        UsageError: a rule is wrong.
    """

    def __init__(
        self, plan: CrawlPlan, seeds: Sequence[tuple[int, Seed]], *, redirects: Mapping[int, Sequence[str]] | None = None
    ) -> None:
        self._plan = plan
        self._rules = Rules(plan.rules)
        self._has_rules = any(rule.enabled for rule in plan.rules)
        self._seeds = tuple(seeds)
        self._starts = {seed_id: _starts(seed, (redirects or {}).get(seed_id, ())) for seed_id, seed in self._seeds}
        self._kinds = {seed_id: seed.scope or plan.scope for seed_id, seed in self._seeds}
        self._prefixes: dict[int, tuple[str, ...]] = {}
        self._pages: dict[str, int] = {}
        self._folders: dict[str, dict[str, int]] = {}
        self._domains: dict[str, int] = {}
        for seed_id, kind in self._kinds.items():
            for start in self._starts[seed_id]:
                self._add(seed_id, kind, start)

    # -- decisions -------------------------------------------------------------------------------------------------------

    def decide(self, url: str, *, hops: str, seed_id: int, via: Decision | None = None, is_sitemap: bool = False) -> Decision:
        """Whether a URL is fetched, and why.

        Args:
            url: absolute, normalised, without fragment; also one that is not http.
            hops: `Hop` letters from the seed to it; "" for the seed itself.
            seed_id: the seed from which it was reached.
            via: how the document in which it was found was taken; None when nothing is known of that.
            is_sitemap: it was named as a sitemap.
        """
        if not is_http(url):
            return Decision(UrlState.OUT_OF_SCOPE, Verdict.NOT_HTTP, url.partition(":")[0][:20])
        last = hops[-1:]
        if last == Hop.PREREQUISITE:
            return _PREREQUISITE
        if self._has_rules and (refused := self._rules.blocked(url)) is not None:
            return refused
        if not hops:
            return _SEED
        path = path_of_hops(hops)
        if last == Hop.SPECULATIVE and not self._plan.guesses:
            return _GUESS
        depth = self._plan.limits.depth
        if depth and path.links > depth and not path.steps and not is_sitemap:
            return Decision(UrlState.OUT_OF_SCOPE, Verdict.TOO_DEEP, f"{path.links} of {depth}")
        if self._has_rules and (taken := self._rules.accepted(url)) is not None:
            return taken
        if is_sitemap and self._plan.sitemaps:
            return _SITEMAP
        if self.contains(url, hops=hops, seed_id=seed_id):
            return _IN_SCOPE
        return self._around(url, hops, via)

    def contains(self, url: str, *, hops: str, seed_id: int) -> bool:
        """Whether a URL lies in the scope of its seed, or of any other; rules are not asked."""
        prefixes = self._prefixes.get(seed_id)
        if prefixes is not None and url.startswith(prefixes):
            return True
        kind = self._kinds.get(seed_id)
        if kind is ScopeKind.ANY:
            return True
        if kind is ScopeKind.PAGE_PLUS and _is_next_page(hops):
            return True
        return self.owner(url) is not None

    def owner(self, url: str) -> int | None:
        """The seed in whose scope a URL lies by its address alone; None for no seed."""
        if (seed_id := self._pages.get(url)) is not None:
            return seed_id
        start = url.find("//") + 2
        end = url.find("/", start)
        if end < 0:
            return None  # no normalised URL
        site = url[start:end]
        if "@" in site:
            site = site.rpartition("@")[2]
        folders = self._folders.get(site)
        if folders is not None:
            path = url[end:].partition("?")[0]
            place = 0
            while place >= 0:
                if (seed_id := folders.get(path[: place + 1])) is not None:
                    return seed_id
                place = path.find("/", place + 1)
        return self._owner_of_domain(site) if self._domains else None

    def _owner_of_domain(self, site: str) -> int | None:
        name = host_of_site(site)
        while name:
            if (seed_id := self._domains.get(name)) is not None:
                return seed_id
            name = name.partition(".")[2]
        return None

    def _around(self, url: str, hops: str, via: Decision | None) -> Decision:
        """What becomes of a URL outside every seed's scope."""
        path, away = path_of_hops(hops), outside_by(via)
        if path.steps:
            allowed = self._plan.transclusion_hops
            if path.steps > allowed:
                return Decision(UrlState.OUT_OF_SCOPE, Verdict.TOO_FAR_EMBEDDED, f"{path.steps} of {allowed}")
            if path.guesses > _GUESSES:
                return _GUESSED_TWICE
            near = _REQUISITE if path.is_requisite else _REDIRECT
            return near if not away else Decision(near.state, near.verdict, outside_detail(away))
        if away < self._plan.extra_hops and not hops.endswith(Hop.MANIFEST):
            return Decision(UrlState.QUEUED, Verdict.EXTRA_HOP, outside_detail(away + 1))
        return _OUTSIDE

    # -- what is derived from the seeds ----------------------------------------------------------------------------------

    def _add(self, seed_id: int, kind: ScopeKind, start: str) -> None:
        site, path = _split(start)
        folder = _taken_folder(kind, path)
        for each in _same_sites(site):
            addresses = (path,) if folder in ("", "/") else (path, folder[:-1])  # the folder's own address, without its slash
            for scheme in ("http", "https"):
                for address in addresses:
                    self._pages.setdefault(f"{scheme}://{each}{address}", seed_id)
            if folder:
                self._folders.setdefault(each, {}).setdefault(folder, seed_id)
                prefixes = (f"http://{each}{folder}", f"https://{each}{folder}")
                self._prefixes[seed_id] = self._prefixes.get(seed_id, ()) + prefixes
        if kind is ScopeKind.DOMAIN:
            self._domains.setdefault(registered_domain(site), seed_id)

    def describe(self) -> list[SeedScope]:
        """The scope of each seed, in the order of the seeds."""
        return [
            SeedScope(seed_id, seed.url, kind, *_words(kind, self._plan.limits.depth, self._starts[seed_id]))
            for seed_id, seed in self._seeds
            for kind in (self._kinds[seed_id],)
        ]


def registered_domain(site: str) -> str:
    """The domain that someone registered, such as "example.co.uk", of a host with or without port.

    By the public suffix list, its private part included: "a.github.io" is a domain of its own. Addresses, names without a
    dot and public suffixes stand for themselves.
    """
    host = host_of_site(site)
    if host.startswith("[") or host.rpartition(".")[2].isdigit():
        return host
    return _suffixes().privatesuffix(host) or host


def host_of_site(site: str) -> str:
    """Host name without its port and without a dot at its end."""
    host = site[: site.find("]") + 1] if site.startswith("[") else site.partition(":")[0]
    return host.rstrip(".")


@cache
def _suffixes() -> PublicSuffixList:
    """The list as the package brings it; reading it takes some hundredths of a second."""
    return PublicSuffixList()


def _starts(seed: Seed, redirects: Sequence[str]) -> tuple[str, ...]:
    """The addresses whose scope is the seed's: its own, and the one that it leads to."""
    target = redirects[-1] if redirects else seed.url
    return (seed.url,) if target == seed.url or not is_http(target) else (seed.url, target)


def _split(url: str) -> tuple[str, str]:
    """Host with port, and path with query, of a normalised URL."""
    authority, _, path = url.partition("://")[2].partition("/")
    return authority.rpartition("@")[2], f"/{path}"


def _same_sites(site: str) -> tuple[str, str]:
    """A host with and without `www.`."""
    bare = site.removeprefix("www.")
    return bare, f"www.{bare}"


def _taken_folder(kind: ScopeKind, path: str) -> str:
    """The directory that a scope takes: up to the last slash of the seed's path, or all; "" when it takes none."""
    if kind in (ScopeKind.HOST, ScopeKind.DOMAIN):
        return "/"
    path = path.partition("?")[0]
    return path[: path.rfind("/") + 1] if kind is ScopeKind.PREFIX else ""


def _is_next_page(hops: str) -> bool:
    """Whether these are the hops of a page that the seed links to; sitemaps are no links of a page."""
    path = path_of_hops(hops)
    return path.links == 1 and not path.steps and hops.endswith(Hop.LINK)


def _words(kind: ScopeKind, depth: int, starts: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """A scope in words, and as prefixes."""
    if kind is ScopeKind.ANY:
        return (f"every link, up to {depth} from the seed" if depth else "every link, without end"), ()
    if kind is ScopeKind.CUSTOM:
        return "the seed, and what the rules of the crawl accept", ()
    places, surts = [], []
    for site, path in map(_split, starts):
        folder = _taken_folder(kind, path)
        bare = site.removeprefix("www.")
        if kind is ScopeKind.DOMAIN:
            domain = registered_domain(site)
            places.append(domain)
            surts.append(f"http://({turned_host(domain)}")
        else:
            places.append(bare + (folder or path) if kind is not ScopeKind.HOST else bare)
            surts.append(f"http://({turned_host(site)}){folder or path}")
    named = " and ".join(dict.fromkeys(places))
    return _WORDS[kind].format(named), tuple(dict.fromkeys(surts))


_WORDS = {
    ScopeKind.PAGE: "the page {} alone",
    ScopeKind.PAGE_PLUS: "the page {} and the pages it links to",
    ScopeKind.PREFIX: "everything under {}",
    ScopeKind.HOST: "everything on {}",
    ScopeKind.DOMAIN: "everything on {} and on all hosts below",
}
