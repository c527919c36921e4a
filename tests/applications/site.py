"""The server of an application: files with honest types, and a log of what was asked."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

TYPES = {
    ".css": "text/css", ".html": "text/html; charset=utf-8", ".ipynb": "application/json", ".js": "text/javascript",
    ".json": "application/json", ".map": "application/json", ".md": "text/markdown; charset=utf-8", ".mjs": "text/javascript",
    ".pdf": "application/pdf", ".svg": "image/svg+xml", ".ttf": "font/ttf", ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm", ".webmanifest": "application/manifest+json", ".woff": "font/woff", ".woff2": "font/woff2",
    ".xml": "application/xml", ".yaml": "application/yaml", ".yml": "application/yaml",
}  # fmt: skip


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class Site:
    """Serves folders on loopback while used as a context manager.

    Args:
        name: of the host, under `.localhost`.
        folders: the first that has a file serves it.

    Attributes:
        asked: paths with query, each once, in the order of arrival.
        strays: what was asked after `close`: it should have been answered by the archive.
    """

    def __init__(self, name: str, folders: Sequence[Path]) -> None:
        self.name = name
        self.folders = folders
        self.asked: dict[str, None] = {}
        self.strays: list[str] = []
        self._is_closed = False
        self._lock = Lock()

    def close(self) -> None:
        """From now on it answers nothing; who still asks is noted."""
        self._is_closed = True

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://{self.name}.localhost:{self._server.server_port}/{path}"

    def note(self, path: str) -> bool:
        """Takes a request down; False when there is nobody to answer it."""
        with self._lock:
            if self._is_closed:
                self.strays.append(path)
            else:
                self.asked.setdefault(path)
        return not self._is_closed

    def file(self, path: str) -> Path | None:
        """What is served at a path."""
        wanted = unquote(urlsplit(path).path).lstrip("/")
        if ".." in wanted.split("/"):
            return None
        for folder in self.folders:
            found = folder / wanted
            if found.is_dir():
                found = found / "index.html"
            if found.is_file():
                return found
        return None

    def __enter__(self) -> Self:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                if not site.note(self.path):
                    self.close_connection = True
                    return
                path = urlsplit(self.path).path
                file = site.file(self.path)
                if file is not None and file.name == "index.html" and not path.endswith(("/", ".html")):
                    self._answer(301, b"", [("Location", f"{path}/")])
                elif file is None:
                    self._answer(404, b"<!doctype html><title>404</title>Not here.", [("Content-Type", TYPES[".html"])])
                else:
                    kind = TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
                    self._answer(200, file.read_bytes(), [("Content-Type", kind)])

            do_HEAD = do_GET  # noqa: N815

            def _answer(self, status: int, body: bytes, headers: list[tuple[str, str]]) -> None:
                self.send_response(status)
                for name, value in (*headers, ("Content-Length", str(len(body)))):
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """The log is `asked`."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
