"""A collection is removed when nothing of the archive is in it any more; what was done in it stays, under no other name."""

from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import ANY

import pytest
from sqlalchemy import func, select

from archiver.cli.main import run
from archiver.collections.access import ALL_KEYS, Action
from archiver.collections.accesswords import make_rule
from archiver.collections.descriptions import DescriptionRegistry, Statement
from archiver.collections.seeds import SeedRegistry
from archiver.collections.seedvalues import SeedDraft
from archiver.crawl import supervise
from archiver.crawl.control import CrawlControl
from archiver.deletion import Selection, rule_for, stones, suppress
from archiver.errors import Conflict, UnknownCollection, UsageError
from archiver.holdings import Holdings, utc_now
from archiver.imports.context import Context
from archiver.imports.intake import take_in
from archiver.index.database import reading
from archiver.index.files import FileQuery
from archiver.index.tables import collections, payloads
from archiver.index.texttables import page_texts
from archiver.index.worktables import descriptions, notices, schedules, seed_groups, seeds
from archiver.jobs import JobRegistry, JobState
from archiver.notices import NoticeRegistry
from archiver.purging import purge
from archiver.rebuild import Rebuild
from archiver.removal import Hindrance, look_at, remove
from archiver.schedules import ScheduleRegistry
from archiver.search.build import read_texts
from archiver.testcrawls import begin_test, get_test
from archiver.verifyarchive import ArchiveVerifier
from replay.app import create_reader
from tests.archiver.crawlrows import CrawlRows, plan_for
from tests.archiver.test_deletion import NEW, OLD, PLAIN, SECRET, all_bytes
from tests.conftest import OpenHoldings
from tests.servers.postgresql import PostgreSQL
from tests.servers.warcs import response_record

OURS, SHARED, THEIRS = "http://ours.example/", "http://shared.example/", "http://theirs.example/"


def taken(holdings: Holdings, path: Path, slug: str, *, in_place: bool = False) -> None:
    context = Context(holdings, slug, utc_now, in_place, "", lambda _: None, lambda *_: None)
    assert [item.refused for item in take_in([str(path)], context)] == [""]


def filled(holdings: Holdings, tmp_path: Path) -> int:
    """A collection with everything that one can have; the number of a crawl that stopped."""
    holdings.collections.create("news", title="News", organisation="Press")
    own, both, there = (tmp_path / f"{name}.warc.gz" for name in ("own", "both", "there"))
    own.write_bytes(response_record(OURS, OLD, SECRET))
    both.write_bytes(response_record(SHARED, OLD, PLAIN))
    there.write_bytes(response_record(THEIRS, NEW, PLAIN + b"theirs"))
    for path, slug in ((own, "news"), (both, "default"), (both, "news")):
        taken(holdings, path, slug)
    taken(holdings, there, "news", in_place=True)
    read_texts(holdings)
    SeedRegistry(holdings.engine, utc_now).add("news", [SeedDraft(OURS, schedule="weekly", group="Papers")])
    ScheduleRegistry(holdings).notice()
    DescriptionRegistry(holdings.engine).replace("news", "collection", "", [Statement("creator", "Ana", False)])
    holdings.access.add([make_rule(Action.BLOCK, url=OURS, collection="news")])
    NoticeRegistry(holdings).add("webhook", "http://ana.example/", ("crawl.finished",), by="ana", collection="news")
    JobRegistry(holdings.engine, utc_now).put("capture", {"urls": [OURS]}, "news", "ana")
    return CrawlRows(holdings, plan_for(OURS), "news", state="stopped", wanted="").number


def emptied(holdings: Holdings) -> int:
    """All of it deleted and purged; the number of the deletion."""
    rule = suppress(holdings, rule_for(holdings, Selection("news", is_everything=True), reason="closed"), actor="ana")
    purge(holdings, rule.number, actor="ana")
    return rule.number


def rows_left(holdings: Holdings) -> dict[str, int]:
    number = select(collections.c.id).where(collections.c.slug == "news.removed").scalar_subquery()
    found = {}
    with reading(holdings.engine) as connection:
        for table in (seeds, seed_groups, schedules, descriptions, notices, payloads, page_texts):
            counted = select(func.count()).select_from(table).where(table.c.collection_id == number)
            found[table.name] = connection.execute(counted).scalar_one()
    return found


