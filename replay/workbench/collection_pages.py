"""Pages of collections, all parts of them together."""

from __future__ import annotations

from replay.workbench.collecting import documents, metadata, pages, seedlists, seedpages
from replay.workbench.collecting.base import blueprint

#: The modules that bring views into the blueprint.
PARTS = (pages, seedpages, seedlists, metadata, documents)

__all__ = ["PARTS", "blueprint"]
