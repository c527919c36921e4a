"""The reader's pages and the banner as people meet them: on a phone, in Arabic, in the dark, with the keyboard, on paper."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.archive import SITE, STAMP, TAKEOVERS

PHONE = {"width": 360, "height": 740}
PORTAL = {
    "home": "/",
    "collection": "/unesco/",
    "versions": f"/unesco/*/{SITE}/often?page=1",
    "day": f"/unesco/20160810*/{SITE}/often?page=1",
    "under": f"/unesco/*/{SITE}/*",
    "list": f"/unesco/-/captures?url={SITE}/often%3Fpage=1",
    "changes": f"/unesco/-/changes?url={SITE}/often%3Fpage=1",
    "compare": f"/unesco/-/compare?url={SITE}/often%3Fpage=1",
    "summary": f"/unesco/-/summary?url={SITE}/",
    "missing": f"/unesco/{SITE}/nothing-here",
}
BANNER = "muniment-banner"


def replay(reader: str, path: str) -> str:
    return f"{reader}/unesco/{STAMP}/{SITE}{path}"


@pytest.fixture(scope="module", params=[("en-US", "light"), ("ar", "dark")], ids="-".join)
def phone(browser: Browser, request: pytest.FixtureRequest) -> Iterator[tuple[Page, str, str]]:
    """A phone's page, its language and its colours."""
    locale, scheme = request.param
    context = browser.new_context(viewport=PHONE, locale=locale, color_scheme=scheme)  # type: ignore[arg-type]
    yield context.new_page(), locale, scheme
    context.close()


@pytest.mark.parametrize("name", PORTAL)
def test_pages_fit_a_phone_in_both_directions(phone: tuple[Page, str, str], reader: str, name: str) -> None:
    page, locale, scheme = phone
    page.goto(reader + PORTAL[name])
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.locator("html").get_attribute("dir") == ("rtl" if locale == "ar" else "ltr")
    assert page.locator("h1").count() == 1
    dark = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every((part) => part < 80)"
    assert page.evaluate(dark) is (scheme == "dark")
    if locale == "ar" and name != "collection":  # its heading is the collection's own name
        assert any("\u0600" <= letter <= "\u06ff" for letter in page.locator("h1").inner_text())


