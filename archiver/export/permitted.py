"""What of a collection anybody may see: the same rules as those of the reader."""

from __future__ import annotations

from archiver.collections.access import ANYONE
from archiver.errors import UnknownCollection
from archiver.export.selection import Permitted
from archiver.holdings import Holdings
from archiver.model import Visibility


def for_readers(holdings: Holdings, slug: str) -> Permitted:
    """Whether an unknown reader may see a capture.

    Raises:
        UnknownCollection: the collection is private, so nobody may.
    """
    if holdings.collections.get(slug).visibility is Visibility.PRIVATE:
        raise UnknownCollection(
            f"The collection “{slug}” is private: no reader may see anything of it.", "Leave --public-only out."
        )
    return holdings.access.current().gate((slug,), ANYONE, holdings.access.now()).permits
