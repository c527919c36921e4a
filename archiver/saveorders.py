"""What programs ask for when they save a page, in the words of Save Page Now 2: options, and what went wrong.

Every option is honoured, refused, or answered with a sentence that says what became of it; none is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from archiver.errors import MunimentError, UsageError
from archiver.model import FailureKind
from archiver.urls import parse_url, refuse_password

#: Seconds within which an older capture is as good as a new one, where nobody says another span.
USUAL_WITHIN = 45 * 60
#: Links of a page that are captured with it.
MOST_OUTLINKS = 100

_TRUE = frozenset({"1", "on"})
_SPAN = re.compile(r"(?:(\d{1,6})\s*d)?\s*(?:(\d{1,6})\s*h)?\s*(?:(\d{1,6})\s*m(?:in)?)?\s*(?:(\d{1,9})\s*s)?", re.ASCII)
_LONGEST_SECRET = 4000
#: Options that ask for something that is not made here: each is refused.
_NOT_HERE = {
    "capture_screenshot": "Screenshots are not made: pages are captured without a browser.",
    "email_result": "Results are not sent by e-mail; ask for the status of the job.",
    "wacz": "Packages are made from the collection, by an export, not with a capture.",
}
_KNOWN = frozenset({
    "url", "collection", "csrf_token", "capture_all", "capture_outlinks", "capture_cookie", "delay_wb_availability",
    "force_get", "if_not_archived_within", "js_behavior_timeout", "outlinks_availability", "skip_first_archive",
    "target_username", "target_password", "use_user_agent", *_NOT_HERE,
})  # fmt: skip


class SaveRefused(UsageError):
    """A page is not saved.

    Attributes:
        code: in the vocabulary of `status_ext`, without "error:".
        status: HTTP status that says the same.
    """

    def __init__(self, code: str, message: str, advice: str = "", *, status: int = 400) -> None:
        super().__init__(message, advice)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class SaveOrder:
    """What is to be saved, and how.

    Attributes:
        url: of the page, normalised.
        collection: slug.
        keeps_errors: also where the server answers with an error.
        outlinks: save the pages that it links to, too.
        within: seconds; a capture that is no older does as well. 0: none does.
        outlinks_within: the same for those.
        tells_first: say whether it is the first capture.
        tells_outlinks: say of each link when it was captured last.
        user_agent: how the capture introduces itself; "" for as usual.
        document_only: without what the page needs.
        messages: what became of options, for people.
    """

    url: str
    collection: str
    keeps_errors: bool = False
    outlinks: bool = False
    within: int = USUAL_WITHIN
    outlinks_within: int = USUAL_WITHIN
    tells_first: bool = True
    tells_outlinks: bool = False
    user_agent: str = ""
    document_only: bool = False
    messages: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> SaveOrder:
        """As `as_json` gave it."""
        return cls(**{**values, "messages": tuple(values.get("messages", ()))})


@dataclass(frozen=True, slots=True)
class SaveSecrets:
    """What the page's host alone is shown, and what is kept nowhere."""

    cookie: str = field(default="", repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def are_any(self) -> bool:
        """There is something to show."""
        return bool(self.cookie or self.user)


def read_order(form: Mapping[str, str], collection: str) -> tuple[SaveOrder, SaveSecrets]:
    """An order out of the fields of a form or the parameters of an address.

    Args:
        form: as they were sent.
        collection: where the order names none.

    Raises:
        SaveRefused: the URL or an option cannot be used.
    """
    unknown = sorted(form.keys() - _KNOWN)
    if unknown:
        raise SaveRefused("bad-request", f"There is no option “{unknown[0][:60]}”.", f"There are: {', '.join(sorted(_KNOWN))}.")
    for name, why in _NOT_HERE.items():
        if _is_on(form, name):
            raise SaveRefused("not-implemented", why, f"Leave {name} out.", status=501)
    within, outlinks_within = _spans(form.get("if_not_archived_within", ""))
    messages = []
    if form.get("js_behavior_timeout", "").strip() not in ("", "0"):
        messages.append("js_behavior_timeout does nothing: scripts of the page are not run.")
    if _is_on(form, "delay_wb_availability"):
        messages.append("delay_wb_availability does nothing: the capture can be seen at once.")
    if _is_on(form, "capture_outlinks") and _is_on(form, "outlinks_availability"):
        messages.append("outlinks names the jobs of the links, as capture_outlinks has it, not when they were captured last.")
    secrets = _secrets(form)
    if secrets.user:
        messages.append("The password is used where the server asks for it (HTTP authentication); forms are not filled in.")
    return SaveOrder(
        url=page_url(form.get("url", "")),
        collection=form.get("collection", "").strip() or collection,
        keeps_errors=_is_on(form, "capture_all"),
        outlinks=_is_on(form, "capture_outlinks"),
        within=within,
        outlinks_within=outlinks_within,
        tells_first=not _is_on(form, "skip_first_archive"),
        tells_outlinks=_is_on(form, "outlinks_availability"),
        user_agent=_line(form, "use_user_agent"),
        document_only=_is_on(form, "force_get"),
        messages=tuple(messages),
    ), secrets


def page_url(text: str) -> str:
    """The URL of a page.

    Raises:
        SaveRefused: it is none.
    """
    try:
        return refuse_password(parse_url(text.strip(), assume_http=True))
    except MunimentError as error:
        raise SaveRefused("invalid-url-syntax", error.message, error.advice) from error


def _is_on(form: Mapping[str, str], name: str) -> bool:
    return form.get(name, "").strip().lower() in _TRUE


def _line(form: Mapping[str, str], name: str) -> str:
    """What may stand in a header line."""
    text = form.get(name, "").strip()
    if text and not (text.isascii() and text.isprintable() and len(text) <= _LONGEST_SECRET):
        raise SaveRefused("bad-request", f"{name} must be printable ASCII on one line.")
    return text


def _secrets(form: Mapping[str, str]) -> SaveSecrets:
    user, password = form.get("target_username", ""), form.get("target_password", "")
    if bool(user) != bool(password):
        raise SaveRefused("bad-request", "target_username and target_password belong together.", "Give both, or none.")
    if ":" in user or not (user + password).isprintable() or len(user + password) > _LONGEST_SECRET:
        raise SaveRefused("bad-request", "That name or password cannot be sent to a server.")
    return SaveSecrets(_line(form, "capture_cookie"), user, password)


def _spans(text: str) -> tuple[int, int]:
    """Seconds for the page and for its links, out of “3d 5h 20m”, “120”, or two of those with a comma between.

    Raises:
        SaveRefused: it is neither.
    """
    if not text.strip():
        return USUAL_WITHIN, USUAL_WITHIN
    parts = text.split(",")
    if len(parts) > 2:
        raise SaveRefused("bad-request", "if_not_archived_within has two spans of time at most.")
    first = _seconds(parts[0])
    return first, _seconds(parts[1]) if len(parts) == 2 else first


def _seconds(text: str) -> int:
    text = text.strip().lower()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    found = _SPAN.fullmatch(text)
    if found is None or not any(found.groups()):
        raise SaveRefused(
            "bad-request", f"“{text[:40]}” is no span of time.", "Write if_not_archived_within like “3d 5h 20m” or “120”."
        )
    days, hours, minutes, seconds = (int(group or 0) for group in found.groups())
    return days * 86_400 + hours * 3_600 + minutes * 60 + seconds


# -- what went wrong -------------------------------------------------------------------------------------------------

_OF_FAILURE = {
    FailureKind.INVALID_URL: "invalid-url-syntax",
    FailureKind.REFUSED_BY_GUARD: "blocked-url",
    FailureKind.DNS: "invalid-host-resolution",
    FailureKind.CONNECTION_REFUSED: "cannot-fetch",
    FailureKind.CONNECTION_RESET: "protocol-error",
    FailureKind.UNREACHABLE: "cannot-fetch",
    FailureKind.TLS: "cannot-fetch",
    FailureKind.TIMEOUT: "read-timeout",
    FailureKind.CUT_SHORT: "invalid-server-response",
    FailureKind.TOO_LARGE: "filesize-limit",
    FailureKind.PROTOCOL: "protocol-error",
    FailureKind.TOO_MANY_REDIRECTS: "too-many-redirects",
    FailureKind.PAGE_LIMIT: "soft-time-limit-exceeded",
    FailureKind.INTERRUPTED: "job-failed",
}
_OF_STATUS = {
    400: "bad-request", 401: "unauthorized", 403: "no-access", 404: "not-found", 405: "method-not-allowed",
    429: "too-many-requests", 500: "internal-server-error", 501: "not-implemented", 502: "bad-gateway",
    503: "service-unavailable", 504: "gateway-timeout", 505: "http-version-not-supported",
    509: "bandwidth-limit-exceeded", 511: "network-authentication-required",
}  # fmt: skip


def code_of(kind: FailureKind | None, status: int | None) -> str:
    """What went wrong with a page, in the vocabulary of `status_ext`.

    Args:
        kind: of the failure; None where there was none.
        status: that the server answered with.
    """
    if status is not None and status >= 400 and kind in (None, FailureKind.HTTP_ERROR):
        return _OF_STATUS.get(status, "no-access" if status < 500 else "internal-server-error")
    return _OF_FAILURE.get(kind, "job-failed") if kind is not None else "job-failed"
