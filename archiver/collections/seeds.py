"""The seeds of collections, kept: found, added, changed, removed. Captures stay whatever becomes of their seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, insert, or_, select, update

from archiver.audit import AuditLog
from archiver.collections.seedgroups import SeedGroup, SeedGroups, collection_number, group_number
from archiver.collections.seedvalues import (
    RefusedSeed,
    Schedule,
    Seed,
    SeedDraft,
    SeedReport,
    checked,
    limits_from_json,
    row_values,
    rules_from_json,
)
from archiver.crawl.plan import ScopeKind
from archiver.errors import Conflict, MunimentError, NotFound, UsageError
from archiver.index.database import reading, writing
from archiver.index.tables import collections
from archiver.index.worktables import descriptions, seed_groups, seeds
from archiver.plaintext import one_line
from archiver.timestamps import parse_iso, to_iso

#: Most seeds that are changed with one statement.
_AT_ONCE = 500
_SHOWN = 200
#: How lists may be ordered: the name, and the column.
ORDERS: dict[str, Any] = {
    "position": seeds.c.position,
    "url": seeds.c.urlkey,
    "title": func.lower(seeds.c.title),
    "schedule": seeds.c.schedule,
    "group": func.lower(func.coalesce(seed_groups.c.name, "")),
    "added": seeds.c.created_at,
    "changed": seeds.c.changed_at,
}


@dataclass(frozen=True, slots=True)
class SeedFilter:
    """Which seeds of a collection; what is None or "" does not count.

    Attributes:
        text: in the address, title or notes.
        group: name of the group; "-" for seeds without one.
        schedule: see `Schedule`; "-" for seeds without one.
        scope: of their own; "-" for that of the collection.
        is_active, is_public: see `SeedDraft`.
    """

    text: str = ""
    group: str = ""
    schedule: str = ""
    scope: str = ""
    is_active: bool | None = None
    is_public: bool | None = None


EVERY = SeedFilter()
_Seeds = list[Seed]  # the class below has a method of that name


class SeedRegistry:
    """The seeds of an archive.

    Args:
        engine: the archive's database.
        clock: the time, UTC.
        audit: where changes are noted of which somebody is said to be their author.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime], audit: AuditLog | None = None) -> None:
        self._engine = engine
        self._clock = clock
        self._audit = audit

    # -- found -------------------------------------------------------------------------------------------------------

    def list(
        self,
        slug: str,
        wanted: SeedFilter = EVERY,
        *,
        order: str = "position",
        descending: bool = False,
        limit: int | None = None,
        offset: int = 0,
    ) -> _Seeds:
        """Seeds of a collection.

        Args:
            slug: of the collection; one that there is not has no seeds.
            wanted: which of them.
            order: one of `ORDERS`.
            descending: the other way round.
            limit: most that are given; None for all.
            offset: how many are passed over.

        Raises:
            UsageError: there is no such order.
        """
        if order not in ORDERS:
            raise UsageError(f"Seeds have no order “{one_line(order)[:40]}”.", f"Known are: {', '.join(ORDERS)}.")
        column = ORDERS[order]
        statement = _rows().where(_matching(slug, wanted)).order_by(column.desc() if descending else column, seeds.c.id)
        statement = statement.limit(limit).offset(offset) if limit is not None else statement
        with reading(self._engine) as connection:
            return [_seed(row) for row in connection.execute(statement)]

    def count(self, slug: str, wanted: SeedFilter = EVERY) -> int:
        """How many seeds of a collection are wanted."""
        statement = select(func.count()).select_from(_joined()).where(_matching(slug, wanted))
        with reading(self._engine) as connection:
            return int(connection.execute(statement).scalar_one())

    def get(self, number: int) -> Seed:
        """A seed by its number.

        Raises:
            NotFound: there is none.
        """
        with reading(self._engine) as connection:
            row = connection.execute(_rows().where(seeds.c.id == number)).first()
        if row is None:
            raise NotFound(f"There is no seed {number}.", "It may have been removed.")
        return _seed(row)

    def find(self, slug: str, url: str) -> Seed | None:
        """The seed of a collection with exactly this normalised URL."""
        statement = _rows().where(collections.c.slug == slug, seeds.c.url == url)
        with reading(self._engine) as connection:
            row = connection.execute(statement).first()
        return None if row is None else _seed(row)

    def groups(self, slug: str) -> tuple[SeedGroup, ...]:
        """The groups of a collection, by name."""
        return SeedGroups(self._engine).all(slug)

    # -- changed -----------------------------------------------------------------------------------------------------

    def add(self, slug: str, drafts: Iterable[SeedDraft], *, actor: str | None = None) -> SeedReport:
        """Add seeds; each is taken or refused by itself. Groups that are not there yet are made.

        Raises:
            UnknownCollection: there is no such collection.
        """
        refused: list[RefusedSeed] = []
        with writing(self._engine) as connection:
            collection = collection_number(connection, slug)
            known = {url for (url,) in connection.execute(select(seeds.c.url).where(seeds.c.collection_id == collection))}
            highest = select(func.max(seeds.c.position)).where(seeds.c.collection_id == collection)
            position = connection.execute(highest).scalar() or 0
            new: dict[str, SeedDraft] = {}
            for row, draft in enumerate(drafts, 1):
                try:
                    good = checked(draft)
                except MunimentError as error:
                    refused.append(RefusedSeed(one_line(draft.url)[:_SHOWN], str(error), False, row))
                    continue
                if good.url in new or good.url in known:
                    reason = "It is in this list twice." if good.url in new else "It is a seed of this collection already."
                    refused.append(RefusedSeed(good.url, reason, True, row))
                    continue
                new[good.url] = good
            self._insert(connection, collection, list(new.values()), position + 1)
            if new:
                self._note(connection, actor, "seed.add", slug, {"seeds": list(new)[:_SHOWN], "count": len(new)})
        return SeedReport(tuple(new), tuple(refused))

    def _insert(self, connection: Connection, collection: int, drafts: Sequence[SeedDraft], position: int) -> None:
        now = to_iso(self._clock())
        numbers = {name: group_number(connection, collection, name) for name in sorted({draft.group for draft in drafts})}
        same = {"collection_id": collection, "created_at": now, "changed_at": now}
        rows = [
            {**row_values(draft), **same, "group_id": numbers[draft.group], "position": place}
            for place, draft in enumerate(drafts, position)
        ]
        if rows:
            connection.execute(insert(seeds), rows)

    def change(self, number: int, draft: SeedDraft, *, actor: str | None = None) -> Seed:
        """Say a seed anew. What is said of it goes with its address when that changes.

        Raises:
            NotFound: there is no such seed.
            UsageError: something in it cannot be.
            Conflict: another seed has that address.
        """
        before = self.get(number)
        good = checked(draft)
        changed = _differences(before.draft, good)
        if not changed:
            return before
        with writing(self._engine) as connection:
            collection = collection_number(connection, before.collection)
            same = and_(seeds.c.collection_id == collection, seeds.c.url == good.url, seeds.c.id != number)
            if connection.execute(select(seeds.c.id).where(same)).first():
                raise Conflict(f"{good.url} is another seed of this collection.", "Change that one, or remove it.")
            values = row_values(good) | {"group_id": group_number(connection, collection, good.group)}
            connection.execute(update(seeds).where(seeds.c.id == number).values(**values, changed_at=to_iso(self._clock())))
            if good.url != before.url:
                said = (descriptions.c.collection_id == collection, descriptions.c.level == "seed")
                moved = update(descriptions).where(*said, descriptions.c.subject == before.url)
                connection.execute(moved.values(subject=good.url))
            self._note(connection, actor, "seed.change", before.collection, {"seed": before.url, **changed})
        return self.get(number)

    def change_many(self, slug: str, numbers: Sequence[int], *, actor: str | None = None, **changes: Any) -> int:
        """Say one thing anew of many seeds of a collection; how many there were.

        Args:
            slug: of the collection; seeds of others are passed over.
            numbers: of the seeds.
            actor: who does it.
            changes: fields of `SeedDraft`, but for the URL.

        Raises:
            UsageError: something cannot be.
            UnknownCollection: there is no such collection.
        """
        values = row_values(checked(replace(SeedDraft("http://example.org/"), **changes)))
        chosen = {name: value for name, value in values.items() if name in changes}
        with writing(self._engine) as connection:
            collection = collection_number(connection, slug)
            if "group" in changes:
                chosen["group_id"] = group_number(connection, collection, one_line(changes["group"])[:200])
            changed = 0
            for some in _in_parts(numbers):
                which = and_(seeds.c.collection_id == collection, seeds.c.id.in_(some))
                done = connection.execute(update(seeds).where(which).values(**chosen, changed_at=to_iso(self._clock())))
                changed += done.rowcount
            if changed:
                told = {name: value if isinstance(value, str | bool) else str(value) for name, value in changes.items()}
                self._note(connection, actor, "seed.change", slug, {"count": changed, "numbers": numbers[:_SHOWN], **told})
        return changed

    def remove(self, slug: str, numbers: Sequence[int], *, actor: str | None = None) -> int:
        """Take seeds away, and what is said of them; their captures stay. How many there were.

        Raises:
            UnknownCollection: there is no such collection.
        """
        removed: list[str] = []
        with writing(self._engine) as connection:
            collection = collection_number(connection, slug)
            for some in _in_parts(numbers):
                which = and_(seeds.c.collection_id == collection, seeds.c.id.in_(some))
                urls = [url for (url,) in connection.execute(select(seeds.c.url).where(which))]
                connection.execute(delete(seeds).where(which))
                of_seeds = (descriptions.c.collection_id == collection, descriptions.c.level == "seed")
                connection.execute(delete(descriptions).where(*of_seeds, descriptions.c.subject.in_(urls)))
                removed += urls
            if removed:
                self._note(connection, actor, "seed.remove", slug, {"seeds": removed[:_SHOWN], "count": len(removed)})
        return len(removed)

    def _note(self, connection: Connection, actor: str | None, action: str, slug: str, detail: object) -> None:
        if actor is not None and self._audit is not None:
            self._audit.note_within(connection, actor, action, f"collection {slug}", detail)


