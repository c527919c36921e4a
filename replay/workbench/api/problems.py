"""What went wrong, for programs (RFC 9457)."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, jsonify

from archiver.errors import AccessRefused, Conflict, MunimentError, NotFound, StorageFailed, UsageError
from replay.workbench.api.schema import FieldProblem, Invalid
from replay.workbench.session import NotLoggedIn

MEDIA_TYPE = "application/problem+json"


class Unwanted(Conflict):
    """A thing is not in the state that was named."""


class Unsupported(UsageError):
    """What was sent is of a kind that is not taken."""


class AnotherRequest(UsageError):
    """A key was sent before with something else."""


@dataclass(frozen=True)
class Problem:
    """What went wrong: `title` says it, `detail` what to do; `errors` names the fields that are wrong, where it is those."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[FieldProblem, ...]


#: The most telling first.
STATUSES: tuple[tuple[type[MunimentError], int], ...] = (
    (Invalid, 422),
    (AnotherRequest, 422),
    (Unsupported, 415),
    (Unwanted, 412),
    (NotLoggedIn, 401),
    (NotFound, 404),
    (AccessRefused, 403),
    (Conflict, 409),
    (StorageFailed, 503),
)


def status_of(error: MunimentError) -> int:
    """The HTTP status of an error."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 400)


def problem(title: str, status: int, detail: str = "", errors: tuple[FieldProblem, ...] = ()) -> Response:
    """An answer that says what went wrong."""
    said = [{"pointer": item.pointer, "detail": item.detail} for item in errors]
    answer = jsonify({"type": "about:blank", "title": title, "status": status, "detail": detail, "errors": said})
    answer.status_code, answer.mimetype = status, MEDIA_TYPE
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="muniment"'
    return answer


def told(error: MunimentError) -> Response:
    """The answer to a request that an error ended."""
    errors = tuple(error.problems) if isinstance(error, Invalid) else ()
    return problem(error.message, status_of(error), error.advice, errors)
