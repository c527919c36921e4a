"""How archived responses are delivered: in parts, from the cache, damaged, with impossible statuses."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import create_environ

from archiver.holdings import Holdings
from archiver.model import Visibility
from archiver.warc.importer import import_file
from tests.servers.warcs import response_record, revisit_record

Reader = Callable[..., FlaskClient]

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
AT = "/unesco/20160810204623"
VIDEO = "http://e.org/v.mp4"
DATA = bytes(range(256)) * 1000
MP4 = "Content-Type: video/mp4\r\n"


def video(body: bytes = DATA, *, status: str = "200 OK", headers: str = "", moment: datetime = MOMENT) -> bytes:
    return response_record(VIDEO, moment, body, status=status, headers=MP4 + headers)


def held(client: FlaskClient) -> Holdings:
    holdings: Holdings = client.application.extensions["muniment.holdings"]
    return holdings


CHUNKED = b"".join(b"%x\r\n%b\r\n" % (len(DATA[i : i + 1000]), DATA[i : i + 1000]) for i in range(0, len(DATA), 1000))


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (DATA, ""),
        (CHUNKED + b"0\r\n\r\n", "Transfer-Encoding: chunked\r\n"),
        (gzip.compress(DATA), "Content-Encoding: gzip\r\n"),
        (DATA, "Content-Encoding: gzip\r\n"),
    ],
    ids=["plain", "chunked", "gzip", "not gzip after all"],
)
@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("0-", 0, 255_999),
        ("100-199", 100, 199),
        ("70000-70009", 70_000, 70_009),
        ("-10", 255_990, 255_999),
        ("255999-", 255_999, 255_999),
    ],
)
def test_a_range_is_of_what_a_browser_sees(
    reader: Reader, body: bytes, headers: str, asked: str, first: int, last: int
) -> None:
    answer = reader(video(body, headers=headers)).get(f"{AT}oe_/{VIDEO}", headers={"Range": f"bytes={asked}"})
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/256000"
    assert answer.headers["Content-Length"] == str(last - first + 1)
    assert answer.data == DATA[first : last + 1]


@pytest.mark.parametrize("asked", ["bytes=0-1,5-9", "items=1-2", "bytes=9-1", "x"])
def test_ranges_that_mean_nothing_or_several_get_everything(reader: Reader, asked: str) -> None:
    answer = reader(video()).get(f"{AT}oe_/{VIDEO}", headers={"Range": asked})
    assert (answer.status_code, answer.data) == (200, DATA)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Length"] == "256000"


def test_a_range_past_the_end_is_told_the_length(reader: Reader) -> None:
    answer = reader(video()).get(f"{AT}oe_/{VIDEO}", headers={"Range": "bytes=256000-"})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */256000")


def test_a_range_of_something_else_gets_everything(reader: Reader) -> None:
    client = reader(video())
    tag = client.get(f"{AT}oe_/{VIDEO}").headers["ETag"]
    for condition, status in ((tag, 206), ('"another"', 200), ("Wed, 10 Aug 2016 20:46:23 GMT", 200)):
        answer = client.get(f"{AT}oe_/{VIDEO}", headers={"Range": "bytes=0-9", "If-Range": condition})
        assert answer.status_code == status


def test_exact_bytes_have_ranges_of_their_own(reader: Reader) -> None:
    packed = gzip.compress(DATA)
    client = reader(video(packed, headers="Content-Encoding: gzip\r\n"))
    answer = client.get(f"{AT}id_/{VIDEO}", headers={"Range": "bytes=3-9"})
    assert (answer.status_code, answer.data) == (206, packed[3:10])
    assert answer.headers["Content-Range"] == f"bytes 3-9/{len(packed)}"


def test_an_archived_part_that_is_the_whole_is_the_whole(reader: Reader) -> None:
    client = reader(video(status="206 Partial Content", headers="Content-Range: bytes 0-255999/256000\r\n"))
    answer = client.get(f"{AT}oe_/{VIDEO}")
    assert (answer.status_code, answer.data) == (200, DATA)
    assert "Content-Range" not in answer.headers
    answer = client.get(f"{AT}oe_/{VIDEO}", headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.data) == (206, DATA[10:20])


def test_archived_parts_answer_for_what_they_hold(reader: Reader) -> None:
    parts = [
        video(DATA[at : at + 1000], status="206 Partial Content", moment=MOMENT.replace(second=at // 1000),
              headers=f"Content-Range: bytes {at}-{at + 999}/256000\r\n")
        for at in (0, 5000)
    ]  # fmt: skip
    client = reader(*parts)
    for asked, first, last in (("10-19", 10, 19), ("5000-", 5000, 5999), ("5990-9999", 5990, 5999)):
        answer = client.get(f"/unesco/2016oe_/{VIDEO}", headers={"Range": f"bytes={asked}"}, follow_redirects=True)
        assert (answer.status_code, answer.data) == (206, DATA[first : last + 1])
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/256000"
    answer = client.get(f"/unesco/2016oe_/{VIDEO}", headers={"Range": "bytes=90000-"}, follow_redirects=True)
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */256000")


# -- statuses, damage ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("archived", "status"), [("101 Switching", 502), ("401 No", 403), ("407 No", 403), ("999 No", 999)])
@pytest.mark.parametrize("modifier", ["", "id_"])
def test_statuses_that_browsers_act_on_are_shown_under_another(
    reader: Reader, archived: str, status: int, modifier: str
) -> None:
    client = reader(response_record("http://e.org/", MOMENT, b"<p>no", status=archived))
    answer = client.get(f"{AT}{modifier}/http://e.org/")
    assert answer.status_code == status
    assert answer.headers.get("X-Archive-Orig-Status", str(status)) == archived[:3]


@pytest.fixture
def reader_of_damaged(reader: Reader, tmp_path: Path) -> Callable[[bytes, bytes], FlaskClient]:
    """A reader whose first record was damaged after it was indexed."""

    def make(record: bytes, *others: bytes) -> FlaskClient:
        client = reader(record, *others)
        store = held(client).store
        (file,) = store.root.glob("*.gz")
        data = bytearray(file.read_bytes())
        middle = len(record) // 2
        data[middle : middle + 40] = bytes(40)
        file.write_bytes(data)
        return client

    return make


NOISE = "".join(chr(33 + (i * i * 31 + i // 7) % 90) for i in range(200_000)).replace("<", "").encode()


def test_another_capture_stands_in_for_a_damaged_one(reader_of_damaged: Callable[..., FlaskClient]) -> None:
    page = "http://e.org/"
    client = reader_of_damaged(
        response_record(page, MOMENT, NOISE), response_record(page, MOMENT.replace(year=2017), b"<p>later")
    )
    answer = client.get(f"{AT}/{page}", follow_redirects=True)
    assert answer.status_code == 200
    assert b"<p>later" in answer.data


@pytest.mark.parametrize("modifier", ["", "if_", "id_", "oe_"])
def test_damage_without_another_capture_is_no_crash(reader_of_damaged: Callable[..., FlaskClient], modifier: str) -> None:
    client = reader_of_damaged(response_record("http://e.org/", MOMENT, NOISE))
    answer = client.get(f"{AT}{modifier}/http://e.org/")
    assert answer.status_code in (200, 404)  # what came before the damage, or nothing
    assert b"Traceback" not in answer.data


def test_header_fields_with_line_ends_in_them_are_one_field(reader: Reader) -> None:
    record = response_record("http://e.org/", MOMENT, b"", status="302 Found", headers="Location: /a\rSet-Cookie: b=c\r\n")
    client = reader(record)
    for modifier in ("", "id_"):
        answer = client.get(f"{AT}{modifier}/http://e.org/")
        assert answer.status_code == 302
        assert "Set-Cookie" not in answer.headers


def test_a_resource_keeps_its_charset(reader: Reader) -> None:
    body = "é".encode("windows-1251", "replace") + "Привет".encode("windows-1251")
    head = (
        "WARC/1.0\r\nWARC-Type: resource\r\nWARC-Target-URI: http://e.org/t\r\nWARC-Date: 2016-08-10T20:46:23Z\r\n"
        "WARC-Record-ID: <urn:uuid:1>\r\nContent-Type: text/html; charset=windows-1251\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    answer = reader(gzip.compress(head.encode() + body + b"\r\n\r\n")).get(f"{AT}if_/http://e.org/t")
    assert answer.content_type == "text/html; charset=windows-1251"
    assert "Привет" in answer.data.decode("windows-1251")


# -- the cache -------------------------------------------------------------------------------------------------------

PAGE = b"<!doctype html><html><head><title>t</title></head><body><h1>one</h1><a href=/x>x</a></body></html>"


@pytest.mark.parametrize(
    ("body", "headers", "modifier"),
    [
        (PAGE, "Content-Type: text/html\r\n", ""),
        (PAGE, "Content-Type: text/html\r\n", "if_"),
        (PAGE.decode().encode("utf-16-le"), "Content-Type: text/html; charset=utf-16le\r\n", ""),
        (PAGE.replace(b"<!doctype html><html>", b'<html xmlns="http://www.w3.org/1999/xhtml">').replace(b"/x", b"'/x'"),
         "Content-Type: application/xhtml+xml\r\n", ""),
        (b"top.x = location", "Content-Type: text/javascript\r\n", "js_"),
        (b"a{b:url(/c)}", "Content-Type: text/css\r\n", "cs_"),
    ],
)  # fmt: skip
def test_kept_answers_are_the_ones_that_were_made(reader: Reader, body: bytes, headers: str, modifier: str) -> None:
    client = reader(response_record("http://e.org/", MOMENT, body, headers=headers))
    first = client.get(f"{AT}{modifier}/http://e.org/")
    (file,) = held(client).store.root.glob("*.gz")
    file.unlink()  # what comes now was kept
    again = client.get(f"{AT}{modifier}/http://e.org/")
    assert (again.status_code, again.data, list(again.headers)) == (200, first.data, list(first.headers))
    assert b"muniment-banner" in first.data.replace(b"\0", b"") or modifier


A_DAY = "max-age=86400, immutable"


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        (f"{AT}oe_/{VIDEO}", A_DAY),
        (f"{AT}id_/{VIDEO}", A_DAY),
        (f"{AT}id_/http://e.org/s.js", A_DAY),
        (f"{AT}/{VIDEO}", "no-cache"),  # as a page it may have a banner
        (f"{AT}im_/http://e.org/gone.png", "no-cache"),  # a later import may have it
        (f"{AT}js_/http://e.org/s.js", "no-cache"),  # the next version may rewrite it in another way
        (f"{AT}if_/http://e.org/", "no-cache"),
        (f"/all/20160810204623oe_/{VIDEO}", "no-cache"),  # another collection may have it, or this one be hidden
        (f"{AT}oe_/https://e.org/v.mp4", "no-cache"),
    ],
)
@pytest.mark.parametrize("visibility", [Visibility.PUBLIC, Visibility.UNLISTED])
def test_only_what_rules_alone_could_change_is_kept_without_asking(
    reader: Reader, address: str, kept: str, visibility: Visibility
) -> None:
    client = reader(
        video(),
        response_record("http://e.org/gone.png", MOMENT, b"", status="404 Not Found", headers="Content-Type: image/png\r\n"),
        response_record("http://e.org/s.js", MOMENT, b"top.x = location", headers="Content-Type: text/javascript\r\n"),
        response_record("http://e.org/", MOMENT, PAGE),
        visibility=visibility,
    )
    if visibility is Visibility.UNLISTED:
        if address.startswith("/all/"):
            return
        kept = f"private, {kept}"
    elif kept == A_DAY:
        kept = f"{kept}, s-maxage=0"  # rules of access may come: what serves several readers has to ask
    for _ in range(2):
        answer = client.get(address)
        assert answer.headers["Cache-Control"] == kept
        again = client.get(address, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.headers["Cache-Control"]) == (304, kept)
    part = client.get(address, headers={"Range": "bytes=0-1"})
    assert part.headers["Cache-Control"] == kept


def test_a_script_without_a_time_is_led_to_its_newest_capture(reader: Reader) -> None:
    client = reader(response_record("http://e.org/x.js", MOMENT, b"top.x", headers="Content-Type: text/javascript\r\n"))
    path, seen = "/unesco/http://e.org/x.js", []
    while (answer := client.get(path, headers={"Sec-Fetch-Dest": "script"})).status_code == 302:
        assert path not in seen
        seen.append(path)
        path = answer.headers["Location"]
    assert (answer.status_code, path) == (200, f"{AT}esm_/http://e.org/x.js")


def test_the_cache_can_be_switched_off(reader: Reader) -> None:
    client = reader(response_record("http://e.org/", MOMENT, PAGE), rewrite_cache_bytes=0)
    assert client.get(f"{AT}/http://e.org/").status_code == 200
    (file,) = held(client).store.root.glob("*.gz")
    file.unlink()
    assert client.get(f"{AT}/http://e.org/").status_code == 404


def test_what_was_kept_of_a_collection_that_is_private_now_is_not_shown(reader: Reader) -> None:
    client = reader(response_record("http://e.org/", MOMENT, PAGE))
    for path in (f"{AT}/http://e.org/", "/all/20160810204623/http://e.org/"):
        assert client.get(path).status_code == 200
    held(client).collections.update("unesco", visibility=Visibility.PRIVATE)
    for path in (f"{AT}/http://e.org/", "/all/20160810204623/http://e.org/"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize(("modifier", "kind"), [("if_", "text/html"), ("im_", "image/png"), ("", "text/html")])
def test_what_was_kept_of_a_revisit_is_not_shown_when_its_payload_is_private_now(
    reader: Reader, tmp_path: Path, modifier: str, kind: str
) -> None:
    headers = f"Content-Type: {kind}\r\n"
    client = reader(revisit_record("http://e.org/copy", MOMENT.replace(year=2017), "http://e.org/", MOMENT, headers=headers))
    held(client).collections.create("second")
    path = tmp_path / "second.warc.gz"
    path.write_bytes(response_record("http://e.org/", MOMENT, PAGE, headers=headers))
    import_file(path, collection="second", store=held(client).store, index=held(client).index)
    address = f"/all/20170810204623{modifier}/http://e.org/copy"
    for _ in range(2):
        assert b"<h1>one" in client.get(address).data
    held(client).collections.update("second", visibility=Visibility.PRIVATE)
    answer = client.get(address)
    assert (answer.status_code, b"<h1>one" in answer.data) == (404, False)


def test_the_banner_over_a_kept_page_says_what_is_true_now(reader: Reader, tmp_path: Path) -> None:
    page = PAGE.replace(b"<h1>", b"<video src=/v.mp4></video><h1>")
    client = reader(response_record("http://e.org/", MOMENT, page))
    first = client.get(f"{AT}/http://e.org/")
    assert b"v.mp4</bdi>" not in first.data
    path = tmp_path / "more.warc.gz"
    path.write_bytes(video())
    import_file(path, collection="unesco", store=held(client).store, index=held(client).index)
    held(client).collections.update("unesco", title="Other title")
    second = client.get(f"{AT}/http://e.org/", headers={"If-None-Match": first.headers["ETag"]})
    assert second.status_code == 200
    assert b"Other title" in second.data
    assert b"v.mp4</bdi>" in second.data


def test_a_long_page_is_rewritten_as_it_goes(reader: Reader) -> None:
    page = PAGE + b"<p><a href=/y>y</a>" * 200_000
    client = reader(response_record("http://e.org/", MOMENT, page))
    answer = client.get(f"{AT}/http://e.org/")
    assert b"muniment-banner" in answer.data
    assert answer.data.count(b"/unesco/20160810204623/http://e.org/%2E/y") == 200_000


def test_a_bomb_is_a_long_page(reader: Reader) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(PAGE) + b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    headers = "Content-Type: text/html\r\nContent-Encoding: gzip\r\n"
    client = reader(response_record("http://e.org/", MOMENT, bomb, headers=headers))
    size = 0
    with client.application.test_client().get(f"{AT}/http://e.org/") as answer:
        for piece in answer.response:
            size += len(piece)
            if size > 4 << 20:
                break
    assert size > 4 << 20


@pytest.mark.parametrize(("method", "expected"), [("GET", [DATA[:1000]]), ("HEAD", [])])
def test_a_small_answer_goes_to_the_server_in_one_piece(reader: Reader, method: str, expected: list[bytes]) -> None:
    app = reader(video(DATA[:1000])).application
    statuses: list[str] = []
    answer = app(create_environ(f"{AT}oe_/{VIDEO}", method=method), lambda status, *_: statuses.append(status))
    assert list(answer) == expected
    assert isinstance(answer, list) or not expected  # servers pass on a list as a whole, and anything else piece by piece
    assert statuses == ["200 OK"]
