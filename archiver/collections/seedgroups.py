"""Named sets of seeds in a collection: for archivists, and for readers where they are public."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, and_, delete, func, insert, select, update

from archiver.audit import AuditLog
from archiver.errors import Conflict, NotFound, UnknownCollection, UsageError
from archiver.index.database import number_of_new, reading, writing
from archiver.index.tables import collections
from archiver.index.worktables import seed_groups, seeds
from archiver.plaintext import one_line


@dataclass(frozen=True, slots=True)
class SeedGroup:
    """A named set of seeds in a collection.

    Attributes:
        number: in the archive.
        name: unique in its collection.
        is_public: readers may choose seeds by it.
        seeds: how many are in it.
    """

    number: int
    name: str
    is_public: bool
    seeds: int


class SeedGroups:
    """The groups of seeds of an archive.

    Args:
        engine: the archive's database.
        audit: where changes are noted of which somebody is said to be their author.
    """

    def __init__(self, engine: Engine, audit: AuditLog | None = None) -> None:
        self._engine = engine
        self._audit = audit

    def all(self, slug: str) -> tuple[SeedGroup, ...]:
        """The groups of a collection, by name."""
        statement = (
            select(seed_groups.c.id, seed_groups.c.name, seed_groups.c.is_public, func.count(seeds.c.id))
            .join(collections, collections.c.id == seed_groups.c.collection_id)
            .outerjoin(seeds, seeds.c.group_id == seed_groups.c.id)
            .where(collections.c.slug == slug)
            .group_by(seed_groups.c.id, seed_groups.c.name, seed_groups.c.is_public)
        )
        with reading(self._engine) as connection:
            found = [SeedGroup(row[0], row[1], bool(row[2]), row[3]) for row in connection.execute(statement)]
        return tuple(sorted(found, key=lambda group: group.name.casefold()))

    def set(
        self, slug: str, name: str, *, new_name: str | None = None, is_public: bool = False, actor: str | None = None
    ) -> None:
        """Make a group, or change the one of that name.

        Raises:
            UsageError: it has no name.
            Conflict: there is a group of the new name already.
            UnknownCollection: there is no such collection.
        """
        old, new = one_line(name)[:200], one_line(name if new_name is None else new_name)[:200]
        if not old or not new:
            raise UsageError("A group needs a name.", "Give it one.")
        with writing(self._engine) as connection:
            collection = collection_number(connection, slug)
            names = {
                row.name for row in connection.execute(select(seed_groups).where(seed_groups.c.collection_id == collection))
            }
            if new != old and new in names:
                raise Conflict(f"There is already a group “{new}”.", "Choose another name.")
            number = group_number(connection, collection, old)
            changed = update(seed_groups).where(seed_groups.c.id == number)
            connection.execute(changed.values(name=new, is_public=int(is_public)))
            action = "group.change" if old in names else "group.create"
            self._note(connection, actor, action, slug, {"group": old, "name": new, "is_public": is_public})

    def remove(self, slug: str, name: str, *, actor: str | None = None) -> None:
        """Take a group away; its seeds stay, without a group.

        Raises:
            NotFound: there is none of that name.
            UnknownCollection: there is no such collection.
        """
        with writing(self._engine) as connection:
            collection = collection_number(connection, slug)
            which = and_(seed_groups.c.collection_id == collection, seed_groups.c.name == name)
            number = connection.execute(select(seed_groups.c.id).where(which)).scalar()
            if number is None:
                raise NotFound(f"There is no group “{one_line(name)[:80]}”.", "It may have been removed.")
            connection.execute(update(seeds).where(seeds.c.group_id == number).values(group_id=None))
            connection.execute(delete(seed_groups).where(seed_groups.c.id == number))
            self._note(connection, actor, "group.remove", slug, {"group": name})

    def _note(self, connection: Connection, actor: str | None, action: str, slug: str, detail: object) -> None:
        if actor is not None and self._audit is not None:
            self._audit.note_within(connection, actor, action, f"collection {slug}", detail)


def collection_number(connection: Connection, slug: str) -> int:
    """By what the tables know a collection.

    Raises:
        UnknownCollection: there is none of that name.
    """
    found = connection.execute(select(collections.c.id).where(collections.c.slug == slug)).scalar()
    if found is None:
        raise UnknownCollection(f"There is no collection “{one_line(slug)[:80]}”.")
    return int(found)


def group_number(connection: Connection, collection: int, name: str) -> int | None:
    """The id of a group, made when new; None for no name."""
    if not name:
        return None
    which = and_(seed_groups.c.collection_id == collection, seed_groups.c.name == name)
    found = connection.execute(select(seed_groups.c.id).where(which)).scalar()
    if found is not None:
        return int(found)
    made = connection.execute(insert(seed_groups).values(collection_id=collection, name=name))
    return number_of_new(made)
