"""Crawls in the API: planned, begun, steered, reported on."""

from __future__ import annotations

import pytest
from flask import Flask

from archiver import deletionlook
from archiver.crawl import supervise
from archiver.engine import StopSignal
from archiver.holdings import Holdings
from archiver.keeping import work_off
from replay.workbench.app import create_workbench
from tests.apichecks import ApiClient
from tests.conftest import OpenHoldings
from tests.servers.routes import Answer, RouteServer
from tests.workbench import PORT, QUICK

ROUTES = {
    "/": Answer(
        b"<title>A</title><a href=/b.html>b</a><a href=/missing>m</a><a href=http://other.example/>o</a><img src=/i.png>"
    ),
    "/b.html": Answer(b"<title>B</title>"),
    "/i.png": Answer(b"x", "image/png"),
    "/robots.txt": Answer(b"", "text/plain"),
}
FAST = {"factor": 0, "min_seconds": 0, "max_seconds": 0}


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    return holdings_with(workbench_port=PORT)


@pytest.fixture
def begun() -> list[int]:
    """Crawls whose processes would be begun."""
    return []


@pytest.fixture
def api(holdings: Holdings, begun: list[int]) -> ApiClient:
    app: Flask = create_workbench(holdings.settings, holdings, hasher=QUICK)
    app.extensions["muniment.launch"] = lambda number, workers: begun.append(number)
    return ApiClient(app, holdings)


def crawl(api: ApiClient, holdings: Holdings, begun: list[int], url: str) -> int:
    """A crawl that was done; its number."""
    plan = {"scope": "host", "pace": {**FAST, "retries": 0}, "sitemaps": False, "guesses": False}
    made = api("POST", "/crawls", {"collection": "default", "seeds": [{"url": url}], "plan": plan}, Idempotency_Key="once")
    assert made.status_code == 201, made.get_json()
    number = int(made.get_json()["number"])
    assert begun == [number] and made.headers["Location"] == f"/api/v1/crawls/{number}"
    supervise.run(holdings, number, software="test")
    return number


def test_a_crawl_and_its_reports(api: ApiClient, holdings: Holdings, begun: list[int]) -> None:
    with RouteServer(ROUTES) as site:
        number = crawl(api, holdings, begun, site.url("/"))
        home = site.url("/")
    overview = api("GET", f"/crawls/{number}").get_json()
    assert overview["crawl"]["state"] == "finished" and overview["plan"]["scope"] == "host" and overview["classes"]["2xx"] >= 3
    assert [item["number"] for item in api("GET", "/crawls?collection=default").get_json()["items"]] == [number]
    assert api("GET", f"/crawls/{number}/progress").get_json()["is_over"] is True
    (seed,) = api("GET", f"/crawls/{number}/seeds").get_json()["items"]
    assert seed["url"] == home and seed["words"] == "Crawled"
    assert {item["key"] for item in api("GET", f"/crawls/{number}/types").get_json()} >= {"text/html", "image/png"}
    assert {item["key"] for item in api("GET", f"/crawls/{number}/statuses").get_json()} >= {"200", "404"}
    assert any(item["state"] == "out-of-scope" for item in api("GET", f"/crawls/{number}/reasons").get_json())
    assert len(api("GET", f"/crawls/{number}/hosts").get_json()["items"]) == 2
    listed, address = [], f"/crawls/{number}/urls?state=captured&limit=2"
    while address:
        page = api("GET", address).get_json()
        listed += [item["url"] for item in page["items"]]
        address = page["next"]
    assert home in listed and len(listed) == len(set(listed)) >= 4
    (out,) = api("GET", f"/crawls/{number}/urls?state=out-of-scope").get_json()["items"]
    assert out["url"] == "http://other.example/"
    (story,) = api("GET", f"/crawls/{number}/story?url=http://other.example/").get_json()
    assert [step["url"] for step in story["way"]] == [home, "http://other.example/"] and story["decision"]
    assert api("GET", f"/crawls/{number}/story?url=http://nothing.example/").get_json() == []
    assert api("GET", f"/crawls/{number}/urls?host=nothing.example").status_code == 404
    assert api("GET", f"/crawls/{number}/urls?state=lost").status_code == 422
    for part in ("", "/progress", "/seeds", "/hosts", "/types", "/statuses", "/reasons", "/urls", "/story?url=x.org"):
        assert api("GET", f"/crawls/999{part}").status_code == 404, part
    assert "no other crawl" in api("GET", f"/crawls/{number}/comparison").get_json()["title"]
    assert api("GET", f"/crawls/{number}/comparison?other={number}").status_code == 400
    files = api("GET", f"/files?crawl={number}").get_json()["items"]
    assert files and api("GET", f"/files/{files[0]['name']}").get_json()[0]["crawl"] == number
    assert api("GET", "/files/nothing.warc.gz").status_code == 404
    assert api("GET", "/storage").get_json()[0]["captures"] >= 4


