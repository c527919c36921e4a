"""What is said of collections, their seeds and documents: Dublin Core, and fields of one's own.

A field may be said many times, in an order; a statement is private by itself, or because its field is private in the whole
collection. What is private is not told to who asks for what is public.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, distinct, func, insert, or_, select

from archiver.audit import AuditLog
from archiver.collections.seedgroups import collection_number
from archiver.errors import UsageError
from archiver.index.database import reading, writing
from archiver.index.tables import collections
from archiver.index.worktables import description_fields, descriptions, seeds
from archiver.plaintext import one_line, plain
from archiver.urls import parse_url, strip_fragment

#: The fifteen elements of Dublin Core (ISO 15836), in the order in which forms have them.
ELEMENTS = (
    "title", "creator", "subject", "description", "publisher", "contributor", "date", "type", "format", "identifier",
    "source", "language", "relation", "coverage", "rights",
)  # fmt: skip
LEVELS = ("collection", "seed", "document")
_LONGEST_FIELD = 100
_LONGEST_VALUE = 20_000
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that is said.

    Attributes:
        field: an element of Dublin Core in lower case, or a field of one's own.
        value: plain text; may have several lines.
        is_private: only for the workbench.
    """

    field: str
    value: str
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a collection that somebody said something about.

    Attributes:
        name: as in `Statement`.
        is_private: whatever is said in it is.
    """

    name: str
    is_private: bool = False

    @property
    def is_element(self) -> bool:
        """It is one of Dublin Core."""
        return self.name in ELEMENTS


def field_name(written: str) -> str:
    """The name of a field: elements of Dublin Core are known by their names in any case, with or without "dc:" or "dc.".

    Raises:
        UsageError: it is empty or too long.
    """
    name = one_line(written)
    bare = name.lower().removeprefix("dc:").removeprefix("dc.").strip()
    if bare in ELEMENTS:
        return bare
    if not name:
        raise UsageError("A field needs a name.", "Name it, such as “Collector”.")
    if len(name) > _LONGEST_FIELD:
        raise UsageError(f"“{name[:40]}…” is too long for the name of a field.", f"Use at most {_LONGEST_FIELD} characters.")
    return name


def subject_of(level: str, written: str) -> str:
    """What a description is about, as it is kept: "" for the collection, else a normalised URL.

    Raises:
        UsageError: there is no such level, or that is no URL.
    """
    if level not in LEVELS:
        raise UsageError(f"Nothing is described at the level “{one_line(level)[:40]}”.", f"Known are: {', '.join(LEVELS)}.")
    return "" if level == "collection" else strip_fragment(parse_url(written, assume_http=True))


def checked(statements: Iterable[Statement]) -> list[Statement]:
    """Statements as they are kept: names of fields as they are known, empty values left out, nothing said twice.

    Raises:
        UsageError: a field has no name, or a value is too long.
    """
    found: dict[tuple[str, str], Statement] = {}
    for statement in statements:
        value = plain(statement.value).strip()
        if not value:
            continue
        name = field_name(statement.field)
        if len(value) > _LONGEST_VALUE:
            raise UsageError(f"What is said in “{name}” is longer than {_LONGEST_VALUE:,} characters.", "Shorten it.")
        said = found.setdefault((name, value), replace(statement, field=name, value=value))
        if statement.is_private and not said.is_private:
            found[name, value] = replace(said, is_private=True)
    return list(found.values())


class DescriptionRegistry:
    """The descriptions of an archive.

    Args:
        engine: the archive's database.
        audit: where changes are noted of which somebody is said to be their author.
    """

    def __init__(self, engine: Engine, audit: AuditLog | None = None) -> None:
        self._engine = engine
        self._audit = audit

    # -- found -------------------------------------------------------------------------------------------------------

    def of(self, slug: str, level: str, subject: str = "", *, public_only: bool = False) -> list[Statement]:
        """What is said of one thing, in its order. What is private by its field says so here too.

        Args:
            slug: of the collection.
            level: one of `LEVELS`.
            subject: "" for the collection, else a normalised URL.
            public_only: leave out what is private.
        """
        return self.of_many(slug, level, (subject,), public_only=public_only).get(subject, [])

    def of_many(
        self, slug: str, level: str, subjects: Sequence[str], *, public_only: bool = False
    ) -> dict[str, list[Statement]]:
        """The same of some things at once; those of which nothing is said are not in it."""
        which = and_(_at(slug, level), descriptions.c.subject.in_(subjects))
        found: dict[str, list[Statement]] = {}
        for row in self._said(which, public_only):
            found.setdefault(row.subject, []).append(Statement(row.field, row.value, bool(row.is_private or row.hidden)))
        return found

    def all(self, slug: str, *, public_only: bool = False) -> list[tuple[str, str, Statement]]:
        """Everything that is said in a collection: level, subject, statement; by level and subject."""
        rows = self._said(collections.c.slug == slug, public_only)
        said = [(row.level, row.subject, Statement(row.field, row.value, bool(row.is_private or row.hidden))) for row in rows]
        return sorted(said, key=lambda item: (LEVELS.index(item[0]), item[1]))

    def _said(self, which: ColumnElement[bool], public_only: bool) -> Sequence[Any]:
        hidden = func.coalesce(description_fields.c.is_private, 0).label("hidden")
        statement = (
            select(descriptions, hidden)
            .select_from(_joined())
            .where(which)
            .order_by(descriptions.c.subject, descriptions.c.position, descriptions.c.id)
        )
        if public_only:
            statement = statement.where(_public())
        with reading(self._engine) as connection:
            return connection.execute(statement).all()

    def facets(
        self, slug: str, level: str = "seed", *, public_only: bool = True, fields: Sequence[str] = ()
    ) -> dict[str, Counter[str]]:
        """How many things of one level have each value of each field.

        Args:
            slug: of the collection.
            level: one of `LEVELS`.
            public_only: neither private statements nor seeds that are not public count.
            fields: only these; all when empty.
        """
        many = func.count(distinct(descriptions.c.subject))
        statement = (
            select(descriptions.c.field, descriptions.c.value, many)
            .select_from(_joined())
            .where(_at(slug, level))
            .group_by(descriptions.c.field, descriptions.c.value)
        )
        if fields:
            statement = statement.where(descriptions.c.field.in_(fields))
        if public_only:
            statement = statement.where(_public())
        if public_only and level == "seed":
            statement = statement.where(descriptions.c.subject.in_(_public_seeds(slug)))
        found: dict[str, Counter[str]] = {}
        with reading(self._engine) as connection:
            for name, value, count in connection.execute(statement):
                found.setdefault(name, Counter())[value] = count
        return found

    def having(self, slug: str, field: str, value: str, level: str = "seed", *, public_only: bool = True) -> set[str]:
        """The subjects of one level of which a field says a value: what a facet opens."""
        which = and_(_at(slug, level), descriptions.c.field == field, descriptions.c.value == value)
        subjects = {row.subject for row in self._said(which, public_only)}
        if public_only and level == "seed":
            with reading(self._engine) as connection:
                subjects &= {url for (url,) in connection.execute(_public_seeds(slug))}
        return subjects

    def subjects(self, slug: str, level: str, *, text: str = "", limit: int = 100, offset: int = 0) -> list[tuple[str, int]]:
        """What is described at a level, in order, and how much is said of each; only those with a text in URL or value."""
        which = _at(slug, level)
        if text.strip():
            words = text.strip().lower()
            columns = (descriptions.c.subject, descriptions.c.value)
            near = or_(*(func.lower(column).contains(words, autoescape=True) for column in columns))
            matching = select(descriptions.c.subject).select_from(_joined()).where(_at(slug, level), near)
            which = and_(which, descriptions.c.subject.in_(matching))
        statement = (
            select(descriptions.c.subject, func.count())
            .select_from(_joined())
            .where(which)
            .group_by(descriptions.c.subject)
            .order_by(descriptions.c.subject)
            .limit(limit)
            .offset(offset)
        )
        with reading(self._engine) as connection:
            return [(subject, count) for subject, count in connection.execute(statement)]

    def fields(self, slug: str) -> list[Field]:
        """The fields of a collection: the elements of Dublin Core, then its own in their order, then others in use."""
        own = (
            select(description_fields)
            .join(collections, collections.c.id == description_fields.c.collection_id)
            .where(collections.c.slug == slug)
            .order_by(description_fields.c.position, description_fields.c.name)
        )
        used = select(descriptions.c.field).distinct().select_from(_joined()).where(collections.c.slug == slug)
        with reading(self._engine) as connection:
            declared = {row.name: bool(row.is_private) for row in connection.execute(own)}
            others = sorted(name for (name,) in connection.execute(used))
        names = dict.fromkeys((*ELEMENTS, *(name for name in declared if name not in ELEMENTS), *others))
        return [Field(name, declared.get(name, False)) for name in names]

    # -- changed -----------------------------------------------------------------------------------------------------

    def replace(
        self, slug: str, level: str, subject: str, statements: Iterable[Statement], *, actor: str | None = None
    ) -> list[Statement]:
        """Say anew what is said of one thing; no statements take all away. What is said now.

        Raises:
            UsageError: there is no such level or subject, or a statement cannot be.
            UnknownCollection: there is no such collection.
        """
        about, good = subject_of(level, subject), checked(statements)
        with writing(self._engine) as connection:
            self.replace_within(connection, slug, level, about, good, actor=actor)
        return self.of(slug, level, about)

    def add(
        self, slug: str, level: str, subject: str, statements: Iterable[Statement], *, actor: str | None = None
    ) -> list[Statement]:
        """Say more of one thing; what is said already is not said twice. What is said now; raises as `replace` does."""
        about = subject_of(level, subject)
        return self.replace(slug, level, about, [*self.of(slug, level, about), *statements], actor=actor)

    def replace_many(self, slug: str, said: Iterable[tuple[str, str, Sequence[Statement]]], *, actor: str | None = None) -> int:
        """Say anew what is said of many things, all or nothing: level, subject, statements; of how many something changed.

        Raises:
            UsageError: a level, subject or statement cannot be.
            UnknownCollection: there is no such collection.
        """
        good = [(level, subject_of(level, subject), checked(statements)) for level, subject, statements in said]
        with writing(self._engine) as connection:
            return sum(self.replace_within(connection, slug, *item, actor=actor) for item in good)

    def replace_within(
        self, connection: Connection, slug: str, level: str, subject: str, statements: Sequence[Statement], *, actor: str | None
    ) -> bool:
        """The same, of checked values, in a transaction of the caller's; False when nothing is new."""
        collection = collection_number(connection, slug)
        which = and_(
            descriptions.c.collection_id == collection, descriptions.c.level == level, descriptions.c.subject == subject
        )
        order = (descriptions.c.position, descriptions.c.id)
        before = [
            Statement(row.field, row.value, bool(row.is_private))
            for row in connection.execute(select(descriptions).where(which).order_by(*order))
        ]
        if before == list(statements):
            return False
        connection.execute(delete(descriptions).where(which))
        rows = [
            {
                "collection_id": collection,
                "level": level,
                "subject": subject,
                "field": said.field,
                "value": said.value,
                "position": position,
                "is_private": int(said.is_private),
            }
            for position, said in enumerate(statements)
        ]
        if rows:
            connection.execute(insert(descriptions), rows)
        detail = {
            "level": level,
            "subject": subject,
            "added": [f"{said.field}: {said.value}"[:200] for said in statements if said not in before][:_SHOWN],
            "removed": [f"{said.field}: {said.value}"[:200] for said in before if said not in statements][:_SHOWN],
        }
        self._note(connection, actor, "description.change", slug, detail)
        return True

    def set_fields(self, slug: str, fields: Sequence[Field], *, actor: str | None = None) -> None:
        """Say anew which fields of its own a collection has, in which order, and which are private.

        What is said in fields that are not among them stays.

        Raises:
            UsageError: a field has no name.
            UnknownCollection: there is no such collection.
        """
        named = {name: field.is_private for field in fields for name in (field_name(field.name),)}
        with writing(self._engine) as connection:
            collection = collection_number(connection, slug)
            connection.execute(delete(description_fields).where(description_fields.c.collection_id == collection))
            rows = [
                {"collection_id": collection, "name": name, "position": position, "is_private": int(is_private)}
                for position, (name, is_private) in enumerate(named.items())
                if is_private or name not in ELEMENTS
            ]
            if rows:
                connection.execute(insert(description_fields), rows)
            said = {row["name"]: "private" if row["is_private"] else "public" for row in rows}
            self._note(connection, actor, "description.fields", slug, {"fields": said})

    def _note(self, connection: Connection, actor: str | None, action: str, slug: str, detail: object) -> None:
        if actor is not None and self._audit is not None:
            self._audit.note_within(connection, actor, action, f"collection {slug}", detail)


def _joined() -> Any:
    own = and_(
        description_fields.c.collection_id == descriptions.c.collection_id, description_fields.c.name == descriptions.c.field
    )
    return descriptions.join(collections, collections.c.id == descriptions.c.collection_id).outerjoin(description_fields, own)


def _at(slug: str, level: str) -> ColumnElement[bool]:
    return and_(collections.c.slug == slug, descriptions.c.level == level)


def _public() -> ColumnElement[bool]:
    return and_(descriptions.c.is_private == 0, func.coalesce(description_fields.c.is_private, 0) == 0)


def _public_seeds(slug: str) -> Any:
    return (
        select(seeds.c.url)
        .join(collections, collections.c.id == seeds.c.collection_id)
        .where(collections.c.slug == slug, seeds.c.is_public == 1)
    )
