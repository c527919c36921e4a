"""Import and export: files that are taken into a collection, and collections, or parts of them, that are given out as files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from flask import Blueprint, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.errors import AccessRefused, MunimentError, UsageError
from archiver.export.forms import ExportForm, export_form
from archiver.export.orders import ordered
from archiver.export.selection import Selection
from replay.workbench.places import collection_choices, context, crawl_number, incoming_files, job_registry
from replay.workbench.session import current_account, needs, takes_files, wants_json

blueprint = Blueprint("transfers", __name__, url_prefix="/transfers")

#: Earlier transfers that the page shows.
_LAST = 8


@blueprint.get("")
@needs(Role.ARCHIVIST)
def transfers() -> str:
    """Both forms, and what was done lately."""
    return _page()


def _page(problem: str = "", about: str = "") -> str:
    place = context()
    given = request.form if request.method == "POST" else request.args
    return render_template(
        "work/transfers.html",
        choices=collection_choices(),
        forms=[(form.value, form.words) for form in ExportForm],
        jobs=job_registry().list(kinds=("import", "export"), limit=_LAST),
        waiting=incoming_files().free(),
        given=given,
        problem=problem,
        about=about,
        keeps=place.settings.jobs > 0,
    )


@blueprint.post("/import")
@needs(Role.ARCHIVIST)
@takes_files
def take_in() -> BaseResponse:
    """Files that were sent, or what lies on this machine, into a collection: as a job."""
    form = request.form
    sources = [line.strip() for line in form.get("sources", "").splitlines() if line.strip()]
    incoming = incoming_files()
    tokens: list[str] = []
    try:
        slug = context().holdings.collections.get(form.get("collection", "")).slug
        if sources and not current_account().role.includes(Role.ADMINISTRATOR):
            raise AccessRefused("What lies on this machine is imported by administrators.", "Send the files themselves.")
        _refuse_absent(sources)
        for sent in request.files.getlist("file"):
            if sent.filename:
                tokens.append(_kept(incoming, sent))
        waiting = [incoming.get(token).token for token in form.getlist("waiting")]
        if not (tokens or sources or waiting):
            raise UsageError("No file was chosen.", "Choose one or several: WARC, ARC, WACZ or HAR.")
        arguments = {"uploads": [*tokens, *waiting], "sources": sources, "in_place": form.get("in_place") == "1"}
        number = job_registry().put("import", arguments, slug, current_account().name)
    except MunimentError as error:
        for token in tokens:
            incoming.discard(token)
        if wants_json() or isinstance(error, AccessRefused):
            raise
        return make_response(_page(str(error), "import"), 400)
    if wants_json():
        return make_response(jsonify(job=number), 202)
    return redirect(url_for("jobs.job", number=number), 303)


def _kept(incoming: Any, sent: Any) -> str:
    """Keep one file of a form; its token."""
    name = getattr(sent.stream, "name", None)
    if isinstance(name, str) and Path(name).parent == incoming.folder:
        sent.stream.flush()
        return str(incoming.adopt(sent.filename, Path(name)).token)
    return str(incoming.receive(sent.filename, sent.stream).token)


def _refuse_absent(sources: list[str]) -> None:
    for source in sources:
        if "://" not in source and not os.path.exists(source):  # noqa: PTH110 - a path may be no path at all
            raise UsageError(f"There is no file or folder {source} on this machine.", "Write its whole path.")


@blueprint.post("/waiting/<token>/discard")
@needs(Role.ARCHIVIST)
def discard(token: str) -> BaseResponse:
    """A file that was sent and is not wanted after all."""
    incoming_files().give_up(token)
    return redirect(url_for("transfers.transfers"), 303)


@blueprint.post("/export")
@needs(Role.ARCHIVIST)
def give_out() -> BaseResponse:
    """A collection, or a part of it, as a file: as a job."""
    form, place = request.form, context()
    try:
        slug = place.holdings.collections.get(form.get("collection", "")).slug
        crawl = form.get("crawl", "").strip()
        words = (form.get(name, "").strip() for name in ("url_prefix", "since", "until", "page", "at"))
        selection = Selection(slug, crawl_number(crawl) if crawl else None, *words)
        arguments = ordered(selection, export_form(form.get("form")), public_only=form.get("public_only") == "1")
        number = job_registry().put("export", arguments, slug, current_account().name, once=True)
    except MunimentError as error:
        return make_response(_page(str(error), "export"), 400)
    return redirect(url_for("jobs.job", number=number), 303)
