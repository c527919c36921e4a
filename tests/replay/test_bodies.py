"""Bodies as servers send them: coded rightly, wrongly, twice, cut, too long, and what a range of each is."""

from __future__ import annotations

import gzip
import os
import random
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import brotli
import pytest
import zstandard
from flask.testing import FlaskClient

from archiver.holdings import Holdings
from archiver.model import Visibility
from archiver.warc.importer import import_file
from replay.absent import absent_part
from replay.load import ArchivedResponse
from tests.servers.warcs import response_record

Reader = Callable[..., FlaskClient]

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
AT = "/unesco/20160810204623"
URL = "http://e.org/x"
PAGE = b"<!doctype html><title>t</title><p>some text that is long enough to be packed" + b" and packed" * 50


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, wbits=-15)
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "deflate": zlib.compress,
    "raw deflate": raw_deflate,
    "br": lambda data: brotli.compress(data, quality=1),
    "zstd": zstandard.ZstdCompressor().compress,
    "gzip, br": lambda data: brotli.compress(gzip.compress(data, 1, mtime=0), quality=1),
    "identity": bytes,
    "sdch": bytes,
    "utf-8": bytes,
}


def record(body: bytes, coding: str = "", *, kind: str = "text/html", more: str = "", chunked: bool = False) -> bytes:
    headers = f"Content-Type: {kind}\r\n{more}"
    if coding:
        headers += f"Content-Encoding: {coding.removeprefix('raw ')}\r\n"
    if chunked:
        step = max(1, len(body) // 7)
        body = b"".join(b"%x\r\n%b\r\n" % (len(body[at : at + step]), body[at : at + step]) for at in range(0, len(body), step))
        body += b"0\r\n\r\n"
        headers += "Transfer-Encoding: chunked\r\n"
    return response_record(URL, MOMENT, body, headers=headers)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("coding", PACKERS)
def test_a_page_is_shown_decoded(reader: Reader, coding: str, chunked: bool) -> None:
    answer = reader(record(PACKERS[coding](PAGE), coding, chunked=chunked)).get(f"{AT}/{URL}")
    assert PAGE.partition(b"<p>")[2] in answer.data
    assert b"muniment-banner" in answer.data
    assert not {"Content-Encoding", "Transfer-Encoding"} & set(answer.headers.keys())
    assert answer.headers["Content-Length"] == str(len(answer.data))


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, br"])
def test_a_body_that_is_not_coded_after_all_is_shown(reader: Reader, coding: str) -> None:
    assert PAGE.partition(b"<p>")[2] in reader(record(PAGE, coding)).get(f"{AT}/{URL}").data


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("modifier", ["", "id_", "oe_"])
def test_of_a_body_that_is_cut_there_is_what_came(reader: Reader, coding: str, modifier: str) -> None:
    body = PAGE + random.Random(1).randbytes(300_000).hex().encode()
    packed = PACKERS[coding](body)
    answer = reader(record(packed[: len(packed) // 2], coding)).get(f"{AT}{modifier}/{URL}")
    assert answer.status_code == 200
    expected = packed[: len(packed) // 2] if modifier == "id_" else b"some text that is long enough"
    assert expected in answer.data


@pytest.mark.parametrize("length", ["0", "5", "99999999", "-1", "x", "5, 5"])
def test_a_length_that_lies_is_not_believed(reader: Reader, length: str) -> None:
    client = reader(record(PAGE, kind="text/plain", more=f"Content-Length: {length}\r\n"))
    answer = client.get(f"{AT}oe_/{URL}")
    assert (answer.data, answer.headers["Content-Length"]) == (PAGE, str(len(PAGE)))


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "text/css", "text/javascript", "image/png", ""])
@pytest.mark.parametrize("modifier", ["", "id_", "js_", "cs_", "im_"])
def test_an_empty_body_is_empty(reader: Reader, kind: str, modifier: str) -> None:
    answer = reader(record(b"", kind=kind)).get(f"{AT}{modifier}/{URL}")
    assert answer.status_code == 200
    assert b"muniment-banner" in answer.data if not modifier and kind == "text/html" else answer.data in (b"", answer.data)


# -- ranges ------------------------------------------------------------------------------------------------------------

LONG = random.Random(3).randbytes(300_000) * 10  # more than is held in memory to be measured


@pytest.mark.parametrize("coding", [name for name in PACKERS if name != "sdch"])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("asked", "first", "last"), [("0-", 0, 2_999_999), ("2500000-2500009", 2_500_000, 2_500_009), ("-5", 2_999_995, 2_999_999)]
)
def test_a_range_of_a_long_body(reader: Reader, coding: str, chunked: bool, asked: str, first: int, last: int) -> None:
    client = reader(record(PACKERS[coding](LONG), coding, kind="video/mp4", chunked=chunked))
    for _ in range(2):  # the second time its length is known
        answer = client.get(f"{AT}oe_/{URL}", headers={"Range": f"bytes={asked}"})
        assert (answer.status_code, answer.headers["Content-Range"]) == (206, f"bytes {first}-{last}/3000000")
        assert answer.data == LONG[first : last + 1]


@pytest.mark.parametrize(
    ("asked", "status", "extent"),
    [
        (f"bytes=0-{'9' * 50}", 206, "bytes 0-99/100"),
        (f"bytes=-{'9' * 50}", 206, "bytes 0-99/100"),
        (f"bytes={'9' * 50}-", 416, "bytes */100"),
        ("bytes=100-", 416, "bytes */100"),
        ("bytes=-0", 416, "bytes */100"),
        ("bytes=0-0,5-6", 200, None),
        ("bytes=0-0,", 200, None),
        ("bytes=a-b", 200, None),
        ("bytes=٣-٤", 200, None),
        ("BYTES=1-2", 206, "bytes 1-2/100"),
    ],
)  # fmt: skip
def test_odd_ranges(reader: Reader, asked: str, status: int, extent: str | None) -> None:
    answer = reader(record(bytes(100), kind="video/mp4")).get(
        f"{AT}oe_/{URL}", headers={"Range": asked.encode().decode("latin-1")}
    )
    assert (answer.status_code, answer.headers.get("Content-Range")) == (status, extent)


@pytest.mark.parametrize("kind", ["video/mp4", "text/html"])
@pytest.mark.parametrize("coding", ["", "gzip"])
def test_head_is_get_without_a_body_and_without_ranges(reader: Reader, kind: str, coding: str) -> None:
    client = reader(record(PACKERS[coding or "identity"](PAGE), coding, kind=kind))
    shown = client.get(f"{AT}oe_/{URL}")
    for asked in ({}, {"Range": "bytes=5-9"}, {"Range": "bytes=99999-"}):
        answer = client.head(f"{AT}oe_/{URL}", headers=asked)
        assert (answer.status_code, answer.data) == (200, b"")
        assert answer.headers.get("Content-Length") == shown.headers.get("Content-Length")
        assert answer.headers["ETag"] == shown.headers["ETag"]


def test_a_redirect_has_no_range(reader: Reader) -> None:
    client = reader(response_record(URL, MOMENT, b"moved", status="302 Found", headers="Location: /y\r\n"))
    answer = client.get(f"{AT}oe_/{URL}", headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer.data) == (302, b"moved")


# -- sizes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page",
    [
        b"<p>" + b"\0" * 100_000,
        b"<p title='" + b"a" * 10_000_000 + b"'>x",
        b"<a href='" + b"a" * 3_000_000 + b"'>x",
        b"<div>" * 100_000,
        b"<svg>" * 100_000,
        b"<template>" * 100_000 + b"<p>x",
        b"<table><tr><td>" * 50_000,
        b"<iframe srcdoc='" * 5_000,
        b"<p " + b"a=1 " * 200_000 + b">",
        b"<!--" * 100_000,
    ],
    ids=["NUL", "attribute", "URL", "div", "svg", "template", "table", "srcdoc", "attributes", "comments"],
)
def test_pages_of_an_unusual_size_are_shown(reader: Reader, page: bytes) -> None:
    answer = reader(record(page)).get(f"{AT}/{URL}")
    assert answer.status_code == 200
    assert len(answer.data) > len(page)
    assert b"muniment-banner" in answer.data


def resident() -> int:
    """Bytes of memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="there is no other cheap way to see it")
@pytest.mark.parametrize("coding", ["gzip", "zstd", "br"])
@pytest.mark.parametrize(("words", "lines"), [(100, 12_000), (0, 200_000)], ids=["text", "links"])
def test_a_long_page_takes_little_memory(reader: Reader, coding: str, words: int, lines: int) -> None:
    line = b"<p>" + b"some words of text without anything in it " * words + b"<a href=/y>y</a> <img src=z.png>\n"
    body = PAGE + line * lines
    client = reader(record(PACKERS[coding](body), coding))
    with client.application.test_client().get(f"{AT}/{URL}") as answer:
        pieces = iter(answer.response)
        size = len(next(pieces))  # as much as is held of shorter ones
        before, most = resident(), 0
        for piece in pieces:
            size += len(piece)
            most = max(most, resident())
    assert size > len(body)
    assert most - before < 20_000_000


# -- what is missing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("modifiers", "destinations", "kind", "body"),
    [
        (
            "js esm wkr wkrm sw",
            "script worker sharedworker audioworklet paintworklet",
            "text/javascript",
            b"/* not",
        ),
        ("cs", "style", "text/css", b"/* not"),
        ("im", "image", "image/gif", b""),  # which no browser takes for a picture
        ("da", "empty json", "application/json", b'{"error"'),
        ("if fr", "iframe frame fencedframe", "text/html; charset=utf-8", b"<!doctype html>"),
        ("oe fw", "audio video font track object embed manifest xslt", "application/octet-stream", b""),
    ],
)
def test_a_missing_part_has_a_body_of_its_kind(
    reader: Reader, modifiers: str, destinations: str, kind: str, body: bytes
) -> None:
    client = reader()
    for modifier, destination in ((m, "") for m in modifiers.split()):
        assert absent_part(modifier, destination) is not None
        answer = client.get(f"/unesco/2016{modifier}_/{URL}")
        assert (answer.status_code in (403, 404), answer.headers["Content-Type"]) == (True, kind)
        assert answer.data.startswith(body) and bool(answer.data) == bool(body)
    for destination in destinations.split():
        part = absent_part("", destination)
        assert part is not None and part[0] == kind and part[1].startswith(body) and bool(part[1]) == bool(body)


@pytest.mark.parametrize("fields", [{}, {"Range": "bytes=0-9"}])
def test_what_is_too_long_to_be_measured_is_not_measured_again(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str]
) -> None:
    monkeypatch.setattr("replay.delivery._HELD_BYTES", 1000)
    monkeypatch.setattr("replay.delivery._COUNTED_BYTES", 100_000)
    counted: list[int] = []
    count = ArchivedResponse._count

    def counting(self: ArchivedResponse, room: int) -> int:
        counted.append(room)
        return count(self, room)

    monkeypatch.setattr(ArchivedResponse, "_count", counting)
    client = reader(record(gzip.compress(LONG, 1), "gzip", kind="video/mp4"))
    for _ in range(3):
        answer = client.get(f"{AT}oe_/{URL}", headers=fields)
        assert (answer.status_code, answer.data == LONG) == (200, True)
    assert len(counted) == len(fields)


def test_a_missing_page_is_a_page() -> None:
    for destination in ("", "document", "unheard-of"):
        assert absent_part("", destination) is None
        assert absent_part("mp", destination) is None


# -- the cache ---------------------------------------------------------------------------------------------------------


def test_the_same_payload_in_a_private_collection_is_not_shown_by_a_public_one(reader: Reader, tmp_path: Path) -> None:
    client = reader(record(PAGE), collection="open")
    holdings: Holdings = client.application.extensions["muniment.holdings"]
    holdings.collections.create("closed", visibility=Visibility.PRIVATE)
    path = tmp_path / "closed.warc.gz"
    path.write_bytes(
        response_record("http://secret.example/x", MOMENT, PAGE, headers="Content-Type: text/html\r\nX-Secret: s\r\n")
    )
    import_file(path, collection="closed", store=holdings.store, index=holdings.index)
    digests = {
        holdings.index.newest(["open"], "org,e)/x").digest,
        holdings.index.newest(["closed"], "example,secret)/x").digest,
    }  # type: ignore[union-attr]
    assert len(digests) == 1
    secret = "/closed/20160810204623/http://secret.example/x"
    holdings.collections.update("closed", visibility=Visibility.PUBLIC)
    assert client.get(secret).headers["X-Archive-Orig-X-Secret"] == "s"  # now it is kept
    holdings.collections.update("closed", visibility=Visibility.PRIVATE)
    shown = client.get(f"/open/20160810204623/{URL}")
    assert shown.status_code == 200 and "X-Archive-Orig-X-Secret" not in shown.headers
    for name in ("open", "closed", "all"):
        answer = client.get(f"/{name}/20160810204623/http://secret.example/x", headers={"If-None-Match": "*"})
        assert answer.status_code == 404 and "X-Archive-Orig-X-Secret" not in answer.headers
