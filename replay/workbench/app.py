"""The workbench: where archivists log in, and work.

It has an origin of its own and never serves archived content. Every view says who may come to it
(`replay.workbench.session`); a test looks that none forgets to.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from argon2 import PasswordHasher
from flask import Blueprint, Flask, Response, make_response, render_template, request, url_for
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException
from werkzeug.routing import IntegerConverter, Map
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Account, AccountRegistry, Role
from archiver.crawljobs import launch_as_job
from archiver.errors import MunimentError
from archiver.holdings import Holdings, utc_now
from archiver.settings import Settings
from archiver.wasapi.jobs import JobBoard
from archiver.wasapi.runner import JobRunner
from replay.proof import prover
from replay.workbench import (
    access_pages,
    account_pages,
    api_pages,
    collection_pages,
    deletion_pages,
    job_pages,
    missing_pages,
    notice_pages,
    record_pages,
    save_pages,
    schedule_pages,
    setting_pages,
    storage_pages,
    test_crawl_pages,
    transfer_pages,
    wasapi_pages,
)
from replay.workbench.api.problems import problem as problem_json
from replay.workbench.api.problems import status_of, told
from replay.workbench.crawls import pages as crawl_pages
from replay.workbench.guard import allowed_hosts, refusal
from replay.workbench.logins import BasicLogins
from replay.workbench.overview import home
from replay.workbench.places import Workbench, context, reader_address
from replay.workbench.savedesk import SaveDesk
from replay.workbench.session import (
    NotLoggedIn,
    WorkbenchRequest,
    account_or_none,
    bears_credentials,
    challenge,
    current_account,
    identify,
    is_by_token,
    make_room,
    make_way,
    may,
    wants_json,
)

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)

#: Bytes of a form: tens of thousands of seeds may be pasted into one.
_MOST_FORM = 4 * 1024 * 1024

#: Bytes that are read to keep a connection.
_LITTLE = 64 * 1024

#: Databases have no larger numbers: nothing in an archive has one.
_LARGEST = 2**63 - 1


class Number(IntegerConverter):
    """A number in an address; one that is larger than any can be is no address at all."""

    def __init__(self, map: Map, fixed_digits: int = 0, min: int | None = None, max: int = _LARGEST) -> None:
        super().__init__(map, fixed_digits, min, max)


#: Every part of the workbench.
BLUEPRINTS: tuple[Blueprint, ...] = (
    account_pages.blueprint,
    collection_pages.blueprint,
    crawl_pages.blueprint,
    job_pages.blueprint,
    schedule_pages.blueprint,
    test_crawl_pages.blueprint,
    notice_pages.blueprint,
    missing_pages.blueprint,
    transfer_pages.blueprint,
    deletion_pages.blueprint,
    access_pages.blueprint,
    record_pages.blueprint,
    save_pages.blueprint,
    setting_pages.blueprint,
    storage_pages.blueprint,
    wasapi_pages.blueprint,
    *api_pages.BLUEPRINTS,
)

#: What the navigation leads to: endpoint, text, who sees it. First what is done every day.
DAILY: tuple[tuple[str, str, Role], ...] = (
    ("home", "Overview", Role.VIEWER),
    ("collections.collections", "Collections", Role.VIEWER),
    ("crawls.crawls", "Crawls", Role.VIEWER),
    ("jobs.jobs", "Jobs", Role.VIEWER),
    ("save.form", "Save page", Role.VIEWER),
    ("missing.collections", "Missing", Role.VIEWER),
    ("transfers.transfers", "Import and export", Role.ARCHIVIST),
)
#: Behind one word: how the archive is kept.
ADMINISTRATION: tuple[tuple[str, str, Role], ...] = (
    ("access.rules", "Access", Role.VIEWER),
    ("deletions.deletions", "Deletions", Role.ARCHIVIST),
    ("storage.storage", "Storage", Role.VIEWER),
    ("records.audit", "Audit log", Role.ARCHIVIST),
    ("accounts.accounts", "Accounts", Role.ADMINISTRATOR),
    ("settings.settings", "Settings", Role.ADMINISTRATOR),
    ("api_reference.page", "API", Role.VIEWER),
)
#: Parts of the workbench whose pages are tabs of another one's.
_WITHIN = {"schedules": "jobs", "tests": "jobs", "notices": "jobs"}


def create_workbench(
    settings: Settings,
    holdings: Holdings,
    *,
    clock: Callable[[], datetime] = utc_now,
    hasher: PasswordHasher | None = None,
) -> Flask:
    """The workbench as a WSGI application.

    Args:
        settings: as they are at the start; what counts at once is asked of the archive with each request.
        holdings: the opened archive.
        clock: the time, UTC.
        hasher: of passwords; a quick one for tests.
    """
    app = Flask(__name__)
    app.request_class = WorkbenchRequest
    app.url_map.converters["int"] = Number
    accounts = AccountRegistry(holdings.engine, clock, hasher=hasher)
    app.config.update(
        SECRET_KEY=accounts.signing_secret(),
        SESSION_COOKIE_NAME="muniment_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_CHECK_DEFAULT=False,  # programs with a token have no form; see `_guard`
        WTF_CSRF_SSL_STRICT=False,  # the guard has looked at Origin
        MAX_CONTENT_LENGTH=_MOST_FORM,
        MAX_FORM_MEMORY_SIZE=_MOST_FORM,
        MAX_FORM_PARTS=5000,
    )
    csrf = CSRFProtect(app)
    app.extensions["muniment.workbench"] = Workbench(holdings, accounts, clock)
    if settings.jobs:  # the keeper beside this server does crawls; without one each has a process of its own
        app.extensions["muniment.launch"] = launch_as_job(holdings, clock, lambda: current_account().name)
    app.extensions["muniment.saves"] = SaveDesk(holdings, prover(holdings), clock)
    app.extensions["muniment.logins"] = BasicLogins(accounts)
    board = JobBoard(holdings.engine, settings.archive, clock)
    app.extensions["muniment.wasapi"] = board
    app.extensions["muniment.wasapi.runner"] = JobRunner(holdings, board, clock)

    def check_form() -> None:
        if not is_by_token():
            csrf.protect()

    app.before_request(_guard)
    app.before_request(make_room)
    app.before_request(identify)
    app.before_request(make_way)
    app.before_request(check_form)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.add_url_rule("/", "home", home)
    app.context_processor(_everywhere)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.after_request(_read_rest)
    app.after_request(_protect)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(MunimentError, _muniment_error)
    return app


def _everywhere() -> dict[str, object]:
    """What every template may use."""
    account = account_or_none()
    return {
        "instance": context().settings.instance_name,
        "me": account,
        "may": may,
        "Role": Role,
        "navigation": _places(DAILY, account),
        "administration": _places(ADMINISTRATION, account),
        "reader": reader_address() if account is not None else "",
    }


def _places(entries: tuple[tuple[str, str, Role], ...], account: Account | None) -> list[tuple[str, str, bool]]:
    """What somebody sees of a part of the navigation: address, text, whether we are there."""
    part = (request.endpoint or "").partition(".")[0]
    here = _WITHIN.get(part, part)
    return [
        (url_for(endpoint), text, here == endpoint.partition(".")[0])
        for endpoint, text, role in entries
        if account is not None and account.role.includes(role)
    ]


def _guard() -> BaseResponse | None:
    settings = context().settings
    names = frozenset(name.strip().lower() for name in settings.workbench_names.split(",") if name.strip())
    hosts = allowed_hosts(settings.workbench_port) | names
    reason = refusal(request.method, dict(request.headers), hosts, by_token=bears_credentials())
    if reason and wants_json():
        return problem(reason, 403)
    if reason:
        return Response(f"{reason}\n", status=403, mimetype="text/plain")
    return None


def _read_rest(response: Response) -> Response:
    """Little that was sent and that nobody has looked at is read: else the server hangs up on the client's next request."""
    if 0 < (request.content_length or 0) <= _LITTLE:
        request.stream.read()
    return response


