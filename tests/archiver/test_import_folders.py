"""Folders as wget, Heritrix and people leave them; indexes with WARC files elsewhere; object storage; the command line."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from archiver.cli.main import run
from archiver.collections.exchange import to_json
from archiver.collections.imported import ImportedCrawls
from archiver.holdings import Holdings
from archiver.imports.crawllogs import crawls_below, described, seeds_of, summary_of
from archiver.imports.recognise import Kind, recognise
from archiver.imports.wget import seeds_of as seeds_of_wget
from archiver.index.database import reading
from archiver.index.holdingstables import file_parts
from archiver.index.tables import crawls
from tests.archiver.importing import MOMENT, NOW, Import, body_of, page, wacz
from tests.archiver.test_frames import RECORDS, a_dictionary, compress, skippable
from tests.servers.routes import Answer, RouteServer
from tests.servers.warcs import revisit_record
from tests.servers.weed import ObjectServer

OpenHoldings = Callable[..., Holdings]


def crawls_of(holdings: Holdings) -> list[tuple[str, dict[str, object]]]:
    """(seeds, what is known) of imported crawls."""
    with reading(holdings.engine) as connection:
        rows = connection.execute(crawls.select().where(crawls.c.kind == "import").order_by(crawls.c.id)).all()
    return [(row.seeds, json.loads(row.plan)) for row in rows]


def zipped(name: str) -> bytes:
    """A ZIP file with one file in it."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as package:
        package.writestr(name, b"x")
    return target.getvalue()


# -- what a file is ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (RECORDS[0], Kind.WARC),
        (b"\r\n\0" + RECORDS[0], Kind.WARC),
        (gzip.compress(RECORDS[0], mtime=0), Kind.WARC),
        (compress(RECORDS[0]), Kind.WARC),
        (skippable(a_dictionary().as_bytes()), Kind.WARC),
        (b"filedesc://x.arc 0.0.0.0 20200101000000 text/plain 5\n", Kind.ARC),
        (b"http://example.org/ 192.0.2.1 20200101000000 text/html 5\nHTTP", Kind.ARC),
        (b"PK\x03\x04" + b"x" * 26 + b"archive/a.warc.gz", Kind.WACZ),
        (zipped("archive/a.warc"), Kind.WACZ),
        (zipped("some/where/a.warc.gz"), Kind.WACZ),
        (zipped("word/document.xml"), Kind.UNKNOWN),
        (b"PK\x03\x04rubbish", Kind.UNKNOWN),
        (b'\xef\xbb\xbf {"log": {"version"', Kind.HAR),
        (b'{"comment": 1, "log": {"entries": []}}', Kind.HAR),
        (b'{"profile": "multi-wacz-package", "resources": []}', Kind.MULTI_WACZ),
        (b" CDX N b a m s k r M S V g\n", Kind.CDX),
        (b"org,example)/ 20200101000000 http://example.org/ text/html 200 ABC - - 10 0 x.warc.gz\n", Kind.CDX),
        (b'org,example)/ 20200101000000 {"url": "http://example.org/"}\n', Kind.CDX),
        (gzip.compress(b'org,example)/ 20200101000000 {"url"', mtime=0), Kind.CDX),
        (b"<html>", Kind.UNKNOWN),
        (b'{"log": 5}', Kind.UNKNOWN),
        (b"{" * 70_000, Kind.UNKNOWN),
        (b"", Kind.UNKNOWN),
        (b"\x1f\x8b\x08garbage", Kind.UNKNOWN),
        (b"\x28\xb5\x2f\xfdgarbage", Kind.UNKNOWN),
        (gzip.compress(b"\0" * 50_000_000, mtime=0), Kind.UNKNOWN),
    ],
)
def test_kinds_are_told_by_content(data: bytes, kind: Kind) -> None:
    assert recognise(BytesIO(data), "name.txt") is kind
    if kind is Kind.UNKNOWN and not data.startswith(b"PK"):
        assert recognise(BytesIO(data), "broken.warc.gz") is Kind.WARC


