"""The proxy's own pages: its home at an address that only it answers, and what it says when it has nothing to show."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

import replay
from archiver.collections.access import Rule
from archiver.errors import MunimentError
from archiver.holdings import Holdings
from replay.absent import absent_part
from replay.i18n import direction, preferred
from replay.proxy.choice import Choice
from replay.proxy.exchange import Answer, Asked, whole
from replay.proxy.words import PROXY_WORDS

#: A name that no public host can have.
HOST = "muniment.proxy"
HOME = f"http://{HOST}/"

_HTML = "text/html; charset=utf-8"
#: These pages need nothing, are in no frame, and send their form only home.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; frame-ancestors 'none'"


class Pages:
    """Makes them.

    Args:
        holdings: the opened archive, whose settings say its name.
        fingerprint: of the authority's certificate.
    """

    def __init__(self, holdings: Holdings, fingerprint: str) -> None:
        self._holdings = holdings
        self._templates = Environment(
            loader=PackageLoader("replay"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        css = Path(replay.__file__ or "").parent / "static" / "reader.css"
        self._templates.globals.update(fingerprint=fingerprint, css=css.read_text("utf-8"), home=HOME)

    def home(self, asked: Asked, choice: Choice | None, collections: list[tuple[str, str]], *, is_direct: bool) -> Answer:
        """What is shown, a form to change it, the certificate.

        Args:
            asked: the request.
            choice: in force for the client.
            collections: names and titles of the public ones.
            is_direct: the client came to the proxy's own address; it may not use it as its proxy.
        """
        values = {"choice": choice, "collections": collections, "client": asked.client, "address": HOME if is_direct else ""}
        return self._page(asked, 200, "proxy_home.html", values)

    def missing(self, asked: Asked, choice: Choice) -> Answer:
        """What was asked for is not archived."""
        part = absent_part("", asked.get("sec-fetch-dest"))
        if part is not None:
            return whole(404, part[1], part[0])
        return self._page(asked, 404, "proxy_missing.html", {"url": asked.url, "choice": choice})

    def refused(self, asked: Asked, rule: Rule) -> Answer:
        """What was asked for is kept from readers by a rule, which says so (RFC 7725), or was deleted."""
        is_withdrawn = rule.deletion == "purged"
        fields = {} if is_withdrawn else {"Link": f'<{self._holdings.settings.instance_url or HOME}>; rel="blocked-by"'}
        status = 410 if is_withdrawn else 451
        part = absent_part("", asked.get("sec-fetch-dest"))
        if part is not None:
            return whole(status, part[1], part[0], **fields)
        return self._page(
            asked, status, "proxy_refused.html", {"url": asked.url, "rule": rule, "is_withdrawn": is_withdrawn}, **fields
        )

    def problem(self, asked: Asked, status: int, error: MunimentError, **fields: str) -> Answer:
        """What went wrong and what to do.

        Args:
            asked: the request.
            status: of the answer.
            error: what went wrong.
            fields: further header fields, with `_` for `-`.
        """
        return self._page(asked, status, "proxy_problem.html", {"message": error.message, "advice": error.advice}, **fields)

    def _page(self, asked: Asked, status: int, template: str, values: Mapping[str, object], **fields: str) -> Answer:
        language = preferred(parse_accept_header(asked.get("accept-language"), LanguageAccept))
        own = {
            "instance": self._holdings.settings.instance_name,
            "language": language,
            "direction": direction(language),
            "words": PROXY_WORDS[language],
        }
        page = self._templates.get_template(template).render({**own, **values})
        more = {"Content_Security_Policy": _POLICY, "Referrer_Policy": "same-origin", "X_Content_Type_Options": "nosniff"}
        return whole(status, page.encode("utf-8", "replace"), _HTML, **more, **fields)
