"""Save a page: a form for people, a bookmarklet, and the API of Save Page Now 2 for programs."""

from __future__ import annotations

import re
from datetime import timedelta
from threading import BoundedSemaphore
from urllib.parse import quote

from flask import Blueprint, Response, current_app, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.errors import MunimentError, NotFound
from archiver.jobs import OPEN, Job, JobState
from archiver.saveorders import SaveRefused, read_order
from archiver.timestamps import parse_timestamp, to_http_date, to_iso
from archiver.urls import urlkey
from replay.address import raw_path
from replay.workbench.places import context, reader_address
from replay.workbench.savedesk import KIND, MOST_OPEN, SaveDesk, state_of
from replay.workbench.savestatus import refused, status_of, unknown
from replay.workbench.session import current_account, is_by_token, needs, open_to_all

blueprint = Blueprint("save", __name__)

#: Seconds that the old form, which answers when all is done, is kept waiting.
_PATIENCE = 110.0
#: Those that are kept waiting at a time: each takes one of the server's threads. Others are told the id of their job.
_WAITING = BoundedSemaphore(4)
#: Jobs whose status is told in one answer.
_MOST_ASKED = 200
_SLASHES = re.compile(r"^(https?:)/{1,2}(?=[^/])", re.IGNORECASE)
_URL_BEGINS = len("/save/")


def desk() -> SaveDesk:
    """Where pages are asked to be saved."""
    found: SaveDesk = current_app.extensions["muniment.saves"]
    return found


# -- for people ------------------------------------------------------------------------------------------------------


@blueprint.get("/save")
@needs(Role.VIEWER)
def form() -> str:
    """The form, and what was saved last."""
    return _form(request.args)


def _form(values: object, problem: str = "", address: str = "") -> str:
    place = context()
    jobs = desk().registry.list(kinds=(KIND,), limit=20)
    return render_template(
        "save.html",
        values=values,
        address=address,
        problem=problem,
        collections=place.holdings.collections.all(),
        usual=place.settings.collection,
        jobs=[(job, state_of(job), _see(job)) for job in jobs],
    )


@blueprint.get("/captures")
@needs(Role.VIEWER)
def captures() -> BaseResponse:
    """Where pages were captured before this was one place."""
    return redirect(url_for("save.form", url=request.args.get("url"), collection=request.args.get("collection")), 301)


@blueprint.get("/save/job/<token>")
@needs(Role.VIEWER)
def job(token: str) -> str:
    """A page that is being saved, as it goes on."""
    found = _known(token)
    status = status_of(found)
    return render_template("savejob.html", job=found, status=status, see=_see(found), order=found.arguments["order"])


@blueprint.post("/save/job/<token>/stop")
@needs(Role.ARCHIVIST)
def stop(token: str) -> BaseResponse:
    """End a job; what came is kept."""
    desk().registry.cancel(_known(token).number, current_account().name)
    return redirect(url_for("save.job", token=token), 303)


@blueprint.get("/save/bookmarklet")
@needs(Role.VIEWER)
def bookmarklet() -> str:
    """The bookmarklet, and how it is used."""
    target = f"{request.host_url}save/from?url="
    return render_template(
        "bookmarklet.html", script=f"javascript:void(location.href='{target}'+encodeURIComponent(location.href))"
    )


@blueprint.get("/save/from")
@open_to_all
def arrived() -> str:
    """Where the bookmarklet leads: browsers send no session along from another site, so this page goes on by itself."""
    return render_template("savefrom.html", target=url_for("save.form", url=request.args.get("url", "")[:8000]))


def _known(token: str) -> Job:
    found = desk().of_token(token)
    if found.kind != KIND:
        raise NotFound("There is no such job.", "")
    return found


def _see(found: Job) -> str:
    """Where readers see what a job has saved; "" when there is nothing."""
    if found.state is not JobState.DONE:
        return ""
    return f"{reader_address()}{found.collection}/{found.result['timestamp']}/{found.result['url']}"


# -- for programs ----------------------------------------------------------------------------------------------------


