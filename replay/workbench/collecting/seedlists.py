"""Many seeds at once: pasted, from files, and out again; what would become of each is shown before it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.collections import seedsheets
from archiver.collections.seedsheets import Listed, SeedChanges
from archiver.collections.seedvalues import RefusedSeed, SeedDraft, checked
from archiver.collections.spreadsheets import write_csv
from archiver.errors import MunimentError, UsageError
from replay.workbench.collecting.base import SCHEDULES, SCOPES, UPLOAD, actor, blueprint, seeds, sheet, uploaded
from replay.workbench.collecting.seedpages import filter_in, scopes_of
from replay.workbench.places import context
from replay.workbench.session import needs, takes

#: Seeds and refusals that a preview shows one by one.
_SHOWN = 200


@blueprint.get("/collections/<slug>/seeds/add")
@needs(Role.ARCHIVIST)
def add_seeds(slug: str) -> str:
    """Where URLs are pasted, or a file is chosen."""
    return _form(slug, {"active": "1", "public": "1", "url": request.args.get("url", "")})


@blueprint.post("/collections/<slug>/seeds/add")
@needs(Role.ARCHIVIST)
@takes(UPLOAD)
def add_seeds_now(slug: str) -> BaseResponse:
    """Show what would become of each seed; once that is confirmed, do it."""
    form = request.form
    context().holdings.collections.get(slug)
    update = form.get("update") == "1"
    if form.get("do") == "edit":
        return make_response(_form(slug, form))
    try:
        listed, refused = _listed(form)
        if not listed and not refused:
            raise UsageError("There are no seeds in it.", "Paste some URLs, one a line, or choose a file.")
        adjust = _adjust(form)
        changes = seedsheets.changes_of(seeds(), slug, listed, refused=refused, update=update)
        if form.get("do") != "add":
            return make_response(_preview(slug, form, listed, changes))
        added, changed = seedsheets.make(seeds(), slug, changes, actor=actor(), adjust=adjust)
    except MunimentError as error:
        return make_response(_form(slug, form, str(error)), 400)
    told = f"{added:,} seed{'' if added == 1 else 's'} added"
    flash(told + (f", {changed:,} changed." if changed else "."))
    return redirect(url_for("collections.seed_list", slug=slug), 303)


def _listed(form: Mapping[str, str]) -> tuple[list[Listed], list[RefusedSeed]]:
    """The seeds that were pasted, or those of the file; what a preview sends back is a table."""
    data = uploaded("file")
    if data:
        return seedsheets.read_list(data)
    if form.get("table"):
        return seedsheets.read_list(form["table"].encode("utf-8"))
    return seedsheets.read_lines(form.get("urls", ""))


def _adjust(form: Mapping[str, str]) -> dict[str, Any]:
    """What is said of all new seeds.

    Raises:
        UsageError: there is no such scope or schedule.
    """
    asked: dict[str, Any] = {name: form.get(name, "") for name in ("scope", "schedule", "group")}
    said = checked(replace(SeedDraft("http://example.org/"), **asked))
    return {
        "scope": said.scope,
        "schedule": said.schedule,
        "group": said.group,
        "is_active": form.get("active") == "1",
        "is_public": form.get("public") == "1",
    }


def _preview(slug: str, form: Mapping[str, str], listed: list[Listed], changes: SeedChanges) -> str:
    adjust = _adjust(form)
    shown = [seedsheets.filled(draft, adjust) for draft in changes.new[:_SHOWN]]
    said = {name for item in listed for name in item.said}
    columns = [name for name in seedsheets.COLUMNS if seedsheets.FIELDS.get(name, name) in said]
    table = [columns, *([seedsheets.cell(item.draft, name) for name in columns] for item in listed)]
    return render_template(
        "collecting/seeds_preview.html",
        item=context().holdings.collections.get(slug),
        values=form,
        changes=changes,
        shown=list(zip(shown, scopes_of(slug, shown), strict=True)),
        most=_SHOWN,
        table=write_csv(table).decode("utf-8-sig"),
        schedules=dict(SCHEDULES),
    )


def _form(slug: str, values: Mapping[str, str], problem: str = "") -> str:
    return render_template(
        "collecting/seeds_add.html",
        item=context().holdings.collections.get(slug),
        values=values,
        problem=problem,
        groups=seeds().groups(slug),
        scopes=SCOPES,
        schedules=SCHEDULES,
    )


@blueprint.get("/collections/<slug>/seeds.<kind>")
@needs(Role.VIEWER)
def export_seeds(slug: str, kind: str) -> BaseResponse:
    """The seeds that a list shows, all pages of it, as a file."""
    context().holdings.collections.get(slug)
    return sheet(seedsheets.table_of(seeds().list(slug, filter_in(request.args))), f"{slug}-seeds", kind)
