"""Nothing that is purged stays in what jobs have made of it, whichever of both ends first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from archiver import jobkinds
from archiver.deletion import Selection, rule_for, suppress
from archiver.engine import StopSignal
from archiver.exportfiles import ExportFiles
from archiver.holdings import Holdings, utc_now
from archiver.jobs import Job, JobRegistry, JobState
from archiver.keeping import work_off
from archiver.purging import Copies, PurgeReport, purge
from archiver.wasapi.jobs import JobBoard, State
from archiver.wasapi.runner import JobRunner
from tests.archiver.test_deletion import COPY, LETTER, NEW, OLD, PAGE, PLAIN, SECRET, SHA1, all_bytes, fill
from tests.conftest import OpenHoldings
from tests.servers.warcs import response_record, revisit_record


def gone(holdings: Holdings) -> PurgeReport:
    """The letter, put out of sight and purged at once."""
    rule = suppress(holdings, rule_for(holdings, Selection("default", url=LETTER), reason="Ana asked"))
    return purge(holdings, rule.number, copies=Copies.KEEP)


def exported(holdings: Holdings, slug: str = "default", form: str = "warc") -> int:
    return JobRegistry(holdings.engine, utc_now).put("export", {"form": form}, slug, "ada")


def ended(holdings: Holdings, number: int) -> Job:
    work_off(holdings, StopSignal())
    return JobRegistry(holdings.engine, utc_now).get(number)


def once(action: Callable[[], object]) -> Callable[..., None]:
    left = [action]
    return lambda *_: left.pop()() and None if left else None


@pytest.mark.parametrize("form", ["warc", "wacz", "cdxj"])
@pytest.mark.parametrize("moment", ["_telling", "_sha256"])
def test_what_is_purged_while_it_is_exported_is_in_no_file(
    holdings_with: OpenHoldings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, moment: str
) -> None:
    """While records are copied, and when the file has its name already."""
    holdings = holdings_with()
    fill(holdings, tmp_path, made=[response_record(PAGE, OLD, PLAIN), response_record(LETTER, OLD, SECRET)])
    purged = once(lambda: gone(holdings))
    if moment == "_telling":
        monkeypatch.setattr(jobkinds, moment, lambda work: purged)
    else:
        original = jobkinds._sha256
        monkeypatch.setattr(jobkinds, moment, lambda path: (purged(), original(path))[1])
    number = exported(holdings, form=form)
    job = ended(holdings, number)
    assert (job.state, job.result) == (JobState.FAILED, {}) and "Something was purged while this was exported" in job.message
    assert list(holdings.settings.archive.glob("exports/**/*")) == [] and SECRET not in all_bytes(holdings)
    JobRegistry(holdings.engine, utc_now).retry(number, "ada")
    again = ended(holdings, number)
    assert again.state is JobState.DONE and again.result["captures"] == 1
    path = ExportFiles(holdings.settings.archive).path(again)
    assert path is not None and b"letter" not in path.read_bytes()


def test_exports_of_others_that_repeat_it_and_derived_files_go_too(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    holdings = holdings_with()
    for slug in ("copies", "apart"):
        holdings.collections.create(slug)
    fill(holdings, tmp_path, made=[response_record(LETTER, OLD, SECRET)])
    fill(holdings, tmp_path, "b.warc.gz", [revisit_record(COPY, NEW, LETTER, OLD, digest=SHA1)], "copies")
    fill(holdings, tmp_path, "c.warc.gz", [response_record(PAGE, OLD, PLAIN)], "apart")
    numbers = [exported(holdings, slug) for slug in ("default", "copies", "apart")]
    board = JobBoard(holdings.engine, holdings.settings.archive, utc_now)
    token = board.submit("build-wat", "", "ada").token
    assert JobRunner(holdings, board, utc_now).run_one() and board.get(token).state is State.COMPLETE
    work_off(holdings, StopSignal())
    registry, files = JobRegistry(holdings.engine, utc_now), ExportFiles(holdings.settings.archive)
    assert all(files.path(registry.get(number)) for number in numbers)
    assert all_bytes(holdings).count(SECRET) == 3  # that of its own, and two exports: one brought it along for its repeat
    report = gone(holdings)
    assert (report.exports, report.derived) == (2, 1)
    assert [files.path(registry.get(number)) is not None for number in numbers] == [False, False, True]
    assert board.get(token).state is State.GONE
    assert all_bytes(holdings).count(SECRET) == 1  # the repeat, which is written out whole
