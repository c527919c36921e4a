"""`/wayback/available`, both versions."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from archiver.model import Visibility
from tests.servers.warcs import response_record

Reader = Callable[..., FlaskClient]

URL = "http://example.org/"
YEARS = {2015: "200 OK", 2016: "404 Not Found", 2017: "200 OK"}
RECORDS = [response_record(URL, datetime(year, 6, 1, tzinfo=UTC), b"<p>", status=status) for year, status in YEARS.items()]
VERSION_2 = {"Wayback-Api-Version": "2"}


def moment(year: int) -> str:
    return f"{year}0601000000"


@pytest.mark.parametrize(
    ("timestamp", "year"),
    [("", 2017), ("201506", 2015), ("201601", 2016), ("20170601000000", 2017), ("1", 2015)],
)
def test_the_nearest_capture(reader: Reader, timestamp: str, year: int) -> None:
    answer = reader(*RECORDS).get("/wayback/available", query_string={"url": "example.org", "timestamp": timestamp})
    closest = {
        "available": True, "url": f"http://localhost/all/{moment(year)}/{URL}", "timestamp": moment(year),
        "status": YEARS[year][:3],
    }  # fmt: skip
    expected = {"url": "example.org", "archived_snapshots": {"closest": closest}}
    assert answer.json == expected | ({"timestamp": timestamp} if timestamp else {})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_what_is_not_held(reader: Reader) -> None:
    answer = reader(*RECORDS).get("/wayback/available?url=nothing.example")
    assert (answer.status_code, answer.json) == (200, {"url": "nothing.example", "archived_snapshots": {}})


def test_what_nobody_may_see_is_not_held(reader: Reader) -> None:
    client = reader(*RECORDS, visibility=Visibility.PRIVATE)
    assert client.get("/wayback/available?url=example.org").json == {"url": "example.org", "archived_snapshots": {}}
    assert client.get("/wayback/available?url=example.org&collection=unesco").status_code == 404


def test_a_callback_gets_the_answer(reader: Reader) -> None:
    client = reader(*RECORDS)
    answer = client.get("/wayback/available?url=example.org&callback=my.back")
    assert answer.content_type.startswith("text/javascript")
    assert json.loads(answer.text.removeprefix("/**/my.back(").removesuffix(");"))["archived_snapshots"]
    assert client.get("/wayback/available?url=example.org&callback=alert(1)//").status_code == 400


def result(client: FlaskClient, query: str) -> str:
    answer = client.get(f"/wayback/available?url=example.org&{query}", headers=VERSION_2).json
    assert answer is not None
    return str(answer["results"][0]["snapshot"].get("timestamp", ""))[:4]


@pytest.mark.parametrize(
    ("query", "year"),
    [
        ("timestamp=201606", "2016"), ("timestamp=201605&closest=before", "2015"), ("timestamp=201607&closest=after", "2017"),
        ("timestamp=2014&closest=before", ""), ("timestamp=2016&status_code=200", "2017"), ("status_code=404", "2016"),
        ("status_code=404&status_code=200", "2017"), ("status_code=500", ""), ("closest=before", "2017"),
        ("closest=after", "2015"),
    ],
)  # fmt: skip
def test_version_2_takes_a_side_and_statuses(reader: Reader, query: str, year: str) -> None:
    assert result(reader(*RECORDS), query) == year


LIST = [{"url": "example.org", "timestamp": "201506", "tag": "a"}, {"url": "nothing.example", "closest": "after", "tag": "b"}]
SHOWN = {"url": f"http://localhost/all/{moment(2015)}/{URL}", "timestamp": moment(2015), "status": "200"}
RESULTS = [
    {"url": "example.org", "timestamp": "201506", "tag": "a", "snapshot": SHOWN},
    {"url": "nothing.example", "timestamp": "", "tag": "b", "snapshot": {}},
]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (json.dumps(LIST), "application/json"),
        ("url,timestamp,closest,tag\r\nexample.org,201506,,a\r\nnothing.example,,after,b\r\n", "text/csv"),
        (
            "url=example.org&timestamp=201506&tag=a&url=nothing.example&timestamp=&closest=&closest=after&tag=b",
            "application/x-www-form-urlencoded",
        ),
    ],
)
def test_lists_in_three_forms(reader: Reader, body: str, kind: str) -> None:
    answer = reader(*RECORDS).post("/wayback/available", data=body, content_type=kind)
    assert answer.json == {"results": RESULTS}


def test_a_list_is_answered_as_far_as_the_time_goes(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([0.0, 0.5, 1.5])
    monkeypatch.setattr("replay.views.availability.time.monotonic", lambda: next(ticks))
    answer = reader(*RECORDS).post("/wayback/available?timeout=1", json=[{"url": "example.org"}] * 2)
    assert answer.json is not None
    assert [bool(item["snapshot"]) for item in answer.json["results"]] == [True, False]
    assert answer.json["results"][1]["timed_out"] is True


@pytest.mark.parametrize(
    "query", ["", "url=", "url=a&timestamp=x", "url=a&timestamp=201606010000001", "url=a&callback=1", "url=a&callback=a%00"]
)
def test_what_cannot_be_answered_is_refused_with_a_sentence(reader: Reader, query: str) -> None:
    answer = reader().get(f"/wayback/available?{query}")
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["message"].endswith(".")


@pytest.mark.parametrize(
    "query", ["closest=near", "status_code=ok", "status_code=20", "timeout=0", "timeout=1e9", "tag=" + "x" * 1001]
)
def test_version_2_refuses_too(reader: Reader, query: str) -> None:
    assert reader().get(f"/wayback/available?url=a&{query}", headers=VERSION_2).status_code == 400


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"[", "application/json"), (b"[1]", "application/json"), (b'[{"url": ["a"]}]', "application/json"),
        (b"{}", "application/json"),
        (b"[" * 100_000, "application/json"), (b"\xff\xfe", "application/json"), (b'url\n"a', "text/csv"), (b"", "text/csv; x"),
        (b"url\n" + b"a\n" * 1001, "text/csv"), (b"x" * 1_100_000, "text/csv"), (b"a\n\x00\n", "text/csv"),
    ],
)  # fmt: skip
def test_lists_that_are_none(reader: Reader, body: bytes, kind: str) -> None:
    answer = reader().post("/wayback/available", data=body, content_type=kind)
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        assert answer.json == {"results": []}
