"""Seeds, descriptions, jobs, schedules and test crawls in the API."""

from __future__ import annotations

import base64
from io import BytesIO

import pytest
from PIL import Image

from archiver.accounts import Role
from archiver.fixity import Fixity
from archiver.holdings import Holdings
from archiver.index.files import Part
from archiver.missing import Miss, MissingParts
from replay.workbench.app import create_workbench
from tests.apichecks import ApiClient
from tests.conftest import OpenHoldings
from tests.workbench import PORT, QUICK


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    return holdings_with(workbench_port=PORT)


@pytest.fixture
def api(holdings: Holdings) -> ApiClient:
    return ApiClient(create_workbench(holdings.settings, holdings, hasher=QUICK), holdings)


SEEDS = "/collections/default/seeds"


def test_seeds_are_added_each_by_itself_and_changed(api: ApiClient, holdings: Holdings) -> None:
    new = [
        {"url": "example.org", "schedule": "weekly", "group": "News", "limits": {"documents": 5}},
        {"url": "ftp://x/"},
        {"url": "http://example.org/"},
    ]
    report = api("POST", SEEDS, {"seeds": new}).get_json()
    assert report["added"] == ["http://example.org/"]
    assert [(item["row"], item["is_duplicate"]) for item in report["refused"]] == [(2, False), (3, True)]
    (seed,) = api("GET", f"{SEEDS}?group=News").get_json()["items"]
    assert (seed["schedule"], seed["limits"], seed["scope"]) == ("weekly", {"documents": 5}, None)
    path = f"/seeds/{seed['number']}"
    etag = api("GET", path).headers["ETag"]
    changed = api("PATCH", path, {"title": "Example", "scope": "host", "schedule": ""}, If_Match=etag).get_json()
    assert (changed["title"], changed["scope"], changed["schedule"], changed["group"]) == ("Example", "host", None, "News")
    assert api("PATCH", path, {"title": "Late"}, If_Match=etag).status_code == 412
    assert api("PATCH", path, {"scope": "everything"}).status_code == 400
    assert api("GET", f"{SEEDS}?text=nothing").get_json()["items"] == []
    assert api("DELETE", path).status_code == 204 and api("GET", path).status_code == 404
    assert api("GET", "/collections/nope/seeds").status_code == 404
    assert {"seed.add", "seed.change", "seed.remove"} <= {entry.action for entry in holdings.audit.entries()}


def test_groups_of_seeds(api: ApiClient) -> None:
    groups = "/collections/default/groups"
    assert api("PUT", f"{groups}/News", {"is_public": True}).get_json() == {"name": "News", "is_public": True, "seeds": 0}
    assert api("PUT", f"{groups}/News", {"new_name": "Press"}).get_json()["name"] == "Press"
    assert [item["name"] for item in api("GET", groups).get_json()["items"]] == ["Press"]
    assert api("DELETE", f"{groups}/Press").status_code == 204 and api("GET", f"{groups}/Press").status_code == 404


def test_what_is_said_of_things(api: ApiClient) -> None:
    path = "/collections/default/description"
    said = [{"field": "DC:Creator", "value": "Ada"}, {"field": "Shelf", "value": "7", "is_private": True}]
    told = api("POST", path, {"statements": said, "level": "seed", "subject": "example.org"}).get_json()
    assert told["subject"] == "http://example.org/" and [item["field"] for item in told["statements"]] == ["creator", "Shelf"]
    assert api("GET", f"{path}?level=seed&subject=http://example.org/").get_json() == told
    assert api("GET", path).get_json()["statements"] == []
    assert api("GET", "/collections/default/descriptions?level=seed").get_json()["items"] == [told]
    facets = api("GET", "/collections/default/facets?level=seed&text=ada").get_json()["items"]
    assert facets == [{"field": "creator", "value": "Ada", "count": 1}]
    fields = api("PUT", "/collections/default/fields", {"fields": [{"name": "Shelf", "is_private": True}]}).get_json()
    assert {"name": "Shelf", "is_private": True, "is_element": False} in fields
    assert api("GET", "/collections/default/fields").get_json() == fields
    assert api("POST", path, {"statements": [{"field": "", "value": "x"}]}).status_code == 400
    assert api("POST", path, {"statements": [], "level": "page"}).status_code == 422


