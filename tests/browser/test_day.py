"""An archivist's day, and a reader's: from the first start to a citation, in a real browser, on real servers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, expect

from archiver.holdings import open_holdings
from archiver.settings import load_settings
from tests.servers.routes import Answer, Route, RouteServer
from tests.workbench import PASSWORD, accounts_of

LONG = 40_000  # milliseconds, of work that a keeper does


def site(keeper: str) -> dict[str, Route]:
    """A small site; the name of its keeper is what changes."""
    home = (
        "<!doctype html><title>The lighthouse</title><img src=i.png><h1>The lighthouse</h1>"
        f"<p>Kept by {keeper}. <a href=log.html>Log</a>"
    )
    return {
        "/": Answer(home.encode()),
        "/log.html": Answer(b"<!doctype html><title>Log</title><p>Fog, and a gale from the west."),
        "/i.png": Answer(b"\x89PNG" + bytes(99), "image/png"),
        "/robots.txt": Answer(b"User-agent: *\nAllow: /\n", "text/plain"),
    }


def test_from_the_first_start_to_a_citation(browser: Browser, tmp_path: Path, serve: Callable[[Path], tuple[str, str]]) -> None:
    archive = tmp_path / "warcs"
    reader, workbench = serve(archive)
    with open_holdings(load_settings({"archive": archive}, environ={})) as holdings:
        key = accounts_of(holdings).begin()
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    with RouteServer(site("Ada")) as server:
        seed = server.url("/")
        first_start(page, f"{workbench}begin?key={key}")
        make_collection(page, seed)
        test_crawl(page, workbench)
        server.routes.update(site("Grace"))
        crawl_again(page, workbench)
    publish(page, workbench)
    read(page, reader, seed)
    page.close()


def first_start(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("Organisation").fill("Lighthouse Trust")
    page.get_by_label("Name to log in with").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def make_collection(page: Page, seed: str) -> None:
    page.get_by_role("link", name="Collections", exact=True).click()
    page.get_by_role("link", name="New collection").click()
    page.get_by_label("Title").fill("Lighthouses")
    page.get_by_label("Organisation").fill("Lighthouse Trust")
    page.get_by_label("Who may see it").select_option("private")
    page.get_by_label("Scope of seeds").select_option("host")
    page.get_by_role("button", name="Create the collection").click()
    page.get_by_role("link", name="Add seeds").click()
    page.get_by_label("Addresses").fill(seed)
    page.get_by_role("button", name="Look at them first").click()
    page.get_by_role("button", name=re.compile("Add 1 seed")).click()
    expect(page.get_by_text("1 seed added.")).to_be_visible()


def test_crawl(page: Page, workbench: str) -> None:
    page.goto(f"{workbench}tests")
    page.get_by_label("For the collection").select_option("lighthouses")
    page.get_by_role("button", name="Begin").click()
    number = page.url.rpartition("/")[2]
    until(page, lambda: page.get_by_role("status").get_by_text("finished").is_visible())
    expect(page.get_by_role("row", name="Documents").get_by_role("cell").last).to_have_text(re.compile("[4-9]"))
    page.get_by_role("button", name="Save into lighthouses").click()
    until(page, lambda: page.get_by_text("done", exact=True).first.is_visible())
    page.goto(f"{workbench}crawls/{number}")
    expect(page.get_by_role("main")).to_contain_text("finished")


test_crawl.__test__ = False  # type: ignore[attr-defined]


def crawl_again(page: Page, workbench: str) -> None:
    page.goto(f"{workbench}crawls/new?collection=lighthouses&seeds=collection")
    page.fill("#delay", "0.05")
    page.locator("button:not(.hidden)", has_text="Show what it would be").click()
    page.click("text=Start the crawl")
    until(page, lambda: page.locator("#part-state .badge").inner_text() == "finished")
    page.click("nav.tabs >> text=Hosts")
    expect(page.get_by_role("main")).to_contain_text("127.0.0.1")


def publish(page: Page, workbench: str) -> None:
    page.goto(f"{workbench}collections/lighthouses/settings")
    page.get_by_label("Who may see it").select_option("public")
    page.get_by_role("button", name="Save").first.click()


def read(page: Page, reader: str, seed: str) -> None:
    page.goto(reader)
    expect(page.get_by_role("link", name="Lighthouses")).to_be_visible()
    until(page, lambda: page.goto(f"{reader}lighthouses/?q=gale") is not None and page.locator(".hits mark").count() > 0)
    page.get_by_role("link", name="Log").first.click()
    banner = page.get_by_role("dialog", name="About this archived page")
    expect(banner).to_contain_text("at the request of Lighthouse Trust")
    page.goto(f"{reader}lighthouses/-/changes?url={seed}")
    page.get_by_role("link", name=re.compile("ompare")).first.click()
    expect(
        page.locator("del, ins").filter(has_text="Ada").or_(page.locator("del, ins").filter(has_text="Grace")).first
    ).to_be_visible()
    page.goto(f"{reader}lighthouses/{seed}")
    page.get_by_role("dialog", name="About this archived page").get_by_text("more").click()
    page.get_by_role("link", name="About this capture").click()
    expect(page.get_by_text("parts of this page were captured within")).to_be_visible()
    expect(page.locator("details.cite").first).to_contain_text("The lighthouse. (20")


def until(page: Page, is_so: Callable[[], bool]) -> None:
    """Load the page again until something is so: keepers work at their own pace."""
    for _ in range(LONG // 100):
        if is_so():
            return
        page.wait_for_timeout(100)
        try:
            page.reload()
        except Error as error:
            if "ERR_ABORTED" not in str(error):
                raise
            page.wait_for_load_state()  # it was loading itself again
    raise AssertionError("It did not come to that.")
