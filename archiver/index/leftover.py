"""The rows of WARC files that killed processes left: what is whole in them is indexed as an import would index it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import BinaryIO

from archiver.errors import DamagedRecord
from archiver.index.entry import capture_of_stored, why_not_indexed
from archiver.index.pairing import Pairing
from archiver.model import Capture
from archiver.warc.reader import StoredRecord, iter_records


def whole_captures(
    stream: BinaryIO, file: str, collection_of: Callable[[StoredRecord], str | None], start: int = 0
) -> Iterator[Capture]:
    """The captures of a file up to its first damage; the answer to a request with a body is found by that, too.

    Args:
        stream: the file.
        file: its name in the store.
        collection_of: told each record before it is read; slug of the collection it is for, None for none.
        start: offset of the record to begin with.
    """
    pairing = Pairing()
    pending: tuple[Capture, StoredRecord] | None = None
    for item in iter_records(stream, start):
        if not isinstance(item, StoredRecord):
            break  # the torn end
        try:
            collection = collection_of(item)
            if item.record_type == "request":
                key = pairing.request(item, has_capture=pending is not None)
                pending = (replace(pending[0], urlkey=key), pending[1]) if pending is not None and key else pending
            if collection is None or why_not_indexed(item):
                continue
            yield from _settled(pending)
            pending = None
            capture = capture_of_stored(item, collection, file)
            key = pairing.response(_giver(item))
            pending = (replace(capture, urlkey=key) if key else capture, item)
        except DamagedRecord:
            break
    yield from _settled(pending)


def _settled(pending: tuple[Capture, StoredRecord] | None) -> Iterator[Capture]:
    """A capture, once the record behind it was looked for: only then the length of a whole one is known."""
    if pending is not None and pending[1].length:
        yield replace(pending[0], length=pending[1].length)


def _giver(record: StoredRecord) -> Callable[[], StoredRecord]:
    return lambda: record
