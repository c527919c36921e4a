"""Gzip members: stored ones are jumped through, others decompressed, and damage is found in both."""

from __future__ import annotations

import os
import zlib
from io import BytesIO, RawIOBase
from pathlib import Path
from random import Random

import pytest

from archiver.errors import DamagedRecord
from archiver.warc import members
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


class Metered(RawIOBase):
    """A file that counts what is read of it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.count = 0

    def fileno(self) -> int:
        return self._file.fileno()

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size) or b""
        self.count += len(data)
        return data

    def close(self) -> None:
        self._file.close()
        super().close()


def after(path: Path, start: int, size: int) -> tuple[bytes, int]:
    """Bytes of the member in a file from `start` on, and how much of the file was read for them."""
    with Metered(path) as file:
        opened = open_member(Source(file))  # type: ignore[arg-type]
        while start:
            start -= opened.skip(start)
        data = b""
        while len(data) < size and (piece := opened.read(size - len(data))):
            data += piece
        return data, file.count


def test_jumping_does_not_read(tmp_path: Path) -> None:
    path = tmp_path / "hole"
    with path.open("wb") as file:  # 256 MB of stored blocks over a hole in the disk
        file.write(member(0)[:10])
        for _ in range(4096):
            file.write(b"\x00\xff\xff\x00\x00")
            file.seek(65_535, os.SEEK_CUR)
        file.write(b"\x01\x04\x00\xfb\xffhere")
    data, read = after(path, 4096 * 65_535, 4)
    assert data == b"here"
    assert read < 1000


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Places at which reading may begin again lie near each other."""
    monkeypatch.setattr(members, "_APART", 200_000)


def test_what_was_decompressed_once_is_not_decompressed_again_for_what_comes_after_it(tmp_path: Path, near: None) -> None:
    data = Random(1).randbytes(500_000).hex().encode()
    path = tmp_path / "member"
    path.write_bytes(member(6, data))
    assert after(path, 900_000, 9) == (data[900_000:900_009], pytest.approx(500_000, rel=0.2))
    for start in (900_000, 850_001, 400_001, 910_000, 0):
        found, read = after(path, start, 9)
        assert found == data[start : start + 9]
        assert read < 250_000
    assert after(path, 400_001, 10**6)[0] == data[400_001:]  # and the checksum at the end is right


@pytest.mark.parametrize("name", ["deflated", "mixed"])
@pytest.mark.parametrize("start", STARTS)
def test_beginning_again_leads_where_reading_does(name: str, start: int, tmp_path: Path, near: None) -> None:
    path = tmp_path / "member"
    path.write_bytes(MEMBERS[name])
    for _ in range(2):
        assert after(path, start, 10**6)[0] == DATA[start:]


def test_another_file_in_the_same_place_is_read_anew(tmp_path: Path, near: None) -> None:
    path = tmp_path / "member"
    for seed in (1, 2):
        data = Random(seed).randbytes(500_000).hex().encode()
        path.write_bytes(member(6, data))
        os.utime(path, (seed, seed))
        assert after(path, 900_000, 9)[0] == data[900_000:900_009]


def test_few_places_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "_APART", 1000)
    path = tmp_path / "member"
    path.write_bytes(MEMBERS["deflated"])
    assert after(path, len(DATA) - 1, 1)[0] == DATA[-1:]
    assert len(members._places._known) <= members._MOST_PLACES


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
