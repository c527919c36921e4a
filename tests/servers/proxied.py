"""A proxy over records written for the purpose, and its clients."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

import requests

from archiver.holdings import Holdings
from tests.servers.warcs import response_record

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
PAGE = "http://e.org/"
HTML = b"<!doctype html><script src=//e.org/a.js></script><p>one"


@dataclass
class Proxy:
    """A proxy that runs."""

    holdings: Holdings
    port: int
    ca: str

    def session(self, user: str = "") -> requests.Session:
        session = requests.Session()
        login = f"{quote(user, safe='')}:x@" if user else ""
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


def page(body: bytes = HTML, headers: str = "", *, url: str = PAGE, status: str = "200 OK", year: int = 2016) -> bytes:
    head = f"Content-Type: text/html\r\n{headers}"
    return response_record(url, MOMENT.replace(year=year), body, status=status, headers=head)
