"""The rules of access as they are kept: in the database, and in memory as long as nobody changes them."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from threading import Lock
from time import monotonic
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from archiver.audit import AuditLog, AuditWatch, this_actor
from archiver.collections.access import Action, Matching, Rule, RuleBook
from archiver.collections.options import options_from_json
from archiver.collections.privateseeds import SeedFacts, rules_of
from archiver.crawl.plan import ScopeKind
from archiver.errors import NotFound, UnknownCollection, UsageError
from archiver.index.database import number_of_new, reading, writing
from archiver.index.holdingstables import access_rules, tombstones
from archiver.index.tables import collections
from archiver.index.worktables import seeds
from archiver.timestamps import parse_iso, to_iso

#: Seconds for which nobody asks whether another process changed the rules.
_STALE_AFTER = 1.0
_COLUMNS = (*access_rules.columns, collections.c.slug)


class AccessRules:
    """The rules of access of an archive; safe to use from several threads.

    Args:
        engine: the archive's database.
        clock: the time, UTC.
        audit: where changes are noted, in the same transaction.
        ticks: seconds that only ever grow.
    """

    def __init__(
        self, engine: Engine, clock: Callable[[], datetime], audit: AuditLog, *, ticks: Callable[[], float] = monotonic
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._audit = audit
        self._ticks = ticks
        self._book: RuleBook | None = None
        self._looked_at = 0.0
        self._watch = AuditWatch("access.", "delete.")
        self._seeds: object = None
        self._of_seeds: tuple[Rule, ...] = ()
        self._lock = Lock()

    def now(self) -> datetime:
        """The time, UTC, by which embargoes are counted."""
        return self._clock()

    @property
    def has_any(self) -> bool:
        """There were rules when they were last read. Asks nobody."""
        book = self._book
        return book is not None and bool(book.rules)

    # -- reading -----------------------------------------------------------------------------------------------------

    def current(self) -> RuleBook:
        """The rules in force or to come, with those that seeds stand for which are not public.

        The database is asked once a second at most whether there is a change.

        Raises:
            StorageFailed: the database cannot be read.
        """
        if self._book is not None and self._ticks() - self._looked_at < _STALE_AFTER:
            return self._book
        with self._lock:
            looked_at = self._ticks()
            if self._book is None or self._is_changed():
                self._book = self._read()
            self._looked_at = looked_at
            return self._book

    def _is_changed(self) -> bool:
        with reading(self._engine) as connection:
            return _state_of_seeds(connection) != self._seeds or self._watch.has_news(connection)

    def _read(self) -> RuleBook:
        with reading(self._engine) as connection:
            newest = self._watch.newest(connection)
            seen = _state_of_seeds(connection)
            found = [_rule(row) for row in connection.execute(_rows())]
            if seen != self._seeds:
                self._of_seeds = tuple(rules_of(_seeds_with_private(connection))) if seen is not None else ()
        self._watch.seen(newest)
        self._seeds = seen
        found += self._of_seeds
        return RuleBook(found)

    def all(self) -> list[Rule]:
        """Every rule, in the order in which they were made."""
        with reading(self._engine) as connection:
            return [_rule(row) for row in connection.execute(_rows().order_by(access_rules.c.id))]

    def get(self, number: int) -> Rule:
        """A rule by its number.

        Raises:
            NotFound: there is none.
        """
        with reading(self._engine) as connection:
            row = connection.execute(_rows().where(access_rules.c.id == number)).first()
        if row is None:
            raise NotFound(f"There is no access rule {number}.", "See the list of rules.", command="See muniment access list.")
        return _rule(row)

    def was_purged(self, slugs: Sequence[str], urlkey: str) -> bool:
        """Captures of this key were taken out of one of these collections for good."""
        statement = (
            select(tombstones.c.id)
            .join(collections, collections.c.id == tombstones.c.collection_id)
            .where(tombstones.c.urlkey == urlkey, collections.c.slug.in_(slugs))
            .limit(1)
        )
        with reading(self._engine) as connection:
            return connection.execute(statement).first() is not None

    # -- changing ----------------------------------------------------------------------------------------------------

    def add(self, rules: Iterable[Rule], *, actor: str = "", action: str = "access.add") -> list[Rule]:
        """Keep new rules, all or none; as they are kept.

        Raises:
            UnknownCollection: one is of a collection that does not exist.
            StorageFailed: the database did not take them.
        """
        made = []
        with writing(self._engine) as connection:
            for rule in rules:
                made.append(self.add_within(connection, rule, actor=actor, action=action))
        self._forget()
        if len(made) == 1:
            return [self.get(made[0])]
        known = {rule.number: rule for rule in self.all()}
        return [known[number] for number in made]

    def add_within(self, connection: Connection, rule: Rule, *, actor: str, action: str) -> int:
        """Keep a new rule in a transaction of the caller's; its number."""
        values = {**_values(connection, rule), "created_at": to_iso(self._clock()), "created_by": actor or this_actor()}
        number = number_of_new(connection.execute(insert(access_rules).values(**values)))
        self._audit.note_within(connection, actor, action, f"rule {number}", described(rule))
        return number

    def change(self, rule: Rule, *, actor: str = "", action: str = "access.set") -> Rule:
        """Put a rule in the place of the one with its number.

        Raises:
            NotFound: there is none.
            UnknownCollection: it is of a collection that does not exist.
        """
        with writing(self._engine) as connection:
            self.change_within(connection, rule, actor=actor, action=action)
        self._forget()
        return self.get(rule.number)

    def change_within(self, connection: Connection, rule: Rule, *, actor: str, action: str) -> None:
        """The same in a transaction of the caller's."""
        row = connection.execute(_rows().where(access_rules.c.id == rule.number)).first()
        if row is None:
            raise NotFound(
                f"There is no access rule {rule.number}.", "See the list of rules.", command="See muniment access list."
            )
        connection.execute(update(access_rules).where(access_rules.c.id == rule.number).values(**_values(connection, rule)))
        detail = {"before": described(_rule(row)), "after": described(rule)}
        self._audit.note_within(connection, actor, action, f"rule {rule.number}", detail)

    def mark_purged_within(self, connection: Connection, number: int, deletion: str) -> None:
        """Say how far a deletion has come, in a transaction of the caller's, who tells the audit log."""
        connection.execute(update(access_rules).where(access_rules.c.id == number).values(deletion=deletion))
        self._forget()

    def remove(self, number: int, *, actor: str = "", action: str = "access.remove") -> Rule:
        """Take a rule away; as it was.

        Raises:
            NotFound: there is none.
        """
        with writing(self._engine) as connection:
            row = connection.execute(_rows().where(access_rules.c.id == number)).first()
            if row is None:
                raise NotFound(
                    f"There is no access rule {number}.", "See the list of rules.", command="See muniment access list."
                )
            connection.execute(delete(access_rules).where(access_rules.c.id == number))
            self._audit.note_within(connection, actor, action, f"rule {number}", described(_rule(row)))
        self._forget()
        return _rule(row)

    def _forget(self) -> None:
        """Have the next look-up read the rules again."""
        with self._lock:
            self._book = None


