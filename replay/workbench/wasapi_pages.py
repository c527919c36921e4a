"""WASAPI: harvesters list the WARC files, fetch them, and order derived ones. WARC files hold everything, hidden or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import BinaryIO, cast
from urllib.parse import quote

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.errors import MissingRecord, NotFound, UsageError
from archiver.timestamps import to_iso
from archiver.wasapi.jobs import JobBoard, State, WasapiJob
from archiver.wasapi.query import WebdataQuery, parse_query, query_of
from archiver.wasapi.runner import JobRunner
from archiver.wasapi.webdata import Webdata, WebFile
from replay.viewer import is_secure
from replay.workbench.api.problems import problem
from replay.workbench.filedelivery import file_response
from replay.workbench.places import context
from replay.workbench.session import NotLoggedIn, current_account, needs

BASE = "/wasapi/v1"
blueprint = Blueprint("wasapi", __name__, url_prefix=BASE)
_KINDS = {"warc": "application/warc", "wat": "application/warc", "cdx": "application/gzip"}


@blueprint.errorhandler(NotLoggedIn)
def not_logged_in(error: NotLoggedIn) -> BaseResponse:
    """Whoever sent nothing is asked for something; who sent what is no good learns that asking again does not help."""
    has_tried = "Authorization" in request.headers
    answer = problem(error.message, 403 if has_tried else 401, error.advice)
    if not has_tried:
        answer.headers["WWW-Authenticate"] = 'Basic realm="muniment", charset="UTF-8", Bearer realm="muniment"'
    return answer


# -- files -------------------------------------------------------------------------------------------------------------


@blueprint.get("/webdata")
@needs(Role.VIEWER)
def webdata() -> BaseResponse:
    """The files that a query finds, a page of them."""
    query = query_of({name: request.args.getlist(name) for name in request.args})
    found = Webdata(context().holdings)
    if query.filetype in ("", "warc"):
        return _file_set(query, found.count(query), found.page(query))
    return _cut(query, _board().derived(query, found.slugs(query.collections)))


def _cut(query: WebdataQuery, files: list[WebFile]) -> BaseResponse:
    start = (query.page - 1) * query.page_size
    return _file_set(query, len(files), files[start : start + query.page_size])


def _file_set(query: WebdataQuery, count: int, files: Iterable[WebFile]) -> BaseResponse:
    owners = {item.slug: item.organisation for item in context().holdings.collections.all()}
    told = []
    for file in files:
        owner = owners.get(file.collection)
        told.append(file.described(_location(file), owner.name if owner else None))
    return _sent({**_pages(query, count), "files": told, "includes-extra": False})


def _pages(query: WebdataQuery, count: int) -> dict[str, object]:
    """Where the pages before and after are."""
    last = max(1, -(-count // query.page_size))
    here = f"{_base()}{request.path}"

    def address(page: int) -> str:
        return f"{here}?{query.at_page(page).written()}"

    return {
        "count": count,
        "next": address(query.page + 1) if query.page < last else None,
        "previous": address(min(query.page - 1, last)) if query.page > 1 else None,
        "request-url": f"{here}?{query.written()}",
    }


def _location(file: WebFile) -> str:
    token, name = file.place
    where = f"files/{token}" if file.filetype == "warc" else f"jobs/{token}/files"
    return f"{_base()}{BASE}/{where}/{quote(name, safe='')}"


def _base() -> str:
    """The origin under which the client reaches us."""
    scheme = "https" if is_secure(request, context().settings) else "http"
    return f"{scheme}://{request.host}"


@blueprint.get("/files/<int:number>/<path:name>")
@needs(Role.VIEWER)
def file(number: int, name: str) -> BaseResponse:
    """A WARC file, from wherever it is."""
    store = context().holdings.store
    found, stored = Webdata(context().holdings).get(number)
    if name != found.filename:
        raise NotFound("There is no file of that name.", f"Number {number} is {found.filename}.")
    try:
        size = store.size(stored)
    except MissingRecord as error:
        raise NotFound(
            f"{found.filename} is not where it was.",
            "Have the archive verified: POST /api/v1/jobs/verifications, or on the page Jobs.",
        ) from error
    if size != found.size:
        raise NotFound(
            f"{found.filename} is not as it was when it was measured.",
            "Have the archive verified: POST /api/v1/jobs/verifications, or on the page Jobs.",
        )
    return file_response(
        lambda offset, length: store.open(stored, offset, length),
        name=found.filename,
        size=found.size,
        sha256=found.sha256,
        kind=_KINDS["warc"],
    )


# -- jobs --------------------------------------------------------------------------------------------------------------


def _board() -> JobBoard:
    return cast(JobBoard, current_app.extensions["muniment.wasapi"])


@blueprint.get("/jobs")
@needs(Role.VIEWER)
def jobs() -> BaseResponse:
    """All jobs, a page of them, those that were ordered last first."""
    for name in request.args:
        if name not in ("page", "page_size"):
            raise UsageError("A list of jobs has only the parameters page and page_size.", "")
    query = query_of({name: request.args.getlist(name) for name in request.args})
    board = _board()
    found = board.all(offset=(query.page - 1) * query.page_size, limit=query.page_size)
    return _sent({**_pages(query, board.count()), "jobs": [_told(job) for job in found]})


@blueprint.post("/jobs")
@needs(Role.ARCHIVIST)
def order() -> BaseResponse:
    """Order a job: a function, and the query of the files that it is for."""
    sent: object = request.get_json(silent=True) if request.is_json else request.form
    if not isinstance(sent, Mapping):
        raise UsageError("What to do could not be read.", "Send function and query as a form, or as a JSON object.")
    function, query = sent.get("function"), sent.get("query")
    if not isinstance(function, str) or not function:
        raise UsageError("The function is missing.", "Order build-wat or build-cdx.")
    if not isinstance(query, str):
        raise UsageError("The query is missing.", "Send it as that of webdata; empty, it means all files.")
    Webdata(context().holdings).slugs(parse_query(query).collections)  # what names nothing is refused now, not later
    job = _board().submit(function, query, current_account().name)
    runner: JobRunner = current_app.extensions["muniment.wasapi.runner"]
    runner.ordered()
    answer = _sent(_told(job), 201)
    answer.headers["Location"] = f"{_base()}{BASE}/jobs/{job.token}"
    return answer


@blueprint.get("/jobs/<token>")
@needs(Role.VIEWER)
def job(token: str) -> BaseResponse:
    """How a job stands."""
    return _sent(_told(_board().get(token)))


@blueprint.get("/jobs/<token>/result")
@needs(Role.VIEWER)
def result(token: str) -> BaseResponse:
    """What a complete job has made."""
    found = _board().get(token)
    if found.state is State.GONE:
        return problem("The results are not kept any more.", 410, "Order the job again.")
    if found.state is not State.COMPLETE:
        failed = found.state is State.FAILED
        advice = f"See {BASE}/jobs/{token}/error." if failed else "Ask again later."
        raise NotFound(f"The job is {found.state.value}: there is no result.", advice)
    paged = {name: request.args.getlist(name) for name in request.args}
    if paged.keys() - {"page", "page_size"}:
        raise UsageError("A result has only the parameters page and page_size.", "")
    return _cut(query_of(paged), list(found.files))


@blueprint.get("/jobs/<token>/error")
@needs(Role.VIEWER)
def job_error(token: str) -> BaseResponse:
    """Why a job failed."""
    found = _board().get(token)
    if found.state is not State.FAILED:
        raise NotFound(f"The job is {found.state.value}: there is no error.", "")
    return _sent({**_told(found), "error": found.error})


@blueprint.get("/jobs/<token>/files/<path:name>")
@needs(Role.VIEWER)
def result_file(token: str, name: str) -> BaseResponse:
    """A file that a job has made."""
    found, path = _board().file(token, name)

    def opened(offset: int, _length: int) -> BinaryIO:
        stream = path.open("rb")
        stream.seek(offset)
        return stream

    kind = _KINDS[found.filetype]
    return file_response(opened, name=found.filename, size=found.size, sha256=found.sha256, kind=kind)


def _told(job: WasapiJob) -> dict[str, object]:
    return {
        "jobtoken": job.token,
        "function": job.function.value,
        "query": job.query,
        "submit-time": to_iso(job.submitted_at, 0),
        "termination-time": to_iso(job.ended_at, 0) if job.ended_at else None,
        "state": job.state.value,
        "account": job.account,
    }


def _sent(answer: dict[str, object], status: int = 200) -> Response:
    response = jsonify(answer)
    response.status_code = status
    return response
