"""An entry of a HAR file as the exchange it tells of, rebuilt as bytes; pure.

HAR 1.1 and 1.2 (W3C draft "HTTP Archive (HAR) format"; softwareishard.com/blog/har-12-spec). A HAR is what a browser says of
messages, not the messages: header fields are in its order and spelling, bodies without transfer and content coding, texts
without their encoding. What is changed so that the message is one again is said with it.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any
from urllib.parse import quote_plus, urlsplit

from archiver.errors import InvalidTimestamp, InvalidURL
from archiver.markup.charset import codec_of, declared_charset
from archiver.mediatype import parse_media_type
from archiver.model import Exchange, Truncation
from archiver.plaintext import one_line
from archiver.timestamps import parse_iso
from archiver.urls import parse_url

_VERSION = re.compile(r"HTTP/1\.[01]", re.IGNORECASE)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")
_FRAMING = ("content-encoding", "transfer-encoding", "content-length")
_GZIP = b"\x1f\x8b"

#: Statuses of responses that have no body.
_EMPTY = frozenset({204, 205, 304})


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What an entry became.

    Attributes:
        exchange: request and response as bytes.
        changes: what was changed to make them, for the metadata record.
        no_body: the HAR does not have the body that the response had.
    """

    exchange: Exchange
    changes: tuple[str, ...] = ()
    no_body: bool = False


class Unusable(ValueError):
    """An entry that no exchange can be made of; the text says why."""


def rebuild(entry: Mapping[str, Any]) -> Rebuilt:
    """The exchange that an entry tells of.

    Raises:
        Unusable: it tells of none.
    """
    request, response = _object(entry, "request"), _object(entry, "response")
    url = _url(request)
    started = _moment(entry)
    status = response.get("status")
    if not isinstance(status, int) or not 100 <= status <= 999:
        raise Unusable("the request got no answer")
    changes: list[str] = []
    head, body, no_body = _response(request, response, status, changes)
    message = head + body
    return Rebuilt(
        Exchange(
            url=url,
            started_at=started,
            elapsed=_elapsed(entry),
            request=_request(request, url, changes),
            response=BytesIO(message),
            response_length=len(message),
            status=status,
            ip_address=_address(entry),
            protocols=_protocols(response),
            truncated=Truncation.UNSPECIFIED if no_body else None,
        ),
        tuple(changes),
        no_body,
    )


# -- the response ----------------------------------------------------------------------------------------------------


def _response(
    request: Mapping[str, Any], response: Mapping[str, Any], status: int, changes: list[str]
) -> tuple[bytes, bytes, bool]:
    """(head, body, whether a body is missing)."""
    fields = _fields(response)
    content = _object(response, "content", optional=True)
    kinds = [value for name, value in fields if name.lower() == "content-type"]
    kind = ", ".join(kinds) or _text(content, "mimeType")
    body, encoding = _body(content, kind, changes)
    is_empty = status in _EMPTY or status < 200 or _text(request, "method").upper() == "HEAD"
    no_body = not is_empty and body is None and _had_body(response, content, status)
    fields = _reframed(fields, body or b"", changes, is_empty=is_empty)
    if not kinds and _text(content, "mimeType"):
        fields.append(("Content-Type", _text(content, "mimeType")))
        changes.append("response Content-Type: from content.mimeType")
    elif encoding:
        changes.append(f"response body: text, written as {encoding}")
    redirect = _text(response, "redirectURL")
    if redirect and 300 <= status < 400 and not any(name.lower() == "location" for name, _ in fields):
        fields.append(("Location", redirect))
        changes.append("response Location: from redirectURL")
    if no_body:
        changes.append("response body: not in the HAR")
    version = _text(response, "httpVersion")
    line = (
        f"{version.upper() if _VERSION.fullmatch(version) else 'HTTP/1.1'} {status} {one_line(_text(response, 'statusText'))}"
    )
    return _head(line.rstrip(), fields), body or b"", no_body


def _body(content: Mapping[str, Any], kind: str, changes: list[str]) -> tuple[bytes | None, str]:
    """(the body, or None when the HAR has none; the encoding that a text was written in)."""
    text = content.get("text")
    if not isinstance(text, str):
        return None, ""
    if _text(content, "encoding").lower() == "base64":
        try:
            return base64.b64decode("".join(text.split()), validate=True), ""
        except (binascii.Error, ValueError):
            changes.append("response body: Base64 that cannot be read")
            return None, ""
    wanted = _encoding(text, kind)
    try:
        return text.encode(wanted), wanted
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass"), "utf-8"


def _encoding(text: str, kind: str) -> str:
    """The encoding in which a reader of the message will take its text, as headers or the document itself say."""
    media = parse_media_type([kind])
    if media.charset:
        return codec_of(media.charset) or "utf-8"
    declared = declared_charset(text[:2048].encode("utf-8", "replace")) if "html" in media.name or "xml" in media.name else None
    return declared.name if declared is not None else "utf-8"


