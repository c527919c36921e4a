"""Reading files that are elsewhere: few requests, bounded memory, and servers that lie, break off and change their files."""

from __future__ import annotations

import gzip
import zipfile
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from random import Random
from threading import Thread
from uuid import uuid4

import pytest

from archiver.errors import DamagedRecord, MissingRecord, MunimentError, StorageFailed
from archiver.store.folder import FolderStore
from archiver.store.objects import ObjectStore
from archiver.store.places import Places
from archiver.store.ranges import AT_ONCE, BEGIN, FIRST, MOST, RangeStream, ReadAhead
from archiver.store.remote import Part, Stat
from archiver.store.s3 import S3Bucket
from archiver.warc.reader import StoredRecord, iter_records, read_record
from tests.servers.routes import Answer, Asked, RouteServer
from tests.servers.scripted import ScriptedServer
from tests.servers.warcs import response_record
from tests.servers.weed import ObjectServer

NOW = datetime(2026, 5, 6, tzinfo=UTC)


class Counted:
    """Files in memory that count what is asked of them.

    Attributes:
        asked: the ranges, in their order.
    """

    address = "counted://"

    def __init__(self, data: bytes, *, says_total: bool = True) -> None:
        self.data = data
        self.says_total = says_total
        self.asked: list[tuple[int, int]] = []

    def read(self, key: str, start: int, end: int, version: str = "") -> Part:
        self.asked.append((start, end))
        return Part(self.data[start:end], len(self.data) if self.says_total else None, "1")

    def stat(self, key: str) -> Stat:
        return Stat(len(self.data), "1")


class Video(Counted):
    """A record of stored blocks, as the writer makes them of what is compressed already; not held in memory."""

    BLOCKS = 32_768
    HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"

    def __init__(self) -> None:
        super().__init__(b"")
        http = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n"
        self.size = self.BLOCKS * 65_535
        head = b"WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/v\r\nWARC-Date: 2026-01-01T00:00:00Z\r\n"
        length = self.size + len(http)
        self.begin = self.HEAD + gzip_stored(
            head + b"Content-Type: application/http\r\nContent-Length: %d\r\n\r\n" % length + http
        )
        self.length = len(self.begin) + self.BLOCKS * 65_540 + 30

    def read(self, key: str, start: int, end: int, version: str = "") -> Part:
        self.asked.append((start, end))
        data = bytearray()
        while start < min(end, self.length):
            data += self.at(start)
            start += len(data) - (start - self.asked[-1][0])
        return Part(bytes(data[: end - self.asked[-1][0]]), self.length, "1")

    def at(self, place: int) -> bytes:
        """What lies from a place to the end of its block."""
        if place < len(self.begin):
            return self.begin[place:]
        number, inside = divmod(place - len(self.begin), 65_540)
        return (b"\x00\xff\xff\x00\x00" + payload(number))[inside:]


def payload(number: int) -> bytes:
    return number.to_bytes(5, "big") * 13_107


def gzip_stored(data: bytes) -> bytes:
    return b"\x00" + len(data).to_bytes(2, "little") + (0xFFFF ^ len(data)).to_bytes(2, "little") + data


class Held(FolderStore):
    """A store whose files are in `files`."""

    def __init__(self, files: Counted) -> None:
        super().__init__(Path("/nowhere"))
        self.files = files

    def open(self, file: str, offset: int = 0, length_hint: int = 0) -> RangeStream:  # type: ignore[override]
        return RangeStream(self.files, file, offset, length_hint)


# -- how much is asked for -------------------------------------------------------------------------------------------


def test_read_ahead_grows_while_reading_goes_on_and_begins_small_again_after_a_jump() -> None:
    ahead, place, sizes = ReadAhead(0), 0, []
    for _ in range(12):
        end = ahead.next(place)
        sizes.append(end - place)
        place = end
    assert sizes[0] == FIRST
    assert all(after == min(MOST, 2 * before) for before, after in pairwise(sizes))
    assert sizes[-1] == MOST
    assert ahead.next(5) - 5 == FIRST


@pytest.mark.parametrize("hint", [1, 5000, AT_ONCE])
def test_what_was_announced_is_asked_for_at_once_and_no_more(hint: int) -> None:
    assert ReadAhead(77, hint).next(77) == 77 + hint


def test_of_what_is_large_only_the_beginning_is_asked_for_at_first() -> None:
    ahead = ReadAhead(0, 10**9)
    assert ahead.next(0) == BEGIN
    assert ahead.next(BEGIN) == 3 * BEGIN
    ahead = ReadAhead(0, AT_ONCE + 1)
    place = 0
    while place <= AT_ONCE:
        place = ahead.next(place)
    assert place == AT_ONCE + 1


