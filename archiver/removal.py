"""Removal of a collection: what it has, what stands in the way, and how it goes.

A collection that holds something of this archive's own is not removed: its captures go first, by a deletion with its two steps
and its tombstones. What is left then is what people said of it, which goes, and what was done in it, which stays: tombstones,
reports of crawls, the audit log. The row of the collection stays for those under a name that nobody can give, so that its own
name never comes to mean other evidence.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select, update

from archiver.collections.registry import removed_name
from archiver.deletion import is_ours
from archiver.errors import Conflict, UsageError
from archiver.holdings import DEFAULT_COLLECTION, Holdings
from archiver.index.database import alone, lock_table, reading, writing
from archiver.index.files import REMOVED
from archiver.index.holdingstables import access_rules, file_parts, index_sources, tombstones, watched_folders
from archiver.index.tables import captures, collections, crawls, files, payloads, validators
from archiver.index.worktables import (
    crawl_notes,
    description_fields,
    descriptions,
    images,
    jobs,
    missing,
    notices,
    schedules,
    seed_groups,
    seeds,
)
from archiver.jobs import JobState
from archiver.model import Visibility
from archiver.search.store import TextStore
from archiver.testcrawls import DISCARDING, SAVING, UNSAVED, find_tests
from archiver.timestamps import to_iso

#: Things in the way of which each sort names.
_NAMED = 5
#: What people said of a collection, and what was remembered for its captures: all of it goes, in this order.
_GOING = (
    seeds, seed_groups, descriptions, description_fields, watched_folders, index_sources, notices, missing, payloads,
    validators,
)  # fmt: skip


class Hindrance(StrEnum):
    """Why a collection cannot be removed now."""

    ALWAYS = "always"
    SETTING = "setting"
    CAPTURES = "captures"
    CRAWL = "crawl"
    TEST = "test"
    JOB = "job"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that stands in the way.

    Attributes:
        kind: what it is.
        number: of the crawl, test crawl or job; None for other kinds.
        message: what it is, for people.
        advice: what to do about it.
    """

    kind: Hindrance
    number: int | None
    message: str
    advice: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What a collection has, in numbers.

    Attributes:
        captures: in WARC files of this archive; while there are any, it is not removed.
        captures_elsewhere: in files that are read where they are: those stay there, and are not found by it any more.
        seeds, groups, schedules, statements: what was said of it; goes.
        access_rules: but for those that are deletions; go.
        notices, watched_folders, attached_indexes: go.
        waiting_jobs: are cancelled.
        crawls: reports of them stay.
        tombstones: of what was purged; stay.
    """

    captures: int
    captures_elsewhere: int
    seeds: int
    groups: int
    schedules: int
    statements: int
    access_rules: int
    notices: int
    watched_folders: int
    attached_indexes: int
    waiting_jobs: int
    crawls: int
    tombstones: int


@dataclass(frozen=True, slots=True)
class Look:
    """What a removal would find: what the collection has, and what stands in the way."""

    contents: Contents
    obstacles: tuple[Obstacle, ...]


def look_at(holdings: Holdings, slug: str) -> Look:
    """What a collection has, and what stands in the way of its removal. Nothing is done.

    Raises:
        UnknownCollection: there is none of that name.
    """
    number = holdings.collections.get(slug).number
    with reading(holdings.engine) as connection:
        contents = _contents(connection, number)
        found = [*_fixed(holdings, slug), *_of_work(holdings, connection, slug, number, contents)]
    if any(holdings.store.unfinished()):
        found.append(
            Obstacle(Hindrance.BUSY, None, "Something is being captured now.", "Remove the collection when that has ended.")
        )
    return Look(contents, tuple(found))


def remove(holdings: Holdings, slug: str, *, typed: str, reason: str, actor: str = "") -> Contents:
    """Remove a collection: at once and whole, or not at all. There is no way back.

    Args:
        holdings: the opened archive.
        slug: of the collection.
        typed: its name once more, as somebody typed it who means it.
        reason: why; the audit log keeps it.
        actor: who does it; "" for who runs this process.

    Returns:
        What it had.

    Raises:
        UnknownCollection: there is none of that name.
        UsageError: another name was typed, or there is no reason.
        Conflict: something stands in the way.
        StorageFailed: the database did not take it.
    """
    holdings.collections.get(slug)
    if typed.strip() != slug:
        raise UsageError("What was typed is not the name of this collection.", f"Type {slug}: there is no way back.")
    if not reason.strip():
        raise UsageError("The removal of a collection needs a reason.", "Say why: the audit log keeps it.")
    with _undisturbed(holdings):
        found = look_at(holdings, slug)
        if found.obstacles:
            raise Conflict(found.obstacles[0].message, found.obstacles[0].advice)
        with writing(holdings.engine) as connection:
            lock_table(connection, jobs)
            number = connection.execute(select(collections.c.id).where(collections.c.slug == slug)).scalar_one()
            contents = _contents(connection, number)
            late = list(_of_work(holdings, connection, slug, number, contents))
            if late:  # somebody was quicker
                raise Conflict(late[0].message, late[0].advice)
            _take_away(connection, holdings, number, slug)
            detail = {"reason": reason.strip(), **{name: count for name, count in asdict(contents).items() if count}}
            holdings.audit.note_within(connection, actor, "collection.remove", f"collection {slug}", detail)
    return contents


@contextmanager
def _undisturbed(holdings: Holdings) -> Iterator[None]:
    """While nothing is purged and the index is not rebuilt.

    Raises:
        Conflict: it is.
    """
    home = holdings.settings.archive
    with alone(home, "purge", wait=False) as mine, alone(home, "rebuild", wait=False) as still:
        if not mine:
            raise Conflict("Something is being purged now.", "Wait until it is done.")
        if not still:
            raise Conflict("The index is being rebuilt now.", "Wait until it is done.")
        yield


# -- what there is ---------------------------------------------------------------------------------------------------


def _contents(connection: Connection, number: int) -> Contents:
    per_file = (
        select(files.c.name, func.count())
        .join(captures, captures.c.file_id == files.c.id)
        .where(captures.c.collection_id == number)
        .group_by(files.c.name)
    )
    here = elsewhere = 0
    for name, held in connection.execute(per_file):
        here, elsewhere = (here + held, elsewhere) if is_ours(name) else (here, elsewhere + held)

    def count(table: Table, *terms: ColumnElement[bool]) -> int:
        counted = select(func.count()).select_from(table).where(table.c.collection_id == number, *terms)
        return int(connection.execute(counted).scalar_one())

    return Contents(
        captures=here,
        captures_elsewhere=elsewhere,
        seeds=count(seeds),
        groups=count(seed_groups),
        schedules=count(schedules),
        statements=count(descriptions),
        access_rules=count(access_rules, access_rules.c.deletion == ""),
        notices=count(notices),
        watched_folders=count(watched_folders),
        attached_indexes=count(index_sources),
        waiting_jobs=count(jobs, jobs.c.state == JobState.WAITING),
        crawls=count(crawls, crawls.c.kind == "crawl"),
        tombstones=count(tombstones),
    )


def _fixed(holdings: Holdings, slug: str) -> Iterator[Obstacle]:
    if holdings.collections.get(slug).test_of is not None:
        yield Obstacle(Hindrance.ALWAYS, None, f"In “{slug}” a test crawl is kept apart.", "Discard the test crawl instead.")
    if slug == DEFAULT_COLLECTION:
        yield Obstacle(
            Hindrance.ALWAYS, None, f"The collection “{slug}” is always there.", "Make it private, if nobody is to see it."
        )
    elif slug == holdings.settings.collection:
        yield Obstacle(
            Hindrance.SETTING, None, f"Captures go into “{slug}” when nobody names a collection.",
            "Change the setting “collection” first.",
        )  # fmt: skip


def _of_work(holdings: Holdings, connection: Connection, slug: str, number: int, contents: Contents) -> Iterator[Obstacle]:
    """What is held, and what is under way."""
    held = f"{contents.captures:,} capture{'' if contents.captures == 1 else 's'}"
    if contents.captures:
        yield Obstacle(
            Hindrance.CAPTURES, None, f"The collection “{slug}” holds {held} in files of this archive.",
            "Evidence does not vanish with its collection: delete all of it first, then purge that, which leaves tombstones.",
        )  # fmt: skip
    busy = select(crawls.c.id, crawls.c.state).where(
        crawls.c.collection_id == number, crawls.c.state.in_(("running", "paused"))
    )
    for crawl, state in connection.execute(busy.order_by(crawls.c.id).limit(_NAMED)):
        yield Obstacle(Hindrance.CRAWL, crawl, f"Crawl {crawl} is {state}.", "Stop it first.")
    for test in find_tests(holdings, slug, states=(UNSAVED, SAVING, DISCARDING))[:_NAMED]:
        yield Obstacle(Hindrance.TEST, test.crawl, f"Test crawl {test.crawl} is {test.state}.", "Save or discard it first.")
    at_work = select(jobs.c.id, jobs.c.kind).where(jobs.c.collection_id == number, jobs.c.state == JobState.RUNNING)
    for job, kind in connection.execute(at_work.order_by(jobs.c.id).limit(_NAMED)):
        yield Obstacle(Hindrance.JOB, job, f"Job {job} ({kind}) runs.", "Wait for it, or cancel it.")


# -- how it goes -----------------------------------------------------------------------------------------------------


def _take_away(connection: Connection, holdings: Holdings, number: int, slug: str) -> None:
    now = to_iso(holdings.collections.now())
    waiting = update(jobs).where(jobs.c.collection_id == number, jobs.c.state == JobState.WAITING)
    connection.execute(
        waiting.values(state=JobState.CANCELLED, finished_at=now, message=f"The collection “{slug}” was removed.")
    )
    # What stopped somewhere is not to go on.
    unfinished = update(crawls).where(crawls.c.collection_id == number, crawls.c.state != "finished")
    connection.execute(unfinished.values(state="finished", wanted="", ended="its collection was removed", finished_at=now))
    mine = select(schedules.c.id).where(schedules.c.collection_id == number)
    connection.execute(update(crawl_notes).where(crawl_notes.c.schedule_id.in_(mine)).values(schedule_id=None))
    for table in (schedules, *_GOING):
        connection.execute(delete(table).where(table.c.collection_id == number))
    connection.execute(delete(images).where(images.c.owner == "collection", images.c.owner_id == number))
    connection.execute(delete(access_rules).where(access_rules.c.collection_id == number, access_rules.c.deletion == ""))
    _let_go(connection, holdings, number)
    connection.execute(
        update(collections)
        .where(collections.c.id == number)
        .values(slug=removed_name(slug), visibility=Visibility.PRIVATE.value, is_active=0, options="", budget_bytes=None)
    )


def _let_go(connection: Connection, holdings: Holdings, number: int) -> None:
    """Forget captures in files that are read where they are, and its part of files that others have a part of too.

    Files of our own that are of this collection alone stay its part: there is nothing in them but tombstones.
    """
    TextStore(holdings.engine).forget_all_within(connection, number)
    connection.execute(delete(captures).where(captures.c.collection_id == number))
    part = file_parts.c
    others = select(part.file_id).where(part.collection_id != number)
    named = select(files.c.id, files.c.name, files.c.id.in_(others)).join(file_parts, part.file_id == files.c.id)
    for file, name, is_shared in connection.execute(named.where(part.collection_id == number)).all():
        if is_ours(name) and not is_shared:
            continue
        connection.execute(delete(file_parts).where(part.file_id == file, part.collection_id == number))
        used = select(captures.c.file_id).where(captures.c.file_id == file).limit(1)
        if not is_shared and connection.execute(used).first() is None:
            connection.execute(update(files).where(files.c.id == file).values(state=REMOVED))
