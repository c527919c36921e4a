"""Organisations and collections: made, found, changed."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, insert, select, update

from archiver.audit import AuditLog
from archiver.errors import Conflict, NotFound, UnknownCollection, UsageError
from archiver.index.database import Prepared, insert_new, number_of_new, reading, writing
from archiver.index.tables import collections, organisations
from archiver.model import Collection, Organisation, Visibility
from archiver.plaintext import one_line, plain
from archiver.timestamps import parse_iso, to_iso
from archiver.urls import parse_url

#: Words that mean something else in addresses.
RESERVED = frozenset({"all", "cdx", "wayback", "static", "-", "favicon.ico", "robots.txt"})

#: Bytes that a budget may have.
_LARGEST = 2**62

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
#: What is kept apart of a collection has a name that nobody can give one: see `archiver.testcrawls`.
_KNOWN = re.compile(_SLUG.pattern + r"(?:\.test[0-9]+)?")


#: What the name of a collection ends in that was removed.
_REMOVED = ".removed"


def removed_name(slug: str) -> str:
    """Under what name a collection is kept that was removed: see `archiver.removal`."""
    return slug + _REMOVED


def name_before(slug: str) -> str:
    """What a collection is called, or was before it was removed."""
    return slug.removesuffix(_REMOVED)


def slugify(name: str) -> str:
    """A name for addresses out of a title."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:64].strip("-") or "unnamed"


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
        organisations.c.address,
        organisations.c.description,
        organisations.c.id,
        collections.c.id,
        collections.c.is_active,
        collections.c.budget_bytes,
        collections.c.options,
        collections.c.test_of,
    ).outerjoin(organisations, organisations.c.id == collections.c.organisation_id)


def _collection(row: Any) -> Collection:
    slug, title, who, name, url, description, visibility, created_at, *more = row
    address, about, owner, number, is_active, budget_bytes, options, test_of = more
    organisation = Organisation(who, name, url, address, about, owner) if who is not None else None
    return Collection(
        slug, title, organisation, description, Visibility(visibility), parse_iso(created_at), number, bool(is_active),
        budget_bytes, options, test_of,
    )  # fmt: skip


