"""The pages around a URL as a reader, a feed reader and a program meet them."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest
from flask.testing import FlaskClient

from archiver.model import Visibility
from replay import listing as listing_module
from replay import prefixes, versiontexts
from replay.counting import Counts
from tests.servers.warcs import response_record, revisit_record

URL = "http://www.un.org/fr/"
START = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
ATOM = "{http://www.w3.org/2005/Atom}"
Open = Callable[..., FlaskClient]


@pytest.fixture
def around(reader: Open) -> Open:
    """A reader that waits for what is counted, however slow the machine is."""

    def make(*records: bytes, **settings: Any) -> FlaskClient:
        client = reader(*records, **settings)
        client.application.extensions["muniment.counts"] = Counts(monotonic, wait=60)
        return client

    return make


def page(text: str, day: int = 0, url: str = URL, status: str = "200 OK", mime: str = "text/html") -> bytes:
    headers = f"Content-Type: {mime}\r\n"
    return response_record(url, START + timedelta(days=day), text.encode(), status=status, headers=headers)


def text_of(client: FlaskClient, name: str, expected: int = 200, language: str = "en", **query: str) -> str:
    answer = client.get(f"/unesco/-/{name}", query_string={"url": URL, **query}, headers={"Accept-Language": language})
    assert answer.status_code == expected
    return answer.get_data(as_text=True)


def days_in(text: str) -> list[int]:
    """Which day each line of a list is of, counted from the first."""
    stamps = re.findall(r'<tr[^>]*><td><a href="/unesco/(\d{14})/', text)
    return [(datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC) - START).days for stamp in stamps]


def every(client: FlaskClient, name: str, pattern: str, **query: str) -> list[str]:
    """What all pages of a list have, followed by their links."""
    text, found = text_of(client, name, **query), []
    for _ in range(50):
        found += re.findall(pattern, text)
        following = re.search(r'<a rel="next"[^>]* href="([^"]+)"', text)
        if following is None:
            return found
        text = client.get(html.unescape(following[1])).get_data(as_text=True)
    raise AssertionError("the list does not end")


# -- calendar --------------------------------------------------------------------------------------------------------


def test_a_day_says_its_statuses_in_marks_and_in_words(around: Open) -> None:
    client = around(
        page("a"),
        page("gone", 1, status="404 Not Found"),
        page("", 2, status="302 Found"),
        page("broken", 3, status="503 Service Unavailable"),
    )
    text = client.get(f"/unesco/2016*/{URL}").get_data(as_text=True)
    summaries = re.findall(r'<summary class="s(\d) z1"[^>]* aria-label="([^"]+)">(\d+)</summary>', text)
    assert [(digit, day) for digit, _, day in summaries] == [("2", "10"), ("4", "11"), ("3", "12"), ("5", "13")]
    assert summaries[1][1] == "Thursday, August 11, 2016. Captures: 1; not found or refused (4xx)"
    times = re.findall(r'<div class="day">.*?<a href="/unesco/(\d+)/[^"]+">([\d:]+)</a>', text)
    assert times[0] == ("20160810204623", "20:46:23")


def test_a_day_is_named_by_most_of_its_captures_and_counts_all(around: Open) -> None:
    at = [response_record(URL, START + timedelta(minutes=minute), b"x%d" % minute) for minute in range(20)]
    client = around(*at, response_record(URL, START + timedelta(hours=1), b"no", status="404 Not Found"))
    text = client.get(f"/unesco/*/{URL}").get_data(as_text=True)
    assert re.findall(r'<summary class="(s\d z\d)"', text) == ["s2 z4"]
    assert "Captures: 21; the page (2xx): 20; not found or refused (4xx): 1" in text
    assert "All captures of this day: 21" in text
    assert len(re.findall(r"<li><a href=[^>]+>\d\d:\d\d:\d\d</a>", text)) == 12


def test_a_year_of_very_many_captures_stays_a_small_page(around: Open) -> None:
    first = datetime(2016, 1, 1, tzinfo=UTC)
    client = around(*(response_record(URL, first + timedelta(hours=5 * number), b"%d" % number) for number in range(1700)))
    answer = client.get(f"/unesco/*/{URL}")
    text = answer.get_data(as_text=True)
    assert len(answer.data) < 400_000
    assert "The first 100 are shown here." in text
    assert text.count('<details name="day">') == 354


def test_no_page_has_script_or_style_of_its_own_in_it(around: Open) -> None:
    client = around(page("a"), page("b", 1))
    pages = [f"/unesco/*/{URL}", f"/unesco/*/{URL}*"]
    pages += [f"/unesco/-/{name}?url={URL}" for name in ("captures", "changes", "compare", "urls", "summary")]
    for address in pages:
        text = client.get(address).get_data(as_text=True)
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=\"/-/static/)", text), address
    assets = [client.get(f"/-/static/{name}").data for name in ("reader.css", "around.css", "around.js")]
    assert sum(map(len, assets)) < 100_000


# -- list ------------------------------------------------------------------------------------------------------------


def many() -> list[bytes]:
    return [
        page("a"),
        page("a", 1),
        page("b", 2),
        page("no", 3, status="404 Not Found"),
        page("b", 4),
        page("b", 400),
        page("{}", 401, mime="application/json"),
    ]


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ({}, [0, 1, 2, 3, 4, 400, 401]),
        ({"order": "newest"}, [401, 400, 4, 3, 2, 1, 0]),
        ({"status": "4"}, [3]),
        ({"type": "data"}, [401]),
        ({"content": "unchanged"}, [1, 400]),
        ({"content": "unchanged", "order": "newest"}, [400, 1]),
        ({"content": "changed", "status": "2"}, [0, 2, 4, 401]),
        ({"from": "2016-08-11", "to": "2016-08-12"}, [1, 2]),
        ({"from": "2017"}, [400, 401]),
        ({"from": "2016-08-11", "content": "unchanged"}, [1, 400]),
        ({"from": "2016-08-11", "content": "unchanged", "order": "newest"}, [400, 1]),
        ({"from": "nonsense", "status": "9", "type": "x"}, [0, 1, 2, 3, 4, 400, 401]),
    ],
)
def test_the_list_is_narrowed_down(around: Open, query: dict[str, str], days: list[int]) -> None:
    assert days_in(text_of(around(*many()), "captures", **query)) == days


@pytest.mark.parametrize("order", ["", "newest"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_of_the_list_have_everything_once(around: Open, monkeypatch: pytest.MonkeyPatch, order: str, size: int) -> None:
    same_second = [response_record(URL, START, b"z%d" % number) for number in range(4)]
    client = around(*many(), *same_second)
    pattern = r'<tr( class="unchanged")?><td><a href="/unesco/(\d{14})/'
    whole = every(client, "captures", pattern, order=order)
    monkeypatch.setattr(listing_module, "PAGE_SIZE", size)
    assert every(client, "captures", pattern, order=order) == whole
    assert len(whole) == 11


def test_a_long_search_says_how_far_it_came_and_goes_on(around: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing_module, "MOST_LOOKED_AT", 2)
    client = around(*many())
    assert "2 were looked at so far" in text_of(client, "captures", type="data")
    assert len(every(client, "captures", r"application/json", type="data")) == 1
    assert "Nothing matches." in text_of(client, "captures", **{"from": "2030"})


# -- changes and comparison ------------------------------------------------------------------------------------------

LINES = ["The museum opens at nine", "Entrance is free", "Closed on Mondays"] * 2


def document(lines: Sequence[str]) -> str:
    return "<!doctype html><title>Museum</title>" + "".join(f"<p>{line}</p>" for line in lines)


def test_versions_say_how_much_changed(around: Open) -> None:
    client = around(
        page(document(LINES)),
        page(document(LINES), 1),
        page("server down", 2, status="503 Service Unavailable"),
        page(document(["The museum opens at ten", *LINES[1:]]), 3),
        page(document(["Completely", "different", "words"]), 4),
        page("GIF89a", 5, mime="image/gif"),
    )
    text = text_of(client, "changes")
    rows = re.findall(r"<tr>(.*?)</tr>", text, re.DOTALL)[1:]
    assert [re.findall(r"<b>(\d+)%</b>", row) for row in rows] == [[], ["91"], ["3"], [], []]
    assert "not text" in rows[0]
    assert "the server failed (5xx)" in rows[3]
    assert "first version" in rows[4] and "Captured 2 times like this" in rows[4]
    compared = html.unescape(re.findall(r'href="(/unesco/-/compare[^"]+)"', rows[2])[0])
    assert "a=20160811204623&b=20160813204623" in compared  # the page before the error, not the error
    assert "<ins>" in client.get(compared).get_data(as_text=True)


def test_pages_of_versions_have_every_version_once(around: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    same_second = [response_record(URL, START, b"z%d" % number) for number in range(4)]
    client = around(*same_second, *(page(f"text {day // 2}", day) for day in range(1, 20)))
    whole = every(client, "changes", r'name="a" value="(\d+)"')
    assert len(whole) == 14
    monkeypatch.setattr(versiontexts, "PAGE_SIZE", 3)
    monkeypatch.setattr(versiontexts.versions_of, "__kwdefaults__", {"limit": 3})
    assert every(client, "changes", r'name="a" value="(\d+)"') == whole


def test_two_versions_stand_side_by_side(around: Open) -> None:
    client = around(page(document(LINES)), page(document(["The museum opens at ten", *LINES[1:], "New: a café"]), 30))
    text = text_of(client, "compare")
    assert "10 Aug 2016, 20:46:23" in text and "9 Sep 2016, 20:46:23" in text
    assert '<del><bdi class="hidden">Removed: </bdi>nine</del>' in text
    assert '<ins><bdi class="hidden">Added: </bdi>ten</ins>' in text
    assert '<ins><bdi class="hidden">Added: </bdi>New: a café</ins>' in text
    assert "Lines removed or changed: 1" in text and "Lines added or changed: 2" in text
    swapped = text_of(client, "compare", a="20160909204623", b="20160810204623")
    assert swapped == text


def test_what_is_archived_is_never_markup_in_a_comparison(around: Open) -> None:
    client = around(page("<p>one &lt;script>alert(1)&lt;/script>"), page("<p>two &lt;img src=x onerror=alert(1)>", 1))
    text = text_of(client, "compare")
    assert "<script>alert" not in text and "<img" not in text
    assert "alert(1)" in text


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([page("<p>a")], "There is no other version"),
        ([page("<p>a"), page("<p>a", 1)], "There is no other version"),
        ([page("<p>a"), page("<div>a", 1)], "The texts of both versions are the same."),
        ([page("<p>a"), page("GIF89a", 1, mime="image/gif")], "no text that can be read (text/html, image/gif)"),
    ],
)
def test_a_comparison_without_differences_says_why(around: Open, records: list[bytes], said: str) -> None:
    assert said in text_of(around(*records), "compare")


def test_equal_bytes_and_revisits_are_compared(around: Open) -> None:
    first = page("<p>a")
    client = around(first, revisit_record(URL, START + timedelta(days=1), URL, START))
    text = text_of(client, "compare", a="20160810204623", b="20160811204623")
    assert "The texts of both versions are the same." in text


# -- many URLs -------------------------------------------------------------------------------------------------------


def site() -> list[bytes]:
    return [
        page("a", 0, URL + "a"),
        page("a", 1, URL + "a"),
        page("b", 400, URL + "a"),
        page("c", 2, URL + "c.css", mime="text/css"),
        page("Img", 3, URL + "Logo.PNG", mime="image/png"),
        page("new", 500, URL + "z"),
        page("other", 0, "http://other.un.org/x"),
    ]


def urls_in(text: str) -> list[str]:
    return [found.removeprefix(URL) for found in re.findall(r'<td class="url"><a href="/unesco/\*/([^"]+)"', text)]


def test_urls_under_a_prefix_in_numbers(around: Open) -> None:
    client = around(*site())
    text = client.get(f"/unesco/*/{URL}*").get_data(as_text=True)
    assert urls_in(text) == ["a", "c.css", "Logo.PNG", "z"]
    row = re.search(r"<tr><td class=\"url\">.*?</tr>", text)
    assert row is not None
    cells = re.findall(r">([^<>]+)<", row[0])
    assert cells == [URL + "a", "text/html", "10 Aug 2016", "14 Sep 2017", "3", "1", "2"]


@pytest.mark.parametrize(
    ("query", "urls"),
    [
        ({"q": "logo"}, ["Logo.PNG"]),
        ({"type": "style"}, ["c.css"]),
        ({"type": "page", "order": "last"}, ["z", "a"]),
        ({"order": "captures"}, ["a", "c.css", "Logo.PNG", "z"]),
        ({"order": "first"}, ["a", "c.css", "Logo.PNG", "z"]),
        ({"q": "nothing"}, []),
        ({"match": "host"}, ["a", "c.css", "Logo.PNG", "z"]),
        ({"match": "domain", "url": "http://un.org/"}, ["a", "c.css", "Logo.PNG", "z", "http://other.un.org/x"]),
        ({"url": "", "q": "logo"}, ["Logo.PNG"]),
    ],
)
def test_urls_are_filtered_and_sorted(around: Open, query: dict[str, str], urls: list[str]) -> None:
    assert urls_in(text_of(around(*site()), "urls", **query)) == urls


def test_pages_of_urls_have_each_once_and_say_what_they_leave_out(around: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    client = around(*(page("x", 0, f"{URL}{number:03d}") for number in range(25)))
    monkeypatch.setattr(prefixes, "PAGE_SIZE", 4)
    pattern = r'<td class="url"><a href="/unesco/\*/[^"]+?(\d+)"'
    assert every(client, "urls", pattern) == [f"{number:03d}" for number in range(25)]
    monkeypatch.setattr(prefixes, "MOST_LOOKED_AT", 5)
    assert every(client, "urls", pattern, q="23") == ["023"]
    assert "5 were looked at so far" in text_of(client, "urls", q="23")
    monkeypatch.setattr(prefixes, "MOST_RANKED", 7)
    assert len(every(client, "urls", pattern, order="captures")) == 7


def test_types_by_year(around: Open) -> None:
    text = text_of(around(*site()), "summary")
    years = re.findall(
        r'<th scope="row">(\d{4})</th><td class="num">(\d+)</td>.*?<td class="num">(\d+)</td><td class="num">(\d+)</td>', text
    )
    assert years == [("2016", "4", "3", "3"), ("2017", "2", "2", "1")]
    assert '<th scope="row"><bdi dir="ltr">text/html</bdi></th><td class="num q4">2</td><td class="num q4">2</td>' in text
    assert '<h2 id="types">Media types: Captures</h2>' in text


def test_what_takes_long_is_counted_behind_the_scenes(around: Open) -> None:
    client = around(*site())
    client.application.extensions["muniment.counts"] = Counts(monotonic, wait=0)
    answer = client.get(f"/unesco/-/summary?url={URL}")
    assert answer.status_code in (200, 202)
    if answer.status_code == 202:
        assert answer.headers["Refresh"] == "2"
        assert answer.headers["Cache-Control"] == "no-store"


# -- feeds and numbers -----------------------------------------------------------------------------------------------


def entries(client: FlaskClient, **query: str) -> list[tuple[str, str]]:
    answer = client.get("/unesco/-/feed", query_string={"url": URL, **query})
    assert answer.status_code == 200
    assert answer.content_type == "application/atom+xml; charset=utf-8"
    feed = ET.fromstring(answer.data)
    found = []
    for entry in feed.findall(f"{ATOM}entry"):
        assert client.get(str(entry.findtext(f"{ATOM}id"))).status_code == 200
        found.append((str(entry.findtext(f"{ATOM}updated")), str(entry.findtext(f"{ATOM}summary"))))
    return found


def test_a_feed_tells_the_changes_of_a_url(around: Open) -> None:
    client = around(page("a"), page("a", 1), page("b & <c>", 2))
    assert entries(client) == [
        ("2016-08-12T20:46:23Z", "Changed since 11 Aug 2016, 20:46:23 · 200 text/html"),
        ("2016-08-10T20:46:23Z", "First capture · 200 text/html"),
    ]
    link = '<link rel="alternate" type="application/atom+xml"'
    assert link in client.get(f"/unesco/*/{URL}").get_data(as_text=True)


def test_a_feed_tells_the_changes_under_a_prefix(around: Open) -> None:
    client = around(*site())
    days = [moment[:10] for moment, _ in entries(client, match="prefix")]
    assert days == ["2017-12-23", "2017-09-14", "2016-08-10"]
    assert len(entries(client, match="prefix", type="")) == 5


def test_numbers_for_programs(around: Open) -> None:
    client = around(*many())
    spark = client.get("/unesco/-/sparkline", query_string={"url": URL}).get_json()
    assert spark == {
        "years": {"2016": [0] * 7 + [5] + [0] * 4, "2017": [0] * 8 + [2] + [0] * 3},
        "status": {"2016": "000000020000", "2017": "000000002000"},
        "first_ts": "20160810204623",
        "last_ts": "20170915204623",
    }
    days = client.get("/unesco/-/calendarcaptures", query_string={"url": URL, "date": "2016", "groupby": "day"}).get_json()
    assert days["items"][0] == [810, 200, 1]
    assert days["items"][3] == [813, 400, 1]
    day = client.get("/unesco/-/calendarcaptures", query_string={"url": URL, "date": "20160813"}).get_json()
    assert day == {"items": [[204623, 404, 0]], "colls": [["unesco"]]}


# -- everywhere ------------------------------------------------------------------------------------------------------

NAMES = ("captures", "changes", "compare", "urls", "summary", "feed", "sparkline", "calendarcaptures")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_and_nonsense_are_told(around: Open, name: str) -> None:
    client = around(page("a"))
    missing = {"url": "http://no.example/", "date": "2016"}
    assert client.get(f"/unesco/-/{name}", query_string=missing).status_code == 404
    without = client.get(f"/unesco/-/{name}")
    assert without.status_code == (200 if name == "urls" else 400)  # the list of all addresses needs none
    assert name != "urls" or (f'/unesco/*/{URL}"' in without.text and "feed" not in without.text)
    assert client.get(f"/nothing/-/{name}", query_string={"url": URL}).status_code == 404
    for query in ({"url": "\x00\x01"}, {"url": "http://[::1"}, {"url": "%" * 99}, {"url": "x" * 30_000}):
        assert client.get(f"/unesco/-/{name}", query_string={"date": "2016", **query}).status_code in (400, 404)
    odd = {"url": URL, "after": "-1", "a": "99999999999999", "b": "x", "date": "2016", "from": "\u0660", "page": "9" * 99}
    assert client.get(f"/unesco/-/{name}", query_string=odd).status_code in (200, 400)


@pytest.mark.parametrize("name", NAMES)
def test_private_collections_have_none_of_these_pages(around: Open, name: str) -> None:
    client = around(page("a"), visibility=Visibility.PRIVATE)
    for slug in ("unesco", "all"):
        query = {"url": URL, "date": "2016"}
        assert client.get(f"/{slug}/-/{name}", query_string=query).status_code == 404


@pytest.mark.parametrize("name", NAMES[:5])
def test_these_pages_speak_the_readers_language(around: Open, name: str) -> None:
    client = around(page("a"), page("b", 1))
    texts = {language: text_of(client, name, language=language) for language in ("en", "fr", "es", "ar", "zh", "ru")}
    assert len(set(texts.values())) == 6
    assert 'dir="rtl"' in texts["ar"]
