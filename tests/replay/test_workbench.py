"""The workbench: nobody drives it but its own pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from archiver.holdings import Holdings, utc_now
from archiver.jobs import Job, JobRegistry
from replay.workbench.app import create_workbench
from replay.workbench.guard import allowed_hosts, refusal
from tests.workbench import HOME, PORT, QUICK, form_token, logged_in

OpenHoldings = Callable[..., Holdings]
HOSTS = allowed_hosts(PORT)


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    return holdings_with(workbench_port=PORT)


@pytest.fixture
def client(holdings: Holdings) -> FlaskClient:
    return logged_in(create_workbench(holdings.settings, holdings, hasher=QUICK), holdings)


def asked(holdings: Holdings) -> list[Job]:
    return JobRegistry(holdings.engine, utc_now).list()


def test_pages_are_saved_at_one_place(client: FlaskClient) -> None:
    page = client.get("/", base_url=HOME).get_data(as_text=True)
    assert "Save page" in page and ">Capture<" not in page
    moved = client.get("/captures?url=http://x.example/&collection=default", base_url=HOME)
    assert (moved.status_code, moved.headers["Location"]) == (301, "/save?url=http://x.example/&collection=default")


def test_hostile_text_stays_text(client: FlaskClient) -> None:
    for path in ("/save?url=%22%3E%3Cscript%3Ealert(3)</script>", "/save?collection=%22%3E%3Cscript%3Ealert(3)</script>"):
        assert "<script>alert" not in client.get(path, base_url=HOME).get_data(as_text=True)


def test_what_there_is_not_is_not_found(client: FlaskClient) -> None:
    for path in ("/crawls/99", "/nothing"):
        answer = client.get(path, base_url=HOME)
        assert answer.status_code == 404
        assert "Traceback" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("method", "headers", "allowed"),
    [
        ("GET", {"Host": "127.0.0.1:8081"}, True),
        ("GET", {"Host": "LOCALHOST:8081"}, True),
        ("GET", {"Host": "[::1]:8081"}, True),
        ("GET", {"Host": "127.0.0.1:8080"}, False),
        ("GET", {"Host": "evil.example:8081"}, False),
        ("GET", {"Host": "127.0.0.1:8081.evil.example"}, False),
        ("GET", {}, False),
        ("POST", {"Host": "127.0.0.1:8081"}, False),
        ("POST", {"Host": "127.0.0.1:8081", "Origin": "http://127.0.0.1:8081"}, True),
        ("POST", {"Host": "127.0.0.1:8081", "Origin": "http://127.0.0.1:8080"}, False),  # the reader, with its archived pages
        ("POST", {"Host": "127.0.0.1:8081", "Origin": "http://localhost:8081"}, False),
        ("POST", {"Host": "127.0.0.1:8081", "Origin": "null"}, False),
        ("POST", {"Host": "127.0.0.1:8081", "Origin": "http://["}, False),
        ("POST", {"Host": "127.0.0.1:8081", "Origin": "file://127.0.0.1:8081"}, False),
        ("POST", {"Host": "127.0.0.1:8081", "Origin": "http://127.0.0.1:8081", "Sec-Fetch-Site": "same-site"}, False),
        ("POST", {"Host": "127.0.0.1:8081", "Origin": "http://127.0.0.1:8081", "Sec-Fetch-Site": "same-origin"}, True),
        ("DELETE", {"Host": "127.0.0.1:8081", "Origin": "http://evil.example"}, False),
    ],
)
def test_only_its_own_pages_may_change_anything(method: str, headers: dict[str, str], allowed: bool) -> None:
    assert (refusal(method, headers, HOSTS) == "") is allowed


def test_a_form_without_its_token_is_refused(client: FlaskClient, holdings: Holdings) -> None:
    for given in ({}, {"csrf_token": "wrong"}):
        form = {"url": "http://x.example/", "collection": "default", **given}
        answer = client.post("/save", data=form, base_url=HOME, headers={"Origin": HOME})
        assert answer.status_code == 400
        assert "reload" in answer.get_data(as_text=True)
    assert asked(holdings) == []


def test_another_site_cannot_frame_read_or_post(client: FlaskClient, holdings: Holdings) -> None:
    answer = client.get("/save", base_url=HOME)
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in answer.headers
    cookie = answer.headers.get("Set-Cookie", "")
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    form = {"url": "http://x.example/", "collection": "default", "csrf_token": form_token(client)}
    posted = client.post("/save", data=form, base_url=HOME, headers={"Origin": "http://127.0.0.1:8080"})
    assert posted.status_code == 403
    assert client.get("/", base_url="http://evil.example").status_code == 403
    assert asked(holdings) == []


def test_a_huge_form_is_refused(client: FlaskClient) -> None:
    form = {"url": "x" * 200_000, "collection": "default"}
    assert client.post("/save", data=form, base_url=HOME, headers={"Origin": HOME}).status_code in (400, 413)