class CollectionRegistry:
    """The collections of an archive.

    Args:
        engine: the archive's database.
        clock: the time, UTC.
        audit: where changes are noted of which somebody is said to be their author.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime], audit: AuditLog | None = None) -> None:
        self._engine = engine
        self._audit = audit
        self._clock = clock
        self._one = Prepared(engine, _rows().where(collections.c.slug == bindparam("slug")))
        self._every = Prepared(engine, _rows())

    def create(
        self,
        slug: str,
        *,
        title: str = "",
        organisation: str = "",
        organisation_url: str = "",
        description: str = "",
        visibility: Visibility = Visibility.PUBLIC,
        actor: str | None = None,
    ) -> Collection:
        """Make a collection.

        Args:
            slug: its name in addresses: lower-case letters, digits, hyphens, underscores.
            title: as the banner says it; the slug when empty.
            organisation: name of who collects; made when new.
            organisation_url: its home page; replaces the one known when it is given.
            description: plain text.
            visibility: who may see it.
            actor: who makes it, for the audit log, "" for who runs this process; None notes nothing.

        Raises:
            UsageError: the name or the home page cannot be used.
            Conflict: the name is taken, or was.
        """
        if not _SLUG.fullmatch(slug) or slug in RESERVED:
            better = slugify(slug)
            raise UsageError(
                f"“{one_line(slug)[:80]}” cannot be the name of a collection.",
                f"Use lower-case letters, digits and hyphens, such as “{better}”."
                if better not in RESERVED and better != slug
                else "That word has a meaning of its own in addresses.",
            )
        url = _home_page(organisation, organisation_url)
        with writing(self._engine) as connection:
            before = select(collections.c.id).where(collections.c.slug == removed_name(slug))
            if connection.execute(before).first() is not None:
                raise Conflict(
                    f"There was a collection “{slug}”, and it was removed.",
                    "Choose another name: what was noted and cited by this one must not come to mean something else.",
                )
            made = connection.execute(
                insert_new(self._engine, collections).values(
                    slug=slug,
                    title=one_line(title) or slug,
                    organisation_id=self._organisation(connection, organisation, url or None),
                    description=plain(description).strip(),
                    visibility=visibility.value,
                    created_at=to_iso(self._clock()),
                )
            )
            if not made.rowcount:
                raise Conflict(f"There is already a collection “{slug}”.", "Choose another name or change that one.")
            said = {"title": title, "organisation": organisation, "visibility": visibility.value}
            self._note(connection, actor, "collection.create", slug, said)
        return self.get(slug)

    def ensure(self, slug: str, *, title: str) -> Collection:
        """The collection of that name, made when it is not there yet."""
        try:
            return self.get(slug)
        except UnknownCollection:
            pass
        try:
            return self.create(slug, title=title)
        except Conflict:  # another process was quicker
            return self.get(slug)

    def get(self, slug: str) -> Collection:
        """A collection by its name.

        Raises:
            UnknownCollection: there is none; suggests the nearest.
        """
        if _KNOWN.fullmatch(slug):
            rows = self._one.rows(slug=slug)
            if rows:
                return _collection(rows[0])
        if slug.endswith(_REMOVED):
            raise UnknownCollection(f"The collection “{one_line(name_before(slug))[:80]}” was removed.", "See the audit log.")
        near = difflib.get_close_matches(slug, [item.slug for item in self.all()], 1)
        raise UnknownCollection(
            f"There is no collection “{one_line(slug)[:80]}”.",
            f"Did you mean “{near[0]}”?" if near else "See the list of collections.",
            command="" if near else "Make it with muniment collection create.",
        )

    def now(self) -> datetime:
        """The time by the archive's clock, UTC."""
        return self._clock()

    def number(self, slug: str) -> int:
        """By what the tables know a collection.

        Raises:
            UnknownCollection: there is none of that name.
        """
        with reading(self._engine) as connection:
            found = connection.execute(select(collections.c.id).where(collections.c.slug == slug)).scalar()
        if found is None:
            raise UnknownCollection(f"There is no collection “{one_line(slug)[:80]}”.")
        return int(found)

    def was_removed(self, slug: str) -> bool:
        """There was a collection of that name."""
        return bool(_SLUG.fullmatch(slug)) and bool(self._one.rows(slug=removed_name(slug)))

    def all(self, *, with_tests: bool = False) -> list[Collection]:
        """Every collection, by title; those that are kept apart for test crawls only where they are asked for."""
        found = [_collection(row) for row in self._every.rows() if not row[0].endswith(_REMOVED)]
        found = [item for item in found if with_tests or item.test_of is None]
        return sorted(found, key=lambda item: (item.title.casefold(), item.slug))

    def update(
        self,
        slug: str,
        *,
        title: str | None = None,
        organisation: str | None = None,
        organisation_url: str | None = None,
        description: str | None = None,
        visibility: Visibility | None = None,
        is_active: bool | None = None,
        budget_bytes: int | None = None,
        options: str | None = None,
        actor: str | None = None,
    ) -> Collection:
        """Change what is given; an empty text takes the old one away, a budget of 0 too. `actor`: as in `create`.

        Raises:
            UnknownCollection: there is none of that name.
            UsageError: the home page cannot be used, or is of no organisation; or the options cannot be.
        """
        current = self.get(slug)
        values: dict[str, object] = {}
        if is_active is not None:
            values["is_active"] = int(is_active)
        if budget_bytes is not None:
            values["budget_bytes"] = min(budget_bytes, _LARGEST) or None
        if options is not None:
            from archiver.collections.options import options_from_json, options_to_json  # rules take long to import

            values["options"] = options_to_json(options_from_json(options))
        if title is not None:
            values["title"] = one_line(title) or slug
        if description is not None:
            values["description"] = plain(description).strip()
        if visibility is not None:
            values["visibility"] = visibility.value
        with writing(self._engine) as connection:
            if organisation is not None or organisation_url is not None:
                known = current.organisation.name if current.organisation else ""
                name = known if organisation is None else organisation
                url = None if organisation_url is None else _home_page(name, organisation_url)
                values["organisation_id"] = self._organisation(connection, name, url)
            if values:
                connection.execute(update(collections).where(collections.c.slug == slug).values(**values))
            said = {"title": title, "organisation": organisation, "organisation_url": organisation_url}
            said |= {"description": description, "visibility": visibility.value if visibility else None, "options": options}
            said |= {"active": None if is_active is None else str(bool(is_active)).lower()}
            said |= {"budget_bytes": None if budget_bytes is None else str(budget_bytes)}
            changed = {name: value for name, value in said.items() if value is not None}
            if changed:
                self._note(connection, actor, "collection.set", slug, changed)
        return self.get(slug)

    def organisations(self) -> list[Organisation]:
        """Every organisation, by name, also those that collect nothing now."""
        columns = (organisations.c[name] for name in ("slug", "name", "url", "address", "description", "id"))
        with reading(self._engine) as connection:
            found = [Organisation(*row) for row in connection.execute(select(*columns))]
        return sorted(found, key=lambda item: item.name.casefold())

    def organisation(self, slug: str) -> Organisation:
        """An organisation by its name in addresses.

        Raises:
            NotFound: there is none.
        """
        for found in self.organisations():
            if found.slug == slug:
                return found
        raise NotFound(f"There is no organisation “{one_line(slug)[:80]}”.", "It may have another name now.")

    def update_organisation(
        self,
        slug: str,
        *,
        name: str | None = None,
        url: str | None = None,
        address: str | None = None,
        description: str | None = None,
        actor: str | None = None,
    ) -> Organisation:
        """Change what is given of an organisation, in all its collections; its name in addresses stays.

        Raises:
            NotFound: there is none.
            UsageError: it would have no name, or the home page cannot be used.
            Conflict: another organisation has that name.
        """
        current = self.organisation(slug)
        values: dict[str, str] = {}
        if name is not None:
            values["name"] = one_line(name)[:300]
            if not values["name"]:
                raise UsageError("An organisation needs a name.", "Give it one.")
            if any(other.name == values["name"] and other.slug != slug for other in self.organisations()):
                raise Conflict(f"There is another organisation “{values['name']}”.", "Choose that one instead.")
        if url is not None:
            values["url"] = _home_page(current.name, url)
        if address is not None:
            values["address"] = plain(address).strip()
        if description is not None:
            values["description"] = plain(description).strip()
        if values:
            with writing(self._engine) as connection:
                connection.execute(update(organisations).where(organisations.c.slug == slug).values(**values))
                if actor is not None and self._audit is not None:
                    self._audit.note_within(connection, actor, "organisation.set", f"organisation {slug}", values)
        return self.organisation(slug)

    def _note(self, connection: Connection, actor: str | None, action: str, slug: str, detail: dict[str, str]) -> None:
        if actor is not None and self._audit is not None:
            self._audit.note_within(connection, actor, action, f"collection {slug}", detail)

    @staticmethod
    def _organisation(connection: Connection, name: str, url: str | None) -> int | None:
        """The id of an organisation, made when new; a URL that is not None replaces the old one."""
        name = one_line(name)
        if not name:
            return None
        found = connection.execute(select(organisations.c.id).where(organisations.c.name == name)).scalar()
        if found is not None:
            if url is not None:
                connection.execute(update(organisations).where(organisations.c.id == found).values(url=url))
            return int(found)
        slug = base = slugify(name)
        number = 2
        while connection.execute(select(organisations.c.id).where(organisations.c.slug == slug)).first():
            slug, number = f"{base}-{number}", number + 1
        made = connection.execute(insert(organisations).values(slug=slug, name=name, url=url or ""))
        return number_of_new(made)


def _home_page(organisation: str, url: str) -> str:
    """An organisation's home page as a link may name it; "" for none."""
    if not url.strip():
        return ""
    if not one_line(organisation):
        raise UsageError("A home page needs its organisation.", "Give the organisation too.")
    return parse_url(url, assume_http=True)
