"""An archive verified: index against files both ways, database against files, and what of it is remembered."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard
from sqlalchemy import delete, insert, update

from archiver.cli.main import run
from archiver.holdings import Holdings
from archiver.index.crawltables import crawl_files, crawl_urls
from archiver.index.database import writing
from archiver.index.holdingstables import file_parts
from archiver.index.tables import captures, crawls, files, payloads, validators
from archiver.verifyarchive import WHOLE, ArchiveVerifier
from archiver.warc.check import FileReport
from archiver.warc.rules import RULES, Severity
from tests.archiver.warcs_by_hand import HTTP, URL, fields, file_of, member, plain, response, sha1, uuid, warcinfo
from tests.servers.postgresql import PostgreSQL
from tests.servers.routes import Answer, RouteServer

OpenHoldings = Callable[..., Holdings]
NOW = datetime(2020, 1, 1, tzinfo=UTC)


def hand_made() -> bytes:
    request = b"GET /a HTTP/1.1\r\nHost: example.org\r\n\r\n"
    head = b"HTTP/1.1 404 Not Found\r\n\r\n"
    return file_of(
        response(put=(("WARC-Concurrent-To", uuid(3)),)),
        plain(fields("request", 3, block=request, payload=b"", put=(("WARC-Concurrent-To", uuid(2)),)), request),
        response(4, url="http://example.org/gone", block=head, payload=b""),
        plain(
            fields(
                "revisit", 5, block=HTTP, url="http://example.org/again",
                put=(
                    ("WARC-Profile", "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"),
                    ("WARC-Refers-To-Target-URI", URL), ("WARC-Refers-To-Date", "2016-08-10T20:46:23Z"),
                    ("WARC-Truncated", "length"),
                ),
            ),
            HTTP,
        ),
    )  # fmt: skip


@pytest.fixture
def holdings(holdings_with: OpenHoldings, tmp_path: Path) -> Holdings:
    """An archive with one imported file."""
    path = tmp_path / "test.warc.gz"
    path.write_bytes(hand_made())
    opened = holdings_with()
    import_it(opened, path)
    return opened


def import_it(opened: Holdings, path: Path, collection: str = "default") -> None:
    assert run(["--archive", str(opened.settings.archive), "import", str(path), "-c", collection]) == 0


def verified(opened: Holdings, *, now: datetime = NOW, **options: Any) -> dict[str, FileReport]:
    reports = ArchiveVerifier(opened, **options).run(lambda: now)
    return {report.file: report for report in reports}


def found(opened: Holdings, **options: Any) -> set[str]:
    """Rules broken, but for notes."""
    rules = {rule for report in verified(opened, **options).values() for rule in report.log.counts}
    return {rule for rule in rules if RULES[rule].severity is not Severity.NOTE}


def change(opened: Holdings, *statements: Any) -> None:
    with writing(opened.engine) as connection:
        for statement in statements:
            connection.execute(statement)


def test_an_archive_that_is_right_has_nothing_wrong(holdings: Holdings) -> None:
    reports = verified(holdings)
    assert not [
        finding for report in reports.values() for finding in report.log.listed if finding.severity is not Severity.NOTE
    ]
    assert reports["test.warc.gz"].records == {"warcinfo": 1, "response": 2, "request": 1, "revisit": 1}


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("index-url", {"url": "http://example.org/other"}),
        ("index-key", {"urlkey": "org,example)/other"}),
        ("index-date", {"timestamp": 20170101000000}),
        ("index-status", {"status": 500}),
        ("index-digest", {"digest": sha1(b"other")}),
        ("index-length", {"length": 7}),
        ("index-kind", {"is_revisit": 1, "refers_to_url": URL, "refers_to_timestamp": "20160810204623"}),
        ("index-no-record", {"offset": 3}),
    ],
)
def test_a_row_that_lies_is_told_by_what_it_lies_about(holdings: Holdings, rule: str, values: dict[str, object]) -> None:
    change(holdings, update(captures).where(captures.c.url == URL).values(**values))
    assert rule in found(holdings)


def test_a_record_that_lost_its_row_is_told(holdings: Holdings) -> None:
    change(holdings, delete(captures).where(captures.c.url == "http://example.org/gone"))
    reports = verified(holdings)
    (told,) = [finding for finding in reports["test.warc.gz"].log.listed if finding.rule == "index-unindexed"]
    assert told.subject == "http://example.org/gone"


def test_files_that_are_missing_or_unknown_are_told(holdings: Holdings) -> None:
    path = holdings.store.local_path("test.warc.gz")
    assert path is not None
    path.rename(path.with_name("renamed.warc.gz"))
    assert {"file-missing", "file-unknown"} <= found(holdings)
    assert {"file-missing", "file-unknown"} <= found(holdings, quick=True)


def test_a_file_that_changed_is_told_by_what_was_noted_of_it(holdings: Holdings) -> None:
    change(holdings, update(files).values(sha256="0" * 64, sha1=None, md5=None))
    assert found(holdings) == {"file-digest"}
    change(holdings, update(files).values(sha256=None, size=1))
    assert found(holdings) == {"file-size"}
    assert found(holdings, quick=True) == {"file-size"}


def test_a_byte_that_changed_is_told(holdings: Holdings) -> None:
    path = holdings.store.local_path("test.warc.gz")
    assert path is not None
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(bytes(data))
    assert "gzip-checksum" in found(holdings)


def test_counts_that_were_noted_are_compared(holdings: Holdings) -> None:
    change(
        holdings,
        delete(file_parts),
        insert(file_parts).values(file_id=1, collection_id=1, captures=99, first_timestamp=1, last_timestamp=2),
    )
    assert found(holdings) == {"file-parts"}


def test_what_crawls_noted_is_compared(holdings: Holdings) -> None:
    known = {"hash": 1, "host_id": 1, "seed_id": 1, "hops": "", "slot": "", "kind": "", "state": 1, "verdict": ""}
    offset = len(member(warcinfo()))
    change(
        holdings,
        insert(crawls).values(id=1, collection_id=1, seeds="", started_at="2016"),
        insert(crawl_urls).values(crawl_id=1, url=URL, file="test.warc.gz", offset=offset, **known),
        insert(crawl_files).values(name="test.warc.gz", crawl_id=1, worker_id=1, committed=1 << 40, finished=1),
    )
    assert found(holdings) == {"file-size"}
    change(holdings, update(crawl_urls).values(url="http://example.org/other"), update(crawl_files).values(committed=100))
    assert found(holdings) == {"index-crawl", "index-crawl-file"}
    change(holdings, update(crawl_urls).values(url=URL, offset=1), delete(crawl_files))
    assert found(holdings) == {"index-crawl"}


def test_what_revisits_and_the_memory_of_payloads_refer_to_is_looked_for(holdings: Holdings) -> None:
    memory = {
        "collection_id": 1,
        "digest": "sha1:X",
        "url": "http://nowhere.org/",
        "timestamp": 20160101000000,
        "record_id": "x",
    }
    change(
        holdings,
        delete(payloads),
        delete(validators),
        update(captures).where(captures.c.is_revisit == 1).values(refers_to_url="http://nowhere.org/", digest="sha1:Y"),
        insert(payloads).values(**memory),
        insert(validators).values(**memory, urlkey="org,nowhere)/", etag="", last_modified=""),
    )
    reports = verified(holdings)
    told = {finding.rule: finding.subject for finding in reports[WHOLE].log.listed}
    assert told["index-revisit"] == "http://example.org/again"
    assert told["index-payload"] == told["index-validator"] == "http://nowhere.org/"


def test_what_was_verified_lately_is_passed_over_unless_it_had_an_error(holdings: Holdings, tmp_path: Path) -> None:
    (tmp_path / "bad.warc.gz").write_bytes(file_of(response(7, put=(("WARC-Block-Digest", sha1(b"x")),))))
    import_it(holdings, tmp_path / "bad.warc.gz")
    assert set(verified(holdings)) == {"test.warc.gz", "bad.warc.gz", WHOLE}
    week = timedelta(days=7)
    assert set(verified(holdings, now=NOW + timedelta(days=3), older_than=week)) == {"bad.warc.gz", WHOLE}
    assert set(verified(holdings, now=NOW + timedelta(days=8), older_than=week)) == {"test.warc.gz", "bad.warc.gz", WHOLE}


def test_an_interrupted_run_goes_on_with_what_is_left(holdings: Holdings, tmp_path: Path) -> None:
    (tmp_path / "more.warc.gz").write_bytes(file_of(response(7)))
    import_it(holdings, tmp_path / "more.warc.gz")
    running = ArchiveVerifier(holdings).run(lambda: NOW)
    first = next(running).file
    running.close()
    rest = set(verified(holdings, older_than=timedelta(days=1)))
    assert first not in rest
    assert len(rest) == 2


def test_a_collection_is_verified_by_itself(holdings: Holdings, tmp_path: Path) -> None:
    holdings.collections.ensure("other", title="Other")
    (tmp_path / "more.warc.gz").write_bytes(file_of(response(7)))
    import_it(holdings, tmp_path / "more.warc.gz", "other")
    assert set(verified(holdings, collection="other")) == {"more.warc.gz", WHOLE}
    assert not found(holdings, collection="other")


def test_captures_of_our_own_are_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = Answer(b"<title>P</title><img src=a.png><img src=b.png><img src=gone.png>")
    chunked = Answer(b"x" * 5000, "image/png")
    home = str(tmp_path / "home")
    with RouteServer({"/": page, "/a.png": chunked, "/b.png": chunked}) as server:
        for _ in range(2):
            run(["--archive", home, "capture", "--allow-private", server.url("/")])
        run(["--archive", home, "crawl", "--allow-private", "--delay", "0", server.url("/")])
    capsys.readouterr()
    status = run(["--archive", home, "verify", "--strict", "--json"])
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert status == 0, [line for line in told if line.get("severity") in ("error", "warning")]
    assert told[-1]["summary"]["records"] > 10


def test_a_file_that_is_being_written_is_left_for_the_next_time(holdings: Holdings) -> None:
    with holdings.store.create("now.warc.gz") as out:
        out.write(file_of(response(7))[:-20])
        out.flush()
        assert found(holdings) == {"file-open"}
    holdings.store.discard("now.warc.gz")


def test_arc_and_zstd_files_and_files_elsewhere_are_compared_with_the_index_too(holdings: Holdings, tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nold"
    line = b"http://old.example.org/ 127.0.0.1 19980101000000 text/html %d\n" % len(head)
    arc = b"filedesc://old.arc 0.0.0.0 19980101000000 text/plain 9\n1 0 test\n\n" + line + head + b"\n"
    (tmp_path / "old.arc").write_bytes(arc)
    (tmp_path / "new.warc.zst").write_bytes(b"".join(map(zstandard.compress, (warcinfo(), response(8)))))
    (tmp_path / "there.warc.gz").write_bytes(file_of(response(9)))
    import_it(holdings, tmp_path / "old.arc")
    import_it(holdings, tmp_path / "new.warc.zst")
    assert run(["--archive", str(holdings.settings.archive), "import", "--in-place", str(tmp_path / "there.warc.gz")]) == 0
    reports = verified(holdings, workers=2)
    assert {"old.arc", "new.warc.zst", str(tmp_path / "there.warc.gz")} <= reports.keys()
    assert not found(holdings, workers=2)
    change(holdings, update(captures).values(status=418))
    told = verified(holdings, workers=2)
    assert sum(report.log.counts["index-status"] for report in told.values()) == 6


def test_an_archive_on_postgresql_is_verified_alike(
    holdings_with: OpenHoldings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgresql: PostgreSQL
) -> None:
    database = postgresql.new_archive()
    monkeypatch.setenv("MUNIMENT_DATABASE", database)
    opened = holdings_with(database=database)
    for number in (2, 3):
        (tmp_path / f"{number}.warc.gz").write_bytes(file_of(response(number)))
        import_it(opened, tmp_path / f"{number}.warc.gz")
    assert not found(opened, workers=2)
    change(opened, update(captures).values(digest="sha1:X"))
    assert found(opened, workers=2) == {"index-digest"}
    assert set(verified(opened, older_than=timedelta(days=1))) == {"2.warc.gz", "3.warc.gz", WHOLE}


def test_what_is_exported_and_what_is_left_after_a_purge_breaks_no_rule(
    holdings: Holdings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = str(holdings.settings.archive)
    for name in ("out.warc.gz", "out.wacz"):
        assert run(["--archive", home, "export", str(tmp_path / name)]) == 0
        assert run(["verify", "--strict", str(tmp_path / name)]) == 0
    assert run(["--archive", home, "delete", "suppress", "http://example.org/gone", "--reason", "asked for"]) == 0
    assert run(["--archive", home, "delete", "purge", "1", "--yes"]) == 0
    assert run(["--archive", home, "verify", "--strict"]) == 0, capsys.readouterr().out
