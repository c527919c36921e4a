"""Other replay servers with the corpus in them: pywb from PyPI, and wabac.js as ReplayWeb.page from npm ships it.

Both are fetched by name into a folder of their own, and run as their documentation says.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import Browser, BrowserContext

from tests.browser.conftest import free_port, wait_for
from tests.corpus.check import Replay, replay_at

#: Twice as long as for ours, which nobody could call short.
PATIENCE = 10_000
#: As its documentation has it embedded in a page of one's own.
_EMBED = """<!doctype html><title>corpus</title><script src="ui.js"></script><body><script>
const {url, ts} = Object.fromEntries(new URLSearchParams(location.search));
const element = document.createElement("replay-web-page");
for (const [name, value] of Object.entries({source: "/corpus.warc.gz", coll: "corpus", embed: "replayonly", url, ts}))
  element.setAttribute(name, value);
element.style.height = "600px";
document.body.append(element);
</script></body>
"""


@contextmanager
def pywb(place: Path, warc: Path) -> Iterator[tuple[str, Replay]]:
    """pywb's own `wayback` with the corpus; its version, and where it replays."""
    programs = place / "pywb" / "bin"
    if not (programs / "wayback").exists():
        subprocess.run([sys.executable, "-m", "venv", place / "pywb"], check=True)
        subprocess.run([programs / "pip", "install", "-q", "pywb", "setuptools<81"], check=True, stderr=subprocess.DEVNULL)
    home = place / "pywb-corpus"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    for arguments in (["init", "corpus"], ["add", "corpus", str(warc)]):
        subprocess.run(
            [programs / "wb-manager", *arguments], cwd=home, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    said = subprocess.run(
        [programs / "python", "-c", "import importlib.metadata as m; print(m.version('pywb'))"],
        check=True,
        capture_output=True,
        text=True,
    )
    port = free_port()
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([programs / "wayback", "-b", "127.0.0.1", "-p", str(port)], cwd=home, stdout=log, stderr=log)
    try:
        inside = f"http://127.0.0.1:{port}/"
        wait_for(inside, process)
        yield said.stdout.strip(), replay_at(f"{inside}corpus/", patience=PATIENCE)
    finally:
        process.terminate()
        process.wait(20)


class _Files(SimpleHTTPRequestHandler):
    """Files, as any server sends them."""

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def _wabac_files(place: Path) -> tuple[Path, str]:
    """The folder with its service worker, and its version."""
    folder = place / "replaywebpage"
    if not (folder / "package" / "sw.js").exists():
        folder.mkdir(parents=True, exist_ok=True)
        packed = subprocess.run(
            ["npm", "pack", "--silent", "replaywebpage"], cwd=folder, check=True, capture_output=True, text=True
        )
        with tarfile.open(folder / packed.stdout.split()[-1]) as archive:
            archive.extractall(folder, filter="data")
    return folder / "package", json.loads((folder / "package" / "package.json").read_text())["version"]


@contextmanager
def wabac(place: Path, warc: Path, browser: Browser) -> Iterator[tuple[str, Replay, BrowserContext]]:
    """ReplayWeb.page's service worker with the corpus; its version, where it replays, and the browser that it lives in."""
    package, version = _wabac_files(place)
    site = place / "wabac-corpus"
    shutil.rmtree(site, ignore_errors=True)
    (site / "replay").mkdir(parents=True)
    shutil.copy(package / "ui.js", site)
    shutil.copy(package / "sw.js", site / "replay")
    shutil.copy(warc, site / "corpus.warc.gz")
    (site / "index.html").write_text(_EMBED, encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(site)))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    inside = f"http://127.0.0.1:{server.server_port}/"
    context = browser.new_context(locale="en-US", timezone_id="UTC")
    try:
        yield version, Replay(f"{inside}index.html?ts={{at}}&url={{quoted}}", inside, PATIENCE), context
    finally:
        context.close()
        server.shutdown()
        server.server_close()
        thread.join()
