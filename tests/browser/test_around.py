"""The pages around a URL in a real browser: with the keyboard alone, without JavaScript, from calendar to comparison."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.archive import SITE

CALENDAR = f"/unesco/2018*/{SITE}/often?page=1"
PAGES = [
    CALENDAR,
    *(f"/unesco/-/{name}?url={SITE}/often%3Fpage=1" for name in ("captures", "changes", "compare")),
    f"/unesco/-/compare?url={SITE}/seen",
    f"/unesco/*/{SITE}/*",
    f"/unesco/-/summary?url={SITE}/",
]


def test_a_day_opens_and_closes_with_the_keyboard(page: Page, reader: str) -> None:
    page.goto(reader + CALENDAR)
    days = page.locator(".months summary")
    days.nth(0).focus()
    page.keyboard.press("Enter")
    opened = page.locator(".months .day").locator("visible=true")
    expect(opened).to_have_count(1)
    page.keyboard.press("Tab")
    assert re.fullmatch(r"\d\d:\d\d:\d\d", page.evaluate("document.activeElement.innerText"))
    page.keyboard.press("Escape")
    expect(opened).to_have_count(0)
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    days.nth(1).click()
    days.nth(2).click()
    expect(opened).to_have_count(1)
    page.locator("h1").click()
    expect(opened).to_have_count(0)


def test_pop_ups_stay_inside_the_page_on_a_phone(browser: Browser, reader: str) -> None:
    for locale in ("en-US", "ar"):
        context = browser.new_context(viewport={"width": 360, "height": 740}, locale=locale)
        page = context.new_page()
        page.goto(reader + CALENDAR)
        for day in page.locator(".months summary").all():
            day.click()
            box = page.locator(".months .day").locator("visible=true").bounding_box()
            assert box is not None
            assert box["x"] >= 0 and box["x"] + box["width"] <= 360
        context.close()


def test_from_the_calendar_to_a_comparison_without_javascript(browser: Browser, reader: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(reader + CALENDAR)
    page.get_by_role("link", name="Changes", exact=True).click()
    page.get_by_role("radio", name=re.compile("Older")).nth(3).check()
    page.get_by_role("button", name="Compare the two chosen versions").click()
    assert page.locator(".compare del").inner_text().endswith("16")
    assert page.locator(".compare ins").inner_text().endswith("19")
    page.get_by_role("link", name="List", exact=True).click()
    page.get_by_label("Content").select_option("unchanged")
    page.get_by_label("From").fill("2018")
    page.get_by_label("To", exact=True).fill("2018")
    page.get_by_role("button", name="Show").click()
    rows = page.locator(".list tbody tr")
    assert 0 < rows.count() < 10
    assert all("unchanged" in text for text in rows.all_inner_texts())
    page.get_by_role("link", name="Addresses below").click()
    page.get_by_label("Address contains").fill("often")
    page.get_by_role("button", name="Show").click()
    page.locator("td.url a", has_text="often?page=1").click()
    page.get_by_role("heading", name="Versions of").wait_for()
    context.close()


def test_pictures_of_two_versions_lie_side_by_side_or_one_over_the_other(browser: Browser, reader: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{reader}/unesco/-/compare?url={SITE}/seen")
    expect(page.get_by_text("80% of the picture differs")).to_be_visible()
    expect(page.get_by_text("Lay one over the other")).to_be_hidden()
    older, newer, different = (image.bounding_box() for image in page.locator(".pair img").all())
    assert older and newer and different
    assert older["x"] + older["width"] <= newer["x"] and newer["x"] + newer["width"] <= different["x"]
    context.close()
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="ar")  # also there older is on the left
    page = context.new_page()
    page.goto(f"{reader}/unesco/-/compare?url={SITE}/seen")
    marks = (
        "(cell) => { const style = getComputedStyle(cell); return [style.direction, style.paddingLeft, style.paddingRight] }"
    )
    direction, left, right = page.locator(".compare td").first.evaluate(marks)
    assert direction == "ltr" and left > right  # room for the marks is where the text begins, not where the page does
    page.get_by_role("checkbox").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    assert seen_at(page, 0.45) == "teal" and seen_at(page, 0.55) == "orange"
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    assert seen_at(page, 0.65) == "teal" and seen_at(page, 0.75) == "orange"
    page.keyboard.press("Home")
    assert seen_at(page, 0.05) == "orange"
    context.close()


def seen_at(page: Page, across: float) -> str:
    """The colour of the page in the overlay, so far from its left edge."""
    box = page.locator(".pair figure:nth-child(2) img").bounding_box()
    assert box is not None
    with Image.open(io.BytesIO(page.screenshot())) as shot:
        seen = shot.convert("RGB").getpixel((int(box["x"] + across * box["width"]), int(box["y"] + box["height"] / 2)))
    return {(0, 128, 128): "teal", (255, 165, 0): "orange"}.get(seen, str(seen))  # type: ignore[call-overload, no-any-return]


def test_pictures_in_the_calendar_have_their_place_before_they_come(page: Page, reader: str) -> None:
    page.route("**/-/picture/**", lambda route: route.abort())
    page.goto(f"{reader}/unesco/2016*/{SITE}/seen")
    page.locator(".months summary").first.click()
    image = page.locator(".day .shot").locator("visible=true")
    box = image.bounding_box()
    assert box is not None and (box["width"], box["height"]) == (96, 60)
    page.unroute("**/-/picture/**")


@pytest.mark.parametrize("address", PAGES)
def test_marks_and_texts_have_contrast_in_light_and_dark(browser: Browser, reader: str, address: str) -> None:
    """Everything that is written is told from what is behind it (WCAG 2.2, 1.4.3)."""
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(reader + address)
        assert page.evaluate(CONTRAST) == []
        context.close()


#: Texts whose contrast with what is behind them is too low; colours that are mixed are drawn to be read.
CONTRAST = """() => {
  const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1});
  const pen = canvas.getContext('2d', {willReadFrequently: true});
  const drawn = (...colours) => {
    pen.clearRect(0, 0, 1, 1);
    for (const colour of colours) { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); }
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const low = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest('.hidden,.skip,option')) continue;
    const behind = [];
    for (let at = node; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
    const faint = node.closest('.empty') ? 1 : 4.5;
    const [a, b] = [light(drawn(...behind, getComputedStyle(node).color)), light(drawn(...behind))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < faint) low.push(walker.currentNode.data.trim() + ' ' + ((a + 0.05) / (b + 0.05)).toFixed(2));
  }
  return low;
}"""
