"""Keeps the texts of documents and finds them by their words."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote, urlsplit

import zstandard
from sqlalchemy import Connection, Engine, and_, delete, insert, select, update

from archiver.extract.text import DocumentText
from archiver.index.database import erasing, number_of_new, reading, writing
from archiver.index.tables import collections
from archiver.index.texttables import Words, add_words, clear_words, matching, page_texts, remove_words, sweep_words
from archiver.search.words import Question, collection_word, host_words, words_of

#: Texts that one question looks at: the newest. What readers look for is among the best of so many, or they say more.
MOST_MATCHES = 3000
#: Pages of the word index that are written anew in one transaction.
_PAGES_AT_ONCE = 2000
_MAX_TEXT = 4 * 1024 * 1024

_FOUND = "id, collection_id, urlkey, url, host, first_timestamp, last_timestamp, captures, mime, title, language"


@dataclass(frozen=True, slots=True)
class CapturedText:
    """The text of one capture.

    Attributes:
        collection_id: of its collection.
        urlkey: SURT key.
        url: as archived.
        timestamp: 14 digits.
        mime: media type.
        digest: of the payload.
        text: what it says.
    """

    collection_id: int
    urlkey: str
    url: str
    timestamp: str
    mime: str
    digest: str
    text: DocumentText


@dataclass(frozen=True, slots=True)
class TextVersion:
    """A text that was found.

    Attributes:
        number: of the text.
        collection: slug.
        urlkey: SURT key.
        url: as archived.
        host: of the URL.
        first: timestamp of the first capture with this text, 14 digits.
        last: of the last.
        captures: how many captures have it.
        mime: media type.
        title: of the document.
        language: two letters, or "".
        score: the higher the better.
    """

    number: int
    collection: str
    urlkey: str
    url: str
    host: str
    first: str
    last: str
    captures: int
    mime: str
    title: str
    language: str
    score: float


@dataclass(frozen=True, slots=True)
class PageHit:
    """A page that was found: its best text first, then the others by time, newest first."""

    versions: tuple[TextVersion, ...]

    @property
    def best(self) -> TextVersion:
        return self.versions[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question found.

    Attributes:
        pages: the best first.
        is_more: there are more texts with these words than were looked at.
        hosts: how many pages a host has among them.
        mimes: the same by media type.
        years: the same by year of their captures.
        by_collection: the same by collection.
    """

    pages: tuple[PageHit, ...] = ()
    is_more: bool = False
    hosts: Counter[str] = field(default_factory=Counter)
    mimes: Counter[str] = field(default_factory=Counter)
    years: Counter[str] = field(default_factory=Counter)
    by_collection: Counter[str] = field(default_factory=Counter)


