"""WARC files: what is written, what other programs say of it, and what is left after a crash."""

from __future__ import annotations

import gzip
import random
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType

from archiver.errors import DamagedRecord, MissingRecord, StorageFailed
from archiver.holdings import Holdings
from archiver.model import Exchange, RevisitTarget, Truncation
from archiver.store.folder import FolderStore
from archiver.warc.importer import import_file
from archiver.warc.reader import BadRecord, StoredRecord, iter_records, read_record
from archiver.warc.records import IDENTICAL_PAYLOAD, WarcInfo
from archiver.warc.repair import repair_abandoned
from archiver.warc.writer import PageContext, WarcWriter

MOMENT = datetime(2016, 8, 10, 20, 46, 23, 123456, tzinfo=UTC)
REQUEST = b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"
REPLIES = {
    "plain": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nX-Sum: 9\r\n\r\n",
    "chunked gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"%x\r\n%s\r\n0\r\n\r\n" % (len(gzip.compress(b"hi", mtime=0)), gzip.compress(b"hi", mtime=0)),
    "broken chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nrest",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    "odd head": b"HTTP/1.1 200 OK\r\nx-B:1\r\nX-b :  2\r\nnonsense\r\nX: caf\xe9\r\n folded\r\n\r\nbody",
    "not HTTP": b"SSH-2.0-OpenSSH\r\n",
    "empty body": b"HTTP/1.1 304 Not Modified\r\n\r\n",
}


def exchange(reply: bytes, url: str = "http://example.org/", **changes: object) -> Exchange:
    status = int(reply[9:12]) if reply.startswith(b"HTTP/") else None
    made = Exchange(
        url, MOMENT, timedelta(milliseconds=12), REQUEST, BytesIO(reply), len(reply), b"", status, "93.184.216.34",
        ("http/1.1", "tls/1.3"), "TLS_AES_128_GCM_SHA256",
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "archive")


def writer(store: FolderStore, **options: object) -> WarcWriter:
    numbers = count(1)
    values: dict[str, object] = {
        "prefix": "test",
        "warcinfo": WarcInfo("muniment/test", operator="Someone", is_part_of="default"),
        "clock": lambda: MOMENT,
        "new_id": lambda: f"<urn:uuid:{next(numbers):032d}>",
        "hostname": "host",
        **options,
    }
    return WarcWriter(store, **values)  # type: ignore[arg-type]


def all_records(path: Path) -> list[StoredRecord]:
    found = []
    with path.open("rb") as stream:
        for item in iter_records(stream):
            assert isinstance(item, StoredRecord), item
            found.append(replace(item, stream=BytesIO(b"".join(item.block()))))  # type: ignore[arg-type]
    return found


def test_a_record_is_exactly_this(store: FolderStore) -> None:
    made = writer(store)
    made.write_exchange(exchange(REPLIES["plain"]), page=PageContext("http://example.org/from", "LE"))
    (name,) = made.close()
    assert name == "test-20160810204623123-00000-host.warc.gz"
    text = gzip.decompress((store.root / name).read_bytes())
    _, _, response = text.partition(b"\r\n\r\n\r\n")
    assert response.startswith(
        b"WARC/1.1\r\n"
        b"WARC-Type: response\r\n"
        b"WARC-Record-ID: <urn:uuid:00000000000000000000000000000001>\r\n"
        b"WARC-Date: 2016-08-10T20:46:23.123456Z\r\n"
        b"WARC-Warcinfo-ID: <urn:uuid:00000000000000000000000000000004>\r\n"
        b"WARC-Target-URI: http://example.org/\r\n"
        b"WARC-Concurrent-To: <urn:uuid:00000000000000000000000000000002>\r\n"
        b"WARC-Concurrent-To: <urn:uuid:00000000000000000000000000000003>\r\n"
        b"WARC-IP-Address: 93.184.216.34\r\n"
        b"WARC-Protocol: http/1.1\r\n"
        b"WARC-Protocol: tls/1.3\r\n"
        b"WARC-Cipher-Suite: TLS_AES_128_GCM_SHA256\r\n"
        b"WARC-Payload-Digest: sha1:VL2MMHO4YXUKFWV63YHTWSBM3GXKSQ2N\r\n"
        b"WARC-Block-Digest: sha1:"
    )
    assert b"via: http://example.org/from\r\nhopsFromSeed: LE\r\nfetchTimeMs: 12\r\n" in response


