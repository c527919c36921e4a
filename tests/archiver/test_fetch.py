"""What is recorded is what crossed the wire, for every way in which servers answer."""

from __future__ import annotations

import gc
import gzip
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from pathlib import Path

import pytest
import trustme

from archiver.fetch.cookies import CrawlCookies
from archiver.fetch.guard import AddressGuard, forbidden_reason
from archiver.fetch.http import FetchLimits, HttpFetcher, failure_of_error, iana_cipher_name
from archiver.fetch.outgoing import host_field
from archiver.fetch.reading import ResponseReader
from archiver.message import MAX_HEAD_BYTES, parse_head
from archiver.model import Exchange, FailureKind, Truncation
from tests.servers.scripted import Act, ScriptedServer, Step


def fetcher(**limits: float) -> HttpFetcher:
    return HttpFetcher(
        user_agent="test/1",
        guard=AddressGuard(allow_private=True),
        limits=FetchLimits(**{"read_timeout": 5.0, **limits}),  # type: ignore[arg-type]
        verify_tls=True,
    )


def heard(exchange: Exchange) -> bytes:
    return exchange.response.read() if exchange.response else b""


def play(*script: Step, **limits: float) -> tuple[Exchange, bytes]:
    with ScriptedServer([script]) as server:
        client = fetcher(**limits)
        exchange = client.fetch(f"http://127.0.0.1:{server.port}/path?q=%20|x")
        body = heard(exchange)
        exchange.close()
        client.close()
    return exchange, body


WHOLE = {
    "chunked with trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
    "gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(gzip.compress(b"hi"))
    + gzip.compress(b"hi"),
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    "close-delimited": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end",
    "order, case, duplicates": b"HTTP/1.1 200 oK\r\nx-B: 1\r\nX-a:  2 \r\nx-b: 3\r\nContent-Length: 0\r\n\r\n",
    "folded": b"HTTP/1.1 200 OK\r\nX-Long: one\r\n\ttwo\r\nContent-Length: 1\r\n\r\nx",
    "non-ASCII": b"HTTP/1.1 200 OK\r\nX-Name: caf\xc3\xa9 \xe9\r\nContent-Length: 1\r\n\r\nx",
    "no colon": b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 1\r\n\r\nx",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 1\n\nx",
    "no reason": b"HTTP/1.1 404\r\nContent-Length: 1\r\n\r\nx",
    "no body": b"HTTP/1.1 204 No Content\r\n\r\n",
    "disagreeing lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 5\r\n\r\nwhole",
    "bad chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\nrest",
}


@pytest.mark.parametrize("reply", WHOLE.values(), ids=WHOLE.keys())
def test_every_byte_of_a_whole_response_is_kept(reply: bytes) -> None:
    exchange, body = play(reply)
    assert body == reply
    assert exchange.failure is None
    assert exchange.truncated is None


@pytest.mark.parametrize("cut", [1, 7])
def test_it_does_not_matter_how_the_bytes_arrive(cut: int) -> None:
    reply = WHOLE["chunked with trailers"]
    exchange, body = play(*(reply[at : at + cut] for at in range(0, len(reply), cut)))
    assert (body, exchange.status) == (reply, 200)


def test_a_body_that_comes_where_none_may_is_not_the_next_answer() -> None:
    empty = b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"
    with ScriptedServer([[empty, Act.NEXT, b"hello"], [WHOLE["bare LF"]]]) as server:
        client = fetcher()
        came = [client.fetch(f"http://127.0.0.1:{server.port}/{number}") for number in range(2)]
        assert [heard(exchange) for exchange in came] == [empty, WHOLE["bare LF"]]
        for exchange in came:
            exchange.close()
        client.close()


def test_interim_responses_are_kept_apart_and_the_final_one_counts() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    exchange, body = play(interim + final)
    assert (exchange.interim, body, exchange.status) == (interim, final, 200)


def test_a_cookie_in_utf_8_goes_back_as_it_came() -> None:
    with ScriptedServer([[WHOLE["no body"]]]) as server:
        client, cookies, url = fetcher(), CrawlCookies(lambda host: host), f"http://127.0.0.1:{server.port}/"
        cookies.learn(url, parse_head("HTTP/1.1 200 OK\r\nSet-Cookie: a=žluť; Path=/\r\n\r\n".encode()))
        exchange = client.fetch(url, headers={"Cookie": cookies.header_for(url) or ""})
        client.close()
    assert exchange.status == 204 and "\r\nCookie: a=žluť\r\n".encode() in server.requests[0]
    exchange.close()


