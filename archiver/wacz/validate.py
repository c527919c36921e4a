"""Validates WACZ packages, 1.1.1 and 1.2.0: the ZIP, every hash, the index against the WARC files both ways, pages, signature.

Everything is read in one pass and with flat memory. What is found in a WARC file inside is reported with the entry's name.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from archiver.errors import DamagedFile, InvalidTimestamp
from archiver.index.compare import Queue, timestamp_of
from archiver.timestamps import parse_iso
from archiver.urls import printable
from archiver.wacz.indexlines import IndexRows, check_blocks, lines_of
from archiver.wacz.package import (
    ARCHIVE_FOLDER,
    DATAPACKAGE,
    DIGEST,
    INDEX_FOLDER,
    PAGES,
    PAGES_FOLDER,
    PROFILE_1_1,
    PROFILE_1_2,
    PROFILE_MULTI,
    Page,
    PagesHeader,
    algorithm_of,
    hash_of,
    parse_page_line,
    same_hash,
)
from archiver.wacz.read import Entry, WaczReader
from archiver.wacz.signature import check_signature, trusted_roots
from archiver.warc.blockrules import Facts, is_http
from archiver.warc.check import Log, PartReport, check_part, join_parts
from archiver.warc.records import canonical_digest
from archiver.warc.rules import Finding
from archiver.warc.scan import Raw

_WARCS = (".warc", ".warc.gz", ".warc.zst", ".arc", ".arc.gz")
_INDEXES = (".cdx", ".cdxj", ".cdx.gz", ".cdxj.gz", ".idx")
_PAGE_LISTS = (".jsonl", ".json")


def check_package(stream: BinaryIO, name: str, size: int, *, log_path: str = "") -> PartReport:
    """Validate a package.

    Args:
        stream: seekable; closed.
        name: of the package.
        size: bytes.
        log_path: where all findings go as JSON lines; "" for nowhere.
    """
    log = Log(name, log_path)
    report = PartReport(log, end=size)
    _check_directory(stream, log)
    try:
        reader = WaczReader(stream)
    except DamagedFile as error:
        log.note("wacz-zip", -1, error.message)
        return report
    with reader, tempfile.TemporaryDirectory(prefix="muniment-wacz-") as folder:
        rows = IndexRows(Path(folder) / "rows.db")
        try:
            _Package(reader, rows, report).run()
        finally:
            rows.close()
    return report


def _check_directory(stream: BinaryIO, log: Log) -> None:
    """Names that occur twice: the reader sees the last of them only."""
    try:
        with zipfile.ZipFile(stream) as package:
            counted = Counter(info.filename for info in package.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return  # told by the reader
    for entry, count in counted.items():
        if count > 1:
            log.note("wacz-zip-twice", -1, f"{count} times", entry)


class _Package:
    def __init__(self, reader: WaczReader, rows: IndexRows, report: PartReport) -> None:
        self._reader, self._rows, self._report, self._log = reader, rows, report, report.log
        self._entries = {entry.path: entry for entry in reader.entries}
        self._is_1_2 = False

    def run(self) -> None:
        for entry in self._entries.values():
            if entry.trouble:
                rule = "wacz-zip-name" if "name" in entry.trouble else "wacz-zip-entry"
                self._log.note(rule, -1, entry.trouble, entry.path)
        manifest = self._manifest()
        if manifest is not None and manifest.get("profile") == PROFILE_MULTI:
            return  # lists packages elsewhere
        self._check_layout()
        self._check_hashes(manifest)
        self._check_digest()
        self._check_indexes()
        for path in self._in(ARCHIVE_FOLDER, _WARCS):
            self._check_warc(path)
        self._check_pages()

    def _in(self, folder: str, endings: tuple[str, ...]) -> list[str]:
        return sorted(path for path in self._entries if path.startswith(folder) and path.lower().endswith(endings))

    def _guarded(self, path: str, work: Callable[[], None]) -> None:
        try:
            work()
        except DamagedFile as error:
            rule = "wacz-zip-bomb" if "bomb" in error.message or "without end" in error.message else "wacz-zip-entry"
            if not self._entries[path].trouble:
                self._log.note(rule, -1, error.message, path)

    # -- the manifest ------------------------------------------------------------------------------------------------

    def _manifest(self) -> dict[str, Any] | None:
        raw = self._reader.raw_manifest
        try:
            manifest = json.loads(raw) if raw else None
        except (ValueError, RecursionError):
            manifest = None
        if not isinstance(manifest, dict):
            self._log.note("wacz-datapackage-missing", -1, "no JSON object" if DATAPACKAGE in self._entries else "")
            return None
        profile, version = manifest.get("profile"), manifest.get("wacz_version")
        self._is_1_2 = profile == PROFILE_1_2 or (version is None and profile != PROFILE_1_1)
        if profile == PROFILE_MULTI:
            return manifest
        if version is not None and version not in ("1.0.0", "1.1.0", "1.1.1"):
            self._log.note("wacz-datapackage-version", -1, str(version)[:40], DATAPACKAGE)
        elif version is None and profile != PROFILE_1_2:
            self._log.note("wacz-datapackage-version", -1, "neither wacz_version nor the profile “wacz”", DATAPACKAGE)
        if profile != (PROFILE_1_2 if self._is_1_2 else PROFILE_1_1) or (version is not None and profile == PROFILE_1_2):
            self._log.note("wacz-datapackage-profile", -1, str(profile)[:40], DATAPACKAGE)
        for name in ("created", "modified"):
            if name in manifest and not _is_date(manifest[name]):
                self._log.note("wacz-datapackage-date", -1, f"{name}: {str(manifest[name])[:40]}", DATAPACKAGE)
        return manifest

    def _check_layout(self) -> None:
        for folder, wanted, missing in (
            (ARCHIVE_FOLDER, _WARCS, "wacz-archive-empty"),
            (INDEX_FOLDER, _INDEXES, "wacz-indexes-empty"),
        ):
            if not self._in(folder, wanted):
                self._log.note(missing, -1)
        if PAGES not in self._entries:
            self._log.note("wacz-pages-missing", -1)
        own: tuple[tuple[str, tuple[str, ...]], ...]
        own = ((ARCHIVE_FOLDER, _WARCS), (INDEX_FOLDER, _INDEXES), (PAGES_FOLDER, _PAGE_LISTS))
        for folder, endings in own:
            for path in self._entries:
                if path.startswith(folder) and not path.lower().endswith(endings):
                    self._log.note("wacz-layout-foreign", -1, "", path)
        for path, entry in self._entries.items():
            is_packed = path.startswith(ARCHIVE_FOLDER) or (path.startswith(INDEX_FOLDER) and path.endswith(".gz"))
            if is_packed and not entry.is_stored:
                self._log.note("wacz-zip-stored", -1, "", path)

    def _check_hashes(self, manifest: dict[str, Any] | None) -> None:
        listed: set[str] = set()
        resources = manifest.get("resources") if manifest is not None else None
        if manifest is not None and (not isinstance(resources, list) or not resources):
            self._log.note("wacz-datapackage-resources", -1, "", DATAPACKAGE)
        for item in resources if isinstance(resources, list) else ():
            path = item.get("path") if isinstance(item, dict) else None
            if (
                not isinstance(path, str)
                or not item.get("hash")
                or not isinstance(item.get("bytes"), int)
                or not item.get("name")
            ):
                self._log.note("wacz-datapackage-resource", -1, json.dumps(item, ensure_ascii=False)[:120], DATAPACKAGE)
            if not isinstance(path, str):
                continue
            if path in listed:
                self._log.note("wacz-datapackage-listed-twice", -1, "", path)
            listed.add(path)
            entry = self._entries.get(path)
            if entry is None:
                self._log.note("wacz-datapackage-absent", -1, "", path)
                continue
            self._guarded(path, lambda item=item, entry=entry: self._check_resource(item, entry))  # type: ignore[misc]
        if manifest is not None:
            for path in sorted(self._entries.keys() - listed - {DATAPACKAGE, DIGEST}):
                self._log.note("wacz-datapackage-unlisted", -1, "", path)

    def _check_resource(self, item: dict[str, Any], entry: Entry) -> None:
        if isinstance(item.get("bytes"), int) and item["bytes"] != entry.size:
            self._log.note("wacz-datapackage-bytes", -1, f"{entry.size:,}, listed {item['bytes']:,}", entry.path)
        said = str(item.get("hash") or "")
        if not said:
            return
        algorithm = algorithm_of(said)
        if not algorithm:
            self._log.note("wacz-datapackage-algorithm", -1, said[:40], entry.path)
        elif not same_hash(hash_of(self._reader.pieces(entry.path), algorithm), said):
            self._log.note("wacz-datapackage-hash", -1, "", entry.path)

    def _check_digest(self) -> None:
        if DIGEST not in self._entries:
            self._log.note("wacz-digest-missing", -1)
            return
        digest = self._reader.digest
        if digest is None or not digest.hash:
            self._log.note("wacz-digest-form", -1, "", DIGEST)
            return
        own = self._reader.manifest_hash(digest.hash)
        if not same_hash(digest.hash, own):
            self._log.note("wacz-digest-digest", -1, "", DATAPACKAGE)
        if digest.signed is not None:
            found = check_signature(digest, own, trusted_roots())
            if not found.is_valid:
                self._log.note("wacz-digest-signature", -1, " ".join(found.findings)[:300], DIGEST)
            elif not found.is_trusted:
                self._log.note("wacz-digest-unverified", -1, " ".join(found.findings)[:300], DIGEST)

    # -- index, WARC files, pages ------------------------------------------------------------------------------------

    def _check_indexes(self) -> None:
        for path in self._in(INDEX_FOLDER, _INDEXES):

            def note(rule: str, detail: str, path: str = path) -> None:
                self._log.note(rule, -1, detail, path)

            def read(path: str = path, note: Callable[[str, str], None] = note) -> None:
                if path.endswith(".idx"):
                    check_blocks(self._reader, path, note)
                elif not self._rows.take(lines_of(self._reader, path, self._entries[path].packed), note):
                    note("wacz-indexes-empty", "it has no lines")

            self._guarded(path, read)
        self._rows.finish()
        warcs = {path.removeprefix(ARCHIVE_FOLDER) for path in self._in(ARCHIVE_FOLDER, _WARCS)}
        for file, count in self._rows.files():
            if file.removeprefix(ARCHIVE_FOLDER) not in warcs:
                self._log.note("wacz-indexes-file", -1, f"{count:,} lines", file)

    def _check_warc(self, path: str) -> None:
        entry = self._entries[path]
        name = path.removeprefix(ARCHIVE_FOLDER)
        inner = _Inner(path, outer=self._log)
        with tempfile.TemporaryFile() as unpacked:
            try:
                stream = self._reader.open(path)
                if not entry.is_stored:  # it cannot be sought in
                    for piece in self._reader.pieces(path):
                        unpacked.write(piece)
                    stream = cast(BinaryIO, unpacked)
                size = stream.seek(0, os.SEEK_END)
                compared = _Compared(self._rows, name, inner, check_all=bool(self._in(INDEX_FOLDER, _INDEXES)))
                part = check_part(stream, inner, size, observer=compared.seen)
            except DamagedFile:
                return  # told with its hash
        compared.finish()
        part.log = Log(path)  # what it has is told; what comes now is what concerns several records
        whole = join_parts(path, size, [part])
        self._report.records += whole.records
        self._report.block_bytes += whole.block_bytes
        for finding in whole.log.listed:
            if finding.rule != "warc-4-empty" or not whole.records:
                inner.add(finding)

    def _check_pages(self) -> None:
        for path in self._in(PAGES_FOLDER, _PAGE_LISTS):
            self._guarded(path, lambda path=path: self._check_list(path))  # type: ignore[misc]

    def _check_list(self, path: str) -> None:
        for number, line in enumerate(self._reader.lines(path), 1):
            if not line.strip():
                continue
            try:
                page = parse_page_line(line)
            except DamagedFile:
                page = None
            if number == 1 and not isinstance(page, PagesHeader):
                self._log.note("wacz-pages-header", -1, "", path)
            if isinstance(page, PagesHeader) and number == 1:
                continue
            if not isinstance(page, Page) or not page.url or page.ts is None:
                self._log.note("wacz-pages-page", -1, f"line {number:,}", path)
            elif not self._rows.holds(page.url) and not self._rows.holds(page.url.partition("#")[0]):
                self._log.note("wacz-pages-unheld", -1, page.url[:200], path)


@dataclass
class _Inner(Log):
    """Findings in an entry, which the package's log takes under its own name."""

    outer: Log = field(kw_only=True)

    def add(self, finding: Finding) -> None:
        self.outer.note(finding.rule, finding.offset, finding.detail, f"{self.file} {finding.subject}".strip())


