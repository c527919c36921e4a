"""What a crawl that is logged in must leave alone, and how it notices that it is logged in no more. Decisions only, no I/O."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import unquote_plus, urlsplit

from archiver.crawl.decision import Decision, UrlState, Verdict

#: Longer texts and URLs are no logout links; looking would cost more than they are worth.
_MOST_CHARACTERS = 2000

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_BREAK = re.compile(r"[\W_]+")
#: What logging out is called, as words one after the other.
_LOGOUT_WORDS = """
logout|log out|logoff|log off|signout|sign out|signoff|userlogout|dologout|logoutuser|abmelden|ausloggen|deconnexion|déconnexion
|se déconnecter|se deconnecter|deconnecter|déconnecter|cerrar sesion|cerrar sesión|cerrarsesion|desconectar|terminar sessao
|terminar sessão|encerrar sessao|encerrar sessão|uitloggen|afmelden|disconnetti|logga ut|loggaut|logg ut|log ud|kirjaudu ulos
|wyloguj|wyloguj się|odhlasit|odhlásit|kijelentkezés|kijelentkezes|выход|выйти|выйти из системы|вийти
|注销|登出|退出登录|退出登錄|ログアウト|サインアウト|로그아웃|تسجيل الخروج"""
_LOGOUT = frozenset(words.strip() for words in _LOGOUT_WORDS.split("|"))
_LONGEST = max(len(words.split()) for words in _LOGOUT)
#: Words that stand beside it in addresses of programs; beside any other word it is what a page is about.
_BESIDE_WORDS = """
user users account accounts auth session sessions site do perform action actions process special spezial spécial api php html
htm asp aspx jsp jspx cgi pl servlet j spring security oauth oauth2 oidc sso saml cas openid connect web app admin
member members now all me index page form handler ashx svc v1 v2 destroy"""
_BESIDE = frozenset(_BESIDE_WORDS.split())
_NOT_SET = frozenset({"0", "false", "no", "off", "null"})
_DESTROYED = re.compile(r"/(?:users?/)?sessions?/(?:destroy|delete|end|terminate)/?$", re.IGNORECASE)

_LOGIN = re.compile(
    r"(?:^|[^a-z])(?:log-?_?[io]n|sign-?_?in|signon|auth(?:enticate|entication|orize)?|sso|saml2?|cas|oauth2?|oidc|idp|adfs"
    r"|shibboleth|wp-login|userlogin|anmelden|einloggen|connexion|iniciar-?sesion|accedi|inloggen)(?:$|[^a-z])|/sessions?/new",
    re.IGNORECASE,
)

#: So many answers of its kind in a row, from a host that had answered well, mean that the session has ended.
_REFUSALS, _FORBIDDEN = 3, 5
_HOSTS = 10_000


def is_logout(url: str, text: str = "") -> Decision | None:
    """Why a link is left alone while a crawl is logged in: it would end the session. None for other links.

    What only writes about logging out ("/help/how-to-log-out") is no such link, nor is one that comes back there later
    ("/login?next=/logout").

    Args:
        url: where the link leads.
        text: of the link, "" when it is not known.
    """
    if len(text) <= 40 and " ".join(_BREAK.split(text.lower())).strip() in _LOGOUT:
        return _left_alone(text.strip())
    if len(url) > _MOST_CHARACTERS:
        return None
    parts = urlsplit(url)
    for segment in parts.path.split("/"):
        if segment and _names_logout(unquote_plus(segment)):
            return _left_alone(unquote_plus(segment))
    if _DESTROYED.search(parts.path):
        return _left_alone(parts.path.rpartition("/")[2] or parts.path)
    for pair in re.split("[&;]", parts.query):
        name, _, value = (unquote_plus(part) for part in pair.partition("="))
        if _names_logout(name) and value.lower() not in _NOT_SET:
            return _left_alone(name)
        if "/" not in value and _names_logout(value):
            return _left_alone(value)
    return None


def _names_logout(text: str) -> bool:
    """The words of a text are those of logging out, with nothing beside them but what programs add."""
    words = [word for word in _BREAK.split(_CAMEL.sub(" ", text).lower()) if word]
    if not words or len(words) > _LONGEST + 3:
        return False
    for start in range(len(words)):
        for end in range(start + 1, min(len(words), start + _LONGEST) + 1):
            if " ".join(words[start:end]) in _LOGOUT:
                return all(word in _BESIDE for word in (*words[:start], *words[end:]))
    return False


def _left_alone(what: str) -> Decision:
    return Decision(UrlState.OUT_OF_SCOPE, Verdict.LOGOUT, what[:80])


def looks_like_login(url: str) -> bool:
    """Whether an address seems to be one where people log in."""
    parts = urlsplit(url[:_MOST_CHARACTERS])
    return bool(_LOGIN.search(parts.path) or _LOGIN.search(parts.netloc.rpartition(":")[0] or parts.netloc))


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """The session of a crawl has ended.

    Attributes:
        host: where.
        reason: one sentence for people.
        urls: what was answered without the session, to be fetched again after the next login.
    """

    host: str
    reason: str
    urls: tuple[str, ...]


@dataclass(slots=True)
class _Host:
    worked: bool = False
    refused: dict[str, None] = field(default_factory=dict)
    forbidden: dict[str, None] = field(default_factory=dict)


class SessionWatch:
    """Watches the answers to a logged-in crawl, by host; safe to use from several threads.

    One refusal is no proof: parts of a site may be for others only. Several in a row are, from a host that had answered well;
    so is the first where the very same URL had been answered well before, and a session cookie taken back.
    """

    def __init__(self) -> None:
        self._hosts: OrderedDict[str, _Host] = OrderedDict()
        self._lock = Lock()

    def answered(
        self,
        host: str,
        url: str,
        status: int | None,
        *,
        location: str = "",
        taken_back: Iterable[str] = (),
        had_worked: bool = False,
    ) -> LoggedOut | None:
        """What an answer says of the session; None when nothing speaks against it.

        Args:
            host: that the session is of.
            url: that was asked for, with the session.
            status: of the answer; None when there was none.
            location: where it redirects to, absolute.
            taken_back: names of session cookies that it deletes or empties.
            had_worked: this URL was answered well before.
        """
        with self._lock:
            state = self._hosts.setdefault(host, _Host())
            self._hosts.move_to_end(host)
            while len(self._hosts) > _HOSTS:
                self._hosts.popitem(last=False)
            reason = _judged(state, host, url, status, location, sorted(taken_back), had_worked)
            if not reason:
                return None
            urls = tuple(dict.fromkeys((*state.refused, *state.forbidden, url)))
            self._hosts[host] = _Host(worked=True)
        return LoggedOut(host, reason, urls)


def _judged(
    state: _Host, host: str, url: str, status: int | None, location: str, taken_back: list[str], had_worked: bool
) -> str:
    """Take an answer in; why it means that the session has ended, "" when it does not."""
    if taken_back:
        return f"{host} took the session cookie “{taken_back[0]}” back."
    if status is None:
        return ""
    to_login = 300 <= status < 400 and looks_like_login(location) and not looks_like_login(url)
    if to_login or status == 401:
        state.refused[url] = None
        if had_worked or (state.worked and len(state.refused) >= _REFUSALS):
            return f"{host} asks to log in again{f' ({_short(location)})' if to_login else ''}."
    elif status == 403:
        state.forbidden[url] = None
        if state.worked and len(state.forbidden) >= _FORBIDDEN:
            return f"{host} forbids one page after the other (403)."
    elif status < 300:
        state.worked = True
        state.refused.clear()
        state.forbidden.clear()
    return ""


def _short(url: str) -> str:
    """Without the query, which may name what nobody else should see."""
    return url.partition("?")[0][:200]
