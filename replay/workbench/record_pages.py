"""What was done to the holdings: the audit log."""

from __future__ import annotations

from itertools import islice

from flask import Blueprint, render_template, request

from archiver.accounts import Role
from replay.workbench.places import context
from replay.workbench.session import needs

blueprint = Blueprint("records", __name__)

_PAGE = 100


@blueprint.get("/audit")
@needs(Role.ARCHIVIST)
def audit() -> str:
    """Entries, the newest first, and whether all are as they were written."""
    asked = request.args.get("before", "")
    before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 16 else 0
    log = context().holdings.audit
    found = list(islice(log.entries(after=before, newest_first=True), _PAGE + 1))
    verdict = log.verify() if not before else None
    more = found[_PAGE - 1].number if len(found) > _PAGE else None
    return render_template("audit.html", entries=found[:_PAGE], more=more, verdict=verdict)
