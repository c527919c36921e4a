"""The first page: what there is, what goes on, and what somebody has to look at."""

from __future__ import annotations

from datetime import timedelta

from flask import render_template

from archiver.accounts import Role
from archiver.jobs import OPEN, JobState
from archiver.notices import JOB as NOTICE
from archiver.testcrawls import UNSAVED, find_tests
from archiver.timestamps import to_iso
from replay.workbench.places import context, job_registry
from replay.workbench.session import needs

#: How long the page tells of what has failed, and how much of each sort it tells.
_LATELY = timedelta(days=7)
_SHOWN = 10


@needs(Role.VIEWER)
def home() -> str:
    """What there is, at a glance."""
    place = context()
    collections = [(item, place.holdings.files.totals(item.slug)) for item in place.holdings.collections.all()]
    failed = job_registry().list(states=(JobState.FAILED,), without=(NOTICE,), limit=_SHOWN)
    since = to_iso(place.clock() - _LATELY)
    return render_template(
        "home.html",
        collections=collections,
        running=job_registry().list(states=OPEN, without=(NOTICE,), limit=_SHOWN),
        failed=[job for job in failed if (job.finished_at or "") >= since],
        tests=find_tests(place.holdings, states=(UNSAVED,))[:_SHOWN],
        is_empty=not any(totals.captures for _, totals in collections),
    )
