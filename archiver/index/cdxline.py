"""One line of a CDX or CDXJ file, as a row."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from archiver.index.protocol import Row
from archiver.urls import printable
from archiver.warc.records import canonical_digest

#: What the letters of a CDX header mean, as far as it counts here; "V" is the place in the compressed file, "v" in a plain one.
_FIELDS = {
    "N": "urlkey",
    "b": "timestamp",
    "a": "url",
    "m": "mime",
    "s": "status",
    "k": "digest",
    "S": "length",
    "g": "filename",
}
_FIELDS |= {"V": "offset"}
#: Columns of files without a header, by their number.
_USUAL = {9: "N b a m s k r V g", 10: "N b a m s k r M V g", 11: "N b a m s k r M S V g"}
_TIMESTAMP = re.compile(r"[0-9]{14}", re.ASCII)
_MOST_DIGITS = 18
_BASE32 = re.compile(r"[A-Z2-7]{32}", re.ASCII)
_STATUS = re.compile(r"[1-9][0-9]{2}", re.ASCII)
_REVISIT = "warc/revisit"
#: What programs write where a server said nothing of the media type.
_NO_MIME = frozenset({"unk", "no-type", "unknown"})
_ABSENT = frozenset({"-", ""})


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a CDX file.

    Attributes:
        places: column by name of field.
        count: of columns.
    """

    places: Mapping[str, int]
    count: int

    @classmethod
    def of(cls, letters: str) -> Layout | None:
        """From a header's letters, "N b a m s k r M S V g"; None when key, time, URL, place or file is missing."""
        names = letters.split()
        places = {_FIELDS[letter]: number for number, letter in enumerate(names) if letter in _FIELDS}
        if "v" in names and "offset" not in places:
            places["offset"] = names.index("v")
        wanted = {"urlkey", "timestamp", "url", "offset", "filename"}
        return cls(places, len(names)) if wanted <= places.keys() else None


_LAYOUTS = {count: layout for count, letters in _USUAL.items() if (layout := Layout.of(letters)) is not None}


def layout_of_header(line: bytes) -> Layout | None:
    """What the first line of a CDX file (" CDX N b a …") says; None when it is no such line, or of no use."""
    text = line.decode("utf-8", "replace").strip()
    return Layout.of(text[3:]) if text.startswith("CDX ") else None


def is_remark(line: bytes) -> bool:
    """Headers and remarks: they come before every key."""
    return line[:1] in (b" ", b"!", b"#")


def row_of_line(line: bytes, place: Callable[[str], str] = str, layout: Layout | None = None) -> Row | None:
    """What a line says of a capture.

    Args:
        line: of a CDXJ file, or of a CDX file.
        place: makes of a file's name in the index that under which it is opened.
        layout: of the CDX file's header, where there is one.

    Returns:
        The row; None when the line is a remark, or cannot be read.
    """
    if is_remark(line):
        return None
    text = line.decode("utf-8", "replace")
    key, _, rest = text.partition(" ")
    timestamp, _, rest = rest.partition(" ")
    if rest.startswith("{"):
        try:
            said = json.loads(rest)
        except (ValueError, RecursionError):
            return None
        return row_of_fields(key, timestamp, said, place) if isinstance(said, dict) else None
    columns = text.split(" ")
    layout = layout if layout is not None and len(columns) == layout.count else _LAYOUTS.get(len(columns))
    if layout is None:
        return None
    said = {name: columns[number] for name, number in layout.places.items()}
    return row_of_fields(said["urlkey"], said["timestamp"], said, place)


def row_of_fields(key: str, timestamp: str, said: Mapping[str, object], place: Callable[[str], str]) -> Row | None:
    """A row of what an index says in named fields (pywb's names); None when what is needed is missing or impossible."""
    if not _TIMESTAMP.fullmatch(timestamp) or not key:
        return None
    url, name = _text(said, "url"), _text(said, "filename")
    offset = _text(said, "offset")
    if not url or not name or not _is_number(offset):
        return None
    mime = _text(said, "mime").lower()
    mime = "" if mime in _NO_MIME else mime
    is_revisit = mime == _REVISIT
    status, length, digest = _text(said, "status"), _text(said, "length"), _text(said, "digest")
    digest = f"sha1:{digest}" if _BASE32.fullmatch(digest) else canonical_digest(digest)
    return (
        key, int(timestamp), printable(url), "" if is_revisit else mime.partition(";")[0].strip(),
        int(status) if _STATUS.fullmatch(status) else None, digest,
        int(length) if _is_number(length) else 0, int(offset), place(name), int(is_revisit), None, None,
    )  # fmt: skip


def _is_number(text: str) -> bool:
    return text.isdigit() and text.isascii() and len(text) <= _MOST_DIGITS


def _text(said: Mapping[str, object], name: str) -> str:
    value = said.get(name, "")
    if type(value) is str:  # nearly always
        return "" if value in _ABSENT else value
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value)
