"""Scripts that call the function which their address names."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from replay.jsonp import renamed_callback
from tests.servers.proxied import Make
from tests.servers.warcs import response_record

THEN = "http://site.example/data?callback=jQuery1_2&_=3"


def asked(name: str) -> str:
    return f"http://site.example/data?callback={name}&_=9"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'jQuery1_2({"a": "jQuery1_2"});', b'mine({"a": "jQuery1_2"});'),
        (b"\n /**/ jQuery1_2 ([1])", b"\n /**/ mine ([1])"),
        (
            b"/**/ typeof jQuery1_2 === 'function' && jQuery1_2({});",
            b"/**/ typeof mine === 'function' && mine({});",
        ),
        (b";jQuery1_2(1)", b";mine(1)"),
    ],
)
def test_the_function_that_was_asked_for_is_called(body: bytes, expected: bytes) -> None:
    assert renamed_callback(body, THEN, asked("mine")) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"a": 1}',
        b"other(1)",
        b"jQuery1_23(1)",
        b"x.jQuery1_2(1)",
        b"jQuery1_2 = 3",
        b"/*" + b"x" * 5000 + b"*/jQuery1_2(1)",
        "“jQuery1_2(1)”".encode("utf-16"),
    ],
)
def test_other_scripts_stay_as_they_are(body: bytes) -> None:
    assert renamed_callback(body, THEN, asked("mine")) is body


@pytest.mark.parametrize("name", ["alert(1)//", "a b", "", "a" * 300, "%0Aalert", "é", "a.b.", "[0]"])
def test_only_a_name_gets_into_a_script(name: str) -> None:
    body = b"jQuery1_2(1)"
    assert renamed_callback(body, THEN, asked(name)) is body


@pytest.mark.parametrize("name", ["a.b.c", "$cb", "list[0]", "window['x1']"])
def test_paths_of_names_are_names(name: str) -> None:
    assert renamed_callback(b"jQuery1_2(1)", THEN, asked(name)) == f"{name}(1)".encode()


@pytest.mark.parametrize(
    ("then", "body", "expected"),
    [
        ("f", b"typeof f === 'function' && f(f)", b"typeof mine === 'function' && mine(f)"),
        ("function", b"typeof function == 'function' && function(1)", b"typeof mine == 'function' && mine(1)"),
        ("f", b"/* of f */ f(f)", b"/* of f */ mine(f)"),
    ],
)
def test_only_the_function_is_renamed(then: str, body: bytes, expected: bytes) -> None:
    assert renamed_callback(body, f"http://e.org/?callback={then}", "http://e.org/?callback=mine") == expected


@pytest.mark.parametrize(
    ("then", "now", "is_renamed"),
    [
        ("mode=show", "mode=hide", False),
        ("q=show1", "q=hide2", False),
        ("cb=show", "cb=hide", True),
        ("jsonpCallback=jsonp7&jsonCallback=show", "jsonpCallback=jsonp7&jsonCallback=hide", True),
        ("fn=jQuery1_2", "fn=jQuery3_4", True),
        ("fn=jQuery1_2", "fn=other", False),
    ],
)
def test_only_arguments_that_name_functions_count(then: str, now: str, is_renamed: bool) -> None:
    name = then.rpartition("=")[2].encode()
    body = name + b"({})"
    expected = now.rpartition("=")[2].encode() + b"({})" if is_renamed else body
    assert renamed_callback(body, f"http://e.org/?{then}", f"http://e.org/?{now}") == expected


MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
URL = "http://e.org/data?id=7&callback=jsonp"
KINDS = ["application/json", "text/javascript", "application/octet-stream"]


def script(kind: str, rest: bytes = b"", *, is_packed: bool = False) -> bytes:
    body, coding = b"jsonp1({})" + rest, "Content-Encoding: gzip\r\n" if is_packed else ""
    headers = f"Content-Type: {kind}\r\n{coding}"
    return response_record(f"{URL}1", MOMENT, gzip.compress(body) if is_packed else body, headers=headers)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [0, 100_000, 3_000_000])
def test_each_time_the_function_that_was_asked_for_is_called(
    reader: Callable[..., FlaskClient], kind: str, length: int
) -> None:
    rest = b"\n" * length
    client = reader(script(kind, rest))
    tags = set()
    for name in ("1", "22", "333", "22", "1"):
        answer = client.get(f"/unesco/20160810204623js_/{URL}{name}")
        assert answer.data == f"jsonp{name}({{}})".encode() + rest
        assert int(answer.headers.get("Content-Length", len(answer.data))) == len(answer.data)
        tags.add(answer.headers["ETag"])
    assert len(tags) == 3
    part = client.get(f"/unesco/20160810204623js_/{URL}22", headers={"Range": "bytes=0-3"})
    assert part.data[:9] == b"jsonp22({" or kind == "text/javascript"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_packed", [False, True])
def test_the_proxy_calls_the_function_that_was_asked_for(proxy: Make, kind: str, is_packed: bool) -> None:
    running = proxy(script(kind, is_packed=is_packed))
    tags = set()
    for name in ("1", "22", "333", "22"):
        answer = running.get(f"{URL}{name}", Accept_Encoding="gzip", Sec_Fetch_Dest="script")
        assert answer.content == f"jsonp{name}({{}})".encode()
        tags.add(answer.headers["ETag"])
    assert len(tags) == 3
