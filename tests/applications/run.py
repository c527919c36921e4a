"""The way of one application: live in Chromium, captured, the site closed, replayed, compared."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urldefrag

from playwright.sync_api import Browser

from tests.applications.browse import PHONE, visited
from tests.applications.compare import ALIKE, differing, only_in_replay, text_differences
from tests.applications.model import Application, Visit
from tests.applications.packages import BUILD, ROOT, fetch
from tests.applications.site import Site
from tests.browser.conftest import serving

PAGES = Path(__file__).parent / "pages"
#: Addresses given to one command; a command line has an end.
_AT_ONCE = 200


@dataclass
class Outcome:
    """What came of one application.

    Attributes:
        name: of the application.
        version: of its package.
        asked: addresses of the site that the browser asked for, live.
        found: those of them that the capture of the start page held already.
        steps: done in both.
        pixels: the largest share of pixels that differ, over all steps and both sizes.
        text: what differs in text or address, a line a step.
        failed: addresses that failed in replay alone.
        errors: of the console, in replay alone.
        outside: requests that led out of the archive, or to the site that is gone.
        reports: hits of the wall that the reader counted.
        trouble: why live or replay ended early.
        seconds: it took.
    """

    name: str
    version: str
    asked: int = 0
    found: int = 0
    steps: int = 0
    pixels: float = 0.0
    text: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    reports: int = 0
    trouble: str = ""
    seconds: float = 0.0

    @property
    def problems(self) -> list[str]:
        """Everything that is not as it was live, a line each."""
        lines = [self.trouble] if self.trouble else []
        lines += [f"text: {line}" for line in self.text]
        lines += [f"failed: {url}" for url in self.failed]
        lines += [f"error: {line}" for line in self.errors]
        lines += [f"left the archive: {url}" for url in self.outside]
        if self.reports:
            lines.append(f"the wall was hit {self.reports} times")
        if self.pixels > ALIKE:
            lines.append(f"{self.pixels:.2%} of the pixels differ")
        return [" ".join(line.split())[:300] for line in lines]

    def to_json(self) -> str:
        """For the table that is written later."""
        return json.dumps(asdict(self), indent=1)


def prepare(application: Application) -> tuple[list[Path], str]:
    """The folders that are served, and the version of the package."""
    contents, versions = fetch(application.packages)
    folder = contents / application.folder
    if application.build is not None:
        folder = BUILD / "built" / f"{application.name}-{versions[0]}"
        if not folder.exists():
            making = folder.with_name(folder.name + ".making")
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir(parents=True)
            application.build(making, contents)
            making.rename(folder)
    return [PAGES / application.name, folder], versions[0]


def run(browser: Browser, application: Application, home: Path, say: Callable[[str], None] = lambda _: None) -> Outcome:
    """All of it.

    Args:
        browser: Chromium.
        application: which.
        home: an empty or old folder; the archive and the pictures are left in it.
        say: told what goes on.
    """
    say("fetching")
    folders, version = prepare(application)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    outcome = Outcome(application.name, version)
    with Site(application.name, folders) as site:
        start, root = site.url(application.start), site.url("")
        say("live")
        live = visited(browser, application, start, is_ours=lambda url: url.startswith(root), original=str, is_live=True)
        small = _phone(browser, application, start, lambda url: url.startswith(root), str, is_live=True)
        _capture(site, start, home / "warcs", outcome, say)
        site.close()
        with ExitStack() as stack:
            reader = stack.enter_context(serving(home / "warcs"))[0].rstrip("/")
            prefix = f"{reader}/default/{_timestamp(reader, start)}if_/"

            def ours(url: str) -> bool:
                return url.startswith(f"{reader}/")

            say("replay")
            replayed = visited(browser, application, prefix + start, is_ours=ours, original=_original(reader))
            small_again = _phone(browser, application, prefix + start, ours, _original(reader))
            with urllib.request.urlopen(f"{reader}/-/reports", timeout=10) as answer:
                outcome.reports = json.load(answer)["total"]
        outcome.outside = sorted({*replayed.outside, *small_again.outside, *(f"{root}{path[1:]}" for path in site.strays)})
    _compare(outcome, home, live, replayed, "desktop")
    _compare(outcome, home, small, small_again, "phone")
    outcome.steps = len(replayed.states)
    (home / "result.json").write_text(outcome.to_json())
    return outcome


def _phone(
    browser: Browser,
    application: Application,
    address: str,
    is_ours: Callable[[str], bool],
    original: Callable[[str], str],
    is_live: bool = False,
) -> Visit:
    return visited(browser, application, address, is_ours=is_ours, original=original, size=PHONE, steps=False, is_live=is_live)


def _capture(site: Site, start: str, archive: Path, outcome: Outcome, say: Callable[[str], None]) -> None:
    """The start page, then each address that the browser asked for and the capture of the page did not hold."""
    asked = [site.url(path.removeprefix("/")) for path in site.asked]
    say("capture")
    held = _muniment(archive, start)
    rest = [url for url in asked if url not in held]
    outcome.asked, outcome.found = len(asked), len(asked) - len(rest)
    while rest:
        say(f"capture, {len(rest)} more")
        held |= _muniment(archive, *rest[:_AT_ONCE])
        rest = [url for url in rest[_AT_ONCE:] if url not in held]


def _muniment(archive: Path, *urls: str) -> set[str]:
    """Captures pages; addresses that are in the archive now."""
    command = [Path(sys.executable).with_name("muniment"), "--archive", archive, "capture", "--allow-private", "--json", *urls]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode not in (0, 1):
        raise AssertionError(done.stderr.decode(errors="replace")[-2000:])
    pages = json.loads(done.stdout)
    return {urldefrag(item["url"]).url for page in pages for item in page["resources"] if item["captured"]}


def _timestamp(reader: str, url: str) -> str:
    """When the page was captured."""
    with urllib.request.urlopen(f"{reader}/default/{url}", timeout=30) as answer:
        return str(answer.url).split("/")[4]


def _original(reader: str) -> Callable[[str], str]:
    """Takes the archive out of addresses."""

    def original(url: str) -> str:
        rest = url.removeprefix(f"{reader}/default/")
        if rest == url:
            return url
        moment, _, address = rest.partition("/")
        return address if moment[:1].isdigit() else url

    return original


def _compare(outcome: Outcome, home: Path, live: Visit, replayed: Visit, size: str) -> None:
    """Adds what differs, and leaves the pictures."""
    for where, visit in (("live", live), ("replay", replayed)):
        if visit.trouble:
            outcome.trouble = outcome.trouble or f"{where}, {size}: {visit.trouble}"
        for number, state in enumerate(visit.states):
            (home / f"{size}-{number}-{where}.png").write_bytes(state.picture)
    outcome.text += text_differences(live, replayed)
    outcome.failed += only_in_replay(live.failed, replayed.failed)
    outcome.errors += only_in_replay(live.errors, replayed.errors)
    for one, other in zip(live.states, replayed.states, strict=False):
        outcome.pixels = max(outcome.pixels, differing(one.picture, other.picture))
