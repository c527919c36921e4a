"""Accounts: passwords, sessions, tokens, and what keeps guessers out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from archiver.accounts import IDLE, LONGEST, AccountRegistry, Role
from archiver.errors import AccessRefused, Conflict, MunimentError, NotFound, UsageError
from archiver.holdings import Holdings
from archiver.index.database import reading
from tests.conftest import OpenHoldings
from tests.workbench import PASSWORD, QUICK


class Clock:
    """A time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    return holdings_with()


@pytest.fixture
def registry(holdings: Holdings, clock: Clock) -> AccountRegistry:
    made = AccountRegistry(holdings.engine, clock, hasher=QUICK)
    made.create("ada", PASSWORD, Role.ADMINISTRATOR)
    return made


def test_who_logs_in_is_known_until_the_session_ends(registry: AccountRegistry, clock: Clock) -> None:
    token = registry.log_in("ADA", PASSWORD)
    found = registry.of_session(token)
    assert found is not None and (found.name, found.role) == ("ada", Role.ADMINISTRATOR)
    clock.now += IDLE - timedelta(seconds=1)
    assert registry.of_session(token) is not None  # and was used by this
    clock.now += IDLE - timedelta(seconds=1)
    assert registry.of_session(token) is not None
    clock.now += IDLE
    assert registry.of_session(token) is None
    again = registry.log_in("ada", PASSWORD)
    registry.log_out(again)
    assert registry.of_session(again) is None
    assert registry.of_session("") is None


def test_no_session_lasts_for_ever(registry: AccountRegistry, clock: Clock) -> None:
    token, end = registry.log_in("ada", PASSWORD), clock.now + LONGEST
    while clock.now < end:
        assert registry.of_session(token) is not None
        clock.now += IDLE - timedelta(minutes=1)
    assert registry.of_session(token) is None


def test_nothing_that_opens_a_door_is_in_the_database(registry: AccountRegistry, holdings: Holdings) -> None:
    secrets = [PASSWORD, registry.log_in("ada", PASSWORD), registry.make_token("ada", "x", Role.VIEWER)]
    with reading(holdings.engine) as connection:
        kept = [
            str(connection.execute(text(f"SELECT * FROM {name}")).all())
            for name in ("accounts", "account_sessions", "api_tokens")
        ]
    assert not any(secret in rows for secret in secrets for rows in kept)


def test_guessing_takes_longer_and_longer(registry: AccountRegistry, clock: Clock) -> None:
    waits = []
    for _ in range(12):
        for _ in range(5):
            with pytest.raises(AccessRefused):
                registry.log_in("ada", "wrong password", address="192.0.2.7")
        start = clock.now
        while True:
            clock.now += timedelta(seconds=5)
            try:
                registry.log_in("ada", "wrong password", address="192.0.2.7")
            except AccessRefused as error:
                if "too many" not in str(error):
                    break
        waits.append((clock.now - start).total_seconds())
    assert waits[0] >= 15 and waits == sorted(waits) and waits[-1] <= 15 * 60 + 10
    with pytest.raises(AccessRefused, match="too many"):
        registry.log_in("ada", PASSWORD, address="198.51.100.1")  # the right one has to wait as well
    with pytest.raises(AccessRefused, match="too many"):
        registry.log_in("somebody", PASSWORD, address="192.0.2.7")  # and the guesser with other names
    clock.now += timedelta(minutes=16)
    assert registry.log_in("ada", PASSWORD, address="198.51.100.1")


def test_a_wrong_name_is_refused_as_a_wrong_password_is(registry: AccountRegistry) -> None:
    registry.create("shut", PASSWORD, Role.VIEWER)
    registry.change("shut", is_active=False)
    said = set()
    for name, password in (("nobody", PASSWORD), ("ada", "wrong password"), ("shut", PASSWORD), ("", ""), ("a" * 5000, "\0")):
        with pytest.raises(AccessRefused) as caught:
            registry.log_in(name, password)
        said.add(str(caught.value))
    assert len(said) == 1


