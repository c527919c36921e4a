"""The pages about long work: jobs, schedules, test crawls, budgets, notices."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from archiver import testcrawls
from archiver.accounts import Role
from archiver.collections.seeds import SeedRegistry
from archiver.collections.seedvalues import Schedule, SeedDraft
from archiver.engine import StopSignal
from archiver.holdings import Holdings, utc_now
from archiver.jobs import JobRegistry, JobState
from archiver.keeping import work_off
from archiver.notices import NoticeRegistry
from archiver.schedules import ScheduleRegistry
from replay.workbench.app import create_workbench
from tests.apichecks import ApiClient
from tests.archiver.crawling import page, plan
from tests.conftest import OpenHoldings
from tests.servers.routes import RouteServer
from tests.workbench import HOME, PORT, QUICK, form_token, logged_in, typed_in

Send = Callable[..., tuple[int, str]]


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    return holdings_with(workbench_port=PORT)


@pytest.fixture
def app(holdings: Holdings) -> Flask:
    return create_workbench(holdings.settings, holdings, hasher=QUICK)


@pytest.fixture
def client(app: Flask, holdings: Holdings) -> FlaskClient:
    return logged_in(app, holdings, Role.ARCHIVIST)


def get(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path, base_url=HOME)
    assert answer.status_code == status, path
    return answer.get_data(as_text=True)


def send(client: FlaskClient, path: str, **form: object) -> tuple[int, str]:
    """POST a form; the status and where it leads, or the page."""
    data = {"csrf_token": form_token(client), **form}
    answer = client.post(path, data=data, base_url=HOME, headers={"Origin": HOME})
    return answer.status_code, answer.headers.get("Location") or answer.get_data(as_text=True)


def test_a_job_is_asked_for_cancelled_tried_again_and_downloaded(holdings: Holdings, client: FlaskClient) -> None:
    assert 'href="/transfers"' in get(client, "/jobs")
    status, where = send(client, "/transfers/export", collection="default", form="json")
    assert (status, where) == (303, "/jobs/1")
    assert "waiting" in get(client, where) and 'http-equiv="refresh"' in get(client, where)
    assert ">export</td>" in get(client, "/jobs") or "export" in get(client, "/jobs")
    overview = get(client, "/")
    assert 'href="/jobs/1">job 1</a>' in overview and "Nothing is captured yet" in overview
    assert send(client, "/jobs/1/cancel") == (303, "/jobs/1")
    assert "cancelled" in get(client, "/jobs/1")
    assert send(client, "/jobs/1/cancel")[0] == 409
    assert send(client, "/jobs/1/retry") == (303, "/jobs/1")
    work_off(holdings, StopSignal())
    shown = get(client, "/jobs/1")
    assert "done" in shown and "/jobs/1/file" in shown and "refresh" not in shown
    answer = client.get("/jobs/1/file", base_url=HOME)
    assert answer.status_code == 200 and b'"default"' in answer.data
    assert "attachment" in answer.headers["Content-Disposition"]
    answer.close()
    (holdings.settings.archive / "exports" / "1" / "default.json").unlink()
    get(client, "/jobs/1/file", 404)
    get(client, "/jobs/99", 404)
    for form in ({"kind": "purge"}, {"kind": "export"}, {"kind": "verify", "collection": "nowhere"}):
        assert send(client, "/jobs", **form)[0] == 400
    assert send(client, "/jobs", kind="texts-again") == (303, "/jobs/2")
    asked = JobRegistry(holdings.engine, utc_now).get(2)
    assert (asked.kind, asked.arguments) == ("texts", {"again": True})


def test_jobs_say_what_is_hostile_as_text(holdings: Holdings, client: FlaskClient) -> None:
    registry = JobRegistry(holdings.engine, utc_now)
    number = registry.put("<b>kind", {"<i>": ["<u>", {"<s>": "<q>"}]}, None, "<p>")
    shown = get(client, f"/jobs/{number}") + get(client, "/jobs")
    assert not re.search(r"<(b|i|u|s|q|p)>(kind|<|&|:)", shown) and "&lt;u&gt;" in shown and "&lt;b&gt;kind" in shown


def test_the_list_has_pages_and_filters(holdings: Holdings, client: FlaskClient) -> None:
    registry = JobRegistry(holdings.engine, utc_now)
    for _ in range(60):
        registry.put("verify", {})
    registry.cancel(5, "ada")
    first = get(client, "/jobs")
    assert "/jobs/60" in first and '/jobs/5"' not in first and "before=11" in first
    assert '/jobs/5"' in get(client, "/jobs?before=11")
    only = get(client, "/jobs?state=cancelled")
    assert '/jobs/5"' in only and '/jobs/6"' not in only and "waiting (59)" in only
    get(client, "/jobs?before=x&state=y")


def test_the_list_is_live(holdings: Holdings, client: FlaskClient) -> None:
    number = JobRegistry(holdings.engine, utc_now).put("verify", {})
    answer = client.get("/jobs/stream", base_url=HOME, buffered=False)
    assert answer.mimetype == "text/event-stream"
    pieces = iter(answer.response)
    seen = b""
    while b"\n\n" not in seen.partition(b"data:")[2]:
        piece = next(pieces)
        seen += piece if isinstance(piece, bytes) else piece.encode()
    assert f"/jobs/{number}".encode() in seen
    answer.close()


def test_a_schedule_is_shown_changed_and_begun(holdings: Holdings, client: FlaskClient) -> None:
    assert "No seed has a schedule" in get(client, "/schedules")
    SeedRegistry(holdings.engine, utc_now).add("default", [SeedDraft("http://a.example/", schedule="weekly")])
    assert "/schedules/default/weekly" in get(client, "/schedules")
    assert ">1 active seed</a>" in get(client, "/schedules/default/weekly")
    where = "/schedules/default/weekly"
    typed = typed_in(get(client, where)) | {"anchor": "2030-01-31T05:30", "limit_pages": "7"}
    assert send(client, where, **typed) == (303, "/schedules")
    assert "2030-01-31 05:30" in get(client, "/schedules")
    assert ScheduleRegistry(holdings).get("default", Schedule.WEEKLY).plan == '{"limits": {"pages": 7}}'
    status, shown = send(client, where, **typed | {"anchor": "soon", "limit_time": "later", "rule_pattern_1": "/tag/"})
    assert status == 400 and "That is no time" in shown and "“later” does not do" in shown
    kept = typed_in(shown)
    assert (kept["limit_time"], kept["limit_pages"], kept["rule_pattern_0"]) == ("later", "7", "/tag/")
    assert send(client, f"{where}/run") == (303, "/jobs")
    begun = JobRegistry(holdings.engine, utc_now).get(1)
    assert begun.kind == "crawl" and begun.created_by
    shown = get(client, "/jobs")
    assert f"<bdi>{begun.created_by}</bdi>" in shown and "by itself" not in shown
    assert send(client, f"{where}/run")[0] == 409
    assert "still runs" in get(client, "/schedules")
    typed.pop("is_active")
    assert send(client, where, **typed)[0] == 303
    assert "switched off" in get(client, "/schedules")
    get(client, "/schedules/default/hourly", 404)
    get(client, "/schedules/default/daily", 404)


def test_the_form_of_a_schedule_says_all_that_options_can(holdings: Holdings, app: Flask, client: FlaskClient) -> None:
    SeedRegistry(holdings.engine, utc_now).add("default", [SeedDraft("http://a.example/", schedule="weekly")])
    rule = {"action": "accept", "match": "text", "pattern": "/ours/", "enabled": True, "note": ""}
    usual = {"scope": "host", "rules": [rule], "limits": {"documents": 50}, "robots": "requisites"}
    holdings.collections.update("default", options=json.dumps(usual))
    folder = holdings.settings.archive / "logins"
    folder.mkdir()
    (folder / "jar.txt").write_text("# Netscape HTTP Cookie File\na.example\tFALSE\t/\tFALSE\t0\tname\tvalue\n")
    (holdings.settings.archive / "apart.txt").write_text("X-Key: 1\n")
    registry, where = ScheduleRegistry(holdings), "/schedules/default/weekly"
    said: dict[str, object] = {
        "scope": "prefix", "robots": "requisites", "sitemaps": False, "transclusion_hops": 2, "insecure": True,
        "allow_private": True, "dedup": "archive", "user_agent": "Somebody (+me@example.org)",
        "pace": {"factor": 2.5, "max_seconds": 9.0, "crawl_delay_seconds": 60.0, "host_connections": 3},
        "traps": {"query_variants": 7, "session_ids": False}, "limits": {"documents": 0, "seconds": 5400.0},
        "login": {"headers": str(holdings.settings.archive / "apart.txt"), "hosts": ["a.example"]},
        "rules": [{**rule, "action": "block", "pattern": "/tag/", "note": "endless", "enabled": False}],
    }  # fmt: skip

    def own() -> dict[str, object]:
        found: dict[str, object] = json.loads(registry.get("default", Schedule.WEEKLY).plan or "{}")
        return found

    registry.set("default", Schedule.WEEKLY, by="ada", plan=json.dumps(said))
    shown = get(client, where)
    typed = typed_in(shown)
    assert str(holdings.settings.archive) not in shown and "1 rule of the collection" in shown and "robots.txt" in shown
    assert (typed["scope"], typed["limit_documents"], typed["rule_pattern_0"]) == ("prefix", "", "/tag/")
    send(client, where, **typed)
    assert own() == said  # also what only those who run the server may set, and what the collection says too
    send(client, where, **typed | {"robots": "obey", "headers": "", "cookies": "jar.txt", "scope": "host"})
    changed = own()
    assert changed["login"] == {"cookies": str(folder / "jar.txt"), "hosts": ["a.example"]}
    assert changed["robots"] == "obey" and "scope" not in changed  # the collection says it
    assert send(client, where, **typed | {"cookies": "../apart.txt"})[0] == 400

    assert send(client, where, do="reset") == (303, where) and own() == {}
    typed = typed_in(get(client, where))
    assert (typed["scope"], typed["limit_documents"]) == ("host", "50")
    assert send(client, where, **typed | {"scope": "custom"})[0] == 303  # the collection has an accept rule
    assert own() == {"scope": "custom"}
    send(client, where, **typed | {"is_fixed": "1", "allow_private": "1"})
    holdings.collections.update("default", options="")
    typed = typed_in(get(client, where))
    assert (typed["scope"], typed["limit_documents"], typed["is_fixed"]) == ("host", "50", "1")
    assert own()["allow_private"] is False  # an administrator's to switch on
    shown = get(logged_in(app, holdings, Role.VIEWER), where)
    assert "<fieldset disabled>" in shown and "jar.txt" not in shown and ">Save<" not in shown


def test_a_test_crawl_from_its_form_to_its_end(app: Flask, holdings: Holdings, client: FlaskClient) -> None:
    with RouteServer({"/": page("/a"), "/a": page()}) as server:
        form = {"collection": "default", "urls": server.url("/"), "pages": "50"}
        status, where = send(client, "/tests", **form)
        assert status == 303
        shown = get(client, where)
        assert "waiting" in shown and "stopped" not in shown and "again.js" in shown
        work_off(holdings, StopSignal())
        shown = get(client, where)
        assert "again.js" not in shown
        assert "There was no crawl before" in shown and "127.0.0.1" in shown and "Save into default" in shown
        assert "text/html" in shown and ">new<" in shown
        status, job = send(client, f"{where}/save")
        assert status == 303 and job.startswith("/jobs/")
        work_off(holdings, StopSignal())
        assert "saved" in get(client, where) and "Save into" not in get(client, where)
        status, second = send(client, "/tests", **form)
        work_off(holdings, StopSignal())
        assert "Beside crawl 1, the last one" in get(client, second)
        told = ApiClient(app, holdings)("GET", f"/test-crawls/{second.rpartition('/')[2]}/difference").get_json()
        assert told["before"]["number"] == 1 and told["new_hosts"] == 0 and told["stored"] > 0
        assert send(client, f"{second}/discard")[0] == 303
        work_off(holdings, StopSignal())
    assert "discarded" in get(client, "/tests") and get(client, "/tests").count("unsaved") == 0
    assert [test.state for test in testcrawls.find_tests(holdings)] == ["discarded", "saved"]
    for wrong in (
        {"urls": ""},
        {"urls": "ftp://x/"},
        {"urls": "http://a.example/", "pages": "many"},
        {"collection": "nowhere"},
    ):
        status, shown = send(client, "/tests", **{**form, **wrong})
        assert status in (400, 404), wrong
    get(client, "/tests/77", 404)


def test_a_test_crawl_of_the_seeds_of_a_collection(holdings: Holdings, client: FlaskClient) -> None:
    SeedRegistry(holdings.engine, utc_now).add("default", [SeedDraft("http://a.example/"), SeedDraft("http://b.example/")])
    assert send(client, "/tests", collection="default", urls="", pages="")[0] == 303
    SeedRegistry(holdings.engine, utc_now).add("default", [SeedDraft("http://c.example/", limits={"pages": 3})])
    status, shown = send(client, "/tests", collection="default", urls="", pages="")
    assert status == 400 and "limits or rules of their own" in shown


def test_the_budget(holdings: Holdings, client: FlaskClient) -> None:
    with RouteServer({"/": page()}) as server:
        JobRegistry(holdings.engine, utc_now).put("capture", {"urls": [server.url("/")]}, "default")
        [job] = work_off(holdings, StopSignal())
    assert job.state is JobState.DONE
    shown = get(client, "/budget")
    assert "No budget is set" in shown and "<svg" in shown
    assert send(client, "/budget/default", budget="1k")[0] == 303
    assert 'value="1k"' in get(client, "/budget")
    assert "used up" in get(client, "/budget") and holdings.collections.get("default").budget_bytes in (1000, 1024)
    status, shown = send(client, "/budget/default", budget="a lot")
    assert status == 400 and 'value="a lot"' in shown
    assert send(client, "/budget/default", budget="")[0] == 303
    assert holdings.collections.get("default").budget_bytes is None
    assert send(client, "/budget/nowhere", budget="1G")[0] == 404


def test_notices_are_made_tried_and_removed(holdings: Holdings, client: FlaskClient) -> None:
    form = {"kind": "webhook", "target": "https://x.example/hook?<b>", "events": ["crawl.failed", "budget.near"]}
    status, shown = send(client, "/notices", **form)
    [notice] = NoticeRegistry(holdings).all()
    assert (
        status == 200 and notice.secret in shown and re.search(r"A crawl ended with an error.*<br>A collection has used", shown)
    )
    assert notice.secret not in get(client, "/notices") and "<b>" not in get(client, "/notices")
    status, shown = send(client, "/notices", **{**form, "kind": "email", "target": "ada@example.org"})
    assert status == 400 and 'value="ada@example.org"' in shown and "mail server" in shown
    assert send(client, f"/notices/{notice.number}/try") == (303, "/notices")
    assert send(client, f"/notices/{notice.number}/remove") == (303, "/notices")
    assert "Nobody is told" in get(client, "/notices")
    assert send(client, f"/notices/{notice.number}/try")[0] == 404
    assert "notice" not in get(client, "/jobs").partition("<tbody")[2].partition("</tbody>")[0]


def test_viewers_look_and_change_nothing(app: Flask, holdings: Holdings) -> None:
    SeedRegistry(holdings.engine, utc_now).add("default", [SeedDraft("http://a.example/", schedule="weekly")])
    testcrawls.begin_test(holdings, "default", plan("http://a.example/"), by="ada")
    viewer = logged_in(app, holdings, Role.VIEWER)
    for path in ("/jobs", "/jobs/1", "/schedules", "/schedules/default/weekly", "/tests", "/tests/1", "/budget"):
        shown = get(viewer, path).partition("<main")[2]
        assert "<button" not in shown, path
    get(viewer, "/notices", 403)
    for path in (
        "/jobs",
        "/jobs/1/cancel",
        "/schedules/default/weekly/run",
        "/tests",
        "/tests/1/save",
        "/budget/default",
        "/notices",
    ):
        assert send(viewer, path)[0] == 403
    assert client_without(app).get("/jobs/stream", base_url=HOME).status_code in (303, 401)


def client_without(app: Flask) -> FlaskClient:
    return app.test_client()
