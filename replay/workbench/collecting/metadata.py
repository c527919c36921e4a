"""What is said of a collection, a seed or a document: the form for it, and the fields that a collection has."""

from __future__ import annotations

from collections.abc import Sequence

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.collections.descriptions import Field, Statement, subject_of
from archiver.errors import MunimentError, UsageError
from replay.workbench.collecting.base import actor, blueprint, descriptions, seeds
from replay.workbench.overtaken import mark_of, refuse_overtaken
from replay.workbench.places import context
from replay.workbench.session import needs, takes

#: Empty rows below what is said.
_SPARE = 3
_MOST_ROWS = 500
_LARGEST_FORM = 4_000_000


@blueprint.get("/collections/<slug>/metadata")
@needs(Role.VIEWER)
def metadata(slug: str) -> str:
    """What is said of the collection, or of the seed or document that `about` and `url` name."""
    level, subject = _about(slug)
    return _form(slug, level, subject, descriptions().of(slug, level, subject))


@blueprint.post("/collections/<slug>/metadata")
@needs(Role.ARCHIVIST)
@takes(_LARGEST_FORM)
def change_metadata(slug: str) -> BaseResponse:
    """Say it anew; or only move a row, or give more empty ones, which saves nothing."""
    level, subject = _about(slug)
    form = request.form
    rows = _rows()
    if "up" in form or form.get("do") == "more":
        place = form.get("up", "")
        if place.isascii() and place.isdigit() and 0 < int(place[:4]) < len(rows):
            at = int(place[:4])
            rows[at - 1], rows[at] = rows[at], rows[at - 1]
        spare = _SPARE * 3 if "do" in form else _SPARE
        return make_response(_form(slug, level, subject, rows, spare=spare, is_saved=False, seen=form.get("seen", "")))
    try:
        refuse_overtaken(mark_of(descriptions().of(slug, level, subject)))
        for row in rows:
            if row.value.strip() and not row.field.strip():
                raise UsageError(f"“{row.value.strip()[:60]}” is said in no field.", "Choose one.")
        descriptions().replace(slug, level, subject, rows, actor=actor())
    except MunimentError as error:
        return make_response(_form(slug, level, subject, rows, problem=str(error), is_saved=False), 400)
    return redirect(url_for("collections.metadata", slug=slug, about=level, url=subject or None, told="1"), 303)


def _about(slug: str) -> tuple[str, str]:
    """Level and subject that are asked for.

    Raises:
        UnknownCollection: there is no such collection.
        UsageError: there is no such level, or no such seed.
    """
    context().holdings.collections.get(slug)
    level = request.args.get("about", "collection")
    subject = subject_of(level, request.args.get("url", ""))
    if level == "seed" and seeds().find(slug, subject) is None:
        raise UsageError(f"{subject} is no seed of this collection.", "Add it first, or describe it as a document.")
    return level, subject


def _rows() -> list[Statement]:
    """The rows of the form, also empty ones in between, so that moving one finds it."""
    form = request.form
    count = form.get("rows", "0")
    number = min(int(count), _MOST_ROWS) if count.isascii() and count.isdigit() and len(count) < 6 else 0
    found = [
        Statement(form.get(f"field_{place}", ""), form.get(f"value_{place}", ""), form.get(f"private_{place}") == "1")
        for place in range(number)
    ]
    return [row for row in found if row.field.strip() or row.value.strip()]


def _form(
    slug: str,
    level: str,
    subject: str,
    rows: Sequence[Statement],
    *,
    problem: str = "",
    spare: int = _SPARE,
    is_saved: bool = True,
    seen: str = "",
) -> str:
    holdings = context().holdings
    return render_template(
        "collecting/metadata.html",
        item=holdings.collections.get(slug),
        level=level,
        subject=subject,
        seed=seeds().find(slug, subject) if level == "seed" else None,
        rows=rows,
        spare=spare,
        fields=descriptions().fields(slug),
        problem=problem,
        is_saved=is_saved,
        told=bool(request.args.get("told")) and is_saved,
        seen=seen or mark_of(descriptions().of(slug, level, subject)),
    )


# -- fields ----------------------------------------------------------------------------------------------------------


@blueprint.get("/collections/<slug>/fields")
@needs(Role.VIEWER)
def fields(slug: str) -> str:
    """The fields of a collection: which it has of its own, which are private."""
    return _fields(slug, descriptions().fields(slug))


@blueprint.post("/collections/<slug>/fields")
@needs(Role.ARCHIVIST)
def change_fields(slug: str) -> BaseResponse:
    """Say the fields anew; one whose name is emptied goes, what is said in it stays."""
    form = request.form
    count = form.get("rows", "0")
    number = min(int(count), _MOST_ROWS) if count.isascii() and count.isdigit() and len(count) < 6 else 0
    wanted = [Field(form.get(f"name_{place}", "").strip(), form.get(f"private_{place}") == "1") for place in range(number)]
    order = [form.get(f"order_{place}", "") for place in range(number)]
    ranked = sorted(zip(order, range(number), wanted, strict=True), key=lambda item: (_rank(item[0], item[1]), item[1]))
    named = [field for _, _, field in ranked if field.name]
    try:
        refuse_overtaken(mark_of(descriptions().fields(slug)))
        descriptions().set_fields(slug, named, actor=actor())
    except MunimentError as error:
        return make_response(_fields(slug, wanted, str(error)), 400)
    return redirect(url_for("collections.fields", slug=slug, told="1"), 303)


def _rank(written: str, place: int) -> int:
    return int(written[:6]) if written.isascii() and written.isdigit() else place + 1


def _fields(slug: str, found: Sequence[Field], problem: str = "") -> str:
    item = context().holdings.collections.get(slug)
    mark = mark_of(descriptions().fields(slug))
    return render_template("collecting/fields.html", item=item, fields=found, problem=problem, spare=_SPARE, seen=mark)
