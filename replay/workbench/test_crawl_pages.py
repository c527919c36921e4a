"""Test crawls: begun, compared with the last crawl, saved or discarded."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver import testcrawls
from archiver.accounts import Role
from archiver.collections.reports import CrawlReports, CrawlSummary
from archiver.collections.steering import is_beginning
from archiver.errors import MunimentError, UsageError
from archiver.schedules import plan_of
from archiver.testdiff import difference
from replay.workbench.places import collection_choices, context
from replay.workbench.session import current_account, needs

blueprint = Blueprint("tests", __name__)


@blueprint.get("/tests")
@needs(Role.VIEWER)
def tests() -> str:
    """All of them, and the form for a new one."""
    return _page()


def _page(problem: str = "") -> str:
    holdings = context().holdings
    reports = CrawlReports(holdings.engine)
    found = [(test, _stands(reports.find(test.crawl, None))) for test in testcrawls.find_tests(holdings)]
    return render_template(
        "work/tests.html",
        tests=found,
        choices=collection_choices(),
        days=holdings.settings.test_days,
        problem=problem,
        typed=request.form or request.args,
    )


def _stands(crawl: CrawlSummary) -> CrawlSummary:
    """The same; one that no process has taken up yet is not called stopped."""
    return replace(crawl, state="waiting") if is_beginning(crawl) else crawl


@blueprint.post("/tests")
@needs(Role.ARCHIVIST)
def begin() -> BaseResponse:
    """Begin one: of URLs, or of the active seeds of a collection."""
    slug, lines = request.form.get("collection", ""), request.form.get("urls", "").split()
    try:
        crawl = _begin(slug, lines)
    except MunimentError as error:
        return make_response(_page(str(error)), 400)
    return redirect(url_for("tests.test", number=crawl), 303)


def _begin(slug: str, lines: list[str]) -> int:
    from archiver.collections.options import plans_for
    from archiver.collections.seeds import SeedFilter, SeedRegistry
    from archiver.crawl.planning import PlanOptions, changed_plan, new_plan, seeds_of

    place = context()
    collection = place.holdings.collections.get(slug)
    base = plan_of(collection.options, "", place.settings.dedup)
    pages = request.form.get("pages", "").strip()
    if pages and not (pages.isascii() and pages.isdigit() and len(pages) < 10):
        raise UsageError("That is no number of pages.", "Write such as 100, or nothing for no limit.")
    limit = PlanOptions(limit_pages=int(pages)) if pages else PlanOptions()
    if lines:
        seeds = new_plan(seeds_of(lines), PlanOptions(), place.settings).seeds
        plan = replace(base, seeds=seeds)
    else:
        active = SeedRegistry(place.holdings.engine, place.clock).list(slug, SeedFilter(is_active=True))
        plans = plans_for(base, active)
        if not plans:
            raise UsageError("This collection has no active seed.", "Write the addresses that are to be tried.")
        if len(plans) > 1:
            raise UsageError(
                "Its seeds have limits or rules of their own.", "Test those with the same ones: write their addresses."
            )
        plan = plans[0][0]
    plan = changed_plan(plan, limit, place.settings)
    return testcrawls.begin_test(place.holdings, collection.slug, plan, by=current_account().name)[0]


@blueprint.get("/tests/<int:number>")
@needs(Role.VIEWER)
def test(number: int) -> str:
    """One, beside the last crawl."""
    holdings = context().holdings
    found = testcrawls.get_test(holdings, number)
    summary = _stands(CrawlReports(holdings.engine).find(number, None))
    return render_template("work/test.html", test=found, crawl=summary, diff=difference(holdings, found))


@blueprint.post("/tests/<int:number>/save")
@needs(Role.ARCHIVIST)
def save(number: int) -> BaseResponse:
    """Into its collection."""
    job = testcrawls.ask_to_save(context().holdings, number, by=current_account().name)
    return redirect(url_for("jobs.job", number=job), 303)


@blueprint.post("/tests/<int:number>/discard")
@needs(Role.ARCHIVIST)
def discard(number: int) -> BaseResponse:
    """Away."""
    job = testcrawls.ask_to_discard(context().holdings, number, by=current_account().name)
    return redirect(url_for("jobs.job", number=job), 303)