def test_versions_are_found_by_year_day_and_list_without_javascript(browser: Browser, reader: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(reader + PORTAL["versions"])
    assert page.locator(".bars li").count() == 7  # 2016 to 2022
    page.get_by_role("link", name="2018").click()
    assert page.locator("h2").first.inner_text() == "2018"
    days = page.locator(".months summary")
    assert days.count() == 10
    label = days.first.get_attribute("aria-label") or ""
    assert "2018" in label and label.endswith("Captures: 1; the page (2xx)")
    days.first.click()
    day = page.locator(".months .day").locator("visible=true")
    assert day.get_by_role("link").first.inner_text().count(":") == 2
    day.get_by_role("link", name="All captures of this day").click()
    assert page.locator(".list tbody tr").count() == 1
    page.locator(".list tbody a").click()
    page.locator(BANNER).wait_for()
    assert f"{SITE}/often?page=1" in page.url
    context.close()


def test_the_keyboard_reaches_everything(page: Page, reader: str) -> None:
    page.goto(reader + PORTAL["versions"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    seen = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.closest('.bars,.months,.list')?.className"))
    assert {"bars", "months", "list"} <= seen


@pytest.mark.parametrize("path", ["/plain", "/quirks", "/hostile", "/media"])
@pytest.mark.parametrize("javascript", [True, False])
def test_the_banner_pushes_the_page_down_and_keeps_its_look(browser: Browser, reader: str, path: str, javascript: bool) -> None:
    context = browser.new_context(java_script_enabled=javascript, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(replay(reader, path))
    banner = page.locator(f"{BANNER} .b")
    box = banner.bounding_box()
    assert box is not None
    if path != "/hostile" or javascript:  # without script the banner stands in the body that those styles wreck
        assert (box["x"], box["y"], box["width"]) == (0, 0, 1280) or path != "/plain"
        assert 30 < box["height"] < 140
        below = page.locator("#x").bounding_box()
        assert below is not None
        assert below["y"] >= box["height"]
        assert banner.evaluate("(node) => getComputedStyle(node).fontSize") == "14px"
        button = page.get_by_role("button", name="hide").bounding_box()
        assert button is not None
        assert button["height"] < 40
    context.close()


@pytest.mark.parametrize("name", [name for name in TAKEOVERS if name != "fight"])
def test_what_a_page_does_to_the_banner_does_not_last(page: Page, reader: str, name: str) -> None:
    page.goto(replay(reader, f"/takes/{name}"))
    button = page.get_by_role("button", name="hide")
    button.click()
    assert page.locator(f"{BANNER} .b").is_hidden()
    page.get_by_role("button", name="Archived page").click()
    box = page.locator(f"{BANNER} .b").bounding_box()
    assert box is not None
    assert (box["x"], box["y"]) == (0, 0)
    assert not page.locator("title, style").locator("visible=true").count()
    assert page.locator(BANNER).count() == 1


@pytest.mark.parametrize("name", ["long", "short", "late"])
def test_a_header_fixed_to_the_window_stands_below_the_banner(page: Page, reader: str, name: str) -> None:
    page.goto(replay(reader, f"/header-{name}"))
    height = page.locator(f"{BANNER} .b").evaluate("(node) => node.offsetHeight")
    top = "(y) => Math.abs(document.querySelector('header').getBoundingClientRect().top - y) < 1"
    page.wait_for_function(f"() => document.querySelector('header') && ({top})({height})")
    assert page.evaluate("document.querySelector('header').attributes.length") == 0
    if name != "short":
        page.evaluate("scrollTo(0, 20)")
        page.wait_for_function(top, arg=height - 20)
        page.evaluate("scrollTo(0, 500)")
        page.wait_for_function(top, arg=0)
        page.evaluate("scrollTo(0, 0)")
        page.wait_for_function(top, arg=height)
    page.get_by_role("button", name="hide").click()
    page.wait_for_function(top, arg=0)
    page.get_by_role("button", name="Archived page").click()
    page.wait_for_function(top, arg=height)


def test_a_page_that_will_not_have_the_banner_still_runs(page: Page, reader: str) -> None:
    page.goto(replay(reader, "/takes/fight"))
    assert page.locator("body").inner_text().endswith("x")


def test_scripts_that_take_over_the_document_find_it_as_it_was(page: Page, reader: str) -> None:
    page.goto(replay(reader, "/plain"))
    children = "[...document.documentElement.children, ...document.body.childNodes].map((node) => node.nodeName).join(' ')"
    assert page.evaluate(children) == "HEAD BODY H1 A"


def test_modules_that_a_page_names_relative_to_itself_see_the_archive(page: Page, reader: str) -> None:
    page.goto(replay(reader, "/modular"))
    page.wait_for_function("document.body.innerText.split(';').length > 3")
    assert sorted(page.locator("body").inner_text().split(";")) == ["", *(f"{way} {SITE}/modular" for way in (1, 2, 3))]


def test_a_module_runs_once_whenever_each_part_of_the_page_was_captured(page: Page, reader: str) -> None:
    page.goto(replay(reader, "/once"))
    page.wait_for_function("document.body.innerText")
    assert page.locator("body").inner_text() == "1 of 1"


def test_hiding_is_remembered_and_can_be_undone_with_the_keyboard(page: Page, reader: str) -> None:
    page.goto(replay(reader, "/plain"))
    page.get_by_role("button", name="hide").focus()
    page.keyboard.press("Enter")
    assert page.locator(f"{BANNER} .b").is_hidden()
    page.goto(replay(reader, "/quirks"))
    assert page.locator(f"{BANNER} .b").is_hidden()
    page.get_by_role("button", name="Archived page").focus()
    page.keyboard.press("Enter")
    assert page.locator(f"{BANNER} .b").is_visible()
    page.reload()
    assert page.locator(f"{BANNER} .b").is_visible()


def test_the_banner_stands_above_a_frameset_once(page: Page, reader: str) -> None:
    page.goto(replay(reader, "/frames"))
    assert page.title() == "Two frames"
    assert page.locator(BANNER).is_visible()
    frames = {frame.url.rpartition("/")[2]: frame for frame in page.frames}
    assert {"menu", "main", "frames"} <= set(frames)
    for name in ("menu", "main"):
        assert frames[name].locator(BANNER).count() == 0
    frames["menu"].locator("#in").click()
    page.wait_for_function("document.querySelector('iframe').contentWindow.frames.main.document.querySelector('#y')")
    assert page.locator(BANNER).is_visible()
    frames["menu"].locator("#out").click()
    page.wait_for_url("**/plain")
    assert page.locator(BANNER).is_visible()


def test_the_banner_stands_above_a_frameset_without_javascript(browser: Browser, reader: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(replay(reader, "/frames"))
    assert page.locator(f"{BANNER} .b").is_visible()
    box = page.locator("iframe").bounding_box()
    assert box is not None
    assert box["height"] > 400
    context.close()


def test_on_paper_the_sentence_stays_and_the_buttons_go(page: Page, reader: str) -> None:
    page.goto(replay(reader, "/media"))
    page.emulate_media(media="print")
    assert page.get_by_text("You are viewing an archived web page").is_visible()
    assert page.locator(f"{BANNER} button").first.is_hidden()
    assert page.locator(f"{BANNER} .m").is_hidden()


@pytest.mark.parametrize(("locale", "next_key", "word"), [("en-US", "ArrowRight", "hide"), ("ar", "ArrowLeft", "إخفاء")])
def test_the_lightbox_follows_the_direction_of_reading(
    browser: Browser, reader: str, locale: str, next_key: str, word: str
) -> None:
    context = browser.new_context(locale=locale)
    page = context.new_page()
    page.goto(replay(reader, "/media"))
    assert page.get_by_role("button", name=word).is_visible()
    opener = page.locator(f"{BANNER} .m")
    opener.focus()
    page.keyboard.press("Enter")
    shown = page.locator(f"{BANNER} .l:visible")
    assert "One & only\n1 / 3" in shown.inner_text()
    page.keyboard.press(next_key)
    assert "2 / 3" in shown.inner_text()
    assert shown.locator("audio").count() == 1
    page.keyboard.press(next_key)
    page.keyboard.press(next_key)  # there is no fourth
    assert "3 / 3" in shown.inner_text()
    page.keyboard.press("Escape")
    assert shown.count() == 0
    assert page.evaluate(f"document.querySelector('{BANNER}').shadowRoot.activeElement.className") == "m"
    context.close()


def test_the_lightbox_works_without_javascript(browser: Browser, reader: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(replay(reader, "/media"))
    page.locator(f"{BANNER} .m").click()
    shown = page.locator(f"{BANNER} .l:visible")  # each opens above the one before
    assert "1 / 3" in shown.last.inner_text()
    shown.last.locator(".n").click()
    assert "2 / 3" in shown.last.inner_text()
    shown.last.locator(".p").click()
    assert "1 / 3" in shown.last.inner_text()
    shown.last.locator(".n").click()
    shown.last.locator(".x").click()
    assert shown.count() == 0
    context.close()


def test_the_lightbox_has_captions_and_the_file(page: Page, reader: str) -> None:
    page.goto(replay(reader, "/captioned"))
    page.locator(f"{BANNER} .m").click()
    video = page.locator(f"{BANNER} .l video")
    assert video.evaluate("(video) => [...video.textTracks].map((track) => track.label)") == ["English", "Arabic"]
    cue = video.evaluate(
        """async (video) => {
            const element = video.querySelector('track');
            element.track.mode = 'showing';
            while (!element.track.cues?.length) await new Promise((done) => element.addEventListener('load', done));
            return element.track.cues[0].text;
        }"""
    )
    assert cue == "The sea is calm."
    link = page.get_by_role("link", name="Download")
    for _ in range(10):  # by the player's own buttons, of which its captions are one, to what follows
        page.keyboard.press("Tab")
        if link.evaluate("(link) => link.matches(':focus')"):
            break
    page.keyboard.press("Tab")
    assert page.locator(f"{BANNER} .l .x").evaluate("(button) => button.matches(':focus')")
    page.keyboard.press("Shift+Tab")  # the last thing in the lightbox
    assert link.evaluate("(link) => link.matches(':focus')")
    with page.expect_download() as found:
        page.keyboard.press("Enter")
    assert found.value.suggested_filename == "one.webm"
    assert found.value.path().read_bytes() == bytes(64)
    for width, height in ((390, 800), (800, 390)):  # all of it is seen on a phone, which has no room beside the player
        page.set_viewport_size({"width": width, "height": height})
        box = page.locator(f"{BANNER} .l:popover-open")
        assert box.evaluate("(box) => box.scrollHeight <= box.clientHeight && box.scrollWidth <= box.clientWidth")
        close, player = (box.locator(name).bounding_box() for name in (".x", "video"))
        assert close and player and (player["y"] >= close["y"] + close["height"] or player["x"] + player["width"] <= close["x"])


def test_a_page_without_media_says_nothing_of_it(page: Page, reader: str) -> None:
    page.goto(replay(reader, "/plain"))
    assert page.locator(f"{BANNER} .m").count() == 0
    assert page.locator(f"{BANNER} .l").count() == 0
