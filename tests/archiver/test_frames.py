"""WARC files that are compressed with Zstandard."""

from __future__ import annotations

import gzip
from io import BytesIO
from typing import BinaryIO, cast

import pytest
import zstandard

from archiver.warc.reader import BadRecord, StoredRecord, iter_records

FRAME = b"\x28\xb5\x2f\xfd"


def record(number: int, body: bytes) -> bytes:
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    head = (
        f"WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: http://example.org/{number}\r\n"
        f"WARC-Date: 2020-01-01T00:00:00Z\r\nWARC-Record-ID: <urn:uuid:{number:032x}>\r\n"
        f"Content-Type: application/http;msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    )
    return head.encode() + http + b"\r\n\r\n"


RECORDS = [record(number, f"<p>page {number}</p>".encode() * 50 * (number + 1)) for number in range(20)]
BODIES = [raw.partition(b"text/html\r\n\r\n")[2].removesuffix(b"\r\n\r\n") for raw in RECORDS]


def compress(data: bytes, dictionary: zstandard.ZstdCompressionDict | None = None) -> bytes:
    return zstandard.ZstdCompressor(dict_data=dictionary, write_checksum=True, write_content_size=True).compress(data)


def skippable(data: bytes, kind: int = 0x184D2A5D) -> bytes:
    return kind.to_bytes(4, "little") + len(data).to_bytes(4, "little") + data


def a_dictionary() -> zstandard.ZstdCompressionDict:
    return zstandard.train_dictionary(4096, [raw[:700] for raw in RECORDS] * 20, dict_id=40_000)


class OneWay(BytesIO):
    """A stream that cannot go back, as from a pipe."""

    def seekable(self) -> bool:
        return False


def read(
    data: bytes, offset: int = 0, kind: type[BytesIO] = BytesIO
) -> tuple[list[tuple[str, bytes, int, int, bool]], list[BadRecord]]:
    stream = kind(data)
    stream.seek(offset)
    good, bad = [], []
    before: StoredRecord | None = None
    told: list[tuple[StoredRecord, bytes]] = []
    for item in iter_records(cast(BinaryIO, stream), offset):
        if isinstance(item, BadRecord):
            bad.append(item)
            continue
        told.append((item, b"".join(item.payload())))
        before = item
    assert before is not None or bad or not data
    good = [(item.url.rpartition("/")[2], body, item.offset, item.length, item.alone) for item, body in told]
    return good, bad


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", [BytesIO, OneWay])
def test_every_record_is_read_through_the_dictionary_of_the_file(packed: bool, kind: type[BytesIO]) -> None:
    dictionary = a_dictionary()
    raw = dictionary.as_bytes()
    data = skippable(compress(raw) if packed else raw) + b"".join(compress(item, dictionary) for item in RECORDS)
    good, bad = read(data, kind=kind)
    assert not bad
    assert [body for _, body, *_ in good] == BODIES
    assert all(alone for *_, alone in good)


def test_a_single_record_is_read_from_its_offset_and_length() -> None:
    dictionary = a_dictionary()
    data = skippable(dictionary.as_bytes()) + b"".join(compress(item, dictionary) for item in RECORDS)
    good, _ = read(data)
    for number, (_, _, offset, length, _) in enumerate(good):
        again, _ = read(data[: offset + length], offset)
        assert again[0][1] == BODIES[number]


def test_a_record_may_have_several_frames_and_foreign_frames_are_passed_over() -> None:
    pieces = [skippable(b"x" * 100, 0x184D2A50)]
    for raw in RECORDS:
        pieces += [
            compress(raw[:200]),
            skippable(b"note", 0x184D2A51),
            compress(raw[200:300]),
            compress(b""),
            compress(raw[300:]),
        ]
    good, bad = read(compress(RECORDS[0]) + b"".join(pieces))
    assert not bad
    assert [body for _, body, *_ in good] == [BODIES[0], *BODIES]
    assert all(alone and length for *_, length, alone in good)


def test_a_file_compressed_as_a_whole_is_read_and_known_as_such() -> None:
    whole = b"".join(RECORDS)
    for data in (compress(whole), compress(whole[:10_000]) + compress(whole[10_000:])):
        good, bad = read(data)
        assert not bad
        assert [body for _, body, *_ in good] == BODIES
        assert not good[1][4]


def test_what_is_damaged_is_said_and_the_rest_is_read() -> None:
    frames = [compress(raw) for raw in RECORDS]
    broken = bytearray(frames[3])
    broken[len(broken) // 2] ^= 0xFF
    good, bad = read(b"".join([*frames[:3], bytes(broken), *frames[4:]]))
    assert [body for _, body, *_ in good if body in BODIES] == [*BODIES[:3], *BODIES[4:]] or len(good) == 20
    assert bad[0].offset == sum(map(len, frames[:3]))
    cut, bad = read(b"".join(frames)[:-10])
    assert len(cut) >= 19 and bad[-1].offset == sum(map(len, frames[:-1]))


def test_a_record_that_lacks_bytes_does_not_eat_the_next() -> None:
    short = RECORDS[1].replace(b"Content-Length: ", b"Content-Length: 9", 1)
    frames = [compress(RECORDS[0]), compress(short), compress(RECORDS[2])]
    stream = BytesIO(b"".join(frames))
    seen = [item.url if isinstance(item, StoredRecord) else item.reason for item in iter_records(stream)]
    assert seen[0].endswith("/0") and seen[-1].endswith("/2") and "lacks" in seen[-2]


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (b"", "does not have"),
        (skippable(b"no dictionary"), "cannot be read"),
        (skippable(b"\x37\xa4\x30\xec" + b"\xff" * 40), "cannot be read"),
        (b"\x5d\x2a\x4d\x18\xff\xff\xff\xff", "too large"),
        (skippable(compress(b"\0" * (1 << 25))), "too large"),
    ],
)
def test_a_dictionary_that_is_not_there_or_none_is_said(start: bytes, reason: str) -> None:
    data = start + compress(RECORDS[0], a_dictionary()) + compress(RECORDS[1])
    good, bad = read(data)
    assert any(reason in item.reason for item in bad), bad
    assert [body for _, body, *_ in good][-1:] == [BODIES[1]]


def test_frames_that_ask_for_too_much_memory_are_refused() -> None:
    # Window descriptor (RFC 8878, section 3.1.1.1.2): exponent 31, about 2 TB.
    frame = FRAME + b"\x00" + bytes([31 << 3]) + b"\x01\x00\x00"
    _, bad = read(frame + compress(RECORDS[0]))
    assert bad and ("memory" in bad[0].reason or "broken" in bad[0].reason)


def test_a_bomb_is_read_in_flat_memory() -> None:
    import tracemalloc

    head = record(0, b"").replace(b"Content-Length: ", b"Content-Length: 9999", 1)
    data = compress(head + b"\0" * (1 << 27))
    tracemalloc.start()
    for item in iter_records(BytesIO(data)):
        if isinstance(item, StoredRecord):
            while item.stream.read(65536) if item.stream.left > 1 << 20 else b"":
                pass
            break
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


def test_garbage_between_and_inside_frames_never_raises() -> None:
    base = bytearray(b"".join(compress(raw) for raw in RECORDS))
    for place in range(0, len(base), 37):
        data = bytes(base[:place]) + b"\x00\xff\x28\xb5" + bytes(base[place + 3 :])
        read(data)
        read(data[:place])
    read(gzip.compress(RECORDS[0]) + compress(RECORDS[1]) + RECORDS[2])
