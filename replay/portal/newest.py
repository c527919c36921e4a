"""What was captured lately, for a feed: pages that captures and crawls noted, seeds of what was imported."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.collections.catalogue import Catalogue
from archiver.urls import urlkey
from replay.lookup import Lookup, Scope
from replay.portal.seedlist import hidden_seeds

#: Seeds whose newest capture is looked up, of all collections together: one question to the index each. Each has some.
_MOST_SEEDS = 200
_FEWEST_SEEDS = 5


@dataclass(frozen=True, slots=True)
class NewCapture:
    """A capture that is new; `title` is the URL where there is no other."""

    collection: str
    url: str
    timestamp: str
    title: str


def newest(lookup: Lookup, catalogue: Catalogue, scope: Scope, limit: int) -> list[NewCapture]:
    """The latest captures of pages and seeds that the reader may see, newest first, one of a URL and second.

    Args:
        lookup: knows what may be seen.
        catalogue: has the seeds.
        scope: of the reader.
        limit: how many at most.
    """
    found: dict[tuple[str, str, str], NewCapture] = {}

    def add(item: NewCapture) -> None:
        found.setdefault((item.collection, urlkey(item.url), item.timestamp), item)

    most = max(_FEWEST_SEEDS, _MOST_SEEDS // max(1, len(scope.slugs)))
    for slug in scope.slugs:
        for page in lookup.pages(scope, slug, limit=limit):
            if page.timestamp:
                add(NewCapture(slug, page.final_url, page.timestamp, page.title or page.final_url))
        hidden = hidden_seeds(catalogue, scope, slug)
        for seed in catalogue.every_seed(slug)[:most]:
            if seed.number not in hidden:
                capture = lookup.source(scope).newest((slug,), seed.urlkey)
                if capture is not None:
                    add(NewCapture(slug, capture.url, capture.timestamp, seed.title))
    return sorted(found.values(), key=lambda item: item.timestamp, reverse=True)[:limit]
