"""The REST API: declared, told, kept to."""

from __future__ import annotations

import re
from dataclasses import dataclass, make_dataclass
from datetime import datetime
from typing import Annotated

import pytest
from flask import Flask
from openapi_spec_validator import validate

from archiver.accounts import Role
from archiver.errors import UsageError
from archiver.holdings import Holdings
from archiver.model import Visibility
from archiver.repeats import RepeatRegistry
from replay.workbench.api.operations import OPERATIONS, ROOT
from replay.workbench.api.schema import Bounds, Invalid, Schemas, parse, parse_query, read_json, to_json
from replay.workbench.app import create_workbench
from tests.apichecks import ApiClient, told
from tests.conftest import OpenHoldings
from tests.workbench import HOME, PASSWORD, PORT, QUICK, logged_in


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    return holdings_with(workbench_port=PORT)


@pytest.fixture
def app(holdings: Holdings) -> Flask:
    return create_workbench(holdings.settings, holdings, hasher=QUICK)


@pytest.fixture
def api(app: Flask, holdings: Holdings) -> ApiClient:
    return ApiClient(app, holdings)


# -- the document ----------------------------------------------------------------------------------------------------


def test_the_document_is_valid_and_has_every_route(app: Flask, holdings: Holdings) -> None:
    validate(told())
    routes = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(ROOT) and not rule.rule.endswith("openapi.json")
    }
    assert routes == {(method.upper(), path) for path, methods in told()["paths"].items() for method in methods}
    client = logged_in(app, holdings, Role.VIEWER)
    assert client.get(f"{ROOT}/openapi.json", base_url=HOME).get_json() == told()


def test_every_operation_says_what_it_does() -> None:
    for made in OPERATIONS:
        assert made.view.__doc__, made.name
        assert made.method != "GET" or made.answer is not None or made.gives_file, made.name
    for path, methods in told()["paths"].items():
        for method, said in methods.items():
            assert said["summary"].endswith("."), (method, path)


def test_the_page_tells_every_operation_without_a_script(app: Flask, holdings: Holdings) -> None:
    page = logged_in(app, holdings, Role.VIEWER).get("/api", base_url=HOME).get_data(as_text=True)
    for made in OPERATIONS:
        assert f'id="{made.name}"' in page and made.path in page
    assert '<code dir="ltr">plan.limits.pages</code>' in page
    begin = page.partition('id="create_crawl-body"')[2].partition("</textarea>")[0]
    assert "seeds" in begin and "pace" not in begin  # what is offered to be sent switches nothing off
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert "<script>" not in page and " onclick" not in page and " style=" not in page


# -- what comes in and goes out --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Inner:
    """Inside."""

    size: Annotated[int, Bounds(least=0, most=9)]


@dataclass(frozen=True)
class Outer:
    """A thing.

    More of it.
    """

    name: Annotated[str, Bounds("What it is called.", longest=5)]
    inner: Inner | None = None
    many: tuple[Inner, ...] = ()
    kind: Visibility = Visibility.PUBLIC
    at: datetime | None = None
    share: float = 0.5
    words: dict[str, str] | None = None
    is_new: bool = False