def _had_body(response: Mapping[str, Any], content: Mapping[str, Any], status: int) -> bool:
    """The response had a body by what the HAR says of sizes; redirects without one are common."""
    sizes = [value for value in (content.get("size"), response.get("bodySize")) if isinstance(value, int)]
    return any(size > 0 for size in sizes) if sizes else not 300 <= status < 400


def _reframed(fields: list[tuple[str, str]], body: bytes, changes: list[str], *, is_empty: bool) -> list[tuple[str, str]]:
    """Header fields that fit the body as it is now; the old ones stay under another name, as Browsertrix has it."""
    still_packed = body.startswith(_GZIP)
    out: list[tuple[str, str]] = []
    for name, value in fields:
        key = name.lower()
        fits = is_empty or (value.strip() == str(len(body)) if key == "content-length" else still_packed)
        if key in ("content-length", "content-encoding") and fits:
            out.append((name, value))
        elif key in _FRAMING:
            out.append((f"X-Orig-{name}", value))
            changes.append(f"response {name}: named X-Orig-{name}, because the body in the HAR is without it")
        else:
            out.append((name, value))
    if not is_empty and not any(name.lower() == "content-length" for name, _ in out):
        out.append(("Content-Length", str(len(body))))
    return out


# -- the request -----------------------------------------------------------------------------------------------------


def _request(request: Mapping[str, Any], url: str, changes: list[str]) -> bytes:
    method = _text(request, "method").upper()
    if not _TOKEN.fullmatch(method):
        raise Unusable("the request has no method")
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    fields = _fields(request)
    if not any(name.lower() == "host" for name, _ in fields):
        fields.insert(0, ("Host", parts.netloc.rpartition("@")[2]))
    body = _posted(request, changes)
    return _head(f"{method} {target} HTTP/1.1", fields) + body


def _posted(request: Mapping[str, Any], changes: list[str]) -> bytes:
    post = _object(request, "postData", optional=True)
    text = post.get("text")
    if isinstance(text, str) and text:
        if (_text(post, "encoding") or _text(post, "_encoding")).lower() == "base64":
            try:
                return base64.b64decode("".join(text.split()), validate=True)
            except (binascii.Error, ValueError):
                changes.append("request body: Base64 that cannot be read")
                return b""
        return text.encode("utf-8", "surrogatepass")
    params = post.get("params")
    if isinstance(params, list) and params:
        changes.append("request body: made from its parameters")
        pairs = [(_text(item, "name"), _text(item, "value")) for item in params if isinstance(item, dict)]
        encoded = ((quote_plus(part, errors="replace") for part in pair) for pair in pairs)
        return "&".join("=".join(pair) for pair in encoded).encode()
    return b""


# -- parts of both ---------------------------------------------------------------------------------------------------


def _head(line: str, fields: list[tuple[str, str]]) -> bytes:
    text = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"{line}\r\n{text}\r\n".encode("utf-8", "replace")


def _fields(message: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Header fields; HTTP/2's own ones are left out, one that was joined by line ends is several again."""
    found: list[tuple[str, str]] = []
    headers = message.get("headers")
    for item in headers if isinstance(headers, list) else ():
        if isinstance(item, dict):
            name = _text(item, "name")
            if _TOKEN.fullmatch(name):
                found += [(name, one_line(value)) for value in re.split(r"[\r\n]+", _text(item, "value")) or [""]]
    return found


def _url(request: Mapping[str, Any]) -> str:
    try:
        return parse_url(_text(request, "url"))
    except InvalidURL as error:
        raise Unusable("the entry names no http or https address") from error


def _moment(entry: Mapping[str, Any]) -> datetime:
    try:
        return parse_iso(_text(entry, "startedDateTime"))
    except InvalidTimestamp as error:
        raise Unusable("the entry has no date") from error


def _elapsed(entry: Mapping[str, Any]) -> timedelta:
    value = entry.get("time")
    seconds = value / 1000 if isinstance(value, int | float) and -1e12 < value < 1e12 else 0.0
    return timedelta(seconds=min(max(seconds, 0.0), 86_400.0))


def _address(entry: Mapping[str, Any]) -> str | None:
    try:
        return str(ipaddress.ip_address(_text(entry, "serverIPAddress").strip("[]")))
    except ValueError:
        return None


def _protocols(response: Mapping[str, Any]) -> tuple[str, ...]:
    """As WARC-Protocol has them."""
    said = _text(response, "httpVersion").lower()
    known = {"http/2": "h2", "http/2.0": "h2", "h2": "h2", "http/3": "h3", "http/3.0": "h3", "h3": "h3"}
    if said in ("http/1.0", "http/1.1"):
        return (said,)
    return (known[said],) if said in known else ()


def _object(data: Mapping[str, Any], name: str, *, optional: bool = False) -> Mapping[str, Any]:
    value = data.get(name)
    if isinstance(value, dict):
        return value
    if optional:
        return {}
    raise Unusable(f"the entry has no {name}")


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""
