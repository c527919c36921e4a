"""Every rule of WARC files, with a file that breaks it and nothing else of weight."""

from __future__ import annotations

import gzip
import random
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
import zstandard

from archiver.warc import events
from archiver.warc.check import Log, check_part, join_parts
from archiver.warc.headrules import check_header
from archiver.warc.headshapes import HeaderRules
from archiver.warc.rules import RULES, Severity
from tests.archiver.warcs_by_hand import (
    BODY,
    DATE,
    HTTP,
    IDENTICAL,
    NOT_MODIFIED,
    URL,
    checked,
    fields,
    file_of,
    member,
    plain,
    response,
    rules_of,
    sha1,
    uuid,
    warcinfo,
)

HEAD_304 = b"HTTP/1.1 304 Not Modified\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FRAMED = b"5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n"
REQUEST = b"GET /a HTTP/1.1\r\nHost: example.org\r\n\r\n"


def with_fields(*put: tuple[str, str], drop: tuple[str, ...] = (), **more: object) -> bytes:
    return file_of(response(put=put, drop=drop, **more))


def of_kind(kind: str, put: tuple[tuple[str, str], ...] = (), drop: tuple[str, ...] = (), block: bytes = b"x") -> bytes:
    media = (("Content-Type", "text/plain"),)
    return file_of(plain(fields(kind, block=block, payload=block, put=(*media, *put), drop=drop), block))


def revisit(*put: tuple[str, str], drop: tuple[str, ...] = (), block: bytes = HTTP, profile: str = IDENTICAL) -> bytes:
    own = (
        ("WARC-Profile", profile),
        ("WARC-Refers-To-Target-URI", URL),
        ("WARC-Refers-To-Date", DATE),
        ("WARC-Truncated", "length"),
    )
    names = {name for name, _ in put} | set(drop)
    kept = tuple(pair for pair in own if pair[0] not in names)
    return file_of(plain(fields("revisit", block=block, put=(*kept, *put), drop=drop), block))


def segment(number: int, *, record: int, last: int | None = None, block: bytes = b"abc", url: str = URL) -> bytes:
    put = [("WARC-Segment-Number", str(number)), ("WARC-Segment-Origin-ID", uuid(2))]
    put += [("WARC-Segment-Total-Length", str(last))] if last is not None else []
    gone = ("WARC-IP-Address", "WARC-Payload-Digest", "Content-Type")
    return plain(fields("continuation", record, block=block, put=put, drop=gone, url=url), block)


FIRST = response(put=(("WARC-Segment-Number", "1"),))


def raw_header(old: bytes, new: bytes) -> bytes:
    """A good response whose header has been changed byte by byte."""
    record = response()
    assert old in record
    return file_of(record.replace(old, new, 1))


def extra_gzip(record: bytes) -> bytes:
    """A member whose header has an extra field, as wget writes it."""
    packed = zlib.compressobj(wbits=-15)
    data = packed.compress(record) + packed.flush()
    trailer = struct.pack("<II", zlib.crc32(record), len(record))
    return b"\x1f\x8b\x08\x04\0\0\0\0\0\x03" + struct.pack("<H2sH8s", 12, b"sl", 8, b"12345678") + data + trailer


def bad_checksum() -> bytes:
    data = bytearray(member(response()))
    data[-6] ^= 1
    return member(warcinfo()) + bytes(data) + member(response(3))


def broken_inside() -> bytes:
    body = bytes(random.Random(1).choices(b"etaoinshrdlu <>/", k=20_000))
    data = bytearray(member(response(block=HTTP + body, payload=body)))
    data[2000:2100] = b"\xff" * 100
    return member(warcinfo()) + bytes(data) + member(response(3))


