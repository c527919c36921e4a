"""Goes through a WARC file record by record as it lies there, and says where its frame is not as it has to be.

Unlike `reader`, which makes the best of any file, this keeps the raw header, tells one kind of damage from another, and can
begin anywhere. Memory is flat: blocks up to 4 MB come whole, larger ones in pieces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from archiver.warc.feeds import FIRST_STEP, MAGIC, Broken, Cut, Feed, Member, Plain, Window, begins_record, pass_header
from archiver.warc.gzipped import unpack
from archiver.warc.headrules import Header
from archiver.warc.headshapes import HeaderRules

_MAX_HEADER = 1024 * 1024
_WHOLE = 4 * 1024 * 1024
_NEAR = 1536  # bytes in which most headers end
_SMALLEST = 18  # bytes of a gzip member
_BLANK = re.compile(rb"\n\r?\n")
_MAGIC = re.compile(re.escape(MAGIC))
_PLAIN_START = re.compile(rb"WARC/\d")
_LINE_ENDS = b"\r\n"
_HAS_EXTRA = 4  # flag of a gzip header (RFC 1952, section 2.3.1)

Note = Callable[[str, int, str], None]  # rule, offset, detail


@dataclass(slots=True)
class Raw:
    """A record as it lies in the file.

    Attributes:
        offset: of the record as stored; of its member when several records share one.
        header: what its header says.
        block: all of it, or None for a large one.
        pieces: of a large one; to be read before the next record is asked for.
        length: bytes as stored; 0 for records that share a member, and until a large block was read.
        is_whole: the block has all its bytes; of a large one known when it was read.
    """

    offset: int
    header: Header
    block: memoryview | None
    pieces: Iterator[memoryview] | None = None
    length: int = 0
    is_whole: bool = True


class Scanner:
    """Every record of a file, or of a part of it.

    A part begins at the first thing from its start on that looks like a compressed record. A file may hold another one as it
    is, so that this can be wrong: only when the part before ends at `begin` is it right.

    Args:
        stream: seekable; read from `start`.
        rules: for headers.
        note: told what is wrong with the frame.
        start: where to begin; the first record that begins there or later is the first to be given.
        end: records that begin there or later belong to others; None for all.
        size: of the file.

    Attributes:
        begin: where the first record of the part is.
        is_compressed: as far as was seen.
    """

    def __init__(
        self, stream: BinaryIO, rules: HeaderRules, note: Note, *, start: int = 0, end: int | None = None, size: int = 0
    ) -> None:
        stream.seek(start)
        self._input = Window(stream, start)
        self._rules = rules
        self._note = note
        self._start = start
        self._end = end if end is not None else 1 << 62
        self._size = size
        self.is_compressed: bool | None = None
        self.begin = start

    @property
    def position(self) -> int:
        """Where it is; after the last record where the next part begins."""
        return self._input.position

    def records(self) -> Iterator[Raw]:
        """In their order."""
        source = self._input
        if self._start:
            is_there = self._find_member(self._start)
            self.begin = source.position if is_there else self._size
            if not is_there:
                source.seek(self._size)
                return
        while source.position < self._end:
            start = source.starts(5)
            if not start:
                return
            if start.startswith(MAGIC):
                self.is_compressed = True
                yield from self._members()
            elif start.startswith(b"\0"):
                self._pass_zeros()
            elif start == b"WARC/" or (self.is_compressed is None and start[:1] not in b"\r\n"):
                self.is_compressed = bool(self.is_compressed)
                yield from self._plain()
            else:
                self._pass_garbage()

    # -- between records ---------------------------------------------------------------------------------------------

    def _pass_zeros(self) -> None:
        source, begin = self._input, self._input.position
        while source.has(1):
            window = source.data[source.at :]
            kept = len(window.lstrip(b"\0"))
            source.at += len(window) - kept
            if kept:
                break
        self._note("warc-4-padding", begin, f"{source.position - begin:,} bytes")

    def _pass_garbage(self) -> None:
        begin = self._input.position
        if not self._find_member(begin):
            self._input.seek(max(self._size, begin))
            while self._input.has(1):
                self._input.at = len(self._input.data)
        self._note("gzip-garbage", begin, f"{self._input.position - begin:,} bytes")

    def _find_member(self, position: int) -> bool:
        """Go to the first gzip member with a record (or plain record, in a plain file) from a position on."""
        source = self._input
        source.seek(position)
        while source.has(len(MAGIC)):
            found = source.data.find(MAGIC, source.at)
            if found < 0:
                source.at = len(source.data) - len(MAGIC) + 1
                if not source.has(len(MAGIC)):
                    return False
                continue
            source.at = found
            here = source.position
            if begins_record(source):
                source.seek(here)
                return True
            source.seek(here + 1)
        return False

    # -- compressed --------------------------------------------------------------------------------------------------

    def _members(self) -> Iterator[Raw]:
        """Members until something else begins. Most hold a record and nothing else, and the next one follows: these go the
        short way."""
        source, check, begins = self._input, self._rules.check, self._rules.begins
        window, view, base = b"", memoryview(b""), 0
        places: Iterator[re.Match[bytes]] = iter(())
        behind = -1
        while True:
            at = source.at
            if len(source.data) - at < FIRST_STEP:
                source.has(FIRST_STEP)
            if (data := source.data) is not window:
                window, view, at, behind = data, memoryview(data), source.at, 0
                base, places = source.position - at, _MAGIC.finditer(data, at)
            offset = base + at
            if offset >= self._end or not data.startswith(MAGIC, at):
                return
            if data[at + 3 : at + 4] and data[at + 3] & _HAS_EXTRA:
                self._note("gzip-extra", offset, "")
            while 0 <= behind < at + _SMALLEST:
                behind = found.start() if (found := next(places, None)) is not None else -1
            out = unpack(data, at, behind, view, _WHOLE) if behind > 0 else None
            if out is None:
                yield from self._member(source, offset)
                continue
            known = begins(out[:_NEAR].decode("latin-1"))
            if known is not None and known[1] + (known[0].length or 0) + 4 == len(out) and out.endswith(b"\r\n\r\n"):
                source.at = behind
                yield Raw(offset, known[0], memoryview(out)[known[1] : -4], None, behind - at)
                continue
            end = out.find(b"\r\n\r\n") + 4
            if end > 4 and out.startswith(b"WARC/") and out.endswith(b"\r\n\r\n") and out.find(b"\n\n", 0, end) < 0:
                header = check(bytes(out[:end]))
                if header.length is not None and end + header.length + 4 == len(out):
                    source.at = behind
                    yield Raw(offset, header, memoryview(out)[end:-4], None, behind - at)
                    continue
            yield from self._member(source, offset)

    def _member(self, source: Window, offset: int) -> Iterator[Raw]:
        """A member that is not as most are."""
        feed = Member(source)
        feed.first()
        count = 0
        try:
            for raw in self._records_of(feed, offset):
                count += 1
                yield raw
        except Cut:
            self._note("gzip-cut", offset, f"{source.position - offset:,} bytes of it are there")
            if not self._find_member(offset + 1):
                source.seek(max(self._size, source.position))
        except Broken as error:
            yield from self._salvage(str(error), offset, count)

    def _records_of(self, feed: Member, offset: int) -> Iterator[Raw]:
        """The records of a member, of which there should be one."""
        count = 0
        while feed.has(1):
            if self._is_blank(feed):
                continue
            count += 1
            if count == 2:
                self._note("gzip-member", offset, "")
            raw = self._record(feed, offset)
            if raw is None:
                while feed.pull():
                    feed.at = len(feed.buffer)
                return
            yield from self._given(raw, feed, count)
        if not count:
            self._note("gzip-empty", offset, "")

    def _salvage(self, rule: str, offset: int, count: int) -> Iterator[Raw]:
        """Go on after a member that is broken; what is in one with nothing but a wrong checksum is looked at all the same."""
        source = self._input
        reached = source.position
        if rule == "gzip-checksum":
            self._note(rule, offset, "")
            source.seek(offset)
            if not count and pass_header(source):
                feed = Member(source, wbits=-15)
                with suppress(Cut, Broken):
                    yield from self._records_of(feed, offset)
                    source.seek(source.position + 8)
                    return
        if self._find_member(max(offset + 1, reached if count else 0)):
            end = source.position
        else:
            end = max(self._size, reached)
            source.seek(end)
        if rule != "gzip-checksum":
            self._note(rule, offset, f"{end - offset:,} bytes up to the next record cannot be read")

    def _given(self, raw: Raw, feed: Member, count: int) -> Iterator[Raw]:
        """A record, and what is behind its block inside the member."""
        trouble: Exception | None = None
        is_alone = False
        if raw.pieces is None:
            try:
                is_alone = self._end_of_record(feed, raw.offset) and count == 1
            except (Cut, Broken) as error:
                trouble = error
            raw.length = self._input.position - raw.offset if is_alone else 0
            yield raw
        else:
            yield raw
            for _ in raw.pieces:
                pass  # what was not wanted
            if raw.is_whole:
                is_alone = self._end_of_record(feed, raw.offset) and count == 1
                raw.length = self._input.position - raw.offset if is_alone else 0
            trouble = feed.trouble
        if trouble is not None:
            raise trouble

    def _end_of_record(self, feed: Feed, offset: int) -> bool:
        """Check the two empty lines; True when nothing is behind them."""
        rest = feed.buffer[feed.at : feed.at + 9]
        if rest == b"\r\n\r\n" and feed.is_done:
            feed.at += 4
            return True
        feed.has(9)
        rest = feed.buffer[feed.at : feed.at + 9]
        if rest[:4] == b"\r\n\r\n" and (rest[4:] in (b"", b"WARC/") or (isinstance(feed, Plain) and rest[4:7] == MAGIC)):
            feed.at += 4
            return len(rest) == 4
        if not rest or rest.strip(b"\r\n") == b"" or rest.lstrip(b"\r\n").startswith(b"WARC/"[: len(rest.lstrip(b"\r\n"))]):
            self._note("warc-4-end", offset, _shown(rest))
            while feed.has(1) and feed.buffer[feed.at] in _LINE_ENDS:
                feed.at += 1
            return not feed.has(1)
        self._note("warc-4-end", offset, f"instead: {_shown(rest)}")
        return self._skip_to_record(feed)

    def _skip_to_record(self, feed: Feed) -> bool:
        """Pass over bytes until something that begins like a record; True when there is nothing."""
        while True:
            found = _PLAIN_START.search(feed.buffer, feed.at)
            if found and (found.start() == 0 or feed.buffer[found.start() - 1] in _LINE_ENDS):
                feed.at = found.start()
                return False
            if found:
                feed.at = found.end()
                continue
            feed.at = max(feed.at, len(feed.buffer) - 6)
            kept = len(feed.buffer) - feed.at
            if not feed.has(kept + 1):
                feed.at = len(feed.buffer)
                return True

    # -- plain -------------------------------------------------------------------------------------------------------

    def _plain(self) -> Iterator[Raw]:
        feed = Plain(self._input)
        while feed.has(1):
            offset = feed.position
            if offset >= self._end:
                return
            start = feed.buffer[feed.at : feed.at + 3]
            if start == MAGIC or start[:1] == b"\0":
                self._input.seek(offset)
                return
            if start[:1] in (b"\r", b"\n"):
                self._note("warc-4-end", offset, "empty lines before a record")
                while feed.has(1) and feed.buffer[feed.at] in _LINE_ENDS:
                    feed.at += 1
                continue
            try:
                raw = self._record(feed, offset)
                if raw is None:
                    feed.at = min(feed.at + 1, len(feed.buffer))
                    self._skip_to_record(feed)
                    continue
                if raw.pieces is None:
                    self._end_of_record(feed, offset)
                    raw.length = feed.position - offset
                    yield raw
                    continue
                yield raw
                for _ in raw.pieces:
                    pass
                if raw.is_whole:
                    self._end_of_record(feed, offset)
                raw.length = feed.position - offset
            except Cut:
                self._note("warc-4-cut", offset, "")
                return

    # -- a record ----------------------------------------------------------------------------------------------------

    def _is_blank(self, feed: Feed) -> bool:
        if feed.buffer[feed.at] not in _LINE_ENDS:
            return False
        while feed.has(1) and feed.buffer[feed.at] in _LINE_ENDS:
            feed.at += 1
        return True

    def _record(self, feed: Feed, offset: int) -> Raw | None:
        """The record at the place; None when there is none that can be read."""
        end = feed.buffer.find(b"\r\n\r\n", feed.at) + 4
        if end < 4 or feed.buffer.find(b"\n\n", feed.at, end) >= 0:
            end = self._header_end(feed, offset)
            if end < 0:
                return None
        if not feed.buffer.startswith(b"WARC/", feed.at):
            self._note("warc-4-no-record", offset, _shown(feed.buffer[feed.at : feed.at + 60]))
            return None
        header = self._rules.check(feed.buffer[feed.at : end])
        feed.at = end
        length = header.length
        if length is None:
            for rule, detail in header.broken:
                self._note(rule, offset, detail)
            return None
        if length > _WHOLE:
            raw = Raw(offset, header, None)
            raw.pieces = self._pieces(feed, raw, length)
            return raw
        is_whole = feed.has(length)
        here = feed.at
        block = memoryview(feed.buffer)[here : here + length]
        feed.at = min(here + length, len(feed.buffer))
        if not is_whole:
            missing = length - len(block)
            self._note("warc-4-cut", offset, f"{missing:,} of {length:,} bytes of the block are missing")
        return Raw(offset, header, block, None, 0, is_whole)

    def _header_end(self, feed: Feed, offset: int) -> int:
        """The end of the header, from where `feed` has it; -1 when it has none."""
        while True:
            found = _BLANK.search(feed.buffer, feed.at)
            if found:
                return found.end()
            if len(feed.buffer) - feed.at > _MAX_HEADER:
                self._note("warc-4-header-size", offset, "")
                return -1
            if not feed.pull():
                is_record = feed.buffer.startswith(b"WARC/", feed.at)
                start = _shown(feed.buffer[feed.at : feed.at + 60])
                self._note("warc-4-cut" if is_record else "warc-4-no-record", offset, start)
                feed.at = len(feed.buffer)
                return -1

    def _pieces(self, feed: Feed, raw: Raw, length: int) -> Iterator[memoryview]:
        left = length
        raw.is_whole = False
        while left:
            try:
                is_there = feed.at < len(feed.buffer) or feed.pull()
            except (Cut, Broken) as error:
                feed.trouble = error  # told by who asked for the record
                return
            if not is_there:
                self._note("warc-4-cut", raw.offset, f"{left:,} of {length:,} bytes of the block are missing")
                return
            piece = memoryview(feed.buffer)[feed.at : feed.at + left]
            feed.at += len(piece)
            left -= len(piece)
            yield piece
        raw.is_whole = True


def _shown(data: bytes) -> str:
    """The beginning of some bytes, for people."""
    return ascii(data[:60].decode("utf-8", "replace"))
