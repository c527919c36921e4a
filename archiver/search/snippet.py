"""The stretch of a text that shows best why it was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archiver.search.words import Question, folded, spans_of

#: Characters of a snippet, and of the text that are looked through for it.
LENGTH = 260
_LOOKED_THROUGH = 100_000
#: Places that are looked at; a text that has a word a thousand times shows it in the first ones.
_MOST_PLACES = 400


@dataclass(frozen=True, slots=True)
class SnippetPart:
    """A part of a snippet.

    Attributes:
        text: as it stands in the document, white space made one.
        is_match: it is one of the words looked for.
    """

    text: str
    is_match: bool


def snippet_of(text: str, question: Question, length: int = LENGTH) -> tuple[SnippetPart, ...]:
    """The part of a text with the most words of a question, in pieces; its beginning when none is in it.

    Args:
        text: of a document.
        question: what was looked for.
        length: about how many characters.
    """
    text = text[:_LOOKED_THROUGH]
    places = list(_places(text, question))
    start, end = _window(text, places, length)
    parts = [SnippetPart("… ", False)] if start else []
    at = start
    for first, last, _ in places:
        if first < at or last > end:
            continue
        if first > at:
            parts.append(SnippetPart(_one_space(text[at:first]), False))
        parts.append(SnippetPart(text[first:last], True))
        at = last
    if at < end:
        parts.append(SnippetPart(_one_space(text[at:end]), False))
    if end < len(text):
        parts.append(SnippetPart(" …", False))
    return tuple(parts)


def _places(text: str, question: Question) -> Iterator[tuple[int, int, str]]:
    """Where words of the question stand: start, end, which."""
    wanted = {folded(word).replace(" ", "") for phrase in question.words for word in (phrase, *phrase.split())}
    beginnings = tuple(folded(clause.words[-1]) for group in question.groups for clause in group if clause.is_prefix)
    count = 0
    for start, end, is_unspaced in spans_of(text):
        token = folded(text[start:end])
        if is_unspaced:
            for word in wanted:
                at = token.find(word) if word and len(token) == end - start else -1
                while at >= 0:
                    yield start + at, start + at + len(word), word
                    at = token.find(word, at + len(word))
                    count += 1
        elif token in wanted or (beginnings and token.startswith(beginnings)):
            yield start, end, token
            count += 1
        if count >= _MOST_PLACES:
            return


def _window(text: str, places: list[tuple[int, int, str]], length: int) -> tuple[int, int]:
    """Where the snippet begins and ends."""
    if not places:
        return 0, _word_end(text, min(length, len(text)))
    places.sort()
    best, best_start = (0, 0), places[0][0]
    for index, (start, _, _) in enumerate(places):
        inside = [word for first, last, word in places[index : index + 20] if last <= start + length - 40]
        score = (len(set(inside)), len(inside))
        if score > best:
            best, best_start = score, start
    start = max(0, best_start - 40)
    if start:
        blank = max(text.rfind(" ", start, best_start), text.rfind("\n", start, best_start))
        start = blank + 1 if blank >= 0 else start
    return start, _word_end(text, min(len(text), start + length))


def _word_end(text: str, end: int) -> int:
    if end >= len(text) or not text[end].isalnum():
        return end
    blank = max(text.rfind(" ", end - 40, end), text.rfind("\n", end - 40, end))
    return blank if blank > 0 else end


def _one_space(text: str) -> str:
    joined = " ".join(text.split())
    return (" " if text[:1].isspace() else "") + joined + (" " if text[-1:].isspace() and joined else "")
