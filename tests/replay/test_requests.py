"""Requests with a body find the answers that were captured for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from tests.servers.warcs import request_record, response_record

Reader = Callable[..., FlaskClient]

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
AT = "/unesco/20160810204623da_"
API = "http://e.org/api"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
DATA = {"headers": "Content-Type: application/json\r\n"}


def exchange(
    body: bytes, answer: bytes, *, method: str = "POST", kind: str = JSON, second: int = 23, request_first: bool = False
) -> tuple[bytes, bytes]:
    moment = MOMENT.replace(second=second)
    pair = (response_record(API, moment, answer, **DATA), request_record(API, moment, method, kind, body))
    return pair[::-1] if request_first else pair


@pytest.mark.parametrize("request_first", [False, True])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_each_body_gets_its_own_answer(reader: Reader, method: str, request_first: bool) -> None:
    client = reader(
        *exchange(b'{"q": "one"}', b'"1"', method=method, request_first=request_first),
        *exchange(b'{"q": "two"}', b'"2"', method=method, request_first=request_first, second=24),
        response_record(API, MOMENT, b'"got"', **DATA),
    )
    for question, answer in (("one", '"1"'), ("two", '"2"')):
        found = client.open(f"{AT}/{API}", method=method, data=f'{{"q":"{question}"}}', content_type=JSON)
        assert (found.status_code, found.get_data(as_text=True)) == (200, answer)
    assert client.get(f"{AT}/{API}").get_data(as_text=True) == '"got"'


@pytest.mark.parametrize(
    ("kind", "archived", "asked"),
    [
        (FORM, b"a=1&b=2", b"b=2&a=1"),
        (FORM, b"a=x+y", b"a=x%20y"),
        (JSON, b'{"a":1,"b":[true]}', b'{ "b": [true], "a": 1.0 }'),
        ("text/plain", b"hello", b"hello"),
        ("application/octet-stream", bytes(range(256)), bytes(range(256))),
    ],
)
def test_the_same_said_otherwise_is_the_same(reader: Reader, kind: str, archived: bytes, asked: bytes) -> None:
    client = reader(*exchange(archived, b'"yes"', kind=kind))
    assert client.post(f"{AT}/{API}", data=asked, content_type=kind).data == b'"yes"'


def test_another_body_is_missing(reader: Reader) -> None:
    client = reader(*exchange(b'{"q":"one"}', b'"1"'), response_record(API, MOMENT, b'"got"', **DATA))
    answer = client.post(f"{AT}/{API}", data='{"entirely":"different"}', content_type=JSON)
    assert answer.status_code == 404


def test_the_very_same_request_gets_its_answers_in_order(reader: Reader) -> None:
    client = reader(*(record for second in (30, 31, 32) for record in exchange(b'{"p":1}', b'"%d"' % second, second=second)))

    def ask(turn: str) -> str:
        found = client.post(f"{AT}/{API}", data='{"p":1}', content_type=JSON, headers={"X-Archive-Repeat": turn})
        return found.get_data(as_text=True)

    assert [ask(turn) for turn in ("0", "1", "2", "3", "99999999999", "x", "")] == [
        '"30"', '"31"', '"32"', '"32"', '"32"', '"30"', '"30"',
    ]  # fmt: skip


def test_a_request_belongs_to_the_response_it_names(reader: Reader) -> None:
    first = response_record(API, MOMENT, b'"1"', **DATA)
    client = reader(
        first, request_record(API, MOMENT, "POST", JSON, b'{"q":"other"}', concurrent="<urn:uuid:another>"),
    )  # fmt: skip
    assert client.post(f"{AT}/{API}", data='{"q":"other"}', content_type=JSON).status_code == 404
    assert client.get(f"{AT}/{API}").data == b'"1"'


def test_answers_to_forms_are_shown_as_pages_and_are_no_pages_of_the_list(reader: Reader) -> None:
    page = response_record(API, MOMENT, b"<h1>Results</h1>")
    client = reader(page, request_record(API, MOMENT, "POST", FORM, b"q=x"))
    shown = client.post(f"/unesco/20160810204623/{API}", data={"q": "x"}, headers={"Sec-Fetch-Dest": "document"})
    assert b"<h1>Results" in shown.data and b"muniment-banner" in shown.data
    assert shown.headers["Cache-Control"] == "no-cache"
    assert f"/unesco/20160810204623/{API}" not in client.get("/unesco/").get_data(as_text=True)


def test_an_escape_that_the_server_lost_loses_no_answer(reader: Reader) -> None:
    url = "http://e.org/projects/group%2Fname/search"
    client = reader(response_record(url, MOMENT, b'"1"', **DATA), request_record(url, MOMENT, "POST", JSON, b'{"q":1}'))
    for address in (url, url.replace("%2F", "%252F")):
        assert client.post(f"{AT}/{address}", data='{"q":1}', content_type=JSON).data == b'"1"'


def test_pages_in_a_sandbox_may_ask_for_everything(reader: Reader) -> None:
    client = reader(response_record(API, MOMENT, b'"got"', **DATA))
    asked = {"Origin": "null", "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization,x-a"}
    leave = client.options(f"{AT}/{API}", headers=asked)
    assert (leave.status_code, leave.data) == (200, b"")
    assert leave.headers["Access-Control-Allow-Methods"] == "*"
    assert leave.headers["Access-Control-Allow-Headers"] == "*, Authorization"
    nearest, missing = client.get(f"/unesco/2015da_/{API}"), client.get(f"{AT}/http://e.org/none")
    assert (nearest.status_code, missing.status_code) == (302, 404)
    for answer in (leave, nearest, missing):
        assert answer.headers.getlist("Access-Control-Allow-Origin") == ["*"]
    code = client.post(f"/-/rewrite/js?page=/unesco/20160810204623/{API}", data="location.host", content_type="text/plain")
    assert code.data == b"__muniment.location(location).host"
    assert code.headers["Access-Control-Allow-Origin"] == "*"
