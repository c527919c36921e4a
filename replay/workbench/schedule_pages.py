"""Schedules and data budgets: when collections are crawled next, and how much that adds."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.amounts import parse_size
from archiver.budget import budget_of, years
from archiver.collections.options import options_from_json
from archiver.collections.seedvalues import Schedule
from archiver.errors import MunimentError, NotFound, UsageError
from archiver.schedules import ScheduleRegistry
from replay.workbench.places import context
from replay.workbench.session import current_account, needs

blueprint = Blueprint("schedules", __name__)


@blueprint.get("/schedules")
@needs(Role.VIEWER)
def schedules() -> str:
    """What is due when."""
    return render_template("work/schedules.html", schedules=ScheduleRegistry(context().holdings).all())


@blueprint.get("/schedules/<slug>/<schedule>")
@needs(Role.VIEWER)
def schedule(slug: str, schedule: str) -> str:
    """One schedule, to be changed."""
    return _one(slug, schedule)


def _one(slug: str, schedule: str, problem: str = "") -> str:
    item = ScheduleRegistry(context().holdings).get(slug, _schedule(schedule))
    return render_template("work/schedule.html", item=item, problem=problem, typed=request.form)


@blueprint.post("/schedules/<slug>/<schedule>")
@needs(Role.ARCHIVIST)
def change(slug: str, schedule: str) -> BaseResponse:
    """Change it."""
    form = request.form
    try:
        _refuse_reach(form.get("plan", ""))
        ScheduleRegistry(context().holdings).set(
            slug,
            _schedule(schedule),
            by=current_account().name,
            is_active=form.get("is_active") == "1",
            anchor=moment_of(form["anchor"]) if form.get("anchor", "").strip() else None,
            plan=form.get("plan", ""),
        )
    except UsageError as error:
        return make_response(_one(slug, schedule, str(error)), 400)
    return redirect(url_for("schedules.schedules"), 303)


def _refuse_reach(plan: str) -> None:
    """What lets crawls into this network or reads files of the server is not for forms.

    Raises:
        UsageError: the options say so, or cannot be read.
    """
    asked = options_from_json(plan)
    if asked.allow_private or asked.insecure or asked.login.used:
        raise UsageError(
            "Private addresses, invalid certificates and logins are not switched on here.",
            "Whoever runs the server switches them on, with muniment schedule set.",
        )


@blueprint.post("/schedules/<slug>/<schedule>/run")
@needs(Role.ARCHIVIST)
def run(slug: str, schedule: str) -> BaseResponse:
    """Begin it now."""
    ScheduleRegistry(context().holdings).run(slug, _schedule(schedule), by=current_account().name)
    return redirect(url_for("jobs.jobs"), 303)


def _schedule(name: str) -> Schedule:
    try:
        return Schedule(name)
    except ValueError as error:
        raise NotFound("There is no such schedule.", f"There are {', '.join(Schedule)}.") from error


def moment_of(text: str) -> datetime:
    """A time as forms and people write it, such as 2026-12-01T02:00, in UTC.

    Raises:
        UsageError: it is none.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise UsageError("That is no time.", "Write it like 2026-12-01T02:00; it is UTC.") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@blueprint.get("/budget")
@needs(Role.VIEWER)
def budgets() -> str:
    """New data of this year, of every collection."""
    return _budgets()


def _budgets(problem: str = "", wrong: str = "") -> str:
    holdings = context().holdings
    found = [(item, budget_of(holdings, item), years(holdings, item.slug)) for item in holdings.collections.all()]
    return render_template(
        "work/budget.html",
        budgets=found,
        year=context().clock().year,
        problem=problem,
        wrong=wrong,
        typed=request.form,
        written=_written,
    )


def _written(size: int) -> str:
    """An amount of data as people write it into the form."""
    for letter, unit in (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 1000)):
        if size and size % unit == 0:
            return f"{size // unit}{letter}"
    return str(size or "")


@blueprint.post("/budget/<slug>")
@needs(Role.ARCHIVIST)
def set_budget(slug: str) -> BaseResponse:
    """Give a collection another budget; nothing for none."""
    text = request.form.get("budget", "").strip()
    try:
        size = parse_size(text) if text else 0
    except (ValueError, MunimentError):
        return make_response(_budgets("That is no amount of data. Write it like 50G, or nothing for no budget.", slug), 400)
    context().holdings.collections.update(slug, budget_bytes=size, actor=current_account().name)
    return redirect(url_for("schedules.budgets"), 303)
