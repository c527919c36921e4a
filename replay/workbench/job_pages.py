"""Jobs: the list, live; one of them; cancel, try again; what an export made; work that archivists may ask for here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import BoundedSemaphore
from typing import Any, BinaryIO

from flask import (
    Blueprint,
    Response,
    make_response,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Account, Role
from archiver.errors import AccessRefused, MunimentError, NotFound, UsageError
from archiver.export.forms import ExportForm, export_form
from archiver.exportfiles import ExportFiles
from archiver.jobs import Job, JobState
from archiver.notices import JOB as NOTICE
from replay.workbench.filedelivery import file_response
from replay.workbench.places import collection_choices, context, job_registry, whole_number
from replay.workbench.session import current_account, needs

blueprint = Blueprint("jobs", __name__)

_PAGE = 50
#: Streams at a time: each takes a thread of the server. Who gets none loads the page again now and then.
_STREAMS = BoundedSemaphore(3)
#: Seconds that a stream lasts before the browser asks for the next, and between two looks.
_STREAM_SECONDS = 25.0
_LOOK_SECONDS = 1.0

#: What may be asked for on the page, and with which words.
NEW = {
    "verify": "Verify the archive",
    "texts": "Read texts for the search",
    "texts-again": "Read all texts for the search anew",
}


@blueprint.get("/jobs")
@needs(Role.VIEWER)
def jobs() -> str:
    """The newest jobs."""
    return _page()


def _page(problem: str = "") -> str:
    found, more = _listed(whole_number(request.args.get("before", "")) or 0, request.args.get("state", ""))
    return render_template(
        "work/jobs.html",
        jobs=found,
        more=more,
        counts=job_registry().counts(),
        state=request.args.get("state", ""),
        states=list(JobState),
        new=NEW,
        choices=[("", "the whole archive"), *collection_choices()],
        given=request.form if request.method == "POST" else request.args,
        is_open=any(not job.state.is_over for job in found),
        keeps=context().settings.jobs > 0,
        problem=problem,
    )


def _listed(before: int, state: str) -> tuple[list[Job], int]:
    states = (JobState(state),) if state in set(JobState) else ()
    found = job_registry().list(without=(NOTICE,), states=states, before=before, limit=_PAGE + 1)
    return found[:_PAGE], found[_PAGE - 1].number if len(found) > _PAGE else 0


@blueprint.get("/jobs/stream")
@needs(Role.VIEWER)
def stream() -> BaseResponse:
    """The rows of the list whenever they change, as server-sent events."""
    if not _STREAMS.acquire(blocking=False):
        return Response("Too many pages are open.\n", 503, mimetype="text/plain", headers={"Retry-After": "5"})
    state = request.args.get("state", "")

    def events() -> Iterator[str]:
        try:
            end, last = time.monotonic() + _STREAM_SECONDS, ""
            yield "retry: 1000\n\n"
            while time.monotonic() < end:
                rows = render_template("work/job_rows.html", jobs=_listed(0, state)[0])
                if rows != last:
                    last = rows
                    yield "".join(f"data: {line}\n" for line in rows.splitlines()) + "\n"
                else:
                    yield ": nothing new\n\n"
                time.sleep(_LOOK_SECONDS)
        finally:
            _STREAMS.release()

    answer = Response(stream_with_context(events()), mimetype="text/event-stream")
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


@blueprint.get("/jobs/<int:number>")
@needs(Role.VIEWER)
def job(number: int) -> str:
    """One job."""
    found = job_registry().get(number)
    return render_template("work/job.html", job=found, is_file=_exports().path(found) is not None, plain=_plain)


def _plain(value: Any) -> bool:
    """Something that fits into one line."""
    return not isinstance(value, dict | list)


@blueprint.post("/jobs")
@needs(Role.ARCHIVIST)
def start() -> BaseResponse:
    """Ask for work."""
    kind, slug = request.form.get("kind", ""), request.form.get("collection", "")
    try:
        if kind not in NEW:
            raise UsageError("Such work cannot be asked for here.", "Choose one of the list.")
        collection = context().holdings.collections.get(slug).slug if slug and kind == "verify" else None
        given = {"again": True} if kind == "texts-again" else {}
        number = job_registry().put(kind.removesuffix("-again"), given, collection, current_account().name, once=True)
    except MunimentError as error:
        return make_response(_page(str(error)), 400)
    return redirect(url_for("jobs.job", number=number), 303)


@blueprint.post("/jobs/<int:number>/cancel")
@needs(Role.ARCHIVIST)
def cancel(number: int) -> BaseResponse:
    """End it."""
    job_registry().cancel(number, current_account().name)
    return redirect(url_for("jobs.job", number=number), 303)


@blueprint.post("/jobs/<int:number>/retry")
@needs(Role.ARCHIVIST)
def retry(number: int) -> BaseResponse:
    """Do it again."""
    retry_as(current_account(), number)
    return redirect(url_for("jobs.job", number=number), 303)


def retry_as(mine: Account, number: int) -> Job:
    """Have a job done again by somebody who could have asked for it.

    Raises:
        NotFound: there is none of that number.
        AccessRefused: it is a purge, and they are no administrator.
        Conflict: it is not over, or was done.
    """
    job = job_registry().get(number)
    if job.kind == "purge" and not mine.role.includes(Role.ADMINISTRATOR):
        raise AccessRefused("A purge needs the role administrator.", f"You are {mine.role.value}.")
    return job_registry().retry(number, mine.name)


@blueprint.get("/jobs/<int:number>/file")
@needs(Role.ARCHIVIST)
def file(number: int) -> BaseResponse:
    """What an export made."""
    return exported_file(number)


def exported_file(number: int) -> Response:
    """The answer to the present request for what an export made: the file, or the part of it that is asked for.

    Raises:
        NotFound: there is no such job, or no file of it.
    """
    job = job_registry().get(number)
    path = _exports().path(job)
    if path is None:
        raise NotFound("The file of this export is not there.", "Export anew.")
    facts = path.stat()

    def opened(offset: int, length: int) -> BinaryIO:
        stream = path.open("rb")
        stream.seek(offset)
        return stream

    return file_response(
        opened,
        name=path.name,
        size=facts.st_size,
        sha256=str(job.result.get("sha256", "")),
        kind=export_form(job.arguments.get("form", ExportForm.WACZ)).media_type,
        mark=f"{facts.st_mtime_ns:x}-{facts.st_size:x}",
    )


@blueprint.post("/jobs/<int:number>/file/remove")
@needs(Role.ARCHIVIST)
def remove_file(number: int) -> BaseResponse:
    """Take away what an export made."""
    discard_export(number)
    return redirect(url_for("jobs.job", number=number), 303)


def discard_export(number: int) -> None:
    """Take away the file of an export that is over.

    Raises:
        NotFound: there is no such job, or no file of it.
    """
    job, place = job_registry().get(number), context()
    if _exports().path(job) is None:
        raise NotFound("The file of this export is not there.", "Export anew.")
    _exports().discard(number)
    place.holdings.audit.note(current_account().name, "export.remove", f"job {number}")


def _exports() -> ExportFiles:
    return ExportFiles(context().settings.archive)
