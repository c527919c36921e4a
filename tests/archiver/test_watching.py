"""Watched folders: what comes into them, grows in them or is replaced is taken in, by a running server, too."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from archiver.errors import UsageError
from archiver.holdings import Holdings, open_holdings
from archiver.index.database import writing
from archiver.index.tables import files
from archiver.settings import load_settings
from archiver.warc.importer import import_file
from archiver.watching import QUIET_SECONDS, WatchedFolders, Watcher
from tests.servers.warcs import request_record, response_record

MOMENT = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)


class Clock:
    """A time that is set."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def rest(self) -> None:
        """So long that nobody seems to write any more."""
        self.now += timedelta(seconds=QUIET_SECONDS + 10)


@pytest.fixture
def holdings(tmp_path: Path) -> Iterator[Holdings]:
    with open_holdings(load_settings({"archive": tmp_path / "home"}, environ={})) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "crawls" / "one"
    made.mkdir(parents=True)
    return made


def exchanges(first: int, last: int) -> bytes:
    """Requests and their answers, as wget writes them."""
    return b"".join(
        request_record(f"http://e.org/{number}", MOMENT, "GET", "", b"")
        + response_record(f"http://e.org/{number}", MOMENT, b"hello" * 100)
        for number in range(first, last)
    )


def held(holdings: Holdings, slug: str = "default") -> list[str]:
    return [item.url.rpartition("/")[2] for item in holdings.index.under([slug], "org,e)/")]


def test_new_files_and_what_is_added_to_them_come_in(holdings: Holdings, folder: Path) -> None:
    clock = Clock()
    watcher = Watcher(holdings, clock)
    assert WatchedFolders(holdings).add("default", folder.parent)
    assert not WatchedFolders(holdings).add("default", folder.parent)
    assert watcher.look() == 0
    path = folder / "a.warc.gz"
    path.write_bytes(exchanges(0, 3)[:-20])
    (folder / "notes.txt").write_text("no WARC file")
    watcher.look()
    assert held(holdings) in (["0"], ["0", "1"]), "the last one is torn"
    path.write_bytes(exchanges(0, 5))
    watcher.look()
    assert held(holdings) == ["0", "1", "2", "3"], "what follows may belong to the last one"
    assert watcher.look() == 0
    assert watcher.measure_one()
    clock.rest()
    watcher.look()
    assert held(holdings) == ["0", "1", "2", "3", "4"]
    assert watcher.look() == 0
    (found,) = holdings.files.get(str(path.resolve()))
    assert (found.part.captures, found.fixity and found.fixity.size) == (5, path.stat().st_size)
    path.write_bytes(exchanges(0, 7))
    watcher.look()
    clock.rest()
    watcher.look()
    assert len(held(holdings)) == 7 and holdings.files.get(str(path.resolve()))[0].part.captures == 7


def test_a_file_that_a_crawler_names_open_keeps_its_rows_when_it_is_finished(holdings: Holdings, folder: Path) -> None:
    clock = Clock()
    watcher = Watcher(holdings, clock)
    WatchedFolders(holdings).add("default", folder)
    path = folder / "h.warc.gz.open"
    path.write_bytes(exchanges(0, 4))
    clock.rest()
    watcher.look()
    assert held(holdings) == ["0", "1", "2"]
    path.rename(folder / "h.warc.gz")
    watcher.look()
    assert held(holdings) == ["0", "1", "2", "3"]
    assert [file.name for file in holdings.files.find()] == [str((folder / "h.warc.gz").resolve())]
    assert next(holdings.index.versions(["default"], "org,e)/0")).file == str((folder / "h.warc.gz").resolve())


def test_another_file_in_the_place_of_one_takes_its_rows_away(holdings: Holdings, folder: Path) -> None:
    clock = Clock()
    watcher = Watcher(holdings, clock)
    WatchedFolders(holdings).add("default", folder)
    path = folder / "a.warc.gz"
    path.write_bytes(exchanges(0, 5))
    clock.rest()
    watcher.look()
    path.write_bytes(exchanges(7, 9))
    clock.rest()
    watcher.look()
    assert held(holdings) == ["7", "8"]


def test_what_cannot_be_used_in_place_is_told_once(holdings: Holdings, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    watcher = Watcher(holdings, clock)
    WatchedFolders(holdings).add("default", folder)
    plain = gzip.decompress(exchanges(0, 3))
    (folder / "whole.warc.gz").write_bytes(gzip.compress(plain))
    (folder / "good.warc.gz").write_bytes(exchanges(0, 1))
    clock.rest()
    watcher.look()
    watcher.look()
    assert held(holdings) == ["0"]
    assert [record.getMessage().count("compressed as a whole") for record in caplog.records] == [1]


def test_the_folder_must_be_one_of_others(holdings: Holdings, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        WatchedFolders(holdings).add("default", tmp_path / "nowhere")
    with pytest.raises(UsageError, match="own folder"):
        WatchedFolders(holdings).add("default", tmp_path / "home")


def test_a_folder_is_watched_no_more(holdings: Holdings, folder: Path) -> None:
    watched = WatchedFolders(holdings)
    watched.add("default", folder)
    assert watched.remove("default", folder)
    assert not watched.remove("default", folder)
    (folder / "a.warc.gz").write_bytes(exchanges(0, 2))
    assert Watcher(holdings, Clock()).look() == 0


def test_files_of_older_archives_are_measured(holdings: Holdings, tmp_path: Path) -> None:
    path = tmp_path / "x.warc.gz"
    path.write_bytes(exchanges(0, 2))
    import_file(path, collection="default", store=holdings.store, index=holdings.index)
    with writing(holdings.engine) as connection:
        connection.execute(update(files).values(size=None, md5=None, sha1=None, sha256=None))
    watcher = Watcher(holdings, Clock())
    assert watcher.measure_one()
    assert not watcher.measure_one()
    (found,) = holdings.files.find()
    assert found.fixity is not None and found.fixity.size == path.stat().st_size
