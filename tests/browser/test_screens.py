"""Every screen, in a real browser: for screen readers, with the keyboard alone, in both colour schemes, on a phone, right to
left, without scripts, and small.

The list of screens is held against the addresses of the applications and against their templates: a new page that nobody looks
at here fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from sqlalchemy import update

from archiver.index.database import writing
from archiver.index.worktables import jobs
from replay.workbench.session import COOKIE
from tests.browser.screens import NO_PAGES, Screen, Screens, page_endpoints, proxied, screens

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
MOST_BYTES = 100_000
#: The readers, the workbenches, and the proxy.
SERVERS = ("reader", "workbench", "proxy")

#: What axe finds: the rule, what it says, and where.
_FOUND = """async (within) => {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'];
  const options = {runOnly: {type: 'tag', values: tags}, rules: {'target-size': {enabled: true}}, resultTypes: ['violations']};
  const told = await axe.run(within ? {include: [within]} : document, options);
  return told.violations.map((one) => `${one.id} (${one.help}): ${one.nodes.slice(0, 3).map((node) => node.html).join(' ')}`);
}"""

#: What Tab has to come to, and how it looked before: controls that are seen, of a group of radio buttons one; of what is open
#: above all else, only its own.
_LISTEN = """(within) => {
  const host = within ? document.querySelector(within).shadowRoot : document;
  const top = host.querySelector(':popover-open') ?? host;
  const looks = (element) => {
    const style = getComputedStyle(element);
    return ['outlineStyle', 'outlineWidth', 'outlineColor', 'boxShadow', 'backgroundColor', 'borderColor', 'color',
            'textDecorationLine', 'textDecorationThickness'].map((name) => style[name]).join();
  };
  const selector = 'a[href], button, input:not([type=hidden]), select, textarea, summary, audio, video, [tabindex]';
  const seen = (element) => element.checkVisibility({visibilityProperty: true, opacityProperty: true})
    && !element.disabled && element.tabIndex >= 0 && !element.closest('[inert]') && element.getClientRects().length > 0;
  const all = [...top.querySelectorAll(selector)].filter(seen);
  const group = (one) => all.filter((other) => other.type === 'radio' && other.name === one.name);
  const passed = (one) => one.type === 'radio' && one !== (group(one).find((other) => other.checked) ?? group(one)[0]);
  const first = host.activeElement;  // what a page begins with
  const begun = first && looks(first);
  first?.blur();
  const before = new Map(all.filter((one) => !passed(one)).map((one) => [one, looks(one)]));
  const told = window.tabbed = {before, unseen: [], met: new Set()};
  const meet = (element, now) => {
    if (told.met.has(element)) return;
    told.met.add(element);
    const own = element.matches('audio, video');  // the browser draws their controls
    if (before.has(element) && !own && now === before.get(element)) told.unseen.push(element.outerHTML);
  };
  if (before.has(first)) {
    first.focus();
    meet(first, begun);
  }
  host.addEventListener('focusin', (event) => meet(event.target, looks(event.target)), true);
  return before.size;
}"""
_TAB = {"type": "rawKeyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
_TABBED = """() => {
  const short = (text) => text.slice(0, 160);
  const {before, unseen, met} = window.tabbed;
  return [
    ...[...before.keys()].filter((one) => !met.has(one)).map((one) => 'Tab does not come to ' + short(one.outerHTML)),
    ...unseen.map((one) => 'one does not see that the focus is on ' + short(one)),
  ];
}"""
_LEFT = "() => [...window.tabbed.before.keys()].filter((one) => !window.tabbed.met.has(one)).length"
_BYTES = """() => performance.getEntriesByType('resource')
  .filter((one) => !one.name.includes('/image') && !one.name.endsWith('/logo'))
  .reduce((sum, one) => sum + one.decodedBodySize, 0)"""
_SEND = """([path, fields]) => {
  const form = Object.assign(document.createElement('form'), {method: 'post', action: path});
  for (const [name, value] of Object.entries({csrf_token: document.querySelector('[name=csrf_token]').value, ...fields}))
    form.append(Object.assign(document.createElement('input'), {name, value}));
  document.body.append(form);
  form.submit();
}"""
_LINKS = "() => [...document.querySelectorAll('a[href]')].map((link) => link.getAttribute('href'))"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screens]:
    """All screens, on running servers."""
    with screens(tmp_path_factory.mktemp("screens")) as made:
        yield made


def tab(browser: Browser, shown: Screens, language: str, *, scripts: bool = True) -> tuple[BrowserContext, Page]:
    """A tab in which an administrator is logged in."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, locale=language, java_script_enabled=scripts, reduced_motion="reduce"
    )
    context.add_cookies([{"name": COOKIE, "value": shown.session, "domain": "127.0.0.1", "path": "/"}])

    def by_proxy(route: Route) -> None:
        answer = proxied(shown.holdings, "/" + route.request.url.rpartition("/")[2], language)
        headers = {name.decode(): value.decode("latin-1") for name, value in answer.fields}
        route.fulfill(status=answer.status, headers=headers, body=b"".join(answer.body))

    context.route(f"{shown.origins['proxy']}/*", by_proxy)
    page = context.new_page()
    page.set_default_timeout(30_000)
    return context, page


def go(page: Page, shown: Screens, screen: Screen) -> None:
    """To a screen."""
    if screen.form is None:
        answer = page.goto(shown.address(screen))
    else:
        page.goto(shown.origins[screen.server] + "/me")
        with page.expect_navigation() as navigation:
            page.evaluate(_SEND, [screen.path, dict(screen.form)])
        answer = navigation.value
    assert answer is not None and answer.status == screen.status, f"{screen}: {answer and answer.status}"
    if screen.press:
        page.locator(screen.press).press("Enter")


