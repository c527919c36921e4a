"""Replay through an HTTP proxy: what is archived comes as it was captured, of the collection and time that were chosen."""

from __future__ import annotations

import gzip
import http.client
import zlib
from pathlib import Path

import brotli
import pytest
import requests
from cryptography import x509

from archiver.model import Visibility
from tests.servers.proxied import HTML, MOMENT, PAGE, Make, page
from tests.servers.warcs import request_record, response_record, revisit_record

HOME = "http://muniment.proxy/"


def test_a_page_comes_as_it_was_captured(proxy: Make) -> None:
    record = page(
        headers="X-ODD:  two  words\r\nx-Odd: again\r\nServer: Old/1\r\nLink: </a>; rel=next\r\n", status="200 Fine, thanks"
    )
    answer = proxy(record).get(PAGE)
    assert (answer.status_code, answer.reason, answer.content) == (200, "Fine, thanks", HTML)
    assert answer.headers["x-odd"] == "two  words, again"
    assert answer.headers["Server"] == "Old/1"
    assert answer.headers["Memento-Datetime"] == "Wed, 10 Aug 2016 20:46:23 GMT"
    assert answer.headers["Link"] == '</a>; rel=next, <http://e.org/>; rel="original"'
    assert "accept-datetime" in answer.headers["Vary"].lower()
    assert "Content-Location" not in answer.headers


PACKED = gzip.compress(HTML, mtime=0)  # the same in each process of the tests, which are named after it


@pytest.mark.parametrize(
    ("body", "coding", "accepted", "is_raw"),
    [
        (PACKED, "gzip", "gzip, deflate", True),
        (PACKED, "x-gzip", "gzip", True),
        (PACKED, "gzip", "br;q=1, gzip;q=0.5", True),
        (PACKED, "gzip", "gzip;q=0, br", False),
        (PACKED, "gzip", "", False),
        (HTML, "gzip", "gzip", False),
        (brotli.compress(HTML), "br", "br", True),
        (brotli.compress(HTML), "br", "gzip", False),
        (HTML, "br", "br", False),
        (zlib.compress(PACKED), "gzip, deflate", "gzip, deflate", True),
        (zlib.compress(PACKED), "gzip, deflate", "deflate", False),
    ],
)
def test_codings_stay_when_they_are_true_and_the_client_knows_them(
    proxy: Make, body: bytes, coding: str, accepted: str, is_raw: bool
) -> None:
    chunked = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[:9], body[9:])) + b"0\r\n\r\n"
    running = proxy(page(chunked, f"Content-Encoding: {coding}\r\nTransfer-Encoding: chunked\r\n"))
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
    connection.request("GET", PAGE, headers={"Accept-Encoding": accepted})
    answer = connection.getresponse()
    assert answer.getheader("Content-Encoding") == (coding if is_raw else None)
    assert answer.read() == (body if is_raw else HTML)
    connection.close()


@pytest.mark.parametrize("first", ["", "Content-Encoding: gzip\r\n"])
@pytest.mark.parametrize("second", ["", "Content-Encoding: gzip\r\n", "Content-Encoding: br\r\n"])
@pytest.mark.parametrize("accepted", ["gzip, br", "identity"])
def test_a_repeated_payload_is_readable_whatever_its_two_heads_say(proxy: Make, first: str, second: str, accepted: str) -> None:
    later = MOMENT.replace(year=2017)
    running = proxy(page(PACKED if first else HTML, first), revisit_record(f"{PAGE}copy", later, PAGE, MOMENT, headers=second))
    answer = running.get(f"{PAGE}copy", Accept_Encoding=accepted)
    assert answer.content == HTML
    assert answer.headers["Memento-Datetime"] == "Thu, 10 Aug 2017 20:46:23 GMT"


