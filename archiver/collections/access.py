"""Who may see which captures: rules as values, and which of them decides. Nothing here does I/O.

The most specific rule that applies decides; without one, a capture may be seen. Of two rules the more specific is:

1. the one that is part of a deletion: what is being deleted no other rule opens;
2. the one for a single capture, then for a single URL, then for all that begins so; of these the longer beginning;
3. the one of a collection, before one for all collections;
4. the one for certain readers, before one for everybody: so an "allow" opens to some what a "block" closes to all;
5. the one for captures of a certain time, before one for all times;
6. the stricter: exclude, then block, then allow.

A rule applies to a capture of its URL, time and file while the rule is in force, for the readers that it names.
"""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from archiver.index.protocol import Row
from archiver.index.query import KeyRange, after_prefix
from archiver.model import Capture
from archiver.urls import urlkey

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Action(StrEnum):
    """What a rule does: let a capture be seen, say that it may not be (451), or keep quiet about it as if it were not held."""

    ALLOW = "allow"
    BLOCK = "block"
    EXCLUDE = "exclude"


class Matching(StrEnum):
    """What a rule's key stands for: what begins so, one URL, a host with all below it, or the captures of one spelled URL."""

    PREFIX = "prefix"
    EXACT = "exact"
    HOST = "host"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks.

    Attributes:
        address: IP address; "" when it is not known.
        groups: names of groups that the reader belongs to.
    """

    address: str = ""
    groups: frozenset[str] = frozenset()


#: Everything there is.
ALL_KEYS = KeyRange("", None)
#: Somebody of whom nothing is known.
ANYONE = Viewer()


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys that a rule does not stand for: single ones, with the answers to what was sent there, and all that begin so."""

    single: frozenset[str] = frozenset()
    beginnings: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.single or self.beginnings)

    def __contains__(self, key: str) -> bool:
        if key in self.single or key.startswith(self.beginnings):
            return True
        return _WITH_REQUEST in key and any(_answers_to(asked, key) for asked in self.single)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        number: of the rule; 0 before it is kept.
        action: what it does.
        matching: how `urlkey` is compared.
        urlkey: SURT key or its beginning; "" for everything; of hosts without the closing bracket.
        collection: slug; None for all collections.
        url: as a person gave it; with RECORD the very spelling.
        since: earliest time of capture, 14 digits as a number; 0 for none.
        until: latest time of capture, included; 0 for none.
        embargo: seconds; the rule is only for captures younger than that; 0 for any age.
        files: WARC files that it is about; empty for all.
        addresses: networks of the readers that it is for, with `groups`; both empty for everybody.
        groups: of readers that it is for.
        starts_at: when it comes into force, UTC.
        ends_at: when it ceases to be.
        message: what readers are told of a blocked capture.
        reason: what the keepers of the archive note for themselves.
        deletion: "suppressed" or "purged" for a rule that is part of a deletion, else "".
        spared: what of its keys it does not stand for.
        seed: URL of the seed for which it stands, because that is not public; nobody wrote the rule, and it has no number.
        created_at: ISO, UTC.
        created_by: who made it.
    """

    action: Action
    matching: Matching = Matching.PREFIX
    urlkey: str = ""
    number: int = 0
    collection: str | None = None
    url: str = ""
    since: int = 0
    until: int = 0
    embargo: int = 0
    files: frozenset[str] = frozenset()
    addresses: tuple[Network, ...] = ()
    groups: frozenset[str] = frozenset()
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    message: str = ""
    reason: str = ""
    deletion: str = ""
    spared: Keys = Keys()
    seed: str = ""
    created_at: str = ""
    created_by: str = ""

    @property
    def is_for_everybody(self) -> bool:
        """It names no readers."""
        return not (self.addresses or self.groups)

    @property
    def is_of_a_time(self) -> bool:
        """It is about captures of some time only, or of some files."""
        return bool(self.since or self.until or self.embargo or self.files)

    @property
    def folder(self) -> str:
        """The key of the very folder of which a rule names all below; "" for other rules.

        Keys lose the slash at their end: the page of `https://example.org/staff/` begins so, and its key does not.
        """
        is_folder = self.matching is Matching.PREFIX and self.urlkey.endswith("/") and not self.urlkey.endswith(")/")
        return self.urlkey[:-1] if is_folder else ""

    def beginnings(self) -> Iterator[str]:
        """What the keys begin with that the rule stands for, but for `folder`; nothing for a rule of single URLs."""
        if self.matching is Matching.HOST:
            yield from (self.urlkey + following for following in _AFTER_HOST)
        elif self.matching is Matching.PREFIX:
            yield self.urlkey
            if self.folder:
                yield f"{self.folder}?"

    def ranges(self) -> Iterator[KeyRange]:
        """The ranges of keys that the rule is about, and perhaps some more."""
        yield from map(KeyRange.beginning_with, self.beginnings())
        if self.folder:
            yield KeyRange.exactly(self.folder)
        if self.matching in (Matching.EXACT, Matching.RECORD):
            yield KeyRange.exactly(self.urlkey)
            # Answers to requests with a body have keys of their own, with what was sent in their query.
            yield KeyRange.beginning_with(self.urlkey.partition("?")[0] + "?")

    def closes_all_of(self, slugs: frozenset[str]) -> bool:
        """All that it stands for is hidden in these collections, whatever the capture."""
        of_them = self.collection is None or slugs == {self.collection}
        is_whole = not (self.is_of_a_time or self.spared) and self.matching is not Matching.RECORD
        return of_them and self.action is not Action.ALLOW and is_whole

    def spares(self, key: str) -> bool:
        """The rule does not stand for this one of its keys."""
        return key in self.spared

    def specificity(self) -> tuple[object, ...]:
        """Grows with how specific the rule is, see the top of this module."""
        return (
            bool(self.deletion),
            _KINDS[self.matching],
            len(self.urlkey),
            self.collection is not None,
            not self.is_for_everybody,
            self.is_of_a_time,
            _STRICTNESS[self.action],
            -self.number,
        )

    def is_for(self, viewer: Viewer) -> bool:
        """The reader is one of those that the rule names. Of an unknown address nothing is opened, and nothing left open."""
        if self.is_for_everybody or self.groups & viewer.groups:
            return True
        if not self.addresses:
            return False
        address = parsed_address(viewer.address)
        if address is None:
            return self.action is not Action.ALLOW
        return any(address in network for network in self.addresses)

    def is_in_force(self, now: datetime) -> bool:
        """It holds at this moment."""
        return not ((self.starts_at and now < self.starts_at) or (self.ends_at and now >= self.ends_at))

    def earliest(self, now: datetime) -> int:
        """From which time of capture on it applies, 14 digits as a number."""
        if not self.embargo:
            return self.since
        try:
            youngest = now - timedelta(seconds=self.embargo)
        except OverflowError:
            return self.since
        return max(self.since, int(f"{youngest:%Y%m%d%H%M%S}".rjust(14, "0")) + 1)


#: What begins a host's key, and what then follows: its paths, hosts below it, other ports.
_AFTER_HOST = (")", ",", ":")
_KINDS = {Matching.PREFIX: 0, Matching.HOST: 0, Matching.EXACT: 1, Matching.RECORD: 2}
_STRICTNESS = {Action.ALLOW: 0, Action.BLOCK: 1, Action.EXCLUDE: 2}


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a capture, and the rule that says so; None when there is none."""

    action: Action
    rule: Rule | None = None


