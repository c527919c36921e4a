"""Archives as other programs write them, and importing them in tests."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from archiver.holdings import Holdings
from archiver.imports.context import Context
from archiver.imports.intake import take_in
from archiver.imports.report import Taken
from archiver.urls import urlkey
from archiver.wacz.package import hash_of
from archiver.warc.importer import Unindexed
from archiver.warc.reader import read_record
from tests.servers.warcs import response_record

MOMENT = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
NOW = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


class Import:
    """One import and what came of it."""

    def __init__(
        self, holdings: Holdings, *sources: Path | str, in_place: bool = False, warcs: str = "", slug: str = "default"
    ) -> None:
        self.told: list[Unindexed] = []
        context = Context(holdings, slug, lambda: NOW, in_place, warcs, self.told.append, lambda name, at, size: None)
        self.reports: list[Taken] = list(take_in(map(str, sources), context))

    @property
    def captures(self) -> int:
        """Rows of all files of records."""
        return sum(item.captures for item in self.reports if item.kind not in ("WACZ", "list of WACZ", "folder"))

    @property
    def notes(self) -> str:
        """All that was said."""
        return "\n".join(note for item in self.reports for note in (*item.notes, item.refused) if note)

    @property
    def reasons(self) -> set[str]:
        """Why things were not indexed."""
        return {item.reason for item in self.told}


def page(number: int, body: bytes = b"") -> bytes:
    """A gzip member with a response record."""
    return response_record(f"http://example.org/{number}", MOMENT, body or f"<title>{number}</title>".encode())


def body_of(holdings: Holdings, url: str, slug: str = "default") -> bytes:
    """The payload of the newest capture of a URL."""
    capture = holdings.index.newest([slug], urlkey(url))
    assert capture is not None, url
    record = read_record(holdings.store, capture.file, capture.offset, capture.length)
    try:
        return b"".join(record.payload())
    finally:
        record.close()


def wacz(
    path: Path,
    files: Mapping[str, bytes],
    *,
    manifest: Mapping[str, Any] | None = None,
    signed: Mapping[str, Any] | None = None,
    deflated: tuple[str, ...] = (),
    lies: Mapping[str, str] | None = None,
) -> bytes:
    """Write a package; its datapackage.json.

    Args:
        path: of the package.
        files: in it.
        manifest: what datapackage.json says besides.
        signed: signedData of datapackage-digest.json; without its hash.
        deflated: files that are compressed in it.
        lies: hashes that are wrong.
    """
    resources = [
        {
            "name": name.rpartition("/")[2],
            "path": name,
            "hash": (lies or {}).get(name) or hash_of([data]),
            "bytes": len(data),
        }
        for name, data in files.items()
    ]
    about = {"profile": "data-package", "wacz_version": "1.1.1", "resources": resources, **(manifest or {})}
    raw = json.dumps(about).encode()
    digest: dict[str, Any] = {"path": "datapackage.json", "hash": hash_of([raw])}
    if signed is not None:
        digest["signedData"] = {"hash": hash_of([raw]), **signed}
    with zipfile.ZipFile(path, "w") as package:
        for name, data in files.items():
            package.writestr(name, data, zipfile.ZIP_DEFLATED if name in deflated else zipfile.ZIP_STORED)
        package.writestr("datapackage.json", raw, zipfile.ZIP_DEFLATED)
        package.writestr("datapackage-digest.json", json.dumps(digest).encode(), zipfile.ZIP_DEFLATED)
    return raw


def pages_list(*pages: Mapping[str, Any]) -> bytes:
    """A pages.jsonl."""
    lines = [{"format": "json-pages-1.0", "id": "pages", "title": "All Pages"}, *pages]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()
