"""The conformance corpus: as the sites themselves, and as replayed by us."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright

from tests.browser.conftest import serving
from tests.corpus.__main__ import import_corpus
from tests.corpus.cases import Case, load_cases
from tests.corpus.check import Replay, check, chromium, living, replay_at, shown_live
from tests.corpus.origin import Origin
from tests.corpus.record import record_corpus

CASES = load_cases()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    folder = tmp_path_factory.mktemp("corpus")
    import_corpus(record_corpus(CASES, folder), folder / "warcs")
    with serving(folder / "warcs") as (address, _):
        yield replay_at(f"{address}corpus/", "if_")


@pytest.fixture(scope="module")
def offline(playwright: Playwright) -> Iterator[Browser]:
    with chromium(playwright) as browser:
        yield browser


@pytest.fixture(scope="module")
def online(playwright: Playwright) -> Iterator[BrowserContext]:
    with (
        Origin(answer for case in CASES for answer in case.answers) as origin,
        chromium(playwright, origin) as browser,
        living(browser) as context,
    ):
        yield context


@pytest.mark.parametrize("case", [case for case in CASES if not case.known], ids=lambda case: case.name)
def test_replay_shows_what_is_expected_and_nothing_leaves(reader: Replay, offline: Browser, case: Case) -> None:
    verdict = check(offline, case, reader)
    assert (verdict.shown, verdict.outside) == (case.result, ())


@pytest.mark.parametrize("case", [case for case in CASES if case.known], ids=lambda case: case.name)
def test_limits_that_are_known_are_still_there_and_nothing_leaves(reader: Replay, offline: Browser, case: Case) -> None:
    """So that a limit which is gone is no longer said to be one."""
    verdict = check(offline, case, reader)
    assert verdict.shown != case.result
    assert verdict.outside == ()


@pytest.mark.parametrize("case", [case for case in CASES if case.live], ids=lambda case: case.name)
def test_the_site_itself_shows_what_is_expected(online: BrowserContext, case: Case) -> None:
    assert shown_live(online, case).shown == case.result


def test_the_corpus_is_written_the_same_each_time(tmp_path: Path) -> None:
    few = CASES[:5]
    assert record_corpus(few, tmp_path / "a").read_bytes() == record_corpus(few, tmp_path / "b").read_bytes()
