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
SCRIPT, GAPS = (Path(__file__).with_name(f"runtime_{name}.js").read_text(encoding="utf-8") for name in ("cases", "gaps"))
CASES = re.findall(r'^  \["([^"]+)", ', SCRIPT + GAPS, re.MULTILINE)

PAGE = """<!doctype html><html><head><title>Cases</title>
<script id=first>firstRandom = Math.random(); firstCookie = document.cookie</script>
<script>document.write('<img id=written s'); document.write('rc="/w.png">')</script></head>
<body><a id=link href="http://other.example/page">other</a><a id=near href="near.html?a=b"></a><a id=root href=/root.html#c></a
><a id=up href=../up.html></a><a id=dot href=./dot.html></a><a id=query href="?q"></a><a id=same href="//other.example/same"></a
><a id=static href=static.html></a><script>
const said = (word) => new Promise((done) =>
  addEventListener('message', (event) => event.data[0] === word && done(event.data)));
staticData = said('static'); staticObject = said('object')</script>
<object data="data:text/html,<script>parent.postMessage(['object', typeof RTCPeerConnection], '*')</script>"></object>
<iframe id=data src="data:text/html,<script>
parent.postMessage(['static', typeof RTCPeerConnection, document.title], '*')</script>"></iframe>
<script>let sharedLet = location.host; class SharedClass {}</script>
<script>"use strict"; location; var strictThis = (function () { return typeof this })()</script>
<script src=gaps.js></script><script src=cases.js></script></body></html>"""

FRAME = """<!doctype html><script>
let outer = null; try { outer = parent.location.href.replace(/#.*/, '') } catch {}
parent.postMessage(JSON.stringify([location.href, outer]), '*');
onmessage = (e) => { if (e.data === 'back') e.source.postMessage(JSON.stringify(['origin', e.origin]), '*') };
</script>"""

#: Leaves something in every place where something can be left.
STORAGE = """<script>(async () => {
localStorage.secret = sessionStorage.secret = 1; document.cookie = 'secret=1; path=/';
new BroadcastChannel('secret').postMessage('secret');
navigator.locks.request('secret', () => new Promise(() => {}));
await (await navigator.storage.getDirectory()).getFileHandle('secret', {create: true});
await caches.open('secret');
await new Promise((done) => (indexedDB.open('secret').onsuccess = done));
parent.postMessage(['stored'], '*') })()</script>"""

#: Small pages and scripts of the site that the cases need: path → text.
PARTS = {
    "/storage.html": STORAGE,
    "/echo.html": "<script>onmessage = (e) => e.source.postMessage(e.data, '*'); parent.postMessage(['ready'], '*')</script>",
    "/popup.html": "<script>opener.postMessage(['popup', location.href, opener.location.pathname.startsWith('/'), name, "
    "document.referrer.slice(0, 19)], '*')</script>",
    "/search?q=a+b": "<script>parent.postMessage(['found', location.href], '*')</script>",
    "/data.html": "<script>firstRandom = Math.random()</script>",
    "/anew.html": """<script>onload = () => setTimeout(() => { document.open();
    document.write('<a id=a href="http://other.example/x">x</a>'); document.close();
    const a = document.getElementById('a'), text = new XMLSerializer().serializeToString(a);
    parent.postMessage(['anew', location.href, a.href, /href="([^"]*)/.exec(text)[1]], '*') })</script>""",
    "/meta.mjs": "export const {url} = import.meta, resolved = import.meta.resolve('/a/b.mjs'), "
    "whole = import.meta.resolve('http://other.example/c.mjs')",
    "/shared.js": "onconnect = (e) => e.ports[0].postMessage([location.href, new Date().getFullYear(), self.name])",
    "/worklet.js": "registerProcessor('p', class extends AudioWorkletProcessor { constructor() { super(); "
    "this.port.postMessage('up') } process() { return false } })",
    "/throws.js": "'use strict';\nlocation.host;\nthrow location",
    "/jsonp?a=1&callback=cb_1_111": '/**/cb_1_111({"n": 1});',
}
FAR = {
    "/storage.html": STORAGE,
    "/far.mjs": "export const far = (name) => import(name)",
    "/near.mjs": "export const where = import.meta.url",
}


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
        (HERE, PAGE, "Content-Type: text/html\r\nSet-Cookie: sent=1; Path=/; Secure; Expires=Fri, 12 Aug 2016 00:00:00 GMT\r\n"
         "Set-Cookie: hidden=1; HttpOnly\r\nSet-Cookie: old=1; Expires=Fri, 05 Aug 2016 00:00:00 GMT\r\n"),
        (f"{site}/dir/cases.js", SCRIPT, js),
        (f"{site}/dir/gaps.js", GAPS, js),
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
    for origin, parts in ((site, PARTS), (other, FAR)):
        for where, text in parts.items():
            files.append((origin + where, text, "Content-Type: text/html\r\n" if text.startswith("<") else js))
    records = [response_record(url, MOMENT, text.encode(), headers=headers) for url, text, headers in files]
    sent = b"<script>parent.postMessage(['sent', location.href], '*')</script>"
    records.append(response_record(f"{site}/sent", MOMENT, sent))
    records.append(request_record(f"{site}/sent", MOMENT, "POST", "application/x-www-form-urlencoded", b"q=1"))
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


