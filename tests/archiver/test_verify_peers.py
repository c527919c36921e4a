"""`verify` beside other people's programs: what they pass and it finds, and what they write and it has nothing against."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archiver.store.folder import FolderStore
from archiver.verify import open_file, verify_stream
from archiver.warc.check import FileReport
from archiver.warc.rules import Severity
from tests.archiver.test_warc import REPLIES, exchange, writer
from tests.archiver.test_warc_rules import BROKEN
from tests.archiver.waczs_by_hand import PAGES, files, package
from tests.archiver.warcs_by_hand import file_of, response
from tests.peers import wacz_programs
from tests.servers.routes import Answer, RouteServer


def verified(path: Path) -> FileReport:
    return verify_stream(str(path), lambda: open_file(path))


def passes(*command: object) -> bool:
    """A checker of others finds nothing wrong: by its exit status, and by what it says."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=120)
    return done.returncode == 0 and "fail" not in (done.stdout + done.stderr).replace("0 failed", "").lower()


def tool(name: str) -> Path:
    return Path(sys.executable).with_name(name)


def warcio(path: Path) -> bool:
    return passes(tool("warcio"), "check", path)


def fastwarc(path: Path) -> bool:
    return passes(tool("fastwarc"), "check", "-q", path)


#: Errors that the checkers of others pass over, and which of them.
MISSED: dict[str, tuple[Callable[[Path], bool], ...]] = {
    "warc-4-line-end": (warcio, fastwarc),
    "warc-5.1-repeated": (warcio, fastwarc),
    "warc-5.2-missing": (warcio, fastwarc),
    "warc-5.2-unique": (warcio, fastwarc),
    "warc-5.4-form": (warcio, fastwarc),
    "warc-5.10-form": (warcio, fastwarc),
    "warc-5.11-type": (warcio, fastwarc),
    "warc-5.13-form": (warcio, fastwarc),
    "warc-5.14-missing": (fastwarc,),
    "warc-5.18-missing": (warcio, fastwarc),
    "warc-7-total": (warcio, fastwarc),
    "warc-5.9-mismatch": (fastwarc,),
    "gzip-cut": (warcio,),
}


@pytest.mark.parametrize("rule", MISSED)
def test_what_other_checkers_pass_is_found(rule: str, tmp_path: Path) -> None:
    made = BROKEN[rule]
    path = tmp_path / "test.warc.gz"
    path.write_bytes(made() if callable(made) else made)
    for checker in MISSED[rule]:
        assert checker(path), checker.__name__
    report = verified(path)
    assert report.log.counts[rule]
    assert not report.is_good


@pytest.mark.parametrize("rule", ["warc-5.8-mismatch", "warc-5.9-mismatch"])
def test_what_warcio_finds_is_found(rule: str, tmp_path: Path) -> None:
    path = tmp_path / "test.warc.gz"
    path.write_bytes(BROKEN[rule])  # type: ignore[arg-type]
    assert not warcio(path)
    assert not verified(path).is_good


def test_a_digest_that_is_right_by_the_standard_is_told_from_damage_when_others_call_it_damaged(tmp_path: Path) -> None:
    path = tmp_path / "test.warc.gz"
    path.write_bytes(BROKEN["warc-5.9-other-tools"])  # type: ignore[arg-type]
    assert not warcio(path)
    assert verified(path).is_good
    path.write_bytes(BROKEN["warc-5.9-chunked"])  # type: ignore[arg-type]
    assert warcio(path)
    assert verified(path).log.has(Severity.WARNING)


def test_good_revisits_that_others_flag_are_good(tmp_path: Path) -> None:
    from tests.archiver.test_warc_rules import revisit

    path = tmp_path / "test.warc.gz"
    path.write_bytes(revisit())
    assert not passes(tool("fastwarc"), "check", "-p", "-q", path)
    assert not verified(path).log.counts


# -- what others write -------------------------------------------------------------------------------------------------


