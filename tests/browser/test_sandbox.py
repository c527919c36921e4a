"""Frames in a sandbox, whose pages have no origin, in real Chromium: they run and ask as all others do."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser

from archiver.holdings import open_holdings
from archiver.settings import load_settings
from archiver.warc.importer import import_file
from tests.browser.conftest import serving
from tests.servers.warcs import request_record, response_record

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
SITE = "http://site.example"
API = f"{SITE}/api"

#: What the page in the sandbox does, and what it must get.
CASES: dict[str, tuple[str, object]] = {
    "eval": ("eval('location.host')", "site.example"),
    "new Function": ("new Function('return location.host')()", "site.example"),
    "timer": ("new Promise((done) => { window.done = done; setTimeout('done(location.host)') })", "site.example"),
    "handler": (
        "(() => { const p = document.createElement('p'); p.setAttribute('onclick', 'this.title = location.host'); p.click(); "
        "return p.title })()",
        "site.example",
    ),
    "innerHTML": (
        "(() => { const p = document.createElement('p'); p.innerHTML = `<b onclick='this.title = location.host'>`; "
        "p.firstChild.click(); return p.firstChild.title })()",
        "site.example",
    ),
    "worker": (
        "new Promise((done) => { const text = `postMessage(eval('location.protocol')); import('data:text/javascript,')`; "
        "new Worker(URL.createObjectURL(new Blob([text]))).onmessage = (event) => done(event.data) })",
        "blob:",
    ),
    "fetch, in turn": (
        "(async () => { const all = []; for (let n = 0; n < 2; n++) all.push(await (await fetch('/api', {method: 'POST', "
        "body: '{\"q\":1}', headers: {'Content-Type': 'application/json', Authorization: 'x'}})).text()); return all })()",
        ["0", "1"],
    ),
    "XMLHttpRequest, in turn": (
        "[0, 1].map(() => { const asked = new XMLHttpRequest(); asked.open('PUT', '/api', false); asked.send('{\"q\":2}'); "
        "return asked.responseText })",
        ["2", "3"],
    ),
    "from another time": ("fetch('/late').then((answer) => answer.text())", "late"),
    "missing": ("fetch('/none.json').then((answer) => answer.status)", 404),
}
BOXED = """<script>(async () => {
const got = {}, cases = {CASES};
for (const name in cases) try { got[name] = await cases[name]() } catch (error) { got[name] = String(error) }
parent.postMessage(got, '*') })()</script>"""
PAGE = """<!doctype html><script>onmessage = (event) => { window.got = event.data }</script>
<iframe sandbox=allow-scripts src=/boxed></iframe>"""


@pytest.fixture(scope="module")
def got(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("sandbox")
    functions = ",".join(f"{json.dumps(name)}: () => {source}" for name, (source, _) in CASES.items())
    boxed = BOXED.replace("CASES", functions)
    records = [
        response_record(f"{SITE}/", MOMENT, PAGE.encode()),
        response_record(f"{SITE}/boxed", MOMENT, boxed.encode()),
        response_record(f"{SITE}/late", MOMENT.replace(second=50), b"late", headers="Content-Type: text/plain\r\n"),
    ]
    for number, (method, kind, body) in enumerate(
        [("POST", "application/json", b'{"q":1}')] * 2 + [("PUT", "text/plain", b'{"q":2}')] * 2
    ):
        moment = MOMENT.replace(second=30 + number)
        records.append(response_record(API, moment, b"%d" % number, headers="Content-Type: text/plain\r\n"))
        records.append(request_record(API, moment, method, kind, body))
    path = folder / "site.warc.gz"
    path.write_bytes(b"".join(records))
    home = folder / "warcs"
    with open_holdings(load_settings({"archive": home}, environ={})) as holdings:
        holdings.collections.create("c")
        import_file(path, collection="c", store=holdings.store, index=holdings.index)
    with serving(home) as (address, _):
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{address}c/20160810204623/{SITE}/")
        page.wait_for_function("() => window.got")
        found: dict[str, object] = page.evaluate("() => window.got")
        context.close()
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_page_in_a_sandbox_runs_as_all_others(got: dict[str, object], name: str) -> None:
    assert got[name] == CASES[name][1]
