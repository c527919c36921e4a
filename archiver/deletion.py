"""Deletion, first step: what is to go is put out of sight at once, and can come back; what it is, is said before it goes.

A deletion is a rule of access that no other rule opens: everything that shows captures to readers passes those. `restore`
takes it away; `archiver.purging` takes the bytes out of the WARC files for good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, func, select

from archiver.collections.access import ANYONE, Action, Matching, Rule, RuleBook
from archiver.collections.accesswords import make_rule
from archiver.collections.registry import name_before, removed_name
from archiver.errors import Conflict, NotFound, UsageError
from archiver.holdings import Holdings
from archiver.index.crawltables import crawl_files
from archiver.index.database import reading
from archiver.index.holdingstables import file_parts, tombstones
from archiver.index.query import KeyRange, ordered
from archiver.index.tables import captures, collections, files
from archiver.model import Capture, RevisitTarget
from archiver.store.inside import INSIDE
from archiver.timestamps import to_timestamp
from archiver.urls import urlkey

#: What keys begin with that name something of another URL, to which its rules apply: pictures, texts, players' files, names.
_OF_OTHERS = ("urn:", "screenshot:", "thumbnail:", "org,archive,web)/screenshot/", "youtube-dl:", "metadata:", "dns:")
SUPPRESSED, PURGED = "suppressed", "purged"
#: Statements that each may read the whole index: with more of them, it is read once and compared here.
_STATEMENTS = 3
#: Captures that are named of all that a deletion is about.
_FIRST = 200
#: Rows that a statement gives at a time.
_AT_ONCE = 2000
#: Told of each capture that was looked at; what it raises ends the look.
Step = Callable[[], None]


def _go_on() -> None:
    """Nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is to be deleted; one of `url`, `prefix`, `host`, `crawl`, `record`, `is_everything`.

    Attributes:
        collection: slug.
        url: one URL.
        prefix: all that begins so.
        host: a host, with all below it.
        crawl: number of a crawl.
        record: "FILE:OFFSET", as lists of captures have it.
        is_everything: the whole collection.
        since: captured at that time or later; "" for any.
        until: captured at that time or earlier; "" for what is held now.
    """

    collection: str
    url: str = ""
    prefix: str = ""
    host: str = ""
    crawl: int | None = None
    record: str = ""
    is_everything: bool = False
    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much a deletion is about.

    Attributes:
        captures: in the index.
        urls: different ones.
        bytes: of their records, as stored.
        files: WARC files that they are in.
        not_ours: captures in files that are read where they are, of which only the owner can take something away.
        shared: captures whose record another collection, or a capture that stays, uses too: the record stays.
        dependents: captures that stay and have their payload in a record that goes.
        first: some of the captures, in the order of their URLs.
    """

    captures: int
    urls: int
    bytes: int
    files: tuple[str, ...]
    not_ours: int
    shared: int
    dependents: tuple[Capture, ...]
    first: tuple[Capture, ...] = ()


#: Of a deletion that is about nothing.
NOTHING = Extent(0, 0, 0, (), 0, 0, ())


def rule_for(holdings: Holdings, selection: Selection, *, reason: str, message: str = "", is_said: bool = False) -> Rule:
    """The rule that stands for a deletion; kept nowhere yet.

    Args:
        holdings: the opened archive.
        selection: what is to be deleted.
        reason: why.
        message: what readers are told, with `is_said`.
        is_said: readers are told that something was here; else it is as if it had never been.

    Raises:
        UsageError: the selection is none.
        NotFound: there is no such crawl, record or collection.
    """
    if not reason.strip():
        raise UsageError(
            "A deletion needs a reason.", "Write why: the audit log keeps it.", command="Give --reason: the audit log keeps it."
        )
    holdings.collections.get(selection.collection)
    chosen = (selection.url, selection.prefix, selection.host, selection.record, selection.crawl, selection.is_everything)
    if sum(item is not None and item is not False and item != "" for item in chosen) != 1:
        raise UsageError(
            "A deletion is of one thing.",
            "Name one URL, beginning of URLs, host, crawl or record, or the whole collection.",
            command="Give a URL, or --prefix, --host, --crawl, --record or --everything.",
        )
    action = Action.BLOCK if is_said else Action.EXCLUDE
    if selection.record:
        rule = _rule_of_record(holdings, selection, action)
    else:
        rule = make_rule(
            action,
            url=selection.url,
            prefix=selection.prefix,
            host=selection.host,
            is_everything=selection.is_everything or selection.crawl is not None,
            since=selection.since,
            # What is captured later has not been looked at by whoever deletes.
            until=selection.until or to_timestamp(holdings.access.now()),
        )
    if selection.crawl is not None:
        rule = replace(rule, files=_files_of(holdings, selection.crawl, selection.collection), url=f"crawl {selection.crawl}")
    return replace(rule, collection=selection.collection, message=message.strip(), reason=reason.strip(), deletion=SUPPRESSED)


