"""The index made anew from the WARC files alone is the one that was there, whoever reads and writes meanwhile."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, text

from archiver.cli.main import run
from archiver.errors import Conflict, MissingRecord, StorageFailed
from archiver.holdings import Holdings, open_holdings
from archiver.index import batches
from archiver.index.database import alone, reading, writing
from archiver.index.entry import capture_of
from archiver.index.holdingstables import file_parts
from archiver.index.tables import captures, collections, files, payloads, validators
from archiver.model import Visibility
from archiver.rebuild import Rebuild
from archiver.settings import load_settings
from archiver.store.folder import FolderStore
from archiver.warc.importer import import_file
from archiver.warc.writer import WarcInfo, WarcWriter
from tests.archiver.crawling import Crawl, Site, page, plan
from tests.archiver.test_files import writer
from tests.archiver.test_warc import REPLIES, exchange
from tests.conftest import OpenHoldings
from tests.servers.routes import Answer, Route
from tests.servers.warcs import request_record, response_record, revisit_record

MOMENT = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
Rows = dict[str, list[tuple[Any, ...]]]


def tables(holdings: Holdings) -> Rows:
    """Every derived row, files and collections by their names."""
    found: Rows = {}
    with reading(holdings.engine) as connection:
        for table in (captures, payloads, validators, file_parts):
            columns = [column for column in table.columns if column.name not in ("file_id", "collection_id")]
            statement = select(collections.c.slug, *columns).join(collections, collections.c.id == table.c.collection_id)
            if "file_id" in table.c:
                statement = statement.add_columns(files.c.name).join(files, files.c.id == table.c.file_id)
            found[table.name] = sorted((tuple(row) for row in connection.execute(statement)), key=repr)
        found["files"] = sorted((tuple(row)[1:] for row in connection.execute(select(files))), key=repr)
    return found


def forget(holdings: Holdings) -> None:
    """Lose all that can be made anew."""
    with writing(holdings.engine) as connection:
        for table in (captures, payloads, validators):
            connection.execute(delete(table))


def site() -> dict[str, Route]:
    routes: dict[str, Route] = {"/": page(*(f"/p{number}" for number in range(8)))}
    routes |= {f"/p{number}": page(text="same " * 100, embeds=("/i.png",), title="x") for number in range(8)}
    body = b"0123456789" * 100
    routes["/i.png"] = Answer(
        body, "image/png", headers=(("ETag", '"one"'), ("Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT"))
    )
    return routes


def imported(folder: Path, number: int, count: int = 30) -> Path:
    """A WARC file as others write it, with requests of all kinds, revisits, old dates and payloads that are held already."""
    path = folder / f"others-{number}.warc.gz"
    parts: list[bytes] = []
    for place in range(count):
        url, moment = f"http://other.example/{number}/{place % 9}", MOMENT - timedelta(days=place * 40 + number)
        method = ("GET", "GET", "POST", "HEAD")[place % 4]
        asked = request_record(url, moment, method, "text/plain", b"%d" % place if method == "POST" else b"")
        answer = response_record(
            url, moment, b"0123456789" * (100 + place % 3), headers=f'ETag: "{place}"\r\nContent-Type: text/plain\r\n'
        )
        if place % 7 == 6:
            answer = revisit_record(url, moment, url, MOMENT, headers='ETag: "r"\r\n', digest="sha1:" + "A" * 32)
        parts += [asked, answer] if place % 2 else [answer, asked]
    path.write_bytes(b"".join(parts))
    return path


def fill(holdings: Holdings, tmp_path: Path) -> None:
    """Captures, a crawl with revisits, imports into two collections."""
    holdings.collections.create("other")
    with Site(site()) as server:
        for _ in range(2):
            Crawl(holdings, plan(server.url())).run()
    made = writer(holdings)
    for name, reply in REPLIES.items():
        made.write_exchange(exchange(reply, f"http://example.org/{name.replace(' ', '-')}"))
    made.close()
    Rebuild(holdings).run()  # what was written without its rows gets them
    for number, slug, in_place in ((1, "default", False), (1, "other", False), (2, "other", True)):
        path = imported(tmp_path, number)
        import_file(path, collection=slug, store=holdings.store, index=holdings.index, in_place=in_place)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_every_table_is_the_same_again(
    database: str, tmp_path: Path, holdings_with: OpenHoldings, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgresql").new_archive() if database == "postgresql" else ""
    holdings = holdings_with(database=url)
    fill(holdings, tmp_path)
    before = tables(holdings)
    assert all(len(rows) >= 4 for rows in before.values())
    assert any(row[5] for row in before["captures"]), "some are revisits"
    assert any("__wb_method=post" in row[6] for row in before["captures"])
    for workers in (1, 2):
        forget(holdings)
        report = Rebuild(holdings, workers=workers).run()
        assert tables(holdings) == before
        assert report.captures == len(before["captures"])
    Rebuild(holdings, slugs=("other",)).run()
    assert tables(holdings) == before


def test_crawls_leave_what_a_rebuild_finds(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    with Site(site()) as server:
        for _ in range(2):
            Crawl(holdings, plan(server.url())).run()
    before = tables(holdings)
    assert sum(row[5] for row in before["captures"]) > 3, "revisits"
    Rebuild(holdings, workers=2).run()
    assert tables(holdings) == before


def test_a_database_that_was_lost_is_made_anew_from_our_own_files(tmp_path: Path) -> None:
    settings = load_settings({"archive": tmp_path / "home", "allow_private": True}, environ={})
    with open_holdings(settings) as holdings, Site(site()) as server:
        Crawl(holdings, plan(server.url())).run()
        before = tables(holdings)
    (tmp_path / "home" / "muniment.db").unlink()
    foreign = imported(tmp_path, 1)
    foreign.rename(tmp_path / "home" / "archive" / foreign.name)
    with open_holdings(settings) as holdings:
        report = Rebuild(holdings).run()
        after = tables(holdings)
    assert report.unknown == [foreign.name]
    assert (after["captures"], after["payloads"]) == (before["captures"], before["payloads"])
    assert [row[:4] for row in after["file_parts"]] != []


def test_collections_of_a_database_that_was_lost_are_made_again_but_not_those_that_other_programs_mean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    (home / "archive").mkdir(parents=True)
    store = FolderStore(home / "archive")
    own, other = "muniment/1", "Heritrix/3"
    for part, software in (("unesco", own), ("job-7", other), ("unesco.test1", own), ("all", own)):
        info = WarcInfo(software, is_part_of=part)
        made = WarcWriter(store, prefix=part, warcinfo=info, clock=lambda: MOMENT, new_id=new_id())
        made.write_exchange(exchange(REPLIES["plain"], f"http://{part}.example.org/"))
        made.close()
    assert run(["--archive", str(home), "index", "rebuild"]) == 0
    said = capsys.readouterr().out
    assert "The collection “unesco” was not in the database" in said and "It is private" in said
    assert said.count("belongs to no collection") == 3 and said.count("was not in the database") == 1
    assert run(["--archive", str(home), "index", "rebuild", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["made_collections"] == [], "it is there now"
    with open_holdings(load_settings({"archive": home}, environ={})) as holdings:
        made_again = holdings.collections.get("unesco")
        assert (made_again.title, made_again.visibility) == ("unesco", Visibility.PRIVATE)
        assert [row[0] for row in tables(holdings)["captures"]] == ["unesco"]
        assert {item.slug for item in holdings.collections.all(with_tests=True)} == {"default", "unesco"}


def new_id() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"<urn:uuid:{next(numbers):032d}>"


def test_files_that_are_missing_leave_the_index_as_it_was(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    fill(holdings, tmp_path)
    before = tables(holdings)
    (tmp_path / "others-2.warc.gz").unlink()
    with pytest.raises(MissingRecord, match=r"others-2\.warc\.gz"):
        Rebuild(holdings).run()
    assert tables(holdings) == before
    report = Rebuild(holdings, without_missing=True).run()
    assert [name.rpartition("/")[2] for name in report.missing] == ["others-2.warc.gz"]
    assert len(tables(holdings)["captures"]) == len([row for row in before["captures"] if "others-2" not in row[-1]])


def test_only_one_rebuild_at_a_time(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    with alone(holdings.settings.archive, "rebuild"), pytest.raises(Conflict, match="already"):
        Rebuild(holdings).run()


def test_what_is_captured_meanwhile_is_in_the_new_index(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    with Site(site()) as server:
        Crawl(holdings, plan(server.url())).run()
        done: list[str] = []

        def told(name: str, position: int) -> None:
            assert holdings.index.summary("default").captures >= 10, "the old one is read all the time"
            if not done:
                done.append(name)
                Crawl(holdings, plan(server.url())).run()
                import_file(imported(tmp_path, 3), collection="default", store=holdings.store, index=holdings.index)

        Rebuild(holdings, told=told).run()
    after = tables(holdings)
    Rebuild(holdings).run()
    assert tables(holdings) == after
    assert any("others-3" in row[-1] for row in after["captures"])


def test_a_file_that_is_being_written_keeps_its_rows(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    made = writer(holdings)
    for number in range(3):
        written = made.write_exchange(exchange(REPLIES["plain"], f"http://example.org/{number}"))
        row = capture_of(written[0], "default")
        assert row is not None
        made.sync()
        holdings.index.add([row])
    Rebuild(holdings).run()
    urls = {row[7] for row in tables(holdings)["captures"]}
    assert {"http://example.org/0", "http://example.org/1", "http://example.org/2"} <= urls
    assert tables(holdings)["file_parts"] == []
    made.close()
    assert len(tables(holdings)["file_parts"]) == 1


KILLED = """
import os
import signal
import sys
from pathlib import Path
from archiver.index import batches, build
batches.BATCH_ROWS = build.BATCH_ROWS = 50
from archiver.holdings import open_holdings
from archiver.settings import load_settings
from archiver.model import Visibility
from archiver.rebuild import Rebuild
from archiver.store.folder import FolderStore
from archiver.warc.importer import import_file
from archiver.warc.writer import WarcInfo, WarcWriter
from archiver.index.load import Loader
home, path, batches_before = sys.argv[1], sys.argv[2], int(sys.argv[3])
load = Loader.load

