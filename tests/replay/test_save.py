"""Save Page Now 2: what is saved can be seen, what cannot is said; proved by clients written for the Wayback Machine."""

from __future__ import annotations

import gzip
import os
import re
import socket
from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from requests.adapters import BaseAdapter
from werkzeug.test import TestResponse

from archiver.accounts import Role
from archiver.collections.access import Action
from archiver.collections.accesswords import make_rule
from archiver.crawl.control import process_start
from archiver.errors import MissingRecord
from archiver.holdings import Holdings, utc_now
from archiver.jobs import Job, JobRegistry, JobState
from archiver.model import FailureKind, Visibility
from archiver.saveorders import USUAL_WITHIN, SaveOrder, SaveRefused, SaveSecrets, code_of, read_order
from archiver.saving import best_first
from archiver.urls import urlkey
from replay.proof import prover
from replay.workbench.app import create_workbench
from replay.workbench.savedesk import SaveDesk
from tests.conftest import OpenHoldings
from tests.servers.routes import Answer, Asked, RouteServer
from tests.workbench import HOME, PASSWORD, PORT, QUICK, accounts_of, form_token, logged_in

PAGE = b"<title>Page</title><link rel=stylesheet href=/s.css><a href=/b.html>B</a><a href=/doc.pdf>P</a><a href=/logout>out</a>"
ROUTES = {
    "/": Answer(PAGE),
    "/s.css": Answer(b"a{}", "text/css"),
    "/b.html": Answer(b"<title>B</title>"),
    "/doc.pdf": Answer(b"%PDF-1.4", "application/pdf"),
    "/gone": Answer(b"gone", "text/plain", 410),
    "/away": Answer(b"", status=302, headers=(("Location", "/b.html"),)),
    "/q?a=1&b=%2F": Answer(b"<title>Q</title>"),
}


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    names = "web.archive.org, web.archive.org:443"
    held = holdings_with(workbench_port=PORT, workbench_names=names, instance_url="https://web.archive.org", collection="web")
    held.collections.create("web", title="Web")
    return held


@pytest.fixture
def app(holdings: Holdings) -> Iterator[Flask]:
    made = create_workbench(holdings.settings, holdings, hasher=QUICK)
    yield made
    made.extensions["muniment.saves"].close()


@pytest.fixture
def site() -> Iterator[RouteServer]:
    with RouteServer(ROUTES) as server:
        yield server


class Program:
    """A program with the keys of an account."""

    def __init__(self, app: Flask, holdings: Holdings, role: Role = Role.ADMINISTRATOR) -> None:
        accounts = accounts_of(holdings)
        if not accounts.is_any():
            accounts.create("administrator", PASSWORD, Role.ADMINISTRATOR)
        self.secret = accounts.make_token("administrator", "test", role)
        self.desk: SaveDesk = app.extensions["muniment.saves"]
        self._client = app.test_client()

    @property
    def headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "Authorization": f"LOW administrator:{self.secret}"}

    def post(self, path: str, **form: str) -> TestResponse:
        return self._client.post(path, data=form, base_url=HOME, headers=self.headers)

    def get(self, path: str) -> TestResponse:
        return self._client.get(path, base_url=HOME, headers=self.headers)

    def saved(self, url: str, **options: str) -> dict[str, Any]:
        """The status of a page once its job is over."""
        begun = self.post("/save", url=url, **options)
        assert begun.status_code == 200, begun.get_data(as_text=True)
        return self.over(begun.get_json()["job_id"])

    def over(self, token: str) -> dict[str, Any]:
        assert re.fullmatch(r"spn2-[0-9a-f]{40}", token)
        assert self.desk.wait(token, 20).state.is_over
        return dict(self.get(f"/save/status/{token}").get_json())


@pytest.fixture
def program(app: Flask, holdings: Holdings) -> Program:
    return Program(app, holdings)


# -- what is asked for -----------------------------------------------------------------------------------------------


