"""The texts of captures, and how much of a text each version of a URL has kept of the one before."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from archiver.errors import DamagedRecord
from archiver.extract.text import MAX_DOCUMENT_BYTES, DocumentText, has_text, text_of
from archiver.holdings import Holdings
from archiver.index.protocol import CaptureSource
from archiver.model import Capture
from archiver.textdiff import likeness, words_in
from replay.listing import is_repeated, read_place
from replay.load import load
from replay.lookup import Lookup, Scope

#: Versions of one page of changes, and captures that are looked at for them.
PAGE_SIZE = 20
MOST_LOOKED_AT = 5000
#: Comparisons that are remembered: a number each.
_REMEMBERED = 20_000
_SUCCESS, _NOT_MODIFIED = 2, 304


@dataclass(frozen=True, slots=True)
class Version:
    """Captures of a URL, one after the other, with the same payload.

    Attributes:
        first: the first of them.
        last: the last of them.
        captures: how many.
        before: the capture just before them; None when there is none.
        against: what the version is compared with: of one that succeeded, the capture before it that did; None for others.
        changed: percent of the text that is not as it was in `against`; None where one of both has no text.
    """

    first: Capture
    last: Capture
    captures: int
    before: Capture | None
    against: Capture | None = None
    changed: int | None = None


@dataclass(frozen=True, slots=True)
class Versions:
    """A page of versions, newest first; `following`: where the next page begins, "" at the end."""

    versions: tuple[Version, ...]
    following: str


class CaptureTexts:
    """Reads the texts of captures that a reader may see.

    Args:
        holdings: the opened archive.
        lookup: of the archive.
    """

    def __init__(self, holdings: Holdings, lookup: Lookup) -> None:
        self._holdings, self._lookup = holdings, lookup
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], int] = OrderedDict()

    def text(self, scope: Scope, capture: Capture) -> DocumentText | None:
        """What a capture says; None when it is no text, or cannot be read.

        Args:
            scope: from `Lookup.scope`.
            capture: that was found in it.
        """
        original = self._lookup.original_of(scope, capture) if capture.revisit_of else None
        try:
            found = load(self._holdings.store, capture, original, segments=self._holdings.segments.find)
        except DamagedRecord:
            return None
        try:
            name = found.head.media_type or capture.mime
            if not has_text(name):
                return None
            body = bytearray()
            for piece in found.body():
                body += piece
                if len(body) >= MAX_DOCUMENT_BYTES:
                    break
            return text_of(bytes(body[:MAX_DOCUMENT_BYTES]), name, found.head.charset)
        except DamagedRecord:
            return None
        finally:
            found.close()

    def measured(self, scope: Scope, versions: Sequence[Version]) -> tuple[Version, ...]:
        """The same versions with how much changed in each."""
        words: dict[str, Counter[str] | None] = {}

        def of(capture: Capture) -> Counter[str] | None:
            name = capture.digest or f"{capture.file} {capture.offset}"
            if name not in words:
                text = self.text(scope, capture)
                words[name] = None if text is None else words_in(f"{text.title}\n{text.text}")
            return words[name]

        done = []
        for version in versions:
            if version.against is None:
                done.append(version)
                continue
            pair = (version.against.digest, version.first.digest)
            changed = self._known.get(pair) if all(pair) else None
            if changed is None and (old := of(version.against)) is not None and (new := of(version.first)) is not None:
                changed = percent_changed(old, new)
                if all(pair):
                    self._remember(pair, changed)
            done.append(replace(version, changed=changed))
        return tuple(done)

    def _remember(self, pair: tuple[str, str], changed: int) -> None:
        with self._lock:
            self._known[pair] = changed
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)


def percent_changed(old: Counter[str], new: Counter[str]) -> int:
    """How much of a text is not as it was: 0 only when nothing changed, 100 only when nothing stayed."""
    alike = likeness(old, new)
    if old == new:
        return 0
    return min(99, max(1, round(100 * (1 - alike)))) if alike else 100


def versions_of(
    source: CaptureSource, slugs: Sequence[str], urlkey: str, place: str = "", *, limit: int = PAGE_SIZE
) -> Versions:
    """The versions of a URL, newest first: captures whose payload repeats that of the one before belong to one.

    Args:
        source: of what may be seen.
        slugs: collections.
        urlkey: SURT key.
        place: `following` of the page before; "" for the newest.
        limit: how many at most.
    """
    found: list[Version] = []
    run: list[Capture] = []  # newest first
    begin, passed = read_place(place)
    looked_at, last, in_second = 0, "", 0
    for capture in source.versions(slugs, urlkey, until=begin or None, newest_first=True):
        in_second = in_second + 1 if capture.timestamp == last else 1
        last = capture.timestamp
        if (last == begin and in_second <= passed) or (capture.status == _NOT_MODIFIED and capture.revisit_of is None):
            continue
        if run and (looked_at >= MOST_LOOKED_AT or not is_repeated(run[-1], capture)):
            found.append(Version(run[-1], run[0], len(run), capture))
            run = []
            if len(found) == limit or looked_at >= MOST_LOOKED_AT:
                rest = source.versions(slugs, urlkey, until=last, newest_first=True)
                earlier = next(filter(is_good, islice(rest, MOST_LOOKED_AT)), None)
                return Versions(_against(found, earlier), f"{last}-{in_second - 1}")
        looked_at += 1
        run.append(capture)
    if run:
        found.append(Version(run[-1], run[0], len(run), None))
    return Versions(_against(found, None), "")


def is_good(capture: Capture) -> bool:
    """It succeeded."""
    return (capture.status or 200) // 100 == _SUCCESS


def _against(versions: Sequence[Version], earlier: Capture | None) -> tuple[Version, ...]:
    """Versions, newest first, with what each is compared with; `earlier`: the newest good capture before them all."""
    done: list[Version] = []
    for version in reversed(versions):
        if not is_good(version.first):
            done.append(version)
            continue
        done.append(replace(version, against=earlier))
        earlier = version.last
    return tuple(reversed(done))
