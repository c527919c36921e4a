"""What archived pages lack: listed by page, captured with one press, with a before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.collections.steering import MOST_PATCHED
from archiver.errors import MunimentError
from archiver.missing import IGNORED, OPEN, STATES, MissingParts, MissNotes
from replay.workbench.crawls.shown import desk
from replay.workbench.places import context, reader_address, whole_number
from replay.workbench.session import current_account, needs

blueprint = Blueprint("missing", __name__, url_prefix="/missing")

_PAGES = 100
_PARTS = 200


def _parts() -> MissingParts:
    place = context()
    return MissingParts(place.holdings, place.clock)


@blueprint.get("/")
@needs(Role.VIEWER)
def collections() -> str:
    """Every collection with what it lacks."""
    place, parts = context(), _parts()
    parts.take(MissNotes(place.settings.archive / "cache").take())
    parts.settle()
    found = [(item, parts.counts(item.slug)) for item in place.holdings.collections.all()]
    found.sort(key=lambda pair: -pair[1][OPEN])
    return render_template("missing/collections.html", found=found, is_on=place.settings.record_missing)


@blueprint.get("/<slug>")
@needs(Role.VIEWER)
def pages(slug: str) -> str:
    """Pages that lack something."""
    collection = context().holdings.collections.get(slug)
    parts = _parts()
    parts.settle()
    start = _number("from")
    found = parts.pages(collection.slug, limit=_PAGES + 1, offset=start)
    return render_template(
        "missing/pages.html",
        collection=collection,
        found=found[:_PAGES],
        counts=parts.counts(slug),
        previous=_way("missing.pages", slug, {"from": max(0, start - _PAGES)}) if start else "",
        next=_way("missing.pages", slug, {"from": start + _PAGES}) if len(found) > _PAGES else "",
    )


@blueprint.get("/<slug>/parts")
@needs(Role.VIEWER)
def parts(slug: str) -> str:
    """The parts themselves."""
    return _list(slug)


def _list(slug: str, problem: str = "") -> str:
    collection, registry = context().holdings.collections.get(slug), _parts()
    registry.settle()
    asked = {name: request.values.get(name, "") for name in ("state", "page", "at", "search")}
    if asked["state"] not in STATES:
        asked["state"] = ""
    if not (asked["at"].isascii() and asked["at"].isdigit() and len(asked["at"]) == 14):
        asked["at"] = ""
    found = registry.list(
        collection.slug,
        states=(asked["state"],) if asked["state"] else (),
        page_url=asked["page"],
        page_timestamp=asked["at"],
        search=asked["search"],
        after=_number("after"),
        limit=_PARTS + 1,
    )
    kept: dict[str, object] = {name: value for name, value in asked.items() if value}
    more = _way("missing.parts", slug, {**kept, "after": found[_PARTS - 1].number}) if len(found) > _PARTS else ""
    return render_template(
        "missing/parts.html",
        collection=collection,
        found=found[:_PARTS],
        asked=asked,
        states=STATES,
        problem=problem,
        most=MOST_PATCHED,
        next=more,
        reader=reader_address(),
    )


@blueprint.post("/<slug>/parts")
@needs(Role.ARCHIVIST)
def change(slug: str) -> BaseResponse:
    """Capture, put aside, or open again what was ticked, or all that a page lacks."""
    registry, form, actor = _parts(), request.form, current_account().name
    context().holdings.collections.get(slug)
    numbers = [number for number in map(whole_number, form.getlist("part")) if number is not None]
    if form.get("every") == "1":
        page, at = form.get("page", ""), form.get("at", "")
        numbers = [
            part.number for part in registry.list(slug, states=(OPEN,), page_url=page, page_timestamp=at, limit=MOST_PATCHED)
        ]
    try:
        if form.get("do") == "patch":
            crawl = registry.patch(slug, numbers, desk(), actor=actor)
            return redirect(url_for("crawls.crawl", number=crawl), 303)
        registry.set_state(numbers, IGNORED if form.get("do") == "ignore" else OPEN, actor=actor)
    except MunimentError as error:
        return make_response(_list(slug, str(error)), 400)
    kept: dict[str, object] = {name: form[name] for name in ("state", "page", "at", "search") if form.get(name)}
    return redirect(_way("missing.parts", slug, kept), 303)


def _way(endpoint: str, slug: str, values: Mapping[str, Any]) -> str:
    return url_for(endpoint, slug=slug, **values)


def _number(name: str) -> int:
    return whole_number(request.args.get(name, "")) or 0
