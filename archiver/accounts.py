"""People of the workbench: accounts with roles, sessions, tokens for programs, and what keeps guessers out."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from archiver.errors import AccessRefused, Conflict, NotFound, UsageError
from archiver.index.database import insert_or_replace, reading, writing
from archiver.index.worktables import account_sessions, accounts, api_tokens, kept_settings, login_failures
from archiver.plaintext import one_line
from archiver.timestamps import parse_iso, to_iso

MIN_PASSWORD = 10
_MAX_PASSWORD = 1000
#: A session ends after so long without a request, and after so long in any case.
IDLE = timedelta(hours=12)
LONGEST = timedelta(days=30)
#: How often a session says that it is used.
_SEEN_EVERY = timedelta(minutes=1)
#: Failed logins that are free; each further one doubles the wait, up to the longest.
_FREE_FAILURES = 5
_FIRST_WAIT = timedelta(seconds=15)
_LONGEST_WAIT = timedelta(minutes=15)
_FORGOTTEN = timedelta(hours=24)
_NAME = re.compile(r"[^\s:/\\@\"'<>]{1,64}|[^\s:/\\\"'<>]{1,64}@[^\s:/\\@\"'<>]{1,190}")
_FIRST_KEY = "first_start_key"
_SECRET = "workbench_secret"


class Role(StrEnum):
    """What an account may do: everything; all but accounts and settings; look."""

    ADMINISTRATOR = "administrator"
    ARCHIVIST = "archivist"
    VIEWER = "viewer"

    def includes(self, other: Role) -> bool:
        """Who has this role may do what that one may."""
        order = list(Role)
        return order.index(self) <= order.index(other)


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may use the workbench.

    Attributes:
        number: of the account.
        name: to log in with, and in the audit log.
        display_name: for people, or "".
        email: or "".
        role: what the account may do; of a request with a token, what the token may.
        language: two letters, or "".
        is_active: may log in.
        created_at: UTC.
        seen_at: last use; None before the first.
        token_ends: when the token of a request ends; None for no end, and without one.
    """

    number: int
    name: str
    display_name: str
    email: str
    role: Role
    language: str
    is_active: bool
    created_at: datetime
    seen_at: datetime | None
    token_ends: datetime | None = None

    @property
    def called(self) -> str:
        """How people call it."""
        return self.display_name or self.name


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What a program logs in with; the secret itself is told once, when it is made."""

    number: int
    account: str
    name: str
    role: Role
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime | None


class AccountRegistry:
    """The accounts of an archive.

    Args:
        engine: the archive's database.
        clock: the time, UTC.
        new_secret: makes what cannot be guessed.
        hasher: of passwords (Argon2id).
    """

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], datetime],
        *,
        new_secret: Callable[[], str] = lambda: secrets.token_urlsafe(32),
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._new_secret = new_secret
        self._hasher = hasher or PasswordHasher()
        self._nobody = ""  # a hash that costs as much to compare as a real one

    # -- accounts ----------------------------------------------------------------------------------------------------

    def is_any(self) -> bool:
        """There is an account."""
        with reading(self._engine) as connection:
            return connection.execute(select(accounts.c.id).limit(1)).first() is not None

    def all(self) -> list[Account]:
        """Every account, by name."""
        with reading(self._engine) as connection:
            return [_account(row) for row in connection.execute(select(accounts).order_by(accounts.c.name))]

    def get(self, name: str) -> Account:
        """An account by its name.

        Raises:
            NotFound: there is none.
        """
        with reading(self._engine) as connection:
            row = connection.execute(select(accounts).where(accounts.c.name == name)).first()
        if row is None:
            raise NotFound(
                f"There is no account “{one_line(name)[:80]}”.",
                "The list of accounts names them.",
                command="muniment account list names them.",
            )
        return _account(row)

    def create(self, name: str, password: str, role: Role, *, display_name: str = "", email: str = "") -> Account:
        """Make an account.

        Raises:
            UsageError: the name or the password cannot be used.
            Conflict: the name is taken.
        """
        with writing(self._engine) as connection:
            self._create_within(connection, name, password, role, display_name, email)
        return self.get(name.strip())

    def _create_within(
        self, connection: Connection, name: str, password: str, role: Role, display_name: str, email: str
    ) -> None:
        name = name.strip()
        if not _NAME.fullmatch(name) or not name.isprintable():
            raise UsageError("That cannot be the name of an account.", "Use letters and digits, without spaces.")
        if connection.execute(select(accounts.c.id).where(func.lower(accounts.c.name) == name.lower())).first():
            raise Conflict(f"There is already an account “{name}”.", "Choose another name.")
        connection.execute(
            insert(accounts).values(
                name=name,
                display_name=one_line(display_name)[:200],
                email=one_line(email)[:300],
                password=self._hasher.hash(_good_password(password, name)),
                role=role.value,
                created_at=to_iso(self._clock()),
            )
        )

    def change(
        self,
        name: str,
        *,
        role: Role | None = None,
        display_name: str | None = None,
        email: str | None = None,
        language: str | None = None,
        is_active: bool | None = None,
        password: str | None = None,
    ) -> Account:
        """Change what is given. A new password, another role and being shut out end all sessions of the account.

        Raises:
            NotFound: there is no such account.
            UsageError: the password cannot be used.
            Conflict: no active administrator would be left.
        """
        account = self.get(name)
        values: dict[str, object] = {}
        if role is not None:
            values["role"] = role.value
        if display_name is not None:
            values["display_name"] = one_line(display_name)[:200]
        if email is not None:
            values["email"] = one_line(email)[:300]
        if language is not None:
            values["language"] = language[:2]
        if is_active is not None:
            values["is_active"] = int(is_active)
        if password is not None:
            values["password"] = self._hasher.hash(_good_password(password, name))
        if not values:
            return account
        with writing(self._engine) as connection:
            connection.execute(update(accounts).where(accounts.c.id == account.number).values(values))
            self._check_administrator(connection)
            if values.keys() & {"role", "is_active", "password"}:
                connection.execute(delete(account_sessions).where(account_sessions.c.account_id == account.number))
        return self.get(name)

    def remove(self, name: str) -> None:
        """Take an account away, with its sessions and tokens; what it did stays in the audit log.

        Raises:
            NotFound: there is no such account.
            Conflict: no active administrator would be left.
        """
        number = self.get(name).number
        with writing(self._engine) as connection:
            connection.execute(delete(account_sessions).where(account_sessions.c.account_id == number))
            connection.execute(delete(api_tokens).where(api_tokens.c.account_id == number))
            connection.execute(delete(accounts).where(accounts.c.id == number))
            self._check_administrator(connection)

    @staticmethod
    def _check_administrator(connection: Connection) -> None:
        left = select(accounts.c.id).where(accounts.c.role == Role.ADMINISTRATOR.value, accounts.c.is_active == 1)
        if connection.execute(left).first() is None:
            raise Conflict("No administrator would be left.", "Make another account an administrator first.")

    # -- first start -------------------------------------------------------------------------------------------------

    def begin(self) -> str | None:
        """The key of the page that makes the first account, a new one each time; None when there is an account."""
        if self.is_any():
            return None
        key = self._new_secret()
        with writing(self._engine) as connection:
            self._keep(connection, _FIRST_KEY, _hash(key))
        return key

    def is_first_key(self, key: str) -> bool:
        """The key that `begin` gave last, while there is no account."""
        with reading(self._engine) as connection:
            wanted = select(kept_settings.c.value).where(kept_settings.c.name == _FIRST_KEY)
            kept = connection.execute(wanted).scalar()
        return kept is not None and secrets.compare_digest(kept, _hash(key)) and not self.is_any()

    def create_first(self, key: str, name: str, password: str) -> Account:
        """Make the first account, an administrator; the key is of no use after that.

        Raises:
            AccessRefused: the key is not the one that was given last, or somebody was quicker.
            UsageError: the name or the password cannot be used.
        """
        with writing(self._engine) as connection:
            wanted = select(kept_settings.c.value).where(kept_settings.c.name == _FIRST_KEY)
            kept = connection.execute(wanted).scalar()
            taken = connection.execute(select(accounts.c.id).limit(1)).first() is not None
            if kept is None or taken or not secrets.compare_digest(kept, _hash(key)):
                raise AccessRefused("This address is no longer good.", "Start the server again: it prints a new one.")
            self._create_within(connection, name, password, Role.ADMINISTRATOR, "", "")
            connection.execute(delete(kept_settings).where(kept_settings.c.name == _FIRST_KEY))
        return self.get(name.strip())

    def signing_secret(self) -> str:
        """What the forms of the workbench are signed with; the same for all its processes."""
        with reading(self._engine) as connection:
            kept = connection.execute(select(kept_settings.c.value).where(kept_settings.c.name == _SECRET)).scalar()
        if kept is not None:
            return str(kept)
        with writing(self._engine) as connection:
            kept = connection.execute(select(kept_settings.c.value).where(kept_settings.c.name == _SECRET)).scalar()
            if kept is None:
                kept = self._new_secret()
                self._keep(connection, _SECRET, kept)
        return str(kept)

    def _keep(self, connection: Connection, name: str, value: str) -> None:
        row = {"name": name, "value": value, "changed_at": to_iso(self._clock()), "changed_by": ""}
        connection.execute(insert_or_replace(self._engine, kept_settings), [row])

    # -- sessions ----------------------------------------------------------------------------------------------------

    def log_in(self, name: str, password: str, *, address: str = "", agent: str = "") -> str:
        """Begin a session.

        Returns:
            The token for its cookie.

        Raises:
            AccessRefused: name and password do not belong together (which of them is wrong is not said), or there were too
                many failed tries for this name or from this address.
        """
        now = self._clock()
        row = self._proved(name, password, address, now)
        token = self._new_secret()
        session = {
            "token": _hash(token),
            "account_id": row.id,
            "created_at": to_iso(now),
            "seen_at": to_iso(now),
            "expires_at": to_iso(now + LONGEST),
            "address": address,
            "agent": one_line(agent)[:300],
        }
        with writing(self._engine) as connection:
            connection.execute(delete(account_sessions).where(account_sessions.c.expires_at < to_iso(now)))
            connection.execute(insert(account_sessions).values(session))
            changed: dict[str, object] = {"seen_at": to_iso(now)}
            if self._hasher.check_needs_rehash(row.password):
                changed["password"] = self._hasher.hash(password)
            connection.execute(update(accounts).where(accounts.c.id == row.id).values(changed))
        return token

    def change_password(self, name: str, now: str, new: str, *, address: str = "") -> Account:
        """Change the password of somebody who knows the one of now; all sessions of the account end, its tokens stay.

        Args:
            name: of the account.
            now: its password.
            new: the one that it is to have.
            address: it is asked from; failed tries count as those of logins do.

        Raises:
            AccessRefused: that is not its password, or there were too many failed tries.
            UsageError: the new password cannot be used.
        """
        self._proved(name, now, address, self._clock())
        return self.change(name, password=new)

    def _proved(self, name: str, password: str, address: str, now: datetime) -> Any:
        """The row of an account whose password this is.

        Raises:
            AccessRefused: it is not, or there were too many failed tries.
        """
        name = name.strip()[:255]
        subjects = [f"name {name.lower()}", *([f"address {address}"] if address else [])]
        with reading(self._engine) as connection:
            self._check_tries(connection, subjects, now)
            row = connection.execute(select(accounts).where(func.lower(accounts.c.name) == name.lower())).first()
        stored = row.password if row is not None else self._dummy()
        is_right = self._is_right(stored, password)
        if row is None or not is_right or not row.is_active:
            with writing(self._engine) as connection:
                self._count_failure(connection, subjects, now)
            raise AccessRefused("Name and password do not belong together.", "Try again, or ask an administrator.")
        with writing(self._engine) as connection:
            connection.execute(delete(login_failures).where(login_failures.c.subject == subjects[0]))
        return row

    def _is_right(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password[:_MAX_PASSWORD])
        except (VerificationError, InvalidHashError):
            return False

    def _dummy(self) -> str:
        if not self._nobody:
            self._nobody = self._hasher.hash(self._new_secret())
        return self._nobody

    def _check_tries(self, connection: Connection, subjects: list[str], now: datetime) -> None:
        wanted = select(func.max(login_failures.c.locked_until)).where(login_failures.c.subject.in_(subjects))
        locked = connection.execute(wanted).scalar()
        if locked and parse_iso(locked) > now:
            seconds = int((parse_iso(locked) - now).total_seconds()) + 1
            raise AccessRefused("There were too many failed tries.", f"Try again in {seconds} seconds.")

    def _count_failure(self, connection: Connection, subjects: list[str], now: datetime) -> None:
        for subject in subjects:
            row = connection.execute(select(login_failures).where(login_failures.c.subject == subject)).first()
            failures = row.failures + 1 if row is not None and now - parse_iso(row.last_at) < _FORGOTTEN else 1
            over = failures - _FREE_FAILURES
            wait = min(_FIRST_WAIT * 2 ** min(over, 20), _LONGEST_WAIT) if over >= 0 else None
            kept = {
                "subject": subject,
                "failures": failures,
                "last_at": to_iso(now),
                "locked_until": to_iso(now + wait) if wait else None,
            }
            connection.execute(insert_or_replace(self._engine, login_failures), [kept])
        connection.execute(delete(login_failures).where(login_failures.c.last_at < to_iso(now - _FORGOTTEN)))

    def of_session(self, token: str) -> Account | None:
        """Whose session a cookie is; None when it has ended."""
        now = self._clock()
        sessions = account_sessions.c
        wanted = (
            select(accounts, sessions.token, sessions.seen_at.label("used_at"), sessions.expires_at)
            .join(account_sessions, sessions.account_id == accounts.c.id)
            .where(sessions.token == _hash(token), accounts.c.is_active == 1)
        )
        with reading(self._engine) as connection:
            row = connection.execute(wanted).first()
        if row is None or parse_iso(row.expires_at) <= now or parse_iso(row.used_at) + IDLE <= now:
            return None
        if parse_iso(row.used_at) + _SEEN_EVERY <= now:
            with writing(self._engine) as connection:
                connection.execute(update(account_sessions).where(sessions.token == row.token).values(seen_at=to_iso(now)))
                connection.execute(update(accounts).where(accounts.c.id == row.id).values(seen_at=to_iso(now)))
        return _account(row)

    def log_out(self, token: str) -> None:
        """End a session."""
        with writing(self._engine) as connection:
            connection.execute(delete(account_sessions).where(account_sessions.c.token == _hash(token)))

    # -- tokens ------------------------------------------------------------------------------------------------------

    def make_token(self, account: str, name: str, role: Role, *, days: int | None = None, by: Account | None = None) -> str:
        """A token for programs; its secret is told now and never again.

        Args:
            account: whose it is.
            name: what it is for.
            role: what it is allowed.
            days: until it ends; None for no end.
            by: who asks; with a token that ends, for none that ends later.

        Raises:
            NotFound: there is no such account.
            UsageError: it has no name, or would be allowed more than its account.
            AccessRefused: it would be allowed more than who asks.
        """
        owner = self.get(account)
        if by is not None and not by.role.includes(role):  # it may be a program whose token is good for less than its account
            raise AccessRefused("A token cannot be allowed more than who makes it.", f"You are {by.role.value}.")
        if not one_line(name):
            raise UsageError("A token needs a name.", "Say what program it is for.")
        if not owner.role.includes(role):
            raise UsageError("A token cannot be allowed more than its account.", f"The account is {owner.role.value}.")
        now, secret = self._clock(), f"mun_{self._new_secret()}"
        ends = [now + timedelta(days=days)] if days else []
        if by is not None and by.token_ends is not None:
            ends.append(by.token_ends)
        values = {
            "account_id": owner.number,
            "name": one_line(name)[:200],
            "token": _hash(secret),
            "role": role.value,
            "created_at": to_iso(now),
            "expires_at": to_iso(min(ends)) if ends else None,
        }
        with writing(self._engine) as connection:
            connection.execute(insert(api_tokens).values(values))
        return secret

    def of_token(self, secret: str) -> Account | None:
        """Whose token it is, with the role of the token where that is less; None when it is good for nothing."""
        now = self._clock()
        tokens = api_tokens.c
        wanted = (
            select(accounts, tokens.id.label("token_id"), tokens.role.label("token_role"), tokens.used_at, tokens.expires_at)
            .join(api_tokens, tokens.account_id == accounts.c.id)
            .where(tokens.token == _hash(secret), accounts.c.is_active == 1)
        )
        with reading(self._engine) as connection:
            row = connection.execute(wanted).first()
        if row is None or (row.expires_at and parse_iso(row.expires_at) <= now):
            return None
        if row.used_at is None or parse_iso(row.used_at) + _SEEN_EVERY <= now:
            with writing(self._engine) as connection:
                connection.execute(update(api_tokens).where(tokens.id == row.token_id).values(used_at=to_iso(now)))
        least = max(Role(row.role), Role(row.token_role), key=list(Role).index)
        return replace(_account(row, least), token_ends=parse_iso(row.expires_at) if row.expires_at else None)

    def tokens(self, account: str | None = None) -> list[ApiToken]:
        """Tokens of an account, or of all."""
        wanted = select(api_tokens, accounts.c.name.label("owner")).join(accounts, accounts.c.id == api_tokens.c.account_id)
        if account is not None:
            wanted = wanted.where(accounts.c.name == account)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(api_tokens.c.id)).all()
        return [
            ApiToken(
                row.id, row.owner, row.name, Role(row.role), parse_iso(row.created_at),
                parse_iso(row.used_at) if row.used_at else None, parse_iso(row.expires_at) if row.expires_at else None,
            )
            for row in rows
        ]  # fmt: skip

    def revoke_token(self, number: int) -> None:
        """Take a token away.

        Raises:
            NotFound: there is none of that number.
        """
        with writing(self._engine) as connection:
            if not connection.execute(delete(api_tokens).where(api_tokens.c.id == number)).rowcount:
                raise NotFound(f"There is no token {number}.", "")


def _account(row: Any, role: Role | None = None) -> Account:
    return Account(
        row.id, row.name, row.display_name, row.email, role or Role(row.role), row.language, bool(row.is_active),
        parse_iso(row.created_at), parse_iso(row.seen_at) if row.seen_at else None,
    )  # fmt: skip


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _good_password(password: str, name: str) -> str:
    if len(password) < MIN_PASSWORD:
        raise UsageError(f"The password is too short: it needs {MIN_PASSWORD} characters.", "Take a few words.")
    if len(password) > _MAX_PASSWORD:
        raise UsageError("The password is too long.", "")
    if password.lower() in (name.lower(), name.lower() * 2) or len(set(password)) < 4:
        raise UsageError("That password is the first that anybody would try.", "Take a few words.")
    return password
