"""A request that is sent again with the same Idempotency-Key is answered as before, and done once."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

from flask import Response, current_app, request

from archiver.errors import UsageError
from archiver.repeats import KeptAnswer, RepeatRegistry
from replay.workbench.api.problems import AnotherRequest
from replay.workbench.places import context
from replay.workbench.session import current_account


def repeated(key: str, sent: bytes, act: Callable[[], Response]) -> Response:
    """Do something once.

    Args:
        key: from 1 to 200 printable characters.
        sent: the content of the request.
        act: does it.

    Raises:
        UsageError: the key is none.
        AnotherRequest: the key came before with something else.
        Conflict: what it stands for is being done now.
    """
    if not (key.isascii() and key.isprintable() and len(key) <= 200):
        raise UsageError("That is no Idempotency-Key.", "Use up to 200 printable ASCII characters, such as a UUID.")
    place, owner = context(), current_account().name
    registry = RepeatRegistry(place.holdings.engine, place.clock)
    secret = str(current_app.config["SECRET_KEY"]).encode()
    asked = f"{request.method} {request.full_path}\n".encode() + sent
    fingerprint = hmac.new(secret, asked, hashlib.sha256).hexdigest()
    before = registry.begin(owner, key, fingerprint)
    if before is not None:
        if before.fingerprint != fingerprint:
            raise AnotherRequest("That Idempotency-Key came before with another request.", "Use a new one for each request.")
        headers = {"Location": before.location} if before.location else {}
        answer = Response(before.body, before.status, headers, mimetype="application/json")
        answer.headers["Idempotency-Replayed"] = "true"
        return answer
    try:
        answer = act()
    except BaseException:
        registry.forget(owner, key)
        raise
    location = answer.headers.get("Location", "")
    registry.finish(owner, key, KeptAnswer(fingerprint, answer.status_code, location, answer.get_data(as_text=True)))
    return answer
