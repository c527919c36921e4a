"""What was done to the holdings: the audit log."""

from __future__ import annotations

import json
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
    return render_template("audit.html", entries=found[:_PAGE], more=more, verdict=verdict, told=_told)


def _told(detail: str) -> list[tuple[str, str]]:
    """What an entry says beside its subject: names and values that say something; of plain text, no name."""
    try:
        found = json.loads(detail) if detail[:1] in "{[" else detail
    except ValueError:
        found = detail
    if not isinstance(found, dict):
        return [("", detail)] if detail else []
    inner = [(name, item) for value in found.values() if isinstance(value, dict) for name, item in value.items()]
    said = [*((name, item) for name, item in found.items() if not isinstance(item, dict)), *inner]
    return [(name.replace("_", " "), _text(item)) for name, item in said if item not in (None, "", False, [], {})]


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return "yes" if value is True else json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
