"""A site with members: its pages need a session cookie, or a name and password by Basic or Digest."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping

from tests.servers.routes import Answer, Asked

USER, PASSWORD, REALM = "keeper", "circle-of-life-1909", "members"
SESSION = "0123456789abcdef-session"


class Members:
    """What the members' pages answer.

    Attributes:
        session: value of the cookie `sid` that counts now; "" when nobody is logged in.
        password: that counts now.
        nonce: of Digest that counts now.
    """

    def __init__(self, pages: Mapping[str, bytes]) -> None:
        self.pages = pages
        self.session = SESSION
        self.password = PASSWORD
        self.nonce = "n1"
        self.seen: set[tuple[str, str]] = set()

    def by_cookie(self, asked: Asked) -> Answer:
        """The page for who has the session; the others are sent to /login. /logout ends the session."""
        if asked.path == "/login":
            return Answer(b"<form>who are you?</form>")
        has_session = bool(self.session) and f"sid={self.session}" in asked.headers.get("Cookie", "")
        if asked.path == "/logout":
            self.session = ""
            gone = "sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
            return Answer(b"bye", headers=(("Set-Cookie", gone),))
        if not has_session:
            return Answer(status=302, headers=(("Location", f"/login?next={asked.path}"),))
        fresh = ("Set-Cookie", "visit=visitor-number-8812345; Path=/; HttpOnly")
        return Answer(self.pages[asked.path], headers=(fresh, ("X-Sid", f"now {self.session}")))

    def by_basic(self, asked: Asked) -> Answer:
        """The page for who has the password."""
        right = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        if asked.headers.get("Authorization") == f"Basic {right}":
            return Answer(self.pages[asked.path])
        return Answer(b"no", status=401, headers=(("WWW-Authenticate", f'Negotiate, Basic realm="{REALM}"'),))

    def by_digest(self, asked: Asked) -> Answer:
        """The page for who has the password; each count of a nonce only once."""
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', asked.headers.get("Authorization", "")))
        stale = "false"
        if given.get("nonce") == self.nonce:
            first = hashlib.sha256(f"{USER}:{REALM}:{self.password}".encode()).hexdigest()
            second = hashlib.sha256(f"GET:{asked.path}".encode()).hexdigest()
            text = f"{first}:{self.nonce}:{given.get('nc')}:{given.get('cnonce')}:auth:{second}"
            place = (self.nonce, given.get("nc", ""))
            if hashlib.sha256(text.encode()).hexdigest() == given.get("response") and place not in self.seen:
                self.seen.add(place)
                return Answer(self.pages[asked.path], headers=(("Authentication-Info", 'rspauth="0123456789abcdef"'),))
        elif given:
            stale = "true"
        challenge = f'Digest realm="{REALM}", qop="auth, auth-int", algorithm=SHA-256, nonce="{self.nonce}", stale={stale}'
        return Answer(b"no", status=401, headers=(("WWW-Authenticate", f'{challenge}, Basic realm="{REALM}"'),))
