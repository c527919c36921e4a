"""Archived sites at their own addresses, through the proxy, in real Chromium; its own log says where it connected to."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, Page

from archiver.holdings import open_holdings
from archiver.settings import load_settings
from archiver.warc.importer import import_file
from tests.browser.conftest import FLAGS, free_port, serving, windowed_chromium_path
from tests.servers.warcs import request_record, response_record

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
APP = "https://app.example/"
CDN = "https://cdn.example"

PAGE = """<!doctype html><title>App</title><link rel=stylesheet href=/style.css><link rel=preconnect href=https://live.example>
<link rel=dns-prefetch href=//dns.example><link rel=prefetch href=https://live.example/next>
<img id=one src=/dot.svg><iframe src=https://frame.example/></iframe><script src=https://cdn.example/lib.js></script>
<script type=module src=/app.mjs></script><img src=https://live.example/pixel.gif><img src=http://127.0.0.1:18099/local.gif>"""
MODULE = """import {double} from './part.mjs';
const say = {address: location.href, top: top === window, double: double(21), lib: window.lib, cookie: document.cookie};
say.own = await (await fetch('/data.json')).json();
say.other = await (await fetch('https://cdn.example/data.json', {credentials: 'include'})).json();
say.posted = await (await fetch('https://cdn.example/api', {method: 'POST', headers: {'Content-Type': 'application/json'},
  body: '{"q":1}'})).text();
say.missing = (await fetch('/no.json')).status;
say.socket = await new Promise(done => { const s = new WebSocket('wss://live.example/'); s.onerror = () => done('refused'); });
say.worker = await navigator.serviceWorker.register('/sw.js').then(() => 'installed', error => error.name);
navigator.sendBeacon('https://live.example/beacon', 'x');
const peer = new RTCPeerConnection({iceServers: [{urls: 'stun:192.0.2.9:3478'}]});
const gathered = new Promise(done => { peer.onicecandidate = found => found.candidate || done(); });
peer.createDataChannel('x'); await peer.setLocalDescription(await peer.createOffer()); await gathered;
say.color = getComputedStyle(document.body).color;
window.say = say;"""

