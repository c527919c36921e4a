"""Exports of crawls, and of pages that a crawl captured."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.holdings import Holdings
from archiver.warc.reader import StoredRecord, iter_records
from tests.archiver.crawling import Crawl, Site, page, plan, text
from tests.archiver.exporting import as_file, as_wacz, inside, opened


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Holdings, Crawl, str]]:
    """An archive with two crawls of a site, the first one, and the address of the site."""
    with opened(tmp_path_factory.mktemp("crawled") / "home") as holdings, Site({}) as server:
        server.routes = {
            "/": page("/a", embeds=("/x.png",), title="Home", text="h" * 400),
            "/a": page("/", embeds=("/x.png", "/y.png"), title="Second", text="a" * 400),
            "/x.png": text(b"picture" * 100, "image/png"),
            "/y.png": text(b"another" * 100, "image/png"),
        }
        crawl = Crawl(holdings, plan(server.url()))
        crawl.run()
        Crawl(holdings, plan(server.url())).run()
        yield holdings, crawl, server.url().rstrip("/")


def captured(data: bytes) -> dict[str, list[str]]:
    """Types of the captures by path."""
    found: dict[str, list[str]] = {}
    for item in iter_records(io.BytesIO(data)):
        assert isinstance(item, StoredRecord)
        if item.record_type in ("response", "revisit") and not item.url.endswith(("/robots.txt", "/favicon.ico")):
            found.setdefault(item.url.partition("://")[2].partition("/")[2], []).append(item.record_type)
        item.skip()
    return found


def test_a_crawl_goes_out_without_the_others(crawled: tuple[Holdings, Crawl, str]) -> None:
    holdings, crawl, _ = crawled
    data, report = as_file(holdings, "default", selection={"crawl": crawl.number})
    assert captured(data) == {path: ["response"] for path in ("", "a", "x.png", "y.png")}
    assert report.whole_files == len(report.files) == 1 and not report.brought
    data, report = as_file(holdings, "default", selection={"crawl": crawl.number + 1})
    assert captured(data) == {path: ["response", "revisit"] for path in ("", "a", "x.png", "y.png")}
    assert report.brought >= 4  # what its revisits refer to


def test_a_page_of_a_crawl_has_what_an_earlier_page_needed_too(crawled: tuple[Holdings, Crawl, str]) -> None:
    holdings, _, site = crawled
    data, _ = as_file(holdings, "default", selection={"page": f"{site}/a", "at": "2016"})
    assert captured(data).keys() == {"a", "x.png", "y.png"}


def test_pages_of_a_crawl_are_listed_seeds_first_with_their_titles(
    crawled: tuple[Holdings, Crawl, str], tmp_path: Path
) -> None:
    holdings, crawl, site = crawled
    as_wacz(holdings, "default", tmp_path / "c.wacz", selection={"crawl": crawl.number})
    header, *pages = map(json.loads, inside(tmp_path / "c.wacz", "pages/pages.jsonl").splitlines())
    assert header["format"] == "json-pages-1.0"
    assert [(item["url"], item["title"], item.get("seed")) for item in pages] == [
        (f"{site}/", "Home", True),
        (f"{site}/a", "Second", None),
    ]