def check(holdings: Holdings, tmp_path: Path) -> None:
    crawl = filled(holdings, tmp_path)
    seen = look_at(holdings, "news")
    assert [item.kind for item in seen.obstacles] == [Hindrance.CAPTURES]
    assert (seen.contents.captures, seen.contents.captures_elsewhere, seen.contents.seeds) == (2, 1, 1)
    assert (seen.contents.waiting_jobs, seen.contents.schedules, seen.contents.access_rules) == (1, 1, 1)
    with pytest.raises(Conflict, match="holds 2 captures"):
        remove(holdings, "news", typed="news", reason="closed")
    deletion = emptied(holdings)
    assert look_at(holdings, "news").obstacles == () and look_at(holdings, "news").contents.tombstones >= 1
    for typed, reason in (("default", "closed"), ("", "closed"), ("news", " ")):
        with pytest.raises(UsageError):
            remove(holdings, "news", typed=typed, reason=reason)
    assert remove(holdings, "news", typed=" news", reason="closed", actor="ana").captures_elsewhere == 1

    assert [item.slug for item in holdings.collections.all(with_tests=True)] == ["default"]
    for name in ("news", "news.removed"):
        with pytest.raises(UnknownCollection):
            holdings.collections.get(name)
    with pytest.raises(Conflict, match="was removed"):
        holdings.collections.create("news")
    assert rows_left(holdings) == dict.fromkeys(rows_left(holdings), 0)
    job = JobRegistry(holdings.engine, utc_now).get(1)
    assert job.state is JobState.CANCELLED and "was removed" in job.message
    assert CrawlControl(holdings.engine, utc_now).info(crawl).state == "finished"
    with pytest.raises(UnknownCollection, match="was removed"):
        supervise.run(holdings, crawl, software="test")
    # What was done in it is still told, under its name.
    assert {stone.collection for stone in stones(holdings, collection="news")} == {"news"}
    assert [rule.number for rule in holdings.access.all()] == [deletion]
    entry = next(holdings.audit.entries(newest_first=True))
    assert (entry.action, entry.subject, entry.actor) == ("collection.remove", "collection news", "ana")
    assert '"reason": "closed"' in entry.detail and holdings.audit.verify().problems == ()
    # What others have in common with it is theirs as before.
    assert SECRET not in all_bytes(holdings) and PLAIN in all_bytes(holdings)
    assert len(list(holdings.index.scan(("default",), [ALL_KEYS]))) == 1
    assert {item.part.collection for item in holdings.files.find(FileQuery(name="*both*"))} == {"default"}


def test_a_collection_is_removed_once_it_is_empty_and_nothing_brings_it_back(
    holdings_with: OpenHoldings, tmp_path: Path
) -> None:
    holdings = holdings_with()
    check(holdings, tmp_path)
    before = holdings.files.totals("default")
    report = Rebuild(holdings).run()
    assert (report.captures, report.unknown, report.made, report.kept) == (1, [], [], [])
    assert [item.slug for item in holdings.collections.all()] == ["default"] and holdings.files.totals("default") == before
    assert not list(holdings.index.scan(("news.removed",), [ALL_KEYS]))
    reports = ArchiveVerifier(holdings, workers=1).run(utc_now, lambda _: None)
    found = {finding.rule for item in reports for finding in item.log.listed}
    assert not {rule for rule in found if not rule.startswith("warc-")}, "but for what these files have always had"
    reader = create_reader(holdings.settings, holdings).test_client()
    assert {reader.get(path).status_code for path in ("/news/", f"/news/2016/{OURS}", "/news.removed/")} == {404}


def test_the_same_with_postgresql(holdings_with: OpenHoldings, postgresql: PostgreSQL, tmp_path: Path) -> None:
    check(holdings_with(database=postgresql.new_archive()), tmp_path)


def test_what_is_under_way_stands_in_the_way(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with(collection="usual")
    for slug in ("usual", "news"):
        holdings.collections.create(slug)
    rows = CrawlRows(holdings, plan_for(OURS), "news")
    registry = JobRegistry(holdings.engine, utc_now)
    registry.put("verify", {}, "news", "ana")
    registry.claim("elsewhere", ["verify"])
    CrawlControl(holdings.engine, utc_now).set_state(rows.number, "paused")
    kinds = [item.kind for item in look_at(holdings, "news").obstacles]
    assert kinds == [Hindrance.CRAWL, Hindrance.JOB]
    assert [item.kind for item in look_at(holdings, "default").obstacles] == [Hindrance.ALWAYS]
    assert [item.kind for item in look_at(holdings, "usual").obstacles] == [Hindrance.SETTING]
    test, _ = begin_test(holdings, "usual", plan_for(OURS), by="ana")
    assert [(item.kind, item.number) for item in look_at(holdings, "usual").obstacles[1:]] == [(Hindrance.TEST, test)]
    assert Hindrance.ALWAYS in {item.kind for item in look_at(holdings, get_test(holdings, test).apart).obstacles}
    with pytest.raises(Conflict, match="is paused"):
        remove(holdings, "news", typed="news", reason="closed")
    with holdings.store.create("open.warc.gz") as stream:
        assert Hindrance.BUSY in {item.kind for item in look_at(holdings, "usual").obstacles}
        stream.write(b"x")
    holdings.store.finish("open.warc.gz")


def test_the_command_line_looks_first(holdings_with: OpenHoldings, capsys: pytest.CaptureFixture[str]) -> None:
    holdings = holdings_with()
    holdings.collections.create("news")
    SeedRegistry(holdings.engine, utc_now).add("news", [SeedDraft(OURS)])
    command = ["collection", "remove", "news", "--archive", str(holdings.settings.archive)]
    assert run([*command, "--dry-run"]) == 0 and "seeds                1" in capsys.readouterr().out
    assert run(["collection", "remove", "default", *command[3:], "--reason", "x", "--yes"]) == 1
    assert "is always there" in capsys.readouterr().err
    assert run([*command, "--yes"]) == 2 and "needs a reason" in capsys.readouterr().err
    assert run([*command, "--reason", "closed", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"removed": "news", "contents": ANY}
    assert run(["collection", "create", *command[2:]]) == 1 and "was removed" in capsys.readouterr().err
