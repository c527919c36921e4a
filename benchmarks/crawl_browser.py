"""How much of what a browser asks for while it loads pages is in an archive that we crawled."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from crawl_runs import ours
from crawl_sites import SITES, whole_sites
from playwright.sync_api import Browser, Error, Request, sync_playwright

from archiver.urls import parse_url

sys.path.insert(0, str(Path(__file__).parent.parent))  # installed packages may bring a "tests" of their own
from tests.applications.browse import ALONE
from tests.applications.catalogue import named
from tests.applications.run import prepare
from tests.applications.site import Site as ApplicationSite

TARGET = 0.98
PAGES = 60  # of the documentation sites, in all
APPLICATIONS = ("swagger-ui", "reveal", "docsify", "mermaid", "todomvc", "monaco")


@dataclass
class Coverage:
    """What came of one site.

    Attributes:
        site: its name.
        pages: loaded.
        requests: of the pages to the site, each page's own.
        held: those of them that the archive has.
        elsewhere: requests to other sites, which are not counted.
        misses: method and URL of what it has not → a page that asked.
    """

    site: str
    pages: int = 0
    requests: int = 0
    held: int = 0
    elsewhere: int = 0
    misses: dict[str, str] = field(default_factory=dict)

    def listener(self, page: str, archive: dict[str, int], root: str) -> Callable[[Request], None]:
        """Takes down what a page asks for."""

        def note(request: Request) -> None:
            if not request.url.startswith(root):
                self.elsewhere += request.url.startswith("http")
                return
            self.requests += 1
            if request.method == "GET" and parse_url(request.url) in archive:
                self.held += 1
            else:
                self.misses.setdefault(f"{request.method} {request.url}", page)

        return note


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that reaches this machine alone."""
    with sync_playwright() as playwright:
        program = shutil.which("chromium") or shutil.which("google-chrome")
        yield playwright.chromium.launch(executable_path=program, args=[ALONE, "--no-sandbox"])


def load(browser: Browser, pages: Sequence[str], root: str, archive: dict[str, int], coverage: Coverage) -> None:
    """Load pages, each in a fresh profile, and take down what they ask for."""
    for address in pages:
        context = browser.new_context()
        page = context.new_page()
        context.on("request", coverage.listener(address, archive, root))
        try:
            page.goto(address, timeout=30_000)
            page.wait_for_load_state("networkidle", timeout=30_000)
        except Error as error:
            print(f"  {address}: {error.message.splitlines()[0]}")
        coverage.pages += 1
        context.close()


def show_browser() -> list[dict[str, object]]:
    """Crawl, load, compare."""
    found = []
    with chromium() as browser:
        with whole_sites(None) as starts:
            for site in SITES:
                start = starts[site.name]
                archive = ours(f"browser-{site.name}", [start], "prefix", 2, guesses=True).urls
                html = sorted(url for url, status in archive.items() if status == 200 and url.endswith(".html"))
                share = PAGES // len(SITES)
                pages = [html[at * len(html) // share] for at in range(min(share, len(html)))]
                coverage = Coverage(site.name)
                load(browser, pages, start[: start.index("/", 8) + 1], archive, coverage)
                found.append(coverage)
                _show(coverage)
        for name in APPLICATIONS:
            application = named(name)
            folders, _ = prepare(application)
            with ApplicationSite(name, folders) as served:
                start = served.url(application.start)
                archive = ours(f"browser-{name}", [start], "prefix", 1, guesses=True).urls
                coverage = Coverage(name)
                load(browser, [start], served.url(""), archive, coverage)
                found.append(coverage)
                _show(coverage)
    requests, held = sum(one.requests for one in found), sum(one.held for one in found)
    share_held = held / requests
    verdict = "met" if share_held >= TARGET else "MISSED"
    print(f"\n{held:,} of {requests:,} requests are in the archive: {share_held:.2%}, at least {TARGET:.0%} wanted: {verdict}")
    return [asdict(one) for one in found]


def _show(coverage: Coverage) -> None:
    share = coverage.held / coverage.requests if coverage.requests else 0.0
    print(
        f"{coverage.site:16}{coverage.pages:4} pages {coverage.requests:6,} requests, {coverage.held:6,} in the archive "
        f"({share:.2%}); {coverage.elsewhere} to other sites, not counted",
        flush=True,
    )
    for miss, page in sorted(coverage.misses.items()):
        print(f"    missing: {miss}  (asked for by {page})")