BROKEN: dict[str, bytes | Callable[[], bytes]] = {
    "warc-4-version": raw_header(b"WARC/1.1", b"WARC/2.0"),
    "warc-4-draft": file_of(response(version="WARC/0.18")),
    "warc-4-line-end": raw_header(b"WARC-Type: response\r\n", b"WARC-Type: response\n"),
    "warc-4-field": raw_header(b"WARC-Type: response\r\n", b"WARC-Type: response\r\nnothing here\r\n"),
    "warc-4-name": with_fields(("My Field", "x")),
    "warc-4-utf8": raw_header(b"93.184.216.34\r\n", b"93.184.216.34\r\nX-Who: M\xfcller\r\n"),
    "warc-4-control": with_fields(("X-Bell", "a\x07b")),
    "warc-4-folded": raw_header(b"93.184.216.34\r\n", b"93.184.216.34\r\nX-Long: one\r\n two\r\n"),
    "warc-4-encoded-word": with_fields(("X-Who", "=?utf-8?Q?M=C3=BCller?=")),
    "warc-4-header-size": file_of(b"WARC/1.1\r\nX: " + b"a" * 1_200_000),
    "warc-4-end": file_of(plain(fields(), HTTP + BODY, end=b"\r\n")),
    "warc-4-cut": warcinfo() + response()[:-20],
    "warc-4-no-record": member(warcinfo()) + member(b"no record at all\r\n\r\n"),
    "warc-4-padding": file_of(response()) + bytes(512),
    "warc-4-empty": b"",
    "warc-5.1-repeated": with_fields(("WARC-Date", DATE), ("WARC-Date", DATE)),
    "warc-5.2-missing": with_fields(drop=("WARC-Record-ID",)),
    "warc-5.2-form": with_fields(("WARC-Record-ID", "urn:uuid:1")),
    "warc-5.2-unique": file_of(response(), response()),
    "warc-5.3-missing": file_of(plain(fields(), HTTP + BODY, length=-1)),
    "warc-5.3-form": file_of(plain([*fields(), ("Content-Length", "many")], HTTP + BODY, length=-1)),
    "warc-5.4-missing": with_fields(drop=("WARC-Date",)),
    "warc-5.4-form": with_fields(("WARC-Date", "2016-02-30T00:00:00Z")),
    "warc-5.4-version": with_fields(("WARC-Date", "2016-08-10T20:46:23.5Z"), version="WARC/1.0"),
    "warc-5.4-event": file_of(
        response(put=(("WARC-Concurrent-To", uuid(3)),)),
        response(3, put=(("WARC-Concurrent-To", uuid(2)), ("WARC-Date", "2017-01-01T00:00:00Z"))),
    ),
    "warc-5.5-missing": with_fields(drop=("WARC-Type",)),
    "warc-5.5-unknown": with_fields(("WARC-Type", "screenshot")),
    "warc-5.6-missing": with_fields(drop=("Content-Type",)),
    "warc-5.6-form": with_fields(("Content-Type", "application http")),
    "warc-5.6-http": with_fields(("Content-Type", "application/http; msgtype=request")),
    "warc-5.6-fields": member(warcinfo().replace(b"application/warc-fields", b"text/plain")),
    "warc-5.7-form": with_fields(("WARC-Concurrent-To", "urn:uuid:3")),
    "warc-5.7-type": of_kind("conversion", (("WARC-Concurrent-To", uuid(9)),), ("WARC-IP-Address",)),
    "warc-5.7-self": with_fields(("WARC-Concurrent-To", uuid(2))),
    "warc-5.7-mutual": file_of(response(put=(("WARC-Concurrent-To", uuid(3)),)), response(3)),
    "warc-5.7-elsewhere": with_fields(("WARC-Concurrent-To", uuid(99))),
    "warc-5.8-form": with_fields(("WARC-Block-Digest", "0123")),
    "warc-5.8-algorithm": with_fields(("WARC-Block-Digest", "crc32:0123")),
    "warc-5.8-mismatch": with_fields(("WARC-Block-Digest", sha1(b"other"))),
    "warc-5.8-missing": with_fields(drop=("WARC-Block-Digest",)),
    "warc-5.9-form": with_fields(("WARC-Payload-Digest", "0123")),
    "warc-5.9-algorithm": with_fields(("WARC-Payload-Digest", "sha1:tooshort")),
    "warc-5.9-type": of_kind("metadata", block=b"via: x\r\n"),
    "warc-5.9-mismatch": with_fields(("WARC-Payload-Digest", sha1(b"other"))),
    "warc-5.9-chunked": file_of(response(block=CHUNKED + FRAMED, payload=FRAMED)),
    "warc-5.9-other-tools": file_of(response(block=CHUNKED + FRAMED, payload=b"hello, world")),
    "warc-5.9-unseen": file_of(response(block=CHUNKED + b"5\r\nhello\r\nzz\r\n", payload=b"5\r\nhello\r\nzz\r\n")),
    "warc-5.10-form": with_fields(("WARC-IP-Address", "93.184.216.340")),
    "warc-5.10-canonical": with_fields(("WARC-IP-Address", "2001:0DB8::1")),
    "warc-5.10-type": member(warcinfo(extra=(("WARC-IP-Address", "127.0.0.1"),))),
    "warc-5.10-missing": with_fields(drop=("WARC-IP-Address",)),
    "warc-5.11-form": revisit(("WARC-Refers-To", "urn:uuid:1")),
    "warc-5.11-type": with_fields(("WARC-Refers-To", uuid(1))),
    "warc-5.12-form": revisit(("WARC-Refers-To-Target-URI", "/a")),
    "warc-5.12-type": with_fields(("WARC-Refers-To-Target-URI", URL)),
    "warc-5.13-form": revisit(("WARC-Refers-To-Date", "20160810204623")),
    "warc-5.13-type": with_fields(("WARC-Refers-To-Date", DATE)),
    "warc-5.14-missing": with_fields(drop=("WARC-Target-URI",)),
    "warc-5.14-warcinfo": member(warcinfo(extra=(("WARC-Target-URI", URL),))),
    "warc-5.14-brackets": with_fields(("WARC-Target-URI", f"<{URL}>")),
    "warc-5.14-form": with_fields(("WARC-Target-URI", "example.org/a")),
    "warc-5.14-characters": with_fields(("WARC-Target-URI", "http://example.org/{a}|b")),
    "warc-5.14-fragment": with_fields(("WARC-Target-URI", f"{URL}#top")),
    "warc-5.14-event": file_of(
        response(put=(("WARC-Concurrent-To", uuid(3)),)),
        response(3, url="http://example.org/b", put=(("WARC-Concurrent-To", uuid(2)),)),
    ),
    "warc-5.15-value": with_fields(("WARC-Truncated", "head")),
    "warc-5.15-missing": file_of(response(block=HTTP + b"<p>", payload=b"<p>")),
    "warc-5.16-form": with_fields(("WARC-Warcinfo-ID", "1")),
    "warc-5.16-type": member(warcinfo(extra=(("WARC-Warcinfo-ID", uuid(1)),))),
    "warc-5.16-elsewhere": with_fields(("WARC-Warcinfo-ID", uuid(77))),
    "warc-5.17-type": with_fields(("WARC-Filename", "test.warc.gz")),
    "warc-5.17-differs": member(warcinfo(extra=(("WARC-Filename", "other.warc.gz"),))),
    "warc-5.18-missing": revisit(drop=("WARC-Profile",)),
    "warc-5.18-type": with_fields(("WARC-Profile", IDENTICAL)),
    "warc-5.18-unknown": revisit(profile="http://example.org/profile"),
    "warc-5.19-type": member(warcinfo(extra=(("WARC-Identified-Payload-Type", "text/plain"),))),
    "warc-5.20-form": with_fields(("WARC-Segment-Number", "2")),
    "warc-5.20-missing": file_of(FIRST, segment(1, record=3, last=6)),
    "warc-5.21-missing": of_kind("continuation", (("WARC-Segment-Number", "2"),), ("WARC-IP-Address",)),
    "warc-5.21-form": file_of(FIRST, segment(2, record=3, last=81).replace(f"ID: {uuid(2)}".encode(), b"ID: urn:x")),
    "warc-5.21-type": with_fields(("WARC-Segment-Origin-ID", uuid(9))),
    "warc-5.22-type": with_fields(("WARC-Segment-Total-Length", "9")),
    "warc-5.22-form": file_of(FIRST, segment(2, record=3, last=1).replace(b"Total-Length: 1", b"Total-Length: x")),
    "warc-6.2-first": member(response(drop=("WARC-Warcinfo-ID",))),
    "warc-6.3-status": file_of(response(block=b"<p>no head</p>", payload=b"")),
    "warc-6.5-request": file_of(plain(fields("request", block=b"hello\r\n\r\n", payload=b""), b"hello\r\n\r\n")),
    "warc-6.7-digest": revisit(drop=("WARC-Payload-Digest",)),
    "warc-6.7-target": revisit(drop=("WARC-Refers-To-Date",)),
    "warc-6.7-truncated": revisit(drop=("WARC-Truncated",)),
    "warc-6.7-status": revisit(profile=NOT_MODIFIED),
    "warc-7-number": file_of(FIRST, segment(3, record=3, last=len(HTTP + BODY) + 3)),
    "warc-7-total": file_of(FIRST, segment(2, record=3, last=5)),
    "warc-7-origin": file_of(segment(2, record=3, last=80)),
    "warc-7-open": file_of(FIRST),
    "warc-7-uri": file_of(FIRST, segment(2, record=3, last=len(HTTP + BODY) + 3, url="http://example.org/b")),
    "gzip-member": member(warcinfo() + response()),
    "gzip-broken": broken_inside,
    "gzip-checksum": bad_checksum,
    "gzip-cut": file_of(response())[:-12],
    "gzip-extra": member(warcinfo()) + extra_gzip(response()),
    "gzip-empty": file_of(response()) + member(b""),
    "gzip-garbage": file_of(response()) + b"<html>proxy error</html>",
    "arc-header": b"filedesc://x.arc 0.0.0.0 20160101000000 text/plain 3\nabc\nhttp://x/ nonsense\nmore\n",
    "arc-fixity": b"filedesc://x.arc 0.0.0.0 20160101000000 text/plain 3\nabc\n",
}  # fmt: skip