@pytest.mark.parametrize("mode", ["portable", "exact"])
def test_other_programs_find_nothing_wrong(store: FolderStore, mode: str) -> None:
    made = writer(store, chunked=mode)
    for number, (name, reply) in enumerate(REPLIES.items()):
        if mode == "exact" and "chunk" in name:
            continue  # true to the standard, and red in these programs: see archiver/warc/writer.py
        made.write_exchange(exchange(reply, f"http://example.org/{number}"))
    made.write_exchange(exchange(REPLIES["plain"][:-2], truncated=Truncation.DISCONNECT))
    (file,) = made.close()
    for command in (["warcio", "check"], ["fastwarc", "check"]):
        program = Path(sys.executable).with_name(command[0])
        done = subprocess.run([program, *command[1:], store.root / file], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "fail" not in done.stdout.replace("0 failed", "")


def test_a_chunked_body_is_stored_plain_with_its_head_untouched_and_its_framing_noted(store: FolderStore) -> None:
    made = writer(store)
    made.write_exchange(exchange(REPLIES["chunked"], interim=b"HTTP/1.1 103 Early Hints\r\n\r\n"))
    (file,) = made.close()
    _, response, _, metadata = all_records(store.root / file)
    head = REPLIES["chunked"].partition(b"\r\n\r\n")[0]
    assert response.stream.read() == head + b"\r\n\r\nhello"
    assert response.transfer_decoded
    notes = metadata.stream.read()
    assert b"chunkSizes: 3 2\r\n" in notes
    assert b"trailer: X-Sum: 9\r\n" in notes
    assert b"interimResponse: HTTP/1.1 103 Early Hints\r\n" in notes


def test_raw_and_portable_have_the_same_payload_digest(store: FolderStore) -> None:
    digests = set()
    for mode in ("portable", "exact"):
        made = writer(store, chunked=mode)
        digests.add(made.write_exchange(exchange(REPLIES["chunked"]))[0].payload_digest)
        made.close()
    assert digests == {"sha1:VL2MMHO4YXUKFWV63YHTWSBM3GXKSQ2N"}


@pytest.mark.parametrize("name", REPLIES)
def test_what_was_written_reads_back(store: FolderStore, name: str) -> None:
    made = writer(store)
    written = made.write_exchange(exchange(REPLIES[name]))
    made.close()
    record = read_record(store, written[0].file, written[0].offset)
    assert record.date == MOMENT
    if "chunk" not in name:
        assert b"".join(record.block()) == REPLIES[name]
    record.close()


def test_files_are_finished_when_full_and_an_event_is_never_split(store: FolderStore) -> None:
    made = writer(store, max_bytes=1500)
    written = [made.write_exchange(exchange(REPLIES["plain"])) for _ in range(5)]
    files = made.close()
    assert len(files) > 1
    for event in written:
        assert len({record.file for record in event}) == 1
    for file in files:
        assert next(record.record_type for record in all_records(store.root / file)) == "warcinfo"
    assert not list(store.root.glob("*.open"))


def test_a_revisit_keeps_the_head_and_points_to_the_payload(store: FolderStore) -> None:
    made = writer(store)
    target = RevisitTarget("http://example.org/", "20150101000000", "<urn:uuid:9>")
    made.write_revisit(exchange(REPLIES["plain"]), target, datetime(2015, 1, 1, tzinfo=UTC), profile=IDENTICAL_PAYLOAD)
    (file,) = made.close()
    record = all_records(store.root / file)[1]
    assert record.record_type == "revisit"
    assert record.get("WARC-Refers-To-Target-URI") == "http://example.org/"
    assert record.get("WARC-Refers-To-Date") == "2015-01-01T00:00:00.000000Z"
    assert record.get("WARC-Truncated") == "length"
    assert record.stream.read() == REPLIES["plain"][:-5]


def test_a_full_disk_takes_nothing_away(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    made = writer(store)
    made.write_exchange(exchange(REPLIES["plain"]))
    original = WarcWriter._write
    calls = count()
    failures = {1: OSError(28, "No space left on device"), 3: ValueError("of this program")}

    def fail_second(self: WarcWriter, file: object, draft: object) -> object:
        if failure := failures.get(next(calls)):
            raise failure
        return original(self, file, draft)  # type: ignore[arg-type]

    monkeypatch.setattr(WarcWriter, "_write", fail_second)
    with pytest.raises(StorageFailed, match="No space left"):
        made.write_exchange(exchange(REPLIES["plain"], "http://example.org/second"))
    with pytest.raises(ValueError, match="of this program"):
        made.write_exchange(exchange(REPLIES["plain"], "http://example.org/third"))
    monkeypatch.undo()
    made.write_exchange(exchange(REPLIES["plain"], "http://example.org/fourth"))
    (file,) = made.close()
    urls = [record.url for record in all_records(store.root / file) if record.record_type == "response"]
    assert urls == ["http://example.org/", "http://example.org/fourth"]


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """What does not fit any more is refused by the system, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_disk_that_is_full_takes_nothing_of_what_was_written_before(store: FolderStore) -> None:
    made = writer(store)
    with files_no_longer_than(100), pytest.raises(StorageFailed, match="could not be written"):
        made.write_exchange(exchange(REPLIES["plain"]))
    assert list(store.unfinished()) == []
    made.write_exchange(exchange(REPLIES["plain"]))
    with files_no_longer_than(made.position()[1] - 10):  # not even that fits any more
        with pytest.raises(StorageFailed, match="could not be written"):
            made.write_exchange(exchange(REPLIES["plain"] * 2000, "http://example.org/second"))
        made.sync()
    made.write_exchange(exchange(REPLIES["plain"], "http://example.org/third"))
    (file,) = made.close()
    urls = [record.url for record in all_records(store.root / file) if record.record_type == "response"]
    assert urls == ["http://example.org/", "http://example.org/third"]


@pytest.fixture
def whole_file(store: FolderStore) -> bytes:
    made = writer(store)
    for number in range(4):
        made.write_exchange(exchange(REPLIES["plain"], f"http://example.org/{number}"))
    (file,) = made.close()
    return (store.root / file).read_bytes()


def test_a_tail_cut_anywhere_is_mended_to_the_last_whole_record(store: FolderStore, whole_file: bytes) -> None:
    choose = random.Random(7)
    for cut in sorted(choose.sample(range(400, len(whole_file)), 25)):
        left = store.root / "left.warc.gz.open"
        left.write_bytes(whole_file[:cut])
        (report,) = repair_abandoned(store)
        mended = store.root / "left.warc.gz"
        assert len(all_records(mended)) == report.records >= 1
        assert mended.stat().st_size + report.cut_bytes == cut
        mended.unlink()


def test_a_file_that_a_living_process_writes_is_left_alone(store: FolderStore) -> None:
    made = writer(store)
    made.write_exchange(exchange(REPLIES["plain"]))
    assert repair_abandoned(store) == []
    made.close()


KILLED = """
import sys
from archiver.engine import PageCapturer
from archiver.holdings import open_holdings
from archiver.settings import load_settings
class Tell:
    def started(self, candidate, known): pass
    def finished(self, outcome, known): print(outcome.candidate.url, flush=True)
settings = load_settings({"archive": sys.argv[1], "allow_private": True, "connections": 2}, environ={})
with open_holdings(settings) as holdings, PageCapturer(holdings, "default", software="t") as capturer:
    capturer.capture(sys.argv[2], observer=Tell())
"""


@pytest.mark.parametrize("after", [1, 5, 17, 40])
def test_after_kill_nothing_is_lost_but_what_was_in_flight(
    holdings_with: Callable[..., Holdings], tmp_path: Path, after: int
) -> None:
    from archiver.urls import urlkey
    from tests.servers.routes import Answer, RouteServer

    page = b"".join(b"<img src=/%d.png>" % number for number in range(60))
    routes = {"/": Answer(page)} | {f"/{number}.png": Answer(b"x" * 20000, "image/png") for number in range(60)}
    with RouteServer(routes) as server:
        command = [sys.executable, "-c", KILLED, str(tmp_path / "warcs"), server.url("/")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            reported = [process.stdout.readline().strip() for _ in range(after)]
            process.kill()
    holdings = holdings_with()
    assert not list((tmp_path / "warcs" / "archive").glob("*.open"))
    for url in reported:
        capture = holdings.index.newest(["default"], urlkey(url))
        # A record reported by the capture may still have been in the buffer of its file: those are in flight.
        if capture is not None:
            record = read_record(holdings.store, capture.file, capture.offset)
            assert record.url == url
            record.skip()
            record.close()
    held = [url for url in reported if holdings.index.newest(["default"], urlkey(url)) is not None]
    assert len(held) >= len(reported) - 4


def test_import_names_what_is_damaged_and_takes_the_rest(
    holdings_with: Callable[..., Holdings], tmp_path: Path, whole_file: bytes
) -> None:
    holdings = holdings_with(store=str(tmp_path / "own"))
    hurt = bytearray(whole_file)
    third = next(record for record in items(bytes(whole_file)) if record.url == "http://example.org/1")
    hurt[third.offset + 40 : third.offset + 60] = b"\0" * 20
    path = tmp_path / "hurt.warc.gz"
    path.write_bytes(bytes(hurt))
    report = import_file(path, collection="default", store=holdings.store, index=holdings.index)
    assert report.bad
    assert report.indexed == 3
    again = import_file(path, collection="default", store=holdings.store, index=holdings.index)
    assert again.file == report.file
    assert holdings.index.summary("default").captures == 3


def items(data: bytes) -> Iterator[StoredRecord]:
    for item in iter_records(BytesIO(data)):
        assert isinstance(item, StoredRecord)
        yield item


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 1000,
        b"garbage" * 1000,
        b"\x1f\x8b" + b"x" * 5000,
        b"WARC/1.0\r\n" * 500,
        b"WARC/1.1\r\nContent-Length: 99999999999\r\n\r\nx",
    ],
)
def test_garbage_is_damage_not_a_crash(data: bytes) -> None:
    for item in iter_records(BytesIO(data)):
        if isinstance(item, StoredRecord):
            with pytest.raises(DamagedRecord):
                item.skip()
        else:
            assert isinstance(item, BadRecord)


def test_plain_and_arc_and_whole_gzip_files_are_read(
    holdings_with: Callable[..., Holdings], tmp_path: Path, whole_file: bytes
) -> None:
    holdings = holdings_with()
    plain = gzip.decompress(whole_file)
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\narc"
    arc = (
        b"filedesc://a.arc 0.0.0.0 20010101000000 text/plain 10\n1 0 test\n\n\n"
        b"http://arc.example/ 1.2.3.4 20010203040506 text/html %d\n%s\n" % (len(http), http)
    )
    for name, data, expected in (
        ("plain.warc", plain, 4),
        ("whole.warc.gz", gzip.compress(plain), 4),
        ("old.arc", arc, 1),
        ("old.arc.gz", gzip.compress(arc), 1),
    ):
        collection = name.replace(".", "-")
        holdings.collections.create(collection)
        path = tmp_path / name
        path.write_bytes(data)
        report = import_file(path, collection=collection, store=holdings.store, index=holdings.index)
        assert (report.indexed, report.bad) == (expected, []), name
        for key in ("org,example)/0", "arc,example)/"):
            for capture in holdings.index.versions([collection], "example,arc)/" if key.startswith("arc") else key):
                record = read_record(holdings.store, capture.file, capture.offset)
                assert b"".join(record.payload()) in (b"hello", b"arc")
                record.close()


def test_a_missing_file_is_said(store: FolderStore) -> None:
    with pytest.raises(MissingRecord):
        read_record(store, "nothing.warc.gz", 0)


@pytest.mark.parametrize(("mime", "is_stored"), [("video/mp4", True), ("audio/x-wav", False), ("text/plain", False)])
def test_what_is_large_and_compressed_already_lies_there_as_it_is(store: FolderStore, mime: str, is_stored: bool) -> None:
    body = bytes(range(256)) * 8192
    made = writer(store)
    reply = f"HTTP/1.1 200 OK\r\nContent-Type: {mime}\r\n\r\n".encode() + body
    response, *_ = made.write_exchange(exchange(reply))
    (name,) = made.close()
    assert (body[1000:2000] in (store.root / name).read_bytes()) == is_stored
    record = read_record(store, name, response.offset)
    assert record.http is not None
    record.stream.skip(len(body) - 5)
    assert b"".join(record.payload()) == body[-5:]
    record.close()
    with (store.root / name).open("rb") as file:
        found = [item.reader.read() for item in ArchiveIterator(file, record_types=WarcRecordType.response)]
        assert found == [body]
        file.seek(0)
        records = [item for item in iter_records(file) if isinstance(item, StoredRecord)]
    assert (response.offset, response.length) in [(item.offset, item.length) for item in records]
