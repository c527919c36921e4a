"""Descriptions as tables, out and in: a row for each collection, seed or document, a column for each field.

A field that is said many times has many columns of its name; what is private stands in columns called "… (private)". A table
with the columns "field" and "value" is read too: a row for each statement.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from archiver.collections.descriptions import LEVELS, DescriptionRegistry, Statement, checked, field_name, subject_of
from archiver.collections.seeds import SeedRegistry
from archiver.collections.spreadsheets import Table
from archiver.errors import MunimentError, UsageError
from archiver.plaintext import one_line

_PRIVATE = re.compile(r"\s*\(private\)\Z", re.IGNORECASE)
_URLS = ("url", "uri", "seed url", "document url", "subject url", "seed")
_YES = ("yes", "true", "1", "private")


class SheetMode(StrEnum):
    """What becomes of what is said already: more is added to it, or it is replaced by what the table says of the same thing."""

    ADD = "add"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row of a table that is not taken: which, counted as spreadsheets do, and why."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class DescriptionChange:
    """What a table changes in what is said of one thing."""

    level: str
    subject: str
    before: tuple[Statement, ...]
    after: tuple[Statement, ...]

    @property
    def added(self) -> list[Statement]:
        """What is new."""
        return [said for said in self.after if said not in self.before]

    @property
    def removed(self) -> list[Statement]:
        """What is not said any more."""
        return [said for said in self.before if said not in self.after]


@dataclass(frozen=True, slots=True)
class SheetChanges:
    """What a table would do.

    Attributes:
        changes: things of which something else would be said than now.
        same: things of which the table says what is said already.
        refused: rows that are not taken.
    """

    changes: tuple[DescriptionChange, ...]
    same: int
    refused: tuple[RefusedRow, ...]


# -- out -------------------------------------------------------------------------------------------------------------


def table_of(said: Iterable[tuple[str, str, Statement]], urls: Sequence[str] = ()) -> Table:
    """A table of everything that is said.

    Args:
        said: level, subject, statement.
        urls: seeds that have a row even where nothing is said of them, so that somebody may write into it.
    """
    things: dict[tuple[str, str], list[Statement]] = {("collection", ""): []}
    things |= {("seed", url): [] for url in urls}
    for level, subject, statement in said:
        things.setdefault((level, subject), []).append(statement)
    widths: dict[tuple[str, bool], int] = {}
    for statements in things.values():
        for key, count in Counter((said.field, said.is_private) for said in statements).items():
            widths[key] = max(widths.get(key, 0), count)
    columns = [key for key, width in widths.items() for _ in range(width)] or [("title", False)]
    table = [["level", "url", *(f"{field} (private)" if is_private else field for field, is_private in columns)]]
    for (level, subject), statements in sorted(things.items(), key=lambda item: (LEVELS.index(item[0][0]), item[0][1])):
        values: dict[tuple[str, bool], list[str]] = {}
        for statement in statements:
            values.setdefault((statement.field, statement.is_private), []).append(statement.value)
        table.append([level, subject, *(_next(values.get(key)) for key in columns)])
    return table


def _next(values: list[str] | None) -> str:
    return values.pop(0) if values else ""


# -- in --------------------------------------------------------------------------------------------------------------


def changes_of(
    descriptions: DescriptionRegistry, seeds: SeedRegistry, slug: str, table: Table, mode: SheetMode, *, level: str = "seed"
) -> SheetChanges:
    """What a table would change in a collection; nothing is changed.

    Args:
        descriptions: of the archive.
        seeds: of the archive: what is said of seeds is refused where there is no such seed.
        slug: of the collection.
        table: its first row names the columns.
        mode: what becomes of what is said already. Replaced is only what is said of things that have a row.
        level: of rows that name none.

    Raises:
        UsageError: the first row does not name the columns, or one of them cannot be.
    """
    things: dict[tuple[str, str], list[Statement]] = {}
    refused: list[RefusedRow] = []
    read = _Reader(table[0])
    known = {seed.url for seed in seeds.list(slug)}
    for number, row in enumerate(table[1:], 2):
        try:
            about, subject, statements = read(row, level)
            if about == "seed" and subject not in known:
                raise UsageError(f"{subject} is no seed of this collection.", "Add the seed first, or say “document”.")
            things.setdefault((about, subject), []).extend(checked(statements))
        except MunimentError as error:
            refused.append(RefusedRow(number, str(error)))
    changes, same = [], 0
    for (about, subject), statements in things.items():
        now = descriptions.of(slug, about, subject)
        after = checked([*now, *statements] if mode is SheetMode.ADD else statements)
        if _alike(now, after):
            same += 1
        else:
            changes.append(DescriptionChange(about, subject, tuple(now), tuple(after)))
    return SheetChanges(tuple(changes), same, tuple(refused))


def _alike(one: Sequence[Statement], other: Sequence[Statement]) -> bool:
    """The same values of each field in the same order; a table does not say which field comes first."""
    return _by_field(one) == _by_field(other)


def _by_field(statements: Sequence[Statement]) -> dict[tuple[str, bool], list[str]]:
    found: dict[tuple[str, bool], list[str]] = {}
    for said in statements:
        found.setdefault((said.field, said.is_private), []).append(said.value)
    return found


def make(descriptions: DescriptionRegistry, slug: str, changes: SheetChanges, *, actor: str | None = None) -> int:
    """Do what was found; how many things something else is said of now.

    Raises:
        UnknownCollection: there is no such collection.
    """
    return descriptions.replace_many(
        slug, [(change.level, change.subject, change.after) for change in changes.changes], actor=actor
    )


class _Reader:
    """Reads rows, as their first one names the columns."""

    def __init__(self, header: Sequence[str]) -> None:
        names = [one_line(name) for name in header]
        lower = [name.lower() for name in names]
        self._level = lower.index("level") if "level" in lower else None
        self._url = next((lower.index(name) for name in _URLS if name in lower), None)
        if self._url is None:
            raise UsageError("The first row of that table does not name a column “url”.", "Export one to see how it looks.")
        self._long = (lower.index("field"), lower.index("value")) if {"field", "value"} <= set(lower) else None
        self._private = lower.index("private") if "private" in lower else None
        taken = {self._level, self._url}
        self._columns = [
            (place, field_name(_PRIVATE.sub("", name)), bool(_PRIVATE.search(name)))
            for place, name in enumerate(names)
            if name and place not in taken and self._long is None
        ]

    def __call__(self, row: Sequence[str], usual_level: str) -> tuple[str, str, list[Statement]]:
        def cell(place: int | None) -> str:
            return row[place] if place is not None and place < len(row) else ""

        level = cell(self._level).lower() or usual_level
        subject = subject_of(level, cell(self._url))
        if self._long is None:
            statements = [Statement(name, cell(place), is_private) for place, name, is_private in self._columns]
        else:
            field, value = self._long
            statements = [Statement(cell(field), cell(value), cell(self._private).lower() in _YES)]
        return level, subject, statements
