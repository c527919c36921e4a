"""Tables of texts as files that spreadsheet programs write and read: CSV, OpenDocument (ODS) and Excel (XLSX).

What comes from elsewhere may be anything. What goes out is text in every cell: nothing in it runs as a formula.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import IO

from lxml import etree

from archiver.collections.ods import MIME as ODS_MIME
from archiver.collections.ods import read_ods, write_ods
from archiver.errors import UsageError
from archiver.plaintext import plain

#: Largest file that is read, most that it may unpack to, and most rows, and cells of a row.
LARGEST_FILE = 10_000_000
_UNPACKED = 100_000_000
MOST_ROWS = 50_000
MOST_COLUMNS = 500
_CHUNK = 1 << 16

#: What spreadsheet programs take for the beginning of a formula, also after apostrophes that were put there before.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
#: Code points that no XML may have.
_NO_XML = re.compile("[\ufffe\uffff]")
_PROTECTED = re.compile(r"'+[=+\-@\t\r]")

Table = list[list[str]]


class SheetKind(StrEnum):
    """The kinds of files."""

    CSV = "csv"
    ODS = "ods"
    XLSX = "xlsx"

    @property
    def mime(self) -> str:
        """As files of it are served."""
        return _MIMES[self]


_MIMES = {
    SheetKind.CSV: "text/csv; charset=utf-8",
    SheetKind.ODS: ODS_MIME,
    SheetKind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


# -- out -------------------------------------------------------------------------------------------------------------


def write_table(rows: Iterable[Sequence[str]], kind: SheetKind, title: str = "Sheet") -> bytes:
    """A table as a file.

    Args:
        rows: of texts, the first with the names of the columns.
        kind: of file.
        title: of the sheet, where there are such.
    """
    clean = ([_NO_XML.sub("", plain(value)) for value in row] for row in rows)
    if kind is SheetKind.CSV:
        return write_csv(clean)
    title = re.sub(r"[\[\]:*?/\\]", " ", title)[:31].strip() or "Sheet"
    return write_ods(clean, title) if kind is SheetKind.ODS else _write_xlsx(clean, title)


def write_csv(rows: Iterable[Sequence[str]]) -> bytes:
    """Comma-separated, UTF-8 with its mark, so that every program knows the letters; an apostrophe before what could run."""
    written = io.StringIO()
    csv.writer(written).writerows([f"'{value}" if _FORMULA.match(value) else value for value in row] for row in rows)
    return b"\xef\xbb\xbf" + written.getvalue().encode("utf-8")


def _write_xlsx(rows: Iterable[Sequence[str]], title: str) -> bytes:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    for row in rows:
        cells = []
        for value in row:
            cell = WriteOnlyCell(sheet, value)
            if value:
                cell.data_type = "s"  # it would take what begins with "=" for a formula
            cells.append(cell)
        sheet.append(cells)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


# -- in --------------------------------------------------------------------------------------------------------------


def read_table(data: bytes) -> Table:
    """The rows of a file, whatever its name: of spreadsheets the first sheet. Empty rows are left out.

    Raises:
        UsageError: it is no table, too large, or damaged; says what.
    """
    if len(data) > LARGEST_FILE:
        raise UsageError(f"That file is larger than {LARGEST_FILE // 1_000_000} MB.", "Split it.")
    if not data.strip():
        raise UsageError("That file is empty.", "Choose a CSV, ODS or XLSX file.")
    rows = _from_package(data) if data.startswith(b"PK\x03\x04") else _from_csv(data)
    table: Table = []
    for row in rows:
        while row and not row[-1]:
            row.pop()
        if not row:
            continue
        if len(table) >= MOST_ROWS:
            raise UsageError(f"That table has more than {MOST_ROWS:,} rows.", "Split it.")
        values = [plain(value).strip() for value in row]
        if any(values[MOST_COLUMNS:]):
            raise UsageError(f"That table has more than {MOST_COLUMNS} columns.", "Take columns out.")
        if any(values):
            table.append(values)
    if not table:
        raise UsageError("There is nothing in that table.", "Its first sheet must hold the rows.")
    return table


def _from_csv(data: bytes) -> Iterator[list[str]]:
    text = decoded(data)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False)
    try:
        for row in reader:
            yield [value[1:] if _PROTECTED.match(value) else value for value in row]
    except csv.Error as error:
        raise UsageError(f"Line {reader.line_num} of that file cannot be read as CSV.", "Look for a missing quote.") from error


def decoded(data: bytes) -> str:
    """The text of a file: UTF-8, UTF-16 with its mark, or else as Windows writes western letters.

    Raises:
        UsageError: it is no text.
    """
    refused = UsageError("That file is neither text nor a spreadsheet.", "Choose a CSV, ODS or XLSX file.")
    is_wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    if not is_wide and b"\0" in data:
        raise refused
    try:
        return data.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        if is_wide:
            raise refused from error
    text = data.decode("cp1252", "replace")
    if sum(letter == "\ufffd" or (letter < " " and letter not in "\r\n\t") for letter in text[:10_000]) > 20:
        raise refused
    return text


def _from_package(data: bytes) -> Iterator[list[str]]:
    broken = UsageError("That spreadsheet is damaged.", "Open it in a spreadsheet program and save it anew.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            _measure(package)
            names = set(package.namelist())
            if "content.xml" in names and "mimetype" in names and package.read("mimetype").strip() == ODS_MIME.encode():
                with package.open("content.xml") as content:
                    yield from read_ods(content, MOST_COLUMNS + 1)
                return
            if "xl/workbook.xml" not in names:
                raise UsageError("That is a package, but no spreadsheet.", "Choose a CSV, ODS or XLSX file.")
        yield from _read_xlsx(io.BytesIO(data))
    except (zipfile.BadZipFile, zlib.error, etree.XMLSyntaxError, EOFError, OSError, ValueError, KeyError) as error:
        raise broken from error
    except (RuntimeError, NotImplementedError) as error:
        raise UsageError("That spreadsheet is encrypted or packed in a way that is not known.", "Save it without.") from error


def _measure(package: zipfile.ZipFile) -> None:
    """Unpack everything once, to know that it is whole and how large, before anybody keeps it in memory."""
    total = 0
    if len(package.infolist()) > 10_000:
        raise UsageError("That spreadsheet has too many parts.", "Save it anew.")
    for item in package.infolist():
        with package.open(item) as stream:
            while chunk := stream.read(_CHUNK):
                total += len(chunk)
                if total > _UNPACKED:
                    raise UsageError(f"That spreadsheet unpacks to more than {_UNPACKED // 1_000_000} MB.", "Split it.")


def _read_xlsx(stream: IO[bytes]) -> Iterator[list[str]]:
    import openpyxl

    try:
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what it says of its size may be anything
        for row in sheet.iter_rows(values_only=True):
            yield ["" if value is None else _shown(value) for value in row]
    except Exception as error:  # its reader fails in many ways for what is no such file
        raise UsageError("That spreadsheet is damaged.", "Open it in a spreadsheet program and save it anew.") from error


def _shown(value: object) -> str:
    """A cell as text: whole numbers without a point, dates without a time of midnight."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).removesuffix(" 00:00:00")
