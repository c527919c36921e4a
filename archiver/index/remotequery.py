"""Questions to other CDX servers and their answers, in pywb's dialect and the Internet Archive's. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

from archiver.index.cdxline import row_of_fields
from archiver.index.protocol import Row
from archiver.index.query import KeyRange, Match, after_prefix
from archiver.index.warcnames import REPLAYED

#: What is asked of the Internet Archive's dialect, in this order.
_IA_FIELDS = ("urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length", "offset", "filename")
_IA_NAMES = {"original": "url", "mimetype": "mime", "statuscode": "status"}
#: Some servers refuse to say where a capture lies.
_IA_FEW = _IA_FIELDS[:7]
_PORT = re.compile(r":\d+$")


class Dialect(StrEnum):
    """How a CDX server wants to be asked."""

    PYWB = "pywb"
    IA = "ia"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for.

    Attributes:
        url: that stands for the captures.
        match: which it stands for.
        since: 14 digits, included; "" from the first.
        until: 14 digits, included; "" to the last.
        closest: 14 digits: nearest first; "" for the order of keys and time.
        limit: of captures; 0 for none.
        resume: where the Internet Archive's dialect goes on; "" from the beginning.
        places: ask where captures lie.
    """

    url: str
    match: Match = Match.EXACT
    since: str = ""
    until: str = ""
    closest: str = ""
    limit: int = 0
    resume: str = ""
    places: bool = True

    def parameters(self, dialect: Dialect) -> str:
        """As the query of an address."""
        values: list[tuple[str, str]] = [("url", self.url)]
        if self.match is not Match.EXACT:
            values.append(("matchType", self.match.value))
        values += [(name, value) for name, value in (("from", self.since), ("to", self.until)) if value]
        if self.closest:
            values += [("closest", self.closest), ("sort", "closest")]
        if self.limit:
            values.append(("limit", str(self.limit)))
        values.append(("output", "json"))
        if dialect is Dialect.IA:
            values.append(("fl", ",".join(_IA_FIELDS if self.places else _IA_FEW)))
            if self.match is not Match.EXACT:
                values.append(("showResumeKey", "true"))
            if self.resume:
                values.append(("resumeKey", self.resume))
        return urlencode(values)


def url_of_key(key: str) -> str | None:
    """An address that has this key; None for keys that are no http address's ("dns:…")."""
    host, closed, rest = key.partition(")")
    if not closed:
        return None
    return f"http://{_turned(host)}{rest or '/'}"


def _turned(host: str) -> str:
    port = _PORT.search(host)
    tail = port.group() if port else ""
    name = host.removesuffix(tail)
    if name.startswith("["):
        return host
    return ".".join(reversed([part for part in name.split(",") if part])) + tail


def question_of(keys: KeyRange) -> Question | None:
    """A question whose answer has all captures of a range of keys, and perhaps more; None when there is no such question."""
    if keys.only is not None:
        url = url_of_key(keys.only)
        return None if url is None else Question(url)
    if not keys.start or keys.end != after_prefix(keys.start):
        return None
    host, closed, rest = keys.start.partition(")")
    if closed and rest:
        return Question(f"http://{_turned(host)}{rest}", Match.PREFIX)
    if closed:
        return Question(f"http://{_turned(host)}/", Match.HOST)
    name = host.rstrip(",:")
    if name == host or "," not in name:
        return None  # "com," would be all of a top-level domain, "com,exam" is no host's
    return Question(f"http://{_turned(name)}/", Match.DOMAIN)


def dialect_of(kind: str, body: bytes) -> Dialect | None:
    """Which dialect an answer is in; None when it is in neither.

    Args:
        kind: its media type.
        body: its beginning.
    """
    text = body.lstrip()
    if text.startswith(b"["):
        return Dialect.IA
    if text.startswith(b"{") or "cdxj" in kind or "ndjson" in kind:
        return Dialect.PYWB
    return None


def rows_of_answer(
    lines: Iterable[bytes], dialect: Dialect, place: Callable[[Mapping[str, object]], str]
) -> Iterator[Row | str]:
    """The captures of an answer, and at its end the place where the next one goes on, where it says one.

    What cannot be read as a capture is passed over.

    Args:
        lines: of the answer.
        dialect: of the server.
        place: under which name the file of a capture is opened, from all that is said of it.
    """
    names: Sequence[str] | None = None
    is_last = False
    for line in lines:
        text = line.strip()
        if not text:
            continue
        if dialect is Dialect.PYWB and not text.startswith(b"{"):
            key, _, rest = text.decode("utf-8", "replace").partition(" ")  # CDXJ, where output=json is not known
            timestamp, _, rest = rest.partition(" ")
            fields = _parsed(rest.encode())
            said: object = {**fields, "urlkey": key, "timestamp": timestamp} if isinstance(fields, dict) else None
        else:
            said = _parsed(text)
        if isinstance(said, dict):
            row = _row(said, place)
            if row is not None:
                yield row
        elif isinstance(said, list) and all(isinstance(item, str) for item in said):
            if names is None and "timestamp" in said:
                names = said
            elif not said:
                is_last = True
            elif is_last and len(said) == 1:
                yield said[0]
            elif names is not None and len(said) == len(names):
                row = _row({_IA_NAMES.get(name, name): value for name, value in zip(names, said, strict=True)}, place)
                if row is not None:
                    yield row


def _parsed(text: bytes) -> object:
    """One line of JSON, of an array of arrays too, whose lines are elements."""
    if text.startswith(b"[["):
        text = text[1:]
    text = text.rstrip(b",")
    if text.endswith(b"]]"):
        text = text[:-1]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _row(said: Mapping[str, object], place: Callable[[Mapping[str, object]], str]) -> Row | None:
    key, timestamp = said.get("urlkey"), said.get("timestamp")
    if not isinstance(key, str) or not isinstance(timestamp, str):
        return None
    file = place(said)
    where = {} if file.startswith(REPLAYED) else {"offset": said.get("offset")}
    return row_of_fields(key, timestamp, {**said, "offset": "0", **where, "filename": file}, str)
