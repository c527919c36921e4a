"""The reader's own service worker: it leads strays home, and stays out of the way of everything else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from archiver.holdings import open_holdings
from archiver.settings import load_settings
from archiver.warc.importer import import_file
from tests.browser.archive import MOMENT, SITE, STAMP
from tests.browser.conftest import serving
from tests.servers.warcs import response_record

#: Asks for a picture in a way that no rewriting reads, and says of itself to nobody where it is.
HIDING = (
    "<!doctype html><meta name=referrer content=no-referrer><title>Hiding</title><script>"
    "const stray = (path) => document.body.setAttribute('style', `background: u\\\\72l(${path})`);"
    "navigator.serviceWorker?.addEventListener('controllerchange', () => location.reload())</script><body>"
)
#: The second looks like an address of the archive, but for what follows the number.
PICTURES = ("/stray.png", "/uploads/2016/08/a.png")
CONTROLLED = "() => performance.getEntriesByType('navigation')[0].workerStart"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("net")
    records = [response_record(f"{SITE}/hiding", MOMENT, HIDING.encode())]
    for picture in PICTURES:
        records.append(response_record(f"{SITE}{picture}", MOMENT, b"\x89PNG", headers="Content-Type: image/png\r\n"))
    path = folder / "site.warc.gz"
    path.write_bytes(b"".join(records))
    home = folder / "warcs"
    with open_holdings(load_settings({"archive": home}, environ={})) as holdings:
        holdings.collections.create("c")
        import_file(path, collection="c", store=holdings.store, index=holdings.index)
    with serving(home) as (address, _):
        yield address.rstrip("/")


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    yield context
    context.close()


@pytest.mark.parametrize("picture", PICTURES)
def test_strays_of_pages_that_hide_where_they_are_are_led_home(reader: str, context: BrowserContext, picture: str) -> None:
    page = context.new_page()
    loads: list[str] = []
    page.on("load", lambda loaded: loads.append(loaded.url))
    with context.expect_event("serviceworker") as spread:
        page.goto(f"{reader}/c/{STAMP}/{SITE}/hiding")
    assert spread.value.url == f"{reader}/-/net.js"
    page.wait_for_function("() => fetch('/-/health').then(() => true)")
    with page.expect_response(lambda response: response.url.endswith(f"im_/{SITE}{picture}")) as found:
        # The browser says when the net is spread: the same request is tried until it is led home.
        page.evaluate("(path) => setInterval(() => { document.body.removeAttribute('style'); stray(path); }, 50)", picture)
    assert (found.value.status, found.value.url) == (200, f"{reader}/c/{STAMP}im_/{SITE}{picture}")
    assert len(loads) == 1  # the page heard nothing of it, or it would have loaded itself again


def test_pages_see_no_service_worker(reader: str, context: BrowserContext) -> None:
    page = context.new_page()
    with context.expect_event("serviceworker"):
        page.goto(f"{reader}/c/{STAMP}/{SITE}/hiding")
    page.reload()
    seen = page.evaluate(
        "async () => [navigator.serviceWorker.controller, (await navigator.serviceWorker.getRegistrations()).length]"
    )
    assert seen == [None, 0]


def test_the_reader_s_own_pages_stay_as_they_are(reader: str, context: BrowserContext) -> None:
    page = context.new_page()
    with context.expect_event("serviceworker"):
        page.goto(f"{reader}/c/{STAMP}/{SITE}/hiding")
    home = page.goto(f"{reader}/c/")
    assert home is not None
    assert (home.status, page.evaluate("() => fetch('/none').then((r) => r.status)")) == (200, 404)


def test_addresses_of_the_archive_go_past_it(reader: str, context: BrowserContext) -> None:
    page = context.new_page()
    with context.expect_event("serviceworker"):
        page.goto(f"{reader}/c/{STAMP}/{SITE}/hiding")
    page.goto(f"{reader}/c/")
    page.evaluate("() => navigator.serviceWorker.ready.then(() => 0)")
    page.reload()
    fetched = page.evaluate(
        "(paths) => Promise.all(paths.map(async (path) => { await (await fetch(path)).text();"
        " return performance.getEntriesByName(location.origin + path)[0].workerMatchedSourceType }))",
        [
            f"/c/{STAMP}im_/{SITE}/stray.png",
            f"/c/{STAMP}im_/{SITE.replace('http:', 'https:')}/stray.png",
            "/uploads/2016/08/a.png",
        ],
    )
    assert fetched == ["network", "network", ""]