_ALLOWED = Decision(Action.ALLOW)


def decide(rules: Iterable[Rule], capture: Capture, viewer: Viewer, now: datetime) -> Decision:
    """Whether a reader may see a capture.

    Args:
        rules: any; those that do not apply are passed over.
        capture: what is asked for.
        viewer: who asks.
        now: UTC.
    """
    return RuleBook(rules).gate((capture.collection,), viewer, now).decide(capture)


@lru_cache(maxsize=4096)
def parsed_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IP address, also in brackets or with a zone; IPv4 inside IPv6 as IPv4; None when it is none."""
    try:
        address = ipaddress.ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


# -- rules in the order of their keys --------------------------------------------------------------------------------

_WITH_REQUEST = "__wb_method="
#: Keys that name something of another URL: `screenshot:http://…`, `youtube-dl:00001:http://…`, `dns:host`, `whois:host`; not
#: `org,example:8080)/`.
_WRAPPED = re.compile(r"[a-z][a-z0-9+.\-]*:(?:[a-z0-9+.\-]+:)*?(?=https?://)|(?:dns|whois):(?=[^:/]+$)")
#: Save Page Now keeps its pictures of pages under a host's key, behind which the URL has lost a slash.
_PICTURED = "org,archive,web)/screenshot/"
_AFTER_PICTURED = after_prefix(_PICTURED) or ""
_LOST_SLASH = re.compile(r"(https?):/+")
_HOST_BEGINS = re.compile(r"[^,):]*[,)]|\[")


def _answers_to(asked: str, key: str) -> bool:
    """A key is that of the answer to a request with a body, sent to a URL with the key `asked`."""
    path, _, wanted = asked.partition("?")
    if _WITH_REQUEST not in key or key.partition("?")[0] != path:
        return False
    return not wanted or set(key.partition("?")[2].split("&")).issuperset(wanted.split("&"))


@dataclass(frozen=True, slots=True)
class _Entry:
    """The rules of one beginning, and where the next shorter beginning of it is; -1 for nowhere."""

    start: str
    rules: tuple[Rule, ...]
    parent: int


class RuleBook:
    """Rules so arranged that those for one key are found at once, however many there are.

    Args:
        rules: in any order.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)
        self._exact: dict[str, list[Rule]] = {}
        beginnings: dict[str, list[Rule]] = {}
        for rule in self.rules:
            if single := rule.urlkey if _KINDS[rule.matching] else rule.folder:
                self._exact.setdefault(single, []).append(rule)
            for start in rule.beginnings():
                beginnings.setdefault(start, []).append(rule)
        self._of_paths: dict[str, list[str]] = {}
        for key in self._exact:
            self._of_paths.setdefault(key.partition("?")[0], []).append(key)
        self._exact_keys = sorted(self._exact)
        self._entries = list(_nested(beginnings))
        self._starts = [entry.start for entry in self._entries]
        self._seen: dict[str, tuple[Rule, ...]] = {}

    def covering(self, key: str) -> tuple[Rule, ...]:
        """Rules whose key stands for this one, the most specific first."""
        found = self._seen.get(key)
        if found is None:
            if len(self._seen) > 10_000:
                self._seen.clear()
            rules = [rule for rule in self._found(key) if not rule.spares(key)]
            found = self._seen[key] = tuple(sorted(rules, key=Rule.specificity, reverse=True))
        return found

    def _found(self, key: str) -> list[Rule]:
        found = list(self._exact.get(key, ()))
        if _WITH_REQUEST in key:  # a rule for the URL of a request with a body is one for its answer too
            for asked in self._of_paths.get(key.partition("?")[0], ()):
                if asked != key and _answers_to(asked, key):
                    found += (rule for rule in self._exact[asked] if not rule.folder)
        place = bisect_right(self._starts, key) - 1
        while place >= 0:
            entry = self._entries[place]
            if key.startswith(entry.start):
                found += entry.rules
            place = entry.parent
        if wrapped := _wrapped(key):
            known = set(map(id, found))
            found += [rule for rule in self.covering(urlkey(wrapped)) if id(rule) not in known]
        return found

    def touches(self, keys: KeyRange) -> bool:
        """Whether some rule may stand for a key of this range; False only when none does."""
        for known in (self._exact_keys, self._starts):
            place = bisect_left(known, keys.start)
            if place < len(known) and known[place] in keys:
                return True
        if self._has_answers(keys):
            return True
        # Also those that spare this very key: they may stand for another one of the range.
        return bool(self._found(keys.start)) or (bool(self.rules) and not _is_of_hosts(keys))

    def _has_answers(self, keys: KeyRange) -> bool:
        """Answers to requests with a body may be in the range, for whose URL there is a rule."""
        path, mark, _ = keys.start.partition("?")
        return bool(mark) and path in self._of_paths

    def stands_alone(self, rule: Rule, keys: KeyRange) -> bool:
        """A rule that covers the first key of a range covers all of it, and there is no rule for a part of it."""
        if keys.only is not None:
            return True
        if len(self.rules) > 1 and keys.start and (self._has_answers(keys) or not _is_of_hosts(keys)):
            return False  # rules whose own keys are not in the range may stand for some in it
        if not any(keys.start.startswith(first) and _is_within(first, keys.end) for first in rule.beginnings()):
            return False
        places = ((known, bisect_right(known, keys.start)) for known in (self._exact_keys, self._starts))
        return not any(place < len(known) and known[place] in keys for known, place in places)

    def gate(self, slugs: Sequence[str], viewer: Viewer, now: datetime) -> Gate:
        """What the rules say to one reader at one moment."""
        return Gate(self, frozenset(slugs), viewer, now)


