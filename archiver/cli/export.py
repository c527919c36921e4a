"""`muniment export`: captures and collections out of the archive, in forms that others read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from archiver.cli.common import archive_option, collection_option, counted, human_size, json_option, print_json, settings_from
from archiver.cli.crawl.units import SizeType
from archiver.export.forms import ExportForm, export_form, refuse_part

if TYPE_CHECKING:
    from archiver.export.run import Exporter, ExportReport, Wish
    from archiver.holdings import Holdings

_STDOUT = Path("-")
#: What options are for: "folder" is one of WARC files, "warc" a single one.
_MEANT_FOR = {
    "sign": ("wacz",),
    "wacz_version": ("wacz",),
    "max_size": ("wacz", "folder"),
    "no_description": ("wacz", "folder"),
    "no_originals": ("wacz", "folder", "warc"),
    "force": ("folder", *ExportForm),
}
_SUFFIXES = {form.suffix: form.value for form in ExportForm}


@click.command()
@click.argument("output", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in ExportForm]),
    help="What is written.  [default: by the name of OUTPUT, else warc]",
)
@collection_option
@click.option("--crawl", type=int, metavar="N", help="Only what this crawl captured.")
@click.option("--url-prefix", default="", metavar="URL", help="Only URLs that begin so; *.example.org for a whole domain.")
@click.option("--from", "since", default="", metavar="TIME", help="Only captures from then on, 1 to 14 digits.")
@click.option("--to", "until", default="", metavar="TIME", help="Only captures up to then.")
@click.option("--page", default="", metavar="URL", help="Only this page, with all that it embeds.")
@click.option("--at", default="", metavar="TIME", help="The page as it was nearest to that time.  [default: the newest]")
@click.option("--public-only", is_flag=True, help="Only what any reader may see.")
@click.option("--no-originals", is_flag=True, help="Leave out what revisits refer to, where it is not asked for itself.")
@click.option(
    "--max-size", type=SizeType(), default="1G", show_default=True, help="Size at which a WARC file is finished; 0: none."
)
@click.option("--wacz-version", type=click.Choice(["1.1.1", "1.2.0"]), default="1.1.1", show_default=True)
@click.option("--sign", metavar="KEYFILE", type=click.Path(path_type=Path), help="Sign the WACZ with this key (PEM, P-384).")
@click.option("--no-description", is_flag=True, help="Leave out what is known of the collection: plans, seeds, rules, notes.")
@click.option("--force", is_flag=True, help="Replace an earlier export of that name.")
@archive_option
@json_option
def export(output: Path, form: str | None, collection: str | None, archive: object, **options: Any) -> int:
    """Give captures out as WARC, WACZ, CDXJ or CDX, or what is known of a collection as JSON.

    OUTPUT is a file, a folder (WARC files of up to --max-size each), or - for the standard output. It gets its name when it
    is whole: what was interrupted leaves nothing behind, and is begun again with the same command.
    """
    from archiver.export.run import Exporter, description_of
    from archiver.holdings import open_holdings

    settings = settings_from(collection=collection, archive=archive)
    form = form or _form_of(output)
    as_json = bool(options.pop("as_json"))
    _check(output, form, as_json=as_json, options=options)
    with open_holdings(settings) as holdings:
        slug = holdings.collections.get(holdings.settings.collection).slug
        if form == "json":
            with _file(output, force=options["force"]) as stream:
                stream.write(description_of(holdings, slug))
            holdings.audit.note("", "export", f"collection {slug}", {"form": form, "to": str(output)})
            _say(output, form, None, as_json=as_json)
            return 0
        wish = _wish(holdings, slug, output, options)
        with _progress() as progress:
            exporter = Exporter(holdings, wish, clock=holdings.collections.now, new_id=_new_id, progress=progress)
            report = _written(exporter, output, form, force=options["force"])
        chosen = {name: str(value) for name, value in options.items() if value and name != "sign"}
        holdings.audit.note("", "export", f"collection {slug}", {"form": form, "to": str(output), **chosen})
    _say(output, form, report, as_json=as_json, public=options["public_only"])
    return 1 if report.lacks else 0


def _form_of(output: Path) -> str:
    return _SUFFIXES.get(output.suffix.lower(), "warc")


def _is_given(name: str) -> bool:
    """An option stands on the command line."""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def _is_folder(output: Path, form: str) -> bool:
    """WARC files go into a folder unless one is named."""
    return form == "warc" and output != _STDOUT and not output.name.lower().endswith((".warc.gz", ".gz"))


def _check(output: Path, form: str, *, as_json: bool, options: dict[str, Any]) -> None:
    """Refuse what does not go together.

    Raises:
        UsageError: with what does.
    """
    from archiver.errors import UsageError

    if output == _STDOUT and as_json:
        raise UsageError(
            "The report and the export cannot both go to the standard output.", "Name a file, or leave --json out."
        )
    kind = "folder" if _is_folder(output, form) else form
    for name, kinds in _MEANT_FOR.items():
        if _is_given(name) and (kind not in kinds or (name == "force" and output == _STDOUT)):
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} means nothing for what is to be written.", f"Leave {option} out.")
    if form == "wacz" and output != _STDOUT and output.suffix.lower() != ".wacz":
        raise UsageError("The name of a WACZ must end in .wacz.", f"Name it {output.name}.wacz.")
    if form == "warc" and output.name.lower().endswith(".warc"):
        raise UsageError("WARC files are written compressed.", f"Name it {output.name}.gz, or name a folder.")
    restricted = [name for name in ("crawl", "url_prefix", "since", "until", "page", "public_only") if options[name]]
    refuse_part(export_form(form), is_part=bool(restricted))


def _wish(holdings: Holdings, slug: str, output: Path, options: dict[str, Any]) -> Wish:
    from archiver.export.permitted import for_readers, not_deleted
    from archiver.export.run import Wish
    from archiver.export.selection import Selection, checked_selection
    from archiver.wacz.sign import read_key

    selection = Selection(
        slug, options["crawl"], options["url_prefix"], options["since"], options["until"], options["page"], options["at"]
    )
    return Wish(
        checked_selection(selection),
        permitted=for_readers(holdings, slug) if options["public_only"] else not_deleted(holdings, slug),
        public=options["public_only"],
        originals=not options["no_originals"],
        max_bytes=options["max_size"],
        wacz_version=options["wacz_version"],
        key=read_key(options["sign"]) if options["sign"] is not None else None,
        describe=selection.is_whole and not options["public_only"] and not options["no_description"],
        workings=None if output == _STDOUT else output.absolute().parent,
    )


def _new_id() -> str:
    from uuid import uuid4

    return f"<urn:uuid:{uuid4()}>"


def _written(exporter: Exporter, output: Path, form: str, *, force: bool) -> ExportReport:
    from archiver.export.output import FolderBundle, SingleBundle, whole_folder

    if _is_folder(output, form):
        with whole_folder(output, replace=force) as folder:
            report = exporter.warcs(FolderBundle(folder))
            exporter.describe(folder)
            return report
    with _file(output, force=force) as stream:
        if form == "wacz":
            return exporter.wacz(stream)
        if form == "warc":
            return exporter.warcs(SingleBundle(stream), name="export.warc.gz" if output == _STDOUT else output.name)
        return exporter.index(stream, as_cdx=form == "cdx")


@contextmanager
def _file(output: Path, *, force: bool) -> Iterator[Any]:
    from archiver.export.output import standard_output, whole_file

    if output == _STDOUT:
        stream = standard_output()
        yield stream
        stream.flush()
        return
    with whole_file(output, replace=force) as stream:
        yield stream


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on the terminal, as soon as it is known how far it goes; a count before."""
    with click.progressbar(length=1, label="Looking", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def show(step: str, done: int, total: int) -> None:
            if step == "bytes":
                bar.label, bar.length = "Copying", max(1, total)
                bar.update(max(0, min(done, total) - bar.pos))
            else:
                bar.label = f"{done:,} captures" if done else "Listing pages"
                bar.update(0)

        yield show


def _say(output: Path, form: str, report: ExportReport | None, *, as_json: bool, public: bool = False) -> None:
    if as_json:
        print_json(_as_json(output, form, report))
        return
    if report is None:
        click.echo(f"{output}: the description of the collection", err=True)
        return
    click.echo(f"{output}: {counted(report.captures, 'capture')} of {report.selection}", err=True)
    if report.files:
        size = human_size(sum(report.files.values()))
        copied = f", {report.whole_files:,} copied as they are" if report.whole_files else ""
        click.echo(f"  {counted(len(report.files), 'WARC file')}, {size}{copied}", err=True)
    if report.left_out:
        why = "not public" if public else "being deleted"
        click.echo(f"  {counted(report.left_out, 'capture')} left out: {why}", err=True)
    if report.brought:
        click.echo(f"  {report.brought:,} of them brought along because revisits refer to them", err=True)
    if report.without_original:
        click.echo(f"  {counted(report.without_original, 'revisit')} without what it refers to", err=True)
    for item in report.missing:
        click.echo(f"  missing: {item.url} ({item.file}, byte {item.offset:,}): {item.reason}", err=True)
    if report.unnamed_missing:
        click.echo(f"  … and {report.unnamed_missing:,} more that could not be read", err=True)


def _as_json(output: Path, form: str, report: ExportReport | None) -> dict[str, object]:
    said: dict[str, object] = {"output": str(output), "format": form}
    if report is None:
        return said
    return {
        **said,
        "selection": report.selection,
        "captures": report.captures,
        "left_out": report.left_out,
        "brought_along": report.brought,
        "revisits_without_original": report.without_original,
        "pages": report.pages,
        "files": [{"name": name, "bytes": size} for name, size in report.files.items()],
        "files_copied_whole": report.whole_files,
        "missing": [
            {"url": item.url, "file": item.file, "offset": item.offset, "reason": item.reason} for item in report.missing
        ],
        "missing_more": report.unnamed_missing,
    }
