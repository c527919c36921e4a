"""What every capture index can be asked, wherever it is: database, files of an index, another server, several in one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from archiver.index.query import KeyRange, Place
from archiver.model import Capture

#: What `scan_rows` gives: urlkey, timestamp, url, mime, status, digest, length, offset, file, whether it is a revisit, and
#: the URL and timestamp of what that repeats. The timestamp is a number, status None where there is none; of what is repeated
#: both are None where unknown.
Row = tuple[str, int, str, str, int | None, str, int, int, str, int, str | None, str | None]

#: Places in a `Row`.
URLKEY, TIMESTAMP, URL, MIME, STATUS, DIGEST, LENGTH, OFFSET, FILE, IS_REVISIT, REFERS_TO_URL, REFERS_TO_TIMESTAMP = range(12)


#: The first digit of HTTP statuses; 0 for those that are none of these.
STATUS_CLASSES = (2, 3, 4, 5, 0)


def status_class(status: int | None) -> int:
    """The first digit of a status; 2 where there is none, as records without HTTP were never refused; 0 for no real one."""
    found = 2 if status is None else status // 100
    return found if found in STATUS_CLASSES else 0


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many captures a URL has on one day.

    Attributes:
        day: "YYYYMMDD"; a month or year where those were asked for.
        count: captures on that day.
        by_class: how many of them have a status of each of `STATUS_CLASSES`.
    """

    day: str
    count: int
    by_class: tuple[int, ...] = field(default=(0,) * len(STATUS_CLASSES), compare=False)


@dataclass(frozen=True, slots=True)
class UrlSummary:
    """The captures of one URL key in a few numbers.

    Attributes:
        url: one of its spellings.
        urlkey: SURT key.
        count: of captures.
        first: timestamp, 14 digits.
        last: timestamp, 14 digits.
        mime: media type of the captures that succeeded; "" when none did.
    """

    url: str
    urlkey: str
    count: int
    first: str
    last: str
    mime: str


@dataclass(frozen=True, slots=True)
class CollectionSummary:
    """The captures of a collection in a few numbers; `first` and `last` are timestamps, "" when it is empty."""

    captures: int
    urls: int
    first: str
    last: str
    bytes: int


class CaptureSource(Protocol):
    """Captures to be looked up. Between two that it gives it holds no connection or transaction; any method may raise
    `StorageFailed` when the index cannot be read."""

    def closest(self, slugs: Sequence[str], urlkey: str, timestamp: str) -> Iterator[Capture]:
        """Captures of a URL by their distance in time from `timestamp`, lazily; of equally near ones the earlier first.

        Args:
            slugs: collections to look in.
            urlkey: SURT key.
            timestamp: 1 to 14 digits; a short one means the beginning of its period.

        Raises:
            InvalidTimestamp: not such digits.
        """
        ...

    def newest(self, slugs: Sequence[str], urlkey: str) -> Capture | None:
        """The latest capture of a URL; None when there is none."""
        ...

    def versions(
        self,
        slugs: Sequence[str],
        urlkey: str,
        *,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> Iterator[Capture]:
        """Captures of a URL in the order of time, lazily.

        Args:
            slugs: collections to look in.
            urlkey: SURT key.
            since: 1 to 14 digits, included; a short one means the beginning of its period.
            until: 1 to 14 digits, included; a short one means the end of its period.
            limit: how many at most.
            newest_first: the other way round.

        Raises:
            InvalidTimestamp: `since` or `until` is no such digits.
        """
        ...

    def counts(self, slugs: Sequence[str], urlkey: str, *, digits: int = 8, period: str = "") -> list[DayCount]:
        """Captures of a URL a day, oldest first; those days that have some.

        Args:
            slugs: collections to look in.
            urlkey: SURT key.
            digits: of the timestamp that are one day: 8; 6 counts captures a month, 4 a year.
            period: 1 to 14 digits; only captures of that period.

        Raises:
            InvalidTimestamp: `period` is no such digits.
        """
        ...

    def under(self, slugs: Sequence[str], urlkey_prefix: str, *, limit: int = 100) -> list[UrlSummary]:
        """The URLs whose key starts with `urlkey_prefix`, in the order of keys, `limit` at most."""
        ...

    def keys(self, slugs: Sequence[str], start: str, *, limit: int) -> list[str]:
        """Different urlkeys that begin with `start`, those of requests with a body included; `limit` at most a collection."""
        ...

    def summary(self, slug: str) -> CollectionSummary:
        """A collection in a few numbers; may read all its rows."""
        ...

    def has_file(self, file: str) -> bool:
        """Some capture lies in that WARC file."""
        ...

    def scan(
        self,
        slugs: Sequence[str],
        ranges: Sequence[KeyRange],
        *,
        since: str | None = None,
        until: str | None = None,
        after: Place | None = None,
        newest_first: bool = False,
    ) -> Iterator[Capture]:
        """Captures in the order of keys, then of time, over all collections; as many as there are, in little memory.

        Args:
            slugs: collections to look in.
            ranges: of keys, see `archiver.index.query.key_ranges`.
            since: 1 to 14 digits, included; a short one means the beginning of its period.
            until: 1 to 14 digits, included; a short one means the end of its period.
            after: begins with the first capture that is not before this place (with `newest_first`: not behind it).
            newest_first: the other way round, keys too.

        Raises:
            InvalidTimestamp: `since` or `until` is no such digits.
        """
        ...

    def scan_rows(
        self,
        slugs: Sequence[str],
        ranges: Sequence[KeyRange],
        *,
        since: str | None = None,
        until: str | None = None,
        after: Place | None = None,
    ) -> Iterator[Sequence[Row]]:
        """What `scan` gives, oldest first, as plain tuples in batches of some thousand: for streams of millions.

        Captures of one key and second that lie in one batch stay in it or go on in the next: batches end anywhere.
        """
        ...
