"""Captures that others hold, replayed as part of a collection: WARC files by their index, another archive by its replay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from archiver.errors import MissingRecord, StorageFailed
from archiver.holdings import Holdings
from archiver.index.attaching import attach_files, attach_server
from archiver.model import Capture
from archiver.store.replayed import Replays
from archiver.urls import urlkey
from replay.app import create_reader
from tests.archiver.index_stores import write_cluster
from tests.servers.indexes import CdxServer, Given, cdxj
from tests.servers.warcs import response_record
from tests.servers.weed import ObjectServer

OpenHoldings = Callable[..., Holdings]
URL = "http://there.example/page"
MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)


def row(file: str, timestamp: str = "20160810204623", *, length: int = 0, url: str = URL) -> Capture:
    return Capture("default", urlkey(url), timestamp, url, "text/html", 200, "", file, 0, length)


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    return holdings_with()


@pytest.fixture
def client(holdings: Holdings) -> FlaskClient:
    return create_reader(holdings.settings, holdings).test_client()


def test_warcs_of_others_are_replayed_by_their_index(holdings: Holdings, client: FlaskClient, tmp_path: Path) -> None:
    record = response_record(URL, MOMENT, b"<p>from a foreign WARC</p>")
    (tmp_path / "x" / "warcs").mkdir(parents=True)
    (tmp_path / "x" / "warcs" / "w.warc.gz").write_bytes(record)
    (tmp_path / "x" / "index.cdxj").write_text(cdxj(row("w.warc.gz", length=len(record))) + "\n")
    attach_files(holdings, "default", str(tmp_path / "x" / "index.cdxj"), warcs=str(tmp_path / "x" / "warcs"))
    assert b"from a foreign WARC" in client.get(f"/default/20160810204623id_/{URL}").data
    assert client.get(f"/default/2016/{URL}").status_code == 302
    assert holdings.index.summary("default").captures == 1
    assert "20160810" in client.get(f"/default/*/{URL}").text


def test_a_path_index_says_where_warcs_are(holdings: Holdings, client: FlaskClient, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "other-name.warc.gz").write_bytes(response_record(URL, MOMENT, b"found by its path"))
    (tmp_path / "paths.txt").write_text("a.warc.gz\tnowhere/a\nw.warc.gz\tdeep/other-name.warc.gz\n")
    (tmp_path / "index.cdxj").write_text(cdxj(row("w.warc.gz")) + "\n")
    attach_files(holdings, "default", str(tmp_path / "index.cdxj"), warcs=str(tmp_path / "paths.txt"))
    assert client.get(f"/default/20160810204623id_/{URL}").data == b"found by its path"


def test_a_cluster_and_its_warcs_in_object_storage(
    holdings: Holdings, client: FlaskClient, tmp_path: Path, s3: ObjectServer
) -> None:
    record = response_record(URL, MOMENT, b"out of a bucket")
    rows = [row("w.warc.gz", length=len(record)), *(row("o.warc.gz", url=f"http://a.example/{n}") for n in range(200))]
    (tmp_path / "cluster").mkdir()
    write_cluster(tmp_path / "cluster", rows)
    for path in (tmp_path / "cluster").iterdir():
        s3.call("put_object", Bucket="archive", Key=f"{tmp_path.name}/i/{path.name}", Body=path.read_bytes())
    s3.call("put_object", Bucket="archive", Key=f"{tmp_path.name}/w/w.warc.gz", Body=record)
    place = f"s3://archive/{tmp_path.name}"
    attach_files(holdings, "default", f"{place}/i/cluster.idx", warcs=f"{place}/w")
    assert client.get(f"/default/20160810204623id_/{URL}").data == b"out of a bucket"
    with pytest.raises(StorageFailed, match="not there"):
        attach_files(holdings, "default", f"{place}/i/none.idx")


@pytest.mark.parametrize("dialect", ["pywb", "ia"])
def test_another_archive_is_replayed_through_its_own_replay(holdings: Holdings, client: FlaskClient, dialect: str) -> None:
    place = "http://127.0.0.1/web/20160810204623id_/http://there.example/page"
    own = {
        "Content-Location": place,
        "Content-Type": "text/html",
        "X-Site": "a",
        "Memento-Datetime": "Wed, 10 Aug 2016 20:46:23 GMT",
    }
    ia = {
        "Content-Type": "text/html", "X-Archive-Orig-X-Site": "a", "X-Archive-Src": "x.warc.gz", "Server": "archive",
        "X-Archive-Orig-Content-Length": "999", "Memento-Datetime": "Wed, 10 Aug 2016 20:46:23 GMT",
    }  # fmt: skip
    with CdxServer([row("unused.warc.gz")]) as server:
        server.replays[f"/web/20160810204623id_/{URL}"] = Given(200, b"<p>from elsewhere</p>", own if dialect == "pywb" else ia)
        attach_server(holdings, "default", server.url(f"/{dialect}"), replay=server.url("/web"))
        answer = client.get(f"/default/20160810204623id_/{URL}")
        assert answer.data == b"<p>from elsewhere</p>"
        assert answer.headers.get("X-Archive-Orig-X-Site", answer.headers.get("X-Site")) == "a"
        assert "X-Archive-Src" not in answer.headers
        assert not [value for _, value in answer.headers if value == place]
        shown = client.get(f"/default/20160810204623/{URL}")
        assert shown.status_code == 200 and "from elsewhere" in shown.text


def test_only_the_host_of_the_replay_is_asked_and_its_errors_are_told_apart(tmp_path: Path) -> None:
    replays = Replays(allow_private=True)
    memento = {"Memento-Datetime": "Wed, 10 Aug 2016 20:46:23 GMT", "Content-Type": "text/html"}
    with CdxServer([]) as server, CdxServer([]) as other:
        other.replays["/web/2016id_/http://a.example/"] = Given(200, b"secret", memento)

        def opened(answer: Given, *, more: dict[str, Given] | None = None) -> bytes:
            server.replays = {"/web/2016id_/http://a.example/": answer, **(more or {})}
            with replays.open(f"replay+{server.url('/web/2016id_/http://a.example/')}") as stream:
                return stream.read()

        assert b"200 OK" in opened(Given(200, b"here", memento))
        nearest = Given(200, b"the nearest", memento)
        assert b"the nearest" in opened(
            Given(302, b"", {"Location": server.url("/web/2015id_/http://a.example/")}),
            more={"/web/2015id_/http://a.example/": nearest},
        )
        archived = opened(Given(301, b"", {"Location": "http://b.example/", **memento}))
        assert b"HTTP/1.1 301" in archived and b"Location: http://b.example/" in archived
        with pytest.raises(MissingRecord):
            opened(Given(302, b"", {"Location": other.url("/web/2016id_/http://a.example/")}))
        assert not other.asked_paths
        with pytest.raises(MissingRecord):
            opened(Given(404, b"<html>nothing", {"Content-Type": "text/html"}))
        with pytest.raises(StorageFailed):
            opened(Given(503, b"busy", {}))
        with pytest.raises(MissingRecord):
            opened(Given(302, b"", {"Location": server.url("/web/2016id_/http://a.example/")}))  # to itself
        assert b"404 Not Found" in opened(Given(404, b"archived", memento))
        with pytest.raises(StorageFailed):
            Replays().open(f"replay+{server.url('/web/2016id_/http://a.example/')}")  # private addresses are forbidden
    with pytest.raises(StorageFailed):
        replays.open("replay+http://127.0.0.1:9/web/2016id_/http://a.example/")
    with pytest.raises(MissingRecord):
        replays.open("replay+http://127.0.0.1:9/web/latest/http://a.example/")
