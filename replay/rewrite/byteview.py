"""Bytes of a document as text in which nothing is lost: what goes back out is, byte for byte, what came in.

Scanners and rewriters work on text, archives on bytes that may be in any encoding, or broken. Each view here turns bytes
into characters one way and back the other way, whatever the bytes are.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple, Protocol

from archiver.markup.charset import Charset

#: In some views, the private characters that stand for bytes which are not ASCII where they stand.
_PRIVATE = 0xF700
_PRIVATE_RUN = re.compile("[\uf700-\uf7ff]+")
_TO_PRIVATE = {byte: _PRIVATE + byte for byte in range(256)}
_FROM_PRIVATE = {_PRIVATE + byte: byte for byte in range(256)}
_ESCAPE = re.compile(rb"\x1b(?:\([BIJ]|\$[@B])")
_BACK_TO_ASCII = (b"\x1b(B", b"\x1b(J")


class View(Protocol):
    """One way to see bytes as text.

    Attributes:
        scanner_charset: what scanners are told; None when the text they get is real text already.
        url_charset: codec for the queries of URLs (URL Standard, section 5.1); None for UTF-8.
    """

    scanner_charset: str | None
    url_charset: str | None

    def decode(self, data: bytes) -> str:
        """What `data` completes."""
        ...

    def finish(self) -> str:
        """What was held back for more bytes."""
        ...

    def encode(self, text: str) -> bytes:
        """The bytes of a piece of the text; never fails."""
        ...

    def read(self, value: str) -> str:
        """What a value found by a scanner really says."""
        ...

    def tail(self) -> bytes:
        """Bytes at the very end that are no text."""
        ...


class TransparentView:
    """For encodings whose ASCII bytes are always ASCII: one byte is one character."""

    def __init__(self, charset: str) -> None:
        self.scanner_charset: str | None = charset
        self.url_charset: str | None = None if charset == "utf-8" else charset

    def decode(self, data: bytes) -> str:
        """What `data` completes."""
        return data.decode("latin-1")

    def finish(self) -> str:
        """Nothing is ever held back."""
        return ""

    def encode(self, text: str) -> bytes:
        """The bytes of a piece of the text."""
        return text.encode("latin-1", "xmlcharrefreplace")

    def read(self, value: str) -> str:
        """Scanners decode by themselves."""
        return value

    def tail(self) -> bytes:
        """Every byte is text."""
        return b""


class Utf16View:
    """UTF-16, really decoded; unpaired surrogates and an odd last byte survive."""

    def __init__(self, charset: str) -> None:
        self.scanner_charset: str | None = None
        self.url_charset: str | None = None
        self._codec = charset
        self._decode = codecs.utf_16_be_decode if charset == "utf-16-be" else codecs.utf_16_le_decode
        self._held = b""

    def decode(self, data: bytes) -> str:
        """What `data` completes."""
        data = self._held + data
        text, used = self._decode(data, "surrogatepass", False)
        self._held = data[used:]
        return text

    def finish(self) -> str:
        """A high surrogate without its pair."""
        even = len(self._held) & ~1
        text, _ = self._decode(self._held[:even], "surrogatepass", True)
        self._held = self._held[even:]
        return text

    def encode(self, text: str) -> bytes:
        """The bytes of a piece of the text."""
        return text.encode(self._codec, "surrogatepass")

    def read(self, value: str) -> str:
        """Values are real text already."""
        return value

    def tail(self) -> bytes:
        """The odd byte."""
        return self._held


class _PrivateView:
    """ASCII where the text is ASCII; bytes that are something else where they stand, as private characters.

    Decoding and encoding again would keep the text but not the bytes, and would lose those that are broken.
    """

    def __init__(self, charset: str, url_charset: str) -> None:
        self.scanner_charset: str | None = None
        self.url_charset: str | None = url_charset
        self._codec = charset
        self._held = b""

    def encode(self, text: str) -> bytes:
        """The bytes of a piece of the text."""
        return text.translate(_FROM_PRIVATE).encode("latin-1", "xmlcharrefreplace")

    def read(self, value: str) -> str:
        """The text behind the private characters."""
        return _PRIVATE_RUN.sub(self._real, value)

    def tail(self) -> bytes:
        """Every byte is text."""
        return b""

    def _real(self, run: re.Match[str]) -> str:
        return run.group(0).translate(_FROM_PRIVATE).encode("latin-1").decode(self._codec, "replace")


class ShiftedView(_PrivateView):
    """ISO-2022-JP: the bytes in a shifted state, and the shifts, are private."""

    def __init__(self, charset: str) -> None:
        super().__init__(charset, charset)
        self._shifted = False

    def decode(self, data: bytes) -> str:
        """What `data` completes."""
        data = self._held + data
        cut = data.rfind(b"\x1b", -2)
        end = len(data) if cut < 0 else cut
        self._held = data[end:]
        return self._seen(data[:end])

    def finish(self) -> str:
        """The beginning of a shift that never came."""
        held, self._held = self._held, b""
        return self._seen(held)

    def _seen(self, data: bytes) -> str:
        pieces: list[str] = []
        at = 0
        for match in _ESCAPE.finditer(data):
            pieces.append(self._as_text(data[at : match.start()]))
            pieces.append(_private(match.group(0)))
            self._shifted = match.group(0) not in _BACK_TO_ASCII
            at = match.end()
        pieces.append(self._as_text(data[at:]))
        return "".join(pieces)

    def _as_text(self, data: bytes) -> str:
        return _private(data) if self._shifted else data.decode("latin-1")


class _Pairs(NamedTuple):
    """How a multi-byte encoding is taken apart (WHATWG Encoding, sections 10 to 13).

    Attributes:
        codec: that decodes it.
        runs: characters beyond ASCII, as many as are complete.
        character: one of them.
        begun: the beginning of one, at the end of the data.
    """

    codec: str
    runs: re.Pattern[bytes]
    character: re.Pattern[bytes]
    begun: re.Pattern[bytes]


def _pairs(codec: str, character: bytes, begun: bytes) -> _Pairs:
    runs = rb"(?:%b|(?!(?:%b)\Z)[\x80-\xff])++" % (character, begun)
    return _Pairs(codec, re.compile(runs), re.compile(rb"%b|[\x80-\xff]" % character), re.compile(rb"(?:%b)\Z" % begun))


_LEAD = rb"[\x81-\xfe]"
_CHINESE = _pairs(
    "gb18030",
    rb"(?:%b[\x40-\x7e\x80-\xfe]|(?:%b[0-9]){2})" % (_LEAD, _LEAD),
    rb"%b(?:[0-9]%b?)?" % (_LEAD, _LEAD),
)
_PAIRS = {
    "cp932": _pairs("cp932", rb"[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc]", rb"[\x81-\x9f\xe0-\xfc]"),
    "gbk": _CHINESE,
    "gb18030": _CHINESE,
    "big5hkscs": _pairs("big5hkscs", _LEAD + rb"[\x40-\x7e\xa1-\xfe]", _LEAD),
    "cp949": _pairs("cp949", _LEAD + rb"[\x41-\x5a\x61-\x7a\x81-\xfe]", _LEAD),
}


class PairedView(_PrivateView):
    """Shift_JIS, GB18030, Big5 and EUC-KR, where the second byte of a character may look like a backslash or a brace."""

    def __init__(self, charset: str) -> None:
        self._pairs = _PAIRS[charset]
        super().__init__(self._pairs.codec, charset)

    def decode(self, data: bytes) -> str:
        """What `data` completes."""
        data = self._held + data
        pieces: list[str] = []
        at = 0
        for run in self._pairs.runs.finditer(data):
            pieces += (data[at : run.start()].decode("ascii"), self._as_text(run.group(0)))
            at = run.end()
        begun = self._pairs.begun.search(data, at)
        end = begun.start() if begun else len(data)
        self._held = data[end:]
        return "".join((*pieces, data[at:end].decode("ascii")))

    def finish(self) -> str:
        """The beginning of a character that has no end."""
        held, self._held = self._held, b""
        return _bytewise(held)

    def _as_text(self, run: bytes) -> str:
        try:
            run.decode(self._codec)
        except UnicodeDecodeError:
            return "".join(map(self._character, self._pairs.character.findall(run)))
        return _private(run)

    def _character(self, data: bytes) -> str:
        """Of what is no character after all, ASCII is ASCII."""
        try:
            data.decode(self._codec)
        except UnicodeDecodeError:
            return _bytewise(data)
        return _private(data)


def _private(data: bytes) -> str:
    return data.decode("latin-1").translate(_TO_PRIVATE)


def _bytewise(data: bytes) -> str:
    return "".join(chr(byte) if byte < 0x80 else chr(_PRIVATE + byte) for byte in data)


def view_of(charset: Charset) -> View:
    """The view for an encoding."""
    if charset.name in ("utf-16-le", "utf-16-be"):
        return Utf16View(charset.name)
    if charset.name == "iso2022_jp":
        return ShiftedView(charset.name)
    if charset.name in _PAIRS:
        return PairedView(charset.name)
    return TransparentView(charset.name)
