"""Capture one page, now, and watch it happen."""

from __future__ import annotations

from flask import Blueprint, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.errors import MunimentError, NotFound
from replay.workbench.jobs import JobView
from replay.workbench.places import context, reader_address
from replay.workbench.session import needs

blueprint = Blueprint("captures", __name__)


@blueprint.get("/captures")
@needs(Role.VIEWER)
def captures() -> str:
    """The form, and what was captured from here."""
    return _page()


def _page(*, url: str = "", collection: str = "", problem: str = "") -> str:
    place = context()
    return render_template(
        "captures.html",
        collections=place.holdings.collections.all(),
        chosen=collection or request.args.get("collection", place.settings.collection),
        url=url or request.args.get("url", ""),
        problem=problem,
        jobs=[(job, see(job)) for job in place.captures.views()],
        reader=reader_address(),
    )


@blueprint.post("/captures")
@needs(Role.ARCHIVIST)
def start() -> BaseResponse:
    """Begin a capture."""
    url, collection = request.form.get("url", ""), request.form.get("collection", "")
    try:
        number = context().captures.start(url, collection)
    except MunimentError as error:
        return make_response(_page(url=url, collection=collection, problem=str(error)), 400)
    return redirect(url_for("captures.job", number=number), 303)


@blueprint.get("/captures/<int:number>")
@needs(Role.VIEWER)
def job(number: int) -> str:
    """One capture, as it goes on."""
    found = _known(number)
    return render_template("job.html", job=found, see=see(found))


@blueprint.get("/captures/<int:number>.json")
@needs(Role.VIEWER)
def job_json(number: int) -> BaseResponse:
    """The same for scripts."""
    found = _known(number)
    return jsonify(
        {
            "number": found.number,
            "url": found.url,
            "collection": found.collection,
            "state": found.state.value,
            "over": found.is_over,
            "known": found.known,
            "finished": found.finished,
            "received": found.received,
            "host": found.current_host,
            "failures": [{"url": failure.url, "reason": failure.reason} for failure in found.failures],
            "title": found.title,
            "problem": found.problem,
            "see": see(found),
        }
    )


@blueprint.post("/captures/<int:number>/stop")
@needs(Role.ARCHIVIST)
def stop(number: int) -> BaseResponse:
    """End a capture; what came is kept."""
    _known(number)
    context().captures.stop(number)
    return redirect(url_for("captures.job", number=number), 303)


def see(found: JobView) -> str | None:
    """Where the captured page can be seen; None when it is not held."""
    if found.timestamp is None:
        return None
    return f"{reader_address()}{found.collection}/{found.timestamp}/{found.final_url}"


def _known(number: int) -> JobView:
    found = context().captures.view(number)
    if found is None:
        raise NotFound(f"Capture {number} is not one of this session.", "What it captured is in the collection's pages.")
    return found