def test_jobs_are_asked_for_looked_at_and_cancelled(api: ApiClient, holdings: Holdings) -> None:
    made = api("POST", "/jobs/captures", {"collection": "default", "urls": ["example.org"]}, Idempotency_Key="k")
    number = made.get_json()["number"]
    assert made.headers["Location"] == f"/api/v1/jobs/{number}" and made.get_json()["state"] == "waiting"
    assert made.get_json()["arguments"] == {"urls": ["http://example.org/"]}
    for path, body in (
        ("exports", {"collection": "default", "form": "cdxj"}),
        ("verifications", {"quick": True}),
        ("texts", {}),
    ):
        assert api("POST", f"/jobs/{path}", body).status_code == 201, path
    first = api("GET", "/jobs?limit=3").get_json()
    rest = api("GET", first["next"]).get_json()["items"]
    assert [item["kind"] for item in (*first["items"], *rest)] == ["texts", "verify", "export", "capture"]
    assert [item["kind"] for item in api("GET", "/jobs?kind=export&state=waiting").get_json()["items"]] == ["export"]
    assert api("POST", f"/jobs/{number}/cancel").get_json()["state"] == "cancelled"
    assert api("POST", f"/jobs/{number}/cancel").status_code == 409
    assert api("POST", f"/jobs/{number}/retry").get_json()["state"] == "waiting"
    wrong = api("POST", "/jobs/captures", {"collection": "default", "urls": ["a.org", "ftp://x"]})
    assert [item["pointer"] for item in wrong.get_json()["errors"]] == ["#/urls/1"]
    assert api("POST", "/jobs/captures", {"collection": "default", "urls": []}).status_code == 422
    assert api("POST", "/jobs/captures", {"collection": "nope", "urls": ["a.org"]}).status_code == 404
    assert api("POST", "/jobs/exports", {"collection": "default", "at": "2020"}).status_code == 400
    assert api("POST", "/jobs/purges", {"deletion": 9}).status_code == 404
    assert api("GET", "/jobs/999").status_code == 404


def test_a_purge_is_not_tried_again_by_everybody(api: ApiClient, holdings: Holdings) -> None:
    app = create_workbench(holdings.settings, holdings, hasher=QUICK)
    rule = api("POST", "/deletions", {"collection": "default", "is_everything": True, "reason": "x", "until": "2020"})
    rule = rule.get_json()["number"]
    job = api("POST", "/jobs/purges", {"deletion": rule}).get_json()["number"]
    api("POST", f"/jobs/{job}/cancel")
    assert ApiClient(app, holdings, Role.ARCHIVIST)("POST", f"/jobs/{job}/retry").status_code == 403
    assert api("POST", f"/jobs/{job}/retry").status_code == 202


def test_schedules(api: ApiClient) -> None:
    api("POST", SEEDS, {"seeds": [{"url": "http://127.0.0.1:1/", "schedule": "daily"}]})
    (schedule,) = api("GET", "/schedules?collection=default").get_json()["items"]
    assert schedule["schedule"] == "daily" and schedule["seeds"] == 1 and schedule["last_crawl"] is None
    path = "/collections/default/schedules/daily"
    changed = api("PATCH", path, {"is_active": False, "plan": {"scope": "host"}}).get_json()
    assert changed["is_active"] is False and changed["plan"]["scope"] == "host"
    for plan in ({"login": {"cookies": "/etc/passwd"}}, {"allow_private": True}, {"limits": {"pages": -1}}, "{}"):
        assert api("PATCH", path, {"plan": plan}).status_code == 422, plan
    (crawl,) = api("POST", f"{path}/run").get_json()["crawls"]
    assert api("GET", path).get_json()["last_crawl"] == crawl
    assert api("GET", f"/crawls/{crawl}").get_json()["plan"]["scope"] == "host"
    assert api("GET", "/collections/default/schedules/hourly").status_code == 404
    assert api("GET", "/collections/default/schedules/weekly").status_code == 404


def test_test_crawls(api: ApiClient) -> None:
    body = {"collection": "default", "seeds": [{"url": "http://127.0.0.1:1/"}]}
    made = api("POST", "/test-crawls", body)
    number = made.get_json()["crawl"]
    assert made.status_code == 201 and made.get_json()["state"] == "unsaved" and made.get_json()["apart"] != "default"
    assert [item["crawl"] for item in api("GET", "/test-crawls?collection=default").get_json()["items"]] == [number]
    assert api("POST", f"/test-crawls/{number}/discard").get_json()["kind"] == "discard-test"
    assert api("GET", f"/test-crawls/{number}").get_json()["state"] == "discarding"
    assert api("POST", f"/test-crawls/{number}/save").status_code == 409
    assert api("POST", "/test-crawls", {**body, "plan": {"limits": {"pages": -1}}}).status_code == 422
    assert api("GET", "/test-crawls/999").status_code == 404


def test_organisations_and_budgets(api: ApiClient, holdings: Holdings) -> None:
    api("POST", "/collections", {"slug": "news", "organisation": "The Archive"})
    (found,) = api("GET", "/organisations").get_json()["items"]
    path = f"/organisations/{found['slug']}"
    etag = api("GET", path).headers["ETag"]
    assert api("PATCH", path, {"address": "1 Main Street"}, If_Match=etag).get_json()["address"] == "1 Main Street"
    assert api("PATCH", path, {"name": ""}).status_code == 400
    assert api("GET", "/organisations/nobody").status_code == 404
    changed = api("PATCH", "/collections/news", {"budget_bytes": 1000, "is_active": False, "options": {"scope": "host"}})
    said = changed.get_json()
    assert (said["budget_bytes"], said["is_active"], said["options"]["scope"]) == (1000, False, "host")
    assert api("PATCH", "/collections/news", {"options": {"limits": {"pages": -1}}}).status_code == 422
    assert api("PATCH", "/collections/news", {"options": {"login": {"cookies": "/etc/passwd"}}}).status_code == 422
    budget = api("GET", "/collections/news/budget").get_json()
    assert (budget["limit"], budget["used"], budget["level"], len(budget["months"])) == (1000, 0, "", 12)
    assert api("PATCH", "/collections/news", {"budget_bytes": 0}).get_json()["budget_bytes"] is None


