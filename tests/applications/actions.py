"""What readers do, as steps."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, Page

from tests.applications.model import Step


def within(page: Page, selector: str) -> Locator:
    """The first element of a selector; frames are entered at ` >> frame >> `."""
    *frames, last = selector.split(" >> frame >> ")
    if not frames:
        return page.locator(last).first
    place = page.frame_locator(frames[0])
    for frame in frames[1:]:
        place = place.frame_locator(frame)
    return place.locator(last).first


def click(name: str, selector: str, until: str = "") -> Step:
    """Press the mouse on something."""
    return Step(name, lambda page: within(page, selector).click(), until)


def fill(name: str, selector: str, text: str, until: str = "", *, enter: bool = False) -> Step:
    """Write into a field, and send it."""

    def act(page: Page) -> None:
        field = within(page, selector)
        field.fill(text)
        if enter:
            field.press("Enter")

    return Step(name, act, until)


def write(name: str, selector: str, text: str, until: str = "") -> Step:
    """Put the cursor somewhere and use the keyboard; a line break is the Enter key."""

    def act(page: Page) -> None:
        within(page, selector).click()
        page.keyboard.type(text)

    return Step(name, act, until)


def press(name: str, keys: str, until: str = "") -> Step:
    """Keys, one after the other, with a blank between."""

    def act(page: Page) -> None:
        for key in keys.split():
            page.keyboard.press(key)

    return Step(name, act, until)


def both(name: str, *acts: Callable[[Page], object], until: str = "") -> Step:
    """Several things in one step."""

    def act(page: Page) -> None:
        for one in acts:
            one(page)

    return Step(name, act, until)


def shows(selector: str, text: str = "") -> str:
    """JavaScript: an element that can be seen has this text in it."""
    said = f"(e.innerText ?? e.textContent).includes({text!r})"
    return f"[...document.querySelectorAll({selector!r})].some((e) => e.getClientRects().length && {said})"