@pytest.mark.parametrize("coding", ["", "gzip"])
@pytest.mark.parametrize(
    ("asked", "status", "content", "extent"),
    [
        ("bytes=0-1", 206, HTML[:2], f"bytes 0-1/{len(HTML)}"),
        ("bytes=-3", 206, b"one", f"bytes {len(HTML) - 3}-{len(HTML) - 1}/{len(HTML)}"),
        ("bytes=9999-", 416, b"", f"bytes */{len(HTML)}"),
        ("lines=1-2", 200, HTML, None),
    ],
)
def test_ranges_are_of_the_decoded_payload(
    proxy: Make, coding: str, asked: str, status: int, content: bytes, extent: str | None
) -> None:
    record = page(PACKED, "Content-Encoding: gzip\r\n") if coding else page()
    answer = proxy(record).get(PAGE, Range=asked, Accept_Encoding=coding or "identity")
    assert (answer.status_code, answer.content, answer.headers.get("Content-Range")) == (status, content, extent)


def test_what_a_client_has_is_not_sent_again(proxy: Make) -> None:
    running = proxy(page(headers='ETag: "theirs"\r\nCache-Control: max-age=9\r\n'), page(b"later", year=2018))
    first = running.get(PAGE, "unesco@2016")
    assert first.headers["X-Archive-Orig-ETag"] == '"theirs"'
    assert first.headers["Cache-Control"] == "no-cache"
    tag = first.headers["ETag"]
    assert running.get(PAGE, "unesco@2016", If_None_Match=f'"x", {tag}').status_code == 304
    assert running.get(PAGE, "unesco@2018", If_None_Match=tag).content == b"later"
    assert running.get(PAGE, "unesco@2016", Range="bytes=0-0", If_Range=tag).content == HTML[:1]
    assert running.get(PAGE, "unesco@2018", Range="bytes=0-0", If_Range=tag).content == b"later"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Set-Cookie", "a=b"), ("Strict-Transport-Security", "max-age=99999999"), ("Alt-Svc", 'h3=":443"'),
        ("Clear-Site-Data", '"*"'), ("NEL", "{}"), ("Report-To", "{}"), ("WWW-Authenticate", "Basic"),
        ("Proxy-Authenticate", "Basic"), ("Expires", "0"), ("Memento-Datetime", "Wed, 10 Aug 2011 20:46:23 GMT"),
        ("Content-Location", "/other"),
    ],
)  # fmt: skip
def test_fields_that_outlive_the_visit_have_another_name(proxy: Make, name: str, value: str) -> None:
    answer = proxy(page(headers=f"{name}: {value}\r\n")).get(PAGE)
    assert answer.headers.get(name) != value
    assert answer.headers[f"X-Archive-Orig-{name}"] == value


def test_what_belonged_to_the_old_connection_is_gone(proxy: Make) -> None:
    odd = "Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nUpgrade: h2c\r\nTrailer: X\r\nbad name: 1\r\nContent-Length: 3\r\n"
    answer = proxy(page(headers=f"{odd}X-CR: a\rSet-Cookie: b=c\r\n")).get(PAGE)
    assert answer.content == HTML
    assert answer.headers["X-CR"] == "a Set-Cookie: b=c"
    for name in ("Connection", "X-Hop", "Keep-Alive", "Upgrade", "Trailer", "bad name", "Set-Cookie"):
        assert name not in answer.headers


@pytest.mark.parametrize(
    ("archived", "status"), [("404 Gone", 404), ("401 No", 401), ("407 No", 403), ("101 Switch", 502), ("999 Odd", 999)]
)
def test_statuses(proxy: Make, archived: str, status: int) -> None:
    answer = proxy(page(status=archived)).get(PAGE)
    assert (answer.status_code, answer.content) == (status, HTML)
    assert answer.headers.get("X-Archive-Orig-Status", str(status)) == archived[:3]


def test_redirects_lead_where_they_led_and_never_in_a_circle(proxy: Make) -> None:
    circle = page(b"", "Location: https://www.e.org/\r\n", status="301 Moved")
    running = proxy(circle, page(year=2017), page(b"", "Location: /ü\r\n", url="http://e.org/a", status="302 Found"))
    assert running.get(PAGE, "unesco@2016").content == HTML
    assert running.get("http://e.org/a").headers["Location"].encode("latin-1") == "/ü".encode()


