"""The reader behind its real server: what exactly was asked for, in every way that HTTP has of asking."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from archiver.holdings import open_holdings
from archiver.settings import load_settings
from archiver.warc.importer import import_file
from tests.browser.conftest import serving
from tests.servers.warcs import response_record

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
AT = "/c/20160810204623id_"
#: As captured, and as it stands in an address of the archive.
PATHS = {
    "/a%2Fb": "/a%252Fb", "/a/b": "/a/b", "/a%252Fb": "/a%25252Fb", "/a%3Fb": "/a%3Fb", "/a?b": "/a?b", "/Case": "/Case",
    "/case": "/case", "/x//y": "/x//y", "/x;y+z": "/x;y+z", "/%C3%A9": "/%C3%A9", "/%E9": "/%E9",
    "/q?x=%26&y=%2B": "/q?x=%26&y=%2B", "/a%5Cb": "/a%5Cb", "/only%2Fhere": "/only%252Fhere",
}  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("wsgi")
    with open_holdings(load_settings({"archive": folder / "warcs"}, environ={})) as holdings:
        holdings.collections.create("c")
        plain = {"headers": "Content-Type: text/plain\r\n"}
        records = [response_record(f"http://e.org{path}", MOMENT, path.encode(), **plain) for path in PATHS]
        odd = "Content-Type: text/html\r\nX-Odd: a\rSet-Cookie: b=c\r\nX-N\xe9: \xff\x00\r\nX-Fold: a\r\n b\r\n"
        odd += "Location: /\xfc\r\n"
        records.append(response_record("http://e.org/odd", MOMENT, b"<p>odd", status="302 Odd\x07", headers=odd))
        path = folder / "records.warc.gz"
        path.write_bytes(b"".join(records))
        import_file(path, collection="c", store=holdings.store, index=holdings.index)
    with serving(folder / "warcs") as (reader, _):
        yield reader


def ask(site: str, request: str, *fields: str) -> tuple[int, dict[str, str], bytes]:
    """Sends just these bytes; gives status, fields and body."""
    host = urlsplit(site)
    with socket.create_connection((host.hostname, host.port), timeout=20) as channel:
        lines = (f"{request} HTTP/1.1", f"Host: {host.netloc}", "Connection: close", *fields, "", "")
        channel.sendall("\r\n".join(lines).encode("latin-1"))
        data = b""
        while piece := channel.recv(65536):
            data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    return int(first.split(" ")[1]), {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}, body


@pytest.mark.parametrize("path", PATHS)
def test_each_url_is_answered_with_its_own_capture(site: str, path: str) -> None:
    status, _, body = ask(site, f"GET {AT}/http://e.org{PATHS[path]}")
    assert (status, body.decode()) == (200, path)


def test_an_escape_that_the_server_lost_leads_to_what_is_held(site: str) -> None:
    status, fields, _ = ask(site, f"GET {AT}/http://e.org/only%2Fhere")
    assert (status, fields["location"]) == (302, f"{AT}/http://e.org/only%252Fhere")


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("HEAD", 200), ("OPTIONS", 200), ("POST", 404), ("PUT", 404), ("PATCH", 404), ("DELETE", 404), ("PROPFIND", 405),
        ("FOO", 405), ("TRACE", 405),
    ],
)  # fmt: skip
def test_every_method_is_answered(site: str, request_line: str, status: int) -> None:
    found, fields, body = ask(site, f"{request_line} {AT}/http://e.org/a/b", "Content-Length: 0")
    assert found == status
    if request_line in ("HEAD", "OPTIONS"):
        assert body == b""
    assert "content-security-policy" in fields


@pytest.mark.parametrize(
    "path",
    [
        "/c/2016/http://e.org/%", "/c/2016/http://e.org/%zz%00%ff", "/c/2016/http://[", "/c/2016/http://e.org:99999999/",
        "/c/%2e%2e/%2e%2e/etc/passwd", "/c/2016/javascript:alert(1)", "/c/2016/" + "a/" * 10_000, "//", "/c//", "/%00",
        "/c/99999999999999/http://e.org/none", "/c/00000000000000/http://e.org/none", "/c/20169999/http://e.org/none",
        "/c/*/http://e.org/none*", "/c/2016*/", "/c/2016\xff/http://\xe9", "/c/2016/http://e.org/none?" + "a&" * 10_000,
    ],
)  # fmt: skip
def test_strange_addresses_are_answered_with_a_sentence(site: str, path: str) -> None:
    status, fields, body = ask(site, f"GET {path}")
    assert status in (200, 302, 400, 404, 414)
    assert b"Traceback" not in body and b"/work" not in body and b"site-packages" not in body
    assert "set-cookie" not in fields


@pytest.mark.parametrize(
    "field",
    [
        "If-None-Match: \xff", "Range: \xff", "Sec-Fetch-Dest: \xff",
        "X-Archive-Repeat: \xb2", "Accept-Language: \xff;q=x", "Referer: http://[",
    ],
)  # fmt: skip
def test_strange_fields_change_nothing(site: str, field: str) -> None:
    for path, wanted in ((f"{AT}/http://e.org/a/b", 200), ("/c/2016/http://e.org/none", 404), ("/c/http://e.org/a/b", 302)):
        assert ask(site, f"GET {path}", field)[0] == wanted


@pytest.mark.parametrize("date", ["yesterday", ""])
def test_a_date_that_is_none_is_refused_only_where_one_is_asked_for(site: str, date: str) -> None:
    for path, wanted in ((f"{AT}/http://e.org/a/b", 200), ("/c/2016/http://e.org/none", 404), ("/c/http://e.org/a/b", 400)):
        assert ask(site, f"GET {path}", f"Accept-Datetime: {date}")[0] == wanted


def test_what_was_archived_in_header_fields_cannot_split_the_answer(site: str) -> None:
    status, fields, body = ask(site, "GET /c/20160810204623/http://e.org/odd")
    assert status == 302
    assert fields["location"] == "/c/20160810204623/http://e.org/%C3%BC"
    assert "set-cookie" not in fields
    assert fields["x-archive-orig-x-odd"] == "a Set-Cookie: b=c"
    assert fields["x-archive-orig-x-fold"] == "a b"
    assert b"odd" in body
