"""About a capture: its record, its parts in time, how it is cited, and the page as a file."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import re
import zipfile
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from archiver.collections.access import Action, Matching, Rule
from archiver.collections.descriptions import DescriptionRegistry, Statement
from archiver.collections.seeds import SeedRegistry
from archiver.collections.seedvalues import SeedDraft
from archiver.holdings import Holdings, utc_now
from archiver.model import Capture
from archiver.warc.importer import import_file
from replay.aboutwords import ABOUT_WORDS
from replay.app import create_reader
from replay.citation import Cited, apa, bibtex, chicago, citations, mla, pwid, robust_link, wikipedia
from replay.coherence import Coherence, Part, verdict_on
from replay.i18n import LANGUAGES
from replay.views.about import drawn
from tests.conftest import OpenHoldings
from tests.replay.conftest import ClosingClient
from tests.replay.test_i18n import markers
from tests.servers.warcs import response_record

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
PAGE = (
    b"<!doctype html><title>A &amp; B</title><link rel=stylesheet href=s.css><img src=i.png><img src=gone.png>"
    b"<script src=j.js></script>"
)
URL = "http://a.example/x/"
OpenReader = Callable[..., tuple[FlaskClient, Holdings]]


@pytest.fixture
def opened(holdings_with: OpenHoldings, tmp_path: Path) -> OpenReader:
    def make(*records: bytes) -> tuple[FlaskClient, Holdings]:
        holdings = holdings_with(instance_name="The Archive")
        holdings.collections.create("c", title="Kept", organisation="UNESCO")
        path = tmp_path / "records.warc.gz"
        path.write_bytes(b"".join(records))
        import_file(path, collection="c", store=holdings.store, index=holdings.index)
        app = create_reader(holdings.settings, holdings)
        app.test_client_class = ClosingClient
        return app.test_client(), holdings

    return make


def with_digests(record: bytes) -> bytes:
    """A record that says what its bytes are."""
    head, _, rest = gzip.decompress(record).partition(b"\r\n\r\n")
    block = rest.removesuffix(b"\r\n\r\n")
    body = block.partition(b"\r\n\r\n")[2]
    for name, data in (("Block", block), ("Payload", body)):
        digest = base64.b32encode(hashlib.sha1(data).digest()).decode()
        head += f"\r\nWARC-{name}-Digest: sha1:{digest}".encode()
    return gzip.compress(head + b"\r\n\r\n" + rest)


def site(part_days: int = 0) -> list[bytes]:
    later = MOMENT + timedelta(days=part_days)
    css = "Content-Type: text/css\r\n"
    return [
        with_digests(response_record(URL, MOMENT, PAGE)),
        response_record(f"{URL}s.css", later, b"body{background:url(b.png)}", headers=css),
        response_record(f"{URL}b.png", later, b"b", status="404 Not Found", headers="Content-Type: image/png\r\n"),
        response_record(f"{URL}i.png", MOMENT + timedelta(seconds=2), b"i", headers="Content-Type: image/png\r\n"),
        response_record(f"{URL}j.js", MOMENT, b"1", headers="Content-Type: text/javascript\r\n"),
    ]


def shown(client: FlaskClient, path: str, **headers: str) -> str:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_data(as_text=True)


def test_the_page_says_what_the_capture_is(opened: OpenReader) -> None:
    client, _ = opened(*site())
    page = shown(client, f"/-/about/c/20160810204623/{URL}")
    assert "A &amp; B" in page and "10 Aug 2016, 20:46:23" in page and "UNESCO" in page
    assert "verified now: the bytes are what they were" in page
    assert "records.warc.gz" in page and "HTTP/1.1 200 OK" in page
    assert "All 4 parts of this page were captured within 2 seconds of it." in page
    assert "Parts that are not held: 1." in page
    assert '<meta name="DC.date" content="2016-08-10T20:46:23Z">' in page
    assert f'href="/c/20160810204625/{URL}i.png"' in page and "gone.png" in page
    assert f'href="/c/20160810204623/{URL}b.png"' in page  # named by the style sheet
    assert "the same second · HTTP 404" in page and page.count("· HTTP") == 1


def test_what_is_said_of_the_page_is_told_and_nothing_private(opened: OpenReader) -> None:
    client, holdings = opened(*site())
    said = DescriptionRegistry(holdings.engine)
    for level, field, value in (("document", "creator", "Ada <b>"), ("seed", "subject", "Rivers")):
        statements = [Statement(field, value), Statement("rights", "Contract 42", is_private=True)]
        said.replace("c", level, URL, statements)
    page = shown(client, f"/-/about/c/20160810204623/{URL}", **{"Accept-Language": "fr"})
    assert "<dt><bdi>Sujet</bdi></dt><dd><bdi>Rivers</bdi></dd>" in page and "Ada &lt;b&gt;" in page
    assert "Contract" not in page
    SeedRegistry(holdings.engine, utc_now).add(
        "c", [SeedDraft(URL, is_public=False), SeedDraft("http://a.example/", scope="host")]
    )
    page = shown(client, f"/-/about/c/20160810204623/{URL}")
    assert "Ada" not in page and "Rivers" not in page  # it can be seen, as part of another seed


def test_parts_of_another_time_are_told(opened: OpenReader) -> None:
    client, _ = opened(*site(part_days=425))
    page = shown(client, f"/-/about/c/20160810204623/{URL}")
    assert "Parts of this page (4) were captured up to 14 months from it" in page
    assert "14 months after" in page and "2 seconds after" in page


def test_parts_of_some_days_later_are_told(opened: OpenReader) -> None:
    client, _ = opened(*site(part_days=10))
    page = shown(client, f"/-/about/c/20160810204623/{URL}")
    assert "The 4 parts of this page were captured up to 10 days from it" in page


def test_an_inexact_address_leads_to_the_capture(opened: OpenReader) -> None:
    client, _ = opened(*site())
    answer = client.get(f"/-/about/c/2016/{URL}")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/-/about/c/20160810204623/{URL}")
    for path in ("/-/about/c/x", "/-/about/c/2016/http://b.example/", "/-/about/nothing/2016/http://b.example/"):
        assert client.get(path).status_code == 404


def test_a_changed_byte_is_seen(opened: OpenReader) -> None:
    client, holdings = opened(*site())
    (name,) = holdings.store.names()
    path = holdings.store.local_path(name)
    assert path is not None
    (page_capture,) = holdings.index.versions(("c",), "example,a)/x")
    whole, end = path.read_bytes(), page_capture.offset + page_capture.length
    record = gzip.decompress(whole[page_capture.offset : end]).replace(b"gone.png", b"GONE.png")
    changed = gzip.compress(record, 9).ljust(page_capture.length, b"\0")
    path.write_bytes(whole[: page_capture.offset] + changed + whole[end:])
    page = shown(client, f"/-/about/c/20160810204623/{URL}")
    assert page.count("the bytes are not what they were") == 2
    path.write_bytes(b"\0" * 1000)
    assert client.get(f"/-/about/c/20160810204623/{URL}").status_code in (200, 404)


def test_the_ways_to_other_captures(opened: OpenReader) -> None:
    days = [MOMENT, MOMENT + timedelta(days=40), MOMENT + timedelta(days=80)]
    client, _ = opened(*(response_record(URL, day, b"<p>x") for day in days))
    middle = f"{days[1]:%Y%m%d%H%M%S}"
    assert client.get(f"/-/earlier/c/{middle}/{URL}").headers["Location"] == f"/c/{days[0]:%Y%m%d%H%M%S}/{URL}"
    assert client.get(f"/-/later/c/{middle}/{URL}").headers["Location"] == f"/c/{days[2]:%Y%m%d%H%M%S}/{URL}"
    assert client.get(f"/-/later/c/{days[2]:%Y%m%d%H%M%S}/{URL}").headers["Location"] == f"/c/{days[2]:%Y%m%d%H%M%S}/{URL}"
    picture = client.get(f"/-/sparkline/c/{middle}/{URL}")
    assert picture.content_type.startswith("image/svg+xml") and picture.get_data(as_text=True).count("<rect") == 3
    banner = shown(client, f"/c/{middle}/{URL}")
    for way in ("/-/earlier/c", "/-/later/c", "/-/about/c", "/-/sparkline/c"):
        assert f"{way}/{middle}/{URL}" in banner


@pytest.mark.parametrize("form", ["warc", "wacz"])
def test_the_page_is_downloaded_with_its_parts(opened: OpenReader, form: str) -> None:
    client, _ = opened(*site(), response_record("http://b.example/", MOMENT, b"other"))
    answer = client.get(f"/-/download/{form}/c/20160810204623/{URL}")
    assert answer.status_code == 200 and "attachment" in answer.headers["Content-Disposition"]
    data = answer.get_data()
    assert int(answer.headers["Content-Length"]) == len(data)
    if form == "wacz":
        with zipfile.ZipFile(BytesIO(data)) as package:
            (name,) = [item for item in package.namelist() if item.startswith("archive/")]
            data = package.read(name)
    records = gzip.decompress(data)
    assert records.count(b"WARC-Type: response") == 5
    assert b"b.example" not in records
    assert client.get(f"/-/download/zip/c/20160810204623/{URL}").status_code == 404


def test_what_may_not_be_seen_is_in_none_of_it(opened: OpenReader) -> None:
    client, holdings = opened(*site())
    holdings.access.add([Rule(Action.EXCLUDE, Matching.EXACT, "example,a)/x/i.png")])
    page = shown(client, f"/-/about/c/20160810204623/{URL}")
    assert "Parts that are not held: 2." in page
    data = gzip.decompress(client.get(f"/-/download/warc/c/20160810204623/{URL}").get_data())
    assert data.count(b"WARC-Type: response") == 4 and b"i.png\r\n" not in data
    holdings.access.add([Rule(Action.BLOCK, Matching.PREFIX, "example,a)/")])
    for path in ("about", "earlier", "later", "sparkline", "download/warc"):
        assert client.get(f"/-/{path}/c/20160810204623/{URL}").status_code == 451


# -- coherence -------------------------------------------------------------------------------------------------------


def part(seconds: float | None, *, matters: bool = True) -> Part:
    capture = Capture("c", "k", "20160101000000", "u", "", 200, "", "f", 0, 1)
    if seconds is None:
        return Part("u", "image", None, timedelta(0), matters)
    return Part("u", "image", capture, timedelta(seconds=seconds), matters)


@pytest.mark.parametrize(
    ("parts", "coherence", "missing"),
    [
        ([], Coherence.ALONE, 0),
        ([None], Coherence.ALONE, 1),
        ([0, 1], Coherence.TOGETHER, 0),
        ([-86400, 86400], Coherence.TOGETHER, 0),
        ([-86401], Coherence.NEAR, 0),
        ([1, 86400 * 31, None], Coherence.APART, 1),
    ],
)
def test_the_verdict_follows_the_farthest_part(parts: list[float | None], coherence: Coherence, missing: int) -> None:
    verdict = verdict_on(part(seconds) for seconds in parts)
    assert (verdict.coherence, verdict.missing) == (coherence, missing)


def test_an_icon_that_is_missing_is_not_missed() -> None:
    assert verdict_on([part(0), part(None, matters=False)]).missing == 0


def test_a_sparkline_of_many_years_stays_small() -> None:
    picture = drawn({year * 12: year for year in range(1996, 2027)}, 2000 * 12)
    assert picture.count("<rect") <= 72 and picture.count("#b3261e") == 1
    assert drawn({}, 24000).startswith("<svg")


# -- citations -------------------------------------------------------------------------------------------------------

CITED = Cited(
    "Désarmement & paix", "http://www.un.org/fr/a_b.shtml?x={1}|2", MOMENT, "https://archive.example/c/20160810204623/http://www.un.org/",
    "The Archive", "UNESCO", date(2026, 11, 26),
)  # fmt: skip


def test_citations_in_each_form() -> None:
    assert apa(CITED) == (
        "Désarmement & paix. (2016, August 10). un.org. The Archive, UNESCO. "
        "https://archive.example/c/20160810204623/http://www.un.org/"
    )
    assert mla(CITED).startswith("“Désarmement & paix.” un.org, 10 Aug. 2016. The Archive, https://")
    assert mla(CITED).endswith("Accessed 26 Nov. 2026.")
    assert "Archived August 10, 2016, at 20:46:23 UTC, by The Archive." in chicago(CITED)
    assert pwid(CITED).startswith("urn:pwid:archive.example:2016-08-10T20:46:23Z:page:http://www.un.org/fr/")
    assert 'data-versiondate="2016-08-10T20:46:23Z"' in robust_link(CITED)
    assert "|archive-date=2016-08-10 |access-date=2026-11-26" in wikipedia(CITED)
    assert len(citations(CITED)) == 7


def test_what_pages_are_called_breaks_no_citation() -> None:
    hostile = replace(CITED, title='</a><script>alert(1)</script> {{x}} | } \\ $ % & # _ ~ ^ "')
    assert "<script>" not in robust_link(hostile)
    assert "{{x}}" not in wikipedia(hostile)
    entry = bibtex(hostile)
    assert entry.count("{") == entry.count("}") - entry.count(r"\}") + entry.count(r"\{")
    assert r"\&" in entry and r"\_" in entry
    assert apa(replace(CITED, url="http://[bad")).count("http://[bad") == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_there_and_has_its_markers(language: str) -> None:
    for item in fields(ABOUT_WORDS["en"]):
        english, text = (getattr(ABOUT_WORDS[name], item.name) for name in ("en", language))
        assert text.strip() and markers(text) == markers(english), item.name


def test_the_page_speaks_the_readers_language(opened: OpenReader) -> None:
    client, _ = opened(*site())
    for language, words in (("fr", "À propos"), ("ar", 'dir="rtl"'), ("zh", "关于此次采集"), ("ru", "Об этой копии")):
        page = html.unescape(shown(client, f"/-/about/c/20160810204623/{URL}", **{"Accept-Language": language}))
        assert words in page
        assert not re.search(r"\{[a-z]+\}", page.partition("<pre")[0])