def _wrapped(key: str) -> str:
    """The URL of which a key names something; "" when it is a URL's own."""
    if key.startswith(_PICTURED):
        url, found = _LOST_SLASH.subn(r"\1://", key[len(_PICTURED) :], count=1)
        return url if found and url.startswith("http") else ""
    match = _WRAPPED.match(key)
    return key[match.end() :] if match is not None else ""


def _is_of_hosts(keys: KeyRange) -> bool:
    """All keys of a range are those of hosts: none is such as `screenshot:http://…`, for which rules for hosts stand too."""
    head = _HOST_BEGINS.match(keys.start)
    if keys.start < _AFTER_PICTURED and (keys.end is None or keys.end > _PICTURED):
        return False
    return (
        head is not None
        and keys.end is not None
        and (keys.end.startswith(head.group()) or after_prefix(head.group()) == keys.end)
    )


def _is_within(beginning: str, end: str | None) -> bool:
    """A range that starts with a key of this beginning ends in it, or where it ends."""
    if not beginning:
        return True
    return end is not None and (end.startswith(beginning) or end == after_prefix(beginning))


def _nested(beginnings: dict[str, list[Rule]]) -> Iterator[_Entry]:
    """Entries in the order of their beginnings, each with the place of the longest shorter beginning of its own."""
    open_: list[tuple[int, str]] = []
    for place, start in enumerate(sorted(beginnings)):
        while open_ and not start.startswith(open_[-1][1]):
            open_.pop()
        yield _Entry(start, tuple(beginnings[start]), open_[-1][0] if open_ else -1)
        open_.append((place, start))


