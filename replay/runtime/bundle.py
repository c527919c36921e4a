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

#: In the order in which they need each other.
_PARTS = ("core", "location", "markup", "elements", "network", "storage", "windows", "nets", "time")
_FOLDER = Path(__file__).parent
#: Cookies of a server that scripts may see, and their length in all, up to which a page is told of them.
_COOKIES, _COOKIE_CHARACTERS = 50, 16_384
_HTTP_ONLY = re.compile(r";\s*httponly\s*(?:[;=]|$)", re.IGNORECASE)


def _read(name: str) -> str:
    return (_FOLDER / f"{name}.js").read_text(encoding="utf-8")


@cache
def page_runtime() -> str:
    """What runs first in every archived page."""
    parts = "\n".join(_read(name) for name in _PARTS)
    return (
        '(() => {\n"use strict";\n'
        f'const boot = (window, config) => {{\nif ("__muniment" in window) return;\n{parts}\n}};\n'
        f"{_read('page')}\n}})();\n"
    )


@cache
def runtime_version() -> str:
    """Changes with the runtime."""
    return hashlib.sha256((page_runtime() + _read("worker")).encode()).hexdigest()[:16]


def worker_runtime(prefix: str, timestamp: str, url: str) -> str:
    """What runs first in a worker of a page."""
    config = json.dumps({"prefix": prefix, "timestamp": timestamp, "url": url}).replace("<", "\\u003c")
    return f'((config) => {{\n"use strict";\nif ("__muniment" in self) return;\n{_read("worker")}\n}})({config});\n'


def runtime_tag(context: RewriteContext, head: Head) -> str:
    """The element that starts the runtime of a page, in HTML and in XML.

    Args:
        context: where the page is replayed.
        head: of the archived response, whose cookies scripts find in `document.cookie`; they never become real ones.
    """
    cookies = [field for field in head.get_all("Set-Cookie") if not _HTTP_ONLY.search(field)][:_COOKIES]
    said = json.dumps(cookies) if cookies else ""
    told = f' data-cookies="{escape(said)}"' if 0 < len(said) <= _COOKIE_CHARACTERS else ""
    return (
        f'<script xmlns="http://www.w3.org/1999/xhtml" src="/-/runtime/{runtime_version()}/page.js" data-prefix="'
        f'{escape(context.prefix)}" data-timestamp="{context.timestamp}" data-url="{escape(context.url)}"{told}></script>'
    )
