"""An archive of awkward pages, for looking at in a browser."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image

from archiver.holdings import open_holdings
from archiver.settings import load_settings
from archiver.warc.importer import import_file
from tests.servers.warcs import resource_record, response_record

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
STAMP = "20160810204623"
SITE = "http://site.example"

#: Everything a page's own styles could do to a banner.
HOSTILE = (
    "<!doctype html><title>Hostile</title><style>*{display:none!important;visibility:hidden!important;font-size:90px!important;"
    "position:fixed!important;opacity:0!important;color:transparent!important}html{visibility:visible!important;opacity:1!important;position:static!important}html,head~*{display:grid!important}"
    "body{display:flex!important;visibility:visible!important;opacity:1!important;position:static!important;height:100vh}"
    "#x{display:block!important;visibility:visible!important;opacity:1!important;position:static!important}"
    "dialog,button,a,p,form{transform:rotate(180deg)!important}</style><body><div id=x>page</div>"
)
QUIRKS = "<html><body bgcolor=#ffffee><center><h1 id=x>Quirks</h1><table width=100%><tr><td>old</table></center></html>"
PLAIN = "<!doctype html><title>Plain</title><style>*{margin:0}</style><h1 id=x>Plain</h1><a href='/quirks'>on</a>"
FRAMES = (
    "<html><head><title>Two frames</title></head><frameset cols='20%,*'><frame src=menu name=menu>"
    "<frame src=main name=main></frameset></html>"
)
#: What pages do to everything they did not put there themselves.
TAKEOVERS = {
    "remove": "document.querySelectorAll('html > :not(head):not(body), head > *, body > :not(#x)').forEach((e) => e.remove())",
    "empty": "document.head.innerHTML = ''; document.body.innerHTML = '<p id=x>new</p>'",
    "inner": "document.documentElement.innerHTML = '<head></head><body><p id=x>new</p></body>'",
    "write": "document.open(); document.write('<!doctype html><p id=x>new'); document.close()",
    "replace": "const r = document.createElement('html'); r.append(document.createElement('head'), "
    "document.createElement('body')); r.lastChild.id = 'x'; document.replaceChild(r, document.documentElement)",
    "hide": "for (const e of document.querySelectorAll('head, head *')) { e.style.cssText = 'display:none!important'; "
    "e.hidden = e.inert = true; e.className = 'x' }",
    "fight": "new MutationObserver(() => document.querySelector('muniment-banner')?.remove())"
    ".observe(document, {childList: true, subtree: true}); document.body.append('x')",
    "show": "document.head.insertAdjacentHTML('beforeend', '<style>* { display: block !important }</style>')",
}
MENU = "<body><a id=in href=other target=main>in</a> <a id=out href=plain target=_top>out</a></body>"
#: A header at the top of the window, long enough to scroll or not, and one that comes later.
HEADER = (
    "<!doctype html><title>Header</title><style>body{margin:0}header{position:fixed;top:0;left:0;right:0;height:50px;"
    "background:#ddd}main{padding-top:60px;height:%s}</style>%s<main><p id=x>page</main>"
)
MEDIA = (
    "<!doctype html><title>Media</title><h1 id=x>Media</h1><video src=/one.webm title='One &amp; only'></video>"
    "<audio src=/two.mp3></audio><video><source src=/three.mp4></video>"
)
CAPTIONED = (
    "<!doctype html><title>Captioned</title><video src=/one.webm><track src=/en.vtt srclang=en>"
    "<track src=/ar.vtt srclang=ar></video>"
)
#: Modules named relative to a page, in each of the ways.
MODULAR = (
    "<!doctype html><title>Modular</title><base href=/parts/><body><script type=module>import {where} from './where.mjs'; "
    "document.body.append(where(1))</script><script>import('../parts/where.mjs').then(({where}) => "
    "document.body.append(where(2))); const name = './where.mjs'; import(name).then(({where}) => "
    "document.body.append(where(3)))</script>"
)
ONCE = (
    "<!doctype html><title>Once</title><body><script type=module>import {met as one} from './parts/one.mjs'; "
    "import {met as two} from './parts/two.mjs'; const {met} = await import('./parts/met.mjs'); "
    "document.body.append([...new Set([one, two, met])].length, ' of ', window.runs)</script>"
)
MODULES = {
    "where.mjs": "export const where = (way) => `${way} ${location.href};`",
    "one.mjs": "export {met} from './met.mjs'",
    "two.mjs": "import {met} from '/parts/met.mjs'; export {met}",
    "met.mjs": "window.runs = (window.runs ?? 0) + 1; export const met = {}",
}

PAGES = {
    "/modular": MODULAR,
    "/once": ONCE,
    "/plain": PLAIN,
    "/hostile": HOSTILE,
    "/quirks": QUIRKS,
    "/frames": FRAMES,
    "/menu": MENU,
    "/main": "<body><p id=x>main</p></body>",
    "/other": "<body><p id=y>other</p></body>",
    "/media": MEDIA,
    "/captioned": CAPTIONED,
    "/header-long": HEADER % ("3000px", "<header>menu</header>"),
    "/header-short": HEADER % ("100px", "<header>menu</header>"),
    "/header-late": HEADER
    % (
        "3000px",
        "<script>onload=()=>requestAnimationFrame(()=>document.body.prepend(document.createElement('header')))</script>",
    ),
}
PAGES |= {
    f"/takes/{name}": f"<!doctype html><title>T</title><style>#x {{ color: red }}</style><p id=x>old</p>"
    f"<script>addEventListener('load', () => {{ {script} }})</script>"
    for name, script in TAKEOVERS.items()
}
MEDIA_FILES = {"/one.webm": "video/webm", "/two.mp3": "audio/mpeg", "/three.mp4": "video/mp4"}
CAPTIONS = "WEBVTT\n\n00:00.000 --> 00:10.000\nThe sea is calm.\n"


def picture(colour: str) -> bytes:
    """A picture of a page that has one colour below its head."""
    drawn = Image.new("RGB", (400, 250), "white")
    drawn.paste(colour, (0, 50, 400, 250))
    out = io.BytesIO()
    drawn.save(out, "PNG")
    return out.getvalue()


def make_archive(folder: Path) -> Path:
    """An archive with the pages above, and with 60 captures of one address over six years."""
    records = [response_record(f"{SITE}{path}", MOMENT, text.encode()) for path, text in PAGES.items()]
    for seconds, (path, source) in enumerate(MODULES.items()):  # as crawls take them: each at its own time
        moment, mime = MOMENT + timedelta(seconds=seconds), "text/javascript"
        records.append(response_record(f"{SITE}/parts/{path}", moment, source.encode(), headers=f"Content-Type: {mime}\r\n"))
    for path, mime in MEDIA_FILES.items():
        records.append(response_record(f"{SITE}{path}", MOMENT, b"\0" * 64, headers=f"Content-Type: {mime}\r\n"))
    for path in ("/en.vtt", "/ar.vtt"):
        records.append(response_record(f"{SITE}{path}", MOMENT, CAPTIONS.encode(), headers="Content-Type: text/vtt\r\n"))
    for number in range(60):
        moment = MOMENT + timedelta(days=37 * number, seconds=61 * number)
        records.append(response_record(f"{SITE}/often?page=1", moment, f"<p>{number // 3}</p>".encode()))
    for number, colour in enumerate(("teal", "orange")):
        moment = MOMENT + timedelta(days=number)
        records.append(response_record(f"{SITE}/seen", moment, f"<title>Seen</title><p>{colour}".encode()))
        records.append(resource_record(f"urn:view:{SITE}/seen", moment + timedelta(seconds=3), picture(colour), "image/png"))
    path = folder / "pages.warc.gz"
    path.write_bytes(b"".join(records))
    home = folder / "warcs"
    with open_holdings(load_settings({"archive": home}, environ={})) as holdings:
        holdings.collections.create(
            "unesco",
            title="UNESCO",
            organisation="United Nations Educational, Scientific and Cultural Organization (UNESCO)",
            organisation_url="https://www.unesco.org/",
            description="Pages about heritage, kept since 2016.",
        )
        report = import_file(path, collection="unesco", store=holdings.store, index=holdings.index)
    assert not report.bad
    return home