SITE = {
    APP: ("text/html; charset=utf-8\r\nSet-Cookie: a=b\r\nContent-Security-Policy: object-src 'none'", PAGE),
    f"{APP}style.css": ("text/css", "body{color:rgb(1,2,3)}"),
    f"{APP}dot.svg": ("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg' width='30' height='20'/>"),
    f"{APP}app.mjs": ("text/javascript", MODULE),
    f"{APP}part.mjs": ("text/javascript", "export const double = n => 2 * n"),
    f"{APP}data.json": ("application/json", '{"from": "app"}'),
    f"{APP}sw.js": ("text/javascript", "self.onfetch = e => e.respondWith(new Response('mine'))"),
    f"{CDN}/lib.js": ("text/javascript", "window.lib = 'lib of ' + document.currentScript.src"),
    f"{CDN}/data.json": ("application/json", '{"from": "cdn"}'),
    "https://frame.example/": ("text/html", "<p id=inside>framed</p>"),
    "http://plain.example/": ("text/html", "<h1>2016</h1>"),
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with a site of several hosts, and two captures of another."""
    folder = tmp_path_factory.mktemp("proxy")
    records = [
        response_record(url, MOMENT, body.encode(), headers=f"Content-Type: {mime}\r\n") for url, (mime, body) in SITE.items()
    ]
    records += [
        response_record(f"{CDN}/api", MOMENT, b"posted"),
        request_record(f"{CDN}/api", MOMENT, "POST", "application/json", b'{"q":1}'),
        response_record("http://plain.example/", MOMENT.replace(year=2019), b"<h1>2019</h1>"),
    ]
    (folder / "site.warc.gz").write_bytes(b"".join(records))
    home = folder / "warcs"
    with open_holdings(load_settings({"archive": home}, environ={})) as holdings:
        holdings.collections.create("unesco", title="UNESCO")
        import_file(folder / "site.warc.gz", collection="unesco", store=holdings.store, index=holdings.index)
    return home


@contextmanager
def through_proxy(
    browser: Browser, archive: Path, *options: str, user: str = "", log: Path | None = None
) -> Iterator[tuple[int, Page]]:
    """A page of a Chromium that reaches nothing but the proxy, as the documentation says to set it up."""
    port = free_port()
    with serving(archive, "--proxy", str(port), *options):
        certificate = x509.load_pem_x509_certificate((archive / "proxy" / "ca.pem").read_bytes())
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        flags = [
            *FLAGS,
            "--proxy-bypass-list=<-loopback>",
            f"--ignore-certificate-errors-spki-list={base64.b64encode(hashlib.sha256(key).digest()).decode()}",
            "--webrtc-ip-handling-policy=disable_non_proxied_udp",
            *([f"--log-net-log={log}"] if log else []),
        ]
        chromium = browser.browser_type.launch(
            executable_path=windowed_chromium_path(),
            args=flags,
            headless=True,
            proxy={"server": f"http://127.0.0.1:{port}", **({"username": user, "password": "x"} if user else {})},
        )
        try:
            yield port, chromium.new_page()
        finally:
            chromium.close()


def test_a_site_of_several_hosts_runs_at_its_own_addresses_and_nothing_goes_outside(
    browser: Browser, archive: Path, tmp_path: Path
) -> None:
    log = tmp_path / "net.json"
    with through_proxy(browser, archive, log=log) as (port, page):
        page.goto(APP)
        page.wait_for_function("window.say")
        assert page.evaluate("say") == {
            "address": APP, "top": True, "double": 42, "lib": f"lib of {CDN}/lib.js", "cookie": "",
            "own": {"from": "app"}, "other": {"from": "cdn"}, "posted": "posted", "missing": 404,
            "socket": "refused", "worker": "TypeError", "color": "rgb(1, 2, 3)",
        }  # fmt: skip
        assert page.evaluate("one.naturalWidth") == 30
        assert page.frame_locator("iframe").locator("#inside").inner_text() == "framed"
    assert connections(log) == {f"127.0.0.1:{port}"}


def connections(log: Path) -> set[str]:
    """Every address that Chromium opened a connection or sent a datagram to, every name it asked about."""
    said = json.loads(log.read_text())
    names = {number: name for name, number in said["constants"]["logEventTypes"].items()}
    out, connected = set(), {}
    for event in said["events"]:
        name, facts, source = names[event["type"]], event.get("params", {}), event["source"]["id"]
        if name == "TCP_CONNECT_ATTEMPT" and "address" in facts:
            out.add(facts["address"])
        elif name == "HOST_RESOLVER_MANAGER_JOB" and "host" in facts:
            out.add(facts["host"])
        elif name == "UDP_CONNECT" and "address" in facts:
            connected[source] = facts["address"]  # without sending anything, to see whether there is a route
        elif name == "UDP_BYTES_SENT":
            out.add(facts.get("address") or connected[source])
    return out


def test_the_reader_chooses_on_the_page_of_the_proxy(browser: Browser, archive: Path) -> None:
    with through_proxy(browser, archive, "--proxy-collection", "unesco", "--proxy-time", "2019") as (_, page):
        page.goto("http://plain.example/")
        assert page.locator("h1").inner_text() == "2019"
        page.goto("http://muniment.proxy/")
        assert page.locator("#choice").inner_text() == "unesco, 2019"
        page.get_by_label("Time").fill("20160810204623")
        page.get_by_role("button", name="Choose").click()
        assert page.locator("#choice").inner_text() == "unesco, 20160810204623"
        page.goto("http://plain.example/")
        assert page.locator("h1").inner_text() == "2016"
        missing = page.goto("http://plain.example/no")
        assert missing is not None and missing.status == 404
        page.get_by_role("link", name="Choose another").click()
        page.wait_for_url("http://muniment.proxy/")


def test_a_browser_that_is_asked_gives_its_user_name(browser: Browser, archive: Path) -> None:
    with through_proxy(browser, archive, "--proxy-collection", "", user="unesco@2016") as (_, page):
        page.goto("http://plain.example/")
        assert page.locator("h1").inner_text() == "2016"
        page.goto(APP)
        page.wait_for_function("window.say")
