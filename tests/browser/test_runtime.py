"""What a page reads and writes in the archive, in real Chromium: one page runs all expressions, each is a test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from archiver.holdings import open_holdings
from archiver.settings import load_settings
from archiver.warc.importer import import_file
from tests.browser.conftest import serving
from tests.replay.reading import as_read
from tests.servers.warcs import request_record, response_record

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
STAMP = "20160810204623"
HERE = "http://site.example/dir/page.html?q=1"

#: name, expression, expected: run by one page, in its own code.
SCRIPT = (Path(__file__).parent / "runtime_cases.js").read_text(encoding="utf-8")
CASES = re.findall(r'^  \["([^"]+)", ', SCRIPT, re.MULTILINE)

PAGE = """<!doctype html><html><head><title>Cases</title><script id=first>firstRandom = Math.random()</script>
<script>document.write('<img id=written s'); document.write('rc="/w.png">')</script></head>
<body><a id=link href="http://other.example/page">other</a><a id=near href="near.html?a=b"></a><a id=root href=/root.html#c></a
><a id=up href=../up.html></a><script>
const said = (word) => new Promise((done) =>
  addEventListener('message', (event) => event.data[0] === word && done(event.data)));
staticData = said('static'); staticObject = said('object')</script>
<object data="data:text/html,<script>parent.postMessage(['object', typeof RTCPeerConnection], '*')</script>"></object>
<iframe id=data src="data:text/html,<script>
parent.postMessage(['static', typeof RTCPeerConnection, document.title], '*')</script>"></iframe>
<script src=cases.js></script></body></html>"""

FRAME = """<!doctype html><script>
let outer = null; try { outer = parent.location.href.replace(/#.*/, '') } catch {}
parent.postMessage(JSON.stringify([location.href, outer]), '*');
onmessage = (e) => { if (e.data === 'back') e.source.postMessage(JSON.stringify(['origin', e.origin]), '*') };
</script>"""


def make_site(folder: Path) -> Path:
    site, other = "http://site.example", "http://other.example"
    js, module = "Content-Type: text/javascript\r\n", "Content-Type: text/javascript\r\n"
    data = "Content-Type: application/json\r\n"
    worker = (
        "importScripts('/imported.js'); self.onmessage = () => fetch('/data.json').then(r => r.json())"
        ".then(j => self.postMessage([self.location.href, j.at, imported]))"
    )
    module_worker = "onmessage = () => fetch('/data.json').then(r => r.json()).then(j => postMessage([location.href, j.at]))"
    files: list[tuple[str, str, str]] = [
        (HERE, PAGE, "Content-Type: text/html\r\n"),
        (f"{site}/dir/cases.js", SCRIPT, js),
        (f"{site}/data.json", '{"at": "http://site.example/raw"}', data),
        (f"{other}/data.json", '{"at": "other"}', data),
        (f"{site}/fragment.html", '<a href="/x">x</a>', "Content-Type: text/html\r\n"),
        (f"{site}/frame.html", FRAME, "Content-Type: text/html\r\n"),
        (f"{other}/frame.html", FRAME.replace("parent.location.href", "(() => { throw 1 })()"), "Content-Type: text/html\r\n"),
        (f"{site}/drawing.svg", '<svg xmlns="http://www.w3.org/2000/svg"><script>parent.postMessage(["svg", location.href,'
         'typeof RTCPeerConnection, document.documentElement.firstChild.textContent.length], "*")</script></svg>',
         "Content-Type: image/svg+xml\r\n"),
        (f"{site}/page.xhtml", '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body><script>'
         'parent.postMessage(["xhtml", location.href, typeof RTCPeerConnection], "*")</script></body></html>',
         "Content-Type: application/xhtml+xml\r\n"),
        (f"{site}/module.mjs", "import {inner} from 'http://other.example/inner.mjs'; export {inner};"
         "export const host = location.host, here = import.meta.url;", module),
        (f"{other}/inner.mjs", "export const inner = import.meta.url;", module),
        (f"{site}/worker.js", worker, js),
        (f"{site}/imported.js", "var imported = 'imported'", js),
        (f"{site}/worker.mjs", module_worker, module),
    ]  # fmt: skip
    records = [response_record(url, MOMENT, text.encode(), headers=headers) for url, text, headers in files]
    for number in range(3):  # the very same question, with another answer each time
        moment = MOMENT.replace(second=30 + number)
        records.append(response_record(f"{site}/api", moment, b'{"n": %d}' % number, headers=data))
        records.append(request_record(f"{site}/api", moment, "POST", "application/json", b'{"q":1}'))
    path = folder / "site.warc.gz"
    path.write_bytes(b"".join(records))
    home = folder / "warcs"
    with open_holdings(load_settings({"archive": home}, environ={})) as holdings:
        holdings.collections.create("c")
        import_file(path, collection="c", store=holdings.store, index=holdings.index)
    return home


class Seen:
    """What the page reported, and what went over the network."""

    def __init__(self, results: dict[str, Any], requests: list[str], errors: list[str], reader: str) -> None:
        self.results, self.requests, self.errors, self.reader = results, requests, errors, reader


@pytest.fixture(scope="module")
def seen(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    with serving(make_site(tmp_path_factory.mktemp("runtime"))) as (address, _):
        reader = address.rstrip("/")
        page: Page = browser.new_page()
        requests: list[str] = []
        errors: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{reader}/c/{STAMP}/{HERE}")
        page.wait_for_function("() => window.finished", timeout=20_000)
        yield Seen(page.evaluate("() => window.results"), requests, errors, reader)
        page.close()


def archived(value: object, reader: str) -> object:
    """Addresses of the archive as the tables above write them."""
    if isinstance(value, list):
        return [archived(item, reader) for item in value]
    if isinstance(value, str):
        return as_read(re.sub(rf"(?:{re.escape(reader)})?/c/{STAMP}(?:[a-z]+_)?/(http[^\s\"')]+)", r"A(\1)", value))
    return value


@pytest.mark.parametrize("name", CASES)
def test_what_a_page_reads_and_writes(seen: Seen, name: str) -> None:
    got, expected = seen.results[name]
    assert archived(got, seen.reader) == expected


def test_nothing_left_the_archive(seen: Seen) -> None:
    assert [url for url in seen.requests if not url.startswith((seen.reader, "data:", "blob:"))] == []
    assert seen.errors == []
