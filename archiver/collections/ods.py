"""Tables as OpenDocument spreadsheets (ISO/IEC 26300), the little of it that a table of texts needs.

Libraries for the format load whole documents as trees and believe what they say of repeated cells; a file from elsewhere is
read here row by row, and no further than a table may go.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO
from xml.sax.saxutils import escape

from lxml import etree

MIME = "application/vnd.oasis.opendocument.spreadsheet"
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
_TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
_MANIFEST = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def write_ods(rows: Iterable[Sequence[str]], title: str) -> bytes:
    """A spreadsheet with one sheet, all of whose cells are texts: none is a formula, whatever it begins with."""
    parts = [
        _HEAD,
        f'<office:document-content xmlns:office="{_OFFICE}" xmlns:table="{_TABLE}" xmlns:text="{_TEXT}" office:version="1.3">',
        f'<office:body><office:spreadsheet><table:table table:name="{escape(title, {chr(34): "&quot;"})}">',
    ]
    for row in rows:
        parts.append("<table:table-row>")
        parts.extend(_cell(value) for value in row)
        parts.append("</table:table-row>")
    parts.append("</table:table></office:spreadsheet></office:body></office:document-content>")
    manifest = (
        f'{_HEAD}<manifest:manifest xmlns:manifest="{_MANIFEST}" manifest:version="1.3">'
        f'<manifest:file-entry manifest:full-path="/" manifest:version="1.3" manifest:media-type="{MIME}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr(zipfile.ZipInfo("mimetype"), MIME, zipfile.ZIP_STORED)  # first, and as it is: so files are recognised
        package.writestr("content.xml", "".join(parts))
        package.writestr("META-INF/manifest.xml", manifest)
    return written.getvalue()


def _cell(value: str) -> str:
    if not value:
        return "<table:table-cell/>"
    lines = "".join(f"<text:p>{_spaced(line)}</text:p>" for line in value.split("\n"))
    return f'<table:table-cell office:value-type="string">{lines}</table:table-cell>'


def _spaced(line: str) -> str:
    """A line whose spaces are kept: of white space in a row, readers keep one."""
    words = escape(line).replace("\t", "<text:tab/>")
    while "  " in words:
        start = words.index("  ")
        length = len(words[start:]) - len(words[start:].lstrip(" "))
        words = f'{words[:start]} <text:s text:c="{length - 1}"/>{words[start + length :]}'
    return f"<text:s/>{words[1:]}" if words.startswith(" ") else words


def read_ods(content: IO[bytes], columns: int) -> Iterator[list[str]]:
    """The rows of the first sheet, empty cells at their ends left out; a row that is repeated as often as it says.

    Args:
        content: of content.xml.
        columns: most cells of a row that are read.

    Raises:
        lxml.etree.XMLSyntaxError: it is no XML.
    """
    row, cell, end = f"{{{_TABLE}}}table-row", f"{{{_TABLE}}}table-cell", f"{{{_TABLE}}}table"
    events = etree.iterparse(content, events=("end",), tag=(row, end), resolve_entities=False, no_network=True, load_dtd=False)
    for _, element in events:
        if element.tag == end:
            return
        values: list[str] = []
        for item in element.iterchildren(cell, f"{{{_TABLE}}}covered-table-cell"):
            repeated = _number(item.get(f"{{{_TABLE}}}number-columns-repeated"))
            values += [_text(item)] * min(repeated, columns - len(values))
        while values and not values[-1]:
            values.pop()
        repeated = _number(element.get(f"{{{_TABLE}}}number-rows-repeated"))
        element.clear()
        for _ in range(repeated if values else 1):
            yield list(values)


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 1


def _text(cell: etree._Element) -> str:
    return "\n".join("".join(_pieces(paragraph)) for paragraph in cell.iterchildren(f"{{{_TEXT}}}p"))


def _pieces(element: etree._Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag == f"{{{_TEXT}}}s":
            yield " " * min(_number(child.get(f"{{{_TEXT}}}c")), 1000)
        elif child.tag == f"{{{_TEXT}}}tab":
            yield "\t"
        elif child.tag == f"{{{_TEXT}}}line-break":
            yield "\n"
        elif isinstance(child.tag, str):
            yield from _pieces(child)
        yield child.tail or ""