def test_options_are_read_as_they_are_meant() -> None:
    order, secrets = read_order({"url": "example.org"}, "web")
    assert (order.url, order.collection, order.within, order.tells_first) == ("http://example.org/", "web", USUAL_WITHIN, True)
    assert not secrets.are_any and order.messages == ()
    form = {
        "url": "https://example.org/", "capture_all": "1", "capture_outlinks": "on", "if_not_archived_within": "3d 5h 20m,120",
        "skip_first_archive": "1", "capture_cookie": "a=b", "target_username": "u", "target_password": "p", "force_get": "1",
        "use_user_agent": "x/1", "js_behavior_timeout": "10", "delay_wb_availability": "1", "collection": "news",
    }  # fmt: skip
    order, secrets = read_order(form, "web")
    assert order.keeps_errors and order.outlinks and order.document_only and not order.tells_first
    assert (order.within, order.outlinks_within) == (3 * 86_400 + 5 * 3_600 + 20 * 60, 120)
    assert (secrets.cookie, secrets.user, secrets.password) == ("a=b", "u", "p")
    assert "b" not in repr(secrets).replace("SaveSecrets", "") and len(order.messages) == 3
    for word in ("true", "True", "False", "yes", "0", ""):
        assert not read_order({"url": "x.org", "capture_all": word}, "web")[0].keeps_errors


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, "invalid-url-syntax"),
        ({"url": "ftp://x/"}, "invalid-url-syntax"),
        ({"url": "http://u:p@x.org/"}, "invalid-url-syntax"),
        ({"url": "x.org", "capture_screenshot": "1"}, "not-implemented"),
        ({"url": "x.org", "email_result": "1"}, "not-implemented"),
        ({"url": "x.org", "wacz": "on"}, "not-implemented"),
        ({"url": "x.org", "colour": "red"}, "bad-request"),
        ({"url": "x.org", "if_not_archived_within": "soon"}, "bad-request"),
        ({"url": "x.org", "if_not_archived_within": "1,2,3"}, "bad-request"),
        ({"url": "x.org", "if_not_archived_within": "9" * 50}, "bad-request"),
        ({"url": "x.org", "use_user_agent": "a\r\nX: y"}, "bad-request"),
        ({"url": "x.org", "capture_cookie": "ü"}, "bad-request"),
        ({"url": "x.org", "target_username": "u"}, "bad-request"),
        ({"url": "x.org", "target_username": "u:v", "target_password": "p"}, "bad-request"),
    ],
)
def test_what_cannot_be_done_is_refused(form: dict[str, str], code: str) -> None:
    with pytest.raises(SaveRefused) as raised:
        read_order(form, "web")
    assert raised.value.code == code


def test_every_failure_has_a_word_of_its_own() -> None:
    words = {code_of(kind, None) for kind in FailureKind if kind is not FailureKind.HTTP_ERROR}
    assert "job-failed" in words and len(words) > 8
    assert code_of(FailureKind.HTTP_ERROR, 404) == "not-found" and code_of(FailureKind.HTTP_ERROR, 418) == "no-access"
    assert code_of(None, 599) == "internal-server-error" and code_of(FailureKind.TLS, None) == "cannot-fetch"


def test_links_come_in_the_order_of_their_worth() -> None:
    page = "http://a.example/"
    links = [
        "http://a.example/old",
        "http://b.example/new",
        "http://a.example/new",
        "http://a.example/x.PDF",
        page,
        "http://a.example/logout",
    ]
    assert best_first(page, links, lambda link: "old" not in link) == [
        "http://a.example/x.PDF", "http://a.example/new", "http://b.example/new", "http://a.example/old",
    ]  # fmt: skip


# -- saving ----------------------------------------------------------------------------------------------------------


