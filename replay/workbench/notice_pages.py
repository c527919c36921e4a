"""Notices: who is told of what, by e-mail or by a request to an address of theirs."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.errors import MunimentError
from archiver.notices import EVENTS, NoticeRegistry
from replay.workbench.places import collection_choices, context
from replay.workbench.session import current_account, needs

blueprint = Blueprint("notices", __name__)


@blueprint.get("/notices")
@needs(Role.ARCHIVIST)
def notices() -> str:
    """All of them, and the form for a new one."""
    return _page()


def _page(problem: str = "", made: int = 0) -> str:
    place = context()
    choices = [("", "all"), *collection_choices()]
    found = NoticeRegistry(place.holdings).all()
    return render_template(
        "work/notices.html",
        notices=found,
        made=next((item for item in found if item.number == made), None),
        events=EVENTS,
        choices=choices,
        has_mail=bool(place.settings.mail_host and place.settings.mail_from),
        problem=problem,
        typed=request.form,
        chosen=request.form.getlist("events"),
    )


@blueprint.post("/notices")
@needs(Role.ARCHIVIST)
def add() -> BaseResponse:
    """A new one; its secret is shown now, and not again."""
    form = request.form
    try:
        made = NoticeRegistry(context().holdings).add(
            form.get("kind", ""),
            form.get("target", ""),
            form.getlist("events"),
            by=current_account().name,
            collection=form.get("collection") or None,
        )
    except MunimentError as error:
        return make_response(_page(str(error)), 400)
    return make_response(_page(made=made.number)) if made.secret else redirect(url_for("notices.notices"), 303)


@blueprint.post("/notices/<int:number>/remove")
@needs(Role.ARCHIVIST)
def remove(number: int) -> BaseResponse:
    """Tell them no more."""
    NoticeRegistry(context().holdings).remove(number, by=current_account().name)
    return redirect(url_for("notices.notices"), 303)


@blueprint.post("/notices/<int:number>/try")
@needs(Role.ARCHIVIST)
def try_out(number: int) -> BaseResponse:
    """Send something now."""
    NoticeRegistry(context().holdings).try_out(number, by=current_account().name)
    return redirect(url_for("notices.notices"), 303)
