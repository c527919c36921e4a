"""Accounts for tests of the workbench, and clients that are logged in."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from archiver.accounts import AccountRegistry, Role
from archiver.holdings import Holdings, utc_now
from replay.workbench.session import COOKIE

PORT = 8081
HOME = f"http://127.0.0.1:{PORT}"
PASSWORD = "a few plain words"
#: As little work as the hasher allows: a test need not resist anybody.
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def accounts_of(holdings: Holdings) -> AccountRegistry:
    """The accounts of an archive, with quick passwords."""
    return AccountRegistry(holdings.engine, utc_now, hasher=QUICK)


def logged_in(app: Flask, holdings: Holdings, role: Role = Role.ADMINISTRATOR) -> FlaskClient:
    """A client of the workbench in which an account of that role, named like it, is logged in."""
    accounts = accounts_of(holdings)
    if role.value not in {account.name for account in accounts.all()}:
        if role is not Role.ADMINISTRATOR and not accounts.is_any():
            accounts.create("administrator", PASSWORD, Role.ADMINISTRATOR)
        accounts.create(role.value, PASSWORD, role)
    client = app.test_client()
    client.set_cookie(COOKIE, accounts.log_in(role.value, PASSWORD), domain="127.0.0.1")
    return client


def form_token(client: FlaskClient, path: str = "/me") -> str:
    """What every form of a session carries."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(path, base_url=HOME).get_data(as_text=True))
    assert found is not None
    return found.group(1)


class _Fields(HTMLParser):
    """What a browser would send of the inputs and lists of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._chooses = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "select":
            self._chooses = said["name"]
        elif tag == "option" and "value" in said and ("selected" in said or self._chooses not in self.found):
            self.found[self._chooses] = said["value"]
        elif tag == "input" and "name" in said and (said.get("type") != "checkbox" or "checked" in said):
            self.found[said["name"]] = said.get("value", "")


def typed_in(page: str) -> dict[str, str]:
    """The fields of a page's forms, with what is in them: of what is ticked alone, and as text areas are not looked at."""
    fields = _Fields()
    fields.feed(page)
    return fields.found
