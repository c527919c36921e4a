"""Shows the cases in Chromium, from any replay server, and says what the pages show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright, TimeoutError

from tests.browser.conftest import FLAGS, chromium_path
from tests.corpus.cases import Case
from tests.corpus.origin import Origin

#: Milliseconds until a page has shown what it is going to show.
PATIENCE = 5_000


@dataclass(frozen=True)
class Verdict:
    """What became of a case.

    Attributes:
        shown: the text of its result; None when there was none.
        outside: requests that did not go to the replay server.
        passed: the result is the expected one, and nothing went outside.
    """

    shown: str | None
    outside: tuple[str, ...]
    passed: bool


@dataclass(frozen=True)
class Replay:
    """A replay server.

    Attributes:
        pattern: of its addresses; `{at}`, `{url}` and `{quoted}` (the URL as a parameter) are put in.
        inside: addresses that are its own begin with this.
        patience: milliseconds until a page has shown what it is going to show.
    """

    pattern: str
    inside: str
    patience: int = PATIENCE

    def address(self, case: Case) -> str:
        """Where the page of a case is."""
        return self.pattern.format(at=case.at, url=case.page, quoted=quote(case.page, safe=""))


def replay_at(base: str, modifier: str = "", patience: int = PATIENCE) -> Replay:
    """A server with addresses of the usual form.

    Args:
        base: address of the collection with the corpus, with its slash.
        modifier: what follows a timestamp there, such as "mp_".
        patience: see `Replay`.
    """
    literal = base.replace("{", "{{").replace("}", "}}")
    return Replay(f"{literal}{{at}}{modifier}/{{url}}", "/".join(base.split("/")[:3]) + "/", patience)


@contextmanager
def chromium(playwright: Playwright, origin: Origin | None = None) -> Iterator[Browser]:
    """A browser that knows no other machine than this one; with `origin`, one to which every host is the origin."""
    rules = "MAP * ^NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
    if origin is not None:
        rules = f"MAP *:443 127.0.0.1:{origin.tls_port}, MAP * 127.0.0.1:{origin.port}"
    browser = playwright.chromium.launch(
        executable_path=chromium_path(), args=[*FLAGS, f"--host-resolver-rules={rules}"], headless=True
    )
    yield browser
    browser.close()


def check(browser: Browser, case: Case, replay: Replay, context: BrowserContext | None = None) -> Verdict:
    """Show one case.

    Args:
        browser: to open a context of its own for the case.
        case: to show.
        replay: where.
        context: to show it in instead, for servers that keep something in the browser.
    """
    own = context or browser.new_context(locale="en-US", timezone_id="UTC")
    page = own.new_page()
    outside: list[str] = []

    def asked(url: str) -> None:
        if not url.startswith((replay.inside, "data:", "blob:", "about:", "chrome-error:")):
            outside.append(url)

    page.on("request", lambda request: asked(request.url))
    page.on("websocket", lambda socket: asked(socket.url))
    page.on("dialog", lambda dialog: dialog.dismiss())
    try:
        _open(page, replay, case)
        shown = _result(page, case, replay.patience)
    finally:
        page.close()
        if context is None:
            own.close()
    return Verdict(shown, tuple(outside), shown == case.result and not outside)


def _open(page: Page, replay: Replay, case: Case) -> None:
    try:
        page.goto(replay.address(case), wait_until="commit", timeout=20_000)
    except Error:
        return  # what stands there instead is looked at


_READ = "() => document.getElementById('result')?.textContent.trim().replace(/\\s+/g, ' ') ?? null"


def _result(page: Page, case: Case, patience: int = PATIENCE) -> str | None:
    """The text of the result in any frame, as soon as it is the expected one, or else when patience is over."""
    if case.wait:
        try:
            page.wait_for_load_state("networkidle", timeout=patience)
        except TimeoutError:
            pass
    shown: str | None = None
    for _ in range(patience // 50):
        for frame in page.frames:
            try:
                found = frame.evaluate(_READ)
            except Error:
                continue  # it has gone on to another page
            shown = found if found is not None else shown
            if found == case.result:
                return case.result
        page.wait_for_timeout(50)
    return shown


@contextmanager
def living(browser: Browser) -> Iterator[BrowserContext]:
    """Where cases are shown as the living sites: each is a host of its own, and so has its own cookies and storage."""
    context = browser.new_context(locale="en-US", timezone_id="UTC", ignore_https_errors=True)
    yield context
    context.close()


def shown_live(context: BrowserContext, case: Case) -> Verdict:
    """Show one case as the living site."""
    page = context.new_page()
    page.on("dialog", lambda dialog: dialog.dismiss())
    try:
        page.goto(case.page, wait_until="commit")
        shown = _result(page, case)
    finally:
        page.close()
    return Verdict(shown, (), shown == case.result)


def summary(verdicts: Mapping[str, Verdict]) -> str:
    """How many passed."""
    passed = sum(verdict.passed for verdict in verdicts.values())
    return f"{passed} of {len(verdicts)}"
