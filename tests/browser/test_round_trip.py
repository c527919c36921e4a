"""Capture a live site, stop it, replay it: it looks the same, and nothing leaves the archive."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import log_in, serving

SITE = Path(__file__).parent.parent.parent / "sample" / "site"


class Quiet(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def live_site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(SITE)))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://lighthouse.localhost:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


NAMES = ("index.html", "fr.html", "ar.html", "ja.html")


class Trip:
    """The site while it is there, what was captured of it, and the servers of the archive.

    Attributes:
        site: where it is.
        archive: folder of the archive.
        results: of each page, as the program told them.
        reader: address of the archive.
        workbench: that of the workbench.
    """

    def __init__(self, site: str, archive: Path, addresses: tuple[str, str]) -> None:
        self.site, self.archive, (self.reader, self.workbench) = site, archive, addresses
        command = [Path(sys.executable).with_name("muniment"), "--archive", archive, "capture", "--allow-private", "--json"]
        done = subprocess.run([*command, *(site + name for name in NAMES)], check=True, capture_output=True)
        self.results: dict[str, dict[str, Any]] = dict(zip(NAMES, json.loads(done.stdout), strict=True))

    def address(self, name: str, modifier: str = "") -> str:
        """Of a page in the archive."""
        return f"{self.reader}default/{self.results[name]['timestamp']}{modifier}/{self.site}{name}"


@pytest.fixture(scope="module")
def trip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trip]:
    """The site, captured, and the archive served."""
    archive = tmp_path_factory.mktemp("trip") / "warcs"
    with serving(archive) as addresses, live_site() as site:
        yield Trip(site, archive, addresses)


def settled(page: Page, url: str) -> bytes:
    page.goto(url, wait_until="networkidle")
    # The browser draws the controls of a video differently from one time to the next.
    return page.screenshot(animations="disabled", mask=[page.locator("video")])


@pytest.mark.parametrize("name", NAMES)
def test_replay_looks_like_the_live_page_and_stays_inside(page: Page, trip: Trip, name: str) -> None:
    page.set_viewport_size({"width": 900, "height": 700})
    live = settled(page, trip.site + name)
    missing = {item["url"] for item in trip.results[name]["resources"] if item["failure"]}
    assert missing == {f"{trip.site}favicon.ico"}
    asked: list[str] = []
    failed: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("response", lambda response: failed.append(response.url) if response.status >= 400 else None)
    replayed = settled(page, trip.address(name, "if_"))
    assert replayed == live
    assert {url for url in asked if not url.startswith((trip.reader, "data:", "blob:"))} == set()
    assert failed == []


def test_the_banner_in_the_browser(page: Page, trip: Trip) -> None:
    page.goto(trip.address("index.html"))
    banner = page.get_by_role("dialog", name="About this archived page")
    expect(banner).to_be_visible()
    box, header = banner.bounding_box(), page.locator("body > header").bounding_box()
    assert box is not None and header is not None
    assert header["y"] >= box["y"] + box["height"], "it pushes the page down"
    page.add_style_tag(content="muniment-banner, body * { display: none !important; color: red !important }")
    expect(banner).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Audio and video on this page (1)").click()
    box_of_media = page.get_by_role("dialog", name="Audio and video on this page")
    expect(box_of_media).to_be_visible()
    page.keyboard.press("Escape")
    expect(box_of_media).to_be_hidden()
    page.get_by_role("button", name="hide").click()
    expect(banner).to_be_hidden()
    page.reload()
    expect(banner).to_be_hidden()
    page.get_by_role("button", name="Archived page").click()
    expect(banner).to_be_visible()


def test_the_banner_leads_to_all_about_the_capture(page: Page, trip: Trip) -> None:
    page.goto(trip.address("index.html"))
    banner = page.get_by_role("dialog", name="About this archived page")
    banner.get_by_text("more").click()
    picture = banner.locator("details img")
    expect(picture).to_be_visible()
    page.wait_for_function("() => document.querySelector('muniment-banner').shadowRoot.querySelector('img').naturalWidth > 0")
    banner.get_by_role("link", name="About this capture").click()
    expect(page.get_by_role("heading", name="The record")).to_be_visible()
    expect(page.get_by_text("verified now: the bytes are what they were")).to_have_count(2)
    page.get_by_text("BibTeX").click()
    expect(page.get_by_text("@misc{")).to_be_visible()
    page.get_by_role("link", name="Earlier capture").click()
    expect(page.get_by_role("heading", name="The lighthouse keeper's book")).to_be_visible()


def test_the_banner_hides_without_javascript(browser: Browser, trip: Trip) -> None:
    context = browser.new_context(java_script_enabled=False, locale="fr-FR")
    page = context.new_page()
    page.goto(trip.address("fr.html"))
    banner = page.get_by_role("dialog", name="À propos de cette page archivée")
    expect(banner).to_be_visible()
    page.get_by_role("button", name="masquer").click()
    expect(banner).to_be_hidden()
    context.close()


def test_the_workbench_captures_a_page_and_shows_it(page: Page, trip: Trip) -> None:
    log_in(page, trip.archive, trip.workbench)
    page.get_by_role("link", name="Save page", exact=True).click()
    page.get_by_label("Address of the page").fill(f"{trip.site}index.html")
    page.get_by_label("Capture it anew").check()
    page.get_by_role("button", name="Save page").click()
    expect(page.get_by_role("status")).to_have_text("saved", timeout=20_000)
    expect(page.get_by_role("cell", name="favicon.ico")).to_be_visible()
    page.get_by_role("link", name="See it as readers do").click()
    expect(page.get_by_role("heading", name="The lighthouse keeper's book")).to_be_visible()
    assert page.url.startswith(trip.reader)


def test_no_archived_page_can_drive_the_workbench(page: Page, trip: Trip) -> None:
    reader, workbench = trip.reader, trip.workbench
    page.goto(reader)
    form = f"""<form id=f method=post action="{workbench}save"><input name=url value="http://example.org/"></form>"""
    blocked: list[str] = []
    page.on("console", lambda message: blocked.append(message.text))
    page.evaluate("(form) => { document.body.innerHTML = form; document.getElementById('f').submit() }", form)
    page.evaluate("() => document.title")
    answer = page.request.post(f"{workbench}save", form={"url": "http://example.org/"}, headers={"Origin": reader.rstrip("/")})
    assert answer.status == 403
    rebound = page.request.get(workbench, headers={"Host": "evil.example"})
    assert rebound.status == 403
