"""HAR files: every request and response they tell of becomes WARC records, which say that they were rebuilt from a HAR."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import NAMESPACE_URL, uuid5

import ijson

from archiver.collections.imported import ImportedCrawl, ImportedPage
from archiver.errors import DamagedFile, InvalidTimestamp
from archiver.fetch.withhold import withhold
from archiver.fixity import measure
from archiver.imports.context import Context, Source
from archiver.imports.harentry import Unusable, rebuild
from archiver.imports.recognise import Kind
from archiver.imports.report import NOTHING_READ, Taken, refused
from archiver.imports.warcs import take_warc
from archiver.plaintext import one_line
from archiver.store.folder import FolderStore
from archiver.timestamps import parse_iso
from archiver.warc.writer import PageContext, WarcInfo, WarcWriter

_JSON_ERRORS = (ijson.JSONError, UnicodeDecodeError, ValueError, EOFError, zlib.error, OSError)
_MOST_PAGES = 10_000
#: Lists and objects within each other. Entries themselves have some ten.
_DEEPEST = 500

#: Bytes of one entry: an entry is held in memory.
MOST_ENTRY_BYTES = 512 * 1024 * 1024


@dataclass
class _About:
    """What a HAR says of itself."""

    version: str = ""
    creator: str = ""
    browser: str = ""
    first: datetime | None = None
    pages: dict[str, tuple[str, datetime | None]] = field(default_factory=dict)


def take_har(source: Source, context: Context) -> Iterator[Taken]:
    """Take a HAR in; what was taken in before is left alone."""
    report = Taken(source.title, Kind.HAR)
    with context.open(source.name) as stream:
        identity = f"har {measure(stream).sha256}"
    if (known := context.crawls.known(context.slug, identity)) is not None:
        about = context.crawls.about(known)
        if about.get("complete"):
            report.captures, report.stored_as = int(about.get("captures", 0)), str(about.get("file", ""))
            report.notes.append("It was taken in before; nothing was added.")
            yield report
            return
    about_it = _about(source, context)
    name = f"har-{identity[4:20]}.warc.gz"
    with context.spool(name) as path:
        first_urls = _write(path, identity, about_it, source, report, context)
        part = take_warc(Source(str(path), Kind.WARC, source.title, in_place=False), context) if path.exists() else None
    if report.damaged and not report.records["entry"]:
        yield refused(source.title, Kind.HAR, NOTHING_READ, lambda _: None)  # the damage was told
        return
    if part is not None:
        report.stored_as, report.captures = part.stored_as, part.captures
        report.damaged += part.damaged
    _keep(identity, about_it, first_urls, report, source, context)
    if context.in_place:
        report.notes.append("A HAR cannot be read in place: its records are in the archive's own WARC file.")
    report.notes.append(
        "The records were rebuilt from what the HAR tells, and say so: they are not the bytes that crossed the network."
    )
    yield report


def _write(path: Path, identity: str, about: _About, source: Source, report: Taken, context: Context) -> dict[str, str]:
    """Write the records of all entries; the first URL of each page."""
    began = about.first or context.clock()
    numbers = iter(range(1, 1 << 62))
    writer = WarcWriter(
        FolderStore(path.parent),
        prefix="har",
        warcinfo=_info(about, source, context),
        clock=lambda: began,  # by the standard the moment at which capture began; the same however often it is taken in
        new_id=lambda: f"<urn:uuid:{uuid5(NAMESPACE_URL, f'{identity} {next(numbers)}')}>",
        max_bytes=1 << 62,
        hostname="har",
    )
    first_urls: dict[str, str] = {}
    try:
        for number, entry in enumerate(_entries(source, context), start=1):
            report.records["entry"] += 1
            _write_entry(writer, number, entry, first_urls, report, context)
            context.progress(source.title, number, 0)
    except DamagedFile as error:
        report.damage(context.tell, report.records["entry"], error.message)
    written = writer.close()
    if written:
        (path.parent / written[0]).rename(path)
    return first_urls


def _write_entry(
    writer: WarcWriter, number: int, entry: Mapping[str, Any], first_urls: dict[str, str], report: Taken, context: Context
) -> None:
    request = entry.get("request") if isinstance(entry.get("request"), dict) else {}
    url = one_line(str(cast(dict[str, Any], request).get("url", "")))
    try:
        rebuilt = rebuild(entry)
    except Unusable as error:
        report.skip(context.tell, number, "entry", url, str(error))
        return
    exchange = withhold(rebuilt.exchange)
    page = str(entry.get("pageref", ""))
    first_urls.setdefault(page, exchange.url)
    said = ("rebuiltFrom", "HAR, as a browser told of the messages: not the bytes that crossed the network")
    notes = (said, *(("rebuilt", change) for change in rebuilt.changes))
    writer.write_exchange(exchange, page=PageContext(notes=notes))
    exchange.close()
    if rebuilt.no_body:
        report.skip(context.tell, number, "body", exchange.url, "the HAR has no body for this response: its head alone is kept")
    if exchange.withheld:
        report.records["entry with secrets withheld"] += 1


def _info(about: _About, source: Source, context: Context) -> WarcInfo:
    by = f" by {about.creator}" if about.creator else ""
    settings = context.holdings.settings
    return WarcInfo(
        software=f"muniment/{version('muniment')}",
        operator=settings.operator,
        description=(
            f"Rebuilt from the HAR {about.version} file {source.title.rpartition('/')[2]} written{by}"
            f"{f' for {about.browser}' if about.browser else ''}: request and response heads as that program told them, bodies "
            "without the codings that it had removed. These are not the bytes that crossed the network."
        ).replace("HAR  file", "HAR file"),
        robots="",
    )


def _keep(identity: str, about: _About, first_urls: dict[str, str], report: Taken, source: Source, context: Context) -> None:
    """Note the crawl that the HAR stands for, and its pages."""
    said = {
        "source": source.title.rpartition("/")[2],
        "format": f"HAR {about.version}".strip(),
        "software": about.creator,
        "browser": about.browser,
        "file": report.stored_as,
        "captures": report.captures,
        "complete": True,
    }
    seeds = [first_urls[page] for page in about.pages if page in first_urls]
    crawl = ImportedCrawl(identity, seeds, about.first, about.first, {key: value for key, value in said.items() if value})
    number = context.crawls.note(context.slug, crawl)
    found = (
        ImportedPage(first_urls[page], context.timestamp_of(first_urls[page], moment), title, moment)
        for page, (title, moment) in about.pages.items()
        if page in first_urls
    )
    context.crawls.add_pages(number, found)


# -- the file --------------------------------------------------------------------------------------------------------


def _about(source: Source, context: Context) -> _About:
    """What a HAR says of itself; reads all of it, in little memory."""
    found, page = _About(), dict[str, str]()
    with context.text(source.name) as stream:
        try:
            bounded = _Bounded(stream)
            for path, event, value in ijson.parse(_shallow(bounded)):
                bounded.begin()
                if event == "string":
                    _note(found, path, value)
                    if path.startswith("log.pages.item."):
                        page[path] = one_line(value[:1000])
                elif event == "end_map" and path == "log.pages.item":
                    if len(found.pages) < _MOST_PAGES:
                        moment = _moment(page.get(f"{path}.startedDateTime", ""))
                        found.pages[page.get(f"{path}.id", "")] = (page.get(f"{path}.title", ""), moment)
                    page.clear()
        except (DamagedFile, *_JSON_ERRORS):
            pass  # said when the entries are read
    return found


def _note(found: _About, path: str, value: str) -> None:
    text = one_line(value[:1000])
    match path:
        case "log.version":
            found.version = text[:20]
        case "log.creator.name" | "log.creator.version":
            found.creator = f"{found.creator} {text}".strip()[:200]
        case "log.browser.name" | "log.browser.version":
            found.browser = f"{found.browser} {text}".strip()[:200]
        case "log.entries.item.startedDateTime":
            moment = _moment(text)
            if moment is not None and (found.first is None or moment < found.first):
                found.first = moment
        case _:
            pass


def _moment(text: str) -> datetime | None:
    try:
        return parse_iso(text)
    except InvalidTimestamp:
        return None


def _entries(source: Source, context: Context) -> Iterator[Mapping[str, Any]]:
    """The entries, one at a time.

    Raises:
        DamagedFile: it ends in the middle, or is no JSON from there on.
    """
    with context.text(source.name) as stream:
        try:
            bounded = _Bounded(stream)
            for item in ijson.items(ijson.parse(_shallow(bounded, use_float=True)), "log.entries.item"):
                bounded.begin()
                if isinstance(item, dict):
                    yield item
        except _JSON_ERRORS as error:
            raise DamagedFile("The HAR cannot be read from here on: it ends in the middle or is no JSON.") from error


def _shallow(stream: _Bounded, *, use_float: bool = False) -> Iterator[tuple[str, Any]]:
    """What a parser finds, as long as it is not nested deeper than any HAR: names of places take the square of the depth.

    Raises:
        DamagedFile: it is.
    """
    depth = 0
    for event, value in ijson.basic_parse(stream, use_float=use_float):
        if event in ("start_map", "start_array"):
            depth += 1
            if depth > _DEEPEST:
                raise DamagedFile("The HAR is nested deeper than any program writes one; what follows is not read.")
        elif event in ("end_map", "end_array"):
            depth -= 1
        yield event, value


class _Bounded:
    """A stream of which so much may be read between two entries, and no more.

    Raises:
        DamagedFile: from `read`, when it is more.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = MOST_ENTRY_BYTES

    def begin(self) -> None:
        """Another entry begins."""
        self._left = MOST_ENTRY_BYTES

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise DamagedFile(
                f"An entry of the HAR has more than {MOST_ENTRY_BYTES:,} bytes; it and what follows are not read."
            )
        return data
