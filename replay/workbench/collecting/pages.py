"""Collections: the list of them, each at a glance, made and changed; their organisations and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Response, abort, flash, get_flashed_messages, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.collections.descriptions import Statement
from archiver.collections.options import options_from_json, options_to_json
from archiver.collections.registry import slugify
from archiver.collections.reports import CrawlReports
from archiver.collections.seeds import SeedFilter
from archiver.crawl.plan import RobotsMode, ScopeKind
from archiver.deletion import SUPPRESSED
from archiver.errors import MunimentError, UsageError
from archiver.model import Collection, Organisation, Visibility
from archiver.removal import Hindrance, Obstacle, look_at, remove
from replay.workbench.collecting.base import (
    LIMITS,
    SCOPES,
    UPLOAD,
    actor,
    blueprint,
    descriptions,
    images,
    limited,
    limits_in,
    limits_shown,
    seeds,
    uploaded,
)
from replay.workbench.overtaken import mark_of, refuse_overtaken
from replay.workbench.places import context
from replay.workbench.session import needs, takes

_GIGABYTE = 1_000_000_000


@blueprint.get("/collections")
@needs(Role.VIEWER)
def collections() -> str:
    """Every collection, as a card."""
    holdings, registry = context().holdings, seeds()
    pictured = images().having("collection")
    cards = [
        (item, holdings.files.totals(item.slug), registry.count(item.slug), item.number in pictured)
        for item in holdings.collections.all()
    ]
    return render_template("collecting/list.html", cards=cards, told=get_flashed_messages())


@blueprint.get("/collections/<slug>")
@needs(Role.VIEWER)
def collection(slug: str) -> str:
    """One collection at a glance."""
    holdings, registry, said = context().holdings, seeds(), descriptions()
    item = holdings.collections.get(slug)
    active = registry.count(slug, SeedFilter(is_active=True))
    return render_template(
        "collecting/overview.html",
        item=item,
        totals=holdings.files.totals(slug),
        active=active,
        inactive=registry.count(slug) - active,
        crawls=CrawlReports(holdings.engine).crawls(slug, limit=5),
        said=said.of(slug, "collection"),
        documents=len(said.subjects(slug, "document", limit=1000)),
        image=images().get("collection", item.number),
        logo=images().get("organisation", item.organisation.number) if item.organisation else None,
    )


# -- made and changed ------------------------------------------------------------------------------------------------


@blueprint.get("/new-collection")
@needs(Role.ARCHIVIST)
def new() -> str:
    """The form of a new collection."""
    return _form(None, {"visibility": "public", "is_active": "1", "scope": "prefix", "robots": "obey", "sitemaps": "1"})


@blueprint.post("/new-collection")
@needs(Role.ARCHIVIST)
@takes(UPLOAD)
def create() -> BaseResponse:
    """A new collection."""
    form, registry = request.form, context().holdings.collections
    slug = form.get("slug", "").strip() or slugify(form.get("title", ""))
    try:
        if not form.get("title", "").strip():
            raise UsageError("A collection needs a title.", "Give it one.")
        values = _values(form, "")
        made = registry.create(
            slug,
            title=form["title"],
            organisation=form.get("organisation", ""),
            organisation_url=form.get("organisation_url", ""),
            description=form.get("description", ""),
            visibility=_visibility(form),
            actor=actor(),
        )
    except MunimentError as error:
        return make_response(_form(None, form, str(error)), 400)
    registry.update(slug, **values, actor=actor())
    _topics(slug, form)
    try:
        _picture("collection", made.number, f"collection {slug}")
    except MunimentError as error:
        return make_response(_form(registry.get(slug), form, f"The collection is made, but without its picture. {error}"), 400)
    return redirect(url_for("collections.collection", slug=slug), 303)


@blueprint.get("/collections/<slug>/settings")
@needs(Role.ARCHIVIST)
def settings(slug: str) -> str:
    """What can be changed of a collection."""
    item = context().holdings.collections.get(slug)
    return _form(item, _said(item))


def _said(item: Collection) -> dict[str, str]:
    """What the form of a collection is filled with."""
    plan = options_from_json(item.options)
    return {
        "title": item.title,
        "organisation": item.organisation.name if item.organisation else "",
        "organisation_url": item.organisation.url if item.organisation else "",
        "description": item.description,
        "visibility": item.visibility.value,
        "topics": "\n".join(said.value for said in descriptions().of(item.slug, "collection") if said.field == "subject"),
        "is_active": "1" if item.is_active else "",
        "budget": f"{item.budget_bytes / _GIGABYTE:.10g}" if item.budget_bytes else "",
        "scope": plan.scope.value,
        "robots": plan.robots.value,
        "sitemaps": "1" if plan.sitemaps else "",
        "extra_hops": str(plan.extra_hops),
        **limits_shown({name: getattr(plan.limits, name) for name, _, _ in LIMITS}),
    }


@blueprint.post("/collections/<slug>/settings")
@needs(Role.ARCHIVIST)
@takes(UPLOAD)
def change(slug: str) -> BaseResponse:
    """Change a collection."""
    form, registry = request.form, context().holdings.collections
    item = registry.get(slug)
    try:
        refuse_overtaken(mark_of(_said(item)))
        values = _values(form, item.options)
        _picture("collection", item.number, f"collection {slug}")
        registry.update(
            slug,
            title=form.get("title", ""),
            organisation=form.get("organisation", ""),
            organisation_url=form.get("organisation_url", ""),
            description=form.get("description", ""),
            visibility=_visibility(form),
            **values,
            actor=actor(),
        )
        _topics(slug, form)
    except MunimentError as error:
        return make_response(_form(item, form, str(error)), 400)
    return redirect(url_for("collections.collection", slug=slug), 303)


def _form(item: Collection | None, values: Mapping[str, str], problem: str = "") -> str:
    registry = context().holdings.collections
    return render_template(
        "collecting/form.html",
        item=item,
        values=values,
        problem=problem,
        organisations=registry.organisations(),
        limits=LIMITS,
        scopes=SCOPES,
        has_image=item is not None and images().get("collection", item.number) is not None,
        seen=mark_of(_said(item)) if item is not None else "",
    )


def _visibility(form: Mapping[str, str]) -> Visibility:
    try:
        return Visibility(form.get("visibility", ""))
    except ValueError as error:
        raise UsageError("There is no such visibility.", f"Choose one of {', '.join(Visibility)}.") from error


def _values(form: Mapping[str, str], options: str) -> dict[str, Any]:
    """What a form says beside titles: whether schedules crawl it, its budget, what its crawls begin with."""
    budget = form.get("budget", "").strip().replace(",", ".") or "0"
    try:
        size = float(budget)
    except ValueError:
        size = -1
    if not 0 <= size < 1e9:
        raise UsageError("The data budget is no number.", "Write gigabytes, or nothing for no limit.")
    hops = form.get("extra_hops", "").strip() or "0"
    if not (hops.isascii() and hops.isdigit() and int(hops[:4]) <= 100):
        raise UsageError("The links outside are no number.", "Write a number from 0 to 100.")
    try:
        scope, robots = ScopeKind(form.get("scope", "")), RobotsMode(form.get("robots", ""))
    except ValueError as error:
        raise UsageError("There is no such scope, or no such heed of robots.txt.", "Choose from the lists.") from error
    plan = limited(options_from_json(options), limits_in(form))
    plan = replace(plan, scope=scope, robots=robots, sitemaps=form.get("sitemaps") == "1", extra_hops=int(hops))
    return {
        "is_active": form.get("is_active") == "1",
        "budget_bytes": round(size * _GIGABYTE),
        "options": options_to_json(plan),
    }


def _topics(slug: str, form: Mapping[str, str]) -> None:
    """Topics are what the collection's description says as its subjects, one a line."""
    said = descriptions()
    now = said.of(slug, "collection")
    wanted = [line.strip() for line in form.get("topics", "").splitlines() if line.strip()]
    private = {item.value: item.is_private for item in now if item.field == "subject"}
    topics = [Statement("subject", value, private.get(value, False)) for value in wanted]
    if topics != [item for item in now if item.field == "subject"]:
        said.replace(slug, "collection", "", [item for item in now if item.field != "subject"] + topics, actor=actor())


