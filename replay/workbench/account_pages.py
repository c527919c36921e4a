"""First start, login, and the accounts with their tokens."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import MIN_PASSWORD, Role
from archiver.errors import AccessRefused, MunimentError, UsageError
from replay.workbench.places import context
from replay.workbench.session import (
    begin_session,
    current_account,
    end_session,
    needs,
    open_to_all,
    safe_next,
)

blueprint = Blueprint("accounts", __name__)


# -- first start and login -------------------------------------------------------------------------------------------


@blueprint.get("/begin")
@open_to_all
def begin() -> BaseResponse:
    """The page that the server prints the address of, as long as there is no account."""
    accounts = context().accounts
    if accounts.is_any():
        return redirect(url_for("accounts.login"), 303)
    key = request.args.get("key", "")
    page = render_template("begin.html", key=key, is_good=accounts.is_first_key(key), values={}, problem="", least=MIN_PASSWORD)
    return make_response(page, 200 if accounts.is_first_key(key) else 403)


@blueprint.post("/begin")
@open_to_all
def begin_now() -> BaseResponse:
    """The first account, and who runs this archive."""
    place, form = context(), request.form
    key, name, password = form.get("key", ""), form.get("name", ""), form.get("password", "")
    try:
        if password != form.get("password_again", ""):
            raise UsageError("The two passwords are not the same.", "Type it twice.")
        account = place.accounts.create_first(key, name, password)
    except AccessRefused as error:
        return make_response(render_template("problem.html", message=str(error)), 403)
    except MunimentError as error:
        page = render_template("begin.html", key=key, is_good=True, values=form, problem=str(error), least=MIN_PASSWORD)
        return make_response(page, 400)
    place.holdings.audit.note(account.name, "account.create", account.name, {"role": account.role.value, "first": True})
    organisation = form.get("organisation", "").strip()
    if organisation:
        place.holdings.collections.update(
            place.settings.collection, organisation=organisation, organisation_url=form.get("organisation_url", "").strip()
        )
    token = place.accounts.log_in(name, password, address=request.remote_addr or "", agent=request.user_agent.string)
    return begin_session(redirect("/", 303), token)


@blueprint.get("/login")
@open_to_all
def login() -> BaseResponse:
    """The login form."""
    place = context()
    page = render_template(
        "login.html", name="", next=safe_next(request.args.get("next", "/")), problem="", is_first=not place.accounts.is_any()
    )
    return make_response(page)


@blueprint.post("/login")
@open_to_all
def log_in() -> BaseResponse:
    """Begin a session."""
    form = request.form
    target = safe_next(form.get("next", "/"))
    name = form.get("name", "")
    try:
        token = context().accounts.log_in(
            name, form.get("password", ""), address=request.remote_addr or "", agent=request.user_agent.string
        )
    except AccessRefused as error:
        page = render_template("login.html", name=name, next=target, problem=str(error), is_first=False)
        return make_response(page, 403)
    return begin_session(redirect(target, 303), token)


@blueprint.post("/logout")
@open_to_all
def log_out() -> BaseResponse:
    """End the session."""
    return end_session()


# -- accounts --------------------------------------------------------------------------------------------------------


@blueprint.get("/accounts")
@needs(Role.ADMINISTRATOR)
def accounts() -> str:
    """Everybody who may log in."""
    return _accounts()


def _accounts(problem: str = "", values: object = None) -> str:
    place = context()
    return render_template(
        "accounts.html",
        accounts=place.accounts.all(),
        roles=list(Role),
        problem=problem,
        values=values or {},
        least=MIN_PASSWORD,
    )


@blueprint.post("/accounts")
@needs(Role.ADMINISTRATOR)
def add() -> BaseResponse:
    """A new account."""
    form, place = request.form, context()
    try:
        made = place.accounts.create(
            form.get("name", ""),
            form.get("password", ""),
            _role(form.get("role", "")),
            display_name=form.get("display_name", ""),
            email=form.get("email", ""),
        )
    except MunimentError as error:
        return make_response(_accounts(str(error), form), 400)
    place.holdings.audit.note(current_account().name, "account.create", made.name, {"role": made.role.value})
    return redirect(url_for("accounts.accounts"), 303)


@blueprint.get("/accounts/<name>")
@needs(Role.ADMINISTRATOR)
def account(name: str) -> str:
    """One account."""
    return _account(name)


def _account(name: str, problem: str = "") -> str:
    place = context()
    return render_template(
        "account.html", account=place.accounts.get(name), roles=list(Role), problem=problem, least=MIN_PASSWORD,
        tokens=place.accounts.tokens(name),
    )  # fmt: skip


@blueprint.post("/accounts/<name>")
@needs(Role.ADMINISTRATOR)
def change(name: str) -> BaseResponse:
    """Change an account."""
    form, place = request.form, context()
    place.accounts.get(name)
    try:
        changed = place.accounts.change(
            name,
            role=_role(form.get("role", "")),
            display_name=form.get("display_name"),
            email=form.get("email"),
            is_active=form.get("is_active") == "1",
            password=form.get("password") or None,
        )
    except MunimentError as error:
        return make_response(_account(name, str(error)), 400)
    told = {"role": changed.role.value, "active": changed.is_active, "password": bool(form.get("password"))}
    place.holdings.audit.note(current_account().name, "account.change", name, told)
    return redirect(url_for("accounts.accounts"), 303)


@blueprint.post("/accounts/<name>/remove")
@needs(Role.ADMINISTRATOR)
def remove(name: str) -> BaseResponse:
    """Take an account away."""
    place = context()
    try:
        place.accounts.remove(name)
    except MunimentError as error:
        return make_response(_account(name, str(error)), 400)
    place.holdings.audit.note(current_account().name, "account.remove", name, {})
    return redirect(url_for("accounts.accounts"), 303)


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError as error:
        raise UsageError("There is no such role.", f"Choose one of {', '.join(Role)}.") from error


# -- one's own account -----------------------------------------------------------------------------------------------


@blueprint.get("/me")
@needs(Role.VIEWER)
def me() -> str:
    """One's own account."""
    return _me()


