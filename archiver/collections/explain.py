"""Why a reader may or may not see a URL: which rule decides, and which others there are."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.collections.access import Action, Rule, Viewer, parsed_address
from archiver.collections.accessrules import described
from archiver.collections.accesswords import in_words, time_text
from archiver.errors import UsageError
from archiver.holdings import Holdings
from archiver.model import Capture, Visibility
from archiver.plaintext import one_line
from archiver.timestamps import digits_of
from archiver.urls import parse_url, urlkey

_NEWEST = "99991231235959"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Attributes:
    url: that was asked for.
    capture: the nearest one, permitted or not; None when none is held.
    action: what becomes of it.
    rule: that decides; None when none does.
    others: rules for this URL that do not decide, the most specific first.
    visibility: of the collection.
    """

    url: str
    capture: Capture | None
    action: Action
    rule: Rule | None
    others: tuple[Rule, ...]
    visibility: Visibility

    def lines(self) -> list[str]:
        """For people."""
        verdict = {
            Action.ALLOW: "may be seen",
            Action.BLOCK: "is not shown, and readers are told so (451)",
            Action.EXCLUDE: "is not shown, as if it were not held",
        }[self.action]
        if self.capture is not None:
            said = [f"{self.url}: the capture of {time_text(self.capture.timestamp)} {verdict}."]
        else:
            said = [
                f"Nothing of {self.url} is held in this collection: look whether it is spelled as its captures are.",
                f"A capture of it {verdict.replace('may be', 'could be').replace('is not', 'would not be')}.",
            ]
        if self.visibility is Visibility.PRIVATE:
            said.append("The collection is private: the reader shows nothing of it.")
        if self.rule is not None:
            said.append(f"{_named(self.rule).capitalize()} decides: {self.rule.action.value} {in_words(self.rule)}")
        elif self.visibility is not Visibility.PRIVATE:
            said.append("No rule applies.")
        said += [
            f"  less specific, or not for this: {_named(item)}, {item.action.value} {in_words(item)}" for item in self.others
        ]
        return said

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "url": self.url,
            "timestamp": self.capture.timestamp if self.capture else None,
            "action": self.action.value,
            "visibility": self.visibility.value,
            "rule": {"number": self.rule.number, **described(self.rule)} if self.rule else None,
            "others": [item.number for item in self.others],
        }


def _named(rule: Rule) -> str:
    return "a seed that is not public" if rule.seed else f"rule {rule.number}"


def explain(holdings: Holdings, slug: str, url: str, at: str, viewer: Viewer) -> Explanation:
    """What becomes of a URL in a collection.

    Args:
        holdings: the opened archive.
        slug: of the collection.
        url: as a person writes it.
        at: a date; "" for the newest capture.
        viewer: who would ask.

    Raises:
        UnknownCollection: there is none of that name.
        UsageError: the URL, the date or the reader's address cannot be understood.
    """
    if viewer.address and parsed_address(viewer.address) is None:
        raise UsageError(
            f"“{one_line(viewer.address)[:80]}” is no IP address, so no rule for readers at some addresses applies.",
            "Write one such as 192.0.2.7 or 2001:db8::7, or leave it empty.",
        )
    collection = holdings.collections.get(slug)
    address = parse_url(url, assume_http=True)
    now = holdings.access.now()
    moment = digits_of(at, latest=True) if at else _NEWEST
    capture = next(holdings.index.closest((slug,), urlkey(address), moment), None)
    asked = capture or Capture(slug, urlkey(address), moment if at else f"{now:%Y%m%d%H%M%S}", address, "", None, "", "", 0, 0)
    book = holdings.access.current()
    decision = book.gate((slug,), viewer, now).decide(asked)
    action = Action.EXCLUDE if collection.visibility is Visibility.PRIVATE else decision.action
    others = tuple(rule for rule in book.covering(asked.urlkey) if rule is not decision.rule)
    return Explanation(address, capture, action, decision.rule, others, collection.visibility)
