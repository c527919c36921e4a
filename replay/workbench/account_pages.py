"""First start, login, and the accounts with their tokens."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import MIN_PASSWORD, Role
from archiver.collections.images import drawn_anew
from archiver.errors import AccessRefused, MunimentError, UsageError
from archiver.plaintext import one_line
from archiver.settings import DATABASE, typed
from archiver.urls import parse_url
from replay.workbench.collecting.base import UPLOAD, images, uploaded
from replay.workbench.places import context
from replay.workbench.session import (
    begin_session,
    client_address,
    current_account,
    end_session,
    needs,
    open_to_all,
    safe_next,
    takes,
)
from replay.workbench.settinglist import kept_of

blueprint = Blueprint("accounts", __name__)

#: Days that a token is good for.
_MOST_DAYS = 36_500


# -- first start and login -------------------------------------------------------------------------------------------


@blueprint.get("/begin")
@open_to_all
def begin() -> BaseResponse:
    """The page that the server prints the address of, as long as there is no account."""
    accounts = context().accounts
    if accounts.is_any():
        return redirect(url_for("accounts.login"), 303)
    key = request.args.get("key", "")
    is_good = accounts.is_first_key(key)
    return make_response(
        _begin(key, {"instance_name": context().settings.instance_name}, is_good=is_good), 200 if is_good else 403
    )


def _begin(key: str, values: Mapping[str, str], problem: str = "", *, is_good: bool = True) -> str:
    return render_template(
        "begin.html",
        key=key,
        is_good=is_good,
        values=values,
        problem=problem,
        least=MIN_PASSWORD,
        is_named=kept_of(context().holdings).is_fixed("instance_name"),
    )


@blueprint.post("/begin")
@open_to_all
@takes(UPLOAD)
def begin_now() -> BaseResponse:
    """The first account, how this archive is called and who runs it."""
    place, form = context(), request.form
    key, name, password = form.get("key", ""), form.get("name", ""), form.get("password", "")
    try:
        if password != form.get("password_again", ""):
            raise UsageError("The two passwords are not the same.", "Type it twice.")
        called, logo = _named(form), uploaded("image")
        _refuse_organisation(form, logo)
        account = place.accounts.create_first(key, name, password)
    except AccessRefused as error:
        return make_response(render_template("problem.html", message=str(error)), 403)
    except MunimentError as error:
        return make_response(_begin(key, form, str(error)), 400)
    place.holdings.audit.note(account.name, "account.create", account.name, {"role": account.role.value, "first": True})
    if called:
        kept_of(place.holdings).change({"instance_name": called}, actor=account.name)
    _describe_organisation(form, logo, account.name)
    token = place.accounts.log_in(name, password, address=client_address(), agent=request.user_agent.string)
    return begin_session(redirect("/", 303), token)


def _named(form: Mapping[str, str]) -> str:
    """What this archive is to be called; "" for what it is called now.

    Raises:
        UsageError: it cannot be called that.
    """
    place, name = context(), form.get("instance_name", "").strip()
    if not name or name == place.settings.instance_name or kept_of(place.holdings).is_fixed("instance_name"):
        return ""
    return str(typed("instance_name", name, DATABASE))


def _refuse_organisation(form: Mapping[str, str], logo: bytes) -> None:
    """Refuse what cannot be said of the organisation, before there is an account and this page is gone.

    Raises:
        UsageError: its home page or its logo cannot be used, or there is no name that they are of.
    """
    said = [form.get(name, "").strip() for name in ("organisation_url", "address", "description")]
    if not one_line(form.get("organisation", "")) and (logo or any(said)):
        raise UsageError("The organisation has no name.", "Write it, or leave the other fields empty.")
    if said[0]:
        parse_url(said[0], assume_http=True)
    if logo:
        drawn_anew(logo)


def _describe_organisation(form: Mapping[str, str], logo: bytes, actor: str) -> None:
    place, name = context(), one_line(form.get("organisation", ""))
    if not name:
        return
    registry = place.holdings.collections
    url = form.get("organisation_url", "").strip()
    made = registry.update(place.settings.collection, organisation=name, organisation_url=url, actor=actor).organisation
    if made is None:
        return
    address, description = form.get("address", ""), form.get("description", "")
    if address.strip() or description.strip():
        registry.update_organisation(made.slug, address=address, description=description, actor=actor)
    if logo:
        images().put("organisation", made.number, logo, actor=actor, subject=f"organisation {made.slug}")


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
            name, form.get("password", ""), address=client_address(), agent=request.user_agent.string
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
    form = request.form
    try:
        if form.get("password", "") != form.get("password_again", ""):
            raise UsageError("The two passwords are not the same.", "Type it twice.")
        new_password(form.get("password_now", ""), form.get("password", ""))
        token = logged_in_with(form.get("password", ""))
    except MunimentError as error:
        return make_response(_me(str(error)), 400)
    return begin_session(redirect(url_for("accounts.me"), 303), token)


def new_password(now: str, new: str) -> None:
    """Change the password of who asks; all their sessions end.

    Args:
        now: the password of now; failed tries count as those of logins do.
        new: the one that is to be.

    Raises:
        AccessRefused: that is not the password, or there were too many failed tries.
        UsageError: the new one cannot be used.
    """
    place, name = context(), current_account().name
    place.accounts.change_password(name, now, new, address=client_address())
    place.holdings.audit.note(name, "account.password", name, {})


def logged_in_with(password: str) -> str:
    """The token of a new session of who asks, in place of one that ended."""
    place, name = context(), current_account().name
    return place.accounts.log_in(name, password, address=client_address(), agent=request.user_agent.string)


@blueprint.post("/me/tokens")
@needs(Role.VIEWER)
def make_token() -> BaseResponse:
    """A token for a program; its secret is shown once."""
    form, place, mine = request.form, context(), current_account()
    days = form.get("days", "").strip()
    try:
        if days and not (days.isascii() and days.isdigit() and 0 < int(days[:9]) <= _MOST_DAYS):
            raise UsageError("That is no number of days.", f"Write one from 1 to {_MOST_DAYS:,}, or nothing for no end.")
        number_of_days = int(days) if days else None
        role = _role(form.get("role", ""))
        secret = place.accounts.make_token(mine.name, form.get("name", ""), role, days=number_of_days, by=mine)
    except AccessRefused:
        raise
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
