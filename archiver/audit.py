"""The audit log: what was done to the holdings, when, by whom and why.

Entries are only ever added: the database refuses to change or remove them (see `archiver.index.triggers`), and each has the
hash of the one before it, so that a change made behind the database's back shows. Who takes off the newest entries, or writes
the whole log anew, is found out only by who kept its last hash elsewhere.
"""

from __future__ import annotations

import getpass
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, func, insert, or_, select

from archiver.index.database import lock_table, reading, writing
from archiver.index.holdingstables import audit_log
from archiver.plaintext import one_line, plain
from archiver.timestamps import to_iso

#: What the first entry has for the hash of the one before.
BEGINNING = "0" * 64
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry.

    Attributes:
        number: counted from 1 on without a gap.
        at: ISO, UTC.
        actor: who did it.
        action: such as "access.add".
        subject: what it was done to, such as a collection or a rule.
        detail: JSON or plain text.
        previous: hash of the entry before.
        hash: of all of this.
    """

    number: int
    at: str
    actor: str
    action: str
    subject: str
    detail: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """Whether the log is as it was written.

    Attributes:
        entries: that were looked at.
        last: hash of the newest one.
        problems: one sentence each; empty when all is well.
    """

    entries: int
    last: str
    problems: tuple[str, ...]


def this_actor() -> str:
    """Who runs this process, for entries of whom nobody was named."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def terminal_actor() -> str:
    """Who types a command, told apart from an account of the same name."""
    return f"{this_actor()} (terminal)"


class AuditWatch:
    """Tells whether something was done that somebody keeps the outcome of; to look behind the last entry costs nothing.

    Args:
        actions: beginnings of the actions that count, such as "access.".
    """

    def __init__(self, *actions: str) -> None:
        self._ours = or_(*(audit_log.c.action.startswith(action, autoescape=True) for action in actions))
        self._seen = -1

    def has_news(self, connection: Connection) -> bool:
        """Something of that was done since what was `seen`."""
        newer = audit_log.c.id > self._seen
        newest = connection.execute(select(func.max(audit_log.c.id)).where(newer)).scalar()
        if newest is None:
            return False
        if connection.execute(select(audit_log.c.id).where(newer, self._ours).limit(1)).first() is not None:
            return True
        self._seen = newest
        return False

    @staticmethod
    def newest(connection: Connection) -> int:
        """The last entry; to be asked for before the outcome is read, so that a change in between is never missed."""
        return int(connection.execute(select(func.coalesce(func.max(audit_log.c.id), 0))).scalar_one())

    def seen(self, number: int) -> None:
        """All that was done up to that entry is in what was read."""
        self._seen = number


class AuditLog:
    """The audit log of an archive.

    Args:
        engine: the archive's database.
        clock: the time, UTC.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def note(self, actor: str, action: str, subject: str, detail: object = "") -> int:
        """Add an entry of its own; its number.

        Raises:
            StorageFailed: the database did not take it.
        """
        with writing(self._engine) as connection:
            return self.note_within(connection, actor, action, subject, detail)

    def note_within(self, connection: Connection, actor: str, action: str, subject: str, detail: object = "") -> int:
        """Add an entry in the transaction of what it tells of; its number.

        Args:
            connection: of that transaction.
            actor: who did it; "" for who runs this process.
            action: such as "access.add".
            subject: what it was done to.
            detail: text, or what JSON can say.
        """
        lock_table(connection, audit_log)
        before = connection.execute(select(audit_log.c.id, audit_log.c.hash).order_by(audit_log.c.id.desc()).limit(1)).first()
        number, previous = (before[0] + 1, before[1]) if before else (1, BEGINNING)
        values = {
            "id": number,
            "at": to_iso(self._clock()),
            "actor": one_line(actor).replace("\0", "") or this_actor(),
            "action": action,
            "subject": one_line(subject).replace("\0", ""),
            "detail": plain(detail) if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False, sort_keys=True),
            "previous": previous,
        }
        connection.execute(insert(audit_log).values(**values, hash=_hash(*values.values())))
        return number

    def entries(self, *, after: int = 0, newest_first: bool = False) -> Iterator[AuditEntry]:
        """The entries, oldest first from the one after `after` on, or newest first."""
        number = audit_log.c.id
        place = after
        while True:
            statement = select(audit_log).order_by(number.desc() if newest_first else number).limit(_AT_ONCE)
            if not newest_first:
                statement = statement.where(number > place)
            elif place:
                statement = statement.where(number < place)
            with reading(self._engine) as connection:
                found = [AuditEntry(*row) for row in connection.execute(statement)]
            yield from found
            if len(found) < _AT_ONCE:
                return
            place = found[-1].number

    def verify(self, expected: str = "") -> AuditVerdict:
        """Look whether all entries are there and as they were written.

        Args:
            expected: the hash that somebody noted of what was then the last entry; "" for none.
        """
        problems: list[str] = []
        previous, number = BEGINNING, 0
        is_met = not expected
        for entry in self.entries():
            if entry.number != number + 1:
                problems.append(f"Entries {number + 1} to {entry.number - 1} are missing.")
            elif entry.previous != previous:
                problems.append(f"Entry {entry.number} does not follow on the one before it.")
            if _hash(*(getattr(entry, name) for name in _HASHED)) != entry.hash:
                problems.append(f"Entry {entry.number} was changed after it was written.")
            is_met = is_met or entry.hash == expected
            previous, number = entry.hash, entry.number
        if not is_met:
            problems.append("No entry has the hash that was noted: newer entries were taken off, or the log was written anew.")
        return AuditVerdict(number, previous if number else "", tuple(problems))


_HASHED = ("number", "at", "actor", "action", "subject", "detail", "previous")


def _hash(*values: object) -> str:
    return hashlib.sha256(json.dumps(values, ensure_ascii=True).encode("ascii")).hexdigest()