@pytest.mark.parametrize("kind", ["gzip", "plain"])
@pytest.mark.parametrize("size", [0, 100, 70_000, 600_000])
def test_a_record_whose_length_is_known_is_one_request(kind: str, size: int) -> None:
    body = Random(size).randbytes(size)
    records = [response_record(f"http://a.example/{number}", NOW, body) for number in range(3)]
    if kind == "plain":
        records = [gzip.decompress(record) for record in records]
    files = Counted(b"".join(records))
    offset, length = len(records[0]), len(records[1])
    record = read_record(Held(files), "x", offset, length)
    assert b"".join(record.payload()) == body
    record.close()
    assert files.asked == [(offset, offset + length)]


def test_a_record_whose_length_is_not_known_takes_few(says_total: bool = False) -> None:
    body = Random(1).randbytes(600_000)
    files = Counted(response_record("http://a.example/", NOW, body) * 3, says_total=says_total)
    record = read_record(Held(files), "x", 0)
    assert b"".join(record.payload()) == body
    assert len(files.asked) == 4  # 64, 128, 256 and 512 kB


def test_a_wrong_length_in_the_index_does_no_harm() -> None:
    body = Random(1).randbytes(100_000)
    data = response_record("http://a.example/", NOW, body)
    for length in (1, 17, len(data) - 1, len(data) + 1000, 10**12):
        record = read_record(Held(Counted(data)), "x", 0, length)
        assert b"".join(record.payload()) == body


def test_a_jump_in_a_large_video_is_two_requests() -> None:
    files = Video()
    record = read_record(Held(files), "x", 0, files.length)
    assert record.http is not None
    first = record.stream.read(1000)
    assert first == payload(0)[:1000]
    record.stream.skip(30_000 * 65_535 + 100 - 1000)
    assert record.stream.read(50) == payload(30_000)[100:150]
    assert len(files.asked) <= 4
    assert sum(end - start for start, end in files.asked) < 1_000_000


def test_what_is_streamed_is_read_in_growing_bounded_parts() -> None:
    files = Counted(bytes(64 * 1024 * 1024))
    stream = RangeStream(files, "x")
    total = 0
    while data := stream.read(100_000):
        total += len(data)
    assert total == len(files.data)
    assert len(files.asked) < 20
    assert max(end - start for start, end in files.asked) == MOST


# -- servers ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(s3: ObjectServer, tmp_path: Path) -> ObjectStore:
    return ObjectStore(S3Bucket("archive", f"ranges/{uuid4()}"), tmp_path / "spool")


def put(s3: ObjectServer, store: ObjectStore, data: bytes) -> None:
    assert isinstance(store.remote, S3Bucket)
    s3.call("put_object", Bucket="archive", Key=f"{store.remote.prefix}/x", Body=data)


def test_a_file_that_changes_or_vanishes_while_it_is_read(s3: ObjectServer, store: ObjectStore) -> None:
    put(s3, store, bytes(1_000_000))
    with store.open("x") as one, store.open("x") as other:
        assert one.read(10) == bytes(10)
        put(s3, store, b"1" * 1_000_000)
        one.seek(500_000)
        with pytest.raises(DamagedRecord, match="replaced"):
            one.read(10)
        store.remote.delete("x")
        other.seek(500_000)
        with pytest.raises(MissingRecord):
            other.read(10)


