"""WACZ packages: their WARC files, their pages and what they say of themselves, with everything that does not fit said."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from archiver.collections.exchangeformat import WACZ_PATH
from archiver.collections.imported import ImportedCrawl, ImportedPage
from archiver.errors import DamagedFile, InvalidURL
from archiver.imports.context import Context, Source, is_local
from archiver.imports.exchange import take_description
from archiver.imports.recognise import Kind, recognise
from archiver.imports.report import Taken, refused
from archiver.imports.warcs import take_warc
from archiver.store.inside import INSIDE
from archiver.timestamps import to_iso
from archiver.urls import parse_url
from archiver.wacz.package import (
    ARCHIVE_FOLDER,
    DATAPACKAGE,
    DIGEST,
    INDEX_FOLDER,
    PAGES_FOLDER,
    DataPackage,
    Page,
    algorithm_of,
    hash_of,
    parse_datapackage,
    parse_page_line,
    same_hash,
)
from archiver.wacz.read import READ_ERRORS, Entry, Mismatch, WaczReader
from archiver.wacz.signature import Signature, check_signature, trusted_roots
from archiver.warc.importer import Unindexed

#: Things that are not as the manifest says, of which the terminal is told.
_MOST_NOTES = 20

_MOST_LIST = 64 * 1024 * 1024
_PIECE = 1024 * 1024
_MOST_DESCRIPTION_PIECES = 256  # of a megabyte


def take_wacz(source: Source, context: Context) -> Iterator[Taken | Source]:
    """Take a package in: a report for each of its WARC files and one for the package, and what is inside it to be taken in."""
    try:
        reader = WaczReader(context.open(source.name))
    except DamagedFile as error:
        yield refused(source.title, Kind.WACZ, error.message, context.tell)
        return
    with reader:
        report = Taken(source.title, Kind.WACZ)
        signature = _check(reader, report, context)
        others: list[Entry] = []
        for entry in reader.entries:
            kind = _kind_of(reader, entry)
            if kind in (Kind.WARC, Kind.ARC):
                part = _take_entry(reader, entry, kind, source, context)
                report.captures += part.captures
                yield part
            elif kind is Kind.WACZ:
                yield from _nested(reader, entry, source, context)
            else:
                others.append(entry)
        is_described = False  # by Muniment: then crawls and pages come from there
        for entry in others:
            if entry.path == WACZ_PATH and _take_description(reader, report, context):
                is_described = True
            else:
                _note_other(report, entry, context)
        if reader.manifest is not None and reader.manifest.is_multi:
            yield from _listed(reader.manifest, source, report, context, inside={entry.path for entry in reader.entries})
        if not is_described and (reader.manifest is not None or report.captures):
            _take_pages(reader, report, signature, source, context)
        yield report


def take_list(source: Source, context: Context) -> Iterator[Taken | Source]:
    """Take in the packages that a list of packages names."""
    report = Taken(source.title, Kind.MULTI_WACZ)
    with context.open(source.name) as stream:
        raw = stream.read(_MOST_LIST)
    try:
        manifest = parse_datapackage(raw)
    except DamagedFile as error:
        yield refused(source.title, Kind.MULTI_WACZ, error.message, context.tell)
        return
    yield from _listed(manifest, source, report, context)
    _offer_metadata(manifest, report, context)
    yield report


# -- the package -----------------------------------------------------------------------------------------------------


def _check(reader: WaczReader, report: Taken, context: Context) -> Signature:
    """Compare the package with its manifest, look at its signature, and say what was found."""
    found = list(reader.contradictions())
    for entry in reader.entries:
        if entry.path.startswith(ARCHIVE_FOLDER) or not entry.trouble:
            found += _check_hash(reader, entry)
    for mismatch in found:
        context.tell(Unindexed(report.source, 0, "package", mismatch.path, mismatch.reason))
    report.notes += [mismatch.reason for mismatch in found[:_MOST_NOTES]]
    if len(found) > _MOST_NOTES:
        report.notes.append(
            f"{len(found) - _MOST_NOTES:,} more things are not as its manifest says; --report FILE names them all."
        )
    manifest_hash = reader.manifest_hash(reader.digest.hash if reader.digest else "")
    signature = check_signature(reader.digest, manifest_hash, trusted_roots() if _is_signed(reader) else {})
    if signature.kind != "none":
        report.notes += signature.findings
    return signature


def _is_signed(reader: WaczReader) -> bool:
    return reader.digest is not None and reader.digest.signed is not None


def _check_hash(reader: WaczReader, entry: Entry) -> list[Mismatch]:
    try:
        mismatch = reader.check(entry.path)
    except DamagedFile as error:
        return [Mismatch(entry.path, f"{entry.path} cannot be read whole. {error.message}")]
    return [mismatch] if mismatch is not None else []


def _kind_of(reader: WaczReader, entry: Entry) -> Kind:
    if entry.trouble or entry.path.startswith((INDEX_FOLDER, PAGES_FOLDER)) or entry.path in (DATAPACKAGE, DIGEST):
        return Kind.UNKNOWN
    try:
        with reader.open(entry.path) as stream:
            return recognise(stream, entry.path)
    except (DamagedFile, *READ_ERRORS):
        # What can still be read of a file that is damaged in its package is copied out of it.
        return Kind.WARC if entry.path.startswith(ARCHIVE_FOLDER) else Kind.UNKNOWN


def _take_entry(reader: WaczReader, entry: Entry, kind: Kind, source: Source, context: Context) -> Taken:
    """A WARC file of the package: where it is, or copied."""
    name = f"{source.name}{INSIDE}{entry.path}"
    shown = f"{source.title}{INSIDE}{entry.path}"
    if context.in_place and source.in_place and entry.is_stored:
        return take_warc(Source(name, kind, shown), context)
    with context.spool(entry.path) as path:
        damage = _copy(reader, entry, path)
        part = take_warc(Source(str(path), kind, shown, in_place=False), context)
    if damage:
        part.damage(context.tell, entry.size, damage)
    if not entry.is_stored:
        part.notes.append(
            "It is compressed once more inside the package, against the rules"
            + (", so it was copied." if context.in_place else "; it was read all the same.")
        )
    return part


def _copy(reader: WaczReader, entry: Entry, path: Path) -> str:
    """Copy a file out of the package as far as it can be read; what kept the rest, or ""."""
    with path.open("wb") as target:
        try:
            for piece in reader.pieces(entry.path):
                target.write(piece)
        except DamagedFile as error:
            return error.message
    return ""


def _take_description(reader: WaczReader, report: Taken, context: Context) -> bool:
    try:
        raw = b"".join(islice(reader.pieces(WACZ_PATH), _MOST_DESCRIPTION_PIECES))
    except DamagedFile:
        return False
    return take_description(raw, report, context)


def _note_other(report: Taken, entry: Entry, context: Context) -> None:
    """Say of a file of the package that nothing of it is indexed."""
    if entry.trouble:
        report.skip(context.tell, 0, "file", entry.path, entry.trouble)
    elif entry.path.startswith(INDEX_FOLDER):
        report.skip(context.tell, 0, "file", entry.path, "an index in the package: the WARC files are read themselves")
    elif entry.path not in (DATAPACKAGE, DIGEST) and not entry.path.startswith(PAGES_FOLDER):
        report.skip(context.tell, 0, "file", entry.path, "a file in the package that is no WARC file")


# -- packages of packages ---------------------------------------------------------------------------------------------


def _nested(reader: WaczReader, entry: Entry, source: Source, context: Context) -> Iterator[Source]:
    """A package inside the package: where it is, or, when it is compressed in there, from a copy for now."""
    shown = f"{source.title}{INSIDE}{entry.path}"
    if entry.is_stored:
        yield Source(f"{source.name}{INSIDE}{entry.path}", Kind.WACZ, shown, source.in_place)
        return
    with context.spool(entry.path) as path:
        _copy(reader, entry, path)
        yield Source(str(path), Kind.WACZ, shown, in_place=False)


def _listed(
    manifest: DataPackage,
    source: Source,
    report: Taken,
    context: Context,
    inside: set[str] = frozenset(),  # type: ignore[assignment]
) -> Iterator[Source]:
    """The packages that a list names and that are not inside the same package."""
    for number, resource in enumerate(manifest.resources):
        if resource.path in inside:
            continue
        name, reason = _resolved(resource.path, source)
        if reason:
            report.skip(context.tell, number, "file", resource.path, reason)
            continue
        if resource.hash and not _has_hash(name, resource.hash, context):
            report.notes.append(f"{resource.path} is not the file that the list names: its hash is another.")
        yield Source(name, Kind.WACZ, in_place=source.in_place)


def _resolved(path: str, source: Source) -> tuple[str, str]:
    """(where a listed package is, why it is not taken in): beside the list or below, or at a URL."""
    if path.startswith(("http://", "https://", "s3://")):
        return path, ""
    if "://" in source.name:
        found = urljoin(source.name, path)
        return found, "" if found.startswith(
            source.name.rpartition("/")[0] + "/"
        ) else "its path leads out of the list's folder"
    if not is_local(source.name):
        return "", "it is not in the package"
    folder = Path(source.name).resolve().parent
    found_path = Path(posixpath.join(folder, path)).resolve()
    if not found_path.is_relative_to(folder):
        return "", "its path leads out of the list's folder"
    return str(found_path), "" if found_path.is_file() else "it is not there"


def _has_hash(name: str, wanted: str, context: Context) -> bool:
    algorithm = algorithm_of(wanted)
    if not algorithm or not is_local(name):
        return True
    with context.open(name) as stream:
        return same_hash(hash_of(iter(lambda: stream.read(_PIECE), b""), algorithm), wanted)


# -- pages and metadata -----------------------------------------------------------------------------------------------


def _take_pages(reader: WaczReader, report: Taken, signature: Signature, source: Source, context: Context) -> None:
    """Keep the package as an imported crawl with its pages, and offer what it says of itself to the collection."""
    manifest = reader.manifest or DataPackage(profile="", version="")
    lists = [entry.path for entry in reader.entries if entry.path.startswith(PAGES_FOLDER) and not entry.trouble]
    seeds = [manifest.home_url] if manifest.home_url else []
    crawl = ImportedCrawl(
        identity=f"wacz {reader.manifest_hash('') if reader.raw_manifest else _identity(reader)}",
        seeds=seeds or _seeds(reader, lists),
        started_at=manifest.created,
        finished_at=manifest.modified or manifest.created,
        about=_about(manifest, signature, source),
    )
    number = context.crawls.note(context.slug, crawl)
    new = context.crawls.add_pages(number, _pages(reader, lists, report, context))
    if new:
        report.notes.append(f"{new:,} page{'s' if new != 1 else ''} of its lists are in the collection's list of pages now.")
    _offer_metadata(manifest, report, context)


def _identity(reader: WaczReader) -> str:
    """Of a package without a manifest: what its directory says."""
    return hash_of(f"{entry.path} {entry.size}\n".encode("utf-8", "replace") for entry in reader.entries)


def _about(manifest: DataPackage, signature: Signature, source: Source) -> dict[str, Any]:
    about: dict[str, Any] = {
        "source": source.title.rpartition("/")[2],
        "format": f"WACZ {manifest.version or ('1.2' if manifest.profile == 'wacz' else '')}".strip(),
        "title": manifest.title,
        "description": manifest.description,
        "software": manifest.software,
        "created": to_iso(manifest.created, 0) if manifest.created else "",
        "datapackage": dict(manifest.extra),
    }
    if signature.kind != "none":
        about["signature"] = {
            "kind": signature.kind,
            "valid": signature.is_valid,
            "key": signature.key,
            "domain": signature.domain,
            "trusted": signature.is_trusted,
            "stamped": to_iso(signature.stamped_at, 0) if signature.stamped_at else "",
            "findings": signature.findings,
        }
    return {key: value for key, value in about.items() if value}


def _seeds(reader: WaczReader, lists: list[str]) -> list[str]:
    """The pages that a crawler marked as its seeds; a hundred at most."""
    found: list[str] = []
    for path in lists:
        try:
            for line in reader.lines(path):
                page = _page_of(line)
                if page is not None and page.extra.get("seed") is True and len(found) < 100:
                    found.append(page.url)
        except DamagedFile:
            continue  # said when the pages are taken in
    return found


def _pages(reader: WaczReader, lists: list[str], report: Taken, context: Context) -> Iterator[ImportedPage]:
    for path in lists:
        try:
            for number, line in enumerate(reader.lines(path), start=1):
                if not line.strip():
                    continue
                try:
                    page = parse_page_line(line)
                except DamagedFile as error:
                    report.skip(
                        context.tell, number, "page", path, f"a line of a list of pages cannot be read: {error.message}"
                    )
                    continue
                if isinstance(page, Page):
                    yield _imported_page(page, number, report, context)
        except DamagedFile as error:
            report.notes.append(f"{path} cannot be read whole. {error.message}")


def _imported_page(page: Page, number: int, report: Taken, context: Context) -> ImportedPage:
    report.records["page"] += 1
    try:
        url = parse_url(page.url)
    except InvalidURL:
        url = page.url
    timestamp = context.timestamp_of(url, page.ts)
    if timestamp is None:
        report.skip(context.tell, number, "page", page.url, "a page of a list of which there is no capture")
    return ImportedPage(page.url, timestamp, page.title, page.ts)


def _page_of(line: bytes) -> Page | None:
    try:
        page = parse_page_line(line)
    except DamagedFile:
        return None
    return page if isinstance(page, Page) else None


def _offer_metadata(manifest: DataPackage, report: Taken, context: Context) -> None:
    """Give the collection the title and description of a package where it has none of its own."""
    registry = context.holdings.collections
    collection = registry.get(context.slug)
    has_title = collection.title not in (collection.slug, "Default")
    title = manifest.title if manifest.title and not has_title else None
    description = manifest.description if manifest.description and not collection.description else None
    if title is None and description is None:
        return
    registry.update(context.slug, title=title, description=description)
    what = " and ".join(name for name, value in (("title", title), ("description", description)) if value)
    report.notes.append(f"The collection had no {what}; it has that of the package now.")
