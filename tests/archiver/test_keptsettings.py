"""Settings that are changed while the archive runs: who wins, what counts when, in every process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import insert

from archiver.audit import AuditLog
from archiver.errors import Conflict, MunimentError, NotFound, StorageFailed
from archiver.holdings import Holdings, open_holdings, utc_now
from archiver.index.database import writing
from archiver.index.worktables import kept_settings
from archiver.keptsettings import KeptSettings
from archiver.settings import Settings, as_environment, load_settings
from tests.conftest import OpenHoldings
from tests.servers.postgresql import PostgreSQL


class Ticks:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def kept_by(holdings: Holdings, given: Settings, ticks: Ticks) -> KeptSettings:
    """What another process of the archive has."""
    return KeptSettings(holdings.engine, given, utc_now, AuditLog(holdings.engine, utc_now), ticks=ticks)


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def holdings(request: pytest.FixtureRequest, tmp_path: Path, holdings_with: OpenHoldings) -> Iterator[Holdings]:
    if request.param == "SQLite":
        yield holdings_with()
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    settings = load_settings({"archive": tmp_path / "warcs", "database": server.new_database()}, environ={})
    with ExitStack() as stack:
        yield stack.enter_context(open_holdings(settings))


def test_a_change_counts_in_all_processes_within_a_second_and_wins_over_the_file_alone(
    holdings: Holdings, tmp_path: Path
) -> None:
    home = tmp_path / "warcs"
    (home / "muniment.toml").write_text('operator = "of the file"\ntest_days = 3\n')
    environ = {"MUNIMENT_ARCHIVE": str(home), "MUNIMENT_INSTANCE_NAME": "Of the environment"}
    ticks, others = Ticks(), Ticks()
    mine = kept_by(holdings, load_settings(environ=environ), ticks)
    other = kept_by(holdings, load_settings({"archive": home, "max_drift_days": 9}, environ={}), others)
    assert mine.change({"operator": "Ours", "max_drift_days": "30", "record_missing": "yes"}, actor="ada") == [
        "operator", "max_drift_days", "record_missing",
    ]  # fmt: skip
    now = mine.current()  # who made the change sees it at once
    assert (now.operator, now.max_drift_days, now.record_missing, now.test_days) == ("Ours", 30, True, 3)
    assert [now.sources.get(name) for name in ("operator", "test_days", "instance_name")] == ["database", "file", "environment"]
    assert other.current().operator == "of the file"
    others.now = 1.0
    now = other.current()
    assert (now.operator, now.max_drift_days, now.instance_name) == ("Ours", 9, "Muniment")
    with pytest.raises(Conflict, match="fixed by an option on the command line"):
        other.change({"max_drift_days": 1, "operator": "Nobody"}, actor="ada")
    with pytest.raises(Conflict, match="fixed by the environment variable MUNIMENT_INSTANCE_NAME"):
        mine.change({"instance_name": "Another"}, actor="ada")
    with pytest.raises(Conflict, match="read before the database is"):
        mine.change({"port": 1}, actor="ada")
    assert mine.change({"operator": None, "max_drift_days": 30}, actor="bo") == ["operator"]
    assert mine.current().operator == "of the file"
    entries = [item for item in holdings.audit.entries() if item.action == "setting.change"]
    assert [(item.actor, item.subject, json.loads(item.detail)) for item in entries] == [
        ("ada", "operator", {"before": "of the file", "after": "Ours"}),
        ("ada", "max_drift_days", {"before": 0, "after": 30}),
        ("ada", "record_missing", {"before": False, "after": True}),
        ("bo", "operator", {"before": "Ours", "after": "of the file", "kept": False}),
    ]


def test_a_process_that_is_begun_by_another_is_told_where_settings_come_from(holdings: Holdings, tmp_path: Path) -> None:
    (tmp_path / "warcs" / "muniment.toml").write_text('operator = "of the file"\n')
    base = load_settings({"archive": tmp_path / "warcs", "jobs": 5}, environ={"MUNIMENT_TEST_DAYS": "4"})
    child = load_settings(environ=as_environment(base))
    assert child == base
    assert {name: source for name, source in child.sources.items() if source != "default"} == dict(base.sources)
    kept = kept_by(holdings, child, Ticks())
    kept.change({"operator": "Ours", "user_agent": "Ours/1"}, actor="ada")
    assert (kept.current().operator, kept.current().user_agent, kept.current().jobs) == ("Ours", "Ours/1", 5)
    with pytest.raises(Conflict, match="MUNIMENT_TEST_DAYS"):
        kept.change({"test_days": 1}, actor="ada")
    # what was kept when a process was begun is not taken for the environment's in it
    grandchild = kept_by(holdings, load_settings(environ=as_environment(kept.current())), Ticks())
    kept.change({"user_agent": "Ours/2"}, actor="ada")
    assert kept_by(holdings, grandchild.given, Ticks()).current().user_agent == "Ours/2"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"max_drift_days": "many"}, "whole number"),
        ({"error_drift_days": 10**9}, "100,000 at most"),
        ({"connections": 0}, "at least 1"),
        ({"user_agent": "x\r\nX-Evil: 1"}, "one line"),
        ({"user_agent": " "}, "must not be empty"),
        ({"instance_url": "javascript:alert(1)"}, "web address"),
        ({"mail_from": "nobody"}, "e-mail address"),
        ({"groups_header": "X Groups"}, "name of a header"),
        ({"dedup": "sometimes"}, "must be one of collection, archive, off"),
        ({"trusted_proxies": "10.0.0.0/99"}, "no IP address"),
        ({"other_archives": "half a line"}, "half a line"),
        ({"no_such": 1}, "There is no setting"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence_and_all_else_with_it(
    holdings_with: OpenHoldings, changes: dict[str, object], says: str
) -> None:
    holdings = holdings_with()
    assert isinstance(holdings.kept, KeptSettings)
    with pytest.raises(MunimentError, match=says):
        holdings.kept.change({"operator": "Ours", **changes}, actor="ada")
    assert holdings.kept.kept() == {}


def test_secrets_and_odd_rows_and_a_database_that_does_not_answer(
    holdings_with: OpenHoldings, monkeypatch: pytest.MonkeyPatch
) -> None:
    holdings, ticks = holdings_with(), Ticks()
    kept = kept_by(holdings, holdings.settings, ticks)
    kept.change({"mail_password": "hunter2"}, actor="ada")
    assert kept.current().mail_password == "hunter2"
    assert "hunter2" not in "".join(item.detail for item in holdings.audit.entries())
    with pytest.raises(NotFound, match="There is no collection “nope”"):
        kept.change({"collection": "nope"}, actor="ada")
    rows = [
        {"name": f"setting:{name}", "value": value, "changed_at": "", "changed_by": ""}
        for name, value in (("of_tomorrow", "1"), ("jobs", '"many"'), ("test_days", "{"), ("operator", '"Ours"'))
    ]
    with writing(holdings.engine) as connection:
        connection.execute(insert(kept_settings), rows)
    now = kept_by(holdings, holdings.settings, ticks).current()  # a newer version may have written what this cannot use
    assert (now.jobs, now.test_days, now.operator) == (2, 14, "Ours")

    def fails(*_: object) -> None:
        raise StorageFailed("The database cannot be used.")

    monkeypatch.setattr("archiver.keptsettings.reading", fails)
    ticks.now += 5
    assert kept.current().mail_password == "hunter2"
