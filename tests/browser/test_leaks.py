"""Nothing leaves the archive: a page that tries every way out, in real Chromium, and a listener that is the outside.

The browser believes that every host called `*.example` is the listener, so whatever gets out of it arrives there: each way
has a host of its own. The same page without an archive around it shows that the listener does see each of these ways.
Names that are only looked up are found in the browser's own log of what it asked the network for.
"""

from __future__ import annotations

import re
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright

from archiver.holdings import open_holdings
from archiver.settings import load_settings
from archiver.warc.importer import import_file
from tests.browser.conftest import FLAGS, serving, windowed_chromium_path
from tests.servers.outside import Outside
from tests.servers.warcs import response_record

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
STAMP = "20160810204623"
SITE = "http://site.test"
#: Where browsers run no service worker: plain http on a host name.
PLAIN = "reader.test"
WAYS = (Path(__file__).parent / "leak_ways.js").read_text(encoding="utf-8")


def names(table: str) -> list[str]:
    """The names in one of the tables of the file."""
    found = re.search(rf"^const {table} = {{\n(.*?)^}};", WAYS, re.MULTILINE | re.DOTALL)
    assert found
    return re.findall(r'^  "([a-z-]+)": ', found.group(1), re.MULTILINE)


NAVIGATIONS = names("navigations")
#: WebRTC in documents that stand in the markup.
FRAMED = ["html-data-rtc", "html-svg-rtc", "html-object-rtc", "html-sandbox-rtc"]
CONNECT = """const p = new RTCPeerConnection({iceServers: [{urls: 'stun:127.0.0.1:%d'}]});
p.createDataChannel('x'); p.setLocalDescription()"""
DATAGRAMS = [name for name in [*names("ways"), *FRAMED, "html-frame-rtc"] if "rtc" in name]
DATAGRAMS += ["webtransport", "worker-webtransport"]

#: Markup that asks for something elsewhere: {name} becomes a host of its own for each.
MARKUP = {
    "html-img": "<img src=http://{name}/x>",
    "html-img-broken": "<p a='>'><img/src='http://{name}/x'//>",
    "html-srcset": "<img srcset='http://{name}/x 1x, http://{name}/y 2x'>",
    "html-picture": "<picture><source srcset=http://{name}/x><img src=data:,></picture>",
    "html-audio": "<audio src=http://{name}/x preload=auto></audio>",
    "html-video": "<video poster=http://{name}/x></video>",
    "html-object": "<object data=http://{name}/x></object>",
    "html-embed": "<embed src=http://{name}/x>",
    "html-iframe": "<iframe src=http://{name}/x></iframe>",
    "html-srcdoc": "<iframe srcdoc='&lt;img src=http://{name}/x>'></iframe>",
    "html-base": "<iframe srcdoc='&lt;base href=http://{name}/>&lt;img src=x>'></iframe>",
    "html-script": "<script src=http://{name}/x></script>",
    "html-module": "<script type=module src=http://{name}/x></script>",
    "html-module-inline": "<script type=module>import 'http://{name}/x'</script>",
    "html-inline": "<script>new Image().src = 'http://{name}/x'</script>",
    "html-handler": "<img src=x:y onerror=\"new Image().src='http://{name}/x'\">",
    "html-stylesheet": "<link rel=stylesheet href=http://{name}/x>",
    "html-preload": "<link rel=preload as=image href=http://{name}/x>",
    "html-preload-srcset": "<link rel=preload as=image imagesrcset='http://{name}/x 1x'>",
    "html-modulepreload": "<link rel=modulepreload href=http://{name}/x>",
    "html-prefetch": "<link rel=prefetch href=http://{name}/x>",
    "html-preconnect": "<link rel=preconnect href=https://{name}/>",
    "html-style": "<style>.html-style {{ background: url(http://{name}/x) }}</style><p class=html-style>x",
    "html-import": "<style>@import 'http://{name}/x';</style>",
    "html-style-attribute": "<p style='background: url(http://{name}/x)'>x",
    "html-svg": "<svg><image href=http://{name}/x /></svg>",
    "html-svg-xlink": "<svg><image xlink:href=http://{name}/x /></svg>",
    "html-svg-paint": "<svg><style>.q {{ background: url(http://{name}/x) }}</style></svg><p class=q>x",
    "html-input": "<input type=image src=http://{name}/x>",
    "html-background": "<table background=http://{name}/x><td>x</table>",
    "html-shadow": "<div><template shadowrootmode=open><img src=http://{name}/x></template></div>",
    "html-noscript-off": "<noscript></noscript><img src=http://{name}/x>",
    "html-written": "<script>document.write('<img s' + 'rc=http://{name}/x>')</script>",
    "css-url": "<p id=css-url>x",
    "css-escaped": "<p id=css-escaped>x",
    "css-import": "",
    "css-font": "<p style='font-family: css-font'>x",
}  # fmt: skip
STYLE = """@import "http://css-import.example/x"; #css-url { background: URL( 'http://css-url.example/x' ) }
#css-escaped { background: u\\72l(http://css-esca\\70 ed.example/x) }
@font-face { font-family: css-font; src: url(http://css-font.example/x) }"""
HEADERS = {
    "head-preload": "Link: <http://{name}/x>; rel=preload; as=image",
    "head-preconnect": "Link: <https://{name}/>; rel=preconnect",
    "head-policy": "Content-Security-Policy: img-src 'none'; report-uri http://{name}/x",
    "head-refresh": "Refresh: 0; url=http://{name}/x",
    "head-redirect": "Location: http://{name}/x",
}
SCRIPTED = [*names("ways"), *names("workerWays")]
ALL = [*SCRIPTED, *NAVIGATIONS, *MARKUP, *HEADERS, *FRAMED, "html-frame-rtc"]
#: Looked up, never connected to.
LOOKED_UP = "dns-prefetch"


