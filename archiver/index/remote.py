"""Another CDX server as an index: asked over HTTP, within limits, and only at the host that was named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO

from archiver.errors import StorageFailed, UsageError
from archiver.fetch.guard import AddressGuard
from archiver.fetch.http import FetchLimits, HttpFetcher
from archiver.index.answers import StreamedIndex, capture_of
from archiver.index.keyforms import our_key
from archiver.index.merging import seconds
from archiver.index.protocol import Row
from archiver.index.query import KeyRange, Place, from_place
from archiver.index.remotequery import Dialect, Question, dialect_of, question_of, rows_of_answer, url_of_key
from archiver.index.sorting import sorted_rows
from archiver.index.warcnames import REPLAYED
from archiver.message import iter_body, read_head
from archiver.model import Capture
from archiver.settings import Settings
from archiver.timestamps import normalise_timestamp

#: No answer is longer, in bytes; no line of one.
_MAX_BYTES = 256 * 1024 * 1024
_MAX_LINE = 1024 * 1024
_LIMITS = FetchLimits(max_bytes=_MAX_BYTES, max_seconds=120.0, connect_timeout=5.0, read_timeout=20.0)
#: Captures asked for around a moment, before all of a URL are.
_NEAR = 50
#: Captures of one question of a stream, where the server can go on from its end.
_PAGE = 5000
_LAST_DATE = 9999_12_31_23_59_59
_OK, _NOT_FOUND = 200, 404


def fetcher_for(settings: Settings) -> HttpFetcher:
    """What other servers are asked with; private addresses only as the settings allow."""
    return HttpFetcher(
        user_agent=settings.user_agent,
        guard=AddressGuard(allow_private=settings.allow_private),
        limits=_LIMITS,
        pool_size=4,
        verify_tls=settings.verify_tls,
    )


class RemoteIndex(StreamedIndex):
    """The captures that another server lists.

    Args:
        slug: the collection that it is attached to.
        location: address of its CDX API, up to the "?".
        dialect: how it wants to be asked.
        fetcher: asks.
        place: makes of a file's name that under which it is opened; None where captures come from its replay.
        replay: address of its replay, before timestamp and URL.
    """

    def __init__(
        self,
        slug: str,
        location: str,
        dialect: Dialect,
        fetcher: HttpFetcher,
        *,
        place: Callable[[str], str] | None = None,
        replay: str = "",
    ) -> None:
        super().__init__(slug)
        self._location = location
        self._dialect = dialect
        self._fetcher = fetcher
        self._name = place
        self._replay = replay

    def closest(self, slugs: Sequence[str], urlkey: str, timestamp: str) -> Iterator[Capture]:
        """See `CaptureSource.closest`; one question, where the server has few captures of the URL."""
        wanted = normalise_timestamp(timestamp)
        url = url_of_key(urlkey)
        if self.slug not in slugs or url is None:
            return iter(())
        return self._closest(slugs, urlkey, url, wanted)

    def _closest(self, slugs: Sequence[str], urlkey: str, url: str, wanted: str) -> Iterator[Capture]:
        near = list(self._asked(Question(url, closest=wanted, limit=_NEAR), urlkey))
        if len(near) < _NEAR:
            there = seconds(wanted)
            near.sort(key=lambda row: (abs(seconds(f"{row[1]:014d}") - there), row[1]))
            yield from (capture_of(row, self.slug) for row in near)
        else:
            yield from super().closest(slugs, urlkey, wanted)

    def of_url(self, urlkey: str, moment: int, *, backward: bool) -> Iterator[Row]:
        """Captures of a URL; those near the moment are asked for first."""
        url = url_of_key(urlkey)
        if url is None:
            return
        wanted = f"{min(moment, _LAST_DATE):014d}"
        near = list(self._asked(Question(url, closest=wanted, limit=_NEAR), urlkey))
        given = _side(near, moment, backward)
        if len(near) < _NEAR:
            yield from given
            return
        # Of what is as far as the farthest of them there may be more; and some servers do not know this order at all.
        certain = [row for row in given if row[1] != given[-1][1]] if _is_by_distance(near, wanted) else []
        yield from certain
        every = self._asked(Question(url, until=wanted) if backward else Question(url, since=wanted), urlkey)
        yield from _side(list(every), moment, backward)[len(certain) :]

    def of_ranges(self, ranges: Sequence[KeyRange], after: Place | None, *, backward: bool) -> Iterator[Row]:
        """Captures of ranges of keys, as far as there is a question for them: URLs, prefixes, hosts and domains.

        Raises:
            UsageError: a range is none of these.
            StorageFailed: the server does not answer.
        """
        wanted = from_place(ranges, after, backward=backward)
        questions = [question_of(keys) for keys in wanted]
        if any(question is None for question in questions):
            raise UsageError("Another server cannot be asked for all that it has.", "Ask for a host or a prefix.")
        for keys, question in zip(wanted, questions, strict=True):
            assert question is not None
            rows = (row for row in self._asked(question, keys.only) if row[0] in keys)
            if after is not None:
                there = (after.urlkey, int(after.timestamp))
                rows = (row for row in rows if (row[:2] <= there if backward else row[:2] >= there))
            yield from sorted_rows(rows, backward=backward)

    def _asked(self, question: Question, key: str | None) -> Iterator[Row]:
        """The answer to a question, page after page where the server has pages.

        Args:
            question: to ask.
            key: of all its captures, where they have one; else each gets its own.
        """
        is_paged = self._dialect is Dialect.IA and not question.closest and question.url
        asked = replace(question, limit=_PAGE) if is_paged and question.match != "exact" else question
        while True:
            resume = ""
            for row in self._answer(asked):
                if isinstance(row, str):
                    resume = row
                elif key is None:
                    yield (our_key(row), *row[1:])
                elif our_key(row) == key or row[0] == key:
                    yield (key, *row[1:])
            if not resume or resume == asked.resume:
                return
            asked = replace(asked, resume=resume)

    def _answer(self, question: Question) -> Iterator[Row | str]:
        question = replace(question, places=self._name is not None)
        with _Answer(self._fetcher, f"{self._location}?{question.parameters(self._dialect)}") as answer:
            if answer.status == _NOT_FOUND:  # pywb's word for nothing
                return
            if answer.status != _OK:
                raise StorageFailed(f"{self._location} answers with status {answer.status}.", "Look at the address.")
            yield from rows_of_answer(answer.lines(), self._dialect, self._place)

    def _place(self, said: Mapping[str, object]) -> str:
        name = said.get("filename")
        if self._name is not None and isinstance(name, str) and name not in ("", "-"):
            return self._name(name)
        url = str(said.get("url")).replace("!/", "%21/")  # in names of files, that leads into a package
        return f"{REPLAYED}{self._replay}{said.get('timestamp')}id_/{url}"


def _side(rows: list[Row], moment: int, backward: bool) -> list[Row]:
    """Of captures in any order, those of one direction from a moment, in the order of that."""
    chosen = [row for row in rows if (row[1] < moment if backward else row[1] >= moment)]
    return sorted(chosen, key=lambda row: row[1], reverse=backward)


def _is_by_distance(rows: list[Row], wanted: str) -> bool:
    there = seconds(wanted)
    distances = [abs(seconds(f"{row[1]:014d}") - there) for row in rows]
    return distances == sorted(distances)


class _Answer:
    """One answer of a server; use it as a context manager.

    Raises:
        StorageFailed: there is none, or it is not whole.
    """

    def __init__(self, fetcher: HttpFetcher, url: str) -> None:
        self._where = url.partition("?")[0]
        exchange = fetcher.fetch(url, headers={"Accept-Encoding": "gzip"})
        self._exchange = exchange
        if exchange.failure is not None or exchange.response is None or exchange.truncated is not None:
            reason = exchange.failure.reason if exchange.failure is not None else "its answer is not whole"
            exchange.close()
            raise StorageFailed(f"{self._where} cannot be asked: {reason}.", "It is asked again in a minute.")
        self._stream: BinaryIO = exchange.response
        self._stream.seek(0)
        self.head = read_head(self._stream)
        self.status = self.head.status or 0

    def __enter__(self) -> _Answer:
        return self

    def __exit__(self, *_: object) -> None:
        self._exchange.close()

    def body(self) -> Iterator[bytes]:
        """Its content, in pieces, decoded."""
        return iter_body(self._stream, self.head)

    def lines(self) -> Iterator[bytes]:
        """Its lines.

        Raises:
            StorageFailed: one is longer than lines of an index are, or it unpacks to more than an answer may.
        """
        kept, size = b"", 0
        for piece in self.body():
            size += len(piece)
            *lines, kept = (kept + piece).split(b"\n")
            if size > _MAX_BYTES or len(kept) > _MAX_LINE:
                raise StorageFailed(f"{self._where} gave something that is no list of captures.", "Look at the address.")
            yield from lines
        if kept:
            yield kept


def detect(location: str, fetcher: HttpFetcher) -> Dialect:
    """Which dialect a server speaks.

    Raises:
        UsageError: it is no CDX server.
        StorageFailed: it cannot be asked.
    """
    question = Question("http://example.com/", limit=1)
    with _Answer(fetcher, f"{location}?{question.parameters(Dialect.PYWB)}") as answer:
        if answer.status in (_OK, _NOT_FOUND):
            found = dialect_of(answer.head.media_type, b"".join(line + b"\n" for line in _few(answer.lines())))
            if found is not None:
                return found
        raise UsageError(
            f"{location} does not answer as a CDX server.",
            "Give the address of its CDX API, or say its dialect with --dialect.",
        )


def _few(lines: Iterator[bytes]) -> Iterator[bytes]:
    for number, line in enumerate(lines):
        if number >= 3:
            return
        yield line