def test_captures_are_listed_and_deleted(
    api: ApiClient, holdings: Holdings, begun: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with RouteServer(ROUTES) as site:
        number = crawl(api, holdings, begun, site.url("/"))
        page, prefix = site.url("/b.html"), site.url("/")
    (held,) = api("GET", f"/collections/default/captures?url={page}").get_json()["items"]
    assert held["mime"] == "text/html" and held["status"] == 200
    first = api("GET", f"/collections/default/captures?prefix={prefix}&limit=2").get_json()
    rest = api("GET", first["next"]).get_json()
    assert len(first["items"]) == 2 and first["items"][1] != rest["items"][0]
    assert api("GET", f"/collections/default/captures?url={page}&since=2999").get_json()["items"] == []
    assert api("GET", "/collections/default/captures?url=a.org&prefix=b.org").status_code == 422
    assert api("GET", "/collections/default/captures?url=ftp://x/").status_code == 400
    wanted = {"collection": "default", "url": page, "reason": "asked for"}
    assert api("POST", "/deletions/preview", wanted).get_json()["captures"] == 1
    nothing = api("POST", "/deletions", {**wanted, "url": f"{page}l"})
    assert nothing.status_code == 400 and "Nothing of that is held in “default”." in nothing.get_json()["title"]
    assert api("POST", "/deletions/preview", {**wanted, "url": f"{page}l"}).get_json()["captures"] == 0
    assert api("GET", "/deletions").get_json()["items"] == []
    with monkeypatch.context() as hurried:
        hurried.setattr(deletionlook, "PATIENCE", 0)
        refused = api("POST", "/deletions/preview", wanted)
        assert refused.status_code == 409 and "/api/v1/jobs/deletion-counts" in refused.get_json()["detail"]
        job = api("POST", "/jobs/deletion-counts", wanted).get_json()["number"]
    work_off(holdings, StopSignal())
    told = api("GET", f"/jobs/{job}").get_json()["result"]
    assert [item["url"] for item in told.pop("first")] == [page]
    assert told == api("POST", "/deletions/preview", wanted).get_json()
    gone = api("POST", "/deletions", wanted).get_json()
    assert gone["state"] == "suppressed" and api("GET", "/deletions").get_json()["items"] == [gone]
    rule = gone["number"]
    assert api("DELETE", f"/access/rules/{rule}").status_code == 409
    assert api("POST", f"/deletions/{rule}/restore").status_code == 204
    again = api("POST", "/deletions", {**wanted, "url": "", "crawl": number}).get_json()["number"]
    assert api("POST", f"/deletions/{again}/purge", {}).get_json()["captures"] >= 4
    assert api("GET", f"/deletions/{again}").get_json()["state"] == "purged"
    first = api("GET", f"/tombstones?deletion={again}&limit=2").get_json()
    rest = api("GET", first["next"]).get_json()["items"]
    assert len(first["items"]) == 2 and {item["collection"] for item in [*first["items"], *rest]} == {"default"}
    stones = api("GET", f"/tombstones?collection=default&url={page}").get_json()["items"]
    assert "response" in {item["record_type"] for item in stones} and {item["url"] for item in stones} == {page}
    assert stones[0]["reason"] == f"asked for (deletion {again})" and stones[0]["digest"] == ""
    assert api("GET", "/tombstones?url=http://nothing.example/").get_json()["items"] == []
    assert api("GET", "/tombstones?deletion=99").status_code == 404
    assert api("POST", f"/deletions/{again}/restore").status_code == 409
    assert api("POST", "/deletions", {"collection": "default", "reason": "x"}).status_code == 400


def test_what_a_crawl_would_do_is_shown_first(api: ApiClient, holdings: Holdings, begun: list[int]) -> None:
    body = {"collection": "default", "seeds": [{"url": "example.org/a/"}, {"url": "http://b.example/", "scope": "page"}]}
    shown = api("POST", "/crawls/preview", body).get_json()
    assert [item["scope"] for item in shown] == ["prefix", "page"] and shown[0]["seed"] == "http://example.org/a/"
    assert begun == [] and api("GET", "/crawls").get_json()["items"] == []


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"seeds": []}, "#/seeds"),
        ({"seeds": [{"url": "ftp://x/"}]}, "#/seeds/0/url"),
        ({"seeds": [{"url": "a.org"}, {"url": "http://u:p@b.org/"}]}, "#/seeds/1/url"),
        ({"plan": {"limits": {"pages": -1}}}, "#/plan/limits/pages"),
        ({"plan": {"scope": "custom"}}, "#/plan/scope"),
        ({"plan": {"rules": [{"action": "block", "match": "regex", "pattern": "("}]}}, "#/plan/rules"),
        ({"plan": {"user_agent": "a\nb"}}, "#/plan/user_agent"),
        ({"plan": {"login": {"cookies": "/etc/passwd"}}}, "#/plan/login/cookies"),
        ({"plan": {"login": {"cookies": "../muniment.sqlite3"}}}, "#/plan/login/cookies"),
        ({"plan": {"allow_private": True}}, "#/plan/allow_private"),
    ],
)
def test_plans_that_make_no_sense_are_refused(
    api: ApiClient, begun: list[int], change: dict[str, object], pointer: str
) -> None:
    body = {"collection": "default", "seeds": [{"url": "example.org"}], **change}
    answer = api("POST", "/crawls", body)
    assert answer.status_code == 422 and [item["pointer"] for item in answer.get_json()["errors"]] == [pointer]
    assert begun == []