def files(outside: Outside) -> dict[str, tuple[str, str, str]]:
    """The site: path → status, header fields, text."""
    html, script = "Content-Type: text/html\r\n", "Content-Type: text/javascript\r\n"
    ways = f"const PORTS = {outside.ports};\n{WAYS}"
    markup = "".join(text.format(name=f"{name}.example") + "\n" for name, text in MARKUP.items())
    frames = "".join(f"<iframe src=/{name}></iframe>" for name in HEADERS)
    rtc = "<iframe></iframe><script>connect(window[window.length - 1].RTCPeerConnection, 'html-frame-rtc')</script>"
    for name in FRAMED:
        text = f"<script>{CONNECT % outside.ports[name]}</script>"
        if name == "html-svg-rtc":
            svg = quote(f'<svg xmlns="http://www.w3.org/2000/svg">{text}</svg>')
            rtc += f"<iframe src='data:image/svg+xml,{svg}'></iframe>"
        elif name == "html-object-rtc":
            rtc += f"<object data='data:text/html,{quote(text)}'></object>"
        elif name == "html-data-rtc":
            rtc += f"<iframe src='data:text/html;base64,{b64encode(text.encode()).decode()}'></iframe>"
        else:
            rtc += f'<iframe sandbox=allow-scripts srcdoc="{escape(text)}"></iframe>'
    page = f"<!doctype html><link rel=stylesheet href=style.css><body><script src=ways.js></script>{rtc}\n{markup}{frames}"
    found = {
        "/": ("200 OK", html, page),
        "/leave": ("200 OK", html, "<!doctype html><body><script src=ways.js></script>"),
        "/ways.js": ("200 OK", script, ways),
        "/worker.js": ("200 OK", script, ways),
        "/style.css": ("200 OK", "Content-Type: text/css\r\n", STYLE),
    }
    for name, field in HEADERS.items():
        status = "302 Found" if field.startswith("Location") else "200 OK"
        found[f"/{name}"] = (status, html + field.format(name=f"{name}.example") + "\r\n", "<img src=data:,>")
    return found


