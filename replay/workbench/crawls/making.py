"""Out of a list of URLs: a rule, for this crawl or all of the collection; or a patch crawl that captures them now."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.collections.reports import CrawlReports
from archiver.collections.rulebook import RuleBook, matched, suggestions
from archiver.collections.steering import MOST_PATCHED
from archiver.collections.urllists import UrlLists
from archiver.crawl.plan import Rule, RuleAction, RuleMatch
from archiver.crawl.rules import Rules
from archiver.errors import MunimentError, UsageError
from replay.workbench.crawls.lists import asked_for, filter_of
from replay.workbench.crawls.reporting import found
from replay.workbench.crawls.shown import desk
from replay.workbench.places import context
from replay.workbench.session import current_account, needs

blueprint = Blueprint("make", __name__)

#: URLs that a page of a rule names.
_NAMED = 10


def _chosen(number: int) -> list[str]:
    """The URLs that were ticked; with “every”, those of the whole list, up to the most that can be patched and one more."""
    if request.form.get("every") == "1":
        rows = UrlLists(context().holdings.engine).urls(number, filter_of(asked_for()), limit=MOST_PATCHED + 1)
        return [row.url for row in rows]
    return list(islice(dict.fromkeys(url for url in request.form.getlist("urls") if url), MOST_PATCHED + 1))


@blueprint.post("/<int:number>/rule")
@needs(Role.ARCHIVIST)
def rule(number: int) -> BaseResponse:
    """Patterns for the URLs that were chosen, one of which is to be made a rule. Nothing is changed yet."""
    return _page(number, _chosen(number))


def _page(number: int, urls: list[str], problem: str = "", status: int = 200) -> BaseResponse:
    values = found(number)
    if not urls and not problem:
        problem, status = "No URL was ticked. Write a pattern, or go back and tick some.", 400
    offered = [(item, matched(Rule(RuleAction.BLOCK, item.match, item.pattern), urls)) for item in suggestions(urls)]
    page = render_template(
        "crawls/rule.html", **values, tab="urls", urls=urls[:_NAMED], hidden=urls[:200], total=len(urls), offered=offered,
        problem=problem, typed=request.form,
    )  # fmt: skip
    return make_response(page, status)


@blueprint.post("/<int:number>/rule/add")
@needs(Role.ARCHIVIST)
def add_rule(number: int) -> BaseResponse:
    """Add a rule to this crawl, or to all that its collection begins from now on, or to both."""
    engine = context().holdings.engine
    crawl = CrawlReports(engine).find(number, None)
    actor, form = current_account().name, request.form
    try:
        rule = _rule(form.get("choice", ""), form.get("match", ""), form.get("pattern", ""), form.get("action", ""))
        rule = replace(rule, note=form.get("note", "").strip()[:300])
        where = form.getlist("where")
        if not where:
            raise UsageError("The rule is for nothing.", "Tick this crawl, the collection, or both.")
        Rules((rule,))
    except MunimentError as error:
        return _page(number, form.getlist("urls"), str(error), 400)
    if "collection" in where:
        RuleBook(engine, context().holdings.audit).add(crawl.collection, rule, actor=actor)
    if "crawl" in where:
        plan = CrawlReports(engine).plan(number)
        if rule not in plan.rules:
            desk().change(number, replace(plan, rules=(*plan.rules, rule)), actor=actor)
        return redirect(url_for("crawls.start.change", number=number) + "#rules", 303)
    return redirect(url_for("crawls.start.rules", slug=crawl.collection), 303)


def _rule(choice: str, match: str, pattern: str, action: str) -> Rule:
    """The rule that was chosen, or written.

    Raises:
        UsageError: neither was.
    """
    if choice and choice != "own":
        match, _, pattern = choice.partition(" ")
    if not pattern.strip():
        raise UsageError("The rule has no pattern.", "Choose one, or write your own.")
    try:
        return Rule(RuleAction(action), RuleMatch(match), pattern.strip())
    except ValueError as error:
        raise UsageError("A rule accepts or blocks, by text, regular expression or SURT prefix.") from error


@blueprint.post("/<int:number>/patch")
@needs(Role.ARCHIVIST)
def patch(number: int) -> BaseResponse:
    """Capture the URLs that were chosen, now, into the collection of this crawl."""
    crawl = CrawlReports(context().holdings.engine).find(number, None)
    is_free = request.form.get("ignore_robots") == "1"
    made = desk().patch(crawl.collection, _chosen(number), actor=current_account().name, ignore_robots=is_free)
    return redirect(url_for("crawls.crawl", number=made), 303)
