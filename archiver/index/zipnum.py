"""ZipNum clusters, the form of Common Crawl's index: compressed blocks of sorted lines, and a file that says where each begins.

A line of the secondary index ("cluster.idx") is `urlkey timestamp TAB shard TAB offset TAB length TAB number`: the first line
of a block of the shard, which is a gzip member of its own there, of 3000 lines as a rule.
"""

from __future__ import annotations

import re
import zlib
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Lock

from archiver.errors import StorageFailed
from archiver.index.bytesource import ByteSource, is_url, open_bytes, read_whole
from archiver.index.cdxline import is_remark
from archiver.index.lines import MAX_LINE_BYTES, SortedLines

#: No block of an index is larger, as stored and unpacked.
MAX_BLOCK_BYTES = 64 * 1024 * 1024
#: Bytes of unpacked blocks that are kept, those read last.
_KEPT_BYTES = 32 * 1024 * 1024
#: No file of locations is larger.
_MAX_LOCATIONS_BYTES = 16 * 1024 * 1024
_MAX_SHARDS = 1000
_NUMBER = re.compile(rb"[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Block:
    """Where a block is."""

    shard: str
    offset: int
    length: int


class ZipNumLines:
    """The lines of a cluster.

    Args:
        location: path or URL of the secondary index; shards lie beside it.
        locations: path or URL of a file of `shard TAB path` lines, for shards that lie elsewhere; "" for none.
        opener: opens a path or URL.
    """

    def __init__(self, location: str, *, locations: str = "", opener: Callable[[str], ByteSource] = open_bytes) -> None:
        self._index = SortedLines(opener(location))
        self._folder = location.rpartition("/")[0]
        self._locations = locations
        self._opener = opener
        self._places: dict[str, list[str]] | None = None
        self._shards: OrderedDict[str, ByteSource] = OrderedDict()
        self._kept: OrderedDict[_Block, list[bytes]] = OrderedDict()
        self._kept_bytes = 0
        self._lock = Lock()

    @property
    def name(self) -> str:
        """Where it is, for people."""
        return self._index.name

    def forward(self, place: bytes) -> Iterator[bytes]:
        """Lines that are not less than `place`, in their order.

        Raises:
            StorageFailed: the index or a block cannot be read.
        """
        before = next(self._blocks(self._index.backward(place)), None)
        lines = [] if before is None else self._lines(before)
        yield from lines[bisect_left(lines, place) :]
        for block in self._blocks(self._index.forward(place)):
            for line in self._lines(block):
                if line >= place:
                    yield line

    def backward(self, place: bytes) -> Iterator[bytes]:
        """Lines that are less than `place`, the greatest first.

        Raises:
            StorageFailed: the index or a block cannot be read.
        """
        for block in self._blocks(self._index.backward(place)):
            lines = self._lines(block)
            for number in range(bisect_left(lines, place) - 1, -1, -1):
                yield lines[number]

    def _blocks(self, lines: Iterator[bytes]) -> Iterator[_Block]:
        for line in lines:
            parts = line.split(b"\t")
            if len(parts) < 4 or not _NUMBER.fullmatch(parts[2]) or not _NUMBER.fullmatch(parts[3]):
                if is_remark(line):
                    continue
                raise StorageFailed(
                    f"{self.name} has a line that says of no block where it is.", "It is damaged: fetch or make it again."
                )
            yield _Block(parts[1].decode("utf-8", "replace"), int(parts[2]), int(parts[3]))

    def _lines(self, block: _Block) -> list[bytes]:
        """The lines of a block."""
        with self._lock:
            if block in self._kept:
                self._kept.move_to_end(block)
                return self._kept[block]
        if block.length > MAX_BLOCK_BYTES:
            raise self._damaged(block, "is larger than a block can be")
        data = self._read(block)
        if len(data) < block.length:
            raise self._damaged(block, "is not whole")
        lines = [line.rstrip(b"\r") for line in self._unpacked(block, data).split(b"\n")]
        lines = [line for line in lines if line and not is_remark(line) and len(line) <= MAX_LINE_BYTES]
        size = sum(map(len, lines)) + 60 * len(lines)
        with self._lock:
            if block not in self._kept:
                self._kept[block] = lines
                self._kept_bytes += size
            while self._kept_bytes > _KEPT_BYTES and len(self._kept) > 1:
                _, gone = self._kept.popitem(last=False)
                self._kept_bytes -= sum(map(len, gone)) + 60 * len(gone)
        return lines

    def _unpacked(self, block: _Block, data: bytes) -> bytes:
        """The text of a block; some writers make several members of one."""
        found, size = [], 0
        while data:
            unpacker = zlib.decompressobj(wbits=31)
            try:
                text = unpacker.decompress(data, MAX_BLOCK_BYTES + 1 - size)
            except zlib.error as error:
                raise self._damaged(block, "cannot be unpacked") from error
            size += len(text)
            if size > MAX_BLOCK_BYTES:
                raise self._damaged(block, "is larger than a block can be")
            if not unpacker.eof:
                raise self._damaged(block, "is not whole")
            found.append(text)
            data = unpacker.unused_data
        return b"".join(found)

    def _read(self, block: _Block) -> bytes:
        """The bytes of a block, from the first of its places that can be read."""
        failed: StorageFailed | None = None
        for place in self._places_of(block.shard):
            try:
                return self._source(place).view().read(block.offset, block.length)
            except StorageFailed as error:
                failed = failed or error
        assert failed is not None
        raise failed

    def _source(self, place: str) -> ByteSource:
        with self._lock:
            if place not in self._shards:
                self._shards[place] = self._opener(place)
            self._shards.move_to_end(place)
            while len(self._shards) > _MAX_SHARDS:
                self._shards.popitem(last=False)
            return self._shards[place]

    def _places_of(self, shard: str) -> list[str]:
        """Where a shard may be: as the file of locations says, else beside the secondary index."""
        if self._places is None:
            self._places = self._read_locations()
        if shard in self._places:
            return self._places[shard]
        # Only a name counts, no way: what an index says must not lead to other files of this machine.
        beside = shard.replace("\\", "/").rpartition("/")[2]
        names = [beside] if beside.endswith(".gz") else [f"{beside}.gz", beside]
        return [f"{self._folder}/{name}" if self._folder else name for name in names]

    def _read_locations(self) -> dict[str, list[str]]:
        if not self._locations:
            return {}
        text = read_whole(self._opener(self._locations), _MAX_LOCATIONS_BYTES).decode("utf-8", "replace")
        folder = self._locations.rpartition("/")[0]
        found = {}
        for line in text.splitlines():
            shard, *places = [part.strip() for part in line.split("\t")]
            if shard and any(places):
                found[shard] = [_beside(folder, place) for place in places if place]
        return found

    def _damaged(self, block: _Block, what: str) -> StorageFailed:
        return StorageFailed(
            f"A block of {block.shard} at {block.offset:,} {what}.", "Fetch or make the index again, or detach it."
        )


def _beside(folder: str, place: str) -> str:
    return place if is_url(place) or place.startswith("/") or not folder else f"{folder}/{place}"