def _me(problem: str = "", secret: str = "") -> str:
    mine = current_account()
    return render_template(
        "me.html", account=mine, roles=[role for role in Role if mine.role.includes(role)], problem=problem, secret=secret,
        tokens=context().accounts.tokens(mine.name), least=MIN_PASSWORD,
    )  # fmt: skip


@blueprint.post("/me/password")
@needs(Role.VIEWER)
def password() -> BaseResponse:
    """A new password; all other sessions end."""
    form, place, mine = request.form, context(), current_account()
    address = request.remote_addr or ""
    try:
        if form.get("password", "") != form.get("password_again", ""):
            raise UsageError("The two passwords are not the same.", "Type it twice.")
        place.accounts.log_in(mine.name, form.get("password_now", ""), address=address)
        place.accounts.change(mine.name, password=form.get("password", ""))
        token = place.accounts.log_in(mine.name, form.get("password", ""), address=address, agent=request.user_agent.string)
    except MunimentError as error:
        return make_response(_me(str(error)), 400)
    place.holdings.audit.note(mine.name, "account.password", mine.name, {})
    return begin_session(redirect(url_for("accounts.me"), 303), token)


@blueprint.post("/me/tokens")
@needs(Role.VIEWER)
def make_token() -> BaseResponse:
    """A token for a program; its secret is shown once."""
    form, place, mine = request.form, context(), current_account()
    days = form.get("days", "")
    try:
        number_of_days = int(days) if days.isascii() and days.isdigit() and len(days) < 6 else None
        secret = place.accounts.make_token(mine.name, form.get("name", ""), _role(form.get("role", "")), days=number_of_days)
    except MunimentError as error:
        return make_response(_me(str(error)), 400)
    place.holdings.audit.note(
        mine.name, "token.create", mine.name, {"name": form.get("name", ""), "role": form.get("role", "")}
    )
    return make_response(_me(secret=secret))


@blueprint.post("/tokens/<int:number>/revoke")
@needs(Role.VIEWER)
def revoke(number: int) -> BaseResponse:
    """Take a token away: one's own, or an administrator anybody's."""
    place, mine = context(), current_account()
    owner = next((token.account for token in place.accounts.tokens() if token.number == number), "")
    if owner != mine.name and not mine.role.includes(Role.ADMINISTRATOR):
        raise AccessRefused("That token is not yours.", "Ask an administrator.")
    place.accounts.revoke_token(number)
    place.holdings.audit.note(mine.name, "token.revoke", owner, {"number": number})
    return redirect(url_for("accounts.me") if owner == mine.name else url_for("accounts.account", name=owner), 303)
