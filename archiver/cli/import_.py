"""`muniment import`: web archives of every kind into a collection."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from archiver.cli.common import actor_option, archive_option, collection_option, counted, json_option, settings_from
from archiver.errors import Interrupted

if TYPE_CHECKING:
    from archiver.holdings import Holdings
    from archiver.imports.report import Taken
    from archiver.warc.importer import Unindexed

#: Things of one kind that are named in the terminal; --report names all.
_NAMED = 5

#: What is said of a package as a whole is among its notes.
_OF_PACKAGE = "package"

#: Seconds between two looks at how far it is.
_SECONDS = 0.1

#: Records of which nobody expects that they can be looked up: counted, and named only by --report and --json.
_ROUTINE = frozenset({"request", "metadata", "warcinfo"})


@click.command(name="import")
@click.argument("sources", metavar="FILE...", nargs=-1, required=True)
@collection_option
@archive_option
@click.option("--in-place", is_flag=True, help="Leave the files where they are, and read them from there.")
@click.option(
    "--watch/--no-watch",
    default=None,
    help="With --in-place: a running server takes in WARC and ARC files that come into the folders later. "
    "--no-watch: that ends; nothing is taken in or out.",
)
@click.option("--warcs", metavar="PLACE", default="", help="For CDX and CDXJ: folder or URL of the WARC files they name.")
@click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False), help="Write each thing that was not indexed as a line of JSON."
)
@actor_option
@json_option
def import_files(
    sources: tuple[str, ...],
    collection: str | None,
    archive: object,
    in_place: bool,
    watch: bool | None,
    warcs: str,
    report: Path | None,
    actor: str,
    as_json: bool,
) -> int:
    """Take web archives into a collection: files, folders, or URLs of object storage.

    What a file is, is seen from its content: WARC and ARC (plain, gzip, Zstandard), WACZ and lists of WACZ, HAR, CDX and CDXJ
    (with --warcs), folders of all these such as those of wget and Heritrix. Files are copied into the archive unless
    --in-place is given. What cannot be read or is not indexed is counted and named; the rest is taken in all the same.
    Importing again adds nothing twice. Exit status 1 when something given could not be taken in at all.
    """
    from archiver.holdings import open_holdings, utc_now
    from archiver.imports.context import Context
    from archiver.imports.intake import take_in
    from archiver.imports.report import captures_of, why_nothing

    if watch and not in_place:
        raise click.UsageError("--watch is for files that stay where they are: add --in-place.")
    settings = settings_from(collection=collection, archive=archive)
    with ExitStack() as stack:
        holdings = stack.enter_context(open_holdings(settings))
        slug = holdings.collections.get(holdings.settings.collection).slug
        if watch is not None:
            _watch(holdings, slug, sources, watch=watch)
            if not watch:
                return 0
        listing = stack.enter_context(_listing(report, wanted=as_json))
        names = _Names(listing)
        bar = _Bar()
        context = Context(holdings, slug, utc_now, in_place, warcs, names.tell, bar.show)
        done: list[Taken] = []
        try:
            for taken in take_in(sources, context):
                bar.clear()
                done.append(taken)
                met = names.pop(taken)
                if not as_json:
                    _print(taken, met)
        except KeyboardInterrupt:
            raise Interrupted("Stopped. What was taken in is kept.", "Import the same again, and it goes on.") from None
        finally:
            bar.clear()
        told = {"sources": list(sources), "in_place": in_place, "captures": captures_of(done)}
        holdings.audit.note(actor, "import", f"collection {slug}", told)
        if as_json:
            _print_json(done, listing)
        elif len(done) > 1:
            _print_sum(done)
    given = set(sources)
    if any(taken.refused and taken.source in given for taken in done):
        return 1
    if not watch and (nothing := why_nothing(done)) != "":  # a folder that is watched may well be empty yet
        click.echo(f"Nothing was taken in. {nothing}", err=True)
        return 1
    return 0


def _watch(holdings: Holdings, slug: str, sources: tuple[str, ...], *, watch: bool) -> None:
    from archiver.watching import WatchedFolders

    folders = WatchedFolders(holdings)
    for source in sources:
        if watch:
            said = "is watched from now on" if folders.add(slug, Path(source)) else "is watched already"
        else:
            said = "is watched no more" if folders.remove(slug, Path(source)) else "was not watched"
        click.echo(f"{source} {said}.", err=True)


class _Names:
    """Gathers what was not indexed: some of it for the terminal, all of it for the report."""

    def __init__(self, listing: IO[str] | None) -> None:
        self._listing = listing
        self._met: dict[str, dict[str, list[Unindexed]]] = {}

    def tell(self, item: Unindexed) -> None:
        """One more thing."""
        if self._listing is not None:
            self._listing.write(json.dumps(asdict(item), ensure_ascii=False) + "\n")
        known = self._met.setdefault(item.file, {}).setdefault(item.reason, [])
        if item.record_type not in _ROUTINE and len(known) < _NAMED:
            known.append(item)

    def pop(self, taken: Taken) -> dict[str, list[Unindexed]]:
        """Some of what was met in a file, by reason; it is forgotten then."""
        found: dict[str, list[Unindexed]] = {}
        for name in {taken.source, taken.stored_as}:
            for reason, items in self._met.pop(name, {}).items():
                found.setdefault(reason, []).extend(items)
        return found


class _Bar:
    """How far it is, in a terminal."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()
        self._width = 0
        self._next = 0.0

    def show(self, name: str, position: int, size: int) -> None:
        """The position in a file."""
        if self._is_shown and time.monotonic() >= self._next:
            self._next = time.monotonic() + _SECONDS
            part = f"{position * 100 // size:3d} %" if size else f"{position:,}"
            text = f"{name.rpartition('/')[2][:50]}  {part}"
            click.echo(f"\r{text:{self._width}}", nl=False, err=True)
            self._width = max(self._width, len(text))

    def clear(self) -> None:
        """Take the line away again."""
        if self._width:
            click.echo(f"\r{'':{self._width}}\r", nl=False, err=True)
            self._width = 0


