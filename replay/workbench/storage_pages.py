"""Where the files are: how many, how large, what is on its way, how much room is left, when they were last verified."""

from __future__ import annotations

from dataclasses import asdict, astuple, fields, replace

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Role
from archiver.filelist import ELSEWHERE, HERE, LOOKS, STATES, ListedFile, Listing, all_files, list_files
from archiver.storagefacts import storage_facts
from replay.workbench.crawls.shown import csv_answer
from replay.workbench.places import context, job_registry, whole_number
from replay.workbench.session import needs

blueprint = Blueprint("storage", __name__)

#: Files of one page of the list.
_PAGE = 100


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


@blueprint.get("/storage/files")
@needs(Role.VIEWER)
def file_list() -> str | BaseResponse:
    """The files, of a collection or of all: size, digest, when each was verified and what came of it."""
    holdings, wanted = context().holdings, _wanted()
    if wanted.collection:
        holdings.collections.get(wanted.collection)
    if request.args.get("format") == "csv":
        names = [field.name for field in fields(ListedFile)]
        return csv_answer("files", names, map(astuple, all_files(holdings.engine, replace(wanted, before=0))))
    found = list_files(holdings.engine, wanted, _PAGE + 1)
    kept = {name: value for name, value in asdict(wanted).items() if value and name != "before"}
    return render_template(
        "files.html",
        files=found[:_PAGE],
        wanted=wanted,
        kept=kept,
        following=url_for("storage.file_list", **kept, before=found[_PAGE - 1].number) if len(found) > _PAGE else "",
        collections=holdings.collections.all(),
        states=STATES,
    )


def _wanted() -> Listing:
    """What the address narrows the list by; what is none of the known values does not matter."""
    given = request.args

    def one_of(name: str, known: tuple[str, ...]) -> str:
        value = given.get(name, "")
        return value if value in known else ""

    return Listing(
        given.get("collection", ""), given.get("text", "").strip()[:300], one_of("state", STATES), one_of("look", LOOKS),
        one_of("place", (HERE, ELSEWHERE)), whole_number(given.get("before", "")) or 0,
    )  # fmt: skip
