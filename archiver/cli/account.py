"""`muniment account`: who may use the workbench."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from archiver.cli.common import archive_option, json_option, print_json, settings_from

if TYPE_CHECKING:
    from archiver.accounts import Account, AccountRegistry
    from archiver.holdings import Holdings

_ROLES = click.Choice(["administrator", "archivist", "viewer"])


@click.group()
def account() -> None:
    """Say who may use the workbench: accounts, their roles, tokens for programs."""


def _password(from_stdin: bool) -> str:
    """A password, typed twice, or the first line of standard input: never an argument, which others can see."""
    if from_stdin or not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _registry(holdings: Holdings) -> AccountRegistry:
    from archiver.accounts import AccountRegistry

    return AccountRegistry(holdings.engine, holdings.collections.now)


@account.command()
@click.argument("name")
@click.option("--role", type=_ROLES, default="archivist", show_default=True)
@click.option("--called", default="", help="Name for people.")
@click.option("--email", default="")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@archive_option
def create(name: str, role: str, called: str, email: str, password_stdin: bool, archive: object) -> None:
    """Make an account."""
    from archiver.accounts import Role
    from archiver.holdings import open_holdings

    password = _password(password_stdin)
    with open_holdings(settings_from(archive=archive)) as holdings:
        made = _registry(holdings).create(name, password, Role(role), display_name=called, email=email)
        holdings.audit.note("", "account.create", made.name, {"role": made.role.value})
    click.echo(f"Made the account “{made.name}”, {made.role.value}.")


@account.command(name="list")
@archive_option
@json_option
def list_(archive: object, as_json: bool) -> None:
    """Name the accounts."""
    from archiver.holdings import open_holdings

    with open_holdings(settings_from(archive=archive)) as holdings:
        found = _registry(holdings).all()
    if as_json:
        print_json([_as_json(item) for item in found])
        return
    for item in found:
        seen = f"{item.seen_at:%Y-%m-%d}" if item.seen_at else "never seen"
        click.echo(f"{item.name:20} {item.role.value:14} {seen:12} {'' if item.is_active else 'may not log in'}".rstrip())
    if not found:
        click.echo("There is no account yet. muniment serve prints the address that makes the first one.")


def _as_json(item: Account) -> dict[str, object]:
    return {
        "name": item.name,
        "display_name": item.display_name,
        "email": item.email,
        "role": item.role.value,
        "active": item.is_active,
        "created": item.created_at.isoformat(),
        "seen": item.seen_at.isoformat() if item.seen_at else None,
    }


@account.command(name="set")
@click.argument("name")
@click.option("--role", type=_ROLES)
@click.option("--called", help="Name for people.")
@click.option("--email")
@click.option("--active/--shut-out", "is_active", default=None, help="Whether it may log in.")
@click.option("--password", "asks_password", is_flag=True, help="Ask for a new password; it ends all sessions of the account.")
@click.option("--password-stdin", is_flag=True, help="Read a new password from standard input.")
@archive_option
def set_(
    name: str,
    role: str | None,
    called: str | None,
    email: str | None,
    is_active: bool | None,
    asks_password: bool,
    password_stdin: bool,
    archive: object,
) -> None:
    """Change an account."""
    from archiver.accounts import Role
    from archiver.holdings import open_holdings

    password = _password(password_stdin) if asks_password or password_stdin else None
    with open_holdings(settings_from(archive=archive)) as holdings:
        changed = _registry(holdings).change(
            name, role=Role(role) if role else None, display_name=called, email=email, is_active=is_active, password=password
        )
        told = {"role": changed.role.value, "active": changed.is_active, "password": password is not None}
        holdings.audit.note("", "account.change", changed.name, told)
    click.echo(f"Changed “{changed.name}”: {changed.role.value}{'' if changed.is_active else ', may not log in'}.")


@account.command()
@click.argument("name")
@archive_option
def remove(name: str, archive: object) -> None:
    """Take an account away; what it did stays in the audit log."""
    from archiver.holdings import open_holdings

    with open_holdings(settings_from(archive=archive)) as holdings:
        _registry(holdings).remove(name)
        holdings.audit.note("", "account.remove", name, {})
    click.echo(f"Removed “{name}”.")


@account.command()
@click.argument("name")
@click.option("--for", "program", required=True, help="What program it is for.")
@click.option("--role", type=_ROLES, default="viewer", show_default=True)
@click.option("--days", type=click.IntRange(1, 36500), help="How long it is good.  [default: until it is revoked]")
@archive_option
def token(name: str, program: str, role: str, days: int | None, archive: object) -> None:
    """Make a token with which a program logs in as NAME, and print it: it is shown this once."""
    from archiver.accounts import Role
    from archiver.holdings import open_holdings

    with open_holdings(settings_from(archive=archive)) as holdings:
        secret = _registry(holdings).make_token(name, program, Role(role), days=days)
        holdings.audit.note("", "token.create", name, {"name": program, "role": role})
    click.echo(secret)
