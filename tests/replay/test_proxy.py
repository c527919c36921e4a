"""Replay through an HTTP proxy: what programs and browsers get, whatever they send."""

from __future__ import annotations

import gzip
import http.client
import socket
import ssl
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import brotli
import pytest
import requests
from cryptography import x509

from archiver.errors import StorageFailed
from archiver.holdings import Holdings, utc_now
from archiver.model import Visibility
from archiver.warc.importer import import_file
from replay.proxy import server
from replay.proxy.authority import open_authority
from replay.proxy.choice import Choice
from replay.proxy.connection import Limits
from replay.proxy.server import ProxyServer
from replay.proxy.service import Service
from tests.servers.warcs import request_record, response_record

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
STAMP = "20160810204623"
PAGE = "http://e.org/"
HTML = b"<!doctype html><script src=//e.org/a.js></script><p>one"
HOME = "http://muniment.proxy/"


@dataclass
class Proxy:
    """A proxy that runs."""

    holdings: Holdings
    port: int
    ca: str

    def session(self, user: str = "") -> requests.Session:
        session = requests.Session()
        login = f"{requests.utils.quote(user, safe='')}:x@" if user else ""
        session.proxies = dict.fromkeys(("http", "https"), f"http://{login}127.0.0.1:{self.port}")
        session.verify = self.ca
        session.trust_env = False
        session.headers.clear()
        return session

    def get(self, url: str, user: str = "", **fields: str) -> requests.Response:
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        with self.session(user) as session:
            return session.get(url, headers=headers, allow_redirects=False, timeout=20)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def say(self, *said: bytes) -> bytes:
        """All that comes until the proxy closes the connection."""
        with self.connect() as channel:
            for data in said:
                channel.sendall(data)
            return read_all(channel)

    def tunnel(self, target: str) -> socket.socket:
        channel = self.connect()
        channel.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        assert channel.recv(1000).startswith(b"HTTP/1.1 200 ")
        return channel

    def tls(self, target: str, name: str | None) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=self.ca)
        context.check_hostname = name is not None
        return context.wrap_socket(self.tunnel(target), server_hostname=name)


def read_all(channel: socket.socket) -> bytes:
    return b"".join(iter(lambda: channel.recv(65536), b""))


Make = Callable[..., Proxy]


@pytest.fixture
def proxy(holdings_with: Callable[..., Holdings], tmp_path: Path) -> Iterator[Make]:
    """Runs a proxy over records in the collection “unesco”."""
    with ExitStack() as stack:

        def make(*records: bytes, default: Choice | None = Choice("all"), limits: Limits | None = None) -> Proxy:  # noqa: B008
            holdings = holdings_with()
            holdings.collections.create("unesco", title="UNESCO")
            path = tmp_path / "records.warc.gz"
            path.write_bytes(b"".join(records))
            import_file(path, collection="unesco", store=holdings.store, index=holdings.index)
            authority = open_authority(holdings.settings.archive, utc_now)
            running = stack.enter_context(ProxyServer("127.0.0.1", 0, Service(holdings, authority, default), limits))
            Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
            stack.callback(running.shutdown)
            return Proxy(holdings, running.server_address[1], str(holdings.settings.archive / "proxy" / "ca.pem"))

        yield make


def page(body: bytes = HTML, headers: str = "", *, url: str = PAGE, status: str = "200 OK", year: int = 2016) -> bytes:
    head = f"Content-Type: text/html\r\n{headers}"
    return response_record(url, MOMENT.replace(year=year), body, status=status, headers=head)


# -- as captured -----------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    "site",
    ["e.org", "e.org:8443", "xn--bcher-kva.example", "a_b.e.org", "192.0.2.7", "192.0.2.7:444", "[2001:db8::7]"],
)
def test_https_is_verified_for_every_host(proxy: Make, site: str) -> None:
    url = f"https://{site}/x?a=1"
    running = proxy(page(url=url))
    with running.session() as session:
        for _ in range(2):
            assert session.get(url, timeout=20).content == HTML
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(url, proxies=session.proxies, timeout=20)  # who does not trust the authority


def test_a_certificate_names_one_host(proxy: Make) -> None:
    with proxy().tls("a.e.org:443", "a.e.org") as channel:
        certificate = x509.load_der_x509_certificate(channel.getpeercert(binary_form=True) or b"")
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.e.org"]
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days < 398


