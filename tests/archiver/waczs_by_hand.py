"""WACZ packages written by hand for the tests of `verify`: a good one, and the same with one thing wrong."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from archiver.urls import urlkey
from archiver.wacz.validate import check_package
from archiver.warc.check import Log
from tests.archiver.warcs_by_hand import BODY, HTTP, URL, member, response, sha1, warcinfo

WARC = member(warcinfo()) + member(response())
PAGES = (
    b'{"format": "json-pages-1.0", "id": "pages", "title": "All Pages"}\n'
    + json.dumps({"id": "1", "url": URL, "ts": "2016-08-10T20:46:23Z", "title": "A"}).encode()
)


def cdxj_line(url: str = URL, stamp: str = "20160810204623", **put: Any) -> bytes:
    offset = len(member(warcinfo()))
    data = {
        "url": url,
        "mime": "text/html",
        "status": "200",
        "digest": sha1(BODY),
        "length": str(len(WARC) - offset),
        "offset": str(offset),
        "filename": "data.warc.gz",
        **put,
    }
    return f"{urlkey(url)} {stamp} {json.dumps(data)}\n".encode()


def files(index: bytes | None = None, warc: bytes = WARC, pages: bytes = PAGES) -> dict[str, bytes]:
    return {
        "archive/data.warc.gz": warc,
        "indexes/index.cdx": cdxj_line() if index is None else index,
        "pages/pages.jsonl": pages,
    }


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def package(
    content: Mapping[str, bytes] | None = None,
    *,
    version: str = "1.1.1",
    manifest: Mapping[str, Any] | None = None,
    listed: Mapping[str, bytes] | None = None,
    digest: bytes | None = None,
    packed: bool = False,
    twice: str = "",
) -> bytes:
    """A package.

    Args:
        content: path → bytes; a good package's by default.
        version: "1.1.1" or "1.2.0".
        manifest: what is put over the manifest.
        listed: what is listed instead of the content.
        digest: datapackage-digest.json; a good one by default, b"" for none.
        packed: everything deflated.
        twice: an entry that is written once more.
    """
    content = files() if content is None else content
    resources = [
        {"name": path.rpartition("/")[2], "path": path, "hash": sha256(data), "bytes": len(data)}
        for path, data in (content if listed is None else listed).items()
    ]
    said: dict[str, Any] = {"profile": "data-package", "wacz_version": "1.1.1"} if version == "1.1.1" else {"profile": "wacz"}
    said |= {"resources": resources, "created": "2016-08-10T20:46:23Z", **(manifest or {})}
    raw = json.dumps(said, indent=2).encode()
    if digest is None:
        digest = json.dumps({"path": "datapackage.json", "hash": sha256(raw)}).encode()
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as file:
        for path, data in content.items():
            file.writestr(path, data)
        file.writestr("datapackage.json", raw)
        if digest:
            file.writestr("datapackage-digest.json", digest)
        if twice:
            import warnings

            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                file.writestr(twice, content[twice])
    return out.getvalue()


def rules_of(data: bytes) -> Log:
    return check_package(BytesIO(data), "test.wacz", len(data)).log


__all__ = ["BODY", "HTTP", "PAGES", "URL", "WARC", "cdxj_line", "files", "package", "rules_of", "sha256"]
