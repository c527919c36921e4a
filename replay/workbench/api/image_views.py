"""Pictures of collections and organisations, in the API."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from archiver.accounts import Role
from archiver.collections.images import LARGEST_FILE, ImageRegistry
from archiver.errors import NotFound
from replay.workbench.api.operations import operation
from replay.workbench.api.schema import Bounds, field_problem
from replay.workbench.places import context
from replay.workbench.session import current_account

_TAG = "Pictures"
_COLLECTION, _ORGANISATION = "collection", "organisation"


@dataclass(frozen=True)
class ImageView:
    """A picture as it is kept: drawn anew, without what the file said beside it."""

    mime: str
    data: Annotated[str, Bounds("Base64.")]
    changed_at: datetime


@dataclass(frozen=True)
class ImageBody:
    """A picture."""

    data: Annotated[str, Bounds("The file (PNG, JPEG, GIF or WebP) in Base64.", longest=LARGEST_FILE * 4 // 3 + 4)]


def _registry() -> ImageRegistry:
    place = context()
    return ImageRegistry(place.holdings.engine, place.clock, place.holdings.audit)


def _number(owner: str, slug: str) -> int:
    collections = context().holdings.collections
    return collections.get(slug).number if owner == _COLLECTION else collections.organisation(slug).number


def _get(owner: str, slug: str) -> ImageView:
    found = _registry().get(owner, _number(owner, slug))
    if found is None:
        raise NotFound("There is no picture.", "Put one there.")
    return ImageView(found.mime, base64.b64encode(found.data).decode(), found.changed_at)


def _put(owner: str, slug: str, body: ImageBody) -> ImageView:
    try:
        data = base64.b64decode(body.data, validate=True)
    except (binascii.Error, ValueError):
        raise field_problem("data", "It is no Base64.") from None
    _registry().put(owner, _number(owner, slug), data, actor=current_account().name, subject=f"{owner} {slug}")
    return _get(owner, slug)


def _remove(owner: str, slug: str) -> None:
    if not _registry().remove(owner, _number(owner, slug), actor=current_account().name, subject=f"{owner} {slug}"):
        raise NotFound("There is no picture.", "")


@operation("GET", "/collections/<slug>/image", Role.VIEWER, _TAG)
def get_collection_image(slug: str) -> ImageView:
    """Look at the picture of a collection."""
    return _get(_COLLECTION, slug)


@operation("PUT", "/collections/<slug>/image", Role.ARCHIVIST, _TAG)
def set_collection_image(slug: str, body: ImageBody) -> ImageView:
    """Give a collection a picture."""
    return _put(_COLLECTION, slug, body)


@operation("DELETE", "/collections/<slug>/image", Role.ARCHIVIST, _TAG)
def remove_collection_image(slug: str) -> None:
    """Take the picture of a collection away."""
    _remove(_COLLECTION, slug)


@operation("GET", "/organisations/<slug>/image", Role.VIEWER, _TAG)
def get_organisation_image(slug: str) -> ImageView:
    """Look at the picture of an organisation."""
    return _get(_ORGANISATION, slug)


@operation("PUT", "/organisations/<slug>/image", Role.ARCHIVIST, _TAG)
def set_organisation_image(slug: str, body: ImageBody) -> ImageView:
    """Give an organisation a picture."""
    return _put(_ORGANISATION, slug, body)


@operation("DELETE", "/organisations/<slug>/image", Role.ARCHIVIST, _TAG)
def remove_organisation_image(slug: str) -> None:
    """Take the picture of an organisation away."""
    _remove(_ORGANISATION, slug)
