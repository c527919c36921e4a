"""Deletion, second step: what was suppressed is taken out of the WARC files, the index and all that was made of it, for good.

Each file is written anew under a new name; one transaction then lets the index and all other tables know the new file instead
of the old one, and after it the old one is removed. Whatever moment it is cut short at, either the old file counts or the new
one; `heal` takes away what is left of the other. Files under their new names are a crawl's or an import's like all others.

Other people's evidence stays: a record that another collection has too is only taken out of this one; a revisit that stays
keeps its payload, see `Copies`.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, delete, insert, select

from archiver.audit import this_actor
from archiver.collections.access import Rule
from archiver.deletion import PURGED, Step, batches, deletion_of, dependents, is_ours, mark, selected
from archiver.errors import Conflict, DamagedRecord, StorageFailed
from archiver.exportfiles import KIND, ExportFiles
from archiver.fixity import Fixity, measure
from archiver.holdings import Holdings
from archiver.index import files as states
from archiver.index.database import alone, erasing, forget_log, reading, writing
from archiver.index.tables import captures, collections, files
from archiver.index.worktables import jobs
from archiver.model import Capture
from archiver.purgerows import Doomed, FileSwitch, switch_file
from archiver.search.build import read_texts_of
from archiver.search.store import TextStore
from archiver.warc.purge import (
    StoredPlace,
    Tombstone,
    block_digest,
    renamed,
    rewrite,
    survey,
    uncuttable,
    whole_again,
    with_followers,
)
from archiver.warc.reader import read_record
from archiver.warc.segments import is_begun, read_whole
from archiver.wasapi.jobs import JobBoard

logger = logging.getLogger(__name__)


class Copies(StrEnum):
    """What becomes of revisits that stay and have their payload in a record that goes.

    KEEP: the first of each URL is written out whole, with the payload, so that nobody's evidence is lost. PURGE: what has the
    payload has to go, whoever has it; they are purged too. Nothing is done without saying which.
    """

    KEEP = "keep"
    PURGE = "purge"


@dataclass
class PurgeReport:
    """What was done.

    Attributes:
        number: of the deletion.
        records: taken out of WARC files, with those that belong to them.
        captures: rows taken out of the index.
        files: old name → new name.
        bytes: that the files have become smaller by.
        kept_whole: revisits that were written out with their payload.
        shared: captures whose record stays, since somebody else has it too.
        left: file → why it was left as it is.
        exports: files of exports that jobs had made of the collection, or of others that repeat what goes: taken away, as it
            may be in them.
        derived: results of WASAPI's jobs, likewise.
    """

    number: int
    records: int = 0
    captures: int = 0
    files: dict[str, str] = field(default_factory=dict)
    bytes: int = 0
    kept_whole: int = 0
    shared: int = 0
    left: dict[str, str] = field(default_factory=dict)
    exports: int = 0
    derived: int = 0


#: Told, before each file, how many were written anew and how many there are; what it raises ends the purge there.
AtFile = Callable[[int, int], None]


def _nothing(*_: int) -> None:
    """Nobody waits for it."""


def purge(
    holdings: Holdings,
    number: int,
    *,
    copies: Copies | None = None,
    with_digest: bool = False,
    actor: str = "",
    step: Step = _nothing,
    at_file: AtFile = _nothing,
) -> PurgeReport:
    """Take what a deletion is about away for good. Cut short, it goes on when it is asked for again.

    Args:
        holdings: the opened archive.
        number: of the deletion.
        copies: what becomes of revisits elsewhere that need a payload; None refuses when there are any.
        with_digest: tombstones keep the digest of what was there.
        actor: who does it.
        step: told of each capture that is looked at before anything is done; what it raises is raised here.
        at_file: see there.

    Raises:
        NotFound: there is no such deletion.
        Conflict: revisits need a payload and nobody said what becomes of them; something is being captured or rebuilt now.
        StorageFailed: a file or the database cannot be written.
    """
    rule = deletion_of(holdings, number)
    home = holdings.settings.archive
    with alone(home, "purge", wait=False) as mine, alone(home, "rebuild", wait=False) as still:
        if not mine:
            raise Conflict("Another process purges now.", "Wait until it is done.")
        if not still:
            raise Conflict("The index is being rebuilt now, from the files as they are.", "Wait until it is done.")
        if any(holdings.store.unfinished()):
            raise Conflict("Something is being captured now, and may refer to what goes.", "Purge when crawls have ended.")
        run = _Purge(holdings, rule, with_digest=with_digest, actor=actor, step=step, at_file=at_file)
        report = run.run(copies)
    clear_caches(home)
    return report


class _Purge:
    """One purge."""

    def __init__(self, holdings: Holdings, rule: Rule, *, with_digest: bool, actor: str, step: Step, at_file: AtFile) -> None:
        self._step = step
        self._at_file = at_file
        self._holdings = holdings
        self._rule = rule
        self._with_digest = with_digest
        self._actor = actor
        self._report = PurgeReport(rule.number)
        self._tombstone = Tombstone(holdings.access.now(), mark(rule), actor or this_actor(), lambda: f"<urn:uuid:{uuid4()}>")

    def run(self, copies: Copies | None) -> PurgeReport:
        going = list(selected(self._holdings, self._rule, self._step))
        for item in going:
            if not is_ours(item.file):
                self._report.left[item.file] = "it is read where it is, and is not this archive's to change"
        going = [item for item in going if is_ours(item.file)]
        alone_in, shared = self._unshared(going)
        self._report.shared = len(shared)
        staying = list(dependents(self._holdings, alone_in, self._step))
        whole: dict[tuple[str, int], bytes] = {}
        if staying and copies is None:
            raise Conflict(
                f"{len(staying):,} revisits that stay have their payload in what goes.",
                "Choose what becomes of them: the payload is written into them, or they are purged too.",
                command="Say what becomes of them: --copies keep writes the payload into them, --copies purge takes them too.",
            )
        if staying and copies is Copies.PURGE:
            alone_in += [item for item in staying if is_ours(item.file)]
        elif staying:
            whole = dict(self._made_whole(alone_in, staying))
        # Before: what is being made now of rows that go is not finished. After: what began meanwhile by rules of a second ago.
        # And before it is said to be purged, so that whoever goes on after a crash comes by here.
        clear = _Clearing(self._holdings, self._report, self._of_collections(alone_in))
        clear()
        self._rewrite_all(alone_in, shared, whole)
        clear()
        self._finish()
        for slug, key in {(item.collection, item.urlkey) for item in alone_in}:
            read_texts_of(self._holdings, slug, key)  # all texts of these URLs went; those of what stays come back
        TextStore(self._holdings.engine).sweep()
        forget_log(self._holdings.engine)
        return self._report

    def _of_collections(self, going: list[Capture]) -> frozenset[str] | None:
        """Collections of which exports may have something of what goes: its own, and those whose revisits have such a payload,
        as these bring it along; with their test crawls. None for all."""
        if self._rule.collection is None:
            return None
        found = {self._rule.collection}
        digests = sorted({item.digest for item in going if item.digest and item.revisit_of is None})
        for batch in batches(digests):
            repeats = (
                select(collections.c.slug)
                .join(captures, captures.c.collection_id == collections.c.id)
                .where(captures.c.is_revisit == 1, captures.c.digest.in_(batch))
                .distinct()
            )
            with reading(self._holdings.engine) as connection:
                found.update(connection.execute(repeats).scalars())
        tests = collections.alias("tests")
        of_tests = select(tests.c.slug).join(collections, collections.c.id == tests.c.test_of)
        with reading(self._holdings.engine) as connection:
            return frozenset({*found, *connection.execute(of_tests.where(collections.c.slug.in_(found))).scalars()})

    def _unshared(self, going: list[Capture]) -> tuple[list[Capture], list[Capture]]:
        """Captures whose record nobody else has, and those whose record stays."""
        mine = {(item.collection, item.urlkey, int(item.timestamp), item.file, item.offset) for item in going}
        counted: dict[tuple[str, int], bool] = {}
        for doomed in self._rows({item.file for item in going}):
            here = (doomed.slug, doomed.urlkey, doomed.timestamp, doomed.file, doomed.offset)
            place = (doomed.file, doomed.offset)
            counted[place] = counted.get(place, False) or here not in mine
        alone_in = [item for item in going if not counted.get((item.file, item.offset))]
        return alone_in, [item for item in going if counted.get((item.file, item.offset))]

    def _rows(self, names: set[str]) -> Iterator[Doomed]:
        """All rows of the index that point into these files."""
        for batch in batches(sorted(names)):
            with reading(self._holdings.engine) as connection:
                yield from map(Doomed.of, connection.execute(Doomed.selection().where(files.c.name.in_(batch))))

    def _made_whole(self, going: list[Capture], staying: list[Capture]) -> Iterator[tuple[tuple[str, int], bytes]]:
        """For each URL that needs a payload, the revisit that gets it, and the record that it becomes.

        Raises:
            Conflict: none of a URL's revisits can be given it.
        """
        sources = {item.digest: item for item in going if item.revisit_of is None and item.digest}
        groups: dict[tuple[str, str, str], list[Capture]] = {}
        for revisit in sorted(staying, key=lambda item: item.timestamp):
            groups.setdefault((revisit.collection, revisit.urlkey, revisit.digest), []).append(revisit)
        for (_, _, digest), revisits in groups.items():
            payload = self._payload(sources[digest])
            for revisit in revisits:
                if is_ours(revisit.file) and (record := self._with_payload(revisit, payload)) is not None:
                    yield (revisit.file, revisit.offset), record
                    self._report.kept_whole += 1
                    break
            else:
                raise Conflict(
                    f"No revisit of {revisits[0].url} can be given the payload that goes: none has the head of its response.",
                    "Purge them too, or delete less.",
                    command="Purge them too with --copies purge, or delete less.",
                )

    def _payload(self, capture: Capture) -> bytes:
        holdings = self._holdings
        record = read_whole(holdings.store, capture.file, capture.offset, capture.length, holdings.segments.find)
        try:
            return b"".join(record.payload())
        finally:
            record.close()

    def _with_payload(self, revisit: Capture, payload: bytes) -> bytes | None:
        record = read_record(self._holdings.store, revisit.file, revisit.offset, revisit.length)
        try:
            return whole_again(record, payload, revisit.digest)
        except DamagedRecord:
            return None
        finally:
            record.close()

    def _later_parts(self, going: list[Capture]) -> dict[str, set[int]]:
        """Where the later parts lie of records that were cut into several: file → offsets."""
        found: dict[str, set[int]] = {}
        if not self._holdings.segments.has_any():
            return found
        for capture in going:
            record = read_record(self._holdings.store, capture.file, capture.offset, capture.length)
            record.close()
            for part in self._holdings.segments.find_all(record.record_id) if is_begun(record) else ():
                if is_ours(part.file):
                    found.setdefault(part.file, set()).add(part.offset)
                else:
                    self._report.left[part.file] = "it is read where it is, and is not this archive's to change"
        return found

    # -- files -------------------------------------------------------------------------------------------------------

    def _rewrite_all(self, going: list[Capture], shared: list[Capture], whole: dict[tuple[str, int], bytes]) -> None:
        parts = self._later_parts(going)
        names = {item.file for item in (*going, *shared)} | {file for file, _ in whole} | parts.keys()
        rows: dict[str, list[Doomed]] = {name: [] for name in names}
        for row in self._rows(names):
            rows[row.file].append(row)
        doomed = {(item.collection, item.urlkey, int(item.timestamp), item.file, item.offset) for item in (*going, *shared)}
        # What is given a payload comes first: the payload is to be found at every moment. Then later parts of records: cut
        # short, the purge finds them by their first part.
        order = sorted(names, key=lambda item: (all(file != item for file, _ in whole), item not in parts, item))
        for done, name in enumerate(order):
            self._at_file(done, len(order))
            records = {item.offset for item in going if item.file == name} | parts.get(name, set())
            switch = FileSwitch(
                self._rule,
                name,
                gone=[row for row in rows[name] if row.identity in doomed],
                kept=[row for row in rows[name] if row.identity not in doomed],
                whole={offset for file, offset in whole if file == name},
            )
            self._rewrite_file(switch, records, {offset: data for (file, offset), data in whole.items() if file == name})

    def _rewrite_file(self, switch: FileSwitch, records: set[int], instead: dict[int, bytes]) -> None:
        holdings = self._holdings
        if not holdings.store.exists(switch.name):
            self._report.left[switch.name] = "it is not in this archive's store"
            return
        with holdings.store.open(switch.name) as source:
            places = survey(source)
            gone = with_followers(places, records)
            if (why := uncuttable([*gone, *(place for place in places if place.offset in instead)])) != "":
                self._report.left[switch.name] = why
                return
            if not gone and not instead:  # its rows go, its records stay
                self._commit(switch, "", None)
                return
            digests = {place.offset: block_digest(source, place) for place in gone} if self._with_digest else {}
            stones = {
                place.offset: b"" if place.is_arc else self._tombstone.record(place, digests.get(place.offset, ""))
                for place in gone
            }
            switch.records = gone
            switch.digests = digests
            new = self._new_name(switch.name)
            instead = {**instead, **self._renamed(switch.name, new, places)}
            with holdings.store.create(new) as target:
                switch.moved = rewrite(source, target, places, {**instead, **stones})
                target.flush()
                os.fsync(target.fileno())
            holdings.store.finish(new)
        holdings.store.arrive(new)
        with holdings.store.open(new) as stream:
            fixity = measure(stream)
        size = holdings.store.size(switch.name)
        self._commit(switch, new, fixity)
        holdings.store.remove(switch.name)
        holdings.files.set_state(switch.name, states.REMOVED)
        self._report.files[switch.name] = new
        self._report.records += len(gone)
        self._report.bytes += size - fixity.size

    def _renamed(self, name: str, new: str, places: list[StoredPlace]) -> dict[int, bytes]:
        """The record at the start of a file that says how the file is called, where it does."""
        first = places[0] if places else None
        if first is None or first.record_type != "warcinfo" or uncuttable([first]):
            return {}
        record = read_record(self._holdings.store, name, first.offset, first.length)
        try:
            told = renamed(record, Path(name).name, new)
        finally:
            record.close()
        return {} if told is None else {first.offset: told}

    def _new_name(self, name: str) -> str:
        """A name that is free, told to the database before the file is made, so that it is found after a crash."""
        path = Path(name)
        stem, dot, endings = path.name.partition(".")
        base = stem.rpartition("-purged")[0] or stem
        with writing(self._holdings.engine) as connection:
            count = 1
            while True:
                new = f"{base}-purged{count}{dot}{endings}"
                known = connection.execute(select(files.c.id).where(files.c.name == new)).first()
                if known is None and not self._holdings.store.exists(new):
                    break
                count += 1
            connection.execute(insert(files).values(name=new, state=states.PURGING))
        return new

    def _commit(self, switch: FileSwitch, new: str, fixity: Fixity | None) -> None:
        with erasing(self._holdings.engine) as connection:
            if new and not _is_still_ours(connection, new):
                raise StorageFailed("Another process took the new file for one that was left behind.", "Purge again.")
            subject = f"{switch.name} → {new}" if new else switch.name
            detail = {"deletion": self._rule.number, "records": len(switch.records), "captures": len(switch.gone)}
            entry = self._holdings.audit.note_within(connection, self._actor, "delete.rewrite", subject, detail)
            switch_file(connection, self._holdings, switch, new, fixity, self._tombstone, entry)
        self._report.captures += len(switch.gone)

    def _finish(self) -> None:
        """The deletion is said to be purged, once there is nothing left of it in the index that is ours to take away."""
        report = self._report
        detail = {
            "captures": report.captures,
            "records": report.records,
            "files": report.files,
            "kept_whole": report.kept_whole,
            "left": report.left,
            "reason": self._rule.reason,
        }
        with writing(self._holdings.engine) as connection:
            if not report.left:
                self._holdings.access.mark_purged_within(connection, self._rule.number, PURGED)
            self._holdings.audit.note_within(connection, self._actor, "delete.purge", f"rule {self._rule.number}", detail)


def _is_still_ours(connection: Connection, new: str) -> bool:
    return (
        connection.execute(select(files.c.id).where(files.c.name == new, files.c.state == states.PURGING)).first() is not None
    )


# -- after a crash ---------------------------------------------------------------------------------------------------


def heal(holdings: Holdings) -> tuple[str, ...]:
    """Take away what a purge that was cut short has left: new files that never counted, old ones that no longer count.

    Returns:
        The names of the files that were removed.
    """
    with reading(holdings.engine) as connection:
        wanted = select(files.c.id, files.c.name, files.c.state).where(files.c.state.in_((states.PURGING, states.LEAVING)))
        left = connection.execute(wanted).all()
    if not left:
        return ()
    with alone(holdings.settings.archive, "purge", wait=False) as mine:
        if not mine:
            return ()  # a purge is running
        return tuple(row.name for row in left if _taken_away(holdings, row.id, row.name, row.state))


def _taken_away(holdings: Holdings, number: int, name: str, state: str) -> bool:
    if state == states.PURGING:
        with writing(holdings.engine) as connection:
            # From then on whoever writes it cannot let it count any more.
            used = connection.execute(select(captures.c.file_id).where(captures.c.file_id == number).limit(1)).first()
            gone = (
                used is None
                and connection.execute(delete(files).where(files.c.id == number, files.c.state == states.PURGING)).rowcount
            )
        if not gone:
            return False
        if name in set(holdings.store.unfinished()):
            stream = holdings.store.abandoned(name)
            if stream is not None:
                stream.close()
                holdings.store.discard(name)
    holdings.store.remove(name)
    if state == states.LEAVING:
        holdings.files.set_state(name, states.REMOVED)
    logger.warning("a purge was cut short: %s was removed", name)
    return True


class _Clearing:
    """Takes away what jobs have made of collections that something is purged of; what is being made fails.

    Args:
        holdings: the opened archive.
        report: counts it.
        slugs: of the collections; None for all.
    """

    def __init__(self, holdings: Holdings, report: PurgeReport, slugs: frozenset[str] | None) -> None:
        self._holdings = holdings
        self._report = report
        self._slugs = slugs

    def __call__(self) -> None:
        holdings, home = self._holdings, self._holdings.settings.archive
        wanted = select(jobs.c.id, collections.c.slug).outerjoin(collections, collections.c.id == jobs.c.collection_id)
        with reading(holdings.engine) as connection:
            rows = connection.execute(wanted.where(jobs.c.kind == KIND)).all()
        numbers = {number for number, slug in rows if self._slugs is None or slug in self._slugs}
        made = ExportFiles(home)
        self._report.exports += made.discard_all(number for number in made.numbers() if number in numbers)
        self._report.derived += JobBoard(holdings.engine, home, holdings.access.now).discard_of(self._slugs)


def clear_caches(home: Path) -> None:
    """Take away what was made of archived responses to answer faster: it may be of what was purged."""
    for name in ("replay", "pictures"):
        shutil.rmtree(home / "cache" / name, ignore_errors=True)
