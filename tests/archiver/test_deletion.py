"""Deletion: out of sight at once and back again, then out of the files for good, whatever moment it is cut short at."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError
from warcio.archiveiterator import ArchiveIterator

from archiver import deletion, purging
from archiver.cli.looking import Looking
from archiver.collections.access import ALL_KEYS, Action
from archiver.deletion import Selection, extent, restore, rule_for, stone_count, stones_of, suppress
from archiver.engine import PageCapturer
from archiver.errors import Conflict, Interrupted, NotFound, UsageError
from archiver.holdings import Holdings, open_holdings
from archiver.index.crawltables import crawl_files, crawl_urls
from archiver.index.database import FILE_NAME, alone, reading, writing
from archiver.index.files import HELD, PURGED, REMOVED
from archiver.index.segments import note_segments
from archiver.index.tables import files, outcomes, payloads, validators
from archiver.model import Candidate, PageResult, ResourceOutcome
from archiver.purging import Copies, purge
from archiver.store.anyfs import FsspecFolder
from archiver.store.objects import ObjectStore
from archiver.urls import urlkey
from archiver.warc.importer import import_file
from archiver.warc.records import digest
from replay.app import create_reader
from tests.conftest import OpenHoldings
from tests.servers.postgresql import PostgreSQL
from tests.servers.routes import Answer, RouteServer
from tests.servers.warcs import request_record, resource_record, response_record, revisit_record

OLD, NEW = datetime(2016, 6, 1, 12, tzinfo=UTC), datetime(2018, 6, 1, 12, tzinfo=UTC)
SECRET = b"<title>Ana's letter</title>" + b"what nobody may read any more " * 20
PLAIN = b"<title>plain</title>" + b"what everybody may read " * 20
LETTER, COPY, PAGE = "http://e.org/letter", "http://copies.net/c", "http://e.org/"
SHA1 = digest([SECRET])


def records() -> list[bytes]:
    return [
        response_record(PAGE, OLD, PLAIN),
        request_record(LETTER, OLD, "GET", "text/plain", b"Cookie: her name"),
        response_record(LETTER, OLD, SECRET, headers="Content-Type: text/html\r\nSet-Cookie: name=Ana\r\n"),
        revisit_record(COPY, NEW, LETTER, OLD, digest=SHA1),
        revisit_record(COPY, datetime(2019, 6, 1, tzinfo=UTC), LETTER, OLD, digest=SHA1),
        response_record(PAGE, NEW, PLAIN + b"later"),
    ]


def fill(
    holdings: Holdings, tmp_path: Path, name: str = "a.warc.gz", made: list[bytes] | None = None, slug: str = "default"
) -> str:
    path = tmp_path / name
    path.write_bytes(b"".join(made or records()))
    report = import_file(path, collection=slug, store=holdings.store, index=holdings.index)
    assert not report.bad
    return report.file


@pytest.fixture
def held(holdings_with: OpenHoldings, tmp_path: Path) -> Holdings:
    holdings = holdings_with()
    fill(holdings, tmp_path)
    return holdings


def chosen(holdings: Holdings, *, is_said: bool = False, **selection: Any) -> int:
    rule = rule_for(holdings, Selection("default", **selection), reason="Ana asked", is_said=is_said, message="Withdrawn.")
    return suppress(holdings, rule, actor="keeper").number


def shown(holdings: Holdings, url: str, year: int) -> tuple[int, bytes]:
    answer = create_reader(holdings.settings, holdings).test_client().get(f"/default/{year}0601120000id_/{url}")
    return answer.status_code, answer.data


def all_bytes(holdings: Holdings) -> bytes:
    """Everything the archive has on the disk, uncompressed."""
    found = b""
    for path in sorted(holdings.settings.archive.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            found += gzip.decompress(data) if path.suffix == ".gz" else data
    return found


def state(holdings: Holdings) -> dict[str, object]:
    """Which captures there are, and what can be read at each."""
    found = {}
    for capture in holdings.index.scan(("default",), [ALL_KEYS]):
        found[capture.url, capture.timestamp] = shown(holdings, capture.url, int(capture.timestamp[:4]))
    return found


# -- first step ------------------------------------------------------------------------------------------------------


def test_what_is_suppressed_is_out_of_sight_and_can_come_back(held: Holdings) -> None:
    before = all_bytes(held)
    number = chosen(held, url=LETTER)
    assert shown(held, LETTER, 2016)[0] == 404
    assert shown(held, COPY, 2018) == (200, SECRET), "somebody else's capture with the same bytes"
    restore(held, number, actor="keeper")
    assert shown(held, LETTER, 2016) == (200, SECRET)
    assert before.count(SECRET) == all_bytes(held).count(SECRET) == 1
    actions = [(entry.action, entry.actor) for entry in held.audit.entries()]
    assert actions == [("delete.suppress", "keeper"), ("delete.restore", "keeper")]


def test_no_other_rule_opens_what_is_being_deleted(held: Holdings) -> None:
    from tests.replay.access_table import allow

    chosen(held, host="e.org")
    held.access.add([allow(url=LETTER, collection="default")])
    assert shown(held, LETTER, 2016)[0] == 404


@pytest.mark.parametrize(
    ("selection", "captures"),
    [
        ({"url": LETTER}, 1),
        ({"url": PAGE}, 2),
        ({"url": PAGE, "until": "2017"}, 1),
        ({"prefix": "http://e.org/l"}, 1),
        ({"host": "e.org"}, 3),
        ({"is_everything": True, "since": "2018"}, 3),
        ({"is_everything": True}, 5),
    ],
)
def test_what_a_deletion_is_about_is_said_before(held: Holdings, selection: dict[str, Any], captures: int) -> None:
    rule = rule_for(held, Selection("default", **selection), reason="Ana asked")
    found = extent(held, rule)
    assert found.captures == captures
    takes_letter = selection.get("url") == LETTER or "prefix" in selection or "host" in selection
    assert [item.url for item in found.dependents] == ([COPY, COPY] if takes_letter else [])
    assert not held.access.all()


def test_what_is_captured_later_is_not_part_of_it(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    holdings = holdings_with()
    fill(holdings, tmp_path)
    chosen(holdings, url=PAGE)
    fill(holdings, tmp_path, "b.warc.gz", [response_record(PAGE, datetime(2199, 6, 1, 12, tzinfo=UTC), PLAIN)])
    assert shown(holdings, PAGE, 2199) == (200, PLAIN)


def test_a_single_record_is_told_from_others_of_its_url_and_moment(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    """A redirect to https has the key and often the second of what it leads to."""
    holdings = holdings_with()
    name = fill(
        holdings,
        tmp_path,
        made=[response_record("http://e.org/x", OLD, b"", status="301 Moved"), response_record("https://e.org/x", OLD, SECRET)],
    )
    row = next(item for item in holdings.index.versions(("default",), "org,e)/x") if item.status == 200)
    number = chosen(holdings, record=f"{name}:{row.offset}")
    report = purge(holdings, number)
    assert (report.captures, report.records) == (1, 1)
    assert [item.status for item in holdings.index.versions(("default",), "org,e)/x")] == [301]
    with pytest.raises(NotFound):
        chosen(holdings, record=f"{name}:7")


@pytest.mark.parametrize(
    ("selection", "reason"),
    [({}, "Ana asked"), ({"url": PAGE, "host": "e.org"}, "x"), ({"url": PAGE}, " "), ({"record": "a"}, "x")],
)
def test_what_is_no_deletion_is_refused(held: Holdings, selection: dict[str, Any], reason: str) -> None:
    with pytest.raises(UsageError):
        rule_for(held, Selection("default", **selection), reason=reason)


# -- second step -----------------------------------------------------------------------------------------------------


def test_what_is_purged_is_nowhere_any_more(held: Holdings) -> None:
    (name,) = held.store.names()
    number = chosen(held, url=LETTER)
    with pytest.raises(Conflict, match="2 revisits"):
        purge(held, number)
    report = purge(held, number, copies=Copies.PURGE, actor="keeper")
    assert (report.captures, report.records) == (3, 4), "the letter, its request, two copies"
    assert SECRET[-200:] not in all_bytes(held)
    assert b"her name" not in all_bytes(held)
    assert shown(held, LETTER, 2016)[0] == shown(held, COPY, 2018)[0] == 404
    assert (shown(held, PAGE, 2016), shown(held, PAGE, 2018)) == ((200, PLAIN), (200, PLAIN + b"later"))
    (new,) = held.store.names()
    assert report.files == {name: new} and new != name
    with reading(held.engine) as connection:
        known = {name: said for name, said in connection.execute(select(files.c.name, files.c.state))}
    assert known == {name: REMOVED, new: PURGED}
    (row,) = [item for item in held.files.find() if item.name == new]
    assert row.fixity is not None and row.fixity.size == held.store.size(new) and row.part.captures == 2
    assert held.audit.verify().problems == ()


def test_with_a_page_go_its_pictures_and_what_else_is_kept_of_it(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    holdings = holdings_with()
    names = ("urn:view:", "urn:thumbnail:", "screenshot:", "http://web.archive.org/screenshot/", "youtube-dl:00001:")
    made = [resource_record(name + url, OLD, url.encode(), "image/png") for name in names for url in (LETTER, PAGE)]
    fill(holdings, tmp_path, made=[*records(), *made])
    purge(holdings, chosen(holdings, url=LETTER), copies=Copies.KEEP)
    left = [name for name in names for item in holdings.index.versions(("default",), urlkey(name + PAGE))]
    assert left == list(names)
    assert not [name for name in names for item in holdings.index.versions(("default",), urlkey(name + LETTER))]
    assert all_bytes(holdings).count(b"Content-Type: image/png") == len(names)


def test_what_stays_is_byte_for_byte_as_it_was_and_other_programs_read_the_file(held: Holdings) -> None:
    (old,) = held.store.names()
    with held.store.open(old) as stream:
        before = stream.read()
    first, *_, last = sorted((row.offset, row.length) for row in held.index.scan(("default",), [ALL_KEYS]))
    purge(held, chosen(held, url=LETTER), copies=Copies.PURGE, with_digest=True)
    (new,) = held.store.names()
    with held.store.open(new) as stream:
        data = stream.read()
    assert data.startswith(before[: first[1]])
    assert data.endswith(before[last[0] :])
    with held.store.open(new) as stream:
        found = [(record.rec_type, record.rec_headers.get_header("WARC-Target-URI")) for record in ArchiveIterator(stream)]
    assert found == [
        ("response", PAGE),
        ("metadata", LETTER),
        ("metadata", LETTER),
        ("metadata", COPY),
        ("metadata", COPY),
        ("response", PAGE),
    ]
    said = gzip.decompress(data).decode()
    assert "purged-because: Ana asked (deletion 1)" in said
    assert said.count("purged-block-digest: sha1:") == 4
    stones = stones_of(held, held.access.get(1))
    assert sorted(stone.record_type for stone in stones) == ["request", "response", "revisit", "revisit"]


def test_a_revisit_that_stays_keeps_its_payload(held: Holdings) -> None:
    number = chosen(held, url=LETTER)
    report = purge(held, number, copies=Copies.KEEP)
    assert (report.captures, report.kept_whole) == (1, 1)
    assert shown(held, LETTER, 2016)[0] == 404
    assert shown(held, COPY, 2018) == (200, SECRET)
    assert shown(held, COPY, 2019)[1] == SECRET or shown(held, COPY, 2019)[0] == 302
    first, second = held.index.versions(("default",), "net,copies)/c")
    assert (first.revisit_of, first.digest) == (None, SHA1)
    assert second.revisit_of is not None
    assert all_bytes(held).count(SECRET) == 1
    assert b"name=Ana" not in all_bytes(held)


def test_a_revisit_without_a_head_cannot_be_given_a_payload(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    holdings = holdings_with()
    fill(
        holdings,
        tmp_path,
        made=[response_record(LETTER, OLD, SECRET), revisit_record(COPY, NEW, LETTER, OLD, digest=SHA1, status="")],
    )
    number = chosen(holdings, url=LETTER)
    with pytest.raises(Conflict, match="No revisit"):
        purge(holdings, number, copies=Copies.KEEP)
    assert SECRET in all_bytes(holdings)


def test_a_record_of_two_collections_leaves_only_the_one(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    holdings = holdings_with()
    holdings.collections.create("other")
    made = [response_record(LETTER, OLD, SECRET)]
    fill(holdings, tmp_path, made=made)
    fill(holdings, tmp_path, made=made, slug="other")
    report = purge(holdings, chosen(holdings, url=LETTER))
    assert (report.captures, report.records, report.shared) == (1, 0, 1)
    assert not list(holdings.index.versions(("default",), "org,e)/letter"))
    assert len(list(holdings.index.versions(("other",), "org,e)/letter"))) == 1
    assert SECRET in all_bytes(holdings)


def test_files_read_where_they_are_are_left_and_named(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    holdings = holdings_with()
    path = tmp_path / "theirs.warc.gz"
    theirs = records()[2]
    path.write_bytes(theirs)
    import_file(path, collection="default", store=holdings.store, index=holdings.index, in_place=True)
    number = chosen(holdings, url=LETTER)
    assert extent(holdings, holdings.access.get(number)).not_ours == 1
    report = purge(holdings, number)
    assert list(report.left) == [str(path)]
    assert shown(holdings, LETTER, 2016)[0] == 404
    assert path.read_bytes() == theirs
    assert holdings.access.get(number).deletion == "suppressed"


@pytest.mark.parametrize("is_said", [False, True])
def test_readers_are_told_of_it_if_that_is_wanted(held: Holdings, is_said: bool) -> None:
    number = chosen(held, url=LETTER, is_said=is_said)
    client = create_reader(held.settings, held).test_client()
    assert client.get(f"/default/2016/{LETTER}").status_code == (451 if is_said else 404)
    purge(held, number, copies=Copies.PURGE)
    answer = client.get(f"/default/2016/{LETTER}")
    assert answer.status_code == (410 if is_said else 404)
    assert (b"Withdrawn." in answer.data) == is_said
    assert client.get(f"/default/2016/{PAGE}x").status_code == 404


def test_the_number_of_a_deletion_is_not_given_twice(held: Holdings) -> None:
    """The audit log and tombstones name it."""
    first = chosen(held, url=LETTER)
    restore(held, first)
    assert chosen(held, url=LETTER) != first


def test_what_was_purged_does_not_come_back(held: Holdings) -> None:
    number = chosen(held, url=LETTER)
    purge(held, number, copies=Copies.KEEP)
    with pytest.raises(Conflict):
        restore(held, number)


def test_nothing_is_purged_while_something_is_captured(held: Holdings) -> None:
    number = chosen(held, url=LETTER)
    with held.store.create("being-written.warc.gz"), pytest.raises(Conflict, match="captured now"):
        purge(held, number, copies=Copies.KEEP)


def test_nothing_is_purged_while_the_index_is_rebuilt(held: Holdings) -> None:
    number = chosen(held, url=LETTER)
    with alone(held.settings.archive, "rebuild"), pytest.raises(Conflict, match="rebuilt now"):
        purge(held, number, copies=Copies.KEEP)


@pytest.mark.parametrize("packing", ["plain", "zstd"])
def test_other_kinds_of_files_stay_of_their_kind(holdings_with: OpenHoldings, tmp_path: Path, packing: str) -> None:
    import zstandard

    made = [gzip.decompress(item) for item in records()]
    name = "a.warc"
    if packing == "zstd":
        made, name = [zstandard.compress(item) for item in made], "a.warc.zst"
    holdings = holdings_with()
    path = tmp_path / name
    path.write_bytes(b"".join(made))
    stored = import_file(path, collection="default", store=holdings.store, index=holdings.index).file
    purge(holdings, chosen(holdings, url=LETTER), copies=Copies.KEEP)
    (new,) = holdings.store.names()
    assert Path(new).suffixes == Path(stored).suffixes
    assert shown(holdings, COPY, 2018) == (200, SECRET)
    assert shown(holdings, PAGE, 2018) == (200, PLAIN + b"later")
    assert shown(holdings, LETTER, 2016)[0] == 404


def test_a_damaged_part_of_a_file_is_copied_as_it_is(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    made = records()
    made[0] = made[0][:-9] + b"\0" * 9  # a broken trailer
    holdings = holdings_with()
    path = holdings.store.local_path("")  # the folder
    assert path is None
    name = "damaged.warc.gz"
    with holdings.store.create(name) as stream:
        stream.write(b"".join(made))
    holdings.store.finish(name)
    from archiver.warc.importer import import_named

    import_named(name, collection="default", store=holdings.store, index=holdings.index)
    purge(holdings, chosen(holdings, url=LETTER), copies=Copies.PURGE)
    (new,) = holdings.store.names()
    with holdings.store.open(new) as stream:
        assert made[0][:40] in stream.read()
    assert shown(holdings, PAGE, 2018) == (200, PLAIN + b"later")


def test_what_was_made_of_it_is_gone_too(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    holdings = holdings_with()
    fill(holdings, tmp_path)
    create_reader(holdings.settings, holdings).test_client().get(f"/default/20160601120000/{LETTER}")
    assert list((holdings.settings.archive / "cache" / "replay").rglob("*"))
    purge(holdings, chosen(holdings, url=LETTER), copies=Copies.PURGE)
    assert not (holdings.settings.archive / "cache" / "replay").exists()
    with reading(holdings.engine) as connection:
        assert not connection.execute(select(payloads.c.digest).where(payloads.c.url == LETTER)).all()
        assert not connection.execute(select(validators.c.url).where(validators.c.url == LETTER)).all()


def test_pages_and_reports_do_not_tell_of_it_any_more(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    holdings = holdings_with()
    name = fill(holdings, tmp_path)
    crawl = holdings.crawls.start("default", [LETTER])
    rows = list(holdings.index.scan(("default",), [ALL_KEYS]))
    for url, moment in ((LETTER, OLD), (PAGE, OLD)):
        outcome = ResourceOutcome(Candidate(url), 200, "text/html", 99, None, None)
        stamp = f"{moment:%Y%m%d%H%M%S}"
        result = PageResult("default", url, url, stamp, f"title of {url}", moment, timedelta(seconds=3), (outcome,))
        holdings.crawls.record_page(result, crawl)
    with writing(holdings.engine) as connection:
        connection.execute(insert(crawl_files).values(name=name, crawl_id=crawl, worker_id=1, committed=9, finished=1))
        for number, row in enumerate(rows):
            values = dict.fromkeys(("hops", "slot", "kind", "verdict"), "") | {"host_id": 1, "seed_id": 1, "state": 1}
            values |= {"crawl_id": crawl, "hash": number, "url": row.url, "mime": row.mime, "file": name, "offset": row.offset}
            connection.execute(insert(crawl_urls).values(digest=row.digest, **values))
    purge(holdings, chosen(holdings, crawl=crawl, until="20160601120000"), copies=Copies.KEEP)
    assert [page.title for page in holdings.crawls.pages("default")] == []
    with reading(holdings.engine) as connection:
        assert {row.mime for row in connection.execute(select(outcomes))} == {""}
        known = {row.offset: row.file for row in connection.execute(select(crawl_urls).where(crawl_urls.c.file.is_not(None)))}
        assert connection.execute(select(crawl_files.c.name)).scalar() == next(iter(holdings.store.names()))
    assert known == {row.offset: row.file for row in holdings.index.scan(("default",), [ALL_KEYS])}


def test_with_postgresql(holdings_with: OpenHoldings, tmp_path: Path, postgresql: PostgreSQL) -> None:
    with holdings_with(database=postgresql.new_archive()) as holdings:
        fill(holdings, tmp_path)
        report = purge(holdings, chosen(holdings, url=LETTER), copies=Copies.KEEP)
        assert (report.captures, report.records, report.kept_whole) == (1, 2, 1)
        assert shown(holdings, COPY, 2018) == (200, SECRET)
        assert shown(holdings, LETTER, 2016)[0] == 404
        for statement in ("UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log CASCADE"):
            with pytest.raises(DBAPIError, match="never changed"), writing(holdings.engine) as connection:
                connection.execute(text(statement))
        assert holdings.audit.verify().problems == ()


def test_files_in_object_storage(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    remote = FsspecFolder(f"memory://{uuid4()}")
    holdings = replace(holdings_with(), store=ObjectStore(remote, tmp_path / "spool"))
    old = fill(holdings, tmp_path)
    report = purge(holdings, chosen(holdings, url=LETTER), copies=Copies.KEEP)
    holdings.store.close()
    after = replace(holdings, store=ObjectStore(remote, tmp_path / "spool"))
    (new,) = after.store.names()
    assert report.files == {old: new}
    assert not after.store.exists(old)
    assert shown(after, COPY, 2018) == (200, SECRET)
    assert shown(after, LETTER, 2016)[0] == 404
    assert not [path for path in (tmp_path / "spool").rglob("*.gz")]


def test_a_record_of_an_arc_file_goes_without_a_tombstone_in_it(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    def record(url: str, body: bytes) -> bytes:
        http = b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
        return f"{url} 192.0.2.1 20160601120000 text/html {len(http)}\n".encode() + http + b"\n"

    head = b"1 0 Odd\nURL IP-address Archive-date Content-type Archive-length\n"
    filedesc = f"filedesc://a.arc 0.0.0.0 20160601120000 text/plain {len(head)}\n".encode() + head + b"\n"
    path = tmp_path / "a.arc.gz"
    path.write_bytes(b"".join(map(gzip.compress, (filedesc, record(LETTER, SECRET), record(PAGE, PLAIN)))))
    holdings = holdings_with()
    import_file(path, collection="default", store=holdings.store, index=holdings.index)
    report = purge(holdings, chosen(holdings, url=LETTER))
    assert report.records == 1
    assert SECRET not in all_bytes(holdings)
    assert shown(holdings, PAGE, 2016) == (200, PLAIN)
    assert stone_count(holdings, holdings.access.get(1)) == 1


def test_later_parts_of_a_record_go_with_it_wherever_they_lie(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    def record(kind: str, number: str, fields: str, block: bytes) -> bytes:
        head = (
            f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {LETTER}\r\nWARC-Date: 2016-06-01T12:00:00Z\r\n"
            f"WARC-Record-ID: <urn:uuid:{number}>\r\nWARC-Segment-Number: {number}\r\n{fields}"
            f"Content-Length: {len(block)}\r\n\r\n"
        )
        return gzip.compress(head.encode() + block + b"\r\n\r\n")

    kind = "Content-Type: application/http;msgtype=response\r\n"
    first = record("response", "1", kind, b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nbegun")
    later = record("continuation", "2", "WARC-Segment-Origin-ID: <urn:uuid:1>\r\nWARC-Segment-Total-Length: 99\r\n", SECRET)
    holdings = holdings_with()
    fill(holdings, tmp_path, "a.warc.gz", [first])
    other = fill(holdings, tmp_path, "b.warc.gz", [records()[0], later, records()[-1]])
    note_segments(holdings.engine, holdings.store, other)
    assert SECRET[:300] in shown(holdings, LETTER, 2016)[1]
    report = purge(holdings, chosen(holdings, url=LETTER))
    assert (report.records, len(report.files)) == (2, 2)
    assert SECRET not in all_bytes(holdings)
    assert not holdings.segments.has_any()
    assert shown(holdings, PAGE, 2018) == (200, PLAIN + b"later")


def test_what_is_left_is_an_archive_that_verifies(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    """Files of our own writers, which say their name; `muniment verify` finds nothing wrong with them."""
    from click.testing import CliRunner

    from archiver.cli.verify import verify

    holdings = holdings_with()
    with RouteServer({"/": Answer(b"<img src=a.png>"), "/a.png": Answer(SECRET, "image/png")}) as server:
        for _ in range(2):
            with PageCapturer(holdings, "default", software="test/1") as capturer:
                capturer.capture(server.url("/"))
        purge(holdings, chosen(holdings, url=server.url("/a.png"), until="2199", since="2001"), copies=Copies.KEEP)
    assert SECRET not in all_bytes(holdings)
    result = CliRunner().invoke(verify, ["--archive", str(holdings.settings.archive), "--strict", "--workers", "1"])
    assert result.exit_code == 0, result.output
    assert "0 errors, 0 warnings" in result.output


# -- cut short -------------------------------------------------------------------------------------------------------


def _dies(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _half_a_file(source: Any, target: Any, *_: object) -> None:
    target.write(source.read(300))
    target.flush()
    _dies()


MOMENTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "before the new file": lambda patch: patch.setattr("archiver.store.folder.FolderStore.create", _dies),
    "in the new file": lambda patch: patch.setattr(purging, "rewrite", _half_a_file),
    "before it has its name": lambda patch: patch.setattr("archiver.store.folder.FolderStore.finish", _dies),
    "before it is measured": lambda patch: patch.setattr(purging, "measure", _dies),
    "in the transaction": lambda patch: patch.setattr(purging, "switch_file", _dies),
    "at its end": lambda patch: patch.setattr("archiver.search.store.TextStore.forget_within", _dies),
    "before the old file goes": lambda patch: patch.setattr("archiver.store.folder.FolderStore.remove", _dies),
    "before that is noted": lambda patch: patch.setattr("archiver.index.files.FileRegistry.set_state", _dies),
    "before the deletion is": lambda patch: patch.setattr(
        "archiver.collections.accessrules.AccessRules.mark_purged_within", _dies
    ),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_purge_that_is_killed_leaves_one_state_or_the_other(
    holdings_with: OpenHoldings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    holdings = holdings_with()
    fill(holdings, tmp_path)
    number = chosen(holdings, url=LETTER)
    before = state(holdings)
    holdings.close()
    child = os.fork()
    if not child:
        try:
            MOMENTS[moment](monkeypatch)
            purge(open_holdings(holdings.settings), number, copies=Copies.KEEP)
        finally:
            os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    with holdings_with() as after:
        (name,) = after.store.names()
        assert not list(after.store.unfinished())
        now = state(after)
        assert {place: told for place, told in before.items() if place in now} == now
        assert before.keys() - now.keys() <= {(LETTER, "20160601120000")}
        with reading(after.engine) as connection:
            known = connection.execute(select(files.c.name, files.c.state)).all()
        assert [(kept, said) for kept, said in known if said in (HELD, PURGED)] == [
            (name, PURGED if LETTER not in {url for url, _ in now} else HELD)
        ]
        report = purge(after, number, copies=Copies.KEEP)
        assert not report.left
        assert SECRET not in all_bytes(after).replace(SECRET, b"", 1), "once only, in the copy"
        assert shown(after, COPY, 2018) == (200, SECRET)
        assert shown(after, LETTER, 2016)[0] == 404
        assert after.access.get(number).deletion == "purged"


# -- the log ---------------------------------------------------------------------------------------------------------


def test_the_log_refuses_changes_and_shows_those_made_behind_its_back(held: Holdings) -> None:
    number = chosen(held, url=LETTER)
    restore(held, number)
    noted = held.audit.verify().last
    path = held.settings.archive / FILE_NAME
    with sqlite3.connect(path) as connection:
        for statement in (
            "UPDATE audit_log SET actor = 'nobody'",
            "DELETE FROM audit_log WHERE id = 2",
            "INSERT OR REPLACE INTO audit_log SELECT id, at, 'nobody', action, subject, detail, previous, hash FROM audit_log",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="never changed"):
                connection.execute(statement)
        assert held.audit.verify(noted).problems == ()
        for name in ("update", "delete", "replace"):
            connection.execute(f"DROP TRIGGER audit_log_no_{name}")
        connection.execute("UPDATE audit_log SET actor = 'nobody' WHERE id = 1")
        connection.commit()
        assert held.audit.verify(noted).problems == ("Entry 1 was changed after it was written.",)
        connection.execute("DELETE FROM audit_log WHERE id = 1")
        connection.commit()
        assert held.audit.verify(noted).problems == ("Entries 1 to 1 are missing.",)
        connection.execute("DELETE FROM audit_log")
        connection.commit()
    assert len(held.audit.verify(noted).problems) == 1
    assert held.audit.verify().problems == ()
    connection.close()


def _pressing_ctrl_c(function: Callable[..., Any]) -> Callable[..., Any]:
    def pressed(*args: Any, **more: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return function(*args, **more)

    return pressed


def test_a_terminal_shows_how_far_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Looking("Nothing was done.", lambda: 0.0) as looking:
        for _ in range(3):
            looking.step()  # one sign a moment is enough
        looking.at_file(2, 5)
    shown = capsys.readouterr().err
    assert re.findall(r"\r(\S[^\r]*)", shown) == ["1 capture looked at", "2 of 5 files written anew"]
    assert shown.endswith(f"\r{' ' * 25}\r")


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from archiver.cli.access import access
    from archiver.cli.audit import audit
    from archiver.cli.delete import delete

    monkeypatch.setenv("MUNIMENT_ARCHIVE", str(tmp_path / "warcs"))
    from archiver.settings import load_settings

    with open_holdings(load_settings(environ=os.environ)) as holdings:
        fill(holdings, tmp_path)

    def run(command: Any, *words: str, status: int = 0, typed: str = "") -> str:
        result = CliRunner().invoke(command, words, input=typed, standalone_mode=False, catch_exceptions=False)
        assert (result.return_value or 0) == status
        return result.output

    assert "3 captures of 2 URLs" in run(delete, "suppress", "--host", "e.org", "--reason", "x", "--dry-run")
    with pytest.raises(UsageError, match="Nothing of that is held"):
        run(delete, "suppress", "http://e.org/mistyped", "--reason", "x")
    assert "There are no deletions." in run(delete, "report")
    assert "Deletion 1" in run(delete, "suppress", LETTER, "--reason", "Ana asked", "--actor", "keeper", "--say")
    assert "2 revisits elsewhere" in run(delete, "purge", "1", "--dry-run")
    assert "1 capture out of sight, 0 records purged" in run(delete, "report", "1")
    for owner, name, words, stopped in (  # Ctrl-C while it counts, and while files are written anew
        (deletion, "ordered", ("purge", "1", "--dry-run"), "Stopped. Nothing was done."),
        (purging._Purge, "_later_parts", ("purge", "1", "--copies", "keep", "--yes"), "Stopped: 0 of 1 file written anew."),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, _pressing_ctrl_c(getattr(owner, name)))
            with pytest.raises(Interrupted, match=re.escape(stopped)):
                run(delete, *words)
    assert "are gone" in run(delete, "purge", "1", "--copies", "keep", typed="y\n")
    told = json.loads(run(delete, "report", "1", "--json"))
    assert (told["state"], told["purged"], told["captures"]) == ("purged", 2, 0)
    assert "Rule 1 decides" not in run(access, "test", PAGE)
    run(access, "add", PAGE, "--exclude", "--embargo", "3650days", "--all", "--reason", "waits")
    assert "Rule 2 decides: exclude" in run(access, "test", PAGE, "-c", "default", status=1)
    run(access, "set", "2", "--block", "--embargo", "")
    assert "(451)" in run(access, "test", PAGE, "-c", "default", status=1)
    table = tmp_path / "rules.csv"
    table.write_text(run(access, "export"))
    assert "1 rule added." in run(access, "import", str(table))
    assert json.loads(run(access, "list", "--json"))[1]["action"] == Action.BLOCK
    run(access, "remove", "2", "3")
    lines = run(audit, "list").splitlines()
    assert any("keeper" in line and "delete.suppress" in line for line in lines)
    assert "as they were written" in run(audit, "verify")
