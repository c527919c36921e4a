"""Whether a URL is held: the questions of the availability API, both versions, and their answers."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from archiver.errors import UsageError
from archiver.model import Capture
from archiver.timestamps import normalise_timestamp

#: Questions in one request, and bytes of it.
MOST_QUESTIONS = 1000
MOST_BYTES = 1024 * 1024
_MOST_TAG = 1000
_CALLBACK = re.compile(r"[A-Za-z_$][\w$.]{0,99}", re.ASCII)
_STATUS = re.compile(r"[1-9][0-9]{2}", re.ASCII)


class Side(StrEnum):
    """On which side of a time a capture is looked for."""

    EITHER = "either"
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Question:
    """Is this URL held, around that time?

    Attributes:
        url: as written.
        timestamp: 1 to 14 digits as written; "" for the newest.
        side: of that time.
        statuses: that are wanted; empty for any.
        tag: comes back with the answer.
    """

    url: str
    timestamp: str = ""
    side: Side = Side.EITHER
    statuses: frozenset[int] = frozenset()
    tag: str = ""


def question(url: str, timestamp: str = "", side: str = "", statuses: Sequence[str] = (), tag: str = "") -> Question:
    """One question, checked.

    Raises:
        UsageError: which part cannot be used.
    """
    if not url.strip():
        raise UsageError("The parameter “url” is missing.", "Write ?url=example.org.")
    if timestamp:
        normalise_timestamp(timestamp)
    if side and side not in set(Side):
        raise UsageError(f"“closest” is “{side[:40]}”.", "It can be either, before or after.")
    for status in statuses:
        if not _STATUS.fullmatch(status):
            raise UsageError(f"“{status[:40]}” is no HTTP status.", "Write three digits.")
    if len(tag) > _MOST_TAG:
        raise UsageError("A tag is too long.", f"{_MOST_TAG:,} characters are the most.")
    return Question(url.strip(), timestamp, Side(side or Side.EITHER), frozenset(map(int, statuses)), tag)


def questions_of_body(body: bytes, media_type: str) -> list[Question]:
    """The questions of a request's body: JSON (a list of objects, or one), CSV with a head, or a form with repeated fields.

    Raises:
        UsageError: it is none of these, or has too many.
    """
    if len(body) > MOST_BYTES:
        raise UsageError("The list is too long.", f"{MOST_BYTES // 1024} kB are the most.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError("The list is no UTF-8.", "Send it as such.") from error
    found = _of_json(text) if "json" in media_type else _of_csv(text)
    if len(found) > MOST_QUESTIONS:
        raise UsageError("The list has too many URLs.", f"{MOST_QUESTIONS:,} are the most at a time.")
    return [
        question(item.get("url", ""), item.get("timestamp", ""), item.get("closest", ""), tag=item.get("tag", ""))
        for item in found
    ]  # fmt: skip


def _of_json(text: str) -> list[dict[str, str]]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError("The list is no JSON.", 'Send such as [{"url": "example.org", "timestamp": "2016"}].') from error
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, dict) and all(isinstance(part, str | int) for part in item.values()) for item in items):
        raise UsageError("The list has other things than questions.", "Each has a url, and perhaps timestamp, closest and tag.")
    return [{name: str(part) for name, part in item.items()} for item in items]


def _of_csv(text: str) -> list[dict[str, str]]:
    try:
        rows = list(csv.DictReader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise UsageError("The list is no CSV.", "Send a head line with url, timestamp, closest, tag.") from error
    return [{str(name): value for name, value in row.items() if isinstance(value, str)} for row in rows]


def questions_of_form(fields: Mapping[str, Sequence[str]]) -> list[Question]:
    """The questions of a form: the first url with the first timestamp, closest and tag, and so on.

    Raises:
        UsageError: which part cannot be used.
    """
    urls = fields.get("url", ())
    if len(urls) > MOST_QUESTIONS:
        raise UsageError("The list has too many URLs.", f"{MOST_QUESTIONS:,} are the most at a time.")

    def part(name: str, at: int) -> str:
        values = fields.get(name, ())
        return values[at] if at < len(values) else ""

    return [
        question(url, part("timestamp", at), part("closest", at), fields.get("status_code", ()), part("tag", at))
        for at, url in enumerate(urls or ("",))
    ]


def seconds_of(text: str) -> float:
    """How long answers may be looked for.

    Raises:
        UsageError: no number of seconds up to a minute.
    """
    if not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,3})?", text or "5", re.ASCII) or not 0 < float(text or 5) <= 60:
        raise UsageError(f"“timeout” is “{text[:40]}”.", "It must be seconds, up to 60.")
    return float(text or 5)


def first_version(asked: Question, found: Capture | None, address: str) -> dict[str, object]:
    """The answer as the first version of the API gives it."""
    closest = {} if found is None else {"closest": {"available": True, "url": address, **_said(found)}}
    answer: dict[str, object] = {"url": asked.url, "archived_snapshots": closest}
    return answer | {"timestamp": asked.timestamp} if asked.timestamp else answer


def second_version(asked: Question, found: Capture | None, address: str) -> dict[str, object]:
    """One of the results that the second version gives."""
    snapshot = {} if found is None else {"url": address, **_said(found)}
    return {"url": asked.url, "timestamp": asked.timestamp, "tag": asked.tag, "snapshot": snapshot}


def _said(found: Capture) -> dict[str, str]:
    return {"timestamp": found.timestamp, "status": str(found.status or 200)}


def with_callback(text: str, callback: str) -> str:
    """The answer as a script that calls a function.

    Raises:
        UsageError: that is no name of a function.
    """
    if not _CALLBACK.fullmatch(callback):
        raise UsageError("“callback” is no name of a function.", "Letters, digits, dots and underscores can be in it.")
    return f"/**/{callback}({text});"
