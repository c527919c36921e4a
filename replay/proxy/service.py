"""What each request through the proxy is answered: the archived response, a page of our own, or a refusal."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from urllib.parse import parse_qs

from archiver.errors import InvalidTimestamp, MunimentError, NotFound, UsageError
from archiver.holdings import Holdings
from archiver.timestamps import parse_http_date, to_timestamp
from archiver.urls import host_of
from replay.proxy.archive import Archive, Withheld
from replay.proxy.authority import Authority
from replay.proxy.choice import Choice, Choices, read_choice, user_name
from replay.proxy.exchange import Answer, Asked, whole
from replay.proxy.fields import cross_origin_fields
from replay.proxy.pages import HOST, Pages

logger = logging.getLogger(__name__)

#: A browser that gets it asks for a user name; the password can be anything.
_CHALLENGE = 'Basic realm="collection@time", charset="UTF-8"'
_TEXT = "text/plain; charset=utf-8"
_CERTIFICATE = "application/x-x509-ca-cert"


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """A client may not go on so.

    Attributes:
        answer: says why.
    """

    answer: Answer


class Service:
    """Answers requests; knows no sockets.

    Args:
        holdings: the opened archive.
        authority: vouches for hosts.
        default: shown to who chose nothing; None when everybody has to choose.
    """

    def __init__(self, holdings: Holdings, authority: Authority, default: Choice | None) -> None:
        self.authority = authority
        self._archive = Archive(holdings)
        self._choices = Choices(default)
        self._pages = Pages(holdings, authority.fingerprint)

    def admit(self, asked: Asked, credentials: str) -> None:
        """Let a client dig a tunnel.

        Args:
            asked: its CONNECT; the URL names where to.
            credentials: of Proxy-Authorization, or "".

        Raises:
            Refused: see `login`.
        """
        if host_of(asked.url) != HOST:
            self.login(asked, credentials)

    def login(self, asked: Asked, credentials: str) -> Choice:
        """The choice of a client that comes with these credentials.

        Args:
            asked: its request.
            credentials: of Proxy-Authorization, or "".

        Raises:
            Refused: it has to choose first, or cannot choose so.
        """
        try:
            choice = self._chosen(credentials, asked.client)
            self._archive.scope(choice.collection, asked)
        except (UsageError, NotFound) as error:
            answer = self._pages.problem(asked, 407, error, Proxy_Authenticate=_CHALLENGE)
            raise Refused(answer) from None
        return choice

    def _chosen(self, credentials: str, client: str) -> Choice:
        of_client = self._choices.of(client)
        name = user_name(credentials)
        if name or of_client is None:
            return read_choice(name, of_client)
        return of_client

    def answer(self, asked: Asked, credentials: str) -> Answer:
        """The answer to any request but CONNECT.

        Args:
            asked: the request.
            credentials: of Proxy-Authorization, or "".
        """
        try:
            if host_of(asked.url) == HOST:
                return self._at_home(asked)
            answer = self._archived(asked, self.login(asked, credentials))
        except Refused as refused:
            return refused.answer
        except UsageError as error:
            answer = self._pages.problem(asked, 400, error)
        except NotFound as error:
            answer = self._pages.problem(asked, 404, error)
        except MunimentError as error:
            logger.error("%s", error)  # the archive's fault, not the reader's
            answer = self._pages.problem(asked, 503, type(error)(error.message))
        return replace(answer, fields=[*answer.fields, *cross_origin_fields(asked)])

    def _archived(self, asked: Asked, choice: Choice) -> Answer:
        if asked.get("upgrade").lower() == "websocket":
            return whole(501, b"Connections of WebSocket are not replayed.\n", _TEXT)
        if asked.get("service-worker") == "script" or asked.get("sec-fetch-dest") == "serviceworker":
            # It would stay in the browser, between its reader and the live site.
            return whole(403, b"An archived page installs no service worker.\n", _TEXT)
        if asked.method == "OPTIONS":  # what a browser asks before a request to another origin
            return Answer(204, (), (), None)
        moment = asked.get("accept-datetime")
        if moment:
            try:
                choice = replace(choice, timestamp=to_timestamp(parse_http_date(moment)))
            except InvalidTimestamp as error:
                raise UsageError(error.message, "Accept-Datetime is written like Wed, 10 Aug 2016 20:46:23 GMT.") from None
        try:
            answer = self._archive.answer(asked, self._archive.scope(choice.collection, asked), choice.timestamp)
        except Withheld as withheld:
            return self._pages.refused(asked, withheld.rule)
        return answer or self._pages.missing(asked, choice)

    # -- the proxy's own address ---------------------------------------------------------------------------------------

    def direct(self, asked: Asked) -> Answer:
        """Who comes to the proxy's own address as to a server gets to know what it is."""
        return self._at_home(asked, is_direct=True)

    def _at_home(self, asked: Asked, *, is_direct: bool = False) -> Answer:
        path = "/" + asked.url.partition("://")[2].partition("/")[2].partition("?")[0]
        if asked.method in ("GET", "HEAD"):
            if path in ("/ca.pem", "/ca.der"):
                certificate = self.authority.pem if path == "/ca.pem" else self.authority.der
                name = f'attachment; filename="muniment-{path[1:]}"'
                return whole(200, certificate, _CERTIFICATE, Content_Disposition=name)
            if path == "/":
                choice = self._choices.of(asked.client)
                return self._pages.home(asked, choice, self._archive.listed(asked), is_direct=is_direct)
        elif asked.method == "POST" and path == "/choice" and not is_direct:
            return self._choose(asked)
        return self._pages.problem(asked, 404, NotFound("There is nothing at this address."))

    def _choose(self, asked: Asked) -> Answer:
        # Archived pages run hostile scripts in the same browser; what an origin is, they cannot change.
        if asked.get("origin") not in (f"http://{HOST}", f"https://{HOST}"):
            error = UsageError("A page from elsewhere may not change what is shown.")
            return self._pages.problem(asked, 403, error)
        form = {name: values[0] for name, values in parse_qs(asked.body.decode("utf-8", "replace")).items()}
        try:
            choice = read_choice(f"{form.get('collection', '')}@{form.get('time', '')}", None)
            self._archive.scope(choice.collection, asked)
        except (UsageError, NotFound) as error:
            return self._pages.problem(asked, 400, error)
        self._choices.choose(asked.client, choice)
        return whole(303, b"", _TEXT, Location="/")