@dataclass(slots=True)
class Gate:
    """What rules say to one reader at one moment about captures of some collections."""

    book: RuleBook
    slugs: frozenset[str]
    viewer: Viewer
    now: datetime
    _seen: dict[str, tuple[tuple[Rule, int], ...]] = field(default_factory=dict)

    def applying(self, key: str) -> tuple[tuple[Rule, int], ...]:
        """Rules for a key that hold for this reader now, the most specific first; and from which time of capture on."""
        found = self._seen.get(key)
        if found is None:
            if len(self._seen) > 1000:
                self._seen.clear()
            found = self._seen[key] = tuple(
                (rule, rule.earliest(self.now))
                for rule in self.book.covering(key)
                if (rule.collection is None or rule.collection in self.slugs)
                and rule.is_in_force(self.now)
                and rule.is_for(self.viewer)
            )
        return found

    def decide(self, capture: Capture) -> Decision:
        """What becomes of a capture."""
        applying = self.applying(capture.urlkey)
        if not applying:
            return _ALLOWED
        return self._first(applying, capture.collection, int(capture.timestamp), capture.url, capture.file)

    def closes(self, keys: KeyRange) -> bool:
        """Nothing of a range of keys may be seen. False also where only looking would tell."""
        applying = self.applying(keys.start)
        return bool(applying) and applying[0][0].closes_all_of(self.slugs) and self.book.stands_alone(applying[0][0], keys)

    def permits(self, capture: Capture) -> bool:
        """The capture may be seen."""
        return self.decide(capture).action is Action.ALLOW

    def permits_row(self, slug: str, row: Row) -> bool:
        """The same of a row of the index."""
        key, timestamp, url, file = row[0], row[1], row[2], row[8]
        applying = self.applying(key)
        return not applying or self._first(applying, slug, timestamp, url, file).action is Action.ALLOW

    @staticmethod
    def _first(applying: Iterable[tuple[Rule, int]], slug: str, timestamp: int, url: str, file: str) -> Decision:
        for rule, earliest in applying:
            if (
                (rule.collection is None or rule.collection == slug)
                and earliest <= timestamp
                and (not rule.until or timestamp <= rule.until)
                and (not rule.files or file in rule.files)
                and (rule.matching is not Matching.RECORD or rule.url == url)
            ):
                return Decision(rule.action, rule)
        return _ALLOWED
