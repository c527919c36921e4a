"""A real Chromium, and servers on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.error import URLError

import pytest
from playwright.sync_api import Browser, Page, Playwright

from archiver.accounts import Role
from archiver.holdings import open_holdings
from archiver.settings import load_settings
from tests.browser.archive import make_archive
from tests.servers.lifelines import child
from tests.workbench import PASSWORD, accounts_of

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path() -> str | None:
    """The installed Chromium; None for Playwright's own. Where it is there, the build without windows: pages open in it in a
    third of the time."""
    return shutil.which("chromium-headless-shell") or windowed_chromium_path()


def windowed_chromium_path() -> str | None:
    """The installed Chromium as readers have it, with all that works beside its pages; None for Playwright's own."""
    return shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium, one for all tests that need nothing special of it."""
    chromium = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS, headless=True)
    yield chromium
    chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page, closed when the test ends: what is left open goes on working beside all that follow."""
    page = browser.new_page()
    yield page
    page.close()


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Until the server answers, or its process ends."""
    while process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (URLError, ConnectionError):
            with suppress(subprocess.TimeoutExpired):  # asking without a pause takes from what is waited for
                process.wait(timeout=0.02)
    raise AssertionError("the server ended before it answered")


@contextmanager
def started(
    archive: Path, *options: str, stderr: int | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], tuple[str, str]]]:
    """Starts `muniment serve` on an archive; gives its process and the addresses of reader and workbench."""
    reader, workbench = free_port(), free_port()
    command = [
        str(Path(sys.executable).with_name("muniment")), "--archive", str(archive), "serve", "--allow-private",
        "--port", str(reader), "--workbench-port", str(workbench), *options,
    ]  # fmt: skip
    environment = {**os.environ, "no_proxy": "*"}
    with child(command, stdout=subprocess.DEVNULL, stderr=stderr, env=environment) as process:
        yield process, (f"http://127.0.0.1:{reader}/", f"http://127.0.0.1:{workbench}/")


@contextmanager
def serving(archive: Path, *options: str) -> Iterator[tuple[str, str]]:
    """Runs `muniment serve` on an archive; gives the addresses of reader and workbench."""
    with started(archive, *options) as (process, addresses):
        try:
            for address in addresses:
                wait_for(address, process)
            yield addresses
        finally:
            process.terminate()
            status = process.wait(timeout=60)
    assert status == 0


def make_account(archive: Path, name: str = "ada", role: Role = Role.ADMINISTRATOR) -> None:
    """Make an account with the password of tests in an archive."""
    with open_holdings(load_settings({"archive": archive}, environ={})) as holdings:
        accounts_of(holdings).create(name, PASSWORD, role)


def make_token(archive: Path) -> str:
    """A token of an account that is made, an administrator."""
    make_account(archive)
    with open_holdings(load_settings({"archive": archive}, environ={})) as holdings:
        return accounts_of(holdings).make_token("ada", "tests", Role.ADMINISTRATOR)


def log_in(page: Page, archive: Path, workbench: str) -> None:
    """Log in as “ada”, an administrator, who is made."""
    make_account(archive)
    page.goto(workbench)
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


@pytest.fixture
def serve() -> Iterator[Callable[[Path], tuple[str, str]]]:
    """Runs `muniment serve` on archives until the test ends."""
    with ExitStack() as stack:
        yield lambda archive: stack.enter_context(serving(archive))


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a reader that shows an archive of awkward pages."""
    with serving(make_archive(tmp_path_factory.mktemp("pages"))) as (address, _):
        yield address.rstrip("/")
