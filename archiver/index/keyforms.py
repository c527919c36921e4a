"""How other programs write the keys of their indexes, and where in those to look for a key of ours.

pywb, Common Crawl, the Internet Archive and WACZ files make keys by the rules that ours have too. Others differ in the host
(a comma at its end, `www.` kept, not turned round, the scheme before it) or in the query (not sorted, session ids kept). Which
of these an index has is found out from a sample of its lines when it is attached.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from archiver.index.protocol import Row
from archiver.urls import urlkey

_PORT = re.compile(r":\d+$")
#: What the key of an answer to a request with a body has in its query, before what was sent.
_WITH_BODY = "__wb_method="
#: Share of sampled lines that must have our keys for the order of the index to count as ours.
_NEARLY_ALL = 0.99


class HostForm(StrEnum):
    """How the host is written at the beginning of a key."""

    SAME = "same"
    COMMA = "comma"
    WWW = "www"
    WWW_COMMA = "www-comma"
    PLAIN = "plain"
    SCHEME = "scheme"


@dataclass(frozen=True, slots=True)
class KeyRules:
    """How an index writes its keys.

    Attributes:
        hosts: the forms of hosts that are in it, one at least.
        loose: some queries are written in another way: all keys of the same path are looked at, and their URLs compared.
        rekeyed: most keys are not ours: streams are given our keys and put in their order.
        unlike: share of sampled lines, 0 to 1, whose keys follow no rule that is known; those are not found by their URL.
    """

    hosts: tuple[HostForm, ...] = (HostForm.SAME,)
    loose: bool = False
    rekeyed: bool = False
    unlike: float = 0.0

    @property
    def is_ours(self) -> bool:
        """Look-ups are those of our keys and no others."""
        return self.hosts == (HostForm.SAME,) and not self.loose and not self.rekeyed


OURS = KeyRules()


def spellings(key: str, form: HostForm) -> list[str]:
    """A key, or the beginning of one that has all of its host, as an index with that form may write it."""
    host, closed, rest = key.partition(")")
    if not closed:
        return [key] if form is HostForm.SAME else []
    port = _PORT.search(host)
    tail = port.group() if port else ""
    name = host.removesuffix(tail)
    if form is HostForm.SAME:
        return [key]
    if form is HostForm.COMMA:
        return [f"{name},{tail}){rest}"]
    if form is HostForm.WWW:
        return [f"{name},www{tail}){rest}"]
    if form is HostForm.WWW_COMMA:
        return [f"{name},www,{tail}){rest}"]
    if form is HostForm.PLAIN:
        turned = name if name.startswith("[") else ".".join(reversed(name.split(",")))
        return [f"{turned}{tail}{rest}", f"www.{turned}{tail}{rest}"]
    hosts = (f"{name},{tail}", f"{name},www,{tail}")
    return [f"{scheme}://({host}){rest}" for scheme in ("http", "https") for host in hosts]


def our_key(row: Row) -> str:
    """The key that a row has by our rules; of an answer to a request with a body, what was sent is in its key alone."""
    _, mark, sent = row[0].partition(_WITH_BODY)
    if not mark:
        return urlkey(row[2])
    return urlkey(f"{row[2]}{'&' if '?' in row[2] else '?'}{_WITH_BODY}{sent}")


def rules_of(sample: Iterable[Row]) -> KeyRules:
    """The rules that the lines of an index follow."""
    found: Counter[HostForm] = Counter()
    count = exact = loose = unlike = 0
    for row in sample:
        count += 1
        ours = our_key(row)
        form = next((form for form in HostForm if row[0] in spellings(ours, form)), None)
        exact += form is HostForm.SAME
        if form is None:
            bare = ours.partition("?")[0]
            theirs = row[0].partition("?")[0]
            form = next((form for form in HostForm if theirs in spellings(bare, form)), None)
            loose += form is not None
            unlike += form is None
        if form is not None:
            found[form] += 1
    if not found:
        return KeyRules(unlike=1.0 if count else 0.0)
    return KeyRules(tuple(form for form in HostForm if found[form]), bool(loose), exact < _NEARLY_ALL * count, unlike / count)
