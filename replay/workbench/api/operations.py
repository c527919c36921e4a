"""What the API does: each operation says method, path and role; its annotations say what it takes and gives.

A view is a plain function. `query` and `body`, where it has them, are dataclasses (see `schema`); `file` is what was sent, as a
stream of bytes; the rest of its parameters are in the path; what it returns is a declared dataclass, a `Page` of them,
`Created`, a `Download`, or None for nothing (204).
"""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from threading import Lock
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, request
from werkzeug.datastructures import ETags, MultiDict

from archiver.accounts import Role
from archiver.errors import UsageError
from replay.workbench.api.problems import Unsupported, Unwanted
from replay.workbench.api.repeating import repeated
from replay.workbench.api.schema import Bounds, field_problem, parse, parse_query, read_json, to_json
from replay.workbench.session import needs, takes_files

#: Where the API is.
ROOT = "/api/v1"
#: Bytes that are taken in one request.
MAX_BODY = 8 * 1024 * 1024
MOST_AT_ONCE = 1000
#: What files are sent as.
FILE_TYPE = "application/octet-stream"

blueprint = Blueprint("api", __name__, url_prefix=ROOT)

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
#: Held while something is changed that somebody has named the state of: nobody else may come between.
_changing = Lock()
_PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list; `following` says where the rest begins, "" for nowhere."""

    items: tuple[T, ...]
    following: str = ""


@dataclass(frozen=True, slots=True)
class Created(Generic[T]):
    """Something new, and its path in the API."""

    value: T
    location: str


@dataclass(frozen=True, slots=True)
class Download:
    """A file that is sent as it is, whole or a part: the answer to this request, as `filedelivery` makes it."""

    response: Response


@dataclass(frozen=True)
class PageQuery:
    """Which part of a list is wanted."""

    limit: Annotated[int, Bounds("Items of one page.", least=1, most=MOST_AT_ONCE)] = 100
    cursor: Annotated[str, Bounds("Where to go on: as `next` of the page before has it.", longest=500)] = ""


@dataclass(frozen=True)
class Operation:
    """One operation.

    Attributes:
        name: of the view; the operationId.
        method: HTTP method.
        rule: path below `ROOT`, as Flask writes it.
        tag: what it is about, for people.
        role: who may.
        status: of the answer when all went well.
        view: does it.
        query, body, answer: what it takes and gives; None for nothing.
        is_page: the answer is a page of `answer`.
        is_secret: the answer has a secret that is told once, so that it is not kept for who asks again.
        takes_file: what is sent is a file of any size.
        gives_file: media types of the file that is the answer; empty where the answer is JSON.
    """

    name: str
    method: str
    rule: str
    tag: str
    role: Role
    status: int
    view: Callable[..., Any]
    query: Any = None
    body: Any = None
    answer: Any = None
    is_page: bool = False
    is_secret: bool = False
    takes_file: bool = False
    gives_file: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """As OpenAPI writes it."""
        return ROOT + _PARAMETER.sub(r"{\2}", self.rule)

    @property
    def parameters(self) -> Iterator[tuple[str, str]]:
        """Those of the path: name and converter, "" for a text."""
        return ((found.group(2), found.group(1) or "") for found in _PARAMETER.finditer(self.rule))

    @property
    def has_etag(self) -> bool:
        """What it gives has an ETag."""
        return self.method == "GET" and self.answer is not None and not self.is_page

    @property
    def is_guarded(self) -> bool:
        """It may be told which state of a thing is to be changed."""
        return self.method in ("PUT", "PATCH", "DELETE") and _state_of(self) is not None

    @property
    def is_repeatable(self) -> bool:
        """A key may be sent with it, so that it is done once even when it is asked for twice."""
        return self.method == "POST" and self.status in (201, 202) and not (self.is_secret or self.takes_file)


#: All operations, in the order in which they are told.
OPERATIONS: list[Operation] = []


def operation(
    method: str,
    rule: str,
    role: Role,
    tag: str,
    *,
    status: int | None = None,
    is_secret: bool = False,
    gives_file: tuple[str, ...] = (),
) -> Callable[[F], F]:
    """Make a view an operation of the API."""

    def decorate(view: F) -> F:
        hints = get_type_hints(view, include_extras=True)
        answer = hints["return"]
        kind = get_origin(answer)
        if kind in (Page, Created):
            answer = get_args(answer)[0]
        usual = 201 if kind is Created else 204 if answer is type(None) else 200
        answer = None if answer in (type(None), Download) else answer
        made = Operation(
            name=view.__name__, method=method, rule=rule, tag=tag, role=role, status=status or usual, view=view,
            query=hints.get("query"), body=hints.get("body"), answer=answer, is_page=kind is Page, is_secret=is_secret,
            takes_file="file" in hints, gives_file=gives_file,
        )  # fmt: skip
        _check(made)
        OPERATIONS.append(made)

        def answered(**path: Any) -> Response:
            return _answer(made, path)

        guarded = needs(role)(answered)
        blueprint.add_url_rule(rule, view.__name__, takes_files(guarded) if made.takes_file else guarded, methods=[method])
        return view

    return decorate


def _check(made: Operation) -> None:
    """Parameters of the view are those of the path, and nothing else."""
    wanted = {name for name, _ in made.parameters}
    wanted |= {name for name in ("query", "body") if getattr(made, name) is not None}
    wanted |= {"file"} if made.takes_file else set()
    if set(inspect.signature(made.view).parameters) != wanted:
        raise TypeError(f"{made.name} does not take what its path says")


def _state_of(made: Operation) -> Operation | None:
    """The operation that shows what this one changes."""
    return next((item for item in OPERATIONS if item.rule == made.rule and item.has_etag), None)


# -- one request -----------------------------------------------------------------------------------------------------


def _answer(made: Operation, path: dict[str, Any]) -> Response:
    """Do an operation."""
    given = dict(path)
    parameters = {name: request.args.getlist(name) for name in request.args}
    if made.query is not None:
        given["query"] = parse_query(made.query, parameters)
    elif parameters:
        raise field_problem(next(iter(parameters)), "There is no such parameter.", place="?")
    sent = b""
    if made.takes_file:
        if request.mimetype != FILE_TYPE:
            raise Unsupported("What is sent must be the bytes of a file.", f"Send them with Content-Type: {FILE_TYPE}.")
        given["file"] = request.stream
    else:
        request.max_content_length = MAX_BODY
        sent = request.get_data()
    if made.body is not None:
        if request.mimetype != "application/json":
            raise Unsupported("What is sent must be JSON.", "Send it with Content-Type: application/json.")
        given["body"] = parse(made.body, read_json(sent))
    elif sent and made.method not in ("GET", "DELETE"):
        raise UsageError("This operation takes nothing but its address.", "Send no content.")
    key = request.headers.get("Idempotency-Key", "")
    if key and not made.is_repeatable:
        raise UsageError("This operation takes no Idempotency-Key.", "Leave it out.")
    with _guarded(made, path):
        if key:
            return repeated(key, sent, lambda: _told(made, made.view(**given)))
        return _told(made, made.view(**given))


@contextmanager
def _guarded(made: Operation, path: dict[str, Any]) -> Iterator[None]:
    """Nothing is changed that is not in the state that was named (RFC 9110, section 13.1.1)."""
    asked = request.if_match if "If-Match" in request.headers else None
    with _changing if asked is not None else nullcontext():
        if asked is not None:
            state = _state_of(made) if made.is_guarded else None
            if state is None:
                raise UsageError("This operation takes no If-Match.", "Leave it out.")
            if not _is_met(asked, _etag(state.view(**path))):
                raise Unwanted("It was changed since you looked.", "Look at it again, then decide.")
        yield


def _is_met(asked: ETags, etag: str) -> bool:
    """One of the states that were named is this one, whatever may have been counted since."""
    stable = etag.partition("-")[0]
    return bool(asked.star_tag) or any(tag.partition("-")[0] == stable for tag in asked.as_set())


def _told(made: Operation, value: Any) -> Response:
    """The answer to an operation."""
    if value is None:
        return Response(status=made.status)
    if isinstance(value, Download):
        return value.response
    headers: dict[str, str] = {}
    if isinstance(value, Created):
        headers["Location"] = ROOT + value.location
        value = value.value
    if isinstance(value, Page):
        following = _with_cursor(value.following) if value.following else None
        if following:
            headers["Link"] = f'<{following}>; rel="next"'
        said = {"items": to_json(value.items), "next": following}
    else:
        said = to_json(value)
    answer = Response(_encoded(said), made.status, headers, mimetype="application/json")
    state = _state_of(made) if made.method in ("PUT", "PATCH") else made
    if made.has_etag or (state is not None and state is not made and state.answer is made.answer):
        answer.set_etag(_etag(value))
        if made.method == "GET":
            answer.headers["Cache-Control"] = "private, no-cache"
            answer.make_conditional(request)
    return answer


def _encoded(said: object) -> bytes:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def _etag(value: object) -> str:
    """The state of a thing: two hashes, of what people decide on it and of everything.

    A dataclass names in `volatile` the fields that change by themselves, such as counts.
    """
    said = to_json(value)
    volatile: frozenset[str] = getattr(type(value), "volatile", frozenset())
    stable = {name: item for name, item in said.items() if name not in volatile} if volatile else said
    return "-".join(hashlib.sha256(_encoded(item)).hexdigest()[:16] for item in (stable, said))


# -- pages of lists --------------------------------------------------------------------------------------------------


def _with_cursor(following: str) -> str:
    """The address of the next page."""
    given = MultiDict(request.args)
    given["cursor"] = base64.urlsafe_b64encode(following.encode()).decode().rstrip("=")
    return f"{quote(request.path)}?{urlencode(list(given.items(multi=True)))}"


def position(query: PageQuery) -> str:
    """Where a page begins, as the one before it said; "" for the first.

    Raises:
        Invalid: nobody said so.
    """
    if not query.cursor:
        return ""
    try:
        return base64.b64decode(query.cursor + "=" * (-len(query.cursor) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:
        raise field_problem("cursor", "It is none that this list gave.", place="?") from None


def number_of(query: PageQuery) -> int:
    """The same where it is a number; 0 for the first page."""
    text = position(query) or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise field_problem("cursor", "It is none that this list gave.", place="?")
    return int(text)


def part_of(items: Iterable[T], query: PageQuery) -> Page[T]:
    """A page of a list that is short enough to be made whole."""
    everything, start = list(items), number_of(query)
    end = start + query.limit
    return Page(tuple(everything[start:end]), str(end) if len(everything) > end else "")


def first_of(found: list[T], query: PageQuery, number: Callable[[T], int | str]) -> Page[T]:
    """A page out of what was read of a list: one item more than fits, so that it is known whether there is more."""
    shown = found[: query.limit]
    return Page(tuple(shown), str(number(shown[-1])) if len(found) > query.limit else "")


def mapped(page: Page[T], change: Callable[[T], Any]) -> Page[Any]:
    """A page of other values."""
    return replace(page, items=tuple(map(change, page.items)))