def _rule_of_record(holdings: Holdings, selection: Selection, action: Action) -> Rule:
    file, colon, offset = selection.record.rpartition(":")
    if not colon or not (offset.isascii() and offset.isdigit() and len(offset) < 19):
        raise UsageError("A record is named by its file and where it is in it.", "Write it like name.warc.gz:12345.")
    found = (
        select(captures.c.urlkey, captures.c.timestamp, captures.c.url)
        .join(files, files.c.id == captures.c.file_id)
        .join(collections, collections.c.id == captures.c.collection_id)
        .where(files.c.name == file, captures.c.offset == int(offset), collections.c.slug == selection.collection)
    )
    with reading(holdings.engine) as connection:
        row = connection.execute(found).first()
    if row is None:
        raise NotFound(
            f"No capture of “{selection.collection}” is at {file}:{offset}.",
            "The list of its captures says where each record is.",
            command="See muniment versions --json.",
        )
    return Rule(
        action, Matching.RECORD, row.urlkey, url=row.url, since=row.timestamp, until=row.timestamp, files=frozenset({file})
    )


def _files_of(holdings: Holdings, crawl: int, collection: str) -> frozenset[str]:
    """The WARC files that a crawl has written."""
    number = holdings.collections.number(collection)
    parts = (
        select(files.c.name)
        .join(file_parts, file_parts.c.file_id == files.c.id)
        .where(file_parts.c.crawl_id == crawl, file_parts.c.collection_id == number)
    )
    with reading(holdings.engine) as connection:
        names = set(connection.execute(parts).scalars())
        names |= set(connection.execute(select(crawl_files.c.name).where(crawl_files.c.crawl_id == crawl)).scalars())
    if not names:
        raise NotFound(f"Of crawl {crawl} no WARC file is known in “{collection}”.", "Select by URL and time span instead.")
    return frozenset(names)


def refuse_nothing(found: Extent, selection: Selection) -> None:
    """Refuse a deletion that is about nothing: it is a slip of the pen, mostly.

    Args:
        found: how much it is about.
        selection: what it says; one that names its latest time may be about what comes.

    Raises:
        UsageError: it is about nothing.
    """
    if not (found.captures or selection.until):
        raise UsageError(
            f"Nothing of that is held in “{selection.collection}”.",
            "Look whether it is spelled as its captures are; name the latest time of capture if it is about some to come.",
        )


def suppress(holdings: Holdings, rule: Rule, *, actor: str = "") -> Rule:
    """Put what a deletion is about out of sight; takes effect within a second, in all server processes."""
    (kept,) = holdings.access.add([rule], actor=actor, action="delete.suppress")
    return kept


def deletion_of(holdings: Holdings, number: int) -> Rule:
    """The rule of a deletion.

    Raises:
        NotFound: there is none of that number.
    """
    try:
        rule = holdings.access.get(number)
    except NotFound:
        rule = None
    if rule is None or not rule.deletion:
        raise NotFound(f"There is no deletion {number}.", "See the list of deletions.", command="See muniment delete report.")
    return rule


def restore(holdings: Holdings, number: int, *, actor: str = "") -> Rule:
    """Let what was suppressed be seen again.

    Raises:
        NotFound: there is no such deletion.
        Conflict: it was purged already.
    """
    rule = deletion_of(holdings, number)
    with reading(holdings.engine) as connection:
        gone = connection.execute(select(tombstones.c.id).where(tombstones.c.reason == mark(rule)).limit(1)).first()
    if rule.deletion == PURGED or gone is not None:
        raise Conflict(f"Deletion {number} was purged: nothing is left of it.", "Import the captures again, if you have them.")
    return holdings.access.remove(number, actor=actor, action="delete.restore")


