"""Foreign text made fit for terminals, pages and databases: what it says stays, what would steer a terminal goes."""

from __future__ import annotations

import unicodedata


def plain(text: str) -> str:
    """Text without control characters but line ends and tabs, and without lone surrogates."""
    text = text.replace("\r\n", "\n").encode("utf-8", "replace").decode("utf-8")
    return "".join(letter if letter in "\n\t" or unicodedata.category(letter) != "Cc" else " " for letter in text)


def one_line(text: str) -> str:
    """The same on one line, runs of white space as one space."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return " ".join(plain(text).split())