#: Rules that depend on the name, or on what is no file by itself.
BY_NAME = {
    "warc-8-name": ("holdings.gz", file_of(response())),
    "gzip-name": ("test.warc", file_of(response())),
    "file-open": ("test.warc.gz.open", file_of(response())),
    "zstd-experimental": ("test.warc.zst", zstandard.compress(warcinfo())),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_what_breaks_a_rule_is_told(rule: str) -> None:
    made = BROKEN[rule]
    data = made() if callable(made) else made
    found = checked(data).log
    assert found.counts[rule] >= 1, dict(found.counts)
    if RULES[rule].severity is not Severity.ERROR and not rule.startswith("arc-"):
        assert found.has(Severity.ERROR) == 0, dict(found.counts)


@pytest.mark.parametrize("rule", BY_NAME)
def test_what_a_name_says_is_told(rule: str) -> None:
    name, data = BY_NAME[rule]
    assert rule in rules_of(data, name)


def test_every_rule_of_warc_files_has_a_file_that_breaks_it() -> None:
    known = {rule for rule in RULES if rule.startswith(("warc-", "gzip-", "arc-", "zstd-"))}
    assert known - BROKEN.keys() - BY_NAME.keys() == {"warc-4-unsure"}


GOOD = {
    "response": file_of(response()),
    "plain": warcinfo() + response(),
    "no block": file_of(plain(fields("resource", block=b"", payload=b"", drop=("Content-Type",)))),
    "revisit": revisit(),
    "revisit without block": revisit(block=b"", drop=("WARC-Truncated", "Content-Type")),
    "not modified": revisit(
        ("WARC-Refers-To", uuid(9)), drop=("WARC-Payload-Digest", "WARC-Truncated"), block=HEAD_304, profile=NOT_MODIFIED
    ),
    "stored without framing": file_of(
        response(block=CHUNKED + b"hello", payload=b"hello", put=(("WARC-Transfer-Decoded", "chunked"),))
    ),
    "dates of all lengths": file_of(
        *(response(n, put=(("WARC-Date", date),)) for n, date in enumerate(("2016", "2016-08", "2016-02-29T23:59Z"), 2))
    ),
    "extension fields twice": with_fields(("WARC-Protocol", "h2"), ("WARC-Protocol", "tls/1.3")),
    "names in any case": raw_header(b"WARC-Type:", b"warc-type:"),
    "digests of other forms": with_fields(("WARC-Block-Digest", "md5:" + __import__("hashlib").md5(HTTP + BODY).hexdigest())),
    "IPv6": with_fields(("WARC-IP-Address", "2001:db8::1")),
    "DNS": file_of(
        plain(fields("resource", block=b"x", payload=b"x", url="dns:example.org", put=(("Content-Type", "text/dns"),)), b"x")
    ),
    "segments": file_of(FIRST, segment(2, record=3, last=len(HTTP + BODY) + 3)),
    "answer to HEAD": file_of(response(block=HTTP, payload=b"")),
    "an event": file_of(
        response(put=(("WARC-Concurrent-To", uuid(3)),)),
        plain(fields("request", 3, block=REQUEST, payload=b"", put=(("WARC-Concurrent-To", uuid(2)),)), REQUEST),
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_breaks_no_rule_is_left_in_peace(name: str) -> None:
    found = checked(GOOD[name], "test.warc" if name == "plain" else "test.warc.gz").log
    assert not found.counts, dict(found.counts)


def test_a_damaged_record_is_told_and_the_rest_is_checked_all_the_same() -> None:
    for data in (broken_inside(), bad_checksum()):
        report = checked(data)
        assert report.records["response"] >= 1
        assert report.log.has(Severity.ERROR)
    assert checked(file_of(response(put=(("WARC-Block-Digest", sha1(b"x")),)), response(3))).records["response"] == 2


def test_every_changed_byte_of_a_block_is_found() -> None:
    good = warcinfo() + response()
    start = good.index(HTTP)
    for place in range(start, start + len(HTTP + BODY)):
        changed = bytearray(good)
        changed[place] ^= 0x20
        assert checked(bytes(changed), "test.warc").log.counts["warc-5.8-mismatch"] == 1


def test_large_blocks_are_checked_in_pieces() -> None:
    body = random.Random(2).randbytes(6_000_000)
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    assert not rules_of(file_of(response(block=head + body, payload=body)))
    assert rules_of(file_of(response(block=head + body, payload=b""))) == {"warc-5.9-mismatch"}
    framed = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:2_500_000], body[2_500_000:])) + b"0\r\n\r\n"
    assert rules_of(file_of(response(block=CHUNKED + framed, payload=body))) == {"warc-5.9-other-tools"}
    assert rules_of(file_of(response(block=CHUNKED + framed, payload=framed))) == {"warc-5.9-chunked"}
    cut = file_of(response(block=head + body, payload=body))[:-1_000_000]
    assert "gzip-cut" in rules_of(cut)