@pytest.mark.parametrize(("held", "other"), [("/a%2Fb", "/a/b"), ("/Page", "/page"), ("/x?q=1%262", "/x?q=1&2")])
def test_what_is_written_otherwise_is_another_thing(proxy: Make, held: str, other: str) -> None:
    site = "http://e.org"
    running = proxy(page(b"one", url=f"{site}{held}"), page(b"two", url=f"{site}{other}", year=2018))
    for scheme in ("http", "https"):
        assert running.get(f"{scheme}://e.org{held}", "unesco@2018").content == b"one"
        assert running.get(f"{scheme}://e.org{other}", "unesco@2016").content == b"two"


def test_what_is_held_written_otherwise_only_is_there(proxy: Make) -> None:
    with proxy(page(url="http://e.org/Page")).session() as session:
        answer = session.get("http://e.org/page", allow_redirects=False, timeout=20)
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://e.org/Page")


def test_a_good_page_is_better_than_a_nearer_error_of_its_server(proxy: Make) -> None:
    running = proxy(page(b"busy", status="503 Busy"), page(b"good", url="https://e.org/", headers="X: 1\r\n"))
    assert running.get(PAGE, "unesco@2016").content == b"good"


def test_head_post_and_requests_of_other_origins(proxy: Make) -> None:
    json = "application/json"
    running = proxy(
        page(),
        response_record("http://e.org/api", MOMENT, b"got 1"),
        request_record("http://e.org/api", MOMENT, "POST", json, b'{"a":1}'),
    )
    with running.session() as session:
        head = session.head(PAGE, timeout=20)
        assert (head.content, head.headers["Content-Length"]) == (b"", str(len(HTML)))
        sent = {"Content-Type": json, "Origin": "http://other.example", "Expect": "100-continue"}
        assert session.post("http://e.org/api", b'{"a":1}', headers=sent, timeout=20).content == b"got 1"
        assert session.post("http://e.org/api", b'{"a":2}', headers=sent, timeout=20).status_code == 404
        asking = {"Origin": "http://o.example", "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-a"}
        may = session.options("http://e.org/api", headers=asking, timeout=20)
    assert may.status_code == 204
    assert may.headers["Access-Control-Allow-Origin"] == "http://o.example"
    assert may.headers["Access-Control-Allow-Methods"] == "PUT"
    assert may.headers["Access-Control-Allow-Headers"] == "x-a"


def test_parts_of_pages_may_be_nearly_what_was_asked_for_but_pages_not(proxy: Make) -> None:
    running = proxy(page(b"x=1", url="http://e.org/lib.js?_=1470862000123"))
    asked = "http://e.org/lib.js?_=1570862000456"
    answer = running.get(asked, Sec_Fetch_Dest="script")
    assert (answer.content, answer.headers["X-Archive-Match"]) == (b"x=1", "approximate")
    assert running.get(asked, Accept="text/html").status_code == 404
    assert running.get(asked, Sec_Fetch_Dest="document").status_code == 404


@pytest.mark.parametrize(
    ("fields", "kind", "content"),
    [
        ({}, "text/html; charset=utf-8", b"http://e.org/no"),
        ({"Accept_Language": "fr"}, "text/html; charset=utf-8", b"Absente des archives"),
        ({"Sec_Fetch_Dest": "script"}, "text/javascript", b"not archived"),
        ({"Sec_Fetch_Dest": "image"}, "image/gif", b""),
        ({"Sec_Fetch_Dest": "empty"}, "application/json", b"not archived"),
    ],
)
def test_what_is_not_archived_is_said_in_a_body_of_its_kind(
    proxy: Make, fields: dict[str, str], kind: str, content: bytes
) -> None:
    answer = proxy(page()).get("http://e.org/no", **fields)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, kind)
    assert content in answer.content
    assert "Memento-Datetime" not in answer.headers


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"Upgrade": "websocket", "Connection": "Upgrade"}, 501), ({"Service_Worker": "script"}, 403)],
)
def test_sockets_and_service_workers_are_refused(proxy: Make, fields: dict[str, str], status: int) -> None:
    assert proxy(page()).get(PAGE, **fields).status_code == status