@contextmanager
def bare(site: dict[str, tuple[str, str, str]]) -> Iterator[str]:
    """The site as it is, on a server of its own; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, text = site.get(self.path, ("404 Not Found", "", ""))
            body = text.encode()
            self.wfile.write(f"HTTP/1.0 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def archived(folder: Path, site: dict[str, tuple[str, str, str]]) -> Iterator[str]:
    """The site in an archive; gives the address of its first page."""
    records = [
        response_record(SITE + path, MOMENT, text.encode(), status=status, headers=headers)
        for path, (status, headers, text) in site.items()
    ]
    path = folder / "site.warc.gz"
    path.write_bytes(b"".join(records))
    home = folder / "warcs"
    with open_holdings(load_settings({"archive": home}, environ={})) as holdings:
        holdings.collections.create("c")
        import_file(path, collection="c", store=holdings.store, index=holdings.index)
    with serving(home) as (reader, _):
        yield f"{reader}c/{STAMP}/{SITE}/"


@contextmanager
def chromium(playwright: Playwright, folder: Path, outside: Outside) -> Iterator[tuple[BrowserContext, Callable[[], str]]]:
    """A browser whose every `*.example` is the outside, and a function that gives its log of the network once it is closed.

    It has a profile of its own, its background networking, and is the one with windows: without these it opens no connection
    ahead of time.
    """
    log = folder / "net.json"
    rules = f"MAP *.example 127.0.0.1:{outside.port}, MAP {PLAIN} 127.0.0.1, MAP *.com ^NOTFOUND, EXCLUDE 127.0.0.1"
    context = playwright.chromium.launch_persistent_context(
        folder / "profile",
        executable_path=windowed_chromium_path(),
        args=[*(flag for flag in FLAGS if flag != "--disable-background-networking" and flag != "--disable-quic"),
              f"--host-resolver-rules={rules}", f"--log-net-log={log}", "--disable-features=MediaRouter"],
        ignore_default_args=["--disable-background-networking"],
        ignore_https_errors=True,
    )  # fmt: skip
    yield context, partial(log.read_text, "utf-8", "replace")
    context.close()


def try_everything(context: BrowserContext, first: str) -> list[Page]:
    """Every way out: of a page with its frames and workers, and of pages that are left, which are given back."""
    page = context.new_page()
    page.goto(first, wait_until="commit")
    page.wait_for_function("document.title === 'done'", timeout=60_000)
    left = []
    for name in NAVIGATIONS:
        left.append(context.new_page())
        left[-1].goto(f"{first}leave#{name}")
    return left


def test_the_listener_sees_every_way(playwright: Playwright, tmp_path: Path) -> None:
    with Outside(DATAGRAMS) as outside, bare(files(outside)) as first:
        with chromium(playwright, tmp_path, outside) as (context, log):
            try_everything(context, first)
            unseen = outside.wait_for({*ALL} - {LOOKED_UP}, 60)
        assert (unseen, LOOKED_UP in hosts(log())) == (set(), True)


@pytest.mark.parametrize("host", ["127.0.0.1", PLAIN])
def test_nothing_leaves_the_archive(playwright: Playwright, tmp_path: Path, host: str) -> None:
    with Outside(DATAGRAMS) as outside, archived(tmp_path, files(outside)) as first:
        with chromium(playwright, tmp_path, outside) as (context, log):
            for page in try_everything(context, first.replace("127.0.0.1", host)):
                page.wait_for_load_state("networkidle")
            # The listener is there, and the browser finds it.
            context.pages[0].evaluate("() => void fetch('http://canary.example/', {mode: 'no-cors'})")
            assert outside.wait_for({"canary"}, 60) == set()
        assert (outside.seen, hosts(log())) == ({"canary"}, {"canary"})


def hosts(log: str) -> set[str]:
    """Names that the browser knows nowhere but from the pages, and that it looked up or connected to."""
    return set(re.findall(r'"(?:host|hostname)":"(?:[a-z]+://)?([a-z-]+)\.(?:example|localhost)', log))
