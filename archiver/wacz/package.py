"""What a WACZ says of itself, as values: datapackage.json, lines of pages.jsonl, datapackage-digest.json. No files, no clock.

WACZ 1.1.1 and 1.2.0 (specs.webrecorder.net/wacz), lists of several packages as Browsertrix and ReplayWeb.page know them
("multi-wacz-package"). What is read may be anything: what is not as it should be is left out, what is no JSON is an error.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from archiver.errors import DamagedFile, InvalidTimestamp
from archiver.plaintext import one_line, plain
from archiver.timestamps import parse_iso, to_iso

#: Names of the files inside a package.
DATAPACKAGE = "datapackage.json"
DIGEST = "datapackage-digest.json"
PAGES = "pages/pages.jsonl"
EXTRA_PAGES = "pages/extraPages.jsonl"
ARCHIVE_FOLDER, INDEX_FOLDER, PAGES_FOLDER = "archive/", "indexes/", "pages/"

#: `profile` of WACZ 1.1.1, of 1.2.0, and of a list of packages.
PROFILE_1_1, PROFILE_1_2, PROFILE_MULTI = "data-package", "wacz", "multi-wacz-package"

_PAGES_FORMAT = "json-pages-1.0"
_ODD_IN_NAME = re.compile(r"[^-a-z0-9._/]+")
_HASH = re.compile(r"(?:(sha256|sha512|sha1|md5):)?([0-9a-f]{32,128})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Resource:
    """A file that a package lists.

    Attributes:
        path: inside the package; in a list of packages also a URL.
        hash: "sha256:" and hexadecimal; "" when not said.
        bytes: its size; None when not said.
        name: lower case, as Frictionless Data wants it.
    """

    path: str
    hash: str = ""
    bytes: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class DataPackage:
    """The manifest of a package.

    Attributes:
        resources: its files.
        profile: "data-package" (1.1.1), "wacz" (1.2.0), "multi-wacz-package" or whatever it says; "" for nothing.
        version: `wacz_version`; WACZ 1.2.0 has none.
        title: of the collection.
        description: Markdown.
        created: UTC, None when not said or not readable.
        modified: UTC, likewise.
        software: that made it.
        home_url: the page to begin with.
        home_date: of that page.
        extra: everything else that it says, as it is in JSON.
    """

    resources: tuple[Resource, ...] = ()
    profile: str = PROFILE_1_1
    version: str = "1.1.1"
    title: str = ""
    description: str = ""
    created: datetime | None = None
    modified: datetime | None = None
    software: str = ""
    home_url: str = ""
    home_date: datetime | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_multi(self) -> bool:
        """It lists packages, not files."""
        return self.profile == PROFILE_MULTI


@dataclass(frozen=True, slots=True)
class PagesHeader:
    """The first line of a list of pages."""

    id: str = "pages"
    title: str = "All Pages"
    has_text: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A line of a list of pages.

    Attributes:
        url: of the page.
        ts: when it was captured, UTC; None when not said or not readable.
        title: of the page, or "".
        id: whatever tells it from others, or "".
        text: what it says, or "".
        size: bytes of the page and all it needs; None when not said.
        extra: everything else that the line says.
    """

    url: str
    ts: datetime | None
    title: str = ""
    id: str = ""
    text: str = ""
    size: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PackageDigest:
    """datapackage-digest.json.

    Attributes:
        path: what the hash is of; "datapackage.json".
        hash: "sha256:" and hexadecimal.
        signed: the signature (specs.webrecorder.net/wacz-auth), unchecked; None for none.
    """

    path: str
    hash: str
    signed: Mapping[str, Any] | None = None


def hash_of(pieces: Iterable[bytes], algorithm: str = "sha256") -> str:
    """The hash of bytes as packages write it."""
    engine = hashlib.new(algorithm, usedforsecurity=False)
    for piece in pieces:
        engine.update(piece)
    return f"{algorithm}:{engine.hexdigest()}"


def algorithm_of(value: str) -> str:
    """The algorithm of a hash as packages write it; "" when it is none that we can compute."""
    match = _HASH.fullmatch(value.strip())
    if match is None:
        return ""
    # A hash without a label is told by its length (Frictionless Data means MD5, some programs write SHA-256).
    return (match.group(1) or {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}.get(len(match.group(2)), "")).lower()


def same_hash(one: str, other: str) -> bool:
    """Two hashes of one algorithm are equal, whatever their case and label."""
    return one.strip().rpartition(":")[2].lower() == other.strip().rpartition(":")[2].lower()


def resource_name(path: str) -> str:
    """A `name` that Frictionless Data accepts, of a file's path."""
    return _ODD_IN_NAME.sub("-", path.rpartition("/")[2].lower()) or "file"


# -- datapackage.json ------------------------------------------------------------------------------------------------


def parse_datapackage(raw: bytes) -> DataPackage:
    """Read a manifest.

    Raises:
        DamagedFile: it is no JSON object.
    """
    data = _object(raw, DATAPACKAGE)
    home = data.get("home")
    home = home if isinstance(home, dict) else {"url": data.get("mainPageUrl"), "ts": data.get("mainPageDate")}
    resources = data.get("resources")
    known = {
        "resources", "profile", "wacz_version", "title", "description", "created", "modified", "software", "home",
        "mainPageUrl", "mainPageDate",
    }  # fmt: skip
    return DataPackage(
        resources=tuple(_resources(resources if isinstance(resources, list) else [])),
        profile=_word(data, "profile"),
        version=_word(data, "wacz_version"),
        title=_word(data, "title"),
        description=plain(_text(data, "description") or _text(data, "desc")).strip(),
        created=_date(data.get("created")),
        modified=_date(data.get("modified")),
        software=_word(data, "software"),
        home_url=_word(home, "url"),
        home_date=_date(home.get("ts")),
        extra={key: value for key, value in data.items() if key not in known},
    )


