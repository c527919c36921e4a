"""The CDX API in pywb's dialect; `tests/clients` compares it with pywb itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.servers.warcs import response_record, revisit_record

Reader = Callable[..., FlaskClient]

HOME = "http://example.org/"
MOMENTS = [datetime(2020 + number, 1, 1, tzinfo=UTC) for number in range(3)]
RECORDS = (
    *(response_record(HOME, moment, str(moment).encode()) for moment in MOMENTS[:2]),
    revisit_record(HOME, MOMENTS[2], HOME, MOMENTS[1], digest="sha1:AAAA"),
    response_record("http://example.org/a", MOMENTS[0], b"", status="404 Not Found"),
    response_record("http://example.org/list.js?cb=1", MOMENTS[0], b"1", headers="Content-Type: text/javascript\r\n"),
)


def test_lines_are_cdxj_and_without_a_status_where_there_is_none(reader: Reader) -> None:
    answer = reader(*RECORDS).get("/unesco/cdx?url=example.org")
    assert answer.content_type == "text/x-cdxj"
    first, _, revisit = answer.text.splitlines()
    assert first.startswith(
        'org,example)/ 20200101000000 {"url": "http://example.org/", "mime": "text/html", "status": "200", '
    )
    assert list(json.loads(first.split(" ", 2)[2])) == ["url", "mime", "status", "digest", "length", "offset", "filename"]
    fields = json.loads(revisit.split(" ", 2)[2])
    assert (fields["mime"], fields["digest"], "status" in fields) == ("warc/revisit", "AAAA", False)


def test_json_is_an_object_a_line(reader: Reader) -> None:
    answer = reader(*RECORDS).get("/unesco/cdx?url=example.org&output=json&fields=url,timestamp,colour")
    assert answer.content_type == "text/x-ndjson"
    assert [json.loads(line) for line in answer.text.splitlines()] == [
        {"url": HOME, "timestamp": f"{moment:%Y%m%d}000000"} for moment in MOMENTS
    ]


@pytest.mark.parametrize(
    ("query", "years"),
    [
        ("closest=2021", "2022 2021 2020"), ("closest=20200601&limit=1", "2020"), ("sort=reverse", "2022 2021 2020"),
        ("reverse=true&limit=1", "2022"), ("from=2021", "2021 2022"), ("to=2020", "2020"), ("limit=2", "2020 2021"),
        ("limit=0", "2020 2021 2022"), ("filter=status:20", "2020 2021"), ("filter==status:20", ""),
        ("filter=!status:2", "2022"),
        ("filter=~status:2.0", "2020 2021"), ("filter=~status:0", ""), ("filter=!~status:2", "2022"), ("filter=colour:red", ""),
        ("filter=!colour:red", "2020 2021 2022"), ("filter=20210101", "2021"), ("filter=m:revisit", "2022"),
        ("collapseTime=2", "2020 2022"),
    ],
)  # fmt: skip
def test_which_captures_and_in_which_order(reader: Reader, query: str, years: str) -> None:
    answer = reader(*RECORDS).get(f"/unesco/cdx?url=example.org&output=text&fl=timestamp&{query}")
    assert answer.status_code == 200
    assert [line[:4] for line in answer.text.splitlines()] == years.split()


def test_nothing_found_is_no_error(reader: Reader) -> None:
    answer = reader(*RECORDS).get("/unesco/cdx?url=nothing.example")
    assert (answer.status_code, answer.text) == (200, "")


def test_what_is_like_it_is_given_only_when_asked_for(reader: Reader) -> None:
    client = reader(*RECORDS)
    path = "/unesco/cdx?url=example.org/list.js?cb=2&output=json"
    assert client.get(path).text == ""
    found = json.loads(client.get(f"{path}&allowFuzzy=1").text)
    assert (found["url"], found["is_fuzzy"]) == ("http://example.org/list.js?cb=1", "1")


def test_pages(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replay.cdxanswer.BLOCK_ROWS", 2)
    client = reader(*RECORDS)
    path = "/unesco/cdx?url=example.org/*&pageSize=1"
    assert client.get(f"{path}&showNumPages=true").json == {"pages": 3, "pageSize": 1, "blocks": 3}
    pages = [client.get(f"{path}&page={number}") for number in range(4)]
    assert "".join(page.text for page in pages[:3]) == client.get("/unesco/cdx?url=example.org/*").text
    assert pages[3].status_code == 400


@pytest.mark.parametrize("query", ["", "url=a&output=xml", "url=a&limit=-1", "url=a&filter=~url:(", "url=a&closest=x"])
def test_what_cannot_be_answered_is_refused_in_json(reader: Reader, query: str) -> None:
    answer = reader().get(f"/unesco/cdx?{query}")
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["message"].endswith(".")


def test_where_files_lie_outside_of_the_archive_is_not_told(holdings_with: Callable[..., object], tmp_path: Path) -> None:
    from archiver.holdings import Holdings
    from archiver.model import Capture
    from replay.app import create_reader

    holdings = holdings_with()
    assert isinstance(holdings, Holdings)
    names = ["/secret/place/a.warc.gz", "s3://bucket/secret/b.warc.gz", "sub/c.warc.gz"]
    for number, name in enumerate(names):
        capture = Capture("default", "org,example)/", f"2020010100000{number}", HOME, "text/html", 200, "", name, 0, 9)
        holdings.index.add([capture])
    client = create_reader(holdings.settings, holdings).test_client()
    for query in ("", "&fl=filename", "&output=text", "&output=json", "&filter=url:e"):
        text = client.get(f"/default/cdx?url=example.org{query}").text
        assert "secret" not in text
        assert "c.warc.gz" in text
