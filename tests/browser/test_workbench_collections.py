"""An archivist makes a collection with seeds and metadata, in a real browser, also without a mouse."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import log_in

#: What must not be seen on any page: wider than its window, fields without a name, messages in the console.
_NAMELESS = """() => [...document.querySelectorAll('main :is(input:not([type=hidden]), select, textarea, button, a)')]
    .filter(e => !e.hidden && e.getAttribute('aria-hidden') !== 'true')
    .filter(e => !(e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim()))
    .map(e => e.outerHTML.slice(0, 100))"""


def test_a_collection_with_seeds_and_metadata(
    browser: Browser, tmp_path: Path, serve: Callable[[Path], tuple[str, str]]
) -> None:
    archive = tmp_path / "warcs"
    reader, workbench = serve(archive)
    page = browser.new_page(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    log_in(page, archive, workbench)
    _make(page)
    _add_seeds(page)
    _describe(page, tmp_path)
    _rename_the_archive(page, reader, workbench)
    parts = ("", "/seeds", "/seeds/add", "/groups", "/metadata", "/described", "/fields", "/sheet", "/settings")
    for path in (*(f"collections/sites-of-unesco{part}" for part in parts), "settings", "storage", "access"):
        page.set_viewport_size({"width": 390, "height": 800})
        page.goto(f"{workbench}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        assert page.evaluate(_NAMELESS) == [], path
    assert said == []
    page.close()


def _rename_the_archive(page: Page, reader: str, workbench: str) -> None:
    """By the settings, which count in the processes of the reader too, while it runs."""
    page.goto(f"{workbench}settings")
    page.get_by_label("Instance name").fill("Archive of Arles")
    page.get_by_role("button", name="Save “Names”").click()
    expect(page.get_by_role("status")).to_have_text("Changed: Instance name.")
    until = monotonic() + 20
    while "Archive of Arles" not in page.request.get(reader).text():
        assert monotonic() < until
    expect(page.get_by_text("Back to the default: Muniment")).to_be_visible()


def _make(page: Page) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (64, 32), (0, 90, 160)).save(picture, "JPEG")
    page.get_by_role("link", name="Collections", exact=True).click()
    page.get_by_role("link", name="New collection").click()
    page.get_by_label("Title").fill("Sites of UNESCO")
    page.get_by_label("Description").fill("What UNESCO says of itself.")
    page.get_by_label("Topics").fill("Culture\nEducation")
    page.get_by_label("Organisation").fill("UNESCO")
    page.get_by_label("Scope of seeds").select_option("host")
    page.get_by_label("Picture").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture.getvalue()})
    page.get_by_role("button", name="Create the collection").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sites of UNESCO")
    shown = page.get_by_alt_text("Picture of the collection")
    expect(shown).to_have_js_property("naturalWidth", 64)
    expect(page.get_by_text("subject: Culture")).to_be_visible()


def _add_seeds(page: Page) -> None:
    page.get_by_role("link", name="Add seeds").click()
    page.get_by_label("Addresses").fill("https://a.example/\nb.example/news/ scope=prefix\nnot a url\nhttp://a.example/")
    page.get_by_label("Group").fill("Headquarters")
    page.get_by_label("Schedule", exact=True).select_option("weekly")
    page.get_by_role("button", name="Look at them first").click()
    expect(page.get_by_text("everything under b.example/news/")).to_be_visible()
    expect(page.get_by_text("in another spelling")).to_be_visible()
    page.get_by_role("button", name="Add 2 seeds").click()
    expect(page.get_by_text("2 seeds added.")).to_be_visible()
    # without a mouse: the box of the first seed, then the change, then Enter
    page.get_by_label("Choose https://a.example/").focus()
    page.keyboard.press("Space")
    page.get_by_label("State").last.select_option("no")
    page.get_by_role("button", name="Change them").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 seed changed.")).to_be_visible()
    expect(page.get_by_role("row", name="https://a.example/").get_by_text("inactive")).to_be_visible()


def _describe(page: Page, folder: Path) -> None:
    page.get_by_role("link", name="Metadata", exact=True).click()
    page.get_by_label("Field 3").fill("creator")
    page.get_by_label("Value 3", exact=True).fill("مكتبة الإسكندرية")
    assert page.get_by_label("Value 3", exact=True).evaluate("field => getComputedStyle(field).direction") == "rtl"
    page.get_by_label("Value 3 is private").check()
    page.get_by_role("button", name="Move value 2 up").click()
    expect(page.get_by_text("Not saved yet.")).to_be_visible()
    expect(page.get_by_label("Value 1", exact=True)).to_have_value("Education")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_label("Value 3 is private")).to_be_checked()
    page.get_by_role("link", name="Spreadsheet").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    sheet = folder / "sheet.csv"
    download.value.save_as(sheet)
    text = sheet.read_text("utf-8-sig").replace("seed,https://a.example/,", "seed,https://a.example/,Law", 1)
    sheet.write_text(text, "utf-8")
    page.get_by_label("Spreadsheet", exact=False).first.set_input_files(sheet)
    page.get_by_label("What is said already").select_option("replace")
    page.get_by_role("button", name="Look at the changes first").click()
    expect(page.get_by_text("subject: Law")).to_be_visible()
    page.get_by_role("button", name="Make 1 change").click()
    page.get_by_role("link", name="Of seeds").click()
    expect(page.get_by_role("link", name="https://a.example/")).to_be_visible()