def _differences(before: SeedDraft, after: SeedDraft) -> dict[str, str]:
    """What is said anew, as texts for the audit log."""
    return {
        name: str(getattr(after, name))
        for name in SeedDraft.__dataclass_fields__
        if getattr(before, name) != getattr(after, name)
    }


def _in_parts(numbers: Sequence[int]) -> Iterable[Sequence[int]]:
    return (numbers[start : start + _AT_ONCE] for start in range(0, len(numbers), _AT_ONCE))


def _joined() -> Any:
    return seeds.join(collections, collections.c.id == seeds.c.collection_id).outerjoin(
        seed_groups, seed_groups.c.id == seeds.c.group_id
    )


def _rows() -> Any:
    return select(seeds, collections.c.slug, seed_groups.c.name.label("group_name")).select_from(_joined())


def _matching(slug: str, wanted: SeedFilter) -> ColumnElement[bool]:
    terms: list[ColumnElement[bool]] = [collections.c.slug == slug]
    if wanted.text.strip():
        text = wanted.text.strip().lower()
        columns = (seeds.c.url, seeds.c.title, seeds.c.notes)
        terms.append(or_(*(func.lower(column).contains(text, autoescape=True) for column in columns)))
    if wanted.group:
        terms.append(seeds.c.group_id.is_(None) if wanted.group == "-" else seed_groups.c.name == wanted.group)
    for column, value in ((seeds.c.schedule, wanted.schedule), (seeds.c.scope, wanted.scope)):
        if value:
            terms.append(column == ("" if value == "-" else value))
    for column, flag in ((seeds.c.is_active, wanted.is_active), (seeds.c.is_public, wanted.is_public)):
        if flag is not None:
            terms.append(column == int(flag))
    return and_(*terms)


def _seed(row: Any) -> Seed:
    return Seed(
        number=row.id,
        collection=row.slug,
        url=row.url,
        urlkey=row.urlkey,
        title=row.title,
        scope=ScopeKind(row.scope) if row.scope else None,
        schedule=Schedule(row.schedule) if row.schedule else None,
        group=row.group_name or "",
        is_active=bool(row.is_active),
        is_public=bool(row.is_public),
        notes=row.notes,
        limits=limits_from_json(row.limits),
        rules=rules_from_json(row.rules),
        position=row.position,
        created_at=parse_iso(row.created_at),
        changed_at=parse_iso(row.changed_at),
    )
