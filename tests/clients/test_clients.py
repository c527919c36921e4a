"""Other people's clients of the Internet Archive's interfaces, pointed at this archive by their own options."""

from __future__ import annotations

import gc
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import cdx_toolkit
import cdx_toolkit.myrequests
import pytest
import wayback
import wayback._client
import wayback._utils
import waybackpy
import waybackpy.cdx_api
from memento_client import MementoClient

from tests.clients.conftest import SITE, Archive

#: What the clients themselves are warned about is theirs.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """They are polite to the Internet Archive, which this is not."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setitem(cdx_toolkit.myrequests.retry_info, "127.0.0.1", {"next_fetch": 0, "minimum_interval": 0})
    yield
    gc.collect()  # what they leave open


# -- cdx_toolkit -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["cdx/search/cdx", "c/timemap/cdx", "c/cdx"])
def test_cdx_toolkit_reads_both_dialects_and_pages_to_the_end(archive: Archive, source: str) -> None:
    cdx = cdx_toolkit.CDXFetcher(source=archive.address + source, wb=f"{archive.address}c")
    found = list(cdx.iter("example.org/*", limit=100))
    assert len(found) == 39
    assert {item["url"] for item in found} >= {f"{SITE}/", f"{SITE}/gone", f"{SITE}/many/29"}
    assert found[0]["timestamp"] == "20200101000000"
    first, second, revisit, _ = cdx.get("example.org")
    assert (first["status"], first["mime"]) == ("200", "text/html")
    assert revisit["mime"] == "warc/revisit"
    assert revisit.is_revisit()
    assert second.content == b"<p>two</p>"
    assert second.fetch_warc_record().http_headers.get_statuscode() == "200"
    assert list(cdx.iter("nothing.example")) == []
    wanted = "=status:404" if source == "c/cdx" else "statuscode:404"
    assert [item["url"] for item in cdx.get("example.org/*", filter=wanted)] == [f"{SITE}/gone"]


def test_cdx_toolkit_estimates_the_size(archive: Archive) -> None:
    for source in ("cdx/search/cdx", "c/cdx"):
        cdx = cdx_toolkit.CDXFetcher(source=archive.address + source, wb=f"{archive.address}c")
        assert cdx.get_size_estimate("example.org/*") > 0


# -- cdxsummary ------------------------------------------------------------------------------------------------------