# -- which collection, which time ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "fields", "content"),
    [
        ("", {}, b"2018"),
        ("unesco", {}, b"2018"),
        ("unesco@2016", {}, b"2016"),
        ("@20170101", {}, b"2016"),
        ("all@2019", {}, b"2018"),
        ("unesco@2018", {"Accept_Datetime": "Wed, 10 Aug 2016 20:46:23 GMT"}, b"2016"),
        ("", {"Accept_Datetime": "Sunday, 06-Nov-94 08:49:37 GMT"}, b"2016"),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_user_name_chooses(proxy: Make, scheme: str, user: str, fields: dict[str, str], content: bytes) -> None:
    running = proxy(page(b"2016"), page(b"2018", year=2018))
    assert running.get(f"{scheme}://e.org/", user, **fields).content == content


@pytest.mark.parametrize("user", ["nope", "unesco@x", "unesco@201608102046230", "secret", "../unesco", "@"])
def test_a_name_that_cannot_be_is_asked_for_again(proxy: Make, user: str) -> None:
    running = proxy(page(), default=None)
    running.holdings.collections.create("secret", visibility=Visibility.PRIVATE)
    answer = running.get(PAGE, user)
    assert answer.status_code == 407
    assert answer.headers["Proxy-Authenticate"].startswith("Basic ")
    with pytest.raises(requests.exceptions.ProxyError):
        running.get("https://e.org/", user)


@pytest.mark.parametrize("credentials", ["Basic !!", "Basic", "Bearer x", "Basic //4=", "x"])
def test_credentials_that_say_nothing_are_none(proxy: Make, credentials: str) -> None:
    assert proxy(page()).get(PAGE, Proxy_Authorization=credentials).content == HTML


def test_who_must_choose_is_asked(proxy: Make) -> None:
    running = proxy(page(), default=None)
    assert running.get(PAGE).status_code == 407
    assert running.get(PAGE, "unesco").content == HTML
    assert running.get(f"{HOME}ca.pem").status_code == 200


def test_a_bad_accept_datetime_is_told(proxy: Make) -> None:
    assert proxy(page()).get(PAGE, Accept_Datetime="yesterday").status_code == 400


def test_a_collection_that_becomes_private_is_gone_at_once(proxy: Make) -> None:
    running = proxy(page())
    with running.session() as session:
        assert session.get("https://e.org/", timeout=20).content == HTML
        running.holdings.collections.update("unesco", visibility=Visibility.PRIVATE)
        assert session.get("https://e.org/", timeout=20).status_code == 404
    assert running.get(PAGE, "unesco").status_code == 407


def test_the_page_of_the_proxy_chooses_for_an_address(proxy: Make) -> None:
    running = proxy(page(b"2016"), page(b"2018", year=2018))
    running.holdings.collections.create("secret", visibility=Visibility.PRIVATE)
    with running.session() as session:
        shown = session.get(HOME, timeout=20).text
        assert "unesco" in shown and "secret" not in shown
        form = {"collection": "unesco", "time": "2016"}
        for origin in ("http://e.org", "null", "http://muniment.proxy.e.org"):
            refused = session.post(f"{HOME}choice", form, headers={"Origin": origin}, timeout=20)
            assert refused.status_code == 403
        assert session.post(f"{HOME}choice", form, timeout=20).status_code == 403
        own = {"Origin": "http://muniment.proxy"}
        for bad in ({"collection": "secret"}, {"collection": "unesco", "time": "<b>"}, {}):
            assert session.post(f"{HOME}choice", bad, headers=own, timeout=20).status_code == 400
        assert session.get(PAGE, timeout=20).content == b"2018"
        assert "2016" in session.post(f"{HOME}choice", form, headers=own, timeout=20).text
        assert session.get("https://e.org/", timeout=20).content == b"2016"
    assert running.get(PAGE, "unesco@2018").content == b"2018"


def test_the_page_of_the_proxy_hands_out_the_certificate(proxy: Make) -> None:
    running = proxy()
    pem = running.get(f"{HOME}ca.pem").content
    assert pem == Path(running.ca).read_bytes()
    der = running.get("https://muniment.proxy/ca.der").content
    assert x509.load_der_x509_certificate(der) == x509.load_pem_x509_certificate(pem)
    assert b"PRIVATE" not in pem
    assert running.get(f"{HOME}ca.key").status_code == 404
    direct = requests.get(f"http://127.0.0.1:{running.port}/", timeout=20)
    assert HOME in direct.text and "<form" not in direct.text
    assert "frame-ancestors 'none'" in direct.headers["Content-Security-Policy"]
