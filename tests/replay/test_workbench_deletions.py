"""Deletion in the workbench: looked at, out of sight, back, purged, reported."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from flask import Flask
from flask.testing import FlaskClient

from archiver import deletion, deletionlook
from archiver.accounts import Role
from archiver.collections.access import ANYONE, Rule
from archiver.engine import StopSignal
from archiver.errors import Interrupted
from archiver.holdings import Holdings, utc_now
from archiver.jobs import JobRegistry, JobState
from archiver.keeping import work_off
from archiver.urls import urlkey
from archiver.warc.importer import import_file
from replay.workbench.app import create_workbench
from tests.conftest import OpenHoldings
from tests.servers.warcs import response_record
from tests.workbench import HOME, PORT, QUICK, form_token, logged_in

FIRST, SECOND = "http://site.example/a", "http://site.example/b"


@pytest.fixture
def holdings(holdings_with: OpenHoldings, tmp_path: Path) -> Holdings:
    made = holdings_with(workbench_port=PORT)
    path = tmp_path / "site.warc.gz"
    path.write_bytes(b"".join(response_record(url, utc_now(), url.encode()) for url in (FIRST, SECOND)))
    import_file(path, collection="default", store=made.store, index=made.index)
    return made


@pytest.fixture
def app(holdings: Holdings) -> Flask:
    return create_workbench(holdings.settings, holdings, hasher=QUICK)


def send(client: FlaskClient, path: str, **form: str) -> tuple[int, str]:
    data = {"csrf_token": form_token(client), "collection": "default", **form}
    answer = client.post(path, data=data, base_url=HOME, headers={"Origin": HOME})
    return answer.status_code, answer.headers.get("Location") or answer.get_data(as_text=True)


def get(client: FlaskClient, path: str) -> str:
    answer = client.get(path, base_url=HOME)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def seen(holdings: Holdings, url: str) -> bool:
    gate = holdings.access.current().gate(("default",), ANYONE, holdings.access.now())
    return any(gate.permits(capture) for capture in holdings.index.versions(("default",), urlkey(url)))


def test_it_is_looked_at_put_out_of_sight_and_brought_back(app: Flask, holdings: Holdings) -> None:
    client = logged_in(app, holdings, Role.ARCHIVIST)
    assert "Nothing was deleted yet" in get(client, "/deletions")
    asked = {"sort": "url", "what": FIRST, "reason": "<b>asked for</b>"}
    status, page = send(client, "/deletions/preview", **asked)
    assert status == 200 and "<b>asked for" not in page and re.search(r"<dt>Captures</dt><dd>1<", page)
    until = re.search(r'name="until" value="(\d{14})"', page)
    assert until is not None
    assert seen(holdings, FIRST)
    assert send(client, "/deletions", **asked, until=until[1]) == (303, "/deletions/1")
    assert not seen(holdings, FIRST) and seen(holdings, SECOND)
    shown = get(client, "/deletions/1")
    assert "out of sight" in shown and "Bring it back" in shown and "Purge for good" not in shown
    assert "/deletions/1" in get(client, "/deletions")
    assert send(client, "/deletions/1/purge", confirm="1")[0] == 403
    assert send(client, "/deletions/1/restore") == (303, "/deletions")
    assert seen(holdings, FIRST)
    assert client.get("/deletions/1", base_url=HOME).status_code == 404


def test_what_takes_long_to_count_is_a_job_with_the_same_result(
    app: Flask, holdings: Holdings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, registry = logged_in(app, holdings), JobRegistry(holdings.engine, utc_now)
    asked = {"sort": "host", "what": "site.example", "reason": "<b>asked for</b>", "since": "2016", "is_said": "1"}
    soon = send(client, "/deletions/preview", **asked)[1]
    monkeypatch.setattr(deletionlook, "PATIENCE", 0)
    assert send(client, "/deletions/preview", **asked) == (303, "/deletions/looks/1")
    page = get(client, "/deletions/looks/1")
    assert "being counted" in page and "again.js" in page and 'action="/jobs/1/cancel"' in page
    assert send(client, "/jobs/1/cancel") == (303, "/jobs/1")
    page = get(client, "/deletions/looks/1")
    assert "not counted to the end" in page and "what=site.example" in page and "since=2016" in page
    status, where = send(client, "/deletions/preview", **asked)
    assert (status, where) == (303, "/deletions/looks/2")
    work_off(holdings, StopSignal())
    assert "What would go" in get(client, "/jobs/2")

    def told(page: str) -> str:
        return re.sub(r'name="(csrf_token|until)" value="[^"]*"', "", page[page.index("<main") :])

    shown = get(client, where)
    assert told(shown) == told(soon) and re.search(r"<dt>Captures</dt><dd>2<", shown)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', shown[shown.index('action="/deletions"') :]))
    assert send(client, "/deletions", **{**fields, "csrf_token": form_token(client), "reason": "law"}) == (303, "/deletions/1")
    assert not seen(holdings, FIRST)
    # What is out of sight is counted when somebody wants it; a purge looks for itself what needs what goes.
    assert "takes a while to count" in get(client, "/deletions/1")
    assert send(client, "/deletions/1/count") == (303, "/deletions/1")
    assert "is being counted" in get(client, "/deletions/1")
    assert client.get("/deletions/looks/3", base_url=HOME).headers["Location"] == "/deletions/1"
    work_off(holdings, StopSignal())
    assert re.search(r"<dt>Captures</dt><dd>2<", get(client, "/deletions/1"))
    # Of which nothing is held
    asked["what"] = "else.example"
    where = send(client, "/deletions/preview", **asked)[1]
    work_off(holdings, StopSignal())
    assert "Nothing of that is held" in get(client, where) and registry.get(4).result["captures"] == 0
    assert client.get("/deletions/looks/99", base_url=HOME).status_code == 404


def test_a_look_ends_in_time_and_tells_the_counting_to_end(holdings: Holdings, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = deletion.rule_for(holdings, deletion.Selection("default", is_everything=True), reason="law")
    found = deletionlook.look(holdings, rule)
    assert found is not None and found.captures == 2 and deletionlook.is_of_something(holdings, rule)
    waits, ended = Event(), Event()

    def slow(_: Holdings, __: Rule, step: Callable[[], None]) -> None:
        waits.wait(10)
        try:
            step()
        except Interrupted:
            ended.set()
            raise

    monkeypatch.setattr(deletion, "extent", slow)
    monkeypatch.setattr(deletionlook, "PATIENCE", 0.01)
    assert deletionlook.look(holdings, rule) is None
    waits.set()
    assert ended.wait(10)


def test_an_administrator_purges_what_was_typed(app: Flask, holdings: Holdings) -> None:
    client = logged_in(app, holdings)
    send(client, "/deletions", sort="prefix", what="http://site.example/a", reason="law", is_said="1", message="Gone.")
    registry = JobRegistry(holdings.engine, utc_now)
    made = registry.put("export", {"form": "warc"}, "default", "ada")
    work_off(holdings, StopSignal())
    assert registry.get(made).state is JobState.DONE
    assert "Download" in get(client, f"/jobs/{made}")
    status, page = send(client, "/deletions/1/purge", confirm="2")
    assert status == 400 and "not the number" in page
    status, where = send(client, "/deletions/1/purge", confirm=" 1 ")
    assert (status, where) == (303, "/jobs/2")
    assert send(client, "/deletions/1/purge", confirm="1") == (303, "/jobs/2")
    registry.cancel(2, "ada")
    archivist = logged_in(app, holdings, Role.ARCHIVIST)
    assert send(archivist, "/jobs/2/retry")[0] == 403 and "Try again" not in get(archivist, "/jobs/2")
    assert send(client, "/jobs/2/retry")[0] == 303
    work_off(holdings, StopSignal())
    purged = registry.get(2)
    assert purged.state is JobState.DONE and purged.result["exports"] == 1
    assert client.get(f"/jobs/{made}/file", base_url=HOME).status_code == 404  # it was in there
    shown = get(client, "/deletions/1")
    assert "purged" in shown and FIRST in shown and "Bring it back" not in shown and "Purge for good" not in shown
    table = client.get("/deletions/1/tombstones.csv", base_url=HOME)
    assert table.mimetype == "text/csv" and FIRST in table.get_data(as_text=True) and SECOND not in table.get_data(as_text=True)
    assert send(client, "/deletions/1/restore")[0] == 409


def test_what_is_no_deletion_is_said(app: Flask, holdings: Holdings) -> None:
    client = logged_in(app, holdings, Role.ARCHIVIST)
    for form, said in (
        ({"sort": "url", "what": FIRST}, "needs a reason"),
        ({"sort": "url", "what": "", "reason": "x"}, "which one"),
        ({"sort": "all", "what": "x", "reason": "x"}, "what is to be deleted"),
        ({"sort": "crawl", "what": "x", "reason": "x"}, "by its number"),
        ({"sort": "crawl", "what": "7", "reason": "x"}, "crawl 7"),
        ({"sort": "record", "what": "x", "reason": "x"}, "its file"),
        ({"sort": "record", "what": "x:²", "reason": "x"}, "its file"),
        ({"sort": "record", "what": "x:" + "9" * 30, "reason": "x"}, "its file"),
        ({"sort": "url", "what": "http://else.example/", "reason": "x"}, "Nothing of that is held"),
        ({"sort": "url", "what": FIRST, "reason": "x", "since": "tomorrow"}, "tomorrow"),
        ({"sort": "url", "what": FIRST, "reason": "x", "collection": "nowhere"}, "nowhere"),
    ):
        for path in ("/deletions/preview", "/deletions"):
            status, page = send(client, path, **form)
            assert status == 400 and said in page, (form, said)
    assert [rule for rule in holdings.access.all() if rule.deletion] == []
    assert logged_in(app, holdings, Role.VIEWER).get("/deletions", base_url=HOME).status_code == 403
