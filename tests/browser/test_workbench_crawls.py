"""An archivist's crawl in a real browser: begun, watched, changed, stopped, and read about; with scripts and without."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from playwright.sync_api import Browser, Page, expect

from tests.archiver.crawling import page, text
from tests.browser.conftest import make_account, serving
from tests.servers.routes import Answer, Asked, Route, RouteServer
from tests.workbench import PASSWORD


class Slowly:
    """A page of a site, said after a moment, so that a crawl of it takes long enough to be watched."""

    def __init__(self, *links: str) -> None:
        self._answer = page(*links)
        self._lock = Lock()

    def __call__(self, _: Asked) -> Answer:
        with self._lock:
            time.sleep(0.05)  # a server's work, not a test's waiting
        return self._answer


def site(pages: int) -> dict[str, Route]:
    """A site whose every page takes a moment."""
    paths = [f"/p{number}.html" for number in range(pages)]
    return {
        "/": page("/shut/x.html", *paths, embeds=["/i.png"]),
        "/i.png": text(b"\x89PNG" + bytes(400), "image/png"),
        "/robots.txt": text("User-agent: *\nDisallow: /shut/\n"),
        **{path: Slowly() for path in paths},
    }


@contextmanager
def archivist(browser: Browser, home: Path, workbench: str, *, scripts: bool = True) -> Iterator[Page]:
    """A tab in which an archivist is logged in; nothing may go wrong in its scripts."""
    make_account(home)
    context = browser.new_context(java_script_enabled=scripts)
    tab = context.new_page()
    said: list[str] = []
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    tab.goto(f"{workbench}login")
    tab.fill("#name", "ada")
    tab.fill("#password", PASSWORD)
    tab.click("main button")
    yield tab
    context.close()
    assert said == []


def begin(tab: Page, workbench: str, seed: str) -> None:
    """Begin a crawl through the form and its preview."""
    tab.goto(f"{workbench}crawls")
    tab.click("text=Start a crawl")
    tab.fill("#seeds", seed)
    tab.select_option("#scope", "host")
    tab.fill("#delay", "0.05")
    tab.fill("#limit_documents", "5000")
    tab.locator("button:not(.hidden)", has_text="Show what it would be").click()
    expect(tab.locator("#preview")).to_contain_text("Everything on 127.0.0.1")
    tab.click("text=Start the crawl")


def test_a_crawl_is_begun_watched_stopped_and_read_about(tmp_path: Path, browser: Browser) -> None:
    with (
        RouteServer(site(400)) as server,
        serving(tmp_path) as (_, workbench),
        archivist(browser, tmp_path, workbench) as tab,
    ):
        begin(tab, workbench, server.url("/"))
        expect(tab.locator("#part-state .badge")).to_have_text("running", timeout=20_000)
        tab.evaluate("window.isTheSamePage = true")
        documents = tab.locator(".tiles dd").first
        seen = documents.inner_text()
        expect(documents).not_to_have_text(seen, timeout=20_000)  # told by the stream: the page was not loaded again
        assert tab.evaluate("window.isTheSamePage")
        expect(tab.locator("#part-plot rect").first).to_be_attached(timeout=20_000)

        tab.click("text=Change scope, limits, rules")
        tab.fill("[name=rule_pattern_0]", "/p1")
        tab.click("text=Change the crawl")
        expect(tab.locator(".tiles")).to_contain_text(re.compile(r"[1-9]\d* out of scope"), timeout=20_000)
        tab.focus("text=Stop")
        tab.keyboard.press("Enter")
        expect(tab.locator("#part-state .badge")).to_have_text("stopped", timeout=20_000)

        tab.click("nav.tabs >> text=Hosts")
        tab.locator("td.number a[href*='state=blocked']").first.click()
        tab.click(f"text={server.url('/shut/x.html')}")
        expect(tab.locator("main")).to_contain_text("The site's robots.txt forbids it")
        tab.click("nav.tabs >> text=Reasons")
        tab.locator("tr", has_text="A rule of the crawl").or_(tab.locator("tr", has_text="has a rule")).first.locator(
            "a"
        ).click()
        expect(tab.locator("table.urls")).to_contain_text("/p1")
        tab.check("[aria-label='Choose all on this page']")
        tab.click("text=Make a rule…")
        expect(tab.locator("main")).to_contain_text(re.compile(r"matches (\d+) of \1"))
        tab.goto(f"{workbench}audit")
        for action in ("crawl.start", "crawl.change", "crawl.stop"):
            expect(tab.locator("main")).to_contain_text(action)


def test_a_crawl_needs_no_script(tmp_path: Path, browser: Browser) -> None:
    with (
        RouteServer(site(3)) as server,
        serving(tmp_path) as (_, workbench),
        archivist(browser, tmp_path, workbench, scripts=False) as tab,
    ):
        begin(tab, workbench, server.url("/"))
        expect(tab.locator("#part-state .badge")).to_have_text("finished", timeout=30_000)  # the page loads itself again
        expect(tab.locator(".tiles dd").first).to_have_text("8")
        tab.click("nav.tabs >> text=File types")
        tab.locator("tr", has_text="image/png").locator("a").first.click()
        expect(tab.locator("table.urls tbody tr")).to_have_count(1)