def _protect(response: Response) -> Response:
    headers = response.headers
    headers["Content-Security-Policy"] = _POLICY
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers.setdefault("Cache-Control", "no-store")
    return response


def problem(message: str, status: int) -> BaseResponse:
    """What went wrong, as a page or for a program."""
    if wants_json():
        return problem_json(message, status)
    return make_response(render_template("problem.html", message=message, back=_list_of_here()), status)


def _list_of_here() -> tuple[str, str] | None:
    """The page that lists what the address is one of: where it is, and what it is called; None where there is none."""
    account = account_or_none()
    places = _places(DAILY, account) + _places(ADMINISTRATION, account)
    return next(((address, text) for address, text, is_here in places if is_here and address != request.path), None)


def _stale_form(_: CSRFError) -> BaseResponse:
    return problem("This form has expired. Go back, reload, try again.", 400)


def _http_error(error: HTTPException) -> BaseResponse:
    code = error.code or 500
    if code == 404:
        return problem("There is no page at this address.", code)
    if code >= 500:
        return problem("Something went wrong inside the workbench. The log says what.", code)
    return problem(f"{error.description or error.name}", code)


def _muniment_error(error: MunimentError) -> BaseResponse:
    if isinstance(error, NotLoggedIn):
        return told(error) if wants_json() else challenge()
    return told(error) if wants_json() else problem(str(error), status_of(error))