def test_a_page_is_saved_and_told(program: Program, site: RouteServer, holdings: Holdings) -> None:
    told = program.saved(site.url("/"), outlinks_availability="1")
    assert told["status"] == "success" and told["original_url"] == site.url("/") and told["http_status"] == 200
    assert {site.url("/"), site.url("/s.css")} <= set(told["resources"])
    assert told["first_archive"] is True and told["outlinks"] == {site.url("/doc.pdf"): "", site.url("/b.html"): ""}
    assert next(iter(holdings.index.versions(("web",), urlkey(site.url("/"))))).timestamp == told["timestamp"]
    actions = [entry.action for entry in holdings.audit.entries()]
    assert "job.save" in actions


def test_a_capture_that_is_young_enough_does_as_well(program: Program, site: RouteServer) -> None:
    first = program.saved(site.url("/b.html"))
    again = program.saved(site.url("/b.html"))
    assert again["timestamp"] == first["timestamp"] and "same snapshot" in again["message"]
    assert site.paths.count("/b.html") == 1 and again["first_archive"] is False
    assert "first_archive" not in program.saved(site.url("/b.html"), if_not_archived_within="0", skip_first_archive="1")
    assert site.paths.count("/b.html") == 2


def test_errors_are_kept_only_when_asked_for(program: Program, site: RouteServer, holdings: Holdings) -> None:
    told = program.saved(site.url("/gone"))
    assert (told["status"], told["status_ext"]) == ("error", "error:no-access") and "capture_all" in told["message"]
    assert list(holdings.index.versions(("web",), urlkey(site.url("/gone")))) == []
    assert program.saved(site.url("/missing"))["status_ext"] == "error:not-found"
    kept = program.saved(site.url("/gone"), capture_all="1")
    assert (kept["status"], kept["http_status"]) == ("success", 410)


def test_redirects_lead_to_the_page(program: Program, site: RouteServer) -> None:
    assert program.saved(site.url("/away"))["original_url"] == site.url("/b.html")


def test_what_cannot_be_reached_is_said(program: Program) -> None:
    told = program.saved("http://127.0.0.1:1/")
    assert (told["status"], told["status_ext"], told["exception"]) == ("error", "error:cannot-fetch", "cannot-fetch")


def test_the_document_alone(program: Program, site: RouteServer) -> None:
    assert program.saved(site.url("/"), force_get="1", use_user_agent="own/1")["resources"] == [site.url("/")]
    assert site.paths == ["/"] and site.asked[0].headers["User-Agent"] == "own/1"


def test_links_are_saved_each_as_a_job(program: Program, site: RouteServer) -> None:
    told = program.saved(site.url("/"), capture_outlinks="1")
    assert set(told["outlinks"]) == {site.url("/doc.pdf"), site.url("/b.html")}
    for token in told["outlinks"].values():
        assert program.over(token)["status"] == "success"
    listed = program.post("/save/status", job_id_outlinks=told["job_id"]).get_json()
    assert [item["status"] for item in listed] == ["success", "success"]
    assert "/logout" not in site.paths