def _state_of_seeds(connection: Connection) -> object:
    """Something that is another when the seeds are, or the usual scope of those that are not public."""
    columns = seeds.c
    all_seeds = select(func.count(), func.sum(columns.is_public), func.max(columns.id), func.max(columns.changed_at))
    found = tuple(connection.execute(all_seeds).one())
    if not found[0] or found[0] == found[1]:
        return None  # all are public, and there is nothing to be hidden
    owners = select(columns.collection_id).where(columns.is_public == 0).distinct()
    scopes = select(collections.c.id, collections.c.options).where(collections.c.id.in_(owners)).order_by(collections.c.id)
    # Which they are, too: by time alone what a machine whose clock is behind has changed would not be seen.
    kind = (columns.collection_id, columns.scope)
    private = select(*kind, func.count(), func.sum(columns.id)).where(columns.is_public == 0).group_by(*kind).order_by(*kind)
    return found, *(tuple(tuple(row) for row in connection.execute(query)) for query in (scopes, private))


def _seeds_with_private(connection: Connection) -> Iterator[SeedFacts]:
    """The seeds of the collections in which one is not public."""
    columns = seeds.c
    owners = select(columns.collection_id).where(columns.is_public == 0).distinct()
    wanted = select(
        collections.c.slug, collections.c.options, columns.url, columns.scope, columns.is_public, columns.created_at
    ).join(collections, collections.c.id == columns.collection_id)
    usual: dict[str, ScopeKind] = {}
    for slug, options, url, scope, is_public, created_at in connection.execute(wanted.where(columns.collection_id.in_(owners))):
        if options not in usual:
            usual[options] = _scope_in(options)
        kind = ScopeKind(scope) if scope in set(ScopeKind) else usual[options]
        yield SeedFacts(slug, url, kind, bool(is_public), created_at)


