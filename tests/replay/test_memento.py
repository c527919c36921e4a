"""TimeGates, Mementos and TimeMaps, as RFC 7089 has them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from archiver.markup.linkheader import parse_link_header
from archiver.model import Visibility
from archiver.timestamps import to_http_date
from tests.servers.warcs import response_record

Reader = Callable[..., FlaskClient]

URL = "http://example.org/page?x=1"
DAYS = [datetime(2016, month, 1, tzinfo=UTC) for month in (1, 3, 5, 7)]
STAMPS = [f"{day:%Y%m%d}000000" for day in DAYS]
RECORDS = [response_record(URL, day, f"<p>{day}".encode()) for day in DAYS]
BASE = "http://localhost/unesco/"


def links(text: str) -> list[tuple[str, str, str]]:
    """Target, relation and datetime of each."""
    return [(item.url, item.get("rel"), item.get("datetime")) for item in parse_link_header(text)]


def memento(at: int) -> str:
    return f"{BASE}{STAMPS[at]}/{URL}"


def described(at: int, relation: str) -> tuple[str, str, str]:
    return memento(at), relation, to_http_date(DAYS[at])


ORIGINAL = (URL, "original", "")
TIMEMAP = (f"{BASE}timemap/link/{URL}", "timemap", "")
TIMEGATE = (f"{BASE}timegate/{URL}", "timegate", "")


@pytest.mark.parametrize("path", [f"/unesco/timegate/{URL}", f"/unesco/{URL}"])
@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        (DAYS[0] - timedelta(days=900), 0), (DAYS[1] - timedelta(days=3), 1), (DAYS[2], 2), (DAYS[2] + timedelta(seconds=1), 2),
        (DAYS[3] + timedelta(days=900), 3), (None, 3),
    ],
)  # fmt: skip
def test_a_timegate_leads_to_the_nearest_capture(reader: Reader, path: str, accepted: datetime | None, expected: int) -> None:
    fields = {"Accept-Datetime": to_http_date(accepted)} if accepted else {}
    client = reader(*RECORDS)
    for answer in (client.get(path, headers=fields), client.head(path, headers=fields)):
        assert answer.status_code == 302
        assert answer.headers["Location"].removeprefix("http://localhost") == memento(expected).removeprefix("http://localhost")
        assert "accept-datetime" in answer.headers["Vary"].lower()
        assert "Memento-Datetime" not in answer.headers
        found = links(answer.headers["Link"])
        assert found == [ORIGINAL, TIMEMAP, described(0, "first memento"), described(3, "last memento")]


@pytest.mark.parametrize("date", ["yesterday", "2016", "", "Thu, 99 Jan 2016 00:00:00 GMT"])
def test_a_date_that_is_none_is_refused(reader: Reader, date: str) -> None:
    answer = reader(*RECORDS).get(f"/unesco/timegate/{URL}", headers={"Accept-Datetime": date})
    assert answer.status_code == 400
    assert links(answer.headers["Link"]) == [ORIGINAL, TIMEMAP]
    assert "HTTP date" in answer.text


def test_what_is_not_archived_is_not_found(reader: Reader) -> None:
    client = reader(*RECORDS)
    for path in ("timegate", "timemap/link", "timemap/json", "timemap/cdxj"):
        answer = client.get(f"/unesco/{path}/http://nothing.example/")
        assert answer.status_code == 404
        assert "Accept-Datetime" not in answer.text
    assert client.get(f"/nosuch/timemap/link/{URL}").status_code == 404
    assert client.get(f"/unesco/timemap/xml/{URL}").status_code == 404


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (0, [(0, "first memento"), (1, "next memento"), (3, "last memento")]),
        (1, [(0, "first prev memento"), (1, "memento"), (2, "next memento"), (3, "last memento")]),
        (2, [(0, "first memento"), (1, "prev memento"), (2, "memento"), (3, "next last memento")]),
        (3, [(0, "first memento"), (2, "prev memento"), (3, "last memento")]),
    ],
)
@pytest.mark.parametrize("modifier", ["", "id_", "if_"])
def test_a_memento_names_its_neighbours(reader: Reader, shown: int, expected: list[tuple[int, str]], modifier: str) -> None:
    answer = reader(*RECORDS).get(f"/unesco/{STAMPS[shown]}{modifier}/{URL}")
    assert answer.headers["Memento-Datetime"] == to_http_date(DAYS[shown])
    own = [(at, "memento" if at == shown and relation == "" else relation) for at, relation in expected]
    assert links(answer.headers["Link"])[:3] == [ORIGINAL, TIMEMAP, TIMEGATE]
    assert links(answer.headers["Link"])[3:] == [described(at, relation) for at, relation in own]


def test_a_lone_capture_is_first_and_last(reader: Reader) -> None:
    answer = reader(RECORDS[0]).get(f"/unesco/{STAMPS[0]}/{URL}")
    assert links(answer.headers["Link"])[3:] == [described(0, "first last memento")]


def test_parts_of_pages_say_where_to_look_without_looking_themselves(reader: Reader) -> None:
    answer = reader(*RECORDS).get(f"/unesco/{STAMPS[0]}im_/{URL}")
    assert links(answer.headers["Link"]) == [ORIGINAL, TIMEMAP, TIMEGATE]


def test_an_archived_redirect_is_a_memento(reader: Reader) -> None:
    moved = response_record(URL, DAYS[0], b"", status="301 Moved", headers="Location: /new\r\n")
    there = response_record("http://example.org/new", DAYS[0], b"<p>new")
    answer = reader(moved, there).get(f"/unesco/{STAMPS[0]}/{URL}")
    assert answer.status_code == 301
    assert answer.headers["Memento-Datetime"] == to_http_date(DAYS[0])
    assert answer.headers["Location"].endswith(f"/unesco/{STAMPS[0]}/http://example.org/new")
    assert described(0, "first last memento") in links(answer.headers["Link"])


def test_timemap_as_links(reader: Reader) -> None:
    answer = reader(*RECORDS).get(f"/unesco/timemap/link/{URL}")
    assert answer.content_type == "application/link-format"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    own = parse_link_header(answer.text)[1]
    assert (own.get("from"), own.get("until")) == (to_http_date(DAYS[0]), to_http_date(DAYS[3]))
    assert links(answer.text) == [
        ORIGINAL, (f"{BASE}timemap/link/{URL}", "self", ""), TIMEGATE, described(0, "first memento"), described(1, "memento"),
        described(2, "memento"), described(3, "last memento"),
    ]  # fmt: skip


def test_timemap_as_json(reader: Reader) -> None:
    client = reader(*RECORDS)
    answer = client.get(f"/unesco/timemap/json/{URL}")
    assert answer.content_type == "application/json"
    first = {"datetime": "2016-01-01T00:00:00Z", "uri": memento(0)}
    assert answer.json is not None
    assert answer.json["original_uri"] == URL
    assert answer.json["self"] == f"{BASE}timemap/json/{URL}"
    assert answer.json["timegate_uri"] == TIMEGATE[0]
    assert answer.json["timemap_uri"]["link_format"] == TIMEMAP[0]
    assert answer.json["mementos"]["first"] == first == answer.json["mementos"]["list"][0]
    assert [item["uri"] for item in answer.json["mementos"]["list"]] == [memento(at) for at in range(4)]
    assert answer.json["mementos"]["last"]["uri"] == memento(3)


def test_timemap_as_cdxj(reader: Reader) -> None:
    answer = reader(*RECORDS).get(f"/unesco/timemap/cdxj/{URL}")
    head, rows = [[line for line in answer.text.splitlines() if line.startswith("!") is is_head] for is_head in (True, False)]
    assert any(json.loads(line.split(" ", 1)[1]) == {"original_uri": URL} for line in head if line.startswith("!meta"))
    assert [row.split(" ", 1)[0] for row in rows] == STAMPS
    assert json.loads(rows[0].split(" ", 1)[1]) == {
        "uri": memento(0), "rel": "first memento", "datetime": to_http_date(DAYS[0])
    }  # fmt: skip


@pytest.mark.parametrize("form", ["link", "json", "cdxj"])
def test_long_timemaps_have_pages_that_hold_everything_once(reader: Reader, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr("replay.views.memento.PAGE", 2)
    same = [response_record(URL, DAYS[1], bytes([number])) for number in range(70, 74)]  # five of one second stay together
    client = reader(*RECORDS, *same)
    index = client.get(f"/unesco/timemap/{form}/{URL}")
    places = re.findall(rf"{BASE}timemap/{form}/[0-9]{{14}}/[^>\"]+", index.text)
    assert len(places) == 2
    held = []
    for at, place in enumerate(places):
        page = client.get(place.removeprefix("http://localhost"))
        assert page.status_code == 200
        held += re.findall(rf"{BASE}([0-9]{{14}})/", page.text.replace('"first":', "\n").split("\n], ")[0])
        if form == "link":
            assert ('rel="first memento"' in page.text, 'rel="last memento"' in page.text) == (at == 0, at == 1)
    if form == "json":
        pages = [client.get(place.removeprefix("http://localhost")).json for place in places]
        held = [item["uri"].split("/")[4] for page in pages if page for item in page["mementos"]["list"]]
        assert index.json is not None
        assert index.json["timemap_index"][0]["from"] == "2016-01-01T00:00:00Z"
    assert sorted(held) == sorted([*STAMPS, *[STAMPS[1]] * 4])
    if form == "link":
        spans = [
            (item.get("from"), item.get("until")) for item in parse_link_header(index.text) if item.get("rel") == "timemap"
        ]
        assert spans == [
            (to_http_date(DAYS[0]), to_http_date(DAYS[1])), (to_http_date(DAYS[2]), to_http_date(DAYS[3]))
        ]  # fmt: skip


def test_addresses_in_links_are_escaped(reader: Reader) -> None:
    url = "http://example.org/\u00e9 <x>?a=%2F&b=\u4e2d"
    client = reader(response_record(url, DAYS[0], b"<p>odd"))
    text = client.get("/unesco/timemap/link/http://example.org/%C3%A9%20%3Cx%3E?a=%2F&b=%E4%B8%AD").text
    assert text.isascii()
    shown = links(text)
    assert client.get(shown[-1][0].removeprefix("http://localhost")).status_code == 200


def test_private_collections_have_none(reader: Reader) -> None:
    client = reader(*RECORDS, visibility=Visibility.PRIVATE)
    for name in ("unesco", "all"):
        for path in ("timegate", "timemap/link", "timemap/cdx"):
            answer = client.get(f"/{name}/{path}/{URL}")
            assert answer.status_code == 404 or answer.text == ""


def test_exact_bytes_say_where_they_come_from_and_lead_on_to_exact_bytes(reader: Reader) -> None:
    moved = response_record(URL, DAYS[0], b"", status="302 Found", headers="Location: /new\r\n")
    answer = reader(moved).get(f"/unesco/{STAMPS[0]}id_/{URL}")
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith(f"/unesco/{STAMPS[0]}id_/http://example.org/new")
    assert answer.headers["X-Archive-Orig-Location"] == "/new"
    assert answer.headers["X-Ts"] == "302"
    assert answer.headers["X-Archive-Src"].endswith("records.warc.gz")
    assert "/" not in answer.headers["X-Archive-Src"].removeprefix("unesco/")
    assert answer.headers["Memento-Datetime"] == to_http_date(DAYS[0])