def test_what_counts_itself_does_not_spoil_a_change(api: ApiClient, holdings: Holdings) -> None:
    etag = api("GET", "/collections/default").headers["ETag"]
    holdings.files.note("a.warc.gz", Fixity(1, "", "", ""), [Part("default", 5, "20200101000000", "20200101000000")])
    looked = api("GET", "/collections/default", If_None_Match=etag)
    assert looked.status_code == 200 and looked.get_json()["captures"] == 5
    assert api("PATCH", "/collections/default", {"title": "New"}, If_Match=etag).status_code == 200
    assert api("PATCH", "/collections/default", {"title": "Newer"}, If_Match=etag).status_code == 412


def test_notices(api: ApiClient) -> None:
    new = {"kind": "webhook", "target": "http://127.0.0.1:1/hook", "events": ["crawl.finished"], "collection": "default"}
    made = api("POST", "/notices", new).get_json()
    assert len(made["secret"]) > 20
    number = made["notice"]["number"]
    listed = api("GET", "/notices")
    assert listed.get_json()["items"] == [made["notice"]] and made["secret"] not in listed.get_data(as_text=True)
    job = api("POST", f"/notices/{number}/try").get_json()["job"]
    assert api("GET", f"/jobs/{job}").get_json()["state"] == "waiting"
    assert api("POST", "/notices", {**new, "events": ["moon.full"]}).status_code == 400
    assert api("POST", "/notices", {**new, "kind": "pigeon"}).status_code == 422
    assert api("DELETE", f"/notices/{number}").status_code == 204 and api("GET", f"/notices/{number}").status_code == 404


def test_what_is_missing_is_listed_put_aside_and_captured(holdings: Holdings) -> None:
    app = create_workbench(holdings.settings, holdings, hasher=QUICK)
    app.extensions["muniment.launch"] = lambda number, workers: None
    api = ApiClient(app, holdings)
    page = "http://a.example/"
    MissingParts(holdings, holdings.collections.now).take(
        Miss("default", page, "20200101000000", f"{page}{name}", "image") for name in ("a.png", "b.png")
    )
    missing = "/collections/default/missing"
    first, second = api("GET", missing).get_json()["items"]
    assert api("GET", f"{missing}?text=b.png").get_json()["items"] == [second]
    assert api("GET", f"{missing}/pages").get_json()["items"][0]["open"] == 2
    assert api("POST", f"{missing}/state", {"parts": [second["number"]], "is_ignored": True}).get_json() == {"changed": 1}
    assert api("GET", f"{missing}/counts").get_json() == {"open": 1, "queued": 0, "captured": 0, "ignored": 1}
    crawl = api("POST", f"{missing}/patch", {"parts": [first["number"]]}).get_json()
    assert crawl["seeds"] == [first["url"]]
    assert api("GET", f"{missing}?state=queued").get_json()["items"][0]["crawl"] == crawl["number"]
    assert api("POST", f"{missing}/patch", {"parts": [first["number"]]}).status_code == 404
    assert api("GET", f"{missing}?page_timestamp=x").status_code == 422


def test_patches_and_notes_of_crawls(holdings: Holdings) -> None:
    app = create_workbench(holdings.settings, holdings, hasher=QUICK)
    app.extensions["muniment.launch"] = lambda number, workers: None
    api = ApiClient(app, holdings)
    made = api("POST", "/crawls/patch", {"collection": "default", "urls": ["http://a.example/x.png"]})
    notes = f"/crawls/{made.get_json()['number']}/notes"
    assert api("GET", notes).get_json()["kind"] == "patch"
    assert api("PUT", notes, {"notes": "The logo."}).get_json()["notes"] == "The logo."
    assert api("POST", "/crawls/patch", {"collection": "default", "urls": []}).status_code == 400
    assert api("GET", "/crawls/999/notes").status_code == 404


def test_pictures(api: ApiClient) -> None:
    written = BytesIO()
    Image.new("RGB", (2, 2), "red").save(written, "PNG")
    path = "/collections/default/image"
    assert api("GET", path).status_code == 404
    kept = api("PUT", path, {"data": base64.b64encode(written.getvalue()).decode()}).get_json()
    assert Image.open(BytesIO(base64.b64decode(kept["data"]))).size == (2, 2)
    assert api("GET", path).get_json() == kept
    for wrong, status in (("!", 422), (base64.b64encode(b"<svg/>").decode(), 400)):
        assert api("PUT", path, {"data": wrong}).status_code == status
    assert api("DELETE", path).status_code == 204 and api("DELETE", path).status_code == 404
    assert api("GET", "/organisations/nobody/image").status_code == 404
