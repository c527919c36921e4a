"""The client-side scripts as the browser gets them: the parts joined, under an address that changes with them."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from html import escape
from pathlib import Path

from archiver.message import Head
from replay.rewrite.context import RewriteContext
from replay.strays import OF_DESTINATION

#: In the order in which they need each other.
_PARTS = (
    *("core", "code", "location", "markup", "styles", "elements", "network", "devices", "databases", "storage", "windows"),
    *("nets", "time", "asked"),
)
_WORKER_PARTS = ("core", "code", "network", "databases", "time", "worker")
_FOLDER = Path(__file__).parent
#: Cookies of a server that scripts may see, and their length in all, up to which a page is told of them.
_COOKIES, _COOKIE_CHARACTERS = 50, 16_384
_HTTP_ONLY = re.compile(r";\s*httponly\s*(?:[;=]|$)", re.IGNORECASE)
#: Collection, timestamp and URL in the path of a replayed document.
_DOCUMENT = r"/^\/([^\/]+)\/(\d{1,14})(?:[a-z]{2,4}_)?\/(https?:\/\/.+)$/i"


def _read(name: str) -> str:
    """A part without the lines that only people read, and without indentation; no string of ours goes over a line."""
    lines = (line.strip() for line in (_FOLDER / f"{name}.js").read_text(encoding="utf-8").splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith(("//", "/**", "* ", "*/")))


@cache
def page_runtime() -> str:
    """What runs first in every archived page."""
    parts = "\n".join(_read(name) for name in _PARTS)
    return f'(() => {{\n"use strict";\nconst boot = (window, config) => {{\n{parts}\n}};\n{_read("page")}\n}})();\n'


@cache
def worker_parts() -> str:
    """What the runtime of workers is made of."""
    return "\n".join(_read(name) for name in _WORKER_PARTS)


@cache
def runtime_version() -> str:
    """Changes with the runtime."""
    return hashlib.sha256((page_runtime() + worker_parts()).encode()).hexdigest()[:16]


def worker_runtime(prefix: str, timestamp: str, url: str, reader: str = "", *, is_module: bool = False) -> str:
    """What runs first in a worker of a page.

    Args:
        prefix: path of the collection.
        timestamp: of the page.
        url: of the worker, or of the page that made it of text.
        reader: origin of the archive, for workers that are told none; "" for their own.
        is_module: the worker is a module, which then runs when `begun` of this one is called.
    """
    config = json.dumps({"prefix": prefix, "timestamp": timestamp, "url": url, "reader": reader}).replace("<", "\\u003c")
    runtime = (
        '((window, config) => {\n"use strict";\n'
        'if (window.location.origin !== "null") config.reader = window.location.origin;\n'
        f"{worker_parts()}\n}})(self, {config})"
    )
    return f"const begin = () => {runtime};\n{_read('module_worker')}" if is_module else f"const __muniment = {runtime};\n"


def worklet_runtime() -> str:
    """What the modules of a worklet import."""
    return _read("worklet")


@cache
def net() -> str:
    """The reader's own service worker."""
    destinations = json.dumps(OF_DESTINATION)
    return f"const OF_DESTINATION = {destinations};\nconst ADDRESS = {_DOCUMENT};\n{_read('net')}"


def runtime_tag(context: RewriteContext, head: Head) -> str:
    """The element that starts the runtime of a page, in HTML and in XML.

    Args:
        context: where the page is replayed.
        head: of the archived response, whose cookies scripts find in `document.cookie`; they never become real ones.
    """
    cookies = _first_that_fit([field for field in head.get_all("Set-Cookie") if not _HTTP_ONLY.search(field)][:_COOKIES])
    told = f' data-cookies="{escape(json.dumps(cookies))}"' if cookies else ""
    return (
        f'<script xmlns="http://www.w3.org/1999/xhtml" src="/-/runtime/{runtime_version()}/page.js" data-prefix="'
        f'{escape(context.prefix)}" data-timestamp="{context.timestamp}" data-url="{escape(context.url)}"{told}></script>'
    )


def _first_that_fit(cookies: list[str]) -> list[str]:
    """The cookies that a page is told of; one that is too long for that takes nothing from the others."""
    room, told = _COOKIE_CHARACTERS, []
    for cookie in cookies:
        size = len(json.dumps(cookie)) + len(", ")
        if size <= room:
            room -= size
            told.append(cookie)
    return told
