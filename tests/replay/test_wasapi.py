"""WASAPI as a harvester meets it: lists, files, derived files, and who gets them."""

from __future__ import annotations

import gzip
import hashlib
import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from warcio.archiveiterator import ArchiveIterator

from archiver.accounts import Role
from archiver.fixity import measure
from archiver.holdings import Holdings
from archiver.index.files import Part
from archiver.jobs import JobRegistry
from archiver.timestamps import to_timestamp
from archiver.warc.importer import import_file
from archiver.wasapi.jobs import KEPT, LEASE, JobBoard, JobLost
from archiver.wasapi.runner import JobRunner
from replay.workbench.app import create_workbench
from tests.conftest import OpenHoldings
from tests.servers.postgresql import PostgreSQL
from tests.servers.warcs import request_record, response_record
from tests.workbench import HOME, PASSWORD, PORT, QUICK, accounts_of

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
BASE = "/wasapi/v1"


class Clock:
    """The time, as a test says it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Service:
    """A workbench over WARC files, and a program that asks it."""

    def __init__(self, holdings: Holdings, folder: Path, clock: Clock) -> None:
        self.holdings, self.folder, self.clock = holdings, folder, clock
        self.app: Flask = create_workbench(holdings.settings, holdings, hasher=QUICK, clock=clock)
        self.client: FlaskClient = self.app.test_client()
        accounts = accounts_of(holdings)
        accounts.create("ada", PASSWORD, Role.ADMINISTRATOR)
        self.token = accounts.make_token("ada", "harvest", Role.VIEWER)
        self.strong = accounts.make_token("ada", "orders", Role.ARCHIVIST)

    @property
    def board(self) -> JobBoard:
        return self.app.extensions["muniment.wasapi"]  # type: ignore[no-any-return]

    @property
    def runner(self) -> JobRunner:
        return self.app.extensions["muniment.wasapi.runner"]  # type: ignore[no-any-return]

    def keep(self, name: str, *records: bytes, slug: str = "unesco", crawl: int | None = None, day: int = 0) -> bytes:
        """A WARC file of a collection; its bytes."""
        path = self.folder / name
        path.write_bytes(b"".join(records))
        import_file(path, collection=slug, store=self.holdings.store, index=self.holdings.index)
        self.note(name, slug, crawl, day, len(records))
        return path.read_bytes()

    def note(self, name: str, slug: str, crawl: int | None, day: int, captures: int = 1) -> None:
        moment = to_timestamp(MOMENT + timedelta(days=day))
        with self.holdings.store.open(name) as stream:
            self.holdings.files.note(name, measure(stream), (Part(slug, captures, moment, moment, crawl),))

    def get(self, path: str, *, token: str | None = None, **headers: str) -> Any:
        headers = {"Authorization": f"Token {token or self.token}", **headers}
        path = path if path.startswith("/") else f"{BASE}/{path}"
        return self.client.get(path, base_url=HOME, headers=headers, buffered=True)

    def names(self, query: str = "") -> list[str]:
        answer = self.get(f"webdata?{query}")
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return [file["filename"] for file in answer.get_json()["files"]]

    def order(self, function: str, query: str = "", states: tuple[str, ...] = ("queued",)) -> str:
        answer = self.client.post(
            f"{BASE}/jobs",
            data={"function": function, "query": query},
            base_url=HOME,
            headers={"Authorization": f"Bearer {self.strong}"},
        )
        assert answer.status_code == 201, answer.get_data(as_text=True)
        assert answer.get_json()["state"] in states
        return str(answer.get_json()["jobtoken"])


@pytest.fixture
def service(holdings_with: OpenHoldings, tmp_path: Path) -> Service:
    holdings = holdings_with(workbench_port=PORT)
    holdings.collections.create("unesco", title="UNESCO", organisation="UNESCO")
    holdings.collections.create("other", title="Other")
    return Service(holdings, tmp_path, Clock())


def page(url: str, body: bytes = b"<title>Hello</title>", day: int = 0, **more: Any) -> bytes:
    return response_record(url, MOMENT + timedelta(days=day), body, **more)


# -- lists -------------------------------------------------------------------------------------------------------------


def test_a_file_is_told_with_all_that_a_harvester_needs(service: Service) -> None:
    crawl = service.holdings.crawls.start("unesco", ("http://a.example/",))
    data = service.keep("A-1.warc.gz", page("http://a.example/"), crawl=crawl)
    answer = service.get("webdata").get_json()
    (told,) = answer.pop("files")
    assert answer == {
        "count": 1,
        "next": None,
        "previous": None,
        "includes-extra": False,
        "request-url": f"{HOME}{BASE}/webdata?page=1",
    }
    assert told.pop("crawl-start").startswith("2") and told.pop("store-time").startswith("2")
    (location,) = told.pop("locations")
    assert told == {
        "filename": "A-1.warc.gz",
        "filetype": "warc",
        "checksums": {name: hashlib.new(name, data).hexdigest() for name in ("md5", "sha1", "sha256")},
        "size": len(data),
        "account": "UNESCO",
        "collection": "unesco",
        "crawl": crawl,
        "crawl-time": "2016-08-10T20:46:23Z",
    }
    assert service.get(location.removeprefix(HOME)).data == data


def test_pages_lead_from_one_to_the_next_and_back(service: Service) -> None:
    for number in range(5):
        service.keep(f"{number}.warc.gz", page(f"http://{number}.example/"), day=number)
    seen, address = [], f"{BASE}/webdata?page_size=2&crawl-time-after=2016&collection=unesco"
    while address:
        answer = service.get(address.removeprefix(HOME)).get_json()
        assert answer["count"] == 5
        seen.append([file["filename"] for file in answer["files"]])
        before, address = answer["previous"], answer["next"]
    assert seen == [["4.warc.gz", "3.warc.gz"], ["2.warc.gz", "1.warc.gz"], ["0.warc.gz"]]
    assert [file["filename"] for file in service.get(before.removeprefix(HOME)).get_json()["files"]] == seen[1]
    beyond = service.get("webdata?page=9&page_size=2").get_json()
    assert (beyond["files"], beyond["next"]) == ([], None) and "page=3" in beyond["previous"]


def test_each_parameter_narrows_the_list(service: Service) -> None:
    crawl = service.holdings.crawls.start("unesco", ("http://a.example/",))
    service.keep("Abc_1.warc.gz", page("http://a.example/"), crawl=crawl)
    service.keep("abcX2.warc.gz", page("http://b.example/", day=1), day=1)
    service.keep("z.warc.gz", page("http://c.example/", day=2), slug="other", day=2)
    assert service.names() == ["z.warc.gz", "abcX2.warc.gz", "Abc_1.warc.gz"]
    assert service.names("filename=Abc_1.warc.gz") == ["Abc_1.warc.gz"]
    assert service.names("filename=abc_1.warc.gz") == []
    assert service.names("filename=abc*") == ["abcX2.warc.gz"]
    assert service.names("filename=*bc?1.warc.gz") == ["Abc_1.warc.gz"]
    assert service.names("filename=*c_*") == ["Abc_1.warc.gz"]  # "_" means itself
    assert service.names("collection=other") == ["z.warc.gz"]
    number = service.holdings.collections.number("other")
    assert service.names(f"collection={number}&collection=unesco") == service.names()
    assert service.names(f"crawl={crawl}") == ["Abc_1.warc.gz"]
    assert service.names("crawl-start-after=2020") == ["Abc_1.warc.gz"] and service.names("crawl-start-before=2020") == []
    assert service.names("store-time-before=2020") == [] and len(service.names("store-time-after=2020")) == 3
    assert service.names("filetype=warc") == service.names() and service.names("filetype=wane") == []


def test_times_are_half_open(service: Service) -> None:
    service.keep("a.warc.gz", page("http://a.example/"))
    assert service.names("crawl-time-after=2016-08-10T20:46:23Z") == ["a.warc.gz"]
    assert service.names("crawl-time-before=2016-08-10T20:46:23Z") == []
    assert service.names("crawl-time-before=2016-08-10T20:46:23.5Z") == ["a.warc.gz"]
    assert service.names("crawl-time-after=2016-08-10T20:46:23.5Z") == []
    stored = service.get("webdata").get_json()["files"][0]["store-time"]
    assert service.names(f"store-time-after={stored}") == ["a.warc.gz"] and service.names(f"store-time-before={stored}") == []
    start = to_timestamp(MOMENT)
    assert service.names(f"crawl-time-after={start[:4]}&crawl-time-before=2016-08-11") == ["a.warc.gz"]


@pytest.mark.parametrize("query", ["page=0", "crawl-time-after=soon", "colection=x", "collection=nowhere", "page_size=5000"])
def test_what_cannot_be_meant_is_refused_with_a_sentence(service: Service, query: str) -> None:
    answer = service.get(f"webdata?{query}")
    assert answer.status_code == 400 and answer.mimetype == "application/problem+json"
    assert answer.get_json()["title"].endswith((".", "?"))


def test_files_that_lie_elsewhere_have_names_of_their_own_and_show_no_folders(service: Service) -> None:
    contents = {}
    for folder in ("one", "two"):
        path = service.folder / folder / "same.warc.gz"
        path.parent.mkdir()
        path.write_bytes(page(f"http://{folder}.example/"))
        contents[str(path)] = path.read_bytes()
        service.note(str(path), "unesco", None, 0)
    lone = service.folder / "one" / "lone.warc.gz"
    lone.write_bytes(page("http://lone.example/"))
    service.note(str(lone), "unesco", None, 0)
    answer = service.get("webdata")
    assert str(service.folder) not in answer.get_data(as_text=True)
    told = answer.get_json()["files"]
    names = [file["filename"] for file in told]
    assert names[0] == "lone.warc.gz" and len(set(names)) == 3
    fetched = {service.get(file["locations"][0].removeprefix(HOME)).data for file in told[1:]}
    assert fetched == set(contents.values())
    assert service.names(f"filename={names[1]}") == [names[1]]
    assert sorted(service.names("filename=same.warc.gz")) == sorted(names[1:])


# -- files -------------------------------------------------------------------------------------------------------------


def test_a_file_is_sent_whole_or_in_part_and_says_what_it_is(service: Service) -> None:
    data = service.keep("a.warc.gz", page("http://a.example/", b"x" * 5000))
    address = service.get("webdata").get_json()["files"][0]["locations"][0].removeprefix(HOME)
    whole = service.get(address)
    digest = hashlib.sha256(data)
    assert whole.data == data and whole.headers["ETag"] == f'"{digest.hexdigest()}"'
    assert whole.headers["Repr-Digest"] == f"sha-256=:{b64encode(digest.digest()).decode()}:"
    assert whole.headers["Content-Length"] == str(len(data)) and whole.mimetype == "application/warc"
    assert "Content-Encoding" not in whole.headers
    part = service.get(address, Range="bytes=10-19")
    assert (part.status_code, part.data) == (206, data[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(data)}"
    assert service.get(address, Range="bytes=-4").data == data[-4:]
    assert service.get(address, Range=f"bytes={len(data)}-").status_code == 416
    assert service.get(address, Range="bytes=10-19", **{"If-Range": '"other"'}).data == data
    assert service.get(address, Range="bytes=10-19", **{"If-Range": whole.headers["ETag"]}).status_code == 206
    assert service.get(address, **{"If-None-Match": whole.headers["ETag"]}).status_code == 304
    head = service.client.head(address, base_url=HOME, headers={"Authorization": f"Token {service.token}"})
    assert head.data == b"" and head.headers["Content-Length"] == str(len(data)) and head.headers["ETag"]


def test_a_file_that_is_not_what_it_was_is_not_sent_for_it(service: Service) -> None:
    data = service.keep("a.warc.gz", page("http://a.example/"))
    address = service.get("webdata").get_json()["files"][0]["locations"][0].removeprefix(HOME)
    path = service.holdings.store.local_path("a.warc.gz")
    assert path is not None
    path.chmod(0o644)
    path.write_bytes(data[:-1])
    answer = service.get(address)
    assert answer.status_code == 404 and "not as it was" in answer.get_json()["title"]
    path.unlink()
    lost = service.get(address)
    assert lost.status_code == 404 and "not where it was" in lost.get_json()["title"]
    assert service.get(f"{BASE}/files/1/b.warc.gz").status_code == 404
    assert service.get(f"{BASE}/files/99/a.warc.gz").status_code == 404


# -- who ---------------------------------------------------------------------------------------------------------------


def test_nobody_gets_a_list_or_a_file_without_an_account(service: Service) -> None:
    service.keep("a.warc.gz", page("http://a.example/"))
    for path in ("webdata", "files/1/a.warc.gz", "jobs", "jobs/x", "jobs/x/result", "jobs/x/files/y"):
        nobody = service.client.get(f"{BASE}/{path}", base_url=HOME)
        assert nobody.status_code == 401 and nobody.headers["WWW-Authenticate"].startswith("Basic "), path
        for wrong in (
            "Token nonsense",
            "Bearer nonsense",
            "Basic !!!",
            f"Basic {b64encode(b'ada:wrong').decode()}",
            "Digest x",
        ):
            answer = service.client.get(f"{BASE}/{path}", base_url=HOME, headers={"Authorization": wrong})
            assert answer.status_code == 403, (path, wrong)
            assert answer.mimetype == "application/problem+json"


def test_what_is_at_no_address_is_told_as_json(service: Service) -> None:
    answer = service.get("nowhere")
    assert answer.status_code == 404 and answer.mimetype == "application/problem+json"


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"}


def test_name_and_password_do_as_well_as_a_token_until_they_change(service: Service) -> None:
    client, accounts = service.client, accounts_of(service.holdings)
    for _ in range(3):
        assert client.get(f"{BASE}/webdata", base_url=HOME, headers=basic("ada", PASSWORD)).status_code == 200
    accounts.change("ada", password="quite another secret")
    assert client.get(f"{BASE}/webdata", base_url=HOME, headers=basic("ada", PASSWORD)).status_code == 403
    assert client.get(f"{BASE}/webdata", base_url=HOME, headers=basic("ada", "quite another secret")).status_code == 200


def test_passwords_open_nothing_else_of_the_workbench(service: Service) -> None:
    assert service.client.get("/", base_url=HOME, headers=basic("ada", PASSWORD)).status_code == 303


def test_who_may_only_look_orders_nothing_and_a_page_from_elsewhere_neither(service: Service) -> None:
    order = {"function": "build-cdx", "query": ""}
    viewer = {"Authorization": f"Token {service.token}"}
    assert service.client.post(f"{BASE}/jobs", data=order, base_url=HOME, headers=viewer).status_code == 403
    for sent in (basic("ada", PASSWORD), {"Authorization": f"Bearer {service.strong}"}):
        elsewhere = {**sent, "Origin": "http://evil.example"}
        assert service.client.post(f"{BASE}/jobs", data=order, base_url=HOME, headers=elsewhere).status_code == 403
    assert service.board.count() == 0
    assert service.client.post(f"{BASE}/jobs", data=order, base_url=HOME, headers=basic("ada", PASSWORD)).status_code == 201


def test_behind_a_trusted_proxy_with_tls_files_are_fetched_by_https(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    for trusted, scheme in (("127.0.0.1", "https"), ("", "http")):
        holdings = holdings_with(archive=tmp_path / scheme, workbench_port=PORT, trusted_proxies=trusted)
        holdings.collections.create("unesco", title="UNESCO")
        service = Service(holdings, tmp_path, Clock())
        service.keep("a.warc.gz", page("http://a.example/"))
        (told,) = service.get("webdata", **{"X-Forwarded-Proto": "https"}).get_json()["files"]
        assert told["locations"][0].startswith(f"{scheme}://")


# -- jobs --------------------------------------------------------------------------------------------------------------


def test_a_cdx_file_is_made_of_just_the_files_that_are_meant(service: Service) -> None:
    service.keep("a.warc.gz", page("http://b.example/"), page("http://a.example/"))
    service.keep("b.warc.gz", page("http://c.example/"))
    token = service.order("build-cdx", "filename=a.warc.gz")
    assert service.get(f"jobs/{token}/result").status_code == 404
    assert service.runner.run_one() and not service.runner.run_one()
    job = service.get(f"jobs/{token}").get_json()
    assert job["state"] == "complete" and job["account"] == "ada" and job["termination-time"]
    answer = service.get(f"jobs/{token}/result").get_json()
    (told,) = answer["files"]
    assert answer["count"] == 1 and (told["filetype"], told["collection"]) == ("cdx", "unesco")
    data = service.get(told["locations"][0].removeprefix(HOME)).data
    assert hashlib.sha1(data).hexdigest() == told["checksums"]["sha1"] and len(data) == told["size"]
    lines = gzip.decompress(data).decode().splitlines()
    assert lines[0] == " CDX N b a m s k r M S V g"
    assert [line.split()[0] for line in lines[1:]] == ["example,a)/", "example,b)/"]
    assert {line.split()[-1] for line in lines[1:]} == {"a.warc.gz"}
    assert service.names("filetype=cdx") == [told["filename"]] and service.names("filetype=cdx&collection=other") == []


HTML = (
    b"<title>Hi\n there</title><base href=/base/><meta name=a content=b>"
    b"<link rel=stylesheet href=s.css><script src=x.js></script>"
    b'<a href="/one" title=T>One <b>two</b></a><img src=i.png alt=pic><form action=/f method=post></form>'
)


def test_a_wat_file_says_of_each_record_what_it_is(service: Service) -> None:
    url = "http://a.example/"
    data = service.keep(
        "a.warc.gz",
        page(url, HTML, headers="Content-Type: text/html\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"),
        request_record(url, MOMENT, "POST", "text/plain", b"body"),
        page("http://a.example/zip", gzip.compress(HTML), headers="Content-Type: text/html\r\nContent-Encoding: gzip\r\n"),
    )
    token = service.order("build-wat")
    assert service.runner.run_one()
    (told,) = service.get(f"jobs/{token}/result").get_json()["files"]
    assert (told["filename"], told["filetype"]) == ("a.warc.wat.gz", "wat")
    path = service.folder / "got.wat.gz"
    path.write_bytes(service.get(told["locations"][0].removeprefix(HOME)).data)
    with path.open("rb") as stream:
        records = [
            (item.rec_type, dict(item.rec_headers.headers), item.content_stream().read()) for item in ArchiveIterator(stream)
        ]
    assert [kind for kind, _, _ in records] == ["warcinfo", "metadata", "metadata", "metadata"]
    first, second, third = (json.loads(body) for _, _, body in records[1:])
    assert records[1][1]["WARC-Target-URI"] == url and records[1][1]["Content-Type"] == "application/json"
    assert records[1][1]["WARC-Refers-To"] == first["Envelope"]["WARC-Header-Metadata"]["WARC-Record-ID"]
    length = int(first["Container"]["Gzip-Metadata"]["Deflate-Length"])
    assert first["Container"]["Offset"] == "0" and second["Container"]["Offset"] == str(length)
    assert gzip.decompress(data[:length]).startswith(b"WARC/1.0")
    said = first["Envelope"]["Payload-Metadata"]["HTTP-Response-Metadata"]
    assert said["Response-Message"] == {"Status": "200", "Version": "HTTP/1.1", "Reason": "OK"}
    assert said["Headers"]["Set-Cookie"] == ["a", "b"] and said["Entity-Length"] == str(len(HTML))
    facts = said["HTML-Metadata"]
    assert facts["Head"] == {
        "Title": "Hi there",
        "Base": "/base/",
        "Metas": [{"name": "a", "content": "b"}],
        "Link": [{"path": "LINK@/href", "url": "s.css", "rel": "stylesheet"}],
        "Scripts": [{"path": "SCRIPT@/src", "url": "x.js"}],
    }
    assert facts["Links"] == [
        {"path": "A@/href", "url": "/one", "title": "T", "text": "One two"},
        {"path": "IMG@/src", "url": "i.png", "alt": "pic"},
        {"path": "FORM@/action", "url": "/f", "method": "post"},
    ]
    asked = second["Envelope"]["Payload-Metadata"]["HTTP-Request-Metadata"]
    assert asked["Request-Message"] == {"Method": "POST", "Path": "/", "Version": "HTTP/1.1"}
    assert third["Envelope"]["Payload-Metadata"]["HTTP-Response-Metadata"]["HTML-Metadata"] == facts


def bomb(data: bytes) -> bytes:
    packed = gzip.compress(b"<a href=x>" * 3_000_000)
    return page("http://bomb.example/", packed, headers="Content-Type: text/html\r\nContent-Encoding: gzip\r\n") + data


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda data: data[: len(data) * 2 // 3],
    "garbage": lambda data: data + b"garbage" * 100,
    "bomb": bomb,
    "no text": lambda data: page("http://bytes.example/", bytes(range(256)) * 300) + data,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_wat_file_is_made_whatever_state_the_warc_is_in(service: Service, damage: Callable[[bytes], bytes]) -> None:
    name = "odd.warc.gz"
    with service.holdings.store.create(name) as stream:
        stream.write(damage(page("http://a.example/") + page("http://b.example/", HTML * 50)))
    service.holdings.store.finish(name)
    service.note(name, "unesco", None, 0)
    token = service.order("build-wat")
    assert service.runner.run_one()
    assert service.get(f"jobs/{token}").get_json()["state"] == "complete"
    (told,) = service.get(f"jobs/{token}/result").get_json()["files"]
    text = gzip.decompress(service.get(told["locations"][0].removeprefix(HOME)).data)
    assert b"http://a.example/" in text


def test_what_cannot_be_made_is_refused_and_not_pretended(service: Service) -> None:
    headers = {"Authorization": f"Token {service.strong}"}
    for sent, said in (
        ({"function": "build-wane", "query": ""}, "cannot make WANE"),
        ({"function": "build-tea", "query": ""}, "There is no function"),
        ({"function": "build-cdx"}, "The query is missing"),
        ({"query": ""}, "The function is missing"),
        ({"function": "build-cdx", "query": "page=none"}, "cannot be the page"),
        ({"function": "build-cdx", "query": "collection=nowhere"}, "There is no collection"),
        ({"function": "build-wat", "query": "filetype=cdx"}, "Leave filetype out"),
    ):
        for form in ({"data": sent}, {"json": sent}):
            answer = service.client.post(f"{BASE}/jobs", base_url=HOME, headers=headers, **form)
            assert answer.status_code == 400 and said in answer.text, sent
    nonsense: tuple[object, ...] = ([], 7, {"function": ["build-cdx"], "query": ""})
    for odd in nonsense:
        assert service.client.post(f"{BASE}/jobs", base_url=HOME, headers=headers, json=odd).status_code == 400
    assert service.board.count() == 0


def test_a_job_that_failed_says_why(service: Service) -> None:
    service.keep("a.warc.gz", page("http://a.example/"))
    path = service.holdings.store.local_path("a.warc.gz")
    assert path is not None
    path.unlink()
    token = service.order("build-wat")
    assert service.runner.run_one()
    assert service.get(f"jobs/{token}").get_json()["state"] == "failed"
    assert "a.warc.gz is not where it was" in service.get(f"jobs/{token}/error").get_json()["error"]
    answer = service.get(f"jobs/{token}/result")
    assert answer.status_code == 404 and f"/jobs/{token}/error" in answer.get_json()["detail"]
    assert not service.board.folder(token).exists()


def test_a_job_whose_process_was_killed_is_gone_on_with(service: Service) -> None:
    for name in ("a", "b"):
        service.keep(f"{name}.warc.gz", page(f"http://{name}.example/"))
    token = service.order("build-wat")

    class Killed(BaseException):
        pass

    def dies() -> str:
        if len(list(service.board.folder(token).glob("*.wat.gz"))) == 1:
            raise Killed
        return "<urn:uuid:00000000-0000-4000-8000-000000000000>"

    with pytest.raises(Killed):
        JobRunner(service.holdings, service.board, service.clock, new_id=dies).run_one()
    assert service.get(f"jobs/{token}").get_json()["state"] == "running"
    (first,) = service.board.folder(token).iterdir()
    written = first.stat().st_mtime_ns
    assert not service.runner.run_one()  # somebody may still be at it
    service.clock.now += timedelta(seconds=LEASE + 1)
    assert service.runner.run_one()
    assert service.get(f"jobs/{token}/result").get_json()["count"] == 2
    assert first.stat().st_mtime_ns == written  # what was made is not made again


def test_a_job_that_kills_each_process_is_given_up(service: Service) -> None:
    token = service.order("build-wat")
    for owner in ("one", "two", "three"):
        assert service.board.claim(owner) is not None
        service.clock.now += timedelta(seconds=LEASE + 1)
    assert service.board.claim("four") is None
    assert "again and again" in service.get(f"jobs/{token}/error").get_json()["error"]


def test_a_job_that_is_cancelled_ends_and_can_be_tried_again(service: Service) -> None:
    service.keep("a.warc.gz", page("http://a.example/"))
    token = service.order("build-wat")
    queue = JobRegistry(service.holdings.engine, service.clock)
    (number,) = [job.number for job in queue.list()]
    assert service.board.claim("one") is not None
    queue.cancel(number, "ada")
    with pytest.raises(JobLost):
        service.board.beat(token, "one")
    assert service.get(f"jobs/{token}").get_json()["state"] == "failed"
    assert service.get(f"jobs/{token}/error").get_json()["error"] == "The job was cancelled."
    queue.retry(number, "ada")
    assert service.runner.run_one()
    assert service.get(f"jobs/{token}").get_json()["state"] == "complete"


def test_two_workers_never_have_one_job_and_the_slower_one_notices(service: Service) -> None:
    service.keep("a.warc.gz", page("http://a.example/"))
    token = service.order("build-wat")
    job = service.board.claim("one")
    assert job is not None and service.board.claim("two") is None
    service.clock.now += timedelta(seconds=LEASE + 1)
    assert service.runner.run_one()
    with pytest.raises(JobLost):
        service.board.complete(token, "one")
    assert service.get(f"jobs/{token}").get_json()["state"] == "complete"


def test_a_server_that_stops_leaves_its_job_for_the_next(service: Service) -> None:
    service.keep("a.warc.gz", page("http://a.example/"))
    token = service.order("build-wat")
    service.runner.close()
    assert service.runner.run_one()  # began, and left it
    assert service.get(f"jobs/{token}").get_json()["state"] == "queued"
    assert JobRunner(service.holdings, service.board, service.clock).run_one()
    assert service.get(f"jobs/{token}").get_json()["state"] == "complete"


def test_results_are_kept_a_month_and_then_said_to_be_gone(service: Service) -> None:
    service.keep("a.warc.gz", page("http://a.example/"))
    token = service.order("build-wat")
    assert service.runner.run_one()
    (told,) = service.get(f"jobs/{token}/result").get_json()["files"]
    service.board.tidy()
    assert service.get(f"jobs/{token}/result").status_code == 200
    service.clock.now += KEPT + timedelta(seconds=1)
    service.board.tidy()
    assert service.get(f"jobs/{token}").get_json()["state"] == "gone"
    assert service.get(f"jobs/{token}/result").status_code == 410
    assert service.get(told["locations"][0].removeprefix(HOME)).status_code == 404 and service.names("filetype=wat") == []


def test_jobs_are_listed_page_after_page(service: Service) -> None:
    tokens = [service.order("build-cdx") for _ in range(3)]
    answer = service.get("jobs?page_size=2").get_json()
    assert answer["count"] == 3 and [job["jobtoken"] for job in answer["jobs"]] == tokens[:0:-1]
    following = service.get(answer["next"].removeprefix(HOME)).get_json()
    assert [job["jobtoken"] for job in following["jobs"]] == tokens[:1] and following["next"] is None
    assert service.get("jobs?crawl=1").status_code == 400 and service.get("jobs/none").status_code == 404


def test_a_thread_works_on_what_is_ordered(service: Service) -> None:
    service.keep("a.warc.gz", page("http://a.example/"))
    service.runner.start()
    token = service.order("build-cdx", states=("queued", "running", "complete"))  # it may be at it before we hear of it
    service.runner.ordered()
    deadline = datetime.now(UTC) + timedelta(seconds=20)
    while service.get(f"jobs/{token}").get_json()["state"] != "complete":
        assert datetime.now(UTC) < deadline
    service.runner.close()


def test_files_are_found_by_their_names_in_postgresql_too(
    holdings_with: OpenHoldings, tmp_path: Path, postgresql: PostgreSQL
) -> None:
    holdings = holdings_with(database=postgresql.new_archive(), workbench_port=PORT)
    holdings.collections.create("unesco", title="UNESCO")
    service = Service(holdings, tmp_path, Clock())
    for name in ("Abc_1.warc.gz", "abcX2.warc.gz"):
        service.keep(name, page(f"http://{name}.example/"))
    elsewhere = tmp_path / "far" / "Abc_1.warc.gz"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(page("http://far.example/"))
    service.note(str(elsewhere), "unesco", None, 0)
    names = service.names("filename=Abc_1.warc.gz")
    assert sorted(name.partition("-")[2] for name in names) == ["Abc_1.warc.gz"] * 2
    assert service.names(f"filename={names[0]}") == names[:1]
    assert service.names("filename=abc*") == ["abcX2.warc.gz"] and service.names("filename=*.example") == []
    assert service.names("crawl-time-after=2016&crawl-time-before=2016-08-11&filename=abcX*") == ["abcX2.warc.gz"]
    token = service.order("build-cdx", "filename=abc*")
    assert service.runner.run_one()
    assert service.get(f"jobs/{token}/result").get_json()["count"] == 1


@pytest.mark.usefixtures("s3")
def test_a_file_in_object_storage_is_sent_in_part_and_whole(holdings_with: OpenHoldings, tmp_path: Path) -> None:
    holdings = holdings_with(store=f"s3://archive/{tmp_path.name}", workbench_port=PORT)
    holdings.collections.create("unesco", title="UNESCO")
    service = Service(holdings, tmp_path, Clock())
    data = service.keep("a.warc.gz", page("http://a.example/", bytes(range(256)) * 500))
    holdings.store.send_waiting()
    (told,) = service.get("webdata").get_json()["files"]
    address = told["locations"][0].removeprefix(HOME)
    assert service.get(address).data == data
    assert service.get(address, Range="bytes=100-199").data == data[100:200]
