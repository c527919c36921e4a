"""What was done to the holdings: the audit log."""

from __future__ import annotations

from itertools import islice

from flask import Blueprint, render_template, request

from archiver.accounts import Role
from replay.workbench.places import context, whole_number
from replay.workbench.session import needs

blueprint = Blueprint("records", __name__)

_PAGE = 100


@blueprint.get("/audit")
@needs(Role.ARCHIVIST)
def audit() -> str:
    """Entries, the newest first, and whether all are as they were written."""
    before = whole_number(request.args.get("before", "")) or 0
    log = context().holdings.audit
    found = list(islice(log.entries(after=before, newest_first=True), _PAGE + 1))
    verdict = log.verify() if not before else None
    more = found[_PAGE - 1].number if len(found) > _PAGE else None
    return render_template("audit.html", entries=found[:_PAGE], more=more, verdict=verdict)
