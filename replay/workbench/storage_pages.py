"""Where the files are: how many, how large, what is on its way, how much room is left, when they were last verified."""

from __future__ import annotations

from flask import Blueprint, render_template

from archiver.accounts import Role
from archiver.storagefacts import storage_facts
from replay.workbench.places import context, job_registry
from replay.workbench.session import needs

blueprint = Blueprint("storage", __name__)


@blueprint.get("/storage")
@needs(Role.VIEWER)
def storage() -> str:
    """The files of the archive."""
    holdings = context().holdings
    looked = job_registry().list(kinds=("verify",), limit=1)
    return render_template(
        "storage.html",
        facts=storage_facts(holdings),
        collections=[(item, holdings.files.totals(item.slug)) for item in holdings.collections.all()],
        job=looked[0] if looked else None,
    )
