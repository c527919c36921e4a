"""Test crawls: kept apart in a collection that nobody sees, until they are saved into theirs or discarded.

Each has a private collection of its own, named like `news.test7`: no address of the reader and no command can make one of that
name, and nothing that is captured later refers to what is in it, so that it can go without leaving a gap. What the collection
holds already is repeated by reference all the same, so that a test says how much a crawl would add.

Saving moves rows, never WARC files, a batch in a transaction: who is killed in between goes on. Discarding takes the rows away
first and the files then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, select, update

from archiver.collections.reports import living_workers
from archiver.crawl.control import CrawlControl
from archiver.crawl.plan import CrawlPlan
from archiver.errors import Conflict, NotFound
from archiver.holdings import Holdings
from archiver.index.crawltables import crawl_files
from archiver.index.database import alone, lock_table, reading, writing
from archiver.index.files import REMOVED
from archiver.index.holdingstables import file_parts
from archiver.index.payloads import move_memory
from archiver.index.tables import captures, collections, crawls, files, outcomes, pages, payloads, validators
from archiver.index.worktables import crawl_notes, jobs
from archiver.jobs import JobRegistry
from archiver.model import Visibility
from archiver.search.store import TextStore
from archiver.timestamps import to_iso

#: States of a test crawl.
UNSAVED, SAVING, SAVED, DISCARDING, DISCARDED = "unsaved", "saving", "saved", "discarding", "discarded"

#: Rows that are moved or taken away in a transaction.
_ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class TestCrawl:
    """A test crawl.

    Attributes:
        crawl: its number.
        collection: slug of the collection that it is for.
        apart: slug of the one where it is kept.
        state: "unsaved", "saving", "saved", "discarding" or "discarded".
        expires_at: when it is discarded by itself, ISO; "" for never.
        requested_by: who wanted it.
    """

    __test__ = False  # no test of pytest's

    crawl: int
    collection: str
    apart: str
    state: str
    expires_at: str
    requested_by: str


def begin_test(holdings: Holdings, collection: str, plan: CrawlPlan, *, by: str, days: int | None = None) -> tuple[int, int]:
    """Begin a test crawl; the numbers of the crawl and of its job.

    Args:
        holdings: the opened archive.
        collection: slug of the collection that it is for.
        plan: what to do.
        by: who wants it.
        days: after which it is discarded when nobody saves it; None for the setting `test_days`.

    Raises:
        UnknownCollection: no collection of that name.
    """
    parent = holdings.collections.get(collection)
    clock = holdings.collections.now
    now = clock()
    lasts = timedelta(days=holdings.settings.test_days if days is None else days)
    with writing(holdings.engine) as connection:
        lock_table(connection, collections)
        apart = _make_apart(connection, parent.number, parent.slug, to_iso(now))
        crawl = CrawlControl(holdings.engine, clock).create_within(connection, apart, plan)
        connection.execute(
            insert(crawl_notes).values(
                crawl_id=crawl,
                kind="test",
                requested_by=by,
                test_state=UNSAVED,
                test_of=parent.number,
                expires_at=to_iso(now + lasts),
            )
        )
        job = JobRegistry(holdings.engine, clock).put_within(
            connection, "crawl", {"crawl": crawl, "processes": 1}, parent.slug, by
        )
    return crawl, job


def _make_apart(connection: Connection, parent: int, slug: str, now: str) -> str:
    """A collection of its own for a test crawl; its name."""
    number = (connection.execute(select(func.max(collections.c.id))).scalar() or 0) + 1
    while True:
        name = f"{slug}.test{number}"
        if connection.execute(select(collections.c.id).where(collections.c.slug == name)).first() is None:
            break
        number += 1
    owner = connection.execute(select(collections.c.organisation_id).where(collections.c.id == parent)).scalar()
    connection.execute(
        insert(collections).values(
            slug=name,
            title=f"Test crawl for {slug}",
            organisation_id=owner,
            visibility=Visibility.PRIVATE.value,
            created_at=now,
            is_active=0,
            test_of=parent,
        )
    )
    return name


# -- look ------------------------------------------------------------------------------------------------------------


def find_tests(holdings: Holdings, collection: str | None = None, *, states: tuple[str, ...] = ()) -> list[TestCrawl]:
    """Test crawls, newest first."""
    statement = _rows().order_by(crawl_notes.c.crawl_id.desc())
    if collection is not None:
        statement = statement.where(collections.c.slug == collection)
    if states:
        statement = statement.where(crawl_notes.c.test_state.in_(states))
    with reading(holdings.engine) as connection:
        return [_test(row) for row in connection.execute(statement)]


def get_test(holdings: Holdings, crawl: int) -> TestCrawl:
    """A test crawl by the number of its crawl.

    Raises:
        NotFound: that crawl is none.
    """
    with reading(holdings.engine) as connection:
        row = connection.execute(_rows().where(crawl_notes.c.crawl_id == crawl)).first()
    if row is None:
        raise NotFound(f"Crawl {crawl} is no test crawl.", "Look at the list of test crawls.")
    return _test(row)


def previous_crawl(holdings: Holdings, test: TestCrawl) -> int | None:
    """The last crawl of a collection before a test, to compare with; None when there is none."""
    tests = select(crawl_notes.c.crawl_id).where(crawl_notes.c.test_state.in_((UNSAVED, SAVING, DISCARDING, DISCARDED)))
    statement = (
        select(func.max(crawls.c.id))
        .join(collections, collections.c.id == crawls.c.collection_id)
        .where(
            collections.c.slug == test.collection, crawls.c.kind == "crawl", crawls.c.id < test.crawl, crawls.c.id.not_in(tests)
        )
    )
    with reading(holdings.engine) as connection:
        return connection.execute(statement).scalar()


def _rows() -> Any:
    apart = collections.alias("apart")
    return (
        select(
            crawl_notes.c.crawl_id,
            collections.c.slug,
            apart.c.slug.label("apart"),
            crawl_notes.c.test_state,
            crawl_notes.c.expires_at,
            crawl_notes.c.requested_by,
        )
        .join(collections, collections.c.id == crawl_notes.c.test_of)
        .join(crawls, crawls.c.id == crawl_notes.c.crawl_id)
        .join(apart, apart.c.id == crawls.c.collection_id)
        .where(crawl_notes.c.test_state != "")
    )


def _test(row: Any) -> TestCrawl:
    return TestCrawl(row.crawl_id, row.slug, row.apart, row.test_state, row.expires_at or "", row.requested_by)


# -- decide ----------------------------------------------------------------------------------------------------------


def ask_to_save(holdings: Holdings, crawl: int, *, by: str) -> int:
    """Have a worker save a test crawl; the number of the job.

    Raises:
        NotFound: it is no test crawl.
        Conflict: it runs, or is not unsaved any more.
    """
    return _ask(holdings, crawl, SAVING, by)


def ask_to_discard(holdings: Holdings, crawl: int, *, by: str) -> int:
    """Have a worker discard a test crawl, WARC files and all; the number of the job.

    Raises:
        NotFound: it is no test crawl.
        Conflict: it runs, or is not unsaved any more.
    """
    return _ask(holdings, crawl, DISCARDING, by)


def _ask(holdings: Holdings, crawl: int, wanted: str, by: str) -> int:
    test, clock = get_test(holdings, crawl), holdings.collections.now
    if living_workers(holdings.engine, crawl, clock().timestamp()):
        raise Conflict(f"Crawl {crawl} runs.", "Stop it first, or wait until it is done.")
    kind = {SAVING: "save-test", DISCARDING: "discard-test"}[wanted]
    with writing(holdings.engine) as connection:
        lock_table(connection, jobs)
        mine = and_(crawl_notes.c.crawl_id == crawl, crawl_notes.c.test_state.in_((UNSAVED, wanted)))
        if not connection.execute(update(crawl_notes).where(mine).values(test_state=wanted)).rowcount:
            raise Conflict(
                f"Test crawl {crawl} is {get_test(holdings, crawl).state}.", "Only an unsaved one can be decided on."
            )
        return JobRegistry(holdings.engine, clock).put_within(
            connection, kind, {"crawl": crawl}, test.collection, by, once=True
        )


def discard_expired(holdings: Holdings) -> list[int]:
    """Have test crawls discarded whose time is over and that do not run; their crawls."""
    now = holdings.collections.now()
    found = []
    for test in find_tests(holdings, states=(UNSAVED,)):
        if (
            test.expires_at
            and test.expires_at <= to_iso(now)
            and not living_workers(holdings.engine, test.crawl, now.timestamp())
        ):
            ask_to_discard(holdings, test.crawl, by="expiry")
            found.append(test.crawl)
    return found


def tell_expiring(holdings: Holdings) -> int:
    """Tell of test crawls that will be discarded within a day, once; how many."""
    from archiver.notices import NoticeRegistry

    soon = to_iso(holdings.collections.now() + timedelta(days=1))
    told = 0
    for test in find_tests(holdings, states=(UNSAVED,)):
        if not test.expires_at or test.expires_at > soon:
            continue
        mark = and_(crawl_notes.c.crawl_id == test.crawl, crawl_notes.c.kind == "test")
        with writing(holdings.engine) as connection:
            if not connection.execute(update(crawl_notes).where(mark).values(kind="test, told")).rowcount:
                continue
        text = f"Test crawl {test.crawl} of “{test.collection}” will be discarded, unless somebody saves it."
        NoticeRegistry(holdings).tell(
            "test.expiring", test.collection, text, {"crawl": test.crawl, "expires_at": test.expires_at}
        )
        told += 1
    return told


# -- done by workers -------------------------------------------------------------------------------------------------


def save(holdings: Holdings, crawl: int, progress: Callable[[int], None] = lambda moved: None) -> int:
    """Move a test crawl into its collection; captures that were moved. Cut short anywhere, it goes on when called again."""
    test = get_test(holdings, crawl)
    if test.state == SAVED:
        return 0
    if test.state != SAVING:
        raise Conflict(f"Test crawl {crawl} is {test.state}.", "Ask for it to be saved first.")
    with _undisturbed(holdings, crawl):
        return _save(holdings, test, progress)


def _save(holdings: Holdings, test: TestCrawl, progress: Callable[[int], None]) -> int:
    crawl = test.crawl
    old, new = holdings.collections.number(test.apart), holdings.collections.number(test.collection)
    moved = 0
    while count := _move_captures(holdings, old, new, crawl):
        moved += count
        progress(moved)
    while move_memory(holdings.engine, old, new, _ROWS_AT_ONCE):
        progress(moved)
    with writing(holdings.engine) as connection:
        known = select(file_parts.c.file_id).where(file_parts.c.collection_id == new)
        connection.execute(
            delete(file_parts).where(file_parts.c.collection_id == old, file_parts.c.file_id.in_(known.scalar_subquery()))
        )
        connection.execute(update(file_parts).where(file_parts.c.collection_id == old).values(collection_id=new))
        connection.execute(update(pages).where(pages.c.collection_id == old).values(collection_id=new))
        # Texts that were read before it was saved are those of the collection where nobody looks: they are read anew.
        TextStore(holdings.engine).forget_all_within(connection, old)
        written = select(crawl_files.c.name).where(crawl_files.c.crawl_id == crawl)
        connection.execute(update(files).where(files.c.name.in_(written)).values(texted_to=0))
        connection.execute(update(crawls).where(crawls.c.id == crawl).values(collection_id=new))
        connection.execute(update(crawl_notes).where(crawl_notes.c.crawl_id == crawl).values(test_state=SAVED, expires_at=None))
        holdings.audit.note_within(connection, "", "test.saved", f"crawl {crawl}", {"collection": test.collection})
    return moved


def _move_captures(holdings: Holdings, old: int, new: int, crawl: int) -> int:
    """Move a batch of captures, with what is known of the files they are in; how many."""
    columns = captures.c
    key = [columns[name] for name in ("urlkey", "timestamp", "file_id", "offset")]
    with writing(holdings.engine) as connection:
        wanted = select(*key).where(columns.collection_id == old).order_by(*key).limit(_ROWS_AT_ONCE)
        rows = connection.execute(wanted).all()
        by_file: dict[int, list[int]] = {}
        for row in rows:
            here = and_(columns.collection_id == old, *(column == value for column, value in zip(key, row, strict=True)))
            connection.execute(update(captures).where(here).values(collection_id=new))
            by_file.setdefault(row.file_id, []).append(row.timestamp)
        for file, moments in by_file.items():
            _move_part(connection, file, old, new, moments)
    return len(rows)


def _move_part(connection: Connection, file: int, old: int, new: int, moments: list[int]) -> None:
    """Count captures of a file for another collection."""
    part = file_parts.c
    before = connection.execute(select(file_parts).where(part.file_id == file, part.collection_id == old)).first()
    there = and_(part.file_id == file, part.collection_id == new)
    known = connection.execute(select(file_parts).where(there)).first()
    first = min(moments) if known is None else min(*moments, known.first_timestamp or min(moments))
    last = max(moments) if known is None else max(*moments, known.last_timestamp or 0)
    if known is None:
        connection.execute(
            insert(file_parts).values(
                file_id=file,
                collection_id=new,
                crawl_id=before.crawl_id if before else None,
                captures=len(moments),
                first_timestamp=first,
                last_timestamp=last,
            )
        )
    else:
        values = {"captures": part.captures + len(moments), "first_timestamp": first, "last_timestamp": last}
        connection.execute(update(file_parts).where(there).values(values))
    here = and_(part.file_id == file, part.collection_id == old)
    if before is not None and before.captures <= len(moments):
        connection.execute(delete(file_parts).where(here))
    elif before is not None:
        connection.execute(update(file_parts).where(here).values(captures=part.captures - len(moments)))


def discard(holdings: Holdings, crawl: int, progress: Callable[[int], None] = lambda gone: None) -> int:
    """Take a test crawl away, rows first, WARC files then; captures that went. Its report stays."""
    test = get_test(holdings, crawl)
    if test.state == DISCARDED:
        return 0
    if test.state != DISCARDING:
        raise Conflict(f"Test crawl {crawl} is {test.state}.", "Ask for it to be discarded first.")
    with _undisturbed(holdings, crawl):
        return _discard(holdings, test, progress)


def _discard(holdings: Holdings, test: TestCrawl, progress: Callable[[int], None]) -> int:
    crawl = test.crawl
    number = holdings.collections.number(test.apart)
    gone = 0
    while count := _forget_captures(holdings, number):
        gone += count
        progress(gone)
    with writing(holdings.engine) as connection:
        of_it = select(pages.c.id).where(pages.c.collection_id == number)
        connection.execute(delete(outcomes).where(outcomes.c.page_id.in_(of_it)))
        for table in (pages, payloads, validators):
            connection.execute(delete(table).where(table.c.collection_id == number))
        TextStore(holdings.engine).forget_all_within(connection, number)
    for file, name in _files_of(holdings, number, crawl):
        holdings.store.remove(name)
        with writing(holdings.engine) as connection:
            connection.execute(delete(file_parts).where(file_parts.c.file_id == file, file_parts.c.collection_id == number))
            connection.execute(delete(crawl_files).where(crawl_files.c.name == name))
            connection.execute(update(files).where(files.c.id == file).values(state=REMOVED))
    with writing(holdings.engine) as connection:
        mine = update(crawl_notes).where(crawl_notes.c.crawl_id == crawl)
        connection.execute(mine.values(test_state=DISCARDED, expires_at=None))
        holdings.audit.note_within(connection, "", "test.discarded", f"crawl {crawl}", {"captures": gone})
    return gone


def _forget_captures(holdings: Holdings, number: int) -> int:
    columns = captures.c
    key = [columns[name] for name in ("urlkey", "timestamp", "file_id", "offset")]
    with writing(holdings.engine) as connection:
        wanted = select(*key).where(columns.collection_id == number).order_by(*key).limit(_ROWS_AT_ONCE)
        rows = connection.execute(wanted).all()
        for row in rows:
            here = and_(columns.collection_id == number, *(column == value for column, value in zip(key, row, strict=True)))
            connection.execute(delete(captures).where(here))
    return len(rows)


def _files_of(holdings: Holdings, number: int, crawl: int) -> list[tuple[int, str]]:
    """Files that hold nothing but a test crawl: those that it wrote."""
    parts = select(file_parts.c.file_id).where(file_parts.c.collection_id == number)
    written = select(crawl_files.c.name).where(crawl_files.c.crawl_id == crawl)
    elsewhere = select(file_parts.c.file_id).where(file_parts.c.collection_id != number)
    statement = select(files.c.id, files.c.name).where(
        files.c.id.in_(parts) | files.c.name.in_(written), files.c.id.not_in(elsewhere)
    )
    with reading(holdings.engine) as connection:
        return [(row[0], row[1]) for row in connection.execute(statement)]


@contextmanager
def _undisturbed(holdings: Holdings, crawl: int) -> Iterator[None]:
    """While nothing is written to the files of a crawl any more, and the index is not rebuilt.

    Raises:
        Conflict: something is, or it is.
    """
    with alone(holdings.settings.archive, "rebuild", wait=False) as mine:
        if not mine:
            raise Conflict("The index is being rebuilt now.", "Wait until it is done.")
        _refuse_unfinished(holdings, crawl)
        yield


def _refuse_unfinished(holdings: Holdings, crawl: int) -> None:
    with reading(holdings.engine) as connection:
        names = set(connection.execute(select(crawl_files.c.name).where(crawl_files.c.crawl_id == crawl)).scalars())
    if names & set(holdings.store.unfinished()):
        raise Conflict(f"A WARC file of crawl {crawl} is not finished.", "Go on with the crawl, and stop it in good order.")