def test_cdxsummary_counts_what_is_held(archive: Archive) -> None:
    environment = {
        **os.environ,
        "CDXAPI": f"{archive.address}cdx/search/cdx",
        "REPLAYURL": f"{archive.address}c",
        "no_proxy": "*",
    }
    command = [sys.executable, "-W", "ignore", "-m", "cdxsummary", "--json", "--api", "matchType=domain", "example.org"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["captures"] == 41
    assert summary["hosts"] == 2
    assert summary["tophosts"]["example.org"] == 39


# -- waybackpy -------------------------------------------------------------------------------------------------------


def waybackpy_cdx(archive: Archive, url: str, **options: object) -> waybackpy.WaybackMachineCDXServerAPI:
    api = waybackpy.WaybackMachineCDXServerAPI(url, "tests", **options)
    api.endpoint = f"{archive.address}cdx/search/cdx"
    return api


def test_waybackpy_follows_resume_keys(archive: Archive) -> None:
    whole = [item.original for item in waybackpy_cdx(archive, "example.org", match_type="domain").snapshots()]
    pieces = [item.original for item in waybackpy_cdx(archive, "example.org", match_type="domain", limit=3).snapshots()]
    assert len(whole) == 41
    assert pieces == whole


def test_waybackpy_filters_collapses_and_sorts(archive: Archive) -> None:
    found = waybackpy_cdx(archive, "example.org", match_type="prefix", filters=["statuscode:[34].."]).snapshots()
    assert {item.original for item in found} == {f"{SITE}/gone", f"{SITE}/moved"}
    found = waybackpy_cdx(archive, "example.org", collapses=["digest"]).snapshots()
    assert [item.timestamp[:4] for item in found] == ["2020", "2021", "2023"]
    assert waybackpy_cdx(archive, "example.org").near(year=2021, month=2).timestamp == "20210101000000"
    assert waybackpy_cdx(archive, "example.org").oldest().timestamp == "20200101000000"
    assert waybackpy_cdx(archive, "example.org").newest().timestamp == "20230101000000"
    with pytest.raises(waybackpy.exceptions.NoCDXRecordFound):
        waybackpy_cdx(archive, "nothing.example").near(year=2021)


def test_waybackpy_asks_what_is_available(archive: Archive) -> None:
    def asked(url: str) -> waybackpy.WaybackMachineAvailabilityAPI:
        api = waybackpy.WaybackMachineAvailabilityAPI(url, "tests")
        api.endpoint = f"{archive.address}wayback/available"
        return api

    assert asked("example.org").oldest().timestamp() == datetime(2020, 1, 1)  # noqa: DTZ001
    assert asked("example.org").newest().archive_url == f"{archive.address}all/20230101000000/{SITE}/"
    assert asked("example.org").near(year=2021, month=3).timestamp().year == 2021
    with pytest.raises(waybackpy.exceptions.ArchiveNotInAvailabilityAPIResponse):
        str(asked("nothing.example").newest())


# -- wayback (EDGI) --------------------------------------------------------------------------------------------------


@pytest.fixture
def edgi(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Iterator[wayback.WaybackClient]:
    monkeypatch.setattr("wayback._client.CDX_SEARCH_URL", f"{archive.address}cdx/search/cdx")
    monkeypatch.setattr("wayback._utils.MEMENTO_URL_TEMPLATE", archive.address + "c/{timestamp}{mode}/{url}")
    pattern = wayback._utils.MEMENTO_URL_PATTERN.pattern.replace("http(?:s)?://web.archive.org/web/", f"{archive.address}c/")
    monkeypatch.setattr("wayback._utils.MEMENTO_URL_PATTERN", re.compile(pattern))
    with wayback.WaybackClient(wayback.WaybackSession(search_calls_per_second=0, memento_calls_per_second=0)) as client:
        yield client


def test_edgi_wayback_searches(edgi: wayback.WaybackClient) -> None:
    found = list(edgi.search("example.org", match_type="domain", limit=4))
    assert len(found) == 41
    assert found[0].timestamp == datetime(2020, 1, 1, tzinfo=UTC)
    assert [item.status_code for item in edgi.search("example.org", resolve_revisits=False)] == [200, 200, None, 200]
    assert [item.status_code for item in edgi.search("example.org", resolve_revisits=True)] == [200, 200, 200, 200]
    assert [item.timestamp.year for item in edgi.search("example.org", from_date=datetime(2021, 6, 1, tzinfo=UTC))] == [
        2022,
        2023,
    ]
    assert [item.url for item in edgi.search("example.org/*", filter_field="statuscode:404")] == [f"{SITE}/gone"]


def test_edgi_wayback_gets_mementos(edgi: wayback.WaybackClient, archive: Archive) -> None:
    first, *_, last = edgi.search("example.org")
    memento = edgi.get_memento(first)
    assert (memento.ok, memento.content, memento.url) == (True, b"<p>one</p>", f"{SITE}/")
    assert memento.timestamp == datetime(2020, 1, 1, tzinfo=UTC)
    assert memento.links["next memento"]["url"] == f"{archive.address}c/20210101000000id_/{SITE}/"
    last_memento = edgi.get_memento(last)
    assert last_memento.headers["X-Server"] == "old"
    assert last_memento.headers.get("Server") is None  # ours is no field of the archived response
    assert last_memento.headers["Content-Type"] == "text/html"
    error = edgi.get_memento(f"{SITE}/gone", timestamp="20200103000000")
    assert (error.ok, error.status_code, error.content) == (False, 404, b"gone")
    with pytest.raises(wayback.exceptions.NoMementoError):
        edgi.get_memento("http://nothing.example/", timestamp="20200103000000")
    with pytest.raises(wayback.exceptions.MementoPlaybackError):
        edgi.get_memento(f"{SITE}/", timestamp="20200103000000")  # that one is of another time
    near = edgi.get_memento(f"{SITE}/", timestamp="20200101120000", exact=False)
    assert near.timestamp == datetime(2020, 1, 1, tzinfo=UTC)


def test_edgi_wayback_follows_archived_redirects(edgi: wayback.WaybackClient) -> None:
    memento = edgi.get_memento(f"{SITE}/moved", timestamp="20200104000000", exact_redirects=False, target_window=10**9)
    assert memento.content == b"<p>a</p>"
    assert [item.url for item in memento.history] == [f"{SITE}/moved"]


# -- memento_client --------------------------------------------------------------------------------------------------


def test_memento_client_finds_the_nearest_through_the_timegate(archive: Archive) -> None:
    client = MementoClient(timegate_uri=f"{archive.address}c/timegate/", check_native_timegate=False)
    memento = f"{archive.address}c/20210101000000/{SITE}/"
    found = client.get_memento_info(memento, datetime(2021, 2, 1))  # noqa: DTZ001
    assert found["original_uri"] == f"{SITE}/"
    assert found["mementos"]["closest"]["uri"] == [memento]
    assert found["mementos"]["closest"]["http_status_code"] == 200
    assert found["mementos"]["first"]["datetime"].year == 2020
    assert found["mementos"]["last"]["uri"] == [f"{archive.address}c/20230101000000/{SITE}/"]
    assert MementoClient.is_memento(memento)
    assert MementoClient.is_timegate(f"{archive.address}c/timegate/{SITE}/")
