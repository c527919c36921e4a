"""Reading whole files quickly: the rows are those of the plain way, whatever the files are like."""

from __future__ import annotations

import gzip
import hashlib
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest

from archiver.index import batches
from archiver.index.batches import Counts, FileRows, Progress, Row, row_of
from archiver.index.quick import Looker
from archiver.warc.bulk import QuickRecord, read_quickly
from archiver.warc.records import labelled
from tests.archiver.plainrows import plain_rows
from tests.archiver.test_frames import RECORDS, compress
from tests.archiver.test_odd_warcs import arc, arc_file
from tests.servers.warcs import request_record, response_record, revisit_record

MOMENT = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
Member = Callable[[bytes], bytes]


BEGINNING = Progress()


def rows_of(data: bytes, start: Progress = BEGINNING, **options: bool) -> tuple[list[Row], Counts, Progress]:
    reading = FileRows(BytesIO(data), Looker(256), min_bytes=256, start=start, **options)
    rows: list[Row] = []
    progress = start
    for batch in reading.batches():
        rows += batch.rows
        progress = batch.progress
    return rows, reading.counts, progress


def assert_same(data: bytes) -> int:
    """Both ways say the same; how many rows."""
    plain = plain_rows(BytesIO(data))
    rows, counts, _ = rows_of(data)
    assert rows == [tuple(row_of(capture)) for capture in plain.rows]
    assert counts.records == plain.records
    assert counts.skipped == plain.skipped
    assert counts.bad == plain.bad
    assert counts.indexed == len(plain.rows)
    again, again_counts, _ = rows_of(data, ahead=True)
    assert again == rows
    assert again_counts == counts
    return len(rows)


def record(
    number: int = 1,
    *,
    kind: str = "response",
    http: bytes = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\nhello",
    lines: tuple[bytes, ...] = (),
    url: bytes = b"http://example.org/%d",
    date: bytes = b"2020-01-02T03:04:05Z",
    content_type: bytes = b"application/http; msgtype=response",
    version: bytes = b"WARC/1.0",
    end: bytes = b"\r\n\r\n",
    newline: bytes = b"\r\n",
    length: int | None = None,
    digest: bool = True,
) -> bytes:
    payload = labelled(hashlib.sha1(http.partition(b"\r\n\r\n")[2]).digest()).encode()
    header = [
        version,
        b"WARC-Type: " + kind.encode(),
        b"WARC-Target-URI: " + (url % number if b"%d" in url else url),
        b"WARC-Date: " + date,
        b"WARC-Record-ID: <urn:uuid:%032d>" % number,
        *([b"WARC-Payload-Digest: " + payload] if digest else []),
        *lines,
        *([b"Content-Type: " + content_type] if content_type else []),
        b"Content-Length: %d" % (len(http) if length is None else length),
    ]
    return newline.join([*header, b"", b""]) + http + end


