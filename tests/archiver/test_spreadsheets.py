"""Tables as files: what goes out comes back and never runs; garbage, lies and bombs are told."""

from __future__ import annotations

import io
import zipfile

import openpyxl
import pytest

from archiver.collections import ods, spreadsheets
from archiver.collections.spreadsheets import SheetKind, read_table, write_table
from archiver.errors import UsageError

TABLE = [
    ["url", "title", "notes"],
    ["https://example.org/?a=1&b=<2>", "Été «à» 目录 مجموعة 🏛", "two\nlines, \"quoted\"; and  three   spaces"],
    ["=HYPERLINK(\"http://evil.example\")", "+1", "-2"],
    ["@SUM(A1)", "'=already", "''quoted"],
]  # fmt: skip


@pytest.mark.parametrize("kind", list(SheetKind))
def test_a_table_comes_back_as_it_went(kind: SheetKind) -> None:
    assert read_table(write_table(TABLE, kind, "Seeds: [all]")) == TABLE


def test_nothing_runs_as_a_formula() -> None:
    for line in write_table(TABLE, SheetKind.CSV).decode("utf-8-sig").splitlines():
        assert not any(cell.lstrip('"').startswith(("=", "+", "-", "@")) for cell in line.split(","))
    sheet = openpyxl.load_workbook(io.BytesIO(write_table(TABLE, SheetKind.XLSX))).worksheets[0]
    assert all(cell.data_type in "sn" for row in sheet.iter_rows() for cell in row if cell.value is not None)
    package = zipfile.ZipFile(io.BytesIO(write_table(TABLE, SheetKind.ODS)))
    assert b"table:formula" not in package.read("content.xml")
    assert package.infolist()[0].filename == "mimetype" and package.infolist()[0].compress_type == zipfile.ZIP_STORED


@pytest.mark.parametrize(
    ("data", "second"),
    [
        (b"url;title\r\nhttp://a.example/;\xc9t\xe9\r\n", ["http://a.example/", "Été"]),
        ("url\ttitle\nhttp://a.example/\t目\n".encode("utf-16"), ["http://a.example/", "目"]),
        (b'\xef\xbb\xbfurl,title\n\n"http://a.example/","a\nb"\n', ["http://a.example/", "a\nb"]),
    ],
)
def test_csv_as_programs_write_it(data: bytes, second: list[str]) -> None:
    assert read_table(data) == [["url", "title"], second]


def package(**members: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members.items():
            made.writestr(name.replace("__", "/").replace("_xml", ".xml"), data)
    return written.getvalue()


MIMETYPE = ods.MIME.encode()


@pytest.mark.parametrize(
    "data",
    [
        b"", b"  \n", b"\x89PNG\r\n\x1a\n\0\0", bytes(range(256)) * 4, b"PK\x03\x04", b"PK\x03\x04" + b"x" * 500,
        package(hello=b"world"), package(mimetype=MIMETYPE, content_xml=b"<a><b></a>"), package(mimetype=MIMETYPE),
        package(xl__workbook_xml=b"<x/>"), package(mimetype=MIMETYPE, content_xml=b""),
        b"\xff\xfe\x00\xd8", b",,,\n,,\n",
    ],
)  # fmt: skip
def test_what_is_no_table_is_told(data: bytes) -> None:
    with pytest.raises(UsageError):
        read_table(data)


@pytest.mark.parametrize("kind", [SheetKind.ODS, SheetKind.XLSX])
def test_torn_spreadsheets_are_told(kind: SheetKind) -> None:
    whole = write_table(TABLE * 50, kind)
    for end in range(20, len(whole) - 1, max(1, len(whole) // 30)):
        with pytest.raises(UsageError):
            read_table(whole[:end])
    broken = bytearray(whole)
    middle = len(broken) // 3
    broken[middle : middle + 40] = bytes(40)
    try:
        assert read_table(bytes(broken))
    except UsageError:
        pass


def test_files_that_grow_without_end_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    names = "urn:oasis:names:tc:opendocument:xmlns"
    space = f'xmlns:table="{names}:table:1.0" xmlns:text="{names}:text:1.0"'
    cell = '<table:table-cell table:number-columns-repeated="999999999"><text:p>x</text:p></table:table-cell>'
    row = f'<table:table-row table:number-rows-repeated="999999999">{cell}</table:table-row>'
    wide = f"<o {space}><table:table>{row}</table:table></o>".encode()
    with pytest.raises(UsageError, match="columns"):
        read_table(package(mimetype=MIMETYPE, content_xml=wide))
    long = wide.replace(b' table:number-columns-repeated="999999999"', b"")
    with pytest.raises(UsageError, match="rows"):
        read_table(package(mimetype=MIMETYPE, content_xml=long))
    entities = b'<!DOCTYPE o [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + long.replace(b"999999999", b"1").replace(
        b"x<", b"&b;<"
    )
    with pytest.raises(UsageError):
        read_table(package(mimetype=MIMETYPE, content_xml=entities))
    monkeypatch.setattr(spreadsheets, "_UNPACKED", 1_000_000)
    with pytest.raises(UsageError, match="unpacks"):
        read_table(package(mimetype=MIMETYPE, content_xml=b" " * 2_000_000))
    monkeypatch.setattr(spreadsheets, "LARGEST_FILE", 10)
    with pytest.raises(UsageError, match="larger"):
        read_table(b"url\nhttp://a.example/\n")


def test_a_sheet_with_one_cell_far_away_costs_nothing() -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "url"
    book.active["A900000"] = "http://a.example/"
    written = io.BytesIO()
    book.save(written)
    assert read_table(written.getvalue()) == [["url"], ["http://a.example/"]]


def test_cells_of_other_kinds_are_texts() -> None:
    book = openpyxl.Workbook()
    book.active.append(["url", "year", "when", "on"])
    import datetime

    book.active.append(["http://a.example/", 2026.0, datetime.datetime(2026, 1, 2), True])
    written = io.BytesIO()
    book.save(written)
    assert read_table(written.getvalue())[1] == ["http://a.example/", "2026", "2026-01-02", "True"]


def test_entities_of_excel_files_do_not_grow() -> None:
    whole = write_table([["url"], ["needle"]], SheetKind.XLSX)
    layers = "".join(f'<!ENTITY e{at} "{f"&e{at - 1};" * 10}">' for at in range(1, 10))
    declared = f'<!DOCTYPE x [<!ENTITY e0 "0123456789">{layers}]>'.encode()
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if b"needle" in data:
                data = declared + data.split(b"?>", 1)[-1].replace(b"needle", b"&e9;")
            new.writestr(name, data)
    with pytest.raises(UsageError):
        read_table(written.getvalue())
