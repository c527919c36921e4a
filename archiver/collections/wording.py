"""What stands in the columns of crawls, said for people."""

from __future__ import annotations

from archiver.crawl.decision import Decision, UrlState, Verdict, explain
from archiver.model import Hop

#: States as lists and options name them.
STATE_NAMES = {
    UrlState.QUEUED: "queued",
    UrlState.CAPTURED: "captured",
    UrlState.FAILED: "failed",
    UrlState.BLOCKED: "blocked",
    UrlState.OUT_OF_SCOPE: "out-of-scope",
    UrlState.TRAPPED: "trapped",
}

_HOPS = {
    Hop.LINK: "link",
    Hop.REDIRECT: "redirect",
    Hop.EMBED: "embed",
    Hop.SPECULATIVE: "guess",
    Hop.PREREQUISITE: "prerequisite",
    Hop.INFERRED: "inferred",
    Hop.MANIFEST: "sitemap",
    Hop.SYNTHESIZED: "synthesized",
}


def sentence_of(state: UrlState, verdict: str, detail: str) -> str:
    """Why a URL was taken or refused; a verdict of a newer version is shown as it is."""
    try:
        known = Verdict(verdict)
    except ValueError:
        return f"{verdict}: {detail}" if detail else verdict
    return explain(Decision(state, known, detail))


def hops_in_words(hops: str) -> str:
    """The way from the seed, such as "seed → link → embed"; repeated steps are counted."""
    steps: list[tuple[str, int]] = []
    for letter in hops:
        try:
            word = _HOPS[Hop(letter)]
        except ValueError:
            word = letter
        if steps and steps[-1][0] == word:
            steps[-1] = (word, steps[-1][1] + 1)
        else:
            steps.append((word, 1))
    return " → ".join(["seed", *(word if times == 1 else f"{word} ×{times}" for word, times in steps)])
