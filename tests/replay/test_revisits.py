"""What was captured twice: captured from a real server, and shown at each of its dates with the one payload that is kept."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from archiver.engine import PageCapturer
from archiver.holdings import Holdings
from archiver.model import PageResult, Visibility
from archiver.urls import urlkey
from archiver.warc.importer import import_file
from archiver.warc.reader import read_record
from archiver.warc.records import IDENTICAL_PAYLOAD, NOT_MODIFIED
from replay.app import create_reader
from tests.servers.routes import Answer, Asked, Route, RouteServer
from tests.servers.warcs import response_record, revisit_record

OpenHoldings = Callable[..., Holdings]

FIRST, SECOND, THIRD = (datetime(year, 8, 10, 20, 46, 23, tzinfo=UTC) for year in (2016, 2017, 2018))
PAGE = b"<!doctype html><title>Same</title><img src=/one.png><p>" + b"the same words " * 40
PICTURE = bytes(range(256)) * 4


def capture(holdings: Holdings, url: str, moment: datetime, collection: str = "default") -> PageResult:
    with PageCapturer(holdings, collection, software="muniment/test", clock=lambda: moment) as capturer:
        return capturer.capture(url)


def client_of(holdings: Holdings) -> FlaskClient:
    return create_reader(holdings.settings, holdings).test_client()


def shown(holdings: Holdings, collection: str, year: int, url: str, modifier: str = "id_") -> tuple[int, bytes]:
    with client_of(holdings).get(f"/{collection}/{year}0810204623{modifier}/{url}") as answer:
        return answer.status_code, answer.data


def kinds(holdings: Holdings, url: str, collection: str = "default") -> list[tuple[str, str, str]]:
    """Type, profile and Refers-To-Date of every record of a URL, oldest first."""
    found = []
    for row in holdings.index.versions((collection,), urlkey(url)):
        record = read_record(holdings.store, row.file, row.offset)
        assert (row.revisit_of is not None) == (record.record_type == "revisit")
        found.append((record.record_type, record.get("WARC-Profile"), record.get("WARC-Refers-To-Date")))
        record.close()
    return found


def test_the_same_answer_twice_is_kept_once_and_shown_at_both_dates(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    visits = iter(range(100))
    with RouteServer({
        "/": lambda _: Answer(PAGE, headers=(("X-Visit", str(next(visits))),)),
        "/one.png": Answer(PICTURE, "image/png"),
    }) as server:  # fmt: skip
        page, picture = server.url("/"), server.url("/one.png")
        capture(holdings, page, FIRST)
        again = capture(holdings, page, SECOND)
    assert [item.failure for item in again.outcomes if "favicon" not in item.candidate.url] == [None, None]
    for url in (page, picture):
        assert kinds(holdings, url) == [("response", "", ""), ("revisit", IDENTICAL_PAYLOAD, "2016-08-10T20:46:23Z")]
    for year in (2016, 2017):
        assert shown(holdings, "default", year, page) == (200, PAGE)
        assert shown(holdings, "default", year, picture) == (200, PICTURE)
    with client_of(holdings).get(f"/default/20170810204623/{page}") as answer:
        assert b"the same words" in answer.data
        assert answer.headers["Memento-Datetime"] == "Thu, 10 Aug 2017 20:46:23 GMT"
        assert answer.headers["X-Archive-Orig-X-Visit"] == "1", "the head is that of the second answer"


def asking(body: bytes, etag: str) -> Route:
    def answer(asked: Asked) -> Answer:
        if asked.headers.get("If-None-Match") == etag:
            return Answer(status=304, headers=(("ETag", etag),))
        return Answer(body, headers=(("ETag", etag), ("Last-Modified", "Mon, 01 Aug 2016 00:00:00 GMT")))

    return answer


def test_a_server_is_asked_whether_something_changed_and_what_it_needs_is_still_found(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    with RouteServer({"/": asking(PAGE, '"1"'), "/one.png": Answer(PICTURE, "image/png")}) as server:
        page, picture = server.url("/"), server.url("/one.png")
        capture(holdings, page, FIRST)
        again = capture(holdings, page, SECOND)
        capture(holdings, page, THIRD)
        asked = [item for item in server.asked if item.path == "/"]
    assert "If-None-Match" not in asked[0].headers
    assert asked[1].headers["If-None-Match"] == '"1"'
    assert asked[1].headers["If-Modified-Since"] == "Mon, 01 Aug 2016 00:00:00 GMT"
    assert again.title == "Same" and again.timestamp == "20170810204623"
    assert picture in [item.candidate.url for item in again.outcomes], "the links of the page that did not come"
    expected = ("revisit", NOT_MODIFIED, "2016-08-10T20:46:23Z")
    assert kinds(holdings, page) == [("response", "", ""), expected, expected], "never a revisit of a revisit"
    for year in (2016, 2017, 2018):
        assert shown(holdings, "default", year, page) == (200, PAGE)
    with client_of(holdings).get(f"/default/20170810204623/{page}") as answer:
        assert b"the same words" in answer.data
        assert answer.headers["Memento-Datetime"] == "Thu, 10 Aug 2017 20:46:23 GMT"


def test_a_changed_page_is_captured_whole_although_the_server_was_asked(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    routes: dict[str, Route] = {"/": asking(PAGE, '"1"')}
    with RouteServer(routes) as server:
        capture(holdings, server.url("/"), FIRST)
        routes["/"] = asking(PAGE + b"new", '"2"')
        capture(holdings, server.url("/"), SECOND)
        assert shown(holdings, "default", 2017, server.url("/")) == (200, PAGE + b"new")
        assert [kind for kind, _, _ in kinds(holdings, server.url("/"))] == ["response", "response"]
        assert [item.headers.get("If-None-Match") for item in server.asked if item.path == "/"] == [None, '"1"']


def test_what_has_not_changed_but_cannot_be_read_is_fetched_whole(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    with RouteServer({"/": asking(PAGE, '"1"'), "/one.png": Answer(PICTURE, "image/png")}) as server:
        first = capture(holdings, server.url("/"), FIRST)
        (holdings.store.root / first.files[0]).unlink()
        again = capture(holdings, server.url("/"), SECOND)
        assert [item.status for item in again.outcomes if item.candidate.url == server.url("/")] == [304, 200]
        assert again.title == "Same"
        assert server.url("/one.png") in [item.candidate.url for item in again.outcomes]


def test_nothing_is_asked_or_left_out_when_it_is_off(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with(dedup="off")
    with RouteServer({"/": asking(PAGE, '"1"'), "/one.png": Answer(PICTURE, "image/png")}) as server:
        capture(holdings, server.url("/"), FIRST)
        capture(holdings, server.url("/"), SECOND)
        assert not [item for item in server.asked if "If-None-Match" in item.headers]
        assert [kind for kind, _, _ in kinds(holdings, server.url("/"))] == ["response", "response"]


def test_a_304_that_nobody_asked_for_is_kept_as_it_is(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    with RouteServer({"/": Answer(status=304)}) as server:
        capture(holdings, server.url("/"), FIRST)
        assert kinds(holdings, server.url("/")) == [("response", "", "")]


def test_a_payload_of_another_url_is_shown_under_the_own_head(holdings_with: OpenHoldings) -> None:
    """The same compressed bytes, once as a file and once as the coding of a text."""
    holdings = holdings_with()
    packed = gzip.compress(hashlib.sha512(b"x").hexdigest().encode() * 9 + PICTURE, mtime=0)
    routes: dict[str, Route] = {
        "/a.gz": Answer(packed, "application/gzip"),
        "/b.txt": Answer(packed, "text/plain", headers=(("Content-Encoding", "gzip"),)),
    }
    with RouteServer(routes) as server:
        for path, moment in (("/a.gz", FIRST), ("/b.txt", SECOND)):
            capture(holdings, server.url(path), moment)
        assert [kind for kind, _, _ in kinds(holdings, server.url("/b.txt"))] == ["revisit"]
        assert shown(holdings, "default", 2016, server.url("/a.gz"), "im_") == (200, packed)
        assert shown(holdings, "default", 2017, server.url("/b.txt"), "im_") == (200, gzip.decompress(packed))
        assert shown(holdings, "default", 2016, server.url("/a.gz"), "im_") == (200, packed)


# -- other collections -----------------------------------------------------------------------------------------------


@pytest.fixture
def two(holdings_with: OpenHoldings) -> tuple[Holdings, str]:
    """A page captured into “one”, then, as a revisit of that, into “two”."""
    holdings = holdings_with(dedup="archive")
    holdings.collections.create("one")
    holdings.collections.create("two")
    with RouteServer({"/": asking(PAGE, '"1"'), "/one.png": Answer(PICTURE, "image/png")}) as server:
        url = server.url("/")
        capture(holdings, url, FIRST, "one")
        capture(holdings, url, SECOND, "two")
        assert not [item for item in server.asked if "If-None-Match" in item.headers], "only within a collection"
    assert kinds(holdings, url, "two") == [("revisit", IDENTICAL_PAYLOAD, "2016-08-10T20:46:23Z")]
    return holdings, url


def test_a_payload_of_another_collection_is_shown(two: tuple[Holdings, str]) -> None:
    holdings, url = two
    with client_of(holdings).get(f"/two/20170810204623id_/{url}") as answer:
        assert (answer.status_code, answer.data) == (200, PAGE)
        assert "immutable" not in answer.headers["Cache-Control"], "its collection may be hidden tomorrow"
    assert shown(holdings, "two", 2017, url, "")[0] == 200
    assert shown(holdings, "all", 2017, url) == (200, PAGE)


def test_a_payload_of_a_collection_that_is_private_now_is_not(two: tuple[Holdings, str]) -> None:
    holdings, url = two
    assert shown(holdings, "two", 2017, url, "")[0] == 200
    holdings.collections.update("one", visibility=Visibility.PRIVATE)
    for modifier in ("id_", ""):
        status, body = shown(holdings, "two", 2017, url, modifier)
        assert (status, b"the same words" in body) == (404, False)


@pytest.mark.parametrize("digest", ["", "sha256:0000", "sha1:AAAA"])
def test_a_revisit_that_does_not_know_the_payload_gets_none_of_another_collection(
    holdings_with: OpenHoldings, tmp_path: Path, digest: str
) -> None:
    holdings = holdings_with()
    for name, record in (
        ("unlisted", response_record("http://e.org/secret", FIRST, PAGE)),
        ("mine", revisit_record("http://e.org/mine", SECOND, "http://e.org/secret", FIRST, digest=digest)),
    ):
        visibility = Visibility.UNLISTED if name == "unlisted" else Visibility.PUBLIC
        holdings.collections.create(name, visibility=visibility)
        path = tmp_path / f"{name}.warc.gz"
        path.write_bytes(record)
        import_file(path, collection=name, store=holdings.store, index=holdings.index)
    status, body = shown(holdings, "mine", 2017, "http://e.org/mine")
    assert (status, b"the same words" in body) == (404, False)
