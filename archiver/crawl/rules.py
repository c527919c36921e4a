"""The accept and block rules of a plan, made ready to be asked for every URL; and the SURT form they may be written in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from archiver.crawl.decision import Decision, UrlState, Verdict
from archiver.crawl.plan import Rule, RuleAction, RuleMatch
from archiver.errors import UsageError
from archiver.plaintext import one_line

#: Characters of a URL that a regular expression is shown: longer ones are refused as traps, or are data.
REGEX_CHARACTERS = 2083
#: Seconds of computing that one regular expression may take for one URL, and once more if it was only held up by something
#: else. Usual ones take a millionth.
REGEX_SECONDS = (0.02, 0.05)

_AUTHORITY_END = re.compile(r"[/?#]|\Z")
_PORT = re.compile(r"(\[.*\]|.*?)(:\d*)?", re.DOTALL)
_SURT_START = re.compile(r"\A(?:[a-z][a-z0-9+.\-]*://)?\(?")
_SURT_PORT = re.compile(r"(?<!,)(:\d+)(?=,?\Z)")
_SURT_WWW = re.compile(r",www(,:\d+)?,?\Z")


class Rules:
    """The rules of a plan that are switched on.

    Raises:
        UsageError: a rule has no pattern, or a regular expression is none; names the rule.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        checks: dict[RuleAction, list[_Check]] = {RuleAction.BLOCK: [], RuleAction.ACCEPT: []}
        for rule in rules:
            check = _check(rule)  # one that is switched off is to be right as well
            if rule.enabled:
                checks[rule.action].append(check)
        self._blocks = tuple(checks[RuleAction.BLOCK])
        self._accepts = tuple(checks[RuleAction.ACCEPT])

    def blocked(self, url: str) -> Decision | None:
        """The refusal by the first block rule that matches."""
        for check in self._blocks:
            if (decision := check(url)) is not None:
                return decision
        return None

    def accepted(self, url: str) -> Decision | None:
        """The acceptance by the first accept rule that matches. Block rules are not asked again."""
        for check in self._accepts:
            if (decision := check(url)) is not None:
                return decision
        return None


_Check = Callable[[str], Decision | None]


def surt(url: str) -> str:
    """The URL with its host turned round, as prefixes of rules are compared: "org,example,docs,)/a?b".

    As Heritrix writes it, without what does not tell sites apart: scheme, `www.`, user name, and case.
    """
    rest = url.partition("://")[2]
    end = _AUTHORITY_END.search(rest).start()  # type: ignore[union-attr]  # it matches at the end if nowhere else
    return f"{turned_host(rest[:end])}){rest[end:].lower()}"


def turned_host(authority: str) -> str:
    """Host and port as a SURT form begins: "www.example.org:8080" → "org,example,:8080,"; addresses stay as they are."""
    found = _PORT.fullmatch(authority.rpartition("@")[2].lower())
    host, port = found.groups("") if found else (authority, "")
    host = host.rstrip(".").removeprefix("www.")
    turned = host if host.startswith("[") else ",".join(reversed(host.split(".")))
    return f"{turned},{port}," if port else f"{turned},"


def surt_prefix(written: str) -> str:
    """A SURT prefix as people write it, in the form that `surt` gives.

    Heritrix's "http://(org,example,www,)/a", a urlkey such as "org,example)/a", the start of a host such as "org,example,",
    and also a plain "https://example.org/a".
    """
    prefix = written.strip()
    host, slash, _ = prefix.partition("://")[2].partition("/") if "://" in prefix else prefix.partition("/")
    if "(" not in host and ")" not in host and "," not in host and ("." in host or "://" in prefix):
        plain = surt(prefix if "://" in prefix else f"http://{prefix}")
        return plain if slash else plain.removesuffix(")")
    host, closed, path = _SURT_START.sub("", prefix.lower()).partition(")")
    host = _SURT_PORT.sub(r",\1", host)
    without_www = _SURT_WWW.sub(r"\1", host)
    if closed or without_www != host:
        return f"{without_www.removesuffix(',')},){path}"
    return host


def _check(rule: Rule) -> _Check:
    pattern = rule.pattern
    if not pattern.strip():
        raise UsageError(f"The {rule.action} rule by {rule.match} has no pattern.", "Say what it is to match.")
    taken = rule.action is RuleAction.ACCEPT
    state = UrlState.QUEUED if taken else UrlState.OUT_OF_SCOPE
    verdict = Verdict.ACCEPT_RULE if taken else Verdict.BLOCK_RULE
    decision = Decision(state, verdict, f"{rule.match} {one_line(pattern)[:200]}")
    if rule.match is RuleMatch.TEXT:
        return lambda url: decision if pattern in url else None
    if rule.match is RuleMatch.SURT:
        prefix = surt_prefix(pattern)
        return lambda url: decision if surt(url).startswith(prefix) else None
    return _regex_check(rule, decision)


def _regex_check(rule: Rule, decision: Decision) -> _Check:
    """A search that ends in time: some expressions take ages for some URLs, and URLs are written by others.

    Where it does not end, the URL counts as one that a block rule refuses and an accept rule does not take, and the refusal
    says so.
    """
    import regex  # takes a while, and most plans have no such rule

    try:
        search = regex.compile(rule.pattern).search
    except (regex.error, OverflowError, RecursionError, MemoryError) as error:
        raise UsageError(
            f"The {rule.action} rule “{one_line(rule.pattern)[:100]}” is no regular expression: {error}.",
            "Correct it, or write it as a rule by text.",
        ) from error
    late = (
        None if decision.taken else Decision(decision.state, decision.verdict, f"{decision.detail} (it took too long to say)")
    )

    def check(url: str) -> Decision | None:
        for seconds in REGEX_SECONDS:
            try:
                return decision if search(url[:REGEX_CHARACTERS], timeout=seconds) else None
            except TimeoutError:
                continue
        return late

    return check
