"""The cases of the corpus: small sites, and what their page shows when it is replayed as it was.

A case is one TOML file in `cases/`:

    title = "…"      what it shows, in a few words
    chapter = "…"    of the published table
    page = "http://…/"
    result = "…"     text of the element with the id `result`, once the page is done
    at = "20200102030405"      when it was captured, and for when it is asked
    live = false     no living site gives this result; only an archive can
    known = "…"      why our own reader does not show it: a limit that is known and measured, not hidden
    wait = true      the result stands there from the start, and must still stand when the page is done

    [[answers]]      in the order in which they were captured
    url = "…"        against `page`; the page itself when left out
    type = "…"       Content-Type; left out when ""
    text = "…"       the body; or `hex`, or `base64`
    charset = "…"    how `text` is encoded; UTF-8 when it is not said
    coding = ["br"]  content codings that are laid around it and said in Content-Encoding
    chunked = true   sent in chunks of 7 bytes
    status = "200 OK"
    head = ["Name: value"]     further fields, as they are
    at = "…"         when this one was captured, when not with the rest
    method, request, request_type, range      of the request, when it was more than a GET
    same_as = "…"    recorded as a revisit of that URL; the server sent the same again
"""

from __future__ import annotations

import base64
import binascii
import gzip
import tomllib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import brotli
import zstandard

from archiver.urls import parse_url

FOLDER = Path(__file__).parent / "cases"
MOMENT = "20200102030405"
_PIECE = 7


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


#: Content codings by the name they have in a case: how a body is coded, and what the field says.
CODINGS = {
    "gzip": (lambda data: gzip.compress(data, mtime=0), "gzip"),
    "deflate": (zlib.compress, "deflate"),
    "deflate-raw": (_raw_deflate, "deflate"),
    "br": (brotli.compress, "br"),
    "zstd": (lambda data: zstandard.compress(data), "zstd"),
    "gzip-in-two-members": (lambda data: gzip.compress(data[:50], mtime=0) + gzip.compress(data[50:], mtime=0), "gzip"),
}


@dataclass(frozen=True)
class Answer:
    """What a server said once.

    Attributes:
        url: absolute, as captured.
        at: 14 digits.
        method: of the request.
        request: its body; None for none.
        request_type: Content-Type of the request.
        range: Range of the request; "" for none.
        response: every byte that was sent.
        same_as: URL that this was recorded as a revisit of; "" for none.
    """

    url: str
    at: str
    method: str
    request: bytes | None
    request_type: str
    range: str
    response: bytes
    same_as: str


@dataclass(frozen=True)
class Case:
    """One case; see the module."""

    name: str
    title: str
    chapter: str
    page: str
    result: str
    at: str
    live: bool
    wait: bool
    known: str
    answers: tuple[Answer, ...]


def load_cases(folder: Path = FOLDER) -> list[Case]:
    """All cases, by chapter and name.

    Raises:
        ValueError: a file is not what the module says.
    """
    cases = [_case(path) for path in sorted(folder.glob("*.toml"))]
    return sorted(cases, key=lambda case: (case.chapter, case.name))


def _case(path: Path) -> Case:
    with path.open("rb") as stream:
        data = tomllib.load(stream)
    answers = data.pop("answers")
    _only(data, {field.name for field in fields(Case)} - {"name", "answers"}, path)
    at = data.get("at", MOMENT)
    values = {"at": at, "live": True, "wait": False, "known": "", **data}
    return Case(name=path.stem, answers=tuple(_answer(item, data["page"], at, path) for item in answers), **values)


def _only(data: Mapping[str, Any], known: set[str], path: Path) -> None:
    if unknown := set(data) - known:
        raise ValueError(f"{path.name}: nobody knows {', '.join(sorted(unknown))}")


_ANSWER = {
    "url", "type", "text", "hex", "base64", "charset", "coding", "chunked", "status", "head", "at", "method", "request",
    "request_type", "range", "same_as", "length",
}  # fmt: skip


def _answer(item: dict[str, Any], page: str, at: str, path: Path) -> Answer:
    _only(item, _ANSWER, path)
    request = item.get("request")
    return Answer(
        url=parse_url(urljoin(page, item.get("url", ""))),
        at=item.get("at", at),
        method=item.get("method", "GET"),
        request=request.encode() if request is not None else None,
        request_type=item.get("request_type", ""),
        range=item.get("range", ""),
        response=_response(item),
        same_as=urljoin(page, item["same_as"]) if "same_as" in item else "",
    )


def _response(item: dict[str, Any]) -> bytes:
    body = _body(item)
    head = []
    if mime := item.get("type", "text/html"):
        head.append(f"Content-Type: {mime}")
    for coding in item.get("coding", ()):
        code, _ = CODINGS[coding]
        body = code(body)
    if names := [CODINGS[coding][1] for coding in item.get("coding", ())]:
        head.append(f"Content-Encoding: {', '.join(names)}")
    head += item.get("head", ())
    status = item.get("status", "200 OK")
    if item.get("chunked"):
        head.append("Transfer-Encoding: chunked")
        pieces = [body[at : at + _PIECE] for at in range(0, len(body), _PIECE)]
        body = b"".join(b"%x;piece=%d\r\n%s\r\n" % (len(piece), at, piece) for at, piece in enumerate(pieces))
        body += b"0\r\nX-Trailer: end\r\n\r\n"
    elif item.get("length", True) and not status.startswith("304"):
        head.append(f"Content-Length: {len(body)}")
    lines = [f"HTTP/1.1 {status}", *head, "", ""]
    return "\r\n".join(lines).encode() + body


def _body(item: dict[str, Any]) -> bytes:
    if "hex" in item:
        return binascii.unhexlify("".join(item["hex"].split()))
    if "base64" in item:
        return base64.b64decode(item["base64"])
    text: str = item.get("text", "")
    charset = item.get("charset", "utf-8")
    return b"" if not text else text.encode(charset)
