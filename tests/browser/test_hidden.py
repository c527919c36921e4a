"""A page that looks around sees in the archive what it sees at its own server: nothing of ours has a name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from archiver.holdings import open_holdings
from archiver.settings import load_settings
from archiver.warc.importer import import_file
from tests.browser.conftest import serving
from tests.servers.routes import Answer, RouteServer
from tests.servers.warcs import response_record

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
STAMP = "20160810204623"
SITE = "http://site.example"

SURVEY = Path(__file__).with_name("survey.js").read_text(encoding="utf-8")
PAGE = """<!doctype html><html><head><title>Looks</title></head><body><script src=survey.js></script>
<iframe id=inner src=inner.html></iframe><iframe id=blank></iframe><iframe id=made srcdoc="<p>made</p>"></iframe>
<script>location.href; var {location: taken, document: {URL: address}} = window; var {location: {host}} = window</script>
</body></html>"""
WORKLET = (
    "import '/survey.mjs'; registerProcessor('p', class extends AudioWorkletProcessor {"
    " constructor() { super(); this.port.postMessage(survey()) } process() { return false } })"
)
MODULE = f"{SURVEY}\nglobalThis.survey = survey"
FILES = {
    "/page.html": ("text/html", PAGE),
    "/inner.html": ("text/html", "<!doctype html><p>inner</p><script>location.href; top.location</script>"),
    "/survey.js": ("text/javascript", SURVEY),
    "/survey.mjs": ("text/javascript", MODULE),
    "/worker.js": ("text/javascript", "importScripts('/survey.js'); location.href; postMessage(survey())"),
    "/worker.mjs": ("text/javascript", "import '/survey.mjs'; location.href; postMessage(survey())"),
    "/shared.js": ("text/javascript", "importScripts('/survey.js'); onconnect = (e) => e.ports[0].postMessage(survey())"),
    "/worklet.js": ("text/javascript", WORKLET),
}

#: Where a page may look, and how it does.
PLACES = {
    "the window": "survey()",
    "a frame": "survey(document.getElementById('inner').contentWindow)",
    "a blank frame": "survey(document.getElementById('blank').contentWindow)",
    "a frame of text": "survey(document.getElementById('made').contentWindow)",
    "a frame made just now": "survey(document.body.appendChild(document.createElement('iframe')).contentWindow)",
    "a worker": "new Promise((done) => { (window.worker = new Worker('/worker.js')).onmessage = (e) => done(e.data) })",
    "a module worker": "new Promise((done) => {"
    " (window.worker = new Worker('/worker.mjs', {type: 'module'})).onmessage = (e) => done(e.data) })",
    "a worker of text": "new Promise((done) => { const at = new URL('/survey.js', document.URL);"
    " const text = `location.href; importScripts('${at}'); postMessage(survey())`;"
    " (window.worker = new Worker(URL.createObjectURL(new Blob([text])))).onmessage = (e) => done(e.data) })",
    "a shared worker": "new Promise((done) => {"
    " (window.worker = new SharedWorker('/shared.js')).port.onmessage = (e) => done(e.data) })",
    "a worklet": "new Promise(async (done) => { const c = window.context = new OfflineAudioContext(1, 1, 8000);"
    " await c.audioWorklet.addModule('/worklet.js'); new AudioWorkletNode(c, 'p').port.onmessage = (e) => done(e.data) })",
}


#: What replay takes away, so that nothing leaves the archive and no reader is asked for anything.
WITHOUT = """
const without = (owner, names) => {
  for (; owner; owner = getPrototypeOf(owner)) for (const name of names) delete owner[name];
};
without(root, ["RTCPeerConnection", "webkitRTCPeerConnection", "RTCDataChannel", "WebTransport", "WebSocketStream"]);
without(root, ["cookieStore"]);
if (root.document) {
  without(root, ["PaymentRequest", "PresentationRequest", "IdleDetector"]);
  without(root.navigator, ["usb", "bluetooth", "hid", "serial", "xr", "contacts", "presentation", "storageBuckets"]);
}
"""


class Sides:
    """The same page at its own server and in the archive."""

    def __init__(self, live: Page, replayed: Page) -> None:
        self.live, self.replayed = live, replayed


@pytest.fixture(scope="module")
def sides(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    folder = tmp_path_factory.mktemp("hidden")
    path = folder / "site.warc.gz"
    path.write_bytes(b"".join(
        response_record(f"{SITE}{url}", MOMENT, text.encode(), headers=f"Content-Type: {mime}\r\n")
        for url, (mime, text) in FILES.items()
    ))  # fmt: skip
    with open_holdings(load_settings({"archive": folder / "warcs"}, environ={})) as holdings:
        holdings.collections.create("c")
        import_file(path, collection="c", store=holdings.store, index=holdings.index)
    start = "while (waiting.length) {"
    assert start in SURVEY
    routes = {url: Answer(text.replace(start, WITHOUT + start).encode(), mime) for url, (mime, text) in FILES.items()}
    with RouteServer(routes) as server, serving(folder / "warcs") as (reader, _):
        context = browser.new_context()
        live, replayed = context.new_page(), context.new_page()
        live.goto(server.url("/page.html"))
        replayed.goto(f"{reader}c/{STAMP}/{SITE}/page.html")
        live.evaluate("survey()")  # takes away what replay takes away, from the window that all frames can see
        yield Sides(live, replayed)
        context.close()


@pytest.mark.parametrize("place", PLACES)
def test_what_there_is_to_see_is_what_there_was(sides: Sides, place: str) -> None:
    before, after = (page.evaluate(f"async () => {PLACES[place]}") for page in (sides.live, sides.replayed))
    known, found = set(before), set(after)
    assert len(known) > 1000 or place == "a worklet"
    new, gone = [line for line in after if line not in known], [line for line in before if line not in found]
    assert (new[:20], gone[:20]) == ([], [])
