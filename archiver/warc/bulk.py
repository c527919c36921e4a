"""Reads whole WARC files as fast as they can be decompressed: what is ordinary with FastWARC, the rest with our own reader.

FastWARC says where records begin and what their headers are. A record counts as ordinary when its bytes can only be what
FastWARC made of them: the header as the standard writes it adds up, with the block, to the length that the gzip member
has by its trailer, and no other member begins before the next record does. FastWARC checks the members' checksums. Where
anything is different, `iter_records` reads on from the beginning of that record, so that both together say of any file
exactly what `iter_records` alone says.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol, cast

from archiver.warc.gzipped import MAGIC, whole_members
from archiver.warc.reader import BadRecord, StoredRecord, iter_records

#: Bytes of a record besides its fields and block: its first line, the blank one after the header, those after the block.
_FRAME = len("WARC/1.0\r\n" + "\r\n")
_END = len("\r\n\r\n")
_ORDINARY_VERSIONS = frozenset({"WARC/1.0", "WARC/1.1"})
#: Bytes read last that can be looked at again.
_WINDOW = 1024 * 1024
_MOST_LAYOUTS = 10_000

_NAME, _VALUE = rb"[!#-9;-~]+", rb"[!-~][^\x00-\x1f\x7f]*(?<=[!-~])"
_VERSION = rb"WARC/1\.[01]\r\n"
_HEAD = re.compile(_VERSION + rb"(?:" + _NAME + rb": " + _VALUE + rb"\r\n)+\r\n")
_FIELD = re.compile(rb"\r\n(" + _NAME + rb"): ([^\r]*)")
_MOST_HEAD = 60 * 1024
#: Bytes of a header under which layouts are kept, with the type first, as most writers have it, just enough to tell types
#: apart; how many beginnings are kept and layouts of each.
_KEY, _MOST_KEYS = 26, 64
#: Headers of a file that are learned from: that takes as long as reading a hundred, and some files have no two alike.
_MOST_LEARNED = 1000

#: Fields that every capture is asked for.
INDEXED = (b"warc-target-uri", b"warc-date", b"content-type", b"warc-payload-digest", b"warc-record-id")


class Layout:
    """What header fields a record has. A file has few layouts, so what follows from one is worked out once.

    Attributes:
        names: of the fields, in order.
        at: name in lower case → place of the first field of that name.
        places: of the fields `INDEXED` in the values with one more behind them, which stands for those that are not there.
        kind: type of the record in lower case, where all records with the layout have one; None where that is not known.
        size: bytes of a record header besides its values.
        is_sure: the length of the block is said once.
    """

    __slots__ = ("at", "is_sure", "kind", "names", "places", "size")

    def __init__(self, names: tuple[bytes, ...], kind: str | None = None) -> None:
        self.names = names
        self.kind = kind
        lower = [name.decode("utf-8", "replace").lower().encode() for name in names]
        self.at = {name: place for place, name in reversed(list(enumerate(lower)))}
        self.size = _FRAME + sum(len(name) + len(": \r\n") for name in names)
        self.is_sure = lower.count(b"content-length") == 1
        self.places = tuple(self.at.get(name, -1) for name in INDEXED)


class Values(Protocol):
    """The values of the header fields of a record, as they are stored."""

    def groups(self) -> tuple[bytes, ...]:
        """In the order of the layout's names."""


class _Known:
    """Values that are there already."""

    __slots__ = ("_values",)

    def __init__(self, values: tuple[bytes, ...]) -> None:
        self._values = values

    def groups(self) -> tuple[bytes, ...]:
        return self._values


class _Block:
    """The block of a record that is all in memory."""

    __slots__ = ("_at", "_data")

    def __init__(self) -> None:
        self._data, self._at = bytearray(), 0

    def begin(self, data: bytearray, at: int) -> _Block:
        """At the block of another record."""
        self._data, self._at = data, at
        return self

    def read(self, size: int) -> bytes:
        at = self._at
        self._at = end = min(at + size, len(self._data) - _END)
        return bytes(self._data[at:end])


#: Looks at each ordinary record: layout and values of its fields, the length of its block in bytes and a reader of the block.
Look = Callable[[Layout, Values, int, Any], object]