def counting(self, connection, loads):
    global batches_before
    load(self, connection, loads)
    batches_before -= 1
    if not batches_before:
        os.kill(os.getpid(), signal.SIGKILL)

Loader.load = counting
with open_holdings(load_settings({"archive": Path(home)}, environ={})) as holdings:
    if path == "rebuild":
        Rebuild(holdings, workers=2).run()
    else:
        import_file(Path(path), collection="default", store=holdings.store, index=holdings.index, in_place=True)
"""


def killed(home: Path, what: str, batches: int) -> bool:
    """Begin something that is killed after so many batches, before the last of them is committed; whether it came to that."""
    done = subprocess.run([sys.executable, "-c", KILLED, home, what, str(batches)], check=False)
    assert done.returncode in (0, -signal.SIGKILL)
    return done.returncode != 0


def test_an_import_that_is_killed_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, path = tmp_path / "home", imported(tmp_path, 1, 1500)
    settings = load_settings({"archive": home}, environ={})
    choose = random.Random(time.time())
    kills = sum(killed(home, str(path), choose.randint(1, 8)) for _ in range(3))
    with open_holdings(settings) as holdings:
        report = import_file(path, collection="default", store=holdings.store, index=holdings.index, in_place=True)
        after = tables(holdings)
        assert (len(after["captures"]), after["file_parts"][0][2]) == (1500, 1500)
        assert report.indexed <= 1500
        Rebuild(holdings).run()
        assert tables(holdings) == after
    assert kills, "some were killed"


def test_a_rebuild_that_is_killed_leaves_the_old_index(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_holdings(load_settings({"archive": home}, environ={})) as holdings:
        for number in range(4):
            import_file(imported(tmp_path, number, 300), collection="default", store=holdings.store, index=holdings.index)
        before = tables(holdings)
        choose = random.Random(time.time())
        for _ in range(3):
            killed(home, "rebuild", choose.randint(1, 6))
            with alone(home, "rebuild"):  # its workers notice and end
                pass
            assert tables(holdings) == before
        Rebuild(holdings).run()
        assert tables(holdings) == before
        with reading(holdings.engine) as connection:
            names = connection.execute(text("SELECT name FROM sqlite_master WHERE name LIKE '%_build' OR name LIKE '%_old'"))
            assert names.all() == []


def test_the_commands_say_what_they_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "home"
    path = imported(tmp_path, 1)
    broken = tmp_path / "broken.warc.gz"
    broken.write_bytes(imported(tmp_path, 2).read_bytes()[:-30])
    assert run(["--archive", str(home), "import", str(path), str(broken)]) == 0
    capsys.readouterr()
    assert run(["--archive", str(home), "index", "stats", "--urls"]) == 0
    assert capsys.readouterr().out.startswith("default: 59 captures, 32 URLs, 2 files, ")
    assert run(["--archive", str(home), "index", "stats", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    size = sum(item.stat().st_size for item in (path, broken))
    assert (found["captures"], found["files"], found["bytes"]) == (59, 2, size)
    assert run(["--archive", str(home), "index", "rebuild", "--workers", "2"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("The index was made anew from 2 files (")
    assert ": 59 captures.\n" in said and "broken.warc.gz: damaged at byte" in said
    assert run(["--archive", str(home), "index", "rebuild", "-c", "default", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["captures"] == 59
    assert run(["--archive", str(home), "index", "rebuild", "-c", "nothing"]) == 1


def test_a_process_that_dies_ends_the_rebuild_and_leaves_the_old_index(
    tmp_path: Path, holdings_with: OpenHoldings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 20)
    holdings = holdings_with()
    for number in range(4):
        import_file(imported(tmp_path, number, 200), collection="default", store=holdings.store, index=holdings.index)
    before = tables(holdings)

    def told(name: str, position: int) -> None:
        for child in active_children():
            child.kill()

    with pytest.raises(StorageFailed, match="ended by itself"):
        Rebuild(holdings, workers=2, told=told).run()
    assert tables(holdings) == before
