"""Members that are taken whole: what only looks like one, or is put together oddly, gives the same rows as the plain way."""

from __future__ import annotations

import gzip
import random
import threading
import zlib
from io import BytesIO

import pytest

from archiver.index.quick import Looker
from archiver.warc import bulk, check, gzipped, scan
from archiver.warc.blockrules import Facts
from archiver.warc.check import check_file
from archiver.warc.gzipped import whole_members
from archiver.warc.headshapes import HeaderRules
from archiver.warc.records import digest
from tests.archiver.test_bulk import assert_same, record

FEXTRA, FNAME, FCOMMENT, FHCRC = 4, 8, 16, 2


def member(data: bytes, *, level: int = 6, flags: int = 0, crc: int = 0, size: int = 0) -> bytes:
    """A gzip member with any header; `crc` and `size` are added to what its trailer should say."""
    head = b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0\0\xff"
    head += b"\x04\0abcd" if flags & FEXTRA else b""
    head += b"name\0" if flags & FNAME else b""
    head += b"comment\0" if flags & FCOMMENT else b""
    head += (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little") if flags & FHCRC else b""
    engine = zlib.compressobj(level, zlib.DEFLATED, -15)
    body = engine.compress(data) + engine.flush()
    numbers = (zlib.crc32(data) + crc, len(data) + size)
    return head + body + b"".join((number & 0xFFFFFFFF).to_bytes(4, "little") for number in numbers)


def response(number: int, body: bytes) -> bytes:
    return record(number, http=b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + body)


PLAIN = [member(response(number, b"text %d " % number * 50)) for number in range(1, 5)]
TRAILED = member(response(9, b"hello"))
HIDDEN = member(response(7, b"planted"))


def forged() -> bytes:
    """A payload that is stored as it is, with bytes in it that look like the end of its member, and then another record."""
    size = len(response(8, bytes(4) + HIDDEN))
    data = response(8, size.to_bytes(4, "little") + HIDDEN)
    assert len(data) == size
    return member(data, level=0)


SINGLE = {
    "extra field": member(response(9, b"x"), flags=FEXTRA),
    "name and comment": member(response(9, b"x"), flags=FNAME | FCOMMENT),
    "checksum of the header": member(response(9, b"x"), flags=FHCRC),
    "unknown flag": member(response(9, b"x"), flags=0x80),
    "stored": member(response(9, b"x" * 100), level=0),
    "a record planted in a stored one": forged(),
    "a member in a stored one": member(response(9, HIDDEN * 3), level=0),
    "wrong checksum": member(response(9, b"x" * 100), crc=1),
    "wrong length": member(response(9, b"x" * 100), size=1),
    "length of a bomb": member(response(9, b"x" * 100), size=0xF0000000),
    "its trailer again": TRAILED + b"garbage" + TRAILED[-8:],
    "garbage that ends with its length": TRAILED + b"garbage" + TRAILED[-4:],
    "zeros": TRAILED + bytes(50),
    "empty": member(b""),
    "two records": member(response(5, b"x") + response(6, b"y")),
    "half a record": member(response(5, b"x" * 300)[:200]),
    "cut": TRAILED[:-3],
    "only a mark": b"\x1f\x8b\x08",
    "no trailer": TRAILED[:-8],
    "large": member(response(9, random.Random(1).randbytes(300_000))),
    "a bomb": member(response(9, bytes(9_000_000)), level=9),
}


@pytest.mark.parametrize("name", SINGLE)
def test_a_member_between_others_gives_the_same_rows(name: str) -> None:
    odd = SINGLE[name]
    for data in (odd, PLAIN[0] + odd, odd + PLAIN[0], b"".join([*PLAIN, odd, *PLAIN]), b"".join([*PLAIN, odd, odd, *PLAIN])):
        assert_same(data)


@pytest.mark.parametrize("name", SINGLE)
def test_the_short_way_of_verifying_finds_what_the_long_one_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = SINGLE[name]
    for data in (odd, PLAIN[0] + odd, b"".join([*PLAIN, odd, *PLAIN])):
        short, told = check_file(BytesIO(data), "x.warc.gz", len(data)), facts_of(data)
        with monkeypatch.context() as patch:
            patch.setattr(check, "ordinary", lambda *_: None)
            assert check_file(BytesIO(data), "x.warc.gz", len(data)) == short
            assert facts_of(data) == told  # what an archive's index is compared with
            patch.setattr(scan, "unpack", lambda *_: None)
            patch.setattr(HeaderRules, "begins", lambda *_: None)
            assert check_file(BytesIO(data), "x.warc.gz", len(data)) == short
            assert facts_of(data) == told


def facts_of(data: bytes) -> list[tuple[int, int, Facts]]:
    """What those are told who compare records with something else."""
    found: list[tuple[int, int, Facts]] = []
    check_file(BytesIO(data), "x.warc.gz", len(data), observer=lambda raw, facts: found.append((raw.offset, raw.length, facts)))
    return found


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
BLOCKS = {
    "with its length": HEAD + b"Content-Length: 5\r\n\r\nhello",
    "without a body": b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n",
    "shorter than it says": HEAD + b"content-length: 500\r\n\r\nhello",
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 500\r\n\r\nhello",
    "a length that is none": HEAD + b"Content-Length: five\r\n\r\nhello",
    "chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "lines that end with LF": HEAD.replace(b"\r", b"") + b"\nhello\r\n\r\nand more",
    "an odd end of the head": HEAD + b"X: y\n\r\nhello\r\n\r\nand more",
    "no end of the head": HEAD + b"hello",
    "no HTTP": b"hello\r\n\r\nhello",
    "a long head": HEAD + b"X: " + b"y" * 3000 + b"\r\n\r\nhello",
    "a request": b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("name", BLOCKS)
def test_the_short_way_of_looking_at_a_block_finds_what_the_long_one_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"".join(
        member(described(kind, BLOCKS[name], lie)) for kind in ("response", "request", "metadata") for lie in range(4)
    )
    short, told = check_file(BytesIO(data * 2), "x.warc.gz", len(data) * 2), facts_of(data * 2)
    monkeypatch.setattr(check, "ordinary", lambda *_: None)
    assert check_file(BytesIO(data * 2), "x.warc.gz", len(data) * 2) == short
    assert facts_of(data * 2) == told
    assert short.log.counts["warc-5.8-mismatch"] >= 6


def described(kind: str, block: bytes, lie: int) -> bytes:
    """A record with digests, of which the first or the second or none is right; in the end it has but the first."""
    payload = block.partition(b"\r\n\r\n")[2] if kind != "metadata" else block
    digests = [digest([block + b"?" * (lie == 1)]), digest([payload + b"?" * (lie == 2)])]
    media = "application/warc-fields" if kind == "metadata" else f"application/http;msgtype={kind}"
    second = f"WARC-Payload-Digest: {digests[1]}\r\n" if lie < 3 and kind != "metadata" else ""
    return (
        f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{lie:032x}>\r\nWARC-Date: 2020-01-01T00:00:00Z\r\n"
        f"WARC-Target-URI: http://example.org/\r\nWARC-Block-Digest: {digests[0]}\r\n{second}"
        f"Content-Type: {media}\r\nContent-Length: {len(block)}\r\n\r\n"
    ).encode() + block + b"\r\n\r\n"  # fmt: skip


def test_no_two_headers_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_MOST_LEARNED", 5)
    assert assert_same(b"".join(member(record(number, lines=(b"X-%d: y" % number,))) for number in range(1, 60))) == 59
    found = list(bulk.read_quickly(BytesIO(b"".join(PLAIN * 20)), Looker(256).look))
    assert sum(isinstance(item, bulk.QuickRecord) for item in found) > 70


def test_a_planted_record_gets_no_row() -> None:
    assert assert_same(b"".join([*PLAIN, forged(), *PLAIN])) == 9


def test_wherever_windows_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gzipped, "_LARGE", 100)
    pieces = [*PLAIN, *SINGLE.values()]
    pieces = [piece for piece in pieces if len(piece) < 5000]
    choose = random.Random(3)
    for window in (1, 7, 100, 333, 4096):
        monkeypatch.setattr(gzipped, "_WINDOW", window)
        for _ in range(3):
            assert_same(b"".join(choose.choices([*PLAIN, *pieces], k=12)))


def test_members_beyond_the_limits_are_left_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"".join([*PLAIN, member(response(9, random.Random(2).randbytes(9000))), *PLAIN])
    for limit in ("_MOST", "_MOST_STORED", "_MOST_AHEAD"):
        with monkeypatch.context() as patch:
            patch.setattr(gzipped, limit, 4000)
            patch.setattr(gzipped, "_WINDOW", 1000)
            patch.setattr(gzipped, "_LARGE", 100)
            assert assert_same(data) == 9


@pytest.mark.parametrize("ahead", [False, True])
def test_what_is_in_members_and_where(ahead: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gzipped, "_WINDOW", 200_000)
    contents = [random.Random(number).randbytes(number * 997) for number in range(1, 120)]
    data = b"".join(gzip.compress(content, 1) for content in contents)
    found = list(whole_members(BytesIO(data), 0, ahead=ahead))
    assert [bytes(out) for _, _, out in found] == contents[:-1]  # of the last one nobody knows what follows
    assert all(gzip.decompress(data[begin:end]) == out for begin, end, out in found)


def test_reading_that_is_given_up_ends_the_thread() -> None:
    data = b"".join(gzip.compress(random.Random(number).randbytes(50_000), 1) for number in range(200))
    members = whole_members(BytesIO(data), 0, ahead=True)
    next(members)
    members.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(gzipped.THREAD) and thread.is_alive()]
