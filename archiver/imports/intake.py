"""Takes whatever it is given into a collection: looks what it is, and lets the importer of that kind do the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from archiver.errors import MissingRecord, UsageError
from archiver.imports.cdx import take_cdx
from archiver.imports.context import Context, Source, is_local
from archiver.imports.exchange import take_exchange_alone
from archiver.imports.folder import take_folder
from archiver.imports.har import take_har
from archiver.imports.recognise import Kind, recognise
from archiver.imports.remote import is_prefix, take_prefix
from archiver.imports.report import Taken, refused
from archiver.imports.wacz import take_list, take_wacz
from archiver.imports.warcs import take_warc
from archiver.index.query import KeyRange
from archiver.store.places import is_url

#: Packages in lists in packages: nobody nests deeper.
_MOST_DEEP = 6


def take_in(names: Iterable[str | Source], context: Context) -> Iterator[Taken]:
    """Take files, folders and URLs in, one report each and one for each archive found in them, as they are done.

    To take something in again adds nothing twice; what was cut short goes on.

    Raises:
        UsageError: one of them is not there; nothing is done then.
        StorageFailed: the disk or the database did not take it.
    """
    wanted = [Source(name) if isinstance(name, str) else name for name in names]
    for source in wanted:
        if is_local(source.name) and not Path(source.name).exists():
            raise UsageError(f"There is no file {source.title}.")
    first = next(iter(context.holdings.index.scan([context.slug], [KeyRange("", None)])), None)
    context = replace(context, is_new=first is None)
    for source in wanted:
        yield from _take(source, context, 0)


def _take(source: Source, context: Context, depth: int) -> Iterator[Taken]:
    if depth > _MOST_DEEP:
        yield refused(source.title, source.kind or Kind.UNKNOWN, "it lies in packages in packages, too deep", context.tell)
        return
    try:
        kind = source.kind or _kind_of(source, context)
    except (UsageError, MissingRecord) as error:
        yield refused(source.title, Kind.UNKNOWN, str(error), context.tell)
        return
    if source.is_sent and kind in (Kind.CDX, Kind.MULTI_WACZ):
        yield refused(source.title, kind, _NAMES_OTHERS, context.tell)
        return
    source = replace(source, kind=kind)
    if is_url(source.name) and (kind is Kind.HAR or (kind is Kind.WACZ and not (context.in_place and source.in_place))):
        # They are read more than once.
        with context.spool(source.name) as path:
            context.fetch(source.name, path)
            yield from _take(Source(str(path), kind, source.title, in_place=False), context, depth + 1)
        return
    for item in _results(source, kind, context):
        if isinstance(item, Source):
            yield from _take(item, context, depth + 1)
        else:
            yield item


def _kind_of(source: Source, context: Context) -> Kind:
    if is_local(source.name) and Path(source.name).is_dir():
        return Kind.FOLDER
    if is_url(source.name) and is_prefix(source.name, context):
        return Kind.FOLDER
    with context.open(source.name) as stream:
        return recognise(stream, source.name)


def _results(source: Source, kind: Kind, context: Context) -> Iterable[Taken | Source]:
    match kind:
        case Kind.WARC | Kind.ARC:
            return [take_warc(source, context)]
        case Kind.WACZ:
            return take_wacz(source, context)
        case Kind.MULTI_WACZ:
            return take_list(source, context)
        case Kind.HAR:
            return take_har(source, context)
        case Kind.CDX:
            return take_cdx(source, context)
        case Kind.DESCRIPTION:
            return [take_exchange_alone(source, context)]
        case Kind.FOLDER:
            return take_folder(source, context) if is_local(source.name) else take_prefix(source, context)
        case Kind.UNKNOWN:
            return [refused(source.title, kind, _UNKNOWN, context.tell)]


_NAMES_OTHERS = (
    "It only names files that lie elsewhere. An administrator can import it on the machine that has them, together with them."
)
_UNKNOWN = "It is no web archive that is known here: WARC, ARC, WACZ, HAR, CDX or CDXJ, or a folder of these."