@pytest.mark.parametrize(
    ("name", "expected"), [(None, "e.org"), ("other.example", "other.example"), ("E.org", "e.org")],
)  # fmt: skip
def test_a_client_that_names_no_server_gets_the_one_it_connected_to(proxy: Make, name: str | None, expected: str) -> None:
    with proxy(page()).tls("e.org:443", name) as channel:
        certificate = x509.load_der_x509_certificate(channel.getpeercert(binary_form=True) or b"")
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == [expected]
        channel.sendall(b"GET / HTTP/1.1\r\nHost: e.org\r\nConnection: close\r\n\r\n")
        assert read_all(channel).endswith(HTML)


def test_a_tunnel_may_lead_to_plain_http(proxy: Make) -> None:
    with proxy(page(url="http://e.org:8080/")).tunnel("e.org:8080") as channel:
        channel.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert read_all(channel).endswith(HTML)


PACKED = gzip.compress(HTML)


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
        ({"Sec_Fetch_Dest": "image"}, "image/gif", b"GIF89a"),
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


# -- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET ftp://e.org/ HTTP/1.1\r\nHost: e.org\r\n\r\n", 400),
        (b"GET http:///x HTTP/1.1\r\nHost: e.org\r\n\r\n", 400),
        (b"GET http://[::1/ HTTP/1.0\r\n\r\n", 404),
        (b"GET / HTTP/1.1\r\nHost: [\r\n\r\nGET x HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (b"OPTIONS * HTTP/1.1\r\nHost: e.org\r\n\r\n", 400),
        (b"GET http://e.org/ HTTP/1.1\r\n\r\n", 400),
        (b"GET http://e.org/ HTTP/1.1\r\nHost: e.org\r\nX: " + b"x" * 200_000, 431),
        (b"GET http://e.org/" + b"x" * 200_000, 431),
        (b"POST http://e.org/ HTTP/1.1\r\nHost: e.org\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST http://e.org/ HTTP/1.1\r\nHost: e.org\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST http://e.org/ HTTP/1.0\r\nContent-Length: 99999999999\r\n\r\n" + bytes(65 * 1024 * 1024), 413),
        (b"CONNECT e.org HTTP/1.1\r\nHost: e.org\r\n\r\n", 400),
        (b"CONNECT *.e.org:443 HTTP/1.1\r\nHost: e.org\r\n\r\n", 400),
        (b"CONNECT e.org:443:443 HTTP/1.1\r\nHost: e.org\r\n\r\n", 400),
        (b"CONNECT [::x]:443 HTTP/1.1\r\nHost: e.org\r\n\r\n", 400),
        (b"CONNECT " + b"a" * 250 + b":443 HTTP/1.1\r\nHost: e.org\r\n\r\n", 400),
        (b"CONNECT e.org:443 HTTP/1.1\r\nHost: e.org\r\n\r\n\x16\x03\x01 too early", 200),
    ],
)
def test_garbage_is_refused_and_the_proxy_goes_on(proxy: Make, said: bytes, status: int) -> None:
    running = proxy(page())
    answer = running.say(said)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"Traceback" not in answer
    assert running.get(PAGE).content == HTML


def test_several_requests_use_one_connection(proxy: Make) -> None:
    running = proxy(page())
    asked = b"GET http://e.org/ HTTP/1.1\r\nHost: e.org\r\n"
    answer = running.say(asked + b"\r\n" + asked + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.count(HTML) == 2
    assert running.say(b"GET http://e.org/ HTTP/1.0\r\n\r\n").endswith(HTML)


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (b"", b""),
        (b"GET http://e.org/ HTTP/1.1\r\nHost: e", b"HTTP/1.1 408 "),
        (b"POST http://e.org/ HTTP/1.1\r\nHost: e.org\r\nContent-Length: 5\r\n\r\nab", b"HTTP/1.1 408 "),
        (b"CONNECT e.org:443 HTTP/1.1\r\nHost: e.org\r\n\r\n", b"HTTP/1.1 200 "),
    ],
)
def test_who_says_nothing_more_is_not_waited_for(proxy: Make, said: bytes, heard: bytes) -> None:
    running = proxy(page(), limits=Limits(idle=0.2, request=0.2, answer=5))
    answer = running.say(said)
    assert answer.startswith(heard) and bool(answer) == bool(heard)


def test_who_begins_tls_and_says_nothing_more_is_not_waited_for(proxy: Make) -> None:
    running = proxy(page(), limits=Limits(idle=5, request=0.2, answer=5))
    with running.tunnel("e.org:443") as channel:
        channel.sendall(b"\x16\x03\x01\x02\x00")
        assert read_all(channel) == b""