def _scope_in(options: str) -> ScopeKind:
    try:
        return options_from_json(options or "").scope
    except UsageError:  # of a newer version: the page alone is surely meant
        return ScopeKind.PAGE


def _rows() -> Any:
    return select(*_COLUMNS).outerjoin(collections, collections.c.id == access_rules.c.collection_id)


def _rule(row: Any) -> Rule:
    return Rule(
        action=Action(row.action),
        matching=Matching(row.match),
        urlkey=row.urlkey,
        number=row.id,
        collection=row.slug,
        url=row.url,
        since=row.since or 0,
        until=row.until or 0,
        embargo=row.embargo_seconds or 0,
        files=frozenset(row.files.splitlines()),
        addresses=tuple(ipaddress.ip_network(item, strict=False) for item in row.addresses.splitlines()),
        groups=frozenset(row.groups.splitlines()),
        starts_at=parse_iso(row.starts_at) if row.starts_at else None,
        ends_at=parse_iso(row.ends_at) if row.ends_at else None,
        message=row.message,
        reason=row.reason,
        deletion=row.deletion,
        created_at=row.created_at,
        created_by=row.created_by,
    )


def _values(connection: Connection, rule: Rule) -> dict[str, object]:
    """The columns of a rule, but for who made it and when."""
    collection_id = None
    if rule.collection is not None:
        wanted = select(collections.c.id).where(collections.c.slug == rule.collection)
        collection_id = connection.execute(wanted).scalar()
        if collection_id is None:
            raise UnknownCollection(f"There is no collection “{rule.collection}”.")
    return {
        "collection_id": collection_id,
        "action": rule.action.value,
        "match": rule.matching.value,
        "urlkey": rule.urlkey,
        "url": rule.url,
        "since": rule.since or None,
        "until": rule.until or None,
        "embargo_seconds": rule.embargo or None,
        "files": "\n".join(sorted(rule.files)),
        "addresses": "\n".join(map(str, rule.addresses)),
        "groups": "\n".join(sorted(rule.groups)),
        "starts_at": to_iso(rule.starts_at) if rule.starts_at else None,
        "ends_at": to_iso(rule.ends_at) if rule.ends_at else None,
        "message": rule.message,
        "reason": rule.reason,
        "deletion": rule.deletion,
    }


def described(rule: Rule) -> dict[str, object]:
    """What a rule says, for the audit log and for programs; what it leaves open is left out."""
    said: dict[str, object] = {
        "action": rule.action.value,
        "match": rule.matching.value,
        "url": rule.url,
        "urlkey": rule.urlkey,
        "collection": rule.collection,
        "from": f"{rule.since:014d}" if rule.since else "",
        "to": f"{rule.until:014d}" if rule.until else "",
        "embargo_seconds": rule.embargo,
        "files": sorted(rule.files),
        "addresses": [str(item) for item in rule.addresses],
        "groups": sorted(rule.groups),
        "starts": to_iso(rule.starts_at, 0) if rule.starts_at else "",
        "ends": to_iso(rule.ends_at, 0) if rule.ends_at else "",
        "message": rule.message,
        "reason": rule.reason,
        "deletion": rule.deletion,
    }
    return {name: value for name, value in said.items() if value or name in ("action", "match", "urlkey")}
