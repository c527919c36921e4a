"""Logs a crawl in: shows its secrets to the hosts that may see them, to nobody else, and to no record.

A login is cookies, names and passwords (Basic and Digest), and header fields. Hosts that may see them are those of the seeds,
or the ones named; over plain http only where a seed, or a named host, is written so. What goes to and comes from these hosts is
given back with the secrets taken out (see `archiver.fetch.withhold`); all other hosts are fetched as if there were no login.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http.cookiejar import Cookie
from pathlib import Path
from threading import Lock
from urllib.parse import urlsplit

from archiver.crawl.login import LoggedOut, SessionWatch
from archiver.crawl.scope import registered_domain
from archiver.errors import InvalidURL, UsageError
from archiver.fetch.challenge import Challenge, basic, best_challenge, digest_answer, read_challenges
from archiver.fetch.cookies import CrawlCookies, names_in
from archiver.fetch.secrets import Credential, read_cookies, read_credentials, read_headers, seen_by_others
from archiver.fetch.withhold import withhold
from archiver.message import Head, read_head
from archiver.model import Exchange
from archiver.plaintext import one_line
from archiver.urls import host_of, origin_of, parse_url

#: Fetches the URL at hand with these header fields.
Send = Callable[[dict[str, str]], Exchange]

#: Requests for one URL: the first, the answer to a challenge, and one more when that was said to be too old.
_ATTEMPTS = 3
_UNAUTHORISED = 401


@dataclass(frozen=True, slots=True)
class Answered:
    """One exchange of a logged-in crawl.

    Attributes:
        exchange: fit to be recorded.
        is_final: the answer; others are challenges that came before it, to be recorded as well.
        logged_out: the session has ended.
    """

    exchange: Exchange
    is_final: bool = True
    logged_out: LoggedOut | None = None


@dataclass(slots=True)
class _Accepted:
    """A challenge whose answer a server has accepted, and how often that was given."""

    challenge: Challenge
    count: int = 0


class Login:
    """The login of a crawl; safe to use from several threads.

    Args:
        hosts: that may see the secrets → whether over plain http too; a name with a dot before it means all hosts below.
        cookies: to be sent along.
        credentials: names and passwords.
        headers: fields to be sent along.
        are_named: the hosts were named by the user, not taken from the seeds.
        warnings: for the user: files that others can read, cookies that have expired.
        new_nonce: makes random texts for Digest.
    """

    def __init__(
        self,
        hosts: Mapping[str, bool],
        *,
        cookies: Iterable[Cookie] = (),
        credentials: Iterable[Credential] = (),
        headers: Mapping[str, str] | None = None,
        are_named: bool = False,
        warnings: tuple[str, ...] = (),
        new_nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self.warnings = warnings
        self._hosts = dict(hosts)
        self._are_named = are_named
        self._jar = CrawlCookies(registered_domain)
        self._credentials = {item.host: item for item in credentials}
        self._headers = dict(headers or {})
        self._fields = frozenset(name.lower() for name in self._headers)
        hidden = [*self._headers.values(), *(item.password for item in self._credentials.values())]
        names = set()
        for cookie in cookies:
            self._jar.put(cookie)
            names.add(cookie.name)
            hidden.append(cookie.value or cookie.name)
        self._session_names = frozenset(names)
        self._hidden = frozenset(hidden)
        self._new_nonce = new_nonce
        self._accepted: dict[str, _Accepted] = {}  # by origin, the last one
        self._working: set[tuple[str, str]] = set()  # origins and realms where the password was right
        self._refused: set[tuple[str, str]] = set()  # and where it was not
        self._watch = SessionWatch()
        self._lock = Lock()

    def shown(self, url: str) -> bool:
        """Whether a request to this URL carries secrets: it then has to go through `answers`."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        host = f"[{host}]" if ":" in host else host
        in_clear = self._hosts.get(host)
        if in_clear is None:
            while in_clear is None and "." in host:
                host = host.partition(".")[2]
                in_clear = self._hosts.get(f".{host}")
        return in_clear is not None and (in_clear or parts.scheme == "https")

    def show_to(self, url: str) -> None:
        """Let the host of a URL see the secrets too: where a seed redirects to.

        Nothing changes where hosts were named; and a redirect from https to http does not make anybody show them in clear.
        """
        if self._are_named:
            return
        host = host_of(url)
        with self._lock:
            in_clear = url.startswith("http:") and any(self._hosts.values())
            self._hosts = {**self._hosts, host: self._hosts.get(host, False) or in_clear}

    def answers(
        self, url: str, headers: Mapping[str, str], send: Send, *, method: str = "GET", had_worked: bool = False
    ) -> Iterator[Answered]:
        """Fetch a URL of a host that may see the secrets.

        Args:
            url: absolute, normalised, one that is `shown`.
            headers: what is sent anyway; cookies that others have set are not among them.
            send: makes the request.
            method: HTTP method, as `send` uses it.
            had_worked: this URL was answered well before, such as in the crawl before this.

        Returns:
            Every exchange in its order, the answer last; whoever takes them closes them.
        """
        origin = origin_of(url)
        carried = self._jar.header_for(url)
        sent = {**headers, **({"Cookie": carried} if carried else {})}
        authorisation = self._known_answer(origin, url, method)
        for attempt in range(_ATTEMPTS):
            exchange = send({**sent, **({"Authorization": authorisation} if authorisation else {}), **self._headers})
            head = _head_of(exchange)
            challenge = self._challenge(url, exchange, head)
            if challenge is None or not self._is_worth(challenge, attempt, bool(authorisation), origin):
                break
            authorisation = self._answer(challenge, origin, url, method)
            yield Answered(self._safe(exchange), is_final=False)
        is_refused = self._noted(origin, challenge, bool(authorisation) and head is not None)
        yield Answered(self._safe(exchange), logged_out=self._judge(url, exchange, head, carried, is_refused, had_worked))

    # -- names and passwords -----------------------------------------------------------------------------------------

    def _credential(self, url: str) -> Credential | None:
        parts = urlsplit(url)
        return self._credentials.get(parts.netloc.rpartition("@")[2].lower()) or self._credentials.get(parts.hostname or "")

    def _challenge(self, url: str, exchange: Exchange, head: Head | None) -> Challenge | None:
        """What an answer asks for and can get; None when it is no such answer."""
        if head is None or exchange.status != _UNAUTHORISED or "authorization" in self._fields:
            return None
        if self._credential(url) is None:
            return None
        return best_challenge(read_challenges(head.get_all("WWW-Authenticate")))

    def _is_worth(self, challenge: Challenge, attempt: int, was_answered: bool, origin: str) -> bool:
        """Whether to try (again): a wrong password is not sent twice, so that nobody is locked out."""
        if attempt == _ATTEMPTS - 1 or (origin, challenge.parameters.get("realm", "")) in self._refused:
            return False
        if not was_answered or challenge.is_stale:
            return True
        return attempt == 0 and challenge.scheme == "digest"  # the nonce of before may have ended without being called stale

    def _noted(self, origin: str, challenge: Challenge | None, was_answered: bool) -> bool:
        """Remember whether the password was right; True when that ends the login.

        It does where it never was right, and where it no longer is; another part of a host may have another password.

        Args:
            origin: of the URL.
            challenge: that the last answer holds, None when it let us in.
            was_answered: a password had been sent.
        """
        if not was_answered:
            return False
        with self._lock:
            if challenge is None:
                accepted = self._accepted.get(origin)
                if accepted is not None:
                    self._working.add((origin, accepted.challenge.parameters.get("realm", "")))
                return False
            here = (origin, challenge.parameters.get("realm", ""))
            self._refused.add(here)
            was_right = here in self._working
            is_new = not any(known == origin for known, _ in self._working)
            if was_right or is_new:
                self._accepted.pop(origin, None)
                self._working.discard(here)
        return was_right or is_new

    def _known_answer(self, origin: str, url: str, method: str) -> str:
        """What the server accepted before, for the next request; "" when nothing is known."""
        with self._lock:
            accepted = self._accepted.get(origin)
        return self._answer(accepted.challenge, origin, url, method) if accepted else ""

    def _answer(self, challenge: Challenge, origin: str, url: str, method: str) -> str:
        credential = self._credential(url)
        if credential is None:
            return ""
        with self._lock:
            accepted = self._accepted.get(origin)
            if accepted is None or accepted.challenge != challenge:
                accepted = self._accepted[origin] = _Accepted(challenge)
            accepted.count += 1
            count = accepted.count
        if challenge.scheme == "basic":
            return basic(credential.user, credential.password)
        parts = urlsplit(url)
        return digest_answer(
            challenge,
            method=method,
            target=(parts.path or "/") + (f"?{parts.query}" if "?" in url else ""),
            user=credential.user,
            password=credential.password,
            count=count,
            cnonce=self._new_nonce(),
        )

    # -- what comes back ---------------------------------------------------------------------------------------------

    def _judge(
        self, url: str, exchange: Exchange, head: Head | None, carried: str | None, is_refused: bool, had_worked: bool
    ) -> LoggedOut | None:
        """Learn the cookies of an answer; whether it means that the session has ended."""
        host = host_of(url)
        if head is None:
            return None
        taken_back: frozenset[str] = frozenset()
        if self._jar.learn(url, head):
            taken_back = (names_in(carried) - names_in(self._jar.header_for(url))) & self._session_names
        if is_refused:
            return LoggedOut(host, f"{host} does not accept the name and password given for it.", (url,))
        return self._watch.answered(
            host, url, exchange.status, location=_location(url, head), taken_back=taken_back, had_worked=had_worked
        )

    def _safe(self, exchange: Exchange) -> Exchange:
        return withhold(exchange, fields=self._fields, secrets=self._hidden)