def mark(rule: Rule) -> str:
    """What tombstones say of why: the reason, and which deletion it was."""
    return f"{rule.reason} (deletion {rule.number})"


def selected(holdings: Holdings, rule: Rule, step: Step = _go_on) -> Iterator[Capture]:
    """The captures that a deletion is about; `step` is told of the others, too."""
    slugs = [rule.collection] if rule.collection else [item.slug for item in holdings.collections.all(with_tests=True)]
    book, now = RuleBook([replace(rule, starts_at=None, ends_at=None)]), holdings.access.now()
    ranges = ordered((*rule.ranges(), *map(KeyRange.beginning_with, _OF_OTHERS)))
    for slug in slugs:
        gate = book.gate((slug,), ANYONE, now)
        for capture in holdings.index.scan((slug,), ranges):
            step()
            if not gate.permits(capture):
                yield capture


def extent(holdings: Holdings, rule: Rule, step: Step = _go_on) -> Extent:
    """How much a deletion is about, and what depends on it. Reads the whole index once where payloads are repeated.

    Args:
        holdings: the opened archive.
        rule: of the deletion.
        step: told of each capture that is looked at; what it raises is raised here.
    """
    chosen = list(selected(holdings, rule, step))
    places = {(item.file, item.offset) for item in chosen}
    ours = {item.file for item in chosen if is_ours(item.file)}
    mine = {(item.collection, item.urlkey, item.timestamp, item.file, item.offset) for item in chosen}
    shared = {place for row, place in _at(holdings, ours, places, step) if row not in mine}
    going = [item for item in chosen if (item.file, item.offset) not in shared]
    return Extent(
        captures=len(chosen),
        urls=len({item.url for item in chosen}),
        bytes=sum(item.length for item in chosen),
        files=tuple(sorted({item.file for item in chosen})),
        not_ours=sum(not is_ours(item.file) for item in chosen),
        shared=sum((item.file, item.offset) in shared for item in chosen),
        dependents=tuple(dependents(holdings, going, step)),
        first=tuple(chosen[:_FIRST]),
    )


def is_ours(file: str) -> bool:
    """The file is in this archive's store, not read where it is."""
    return not file.startswith("/") and "://" not in file and INSIDE not in file


def _at(
    holdings: Holdings, names: set[str], places: set[tuple[str, int]], step: Step
) -> Iterator[tuple[tuple[str, str, str, str, int], tuple[str, int]]]:
    """Rows of the index that point at these places."""
    found = (
        select(collections.c.slug, captures.c.urlkey, captures.c.timestamp, files.c.name, captures.c.offset)
        .join(files, files.c.id == captures.c.file_id)
        .join(collections, collections.c.id == captures.c.collection_id)
    )
    for slug, key, timestamp, name, offset in _rows(holdings, found, files.c.name, names, step):
        if (name, offset) in places:
            yield (slug, key, f"{timestamp:014d}", name, offset), (name, offset)


def _rows(holdings: Holdings, found: Any, column: Any, wanted: set[str], step: Step) -> Iterator[Any]:
    """Rows that have one of these texts in a column; of very many texts, others too."""
    some = list(batches(sorted(wanted)))
    statements = [found] if len(some) > _STATEMENTS else [found.where(column.in_(batch)) for batch in some]
    for statement in statements:
        step()
        with reading(holdings.engine) as connection:
            for row in connection.execution_options(yield_per=_AT_ONCE).execute(statement):
                step()
                yield row


def batches(names: list[str], size: int = 200) -> Iterator[list[str]]:
    """A list in pieces that a database takes as parameters."""
    return (names[start : start + size] for start in range(0, len(names), size))


