"""Answers to a server's challenge to log in: Basic (RFC 7617) and Digest (RFC 7616). Values in, header fields out."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

#: Best first. Older programs' MD5 is still what most servers of Digest speak.
_HASHES = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}
#: Longer fields are no challenge.
_MOST_CHARACTERS = 8000
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PART = re.compile(rf'\s*(?:,\s*)*({_WORD})(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Challenge:
    """How a server wants to be told who asks.

    Attributes:
        scheme: lower case.
        parameters: by their names in lower case.
    """

    scheme: str
    parameters: dict[str, str]

    @property
    def is_stale(self) -> bool:
        """The password was right, only the nonce was too old."""
        return self.parameters.get("stale", "").lower() == "true"


def read_challenges(values: Iterable[str]) -> list[Challenge]:
    """The challenges of WWW-Authenticate fields, several in one field too; what is none is passed over."""
    found: list[Challenge] = []
    for value in values:
        place = 0
        while place < len(value) <= _MOST_CHARACTERS and (part := _PART.match(value, place)):
            place = part.end()
            name, quoted, plain = part.groups()
            if quoted is None and plain is None:
                found.append(Challenge(name.lower(), {}))
            elif found:
                text = re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL) if quoted is not None else plain or ""
                found[-1].parameters.setdefault(name.lower(), text)
    return found


def best_challenge(challenges: Iterable[Challenge]) -> Challenge | None:
    """The strongest that can be answered; None when none can."""
    ranked = [(_rank(item), number, item) for number, item in enumerate(challenges)]
    usable = [item for item in ranked if item[0] is not None]
    return min(usable, key=lambda item: (item[0] or 0, item[1]))[2] if usable else None


def _rank(challenge: Challenge) -> int | None:
    if challenge.scheme == "basic":
        return len(_HASHES)
    qop = challenge.parameters.get("qop")
    can_answer = qop is None or "auth" in re.split(r"[\s,]+", qop.lower())
    if challenge.scheme != "digest" or not challenge.parameters.get("nonce") or not can_answer:
        return None
    name = challenge.parameters.get("algorithm", "MD5").upper().removesuffix("-SESS")
    return list(_HASHES).index(name) if name in _HASHES and _HASHES[name] in hashlib.algorithms_available else None


def basic(user: str, password: str) -> str:
    """The value of Authorization; UTF-8, as RFC 7617 prefers."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def digest_answer(challenge: Challenge, *, method: str, target: str, user: str, password: str, count: int, cnonce: str) -> str:
    """The value of Authorization (RFC 7616, section 3.4).

    Args:
        challenge: one that `best_challenge` gave.
        method: of the request.
        target: path and query as sent.
        user: name.
        password: its password.
        count: how often this nonce was used, from 1.
        cnonce: our own random text.
    """
    given = challenge.parameters
    realm, nonce, opaque = given.get("realm", ""), given["nonce"], given.get("opaque")
    algorithm = given.get("algorithm", "MD5")
    name = _HASHES[algorithm.upper().removesuffix("-SESS")]

    def hashed(*parts: str) -> str:
        return hashlib.new(name, ":".join(parts).encode(), usedforsecurity=False).hexdigest()

    first = hashed(user, realm, password)
    if algorithm.upper().endswith("-SESS"):
        first = hashed(first, nonce, cnonce)
    second = hashed(method, target)
    times = f"{count:08x}"
    has_qop = "qop" in given
    response = hashed(first, nonce, times, cnonce, "auth", second) if has_qop else hashed(first, nonce, second)
    is_hidden = given.get("userhash", "").lower() == "true"
    fields = [
        ("username", _quoted(hashed(user, realm) if is_hidden else user)),
        ("realm", _quoted(realm)),
        ("nonce", _quoted(nonce)),
        ("uri", _quoted(target)),
        ("response", _quoted(response)),
    ]
    if "algorithm" in given:
        fields.append(("algorithm", algorithm))
    if opaque is not None:
        fields.append(("opaque", _quoted(opaque)))
    if has_qop:
        fields += [("qop", "auth"), ("nc", times), ("cnonce", _quoted(cnonce))]
    if is_hidden:
        fields.append(("userhash", "true"))
    # A server's own text goes back to it: nothing in it may begin another header field.
    return "Digest " + ", ".join(f"{key}={value}" for key, value in fields).replace("\r", "").replace("\n", "")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
