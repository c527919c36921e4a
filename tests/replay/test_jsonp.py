"""Scripts that call the function which their address names."""

from __future__ import annotations

import pytest

from replay.jsonp import renamed_callback

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
