"""Scripts as they run in the archive. They are left as they were: this is the one place where that can change."""

from __future__ import annotations

import json

from archiver.markup.slots import PassageKind
from replay.rewrite.context import RewriteContext

#: The keys of speculation rules (Speculation Rules, section 2.1), and of each of their rules.
_SPECULATIONS = ("prefetch", "prerender")
_RULE = frozenset({"source", "urls", "where"})


def rewrite_script(context: RewriteContext, source: str, kind: PassageKind) -> str | None:
    """What replaces a script in a page, a handler or a `javascript:` URL; None when it stays as it is.

    Args:
        context: where the page is replayed.
        source: the script.
        kind: what it is: a classic script, a module, JSON, an event handler, a URL.
    """
    del context
    if kind is PassageKind.JSON and is_speculation(source):
        return "{}"  # nothing is fetched ahead, least of all from the live web
    return None


def is_speculation(source: str) -> bool:
    """True for rules that tell the browser what to fetch before anybody asks for it."""
    if not any(f'"{key}"' in source for key in _SPECULATIONS):
        return False
    try:
        rules = json.loads(source)
    except (ValueError, RecursionError):
        return False
    if not isinstance(rules, dict):
        return False
    found = [rule for key in _SPECULATIONS if isinstance(rules.get(key), list) for rule in rules[key]]
    return any(isinstance(rule, dict) and not _RULE.isdisjoint(rule) for rule in found)
