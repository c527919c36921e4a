"""What a reader sees when something is not there: a page for people, a body of its own kind for parts of a page."""

from __future__ import annotations

from flask import Response, make_response, render_template

from replay.absent import absent_part


def problem_page(message: str, advice: str, status: int) -> Response:
    """A page that says what went wrong and what to do."""
    return make_response(render_template("problem.html", message=message, advice=advice), status)


def missing_part(modifier: str, destination: str) -> Response | None:
    """The answer for a missing part of a page; None when a whole page was asked for. See `absent_part`."""
    part = absent_part(modifier, destination)
    return Response(part[1], 404, content_type=part[0]) if part is not None else None