# -- folders -----------------------------------------------------------------------------------------------------------


def test_everything_below_a_folder_is_taken_in_or_named(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    root = tmp_path / "root"
    (root / "deep" / "er").mkdir(parents=True)
    (root / "deep" / "er" / "a.bin").write_bytes(page(1))
    wacz(root / "b.zip", {"archive/x.warc.gz": page(2)})
    (root / "page.html").write_bytes(b"<html>")
    (root / "x.cdx").write_bytes(b" CDX N b a m s k r M S V g\n")
    (root / "growing.warc.gz.open").write_bytes(page(3))
    (root / "broken.warc.gz").write_bytes(b"\x1f\x8b\x08rubbish")
    (root / "circle").symlink_to(root)
    (root / "deep" / "again.warc.gz").symlink_to(root / "deep" / "er" / "a.bin")
    (root / "nowhere").symlink_to(root / "missing")
    os.mkfifo(root / "pipe")
    holdings = holdings_with()
    for _ in range(2):
        done = Import(holdings, root)
        assert done.captures == 2
    assert holdings.index.summary("default").captures == 2
    named = {Path(item.url).name: item.reason for item in done.told if item.record_type == "file"}
    assert named.keys() >= {"page.html", "x.cdx", "growing.warc.gz.open", "a.bin", "nowhere", "pipe"}
    assert "may still be written" in named["growing.warc.gz.open"]
    (broken,) = [item for item in done.told if Path(item.file).name == "broken.warc.gz"]
    assert "Nothing of it can be read" in broken.reason


def test_an_archive_does_not_take_itself_in(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    (tmp_path / "a.warc.gz").write_bytes(page(1))
    Import(holdings, tmp_path)
    done = Import(holdings, tmp_path)
    assert len(list(holdings.store.names())) == 1
    assert done.captures == 1


def test_in_place_folders_are_read_where_they_are(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.warc.gz").write_bytes(page(1))
    wacz(root / "b.wacz", {"archive/x.warc.gz": page(2)})
    holdings = holdings_with()
    assert Import(holdings, root, in_place=True).captures == 2
    assert not list(holdings.store.names())
    assert body_of(holdings, "http://example.org/2") == b"<title>2</title>"


HERITRIX_LOG = (
    "2020-01-02T03:04:05.000Z   200       1234 http://example.org/ - - text/html #001 20200102030405000+12 sha1:AAA - -\n"
    "2020-01-02T03:04:07.000Z    -2          - http://gone.example/ L http://example.org/ unknown #002 - - - -\n"
    "2020-01-02T03:04:06.000Z   404         10 http://example.org/x L http://example.org/ text/html #002 - sha1:B - -\n"
    "rubbish\n"
)
BEANS = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd"><!ENTITY a "aaaa">]>
<beans xmlns="http://www.springframework.org/schema/beans">
<bean id="simpleOverrides"><property name="properties"><value>
metadata.operatorContactUrl=http://example.org/contact
metadata.jobName=great job
metadata.description=&f;All of it
</value></property></bean>
<bean id="metadata" class="org.archive.modules.CrawlMetadata"><property name="operator" value="Jane"/></bean>
<bean id="credential"><property name="password" value="very-secret"/><value>metadata.password=very-secret</value></bean>
</beans>"""


def heritrix_job(root: Path) -> Path:
    launch = root / "20200102030405"
    for folder in (launch / "warcs", launch / "logs", launch / "reports"):
        folder.mkdir(parents=True)
    (launch / "warcs" / "A-20200102030405-00000.warc.gz").write_bytes(page(1))
    (launch / "logs" / "crawl.log").write_text(HERITRIX_LOG)
    (launch / "reports" / "hosts-report.txt").write_text("x")
    (root / "seeds.txt").write_text("# remark\nhttp://example.org/ extra\n+http://org,example\nhttp://example.com/\n")
    (root / "crawler-beans.cxml").write_text(BEANS)
    (root / "latest").symlink_to(launch)
    return root


def test_a_heritrix_job_becomes_a_crawl_with_its_seeds(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    root = heritrix_job(tmp_path / "job")
    holdings = holdings_with()
    for _ in range(2):
        done = Import(holdings, root)
        assert done.captures == 1
    ((seeds, about),) = crawls_of(holdings)
    assert seeds == "http://example.org/\nhttp://example.com/"
    assert (about["jobName"], about["operator"], about["log"]) == (
        "great job",
        "Jane",
        {"urls": 3, "failed": 1, "statuses": {"2xx": 1, "4xx": 1, "none": 1}},
    )
    assert "secret" not in json.dumps(about) and "root:" not in json.dumps(about)
    assert "its log has 3 URLs, 1 of them without an answer, and 1 lines that cannot be read" in done.notes
    with reading(holdings.engine) as connection:
        assert connection.execute(file_parts.select()).one().crawl_id == 1


def test_what_heritrix_left_may_be_garbage(tmp_path: Path) -> None:
    for content in (b"", b"<a", b"\xff\xfe\0", b"<!DOCTYPE a [" + b"<!ENTITY b 'b'>" * 10 + b"]><a/>", b"<a>" * 100_000):
        (tmp_path / "beans").write_bytes(content)
        described(tmp_path / "beans")
        (tmp_path / "crawl.log").write_bytes(content)
        summary_of(tmp_path / "crawl.log")
        seeds_of(tmp_path / "crawl.log")
        assert len(list(crawls_below(tmp_path))) == 1


def test_the_output_of_wget_becomes_a_crawl(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with RouteServer({"/": Answer(b'<a href="/b">b</a>'), "/b": Answer(b"<p>b")}) as server:
        url = server.url("/")
        command = ["wget", "-q", "-r", "--no-parent", "--warc-file=w", "--warc-cdx", "--password=very-secret", url]
        subprocess.run(command, check=False, cwd=out, timeout=30, capture_output=True)
    holdings = holdings_with()
    for _ in range(2):
        done = Import(holdings, out)
        assert done.captures >= 2
    ((seeds, about),) = crawls_of(holdings)
    assert seeds == url
    assert about["format"] == "wget" and "very-secret" not in json.dumps(about)
    assert body_of(holdings, f"{url}b") == b"<p>b"
    assert any("mirrored page" in reason for reason in done.reasons)
    assert any("an index" in reason for reason in done.reasons)


def test_passwords_on_the_command_line_of_wget_are_not_kept() -> None:
    said = '"--warc-file=x" "--http-password=a b" "http://me:secret@example.org/?q=1" "https://example.com"'
    assert seeds_of_wget(said) == ["http://example.org/?q=1", "https://example.com/"]
    assert seeds_of_wget('"http://example.org/ unbalanced') == ["http://example.org/"]


# -- indexes with WARC files elsewhere -----------------------------------------------------------------------------------


def cdx_line(number: int, offset: int, length: int, file: str = "a.warc.gz", mime: str = "text/html") -> str:
    url = f"http://example.org/{number}"
    return f"org,example)/{number} 20200102030405 {url} {mime} 200 {'A' * 32} - - {length} {offset} {file}\n"


def cdxj_line(number: int, offset: int, length: int, file: str = "a.warc.gz", mime: str = "text/html") -> str:
    said = {
        "url": f"http://example.org/{number}", "mime": mime, "status": "200", "digest": "A" * 32, "length": str(length),
        "offset": str(offset), "filename": file,
    }  # fmt: skip
    return f"org,example)/{number} 20200102030405 {json.dumps(said)}\n"


@pytest.mark.parametrize("line", [cdx_line, cdxj_line])
@pytest.mark.parametrize("packed", [False, True])
def test_captures_of_an_index_are_taken_in_when_they_are_there(
    tmp_path: Path, holdings_with: OpenHoldings, line: Callable[..., str], packed: bool
) -> None:
    warcs = tmp_path / "warcs-elsewhere"
    warcs.mkdir()
    members = [page(1), page(2), revisit_record("http://example.org/3", MOMENT, "http://example.org/1", MOMENT)]
    (warcs / "a.warc.gz").write_bytes(b"".join(members))
    (tmp_path / "passwd.warc.gz").write_bytes(page(1))
    starts = [0, len(members[0]), len(members[0]) + len(members[1])]
    lines = [
        *(line(number + 1, starts[number], len(members[number])) for number in (0, 1)),
        line(3, starts[2], len(members[2]), mime="warc/revisit"),
        line(4, 0, 10),  # of another URL
        line(5, 7, 10),  # in the middle of a record
        line(6, 10**9, 10),
        line(7, 0, 10, "missing.warc.gz"),
        line(1, 0, 10, "../passwd.warc.gz"),
        line(1, 0, 10, str(tmp_path / "passwd.warc.gz")),
        "rubbish\n",
        "org,example)/ 20200102030405 {\n",
        "x" * 3000 + "\n",
    ]
    text = "".join(lines).encode()
    index = tmp_path / "index.cdx"
    index.write_bytes(gzip.compress(text) if packed else text)
    holdings = holdings_with()
    for _ in range(2):
        done = Import(holdings, index, warcs=str(warcs))
        assert done.captures == 3
    assert holdings.index.summary("default").captures == 3
    assert body_of(holdings, "http://example.org/2") == b"<title>2</title>"
    revisit = next(holdings.index.versions(["default"], "org,example)/3"))
    assert revisit.revisit_of is not None and revisit.revisit_of.url == "http://example.org/1"
    reasons = [item.reason for item in done.told]
    assert [reason for reason in reasons if "another URL" in reason]
    assert [reason for reason in reasons if "no record begins" in reason]
    assert [reason for reason in reasons if "past the end" in reason]
    assert len([reason for reason in reasons if "not there" in reason]) == 3
    assert len([reason for reason in reasons if "none of an index" in reason]) == 3


def test_an_index_beside_its_warcs_needs_no_place(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    (tmp_path / "a.warc.gz").write_bytes(page(1))
    (tmp_path / "a.cdx").write_text(" CDX N b a m s k r M S V g\n" + cdx_line(1, 0, len(page(1))))
    holdings = holdings_with()
    assert Import(holdings, tmp_path / "a.cdx").captures == 1


def test_a_cut_index_gives_what_it_has(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    (tmp_path / "a.warc.gz").write_bytes(page(1))
    text = "".join(cdx_line(1, 0, len(page(1)), mime=f"text/{number}") for number in range(3000))
    (tmp_path / "a.cdx.gz").write_bytes(gzip.compress(text.encode())[:-20])
    holdings = holdings_with()
    done = Import(holdings, tmp_path / "a.cdx.gz")
    assert done.captures >= 1
    assert any("damaged or cut short" in reason for reason in done.reasons)


# -- by URL --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_place", [False, True])
def test_files_on_the_web(tmp_path: Path, holdings_with: OpenHoldings, in_place: bool) -> None:
    path = tmp_path / "x.wacz"
    wacz(path, {"archive/a.warc.gz": page(2)})
    routes = {"/a.warc.gz": Answer(page(1)), "/x.wacz": Answer(path.read_bytes()), "/none": Answer(b"<p>")}
    holdings = holdings_with()
    with RouteServer(routes) as server:
        done = Import(holdings, *(server.url(place) for place in ("/a.warc.gz", "/x.wacz", "/none")), in_place=in_place)
        assert done.captures == 2
        assert "no web archive that is known here" in done.notes
        assert body_of(holdings, "http://example.org/2") == b"<title>2</title>"
    assert any(holdings.store.names()) is not in_place


@pytest.mark.parametrize("in_place", [False, True])
def test_lists_and_indexes_on_the_web(tmp_path: Path, holdings_with: OpenHoldings, in_place: bool) -> None:
    path = tmp_path / "x.wacz"
    wacz(path, {"archive/a.warc.gz": page(2)})
    resources = [{"path": "more/x.wacz"}, {"path": "../outside.wacz"}, {"path": "file:///etc/passwd"}]
    listed = json.dumps({"profile": "multi-wacz-package", "padding": "x" * 200_000, "resources": resources}).encode()
    lines = "".join(cdxj_line(1, 0, len(page(1))) for _ in range(2000)).encode()
    routes = {
        "/in/list.json": Answer(listed),
        "/in/more/x.wacz": Answer(path.read_bytes()),
        "/in/a.cdxj": Answer(lines),
        "/in/a.warc.gz": Answer(page(1)),
        "/outside.wacz": Answer(path.read_bytes()),
    }
    holdings = holdings_with()
    with RouteServer(routes) as server:
        done = Import(holdings, server.url("/in/list.json"), in_place=in_place)
        assert done.captures == 1
        assert {item.url for item in done.told if "leads out" in item.reason} == {"../outside.wacz", "file:///etc/passwd"}
        Import(holdings, server.url("/in/a.cdxj"))
        assert body_of(holdings, "http://example.org/1") == b"<title>1</title>"
        assert body_of(holdings, "http://example.org/2") == b"<title>2</title>"


# -- crawls that others made -----------------------------------------------------------------------------------------------


def test_crawls_are_told_apart_by_their_whole_identity(holdings_with: OpenHoldings) -> None:
    from archiver.collections.imported import ImportedCrawl

    holdings = holdings_with()
    registry = ImportedCrawls(holdings.engine, lambda: NOW)
    one = registry.note("default", ImportedCrawl("wacz 10%_\"'\\"))
    assert registry.note("default", ImportedCrawl("wacz 10")) != one
    assert registry.note("default", ImportedCrawl("wacz 10%_\"'\\", ["http://example.org/"])) == one
    assert registry.known("default", "wacz 1") is None
    assert registry.about(one)["identity"] == "wacz 10%_\"'\\"


# -- the command -----------------------------------------------------------------------------------------------------------


def muniment(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = "import sys; from archiver.cli.main import main; sys.argv[0] = 'muniment'; main()"
    command = [sys.executable, "-c", script, "--archive", str(home), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def test_the_command_names_some_in_the_terminal_and_all_in_the_report(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for number in range(12):
        (root / f"{number}.html").write_text("<html>")
    (root / "a.warc.gz").write_bytes(page(1) + gzip.compress(RECORDS[1].replace(b"-Type: response", b"-Type: conversion")))
    done = muniment(tmp_path / "home", "import", str(root), "--report", str(tmp_path / "report"))
    assert done.returncode == 0, done.stderr
    assert "a.warc.gz (WARC): 2 records, 1 capture" in done.stdout
    assert "12 not indexed: no web archive (a mirrored page, a log or another file)" in done.stdout
    assert done.stdout.count(".html") == 5
    assert "… and 7 more; --report FILE names them all" in done.stdout
    lines = [json.loads(line) for line in (tmp_path / "report").read_text().splitlines()]
    assert sum(line["url"].endswith(".html") for line in lines) == 12
    assert {"file", "offset", "record_type", "url", "reason"} == lines[0].keys()
    assert any(line["record_type"] == "conversion" and line["offset"] for line in lines)
    said = json.loads(muniment(tmp_path / "home", "import", str(root), "--json").stdout)
    assert len(said["not_indexed"]) == 13
    assert {item["kind"] for item in said["files"]} == {"WARC", "folder"}


def test_the_command_says_that_it_goes_on_when_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("archiver.imports.intake.take_warc", stopped)
    (tmp_path / "a.warc.gz").write_bytes(page(1))
    assert run(["--archive", str(tmp_path / "home"), "import", str(tmp_path / "a.warc.gz")]) == 130
    assert "Import the same again, and it goes on." in capsys.readouterr().err


def test_the_command_fails_when_something_given_is_no_archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.txt").write_text("hello")
    done = muniment(tmp_path / "home", "import", str(tmp_path / "x.txt"))
    assert done.returncode == 1
    assert "no web archive that is known here" in done.stdout
    assert muniment(tmp_path / "home", "import", str(tmp_path / "missing")).returncode == 2
    for name, data, status in (
        ("x.warc", b"hello", 1),
        ("x.har", b'{"log": {', 1),
        ("cut.warc.gz", page(1)[:90], 1),
        ("empty/page.html", b"<html>", 1),
        ("half.warc.gz", page(1) + page(2)[:90], 0),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
        given = tmp_path / (name.partition("/")[0])
        assert run(["--archive", str(tmp_path / "home"), "import", str(given)]) == status, name
    assert "There is no web archive in" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "home").rglob("*.warc*") if path.is_file()] == ["half.warc.gz"]


@pytest.mark.parametrize("in_place", [False, True])
def test_everything_under_a_prefix_of_object_storage(
    tmp_path: Path, holdings_with: OpenHoldings, s3: ObjectServer, in_place: bool
) -> None:
    wacz(tmp_path / "x.wacz", {"archive/a.warc.gz": page(2)})
    prefix = f"{tmp_path.name}/deep"
    for key, data in {
        "a.warc.gz": page(1),
        "more/x.wacz": (tmp_path / "x.wacz").read_bytes(),
        "more/page.html": b"<html>",
        "index.cdx": b" CDX N b a m s k r M S V g\n",
    }.items():
        s3.call("put_object", Bucket="archive", Key=f"{prefix}/{key}", Body=data)
    s3.call("put_object", Bucket="archive", Key=f"{tmp_path.name}/deeper.warc.gz", Body=page(3))
    holdings = holdings_with()
    for _ in range(2):
        done = Import(holdings, f"s3://archive/{prefix}", in_place=in_place)
        assert done.captures == 2
    assert holdings.index.summary("default").captures == 2
    assert [body_of(holdings, f"http://example.org/{number}") for number in (1, 2)] == [
        b"<title>1</title>",
        b"<title>2</title>",
    ]
    assert any(holdings.store.names()) is not in_place
    assert {item.url.rpartition("/")[2] for item in done.told if item.record_type == "file"} == {"page.html", "index.cdx"}
    assert Import(holdings, f"s3://archive/{tmp_path.name}/deeper.warc.gz", in_place=in_place).captures == 1


def test_an_index_with_its_files_in_object_storage(tmp_path: Path, holdings_with: OpenHoldings, s3: ObjectServer) -> None:
    s3.call("put_object", Bucket="archive", Key=f"{tmp_path.name}/a.warc.gz", Body=page(1))
    (tmp_path / "x.cdxj").write_text(cdxj_line(1, 0, len(page(1))) + cdxj_line(2, 10**6, 5) + cdxj_line(3, 0, 5, "b.warc.gz"))
    holdings = holdings_with()
    done = Import(holdings, tmp_path / "x.cdxj", warcs=f"s3://archive/{tmp_path.name}/")
    assert done.captures == 1
    assert body_of(holdings, "http://example.org/1") == b"<title>1</title>"
    assert len(done.told) == 2


def test_a_description_of_a_collection_is_taken_from_a_folder_by_its_name(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    """One of another name may be of another collection: what to do with it is said."""
    folder = tmp_path / "in"
    folder.mkdir()
    holdings = holdings_with()
    text = json.dumps(to_json(holdings, "default"))
    (folder / "charters.json").write_text(text)
    (said,) = [item.reason for item in Import(holdings, folder).told if item.url.endswith("charters.json")]
    assert said == "a description of a collection that is not called collection.json: import it by itself"
    assert not Import(holdings, folder / "charters.json").told
    (folder / "charters.json").rename(folder / "collection.json")
    assert not Import(holdings, folder).told
    (folder / "collection.json").write_text(text[:-5])
    assert "could not be taken in" in Import(holdings, folder).told[0].reason
