"""Makes sure that a capture can be seen: found as readers find it, opened, and read to its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archiver.errors import NotArchived, UnknownCollection
from archiver.extract.links import find_links
from archiver.holdings import Holdings
from archiver.model import Capture
from archiver.saveorders import SaveRefused
from archiver.saving import Prove
from replay.load import ArchivedResponse, load
from replay.lookup import Lookup, Scope

#: Bytes of a payload that are read: what is longer is taken to be whole when so much of it is.
_READ = 256 * 1024 * 1024


def prover(holdings: Holdings) -> Prove:
    """What makes sure of captures of an archive, for readers of whom nothing is known.

    In a private collection, which readers see nothing of, a capture must be found and opened by who may see it.
    """
    lookup = Lookup(holdings)

    def prove(collection: str, url: str, timestamp: str) -> Sequence[str]:
        try:
            scope = lookup.scope(collection)
        except UnknownCollection:
            scope = Scope(collection, (collection,), holdings.collections.get(collection))
        return _links(holdings, lookup, scope, _found(lookup, scope, url, timestamp))

    return prove


def _found(lookup: Lookup, scope: Scope, url: str, timestamp: str) -> Capture:
    """The capture that readers are shown at an address.

    Raises:
        SaveRefused: rules keep it from them.
        NotArchived: there is none of that time.
    """
    capture = next(lookup.candidates(scope, url, timestamp), None)
    if capture is not None and capture.timestamp == timestamp:
        return capture
    if scope.gate is not None and scope.gate.book.rules:
        held = Scope(scope.slug, (scope.slug,), scope.collection)
        if any(item.timestamp == timestamp for item in lookup.candidates(held, url, timestamp)):
            raise SaveRefused(
                "no-access", "It was captured, but a rule of access keeps readers from it.",
                "See the rules, or who they are for.", status=403,
            )  # fmt: skip
    raise NotArchived("The look-up finds no capture of that time.", "Look into the list of versions.")


def _links(holdings: Holdings, lookup: Lookup, scope: Scope, capture: Capture) -> Sequence[str]:
    """Where a capture leads, after all of it was read.

    Raises:
        DamagedRecord: it cannot be read.
    """
    original = lookup.original_of(scope, capture) if capture.revisit_of else None
    with_body = load(holdings.store, capture, original, segments=holdings.segments.find)
    try:
        body = _bounded(with_body)
        head = with_body.head
        found = find_links(body, url=capture.url, mime=head.media_type, http_charset=head.charset, headers=head)
        for _ in body:
            pass
    finally:
        with_body.close()
    return [link.url for link in found.links]


def _bounded(response: ArchivedResponse) -> Iterator[bytes]:
    size = 0
    for piece in response.body():
        yield piece
        size += len(piece)
        if size > _READ:
            return
