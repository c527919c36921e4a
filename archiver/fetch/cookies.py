"""Cookies while something is captured: what a browser would send back, and nothing kept afterwards."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from email.message import Message
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from threading import Lock
from urllib.parse import urlsplit
from urllib.request import Request

from archiver.message import Head

#: As browsers do: so many cookies a site, each no longer than this, name and value together.
_MOST_OF_SITE = 180
_MOST_CHARACTERS = 4096
#: Sites that a crawl remembers cookies of; the one not asked for longest is forgotten first.
_SITES = 5000


class _SetCookies:
    """The part of a response that `http.cookiejar` asks for."""

    def __init__(self, head: Head) -> None:
        self._headers = Message()
        for value in head.get_all("Set-Cookie"):
            if len(value.partition(";")[0]) <= _MOST_CHARACTERS:
                self._headers["Set-Cookie"] = value

    def info(self) -> Message:
        return self._headers


class PageCookies:
    """Cookies set by responses, given to later requests they match (RFC 6265 as `http.cookiejar` reads it).

    Safe to use from several threads. Sites that answer with a cookie and a redirect to the same address loop forever
    without this.
    """

    def __init__(self) -> None:
        # Without that flag, a cookie of example.org that names no domain would go to all hosts below it too.
        policy = DefaultCookiePolicy(rfc2965=False, strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain)
        self._jar = CookieJar(policy=policy)
        self._lock = Lock()

    def header_for(self, url: str) -> str | None:
        """The value of the Cookie header for a request to `url`; None when no cookie matches."""
        request = Request(url)
        with self._lock:
            self._jar.add_cookie_header(request)
        return request.get_header("Cookie")

    def learn(self, url: str, head: Head) -> bool:
        """Take in the Set-Cookie fields of a response; True when there was at least one."""
        if head.get("Set-Cookie") is None:
            return False
        with self._lock:
            self._jar.extract_cookies(_SetCookies(head), Request(url))  # type: ignore[arg-type]
            self._bound()
        return True

    def put(self, cookie: Cookie) -> None:
        """Take a cookie in as it is."""
        with self._lock:
            self._jar.set_cookie(cookie)

    def _bound(self) -> None:
        cookies = list(self._jar)
        for cookie in cookies[:-_MOST_OF_SITE]:
            self._jar.clear(cookie.domain, cookie.path, cookie.name)


class CrawlCookies:
    """Cookies of a whole crawl, a jar a site; bounded, safe to use from several threads.

    Args:
        site_of: the registered domain of a host: cookies are shared within it and never beyond.
        sites: that are remembered.
    """

    def __init__(self, site_of: Callable[[str], str], *, sites: int = _SITES) -> None:
        self._site_of = site_of
        self._sites = sites
        self._jars: OrderedDict[str, PageCookies] = OrderedDict()
        self._lock = Lock()

    def header_for(self, url: str) -> str | None:
        """The value of the Cookie header for a request to `url`; None when no cookie matches."""
        if not self._jars:
            return None
        site = self._site_of(urlsplit(url).hostname or "")
        with self._lock:
            jar = self._jars.get(site)
            if jar is None:
                return None
            self._jars.move_to_end(site)
        return jar.header_for(url)

    def learn(self, url: str, head: Head) -> bool:
        """Take in the Set-Cookie fields of a response; True when there was at least one."""
        if head.get("Set-Cookie") is None:
            return False
        return self._jar(urlsplit(url).hostname or "").learn(url, head)

    def put(self, cookie: Cookie) -> None:
        """Take a cookie in as it is."""
        self._jar(cookie.domain.removeprefix(".").removesuffix(".local")).put(cookie)

    def names_for(self, url: str) -> frozenset[str]:
        """Names of the cookies with a value that a request to `url` would carry."""
        return names_in(self.header_for(url))

    def _jar(self, host: str) -> PageCookies:
        site = self._site_of(host)
        with self._lock:
            jar = self._jars.setdefault(site, PageCookies())
            self._jars.move_to_end(site)
            while len(self._jars) > self._sites:
                self._jars.popitem(last=False)
        return jar


def names_in(cookie: str | None) -> frozenset[str]:
    """Names of the cookies with a value in a Cookie header."""
    pairs = (part.strip().partition("=") for part in (cookie or "").split(";"))
    return frozenset(name for name, _, text in pairs if name and text.strip('"'))