def test_drops_do_not_prolong_a_request(proxy: Make) -> None:
    running = proxy(page(), limits=Limits(idle=5, request=0.3, answer=5))
    with running.connect() as channel:
        channel.settimeout(0.05)
        heard = b""
        for letter in b"GET http://e.org/" + b"x" * 1000:
            channel.sendall(bytes([letter]))
            try:
                heard = channel.recv(1000)
                break
            except TimeoutError:
                continue
    assert heard.startswith(b"HTTP/1.1 408 ")


def test_a_client_that_goes_away_costs_nothing(proxy: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_MOST_CONNECTIONS", 1)
    running = proxy(page(b"x" * 20_000_000), page(url="http://e.org/small"), limits=Limits(idle=1, request=1, answer=1))
    asked = b"GET http://e.org/ HTTP/1.1\r\nHost: e.org\r\n\r\n"
    for said in (b"GET http://e.or", b"CONNECT e.org:443 HTTP/1.1\r\n", asked):
        with running.connect() as channel:
            channel.sendall(said)
    with running.connect() as channel:
        channel.sendall(asked)
        assert channel.recv(1000)  # and no more
    with running.connect() as staller:  # takes nothing, and does not go
        staller.sendall(asked)
        assert running.get("http://e.org/small").content == HTML


def test_an_answer_that_breaks_off_does_not_look_whole(proxy: Make) -> None:
    noise = b"".join(b"%d " % (number * number) for number in range(100_000))
    record = page(noise)
    running = proxy(record)
    (file,) = running.holdings.store.root.glob("*.gz")
    data = bytearray(file.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    file.write_bytes(data)
    with pytest.raises(requests.exceptions.RequestException):
        running.get(PAGE)


CONNECTED: list[object] = []
sys.addaudithook(lambda event, args: CONNECTED.append(args) if event in ("socket.connect", "socket.getaddrinfo") else None)


def test_the_proxy_itself_connects_to_nothing(proxy: Make) -> None:
    running = proxy(page(b"<img src=http://live.example/x>"))
    asked = [PAGE, "https://e.org/", "http://127.0.0.1:1/x", "https://127.0.0.1:1/x", "http://live.example/x", HOME]
    channels = [running.connect() for _ in asked]
    CONNECTED.clear()
    for channel, url in zip(channels, asked, strict=True):
        site = url.split("/")[2]
        if url.startswith("https"):
            channel.sendall(f"CONNECT {site if ':' in site else site + ':443'} HTTP/1.1\r\nHost: {site}\r\n\r\n".encode())
            assert b" 200 " in channel.recv(1000)
            context = ssl.create_default_context(cafile=running.ca)
            channel = context.wrap_socket(channel, server_hostname=site.partition(":")[0])
        channel.sendall(f"GET {url} HTTP/1.1\r\nHost: {site}\r\nConnection: close\r\n\r\n".encode())
        assert read_all(channel).startswith(b"HTTP/1.1 404 " if "/x" in url else b"HTTP/1.1 200 ")
        channel.close()
    assert CONNECTED == []


# -- the authority ---------------------------------------------------------------------------------------------------


def test_the_authority_is_made_once_and_its_key_is_ones_own(tmp_path: Path) -> None:
    first = open_authority(tmp_path, utc_now)
    assert open_authority(tmp_path, utc_now).der == first.der
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "proxy").iterdir()} == {
        "ca.key": 0o600,
        "ca.pem": 0o644,
    }
    assert (tmp_path / "proxy").stat().st_mode & 0o777 == 0o700
    assert first.fingerprint.count(":") == 31


def test_many_hosts_are_not_all_remembered(tmp_path: Path) -> None:
    authority = open_authority(tmp_path, utc_now)
    first = authority.context("h0.example")
    assert authority.context("H0.example.") is first
    for number in range(1, 300):
        authority.context(f"h{number}.example")
    assert authority.context("h0.example") is not first


@pytest.mark.parametrize("file", ["ca.key", "ca.pem"])
@pytest.mark.parametrize("damage", [b"", b"garbage", "of another"])
def test_a_damaged_authority_is_told_in_a_sentence(tmp_path: Path, file: str, damage: bytes | str) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        open_authority(tmp_path / name, utc_now)
    found = (tmp_path / "b" / "proxy" / file).read_bytes() if isinstance(damage, str) else damage
    (tmp_path / "a" / "proxy" / file).write_bytes(found)
    with pytest.raises(StorageFailed, match="Remove the folder"):
        open_authority(tmp_path / "a", utc_now)


def test_an_authority_whose_time_is_over_is_told(tmp_path: Path) -> None:
    open_authority(tmp_path, lambda: datetime(2001, 1, 1, tzinfo=UTC))
    with pytest.raises(StorageFailed, match="time"):
        open_authority(tmp_path, utc_now)
