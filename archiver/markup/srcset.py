"""URLs in srcset attributes (HTML, section 4.8.4.2.2), meta refresh and lists of URLs, with their positions."""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int, str]

_SPACE = " \t\n\f\r"
#: HTML, section 4.2.5.3, shared declarative refresh steps: a time, a separator, perhaps "url =", perhaps a quote.
_REFRESH = re.compile(
    rf"[{_SPACE}]*[\d.]++(?=[{_SPACE};,])[{_SPACE}]*+[;,]?+[{_SPACE}]*+"
    rf"(?:url[{_SPACE}]*+=[{_SPACE}]*+)?(?:\"([^\"]*)|'([^']*)|([^\"'].*))",
    re.DOTALL | re.IGNORECASE | re.ASCII,
)


def scan_srcset(text: str) -> list[Span]:
    """(start, end, url) of each image candidate; commas inside URLs and descriptors in parentheses are understood."""
    found: list[Span] = []
    at, size = 0, len(text)
    while True:
        while at < size and text[at] in f"{_SPACE},":
            at += 1
        if at >= size:
            return found
        start = at
        while at < size and text[at] not in _SPACE:
            at += 1
        end = at
        if text[end - 1] == ",":
            while end > start and text[end - 1] == ",":
                end -= 1
        else:
            at = _after_descriptors(text, at)
        if end > start:
            found.append((start, end, text[start:end]))


def _after_descriptors(text: str, at: int) -> int:
    depth = 0
    while at < len(text):
        letter = text[at]
        if letter == "(":
            depth += 1
        elif letter == ")" and depth:
            depth -= 1
        elif letter == "," and not depth:
            return at + 1
        at += 1
    return at


def scan_refresh(text: str) -> Span | None:
    """(start, end, url) of the target of a Refresh header or meta element; None when it only reloads."""
    match = _REFRESH.match(text)
    if match is None:
        return None
    start, end = match.span(match.lastindex or 0)
    value = text[start:end].rstrip(_SPACE)
    return (start, start + len(value), value) if value else None


def scan_words(text: str) -> Iterator[Span]:
    """(start, end, word) of each word of a list separated by white space."""
    for match in re.finditer(rf"[^{_SPACE}]+", text):
        yield match.start(), match.end(), match.group(0)


def scan_list(text: str) -> Iterator[Span]:
    """(start, end, url) of each part of a list separated by semicolons, such as the values of an animation."""
    for match in re.finditer(rf"[^{_SPACE};](?:[^;]*[^{_SPACE};])?", text):
        yield match.start(), match.end(), match.group(0)
