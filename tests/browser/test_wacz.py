"""WACZ packages of ours in ReplayWeb.page, in a browser, read by range as from any web server."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import Browser, Frame, Page, expect

from archiver.export import lines
from tests.archiver.exporting import MOMENT, SITE, as_wacz, opened, take_in
from tests.peers import replaywebpage
from tests.servers.warcs import request_record, response_record

#: ReplayWeb.page does not wait for its worker, and now and then asks the web server for what only that one can give.
_EMBED = """<!doctype html><title>kept</title><script src="ui.js"></script><body><script>
const {url, ts} = Object.fromEntries(new URLSearchParams(location.search));
const element = document.createElement("replay-web-page");
for (const [name, value] of Object.entries({source: "/kept.wacz", coll: "kept", embed: "replayonly", url, ts}))
  element.setAttribute(name, value);
element.style.height = "600px";
navigator.serviceWorker.register("/replay/sw.js?serveIndex=1", {scope: "/replay/"}).then(({installing, active}) => {
  if (active) return document.body.append(element);
  installing.onstatechange = () => installing.state === "activated" && document.body.append(element);
});
</script></body>
"""
#: What ReplayWeb.page found of the signature, where it keeps that.
_SIGNATURE = """async () => {
  const open = name => new Promise(done => { const asked = indexedDB.open(name); asked.onsuccess = () => done(asked.result); });
  for (const {name} of await indexedDB.databases()) {
    const base = await open(name);
    if (!base.objectStoreNames.contains("verification")) continue;
    const asked = base.transaction("verification").objectStore("verification").get("signature");
    return await new Promise(done => { asked.onsuccess = () => done(asked.result.matched); });
  }
}"""
_PAGE = (
    b"<!doctype html><title>Lamp</title><link rel=stylesheet href=/s.css><h1>Lamp</h1><p id=said></p><script>"
    b"fetch('/api', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({ask: 'sea'})})"
    b".then(answer => answer.text()).then(text => document.getElementById('said').textContent = text)</script>"
)


class _Ranges(SimpleHTTPRequestHandler):
    """Files and parts of them."""

    asked: list[str]

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if wanted is None or not path.is_file():
            super().do_GET()
            return
        data = path.read_bytes()
        first = int(wanted[1]) if wanted[1] else max(0, len(data) - int(wanted[2]))
        last = min(int(wanted[2]), len(data) - 1) if wanted[1] and wanted[2] else len(data) - 1
        self.asked.append(self.headers["Range"])
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        self.wfile.write(data[first : last + 1])

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def published(wacz: Path, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """A web site with ReplayWeb.page and a package; its address, and the ranges that were asked for."""
    package = replaywebpage()
    (folder / "replay").mkdir(parents=True)
    shutil.copy(package / "ui.js", folder)
    shutil.copy(package / "sw.js", folder / "replay")
    shutil.copy(wacz, folder / "kept.wacz")
    (folder / "index.html").write_text(_EMBED, encoding="utf-8")
    asked: list[str] = []
    handler = type("Handler", (_Ranges,), {"asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def replayed(page: Page, address: str) -> Frame:
    """The frame with the archived page."""
    with page.expect_event("framenavigated", lambda frame: "mp_/" in frame.url, timeout=30_000) as found:
        page.goto(f"{address}?url={SITE}/&ts={MOMENT:%Y%m%d%H%M%S}")
    return found.value


@pytest.mark.parametrize("block_lines", [1024, 2])
def test_replayweb_page_shows_a_package(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_lines: int
) -> None:
    monkeypatch.setattr("archiver.export.run.BLOCK_LINES", block_lines)
    monkeypatch.setattr(lines, "BLOCK_LINES", block_lines)
    post = request_record(f"{SITE}/api", MOMENT, "POST", "application/json", b'{"ask":"sea"}')
    (tmp_path / "kept.warc.gz").write_bytes(
        response_record(f"{SITE}/", MOMENT, _PAGE)
        + response_record(f"{SITE}/s.css", MOMENT, b"h1{color:rgb(1, 2, 3)}", headers="Content-Type: text/css\r\n")
        + post
        + response_record(f"{SITE}/api", MOMENT, b"the sea answers", headers="Content-Type: text/plain\r\n")
    )
    with opened(tmp_path / "home") as holdings:
        take_in(holdings, "default", [tmp_path / "kept.warc.gz"])
        as_wacz(holdings, "default", tmp_path / "kept.wacz", key=ec.generate_private_key(ec.SECP384R1()))
    context = browser.new_context()
    try:
        with published(tmp_path / "kept.wacz", tmp_path / "site") as (address, asked):
            page = context.new_page()
            frame = replayed(page, address)
            expect(frame.locator("h1")).to_have_css("color", "rgb(1, 2, 3)", timeout=20_000)
            expect(frame.locator("#said")).to_have_text("the sea answers", timeout=20_000)
            assert asked
            inside = frame.parent_frame  # only what lies under its scope is answered by the service worker
            assert inside is not None
            found: dict[str, Any] = inside.evaluate("fetch('/replay/w/api/c/kept?all=1').then(answer => answer.json())")
            assert [item["url"] for item in found["pages"]] == [f"{SITE}/"] and found["pages"][0]["title"] == "Lamp"
            assert found["title"] == "Default"
            assert inside.evaluate(_SIGNATURE) is True
    finally:
        context.close()
