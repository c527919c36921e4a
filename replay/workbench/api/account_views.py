"""Who asks, accounts, and tokens for programs, in the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from flask import Response, after_this_request
from flask_wtf.csrf import generate_csrf

from archiver.accounts import MIN_PASSWORD, Account, ApiToken, Role
from archiver.errors import AccessRefused
from replay.workbench.account_pages import logged_in_with, new_password
from replay.workbench.api.operations import Created, Page, PageQuery, operation, part_of
from replay.workbench.api.schema import Bounds
from replay.workbench.places import context
from replay.workbench.session import begin_session, current_account, is_by_token

_TAG = "Accounts"
Password = Annotated[str, Bounds(f"At least {MIN_PASSWORD} characters.", longest=1000)]


@dataclass(frozen=True)
class SessionView:
    """Who asks. `csrf_token`: what a request without a token of its own bears as X-CSRFToken; "" for programs."""

    account: str
    display_name: str
    role: Role
    csrf_token: str


@dataclass(frozen=True)
class AccountView:
    """Somebody who may use the workbench."""

    name: str
    display_name: str
    email: str
    role: Role
    language: str
    is_active: bool
    created_at: datetime
    seen_at: datetime | None


@dataclass(frozen=True)
class AccountBody:
    """A new account."""

    name: Annotated[str, Bounds("To log in with.", longest=255)]
    password: Password
    role: Role
    display_name: Annotated[str, Bounds(longest=200)] = ""
    email: Annotated[str, Bounds(longest=300)] = ""


@dataclass(frozen=True)
class AccountChangeBody:
    """What is to be changed of an account; what is left out stays."""

    role: Role | None = None
    display_name: Annotated[str | None, Bounds(longest=200)] = None
    email: Annotated[str | None, Bounds(longest=300)] = None
    language: Annotated[str | None, Bounds("Two letters.", longest=2)] = None
    is_active: bool | None = None
    password: Password | None = None


@dataclass(frozen=True)
class OwnPasswordBody:
    """A new password for who asks. Failed tries of the present one count as those of logins do."""

    password_now: Annotated[str, Bounds("The present one.", longest=1000)]
    password: Password


@dataclass(frozen=True)
class TokenView:
    """What a program logs in with."""

    number: int
    account: str
    name: str
    role: Role
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True)
class TokenBody:
    """A new token."""

    name: Annotated[str, Bounds("What program it is for.", longest=200)]
    role: Annotated[Role, Bounds("What it may do, at most what its account may.")]
    days: Annotated[int | None, Bounds("How long it is good; null until it is revoked.", least=1, most=36_500)] = None


@dataclass(frozen=True)
class NewTokenView:
    """A token just made; `secret` is told this once."""

    secret: str
    token: TokenView


def _view(item: Account) -> AccountView:
    return AccountView(
        item.name, item.display_name, item.email, item.role, item.language, item.is_active, item.created_at, item.seen_at
    )


def _token(item: ApiToken) -> TokenView:
    return TokenView(item.number, item.account, item.name, item.role, item.created_at, item.used_at, item.expires_at)


def _note(action: str, subject: str, detail: Mapping[str, object]) -> None:
    context().holdings.audit.note(current_account().name, action, subject, detail)


@operation("GET", "/session", Role.VIEWER, _TAG)
def get_session() -> SessionView:
    """Say who asks, and what a page must send along to change something."""
    mine = current_account()
    return SessionView(mine.name, mine.display_name, mine.role, "" if is_by_token() else generate_csrf())


@operation("POST", "/session/password", Role.VIEWER, _TAG, status=204)
def change_own_password(body: OwnPasswordBody) -> None:
    """Change the password of one's own account. All its sessions end, and a page that asks gets a new one; tokens stay."""
    new_password(body.password_now, body.password)
    if is_by_token():
        return
    token = logged_in_with(body.password)

    @after_this_request
    def begun(response: Response) -> Response:
        begin_session(response, token)
        return response


@operation("GET", "/accounts", Role.ADMINISTRATOR, _TAG)
def list_accounts(query: PageQuery) -> Page[AccountView]:
    """List everybody who may log in."""
    return part_of(map(_view, context().accounts.all()), query)


@operation("POST", "/accounts", Role.ADMINISTRATOR, _TAG)
def create_account(body: AccountBody) -> Created[AccountView]:
    """Make an account."""
    made = context().accounts.create(body.name, body.password, body.role, display_name=body.display_name, email=body.email)
    _note("account.create", made.name, {"role": made.role.value})
    return Created(_view(made), f"/accounts/{made.name}")


@operation("GET", "/accounts/<name>", Role.ADMINISTRATOR, _TAG)
def get_account(name: str) -> AccountView:
    """Look at an account."""
    return _view(context().accounts.get(name))


@operation("PATCH", "/accounts/<name>", Role.ADMINISTRATOR, _TAG)
def change_account(name: str, body: AccountChangeBody) -> AccountView:
    """Change an account. A new password, another role and being shut out end all its sessions."""
    changed = context().accounts.change(
        name, role=body.role, display_name=body.display_name, email=body.email, language=body.language,
        is_active=body.is_active, password=body.password,
    )  # fmt: skip
    told = {"role": changed.role.value, "active": changed.is_active, "password": body.password is not None}
    _note("account.change", name, told)
    return _view(changed)


@operation("DELETE", "/accounts/<name>", Role.ADMINISTRATOR, _TAG)
def remove_account(name: str) -> None:
    """Take an account away; what it did stays in the audit log."""
    context().accounts.remove(name)
    _note("account.remove", name, {})


@operation("GET", "/tokens", Role.VIEWER, _TAG)
def list_tokens(query: PageQuery) -> Page[TokenView]:
    """List one's own tokens; those of all, for administrators."""
    mine = current_account()
    owner = None if mine.role.includes(Role.ADMINISTRATOR) else mine.name
    return part_of(map(_token, context().accounts.tokens(owner)), query)


@operation("POST", "/tokens", Role.VIEWER, _TAG, is_secret=True)
def make_token(body: TokenBody) -> Created[NewTokenView]:
    """Make a token for a program. Its secret is told in the answer and never again."""
    registry, mine = context().accounts, current_account()
    secret = registry.make_token(mine.name, body.name, body.role, days=body.days, by=mine)
    _note("token.create", mine.name, {"name": body.name, "role": body.role.value})
    made = max(registry.tokens(mine.name), key=lambda item: item.number)
    return Created(NewTokenView(secret, _token(made)), f"/tokens/{made.number}")


@operation("POST", "/tokens/<int:number>/revoke", Role.VIEWER, _TAG, status=204)
def revoke_token(number: int) -> None:
    """Take a token away: one's own, or, for administrators, anybody's."""
    registry, mine = context().accounts, current_account()
    owner = next((item.account for item in registry.tokens() if item.number == number), "")
    if owner != mine.name and not mine.role.includes(Role.ADMINISTRATOR):
        raise AccessRefused("That token is not yours.", "Ask an administrator.")
    registry.revoke_token(number)
    _note("token.revoke", owner, {"number": number})


@operation("GET", "/tokens/<int:number>", Role.VIEWER, _TAG)
def get_token(number: int) -> TokenView:
    """Look at a token of one's own; at any, for administrators."""
    mine = current_account()
    found = next((item for item in context().accounts.tokens() if item.number == number), None)
    if found is None or (found.account != mine.name and not mine.role.includes(Role.ADMINISTRATOR)):
        raise AccessRefused("That token is not yours.", "Ask an administrator.")
    return _token(found)