@blueprint.post("/save")
@needs(Role.ARCHIVIST)
def start() -> BaseResponse:
    """Have a page saved."""
    return _start(request.form.to_dict())


@blueprint.post("/save/<path:url>", merge_slashes=False)
@needs(Role.ARCHIVIST)
def start_of(url: str) -> BaseResponse:
    """The same, with the URL in the address."""
    return _start({**request.form.to_dict(), "url": _url_of_address()})


def _start(values: dict[str, str]) -> BaseResponse:
    try:
        order, secrets = read_order(values, context().settings.collection)
        token = desk().put(order, secrets, current_account().name)
    except MunimentError as error:
        if is_by_token():
            return _refused(error, values.get("url", ""))
        return make_response(_form(values, str(error)), error.status if isinstance(error, SaveRefused) else 400)
    if not is_by_token():
        return redirect(url_for("save.job", token=token), 303)
    told = {"url": order.url, "job_id": token}
    return jsonify({**told, "message": " ".join(order.messages)} if order.messages else told)


@blueprint.get("/save/<path:url>", merge_slashes=False)
@needs(Role.ARCHIVIST)
def save_now(url: str) -> BaseResponse:
    """The old form: answers once the page is saved. A person gets the form, filled in: opening an address changes nothing."""
    if not is_by_token():
        return make_response(_form({}, address=_url_of_address()))
    try:
        order, secrets = read_order({"url": _url_of_address()}, context().settings.collection)
        token = desk().put(order, secrets, current_account().name)
    except MunimentError as error:
        return _refused(error, _url_of_address())
    has_room = _WAITING.acquire(blocking=False)
    try:
        return _answered(desk().wait(token, _PATIENCE if has_room else 0.0))
    finally:
        if has_room:
            _WAITING.release()


def _url_of_address() -> str:
    """The URL that stands behind /save/, with its query."""
    raw = raw_path(request.environ["PATH_INFO"], request.environ.get("QUERY_STRING", ""))
    return _SLASHES.sub(r"\1//", raw[_URL_BEGINS:])


def _answered(found: Job) -> BaseResponse:
    """The answer of the old form."""
    told = status_of(found)
    if not found.state.is_over:
        answer = jsonify(told)
        answer.status_code = 202
        answer.headers["Retry-After"] = "5"
        return answer
    if found.state is not JobState.DONE:
        answer = jsonify(told)
        answer.status_code = _status_of_code(told["exception"])
        return answer
    url, timestamp, see = told["original_url"], told["timestamp"], _see(found)
    answer = jsonify(told)
    answer.headers["Content-Location"] = f"/web/{timestamp}/{url}"
    base, date = f"{reader_address()}{found.collection}", to_http_date(parse_timestamp(timestamp))
    answer.headers["Link"] = ", ".join((
        f'<{url}>; rel="original"',
        f'<{base}/timemap/link/{url}>; rel="timemap"; type="application/link-format"',
        f'<{base}/timegate/{url}>; rel="timegate"',
        f'<{see}>; rel="memento"; datetime="{date}"',
        f'<{see}>; rel="last memento"; datetime="{date}"',
    ))  # fmt: skip
    answer.headers["X-Page-Cache"] = "MISS" if found.result["is_new"] else "HIT"
    return answer


def _status_of_code(code: str) -> int:
    """The HTTP status that says what a job failed of."""
    mine = {"blocked-url": 403, "no-access": 403, "invalid-url-syntax": 400, "not-implemented": 501}
    return mine.get(code, 500 if code in ("capture-location-error", "internal-server-error", "job-failed") else 502)


def _refused(error: MunimentError, url: str) -> Response:
    """An order that is not taken, for programs."""
    if not isinstance(error, SaveRefused):
        status = 404 if isinstance(error, NotFound) else 500
        error = SaveRefused(
            "not-found" if status == 404 else "internal-server-error", error.message, error.advice, status=status
        )
    answer = jsonify(refused(error, url))
    answer.status_code = error.status
    if error.status == 429:
        answer.headers["Retry-After"] = "60"
    return answer


