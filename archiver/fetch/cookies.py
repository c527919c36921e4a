"""Cookies for the length of one page capture: what a browser would send back, and nothing kept afterwards."""

from __future__ import annotations

from email.message import Message
from http.cookiejar import CookieJar, DefaultCookiePolicy
from threading import Lock
from urllib.request import Request

from archiver.message import Head


class _SetCookies:
    """The part of a response that `http.cookiejar` asks for."""

    def __init__(self, head: Head) -> None:
        self._headers = Message()
        for value in head.get_all("Set-Cookie"):
            self._headers["Set-Cookie"] = value

    def info(self) -> Message:
        return self._headers


class PageCookies:
    """Cookies set by responses, given to later requests they match (RFC 6265 as `http.cookiejar` reads it).

    Safe to use from several threads. Sites that answer with a cookie and a redirect to the same address loop forever
    without this.
    """

    def __init__(self) -> None:
        self._jar = CookieJar(policy=DefaultCookiePolicy(rfc2965=False, strict_ns_domain=0))
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
        return True
