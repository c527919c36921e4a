"""What the letters say by which a URL was reached: how many links deep, needed by a page or not, when its turn comes."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from archiver.model import Hop

#: Steps from page to page; sitemap entries and forms that were filled in are links, too.
_LINKS = frozenset((Hop.LINK, Hop.MANIFEST, Hop.SYNTHESIZED))
#: Steps from a page to what it needs, or may need.
_EMBEDS = frozenset((Hop.EMBED, Hop.SPECULATIVE, Hop.INFERRED))

_REQUISITES = 100
_PAGES = 10_000
_SITEMAP_ENTRIES = 500_000
_WEAK = 1_000_000
_RETRIES = 2_000_000


class Path(NamedTuple):
    """What a row of hop letters means.

    Attributes:
        links: from the seed; a sitemap inside a sitemap is no further link.
        steps: from the last page that was linked to: embeds and redirects.
        guesses: how many of those steps were only guessed from a script.
        is_requisite: a page needs it; redirects alone do not make a requisite.
        from_sitemap: some page on the way was named by a sitemap.
    """

    links: int
    steps: int
    guesses: int
    is_requisite: bool
    from_sitemap: bool


@lru_cache(maxsize=4096)
def path_of_hops(hops: str) -> Path:
    """The meaning of hop letters, oldest first; "" for a seed."""
    links, start = 0, 0
    for place, letter in enumerate(hops):
        if letter in _LINKS:
            start = place + 1
            links += not (letter == Hop.MANIFEST and hops[place - 1 : place] == Hop.MANIFEST)
    run = hops[start:]
    return Path(links, len(run), run.count(Hop.SPECULATIVE), not _EMBEDS.isdisjoint(run), Hop.MANIFEST in hops)


@lru_cache(maxsize=4096)
def priority(hops: str, *, weak: bool = False, attempts: int = 0) -> int:
    """When a URL's turn comes; small numbers first.

    Seeds, then what pages need (a page is whole before the next one begins), then pages by the number of links from their
    seed, then entries of sitemaps and what they link to, then weak guesses from scripts. What failed for now comes after
    all of that, in the same order.

    Args:
        hops: `Hop` letters, oldest first; "" for a seed.
        weak: it is little more than a guess.
        attempts: that have failed; 0 also where the server only asked to come again later.

    Returns:
        0 and up; weak guesses from 1,000,000 on, second attempts from 2,000,000 on.
    """
    path = path_of_hops(hops)
    if weak:
        place = _WEAK + min(path.links, 99_999)
    elif path.is_requisite and not path.guesses:
        place = _REQUISITES + min(path.steps, 99)
    elif not path.links and not path.guesses:
        place = min(path.steps, 99)
    else:
        place = (_SITEMAP_ENTRIES if path.from_sitemap else _PAGES) + min(path.links, 99_999)
    return place + _RETRIES * attempts