def test_a_file_cut_anywhere_is_told() -> None:
    data = file_of(response(), response(3))
    ends = {0, len(member(warcinfo())), len(file_of(response())), len(data)}
    for size in range(1, len(data)):
        if size not in ends:
            assert checked(data[:size]).log.has(Severity.ERROR), size


@pytest.mark.parametrize("seed", range(40))
def test_damage_of_any_kind_is_survived(seed: int) -> None:
    choose = random.Random(seed)
    data = bytearray(file_of(*(response(number) for number in range(2, 12))))
    for _ in range(choose.randrange(1, 6)):
        place = choose.randrange(len(data))
        match choose.randrange(3):
            case 0:
                data[place] ^= 1 << choose.randrange(8)
            case 1:
                del data[place : place + choose.randrange(1, 200)]
            case 2:
                data[place:place] = choose.randbytes(choose.randrange(1, 50))
    if bytes(data) != file_of(*(response(number) for number in range(2, 12))):
        report = checked(bytes(data))
        assert report.log.counts
        assert "warc-4-unsure" not in report.log.counts


def test_a_decompression_bomb_is_read_with_flat_memory() -> None:
    import tracemalloc

    engine = zlib.compressobj(9, wbits=31)
    head = plain(fields(drop=("WARC-Block-Digest", "WARC-Payload-Digest")), b"", length=200_000_000, end=b"")
    packed = engine.compress(head) + b"".join(engine.compress(bytes(1_000_000)) for _ in range(200)) + engine.flush()
    tracemalloc.start()
    try:
        checked(member(warcinfo()) + packed)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


