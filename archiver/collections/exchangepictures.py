"""Pictures, and what is known of organisations, in descriptions of collections: out and in."""

from __future__ import annotations

import base64
from typing import Any

from archiver.collections.images import Image, ImageRegistry
from archiver.holdings import Holdings
from archiver.model import Organisation


def owner_out(pictures: ImageRegistry, owner: Organisation) -> dict[str, object]:
    """An organisation, ready for `json.dumps`."""
    said = {"name": owner.name, "url": owner.url, "address": owner.address, "description": owner.description}
    return {**said, "logo": picture_out(pictures.get("organisation", owner.number))}


def picture_out(picture: Image | None) -> dict[str, str] | None:
    """A picture, likewise."""
    return None if picture is None else {"type": picture.mime, "data": base64.b64encode(picture.data).decode("ascii")}


def add_pictures(holdings: Holdings, slug: str, image: bytes, owner: dict[str, Any]) -> None:
    """The collection's picture, and what is known of its organisation, where there is nothing yet."""
    pictures, here = ImageRegistry(holdings.engine, holdings.collections.now), holdings.collections.get(slug)
    if image and pictures.get("collection", here.number) is None:
        pictures.put("collection", here.number, image)
    who = here.organisation
    if who is None or who.name != owner["name"]:
        return
    missing = {name: owner[name] for name in ("address", "description") if owner[name] and not getattr(who, name)}
    if missing:
        holdings.collections.update_organisation(who.slug, **missing)
    if owner["logo"] and pictures.get("organisation", who.number) is None:
        pictures.put("organisation", who.number, owner["logo"])
