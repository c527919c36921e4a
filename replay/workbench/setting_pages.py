"""The settings: looked at and changed while the archive runs, by administrators."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.errors import MunimentError
from archiver.settings import NAMES
from replay.workbench.places import collection_choices, context
from replay.workbench.session import current_account, needs
from replay.workbench.settinglist import GROUPS, changes_of, kept_of, problem_with, setting_lines

blueprint = Blueprint("settings", __name__)


@blueprint.get("/settings")
@needs(Role.ADMINISTRATOR)
def settings() -> str:
    """All of them, in groups."""
    changed = [name for name in request.args.getlist("changed") if name in NAMES]
    return _page({}, {}, changed=changed)


def _page(problems: Mapping[str, str], values: Mapping[str, str], *, changed: list[str] | None = None) -> str:
    place = context()
    lines = setting_lines(place.holdings)
    return render_template(
        "settings.html",
        groups=GROUPS,
        lines=lines,
        changeable={number for number, group in enumerate(GROUPS) if any(not lines[name].fixed_by for name in group[2])},
        problems=problems,
        values=values,
        changed=changed or [],
        organisations=place.holdings.collections.organisations(),
        collections=collection_choices(),
    )


@blueprint.post("/settings/<int:group>")
@needs(Role.ADMINISTRATOR)
def change(group: int) -> BaseResponse:
    """Change those of one group, all or none."""
    if group >= len(GROUPS):
        raise NotFound
    place, form = context(), request.form
    lines = setting_lines(place.holdings)
    changes = changes_of(form, lines, GROUPS[group][2])
    problems = _problems(changes)
    if not problems:
        try:
            changed = kept_of(place.holdings).change(changes, actor=current_account().name)
        except MunimentError as error:
            problems[""] = str(error)
        else:
            return redirect(url_for("settings.settings", changed=changed, _anchor=f"group-{group}"), 303)
    shown = ImmutableMultiDict((name, text) for name, text in form.items() if not (name in lines and lines[name].is_secret))
    return make_response(_page(problems, shown), 400)


def _problems(changes: Mapping[str, object]) -> dict[str, str]:
    """What is wrong with each value, by name."""
    return {name: said for name, value in changes.items() if value is not None and (said := problem_with(name, value))}
