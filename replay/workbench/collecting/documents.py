"""Everything that is described in a collection: lists of it, and spreadsheets out and in."""

from __future__ import annotations

from collections.abc import Mapping

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.collections import metadatasheets
from archiver.collections.metadatasheets import SheetChanges, SheetMode
from archiver.collections.spreadsheets import Table, read_table, write_csv
from archiver.errors import MunimentError, UsageError
from replay.workbench.collecting.base import UPLOAD, actor, blueprint, descriptions, page_number, seeds, sheet, uploaded
from replay.workbench.places import context
from replay.workbench.session import needs, takes

_PAGE = 100
_SHOWN = 200


@blueprint.get("/collections/<slug>/described")
@needs(Role.VIEWER)
def described(slug: str) -> str:
    """What is described, seeds or documents, found by words in it."""
    said, registry = descriptions(), seeds()
    item = context().holdings.collections.get(slug)
    level = "document" if request.args.get("about") == "document" else "seed"
    text, page = request.args.get("text", ""), page_number()
    found = said.subjects(slug, level, text=text, limit=_PAGE + 1, offset=(page - 1) * _PAGE)
    known = said.of_many(slug, level, [subject for subject, _ in found[:_PAGE]])
    titles = {url: next((item.value for item in items if item.field == "title"), "") for url, items in known.items()}

    def address(number: int) -> str:
        return url_for("collections.described", slug=slug, about=level, text=text or None, page=number if number > 1 else None)

    return render_template(
        "collecting/described.html", item=item, level=level, text=text, found=found[:_PAGE], titles=titles,
        without=registry.count(slug) - len(said.subjects(slug, "seed", limit=100_000)) if level == "seed" else 0,
        previous=address(page - 1) if page > 1 else "", next=address(page + 1) if len(found) > _PAGE else "",
    )  # fmt: skip


@blueprint.get("/collections/<slug>/metadata.<kind>")
@needs(Role.VIEWER)
def export_metadata(slug: str, kind: str) -> BaseResponse:
    """Everything that is said, as a file; seeds of which nothing is said have a row to write in."""
    context().holdings.collections.get(slug)
    urls = [seed.url for seed in seeds().list(slug)]
    return sheet(metadatasheets.table_of(descriptions().all(slug), urls), f"{slug}-metadata", kind)


@blueprint.get("/collections/<slug>/sheet")
@needs(Role.VIEWER)
def sheets(slug: str) -> str:
    """Where spreadsheets are fetched and sent."""
    return _form(slug, {})


@blueprint.post("/collections/<slug>/sheet")
@needs(Role.ARCHIVIST)
@takes(UPLOAD)
def import_metadata(slug: str) -> BaseResponse:
    """Show what a spreadsheet would change; once that is confirmed, do it."""
    form = request.form
    context().holdings.collections.get(slug)
    try:
        mode = SheetMode.REPLACE if form.get("mode") == "replace" else SheetMode.ADD
        level = "document" if form.get("level") == "document" else "seed"
        data = uploaded("file") or form.get("table", "").encode("utf-8")
        if not data:
            raise UsageError("No file is chosen.", "Choose a CSV, ODS or XLSX file.")
        table = read_table(data)
        changes = metadatasheets.changes_of(descriptions(), seeds(), slug, table, mode, level=level)
        if form.get("do") != "make":
            return make_response(_preview(slug, mode, level, table, changes))
        changed = metadatasheets.make(descriptions(), slug, changes, actor=actor())
    except MunimentError as error:
        return make_response(_form(slug, form, str(error)), 400)
    return redirect(url_for("collections.sheets", slug=slug, told=changed), 303)


def _preview(slug: str, mode: SheetMode, level: str, table: Table, changes: SheetChanges) -> str:
    return render_template(
        "collecting/sheet_preview.html",
        item=context().holdings.collections.get(slug),
        mode=mode,
        level=level,
        changes=changes,
        most=_SHOWN,
        table=write_csv(table).decode("utf-8-sig"),
    )


def _form(slug: str, values: Mapping[str, str], problem: str = "") -> str:
    told = request.args.get("told", "")
    return render_template(
        "collecting/sheet.html", item=context().holdings.collections.get(slug), values=values, problem=problem,
        told=told if told.isascii() and told.isdigit() else "",
    )  # fmt: skip
