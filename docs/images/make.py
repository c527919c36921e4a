"""Makes the README's pictures of screens: `make pictures`.

python docs/images/make.py [--keep FOLDER] [NAME…]

A documentation that was published on the web for years (npm's `spectre.css`, which has it in every release) is archived as
crawlers with a browser do it, with pictures of its pages; another one (Debian's `python3-doc`) is crawled for the workbench.
Then the screens are photographed in Chromium. Needs npm, apt-get and a Chromium; fetched packages stay under build/.

`--keep` names a folder that the archives are made in and left in; NAME is one of the pictures, without ".webp".
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from archiver.collections.descriptions import DescriptionRegistry, Statement  # noqa: E402
from archiver.collections.seeds import SeedRegistry  # noqa: E402
from archiver.collections.seedvalues import SeedDraft  # noqa: E402
from archiver.holdings import open_holdings, utc_now  # noqa: E402
from archiver.search.build import read_texts  # noqa: E402
from archiver.settings import load_settings  # noqa: E402
from archiver.warc.importer import import_file  # noqa: E402
from tests.applications.packages import Package, fetch  # noqa: E402
from tests.applications.site import TYPES, Site  # noqa: E402
from tests.browser.conftest import FLAGS, chromium_path, log_in, serving  # noqa: E402
from tests.servers.warcs import resource_record, response_record  # noqa: E402

SITE = "https://spectre.example/"
#: What the site showed from which day on.
RELEASES = (
    ("0.2.8", datetime(2017, 2, 9, 8, 12, 40, tzinfo=UTC)),
    ("0.2.14", datetime(2017, 6, 1, 11, 3, 9, tzinfo=UTC)),
    ("0.4.0", datetime(2017, 9, 30, 7, 41, 22, tzinfo=UTC)),
    ("0.5.1", datetime(2018, 3, 11, 16, 20, 51, tzinfo=UTC)),
    ("0.5.7", datetime(2018, 12, 2, 9, 55, 3, tzinfo=UTC)),
    ("0.5.9", datetime(2020, 5, 20, 13, 8, 47, tzinfo=UTC)),
)
LAST = datetime(2020, 12, 20, tzinfo=UTC)
EVERY = timedelta(days=23, hours=5, minutes=47, seconds=11)
#: Pages of which the crawler takes pictures; they are the seeds, with what is said of them.
SEEDS = {
    "": ("Spectre.css", "The front page of a style sheet that others build their sites on.", "Style sheets"),
    "getting-started.html": ("Getting started", "How it is installed, and which browsers it is for.", "Instructions"),
    "elements.html": ("Elements", "Typography, tables, buttons, forms: each with its markup.", "Style sheets"),
    "components.html": ("Components", "Accordions, cards, menus and other parts of pages.", "Style sheets"),
    "utilities.html": ("Utilities", "Colours, positions, spaces and shapes.", "Style sheets"),
}
DESCRIPTION = (
    "Documentation of the style sheets that web sites of the 2010s were built with, collected every three weeks while it "
    "changed.\nWith pictures of each page as a browser showed it on the day."
)
#: Files of the documentation that are archived; and what of its pages is not, because it is of other sites.
KEPT = (".html", ".css", ".png", ".svg", ".jpg", ".ico")
ELSEWHERE = re.compile(
    rb"""<script\b[^>]*\bsrc="?(?:https?:)?//[^>]*></script>|<link\b[^>]*\bhref="?(?:https?:)?//[^>]*>""", re.I
)
#: Documents of the crawl when its picture is taken.
CAUGHT = 350
#: The screen of the crawler.
SCREEN = {"width": 1024, "height": 640}
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 780}


@dataclass(frozen=True)
class Shots:
    """Pictures of a page as crawlers take them."""

    view: bytes
    full: bytes


def folder_of(version: str) -> Path:
    """The documentation of a release."""
    found, _ = fetch((Package("npm", "spectre.css", version),))
    return found / "docs"


