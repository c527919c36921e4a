"""Exports of records: what goes out, that it is what was kept, and that it comes back as the same."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from archiver.collections.access import Action, Matching, Rule
from archiver.collections.exchange import from_json, to_json
from archiver.errors import NotArchived, NotFound, UnknownCollection, UsageError
from archiver.export.permitted import for_readers, not_deleted
from archiver.export.selection import Selection, checked_selection
from archiver.holdings import Holdings, open_holdings
from archiver.model import Capture, Visibility
from archiver.settings import load_settings
from archiver.urls import urlkey
from archiver.warc.reader import StoredRecord, iter_records
from tests.archiver.exporting import (
    MOMENT,
    NOW,
    SITE,
    as_file,
    as_wacz,
    capture_site,
    captures,
    exporter,
    inside,
    into_folder,
    odd_files,
    opened,
    rows,
    stored,
    take_in,
    unpacked,
)
from tests.servers.postgresql import PostgreSQL
from tests.servers.warcs import request_record, response_record, revisit_record
from tests.servers.weed import ObjectServer


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Holdings, str]]:
    """An archive with a page captured twice, and files of other programs; the address of the page."""
    home = tmp_path_factory.mktemp("full")
    with opened(home / "home") as holdings:
        holdings.collections.create(
            "kept", title="Kept", organisation="Org", organisation_url="https://org.example/", description="What was kept."
        )
        site = capture_site(holdings, "kept")
        take_in(holdings, "kept", odd_files(home))
        yield holdings, site


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Holdings]:
    """Another archive, empty."""
    with opened(tmp_path / "other") as holdings:
        yield holdings


def records(data: bytes) -> list[StoredRecord]:
    found = []
    for item in iter_records(io.BytesIO(data)):
        assert isinstance(item, StoredRecord), item
        found.append(item)
        item.skip()
    return found


def comes_back(holdings: Holdings, other: Holdings, files: list[Path]) -> None:
    from_json(other, json.loads(json.dumps(to_json(holdings, "kept"))))
    take_in(other, "kept", files)
    assert rows(other, "kept") == rows(holdings, "kept")
    assert [item for item in stored(other, "kept") if item[1] > "2003"] == [
        item for item in stored(holdings, "kept") if item[1] > "2003"
    ]
    assert stored(other, "kept", header=False) == stored(holdings, "kept", header=False)  # what was ARC is WARC now
    assert to_json(other, "kept") == to_json(holdings, "kept")


def test_a_collection_comes_back_as_the_same_from_warc_files(
    full: tuple[Holdings, str], other: Holdings, tmp_path: Path
) -> None:
    holdings, _ = full
    report = into_folder(holdings, "kept", tmp_path / "out")
    files = sorted((tmp_path / "out").iterdir())
    assert {path.name: path.stat().st_size for path in files} == report.files
    assert report.captures == len(rows(holdings, "kept")) == 21 and not report.lacks and not report.brought
    comes_back(holdings, other, files)


def test_a_collection_comes_back_as_the_same_from_a_wacz(full: tuple[Holdings, str], other: Holdings, tmp_path: Path) -> None:
    holdings, _ = full
    as_wacz(holdings, "kept", tmp_path / "kept.wacz")
    assert json.loads(inside(tmp_path / "kept.wacz", "muniment/collection.json")) == to_json(holdings, "kept")
    comes_back(holdings, other, unpacked(tmp_path / "kept.wacz", tmp_path))


def test_a_collection_comes_back_as_the_same_from_one_file(full: tuple[Holdings, str], other: Holdings, tmp_path: Path) -> None:
    holdings, _ = full
    data, _ = as_file(holdings, "kept")
    (tmp_path / "one.warc.gz").write_bytes(data)
    comes_back(holdings, other, [tmp_path / "one.warc.gz"])


def test_files_of_which_everything_is_wanted_are_copied_as_they_are(full: tuple[Holdings, str], tmp_path: Path) -> None:
    holdings, _ = full
    report = into_folder(holdings, "kept", tmp_path / "out")
    ours = [name for name in holdings.store.names() if name.startswith("kept-")]
    whole = [*ours, "request-first.warc.gz", "revisits.warc.gz"]  # imported ones, too
    assert len(whole) == 4 == report.whole_files
    for name in whole:
        with holdings.store.open(name) as stream:
            assert (tmp_path / "out" / name).read_bytes() == stream.read()


def test_stored_bytes_of_a_part_of_a_file_are_copied_untouched(full: tuple[Holdings, str]) -> None:
    holdings, site = full
    data, report = as_file(holdings, "kept", selection={"url_prefix": f"{site}/app.js"})
    assert report.captures == 2 and report.whole_files == 0
    for capture in captures(holdings, "kept"):
        if capture.url.endswith("/app.js"):
            with holdings.store.open(capture.file, capture.offset) as stream:
                assert stream.read(capture.length) in data
    kinds = [record.record_type for record in records(data)]
    assert kinds == ["warcinfo", "warcinfo", "response", "request", "metadata", "warcinfo", "revisit", "request", "metadata"]


def test_the_first_record_says_what_the_export_is(full: tuple[Holdings, str]) -> None:
    holdings, _ = full
    data, _ = as_file(holdings, "kept", selection={"since": "2016", "until": "201712"})
    said = b"".join(next(iter_records(io.BytesIO(data))).block())  # type: ignore[union-attr]
    assert b"description: Export of collection kept, from 2016, to 201712\r\n" in said
    assert b"operator: Org\r\nisPartOf: kept\r\n" in said


def test_requests_that_stand_before_their_answers_go_along(full: tuple[Holdings, str]) -> None:
    holdings, _ = full
    data, _ = as_file(holdings, "kept", selection={"url_prefix": f"{SITE}/second"})
    assert [(record.record_type, record.url) for record in records(data)[1:]] == [
        ("request", f"{SITE}/second"),
        ("response", f"{SITE}/second"),
    ]


def test_answers_to_requests_with_a_body_are_found_by_that_again(full: tuple[Holdings, str], tmp_path: Path) -> None:
    holdings, _ = full
    as_wacz(holdings, "kept", tmp_path / "api.wacz", selection={"url_prefix": f"{SITE}/api"})
    (line,) = inside(tmp_path / "api.wacz", "indexes/index.cdx").decode().splitlines()
    fields = json.loads(line.split(" ", 2)[2])
    assert line.startswith("example,site)/api?__wb_method=post&n=2&query=sea ")
    assert (fields["method"], fields["requestBody"]) == ("POST", "Query=Sea&n=2")


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"since": "2017"}, ["/second"]),
        ({"url_prefix": SITE, "until": "2015"}, ["/old"]),
        ({"url_prefix": f"{SITE}/p"}, ["/page", "/page", "/plain"]),
        ({"url_prefix": "*.example"}, ["/api", "/first", "/old", "/page", "/page", "/plain", "/second"]),
    ],
)
def test_parts_of_a_collection(full: tuple[Holdings, str], selection: dict[str, str], expected: list[str]) -> None:
    holdings, _ = full
    data, _ = as_file(holdings, "kept", selection=selection)
    found = [item.url for item in records(data) if item.record_type in ("response", "revisit")]
    if selection.get("since") == "2017":
        found = [url for url in found if "site.example" in url]
    assert sorted(found) == [SITE + path for path in expected]


def test_a_crawl_is_what_it_captured(full: tuple[Holdings, str]) -> None:
    holdings, _ = full
    _, first = as_file(holdings, "kept", selection={"crawl": 1})
    _, second = as_file(holdings, "kept", selection={"crawl": 2}, originals=False)
    assert (first.captures, first.brought) == (7, 0)
    assert (second.captures, second.without_original) == (7, 6)
    with pytest.raises(NotFound, match="no crawl 9"):
        as_file(holdings, "kept", selection={"crawl": 9})


def test_what_a_revisit_refers_to_is_brought_along_or_said_to_lack(full: tuple[Holdings, str]) -> None:
    holdings, _ = full
    later = {"url_prefix": f"{SITE}/page", "since": "20160811"}
    data, report = as_file(holdings, "kept", selection=later)
    assert [item.record_type for item in records(data)[1:]] == ["response", "revisit"]
    assert (report.captures, report.brought, report.without_original) == (2, 1, 0)
    data, report = as_file(holdings, "kept", selection=later, originals=False)
    assert [item.record_type for item in records(data)[1:]] == ["revisit"]
    assert (report.captures, report.brought, report.without_original) == (1, 0, 1)


def test_an_original_in_another_collection_is_brought_along(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as holdings:
        holdings.collections.create("one")
        holdings.collections.create("two", visibility=Visibility.PRIVATE)
        digest = "sha1:" + "A" * 32
        body = response_record(f"{SITE}/x", MOMENT, b"x", headers=f"Content-Type: text/html\r\nX: {digest}\r\n")
        (tmp_path / "two.warc.gz").write_bytes(body)
        take_in(holdings, "two", [tmp_path / "two.warc.gz"])
        (original,) = captures(holdings, "two")
        again = revisit_record(f"{SITE}/x", MOMENT + timedelta(days=1), f"{SITE}/x", MOMENT, digest=original.digest)
        (tmp_path / "one.warc.gz").write_bytes(again)
        take_in(holdings, "one", [tmp_path / "one.warc.gz"])
        _, report = as_file(holdings, "one")
        assert (report.captures, report.brought) == (2, 1)
        _, report = as_file(holdings, "one", permitted=for_readers(holdings, "one"), public=True)
        assert (report.captures, report.without_original) == (1, 1)


# -- one page ----------------------------------------------------------------------------------------------------------


def test_a_page_is_its_document_and_what_it_embeds(full: tuple[Holdings, str]) -> None:
    holdings, site = full
    for at in ("", "2016"):  # the newest capture is of revisits, and so is what belongs to it
        data, report = as_file(holdings, "kept", selection={"page": site, "at": at})
        paths = {record.url.removeprefix(site) for record in records(data) if record.url}
        assert paths == {"/", "/style.css", "/sea.png", "/lamp.png", "/app.js", "/frame.html", "/favicon.ico"}
        assert not report.lacks


def test_a_page_of_imported_files_is_read_for_what_it_embeds(tmp_path: Path) -> None:
    def at(path: str, days: int, body: str, mime: str = "text/html", status: str = "200 OK", more: str = "") -> bytes:
        headers = f"Content-Type: {mime}\r\n{more}"
        return response_record(f"{SITE}{path}", MOMENT + timedelta(days=days), body.encode(), status=status, headers=headers)

    page = "<title>P</title><link rel=stylesheet href=/s.css><img src=/moved.png><img src=/never.png><a href=/link>l</a>"
    with opened(tmp_path / "home") as holdings:
        (tmp_path / "p.warc.gz").write_bytes(
            at("/start", 0, "", status="301 Moved", more="Location: /page\r\n")
            + at("/page", 0, page)
            + at("/page", 90, "<p>later</p>")
            + at("/s.css", 1, "@import '/deep.css';", "text/css")
            + at("/s.css", 80, "p{}", "text/css")
            + at("/deep.css", 2, "p{background:url(/deep.png)}", "text/css")
            + at("/deep.png", 2, "png", "image/png")
            + at("/moved.png", 1, "", "text/plain", "302 Found", "Location: /real.png\r\n")
            + at("/real.png", 1, "png", "image/png")
            + at("/link", 0, "<p>not part of it</p>")
        )
        take_in(holdings, "default", [tmp_path / "p.warc.gz"])
        data, _ = as_file(holdings, "default", selection={"page": f"{SITE}/start", "at": "2016"})
        found = {(item.url.removeprefix(SITE), item.get("WARC-Date")[:10]) for item in records(data)[1:]}
    assert found == {
        ("/start", "2016-08-10"), ("/page", "2016-08-10"), ("/s.css", "2016-08-11"), ("/deep.css", "2016-08-12"),
        ("/deep.png", "2016-08-12"), ("/moved.png", "2016-08-11"), ("/real.png", "2016-08-11"),
    }  # fmt: skip


def test_a_page_that_is_not_held_is_said_not_to_be(full: tuple[Holdings, str]) -> None:
    with pytest.raises(NotArchived, match=r"no capture of http://nowhere\.example/"):
        as_file(full[0], "kept", selection={"page": "nowhere.example"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"page": "a.example", "crawl": 1}, {"page": "a.example", "since": "2016"}, {"at": "2016"},
        {"since": "2017", "until": "2016"}, {"since": "yesterday"}, {"page": "a.example", "at": "noon"},
    ],
)  # fmt: skip
def test_selections_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        checked_selection(Selection("kept", **wrong))  # type: ignore[arg-type]


# -- who may see what --------------------------------------------------------------------------------------------------


def test_what_is_public_is_what_readers_may_see_and_no_more(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as holdings:
        holdings.collections.create("mixed")
        post = request_record(f"{SITE}/api", MOMENT, "POST", "application/json", b'{"q": 1}')
        answer = response_record(f"{SITE}/api", MOMENT, b"{}", headers="Content-Type: application/json\r\n")
        get = request_record(f"{SITE}/open", MOMENT, "GET", "text/plain", b"")
        (tmp_path / "mixed.warc.gz").write_bytes(
            post
            + answer
            + get
            + response_record(f"{SITE}/open", MOMENT, b"o")
            + response_record(f"{SITE}/shut/1", MOMENT, b"s")
        )
        take_in(holdings, "mixed", [tmp_path / "mixed.warc.gz"])
        holdings.access.add([Rule(Action.BLOCK, Matching.PREFIX, urlkey(f"{SITE}/shut"), collection="mixed")])
        data, _ = as_file(holdings, "mixed", permitted=for_readers(holdings, "mixed"), public=True)
        assert [(item.record_type, item.url) for item in records(data)[1:]] == [
            ("request", f"{SITE}/api"),  # its answer is found by it
            ("response", f"{SITE}/api"),
            ("response", f"{SITE}/open"),
        ]
        assert as_file(holdings, "mixed")[1].captures == 3
        holdings.collections.update("mixed", visibility=Visibility.PRIVATE)
        with pytest.raises(UnknownCollection, match="private"):
            for_readers(holdings, "mixed")


def test_what_is_being_deleted_does_not_go_out(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as holdings:
        assert not_deleted(holdings, "default") is None
        (tmp_path / "a.warc.gz").write_bytes(
            response_record(f"{SITE}/stays", MOMENT, b"s") + response_record(f"{SITE}/goes", MOMENT, b"g")
        )
        take_in(holdings, "default", [tmp_path / "a.warc.gz"])
        files = frozenset({"a.warc.gz"})
        by_url = Rule(Action.EXCLUDE, Matching.EXACT, urlkey(f"{SITE}/goes"), collection="default", deletion="suppressed")
        by_file = Rule(Action.EXCLUDE, collection="default", deletion="suppressed", files=files, until=20150101000000)
        shut = Rule(Action.BLOCK, Matching.EXACT, urlkey(f"{SITE}/stays"), collection="default")
        holdings.access.add([by_url, by_file, shut])
        data, report = as_file(holdings, "default", permitted=not_deleted(holdings, "default"))
        assert [item.url for item in records(data)[1:]] == [f"{SITE}/stays"]
        assert (report.captures, report.left_out) == (1, 1)
        rules = json.loads(json.dumps(to_json(holdings, "default")))["access_rules"]
        assert [rule["urlkey"] for rule in rules] == [by_url.urlkey, shut.urlkey]  # the files of others are others


# -- files -------------------------------------------------------------------------------------------------------------


def test_files_are_finished_at_a_size_between_exchanges(full: tuple[Holdings, str], tmp_path: Path) -> None:
    holdings, site = full
    report = into_folder(holdings, "kept", tmp_path / "out", selection={"url_prefix": f"{site}/s"}, max_bytes=1000)
    names = list(report.files)
    assert len(names) > 2 and names == sorted(names)
    assert all(name.startswith("kept-20260304050607000-") for name in names)
    for name in names:
        kinds = [record.record_type for record in records((tmp_path / "out" / name).read_bytes())]
        assert kinds[0] == "warcinfo" and kinds[-1] == "metadata"


def test_exports_of_the_same_are_the_same(full: tuple[Holdings, str], tmp_path: Path) -> None:
    holdings, _ = full
    as_wacz(holdings, "kept", tmp_path / "one.wacz")
    as_wacz(holdings, "kept", tmp_path / "two.wacz")
    assert (tmp_path / "one.wacz").read_bytes() == (tmp_path / "two.wacz").read_bytes()


def test_nothing_is_a_file_that_says_so(full: tuple[Holdings, str]) -> None:
    data, report = as_file(full[0], "kept", selection={"url_prefix": "http://nowhere.example/"})
    assert [record.record_type for record in records(data)] == ["warcinfo"] and report.captures == 0


# -- damage ------------------------------------------------------------------------------------------------------------


def test_what_cannot_be_read_is_named_and_the_rest_goes_out(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as holdings:
        parts = [response_record(f"{SITE}/{number}", MOMENT, b"x" * 2000 * (number + 1)) for number in range(4)]
        (tmp_path / "a.warc.gz").write_bytes(b"".join(parts))
        (tmp_path / "gone.warc.gz").write_bytes(response_record(f"{SITE}/gone", MOMENT, b"gone"))
        take_in(holdings, "default", [tmp_path / "a.warc.gz", tmp_path / "gone.warc.gz"])
        path = holdings.store.local_path("a.warc.gz")
        assert path is not None
        whole = bytearray(path.read_bytes())
        start = len(parts[0])
        whole[start : start + 12] = b"not a record"
        path.write_bytes(bytes(whole[:-20]))
        holdings.store.remove("gone.warc.gz")
        data, report = as_file(holdings, "default")
        assert [item.url for item in records(data)[1:]] == [f"{SITE}/0", f"{SITE}/2"]
        assert report.captures == 2
        reasons = {item.url.rpartition("/")[2]: item.reason for item in report.missing}
        assert reasons.keys() == {"1", "3", "gone"}
        assert "cannot be read" in reasons["1"] and "ends inside" in reasons["3"] and "not there" in reasons["gone"]


def test_a_capture_that_came_twice_goes_out_twice_and_a_record_once(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as holdings:
        holdings.collections.create("other")
        record = response_record(f"{SITE}/x", MOMENT, b"x")
        again = revisit_record(f"{SITE}/x", MOMENT + timedelta(days=1), f"{SITE}/x", MOMENT)
        (tmp_path / "a.warc.gz").write_bytes(record + again)
        (tmp_path / "b.warc.gz").write_bytes(record)
        take_in(holdings, "default", [tmp_path / "a.warc.gz", tmp_path / "b.warc.gz"])
        _, report = as_file(holdings, "default")
        assert (report.captures, report.brought) == (3, 0)


def test_an_index_of_any_length_goes_out_in_little_memory(tmp_path: Path) -> None:
    class Nothing(io.RawIOBase):
        written = 0

        def write(self, data: object, /) -> int:
            self.written += len(data)  # type: ignore[arg-type]
            return len(data)  # type: ignore[arg-type]

    def rows_of(count: int) -> Iterator[Capture]:
        for number in range(count):
            key, url = f"example,site)/{number:06d}", f"{SITE}/{number:06d}"
            yield Capture("default", key, "20160810204623", url, "text/html", 200, "sha1:" + "A" * 32, "f", number, 9)

    with opened(tmp_path / "home") as holdings:
        holdings.index.add(rows_of(20_000))
        target = Nothing()
        tracemalloc.start()
        try:
            report = exporter(holdings, "default").index(target)  # type: ignore[arg-type]
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert report.captures == 20_000 and target.written > 3_000_000
    assert peak < 12_000_000, peak


def test_an_archive_in_postgresql_and_object_storage_gives_out_the_same(
    full: tuple[Holdings, str], tmp_path: Path, postgresql: PostgreSQL, s3: ObjectServer
) -> None:
    holdings, _ = full
    values = {"archive": tmp_path / "far", "database": postgresql.new_archive(), "store": f"s3://archive/{tmp_path.name}"}
    into_folder(holdings, "kept", tmp_path / "out")
    with open_holdings(load_settings(values, environ={}), clock=lambda: NOW) as far:
        from_json(far, to_json(holdings, "kept"))
        take_in(far, "kept", sorted((tmp_path / "out").iterdir()))
        into_folder(far, "kept", tmp_path / "again")
        _, part = as_file(far, "kept", selection={"page": f"{SITE}/first"})
        assert part.captures == 1
    with opened(tmp_path / "near") as near:
        near.collections.create("kept")
        take_in(near, "kept", sorted((tmp_path / "again").iterdir()))
        assert rows(near, "kept") == rows(holdings, "kept")
        assert stored(near, "kept", header=False) == stored(holdings, "kept", header=False)
