"""Forms that two people have open at a time: the second does not undo what the first has saved without knowing it."""

from __future__ import annotations

import hashlib

from flask import request

from archiver.errors import Conflict


def mark_of(*values: object) -> str:
    """A mark of what a form was filled with, which comes back with it."""
    return hashlib.sha256(repr(values).encode()).hexdigest()[:20]


def refuse_overtaken(mark: str) -> None:
    """What a form was filled with has to be what is kept; programs send no mark, and are not asked.

    Args:
        mark: of what is kept now.

    Raises:
        Conflict: somebody has changed it since the form was opened.
    """
    if request.form.get("seen", mark) != mark:
        raise Conflict(
            "Somebody has changed this since you opened it; nothing of yours is saved yet.",
            "Open it in another tab to see what it says now. Save here once more to put what you typed in its place.",
        )
