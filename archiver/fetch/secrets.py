"""Reads what a crawl logs in with: a Netscape cookies file, names and passwords, header fields.

What is wrong with a file is told by its line number and never by its content. Nothing here is ever put into a plan, a log or
an error.
"""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import Cookie
from pathlib import Path

from archiver.errors import UsageError

_MOST_BYTES = 4 * 1024 * 1024
_HTTP_ONLY = "#HttpOnly_"
_EXPIRES = re.compile(r"-?\d{1,15}(?:\.\d+)?", re.ASCII)
_TRUTH = {"TRUE": True, "FALSE": False}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: Fields of the connection or of this program; given ones would break requests.
_RESERVED = frozenset({"host", "content-length", "transfer-encoding", "connection", "cookie", "te", "upgrade", "expect"})
_LINES_NAMED = 5


@dataclass(frozen=True, slots=True)
class Credential:
    """A name and password for one host; `host` may have a port."""

    host: str
    user: str
    password: str = field(repr=False)


def read_cookies(path: Path, now: float) -> tuple[tuple[Cookie, ...], int]:
    """The cookies of a file as browsers, curl and wget write it.

    Args:
        path: of the file.
        now: seconds since 1970.

    Returns:
        The cookies, and the number of those left out because they have expired.

    Raises:
        UsageError: it cannot be read; names the lines that are none.
    """
    cookies, bad, expired = [], [], 0
    for number, line in enumerate(_text(path, "cookies").splitlines(), 1):
        if not line.strip() or (line.startswith("#") and not line.startswith(_HTTP_ONLY)):
            continue
        cookie = _cookie(line.removeprefix(_HTTP_ONLY), is_http_only=line.startswith(_HTTP_ONLY))
        if cookie is None:
            bad.append(str(number))
        elif cookie.expires is not None and cookie.expires <= now:
            expired += 1
        else:
            cookies.append(cookie)
    if bad:
        more = f" and {len(bad) - _LINES_NAMED} more" if len(bad) > _LINES_NAMED else ""
        raise UsageError(
            f"The cookies file {path} has lines that are no cookies: {', '.join(bad[:_LINES_NAMED])}{more}.",
            "Each has domain, subdomains, path, secure, expiry, name and value, with tabs between them.",
        )
    return tuple(cookies), expired


def _cookie(line: str, *, is_http_only: bool) -> Cookie | None:
    """One line of a cookies file; None when it is none."""
    parts = line.split("\t")
    if len(parts) == 6:  # an empty value whose tab an editor took away
        parts.append("")
    if len(parts) != 7:
        return None
    domain, below, path, secure, expires, name, value = (part.strip(" ") for part in parts)
    host = domain.removeprefix(".").lower()
    is_right = (
        re.fullmatch(r"[a-z0-9.\-_\[\]:]+", host)
        and path.startswith("/")
        and below.upper() in _TRUTH
        and secure.upper() in _TRUTH
        and _EXPIRES.fullmatch(expires or "0")
        and (name or value)
        and (name + value + path).isprintable()
        and ";" not in name + value
    )
    if not is_right:
        return None
    moment = int(float(expires or 0))
    has_subdomains = _TRUTH[below.upper()]
    host = host if "." in host else f"{host}.local"  # as `http.cookiejar` knows hosts without a dot
    return Cookie(
        version=0, name=name or value, value=value if name else None, port=None, port_specified=False,
        domain=f".{host}" if has_subdomains else host, domain_specified=has_subdomains,
        domain_initial_dot=has_subdomains, path=path, path_specified=True,
        secure=_TRUTH[secure.upper()], expires=moment or None, discard=not moment, comment=None, comment_url=None,
        rest={"HttpOnly": ""} if is_http_only else {},
    )  # fmt: skip


def read_credentials(path: Path, environ: Mapping[str, str]) -> tuple[Credential, ...]:
    """Names and passwords out of a TOML file: tables `[[login]]` with `host`, `user` and `password`.

    In place of `password`, `password_env` names the environment variable that has it.

    Raises:
        UsageError: it cannot be read, or is not of that form, or the variable is not set.
    """
    form = "Write tables [[login]] with host, user and password (or password_env)."
    try:
        values = tomllib.loads(_text(path, "credentials"))
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at (line \d+)", str(error))
        where = f" ({place.group(1)})" if place else ""
        raise UsageError(f"The credentials file {path} is no TOML{where}.", form) from None  # the error may quote a secret
    tables = values.get("login")
    if set(values) != {"login"} or not isinstance(tables, list) or not tables:
        raise UsageError(f"The credentials file {path} has no logins, or something else beside them.", form)
    found = []
    for number, table in enumerate(tables, 1):
        kinds = ({"host", "user", "password"}, {"host", "user", "password_env"})
        if (
            not isinstance(table, dict)
            or set(table) not in kinds
            or not all(isinstance(value, str) for value in table.values())
        ):
            raise UsageError(f"Login {number} of the credentials file {path} cannot be used.", form)
        host = table["host"].strip().lower()
        if not host or "/" in host or "@" in host or ":" in table["user"]:
            raise UsageError(
                f"Login {number} of the credentials file {path} cannot be used.",
                "The host is a name such as example.org or example.org:8080; the user's name has no colon.",
            )
        password = table["password"] if "password" in table else environ.get(table["password_env"])
        if password is None:
            raise UsageError(
                f"Login {number} of the credentials file {path} has its password in an environment variable that is not set.",
                f"Set {table['password_env']}.",
            )
        found.append(Credential(host, table["user"], password))
    return tuple(found)


def read_headers(path: Path) -> dict[str, str]:
    """Header fields out of a file, one a line, `Name: value`; empty lines and those with # do not count.

    Raises:
        UsageError: it cannot be read; names the lines that are none.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(_text(path, "headers").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not _TOKEN.fullmatch(name) or not value.isprintable() or not _is_latin(value):
            raise UsageError(f"Line {number} of the headers file {path} is no header field.", "Write it as Name: value.")
        if name.lower() in _RESERVED:
            advice = "Use a cookies file." if name.lower() == "cookie" else "Take it out."
            raise UsageError(f"Line {number} of the headers file {path} names a field that cannot be given ({name}).", advice)
        if name.lower() in {known.lower() for known in found}:
            raise UsageError(f"Line {number} of the headers file {path} gives {name} a second time.", "Take one out.")
        found[name] = value
    return found


def _is_latin(value: str) -> bool:
    return all(ord(character) < 256 for character in value)


def seen_by_others(path: Path) -> str:
    """A warning when other users of this machine can read a file with secrets; "" when they cannot."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return ""
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        return f"Other users can read {path}; make it your own with: chmod 600 {path}"
    return ""


def _text(path: Path, what: str) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"The {what} file {path} cannot be read: {error.strerror}.", "Look at its path and permissions."
        ) from error
    if len(data) > _MOST_BYTES:
        raise UsageError(f"The {what} file {path} is too long to be one.", "Name another file.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"The {what} file {path} is no text in UTF-8.", "Save it as UTF-8.") from None
