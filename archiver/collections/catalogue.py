"""What readers are told of organisations, collections and seeds: all that is marked private is left out of the questions.

Which collections a reader may see, and which URLs, is for whoever asks here to know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection as Several
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    Text,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    select,
)

from archiver.index.database import Prepared, reading
from archiver.index.tables import collections, organisations
from archiver.index.worktables import description_fields, descriptions, images, seed_groups, seeds
from archiver.search.words import folded

#: Orders of a list of seeds; the first is the one that the archivist gave them.
ORDERS = ("", "title", "-title", "url", "-url", "-added")
#: Seeds of a collection, and things with a description, that a search in them reads.
MOST_SEEDS = 20_000
MOST_TEXTS = 40_000
#: Stands between two values; none has it.
BETWEEN = "\x1e"
#: Values longer than this are texts, not something to choose by.
_LONGEST_CHOICE = 100


class Said(NamedTuple):
    """One statement: an element of Dublin Core or a field of one's own, and its value."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class PublicSeed:
    """A seed as readers see it.

    Attributes:
        number: in the archive.
        url: as the archivist gave it.
        urlkey: SURT key, by which its captures are found.
        title: for people; the URL where nobody gave one.
        group: name of its group where that is public, else "".
        statements: that are public, in their order.
    """

    number: int
    url: str
    urlkey: str
    title: str
    group: str
    statements: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class SeedChoice:
    """Which seeds of a collection, and in what order.

    Attributes:
        group: name of a public group; "" for all.
        fields: statements that all have to be there.
        order: one of `ORDERS`.
        without: numbers of seeds that the reader may not see.
    """

    group: str = ""
    fields: tuple[Said, ...] = ()
    order: str = ""
    without: Several[int] = ()