def test_headers_are_judged_alike_whether_they_were_seen_before_or_not() -> None:
    choose = random.Random(5)
    rules = HeaderRules()
    headers = [made.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" for made in (response(), FIRST, segment(2, record=9), warcinfo())]
    for _ in range(3000):
        header = bytearray(choose.choice(headers))
        if choose.random() < 0.7:
            place = choose.randrange(len(header) - 4)
            header[place] = choose.choice(b"aZ09-:<> \t\x00\xff.%/?=")
        assert rules.check(bytes(header)) == check_header(bytes(header)), bytes(header)


def parts_of(data: bytes, size: int) -> list[object]:
    starts = range(0, len(data), size)
    return [
        check_part(
            BytesIO(data), Log("test.warc.gz"), len(data), start=start, end=start + size if start + size < len(data) else None
        )
        for start in starts
    ]


@pytest.mark.parametrize("size", [300, 777, 2000, 5000])
def test_a_file_in_parts_is_the_file_as_a_whole(size: int) -> None:
    records = []
    for number in range(10, 60, 2):
        put = (("WARC-Concurrent-To", uuid(number + 1)),)
        records.append(response(number, put=put))
        block = REQUEST
        back = (("WARC-Concurrent-To", uuid(number if number % 3 else 7)),)
        records.append(plain(fields("request", number + 1, block=block, payload=b"", put=back), block))
    data = file_of(*records, response(11))
    whole = checked(data)
    parts = parts_of(data, size)
    assert all(one.end == other.begin for one, other in pairwise(parts))  # type: ignore[attr-defined]
    joined = join_parts("test.warc.gz", len(data), parts)  # type: ignore[arg-type]
    assert joined.records == whole.records
    assert joined.log.counts["warc-5.2-unique"] == whole.log.counts["warc-5.2-unique"] == 1
    # What is one-sided over an edge is told as not near, the only difference.
    notes = ("warc-5.7-mutual", "warc-5.7-elsewhere")
    assert {rule for rule in joined.log.counts if rule not in notes} == {rule for rule in whole.log.counts if rule not in notes}


@pytest.mark.parametrize(("run", "at_once"), [(200_000, 400_000), (200_000, 0), (7, 400_000), (7, 0)])
@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("in_file", [False, True])
def test_identifiers_that_come_again_are_found_however_they_are_compared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run: int, at_once: int, is_large: bool, in_file: bool
) -> None:
    monkeypatch.setattr(events, "_RUN", run)
    monkeypatch.setattr(events, "_AT_ONCE", at_once)
    monkeypatch.setattr(events, "_READ", 3)
    runs = []
    for part in range(3):
        identifiers = events.Identifiers(str(tmp_path / f"{part}.ids") if in_file else "", is_large=is_large)
        for number in range(20):
            offset = 1000 * part + number
            identifiers.add(
                "first and last" if offset in (0, 2019) else "in the middle" if number == 9 else str(offset), offset
            )
        runs += identifiers.runs()
    assert sorted(events.repeated(runs)) == [(1009, 9), (2009, 9), (2019, 0)]
    assert list(events.repeated(runs[:1])) == []


def test_zstd_files_are_checked_record_by_record() -> None:
    bad = response(3, put=(("WARC-Block-Digest", sha1(b"other")),))
    data = b"".join(map(zstandard.compress, (warcinfo(), response(), bad)))
    found = checked(data, "test.warc.zst")
    assert found.records == {"warcinfo": 1, "response": 2}
    assert dict(found.log.counts) == {"zstd-experimental": 1, "warc-5.8-mismatch": 1}
    assert checked(data[:-20], "test.warc.zst").log.counts["gzip-broken"]


def test_files_of_gzip_members_have_the_rules_of_their_records_counted_once() -> None:
    found = checked(member(warcinfo() + response() + response(3)) + member(gzip.compress(b"")))
    assert found.log.counts["gzip-member"] == 1
    assert found.records["response"] == 2
