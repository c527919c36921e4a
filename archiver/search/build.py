"""Reads the texts out of WARC files, record after record, and goes on where it stopped.

Not while something is captured: text takes as long as fetching. Whatever wrote a file, its new records are read soon after,
by the command that captured, by the running server, or by `muniment index text`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from archiver.errors import BodyLimitExceeded, DamagedRecord, MissingRecord, StorageFailed
from archiver.extract.text import MAX_DOCUMENT_BYTES, DocumentText, has_text, text_of
from archiver.index.crawltables import crawl_files
from archiver.index.database import alone, erasing, reading, writing
from archiver.index.entry import why_not_indexed
from archiver.index.files import HELD, PURGED
from archiver.index.holdingstables import file_parts
from archiver.index.segments import Waiting
from archiver.index.tables import captures, collections, crawls, files
from archiver.model import Capture
from archiver.search.store import CapturedText, TextStore
from archiver.timestamps import to_timestamp
from archiver.urls import printable, urlkey
from archiver.warc.reader import BadRecord, StoredRecord, iter_records, read_record
from archiver.warc.records import canonical_digest
from archiver.warc.segments import is_begun, read_whole

if TYPE_CHECKING:
    from archiver.holdings import Holdings

#: Texts that are committed at a time, and bytes of a file after which the place is kept even without any.
_TEXTS_AT_ONCE = 50
_BYTES_AT_ONCE = 64 * 1024 * 1024
_FILES_AT_ONCE = 200


@dataclass
class TextReport:
    """What a run did.

    Attributes:
        files: in which there was something new.
        documents: whose text was read.
        repeated: captures whose text was known from an equal payload.
        unreadable: documents that could not be read; they are named by `muniment verify`.
        is_complete: nothing is left to do.
    """

    files: int = 0
    documents: int = 0
    repeated: int = 0
    unreadable: int = 0
    is_complete: bool = False


def read_texts(
    holdings: Holdings,
    *,
    may_go_on: Callable[[], bool] = lambda: True,
    progress: Callable[[str, int], None] = lambda file, position: None,
) -> TextReport:
    """Read the texts of everything that has come in since the last time.

    Args:
        holdings: the opened archive.
        may_go_on: asked between two documents; when it says no, what was read is kept.
        progress: told the file and how far it has been read, in bytes.

    Returns:
        An incomplete report without any files when another process is at it.
    """
    report = TextReport()
    with alone(holdings.settings.archive, "texts", wait=False) as mine:
        if not mine:
            return report
        last = 0
        while found := _files_after(holdings, last):
            for number, name, done in found:
                last = number
                reader = _FileReader(holdings, number, name, done, report)
                if not reader.run(may_go_on, progress):
                    return report
        for part in holdings.segments.waiting():
            if not may_go_on():
                return report
            _FileReader(holdings, part.file_id, part.file, part.offset, report).read_late(part)
    report.is_complete = True
    return report


def read_again(holdings: Holdings) -> None:
    """Forget all texts; `read_texts` reads them anew."""
    with alone(holdings.settings.archive, "texts"):
        TextStore(holdings.engine).clear()
        with writing(holdings.engine) as connection:
            connection.execute(update(files).values(texted_to=0))


def read_texts_of(holdings: Holdings, slug: str, key: str) -> None:
    """Read the texts of all captures of one URL anew, after some of them were taken away.

    Args:
        holdings: the opened archive.
        slug: of the collection.
        key: SURT key of the URL.
    """
    store = TextStore(holdings.engine)
    owner = holdings.collections.number(slug)
    found: list[CapturedText] = []
    repeated: list[Capture] = []
    for capture in holdings.index.versions((slug,), key):
        if capture.revisit_of is not None:
            repeated.append(capture)
        elif 200 <= (capture.status or 200) < 300 and has_text(capture.mime):
            with suppress(DamagedRecord, StorageFailed):
                text = _text_at(holdings, capture)
                if text is not None:
                    found.append(CapturedText(owner, key, capture.url, capture.timestamp, capture.mime, capture.digest, text))
    with erasing(holdings.engine) as connection:
        store.forget_within(connection, owner, key)
        store.add_within(connection, found)
        for capture in repeated:
            item = _unread(owner, key, capture.url, capture.timestamp, capture.mime, capture.digest)
            store.repeat_within(connection, item, urlkey((capture.revisit_of and capture.revisit_of.url) or capture.url))


def _unread(owner: int, key: str, url: str, timestamp: str, mime: str, digest: str) -> CapturedText:
    """A capture of a payload that was read at another."""
    return CapturedText(owner, key, url, timestamp, mime, digest, DocumentText("", "", ""))


def _text_at(holdings: Holdings, capture: Capture) -> DocumentText | None:
    record = read_whole(holdings.store, capture.file, capture.offset, capture.length, holdings.segments.find)
    try:
        head = record.http
        return text_of(_beginning(record), capture.mime, head.charset if head is not None else None)
    finally:
        record.close()


def _beginning(record: StoredRecord) -> bytes:
    """As much of a payload as is read for its text."""
    body = bytearray()
    with suppress(BodyLimitExceeded):
        for piece in record.payload(content=True, limit=MAX_DOCUMENT_BYTES):
            body += piece
    return bytes(body)


def _files_after(holdings: Holdings, last: int) -> list[tuple[int, str, int]]:
    """Files that may have something new: id, name, up to where they have been read."""
    wanted = (
        select(files.c.id, files.c.name, files.c.texted_to)
        .where(files.c.id > last, files.c.state.in_((HELD, PURGED)))
        .where((files.c.size.is_(None)) | (files.c.texted_to < files.c.size))
        .where(files.c.id.not_in(_of_tests()), files.c.name.not_in(_written_by_tests()))
        .order_by(files.c.id)
        .limit(_FILES_AT_ONCE)
    )
    with reading(holdings.engine) as connection:
        return [(row[0], row[1], row[2]) for row in connection.execute(wanted)]


def _of_tests() -> Any:
    """Files of test crawls: their texts are read when they are saved."""
    apart = select(collections.c.id).where(collections.c.test_of.is_not(None))
    return select(file_parts.c.file_id).where(file_parts.c.collection_id.in_(apart))


def _written_by_tests() -> Any:
    """Names of the same files, also of those that are written now: nothing else tells yet what is in them."""
    mine = select(crawl_files.c.name).join(crawls, crawls.c.id == crawl_files.c.crawl_id)
    return mine.join(collections, collections.c.id == crawls.c.collection_id).where(collections.c.test_of.is_not(None))


class _FileReader:
    """Reads one file from a place on."""

    def __init__(self, holdings: Holdings, number: int, name: str, done: int, report: TextReport) -> None:
        self._holdings = holdings
        self._texts = TextStore(holdings.engine)
        self._number, self._name, self._done = number, name, done
        self._report = report
        self._found: list[CapturedText] = []
        self._repeated: list[tuple[CapturedText, str]] = []  # without their texts, and the key of the URL that has it
        self._incomplete: list[tuple[str, int]] = []  # first parts of records whose others are missing: identifier, offset
        with reading(holdings.engine) as connection:
            self._collections = [number for (number,) in connection.execute(select(collections.c.id))]

    def run(self, may_go_on: Callable[[], bool], progress: Callable[[str, int], None]) -> bool:
        """Read to the end; False when it was told to stop. What cannot be opened now is looked for again another time."""
        store = self._holdings.store
        try:
            size = store.size(self._name)
            if size <= self._done:
                return True
            stream = store.open(self._name, self._done)
        except (MissingRecord, StorageFailed):
            return True
        self._report.files += 1
        last: StoredRecord | None = None
        with stream:
            for item in iter_records(stream, self._done):
                if isinstance(item, BadRecord):
                    if last is not None and not last.length:
                        self._drop(last)
                    continue
                if item.alone and self._is_enough(item.offset):
                    if not self._keep(item.offset):
                        return True
                    progress(self._name, item.offset)
                    if not may_go_on():
                        return False
                last = item
                self._take(item)
        # A file that is written ends where its last whole record does, and what comes then is read the next time.
        is_finished = "/" in self._name or store.exists(self._name)
        end = size if is_finished or last is None else last.offset + last.length
        self._keep(max(end, self._done))
        return True

    def read_late(self, part: Waiting) -> None:
        """Read the text of a record whose other parts may have come after the first; when some still lack, another time."""
        missed = self._report.unreadable
        try:
            record = read_record(self._holdings.store, self._name, part.offset)
        except (MissingRecord, DamagedRecord, StorageFailed):
            return
        try:
            if record.record_id == part.origin:
                self._take(record)
        finally:
            record.close()
        if self._incomplete:
            self._report.unreadable = missed  # told when it was met first
            return
        with writing(self._holdings.engine) as connection:
            self._texts.add_within(connection, self._found)
            self._holdings.segments.waited_within(connection, part)

    def _is_enough(self, position: int) -> bool:
        return len(self._found) + len(self._repeated) >= _TEXTS_AT_ONCE or position - self._done >= _BYTES_AT_ONCE

    def _drop(self, record: StoredRecord) -> None:
        """A record turned out to be damaged after its text was read: what is torn is no document."""
        timestamp = to_timestamp(record.date)
        self._found = [item for item in self._found if (item.url, item.timestamp) != (record.url, timestamp)]

    def _take(self, record: StoredRecord) -> None:
        if why_not_indexed(record):
            return
        head = record.http
        status = 200 if head is None else head.status or 0
        mime = record.content_type if head is None else head.media_type
        if not (200 <= status < 300 and has_text(mime)) and record.record_type != "revisit":
            return
        place = (urlkey(record.url), to_timestamp(record.date))
        owners = self._owners(*place, record.offset)
        if not owners:
            return  # not looked up under its URL, or taken away
        digest, url = canonical_digest(record.get("WARC-Payload-Digest")), printable(record.url)
        if record.record_type == "revisit":
            first = urlkey(record.get("WARC-Refers-To-Target-URI") or record.url)
            self._repeated += ((_unread(owner, place[0], url, place[1], mime, digest), first) for owner in owners)
            return
        text = self._text(record, mime, head.charset if head is not None else None)
        if text is not None:
            self._found += (CapturedText(owner, place[0], url, place[1], mime, digest, text) for owner in owners)

    def _text(self, record: StoredRecord, mime: str, charset: str | None) -> DocumentText | None:
        try:
            body = self._body(record)
        except DamagedRecord:
            self._report.unreadable += 1
            if is_begun(record):
                self._incomplete.append((record.record_id, record.offset))
            return None
        self._report.documents += 1
        return text_of(body, mime, charset)

    def _body(self, record: StoredRecord) -> bytes:
        """The beginning of a document; of one that was cut into segments, from all of its parts."""
        holdings = self._holdings
        if not is_begun(record):
            return _beginning(record)
        whole = read_whole(holdings.store, self._name, record.offset, find=holdings.segments.find)
        try:
            return _beginning(whole)
        finally:
            whole.close()

    def _owners(self, key: str, timestamp: str, offset: int) -> list[int]:
        """Collections that look this record up under its URL."""
        columns = captures.c
        wanted = select(columns.collection_id).where(
            columns.collection_id.in_(self._collections),
            columns.urlkey == key,
            columns.timestamp == int(timestamp),
            columns.file_id == self._number,
            columns.offset == offset,
        )
        with reading(self._holdings.engine) as connection:
            return [owner for (owner,) in connection.execute(wanted)]

    def _keep(self, end: int) -> bool:
        """Commit what was read up to a place; False when another process was quicker."""
        with writing(self._holdings.engine) as connection:
            moved = update(files).where(files.c.id == self._number, files.c.texted_to == self._done).values(texted_to=end)
            if not connection.execute(moved).rowcount:
                return False
            self._texts.add_within(connection, self._found)
            for item, first in self._repeated:
                self._report.repeated += self._texts.repeat_within(connection, item, first)
            for origin, offset in self._incomplete:
                self._holdings.segments.wait_within(connection, origin, self._number, offset)
        self._incomplete.clear()
        self._done = end
        self._found.clear()
        self._repeated.clear()
        return True
