"""Files with seeds: one URL a line, with a scope of its own where it needs one.

# ministries
https://www.example.org/            scope=host
https://example.net/press/2024/
"""

from __future__ import annotations

import re

from archiver.crawl.plan import ScopeKind, Seed
from archiver.errors import InvalidURL, UsageError
from archiver.plaintext import one_line
from archiver.urls import parse_url

#: Characters that a line shows in a message.
_SHOWN = 80
_COMMENT = re.compile(r"(?:\A|[ \t]+)#(?:[ \t].*|\Z)|\A#.*")
_MARKUP = re.compile(r"<(?:!doctype|html|\?xml|opml|dt>|urlset)", re.IGNORECASE)


def read_seeds(text: str, *, name: str = "the seed file") -> tuple[Seed, ...]:
    """The seeds of a file, in order, each URL once.

    Empty lines and what follows a "#" at the start of a line, or after white space and before it, are passed over; a "#"
    inside a URL is part of it. `http://` is assumed where a scheme is missing.

    Args:
        text: of the file.
        name: what messages call it.

    Raises:
        UsageError: a line is no URL, has something else after it, or asks for another scope than before; or there are no
            seeds at all. The message names the line.
    """
    seeds: dict[str, tuple[int, Seed]] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        written = _COMMENT.sub("", line.strip()).strip()
        if not written:
            continue
        where = f"Line {number} of {name}"
        seed = _seed(written, where)
        known = seeds.setdefault(seed.url, (number, seed))
        if known[1].scope != seed.scope:
            raise UsageError(f"{where} gives {seed.url} another scope than line {known[0]} does.", "Keep one of the two.")
    if not seeds:
        raise UsageError(f"There are no seeds in {name}.", "Write one URL on each line.")
    return tuple(seed for _, seed in seeds.values())


def _seed(written: str, where: str) -> Seed:
    if _MARKUP.match(written):
        raise UsageError(f"{where} is markup, not a URL.", "A seed file is plain text with one URL on each line.")
    url, *options = written.split()
    try:
        address = parse_url(url, assume_http=True)
    except InvalidURL as error:
        shown = one_line(written)[:_SHOWN]
        raise UsageError(f"{where} is no web address: “{shown}”.", error.advice) from error
    scope = None
    for option in options:
        word, equals, value = option.partition("=")
        if word.lower() != "scope" or not equals:
            advice = "After a URL only scope=… may stand; a comment begins with “# ”."
            raise UsageError(f"{where} says “{one_line(option)[:_SHOWN]}” after its URL, which means nothing.", advice)
        if scope is not None:
            raise UsageError(f"{where} names two scopes.", "Keep one of them.")
        scope = _scope(value, where)
    return Seed(address, scope)


def _scope(value: str, where: str) -> ScopeKind:
    try:
        return ScopeKind(value.lower())
    except ValueError as error:
        shown, known = one_line(value)[:_SHOWN], ", ".join(ScopeKind)
        raise UsageError(f"{where} asks for the scope “{shown}”, which there is not.", f"Known are: {known}.") from error