def test_what_is_declared_is_read_and_written() -> None:
    sent = {"name": "a", "inner": {"size": 3}, "many": [{"size": 1}], "kind": "private", "at": "2026-01-01T00:00:00+01:00"}
    read = parse(Outer, sent)
    assert read.inner == Inner(3) and read.many == (Inner(1),) and read.kind is Visibility.PRIVATE
    assert to_json(read)["at"] == "2025-12-31T23:00:00Z"
    assert parse(Outer, to_json(read)) == read


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ([], "#"),
        ({}, "#/name"),
        ({"name": 1}, "#/name"),
        ({"name": None}, "#/name"),
        ({"name": "too long"}, "#/name"),
        ({"name": "\0"}, "#/name"),
        ({"name": "\ud800"}, "#/name"),
        ({"name": "a", "other": 1}, "#/other"),
        ({"name": "a", "a/b~": 1}, "#/a~1b~0"),
        ({"name": "a", "inner": {"size": 10}}, "#/inner/size"),
        ({"name": "a", "inner": {"size": True}}, "#/inner/size"),
        ({"name": "a", "inner": {"size": 1.5}}, "#/inner/size"),
        ({"name": "a", "inner": {"size": 10**30}}, "#/inner/size"),
        ({"name": "a", "inner": []}, "#/inner"),
        ({"name": "a", "many": {"size": 1}}, "#/many"),
        ({"name": "a", "many": [{"size": 1}, {"size": -1}]}, "#/many/1/size"),
        ({"name": "a", "many": [{}] * 10_001}, "#/many"),
        ({"name": "a", "kind": "secret"}, "#/kind"),
        ({"name": "a", "at": "yesterday"}, "#/at"),
        ({"name": "a", "share": "0.5"}, "#/share"),
        ({"name": "a", "words": {"x": 1}}, "#/words/x"),
        ({"name": "a", "is_new": 1}, "#/is_new"),
    ],
)
def test_what_is_wrong_is_named_where_it_is(sent: object, pointer: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse(Outer, sent)
    assert [problem.pointer for problem in raised.value.problems] == [pointer]


def test_all_that_is_wrong_is_named() -> None:
    with pytest.raises(Invalid) as raised:
        parse(Outer, {"name": 1, "inner": {"size": -1}, "x": 1})
    assert {problem.pointer for problem in raised.value.problems} == {"#/name", "#/inner/size", "#/x"}


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff{}", b'{"a": 1, "a": 2}', b'{"a": NaN}', b'{"a": Infinity}', b"[" * 100_000, b"1" * 10_000, b'"a" "b"'],
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError):
        read_json(data)


@dataclass(frozen=True)
class Asked:
    """Parameters."""

    size: Annotated[int, Bounds(least=1, most=5)] = 1
    words: tuple[str, ...] = ()
    is_new: bool | None = None


def test_parameters_are_read_as_declared() -> None:
    assert parse_query(Asked, {"size": ["2"], "words": ["a", "b"], "is_new": ["true"]}) == Asked(2, ("a", "b"), True)
    for wrong in ({"size": ["6"]}, {"size": ["1", "2"]}, {"size": ["١"]}, {"is_new": ["yes"]}, {"other": ["1"]}):
        with pytest.raises(Invalid):
            parse_query(Asked, wrong)


def test_a_document_is_not_made_of_two_things_of_one_name() -> None:
    schemas = Schemas()
    schemas.of(Inner, is_input=False)
    other: type = make_dataclass("Inner", [("x", int)])
    with pytest.raises(TypeError):
        schemas.of(other, is_input=False)


# -- requests --------------------------------------------------------------------------------------------------------


def test_collections_are_made_listed_and_changed(api: ApiClient, holdings: Holdings) -> None:
    made = api("POST", "/collections", {"slug": "news", "title": "News", "organisation": "A", "visibility": "unlisted"})
    assert (made.status_code, made.headers["Location"]) == (201, f"{ROOT}/collections/news")
    looked = api("GET", made.headers["Location"])
    assert looked.get_json()["organisation"] == {"name": "A", "url": ""}
    changed = api("PATCH", "/collections/news", {"description": "Of the day"}, If_Match=looked.headers["ETag"])
    assert changed.get_json()["description"] == "Of the day" and changed.headers["ETag"] != looked.headers["ETag"]
    assert api("GET", "/collections/news").headers["ETag"] == changed.headers["ETag"]
    late = api("PATCH", "/collections/news", {"title": "Late"}, If_Match=looked.headers["ETag"])
    assert late.status_code == 412 and holdings.collections.get("news").title == "News"
    assert api("POST", "/collections", {"slug": "news"}).status_code == 409
    assert api("GET", "/collections/nope").status_code == 404
    assert [entry.action for entry in holdings.audit.entries()][-2:] == ["collection.create", "collection.set"]
    assert api("GET", "/collections/news", If_None_Match=changed.headers["ETag"]).status_code == 304


def test_lists_come_in_pages(api: ApiClient, holdings: Holdings) -> None:
    for number in range(5):
        holdings.collections.create(f"c{number}")
    found, address = [], "/collections?limit=2"
    while address:
        page = api("GET", address)
        found += [item["slug"] for item in page.get_json()["items"]]
        address = page.get_json()["next"]
        assert ('rel="next"' in page.headers.get("Link", "")) == bool(address)
    assert found == ["c0", "c1", "c2", "c3", "c4", "default"]
    for wrong in ("limit=0", "limit=1001", "limit=x", "cursor=!", "cursor=eHg", "limit=1&limit=2", "page=2"):
        assert api("GET", f"/collections?{wrong}").status_code == 422, wrong


def test_what_is_sent_must_be_as_declared(api: ApiClient) -> None:
    wrong = api("POST", "/collections", {"slug": 1, "colour": "red"})
    assert wrong.status_code == 422 and wrong.mimetype == "application/problem+json"
    assert {item["pointer"] for item in wrong.get_json()["errors"]} == {"#/slug", "#/colour"}
    assert api.raw("POST", "/collections", b"{").status_code == 400
    assert api.raw("POST", "/collections", b"slug=a", "application/x-www-form-urlencoded").status_code == 415
    assert api.raw("POST", "/collections", b" " * 9_000_000).status_code == 413
    assert api("POST", "/collections", {"slug": "Not A Slug"}).status_code == 400
    assert api("POST", "/deletions/1/restore", {}).status_code == 400
    assert api("POST", "/collections", {"slug": "a"}, If_Match='"x"').status_code == 400


def test_a_key_makes_a_request_count_once(api: ApiClient, holdings: Holdings) -> None:
    rule = {"action": "block", "host": "example.org"}
    first = api("POST", "/access/rules", rule, Idempotency_Key="k1")
    again = api("POST", "/access/rules", rule, Idempotency_Key="k1")
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    assert again.headers["Location"] == first.headers["Location"] and again.headers["Idempotency-Replayed"] == "true"
    assert len(holdings.access.all()) == 1
    assert api("POST", "/access/rules", {**rule, "reason": "x"}, Idempotency_Key="k1").status_code == 422
    assert api("POST", "/access/rules", {"action": "block"}, Idempotency_Key="k2").status_code == 400
    assert api("POST", "/access/rules", rule, Idempotency_Key="k2").status_code == 201  # what failed is not kept
    assert api("POST", "/access/rules", rule, Idempotency_Key="x" * 201).status_code == 400
    assert api("POST", "/tokens", {"name": "x", "role": "viewer"}, Idempotency_Key="k3").status_code == 400


def test_a_request_that_is_being_done_is_not_done_twice(api: ApiClient, holdings: Holdings) -> None:
    now = holdings.collections.now()
    registry = RepeatRegistry(holdings.engine, lambda: now)
    assert registry.begin("a", "k", "print") is None
    with pytest.raises(Exception, match="being done"):
        registry.begin("a", "k", "print")
    assert registry.begin("b", "k", "print") is None


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ARCHIVIST])
def test_roles_reach_what_they_may(app: Flask, holdings: Holdings, role: Role) -> None:
    api = ApiClient(app, holdings, role)
    for made in OPERATIONS:
        if role.includes(made.role):
            continue
        path = re.sub(r"\{\w+\}", "1", made.path)
        assert api(made.method, path, {} if made.body else None).status_code == 403, made.name


