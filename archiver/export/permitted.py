"""What of a collection anybody may see: the same rules as those of the reader."""

from __future__ import annotations

from archiver.collections.access import ANYONE
from archiver.errors import UnknownCollection
from archiver.export.selection import Permitted
from archiver.holdings import Holdings
from archiver.model import Visibility


def for_readers(holdings: Holdings, slug: str) -> Permitted:
    """Whether an unknown reader may see a capture, of this collection or of another that is not private.

    Raises:
        UnknownCollection: the collection is private, so nobody may.
    """
    open_ = [item.slug for item in holdings.collections.all() if item.visibility is not Visibility.PRIVATE]
    if slug not in open_:
        raise UnknownCollection(
            f"The collection “{slug}” is private: no reader may see anything of it.", "Leave --public-only out."
        )
    return holdings.access.current().gate(open_, ANYONE, holdings.access.now()).permits
