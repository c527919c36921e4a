"""WARC and ARC files: copied into the store and indexed there, or indexed where they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from archiver.errors import MunimentError, StorageFailed, UsageError
from archiver.imports.context import Context, Source, is_local
from archiver.imports.recognise import Kind
from archiver.imports.report import Taken, refused, taken
from archiver.index.segments import note_segments
from archiver.store.inside import INSIDE
from archiver.warc.importer import ImportReport, import_file, import_named


def take_warc(source: Source, context: Context) -> Taken:
    """Take a WARC or ARC file in."""
    report = _taken(source, context)
    if report.records["continuation"]:
        note_segments(context.holdings.engine, context.holdings.store, report.stored_as)
        report.notes.append("It has later parts of records that were cut into several; each is read as one record.")
    if source.crawl is not None and report.stored_as:
        context.crawls.own(source.crawl, report.stored_as, report.captures)
    return report


def _taken(source: Source, context: Context) -> Taken:
    kind = source.kind or Kind.WARC
    try:
        if context.in_place and source.in_place:
            return _in_place(source, context, kind)
        if is_local(source.name):
            return taken(source.title, kind, _imported(Path(source.name), source, context))
        return taken(source.title, kind, _fetched(source, context))
    except (UsageError, StorageFailed) as error:
        if isinstance(error, StorageFailed):
            raise
        return refused(source.title, kind, str(error), context.tell)


def _in_place(source: Source, context: Context, kind: Kind) -> Taken:
    """Index it where it is; inside packages, what cannot be read one record at a time is copied after all."""
    name = source.name
    if is_local(name):
        name = str(Path(name).resolve())
    elif "://" not in name:
        package, _, inside = name.partition(INSIDE)
        name = f"{Path(package).resolve()}{INSIDE}{inside}"
    try:
        report = import_named(
            name,
            collection=context.slug,
            store=context.holdings.store,
            index=context.holdings.index,
            progress=_progress(context, source, Path(name).stat().st_size if is_local(name) else 0),
            told=context.tell,
        )
    except UsageError as error:
        if is_local(source.name) or "://" in source.name:
            raise
        return taken(source.title, kind, _fetched(source, context), [f"{error.message} It was copied."])
    except MunimentError as error:
        return refused(source.title, kind, str(error), context.tell)
    return taken(source.title, kind, report)


def _fetched(source: Source, context: Context) -> ImportReport:
    """Copy from elsewhere, then take in."""
    with context.spool(source.name) as path:
        context.fetch(source.name, path)
        return _imported(path, source, context)


def _imported(path: Path, source: Source, context: Context) -> ImportReport:
    size = path.stat().st_size if path.is_file() else 0
    return import_file(
        path,
        collection=context.slug,
        store=context.holdings.store,
        index=context.holdings.index,
        progress=_progress(context, source, size),
        told=context.tell,
    )


def _progress(context: Context, source: Source, size: int) -> Callable[[int], None]:
    return lambda position: context.progress(source.title, position, size)
