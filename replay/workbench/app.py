"""The workbench: capture this URL into that collection, and watch it happen.

It binds to loopback, sets one session cookie for its CSRF token, and never serves archived content.
"""

from __future__ import annotations

import secrets

from flask import Flask, Response, current_app, make_response, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from archiver.errors import MunimentError, NotFound
from archiver.holdings import Holdings
from archiver.settings import Settings
from replay.workbench.guard import allowed_hosts, refusal
from replay.workbench.jobs import CaptureRunner, JobView

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def create_workbench(settings: Settings, holdings: Holdings, *, runner: CaptureRunner | None = None) -> Flask:
    """The workbench as a WSGI application.

    Args:
        settings: `port`, `workbench_port`, `host` and what captures need.
        holdings: the opened archive.
        runner: runs the captures; by default one of its own.
    """
    app = Flask(__name__)
    app.config.update(
        # A new key each start: the token of a page from before a restart is refused, and the page says what to do.
        SECRET_KEY=secrets.token_bytes(32),
        SESSION_COOKIE_NAME="muniment_workbench",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        WTF_CSRF_TIME_LIMIT=None,
        MAX_CONTENT_LENGTH=64 * 1024,
        SETTINGS=settings,
    )
    app.before_request(_guard)  # before Flask-WTF's own check
    CSRFProtect(app)
    workbench = _Workbench(settings, holdings, runner or CaptureRunner(holdings, software="muniment"))
    app.extensions["muniment.runner"] = workbench.runner
    app.add_url_rule("/", "home", workbench.home)
    app.add_url_rule("/captures", "start", workbench.start, methods=["POST"])
    app.add_url_rule("/captures/<int:number>", "job", workbench.job)
    app.add_url_rule("/captures/<int:number>.json", "job_json", workbench.job_json)
    app.add_url_rule("/captures/<int:number>/stop", "stop", workbench.stop, methods=["POST"])
    app.after_request(_protect)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(MunimentError, _muniment_error)
    return app


class _Workbench:
    """The views, with what they need."""

    def __init__(self, settings: Settings, holdings: Holdings, runner: CaptureRunner) -> None:
        self.settings = settings
        self.holdings = holdings
        self.runner = runner

    def home(self) -> str:
        return self._home()

    def _home(self, *, url: str = "", collection: str = "", problem: str = "") -> str:
        return render_template(
            "home.html",
            collections=self.holdings.collections.all(),
            chosen=collection or request.args.get("collection", self.settings.collection),
            url=url or request.args.get("url", ""),
            problem=problem,
            jobs=[(job, self.see(job)) for job in self.runner.views()],
            reader=self.reader_address,
            instance=self.settings.instance_name,
        )

    def start(self) -> BaseResponse:
        url = request.form.get("url", "")
        collection = request.form.get("collection", "")
        try:
            number = self.runner.start(url, collection)
        except MunimentError as error:
            return make_response(self._home(url=url, collection=collection, problem=str(error)), 400)
        return redirect(url_for("job", number=number), 303)

    def job(self, number: int) -> str:
        job = self._known(number)
        return render_template("job.html", job=job, see=self.see(job), instance=self.settings.instance_name)

    def job_json(self, number: int) -> dict[str, object]:
        job = self._known(number)
        return {
            "number": job.number,
            "url": job.url,
            "collection": job.collection,
            "state": job.state.value,
            "over": job.is_over,
            "known": job.known,
            "finished": job.finished,
            "received": job.received,
            "host": job.current_host,
            "failures": [{"url": failure.url, "reason": failure.reason} for failure in job.failures],
            "title": job.title,
            "problem": job.problem,
            "see": self.see(job),
        }

    def stop(self, number: int) -> BaseResponse:
        self._known(number)
        self.runner.stop(number)
        return redirect(url_for("job", number=number), 303)

    def see(self, job: JobView) -> str | None:
        """Where the captured page can be seen; None when it is not held."""
        if job.timestamp is None:
            return None
        return f"{self.reader_address}{job.collection}/{job.timestamp}/{job.final_url}"

    @property
    def reader_address(self) -> str:
        name = request.host.rsplit(":", 1)[0]
        return f"http://{name}:{self.settings.port}/"

    def _known(self, number: int) -> JobView:
        job = self.runner.view(number)
        if job is None:
            raise NotFound(f"Capture {number} is not one of this session.", "What it captured is in the collection's pages.")
        return job


def _guard() -> BaseResponse | None:
    settings: Settings = current_app.config["SETTINGS"]
    reason = refusal(request.method, dict(request.headers), allowed_hosts(settings.workbench_port))
    if reason:
        return Response(f"{reason}\n", status=403, mimetype="text/plain")
    return None


def _protect(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _problem(message: str, status: int) -> BaseResponse:
    instance = current_app.config["SETTINGS"].instance_name
    return make_response(render_template("problem.html", message=message, instance=instance), status)


def _stale_form(error: CSRFError) -> BaseResponse:
    return _problem("This form has expired, because the workbench was started anew. Go back, reload, try again.", 400)


def _http_error(error: HTTPException) -> BaseResponse:
    code = error.code or 500
    if code == 404:
        return _problem("There is no page at this address.", 404)
    if code >= 500:
        return _problem("Something went wrong inside the workbench. The log says what.", code)
    return _problem(f"{error.description or error.name}", code)


def _muniment_error(error: MunimentError) -> BaseResponse:
    return _problem(str(error), 404 if isinstance(error, NotFound) else 400)
