"""The form to save a page and the page to try the API, in a browser: scripts run under the policy of the workbench."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event, Thread

import pytest
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from archiver.accounts import Role
from archiver.engine import StopSignal
from archiver.holdings import Holdings, utc_now
from archiver.jobs import JobRegistry
from archiver.keeping import work_off
from replay.workbench.app import create_workbench
from replay.workbench.session import COOKIE
from tests.browser.conftest import free_port
from tests.servers.routes import Answer, Asked, Route, RouteServer
from tests.workbench import PASSWORD, QUICK, accounts_of


@pytest.fixture
def workbench(holdings_with: Callable[..., Holdings]) -> Iterator[tuple[str, str]]:
    """Address of a workbench, and the session of an administrator."""
    port = free_port()
    holdings = holdings_with(workbench_port=port)
    app = create_workbench(holdings.settings, holdings, hasher=QUICK)
    accounts = accounts_of(holdings)
    accounts.create("ada", PASSWORD, Role.ADMINISTRATOR)
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{port}", accounts.log_in("ada", PASSWORD)
    app.extensions["muniment.saves"].close()
    server.shutdown()
    thread.join()


@pytest.fixture
def page(browser: Browser, workbench: tuple[str, str]) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 800})
    context.add_cookies([{"name": COOKIE, "value": workbench[1], "domain": "127.0.0.1", "path": "/"}])
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda message: problems.append(message.text) if "Content Security Policy" in message.text else None)
    yield opened
    assert problems == []
    context.close()


def test_a_page_is_saved_before_ones_eyes(page: Page, workbench: tuple[str, str]) -> None:
    release = Event()

    def slow(_: Asked) -> Answer:
        release.wait(20)
        return Answer(b"x", "image/png")

    routes: dict[str, Route] = {
        "/": Answer(b"<title>A</title><img src=/i.png>"),
        "/i.png": slow,
        "/favicon.ico": Answer(b"i", "image/png"),
    }
    with RouteServer(routes) as site:
        page.goto(f"{workbench[0]}/save/from?url={site.url('/')}")  # as the bookmarklet does
        assert page.wait_for_selector("#url") and page.input_value("#url") == site.url("/")
        page.click("main form button")
        page.wait_for_selector("#resources li")
        assert page.inner_text("#state") == "being saved"
        release.set()
        page.wait_for_selector("text=See it as readers do")
        assert page.inner_text("#count") == "3"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_an_operation_is_tried(page: Page, workbench: tuple[str, str], holdings_with: Callable[..., Holdings]) -> None:
    holdings = holdings_with()
    export = JobRegistry(holdings.engine, utc_now).put("export", {"form": "json"}, "default")
    work_off(holdings, StopSignal())
    page.goto(f"{workbench[0]}/api")
    page.click("#create_collection > summary")
    page.fill("#create_collection-body", '{"slug": "news", "title": "News"}')
    page.click("#create_collection form button")
    page.wait_for_selector("#create_collection output >> text=201")
    page.click("#get_collection > summary")
    page.fill("#get_collection-slug", "news")
    page.click("#get_collection form button")
    output = page.wait_for_selector("#get_collection output >> text=200")
    assert output is not None and '"title": "News"' in output.inner_text()
    page.click("#get_exported_file > summary")
    page.fill("#get_exported_file-number", str(export))
    page.click("#get_exported_file form button")
    with page.expect_download() as download:
        page.click("#get_exported_file output >> text=Download the file")
    assert download.value.suggested_filename == "default.json"
    assert "Repr-Digest: sha-256=" in page.inner_text("#get_exported_file output")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
