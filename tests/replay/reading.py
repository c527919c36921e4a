"""Rewritten pages as browsers read them."""

from __future__ import annotations

import re


def as_read(page: str) -> str:
    """Without the escaped dots in paths, which browsers take out and which tell scripts how the page wrote an address."""
    return re.sub(r"/%2[eE](?=/)", "", page)