class Catalogue:
    """The descriptions that readers see.

    Args:
        engine: the archive's database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._seeds = Prepared(engine, _of_slug(select(*_SEED).select_from(_GROUPED)).where(_PUBLIC).limit(MOST_SEEDS))
        hidden = select(seeds.c.url).where(seeds.c.is_public == 0)
        self._private = Prepared(engine, _of_slug(hidden.join(collections)))
        self._keys = Prepared(
            engine, _of_slug(select(seeds.c.id, seeds.c.urlkey).join(collections)).where(_PUBLIC).order_by(seeds.c.id)
        )
        columns = descriptions.c
        between: Any = literal_column(f"'{BETWEEN}'")
        texts: Any = select(
            columns.level,
            columns.subject,
            func.aggregate_strings(columns.value, between),
            func.max(case((columns.field == "title", columns.value), else_="")),
        )
        public = _of_slug(texts.join(collections)).where(_public(descriptions))
        self._texts = Prepared(engine, public.group_by(columns.level, columns.subject).limit(MOST_TEXTS))
        every = select(collections.c.slug, descriptions.c.field, descriptions.c.value).join(collections)
        self._of_collections = Prepared(engine, _told(every.where(descriptions.c.level == "collection")))
        of_one = and_(descriptions.c.level == bindparam("level"), descriptions.c.subject == bindparam("subject"))
        self._of_one = Prepared(
            engine, _told(_of_slug(select(descriptions.c.field, descriptions.c.value).join(collections)).where(of_one))
        )

    # -- pictures ----------------------------------------------------------------------------------------------------

    def pictured(self, owner: str) -> dict[str, str]:
        """Owners ("organisation" or "collection") that have a picture, by slug, each with when that was changed."""
        table = organisations if owner == "organisation" else collections
        statement = (
            select(table.c.slug, images.c.changed_at)
            .join(images, images.c.owner_id == table.c.id)
            .where(images.c.owner == owner)
        )
        with reading(self._engine) as connection:
            return {slug: changed_at for slug, changed_at in connection.execute(statement)}

    # -- statements --------------------------------------------------------------------------------------------------

    def said_of(self, slug: str, level: str = "collection", subject: str = "") -> tuple[Said, ...]:
        """What is said publicly of a collection, or of one of its seeds or documents, in the archivist's order."""
        return tuple(Said(*row) for row in self._of_one.rows(slug=slug, level=level, subject=subject))

    def said_of_url(self, slug: str, url: str) -> dict[str, list[str]]:
        """What is said publicly of a URL, as a document and as a seed: values by field; nothing of a private seed."""
        found: dict[str, list[str]] = {}
        if (url,) not in {tuple(row) for row in self._private.rows(slug=slug)}:
            for said in dict.fromkeys(self.said_of(slug, "document", url) + self.said_of(slug, "seed", url)):
                found.setdefault(said.field, []).append(said.value)
        return found

    def of_collections(self) -> dict[str, list[Said]]:
        """What is said publicly of each collection, by slug."""
        found: dict[str, list[Said]] = {}
        for slug, field, value in self._of_collections.rows():
            found.setdefault(slug, []).append(Said(field, value))
        return found

    def texts(self, slug: str) -> dict[str, dict[str, tuple[str, str]]]:
        """What is said publicly within a collection: level → subject → all values with `BETWEEN` them, and the title or "".

        Of private seeds nothing is told, nor of documents whose URL is that of a private seed.
        """
        private = {url for (url,) in self._private.rows(slug=slug)}
        found: dict[str, dict[str, tuple[str, str]]] = {"collection": {}, "seed": {}, "document": {}}
        for level, subject, text, title in self._texts.rows(slug=slug):
            if subject not in private:
                found[level][subject] = text, title
        return found

    # -- seeds -------------------------------------------------------------------------------------------------------

    def every_seed(self, slug: str) -> list[PublicSeed]:
        """The public seeds of a collection without their statements, `MOST_SEEDS` at most."""
        return [_seed(row) for row in self._seeds.rows(slug=slug)]

    def seed_keys(self, slug: str) -> Sequence[tuple[int, str]]:
        """Number and urlkey of each public seed of a collection: to tell which of them a reader may not see."""
        return self._keys.rows(slug=slug)

    def seeds(self, slug: str, choice: SeedChoice, *, offset: int, limit: int) -> list[PublicSeed]:
        """Public seeds of a collection with what is said of them.

        Args:
            slug: of the collection.
            choice: which, in what order.
            offset: how many are passed over.
            limit: how many at most.
        """
        statement = _chosen(select(*_SEED), slug, choice)
        with reading(self._engine) as connection:
            if choice.order.endswith("title"):
                numbers = _by_title(connection, slug, choice)[offset : offset + limit]
                rows = {row[0]: row for row in connection.execute(statement.where(seeds.c.id.in_(numbers)))}
                found = [_seed(rows[number]) for number in numbers if number in rows]
            else:
                ordered = statement.order_by(*_order(choice.order)).offset(offset).limit(limit)
                found = [_seed(row) for row in connection.execute(ordered)]
            said: dict[str, list[Said]] = {}
            if found:
                wanted = _told(
                    _of_slug(
                        select(descriptions.c.subject, descriptions.c.field, descriptions.c.value).join(collections)
                    ).where(descriptions.c.level == "seed", descriptions.c.subject.in_([seed.url for seed in found]))
                )
                for subject, field, value in connection.execute(wanted, {"slug": slug}):
                    said.setdefault(subject, []).append(Said(field, value))
        return [
            PublicSeed(item.number, item.url, item.urlkey, item.title, item.group, tuple(said.get(item.url, ())))
            for item in found
        ]

    def seed_count(self, slug: str, choice: SeedChoice) -> int:
        """How many seeds are chosen."""
        with reading(self._engine) as connection:
            return int(connection.execute(_chosen(select(func.count()), slug, choice)).scalar_one())

    def groups(self, slug: str, choice: SeedChoice) -> Counter[str]:
        """Public groups of the chosen seeds, and how many seeds are in each."""
        statement = _chosen(select(seed_groups.c.name, func.count()), slug, choice).where(seed_groups.c.name.is_not(None))
        with reading(self._engine) as connection:
            return Counter({name: count for name, count in connection.execute(statement.group_by(seed_groups.c.name))})

    def facets(self, slug: str, choice: SeedChoice, *, but: Iterable[str]) -> dict[str, Counter[str]]:
        """What is said of the chosen seeds: field → value → seeds of which it is said.

        Args:
            slug: of the collection.
            choice: which seeds.
            but: fields that are not wanted.
        """
        columns = descriptions.c
        joined = and_(
            columns.collection_id == seeds.c.collection_id,
            columns.level == "seed",
            columns.subject == seeds.c.url,
            _public(descriptions),
        )
        wanted = select(columns.field, columns.value, func.count(seeds.c.id.distinct()))
        statement = (
            _chosen(wanted, slug, choice, _GROUPED.join(descriptions, joined))
            .where(columns.field.not_in(list(but)), func.length(columns.value) <= _LONGEST_CHOICE)
            .group_by(columns.field, columns.value)
        )
        found: dict[str, Counter[str]] = {}
        with reading(self._engine) as connection:
            for field, value, count in connection.execute(statement):
                found.setdefault(field, Counter())[value] = count
        return found


