"""Files and storage, search and the audit log, in the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Annotated

from archiver.accounts import Role
from archiver.errors import NotFound
from archiver.index.files import HELD, MISSING, PURGED, REMOVED, FileQuery, StoredFile
from archiver.search.snippet import snippet_of
from archiver.search.store import PageHit, TextStore
from archiver.search.words import Question, read_question
from archiver.storagefacts import StorageFacts, storage_facts
from archiver.timestamps import digits_of, parse_iso
from replay.workbench.api.operations import Page, PageQuery, first_of, number_of, operation
from replay.workbench.api.schema import Bounds
from replay.workbench.places import context

_STATES = (HELD, PURGED, REMOVED, MISSING)


@dataclass(frozen=True)
class FileView:
    """A WARC file as far as it belongs to one collection; sizes and digests are null until it was measured."""

    number: int
    name: str
    state: str
    size: int | None
    md5: str | None
    sha1: str | None
    sha256: str | None
    stored_at: datetime | None
    collection: str
    captures: int
    first: str
    last: str
    crawl: int | None


@dataclass(frozen=True)
class FileListQuery(PageQuery):
    """Which files are wanted."""

    collection: Annotated[str, Bounds("Of this collection.", longest=64)] = ""
    name: Annotated[str, Bounds("Exactly, or with * for any characters.", longest=500)] = ""
    crawl: Annotated[int | None, Bounds("Written by that crawl.", least=1)] = None
    since: Annotated[str, Bounds("With captures of that time or later.", longest=40)] = ""
    until: Annotated[str, Bounds("With captures of that time or earlier.", longest=40)] = ""


@dataclass(frozen=True)
class StorageView:
    """What a collection takes."""

    collection: str
    files: int
    bytes: int
    captures: int


@operation("GET", "/files", Role.VIEWER, "Storage")
def list_files(query: FileListQuery) -> Page[FileView]:
    """List the WARC files; one that belongs to two collections is there twice."""
    holdings, start = context().holdings, number_of(query)
    if query.collection:
        holdings.collections.get(query.collection)
    wanted = FileQuery(
        (query.collection,) if query.collection else None, query.name, query.crawl,
        digits_of(query.since) if query.since else "", digits_of(query.until, latest=True) if query.until else "",
        states=_STATES,
    )  # fmt: skip
    found = [_file(item) for item in holdings.files.find(wanted, offset=start, limit=query.limit + 1)]
    return first_of(found, query, lambda _: start + query.limit)


@operation("GET", "/files/<path:name>", Role.VIEWER, "Storage")
def get_file(name: str) -> tuple[FileView, ...]:
    """Look at a file: once for each collection that has a part of it."""
    found = tuple(map(_file, context().holdings.files.get(name)))
    if not found:
        raise NotFound("There is no file of that name.", "See /api/v1/files.")
    return found


@operation("GET", "/storage", Role.VIEWER, "Storage")
def get_storage() -> tuple[StorageView, ...]:
    """Say what each collection takes."""
    holdings = context().holdings
    totals = [(item.slug, holdings.files.totals(item.slug)) for item in holdings.collections.all()]
    return tuple(StorageView(slug, found.files, found.bytes, found.captures) for slug, found in totals)


@operation("GET", "/storage/place", Role.VIEWER, "Storage")
def get_storage_place() -> StorageFacts:
    """Say where the files are, how much they take, what is on its way there, how much room is left, and when they were last
    verified."""
    return storage_facts(context().holdings)


def _file(item: StoredFile) -> FileView:
    fixity, part = item.fixity, item.part
    return FileView(
        item.number, item.name, item.state, fixity.size if fixity else None, fixity.md5 if fixity else None,
        fixity.sha1 if fixity else None, fixity.sha256 if fixity else None,
        parse_iso(item.stored_at) if item.stored_at else None, part.collection, part.captures, part.first, part.last,
        part.crawl_id,
    )  # fmt: skip


# -- search ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SearchQuery(PageQuery):
    """What is looked for, and where; as readers type it, with site:, year:, type: and lang:."""

    q: Annotated[str, Bounds(longest=1000, example="tariffs site:example.org")] = ""
    collection: Annotated[str, Bounds("In this collection; in all, when it is left out.", longest=64)] = ""


@dataclass(frozen=True)
class HitView:
    """A page that was found: its best text; `versions` counts its texts with these words."""

    collection: str
    url: str
    title: str
    mime: str
    language: str
    first: str
    last: str
    captures: int
    versions: int
    score: float
    snippet: str


@operation("GET", "/search", Role.VIEWER, "Search")
def search(query: SearchQuery) -> Page[HitView]:
    """Look for words in the texts of pages, whatever rules of access say of them; the best first."""
    holdings, start = context().holdings, number_of(query)
    if query.collection:
        holdings.collections.get(query.collection)
    slugs = [query.collection] if query.collection else [item.slug for item in holdings.collections.all()]
    texts, question = TextStore(holdings.engine), read_question(query.q)
    pages = texts.search(slugs, question).pages[start : start + query.limit + 1]
    found = first_of(list(pages), query, lambda _: start + query.limit)
    return Page(tuple(_hit(texts, question, item) for item in found.items), found.following)


def _hit(texts: TextStore, question: Question, hit: PageHit) -> HitView:
    best = hit.best
    snippet = "".join(part.text for part in snippet_of(texts.text(best.number), question))
    return HitView(
        best.collection, best.url, best.title, best.mime, best.language, best.first, best.last, best.captures,
        len(hit.versions), best.score, snippet,
    )  # fmt: skip


# -- audit log ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AuditEntryView:
    """One entry of the audit log; each has the hash of the one before."""

    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: str
    previous: str
    hash: str


@dataclass(frozen=True)
class AuditVerdictView:
    """Whether the log is as it was written; `last` is the hash of its newest entry."""

    entries: int
    last: str
    problems: tuple[str, ...]


@dataclass(frozen=True)
class VerifyQuery:
    """What somebody noted of the log."""

    expected: Annotated[str, Bounds("The hash of what was then the last entry.", longest=64)] = ""


@operation("GET", "/audit", Role.ARCHIVIST, "Audit log")
def list_audit(query: PageQuery) -> Page[AuditEntryView]:
    """List what was done to the holdings, newest first."""
    log = context().holdings.audit.entries(after=number_of(query), newest_first=True)
    found = [
        AuditEntryView(
            item.number, parse_iso(item.at), item.actor, item.action, item.subject, item.detail, item.previous, item.hash
        )
        for item in islice(log, query.limit + 1)
    ]
    return first_of(found, query, lambda item: item.number)


@operation("GET", "/audit/verdict", Role.ARCHIVIST, "Audit log")
def verify_audit(query: VerifyQuery) -> AuditVerdictView:
    """Say whether all entries are there and as they were written."""
    verdict = context().holdings.audit.verify(query.expected)
    return AuditVerdictView(verdict.entries, verdict.last, verdict.problems)