def walk(page: Page, within: str) -> list[str]:
    """What is wrong for those who have a keyboard only."""
    keys = page.context.new_cdp_session(page)

    def press() -> None:
        keys.send("Input.dispatchKeyEvent", _TAB)

    for _ in range(page.evaluate(_LISTEN, within)):
        press()
    for _ in range(20):  # some controls have several stops
        if not page.evaluate(_LEFT):
            break
        press()
    keys.detach()
    found: list[str] = page.evaluate(_TABBED)
    return found


def test_what_is_wrong_is_found(browser: Browser) -> None:
    """Neither axe nor the walk with the keyboard is deaf."""
    page = browser.new_page()
    page.set_content(
        "<style>a:focus { outline: none } p { color: #aaa } #c { display: none }</style><p>faint</p><img src=x>"
        "<a href=a>a</a><button onfocus=\"document.querySelector('#c').focus()\">b</button><button tabindex=-1 id=c>c</button>"
        "<div tabindex=0>d</div><input onkeydown='event.preventDefault()'><button>e</button>"
    )
    page.evaluate(AXE)
    found = " ".join(page.evaluate(_FOUND, ""))
    assert all(rule in found for rule in ("color-contrast", "image-alt", "label", "html-has-lang", "document-title"))
    told = walk(page, "")
    assert [one.partition(" <")[2] for one in told] == ["button>e</button>", 'a href="a">a</a>']
    page.close()


def test_every_page_has_a_screen(shown: Screens) -> None:
    for name in ("reader", "workbench"):
        endpoints = page_endpoints(shown.apps[name], name)
        assert endpoints - shown.endpoints(name) - shown.endpoints("fresh") == set(), "pages that nobody looks at here"
        assert NO_PAGES[name] <= set(shown.apps[name].view_functions)


def unscripted(page: Page, plain: Page, within: str) -> list[str]:
    """What a page says or leads to, and does not without scripts."""
    if within:
        return [] if plain.locator(f"{within} dialog").inner_text() else ["it is empty without scripts"]
    found = [
        f"without scripts it has no link to {link}" for link in sorted({*page.evaluate(_LINKS)} - {*plain.evaluate(_LINKS)})
    ]
    if plain.locator("h1").inner_text() != page.locator("h1").inner_text():
        found.append("without scripts it is about something else")
    return found


@pytest.mark.parametrize("server", SERVERS)
def test_screens_are_for_everybody(browser: Browser, shown: Screens, server: str) -> None:
    """For screen readers, light and dark, wide and narrow; for those who have but a keyboard, no scripts, or a slow line."""
    context, page = tab(browser, shown, "en-US")
    plain_context, plain = tab(browser, shown, "en-US", scripts=False)
    wrong: list[str] = []
    for screen in shown.of(server):
        go(page, shown, screen)
        found = []
        if not screen.needs_scripts and screen.form is None:
            go(plain, shown, screen)
            found += unscripted(page, plain, screen.within)
        page.evaluate(AXE)
        found += page.evaluate(_FOUND, screen.within)
        found += walk(page, screen.within)
        if server == "workbench":  # its only language
            found += narrow_and_dark(page, screen)
        if page.evaluate(_BYTES) > MOST_BYTES:
            found.append(f"{page.evaluate(_BYTES)} bytes of its own")
        wrong += [f"{screen}: {one}" for one in found]
    context.close()
    plain_context.close()
    assert wrong == []
    assert shown.unseen(server) == set(), "templates that nobody looks at here"


@pytest.mark.parametrize("server", ["reader", "proxy"])
def test_screens_from_right_to_left_are_for_everybody(browser: Browser, shown: Screens, server: str) -> None:
    context, page = tab(browser, shown, "ar")
    wrong: list[str] = []
    for screen in shown.of(server):
        go(page, shown, screen)
        page.evaluate(AXE)
        wrong += [f"{screen}: {one}" for one in narrow_and_dark(page, screen)]
        if not screen.within:
            assert page.locator("html").get_attribute("dir") == "rtl"
    context.close()
    assert wrong == []


def narrow_and_dark(page: Page, screen: Screen) -> list[str]:
    """What axe finds on a phone at night."""
    page.set_viewport_size({"width": 390, "height": 800})
    page.emulate_media(color_scheme="dark")
    found: list[str] = page.evaluate(_FOUND, screen.within)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")
    return [f"dark, on a phone: {one}" for one in found]


def test_a_page_of_work_keeps_itself_up_to_date(browser: Browser, shown: Screens) -> None:
    context, page = tab(browser, shown, "en-US")
    page.clock.install()
    page.goto(shown.origins["workbench"] + shown.waiting)
    status = page.get_by_role("status")
    expect(status).to_contain_text("waiting")
    cancel = page.get_by_role("button", name="Cancel")
    cancel.focus()
    page.evaluate("window.isTheSamePage = true")
    with writing(shown.holdings.engine) as connection:
        connection.execute(update(jobs).values(state="running", message="half way"))
    page.clock.fast_forward(3000)
    expect(status).to_contain_text("half way")
    expect(cancel).to_be_focused()
    assert page.evaluate("window.isTheSamePage")
    with writing(shown.holdings.engine) as connection:
        connection.execute(update(jobs).values(state="done"))
    with page.expect_event("load"):  # it is over
        page.clock.fast_forward(3000)
    expect(status).to_contain_text("done")
    expect(cancel).to_have_count(0)
    context.close()