def _public(said: Any) -> ColumnElement[bool]:
    """Statements that are private neither by themselves nor by their field."""
    fields = description_fields.alias()
    by_field = exists().where(
        fields.c.collection_id == said.c.collection_id, fields.c.name == said.c.field, fields.c.is_private == 1
    )
    return and_(said.c.is_private == 0, ~by_field)


_GROUPED = seeds.join(collections, collections.c.id == seeds.c.collection_id).outerjoin(
    seed_groups, and_(seed_groups.c.id == seeds.c.group_id, seed_groups.c.is_public == 1)
)
_PUBLIC = seeds.c.is_public == 1
_TITLED = (
    select(descriptions.c.value)
    .where(
        descriptions.c.collection_id == seeds.c.collection_id,
        descriptions.c.level == "seed",
        descriptions.c.subject == seeds.c.url,
        descriptions.c.field == "title",
        _public(descriptions),
    )
    .order_by(descriptions.c.position, descriptions.c.id)
    .limit(1)
    .scalar_subquery()
)
_TITLE = func.coalesce(func.nullif(seeds.c.title, ""), _TITLED, seeds.c.url)
_SEED = (seeds.c.id, seeds.c.url, seeds.c.urlkey, _TITLE.label("called"), func.coalesce(seed_groups.c.name, ""))


def _of_slug(statement: Select[Any]) -> Select[Any]:
    return statement.where(collections.c.slug == bindparam("slug", type_=Text))


def _told(statement: Select[Any]) -> Select[Any]:
    return statement.where(_public(descriptions)).order_by(descriptions.c.position, descriptions.c.id)


def _chosen(statement: Select[Any], slug: str, choice: SeedChoice, source: Any = _GROUPED) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = [collections.c.slug == slug, _PUBLIC]
    if choice.group:
        conditions.append(seed_groups.c.name == choice.group)
    for said in choice.fields:
        other = descriptions.alias()
        own = select(collections.c.id).where(collections.c.slug == slug).scalar_subquery()
        conditions.append(
            seeds.c.url.in_(
                select(other.c.subject).where(
                    other.c.collection_id == own,
                    other.c.level == "seed",
                    other.c.field == said.field,
                    other.c.value == said.value,
                    _public(other),
                )
            )
        )
    if choice.without:  # written into the statement: there may be more of them than a statement can have parameters
        hidden: Any = bindparam("without", sorted(choice.without), expanding=True, literal_execute=True)
        conditions.append(seeds.c.id.not_in(hidden))
    return statement.select_from(source).where(*conditions)


def _by_title(connection: Connection, slug: str, choice: SeedChoice) -> list[int]:
    """The numbers of the chosen seeds by title, as people sort: without case and accents, which no two databases do alike."""
    rows = connection.execute(_chosen(select(seeds.c.id, _TITLE), slug, choice).order_by(seeds.c.id))
    found = sorted(((folded(title), number) for number, title in rows), reverse=choice.order.startswith("-"))
    return [number for _, number in found]


def _order(order: str) -> tuple[Any, ...]:
    by: dict[str, Any] = {"url": seeds.c.urlkey, "added": seeds.c.created_at}
    column = by.get(order.removeprefix("-"), seeds.c.position)
    return (column.desc() if order.startswith("-") else column.asc(), seeds.c.id)


def _seed(row: Any) -> PublicSeed:
    return PublicSeed(row[0], row[1], row[2], row[3], row[4])