# -- removal ---------------------------------------------------------------------------------------------------------


@blueprint.get("/collections/<slug>/removal")
@needs(Role.ADMINISTRATOR)
def removal(slug: str) -> str:
    """What a collection has, what stands in the way of its removal, and the form for it."""
    return _removal(slug)


def _removal(slug: str, problem: str = "") -> str:
    holdings = context().holdings
    found = look_at(holdings, slug)
    pending = [rule for rule in holdings.access.all() if rule.collection == slug and rule.deletion == SUPPRESSED]
    return render_template(
        "collecting/removal.html",
        item=holdings.collections.get(slug),
        contents=found.contents,
        obstacles=[(obstacle, *_way(obstacle, slug)) for obstacle in found.obstacles],
        pending=pending,
        given=request.form,
        problem=problem,
    )


def _way(obstacle: Obstacle, slug: str) -> tuple[str, str]:
    """Where something can be done about an obstacle, and in which words; empty for nowhere."""
    match obstacle.kind:
        case Hindrance.CAPTURES:
            return url_for("deletions.deletions", collection=slug, sort="is_everything"), "Delete all of it"
        case Hindrance.CRAWL:
            return url_for("crawls.crawl", number=obstacle.number), f"Crawl {obstacle.number}"
        case Hindrance.TEST:
            return url_for("tests.test", number=obstacle.number), f"Test crawl {obstacle.number}"
        case Hindrance.JOB:
            return url_for("jobs.job", number=obstacle.number), f"Job {obstacle.number}"
        case Hindrance.SETTING:
            return url_for("settings.settings"), "Settings"
    return "", ""