@blueprint.get("/save/status")
@needs(Role.VIEWER)
def status_of_none() -> BaseResponse:
    """No job was named."""
    return _refused(SaveRefused("bad-request", "No job was named.", "Ask for /save/status/JOB."), "")


@blueprint.get("/save/status/<token>")
@needs(Role.VIEWER)
def status(token: str) -> BaseResponse:
    """How a job stands."""
    return _told(token)


def _told(token: str) -> BaseResponse:
    try:
        told = status_of(_known(token))
    except NotFound:
        answer = jsonify(unknown(token))
        answer.status_code = 404
        return answer
    answer = jsonify(told)
    if told["status"] == "pending":
        answer.headers["Retry-After"] = "1"
    return answer


@blueprint.post("/save/status")
@needs(Role.VIEWER)
def statuses() -> BaseResponse:
    """How several jobs stand: `job_id`, `job_ids` with commas between, or `job_id_outlinks` for those of a page's links."""
    given = request.form
    if given.get("job_id"):
        return _told(given["job_id"].strip())
    if given.get("job_id_outlinks"):
        found = _known(given["job_id_outlinks"].strip()).result.get("outlinks", {})
        tokens = list(found.values()) if isinstance(found, dict) else []
    else:
        tokens = [token.strip() for token in given.get("job_ids", "").split(",") if token.strip()]
    if len(tokens) > _MOST_ASKED:
        return _refused(SaveRefused("bad-request", f"At most {_MOST_ASKED} jobs can be asked for at once."), "")
    return jsonify([_one(token) for token in tokens])


def _one(token: str) -> dict[str, object]:
    try:
        return status_of(_known(token))
    except NotFound:
        return unknown(token)


@blueprint.get("/save/status/user")
@needs(Role.VIEWER)
def of_user() -> BaseResponse:
    """What one has waiting, and how much more may be asked for. There is no limit of a day."""
    mine, place = current_account().name, context()
    waiting = [job for job in desk().registry.list(states=OPEN, kinds=(KIND,), limit=MOST_OPEN) if job.created_by == mine]
    today = to_iso(place.clock())[:10]
    recent = desk().registry.list(kinds=(KIND,), limit=10_000)
    count = sum(job.created_at.startswith(today) and job.created_by == mine for job in recent)
    free = max(0, MOST_OPEN - len(waiting))
    return jsonify({"available": free, "processing": len(waiting), "daily_captures": count, "daily_captures_limit": None})


@blueprint.get("/save/status/system")
@needs(Role.VIEWER)
def of_system() -> BaseResponse:
    """Whether pages are saved, how many wait, and how many were saved in the last hour."""
    registry, place = desk().registry, context()
    since = to_iso(place.clock() - timedelta(hours=1))
    done = registry.list(states=(JobState.DONE,), kinds=(KIND,), limit=10_000)
    waiting = registry.list(states=(JobState.WAITING,), kinds=(KIND,), limit=10_000)
    return jsonify({
        "status": "ok", "queues": {"spn2": len(waiting)},
        "recent_captures": sum((job.finished_at or "") >= since for job in done),
    })  # fmt: skip


@blueprint.get("/web/<timestamp>/<path:url>", merge_slashes=False)
@needs(Role.VIEWER)
def web(timestamp: str, url: str) -> BaseResponse:
    """Where clients of Save Page Now look for what they saved: leads to the reader."""
    raw = raw_path(request.environ["PATH_INFO"], request.environ.get("QUERY_STRING", ""))
    wanted = _SLASHES.sub(r"\1//", raw.split("/", 3)[3])
    place = context()
    slugs = [item.slug for item in place.holdings.collections.all()]
    slugs.sort(key=lambda slug: slug != place.settings.collection)
    if timestamp.isascii() and timestamp.isdigit() and len(timestamp) == 14:
        for slug in slugs:
            held = place.holdings.index.versions((slug,), urlkey(wanted), since=timestamp, until=timestamp, limit=1)
            if next(iter(held), None) is not None:
                return redirect(f"{reader_address()}{slug}/{timestamp}/{quote(wanted, safe='/:?&=%#@!$+,;~()*')}", 302)
    raise NotFound("No capture of that time is held.", "See the list of versions.")
