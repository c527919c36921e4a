"""Indexes WARC files that killed processes left: what is whole in them, and what later captures refer to."""

from __future__ import annotations

from typing import BinaryIO

from sqlalchemy import Engine

from archiver.index.batches import FileRows, Progress
from archiver.index.database import writing
from archiver.index.load import Load, Loader
from archiver.index.quick import Looker


def index_leftover(
    engine: Engine, stream: BinaryIO, file: str, collection: str, *, min_bytes: int, start: int = 0
) -> Progress | None:
    """Index one of our own files up to its first damage; rows that are there already are passed over.

    Args:
        engine: the archive's database.
        stream: the file.
        file: its name in the store.
        collection: slug of the one it is for.
        min_bytes: shorter payloads are not referred to by later captures.
        start: offset of the record to begin with.

    Returns:
        How many captures there were, from when to when; None for none.

    Raises:
        StorageFailed: the database did not take them.
    """
    loader = Loader(engine, parts=None)
    rows = FileRows(stream, Looker(min_bytes), min_bytes=min_bytes, start=Progress(start), only_whole=True)
    progress = Progress()
    for batch in rows.batches():
        progress = batch.progress
        if batch.rows:
            with writing(engine) as connection:
                loader.load(connection, [Load(file, (collection,), batch)])
    return progress if progress.captures else None
