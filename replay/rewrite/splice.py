"""Text that streams through with some spans replaced."""

from __future__ import annotations


class Splicer:
    """Holds text until it is settled, and gives it out with the replacements made so far.

    Positions count characters of everything fed, from the first.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []  # fed, not yet joined: an endless script is not copied for each piece of it
        self._text = ""
        self._start = 0  # position of the first character held
        self._end = 0
        self._edits: list[tuple[int, int, str]] = []

    def feed(self, text: str) -> None:
        """More text."""
        self._pieces.append(text)
        self._end += len(text)

    def replace(self, start: int, end: int, text: str) -> None:
        """Replace a span that was not given out yet; spans come in order and do not overlap (those that do are lost)."""
        if start >= (self._edits[-1][1] if self._edits else self._start) and start <= end <= self._end:
            self._edits.append((start, end, text))

    def held(self) -> str:
        """The text that was not given out yet, without replacements."""
        if self._pieces:
            self._text = "".join((self._text, *self._pieces))
            self._pieces.clear()
        return self._text

    @property
    def start(self) -> int:
        """Position of the first character of `held`."""
        return self._start

    def take(self, settled: int) -> str:
        """Everything before `settled`, with its replacements."""
        if settled <= self._start and not self._edits:
            return ""
        text = self.held()
        out: list[str] = []
        at = self._start
        kept = 0
        for start, end, new in self._edits:
            if end > settled:
                break
            out += (text[at - self._start : start - self._start], new)
            at = end
            kept += 1
        del self._edits[:kept]
        stop = min(settled, self._edits[0][0]) if self._edits else settled
        if stop > at:
            out.append(text[at - self._start : stop - self._start])
            at = stop
        self._text = text[at - self._start :]
        self._start = at
        return "".join(out)

    def rest(self) -> str:
        """Everything that is left."""
        return self.take(self._end)
