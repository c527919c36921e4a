"""Begin a crawl: a form, a preview of what its seeds come to, the start; change one that runs; rules of a collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.collections.options import options_from_json
from archiver.collections.reports import CrawlReports
from archiver.collections.rulebook import RuleBook
from archiver.collections.seeds import SeedFilter, SeedRegistry
from archiver.collections.steering import differences
from archiver.crawl.launch import MOST_WORKERS
from archiver.crawl.plan import CrawlPlan, DedupMode, Rule, ScopeKind, Seed
from archiver.crawl.planforms import form_of, read_form, rules_in
from archiver.crawl.rules import Rules
from archiver.crawl.scope import Scope, SeedScope
from archiver.crawl.seeds import read_seeds
from archiver.errors import Conflict, InvalidURL, MunimentError, UsageError
from archiver.urls import host_of, refuse_password
from replay.workbench.crawls.planfields import (
    SPARE_RULES,
    cautions,
    choices,
    fields_of,
    read_plan,
    shown_rules,
    without_folder,
)
from replay.workbench.crawls.reporting import found
from replay.workbench.crawls.shown import desk
from replay.workbench.overtaken import mark_of, refuse_overtaken
from replay.workbench.places import context
from replay.workbench.session import current_account, needs

blueprint = Blueprint("start", __name__)

#: Seeds whose scope a preview names.
_PREVIEWED = 200


@dataclass(frozen=True, slots=True)
class Preview:
    """What a crawl would be: the scope of each seed, and what may not be meant."""

    scopes: list[SeedScope]
    seeds: int
    warnings: list[str]


def _empty_plan() -> CrawlPlan:
    return CrawlPlan(seeds=(), dedup=DedupMode(context().settings.dedup))


@blueprint.get("/new")
@needs(Role.ARCHIVIST)
def new() -> BaseResponse:
    """The form, filled with an earlier crawl (`from`), the seeds of a collection (`seeds=collection`) or given URLs (`url`)."""
    place = context()
    slug = request.args.get("collection", "") or place.settings.collection
    plan, lines = _empty_plan(), request.args.getlist("url")
    earlier = request.args.get("from", "")
    if earlier.isdecimal() and len(earlier) < 16:
        crawl = CrawlReports(place.holdings.engine).find(int(earlier), None)
        slug, plan = crawl.collection, CrawlReports(place.holdings.engine).plan(crawl.number)
        lines = [f"{seed.url} scope={seed.scope.value}" if seed.scope else seed.url for seed in plan.seeds]
    else:
        plan = _usual_plan(slug)
    if request.args.get("seeds") == "collection":
        lines += kept_seeds(slug)
    values = fields_of(plan) | {"seeds": "\n".join(lines), "collection": slug, "workers": "1"}
    return _form(values, list(plan.rules), {})


def _usual_plan(slug: str) -> CrawlPlan:
    """What crawls of a collection begin with; what any crawl does where that cannot be read, or there is no such collection."""
    try:
        plan = options_from_json(context().holdings.collections.get(slug).options)
    except MunimentError:
        return _empty_plan()
    return plan if plan.dedup is not DedupMode.COLLECTION else replace(plan, dedup=_empty_plan().dedup)


def kept_seeds(slug: str) -> list[str]:
    """The active seeds of a collection, as lines of the form."""
    context().holdings.collections.get(slug)
    registry = SeedRegistry(context().holdings.engine, context().clock)
    active = registry.list(slug, SeedFilter(is_active=True))
    return [f"{seed.url} scope={seed.scope.value}" if seed.scope else seed.url for seed in active]


def _form(
    values: Mapping[str, str],
    rules: list[Rule],
    problems: Mapping[str, str],
    *,
    preview: Preview | None = None,
    number: int | None = None,
    status: int = 200,
) -> BaseResponse:
    place = context()
    page = render_template(
        "crawls/change.html" if number else "crawls/new.html",
        **(found(number) if number else {}), tab="change", values=values, rules=rules, problems=problems,
        preview=preview, collections=place.holdings.collections.all(), **choices(),
    )  # fmt: skip
    return make_response(page, status)


@blueprint.post("/new")
@needs(Role.ARCHIVIST)
def begin() -> BaseResponse:
    """Show what the crawl would be, or begin it."""
    values = dict(request.form.items())
    if values.get("do") == "seeds":
        return _with_collection(values)
    plan, problems = _plan_of(values)
    rules = shown_rules(values, plan)
    preview = None
    if plan is not None and not problems:
        try:
            preview = _preview(plan)
            preview.warnings.extend(_unheeded(values.get("collection", ""), plan))
            if values.get("do") == "start":
                slug, workers = values.get("collection", ""), _workers(values)
                made = desk().begin(slug, plan, actor=current_account().name, workers=workers)
                return redirect(url_for("crawls.crawl", number=made), 303)
        except MunimentError as error:
            preview, problems = None, {"": without_folder(str(error))}
    return _form(values, rules, problems, preview=preview, status=400 if problems else 200)


def _with_collection(values: dict[str, str]) -> BaseResponse:
    """The form with the seeds and the rules of the collection that is chosen added to what was typed."""
    slug = values.get("collection", "")
    typed = values.get("seeds", "").splitlines()
    values["seeds"] = "\n".join(dict.fromkeys([*(line for line in typed if line.strip()), *kept_seeds(slug)]))
    rules = shown_rules(values, None)
    return _form(values, [*rules, *(rule for rule in _usual_plan(slug).rules if rule not in rules)], {})


def _workers(values: Mapping[str, str]) -> int:
    text = values.get("workers", "1")
    return min(MOST_WORKERS, max(1, int(text))) if text.isascii() and text.isdigit() and len(text) < 4 else 1


def _plan_of(values: Mapping[str, str]) -> tuple[CrawlPlan | None, dict[str, str]]:
    """The plan that the form asks for, and what is wrong with it."""
    problems: dict[str, str] = {}
    seeds: tuple[Seed, ...] = ()
    try:
        seeds = read_seeds(values.get("seeds", ""), name="the seeds")
        for seed in seeds:
            refuse_password(seed.url)
    except (UsageError, InvalidURL) as error:
        problems["seeds"] = str(error)
    plan, wrong = read_plan(values, replace(_empty_plan(), seeds=seeds))
    return plan, problems | wrong


def _preview(plan: CrawlPlan) -> Preview:
    """What a plan comes to.

    Raises:
        UsageError: a file of its login cannot be used.
    """
    scopes = Scope(plan, list(enumerate(plan.seeds, 1))).describe()
    warnings = cautions(plan)
    roots = [item.seed for item in scopes if item.kind is ScopeKind.PREFIX and item.seed.count("/") > 3]
    if deep := [url for url in roots if not url.endswith("/")]:
        warnings.append(f"“{deep[0]}” does not end with a slash: its scope is the folder above. Add a slash if it is a folder.")
    scripts = Rules(plan.rules)
    blocked = [seed.url for seed in plan.seeds if scripts.blocked(seed.url) is not None]
    if blocked:
        warnings.append(f"A block rule matches the seed {blocked[0]}: it is fetched all the same, what is below it may not be.")
    hosts = len({host_of(seed.url) for seed in plan.seeds})
    if hosts < len(plan.seeds) and plan.scope in (ScopeKind.HOST, ScopeKind.DOMAIN):
        warnings.append("Several seeds are on one host: with this scope each takes the whole host, one would do.")
    return Preview(scopes[:_PREVIEWED], len(plan.seeds), warnings)


def _unheeded(slug: str, plan: CrawlPlan) -> list[str]:
    """What is said of seeds of the collection that a crawl of this form does not heed."""
    place = context()
    kept = SeedRegistry(place.holdings.engine, place.clock).list(slug)
    own = {seed.url for seed in kept if seed.limits or seed.rules} & {seed.url for seed in plan.seeds}
    if not own:
        return []
    which, whose = (f"{len(own):,} seeds have", "their") if len(own) > 1 else (f"{next(iter(own))} has", "its")
    return [f"{which} limits or rules of {whose} own, which this crawl does not heed; schedules do, by crawls of their own."]


# -- change ----------------------------------------------------------------------------------------------------------


@blueprint.get("/<int:number>/change")
@needs(Role.VIEWER)
def change(number: int) -> BaseResponse:
    """What a crawl was asked to do, to be changed while it runs."""
    plan = CrawlReports(context().holdings.engine).plan(found(number)["crawl"].number)  # type: ignore[attr-defined]
    return _form(form_of(plan), list(plan.rules), {}, number=number)


@blueprint.post("/<int:number>/change")
@needs(Role.ARCHIVIST)
def change_now(number: int) -> BaseResponse:
    """Change it."""
    values, old = dict(request.form.items()), CrawlReports(context().holdings.engine).plan(number)
    values |= {"allow_private": "1" if old.allow_private else "", "insecure": "1" if old.insecure else ""}
    read = read_form(values, old, context().settings)
    seeds: tuple[Seed, ...] = ()
    if values.get("seeds", "").strip():
        try:
            seeds = read_seeds(values["seeds"], name="the new seeds")
        except (UsageError, InvalidURL) as error:
            read.problems["seeds"] = str(error)
    if read.problems:
        return _form(values, shown_rules(values, read.plan), read.problems, number=number, status=400)
    known = {seed.url for seed in old.seeds}
    plan = replace(read.plan, seeds=(*old.seeds, *(seed for seed in seeds if seed.url not in known)))
    if differences(old, plan):
        desk().change(number, plan, actor=current_account().name)
    return redirect(url_for("crawls.crawl", number=number), 303)


# -- the rules of a collection ---------------------------------------------------------------------------------------


@blueprint.get("/rules/<slug>")
@needs(Role.VIEWER)
def rules(slug: str) -> BaseResponse:
    """The rules that every crawl of a collection begins with."""
    return _rules_page(slug, list(RuleBook(context().holdings.engine, context().holdings.audit).of(slug)))


def _rules_page(slug: str, known: list[Rule], problem: str = "", status: int = 200) -> BaseResponse:
    collection = context().holdings.collections.get(slug)
    problems = {"rules": problem} if problem else {}
    mark = mark_of(list(RuleBook(context().holdings.engine, context().holdings.audit).of(slug)))
    page = render_template(
        "crawls/rules.html", collection=collection, rules=known, spare=SPARE_RULES, problems=problems, seen=mark
    )
    return make_response(page, status)


@blueprint.post("/rules/<slug>")
@needs(Role.ARCHIVIST)
def set_rules(slug: str) -> BaseResponse:
    """Set them."""
    context().holdings.collections.get(slug)
    values = dict(request.form.items())
    try:
        wanted = rules_in(values)
        book = RuleBook(context().holdings.engine, context().holdings.audit)
        refuse_overtaken(mark_of(list(book.of(slug))))
        book.replace(slug, wanted, actor=current_account().name)
    except (UsageError, Conflict) as error:
        return _rules_page(slug, shown_rules(values, None), str(error), 400)
    return redirect(url_for("crawls.start.rules", slug=slug, told="1"), 303)
