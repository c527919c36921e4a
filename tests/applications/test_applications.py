"""A few real applications, captured and replayed, each time the tests run; `make applications` does all of them.

They are the ones that are quickly fetched: the first time from their registry, later from build/applications.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

from tests.applications.browse import ALONE
from tests.applications.catalogue import named
from tests.applications.packages import CannotFetch
from tests.applications.run import prepare, run
from tests.browser.conftest import FLAGS, chromium_path


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium that reaches nothing but this machine."""
    chromium = playwright.chromium.launch(executable_path=chromium_path(), args=[*FLAGS, ALONE])
    yield chromium
    chromium.close()


@pytest.mark.parametrize("name", ["javadoc", "sqljs", "todomvc"])
def test_it_is_the_same_in_replay(browser: Browser, tmp_path: Path, name: str) -> None:
    application = named(name)
    try:
        prepare(application)
    except CannotFetch as reason:
        pytest.skip(str(reason))
    outcome = run(browser, application, tmp_path)
    assert outcome.problems == []
    assert outcome.steps == len(application.steps) + 1
    assert 0 < outcome.found <= outcome.asked
