"""What browsers report of archived pages, and the count of it."""

from __future__ import annotations

import json

from flask import Response, current_app, request

from replay.wall import MAX_REPORT_BYTES, WallReports, hits


def take() -> Response:
    """`POST /-/reports`: from browsers. Nothing of the reader is kept."""
    reports: WallReports = current_app.extensions["muniment.wall"]
    data = request.stream.read(MAX_REPORT_BYTES + 1)
    if len(data) <= MAX_REPORT_BYTES:
        try:
            message = json.loads(data)
        except (ValueError, RecursionError):
            message = None
        reports.count(hits(message))
    return Response(status=204)


def show() -> dict[str, object]:
    """`/-/reports`: how many hits, of what, on which archived pages."""
    reports: WallReports = current_app.extensions["muniment.wall"]
    return reports.summary()