def test_what_we_write_breaks_no_rule(tmp_path: Path) -> None:
    for mode in ("portable", "exact"):
        store = FolderStore(tmp_path / mode)
        made = writer(store, chunked=mode)
        for number, reply in enumerate(REPLIES.values()):
            made.write_exchange(exchange(reply, f"http://example.org/{number}"))
        made.write_resource("urn:x:notes", "text/plain", b"notes", date=datetime(2016, 8, 10, tzinfo=UTC))
        (name,) = made.close()
        report = verified(store.root / name)
        assert not report.log.has(Severity.ERROR)
        # Replies that are no good HTTP are kept as they came.
        assert set(report.log.counts) <= {"warc-5.6-http", "warc-6.3-status", "warc-5.9-other-tools", "warc-5.9-unseen"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # warcio leaves its temporary files open
def test_what_warcio_writes_has_no_error(tmp_path: Path) -> None:
    path = tmp_path / "test.warc.gz"
    with path.open("wb") as out:
        made = WARCWriter(out, gzip=True, warc_version="WARC/1.1")
        made.write_record(made.create_warcinfo_record("test.warc.gz", {"software": "warcio"}))
        head = StatusAndHeaders("200 OK", [("Content-Type", "text/plain")], protocol="HTTP/1.1")
        made.write_record(made.create_warc_record("http://example.org/", "response", BytesIO(b"hello"), http_headers=head))
        made.write_record(
            made.create_revisit_record(
                "http://example.org/b",
                "sha1:VL2MMHO4YXUKFWV63YHTWSBM3GXKSQ2N",
                "http://example.org/",
                "2016-08-10T20:46:23Z",
                head,
            )
        )
    report = verified(path)
    assert report.records == {"warcinfo": 1, "response": 1, "revisit": 1}
    assert report.is_good, report.log.listed
    assert set(report.log.counts) <= {"warc-5.9-type", "warc-5.10-missing", "warc-6.7-truncated"}


def test_what_wget_writes_has_no_error(tmp_path: Path) -> None:
    routes = {"/": Answer(b"<a href=/b>b</a>"), "/b": Answer(b"x" * 3000), "/robots.txt": Answer(b"", status=404)}
    with RouteServer(routes) as server:
        subprocess.run(
            ["wget", "-q", "-r", "--warc-file=test", "-P", "pages", server.url("/")],
            cwd=tmp_path,
            check=False,
            timeout=60,
        )
    report = verified(tmp_path / "test.warc.gz")
    assert report.records["response"] == 3
    assert report.is_good, report.log.listed
    assert {"gzip-extra", "warc-5.14-brackets"} <= report.log.counts.keys()


# -- packages ----------------------------------------------------------------------------------------------------------


def wacz_validate(path: Path) -> bool:
    done = subprocess.run(
        [wacz_programs() / "wacz", "validate", "-f", path], capture_output=True, text=True, check=False, timeout=120
    )
    return done.returncode == 0 and "Validation succeeded" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("no index", {"archive/data.warc.gz", "pages/pages.jsonl"}, "wacz-indexes-empty"),
        ("no pages", {"archive/data.warc.gz", "indexes/index.cdx"}, "wacz-pages-missing"),
        ("deflated", set(files()), "wacz-zip-stored"),
    ],
)
def test_what_wacz_validate_passes_is_found(name: str, content: set[str], rule: str, tmp_path: Path) -> None:
    path = tmp_path / "test.wacz"
    path.write_bytes(package({key: data for key, data in files().items() if key in content}, packed=name == "deflated"))
    assert wacz_validate(path)
    report = verified(path)
    assert report.log.counts[rule]
    assert not report.is_good


def test_good_packages_are_good_to_both_but_the_newest_version_only_to_us(tmp_path: Path) -> None:
    path = tmp_path / "test.wacz"
    path.write_bytes(package())
    assert wacz_validate(path)
    assert verified(path).is_good
    path.write_bytes(package(version="1.2.0"))
    assert not wacz_validate(path)
    assert verified(path).is_good


def test_a_package_that_wacz_creates_is_good(tmp_path: Path) -> None:
    (tmp_path / "data.warc.gz").write_bytes(file_of(response()))
    (tmp_path / "pages.jsonl").write_bytes(PAGES)
    subprocess.run(
        [wacz_programs() / "wacz", "create", "-o", "made.wacz", "-p", "pages.jsonl", "data.warc.gz"],
        cwd=tmp_path, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    report = verified(tmp_path / "made.wacz")
    assert report.is_good, report.log.listed
    assert report.records["response"] == 1
