"""An archive behind its real server, for other people's programs to ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiver.holdings import open_holdings
from archiver.settings import load_settings
from archiver.warc.importer import import_file
from tests.browser.conftest import serving
from tests.servers.warcs import response_record, revisit_record

SITE = "http://example.org"
TWO = "sha1:FEME523OHNOXMNZD54NGSUDR67CV2UZO"


def at(text: str) -> datetime:
    """Digits as a moment."""
    return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)


def records() -> list[bytes]:
    """A small site: versions, a revisit, a redirect, an error, odd types and names."""
    return [
        response_record(f"{SITE}/", at("20200101"), b"<p>one</p>"),
        response_record(f"{SITE}/", at("20210101"), b"<p>two</p>"),
        revisit_record(f"{SITE}/", at("20220101"), f"{SITE}/", at("20210101"), digest=TWO),
        response_record(f"{SITE}/", at("20230101"), b"<p>three</p>", headers="Content-Type: text/html\r\nX-Server: old\r\n"),
        response_record(f"{SITE}/a?y=2&x=1", at("20200102"), b"<p>a</p>"),
        response_record(f"{SITE}/gone", at("20200103"), b"gone", status="404 Not Found"),
        response_record(f"{SITE}/moved", at("20200104"), b"", status="302 Found", headers=f"Location: {SITE}/a?x=1&y=2\r\n"),
        response_record(f"{SITE}/pic.png", at("20200105"), b"\x89PNG", headers="Content-Type: image/png\r\n"),
        response_record(f"{SITE}/untyped", at("20200106"), b"?", headers=""),
        response_record('http://sub.example.org/"quoted"', at("20200107"), b"q"),
        response_record("http://sub.example.org/caf%C3%A9", at("20200108"), b"c"),
        response_record("http://example.net/", at("20200109"), b"<p>net</p>"),
        *(response_record(f"{SITE}/many/{number:02}", at("20200110"), b"<p>many</p>") for number in range(30)),
    ]


@dataclass(frozen=True)
class Archive:
    """A running reader.

    Attributes:
        address: with a slash at the end.
        warcs: the folder of its WARC files.
        warc: what was imported.
    """

    address: str
    warcs: Path
    warc: Path


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    folder = tmp_path_factory.mktemp("clients")
    warc = folder / "records.warc.gz"
    warc.write_bytes(b"".join(records()))
    home = folder / "warcs"
    with open_holdings(load_settings({"archive": home}, environ={})) as holdings:
        holdings.collections.create("c", title="C")
        import_file(warc, collection="c", store=holdings.store, index=holdings.index)
    with serving(home) as (address, _):
        yield Archive(address, home / "archive", warc)
