"""Nothing of the workbench is reached without an account, and each role reaches what it may."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from io import BytesIO

import pytest
from flask import Flask
from PIL import Image
from werkzeug.test import TestResponse

from archiver.accounts import Role
from archiver.holdings import Holdings
from replay.workbench.app import ADMINISTRATION, DAILY, create_workbench
from replay.workbench.session import COOKIE, is_decided, safe_next
from tests.conftest import OpenHoldings
from tests.workbench import HOME, PASSWORD, PORT, QUICK, accounts_of, form_token, logged_in

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LOGO = BytesIO()
Image.new("RGB", (4, 4)).save(LOGO, "PNG")
OPEN = {
    "accounts.begin",
    "accounts.begin_now",
    "accounts.login",
    "accounts.log_in",
    "accounts.log_out",
    "save.arrived",
    "static",
}


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    return holdings_with(workbench_port=PORT)


@pytest.fixture
def app(holdings: Holdings) -> Flask:
    return create_workbench(holdings.settings, holdings, hasher=QUICK)


def test_every_view_says_who_may_come(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if rule.endpoint.endswith("static"):
            continue
        assert is_decided(view), rule.endpoint
        role = view.muniment_role  # type: ignore[attr-defined]
        assert (role is None) == (rule.endpoint in OPEN), rule.endpoint
        if role is Role.VIEWER:
            assert not rule.methods & {"PUT", "PATCH", "DELETE"}, rule.endpoint  # type: ignore[operator]


def test_nobody_sees_anything_without_an_account(app: Flask, holdings: Holdings) -> None:
    accounts_of(holdings).create("ada", PASSWORD, Role.ADMINISTRATOR)
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        if rule.endpoint in OPEN or rule.endpoint.endswith("static") or "GET" not in (rule.methods or ()):
            continue
        path = re.sub(r"<any\((\w+)[^)]*\):\w+>", r"\1", rule.rule)
        path = re.sub(r"<(?:\w+:)?\w+>", "1", path)
        answer = client.get(path, base_url=HOME)
        assert answer.status_code in (303, 401), path
        if answer.status_code == 303:
            assert answer.headers["Location"].startswith("/login?next=")


def test_the_login_leads_to_where_one_wanted(app: Flask, holdings: Holdings) -> None:
    accounts_of(holdings).create("ada", PASSWORD, Role.ADMINISTRATOR)
    client = app.test_client()
    asked = client.get("/crawls?q=http://x.example/", base_url=HOME)
    page = client.get(asked.headers["Location"], base_url=HOME)
    assert 'value="/crawls?q=http://x.example/"' in page.get_data(as_text=True)
    form = {"name": "ada", "password": PASSWORD, "next": "/crawls", "csrf_token": form_token(client, "/login")}
    wrong = client.post("/login", data={**form, "password": "wrong"}, base_url=HOME, headers={"Origin": HOME})
    assert wrong.status_code == 403 and 'value="ada"' in wrong.get_data(as_text=True)
    right = client.post("/login", data=form, base_url=HOME, headers={"Origin": HOME})
    assert (right.status_code, right.headers["Location"]) == (303, "/crawls")
    cookie = right.headers["Set-Cookie"]
    assert COOKIE in cookie and "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert client.get("/crawls", base_url=HOME).status_code == 200
    left = client.post("/logout", data={"csrf_token": form_token(client)}, base_url=HOME, headers={"Origin": HOME})
    assert left.status_code == 303 and client.get("/crawls", base_url=HOME).status_code == 303


def test_behind_a_proxy_failed_logins_are_those_of_one_client(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with(workbench_port=PORT, trusted_proxies="127.0.0.1")
    accounts_of(holdings).create("ada", PASSWORD, Role.ADMINISTRATOR)
    client = create_workbench(holdings.settings, holdings, hasher=QUICK).test_client()
    form = {"name": "ada", "password": PASSWORD, "csrf_token": form_token(client, "/login")}

    def log_in(address: str, **more: str) -> TestResponse:
        headers = {"Origin": HOME, "X-Forwarded-For": address, "X-Forwarded-Proto": "https"}
        return client.post("/login", data={**form, **more}, base_url=HOME, headers=headers)

    for number in range(6):
        assert log_in("203.0.113.9, 192.0.2.1", name=f"nobody{number}").status_code == 403
    assert "too many failed tries" in log_in("192.0.2.1").get_data(as_text=True)
    right = log_in("192.0.2.2")
    assert right.status_code == 303 and "; Secure" in right.headers["Set-Cookie"]


@pytest.mark.parametrize(
    "address", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "", "/a\nb"]
)
def test_the_login_leads_nowhere_else(address: str) -> None:
    assert safe_next(address) == "/"


def test_a_login_needs_its_form(app: Flask, holdings: Holdings) -> None:
    accounts_of(holdings).create("ada", PASSWORD, Role.ADMINISTRATOR)
    form = {"name": "ada", "password": PASSWORD}
    assert app.test_client().post("/login", data=form, base_url=HOME, headers={"Origin": HOME}).status_code == 400


@pytest.mark.parametrize("role", list(Role))
def test_the_navigation_leads_where_a_role_may_go(app: Flask, holdings: Holdings, role: Role) -> None:
    client = logged_in(app, holdings, role)
    page = client.get("/", base_url=HOME).get_data(as_text=True)
    with app.test_request_context(base_url=HOME):
        for endpoint, text, needed in DAILY + ADMINISTRATION:
            path = app.url_map.bind("127.0.0.1").build(endpoint)
            assert (f">{text}</a>" in page.partition("</nav>")[0]) == role.includes(needed)
            assert client.get(path, base_url=HOME).status_code == (200 if role.includes(needed) else 403), path


def test_a_viewer_changes_nothing(app: Flask, holdings: Holdings) -> None:
    client = logged_in(app, holdings, Role.VIEWER)
    form = {"csrf_token": form_token(client), "url": "http://x.example/", "collection": "default"}
    for path in ("/save", "/accounts", "/accounts/administrator", "/accounts/administrator/remove"):
        assert client.post(path, data=form, base_url=HOME, headers={"Origin": HOME}).status_code == 403


@pytest.mark.parametrize("number", ["9223372036854775808", "9" * 40, "987654"])
def test_a_number_that_nothing_can_have_is_not_found(app: Flask, holdings: Holdings, number: str) -> None:
    client = logged_in(app, holdings)
    form = {"csrf_token": form_token(client)}
    for rule in app.url_map.iter_rules():
        if "<int:" not in rule.rule:
            continue
        path = re.sub("<int:[a-z]+>", number, rule.rule)
        path = re.sub("<any[(]([a-z]+)[^>]*>", r"\1", path)
        path = re.sub("<[a-z:]+>", "default", path)
        for method in {"GET", "POST"} & (rule.methods or set()):
            answer = client.open(path, method=method, data=form, base_url=HOME, headers={"Origin": HOME})
            expected = (404, 405) if len(number) > 6 else range(200, 500)  # nothing fails inside
            assert answer.status_code in expected, f"{method} {path}"
    assert client.get(f"/crawls/new?from={number}", base_url=HOME).status_code == (200 if len(number) > 6 else 404)
    assert client.get("/crawls/new?from=²", base_url=HOME).status_code == 200


def test_what_nobody_looked_at_is_read_so_that_the_connection_stays(app: Flask, holdings: Holdings) -> None:
    client = logged_in(app, holdings)
    for size, left in ((1000, 0), (100_000, 100_000)):
        sent = BytesIO(b"x" * size)
        client.post("/nowhere", input_stream=sent, content_length=size, base_url=HOME, headers={"Origin": HOME})
        assert size - sent.tell() == left


def test_the_first_start(app: Flask, holdings: Holdings) -> None:
    accounts, client = accounts_of(holdings), app.test_client()
    key = accounts.begin()
    assert "no account yet" in client.get("/login", base_url=HOME).get_data(as_text=True)
    assert client.get("/begin?key=wrong", base_url=HOME).status_code == 403
    page = f"/begin?key={key}"
    form = {
        "csrf_token": form_token(client, page), "key": key, "name": "ada", "password": PASSWORD, "password_again": PASSWORD,
        "instance_name": "Archive of heritage", "organisation": "UNESCO", "organisation_url": "unesco.example",
        "address": "7, place de Fontenoy", "description": "Education, science, culture",
    }  # fmt: skip

    def send(**changed: object) -> TestResponse:
        logo = {"image": (BytesIO(LOGO.getvalue()), "logo.png")}
        return client.post("/begin", data=logo | form | changed, base_url=HOME, headers={"Origin": HOME})

    for changed, said in (
        ({"password_again": "x"}, "not the same"),
        ({"organisation_url": "javascript:alert(1)"}, "is not an http or https address"),
        ({"organisation": " "}, "The organisation has no name"),
        ({"image": (BytesIO(b"<svg/>"), "logo.svg")}, "no picture"),
        ({"instance_name": "a\x07b"}, "one line"),
    ):
        answer = send(**changed)
        assert answer.status_code == 400 and said in answer.get_data(as_text=True)
        assert "place de Fontenoy" in answer.get_data(as_text=True) and not accounts.is_any(), changed
    assert send().status_code == 303 and client.get("/accounts", base_url=HOME).status_code == 200
    organisation = holdings.collections.get("default").organisation
    assert organisation is not None
    assert (organisation.name, organisation.url) == ("UNESCO", "http://unesco.example/")
    assert (organisation.address, organisation.description) == ("7, place de Fontenoy", "Education, science, culture")
    assert client.get(f"/organisations/{organisation.slug}/logo", base_url=HOME).mimetype == "image/png"
    assert "Archive of heritage" in client.get("/", base_url=HOME).get_data(as_text=True)
    assert client.get(page, base_url=HOME).headers["Location"] == "/login"
    assert [entry.action for entry in holdings.audit.entries()][:1] == ["account.create"]


def test_the_name_of_the_archive_is_not_asked_for_where_it_is_fixed(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with(workbench_port=PORT, instance_name="Fixed")
    client = create_workbench(holdings.settings, holdings, hasher=QUICK).test_client()
    page = client.get(f"/begin?key={accounts_of(holdings).begin()}", base_url=HOME).get_data(as_text=True)
    assert "Fixed" in page and 'name="instance_name"' not in page


def test_accounts_are_made_changed_and_removed(app: Flask, holdings: Holdings) -> None:
    client = logged_in(app, holdings)
    token = {"csrf_token": form_token(client)}
    origin = {"Origin": HOME}
    new = {**token, "name": "ben", "password": PASSWORD, "role": "archivist", "display_name": "<b>Ben</b>", "email": ""}
    assert client.post("/accounts", data=new, base_url=HOME, headers=origin).status_code == 303
    assert client.post("/accounts", data=new, base_url=HOME, headers=origin).status_code == 400  # taken
    assert client.post("/accounts", data={**new, "name": "x", "role": "king"}, base_url=HOME, headers=origin).status_code == 400
    page = client.get("/accounts", base_url=HOME).get_data(as_text=True)
    assert "ben" in page and "<b>Ben" not in page
    change = {**token, "role": "viewer", "display_name": "Ben", "email": ""}
    assert client.post("/accounts/ben", data=change, base_url=HOME, headers=origin).status_code == 303
    ben = accounts_of(holdings).get("ben")
    assert (ben.role, ben.is_active) == (Role.VIEWER, False)
    assert client.post("/accounts/ben/remove", data=token, base_url=HOME, headers=origin).status_code == 303
    assert client.post("/accounts/administrator/remove", data=token, base_url=HOME, headers=origin).status_code == 400
    assert client.get("/accounts/nobody", base_url=HOME).status_code == 404
    actions = [entry.action for entry in holdings.audit.entries()]
    assert actions == ["account.create", "account.change", "account.remove"]
    log = client.get("/audit", base_url=HOME).get_data(as_text=True)
    assert "account.remove" in log and "role: <bdi>viewer</bdi>" in log and "{&#34;" not in log


def test_programs_use_tokens_and_no_forms(app: Flask, holdings: Holdings) -> None:
    client = logged_in(app, holdings)
    form = {"csrf_token": form_token(client), "name": "robot", "role": "archivist", "days": "30"}
    made = client.post("/me/tokens", data=form, base_url=HOME, headers={"Origin": HOME})
    secret = made.get_data(as_text=True).partition('class="secret">')[2].partition("<")[0]
    for days in ("-5", "0", "soon", "99999"):  # none of these makes a token that never ends
        wrong = client.post("/me/tokens", data={**form, "days": days}, base_url=HOME, headers={"Origin": HOME})
        assert wrong.status_code == 400 and "That is no number of days" in wrong.get_data(as_text=True), days
    program = app.test_client()
    bearer = {"Authorization": f"Bearer {secret}"}
    assert program.get("/save", base_url=HOME, headers=bearer).status_code == 200
    assert program.get("/accounts", base_url=HOME, headers=bearer).status_code == 403
    refused = program.get("/save", base_url=HOME, headers={"Authorization": "Bearer mun_wrong"})
    assert refused.status_code in (303, 401)
    posted = program.post("/save", data={"url": "", "collection": "default"}, base_url=HOME, headers=bearer)
    assert posted.status_code == 400 and "form has expired" not in posted.get_data(as_text=True)
    more = {"name": "more", "role": "administrator"}  # as its account is, and not the token
    assert program.post("/me/tokens", data=more, base_url=HOME, headers=bearer).status_code == 403
    assert [token.name for token in accounts_of(holdings).tokens()] == ["robot"]
    elsewhere = {**bearer, "Origin": "http://127.0.0.1:8080"}
    assert program.post("/save", data={"url": ""}, base_url=HOME, headers=elsewhere).status_code == 403
    page = client.get("/me", base_url=HOME).get_data(as_text=True)
    assert "robot" in page and secret not in page


def test_a_password_is_changed_by_who_knows_it(app: Flask, holdings: Holdings) -> None:
    client = logged_in(app, holdings)
    form = {"csrf_token": form_token(client), "password_now": PASSWORD, "password": "quite other words"}
    origin = {"Origin": HOME}
    for wrong in ({"password_again": "x"}, {"password_again": "quite other words", "password_now": "wrong"}):
        assert client.post("/me/password", data={**form, **wrong}, base_url=HOME, headers=origin).status_code == 400
    done = client.post("/me/password", data={**form, "password_again": "quite other words"}, base_url=HOME, headers=origin)
    assert done.status_code == 303 and client.get("/me", base_url=HOME).status_code == 200
    assert accounts_of(holdings).log_in("administrator", "quite other words")


def test_the_workbench_answers_at_the_names_that_are_set(holdings_with: OpenHoldings) -> None:
    held = holdings_with(workbench_port=PORT, workbench_names="archive.example.org, archive.example.org:8443")
    client = create_workbench(held.settings, held, hasher=QUICK).test_client()
    assert client.get("/login", base_url="https://archive.example.org").status_code == 200
    assert client.get("/login", base_url="https://archive.example.org:8443").status_code == 200
    assert client.get("/login", base_url="https://other.example.org").status_code == 403
