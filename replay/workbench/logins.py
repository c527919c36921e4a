"""Programs that send name and password with each request: logged in once, then known for as long as that session lasts."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from threading import Lock

from werkzeug.datastructures import Authorization

from archiver.accounts import Account, AccountRegistry
from archiver.errors import AccessRefused

#: Logins that are remembered.
_MOST = 256


class BasicLogins:
    """Who sends HTTP Basic credentials (RFC 7617).

    Passwords are slow to check, as they should be, and harvesters send them thousands of times. What is remembered is a hash
    with a salt that dies with the process; a session that ends (new password, account shut out) ends this too.

    Args:
        accounts: check the password.
    """

    def __init__(self, accounts: AccountRegistry) -> None:
        self._accounts = accounts
        self._salt = secrets.token_bytes(32)
        self._tokens: OrderedDict[bytes, str] = OrderedDict()
        self._lock = Lock()

    def account(self, sent: Authorization | None, address: str) -> Account:
        """Whose credentials they are.

        Args:
            sent: the field of the request; None for one that cannot be read.
            address: it comes from.

        Raises:
            AccessRefused: name and password do not belong together, or there were too many failed tries.
        """
        name, password = (sent.username or "", sent.password or "") if sent is not None else ("", "")
        if not name:
            raise AccessRefused("The name and password could not be read.", "Send them as HTTP Basic credentials.")
        key = hashlib.blake2b(f"{len(name)}:{name}{password}".encode("utf-8", "replace"), key=self._salt).digest()
        with self._lock:
            token = self._tokens.get(key)
        found = self._accounts.of_session(token) if token is not None else None
        if found is not None:
            return found
        token = self._accounts.log_in(name, password, address=address, agent="HTTP Basic")
        with self._lock:
            self._tokens[key] = token
            self._tokens.move_to_end(key)
            while len(self._tokens) > _MOST:
                self._tokens.popitem(last=False)
        found = self._accounts.of_session(token)
        if found is None:
            raise AccessRefused("Name and password do not belong together.", "Try again, or ask an administrator.")
        return found