def test_links_that_find_no_room_are_told_of(program: Program, site: RouteServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replay.workbench.savedesk.MOST_OPEN", 1)  # the page itself is one
    told = program.saved(site.url("/"), capture_outlinks="1")
    assert told["status"] == "success" and told["outlinks"] == {} and "Only 0 of 2 links" in told["message"]


def test_a_job_that_the_last_server_left_is_done(program: Program, site: RouteServer, holdings: Holdings) -> None:
    program.desk.close()
    orders = [read_order({"url": site.url("/b.html"), **more}, "web") for more in ({}, {"capture_cookie": "a=b"})]
    left = [program.desk.put(order, secrets, "administrator") for order, secrets in orders]
    assert program.desk.registry.of_token(left[0]).state.value == "waiting"
    again = SaveDesk(holdings, prover(holdings), utc_now)
    ended = [again.wait(token, 20) for token in left]
    again.close()
    assert [job.state.value for job in ended] == ["done", "failed"] and "started again" in ended[1].message


def test_what_readers_may_not_see_is_no_success(program: Program, site: RouteServer, holdings: Holdings) -> None:
    holdings.access.add([make_rule(Action.BLOCK, host="127.0.0.1", reason="private")])
    told = program.saved(site.url("/b.html"))
    assert (told["status"], told["status_ext"]) == ("error", "error:no-access") and "rule of access" in told["message"]


def test_a_page_of_a_private_collection_is_saved(program: Program, site: RouteServer, holdings: Holdings) -> None:
    holdings.collections.create("closed", visibility=Visibility.PRIVATE)
    assert program.saved(site.url("/b.html"), collection="closed")["status"] == "success"


def test_a_capture_that_cannot_be_opened_is_no_success(app: Flask, holdings: Holdings, site: RouteServer) -> None:
    def prove(collection: str, url: str, timestamp: str) -> list[str]:
        raise MissingRecord("The file is gone.")

    desk = SaveDesk(holdings, prove, utc_now)
    token = desk.put(*read_order({"url": site.url("/")}, "web"), "ada")
    job = desk.wait(token, 20)
    desk.close()
    assert job.state.value == "failed" and job.result["code"] == "capture-location-error" and "file is gone" in job.message


def test_secrets_are_shown_to_the_page_alone_and_kept_nowhere(program: Program, holdings: Holdings) -> None:
    def guarded(asked: Asked) -> Answer:
        if "Authorization" not in asked.headers:
            return Answer(b"who?", status=401, headers=(("WWW-Authenticate", 'Basic realm="x"'),))
        return Answer(b"<title>In</title><img src=http://localhost:%d/i.png>" % other.port)

    with RouteServer({"/i.png": Answer(b"x", "image/png")}) as other, RouteServer({"/": guarded}) as site:
        told = program.saved(
            site.url("/"),
            capture_cookie="session=very-secret-cookie",
            target_username="ada",
            target_password="very-secret-word",
        )
        assert told["status"] == "success" and "HTTP authentication" in told["message"]
        assert [asked.headers.get("Cookie") for asked in site.asked if asked.path == "/"] == ["session=very-secret-cookie"] * 2
        assert all("Cookie" not in asked.headers and "Authorization" not in asked.headers for asked in other.asked)
    kept = b""
    for path in holdings.settings.archive.rglob("*"):
        if path.is_file():
            kept += gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    assert b"[withheld]" in kept
    for secret in (b"very-secret", b"YWRhOnZlcnktc2VjcmV0LXdvcmQ"):
        assert secret not in kept
    # what another server of the archive has them for is left to that, as long as it lives
    order = {"order": SaveOrder("http://example.org/", "web").as_json(), "has_secrets": True}
    other_server = f"{socket.gethostname()} {os.getppid()} {process_start(os.getppid())}"
    registry = program.desk.registry
    left = registry.put("save", {**order, "server": other_server}, "web", "administrator")
    lost = registry.put(
        "save", {**order, "server": f"{socket.gethostname()} 1 1"}, "web", "administrator", token=f"spn2-{'0' * 40}"
    )
    program.desk.wake()
    assert program.over(registry.get(lost).token or "")["status"] == "error"
    assert registry.get(left).state is JobState.WAITING and "has the cookie" in registry.get(left).message


def test_what_is_refused_at_once_has_a_status_that_says_so(program: Program) -> None:
    for form, status, code in (
        ({"url": "nonsense://"}, 400, "invalid-url-syntax"),
        ({"url": "http://x.example/", "capture_screenshot": "1"}, 501, "not-implemented"),
        ({"url": "http://x.example/", "collection": "nope"}, 404, "not-found"),
    ):
        answer = program.post("/save", **form)
        assert (answer.status_code, answer.get_json()["status_ext"]) == (status, f"error:{code}")
        assert answer.get_json()["status"] == "error" and "job_id" not in answer.get_json()


def test_statuses(program: Program, site: RouteServer) -> None:
    first = program.saved(site.url("/b.html"))
    unknown = "spn2-" + "0" * 40
    assert program.get(f"/save/status/{unknown}").status_code == 404
    assert program.get("/save/status").status_code == 400
    both = program.post("/save/status", job_ids=f"{first['job_id']},{unknown}").get_json()
    assert [item["status"] for item in both] == ["success", "error"] and both[1]["status_ext"] == "error:not-found"
    assert program.post("/save/status", job_id=first["job_id"]).get_json()["timestamp"] == first["timestamp"]
    assert program.post("/save/status", job_ids=",".join([unknown] * 201)).status_code == 400
    user = program.get("/save/status/user").get_json()
    assert user["processing"] == 0 and user["daily_captures"] == 1 and user["available"] > 0
    assert program.get("/save/status/system").get_json() == {"status": "ok", "queues": {"spn2": 0}, "recent_captures": 1}


def test_a_page_that_waits_is_asked_for_once(program: Program, holdings: Holdings, monkeypatch: pytest.MonkeyPatch) -> None:
    release, answered = Event(), Event()
    other = SaveDesk(holdings, prover(holdings), utc_now)  # of another server of the same archive
    found: list[str] = []

    def ask_other(url: str) -> None:
        found.append(other.put(SaveOrder(url, "web"), SaveSecrets(), "administrator"))
        answered.set()

    def slow(_: Asked) -> Answer:
        release.wait(20)
        return Answer(b"<title>Slow</title>")

    with RouteServer({"/": slow, "/b": slow}) as server:
        first = program.post("/save", url=server.url("/")).get_json()["job_id"]
        assert program.post("/save", url=server.url("/")).get_json()["job_id"] == first
        pending = program.get(f"/save/status/{first}")
        assert pending.get_json()["status"] == "pending" and pending.headers["Retry-After"]
        look, threads = JobRegistry.list, list[Thread]()

        def slowly(self: JobRegistry, **wanted: Any) -> list[Job]:
            listed = look(self, **wanted)
            if self is program.desk.registry and not threads:
                threads.append(Thread(target=ask_other, args=(server.url("/b"),)))
                threads[0].start()
                answered.wait(0.3)  # it must not come in between
            return listed

        monkeypatch.setattr(JobRegistry, "list", slowly)
        second = program.desk.put(SaveOrder(server.url("/b"), "web"), SaveSecrets(), "administrator")
        threads[0].join()
        assert found == [second]
        release.set()
        assert program.over(first)["status"] == "success"
    other.close()


def test_what_came_is_told_while_it_comes(program: Program) -> None:
    asked, release = Event(), Event()

    def slow(_: Asked) -> Answer:
        asked.set()
        release.wait(20)
        return Answer(b"x", "image/png")

    with RouteServer({"/": Answer(b"<img src=/i.png>"), "/i.png": slow, "/favicon.ico": Answer(b"i", "image/png")}) as server:
        token = program.post("/save", url=server.url("/")).get_json()["job_id"]
        assert asked.wait(20)
        told = program.get(f"/save/status/{token}").get_json()
        assert told["status"] == "pending" and server.url("/") in told["resources"] and told["progress"]["known"] == 3
        release.set()
        assert len(program.over(token)["resources"]) == 3


def test_the_old_form(program: Program, site: RouteServer) -> None:
    url = site.url("/q?a=1&b=%2F")
    new = program.get(f"/save/{url}")
    assert new.status_code == 200 and new.headers["X-Page-Cache"] == "MISS"
    assert re.fullmatch(rf"/web/[0-9]{{14}}/{re.escape(url)}", new.headers["Content-Location"])
    assert 'rel="memento"' in new.headers["Link"] and site.paths.count("/q?a=1&b=%2F") == 1
    assert program.get(f"/save/{url}").headers["X-Page-Cache"] == "HIT"
    to_reader = program.get(new.headers["Content-Location"])
    assert to_reader.status_code == 302 and "/web/" in to_reader.headers["Location"]
    assert program.get("/save/http://127.0.0.1:1/").status_code == 502
    assert program.get("/web/20200101000000/http://nothing.example/").status_code == 404


# -- people ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def browser(app: Flask, holdings: Holdings) -> FlaskClient:
    return logged_in(app, holdings)


def test_opening_an_address_saves_nothing(browser: FlaskClient, app: Flask, site: RouteServer) -> None:
    page = browser.get(f"/save/{site.url('/b.html')}", base_url=HOME, headers={"Accept": "text/html"})
    assert page.status_code == 200 and f'value="{site.url("/b.html")}"' in page.get_data(as_text=True)
    assert site.asked == [] and app.extensions["muniment.saves"].registry.list() == []


def test_the_form(browser: FlaskClient, app: Flask, site: RouteServer) -> None:
    form = {"csrf_token": form_token(browser), "url": site.url("/"), "collection": "web", "capture_cookie": ""}
    headers = {"Origin": HOME, "Accept": "text/html"}
    begun = browser.post("/save", data=form, base_url=HOME, headers=headers)
    assert begun.status_code == 303
    token = begun.headers["Location"].rpartition("/")[2]
    app.extensions["muniment.saves"].wait(token, 20)
    page = browser.get(begun.headers["Location"], base_url=HOME).get_data(as_text=True)
    assert "See it as readers do" in page and "first capture" in page and site.url("/s.css") in page
    assert "Missing or incomplete" in page and re.search(r"/favicon\.ico</td><td[^>]*>the server answered 404", page)
    assert token in browser.get("/save", base_url=HOME).get_data(as_text=True)
    wrong = browser.post("/save", data={**form, "url": "ftp://<x>/"}, base_url=HOME, headers=headers)
    assert wrong.status_code == 400 and 'role="alert"' in wrong.get_data(as_text=True)
    assert "ftp://&lt;x&gt;/" in wrong.get_data(as_text=True)
    without = browser.post("/save", data={"url": site.url("/")}, base_url=HOME, headers=headers)
    assert without.status_code == 400


def test_a_job_can_be_stopped(browser: FlaskClient, app: Flask) -> None:
    asked, release = Event(), Event()

    def slow(_: Asked) -> Answer:
        asked.set()
        release.wait(20)
        return Answer(b"<img src=a.png>")

    with RouteServer({"/": slow}) as server:
        form = {"csrf_token": form_token(browser), "url": server.url("/")}
        headers = {"Origin": HOME, "Accept": "text/html"}
        where = browser.post("/save", data=form, base_url=HOME, headers=headers).headers["Location"]
        assert asked.wait(20)
        for _ in range(2):  # the second time, what is being received is cut too
            assert browser.post(f"{where}/stop", data=form, base_url=HOME, headers=headers).status_code == 303
        job = app.extensions["muniment.saves"].wait(where.rpartition("/")[2], 20)
        assert job.state.value in ("cancelled", "failed")
        release.set()


def test_the_bookmarklet_leads_to_the_form(app: Flask, browser: FlaskClient) -> None:
    page = browser.get("/save/bookmarklet", base_url=HOME).get_data(as_text=True)
    assert "javascript:void(location.href=" in page and f"{HOME}/save/from?url=" in page
    arrived = app.test_client().get("/save/from?url=http://x.example/%22%3E", base_url=HOME)
    assert arrived.status_code == 200 and "url=/save?url=http://x.example/" in arrived.get_data(as_text=True)
    assert '"><' not in arrived.get_data(as_text=True).partition('content="0;url=')[2].partition("<title>")[0][:-1]


def test_viewers_look_and_strangers_do_not(app: Flask, holdings: Holdings) -> None:
    viewer = Program(app, holdings, Role.VIEWER)
    assert viewer.post("/save", url="http://x.example/").status_code == 403
    assert viewer.get("/save/http://x.example/").status_code == 403
    assert viewer.get("/save/status/system").status_code == 200
    stranger = app.test_client()
    assert stranger.get("/save/http://x.example/", base_url=HOME).status_code == 401
    assert stranger.get("/save/status/user", base_url=HOME).status_code == 401


# -- clients that were written for the Wayback Machine ----------------------------------------------------------------


class ToWorkbench(BaseAdapter):
    """Sends what `requests` would send to web.archive.org to the workbench instead."""

    def __init__(self, client: FlaskClient, headers: dict[str, str] | None = None) -> None:
        super().__init__()
        self._client = client
        self._more = headers or {}

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        path = str(request.url).split("web.archive.org", 1)[1]
        headers = {**dict(request.headers), **self._more}
        answer = self._client.open(
            path, method=request.method, base_url="https://web.archive.org", headers=headers, data=request.body or b""
        )
        made = requests.Response()
        made.status_code, made.url, made.request = answer.status_code, str(request.url), request
        made.headers.update(dict(answer.headers))
        made._content = answer.get_data()
        return made

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def mapped(app: Flask, program: Program, monkeypatch: pytest.MonkeyPatch) -> ToWorkbench:
    adapter = ToWorkbench(app.test_client())
    monkeypatch.setattr(requests.Session, "get_adapter", lambda self, url: adapter)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return adapter


def test_savepagenow(mapped: ToWorkbench, program: Program, site: RouteServer, monkeypatch: pytest.MonkeyPatch) -> None:
    import savepagenow  # type: ignore[import-untyped]

    monkeypatch.setenv("SAVEPAGENOW_ACCESS_KEY", "administrator")
    monkeypatch.setenv("SAVEPAGENOW_SECRET_KEY", program.secret)
    address, is_new = savepagenow.capture_or_cache(site.url("/b.html"), authenticate=True)
    assert is_new and re.fullmatch(rf"https://web.archive.org/web/[0-9]{{14}}/{re.escape(site.url('/b.html'))}", address)
    assert savepagenow.capture_or_cache(site.url("/b.html"), authenticate=True) == (address, False)
    with pytest.raises(savepagenow.exceptions.BadGateway):
        savepagenow.capture("http://127.0.0.1:1/", authenticate=True)
    with pytest.raises(savepagenow.exceptions.Unauthorized):
        savepagenow.capture(site.url("/"))


def test_waybackpy(mapped: ToWorkbench, program: Program, site: RouteServer) -> None:
    from waybackpy import WaybackMachineSaveAPI

    api = WaybackMachineSaveAPI(site.url("/b.html"))
    api.request_headers["Authorization"] = f"LOW administrator:{program.secret}"
    assert re.fullmatch(rf"https://web.archive.org/web/[0-9]{{14}}/{re.escape(site.url('/b.html'))}", api.save())


def test_wayback_machine_archiver(mapped: ToWorkbench, program: Program, site: RouteServer) -> None:
    from wayback_machine_archiver.clients import SPN2Client

    client = SPN2Client(requests.Session(), "administrator", program.secret)
    token = client.submit_capture(site.url("/"), 0, {"capture_all": "1", "skip_first_archive": "1"})
    assert token is not None
    program.over(token)
    (told,) = client.check_status_batch([token])
    assert told["status"] == "success" and told["original_url"] == site.url("/")


def test_spn_client(mapped: ToWorkbench, program: Program, site: RouteServer) -> None:
    import spn_client

    begun = spn_client.submit(site.url("/b.html"), access_key="administrator", secret_key=program.secret)
    assert begun["submitted"], begun
    assert begun["job_id"] is not None
    program.over(begun["job_id"])
    told = spn_client.check_job_status(begun["job_id"], access_key="administrator", secret_key=program.secret)
    assert told["state"] == "success", told
