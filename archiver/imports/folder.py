"""Folders, with everything below them: web archives are taken in, everything else is named with the reason why not."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from archiver.collections.exchangeformat import FILE_NAME
from archiver.errors import MunimentError
from archiver.imports.context import Context, Source
from archiver.imports.crawllogs import CRAWL_LOG, crawls_below
from archiver.imports.exchange import take_exchange
from archiver.imports.recognise import Kind, recognise
from archiver.imports.report import Taken
from archiver.imports.wget import wget_crawl

#: Ends of the names of files that some crawler still writes.
_UNFINISHED = (".open", ".part", ".tmp")

_WHY_NOT = {
    Kind.CDX: "an index: the WARC files themselves are read",
    Kind.DESCRIPTION: "a description of a collection that could not be taken in",
    Kind.UNKNOWN: "no web archive (a mirrored page, a log or another file)",
}


def take_folder(source: Source, context: Context) -> Iterator[Taken | Source]:
    """What is in a folder: things to be taken in, then a report of the rest."""
    root = Path(source.name).resolve()
    report = Taken(source.title, Kind.FOLDER)
    own = context.holdings.settings.archive.resolve()
    launches = list(crawls_below(root))
    number_of = {launch.folder: context.crawls.note(context.slug, launch.crawl) for launch in launches}
    report.notes += [launch.sentence for launch in launches]
    for path, reason in files_below(root, own):
        kind = Kind.UNKNOWN
        if not reason:
            kind, reason = _look(path)
        if not reason:
            report.records[kind] += 1
            crawl = next((number_of[folder] for folder in path.parents if folder in number_of), None)
            if crawl is None and kind is Kind.WARC:
                crawl = wget_crawl(path, report, context)
            yield Source(str(path), kind, crawl=crawl)
        elif path.name not in (CRAWL_LOG, "seeds.txt", "crawler-beans.cxml") or not launches:
            if kind is Kind.DESCRIPTION and path.name != FILE_NAME:  # of which collection is for people to say
                reason = f"a description of a collection that is not called {FILE_NAME}: import it by itself"
            if not take_exchange(path, report, context):
                report.skip(context.tell, 0, "file", str(path), reason)
    yield report


def files_below(root: Path, leave_out: Path | None = None) -> Iterator[tuple[Path, str]]:
    """Every file below a folder in the order of names, and why it is not to be read, "" when it is.

    Links are followed, but no folder or file is met twice, so that circles of links end.

    Args:
        root: the folder.
        leave_out: a folder below it that is not looked into.
    """
    seen: dict[tuple[int, int], Path] = {}
    for place, below, names in os.walk(root, followlinks=True):
        here = Path(place)
        if _met(here, seen) is not None or here.resolve() == leave_out:
            below.clear()
            continue
        below.sort()
        for name in sorted(names):
            path = here / name
            yield path, _why_unread(path, seen)


def _met(path: Path, seen: dict[tuple[int, int], Path]) -> Path | None:
    """Where a file or folder was met before under another name; remembers it."""
    about = path.stat()
    before = seen.setdefault((about.st_dev, about.st_ino), path)
    return before if before != path else None


def _why_unread(path: Path, seen: dict[tuple[int, int], Path]) -> str:
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            return "no file (a device, pipe or socket)"
        if (before := _met(path, seen)) is not None:
            return f"a link to a file that is read under its other name, {before.name}"
    except OSError as error:
        return "a link that leads nowhere" if path.is_symlink() else f"it cannot be read: {error.strerror}"
    if path.name.endswith(_UNFINISHED):
        return "it may still be written, by its name: take it in by itself, or again when it is finished"
    return ""


def _look(path: Path) -> tuple[Kind, str]:
    """(what a file is, why it is not taken in)."""
    try:
        with path.open("rb") as stream:
            kind = recognise(stream, path.name)
    except (OSError, MunimentError) as error:
        return Kind.UNKNOWN, f"it cannot be read: {getattr(error, 'strerror', None) or error}"
    return kind, _WHY_NOT.get(kind, "")
