"""Which captures may go out: all but those that are being deleted, or only those that anybody may see."""

from __future__ import annotations

from archiver.collections.access import ANYONE, RuleBook
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
            f"The collection “{slug}” is private: no reader may see anything of it.",
            "Export all of it, or make the collection public.",
            command="Leave --public-only out.",
        )
    return holdings.access.current().gate(open_, ANYONE, holdings.access.now()).permits


def not_deleted(holdings: Holdings, slug: str) -> Permitted | None:
    """Whether a capture is not one that is being deleted; None when nothing is."""
    rules = [rule for rule in holdings.access.current().rules if rule.deletion]
    if not rules:
        return None
    slugs = [slug, *(item.slug for item in holdings.collections.all())]
    return RuleBook(rules).gate(slugs, ANYONE, holdings.access.now()).permits
