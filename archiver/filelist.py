"""A list of the files of an archive, or of one collection: what is known of each, and what came of the last look at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Engine, func, or_, select

from archiver.index.database import reading
from archiver.index.files import HELD, MISSING, PURGED, REMOVED
from archiver.index.holdingstables import file_parts, verifications
from archiver.index.tables import collections, files
from archiver.store.inside import INSIDE

#: What the last look at a file came to, of those that can be asked for.
GOOD, ERRORS, NEVER = "good", "errors", "never"
LOOKS = (GOOD, ERRORS, NEVER)
STATES = (HELD, PURGED, MISSING, REMOVED)
#: Where a file is: in this archive's place, or where somebody else keeps it.
HERE, ELSEWHERE = "here", "elsewhere"

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file.

    Attributes:
        number: grows with each new one.
        name: in the store, or where it is read.
        state: one of `STATES`.
        size: bytes; None until it was measured.
        sha256: hexadecimal; "" until it was measured.
        stored_at: when it came in, ISO, UTC; "" until it was measured.
        captures: that point into it, of the collection or of all.
        verified_at: when it was last verified, ISO, UTC; "" for never.
        errors, warnings: that were found then.
    """

    number: int
    name: str
    state: str
    size: int | None
    sha256: str
    stored_at: str
    captures: int
    verified_at: str
    errors: int
    warnings: int


@dataclass(frozen=True, slots=True)
class Listing:
    """Which files are wanted.

    Attributes:
        collection: slug; "" for all files, each of which is there once.
        text: in their names.
        state: one of `STATES`; "" for what is there, also where records were taken out of it.
        look: one of `LOOKS`; "" for all.
        place: `HERE` or `ELSEWHERE`; "" for both.
        before: only those with a lesser number; 0 for all.
    """

    collection: str = ""
    text: str = ""
    state: str = ""
    look: str = ""
    place: str = ""
    before: int = 0


def is_elsewhere() -> ColumnElement[bool]:
    """That a file is read where somebody else keeps it: what `deletion.is_ours` is not, asked of the database."""
    return or_(files.c.name.startswith("/"), files.c.name.contains("://"), files.c.name.contains(INSIDE))


def list_files(engine: Engine, wanted: Listing, limit: int) -> list[ListedFile]:
    """Files, the newest first.

    Raises:
        StorageFailed: the database cannot be read.
    """
    statement = _statement(wanted).order_by(files.c.id.desc()).limit(limit)
    with reading(engine) as connection:
        return [ListedFile(*row) for row in connection.execute(statement)]


def all_files(engine: Engine, wanted: Listing) -> Iterator[ListedFile]:
    """All of them, read a thousand at a time.

    Raises:
        StorageFailed: the database cannot be read.
    """
    while found := list_files(engine, wanted, _AT_ONCE):
        yield from found
        wanted = replace(wanted, before=found[-1].number)


def _statement(wanted: Listing) -> Any:
    looks, parts = verifications.c, file_parts.c
    source: Any = files.outerjoin(verifications, looks.file_id == files.c.id)
    captures: Any = parts.captures
    if wanted.collection:
        source = source.join(file_parts, parts.file_id == files.c.id).join(collections, collections.c.id == parts.collection_id)
    else:
        captures = select(func.coalesce(func.sum(parts.captures), 0)).where(parts.file_id == files.c.id).scalar_subquery()
    statement = select(
        files.c.id, files.c.name, files.c.state, files.c.size, func.coalesce(files.c.sha256, ""),
        func.coalesce(files.c.stored_at, ""), captures, func.coalesce(looks.verified_at, ""),
        func.coalesce(looks.errors, 0), func.coalesce(looks.warnings, 0),
    ).select_from(source)  # fmt: skip
    statement = statement.where(files.c.state.in_((wanted.state,) if wanted.state else (HELD, PURGED)))
    if wanted.collection:
        statement = statement.where(collections.c.slug == wanted.collection)
    if wanted.text:
        statement = statement.where(files.c.name.contains(wanted.text, autoescape=True))
    if wanted.place:
        statement = statement.where(is_elsewhere() if wanted.place == ELSEWHERE else ~is_elsewhere())
    if wanted.before:
        statement = statement.where(files.c.id < wanted.before)
    about = {GOOD: looks.errors == 0, ERRORS: looks.errors > 0, NEVER: looks.file_id.is_(None)}
    return statement.where(about[wanted.look]) if wanted.look else statement