def test_a_new_password_role_or_closed_door_ends_sessions(registry: AccountRegistry) -> None:
    registry.create("ben", PASSWORD, Role.ARCHIVIST)
    changes: list[dict[str, object]] = [{"password": "some other words"}, {"role": Role.VIEWER}, {"is_active": False}]
    password = PASSWORD
    for change in changes:
        token = registry.log_in("ben", password)
        registry.change("ben", **change)  # type: ignore[arg-type]
        assert registry.of_session(token) is None
        password = "some other words"
    registry.change("ben", is_active=True)
    token = registry.log_in("ben", password)
    registry.change("ben", display_name="Ben\n<b>", email="b@example.org")
    found = registry.of_session(token)
    assert found is not None and found.called == "Ben <b>"


def test_an_administrator_stays(registry: AccountRegistry) -> None:
    for change in ({"role": Role.ARCHIVIST}, {"is_active": False}):
        with pytest.raises(Conflict):
            registry.change("ada", **change)  # type: ignore[arg-type]
    with pytest.raises(Conflict):
        registry.remove("ada")
    assert registry.get("ada").role is Role.ADMINISTRATOR
    registry.create("eve", PASSWORD, Role.ADMINISTRATOR)
    registry.remove("ada")
    with pytest.raises(NotFound):
        registry.get("ada")


@pytest.mark.parametrize("name", ["", " ", "a b", "a:b", "a/b", "<b>", "x" * 300, "a\nb", "\0"])
def test_names_that_cannot_be_used(registry: AccountRegistry, name: str) -> None:
    with pytest.raises(UsageError):
        registry.create(name, PASSWORD, Role.VIEWER)


@pytest.mark.parametrize("password", ["", "short", "aaaaaaaaaaaa", "benjamins-benjamins", "x" * 2000])
def test_passwords_that_cannot_be_used(registry: AccountRegistry, password: str) -> None:
    with pytest.raises(UsageError):
        registry.create("benjamins-benjamins", password, Role.VIEWER)


def test_names_differ_by_more_than_case(registry: AccountRegistry) -> None:
    with pytest.raises(Conflict):
        registry.create("ADA", PASSWORD, Role.VIEWER)


def test_tokens_may_no_more_than_they_say(registry: AccountRegistry, clock: Clock) -> None:
    registry.create("ben", PASSWORD, Role.ARCHIVIST)
    secret = registry.make_token("ben", "harvester", Role.VIEWER, days=2)
    found = registry.of_token(secret)
    assert found is not None and (found.name, found.role) == ("ben", Role.VIEWER)
    with pytest.raises(UsageError):
        registry.make_token("ben", "x", Role.ADMINISTRATOR)
    strong = registry.make_token("ben", "x", Role.ARCHIVIST)
    registry.change("ben", role=Role.VIEWER)
    found = registry.of_token(strong)
    assert found is not None and found.role is Role.VIEWER  # no more than its account now
    clock.now += timedelta(days=2)
    assert registry.of_token(secret) is None and registry.of_token(strong) is not None
    registry.revoke_token(registry.tokens("ben")[1].number)
    assert registry.of_token(strong) is None and registry.of_token("") is None
    with pytest.raises(NotFound):
        registry.revoke_token(99)


def test_the_first_account_takes_the_key_that_was_printed_last(holdings: Holdings, clock: Clock) -> None:
    registry = AccountRegistry(holdings.engine, clock, hasher=QUICK)
    old, key = registry.begin(), registry.begin()
    assert old and key and not registry.is_first_key(old) and registry.is_first_key(key)
    for wrong in (old, "", "x"):
        with pytest.raises(AccessRefused):
            registry.create_first(wrong, "eve", PASSWORD)
    with pytest.raises(MunimentError):
        registry.create_first(key, "ada", "short")
    assert registry.create_first(key, "ada", PASSWORD).role is Role.ADMINISTRATOR
    with pytest.raises(AccessRefused):
        registry.create_first(key, "eve", PASSWORD)
    assert registry.begin() is None and not registry.is_first_key(key)


def test_forms_outlive_a_restart(holdings: Holdings, clock: Clock) -> None:
    first = AccountRegistry(holdings.engine, clock).signing_secret()
    assert AccountRegistry(holdings.engine, clock).signing_secret() == first and len(first) > 30