def member(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def head(*lines: bytes, body: bytes = b"hello") -> bytes:
    return b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", body])


ODD: dict[str, dict[str, object]] = {
    "ordinary": {},
    "without payload digest": {"digest": False},
    "chunked without payload digest": {
        "digest": False,
        "http": head(b"Transfer-Encoding: chunked", body=b"3\r\nhel\r\n0\r\n\r\n"),
    },
    "chunk framing taken off": {
        "digest": False,
        "lines": (b"WARC-Transfer-Decoded: chunked",),
        "http": head(b"Transfer-Encoding: chunked", body=b"5\r\nhello"),
    },
    "gzip without payload digest": {
        "digest": False,
        "http": head(b"Content-Encoding: gzip", body=gzip.compress(b"x", mtime=0)),
    },
    "angle brackets": {"url": b"<http://example.org/%d>"},
    "no URL": {"url": b""},
    "strange URL": {"url": "http://exämple.org/ä b?\x01".encode()},
    "not UTF-8": {"url": b"http://example.org/\xe4"},
    "date with fraction": {"date": b"2020-01-02T03:04:05.123456789Z"},
    "date with offset": {"date": b"2020-01-02T03:04:05+02:00"},
    "day only": {"date": b"2020-01-31"},
    "impossible date": {"date": b"2020-02-31T00:00:00Z"},
    "leap second": {"date": b"2016-12-31T23:59:60Z"},
    "no date": {"date": b""},
    "SHA-1 in hexadecimal": {"digest": False, "lines": (b"WARC-Payload-Digest: SHA-1:" + b"ab" * 20,)},
    "SHA-256": {"digest": False, "lines": (b"WARC-Payload-Digest: sha256:" + b"ab" * 32,)},
    "empty digest": {"digest": False, "lines": (b"WARC-Payload-Digest: ",)},
    "two digests": {"lines": (b"WARC-Payload-Digest: md5:x",)},
    "truncated": {"lines": (b"WARC-Truncated: length",)},
    "truncated strangely": {"lines": (b"WARC-Truncated: because",)},
    "no status line": {"http": b"hello\r\n\r\nworld"},
    "ICY": {"http": b"ICY 200 OK\r\nContent-Type: audio/mpeg\r\n\r\nx"},
    "no blank line": {"http": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"},
    "bare LF head": {"http": b"HTTP/1.1 200 OK\nContent-Type: text/css\n\nhello"},
    "folded head": {"http": head(b"Content-Type: text/html;", b" charset=x", b"X: y")},
    "two types": {"http": head(b"Content-Type: text/html", b"content-type : text/css")},
    "garbage type": {"http": head(b"Content-Type: \xff\xfe nonsense")},
    "no colon in head": {"http": head(b"Content-Type text/html", b"nonsense")},
    "long head": {"http": head(*(b"X-%d: %s" % (number, b"y" * 100) for number in range(100)), b"Content-Type: text/css")},
    "endless head": {"http": b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 100_000},
    "empty block": {"http": b""},
    "not HTTP": {"content_type": b"text/dns", "url": b"dns:example.org"},
    "no content type": {"content_type": b""},
    "message/http": {"content_type": b"message/http"},
    "capital type": {"content_type": b"Application/HTTP; msgtype=response"},
    "resource": {"kind": "resource", "content_type": b"Text/CSS; charset=x", "http": b"a{}"},
    "resource in HTTP": {"kind": "resource"},
    "revisit": {
        "kind": "revisit",
        "lines": (b"WARC-Refers-To-Target-URI: <http://a.org/>", b"WARC-Refers-To-Date: 2019-01-01T00:00:00Z"),
    },
    "revisit without head": {"kind": "revisit", "http": b"", "digest": False, "lines": (b"WARC-Refers-To: <urn:x>",)},
    "revisit of a bad date": {"kind": "revisit", "lines": (b"WARC-Refers-To-Date: yesterday", b"WARC-Truncated: length")},
    "conversion": {"kind": "conversion"},
    "continuation": {"kind": "continuation"},
    "capital kind": {"kind": "RESPONSE"},
    "no kind": {"kind": ""},
    "unheard-of kind": {"kind": "Ünheard-of"},
    "old version": {"version": b"WARC/0.18"},
    "older version": {"version": b"WARC/0.17", "date": b"20200102030405"},
    "newest version": {"version": b"WARC/1.1"},
    "first segment": {"lines": (b"WARC-Segment-Number: 1",), "digest": False},
    "folded header": {"lines": (b"X-Note: one\r\n two",)},
    "header without colon": {"lines": (b"X-Note",)},
    "spaces in header": {"lines": (b"X-Note :  one  ",)},
    "bare LF header": {"newline": b"\n"},
    "type said twice": {"lines": (b"warc-type: revisit",)},
    "length said twice": {"lines": (b"Content-Length: 3",)},
    "too short": {"length": 20},
    "too long": {"length": 200},
    "length is no number": {"lines": (b"content-length: x",)},
    "end too short": {"end": b"\r\n"},
    "no end": {"end": b""},
    "junk at the end": {"end": b"abcd"},
    "more lines at the end": {"end": b"\r\n\r\n\r\n\r\n"},
}  # fmt: skip


@pytest.mark.parametrize("way", [member, bytes], ids=["gzip", "plain"])
@pytest.mark.parametrize("name", ODD)
def test_an_odd_record_gives_the_same_rows(name: str, way: Member) -> None:
    odd = record(2, **ODD[name])  # type: ignore[arg-type]
    around = [way(record(number, kind=kind)) for number, kind in ((1, "response"), (3, "metadata"), (4, "response"))]
    assert_same(way(odd))
    assert_same(b"".join([around[0], way(odd), *around[1:]]))
    assert_same(b"".join([way(odd)] * 3))


def request(method: bytes, number: int = 1, *, body: bytes = b"", lines: tuple[bytes, ...] = ()) -> bytes:
    http = method + b" /%d HTTP/1.1\r\nHost: example.org\r\nContent-Type: application/json\r\n\r\n" % number + body
    return record(number, kind="request", http=http, lines=lines, content_type=b"application/http; msgtype=request")


THEIRS = (b"WARC-Concurrent-To: <urn:uuid:%032d>" % 7,)


@pytest.mark.parametrize("way", [member, bytes], ids=["gzip", "plain"])
def test_requests_are_paired_in_every_order(way: Member) -> None:
    parts = [
        request(b"GET"), request(b"POST", body=b'{"a": 1}'), request(b"POST", body=b'{"a": 2}', lines=THEIRS),
        request(b"HEAD"), request(b"PUT", 2, body=b"x"), request(b"nonsense"), record(1), record(2), record(1, lines=THEIRS),
        record(1, kind="metadata"), record(1, kind="revisit"), record(3, http=b"no HTTP"), request(b"POST", body=b"x")[:-30],
    ]  # fmt: skip
    choose = random.Random(5)
    for _ in range(60):
        assert_same(b"".join(way(choose.choice(parts)) for _ in range(choose.randrange(1, 9))))


@pytest.fixture(scope="module")
def ordinary() -> bytes:
    def records() -> Iterator[bytes]:
        for number in range(40):
            url, moment = f"http://example.org/{number % 17}?{'x' * number}", MOMENT + timedelta(days=number)
            body = random.Random(number).randbytes(number * 7) + b"text " * 200
            yield request_record(url, moment, "POST" if number % 5 == 0 else "GET", "text/plain", b"x" * number)
            if number % 7 == 3:
                yield revisit_record(url, moment, "http://example.org/0?", MOMENT)
            else:
                yield response_record(url, moment, body, headers='Content-Type: text/html\r\nETag: "a"\r\n')

    return b"".join(records())


def test_ordinary_files_are_read_by_the_quick_way(ordinary: bytes) -> None:
    found = list(read_quickly(BytesIO(ordinary), Looker(256).look))
    assert sum(isinstance(item, QuickRecord) for item in found) == len(found) - 2
    assert assert_same(ordinary) == 40


def test_whatever_is_cut_flipped_or_put_between(ordinary: bytes) -> None:
    choose = random.Random(11)
    for _ in range(40):
        data = bytearray(ordinary)
        for _ in range(choose.randrange(1, 4)):
            place = choose.randrange(len(data))
            how = choose.randrange(6)
            if how == 0:
                data[place] ^= 1 << choose.randrange(8)
            elif how == 1:
                del data[place:]
                break
            elif how == 2:
                del data[place : place + choose.randrange(300)]
            elif how == 3:
                data[place:place] = choose.randbytes(choose.randrange(50))
            elif how == 4:
                data[place:place] = bytes(choose.randrange(50))
            else:
                data[place:place] = member(b"")
        assert_same(bytes(data))


MIXED = {
    "one gzip for all": lambda parts: gzip.compress(b"".join(parts)),
    "two in a member": lambda parts: gzip.compress(parts[0] + parts[1]) + member(parts[2]),
    "zeros between": lambda parts: member(parts[0]) + bytes(100) + member(parts[1]),
    "zeros at the end": lambda parts: member(parts[0]) + bytes(100),
    "an empty member between equal ones": lambda parts: member(parts[0]) + member(b"") + member(parts[0]),
    "junk between": lambda parts: member(parts[0]) + b"junk junk" + member(parts[1]),
    "plain between": lambda parts: member(parts[0]) + parts[1] + member(parts[2]),
    "gzip between": lambda parts: parts[0] + member(parts[1]) + parts[2],
    "stored blocks": lambda parts: b"".join(gzip.compress(part, 0) for part in parts),
    "a WARC file in a WARC file": lambda parts: b"".join(
        gzip.compress(record(9, http=head(body=b"".join(member(part) for part in parts))), level) for level in (0, 6)
    ) + member(parts[0]),
    "ARC": lambda parts: b"filedesc://x.arc 0.0.0.0 20200101000000 text/plain 6\n1 0 x\n\n"
    b"http://e.org/ 1.2.3.4 20200101000000 text/html 40\nHTTP/1.1 200 OK\r\n\r\n" + b"x" * 21 + b"\n" + parts[0],
    "nothing": lambda parts: b"",
    "zeros": lambda parts: bytes(1000),
    "no WARC file": lambda parts: b"hello world\n" * 1000,
    "many beginnings": lambda parts: member(parts[0]) + b"\x1f\x8b\x08" * 300 + member(parts[1])
    + b"WARC/1.0\r\n" * 300 + parts[2],
}  # fmt: skip


@pytest.mark.parametrize("name", MIXED)
def test_files_put_together_in_odd_ways(name: str) -> None:
    assert_same(MIXED[name]([record(1), record(2, kind="metadata"), record(3)]))


def test_no_place_where_reading_stops_changes_the_rows(ordinary: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 3)
    whole, _, end = rows_of(ordinary)
    reading = FileRows(BytesIO(ordinary), Looker(256), min_bytes=256)
    before: list[Row] = []
    places = 0
    for batch in reading.batches():
        before += batch.rows
        rest, _, last = rows_of(ordinary, batch.progress)
        assert [*before[: batch.progress.captures], *rest] == whole
        assert last == end
        places += 1
    assert places > 5


def test_files_full_of_requests_with_a_body_are_taken_in_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 5)
    data = b"".join(member(request(b"POST", number, body=b"x")) + member(record(number)) for number in range(40))
    whole, _, _ = rows_of(data)
    assert_same(data)
    found = list(FileRows(BytesIO(data), Looker(256), min_bytes=256).batches())
    assert max(len(batch.rows) for batch in found) <= 6
    for batch in found:
        rest, _, _ = rows_of(data, batch.progress)
        assert rest == whole[batch.progress.captures :]


def test_a_file_that_grows_has_the_same_rows_in_the_end(ordinary: bytes) -> None:
    whole, counts, _ = rows_of(ordinary)
    choose = random.Random(3)
    for _ in range(5):
        rows: dict[int, Row] = {}
        progress, size = Progress(), 0
        while size < len(ordinary):
            size = min(len(ordinary), size + choose.randrange(3000))
            more, partial, progress = rows_of(ordinary[:size], progress, is_growing=True)
            assert not partial.bad
            rows |= {row[2]: row for row in more}
        more, _, progress = rows_of(ordinary, progress)
        rows |= {row[2]: row for row in more}
        assert list(rows.values()) == whole
        assert progress.captures == counts.indexed


def test_records_behind_junk_are_found() -> None:
    found = plain_rows(BytesIO(member(record(1)) + b"junk junk" + member(record(2)) + record(3) + member(record(4))))
    assert [capture.url[-1] for capture in found.rows] == ["1", "2", "3", "4"]
    assert len(found.bad) == 1


ARCS = [arc("http://example.org/a b", b"one"), arc("http://example.org/2", b"two" * 100), arc("dns:example.org", b"x")]
OTHERS = {
    "ARC": arc_file(*ARCS),
    "ARC 2": arc_file(*(arc(f"http://example.org/{number}", b"x", version=2) for number in range(9)), version=2),
    "ARC in gzip": b"".join(map(member, (arc_file(), *ARCS))),
    "ARC in one gzip": gzip.compress(arc_file(*ARCS)),
    "Zstandard": b"".join(map(compress, RECORDS)),
    "Zstandard in one frame": compress(b"".join(RECORDS)),
    "Zstandard behind gzip": member(RECORDS[0]) + b"".join(map(compress, RECORDS)) + member(RECORDS[1]),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_kinds_of_files_give_the_same_rows(name: str) -> None:
    data = OTHERS[name]
    assert assert_same(data) >= 2
    for cut in (len(data) // 3, len(data) - 9):
        assert_same(data[:cut])
    assert_same(data[: len(data) // 2] + b"junk" + data[len(data) // 2 :])