@contextmanager
def _listing(report: Path | None, *, wanted: bool) -> Iterator[IO[str] | None]:
    """Where everything that was not indexed is written: the file asked for, a temporary one, or nowhere."""
    if report is not None:
        with report.open("w+", encoding="utf-8", errors="replace") as stream:
            yield stream
    elif wanted:
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as stream:
            yield stream
    else:
        yield None


def _print(taken: Taken, met: dict[str, list[Unindexed]]) -> None:
    if taken.refused:
        click.echo(f"{taken.source}: not taken in. {taken.refused}")
        return
    click.echo(f"{taken.source} ({taken.kind.value}): {_in_words(taken)}")
    for note in taken.notes:
        click.echo(f"  {note}")
    for reason, count in sorted(taken.not_indexed.items()):
        click.echo(f"  {count:,} not indexed: {reason}")
        _print_named(met.pop(reason, []), count)
    damaged = [item for items in met.values() for item in items if item.record_type != _OF_PACKAGE]
    for item in damaged:
        click.echo(f"  damaged at byte {item.offset:,}: {item.reason}")
    if taken.damaged > len(damaged):
        click.echo(f"  … and {taken.damaged - len(damaged):,} more damaged places; --report FILE names them all")


def _print_named(items: list[Unindexed], count: int) -> None:
    for item in items:
        what = item.url or item.file
        click.echo(f"    {what}" + (f" (at {item.offset:,})" if item.offset else ""))
    if items and count > len(items):
        click.echo(f"    … and {count - len(items):,} more; --report FILE names them all")


def _in_words(taken: Taken) -> str:
    captures = counted(taken.captures, "capture")
    if taken.kind.value in ("WACZ", "list of WACZ", "folder"):
        found = ", ".join(counted(count, str(name)) for name, count in sorted(taken.records.items()))
        return found or captures
    what = {"HAR": "entry", "CDX": "line"}.get(taken.kind.value)
    total = taken.records[what] if what else sum(taken.records.values())
    said = counted(total, what or "record").replace("entrys", "entries")
    return f"{said}, {captures}"


def _print_sum(done: list[Taken]) -> None:
    leaves = [taken for taken in done if taken.kind.value in ("WARC", "ARC", "HAR", "CDX")]
    counts = Counter[str]()
    for taken in done:
        counts["refused"] += bool(taken.refused)
        counts["damaged"] += taken.damaged
    text = f"{counted(len(leaves), 'file')}, {counted(sum(taken.captures for taken in leaves), 'capture')}"
    if counts["damaged"]:
        text += f", {counted(counts['damaged'], 'damaged place')}"
    if counts["refused"]:
        text += f", {counts['refused']:,} not taken in"
    click.echo(f"In all: {text}.")


def _print_json(done: list[Taken], listing: IO[str] | None) -> None:
    """One document; what was not indexed is copied into it line by line, for there may be millions of them."""
    click.echo(
        '{"files": ' + json.dumps([_as_json(taken) for taken in done], ensure_ascii=False, indent=2) + ',\n"not_indexed": ['
    )
    if listing is not None:
        listing.seek(0)
        separator = ""
        for line in listing:
            click.echo(f"{separator}{line.rstrip()}", nl=False)
            separator = ",\n"
    click.echo("]}")


def _as_json(taken: Taken) -> dict[str, object]:
    return {
        "file": taken.source,
        "kind": taken.kind.value,
        "stored_as": taken.stored_as,
        "records": dict(taken.records),
        "captures": taken.captures,
        "not_indexed": dict(taken.not_indexed),
        "damaged": taken.damaged,
        "notes": taken.notes,
        "refused": taken.refused,
    }
