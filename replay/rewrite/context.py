"""What every rewriter needs to know of the page it works on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RewriteContext:
    """Where a response is replayed.

    Attributes:
        prefix: path of the collection on this reader, such as "/unesco/".
        timestamp: 14 digits of the capture shown.
        url: of the archived response.
        modifier: how it was asked for, without underscore ("", "if", "js" …).
    """

    prefix: str
    timestamp: str
    url: str
    modifier: str = ""
