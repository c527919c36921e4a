"""Finds the URLs of a style sheet by its tokens (CSS Syntax Module Level 3): url(), @import, image-set(), fonts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archiver.markup.slots import Slot, SlotKind
from archiver.markup.text import charset_reader, encode_css

# Sets of characters beyond ASCII are written as what they leave out: to compile them takes a tenth of the time.
_IDENT = r"(?:[^\x00-,./:-@\[-\^`{-\x7f]|\\[0-9a-fA-F]{1,6}+\s?|\\[^\n0-9a-fA-F])"
_TOKEN = re.compile(
    rf"""
      (?P<comment>/\*(?:[^*]|\*(?!/))*+(?P<comment_end>\*/)?)
    | (?P<string>"(?P<dq>(?:[^"\\\n\r\f]|\\[\s\S])*+)"?|'(?P<sq>(?:[^'\\\n\r\f]|\\[\s\S])*+)'?)
    | (?P<selector>\[\s*(?:href|src|action|poster|data)\s*\^?=\s*
        (?:"[^"\\\n\r\f]*+"|'[^'\\\n\r\f]*+'|[-\w]++)\s*(?:[iIsS]\s*)?\])
    | (?P<at>@{_IDENT}++)
    | (?P<url>(?:\\?[uU]|\\0{{0,4}}[57]5\s?)(?:\\?[rR]|\\0{{0,4}}[57]2\s?)(?:\\?[lL]|\\0{{0,4}}[46][cC]\s?)\(\s*+
        (?:(?P<url_dq>"(?:[^"\\\n\r\f]|\\[\s\S])*+"?)|(?P<url_sq>'(?:[^'\\\n\r\f]|\\[\s\S])*+'?)
           |(?P<url_raw>(?:[^"'()\\\s]|\\[0-9a-fA-F]{{1,6}}+\s?|\\[^\n])*+))
        (?:[^)\\]|\\[\s\S])*+(?P<url_end>\))?)
    | (?P<function>(?<![-\w\\]){_IDENT}++\()
    | (?P<ident>{_IDENT}++)
    | (?P<mark>[(){{}};])
    """,
    re.VERBOSE,
)
#: A selector that goes on in the next piece, and how long it may be; no token with a meaning of its own stands in it.
_CUT_SELECTOR = re.compile(r"\[[^\](){};@/\\]*\Z")
_SELECTOR_REACH = 512
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})(?:\r\n|\s)?|\n|([\s\S]))")
#: Functions whose strings are URLs.
_STRING_URLS = frozenset({"image-set", "-webkit-image-set", "src"})
_NO_RESOURCE = ("data:", "#", "about:", "blob:")


def unescape_css(text: str) -> str:
    """A CSS string or url without its escapes."""
    if "\\" not in text:
        return text

    def replace(match: re.Match[str]) -> str:
        if match.group(1):
            number = int(match.group(1), 16)
            return chr(number) if 0 < number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else "\ufffd"
        return match.group(2) or ""

    return _ESCAPE.sub(replace, text)


class CssScanner:
    """Finds URL slots in successive pieces of a style sheet.

    Args:
        charset: the real charset when fed a latin-1 view of bytes; None when fed text.

    Attributes:
        settled: everything before this position has been reported.
    """

    def __init__(self, *, charset: str | None = None) -> None:
        self.settled = 0
        self._read = charset_reader(charset)
        self._text = ""
        self._retry_at = 0
        self._statement = ""  # the at-rule we are in the prelude of
        self._font_depth = 0  # block depth inside @font-face, 0 outside
        self._functions: list[str] = []

    def feed(self, text: str) -> Iterator[Slot]:
        """The slots that `text` completes."""
        self._text += text
        if len(self._text) >= self._retry_at:
            yield from self._scan(final=False)

    def close(self) -> Iterator[Slot]:
        """The slots of the rest."""
        yield from self._scan(final=True)

    def _scan(self, *, final: bool) -> Iterator[Slot]:
        text, end = self._text, len(self._text)
        done = end
        at = 0
        while match := _TOKEN.search(text, at):
            if not final and match.end() >= end - 1:
                done = match.start()
                break
            at = match.end()
            slot = self._token(match)
            if slot is not None:
                yield slot
        if done == end and not final:
            done = max(at, end - 8)  # "/", "ur", "@im" may become a token with what comes
        if not final and (cut := _CUT_SELECTOR.search(text, max(0, done - _SELECTOR_REACH), done)):
            done = cut.start()
        self.settled += done
        self._text = text[done:]
        # A token that stays open is looked at again only when it has grown: no quadratic work on hostile input.
        self._retry_at = len(self._text) + len(self._text) // 4

    def _token(self, match: re.Match[str]) -> Slot | None:
        kind = match.lastgroup
        if match["comment"] is not None or kind == "ident":
            return None
        if match["selector"] is not None:
            start, end = match.span("selector")
            value = self._read(match["selector"])
            return Slot(self.settled + start, self.settled + end, value, SlotKind.SELECTOR, str)
        if match["url"] is not None:
            return self._url(match)
        if match["string"] is not None:
            return self._string(match)
        if match["at"] is not None:
            self._statement = unescape_css(match["at"]).lower()
        elif match["function"] is not None:
            self._functions.append(unescape_css(match["function"][:-1]).lower())
        else:
            self._mark(match["mark"])
        return None

    def _mark(self, mark: str) -> None:
        if mark == "(":
            self._functions.append("")
        elif mark == ")":
            if self._functions:
                self._functions.pop()
        else:
            self._functions.clear()
            if mark == "{":
                if self._font_depth:
                    self._font_depth += 1
                elif self._statement == "@font-face":
                    self._font_depth = 1
            elif mark == "}" and self._font_depth:
                self._font_depth -= 1
            self._statement = ""

    def _url(self, match: re.Match[str]) -> Slot | None:
        for name in ("url_dq", "url_sq"):
            if match[name] is not None:
                start, end = match.span(name)
                quoted_end = end - 1 if end - start > 1 and match[name][-1] == match[name][0] else end
                return self._slot(start + 1, quoted_end)
        return self._slot(*match.span("url_raw"))

    def _string(self, match: re.Match[str]) -> Slot | None:
        is_url = bool(self._functions) and self._functions[-1] in _STRING_URLS
        if not is_url and (self._statement != "@import" or self._functions):
            return None
        return self._slot(*match.span("dq" if match["dq"] is not None else "sq"))

    def _slot(self, start: int, end: int) -> Slot | None:
        value = unescape_css(self._read(self._text[start:end])).strip()
        if self._statement == "@namespace" or not value or value[:6].lower().startswith(_NO_RESOURCE):
            return None
        kind = SlotKind.IMAGE
        if self._statement == "@import":
            kind = SlotKind.STYLESHEET
            self._statement = "@import done"
        elif self._font_depth:
            kind = SlotKind.FONT
        return Slot(self.settled + start, self.settled + end, value, kind, encode_css)


def scan_css(text: str, *, charset: str | None = None) -> Iterator[Slot]:
    """The slots of a whole style sheet or style attribute."""
    scanner = CssScanner(charset=charset)
    yield from scanner.feed(text)
    yield from scanner.close()