class _Compared:
    """The records of a WARC file against the lines of the index, both in the order of offsets."""

    def __init__(self, rows: IndexRows, name: str, log: Log, *, check_all: bool) -> None:
        self._rows = Queue(rows.of(name), lambda row: cast(int, row[0]))
        self._log = log
        self._check_all = check_all

    def seen(self, raw: Raw, facts: Facts) -> None:
        """The next record."""
        for row in self._rows.before(raw.offset):
            self._log.note("wacz-indexes-record", row[0], "no record begins there", row[2])
        rows = self._rows.at(raw.offset)
        url = raw.header.get("warc-target-uri").removeprefix("<").removesuffix(">")
        moment = timestamp_of(raw, facts, url)
        if not rows and moment and self._check_all:
            self._log.note("wacz-indexes-unindexed", raw.offset, raw.header.get("warc-type"), url)
        for _, length, row_url, timestamp, status, digest in rows:
            if not moment:
                continue  # some tools index requests and metadata too
            wrong = []
            if printable(row_url) != printable(url):
                wrong.append(f"URL {url}")
            if timestamp != moment:
                wrong.append(f"date {timestamp}, record {moment}")
            if status.isdigit() and facts.status is not None and status.lstrip("0") != str(facts.status):
                wrong.append(f"status {status}, record {facts.status}")
            own = canonical_digest(raw.header.get("warc-payload-digest")) or facts.payload_digest
            if _comparable(digest, own):
                wrong.append("digest")
            if length and raw.length and length != raw.length and is_http(raw.header):
                wrong.append(f"length {length:,}, record {raw.length:,}")
            if wrong:
                self._log.note("wacz-indexes-record", raw.offset, "; ".join(wrong), row_url)

    def finish(self) -> None:
        """No more records come."""
        for row in self._rows.before(1 << 62):
            self._log.note("wacz-indexes-record", row[0], "no record begins there", row[2])


def _comparable(one: str, other: str) -> bool:
    """Two digests that are of one algorithm and differ."""
    mine, own = canonical_digest(one), canonical_digest(other)
    return bool(mine and own) and mine.partition(":")[0] == own.partition(":")[0] and mine.lower() != own.lower()


def _is_date(value: object) -> bool:
    try:
        parse_iso(str(value))
    except InvalidTimestamp:
        return False
    return True
