"""One table of tests for every place of WARC files: a folder, a bucket of a real server, and what fsspec drives."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from io import SEEK_CUR, SEEK_END, BytesIO
from pathlib import Path
from random import Random
from typing import BinaryIO
from uuid import uuid4

import pytest

from archiver.errors import MissingRecord, StorageFailed
from archiver.store.anyfs import FsspecFolder
from archiver.store.folder import FolderStore
from archiver.store.objects import ObjectStore
from archiver.store.protocol import WarcStore
from archiver.store.s3 import S3Bucket
from archiver.warc.reader import iter_records
from archiver.warc.repair import repair_abandoned
from tests.servers.warcs import response_record

DATA = Random(5).randbytes(3_000_000)
NAME = "a-1.warc.gz"
NOW = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)


@pytest.fixture(params=["folder", "s3", "any"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WarcStore]:
    made = make(request, tmp_path / "here")
    yield made
    made.close()


def make(request: pytest.FixtureRequest, home: Path) -> WarcStore:
    if request.param == "folder":
        return FolderStore(home)
    if request.param == "any":
        return ObjectStore(FsspecFolder(f"memory://{uuid4()}"), home)
    request.getfixturevalue("s3")
    return ObjectStore(S3Bucket("archive", f"stores/{uuid4()}"), home)


def put(store: WarcStore, name: str = NAME, data: bytes = DATA) -> None:
    with store.create(name) as file:
        file.write(data)
    store.finish(name)


def settled(store: WarcStore) -> WarcStore:
    """The store as another process finds it once all has arrived."""
    store.close()
    if isinstance(store, ObjectStore):
        assert not list(store.spool.names())
        assert not list(store.waiting())
        return ObjectStore(store.remote, store.spool.root)
    return store


def test_what_is_written_can_be_read_in_every_state(store: WarcStore) -> None:
    with store.create(NAME) as file:
        file.write(DATA[:1000])
        file.flush()
        with store.open(NAME, 10) as reading:
            assert reading.read(20) == DATA[10:30]
        assert list(store.unfinished()) == [NAME]
        assert list(store.names()) == []
        assert not store.exists(NAME)
        assert store.size(NAME) == 1000
        assert store.local_path(NAME) is not None
        file.write(DATA[1000:])
        store.finish(NAME)
    assert list(store.unfinished()) == []
    for one in (store, settled(store)):
        assert one.exists(NAME)
        assert list(one.names()) == [NAME]
        assert one.size(NAME) == len(DATA)
        with one.open(NAME, 77) as reading:
            assert reading.read(10) == DATA[77:87]


def test_reading_is_that_of_a_file(store: WarcStore) -> None:
    put(store)
    with settled(store).open(NAME, 100, 50) as file:
        other = BytesIO(DATA)
        other.seek(100)
        random = Random(8)
        assert file.seekable() and file.readable()
        for _ in range(60):
            match random.randrange(4):
                case 0:
                    place = random.randrange(len(DATA) + 100)
                    assert file.seek(place) == other.seek(place)
                case 1:
                    step = random.randrange(300)
                    assert file.seek(step, SEEK_CUR) == other.seek(step, SEEK_CUR)
                case 2:
                    assert file.seek(-9, SEEK_END) == other.seek(-9, SEEK_END)
                case _:
                    size = random.choice([1, 20, 5000, 200_000])
                    found = b""
                    while len(found) < size and (piece := file.read(size - len(found))):
                        found += piece
                    assert found == other.read(size)
            assert file.tell() == other.tell()
        file.seek(0)
        assert file.read() == DATA
        assert file.read(10) == b""
        with pytest.raises((ValueError, OSError)):
            file.seek(-1)
    with pytest.raises(ValueError, match="closed"):
        file.read(1)


def test_past_the_end_is_nothing(store: WarcStore) -> None:
    put(store)
    put(store, "empty.warc.gz", b"")
    one = settled(store)
    for offset in (len(DATA), len(DATA) + 10**6):
        with one.open(NAME, offset, 100) as file:
            assert file.read(10) == b""
            file.seek(-3, SEEK_END)
            assert file.read(10) == DATA[-3:]
    with one.open("empty.warc.gz") as file:
        assert file.read() == b""
    assert one.size("empty.warc.gz") == 0


def test_what_is_not_there_is_said(store: WarcStore, tmp_path: Path) -> None:
    for name in (NAME, "deep/" + NAME, str(tmp_path / "gone"), "file:///nowhere/x.warc"):
        assert not store.exists(name)
        assert store.local_path(name) is None
        for ask in (store.open, store.size):
            with pytest.raises(MissingRecord):
                ask(name)
    assert list(store.names()) == []
    assert not store.is_same(NAME, Path(__file__))
    with pytest.raises(MissingRecord):
        store.replace(NAME, BytesIO(b"new"))
    store.remove(NAME)


def test_a_file_on_this_machine_is_read_by_its_path_and_by_its_url(store: WarcStore, tmp_path: Path) -> None:
    path = tmp_path / "a file.warc"
    path.write_bytes(DATA)
    for name in (str(path), path.as_uri()):
        with store.open(name, 5) as file:
            assert file.read(5) == DATA[5:10]
        assert store.size(name) == len(DATA)
        assert store.exists(name)
        assert store.local_path(name) == path
    assert list(store.names()) == []


def test_two_files_of_one_name_are_refused(store: WarcStore) -> None:
    with store.create(NAME), pytest.raises(FileExistsError):
        store.create(NAME)
    store.finish(NAME)
    with pytest.raises(FileExistsError):
        settled(store).create(NAME)
    for name in ("../x", "a/b", "", ".hidden", "a" * 300, "x\n"):
        with pytest.raises(StorageFailed):
            store.create(name)


def test_open_files_are_locked_and_abandoned_ones_are_not(store: WarcStore) -> None:
    with store.create(NAME) as file:
        assert store.abandoned(NAME) is None
        file.write(b"torn")
    left = store.abandoned(NAME)
    assert left is not None
    with left:
        assert left.read() == b"torn"
        assert store.abandoned(NAME) is None
    store.discard(NAME)
    assert list(store.unfinished()) == []
    assert store.abandoned(NAME) is None


def test_a_file_that_is_just_begun_is_nobody_elses_to_clear_up(store: WarcStore, monkeypatch: pytest.MonkeyPatch) -> None:
    cleared = []
    flock = fcntl.flock

    def slowly(file: BinaryIO, how: int) -> None:
        """Another process clears up between the creation of the file and its lock."""
        monkeypatch.setattr(fcntl, "flock", flock)
        cleared.append(repair_abandoned(store))
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", slowly)
    put(store, data=response_record("http://site.example/", NOW, b"x"))
    assert [[report.file for report in reports] for reports in cleared] == [[NAME]]
    with store.open(NAME) as file:
        assert len(list(iter_records(file))) == 1


def test_one_who_clears_up_late_leaves_the_file_that_has_its_name(store: WarcStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.create(NAME).close()
    flock = fcntl.flock
    folder = store.spool if isinstance(store, ObjectStore) else store
    assert isinstance(folder, FolderStore)

    def late(file: BinaryIO, how: int) -> None:
        """A third process finishes what was open here, and a fourth begins a file of that name."""
        monkeypatch.setattr(fcntl, "flock", flock)
        folder.discard(NAME)
        late_ones.append(store.create(NAME))
        flock(file, how)

    late_ones: list[BinaryIO] = []
    monkeypatch.setattr(fcntl, "flock", late)
    assert store.abandoned(NAME) is None
    with late_ones[0] as file:
        file.write(b"kept")
    assert list(store.unfinished()) == [NAME]


def test_what_has_arrived_is_there_for_other_machines(store: WarcStore, tmp_path: Path) -> None:
    put(store)
    store.arrive(NAME)
    store.arrive(NAME)
    other = ObjectStore(store.remote, tmp_path / "there") if isinstance(store, ObjectStore) else store
    with other.open(NAME) as file:
        assert file.read() == DATA


def test_names_are_in_order(store: WarcStore) -> None:
    names = [f"{number:02}.warc.gz" for number in range(12)]
    for name in reversed(names):
        put(store, name, b"x")
    assert list(store.names()) == names
    assert list(settled(store).names()) == names


def test_the_same_bytes_are_known(store: WarcStore, tmp_path: Path) -> None:
    put(store)
    same, other, shorter = (tmp_path / name for name in ("same", "other", "shorter"))
    same.write_bytes(DATA)
    other.write_bytes(DATA[:-1] + b"?")
    shorter.write_bytes(DATA[:-1])
    for one in (store, settled(store)):
        assert one.is_same(NAME, same)
        assert not one.is_same(NAME, other)
        assert not one.is_same(NAME, shorter)


@pytest.mark.parametrize("has_arrived", [True, False])
def test_a_file_is_replaced_as_a_whole(store: WarcStore, tmp_path: Path, has_arrived: bool) -> None:
    put(store)
    new = tmp_path / "new"
    new.write_bytes(DATA[::-1])
    one = settled(store) if has_arrived else store
    for source, wanted in ((new, DATA[::-1]), (BytesIO(b"short"), b"short")):
        one.replace(NAME, source)
        with one.open(NAME) as file:
            assert file.read() == wanted
    with settled(one).open(NAME) as file:
        assert file.read() == b"short"
    assert list(one.names()) == [NAME]


def test_a_replacement_that_fails_leaves_the_old(store: WarcStore) -> None:
    class Broken(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, os.strerror(5))

    put(store)
    one = settled(store)
    with pytest.raises(StorageFailed, match="as it was"):
        one.replace(NAME, Broken())
    with one.open(NAME) as file:
        assert file.read() == DATA
    assert list(one.names()) == [NAME]


@pytest.mark.parametrize("has_arrived", [True, False])
def test_what_is_removed_is_gone(store: WarcStore, has_arrived: bool) -> None:
    put(store)
    one = settled(store) if has_arrived else store
    one.remove(NAME)
    one.remove(NAME)
    again = settled(one)
    assert list(again.names()) == []
    with pytest.raises(MissingRecord):
        again.open(NAME)


def test_stores_have_addresses_of_their_own(store: WarcStore, tmp_path: Path) -> None:
    assert store.address
    assert store.address != FolderStore(tmp_path / "other").address
