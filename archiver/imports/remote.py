"""Web archives in object storage: all that is kept under a prefix, by its URLs."""

from __future__ import annotations

from collections.abc import Iterator

from archiver.errors import MunimentError
from archiver.imports.context import Context, Source
from archiver.imports.recognise import Kind, recognise
from archiver.imports.report import Taken
from archiver.store.places import has_keys, scheme_of, storage_at

_WEB = ("http", "https")


def is_prefix(name: str, context: Context) -> bool:
    """A URL is that of a folder, not of a file."""
    if scheme_of(name) in _WEB:
        return False
    return name.endswith("/") or not context.holdings.store.exists(name)


def take_prefix(source: Source, context: Context) -> Iterator[Taken | Source]:
    """What lies under a prefix: things to be taken in, then a report of the rest."""
    report = Taken(source.title, Kind.FOLDER)
    prefix = source.name.rstrip("/")
    place = storage_at(prefix, context.holdings.settings.s3_endpoint, anonymous=prefix.startswith("s3") and not has_keys())
    for key in place.keys():  # noqa: SIM118
        name = f"{prefix}/{key}"
        try:
            with context.open(name) as stream:
                kind = recognise(stream, key)
        except MunimentError as error:
            report.skip(context.tell, 0, "file", name, f"it cannot be read: {error}")
            continue
        if kind in (Kind.UNKNOWN, Kind.CDX):
            why = "an index: the WARC files themselves are read" if kind is Kind.CDX else "no web archive"
            report.skip(context.tell, 0, "file", name, why)
            continue
        report.records[kind] += 1
        yield Source(name, kind)
    yield report
