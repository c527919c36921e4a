"""Rules of access: who may see what; made, changed, taken away, and tried out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.collections.access import Action, Rule, Viewer
from archiver.collections.accesswords import changed_rule, in_words, make_rule, since_text, until_text
from archiver.collections.explain import Explanation, explain
from archiver.errors import Conflict, MunimentError, UsageError
from archiver.holdings import Holdings
from archiver.timestamps import to_iso
from replay.workbench.places import context
from replay.workbench.session import current_account, needs

blueprint = Blueprint("access", __name__)

#: What a rule may be about, and what it does, in the words of the form.
TARGETS = (
    ("url", "one URL"), ("prefix", "all URLs that begin so"), ("host", "a host, and all hosts below it"),
    ("everything", "everything"),
)  # fmt: skip
ACTIONS = (
    ("exclude", "exclude: as if it were not held"), ("block", "block: readers are told that it is not shown (451)"),
    ("allow", "allow: shown, where a wider rule hides it"),
)  # fmt: skip
_EVERYWHERE = "*"


@blueprint.get("/access")
@needs(Role.VIEWER)
def rules() -> str:
    """All rules, the form for a new one, and what becomes of a URL."""
    return _page()


def _page(problem: str = "", values: Mapping[str, str] | None = None) -> str:
    place = context()
    holdings = place.holdings
    wanted = request.args.get("collection", "")
    found = [rule for rule in holdings.access.all() if not wanted or rule.collection in (None, wanted)]
    told, trouble = _told(holdings)
    return render_template(
        "access/rules.html",
        rules=found,
        of_seeds=_of_seeds(holdings, wanted),
        collections=holdings.collections.all(),
        wanted=wanted,
        told=told,
        trouble=trouble,
        asked=request.args,
        problem=problem,
        values=values or {"collection": wanted or _EVERYWHERE, "target": "url", "action": "exclude"},
        targets=TARGETS,
        actions=ACTIONS,
        in_words=in_words,
    )


def _of_seeds(holdings: Holdings, wanted: str) -> list[tuple[str, str, list[str]]]:
    """Collections, seeds of them that are not public, and what is hidden of each, in words."""
    found: dict[tuple[str, str], list[str]] = {}
    for rule in holdings.access.current().rules:
        if rule.seed and rule.collection is not None and wanted in ("", rule.collection):
            said = found.setdefault((rule.collection, rule.seed), [])
            said.append(in_words(replace(rule, reason="")))
    return [(slug, seed, said) for (slug, seed), said in sorted(found.items())]


def _told(holdings: Holdings) -> tuple[Explanation | None, str]:
    """What becomes of the URL that was asked about, or why that cannot be said."""
    asked = request.args
    if not asked.get("url", "").strip():
        return None, ""
    viewer = Viewer(asked.get("address", "").strip(), frozenset(_words(asked.get("group", ""))))
    try:
        of = asked.get("of") or asked.get("collection") or context().settings.collection
        return explain(holdings, of, asked["url"].strip(), asked.get("at", "").strip(), viewer), ""
    except MunimentError as error:
        return None, str(error)


@blueprint.post("/access")
@needs(Role.ARCHIVIST)
def add() -> BaseResponse:
    """A new rule."""
    form, holdings = request.form, context().holdings
    try:
        collection = form.get("collection", "")
        rule = make_rule(
            _action(form), **_target(form), collection=None if collection == _EVERYWHERE else collection, **_about(form)
        )
        holdings.access.add([rule], actor=current_account().name)
    except MunimentError as error:
        return make_response(_page(str(error), form), 400)
    return redirect(url_for("access.rules"), 303)


@blueprint.get("/access/<int:number>")
@needs(Role.ARCHIVIST)
def rule(number: int) -> str:
    """The form that changes a rule."""
    found = _free(number)
    values = {
        "action": found.action.value,
        "since": since_text(found),
        "until": until_text(found),
        "embargo": f"{found.embargo}s" if found.embargo else "",
        "addresses": "\n".join(map(str, found.addresses)),
        "groups": "\n".join(sorted(found.groups)),
        "starts": to_iso(found.starts_at, 0) if found.starts_at else "",
        "ends": to_iso(found.ends_at, 0) if found.ends_at else "",
        "message": found.message,
        "reason": found.reason,
    }
    return _form(found, values)


@blueprint.post("/access/<int:number>")
@needs(Role.ARCHIVIST)
def change(number: int) -> BaseResponse:
    """Change a rule; what it is about stays."""
    found, form = _free(number), request.form
    try:
        context().holdings.access.change(changed_rule(found, _action(form), **_about(form)), actor=current_account().name)
    except MunimentError as error:
        return make_response(_form(found, form, str(error)), 400)
    return redirect(url_for("access.rules"), 303)


@blueprint.post("/access/<int:number>/remove")
@needs(Role.ARCHIVIST)
def remove(number: int) -> BaseResponse:
    """Take a rule away."""
    context().holdings.access.remove(_free(number).number, actor=current_account().name)
    return redirect(url_for("access.rules"), 303)


def _form(found: Rule, values: Mapping[str, str], problem: str = "") -> str:
    return render_template(
        "access/rule.html", rule=found, values=values, problem=problem, actions=ACTIONS, about=in_words(found)
    )


def _free(number: int) -> Rule:
    """A rule that is no part of a deletion."""
    found = context().holdings.access.get(number)
    if found.deletion:
        raise Conflict(f"Rule {number} is part of a deletion.", "It goes when that is restored.")
    return found


def _action(form: Mapping[str, str]) -> Action:
    try:
        return Action(form.get("action", ""))
    except ValueError as error:
        raise UsageError("There is no such action.", "Choose one of the list.") from error


def _target(form: Mapping[str, str]) -> dict[str, Any]:
    target, text = form.get("target", ""), form.get("what", "").strip()
    if target == "everything":
        return {"is_everything": True}
    if target not in {name for name, _ in TARGETS}:
        raise UsageError("A rule is about one thing.", "Choose one of the list.")
    if not text:
        raise UsageError("The rule does not say what it is about.", "Write a URL or a host.")
    return {target: text}


def _about(form: Mapping[str, str]) -> dict[str, Any]:
    names = ("since", "until", "embargo", "starts", "ends", "message", "reason")
    said: dict[str, Any] = {name: form.get(name, "").strip() for name in names}
    return said | {name: _words(form.get(name, "")) for name in ("addresses", "groups")}


def _words(text: str) -> list[str]:
    return [word.strip() for word in re.split(r"[,\n]", text) if word.strip()]