@dataclass(slots=True)
class QuickRecord:
    """An ordinary record.

    Attributes:
        layout: of its header.
        head: has the values of the header fields.
        offset: in the file as stored.
        length: bytes as stored.
        content_length: of the block.
        found: what `look` made of it.
    """

    layout: Layout
    head: Values
    offset: int
    length: int
    content_length: int
    found: object


def read_quickly(
    stream: BinaryIO, look: Look, offset: int = 0, *, ahead: bool = False
) -> Iterator[QuickRecord | StoredRecord | BadRecord]:
    """Every record of a WARC or ARC file.

    Args:
        stream: can be sought in.
        look: takes what is wanted of an ordinary record, while it is read.
        offset: of a record, to begin there.
        ahead: unpack large records in a second thread before their turn comes.

    Yields:
        Ordinary records; others as `iter_records` gives them, with their length once the next one was asked for.
    """
    watched, heads = _Watched(stream), Heads()
    patience = 1  # records that our own reader takes before a quick one is tried again: twice as many each time it is in vain
    position: int | None = offset
    while position is not None:
        stream.seek(position)
        is_gzip = stream.read(len(MAGIC)) == MAGIC
        odd, taken = yield from _members(stream, position, heads, look, ahead) if is_gzip else _plain(watched, position, look)
        patience = 1 if taken > patience else 2 * patience
        position = yield from _carefully(watched, odd, patience)


def _members(
    stream: BinaryIO, offset: int, heads: Heads, look: Look, ahead: bool
) -> Generator[QuickRecord, None, tuple[int, int]]:
    """Ordinary records in gzip members of their own; see `_plain`."""
    before: QuickRecord | None = None
    odd, taken, reader = offset, 0, _Block()
    for here, end, data in whole_members(stream, offset, ahead=ahead):
        known = heads.match(data)
        if known is None:
            break
        layout, length_place, head = known
        block, length = head.end(), int(head[length_place])
        if block + length + _END != len(data) or not data.endswith(b"\r\n\r\n"):
            break
        if before is not None:
            odd = here
            taken += 1
            yield before
        before = QuickRecord(layout, head, here, end - here, length, look(layout, head, length, reader.begin(data, block)))
    # Our own reader begins one record before the odd one, and so comes to that as if it had read all.
    return odd, taken


