"""The WARC files of an archive, as harvesters are told of them: page after page, the newest first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlalchemy import select

from archiver.errors import NotFound, UsageError
from archiver.holdings import Holdings
from archiver.index.database import reading
from archiver.index.files import FileQuery, StoredFile
from archiver.index.tables import collections
from archiver.plaintext import one_line
from archiver.timestamps import parse_iso, parse_timestamp, to_iso, to_timestamp
from archiver.wasapi.query import WebdataQuery, whole_second

_NUMBERED = re.compile(r"([1-9][0-9]{0,9})-(.+)", re.DOTALL | re.ASCII)
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file that can be fetched.

    Attributes:
        filename: under which it is known, without folders; the same for no other file.
        filetype: "warc", "wat" or "cdx".
        size: bytes.
        md5: hexadecimal, as the two that follow.
        sha1: of all its bytes.
        sha256: of all its bytes.
        collection: slug; of derived files "" where they are of several.
        crawl: number of the crawl that wrote it; None when that is not known.
        crawl_time: when its oldest capture was made, WARC-Date; "" when it has none.
        crawl_start: when that crawl began; "" when none is known.
        store_time: when the archive got it.
        place: the end of its address, unescaped: what tells it from others, and its name.
    """

    filename: str
    filetype: str
    size: int
    md5: str
    sha1: str
    sha256: str
    collection: str
    crawl: int | None
    crawl_time: str
    crawl_start: str
    store_time: str
    place: tuple[str, str]

    def described(self, location: str, account: str | None) -> dict[str, object]:
        """As WASAPI says it.

        Args:
            location: its address.
            account: whose it is.
        """
        return {
            "filename": self.filename,
            "filetype": self.filetype,
            "checksums": {"md5": self.md5, "sha1": self.sha1, "sha256": self.sha256},
            "size": self.size,
            "account": account,
            "collection": self.collection or None,
            "crawl": self.crawl,
            "crawl-time": self.crawl_time or None,
            "crawl-start": self.crawl_start or None,
            "store-time": self.store_time or None,
            "locations": [location],
        }


class Webdata:
    """Finds files by what WASAPI says of them. A file that two collections have a part of is there for each.

    Args:
        holdings: the opened archive.
    """

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings

    def count(self, query: WebdataQuery) -> int:
        """How many WARC files a query finds.

        Raises:
            UsageError: it names a collection that does not exist.
        """
        asked = self._question(query)
        return self._holdings.files.count(asked) if asked is not None else 0

    def page(self, query: WebdataQuery) -> list[WebFile]:
        """The files of the page that a query asks for."""
        offset = (query.page - 1) * query.page_size
        asked = self._question(query)
        if asked is None:
            return []
        found = self._holdings.files.find(asked, offset=offset, limit=query.page_size, newest_first=True)
        return [file for file, _ in self._told(found)]

    def each(self, query: WebdataQuery) -> Iterator[tuple[WebFile, str]]:
        """All files that a query finds, on whatever page, in the order they came in, with their names in the store."""
        asked, last = self._question(query), 0
        seen: set[tuple[int, str]] = set()
        while asked is not None:
            # What a file is to a second collection can be on the next page: the last number is asked for again.
            found = self._holdings.files.find(asked, after=max(0, last - 1), limit=_AT_ONCE)
            fresh = [item for item in found if (item.number, item.part.collection) not in seen]
            if not fresh:
                return
            yield from self._told(fresh)
            last = fresh[-1].number
            seen = {(item.number, item.part.collection) for item in found if item.number == last}

    def get(self, number: int) -> tuple[WebFile, str]:
        """A file by its number, with its name in the store.

        Raises:
            NotFound: there is none of that number, or it is not there any more.
        """
        found = self._holdings.files.find(FileQuery(number=number, only_measured=True), limit=1)
        if not found:
            raise NotFound("There is no file of that number.", "It may have been removed; ask for the list again.")
        return self._told(found)[0]

    def _question(self, query: WebdataQuery) -> FileQuery | None:
        """What is asked of the registry; None where no WARC file can be meant."""
        slugs = self.slugs(query.collections)
        if query.filetype not in ("", "warc"):
            return None
        begun = [query.time(f"crawl-time-{end}") for end in ("after", "before")]
        started = [query.time(f"crawl-start-{end}") for end in ("after", "before")]
        stored = [query.time(f"store-time-{end}") for end in ("after", "before")]
        asked = FileQuery(
            collections=slugs,
            crawl_id=query.crawl or None,
            only_measured=True,
            called=query.filename,
            begun_since=to_timestamp(whole_second(begun[0])) if begun[0] else "",
            begun_before=to_timestamp(whole_second(begun[1])) if begun[1] else "",
            crawl_since=to_iso(started[0]) if started[0] else "",
            crawl_before=to_iso(started[1]) if started[1] else "",
            stored_since=to_iso(whole_second(stored[0]), 0) if stored[0] else "",
            stored_before=to_iso(whole_second(stored[1]), 0) if stored[1] else "",
        )
        numbered = _NUMBERED.fullmatch(query.filename)
        if numbered is not None and not self._holdings.files.count(asked):
            return replace(asked, called=numbered[2], number=int(numbered[1]))
        return asked

    def slugs(self, named: tuple[str, ...]) -> list[str] | None:
        """The collections that are named, by slug or by number; None for all.

        Raises:
            UsageError: there is none of that name.
        """
        if not named:
            return None
        with reading(self._holdings.engine) as connection:
            known = {str(number): slug for number, slug in connection.execute(select(collections.c.id, collections.c.slug))}
        slugs = set(known.values())
        found = []
        for name in named:
            slug = name if name in slugs else known.get(name)
            if slug is None:
                raise UsageError(f"There is no collection “{one_line(name)[:80]}”.", "Give its name, or its number.")
            found.append(slug)
        return found

    def _told(self, found: list[StoredFile]) -> list[tuple[WebFile, str]]:
        """Files as they are told, with their names in the store."""
        called = {item.name: item.name.rpartition("/")[2] for item in found}
        many = self._holdings.files.ambiguous(sorted(set(called.values()))) if found else frozenset()
        return [(_web_file(item, called[item.name], called[item.name] in many), item.name) for item in found]


def _web_file(item: StoredFile, called: str, is_ambiguous: bool) -> WebFile:
    fixity, part = item.fixity, item.part
    assert fixity is not None  # only those are asked for
    name = f"{item.number}-{called}" if is_ambiguous else called
    return WebFile(
        name, "warc", fixity.size, fixity.md5, fixity.sha1, fixity.sha256, part.collection, part.crawl_id,
        to_iso(parse_timestamp(part.first), 0) if part.first else "",
        to_iso(parse_iso(item.crawl_started_at), 0) if item.crawl_started_at else "",
        item.stored_at, (str(item.number), name),
    )  # fmt: skip