def pictures_of(browser: Browser, folder: Path) -> dict[str, Shots]:
    """Pictures of the pages of a release."""
    found = {}
    with Site("spectre", [folder]) as site:
        page = browser.new_page(viewport=SCREEN)
        page.route(lambda url: ".localhost" not in url, lambda route: route.abort())
        for path in SEEDS:
            if (folder / (path or "index.html")).exists():
                page.goto(site.url(path))
                found[path] = Shots(page.screenshot(), page.screenshot(full_page=True))
        page.close()
    return found


def captures(browser: Browser) -> Iterator[bytes]:
    """Records of all captures: pages, their parts, and pictures of them."""
    for (version, since), (_, until) in zip(RELEASES, [*RELEASES[1:], ("", LAST)], strict=True):
        folder, moment = folder_of(version), since
        shots = pictures_of(browser, folder)
        files = [path for path in sorted(folder.rglob("*")) if path.suffix in KEPT]
        icon = next((path for path in files if path.name == "favicon.png"), None)
        files = [path for path in files if "examples" not in path.parts and "src" not in path.parts]
        while moment < until:
            for number, path in enumerate(files):
                name = path.relative_to(folder).as_posix()
                mime = TYPES.get(path.suffix, f"image/{path.suffix[1:]}")
                taken = moment + timedelta(seconds=number // 3)
                url = SITE + ("" if name == "index.html" else name)
                body = path.read_bytes()
                if mime.startswith("text/html"):
                    body = ELSEWHERE.sub(b"", body)
                yield response_record(url, taken, body, headers=f"Content-Type: {mime}\r\n")
                if shot := shots.get(url.removeprefix(SITE)):
                    yield resource_record(f"urn:view:{url}", taken + timedelta(seconds=4), shot.view, "image/png")
                    yield resource_record(f"urn:fullPage:{url}", taken + timedelta(seconds=5), shot.full, "image/png")
            if icon is not None:
                yield response_record(f"{SITE}favicon.ico", moment, icon.read_bytes(), headers="Content-Type: image/png\r\n")
            moment += EVERY
    yield response_record(SITE, datetime(2018, 2, 17, 3, 4, 5, tzinfo=UTC), b"Busy", status="503 Service Unavailable")
    moved = f"Location: {SITE}index.html\r\n"
    yield response_record(SITE, datetime(2018, 10, 5, 3, 4, 5, tzinfo=UTC), b"", status="302 Found", headers=moved)


def make_archive(home: Path, browser: Browser) -> None:
    """The archive that readers see."""
    records = home.with_suffix(".warc.gz")
    records.write_bytes(b"".join(captures(browser)))
    with open_holdings(load_settings({"archive": home}, environ={})) as holdings:
        holdings.collections.create(
            "styles",
            title="Style sheets of the web",
            organisation="Museum of Web Design",
            organisation_url="https://museum.example/",
            description=DESCRIPTION,
        )
        import_file(records, collection="styles", store=holdings.store, index=holdings.index)
        SeedRegistry(holdings.engine, utc_now).add(
            "styles", [SeedDraft(SITE + path, title=said[0]) for path, said in SEEDS.items()]
        )
        described = DescriptionRegistry(holdings.engine)
        for path, (_, text, subject) in SEEDS.items():
            said = [Statement("description", text), Statement("subject", subject), Statement("language", "English")]
            described.replace("styles", "seed", SITE + path, said)
        topics = [Statement("subject", name) for name in ("Web design", "Style sheets", "Documentation")]
        described.replace("styles", "collection", "", topics)
        read_texts(holdings)
    records.unlink()


def save(name: str, picture: bytes) -> None:
    """Write a picture as small as it goes without loss."""
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").save(HERE / f"{name}.webp", lossless=True, quality=100, method=6)
    sys.stdout.write(f"{name}.webp {(HERE / f'{name}.webp').stat().st_size:,} bytes\n")


# -- what readers see ------------------------------------------------------------------------------------------------


def portal(page: Page, reader: str) -> bytes:
    page.goto(f"{reader}styles/")
    page.wait_for_load_state("networkidle")
    return page.screenshot()


def versions(page: Page, reader: str) -> bytes:
    page.goto(f"{reader}styles/2018*/{SITE}")
    page.set_viewport_size({"width": 1280, "height": 960})
    page.locator(".months summary").nth(1).click()
    page.wait_for_load_state("networkidle")
    return page.screenshot()


def compare(page: Page, reader: str) -> bytes:
    page.goto(f"{reader}styles/-/compare?url={SITE}elements.html&a=20170901&b=20190601")
    page.wait_for_load_state("networkidle")
    return page.screenshot()


def about(page: Page, reader: str) -> bytes:
    page.goto(f"{reader}styles/2018/{SITE}")
    page.goto(page.url.replace("/styles/", "/-/about/styles/"))
    page.wait_for_load_state("networkidle")
    return page.screenshot()


def phone(page: Page, reader: str) -> bytes:
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    page.goto(f"{reader}styles/")
    page.locator("#seeds").scroll_into_view_if_needed()
    page.evaluate("document.querySelector('#seeds').scrollIntoView()")
    page.wait_for_load_state("networkidle")
    return page.screenshot()


READER: dict[str, Callable[[Page, str], bytes]] = {
    "portal": portal, "versions": versions, "compare": compare, "about": about, "phone": phone,
}  # fmt: skip


# -- what archivists see ---------------------------------------------------------------------------------------------


def crawl_pictures(browser: Browser, home: Path, wanted: set[str]) -> None:
    """A crawl while it runs, and its report."""
    folder, _ = fetch((Package("debian", "python3-doc"), Package("debian", "python3.11-doc")))
    root = next(path.parent for path in sorted(folder.rglob("index.html")) if (path.parent / "genindex.html").exists())
    with Site("python", [root]) as site, serving(home) as (_, workbench):
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        log_in(page, home, workbench)
        page.goto(f"{workbench}crawls")
        page.click("text=Start a crawl")
        page.fill("#seeds", site.url("index.html"))
        page.select_option("#scope", "host")
        page.fill("#delay", "0.1")
        page.locator("button:not(.hidden)", has_text="Show what it would be").click()
        page.click("text=Start the crawl")
        caught = page.locator(".main dd").first
        while int(caught.inner_text().replace(",", "") or 0) < CAUGHT:
            page.wait_for_timeout(500)
        if "crawl-live" in wanted:
            save("crawl-live", page.screenshot())
        page.get_by_role("button", name="Pause").wait_for(state="hidden", timeout=300_000)
        page.goto(re.sub(r"/live$", "", page.url))
        if "crawl-report" in wanted:
            save("crawl-report", page.screenshot())
        page.close()


WORKBENCH = ("crawl-live", "crawl-report")


def main() -> None:
    """Make the pictures that are asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join((*READER, *WORKBENCH)))
    parser.add_argument("--keep", type=Path, help="make the archives in this folder, or use those that are there")
    options = parser.parse_args()
    wanted = set(options.names or (*READER, *WORKBENCH))
    with ExitStack() as stack:
        place = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        place.mkdir(parents=True, exist_ok=True)
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS, headless=True)
        stack.callback(browser.close)
        if wanted & READER.keys():
            home = place / "reader"
            if not home.exists():
                make_archive(home, browser)
            reader, _ = stack.enter_context(serving(home))
            for name in READER.keys() & wanted:
                page = browser.new_page(viewport=WIDE)
                save(name, READER[name](page, reader))
                page.close()
        if wanted & set(WORKBENCH):
            shutil.rmtree(place / "crawled", ignore_errors=True)
            crawl_pictures(browser, place / "crawled", wanted)


if __name__ == "__main__":
    main()