@pytest.mark.parametrize("flood", [b"\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"], ids=["empty lines", "interim responses"])
def test_what_comes_before_a_response_has_an_end(flood: bytes) -> None:
    recording = fetcher(max_bytes=1000).recording(0.0)
    reader = ResponseReader(recording, "GET")
    pieces = [flood * (65536 // len(flood))] * 40
    assert any(reader.feed(piece) for piece in pieces)
    assert recording.truncated is Truncation.LENGTH and recording.length == 1000
    assert len(recording.interim) < 2 * MAX_HEAD_BYTES


def test_the_request_is_recorded_as_sent() -> None:
    with ScriptedServer([[WHOLE["no body"]]]) as server:
        client = fetcher()
        exchange = client.fetch(f"http://127.0.0.1:{server.port}/a%2Fb|?q=%20|x", headers={"Referer": "http://e.org/"})
        client.close()
    assert server.requests == [exchange.request]
    assert exchange.request.startswith(b"GET /a%2Fb|?q=%20|x HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"Referer: http://e.org/\r\n" in exchange.request
    exchange.close()


@pytest.mark.parametrize(
    ("script", "truncated", "kind"),
    [
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"], Truncation.DISCONNECT, FailureKind.CUT_SHORT),
        (
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf"],
            Truncation.DISCONNECT,
            FailureKind.CUT_SHORT,
        ),
        ([b"HTTP/1.1 200 OK\r\nContent-Le"], Truncation.DISCONNECT, FailureKind.CUT_SHORT),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", Act.STALL], Truncation.TIME, FailureKind.TIMEOUT),
    ],
)
def test_what_came_of_a_broken_response_is_kept_and_marked(
    script: list[Step], truncated: Truncation, kind: FailureKind
) -> None:
    exchange, body = play(*script, read_timeout=0.3)
    assert body == script[0]
    assert exchange.truncated is truncated
    assert exchange.failure is not None and exchange.failure.kind is kind


def test_a_server_that_trickles_cannot_outlive_the_time_limit() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    exchange, body = play(head, b"x", Act.STALL, max_seconds=0.4)
    assert body == head + b"x"
    assert exchange.truncated is Truncation.TIME


def test_the_size_limit_cuts_and_says_so() -> None:
    exchange, body = play(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000, max_bytes=100)
    assert len(body) == 100
    assert exchange.truncated is Truncation.LENGTH
    assert exchange.failure is not None and exchange.failure.kind is FailureKind.TOO_LARGE


def test_a_reset_before_any_answer_is_a_failure_without_a_response() -> None:
    exchange, body = play(Act.RESET)
    assert body == b""
    assert exchange.failure is not None and exchange.failure.kind is FailureKind.CONNECTION_RESET


def test_what_is_not_http_is_kept_as_it_is() -> None:
    exchange, body = play(b"SSH-2.0-OpenSSH_9.2\r\n")
    assert body == b"SSH-2.0-OpenSSH_9.2\r\n"
    assert exchange.status is None
    assert exchange.failure is not None and exchange.failure.kind is FailureKind.PROTOCOL


def test_an_idle_connection_that_the_server_closed_is_replaced_silently() -> None:
    one = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none"
    with ScriptedServer([[one], [one]]) as server:
        client = fetcher()
        for _ in range(2):
            exchange = client.fetch(f"http://127.0.0.1:{server.port}/")
            assert heard(exchange) == one
            exchange.close()
        client.close()
    assert server.connections == 2


def test_two_exchanges_on_one_connection_do_not_mix() -> None:
    replies = [b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo"]
    with ScriptedServer([[replies[0], Act.NEXT, replies[1]]]) as server:
        client = fetcher()
        exchanges = [client.fetch(f"http://127.0.0.1:{server.port}/{number}") for number in range(2)]
        assert [heard(exchange) for exchange in exchanges] == replies
        for exchange in exchanges:
            exchange.close()
        client.close()
    assert server.connections == 1
    assert [request.split()[1] for request in server.requests] == [b"/0", b"/1"]


def test_threads_record_their_own_bytes() -> None:
    from tests.servers.routes import Answer, RouteServer

    routes = {f"/{number}": Answer(str(number).encode() * 5000, "text/plain") for number in range(40)}
    with RouteServer(routes) as server, ThreadPoolExecutor(8) as pool:
        client = fetcher()
        exchanges = list(pool.map(lambda path: client.fetch(server.url(path)), routes))
        for path, exchange in zip(routes, exchanges, strict=True):
            assert heard(exchange).endswith(b"\r\n\r\n" + routes[path].body)
            assert exchange.request.startswith(f"GET {path} ".encode())
            exchange.close()
        client.close()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA, tmp_path: Path) -> Iterator[tuple[ssl.SSLContext, str]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    yield context, str(bundle)


def test_kept_alive_tls_is_recorded_inside_the_tls(tls: tuple[ssl.SSLContext, str]) -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none"
    with ScriptedServer([[reply, Act.NEXT, reply]], tls=tls[0]) as server:
        client = HttpFetcher(user_agent="t", guard=AddressGuard(allow_private=True), limits=FetchLimits(), verify_tls=tls[1])
        exchanges = [client.fetch(f"https://127.0.0.1:{server.port}/") for _ in range(2)]
        assert [heard(exchange) for exchange in exchanges] == [reply, reply]
        assert exchanges[1].protocols == ("http/1.1", "tls/1.3")
        assert exchanges[1].cipher_suite is not None and exchanges[1].cipher_suite.startswith("TLS_")
        assert server.connections == 1
        for exchange in exchanges:
            exchange.close()
        client.close()


def test_an_invalid_certificate_is_refused_with_its_reason(tls: tuple[ssl.SSLContext, str]) -> None:
    with ScriptedServer([[b""]], tls=tls[0]) as server:
        client = fetcher()
        exchange = client.fetch(f"https://127.0.0.1:{server.port}/")
        client.close()
    assert exchange.failure is not None and exchange.failure.kind is FailureKind.TLS
    assert "certificate is not valid" in exchange.failure.reason


def test_ipv6() -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nsix"
    with ScriptedServer([[reply]], family=socket.AF_INET6) as server:
        client = fetcher()
        exchange = client.fetch(f"http://[::1]:{server.port}/")
        assert heard(exchange) == reply
        assert exchange.ip_address == "::1"
        assert f"Host: [::1]:{server.port}\r\n".encode() in exchange.request
        exchange.close()
        client.close()
    assert exchange.started_at.tzinfo is UTC


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.31.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "fe80::1",
     "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1", "224.0.0.1"],
)  # fmt: skip
def test_the_guard_refuses(address: str) -> None:
    assert forbidden_reason(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_the_guard_permits(address: str) -> None:
    assert forbidden_reason(address) is None


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    answers = iter([[(socket.AF_INET, "127.0.0.1")], [(socket.AF_INET, "10.0.0.1")]])
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with ScriptedServer([[reply]]) as server:
        guard = AddressGuard(allow_private=True, resolver=lambda host, port: next(answers))
        client = HttpFetcher(user_agent="t", guard=guard, limits=FetchLimits())
        exchange = client.fetch(f"http://rebinding.example:{server.port}/")
        client.close()
    assert exchange.ip_address == "127.0.0.1"
    exchange.close()


@pytest.mark.parametrize(
    ("openssl", "iana"),
    [
        ("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
        ("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
        ("ECDHE-RSA-AES256-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
        ("AES256-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA"),
    ],
)
def test_cipher_suites_have_their_registered_names(openssl: str, iana: str) -> None:
    assert iana_cipher_name(openssl) == iana


def test_wrapped_errors_are_told_by_what_is_inside() -> None:
    outer = OSError("outer")
    outer.__cause__ = ConnectionRefusedError(111, "refused")
    assert failure_of_error(outer).kind is FailureKind.CONNECTION_REFUSED


def test_connections_of_a_fetcher_that_nobody_closes_are_closed_with_it() -> None:
    with ScriptedServer([[b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Act.NEXT]]) as server:
        client = fetcher()
        client.fetch(f"http://127.0.0.1:{server.port}/").close()
        del client  # an unclosed socket would fail the test, as the warning of it is an error
        gc.collect()


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("http://example.org", "example.org"),
        ("http://example.org.", "example.org"),
        ("http://example.org.:8080", "example.org:8080"),
        ("https://user:secret@example.org:1", "example.org:1"),
        ("http://[::1]", "[::1]"),
        ("http://[::1]:9", "[::1]:9"),
    ],
)
def test_the_host_that_a_request_names(origin: str, said: str) -> None:
    assert host_field(origin) == said
