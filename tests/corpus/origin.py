"""The servers of the corpus, all on one loopback port: they say what the cases say, byte for byte."""

from __future__ import annotations

import re
import socket
import socketserver
import ssl
import tempfile
from collections.abc import Iterable
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import trustme

from archiver.fetch.guard import AddressGuard, Endpoint
from tests.corpus.cases import Answer

_NOTHING = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n\r\nnothing"
Key = tuple[str, str, str, bytes, str]


def key_of(answer: Answer) -> Key:
    """What tells one request from another: the origin, the target, the method, the body, and the range."""
    parts = urlsplit(answer.url)
    target = (parts.path or "/") + (f"?{parts.query}" if "?" in answer.url else "")
    return f"{parts.scheme}://{parts.netloc}", target, answer.method, answer.request or b"", answer.range


class Origin:
    """Answers as captured, in order; the last one of a key again and again. A context manager.

    Attributes:
        port: for http.
        tls_port: for https, with a certificate for every host that the cases name.
        authority: file with the certificate authority.
    """

    def __init__(self, answers: Iterable[Answer]) -> None:
        self._answers: dict[Key, list[Answer]] = {}
        hosts = set()
        for answer in answers:
            self._answers.setdefault(key_of(answer), []).append(answer)
            hosts.add(urlsplit(answer.url).hostname or "")
        self._turns: dict[Key, int] = {}
        self._lock = Lock()
        self._folder = tempfile.TemporaryDirectory()
        authority = trustme.CA()
        self.authority = Path(self._folder.name) / "authority.pem"
        authority.cert_pem.write_to_path(self.authority)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*sorted(hosts)).configure_cert(self._tls)

    def __enter__(self) -> Self:
        self._servers = [self._server(None), self._server(self._tls)]
        self.port, self.tls_port = (server.server_address[1] for server in self._servers)
        self._threads = [
            Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True) for server in self._servers
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()
        self._folder.cleanup()

    def again(self) -> None:
        """Begin anew with all that is answered in turn."""
        with self._lock:
            self._turns.clear()

    def _say(self, key: Key) -> bytes:
        with self._lock:
            found = self._answers.get(key) or self._answers.get((*key[:4], ""))
            if found is None:
                return _NOTHING
            turn = self._turns.get(key, 0)
            self._turns[key] = turn + 1
            return found[min(turn, len(found) - 1)].response

    def _server(self, tls: ssl.SSLContext | None) -> socketserver.ThreadingTCPServer:
        say, scheme = self._say, "https" if tls else "http"

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while line := self.rfile.readline():
                    head = b"".join(iter(self.rfile.readline, b"\r\n")).decode("latin-1")
                    fields = {name.lower(): value for name, value in re.findall(r"^([^:\r\n]+):[ \t]*(.*?)\r?$", head, re.M)}
                    body = self.rfile.read(int(fields.get("content-length", "0")))
                    method, target, _ = line.decode("latin-1").split(" ", 2)
                    origin = f"{scheme}://{fields.get('host', '')}"
                    said = say((origin, target, method, body, fields.get("range", "")))
                    self.wfile.write(said)
                    if not re.search(rb"\r\n(?:content-length|transfer-encoding):", said.partition(b"\r\n\r\n")[0], re.I):
                        return  # its end is the end of the body

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128

            def get_request(self) -> tuple[socket.socket, object]:
                connection, peer = super().get_request()
                if tls is not None:  # hands are shaken by the thread that reads
                    connection = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                return connection, peer

            def handle_error(self, request: object, client_address: object) -> None:
                """Browsers hang up when they like."""

        return Server(("127.0.0.1", 0), Handler)


class CorpusGuard(AddressGuard):
    """Leads every host to the servers of the corpus."""

    def __init__(self, origin: Origin) -> None:
        super().__init__()
        self._origin = origin

    def resolve(self, host: str, port: int) -> list[Endpoint]:
        """One endpoint on loopback."""
        return [Endpoint(2, "127.0.0.1", self._origin.tls_port if port == 443 else self._origin.port)]