def datapackage_json(package: DataPackage) -> bytes:
    """A manifest as it is written; the way to name the home page is that of its version."""
    data: dict[str, Any] = {"profile": package.profile}
    if package.version:
        data["wacz_version"] = package.version
    for name, value in (("title", package.title), ("description", package.description), ("software", package.software)):
        if value:
            data[name] = value
    for name, moment in (("created", package.created), ("modified", package.modified)):
        if moment is not None:
            data[name] = to_iso(moment, 0)
    data.update(_home(package))
    data.update((key, value) for key, value in package.extra.items() if key not in data and key != "resources")
    data["resources"] = [_resource_json(resource) for resource in package.resources]
    return (json.dumps(data, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "replace")


def _home(package: DataPackage) -> dict[str, Any]:
    date = to_iso(package.home_date, 0) if package.home_date is not None else ""
    if not package.home_url:
        return {}
    if package.profile == PROFILE_1_2:  # there both parts are mandatory
        return {"home": {"url": package.home_url, "ts": date}} if date else {}
    return {"mainPageUrl": package.home_url, **({"mainPageDate": date} if date else {})}


def _resource_json(resource: Resource) -> dict[str, Any]:
    data: dict[str, Any] = {"name": resource.name or resource_name(resource.path), "path": resource.path}
    if resource.hash:
        data["hash"] = resource.hash
    if resource.bytes is not None:
        data["bytes"] = resource.bytes
    return data


def _resources(items: list[Any]) -> Iterable[Resource]:
    for item in items:
        if isinstance(item, dict) and isinstance(item.get("path"), str) and item["path"]:
            size = item.get("bytes")
            is_size = isinstance(size, int) and not isinstance(size, bool) and size >= 0
            yield Resource(item["path"], _text(item, "hash"), size if is_size else None, _text(item, "name"))


# -- pages/*.jsonl ---------------------------------------------------------------------------------------------------


def pages_header_line(header: PagesHeader) -> bytes:
    """The first line of a list of pages, line end included."""
    data = {"format": _PAGES_FORMAT, "id": header.id, "title": header.title}
    return _line({**data, "hasText": True} if header.has_text else data)


def page_line(page: Page) -> bytes:
    """A page as a line, line end included."""
    data: dict[str, Any] = {"id": page.id} if page.id else {}
    data["url"] = page.url
    if page.ts is not None:
        data["ts"] = to_iso(page.ts, 0)
    data.update((key, value) for key, value in (("title", page.title), ("text", page.text)) if value)
    if page.size is not None:
        data["size"] = page.size
    data.update((key, value) for key, value in page.extra.items() if key not in data)
    return _line(data)


def parse_page_line(line: bytes) -> Page | PagesHeader:
    """Read one line of a list of pages.

    Raises:
        DamagedFile: it is neither a page nor the header of a list.
    """
    data = _object(line, "A line")
    if "url" not in data and isinstance(data.get("format"), str):
        return PagesHeader(_word(data, "id"), _word(data, "title"), bool(data.get("hasText")))
    url = _word(data, "url")
    if not url:
        raise DamagedFile("A line of a list of pages names no URL.")
    size = data.get("size")
    known = {"url", "ts", "title", "id", "text", "size"}
    return Page(
        url=url,
        ts=_date(data.get("ts")),
        title=_word(data, "title"),
        id=_word(data, "id"),
        text=plain(_text(data, "text")),
        size=size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
        extra={key: value for key, value in data.items() if key not in known},
    )


# -- datapackage-digest.json -----------------------------------------------------------------------------------------


def digest_json(datapackage: bytes, signed: Mapping[str, Any] | None = None) -> bytes:
    """datapackage-digest.json for a manifest as written, with a signature where there is one."""
    data: dict[str, Any] = {"path": DATAPACKAGE, "hash": hash_of([datapackage])}
    if signed is not None:
        data["signedData"] = dict(signed)
    return (json.dumps(data, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "replace")


def parse_digest(raw: bytes) -> PackageDigest:
    """Read datapackage-digest.json.

    Raises:
        DamagedFile: it is no JSON object.
    """
    data = _object(raw, DIGEST)
    signed = data.get("signedData")
    return PackageDigest(_text(data, "path"), _text(data, "hash"), signed if isinstance(signed, dict) else None)


# -- JSON from strangers ---------------------------------------------------------------------------------------------


def _object(raw: bytes, what: str) -> dict[str, Any]:
    try:
        data = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DamagedFile(f"{what} is no JSON.") from error
    if not isinstance(data, dict):
        raise DamagedFile(f"{what} is no JSON object.")
    return data


def _line(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _word(data: Mapping[str, Any], name: str) -> str:
    return one_line(_text(data, name))


def _date(value: object) -> datetime | None:
    try:
        return parse_iso(value) if isinstance(value, str) else None
    except InvalidTimestamp:
        return None