ALLOWED = ["geolocation", "notifications", "camera", "microphone", "clipboard-read", "midi"]


class Seen:
    """What the page reported, and what went over the network."""

    def __init__(self, results: dict[str, Any], requests: list[str], errors: list[str], reader: str) -> None:
        self.results, self.requests, self.errors, self.reader = results, requests, errors, reader


@pytest.fixture(scope="module")
def seen(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    with serving(make_site(tmp_path_factory.mktemp("runtime"))) as (address, _):
        reader = address.rstrip("/")
        # A reader far away who has allowed everything, so that nothing is declined but by the runtime.
        context = browser.new_context(
            timezone_id="Pacific/Auckland", permissions=ALLOWED, geolocation={"latitude": -36.8, "longitude": 174.7}
        )
        page: Page = context.new_page()
        requests: list[str] = []
        errors: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{reader}/c/{STAMP}/{HERE}")
        page.wait_for_function("() => window.finished", timeout=60_000)
        yield Seen(page.evaluate("() => window.results"), requests, errors, reader)
        context.close()


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


@pytest.mark.parametrize(
    "name", ["insertRule.png", "replaceSync.png", "textContent.png", "style.png", "inner.png", "font.woff"]
)
def test_what_style_sheets_of_scripts_name_is_asked_of_the_archive(seen: Seen, name: str) -> None:
    assert f"{seen.reader}/c/{STAMP}im_/http://site.example/{name}" in seen.requests


def test_nothing_left_the_archive(seen: Seen) -> None:
    assert [url for url in seen.requests if not url.startswith((seen.reader, "data:", "blob:"))] == []
    assert seen.errors == []


APART = """() => [document.cookie, localStorage.length, sessionStorage.length]"""
REPEATED = """() => [firstRandom, Math.random(), String(crypto.getRandomValues(new Uint8Array(4)))]"""


def test_collections_are_kept_apart_and_chance_repeats_itself(browser: Browser, tmp_path: Path) -> None:
    home = make_site(tmp_path)
    with open_holdings(load_settings({"archive": home}, environ={})) as holdings:
        holdings.collections.create("d")
        import_file(tmp_path / "site.warc.gz", collection="d", store=holdings.store, index=holdings.index)
    context = browser.new_context()
    with serving(home) as (address, _):
        page = context.new_page()
        page.goto(f"{address}c/{STAMP}/http://site.example/data.html")
        page.evaluate("() => { document.cookie = 'a=1'; localStorage.a = sessionStorage.a = 1 }")
        assert page.evaluate(APART) == ["a=1", 1, 1]
        first = page.evaluate(REPEATED)
        page.goto(f"{address}d/{STAMP}/http://site.example/data.html")
        assert page.evaluate(APART) == ["", 0, 0]
        page.goto(f"{address}c/{STAMP}/http://site.example/data.html")
        assert page.evaluate(APART) == ["a=1", 1, 1]
        assert page.evaluate(REPEATED) == first
    context.close()


def test_the_archive_is_always_there(browser: Browser, reader: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{reader}/unesco/{STAMP}/http://site.example/plain")
    page.evaluate("() => { heard = []; ononline = onoffline = (event) => heard.push(event.type) }")
    context.set_offline(True)
    context.set_offline(False)
    assert page.evaluate("() => new Promise((done) => setTimeout(() => done([navigator.onLine, heard])))") == [True, []]
    context.set_offline(True)
    assert page.evaluate("() => navigator.onLine")
    context.close()
