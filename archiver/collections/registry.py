"""Organisations and collections: made, found, changed."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from archiver.errors import Conflict, UnknownCollection, UsageError
from archiver.index.tables import collections, organisations
from archiver.model import Collection, Organisation, Visibility
from archiver.timestamps import parse_iso, to_iso

#: Words that mean something else in addresses.
RESERVED = frozenset({"all", "cdx", "wayback", "static", "-", "favicon.ico", "robots.txt"})

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")


def slugify(name: str) -> str:
    """A name for addresses out of a title."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64].strip("-") or "unnamed"


def _rows() -> Any:
    return select(
        collections.c.slug,
        collections.c.title,
        organisations.c.slug,
        organisations.c.name,
        organisations.c.url,
        collections.c.description,
        collections.c.visibility,
        collections.c.created_at,
    ).outerjoin(organisations, organisations.c.id == collections.c.organisation_id)


def _collection(row: Any) -> Collection:
    organisation = Organisation(row[2], row[3], row[4]) if row[2] is not None else None
    return Collection(row[0], row[1], organisation, row[5], Visibility(row[6]), parse_iso(row[7]))


class CollectionRegistry:
    """The collections of an archive.

    Args:
        engine: the archive's database.
        clock: the time, UTC.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def create(
        self,
        slug: str,
        *,
        title: str = "",
        organisation: str = "",
        organisation_url: str = "",
        description: str = "",
        visibility: Visibility = Visibility.PUBLIC,
    ) -> Collection:
        """Make a collection.

        Args:
            slug: its name in addresses: lower-case letters, digits, hyphens, underscores.
            title: as the banner says it; the slug when empty.
            organisation: name of who collects; made when new.
            organisation_url: its home page.
            description: plain text.
            visibility: who may see it.

        Raises:
            UsageError: the name cannot be used.
            Conflict: the name is taken.
        """
        if not _SLUG.fullmatch(slug) or slug in RESERVED:
            raise UsageError(
                f"“{slug}” cannot be the name of a collection.",
                "Use lower-case letters, digits and hyphens; not all, cdx, wayback or static.",
            )
        with self._engine.begin() as connection:
            if connection.execute(select(collections.c.id).where(collections.c.slug == slug)).first():
                raise Conflict(f"There is already a collection “{slug}”.", "Choose another name or change that one.")
            connection.execute(
                insert(collections).values(
                    slug=slug,
                    title=title or slug,
                    organisation_id=self._organisation(connection, organisation, organisation_url),
                    description=description,
                    visibility=visibility.value,
                    created_at=to_iso(self._clock()),
                )
            )
        return self.get(slug)

    def get(self, slug: str) -> Collection:
        """A collection by its name.

        Raises:
            UnknownCollection: there is none; suggests the nearest.
        """
        with self._engine.connect() as connection:
            row = connection.execute(_rows().where(collections.c.slug == slug)).first()
        if row is not None:
            return _collection(row)
        near = difflib.get_close_matches(slug, [item.slug for item in self.all()], 1)
        raise UnknownCollection(
            f"There is no collection “{slug[:80]}”.",
            f"Did you mean “{near[0]}”?" if near else "Make it with muniment collection create.",
        )

    def all(self) -> list[Collection]:
        """Every collection, by title."""
        with self._engine.connect() as connection:
            return [_collection(row) for row in connection.execute(_rows().order_by(collections.c.title))]

    def update(
        self,
        slug: str,
        *,
        title: str | None = None,
        organisation: str | None = None,
        organisation_url: str | None = None,
        description: str | None = None,
        visibility: Visibility | None = None,
    ) -> Collection:
        """Change what is given.

        Raises:
            UnknownCollection: there is none of that name.
        """
        current = self.get(slug)
        values: dict[str, object] = {}
        with self._engine.begin() as connection:
            if title is not None:
                values["title"] = title or slug
            if description is not None:
                values["description"] = description
            if visibility is not None:
                values["visibility"] = visibility.value
            if organisation is not None or organisation_url is not None:
                name = current.organisation.name if organisation is None and current.organisation else organisation or ""
                values["organisation_id"] = self._organisation(connection, name, organisation_url)
            if values:
                connection.execute(update(collections).where(collections.c.slug == slug).values(**values))
        return self.get(slug)

    @staticmethod
    def _organisation(connection: Connection, name: str, url: str | None) -> int | None:
        """The id of an organisation, made when new; a given URL replaces the old one."""
        name = " ".join(name.split())
        if not name:
            return None
        found = connection.execute(select(organisations.c.id).where(organisations.c.name == name)).scalar()
        if found is not None:
            if url:
                connection.execute(update(organisations).where(organisations.c.id == found).values(url=url))
            return int(found)
        slug = base = slugify(name)
        number = 2
        while connection.execute(select(organisations.c.id).where(organisations.c.slug == slug)).first():
            slug, number = f"{base}-{number}", number + 1
        made = connection.execute(insert(organisations).values(slug=slug, name=name, url=url or ""))
        return int(made.inserted_primary_key[0])  # type: ignore[index]
