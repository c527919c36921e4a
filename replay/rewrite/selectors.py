"""Selectors that ask how an address is written, such as `a[href^="http"]`, which many sites mark their outward links by.

What they ask is answered by addresses of the archive as it would be by those that the page wrote: absolute ones stand behind
a slash, relative ones behind the marks that `replay.rewrite.urls.spelled` puts before them. The client-side runtime asks in
the same way for scripts (`selectorOf` in runtime/elements.js).
"""

from __future__ import annotations

import re

_PARTS = re.compile(r"""\[\s*([a-z]+)\s*(\^?=)\s*(?:"([^"]*)"|'([^']*)'|([^\s"'\]]+))\s*([iIsS]?)\s*\]""")
_ABSOLUTE = re.compile(r"https?(?::|$)", re.IGNORECASE)
#: Written in the archive as on the page.
_SAME = re.compile(r"#|//|(?!https?:)[a-z][a-z0-9+.\-]*:", re.IGNORECASE)


def archived_selector(selector: str) -> str | None:
    """What asks the same of archived pages, no more and no less specific; None when it does so already.

    Args:
        selector: of one attribute, brackets included, as the CSS scanner gives it.
    """
    parts = _PARTS.fullmatch(selector)
    if parts is None:
        return None
    attribute, operator, double, single, bare, flag = parts.groups()
    value = double if double is not None else single if single is not None else bare
    if not value or not value.isascii() or "\\" in value or "<" in value or _SAME.match(value):
        return None
    quote = "'" if '"' in value else '"'

    def having(start: str, end: str = value) -> str:
        sign = "$=" if operator == "=" else "*="
        return f"[{attribute}{sign}{quote}{start}{end}{quote}{flag and f' {flag}'}]"

    if _ABSOLUTE.match(value):
        return f':is({selector},{having("/")}):where(:not([{attribute}*="/%2e/" i]))'
    if value.startswith("/"):  # as all addresses do that the server wrote
        return f':is({selector}:where(:not([{attribute}*="/http:"],[{attribute}*="/https:"])),{having("/%2E")})'
    return f":is({selector},{having('/%2e/')})"
