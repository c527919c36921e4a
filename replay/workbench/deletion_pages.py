"""Deletion: what is to go is looked at, put out of sight, brought back or purged; what became of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver import deletion
from archiver.accounts import Role
from archiver.collections.access import Action, Rule
from archiver.collections.accesswords import in_words
from archiver.errors import MunimentError, UsageError
from archiver.purging import Copies
from replay.workbench.crawls.shown import csv_answer
from replay.workbench.places import collection_choices, context, crawl_number, job_registry
from replay.workbench.session import current_account, needs

blueprint = Blueprint("deletions", __name__, url_prefix="/deletions")

#: What may be deleted: name in the form, and what people read.
SORTS = (
    ("url", "one URL"),
    ("prefix", "all URLs that begin so"),
    ("host", "a host, and all below it"),
    ("crawl", "all that a crawl has written"),
    ("record", "one record (FILE:OFFSET)"),
    ("is_everything", "the whole collection"),
)
#: Tombstones and dependents that a page shows.
_SHOWN = 200


@blueprint.get("")
@needs(Role.ARCHIVIST)
def deletions() -> str:
    """All of them, and the form for a new one."""
    return _page()


def _page(problem: str = "") -> str:
    holdings = context().holdings
    rules = [rule for rule in holdings.access.all() if rule.deletion]
    return render_template(
        "work/deletions.html",
        rules=[(rule, in_words(rule)) for rule in reversed(rules)],
        choices=collection_choices(),
        sorts=SORTS,
        given=request.form if request.method == "POST" else request.args,
        problem=problem,
    )


@blueprint.post("/preview")
@needs(Role.ARCHIVIST)
def preview() -> BaseResponse:
    """How much it would be; nothing is done."""
    try:
        selection, rule = _rule()
        found = deletion.extent(context().holdings, rule)
        deletion.refuse_nothing(found, selection)
    except MunimentError as error:
        return make_response(_page(str(error)), 400)
    # What is captured between the look and the press has not been looked at.
    form = {**request.form.to_dict(), "until": f"{rule.until:014d}" if rule.until else request.form.get("until", "")}
    form.pop("csrf_token", None)
    return make_response(
        render_template("work/deletion_preview.html", extent=found, what=in_words(rule), form=form, shown=_SHOWN, rule=rule)
    )


@blueprint.post("")
@needs(Role.ARCHIVIST)
def suppress() -> BaseResponse:
    """Put it out of sight."""
    holdings = context().holdings
    try:
        selection, rule = _rule()
        deletion.refuse_nothing(deletion.extent(holdings, rule), selection)
        made = deletion.suppress(holdings, rule, actor=current_account().name)
    except MunimentError as error:
        return make_response(_page(str(error)), 400)
    return redirect(url_for("deletions.one", number=made.number), 303)


def _rule() -> tuple[deletion.Selection, Rule]:
    """What the form asks for.

    Raises:
        UsageError: it says too little, or what cannot be read.
    """
    form = request.form
    sort, what = form.get("sort", ""), form.get("what", "").strip()
    if sort not in dict(SORTS):
        raise UsageError("Nobody knows what is to be deleted.", "Choose one of the list.")
    chosen: dict[str, Any] = {sort: what}
    if sort == "is_everything":
        chosen = {sort: True}
    elif not what:
        raise UsageError("Nobody knows which one is meant.", f"Write it beside “{dict(SORTS)[sort]}”.")
    elif sort == "crawl":
        chosen = {sort: crawl_number(what)}
    selection = deletion.Selection(
        form.get("collection", ""), since=form.get("since", "").strip(), until=form.get("until", "").strip(), **chosen
    )
    rule = deletion.rule_for(
        context().holdings,
        selection,
        reason=form.get("reason", ""),
        message=form.get("message", ""),
        is_said=form.get("is_said") == "1",
    )
    return selection, rule


@blueprint.get("/<int:number>")
@needs(Role.ARCHIVIST)
def one(number: int) -> str:
    """What a deletion is about, how far it is, and what is left of it."""
    return _shown(number)


def _shown(number: int, problem: str = "") -> str:
    holdings = context().holdings
    rule = deletion.deletion_of(holdings, number)
    extent = deletion.extent(holdings, rule) if rule.deletion == deletion.SUPPRESSED else None
    jobs = [job for job in job_registry().list(kinds=("purge",), limit=50) if job.arguments.get("deletion") == number]
    return render_template(
        "work/deletion.html",
        rule=rule,
        what=in_words(rule),
        is_said=rule.action is Action.BLOCK,
        extent=extent,
        stones=deletion.stones(holdings, rule=rule, limit=_SHOWN),
        stone_count=deletion.stone_count(holdings, rule),
        jobs=jobs,
        problem=problem,
    )


@blueprint.post("/<int:number>/restore")
@needs(Role.ARCHIVIST)
def restore(number: int) -> BaseResponse:
    """Let it be seen again."""
    deletion.restore(context().holdings, number, actor=current_account().name)
    return redirect(url_for("deletions.deletions"), 303)


@blueprint.post("/<int:number>/purge")
@needs(Role.ADMINISTRATOR)
def purge(number: int) -> BaseResponse:
    """Take it away for good: as a job, once its number was typed."""
    holdings, form = context().holdings, request.form
    rule = deletion.deletion_of(holdings, number)
    try:
        if form.get("confirm", "").strip() != str(number):
            raise UsageError("What was typed is not the number of this deletion.", f"Type {number}: there is no way back.")
        copies = form.get("copies", "")
        if copies not in ("", *Copies):
            raise UsageError("That is nothing that can become of copies.", "Choose one of the list.")
        if not copies and deletion.extent(holdings, rule).dependents:
            raise UsageError("Captures that stay need what goes.", "Choose what becomes of them.")
        arguments = {"deletion": number, "copies": copies or None, "with_digest": form.get("with_digest") == "1"}
        job = job_registry().put("purge", arguments, None, current_account().name, once=True)
    except MunimentError as error:
        return make_response(_shown(number, str(error)), 400)
    return redirect(url_for("jobs.job", number=job), 303)


@blueprint.get("/<int:number>/tombstones.csv")
@needs(Role.ARCHIVIST)
def tombstones(number: int) -> Response:
    """What is left of what was purged, for spreadsheets."""
    holdings = context().holdings
    stones = deletion.stones_of(holdings, deletion.deletion_of(holdings, number))
    names = ("url", "timestamp", "record_type", "record_id", "digest", "length", "file", "purged_at", "reason")
    return csv_answer(f"deletion-{number}", names, ([getattr(stone, name) for name in names] for stone in stones))
