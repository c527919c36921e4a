"""Gzip members: stored ones are jumped through, others decompressed, and damage is found in both."""

from __future__ import annotations

import os
import zlib
from io import BytesIO, RawIOBase
from pathlib import Path

import pytest

from archiver.errors import DamagedRecord
from archiver.warc.members import Source, open_member

DATA = bytes(range(256)) * 2000
STARTS = [0, 1, 9, 20_999, 21_000, 21_001, 65_535, 65_536, 300_000, len(DATA) - 1]


def member(level: int, data: bytes = DATA) -> bytes:
    packer = zlib.compressobj(level, wbits=31)
    return packer.compress(data) + packer.flush()


def mixed() -> bytes:
    """Stored blocks, then compressed ones, in one member."""
    packer = zlib.compressobj(0, wbits=31)
    raw = packer.compress(DATA[:200_000]) + packer.flush(zlib.Z_FULL_FLUSH)
    rest = zlib.compressobj(9, wbits=-15, zdict=DATA[200_000 - 32768 : 200_000])
    trailer = zlib.crc32(DATA).to_bytes(4, "little") + len(DATA).to_bytes(4, "little")
    return raw + rest.compress(DATA[200_000:]) + rest.flush() + trailer


def uneven() -> bytes:
    """Stored blocks of many lengths, some of them alike for a while, some empty."""
    out, at = member(0)[:10], 0
    for turn in range(10**6):
        length = (7000, 7000, 0, 7000, 7000, 7000, 7000, 7000, 1, 5, 300, 300, 300, 300, 290, 310)[turn % 16]
        block = DATA[at : at + length]
        at += length
        sizes = len(block).to_bytes(2, "little") + (len(block) ^ 0xFFFF).to_bytes(2, "little")
        out += bytes([at >= len(DATA)]) + sizes + block
        if at >= len(DATA):
            break
    return out + zlib.crc32(DATA).to_bytes(4, "little") + len(DATA).to_bytes(4, "little")


MEMBERS = {"stored": member(0), "deflated": member(6), "mixed": mixed(), "uneven": uneven(), "empty": member(0, b"")}


def read_all(source: Source) -> bytes:
    opened = open_member(source)
    return b"".join(iter(lambda: opened.read(4096), b""))


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_is_read_to_its_end_and_no_further(name: str) -> None:
    source = Source(BytesIO(MEMBERS[name] + b"next"))
    assert read_all(source) == (b"" if name == "empty" else DATA)
    assert source.position == len(MEMBERS[name])
    assert source.read(4) == b"next"


@pytest.mark.parametrize("name", ["stored", "deflated", "mixed", "uneven"])
@pytest.mark.parametrize("start", STARTS)
def test_jumping_leads_where_reading_does(name: str, start: int) -> None:
    opened = open_member(Source(BytesIO(MEMBERS[name])))
    left = start
    while left:
        left -= opened.skip(left)
    assert b"".join(iter(lambda: opened.read(9999), b"")) == DATA[start:]
    assert opened.skip(10) == 0


def test_jumping_does_not_read(tmp_path: Path) -> None:
    path = tmp_path / "hole"
    with path.open("wb") as file:  # 256 MB of stored blocks over a hole in the disk
        file.write(member(0)[:10])
        for _ in range(4096):
            file.write(b"\x00\xff\xff\x00\x00")
            file.seek(65_535, os.SEEK_CUR)
        file.write(b"\x01\x04\x00\xfb\xffhere")

    read = 0
    with path.open("rb", buffering=0) as raw:

        class Metered(RawIOBase):
            def seekable(self) -> bool:
                return True

            def seek(self, offset: int, whence: int = 0) -> int:
                return raw.seek(offset, whence)

            def read(self, size: int = -1) -> bytes:
                nonlocal read
                data = raw.read(size) or b""
                read += len(data)
                return data

        opened = open_member(Source(Metered()))  # type: ignore[arg-type]
        left = 4096 * 65_535
        while left:
            left -= opened.skip(left)
        assert opened.read(4) == b"here"
    assert read < 1000


@pytest.mark.parametrize("name", ["stored", "deflated", "mixed", "uneven"])
@pytest.mark.parametrize("where", [0.3, 0.6, 0.999])
def test_damage_is_found(name: str, where: float) -> None:
    data = bytearray(MEMBERS[name])
    data[int(len(data) * where) - 3] ^= 0x55
    with pytest.raises(DamagedRecord):
        read_all(Source(BytesIO(bytes(data))))


@pytest.mark.parametrize("name", ["stored", "deflated", "mixed", "uneven"])
@pytest.mark.parametrize("length", [3, 10, 12, 15, 1500, -9, -1])
def test_a_torn_member_is_damaged(name: str, length: int) -> None:
    with pytest.raises(DamagedRecord):
        read_all(Source(BytesIO(MEMBERS[name][:length])))
    opened = open_member(Source(BytesIO(MEMBERS[name][:length])))
    with pytest.raises(DamagedRecord):
        while opened.skip(1 << 20) or opened.read(1):
            pass