def test_nobody_comes_without_a_token(app: Flask) -> None:
    client = app.test_client()
    answer = client.get(f"{ROOT}/collections", base_url=HOME)
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    for header in ("Bearer wrong", "LOW a:b", "LOW ", "Bearer "):
        answer = client.get(f"{ROOT}/collections", base_url=HOME, headers={"Authorization": header})
        assert answer.status_code == 401, header
    assert client.get(f"{ROOT}/nothing", base_url=HOME).mimetype == "application/problem+json"


def test_a_page_with_its_session_needs_the_token_of_its_forms(app: Flask, holdings: Holdings) -> None:
    client = logged_in(app, holdings)
    session = client.get(f"{ROOT}/session", base_url=HOME).get_json()
    new = {"slug": "news"}
    without = client.post(f"{ROOT}/collections", json=new, base_url=HOME, headers={"Origin": HOME})
    assert without.status_code == 400
    headers = {"Origin": HOME, "X-CSRFToken": session["csrf_token"]}
    elsewhere = client.post(f"{ROOT}/collections", json=new, base_url=HOME, headers={**headers, "Origin": "http://x.example"})
    assert elsewhere.status_code == 403
    assert client.post(f"{ROOT}/collections", json=new, base_url=HOME, headers=headers).status_code == 201


def test_rules_of_access(api: ApiClient) -> None:
    made = api("POST", "/access/rules", {"action": "exclude", "host": "example.org", "addresses": ["192.0.2.0/24"]})
    number = made.get_json()["number"]
    assert "the host example.org" in made.get_json()["in_words"]
    assert api("PATCH", f"/access/rules/{number}", {"action": "block", "embargo": "1year"}).get_json()["action"] == "block"
    asked = "/access/explain?collection=default&url=http://example.org/&address=192.0.2.1"
    assert api("GET", asked).get_json()["rule"]["number"] == number
    assert [item["number"] for item in api("GET", "/access/rules?collection=default").get_json()["items"]] == [number]
    assert api("POST", "/access/rules", {"action": "block"}).status_code == 400
    assert api("PATCH", f"/access/rules/{number}", {"embargo": "soon"}).status_code == 400
    assert api("DELETE", f"/access/rules/{number}").status_code == 204
    assert api("GET", f"/access/rules/{number}").status_code == 404


