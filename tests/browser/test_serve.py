"""The servers as processes: what is going on when they are stopped is kept."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.parse
import urllib.request
from pathlib import Path
from threading import Event, Thread

from archiver.holdings import open_holdings
from archiver.settings import load_settings
from archiver.urls import urlkey
from tests.browser.conftest import serving
from tests.servers.routes import Answer, Asked, RouteServer


def test_a_capture_that_the_workbench_was_making_is_kept_when_it_is_stopped(tmp_path: Path) -> None:
    asked, release = Event(), Event()

    def slow(_: Asked) -> Answer:
        asked.set()
        release.wait(20)
        return Answer(b"late", "image/png")

    with RouteServer({"/": Answer(b"<p>here<img src=slow.png>"), "/slow.png": slow}) as server:
        with serving(tmp_path) as (_, workbench):
            browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
            page = browser.open(workbench).read().decode()
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
            assert token is not None
            form = {"csrf_token": token.group(1), "url": server.url("/"), "collection": "default"}
            asking = urllib.request.Request(f"{workbench}captures", urllib.parse.urlencode(form).encode())
            asking.add_header("Origin", workbench.rstrip("/"))
            browser.open(asking).close()
            assert asked.wait(20)
            Thread(target=release.set).start()
        files = list((tmp_path / "archive").iterdir())
        assert [file.suffix for file in files] == [".gz"]
        with open_holdings(load_settings({"archive": tmp_path}, environ={})) as holdings:
            assert holdings.repaired == ()
            assert holdings.index.newest(["default"], urlkey(server.url("/"))) is not None
