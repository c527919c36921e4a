"""Schedules and data budgets: when collections are crawled next, and how much that adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.amounts import parse_size
from archiver.budget import budget_of, years
from archiver.collections.options import options_beside, options_from_json, says_everything
from archiver.collections.rulebook import RuleBook
from archiver.collections.seedvalues import Schedule
from archiver.collections.steering import warnings_of_login
from archiver.crawl.plan import CrawlPlan, Rule
from archiver.crawl.planforms import form_of
from archiver.errors import MunimentError, NotFound, UsageError
from archiver.schedules import Scheduled, ScheduleRegistry, plan_of
from replay.workbench.crawls.planfields import (
    cautions,
    choices,
    fields_of,
    kept_login,
    read_plan,
    shown_rules,
    without_folder,
)
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
    """One schedule, with what its crawls do, to be changed."""
    item = ScheduleRegistry(context().holdings).get(slug, _schedule(schedule))
    try:
        plan, warnings = _plan_of(item), []
        values = fields_of(plan, keeps_login=True)
        try:
            warnings = cautions(plan)
        except UsageError as error:  # a login file that went: the form can choose another
            warnings.append(without_folder(str(error), plan.login))
        values["is_fixed"] = "1" if says_everything(item.plan) else ""
        return _form(item, plan, values, list(options_from_json(item.plan).rules), {}, warnings)
    except UsageError as error:  # written by a newer version: the usual fields take its place when they are saved
        return _form(item, CrawlPlan(()), form_of(CrawlPlan(())), [], {"": str(error)})


def _plan_of(item: Scheduled, own: str | None = None) -> CrawlPlan:
    """What crawls of a schedule begin with, with other options of its own than it has, if any are given."""
    holdings = context().holdings
    options = holdings.collections.get(item.collection).options
    return plan_of(options, item.plan if own is None else own, holdings.settings.dedup)


def _form(
    item: Scheduled,
    plan: CrawlPlan,
    values: Mapping[str, str],
    rules: list[Rule],
    problems: Mapping[str, str],
    warnings: Sequence[str] = (),
) -> str:
    usual = {"is_active": "" if item.is_paused else "1", "anchor": item.anchor.strftime("%Y-%m-%dT%H:%M")}
    behind = RuleBook(context().holdings.engine, context().holdings.audit).of(item.collection)
    return render_template(
        "work/schedule.html", item=item, values={**usual, **values}, rules=rules, problems=problems, warnings=warnings,
        behind=len(behind), kept=kept_login(plan.login), **choices(),
    )  # fmt: skip


@blueprint.post("/schedules/<slug>/<schedule>")
@needs(Role.ARCHIVIST)
def change(slug: str, schedule: str) -> BaseResponse:
    """Change when it is due, or what its crawls do; or let them do what the collection says."""
    registry, which = ScheduleRegistry(context().holdings), _schedule(schedule)
    item, by = registry.get(slug, which), current_account().name
    if request.form.get("do") == "reset":
        registry.set(slug, which, by=by, plan="")
        return redirect(url_for("schedules.schedule", slug=slug, schedule=which.value), 303)
    values = {"is_active": "", "is_fixed": ""} | dict(request.form.items())
    before, plan, base = item.plan, CrawlPlan(()), CrawlPlan(())
    try:
        plan, base = _plan_of(item), _plan_of(item, "")
    except UsageError:
        before = ""
    read, problems = read_plan(values, replace(plan, rules=()), base.rules)
    anchor = None
    try:
        anchor = moment_of(values["anchor"]) if values.get("anchor", "").strip() else None
    except UsageError as error:
        problems["anchor"] = str(error)
    try:
        if read is not None and not problems:
            warnings_of_login(read)
            own = options_beside(read, base, before, is_fixed=values["is_fixed"] == "1")
            registry.set(slug, which, by=by, is_active=values["is_active"] == "1", anchor=anchor, plan=own)
    except UsageError as error:
        problems[""] = without_folder(str(error), plan.login)
    if problems:
        return make_response(_form(item, plan, values, shown_rules(values, read), problems), 400)
    return redirect(url_for("schedules.schedules"), 303)


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
