"""Requests with a body as keys: the rules of the field, case by case."""

from __future__ import annotations

import pytest

from archiver.requestkey import with_request

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
PARTS = (
    b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\none two\r\n'
    b'--x\r\nContent-Disposition: form-data; name="f"; filename="x.bin"\r\nContent-Type: a/b\r\n\r\n\x00\xc3\xa9\r\n--x--\r\n'
)


#: What cdxj-indexer 1.5 writes for the same requests, but for the last group.
@pytest.mark.parametrize(
    ("method", "content_type", "body", "query"),
    [
        ("POST", FORM, b"a=1&b=two+words&c=%C3%A9&d=%26", "__wb_method=POST&a=1&b=two words&c=é&d=&"),
        ("POST", f"{FORM}; charset=utf-8", b"B=1&A=2", "__wb_method=POST&B=1&A=2"),
        ("POST", FORM, b"a=\xff\xfe", "__wb_method=POST&__wb_post_data=YT3//g=="),
        ("POST", FORM, b"", "__wb_method=POST"),
        ("PUT", JSON, b'{"a":1,"b":{"c":[1,2],"a":"x y&"},"h":""}', "__wb_method=PUT&a=1&c=1&c.2_=2&a.2_=x+y%26&h="),
        ("POST", f"{JSON}; charset=UTF-8", '{"é":"ü"}'.encode(), "__wb_method=POST&%C3%A9=%C3%BC"),
        ("POST", JSON, b"[1,2]", "__wb_method=POST"),
        ("POST", JSON, b"{broken", "__wb_method=POST"),
        ("POST", JSON, b'{"a":1}\n{"a":2}', "__wb_method=POST&a=1&a.2_=2"),
        ("POST", "text/plain", b'{"a":1}', "__wb_method=POST&a=1"),
        ("POST", "text/plain", b"hello world", "__wb_method=POST&__wb_post_data=aGVsbG8gd29ybGQ="),
        ("POST", "application/octet-stream", b"\x00\x01", "__wb_method=POST&__wb_post_data=AAE="),
        ("POST", "", b"abc", "__wb_method=POST&__wb_post_data=YWJj"),
        ("POST", "multipart/form-data; boundary=x", PARTS, "__wb_method=POST&a=one+two&f=%00%C3%A9"),
        ("DELETE", "", b"", "__wb_method=DELETE"),
        ("POST", FORM, b"a=" + b"y" * 5000, "__wb_method=POST&a=" + "y" * 4094),
        # as browsers write them, which cdxj-indexer does not
        ("POST", JSON, b'{"a":true,"b":null,"c":1.0,"d":1e30,"e":-0.0}', "__wb_method=POST&a=true&b=null&c=1&d=1e%2B30&e=0"),
        ("PATCH", JSON, b'{"a":1}', "__wb_method=PATCH&a=1"),
        ("POST", "application/graphql+json", b'{"a":1}', "__wb_method=POST&a=1"),
    ],
)
def test_a_body_becomes_a_query(method: str, content_type: str, body: bytes, query: str) -> None:
    assert with_request("http://e.org/p", method, content_type, body) == f"http://e.org/p?{query}"
    assert with_request("http://e.org/p?q=1#f", method, content_type, body) == f"http://e.org/p?q=1&{query}#f"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "", "get it", "PO\nST", "A" * 50])
def test_other_methods_are_found_by_the_url(method: str) -> None:
    assert with_request("http://e.org/p", method, FORM, b"a=1") == "http://e.org/p"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, b"[" * 100_000),
        (JSON, b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
        (JSON, b"[" + b'{"a":1},' * 100_000 + b"1]"),
        (JSON, b'{"a":"\\ud800"}'),
        (JSON, b'{"a":' + b"9" * 100_000 + b"}"),
        (JSON, b'{"a":1e999,"b":NaN}'),
        (JSON, b"\xff\xfe\x00"),
        ("multipart/form-data; boundary=" + "-" * 10_000, b"-" * 100_000),
        ("multipart/form-data; boundary=\xff", b"--\xff\r\n\r\n"),
        ("multipart/form-data; boundary*=utf-8''x%ff", PARTS),
        (FORM, b"%" * 100_000),
        ("\x00;;;=", b"\x00" * 3_000_000),
    ],
    ids=range(12),
)
def test_garbage_has_a_key_too(content_type: str, body: bytes) -> None:
    found = with_request("http://e.org/p", "POST", content_type, body)
    assert found.startswith("http://e.org/p?__wb_method=POST")
    assert len(found) < 4200