def test_a_crawl_is_steered(api: ApiClient, holdings: Holdings, begun: list[int]) -> None:
    with RouteServer(ROUTES) as site:
        number = crawl(api, holdings, begun, site.url("/"))
    assert api("POST", f"/crawls/{number}/pause").status_code == 409
    state = api("GET", f"/crawls/{number}")
    changed = api("PATCH", f"/crawls/{number}", {"limits": {"pages": 5}}, If_Match=state.headers["ETag"])
    assert changed.get_json()["plan"]["limits"]["pages"] == 5
    assert api("PATCH", f"/crawls/{number}", {"limits": {"pages": 6}}, If_Match=state.headers["ETag"]).status_code == 412
    assert api("POST", f"/crawls/{number}/resume").status_code == 409
    assert api("POST", f"/crawls/{number}/retry").status_code == 202
    assert api("POST", "/crawls/999/stop").status_code == 404
    actions = [entry.action for entry in holdings.audit.entries()]
    assert {"crawl.start", "crawl.change", "crawl.retry"} <= set(actions)


def test_a_crawl_logs_in_with_files_that_the_keeper_has_put_there(api: ApiClient, holdings: Holdings, begun: list[int]) -> None:
    folder = holdings.settings.archive / "logins"
    folder.mkdir()
    (folder / "club.txt").write_text("example.org\tTRUE\t/\tFALSE\t0\tsession\tsecret\n")
    (folder / "club.txt").chmod(0o600)
    body = {"collection": "default", "seeds": [{"url": "example.org"}], "plan": {"login": {"cookies": "club.txt"}}}
    made = api("POST", "/crawls", body)
    number = made.get_json()["number"]
    told = api("GET", f"/crawls/{number}")
    assert told.get_json()["plan"]["logs_in"] is True and "club" not in told.get_data(as_text=True)
    assert api("PATCH", f"/crawls/{number}", {"login": {}}).get_json()["plan"]["logs_in"] is False