def test_accounts_and_tokens(app: Flask, holdings: Holdings, api: ApiClient) -> None:
    new = {"name": "ben", "password": "a few plain words", "role": "archivist"}
    made = api("POST", "/accounts", new)
    assert made.status_code == 201 and "password" not in made.get_data(as_text=True)
    assert api("PATCH", "/accounts/ben", {"role": "viewer"}).get_json()["role"] == "viewer"
    assert api("POST", "/accounts", {**new, "name": "eve", "password": "short"}).status_code == 400
    assert len(api("GET", "/accounts").get_json()["items"]) == 2
    token = api("POST", "/tokens", {"name": "robot", "role": "viewer", "days": 3}).get_json()
    program = app.test_client()
    keys = {"Authorization": f"LOW {api.name}:{token['secret']}"}
    assert program.get(f"{ROOT}/session", base_url=HOME, headers=keys).get_json()["role"] == "viewer"
    assert (
        program.get(f"{ROOT}/session", base_url=HOME, headers={"Authorization": f"LOW ben:{token['secret']}"}).status_code
        == 401
    )
    other = program.post(f"{ROOT}/tokens", json={"name": "more", "role": "viewer"}, base_url=HOME, headers=keys).get_json()
    assert other["token"]["expires_at"] == token["token"]["expires_at"]  # it does not outlive the one that asked for it
    number = token["token"]["number"]
    assert api("GET", f"/tokens/{number}").get_json()["name"] == "robot"
    assert api("POST", f"/tokens/{number}/revoke").status_code == 204
    assert program.get(f"{ROOT}/session", base_url=HOME, headers=keys).status_code == 401
    assert token["secret"] not in str(list(holdings.audit.entries()))
    assert api("DELETE", "/accounts/ben").status_code == 204
    assert api("DELETE", "/accounts/administrator").status_code == 409
    page = logged_in(app, holdings)
    headers = {"Origin": HOME, "X-CSRFToken": page.get(f"{ROOT}/session", base_url=HOME).get_json()["csrf_token"]}
    new = {"password_now": PASSWORD, "password": "other plain words"}
    assert api("POST", "/session/password", {**new, "password_now": "wrong"}).status_code == 403
    assert api("POST", "/session/password", {**new, "password": "short"}).status_code == 400
    answer = page.post(f"{ROOT}/session/password", json=new, base_url=HOME, headers=headers)
    assert answer.status_code == 204 and "muniment_session" in answer.headers["Set-Cookie"]
    assert page.get(f"{ROOT}/session", base_url=HOME).status_code == 200  # the page that asked goes on
    back = {"password_now": "other plain words", "password": PASSWORD}
    assert "Set-Cookie" not in api("POST", "/session/password", back).headers
    assert page.get(f"{ROOT}/session", base_url=HOME).status_code == 401  # now all have ended, but for tokens
    assert [item.action for item in holdings.audit.entries()].count("account.password") == 2
    for _ in range(5):
        assert api("POST", "/session/password", {**new, "password_now": "wrong"}).status_code == 403
    assert "too many" in api("POST", "/session/password", new).get_json()["title"]
    small = ApiClient(app, holdings, Role.VIEWER)
    assert small("POST", "/tokens", {"name": "x", "role": "administrator"}).status_code == 403
    assert [item["account"] for item in small("GET", "/tokens").get_json()["items"]] == ["viewer"]


def test_the_audit_log_and_the_settings(api: ApiClient) -> None:
    for number in range(3):
        api("POST", "/collections", {"slug": f"c{number}"})
    page = api("GET", "/audit?limit=2").get_json()
    assert [item["subject"] for item in page["items"]] == ["collection c2", "collection c1"]
    assert api("GET", page["next"]).get_json()["items"][0]["subject"] == "collection c0"
    verdict = api("GET", "/audit/verdict").get_json()
    assert verdict["problems"] == [] and api("GET", f"/audit/verdict?expected={verdict['last']}").get_json()["problems"] == []
    assert api("GET", "/audit/verdict?expected=abc").get_json()["problems"]
    settings = {item["name"]: item for item in api("GET", "/settings").get_json()}
    assert settings["workbench_port"]["value"] == PORT and settings["workbench_port"]["source"] == "command line"
