"""Who asks: by the cookie of a session or by the token of a program, checked before every view."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, TypeVar, cast

from flask import Request, Response, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from archiver.accounts import Account, Role
from archiver.errors import AccessRefused, StorageFailed
from replay.viewer import is_secure, viewer_of
from replay.workbench.logins import BasicLogins
from replay.workbench.places import context, incoming_files

COOKIE = "muniment_session"
#: Where harvesters fetch WARC files.
HARVESTS = "/wasapi/"
_BASIC = "basic "
#: Schemes under which programs send tokens; Token is how older clients call Bearer.
_SCHEMES = ("bearer ", "token ")
#: Scheme of clients of Save Page Now: name of the account, colon, token.
_KEYS = "low "
View = TypeVar("View", bound=Callable[..., Any])


class NotLoggedIn(AccessRefused):
    """Nobody is logged in."""


def needs(role: Role) -> Callable[[View], View]:
    """Only accounts with this role, or a greater one, come to the view; others are asked to log in, or refused."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **values: Any) -> Any:
            account = account_or_none()
            if account is None:
                raise NotLoggedIn("You are not logged in.", "Log in first.")
            if not account.role.includes(role):
                raise AccessRefused(f"This needs the role {role.value}.", f"You are {account.role.value}.")
            return view(*args, **values)

        guarded.muniment_role = role  # type: ignore[attr-defined]
        return cast(View, guarded)

    return decorate


def open_to_all(view: View) -> View:
    """Marks a view that needs nobody to be logged in."""
    view.muniment_role = None  # type: ignore[attr-defined]
    return view


def takes(size: int) -> Callable[[View], View]:
    """A form with so many bytes may be sent to the view: one with a file, or with long lists."""

    def decorate(view: View) -> View:
        view.muniment_takes = size  # type: ignore[attr-defined]
        return view

    return decorate


def takes_files(view: View) -> View:
    """Marks a view that is sent files of any size: they go to the disk as they come, once it is known who sends them."""
    view.muniment_files = True  # type: ignore[attr-defined]
    return view


class WorkbenchRequest(Request):
    """A request whose files are kept beside the archive while they come in, where that was decided.

    Attributes:
        file_folder: where; None for what werkzeug does with small files.
    """

    file_folder: Path | None = None

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        if self.file_folder is None:
            return super()._get_file_stream(total_content_length, content_type, filename, content_length)
        return cast(IO[bytes], NamedTemporaryFile(dir=self.file_folder, prefix="."))  # gone with the request


def make_way() -> None:
    """Let files in where the view takes them, from those who may send some, and as much as the disk has room for.

    After `identify`, and before the first look at what was sent.

    Raises:
        StorageFailed: it is more than there is room for.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    account = account_or_none()
    if not getattr(view, "muniment_files", False) or account is None:
        return
    if not account.role.includes(view.muniment_role):  # type: ignore[union-attr]
        return
    incoming = incoming_files()
    room = incoming.room()
    if (request.content_length or 0) > room:
        raise StorageFailed("There is no room on the disk for this file.", "Make some, or send a smaller one.")
    request.max_content_length = room
    if isinstance(request, WorkbenchRequest):
        request.file_folder = incoming.folder


def make_room() -> None:
    """Let larger forms in where the view takes them; before the first look at the form."""
    view = current_app.view_functions.get(request.endpoint or "")
    size = getattr(view, "muniment_takes", 0)
    if size:
        request.max_content_length = request.max_form_memory_size = size
        request.max_form_parts = 20_000


def is_decided(view: Callable[..., Any]) -> bool:
    """Somebody has said who may come to a view."""
    return hasattr(view, "muniment_role")


def identify() -> None:
    """Find out who asks; before every request."""
    accounts = context().accounts
    header = request.headers.get("Authorization", "")
    g.by_token = False
    if header.lower().startswith(_SCHEMES):
        g.account = accounts.of_token(header.partition(" ")[2].strip())
        g.by_token = True
        if g.account is None:
            raise NotLoggedIn("That token is not good.", "Make a new one on the page of your account.")
        return
    if header.lower().startswith(_KEYS):
        name, _, secret = header[len(_KEYS) :].strip().partition(":")
        found = accounts.of_token(secret)
        g.account = found if found is not None and found.name.lower() == name.lower() else None
        g.by_token = True
        if g.account is None:
            raise NotLoggedIn("Those keys are not good.", "The first is the name of your account, the second its token.")
        return
    if takes_passwords() and header.lower().startswith(_BASIC):
        logins: BasicLogins = current_app.extensions["muniment.logins"]
        g.account = logins.account(request.authorization, client_address())
        g.by_token = True
        return
    token = request.cookies.get(COOKIE, "")
    g.account = accounts.of_session(token) if token else None


def takes_passwords() -> bool:
    """Programs may come with name and password here: what harvesters of WARC files know.

    Browsers send those along by themselves once they have been typed, also for pages from elsewhere. The guard refuses what
    bears the name of another origin, and pages from elsewhere cannot read answers.
    """
    return request.path.startswith(HARVESTS)


def bears_credentials() -> bool:
    """The request is one of a program, by its field Authorization; whether that is good is another question."""
    header = request.headers.get("Authorization", "").lower()
    return header.startswith((*_SCHEMES, _KEYS)) or (takes_passwords() and header.startswith(_BASIC))


def is_by_token() -> bool:
    """A program asks, with its token: no other site can have made it ask."""
    return bool(g.get("by_token"))


def account_or_none() -> Account | None:
    """Who asks; None for nobody."""
    found: Account | None = g.get("account")
    return found


def current_account() -> Account:
    """Who asks.

    Raises:
        NotLoggedIn: nobody; cannot happen behind `needs`.
    """
    account = account_or_none()
    if account is None:
        raise NotLoggedIn("You are not logged in.", "Log in first.")
    return account


def may(role: Role) -> bool:
    """Who asks has that role; for templates, to show what can be done."""
    account = account_or_none()
    return account is not None and account.role.includes(role)


def client_address() -> str:
    """Where a request comes from: behind a trusted proxy, what that says, so that nobody's failed logins are everybody's."""
    return viewer_of(request, context().settings).address or request.remote_addr or ""


def begin_session(response: BaseResponse, token: str) -> BaseResponse:
    """Give the browser its cookie."""
    secure = is_secure(request, context().settings)
    response.set_cookie(COOKIE, token, httponly=True, samesite="Strict", secure=secure, path="/")
    return response


def end_session() -> BaseResponse:
    """Log out."""
    context().accounts.log_out(request.cookies.get(COOKIE, ""))
    response = redirect(url_for("accounts.login"), 303)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
    return response


def wants_json() -> bool:
    """A program asks, not a person with a page before them."""
    if request.path.startswith("/save") and "text/html" not in request.headers.get("Accept", ""):
        return True
    return is_by_token() or request.path.startswith(("/api/", "/save/status", HARVESTS)) or request.path.endswith(".json")


def safe_next(address: str) -> str:
    """Where to go after the login: a path of the workbench, never elsewhere."""
    is_path = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if is_path else "/"


def challenge() -> BaseResponse:
    """The answer to who is not logged in and opened a page."""
    here = request.full_path.rstrip("?") if request.method == "GET" else ""
    return redirect(url_for("accounts.login", next=here or None), 303)


def no_store(response: Response) -> Response:
    """Pages of the workbench are kept by no cache."""
    response.headers.setdefault("Cache-Control", "no-store")
    return response
