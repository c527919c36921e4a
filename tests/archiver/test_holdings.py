"""An archive that several processes use, and one that was killed in the middle."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import select

from archiver.errors import StorageFailed, UsageError
from archiver.holdings import Holdings, open_holdings
from archiver.index.database import reading
from archiver.index.load import Loader
from archiver.index.payloads import Dedup
from archiver.index.query import KeyRange
from archiver.index.tables import payloads, validators
from archiver.model import Exchange
from archiver.settings import load_settings
from archiver.urls import urlkey
from archiver.warc.importer import import_file
from archiver.warc.records import labelled
from archiver.warc.writer import WarcInfo, WarcWriter
from tests.servers.lifelines import child
from tests.servers.warcs import response_record

OpenHoldings = Callable[..., Holdings]
MUNIMENT = str(Path(sys.executable).with_name("muniment"))
NOW = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)


def write_open_file(holdings: Holdings, collection: str = "default", count: int = 5) -> str:
    """A file as a killed process leaves it: never closed; its name while it was written."""
    ids = iter(f"<urn:uuid:{number:032x}>" for number in range(1000))
    writer = WarcWriter(
        holdings.store, prefix="killed", warcinfo=WarcInfo(software="test", is_part_of=collection), clock=lambda: NOW,
        new_id=lambda: next(ids),
    )  # fmt: skip
    for number in range(count):
        writer.write_resource(f"http://site.example/{number}", "text/plain", b"x" * 500, date=NOW)
    writer.sync()
    assert writer._tail is not None
    writer._tail.file.close()  # the lock goes with the process
    (name,) = holdings.store.unfinished()
    return name


def captured(holdings: Holdings, collection: str = "default") -> list[str]:
    return [item.url for item in holdings.index.under([collection], "example,site)/", limit=1000)]


def test_what_a_killed_process_wrote_is_found_at_the_next_start(holdings_with: OpenHoldings) -> None:
    first = holdings_with()
    name = write_open_file(first)
    path = first.store.path(name)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])  # the last record was in flight
    second = holdings_with()
    assert captured(second) == [f"http://site.example/{number}" for number in range(4)]
    (report,) = second.repaired
    assert report.records == 5  # with the warcinfo record
    assert not list(second.store.unfinished())
    assert holdings_with().repaired == ()


def test_answers_to_requests_with_a_body_are_found_by_it_after_a_crash(holdings_with: OpenHoldings) -> None:
    """A crash changes nothing of the index: the same rows as an import of the same file makes."""
    first = holdings_with()
    ids = iter(f"<urn:uuid:{number:032x}>" for number in range(1000))
    writer = WarcWriter(
        first.store, prefix="killed", warcinfo=WarcInfo(software="test", is_part_of="default"), clock=lambda: NOW,
        new_id=lambda: next(ids),
    )  # fmt: skip
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    for method, body in (("GET", b""), ("POST", b"word=vellum"), ("POST", b"word=papyrus"), ("PUT", b"word=ink")):
        spool = BytesIO(reply)
        request = f"{method} /ask HTTP/1.1\r\nHost: site.example\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"
        sent = request.encode() + body
        writer.write_exchange(Exchange("http://site.example/ask", NOW, timedelta(seconds=1), sent, spool, len(reply), b"", 200))
    writer.sync()
    assert writer._tail is not None
    writer._tail.file.close()
    second = holdings_with()
    second.collections.create("again", title="Imported")
    (report,) = second.repaired
    import_file(second.store.path(report.file), collection="again", store=second.store, index=second.index, in_place=True)

    def keys(slug: str) -> list[tuple[object, ...]]:
        found = second.index.scan((slug,), [KeyRange("example,site)/", None)])
        return [(item.urlkey, item.offset, item.length, item.digest, item.status) for item in found]

    assert keys("default") == keys("again")
    assert len({key for key, *_ in keys("default")}) == 4


def test_what_was_found_after_a_crash_is_not_kept_twice(holdings_with: OpenHoldings) -> None:
    """Payloads and validators are remembered as if the process had not been killed: the next capture is a revisit."""
    first = holdings_with()
    ids = iter(f"<urn:uuid:{number:032x}>" for number in range(1000))
    info = WarcInfo(software="test", is_part_of="default")
    writer = WarcWriter(first.store, prefix="killed", warcinfo=info, clock=lambda: NOW, new_id=lambda: next(ids))
    body = b"ink on vellum " * 50
    reply = b'HTTP/1.1 200 OK\r\nETag: "ink"\r\nContent-Length: %d\r\n\r\n%b' % (len(body), body)
    for url in ("http://site.example/a", "http://site.example/b"):
        request = b"GET /a HTTP/1.1\r\nHost: site.example\r\n\r\n"
        writer.write_exchange(Exchange(url, NOW, timedelta(seconds=1), request, BytesIO(reply), len(reply), b"", 200))
    writer.sync()
    assert writer._tail is not None
    writer._tail.file.close()
    (name,) = first.store.unfinished()
    path = first.store.path(name)
    path.write_bytes(path.read_bytes()[:-40])  # what was written last is not whole
    second = holdings_with()
    dedup = Dedup(second.engine, second.collections.number("default"))
    target = dedup.target(labelled(hashlib.sha1(body, usedforsecurity=False).digest()), len(body))
    assert target is not None and target.url == "http://site.example/a"
    asked = dedup.condition("http://site.example/a")
    assert asked is not None and asked.headers == {"If-None-Match": '"ink"'} and asked.target == target
    (report,) = second.repaired
    second.collections.create("again", title="Imported")
    import_file(second.store.path(report.file), collection="again", store=second.store, index=second.index, in_place=True)
    with reading(second.engine) as connection:
        for table in (payloads, validators):
            columns = [column for column in table.columns if column.name != "collection_id"]
            rows = [
                sorted(map(tuple, connection.execute(select(*columns).where(table.c.collection_id == number))))
                for number in map(second.collections.number, ("default", "again"))
            ]
            assert rows[0] == rows[1] and rows[0]


def test_a_file_that_is_being_written_is_left_alone(holdings_with: OpenHoldings) -> None:
    first = holdings_with()
    path = first.store.path(write_open_file(first))
    with path.open("rb+") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        second = holdings_with()
        assert second.repaired == ()
        assert path.exists()
    assert len(holdings_with().repaired) == 1


def test_a_repair_that_was_cut_short_is_done_again(holdings_with: OpenHoldings, monkeypatch: pytest.MonkeyPatch) -> None:
    first = holdings_with()
    write_open_file(first)

    def broken(self: Loader, connection: object, loads: object) -> None:
        raise StorageFailed("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(Loader, "load", broken)
        with pytest.raises(StorageFailed):
            holdings_with()
    assert len(list(first.store.unfinished())) == 1
    assert len(captured(holdings_with())) == 5


def test_a_file_of_a_collection_that_is_not_here_is_finished_but_not_shown(holdings_with: OpenHoldings) -> None:
    first = holdings_with()
    write_open_file(first, collection="elsewhere")
    second = holdings_with()
    assert len(second.repaired) == 1
    assert captured(second) == []


def test_processes_that_import_at_once_lose_nothing(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    files = []
    for number in range(4):
        records = [response_record(f"http://site.example/{number}/{part}", NOW, b"x") for part in range(50)]
        path = tmp_path / f"{number}.warc.gz"
        path.write_bytes(b"".join(records))
        files.append(path)
    home = tmp_path / "warcs"
    with ExitStack() as stack:
        commands = [[MUNIMENT, "--archive", str(home), "import", str(path)] for path in files]
        running = [stack.enter_context(child(command, stderr=subprocess.PIPE)) for command in commands]
        ends = [(process.communicate(timeout=60)[1], process.returncode) for process in running]
    assert [status for _, status in ends] == [0] * 4, ends
    holdings = holdings_with()
    assert len(captured(holdings)) == 200
    assert holdings.index.summary("default").captures == 200


def test_importing_again_adds_nothing(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    holdings = holdings_with()
    path = tmp_path / "a.warc.gz"
    path.write_bytes(response_record("http://site.example/", NOW, b"x"))
    for _ in range(2):
        import_file(path, collection="default", store=holdings.store, index=holdings.index)
    assert holdings.index.summary("default").captures == 1
    assert len(list(holdings.store.root.iterdir())) == 1


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ("http://x/y", "no object storage"),
        ("file:///tmp", "Give the path of a folder"),
        ("memory://x", "no object storage"),
        ("simplecache::s3://bucket/x", "no object storage"),
        ("s3://", "no object storage"),
        ("s3:///x", "names no bucket"),
        ("s3://key:secret@bucket/x", "names no bucket"),
        ("nothing://x", "No program here knows nothing://"),
        ("oci://bucket/x", "pip install ocifs"),
    ],
)
def test_a_store_that_keeps_nothing_is_refused(tmp_path: Path, store: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        open_holdings(load_settings({"archive": tmp_path, "store": store}, environ={}))


def test_warc_files_can_be_kept_elsewhere(tmp_path: Path) -> None:
    settings = load_settings({"archive": tmp_path / "home", "store": str(tmp_path / "files")}, environ={})
    with open_holdings(settings) as holdings:
        path = tmp_path / "a.warc.gz"
        path.write_bytes(response_record("http://site.example/", NOW, b"x"))
        import_file(path, collection="default", store=holdings.store, index=holdings.index)
        found = holdings.index.newest(["default"], urlkey("http://site.example/"))
    assert found is not None
    assert (tmp_path / "files" / found.file).exists()
