"""The settings that are changed while the archive runs: kept in the database, read again by every process within a second."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from time import monotonic
from typing import Protocol

from sqlalchemy import Engine, delete, select

from archiver.audit import AuditLog, AuditWatch
from archiver.errors import Conflict, NotFound, StorageFailed, UsageError
from archiver.index.database import insert_or_replace, reading, writing
from archiver.index.tables import collections
from archiver.index.worktables import kept_settings
from archiver.settings import (
    DATABASE,
    ENVIRONMENT_PREFIX,
    FIXED_BY,
    NAMES,
    SECRETS,
    Change,
    Settings,
    change_of,
    source_of,
    typed,
)
from archiver.timestamps import to_iso

logger = logging.getLogger(__name__)

#: Names of rows begin so: the table keeps other things, too.
_PREFIX = "setting:"
#: Seconds for which nobody asks whether another process changed something.
_STALE_AFTER = 1.0
#: What the audit log says in the place of a secret.
UNSAID = "(not said)"


class SettingsSource(Protocol):
    """Knows the settings as they are now."""

    @property
    def given(self) -> Settings:
        """Those of file, environment and command line alone."""

    def current(self) -> Settings:
        """Those in force."""


@dataclass(frozen=True, slots=True)
class GivenSettings:
    """Settings that nobody changes, such as those of a crawl that goes by its plan."""

    given: Settings

    def current(self) -> Settings:
        """Those in force."""
        return self.given


@dataclass(frozen=True, slots=True)
class KeptValue:
    """A value that is kept in the database; who put it there, and when (ISO, UTC)."""

    value: object
    changed_by: str
    changed_at: str


class KeptSettings:
    """The settings of a process with what the database keeps; safe to use from several threads.

    Args:
        engine: the archive's database.
        given: of file, environment and command line. The last two win over what is kept.
        clock: the time, UTC.
        audit: where changes are noted, in the same transaction.
        ticks: seconds that only ever grow.

    Raises:
        StorageFailed: the database cannot be read.
    """

    def __init__(
        self,
        engine: Engine,
        given: Settings,
        clock: Callable[[], datetime],
        audit: AuditLog,
        *,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self._engine = engine
        self._given = given
        self._clock = clock
        self._audit = audit
        self._ticks = ticks
        self._lock = Lock()
        self._watch = AuditWatch("setting.")
        self._current = self._read()
        self._looked_at = ticks()
        self.at_start = self._current

    @property
    def given(self) -> Settings:
        """Those of file, environment and command line alone."""
        return self._given

    def current(self) -> Settings:
        """Those in force. The database is asked once a second at most; when it does not answer, they stay as they were."""
        if self._ticks() - self._looked_at < _STALE_AFTER:
            return self._current
        with self._lock:
            looked_at = self._ticks()
            if looked_at - self._looked_at >= _STALE_AFTER:
                try:
                    if self._is_changed():
                        self._current = self._read()
                except StorageFailed as error:
                    logger.warning("Settings could not be read again: %s", error)
                self._looked_at = looked_at
            return self._current

    def _is_changed(self) -> bool:
        with reading(self._engine) as connection:
            return self._watch.has_news(connection)

    def _read(self) -> Settings:
        with reading(self._engine) as connection:
            newest = self._watch.newest(connection)
        found = {name: kept.value for name, kept in self.kept().items() if not self.is_fixed(name)}
        self._watch.seen(newest)
        sources = {**self._given.sources, **dict.fromkeys(found, DATABASE)}
        return replace(self._given, **found, sources=sources)  # type: ignore[arg-type]

    def is_fixed(self, name: str) -> bool:
        """What the database keeps of a setting does not count in this process: it is said where that was started."""
        return change_of(name) is Change.START or source_of(self._given, name) in FIXED_BY

    def kept(self) -> dict[str, KeptValue]:
        """What the database keeps, by name; what a newer version wrote and this one cannot use is passed over."""
        columns = kept_settings.c
        statement = select(columns.name, columns.value, columns.changed_by, columns.changed_at)
        with reading(self._engine) as connection:
            rows = connection.execute(statement.where(columns.name.startswith(_PREFIX, autoescape=True))).all()
        found = {}
        for row in rows:
            name = row.name.removeprefix(_PREFIX)
            if name in NAMES:
                try:
                    found[name] = KeptValue(typed(name, json.loads(row.value), DATABASE), row.changed_by, row.changed_at)
                except (ValueError, UsageError) as error:
                    logger.warning("The setting %s is passed over: %s", name, error)
        return found

    def change(self, changes: Mapping[str, object], *, actor: str) -> list[str]:
        """Keep other values, all or none; the names of those that are different now.

        Args:
            changes: name to value, which may be its text; None to keep none, so that the file's or the default counts again.
            actor: who does it.

        Raises:
            UnknownSetting: there is no setting of that name.
            UsageError: a setting cannot have that value.
            Conflict: it is said where the server is started, and cannot be changed here.
            NotFound: the usual collection would be one that does not exist.
            StorageFailed: the database did not take it.
        """
        wanted = {name: None if value is None else typed(name, value, DATABASE) for name, value in changes.items()}
        for name in wanted:
            self._refuse_fixed(name)
        self._refuse_collection(wanted.get("collection"))
        before = self.kept()
        changed = []
        with writing(self._engine) as connection:
            for name, value in wanted.items():
                old = before[name].value if name in before else None
                if old == value:
                    continue
                changed.append(name)
                if value is None:
                    connection.execute(delete(kept_settings).where(kept_settings.c.name == _PREFIX + name))
                else:
                    row = {
                        "name": _PREFIX + name, "value": json.dumps(value, ensure_ascii=False),
                        "changed_at": to_iso(self._clock()), "changed_by": actor,
                    }  # fmt: skip
                    connection.execute(insert_or_replace(self._engine, kept_settings), [row])
                shown = self._said(name, getattr(self._given, name) if old is None else old)
                now = self._said(name, getattr(self._given, name) if value is None else value)
                detail = {"before": shown, "after": now, **({"kept": False} if value is None else {})}
                self._audit.note_within(connection, actor, "setting.change", name, detail)
        with self._lock:
            self._looked_at = float("-inf")
        return changed

    @staticmethod
    def _said(name: str, value: object) -> object:
        return UNSAID if name in SECRETS and value else value

    def _refuse_fixed(self, name: str) -> None:
        if change_of(name) is Change.START:
            raise Conflict(
                f"The setting “{name}” is read before the database is.",
                f"Set it where the server is started: in its file, as {variable_of(name)}, or as an option.",
            )
        if self.is_fixed(name):
            raise Conflict(
                f"The setting “{name}” is fixed {fixed_by(self._given, name)}.",
                "Take it away there, and start the server again.",
            )

    def _refuse_collection(self, slug: object) -> None:
        if slug is None:
            return
        with reading(self._engine) as connection:
            if connection.execute(select(collections.c.id).where(collections.c.slug == slug)).first() is None:
                raise NotFound(f"There is no collection “{str(slug)[:80]}”.", "Choose one that there is.")


def variable_of(name: str) -> str:
    """The environment variable that names a setting."""
    return f"{ENVIRONMENT_PREFIX}{name.upper()}"


def fixed_by(settings: Settings, name: str) -> str:
    """By what a setting is fixed, for people."""
    source = source_of(settings, name)
    return {
        "environment": f"by the environment variable {variable_of(name)}",
        "command line": "by an option on the command line",
        "plan": "by the plan of a crawl",
    }.get(source, f"by {source}")
