"""Many hosts in one light process, each of which waits before every answer.

    python benchmarks/slow_server.py PLAN

PLAN is JSON: `port`, `delay` in seconds, and either `hosts`, address → folder, or `lists`, how many lists of a thousand
links each of `names` has. Of files all answers are made before the first is given, so that a request costs about as much
as waking up for it. `/-/asked` on any host tells how many requests there were, and how many of them for lists.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import quote

from crawl_sites import TYPES

ASKED = b"/-/asked"
PER_LIST = 1000


def response(kind: str, body: bytes, status: str = "200 OK") -> bytes:
    """A whole one."""
    head = f"HTTP/1.1 {status}\r\nServer: slow\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


_MISSING = response("text/plain", b"not here\n", "404 Not Found")


class Counts:
    """What was asked for, on all hosts."""

    def __init__(self) -> None:
        self.requests = 0
        self.lists = 0


class Connection(asyncio.Protocol):
    """Answers what is asked, in turn."""

    def __init__(self, find: Callable[[bytes], bytes], delay: float, counts: Counts) -> None:
        self._find = find
        self._delay = delay
        self._counts = counts
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._heard += data
        while b"\r\n\r\n" in self._heard:
            head, _, self._heard = self._heard.partition(b"\r\n\r\n")
            target = head.split(b" ", 2)[1]
            if target == ASKED:
                self._say(response("text/plain", b"%d %d" % (self._counts.requests, self._counts.lists)))
                continue
            self._counts.requests += 1
            self._counts.lists += target.startswith(b"/list/")
            asyncio.get_running_loop().call_later(self._delay, self._say, self._find(target))

    def _say(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def of_folder(folder: Path) -> Callable[[bytes], bytes]:
    """Answers with files."""
    made = {}
    for path in folder.rglob("*"):
        if path.is_file():
            answer = response(TYPES.get(path.suffix[1:], "application/octet-stream"), path.read_bytes())
            target = "/" + quote(str(path.relative_to(folder)), safe="/~!$&'()*+,;=:@")
            made[target.encode()] = answer
            if path.name == "index.html":
                made[target.removesuffix("index.html").encode()] = answer
    return lambda target: made.get(target) or made.get(target.partition(b"?")[0]) or _MISSING


def of_lists(count: int) -> Callable[[bytes], bytes]:
    """A first page that leads to lists, lists that lead to pages, pages that lead nowhere."""

    def links(start: int, number: int, folder: str) -> bytes:
        rows = "".join(f'<li><a href="/{folder}/{at}.html">{at}</a>\n' for at in range(start, start + number))
        return response("text/html", f"<!doctype html><title>{folder} {start}</title><ul>{rows}</ul>".encode())

    def find(target: bytes) -> bytes:
        if target == b"/":
            return links(0, count, "list")
        name = target.rpartition(b"/")[2].removesuffix(b".html")
        if not name.isdigit():
            return _MISSING
        if target.startswith(b"/list/"):
            return links(int(name) * PER_LIST, PER_LIST, "page")
        return response("text/html", b"<!doctype html><title>%s</title><p>A page." % name)

    return find


async def serve(plan: Path) -> None:
    """Until SIGTERM."""
    wanted = json.loads(plan.read_text())
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    counts = Counts()
    finders = {host: of_folder(Path(folder)) for host, folder in wanted.get("hosts", {}).items()}
    finders |= {host: of_lists(wanted["lists"]) for host in wanted.get("names", ())}
    servers = [
        await loop.create_server(
            partial(Connection, find, wanted["delay"], counts), host, wanted["port"], backlog=512, start_serving=False
        )
        for host, find in finders.items()
    ]
    for server in reversed(servers):  # the first answers when all do
        await server.start_serving()
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
