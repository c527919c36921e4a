"""Connections to the proxy: TLS for every host, whatever clients send, and nobody holds it up."""

from __future__ import annotations

import socket
import ssl
import sys

import pytest
import requests
from cryptography import x509

from replay.proxy import server
from replay.proxy.connection import Limits
from tests.servers.proxied import HTML, PAGE, Make, page, read_all

HOME = "http://muniment.proxy/"


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


def test_it_listens_on_ipv6_as_well(proxy: Make) -> None:
    running = proxy(page(), host="::1")
    with socket.create_connection(("::1", running.port), timeout=20) as channel:
        channel.sendall(b"GET http://e.org/ HTTP/1.0\r\n\r\n")
        assert read_all(channel).endswith(HTML)


def test_a_tunnel_may_lead_to_plain_http(proxy: Make) -> None:
    with proxy(page(url="http://e.org:8080/")).tunnel("e.org:8080") as channel:
        channel.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert read_all(channel).endswith(HTML)


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
        (b"CONNECT e.org HTTP/1.1\r\nHost: e.org\r\n\r\n", 400),
        (b"CONNECT *.e.org:443 HTTP/1.1\r\nHost: e.org\r\n\r\n", 400),
        (b"CONNECT e.org:443:443 HTTP/1.1\r\nHost: e.org\r\n\r\n", 400),
        (b"CONNECT [::x]:443 HTTP/1.1\r\nHost: e.org\r\n\r\n", 400),
        (b"CONNECT " + b"a" * 250 + b":443 HTTP/1.1\r\nHost: e.org\r\n\r\n", 400),
        (b"CONNECT e.org:443 HTTP/1.1\r\nHost: e.org\r\n\r\n\x16\x03\x01 too early", 200),
    ],
    ids=lambda value: str(value)[:60],
)
def test_garbage_is_refused_and_the_proxy_goes_on(proxy: Make, said: bytes, status: int) -> None:
    running = proxy(page())
    answer = running.say(said)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"Traceback" not in answer
    assert running.get(PAGE).content == HTML


def test_what_is_sent_may_be_long_but_not_endless(proxy: Make) -> None:
    running = proxy(page())
    asked = b"POST http://e.org/ HTTP/1.1\r\nHost: e.org\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    assert running.say(asked % 2_000_000, bytes(2_000_000)).startswith(b"HTTP/1.1 404 ")
    assert running.say(asked % 10**12, bytes(65 * 1024 * 1024)).startswith(b"HTTP/1.1 413 ")


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


CONNECTED: list[str] = []
sys.addaudithook(lambda event, args: CONNECTED.append(str(args)) if event in ("socket.connect", "socket.getaddrinfo") else None)


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
