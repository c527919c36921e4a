"""The CDX API in the Internet Archive's dialect: what its clients ask, and what they are answered."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from archiver.collections.access import Action, Matching, Rule
from archiver.errors import StorageFailed
from archiver.holdings import Holdings, open_holdings
from archiver.model import Visibility
from archiver.settings import load_settings
from archiver.urls import urlkey
from archiver.warc.importer import import_file
from replay.app import create_reader
from tests.servers.warcs import response_record, revisit_record

Reader = Callable[..., FlaskClient]

SAME = "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"


def at(text: str) -> datetime:
    return datetime.strptime(text.ljust(14, "0") if len(text) > 8 else text + "000000", "%Y%m%d%H%M%S").replace(tzinfo=UTC)


HOME = "http://example.org/"
RECORDS = (
    response_record(HOME, at("20200101"), b"one"),
    response_record(HOME, at("2020010112"), b"one"),
    response_record(HOME, at("20200102"), b"two", status="404 Not Found"),
    response_record(HOME, at("20200103"), b""),
    revisit_record(HOME, at("20210101"), HOME, at("20200103"), digest=SAME),
    response_record("http://example.org/a?x=1", at("20200104"), b"a"),
    response_record("http://example.org/pic.png", at("20200105"), b"p", headers="Content-Type: image/png\r\n"),
    response_record("http://sub.example.org/caf\u00e9", at("20200106"), b"c", headers=""),
    response_record("http://example.org:8080/", at("20200107"), b"port"),
    response_record("http://example.net/", at("20200108"), b"n", status="302 Found", headers="Location: /x\r\n"),
)


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    folder = tmp_path_factory.mktemp("cdx")
    path = folder / "records.warc.gz"
    path.write_bytes(b"".join(RECORDS))
    with open_holdings(load_settings({"archive": folder / "warcs"}, environ={})) as holdings:
        holdings.collections.create("unesco")
        import_file(path, collection="unesco", store=holdings.store, index=holdings.index)
        yield asking(create_reader(holdings.settings, holdings).test_client())


def asking(client: FlaskClient) -> Callable[..., str]:

    def asked(url: str = "example.org", *, status: int = 200, path: str = "/unesco/timemap/cdx", **parameters: object) -> str:
        named = [(name.rstrip("_"), value) for name, value in parameters.items()]
        answer = client.get(f"{path}?{urlencode([('url', url), *named], doseq=True)}")
        assert answer.status_code == status, answer.text
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        return answer.text

    return asked


def times(text: str) -> list[str]:
    return [line.split(" ")[1][:10].removesuffix("00") for line in text.splitlines()]


def test_lines_have_the_seven_columns(ask: Callable[..., str]) -> None:
    lines = ask().splitlines()
    assert lines[0].split(" ")[:6] == [
        "org,example)/", "20200101000000", HOME, "text/html", "200", "7YC3ZXG4JEUACJ4BUXY2FJ34XNJZRYIG"
    ]  # fmt: skip
    assert lines[0].split(" ")[6].isdigit()
    assert lines[-1].split(" ")[1:6] == ["20210101000000", HOME, "warc/revisit", "-", SAME.removeprefix("sha1:")]
    assert ask("http://sub.example.org/caf%C3%A9").split(" ")[2:4] == ["http://sub.example.org/caf%C3%A9", "unk"]


@pytest.mark.parametrize(
    ("url", "match", "keys"),
    [
        ("example.org", "exact", 5), ("example.org/p*", "", 1), ("example.org/", "prefix", 7), ("example.org", "host", 8),
        ("*.example.org", "", 9), ("example.org", "domain", 9), ("org", "domain", 9), ("example.net", "range", 10),
        ("http://www.example.org:80/#top", "", 5), ("nothing.example", "", 0),
    ],
)  # fmt: skip
def test_matches(ask: Callable[..., str], url: str, match: str, keys: int) -> None:
    assert len(ask(url, matchType=match).splitlines()) == keys


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"from_": "2021"}, ["20210101"]),
        ({"to": "20200101"}, ["20200101", "2020010112"]),
        ({"from_": "20200102", "to": "2020"}, ["20200102", "20200103"]),
        ({"limit": 1}, ["20200101"]),
        ({"limit": -2}, ["20200103", "20210101"]),
        ({"limit": -1, "filter": "statuscode:200"}, ["20200103"]),
        ({"limit": -1, "fastLatest": "true"}, ["20210101"]),
        ({"offset": 3}, ["20200103", "20210101"]),
        ({"offset": 1, "from_": "20200102"}, ["20200102", "20200103", "20210101"]),  # of the index, not of the answer
        ({"sort": "reverse", "limit": 2}, ["20210101", "20200103"]),
        ({"sort": "closest", "closest": "20200102", "limit": 2}, ["20200103", "20200102"]),
        ({"sort": "closest", "closest": "20200102000000", "limit": 3}, ["20200102", "2020010112", "20200101"]),
        ({"filter": "statuscode:200"}, ["20200101", "2020010112", "20200103"]),
        ({"filter": "!statuscode:200"}, ["20200102", "20210101"]),
        ({"filter": "statuscode:2"}, []),  # an expression is for the whole field
        ({"filter": "statuscode:[24]0[04]"}, ["20200101", "2020010112", "20200102", "20200103"]),
        ({"filter": "~statuscode:0"}, ["20200101", "2020010112", "20200102", "20200103"]),
        ({"filter": "~!statuscode:40"}, ["20200101", "2020010112", "20200103", "20210101"]),
        ({"filter": "4:404"}, ["20200102"]),
        ({"filter": ["statuscode:200", "timestamp:2020010.12.*"]}, ["2020010112"]),
        ({"filter": ".* 404 .*"}, ["20200102"]),  # the whole line
        ({"filter": "nosuch:.* 404 .*"}, ["20200102"]),
        ({"collapse": "timestamp:8"}, ["20200101", "20200102", "20200103", "20210101"]),
        ({"collapse": "digest"}, ["20200101", "20200102", "20200103"]),
        ({"collapse": ["timestamp:4", "digest"]}, ["20200101", "20210101"]),
        ({"collapse": "urlkey"}, ["20200101"]),
        ({"collapseTime": 4}, ["20200101", "20210101"]),
        ({"collapseTime": 4, "from_": "20200102"}, ["20200102", "20200103", "20210101"]),  # 200 is better than 404
    ],
)  # fmt: skip
def test_which_captures_and_in_which_order(ask: Callable[..., str], parameters: dict[str, object], expected: list[str]) -> None:
    if "fastLatest" in parameters:
        assert times(ask(**parameters)) == times(ask(limit=-1))
    assert times(ask(**parameters)) == expected


def test_json_is_an_array_of_arrays_with_a_head(ask: Callable[..., str]) -> None:
    rows = json.loads(ask(output="json", fl="timestamp,original,filename,offset"))
    assert rows[0] == ["timestamp", "original", "filename", "offset"]
    assert rows[1][:2] == ["20200101000000", HOME]
    assert rows[1][2].endswith("records.warc.gz")
    assert rows[1][3] == "0"
    assert len(rows) == 6
    assert json.loads(ask("nothing.example", output="json")) == []
    assert json.loads(ask(path="/unesco/timemap/json"))[0][0] == "urlkey"
    assert ask(fl="status,mime,url,length", limit=1).split(" ")[:3] == ["200", "text/html", HOME]


def test_counts(ask: Callable[..., str]) -> None:
    lines = ask(showDupeCount="true").splitlines()
    assert [line.split(" ")[7] for line in lines] == ["0", "1", "0", "0", "1"]
    lines = ask(collapse="timestamp:4", showGroupCount="true", lastSkipTimestamp="true").splitlines()
    assert [line.split(" ")[7:] for line in lines] == [["4", "20200103000000"], ["1", "20210101000000"]]
    lines = ask(collapse="timestamp:4", showSkipCount="true", limit=1).splitlines()
    assert [line.split(" ")[7:] for line in lines] == [["3"]]
    assert ask(filter="statuscode:404", showSkipCount="true").split(" ")[7:] == ["2\n"]
    assert ask(collapse="urlkey", fl="urlkey,uniqcount,groupcount,endtimestamp") == "org,example)/ 3 5 20210101000000\n"


def test_revisits_are_resolved(ask: Callable[..., str]) -> None:
    *_, original, revisit = ask(resolveRevisits="true", output="json").splitlines()
    assert json.loads(original.rstrip(","))[-3:] == ["-", "-", "-"]
    fields = json.loads(revisit.rstrip("],") + "]")
    assert fields[3:5] == ["text/html", "200"]
    assert fields[-1].endswith("records.warc.gz")
    assert fields[-3].isdigit()
    assert fields[-2] == json.loads(ask(from_="20200103", to="20200103", fl="offset", output="json"))[1][0]


@pytest.mark.parametrize("output", ["text", "json"])
@pytest.mark.parametrize("extra", [{}, {"collapse": "digest"}, {"filter": "statuscode:200"}, {"showGroupCount": "true"}])
def test_resume_keys_lead_through_all_without_a_gap(ask: Callable[..., str], output: str, extra: dict[str, str]) -> None:
    whole = ask("org", matchType="domain", fl="timestamp,original", **extra).splitlines()
    whole = [line for line in whole if line]
    found: list[str] = []
    key: dict[str, str] = {}
    for _ in range(20):
        answer = ask(
            "org", matchType="domain", fl="timestamp,original", limit=2, showResumeKey="true", output=output, **key, **extra
        )
        if output == "json":
            rows = json.loads(answer)[1:]
            key = {"resumeKey": rows[-1][0]} if len(rows) > 1 and rows[-2] == [] else {}
            found += [" ".join(row) for row in (rows[:-2] if key else rows)]
        else:
            lines = answer.splitlines()
            key = {"resumeKey": lines[-1]} if len(lines) > 1 and lines[-2] == "" else {}
            found += lines[:-2] if key else lines
        if not key:
            break
    assert found == whole


def test_a_resume_key_passes_over_no_capture_of_the_same_second(reader: Reader) -> None:
    client = reader(*(response_record(HOME, at("20200101"), bytes([65 + number])) for number in range(5)))
    found, key = [], ""
    for _ in range(9):
        lines = client.get(
            f"/unesco/timemap/cdx?url=example.org&fl=digest&limit=2&showResumeKey=true&resumeKey={key}"
        ).text.split("\n")
        key = lines[-2] if len(lines) > 3 and lines[-3] == "" else ""
        found += lines[: -3 if key else -1]
        if not key:
            break
    assert len(found) == len(set(found)) == 5


@pytest.mark.parametrize("key", ["org%2Cexample%29%2F+20200101:", "org,example)/ 2020010112:", "org,example)/ 20200101120000"])
def test_keys_of_the_internet_archive_are_understood(ask: Callable[..., str], key: str) -> None:
    assert times(ask(resumeKey=key))[0] in ("2020010112", "20200102")


def test_pages(ask: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replay.cdxanswer.BLOCK_ROWS", 2)
    assert ask("org", matchType="domain", showNumPages="true", pageSize=1) == "5\n"
    pages = [ask("org", matchType="domain", page=number, pageSize=1) for number in range(6)]
    assert "".join(pages) == ask("org", matchType="domain")
    assert [len(page.splitlines()) for page in pages] == [2, 2, 2, 2, 1, 0]
    assert ask("org", matchType="domain", page=0, pageSize=2).splitlines() == "".join(pages[:2]).splitlines()
    assert ask("org", matchType="domain", showPagedIndex="true", pageSize=4).splitlines() == [
        "org,example)/ 20200101000000\t0", "org,example:8080)/ 20200107000000\t1"
    ]  # fmt: skip
    assert ask("nothing.example", showNumPages="true") == "0\n"
    assert ask("org", matchType="domain", page=6, pageSize=1, output="json") == ""  # the end, as clients know it
    assert ask("org", matchType="domain", page=0, pageSize=1, output="json", filter="urlkey:x") == "[]\n"


def test_addresses(reader: Reader) -> None:
    client = reader(*RECORDS)
    query = "url=example.org&limit=1"
    expected = client.get(f"/unesco/timemap/cdx?{query}").text
    for path in ("/cdx/search/cdx", "/cdx/search", "/all/timemap/cdx"):
        assert client.get(f"{path}?{query}").text == expected
    assert client.get(f"/cdx/search/cdx?{query}&collection=unesco").text == expected
    assert client.get("/cdx/search/cdx?url=example.org&collection=default").text == ""
    by_path = client.get("/unesco/timemap/cdx/http://example.org/a?x=1").text
    assert by_path.startswith("org,example)/a?x=1 20200104")
    assert client.get(f"/nosuch/timemap/cdx?{query}").status_code == 404
    head = client.head(f"/cdx/search/cdx?{query}")
    assert (head.status_code, head.content_length, head.data) == (200, len(expected), b"")
    assert client.options("/cdx/search/cdx").headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert client.post("/cdx/search/cdx").status_code == 405


def test_private_collections_are_not_there(reader: Reader) -> None:
    client = reader(*RECORDS, visibility=Visibility.PRIVATE)
    assert client.get("/cdx/search/cdx?url=example.org").text == ""
    for path in ("/unesco/timemap/cdx?", "/cdx/search/cdx?collection=unesco&", "/unesco/cdx?"):
        assert client.get(f"{path}url=example.org").status_code == 404


def test_unlisted_collections_are_there_for_who_knows_their_name(reader: Reader) -> None:
    client = reader(*RECORDS, visibility=Visibility.UNLISTED)
    assert client.get("/cdx/search/cdx?url=example.org").text == ""
    assert client.get("/cdx/search/cdx?url=example.org&collection=unesco").text != ""


def test_long_answers_are_compressed_for_who_takes_that(reader: Reader) -> None:
    client = reader(*(response_record(f"http://example.org/{number}", at("20200101"), b"x") for number in range(60)))
    path = "/unesco/timemap/cdx?url=example.org/*"
    plain = client.get(path)
    packed = client.get(path, headers={"Accept-Encoding": "deflate, gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert "Content-Encoding" not in client.get(f"{path}&gzip=false", headers={"Accept-Encoding": "gzip"}).headers
    assert "Content-Encoding" not in client.get(path, headers={"Accept-Encoding": "gzip;q=0"}).headers


@pytest.mark.parametrize(
    "query",
    [
        "", "url=", "url=example.org&matchType=near", "url=example.org&from=yesterday", "url=example.org&to=2020010112000000",
        "url=example.org&limit=many", "url=example.org&limit=9999999999999999999999", "url=example.org&sort=random",
        "url=example.org&sort=closest", "url=example.org&sort=closest&closest=soon", "url=example.org&collapse=colour",
        "url=example.org&collapse=timestamp:x", "url=example.org&collapse=timestamp:0", "url=example.org&fl=timestamp,colour",
        "url=example.org&output=xml", "url=example.org&filter=statuscode:[", "url=example.org&filter=urlkey:(?=a)b",
        "url=example.org&resumeKey=here", "url=example.org&page=-1", "url=example.org&page=first", "url=example.org&pageSize=0",
        "url=example.org&offset=-1", "url=example.org&showDupeCount=perhaps", "url=example.org&limit=-1&sort=reverse",
        "url=example.org/*&sort=closest&closest=2020", "url=example.org&resumeKey=a+2020&sort=reverse",
        "url=example.org&collapseTime=15", f"url=example.org&filter=urlkey:{'a' * 5000}", "&".join(["url=a"] * 300),
        "url=example.org&limit=-1000000&collapse=digest", f"url={'a' * 30000}", "url=example.org&limit=٣",
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_with_a_sentence(reader: Reader, query: str) -> None:
    client = reader()
    answer = client.get(f"/cdx/search/cdx?{query}")
    assert answer.status_code == 400
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.text.strip().endswith(".")
    assert "\n" not in answer.text.strip()
    as_json = client.get(f"/cdx/search/cdx?{query}&output=json")
    assert as_json.status_code == 400
    if "output=xml" not in query:
        assert as_json.json is not None
        assert as_json.json["message"].endswith(".")


def test_an_expression_that_takes_for_ever_elsewhere_takes_no_time(reader: Reader) -> None:
    client = reader(response_record(f"http://example.org/{'a' * 3000}", at("20200101"), b"x"))
    answer = client.get("/cdx/search/cdx", query_string={"url": "example.org/*", "filter": "original:.*(a+a+)+(a+)+b"})
    assert (answer.status_code, answer.text) == (200, "")


def test_odd_fields_do_not_break_lines(reader: Reader) -> None:
    odd = ['http://example.org/a"b\\c', "http://example.org/a b", "http://example.org/\u4e2d", "dns:example.org"]
    client = reader(*(response_record(url, at("20200101"), b"x", headers='Content-Type: text/"odd\x01\\\r\n') for url in odd))
    lines = client.get("/cdx/search/cdx?url=*").text.splitlines()
    assert len(lines) == 4
    assert all(len(line.split(" ")) == 7 and line.isascii() and line.isprintable() for line in lines)
    rows = json.loads(client.get("/cdx/search/cdx?url=*&output=json").text)
    assert {row[2] for row in rows[1:]} >= {"http://example.org/%E4%B8%AD", 'http://example.org/a"b\\c'}
    for output in ("cdxj", "json"):
        for line in client.get(f"/unesco/cdx?url=*&output={output}").text.splitlines():
            assert json.loads(line[line.index("{") :])["status"] == "200"


@pytest.mark.parametrize(
    "path", ["/cdx/search/cdx?url=*", "/cdx/search/cdx?url=*&output=json", "/unesco/cdx?url=*&output=json"]
)
def test_an_answer_that_breaks_off_does_not_pass_for_whole(reader: Reader, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = reader(*RECORDS)
    row = ("org,example)/", 20200101000000, HOME, "text/html", 200, "", 9, 0, "a", 0, None, None)

    def broken(*_: object, **__: object) -> Iterator[list[object]]:
        yield [row] * 2000
        raise StorageFailed("The database cannot be used: disk I/O error.")

    monkeypatch.setattr("replay.lookup.Lookup.scan_rows", broken)
    answer = client.get(path)
    assert answer.status_code == 200
    assert "!incomplete: " in answer.text.splitlines()[-1]
    with pytest.raises(ValueError, match=r"Expecting|Extra"):
        [json.loads(text) for text in (answer.text.splitlines() if "unesco" in path else [answer.text])]


def test_an_index_that_cannot_be_read_is_said_at_once(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    client = reader(*RECORDS)

    def broken(*_: object, **__: object) -> Iterator[list[object]]:
        raise StorageFailed("The database cannot be used: disk I/O error.")

    monkeypatch.setattr("replay.lookup.Lookup.scan_rows", broken)
    answer = client.get("/cdx/search/cdx?url=example.org")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "disk I/O error" in answer.text


def test_long_answers_do_not_take_all_of_the_server(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    client = reader(*RECORDS)
    row = ("org,example)/", 20200101000000, HOME, "text/html", 200, "", 9, 0, "a", 0, None, None)
    monkeypatch.setattr("replay.lookup.Lookup.scan_rows", lambda *_, **__: iter([[row] * 3000]))
    slow = [client.get("/cdx/search/cdx?url=example.org", buffered=False) for _ in range(5)]
    refused = client.get("/cdx/search/cdx?url=example.org")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    assert client.get("/-/health").status_code == 200
    assert client.get("/cdx/search/cdx?url=example.org&limit=3").status_code == 200  # short ones need no turn
    assert client.get("/unesco/cdx?url=*&filter=url:nothing").status_code == 429  # others may take long to find nothing
    for answer in slow:
        answer.close()
    for _ in range(7):  # each gives its turn back
        assert client.get("/cdx/search/cdx?url=example.org").status_code == 200
        assert client.get("/cdx/search/cdx?url=*&filter=statuscode:[").status_code == 400
        assert client.get("/unesco/cdx?url=*&filter=url:nothing").status_code == 200
        assert client.head("/unesco/cdx?url=*").status_code == 200
        assert client.get("/cdx/search/cdx?url=*&showNumPages=true").status_code == 200


def test_long_answers_are_compressed_on_their_way(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    client = reader(*RECORDS)
    row = ("org,example)/", 20200101000000, HOME, "text/html", 200, "", 9, 0, "a", 0, None, None)
    monkeypatch.setattr("replay.lookup.Lookup.scan_rows", lambda *_, **__: iter([[row] * 3000]))
    path = "/cdx/search/cdx?url=example.org"
    packed = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == client.get(path).data
    head = client.head(path)
    assert (head.status_code, head.content_type, head.data) == (200, "text/plain; charset=UTF-8", b"")


def test_blocked_urls_are_refused_as_clients_know_it(holdings_with: Callable[..., Holdings], tmp_path: Path) -> None:
    holdings = holdings_with()
    path = tmp_path / "r.warc.gz"
    path.write_bytes(b"".join(RECORDS))
    import_file(path, collection="default", store=holdings.store, index=holdings.index)
    url = "http://example.org/pic.png"
    holdings.access.add([Rule(Action.BLOCK, Matching.EXACT, urlkey(url), url=url)])
    client = create_reader(holdings.settings, holdings).test_client()
    answer = client.get(f"/cdx/search/cdx?url={url}")
    assert answer.status_code == 403
    assert "AdministrativeAccessControlException" in answer.text
    assert client.get(f"/default/cdx?url={url}").text == ""
    everything = client.get("/cdx/search/cdx?url=*").text
    assert "pic.png" not in everything
    assert len(everything.splitlines()) == len(RECORDS) - 1
    assert client.get(f"/default/timegate/{url}").status_code == 451
    assert client.get(f"/default/timemap/link/{url}").status_code == 404
    assert client.get(f"/wayback/available?url={url}").json == {"url": url, "archived_snapshots": {}}