class Heads:
    """Finds what header fields a record has by what was learned from others: most of a file are made alike.

    Only such headers are known as any reader reads alike: lines with one space behind the colon and none at their ends, that
    say the length of the block once.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, list[tuple[re.Pattern[bytes], Layout, int]]] = {}
        self._left = _MOST_LEARNED

    def match(self, data: bytearray) -> tuple[Layout, int, re.Match[bytes]] | None:
        """Layout, group of the length and values of the header that data begins with; None when it is another kind."""
        key = bytes(data[:_KEY])
        known = self._known.get(key)
        if known is not None:
            pattern, layout, length_place = known[0]
            if (head := pattern.match(data)) is not None:
                return layout, length_place, head
            for place, (pattern, layout, length_place) in enumerate(known):
                if (head := pattern.match(data)) is not None:
                    known.insert(0, known.pop(place))  # what fitted last is tried first
                    return layout, length_place, head
        learned = self._learn(data) if self._left > 0 else None
        self._left -= 1
        if learned is None:
            return None
        if len(self._known) > _MOST_KEYS:
            self._known.clear()
        known = self._known.setdefault(key, [])
        del known[_MOST_KEYS - 1 :]
        known.insert(0, learned)
        pattern, layout, length_place = learned
        head = pattern.match(data)
        return None if head is None else (layout, length_place, head)

    @staticmethod
    def _learn(data: bytearray) -> tuple[re.Pattern[bytes], Layout, int] | None:
        head = _HEAD.match(data, 0, _MOST_HEAD)
        if head is None:
            return None
        names: list[bytes] = []
        parts, kind, length_place = [_VERSION], "", 0
        for name, value in _FIELD.findall(head.group()):
            lower, form = name.lower(), _VALUE
            if lower == b"warc-type":
                if lower in map(bytes.lower, names):
                    return None
                form, kind = re.escape(value), value.decode("utf-8", "replace").lower()
            elif lower == b"content-length":
                form, length_place = rb"\d{1,18}", len(names) + 1
            names.append(name)
            parts.append(re.escape(name) + b": (" + form + rb")\r\n")
        layout = Layout(tuple(names), kind)
        return (re.compile(b"".join(parts) + rb"\r\n"), layout, length_place) if layout.is_sure else None


def _carefully(watched: _Watched, offset: int, patience: int) -> Generator[StoredRecord | BadRecord, None, int | None]:
    """With our own reader, until an ordinary record may begin; where that is, None at the end."""
    before = offset
    watched.seek(offset)
    for item in iter_records(cast(BinaryIO, watched), offset):
        if isinstance(item, StoredRecord):
            if patience <= 0 and item.offset > before and item.alone and item.version in _ORDINARY_VERSIONS:
                return item.offset
            before = item.offset
            patience -= 1
        yield item
    return None


def _plain(watched: _Watched, offset: int, look: Look) -> Generator[QuickRecord, None, tuple[int, int]]:
    """Ordinary records from a place on; (place of the first one that is not, or may not be, ordinary; how many there were)."""
    from fastwarc.warc import ArchiveIterator

    watched.begin(offset)
    before: QuickRecord | None = None
    odd, taken = offset, 0
    layouts: dict[tuple[bytes, ...], Layout] = {}
    try:
        for record in ArchiveIterator(cast(BinaryIO, watched), parse_http=False):
            here = record.stream_pos  # FastWARC asks where the file is
            if before is not None:
                if not watched.is_ordinary(before, here):
                    break
                before.length = here - before.offset - _END
                odd = here
                taken += 1
                yield before
            elif here != offset:
                break
            headers = record.headers
            names, values = headers.keys_bytes(), _Known(headers.values_bytes())
            layout = layouts.get(names)
            if layout is None:
                if len(layouts) >= _MOST_LAYOUTS:
                    layouts.clear()
                layout = layouts[names] = Layout(names)
            length = record.content_length
            before = QuickRecord(layout, values, here, 0, length, look(layout, values, length, record.reader))
    except (OSError, ValueError):
        pass  # damaged, or no WARC file: our own reader says what it is
    # The last one too: nobody has seen what is behind it.
    return odd, taken


class _Watched:
    """A file whose bytes are looked at while FastWARC reads it: the last ones are kept."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._position = 0
        self._pieces: deque[tuple[int, bytes]] = deque()
        self._is_noting = False

    def begin(self, offset: int) -> None:
        """Look at what is read from here on."""
        self._pieces.clear()
        self.seek(offset)
        self._is_noting = True

    def read(self, size: int = -1) -> bytes:
        """As files do."""
        data = self._stream.read(size)
        if self._is_noting and data:
            self._note(data)
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """As files do; what is read then is not looked at."""
        self._is_noting = False
        self._position = self._stream.seek(offset, whence)
        return self._position

    def tell(self) -> int:
        """As files do."""
        return self._position

    def seekable(self) -> bool:
        """As files do."""
        return True

    def fileno(self) -> int:
        """As files do."""
        return self._stream.fileno()

    def _note(self, data: bytes) -> None:
        self._pieces.append((self._position, data))
        while len(self._pieces) > 2 and self._position - self._pieces[1][0] > _WINDOW:
            self._pieces.popleft()

    def is_ordinary(self, record: QuickRecord, end: int) -> bool:
        """Whether a record, behind which FastWARC says that another begins at `end`, fills all bytes to there as it should."""
        if not record.layout.is_sure:
            return False
        size = record.layout.size + sum(map(len, record.head.groups())) + record.content_length + _END
        return end == record.offset + size and self._last(end, _END) == b"\r\n\r\n"

    def _last(self, end: int, size: int) -> bytes:
        """The bytes before a place, of what was read a moment ago; fewer when they are gone."""
        start, data = self._pieces[-1]
        if end - size >= start:
            return data[end - start - size : end - start]
        found = b""
        for start, data in reversed(self._pieces):
            if start < end <= start + len(data):
                found = data[max(0, end - start - size) : end - start] + found
                if len(found) >= size:
                    break
                end, size = start, size - len(found)
        return found
