"""One visit to an application: its steps done in Chromium, and what was seen."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urldefrag

from playwright.sync_api import Browser, ConsoleMessage, Error, Frame, Page, Request, Response, Route

from replay.absent import absent_part
from tests.applications.model import Application, State, Visit

#: For Chromium: there is nothing but this machine.
ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE *.localhost, EXCLUDE 127.0.0.1"
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
_TIMEOUT = 20.0
_ICON = "/favicon.ico"  # which Chromium asks for when it likes to, with nobody's page knowing of it
_QUIET = 0.3  # seconds in which nothing is asked for and nothing changes
_LONGEST = 15.0

#: Text as it is read: of the document, of open shadow trees, and what stands in fields.
_TEXT = """() => {
  const said = [];
  const read = (root) => {
    for (const child of root === document ? [document.body] : root.children) {
      if (child && !/^(style|script|template)$/i.test(child.localName)) said.push(child.innerText ?? child.textContent);
    }
    for (const element of root.querySelectorAll('*')) {
      const isField = /^(input|textarea|select)$/.test(element.localName);
      if (isField) said.push(element.type === 'checkbox' ? element.checked : element.value);
      if (element.shadowRoot && element.localName !== 'muniment-banner') read(element.shadowRoot);
    }
  };
  if (document.body) read(document);
  return document.title + '\\n' + said.join('\\n');
}"""


def text_of(frame: Frame) -> str:
    """All that can be read in a frame and the frames inside it."""
    said = ""
    with suppress(Error):  # a frame that went away, or a document that is none
        said = str(frame.evaluate(_TEXT))
    return "\n".join([said, *map(text_of, frame.child_frames)])


class Visitor:
    """Watches one page while an application is used.

    Args:
        page: an empty one.
        is_ours: whether an address is one that may be asked for.
        original: the archived address behind an address.
    """

    def __init__(self, page: Page, is_ours: Callable[[str], bool], original: Callable[[str], str]) -> None:
        self.page = page
        self.visit = Visit()
        self._is_ours = is_ours
        self._original = original
        self._open: set[Request] = set()
        context = page.context
        context.on("request", self._asked)
        context.on("requestfinished", lambda request: self._open.discard(request))
        context.on("requestfailed", self._failed)
        context.on("response", self._answered)
        context.on("console", self._said)
        context.on("weberror", lambda error: self.visit.errors.append(self._plain(f"uncaught: {error.error.message}")))
        page.on("websocket", lambda socket: self._note_outside(socket.url))

    def use(self, application: Application, address: str, *, steps: bool = True) -> Visit:
        """Open the application and do its steps."""
        done = "opened"
        try:
            self.page.goto(address)
            self._take(done, application.ready)
            for step in application.steps if steps else ():
                done = step.name
                step.act(self.page)
                self._take(done, step.until)
        except Error as error:
            self.visit.trouble = f"{done}: {error.message.splitlines()[0]}"
        return self.visit

    def _take(self, step: str, until: str) -> None:
        if until:
            self.page.wait_for_function(f"() => {until}", timeout=_TIMEOUT * 1000)
        text = self._settled()
        picture = self.page.screenshot(animations="disabled", caret="hide")
        self.visit.states.append(State(step, self._original(self.page.url), text, picture))

    def _settled(self) -> str:
        """The text, once nothing goes on any more."""
        ends = time.monotonic() + _LONGEST
        text, since = "", time.monotonic()
        while time.monotonic() < ends:
            now = self._plain(text_of(self.page.main_frame))
            if now != text or self._open:
                text, since = now, time.monotonic()
            elif time.monotonic() - since >= _QUIET:
                break
            self.page.wait_for_timeout(50)
        return text

    def _plain(self, text: str) -> str:
        """Text without what must differ: where the archive stands in addresses."""
        return re.sub(r"https?://[^\s\"'<>)]+", lambda match: self._original(match.group()), text)

    def _note_outside(self, url: str) -> None:
        if not self._is_ours(url):
            self.visit.outside.append(url)

    def _asked(self, request: Request) -> None:
        if re.match("(?:https?|wss?):", request.url):
            self._open.add(request)
            self._note_outside(request.url)

    def _failed(self, request: Request) -> None:
        self._open.discard(request)
        if request.failure != "net::ERR_ABORTED" and re.match("https?:", request.url):  # aborted by the application itself
            self._note_failed(request.url)

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self._note_failed(response.url)

    def _note_failed(self, url: str) -> None:
        if not url.endswith(_ICON):
            self.visit.failed.append(urldefrag(self._original(url)).url)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        text = message.text
        if text.startswith("Failed to load resource"):  # for reasons that are told apart by `failed`
            text = f"Failed to load resource: {message.location.get('url', '')}"
            if text.endswith(_ICON):
                return
        self.visit.errors.append(self._plain(text))


_DESTINATIONS = {"stylesheet": "style", "fetch": "empty", "xhr": "empty", "media": "video", "document": "iframe"}


def _stand_in(route: Route, request: Request) -> None:
    """What is not on this machine is answered live as the archive answers for what it does not hold."""
    kind = request.resource_type
    part = absent_part("", _DESTINATIONS.get(kind, kind))
    if part is None:
        route.abort("namenotresolved")
    else:
        route.fulfill(status=404, content_type=part[0], body=part[1], headers={"Access-Control-Allow-Origin": "*"})


def visited(
    browser: Browser,
    application: Application,
    address: str,
    *,
    is_ours: Callable[[str], bool],
    original: Callable[[str], str],
    size: dict[str, int] = DESKTOP,
    steps: bool = True,
    is_live: bool = False,
) -> Visit:
    """One visit in a fresh profile."""
    context = browser.new_context(viewport=size, locale="en-US", timezone_id="UTC", reduced_motion="reduce")  # type: ignore[arg-type]
    context.set_default_timeout(_TIMEOUT * 1000)
    if is_live:
        context.route(lambda url: not is_ours(url), _stand_in)
    try:
        return Visitor(context.new_page(), is_ours, original).use(application, address, steps=steps)
    finally:
        context.close()