@blueprint.post("/collections/<slug>/removal")
@needs(Role.ADMINISTRATOR)
def remove_now(slug: str) -> BaseResponse:
    """Remove a collection, once its name was typed."""
    holdings, form = context().holdings, request.form
    title = holdings.collections.get(slug).title
    try:
        remove(holdings, slug, typed=form.get("name", ""), reason=form.get("reason", ""), actor=actor())
    except MunimentError as error:
        return make_response(_removal(slug, str(error)), 400)
    flash(f"The collection “{title}” was removed.")
    return redirect(url_for("collections.collections"), 303)


# -- pictures --------------------------------------------------------------------------------------------------------


def _picture(owner: str, number: int, subject: str) -> None:
    """Keep the picture that was uploaded, or take the old one away where that is asked for.

    Raises:
        UsageError: it is not taken.
    """
    data = uploaded("image")
    if data:
        images().put(owner, number, data, actor=actor(), subject=subject)
    elif request.form.get("no_image") == "1":
        images().remove(owner, number, actor=actor(), subject=subject)


@blueprint.get("/collections/<slug>/image")
@needs(Role.VIEWER)
def image(slug: str) -> BaseResponse:
    """The picture of a collection."""
    return _served("collection", context().holdings.collections.get(slug).number)


@blueprint.get("/organisations/<slug>/logo")
@needs(Role.VIEWER)
def logo(slug: str) -> BaseResponse:
    """The logo of an organisation."""
    return _served("organisation", context().holdings.collections.organisation(slug).number)


def _served(owner: str, number: int) -> BaseResponse:
    found = images().get(owner, number)
    if found is None:
        abort(404)
    answer = Response(found.data, mimetype=found.mime)
    answer.set_etag(f"{found.changed_at.timestamp():.6f}")
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer.make_conditional(request)


# -- organisations ---------------------------------------------------------------------------------------------------


@blueprint.get("/organisations/<slug>")
@needs(Role.ARCHIVIST)
def organisation(slug: str) -> str:
    """Who collects."""
    return _organisation(slug, _said_of(context().holdings.collections.organisation(slug)))


def _said_of(found: Organisation) -> dict[str, str]:
    """What its form is filled with."""
    return {"name": found.name, "url": found.url, "address": found.address, "description": found.description}


@blueprint.post("/organisations/<slug>")
@needs(Role.ARCHIVIST)
@takes(UPLOAD)
def change_organisation(slug: str) -> BaseResponse:
    """Change who collects, in all collections."""
    form, registry = request.form, context().holdings.collections
    found = registry.organisation(slug)
    try:
        refuse_overtaken(mark_of(_said_of(found)))
        _picture("organisation", found.number, f"organisation {slug}")
        registry.update_organisation(
            slug,
            name=form.get("name", ""),
            url=form.get("url", ""),
            address=form.get("address", ""),
            description=form.get("description", ""),
            actor=actor(),
        )
    except MunimentError as error:
        return make_response(_organisation(slug, form, str(error)), 400)
    return redirect(url_for("collections.collections"), 303)


def _organisation(slug: str, values: Mapping[str, str], problem: str = "") -> str:
    registry = context().holdings.collections
    found = registry.organisation(slug)
    owned = [item for item in registry.all() if item.organisation and item.organisation.slug == slug]
    return render_template(
        "collecting/organisation.html", found=found, values=values, problem=problem, owned=owned,
        has_image=images().get("organisation", found.number) is not None, seen=mark_of(_said_of(found)),
    )  # fmt: skip
