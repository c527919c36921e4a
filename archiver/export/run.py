"""An export from its beginning to its end: what is wanted, in which form, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from archiver.collections.exchange import to_json
from archiver.collections.exchangeformat import FILE_NAME, WACZ_PATH
from archiver.export.copying import Copier, Missing
from archiver.export.lines import (
    BLOCK_LINES,
    CDX_HEADER,
    IndexLine,
    blocks,
    cdx_line,
    cdxj_line,
    in_order,
    line_of,
    line_of_row,
)
from archiver.export.originals import original_of
from archiver.export.output import Bundle, PackageBundle
from archiver.export.pages import list_pages, title_of
from archiver.export.selection import Permitted, Selection, ranges_of, selected
from archiver.export.series import Series
from archiver.export.workings import Workings
from archiver.holdings import Holdings
from archiver.model import Capture, Collection, Visibility
from archiver.timestamps import parse_timestamp
from archiver.wacz.package import (
    INDEX_FOLDER,
    PAGES,
    PROFILE_1_1,
    PROFILE_1_2,
    DataPackage,
    Page,
    PagesHeader,
    page_line,
    pages_header_line,
)
from archiver.wacz.write import WaczWriter
from archiver.warc.records import WarcInfo

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

#: Versions of WACZ that are written.
WACZ_VERSIONS = ("1.1.1", "1.2.0")

_LINES_AT_ONCE = 1000
_SPOOL_BYTES = 8 * 1024 * 1024

Progress = Callable[[str, int, int], None]


def _nothing(step: str, done: int, total: int) -> None:
    """Tells nobody."""


@dataclass(frozen=True)
class Wish:
    """What an export is to be.

    Attributes:
        selection: of what.
        permitted: whether a capture may go out; None for all.
        public: for everybody: without what readers are not shown of captures, and nothing out of private collections.
        originals: bring the captures along that revisits refer to.
        max_bytes: size at which a WARC file is finished; 0 for no limit.
        wacz_version: one of `WACZ_VERSIONS`.
        key: signs a WACZ.
        describe: put what is known of the collection beside its files: not for who gets a page of it.
        workings: folder for the working file; None for the system's own place.
    """

    selection: Selection
    permitted: Permitted | None = None
    public: bool = False
    originals: bool = True
    max_bytes: int = 1_000_000_000
    wacz_version: str = WACZ_VERSIONS[0]
    key: EllipticCurvePrivateKey | None = None
    describe: bool = True
    workings: Path | None = None


@dataclass
class ExportReport:
    """What went out.

    Attributes:
        selection: of what, in words.
        captures: that went out, those brought along included.
        left_out: captures of the selection that are not permitted.
        brought: captures outside the selection that revisits refer to.
        without_original: revisits whose original is not in the export.
        pages: lines of the list of pages.
        files: WARC files by name, with their bytes.
        whole_files: those of them that were copied as they are.
        missing: captures that could not be read; `unnamed_missing` counts those beyond.
    """

    selection: str
    captures: int = 0
    left_out: int = 0
    brought: int = 0
    without_original: int = 0
    pages: int = 0
    files: dict[str, int] = field(default_factory=dict)
    whole_files: int = 0
    missing: list[Missing] = field(default_factory=list)
    unnamed_missing: int = 0

    @property
    def lacks(self) -> int:
        """How many captures could not be read."""
        return len(self.missing) + self.unnamed_missing


class Exporter:
    """Makes one export.

    Args:
        holdings: the opened archive.
        wish: what is wanted.
        clock: the time, UTC.
        new_id: makes WARC-Record-IDs.
        progress: told the step, how far it is and how far it goes (0: nobody knows).

    The methods raise NotFound where there is nothing of that name, and StorageFailed where the database or the store cannot be
    read, or the output fails.
    """

    def __init__(
        self,
        holdings: Holdings,
        wish: Wish,
        *,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        progress: Progress = _nothing,
    ) -> None:
        self._holdings = holdings
        self._wish = wish
        self._slug = holdings.collections.get(wish.selection.collection).slug
        self._clock = clock
        self._new_id = new_id
        self._progress = progress
        self._report = ExportReport(wish.selection.in_words())

    def index(self, stream: BinaryIO, *, as_cdx: bool = False) -> ExportReport:
        """Write the captures as lines of CDXJ, or of CDX with eleven fields; files and places are those of the archive."""
        if as_cdx:
            stream.write(f"{CDX_HEADER}\n".encode())
        batch: list[str] = []
        for line in in_order(self._lines(), cdx_line if as_cdx else cdxj_line):
            batch.append(line)
            if len(batch) >= _LINES_AT_ONCE:
                stream.write("".join(batch).encode("utf-8", "surrogatepass"))
                batch.clear()
        stream.write("".join(batch).encode("utf-8", "surrogatepass"))
        return self._report

    def warcs(self, bundle: Bundle, *, name: str = "") -> ExportReport:
        """Write the captures with their requests and metadata as WARC files.

        Args:
            bundle: takes the files.
            name: of a single file.
        """
        with Workings(self._wish.workings) as workings:
            self._records(bundle, workings, name)
        return self._report

    def wacz(self, stream: BinaryIO) -> ExportReport:
        """Write the captures as a WACZ package: WARC files, index, list of pages, manifest."""
        with Workings(self._wish.workings) as workings, WaczWriter(stream, self._clock()) as package:
            self._records(PackageBundle(package), workings, "")
            _write_index(package, workings)
            self._progress("pages", 0, 0)
            list_pages(self._holdings, self._slug, workings)
            home = self._write_pages(package, workings)
            if self._wish.describe:
                package.add(WACZ_PATH, [description_of(self._holdings, self._slug)], deflate=True)
            package.finish(self._manifest(home), self._wish.key)
        return self._report

    def describe(self, folder: Path) -> None:
        """Put what is known of the collection into a folder, where that is wanted."""
        if self._wish.describe:
            (folder / FILE_NAME).write_bytes(description_of(self._holdings, self._slug))

    def _lines(self) -> Iterator[IndexLine]:
        """The captures as an index says them: rows as they are where nothing sifts them but key and time."""
        selection = self._wish.selection
        if selection.page or selection.crawl is not None or self._wish.permitted is not None:
            yield from map(line_of, self._counted())
            return
        batches = self._holdings.index.scan_rows(
            (self._slug,), ranges_of(selection), since=selection.since or None, until=selection.until or None
        )
        for rows in batches:
            yield from map(line_of_row, rows)
            self._report.captures += len(rows)
            self._progress("captures", self._report.captures, 0)

    # -- records -----------------------------------------------------------------------------------------------------

    def _counted(self) -> Iterator[Capture]:
        permitted, is_page = self._wish.permitted, bool(self._wish.selection.page)
        for capture in selected(self._holdings, self._wish.selection, permitted if is_page else None):
            if permitted is not None and not permitted(capture):
                self._report.left_out += 1
                continue
            self._report.captures += 1
            if self._report.captures % _LINES_AT_ONCE == 0:
                self._progress("captures", self._report.captures, 0)
            yield capture

    def _records(self, bundle: Bundle, workings: Workings, name: str) -> None:
        wish, report = self._wish, self._report
        self._gather(workings)
        _, report.brought, total = workings.totals()
        series = Series(
            bundle,
            prefix=self._slug,
            info=self._info(),
            clock=self._clock,
            new_id=self._new_id,
            max_bytes=wish.max_bytes,
            name=name,
        )
        copier = Copier(
            self._holdings,
            workings,
            series,
            whole_files=not wish.public and not wish.selection.page,
            bare=wish.public,
            progress=lambda done: self._progress("bytes", done, total),
        )
        try:
            copied = copier.run()
        except BaseException:
            bundle.abandon()
            raise
        report.captures = workings.placed()
        report.files = dict(series.files)
        report.whole_files = copied.whole
        report.missing, report.unnamed_missing = copied.missing, copied.unnamed_missing

    def _gather(self, workings: Workings) -> None:
        """Note what is wanted, and what revisits need of that which is not."""
        others = self._others()
        for capture in self._counted():
            workings.add(capture)
            if capture.revisit_of is not None:
                original = original_of(self._holdings, capture, others, self._wish.permitted)
                if original is None:
                    self._report.without_original += 1
                else:
                    workings.add(original, brought=True)
        if not self._wish.originals:
            self._report.without_original += workings.leave_brought()

    def _others(self) -> list[str]:
        """Collections in which originals are looked for beside the one: all, or those that readers may see."""
        return [
            item.slug
            for item in self._holdings.collections.all()
            if item.slug != self._slug and (not self._wish.public or item.visibility is not Visibility.PRIVATE)
        ]

    def _info(self) -> WarcInfo:
        collection = self._holdings.collections.get(self._slug)
        owner = collection.organisation
        public = ", as far as it is public" if self._wish.public else ""
        return WarcInfo(
            software=software(),
            operator=self._holdings.settings.operator or (owner.name if owner else ""),
            is_part_of=collection.slug,
            description=f"Export of {self._wish.selection.in_words()}{public}",
            robots="",
        )

    # -- what else is in a package -----------------------------------------------------------------------------------

    def _write_pages(self, package: WaczWriter, workings: Workings) -> Page | None:
        """Write the list of pages; the one to begin with."""
        home: Page | None = None

        def lines() -> Iterator[bytes]:
            nonlocal home
            yield pages_header_line(PagesHeader())
            for row in workings.pages():
                title = title_of(self._holdings, self._slug, row) or row.url
                extra: dict[str, Any] = {"seed": True} if row.is_seed else {}
                page = Page(row.url, parse_timestamp(row.timestamp), title, f"{row.timestamp}/{row.url}", extra=extra)
                home = home or page
                self._report.pages += 1
                yield page_line(page)

        package.add(PAGES, lines(), deflate=True)
        return home

    def _manifest(self, home: Page | None) -> DataPackage:
        collection = self._holdings.collections.get(self._slug)
        described = DataPackage(
            title=collection.title,
            description=collection.description,
            software=software(),
            home_url=home.url if home else "",
            home_date=home.ts if home else None,
            extra=_extra(collection),
        )
        if self._wish.wacz_version == WACZ_VERSIONS[1]:
            return replace(described, profile=PROFILE_1_2, version="")
        return replace(described, profile=PROFILE_1_1, version=self._wish.wacz_version)


def _extra(collection: Collection) -> dict[str, Any]:
    """What the manifest says beyond what WACZ has a place for: who collects; title and text where ReplayWeb.page looks."""
    about = {"title": collection.title, "desc": collection.description}
    said: dict[str, Any] = {"metadata": {name: text for name, text in about.items() if text}}
    if collection.organisation:
        said["organization"] = collection.organisation.name
    return said


def description_of(holdings: Holdings, slug: str) -> bytes:
    """What is known of a collection beside its captures, as a JSON file.

    Raises:
        UnknownCollection: there is none of that name.
    """
    return (json.dumps(to_json(holdings, slug), ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")


def software() -> str:
    """This program, as files name it."""
    return f"Muniment {version('muniment')}"


def _write_index(package: WaczWriter, workings: Workings) -> None:
    """One file when it is small; else blocks, and an index of them."""
    lines = in_order(workings.lines(), cdxj_line)
    first = [line for _, line in zip(range(BLOCK_LINES), lines, strict=False)]
    rest = next(lines, None)
    if rest is None:
        package.add(f"{INDEX_FOLDER}index.cdx", (line.encode("utf-8") for line in first), deflate=True)
        return

    def all_lines() -> Iterator[str]:
        yield from first
        yield rest
        yield from lines

    with SpooledTemporaryFile(_SPOOL_BYTES) as second:
        second_index = cast(BinaryIO, second)

        def packed() -> Iterator[bytes]:
            for block, line in blocks(all_lines(), "index.cdx.gz"):
                second_index.write(line.encode("utf-8"))
                yield block

        package.add(f"{INDEX_FOLDER}index.cdx.gz", packed())
        second_index.seek(0)
        package.add(f"{INDEX_FOLDER}index.idx", iter(lambda: second_index.read(_SPOOL_BYTES), b""), deflate=True)
