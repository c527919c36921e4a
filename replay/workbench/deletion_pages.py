"""Deletion: what is to go is looked at, put out of sight, brought back or purged; what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver import deletion, deletionlook
from archiver.accounts import Role
from archiver.collections.access import Action, Rule
from archiver.collections.accesswords import in_words
from archiver.errors import MunimentError, NotFound, UsageError
from archiver.jobs import Job, JobState
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
#: What the form has.
_FIELDS = ("collection", "sort", "what", "since", "until", "reason", "is_said", "message")
#: Tombstones that a page shows.
_SHOWN = 200


@blueprint.get("")
@needs(Role.ARCHIVIST)
def deletions() -> str:
    """All of them, and the form for a new one."""
    return _page()


def _page(problem: str = "", given: Mapping[str, str] | None = None) -> str:
    holdings = context().holdings
    rules = [rule for rule in holdings.access.all() if rule.deletion]
    return render_template(
        "work/deletions.html",
        rules=[(rule, _words(rule)) for rule in reversed(rules)],
        choices=collection_choices(),
        sorts=SORTS,
        given=given or (request.form if request.method == "POST" else request.args),
        problem=problem,
    )


@blueprint.post("/preview")
@needs(Role.ARCHIVIST)
def preview() -> BaseResponse:
    """How much it would be; nothing is done. What takes long to count is a job."""
    holdings = context().holdings
    try:
        selection = _selection()
        rule = _rule(selection)
        found = deletionlook.look(holdings, rule)
        if found is None:
            form, by = request.form, current_account().name
            job = deletionlook.begin(
                job_registry(),
                replace(selection, until=_until(rule)),
                reason=form["reason"],
                message=form.get("message", ""),
                is_said=form.get("is_said") == "1",
                names_end=bool(selection.until),
                by=by,
            )
            return redirect(url_for("deletions.look", number=job), 303)
        deletion.refuse_nothing(found, selection)
    except MunimentError as error:
        return make_response(_page(str(error)), 400)
    return make_response(_preview(deletionlook.as_result(found), rule, {**request.form.to_dict(), "until": _until(rule)}))


def _preview(extent: Mapping[str, Any], rule: Rule, form: Mapping[str, str]) -> str:
    """What would go; `form` as it was typed, with what is captured until the look alone."""
    shown = {name: form.get(name, "") for name in _FIELDS}
    return render_template("work/deletion_preview.html", extent=extent, what=_words(rule), form=shown, rule=rule)


def _words(rule: Rule) -> str:
    """What a deletion is about; its state and its reason stand beside it."""
    return in_words(replace(rule, deletion="", reason=""))


def _until(rule: Rule) -> str:
    """What is captured between the look and the press has not been looked at."""
    return f"{rule.until:014d}" if rule.until else request.form.get("until", "")


@blueprint.get("/looks/<int:number>")
@needs(Role.ARCHIVIST)
def look(number: int) -> BaseResponse:
    """How far a job is that counts a deletion, and then what it has counted."""
    job, holdings = job_registry().get(number), context().holdings
    if job.kind != deletionlook.KIND:
        raise NotFound(f"Job {number} does not count a deletion.", "Look at the list of jobs.")
    if "deletion" in job.arguments:
        return redirect(url_for("deletions.one", number=job.arguments["deletion"]))
    form = _form_of(job)
    if job.state is JobState.DONE:
        try:
            if not job.result["captures"]:
                deletion.refuse_nothing(deletion.NOTHING, deletionlook.selection_of(job))
            return make_response(_preview(job.result, deletionlook.rule_of(holdings, job), form))
        except MunimentError as error:
            return make_response(_page(str(error), form))
    keeps = context().settings.jobs > 0
    return make_response(render_template("work/deletion_look.html", job=job, form=form, keeps=keeps))


def _form_of(job: Job) -> dict[str, str]:
    """What was typed into the form that a job came from."""
    selection = deletion.Selection(**job.arguments["selection"])
    sort = next(name for name, _ in SORTS if getattr(selection, name) not in ("", None, False))
    what = "" if sort == "is_everything" else str(getattr(selection, sort))
    words = {name: str(job.arguments[name]) for name in ("reason", "message")}
    said = "1" if job.arguments["is_said"] else ""
    return {
        "collection": selection.collection, "sort": sort, "what": what, "since": selection.since, "until": selection.until,
        "is_said": said, **words,
    }  # fmt: skip


@blueprint.post("")
@needs(Role.ARCHIVIST)
def suppress() -> BaseResponse:
    """Put it out of sight."""
    holdings = context().holdings
    try:
        selection = _selection()
        rule = _rule(selection)
        if deletionlook.is_of_something(holdings, rule) is False:
            deletion.refuse_nothing(deletion.NOTHING, selection)
        made = deletion.suppress(holdings, rule, actor=current_account().name)
    except MunimentError as error:
        return make_response(_page(str(error)), 400)
    return redirect(url_for("deletions.one", number=made.number), 303)


def _selection() -> deletion.Selection:
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
        if what:
            raise UsageError(
                f"The whole collection was chosen, and “{what}” written beside it: one of them is a mistake.",
                "Choose what that is, or leave it empty.",
            )
        chosen = {sort: True}
    elif not what:
        raise UsageError("Nobody knows which one is meant.", f"Write it below “{dict(SORTS)[sort]}”.")
    elif sort == "crawl":
        chosen = {sort: crawl_number(what)}
    return deletion.Selection(
        form.get("collection", ""), since=form.get("since", "").strip(), until=form.get("until", "").strip(), **chosen
    )


def _rule(selection: deletion.Selection) -> Rule:
    form = request.form
    if not form.get("reason", "").strip():
        raise UsageError("A deletion needs a reason.", "Write why: the audit log and the tombstones keep it.")
    return deletion.rule_for(
        context().holdings,
        selection,
        reason=form["reason"],
        message=form.get("message", ""),
        is_said=form.get("is_said") == "1",
    )


@blueprint.get("/<int:number>")
@needs(Role.ARCHIVIST)
def one(number: int) -> str:
    """What a deletion is about, how far it is, and what is left of it."""
    return _shown(number)


def _shown(number: int, problem: str = "") -> str:
    holdings = context().holdings
    rule = deletion.deletion_of(holdings, number)
    is_there = rule.deletion == deletion.SUPPRESSED
    found = job_registry().list(kinds=("purge", deletionlook.KIND), limit=200)
    jobs = [job for job in found if job.arguments.get("deletion") == number]
    return render_template(
        "work/deletion.html",
        rule=rule,
        what=_words(rule),
        is_said=rule.action is Action.BLOCK,
        is_there=is_there,
        extent=_counted(rule, jobs) if is_there else None,
        stones=deletion.stones(holdings, rule=rule, limit=_SHOWN),
        stone_count=deletion.stone_count(holdings, rule),
        jobs=[job for job in jobs if job.kind == "purge"],
        counting=next((job for job in jobs if job.kind == deletionlook.KIND and not job.state.is_over), None),
        problem=problem,
    )


def _counted(rule: Rule, jobs: list[Job]) -> Mapping[str, Any] | None:
    """How much a deletion is about: as a job has counted it, or else as it is counted now; None when that takes long."""
    counts = [job for job in jobs if job.kind == deletionlook.KIND]
    if (done := next((job for job in counts if job.state is JobState.DONE), None)) is not None:
        return done.result
    if any(not job.state.is_over for job in counts):
        return None
    found = deletionlook.look(context().holdings, rule)
    return None if found is None else deletionlook.as_result(found)


@blueprint.post("/<int:number>/count")
@needs(Role.ARCHIVIST)
def count(number: int) -> BaseResponse:
    """Have a large one counted, as a job."""
    rule = deletion.deletion_of(context().holdings, number)
    deletionlook.begin_of(job_registry(), rule, current_account().name)
    return redirect(url_for("deletions.one", number=number), 303)


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
        found = None if copies else deletionlook.look(holdings, rule)  # a purge looks, too, where that takes long
        if found is not None and found.dependents:
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
