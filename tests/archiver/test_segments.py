"""Records that were cut into several (WARC 1.1, clause 7) are read as one."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import delete

from archiver.errors import DamagedRecord
from archiver.export.page import captures_of_page
from archiver.holdings import Holdings
from archiver.index.database import writing
from archiver.index.holdingstables import segments
from archiver.index.segments import rebuild_segments
from archiver.rebuild import Rebuild
from archiver.search.build import read_texts, read_texts_of
from archiver.search.store import TextStore
from archiver.search.words import read_question
from archiver.warc.records import labelled
from archiver.warc.segments import Segment, read_whole
from replay.load import load
from replay.recordfacts import Fixity, facts_of
from tests.archiver.importing import Import
from tests.servers.warcs import response_record

OpenHoldings = Callable[..., Holdings]

URL = "http://example.org/long"
BODY = bytes(range(256)) * 40


def part(number: int, block: bytes, *, total: int = 0, digest: str = "") -> bytes:
    kind = "response" if number == 1 else "continuation"
    fields = [f"WARC-Type: {kind}", f"WARC-Target-URI: {URL}", "WARC-Date: 2020-01-01T00:00:00Z"]
    fields += [f"WARC-Record-ID: <urn:x:{number}>", f"WARC-Segment-Number: {number}"]
    fields.append("Content-Type: application/http;msgtype=response" if number == 1 else "WARC-Segment-Origin-ID: <urn:x:1>")
    if digest:
        fields.append(f"WARC-Payload-Digest: {digest}")
    if total:
        fields.append(f"WARC-Segment-Total-Length: {total}")
    head = "\r\n".join(["WARC/1.1", *fields, f"Content-Length: {len(block)}", "", ""])
    return gzip.compress(head.encode() + block + b"\r\n\r\n")


def message(chunked: bool = False) -> bytes:
    if not chunked:
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/x-long\r\n\r\n" + BODY
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(BODY[at : at + 1000]), BODY[at : at + 1000]) for at in range(0, len(BODY), 1000))
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n"


def parts_of(block: bytes, *ends: int, total: bool = True) -> list[bytes]:
    cuts = [0, *ends, len(block)]
    return [
        part(number, block[start:end], total=len(block) if total and end == len(block) else 0)
        for number, (start, end) in enumerate(pairwise(cuts), start=1)
    ]


def opened(holdings: Holdings) -> bytes:
    capture = holdings.index.newest(["default"], "org,example)/long")
    assert capture is not None
    found = load(holdings.store, capture, segments=holdings.segments.find)
    try:
        return b"".join(found.body())
    finally:
        found.close()


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("ends", [(500, 9000), (20, 30, 60), (1,)], ids=str)
@pytest.mark.parametrize("in_place", [False, True])
def test_parts_in_several_files_are_one_record(
    tmp_path: Path, holdings_with: OpenHoldings, chunked: bool, ends: tuple[int, ...], in_place: bool
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number, data in enumerate(reversed(parts_of(message(chunked), *ends))):  # the later parts come first
        (folder / f"{number}.warc.gz").write_bytes(data)
    holdings = holdings_with()
    for _ in range(2):
        Import(holdings, folder, in_place=in_place)
    if len(message(chunked)[: ends[0]]) > 45:
        assert opened(holdings) == BODY
    else:
        capture = holdings.index.newest(["default"], "org,example)/long")
        assert capture is None or opened(holdings) == BODY


def test_parts_of_one_file_and_without_a_total_length(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    digest = labelled(hashlib.sha1(BODY, usedforsecurity=False).digest())
    first, *later = parts_of(message(), 600)
    first = part(1, message()[:600], digest=digest)
    (tmp_path / "x.warc.gz").write_bytes(b"".join([first, *later]))
    holdings = holdings_with()
    done = Import(holdings, tmp_path / "x.warc.gz")
    assert opened(holdings) == BODY
    capture = holdings.index.newest(["default"], "org,example)/long")
    assert capture is not None and capture.digest == digest
    assert "each is read as one record" in done.notes


def test_where_parts_lie_is_found_again(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    for number, data in enumerate(parts_of(message(), 600, 3000)):
        (tmp_path / f"{number}.warc.gz").write_bytes(data)
    holdings = holdings_with()
    Import(holdings, *(tmp_path / f"{number}.warc.gz" for number in range(3)))
    before = holdings.segments.find("<urn:x:1>")
    holdings.segments.add([Segment("<urn:x:gone>", 2, "gone.warc.gz", 0)])
    rebuild_segments(holdings.engine, holdings.store, ["1.warc.gz", "2.warc.gz"])
    assert holdings.segments.find("<urn:x:1>") == before and len(before) == 2
    assert not holdings.segments.find("<urn:x:gone>")
    assert opened(holdings) == BODY


def test_a_rebuild_of_the_index_knows_where_parts_lie(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    for number, piece in enumerate(parts_of(message(), 600, 3000)):
        (tmp_path / f"{number}.warc.gz").write_bytes(piece)
    holdings = holdings_with()
    Import(holdings, *(tmp_path / f"{number}.warc.gz" for number in range(3)))
    before = holdings.segments.find("<urn:x:1>")
    with writing(holdings.engine) as connection:
        connection.execute(delete(segments))
    holdings.segments.add([Segment("<urn:x:gone>", 2, "gone.warc.gz", 0)])
    Rebuild(holdings).run()
    assert holdings.segments.find("<urn:x:1>") == before and len(before) == 2
    assert not holdings.segments.find("<urn:x:gone>")
    assert opened(holdings) == BODY


@pytest.mark.parametrize("missing", [1, 2])
def test_a_part_that_is_not_held_is_said(tmp_path: Path, holdings_with: OpenHoldings, missing: int) -> None:
    parts = parts_of(message(), 600, 3000)
    del parts[missing]
    (tmp_path / "x.warc.gz").write_bytes(b"".join(parts))
    holdings = holdings_with()
    Import(holdings, tmp_path / "x.warc.gz")
    with pytest.raises(DamagedRecord, match="not all of them are held"):
        opened(holdings)


def test_parts_are_jumped_over(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    (tmp_path / "x.warc.gz").write_bytes(b"".join(parts_of(message(), 600, 3000)))
    holdings = holdings_with()
    Import(holdings, tmp_path / "x.warc.gz")
    capture = holdings.index.newest(["default"], "org,example)/long")
    assert capture is not None
    found = load(holdings.store, capture, segments=holdings.segments.find)
    assert found.length == len(BODY)
    assert b"".join(found.part(5000, 300)) == BODY[5000:5300]
    found.close()


def test_numbers_that_lie_do_no_harm(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    first, second = parts_of(message(), 600)
    for number in (b"x", b"1", b"99999999999999999999", b"-1"):
        lying = gzip.compress(gzip.decompress(second).replace(b"Segment-Number: 2", b"Segment-Number: " + number))
        (tmp_path / "x.warc.gz").write_bytes(first + lying)
        holdings = holdings_with()
        Import(holdings, tmp_path / "x.warc.gz")
        assert holdings.segments.find("<urn:x:1>") == []
    lying = gzip.compress(gzip.decompress(second).replace(b"Total-Length: 1", b"Total-Length: 99991"))
    (tmp_path / "y.warc.gz").write_bytes(first + lying)
    Import(holdings, tmp_path / "y.warc.gz")
    record = read_whole(holdings.store, "y.warc.gz", 0, find=holdings.segments.find)
    with pytest.raises(DamagedRecord):
        record.skip()
    record.close()


def test_what_later_parts_say_is_found_checked_and_goes_out_with_the_page(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    page = b"<!doctype html><title>Charter</title><p>vellum" + b" and so on" * 100 + b"<p>papyrus<img src=/i.png>"
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + page
    digest = labelled(hashlib.sha1(page, usedforsecurity=False).digest())
    pieces = [part(1, block[:300], digest=digest), part(2, block[300:900]), part(3, block[900:], total=len(block))]
    pieces.append(response_record("http://example.org/i.png", datetime(2020, 1, 1, tzinfo=UTC), b"image"))
    paths = [tmp_path / f"{number}.warc.gz" for number in range(4)]
    for path, piece in zip(paths, pieces, strict=True):
        path.write_bytes(piece)
    holdings = holdings_with()
    Import(holdings, *paths)
    assert read_texts(holdings).unreadable == 0
    question = read_question("papyrus")
    assert [hit.best.url for hit in TextStore(holdings.engine).search(["default"], question).pages] == [URL]
    assert [item.url for item in captures_of_page(holdings, "default", URL)] == [URL, "http://example.org/i.png"]
    capture = holdings.index.newest(["default"], "org,example)/long")
    assert capture is not None
    assert facts_of(holdings, capture).payload is Fixity.RIGHT
    read_texts_of(holdings, "default", capture.urlkey)
    assert TextStore(holdings.engine).search(["default"], question).pages


def test_the_text_of_a_record_is_read_when_its_later_parts_come_after_the_first(
    tmp_path: Path, holdings_with: OpenHoldings
) -> None:
    page = b"<!doctype html><title>Charter</title><p>vellum" + b" and so on" * 100 + b"<p>papyrus"
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + page
    pieces = [part(1, block[:300]), part(2, block[300:900]), part(3, block[900:], total=len(block))]
    holdings = holdings_with()
    texts, found = TextStore(holdings.engine), []
    for number in (0, 2, 1):
        (tmp_path / f"{number}.warc.gz").write_bytes(pieces[number])
        Import(holdings, tmp_path / f"{number}.warc.gz")
        report = read_texts(holdings)
        pages = texts.search(["default"], read_question("papyrus")).pages
        found.append((report.unreadable, report.documents, len(pages)))
        if number == 2:  # a rebuild keeps in mind what is waited for
            Rebuild(holdings).run()
    assert found == [(1, 0, 0), (0, 0, 0), (0, 1, 1)]
    assert holdings.segments.waiting() == [] and read_texts(holdings).documents == 0
    assert opened(holdings) == page