def dependents(holdings: Holdings, going: list[Capture], step: Step = _go_on) -> Iterator[Capture]:
    """Revisits that stay, whose payload is in one of the records that go and in no other that stays."""
    whole = {item.digest for item in going if item.digest and item.revisit_of is None}
    gone = {(item.collection, item.urlkey, item.timestamp, item.file, item.offset) for item in going}
    rows = (
        select(collections.c.slug, captures, files.c.name)
        .join(files, files.c.id == captures.c.file_id)
        .join(collections, collections.c.id == captures.c.collection_id)
        .where(captures.c.is_revisit == 1)
    )
    # All of them before the next question is asked: who looks at one holds no connection.
    found = [_capture(row) for row in _rows(holdings, rows, captures.c.digest, whole, step) if row.digest in whole]
    for revisit in found:
        step()
        here = (revisit.collection, revisit.urlkey, revisit.timestamp, revisit.file, revisit.offset)
        if here not in gone and not _has_other(holdings, revisit, gone):
            yield revisit


def _has_other(holdings: Holdings, revisit: Capture, gone: set[tuple[str, str, str, str, int]]) -> bool:
    """Another whole capture with this payload, where replay looks for it."""
    target = revisit.revisit_of
    keys = {revisit.urlkey} | ({urlkey(target.url)} if target is not None and target.url else set())
    for key in keys:
        for item in holdings.index.versions((revisit.collection,), key):
            here = (item.collection, item.urlkey, item.timestamp, item.file, item.offset)
            if item.revisit_of is None and item.digest == revisit.digest and here not in gone:
                return True
    return False


def _capture(row: object) -> Capture:
    values = row._mapping  # type: ignore[attr-defined]
    column = captures.c
    return Capture(
        values[collections.c.slug], values[column.urlkey], f"{values[column.timestamp]:014d}", values[column.url],
        values[column.mime], values[column.status], values[column.digest], values[files.c.name], values[column.offset],
        values[column.length],
        RevisitTarget(values[column.refers_to_url], values[column.refers_to_timestamp], values[column.refers_to_id]),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stone:
    """A tombstone: that something was there, and when and why it went; never what it said.

    Attributes:
        number: of the tombstone; later ones have greater ones.
        collection: slug of the collection that it was in, which may be removed now; None where nobody knows.
        url, timestamp: of what was there; the timestamp is 14 digits, zeros where nobody knows.
        record_type, record_id: of its record; "" in files without such.
        digest: of its block, where the purge was told to keep it; else "".
        length: bytes of its block.
        file: that it was in, by its name then.
        purged_at: ISO, UTC.
        reason: why, and which deletion it was.
    """

    number: int
    collection: str | None
    url: str
    timestamp: str
    record_type: str
    record_id: str
    digest: str
    length: int
    file: str
    purged_at: str
    reason: str


def stones(
    holdings: Holdings, *, rule: Rule | None = None, collection: str = "", url: str = "", after: int = 0, limit: int = 1000
) -> list[Stone]:
    """What is left of what was purged, in the order in which it was.

    Args:
        holdings: the opened archive.
        rule: of one deletion alone.
        collection: slug; "" for all.
        url: of that URL alone, however it is spelled; "" for all.
        after: only those with a greater number.
        limit: at most so many.
    """
    columns = tombstones.c
    statement = (
        select(tombstones, collections.c.slug)
        .outerjoin(collections, collections.c.id == columns.collection_id)
        .where(columns.id > after)
        .order_by(columns.id)
        .limit(limit)
    )
    if rule is not None:
        statement = statement.where(columns.reason == mark(rule))
    if collection:
        statement = statement.where(collections.c.slug.in_((collection, removed_name(collection))))
    if url:
        statement = statement.where(columns.urlkey == urlkey(url))
    with reading(holdings.engine) as connection:
        return [_stone(row) for row in connection.execute(statement)]


def _stone(row: Row[Any]) -> Stone:
    return Stone(
        row.id, name_before(row.slug) if row.slug else None, row.url, f"{row.timestamp:014d}", row.record_type, row.record_id,
        row.digest, row.length, row.file, row.purged_at, row.reason,
    )  # fmt: skip


def stone_count(holdings: Holdings, rule: Rule) -> int:
    """How many tombstones a deletion has left."""
    with reading(holdings.engine) as connection:
        counted = select(func.count()).select_from(tombstones).where(tombstones.c.reason == mark(rule))
        return int(connection.execute(counted).scalar_one())


def stones_of(holdings: Holdings, rule: Rule) -> Iterator[Stone]:
    """All that a deletion has left."""
    last = 0
    while found := stones(holdings, rule=rule, after=last):
        yield from found
        last = found[-1].number
