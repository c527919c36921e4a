"""The workbench: captures with progress, and nobody drives it but its own pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event

import pytest
from flask.testing import FlaskClient

from archiver.holdings import Holdings
from replay.workbench.app import create_workbench
from replay.workbench.guard import allowed_hosts, refusal
from replay.workbench.jobs import CaptureRunner
from tests.servers.routes import Answer, Asked, RouteServer
from tests.workbench import HOME, PORT, QUICK, form_token, logged_in

OpenHoldings = Callable[..., Holdings]
HOSTS = allowed_hosts(PORT)


@pytest.fixture
def runner(holdings_with: OpenHoldings) -> Iterator[CaptureRunner]:
    made = CaptureRunner(holdings_with(workbench_port=PORT), software="muniment/test")
    yield made
    made.close()


@pytest.fixture
def client(holdings_with: OpenHoldings, runner: CaptureRunner) -> FlaskClient:
    holdings = holdings_with(workbench_port=PORT)
    return logged_in(create_workbench(holdings.settings, holdings, runner=runner, hasher=QUICK), holdings)


def start(client: FlaskClient, url: str, collection: str = "default", **headers: str) -> int:
    """The number of the capture that was begun."""
    form = {"url": url, "collection": collection, "csrf_token": form_token(client)}
    answer = client.post("/captures", data=form, base_url=HOME, headers={"Origin": HOME, **headers})
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return int(answer.headers["Location"].rpartition("/")[2])


def wait_until_over(client: FlaskClient, runner: CaptureRunner, number: int) -> dict[str, object]:
    view = runner.view(number)
    pause = Event()
    while view is not None and not view.is_over:
        pause.wait(0.01)
        view = runner.view(number)
    return dict(client.get(f"/captures/{number}.json", base_url=HOME).get_json())


def test_a_page_is_captured_and_its_progress_told(client: FlaskClient, runner: CaptureRunner) -> None:
    asked, release = Event(), Event()

    def slow(_: Asked) -> Answer:
        asked.set()
        release.wait(20)
        return Answer(b"x" * 1000, "image/png")

    with RouteServer({"/": Answer(b"<title>Slow</title><img src=s.png>"), "/s.png": slow}) as server:
        number = start(client, server.url("/"))
        assert asked.wait(20)
        running = client.get(f"/captures/{number}.json", base_url=HOME).get_json()
        assert (running["state"], running["over"], running["known"], running["host"]) == ("running", False, 3, "127.0.0.1")
        release.set()
        done = wait_until_over(client, runner, number)
    assert (done["state"], done["finished"], done["title"]) == ("done", 3, "Slow")
    assert [failure["url"] for failure in done["failures"]] == [server.url("/favicon.ico")]  # type: ignore[attr-defined]
    assert str(done["see"]).startswith("http://127.0.0.1:8080/default/2")
    page = client.get(f"/captures/{number}", base_url=HOME).get_data(as_text=True)
    assert "the server answered 404" in page
    assert str(done["see"]) in page
    assert "Slow" in client.get("/captures", base_url=HOME).get_data(as_text=True)


def test_a_capture_can_be_stopped(client: FlaskClient, runner: CaptureRunner) -> None:
    asked, release = Event(), Event()

    def slow(_: Asked) -> Answer:
        asked.set()
        release.wait(20)
        return Answer(b"<img src=a.png>")

    with RouteServer({"/": slow}) as server:
        number = start(client, server.url("/"))
        assert asked.wait(20)
        form = {"csrf_token": form_token(client)}
        assert client.post(f"/captures/{number}/stop", data=form, base_url=HOME, headers={"Origin": HOME}).status_code == 303
        release.set()
        assert wait_until_over(client, runner, number)["state"] == "stopped"
        assert [asked.path for asked in server.asked] == ["/"]


def test_what_cannot_be_captured_is_said(client: FlaskClient, runner: CaptureRunner) -> None:
    for url, collection in (("ftp://x/", "default"), ("http://[", "default"), ("http://x.example/", "nope"), ("", "default")):
        form = {"url": url, "collection": collection, "csrf_token": form_token(client)}
        answer = client.post("/captures", data=form, base_url=HOME, headers={"Origin": HOME})
        assert answer.status_code == 400
        assert 'role="alert"' in answer.get_data(as_text=True)
    failed = wait_until_over(client, runner, start(client, "http://127.0.0.1:1/"))
    assert failed["state"] == "failed"
    assert "refused the connection" in str(failed["problem"])
    assert failed["see"] is None


def test_hostile_text_stays_text(client: FlaskClient, runner: CaptureRunner) -> None:
    with RouteServer({"/": Answer(b"<title>&lt;script&gt;alert(1)&lt;/script&gt;</title>")}) as server:
        number = start(client, server.url("/?<script>alert(2)</script>"))
        wait_until_over(client, runner, number)
    for path in ("/captures", f"/captures/{number}", "/captures?url=%22%3E%3Cscript%3Ealert(3)</script>"):
        assert "<script>alert" not in client.get(path, base_url=HOME).get_data(as_text=True)


def test_unknown_captures_are_not_found(client: FlaskClient) -> None:
    for path in ("/captures/99", "/captures/99.json", "/nothing"):
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


def test_a_form_without_its_token_is_refused(client: FlaskClient, runner: CaptureRunner) -> None:
    for given in ({}, {"csrf_token": "wrong"}):
        form = {"url": "http://x.example/", "collection": "default", **given}
        answer = client.post("/captures", data=form, base_url=HOME, headers={"Origin": HOME})
        assert answer.status_code == 400
        assert "reload" in answer.get_data(as_text=True)
    assert runner.views() == []


def test_another_site_cannot_frame_read_or_post(client: FlaskClient, runner: CaptureRunner) -> None:
    answer = client.get("/captures", base_url=HOME)
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in answer.headers
    cookie = answer.headers.get("Set-Cookie", "")
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    form = {"url": "http://x.example/", "collection": "default", "csrf_token": form_token(client)}
    posted = client.post("/captures", data=form, base_url=HOME, headers={"Origin": "http://127.0.0.1:8080"})
    assert posted.status_code == 403
    assert client.get("/", base_url="http://evil.example").status_code == 403
    assert runner.views() == []


def test_a_huge_form_is_refused(client: FlaskClient) -> None:
    form = {"url": "x" * 200_000, "collection": "default"}
    assert client.post("/captures", data=form, base_url=HOME, headers={"Origin": HOME}).status_code in (400, 413)