def _head_of(exchange: Exchange) -> Head | None:
    if exchange.response is None or exchange.status is None:
        return None
    exchange.response.seek(0)
    return read_head(exchange.response)


def _location(url: str, head: Head) -> str:
    try:
        return parse_url((head.get("Location") or "").strip(), base=url)
    except InvalidURL:
        return ""


def open_login(
    seeds: Iterable[str],
    *,
    cookies: str = "",
    credentials: str = "",
    headers: str = "",
    hosts: Iterable[str] = (),
    now: float | None = None,
    environ: Mapping[str, str] | None = None,
) -> Login:
    """A login out of files.

    Args:
        seeds: URLs of the crawl; their hosts may see the secrets when no others are named.
        cookies: path of a Netscape cookies file, or "".
        credentials: path of a TOML file with names and passwords, or "".
        headers: path of a file with header fields, or "".
        hosts: that may see the secrets instead: "example.org", ".example.org" for all below as well, "http://example.org" where
            that is to be done over plain http.
        now: seconds since 1970; this moment when None.
        environ: where credentials may have their passwords; the process's own when None.

    Raises:
        UsageError: a file cannot be read or used, or a host is none.
    """
    warnings = [text for path in (cookies, credentials, headers) if path and (text := seen_by_others(Path(path)))]
    jar: tuple[Cookie, ...] = ()
    if cookies:
        jar, expired = read_cookies(Path(cookies), time.time() if now is None else now)
        if expired:
            warnings.append(f"{expired} of {expired + len(jar)} cookies in {cookies} have expired and are not used.")
    named = tuple(hosts)
    return Login(
        _hosts(seeds, named),
        cookies=jar,
        credentials=read_credentials(Path(credentials), os.environ if environ is None else environ) if credentials else (),
        headers=read_headers(Path(headers)) if headers else {},
        are_named=bool(named),
        warnings=tuple(warnings),
    )


def _hosts(seeds: Iterable[str], named: Iterable[str]) -> dict[str, bool]:
    """Who may see secrets → whether over plain http too."""
    of_seeds: dict[str, bool] = {}
    for seed in seeds:
        of_seeds[host_of(seed)] = of_seeds.get(host_of(seed), False) or seed.startswith("http:")
    found = {}
    for text in named:
        scheme, separator, host = text.strip().lower().rpartition("://")
        below = host.startswith(".")
        name = host_of(f"http://{host.removeprefix('.')}/")
        if not name or "/" in host or "@" in host or (separator and scheme not in ("http", "https")):
            raise UsageError(
                f"“{one_line(text)[:80]}” is no host.", "Write it like example.org, or .example.org for all below."
            )
        in_clear = scheme == "http" or (not separator and of_seeds.get(name, False))
        found[name] = in_clear
        if below:
            found[f".{name}"] = in_clear
    return found or of_seeds
