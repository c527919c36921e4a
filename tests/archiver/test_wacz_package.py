"""The manifest, lists of pages and digest of WACZ packages."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from archiver.errors import DamagedFile
from archiver.wacz.package import (
    DataPackage,
    Page,
    PagesHeader,
    Resource,
    algorithm_of,
    datapackage_json,
    digest_json,
    hash_of,
    page_line,
    pages_header_line,
    parse_datapackage,
    parse_digest,
    parse_page_line,
    same_hash,
)

NOW = datetime(2020, 10, 7, 21, 22, 36, tzinfo=UTC)


def test_a_manifest_comes_back_as_it_was_written() -> None:
    package = DataPackage(
        resources=(Resource("archive/Data.warc.gz", "sha256:" + "0" * 64, 12, "data.warc.gz"),),
        title="Pages",
        description="Two\nlines",
        created=NOW,
        software="Muniment",
        home_url="https://example.org/",
        home_date=NOW,
        extra={"keywords": ["x"]},
    )
    assert parse_datapackage(datapackage_json(package)) == package


def test_the_home_page_is_named_as_the_version_wants_it() -> None:
    old = DataPackage(home_url="https://example.org/", home_date=NOW)
    new = DataPackage(profile="wacz", version="", home_url="https://example.org/", home_date=NOW)
    assert json.loads(datapackage_json(old))["mainPageUrl"] == "https://example.org/"
    assert json.loads(datapackage_json(new))["home"] == {"url": "https://example.org/", "ts": "2020-10-07T21:22:36Z"}
    assert "wacz_version" not in json.loads(datapackage_json(new))
    assert parse_datapackage(datapackage_json(new)) == new


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000])
def test_what_is_no_manifest_is_said_to_be_none(raw: bytes) -> None:
    for read in (parse_datapackage, parse_digest, parse_page_line):
        with pytest.raises(DamagedFile):
            read(raw)


def test_wrong_types_are_left_out() -> None:
    package = parse_datapackage(
        b'{"resources": [1, {"path": 2}, {"path": "a", "bytes": true, "hash": []}, {"path": "b", "bytes": -1}], '
        b'"title": {"x": 1}, "created": "soon", "home": "x", "profile": null}'
    )
    assert package == DataPackage(resources=(Resource("a"), Resource("b")), profile="", version="")
    assert parse_datapackage(b'{"resources": {"a": 1}}').resources == ()


def test_pages_come_back_as_they_were_written() -> None:
    page = Page("https://example.org/é", NOW, "A title", "1", "words", 5, {"seed": True})
    assert parse_page_line(page_line(page)) == page
    header = PagesHeader("extra", "More", True)
    assert parse_page_line(pages_header_line(header)) == header
    with pytest.raises(DamagedFile, match="names no URL"):
        parse_page_line(b'{"title": "x"}')


def test_control_characters_and_half_characters_do_not_come_through() -> None:
    page = parse_page_line(b'{"url": "http://example.org/", "ts": 5, "title": "a\\u001b[2J\\ud800b", "size": "x"}')
    assert isinstance(page, Page)
    assert page.title == "a [2J?b"
    assert (page.ts, page.size) == (None, None)


def test_digests() -> None:
    raw = datapackage_json(DataPackage())
    digest = parse_digest(digest_json(raw, {"signature": "x"}))
    assert digest.hash == hash_of([raw])
    assert digest.signed == {"signature": "x"}
    assert algorithm_of(digest.hash) == "sha256"
    assert algorithm_of("a" * 32) == "md5"
    assert algorithm_of("sha3:aa") == ""
    assert same_hash("SHA256:AB", "ab")
