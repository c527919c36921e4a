"""The public pages of collections in a real browser: on a phone, with the keyboard alone, without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from archiver.collections.descriptions import DescriptionRegistry, Statement
from archiver.collections.images import ImageRegistry
from archiver.collections.seeds import SeedRegistry
from archiver.collections.seedvalues import SeedDraft
from archiver.holdings import open_holdings, utc_now
from archiver.search.build import read_texts
from archiver.settings import load_settings
from tests.browser.archive import SITE, make_archive
from tests.browser.conftest import serving
from tests.replay.test_portal import picture

PAGES = ("/", "/unesco/", "/unesco/?f=subject:Water&sort=title", "/-/organisations/unesco", "/all/?q=water&in=descriptions",
         "/unesco/?q=plain", f"/unesco/?q={SITE}/&in=addresses")  # fmt: skip


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a reader over a collection with seeds and descriptions."""
    archive: Path = make_archive(tmp_path_factory.mktemp("portal"))
    with open_holdings(load_settings({"archive": archive}, environ={})) as holdings:
        collection = holdings.collections.update("unesco", organisation="UNESCO", description="What was published. " * 12)
        said = DescriptionRegistry(holdings.engine)
        drafts = [SeedDraft(f"{SITE}/plain", title="Plain page")]
        drafts += [SeedDraft(f"http://a-rather-long-name-{n}.example/{'path/' * 12}", title=f"Site {n}") for n in range(30)]
        SeedRegistry(holdings.engine, utc_now).add("unesco", drafts)
        for number, draft in enumerate(drafts):
            shared = Statement("subject", "Water" if number < 12 else "Education")
            said.replace("unesco", "seed", draft.url, [shared, Statement("creator", f"Office {number % 9}")])
        ImageRegistry(holdings.engine, utc_now).put("collection", collection.number, picture())
        read_texts(holdings)
    with serving(archive) as (address, _):
        yield address.rstrip("/")


def test_no_page_is_wider_than_a_phone_or_stopped_by_the_wall(browser: Browser, portal: str) -> None:
    told: list[str] = []
    for locale in ("en-US", "ar", "fr"):
        context = browser.new_context(viewport={"width": 360, "height": 740}, locale=locale)
        page = context.new_page()
        page.on("console", lambda message: told.append(message.text))
        for address in PAGES:
            page.goto(portal + address)
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, address
            assert page.evaluate("[...document.images].every((image) => image.loading === 'lazy' || image.naturalWidth > 0)")
        context.close()
    assert told == []


def test_from_home_to_an_archived_page_without_javascript(browser: Browser, portal: str) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-US")
    page = context.new_page()
    page.goto(portal + "/")
    page.locator(".cards").get_by_role("link", name="UNESCO", exact=True).first.click()
    page.get_by_role("navigation", name="Narrow down").get_by_role("link", name="Water").click()
    expect(page.locator(".seeds > li")).to_have_count(12)
    page.get_by_text("Sort by").click()
    page.get_by_role("link", name="title, Z–A").click()
    expect(page.locator(".seeds h3").first).to_have_text("Site 9")
    page.get_by_role("searchbox").fill("plain")
    page.keyboard.press("Enter")
    page.get_by_role("navigation", name="Where to search").get_by_role("link", name="Descriptions").click()
    expect(page.get_by_role("status")).to_have_text("Descriptions found: 1")
    page.get_by_role("link", name="Plain page").click()
    expect(page.locator("#x")).to_have_text("Plain")
    assert context.cookies() == []
    context.close()


def test_lists_are_narrowed_and_paged_with_the_keyboard(browser: Browser, portal: str) -> None:
    page = browser.new_page(locale="en-US")
    page.goto(portal + "/unesco/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.get_by_role("searchbox").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/unesco/?sort=title")
    page.get_by_role("link", name="Next").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".pager [aria-current]")).to_have_text("Page 2 of 2")
    expect(page.locator(".seeds > li")).to_have_count(11)
    page.close()