class TextStore:
    """The texts of an archive.

    Args:
        engine: the archive's database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # -- writing -----------------------------------------------------------------------------------------------------

    def add_within(self, connection: Connection, found: Iterable[CapturedText]) -> None:
        """Keep texts within a transaction of the caller's. A text that its URL has already is counted there."""
        columns = page_texts.c
        for item in found:
            text_hash = hashlib.sha256(f"{item.text.title}\0{item.text.text}".encode()).hexdigest()[:32]
            moment = int(item.timestamp)
            same = select(columns.id, columns.first_timestamp, columns.last_timestamp, columns.captures).where(
                _of_url(item.collection_id, item.urlkey), columns.text_hash == text_hash
            )
            row = connection.execute(same).first()
            if row is not None:
                _count(connection, row, moment, item.digest)
                continue
            values = {
                "collection_id": item.collection_id,
                "urlkey": item.urlkey,
                "text_hash": text_hash,
                "url": item.url,
                "host": _host_of(item.url),
                "first_timestamp": moment,
                "last_timestamp": moment,
                "mime": item.mime,
                "title": item.text.title,
                "language": item.text.language,
                "digest": item.digest,
                "is_cut": int(item.text.is_cut),
                "text": zstandard.ZstdCompressor(level=3).compress(item.text.text.encode()),
            }
            made = connection.execute(insert(page_texts).values(values))
            number = number_of_new(made)
            add_words(connection, number, _words(item.collection_id, item.url, item.text.title, item.text.text))

    def count_within(self, connection: Connection, collection_id: int, urlkey: str, timestamp: str, digest: str) -> bool:
        """A capture repeats a payload of its URL; False when no text of it is kept."""
        columns = page_texts.c
        same = (
            select(columns.id, columns.first_timestamp, columns.last_timestamp, columns.captures)
            .where(_of_url(collection_id, urlkey), columns.digest == digest)
            .order_by(columns.last_timestamp.desc())
        )
        row = connection.execute(same).first()
        if row is None:
            return False
        _count(connection, row, int(timestamp), digest)
        return True

    def repeat_within(self, connection: Connection, item: CapturedText, first: str) -> bool:
        """The same for a payload that may have been captured under another URL or in another collection alone.

        Args:
            connection: the caller's transaction.
            item: the capture; its text is not looked at.
            first: SURT key of the URL under which the payload was captured first.

        Returns:
            False when no text of it is kept anywhere.
        """
        if self.count_within(connection, item.collection_id, item.urlkey, item.timestamp, item.digest):
            return True
        columns = page_texts.c
        every = select(collections.c.id).scalar_subquery()
        same = select(page_texts).where(
            columns.collection_id.in_(every), columns.urlkey == first, columns.digest == item.digest
        )
        row = connection.execute(same.limit(1)).first()
        if row is None:
            return False
        text = DocumentText(row.title, _unpacked(row.text), row.language, bool(row.is_cut))
        self.add_within(connection, [replace(item, mime=row.mime, text=text)])
        return True

    def forget_within(self, connection: Connection, collection_id: int, urlkey: str) -> int:
        """Take all texts of a URL away; how many there were."""
        columns = page_texts.c
        wanted = select(columns.id, columns.url, columns.title, columns.text).where(_of_url(collection_id, urlkey))
        rows = connection.execute(wanted).all()
        for number, url, title, packed in rows:
            remove_words(connection, number, _words(collection_id, url, title, _unpacked(packed)))
            connection.execute(delete(page_texts).where(columns.id == number))
        return len(rows)

    def forget_all_within(self, connection: Connection, collection_id: int) -> None:
        """Take all texts of a collection away."""
        keys = select(page_texts.c.urlkey).where(page_texts.c.collection_id == collection_id).distinct()
        for urlkey in connection.execute(keys).scalars().all():
            self.forget_within(connection, collection_id, urlkey)

    def clear(self) -> None:
        """Forget everything; what is in the WARC files can be read again."""
        with writing(self._engine) as connection:
            clear_words(connection)
            connection.execute(delete(page_texts))

    def sweep(self) -> None:
        """See to it that words which were taken away are not in the database's file any more, a few pages at a time."""
        pages = -_PAGES_AT_ONCE
        while True:
            with erasing(self._engine) as connection:
                is_more = sweep_words(connection, pages)
            if not is_more and pages > 0:
                return
            pages = _PAGES_AT_ONCE

    # -- reading -----------------------------------------------------------------------------------------------------

    def search(
        self,
        slugs: Sequence[str],
        question: Question,
        *,
        permits: Callable[[TextVersion], TextVersion | None] | None = None,
    ) -> Answer:
        """Pages whose texts answer a question.

        Args:
            slugs: collections to look in.
            question: what is looked for.
            permits: gives what of a text may be seen, None for nothing; it is then as if it were not held.

        Raises:
            StorageFailed: the database cannot be read.
        """
        if question.is_empty or not slugs:
            return Answer()
        with reading(self._engine) as connection:
            wanted = select(collections.c.id, collections.c.slug).where(collections.c.slug.in_(slugs))
            names = {number: slug for number, slug in connection.execute(wanted)}
            if not names:
                return Answer()
            rows = matching(connection, question, sorted(names), _FOUND, MOST_MATCHES + 1)
        versions = [_version(row, names[row[2]]) for row in rows[:MOST_MATCHES]]
        if permits is not None:
            versions = [seen for version in versions if (seen := permits(version)) is not None]
        return _answer(versions, is_more=len(rows) > MOST_MATCHES)

    def text(self, number: int) -> str:
        """The text of a version; "" when it is gone."""
        with reading(self._engine) as connection:
            packed = connection.execute(select(page_texts.c.text).where(page_texts.c.id == number)).scalar()
        return "" if packed is None else _unpacked(packed)


def _answer(versions: Sequence[TextVersion], *, is_more: bool) -> Answer:
    grouped: dict[tuple[str, str], list[TextVersion]] = {}
    for version in sorted(versions, key=lambda item: (-item.score, -int(item.last))):
        grouped.setdefault((version.collection, version.urlkey), []).append(version)
    pages = []
    answer = Answer(is_more=is_more)
    for (slug, _), (best, *others) in grouped.items():
        pages.append(PageHit((best, *sorted(others, key=lambda item: item.last, reverse=True))))
        answer.hosts[best.host] += 1
        answer.mimes[best.mime] += 1
        answer.by_collection[slug] += 1
        years = {str(year) for item in (best, *others) for year in range(int(item.first[:4]), int(item.last[:4]) + 1)}
        answer.years.update(years)
    return Answer(tuple(pages), is_more, answer.hosts, answer.mimes, answer.years, answer.by_collection)


def _of_url(collection_id: int, urlkey: str) -> Any:
    return and_(page_texts.c.collection_id == collection_id, page_texts.c.urlkey == urlkey)


def _count(connection: Connection, row: Any, moment: int, digest: str) -> None:
    values = {
        "first_timestamp": min(row[1], moment),
        "last_timestamp": max(row[2], moment),
        "captures": row[3] + 1,
    }
    if moment >= row[2]:
        values["digest"] = digest
    connection.execute(update(page_texts).where(page_texts.c.id == row[0]).values(values))


def _version(row: Any, slug: str) -> TextVersion:
    score, number, _, urlkey, url, host, first, last, captures, mime, title, language = row
    return TextVersion(
        number, slug, urlkey, url, host, f"{first:014d}", f"{last:014d}", captures, mime, title, language, float(score)
    )


def _words(collection_id: int, url: str, title: str, body: str) -> Words:
    place = [collection_word(collection_id), *host_words(_host_of(url))]
    return {"title": words_of(title), "body": words_of(body), "address": words_of(unquote(url)), "place": place}


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _unpacked(packed: bytes) -> str:
    return zstandard.ZstdDecompressor().decompress(packed, max_output_size=_MAX_TEXT).decode("utf-8", "replace")
