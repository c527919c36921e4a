"""Which capture of a URL is shown: the nearest that can be, and never one that only says that there was none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from tests.servers.warcs import response_record, revisit_record

Reader = Callable[..., FlaskClient]

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
STAMP = "20160810204623"
URL = "http://e.org/page"


def page(days: float = 0, status: str = "200 OK", *, url: str = URL, headers: str = "Content-Type: text/plain\r\n") -> bytes:
    return response_record(url, MOMENT + timedelta(days=days), f"{status} {days}".encode(), status=status, headers=headers)


def shown(client: FlaskClient, timestamp: str = "20160810000000", url: str = URL, modifier: str = "") -> str:
    return client.get(f"/unesco/{timestamp}{modifier}/{url}", follow_redirects=True).get_data(as_text=True)


# -- errors of the server ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["500 Oops", "503 Busy", "429 Too many", "520 Odd"])
@pytest.mark.parametrize("modifier", ["", "if_", "da_"])
def test_a_page_is_better_than_a_nearer_error_of_its_server(reader: Reader, status: str, modifier: str) -> None:
    client = reader(page(0, status), page(-0.01, status), page(20), page(25))
    assert shown(client, modifier=modifier) == "200 OK 20"
    assert shown(client, STAMP, modifier=modifier) == f"{status} 0"  # just that capture was asked for


def test_an_error_is_shown_when_what_is_better_is_far(reader: Reader) -> None:
    client = reader(page(0, "500 Oops"), page(40), page(80))
    assert shown(client) == "500 Oops 0"
    assert shown(client, "20161018") == "200 OK 80"


def test_how_far_is_a_setting(reader: Reader) -> None:
    assert shown(reader(page(0, "500 Oops"), page(1), error_drift_days=0)) == "500 Oops 0"


def test_an_error_is_better_than_nothing(reader: Reader) -> None:
    client = reader(page(0, "500 Oops"))
    assert shown(client) == "500 Oops 0"
    assert shown(client, modifier="im_") == "500 Oops 0"


def test_that_a_page_was_gone_is_the_truth_of_its_time(reader: Reader) -> None:
    client = reader(page(0, "404 Not Found"), page(1))
    assert shown(client) == "404 Not Found 0"
    assert shown(client, modifier="im_") == "200 OK 1"  # a picture of it would be missing for a chance of the capture


def test_the_newest_is_the_newest_that_is_good(reader: Reader) -> None:
    client = reader(page(-40), page(-2), page(0, "502 Bad Gateway"))
    answer = client.get(f"/unesco/{URL}", follow_redirects=True)
    assert answer.get_data(as_text=True) == "200 OK -2"


# -- how far ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timestamp", "status"),
    [
        ("20160810", 200), ("20160805", 200), ("20160730", 404), ("20160901", 404), ("2016", 200), ("2015", 404), ("", 200),
        ("20160815", 200),
    ],
)  # fmt: skip
@pytest.mark.parametrize("modifier", ["", "im_"])
def test_the_farthest_a_capture_may_be_is_a_setting(reader: Reader, timestamp: str, status: int, modifier: str) -> None:
    client = reader(page(), max_drift_days=10)
    if not timestamp and modifier:
        return
    path = f"/unesco/{timestamp}{modifier}/{URL}" if timestamp else f"/unesco/{URL}"
    assert client.get(path, follow_redirects=True).status_code == status
    if status == 404 and not modifier:
        assert "10 Aug 2016" in client.get(path).get_data(as_text=True)  # but it is said that there is one


def test_what_is_only_alike_may_not_be_farther(reader: Reader) -> None:
    client = reader(page(url="http://e.org/a?utm_source=x"), max_drift_days=10)
    for timestamp, status in (("20160812", 200), ("20170812", 404)):
        assert client.get(f"/unesco/{timestamp}/http://e.org/a?utm_source=y").status_code == status


# -- redirects ---------------------------------------------------------------------------------------------------------


def moved(url: str, target: str, days: float = 0) -> bytes:
    return page(days, "301 Moved", url=url, headers=f"Location: {target}\r\n")


def test_a_redirect_leads_to_a_page_that_was_redirected_to_itself(reader: Reader) -> None:
    client = reader(
        moved("http://e.org/old", "http://e.org/page"),
        moved(URL, "https://e.org/page"),
        moved("https://e.org/page", "https://www.e.org/page"),
        page(0, url="https://www.e.org/page"),
    )
    assert shown(client, url="http://e.org/old") == "200 OK 0"


def test_hundreds_of_redirects_to_itself_hide_no_page(reader: Reader) -> None:
    client = reader(*(moved(URL, "https://www.e.org/page", days) for days in range(300)), page(400))
    assert shown(client) == "200 OK 400"


@pytest.mark.parametrize(
    "target",
    ["http://e.org/page", "https://e.org/page", "//www.e.org/page", "/page/", "/x/../page", "page#top", "HTTP://E.ORG:80/page"],
)
def test_a_redirect_to_itself_is_passed_over(reader: Reader, target: str) -> None:
    client = reader(moved(URL, target), page(30))
    assert shown(client) == "200 OK 30"
    assert client.get(f"/unesco/2016/{URL}").headers["Location"] == f"/unesco/20160909204623/{URL}"


def test_when_nothing_is_left_the_page_says_what_was_there(reader: Reader) -> None:
    client = reader(moved(URL, "https://e.org/page"))
    answer = client.get(f"/unesco/{STAMP}/{URL}")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 404
    assert f"/unesco/*/{URL}" in text and "(301)" in text
    assert "records.warc" not in text


# -- statuses that are no answers ------------------------------------------------------------------------------------


def test_nothing_was_modified_is_no_page(reader: Reader) -> None:
    client = reader(page(0, "304 Not Modified"), page(200))
    assert shown(client) == "200 OK 200"
    assert client.get(f"/unesco/{STAMP}id_/{URL}").headers["Location"] == f"/unesco/20170226204623id_/{URL}"


def revisit(
    days: float, *, of_days: float = 0, url: str = URL, of_url: str = URL, status: str = "200 OK", **more: str
) -> bytes:
    return revisit_record(url, MOMENT + timedelta(days=days), of_url, MOMENT + timedelta(days=of_days), status=status, **more)


def test_a_revisit_that_was_told_of_no_change_shows_what_had_not_changed(reader: Reader) -> None:
    client = reader(page(0, headers="Content-Type: text/plain\r\nX-One: 1\r\n"), revisit(9, status="304 Not Modified"))
    answer = client.get(f"/unesco/20160819204623/{URL}")
    assert (answer.status_code, answer.data) == (200, b"200 OK 0")
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.headers["Memento-Datetime"] == "Fri, 19 Aug 2016 20:46:23 GMT"
    assert answer.headers["X-Archive-Orig-X-One"] == "1"
    assert answer.headers["X-Archive-Orig-Status"] == "304"


def test_a_revisit_of_a_redirect_needs_no_original(reader: Reader) -> None:
    headers = "Location: /there\r\n"
    client = reader(revisit(9, status="302 Found", headers=headers), page(0, url="http://e.org/there"))
    answer = client.get(f"/unesco/20160819204623/{URL}")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/unesco/20160819204623/http://e.org/there")


def test_a_revisit_of_another_url_shows_the_payload_under_its_own_headers(reader: Reader) -> None:
    client = reader(
        page(0, url="http://other.example/x"),
        revisit(9, of_url="http://other.example/x", headers="Content-Type: text/plain\r\nX-Two: 2\r\n"),
    )
    answer = client.get(f"/unesco/20160819204623/{URL}")
    assert (answer.data, answer.headers["X-Archive-Orig-X-Two"]) == (b"200 OK 0", "2")


def test_a_revisit_without_a_head_has_that_of_its_original(reader: Reader) -> None:
    client = reader(page(0, headers="Content-Type: text/x-odd\r\n"), revisit(9, status="", headers=""))
    answer = client.get(f"/unesco/20160819204623/{URL}")
    assert (answer.data, answer.headers["Content-Type"]) == (b"200 OK 0", "text/x-odd")


def test_another_capture_stands_in_for_a_revisit_of_what_is_not_held(reader: Reader) -> None:
    client = reader(revisit(9, of_days=-300, digest="sha1:AAAA"), page(30))
    assert shown(client, "20160819") == "200 OK 30"


@pytest.mark.parametrize(("language", "words"), [("en", "does not hold"), ("fr", "ne conservent pas"), ("ar", "غير محفوظ")])
def test_what_a_revisit_repeats_and_is_not_held_is_named(reader: Reader, language: str, words: str) -> None:
    client = reader(revisit(9, of_url="http://other.example/x?<b>y", digest="sha1:AAAA"))
    answer = client.get(f"/unesco/20160819204623/{URL}", headers={"Accept-Language": language})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 404
    assert words in text and "http://other.example/x?&lt;b&gt;y" in text
    assert "2016" in text.partition("http://other.example/x")[2].partition("</p>")[0]


def test_revisits_of_revisits_end(reader: Reader) -> None:
    client = reader(revisit(1, of_days=2, digest="sha1:AAAA"), revisit(2, of_days=1, digest="sha1:AAAA"))
    assert client.get(f"/unesco/{STAMP}/{URL}").status_code == 404


# -- the same key ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("http://e.org/page", "https://e.org/page"),
        ("http://e.org/page", "http://www.e.org/page"),
        ("http://e.org/page?a=1&b=2", "http://e.org/page?b=2&a=1"),
        ("http://e.org/a//b", "http://e.org/a/b"),
        ("http://e.org/page/", "http://e.org/page"),
    ],
)
def test_of_one_visit_the_very_url_is_shown(reader: Reader, url: str, other: str) -> None:
    minutes = 1 / 1440
    client = reader(page(20 * minutes, url=url), page(0, url=other), page(2, url=url))
    assert shown(client, STAMP, url) == f"200 OK {20 * minutes}"
    assert shown(client, STAMP, other) == "200 OK 0"


def test_of_different_visits_the_nearest_is_shown_whatever_its_scheme(reader: Reader) -> None:
    client = reader(page(-30, url="http://e.org/page"), page(0, url="https://e.org/page"))
    assert shown(client, STAMP, "http://e.org/page") == "200 OK 0"


def test_what_asked_for_a_password_in_the_same_second_is_shown_after_what_that_got(reader: Reader) -> None:
    client = reader(page(0, status="401 Unauthorized"), page(0), page(9, status="401 Unauthorized"))
    assert shown(client, "20160810204623") == "200 OK 0"
    assert shown(client, "20160819204623") == "401 Unauthorized 9"
