"""A HAR that a browser wrote is taken in, and replayed as the browser saw the pages."""

from __future__ import annotations

import gzip
from pathlib import Path

from playwright.sync_api import Browser

from archiver.holdings import open_holdings
from archiver.settings import load_settings
from archiver.urls import urlkey
from tests.archiver.importing import Import, body_of
from tests.servers.routes import Answer, RouteServer

PAGE = (
    "<!doctype html><meta charset=utf-8><title>Har</title><link rel=stylesheet href=/s.css><img src=/i.png><h1>ä</h1>".encode()
)
PICTURE = bytes(range(256))


def test_what_chromium_recorded_comes_in_as_it_was(browser: Browser, tmp_path: Path) -> None:
    packed = gzip.compress(PAGE)
    routes = {
        "/": Answer(packed, "text/html", headers=(("Content-Encoding", "gzip"),)),
        "/s.css": Answer(b"h1 { color: red }", "text/css"),
        "/i.png": Answer(PICTURE, "image/png"),
        "/old": Answer(status=302, headers=(("Location", "/"),)),
    }
    with RouteServer(routes) as server:
        context = browser.new_context(record_har_path=tmp_path / "x.har", record_har_content="embed")
        page = context.new_page()
        page.goto(server.url("/old"))
        page.wait_for_load_state("networkidle")
        context.close()
        site = server.url("/")
    with open_holdings(load_settings({"archive": tmp_path / "home", "allow_private": True}, environ={})) as holdings:
        done = Import(holdings, tmp_path / "x.har")
        assert body_of(holdings, site) == PAGE
        assert body_of(holdings, f"{site}s.css") == b"h1 { color: red }"
        assert body_of(holdings, f"{site}i.png") == PICTURE
        redirect = next(holdings.index.versions(["default"], urlkey(f"{site}old")))
        assert redirect.status == 302
        assert [found.title for found in holdings.crawls.pages("default")] == ["Har"], done.notes