def test_threads_share_connections(s3: ObjectServer, store: ObjectStore) -> None:
    data = Random(3).randbytes(2_000_000)
    put(s3, store, data)
    wrong: list[int] = []

    def read(seed: int) -> None:
        random = Random(seed)
        for _ in range(10):
            place = random.randrange(len(data))
            with store.open("x", place, 1000) as file:
                if file.read(1000) != data[place : place + 1000]:
                    wrong.append(place)

    threads = [Thread(target=read, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_process_that_was_forked_has_connections_of_its_own(s3: ObjectServer, store: ObjectStore) -> None:
    put(s3, store, b"0123456789")
    with store.open("x", 3, 2) as file:
        assert file.read(2) == b"34"
    receiver, sender = get_context("fork").Pipe(duplex=False)

    def child() -> None:
        with store.open("x", 5, 2) as file:
            sender.send(file.read(2))

    process = get_context("fork").Process(target=child)
    process.start()
    assert receiver.poll(20)
    assert receiver.recv() == b"56"
    process.join()
    with store.open("x", 7, 2) as file:
        assert file.read(2) == b"78"


def test_files_are_read_from_buckets_and_web_servers_by_their_urls(s3: ObjectServer, store: ObjectStore) -> None:
    record = response_record("http://a.example/", NOW, b"body")
    data = record * 3
    put(s3, store, data)
    assert isinstance(store.remote, S3Bucket)
    with RouteServer({"/x.warc.gz": ranged(data)}) as server:
        for url in (f"s3://archive/{store.remote.prefix}/x", server.url("/x.warc.gz")):
            for one in (store, FolderStore(store.spool.root)):
                assert one.size(url) == len(data)
                assert one.exists(url)
                assert one.local_path(url) is None
                found = read_record(one, url, len(record), len(record))
                assert b"".join(found.payload()) == b"body"
                with one.open(url) as file:
                    assert len([item for item in iter_records(file) if isinstance(item, StoredRecord)]) == 3
        for url in (f"s3://archive/{store.remote.prefix}/y", server.url("/y"), "s3://no-such-bucket/x", "nothing://x/y"):
            with pytest.raises(MunimentError):
                store.open(url)


def test_a_file_inside_a_package_in_object_storage(s3: ObjectServer, store: ObjectStore) -> None:
    record = response_record("http://a.example/", NOW, Random(4).randbytes(300_000))
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as package:
        for number in range(900):
            package.writestr(f"pages/{number:060}.txt", f"{number}")
        package.writestr("archive/a.warc.gz", record * 2)
    put(s3, store, packed.getvalue())
    assert isinstance(store.remote, S3Bucket)
    for name in ("x!/archive/a.warc.gz", f"s3://archive/{store.remote.prefix}/x!/archive/a.warc.gz"):
        assert store.size(name) == len(record) * 2
        found = read_record(store, name, len(record), len(record))
        assert b"".join(found.payload()) == Random(4).randbytes(300_000)
        found.close()
        with pytest.raises(MissingRecord):
            store.open(name.replace("a.warc", "b.warc"))


def ranged(data: bytes) -> object:
    def answer(asked: Asked) -> Answer:
        first, _, last = asked.headers["Range"].removeprefix("bytes=").partition("-")
        if int(first) >= len(data):
            return Answer(b"", status=416, headers=(("Content-Range", f"bytes */{len(data)}"),))
        part = data[int(first) : int(last) + 1]
        said = f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}"
        return Answer(part, status=206, headers=(("Content-Range", said), ("ETag", '"1"')))

    return answer


DATA = bytes(range(256)) * 8


def head(status: str, *fields: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, "Connection: close", "", ""]).encode()


LIES = {
    "whole file": ([head("200 OK", "Content-Length: 2048") + DATA], None),
    "another part": (
        [head("206 Partial Content", "Content-Range: bytes 0-9/2048", "Content-Length: 10") + DATA[:10]],
        StorageFailed,
    ),
    "no range": ([head("206 Partial Content", "Content-Length: 10") + DATA[:10]], StorageFailed),
    "broken off": (
        [head("206 Partial Content", "Content-Range: bytes 5-9/2048", "Content-Length: 5") + DATA[5:7]],
        StorageFailed,
    ),
    "gone": ([head("410 Gone", "Content-Length: 0")], MissingRecord),
    "refused": ([head("403 Forbidden", "Content-Length: 0")], StorageFailed),
    "fault": ([head("500 Oh", "Content-Length: 0")], StorageFailed),
    "garbage": ([b"\x00\xff garbage"], StorageFailed),
    "nothing": ([b""], StorageFailed),
    "changed": ([head("412 Precondition Failed", "Content-Length: 0")], DamagedRecord),
}


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        *(("web", what) for what in LIES),
        *(("s3", what) for what in ("whole file", "another part", "broken off", "gone", "garbage")),
    ],
)
def test_servers_that_lie(s3: ObjectServer, monkeypatch: pytest.MonkeyPatch, kind: str, what: str) -> None:
    script, wanted = LIES[what]
    with ScriptedServer([script]) as server:
        url = f"http://127.0.0.1:{server.port}/x"
        if kind == "s3":
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}")
            url = "s3://archive/x"
        if wanted is None and kind == "web":
            with Places().open(url, 5, 5) as file:
                assert file.read(5) == DATA[5:10]
            return
        with pytest.raises(wanted or StorageFailed) as failed:
            Places().open(url, 5, 5)
        assert "127.0.0.1" not in str(failed.value)
