"""WARC and ARC files as they come: old versions, whole-file compression, damage; what cannot be read is named."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
import zstandard
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archiver.holdings import Holdings
from archiver.urls import urlkey
from archiver.warc.importer import ImportReport, Unindexed, import_file
from archiver.warc.reader import BadRecord, StoredRecord, iter_records, read_record
from tests.archiver.test_frames import BODIES, RECORDS, compress

OpenHoldings = Callable[..., Holdings]

ARC_HEAD = b"1 0 InternetArchive\nURL IP-address Archive-date Content-type Archive-length\n"
ARC_2_HEAD = (
    b"2 0 Someone\nURL IP-address Archive-date Content-type Result-code Checksum Location Offset Filename Archive-length\n"
)


def arc(url: str, body: bytes, *, version: int = 1) -> bytes:
    http = b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    middle = " 200 abc - 0 x.arc" if version == 2 else ""
    return f"{url} 192.0.2.1 19961103142103 text/html{middle} {len(http)}\n".encode() + http + b"\n"


def arc_file(*records: bytes, version: int = 1) -> bytes:
    head = ARC_2_HEAD if version == 2 else ARC_HEAD
    middle = " 200 - - 0 x.arc" if version == 2 else ""
    return (
        f"filedesc://x.arc 0.0.0.0 19961103142103 text/plain{middle} {len(head)}\n".encode() + head + b"\n" + b"".join(records)
    )


def take(path: Path, holdings: Holdings, told: list[Unindexed] | None = None, **options: bool) -> ImportReport:
    return import_file(
        path,
        collection="default",
        store=holdings.store,
        index=holdings.index,
        told=told.append if told is not None else None,
        **options,
    )


def body_of(holdings: Holdings, url: str) -> bytes:
    capture = holdings.index.newest(["default"], urlkey(url))
    assert capture is not None
    record = read_record(holdings.store, capture.file, capture.offset)
    try:
        return b"".join(record.payload())
    finally:
        record.close()


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("packed", ["plain", "records", "whole"])
def test_arc_files_of_both_versions_are_taken_in(
    tmp_path: Path, holdings_with: OpenHoldings, version: int, packed: str
) -> None:
    parts = [
        arc_file(version=version),
        arc("http://example.org/a", b"<p>a", version=version),
        arc("http://example.org/with space", b"<p>b", version=version),
    ]
    path = tmp_path / ("x.arc" if packed == "plain" else "x.arc.gz")
    data = b"".join(parts) if packed == "plain" else gzip.compress(b"".join(parts))
    path.write_bytes(b"".join(map(gzip.compress, parts)) if packed == "records" else data)
    holdings = holdings_with()
    report = take(path, holdings)
    assert (report.indexed, report.bad) == (2, [])
    assert body_of(holdings, "http://example.org/a") == b"<p>a"
    assert body_of(holdings, "http://example.org/with%20space") == b"<p>b"


def test_an_arc_file_goes_on_behind_a_damaged_record(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    damaged = arc("http://example.org/b", b"<p>" + b"b" * 100).replace(b" 147\n", b" 16\n")
    path = tmp_path / "x.arc"
    path.write_bytes(arc_file(arc("http://example.org/a", b"<p>a"), damaged, arc("http://example.org/c", b"<p>c")))
    told: list[Unindexed] = []
    holdings = holdings_with()
    take(path, holdings, told)
    assert body_of(holdings, "http://example.org/c") == b"<p>c"
    assert [item.reason for item in told if not item.record_type] == ["No record begins here."]


@pytest.mark.parametrize("version", ["WARC/0.17", "WARC/0.18", "WARC/1.0", "WARC/1.1"])
def test_all_versions_of_warc_are_taken_in(tmp_path: Path, holdings_with: OpenHoldings, version: str) -> None:
    path = tmp_path / "x.warc"
    path.write_bytes(RECORDS[0].replace(b"WARC/1.1", version.encode()))
    holdings = holdings_with()
    assert take(path, holdings).indexed == 1
    assert body_of(holdings, "http://example.org/0") == BODIES[0]


@pytest.mark.parametrize("alone", [True, False])
def test_zstandard_files_are_taken_in_and_read_record_by_record(
    tmp_path: Path, holdings_with: OpenHoldings, alone: bool
) -> None:
    path = tmp_path / "x.warc.zst"
    path.write_bytes(b"".join(map(compress, RECORDS)) if alone else compress(b"".join(RECORDS)))
    holdings = holdings_with()
    report = take(path, holdings)
    assert report.indexed == len(RECORDS)
    assert report.file == ("x.warc.zst" if alone else "x.warc.gz")
    assert body_of(holdings, "http://example.org/19") == BODIES[19]


def test_zstandard_files_with_a_dictionary_are_read_in_place(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    from tests.archiver.test_frames import a_dictionary, skippable

    dictionary: zstandard.ZstdCompressionDict = a_dictionary()
    path = tmp_path / "x.warc.zst"
    path.write_bytes(skippable(dictionary.as_bytes()) + b"".join(compress(raw, dictionary) for raw in RECORDS))
    holdings = holdings_with()
    report = take(path, holdings, in_place=True)
    assert (report.indexed, report.file) == (len(RECORDS), str(path))
    assert body_of(holdings, "http://example.org/7") == BODIES[7]


def test_each_record_that_is_not_indexed_is_told(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    request = RECORDS[1].replace(b"WARC-Type: response", b"WARC-Type: conversion")
    dateless = RECORDS[2].replace(b"WARC-Date: 2020-01-01T00:00:00Z", b"WARC-Date: yesterday")
    path = tmp_path / "x.warc"
    path.write_bytes(RECORDS[0] + request + dateless + b"garbage\r\n" + RECORDS[3] + RECORDS[4][:-50])
    told: list[Unindexed] = []
    report = take(path, holdings_with(), told)
    assert report.indexed == 2
    assert {item.file for item in told} == {"x.warc"}
    found = [(item.record_type, item.url, item.reason) for item in told]
    assert ("conversion", "http://example.org/1", "conversion records are not looked up") in found
    assert ("response", "http://example.org/2", "the date of the record cannot be read") in found
    assert [item.offset for item in told if item.reason == "No record begins here."] == [len(RECORDS[0] + request + dateless)]
    assert any("lacks" in item.reason for item in told)


def test_what_could_not_be_compressed_anew_is_told(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    path = tmp_path / "x.warc.gz"
    path.write_bytes(gzip.compress(RECORDS[0] + RECORDS[1] + b"garbage\r\n" * 10 + RECORDS[2]) + gzip.compress(RECORDS[3]))
    told: list[Unindexed] = []
    holdings = holdings_with()
    report = take(path, holdings, told)
    assert report.indexed >= 3
    assert any("not copied" in item.reason for item in told)
    with holdings.store.open(report.file) as stream:
        assert all(isinstance(item, StoredRecord) and item.alone for item in iter_records(stream))


def test_arc_lines_without_end_cost_no_time() -> None:
    data = b"a " * 500_000 + b"\n" + b"http://x/ 1.2.3.4 20200101000000 a " * 20_000 + b"\n" + RECORDS[0]
    items = list(iter_records(BytesIO(data)))
    assert isinstance(items[-1], StoredRecord)
    assert isinstance(items[0], BadRecord)


@pytest.mark.parametrize("whole", [False, True])
def test_importing_again_adds_nothing_twice(tmp_path: Path, holdings_with: OpenHoldings, whole: bool) -> None:
    path = tmp_path / "x.warc.gz"
    path.write_bytes(gzip.compress(b"".join(RECORDS)) if whole else b"".join(map(gzip.compress, RECORDS)))
    holdings = holdings_with()
    names = {take(path, holdings).file for _ in range(3)}
    assert names == {"x.warc.gz"} == set(holdings.store.names())
    assert holdings.index.summary("default").captures == len(RECORDS)


def test_an_import_that_was_killed_goes_on_in_the_same_file(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    path = tmp_path / "x.warc.gz"
    members = [gzip.compress(raw) for raw in RECORDS]
    info = gzip.compress(
        b"WARC/1.0\r\nWARC-Type: warcinfo\r\nWARC-Record-ID: <urn:x:1>\r\nWARC-Date: 2020-01-01T00:00:00Z\r\n"
        b"Content-Type: application/warc-fields\r\nContent-Length: 20\r\n\r\nisPartOf: default\r\n\r\n\r\n\r\n"
    )
    path.write_bytes(info + b"".join(members))
    holdings = holdings_with()
    with holdings.store.create("x.warc.gz") as torn:  # what a killed process leaves behind
        torn.write(path.read_bytes()[: len(info) + len(b"".join(members[:7])) + 20])
    holdings = holdings_with()
    assert holdings.repaired[0].records == 8
    take(path, holdings)
    assert list(holdings.store.names()) == ["x.warc.gz"]
    assert holdings.index.summary("default").captures == len(RECORDS)
    assert body_of(holdings, "http://example.org/19") == BODIES[19]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # warcio leaves its temporary files open
@pytest.mark.parametrize("version", ["WARC/1.0", "WARC/1.1"])
@pytest.mark.parametrize("packed", [True, False])
def test_files_by_warcio_are_taken_in(tmp_path: Path, holdings_with: OpenHoldings, version: str, packed: bool) -> None:
    path = tmp_path / ("w.warc.gz" if packed else "w.warc")
    date, url = "2020-01-02T03:04:05Z", "http://example.org/warcio"
    with path.open("wb") as stream:
        writer = WARCWriter(stream, gzip=packed, warc_version=version)
        writer.write_record(writer.create_warcinfo_record("w.warc", {"software": "warcio"}))
        for kind, start, body in (("response", "200 OK", b"<p>by warcio"), ("request", "GET /warcio HTTP/1.0", b"")):
            head = StatusAndHeaders(
                start, [("Content-Type", "text/html")], protocol="HTTP/1.0", is_http_request=kind == "request"
            )
            writer.write_record(
                writer.create_warc_record(
                    url, kind, payload=BytesIO(body), http_headers=head, warc_headers_dict={"WARC-Date": date}
                )
            )
        head = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.0")
        writer.write_record(writer.create_revisit_record(f"{url}/again", "sha1:B", url, date, http_headers=head))
    holdings = holdings_with()
    report = take(path, holdings)
    assert (report.indexed, report.bad) == (2, [])
    assert body_of(holdings, url) == b"<p>by warcio"
