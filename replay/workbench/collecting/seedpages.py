"""Seeds: the table of them, one by one, many at once, and their groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import abort, flash, get_flashed_messages, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.collections.options import options_from_json
from archiver.collections.seedresults import results_of
from archiver.collections.seeds import ORDERS, SeedFilter
from archiver.collections.seedvalues import Seed, SeedDraft, checked
from archiver.crawl.plan import Seed as PlannedSeed
from archiver.crawl.scope import Scope, SeedScope
from archiver.errors import MunimentError
from replay.workbench.collecting.base import (
    LIMITS,
    SCHEDULES,
    SCOPES,
    actor,
    blueprint,
    descriptions,
    groups,
    limits_in,
    limits_shown,
    page_number,
    rules_in,
    rules_shown,
    seeds,
)
from replay.workbench.overtaken import mark_of, refuse_overtaken
from replay.workbench.places import context
from replay.workbench.session import needs, takes

_PAGE = 50
_MANY = 2_000_000  # bytes of a form that names many seeds
_MOST_IN_ADDRESS = 50  # seeds
_FLAGS = {"": None, "yes": True, "no": False}


def filter_in(values: Mapping[str, str]) -> SeedFilter:
    """Which seeds are asked for."""
    return SeedFilter(
        text=values.get("text", ""),
        group=values.get("group", ""),
        schedule=values.get("schedule", ""),
        scope=values.get("scope", ""),
        is_active=_FLAGS.get(values.get("active", "")),
        is_public=_FLAGS.get(values.get("public", "")),
    )


@blueprint.get("/collections/<slug>/seeds")
@needs(Role.VIEWER)
def seed_list(slug: str) -> str:
    """The seeds of a collection: filtered, sorted, a page of them."""
    return _list(slug)


def _list(slug: str, problem: str = "") -> str:
    holdings, registry = context().holdings, seeds()
    item = holdings.collections.get(slug)
    asked = {
        name: request.args[name]
        for name in ("text", "group", "schedule", "scope", "active", "public")
        if request.args.get(name)
    }
    order = request.args.get("order", "position")
    order = order if order in ORDERS else "position"
    descending, page = request.args.get("down") == "1", page_number()
    wanted = filter_in(asked)
    total = registry.count(slug, wanted)
    found = registry.list(slug, wanted, order=order, descending=descending, limit=_PAGE, offset=(page - 1) * _PAGE)

    def address(**other: object) -> str:
        values = asked | {"order": order, "down": "1" if descending else "", "page": page} | other
        said = {
            name: value for name, value in values.items() if value and (name, value) not in (("order", "position"), ("page", 1))
        }
        return url_for("collections.seed_list", slug=slug) + (f"?{urlencode(said)}" if said else "")

    return render_template(
        "collecting/seeds.html",
        item=item,
        seeds=found,
        results=results_of(holdings.engine, holdings.index, slug, found),
        total=total,
        all=registry.count(slug),
        asked=asked,
        order=order,
        descending=descending,
        address=address,
        first=(page - 1) * _PAGE + 1,
        previous=address(page=page - 1) if page > 1 else "",
        next=address(page=page + 1) if page * _PAGE < total else "",
        groups=registry.groups(slug),
        group_choices=[("-", "without a group"), *((group.name, group.name) for group in registry.groups(slug))],
        scopes=SCOPES,
        schedules=SCHEDULES,
        problem=problem,
        told=get_flashed_messages(),
    )


# -- many at once ----------------------------------------------------------------------------------------------------


@blueprint.post("/collections/<slug>/seeds/change")
@needs(Role.ARCHIVIST)
@takes(_MANY)
def change_seeds(slug: str) -> BaseResponse:
    """Say one thing anew of the seeds that were chosen, or ask whether to remove them."""
    form, registry = request.form, seeds()
    context().holdings.collections.get(slug)
    numbers = _chosen(slug, form)
    if not numbers:
        return make_response(_list(slug, "No seed is chosen. Tick some first."), 400)
    if form.get("do") == "remove":
        some = [seed for seed in registry.list(slug) if seed.number in set(numbers)]
        item = context().holdings.collections.get(slug)
        return make_response(render_template("collecting/remove.html", item=item, seeds=some))
    if form.get("do") == "crawl":
        return _crawl(slug, numbers)
    changes = _changes(form)
    if not changes:
        return make_response(_list(slug, "Nothing is to be changed. Choose what first."), 400)
    try:
        changed = registry.change_many(slug, numbers, actor=actor(), **changes)
    except MunimentError as error:
        return make_response(_list(slug, str(error)), 400)
    flash(f"{changed:,} seed{'' if changed == 1 else 's'} changed.")
    return redirect(url_for("collections.seed_list", slug=slug), 303)


def _crawl(slug: str, numbers: list[int]) -> BaseResponse:
    """To the form of a new crawl, filled with some seeds."""
    if len(numbers) > _MOST_IN_ADDRESS:
        problem = f"At most {_MOST_IN_ADDRESS} seeds can be chosen for a crawl."
        return make_response(_list(slug, f"{problem} “Start a crawl” of the collection takes all active ones."), 400)
    some = [seed for seed in seeds().list(slug) if seed.number in set(numbers)]
    lines = [f"{seed.url} scope={seed.scope}" if seed.scope else seed.url for seed in some]
    return redirect(url_for("crawls.start.new", collection=slug, url=lines), 303)


def _chosen(slug: str, form: Any) -> list[int]:
    if form.get("all") == "1":
        return [
            seed.number for seed in seeds().list(slug, filter_in({name[4:]: form[name] for name in form if name[:4] == "was_"}))
        ]
    return [int(text) for text in form.getlist("seed") if text.isascii() and text.isdigit() and len(text) < 10]


def _changes(form: Mapping[str, str]) -> dict[str, Any]:
    """What is to be said anew: fields that are not left as they are; "-" empties."""
    found: dict[str, Any] = {}
    for name in ("scope", "schedule", "group"):
        written = form.get(f"new_{name}", "").strip()
        if written:
            found[name] = "" if written == "-" else written
    for name in ("active", "public"):
        if form.get(f"new_{name}") in ("yes", "no"):
            found[f"is_{name}"] = form[f"new_{name}"] == "yes"
    return found


@blueprint.post("/collections/<slug>/seeds/remove")
@needs(Role.ARCHIVIST)
@takes(_MANY)
def remove_seeds(slug: str) -> BaseResponse:
    """Take seeds away; their captures stay."""
    removed = seeds().remove(slug, _chosen(slug, request.form), actor=actor())
    flash(f"{removed:,} seed{'' if removed == 1 else 's'} removed. What was captured stays.")
    return redirect(url_for("collections.seed_list", slug=slug), 303)


# -- one -------------------------------------------------------------------------------------------------------------


def _seed_of(slug: str, number: int) -> Seed:
    seed = seeds().get(number)
    if seed.collection != slug:
        abort(404)
    return seed


@blueprint.get("/collections/<slug>/seeds/<int:number>")
@needs(Role.VIEWER)
def seed(slug: str, number: int) -> str:
    """One seed."""
    return _seed(slug, _seed_of(slug, number))


@blueprint.post("/collections/<slug>/seeds/<int:number>")
@needs(Role.ARCHIVIST)
def change_seed(slug: str, number: int) -> BaseResponse:
    """Change a seed, or only show what it would take."""
    before = _seed_of(slug, number)
    try:
        draft = draft_in(request.form, before)
        if request.form.get("do") == "look":
            scope = scopes_of(slug, [checked(draft)])[0]
            return make_response(_seed(slug, before, request.form, scope=scope, seen=request.form.get("seen", "")))
        refuse_overtaken(_mark(before))
        seeds().change(number, draft, actor=actor())
    except MunimentError as error:
        return make_response(_seed(slug, before, request.form, problem=str(error)), 400)
    flash(f"{draft.title or draft.url} is saved.")
    return redirect(url_for("collections.seed_list", slug=slug), 303)


def _mark(seed: Seed) -> str:
    return mark_of(seed.draft)


def _seed(
    slug: str,
    seed: Seed,
    values: Mapping[str, str] | None = None,
    *,
    problem: str = "",
    scope: SeedScope | None = None,
    seen: str = "",
) -> str:
    holdings = context().holdings
    said = {
        "url": seed.url,
        "title": seed.title,
        "scope": seed.scope or "",
        "schedule": seed.schedule or "",
        "group": seed.group,
        "notes": seed.notes,
        "active": "1" if seed.is_active else "",
        "public": "1" if seed.is_public else "",
        "rules": rules_shown(seed.rules),
        **limits_shown(seed.limits),
    }
    item = holdings.collections.get(slug)
    return render_template(
        "collecting/seed.html",
        item=item,
        seed=seed,
        values=said if values is None else values,
        usual=options_from_json(item.options),
        result=results_of(holdings.engine, holdings.index, slug, [seed])[seed.number],
        said=descriptions().of(slug, "seed", seed.url),
        scope=scope or scopes_of(slug, [seed.draft])[0],
        is_tried=scope is not None,
        groups=seeds().groups(slug),
        scopes=SCOPES,
        schedules=SCHEDULES,
        limits=LIMITS,
        problem=problem,
        seen=seen or _mark(seed),
    )


def draft_in(form: Mapping[str, str], before: Seed | None = None) -> SeedDraft:
    """The seed of a form; limits and rules that it does not show stay as they were.

    Raises:
        UsageError: a limit or a rule cannot be read.
    """
    shown = {name for name, _, _ in LIMITS}
    kept = {} if before is None else {name: value for name, value in before.limits.items() if name not in shown}
    return SeedDraft(
        form.get("url", ""),
        title=form.get("title", ""),
        scope=form.get("scope", ""),
        schedule=form.get("schedule", ""),
        group=form.get("group", ""),
        is_active=form.get("active") == "1",
        is_public=form.get("public") == "1",
        notes=form.get("notes", ""),
        limits=kept | limits_in(form),
        rules=rules_in(form.get("rules", ""), () if before is None else before.rules),
    )


def scopes_of(slug: str, drafts: list[SeedDraft]) -> list[SeedScope]:
    """What crawls of this collection would take from seeds, for people; of checked drafts."""
    plan = options_from_json(context().holdings.collections.get(slug).options)
    planned = [(place, PlannedSeed(draft.url, _scope(draft))) for place, draft in enumerate(drafts)]
    return Scope(plan, planned).describe()


def _scope(draft: SeedDraft) -> Any:
    from archiver.crawl.plan import ScopeKind

    return ScopeKind(draft.scope) if draft.scope else None


# -- groups ----------------------------------------------------------------------------------------------------------


@blueprint.get("/collections/<slug>/groups")
@needs(Role.VIEWER)
def group_list(slug: str) -> str:
    """The groups of seeds."""
    return _groups(slug)


@blueprint.post("/collections/<slug>/groups")
@needs(Role.ARCHIVIST)
def change_group(slug: str) -> BaseResponse:
    """Make, rename, open or remove a group."""
    form = request.form
    name = form.get("name", "")
    try:
        if form.get("do") == "remove":
            groups().remove(slug, name, actor=actor())
        else:
            groups().set(slug, name, new_name=form.get("new_name"), is_public=form.get("public") == "1", actor=actor())
    except MunimentError as error:
        return make_response(_groups(slug, str(error), name), 400)
    return redirect(url_for("collections.group_list", slug=slug), 303)


def _groups(slug: str, problem: str = "", name: str = "") -> str:
    item = context().holdings.collections.get(slug)
    return render_template("collecting/groups.html", item=item, groups=seeds().groups(slug), problem=problem, name=name)
